"""The tables of a study: each declares its lines, columns and notes, and `layout` renders it.

Every function takes a gated frame, and `words`, the reader's language. Hidden numbers stand as
``·``, and those that are not there as ``–``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.analysis.invariance import LESS_CFI, MORE_RMSEA
from loftet_analysis.analysis.measurement import (
    CARE,
    DOUBT,
    GOOD,
    LOW_ALPHA,
    MODEST_ALPHA,
    light,
)
from loftet_analysis.analysis.response import FOR_A_SHARE, share_of
from loftet_analysis.analysis.variance import GOOD_RWG, SMALL_ICC
from loftet_analysis.estimands import MIDWAY, SPLINE, contrast_of_waves
from loftet_analysis.schema import Row
from loftet_analysis.show import alt_texts
from loftet_analysis.show.labels import LABELS, LIGHT_SHAPES
from loftet_analysis.show.languages import (
    Words,
    alphabet,
    beside_zero,
    in_alphabet,
    joined,
    label,
    linked_group,
    linked_time,
    named,
    named_or_own,
    outcome_labels,
    row_label,
    too_few_regions,
)
from loftet_analysis.show.layout import ABSENT, HIDDEN, Column, Table, laid_out
from loftet_analysis.show.sentences import (
    NAIVE,
    WEAK,
    in_sentence,
    left_out,
    of_enough,
    rounded,
    shown_interval,
    weaknesses,
)
from loftet_analysis.show.shown import view

#: People; a percentage of fewer has no decimals.
FOR_A_DECIMAL = 100
BY_SCHOOL = ("linkage_by_school", "response_by_school")


def table(frame: pd.DataFrame, *, words: Words, caption: str = "") -> Table:
    """Lay out any gated frame as it is: a line per row, a column per column.

    Parameters
    ----------
    frame : DataFrame
        A gated frame, or what pandas made of one. The first column, or a named index, names the
        lines. Without ``suppressed`` and ``reason``.
    words : Words
        The reader's language. Keys of the results (region, outcome, wave, estimand and so on) are
        named in it; whole numbers stand as counts, p-values with three decimals, other numbers
        with two.
    caption : str, optional
        What the table is of.

    Examples
    --------
    >>> frame = pd.DataFrame({"wave": ["pre", "post"], "n": [431, 402], "mean": [2.875, 3.1]})
    >>> table(frame, words=Words("nb")).html.splitlines()[8:13]
    ['<tbody>', '<tr>', '<th scope="row">før</th>', '<td>431</td>', '<td>2,88</td>']
    """
    frame = frame.reset_index() if any(frame.index.names) else frame
    keys = [key if isinstance(key, tuple) else (key,) for key in frame.columns]
    axes = frame.columns.names
    frame = frame.set_axis([" ".join(map(str, key)).strip() for key in keys], axis=1)
    columns = []
    for field, key in zip(frame, keys, strict=True):
        pairs = [(str(part), axis) for part, axis in zip(key, axes, strict=True) if part != ""]
        *over, heading = [_heading(part, axis, words) for part, axis in pairs]
        if field not in ("suppressed", "reason"):
            columns.append((heading, *_cell(frame[field], words), ", ".join(over)))
    first = Column(*columns.pop(0))

    def line(row: Row) -> str:
        return first.text(row, words)

    return laid_out(frame, columns, words, caption, line=line, corner=first.heading)


def _heading(part: str, axis: str | None, words: Words) -> str:
    """Return what a column is called, or a value of the key that was spread over the columns."""
    for column, value in ((axis, part), ("column", part)):
        if column in LABELS and value in LABELS[column]:
            return label(column, value, words)
    return part.replace("_", " ")


def _cell(values: pd.Series, words: Words) -> tuple[str | Callable[[Row], str | None], str]:
    """Return what a column shows, and in which form, by its type."""
    column = values.name
    if pd.api.types.is_bool_dtype(values):
        answers = {True: words.text("yes"), False: words.text("no")}
        return lambda row: answers.get(row[column]), "text"
    if pd.api.types.is_integer_dtype(values):
        return column, "count"
    if pd.api.types.is_float_dtype(values):
        return column, "p_value" if column.startswith("p_") else "number"
    if pd.api.types.is_datetime64_any_dtype(values):
        return column, "date"

    def text(row: Row) -> str | None:
        is_hidden = row[column] == "" and row.get("suppressed")
        return None if pd.isna(row[column]) or is_hidden else named_or_own(row, column, words)

    return text, "text"


def _level(words: Words, level: float = 0.95) -> str:
    return words.text("{level} CI", level=words.percent(level))


def _refusals(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return the notes on what is left out or refused in rows of effects or agreement."""
    _ = words.text
    notes = []
    reasons = frame["reason"].fillna("")
    refused = frame[~frame["suppressed"] & ~reasons.isin(("", names.FEW_CLUSTERS))]
    if (reasons.eq(names.FEW_CLUSTERS) & ~frame["suppressed"].astype(bool)).any():
        omitted = _(
            "{mark} interval omitted where the schools are so few that it could identify single "
            "schools",
            mark=ABSENT,
        )
        notes.append(omitted)
    alike: dict[tuple[str, str], dict[str, None]] = {}
    for row in refused.to_dict("records"):
        what = row_label(row, words) if "estimand" in row else ""
        of = alike.setdefault((what, named(row, "reason", words)), {})
        of[named(row, "outcome", words)] = None
    for (what, why), outcomes in alike.items():
        first, *rest = outcomes
        name = joined([first, *map(in_sentence, rest)], words)
        name = f"{name} ({in_sentence(what)})" if what else name
        notes.append(
            _("{mark} {outcome}: not computed, since {why}.", mark=ABSENT, outcome=name, why=why)
        )
    return notes


