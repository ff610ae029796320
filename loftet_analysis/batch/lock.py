"""A study's workroom: who is at work there, what is not finished yet, and the logs of its runs."""

from __future__ import annotations

import logging
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from loftet_analysis import __version__, paths
from loftet_analysis.cleaning import store
from loftet_analysis.errors import InputError, Problem, refuse_any

log = logging.getLogger("loftet")
#: How the folders begin in which notebooks keep what they make until they are through.
RUNNING = "running-"
_KEPT_LOGS = 50


@contextmanager
def occupied(study: str, command: str) -> Iterator[Path]:
    """Work on a study alone, and write a log of it.

    What a killed run left unfinished is put right or removed first.

    Parameters
    ----------
    study : str
        The study's name.
    command : str
        What is done; told to whoever comes second, and in the log.

    Yields
    ------
    Path
        The log file, ``data_clean/.<study>/logs/<time in UTC>-<command>.log``.

    Raises
    ------
    InputError
        Where somebody else is at work on the study, and for every folder of the study that is a
        link which leads nowhere.
    """
    _refuse_lost(study)
    room = paths.workroom(study)
    paths.make_folder(room)
    lock, at_work = FileLock(room / "lock", mode=0o600), room / "at-work.txt"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{study} is being worked on",
            found=_read(at_work) or "another process",
            where=str(room),
            todo="wait until it has ended, or end it; then run again",
        ) from None
    try:
        began = datetime.now(UTC)
        _clear(study)
        paths.make_file(at_work).write_text(
            f"loftet {command}, process {os.getpid()} on {platform.node()}, "
            f"since {began:%Y-%m-%d %H:%M:%S} UTC",
            encoding="utf-8",
        )
        with _logged(room / "logs", f"{began:%Y%m%dT%H%M%S}-{command}") as path:
            log.info("%s of %s, loftet_analysis %s", command, study, __version__)
            yield path
            log.info("ended")
    finally:
        at_work.unlink(missing_ok=True)
        lock.release()


def _refuse_lost(study: str) -> None:
    """Refuse links to what is not there, such as a disk that is not connected."""
    links = (of(study) for of in (paths.clean, paths.figures, paths.reports))
    lost = [
        Problem(
            "a link leads nowhere",
            found=str(link.readlink()),
            where=str(link),
            todo="connect the disk and make the folder there, or remove the link",
        )
        for link in links
        if link.is_symlink() and not link.exists()
    ]
    refuse_any(lost)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _clear(study: str) -> None:
    """Put right or remove what a killed process left."""
    store.recover(study)
    for folder in paths.workroom(study).glob(f"{RUNNING}*"):
        shutil.rmtree(folder)
    of_study = (paths.raw, paths.clean, paths.figures, paths.reports)
    for folder in (of(study) for of in of_study):
        for path in folder.rglob(f"{paths.PARTIAL}*"):
            path.unlink()


@contextmanager
def _logged(folder: Path, name: str) -> Iterator[Path]:
    """Write what is logged to a file of its own; only the newest files stay."""
    path = paths.make_file(folder / f"{name}.log")
    for old in sorted(folder.glob("*.log"))[:-_KEPT_LOGS]:
        old.unlink()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield path
    except BaseException as error:
        log.error("stopped: %s: %s", type(error).__name__, error)
        raise
    finally:
        log.removeHandler(handler)
        handler.close()


def say(study: str, step: str) -> None:
    """Tell which step of a study's run begins, also in its log."""
    print(f"{study}: {step}", flush=True)
    log.info(step)


def shown(path: Path) -> str:
    """Return a path as it is found from the working folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
