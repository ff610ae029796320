"""Invariance as a step of the study: what holds, what is released, what results must carry."""

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.analysis.invariance import failing_items, invariance
from loftet_analysis.schema import INVARIANCE
from loftet_analysis.study import load_instrument

INSTRUMENT = """\
responses:
  agree: {1: {nb: Nei}, 2: {nb: Litt}, 3: {nb: Noe}, 4: {nb: Ja}}
scales:
  joy:
    label: {nb: Glede}
    responses: agree
    items: {j1: {nb: En}, j2: {nb: To}, j3: {nb: Tre}, j4: {nb: Fire}, j5: {nb: Fem}}
  few: {label: {nb: Få}, responses: agree, items: {f1: {nb: En til}, f2: {nb: To til}}}
  late: {label: {nb: Sent}, responses: agree, waves: [post], items: {l1: {nb: Etter}}}
"""


@pytest.fixture(scope="module")
def instrument(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "instruments").mkdir()
    (folder / "instruments" / "joy.yml").write_text(INSTRUMENT, encoding="utf-8")
    return load_instrument("joy", folder)


def answers(n=900, *, shift=0.0, bent=0.0, seed=1):
    """Linked people with five items; the third item's intercept may move by itself."""
    rng = np.random.default_rng(seed)
    f = rng.normal(size=n)
    later = 0.6 * f + 0.8 * rng.normal(size=n) + shift
    frames = []
    for wave, factor in (("pre", f), ("post", later)):
        items = {f"j{i}": 2.5 + 0.6 * factor + rng.normal(0, 0.5, n) for i in range(1, 6)}
        items["j3"] = items["j3"] + bent * (wave == "post")
        frames.append(pd.DataFrame({
            "person_id": [f"p{i}" for i in range(n)], "wave": wave,
            "school_id": [f"s{i % 30}" for i in range(n)],
            "grade": 5 + np.arange(n) % 2, "f1": rng.normal(size=n), "f2": rng.normal(size=n),
            **items,
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def rows_of(table, design="linked"):
    part = table[(table["scale"] == "joy") & (table["design"] == design)]
    return part.set_index("model")


def test_what_measures_alike_holds_in_both_designs(instrument):
    table = invariance(answers(shift=0.3), instrument, population="pupils")
    assert list(table.columns) == list(INVARIANCE)
    for design in ("linked", "groups"):
        rows = rows_of(table, design)
        assert list(rows.index) == ["configural", "metric", "scalar", "strict"]
        assert rows["holds"].iloc[1:].all()
        assert (rows["freed"] == "").all()
    linked = rows_of(table)
    assert linked.loc["scalar", "latent_change"] == pytest.approx(0.3, abs=0.12)
    assert linked.loc["configural", "n"] == 900
    assert rows_of(table, "groups").loc["scalar", "n_groups"] == 4


def test_the_latent_change_rests_on_regions_or_feeder_groups_as_the_linked_change_does(instrument):
    clean = answers(shift=0.3)
    by_group = rows_of(invariance(clean, instrument, population="pupils")).loc["scalar"]
    assert by_group["latent_change_cluster"] == "feeder_group"
    assert by_group["latent_change_clusters"] == 30
    assert by_group["latent_change_df"] == pytest.approx(29)  # thirty schools of one size
    regions = clean.assign(region=[f"r{int(school[1:]) % 9}" for school in clean["school_id"]])
    by_region = rows_of(invariance(regions, instrument, population="pupils")).loc["scalar"]
    assert by_region["latent_change_cluster"] == "region"
    assert by_region["latent_change_clusters"] == 9
    assert by_region["latent_change_df"] < 9
    one = rows_of(invariance(clean.assign(school_id="s1"), instrument, population="teachers"))
    assert one.loc["scalar", "latent_change_cluster"] == "school"
    assert pd.isna(one.loc["scalar", "latent_change_se"])


def test_an_item_that_moved_by_itself_is_named_and_released(instrument):
    table = invariance(answers(shift=0.3, bent=0.8), instrument, population="pupils")
    rows = rows_of(table)
    assert not rows.loc["scalar", "holds"]
    assert rows.loc["partial_scalar", "holds"]
    assert rows.loc["partial_scalar", "freed"] == "j3"
    assert rows.loc["strict", "freed"] == "j3"
    assert rows.loc["partial_scalar", "latent_change"] == pytest.approx(0.3, abs=0.12)
    assert rows.loc["scalar", "latent_change"] > rows.loc["partial_scalar", "latent_change"] + 0.1
    assert failing_items(table) == {("pupils", "joy"): ("j3",)}


def test_an_item_with_another_loading_is_released_from_the_metric_model(instrument):
    clean = answers(2000)
    post = clean["wave"] == "post"
    rng = np.random.default_rng(5)
    clean.loc[post, "j2"] = 2.5 + rng.normal(0, 0.8, post.sum())  # measures something else now
    rows = rows_of(invariance(clean, instrument, population="pupils"))
    assert not rows.loc["metric", "holds"]
    assert "j2" in rows.loc["partial_metric", "freed"].split(";")


def test_what_cannot_be_examined_says_why(instrument):
    table = invariance(answers(150), instrument, population="teachers")
    assert set(table["scale"]) == {"joy", "few"}  # what is asked once has no change
    reasons = table.set_index(["scale", "design"])["reason"]
    assert reasons["joy", "linked"] == "too_few_people"
    assert reasons["few", "groups"] == "too_few_items"
    unlinked = answers().drop(columns="person_id")
    table = invariance(unlinked, instrument, population="pupils")
    assert rows_of(table)["reason"].tolist() == ["too_few_people"]
    assert rows_of(table, "groups").loc["scalar", "holds"]
    constant = invariance(answers().assign(j1=2.0), instrument, population="pupils")
    assert rows_of(constant)["reason"].tolist() == ["no_variance"]


def test_small_grades_are_left_out_and_row_order_changes_nothing(instrument):
    clean = answers()
    clean.loc[clean.index % 10 == 0, "grade"] = 9
    table = invariance(clean, instrument, population="pupils")
    assert rows_of(table, "groups").loc["scalar", "n_groups"] == 4
    mixed = clean.sample(frac=1, random_state=2).reset_index(drop=True)
    again = invariance(mixed, instrument, population="pupils")
    pd.testing.assert_frame_equal(table, again, rtol=1e-5, atol=1e-6)
