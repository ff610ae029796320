"""Nobody's answers can be told from what random studies publish; without the gate they can."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.disclosure.mask import STEPS
from loftet_analysis.show.session import kept_results
from tests.random_study import RandomStudy

PATH = Path(__file__).parents[1] / "benchmarks" / "attack.py"


@pytest.fixture(scope="module")
def attack():
    found = importlib.util.spec_from_file_location("attack_benchmark", PATH)
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # dataclasses look their module up
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A random study, and its tables as published under a profile."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("random")
        (root / "data_raw").mkdir()
        patch.setenv("LOFTET_ROOT", str(root))
        study = RandomStudy(root, 47)
        yield study, study.publish("internal")


@pytest.fixture
def view(attack, published):
    study, folder = published
    return attack.View.of(folder, study.clean, study.study)


@pytest.mark.long
@pytest.mark.parametrize("profile", ["internal", "school", "public"])
def test_nobody_is_recovered(attack, published, profile):
    study, _ = published
    view = attack.View.of(study.publish(profile), study.clean, study.study)
    assert sum(map(len, view.numbers.values())) > 20
    for name, found in attack.score(view, study.clean).items():
        assert found.recovered == 0, f"{name}: {found.kinds}"
        assert found.unfit == 0, name


@pytest.mark.long
def test_nobody_is_recovered_where_schools_are_of_cohorts(attack, tmp_path, monkeypatch):
    (tmp_path / "data_raw").mkdir()
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    study = RandomStudy(tmp_path, 1, cohorts=True)
    view = attack.View.of(study.publish("internal"), study.clean, study.study)
    effects = view.tables["effects"]
    assert effects["subgroup"].str.startswith("cohort=").sum() > 20
    assert sum(map(len, view.numbers.values())) > 100
    for name, found in attack.score(view, study.clean).items():
        assert (found.recovered, found.unfit) == (0, 0), f"{name}: {found.kinds}"


@pytest.mark.long
def test_the_attack_reads_the_tables_rightly(attack, published, view):
    """The true answers fit every number that the attack reads."""
    study, _ = published
    for scale in view.scales():
        frame = study.clean[scale.population]
        items = frame[
            [*study.study.populations[scale.population].instrument.scales[scale.name].items]
        ]
        score = frame[scale.name].to_numpy(float)
        above = score > (scale.minimum + scale.maximum) / 2
        y = np.concatenate([items.fillna(0).to_numpy(float).ravel(), above])
        for number in view.numbers[scale.population, scale.name]:
            assert number.low - 1e-7 <= number.weights @ y <= number.high + 1e-7, number.row


@pytest.fixture
def ungated(attack, published, tmp_path):
    """The same study's teachers, exact to three decimals, and nothing hidden."""
    study, _ = published
    (tmp_path / "tables").mkdir()
    (tmp_path / "steps").mkdir()
    places = [*study.study.regions["region"], "national"]
    for name in ("effects", "sensitivity", "items"):
        rows = kept_results(study.name, name, places)
        rows = rows[rows["population"].eq("teachers")].reset_index(drop=True)
        rows.round(3).to_csv(tmp_path / "tables" / f"{name}.csv", index=False)
        numbers = [
            c
            for c in ("change", "estimate", "change_ci_low", "mean_pre", "mean_post", "mean")
            if c in rows
        ]
        steps = pd.DataFrame(STEPS[0], rows.index, numbers)
        steps.to_csv(tmp_path / "steps" / f"{name}.csv", index=False)
    return attack.View.of(tmp_path / "tables", study.clean, study.study)


@pytest.mark.long
@pytest.mark.parametrize("name", ["rows", "linear_programming", "clusters"])
def test_without_the_gate_every_attack_recovers_people(
    attack, published, ungated, name, monkeypatch
):
    monkeypatch.setattr(attack, "MOST", 2)
    study, _ = published
    found = attack.score(ungated, study.clean, only=[name])[name]
    assert found.recovered > 0
    assert found.unfit == 0


def test_two_clusters_are_change_less_and_plus_the_standard_error(attack):
    means, size = np.array([0.4, -0.2]), np.array([3, 3])
    share = size / size.sum()
    change = means @ share
    error = np.sqrt(((means - change) ** 2) @ (share**2 / (1 - share)))
    assert change + error == pytest.approx(means[0])
    equations = [("mean", change, 0.0005), ("cr2", error, 0.0005)]
    found = attack._compatible(size, equations, -3, 3)
    assert len(found) > 20
    assert {*found[:, 0].round(2)} <= {0.4, 0.39, 0.41, -0.2, -0.19, -0.21}


def level_rows(clean):
    """Return the regions' mean efforts before, as a table of effects with three decimals."""
    before = clean["pupils"].query("wave == 'pre'")
    mean = before.groupby("region")["effort"].mean().round(3).rename("change").reset_index()
    about = {"population": "pupils", "outcome": "effort", "estimand": "level", "contrast": "mean"}
    empty = dict.fromkeys(("estimate", "sd_unit", "change_ci_low", "change_ci_high", "change_se"))
    table = mean.assign(**about, **empty, wave="pre", subgroup="all", cluster="school")
    return table.astype(dict.fromkeys(empty, float)).assign(step_change=STEPS[0])


@pytest.mark.long
def test_a_withdrawal_is_undone_by_subtraction_unless_the_earlier_numbers_stand(attack, published):
    study, _ = published
    before = study.clean["pupils"].query("wave == 'pre' and person_id.notna() and effort.notna()")
    gone = before["person_id"].iloc[0]
    kept = {
        name: np.flatnonzero(frame["person_id"].ne(gone).fillna(True))
        for name, frame in study.clean.items()
    }
    left = {
        name: frame.iloc[kept[name]].reset_index(drop=True) for name, frame in study.clean.items()
    }
    old = attack.View.made({"effects": level_rows(study.clean)}, study.clean, study.study)
    for of, recovered in ((left, True), (study.clean, False)):
        now = attack.View.made({"effects": level_rows(of)}, left, study.study, old, kept)
        found = attack.score(now, study.clean, only=["releases"])["releases"]
        assert (found.singles > 0) == recovered
