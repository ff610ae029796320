"""Codes and lights of scales, from reliability, invariance, wordings and the ends of the scale."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from loftet_analysis import schema
from loftet_analysis.analysis.invariance import invariance
from loftet_analysis.analysis.measurement import (
    CODES,
    LIGHTS,
    differing_scales,
    light,
    measurement_warnings,
    reworded_items,
)
from loftet_analysis.analysis.reliability import items, reliability
from loftet_analysis.cleaning.score import score_scales
from loftet_analysis.cleaning.units import study_units
from loftet_analysis.study import Population, load_instrument, load_study
from loftet_analysis.study.questionnaire import Questionnaire
from tests import tiny_study

KEY = ("pupils", "joy")


def units(**given) -> pd.DataFrame:
    row = {
        "population": "pupils", "outcome": "joy", "unit": "total", "sd_unit": 0.8, "n": 900,
        "low_fifth": 2.0, "midpoint": 2.5, "n_items": 5, "alpha": 0.8, "alpha_post": 0.8,
        "alpha_part": 0.75, "floor_share": 0.05, "ceiling_share": 0.05,
    }  # fmt: skip
    return pd.DataFrame([{**row, **given}], columns=list(schema.UNITS))


def steps(*rows: dict) -> pd.DataFrame:
    whole = [
        {"population": "pupils", "scale": "joy", "design": "groups", "model": model, "holds": True}
        for model in ("metric", "scalar")
    ]
    frame = pd.DataFrame(
        [*whole, *({**whole[0], **row} for row in rows)], columns=schema.INVARIANCE
    )
    return frame.astype({"holds": "boolean"})


def codes(invariance: pd.DataFrame | None = None, **given) -> str:
    examined = steps() if invariance is None else invariance
    return measurement_warnings(examined, units(**given))[KEY]


def test_a_sound_scale_has_no_code_and_a_good_light():
    assert codes() == ""
    assert light("") == "good"


@pytest.mark.parametrize(
    ("given", "code", "shown"),
    [
        ({"alpha": 0.6999}, "modest_reliability", "care"),
        ({"alpha": 0.70}, "", "good"),
        ({"alpha_post": 0.60}, "modest_reliability", "care"),
        ({"alpha_post": 0.5999}, "low_reliability", "doubt"),
        ({"alpha": np.nan, "alpha_post": 0.5}, "low_reliability", "doubt"),
        ({"alpha": np.nan, "alpha_post": np.nan}, "reliability_unknown", "care"),
        ({"alpha": np.nan, "alpha_post": np.nan, "n_items": 1}, "single_item", "care"),
        ({"alpha_post": np.nan, "n_items": 1}, "single_item", "care"),
        ({"alpha_part": 0.5999}, "low_reliability_in_part", "care"),
        ({"alpha_part": 0.60}, "", "good"),
        ({"floor_share": 0.1501}, "floor_effect", "care"),
        ({"floor_share": 0.15}, "", "good"),
        ({"ceiling_share": 0.3}, "ceiling_effect", "care"),
        ({"r_waves": -0.0001}, "waves_oppose", "doubt"),
        ({"r_waves": 0.0}, "", "good"),
    ],
)
def test_each_limit_is_inclusive_on_the_good_side(given, code, shown):
    assert codes(**given) == code
    assert light(code) == shown


def test_unequal_loadings_are_a_doubt_where_the_fit_falls_and_unsure_where_only_rmsea_rises():
    fell = steps({"model": "metric", "holds": False, "delta_cfi": -0.0101, "delta_rmsea": 0.02})
    assert codes(fell) == "no_metric_invariance"
    assert light(codes(fell)) == "doubt"
    unsure = steps({"model": "metric", "holds": False, "delta_cfi": -0.0099, "delta_rmsea": 0.02})
    assert codes(unsure) == "metric_invariance_unsure"
    assert light(codes(unsure)) == "care"
    intercepts = steps({"model": "scalar", "holds": False, "delta_cfi": -0.03})
    assert codes(intercepts) == "no_scalar_invariance"


def test_what_could_not_be_examined_is_said_and_what_is_asked_once_is_not():
    refused = steps().assign(model="", holds=pd.NA).astype({"holds": "boolean"})
    assert codes(refused) == "invariance_not_examined"
    assert measurement_warnings(steps().iloc[:0], units()) == {KEY: ""}


def test_codes_stand_in_one_order_and_each_once():
    failing = steps({"model": "scalar", "holds": False}, {"model": "scalar", "holds": False})
    told = measurement_warnings(
        failing, units(alpha=0.5, floor_share=0.4, ceiling_share=0.4), {KEY, ("pupils", "new")}
    )
    assert told[KEY].split(";") == [
        "no_scalar_invariance", "low_reliability", "wording_changed", "floor_effect",
        "ceiling_effect",
    ]  # fmt: skip
    assert told["pupils", "new"] == "wording_changed"
    assert {light(code) for code in CODES} == set(LIGHTS) - {"good"}


def test_a_scale_with_an_item_that_had_another_wording_is_reworded(tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    tiny_study.build(tmp_path)
    study = load_study("tiny")
    assert [row[:2] for row in reworded_items(study)] == [("pupils", "effort")]


LATER = """\
responses:
  a5:
    1: {en: Never}
    2: {en: Seldom}
    3: {en: Sometimes}
    4: {en: Often}
    5: {en: Always}
