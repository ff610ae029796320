"""The study of real data that is kept with the project: its description fits its file."""

import csv

import pytest

from loftet_analysis.study import load_study, missing_exports, plan


@pytest.fixture(scope="module")
def study():
    return load_study("sats")


@pytest.fixture(scope="module")
def rows(study):
    with study.export_path("sats_s.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_loads_with_its_data(study):
    assert missing_exports(study) == []
    assert study.disclosure == "open"
    assert study.languages == ("en",)
    assert study.years_between("pupils") == 0


def test_its_plan_is_the_linked_change_and_the_levels_of_six_scales(study):
    rows = plan(study)
    assert rows["outcome"].nunique() == 6
    assert set(rows["estimand"]) == {"linked_change", "school_change", "lowest_fifth", "level"}
    assert set(rows.loc[rows["estimand"] == "level", "wave"]) == {"pre", "post"}
    assert set(rows["question"]) == {""}


def test_its_items_are_columns_of_the_file_in_both_waves(study, rows):
    pupils = study.populations["pupils"]
    assert len(pupils.instrument.items) == 36
    for wave, (file,) in pupils.files.items():
        for scale, item in pupils.instrument.items.values():
            assert not item.reversed
            assert scale.needed == len(scale.items)
            assert file.header(item.columns[0]) in rows[0], (wave, item.name)
        for column in (*pupils.columns, "link"):
            assert any(header in rows[0] for header in pupils.headers(column, wave)), column


def test_its_background_columns_are_those_without_a_wave_where_both_waves_share_them(study, rows):
    pupils = study.populations["pupils"]
    found = {
        column: next(h for h in pupils.headers(column, "post") if h in rows[0])
        for column in (*pupils.columns, "link")
    }
    assert found == {
        "school_id": "CourseID",
        "submitted": "Post.StartTime",
        "link": "StudentID",
    }


def test_its_answers_are_in_range(study, rows):
    responses = study.populations["pupils"].instrument.responses["agree7"]
    answers = {
        row[file.header(item.columns[0])]
        for (file,) in study.populations["pupils"].files.values()
        for _, item in study.populations["pupils"].instrument.items.values()
        for row in rows
    }
    assert answers - {""} == {str(value) for value in responses.labels}


def test_its_register_holds_every_course_under_its_term(study, rows):
    terms = dict(zip(study.schools["school_id"], study.schools["region_name"], strict=True))
    assert {row["CourseID"] for row in rows} == set(terms)
    assert len(terms) == 122
    assert all(terms[row["CourseID"]] == row["Semester"].capitalize() for row in rows)
    assert list(study.regions["region"]) == [
        "fall-2007", "spring-2008", "fall-2008", "spring-2009", "fall-2009", "winter-2010",
        "spring-2010",
    ]  # fmt: skip


def test_the_data_name_their_source_and_licence(study):
    readme = (study.folder / "README.md").read_text(encoding="utf-8")
    licence = (study.folder / "LICENSE.md").read_text(encoding="utf-8")
    for text in (readme, licence):
        assert "SDSattitudes/SATSdata" in text
        assert "66bf93d" in text
    assert "CC BY-SA 4.0" in readme
    assert "https://creativecommons.org/licenses/by-sa/4.0/" in licence
