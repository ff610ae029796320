"""Nothing lost: power cuts, damage to what was generated, links, and exploring by hand."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import loftet_analysis as la
from loftet_analysis.batch import cleaning, pages
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.fingerprints import digest, read_manifest
from loftet_analysis.batch.outputs import damaged
from loftet_analysis.batch.plan import DONE, Task
from loftet_analysis.batch.runner import Outcome
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.store import Prepared
from loftet_analysis.show.session import hand_over
from loftet_analysis.study import Study
from tests.damage import DAMAGE, Disk, PowerCut
from tests.long import long_but
from tests.quick_study import every_byte

GENERATED = ("data_clean", "figures", "reports")


@pytest.fixture
def at_once(undisturbed, monkeypatch) -> None:
    """Notebooks do not run: what they made in an undisturbed run is made, marked with the data.

    Exports are read once, since what is tried is what becomes of files.
    """
    monkeypatch.setenv("LOFTET_ROOT", str(undisturbed))
    reads = {name: entry["reads"] for name, entry in read_manifest("tiny").items()}

    def made(task: Task) -> Outcome:
        def bytes_of(path: Path) -> bytes:
            return (undisturbed / path.relative_to(root)).read_bytes()

        root = task.executed.parents[4]
        country = task.of_country
        answers = store.read("tiny", "pupils", None if country else task.region)
        mark = f"<!-- {pd.util.hash_pandas_object(answers.drop(columns='person_id')).sum()} -->"
        kept = undisturbed / task.results.relative_to(root)
        drawn = undisturbed / "figures/tiny" / task.region
        beside = undisturbed / task.files("nb").relative_to(root)
        files = {path.name: path.read_bytes() + mark.encode() for path in beside.glob("*")}
        return Outcome(
            task,
            DONE,
            0.1,
            notebook=bytes_of(task.executed),
            pages={each: bytes_of(task.page("nb")) + mark.encode() for each in task.languages},
            files=dict.fromkeys(task.languages, files),
            results={path.name: path.read_bytes() for path in kept.glob("*.csv")},
            figures={path.name: path.read_bytes() + mark.encode() for path in drawn.glob("*")},
            reads=reads[task.name],
        )

    def run_all(tasks: Sequence[Task], setting: object, *, jobs: int) -> Iterator[Outcome]:
        yield from map(made, tasks)

    prepared = {}

    def prepare_once(study: Study, **options: object) -> Prepared:
        exports = digest(study.export_path(file) for file in study.export_files)
        if exports not in prepared:
            prepared[exports] = prepare(study, **options)
        return prepared[exports]

    monkeypatch.setattr(cleaning, "prepare", prepare_once)
    monkeypatch.setattr(pages, "run_all", run_all)


def run_in(root: Path, monkeypatch, *more: str) -> int:
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    return main(["run", "tiny", "--fresh-kernels", *more])


def with_other_answers(root: Path) -> None:
    """Alter the answers of a school in Oslo."""
    export = root / "data_raw/tiny/post.csv"
    lines = export.read_text(encoding="utf-8").splitlines()
    lines = [line.replace("Uenig", "Enig") if ";0500;" in line else line for line in lines]
    export.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("again", [False, True], ids=["first run", "other answers"])
def test_after_a_power_cut_the_next_run_gives_the_bytes_of_an_undisturbed_one(
    quick, at_once, tmp_path, monkeypatch, again
):
    if again:
        assert run_in(quick, monkeypatch) == 0
        with_other_answers(quick)
    whole = tmp_path / "whole"
    shutil.copytree(quick, whole)
    disk = Disk(whole)
    with disk.watched():
        assert run_in(whole, monkeypatch) == 0
    expected, steps = every_byte(whole), disk.steps
    rng = np.random.default_rng()
    moments = rng.integers(steps, size=6)  # benchmarks/kills.py cuts more often
    print(f"power cut before {moments} of {steps}")
    for number, moment in enumerate(moments):
        began, after = tmp_path / f"began {number}", tmp_path / f"after {number}"
        shutil.copytree(quick, began)
        disk = Disk(began)
        with disk.watched(moment), pytest.raises(PowerCut):
            run_in(began, monkeypatch)
        disk.left(rng, after)
        monkeypatch.setenv("LOFTET_ROOT", str(after))
        assert damaged(read_manifest("tiny")) == {}  # what is recorded is on the disk
        assert run_in(after, monkeypatch) == 0
        assert every_byte(after) == expected


CLEAN = (
    "pupils/region=oslo/part.parquet", "set_aside/pupils.parquet", "follow_up.xlsx",
    store.PLAN_RECORD,
    *store.TABLES.values(), store.SUMS,
)  # fmt: skip
MADE = (
    "data_clean/tiny/notebooks/oslo/01_quick.ipynb",
    "data_clean/tiny/results/oslo/01_quick/effects.pupils.csv",
    "data_clean/tiny/results/effects.csv",
    "figures/tiny/oslo/change.nb.svg",
    "figures/tiny/national/change.nb.png",
    "reports/tiny/nb/oslo/01_quick/change.csv",
    "reports/tiny/nb/oslo/01_quick.html",
    "reports/tiny/nb/national/10_quick.html",
    "reports/tiny/tables/effects.csv",
    "reports/tiny/tables/results.xlsx",
    "reports/tiny/assets/loftet.css",
    "reports/tiny/index.html",
)


@pytest.mark.parametrize("deed", long_but({"deleted"}, DAMAGE))
def test_what_is_damaged_is_named_and_made_anew(quick, at_once, monkeypatch, capsys, deed):
    assert run_in(quick, monkeypatch) == 0
    sound = every_byte(quick)
    clean = [f"data_clean/tiny/{name}" for name in CLEAN]
    for name in (*clean, *MADE):
        path = quick / name
        before = path.read_bytes()
        DAMAGE[deed](path)
        capsys.readouterr()
        assert main(["status", "tiny"]) == 0
        assert name in capsys.readouterr().out
        path.write_bytes(before)
    alone = ("data_clean/tiny/follow_up.xlsx", "data_clean/tiny/manifest.json")
    for names in (clean, MADE, *([name] for name in alone)):
        for name in names:
            DAMAGE[deed](quick / name)
        assert run_in(quick, monkeypatch) == 0
        assert every_byte(quick) == sound
    capsys.readouterr()
    assert run_in(quick, monkeypatch) == 0
    assert "0 run, 0 failed, 3 up to date" in capsys.readouterr().out


def test_results_that_were_lost_are_made_anew_whatever_is_asked_for(
    quick, at_once, monkeypatch, capsys
):
    assert run_in(quick, monkeypatch) == 0
    sound = every_byte(quick)
    shutil.rmtree(quick / "data_clean/tiny/results/oslo")
    (quick / "figures/tiny/national/change.nb.svg").unlink()
    capsys.readouterr()
    assert run_in(quick, monkeypatch, "--region", "nordland") == 0
    said = capsys.readouterr().out
    lost = "damaged: data_clean/tiny/results/oslo/01_quick/effects.pupils.csv is missing"
    assert f"tiny: {lost}; made anew" in said
    lost = "damaged: figures/tiny/national/change.nb.svg is missing"
    assert f"tiny: {lost}; not asked for this time" in said
    assert run_in(quick, monkeypatch) == 0
    assert every_byte(quick) == sound


def test_a_lost_manifest_loses_no_language(quick, at_once, monkeypatch):
    assert run_in(quick, monkeypatch, "--language", "nb", "--language", "en") == 0
    sound = every_byte(quick)
    assert "reports/tiny/en/oslo/01_quick.html" in sound
    (quick / "data_clean/tiny/manifest.json").unlink()
    shutil.rmtree(quick / "data_clean/tiny/results/oslo")
    assert run_in(quick, monkeypatch) == 0
    assert every_byte(quick) == sound


def test_what_new_data_made_outdated_is_not_damaged(quick, at_once, monkeypatch, capsys):
    assert run_in(quick, monkeypatch) == 0
    with_other_answers(quick)
    assert main(["clean", "tiny"]) == 0
    capsys.readouterr()
    assert main(["status", "tiny"]) == 0
    assert "damaged" not in capsys.readouterr().out
    assert run_in(quick, monkeypatch, "--region", "nordland") == 0
    said = capsys.readouterr().out
    assert "damaged" not in said
    assert "1 run, 0 failed" in said


def test_links_stay_links(quick, at_once, tmp_path, monkeypatch, capsys):
    elsewhere = tmp_path / "another disk"
    links = [quick / name / "tiny" for name in GENERATED]
    for link in links:
        link.parent.mkdir()
        link.symlink_to(elsewhere / link.parent.name)
    assert run_in(quick, monkeypatch) == 2
    said = capsys.readouterr().err
    assert "3 problems" in said
    assert "a link leads nowhere" in said
    for link in links:
        link.readlink().mkdir(parents=True)
    assert run_in(quick, monkeypatch) == 0
    with_other_answers(quick)
    assert run_in(quick, monkeypatch) == 0
    for link in links:
        assert link.is_symlink()
        assert [path for path in link.readlink().rglob("*") if path.is_file()]
    capsys.readouterr()
    assert run_in(quick, monkeypatch) == 0
    assert "3 up to date" in capsys.readouterr().out


def test_exploring_changes_nothing_that_is_published(ran, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(ran))
    before = {path: path.stat().st_mtime_ns for path in ran.rglob("*")}
    study = la.open_study("tiny", region="oslo", language="nb")
    plan = study.plan("pupils")
    pupils = study.read("pupils")
    effects = la.verdicts(la.linked_change(la.pairs(pupils[pupils["grade"] > 5], plan), plan))
    study.keep(effects=effects.assign(change=0.0))
    shown = la.gate(la.verdicts(la.linked_change(la.pairs(pupils, plan), plan)), study)
    study.show(shown, la.figures.change, name="change")
    study.show(shown)
    hand_over()  # a batch run's last cell, run by hand
    assert {path: path.stat().st_mtime_ns for path in ran.rglob("*")} == before
