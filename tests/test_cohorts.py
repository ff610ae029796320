"""Cohorts of schools that begin in different years: windows, waves by date, and what is said."""

from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest

import loftet_analysis as la
from benchmarks.truth import true_changes
from loftet_analysis import paths
from loftet_analysis.batch import cleaning
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.sheets import sheet_counts
from loftet_analysis.demo.exports import COHORTS_STUDY, write_demo
from loftet_analysis.disclosure.gate import gate
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.errors import InputError
from loftet_analysis.show.session import OpenStudy
from loftet_analysis.study import load_study, missing_exports, plan, wave_states
from loftet_analysis.study.schools import read_schools
from loftet_analysis.study.study import grade_bands
from tests.plausible.registers import workbook
from tests.small_demo import build_root
from tests.tiny_study import SCHOOLS, STUDY, build_on_day, sheets

KEY = b"k" * 32
HERE = Path(__file__).parents[1]
WINDOWS = """\
waves:
  2025:
    pre: {from: 2025-09-15, to: 2025-10-31}
    post: {from: 2027-09-13, to: 2027-10-29}
  2026:
    pre: {from: 2026-09-14, to: 2026-10-30}
    post: {from: 2028-09-11, to: 2028-10-27}
"""
PLAIN = STUDY[STUDY.index("waves:") : STUDY.index("schools:")]
COHORTS = STUDY.replace(PLAIN, WINDOWS)
REGISTER = SCHOOLS.replace("grades\n", "grades,Pulje\n").replace("1-7\n", "1-7,2025\n")
REGISTER = REGISTER.replace("8-10\n", "8-10,2025\n").replace("1-10\n", "1-10,2026.0\n")
FILES = STUDY[STUDY.index("    files:") :]
BY_DATES = COHORTS.replace(FILES, "    files: {tool: table, file: pre.csv, wave: dates}\n")

PRE = sheets(
    "1|0301|5|abcd|Ja|Enig|Uenig|Helt enig",
    "2|0302|8|efgh|Ja|Enig|Uenig|Enig",
    "3|0400|5|abcd|Ja|Uenig|Enig|Uenig",
    "4|0400|6|ijkl|Ja|Uenig|Enig|Uenig",
)
POST = sheets(
    "5|0301|7|abcd|Ja|Helt enig|Helt uenig|Helt enig",
    "6|0302|10|efgh|Ja|Enig|Uenig|Enig",
    "7|0400|7|abcd|Ja|Uenig|Enig|Uenig",
    "8|0400|8|ijkl|Ja|Enig|Enig|Uenig",
    wave="post",
)


