"""The batch on a running Dask cluster whose workers see the same folder."""

from __future__ import annotations

import ipaddress
import logging
import os
import platform
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loftet_analysis import paths
from loftet_analysis.batch.fingerprints import digest, library_digest, package_versions
from loftet_analysis.batch.outputs import FAILED
from loftet_analysis.batch.plan import Task
from loftet_analysis.batch.process import tight_memory
from loftet_analysis.batch.runner import Outcome, Setting, run_task
from loftet_analysis.errors import InputError, Problem, refuse_any

if TYPE_CHECKING:
    from distributed import Client

_WAIT = 10  # seconds for the scheduler, and for a first worker
_CERTIFIED = ("ca_file", "cert", "key")
_UNLIKE = {
    "folder": "a worker does not see the study's folder",
    "library": "a worker has another loftet_analysis",
    "packages": "a worker has other packages",
    "memory": "a worker is allowed too little memory",
}


def is_unencrypted(address: str) -> bool:
    """Whether what is sent to a scheduler can be read on the way: not by TLS, nor inside a machine.

    Examples
    --------
    >>> [is_unencrypted(each) for each in ("tcp://10.0.0.7:8786", "node7:8786", "tls://node7:8786")]
    [True, True, False]
    >>> is_unencrypted("tcp://127.0.0.1:8786"), is_unencrypted("tcp://localhost:8786")
    (False, False)
    """
    kind, _, place = address.rpartition("://")
    host = place.rpartition(":")[0].strip("[]") or place
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    return kind not in ("tls", "wss", "inproc") and not inside


@contextmanager
def connected(address: str, setting: Setting) -> Iterator[Client]:
    """Connect to a scheduler whose workers can do what this process can.

    Raises
    ------
    InputError
        Where `distributed` is not installed, TLS has no certificates, nobody answers at the
        address, the scheduler ends or no worker is there; and for every worker that does not see
        the study's folder, or has another library.
    """
    try:
        from distributed import Client, Security
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise InputError(
            "Dask is not installed",
            found="no package distributed",
            where="--scheduler",
            todo="pip install 'loftet-analysis[cluster]', here and where the workers run",
        ) from None
    # what becomes of the connection is told here, once
    for name in ("distributed", *logging.getLogger("distributed").manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    certified = all(Security().get_tls_config_for_role("client").get(key) for key in _CERTIFIED)
    if address.startswith("tls://") and not certified:
        raise InputError(
            "no certificates for a scheduler that is reached by TLS",
            found=address,
            allowed="ca-file, client cert and key under distributed.comm.tls of Dask",
            where="--scheduler",
            todo="name them in Dask's configuration, see docs/guide/en/cluster.md",
        )
    try:
        # a client that finds nobody complains once more when it is thrown away
        socket.create_connection(get_address_host_port(address), timeout=_WAIT).close()
        client = Client(address, timeout=_WAIT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            "no Dask scheduler answers",
            found=f"{address}: {str(error).partition(chr(10))[0]}",
            allowed="the address that dask-scheduler prints, such as tcp://host:8786",
            where="--scheduler",
            todo="start one, or leave --scheduler out to run here",
        ) from None
    with client:
        _wait_for_worker(client)
        _refuse_unlike(client, setting)
        yield client


def _wait_for_worker(client: Client) -> None:
    try:
        client.wait_for_workers(1, timeout=_WAIT)
    except TimeoutError:
        raise InputError(
            "the cluster has no workers",
            found=getattr(client.scheduler, "addr", ""),
            where="--scheduler",
            todo="start dask-worker with the scheduler's address, and run again",
        ) from None
    except OSError:
        raise _gone(client) from None


def _gone(client: Client) -> InputError:
    return InputError(
        "the Dask scheduler has ended, or cannot be reached any more",
        found=getattr(client.scheduler, "addr", ""),
        where="--scheduler",
        todo="start scheduler and workers and run again, which goes on from here; or leave "
        "--scheduler out to run the rest here",
    )


def _refuse_unlike(client: Client, setting: Setting) -> None:
    ours = _equipment(setting)
    try:
        theirs = client.run(_equipment, setting)
    except (OSError, TimeoutError):
        raise _gone(client) from None
    problems = [
        Problem(
            said,
            found=f"{worker} on {equipment['host']}: {equipment[what]}",
            allowed=ours[what],
            where="--scheduler",
            todo="give all workers the same folder, the same environment and enough memory",
        )
        for worker, equipment in theirs.items()
        for what, said in _UNLIKE.items()
        if equipment[what] != ours[what]
    ]
    refuse_any(problems)


def _equipment(setting: Setting) -> dict[str, str]:
    """Return what a process has to work with."""
    seen = setting.workroom.is_dir() and os.access(setting.workroom, os.W_OK)
    return {
        "host": platform.node(),
        "folder": f"{setting.workroom} {'is there' if seen else 'is not there'}",
        "library": f"loftet_analysis {library_digest()[:12]}, {digest([paths.PACKAGED])[:12]}",
        "packages": package_versions(),
        "memory": tight_memory() or "enough",
    }


def run_on(client: Client, tasks: Sequence[Task], setting: Setting) -> Iterator[Outcome]:
    """Run tasks on the cluster and yield each outcome as it comes.

    Dask gives a lost worker's tasks to another. A task with which worker after worker is lost is
    contained in its outcome, as any other failure.

    Raises
    ------
    InputError
        Where the scheduler ends meanwhile, or no worker is left.
    """
    from distributed import CancelledError, wait

    futures = {client.submit(run_task, task, setting, pure=False): task for task in tasks}
    while futures:
        try:
            with client.as_current():
                done = wait([*futures], timeout=_WAIT, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            _wait_for_worker(client)
            continue
        except CancelledError:  # nobody here cancels one
            raise _gone(client) from None
        for future in done:
            task, error = futures.pop(future), future.exception()
            if error is None:
                yield future.result()
            else:
                said = f"{type(error).__name__}: {error}"
                yield Outcome(task, FAILED, 0.0, error=said.splitlines()[0], traceback=said)
            future.release()
