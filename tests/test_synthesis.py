"""Random effects over regions against metafor, their algebra, and what is left out."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from loftet_analysis import schema
from loftet_analysis.analysis.synthesis import (
    FEATURES_ALIKE,
    METHOD,
    NOT_REGRESSED,
    REFUSED,
    REGRESSION,
    TOO_FEW_REGIONS,
    leave_one_out,
    meta_regression,
    pool,
    pool_each,
)
from loftet_analysis.disclosure.gate import gate, passed
from loftet_analysis.errors import InputError
from loftet_analysis.schema import POOLED
from loftet_analysis.show import figures, tables
from loftet_analysis.show.sentences import hangs_on, position
from loftet_analysis.show.session import OpenStudy
from loftet_analysis.stats.meta import tau2_reml
from loftet_analysis.stats.shrinkage import shrink
from tests import made_up

REFERENCE = Path(__file__).parent / "reference"
META = json.loads((REFERENCE / "r_values.json").read_text())["meta"]
METAFOR = json.loads((REFERENCE / "meta.json").read_text())
SETS = METAFOR["sets"]
SEEDS = st.integers(0, 2**32 - 1)
NUMBERS = ["estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "i2", "q", "q_p"]


def regions(y, v, **columns):
    return pd.DataFrame({
        "region": [f"r{i}" for i in range(len(y))], "population": "pupils", "outcome": "joy",
        "estimand": "same_grade", "subgroup": "all", "estimate": y, "se": np.sqrt(v), **columns,
    })  # fmt: skip


@pytest.fixture
def regions15():
    data = pd.read_csv(REFERENCE / "regions15.csv")
    return regions(data["yi"], data["vi"])


def assert_metafor(found, reference):
    for name in NUMBERS:
        assert found[name] == pytest.approx(reference[name], abs=1e-7), name


def test_reml_is_metafor_s_and_the_guard_is_the_larger_error(regions15):
    found = pool(regions15).iloc[0]
    assert META["adhoc"]["se"] > META["knha"]["se"]
    assert_metafor(found, META["adhoc"])
    assert found[["k", "df", "method"]].tolist() == [15, 14, METHOD]


def test_knapp_hartung_where_it_is_the_larger():
    found = pool(regions([0.1, 0.3, 0.6], [0.01, 0.01, 0.0225])).iloc[0]
    assert META["apart_adhoc"]["se"] > META["apart_t"]["se"]
    assert_metafor(found, META["apart_adhoc"])


@pytest.mark.parametrize("case", ["three_adhoc", "alike_adhoc"])
def test_no_heterogeneity(regions15, case):
    y = regions15["estimate"]
    rows = {
        "three_adhoc": regions15.iloc[:3],
        "alike_adhoc": regions15.assign(estimate=y.mean() + (y - y.mean()) / 10),
    }[case]
    found = pool(rows).iloc[0]
    assert found["tau2"] == 0
    assert_metafor(found, META[case])


@given(seed=st.integers(0, 10_000), k=st.integers(2, 20), tau=st.floats(0, 0.5))
@settings(max_examples=60, deadline=None)
def test_tau2_maximises_the_restricted_likelihood(seed, k, tau):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.001, 0.05, k)
    y = rng.normal(0, np.sqrt(v + tau**2))

    def deviance(tau2):
        w = 1 / (v + tau2)
        return w @ (y - np.average(y, weights=w)) ** 2 - np.log(w).sum() + np.log(w.sum())

    found = tau2_reml(y, v)
    elsewhere = np.r_[0, np.geomspace(1e-7, 10, 500)]
    assert deviance(found) <= min(map(deviance, elsewhere)) + 1e-9


@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 10))
@settings(max_examples=20, deadline=None)
def test_order_rescaling_and_sign(seed, scale):
    rng = np.random.default_rng(seed)
    y, v = rng.normal(0.2, 0.2, 9), rng.uniform(0.005, 0.05, 9)
    found = pool(regions(y, v)).iloc[0]
    order = rng.permutation(9)
    turned = pool(regions(-scale * y[order], scale**2 * v[order])).iloc[0]
    assert turned["estimate"] == pytest.approx(-scale * found["estimate"])
    assert turned["se"] == pytest.approx(scale * found["se"])
    assert turned["pi_low"] == pytest.approx(-scale * found["pi_high"])
    assert turned["tau2"] == pytest.approx(scale**2 * found["tau2"], abs=1e-10)
    assert turned["i2"] == pytest.approx(found["i2"], abs=1e-8)


def test_what_is_left_out(regions15):
    plain = pool(regions15)
    more = [
        regions15.iloc[:1].assign(region="national", estimate=9.0),
        regions15.iloc[:2].assign(subgroup="grade=7", estimate=9.0),
        regions15.iloc[:2].assign(estimate=np.nan, se=np.nan),
        regions15.iloc[:2].assign(estimate=9.0, suppressed=True),
    ]
    rows = pd.concat([regions15.assign(suppressed=pd.NA), *more], ignore_index=True)
    pd.testing.assert_frame_equal(pool(rows.astype({"suppressed": "boolean"})), plain)


def test_too_few_regions_are_a_row_that_says_so(regions15):
    other = regions15.iloc[:1].assign(outcome="persistence")
    none = regions15.iloc[:2].assign(outcome="beliefs", estimate=np.nan)
    found = pool(pd.concat([regions15, other, none]))
    assert list(found.columns) == list(POOLED)
    assert found["outcome"].tolist() == ["joy", "persistence", "beliefs"]
    assert found["k"].tolist() == [15, 1, 0]
    assert found.loc[1:, [*NUMBERS, "df"]].isna().all().all()
    assert (found.loc[1:, "method"] == "not pooled: fewer than two regions with an estimate").all()
    assert pool(regions15.iloc[:0]).empty


def test_q_keeps_its_digits():
    found = pool_each(regions([0.2, 0.5], [1e-18, 0.01])).iloc[0]
    assert found["q"] == pytest.approx(9)
    assert found["q_p"] == pytest.approx(0.0027, abs=1e-4)
    assert pool_each(regions([0.3, 0.3], [0.01, 0.01])).iloc[0]["q"] == 0


def of_set(name):
    return regions(np.array(SETS[name]["yi"]), np.array(SETS[name]["vi"]))


def moderators_of(model):
    names = np.atleast_1d(model["moderators"])
    values = {name: SETS[model["set"]][name] for name in names}
    return pd.DataFrame(values, index=of_set(model["set"])["region"])


@pytest.mark.parametrize("name", SETS)
def test_random_sets_give_what_metafor_gives(name):
    found, reference = pool_each(of_set(name)).iloc[0], METAFOR["pooled"]["adhoc"][name]
    for key, value in reference.items():
        if not key.startswith("tau2_ci"):
            assert found[key] == pytest.approx(value, abs=1e-9, rel=1e-9), key
    whole = pool(of_set(name)).iloc[0]
    if whole["k"] > 2:
        assert_metafor(whole, reference)


def test_each_region_left_out_gives_what_metafor_gives():
    found, reference = leave_one_out(of_set("regions15")), METAFOR["leave_one_out"]
    assert found["left_out"].tolist() == [f"r{i}" for i in range(15)]
    assert (found["k"] == 14).all()
    for key in ("estimate", "se", "ci_low", "ci_high", "tau2"):
        np.testing.assert_allclose(found[key], reference[key], atol=1e-9)


@pytest.mark.parametrize("model", METAFOR["regressed"], ids=lambda model: model["set"])
def test_moderators_give_what_metafor_gives(model):
    table = moderators_of(model)
    found = meta_regression(of_set(model["set"]), table)
    assert found["feature"].tolist() == ["intercept", *table]
    assert (found["method"] == REGRESSION).all()
    for key, value in model["adhoc"].items():
        if key not in ("f", "f_p", "tau2_ci_low", "tau2_ci_high"):
            np.testing.assert_allclose(found[key], value, atol=1e-9, rtol=1e-9, err_msg=key)


def test_the_fit_without_moderators_is_statsmodels_at_the_same_tau2():
    y, v = (np.array(SETS["twelve"][key]) for key in ("yi", "vi"))
    random = combine_effects(y, v + tau2_reml(y, v))
    found = pool(of_set("twelve")).iloc[0]
    assert found["estimate"] == pytest.approx(random.mean_effect_fe)
    assert found["se"] ** 2 == pytest.approx(max(random.var_hksj_fe, random.var_eff_w_fe))


@given(seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_moderators_in_other_units_and_another_order_of_regions(seed):
    rng = np.random.default_rng(seed)
    rows = regions(rng.normal(0.2, 0.2, 9), rng.uniform(0.005, 0.05, 9))
    table = pd.DataFrame({"size": rng.normal(size=9), "urban": 3.0 * rng.permutation(9)})
    table.index = rows["region"]
    plain = meta_regression(rows, table)
    turned = meta_regression(rows.sample(frac=1, random_state=1), 1000 * table + [5, -7])
    scaled = turned["estimate"].to_numpy()[1:] * 1000
    np.testing.assert_allclose(scaled, plain["estimate"][1:], rtol=1e-7)
    same = ["p_value", "statistic", "tau2", "q"]
    np.testing.assert_allclose(turned.loc[1:, same], plain.loc[1:, same], rtol=1e-6, atol=1e-9)


def test_subgroups_and_contrasts_are_pooled_apart(regions15):
    other = regions15.assign(subgroup="grade=7", estimate=regions15["estimate"] + 1)
    rows = pd.concat([regions15, other]).assign(contrast="post - pre")
    found = pool_each(rows)
    assert found["subgroup"].tolist() == ["all", "grade=7"]
    assert found["estimate"].diff().iloc[1] == pytest.approx(1)
    assert found["contrast"].unique().tolist() == ["post - pre"]
    pd.testing.assert_frame_equal(pool(rows), pool(regions15))
    two = pool_each(rows.assign(contrast=["a", "b"] * 15))
    assert two["k"].tolist() == [8, 7, 8, 7]


def test_too_few_regions_are_said_everywhere(regions15):
    two = leave_one_out(regions15.iloc[:2])
    assert two["k"].tolist() == [1, 1]
    assert two[["estimate", "se", "tau2"]].isna().all(axis=None)
    assert (two["method"] == REFUSED).all()
    assert leave_one_out(regions15.iloc[:0]).empty
    table = pd.DataFrame({"urban": [0, 1, 1]}, index=["r0", "r1", "r2"])
    for rows, moderators in (
        (regions15.iloc[:2], table),
        (regions15.iloc[:3], 0 * table),
        (regions15.iloc[:3], table.assign(rural=1 - table["urban"])),
        (regions15.iloc[:3].assign(estimate=np.nan), table),
    ):
        found = meta_regression(rows, moderators)
        assert found["feature"].tolist() == ["intercept", *moderators]
        assert (found["method"] == NOT_REGRESSED).all()
        assert found[["estimate", "se", "q"]].isna().all(axis=None)


def test_a_region_counts_once(regions15):
    rows = pd.concat([regions15.assign(cluster="school"), regions15[:2].assign(cluster="network")])
    with pytest.raises(InputError, match=r"(?s)regions more than once.*same_grade.*r0, r1"):
        pool(rows)


def test_moderators_must_be_numbers_for_every_region(regions15):
    table = pd.DataFrame({"urban": [0, np.nan], "kind": ["a", "b"]}, index=["r0", "r1"])
    with pytest.raises(InputError, match=r"(?s)urban cannot.*r1, r2.*kind cannot.*r0, r1, r2"):
        meta_regression(regions15.iloc[:3], table)


def test_regions_that_are_left_out_are_named_with_their_reason(regions15):
    rows = regions15.assign(reason="", suppressed=False).astype({"suppressed": "boolean"})
    rows.loc[3, ["estimate", "se"]] = np.nan
    rows.loc[3, "reason"] = "one_cluster"
    rows.loc[5, "suppressed"] = True
    rows.loc[7, "se"] = 0.0
    other = regions15.assign(outcome="effort").iloc[:14]
    found = pool(pd.concat([rows, other]), regions=[f"r{i}" for i in range(16)])
    assert found["k"].tolist() == [12, 14]
    assert found["left_out"].tolist() == [
        "r3: one_cluster; r5: hidden; r7: no_variance; r15: no_row", "r14: no_row; r15: no_row"
    ]  # fmt: skip
    dominated = rows.assign(flags="").astype({"flags": object})
    dominated.loc[9, "flags"] = "low_df;one_dominates"
    told = pool(dominated)["left_out"][0]
    assert told == "r3: one_cluster; r5: hidden; r7: no_variance; r9: one_dominates"
    assert pool(regions15)["left_out"].tolist() == [""]
    # without the list of regions those with a row are told
    assert pool(rows)["left_out"].tolist() == ["r3: one_cluster; r5: hidden; r7: no_variance"]
    assert list(found.columns) == list(POOLED)


# what the mean hangs on


def test_lowest_and_highest_are_metafor_s_without_each_region():
    found, reference = pool(of_set("regions15")).iloc[0], METAFOR["leave_one_out"]
    assert found["lowest"] == pytest.approx(min(reference["estimate"]), abs=1e-9)
    assert found["highest"] == pytest.approx(max(reference["estimate"]), abs=1e-9)


def test_regions_without_which_the_interval_lies_elsewhere_are_named():
    alone = regions([0.0, 0.0, 0.0, 0.9], [0.01] * 3 + [0.001])
    found = pool(alone).iloc[0]
    assert (found["position"], found["hangs_on"]) == ("inside", "")
    firm = regions([0.3, 0.31, 0.29, 0.3, 0.28], [0.005] * 5)
    assert pool(firm).iloc[0][["position", "hangs_on"]].tolist() == ["above", ""]
    assert pool(firm.assign(estimate=-firm["estimate"])).iloc[0]["position"] == "below"
    # the one that lies apart keeps the mean from being clear
    unlike = regions([0.3, 0.31, 0.29, 0.3, -0.6], [0.005] * 5)
    assert pool(unlike).iloc[0][["position", "hangs_on"]].tolist() == ["inside", "r4: above"]


@given(seed=SEEDS, k=st.integers(3, 9))
@settings(max_examples=20, deadline=None)
def test_what_the_mean_hangs_on_turns_with_the_sign_and_keeps_its_unit(seed, k):
    rng = np.random.default_rng(seed)
    rows = regions(rng.normal(0.1, 0.2, k), rng.uniform(0.005, 0.03, k))
    found = pool(rows).iloc[0]
    turned = pool(rows.assign(estimate=-3 * rows["estimate"], se=3 * rows["se"])[::-1]).iloc[0]
    assert turned["lowest"] == pytest.approx(-3 * found["highest"], abs=1e-9)
    assert turned["highest"] == pytest.approx(-3 * found["lowest"], abs=1e-9)
    swapped = {"above": "below", "below": "above", "inside": "inside"}
    assert turned["position"] == swapped[found["position"]]
    told = [each.split(": ") for each in found["hangs_on"].split("; ") if each]
    back = [each.split(": ") for each in turned["hangs_on"].split("; ") if each]
    assert sorted(back) == sorted([region, swapped[where]] for region, where in told)
    assert found["lowest"] <= found["highest"]


@pytest.mark.parametrize("k", [0, 1, 2])
def test_of_two_regions_none_can_be_left_out(k):
    found = pool(regions([0.1, 0.5], [0.01, 0.01]).iloc[:k])
    assert list(found.columns) == list(POOLED)
    assert found[["lowest", "highest"]].isna().all(axis=None)
    assert (found["hangs_on"] == "").all()


def test_of_two_regions_neither_spread_nor_a_third_is_told():
    told = ["tau2", "i2", "q", "q_p", "pi_low", "pi_high"]
    rows = {k: regions([0.1, 0.5, 0.2][:k], [0.01] * k) for k in (2, 3)}
    found = {k: pool(each) for k, each in rows.items()}
    assert found[3][told].notna().all(axis=None)
    assert found[2][told].isna().all(axis=None)
    assert found[2][["estimate", "ci_low"]].notna().all(axis=None)
    assert (found[3]["position"].iloc[0], found[2]["position"].iloc[0]) == ("inside", "")
    speech = replace(made_up.words("en"), regions={f"r{i}": f"R{i}" for i in range(3)})
    why = "is told from 3 regions on"
    for k, each in rows.items():
        shown = pool(each).assign(suppressed=False, reason="")
        country = shown.assign(ci_level=0.95, p_value=0.5)
        said = hangs_on(shown, words=speech, together=country).text
        table = tables.pooled(shown, words=speech).html
        assert said.startswith("Too few regions have numbers") == (k == 2)
        assert ("may go either way" in said) == (k == 3)
        assert ("PI" in table, why in table) == (k == 3, k == 2)
        frame = made_up.effects(*({"region": region} for region in each["region"]))
        caption = figures.forest(frame, words=speech, pooled=shown).caption
        assert ("prediction interval" in caption) == (k == 3)
    both = pd.concat([shown, pool(rows[2]).assign(suppressed=False, outcome="effort")])
    assert why in hangs_on(both, words=speech, together=country).text


# features of regions


@pytest.fixture
def urban(regions15):
    table = pd.read_csv(REFERENCE / "regions15.csv")[["urban"]].astype(float)
    return table.set_index(regions15["region"])


def test_a_feature_gives_what_metafor_gives_in_standard_deviations_of_it(regions15, urban):
    (model,) = (each for each in METAFOR["regressed"] if each["set"] == "regions15")
    found, sd = pool(regions15, features=urban).iloc[0], urban["urban"].std()
    assert list(found.index) == list(schema.FEATURES)
    assert (found["feature"], found["k"], found["reason"]) == ("urban", 15, "")
    for name in ("estimate", "se", "ci_low", "ci_high"):
        assert found[name] == pytest.approx(model["adhoc"][name][1] * sd, abs=1e-9)
    for name in ("statistic", "p_value"):
        assert found[name] == pytest.approx(model["adhoc"][name][1], abs=1e-9)


@given(seed=SEEDS, scale=st.floats(0.01, 1000), shift=st.floats(-100, 100))
@settings(max_examples=15, deadline=None)
def test_the_unit_and_origin_of_a_feature_make_no_difference(seed, scale, shift):
    rng = np.random.default_rng(seed)
    rows = regions(rng.normal(0.2, 0.2, 12), rng.uniform(0.005, 0.05, 12))
    table = pd.DataFrame({"size": rng.normal(size=12)}, index=rows["region"])
    plain, moved, turned = (
        pool(rows, features=each).iloc[0] for each in (table, scale * table + shift, -table)
    )
    for name in ("estimate", "se", "p_value", "tau2"):
        assert moved[name] == pytest.approx(plain[name], abs=1e-6)
    assert turned["estimate"] == pytest.approx(-plain["estimate"])


def test_p_values_are_adjusted_over_the_changes_of_a_population(regions15, urban):
    rng = np.random.default_rng(5)
    several = [
        regions15.assign(outcome=name, estimate=regions15["estimate"] + rng.normal(0, 0.1, 15))
        for name in ("a", "b", "c")
    ]
    found = pool(pd.concat([*several, regions15.assign(population="teachers")]), features=urban)
    p = found["p_value"].to_numpy()
    steps = np.maximum.accumulate(np.sort(p[:3]) * [3, 2, 1]).clip(max=1)
    assert found["p_adjusted"].to_numpy()[p[:3].argsort()] == pytest.approx(steps)
    assert found["p_adjusted"].iloc[3] == pytest.approx(p[3])


@pytest.mark.parametrize(("k", "features", "fits"), [(10, 1, True), (9, 1, False), (15, 2, False)])
def test_each_feature_takes_ten_regions(regions15, urban, k, features, fits):
    names = ["urban", "other"][:features]
    table = urban.assign(other=np.arange(15.0))[names]
    found = pool(regions15.iloc[:k], features=table)
    assert found["feature"].tolist() == names
    assert (found["k"] == k).all()
    assert found["estimate"].notna().all() == fits
    assert set(found["reason"]) == {"" if fits else TOO_FEW_REGIONS}


def test_features_that_do_not_differ_where_there_are_changes_are_refused(regions15, urban):
    alike = urban.assign(urban=[1.0] * 12 + [0.0] * 3)
    found = pool(regions15.iloc[:12], features=alike).iloc[0]
    assert (found["reason"], np.isnan(found["estimate"])) == (FEATURES_ALIKE, True)
    with pytest.raises(InputError, match=r"(?s)urban cannot.*r14"):
        pool(regions15, features=urban.iloc[:14])
    with pytest.raises(InputError, match="two things"):
        pool(regions15, features=urban, each_region=True)


def test_without_features_there_are_no_rows(regions15):
    found = pool(regions15, features=pd.DataFrame())
    assert list(found.columns) == list(schema.FEATURES)
    assert found.empty


# regions drawn towards their mean


def test_regions_are_drawn_towards_their_mean(regions15):
    national = regions15.iloc[:1].assign(region="national", estimate=9.0)
    hidden = regions15.assign(suppressed=[True] + [False] * 14)
    rows = pd.concat([national, hidden.assign(outcome="effort"), regions15.iloc[:2]])
    found = pool(rows, each_region=True)
    assert len(found) == 17
    assert found["shrunk"].isna().tolist() == [True, *[False] * 14, True, True]
    expected = shrink(regions15["estimate"][1:], regions15["se"][1:] ** 2)
    for name in ("shrunk", "shrunk_low", "shrunk_high"):
        assert found[name][1:15].to_numpy() == pytest.approx(expected[name].to_numpy())
    assert np.ptp(found["shrunk"][1:15]) < np.ptp(found["estimate"][1:15])


# what is told of regions that are hidden


SLUGS = [f"r{i}" for i in range(14)]


def told_of(estimates, se, *, hidden=(), few=()):
    """Everything that the page tells of regions, with the regions' own rows, through the gate."""
    changes = made_up.effects(
        *(
            {"region": slug, "estimand": "linked_change", "n_pairs": 431, "estimate": y, "se": s,
             "ci_low": y - 2 * s, "ci_high": y + 2 * s,
             "change": y, "change_se": s, "sd_unit": 1.0, "plan_role": "primary"}
            for slug, y, s in zip(SLUGS, estimates, se, strict=True)
        )
    )  # fmt: skip
    cells = made_up.mask()
    cells = cells[cells["school_id"].eq("") & cells["outcome"].eq("joy")]
    cells = cells[cells["population"].eq("pupils")]
    of_region = cells[cells["region"] == "oslo"]
    parts = [of_region.assign(region=slug) for slug in SLUGS]
    mask = pd.concat([cells[cells["region"] == "national"], *parts], ignore_index=True)
    away = mask["region"].isin(hidden)
    mask = mask.assign(suppressed=away, reason=away.map({True: "small_n", False: ""}))
    mask.loc[mask["region"].isin(few), ["n_schools", "smallest"]] = [3, 2]
    shown = gate(changes, mask, "internal")
    told = {column: shown[column].to_numpy() for column in ("suppressed", "reason")}
    exact = changes.assign(**told)
    travel = pd.DataFrame({"travel": np.arange(14.0)}, index=SLUGS)
    results = [
        pool(exact, regions=SLUGS), pool(exact, features=travel), pool(exact, each_region=True)
    ]  # fmt: skip
    return [pd.DataFrame(gate(each, mask, "internal")) for each in results]


