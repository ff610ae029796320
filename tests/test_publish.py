"""The gate: nothing is published that the disclosure mask does not hold."""

import re

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.errors import DisclosureError
from loftet_analysis.show.publish import GATED, VIEWS, cells, gated, publish
from tests import made_up
from tests.made_up import (
    NUMBERS,
    all_estimands,
    distribution,
    effects,
    mask,
    pooled,
    reliability,
    sensitivity,
    words,
)

SHOWN = {
    "effects_table": lambda: (all_estimands(), {}),
    "regions_table": lambda: (both_regions(), {"together": effects({"region": "national"})}),
    "pooled_table": lambda: (pooled(), {}),
    "reliability_table": lambda: (reliability(), {}),
    "change": lambda: (all_estimands(), {}),
    "distribution": lambda: (distribution(), {}),
    "forest": lambda: (both_regions(), {"pooled": pooled()}),
    "reading": lambda: (all_estimands(), {}),
    "sensitivity_table": lambda: (sensitivity(), {}),
    "visible_table": lambda: (all_estimands().assign(mdes=0.3035), {}),
    "spread_table": lambda: (made_up.variance(), {}),
    "agreement_table": lambda: (made_up.agreement(), {}),
    "lights_table": lambda: (made_up.lights(), {}),
    "items_table": lambda: (made_up.items(), {}),
    "invariance_table": lambda: (made_up.invariance(), {}),
    "wordings_table": lambda: (made_up.wordings(), {}),
    "response_table": lambda: (made_up.response(), {}),
    "groups_table": lambda: (made_up.response("grade=7"), {}),
    "schools_table": lambda: (made_up.response(), {}),
    "linkage_table": lambda: (made_up.linkage(), {}),
    "careless_table": lambda: (made_up.careless(), {}),
    "missing_table": lambda: (made_up.missing(), {}),
    "differences_table": lambda: (made_up.differences(), {}),
    "estimation": lambda: (all_estimands(), {"answers": distribution()}),
    "likert": lambda: (made_up.item_bins(), {}),
    "dots": lambda: (distribution(), {}),
    "schools": lambda: (made_up.by_school(), {}),
    "flow": lambda: (made_up.response(), {}),
    "arrivals": lambda: (made_up.arrivals(), {}),
    "attendance": lambda: (made_up.attendance(), {}),
}
# these tell counts of people, which the mask does not hold
COUNTS = {
    "response_table", "groups_table", "schools_table", "linkage_table", "careless_table", "flow",
    "arrivals", "attendance", "wordings_table",
}  # fmt: skip
# what stands instead of an empty result, where that is not that nobody was asked
NOTHING = {
    "wordings_table": "ordlyd", "arrivals": "datoer", "linkage_table": "koblet",
    "careless_table": "tegn", "differences_table": "grupper", "attendance": "register",
    "schools": "skole", "groups_table": "trinn", "schools_table": "invitert",
}  # fmt: skip


EVERYTHING = {"suppressed": False}


def both_regions():
    return effects({"region": "nordland"}, {"region": "oslo"})


def shown(tmp_path, frame, view, *, hidden=None, profile="internal", language="nb", **others):
    return publish(
        frame,
        view,
        name="result",
        mask=mask(**(hidden or {})),
        profile=profile,
        words=words(language),
        folder=tmp_path,
        **others,
    )


def everything_said(tmp_path, published) -> str:
    """The page's part, and the text that matplotlib notes in the figure file."""
    figures = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.svg")]
    return "".join([published.html, published.text, *figures])


def test_every_view_is_tried_here():
    assert set(SHOWN) == set(VIEWS)


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
        {"subgroup": "gender=girl"},
        {"school_id": "974552124"},
        {"estimand": "participants", "subgroup": "grade=7"},
    ],
)
def test_numbers_of_a_cell_that_the_mask_does_not_hold_are_refused(row):
    with pytest.raises(DisclosureError, match="not in the disclosure mask"):
        gated(effects({}, row), mask(), "internal")


def test_an_estimand_without_a_rule_is_refused():
    with pytest.raises(DisclosureError, match="no rule says which cells"):
        gated(effects({"estimand": "school_link"}), mask(), "internal")


