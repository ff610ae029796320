"""The gate: what a frame may show, and what becomes of a frame that passed it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from loftet_analysis import names, schema
from loftet_analysis.analysis.response import answered_class
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.disclosure.gate import OWN_GROUP, Gated, cells, gate, passed
from loftet_analysis.disclosure.mask import LIMITS, fewest_told_alike, rounding_step
from loftet_analysis.errors import DisclosureError
from tests import made_up
from tests.made_up import (
    LINKED,
    NUMBERS,
    all_estimands,
    distribution,
    effects,
    mask,
    pooled,
    reliability,
    sensitivity,
)


@pytest.mark.parametrize(
    ("estimand", "waves", "subgroups"),
    [
        ("linked_change", {"pre", "post", "linked"}, {"all"}),
        ("same_grade", {"pre", "post"}, {"all"}),
        ("participants", {"pre", "post", "linked"}, {"role=participant"}),
        ("colleagues", {"pre", "post", "linked"}, {"role=colleague"}),
        (
            "participants_vs_colleagues",
            {"pre", "post", "linked"},
            {"role=participant", "role=colleague"},
        ),
    ],
)
def test_cells_that_an_effect_rests_on(estimand, waves, subgroups):
    found = cells(effects({"estimand": estimand}))
    assert set(found["wave"]) == waves
    assert set(found["subgroup"]) == subgroups
    assert len(found) == len(waves) * len(subgroups)


def test_school_change_rests_on_pairs_only_where_it_counts_them():
    found = cells(effects({"estimand": "school_change", "n_pairs": 12}))
    assert "linked" in set(found["wave"])
    assert "linked" not in set(cells(effects({"estimand": "school_change"}))["wave"])


def test_reliability_and_pooled_effects_rest_on_their_own_cells():
    assert list(cells(reliability())["outcome"]) == ["joy", "joy", "effort", "effort"]
    assert list(cells(reliability())["wave"]) == ["pre", "post", "pre", "post"]
    assert set(cells(pooled())["region"]) == {"national"}


@pytest.mark.parametrize(
    "row",
    [
        {"region": "atlantis"},
        {"outcome": "not_in_the_plan"},
        {"subgroup": "role=janitor"},
        {"school_id": "974552124"},
        {"estimand": "participants", "subgroup": "grade=7"},
    ],
)
def test_numbers_of_a_cell_that_the_mask_does_not_hold_are_refused(row):
    with pytest.raises(DisclosureError, match="not in the disclosure mask"):
        gate(effects({}, row), mask(), "internal")


def test_an_estimand_without_a_rule_is_refused():
    with pytest.raises(DisclosureError, match="no rule says which cells"):
        gate(effects({"estimand": "school_link"}), mask(), "internal")


def test_a_refused_row_without_numbers_needs_no_cell():
    numbers = ["n_pre", "n_post", "n_clusters", "mean_pre", "mean_post", "p_value", *NUMBERS]
    row = {**dict.fromkeys(numbers), "region": "atlantis", "reason": "no_pairs", "flags": ""}
    row |= {"verdict": "refused", "measurement_warning": "floor_effect"}
    found = gate(effects(row), mask(), "internal")
    assert not found["suppressed"].any()
    assert list(found["reason"]) == ["no_pairs"]


def test_a_hidden_row_keeps_its_keys_and_loses_everything_else():
    (row,) = gate(effects({}), mask(wave="post"), "internal").to_dict("records")
    assert row["suppressed"] is True
    assert row["reason"] == "small_n"
    kept = {key for key, value in row.items() if not (pd.isna(value) or value == "")}
    assert kept == {
        "region", "population", "outcome", "question", "estimand", "contrast", "subgroup",
        "ci_level", "sesoi", "method", "cluster", "suppressed", "reason",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hidden", "estimands"),
    [
        ({"wave": "linked", "population": "pupils"}, {"linked_change", "school_change"}),
        (
            {"subgroup": "role=colleague"},
            {"colleagues", "participants_vs_colleagues"},
        ),
        (
            {"wave": "pre", "population": "teachers"},
            {"participants", "colleagues", "participants_vs_colleagues"},
        ),
        ({"region": "oslo"}, set()),
    ],
)
def test_a_row_is_hidden_where_one_of_its_cells_is(hidden, estimands):
    found = gate(all_estimands(), mask(**hidden), "internal")
    assert set(found.loc[found["suppressed"], "estimand"]) == estimands
    assert found["estimate"].isna().equals(found["suppressed"])


def test_numbers_that_came_as_objects_are_hidden_as_numbers():
    frame = made_up.differences()
    frame = frame.assign(smd=frame["smd"].astype(object), n_one=pd.Series([300, 5], dtype=object))
    found = gate(frame, mask(), "internal")
    assert list(found["suppressed"]) == [False, True]
    assert found["smd"].dtype == float
    assert found["smd"].isna().tolist() == [False, True]
    assert found["n_one"].isna().tolist() == [False, True]


def test_a_row_that_counts_too_few_people_is_hidden_whatever_its_cell_holds():
    few, enough = {"n_pre": 5}, {"n_pre": 12}
    assert list(gate(effects(few, enough), mask(), "internal")["suppressed"]) == [True, False]
    alone = reliability().assign(n=[3, 1201, 1201, 1201])
    assert list(gate(alone, mask(), "internal")["suppressed"]) == [True, False, False, False]


@pytest.mark.parametrize(("n", "step"), [(500, 0.01), (230, 0.02), (40, 0.1), (16, 0.2)])
def test_a_row_of_a_part_of_its_cells_hides_the_others_by_rounding(n, step):
    """The sum over its people is unknown by a tenth of the scale for five of them."""
    cells_of = mask().assign(n=n)
    part = {"n_pairs": None, "n_pre": n - 1, "n_post": n, "change": 0.2667, "mean_pre": 2.6667}
    row = gate(effects(part), cells_of, "internal").iloc[0]
    assert row["change"] == pytest.approx(round(0.2667 / step) * step)
    assert step / 2 >= 0.1 * 3 * 5 / n
    everybody = {**part, "estimand": "level", "contrast": "mean", "wave": "pre"}
    row = gate(effects({**everybody, "n_pre": n, "n_post": None}), cells_of, "internal").iloc[0]
    assert (row["change"], row["mean_pre"]) == (0.27, 2.67)


def test_rows_of_pairs_publish_changes_without_levels():
    frame = all_estimands()
    paired = frame["n_pairs"].notna().to_numpy()
    shown = gate(frame, mask(), "internal")
    assert shown.loc[paired, ["mean_pre", "mean_post"]].isna().all(axis=None)
    assert shown.loc[~paired, "estimate"].notna().all()
    assert shown["estimate"].notna().all()
    assert gate(frame, mask(), "open")[["mean_pre", "mean_post"]].notna().all(axis=None)


def test_a_change_of_some_of_a_cells_people_is_refused():
    frame = all_estimands()
    frame.loc[4, "n_pairs"] = 40.0
    with pytest.raises(DisclosureError, match=r"1 results are not of everybody.* 40 .* 41\)"):
        gate(frame, mask(), "internal")


def test_a_mask_that_says_of_a_cell_twice_what_may_be_told_is_refused():
    with pytest.raises(DisclosureError, match="twice"):
        gate(effects({}), pd.concat([mask(), mask()]), "internal")


def test_bins_below_the_limit_are_refused():
    with pytest.raises(DisclosureError, match="bins hold fewer than 20 people"):
        gate(distribution(n=19), mask(), "public")
    assert not gate(distribution(n=20), mask(), "public")["suppressed"].any()


def test_gating_looks_at_each_row_alone_and_changes_nothing_it_is_given():
    frame, held = all_estimands(), mask(subgroup="role=colleague")
    before = frame.copy(deep=True)
    found = gate(frame, held, "internal")
    pd.testing.assert_frame_equal(frame, before)
    order = np.random.default_rng(3).permutation(len(frame))
    mixed = gate(frame.iloc[order], held.sample(frac=1, random_state=1), "internal")
    pd.testing.assert_frame_equal(
        mixed, found.iloc[order].reset_index(drop=True), check_dtype=False
    )


def test_a_result_read_back_from_csv_is_gated_alike(tmp_path):
    frame = all_estimands()
    frame.to_csv(tmp_path / "effects.csv", index=False)
    back = pd.read_csv(tmp_path / "effects.csv", dtype={"school_id": str})
    held = mask(subgroup="role=colleague")
    first, second = gate(frame, held, "internal"), gate(back, held, "internal")
    for column in ("suppressed", "estimate", "n_pre", "reason", "school_id"):
        assert list(first[column].astype(str)) == list(second[column].astype(str)), column


SPREAD = ("change_se", "se", "ci_low", "ci_high", "statistic", "df", "p_value", "mdes",
          "icc_change", "design_effect", "verdict")  # fmt: skip


@pytest.mark.parametrize(
    ("schools", "told"),
    [
        ({"n_schools": 2, "smallest": 6}, True),
        ({"n_schools": 7, "smallest": 5}, False),
        ({"n_schools": 8, "smallest": 1}, True),
        ({"n_schools": 8, "smallest": 1, "largest": 251}, False),
        ({"n_schools": 8, "smallest": 1, "largest": 4, "n": 8}, False),
    ],
)
def test_a_few_small_schools_are_not_told_apart_by_what_they_differ(schools, told):
    held = mask().assign(**schools)
    linked = {"estimand": "linked_change", "n_pairs": float(schools.get("n", 431)), "n_clusters": 8}
    numbers = dict.fromkeys(SPREAD[:-1], 0.3) | {"verdict": "increase", "change": 0.2}
    (row,) = gate(effects({**linked, **numbers}), held, "internal").to_dict("records")
    assert (row["change"], row["suppressed"]) == (0.2, False)
    assert row["reason"] == ("" if told else "few_clusters")
    assert all((pd.isna(row[c]) or row[c] == "") != told for c in SPREAD)
    otherwise = {**linked, **numbers, "estimand": "school_change", "weighting": "school"}
    (row,) = gate(effects(otherwise), held, "internal").to_dict("records")
    assert row["suppressed"] != told
    assert gate(effects({**linked, **numbers}), held, "open")["se"].notna().all()


def test_where_regions_are_the_clusters_their_people_are_counted():
    country = {"region": "national", "cluster": "region", "estimand": "linked_change",
               "n_pairs": 431.0, "n_clusters": 8, "se": 0.1}  # fmt: skip
    small = mask()
    small.loc[(small["region"] == "oslo") & (small["school_id"] == ""), "n"] = 5
    for held, reason in ((mask(), ""), (small, "few_clusters")):
        assert gate(effects(country), held, "internal")["reason"].tolist() == [reason]


def test_profiles_round():
    exact = effects({"n_pre": 1233, "estimate": 0.123456, "p_value": 0.041234})
    (open_,) = gate(exact, mask(), "open").to_dict("records")
    assert (open_["n_pre"], open_["estimate"]) == (1233, 0.123456)
    (public,) = gate(exact, mask(), "public").to_dict("records")
    assert (public["n_pre"], public["n_post"]) == (1240, 1180)
    assert (public["estimate"], public["p_value"], public["n_clusters"]) == (0.1, 0.041, 11)
    (internal,) = gate(exact, mask(), "internal").to_dict("records")
    assert (internal["n_pre"], internal["estimate"]) == (1236, 0.12)


def test_a_gap_rests_on_both_groups_and_a_level_on_the_wave_that_was_asked():
    gap = {"estimand": "gap_change", "contrast": "gender=girl - gender=boy"}
    assert set(cells(effects(gap))["subgroup"]) == {"gender=girl", "gender=boy"}
    for wave in ("pre", "mid", "post"):
        level = {"estimand": "level", "contrast": "mean", "wave": wave, "subgroup": "grade=7"}
        held = cells(effects(level))
        assert held[["subgroup", "wave"]].to_numpy().tolist() == [["grade=7", wave]]
    with pytest.raises(DisclosureError, match="a level without its wave"):
        cells(effects({**level, "wave": ""}))
    dose = {"estimand": "dose", "population": "teachers", "outcome": "views"}
    assert set(cells(effects(dose))["subgroup"]) == {"role=participant"}
    assert set(cells(effects({**dose, "population": "leaders"}))["subgroup"]) == {"all"}
    examined = pd.DataFrame(
        {"population": "pupils", "scale": "joy", "design": ["linked", "groups"]}
    )
    assert cells(examined).groupby("row")["wave"].agg(set).tolist() == [
        {"pre", "post", "linked"}, {"pre", "post"},
    ]  # fmt: skip


def hidden_for(**given):
    (row,) = gate(effects(given), mask(), "internal").to_dict("records")
    return row["reason"]


def test_another_choice_of_people_is_told_coarsely_and_in_itself_consistent():
    linked = {"estimand": "linked_change", "n_pre": None, "n_post": None}
    exact = sensitivity(**linked, n_pairs=40, change=0.1234, change_se=0.05, sd_unit=0.8, df=9.0)
    (row, *_) = gate(exact.assign(estimate=0.15, p_value=0.01), mask(), "internal").to_dict(
        "records"
    )
    assert (row["reason"], row["change"], row["estimate"]) == ("", 0.1, 0.12)
    assert row["ci_high"] - row["ci_low"] == pytest.approx(
        (exact["ci_high"] - exact["ci_low"])[0], abs=0.011
    )
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(0.1 / 0.05, exact["df"][0]), abs=6e-4)


def test_the_sd_of_a_rows_own_people_is_rounded_as_their_mean_and_all_in_it_follows():
    """With the exact SDs of 15 people and of 14 of them the answer of the other can be told."""
    held = mask().assign(n=30, step=0.1)
    linked = {"estimand": "linked_change", "n_pre": 30, "n_post": 30, "n_pairs": 30, "df": 9.0}
    change = {"change": 0.2667, "change_se": 0.05, "p_value": 0.001}
    change |= {"change_ci_low": 0.1667, "change_ci_high": 0.3667}
    units = {"own_unit": 0.9763, "linked_unit": 0.9234, "average_unit": 0.8712, "hedges_g": 0.9234}
    frame = pd.concat(
        [
            sensitivity(**linked, **change, sd_unit=sd, se=0.05 / sd)
            .iloc[:1]
            .assign(
                analysis=name,
                estimate=0.2667 / sd,
                ci_low=0.1667 / sd,
                ci_high=0.3667 / sd,
            )
            for name, sd in units.items()
        ],
        ignore_index=True,
    )
    shown = gate(frame, held, "internal")
    assert shown["sd_unit"].tolist() == [1.0, 0.9, 0.9, 0.9]
    assert shown["estimate"].tolist() == [0.3, 0.33, 0.33, 0.33]  # of a change of 0.3
    assert shown["se"].tolist() == pytest.approx([0.05, 0.06, 0.06, 0.06], abs=0.005)
    half = (shown["ci_high"] - shown["ci_low"]) / 2
    assert half.tolist() == pytest.approx([0.1, 0.111, 0.111, 0.111], abs=0.0051)
    fine = gate(frame, mask().assign(n=30), "internal")
    assert fine["sd_unit"].tolist() == [0.98, 0.92, 0.87, 0.92]
    assert fine["change"].tolist() == [0.27] * 4  # as in the row of the main analysis


def test_a_test_that_ignores_schools_tells_the_change_and_not_how_many_people_there_are():
    row = {"estimand": "linked_change", "n_pairs": 29, "change": 0.2667, "change_se": 0.05}
    given = sensitivity(**row, df=28.0, sd_unit=0.8).iloc[2:]
    (shown,) = gate(given, mask().assign(n=29), "internal").to_dict("records")
    assert (shown["analysis"], shown["change"], shown["n_pairs"]) == ("naive", 0.27, 30)
    assert np.isnan(shown["df"])


@pytest.mark.parametrize(
    ("exact", "told"),
    [
        ("effective_n=38", "effective_n=36"),
        ("low_df;share_linked=0.64;few_clusters", "low_df;share_linked=0.6;few_clusters"),
        ("share_linked=0.87", ""),  # of 40 linked people, 6 others, by the exact share 5.98
        ("share_linked=1.00;low_df", "low_df"),
        ("effective_n=38;uncovered=0.12", "effective_n=36;uncovered=0.1"),
        ("direction=increase;low_df", "direction=increase;low_df"),
    ],
)
def test_numbers_in_flags_are_rounded_as_in_columns(exact, told):
    given = sensitivity(flags=exact, estimand="linked_change", n_pairs=40).iloc[2:]
    (shown,) = gate(given, mask().assign(n=40), "internal").to_dict("records")
    assert shown["flags"] == told


@pytest.mark.parametrize(("n", "hidden"), [(508, False), (505, True)])
def test_a_comparison_that_leaves_out_some_counts_them_in_its_smaller_group(n, hidden):
    """Of 8 and 500 people three are left out: all of them may be of the 8."""
    held = mask()
    held.loc[held["subgroup"].eq("role=participant") & held["wave"].eq("linked"), "n"] = 8
    held.loc[held["subgroup"].eq("role=colleague") & held["wave"].eq("linked"), "n"] = 500
    given = sensitivity(
        population="teachers", outcome="views", question="Q5", n_pairs=n, n_pre=n, n_post=n,
        estimand="participants_vs_colleagues", contrast="participant - colleague",
        analysis=["without_careless", "hedges_g", "own_unit"], ci_low=-3.0, ci_high=3.0,
    )  # fmt: skip
    assert gate(given, held, "internal")["suppressed"].tolist() == [hidden] * 3


def test_what_is_rounded_more_coarsely_than_its_interval_is_wide_is_not_told():
    held = mask().assign(n_schools=11, smallest=2, few_schools=2)
    row = {"estimand": "school_change", "n_pairs": 431.0, "n_clusters": 11, "change": 0.2667}
    for half, hidden in ((0.15, True), (0.25, False)):  # in steps of 0.2
        ends = {"change_ci_low": 0.2667 - half, "change_ci_high": 0.2667 + half}
        ends |= {"sd_unit": 1.0, "ci_low": 0.2667 - half, "ci_high": 0.2667 + half}
        given = effects({**row, **ends})
        assert gate(given, held, "internal")["suppressed"].tolist() == [hidden]


def test_schools_that_count_alike_hide_a_small_one_by_rounding():
    held = mask().assign(n_schools=40, smallest=2, few_schools=2)
    row = {"estimand": "school_change", "n_pairs": 431.0, "n_clusters": 40, "change": 0.2667}
    (shown,) = gate(effects(row), held, "internal").to_dict("records")
    # two of forty schools may be five people
    assert shown["change"] == pytest.approx(0.25)
    (large,) = gate(effects(row), held.assign(smallest=6, few_schools=0), "internal").to_dict(
        "records"
    )
    assert large["change"] == pytest.approx(0.27)


def test_the_mean_of_an_item_that_some_left_out_is_coarser_in_its_histogram_too():
    given = distribution(item="joy_1", mean=2.4567)
    means = [gate(given, mask().assign(n=n), "public")["mean"].unique() for n in (400, 402)]
    assert [each.tolist() for each in means] == [[2.46], [2.45]]  # in steps of 0.01 and 0.05


def test_small_shares_of_answers_are_left_out():
    rows = pd.DataFrame({
        "region": "nordland", "population": "pupils", "scale": "joy", "item": ["a", "b", "c"],
        "wave": "pre", "subgroup": "all", "n": 500, "floor_share": [0.01, 0.0, 0.012],
        "ceiling_share": 0.5, "missing_share": [0.002, 0.2, 0.0],
    })  # fmt: skip
    found = gate(rows, mask(), "internal")
    assert found["floor_share"].isna().tolist() == [True, False, False]
    assert found["missing_share"].isna().tolist() == [True, False, False]
    assert found["item"].tolist() == ["a", "b", "c"]
    assert gate(rows, mask(), "open")["floor_share"].notna().all()


def test_a_single_item_tells_no_more_than_its_bins():
    exact = made_up.items().assign(mean=2.6123, sd=0.81, item_rest_r=0.3035, n=1201)
    shown = gate(exact, mask(), "internal")
    single = shown[shown["item"] != ""]
    assert single["sd"].isna().all()
    assert set(single["mean"]) == {2.61}
    assert set(single["item_rest_r"]) == {0.3}
    assert set(shown.loc[shown["item"] == "", "mean"]) == {2.61}
    assert gate(exact, mask(), "open")["sd"].notna().all()
    alike = gate(exact.assign(sd=0.0), mask(), "internal")
    assert set(alike.loc[alike["item"] != "", "reason"]) == {"homogeneous"}
    but_one = gate(exact.assign(n=100, floor_share=0.99), mask(), "internal")
    assert set(but_one.loc[but_one["item"] != "", "reason"]) == {"homogeneous"}


@pytest.mark.parametrize(
    ("share", "told"), [(0.0, True), (0.02, False), (0.12, True), (0.97, False), (1.0, True)]
)
def test_shares_of_all_but_a_few_are_left_out_too(share, told):
    frame = made_up.items().assign(n=100, ceiling_share=share)
    shown = gate(frame, mask(), "internal")
    of_scale = shown["item"].eq("") | (share < 1)  # single items that all answer alike are hidden
    assert shown.loc[of_scale, "ceiling_share"].notna().all() == told
    cells = made_up.missing().assign(n=100, n_cells=100, share_missing=share)
    assert gate(cells, mask(), "internal")["share_missing"].notna().all() == told


@pytest.mark.parametrize(("half", "told"), [(0.4, True), (0.04, False)])
def test_what_is_rounded_more_coarsely_than_its_interval_is_not_shrunk(half, told):
    rows = made_up.by_school()
    rows["shrunk"] = rows["estimate"] / 2
    rows = rows.assign(shrunk_low=rows["shrunk"] - half, shrunk_high=rows["shrunk"] + half)
    shown = gate(rows, mask().assign(step=0.1), "internal")
    assert shown["estimate"].notna().all()
    assert shown[["shrunk", "shrunk_low", "shrunk_high"]].notna().all(axis=None) == told
    assert shown[["shrunk", "shrunk_low", "shrunk_high"]].isna().all(axis=None) != told


def test_where_one_school_is_hidden_all_are():
    both = made_up.by_school()
    assert gate(both, mask(), "internal")["estimate"].notna().all()
    few = both.assign(n_pre=[5, 90])
    shown = gate(few, mask(), "internal")
    assert shown["estimate"].isna().all()
    assert shown["shrunk"].isna().all()
    assert list(shown["reason"]) == ["small_n", "complementary"]
    assert gate(both, mask(school_id="s2"), "internal")["estimate"].isna().all()
    uncounted = both.assign(reason=["no_common_cells", ""])
    numbers = ["n_pre", "n_post", "estimate", "se", "shrunk", "ci_low", "ci_high", "tau2"]
    uncounted.loc[0, [*numbers, "shrunk_low", "shrunk_high"]] = np.nan
    assert gate(uncounted, mask(), "internal")["estimate"].notna().tolist() == [False, True]


def test_means_of_schools_are_not_published_beside_means_of_people():
    shown = gate(made_up.agreement(), mask(), "internal").iloc[0]
    assert pd.isna(shown["mean_teachers"])
    assert pd.isna(shown["mean_leaders"])
    assert shown["difference"] == -0.12
    assert gate(made_up.agreement(n_leaders=5), mask(), "internal")["suppressed"].all()
    assert gate(made_up.agreement(), mask(population="leaders"), "internal")["suppressed"].all()


def test_differences_of_groups_are_coarse_and_need_both_groups():
    shown = gate(made_up.differences(), mask(), "internal")
    assert set(shown["smd"]) == {0.12}
    for few in ({"n_one": 5}, {"n_other": 5}):
        assert gate(made_up.differences(**few), mask(), "internal")["smd"].isna().all()
    by_role = made_up.differences("participant - colleague").iloc[1:]
    assert gate(by_role, mask(subgroup="role=colleague"), "internal")["suppressed"].all()
    background = made_up.differences().assign(outcome=["grade", "gender=girl"])
    assert gate(background, mask(), "internal")["smd"].notna().all()


@pytest.mark.parametrize(
    ("step", "told", "flag"),
    [(0.01, 0.27, "baseline_apart"), (0.1, 0.2, "baseline_adjust"), (0.5, np.nan, "")],
)
def test_a_difference_of_roles_is_no_finer_than_the_means_of_both(step, told, flag):
    """With the colleagues' mean it would tell the participants' more closely than their own row."""
    held = mask()
    held.loc[held["subgroup"].eq("role=participant"), "step"] = step
    about = {"n_one": 12, "n_other": 48, "flags": "baseline_apart"}
    rows = made_up.differences("participant - colleague", **about).iloc[1:]
    (row,) = gate(rows.assign(smd=0.2701), held, "internal").to_dict("records")
    assert row["smd"] == pytest.approx(told, nan_ok=True)
    assert (row["flags"], row["suppressed"]) == (flag, step == 0.5)


@pytest.mark.parametrize(("n", "told"), [(59, False), (60, True)])
def test_the_range_of_attendance_is_told_of_many_only(n, told):
    row = {"estimand": "dose", "contrast": "per gathering", "n_pairs": float(n)}
    (shown,) = gate(effects({**row, "flags": "low_df;range=5-10"}), mask(), "internal")["flags"]
    assert ("range" in shown) == told
    assert "low_df" in shown


def test_counts_are_rounded_and_what_rounds_to_nothing_is_not_told():
    answered = gate(made_up.response(), mask(), "internal")
    assert answered[["n_answered", "n_kept", "n_linked"]].values.tolist()[0] == [1008, 1008, 600]
    assert not answered["suppressed"].any()
    states = gate(made_up.linkage(), mask(), "internal")
    assert "ambiguous" not in set(states["state"])
    assert (states["n"] % 6 == 0).all()
    days = made_up.arrivals().assign(n=[205, 206, 1007])
    assert len(gate(days, mask(), "internal")) == 2
    assert len(gate(days, mask(), "open")) == 3
    with pytest.raises(DisclosureError, match="bins hold fewer"):
        gate(made_up.attendance().assign(n=5), mask(), "internal")


def test_a_percentile_a_share_and_the_lowest_need_more_people():
    tenth = {"estimand": "same_grade_quantile", "contrast": "p10", "n_pairs": None}
    assert hidden_for(**tenth, n_pre=59) == "small_n"
    assert hidden_for(**tenth, n_pre=60) == ""
    share = {"estimand": "share_below", "n_pairs": None, "n_pre": 100, "n_post": 100}
    assert hidden_for(**share, mean_pre=0.05, mean_post=0.5) == "small_n"
    assert hidden_for(**share, mean_pre=0.5, mean_post=0.95) == "small_n"
    assert hidden_for(**share, mean_pre=0.06, mean_post=0.94) == ""
    lowest = {"estimand": "lowest_fifth"}  # 431 are linked
    assert hidden_for(**lowest, n_pairs=5) == "small_n"
    assert hidden_for(**lowest, n_pairs=86) == ""


@pytest.mark.parametrize(("n", "wave"), [({"n_post": 499}, "after"), ({"n_pre": 499}, "before")])
def test_a_level_of_some_of_a_cells_people_is_refused(n, wave):
    is_before = "n_pre" in n
    whole = {"estimand": "level", "contrast": "mean", "wave": "pre" if is_before else "post",
             "n_pre": 500 if is_before else None, "n_post": None if is_before else 500,
             "n_pairs": None}  # fmt: skip
    assert not gate(effects(whole), mask(), "internal")["suppressed"].any()
    with pytest.raises(
        DisclosureError, match=rf"not of everybody.* 499 people {wave}, its cell 500"
    ):
        gate(effects(whole | n), mask(), "internal")


@pytest.mark.parametrize("wave", ["pre", "mid", "post"])
def test_a_level_is_held_against_the_answers_of_its_own_wave(wave):
    side = "pre" if wave == "pre" else "post"
    held = mask()
    if wave == "mid":
        held = pd.concat([held, held[held["wave"] == "post"].assign(wave="mid", n=400)])
    n = held[(held["wave"] == wave) & (held["population"] == "pupils")
             & (held["subgroup"] == "all")]["n"].iloc[0]  # fmt: skip
    level = {"estimand": "level", "contrast": "mean", "wave": wave, "n_pairs": None,
             "n_pre": None, "n_post": None, f"n_{side}": n}  # fmt: skip
    answers = {"answers_pre": None, "answers_post": None, f"answers_{side}": n}
    whole = effects(level).assign(**answers)
    assert not gate(whole, held, "internal")["suppressed"].any()
    with pytest.raises(DisclosureError, match="a part of their group's answers"):
        gate(whole.assign(**{f"answers_{side}": n - 1}), held, "internal")


# frames that passed


def shown_and_exact():
    exact = all_estimands().assign(estimate=lambda d: 0.1234567 + np.arange(len(d)))
    return gate(exact, mask(), "internal"), exact


def test_what_comes_from_the_gate_has_passed_and_nothing_else():
    shown, exact = shown_and_exact()
    assert passed(shown)
    assert passed(shown["estimate"])
    assert passed(gate(made_up.response(), mask(), "internal"))
    for frame in (exact, pd.DataFrame(shown), Gated(exact), exact["estimate"], None, 3.0):
        assert not passed(frame)


KEEPING = {
    "a filter": lambda d: d[d["outcome"] == "joy"],
    "query": lambda d: d.query("estimate > 1"),
    "loc": lambda d: d.loc[d["estimate"] > 1, ["outcome", "estimate"]],
    "iloc": lambda d: d.iloc[:2],
    "copy": lambda d: d.copy(),
    "pickle": lambda d: pickle.loads(pickle.dumps(d)),
    "sort_values": lambda d: d.sort_values("estimate"),
    "groupby": lambda d: d.groupby("outcome")["estimate"].mean(),
    "groupby of columns": lambda d: d.groupby("outcome")[["estimate", "se"]].mean(),
    "named agg": lambda d: d.groupby("outcome").agg(m=("estimate", "mean"), n=("n_pre", "sum")),
    "agg": lambda d: d.groupby("outcome")["estimate"].agg(["mean", "size"]).reset_index(),
    "transform": lambda d: d.assign(x=d.groupby("outcome")["estimate"].transform("mean")),
    "merge with itself": lambda d: d.merge(d[["estimand", "df"]], on="estimand"),
    "join with itself": lambda d: d.join(d[["estimate"]].add_suffix("_too")),
    "concat with itself": lambda d: pd.concat([d, d], ignore_index=True),
    "pivot": lambda d: d.pivot(index="outcome", columns="estimand", values="estimate"),
    "pivot_table": lambda d: d.pivot_table(index="outcome", columns="estimand", values="estimate"),
    "melt": lambda d: d.melt(id_vars="outcome", value_vars=["estimate", "df"]),
    "unstack": lambda d: d.set_index(["outcome", "estimand"])["estimate"].unstack(),
    "rename": lambda d: d.rename(columns={"outcome": "scale"}),
    "reset_index": lambda d: d[d["estimate"] > 1].reset_index(),
    "set_index": lambda d: d.set_index("outcome").reset_index(),
    "own columns": lambda d: d.assign(width=d["ci_high"] - d["ci_low"], twice=2 * d["estimate"]),
    "a function of it": lambda d: d.assign(width=lambda d: d["ci_high"] - d["ci_low"]),
    "numpy": lambda d: d.assign(size=np.abs(d["estimate"])),
    "a constant": lambda d: d.assign(limit=0.1),
    "text": lambda d: d.assign(kind="change"),
    "texts": lambda d: d.assign(kind=["a", "b"] * (len(d) // 2)),
    "labels": lambda d: d.assign(outcome=d["outcome"].map({"joy": "Joy"})),
    "directions": lambda d: d.assign(sign=np.where(d["estimate"] > 1, "up", "down")),
    "an order": lambda d: d.assign(outcome=pd.Categorical(d["outcome"], ["views", "joy"])),
    "classes": lambda d: d.assign(size=pd.cut(d["estimate"], 3)),
    "text into cells": lambda d: set_cells(d, "outcome", "Joy"),
    "arithmetic": lambda d: d[["estimate", "ci_low"]] - d[["estimate", "ci_low"]].mean(),
    "rounding": lambda d: d.round(1).dropna(subset=["estimate"]).drop(columns="se").head(3),
    "describe": lambda d: d[["estimate"]].describe(),
    "value_counts": lambda d: d["outcome"].value_counts().reset_index(),
    "fillna": lambda d: d.fillna({"estimate": 0}),
}  # fmt: skip


@pytest.mark.parametrize("name", KEEPING)
def test_what_is_made_of_a_gated_frame_alone_has_passed(name):
    assert passed(KEEPING[name](shown_and_exact()[0]))


def set_cells(frame, column, value):
    frame = frame.copy()
    frame.loc[frame["estimate"] > 1, column] = value
    return frame


def changed(frame, change):
    frame = frame.copy()
    change(frame)
    return frame


def set_one_by_one(frame, values):
    for row in frame.index:
        frame.at[row, "estimate"] = values[row]


LOSING = {
    "assign": lambda d, e: d.assign(x=e["estimate"]),
    "an array": lambda d, e: d.assign(x=e["estimate"].to_numpy()),
    "a list": lambda d, e: d.assign(x=e["estimate"].tolist()),
    "objects": lambda d, e: d.assign(x=e["estimate"].astype(object)),
    "numbers as texts": lambda d, e: d.assign(x=e["estimate"].astype(str)),
    "classes of numbers": lambda d, e: d.assign(x=pd.Categorical(e["estimate"])),
    "lists in cells": lambda d, e: d.assign(x=[[value] for value in e["estimate"]]),
    "times": lambda d, e: d.assign(x=pd.to_timedelta(e["estimate"], unit="s")),
    "bins": lambda d, e: d.assign(x=pd.cut(e["estimate"], 4)),
    "a column": lambda d, e: changed(d, lambda d: d.__setitem__("estimate", e["estimate"])),
    "columns": lambda d, e: changed(d, lambda d: d.__setitem__(["x", "y"], e[["df", "estimate"]])),
    "insert": lambda d, e: changed(d, lambda d: d.insert(0, "x", e["estimate"])),
    "isetitem": lambda d, e: changed(d, lambda d: d.isetitem(0, e["estimate"])),
    "update": lambda d, e: changed(d, lambda d: d.update(e[["estimate"]])),
    "loc": lambda d, e: changed(d, lambda d: d.loc.__setitem__((slice(None), "df"), e["estimate"])),
    "some cells": lambda d, e: set_cells(d, "estimate", e["estimate"].to_numpy()[1:]),
    "cells one by one": lambda d, e: changed(d, lambda d: set_one_by_one(d, e["estimate"])),
    "a column's cells": lambda d, e: d.assign(
        x=changed(d["estimate"], lambda c: c.update(e["estimate"]))
    ),
    "concat": lambda d, e: pd.concat([d, e]),
    "concat the other way": lambda d, e: pd.concat([e[["estimate"]], d], axis=1),
    "concat a column": lambda d, e: pd.concat([d, e["estimate"].rename("x")], axis=1),
    "merge": lambda d, e: d.merge(e[["estimand", "estimate"]], on="estimand"),
    "merge_asof": lambda d, e: pd.merge_asof(d, e[["estimate"]], left_index=True, right_index=True),
    "join": lambda d, e: d.join(e[["estimate"]].add_suffix("_exact")),
    "an index": lambda d, e: d.set_index(pd.Index(e["estimate"], name="x")).reset_index(),
    "groups by it": lambda d, e: d.groupby(e["estimate"].rename("x")).size().reset_index(),
    "fillna": lambda d, e: d.assign(x=(d["estimate"] * np.nan).fillna(e["estimate"])),
    "mask": lambda d, e: d[["estimate"]].mask(d[["estimate"]].notna(), e[["estimate"]]),
    "where": lambda d, e: d.assign(x=d["estimate"].where(d["estimate"].isna(), e["estimate"])),
    "combine_first": lambda d, e: d[["estimate"]].combine_first(e[["estimate"]]),
    "clip": lambda d, e: d.assign(x=d["estimate"].clip(lower=e["estimate"])),
    "arithmetic": lambda d, e: (d["estimate"] * 0 + e["estimate"]).to_frame(),
    "arithmetic with an array": lambda d, e: (0 * d["estimate"] + e["estimate"].array).to_frame(),
    "arithmetic of frames": lambda d, e: d[["estimate"]] * 0 + e[["estimate"]],
    "the other way round": lambda d, e: e[["estimate"]] + 0 * d[["estimate"]],
    "afterwards": lambda d, e: d.assign(x=e["estimate"]).drop(columns="x").assign(y=1).head(2),
}


@pytest.mark.parametrize("name", LOSING)
def test_exact_numbers_take_the_pass_away(name):
    shown, exact = shown_and_exact()
    assert not passed(LOSING[name](shown, exact))
    assert passed(shown)


# groups of a researcher's own


def groups(*sizes, column="place", **given):
    """Rows of one's own groups with so many pairs, or people before and after."""
    pairs = given.pop("pairs", True)
    names_of = "abcdefghijkl"
    rows = [
        {
            "estimand": "linked_change" if pairs else "same_grade", "sd_pre": 0.8, "sd_post": 0.8,
            "subgroup": f"{column}={name}", "n_pre": n, "n_post": n,
            "n_pairs": float(n) if pairs else None, "r_pre_post": 0.5 if pairs else None, **given,
        }
        for name, n in zip(names_of, sizes, strict=False)
    ]  # fmt: skip
    return effects(*rows)