def effects(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out effects of one region, grouped by outcome.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects. Refused rows are listed beneath the table with their reason.
    words : Words
        The reader's language.
    """
    _ = words.text
    shown = frame[~frame["suppressed"]].drop_duplicates(["population", "outcome"])
    lights = shown.set_index(["population", "outcome"])["measurement_warning"].map(light).to_dict()

    def outcome(row: Row) -> str:
        name = named(row, "outcome", words)
        code = lights.get((row["population"], row["outcome"]), GOOD)
        return name if code == GOOD else f"{name} {LIGHT_SHAPES[code]}"

    def clusters(row: Row) -> str | None:
        if pd.isna(row["n_clusters"]):
            return None
        return f"{words.count(row['n_clusters'])} ({words.number(row['df'], 0)})"

    def is_share(row: Row) -> bool:
        return row["estimand"] == "share_below"

    def mean(row: Row, wave: str) -> str | None:
        form = words.percent if is_share(row) else words.number
        return None if pd.isna(row[wave]) else form(row[wave])

    def points(row: Row) -> str | None:
        share = is_share(row)  # in percentage points, as its label says
        return words.number(row["change"] * (100 if share else 1), 1 if share else 2) or None

    def change(row: Row) -> str | None:
        return None if is_share(row) else words.number(row["estimate"]) or None

    def interval(row: Row) -> str | None:
        if is_share(row):
            ends = 100 * row["change_ci_low"], 100 * row["change_ci_high"]
            return beside_zero(*ends, words, 1) or None
        return shown_interval(row, words) or None

    midway = frame["contrast"].map(contrast_of_waves).isin(MIDWAY).any()
    columns = [
        (_("People"), lambda row: alt_texts.people(row, words, " / ") or None),
        (_("Clusters (df)"), clusters),
        (_("Earlier") if midway else _("Before"), lambda row: mean(row, "mean_pre")),
        (_("Later") if midway else _("After"), lambda row: mean(row, "mean_post")),
        (_("Change (points)"), points),
        (_("Change (SD)"), change),
        (_level(words, frame["ci_level"].iloc[0]), interval),
        (_("Minimum detectable"), "mdes"),
    ]
    notes = _notes_of_effects(frame, lights.values(), words)
    caption, last = _("Change from before to after"), _refusals(frame, words)
    if frame["estimand"].eq("dose").all():
        caption = _("How the change differs with attendance")
        notes += _many_against_few(frame, words)
    if midway:
        caption = _("Change from the earlier to the later time")

    def line(row: Row) -> str:
        name = row_label(row, words)
        return _("{comparison} (percentage points)", comparison=name) if is_share(row) else name

    return laid_out(frame, columns, words, caption, notes, group=outcome, line=line, last=last)


def _notes_of_effects(frame: pd.DataFrame, lights: Collection[str], words: Words) -> list[str]:
    """Return what stands below a table of effects: what its columns and signs mean."""
    _ = words.text
    pairs = frame["n_pairs"].notna()
    people_of = {
        (True, True): _(
            "People: those who answered both times, or before / after where these are not the "
            "same people."
        ),
        (True, False): _("People: those who answered both times."),
        (False, True): _("People: those who answered before / after."),
    }
    clusters_of = [each for each in LABELS["cluster"] if frame["cluster"].eq(each).any()]
    notes = [
        people_of.get((pairs.any(), (~pairs & frame["n_post"].notna()).any()), ""),
        _(
            "Clusters: {clusters}; the intervals allow for them.",
            clusters=joined([label("cluster", each, words) for each in clusters_of], words),
        )
        if clusters_of
        else "",
        _("SD: the standard deviation of all answers before, the same for every region."),
        _(
            "Minimum detectable: the smallest change, or difference, that would be detected four "
            "times out of five with this many clusters and answers, in SD."
        ),
        rounded(words),
    ]
    doubts = [code for code in (CARE, DOUBT) if code in lights]
    if doubts:
        marks = [f"{LIGHT_SHAPES[code]} {label('light', code, words)}" for code in doubts]
        notes.append(_("{marks}: see the page about measurement.", marks=", ".join(marks)))
    is_contrast = frame["estimand"].eq("participants_vs_colleagues").any()
    if is_contrast and frame["mean_pre"].notna().any():
        notes.append(_("Participants − colleagues: before and after are differences between them."))
    return notes


def _many_against_few(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return what many against few seminars, or pieces of interim work, are, with the numbers."""
    _ = words.text
    along = frame["contrast"].str.endswith(SPLINE)
    if not along.any():
        return []
    said = _(
        "Many − few: the change at the 90th percentile of attendance minus that at the 10th, read "
        "from a smooth curve through all attendance (natural cubic spline)."
    )
    ends = frame["flags"].fillna("").str.extract(r"(?:^|;)range=([\d.]+)-([\d.]+)")
    told = frame.assign(low=ends[0], high=ends[1])[along & ends[0].notna()]
    against = [
        _(
            "{what}: {many} against {few}",
            what=label("contrast", row["contrast"], words),
            many=words.plain(float(row["high"])),
            few=words.plain(float(row["low"])),
        )
        for row in told.drop_duplicates(["contrast", "low", "high"]).to_dict("records")
    ]
    last = _("In these rows: {against}.", against="; ".join(against)) if against else ""
    return [f"{said} {last}".strip()]


def levels(frame: pd.DataFrame, *, words: Words, country: pd.DataFrame | None = None) -> Table:
    """Lay out levels: a line per group and wave, with the mean and the share above the middle.

    Of several regions a line is a region.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of levels, grouped by outcome. Groups that nobody answered of are left out. A
        column `year` stands before the group.
    words : Words
        The reader's language.
    country : DataFrame, optional
        Gated ``population, outcome, wave, mean`` of the whole study, a column of its own.
    """
    _ = words.text
    by = names.REGION if frame[names.REGION].nunique() > 1 else names.SUBGROUP
    frame = in_alphabet(frame, words)
    keys = ["region", "population", "outcome", "wave", "subgroup", *({"year"} & {*frame})]
    told = frame[frame["suppressed"] | frame["reason"].isin(("", names.FEW_CLUSTERS))]
    n = told[["n_pre", "n_post"]].astype(float).max(axis=1)
    rows = told.assign(n=n, low=told["change_ci_low"], high=told["change_ci_high"])
    numbers = ["n", "n_schools", "change", "low", "high"]
    # a line has the mean and the share of the same people
    lines = rows.groupby(keys, sort=False)["suppressed"].any().reset_index()
    for contrast in ("mean", "share"):
        own = rows[rows["contrast"] == contrast].set_index(keys)[numbers].astype(float)
        lines = lines.merge(own.add_prefix(f"{contrast} "), on=keys, how="left")
    if country is not None:
        places = ["population", "outcome", "wave"]
        beside = country[[*places, "mean"]].assign(subgroup=names.ALL)  # no group's mean
        lines = lines.merge(beside, on=[*places, "subgroup"], how="left")
    several = lines["wave"].nunique() > 1

    def name(row: Row) -> str:
        return alt_texts.of_level(row, by, words, timed=several)

    def shares(row: Row) -> str | None:
        low, high = row["share low"], row["share high"]
        if pd.isna(low):
            return None
        return f"{words.percent(low)} {_('to')} {words.percent(high)}"

    level = _level(words, frame["ci_level"].iloc[0])
    columns = [
        (_("People"), "mean n", "count"),
        (_("Schools"), "mean n_schools", "count"),
        (_("Mean"), "mean change"),
        (level, ("mean low", "mean high"), "interval"),
        (_("Above the middle"), "share change", "percent"),
        (level, shares),
    ]
    notes = [
        _("Mean: in points on the scale. The intervals allow for similarity within schools."),
        _("Above the middle: share of the people whose answer lies above the middle of the scale."),
        rounded(words),
    ]
    if country is not None:
        columns.insert(4, (_("Whole study"), lambda row: words.number(row["mean"])))
    whole = frame[frame["subgroup"].eq(names.ALL) & frame["contrast"].eq("mean")]
    caption, last = _("Level of the answers"), _refusals(whole, words)
    return laid_out(lines, columns, words, caption, notes, group="outcome", line=name, last=last)


def regions(frame: pd.DataFrame, *, words: Words, together: pd.DataFrame | None = None) -> Table:
    """Lay out effects by region: a line per region, a pair of columns per comparison.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects of several regions.
    words : Words
        The reader's language.
    together : DataFrame, optional
        The matching gated national rows, which end each outcome's lines.
    """
    _ = words.text
    frame = in_alphabet(pd.concat([frame, together], ignore_index=True), words)
    frame["comparison"] = [row_label(row, words) for row in frame.to_dict("records")]
    level = _level(words, frame["ci_level"].iloc[0])
    columns = [(_("SD"), "estimate"), (level, lambda row: shown_interval(row, words) or None)]
    caption = _("Change from before to after by region, in standard deviations")
    if frame["contrast"].map(contrast_of_waves).isin(MIDWAY).any():
        caption = _("Change from the earlier to the later time by region, in standard deviations")
    form = {"group": "outcome", "line": "region", "across": "comparison"}
    return laid_out(frame, columns, words, caption, **form, last=_refusals(frame, words))


def pooled(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out pooled effects: how the regions differ, and what to expect of one more.

    It draws no conclusion: what is concluded of the country stands in the country's own rows.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of pooled effects.
    words : Words
        The reader's language.
    """
    _ = words.text
    columns = [
        (_("Regions"), "k", "count"),
        (_("Mean (SD)"), "estimate"),
        (_level(words), ("ci_low", "ci_high"), "beside_zero"),
        (_("{level} PI", level=words.percent(0.95)), ("pi_low", "pi_high"), "beside_zero"),
        ("τ", "tau"),
        ("I²", "i2", "percent"),
        ("p (Q)", "q_p", "p_value"),
    ]
    notes = [
        _(
            "Mean: over the regions, weighted by precision. It shows how much they differ; "
            "what can be concluded is in the sentences."
        ),
        _("PI: prediction interval, within which the change of a new region is expected."),
        _("τ: standard deviation between regions; I²: share of the spread beyond chance."),
    ]
    if frame["tau2"].isna().any():
        notes.append(too_few_regions(words))
    if frame["tau2"].isna().all():
        columns, notes = columns[:3], [notes[0], *notes[3:]]
    caption = _("How the changes differ between the regions")
    rows, last = frame.assign(tau=frame["tau2"] ** 0.5), _left_out(frame, words)
    return laid_out(
        rows, columns, words, caption, notes, group="outcome", line="estimand", last=last
    )


def two_ways(frame: pd.DataFrame, *, words: Words, together: pd.DataFrame) -> Table:
    """Lay out the country's own estimates beside the means over the regions.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of pooled effects.
    words : Words
        The reader's language.
    together : DataFrame
        The matching gated rows of the country.
    """
    _ = words.text
    keys = [names.POPULATION, names.OUTCOME, names.ESTIMAND]
    numbers = ["estimate", "ci_low", "ci_high"]
    own = together.drop_duplicates(keys)[[*keys, *numbers, "ci_level"]]
    own = own.rename(columns={name: f"country_{name}" for name in numbers})
    rows = frame.merge(own, on=keys, how="left")
    country, regions = _("Everybody at once"), _("Mean over the regions")
    level = _level(words, together["ci_level"].iloc[0] if len(together) else 0.95)
    columns = [
        (_("SD"), "country_estimate", "number", country),
        (level, ("country_ci_low", "country_ci_high"), "beside_zero", country),
        (_("SD"), "estimate", "number", regions),
        (level, ("ci_low", "ci_high"), "beside_zero", regions),
        (_("One region left out"), ("lowest", "highest"), "interval", regions),
    ]
    notes = [
        _(
            "Everybody at once: every person counts equally, and conclusions rest on it. "
            "Mean over the regions: regions are weighted by precision, so small regions "
            "count for more than where every person counts equally."
        ),
        _("One region left out: the lowest and the highest mean over the others."),
    ]
    caption = _("The estimate of all regions in two ways")
    return laid_out(rows, columns, words, caption, notes, group="outcome", line="estimand")


@view(nothing="The study declares no features of its regions.")
def features(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how changes go along with features of the regions.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of features.
    words : Words
        The reader's language.
    """
    _ = words.text
    columns = [
        (_("Regions"), "k", "count"),
        (_("Difference (SD)"), "estimate"),
        (_level(words), ("ci_low", "ci_high"), "beside_zero"),
        (_("p, adjusted"), "p_adjusted", "p_value"),
        (_("τ that remains"), "tau"),
    ]
    notes = [
        _(
            "Difference: in change between regions that are one standard deviation apart on the "
            "feature. p is adjusted over the lines of a feature (Holm). The regions differ in much "
            "else, so a difference does not show what the feature does."
        )
    ]

    several = [*frame["feature"].unique()]
    what = joined([words.features[each] for each in several], words)

    def line(row: Row) -> str:
        name = named(row, "estimand", words)
        return name if len(several) == 1 else f"{name}, {named(row, 'feature', words)}"

    rows = frame.assign(tau=frame["tau2"] ** 0.5)
    caption = _("How the changes are associated with {features}", features=what)
    return laid_out(rows, columns, words, caption, notes, group="outcome", line=line)


def _left_out(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return the notes on regions that are no part of what is pooled, each with why not."""
    notes = []
    shown = frame[~frame["suppressed"]]
    for told, rows in shown[shown["left_out"].fillna("") != ""].groupby("left_out", sort=False):
        regions = [each.split(": ") for each in told.split("; ")]
        regions.sort(key=lambda each: alphabet(words.region(each[0]), words.locale))
        named_regions = ", ".join(
            f"{words.region(region)} "
            f"({label('left_out' if why in LABELS['left_out'] else 'reason', why, words)})"
            for region, why in regions
        )
        note = words.plural(
            "{n} region is not included: {regions}.",
            "{n} regions are not included: {regions}.",
            len(regions),
            regions=named_regions,
        )
        if len(rows) < len(shown):
            rows_of: dict[str, list[str]] = {}
            for row in rows.to_dict("records"):
                estimand = in_sentence(named(row, "estimand", words))
                rows_of.setdefault(estimand, []).append(named(row, "outcome", words))
            of = "; ".join(
                f"{joined(those, words)} ({change})" for change, those in rows_of.items()
            )
            note = f"{of} – {note}"
        notes.append(note)
    return notes


def sensitivity(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out other choices: a line per outcome and change, and which analyses differ.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of sensitivity.
    words : Words
        The reader's language.
    """
    _ = words.text
    keys = ["population", "outcome", "estimand"]
    rows = []
    for key, group in frame.groupby(keys, sort=False):
        compared = group[group["agrees"].notna() & ~group["suppressed"]]
        others = compared[compared["analysis"] != NAIVE]
        unlike = compared[~compared["agrees"].astype(bool)]
        unlike = unlike.sort_values("analysis", key=lambda name: name == NAIVE, kind="stable")
        alike = len(others) - (unlike["analysis"] != NAIVE).sum()
        row = dict(zip(keys, key, strict=True))
        row["suppressed"] = group["suppressed"].any()
        row["main"] = words.number(group["main_estimate"].max())
        row["alike"] = _("{k} of {n}", k=alike, n=len(others)) if len(others) else HIDDEN
        lowest, highest = others["estimate"].min(), others["estimate"].max()
        row["range"] = words.span(lowest, highest)
        row["unlike"] = ", ".join(label("analysis", name, words) for name in unlike["analysis"])
        rows.append(row)
    columns = [
        (_("SD"), "main", "plain"),
        (_("Agree"), "alike", "plain"),
        (_("Range of the others (SD)"), "range", "plain"),
        (_("Disagree"), "unlike", "text"),
    ]
    note = _(
        "Agree: the number of other analyses whose interval lies on the same side of zero as "
        "in the main analysis, or includes zero as it does. The naive analysis, which treats "
        "people of a school as independent, is not counted. The range is of the other analyses; "
        "of few people they are rounded more coarsely than the main one."
    )
    caption = _("The same changes under other analytic choices")
    last = _selected(frame, words)
    return laid_out(
        rows, columns, words, caption, [note], group="outcome", line="estimand", last=last
    )


def _selected(frame: pd.DataFrame, words: Words) -> list[str]:
    """Return a note on each change that goes along with who answered again, school by school."""
    _ = words.text
    of_schools = frame["analysis"].isin(BY_SCHOOL) & ~frame["suppressed"].astype(bool)
    apart = (frame["ci_low"] > 0) | (frame["ci_high"] < 0)
    keys = ["region", "population", "outcome", "estimand"]
    weighted = frame[frame["analysis"].eq("school_weights")].set_index(keys)["estimate"]
    notes = []
    for row in frame[of_schools & apart].to_dict("records"):
        about = {
            "outcome": named(row, "outcome", words),
            "estimand": in_sentence(named(row, "estimand", words)),
            "what": named(row, "analysis", words),
            "r": words.number(row["estimate"]),
            "level": _level(words, row["ci_level"]),
            "interval": words.interval(row["ci_low"], row["ci_high"]),
        }
        note = _(
            "{outcome}, {estimand}: {what} are correlated (r = {r}, {level} {interval}).", **about
        )
        if size := words.number(weighted.get(tuple(row[k] for k in keys))):
            note = _(
                "{outcome}, {estimand}: {what} are correlated (r = {r}, {level} {interval}); with "
                "schools weighted by everybody they had before, the change is {weighted} SD.",
                weighted=size,
                **about,
            )
        notes.append(note)
    return notes


def visible(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out what so many people can show: the smallest visible change of each kind.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of effects, or of what is foreseen.
    words : Words
        The reader's language.
    """
    _ = words.text

    def span(counts: pd.Series) -> str:
        return ABSENT if counts.isna().all() else words.counts(counts.min(), counts.max())

    # a forecast counts those who can be lost
    measured = frame[["n_pairs", "n_post"]].notna().any(axis=None)
    rows, last = [], []
    for _key, rows_of_kind in frame.groupby(["estimand", "subgroup"], sort=False):
        group = rows_of_kind[rows_of_kind["mdes"].notna()]
        name = row_label({**rows_of_kind.iloc[0], "wave": ""}, words)
        if group.empty:
            why = rows_of_kind.loc[~rows_of_kind["suppressed"], "reason"].unique()
            for each in filter(None, why):
                about = {"mark": ABSENT, "outcome": name, "why": label("reason", each, words)}
                said = _("{mark} {outcome}: not computed, since {why}.", **about)
                if each == names.FEW_CLUSTERS:
                    said = _(
                        "{mark} {outcome}: what can be detected is not shown here, since {why}.",
                        **about,
                    )
                last.append(said)
            continue
        row = {"label": name, "suppressed": frame["suppressed"].any()}
        row["people"] = span(group["n_pairs"].fillna(group["n_post"]).fillna(group["n_pre"]))
        row["clusters"] = span(group["n_clusters"])
        rows.append(row | group["mdes"].agg(["median", "min", "max"]).to_dict())
    columns = [
        (_("People (after)") if measured else _("Answered before"), "people", "plain"),
        (_("Clusters"), "clusters", "plain"),
        (_("Median (SD)"), "median"),
        (_("Range (SD)"), lambda row: words.span(row["min"], row["max"]) or None),
    ]
    notes = [
        _(
            "A change of this size would be detected four times out of five. Median and range are "
            "over the outcomes. Smaller changes may exist, but cannot be told from chance."
        )
    ]
    if not measured and (frame["estimand"] != "same_grade").any():
        followed = _(
            "Of those who are to be followed only those who can be found again are counted; "
            "schools that share pupils are one group."
        )
        notes.append(followed)
    if not measured and frame["flags"].fillna("").str.contains("feeders_unknown").any():
        unlinked = _(
            "Nobody is linked yet, so it is not known who can be found again and which schools "
            "share pupils: the minimum detectable linked change will be larger than it says here."
        )
        notes.append(unlinked)
    caption = _("Minimum detectable change")
    if not rows:
        mark = HIDDEN if frame["suppressed"].any() else ABSENT
        rows, columns = [{"label": mark, "suppressed": frame["suppressed"].any()}], []
    return laid_out(rows, columns, words, caption, notes, line="label", last=last)


@view(nothing="No two of these were asked at the same schools.")
def school_link(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how schools' means go together, pair by pair.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `school_link`.
    words : Words
        The reader's language.
    """
    _ = words.text
    level = _level(words, frame["ci_level"].iloc[0])
    r, slope, reliable = _("Correlation"), _("Slope"), _("Reliability of the means")
    columns = [
        (_("Schools"), "n_schools", "count"),
        (_("r"), "r_schools", "number", r),
        (level, ("ci_low", "ci_high"), "beside_zero", r),
        (_("minimum detectable"), "r_visible", "number", r),
        (_("b"), "slope", "number", slope),
        (level, ("slope_ci_low", "slope_ci_high"), "beside_zero", slope),
        (_("first"), "mean_reliability", "number", reliable),
        (_("second"), "other_mean_reliability", "number", reliable),
        (_("r, corrected for unreliability"), "r_disattenuated"),
        (level, ("r_disattenuated_low", "r_disattenuated_high"), "beside_zero"),
    ]
    notes = [
        _(
            "r: correlation of the schools' means, from −1 to 1; b: points on the second per "
            "point on the first. Every school counts once. Correlations below the minimum "
            "detectable one would be detected less often than four times out of five."
        ),
        _(
            "The mean of a few people is imprecise, which pulls r and b towards zero; a low value "
            "does not say that the two are unrelated. Reliability: the share of the means' "
            "variance that is not chance. r corrected for unreliability is given only where "
            "reliability is 0.50 or more on both sides; its interval takes the reliabilities as "
            "known."
        ),
        _(
            "Associated weakly or not at all: the interval of r includes 0, and that of the "
            "corrected r lies between {low} and {high} (from {high} on a correlation counts as "
            "medium). Where the corrected r is not given this cannot be told.",
            low=words.number(-WEAK),
            high=words.number(WEAK),
        ),
    ]
    flags = {*";".join(frame["flags"].fillna("")).split(";")}
    if "halves" in flags:
        halves = _(
            "Where the same people answer both, the people of each school were split into halves, "
            "and the mean of one half was set against that of the other."
        )
        notes.append(halves)
    if "reliability_unknown" in flags:
        notes.append(
            _("Where no school has two people, the reliability of the means is not known.")
        )

    def outcomes(row: Row) -> str:
        sides = ("", "other_")
        return " → ".join(words.outcome(row[f"{s}population"], row[f"{s}outcome"]) for s in sides)

    def groups(row: Row) -> str:
        told = [[linked_group(row, words, s), linked_time(row, words, s)] for s in ("", "other_")]
        return " → ".join(", ".join(filter(None, side)) for side in told)

    caption = _("How the schools' means are associated")
    return laid_out(
        frame, columns, words, caption, notes, line=outcomes, group=groups,
        last=[*left_out(frame[~frame["suppressed"].astype(bool)], words)],
    )  # fmt: skip


@view(nothing="There are no answers yet from which this could be computed.")
def spread(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how much of the answers' variance lies between schools, before and after.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of variance.
    words : Words
        The reader's language.
    """
    _ = words.text
    columns = [
        (_("Schools"), "n_clusters", "count"),
        (_("SD"), "sd"),
        (_("Between schools"), "icc", "percent"),
    ]
    caption = _("Spread of the answers, and the share of it between schools")
    notes = [_("SD: in points on the scale. Between schools: share of the variance (ICC).")]
    rows = frame[frame["wave"] != names.MID]
    notes.append(_of_few_at_schools(rows, words))
    return laid_out(rows, columns, words, caption, notes, line="outcome", across="wave")


@view(nothing="There are no answers yet from which this could be computed.")
def shared(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out whether the people of a school share what was asked, scale by scale.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of variance.
    words : Words
        The reader's language.
    """
    _ = words.text

    def is_shared(row: Row) -> str:
        if pd.isna(row["shared"]):
            return _("cannot tell")
        return _("yes") if row["shared"] else _("no")

    def scale(row: Row) -> str:
        return f"{named(row, 'outcome', words)}, {named(row, 'wave', words)}"

    columns = [
        (_("Schools"), "n_clusters", "count"),
        ("ICC(1)", "icc"),
        (_level(words, frame["ci_level"].iloc[0]), ("icc_low", "icc_high"), "interval"),
        ("ICC(2)", "icc2"),
        ("r_wg", "rwg"),
        (_("Shared"), is_shared, "plain"),
    ]
    note = _(
        "ICC(1): share of the variance between schools. ICC(2): reliability of the mean of as many "
        "people as a school has on average. r_wg: how much closer the answers at a school are than "
        "answers at random, mean of the schools where five or more answered. Shared is a scale "
        "where the interval of ICC(1) begins at {least} or above, or r_wg is {good} or more. Not "
        "shared, and left out of the chain, is a scale where the interval of ICC(1) ends below "
        "{least}, or where ICC(1) is 0 and r_wg below {good}. Else it cannot be told, and the "
        "scale stays in the chain.",
        least=words.number(SMALL_ICC),
        good=words.number(GOOD_RWG),
    )
    caption = _("Whether it is shared within schools")
    notes = [note, _of_few_at_schools(frame, words)]
    return laid_out(frame, columns, words, caption, notes, line=scale, group="population")


def _of_few_at_schools(frame: pd.DataFrame, words: Words) -> str:
    """Return why it is not said how much of the variance of so few lies between schools."""
    text = words.text(
        "{mark} of fewer than {n} people: too few to tell how much of the variance lies between "
        "schools.",
        mark=ABSENT,
        n=words.count(schema.FEWEST_ANSWERS),
    )
    return text if _is_of_few(frame).any() else ""


@view(nothing="Nothing can be planned.")
def assumed(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out what is assumed of each design.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `planned`, a row per design.
    words : Words
        The reader's language.
    """
    _ = words.text

    def own(row: Row) -> str:
        told = [label("assumed", each, words) for each in row["own"].split(";") if each]
        return joined(told, words) if told else _("nothing")

    columns = [
        (_("People per school"), "people", "count"),
        ("ICC", "icc"),
        ("r", "r"),
        (_("Found again"), lambda row: words.percent(1 - row["attrition"]), "percent"),
        (_("Change between schools"), "change_variance"),
        (_("The study's own"), own, "text"),
    ]
    notes = [
        _("ICC: share of the variance before that lies between schools."),
        _("r: correlation of a person's answers before and after."),
        _("Change between schools: variance of the schools' changes, in squared SD."),
    ]
    caption = _("What is assumed")
    return laid_out(frame, columns, words, caption, notes, line="estimand", group="population")


@view(nothing="Nothing can be planned.")
def planned(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out the smallest change that so many schools can show, a column per design.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of `planned` over numbers of schools.
    words : Words
        The reader's language.
    """
    _ = words.text
    wide = frame.pivot(index="schools", columns=["population", "estimand"], values="mdes")
    wide = wide[frame[["population", "estimand"]].drop_duplicates().itertuples(index=False)]
    columns = [
        (label("estimand", design, words), str(place), "number",
         label("population", population, words))
        for place, (population, design) in enumerate(wide)
    ]  # fmt: skip
    rows = wide.set_axis([*map(str, range(wide.shape[1]))], axis=1).reset_index()
    note = _(
        "In standard deviations. A change of this size would be detected four times out of "
        "five; smaller ones may exist, but cannot be told from chance."
    )
    caption = _("Minimum detectable change by number of schools")

    def schools(row: Row) -> str:
        return words.count(row["schools"])

    return laid_out(rows, columns, words, caption, [note], line=schools, corner=_("Schools"))


def agreement(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how teachers and leaders see the same schools.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of agreement.
    words : Words
        The reader's language.
    """
    _ = words.text
    frame = frame.assign(population="teachers")
    columns = [
        (_("Schools"), "n_schools", "count"),
        (_("Teachers"), "n_teachers", "count"),
        (_("Leaders"), "n_leaders", "count"),
        (_("Difference"), "difference"),
        (_level(words, frame["ci_level"].iloc[0]), ("ci_low", "ci_high"), "beside_zero"),
        (_("r"), "r_schools"),
        ("ICC(1)", "icc1"),
        ("ICC(2)", "icc2"),
        ("r_wg", "rwg"),
    ]
    notes = [
        _("Difference: teachers minus leaders, in points on the scale; schools count equally."),
        _("r: correlation over the schools between the means of teachers and of leaders."),
    ]
    if frame[["icc1", "icc2", "rwg"]].notna().any(axis=None):
        among = _(
            "ICC(1), ICC(2), r_wg: how far the teachers of a school agree among themselves (one "
            "teacher, their mean, the spread within). With so few teachers at a school an r_wg of "
            "{low} to {high} arises by chance alone.",
            low=words.number(0.2, 1),
            high=words.number(0.4, 1),
        )
        notes.append(among)
    last, fewest = _refusals(frame, words), words.count(schema.FEWEST_ANSWERS)
    if _is_of_few(frame, "n_schools").any():
        last.append(_("r is not given for fewer than {n} schools: it is too uncertain.", n=fewest))
    if _is_of_few(frame, "n_teachers").any():
        none = _(
            "ICC(1), ICC(2) and r_wg are not given for fewer than {n} teachers: they are too "
            "uncertain.",
            n=fewest,
        )
        last.append(none)
    caption = _("Teachers' and leaders' view of the same schools, after")
    return laid_out(frame, columns, words, caption, notes, line="outcome", last=last)


def reliability(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out reliability: a line per scale, the waves side by side.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of reliability.
    words : Words
        The reader's language.
    """
    _ = words.text
    pairs = frame[["population", "scale"]].itertuples(index=False, name=None)
    scales = outcome_labels(pairs, words)

    def scale(row: Row) -> str:
        name = scales[row["population"], row["scale"]]
        answers = words.answers.get((row["population"], row["scale"]))
        if answers and answers.is_score:
            return _("{scale} (a published score)", scale=name)
        n = row["n_items"]
        return words.plural("{scale} ({n} question)", "{scale} ({n} questions)", n, scale=name)

    # a role is everybody where a scale was asked of that role alone
    role = frame["subgroup"].str.startswith("role=")
    roles = frame["subgroup"].where(role).groupby([frame["population"], frame["scale"]])
    rows = frame[~(role & roles.transform("nunique").eq(1))]
    rows = rows.assign(group=[scale(row) for row in rows.to_dict("records")])

    def is_open(row: Row) -> bool:
        return row["alpha"] < LOW_ALPHA <= row["alpha_ci_high"]

    def alpha(row: Row) -> str | None:
        shown = words.number(row["alpha"])
        return f"{shown} ?" if is_open(row) else shown or None

    columns = [
        ("n", "n", "count"),
        ("α", alpha),
        (_level(words), ("alpha_ci_low", "alpha_ci_high"), "interval"),
        ("ω", "omega"),
    ]
    caption = _("Reliability of the scales: Cronbach's alpha and McDonald's omega")
    notes = [
        _("n: people who answered every item of the scale. The interval is that of alpha."),
        _(
            "The measurement quality rests on the answers of the whole study, not on those in "
            "this table."
        ),
        _of_few(rows, words),
    ]
    if any(map(is_open, rows.to_dict("records"))):
        reaches = _(
            "? The interval reaches above {low}: so few cannot tell whether alpha is lower here "
            "than in the whole study.",
            low=words.number(LOW_ALPHA),
        )
        notes.append(reaches)
    return laid_out(
        rows, columns, words, caption, notes, group="group", line="subgroup", across="wave"
    )


def lights(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out the light of each scale with what weakens it.

    Parameters
    ----------
    frame : DataFrame
        Gated lights.
    words : Words
        The reader's language.
    """
    _ = words.text

    def shape(row: Row) -> str:
        if not row["light"]:
            return HIDDEN
        text = f"{LIGHT_SHAPES[row['light']]} {named(row, 'light', words)}"
        return text.replace(" ", "\N{NO-BREAK SPACE}")

    columns = [
        (_("Question"), lambda row: row["question"] or ABSENT),
        (_("Quality"), shape, "text"),
        (_("Why"), lambda row: weaknesses(row["measurement_warning"], words), "text"),
    ]
    notes = [
        _("The quality is the same in every region: it rests on the answers of the whole study."),
    ]
    means = {
        GOOD: _(
            "{mark} alpha of {modest} or more, the same meaning before and after, few at the ends "
            "of the scale.",
            mark=LIGHT_SHAPES[GOOD], modest=words.number(MODEST_ALPHA),
        ),
        CARE: _(
            "{mark} one of these fails, or cannot be assessed, as with a single question: alpha of "
            "{modest} or more, the same meaning before and after, few at the ends of the scale.",
            mark=LIGHT_SHAPES[CARE], modest=words.number(MODEST_ALPHA),
        ),
        DOUBT: _(
            "{mark} alpha below {low}, or the items do not correlate alike before and after.",
            mark=LIGHT_SHAPES[DOUBT], low=words.number(LOW_ALPHA),
        ),
    }  # fmt: skip
    notes += [said for code, said in means.items() if frame["light"].eq(code).any()]
    caption = _("How well each scale measures")
    return laid_out(frame, columns, words, caption, notes, group="population", line="outcome")


def items(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out what each item adds to its scale, the waves side by side.

    Of fewer people than alpha is told of it is not told either.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of items.
    words : Words
        The reader's language.
    """
    _ = words.text

    def mean(row: Row) -> str | None:
        # the gate rounds the mean of a single question to one decimal
        return words.number(row["mean"], 1 if row["item"] else 2) or None

    def ends(row: Row) -> str | None:
        shares = [row["floor_share"], row["ceiling_share"]]
        if pd.isna(shares).all():
            return None
        return " / ".join(HIDDEN if pd.isna(s) else words.percent(s) for s in shares)

    columns = [
        (_("Mean"), mean),
        (_("r"), "item_rest_r"),
        (_("α without"), "alpha_if_deleted"),
        (_("Low / high"), ends),
    ]
    notes = [
        _("r: correlation with the rest of the scale. α without: alpha if it were left out."),
        _(
            "Low / high: shares giving the lowest and the highest answer; left out where they are "
            "few."
        ),
    ]
    if words.rounding > 1:
        in_figures = _(
            "In figures the shares are those of rounded numbers, so they may differ by some "
            "percentage points where few answered."
        )
        notes.append(in_figures)
    notes.append(_of_few(frame, words))
    caption = _("The questions of each scale")
    return laid_out(
        frame, columns, words, caption, notes, group="scale", line="item", across="wave"
    )


def _is_of_few(frame: pd.DataFrame, of: str = "n") -> pd.Series:
    """Return which rows rest on fewer people, or schools, than coefficients are told of."""
    return frame[of].astype("Float64").lt(schema.FEWEST_ANSWERS).fillna(False).astype(bool)


def _of_few(frame: pd.DataFrame, words: Words) -> str:
    """Return why nothing is said of how well a scale measures in so few people."""
    text = words.text(
        "{mark} of fewer than {n} people: too few to tell how well a scale measures.",
        mark=ABSENT,
        n=words.count(schema.FEWEST_ANSWERS),
    )
    return text if _is_of_few(frame).any() else ""


def invariance(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out whether the scales measure alike: a line per scale and design.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of invariance. Two groups are the two times, more are grades at these.
    words : Words
        The reader's language.
    """
    _ = words.text
    keys = ["population", "scale", "design"]
    rows = []
    for key, group in frame.groupby(keys, sort=False):
        models = {row["model"]: row for row in group.to_dict("records")}
        row = dict(zip(keys, key, strict=True))
        row |= {"n": group["n"].max(), "suppressed": group["suppressed"].any()}
        of_grades = row["design"] == "groups" and group["n_groups"].astype(float).max() > 2
        row["of"] = label("design", "groups of grades" if of_grades else row["design"], words)
        partial = [models[m] for m in ("partial_scalar", "partial_metric") if m in models]
        freed = partial[0]["freed"].split(";") if partial else []
        reasons = [] if row["suppressed"] else filter(None, group["reason"])
        freed = [words.items.get((row["population"], item), item) for item in freed if item]
        released = [words.text("“{wording}”", wording=wording) for wording in freed]
        released += [label("reason", reason, words) for reason in reasons]
        row["released"] = "; ".join(released)
        for model in ("metric", "scalar"):
            row |= {f"{model} {field}": value for field, value in models.get(model, {}).items()}
        rows.append(row)

    def step(model: str, over: str) -> list[tuple]:
        def sign(row: Row) -> str | None:
            holds = row.get(f"{model} holds")
            return None if pd.isna(holds) else "=" if holds else "≠"

        return [
            (_("Alike"), sign, "plain", over),
            ("ΔCFI", f"{model} delta_cfi", "number3", over),
            ("ΔRMSEA", f"{model} delta_rmsea", "number3", over),
        ]

    columns = [
        ("n", "n", "count"),
        *step("metric", _("Loadings")),
        *step("scalar", _("Intercepts")),
        (_("Freed items, or why none"), "released", "text"),
    ]
    notes = [
        _(
            "Equal (=) where CFI falls by {cfi} or less and RMSEA rises by {rmsea} or less "
            "when loadings, then intercepts, are held equal; otherwise unequal (≠).",
            cfi=words.number(LESS_CFI, 3),
            rmsea=words.number(MORE_RMSEA, 3),
        ),
        _(
            "Freed: items whose parameters had to be freed before those of the others "
            "could be held equal."
        ),
        _("n: people of the whole study."),
    ]
    caption = _("Do the scales measure the same thing before and after?")
    return laid_out(rows, columns, words, caption, notes, group="scale", line=lambda row: row["of"])


@view(nothing="No question's wording changed.")
def wordings(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out the questions that were worded otherwise in a wave.

    Parameters
    ----------
    frame : DataFrame
        ``population, of, item, wave``.
    words : Words
        The reader's language.
    """
    _ = words.text
    keys = [*frame[["population", "item", "wave"]].itertuples(index=False, name=None)]
    rows = frame.assign(
        scale=frame["of"],
        wording=[words.items[key[:2]] for key in keys],
        then=[words.wordings[key] for key in keys],
    )
    columns = [(_("When"), "wave", "text"), (_("Wording then"), "then", "text")]
    caption = _("Questions whose wording was changed")
    return laid_out(rows, columns, words, caption, group="scale", line="wording")


def _share(
    part: str, whole: str, words: Words, hidden: str = HIDDEN
) -> Callable[[Row], str | None]:
    """Return what shows a share, but `hidden` where it is of few, or of a part that is not told."""

    def share(row: Row) -> str | None:
        if pd.isna(row[whole]) or row[whole] == 0:  # of nobody
            return None if hidden == HIDDEN else hidden
        found = share_of(row[part], row[whole])
        return hidden if found is None else words.percent(found)

    return share


def response(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out people step by step: a line per step, a pair of columns per population and wave.

    Parameters
    ----------
    frame : DataFrame
        Gated totals of response, with the schools of each step where they were counted; rows of
        subgroups are passed over.
    words : Words
        The reader's language.
    """
    _ = words.text
    everybody = frame[frame[names.SUBGROUP] == names.ALL].set_index(["population", "wave"])
    steps = everybody[[*schema.STEPS]].rename_axis(columns="step")
    # nobody was asked for consent, or could be found again
    never = steps.columns[steps.isna().all() & ~steps.columns.isin(("n_invited", "n_answered"))]
    steps = steps.drop(columns=never)
    above = steps.ffill(axis=1).shift(axis=1)  # the last step that was counted
    rows = {"n": steps.T.unstack(), "of": above.T.unstack()}
    columns = [("n", "n", "count"), ("%", _share("n", "of", words, ""))]
    notes = []
    if {*schema.SCHOOLS_BY_STEP} <= {*frame}:
        left = everybody[[*schema.SCHOOLS_BY_STEP]].set_axis([*schema.STEPS], axis=1)[[*steps]]
        left = left.rename_axis(columns="step")
        rows["schools"] = left.T.unstack()
        columns.append((_("Schools"), "schools", "count"))
        text = _(
            "Schools: those with anybody left. Where only a few are lost, it is not told at which "
            "step; how many are in each comparison is told."
        )
        notes.append(text)
    rows = pd.DataFrame(rows).reset_index()
    notes += [
        _("%: of the line above. More can answer than were invited where a link is passed on.")
        if (everybody["n_answered"] > everybody["n_invited"]).fillna(False).any()
        else _("%: of the line above."),
    ]
    caption, across = _("From the invited to the analysed"), ["population", "wave"]
    if "n_linkable" in steps:
        caption = _("From the invited to the linked")
        notes.append(
            _("Could be found again: of a grade that is asked both times, with a usable code.")
        )
    notes += [of_enough(words), rounded(words)]
    return laid_out(rows, columns, words, caption, notes, line="step", across=across)


@view(nothing="There are no comparisons yet.")
def analysed(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how many people and schools each comparison rests on.

    Parameters
    ----------
    frame : DataFrame
        Gated effects.
    words : Words
        The reader's language.
    """
    _ = words.text

    columns = [
        (_("People"), ("n_low", "n_high"), "counts"),
        (_("Schools"), ("schools_low", "schools_high"), "counts"),
    ]
    text = _("Two numbers: the scale with the fewest people, or schools, and that with the most.")
    notes, caption = [text, rounded(words)], _("Who is in each comparison")
    rows = alt_texts.analysed(frame)
    return laid_out(
        rows, columns, words, caption, notes, group="population", line="estimand", across="wave"
    )


@view(counted="n_set_aside", nothing="No questionnaire was set aside, or too few to be shown.")
def set_aside(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how many questionnaires are not in the analysis, a line per reason.

    Parameters
    ----------
    frame : DataFrame
        Gated counts of questionnaires by reason.
    words : Words
        The reader's language.
    """
    _ = words.text
    notes = [
        _("Questionnaires, not people: of several by the same person only one counts."),
        _("{mark} none, or so few that rounding leaves none", mark=ABSENT),
    ]
    caption = _("Questionnaires that are not in the analysis, and why")
    return _by_reason(frame, "set_aside", caption, notes, words)


@view(counted="n_taken_out", nothing="No single answers were taken out, or too few to be shown.")
def taken_out(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how many single answers cleaning took out, a line per reason.

    Parameters
    ----------
    frame : DataFrame
        Gated counts of single answers by reason.
    words : Words
        The reader's language.
    """
    _ = words.text
    notes = [
        _("The questionnaires stay in the analysis, without these answers."),
        _("{mark} no answers, or so few that rounding leaves none", mark=ABSENT),
    ]
    caption = _("Single answers that were taken out, and why")
    return _by_reason(frame, "taken_out", caption, notes, words)


def _by_reason(
    frame: pd.DataFrame, kind: str, caption: str, notes: list[str], words: Words
) -> Table:
    """Lay out counts, a line per reason in the order of the labels of a kind."""
    order = {reason: place for place, reason in enumerate(LABELS[kind])}
    rows = frame.sort_values("reason", key=lambda reasons: reasons.map(order), kind="stable")
    rows = rows.assign(why=[label(kind, each, words) for each in rows["reason"]])
    columns, notes = [("", f"n_{kind}", "count")], [*notes, rounded(words)]
    across = ["population", "wave"]
    return laid_out(rows, columns, words, caption, notes, line="why", across=across)


@view(nothing="The answers do not distinguish grades or roles.")
def groups(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out the response by grade and role: a line per group, the waves side by side.

    Parameters
    ----------
    frame : DataFrame
        Gated totals of response; rows of everybody are passed over.
    words : Words
        The reader's language.
    """
    _ = words.text
    rows = frame[frame[names.SUBGROUP] != names.ALL]
    usable = rows["n_consented"].fillna(rows["n_answered"])  # of all, where no consent is asked
    rows = rows.assign(n_consented=usable)
    columns = [
        (_("Kept"), "n_kept", "count"),
        (_("Response"), _share("n_consented", "n_invited", words)),
        (_("Found both times"), _share("n_linked", "n_linkable", words)),
    ]
    notes = [_("Found both times: share of those who could be found again.")]
    notes += [of_enough(words), rounded(words)]
    if (rows["n_consented"].notna() & rows["n_invited"].ge(FOR_A_SHARE)).any():
        asked = _("Response: share of the invited of the group whose answers may be used.")
        notes.insert(0, asked)
    caption = _("Who answered, by grade and role")
    return laid_out(
        rows, columns, words, caption, notes, group="population", line="subgroup", across="wave"
    )


@view(nothing="The register of schools does not say how many were invited.")
def schools(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out each school's response: which schools to remind.

    Parameters
    ----------
    frame : DataFrame
        Gated response by school.
    words : Words
        The reader's language.
    """
    _ = words.text

    def how_many(row: Row) -> str | None:
        if not row["answered"]:
            return None
        share = share_of(row["n_answered"], row["n_invited"])
        return named(row, "answered", words) if share is None else words.percent(min(share, 1))

    rows = in_alphabet(frame, words, by=names.SCHOOL)
    note = _("Share of the invited who answered.")
    if not rows["n_invited"].ge(FOR_A_SHARE).fillna(False).all():
        note = _(
            "Share of the invited who answered; where fewer than {n} were invited only whether "
            "under a quarter, under half or at least half did.",
            n=words.count(FOR_A_SHARE),
        )
    notes = [note, rounded(words)]
    caption = _("Response school by school")
    return laid_out(
        rows,
        [("", how_many)],
        words,
        caption,
        notes,
        line="school_id",
        across=["population", "wave"],
    )


@view(nothing="Nobody's answers before and after are linked in this study.")
def linkage(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out what became of the links: a line per state, a pair of columns per wave.

    Parameters
    ----------
    frame : DataFrame
        Gated linkage.
    words : Words
        The reader's language.
    """
    _ = words.text
    counts = frame.groupby(["population", "state", "wave"])["n"].sum()
    # a state that nobody of a wave is in counts nobody
    rows = counts.unstack(fill_value=0).stack().rename("n").reset_index()
    rows["of"] = rows.groupby(["population", "wave"])["n"].transform("sum")
    order = {"population": names.POPULATIONS, "state": (*LABELS["state"],)}
    rows = rows.sort_values([*order], key=lambda column: column.map(order[column.name].index))
    columns = [("n", "n", "count"), ("%", _share("n", "of", words, ""))]
    caption, notes = _("Why answers are, or are not, linked"), [of_enough(words), rounded(words)]
    notes.append(_("%: of rounded numbers added up, so it may differ a little from other tables."))
    return laid_out(
        rows, columns, words, caption, notes, group="population", line="state", across="wave"
    )


@view(nothing="The data have no signs of careless answering.")
def careless(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out signs of careless answering: a line per sign, a column per wave.

    Parameters
    ----------
    frame : DataFrame
        Gated counts of careless signs.
    words : Words
        The reader's language.
    """
    _ = words.text
    columns = [("", _share("n_flagged", "n", words))]
    caption = _("Signs of careless answering: share of the questionnaires")
    note = _(
        "Nobody is excluded for such a sign; the sensitivity analyses show what "
        "difference it makes."
    )
    form = {"group": "population", "line": "sign", "across": "wave"}
    notes = [note, of_enough(words), rounded(words)]
    return laid_out(frame, columns, words, caption, notes, **form)


def missing(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how many answers are missing: a line per scale, the waves side by side.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of missing answers.
    words : Words
        The reader's language.
    """
    _ = words.text
    rows = frame.assign(suppressed=True)  # a share that is not there was left out by the gate

    def scale(row: Row) -> str:
        name = named(row, "scale", words)
        rule = words.answers.get((row["population"], row["scale"]))
        if rule is None or rule.is_score:
            return name
        needed = _("{k} of {n}", k=words.count(rule.needed), n=words.count(rule.n_items))
        return f"{name} ({needed})"

    def share(row: Row, column: str) -> str | None:
        many = not pd.isna(row["n"]) and row["n"] >= FOR_A_DECIMAL
        return None if pd.isna(row[column]) else words.percent(row[column], int(many))

    columns = [
        (_("Mean"), lambda row: share(row, "share_missing")),
        (_("Most"), lambda row: share(row, "share_most")),
    ]
    caption = _("Missing answers to the questions of each scale")
    notes = [
        _(
            "Of those who answered any question of the scale. Most: the question with the most "
            "missing answers."
        ),
        _("In brackets: how many of its questions must be answered for a score on the scale."),
        _(
            "Missing are questions left blank, answers such as “don't know”, and codes that no "
            "answer has."
        ),
    ]
    return laid_out(
        rows, columns, words, caption, notes, group="population", line=scale, across="wave"
    )


@view(nothing="There are no two groups to compare before.")
def differences(frame: pd.DataFrame, *, words: Words) -> Table:
    """Lay out how two groups differed before: a line per scale or background.

    Parameters
    ----------
    frame : DataFrame
        Gated rows of attrition, of one comparison.
    words : Words
        The reader's language.
    """
    _ = words.text
    one, other = _("Followed"), _("Not followed")
    caption = _("Those who were followed and the others, before")
    if "colleague" in frame["comparison"].iloc[0]:
        one, other = _("Participants"), _("Colleagues")
        caption = _("Participants and colleagues before")

    def size(row: Row) -> str | None:
        if pd.isna(row["smd"]):
            return None
        if min(row["n_one"], row["n_other"]) < schema.FEWEST_ANSWERS:
            return _("too few to tell")
        flag = row["flags"] if row["flags"] in LABELS["difference"] else ""
        return label("difference", flag, words)

    def variable(row: Row) -> str:
        if row["outcome"] == names.GRADE:
            return _("Grade")
        if "=" in row["outcome"]:
            return _("Share of {group}", group=label("subgroup", row["outcome"], words))
        return named(row, "outcome", words)

    columns = [
        (one, "n_one", "count"),
        (other, "n_other", "count"),
        (_("Difference (SD)"), "smd"),
        (_("Size"), size, "text"),
    ]
    note = _(
        "Differences of up to {low} standard deviations are negligible, of up to {high} small; "
        "above {high} two groups are hardly comparable (What Works Clearinghouse). Of fewer than "
        "{n} people in a group it is not said, since such a difference may be chance.",
        low=words.number(0.05),
        high=words.number(0.25),
        n=words.count(schema.FEWEST_ANSWERS),
    )
    return laid_out(frame, columns, words, caption, [note], group="population", line=variable)