def test_a_refused_row_without_numbers_needs_no_cell():
    numbers = ["n_pre", "n_post", "n_clusters", "mean_pre", "mean_post", "p_value", *NUMBERS]
    row = {**dict.fromkeys(numbers), "region": "atlantis", "reason": "no_pairs", "flags": ""}
    row |= {"verdict": "refused", "measurement_warning": "floor_effect"}
    found = gated(effects(row), mask(), "internal")
    assert not found["suppressed"].any()
    assert list(found["reason"]) == ["no_pairs"]


def test_a_hidden_row_keeps_its_keys_and_loses_everything_else():
    (row,) = gated(effects({}), mask(wave="post"), "internal").to_dict("records")
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
    found = gated(all_estimands(), mask(**hidden), "internal")
    assert set(found.loc[found["suppressed"], "estimand"]) == estimands
    assert found["estimate"].isna().equals(found["suppressed"])


def test_numbers_that_came_as_objects_are_hidden_as_numbers():
    frame = made_up.differences()
    frame = frame.assign(smd=frame["smd"].astype(object), n_one=pd.Series([300, 5], dtype=object))
    found = gated(frame, mask(), "internal")
    assert list(found["suppressed"]) == [False, True]
    assert found["smd"].dtype == float
    assert found["smd"].isna().tolist() == [False, True]
    assert found["n_one"].isna().tolist() == [False, True]


def test_a_row_that_counts_too_few_people_is_hidden_whatever_its_cell_holds():
    few, enough = {"n_pre": 5}, {"n_pre": 6}
    assert list(gated(effects(few, enough), mask(), "internal")["suppressed"]) == [True, False]
    alone = reliability().assign(n=[3, 1201, 1201, 1201])
    assert list(gated(alone, mask(), "internal")["suppressed"]) == [True, False, False, False]


@pytest.mark.parametrize(
    ("n_pre", "left_out"), [(500, False), (499, True), (495, True), (494, False)]
)
def test_levels_that_would_tell_of_the_few_others_are_left_out(n_pre, left_out):
    row = gated(effects({"n_pre": n_pre, "n_post": 500}), mask(), "internal").iloc[0]
    levels = row[["mean_pre", "mean_post", "sd_pre", "sd_post"]]
    assert levels[["mean_pre", "mean_post"]].isna().all() == left_out
    assert not (left_out and levels.notna().any())
    assert row["estimate"] == gated(effects({}), mask(), "internal").iloc[0]["estimate"]
    assert not row["suppressed"]


def test_rows_of_pairs_publish_changes_without_levels():
    frame = all_estimands()
    paired = frame["n_pairs"].notna().to_numpy()
    shown = gated(frame, mask(), "internal")
    assert shown.loc[paired, ["mean_pre", "mean_post"]].isna().all(axis=None)
    assert shown.loc[~paired, ["mean_pre", "mean_post"]].notna().all(axis=None)
    assert shown["estimate"].notna().all()
    assert gated(frame, mask(), "open")[["mean_pre", "mean_post"]].notna().all(axis=None)


def test_a_change_of_some_of_a_cells_people_is_refused():
    frame = all_estimands()
    frame.loc[4, "n_pairs"] = 40.0
    with pytest.raises(DisclosureError, match=r"1 results are not of everybody.* 40 .* 41\)"):
        gated(frame, mask(), "internal")


def test_a_mask_that_says_of_a_cell_twice_what_may_be_told_is_refused():
    with pytest.raises(DisclosureError, match="twice"):
        gated(effects({}), pd.concat([mask(), mask()]), "internal")


def test_bins_below_the_limit_are_refused():
    with pytest.raises(DisclosureError, match="bins hold fewer than 20 people"):
        gated(distribution(n=19), mask(), "public")
    assert not gated(distribution(n=20), mask(), "public")["suppressed"].any()


def test_gating_looks_at_each_row_alone_and_changes_nothing_it_is_given():
    frame, held = all_estimands(), mask(subgroup="role=colleague")
    before = frame.copy(deep=True)
    found = gated(frame, held, "internal")
    pd.testing.assert_frame_equal(frame, before)
    order = np.random.default_rng(3).permutation(len(frame))
    mixed = gated(frame.iloc[order], held.sample(frac=1, random_state=1), "internal")
    pd.testing.assert_frame_equal(
        mixed, found.iloc[order].reset_index(drop=True), check_dtype=False
    )


