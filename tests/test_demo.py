"""The demo study: its people, the files it writes, and the truth about it."""

import csv
import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from python_calamine import CalamineWorkbook

from benchmarks.truth import true_changes
from loftet_analysis.demo import exports
from loftet_analysis.demo.exports import write_demo
from loftet_analysis.demo.people import draw_pupils, draw_teachers, stream
from loftet_analysis.demo.regions import chosen, following, regions
from loftet_analysis.demo.sheets import region_sheets
from loftet_analysis.demo.traits import PLANTED, VARIANCES
from loftet_analysis.errors import InputError
from loftet_analysis.names import POST, PRE
from loftet_analysis.study import load_instrument, load_study, plan
from loftet_analysis.study.schools import slug

REPOSITORY = Path(__file__).parents[1]
KEPT = ("study.yml", "README.md", "plan.md", "schools.csv", "regions.csv")
GENERATED = (
    exports.PUPILS_PRE,
    exports.PUPILS_POST,
    exports.TEACHERS_PRE,
    exports.TEACHERS_POST,
    exports.LEADERS_POST,
    exports.ATTENDANCE,
    exports.LEADERS_ATTENDANCE,
)


def written(root: Path, *slugs: str, seed: int = exports.SEED) -> Path:
    """The folder of a demo written in a project of its own."""
    (root / "data_raw").mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOFTET_ROOT", str(root))
        write_demo(slugs or None, seed=seed)
    return root / "data_raw" / "demo"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("whole demo æøå"))


@pytest.fixture(scope="module")
def nordland(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("nordland"), "nordland")


def read_csv(path: Path) -> pd.DataFrame:
    text = path.read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    return pd.DataFrame(rows[1:], columns=rows[0])


def read_xlsx(path: Path) -> pd.DataFrame:
    heading, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return pd.DataFrame(rows, columns=heading)


def of_school(rows: pd.DataFrame, column: str, region: str) -> pd.DataFrame:
    (found,) = chosen([region])
    texts = {text for school in found.schools for text in (school.school_id, school.name)}
    return rows[rows[column].isin(texts)].reset_index(drop=True)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def valid_check_digit(number: str) -> bool:
    weights = (3, 2, 7, 6, 5, 4, 3, 2, 1)
    return sum(int(d) * w for d, w in zip(number, weights, strict=True)) % 11 == 0


def test_regions_are_the_fifteen_counties_with_their_official_names():
    found = {region.slug: region.name for region in regions()}
    assert len(found) == 15
    assert all(slug(name) == short for short, name in found.items())
    assert found["nordland"] == "Nordland - Nordlánnda"
    assert found["troms"] == "Troms - Romsa - Tromssa"
    assert found["more-og-romsdal"] == "Møre og Romsdal"


def test_schools_are_unique_and_their_ids_lie_where_no_number_is_in_use():
    schools = [school for region in regions() for school in region.schools]
    assert len({school.school_id for school in schools}) == len(schools)
    assert len({school.name for school in schools}) == len(schools)
    for school in schools:
        assert re.fullmatch(r"1\d{8}", school.school_id)
        assert valid_check_digit(school.school_id)


def test_a_larger_demo_has_the_same_regions_and_participants_and_more_schools():
    for region, larger in zip(regions(), regions(3), strict=True):
        own, more = larger.schools[: len(region.schools)], larger.schools
        assert own == region.schools
        assert len(more) == 3 * len(own)
        assert len({school.school_id for school in more}) == len(more)
        assert len({school.name for school in more}) == len(more)
        assert sum(school.participants for school in more) == 30
        assert following(larger) in regions(3)
        for school in more:
            fed = more[school.feeds]
            assert fed.lower_secondary
            assert fed.municipality == school.municipality


@pytest.mark.parametrize("region", regions(), ids=lambda region: region.slug)
def test_each_primary_school_feeds_a_school_of_its_municipality(region):
    assert 9 <= len(region.schools) <= 12
    assert sum(school.participants for school in region.schools) == 30
    assert min(school.participants for school in region.schools) >= 2
    for place, school in enumerate(region.schools):
        target = region.schools[school.feeds]
        assert target.lower_secondary
        assert target.municipality == school.municipality
        assert school.primary or school.feeds == place


