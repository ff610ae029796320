"""Warm kernels: one process that has imported everything, and forks a kernel on request.

A fresh kernel spends most of its start on imports. Here they are done once, in a process of its
own (:mod:`loftet_analysis.batch.forks`), and each kernel is a fork of it, so it begins with the
library loaded. `Nursery` is the batch's end. The two speak JSON lines over a socket pair, which is
also what ends the other side: when the batch is gone, however it ended, the socket closes and
every kernel is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

#: What a kernel computes with: numbers must not hang on how many kernels run at a time.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
#: The debugger warns whoever imports it that breakpoints may be missed.
_QUIET = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
_BACKEND = "module://matplotlib_inline.backend_inline"


def can_fork() -> bool:
    """Return whether kernels can be forked here: on Linux, where a process can be held by a file.

    Elsewhere kernels start in the ordinary way, which is slower and gives the same results.
    """
    return hasattr(os, "pidfd_open") and hasattr(os, "fork")


class KernelProcess:
    """A forked kernel, with what `subprocess.Popen` offers of it."""

    stdin = stdout = stderr = None

    def __init__(self, nursery: Nursery, pid: int, handle: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery
        self._handle = handle

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while the kernel lives."""
        if self.returncode is None:
            self.returncode = self._nursery.exit_code(self.pid)
            if self.returncode is not None:
                os.close(self._handle)
        return self.returncode

    def wait(self) -> int:
        """Wait for the kernel's end and return its exit code."""
        while (code := self.poll()) is None:
            select.select([self._handle], [], [])
        return code

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
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack:
            stack.enter_context(theirs)
            end = str(theirs.fileno())
            said = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            self._process = subprocess.Popen(
                # -P: the working folder is no place to import from, as in a kernel
                [sys.executable, "-P", "-m", "loftet_analysis.batch.forks", end, *studies],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, **ONE_THREAD, **_QUIET, "MPLBACKEND": _BACKEND},
                start_new_session=True,
            )
        self._socket = ours
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The warm process."""
        return self._process.pid

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
            answer, handles = self._ask(asked, handles=1)
        return KernelProcess(self, answer["pid"], handles[0])

    def exit_code(self, pid: int) -> int | None:
        """Return a kernel's exit code, negative for a signal; None while it lives."""
        with self._lock:
            try:
                return self._ask({"exit_code": pid})[0]["exit_code"]
            except OSError:  # the warm process is gone, and every kernel with it
                return -signal.SIGKILL

    def _ask(self, asked: dict, handles: int = 0) -> tuple[dict, list[int]]:
        self._socket.sendall(json.dumps(asked).encode() + b"\n")
        answer, found = b"", []
        while not answer.endswith(b"\n"):
            part, received, _, _ = socket.recv_fds(self._socket, 1 << 16, handles)
            if not part:
                raise ConnectionResetError("the process of warm kernels has ended")
            answer, found = answer + part, [*found, *received]
        return json.loads(answer), found

    def close(self) -> None:
        """End the warm process and every kernel that still lives."""
        self._socket.close()
        self._process.wait()