def moved(frame: pd.DataFrame, years: int = 1, school: str = "0400") -> pd.DataFrame:
    """Return sheets of which those of one school were sent in some years later."""
    day = pd.to_datetime(frame["tid"].str[:10]) + pd.DateOffset(years=years)
    later = day.dt.strftime("%Y-%m-%d") + frame["tid"].str[10:]
    return frame.assign(tid=frame["tid"].mask(frame["skole"] == school, later))


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Lay out a study with cohorts on a day, with some sheets."""
    root = tmp_path / "Løftet test"
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    monkeypatch.setenv("LOFTET_KEYS", str(tmp_path / "keys"))

    def lay_out(
        day: str = "2029-01-01",
        *,
        study: str = COHORTS,
        register: str = REGISTER,
        pre: pd.DataFrame | None = None,
        post: pd.DataFrame | None = None,
    ):
        folder = build_on_day(monkeypatch, root, day, study, pre=pre, post=post)
        (folder / "schools.csv").write_text(register, encoding="utf-8")
        return load_study("tiny")

    return lay_out


def counted(prepared) -> dict:
    """Return how many sheets left for each reason."""
    left = prepared.ledger.groupby("reason")["n_set_aside"].sum()
    return left[left > 0].to_dict()


def test_each_sheet_is_judged_by_the_window_of_its_schools_cohort(at):
    study = at(pre=moved(PRE), post=moved(POST))
    assert study.cohorts == ("2025", "2026")
    assert study.cohort_of == {"0301": "2025", "0302": "2025", "0400": "2026"}
    assert study.years("pupils") == {"pre": 0, "post": 2}
    prepared = prepare(study, key=KEY)
    pupils = prepared.clean["pupils"]
    assert counted(prepared) == {}
    assert pupils.groupby(["cohort", "wave"]).size().to_dict() == {
        ("2025", "pre"): 2, ("2025", "post"): 2, ("2026", "pre"): 2, ("2026", "post"): 2,
    }  # fmt: skip
    assert list(pupils)[:5] == ["person_id", "wave", "region", "school_id", "cohort"]
    # one code in two cohorts is two people, both found again
    assert pupils["link_state"].eq("linked").all()
    assert pupils["person_id"].nunique() == 4


def test_out_of_its_cohorts_windows_a_sheet_is_set_aside_and_counted(at):
    late = PRE.assign(tid=["2025-11-03", "2026-09-20", "2025-09-20", "2026-09-20"])
    prepared = prepare(at(pre=late, post=POST.iloc[:2]), key=KEY)
    assert counted(prepared) == {"out_of_turn": 1, "test_answer": 1}
    assert dict(zip(*prepared.values.query("reason == 'after_the_wave'")[["value", "n"]].T.values,
                    strict=True)) == {"2025-11-03": 1}  # fmt: skip
    assert prepared.clean["pupils"].groupby(["cohort", "wave"]).size().to_dict() == {
        ("2025", "pre"): 1, ("2025", "post"): 2, ("2026", "pre"): 1,
    }  # fmt: skip


def test_one_file_may_hold_waves_of_several_cohorts_by_date(at):
    both = pd.concat([moved(PRE), moved(POST)], ignore_index=True).fillna("")
    both["nr"] = [str(n) for n in range(len(both))]
    extra = both.iloc[[0, 2, 1]].assign(tid=["", "2025-09-20", "2026-09-20"], kode=["x1yz"] * 3)
    unknown = both.iloc[[0]].assign(skole="Nes skole")
    study = at(study=BY_DATES, pre=pd.concat([both, extra, unknown], ignore_index=True))
    prepared = prepare(study, key=KEY)
    assert counted(prepared) == {"out_of_turn": 2, "test_answer": 1, "unknown_school": 1}
    whole = prepare(at(pre=moved(PRE), post=moved(POST)), key=KEY)
    columns = ["wave", "school_id", "cohort", "grade", "effort", "link_state"]
    pd.testing.assert_frame_equal(
        *(each.clean["pupils"][columns].reset_index(drop=True) for each in (prepared, whole))
    )
    counts = sheet_counts(prepared.ledger)
    assert counts["sheets"] == len(both) + 4


def test_dates_tell_waves_without_cohorts_too_and_need_dates(at):
    plain = STUDY.replace(FILES, "    files: {tool: table, file: pre.csv, wave: dates}\n")
    both = pd.concat([PRE, POST], ignore_index=True).fillna("")
    both["nr"] = [str(n) for n in range(len(both))]
    prepared = prepare(at(study=plain, register=SCHOOLS, pre=both), key=KEY)
    assert prepared.clean["pupils"]["wave"].value_counts().to_dict() == {"pre": 4, "post": 4}
    assert "cohort" not in prepared.clean["pupils"]
    assert "cohort" not in prepared.waves
    undated = plain.replace(": {from: 2025-09-15, to: 2025-10-31}", ":").replace(
        ": {from: 2027-09-13, to: 2027-10-29}", ":"
    )
    with pytest.raises(InputError, match="waves told by dates, and none has any"):
        at(study=undated, register=SCHOOLS)
    with pytest.raises(InputError, match="missing key: populations"):
        at(study=BY_DATES.replace(", submitted: tid", ""))


def test_dropping_the_second_cohort_changes_nothing_of_the_first(at):
    both = prepare(at(pre=moved(PRE), post=moved(POST)), key=KEY)
    first = {
        "study": COHORTS[: COHORTS.index("  2026:")] + COHORTS[COHORTS.index("schools:") :],
        "register": "".join(REGISTER.splitlines(keepends=True)[:3]),
    }
    alone = prepare(at(**first, pre=PRE.iloc[:2], post=POST.iloc[:2]), key=KEY)
    ours = both.clean["pupils"].query("cohort == '2025'").reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, alone.clean["pupils"])
    pd.testing.assert_frame_equal(both.units, alone.units)


def test_a_wave_is_closed_cohort_by_cohort(at):
    states = wave_states(at("2027-11-01", pre=moved(PRE), post=POST.iloc[:2]))
    assert states == {
        ("pupils", "pre", "2025"): "closed", ("pupils", "pre", "2026"): "closed",
        ("pupils", "post", "2025"): "closed", ("pupils", "post", "2026"): "to_come",
    }  # fmt: skip
    states = wave_states(at("2026-09-20", pre=moved(PRE)))
    assert states["pupils", "pre", "2025"] == "closed"
    assert states["pupils", "pre", "2026"] == "open"
    assert {states["pupils", "post", each] for each in ("2025", "2026")} == {"to_come"}
    # exports from before every window are invented: nobody can still be answering
    assert {*wave_states(at("2025-01-01", pre=moved(PRE), post=POST)).values()} == {"closed"}


def test_of_a_cohort_whose_wave_is_open_sheets_are_only_counted(at):
    prepared = prepare(at("2026-09-20", pre=moved(PRE)), key=KEY)
    assert set(prepared.clean["pupils"]["cohort"]) == {"2025"}
    assert set(prepared.mask.query("n > 0")["region"]) == {"nordland", "national"}
    assert counted(prepared) == {"open_wave": 2}
    answered = prepared.response.query("subgroup == 'all'").set_index("school_id")["n_answered"]
    assert answered.to_dict() == {"0301": 1, "0302": 1, "0400": 2}
    waves = prepared.waves.query("wave == 'pre'").set_index("region")
    assert waves["state"].to_dict() == {"nordland": "closed", "oslo": "open"}
    assert waves["cohort"].to_dict() == {"nordland": "2025", "oslo": "2026"}
    told = next(r.found for r in prepared.remarks if r.what == "waves that are open")
    assert told == "pre of pupils, cohort 2026 (until 2026-10-30)"


def test_files_are_missed_only_when_the_wave_is_over_for_all_cohorts(at):
    two = COHORTS.replace(
        "post: {tool: table, file: post.csv}",
        "post: [{tool: table, file: post.csv}, {tool: table, file: 2028.csv}]",
    )
    study = at("2027-11-01", study=two, pre=PRE.iloc[:2], post=POST.iloc[:2])
    assert missing_exports(study) == []
    (told,) = [
        r for r in prepare(study, key=KEY).remarks if r.what == "cohorts without a questionnaire"
    ]
    assert told.found == "pre of pupils, cohort 2026"
    (problem,) = missing_exports(at("2028-11-01", study=two, pre=moved(PRE), post=POST))
    assert problem.found == "2028.csv"
    (first, _) = missing_exports(at("2027-11-01", study=two, pre=moved(PRE)))
    assert first.found == "post.csv"


OUTSIDE = REGISTER.replace("grades,Pulje", "grades,Pulje,role").replace("2025\n", "2025,\n")
OUTSIDE = OUTSIDE.replace("2026.0\n", "{cohort},comparison\n")
OWN = "{pre: {from: 2025-08-15, to: 2025-08-31}}"
FIRST = COHORTS[: COHORTS.index("  2026:")] + COHORTS[COHORTS.index("schools:") :]


def test_a_comparison_school_is_placed_by_the_first_cohort(at):
    study = at(study=FIRST, register=OUTSIDE.format(cohort="comparison"), pre=PRE, post=POST)
    assert study.cohorts == ("2025", "comparison")
    prepared = prepare(study, key=KEY)
    assert counted(prepared) == {}
    assert prepared.clean["pupils"].groupby(["cohort", "wave"]).size().to_dict() == {
        ("2025", "pre"): 2, ("2025", "post"): 2, ("comparison", "pre"): 2,
        ("comparison", "post"): 2,
    }  # fmt: skip


def test_after_its_own_programme_has_begun_a_comparison_school_is_none(at):
    begins = COHORTS.replace(
        "  2026:",
        "  comparison:\n    pre: {from: 2025-09-01, to: 2025-10-01}\n"
        "    post: {from: 2027-09-13, to: 2027-10-29}\n  2026:",
    )
    for study in (COHORTS, begins):
        laid = at(
            study=study,
            register=OUTSIDE.format(cohort="2026") + "0500,Nes skole,Oslo,,2026,\n",
            pre=PRE,
            post=POST,
        )
        prepared = prepare(laid, key=KEY)
        assert counted(prepared) == {"own_programme": 2}
        assert prepared.clean["pupils"].groupby(["cohort", "wave"]).size()[
            "comparison"
        ].to_dict() == {
            "pre": 2,
        }
        noted = prepared.values.query("reason == 'own_programme'")
        assert noted["value"].to_list() == ["2027-09-20"]


@pytest.mark.parametrize(
    ("study", "register", "told"),
    [
        (STUDY, REGISTER, ["cohorts without windows"]),
        (COHORTS, SCHOOLS, ["no cohorts in the register"]),
        (COHORTS, REGISTER.replace("2026.0", "2027"),
         ["only in the register: 2027 (1 schools); only in waves: 2026"]),
        (COHORTS, REGISTER.replace("2026.0", ""), ["1 of 3 schools: row 4", "only in waves: 2026"]),
        (COHORTS, REGISTER.replace("2026.0", "a;b"), ["cohort not understood", "only in waves"]),
        (COHORTS, OUTSIDE.format(cohort=""), ["schools without a cohort"]),
        (COHORTS, OUTSIDE.format(cohort="2062"), ["only in the register: 2062 (1 schools)"]),
        (COHORTS, REGISTER.replace("2026.0", "comparison"), ["whose role is programme"]),
        (COHORTS.replace("to: 2026-10-30}", "to: 2028-10-30}"), REGISTER, ["waves out of order"]),
        (COHORTS.replace("pre: {from: 2026-09-14, to: 2026-10-30}", "pre:"), REGISTER,
         ["windows without dates"]),
        (COHORTS.replace("    pre: {from: 2026-09-14, to: 2026-10-30}\n", ""), REGISTER,
         ["missing key: waves.2026.pre"]),
        (COHORTS.replace("2028-09-11, to: 2028-10-27", "2027-09-11, to: 2027-10-27"), REGISTER,
         ["cohorts whose waves are not as far apart", "2 (2025), 1 (2026)"]),
        (COHORTS.replace("    link:", f"    waves: {{2024: {OWN}}}\n    link:"), REGISTER,
         ["windows of a cohort that the study does not have"]),
        (COHORTS.replace("    link:", f"    waves: {OWN}\n    link:"), REGISTER,
         ["dates without a cohort"]),
        (COHORTS.replace("submitted: tid", "submitted: tid, cohort: kull"), REGISTER,
         ["with a name that is taken"]),
        (COHORTS.replace("    post: {from: 2028-09-11", "    posst: {from: 2028-09-11"), REGISTER,
         ["did you mean post?"]),
        (COHORTS.replace("schools: schools.csv", "schools: {fil: schools.csv}"), REGISTER,
         ["did you mean file?"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_cohorts_is_told_at_once(at, study, register, told):
    with pytest.raises(InputError) as caught:
        at(study=study, register=register, pre=PRE, post=POST)
    for text in told:
        assert text in str(caught.value)


def test_a_cohort_has_its_name_in_any_writing(at):
    named = COHORTS.replace("  2025:", '  "Pulje 1":').replace("  2026:", "  Pulje 2:")
    register = REGISTER.replace(",2025\n", ",pulje  1\n").replace(",2026.0\n", ",PULJE 2\n")
    study = at(study=named, register=register.replace("Pulje", "KULL", 1), pre=PRE)
    assert study.cohorts == ("Pulje 1", "Pulje 2")
    swapped = named.replace("Pulje 1", "§").replace("Pulje 2", "Pulje 1").replace("§", "Pulje 2")
    assert at(study=swapped, register=register, pre=PRE).cohorts == ("Pulje 2", "Pulje 1")
    renamed = register.replace("Pulje", "Startår", 1)
    columns = "schools: {file: schools.csv, columns: {cohort: Startår}}"
    study = at(study=named.replace("schools: schools.csv", columns), register=renamed, pre=PRE)
    assert study.cohort_of["0400"] == "Pulje 2"


def made(*schools: tuple[str, str, dict[int, int]], waves: tuple[str, ...] = ("pre",)):
    """Return clean answers: of each school its id, its cohort, and how many there are by grade."""
    rng, rows = np.random.default_rng(3), []
    regions = {"0400": "oslo"}
    for school, cohort, sizes in schools:
        for grade, n in sizes.items():
            for person in range(n):
                rows += [
                    {
                        "person_id": f"{school}-{grade}-{person}", "wave": wave,
                        "region": regions.get(school, "nordland"), "school_id": school,
                        "cohort": cohort, "grade": grade + 2 * (wave == "post"),
                        "effort": float(rng.integers(1, 5)),
                    }
                    for wave in waves
                ]  # fmt: skip
    return pd.DataFrame(rows).astype({"grade": "Int64"})


def told_of(mask: pd.DataFrame, people: pd.DataFrame, secret: pd.Series, wave: str) -> bool:
    """Return whether the shown cells of a wave add up to the sum of a few people."""
    cells = mask[mask["wave"].eq(wave) & mask["outcome"].eq("effort") & ~mask["suppressed"]]
    here = people[people["wave"].eq(wave)]
    here = here.assign(grade_band=grade_bands(here["grade"]))
    inside = []
    for cell in cells[cells["n"] > 0].itertuples():
        rows = here["region"].eq(cell.region) | (cell.region == "national")
        column, _, value = cell.subgroup.partition("=")
        if cell.school_id:
            rows &= here["school_id"].eq(cell.school_id)
        if value and "," not in column:
            rows &= here[column].astype(str).eq(value)
        if "," not in column:
            inside.append(rows.to_numpy(float))
    told, wanted = np.array(inside), secret[here.index].to_numpy(float)
    by = np.linalg.lstsq(told.T, wanted, rcond=None)[0]
    return bool(np.allclose(told.T @ by, wanted, atol=1e-6))


@pytest.mark.parametrize(
    "small",
    [
        # a whole cohort of few: what is left of everybody would tell of it
        {"0302": ("2026", {8: 4})},
        # a school of few beside one that alone has the later grades
        {"0302": ("2026", {8: 20, 9: 20, 10: 20}), "0303": ("2026", {5: 4})},
        # one school of few in a region whose other school is of another cohort
        {"0302": ("2025", {8: 30}), "0400": ("2026", {6: 3}), "0401": ("2025", {7: 30})},
    ],
)  # fmt: skip
def test_no_sum_over_cohorts_tells_of_a_few(at, small):
    register = REGISTER + "0303,Nes skole,Nordland,,2026\n0401,Li skole,Oslo,,2026\n"
    study = at(register=register, pre=PRE)
    people = made(
        ("0301", "2025", {5: 30, 6: 30, 7: 30}),
        *((school, cohort, sizes) for school, (cohort, sizes) in small.items()),
    )
    people["region"] = people["region"].mask(people["school_id"].eq("0401"), "oslo")
    mask = decide(study, {"pupils": people})
    few = next(school for school, (_, sizes) in small.items() if sum(sizes.values()) < 6)
    assert told_of(mask.assign(suppressed=False), people, people["school_id"].eq(few), "pre")
    assert not told_of(mask, people, people["school_id"].eq(few), "pre")
    shown = mask[~mask["suppressed"] & mask["wave"].eq("pre") & mask["outcome"].eq("effort")]
    assert len(shown[shown["subgroup"].str.startswith("cohort=") | shown["subgroup"].eq("all")])


def test_cohorts_are_cells_only_where_there_are_several(at):
    study = at(pre=PRE)
    people = made(("0301", "2025", {5: 30, 6: 30}), ("0400", "2026", {5: 30, 6: 30}))
    cells = set(decide(study, {"pupils": people})["subgroup"])
    assert {"cohort=2025", "cohort=2026", "cohort,grade=2026,5"} <= cells
    one = {"study": FIRST, "register": "".join(REGISTER.splitlines(keepends=True)[:3])}
    alone = decide(at(**one, pre=PRE), {"pupils": people[people["cohort"].eq("2025")]})
    assert not alone["subgroup"].str.contains("cohort").any()
    ours, theirs = (
        mask[mask["region"].eq("nordland") & mask["subgroup"].isin({*alone["subgroup"]})]
        for mask in (decide(study, {"pupils": people}), alone)
    )
    keys = ["region", "school_id", "subgroup", "wave", "outcome"]
    both = ours.merge(theirs, on=keys)
    assert len(both) == len(theirs)
    assert (both["n_x"] == both["n_y"]).all()


def test_pooled_change_rests_on_the_cohorts_that_have_both_waves(at):
    study = at(pre=PRE)
    three = [(school, "2025", dict.fromkeys((5, 6, 7), 20)) for school in ("0301", "0302", "0303")]
    first = made(*three, waves=("pre", "post"))
    people = pd.concat([first, made(("0400", "2026", {5: 30, 7: 30}))], ignore_index=True)
    rows = plan(study).query("population == 'pupils' and outcome == 'effort'")
    rows = rows.assign(sd_unit=1.0, years=2, ci_level=0.95, sesoi=0.1, region="national")
    asked = rows[rows["subgroup"].isin(["all", "cohort=2025"]) & rows["contrast"].eq("")]
    both, alone = (la.estimates(each, asked) for each in (people, first))
    assert set(both["estimand"]) >= {"linked_change", "cohort_change", "school_change", "level"}
    changes = both["estimand"].ne("level") & both["reason"].eq("")
    assert changes.sum() > 5
    columns = ["estimand", "subgroup", "change", "change_se", "df", "n_pre", "n_post", "n_pairs"]
    pd.testing.assert_frame_equal(both.loc[changes, columns], alone.loc[changes, columns])
    whole = both[changes & both["subgroup"].eq("all")].set_index("estimand")["change"]
    cohort = both[changes & both["subgroup"].eq("cohort=2025")].set_index("estimand")["change"]
    pd.testing.assert_series_equal(whole[cohort.index], cohort)
    assert not both[changes]["flags"].str.contains("selective").any()
    level = both[both["estimand"].eq("level") & both["wave"].eq("pre")]
    assert set(level.query("subgroup == 'all'")["n_pre"].dropna()) == {240}
    shown = gate(both, decide(study, {"pupils": people}), "internal")
    assert not shown["suppressed"].all()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Write one region of the demo with two cohorts, and clean it."""
    root = tmp_path_factory.mktemp("cohorts") / "Løftet {test}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOFTET_ROOT", str(root))
        patch.setenv("LOFTET_KEYS", str(root.parent / "keys"))
        build_root(root)
        write_demo(regions=["oslo"], study=COHORTS_STUDY, cohorts=True)
        description = load_study(COHORTS_STUDY)
        told = cleaning.look(description)
        assert set(wave_states(description).values()) == {"closed"}
        cleaning.clean(description)
        yield la.open_study(COHORTS_STUDY, language="nb,nn,en"), told


