"""Codes and lights of scales, from reliability, invariance, wordings and the ends of the scale."""

import numpy as np
import pandas as pd
import pytest

from loftet_analysis import schema
from loftet_analysis.analysis.measurement import (
    CODES,
    LIGHTS,
    light,
    measurement_warnings,
    reworded_scales,
)
from loftet_analysis.study import load_study
from tests import tiny_study

KEY = ("pupils", "joy")


def units(**given) -> pd.DataFrame:
    row = {
        "population": "pupils", "outcome": "joy", "unit": "total", "sd_unit": 0.8, "n": 900,
        "low_fifth": 2.0, "midpoint": 2.5, "alpha": 0.8, "alpha_post": 0.8, "floor_share": 0.05,
        "ceiling_share": 0.05,
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
        ({"alpha": np.nan, "alpha_post": np.nan}, "", "good"),
        ({"floor_share": 0.1501}, "floor_effect", "care"),
        ({"floor_share": 0.15}, "", "good"),
        ({"ceiling_share": 0.3}, "ceiling_effect", "care"),
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
    assert reworded_scales(study) == {("pupils", "effort")}
