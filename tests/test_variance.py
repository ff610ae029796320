"""The share of the variance between schools, by wave."""

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.analysis.variance import variance
from loftet_analysis.schema import VARIANCE
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.study import load_instrument
from loftet_analysis.study.questionnaire import Questionnaire
from tests.test_effects import answers, codes

ASKED = Questionnaire("pupils", "oslo", load_instrument("pupil"))


def test_each_wave_has_its_sd_and_its_share_between_schools():
    clean = answers(4).rename(columns={"y": "persistence"})  # none of the other scales
    found = variance(clean, ASKED)
    assert set(found["region"]) == {"oslo"}
    assert list(found.columns) == list(VARIANCE)
    assert found["wave"].tolist() == ["pre", "post"]
    for _, row in found.iterrows():
        given = clean[clean["wave"] == row["wave"]].dropna(subset=["persistence"])
        assert (row["n"], row["n_clusters"]) == (len(given), given["school_id"].nunique())
        assert row["sd"] == pytest.approx(given["persistence"].std())
        icc = intraclass_correlation(given["persistence"].to_numpy(), codes(given["school_id"]))
        assert row["icc"] == pytest.approx(icc)


def test_planted_shares_are_found():
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(400), 25)
    y = rng.normal(0, np.sqrt(0.2), 400)[school] + rng.normal(0, np.sqrt(0.8), len(school))
    clean = pd.DataFrame({"wave": "pre", "school_id": school.astype(str), "persistence": y})
    (found,) = variance(clean, ASKED).to_dict("records")
    assert found["icc"] == pytest.approx(0.2, abs=0.03)


def test_one_answer_each_gives_no_share():
    clean = pd.DataFrame({"wave": "post", "school_id": list("ab"), "persistence": [1.0, 2.0]})
    (found,) = variance(clean, ASKED).to_dict("records")
    assert np.isnan(found["icc"])
    assert found["sd"] == pytest.approx(np.sqrt(0.5))
    assert variance(clean[:0], ASKED).empty