def test_the_demo_with_two_cohorts_is_cleaned_and_holds_what_is_planted(demo):
    study, told = demo
    assert "out_of_turn" not in told
    pupils, rows = study.read("pupils"), study.plan("pupils")
    assert set(pupils["cohort"]) == {"2021", "2023"}
    assert pupils["cohort"].eq("2023").mean() < 0.45
    days = pupils.groupby(["cohort", "wave"])["submitted"].agg(["min", "max"]).astype(str)
    assert days.loc[("2023", "pre"), "min"] >= "2023-09-18"
    assert days.loc[("2021", "post"), "max"] <= "2023-11-03"
    asked = rows[rows["estimand"].isin(["same_grade", "linked_change"])]
    found = la.estimates(pupils, asked[asked["subgroup"].isin(["all", "cohort=2021"])])
    truth = true_changes("oslo", people=40_000).query("population == 'pupils'")
    both = found.merge(truth, on=["outcome", "estimand"])
    assert len(both) == 28
    apart = (both["change_x"] - both["change_y"]).abs()
    error = np.hypot(both["change_se"], both["mc_se"])
    assert (apart < 4 * error).all()


def test_without_the_second_cohort_the_first_has_the_same_numbers(demo):
    study, _ = demo
    columns = ["outcome", "estimand", "n_pre", "n_post", "n_pairs", "change", "change_se", "df",
               "sd_unit", "estimate"]  # fmt: skip
    for population in ("pupils", "teachers"):
        people, rows = study.read(population), study.plan(population)
        first = rows[rows["subgroup"].eq("cohort=2021") & rows["estimand"].ne("level")]
        both = la.estimates(people, first)
        alone = la.estimates(people[people["cohort"].eq("2021")], first.assign(subgroup="all"))
        assert both["reason"].eq("").sum() > 20
        pd.testing.assert_frame_equal(both[columns], alone[columns])


