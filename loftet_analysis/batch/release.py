"""Releases: what goes outside is frozen under a number, and compared with every earlier release.

Somebody who withdraws is in the old numbers and not in the new ones, so new less old would tell of
that person. A *block* is a region, or the country, × a population. It is issued anew only where its
people differ from those of each release that issued it by none or by at least the profile's limit,
as a whole and in every cell that both show; else the earlier numbers stand, whole. What changes in
the country and in no region that is issued anew counts in the same way.

Of whom a number was is remembered as keyed digests of answers, in ``data_clean/<study>/releases/``;
without the key of the pseudonyms nobody can tell what they were made of. The published files stay
in ``releases/<study>/<number>/``, from which later releases take the numbers that stand.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from itertools import chain, product
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis import __version__, names, paths, schema
from loftet_analysis.batch.fingerprints import read_manifest, why_unclean
from loftet_analysis.batch.lock import shown
from loftet_analysis.batch.outputs import DONE, SITE
from loftet_analysis.batch.plan import (
    all_tasks,
    known_tasks,
    still_to_come,
    why_stale_each,
    why_unpublished,
)
from loftet_analysis.batch.results import WORKBOOK
from loftet_analysis.cleaning import pseudonyms, store
from loftet_analysis.disclosure.mask import CHANGE, COMPLEMENT, LIMITS, within_cohorts
from loftet_analysis.errors import Problem, refuse_any
from loftet_analysis.estimands import CONTRASTS, linked_cell
from loftet_analysis.show.front import site_files
from loftet_analysis.show.languages import Words
from loftet_analysis.show.session import OWN_GROUPS
from loftet_analysis.show.workbook import write_workbook
from loftet_analysis.study import Population, Study
from loftet_analysis.study.phases import today
from loftet_analysis.study.study import grade_bands

#: A region's slug, or ``national``, and a population.
Block = tuple[str, str]
#: How the state of a block is told: its numbers are of this release, or of an earlier one.
ISSUED, STANDS, LEFT_OUT = "issued", "stands", "left out"
SUMS, ABOUT = "SHA256SUMS", "release.json"
_MEMORY, _TABLES = "memory.json", "reports/tables/"
_UNFINISHED = ".unfinished"
# columns of what is remembered: by what its cells are told apart, and digests of what they hold
_BY, _OF = "by:", "of:"
_BY_SCHOOL = f"{_BY}{names.SCHOOL}"
_PERSON, _SHEET, _SCALE = f"{_OF}person", f"{_OF}sheet", f"{_OF}scale:"
_FURTHER = (names.CARELESS, names.GATHERINGS, names.INTERIM_WORK)  # what else numbers rest on
_NOT_ANSWERED = (names.PERSON, names.SUBMITTED, names.LINKED_BY, names.LINK_STATE, names.SECONDS)
_AS_TEXT = {"dtype": str, "keep_default_na": False}
_CELL = [names.WAVE, "by", "value", "about", "what"]
_MASK = "disclosure"
_COUNTED = ("response", "linkage", "ledger", "values", "days")  # tables of all populations


@dataclass(frozen=True)
class Release:
    """A release as it is remembered.

    Attributes
    ----------
    number : int
    profile : str
        The study's disclosure profile.
    key : str
        By which the key of the digests can be told from another; empty without a key.
    parts : dict of str to str
        The SHA-256 of the clean data, by region and population.
    blocks : dict of Block to int
        The release that each block's numbers are of: this one, an earlier one, or 0 where the block
        was left out.
    pages : dict of str to list of str
        The files of each task whose pages are of this release, by their places in it.
    files : dict of str to str
        The SHA-256 of every published file by its place in the release.
    people : dict of str to DataFrame
        By population a row per questionnaire, and per person in several waves, under the region
        (empty for those who moved) and the name that the disclosure mask has for the wave: digests.
    mask : DataFrame
        ``schema.MASK``.
    """

    number: int
    profile: str
    key: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    blocks: dict[Block, int] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    people: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    mask: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)

    @property
    def limit(self) -> int:
        """The fewest people that a number may be of."""
        return LIMITS[self.profile]

    def issued(self, *blocks: Block) -> bool:
        """Whether the numbers of all these blocks are of this release."""
        return all(self.blocks.get(block) == self.number for block in blocks)

    def state(self, block: Block) -> str:
        """Return whether a block was issued, stands, or is left out."""
        since = self.blocks[block]
        return ISSUED if since == self.number else STANDS if since else LEFT_OUT

    def table(self) -> str:
        """Return for people of which release each block is."""
        regions, populations = ([*dict.fromkeys(each)] for each in zip(*self.blocks, strict=True))
        said = {STANDS: "release {} stands"}
        rows = [
            [
                said.get(state := self.state(block), state).format(self.blocks[block])
                for block in row
            ]
            for row in ([(region, each) for each in populations] for region in regions)
        ]
        return pd.DataFrame(rows, regions, populations).to_string()


@dataclass(frozen=True)
class Compared:
    """How two releases differ in one population.

    Attributes
    ----------
    cells : DataFrame
        A row per cell and digest that differs: ``region`` (also *national*; empty for those who
        moved), ``wave, by, value, about, what``, ``differ`` (people, the more of those who left and
        who came), ``known`` (whether both show the cell).
    turned : DataFrame
        Cells that only one of them shows, and that the other hides for others' sake: ``region,
        differ``, ``appears`` (whether it is the later that shows it).
    seen : frozenset of str
        Regions of which either shows anything, and the country.
    regions : dict of str to tuple
        Of each region that is named in `cells` its names before and after: several where regions
        were joined or divided, others where they were renamed.
    """

    cells: pd.DataFrame
    turned: pd.DataFrame
    seen: frozenset[str]
    regions: dict[str, tuple[frozenset[str], frozenset[str]]]


def release(study: Study, to: Path | None = None) -> tuple[Release, dict[str, str]]:
    """Freeze a study's pages, tables and figures under the next number.

    Parameters
    ----------
    study : Study
    to : Path, optional
        A folder that gets a copy; it is made, or is empty.

    Returns
    -------
    release : Release
    left_out : dict of str to str
        Pages that are not in it, by place and notebook, and why.

    Raises
    ------
    InputError
        Where clean data, pages or tables are not up to date, a folder is in the way, or the files
        of an earlier release whose numbers stand are missing or were changed.
    """
    archive, memory = paths.releases(study.name), paths.clean(study.name) / "releases"
    _recover(archive, memory)
    earlier = remembered(study.name)
    number = max((each.number for each in earlier), default=0) + 1
    _refuse(study, earlier, archive, to)
    made, key = _as_it_is(study, number)
    _refuse_damaged(study, made, earlier)
    made.blocks.update(_blocks(made, earlier, key, [*study.regions[names.REGION]], study.name))
    staged = archive / _UNFINISHED
    left_out = _stage(study, made, earlier, staged)
    copy = to.with_name(f"{_UNFINISHED}-{to.name}") if to else None
    if copy:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(staged, copy)
    paths.sync(*chain.from_iterable((path, *path.rglob("*")) for path in (staged, copy) if path))
    _remember(made, memory)
    _published(staged, archive / str(number))
    if copy and to:
        _published(copy, to)
    return made, left_out


def _published(staged: Path, folder: Path) -> None:
    if folder.exists():
        folder.rmdir()
    staged.rename(folder)
    paths.sync(folder.parent)


def _recover(archive: Path, memory: Path) -> None:
    """End a release that was remembered, and remove what counts for nothing."""
    shutil.rmtree(memory / _UNFINISHED, ignore_errors=True)
    staged = archive / _UNFINISHED
    if (staged / ABOUT).exists():
        with suppress(ValueError, KeyError):  # half written
            number = str(json.loads((staged / ABOUT).read_text(encoding="utf-8"))["number"])
            if (memory / number).exists() and not (archive / number).exists():
                staged.rename(archive / number)
    shutil.rmtree(staged, ignore_errors=True)


def remembered(study: str) -> list[Release]:
    """Return the releases of a study in their order.

    Raises
    ------
    InputError
        For each that cannot be read.
    """
    folders = [p for p in (paths.clean(study) / "releases").glob("*") if p.name.isdecimal()]
    found, problems = [], []
    for folder in sorted(folders, key=lambda path: int(path.name)):
        try:
            told = json.loads((folder / _MEMORY).read_text(encoding="utf-8"))
            told["blocks"] = {(region, of): since for region, of, since in told["blocks"]}
            people = {path.stem: pd.read_parquet(path) for path in folder.glob("people/*.parquet")}
            mask = pd.read_parquet(folder / "mask.parquet")
            found.append(Release(**told, people=people, mask=mask))
        except (OSError, ValueError, KeyError, TypeError):
            todo = "restore the folder from a backup: without it withdrawals could be undone"
            where = str(folder)
            problems.append(Problem("a release cannot be read", where=where, todo=todo))
    refuse_any(problems)
    return found


def _refuse(study: Study, earlier: Sequence[Release], archive: Path, to: Path | None) -> None:
    """Refuse to release what is not up to date, and to write where something lies."""
    problems = []
    stale = [("clean data", why_unclean(study))]
    if not stale[0][1]:
        stale += [(task.name, why) for task, why in why_stale_each(study, all_tasks(study)).items()]
        stale.append(("tables and index", why_unpublished(study)))
    told = [f"{name}: {why}" for name, why in stale if why]
    if told:
        more = f", and {len(told) - 1} more" if len(told) > 1 else ""
        todo = f"run: loftet run {study.name}"
        what, where = "the reports are not up to date", str(paths.reports(study.name))
        problems.append(Problem(what, told[0] + more, "all of them", where, todo))
    known = {str(each.number) for each in earlier}
    there = [path.name for path in archive.glob("*") if path.name.isdecimal()]
    there = sorted({*there} - known)
    if there:
        problems.append(
            Problem(
                "releases that are not remembered",
                found=", ".join(there),
                allowed=f"those in {shown(paths.clean(study.name) / 'releases')}",
                where=str(archive),
                todo="restore what is remembered of them, since nothing can be compared without; "
                "or move the folders away if nobody has seen them",
            )
        )
    if to is not None and (to.is_file() or (to.is_dir() and any(to.iterdir()))):
        found = "a file" if to.is_file() else "it is not empty"
        todo = "name a folder that is not there yet"
        problems.append(Problem("no place for a release", found, "an empty folder", str(to), todo))
    refuse_any(problems)


def _as_it_is(study: Study, number: int) -> tuple[Release, bytes]:
    """Return the release of everything as it is now, and the key of its digests."""
    mask = store.read_table(study.name, _MASK)
    key, check = b"", ""
    if pseudonyms.key_path(study).exists():
        key = hmac.digest(pseudonyms.load_key(study), b"releases", "sha256")
        check = pseudonyms.key_check(study)
    people = {}
    for name, population in study.populations.items() if key else ():
        groups = mask.loc[mask[names.POPULATION] == name, names.SUBGROUP].str.partition("=")
        groups = [group for group in groups.loc[groups[1] == "=", 0].unique() if group]
        people[name] = digests(store.read(study.name, name), population, groups, key)
    sums = store.sums_of(paths.clean(study.name))
    parts = {name: total for name, total in sums.items() if "/region=" in name}
    made = Release(number, study.disclosure, check, parts, people=people, mask=mask)
    return made, key


def digests(
    clean: pd.DataFrame, population: Population, groups: Sequence[str], key: bytes
) -> pd.DataFrame:
    """Return what is remembered of a population: of whom its numbers are, and of which answers.

    Parameters
    ----------
    clean : DataFrame
        Clean data of the whole study.
    population : Population
    groups : sequence of str
        Columns that the mask has subgroups of.
    key : bytes

    Returns
    -------
    DataFrame
        ``region`` and ``wave``; ``by:…`` for the school and each group; ``of:person``, ``of:sheet``
        (all answers and background), ``of:careless`` and the like, ``of:scale:…`` (the answers and
        the score of each scale): 64 bits of a keyed hash each, 0 where there is nothing. A person
        who is in several waves has a row for them too, with digests of all.
    """
    if names.GRADE_BAND in groups:
        clean = clean.assign(**{names.GRADE_BAND: grade_bands(clean[names.GRADE])})
    made = {c: clean[c].astype(object).to_numpy() for c in (names.REGION, names.WAVE)}
    for column in (names.SCHOOL, *(group for group in groups if group in clean)):
        made[_BY + column] = _tokens(clean[column].astype("str").fillna(""), key)
    for column, group in within_cohorts(clean, groups).items():
        made[_BY + column] = _tokens(group, key)
    person = clean[names.PERSON].astype("str").fillna("")
    made[_PERSON] = _tokens("person " + person, key)
    answered = [c for c in clean if c not in (*_NOT_ANSWERED, names.REGION, names.GRADE_BAND)]
    about = {_SHEET: answered, **{_OF + c: [c] for c in _FURTHER if c in clean}}
    for name, scale in population.instrument.scales.items():
        columns = [c for c in (*scale.items, name) if c in clean]
        about |= {_SCALE + name: columns} if columns else {}
    coded = {c: _coded(clean[c], key) for c in dict.fromkeys(chain(*about.values()))}
    # sums, since a column that somebody has nothing in makes no difference
    sums = {name: np.sum([coded[c] for c in columns], axis=0) for name, columns in about.items()}
    made |= {name: _mixed(each[:, None], key) for name, each in sums.items()}
    sheets = pd.DataFrame(made)
    identified = sheets[person.ne("").to_numpy()].set_index(person[person.ne("")].to_numpy())
    together = [_together(identified, waves, key) for waves in (*CONTRASTS.values(), names.WAVES)]
    return pd.concat([sheets, *together], ignore_index=True)


def _together(sheets: pd.DataFrame, waves: Sequence[str], key: bytes) -> pd.DataFrame:
    """Return those who are in all of these waves, under their first keys; index: persons."""
    parts = [sheets[sheets[names.WAVE] == wave] for wave in waves]
    parts = [part[~part.index.duplicated()] for part in parts]
    first, *others = parts
    for other in others:
        first = first[first.index.isin(other.index)]
    parts = [first, *(other.loc[first.index] for other in others)]
    made = first.assign(**{names.WAVE: linked_cell(*waves)})
    stayed = np.all([part[names.REGION] == first[names.REGION] for part in parts], axis=0)
    made[names.REGION] = first[names.REGION].where(stayed, "")
    for column in (c for c in sheets if c.startswith(_OF)):
        each = np.column_stack([part[column] for part in parts])
        made[column] = np.where((each > 0).all(axis=1), _mixed(each, key), np.uint64(0))
    return made


def _hash(content: bytes, key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, key=key, digest_size=8).digest(), "little")


def _tokens(texts: pd.Series, key: bytes) -> np.ndarray:
    """Return a digest per text, 0 for an empty one."""
    codes, unique = pd.factorize(texts)
    each = [_hash(text.encode(), key) if text else 0 for text in unique]
    return np.array(each, dtype=np.uint64)[codes] if len(codes) else np.zeros(0, np.uint64)


def _coded(column: pd.Series, key: bytes) -> np.ndarray:
    """Return a digest per value, 0 for a missing one; the last digits of numbers do not count."""
    numeric = pd.api.types.is_numeric_dtype(column) and column.dtype != bool
    texts = column.map("{:.9g}".format if numeric else "{}".format, na_action="ignore")
    named = f"{column.name} = " + texts.astype(object).where(column.notna(), "").astype(str)
    return _tokens(named.where(column.notna(), ""), key)


def _mixed(coded: np.ndarray, key: bytes) -> np.ndarray:
    """Return a digest per row of digests, 0 where all are."""
    raw, size = np.ascontiguousarray(coded, dtype=np.uint64).tobytes(), 8 * coded.shape[1]
    rows = [_hash(raw[start : start + size], key) for start in range(0, len(raw), size)]
    return np.where((coded > 0).any(axis=1), np.array(rows, dtype=np.uint64), np.uint64(0))


def compare(before: Release, after: Release, population: str, key: bytes) -> Compared | None:
    """Return how two releases differ in a population; None where one lacks digests of this key."""
    if before.key != after.key or population not in before.people.keys() & after.people.keys():
        return None
    old, new = (each.people[population].copy() for each in (before, after))
    cells = [_cells(each.mask, population, key) for each in (before, after)]
    in_mask = [{*each[names.REGION]} - {names.NATIONAL} for each in cells]
    regions = _regions(old, new, *in_mask)
    for side, frames in enumerate(([old, cells[0]], [new, cells[1]])):
        called = {name: one for one, both in regions.items() for name in both[side]}
        for frame in frames:
            frame[names.REGION] = frame[names.REGION].replace(called)
    keys = [names.REGION, *_CELL[:4]]
    both = [each.groupby(keys)[["shown", "others"]].agg("any") for each in cells]
    both = both[0].join(both[1], how="inner", suffixes=("_old", "_new")).reset_index()
    found = _differing(old, new)
    # of what was not asked, or not closed, in both there is nothing to compare
    asked = both.loc[both["by"] == "", [names.REGION, names.WAVE, "about"]]
    moved = asked[asked[names.REGION] == names.NATIONAL].assign(**{names.REGION: ""})
    asked = pd.concat([asked, moved])
    waves = asked[[names.REGION, names.WAVE]].drop_duplicates()
    of_scale = found["about"].str.startswith(_SCALE)
    found = pd.concat([found[of_scale].merge(asked), found[~of_scale].merge(waves)])
    both["known"] = both["shown_old"] & both["shown_new"]
    found = found.merge(both[[*keys, "known"]], on=keys, how="left")
    # of all sheets of a region there is no cell
    found["known"] = found["known"].eq(True) | ~found["about"].str.startswith(_SCALE)
    seen = frozenset(both.loc[both["shown_old"] | both["shown_new"], names.REGION])
    most = found.groupby(keys)["differ"].max().rename("differ").reset_index()
    turned = both[both["shown_old"] != both["shown_new"]]
    for_others = turned["others_old"].where(turned["shown_new"], turned["others_new"])
    turned = turned[for_others.astype(bool)].merge(most, on=keys, how="left")
    turned = turned.assign(appears=turned["shown_new"], differ=turned["differ"].fillna(0))
    return Compared(found, turned[[names.REGION, "differ", "appears"]], seen, regions)


def _cells(mask: pd.DataFrame, population: str, key: bytes) -> pd.DataFrame:
    """Return the cells of a mask as digests name them, whether shown or hidden for others' sake."""
    mask = mask[mask[names.POPULATION] == population]
    group = mask[names.SUBGROUP].str.partition("=")
    by = np.select(
        [mask[names.SCHOOL] != "", mask[names.SUBGROUP] != names.ALL],
        [_BY_SCHOOL, _BY + group[0]],
        "",
    )
    text = mask[names.SCHOOL].where(mask[names.SCHOOL] != "", group[2])
    return pd.DataFrame(
        {
            names.REGION: mask[names.REGION].astype(object),
            names.WAVE: mask[names.WAVE].astype(object),
            "by": by,
            "value": _tokens(text.astype("str"), key),
            "about": (_SCALE + mask[names.OUTCOME].astype(str)).astype(object),
            "shown": ~mask["suppressed"].astype(bool),
            "others": mask["reason"].isin((COMPLEMENT, CHANGE)),
        }
    )


