"""What all tables share: text cells laid out, notes, and a caption that is read aloud."""

from __future__ import annotations

import html
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from great_tables import GT, loc, style

from loftet_analysis import names
from loftet_analysis.show.languages import (
    Words,
    estimand_label,
    population_label,
    reason_label,
    wave_label,
)

HIDDEN = "·"
ABSENT = "–"


@dataclass(frozen=True)
class Table:
    """A finished table as HTML, and its caption."""

    html: str
    caption: str


def laid_out(
    cells: pd.DataFrame,
    *,
    name: str,
    caption: str,
    notes: Sequence[str],
    words: Words,
    spanners: dict[str, list[str]] | None = None,
    wordy: Sequence[str] = (),
) -> Table:
    """Return text cells as a table; columns ``group`` and ``label`` name its rows.

    `wordy` columns hold words, which may take several lines.
    """
    columns = [c for c in cells if c not in {"group", "label"}]
    keys = {column: f"c{number}" for number, column in enumerate(columns)}
    table = GT(
        cells.rename(columns=keys),
        id=name,
        locale=words.locale,
        rowname_col="label",
        groupname_col="group" if "group" in cells else None,
    ).cols_label({key: column.split("|")[0] for column, key in keys.items()})
    table = table.cols_align("right", columns=list(keys.values()))
    table = table.cols_align("left", columns=[keys[column] for column in wordy])
    for label, over in (spanners or {}).items():
        table = table.tab_spanner(label, columns=[keys[column] for column in over])
    table = table.tab_style(style.text(weight="bold"), loc.row_groups())
    for note in notes:
        table = table.tab_source_note(note)
    table = table.tab_options(table_font_size="14px", table_margin_left="0", table_width="auto")
    # great_tables has no caption element, which is what tells a screen reader what a table is
    head, rest = table.as_raw_html().split('<table class="gt_table"', 1)
    attributes, body = rest.split(">", 1)
    semantic = f'<table class="gt_table"{attributes}>\n<caption>{html.escape(caption)}</caption>'
    return Table(f"{head}{semantic}{body}", caption)


def or_mark(text: str, row: dict) -> str:
    """Return a cell's text, or the mark of what is hidden or not there."""
    return text or (HIDDEN if row["suppressed"] else ABSENT)


def notes_of(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return the notes on what is hidden, left out or refused in rows of effects."""
    _ = words.text
    notes = hidden_note(frame, words)
    if "mean_pre" in frame and (frame["estimate"].notna() & frame["mean_pre"].isna()).any():
        notes.append(
            _(
                "{mark} before and after are left out where they would tell of the few people who "
                "are not counted in the row",
                mark=ABSENT,
            )
        )
    refused = frame[~frame["suppressed"] & frame["reason"].fillna("").ne("")].to_dict("records")
    for row in refused:
        notes.append(
            _(
                "{mark} {outcome}, {estimand}: not computed, since {why}.",
                mark=ABSENT,
                outcome=words.outcome(row["population"], row["outcome"]),
                estimand=estimand_label(row["estimand"], words),
                why=reason_label(row["reason"], words),
            )
        )
    return notes


def waves_in(frame: pd.DataFrame) -> list[str]:
    """Return the waves that a result has, in order."""
    there = set(frame[names.WAVE])
    return [wave for wave in names.WAVES if wave in there]


def lines(frame: pd.DataFrame, *keys: str) -> Iterator[tuple[tuple, dict[str, dict]]]:
    """Yield a line of a table for each group of rows, in order: its keys, and its row by wave.

    A wave without a row has one that is neither there nor hidden.
    """
    found: dict[tuple, dict[str, dict]] = {}
    for row in frame.to_dict("records"):
        line = found.setdefault(tuple(row[key] for key in keys), defaultdict(_absent))
        line[row[names.WAVE]] = row
    yield from found.items()


def _absent() -> dict:
    return {"suppressed": False}


def by_wave(table: pd.DataFrame, waves: Sequence[str], words: Words) -> dict[str, list[str]]:
    """Return the columns of each wave, which end in ``|`` and its name, under its label."""
    return {wave_label(wave, words): [c for c in table if c.endswith(f"|{wave}")] for wave in waves}


def outcome_groups(frame: pd.DataFrame, words: Words) -> dict[tuple[str, str], str]:
    """Return the labels of outcomes by population and outcome.

    Where two populations are asked the same, the label begins with the population.
    """
    pairs = frame[["population", _outcome_column(frame)]].drop_duplicates()
    labels = {pair: words.outcome(*pair) for pair in pairs.itertuples(index=False, name=None)}
    counts = Counter(labels.values())
    return {
        pair: label if counts[label] < 2 else f"{population_label(pair[0], words)}: {label}"
        for pair, label in labels.items()
    }


def _outcome_column(frame: pd.DataFrame) -> str:
    return "scale" if "scale" in frame else "outcome"


def hidden_note(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return the note that explains hidden numbers, where there are any."""
    if not frame["suppressed"].any():
        return []
    return [words.text("{mark} hidden, since it would tell of few people", mark=HIDDEN)]