def reasons(frame, held=None, profile="internal"):
    shown = gate(frame, mask() if held is None else held, profile)
    assert shown["estimate"].isna().equals(shown["suppressed"])
    own = shown[shown["subgroup"].str.contains("=")]
    assert own[["mean_pre", "mean_post", "sd_pre", "sd_post"]].isna().all(axis=None)
    return shown["reason"].tolist()


SMALL, REST, ALIKE = "small_n", "complementary", "homogeneous"


# 431 are linked, 500 answered in each wave
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((200, 231), ["", ""]),
        ((6, 425), ["", ""]),
        ((5, 426), [SMALL, REST]),
        ((5, 100, 326), [SMALL, REST, ""]),
        ((2, 3, 100, 326), [SMALL, SMALL, REST, ""]),
        ((3, 3, 100, 325), [SMALL, SMALL, "", ""]),  # the hidden ones are six together
        ((431,), [""]),  # everybody, who are shown anyhow
        ((425,), [""]),  # six of whom it is not known
        ((426,), [REST]),
        ((200, 229), [REST, ""]),  # two of whom it is not known
        ((5, 3, 2, 1, 40, 50, 60, 70, 80, 120), [SMALL] * 4 + [""] * 6),
        ((4, 39, 40, 41, 42, 43, 44, 45, 46, 87), [SMALL, REST] + [""] * 8),
    ],
)  # fmt: skip
def test_a_group_of_ones_own_is_judged_by_its_people_and_by_who_is_left(sizes, expected):
    assert reasons(groups(*sizes)) == expected
    more = [n + 69 if n == max(sizes) else n for n in sizes]
    assert reasons(groups(*more, pairs=False)) == expected
    teachers = {"population": "teachers", "outcome": "views"}
    assert reasons(groups(5, 36, **teachers)) == [SMALL, REST]
    assert reasons(groups(20, 21, **teachers)) == ["", ""]


