"""External trends: what a file may say, the change beside it, and what of that is shown."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from loftet_analysis import schema
from loftet_analysis.analysis.estimates import estimates, same_grade
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.fingerprints import description_digest
from loftet_analysis.disclosure.gate import gate
from loftet_analysis.errors import InputError
from loftet_analysis.show.languages import LANGUAGES
from loftet_analysis.show.sentences import conclusion
from loftet_analysis.study import load_study
from loftet_analysis.study import plan as plan_of
from loftet_analysis.study.trends import Figure, Trend, read_trend
from tests.made_up import effects as made_up
from tests.made_up import words
from tests.test_effects import answers, plan
from tests.test_gate import mask
from tests.test_sentences import row_of
from tests.test_study import write  # noqa: F401 (a fixture)

# invented figures: they are no source's
FILE = """\
outcome,grade,year,value,se,source,date
persistence,,2025,0.10,0.03,Invented survey,2026-02-01
persistence,all,2027,-0.02,0.04,Invented survey,2027-12-01
persistence,6,2025,"0,20",0.05,Invented survey,2026-02-01
persistence,6,2027,0.05,,Invented survey,2027-12-01
"""
TREND = ("analysis:\n", "analysis:\n  trend: {pupils: trend.csv}\n")
BEYOND = ["estimate_vs_trend", "vs_trend_ci_low", "vs_trend_ci_high"]


@pytest.fixture
def study(write):  # noqa: F811
    folder = write(TREND)
    (folder / "trend.csv").write_text(FILE, encoding="utf-8")
    return folder


def figure(grade, year, value, se=0.0, source="Invented survey"):
    return Figure("y", grade, year, value, se, source, "2028")


def by_grade(values, errors):
    """A trend with figures of grades 5, 6 and 7: values and errors by grade and year."""
    sides = [
        tuple(
            figure(g, year, v[side], e[side])
            for g, v, e in zip((5, 6, 7), values, errors, strict=True)
        )
        for side, year in enumerate((2025, 2027))
    ]
    return Trend(*sides)


def test_a_file_of_trends_is_read_and_planned_beside_same_grade_changes_only(study):
    rows = plan_of(load_study("trial"))
    having = rows[rows["trend"].notna()]
    assert set(having["estimand"]) == {"same_grade"}
    assert set(having["outcome"]) == {"persistence"}
    assert set(having["population"]) == {"pupils"}
    assert list(having["subgroup"]) == ["all", *(f"grade={g}" for g in range(5, 11))]
    trend = having["trend"].iloc[0]
    assert trend.over({7: 1.0})[:2] == pytest.approx((-0.12, 0.05))
    change, se, source = trend.over({6: 0.5, 8: 0.5})
    assert change == pytest.approx(0.5 * (0.05 - 0.20) + 0.5 * -0.12)
    assert math.isnan(se)  # of grade 6 after there is none
    assert source == "Invented survey, 2026-02-01; Invented survey, 2027-12-01"


def test_drift_and_trend_are_never_of_one_row(study):
    text = (study / "study.yml").read_text(encoding="utf-8")
    drift = "  drift:\n    pupils:\n      persistence: {per_grade: -0.1, source: S, date: 2019}\n"
    (study / "study.yml").write_text(text + drift, encoding="utf-8")
    rows = plan_of(load_study("trial"))
    assert rows["drift"].notna().any()
    assert rows["trend"].notna().any()
    assert not (rows["drift"].notna() & rows["trend"].notna()).any()


def test_a_change_of_the_file_is_a_change_of_the_description(study):
    before = description_digest("trial")
    (study / "trend.csv").write_text(FILE.replace("0.10", "0.11"), encoding="utf-8")
    assert description_digest("trial") != before


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16"])
def test_files_as_spreadsheets_save_them(tmp_path, delimiter, encoding):
    head = "Outcome,Grade,Year,Value,SE,Source,Date".replace(",", delimiter)
    row = delimiter.join(["joy", "7.0", "2025", "-0,25", "0,1", "Ås", "2026"])
    (tmp_path / "trend.csv").write_text(f"{head}\n{row}\n", encoding=encoding)
    (found,), problems = read_trend(tmp_path / "trend.csv")
    assert problems == []
    assert (found.grade, found.value, found.se, found.source) == (7, -0.25, 0.1, "Ås")


def test_all_faults_of_a_file_are_told_at_once(study, capsys):
    wrong = """\