def _regions(
    old: pd.DataFrame, new: pd.DataFrame, before: set[str], after: set[str]
) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Return the regions of two releases, joined where people of one are in another of new name."""
    groups = [({name} & before, {name} & after) for name in sorted(before | after)]
    if before != after:
        alike = [_same_people(old, new, about) for about in (_SHEET, _PERSON)]
        for one, other in sorted(set().union(*alike)):
            if one in before - after or other in after - before:
                near = [group for group in groups if one in group[0] or other in group[1]]
                groups = [group for group in groups if group not in near]
                of_one, of_other = (set().union(*side) for side in zip(*near, strict=True))
                groups.append((of_one, of_other))
    return {min(a or b): (frozenset(b), frozenset(a)) for b, a in groups}


def _same_people(old: pd.DataFrame, new: pd.DataFrame, about: str) -> set[tuple[str, str]]:
    """Return pairs of regions, of before and of after, that have a digest in common."""
    sides = [each[[names.REGION, about]].drop_duplicates() for each in (old, new)]
    # what several regions have tells nothing: those whom nobody can find again
    sides = [
        each[~each[about].duplicated(keep=False) & each[names.REGION].ne("")] for each in sides
    ]
    both = sides[0].merge(sides[1], on=about)
    return set(zip(both[f"{names.REGION}_x"], both[f"{names.REGION}_y"], strict=True))


def _differing(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return how many people differ, by cell and by what is compared of them."""
    columns = [column for column in old if column in new]
    both = pd.concat([old[columns].assign(sign=-1), new[columns].assign(sign=1)])
    row = pd.util.hash_pandas_object(both[columns], index=False)
    both = both.assign(sign=both.groupby(row.to_numpy())["sign"].transform("sum").to_numpy())
    both = both[(both["sign"] != 0).to_numpy() & ~row.duplicated().to_numpy()]
    both = pd.concat([both, both.assign(region=names.NATIONAL)])
    found = []
    bys = ["", *(column for column in columns if column.startswith(_BY))]
    for about in (column for column in columns if column.startswith(_OF)):
        rows = both[both[about] > 0]
        of_scale = about.startswith(_SCALE)
        for by in bys if of_scale else bys[:1]:
            cell = rows.assign(value=rows[by] if by else np.uint64(0))
            for what in (about, _PERSON) if of_scale else (about,):
                net = cell.groupby([names.REGION, names.WAVE, "value", what])["sign"].sum()
                sums = pd.DataFrame({"came": net.clip(lower=0), "left": -net.clip(upper=0)})
                each = sums.groupby(level=[0, 1, 2]).sum().max(axis=1).rename("differ")
                each = each[each > 0].reset_index()
                found.append(each.assign(by=by, about=about, what=what))
    empty = pd.DataFrame(columns=[names.REGION, *_CELL, "differ"])
    return pd.concat([f for f in found if len(f)] or [empty])[[names.REGION, *_CELL, "differ"]]


