"""The share of the variance between schools, by wave, and whether a school's people share it."""

import json

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.analysis.variance import variance
from loftet_analysis.disclosure.gate import gate
from loftet_analysis.schema import VARIANCE
from loftet_analysis.stats.reliability import intraclass_correlation
from loftet_analysis.study import load_instrument
from loftet_analysis.study.questionnaire import Questionnaire
from tests.small_demo import HERE
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


ITEMS = [*ASKED.scales["persistence"].items]


def test_values_of_r():
    """ICC(1) with its F interval, ICC(2) and r_wg(J): R; see reference/shared.R."""
    stored = json.loads((HERE / "tests/reference/shared.json").read_text())
    people = pd.DataFrame(stored["people"]).set_axis(["school_id", *ITEMS, "persistence"], axis=1)
    (row,) = variance(people.assign(wave="pre"), ASKED).to_dict("records")
    for column, value in stored["values"].items():
        assert row[column] == pytest.approx(value, rel=1e-9), column
    assert row["shared"] is True
    bare = variance(people.drop(columns=ITEMS).assign(wave="pre"), ASKED).iloc[0]
    assert (bare["icc"], np.isnan(bare["rwg"])) == (row["icc"], True)


def people_of(school, agreeing, rng):
    """Answers of five items without any difference between schools."""
    n = len(school)
    whole = rng.integers(3, 5, (n, len(ITEMS))) if agreeing else rng.integers(1, 6, (n, len(ITEMS)))
    whole = whole.astype(float)
    frame = pd.DataFrame(whole, columns=ITEMS).assign(school_id=school.astype(str), wave="pre")
    return frame.assign(persistence=whole.mean(axis=1))


def test_what_schools_do_not_share_is_said():
    rng = np.random.default_rng(1)
    many = variance(people_of(np.repeat(np.arange(150), 60), False, rng), ASKED).iloc[0]
    assert many["icc_high"] < 0.01
    assert not many["shared"]
    found = {}
    for agreeing in (False, True):
        frames = [people_of(np.repeat(np.arange(20), 6), agreeing, rng) for _ in range(30)]
        rows = pd.concat([variance(frame, ASKED) for frame in frames])
        found[agreeing] = rows[rows["icc"].eq(0)]
        above = rows[rows["icc"].gt(0) & rows["icc_high"].ge(0.01)]
        shown = above["icc_low"].ge(0.01) | above["rwg"].ge(0.7)
        assert above["shared"].fillna(False).tolist() == shown.tolist()
    assert len(found[False]) > 5
    assert not found[False]["shared"].any()
    assert found[False]["rwg"].lt(0.7).all()
    agreed = found[True]  # too few people to tell schools apart, but these agree
    assert agreed["rwg"].gt(0.7).all()
    assert agreed["shared"].tolist() == agreed["icc_high"].ge(0.01).tolist()
    assert agreed["shared"].sum() > 5
    pairs = [people_of(np.repeat(np.arange(30), 2), False, rng) for _ in range(20)]
    rows = pd.concat([variance(frame, ASKED) for frame in pairs])
    unknown = rows[rows["icc"].eq(0) & rows["icc_high"].ge(0.01)]
    assert len(unknown) > 3
    assert unknown["rwg_schools"].eq(0).all()
    assert unknown["shared"].isna().all()  # nobody can tell
    unsure = rows[rows["icc"].gt(0) & rows["icc_low"].lt(0.01)]  # nor is a wide interval evidence
    assert len(unsure) > 3
    assert unsure["shared"].isna().all()


def test_the_interval_covers_the_share_between_schools():
    rng, inside = np.random.default_rng(6), []
    for _ in range(400):
        school = np.repeat(np.arange(60), rng.integers(2, 12, 60))
        y = rng.normal(0, np.sqrt(0.1), 60)[school] + rng.normal(0, np.sqrt(0.9), len(school))
        clean = pd.DataFrame({"wave": "pre", "school_id": school.astype(str), "persistence": y})
        row = variance(clean, ASKED).iloc[0]
        inside.append(row["icc_low"] <= 0.1 <= row["icc_high"])
    assert 0.92 < np.mean(inside) < 0.98


def test_agreement_of_few_schools_is_not_shown():
    rng = np.random.default_rng(2)
    sizes = np.array([6] * 7 + [3] * 30)
    rows = variance(people_of(np.repeat(np.arange(37), sizes), True, rng), ASKED)
    place = {"population": "pupils", "region": "oslo", "school_id": "", "subgroup": "all",
             "wave": "pre", "outcome": "persistence", "n": 132, "n_schools": 37, "smallest": 10,
             "largest": 20, "few_schools": 2, "minimum": 1.0, "width": 4.0, "step": 0.01,
             "suppressed": False, "reason": "", "share_reason": ""}  # fmt: skip
    assert (rows["rwg_schools"][0], rows["rwg"].notna()[0]) == (7, True)
    shown = gate(rows, pd.DataFrame([place]), "internal")
    assert np.isnan(shown["rwg"][0])
    assert shown["icc"].notna()[0]
    assert gate(rows, pd.DataFrame([place]), "open")["rwg"].notna()[0]
