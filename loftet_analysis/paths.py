"""Where everything lies: paths hang on one root, never on the working directory.

The root is ``LOFTET_ROOT``, else the nearest folder at or above the working directory that
holds ``data_raw/``. ``LOFTET_DATA`` moves the generated folders (``data_clean``, ``figures``,
``reports``) to another disk.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loftet_analysis.errors import InputError, Problem

#: How the name of a file begins that is being written; such a file may be removed after a crash.
PARTIAL = ".partial-"


def root() -> Path:
    """Return the folder that holds ``data_raw/`` and ``notebooks/``.

    Raises
    ------
    InputError
        Where neither the environment nor the working directory leads to one.
    """
    named = os.environ.get("LOFTET_ROOT")
    if named:
        return Path(named).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "data_raw").is_dir():
            return folder
    raise InputError(
        Problem(
            "no project folder",
            found=str(here),
            allowed="a folder that holds data_raw/, or one below it",
            todo="change into the project's folder, or set LOFTET_ROOT to it",
        )
    )


def generated() -> Path:
    """Return the folder of the generated folders: ``LOFTET_DATA``, else the root."""
    moved = os.environ.get("LOFTET_DATA")
    return Path(moved).resolve() if moved else root()


def raw(study: str = "") -> Path:
    """Return the folder of a study's description and exports."""
    return root() / "data_raw" / study


def clean(study: str) -> Path:
    """Return the folder of a study's clean data (internal)."""
    return generated() / "data_clean" / study


def workroom(study: str) -> Path:
    """Return the folder of a study's runs: lock, logs, and what is not finished yet (internal)."""
    return generated() / "data_clean" / f".{study}"


def figures(study: str) -> Path:
    """Return the folder of a study's published figures."""
    return generated() / "figures" / study


def reports(study: str) -> Path:
    """Return the folder of a study's published pages and tables."""
    return generated() / "reports" / study


def notebooks() -> Path:
    """Return the folder of the notebooks."""
    return root() / "notebooks"


@contextmanager
def written_whole(target: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``target`` and move it there when the block succeeds.

    Parameters
    ----------
    target : Path
        Its folder is made where it is not there.
    private : bool, default False
        Nobody but the owner may read the file (0600) and look into its folder (0700).

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_whole(folder / "a" / "b.txt") as path:
    ...     _ = path.write_text("whole")
    >>> [p.name for p in (folder / "a").iterdir()]
    ['b.txt']
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if private:
        target.parent.chmod(0o700)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=PARTIAL, suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o600 if private else 0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