def test_both_waves_of_other_people_count():
    frame = groups(250, 250, pairs=False)
    assert reasons(frame.assign(n_post=[250, 247])) == ["", REST]
    assert reasons(frame.assign(n_pre=[5, 495])) == [SMALL, REST]


def test_groups_stand_on_internal_pages_only():
    for profile in ("school", "public"):
        assert reasons(groups(200, 231), profile=profile) == [OWN_GROUP] * 2
    assert reasons(groups(2, 429), profile="open") == ["", ""]


def test_a_group_whose_people_answer_or_change_alike_is_hidden():
    assert reasons(groups(200, 231, sd_pre=0.0)) == [ALIKE, ALIKE]
    frame = groups(200, 231)
    assert reasons(frame.assign(sd_post=[0.0, 0.8])) == [ALIKE, ""]
    assert reasons(frame.assign(r_pre_post=[1.0, 0.5])) == [ALIKE, ""]


def test_a_group_of_a_hidden_cell_is_hidden():
    frame = groups(200, 231)
    assert reasons(frame, mask(wave="linked", population="pupils")) == [REST, REST]
    assert reasons(frame, mask(region="oslo")) == ["", ""]


def with_cells(**cells_of):
    """The mask with declared groups: how many people, and why they are hidden."""
    held = mask()
    everybody = held[(held["subgroup"] == "all") & (held["population"] == "pupils")]
    parts = [
        everybody.assign(subgroup=f"grade={name}", n=n, suppressed=bool(reason), reason=reason)
        for name, (n, reason) in cells_of.items()
    ]
    return pd.concat([held, *parts], ignore_index=True)