def _few(rows: pd.DataFrame, by: Sequence[str], limit: int) -> pd.DataFrame:
    """Return the keys under which together some, but fewer than the limit, differ."""
    sums = rows.groupby(list(by))["differ"].sum()
    return sums[(sums > 0) & (sums < limit)].reset_index()


def _bound(pair: Compared, limit: int) -> set[str]:
    """Return the regions, and the country, that cannot be shown after they were shown before."""
    cells = pair.cells
    whole, part = cells[cells["by"] == ""], cells[cells["by"] != ""]
    few = [
        _few(whole, [names.REGION, *_CELL], limit),
        _few(part[part["known"]], [names.REGION, *_CELL], limit),
        # what is hidden is told together, by the whole less the parts that are shown
        _few(part[~part["known"]], [names.REGION, names.WAVE, "by", "about", "what"], limit),
        # where nothing differs a cell that is hidden now is told by the earlier release anyway
        pair.turned[(pair.turned["differ"] < limit) & (pair.turned["appears"] | bool(len(cells)))],
    ]
    return {*pd.concat([each[names.REGION] for each in few])} & pair.seen


def _blocks(
    made: Release, earlier: Sequence[Release], key: bytes, regions: Sequence[str], study: str
) -> dict[Block, int]:
    """Return the release that the numbers of each block are of."""
    blocks = {}
    for population in dict.fromkeys(name.partition("/")[0] for name in made.parts):
        whole = [*regions, names.NATIONAL]
        held = held_back(made, earlier, population, key, regions)
        if names.NATIONAL in held and _units_differ(made, earlier, population, study):
            held = {*whole}
        for region in whole:
            block = (region, population)
            source = _source([block], made, earlier) if region in held else made
            blocks[block] = source.number if source else 0
    return blocks


