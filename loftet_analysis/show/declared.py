"""What a page says of the analysis plan: when it was recorded, and what deviates from it."""

from __future__ import annotations

from datetime import date

from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.schema import Row
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.layout import ABSENT, Table, laid_out
from loftet_analysis.study import Study
from loftet_analysis.study.declared import PLAN, SHORT, PlanRecord, explained


def recorded(record: PlanRecord, words: Words) -> str:
    """Return when the analysis was declared, and beside which answers."""
    _ = words.text
    day = words.date(date.fromisoformat(record.recorded))
    said = [_("recorded on {date}", date=day)]
    if record.first_answer:
        first = words.date(date.fromisoformat(record.first_answer))
        when = {"date": day, "first": first}
        said = [
            _("recorded on {date}, after the first answer had come ({first})", **when)
            if record.first_answer <= record.recorded
            else _("recorded on {date}, before the first answer came ({first})", **when)
        ]
    if plan := record.declared.get(PLAN):
        said.append(_("plan in words: {file} (SHA-256 {sum})", file=PLAN, sum=plan[:SHORT]))
    else:
        said.append(_("there is no plan in words, only the study's settings and the instruments"))
    if record.after_cleaning:
        said.append(
            _(
                "answers had been cleaned before that: an earlier record is lost, or there was "
                "none, so earlier changes are not known"
            )
        )
    return "; ".join(said)


def deviations(record: PlanRecord, study: Study, words: Words) -> Table | None:
    """Lay out what deviates from the declared analysis, and why; None where nothing does."""
    _ = words.text
    rows: list[Row] = []
    for deviation, reason in explained(record, study):
        why = study.text(reason.why, words.locale) if reason else None
        if deviation is not None:
            place, since = deviation.place, date.fromisoformat(deviation.since)
            planned, now = (_value(place, t, words) for t in (deviation.planned, deviation.now))
            row = {"what": _what(place, words), "planned": planned, "now": now, "why": why}
            rows.append({**row, "since": since})
        elif reason is not None:
            day, what = reason.day, study.text(reason.what, words.locale)
            rows.append({"what": what, "since": day, "why": why, "planned": None, "now": None})
    if not rows:
        return None
    columns = [
        (_("As planned"), lambda row: row["planned"], "text"),
        (_("Now"), lambda row: row["now"], "text"),
        (_("Since"), "since", "date"),
        (_("Why"), lambda row: row["why"], "text"),
    ]
    notes = [_("{mark} not given", mark=ABSENT)]
    caption = _("Deviations from the declared analysis")
    return laid_out(rows, columns, words, caption, notes, line=lambda row: row["what"])


def _what(place: str, words: Words) -> str:
    """Return what is declared at a place, in words."""
    population = outcome = ""
    match place.split("."):
        case ["questions", question]:
            return f"{label('declared', 'questions', words)} {question}"
        case ["analysis", "primary", population, key]:
            key = f"primary.{key}"
        case ["analysis", "drift" as key, population, outcome]:
            pass
        case ["scales", population, outcome, key]:
            pass
        case ["analysis", key, population] | ["estimands" as key, population]:
            pass
        case ["analysis", key]:
            pass
        case _:
            key = place
    of = words.outcomes.get((population, outcome), outcome)
    of = of or (label("population", population, words) if population else "")
    return ": ".join(filter(None, [of, label("declared", key, words)]))


def _value(place: str, text: str, words: Words) -> str:
    """Return what is declared, with its codes in words; codes that are no more stay."""
    if not text:
        return words.text("nothing")
    match place.split("."):
        case ["analysis", "sesoi"]:
            return words.number(float(text))
        case ["analysis", "ci_level"]:
            return words.percent(float(text))
        case ["analysis", "primary", population, "outcomes"]:
            named = {of: text for (who, of), text in words.outcomes.items() if who == population}
            return ", ".join(named.get(each, each) for each in text.split(", "))
        case ["scales", *_, "minimum"] if text in LABELS["minimum"]:
            return label("minimum", text, words)
        case ["analysis", "primary", _, "estimands"] | ["estimands", _]:
            codes = text.split(", ")
            told = (label("estimand", c, words) if c in ESTIMANDS else c for c in codes)
            return ", ".join(told)
    return text[:SHORT] if place == PLAN else text
