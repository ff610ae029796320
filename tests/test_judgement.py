"""Verdicts, smallest visible changes, adjusted p-values: by definition and by other libraries."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.estimands import ESTIMANDS


def row(estimate=0.0, se=0.05, **given):
    p = 2 * stats.t.sf(abs(estimate) / se, given.get("df", 20.0))
    return {
        "region": "national", "population": "pupils", "outcome": "joy", "estimand": "same_grade",
        "contrast": "post - pre", "subgroup": "all", "family": "", "flags": "",
        "estimate": estimate, "se": se, "change": 0.8 * estimate, "change_se": 0.8 * se,
        "df": 20.0, "p_value": p, "sd_unit": 0.8, "ci_level": 0.95, "sesoi": 0.10,
        "drift": np.nan, **given,
    }  # fmt: skip


def verdict(*args, **options):
    return verdicts(pd.DataFrame([row(*args, **options)]))["verdict"][0]


def test_verdicts_in_their_order():
    assert verdict(0.3) == "increase"
    assert verdict(-0.3) == "decrease"
    assert verdict(0.0, 0.2) == "unclear"
    assert verdict(0.01, 0.02) == "negligible"
    assert verdict(np.nan, np.nan, change=np.nan, change_se=np.nan, p_value=np.nan) == "refused"


@pytest.mark.parametrize("contrast", ["per gathering", "gathering: 90th - 10th percentile"])
def test_what_the_smallest_effect_of_interest_is_not_meant_for_is_never_negligible(contrast):
    slope = {"estimand": "dose", "contrast": contrast}
    assert verdict(0.044, 0.002, **slope) == "increase"
    assert verdict(-0.044, 0.002, **slope) == "decrease"
    assert verdict(0.01, 0.02, **slope) == "unclear"
    found = verdicts(pd.DataFrame([row(0.044, 0.002, **slope)]))
    assert found["flags"][0] == ""
    judged = {name: verdict(0.01, 0.02, estimand=name) for name in ESTIMANDS}
    assert {name for name in judged if judged[name] != "negligible"} == {"dose"}


def test_negligible_goes_before_a_direction_which_is_noted():
    found = verdicts(pd.DataFrame([row(0.05, 0.01, flags="low_df")]))
    assert found["verdict"][0] == "negligible"
    assert found["flags"][0] == "low_df;direction=increase"
    again = verdicts(found)
    assert again["flags"][0] == "low_df;direction=increase"
    pd.testing.assert_frame_equal(again, found)


@given(
    estimate=st.floats(-0.5, 0.5), se=st.floats(0.001, 0.5), df=st.floats(2, 200),
    sesoi=st.floats(0.02, 0.4), level=st.sampled_from([0.9, 0.95, 0.99]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_negligible_is_two_one_sided_tests(estimate, se, df, sesoi, level):
    both = [
        row(each, se, df=df, sesoi=sesoi, ci_level=level, outcome=outcome)
        for each, outcome in ((estimate, "joy"), (-estimate, "sorrow"))
    ]
    found = verdicts(pd.DataFrame(both))
    alpha = 1 - level
    p = max(stats.t.sf((estimate + sesoi) / se, df), stats.t.cdf((estimate - sesoi) / se, df))
    p_zero = 2 * stats.t.sf(abs(estimate) / se, df)
    if abs(p - alpha) < 1e-9 or abs(p_zero - alpha) < 1e-9:
        return
    expected = "negligible" if p < alpha else "unclear"
    if expected == "unclear" and p_zero < alpha:
        expected = "increase" if estimate > 0 else "decrease"
    assert found["verdict"][0] == expected
    turned = {"increase": "decrease", "decrease": "increase"}
    assert found["verdict"][1] == turned.get(expected, expected)


def test_a_declared_drift_moves_zero():
    assert verdict(-0.12, 0.02, drift=-0.12) == "negligible"
    assert verdict(0.0, 0.02, drift=-0.2) == "increase"
    found = verdicts(pd.DataFrame([row(-0.12, 0.02, drift=-0.2), row(-0.12, 0.02)]))
    assert found["estimate_vs_drift"][0] == pytest.approx(0.08)
    assert np.isnan(found["estimate_vs_drift"][1])


def test_families_are_adjusted_by_holm_on_national_rows_only():
    estimates = [0.10, 0.11, 0.13, 0.30]
    rows = [row(e, outcome=str(i), family="pupils: primary") for i, e in enumerate(estimates)]
    rows += [row(0.2, family="", outcome="other"), row(0.12, region="oslo", family="pupils: x")]
    found = verdicts(pd.DataFrame(rows))
    p = found["p_value"][:4]
    assert found["p_adjusted"][:4].tolist() == pytest.approx(multipletests(p, method="holm")[1])
    assert found["p_adjusted"][4:].isna().all()
    # .11 is significant alone, but not in its family
    assert p[1] < 0.05 < found["p_adjusted"][1]
    assert found["verdict"].tolist() == ["unclear"] * 3 + ["increase"] * 3
    assert verdict(0.11) == "increase"


def test_regions_are_adjusted_by_benjamini_and_hochberg_and_stay_exploratory():
    estimates = [0.06, 0.11, 0.12, 0.2]
    rows = [row(e, region=f"r{i}", family="f") for i, e in enumerate(estimates)]
    rows += [row(0.2, region="r0", outcome="other"), row(0.2)]
    found = verdicts(pd.DataFrame(rows))
    four = found["region"].ne("national") & found["outcome"].eq("joy")
    expected = multipletests(found.loc[four, "p_value"], method="fdr_bh")[1]
    assert found.loc[four, "p_adjusted"].tolist() == pytest.approx(expected)
    assert found.loc[~four, "p_adjusted"].isna().all()
    assert found.loc[four, "verdict"].tolist() == ["unclear"] + ["increase"] * 3


def test_the_smallest_visible_change_has_a_power_of_eighty_per_cent():
    n, sd = 30, 0.7
    given = row(0.1, sd / np.sqrt(n), df=n - 1.0, sd_unit=1.0, change=0.1,
                change_se=sd / np.sqrt(n))  # fmt: skip
    mdes = verdicts(pd.DataFrame([given]))["mdes"][0]
    power = TTestPower().power(mdes / sd, n, 0.05)
    assert power == pytest.approx(0.80, abs=0.01)
    t = stats.t.isf(0.025, n - 1) + stats.t.ppf(0.8, n - 1)
    assert mdes == pytest.approx(t * sd / np.sqrt(n))


def test_what_is_not_standardised_is_judged_in_its_own_units():
    bare = {"estimate": np.nan, "sd_unit": np.nan}
    found = verdicts(pd.DataFrame([
        row(0.3, change=0.1, change_se=0.02, p_value=1e-4) | bare,
        row(0.3, change=0.0001, change_se=0.00001, p_value=1e-4) | bare,
        row(0.3, p_value=np.nan) | bare,
    ]))  # fmt: skip
    assert found["verdict"].tolist() == ["increase", "increase", ""]
    assert found["mdes"].isna().all()


def test_row_order_changes_nothing():
    rows = pd.DataFrame([row(e, region=f"r{i}") for i, e in enumerate((0.01, 0.1, 0.2, 0.3))])
    one = verdicts(rows).set_index("region")
    other = verdicts(rows.iloc[::-1]).set_index("region").loc[one.index]
    pd.testing.assert_frame_equal(one, other)


def test_rows_of_an_outcome_stand_together_in_the_order_of_the_estimands():
    rows = [
        row(outcome=outcome, estimand=estimand, region=region)
        for region in ("oslo", "national")
        for estimand in ("level", "same_grade", "linked_change")
        for outcome in ("joy", "effort")
    ]
    found = verdicts(pd.DataFrame(rows))
    assert found["region"].tolist() == ["oslo"] * 6 + ["national"] * 6
    assert found["outcome"].tolist() == (["joy"] * 3 + ["effort"] * 3) * 2
    assert found["estimand"].tolist() == ["linked_change", "same_grade", "level"] * 4


def test_no_rows_are_no_rows():
    assert verdicts(pd.DataFrame([row()]).iloc[:0]).empty