def test_a_result_read_back_from_csv_is_gated_alike(tmp_path):
    frame = all_estimands()
    frame.to_csv(tmp_path / "effects.csv", index=False)
    back = pd.read_csv(tmp_path / "effects.csv", dtype={"school_id": str})
    held = mask(subgroup="role=colleague")
    first, second = gated(frame, held, "internal"), gated(back, held, "internal")
    for column in ("suppressed", "estimate", "n_pre", "reason", "school_id"):
        assert list(first[column].astype(str)) == list(second[column].astype(str)), column


def test_profiles_round():
    exact = effects({"n_pre": 1233, "estimate": 0.123456, "p_value": 0.041234})
    (open_,) = gated(exact, mask(), "open").to_dict("records")
    assert (open_["n_pre"], open_["estimate"]) == (1233, 0.123456)
    (public,) = gated(exact, mask(), "public").to_dict("records")
    assert (public["n_pre"], public["n_post"]) == (1235, 1185)
    assert (public["estimate"], public["p_value"], public["n_clusters"]) == (0.12, 0.041, 11)
    (internal,) = gated(exact, mask(), "internal").to_dict("records")
    assert (internal["n_pre"], internal["estimate"]) == (1233, 0.1235)


@pytest.mark.parametrize("view", sorted(set(VIEWS) - COUNTS))
def test_hidden_numbers_are_nowhere_in_what_is_shown(tmp_path, view):
    frame, others = SHOWN[view]()
    full = everything_said(tmp_path, shown(tmp_path, frame, view, **others))
    looked_for = (
        "0,12", "−0,06", "0,30", "1\u202f2", "2,61", "0,81", "0,08", "0,061", "8,1", "lavest mulig",
        "65\N{NO-BREAK SPACE}%", "−0,03", "5\N{NO-BREAK SPACE}% av svarene",
    )  # fmt: skip
    numbers = [number for number in looked_for if number in full]
    assert numbers
    bare = everything_said(tmp_path, shown(tmp_path, frame, view, hidden=EVERYTHING, **others))
    assert not [number for number in numbers if number in bare]


@pytest.mark.parametrize("view", ["effects_table", "regions_table", "change", "reading"])
def test_a_hidden_row_among_others_says_no_number(tmp_path, view):
    secret = {"region": "oslo", "estimate": 0.7777, "ci_low": 0.6666, "ci_high": 0.8888}
    frame = effects({"region": "nordland"}, secret)
    for hidden, there in (({}, True), ({"region": "oslo"}, False)):
        published = shown(tmp_path, frame, view, hidden=hidden)
        said = set(re.findall(r"\d,\d\d", everything_said(tmp_path, published)))
        assert ({"0,78", "0,67", "0,89"} <= said) is there
        assert there or not {"0,78", "0,67", "0,89"} & said
        assert "0,12" in said


def test_a_figure_that_is_hidden_now_does_not_stay_on_disk(tmp_path):
    shown(tmp_path, distribution(), "distribution")
    assert {path.name for path in tmp_path.iterdir()} == {"result.nb.svg", "result.nb.png"}
    published = shown(tmp_path, distribution(), "distribution", hidden={"outcome": "joy"})
    assert not list(tmp_path.iterdir())
    assert 'class="hidden"' in published.html


def test_a_gap_rests_on_both_groups_and_a_level_on_the_wave_that_was_asked():
    gap = {"estimand": "gap_change", "contrast": "gender=girl - gender=boy"}
    assert set(cells(effects(gap))["subgroup"]) == {"gender=girl", "gender=boy"}
    once = {"estimand": "level", "n_pre": None, "n_pairs": None}
    assert set(cells(effects(once))["wave"]) == {"post"}
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
    (row,) = gated(effects(given), mask(), "internal").to_dict("records")
    return row["reason"]


