"""The items of a scale: against psych, pingouin and the definitions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest

from loftet_analysis.analysis.reliability import items, reliability
from loftet_analysis.schema import ITEMS
from loftet_analysis.stats.reliability import omega
from loftet_analysis.study import load_instrument
from loftet_analysis.study.questionnaire import Questionnaire
from tests.test_invariance import answers
from tests.test_invariance import instrument as instrument  # a fixture

REFERENCE = Path(__file__).parent / "reference"
PSYCH = json.loads((REFERENCE / "psych.json").read_text())
LINKED = pd.read_csv(REFERENCE / "linked_wide.csv")


@pytest.fixture
def four(tmp_path):
    (tmp_path / "instruments").mkdir()
    path = tmp_path / "instruments" / "four.yml"
    lines = "".join(f"      q{i}: {{nb: Spørsmål {i}}}\n" for i in range(1, 5))
    path.write_text(
        "responses: {agree: {1: {nb: Nei}, 2: {nb: Litt}, 3: {nb: Noe}, 4: {nb: Ja}}}\n"
        "scales:\n  four:\n    label: {nb: Fire}\n    responses: agree\n    items:\n" + lines,
        encoding="utf-8",
    )
    return Questionnaire("pupils", "x", load_instrument("four", tmp_path))


def in_rows():
    frames = []
    for wave in ("pre", "post"):
        part = LINKED[[f"{wave}{i}" for i in range(1, 5)]].set_axis(
            [f"q{i}" for i in range(1, 5)], axis=1
        )
        frames.append(part.assign(wave=wave, four=part.mean(axis=1)))
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("wave", ["pre", "post"])
def test_items_and_omega_agree_with_psych_and_lavaan(four, wave):
    table = items(in_rows(), four)
    assert list(table.columns) == list(ITEMS)
    own = table[(table["wave"] == wave) & (table["item"] != "")]
    assert own["alpha_if_deleted"].tolist() == pytest.approx(PSYCH[wave]["alpha_drop"], abs=1e-10)
    assert own["item_rest_r"].tolist() == pytest.approx(PSYCH[wave]["r_drop"], abs=1e-10)
    found = omega(LINKED[[f"{wave}{i}" for i in range(1, 5)]])
    assert found["omega"] == pytest.approx(PSYCH[wave]["omega_tot_lavaan_cov"], abs=1e-6)
    for end in ("omega_ci_low", "omega_ci_high"):
        assert found[end] == pytest.approx(PSYCH[wave][end], abs=1e-6)


def test_alpha_without_an_item_is_that_of_pingouin(instrument):
    clean = answers()
    table = items(clean, Questionnaire("pupils", "x", instrument)).set_index(["item", "wave"])
    before = clean[clean["wave"] == "pre"]
    rest = before[["j1", "j2", "j4", "j5"]]
    alpha = pingouin.cronbach_alpha(data=rest)[0]
    assert table.loc[("j3", "pre"), "alpha_if_deleted"] == pytest.approx(alpha, abs=1e-10)
    r = np.corrcoef(before["j3"], rest.sum(axis=1))[0, 1]
    assert table.loc[("j3", "pre"), "item_rest_r"] == pytest.approx(r, abs=1e-10)


def test_missing_answers_and_the_ends_of_the_scale_are_counted(four):
    clean = pd.DataFrame({
        "wave": "pre", "q1": [1, 1, 4, np.nan, np.nan], "q2": [1, 2, 4, 3, np.nan],
        "q3": [1, 2, 4, 3, np.nan], "q4": [1, 2, 4, 4, np.nan],
        "four": [1, 1.75, 4, 10 / 3, np.nan],
    })  # fmt: skip
    table = items(clean, four).set_index("item")
    assert table.loc["q1", ["n", "missing_share", "floor_share", "ceiling_share"]].tolist() == [
        3, 0.25, 2 / 3, 1 / 3,
    ]  # fmt: skip
    scale = table.loc[""]
    assert scale[["n", "floor_share", "ceiling_share"]].tolist() == [4, 0.25, 0.25]
    assert np.isnan(scale["item_rest_r"])


def test_groups_have_rows_of_their_own(instrument):
    clean = answers()
    sixth = clean[clean["grade"] == 6]
    both = reliability(clean, Questionnaire("pupils", "x", instrument, by=("grade",)))
    assert set(both["subgroup"]) == {"all", "grade=5", "grade=6"}
    own = reliability(sixth, Questionnaire("pupils", "x", instrument))
    part = both[both["subgroup"] == "grade=6"].reset_index(drop=True)
    pd.testing.assert_frame_equal(part.assign(subgroup="all"), own)


def test_what_does_not_vary_has_no_coefficients(four):
    clean = pd.DataFrame({"wave": "pre", **{f"q{i}": [2.0, 2.0, 2.0] for i in range(1, 5)}})
    table = items(clean, four)
    assert table[["item_rest_r", "alpha_if_deleted"]].isna().all().all()


def test_omega_of_equal_items_is_alpha_and_its_interval_covers():
    rng = np.random.default_rng(3)
    hits = 0
    truth = 16 / (16 + 4)  # four items, loadings 1, residual variances 1
    for _ in range(300):
        found = omega(pd.DataFrame(rng.normal(size=(300, 1)) + rng.normal(size=(300, 4))))
        hits += found["omega_ci_low"] <= truth <= found["omega_ci_high"]
    assert 0.90 <= hits / 300 <= 0.99
    large = pd.DataFrame(rng.normal(size=(100_000, 1)) + rng.normal(size=(100_000, 4)))
    assert omega(large)["omega"] == pytest.approx(pingouin.cronbach_alpha(data=large)[0], abs=2e-3)


def test_omega_that_cannot_be_had_is_empty():
    rng = np.random.default_rng(1)
    assert omega(pd.DataFrame(rng.normal(size=(50, 2)))) == {}
    assert omega(pd.DataFrame(rng.normal(size=(3, 4)))) == {}
    twice = pd.DataFrame(rng.normal(size=(50, 3)))
    assert omega(twice.assign(again=twice[0])) == {}
    assert omega(pd.DataFrame(np.ones((50, 4)))) == {}
