"""What a result was made from: fingerprints of every input, kept in a manifest.

A fingerprint is a mapping from a part's name to a text that changes when the part does: a SHA-256
of its bytes, or versions. So a stale result can say *which* part changed. What a notebook reads its
open study notes; its data are the slices on that list and no others. Nothing depends on file times
or on git.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.batch.outputs import DONE, FAILED, UNFINISHED, damaged, why_damaged
from loftet_analysis.cleaning import pseudonyms, store
from loftet_analysis.errors import InputError
from loftet_analysis.study import Study, wave_states
from loftet_analysis.study.declared import PLAN
from loftet_analysis.study.load import paths_beside, register_path

Fingerprint = dict[str, str]
#: What a notebook read: a table, a population or what regions kept (`RESULTS`), and which rows.
Read = tuple[str, dict[str, list[str]]]
NEVER_RUN = "never run"
#: Entries of the manifest that are no pages, and the part of the clean data that is no file.
CLEAN, SCHOOLS = "clean data", "school pages"
KEY, KEY_DESTROYED = "pseudonym key", "destroyed"
WAVES = "state of waves"
#: Parts of a page that are not data.
LIBRARY, NOTEBOOK, PACKAGES = "library", "notebook", "packages"
DESCRIPTION, PARAMETERS = "study description", "parameters"
RESULTS = "results"
#: What an entry of the manifest does not say.
_ENTRY: dict[str, object] = {"reads": [], "languages": [], "outputs": {}, "seconds": 0.0}
_SUM = ': {"sha256": "'  # begins every entry, and is followed by that of the rest

_LIBRARY = Path(__file__).parents[1]
_ANALYSIS = ("stats", "study", "disclosure", "cleaning", "analysis", "show")
_CLEANING = ("stats", "study", "disclosure", "cleaning", "analysis")
_COMPUTES = ("numpy", "pandas", "pyarrow", "scipy", "statsmodels", "pingouin", "rapidfuzz")
_DRAWS = ("matplotlib", "seaborn", "babel", "nbconvert", "python-docx")


def digest(files: Iterable[Path]) -> str:
    """Return one SHA-256 over names and bytes of files, whatever their order.

    Parameters
    ----------
    files : iterable of Path
        Folders stand for all files below them but bytecode; what does not exist counts as absent.

    Examples
    --------
    >>> digest([]) == digest([Path("there/is/no/such/file")])
    True
    """
    total = hashlib.sha256()
    for name, path in sorted({(path.name, path) for path in _every_file(files)}):
        total.update(name.encode())
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _every_file(paths_: Iterable[Path]) -> Iterable[Path]:
    for path in paths_:
        if path.is_dir():
            # bytecode appears when the library is first used
            found = (file for file in path.rglob("*") if "__pycache__" not in file.parts)
            yield from (file for file in found if file.is_file())
        elif path.is_file():
            yield path


@cache
def library_digest(floors: tuple[str, ...] = _ANALYSIS) -> str:
    """Return the SHA-256 of the library's own sources on some floors, as the process began."""
    return digest([*_LIBRARY.glob("*.py"), *(_LIBRARY / floor for floor in floors)])


@cache
def package_versions(packages: tuple[str, ...] = _COMPUTES + _DRAWS) -> str:
    """Return the versions of what computes and draws.

    Examples
    --------
    >>> package_versions(("numpy",)).split()[0]
    'numpy'
    """
    return ", ".join(f"{name} {version(name)}" for name in packages)


def notebook_digest(notebook: Path) -> str:
    """Return the SHA-256 of a notebook's cells without outputs: running it by hand is no change."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        told = [["".join(c["source"]), c["cell_type"], c.get("id"), c["metadata"]] for c in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return digest([notebook])
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def description_digest(study: str) -> str:
    """Return the SHA-256 of a study's own description, with all files beside study.yml."""
    described = [paths.raw(study) / name for name in ("study.yml", "instruments", PLAN)]
    return digest([*described, register_path(study), *paths_beside(study)])


def common_fingerprint(study: str) -> Fingerprint:
    """Return the fingerprint of what all pages and tables of a study are made by and from."""
    return {
        DESCRIPTION: description_digest(study),
        LIBRARY: library_digest(),
        PACKAGES: package_versions(),
    }


def cleaning_fingerprint(study: Study) -> Fingerprint:
    """Return the fingerprint of what a study's clean data are made from."""
    check = pseudonyms.key_check(study)
    states = wave_states(study, by_hand=store.closed_by_hand(study.name))
    return {
        DESCRIPTION: description_digest(study.name),
        "exports": digest(study.export_path(file) for file in study.export_files),
        WAVES: ", ".join(
            " ".join([f"{wave} of {whose}", *(f"of {each}" for each in cohort), state])
            for (whose, wave, *cohort), state in states.items()
        ),
        LIBRARY: library_digest(_CLEANING),
        PACKAGES: package_versions(_COMPUTES),
        **({KEY: check} if check else {}),
    }


def why_unclean(study: Study) -> str:
    """Return why a study's clean data are not what would be made now; empty when they are."""
    return why_not_current(study.name, CLEAN, cleaning_fingerprint(study))


def why_not_current(study: str, name: str, now: Fingerprint) -> str:
    """Return why a result is stale, or which of its files are damaged; empty for neither."""
    manifest = read_manifest(study)
    told = why_stale(manifest.get(name), now)
    return told or why_damaged(damaged(manifest).get(name, {}))


