"""Time and memory of the statistics at national size, beside the usual libraries, in one run.

760,000 answers (380,000 pupils in two waves), 2,500 schools, 15 regions, 8 outcomes. Every task
runs in a process of its own on one core, its data made there first; what is timed is the task
alone, and memory is the highest that the process ever held. Libraries that are not installed
(pyfixest; diff-diff; R with lme4) are left out and said so: they are no dependencies, and whoever
runs this puts them into an environment of their own. Where diff-diff is there, its estimate, SE and
df must be those of the engine to ten digits.

    python benchmarks/inference.py                  # writes its table to README.md
    python benchmarks/inference.py --people 20000   # a small one; nothing is written
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
SCHOOLS, REGIONS, OUTCOMES, WARM_UP = 2500, 15, 8, 8000
CHANGES = ("linked_change", "same_grade", "school_change")


def study(people: int) -> pd.DataFrame:
    """Return clean rows of a country: some leave school, some answer once."""
    rng = np.random.default_rng(7)
    schools = max(45, SCHOOLS * people // 380_000)
    weight = rng.lognormal(0, 0.6, schools)
    school = np.sort(rng.choice(schools, people, p=weight / weight.sum()))
    region = school * REGIONS // schools
    grade = rng.integers(5, 11, people)
    linked = rng.random(people) < 0.7
    frames = []
    common = rng.normal(0, 0.6, (people, OUTCOMES)).astype(np.float32)
    level = rng.normal(0, 0.4, (schools, OUTCOMES))[school]
    change = rng.normal(0, 0.2, (schools, OUTCOMES))[school]
    for wave, name in enumerate(("pre", "post")):
        y = 3 + common + level + wave * (0.1 + change) + rng.normal(0, 0.6, (people, OUTCOMES))
        frame = pd.DataFrame({f"y{i}": y[:, i] for i in range(OUTCOMES)})
        frame.insert(0, "grade", grade.astype(float))
        frame.insert(0, "school_id", pd.Categorical.from_codes(
            school, [f"s{i:04d}" for i in range(schools)]).astype(str))  # fmt: skip
        frame.insert(0, "region", [f"r{r:02d}" for r in region])
        frame.insert(0, "wave", name)
        person = np.arange(people) + (0 if wave == 0 else people * ~linked)
        frame.insert(0, "person_id", np.char.add("p", person.astype(str)))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def ours_effects(clean: pd.DataFrame) -> None:
    """All mean changes of all outcomes in every region: 8 x 3 x 15 rows with CR2."""
    from loftet_analysis.analysis.estimates import estimates

    rows = [("pupils", f"y{i}", each, "all", 1.0) for i in range(OUTCOMES) for each in CHANGES]
    plan = pd.DataFrame(rows, columns=["population", "outcome", "estimand", "subgroup", "sd_unit"])
    parts = dict(list(clean.groupby("region")))
    for region, part in parts.items():
        found = estimates(part.reset_index(drop=True), plan.assign(region=region))
        assert (found["reason"] == "").all(), found["reason"].unique()


def long_form(clean: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    wave = (clean["wave"] == "post").to_numpy(float)
    school = pd.factorize(clean["school_id"])[0]
    person = pd.factorize(clean["person_id"])[0]
    return clean["y0"].to_numpy(), np.column_stack([np.ones(len(wave)), wave]), school, person


def ours_reml(clean: pd.DataFrame) -> None:
    """One outcome: school intercept and wave slope, person intercept, Satterthwaite df."""
    from loftet_analysis.stats.mixed import fit

    y, x, school, person = long_form(clean)
    print(fit(y, x, school, slope=x[:, 1], person=person).contrast([0, 1]))


def ours_reml_one_level(clean: pd.DataFrame) -> None:
    """One outcome: random intercept by school."""
    from loftet_analysis.stats.mixed import fit

    y, x, school, _ = long_form(clean)
    print(fit(y, x, school).contrast([0, 1]))


def statsmodels_clustered(clean: pd.DataFrame) -> None:
    """Linked change of 8 outcomes x 15 regions, cluster-robust (z, no small-sample df)."""
    import statsmodels.api as sm

    wide = linked_wide(clean)
    for _, part in wide.groupby("region"):
        school = pd.factorize(part["school_id"])[0]
        for i in range(OUTCOMES):
            sm.OLS(part[f"d{i}"], np.ones(len(part))).fit(
                cov_type="cluster", cov_kwds={"groups": school}
            )


def pingouin_paired(clean: pd.DataFrame) -> None:
    """Linked change of 8 outcomes x 15 regions, schools ignored."""
    import pingouin

    wide = linked_wide(clean)
    for _, part in wide.groupby("region"):
        for i in range(OUTCOMES):
            pingouin.ttest(part[f"y{i}_post"], part[f"y{i}_pre"], paired=True)


def pyfixest_clustered(clean: pd.DataFrame) -> None:
    """Linked change of 8 outcomes x 15 regions, CRV1."""
    import pyfixest

    wide = linked_wide(clean)
    for _, part in wide.groupby("region"):
        for i in range(OUTCOMES):
            pyfixest.feols(f"d{i} ~ 1", part, vcov={"CRV1": "school_id"})


def diff_diff_cr2(y: np.ndarray, x: np.ndarray, cluster: np.ndarray) -> tuple[float, float, float]:
    """Return the first coefficient with its CR2 error and Bell and McCaffrey's df."""
    from diff_diff.linalg import compute_robust_vcov, solve_ols

    beta, residuals, _ = solve_ols(x, y, return_vcov=False)
    vcov, df = compute_robust_vcov(
        x, residuals, cluster_ids=cluster, vcov_type="hc2_bm", return_dof=True
    )
    return beta[0], np.sqrt(vcov[0, 0]), df[0]


