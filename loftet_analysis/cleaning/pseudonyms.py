"""Pseudonyms: a keyed hash of an id, which nobody without the key file can trace back."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import string
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

from loftet_analysis import paths
from loftet_analysis.errors import InputError
from loftet_analysis.study import Study

KEY_BYTES = 32
_FEWEST_DIFFERENT = 16  # of 32 bytes by chance about 30 differ
_PRINTED = frozenset(string.printable.encode())


def pseudonym(key: bytes, *parts: str) -> str:
    """Return the pseudonym of what the parts name together.

    HMAC-SHA256 (RFC 2104) of the parts with a unit separator between them, the first 64 bits in
    hexadecimal: two of a million people share one with a probability of 3·10⁻⁸.

    Examples
    --------
    >>> len(pseudonym(b"k" * 32, "teachers", "17"))
    16
    >>> pseudonym(b"k" * 32, "a", "b") == pseudonym(b"k" * 32, "ab")
    False
    """
    return hmac.digest(key, "\x1f".join(parts).encode(), "sha256").hex()[:16]


def key_path(study: Study) -> Path:
    """Return where the key of a study lies: outside the project's folder.

    The file that study.yml names, else ``$LOFTET_KEYS/<study>.key``, else
    ``loftet/keys/<study>.key`` in the user's data folder.
    """
    if study.key:
        return study.key
    folder = os.environ.get("LOFTET_KEYS")
    keys = Path(folder) if folder else Path(platformdirs.user_data_dir("loftet")) / "keys"
    return keys / f"{study.name}.key"


def load_key(study: Study) -> bytes:
    """Return the key of a study; make it, and say where it lies, when there is none yet.

    The file is readable by its owner alone (mode 0600, where the system knows modes).

    Raises
    ------
    InputError
        Where the file lies inside the project's folder or beside the data, can be read by others,
        or is not a key.
    """
    path = key_path(study)
    beside = (paths.root(), paths.generated(), study.exports)
    if any(path.resolve().is_relative_to(folder.resolve()) for folder in beside):
        what, where = "pseudonym key beside the data", "study.yml (key:) or LOFTET_KEYS"
        allowed = "a place that is neither shared nor versioned together with the data"
        todo = "move the key file elsewhere and name its new place"
        raise InputError(what, str(path), allowed, where, todo)
    if not path.exists():
        _make_key(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        what, found, allowed = "pseudonym key that others can read", f"mode {mode:04o}", "mode 0600"
        todo = f"take the right from them: chmod 600 {path}"
        raise InputError(what, found, allowed, str(path), todo)
    return _key_in(path)


def _key_in(path: Path) -> bytes:
    """Return the key that a file holds: 32 bytes by chance, never a text."""
    with path.open("rb") as file:
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        size = path.stat().st_size
        found, allowed = f"{size} bytes", f"{KEY_BYTES} bytes"
    elif len(set(key)) < _FEWEST_DIFFERENT or all(byte in _PRINTED for byte in key):
        found, allowed = "a text, or few different bytes", f"{KEY_BYTES} bytes by chance"
    else:
        return key
    todo = "restore the file from its backup; with a new key earlier pseudonyms are lost"
    raise InputError("not a pseudonym key", found, allowed, str(path), todo)


def passing_key(study: Study) -> bytes:
    """Return the study's key where there is one, else one that ends with the process."""
    return load_key(study) if key_path(study).exists() else _momentary(study.name)


@cache
def _momentary(study: str) -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def key_check(study: Study) -> str:
    """Return a text by which a key can be told from another, ``""`` where there is none.

    It is a pseudonym of nobody: the key cannot be had from it.
    """
    path = key_path(study)
    if not path.is_file():
        return ""
    with path.open("rb") as file:  # it may be any file
        return pseudonym(file.read(KEY_BYTES), "check")


def forget_key(study: Study) -> Path:
    """Destroy the key of a study: then nobody can trace a pseudonym back to an id or code.

    The file is overwritten, then removed. Copies of it (backups) are out of reach.

    Returns
    -------
    Path
        Where it was.

    Raises
    ------
    InputError
        Where there is no key, or a link, or the file is no key: then nothing is overwritten.
    """
    path = key_path(study)
    if path.is_symlink():
        what, allowed = "a link in the place of the pseudonym key", "the file itself"
        todo = "name the file that it points to (key: in study.yml, or LOFTET_KEYS)"
        raise InputError(what, "a link", allowed, str(path), todo)
    if not path.is_file():
        todo = "nothing, or name its place (key: in study.yml, or LOFTET_KEYS)"
        what, found = "no pseudonym key to destroy", "no such file"
        raise InputError(what, found, where=str(path), todo=todo)
    _key_in(path)
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    return path


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=paths.PARTIAL)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        paths.sync(Path(partial))
        os.link(partial, path)  # whole or not at all, and never over another key
        paths.sync(path.parent)
    except FileExistsError:
        return  # another process was faster
    finally:
        Path(partial).unlink()
    print(f"pseudonym key made: {path} (keep it apart from the data, and delete it at the end)")
