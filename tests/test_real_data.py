"""The SATS study, real answers that none of us wrote: published alphas and changes come out."""

import shutil

import pandas as pd
import pytest

from loftet_analysis import names
from loftet_analysis.analysis.effects import effects
from loftet_analysis.analysis.reliability import reliability
from loftet_analysis.batch.cli import main
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.study import load_study, plan
from tests.small_demo import HERE, build_root

# data_raw/sats/README.md: changes of the linked students, alphas of all who answered the wave
CHANGES = {
    "affect": 0.13,
    "cognitive_competence": 0.07,
    "difficulty": 0.12,
    "value": -0.25,
    "interest": -0.42,
    "effort": -0.39,
}
ALPHAS = {
    "affect": (0.81, 0.84),
    "cognitive_competence": (0.82, 0.83),
    "value": (0.87, 0.89),
    "difficulty": (0.73, 0.74),
    "interest": (0.89, 0.92),
    "effort": (0.86, 0.79),
}


@pytest.fixture(scope="module")
def sats():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOFTET_ROOT", str(HERE))
        study = load_study("sats")
        return study, prepare(study, key=bytes(32))


def test_mean_changes_are_those_of_the_readme(sats):
    study, prepared = sats
    found = effects(
        prepared.clean["pupils"],
        plan(study),
        population="pupils",
        region=names.NATIONAL,
        units=prepared.units,
        unit_is_sample=True,
    )
    linked = found[found["estimand"] == "linked_change"].set_index("outcome")
    assert linked["change"].round(2).to_dict() == CHANGES
    assert (linked["n_clusters"] > 100).all()
    # courses differ, so these errors are larger than those of independent students
    naive = (linked["sd_pre"] ** 2 + linked["sd_post"] ** 2) - (
        2 * linked["r_pre_post"] * linked["sd_pre"] * linked["sd_post"]
    )
    assert (linked["change_se"] > (naive / linked["n_pairs"].astype(float)) ** 0.5).all()


def test_alphas_are_those_of_the_readme(sats):
    study, prepared = sats
    instrument = study.populations["pupils"].instrument
    found = reliability(
        prepared.clean["pupils"], instrument, population="pupils", region=names.NATIONAL
    )
    alphas = found.pivot(index="scale", columns="wave", values="alpha").round(2)
    assert {scale: (row["pre"], row["post"]) for scale, row in alphas.iterrows()} == ALPHAS


def test_notebooks_run_on_it_unchanged(tmp_path, monkeypatch, capsys):
    root = tmp_path / "Løftet test"
    build_root(root)
    shutil.copytree(HERE / "data_raw/sats", root / "data_raw/sats")
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    assert main(["run", "sats", "--region", "winter-2010", "--jobs", "1"]) == 0
    page = (root / "reports/sats/en/winter-2010/04_pupils.html").read_text(encoding="utf-8")
    assert "This was not asked about in this study." in page
    assert "Other outcomes" in page
    shown = pd.read_csv(root / "reports/sats/tables/effects.csv")
    assert set(shown["outcome"]) == set(CHANGES)
    assert not shown["suppressed"].any()
