"""Shared ground: the small demo study in a folder whose name has a space and an ø."""

import os

# several workers share the cores, so each computes on one; set before anything loads numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import pytest
from filelock import FileLock
from hypothesis import settings

from loftet_analysis.analysis.invariance import study_invariance
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.show.figures import STYLE
from loftet_analysis.stats import NotEstimableError
from loftet_analysis.study import Study, load_study
from tests.quick_study import build_quick, environment, started
from tests.small_demo import HERE, SMALL, build_root

# for `make verify`: as many examples as there is time for
settings.register_profile("long", max_examples=1200)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker begin with the small demo, and the others come to it when it is there."""
    of_demo = [item for item in items if "small_demo" in getattr(item, "fixturenames", ())]
    rest = [item for item in items if item not in set(of_demo)]
    items[:] = [*of_demo[:1], *rest, *of_demo[1:]]


@pytest.fixture(autouse=True)
def style_of_figures() -> Iterator[None]:
    """Draw as `study.show` does."""
    with mpl.rc_context(STYLE):
        yield


def loftet(*arguments: str, root: Path, **more: str) -> subprocess.CompletedProcess:
    """Run the command line in a project folder, as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "loftet_analysis", *arguments],
        cwd=root,
        env=environment(root, **more),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def replace(path: Path, old: str, new: str) -> None:
    """Write another text in the first place where one stands in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def reason(find: Callable, *arguments: object, **options: object) -> str:
    """Return why there is no estimate."""
    with pytest.raises(NotEstimableError) as refusal:
        find(*arguments, **options)
    return refusal.value.reason


def _shared(tmp_path_factory) -> Path:
    """Return the folder that the workers have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory) -> Path:
    """The root of a project in which the demo of nordland and oslo has been run, in nb."""
    shared = _shared(tmp_path_factory)
    root = shared / "Løftet {test}"
    with FileLock(shared / "small-demo.lock"):
        if not (shared / "small-demo.done").exists():
            build_root(root)
            done = loftet("demo", *SMALL, root=root)
            assert done.returncode == 0, done.stdout + done.stderr
            (shared / "small-demo.done").touch()
    return root


@pytest.fixture(autouse=True)
def own_keys(tmp_path, monkeypatch):
    """No test reads or writes a pseudonym key of the person who runs it."""
    monkeypatch.setenv("LOFTET_KEYS", str(tmp_path / "keys"))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Path:
    """A project in which the quick study has been run, and nothing happened."""
    shared = _shared(tmp_path_factory)
    root = shared / "quick" / "Løftet {test}"
    with FileLock(shared / "quick.lock"):
        if not (shared / "quick.done").exists():
            build_quick(root)
            process = started(root, "run", "tiny")
            said = process.communicate()
            assert process.returncode == 0, said
            (shared / "quick.done").touch()
    return root


@pytest.fixture
def quick(tmp_path, undisturbed, monkeypatch) -> Path:
    """A project with the same study and the same key, in which nothing has been run."""
    root = tmp_path / "Løftet {test}"
    build_quick(root)
    keys = tmp_path / "keys"
    keys.mkdir()
    shutil.copy2(undisturbed.parent / "keys/tiny.key", keys / "tiny.key")
    for name in ("LOFTET_ROOT", "LOFTET_KEYS"):
        monkeypatch.setenv(name, environment(root)[name])
    return root


@pytest.fixture
def ran(quick, undisturbed) -> Path:
    """The same project, in which the quick study has been run."""
    for name in ("data_clean", "figures", "reports"):
        shutil.copytree(undisturbed / name, quick / name)
    return quick


@contextmanager
def clean_sats(
    root: Path, data: Path, keys: Path, *, with_invariance: bool = False
) -> Iterator[Study]:
    """Clean data of the real study, with everything that is generated below `data`."""
    with pytest.MonkeyPatch.context() as patched:
        for name, folder in {"ROOT": root, "DATA": data, "KEYS": keys}.items():
            patched.setenv(f"LOFTET_{name}", str(folder))
        study = load_study("sats")
        prepared = prepare(study)
        invariance = study_invariance(study, prepared.clean) if with_invariance else None
        store.write(prepared, study, invariance=invariance)
        yield study


@pytest.fixture(scope="module")
def sats(tmp_path_factory) -> Iterator[Study]:
    """Clean data of the real study, in a place of their own."""
    data, keys = map(tmp_path_factory.mktemp, ("Løftet data", "keys"))
    with clean_sats(HERE, data, keys) as study:
        yield study


@pytest.fixture
def shown(monkeypatch) -> list:
    """What notebooks and menus display, as it comes."""
    displayed = []
    for module in ("explore", "session", "start"):
        display = f"loftet_analysis.show.{module}.display"
        monkeypatch.setattr(display, lambda *each: displayed.extend(each))
    return displayed
