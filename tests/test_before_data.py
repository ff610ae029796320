"""A study planned before it has data: assumptions, what is shown, and the way of the batch."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import loftet_analysis as la
from loftet_analysis import paths, schema
from loftet_analysis.analysis.planning import ASSUMED, TYPICAL, assumptions, planned
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.fingerprints import CLEAN, read_manifest, record
from loftet_analysis.batch.plan import all_tasks, known_tasks
from loftet_analysis.disclosure.gate import gate, passed
from loftet_analysis.errors import DisclosureError, InputError
from loftet_analysis.show import alt_texts
from loftet_analysis.show.languages import Words
from loftet_analysis.stats.power import DESIGNS, Design, schools_needed
from loftet_analysis.study import load_study
from tests import tiny_study
from tests.small_demo import build_root

NOTEBOOK = "12_planning"
SIZES = [8, 12, 30, 150]
EVERY = pd.DataFrame(
    [
        ("pupils", "linked_change"), ("pupils", "same_grade"),
        ("teachers", "participants_vs_colleagues"), ("teachers", "linked_change"),
    ], columns=["population", "estimand"],
)  # fmt: skip
EVERY = EVERY.assign(
    people=[50.0, 50.0, 6.0, 6.0], icc=0.05, r=0.5, r_schools=0.6, attrition=0.3, cv=0.5,
    participants=0.5, ci_level=0.95, own=["", "icc", "", "icc;people"],
)  # fmt: skip
NO_MASK = pd.DataFrame(columns=schema.MASK)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A study.yml and an instrument: no register of schools, no export."""
    root = tmp_path / "Løftet test"
    build_root(root)
    folder = tiny_study.build(root)
    (folder / "schools.csv").unlink()
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    return root


def name(root: Path, notebooks: str) -> None:
    file = root / "data_raw/tiny/study.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}notebooks: {notebooks}\n", encoding="utf-8")


def tasks(*notebooks: str) -> list[str]:
    return [task.name for task in all_tasks(load_study("tiny"), notebooks=notebooks or None)]


def test_a_study_yml_alone_gives_the_page(root, capsys):
    name(root, "[mine/*]")  # of which there are none
    assert main(["run", "tiny", "--notebook", NOTEBOOK, "--language", "en"]) == 0
    page = paths.reports("tiny") / "en" / "national" / f"{NOTEBOOK}.html"
    html = page.read_text(encoding="utf-8")
    first = html.index("schools are enough to see a change of 0.10 standard deviations")
    assert html.index("How many schools are enough?") < first < html.index("<table")
    assert html.count("<figure") == 5
    assert html.count("Curves that") == 5
    assert "There are no answers yet" in html
    assert "not computed" not in html
    assert f"{NOTEBOOK}.html" in (paths.reports("tiny") / "index.html").read_text(encoding="utf-8")
    assert not (paths.clean("tiny") / "units.csv").exists()
    assert CLEAN not in read_manifest("tiny")
    told = capsys.readouterr()
    assert "1 run, 0 failed" in told.out
    assert main(["run", "tiny", "--notebook", NOTEBOOK, "--language", "en"]) == 0
    assert "0 run, 0 failed, 1 up to date" in capsys.readouterr().out
    # everything else says what is lacking
    shutil.rmtree(root / "data_raw/tiny/instruments", ignore_errors=False)
    assert main(["run", "tiny", "--notebook", NOTEBOOK]) == 2
    assert "instrument" in capsys.readouterr().err


@pytest.mark.parametrize("notebooks", ["any/*", "any/01_fieldwork", "[region/*, national/*]"])
def test_planning_runs_by_its_name_only_and_whatever_study_yml_names(root, notebooks):
    name(root, notebooks)
    assert tasks(NOTEBOOK) == ["national/12_planning"]
    (root / "data_raw/tiny/schools.csv").write_text(tiny_study.SCHOOLS, encoding="utf-8")
    assert tasks(NOTEBOOK) == ["national/12_planning"]
    assert len(tasks()) > 1
    assert "national/12_planning" not in tasks()
    (task,) = all_tasks(load_study("tiny"), notebooks=[NOTEBOOK])
    assert task.of_country
    assert not task.needs_data


def test_without_its_register_a_study_can_be_planned_only(root, capsys):
    name(root, "any/01_fieldwork")
    assert main(["run", "tiny"]) == 2
    assert "school register cannot be read" in capsys.readouterr().err


def test_a_page_of_planning_is_kept_up_to_date_once_it_was_asked_for(root):
    entry = {"state": "done", "parts": {}, "reads": [], "languages": ["nb"]}
    record("tiny", {"national/12_planning": entry})
    assert "national/12_planning" in tasks()
    assert "national/12_planning" in [task.name for task in known_tasks(load_study("tiny"))]


