"""The tables of a study: exact ones gathered from the regions, and their gated copies."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.analysis.effects import TEXTS
from loftet_analysis.analysis.response import totals
from loftet_analysis.analysis.verdicts import judged
from loftet_analysis.cleaning import store
from loftet_analysis.show.publish import gated, gated_counts
from loftet_analysis.show.workbook import workbook
from loftet_analysis.study import Study

_TEXTS = {
    *TEXTS, "scale", "item", names.WAVE, "analysis", "main_verdict", "design", "model",
    "comparison",
}  # fmt: skip
TABLES = {
    "effects": names.EFFECTS,
    "sensitivity": names.SENSITIVITY,
    "variance": names.VARIANCE,
    "reliability": names.RELIABILITY,
    "items": names.ITEMS,
    "pooled": names.POOLED,
    "attrition": names.ATTRITION,
    "schools": names.BY_SCHOOL,
    "agreement": names.AGREEMENT,
}


def gather(study: Study) -> None:
    """Join what the notebooks kept into one exact and one gated file per table.

    Exact tables lie in ``data_clean/<study>/results/``; ``reports/<study>/tables/`` holds what
    the study's disclosure profile allows, as CSV and together in ``results.xlsx``.
    """
    folder = paths.clean(study.name) / "results"
    places = [*study.regions[names.REGION], names.NATIONAL]
    mask = store.read_table(study.name, "disclosure")
    published = {}
    for table, columns in TABLES.items():
        # several notebooks may ask the same of the same answers; the first counts
        found = {
            (place, part.name): part
            for place in places
            for part in sorted((folder / place).glob(f"*/{table}.*.csv"), reverse=True)
        }
        if not found:
            continue
        in_order = sorted(found, key=lambda key: (places.index(key[0]), key[1]))
        exact = _read([found[key] for key in in_order]).reindex(columns=list(columns))
        if table == "effects":
            exact = judged(exact)  # some of it takes all regions together
        write_csv(exact, folder / f"{table}.csv")
        shown = gated(exact, mask, profile=study.disclosure)
        published[table] = shown.reindex(columns=list(columns))
    examined = store.read_table(study.name, "invariance").assign(region=names.NATIONAL)
    shown = gated(examined, mask, profile=study.disclosure)
    published["invariance"] = shown.reindex(columns=[*names.INVARIANCE, "suppressed"])
    ledger = store.read_table(study.name, "ledger").reindex(columns=list(names.LEDGER))
    published["ledger"] = gated_counts(ledger, study.disclosure)[list(names.LEDGER)]
    answered = store.read_table(study.name, "response")
    whole = [totals(answered, region=place) for place in places]
    together = pd.concat([*whole, answered], ignore_index=True).reindex(columns=names.RESPONSE)
    shown = gated_counts(together, study.disclosure)
    published["response"] = shown[list(names.RESPONSE)]
    linkage = gated_counts(store.read_table(study.name, "linkage"), study.disclosure)
    published["linkage"] = linkage[list(names.LINKAGE)]
    target = paths.reports(study.name) / "tables"
    for name, shown in published.items():
        write_csv(shown, target / f"{name}.csv")
    _write_workbook(published, target / "results.xlsx")


def _read(parts: Sequence[Path]) -> pd.DataFrame:
    """Return the rows of several files; those of the same columns are read in one go."""
    texts = (part.read_text(encoding="utf-8") for part in parts)
    alike = groupby((text.partition("\n")[::2] for text in texts), key=itemgetter(0))
    whole = [f"{columns}\n{''.join(rows for _, rows in each)}" for columns, each in alike]
    frames = [_table(text) for text in whole]
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(frames, ignore_index=True).fillna(dict.fromkeys(_TEXTS, ""))


def _table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), dtype=dict.fromkeys(_TEXTS, "str"), low_memory=False)


def write_csv(table: pd.DataFrame, target: Path) -> None:
    """Write a table as UTF-8 CSV with point decimals, whole or not at all."""
    with paths.written_whole(target) as path:
        table.to_csv(path, index=False, lineterminator="\n")


def _write_workbook(tables: dict[str, pd.DataFrame], target: Path) -> None:
    with workbook(target) as book:
        bold = book.add_format({"bold": True})
        for name, table in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, list(table), bold)
            for place, column in enumerate(table):
                cells = table[column].astype(object).where(table[column].notna(), None)
                told = cells.replace({np.inf: "inf", -np.inf: "-inf"}).tolist()
                sheet.write_column(1, place, told)
