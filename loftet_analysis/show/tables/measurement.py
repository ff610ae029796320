"""Tables of measurement: reliability, items, invariance, and the light of each scale."""

from __future__ import annotations

import pandas as pd

from loftet_analysis.analysis.invariance import LESS_CFI, MORE_RMSEA
from loftet_analysis.analysis.measurement import LOW_ALPHA, MODEST_ALPHA
from loftet_analysis.show.languages import (
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
from loftet_analysis.show.tables.layout import (
    ABSENT,
    HIDDEN,
    Table,
    by_wave,
    hidden_note,
    laid_out,
    lines,
    or_mark,
    outcome_groups,
    waves_in,
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
    waves = waves_in(frame)
    rows = []
    level = _("{level} CI", level=words.percent(0.95))
    labels = outcome_groups(frame, words)
    told = lines(_told_apart(frame), "population", "scale", "subgroup")
    for (population, scale, subgroup), by_its_wave in told:
        first, label = next(iter(by_its_wave.values())), labels[population, scale]
        cells = {
            "group": _("{scale} ({n} questions)", scale=label, n=words.count(first["n_items"])),
            "label": subgroup_label(subgroup, words) or _("everybody"),
        }
        for wave in waves:
            row = by_its_wave[wave]
            low, high = row.get("alpha_ci_low"), row.get("alpha_ci_high")
            cells[f"n|{wave}"] = or_mark(words.number(row.get("n"), 0), row)
            cells[f"α|{wave}"] = or_mark(words.number(row.get("alpha")), row)
            cells[f"{level}|{wave}"] = or_mark(words.interval(low, high), row)
            cells[f"ω|{wave}"] = or_mark(words.number(row.get("omega")), row)
        rows.append(cells)
    table = pd.DataFrame(rows)
    return laid_out(
        table,
        name=name,
        caption=_("Reliability of the scales: Cronbach's alpha and McDonald's omega"),
        notes=[
            _("n: people who answered every item of the scale. The interval is that of alpha."),
            *hidden_note(frame, words),
        ],
        words=words,
        spanners=by_wave(table, waves, words),
    )


def _told_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the roles of scales that one role alone was asked: they are everybody."""
    role = frame["subgroup"].str.startswith("role=")
    keys = [frame["population"], frame["scale"]]
    alone = role & frame["subgroup"].where(role).groupby(keys).transform("nunique").eq(1)
    return frame[~alone]


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
        told = HIDDEN
        if row["light"]:
            told = f"{LIGHT_SHAPES[row['light']]} {light_label(row['light'], words)}"
        rows.append(
            {
                "group": population_label(row["population"], words),
                "label": words.outcome(row["population"], row["outcome"]),
                _("Question"): row["question"] or ABSENT,
                _("Light"): told.replace(" ", "\N{NO-BREAK SPACE}"),
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
    waves = waves_in(frame)
    mean, rest, without = _("Mean"), _("r"), _("α without")
    ends = _("Low / high")
    rows = []
    labels = outcome_groups(frame, words)
    for (population, scale, item), by_its_wave in lines(frame, "population", "scale", "item"):
        wording = words.items.get((population, item), "") or _("The whole scale")
        if (population, item) in words.reversed_items:
            wording = f"{wording} {_('(turned)')}"
        line = {"group": labels[population, scale], "label": wording}
        for wave in waves:
            row = by_its_wave[wave]
            digits = 1 if item else 2  # as far as the gate lets a single question's mean be told
            line[f"{mean}|{wave}"] = or_mark(words.number(row.get("mean"), digits), row)
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
        spanners=by_wave(table, waves, words),
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
    labels = outcome_groups(frame, words)
    for (population, scale, design), group in frame.groupby(
        ["population", "scale", "design"], sort=False
    ):
        models = {row["model"]: row for row in group.to_dict("records")}
        reasons = [row["reason"] for row in models.values() if row["reason"]]
        row = {"suppressed": bool(group["suppressed"].any())}
        freed = next(
            (models[m]["freed"] for m in ("partial_scalar", "partial_metric") if m in models), ""
        )
        why = [reason_label(reason, words) for reason in reasons if not row["suppressed"]]
        told = [_item(population, item, words) for item in freed.split(";") if item]
        rows.append(
            {
                "group": labels[population, scale],
                "label": designs[design],
                "n": or_mark(words.number(group["n"].max(), 0), row),
                **_step("metric", models, row, words),
                **_step("scalar", models, row, words),
                _("Released, or why not"): "; ".join([*told, *why]),
            }
        )
    table = pd.DataFrame(rows)
    return laid_out(
        table,
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
        spanners={
            label: [c for c in table if c.endswith(f"|{model}")]
            for model, label in (("metric", _("Loadings")), ("scalar", _("Intercepts")))
        },
        wordy=[_("Released, or why not")],
    )


def _step(model: str, models: dict[str, dict], row: dict, words: Words) -> dict[str, str]:
    """Return whether a step holds, and by how much the fit is harmed."""
    found = models.get(model, {})
    holds = found.get("holds")
    sign = "" if holds is None or pd.isna(holds) else "=" if holds else "≠"
    return {
        f"\N{NO-BREAK SPACE}|{model}": or_mark(sign, row),
        **{
            f"{label}|{model}": or_mark(words.number(found.get(key), 3, signed=True), row)
            for label, key in (("ΔCFI", "delta_cfi"), ("ΔRMSEA", "delta_rmsea"))
        },
    }


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