def _source(blocks: Iterable[Block], made: Release, earlier: Sequence[Release]) -> Release | None:
    """Return the last release that issued all of these blocks and shows no more than is allowed."""
    fit = [r for r in earlier if r.issued(*blocks) and r.limit >= made.limit]
    return fit[-1] if fit else None


def held_back(
    made: Release,
    earlier: Sequence[Release],
    population: str,
    key: bytes,
    regions: Sequence[str],
) -> set[str]:
    """Return the regions, and the country, of which the earlier numbers have to stand.

    Parameters
    ----------
    made : Release
        The new one.
    earlier : sequence of Release
        All others.
    population : str
    key : bytes
        Of the digests.
    regions : sequence of str
        Those of the study now.
    """
    if max(each.limit for each in (made, *earlier)) == 1:
        return set()
    history = _History(made, earlier, population, key)
    for each in earlier:
        history.hold_regions(each, regions)
    of_country = [each for each in earlier if history.issued(each.number, [names.NATIONAL])]
    for each in of_country:
        history.hold_what_tells_of(each)
    if any(history.country_tells_since(each) for each in of_country) or (
        of_country and len(history.left(made.number))
    ):
        history.held.add(names.NATIONAL)
    return history.held


class _History:
    """The releases of one population, and what of the new one is held so far."""

    def __init__(
        self, made: Release, earlier: Sequence[Release], population: str, key: bytes
    ) -> None:
        self.held: set[str] = set()
        self._made, self._population, self._key = made, population, key
        self._releases = {each.number: each for each in (*earlier, made)}
        self._limit = max(each.limit for each in self._releases.values())
        self._pairs: dict[tuple[int, int], Compared | None] = {}

    def issued(self, number: int, regions: Iterable[str]) -> bool:
        """Whether the numbers of all these regions are of a release."""
        if number == self._made.number:
            return not self.held & {*regions}
        blocks = ((region, self._population) for region in regions)
        return self._releases[number].issued(*blocks)

    def _pair(self, one: int, other: int) -> Compared | None:
        if (one, other) not in self._pairs:
            before, after = self._releases[one], self._releases[other]
            self._pairs[one, other] = compare(before, after, self._population, self._key)
        return self._pairs[one, other]

    def hold_regions(self, each: Release, regions: Sequence[str]) -> None:
        """Hold regions that a release issued and that differ from it by a few."""
        if not any(of == self._population for _, of in each.blocks):
            return
        found = self._pair(each.number, self._made.number)
        if found is None:  # without digests it is seen that a region has changed, not by how many
            parts = [f"{self._population}/region={region}/part.parquet" for region in regions]
            changed = {
                region
                for region, part in zip(regions, parts, strict=True)
                if each.parts.get(part) != self._made.parts.get(part)
            }
            self.held |= {region for region in changed if self.issued(each.number, [region])}
            self.held |= {names.NATIONAL} if changed else set()
            return
        for region in _bound(found, self._limit) - {names.NATIONAL}:
            before, after = found.regions[region]
            if any(self.issued(each.number, [name]) for name in before):
                self.held |= after

    def hold_what_tells_of(self, each: Release) -> None:
        """Hold regions that would tell of an earlier country what is left of it as of a few."""
        found = self._pair(each.number, self._made.number)
        while found is not None:
            cells = found.cells.merge(self.left(each.number))
            new = {
                name
                for region in {*cells[names.REGION]} & found.regions.keys()
                if not self.issued(each.number, found.regions[region][0])
                for name in found.regions[region][1]
            }
            if new <= self.held:
                return
            self.held |= new

    def country_tells_since(self, each: Release) -> bool:
        """Whether the country's change since a release, less that of the regions, is of a few."""
        found = self._pair(each.number, self._made.number)
        if found is None:
            return False
        known = {
            region
            for region, (before, after) in found.regions.items()
            if self.issued(each.number, before) and self.issued(self._made.number, after)
        }
        parts = found.cells[found.cells[names.REGION] != names.NATIONAL]
        # of schools the country has no cells
        told = parts["known"] & parts[names.REGION].isin(known) | (parts["by"] == _BY_SCHOOL)
        few = _few(parts[~told], _CELL, self._limit)
        return names.NATIONAL in _bound(found, self._limit) or len(few) > 0

    def left(self, number: int) -> pd.DataFrame:
        """Return cells of the country in which a few people are left to be told in a release.

        They are what is left of the country when of each region that the release does not show
        the nearest numbers that another release shows are taken away.
        """
        near: dict[frozenset[str], list[pd.Series]] = {}
        for other in self._releases:
            found = self._pair(*sorted((number, other))) if other != number else None
            if found is None:
                continue
            side = int(number > other)
            for region, both in found.regions.items():
                here, there = both[side], both[1 - side]
                unknown = here and not self.issued(number, here)
                if unknown and there and self.issued(other, there):
                    rows = found.cells[found.cells[names.REGION] == region]
                    near.setdefault(here, []).append(rows.set_index(_CELL)["differ"])
        each = [pd.concat(ways, axis=1).fillna(0).min(axis=1) for ways in near.values()]
        if not each:
            return pd.DataFrame(columns=_CELL)
        rows = pd.concat(each).rename("differ").rename_axis(_CELL).reset_index()
        return _few(rows[rows["by"] != _BY_SCHOOL], _CELL, self._limit)[_CELL]