def test_unknown_regions_are_refused_all_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    with pytest.raises(InputError) as refused:
        write_demo(["oslo", "bergen", "sapmi"])
    assert [problem.found for problem in refused.value.problems] == ["bergen", "sapmi"]
    assert not any(tmp_path.iterdir())


def test_what_is_planted_names_the_scales_of_the_instruments():
    for population, instrument in (
        ("pupils", "pupil"),
        ("teachers", "teacher"),
        ("leaders", "leader"),
    ):
        assert list(PLANTED[population]) == list(load_instrument(instrument).scales)
        shares = VARIANCES[population]
        assert sum(vars(shares).values()) == pytest.approx(1)


def test_pupils_move_up_two_grades_and_to_the_next_school():
    (region,) = chosen(["nordland"])
    pupils = draw_pupils(region, stream(1, "nordland", "people", "pupils"), replicates=20)
    pupils["replicate"] *= len(region.schools)
    for wave in (PRE, POST):
        here = pupils[pupils[f"school_{wave}"] >= 0]
        assert here[f"grade_{wave}"].between(5, 10).all()
        schools = [region.schools[place] for place in here[f"school_{wave}"] - here["replicate"]]
        primary = here[f"grade_{wave}"] <= 7
        assert all(
            school.primary if low else school.lower_secondary
            for school, low in zip(schools, primary, strict=True)
        )
    assert (pupils["grade_post"] == pupils["grade_pre"] + 2).all()
    both = pupils[(pupils["school_pre"] >= 0) & (pupils["school_post"] >= 0)]
    assert set(both["grade_pre"]) == {5, 6, 7, 8}
    assert set(pupils.loc[pupils["school_post"] < 0, "grade_pre"]) == {5, 6, 7, 8, 9, 10}
    assert set(pupils.loc[pupils["school_pre"] < 0, "grade_post"]) == {5, 6, 7, 8, 9, 10}
    moved = both["school_pre"] != both["school_post"]
    assert 0.3 < moved.mean() < 0.6
    stayers = both["grade_pre"] == 5
    assert 0.01 < moved[stayers].mean() < 0.06


def test_answering_depends_on_grade_and_role_alone():
    (region,) = chosen(["oslo"])
    pupils = draw_pupils(region, stream(1, "oslo", "people", "pupils"), replicates=40)
    for wave in (PRE, POST):
        here = pupils[pupils[f"school_{wave}"] >= 0]
        share = here.groupby(f"grade_{wave}")[f"answers_{wave}"].mean()
        assert share.between(0.74, 0.86).all()
        assert share[5] > share[10]
    teachers = draw_teachers(region, stream(1, "oslo", "people", "teachers"), replicates=100)
    here = teachers[teachers["school_pre"] >= 0]
    assert 0.55 < here["answers_pre"].mean() < 0.68
    attended = teachers.loc[teachers["participant"], "gatherings"]
    assert attended.mean() == pytest.approx(8.5, abs=0.15)
    assert attended.std() == pytest.approx(1.5, abs=0.15)


def test_a_region_is_the_same_whichever_others_are_written(nordland, tmp_path):
    both = written(tmp_path, "oslo", "nordland")
    name = of_school(read_csv(nordland / exports.PUPILS_PRE), "skole", "nordland")
    assert len(name) > 1000
    pd.testing.assert_frame_equal(
        name, of_school(read_csv(both / exports.PUPILS_PRE), "skole", "nordland")
    )
    for read, file, column in (
        (lambda path: pyreadstat.read_sav(path)[0], exports.PUPILS_POST, "skole"),
        (read_csv, exports.LEADERS_POST, "skole"),
        (read_xlsx, exports.TEACHERS_POST, "skole"),
    ):
        alone, among = (
            of_school(read(folder / file), column, "nordland") for folder in (nordland, both)
        )
        assert len(alone) > 5
        pd.testing.assert_frame_equal(alone, among)
    lines = set((both / exports.TEACHERS_PRE).read_bytes().split(b"\r\n"))
    assert set((nordland / exports.TEACHERS_PRE).read_bytes().split(b"\r\n")) <= lines
    register = (both / "schools.csv").read_text(encoding="utf-8").splitlines()
    assert register[1].split(",")[2].startswith("Oslo")
    assert set((nordland / "schools.csv").read_text(encoding="utf-8").splitlines()) <= set(register)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(nordland, tmp_path):
    again = digests(written(tmp_path / "again", "nordland"))
    assert again == digests(nordland)
    assert set(again) == {*KEPT, *GENERATED}
    other = digests(written(tmp_path / "other", "nordland", seed=7))
    assert {name for name in again if other[name] == again[name]} == {
        "study.yml", "README.md", "plan.md", "regions.csv",
    }  # fmt: skip


