"""The process that has imported everything and forks kernels: ``python -m`` this, by `Nursery`.

It never starts a thread nor opens a socket of zmq, so that a fork is whole. Kernels give the same
bytes as fresh ones: the random generators are seeded anew in each, and what a library settles at
import by looking at the kernel (matplotlib's backend, how many columns pandas prints) is set as a
kernel has it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from ipykernel.kernelapp import launch_new_instance

from loftet_analysis.batch import collect_rarely
from loftet_analysis.cleaning import store
from loftet_analysis.errors import InputError

# what notebooks import, so that every kernel has it
from loftet_analysis.show import open_study as open_study
from loftet_analysis.show.languages import catalogue
from loftet_analysis.study import load_study

#: What a kernel and its notebook import at first use, which takes longer than all else it does
#: before the first cell.
_AT_FIRST_USE = ("ipykernel.debugger", "matplotlib.backends.backend_svg", "pyarrow.dataset")
_PR_SET_PDEATHSIG = 1
_FIRST_TO_GO = "500"  # where memory runs out, a kernel dies and not the batch


def serve(channel: socket.socket, studies: Sequence[str]) -> None:
    """Fork a kernel for each request, until the other end closes; then end them all."""
    # as in a kernel, where there is no terminal whose width would count
    pd.set_option("display.max_columns", 20)
    gc.collect()
    gc.freeze()  # what is there stays shared between the forks
    collect_rarely()
    kernels: set[int] = set()
    unread = list(studies)
    try:
        with channel.makefile("rb") as requests:
            for line in requests:
                asked = json.loads(line)
                if "exit_code" in asked:
                    _send(channel, {"exit_code": _exit_code(asked["exit_code"], kernels)})
                    continue
                while unread:  # not before: clean data are there by now
                    _read_for_all(unread.pop())
                pid = os.fork()
                if pid == 0:
                    _become_kernel(channel, **asked)
                kernels.add(pid)
                handle = os.pidfd_open(pid)
                _send(channel, {"pid": pid}, handle)
                os.close(handle)
    finally:
        for pid in kernels:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _read_for_all(study: str) -> None:
    """Read what each page of a study would read; a kernel reads anew what has changed since."""
    with (
        contextlib.suppress(InputError, OSError),  # a kernel says what is wrong
        pd.option_context("mode.string_storage", "python"),  # as `open_study` has it
    ):
        for table in store.TABLES:
            store.read_table(study, table)


def _send(channel: socket.socket, answer: dict, *handles: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        socket.send_fds(channel, [json.dumps(answer).encode() + b"\n"], list(handles))


def _exit_code(pid: int, kernels: set[int]) -> int | None:
    """Return the exit code of a kernel that has ended, which frees its place."""
    if pid not in kernels:
        return -signal.SIGKILL
    ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        return None
    kernels.discard(pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # what the kernel started and left behind
    return os.waitstatus_to_exitcode(status)


def _become_kernel(
    channel: socket.socket, arguments: list[str], folder: str, env: dict[str, str]
) -> None:
    """Run a kernel in a forked process; never returns."""
    code = 1
    try:
        parent = os.getppid()
        os.setsid()
        _die_with_parent(parent)
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
        launch_new_instance(passed_on)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _die_with_parent(parent: int) -> None:
    """Let the system kill this process when the warm one is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    for name in _AT_FIRST_USE:
        with contextlib.suppress(ImportError):  # not every kernel can be debugged
            import_module(name)
    for name in sys.argv[2:]:
        # the texts of its description are kept once they are parsed, and those of its languages; a
        # kernel says what is wrong
        with contextlib.suppress(InputError, OSError):
            for language in load_study(name).languages:
                catalogue(language)
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