@given(seed=SEEDS)
@settings(max_examples=8, deadline=None)
def test_a_hidden_region_leaves_no_trace_in_what_is_told_of_the_others(seed):
    rng = np.random.default_rng(seed)
    y, se = rng.normal(0.1, 0.15, 14), rng.uniform(0.03, 0.1, 14)
    other_y, other_se = y.copy(), se.copy()
    other_y[[2, 7]] = rng.normal(0, 3, 2)
    other_se[[2, 7, 11]] = rng.uniform(0.01, 1, 3)
    away = {"hidden": ("r2", "r7"), "few": ("r11",)}
    first, second = told_of(y, se, **away), told_of(other_y, other_se, **away)
    for one, other in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(one, other)
    pooled, features, each = first
    assert pooled["k"].tolist() == features["k"].tolist() == [11]
    assert pooled["left_out"].tolist() == ["r2: hidden; r7: hidden; r11: few_clusters"]
    rows = each.set_index("region")
    assert rows.loc[["r2", "r7"], ["estimate", "se", "shrunk", "shrunk_low"]].isna().all(axis=None)
    assert rows.loc["r11", ["se", "ci_low", "shrunk", "shrunk_low"]].isna().all()
    assert rows["shrunk"].notna().sum() == 11
    assert "r2" not in pooled["hangs_on"][0]
    # and none is named of which nothing is told
    assert not {"r2", "r7", "r11"} & {part.split(": ")[0] for part in
                                      pooled["hangs_on"][0].split("; ")}  # fmt: skip