def _units_differ(made: Release, earlier: Sequence[Release], population: str, study: str) -> bool:
    """Whether the SDs that changes are divided by, which are the country's, would tell of it."""
    before = _source([(names.NATIONAL, population)], made, earlier)
    if made.limit == 1 or before is None:
        return False
    old = _units(paths.releases(study) / str(before.number) / "reports" / "tables", population)
    new = _units(paths.reports(study) / "tables", population)
    return any(old[name] != new[name] for name in old.keys() & new.keys())


def _units(folder: Path, population: str) -> dict[tuple[str, str], set[str]]:
    """Return the SDs that stand in tables, by table and outcome."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path, **_AS_TEXT)
        if {"sd_unit", names.POPULATION, names.OUTCOME} <= {*table}:
            rows = table[(table[names.POPULATION] == population) & (table["sd_unit"] != "")]
            for outcome, sds in rows.groupby(names.OUTCOME)["sd_unit"]:
                found[path.stem, outcome] = {*sds}
    return found


def _pages(
    study: Study, made: Release, earlier: Sequence[Release]
) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the files of pages and figures by their places in the release, and what is left out.

    A page, and the figures that its notebook draws, are of this release where all blocks that it
    reads are; else they are those of the last release that made them, whole.
    """
    manifest, left_out = read_manifest(study.name), {}
    new: dict[str, Path] = {}
    stands: dict[str, Path] = {}
    shut: set[str] = set()
    for task in known_tasks(study):
        entry = manifest.get(task.name)
        if not entry:
            continue
        files = {_inside(study.name, file): paths.generated() / file for file in entry["outputs"]}
        files.pop("", None)
        own = [each for what, where in entry["reads"] if what == OWN_GROUPS for each in where["by"]]
        if not own and made.issued(*_blocks_of(study, entry["reads"])):
            made.pages[task.name] = sorted(files)
            new |= files
            continue
        shut |= {*files}  # also where another notebook draws it
        source = _page_source(task.name, made, earlier)
        if own:
            left_out[task.name] = f"shows groups that study.yml does not declare: {', '.join(own)}"
        elif source:
            folder = paths.releases(study.name) / str(source.number)
            stands |= {inside: folder / inside for inside in source.pages[task.name]}
        else:
            left_out[task.name] = "has changed by too few people, and no earlier one can stand"
    return {inside: path for inside, path in new.items() if inside not in shut} | stands, left_out


