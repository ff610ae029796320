"""What a result was made from: fingerprints of every input, kept in a manifest.

A fingerprint is a mapping from a part's name to the SHA-256 of its bytes, so that a stale result
can say *which* part changed. Nothing depends on file times or on git.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from loftet_analysis import paths

Fingerprint = dict[str, str]
NEVER_RUN = "never run"

_LIBRARY = Path(__file__).parents[1]
_ANALYSIS = ("study", "data", "privacy", "stats", "report")
_CLEANING = ("study", "data", "privacy", "stats")


def digest(files: Iterable[Path]) -> str:
    """Return one SHA-256 over names and bytes of files, whatever their order.

    Parameters
    ----------
    files : iterable of Path
        Folders stand for all files below them; what does not exist counts as absent.

    Examples
    --------
    >>> digest([]) == digest([Path("there/is/no/such/file")])
    True
    """
    total = hashlib.sha256()
    for name, path in sorted({(path.name, path) for path in _every_file(files)}):
        total.update(name.encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _every_file(paths_: Iterable[Path]) -> Iterable[Path]:
    for path in paths_:
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            yield path


def library_digest(floors: Iterable[str] = _ANALYSIS) -> str:
    """Return the SHA-256 of the library's own sources on some floors."""
    sources = [_LIBRARY / f"{name}.py" for name in ("errors", "names", "paths")]
    for floor in floors:
        sources += [
            file for file in (_LIBRARY / floor).rglob("*") if "__pycache__" not in file.parts
        ]
    return digest(sources)


def description_digest(study: str) -> str:
    """Return the SHA-256 of a study's own description: study.yml, register and instruments."""
    return digest(paths.raw(study) / name for name in ("study.yml", "schools.csv", "instruments"))


def cleaning_fingerprint(study: str, exports: Iterable[Path]) -> Fingerprint:
    """Return the fingerprint of what a study's clean data are made from."""
    return {
        "study description": description_digest(study),
        "exports": digest(exports),
        "library": library_digest(_CLEANING),
    }


def read_manifest(study: str) -> dict[str, dict]:
    """Return what is recorded for each result of a study.

    What cannot be read counts as never recorded: the result is then made again.
    """
    try:
        manifest = json.loads(_manifest_path(study).read_text(encoding="utf-8"))
        return {
            name: {"state": str(entry["state"]), "parts": dict(entry["parts"])}
            for name, entry in manifest.items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def record(study: str, entries: Mapping[str, dict]) -> None:
    """Add or replace entries of a study's manifest."""
    manifest = {**read_manifest(study), **entries}
    with paths.written_whole(_manifest_path(study)) as path:
        path.write_text(
            json.dumps(dict(sorted(manifest.items())), indent=1, ensure_ascii=False),
            encoding="utf-8",
        )


def _manifest_path(study: str) -> Path:
    return paths.clean(study) / "manifest.json"


def why_stale(entry: dict | None, now: Fingerprint) -> str:
    """Return why a recorded result is not what would be made now; empty when it is.

    Examples
    --------
    >>> why_stale({"state": "done", "parts": {"data": "a"}}, {"data": "b"})
    'data changed'
    >>> why_stale({"state": "done", "parts": {"data": "a"}}, {"data": "a"})
    ''
    >>> why_stale(None, {"data": "a"})
    'never run'
    """
    if entry is None:
        return NEVER_RUN
    if entry["state"] != "done":
        return "failed"
    changed = sorted(part for part in now if entry["parts"].get(part) != now[part])
    return f"{', '.join(changed)} changed" if changed else ""
