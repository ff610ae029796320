"""Tables from gated frames: every cell is text already, great_tables only lays them out."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from great_tables import GT, loc, style

from loftet_analysis import names
from loftet_analysis.report.words import (
    Words,
    analysis_label,
    estimand_label,
    reason_label,
    subgroup_label,
    wave_label,
)

NAIVE = "naive"
HIDDEN = "·"
_ABSENT = "–"


@dataclass(frozen=True)
class Table:
    """A finished table as HTML, and its caption."""

    html: str
    caption: str


def _laid_out(
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


def _or_mark(text: str, row: dict) -> str:
    return text or (HIDDEN if row["suppressed"] else _ABSENT)


def _notes(frame: pd.DataFrame, words: Words) -> list[str]:
    _ = words.text
    notes = []
    if frame["suppressed"].any():
        notes.append(_("{mark} hidden, since too few people answered", mark=HIDDEN))
    if "mean_pre" in frame and (frame["estimate"].notna() & frame["mean_pre"].isna()).any():
        notes.append(
            _(
                "{mark} before and after are left out where they would tell of the few people who "
                "are not counted in the row",
                mark=_ABSENT,
            )
        )
    refused = frame[~frame["suppressed"] & frame["reason"].fillna("").ne("")].to_dict("records")
    for row in refused:
        notes.append(
            _(
                "{mark} {outcome}, {estimand}: not computed, since {why}.",
                mark=_ABSENT,
                outcome=words.outcome(row["population"], row["outcome"]),
                estimand=estimand_label(row["estimand"], words),
                why=reason_label(row["reason"], words),
            )
        )
    return notes


def _people(row: dict, words: Words) -> str:
    """Return the pairs where the row rests on pairs, else the people of each wave."""
    if not pd.isna(row["n_pairs"]):
        return words.count(row["n_pairs"])
    if pd.isna(row["n_pre"]) or pd.isna(row["n_post"]):
        return ""
    return f"{words.count(row['n_pre'])} / {words.count(row['n_post'])}"


def effects_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out gated effects of one region, grouped by outcome.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects.
    words : Words
        The reader's language.
    name : str
        The table's id on its page.

    Returns
    -------
    Table
        Hidden numbers stand as ``·``, refused ones as ``–`` with the reason beneath the table.
    """
    _ = words.text
    rows = [
        {
            "group": words.outcome(row["population"], row["outcome"]),
            "label": _row_label(row, words),
            **{
                column: _or_mark(text, row)
                for column, text in {
                    _("People"): _people(row, words),
                    _("Groups"): words.number(row["n_clusters"], 0),
                    _("Before"): words.number(row["mean_pre"], signed=_is_contrast(row)),
                    _("After"): words.number(row["mean_post"], signed=_is_contrast(row)),
                    _("Change (SD)"): words.number(row["estimate"], signed=True),
                    _level(frame, words): words.interval(row["ci_low"], row["ci_high"]),
                    _("df"): words.number(row["df"], 1),
                }.items()
            },
        }
        for row in frame.to_dict("records")
    ]
    notes = [
        _("People: answered both times, or before / after where they are not the same people."),
        _("Groups: schools, or groups of schools that share pupils; the intervals rest on them."),
        _("SD: the standard deviation of all answers before, the same for every region."),
    ]
    if any(_is_contrast(row) for row in frame.to_dict("records")):
        notes.append(_("Participants − colleagues: before and after are differences between them."))
    return _laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Change from before to after"),
        notes=[*notes, *_notes(frame, words)],
        words=words,
    )


def _is_contrast(row: dict) -> bool:
    return row["estimand"] == "participants_vs_colleagues"


def _level(frame: pd.DataFrame, words: Words) -> str:
    return words.text("{level} CI", level=words.percent(frame["ci_level"].iloc[0]))


def _row_label(row: dict, words: Words) -> str:
    label = estimand_label(row["estimand"], words)
    group = "" if row["subgroup"].startswith("role=") else subgroup_label(row["subgroup"], words)
    return f"{label}, {group}" if group else label


def regions_table(
    frame: pd.DataFrame, *, words: Words, name: str, together: pd.DataFrame | None = None
) -> Table:
    """Lay out gated effects by region: a line per region, a pair of columns per estimand.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects of several regions, in register order.
    words, name
        As in `effects_table`.
    together : DataFrame, optional
        The matching gated national rows, which end each outcome's lines.
    """
    _ = words.text
    frame = pd.concat([frame, together], ignore_index=True)
    frame = frame.sort_values(
        "outcome", kind="stable", key=lambda names: pd.factorize(names)[0], ignore_index=True
    )
    estimands = list(dict.fromkeys(frame["estimand"]))
    sd, level = _("SD"), _level(frame, words)
    lines: dict[tuple[str, str, str], dict[str, dict]] = {}
    for row in frame.to_dict("records"):
        line = lines.setdefault((row["population"], row["outcome"], row["region"]), {})
        line[row["estimand"]] = row
    rows = []
    for (population, outcome, region), line in lines.items():
        cells = {"group": words.outcome(population, outcome), "label": words.region(region)}
        for estimand in estimands:
            row = line.get(estimand, {"suppressed": False})
            cells[f"{sd}|{estimand}"] = _or_mark(
                words.number(row.get("estimate"), signed=True), row
            )
            cells[f"{level}|{estimand}"] = _or_mark(
                words.interval(row.get("ci_low"), row.get("ci_high")), row
            )
        rows.append(cells)
    return _laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Change from before to after by region, in standard deviations"),
        notes=_notes(frame, words),
        words=words,
        spanners={estimand_label(e, words): [f"{sd}|{e}", f"{level}|{e}"] for e in estimands},
    )