@pytest.mark.long
@pytest.mark.parametrize("notebook", ["national/10_synthesis", "national/09_baseline"])
def test_the_countrys_pages_put_the_cohorts_side_by_side(demo, notebook):
    study, _ = demo
    shown = []

    class Showing:
        def __getattr__(self, name):
            return getattr(study, name)

        def show(self, frame, draw, **options):
            shown.append((frame, study.render(frame, draw, **options)))

        def keep(self, **tables):
            study.keep(**tables)

    here = {"study": Showing(), "la": la, "pd": pd}
    here |= {name: study.read(name) for name in ("pupils", "teachers")}
    here["levels"] = pd.concat(
        [la.level(study.read(name), study.plan(name)) for name in ("pupils", "teachers")]
    )
    for cell in nbformat.read(HERE / f"notebooks/{notebook}.ipynb", 4).cells:
        if cell.id.startswith("cohorts-") and cell.cell_type == "code":
            exec(cell.source, here)
    by_year = here["by_year"]
    assert {"2021", "2023", "2025"} == set(by_year["year"])
    texts = [each.drawn for _, each in shown]
    assert texts[1]["nb"].text.startswith(
        "Indre motivasjon, 2023: Ved skoler som ikke hadde begynt"
    )
    assert "2023: pulje 2023" in texts[3]["nn"].html
    assert all(each["en"].html for each in texts)
    assert "before" in texts[3]["en"].html
    if notebook.endswith("synthesis"):
        assert "cohort 2021" in texts[4]["en"].html
        assert set(here["changes"]["estimand"]) >= {"linked_change", "same_grade", "participants"}