def test_a_hidden_group_is_hidden_under_another_name_and_so_is_everybody_else():
    held = with_cells(five=(4, SMALL), six=(100, REST), seven=(327, ""))
    assert reasons(groups(4, 100, 327), held) == [SMALL, REST, ""]
    # six alone, six as what is missing, six as what everybody has beside the others
    assert reasons(groups(100), held) == [REST]
    assert reasons(groups(331), held) == [REST]
    assert reasons(groups(4, 327), held) == [SMALL, ""]  # five and six together are many
    assert reasons(groups(169, 331, pairs=False), with_cells(six=(172, REST))) == [REST, REST]
    # nothing is hidden for others' sake
    held = with_cells(five=(104, ""), seven=(327, ""))
    assert reasons(groups(104, 327), held) == ["", ""]


def test_a_group_that_stands_twice_counts_once():
    frame = pd.concat([groups(426), groups(426, cluster="valley")], ignore_index=True)
    assert reasons(frame) == [REST, REST]
    frame = pd.concat([groups(200, 231), groups(200, 231, cluster="valley")], ignore_index=True)
    assert reasons(frame) == [""] * 4


def test_every_estimand_outcome_and_column_is_judged_by_itself():
    frame = pd.concat([
        groups(200, 231), groups(5, 426, outcome="effort"), groups(5, 426, column="size"),
        groups(250, 250, pairs=False), all_estimands(),
    ], ignore_index=True)  # fmt: skip
    assert reasons(frame)[:8] == ["", "", SMALL, REST, SMALL, REST, "", ""]
    assert set(reasons(frame)[8:]) == {""}


