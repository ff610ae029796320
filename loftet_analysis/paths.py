"""Where everything lies: paths hang on one root, never on the working directory.

The root is ``LOFTET_ROOT``, else the nearest folder at or above the working directory that
holds ``data_raw/``; where there is none yet, ``loftet demo`` makes the working folder one.
``LOFTET_DATA`` moves the generated folders (``data_clean``, ``figures``, ``reports``,
``releases``) to another disk.

Everything below ``data_clean/`` is of single people or exact: its files are made with mode 0600 and
its folders with 0700, whatever the umask. Where a file lies decides, not who writes it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from loftet_analysis.errors import InputError

#: How the name of a file begins that is being written; such a file may be removed after a crash.
PARTIAL = ".partial-"
#: The notebooks that come with an installed package; a checkout has them at its root alone.
PACKAGED = Path(__file__).parent / "notebooks"
#: The templates of letters that come with an installed package; likewise.
PACKAGED_TEMPLATES = Path(__file__).parent / "templates"
_AT_ONCE = 16  # files that wait for the disk together
_CLEAN = "data_clean"


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
        "no project folder",
        found=str(here),
        allowed="a folder that holds data_raw/, or one below it",
        todo="change into the project's folder, or set LOFTET_ROOT to it; `loftet demo` makes "
        "the working folder one",
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
    return generated() / _CLEAN / study


def workroom(study: str) -> Path:
    """Return the folder of a study's runs: lock, logs, and what is not finished yet (internal)."""
    return generated() / _CLEAN / f".{study}"


def figures(study: str) -> Path:
    """Return the folder of a study's published figures."""
    return generated() / "figures" / study


def reports(study: str) -> Path:
    """Return the folder of a study's published pages and tables."""
    return generated() / "reports" / study


def releases(study: str) -> Path:
    """Return the folder in which a study's releases are kept, by their numbers."""
    return generated() / "releases" / study


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


def templates() -> dict[str, Path]:
    """Return the templates of letters by name and language: ``information.nb``.

    The project's own, in ``docs/templates/``, go before those that came with the package.
    """
    folders = (PACKAGED_TEMPLATES, root() / "docs" / "templates")
    there = {path.stem: path for folder in folders for path in folder.glob("*.*.txt")}
    return dict(sorted(there.items()))


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Give a temporary path beside ``target`` and move it there when the block succeeds.

    What was written is on the disk before it takes its place, and its name before this returns, so
    that neither a kill nor a power cut leaves a file that is half written.

    Parameters
    ----------
    target : Path
        Its folder is made where it is not there.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_whole(folder / "a" / "b.txt") as path:
    ...     _ = path.write_text("whole")
    >>> [p.name for p in (folder / "a").iterdir()]
    ['b.txt']
    """
    temporary = _begun(target)
    try:
        yield temporary
        sync(temporary)
        temporary.replace(target)
        sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def replace_all(contents: Mapping[Path, bytes], *, outdated: Iterable[Path] = ()) -> None:
    """Write files as `written_whole` does and remove others, with one wait for the disk.

    Parameters
    ----------
    contents : mapping of Path to bytes
    outdated : iterable of Path
        Files and folders to remove, there or not.
    """
    begun: dict[Path, Path] = {}
    try:
        for target, content in contents.items():
            begun[target] = _begun(target)
            begun[target].write_bytes(content)
        sync(*begun.values())
        for target, temporary in begun.items():
            temporary.replace(target)
        changed = {path.parent for path in outdated if _removed(path)}
        changed |= {path.parent for path in begun}
        sync(*(folder for folder in changed if folder.is_dir()))
    finally:
        for temporary in begun.values():
            temporary.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder: Path, *, lasting: bool = True) -> None:
    """Make a folder and those above it.

    Below ``data_clean/`` only their owner may look into them, and into one that is there already.

    Parameters
    ----------
    folder : Path
    lasting : bool, default True
        Whether each has a name that is on the disk when this returns.
    """
    private = is_private(folder)
    if not folder.is_dir():
        make_folder(folder.parent, lasting=lasting)
        folder.mkdir(0o700 if private else 0o777, exist_ok=True)
        if lasting:
            sync(folder.parent)
    elif private and folder.stat().st_mode & 0o077:
        with suppress(PermissionError):  # it is somebody else's, who lets us write there
            folder.chmod(0o700)


def make_file(path: Path) -> Path:
    """Make an empty file with the rights that belong to its place, and return its path.

    It is for writers that open a file by its name; what they write may be lost in a power cut, and
    so may the names of folders that were not there.
    """
    make_folder(path.parent, lasting=False)
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600 if is_private(path) else 0o666))
    return path


def is_private(path: Path) -> bool:
    """Whether what lies there is for its owner alone: below ``data_clean/``."""
    try:
        folder = generated() / _CLEAN
    except InputError:  # no project, so no data
        return False
    return path != folder and path.is_relative_to(folder)


def sync(*files: Path) -> None:
    """Wait until the contents of files, and the names in folders, are on the disk."""
    if len(files) > 1:
        # together they wait for the disk once
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(sync, files))
    elif files and not (os.name == "nt" and files[0].is_dir()):  # Windows keeps names by itself
        handle = os.open(files[0], os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _begun(target: Path) -> Path:
    """Return the place of a file that is being written, with the rights that it is to have."""
    make_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=PARTIAL, suffix=target.suffix)
    os.close(handle)
    if not is_private(target):
        Path(name).chmod(0o666 & ~_umask())
    return Path(name)


def _removed(path: Path) -> bool:
    """Remove a file or folder; return whether it was there. A link goes, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        return True
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