scales:
  joy:
    label: {en: Joy}
    responses: a5
    items:
      joy_1: {en: I like numbers}
      joy_2: {en: I like shapes}
      joy_3: {en: I like puzzles}
      joy_4: {en: I like maps, waves: [post]}
"""


def test_an_item_of_one_wave_leaves_what_both_waves_ask_comparable(tmp_path):
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "later.yml").write_text(LATER, encoding="utf-8")
    instrument = load_instrument("later", tmp_path)
    rng = np.random.default_rng(4)
    trait = np.repeat(rng.normal(3, 1, 400), 2)
    noisy = trait[:, None] + rng.normal(0, 0.6, (800, 4))
    frame = pd.DataFrame(np.clip(noisy.round(), 1, 5), columns=list(instrument.items))
    frame = frame.assign(wave=["pre", "post"] * 400, person_id=np.arange(800) // 2)
    frame = frame.assign(joy_4=frame["joy_4"].where(frame["wave"].eq("post")))
    frame = score_scales(frame, instrument=instrument)
    means = frame[["joy_1", "joy_2", "joy_3", "joy_4"]].mean(axis=1)
    assert np.allclose(frame["joy"], means)
    asked = Questionnaire("pupils", instrument=instrument)
    told = reliability(frame, asked).set_index("wave")
    assert told["n_items"].to_dict() == {"pre": 3, "post": 4}
    assert set(items(frame, asked).query("wave == 'pre'")["item"]) == {
        "", "joy_1", "joy_2", "joy_3",
    }  # fmt: skip
    settled = study_units({"pupils": frame}, {"pupils": instrument}).iloc[0]
    assert settled[["alpha", "alpha_post"]].astype(float).round(2).to_list() == [
        told.loc[wave, "alpha"].round(2) for wave in ("pre", "post")
    ]
    examined = invariance(frame, instrument, population="pupils")
    linked = examined[examined["design"].eq("linked")]
    assert linked["n"].eq(400).all()
    assert linked["reason"].eq("").all()
    joy = instrument.scales["joy"]
    assert (joy.needed_in("pre"), joy.needed_in("post"), joy.needed) == (2, 2, 2)
    files = {"pre": {"file": "a.csv"}, "post": {"file": "b.csv"}}
    given = {"<name>": "pupils", "instrument": instrument, "columns": {}, "files": files}
    study = SimpleNamespace(populations={"pupils": Population.model_validate(given)})
    assert differing_scales(study) == {KEY}
    warned = measurement_warnings(steps(), units(), (), differing_scales(study))
    assert warned == {KEY: "items_differ"}


@pytest.mark.parametrize(
    ("n", "is_turned", "code"),
    [(400, False, ""), (400, True, "waves_oppose"), (49, True, "")],
)
def test_people_who_answer_the_opposite_way_in_another_wave_put_the_scale_in_doubt(
    tmp_path, n, is_turned, code
):
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "later.yml").write_text(
        LATER.replace(", waves: [post]", ""), encoding="utf-8"
    )
    instrument = load_instrument("later", tmp_path)
    rng = np.random.default_rng(5)
    noisy = np.repeat(rng.normal(3, 1, n), 2)[:, None] + rng.normal(0, 0.6, (2 * n, 4))
    frame = pd.DataFrame(np.clip(noisy.round(), 1, 5), columns=list(instrument.items))
    frame = frame.assign(wave=["pre", "post"] * n, person_id=np.arange(2 * n) // 2)
    if is_turned:
        post = frame["wave"].eq("post")
        frame.loc[post, list(instrument.items)] = 6 - frame.loc[post, list(instrument.items)]
    frame = score_scales(frame, instrument=instrument)
    settled = study_units({"pupils": frame}, {"pupils": instrument})
    told = measurement_warnings(steps(), settled)[KEY]
    assert ("waves_oppose" in told) == (code == "waves_oppose")
    assert light(told) == ("doubt" if code else "good")
