"""Warm kernels: each notebook's kernel is a fork of one process that has imported everything.

A fresh kernel spends most of its start on imports. Here they are done once, in a process of its
own (``python -m`` this module), and each kernel is a fork of it, so it begins with the library
loaded. `Nursery` is the batch's end of it. A socket pair between the two carries requests (lines of
JSON) and kernels (files of their processes), and is also what ends the other side: when the batch
is gone, however it ended, the socket closes and every kernel is killed.

The warm process never starts a thread nor opens a socket of zmq, so that a fork is whole. Kernels
give the same bytes as fresh ones: the random generators are seeded anew in each, and what a library
settles at import by looking at the kernel (matplotlib's backend, how many columns pandas prints) is
set as a kernel has it. What only the warm process needs is imported inside its functions.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

import loftet_analysis
from loftet_analysis.batch import collect_rarely
from loftet_analysis.batch.process import ONE_THREAD
from loftet_analysis.errors import InputError

#: The name by which jupyter_client finds what is here.
PROVISIONER = "loftet-warm"
_LIKE_A_KERNEL = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    # the debugger warns whoever imports it that breakpoints may be missed
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
#: What a kernel and its notebook import beside this library, which takes longer than all else that
#: a kernel does before the first cell.
_AT_FIRST_USE = (
    "ipykernel.kernelapp", "ipykernel.debugger", "matplotlib.backends.backend_svg", "pingouin",
    "pyarrow.dataset", "seaborn",
)  # fmt: skip
_PR_SET_PDEATHSIG = 1
_FIRST_TO_GO = "500"  # where memory runs out, a kernel dies and not the batch


def can_fork() -> bool:
    """Return whether kernels can be forked here: on Linux, where a process can be held by a file.

    Elsewhere kernels start in the ordinary way, which is slower and gives the same results.
    """
    return hasattr(os, "pidfd_open") and hasattr(os, "fork")


class KernelProcess:
    """A forked kernel, with what `subprocess.Popen` offers of it but the exit code's value.

    Parameters
    ----------
    pid : int
    handle : int
        A file descriptor of the process, which can be read when it has ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, handle: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._handle = handle

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait for the kernel's end; None where it still lives after so many seconds."""
        if self.returncode is None and select.select([self._handle], [], [], seconds)[0]:
            self.returncode = 1
            os.close(self._handle)
        return self.returncode

    def poll(self) -> int | None:
        """Return None while the kernel lives."""
        return self.wait(0)

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel; nothing where it is gone."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)