def test_committed_description_is_what_is_written(whole):
    for name in KEPT:
        assert (REPOSITORY / "data_raw" / "demo" / name).read_bytes() == (whole / name).read_bytes()


def test_numbers_of_answers_are_those_of_a_region(whole):
    register = pd.read_csv(whole / "schools.csv", dtype=str).set_index("school_id")
    name = register.reset_index().set_index("school")["region"]
    region = register["region"]
    pupils = {
        PRE: read_csv(whole / exports.PUPILS_PRE)["skole"].map(name),
        POST: pyreadstat.read_sav(whole / exports.PUPILS_POST)[0]["skole"].map(region),
    }
    for wave, regions_of_sheets in pupils.items():
        counts = regions_of_sheets.value_counts()
        assert counts.between(1200, 2000).all()
        assert len(counts) == 15
        invited = register[f"invited_pupils_{wave}"].astype(int).groupby(region).sum()
        assert (counts / invited).between(0.75, 0.86).all()
    teachers = read_xlsx(whole / exports.TEACHERS_POST)["skole"].map(region).value_counts()
    invited = register["invited_teachers_post"].astype(int).groupby(region).sum()
    assert 0.5 < teachers.sum() / invited.sum() < 0.7
    assert (teachers / invited).between(0.45, 0.8).all()
    invited = register["invited_teachers_pre"].astype(int).groupby(region).sum() - 30
    assert invited.between(60, 90).all()
    assert register["invited_leaders_post"].astype(int).ge(1).all()
    assert sum(path.stat().st_size for path in whole.iterdir()) < 15e6


def test_pupils_are_found_again_by_their_codes(whole):
    before = read_csv(whole / exports.PUPILS_PRE)
    after, _ = pyreadstat.read_sav(whole / exports.PUPILS_POST)
    before = before[~before["kode"].isin(["", "TEST"])].drop_duplicates("kode", keep=False)
    after = after[~after["kode"].isin(["", "TEST"])].drop_duplicates("kode", keep=False)
    found = before.merge(after, on="kode", suffixes=("_pre", "_post"))
    grade = found["trinn_pre"].str.removesuffix(". trinn").astype(int)
    assert (found["trinn_post"] - grade).eq(2).mean() > 0.995
    findable = before["trinn"].isin([f"{grade}. trinn" for grade in (5, 6, 7, 8)]).sum()
    assert 0.5 < len(found) / findable < 0.75
    register = pd.read_csv(whole / "schools.csv", dtype=str)
    home = found["skole_pre"].map(register.set_index("school")["region"])
    there = found["skole_post"].map(register.set_index("school_id")["region"])
    crossed = found[(home != there).to_numpy() & (found["trinn_post"] == grade + 2).to_numpy()]
    assert 20 <= len(crossed) <= 60
    targets = {region.name: following(region).name for region in regions()}
    assert (home[crossed.index].map(targets) == there[crossed.index]).all()


def test_nettskjema_files_have_its_literal_form(nordland):
    for file in (exports.PUPILS_PRE, exports.TEACHERS_PRE, exports.LEADERS_POST):
        raw = (nordland / file).read_bytes()
        assert raw.startswith(b'\xef\xbb\xbf"$submission_id";"$created";')
        assert raw.endswith(b'"\r\n')
        assert raw.count(b"\n") == raw.count(b"\r\n")
        lines = raw.decode("utf-8-sig").split("\r\n")[:-1]
        assert lines[0].endswith(';"$answer_time_ms"')
        assert all(re.fullmatch(r'"[^"]*"(;"[^"]*")*', line) for line in lines)
        rows = read_csv(nordland / file)
        numbers = rows["$submission_id"].astype(int)
        assert numbers.is_monotonic_increasing
        assert numbers.is_unique
        assert rows["$created"].str.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+0[12]:00").all()


