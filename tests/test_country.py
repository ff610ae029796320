"""The country's rows: regions as clusters from eight on, and one interval for one study."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import loftet_analysis as la
from loftet_analysis import names
from loftet_analysis.analysis.estimates import LARGEST, estimates
from loftet_analysis.analysis.sensitivity import sensitivity
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.batch import commands
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import (
    ESTIMANDS,
    FEWEST_REGIONS,
    FEWEST_REGIONS_ON_A_SIDE,
    names_where,
)
from loftet_analysis.schema import EFFECTS
from loftet_analysis.show.sentences import reading
from loftet_analysis.show.translate import Words
from loftet_analysis.stats.cr2 import change_in_cells, contrast, mean
from loftet_analysis.study.questionnaire import Questionnaire
from tests.quick_study import STUDY_OPEN, build_quick
from tests.test_effects import effects, in_two_waves, plan, unit

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "regions.json").read_text())
BY_REGION = (
    "linked_change", "same_grade", "cohort_change", "participants", "colleagues",
    "participants_vs_colleagues", "programme_vs_comparison",
)  # fmt: skip
NUMBERS = ("change", "change_se", "df", "p_value", "n_clusters")
SEEDS = st.integers(0, 2**32 - 1)


def number(text):
    return text.str.extract(r"(\d+)$")[0].astype(int)


def halved(data):
    return data["region"] + (number(data["school"]) % 2).astype(str)


def linked_people():
    """Pupils of linked_wide.csv in the halves of their regions; roles by their numbers."""
    wide = pd.read_csv(REFERENCE / "linked_wide.csv")
    return in_two_waves(
        pd.DataFrame({
            "school_pre": wide["school"], "school_post": wide["school"], "region": halved(wide),
            "role": np.where(number(wide["pupil"]) % 3 == 0, "participant", "colleague"),
            "comparison": number(wide["school"]) % 4 >= 2, "pre": wide["pre"],
            "post": wide["post"],
        })
    )  # fmt: skip


def people_of_waves(years=0):
    """Pupils of unlinked.csv; grades by the numbers of their rows."""
    long = pd.read_csv(REFERENCE / "unlinked.csv")
    after = long["wave"].eq(1)
    return pd.DataFrame({
        "region": halved(long), "school_id": long["school"], "y": long["y"],
        "wave": np.where(after, "post", "pre"),
        "grade": 5 + number(long["rid"]) % 3 + years * after,
    })  # fmt: skip


def national(*estimands, **more):
    return plan(*estimands, **{"region": "national", **more})


@pytest.mark.parametrize("estimand", BY_REGION)
def test_regions_as_clusters_are_those_of_clubsandwich(estimand):
    reference, more, units = R[estimand], {}, None
    clean = people_of_waves() if estimand == "same_grade" else linked_people()
    if estimand == "cohort_change":
        clean, more = people_of_waves(years=2), {"years": 2}
    if estimand == "programme_vs_comparison":
        wide = pd.read_csv(REFERENCE / "linked_wide.csv")
        sd = wide["pre"].std()
        units, reference = unit(sd, population="teachers"), R["adjusted_for_pre"]
        assert 0.05 < R["baseline"]["apart"] <= 0.25
    population = "pupils" if "grade" in clean else "teachers"
    asked = national(estimand, population=population, units=units, **more)
    (row,) = effects(clean, asked).to_dict("records")
    for key in NUMBERS:
        assert row[key] == pytest.approx(reference[key], abs=1e-9, rel=1e-8), key
    assert row["cluster"] == "region"
    schools = clean["school_id"]
    if estimand == "participants":
        schools = schools[clean["role"] == "participant"]
    assert row["n_schools"] == schools.nunique()


def test_the_record_of_the_estimand_says_what_rests_on_regions():
    assert set(names_where(by_region=True)) == set(BY_REGION)
    assert {name for name in BY_REGION if not ESTIMANDS[name].is_change} == set()
    after_the_contract = EFFECTS[EFFECTS.index("suppressed") + 1 :]
    assert after_the_contract[:2] == ("n_schools", "wave")


def country(seed=0, regions=9, schools=3, pupils=14, of_region=0.3):
    """Linked people in regions that differ in their change, of unequal size."""
    rng = np.random.default_rng(seed)
    region = np.repeat(np.arange(regions), schools)
    n = rng.integers(pupils // 2, 2 * pupils, len(region))
    school = np.repeat(np.arange(len(region)), n)
    pre = rng.normal(3, 0.8, len(school))
    change = rng.normal(0.2, of_region, regions)[region[school]]
    change += rng.normal(0, 0.1, len(region))[school]
    return in_two_waves(
        pd.DataFrame({
            "school_pre": [f"s{j:03}" for j in school], "school_post": [f"s{j:03}" for j in school],
            "region": [f"r{region[j]:02}" for j in school],
            "grade": pd.array(rng.integers(5, 8, len(school)), dtype="Int64"),
            "role": rng.choice(["participant", "colleague"], len(school)), "pre": pre,
            "post": pre + change + rng.normal(0, 0.5, len(school)), "gatherings": 5.0,
        })
    )  # fmt: skip


@pytest.mark.parametrize("regions", [FEWEST_REGIONS - 1, FEWEST_REGIONS])
def test_fewer_than_eight_regions_keep_their_schools(regions):
    clean = country(regions=regions)
    found = effects(clean, national(*(set(BY_REGION) - {"programme_vs_comparison"})))
    clusters = {"region"} if regions == 8 else {"school", "feeder_group"}
    assert set(found["cluster"]) == clusters
    of_region = effects(clean[clean["region"] == "r01"], plan(*BY_REGION[:2], region="r01"))
    assert "region" not in set(of_region["cluster"])
    assert (found["n_schools"] == 3 * regions).all()


@pytest.mark.parametrize("after", [3, FEWEST_REGIONS - 1, FEWEST_REGIONS])
@pytest.mark.parametrize("population", ["pupils", "teachers"])
def test_the_regions_that_count_are_those_that_a_row_rests_on(after, population):
    """Answers before in 9 regions, and after in fewer."""
    clean = country()
    clean = clean[clean["wave"].eq("pre") | clean["region"].lt(f"r{after:02}")]
    asked = national(*(set(BY_REGION) - {"programme_vs_comparison", "cohort_change"}),
                     population=population)  # fmt: skip
    grown = clean.assign(grade=clean["grade"] + 2 * clean["wave"].eq("post"))
    cohorts = effects(grown, national("cohort_change", population="pupils", years=2))
    for found, old in (
        (effects(clean, asked), asked), (cohorts, national("cohort_change", years=2)),
    ):  # fmt: skip
        assert found["change"].notna().all()
        few = after < FEWEST_REGIONS
        assert found["cluster"].eq("region").tolist() == [not few] * len(found)
        assert found["flags"].str.contains("few_regions").tolist() == [few] * len(found)
        if few:
            data = clean if found is not cohorts else grown
            same = old.assign(population=found["population"].iloc[0])
            without = effects(data.drop(columns="region"), same)
            columns = ["change", "change_se", "df", "n_clusters", "cluster"]
            pd.testing.assert_frame_equal(found[columns], without[columns])
    paired = la.pairs(clean, asked)
    (row,) = la.linked_change(paired, asked).to_dict("records")
    (whole,) = effects(clean, national("linked_change", population=population)).to_dict("records")
    for key in ("cluster", "n_clusters", "flags"):
        assert row[key] == whole[key], key
    assert row["change_se"] == pytest.approx(whole["change_se"])


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("side", ["comparison", "programme"])
@pytest.mark.parametrize("regions", [1, 2, FEWEST_REGIONS_ON_A_SIDE - 1, FEWEST_REGIONS_ON_A_SIDE])
def test_a_group_in_few_regions_is_compared_over_schools(regions, side, linked):
    clean = country(schools=4, pupils=20)
    inside = clean["region"].lt(f"r{regions:02}") & (number(clean["school_id"]) % 2 == 0)
    clean = clean.assign(comparison=inside == (side == "comparison"))
    if not linked:
        clean = clean.drop(columns="person_id")
    asked = national("programme_vs_comparison", units=unit(5.0))
    (found,) = effects(clean, asked).to_dict("records")
    (without,) = effects(clean.drop(columns="region"), asked).to_dict("records")
    few = regions < FEWEST_REGIONS_ON_A_SIDE
    assert found["reason"] == ""
    assert ("few_regions" in found["flags"].split(";")) == few
    assert (found["cluster"] == "region") == (not few)
    assert found["change"] == pytest.approx(without["change"])
    if few:
        for key in ("cluster", "n_clusters", "df", "change_se"):
            assert found[key] == without[key], key


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_readers_are_told_of_few_regions(language):
    clean = country()
    clean = clean[clean["wave"].eq("pre") | clean["region"].lt("r03")]
    (row,) = effects(clean, national("same_grade")).to_dict("records")
    said = reading({**row, "suppressed": False}, Words(language))
    few = {"nb": "for få regioner", "nn": "for få regionar", "en": "too few regions"}
    assert few[language] in said


def test_others_keep_their_schools():
    clean = country()
    others = ("school_change", "same_grade_quantile", "share_below", "gap_change", "lowest_fifth")
    asked = national(*others, low_fifth=2.5, alpha=0.8)
    asked.loc[asked["estimand"] == "gap_change", "contrast"] = "role=participant - role=colleague"
    found = effects(clean, asked)
    assert found["change"].notna().all()
    assert set(found["cluster"]) == {"school", "feeder_group"}
    without = effects(clean.drop(columns="region"), asked)
    pd.testing.assert_frame_equal(found, without)
    level = effects(clean, national("level", population="teachers", midpoint=3.0))
    assert set(level["cluster"]) == {"school"}


@pytest.mark.parametrize("population", ["pupils", "teachers"])
def test_only_the_interval_changes_with_the_clusters(population):
    clean = country(of_region=0.4)
    asked = national("linked_change", "same_grade", "participants", "participants_vs_colleagues",
                     population=population)  # fmt: skip
    by_region, by_school = (effects(each, asked) for each in (clean, clean.drop(columns="region")))
    same = ["n_pairs", "change", "estimate", "icc_change", "design_effect", "n_schools",
            "mean_pre", "sd_post", "n_schools_dropped"]  # fmt: skip
    pd.testing.assert_frame_equal(by_region[same], by_school[same])
    assert (by_region["change_se"] != by_school["change_se"]).all()
    linked = by_region["estimand"] == "linked_change"
    assert (by_region[linked]["change_se"] > 1.5 * by_school[linked]["change_se"]).all()


def test_pairs_show_their_regions_and_give_the_same_rows():
    clean = country()
    clean.loc[clean.index[::17], "y"] = np.nan
    for population in ("pupils", "teachers"):
        asked = national("linked_change", "participants", "colleagues",
                         "participants_vs_colleagues", population=population)  # fmt: skip
        pairs = la.pairs(clean, asked)
        assert pairs["cluster"].tolist() == pairs["region"].tolist()
        assert set(pairs["clustered_by"]) == {"region"}
        assert pairs["school_group"].tolist() == pairs["school_id"].tolist()
        found = pd.concat([
            la.linked_change(pairs, asked), la.linked_change(pairs, asked, role="participant"),
            la.linked_change(pairs, asked, role="colleague"),
            la.participants_vs_colleagues(pairs, asked),
        ], ignore_index=True)  # fmt: skip
        whole = estimates(clean, asked)
        numbers = [c for c in whole.select_dtypes("number") if not c.startswith("answers")]
        pd.testing.assert_frame_equal(found[[*numbers, "cluster"]], whole[[*numbers, "cluster"]])
        chosen = la.linked_change(la.pairs(clean, asked, cluster="school"), asked)
        assert chosen["cluster"].tolist() == ["school"]
        assert chosen["n_clusters"].tolist() == [27]
    dose = national("dose", population="teachers")
    attended = clean.assign(gatherings=np.random.default_rng(1).integers(0, 9, len(clean)))
    assert set(la.dose(la.pairs(attended, dose), dose)["cluster"]) == {"school"}


def test_the_unit_of_the_country_is_as_uncertain_as_its_regions_make_it():
    clean = country()
    sd = clean.loc[clean["wave"] == "pre", "y"].std()
    asked = national("linked_change", units=unit(sd), unit_is_sample=True)
    (row,) = effects(clean, asked).to_dict("records")
    as_schools = clean.assign(school_id=clean["region"]).drop(columns="region")
    (same,) = effects(as_schools, asked).to_dict("records")
    for key in ("estimate", "se", "df", "ci_low", "ci_high", "change_se"):
        assert row[key] == pytest.approx(same[key], rel=1e-12), key
    (fixed,) = effects(clean, asked.assign(unit_is_sample=False)).to_dict("records")
    assert fixed["se"] != pytest.approx(row["se"], rel=1e-6)


@given(seed=SEEDS, scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
@settings(max_examples=15, deadline=None)
def test_order_units_and_sign(seed, scale, shift):
    clean = country(seed % 1000, pupils=5)
    asked = national("linked_change", "same_grade", "participants_vs_colleagues")
    plain = effects(clean, asked)
    turned = clean.assign(y=shift - scale * clean["y"]).sample(frac=1, random_state=1)
    again = effects(turned, asked)
    same = ["df", "p_value", "n_clusters", "icc_change", "design_effect"]
    np.testing.assert_allclose(
        again[same].astype(float), plain[same].astype(float), rtol=1e-7, atol=1e-9
    )
    np.testing.assert_allclose(again["change"], -scale * plain["change"], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(again["change_se"], scale * plain["change_se"], rtol=1e-8)


def test_equal_regions_give_the_t_test_of_their_means_and_copies_change_nothing():
    clean = country(schools=2)
    first = clean.groupby(["wave", "region"]).cumcount() < 14
    equal, asked = clean[first], national("linked_change")
    (row,) = effects(equal, asked).to_dict("records")
    means = equal.pivot_table(index="region", columns="wave", values="y")
    test = stats.ttest_1samp(means["post"] - means["pre"], 0)
    assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-9)
    assert row["df"] == pytest.approx(8)
    copies = [clean.assign(person_id=clean["person_id"] + str(k)) for k in range(2)]
    one, two = (effects(each, asked).iloc[0] for each in (clean, pd.concat(copies)))
    assert two[["change_se", "df"]].tolist() == pytest.approx(one[["change_se", "df"]].tolist())


@given(seed=SEEDS, regions=st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_cells_side_by_side_are_the_fit_with_dummies(seed, regions):
    rng = np.random.default_rng(seed)
    cells = int(rng.integers(regions, 40))
    cluster = np.concatenate([np.arange(regions), rng.integers(0, regions, cells - regions)])
    n, means = rng.integers(1, 30, (cells, 2)), rng.normal(size=(cells, 2))
    share = n.sum(axis=1) * rng.uniform(0.5, 2, cells)
    found = change_in_cells(means, n, share, cluster)
    dense = contrast(
        means.ravel(), np.tile([[0.0], [1.0]], (cells, 1)), [1], np.repeat(cluster, 2),
        cells=np.repeat(np.arange(cells), 2), weights=(share[:, None] / n).ravel(),
        counts=n.ravel(),
    )  # fmt: skip
    for key in ("estimate", "se", "df", "n_clusters", "largest"):
        assert getattr(found, key) == pytest.approx(getattr(dense, key), rel=1e-8, abs=1e-10), key
    np.testing.assert_allclose(found.scores, dense.scores, rtol=1e-6, atol=1e-9)


def test_answers_need_a_region_and_schools_one_only():
    clean = country()
    away = clean.assign(region=clean["region"].where(clean["region"] != "r03"))
    with pytest.raises(InputError, match=r"(?s)answers without a region.*rows"):
        effects(away, national("linked_change"))
    astray = clean.assign(region=np.where(clean["wave"] == "post", "r00", clean["region"]))
    with pytest.raises(InputError, match=r"(?s)a school lies in two regions.*24 of 27"):
        effects(astray, national("same_grade"))
    # who has moved counts where she was before
    (row,) = effects(astray, national("linked_change")).to_dict("records")
    (plain,) = effects(clean, national("linked_change")).to_dict("records")
    assert row["change_se"] == pytest.approx(plain["change_se"])


def test_schools_as_clusters_stand_in_the_sensitivity_table():
    clean = country().assign(years=2)
    for population, estimands in (
        ("pupils", ("linked_change", "same_grade")),
        ("teachers", ("participants", "colleagues", "participants_vs_colleagues")),
    ):
        asked = national(*estimands, population=population, unit_is_sample=True,
                         units=unit(0.9, population=population))  # fmt: skip
        main = effects(clean, asked)
        table = sensitivity(clean, main, asked, Questionnaire(population, "national", None))
        these = table[table["analysis"] == "these_regions"].set_index("estimand")
        schools = effects(clean.drop(columns="region"), asked).set_index("estimand")
        assert these.index.tolist() == list(estimands)
        numbers = ["change", "change_se", "df", "estimate", "se", "ci_low", "ci_high"]
        pd.testing.assert_frame_equal(these[numbers], schools.loc[these.index, numbers])
        # the others change one choice: they rest on regions too
        unlike = table[table["analysis"].isin(["stayers", "all_schools", "equal_grades", "ancova"])]
        assert set(unlike["n_clusters"].dropna()) == {9}
    region = effects(clean[clean["region"] == "r01"], plan("linked_change", region="r01"))
    own = sensitivity(clean[clean["region"] == "r01"], region, plan("linked_change"),
                      Questionnaire("pupils", "r01", None))  # fmt: skip
    assert "these_regions" not in set(own["analysis"])


# one study, one interval


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """The quick study with all its schools in one region, and what was declared."""
    root = tmp_path / "Løftet {test}"
    folder = build_quick(root)
    register = (folder / "schools.csv").read_text(encoding="utf-8").replace(",oslo,", ",nordland,")
    (folder / "schools.csv").write_text(register, encoding="utf-8")
    declared = """\