outcome,grade,year,value,se,source,date
persistance,,2025,0.1,,Invented survey,2026
persistence,11,2025,0.1,,Invented survey,2026
persistence,7,25,0.1,,Invented survey,2026
persistence,7,2025,many,,Invented survey,2026
persistence,7,2025,487,,Invented survey,2026
persistence,7,2025,0.1,-0.1,Invented survey,2026
persistence,7,2025,0.1,,,
persistence,8,2025,0.1,,Invented survey,2026
persistence,8,2025,0.2,,Invented survey,2026
persistence,9,2025,0.2,0,Invented survey,2026
persistence,10,2025,0.2,,Invented survey,2026
persistence,10,2027,0.2,,Another survey,2028
"""
    (study / "trend.csv").write_text(wrong, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_study("trial")
    found = [(p.what, p.where.removeprefix("data_raw/trial/")) for p in error.value.problems]
    assert sorted(found, key=lambda each: int(each[1].split()[-1])) == [
        ("trend of an outcome that pupils are not asked both before and after", "trend.csv, row 2"),
        ("grade not understood", "trend.csv, row 3"),
        ("year not understood", "trend.csv, row 4"),
        ("value is not a number of SDs", "trend.csv, row 5"),
        ("value is not a number of SDs", "trend.csv, row 6"),
        ("se is not a standard error", "trend.csv, row 7"),
        ("source is empty", "trend.csv, row 8"),
        ("date is empty", "trend.csv, row 8"),
        ("duplicate figure of a trend", "trend.csv, row 10"),
        ("se is not a standard error", "trend.csv, row 11"),
        ("figures of one outcome and grade from several sources", "trend.csv, row 13"),
    ]
    assert main(["check", "trial"]) == 2
    assert "did you mean persistence?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "file of trends cannot be read"),
        ("outcome,grade,year,value,source\n", "missing column: date"),
        (FILE.replace("se,source", "error,source"), "unknown column of a file of trends"),
        (FILE.replace("se,source", "value,source"), "column stands twice"),
        (FILE.splitlines()[0] + "\n", "no figure in the file of trends"),
    ],
)
def test_files_that_are_no_trends_are_refused(study, text, what):
    (study / "trend.csv").unlink()
    if text is not None:
        (study / "trend.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=what):
        load_study("trial")


def test_a_trend_where_nothing_can_stand_beside_it_is_refused(write):  # noqa: F811
    folder = write(("analysis:\n", "analysis:\n  trend: {leaders: trend.csv}\n"))
    (folder / "trend.csv").write_text(FILE, encoding="utf-8")
    with pytest.raises(InputError, match="trend without same_grade") as error:
        load_study("trial")
    assert "study.yml, line" in str(error.value)


def test_years_that_a_trend_does_not_have_are_said_and_stop_nothing(study):
    assert [r.what for r in load_study("trial").remarks] == ["texts without a translation into nn"]
    (study / "trend.csv").write_text(FILE.replace("all,2027", "all,2026"), encoding="utf-8")
    loaded = load_study("trial")
    (remark,) = (r for r in loaded.remarks if "translation" not in r.what)
    assert remark.found == "persistence: not both of 2025 and 2027 in grade 5, 7, 8, 9, 10"
    assert remark.where == "data_raw/trial/trend.csv"
    rows = plan_of(loaded)
    trend = rows.loc[rows["trend"].notna(), "trend"].iloc[0]
    assert not np.isnan(trend.over({6: 1})[0])
    assert np.isnan(trend.over({7: 1})[0])
    assert math.isnan(trend.over({6: 0.5, 7: 0.5})[0])


def counted(clean):
    """The weights of grades by the definition: people of both waves in cells met in both."""
    answered = clean.dropna(subset=["y", "grade"])
    n = answered.groupby(["school_id", "grade", "wave"]).size().unstack().dropna()
    both = n.sum(axis=1)
    return (both.groupby("grade").sum() / both.sum()).to_dict()


small = st.floats(-1, 1, allow_nan=False, width=16)
error = st.floats(0, 0.5, width=16)


def three(each):
    """Before and after in three grades."""
    return st.lists(st.tuples(each, each), min_size=3, max_size=3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), three(small), three(error))
def test_the_difference_is_the_change_less_the_trend_and_its_variance_the_sum(seed, values, errors):
    clean = answers(seed)
    rows = plan("same_grade", trend=[by_grade(values, errors)])
    (found,) = verdicts(same_grade(clean, rows)).to_dict("records")
    weight = np.array([counted(clean).get(grade, 0.0) for grade in (5, 6, 7)])
    v, e = np.array(values), np.array(errors)
    trend = float(weight @ (v[:, 1] - v[:, 0]))
    trend_se = float(np.sqrt((weight**2) @ (e**2).sum(axis=1)))
    assert found["trend"] == pytest.approx(trend, abs=1e-12)
    assert found["trend_se"] == pytest.approx(trend_se, abs=1e-12)
    assert found["estimate_vs_trend"] == pytest.approx(found["estimate"] - trend, abs=1e-12)
    total = np.sqrt(found["se"] ** 2 + trend_se**2)
    df = total**4 / (found["se"] ** 4 / found["df"])
    half = stats.t.ppf(0.975, df) * total
    ends = [found["vs_trend_ci_low"], found["vs_trend_ci_high"]]
    middle = found["estimate"] - trend
    assert ends == pytest.approx([middle - half, middle + half], abs=1e-9)


def test_a_trend_known_exactly_moves_the_interval_and_widens_nothing():
    rows = plan("same_grade", trend=[by_grade([(0.1, 0.3)] * 3, [(0, 0)] * 3)])
    (found,) = verdicts(same_grade(answers(5), rows)).to_dict("records")
    moved = [found[f"vs_trend_ci_{end}"] + 0.2 for end in ("low", "high")]
    assert moved == pytest.approx([found["ci_low"], found["ci_high"]])
    unknown = Trend((figure(None, 2025, 0.1, None),), (figure(None, 2027, 0.3, None),))
    (same,) = verdicts(same_grade(answers(5), rows.assign(trend=[unknown]))).to_dict("records")
    assert math.isnan(same["trend_se"])
    assert [same[c] for c in BEYOND] == pytest.approx([found[c] for c in BEYOND])


def test_one_figure_of_all_grades_counts_once():
    """Its error does not shrink with the number of grades that it stands for."""
    whole = Trend((figure(None, 2025, 0.1, 0.3),), (figure(None, 2027, 0.3, 0.4),))
    assert whole.over({5: 0.2, 6: 0.3, 7: 0.5})[:2] == pytest.approx((0.2, 0.5))
    apart = by_grade([(0.1, 0.3)] * 3, [(0.3, 0.4)] * 3).over({5: 0.2, 6: 0.3, 7: 0.5})
    assert apart[:2] == pytest.approx((0.2, 0.5 * np.sqrt(0.2**2 + 0.3**2 + 0.5**2)))


def test_the_verdict_is_about_the_difference_with_both_uncertainties():
    clean = answers(5)
    (plain,) = verdicts(same_grade(clean, plan("same_grade"))).to_dict("records")

    def verdict(beyond, se):
        flat = Trend(
            (figure(None, 2025, 0),), (figure(None, 2027, plain["estimate"] - beyond, se),)
        )
        return verdicts(same_grade(clean, plan("same_grade", trend=[flat])))["verdict"][0]

    assert verdict(10 * plain["se"], 0.0) == "increase"
    assert verdict(-10 * plain["se"], 0.0) == "decrease"
    assert verdict(10 * plain["se"], 10 * plain["se"]) == "unclear"


def test_other_estimands_groups_and_refused_rows_have_no_trend():
    trend = by_grade([(0.1, 0.3)] * 3, [(0, 0)] * 3)
    clean = answers(6).assign(gender=lambda d: np.where(d.index % 3, "girl", "boy"))
    rows = plan("linked_change", "same_grade", "school_change", trend=[trend] * 3)
    found = estimates(clean, rows).set_index("estimand")["trend"]
    assert found.notna().to_dict() == {
        "linked_change": False, "same_grade": True, "school_change": False,
    }  # fmt: skip
    assert same_grade(clean, rows, by="gender")["trend"].isna().all()
    assert same_grade(clean, rows, by="grade")["trend"].notna().all()
    refused = same_grade(clean.assign(y=2.0), rows)
    assert refused["trend"].isna().all()
    with pytest.raises(InputError, match="not trends: column trend"):
        same_grade(clean, rows.assign(trend=0.2))


GATED = {
    "estimate": 0.2667, "change": 0.2667, "sd_unit": 1.0, "se": 0.05, "change_se": 0.05,
    "ci_low": 0.1667, "ci_high": 0.3667, "trend": 0.1234, "trend_se": 0.0321,
    "trend_source": "Invented survey, 2028", "estimate_vs_trend": 0.1433,
    "vs_trend_ci_low": 0.0233, "vs_trend_ci_high": 0.2633, "verdict": "increase",
    "n_pairs": None, "p_value": 0.001, "p_adjusted": 0.02, "df": 9.0,
}  # fmt: skip


def test_what_stands_beside_a_trend_is_that_of_the_rounded_change():
    n = 40
    part = {**GATED, "n_pre": n - 1, "n_post": n}
    row = gate(made_up(part), mask().assign(n=n), "internal").iloc[0]
    assert row["estimate"] == pytest.approx(0.3)  # in steps of a tenth
    by = row["estimate"] - GATED["estimate"]
    for column in BEYOND:
        assert row[column] == pytest.approx(round(GATED[column] + by, 2)), column
    assert row["verdict"] == "increase"
    below = {**part, "estimate_vs_trend": 0.09, "vs_trend_ci_low": -0.031, "estimate": 0.2667}
    low = {**part, "estimate": 0.34, "change": 0.34, "vs_trend_ci_low": 0.03}  # rounded downwards
    rows = gate(made_up(below, low), mask().assign(n=n), "internal")
    assert list(rows["verdict"]) == ["unclear", "unclear"]
    assert (rows["ci_low"] > 0).all()


def test_the_adjusted_p_value_is_that_of_the_rounded_difference():
    n = 40
    total = math.hypot(GATED["se"], GATED["trend_se"])
    df = GATED["df"] * (total / GATED["se"]) ** 4
    before = 2 * stats.t.sf(GATED["estimate_vs_trend"] / total, df)
    both = made_up(*({**GATED, "n_pre": n - 1, "n_post": n, "region": r} for r in ("aas", "oslo")))
    adjusted = multipletests([before, before], method="fdr_bh")[1]
    both = both.assign(p_adjusted=adjusted, n_tests=2)
    oslo = mask().query("region == 'oslo'").assign(n=n)
    found = gate(both, pd.concat([oslo, oslo.assign(region="aas")]), "internal")
    assert found["estimate"].tolist() == [0.3, 0.3]
    moved = (GATED["estimate_vs_trend"] + found["estimate"] - GATED["estimate"]).round(2)
    p = 2 * stats.t.sf(moved / total, df)
    expected = multipletests(p, method="fdr_bh")[1].round(3)
    assert found["p_adjusted"].tolist() == pytest.approx(expected)


def test_few_schools_do_not_tell_the_interval_beside_a_trend():
    held = mask().assign(n_schools=7, smallest=5)
    row = gate(made_up(GATED), held, "internal").iloc[0]
    assert row["reason"] == "few_clusters" or row["suppressed"]
    assert row[["vs_trend_ci_low", "vs_trend_ci_high"]].isna().all()
    shown = {**GATED, "verdict": "", "reason": "few_clusters", **dict.fromkeys(BEYOND[1:], np.nan)}
    shown |= {"ci_low": np.nan, "ci_high": np.nan}
    said = conclusion(made_up(shown).iloc[0].to_dict(), words("en"))
    assert said.endswith("measured from there it is 0.14 (without an interval).")
    spread = {name for name in BEYOND if schema.COLUMNS[name].spread}
    assert spread == {"vs_trend_ci_low", "vs_trend_ci_high"}
    hidden = gate(made_up({**GATED, "n_pre": 3}), mask(), "internal").iloc[0]
    assert hidden["suppressed"]
    assert hidden[["trend", "trend_se", *BEYOND]].isna().all()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("estimate", "trend", "verdict"),
    [(-0.05, -0.30, "increase"), (-0.50, -0.10, "decrease"), (-0.19, -0.20, "negligible")],
)
def test_the_conclusion_names_trend_source_and_difference(estimate, trend, verdict, language):
    speech = words(language)
    about = {"trend": trend, "trend_source": "Invented survey, 2028"}
    row = row_of(estimate, 0.02, df=400.0, trend_se=0.02, **about)
    assert row["verdict"] == verdict
    said = conclusion(row, speech)
    for part in (trend, estimate - trend):
        assert speech.number(part) in said
    assert "Invented survey, 2028" in said
    assert speech.interval(row["vs_trend_ci_low"], row["vs_trend_ci_high"]) in said
    if verdict == "negligible":
        half = stats.t.isf(0.05, 400 * 4) * math.hypot(0.02, 0.02)
        apart = estimate - trend
        assert speech.interval(apart - half, apart + half) in said
    conditional = conclusion(row_of(estimate, 0.02, df=400.0, trend_se=None, **about), speech)
    word = {"nb": "forutsetter", "nn": "føreset", "en": "conditional"}[language]
    assert word in conditional
    assert word not in said