def test_a_notebook_of_that_name_of_the_study_itself_comes_first(root):
    mine = root / "notebooks/mine"
    mine.mkdir()
    shutil.copy(root / "notebooks/planning/12_planning.ipynb", mine)
    name(root, "[mine/*]")
    (task,) = all_tasks(load_study("tiny"), notebooks=[NOTEBOOK])
    assert task.file == "mine/12_planning"
    assert task.needs_data


def test_unknown_names_and_other_notebooks_still_stop(root, capsys):
    name(root, "[mine/*]")
    assert main(["run", "tiny", "--notebook", NOTEBOOK, "--notebook", "01_fieldwork"]) == 2
    assert "no notebook of that name" in capsys.readouterr().err
    assert main(["run", "tiny", "--notebook", "12_plannning"]) == 2
    assert NOTEBOOK in capsys.readouterr().err


def test_after_the_first_wave_icc_and_people_are_the_studys_own_and_correlations_are_not(root):
    spread = pd.DataFrame(
        {"population": "pupils", "wave": ["pre", "pre", "post"], "n": [400, 420, 50],
         "n_clusters": [10, 10, 10], "icc": [0.08, 0.10, 0.5]}
    )  # fmt: skip
    found = assumptions(load_study("tiny"), spread).iloc[0]
    assert (found["icc"], found["people"], found["r"]) == (0.09, 41.0, TYPICAL["pupils"]["r"])
    assert found["own"] == "icc;people"


def test_what_is_assumed_is_the_registers_and_the_studys_own_where_they_tell():
    study = load_study("demo")
    found = assumptions(study)
    assert tuple(found.columns) == ASSUMED
    invited = study.schools["invited_pupils_pre"]
    pupils = found[found["population"] == "pupils"].iloc[0]
    assert pupils["people"] == pytest.approx(0.8 * invited.mean(), abs=0.05)
    assert pupils["cv"] == pytest.approx(invited.std(ddof=0) / invited.mean(), abs=0.005)
    assert set(found["estimand"]) == set(DESIGNS)
    assert "leaders" not in set(found["population"])  # nobody is linked, and there are no grades
    changes = pd.DataFrame(
        {"population": "pupils", "r_pre_post": [0.6, 0.7, np.nan], "icc_change": [0.04, 0.06, 0.1]}
    )
    spread = pd.DataFrame(
        {"population": "pupils", "wave": "pre", "n": [100], "n_clusters": [4], "icc": [0.05]}
    )
    own = assumptions(study, spread, changes).iloc[0]
    assert own["r"] == 0.65
    variance = np.median([0.04 * 0.8, 0.06 * 0.6])
    assert own["r_schools"] == pytest.approx(1 - variance / 0.1, abs=0.006)
    rows = planned(assumptions(study, spread, changes).head(1), schools=[20])
    assert rows["change_variance"].iloc[0] == pytest.approx(variance, abs=0.001)


def test_who_is_found_again_is_the_studys_own_once_both_waves_are_there():
    study = load_study("demo")
    response = pd.DataFrame(
        {"population": "pupils", "subgroup": ["all", "all", "grade=7"],
         "wave": ["pre", "post", "pre"], "n_kept": [1000, 900, 50], "n_linked": [550, 550, 1]}
    )  # fmt: skip
    found = assumptions(study, response=response).set_index(["population", "estimand"])
    assert found.loc[("pupils", "linked_change"), "attrition"] == 0.45
    assert found.loc[("pupils", "same_grade"), "attrition"] == 0.1
    assert found.loc[("pupils", "linked_change"), "own"].endswith("attrition")
    assert found.loc[("teachers", "linked_change"), "own"] == "people;cv"
    first = assumptions(study, response=response[response["wave"] == "pre"])
    assert first["attrition"].tolist() == [0.3, 0.1, 0.3, 0.3]
    nobody = assumptions(study, response=response.assign(n_linked=0))
    assert nobody["attrition"].tolist() == [0.3, 0.1, 0.3, 0.3]


@pytest.mark.parametrize("icc", [-0.01, 0.0, np.nan, 0.9])
@pytest.mark.parametrize("r", [-0.2, 0.0, 1.0, np.nan])
def test_whatever_a_study_measures_can_be_planned_with(icc, r):
    study = load_study("demo")
    spread = pd.DataFrame(
        {"population": "pupils", "wave": "pre", "n": [90], "n_clusters": [3], "icc": [icc]}
    )
    changes = pd.DataFrame({"population": "pupils", "r_pre_post": [r], "icc_change": [0.9]})
    rows = planned(assumptions(study, spread, changes), schools=SIZES, effect=0.1)
    assert np.isfinite(rows[["se", "df", "mdes", "power"]].to_numpy()).all()
    assert np.isfinite(planned(assumptions(study, spread, changes), effect=0.1)["mdes"]).all()