def test_a_share_of_few_hides_the_shares_of_all_groups():
    shares = {"estimand": "level", "contrast": "share", "wave": "post", "n_pre": None,
              "pairs": False}  # fmt: skip
    frame = groups(250, 250, **shares).assign(mean_post=[0.5, 0.5])
    assert reasons(frame) == ["", ""]
    assert reasons(frame.assign(mean_post=[0.5, 0.02])) == [REST, SMALL]
    assert reasons(frame.assign(contrast="mean", mean_post=[0.5, 0.02])) == ["", ""]


@pytest.mark.parametrize("column", ["school_id", "region", "person_id"])
def test_what_the_mask_knows_by_another_column_is_no_group_of_ones_own(column):
    assert reasons(groups(200, 231, column=column)) == [OWN_GROUP] * 2


def test_a_comparison_of_roles_does_not_say_how_many_each_role_has():
    frame = groups(20, 21, population="teachers", outcome="views",
                   estimand="participants_vs_colleagues")  # fmt: skip
    assert reasons(frame) == [OWN_GROUP] * 2


@pytest.mark.parametrize("column", ["n_pairs", "n_pre", "sd_post", "r_pre_post"])
def test_groups_without_what_they_are_judged_by_are_refused(column):
    with pytest.raises(DisclosureError, match=f"without ({column}|the people)"):
        gate(groups(200, 231).drop(columns=column), mask(), "internal")
    nobody = groups(200, 231).assign(n_pairs=None, n_pre=None, n_post=None)
    assert reasons(nobody) == [SMALL, SMALL]