def test_a_percentile_a_share_and_the_lowest_need_more_people():
    tenth = {"estimand": "same_grade_quantile", "contrast": "p10", "n_pairs": None}
    assert hidden_for(**tenth, n_pre=59) == "small_n"
    assert hidden_for(**tenth, n_pre=60) == ""
    share = {"estimand": "share_below", "n_pairs": None, "n_pre": 100, "n_post": 100}
    assert hidden_for(**share, mean_pre=0.05, mean_post=0.5) == "small_n"
    assert hidden_for(**share, mean_pre=0.5, mean_post=0.95) == "small_n"
    assert hidden_for(**share, mean_pre=0.06, mean_post=0.94) == ""
    lowest = {"estimand": "lowest_fifth"}  # 431 are linked
    assert hidden_for(**lowest, n_pairs=426) == "small_n"
    assert hidden_for(**lowest, n_pairs=425) == ""


def test_another_choice_of_people_that_leaves_out_a_few_is_hidden():
    linked = {"estimand": "linked_change", "n_pre": None, "n_post": None}
    for n, reason in ((426, "small_n"), (425, ""), (431, "")):
        (row, *_) = gated(sensitivity(**linked, n_pairs=n), mask(), "internal").to_dict("records")
        assert row["reason"] == reason
    for n, reason in ((496, "small_n"), (494, ""), (500, "")):
        (row, *_) = gated(sensitivity(n_pre=n), mask(), "internal").to_dict("records")
        assert row["reason"] == reason