def test_a_page_says_which_cohort_is_still_to_come(at):
    study = at("2027-11-01", pre=moved(PRE), post=POST.iloc[:2])
    cleaning.clean(study)
    opened = la.open_study("tiny", language="en")
    assert [*opened._phase(opened.words)] == [
        "Answers “after” have been collected from cohort 2025; those of cohort 2026 are still to "
        "come. What rests on them is about cohort 2025 alone."
    ]
    complete = la.open_study("tiny", region="nordland", language="en")
    assert not [*complete._phase(complete.words)]
    assert "linked_change" in set(complete.plan("pupils")["estimand"])
    before = la.open_study("tiny", region="oslo", language="nn")
    response = before.response().set_index("subgroup")
    assert response.loc["all", ["n_kept", "n_linkable"]].isna().to_list() == [False, True]
    assert opened.response().set_index("wave")["n_linkable"].dropna().max() == 2
    (said,) = before._phase(before.words)
    assert "ikkje samla inn" in said
    assert set(before.plan("pupils")["estimand"]) == {"level"}
    assert not before.plan("pupils")["subgroup"].str.startswith("cohort").any()
    assert opened.plan("pupils")["subgroup"].str.startswith("cohort").any()


def test_what_is_open_of_one_cohort_is_closed_by_hand(at):
    study = at("2026-09-20", pre=moved(PRE))
    cleaning.clean(study, close=True)
    assert store.closed_by_hand("tiny") == {("pupils", "pre", "2026")}
    cleaning.clean(study)
    assert set(la.open_study("tiny").read("pupils")["cohort"]) == {"2025", "2026"}