class Nursery:
    """The batch's end of the warm process; safe to use from several threads.

    Parameters
    ----------
    log : Path, optional
        File to which the warm process and its kernels append what they say of themselves.
    *studies : str
        Their descriptions are parsed before a kernel is forked, and not by each kernel.
    """

    def __init__(self, log: Path | None = None, *studies: str) -> None:
        self._socket, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack:
            stack.enter_context(theirs)
            said = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            self._process = subprocess.Popen(
                # -P: the working folder is no place to import from, as in a kernel
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno()), *studies],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, **ONE_THREAD, **_LIKE_A_KERNEL},
                start_new_session=True,
            )
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether it can fork."""
        return self._socket.fileno() >= 0 and self._process.poll() is None

    def fork(self, command: Sequence[str], *, folder: str, env: Mapping[str, str]) -> KernelProcess:
        """Return a new kernel.

        Parameters
        ----------
        command : sequence of str
            As a kernel specification has it; what follows ``ipykernel_launcher`` is passed on.
        folder : str
            The kernel's working folder.
        env : mapping of str to str
            Its whole environment. What a library read of it at import stands as the warm process
            had it.

        Raises
        ------
        OSError
            Where the warm process has ended.
        """
        asked = {"arguments": list(command), "folder": folder, "env": dict(env)}
        with self._lock:
            self._socket.sendall(json.dumps(asked).encode() + b"\n")
            pid, handles, _, _ = socket.recv_fds(self._socket, 32, 1)
        if not handles:
            raise ConnectionResetError("the process of warm kernels has ended")
        return KernelProcess(int(pid), handles[0])

    def close(self) -> None:
        """End the warm process and every kernel that still lives."""
        self._socket.close()
        self._process.wait()


_nurseries: list[Nursery] = []
_starting = threading.Lock()


def nursery(log: Path | None = None, *studies: str) -> Nursery:
    """Return this process's warm process; it is started at the first call, or when it has ended.

    Parameters
    ----------
    log, *studies
        As for `Nursery`, where it is started.
    """
    with _starting:
        if not _nurseries or not _nurseries[-1].alive:
            _nurseries.append(Nursery(log, *studies))
            atexit.register(_nurseries[-1].close)
        return _nurseries[-1]


class WarmProvisioner(LocalProvisioner):
    """Kernels that are forked instead of started; otherwise as jupyter_client's own."""

    process: Any  # what was forked is no Popen

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; `cmd` is what would start an ordinary one."""
        self.cwd = str(kwargs.get("cwd") or Path.cwd())
        self.process = nursery().fork(cmd, folder=self.cwd, env=kwargs["env"])
        # a forked kernel leads a session of its own
        self.pid = self.pgid = self.process.pid
        return self.connection_info


def _serve(channel: socket.socket, studies: list[str]) -> None:
    """Fork a kernel for each request, until the other end closes; then end them all."""
    import pandas as pd

    # as in a kernel, where there is no terminal whose width would count
    pd.set_option("display.max_columns", 20)
    gc.collect()
    gc.freeze()  # what is there stays shared between the forks
    collect_rarely()
    kernels: set[int] = set()
    try:
        with channel.makefile("rb") as requests:
            for line in requests:
                while studies:  # not before: clean data are there by now
                    _read_for_all(studies.pop())
                for ended in [pid for pid in kernels if os.waitpid(pid, os.WNOHANG)[0]]:
                    kernels.discard(ended)
                    _end(ended)  # what the kernel started and left behind
                pid = os.fork()
                if pid == 0:
                    _become_kernel(channel, **json.loads(line))
                kernels.add(pid)
                handle = os.pidfd_open(pid)
                socket.send_fds(channel, [str(pid).encode()], [handle])
                os.close(handle)
    finally:
        for pid in kernels:
            _end(pid)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _read_for_all(study: str) -> None:
    """Read what each page of a study would read; a kernel reads anew what has changed since."""
    import pandas as pd

    from loftet_analysis.cleaning import store

    with (
        contextlib.suppress(InputError, OSError),  # a kernel says what is wrong
        pd.option_context("mode.string_storage", "python"),  # as `open_study` has it
    ):
        for table in store.TABLES:
            store.read_table(study, table)


def _become_kernel(
    channel: socket.socket, arguments: list[str], folder: str, env: dict[str, str]
) -> None:
    """Run a kernel in a forked process; never returns."""
    import numpy as np
    from ipykernel.iostream import IOPubThread
    from ipykernel.kernelapp import launch_new_instance

    code = 1
    try:
        parent = os.getppid()
        os.setsid()
        # the system kills this process when the warm one is killed
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        channel.close()
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(env)
        random.seed()
        np.random.seed()
        passed_on = arguments[arguments.index("ipykernel_launcher") + 1 :]
        passed_on.append(f"--IPKernelApp.parent_handle={parent}")
        sys.argv = ["ipykernel_launcher", *passed_on]
        # it would listen on a port for what processes print that a cell forks
        printing: Any = IOPubThread
        printing._setup_pipe_in = lambda thread: setattr(thread, "_pipe_flag", False)
        launch_new_instance(passed_on)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _main(handle: int, studies: list[str]) -> None:
    """Import what every notebook needs, and wait for requests."""
    for name in _AT_FIRST_USE:
        with contextlib.suppress(ImportError):  # not every kernel can be debugged
            import_module(name)
    for name in loftet_analysis.__all__:
        with contextlib.suppress(ImportError):  # a kernel says what is wrong
            getattr(loftet_analysis, name)
    from loftet_analysis.show.languages import catalogue
    from loftet_analysis.study import load_study

    for study in studies:
        # its texts are kept once they are parsed; a kernel says what is wrong
        with contextlib.suppress(InputError, OSError):
            for language in load_study(study).languages:
                catalogue(language)
    _serve(socket.socket(fileno=handle), studies)


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
