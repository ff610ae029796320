"""Tables of effects: one region, all regions, regions together, other choices."""

from __future__ import annotations

import pandas as pd

from loftet_analysis import names
from loftet_analysis.analysis.measurement import GOOD, light
from loftet_analysis.show.languages import (
    LIGHT_SHAPES,
    Words,
    analysis_label,
    estimand_label,
    reason_label,
    subgroup_label,
)
from loftet_analysis.show.tables.layout import (
    ABSENT,
    HIDDEN,
    Table,
    by_wave,
    hidden_note,
    laid_out,
    lines,
    notes_of,
    or_mark,
)

NAIVE = "naive"


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
            "group": _with_light(row, frame, words),
            "label": _row_label(row, words),
            **{
                column: or_mark(text, row)
                for column, text in {
                    _("People"): _people(row, words),
                    _("Groups (df)"): _groups(row, words),
                    _("Before"): words.number(row["mean_pre"], signed=_is_contrast(row)),
                    _("After"): words.number(row["mean_post"], signed=_is_contrast(row)),
                    _("Change (SD)"): words.number(row["estimate"], signed=True),
                    _level(frame, words): words.interval(row["ci_low"], row["ci_high"]),
                    _("Visible"): words.number(row["mdes"]),
                }.items()
            },
        }
        for row in frame.to_dict("records")
    ]
    notes = [
        _("People: answered both times, or before / after where they are not the same people."),
        _("Groups: schools, or groups of schools that share pupils; the intervals rest on them."),
        _("SD: the standard deviation of all answers before, the same for every region."),
        _("Visible: the smallest change that so many would show four times out of five, in SD."),
    ]
    weak = [LIGHT_SHAPES[light] for light in ("care", "doubt")]
    if any(row["group"].endswith(tuple(weak)) for row in rows):
        notes.append(
            _(
                "{care} read with care, {doubt} in doubt: see the page about measurement.",
                care=weak[0],
                doubt=weak[1],
            )
        )
    if any(_is_contrast(row) for row in frame.to_dict("records")):
        notes.append(_("Participants − colleagues: before and after are differences between them."))
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Change from before to after"),
        notes=[*notes, *notes_of(frame, words)],
        words=words,
    )


def _is_contrast(row: dict) -> bool:
    return row["estimand"] == "participants_vs_colleagues"


def _level(frame: pd.DataFrame, words: Words) -> str:
    return words.text("{level} CI", level=words.percent(frame["ci_level"].iloc[0]))


def _groups(row: dict, words: Words) -> str:
    """Return the number of clusters, and the degrees of freedom that they give."""
    if pd.isna(row["n_clusters"]):
        return ""
    return f"{words.count(row['n_clusters'])} ({words.number(row['df'], 1)})"


def _with_light(row: dict, frame: pd.DataFrame, words: Words) -> str:
    """Return an outcome's label, marked where its scale is to be read with care."""
    label = words.outcome(row["population"], row["outcome"])
    of = frame[frame["outcome"].eq(row["outcome"]) & ~frame["suppressed"]]
    found = light(next(iter(of["measurement_warning"]), ""))
    return label if found == GOOD else f"{label} {LIGHT_SHAPES[found]}"


def _row_label(row: dict, words: Words) -> str:
    label = estimand_label(row["estimand"], words, row["contrast"])
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
            cells[f"{sd}|{estimand}"] = or_mark(words.number(row.get("estimate"), signed=True), row)
            cells[f"{level}|{estimand}"] = or_mark(
                words.interval(row.get("ci_low"), row.get("ci_high")), row
            )
        rows.append(cells)
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Change from before to after by region, in standard deviations"),
        notes=notes_of(frame, words),
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
                column: or_mark(text, row)
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
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("The regions together: random-effects mean of their changes"),
        notes=[
            _("PI: prediction interval, where the change of one more region can be expected."),
            _("τ: standard deviation between regions; I²: share of the spread beyond chance."),
            *hidden_note(frame, words),
        ],
        words=words,
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
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("The same changes under other choices"),
        notes=[
            _(
                "Alike: of the other analyses so many whose interval lies on the same side of "
                "zero, or around it, as in the main analysis. The naive analysis, which takes "
                "people of a school for independent, is not counted."
            ),
            *hidden_note(frame, words),
        ],
        words=words,
        wordy=[_("Not alike")],
    )


