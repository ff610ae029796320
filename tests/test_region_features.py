"""Features of regions: what their file may say, and what is wrong told at once."""

import pytest

from loftet_analysis.batch.cli import main
from loftet_analysis.batch.fingerprints import description_digest
from loftet_analysis.errors import InputError
from loftet_analysis.show.languages import reader
from loftet_analysis.study import load_study
from loftet_analysis.study.features import read_features
from tests.test_study import write  # noqa: F401 (a fixture)

DECLARED = (
    "analysis:\n",
    "analysis:\n  region_features:\n    file: regions.csv\n"
    "    features: {travel: {nb: reisetid, en: travel}, urban: by}\n",
)
FILE = 'region,county,Travel,urban\nTroms - Romsa - Tromssa,55,"2,5",0\noslo,03,0.4,1\n'
REGIONS = ("troms", "oslo")


@pytest.fixture
def study(write):  # noqa: F811
    folder = write(DECLARED)
    (folder / "regions.csv").write_text(FILE, encoding="utf-8")
    return folder


def test_features_stand_beside_the_regions_and_have_names(study):
    loaded = load_study("trial")
    assert loaded.region_features.to_dict("index") == {
        "troms": {"travel": 2.5, "urban": 0.0}, "oslo": {"travel": 0.4, "urban": 1.0},
    }  # fmt: skip
    assert {*loaded.region_features.index} == {*loaded.regions["region"]}
    assert reader(loaded, "nn").features == {"travel": "reisetid", "urban": "by"}
    assert reader(loaded, "en").features == {"travel": "travel", "urban": "by"}


def test_a_study_without_features_has_none(write):  # noqa: F811
    write()
    assert load_study("trial").region_features.empty


def test_a_change_of_the_file_is_a_change_of_the_description(study):
    before = description_digest("trial")
    (study / "regions.csv").write_text(FILE.replace("0.4", "0.5"), encoding="utf-8")
    assert description_digest("trial") != before


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16"])
def test_files_as_spreadsheets_save_them(tmp_path, delimiter, encoding):
    rows = [["Region", "Innbyggere"], ["Østfold", "12 345"], ["Møre og Romsdal", "\u22121,5"]]
    if encoding == "cp1252":
        rows[2][1] = "-1,5"
    text = "\n".join(delimiter.join(row) for row in rows)
    (tmp_path / "f.csv").write_text(f"{text}\n", encoding=encoding)
    regions = ("ostfold", "more-og-romsdal")
    found, problems = read_features(tmp_path / "f.csv", ["innbyggere"], regions)
    assert problems == []
    assert found["innbyggere"].to_dict() == {"ostfold": 12345.0, "more-og-romsdal": -1.5}


def test_all_faults_of_rows_are_told_at_once(study, capsys):
    wrong = "region,travel,urban\nTromso,1,0\nOslo,,0\nOslo,2,0\nOslo,3,many\n,1,12 %\n"
    (study / "regions.csv").write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_study("trial")
    found = [(p.what, p.where.removeprefix("data_raw/trial/")) for p in error.value.problems]
    assert found == [
        ("a region that the register does not have", "regions.csv, row 2"),
        ("travel is not a number", "regions.csv, row 3"),
        ("features of a region twice", "regions.csv, row 5"),
        ("urban is not a number", "regions.csv, row 5"),
        ("a region that the register does not have", "regions.csv, row 6"),
        ("urban is not a number", "regions.csv, row 6"),
    ]
    assert main(["check", "trial"]) == 2
    assert "did you mean troms?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "file of features cannot be read"),
        ("region,urban\nTroms,1\nOslo,0\n", "missing column: travel"),
        ("travel,urban\n1,1\n0,0\n", "missing column: region"),
        ("region,travel,urban,Urban\nTroms,1,1,1\nOslo,0,0,0\n", "column stands twice"),
        ("region,travel,urban\nTroms,1,1\n", "regions without features"),
        ("region,travel,urban\n", "regions without features"),
        ("region,travel,urban\nTroms,1,1\nOslo,1,0\n", "travel is the same in all regions"),
    ],
)
def test_files_that_do_not_say_it_of_every_region_are_refused(study, text, what):
    (study / "regions.csv").unlink()
    if text is not None:
        (study / "regions.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_study("trial")
    assert [problem.what for problem in error.value.problems] == [what]


@pytest.mark.parametrize(
    "declared",
    ["regions.csv", "{file: regions.csv}", "{file: regions.csv, features: {}}",
     "{file: regions.csv, features: {by og land: x}}"],
)  # fmt: skip
def test_what_study_yml_says_of_them_has_its_form(write, declared):  # noqa: F811
    write(("analysis:\n", f"analysis:\n  region_features: {declared}\n"))
    with pytest.raises(InputError) as error:
        load_study("trial")
    assert all("study.yml, line" in problem.where for problem in error.value.problems)
