"""What the command line needs of its process: signs, names of files, and enough memory."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper

from loftet_analysis.errors import InputError

# Windows has no such limits
resource = import_module("resource") if find_spec("resource") else None

#: What a process computes with: numbers must not hang on cores, nor on how many kernels run.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
#: Limits of a process, their options of ``ulimit``, and the bytes that a run of a small study takes
#: with some to spare; threads, some for each core, reserve 64 MB of addresses each. With less,
#: libraries end the process, or wait for memory for ever.
_NEEDED = {
    "RLIMIT_AS": ("-v", (30 + (os.cpu_count() or 2)) << 27),
    "RLIMIT_DATA": ("-d", 2 << 30),
}
_READABLE = "loftet-readable"
_PLAIN = {
    "→": "->", "–": "-", "—": "-", "−": "-", "·": "-", "•": "-", "…": "...", "×": "x", "≥": ">=",
    "≤": "<=", "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "æ": "ae", "Æ": "Ae",
    "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ŋ": "n", "Ŋ": "N", "ŧ": "t", "Ŧ": "T", "ß": "ss",
}  # fmt: skip


def plain(text: str) -> str:
    """Return a text in signs that every terminal has.

    Examples
    --------
    >>> plain("exports → data_clean/ in Løftet, Nordlánnda … 学")
    'exports -> data_clean/ in Loftet, Nordlannda ... ?'
    """
    parts = (_PLAIN.get(sign) or unicodedata.normalize("NFKD", sign) for sign in text)
    signs = (
        sign if sign.isascii() else "?"
        for part in parts
        for sign in part
        if not unicodedata.combining(sign)
    )
    return "".join(signs)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Return what is printed in place of signs that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def print_readably() -> None:
    """Let what the terminal's encoding does not have be printed in plain signs, and not raise."""
    codecs.register_error(_READABLE, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_READABLE)


def tight_memory() -> str:
    """Return which limits of memory are lower than what a small study takes; empty for none."""
    limits = {
        option: (resource.getrlimit(getattr(resource, name))[0], needed)
        for name, (option, needed) in _NEEDED.items()
        if resource
    }
    return "; ".join(
        f"{allowed / (1 << 30):.1f} GB for a process (ulimit {option}) where "
        f"{needed / (1 << 30):.1f} are needed"
        for option, (allowed, needed) in limits.items()
        if 0 <= allowed < needed
    )


def refuse_tight_memory() -> None:
    """Refuse limits of memory with which a run cannot even begin; before numpy is imported.

    Raises
    ------
    InputError
        Where the system allows this process less than a small study takes.
    """
    found = tight_memory()
    if found:
        todo = "lift the limit (ulimit -v unlimited; ulimit -d unlimited), or ask for more"
        raise InputError("too little memory is allowed", found, todo=todo)


def refuse_other_names() -> None:
    """Refuse a system on which a file's name is not the same for every library.

    Raises
    ------
    InputError
        Where Python writes names of files in another encoding than UTF-8, as Arrow does.
    """
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise InputError(
            "names of files are not in UTF-8 here",
            found=encoding,
            allowed="utf-8",
            where="the language settings of the system (LC_ALL, LANG)",
            todo="set PYTHONUTF8=1, and run again",
        )


def compute_on_one_thread() -> None:
    """Let libraries of this process compute on one thread each; before numpy is imported."""
    os.environ.update(ONE_THREAD)