def pooled_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out gated pooled effects: the regions' mean, how they differ, what to expect of one more.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of pooled effects.
    words, name
        As in `effects_table`.
    """
    _ = words.text
    rows = [
        {
            "group": words.outcome(row["population"], row["outcome"]),
            "label": estimand_label(row["estimand"], words),
            **{
                column: _or_mark(text, row)
                for column, text in {
                    _("Regions"): words.number(row["k"], 0),
                    _("Mean (SD)"): words.number(row["estimate"], signed=True),
                    _("{level} CI", level=words.percent(0.95)): words.interval(
                        row["ci_low"], row["ci_high"]
                    ),
                    _("{level} PI", level=words.percent(0.95)): words.interval(
                        row["pi_low"], row["pi_high"]
                    ),
                    "τ": words.number(row["tau2"] ** 0.5),
                    "I²": "" if pd.isna(row["i2"]) else words.percent(row["i2"]),
                    "p (Q)": "" if pd.isna(row["q_p"]) else words.p_value(row["q_p"]),
                }.items()
            },
        }
        for row in frame.to_dict("records")
    ]
    hidden = [_("{mark} hidden, since too few people answered", mark=HIDDEN)]
    return _laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("The regions together: random-effects mean of their changes"),
        notes=[
            _("PI: prediction interval, where the change of one more region can be expected."),
            _("τ: standard deviation between regions; I²: share of the spread beyond chance."),
            *(hidden if frame["suppressed"].any() else []),
        ],
        words=words,
    )


def reliability_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out gated reliability: a line per scale, the waves side by side.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of reliability.
    words, name
        As in `effects_table`.
    """
    _ = words.text
    waves = [wave for wave in names.WAVES if wave in set(frame["wave"])]
    rows = []
    for (population, scale, subgroup), group in frame.groupby(
        ["population", "scale", "subgroup"], sort=False
    ):
        label = words.outcome(population, scale)
        part = subgroup_label(subgroup, words)
        cells = {
            "label": f"{label}, {part}" if part else label,
            _("Items"): words.number(group["n_items"].iloc[0], 0),
        }
        for wave in waves:
            matching = group[group["wave"] == wave].to_dict("records")
            row = matching[0] if matching else {"suppressed": False}
            low, high = row.get("alpha_ci_low"), row.get("alpha_ci_high")
            cells[f"n|{wave}"] = _or_mark(words.number(row.get("n"), 0), row)
            cells[f"α|{wave}"] = _or_mark(words.number(row.get("alpha")), row)
            cells[f"{_('{level} CI', level=words.percent(0.95))}|{wave}"] = _or_mark(
                words.interval(low, high), row
            )
        rows.append(cells)
    table = pd.DataFrame(rows)
    hidden = [_("{mark} hidden, since too few people answered", mark=HIDDEN)]
    return _laid_out(
        table,
        name=name,
        caption=_("Reliability of the scales: Cronbach's alpha"),
        notes=[
            _("n: people who answered every item of the scale."),
            *(hidden if frame["suppressed"].any() else []),
        ],
        words=words,
        spanners={
            wave_label(wave, words): [c for c in table if c.endswith(f"|{wave}")] for wave in waves
        },
    )


def sensitivity_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out a gated sensitivity table: a line per outcome and change, and what differs.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of sensitivity.
    words, name
        As in `effects_table`.
    """
    _ = words.text
    rows = []
    for (population, outcome, estimand), group in frame.groupby(
        ["population", "outcome", "estimand"], sort=False
    ):
        told = group[group["agrees"].notna() & ~group["suppressed"]]
        others = told[told["analysis"] != NAIVE]
        unlike = others[~others["agrees"].astype(bool)]["analysis"]
        naive = told[(told["analysis"] == NAIVE) & ~told["agrees"].astype(bool)]["analysis"]
        alike = _("{k} of {n}", k=len(others) - len(unlike), n=len(others))
        rows.append(
            {
                "group": words.outcome(population, outcome),
                "label": estimand_label(estimand, words),
                _("SD"): words.number(told["main_estimate"].max(), signed=True),
                _("Alike"): alike if len(others) else HIDDEN,
                _("Lowest and highest (SD)"): words.interval(
                    others["estimate"].min(), others["estimate"].max()
                ),
                _("Not alike"): ", ".join(
                    analysis_label(each, words) for each in [*unlike, *naive]
                ),
            }
        )
    hidden = [_("{mark} hidden, since too few people answered", mark=HIDDEN)]
    return _laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("The same changes under other choices"),
        notes=[
            _(
                "Alike: of the other analyses so many whose interval lies on the same side of "
                "zero, or around it, as in the main analysis. The naive analysis, which takes "
                "people of a school for independent, is not counted."
            ),
            *(hidden if frame["suppressed"].any() else []),
        ],
        words=words,
        wordy=[_("Not alike")],
    )
