"""Tables of what came in: response, links, careless signs, missing answers, who differed."""

from __future__ import annotations

import pandas as pd

from loftet_analysis import names
from loftet_analysis.analysis.response import FOR_A_SHARE
from loftet_analysis.show.languages import (
    Words,
    population_label,
    sign_label,
    state_label,
    step_label,
    subgroup_label,
    wave_label,
)
from loftet_analysis.show.tables.layout import (
    ABSENT,
    HIDDEN,
    Table,
    by_wave,
    hidden_note,
    laid_out,
    or_mark,
    waves_in,
)

#: From the linked to those who never could be.
STATES = (
    "linked", "linked_near", "absent", "declined", "set_aside", "moved", "code_error", "ambiguous",
    "grade_mismatch", "structurally_impossible",
)  # fmt: skip


def _share(part: object, whole: object, words: Words) -> str:
    if pd.isna(part) or pd.isna(whole) or whole < FOR_A_SHARE:
        return ""
    return words.percent(float(part) / float(whole))


def _rounded_note(words: Words) -> str:
    return words.text(
        "Counts are rounded as the study's disclosure profile asks, so shares are too."
    )


def response_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out people step by step: a line per step, a pair of columns per population and wave.

    Parameters
    ----------
    frame : DataFrame
        Gated totals of response; rows of subgroups are passed over.
    words : Words
        The reader's language.
    name : str
        The table's id on its page.
    """
    _ = words.text
    whole = frame[frame[names.SUBGROUP] == names.ALL].to_dict("records")
    spanners: dict[str, list[str]] = {}
    rows = [{"label": step_label(step, words)} for step in names.STEPS]
    for row in whole:
        over = f"{population_label(row['population'], words)}, {wave_label(row['wave'], words)}"
        key = f"{row['population']}.{row['wave']}"
        spanners[over] = [f"n|{key}", f"%|{key}"]
        before = None
        for step, line in zip(names.STEPS, rows, strict=True):
            line[f"n|{key}"] = words.number(row[step], 0) or ABSENT
            line[f"%|{key}"] = "" if before is None else _share(row[step], row[before], words)
            before = step if not pd.isna(row[step]) else before
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("From the invited to the linked"),
        notes=[
            _("%: of the line above. More can answer than were invited where a link is passed on."),
            _("Could be found again: of a grade that is asked both times, with a usable code."),
            _rounded_note(words),
        ],
        words=words,
        spanners=spanners,
    )


def groups_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out the response by grade and role: a line per group, the waves side by side.

    Parameters
    ----------
    frame : DataFrame
        Gated totals of response; rows of everybody are passed over.
    words, name
        As in `response_table`.
    """
    _ = words.text
    parts = frame[frame[names.SUBGROUP] != names.ALL]
    waves = waves_in(parts)
    rows = []
    for (population, subgroup), group in parts.groupby(["population", "subgroup"], sort=False):
        line = {
            "group": population_label(population, words),
            "label": subgroup_label(subgroup, words),
        }
        for wave in waves:
            found = group[group[names.WAVE] == wave].to_dict("records")
            row = found[0] if found else {}
            line[f"{_('Kept')}|{wave}"] = words.number(row.get("n_kept"), 0) or ABSENT
            line[f"{_('Response')}|{wave}"] = (
                _share(row.get("n_consented"), row.get("n_invited"), words) or ABSENT
            )
            line[f"{_('Found both times')}|{wave}"] = (
                _share(row.get("n_linked"), row.get("n_linkable"), words) or ABSENT
            )
        rows.append(line)
    table = _without_empty(pd.DataFrame(rows))
    asked = [_("Response: share of the invited of the group whose answers may be used.")]
    return laid_out(
        table,
        name=name,
        caption=_("Who answered, by grade and role"),
        notes=[
            *(asked if any(c.startswith(_("Response")) for c in table) else []),
            _("Found both times: share of those who could be found again."),
            _rounded_note(words),
        ],
        words=words,
        spanners=by_wave(table, waves, words),
    )


def _without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the columns in which there is nothing."""
    return table.loc[:, ~table.eq(ABSENT).all()]


def schools_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out each school's response: which schools to remind.

    Parameters
    ----------
    frame : DataFrame
        Gated response by school.
    words, name
        As in `response_table`.
    """
    _ = words.text
    whole = frame[frame["n_invited"].notna()]
    pairs = whole[["population", "wave"]].drop_duplicates().itertuples(index=False)
    columns = {
        (population, wave): f"{wave_label(wave, words)}|{population}" for population, wave in pairs
    }
    lines: dict[str, dict[str, str]] = {}
    for row in whole.to_dict("records"):
        school = row[names.SCHOOL]
        line = lines.setdefault(school, {"label": words.schools[school]})
        line[columns[row["population"], row["wave"]]] = _how_many(row, words)
    spanners = {}
    for (population, _wave), column in columns.items():
        spanners.setdefault(population_label(population, words), []).append(column)
    table = _without_empty(pd.DataFrame(lines.values()).fillna(ABSENT))
    spanners = {over: [c for c in under if c in table] for over, under in spanners.items()}
    return laid_out(
        table,
        name=name,
        caption=_("Response school by school"),
        notes=[
            _(
                "Share of the invited who answered; where fewer than {n} were invited only whether "
                "under a quarter, under half or at least half did.",
                n=words.count(FOR_A_SHARE),
            ),
            _rounded_note(words),
        ],
        words=words,
        spanners={over: under for over, under in spanners.items() if under},
    )