def test_the_trace_would_be_seen(regions15):
    y, se = np.linspace(-0.2, 0.4, 14), np.full(14, 0.05)
    moved = y.copy()
    moved[2] = 3.0
    for one, other in zip(told_of(y, se), told_of(moved, se), strict=True):
        assert not one.equals(other)


# in words


def said(pooled, language="en", features=None, **country):
    together = made_up.effects({"region": "national", **country})
    frame = gate(pooled, made_up.mask(), "internal")
    return hangs_on(
        pd.DataFrame(frame), words=made_up.words(language), together=together, features=features
    ).text.splitlines()


def test_the_answer_hangs_on_a_region_or_on_none():
    lines = said(made_up.pooled())
    assert lines[0].endswith("agree for the only change.")
    assert lines[1].endswith("Joy, same-grade change (lies above zero without Oslo – Oslove).")
    assert "the only change may go either way" in lines[2]
    both = made_up.pooled().assign(hangs_on="nordland: below; oslo: above")
    assert "without Nordland – Nordlánnda, lies above zero without Oslo" in said(both)[1]
    alike = made_up.pooled().assign(hangs_on="nordland: above; oslo: above")
    assert (
        "lies above zero if any one of Nordland – Nordlánnda and Oslo – Oslove is left out)"
        in said(alike)[1]
    )
    many = made_up.pooled().assign(hangs_on="; ".join(["oslo: above"] * 6))
    assert "lies above zero if any one of 6 particular regions is left out" in said(many)[1]
    assert "The only change does not depend" in said(made_up.pooled().assign(hangs_on=""))[1]


