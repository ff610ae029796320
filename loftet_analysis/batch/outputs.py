"""What a step made: the SHA-256 of every file is recorded, and the next run looks at them."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from loftet_analysis import paths
from loftet_analysis.errors import named

#: How a step ended; an unfinished one has begun to replace or remove what it made before.
DONE, FAILED, UNFINISHED = "done", "failed", "unfinished"
#: What the manifest calls the site: tables, front pages, and the pages with their navigation.
SITE = "site"
#: How a reason begins that tells of files that are missing, or not as they were written.
DAMAGED = "damaged: "
_NAMED = 3  # files in a reason
_READ: dict[tuple, str] = {}  # the SHA-256 of files in their states


def place(path: Path) -> str:
    """Return a file's place below the generated folders, as the manifest has it."""
    return path.relative_to(paths.generated()).as_posix()


def sums(files: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of files by their places."""
    return {place(path): paths.sha256(path) for path in files}


def sums_of(contents: Mapping[Path, bytes]) -> dict[str, str]:
    """Return the SHA-256 that files have which hold these contents, by their places."""
    return {place(path): hashlib.sha256(each).hexdigest() for path, each in contents.items()}


def damaged(manifest: Mapping[str, dict]) -> dict[str, dict[str, str]]:
    """Return the finished results of which files are not as they were recorded.

    Parameters
    ----------
    manifest : mapping of str to dict
        From `read_manifest`.

    Returns
    -------
    dict of str to dict
        By name, the places of its files that *are missing* or *were changed*. A figure that several
        notebooks of a region draw is sound when it is the one that any of them drew, and a page
        also with the navigation that the site put into it; the site itself takes no other.
    """
    finished = {name: entry for name, entry in manifest.items() if entry["state"] == DONE}
    recorded: dict[str, set[str]] = defaultdict(set)
    for entry in (*finished.values(), manifest.get(SITE, {"outputs": {}})):
        for name, total in entry["outputs"].items():
            recorded[name].add(total)
    now = _sums_now(recorded)
    found = {
        name: {
            file: "was changed" if now[file] else "is missing"
            for file, total in entry["outputs"].items()
            if now[file] not in ({total} if name == SITE else recorded[file])
        }
        for name, entry in finished.items()
    }
    return {name: files for name, files in found.items() if files}


def why_damaged(files: Mapping[str, str]) -> str:
    """Return a reason that names files by what became of them; empty where there are none.

    Examples
    --------
    >>> why_damaged({"reports/demo/index.html": "is missing"})
    'damaged: reports/demo/index.html is missing'
    """
    if not files:
        return ""
    return DAMAGED + named([f"{file} {fault}" for file, fault in files.items()], _NAMED)


def _sums_now(places: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 that files have now, by their places; empty where there is none.

    A file is read once for as long as it is the same.
    """
    folder = f"{paths.generated()}/"
    states = {name: _state(folder + name) for name in places}
    unread = [state for state in states.values() if state and state not in _READ]
    with ThreadPoolExecutor() as pool:
        _READ.update(zip(unread, pool.map(_read, unread), strict=True))
    return {name: _READ[state] if state else "" for name, state in states.items()}


def _state(path: str) -> tuple | None:
    try:
        state = os.stat(path)  # noqa: PTH116 - of tens of thousands
    except OSError:
        return None
    return path, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _read(state: tuple) -> str:
    try:
        return paths.sha256(Path(state[0]))
    except OSError:
        return ""
