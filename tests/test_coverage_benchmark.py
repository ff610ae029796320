"""The coverage benchmark: usual methods are those of their libraries, truths are true."""

import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from benchmarks import coverage as bench
from loftet_analysis.analysis.panel import arrange

USUAL = ("pingouin", "person bootstrap", "CR1, z", "random intercept")
ESTIMANDS = ("linked_change", "same_grade")


bench.COLUMNS = 20


@pytest.fixture(scope="module")
def compared():
    """The usual intervals of one outcome, and the same answers in long form."""
    found = {}
    for estimand, make in zip(ESTIMANDS, (bench.linked, bench.repeated), strict=True):
        rng = np.random.default_rng(4)
        data = make(rng, schools=9, unequal=True, rho=0.05, theta=0.2, people=60)
        cell = bench.Cell("", "", estimand, make, compared=USUAL)
        ends = {name: at[:, 3] for name, at in bench.usual(cell, data, rng).items()}
        people = arrange(data.clean)
        rows = np.arange(len(data.clean))
        if estimand == "linked_change":
            rows = np.concatenate([people.first, people.second])
        answers = pd.DataFrame(
            {
                "y": data.clean["y3"].to_numpy()[rows],
                "wave": people.post[rows].astype(int),
                "school": people.school[rows],
            }
        )
        found[estimand] = ends, answers
    return found


def waves(answers):
    return [answers.loc[answers["wave"] == wave, "y"].to_numpy() for wave in (0, 1)]


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_the_t_interval_is_that_of_pingouin(compared, estimand):
    ends, answers = compared[estimand]
    pre, post = (1e4 * y for y in waves(answers))  # pingouin rounds to two decimals
    theirs = pingouin.ttest(post, pre, paired=estimand == "linked_change")
    assert 1e4 * ends["pingouin"] == pytest.approx(np.ravel(theirs["CI95"].iloc[0]), abs=0.01)


def test_the_person_bootstrap_is_that_of_pingouin_but_for_chance(compared):
    pre, post = waves(compared["linked_change"][1])
    y = (post - pre)[:, None]
    drawn = bench.person_bootstrap(np.random.default_rng(2), y, draws=8000)
    ours = np.quantile(drawn, [0.025, 0.975], axis=0).ravel()
    theirs = pingouin.compute_bootci(
        y.ravel(), func="mean", method="per", n_boot=8000, seed=1, decimals=8
    )
    assert ours == pytest.approx(theirs, abs=0.04 * np.diff(theirs)[0])


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_the_few_draws_of_the_benchmark_give_about_the_t_interval(compared, estimand):
    ends = compared[estimand][0]
    width = np.diff(ends["pingouin"])[0]
    assert ends["person bootstrap"] == pytest.approx(ends["pingouin"], abs=0.15 * width)


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_cr1_with_z_is_that_of_statsmodels(compared, estimand):
    ends, answers = compared[estimand]
    if estimand == "linked_change":
        pre, post = waves(answers)
        school = answers.loc[answers["wave"] == 0, "school"].to_numpy()
        rows, formula, term = pd.DataFrame({"y": post - pre, "school": school}), "y ~ 1", 0
    else:
        rows, formula, term = answers, "y ~ wave", 1
    fitted = smf.ols(formula, rows).fit(cov_type="cluster", cov_kwds={"groups": rows["school"]})
    assert ends["CR1, z"] == pytest.approx(fitted.conf_int().iloc[term].to_numpy(), abs=1e-5)


@pytest.mark.parametrize("estimand", ESTIMANDS)
def test_the_random_intercept_is_that_of_mixedlm(compared, estimand):
    ends, answers = compared[estimand]
    fitted = smf.mixedlm("y ~ wave", answers, groups="school").fit(reml=True)
    assert fitted.converged
    theirs = fitted.conf_int().loc["wave"].to_numpy(dtype=float)
    assert ends["random intercept"] == pytest.approx(theirs, abs=1e-4)


def test_a_change_that_goes_with_size_shifts_the_mean_of_people_by_the_integral():
    z = np.linspace(-8, 8, 40_001)
    weight = stats.norm.pdf(z)
    n = np.clip(np.exp(np.log(50) - 0.32 + 0.8 * z), 5, 150).astype(int)
    centre = weight @ np.log(n) / weight.sum()
    spread = np.sqrt(weight @ (np.log(n) - centre) ** 2 / weight.sum())
    expected = np.sqrt(0.1) * 0.7 * (weight * n) @ (np.log(n) - centre) / spread / (weight @ n)
    assert np.sqrt(0.1) * bench.informative_world()[2] == pytest.approx(expected, abs=1e-3)


