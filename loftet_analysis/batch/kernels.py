"""Notebooks through papermill, each in a kernel that is forked from a warm process."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger

from loftet_analysis.batch.warm import ONE_THREAD, Nursery, can_fork

#: The names by which jupyter_client and papermill find what is here.
PROVISIONER, ENGINE = "loftet-warm", "loftet"

_nurseries: list[Nursery] = []
_starting = threading.Lock()


def nursery(log: Path | None = None, *studies: str) -> Nursery:
    """Return this process's warm process; it is started at the first call, or when it has ended.

    Parameters
    ----------
    log : Path, optional
        Where it is started: the file for what it and its kernels say of themselves.
    *studies : str
        Where it is started: the studies whose descriptions it is to read.
    """
    with _starting:
        if not _nurseries or not _nurseries[-1].alive:
            _nurseries.append(Nursery(log, *studies))
            atexit.register(_nurseries[-1].close)
        return _nurseries[-1]


class WarmProvisioner(LocalProvisioner):
    """Kernels that are forked instead of started; otherwise as jupyter_client's own."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; `cmd` is what would start an ordinary one."""
        folder = str(kwargs.get("cwd") or Path.cwd())
        self.process = nursery().fork(cmd, folder=folder, env=kwargs["env"])
        # a forked kernel leads a session of its own
        self.pid = self.pgid = self.process.pid
        self.cwd = folder
        return self.connection_info


class Engine(NBClientEngine):
    """papermill's engine with a kernel of our choice, its environment, and one limit of time."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        folder: str,
        environment: Mapping[str, str],
        time_limit: float,
        warm: bool,
        **_: object,
    ) -> None:
        """Run a notebook's cells; the cell that is at work when the time is up is stopped."""
        end = time.monotonic() + time_limit
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            timeout_func=lambda cell: max(1, end - time.monotonic()),
            startup_timeout=120,
            shutdown_kernel="immediate",
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            log=logger,
        )
        client.create_kernel_manager()
        if warm:
            client.km.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": PROVISIONER}
        client.owns_km = True
        client.execute(env={**os.environ, **ONE_THREAD, **environment}, cwd=folder)


papermill_engines.register(ENGINE, Engine)


def executed(
    notebook: NotebookNode,
    target: Path,
    *,
    parameters: Mapping[str, str],
    folder: Path,
    environment: Mapping[str, str],
    time_limit: float,
    warm: bool,
) -> NotebookNode:
    """Execute a notebook and return it with its outputs.

    Parameters
    ----------
    notebook : NotebookNode
        With a cell tagged ``parameters``.
    target : Path
        Where papermill writes it when it is through, or when a cell has raised.
    parameters : mapping of str to str
        What papermill passes on.
    folder : Path
        The kernel's working folder.
    environment : mapping of str to str
        Added to this process's own.
    time_limit : float
        Seconds for all of its cells together.
    warm : bool
        Fork the kernel where this machine can; results are the same.

    Raises
    ------
    PapermillExecutionError
        Where a cell raises.
    CellTimeoutError
        Where the time is up.
    DeadKernelError
        Where the kernel ends by itself, or is killed.
    """
    return papermill.execute_notebook(
        notebook,
        str(target),
        parameters=dict(parameters),
        engine_name=ENGINE,
        kernel_name="python3",
        progress_bar=False,
        # each cell would write the whole notebook
        request_save_on_cell_execute=False,
        folder=str(folder),
        environment=dict(environment),
        time_limit=time_limit,
        warm=warm and can_fork(),
    )