def test_a_trend_is_that_of_the_cohorts_own_years(at):
    rows = "".join(
        f"effort,,{year},{value},,Kilde,2029\n"
        for year, value in {2025: 0.0, 2026: -0.1, 2027: -0.3, 2028: -0.35}.items()
    )
    head = "outcome,grade,year,value,se,source,date\n"
    told = COHORTS + "analysis: {trend: {pupils: trend.csv}}\n"
    at(pre=PRE)
    (paths.raw("tiny") / "trend.csv").write_text(head + rows, encoding="utf-8")
    study = at(study=told, pre=PRE)
    found = plan(study).query("estimand == 'same_grade' and outcome == 'effort'")
    by_group = found.drop_duplicates("subgroup").set_index("subgroup")["trend"]
    assert by_group["all"] is None or pd.isna(by_group["all"])
    over = {group: by_group[group].over({7: 1.0})[0] for group in ("cohort=2025", "cohort=2026")}
    assert over == pytest.approx({"cohort=2025": -0.3, "cohort=2026": -0.25})


def test_comparison_schools_stand_beside_all_cohorts_that_have_both_waves(at):
    register = OUTSIDE.format(cohort="comparison") + "0401,Li skole,Oslo,1-10,2026,comparison\n"
    register += "0500,Nes skole,Oslo,1-10,2026,\n"
    study = at(register=register, pre=PRE)
    assert study.cohorts == ("2025", "2026", "comparison")
    programme = [(school, "2025", {5: 25, 6: 25}) for school in ("0301", "0302", "0303")]
    outside = [(school, "comparison", {5: 25, 6: 25}) for school in ("0400", "0401", "0402")]
    people = pd.concat(
        [made(*programme, *outside, waves=("pre", "post")), made(("0500", "2026", {5: 40}))],
        ignore_index=True,
    )
    people["comparison"] = people["cohort"].eq("comparison")
    alike = people.groupby(["school_id", "grade", "wave"]).cumcount() % 4 + 1.0
    people["effort"] = people["effort"].mask(people["wave"].eq("pre"), alike)  # no difference yet
    rows = plan(study).query("outcome == 'effort'").assign(
        sd_unit=1.0, years=2, ci_level=0.95, sesoi=0.1, region="national"
    )  # fmt: skip
    asked = rows[rows["estimand"].eq("programme_vs_comparison")]
    assert len(asked) == 1
    (row,) = la.estimates(people, asked).to_dict("records")
    linked = la.estimates(people, rows[rows["estimand"].eq("linked_change")])
    change = linked.set_index("subgroup")["change"]
    assert row["change"] == pytest.approx(change["cohort=2025"] - change["cohort=comparison"])
    assert (row["n_pairs"], row["evidence"]) == (300, "quasi-experimental")
    shown = gate(pd.DataFrame([row]), decide(study, {"pupils": people}), "internal")
    assert not shown["suppressed"].any()