def test_the_country_and_the_mean_over_the_regions_may_differ():
    lines = said(made_up.pooled(), ci_low=0.02, verdict="increase")
    assert "differ for the only change" in lines[0]
    assert (
        "interval of everybody's answers at once lies above zero, of the mean includes zero"
        in lines[0]
    )
    far = made_up.pooled().assign(pi_low=0.0123)
    assert "on one side of zero" in said(far)[2]
    assert "(0.01 to 0.31)" in said(far)[2]
    alone = made_up.pooled().assign(position="", lowest=np.nan, pi_low=np.nan, hangs_on="")
    assert said(alone) == ["Too few regions have numbers for this."]


@pytest.mark.parametrize(
    ("low", "p", "where"),
    [(0.0, 0.03, "above"), (0.0, 0.06, "inside"), (0.01, 0.2, "inside"), (-0.1, 0.2, "inside")],
)
def test_an_end_that_is_rounded_to_zero_lies_where_the_test_puts_it(low, p, where):
    verdict = "increase" if where == "above" else "unclear"
    row = made_up.effect(ci_low=low, p_value=p, verdict=verdict)
    assert position(row) == where
    turned = {"estimate": -row["estimate"], "ci_low": -row["ci_high"], "ci_high": -low}
    opposite = {"above": "below", "inside": "inside"}
    assert position({**row, **turned}) == opposite[where]