def test_small_shares_of_answers_are_left_out():
    rows = pd.DataFrame({
        "region": "nordland", "population": "pupils", "scale": "joy", "item": ["a", "b", "c"],
        "wave": "pre", "subgroup": "all", "n": 500, "floor_share": [0.01, 0.0, 0.012],
        "ceiling_share": 0.5, "missing_share": [0.002, 0.2, 0.0],
    })  # fmt: skip
    found = gated(rows, mask(), "internal")
    assert found["floor_share"].isna().tolist() == [True, False, False]
    assert found["missing_share"].isna().tolist() == [True, False, False]
    assert found["item"].tolist() == ["a", "b", "c"]
    assert gated(rows, mask(), "open")["floor_share"].notna().all()


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_result_gives_the_same_bytes(tmp_path, view):
    frame, others = SHOWN[view]()
    one, two = tmp_path / "one", tmp_path / "two"
    first, second = (shown(folder, frame, view, **others) for folder in (one, two))
    assert first == second
    assert [p.read_bytes() for p in sorted(one.glob("*"))] == [
        p.read_bytes() for p in sorted(two.glob("*"))
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_what_was_not_asked_is_said_in_one_line(tmp_path, view):
    frame, others = SHOWN[view]()
    published = shown(tmp_path, frame.iloc[:0], view, **others)
    kind = "nothing" if view in NOTHING else "not-asked"
    assert NOTHING.get(view, "Dette ble det ikke spurt om i denne undersøkelsen.") in published.text
    assert published.html == f'<p class="{kind}">{published.text}</p>'
    assert not list(tmp_path.iterdir())


def test_frames_that_are_joined_to_a_view_are_gated_too(tmp_path):
    with pytest.raises(DisclosureError, match="not in the disclosure mask"):
        shown(tmp_path, both_regions(), "forest", pooled=pooled().assign(outcome="secret"))
    assert not list(tmp_path.iterdir())


def test_what_passed_the_gate_carries_its_mark(tmp_path):
    data, metadata = shown(tmp_path, all_estimands(), "reading")._repr_mimebundle_()
    assert metadata == {GATED: True}
    assert data["text/html"].startswith('<ul class="reading">')


@pytest.mark.parametrize(
    ("view", "name", "said"),
    [("pie", "result", "unknown view 'pie'"), ("change", "../secret", "lower-case letters")],
)
def test_unknown_views_and_names_that_leave_the_folder_are_refused(tmp_path, view, name, said):
    with pytest.raises(ValueError, match=said):
        publish(
            effects({}), view, name=name, mask=mask(), profile="internal", words=words(),
            folder=tmp_path,
        )  # fmt: skip


def test_a_single_item_tells_no_more_than_its_bins():
    exact = made_up.items().assign(mean=2.6123, sd=0.81, item_rest_r=0.3035, n=1201)
    shown = gated(exact, mask(), "internal")
    single = shown[shown["item"] != ""]
    assert single["sd"].isna().all()
    assert set(single["mean"]) == {2.6}
    assert set(single["item_rest_r"]) == {0.3}
    assert set(shown.loc[shown["item"] == "", "mean"]) == {2.6123}
    assert gated(exact, mask(), "open")["sd"].notna().all()
    alike = gated(exact.assign(sd=0.0), mask(), "internal")
    assert set(alike.loc[alike["item"] != "", "reason"]) == {"homogeneous"}


@pytest.mark.parametrize(
    ("share", "told"), [(0.0, True), (0.02, False), (0.12, True), (0.97, False), (1.0, True)]
)
def test_shares_of_all_but_a_few_are_left_out_too(share, told):
    frame = made_up.items().assign(n=100, ceiling_share=share)
    assert gated(frame, mask(), "internal")["ceiling_share"].notna().all() == told
    cells = made_up.missing().assign(n=100, n_cells=100, share_missing=share)
    assert gated(cells, mask(), "internal")["share_missing"].notna().all() == told


def test_where_one_school_is_hidden_all_are():
    both = made_up.by_school()
    assert gated(both, mask(), "internal")["estimate"].notna().all()
    few = both.assign(n_pre=[5, 90])
    shown = gated(few, mask(), "internal")
    assert shown["estimate"].isna().all()
    assert shown["shrunk"].isna().all()
    assert list(shown["reason"]) == ["small_n", "complementary"]
    assert gated(both, mask(school_id="s2"), "internal")["estimate"].isna().all()
    uncounted = both.assign(reason=["no_common_cells", ""])
    numbers = ["n_pre", "n_post", "estimate", "se", "shrunk", "ci_low", "ci_high", "tau2"]
    uncounted.loc[0, [*numbers, "shrunk_low", "shrunk_high"]] = np.nan
    assert gated(uncounted, mask(), "internal")["estimate"].notna().tolist() == [False, True]


def test_means_of_schools_are_not_published_beside_means_of_people():
    shown = gated(made_up.agreement(), mask(), "internal").iloc[0]
    assert pd.isna(shown["mean_teachers"])
    assert pd.isna(shown["mean_leaders"])
    assert shown["difference"] == -0.1222
    assert gated(made_up.agreement(n_leaders=5), mask(), "internal")["suppressed"].all()
    assert gated(made_up.agreement(), mask(population="leaders"), "internal")["suppressed"].all()


def test_differences_of_groups_are_coarse_and_need_both_groups():
    shown = gated(made_up.differences(), mask(), "internal")
    assert set(shown["smd"]) == {0.12}
    for few in ({"n_one": 5}, {"n_other": 5}):
        assert gated(made_up.differences(**few), mask(), "internal")["smd"].isna().all()
    by_role = made_up.differences("participant - colleague").iloc[1:]
    assert gated(by_role, mask(subgroup="role=colleague"), "internal")["suppressed"].all()
    background = made_up.differences().assign(outcome=["grade", "gender=girl"])
    assert gated(background, mask(), "internal")["smd"].notna().all()


@pytest.mark.parametrize(("n", "told"), [(59, False), (60, True)])
def test_the_range_of_attendance_is_told_of_many_only(n, told):
    row = {"estimand": "dose", "contrast": "per gathering", "n_pairs": float(n)}
    (shown,) = gated(effects({**row, "flags": "low_df;range=5-10"}), mask(), "internal")["flags"]
    assert ("range" in shown) == told
    assert "low_df" in shown


def test_counts_are_rounded_and_what_rounds_to_nothing_is_not_told():
    answered = gated(made_up.response(), mask(), "internal")
    assert answered[["n_answered", "n_kept", "n_linked"]].values.tolist()[0] == [1008, 1008, 600]
    assert not answered["suppressed"].any()
    states = gated(made_up.linkage(), mask(), "internal")
    assert "ambiguous" not in set(states["state"])
    assert (states["n"] % 6 == 0).all()
    days = made_up.arrivals().assign(n=[205, 206, 1007])
    assert len(gated(days, mask(), "internal")) == 2
    assert len(gated(days, mask(), "open")) == 3
    with pytest.raises(DisclosureError, match="bins hold fewer"):
        gated(made_up.attendance().assign(n=5), mask(), "internal")


def test_nothing_is_saved_where_no_folder_is_named(tmp_path):
    published = publish(
        distribution(), "distribution", name="x", mask=mask(), profile="internal",
        words=words(), folder=None,
    )  # fmt: skip
    assert published.html.startswith("<figure")
    assert not list(tmp_path.iterdir())
