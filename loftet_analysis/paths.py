"""Where everything lies: paths hang on one root, never on the working directory.

The root is ``LOFTET_ROOT``, else the nearest folder at or above the working directory that
holds ``data_raw/``; where there is none yet, ``loftet demo`` makes the working folder one.
``LOFTET_DATA`` moves the generated folders (``data_clean``, ``figures``, ``reports``) to another
disk.
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
#: The notebooks that come with an installed package; a checkout has them at its root alone.
PACKAGED = Path(__file__).parent / "notebooks"


def root() -> Path:
    """Return the folder that holds ``data_raw/``, and ``notebooks/`` where it has its own.

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
            todo="change into the project's folder, or set LOFTET_ROOT to it; `loftet demo` makes "
            "the working folder one",
        )
    )


def make_root() -> Path:
    """Return the root; where there is none, make the working folder one."""
    try:
        return root()
    except InputError:
        folder = Path.cwd().resolve()
        (folder / "data_raw").mkdir()
        return folder


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


def notebooks(pattern: str = "*/*") -> dict[str, Path]:
    """Return the notebooks by their names below ``notebooks/``, without suffix and in order.

    Parameters
    ----------
    pattern : str
        Only those whose names fit it; default: all that a study can name.

    Returns
    -------
    dict of str to Path
        ``region/04_pupils``: the project's own go before those that came with the package.

    Examples
    --------
    >>> [*notebooks("national/10*")]
    ['national/10_synthesis']
    """
    there = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for folder in (PACKAGED, root() / "notebooks")
        for path in folder.glob(f"{pattern}.ipynb")
        if not path.parent.name.startswith(".")
    }
    return dict(sorted(there.items()))


def notebook(name: str, project: Path | None = None) -> Path:
    """Return the notebook of that name: the project's own, else the one of the package.

    Parameters
    ----------
    name : str
        As `notebooks` has it.
    project : Path, optional
        Another root than this process's.
    """
    own = (project or root()) / "notebooks" / f"{name}.ipynb"
    packaged = PACKAGED / f"{name}.ipynb"
    return own if own.exists() or not packaged.exists() else packaged


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