@pytest.mark.parametrize(
    "content",
    [
        workbook(("school_id", "school", "region", "Kull"), (101, "A", "Øst", 2025),
                 (102, "B", "Vest", 2026.0)),
        "school_id;school;region;PULJE\n101;A;Øst;2025\n102;B;Vest; 2026\n".encode("cp1252"),
        "school_id\tschool\tregion\tcohort\tkommentar\n101\tA\tØst\t2025.0\tx\n102\tB\tVest\t2026\t\n"
        .encode("utf-16"),
    ],
)  # fmt: skip
def test_cohorts_are_read_from_any_register(tmp_path, content):
    path = tmp_path / ("r.xlsx" if content[:2] == b"PK" else "r.csv")
    path.write_bytes(content)
    schools, problems, _ = read_schools(path)
    assert problems == []
    assert schools["cohort"].to_list() == ["2025", "2026"]


def test_in_one_file_a_wave_is_open_for_one_cohort_and_closed_for_another(at):
    both = pd.concat([moved(PRE), POST.iloc[:2]], ignore_index=True).fillna("")
    both["nr"] = [str(n) for n in range(len(both))]
    prepared = prepare(at("2026-09-20", study=BY_DATES, pre=both.iloc[:4]), key=KEY)
    assert set(prepared.clean["pupils"]["cohort"]) == {"2025"}
    assert counted(prepared) == {"open_wave": 2}
    # the first of the later wave has not come yet, and then they have
    prepared = prepare(at("2027-09-20", study=BY_DATES, pre=both.iloc[:4]), key=KEY)
    assert set(prepared.clean["pupils"]["wave"]) == {"pre"}
    assert set(prepared.waves.query("wave == 'post'")["state"]) == {"to_come"}
    with pytest.raises(InputError, match="no row of post"):
        prepare(at("2027-11-01", study=BY_DATES, pre=both.iloc[:4]), key=KEY)
    prepared = prepare(at("2027-11-01", study=BY_DATES, pre=both), key=KEY)
    states = prepared.waves.query("wave == 'post'").set_index("cohort")["state"]
    assert states.to_dict() == {"2025": "closed", "2026": "to_come"}
    assert prepared.clean["pupils"].groupby(["cohort", "wave"]).size().to_dict() == {
        ("2025", "pre"): 2, ("2025", "post"): 2, ("2026", "pre"): 2,
    }  # fmt: skip


