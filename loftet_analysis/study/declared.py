"""What a study declares before its answers are seen, and what is declared otherwise later.

study.yml and the instruments hold the declared analysis, ``plan.md`` beside them says it in words.
Both are recorded with the first answers, see :mod:`loftet_analysis.cleaning.plan_record`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from loftet_analysis import paths
from loftet_analysis.study.study import Explained, Study

#: The plan in words, in the study's folder.
PLAN = "plan.md"
SHORT = 12  # signs of a SHA-256 that are told


def declared(study: Study) -> dict[str, str]:
    """Return what a study declares of its analysis, by its place.

    Parameters
    ----------
    study : Study
        As loaded, with all waves.

    Returns
    -------
    dict of str to str
        ``plan.md`` (its SHA-256); ``disclosure``; ``analysis.sesoi``, ``analysis.ci_level``,
        ``analysis.primary.pupils.outcomes``, ``analysis.drift.pupils.joy`` and so on;
        ``estimands.pupils``; ``questions.Q1``; ``scales.pupils.joy.items`` with ``reversed``,
        ``minimum``, ``answers`` and ``question``. Lists are joined by ", "; what is not declared
        is absent. Waves, files, columns and the register are no part of it: they may come later.

    Examples
    --------
    >>> from loftet_analysis.study.load import load_study
    >>> found = declared(load_study("demo"))
    >>> found["analysis.sesoi"], found["analysis.primary.teachers.estimands"]
    ('0.1', 'participants')
    >>> found["scales.teachers.prepared.minimum"]
    'half'
    """
    return {place: text for place, text in _declared(study) if text}


def _declared(study: Study) -> Iterator[tuple[str, str]]:
    analysis = study.analysis
    plan = study.folder / PLAN
    yield PLAN, paths.sha256(plan) if plan.is_file() else ""
    yield "disclosure", study.disclosure
    yield "analysis.sesoi", f"{analysis.sesoi:g}"
    yield "analysis.ci_level", f"{analysis.ci_level:g}"
    if regions := analysis.region_features:
        numbers = study.region_features.sort_index().to_csv().encode()
        told = f"{', '.join(regions.features)}, {hashlib.sha256(numbers).hexdigest()[:SHORT]}"
        yield "analysis.region_features", told
    for name, text in study.questions.items():
        yield f"questions.{name}", study.text(text, study.languages[0])
    for name, population in study.populations.items():
        yield f"estimands.{name}", ", ".join(population.estimands)
        if family := analysis.primary.get(name):
            yield f"analysis.primary.{name}.outcomes", ", ".join(family.outcomes)
            yield f"analysis.primary.{name}.estimands", ", ".join(family.estimands)
        yield f"analysis.subgroups.{name}", ", ".join(study.subgroups(name))
        yield f"analysis.gaps.{name}", ", ".join(study.gaps(name))
        for outcome, drift in analysis.drift.get(name, {}).items():
            told = f"{drift.per_grade:g} ({drift.source}, {drift.date})"
            yield f"analysis.drift.{name}.{outcome}", told
        if figures := study.trends.get(name):
            total = hashlib.sha256(repr(figures).encode()).hexdigest()
            yield f"analysis.trend.{name}", f"{analysis.trend[name]}, {total[:SHORT]}"
        for scale in population.instrument.scales.values():
            answers = population.instrument.response_set(scale.name)
            values = [*map(str, answers.options)] or [f"{answers.minimum:g}–{answers.maximum:g}"]
            turned = [item.name for item in scale.items.values() if item.reversed]
            place = f"scales.{name}.{scale.name}"
            yield f"{place}.items", ", ".join(scale.items) or scale.name
            yield f"{place}.reversed", ", ".join(turned) or scale.name * scale.reversed
            yield f"{place}.minimum", str(scale.minimum)
            yield f"{place}.answers", ", ".join(values)
            yield f"{place}.question", scale.question or ""


@dataclass(frozen=True)
class Deviation:
    """One thing that is declared otherwise than in the record.

    Attributes
    ----------
    place : str
        As in `declared`.
    planned, now : str
        Empty where there was, or is, none.
    since : str
        The day on which it was first seen so (ISO).
    """

    place: str
    planned: str
    now: str
    since: str


@dataclass(frozen=True)
class PlanRecord:
    """What was declared when the first answers were cleaned, and what has been seen since.

    Attributes
    ----------
    recorded : str
        The day on which it was recorded (ISO).
    first_answer : str
        The day of the first answer of the first wave; empty where the data have no dates.
    after_cleaning : bool
        Whether there were clean data already: an earlier record was lost, or there was none.
    declared : dict of str to str
        As `declared` gave it that day.
    later : tuple of (str, dict of str to str)
        Each day on which what differs from it was another than before, with all that differed:
        what is declared now by place, empty where it is no more.

    Examples
    --------
    >>> record = PlanRecord("2025-10-20", "2025-09-15", False, {"analysis.sesoi": "0.1"})
    >>> record = record.seen({"analysis.sesoi": "0.2"}, "2026-03-01")
    >>> record = record.seen({"analysis.sesoi": "0.2", "disclosure": "open"}, "2026-04-01")
    >>> for each in record.deviations:
    ...     print(each.place, each.planned, each.now, each.since)
    analysis.sesoi 0.1 0.2 2026-03-01
    disclosure  open 2026-04-01
    >>> record.seen({"analysis.sesoi": "0.1"}, "2026-05-01").deviations
    []
    """

    recorded: str
    first_answer: str
    after_cleaning: bool
    declared: Mapping[str, str]
    later: tuple[tuple[str, Mapping[str, str]], ...] = ()

    def seen(self, now: Mapping[str, str], day: str) -> PlanRecord:
        """Return the record with what is declared on a day, where that was not seen before."""
        differs = {
            place: now.get(place, "")
            for place in {**self.declared, **now}
            if now.get(place, "") != self.declared.get(place, "")
        }
        before = self.later[-1][1] if self.later else {}
        return self if differs == before else replace(self, later=(*self.later, (day, differs)))

    @property
    def deviations(self) -> list[Deviation]:
        """What differs from the record, in its order.

        Of a scale that is new or gone only its items are told.
        """
        found = []
        differs = self.later[-1][1] if self.later else {}
        for place, now in differs.items():
            items = f"{place.rpartition('.')[0]}.items"
            both = (self.declared.get(items, ""), differs.get(items, self.declared.get(items, "")))
            if place.startswith("scales.") and place != items and not all(both):
                continue
            since = ""
            for day, differed in reversed(self.later):
                if differed.get(place) != now:
                    break
                since = day
            found.append(Deviation(place, self.declared.get(place, ""), now, since))
        return found


def explained(record: PlanRecord, study: Study) -> list[tuple[Deviation | None, Explained | None]]:
    """Return every deviation with its reason, as far as study.yml gives one.

    Parameters
    ----------
    record : PlanRecord
    study : Study
        Its `deviations`: one that names the place of a deviation is its reason (the last that
        does), any other is a deviation of its own, which nothing but study.yml tells.
    """
    found = [
        (each, next((why for why in reversed(study.deviations) if each.place in why.places), None))
        for each in record.deviations
    ]
    reasons = [why for _, why in found]
    return [*found, *((None, why) for why in study.deviations if why not in reasons)]
