"""Tables of measurement: reliability, items, invariance, and the light of each scale."""

from __future__ import annotations

import pandas as pd

from loftet_analysis import names
from loftet_analysis.report.tables.layout import (
    ABSENT,
    HIDDEN,
    Table,
    hidden_note,
    laid_out,
    or_mark,
)
from loftet_analysis.report.words import (
    LIGHT_SHAPES,
    Words,
    joined,
    light_label,
    population_label,
    reason_label,
    subgroup_label,
    warning_label,
    wave_label,
)
from loftet_analysis.stats.invariance import LESS_CFI, MORE_RMSEA
from loftet_analysis.stats.measurement import LOW_ALPHA, MODEST_ALPHA


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
            cells[f"n|{wave}"] = or_mark(words.number(row.get("n"), 0), row)
            cells[f"α|{wave}"] = or_mark(words.number(row.get("alpha")), row)
            cells[f"{_('{level} CI', level=words.percent(0.95))}|{wave}"] = or_mark(
                words.interval(low, high), row
            )
        rows.append(cells)
    table = pd.DataFrame(rows)
    return laid_out(
        table,
        name=name,
        caption=_("Reliability of the scales: Cronbach's alpha"),
        notes=[
            _("n: people who answered every item of the scale."),
            *hidden_note(frame, words),
        ],
        words=words,
        spanners={
            wave_label(wave, words): [c for c in table if c.endswith(f"|{wave}")] for wave in waves
        },
    )


def lights_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out the light of each scale with what weakens it.

    Parameters
    ----------
    frame : DataFrame
        Gated lights.
    words, name
        As in `reliability_table`.
    """
    _ = words.text
    rows = []
    for row in frame.to_dict("records"):
        codes = [code for code in row["measurement_warning"].split(";") if code]
        shape = LIGHT_SHAPES.get(row["light"], HIDDEN)
        said = light_label(row["light"], words) if row["light"] else ""
        rows.append(
            {
                "group": population_label(row["population"], words),
                "label": words.outcome(row["population"], row["outcome"]),
                _("Question"): row["question"] or ABSENT,
                _("Light"): f"{shape} {said}".strip(),
                _("Why"): joined([warning_label(code, words) for code in codes], words),
            }
        )
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("How well each scale measures"),
        notes=[
            _("The light is the same in every region: the answers of the whole study set it."),
            _(
                "{good} alpha of {modest} or more, the same meaning before and after, few at the "
                "ends of the scale. {care} one of these fails. {doubt} alpha below {low}, or the "
                "items do not go together alike before and after.",
                good=LIGHT_SHAPES["good"],
                care=LIGHT_SHAPES["care"],
                doubt=LIGHT_SHAPES["doubt"],
                modest=words.number(MODEST_ALPHA),
                low=words.number(LOW_ALPHA),
            ),
            *hidden_note(frame, words),
        ],
        words=words,
        wordy=[_("Light"), _("Why")],
    )


def items_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out what each item adds to its scale, the waves side by side.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of items.
    words, name
        As in `reliability_table`.
    """
    _ = words.text
    waves = [wave for wave in names.WAVES if wave in set(frame["wave"])]
    mean, rest, without = _("Mean"), _("r"), _("α without")
    ends = _("Low / high")
    rows = []
    for (population, scale, item), group in frame.groupby(
        ["population", "scale", "item"], sort=False
    ):
        wording = words.items.get((population, item), "") or _("The whole scale")
        if (population, item) in words.reversed_items:
            wording = _("{wording} (turned)", wording=wording)
        line = {"group": words.outcome(population, scale), "label": wording}
        for wave in waves:
            found = group[group["wave"] == wave].to_dict("records")
            row = found[0] if found else {"suppressed": False}
            line[f"{mean}|{wave}"] = or_mark(words.number(row.get("mean")), row)
            line[f"{rest}|{wave}"] = or_mark(words.number(row.get("item_rest_r")), row)
            line[f"{without}|{wave}"] = or_mark(words.number(row.get("alpha_if_deleted")), row)
            line[f"{ends}|{wave}"] = or_mark(_ends(row, words), row)
        rows.append(line)
    table = pd.DataFrame(rows)
    return laid_out(
        table,
        name=name,
        caption=_("The questions of each scale"),
        notes=[
            _("r: correlation with the rest of the scale. α without: alpha if it were left out."),
            _("Low / high: share of the lowest and of the highest answer; few are left out."),
            *hidden_note(frame, words),
        ],
        words=words,
        spanners={
            wave_label(wave, words): [c for c in table if c.endswith(f"|{wave}")] for wave in waves
        },
    )