def test_groups_that_could_not_be_estimated_say_why():
    frame = groups(200, 231)
    bare = ["n_pairs", "n_pre", "n_post", "mean_pre", "mean_post", "sd_pre", "sd_post", "p_value",
            "r_pre_post", "n_clusters", *NUMBERS]  # fmt: skip
    frame.loc[1, bare] = np.nan
    frame.loc[1, ["reason", "verdict", "flags"]] = ["one_cluster", "refused", ""]
    shown = gate(frame, mask(), "internal")
    assert shown["reason"].tolist() == ["", "one_cluster"]
    assert not shown["suppressed"].any()


def test_the_order_of_groups_does_not_matter():
    frame = groups(4, 39, 40, 41, 42, 43, 44, 45, 46, 87)
    order = np.random.default_rng(1).permutation(len(frame))
    mixed = gate(frame.iloc[order], mask(), "internal")
    whole = gate(frame, mask(), "internal").iloc[order]
    assert mixed["reason"].tolist() == whole["reason"].tolist()


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"person_id": ["x"], "school_id": ["s1"], "joy": [2.0]}),
        pd.DataFrame({"gender": ["girl", "boy"], "joy": [2.1, 2.2]}),
        made_up.effects({}).rename(columns={"outcome": "scale_of_mine"}),
        pd.DataFrame({"wave": ["pre"], "n": [12], "mean": [2.345]}),
    ],
    ids=["clean frame", "means by group", "renamed effects", "own means"],
)
def test_frames_that_no_rule_knows_are_refused(frame):
    with pytest.raises(DisclosureError, match="no rule says whom these columns tell of"):
        gate(frame, mask(), "internal")


def test_single_answers_in_the_shape_of_a_result_are_refused():
    row = {"population": "pupils", "region": "nordland", "outcome": "joy", "wave": "pre"}
    for answers in ({"answer": 2.8}, {"person_id": "x", "pre": 2.0, "post": 3.0, "change": 1.0}):
        with pytest.raises(DisclosureError, match=r"no rule says|without the people"):
            gate(pd.DataFrame([{**row, **answers}]), mask(), "internal")
    with pytest.raises(DisclosureError, match="without the people"):
        gate(pd.DataFrame([{**row, "mean": 2.8}]), mask(), "internal")
    for column in ("n_pre", "n_post", "n_pairs"):
        with pytest.raises(DisclosureError, match="without the people"):
            gate(effects({}).drop(columns=column), mask(), "internal")


@pytest.mark.parametrize("wave", ["pre", "post"])
@pytest.mark.parametrize("estimand", ["same_grade", "school_change", "share_below"])
def test_a_part_of_a_groups_answers_is_not_told_as_the_group(wave, estimand):
    cell = mask()
    at = (cell["population"] == "pupils") & (cell["outcome"] == "joy") & (cell["subgroup"] == "all")
    at &= (cell["region"] == "nordland") & (cell["school_id"] == "")
    n = cell[at].set_index("wave")["n"]
    whole = effects({"estimand": estimand, "n_pairs": None})
    whole = whole.assign(answers_pre=n["pre"], answers_post=n["post"])
    assert not {"answers_pre", "answers_post"} & {*gate(whole, cell, "internal")}
    part = whole.assign(**{f"answers_{wave}": n[wave] - 1})
    with pytest.raises(DisclosureError, match="are of a part of their group's answers"):
        gate(part, cell, "internal")


def test_groups_of_which_nothing_was_computed_need_no_rule():
    row = {"subgroup": "mine=1", "plan_role": "exploratory", "reason": "no_pairs"}
    refused = effects(row)
    numbers = {*refused} - schema.with_role("key", "setting")
    bare = refused.assign(**dict.fromkeys(numbers)).assign(verdict="refused")
    shown = gate(bare, mask(), "internal")
    assert shown["reason"].tolist() == ["no_pairs"]


def test_files_are_told_by_their_number_within_population_and_wave():
    sheets = {"population": "pupils", "wave": ["pre", "pre", "post", None], "n_in": 60}
    ledger = pd.DataFrame({**sheets, "file": ["kari.csv", "per.csv", "per.csv", "list.csv"]})
    for profile in LIMITS:
        shown = gate(ledger, pd.DataFrame(columns=schema.MASK), profile)
        assert shown["file"].to_list() == ["1", "2", "1", "1"]
    assert ledger["file"].iloc[0] == "kari.csv"


def _tested(*p: float, hidden: int = 1, national: bool = False) -> tuple:
    """Rows of regions, or a family of outcomes of the country, and a mask that hides one."""
    of = [f"r{i}" for i in range(len(p))]
    place = "outcome" if national else "region"
    base = {"region": names.NATIONAL, "family": "pupils: primary"} if national else {}
    t = stats.t.isf(np.array(p) / 2, 9.0)
    rows = effects(*(
        {**base, place: each, "estimand": "linked_change", "n_pairs": LINKED["pupils"],
         "n_pre": 431, "n_post": 431, "change": 0.05 * x, "change_se": 0.05, "estimate": 0.1 * x,
         "se": 0.1, "ci_low": 0.1 * x - 0.226, "ci_high": 0.1 * x + 0.226, "df": 9.0,
         "p_value": 2 * stats.t.sf(x, 9.0), "sd_unit": 0.5, "drift": np.nan, "flags": ""}
        for each, x in zip(of, t, strict=True)
    ))  # fmt: skip
    like = mask()
    like = like[like["region"].eq(base.get("region", "oslo")) & like["outcome"].eq("joy")]
    held = pd.concat([like.assign(**{place: each}) for each in of], ignore_index=True)
    held["suppressed"] = held[place].eq(of[hidden])
    held["reason"] = held["suppressed"].map({True: "small_n", False: ""})
    return verdicts(rows), held


