"""A published score lives on every page beside, or without, scales of items."""

import numpy as np
import pandas as pd
import pytest

import loftet_analysis as la
from loftet_analysis.cleaning import store
from loftet_analysis.show.codebook import write_codebook
from loftet_analysis.show.languages import reader
from loftet_analysis.show.sentences import reading
from loftet_analysis.study import load_study
from tests.plausible import case, study
from tests.plausible.scores import OF_BOTH, SCORE
from tests.test_plausible import loftet  # noqa: F401 - a fixture

N = 80
TWO = ("pre: {tool: table, file: pre.csv}", "post: {tool: table, file: post.csv}")


@pytest.fixture(params=[OF_BOTH, "responses: {}\n" + SCORE], ids=["beside items", "alone"])
def opened(request, loftet):  # noqa: F811
    rng = np.random.default_rng(3)
    ability, files = rng.normal(size=N), {}
    for wave, gain in (("pre", 0.0), ("post", 0.4)):
        rows = ["school;id;theta;q1;q2;q3"]
        for i in range(N):
            theta = np.clip(ability[i] + gain + 0.3 * rng.normal(), -4, 4)
            answers = ";".join(str(a) for a in rng.integers(1, 6, 3))
            rows.append(f"{101 + i % 4};a{i};{theta:.3f};{answers}".replace(".", ","))
        files[f"{wave}.csv"] = "\n".join(rows)
    about = {"study.yml": study(*TWO), "instruments/mini.yml": request.param}
    assert loftet(case({**about, **files}), "clean")[0] == 0
    return la.open_study("mini")


def test_levels_and_changes_of_a_score_are_those_of_its_numbers(opened):
    frame = opened.read("pupils")
    plan = opened.plan("pupils").query("outcome == 'ability'")
    pairs = la.pairs(frame, plan)
    row = la.linked_change(pairs, plan).iloc[0]
    wide = frame.pivot(index="person_id", columns="wave", values="ability")
    assert row["change"] == pytest.approx((wide["post"] - wide["pre"]).mean())
    assert row["n_pairs"] == N


def test_histograms_hold_everybody_within_the_range(opened):
    frame, asked = opened.read("pupils"), opened["pupils"]
    bins = la.histogram(frame, asked).query("outcome == 'ability' and wave == 'pre'")
    assert bins["n"].sum() == N
    assert bins["low"].min() <= -4 < 4 <= bins["high"].max()
    assert bins["low"].to_numpy()[1:] == pytest.approx(bins["high"].to_numpy()[:-1])
    assert (la.item_histogram(frame, asked)["outcome"] != "ability").all()


def test_a_score_has_no_items_and_no_reliability(opened):
    frame, asked = opened.read("pupils"), opened["pupils"]
    rows = la.reliability(frame, asked).query("scale == 'ability'")
    assert (rows["n_items"] == 0).all()
    assert rows[["alpha", "omega"]].isna().all(axis=None)
    row = la.items(frame, asked).query("scale == 'ability' and wave == 'pre'")
    assert row["item"].to_list() == [""]
    assert row["mean"].iloc[0] == pytest.approx(frame.query("wave == 'pre'")["ability"].mean())
    examined = store.read_table("mini", "invariance").query("scale == 'ability'")
    assert set(examined["reason"]) == {"too_few_items"}
    table = la.tables.reliability(la.gate(rows, opened), words=reader(load_study("mini"), "en"))
    assert "Ability (a published score)" in table.html
    lights = opened.lights().set_index("outcome")["light"]
    assert lights["ability"] != "good"


def test_a_score_is_described(opened, tmp_path):
    about = la.describe(opened.read("pupils")).loc["ability"]
    assert (about["low"], about["high"], about["n_items"]) == (-4, 4, 0)
    assert about["meaning"] == "Ability"
    page = write_codebook(load_study("mini"), tmp_path, "en")[0].read_text(encoding="utf-8")
    assert "a score that is read as it is, from −4 to 4" in page
    words = reader(load_study("mini"), "nb")
    assert words.answers["pupils", "ability"].high == "høyest mulig"
    row = {
        "estimand": "level", "contrast": "mean", "subgroup": "all", "population": "pupils",
        "outcome": "ability", "suppressed": False, "reason": "", "flags": "", "wave": "pre",
        "estimate": np.nan, "change": 0.25, "change_ci_low": 0.1, "change_ci_high": 0.4,
        "ci_level": 0.95, "verdict": "", "cluster": "school", "n_pre": 80, "n_post": 0,
    }  # fmt: skip
    assert "where −4 is “lowest possible” and 4 is “highest possible”" in reading(
        pd.Series(row), reader(load_study("mini"), "en")
    )