def _ends(row: dict, words: Words) -> str:
    shares = [row.get("floor_share"), row.get("ceiling_share")]
    told = [HIDDEN if share is None or pd.isna(share) else words.percent(share) for share in shares]
    return "" if told == [HIDDEN, HIDDEN] else " / ".join(told)


def invariance_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out whether the scales measure alike: a line per scale and design.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of invariance.
    words, name
        As in `reliability_table`.
    """
    _ = words.text
    designs = {"linked": _("the same people"), "groups": _("times and grades")}
    rows = []
    for (population, scale, design), group in frame.groupby(
        ["population", "scale", "design"], sort=False
    ):
        models = {row["model"]: row for row in group.to_dict("records")}
        reasons = [row["reason"] for row in models.values() if row["reason"]]
        row = {"suppressed": bool(group["suppressed"].any())}
        freed = next(
            (models[m]["freed"] for m in ("partial_scalar", "partial_metric") if m in models), ""
        )
        scalar = models.get("scalar", {})
        why = [reason_label(reason, words) for reason in reasons if not row["suppressed"]]
        told = [_item(population, item, words) for item in freed.split(";") if item]
        rows.append(
            {
                "group": words.outcome(population, scale),
                "label": designs[design],
                "n": or_mark(words.number(group["n"].max(), 0), row),
                _("Loadings"): or_mark(_holds(models.get("metric", {}), words), row),
                _("Intercepts"): or_mark(_holds(scalar, words), row),
                "ΔCFI": or_mark(words.number(scalar.get("delta_cfi"), 3, signed=True), row),
                "ΔRMSEA": or_mark(words.number(scalar.get("delta_rmsea"), 3, signed=True), row),
                _("Released, or why not"): "; ".join([*told, *why]),
            }
        )
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Do the scales measure alike before and after?"),
        notes=[
            _(
                "Alike (=) where CFI falls by {cfi} or less and RMSEA rises by {rmsea} or less "
                "when loadings, then intercepts, are held equal; else unlike (≠).",
                cfi=words.number(LESS_CFI, 3),
                rmsea=words.number(MORE_RMSEA, 3),
            ),
            _("Released: questions that had to be left free before the others were alike."),
            *hidden_note(frame, words),
        ],
        words=words,
        wordy=[_("Released, or why not")],
    )


def _holds(row: dict, words: Words) -> str:
    holds = row.get("holds")
    if holds is None or pd.isna(holds):
        return ""
    return "=" if holds else "≠"


def _item(population: str, item: str, words: Words) -> str:
    return f"«{words.items.get((population, item), item)}»"


def wordings_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out the questions that were worded otherwise in a wave.

    Parameters
    ----------
    frame : DataFrame
        ``population, of, item, wave, wording``.
    words, name
        As in `reliability_table`.
    """
    _ = words.text
    rows = [
        {
            "group": words.outcome(row["population"], row["of"]),
            "label": words.items[row["population"], row["item"]],
            _("When"): wave_label(row["wave"], words),
            _("Worded then"): row["wording"],
        }
        for row in frame.to_dict("records")
    ]
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Questions that were worded otherwise one of the times"),
        notes=[],
        words=words,
        wordy=[_("When"), _("Worded then")],
    )