def test_codebook_export_of_pupils(nordland):
    rows = read_csv(nordland / exports.PUPILS_PRE)
    items = load_instrument("pupil").items
    codes = [item.codes[-1] for _, item in items.values()]
    assert list(rows)[2:-1] == ["skole", "trinn", "kjonn", "kode", "samtykke", *codes]
    assert set(rows["trinn"]) == {f"{grade}. trinn" for grade in range(5, 11)}
    cells = pd.Series(rows[codes].to_numpy().ravel())
    assert set(cells) == {"", "1", "2", "3", "4", "5", "9", "Vet ikke"}
    assert 0 < cells.eq("9").mean() < 0.003
    assert 0.03 < cells.isin(["", "9", "Vet ikke"]).mean() < 0.08
    assert set(rows["samtykke"]) == {"Jeg samtykker", "Nei"}


def test_spss_export_of_pupils(nordland):
    path = nordland / exports.PUPILS_POST
    rows, meta = pyreadstat.read_sav(path)
    assert path.read_bytes()[92:109] == b"04 Nov 2708:00:00"
    items = load_instrument("pupil").items
    assert list(rows)[2:-1] == ["skole", "trinn", "kjonn", "kode", "samtykke", *items]
    assert meta.column_names_to_labels["persist_1"] == items["persist_1"][1].text["nb"]
    assert meta.variable_value_labels["intrinsic_1"][4] == "Helt enig"
    assert meta.variable_value_labels["persist_1"][1] == "Veldig likt meg"
    assert set(rows["intrinsic_1"].dropna()) <= {1, 2, 3, 4, 55, 98}
    assert (rows == 55).any().any()
    assert pd.api.types.is_datetime64_any_dtype(rows["levert"])


def test_export_of_teachers_without_codebook(nordland):
    raw = (nordland / exports.TEACHERS_PRE).read_text(encoding="utf-8-sig")
    (headings, *rows) = csv.reader(io.StringIO(raw, newline=""), delimiter=";")
    assert headings.count("Kommentar:") == 2
    assert any("<b>" in heading for heading in headings)
    assert any("&nbsp;" in heading for heading in headings)
    assert any(heading != heading.strip() for heading in headings)
    instrument = load_instrument("teacher")
    labels = {
        label["nb"]
        for answers in instrument.responses.values()
        for label in answers.labels.values()
    }
    cells = [cell for row in rows for cell in row[6:-3]]
    assert set(cells) - {"", "Vet ikke"} - labels <= {
        changed for label in labels for changed in (label + " ", label.upper())
    }
    assert any(cell != cell.strip() for cell in cells)
    assert any(cell.isupper() for cell in cells)


def test_workbook_of_teachers(nordland):
    rows = read_xlsx(nordland / exports.TEACHERS_POST)
    items = load_instrument("teacher").items
    assert list(rows)[2:6] == ["skole", "deltar", "ansattnummer", "samtykke"]
    assert list(rows)[6:-3] == list(items)
    assert (rows.iloc[-2:].map(str.strip) == "").all(axis=None)
    supported = [name for name, (scale, _) in items.items() if scale.roles == ("participant",)]
    assert (rows.loc[rows["deltar"] == "Nei", supported] == "").all(axis=None)
    assert rows.loc[rows["deltar"] == "Ja", supported].notna().mean(axis=None) > 0.9


def test_dirt_is_there(nordland):
    rows = read_csv(nordland / exports.PUPILS_PRE)
    launch = rows["$created"] < "2025-09-15"
    assert 2 <= launch.sum() <= 5
    assert rows["skole"].eq("TEST").sum() == 3
    assert (rows["skole"].eq("TEST") & ~launch).any()
    coded = rows[~rows["kode"].isin(["", "TEST"])]
    again = coded.duplicated(["kode", "skole", "trinn"])
    assert 0.01 < again.mean() < 0.02
    assert 0 < rows["samtykke"].eq("Nei").mean() < 0.02
    assert 0.01 < rows["kode"].eq("").mean() < 0.04
    items = rows.columns[7:-1]
    assert rows[items].eq("").all(axis=1).sum() >= 1


