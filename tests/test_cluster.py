"""The batch on a real Dask cluster on this machine: a scheduler and workers of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from loftet_analysis.batch import cluster, pages
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.runner import Setting
from loftet_analysis.errors import InputError
from loftet_analysis.study import load_study
from tests.quick_study import every_byte, run


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def dask(*arguments: str, cwd: Path) -> subprocess.Popen:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "dask", *arguments]
    return subprocess.Popen(command, cwd=cwd, start_new_session=True, **quiet)


@contextmanager
def cluster_in(cwd: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """Give the address of a scheduler, its process and that of its workers."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    here = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    few = ("--nworkers", str(workers), "--nthreads", "1", "--memory-limit", "0", "--no-dashboard")
    processes = [dask("scheduler", *here, cwd=cwd), dask("worker", address, *few, cwd=cwd)]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.05)
    try:
        yield address, processes
    finally:
        for process in reversed(processes):  # with their own; an orderly end takes its time
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The address of a scheduler with two workers, which know nothing of any project."""
    with cluster_in(tmp_path_factory.mktemp("dask"), 2) as (address, _):
        yield address


@pytest.mark.long
def test_a_cluster_gives_the_bytes_of_a_local_run(undisturbed, quick, address):
    code, out, err = run(quick, "--scheduler", address)
    assert code == 0, err
    assert "3 run, 0 failed" in out
    assert every_byte(quick) == every_byte(undisturbed)


def test_a_scheduler_by_tls_needs_certificates(quick):
    code, _, err = run(quick, "--scheduler", "tls://node7:8786")
    assert code == 2
    assert "no certificates for a scheduler that is reached by TLS" in err


def test_only_a_scheduler_on_another_machine_is_warned_of(undisturbed, monkeypatch, capsys):
    monkeypatch.setenv("LOFTET_ROOT", str(undisturbed))
    monkeypatch.setattr(pages, "connected", lambda address, setting: nullcontext())
    study = load_study("tiny")
    setting = Setting(undisturbed, undisturbed, undisturbed, 1, warm=False)
    told = {}
    for address in ("tcp://10.0.0.7:8786", "node7:8786", "tls://node7:8786", "tcp://[::1]:8786"):
        pages.get_ready(study, setting, undisturbed / "log", address)
        told[address] = "without encryption" in capsys.readouterr().out
    assert [*told.values()] == [True, True, False, False]


@pytest.mark.long
def test_what_goes_wrong_on_a_cluster_is_contained(undisturbed, quick, address):
    notebook = quick / "notebooks/mine/01_quick.ipynb"
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(text.replace("study.read(", "study.reed("), encoding="utf-8")
    # Dask takes an address without its kind for one of tcp
    code, out, err = run(quick, "--scheduler", address.removeprefix("tcp://"))
    assert code == 1
    assert "0 run, 3 failed" in out  # the country has no region's results to read
    assert "oslo/01_quick failed: AttributeError" in err
    assert "national/10_quick failed: InputError: no region has been run" in err


def test_nobody_at_the_address(quick, capsys):
    began = time.monotonic()
    for address in (f"tcp://127.0.0.1:{free_port()}", "no such address", "nowhere"):
        assert main(["run", "tiny", "--scheduler", address]) == 2
        assert capsys.readouterr().err.startswith("1 problem:\n\nno Dask scheduler answers")
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("ends", "said"),
    [(0, "the Dask scheduler has ended"), (1, "the cluster has no workers")],
    ids=["scheduler", "every worker"],
)
@pytest.mark.long
def test_a_cluster_that_ends_meanwhile_is_one_message(
    quick, tmp_path, monkeypatch, capfd, ends, said
):
    monkeypatch.setattr(cluster, "_WAIT", 5)
    begun = tmp_path / "begun"
    path = quick / "notebooks/mine/01_quick.ipynb"
    waits = f"import time; open({str(begun)!r}, 'w').close(); time.sleep(60)"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("import loftet_analysis as la", waits), encoding="utf-8")

    def kill(process: subprocess.Popen) -> None:
        end = time.monotonic() + 60
        while not begun.exists() and time.monotonic() < end:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)

    with cluster_in(tmp_path, 1) as (address, processes):
        killing = Thread(target=kill, args=(processes[ends],))
        killing.start()
        assert main(["run", "tiny", "--scheduler", address]) == 2
        killing.join()
    err = capfd.readouterr().err
    assert err.startswith(f"1 problem:\n\n{said}")
    assert "run again" in err
    assert "Traceback" not in err
    assert not list(quick.glob("reports/tiny/nb/*/*"))


def test_a_wrong_address_is_told_also_where_nothing_has_to_run(ran, capsys):
    assert main(["run", "tiny", "--scheduler", f"tcp://127.0.0.1:{free_port()}"]) == 2
    assert capsys.readouterr().err.startswith("1 problem:\n\nno Dask scheduler answers")


@pytest.mark.parametrize("given", ["", "  "])
def test_an_address_that_is_none(given, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["run", "tiny", "--scheduler", given])
    assert stopped.value.code == 2
    assert "--scheduler: found: nothing" in capsys.readouterr().err


def test_workers_that_are_not_equipped_alike(quick, address, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "package_versions", lambda: "numpy 0.1")
    assert main(["run", "tiny", "--scheduler", address]) == 2
    said = capsys.readouterr().err
    # those of the two workers that have come by now
    assert re.match(r"(1 problem|2 problems):\n\na worker has other packages", said)
    assert "numpy 0.1" in said
    assert not (quick / "data_clean/tiny").exists()


def test_a_worker_that_is_allowed_too_little_memory(tmp_path):
    setting = Setting(tmp_path, tmp_path, tmp_path, 60, warm=False)
    tight = {**cluster._equipment(setting), "memory": "0.5 GB for a process (ulimit -v)"}
    client = SimpleNamespace(run=lambda function, setting: {"tcp://10.0.0.7:1": tight})
    with pytest.raises(InputError, match=r"(?s)allowed too little memory.*7:1 on .*0\.5 GB"):
        cluster._refuse_unlike(client, setting)