def _page_source(name: str, made: Release, earlier: Sequence[Release]) -> Release | None:
    fit = [each for each in earlier if name in each.pages and each.limit >= made.limit]
    return fit[-1] if fit else None


def _inside(study: str, file: str) -> str:
    """Return the place in a release of what a run made; empty for what is internal.

    Examples
    --------
    >>> _inside("demo", "reports/demo/nb/oslo/04_pupils.html")
    'reports/nb/oslo/04_pupils.html'
    >>> _inside("demo", "data_clean/demo/results/oslo/04_pupils/effects.pupils.csv")
    ''
    """
    top, _, rest = file.partition(f"/{study}/")
    return f"{top}/{rest}" if top in ("reports", "figures") else ""


def _blocks_of(study: Study, reads: Iterable[tuple[str, dict]]) -> set[Block]:
    """Return the blocks that a page shows anything of: what it gated, counted or read."""
    blocks = set()
    for what, where in reads:
        populations = where.get(names.POPULATION, study.populations)
        if what in study.populations:
            populations = [what]
        elif what not in _COUNTED and not (what == _MASK and names.SUBGROUP not in where):
            continue  # rows of a subgroup are looked up for their n alone
        regions = where.get(names.REGION, [names.NATIONAL])
        blocks |= {*product(regions, {*populations} & {*study.populations})}
    return blocks