def test_a_plan_is_the_engines_and_as_many_schools_as_are_needed():
    rows = planned(EVERY, effect=0.15)
    assert tuple(rows.columns) == schema.PLANNED
    for row, assumed in zip(rows.to_dict("records"), EVERY.to_dict("records"), strict=True):
        design = Design(
            assumed["estimand"], 1000, assumed["people"], 0.04, r=0.5, icc=0.05, attrition=0.3,
            cv=0.5, contrast_variance=0.04,
        )  # fmt: skip
        assert row["schools"] == schools_needed(design, 0.15)
        assert row["mdes"] <= 0.15
        assert row["power"] > 0.79
    grid = planned(EVERY, schools=SIZES, effect=0.1, icc=[0.02, 0.1], people=[5, 10])
    assert len(grid) == 4 * 2 * 2 * len(SIZES)
    with pytest.raises(InputError, match="no number of schools"):
        planned(EVERY)


def test_a_plan_passes_the_gate_only_as_it_follows_from_its_assumptions():
    rows = planned(EVERY, schools=SIZES, effect=0.1)
    shown = gate(rows, NO_MASK, "public")
    assert passed(shown)
    assert not shown["suppressed"].any()
    pd.testing.assert_frame_equal(pd.DataFrame(shown)[list(rows)], rows)
    # a result of real people does not come through under a plan's columns
    for column in ("mdes", "se", "df", "power"):
        with pytest.raises(DisclosureError, match="do not follow"):
            gate(rows.assign(**{column: rows[column] * 1.001}), NO_MASK, "public")
    with pytest.raises(DisclosureError):
        gate(rows.drop(columns="own"), NO_MASK, "public")
    with pytest.raises(DisclosureError):
        gate(rows.assign(mean_pre=3.14), NO_MASK, "public")
    assert passed(gate(rows.head(0), NO_MASK, "public"))


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_it_is_shown_in_every_language(language):
    words = Words(language)
    needed = planned(EVERY, effect=0.1)
    here = planned(EVERY, schools=[165], effect=0.1)
    told = la.sentences.how_many(needed, words=words, here=here).split("\n\n")
    assert len(told) == 6
    for row, sentence in zip(needed.to_dict("records"), told, strict=False):
        assert words.count(row["schools"]) in sentence
        assert words.number(0.1) in sentence
    assert words.number(here["mdes"].iloc[0]) in told[4]
    assumed = la.tables.assumed(needed.assign(suppressed=False), words=words).html
    assert assumed.count("<tr>") >= 8
    table = la.tables.planned(planned(EVERY, schools=SIZES, effect=0.1), words=words).html
    assert table.count('<th scope="row">') == len(SIZES)
    assert table.count("<td>") == 4 * len(SIZES)


def test_curves_are_of_what_is_tried_and_read_aloud():
    words = Words("en")
    rows = planned(EVERY, schools=SIZES, effect=0.1, icc=[0.02, 0.05, 0.1])
    drawing = la.figures.mdes(rows, words=words)
    axes = drawing.figure.axes
    assert len(axes) == 4
    assert [text.get_text() for text in drawing.figure.legends[0].get_texts()] == [
        "ICC 0.02", "ICC 0.05", "ICC 0.10",
    ]  # fmt: skip
    first = rows[(rows["population"] == "pupils") & (rows["estimand"] == "linked_change")]
    lines = [line for line in axes[0].get_lines() if len(line.get_xdata()) == len(SIZES)]
    drawn = {tuple(np.round(line.get_ydata(), 9)) for line in lines}
    assert drawn == {tuple(np.round(each["mdes"], 9)) for _, each in first.groupby("icc")}
    assert drawing.alt.count("SD with 8 schools") == 2
    assert drawing.alt.endswith("And 2 more. Curves that fall with the number of schools.")
    assert words.number(first["mdes"].max()) in drawing.alt
    effects = pd.concat([planned(EVERY, schools=SIZES, effect=each) for each in (0.05, 0.2)])
    drawing = la.figures.power(effects, words=words)
    assert [text.get_text() for text in drawing.figure.legends[0].get_texts()] == [
        "0.05 SD", "0.20 SD",
    ]  # fmt: skip
    assert next(iter(alt_texts.describe_power(effects, words))) in drawing.alt
    alone = la.figures.mdes(planned(EVERY.head(1), schools=SIZES, effect=0.1), words=words)
    assert len(alone.figure.axes) == 1
    assert not alone.figure.legends


def test_nothing_to_plan_is_one_line():
    study = la.open_study("sats", language="en")
    nothing = la.gate(planned(EVERY.head(0), schools=SIZES, effect=0.1), study)
    for draw in (la.sentences.how_many, la.tables.assumed, la.tables.planned, la.figures.mdes):
        assert study.render(nothing, draw).first.html.startswith('<p class="nothing">')
