"""The SATS study, real answers that none of us wrote: published alphas and changes come out."""

import re
import shutil

import pandas as pd
import pytest

import loftet_analysis as la
from loftet_analysis import names
from loftet_analysis.batch.cli import main
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.study import load_study
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
def sats(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("Løftet data")
        patch.setenv("LOFTET_ROOT", str(HERE))
        patch.setenv("LOFTET_DATA", str(folder))
        description = load_study("sats")
        store.write(prepare(description, key=bytes(32)), description)
        study = la.open_study("sats")
        return study, study.read("pupils"), study.plan("pupils")


def test_mean_changes_are_those_of_the_readme(sats):
    _, pupils, plan = sats
    found = la.linked_change(la.pairs(pupils, plan), plan)
    found = found[found["subgroup"] == "all"]
    linked = found[found["estimand"] == "linked_change"].set_index("outcome")
    assert linked["change"].round(2).to_dict() == CHANGES
    assert (linked["n_clusters"] > 100).all()
    # courses differ, so these errors are larger than those of independent students
    naive = (linked["sd_pre"] ** 2 + linked["sd_post"] ** 2) - (
        2 * linked["r_pre_post"] * linked["sd_pre"] * linked["sd_post"]
    )
    assert (linked["change_se"] > (naive / linked["n_pairs"].astype(float)) ** 0.5).all()


def test_alphas_are_those_of_the_readme(sats):
    study, pupils, _ = sats
    found = la.reliability(pupils, study["pupils"])
    alphas = found.pivot(index="scale", columns="wave", values="alpha").round(2)
    assert {scale: (row["pre"], row["post"]) for scale, row in alphas.iterrows()} == ALPHAS


@pytest.mark.long
def test_the_notebooks_of_any_study_run_on_it(tmp_path, monkeypatch, capsys):
    root = tmp_path / "Løftet {test}"
    build_root(root)
    shutil.copytree(HERE / "data_raw/sats", root / "data_raw/sats")
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    regions = ["--region", "fall-2008", "--region", "national"]
    assert main(["run", "sats", *regions, "--jobs", "2"]) == 0
    said = capsys.readouterr().out
    assert "through the gate" not in said
    pages = sorted((root / "reports/sats/en").glob("*/*.html"))
    assert {path.parent.name for path in pages} == {"fall-2008", "national"}
    for path in pages:
        text = re.sub(r'"data:[^"]*"', "", path.read_text(encoding="utf-8"))
        assert "<table" in text, path
        # nothing of Matematikkløftet
        assert not re.search(r"not asked|[Ll]eader|participant|gathering|\bQ\d", text), path
    shown = pd.read_csv(root / "reports/sats/tables/effects.csv")
    assert set(shown["outcome"]) == set(CHANGES)
    assert set(shown["region"]) == {"fall-2008", names.NATIONAL}
    assert not shown["suppressed"].any()
