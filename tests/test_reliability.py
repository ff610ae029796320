"""Cronbach's alpha against psych, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loftet_analysis.analysis.reliability import reliability
from loftet_analysis.schema import RELIABILITY
from loftet_analysis.stats.reliability import alpha
from loftet_analysis.study import load_instrument
from loftet_analysis.study.questionnaire import Questionnaire

REFERENCE = Path(__file__).parent / "reference"
PSYCH = json.loads((REFERENCE / "r_values.json").read_text())["alpha"]
INSTRUMENT = """
responses:
  agree5:
    1: {en: Strongly disagree}
    2: {en: Disagree}
    3: {en: Neither}
    4: {en: Agree}
    5: {en: Strongly agree}
scales:
  joy:
    label: {en: Joy}
    responses: agree5
    items:
      joy_1: {en: I look forward to the lessons.}
      joy_2: {en: I like it.}
      joy_3: {en: I do it for fun.}
      joy_4: {en: Time flies.}
  single:
    label: {en: Alone}
    responses: agree5
    waves: [post]
    items:
      single_1: {en: I feel at home here.}
"""


@pytest.fixture
def asked(tmp_path):
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "short.yml").write_text(INSTRUMENT, encoding="utf-8")
    return Questionnaire("pupils", "oslo", load_instrument("short", tmp_path))


@pytest.fixture
def clean():
    wide = pd.read_csv(REFERENCE / "linked_wide.csv")
    waves = [
        wide[[f"{wave}{i}" for i in range(1, 5)]]
        .set_axis([f"joy_{i}" for i in range(1, 5)], axis=1)
        .assign(wave=wave, single_1=wide["post1"])
        for wave in ("pre", "post")
    ]
    return pd.concat(waves, ignore_index=True)


def test_alpha_agrees_with_psych(clean, asked):
    found = reliability(clean, asked)
    assert list(found.columns) == list(RELIABILITY)
    found = found[found["scale"] == "joy"].set_index("wave")
    for wave, reference in PSYCH.items():
        assert found.loc[wave, "n"] == reference["n"]
        assert found.loc[wave, "alpha"] == pytest.approx(reference["alpha"], abs=1e-10)
        for bound in ("alpha_ci_low", "alpha_ci_high"):
            assert found.loc[wave, bound] == pytest.approx(reference[bound], abs=1e-8)


def test_only_complete_answers_count(clean, asked):
    holes = clean.copy()
    holes.loc[::7, "joy_2"] = np.nan
    complete = clean.drop(clean.index[::7])
    first, second = (reliability(frame, asked) for frame in (holes, complete))
    joy = first["scale"] == "joy"
    pd.testing.assert_frame_equal(first[joy], second[joy])
    assert (first.loc[joy, "n"] < 911).all()


def test_waves_are_those_asked_and_answered(clean, asked):
    found = reliability(clean, asked)
    assert found[["scale", "wave"]].to_numpy().tolist() == [
        ["joy", "pre"], ["joy", "post"], ["single", "post"],
    ]  # fmt: skip


def test_a_scale_without_alpha_keeps_its_row(clean, asked):
    found = reliability(clean, asked)
    single = found[found["scale"] == "single"].iloc[0]
    assert single[["n_items", "n"]].tolist() == [1, 911]
    assert (
        single[[name for name in RELIABILITY if name.startswith(("alpha", "omega"))]].isna().all()
    )
    alike = clean.assign(joy_1=3.0, joy_2=3.0, joy_3=3.0, joy_4=3.0)
    lonely = clean.iloc[[0, 911]]
    unasked = clean.drop(columns=[f"joy_{i}" for i in range(1, 5)])
    for frame in (alike, lonely, unasked):
        found = reliability(frame, asked)
        joy = found[found["scale"] == "joy"]
        assert len(joy) == 2
        assert joy["alpha"].isna().all()


@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
@settings(max_examples=20, deadline=None)
def test_alpha_does_not_depend_on_order_or_the_scale_of_all_items(seed, shift, scale):
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=(60, 1))
    items = pd.DataFrame(trait + rng.normal(size=(60, 5)), columns=list("abcde"))
    found = alpha(items)
    turned = alpha(shift - scale * items.sample(frac=1, random_state=seed)[list("ecabd")])
    assert turned == pytest.approx(found)
    assert found["alpha_ci_low"] < found["alpha"] < found["alpha_ci_high"]


def test_the_level_of_the_interval():
    items = pd.DataFrame({"a": [1, 2, 3, 4, 2], "b": [2, 2, 4, 4, 1], "c": [1, 3, 3, 5, 2]})
    wide, narrow = alpha(items, ci_level=0.99), alpha(items, ci_level=0.5)
    assert wide["alpha_ci_low"] < narrow["alpha_ci_low"] < narrow["alpha_ci_high"]
    assert narrow["alpha_ci_high"] < wide["alpha_ci_high"]


def test_a_constant_item_is_left_out_as_psych_does():
    rng = np.random.default_rng(4)
    trait = rng.normal(size=60)
    items = pd.DataFrame({name: trait + rng.normal(size=60) for name in "ab"})
    assert alpha(items.assign(c=3.0)) == alpha(items)
    assert alpha(pd.DataFrame({"a": [0.1, 0.2, 0.3], "b": [0.3, 0.2, 0.1]})) == {}