def first_of_each_kind():
    """One cell of every estimand and contrast, the one with the fewest schools."""
    kinds = {}
    for cell in bench.cells():
        if cell.block != "movers" and "change goes with size" not in cell.name:
            kinds.setdefault((cell.estimand, cell.contrast, cell.standardised), cell)
    return list(kinds.values())


def test_estimates_lie_around_the_truth_of_every_kind_of_cell():
    away = {}
    for number, cell in enumerate(first_of_each_kind()):
        data = cell.make(np.random.default_rng([11, number]))
        rows = bench.ours(cell, data)
        column = "estimate" if cell.standardised else "change"
        estimates = rows[column].dropna().to_numpy()
        assert len(estimates) >= 15, cell.name
        chance = estimates.std(ddof=1) / np.sqrt(len(estimates))
        away[cell.name] = (estimates.mean() - data.truth / data.scale) / chance
    assert {name: z for name, z in away.items() if abs(z) > 4.5} == {}


def test_cells_of_the_country_rest_on_regions_and_lie_around_their_truth():
    cells = [each for each in bench.cells() if each.block == "the country"]
    assert {float(each.name[-4:]) for each in cells} == {0.0, 0.05, 0.10}
    for number, cell in enumerate(each for each in cells if each.name.endswith("0.10")):
        data = cell.make(np.random.default_rng([3, number]))
        rows = bench.ours(cell, data)
        assert set(rows["cluster"]) == {"region"}
        assert set(rows["n_clusters"]) == {8 if " 8 regions" in cell.name else 15}
        chance = rows["change"].std() / np.sqrt(len(rows))
        assert abs(rows["change"].mean() - data.truth) < 4.5 * chance
        ends = bench.usual(cell, data, np.random.default_rng(1))["schools"]
        assert (np.diff(ends, axis=0) > 0).all()


@pytest.fixture(scope="module")
def table():
    shape = "8 unequal schools, rho 0.10"
    chosen = [cell for cell in bench.cells() if cell.name == shape and cell.block in ESTIMANDS]
    return bench.run(chosen, 160, seed=5, jobs=1)


def test_intervals_that_ignore_schools_miss_where_change_differs_between_schools(table):
    coverage = table.set_index(["block", "method"])["coverage"].unstack()
    assert (coverage["this library"] > 0.88).all()
    assert (coverage[["pingouin", "person bootstrap"]] < 0.65).all(axis=None)
    assert (coverage["CR1, z"] < coverage["this library"]).all()


def test_the_same_seed_gives_the_same_table(table):
    chosen = [c for c in bench.cells() if c.name == "8 unequal schools, rho 0.10"][:1]
    again = [bench.run(chosen, 40, seed=5, jobs=1) for _ in range(2)]
    pd.testing.assert_frame_equal(*again)


def test_a_cell_is_judged_by_its_monte_carlo_interval(table):
    by_hand = np.sqrt(table["coverage"] * (1 - table["coverage"]) / table["n"])
    assert table["error"].to_numpy() == pytest.approx(by_hand.to_numpy())
    usual = table[table["method"].isin(["pingouin", "person bootstrap"])]
    assert (usual["judged"] == "low").all()


def test_table_and_plot_are_written_between_the_marks_only(table, tmp_path, monkeypatch):
    here = tmp_path / "benchmarks"
    here.mkdir()
    (tmp_path / "docs" / "images").mkdir(parents=True)
    readme = here / "README.md"
    readme.write_text("before\n<!-- coverage: begin -->\nnone yet\n<!-- coverage: end -->\nafter\n")
    monkeypatch.setattr(bench, "HERE", here)
    bench.write(table, 160, 5)
    once = readme.read_text(encoding="utf-8")
    bench.write(table, 160, 5)
    assert readme.read_text(encoding="utf-8") == once
    assert once.startswith("before\n<!--")
    assert once.endswith("-->\nafter\n")
    assert "none yet" not in once
    assert "| 8 unequal schools, rho 0.10 | **" in once
    plot = (tmp_path / "docs" / "images" / "coverage.svg").read_bytes()
    assert plot.startswith(b"<?xml")
    assert len(plot) < 200_000
