"""Where each population stands in each wave: closed, open, or still to come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import pandas as pd

from loftet_analysis import names
from loftet_analysis.study.study import ExportFile, Population, Study

CLOSED, OPEN, TO_COME = "closed", "open", "to_come"
#: The state of each wave of each population that was asked, or will be; where the study has
#: cohorts, of each cohort.
Phases = Mapping[tuple[str, ...], str]


def today(study: Study) -> date:
    """Return the day by which waves are judged, where the study is."""
    return datetime.now(study.zone).date()


def wave_states(study: Study, *, by_hand: Collection[tuple[str, ...]] = ()) -> dict:
    """Return the state of each population in each wave.

    Parameters
    ----------
    study : Study
        Which of its exports are there is looked up; they are not read.
    by_hand : collection of tuple
        Population and wave (and cohort) of what was closed before its last day.

    Returns
    -------
    dict of tuple to str
        By population and wave, in their order; where the study has cohorts also by cohort, and
        exports may then be those of others: the days alone tell whether a wave is closed, unless
        exports are there before the first day of every cohort. ``closed``: its exports are there,
        and its last day has passed, or it has no dates, or it was closed by hand; or exports of its
        own are there before its first day, so that nobody can still be answering (invented data).
        It is also closed where an export is missing although its last day has passed or a later
        wave is there (:func:`~loftet_analysis.study.load.missing_exports` says so). ``open``: some
        of its exports are there, and its last day has not passed. ``to_come``: no export yet, nor
        need there be one. Waves in which a population is not asked are absent.

    Examples
    --------
    >>> from loftet_analysis.study.load import load_study
    >>> wave_states(load_study("sats"))
    {('pupils', 'pre'): 'closed', ('pupils', 'post'): 'closed'}
    """
    now = today(study)
    found: dict[tuple[str, ...], str] = {}
    cohorts = study.cohorts or ("",)
    own = {
        (name, wave): [
            file
            for file in exports_there(study, population, wave)
            if not _of_earlier(population, wave, file)
        ]
        for name, population in study.populations.items()
        for wave in names.WAVES
    }
    early = {
        wave
        for (name, wave), files in own.items()
        if files and wave in study.waves
        if (spans := study.spans(name, wave)) and now < min(spans)[0]
    }
    for name, population in study.populations.items():
        for n, wave in enumerate(names.WAVES):
            after = names.WAVES[n + 1 :]
            later = any(
                own[name, other] and (cohorts == ("",) or other in early) for other in after
            )
            for cohort in cohorts:
                place = (name, wave, *([cohort] if cohort else []))
                over = later or wave in early
                state = _state(study, population, wave, cohort, now=now, over=over)
                by_then = place in by_hand and exports_there(study, population, wave)
                state = CLOSED if by_then and state else state
                found |= {place: state} if state else {}
    return found


def furthest(states: Phases) -> dict[tuple[str, ...], str]:
    """Return the state of each population in each wave, of the cohort that is furthest.

    Examples
    --------
    >>> furthest({("pupils", "post", "2025"): "closed", ("pupils", "post", "2026"): "to_come"})
    {('pupils', 'post'): 'closed'}
    """
    order = (TO_COME, OPEN, CLOSED)
    found: dict[tuple[str, ...], str] = {}
    for (population, wave, *_), state in states.items():
        place = (population, wave)
        found[place] = max(state, found.get(place, state), key=order.index)
    return found


def exports_there(study: Study, population: Population, wave: str) -> list[ExportFile]:
    """Return which of a wave's exports are there."""
    return [
        file
        for file in population.files.get(wave, ())
        if all(study.export_path(part).is_file() for part in file.files)
    ]


def _state(
    study: Study, population: Population, wave: str, cohort: str, *, now: date, over: bool
) -> str:
    """Return the state of a wave; empty where the population is not asked in it."""
    waves = study.wave_dates(population.name, cohort)
    asked = wave in population.files and (not cohort or wave in waves)
    asks = any(wave in scale.waves for scale in population.instrument.scales.values())
    if wave not in waves:
        # midway may never be asked; afterwards is what a study of before and after is for
        return TO_COME if asked or (asks and wave == names.POST) else ""
    dates = waves[wave]
    over = over or bool(dates.end and now > dates.end)
    if not asked:
        of_others = any(wave in other.files for other in study.populations.values())
        return TO_COME if asks and not (of_others or over or wave == names.PRE) else ""
    if over:
        return CLOSED
    if not exports_there(study, population, wave):
        return CLOSED if wave == names.PRE and not dates.end else TO_COME
    if dates.start:
        return OPEN if now >= dates.start else TO_COME
    return CLOSED


def _of_earlier(population: Population, wave: str, file: ExportFile) -> bool:
    """Return whether an earlier wave is read from the same file."""
    earlier = names.WAVES[: names.WAVES.index(wave)]
    return any(file.file == other.file for w in earlier for other in population.files.get(w, ()))


def waves_in(states: Phases, state: str) -> dict[str, tuple[str, ...]]:
    """Return the waves in a state, by population; a population that has none has an empty tuple.

    Examples
    --------
    >>> waves_in({("pupils", "pre"): "closed", ("pupils", "post"): "open"}, "closed")
    {'pupils': ('pre',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    for (population, wave), its in states.items():
        found[population] = (*found.get(population, ()), *([wave] if its == state else []))
    return found


def in_waves(study: Study, waves: Mapping[str, Sequence[str]]) -> Study:
    """Return a study as if each population were asked in some waves alone.

    Parameters
    ----------
    study : Study
    waves : mapping of str to sequence of str
        By population.

    Returns
    -------
    Study
        With the exports of these waves, and the scales that they ask. A population without any
        stays, with neither.

    Examples
    --------
    >>> from loftet_analysis.study.load import load_study
    >>> before = in_waves(load_study("demo"), {"pupils": ["pre"]})
    >>> before.populations["pupils"].instrument.scales["persistence"].waves
    ('pre',)
    >>> len(before.populations["leaders"].instrument.scales)
    0
    """
    populations = {}
    for name, population in study.populations.items():
        kept = waves.get(name, ())
        scales = {
            each: scale.changed(waves=tuple(wave for wave in scale.waves if wave in kept))
            for each, scale in population.instrument.scales.items()
        }
        scales = {each: scale for each, scale in scales.items() if scale.waves}
        populations[name] = population.changed(
            files={wave: files for wave, files in population.files.items() if wave in kept},
            instrument=population.instrument.changed(scales=scales),
        )
    return study.changed(populations=populations)


def closed_part(study: Study, waves: pd.DataFrame) -> Study:
    """Return a study as far as its waves are closed.

    Parameters
    ----------
    study : Study
    waves : DataFrame
        ``population, wave, state``: the table *waves* of its clean data, or that of a region. A
        wave that is closed for one of several cohorts is closed.
    """
    keys = [c for c in (names.POPULATION, names.WAVE, names.COHORT) if c in waves]
    places = waves[keys].itertuples(index=False, name=None)
    return in_waves(
        study, waves_in(furthest(dict(zip(places, waves["state"], strict=True))), CLOSED)
    )
