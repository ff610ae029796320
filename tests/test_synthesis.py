"""Random effects over regions against metafor, their algebra, and what is left out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loftet_analysis.names import POOLED
from loftet_analysis.stats.synthesis import METHOD, pool, tau2_reml

REFERENCE = Path(__file__).parent / "reference"
META = json.loads((REFERENCE / "r_values.json").read_text())["meta"]
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
    found = pool(regions([0.2, 0.5], [1e-18, 0.01])).iloc[0]
    assert found["q"] == pytest.approx(9)
    assert found["q_p"] == pytest.approx(0.0027, abs=1e-4)
    assert pool(regions([0.3, 0.3], [0.01, 0.01])).iloc[0]["q"] == 0