def _write_tables(study: Study, made: Release, earlier: Sequence[Release], staged: Path) -> None:
    """Write the study's tables with the rows of every block from the release that it is of."""
    recorded = read_manifest(study.name)[SITE]["outputs"]
    files = {_inside(study.name, file): paths.generated() / file for file in recorded}
    files = {inside: path for inside, path in files.items() if inside.startswith(_TABLES)}
    populations = dict.fromkeys(population for _, population in made.blocks)
    held = {}
    for region in dict.fromkeys(region for region, _ in made.blocks):
        for of in ("", *populations):  # some rows are of all
            blocks = [(region, each) for each in ([of] if of else populations)]
            if not made.issued(*blocks):
                held[region, of] = _source(blocks, made, earlier)
    if not held:
        _copy(files, staged)
        return
    mixed = {of for region, of in held if region != names.NATIONAL}
    merged = {}
    for inside, path in files.items():
        if path.suffix != ".csv":
            continue
        table = _with_blocks(path, populations)
        if "p_adjusted" in table:  # over all regions, also those that are held
            regional = table[names.REGION].ne(names.NATIONAL)
            table.loc[regional & table[names.POPULATION].isin(mixed), "p_adjusted"] = ""
        rows = [table[~table["block"].isin([*held])]]
        for block, source in held.items():
            before = source and paths.releases(study.name) / str(source.number) / inside
            if before and before.exists():
                old = _with_blocks(before, populations)
                old = old[old["block"] == block].reindex(columns=list(table), fill_value="")
                # where those of now would stand; what is more, after the last of them
                at = [*table.index[table["block"] == block]] or [len(table)]
                rows.append(old.set_axis([*at, *at[-1:] * len(old)][: len(old)]))
        whole = pd.concat(rows).sort_index(kind="stable").drop(columns="block")
        content = whole.to_csv(index=False, lineterminator="\n").encode()
        (staged / inside).parent.mkdir(parents=True, exist_ok=True)
        (staged / inside).write_bytes(content)
        merged[path.stem] = schema.read_table(io.BytesIO(content))
    write_workbook(merged, staged / _TABLES / WORKBOOK, Words(study.languages[0]))