def visible_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out what so many people can show: the smallest visible change of each kind.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects.
    words, name
        As in `effects_table`.
    """
    _ = words.text
    rows = []
    for (estimand, subgroup), group in frame.groupby(["estimand", "subgroup"], sort=False):
        told = group[group["mdes"].notna()]
        if told.empty:
            continue
        first = told.iloc[0].to_dict()
        people = told["n_pairs"].fillna(told["n_post"])
        rows.append(
            {
                "label": _row_label({**first, "estimand": estimand, "subgroup": subgroup}, words),
                _("People"): _span(people, words),
                _("Groups"): _span(told["n_clusters"], words),
                _("Typical (SD)"): words.number(told["mdes"].median()),
                _("Lowest and highest (SD)"): words.interval(
                    told["mdes"].min(), told["mdes"].max()
                ),
            }
        )
    table = pd.DataFrame(rows or [{"label": HIDDEN}])
    return laid_out(
        table,
        name=name,
        caption=_("The smallest change that so many can show"),
        notes=[
            _(
                "A change of this size would be found four times out of five. Typical: the median "
                "over the outcomes. Smaller changes may well be there, but cannot be told from "
                "chance."
            ),
            *hidden_note(frame, words),
        ],
        words=words,
    )


def _span(counts: pd.Series, words: Words) -> str:
    low, high = counts.min(), counts.max()
    if pd.isna(low):
        return ABSENT
    return words.count(low) if low == high else f"{words.count(low)}–{words.count(high)}"


def spread_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out how much of the answers' variance lies between schools, before and after.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of variance.
    words, name
        As in `effects_table`.
    """
    _ = words.text
    waves = [wave for wave in (names.PRE, names.POST) if wave in set(frame["wave"])]
    rows = []
    for (population, outcome), by_its_wave in lines(frame, "population", "outcome"):
        line = {"label": words.outcome(population, outcome)}
        for wave in waves:
            row = by_its_wave[wave]
            line[f"{_('Schools')}|{wave}"] = or_mark(words.number(row.get("n_clusters"), 0), row)
            line[f"{_('SD')}|{wave}"] = or_mark(words.number(row.get("sd")), row)
            share = row.get("icc")
            told = "" if share is None or pd.isna(share) else words.percent(share)
            line[f"{_('Between schools')}|{wave}"] = or_mark(told, row)
        rows.append(line)
    table = pd.DataFrame(rows)
    return laid_out(
        table,
        name=name,
        caption=_("How the answers are spread, and how much of it lies between schools"),
        notes=[
            _("SD: in points of the scale. Between schools: share of the variance (ICC)."),
            *hidden_note(frame, words),
        ],
        words=words,
        spanners=by_wave(table, waves, words),
    )


def agreement_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out how teachers and leaders see the same schools.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of agreement.
    words, name
        As in `effects_table`.
    """
    _ = words.text
    level = _level(frame, words)
    rows = [
        {
            "label": words.outcome("teachers", row["outcome"]),
            **{
                column: or_mark(text, row)
                for column, text in {
                    _("Schools"): words.number(row["n_schools"], 0),
                    _("Teachers"): words.number(row["n_teachers"], 0),
                    _("Leaders"): words.number(row["n_leaders"], 0),
                    _("Difference"): words.number(row["difference"], signed=True),
                    level: words.interval(row["ci_low"], row["ci_high"]),
                    _("r"): words.number(row["r_schools"]),
                    "ICC(1)": words.number(row["icc1"]),
                    "ICC(2)": words.number(row["icc2"]),
                    "r_wg": words.number(row["rwg"]),
                }.items()
            },
        }
        for row in frame.to_dict("records")
    ]
    refused = [
        _(
            "{mark} {outcome}: not computed, since {why}.",
            mark=ABSENT,
            outcome=words.outcome("teachers", row["outcome"]),
            why=reason_label(row["reason"], words),
        )
        for row in frame.to_dict("records")
        if row["reason"] and not row["suppressed"]
    ]
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Teachers' and leaders' view of the same schools, after"),
        notes=[
            _("Difference: teachers minus leaders, in points of the scale; schools count alike."),
            _("r: do teachers and leaders of the same school go together? Over the schools."),
            _(
                "ICC(1), ICC(2), r_wg: how far the teachers of a school agree among themselves "
                "(one teacher, their mean, the spread within). With so few teachers at a school "
                "an r_wg of {low} to {high} arises by chance alone.",
                low=words.number(0.2, 1),
                high=words.number(0.4, 1),
            ),
            *hidden_note(frame, words),
            *refused,
        ],
        words=words,
    )