def test_each_cohort_may_have_a_file_of_its_own(at):
    two = COHORTS.replace(
        "pre: {tool: table, file: pre.csv}",
        "pre: [{tool: table, file: pre.csv}, {tool: table, file: post.csv}]",
    )
    two = two.replace("      post: {tool: table, file: post.csv}\n", "")
    first, second = PRE.iloc[:2], moved(PRE).iloc[2:]
    prepared = prepare(at("2026-09-20", study=two, pre=first, post=second), key=KEY)
    assert set(prepared.clean["pupils"]["cohort"]) == {"2025"}
    assert counted(prepared) == {"open_wave": 2}
    assert set(prepared.response.query("n_answered > 0")["school_id"]) == {"0301", "0302", "0400"}
    prepared = prepare(at("2026-11-20", study=two, pre=first, post=second), key=KEY)
    assert prepared.clean["pupils"]["cohort"].value_counts().to_dict() == {"2025": 2, "2026": 2}


def test_levels_of_a_wave_without_dates_are_of_no_year(at):
    study = at()
    windows = {
        cohort: {
            name: wave.model_copy(update={"start": None, "end": None})
            if (cohort, name) == ("2026", "post")
            else wave
            for name, wave in waves.items()
        }
        for cohort, waves in study.windows.items()
    }
    undated = SimpleNamespace(
        description=study.model_copy(update={"windows": windows}), populations=("pupils",)
    )
    rows = pd.DataFrame([
        {"population": "pupils", "outcome": "effort", "estimand": "level", "wave": wave,
         "subgroup": f"cohort={cohort}", "change": 2.5}
        for cohort in study.cohorts for wave in ("pre", "post")
    ])  # fmt: skip
    told = OpenStudy.by_year(undated, rows)
    assert not (told["subgroup"].eq("cohort=2026") & told["wave"].eq("post")).any()
    assert len(told) == len(rows) - 1
    assert told["year"].str.fullmatch(r"\d{4}").all()