notebooks: [mine/*, national/10_quick]
analysis:
  primary:
    pupils: {outcomes: [effort], estimands: [linked_change, cohort_change]}
"""
    (folder / "study.yml").write_text(STUDY_OPEN + declared, encoding="utf-8")
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    assert commands.clean(study="tiny") == 0


def rows_of(region):
    study = la.open_study("tiny", region=region) if region else la.open_study("tiny")
    found = verdicts(estimates(study.read("pupils"), study.plan("pupils")))
    return found[found["estimand"] != "spread_ratio"].reset_index(drop=True)


def test_one_region_and_its_country_have_one_interval_and_one_verdict(alone):
    region, whole = rows_of("nordland"), rows_of(None)
    assert set(region["region"]) == {"nordland"}
    same = [c for c in region if c not in ("region", "flags")]
    pd.testing.assert_frame_equal(region[same], whole[same])
    assert region["p_adjusted"].notna().sum() == 2
    computed = region[region["reason"] == ""]
    assert len(computed) >= 3
    assert computed["flags"].str.contains(names.WHOLE_STUDY).all()
    assert not whole["flags"].str.contains(names.WHOLE_STUDY).any()


# clusters that an interval cannot rest on


@pytest.mark.parametrize(("sizes", "flagged"), [
    ((200, 1), True), ((60, 1, 1), True), ((400, 5, 5, 5), True), ((20, 3), True),
    ((20, 4), False), ((30, 10), False), ((40, 10, 5), False), ((12, 12), False),
])  # fmt: skip
def test_nothing_is_concluded_where_one_cluster_holds_nearly_all(sizes, flagged):
    rng = np.random.default_rng(sum(sizes))
    school = np.repeat([f"s{j}" for j in range(len(sizes))], sizes)
    people = pd.DataFrame({"school_pre": school, "school_post": school})
    people = people.assign(pre=rng.normal(3, 0.5, len(people)), grade=6)
    pairs = in_two_waves(people.assign(post=people["pre"] + 2 + rng.normal(0, 0.1, len(people))))
    found = effects(pairs, plan("linked_change", "same_grade", population="pupils"))
    assert found["flags"].str.contains("one_dominates").tolist() == [flagged] * 2
    assert (found["change"] > 1.5).all()
    if flagged:
        assert found["verdict"].tolist() == ["unclear"] * 2
    none = effects(
        pairs.assign(y=pairs["y"] - 2 * pairs["wave"].eq("post")),
        plan("linked_change", sesoi=5.0),
    )
    assert none["verdict"].tolist() == ["unclear" if flagged else "negligible"]


def test_where_the_flag_is_raised_intervals_are_too_short_and_below_it_they_hold():
    """Answers that differ between clusters; the limit lies where 93 of 100 hold the truth."""
    rng = np.random.default_rng(5)
    held = {}
    for largest in (0.80, LARGEST, 0.95, 0.995):
        n = np.array([largest, 1 - largest])
        y = rng.normal(0, 1, (20_000, 2))
        estimate = y @ n
        scores = n / np.sqrt(1 - n) * (y - estimate[:, None])
        half = stats.t.isf(0.025, 1) * np.sqrt((scores**2).sum(axis=1))
        held[largest] = (np.abs(estimate) <= half).mean()
    assert held[0.80] > 0.93
    assert held[LARGEST] == pytest.approx(0.93, abs=0.008)
    assert held[0.95] < 0.90
    assert held[0.995] < 0.80
    sizes = (n * 1000).round().astype(int)
    again = mean(np.repeat(y[0], sizes), np.repeat([0, 1], sizes))
    assert again.se == pytest.approx(np.sqrt((scores[0] ** 2).sum()), rel=1e-9)
    assert again.largest == pytest.approx(0.995)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 11, 13])
def test_exactly_four_degrees_of_freedom_are_not_low(size):
    rng = np.random.default_rng(size)
    school = np.repeat([f"s{j}" for j in range(5)], size)
    people = pd.DataFrame({"school_pre": school, "school_post": school, "pre": 3.0, "grade": 6})
    clean = in_two_waves(people.assign(post=3 + rng.normal(0, 1, len(school))))
    clean["y"] += rng.normal(0, 0.1, len(clean))
    found = effects(clean, plan("linked_change", "same_grade", "cohort_change"))
    found = found[found["change"].notna()]
    assert found["df"].tolist() == pytest.approx([4.0] * len(found))
    assert not found["flags"].str.contains("low_df").any()
    four = effects(clean[clean["school_id"] != "s4"], plan("linked_change"))
    assert four["flags"].str.contains("low_df").all()