def test_features_are_told_as_differences_or_as_chance_or_as_refused():
    features = made_up.features().assign(suppressed=False)
    (line,) = said(made_up.pooled(), features=features)[3:]
    assert line.startswith("Joy, same-grade change: where travel is one standard deviation higher, "
                           "the change differs by 0.08 standard deviations")  # fmt: skip
    assert line.endswith(
        "For 1 change, the association with travel cannot be distinguished from chance."
    )
    refused = features.assign(estimate=np.nan, reason=TOO_FEW_REGIONS)
    (line,) = said(made_up.pooled(), "nb", features=refused)[3:]
    assert line == (
        "Om endringene henger sammen med reisetid, er ikke beregnet: det kreves ti regioner for "
        "hvert kjennetegn."
    )


def test_of_many_changes_the_first_are_listed_and_the_others_counted():
    several = pd.concat([made_up.pooled()] * 14, ignore_index=True)
    assert said(several)[1].count("without Oslo") == 12
    assert said(several)[1].endswith("; and 2 more.")


def test_what_is_pooled_of_regions_is_what_is_told_of_each():
    description = SimpleNamespace(name="demo", disclosure="internal")
    study = SimpleNamespace(description=description, mask=lambda frame: made_up.mask(region="oslo"))
    rows = made_up.effects({"region": "nordland", "estimate": 0.0789}, {"region": "oslo"})
    told = OpenStudy.for_pooling(study, rows)
    shown = gate(rows, made_up.mask(region="oslo"), "internal")
    for column in ("suppressed", "reason", "estimate", "se"):
        assert told[column].astype(object).equals(pd.DataFrame(shown)[column].astype(object))
    assert told["suppressed"].tolist() == [False, True]
    others = ["change", "ci_low", "n_pre"]
    assert told[others].equals(rows[others])
    assert not passed(told)