@pytest.mark.parametrize("national", [False, True], ids=["regions", "family"])
def test_adjusted_p_values_do_not_tell_those_that_are_hidden(national):
    told = []
    for secret in (0.0001, 0.02, 0.6):
        rows, held = _tested(0.012, secret, 0.03, 0.0004, 0.9, national=national)
        found = gate(rows, held, "internal")
        told.append(found[["p_value", "p_adjusted", "verdict", "ci_low"]])
        p = rows["p_value"].where(rows.index != 1, 1.0)
        expected = multipletests(p, method="holm" if national else "fdr_bh")[1]
        shown = found.index != 1
        assert found["p_adjusted"][shown].tolist() == pytest.approx(expected[shown].round(3))
        assert found.loc[1, ["p_value", "p_adjusted"]].isna().all()
    pd.testing.assert_frame_equal(told[0], told[1])
    pd.testing.assert_frame_equal(told[1], told[2])
    opened = gate(rows, held.assign(suppressed=False, reason=""), "open")
    assert opened["p_adjusted"].tolist() == rows["p_adjusted"].tolist()


def test_what_is_not_seen_in_its_family_without_hidden_tests_has_no_direction():
    rows, held = _tested(0.02, 0.0001, 0.0001, hidden=2, national=True)
    assert rows["verdict"].tolist() == ["increase"] * 3
    found = gate(rows, held, "internal")
    assert found["p_adjusted"].iloc[0] == pytest.approx(0.04)
    assert found["verdict"].tolist()[:2] == ["increase", "increase"]
    rows, held = _tested(0.026, 0.0001, 0.0001, hidden=2, national=True)
    found = gate(rows, held, "internal")
    assert rows["p_adjusted"].iloc[0] < 0.05 < found["p_adjusted"].iloc[0]
    assert found["verdict"].tolist()[:2] == ["unclear", "increase"]


@pytest.mark.parametrize("national", [False, True], ids=["regions", "family"])
def test_some_of_the_tests_have_no_adjusted_p_value(national):
    rows, held = _tested(0.012, 0.02, 0.03, national=national)
    for part in (rows[rows.index != 1], rows[rows.index == 2], rows.drop(columns="n_tests")):
        found = gate(part, held, "internal")
        assert found["p_adjusted"].isna().all()
        assert "n_tests" not in found
        if national:  # nothing is certain without its family
            assert not found["verdict"].isin(["increase", "decrease"]).any()
    whole = gate(rows, held.assign(suppressed=False, reason=""), "internal")
    assert whole["p_adjusted"].tolist() == pytest.approx(rows["p_adjusted"].round(3))


def test_adjusted_p_values_do_not_tell_whether_a_hidden_row_had_a_test():
    rows, held = _tested(0.012, 0.02, 0.03)
    without = verdicts(rows.assign(p_value=rows["p_value"].where(rows.index != 1)))
    assert without["n_tests"].dropna().eq(2).all()
    with_test, without = (gate(each, held, "internal")["p_adjusted"] for each in (rows, without))
    assert with_test.tolist()[::2] == without.tolist()[::2]


def test_what_is_negligible_has_no_direction_once_rounding_takes_it_away():
    rows, held = _tested(0.03, 0.03)
    near = {"change": 0.029, "estimate": 0.058, "se": 0.03, "change_se": 0.015, "ci_low": 0.001,
            "ci_high": 0.119, "verdict": "negligible",
            "flags": "low_df;direction=increase"}  # fmt: skip
    coarse = held.assign(suppressed=False, reason="", step=0.02)
    found = gate(rows.assign(**near), coarse, "internal")
    assert (found["ci_low"] <= 0).all()
    assert found["flags"].tolist() == ["low_df", "low_df"]


@pytest.mark.parametrize(("schools", "told"), [(7, False), (8, True), (None, False)])
def test_a_group_of_ones_own_in_few_schools_does_not_tell_how_they_differ(schools, told):
    group = {"estimand": "linked_change", "subgroup": "size=small", "n_clusters": schools}
    rows = effects({**group, "n_pairs": 200, "n_pre": 200, "n_post": 200, "se": 0.05, "df": 6.0,
                    "change": 0.2, "change_se": 0.05, "sd_unit": 1.0, "estimate": 0.2,
                    "sd_pre": 0.8, "sd_post": 0.9, "r_pre_post": 0.5,
                    "ci_low": 0.1, "ci_high": 0.3})  # fmt: skip
    row = gate(rows, mask(), "internal").iloc[0]
    assert row["estimate"] == pytest.approx(0.2)
    assert row[["se", "ci_low", "p_value"]].notna().all() == told
    assert row["reason"] == ("" if told else "few_clusters")
    alike = gate(rows.assign(estimand="school_change"), mask(), "internal").iloc[0]
    assert alike["suppressed"] != told


def of_one_item(people: range) -> pd.DataFrame:
    """An item's row for every way in which so many people can choose among four answers."""
    counts = [
        (n, a, b, c, n - a - b - c)
        for n in people
        for a in range(n + 1)
        for b in range(n + 1 - a)
        for c in range(n + 1 - a - b)
    ]
    n, *chose = np.array(counts).T
    values = np.arange(1, 5)
    mean = values @ chose / n
    sd = np.sqrt(((values**2 @ chose / n - mean**2) * n / (n - 1)).clip(0))
    about = {"region": "nordland", "population": "pupils", "item": "joy_1", "wave": "pre"}
    told = {"mean": mean, "sd": sd, "floor_share": chose[0] / n, "ceiling_share": chose[3] / n}
    about |= {"subgroup": "all", "scale": [f"of_{each}" for each in n], "n": n}
    numbers = {"missing_share": 0.0, "item_rest_r": 0.41, "alpha_if_deleted": 0.72, **told}
    return pd.DataFrame({**about, **numbers})[list(schema.ITEMS)]


@pytest.mark.parametrize(
    ("profile", "people"),
    [("internal", range(6, 28)), ("school", range(10, 25)), ("public", range(20, 30))],
)
def test_nothing_that_is_told_of_an_item_tells_how_many_few_people_are(profile, people):
    """All that is told of each could be of another number that is rounded to the same."""
    rows = of_one_item(people)
    cell = mask().query("region == 'nordland' and subgroup == 'all' and wave == 'pre'").head(1)
    held = pd.concat([cell.assign(outcome=f"of_{n}", n=n, n_schools=1) for n in people])
    shown = gate(rows, held.assign(smallest=held["n"], largest=held["n"]), profile)
    assert shown["n"].dropna().lt(30).all()
    told = [column for column in schema.ITEMS if column != "scale"] + ["reason"]
    several = rows["n"].groupby([pd.DataFrame(shown)[c] for c in told], dropna=False).nunique()
    assert several.min() >= 2
    assert len(several) > 2


@pytest.mark.parametrize("limit", [6, 10, 20])
@pytest.mark.parametrize("unit", [1, 0.5, 0.25, 1 / 12])
def test_a_rounded_mean_can_be_of_every_number_that_is_rounded_to_the_same(limit, unit):
    n = pd.Series(range(limit, 130))
    step = rounding_step(np.maximum(0.01, unit / fewest_told_alike(n, limit)))
    for number, each in zip(n, step, strict=True):
        told = np.unique((np.arange(number * 3 / unit + 1) * unit / number / each).round())
        alike = n[(n / limit).round() == round(number / limit)]
        for other in alike:
            sums = np.round(told * each * other / unit)  # the nearest sum of the other number
            assert (np.abs(sums * unit / other - told * each) <= each / 2 + 1e-9).all()


def test_shares_of_few_people_are_not_told():
    share = {"estimand": "level", "contrast": "share", "wave": "post", "n_pre": None}
    share |= {"subgroup": "all", "mean_pre": None, "mean_post": 0.5, "change": 0.5}
    cell = mask(wave="none").query("region == 'nordland' and wave == 'post'")
    for n, hidden in ((24, True), (48, False)):
        (row,) = gate(effects({**share, "n_post": n}), cell.assign(n=n), "internal").to_dict(
            "records"
        )
        assert row["suppressed"] is hidden