class Inputs:
    """The fingerprints of everything that a study's pages are made from, each computed once.

    It is of one moment: after new clean data take a new one.

    Parameters
    ----------
    study : str
        The study's name.
    """

    def __init__(self, study: str) -> None:
        self._study = study
        self._known: dict[str, str] = {}

    @cached_property
    def _common(self) -> Fingerprint:
        return common_fingerprint(self._study)

    def page(
        self, notebook: Path, parameters: Mapping[str, str], reads: Iterable[Read]
    ) -> Fingerprint:
        """Return the fingerprint of a page.

        Parameters
        ----------
        notebook : Path
            Its source.
        parameters : mapping of str to str
            What papermill passes on.
        reads : iterable of Read
            What it read when it was made.
        """
        return {
            NOTEBOOK: self._of(f"notebook {notebook}", lambda: notebook_digest(notebook)),
            PARAMETERS: json.dumps(dict(parameters), sort_keys=True),
            **self._common,
            **self.data(reads),
        }

    def data(self, reads: Iterable[Read]) -> Fingerprint:
        """Return the fingerprint of slices of the clean data, one part per table or population."""
        slices: dict[str, list[str]] = {}
        for what, where in reads:
            key = json.dumps([what, where], sort_keys=True)
            found = self._of(key, partial(self._slice, what, where))
            slices.setdefault(what, []).append(found)
        return {what: _joined(found) for what, found in slices.items()}

    def _of(self, key: str, compute: Callable[[], str]) -> str:
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def _slice(self, what: str, where: dict[str, list[str]]) -> str:
        if what in store.TABLES:
            try:
                rows = store.read_table(self._study, what, **where)
            except InputError:
                return "absent"
            content = pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes()
            return hashlib.sha256(f"{list(rows)}".encode() + content).hexdigest()
        folder = paths.clean(self._study) / what
        if what == store.PLAN_RECORD:
            return digest([folder])
        if what == RESULTS:
            files = [
                file
                for name in where["table"]
                for population in where[names.POPULATION]
                for file in folder.glob(f"*/*/{name}.{population}.csv")
                if file.parts[-3] != names.NATIONAL
            ]
            return _joined(f"{file.relative_to(folder)} {digest([file])}" for file in files)
        regions = where.get(names.REGION)
        if regions is None:
            regions = sorted(p.name.removeprefix("region=") for p in folder.glob("region=*"))
        of_regions = [self._region(folder / f"region={region}") for region in regions]
        return _joined(f"{r} {found}" for r, found in zip(regions, of_regions, strict=True))

    def _region(self, folder: Path) -> str:
        return self._of(f"folder {folder}", lambda: digest([folder]))


def _joined(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(set(texts))).encode()).hexdigest()


def read_manifest(study: str) -> dict[str, dict]:
    """Return what is recorded for each result of a study.

    What cannot be read, or is not what was written, counts as never recorded: the result is then
    made again.

    Returns
    -------
    dict of str to dict
        ``state``, ``parts`` (the fingerprint), ``reads``, ``languages`` (of its pages), ``outputs``
        (the SHA-256 of every file by its place below the generated folders) and ``seconds``.
    """
    return {name: {**_ENTRY, **json.loads(told)} for name, told in _told(study).items()}


def record(study: str, entries: Mapping[str, dict]) -> None:
    """Add or replace entries of a study's manifest; they are on the disk when this returns."""
    told = _told(study)
    told |= {name: json.dumps({**_ENTRY, **given}) for name, given in entries.items()}
    lines = [
        f'{json.dumps(name)}{_SUM}{_sum(name, entry)}", {entry[1:]}'
        for name, entry in sorted(told.items())
    ]
    with paths.written_whole(_manifest_path(study)) as path:
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _told(study: str) -> dict[str, str]:
    """Return the entries of a study's manifest that are undamaged, each as text.

    Each is a line, so that replacing one of thousands does not take long.
    """
    try:
        lines = _manifest_path(study).read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return {}
    told = {}
    for line in lines:
        quoted, _, rest = line.removesuffix(",").partition(_SUM)
        total, _, entry = rest.partition('", ')
        with suppress(ValueError):  # damaged
            name, entry = json.loads(quoted), "{" + entry
            if total == _sum(name, entry):
                told[name] = entry
    return told


def _sum(name: str, entry: str) -> str:
    return hashlib.sha256(f"{name}\n{entry}".encode()).hexdigest()


def _manifest_path(study: str) -> Path:
    return paths.clean(study) / "manifest.json"


def why_stale(entry: dict | None, now: Fingerprint) -> str:
    """Return why a recorded result is not what would be made now; empty when it is.

    Examples
    --------
    >>> why_stale({"state": "done", "parts": {"pupils": "a"}}, {"pupils": "b"})
    'pupils changed'
    >>> why_stale({"state": "done", "parts": {"pupils": "a"}}, {"pupils": "a"})
    ''
    >>> why_stale({"state": "done", "parts": {"packages": "a 1, b 1"}}, {"packages": "a 1, b 2"})
    'packages changed (b 1 → 2)'
    >>> why_stale(None, {"pupils": "a"})
    'never run'
    >>> why_stale({"state": "unfinished", "parts": {"pupils": "a"}}, {"pupils": "a"})
    'unfinished'
    """
    if entry is None:
        return NEVER_RUN
    if entry["state"] == FAILED:
        return FAILED
    before = entry["parts"]
    changed = sorted(part for part in now if before.get(part) != now[part])
    if not changed:
        return "" if entry["state"] == DONE else UNFINISHED
    newer = ""
    if PACKAGES in changed and before.get(PACKAGES):
        was = dict(each.split() for each in before[PACKAGES].split(", "))
        has = dict(each.split() for each in now[PACKAGES].split(", "))
        moved = [f"{p} {was.get(p, '–')} → {has[p]}" for p in has if was.get(p) != has[p]]
        newer = f" ({', '.join(moved)})"
    return f"{', '.join(changed)} changed{newer}"
