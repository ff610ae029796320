"""What regions are: numbers per region that a study declares beforehand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pandas as pd

from loftet_analysis import names
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study.instrument import normalise_label
from loftet_analysis.study.schools import slug, unreadable, wrong_columns
from loftet_analysis.study.yamlfile import did_you_mean, shown
from loftet_analysis.tabular import read_table
from loftet_analysis.tabular.cells import decimal


def read_features(
    path: Path, wanted: Collection[str], regions: Collection[str]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a file of features of regions.

    Parameters
    ----------
    path : Path
        A workbook, or text in any encoding and with any delimiter that an export may have, with
        the column ``region`` and one for each feature. Decimals may have a point or a comma.
        Other columns are not looked at.
    wanted : collection of str
        The features.
    regions : collection of str
        The slugs of the study's regions; each has one row. Empty where the register is not known.

    Returns
    -------
    features : DataFrame
        Floats, a column per feature, indexed by region in the order of the file; without the rows
        that are wrong.
    problems : list of Problem
        Everything that is wrong, with rows.
    """
    file = shown(path)
    none = pd.DataFrame(columns=[*wanted], dtype=float)
    try:
        table = read_table(path)
    except InputError as error:
        what, allowed = "file of features cannot be read", f"a table with region, {_list(wanted)}"
        todo = "write it, or correct analysis: region_features: in study.yml"
        return none, unreadable(error, path, what, allowed, todo)
    headings = [normalise_label(heading) for heading in table.questions.values()]
    places = {name: normalise_label(name) for name in (names.REGION, *wanted)}
    problems = [*wrong_columns(headings, places, [*places.values()], file)]
    if problems:
        return none, problems
    rows: dict[str, dict[str, float | None]] = {}
    for row, cells in zip(table.rows, table.frame.to_numpy(), strict=True):
        cell = {name: " ".join(cells[headings.index(of)].split()) for name, of in places.items()}
        wrong = [*_wrong_cells(cell, rows, regions, f"{file}, row {row}")]
        problems += wrong
        if not wrong:
            values = {name: decimal(cell[name]) for name in wanted}
            rows[slug(cell[names.REGION])] = values
    features = pd.DataFrame.from_dict(rows, "index", columns=[*wanted], dtype=float)
    if not problems:
        problems = [*_wrong_whole(features, regions, file)]
    return features, problems


def _wrong_cells(
    cell: Mapping[str, str], rows: Mapping[str, object], regions: Collection[str], where: str
) -> Iterator[Problem]:
    region = cell[names.REGION]
    if not slug(region) or (regions and slug(region) not in regions):
        what, todo = "a region that the register does not have", did_you_mean(slug(region), regions)
        yield Problem(what, region or "nothing", _list(regions), where, todo)
    elif slug(region) in rows:
        yield Problem("features of a region twice", region, "each region once", where)
    for name, text in cell.items():
        if name != names.REGION and decimal(text) is None:
            allowed = "a number for every region"
            yield Problem(f"{name} is not a number", text or "nothing", allowed, where)


def _wrong_whole(features: pd.DataFrame, regions: Collection[str], file: str) -> Iterator[Problem]:
    if missing := [region for region in regions if region not in features.index]:
        todo = "add a row for each, or leave the features out"
        yield Problem("regions without features", _list(missing), "every region", file, todo)
    for name in features if len(features) > 1 else ():
        if features[name].nunique() < 2:
            found, allowed = f"{features[name].iloc[0]:g} everywhere", "numbers that differ"
            todo = "take it out of analysis: region_features: in study.yml"
            yield Problem(f"{name} is the same in all regions", found, allowed, file, todo)


def _list(texts: Collection[str]) -> str:
    return ", ".join(texts)
