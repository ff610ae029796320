"""How often the intervals of effects.csv cover the truth, over many seeds of a small demo.

Each seed is a demo of one region or more, written as raw exports and taken through the whole
pipeline: read, clean, link, score, settle, effects. The truth is the estimand's value from a very
large draw through the same response process. Outcomes of one seed share their people and
schools, so the seed is the unit of the Monte-Carlo error.

    python benchmarks/demo_coverage.py [--seeds 300] [--region nordland] [--jobs 2]
    python benchmarks/demo_coverage.py --demo     the one full demo: 15 regions, its own seed

The last figures stand in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from truth import true_changes

from loftet_analysis.analysis.estimates import estimates
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.demo.exports import SEED, write_demo
from loftet_analysis.demo.regions import regions as all_regions
from loftet_analysis.names import REGION
from loftet_analysis.study import load_study, plan

KEYS = ["region", "population", "outcome", "estimand"]
FIRST_SEED = 10_000
KEY = b"no key is kept of a benchmark"


def rows_of(seed: int, regions: list[str], estimands: set[str]) -> pd.DataFrame:
    """The rows of effects.csv of a demo with this seed, without those that were refused."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "data_raw").mkdir()
        os.environ["LOFTET_ROOT"] = scratch
        write_demo(regions, seed=seed)
        study = load_study("demo")
        prepared = prepare(study, key=KEY)
        place = ["population", "outcome"]
        sds = prepared.units.pivot(index=place, columns="unit", values="sd_unit")
        sds = sds.rename(columns={"total": "sd_unit", "within_role": "sd_within_role"})
        asked = plan(study).join(sds, on=place)
        # subgroups, equity and what is asked once have no truth here
        asked = asked[asked["subgroup"].eq("all") & asked["estimand"].isin(estimands)]
        rows = [
            estimates(
                clean[clean[REGION] == region].reset_index(drop=True),
                asked[asked["population"] == population].assign(region=region),
            )
            for population, clean in prepared.clean.items()
            for region in regions
        ]
    found = pd.concat([part for part in rows if len(part)], ignore_index=True)
    columns = [*KEYS, "change", "change_se", "change_ci_low", "change_ci_high", "df", "flags"]
    return found[found["reason"].fillna("") == ""][columns].assign(seed=seed)


def coverage(rows: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The share of intervals that cover, by population and estimand."""
    joined = rows.merge(truth, on=KEYS, how="left", suffixes=("", "_true"), validate="m:1")
    assert joined["change_true"].notna().all(), "an estimand without a truth"
    joined["covers"] = joined["change_true"].between(
        joined["change_ci_low"], joined["change_ci_high"]
    )
    joined["low_df"] = joined["flags"].fillna("").str.contains("low_df")
    joined["error"] = joined["change"] - joined["change_true"]
    table = []
    for (population, estimand), group in joined.groupby(["population", "estimand"], sort=False):
        by_seed = group.groupby("seed")["covers"].mean()
        by_outcome = group.groupby(["region", "outcome"])
        table.append(
            {
                "population": population,
                "estimand": estimand,
                "intervals": len(group),
                "coverage": by_seed.mean(),
                "mc_error": by_seed.std() / np.sqrt(len(by_seed)),
                "bias_in_se": (group["error"] / group["change_se"]).median(),
                "se_ratio": (
                    by_outcome["change_se"].apply(lambda se: np.sqrt((se**2).mean()))
                    / by_outcome["change"].std()
                ).mean(),
                "median_df": group["df"].median(),
                "low_df": group["low_df"].mean(),
            }
        )
    return pd.DataFrame(table)


def markdown(table: pd.DataFrame) -> str:
    """The table as a page shows it."""
    heads = {
        "coverage": "coverage of 95 %",
        "mc_error": "Monte-Carlo error",
        "bias_in_se": "median error / SE",
        "se_ratio": "SE / SD of estimates",
        "median_df": "median df",
        "low_df": "share df < 4",
    }
    shown = table.rename(columns=heads).astype(object)
    percent = [heads["coverage"], heads["mc_error"], heads["low_df"]]
    for column in shown:
        if column in percent:
            shown[column] = [f"{100 * value:.1f} %" for value in shown[column]]
        elif column not in ("population", "estimand", "intervals"):
            shown[column] = [f"{value:.2f}" for value in shown[column]]
    rows = [list(shown), ["---"] * shown.shape[1], *shown.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--region", action="append", help="may be given several times")
    parser.add_argument("--demo", action="store_true", help="the full demo: its seed, all regions")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rows", type=Path, help="keep the rows of all seeds in this file")
    given = parser.parse_args()
    regions = [r.slug for r in all_regions()] if given.demo else given.region or ["nordland"]
    seeds = [SEED] if given.demo else range(FIRST_SEED, FIRST_SEED + given.seeds)
    start = time.perf_counter()
    workers = Parallel(n_jobs=given.jobs)
    truth = pd.concat(workers(delayed(true_changes)(region) for region in regions))
    known = set(truth["estimand"])
    rows = pd.concat(workers(delayed(rows_of)(seed, regions, known) for seed in seeds))
    if given.rows:
        rows.to_csv(given.rows, index=False)
    print(markdown(coverage(rows, truth)))
    taken = time.perf_counter() - start
    print(
        f"\n{len(seeds)} seeds of {len(regions)} regions, {taken:.0f} s on {given.jobs} processes"
    )


if __name__ == "__main__":
    main()