def test_the_number_of_answers_that_could_have_been_given_is_that_of_the_rounded_people():
    row = {"region": "nordland", "population": "pupils", "scale": "joy", "wave": "pre"}
    row |= {"subgroup": "all", "n": 14, "n_cells": 56, "share_missing": 0.0, "share_most": 0.0}
    shown = gate(pd.DataFrame([row]), mask(), "internal")
    assert shown[["n", "n_cells"]].to_numpy().tolist() == [[12, 48]]


@pytest.mark.parametrize(
    ("schools", "few_schools", "reason"),
    [(5, 3, names.FEW_CLUSTERS), (11, 3, "small_n"), (11, 0, "")],
)
def test_a_change_of_schools_is_hidden_for_what_is_too_few_schools_or_their_people(
    schools, few_schools, reason
):
    row = {"estimand": "school_change", "n_pairs": 66, "n_pre": 66, "n_post": 66}
    row |= {"n_clusters": schools, "n_schools": schools, "sd_unit": 0.8}
    row |= {"ci_low": -0.02, "ci_high": 0.24}
    sizes = {"n": 66, "n_schools": schools, "few_schools": few_schools, "largest": 20}
    cells = mask().assign(**sizes, smallest=1 if few_schools else 6)
    (shown,) = gate(effects(row), cells, "internal").to_dict("records")
    assert shown["reason"] == reason
    assert shown["suppressed"] is bool(reason)


def _gap(**given):
    """A gap of two groups of 20 and 480 people, of whom some may not be compared."""
    cell = mask()
    cell = cell[cell["subgroup"].eq("all") & cell["population"].eq("pupils")]
    alike = {"smallest": 20, "largest": 80, "n": 480, "n_schools": 10}
    few = {"smallest": 1, "largest": 4, "n": 20, "n_schools": 10}
    cells = [
        cell.assign(subgroup=f"gender={group}", **about)
        for group, about in (("girl", alike), ("undisclosed", few))
    ]
    contrast = "gender=undisclosed - gender=girl"
    row = {"estimand": "gap_change", "contrast": contrast, "n_pre": 500, "n_post": 500}
    return effects({**row, **given}), pd.concat(cells, ignore_index=True)


@pytest.mark.parametrize(
    ("smaller", "clusters", "reason"),
    [(20, 10, ""), (20, 8, ""), (20, 7, names.FEW_CLUSTERS), (8, 8, "small_n"), (5, 8, "small_n")],
)
def test_a_gap_tells_no_more_than_the_change_of_each_of_its_groups(smaller, clusters, reason):
    wide = {"change_ci_low": -2.0, "change_ci_high": 2.0, "ci_low": -2.0, "ci_high": 2.0}
    about = {"n_smaller": smaller, "n_on_a_side": clusters, "n_clusters": 12, **wide}
    rows, held = _gap(**about)
    group = {"estimand": "same_grade", "subgroup": "gender=undisclosed", **wide}
    group |= {"n_pre": smaller, "n_post": 20, "n_clusters": clusters}
    gap, alone = (gate(frame, held, "internal").iloc[0] for frame in (rows, effects(group)))
    assert (gap["reason"], alone["reason"]) == (reason, reason)
    assert gap["suppressed"] == (reason != "")


def test_of_a_gap_that_does_not_say_so_all_who_are_left_out_may_be_of_the_smaller_group():
    wide = {"change_ci_low": -2.0, "change_ci_high": 2.0, "ci_low": -2.0, "ci_high": 2.0}
    shown = [
        gate(*_gap(n_pre=500 - out, n_clusters=12, **wide), "internal").iloc[0]["reason"]
        for out in (0, 2, 3)
    ]
    assert shown == ["", "", names.FEW_CLUSTERS]


def test_coefficients_of_few_who_answered_are_not_told():
    rows = reliability().assign(n=[27, 33, 6, 400], omega=0.8, omega_ci_low=0.7)
    for profile in ("internal", "open"):
        found = gate(rows, mask(), profile)
        told = found[["alpha", "alpha_ci_low", "omega", "omega_ci_low"]].notna()
        assert told.all(axis=1).tolist() == [False, True, False, True]
        assert told.any(axis=1).tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("made", "of", "coefficients"),
    [
        (made_up.variance, "n", ["icc", "icc_low", "icc_high", "icc2", "rwg", "shared"]),
        (made_up.agreement, "n_teachers", ["icc1", "icc2", "rwg"]),
        (made_up.agreement, "n_schools", ["r_schools"]),
    ],
)
def test_how_far_few_people_of_schools_agree_is_not_told(made, of, coefficients):
    enough = made().assign(**({"n_schools": 40} if "n_schools" in made() else {}))
    for profile in ("internal", "open"):
        for n, told in ((24, False), (36, True)):
            shown = gate(enough.assign(**{of: n}), mask(), profile)
            assert shown[coefficients].notna().all(axis=None) == told
            assert shown[coefficients].notna().any(axis=None) == told
            assert not shown["suppressed"].any()


def test_the_share_of_those_whose_mean_is_hidden_is_hidden():
    level = {"estimand": "level", "wave": "post", "n_pre": None, "n_post": 36, "mean_pre": None}
    about = {"change": 2.3267, "mean_post": 2.3267, "n_clusters": 10}
    share = {**level, "contrast": "share", "change": 0.5, "mean_post": 0.5}
    share |= {"change_ci_low": 0.3, "change_ci_high": 0.7}
    held = mask().assign(n=36, step=0.2, n_schools=10, smallest=1, largest=6)
    for half, hidden in ((0.09, True), (0.3, False)):  # the mean is rounded in steps of 0.2
        ends = {"change_ci_low": 2.3267 - half, "change_ci_high": 2.3267 + half}
        mean = {**level, **about, "contrast": "mean", **ends}
        shown = gate(effects(mean, share, {**share, "outcome": "effort"}), held, "internal")
        assert shown["suppressed"].tolist() == [hidden, hidden, False]
        assert shown["reason"].tolist() == ["small_n" if hidden else ""] * 2 + [""]


def test_what_is_told_of_the_response_of_a_school_leaves_every_small_number_open():
    counts = [
        {"n_invited": n, "n_answered": k, "n_kept": kept}
        for n in range(1, 45)
        for k in range(n + 1)
        for kept in range(k + 1)
    ]
    about = {"population": "pupils", "wave": "pre", "region": "oslo", "school_id": "a"}
    rows = pd.DataFrame(counts).assign(**about, subgroup="all")
    for step in ("n_consented", "n_linkable", "n_linked"):
        rows[step] = rows["n_kept"]
    rows["answered"] = answered_class(rows["n_answered"], rows["n_invited"])
    steps = ["n_invited", "n_answered", "n_kept"]
    shown = gate(rows, pd.DataFrame(columns=schema.MASK), "internal")
    told = shown[[*steps, "answered"]].astype(object).fillna("").astype(str)
    # who runs a school knows how many were invited
    for known in ([], ["n_invited"]):
        groups = rows.groupby([*(told[c] for c in told), *(rows[c] for c in known)])
        for column in ("n_answered", "n_kept"):
            values = groups[column].agg(["min", "nunique"])
            assert values.loc[values["min"].lt(6), "nunique"].ge(2).all()
    grade = gate(rows.assign(subgroup="grade=5"), pd.DataFrame(columns=schema.MASK), "internal")
    assert grade.loc[rows["n_invited"].lt(27), steps].isna().all(axis=None)


def test_of_answers_of_which_one_part_is_hidden_no_part_is_told():
    """The rest would be drawn, and counted, as if it were everybody."""
    few = distribution(item="joy_1", mean=3.9, n=[40, 60, 120, 100, 9] * 2)
    few.loc[few["wave"] == "post", "mean"] = 2.5
    shown = gate(few, mask(), "internal")
    parts = shown.groupby("wave")
    assert parts["suppressed"].nunique().eq(1).all()
    assert parts["suppressed"].first().to_dict() == {"pre": True, "post": False}
    hidden = shown[shown["suppressed"]]
    assert hidden["share"].isna().all()
    assert hidden["mean"].isna().all()
    assert set(hidden["reason"]) == {"homogeneous"}
    assert parts["share"].sum(min_count=1)["post"] == pytest.approx(1, abs=0.02)