def _with_blocks(path: Path, populations: Iterable[str]) -> pd.DataFrame:
    """Read a table, and say the region and the population, or none for all, that each row is of."""
    table = pd.read_csv(path, **_AS_TEXT)
    region = table.get(names.REGION, pd.Series("", table.index)).replace("", names.NATIONAL)
    of = table.get(names.POPULATION, pd.Series("", table.index))
    of = of.where(of.isin([*populations]), "")
    return table.assign(block=pd.Series([*zip(region, of, strict=True)], table.index, dtype=object))


def _copy(files: Mapping[str, Path], staged: Path) -> None:
    for inside, path in files.items():
        (staged / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, staged / inside)


def _refuse_damaged(study: Study, made: Release, earlier: Sequence[Release]) -> None:
    """Refuse to go on without the files of releases whose numbers may stand."""
    populations = {population for each in earlier for _, population in each.blocks}
    places_ = {region for each in earlier for region, _ in each.blocks}
    needed = [_source([(r, p)], made, earlier) for r in places_ for p in populations]
    needed += [_source([(r, p) for p in populations], made, earlier) for r in places_]
    needed += [_page_source(n, made, earlier) for n in {n for each in earlier for n in each.pages}]
    problems = []
    for number, files in sorted({each.number: each.files for each in needed if each}.items()):
        folder = paths.releases(study.name) / str(number)
        there = {f for f in files if (folder / f).is_file()}
        unlike = [f for f in files if f not in there or paths.sha256(folder / f) != files[f]]
        if unlike:
            found = f"{unlike[0]} is missing or was changed"
            found += f", and {len(unlike) - 1} more" if len(unlike) > 1 else ""
            todo = "restore the folder: its numbers may have to stand"
            problems.append(Problem(f"release {number} is not whole", found, "", str(folder), todo))
    refuse_any(problems)


def _stage(study: Study, made: Release, earlier: Sequence[Release], staged: Path) -> dict[str, str]:
    """Write what the release shows; return the pages that are not in it, and why."""
    sources, left_out = _pages(study, made, earlier)
    _copy(sources, staged)
    _write_tables(study, made, earlier, staged)
    there = {
        (task.region, task.file, language): DONE
        for task in sorted(known_tasks(study), key=lambda task: not task.of_country)
        for language in study.languages
        if f"reports/{language}/{task.name}.html" in sources
    }
    made_anew = site_files(study, there, still_to_come(study), folder=staged / "reports")
    paths.replace_all(made_anew)
    files = [path for path in sorted(staged.rglob("*")) if path.is_file()]
    made.files.update({file.relative_to(staged).as_posix(): paths.sha256(file) for file in files})
    about = {
        "study": study.name,
        "number": made.number,
        "date": today(study).isoformat(),
        "profile": made.profile,
        "made_with": f"loftet_analysis {__version__}",
        "blocks": [
            {
                names.REGION: r,
                names.POPULATION: p,
                "state": made.state((r, p)),
                "since": since or None,
            }
            for (r, p), since in made.blocks.items()
        ],
        "left_out": left_out,
        "files": made.files,
    }
    (staged / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    sums = {**made.files, ABOUT: paths.sha256(staged / ABOUT)}
    lines = [f"{total}  {file}" for file, total in sums.items()]
    (staged / SUMS).write_text("\n".join([*lines, ""]), encoding="utf-8")
    return left_out


def _remember(made: Release, memory: Path) -> None:
    """Write what later releases are compared with, for its owner alone; from then on it counts."""
    folder = memory / _UNFINISHED
    told = {f.name: getattr(made, f.name) for f in fields(made) if f.name not in ("people", "mask")}
    told["blocks"] = [(*block, since) for block, since in made.blocks.items()]
    contents = {folder / _MEMORY: json.dumps(told).encode()}
    contents[folder / "mask.parquet"] = made.mask.to_parquet(index=False)
    for name, rows in made.people.items():
        contents[folder / "people" / f"{name}.parquet"] = rows.to_parquet(index=False)
    paths.make_folder(memory)
    paths.replace_all(contents)
    folder.rename(memory / str(made.number))
    paths.sync(memory)