def test_nothing_looks_like_a_person(whole):
    texts = [
        (whole / name).read_text(encoding="utf-8-sig")
        for name in (exports.PUPILS_PRE, exports.TEACHERS_PRE, exports.LEADERS_POST)
    ]
    texts.append((whole / exports.ATTENDANCE).read_text(encoding="utf-8"))
    texts.append((whole / "schools.csv").read_text(encoding="utf-8"))
    texts.append(pyreadstat.read_sav(whole / exports.PUPILS_POST)[0].to_csv())
    texts.append(read_xlsx(whole / exports.TEACHERS_POST).to_csv())
    for text in texts:
        assert "@" not in text
        # 11 digits, or 10 where a number lost its leading zero
        assert not re.search(r"(?<!\d)\d{10,11}(?!\d)", text)


def test_the_study_is_read_and_planned(nordland, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(nordland.parents[1]))
    study = load_study("demo")
    assert study.regions.to_dict("list") == {
        "region": ["nordland"],
        "name": ["Nordland - Nordlánnda"],
    }
    assert study.years_between("pupils") == 2
    primary = plan(study).query("plan_role == 'primary'")
    assert set(primary["family"]) == {"pupils: primary", "teachers: primary"}
    assert len(primary) == 3 * 2 + 2


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return true_changes("nordland", people=120_000)


def test_truth_has_every_estimand_of_the_plan_once(truth, nordland, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(nordland.parents[1]))
    keys = ["population", "outcome", "estimand"]
    planned = plan(load_study("demo"))
    planned = planned[planned["estimand"].isin(truth["estimand"])][keys]
    assert set(map(tuple, truth[keys].to_numpy())) == set(map(tuple, planned.to_numpy()))
    assert truth["estimand"].nunique() == 6
    assert not truth.duplicated(keys).any()
    assert truth["mc_se"].between(1e-5, 0.03).all()
    assert truth["sd_pre"].between(0.4, 1.2).all()


def test_truth_does_not_hang_on_its_seed(truth):
    again = true_changes("nordland", people=120_000, seed=99)
    z = (again["change"] - truth["change"]) / np.hypot(again["mc_se"], truth["mc_se"])
    assert z.abs().max() < 4.5
    assert 0.5 < z.std() < 1.5


def test_truth_has_the_planted_signs_and_about_the_planted_sizes(truth):
    size = truth.assign(d=truth["change"] / truth["sd_pre"]).set_index(
        ["population", "outcome", "estimand"]
    )["d"]
    teachers = size["teachers"].unstack()
    practice = ["practice_practical", "practice_exploratory", "practice_varied"]
    assert teachers.loc[practice, "participants"].mean() == pytest.approx(0.37, abs=0.12)
    assert teachers.loc[practice, "colleagues"].mean() == pytest.approx(0.09, abs=0.12)
    assert (teachers.loc[practice, "participants_vs_colleagues"] > 0).all()
    assert teachers.loc["practice_traditional", "participants"] < 0
    assert teachers.loc[["beliefs_rules", "beliefs_teacher_direction"], "participants"].mean() < 0
    difference = teachers["participants"] - teachers["colleagues"]
    assert np.allclose(difference, teachers["participants_vs_colleagues"])
    pupils = size["pupils"].unstack()
    own = ["intrinsic_motivation", "instrumental_motivation", "persistence", "problem_solving"]
    assert (pupils.loc[own, "linked_change"] < pupils.loc[own, "same_grade"]).all()
    assert (pupils.loc[own, "same_grade"] < 0.02).all()


def test_the_sheets_are_a_draw_of_what_truth_describes(truth):
    """Mean linked change of participants over seeds, from the sheets and without the pipeline."""
    (region,) = chosen(["nordland"])
    items = load_instrument("teacher").scales["practice_practical"].items
    turned = [name for name, item in items.items() if item.reversed]
    changes = []
    for seed in range(12):
        sheets = region_sheets(region, seed)
        scores = {}
        for wave in (PRE, POST):
            sheet = sheets["teachers", wave].set_index("id")
            sheet[turned] = 6 - sheet[turned]
            scores[wave] = sheet.loc[sheet["participant"], [*items]].mean(axis=1)
        changes.append((scores[POST] - scores[PRE]).mean())
    expected = truth.set_index(["outcome", "estimand"]).loc[
        ("practice_practical", "participants"), "change"
    ]
    error = np.std(changes, ddof=1) / np.sqrt(len(changes))
    assert abs(np.mean(changes) - expected) < 4 * error