def _how_many(row: dict, words: Words) -> str:
    """Return a school's response as a share, or as a class where few were invited."""
    _ = words.text
    if row["answered"] and not pd.isna(row["n_invited"]) and row["n_invited"] >= FOR_A_SHARE:
        return words.percent(min(float(row["n_answered"]) / float(row["n_invited"]), 1))
    return {
        "": ABSENT,
        "hardly": _("under a quarter"),
        "some": _("under half"),
        "most": _("half or more"),
    }[row["answered"]]


def linkage_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out what became of the links: a line per state, a pair of columns per wave.

    Parameters
    ----------
    frame : DataFrame
        Gated linkage.
    words, name
        As in `response_table`.
    """
    _ = words.text
    waves = waves_in(frame)
    sums = frame.groupby(["population", "wave"])["n"].sum()
    rows = []
    ordered = frame.sort_values("state", key=lambda s: s.map(STATES.index), kind="stable")
    ordered = ordered.sort_values(
        "population", key=lambda p: p.map(names.POPULATIONS.index), kind="stable"
    )
    for (population, state), group in ordered.groupby(["population", "state"], sort=False):
        line = {
            "group": population_label(population, words),
            "label": state_label(state, words),
        }
        for wave in waves:
            n = group.loc[group[names.WAVE] == wave, "n"].sum()
            line[f"n|{wave}"] = words.count(n)
            line[f"%|{wave}"] = _share(n, sums.get((population, wave), 0), words)
        rows.append(line)
    table = pd.DataFrame(rows)
    return laid_out(
        table,
        name=name,
        caption=_("Why answers are, or are not, linked"),
        notes=[_rounded_note(words)],
        words=words,
        spanners=by_wave(table, waves, words),
    )


def careless_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out signs of careless answering: a line per sign, a column per wave.

    Parameters
    ----------
    frame : DataFrame
        Gated counts of careless signs.
    words, name
        As in `response_table`.
    """
    _ = words.text
    waves = waves_in(frame)
    rows = []
    for (population, sign), group in frame.groupby(["population", "sign"], sort=False):
        line = {"group": population_label(population, words), "label": sign_label(sign, words)}
        for wave in waves:
            found = group[group[names.WAVE] == wave].to_dict("records")
            share = _share(found[0]["n_flagged"], found[0]["n"], words) if found else ""
            line[wave_label(wave, words)] = share or ABSENT
        rows.append(line)
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=_("Signs of careless answering: share of the sheets"),
        notes=[
            _("Nobody is left out for such a sign; the sensitivity tables say what changes."),
            _rounded_note(words),
        ],
        words=words,
    )


def missing_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out how many answers are missing: a line per scale, the waves side by side.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of missing answers.
    words, name
        As in `response_table`.
    """
    _ = words.text
    waves = waves_in(frame)
    rows = []
    for (population, scale), group in frame.groupby(["population", "scale"], sort=False):
        line = {
            "group": population_label(population, words),
            "label": words.outcome(population, scale),
        }
        for wave in waves:
            found = group[group[names.WAVE] == wave].to_dict("records")
            for label, column in ((_("Mean"), "share_missing"), (_("Most"), "share_most")):
                told = _percent(found[0][column], words) or HIDDEN if found else ABSENT
                line[f"{label}|{wave}"] = told
        rows.append(line)
    table = pd.DataFrame(rows)
    return laid_out(
        table,
        name=name,
        caption=_("Missing answers to the questions of each scale"),
        notes=[
            _("Of those who answered any question of the scale; the question with most missing."),
            _("{mark} hidden, since it would tell of few people", mark=HIDDEN),
        ],
        words=words,
        spanners=by_wave(table, waves, words),
    )


def _percent(share: float, words: Words) -> str:
    if pd.isna(share):
        return ""
    gap = "" if words.locale == "en" else "\N{NO-BREAK SPACE}"
    return f"{words.number(100 * share, 1)}{gap}%"


def differences_table(frame: pd.DataFrame, *, words: Words, name: str) -> Table:
    """Lay out how two groups differed before: a line per scale or background.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of attrition, of one comparison.
    words, name
        As in `response_table`.
    """
    _ = words.text
    by_role = "colleague" in frame["comparison"].iloc[0]
    one, other = (
        (_("Participants"), _("Colleagues")) if by_role else (_("Followed"), _("Not followed"))
    )
    rows = []
    for row in frame.to_dict("records"):
        said = {
            "baseline_adjust": _("small"),
            "baseline_apart": _("large"),
        }.get(row["flags"], _("none to speak of"))
        told = not row["suppressed"] and not pd.isna(row["smd"])
        rows.append(
            {
                "group": population_label(row["population"], words),
                "label": _variable(row, words),
                one: or_mark(words.number(row["n_one"], 0), row),
                other: or_mark(words.number(row["n_other"], 0), row),
                _("Difference (SD)"): or_mark(words.number(row["smd"], signed=True), row),
                _("Difference"): said if told else HIDDEN if row["suppressed"] else ABSENT,
            }
        )
    caption = (
        _("Participants and colleagues before")
        if by_role
        else _("Those who were followed and the others, before")
    )
    return laid_out(
        pd.DataFrame(rows),
        name=name,
        caption=caption,
        notes=[
            _(
                "Differences of up to {low} standard deviations are none to speak of; above {high} "
                "two groups are hardly comparable (What Works Clearinghouse).",
                low=words.number(0.05),
                high=words.number(0.25),
            ),
            *hidden_note(frame, words),
        ],
        words=words,
        wordy=[_("Difference")],
    )


def _variable(row: dict, words: Words) -> str:
    variable = row[names.OUTCOME]
    if variable == names.GRADE:
        return words.text("Grade")
    if "=" in variable:
        return words.text("Share of {group}", group=subgroup_label(variable, words))
    return words.outcome(row["population"], variable)