def diff_diff_linked(clean: pd.DataFrame) -> None:
    """Linked change of 8 outcomes x 15 regions, CR2 with Satterthwaite df."""
    from loftet_analysis.stats import cr2

    wide = linked_wide(clean)
    for _, part in wide.groupby("region"):
        school = pd.factorize(part["school_id"])[0]
        for i in range(OUTCOMES):
            change = part[f"d{i}"].to_numpy()
            found = diff_diff_cr2(change, np.ones((len(part), 1)), school)
            ours = cr2.mean(change, school)
            np.testing.assert_allclose(found, (ours.estimate, ours.se, ours.df), rtol=1e-10)


def forty_schools(clean: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Return answers, wave, school and school x grade of the first schools of the country."""
    part = clean[clean["school_id"].isin(sorted(clean["school_id"].unique())[:40])]
    wave = (part["wave"] == "post").to_numpy(float)[:, None]
    cell = part.groupby(["school_id", "grade"]).ngroup().to_numpy()
    return part["y0"].to_numpy(), wave, pd.factorize(part["school_id"], sort=True)[0], cell


def ours_cells(clean: pd.DataFrame) -> None:
    """One outcome of forty schools: wave and school x grade effects, CR2."""
    from loftet_analysis.stats import cr2

    y, wave, school, cell = forty_schools(clean)
    print(cr2.contrast(y, wave, [1], school, cells=cell).se)


def diff_diff_cells(clean: pd.DataFrame) -> None:
    """The same with a column for each school x grade."""
    from loftet_analysis.stats import cr2

    y, wave, school, cell = forty_schools(clean)
    found = diff_diff_cr2(y, np.column_stack([wave, np.eye(cell.max() + 1)[cell]]), school)
    ours = cr2.contrast(y, wave, [1], school, cells=cell)
    np.testing.assert_allclose(found, (ours.estimate, ours.se, ours.df), rtol=1e-10)


def linked_wide(clean: pd.DataFrame) -> pd.DataFrame:
    """Return one row per linked pupil, as the other libraries want it."""
    pre, post = (clean[clean["wave"] == wave].set_index("person_id") for wave in ("pre", "post"))
    both = pre.join(post, how="inner", lsuffix="_pre", rsuffix="_post")
    for i in range(OUTCOMES):
        both[f"d{i}"] = both[f"y{i}_post"] - both[f"y{i}_pre"]
    return both.rename(columns={"region_pre": "region", "school_id_pre": "school_id"})


def statsmodels_mixed(clean: pd.DataFrame) -> None:
    """One outcome of ONE region: random intercept by school (the country does not finish)."""
    import statsmodels.formula.api as smf

    part = clean[clean["region"] == clean["region"].iloc[0]]
    smf.mixedlm("y0 ~ wave", part, groups="school_id").fit(method="lbfgs")


def ours_reml_one_region(clean: pd.DataFrame) -> None:
    """The same model of the same region."""
    ours_reml_one_level(clean[clean["region"] == clean["region"].iloc[0]])


LME4 = """
suppressMessages(library(lmerTest))
d <- read.csv("d.csv"); t <- proc.time()[[3]]
f <- lmer(y ~ wave + (1 + wave | school) + (1 | person), d,
          control = lmerControl(calc.derivs = FALSE))
invisible(coef(summary(f))); cat(proc.time()[[3]] - t)
"""


def lme4(clean: pd.DataFrame) -> float:
    """One outcome: school intercept and wave slope, person intercept, lmerTest's df."""
    y, x, school, person = long_form(clean)
    with tempfile.TemporaryDirectory() as room:
        table = pd.DataFrame({"y": y, "wave": x[:, 1], "school": school, "person": person})
        table.to_csv(Path(room) / "d.csv", index=False)
        done = subprocess.run(
            ["Rscript", "-e", LME4], cwd=room, capture_output=True, text=True, check=True
        )
    return float(done.stdout)


def has_lme4() -> bool:
    if not shutil.which("Rscript"):
        return False
    return not subprocess.run(
        ["Rscript", "-e", "library(lmerTest)"], capture_output=True
    ).returncode


def child(task: Callable, people: int, pipe) -> None:
    task(study(WARM_UP))  # imports and first calls are not what is measured
    clean = study(people)
    start = time.perf_counter()
    own = task(clean)
    took = time.perf_counter() - start if own is None else own
    who = resource.RUSAGE_SELF if own is None else resource.RUSAGE_CHILDREN
    pipe.send((took, resource.getrusage(who).ru_maxrss / 1e6))


def measured(task: Callable, people: int) -> tuple[float, float]:
    """Return seconds and highest memory (GB) of a task in a fresh process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=child, args=(task, people, there))
    process.start()
    found = here.recv()
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=380_000)
    people = parser.parse_args().people
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # for the processes to come
    pairs = [
        ("all mean changes, CR2, 8 outcomes x 15 regions (360 rows)", ours_effects, None),
        ("linked change only: statsmodels OLS, cluster, z", statsmodels_clustered, ours_effects),
        ("linked change only: pingouin, schools ignored", pingouin_paired, ours_effects),
        ("linked change only: pyfixest CRV1", pyfixest_clustered, ours_effects),
        ("linked change only: diff-diff, CR2 (hc2_bm)", diff_diff_linked, ours_effects),
        ("y ~ wave + school x grade, 40 schools, CR2", ours_cells, None),
        ("the same by diff-diff (hc2_bm)", diff_diff_cells, ours_cells),
        ("REML, school intercept + wave slope + person, Satterthwaite", ours_reml, None),
        ("the same by lme4 and lmerTest", lme4, ours_reml),
        ("REML, random intercept, one region", ours_reml_one_region, None),
        ("the same by statsmodels MixedLM", statsmodels_mixed, ours_reml_one_region),
    ]
    lines = ["| task | seconds | peak GB | ratio to ours |", "|---|---|---|---|"]
    took: dict[Callable, float] = {}
    for name, task, base in pairs:
        package = task.__name__.rpartition("_")[0]
        optional = package in ("pyfixest", "diff_diff")
        if (optional and not importlib.util.find_spec(package)) or (
            task is lme4 and not has_lme4()
        ):
            lines.append(f"| {name} | not installed | | |")
            continue
        took[task], memory = measured(task, people)
        ratio = f"{took[task] / took[base]:.1f} ×" if base else "1"
        lines.append(f"| {name} | {took[task]:.2f} | {memory:.2f} | {ratio} |")
        print(lines[-1], flush=True)
    if people == 380_000:
        readme = HERE / "README.md"
        begin, end = "<!-- inference: begin -->", "<!-- inference: end -->"
        text = readme.read_text(encoding="utf-8")
        shown = "\n".join([begin, *lines, end])
        readme.write_text(re.sub(f"{begin}.*{end}", lambda _: shown, text, flags=re.DOTALL),
                          encoding="utf-8")  # fmt: skip


if __name__ == "__main__":
    main()
