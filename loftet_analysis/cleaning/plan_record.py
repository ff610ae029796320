"""The declared analysis as it was when the first answers were cleaned: recorded once, and kept.

The record lies with the clean data and once more in the study's workroom, so that one is made
again from the other. What is read must be what was written.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.cleaning import store
from loftet_analysis.study import CLOSED, OPEN, Study
from loftet_analysis.study.declared import PLAN, SHORT, PlanRecord, declared, explained
from loftet_analysis.study.phases import today

_SUM = "sha256"


def places(study: str) -> tuple[Path, Path]:
    """Return where the record lies: with the clean data, and in the workroom."""
    return paths.clean(study) / store.PLAN_RECORD, paths.workroom(study) / store.PLAN_RECORD


def read(study: str) -> PlanRecord | None:
    """Return a study's record; None where there is none that is undamaged.

    Of two that differ the one that was made first counts, with all that was seen since.
    """
    found = [record for path in places(study) if (record := _read(path))]
    return min(found, key=lambda each: (each.recorded, -len(each.later)), default=None)


def renewed(study: Study, waves: pd.DataFrame, days: pd.DataFrame) -> PlanRecord | None:
    """Return the record with what is declared today; nothing is written.

    Parameters
    ----------
    study : Study
        As loaded.
    waves, days : DataFrame
        ``schema.WAVES`` and ``schema.DAYS`` of the clean data that are made.

    Returns
    -------
    PlanRecord or None
        A new one where there is none; None as long as the first wave has no answers.
    """
    now, day = declared(study), today(study).isoformat()
    if record := read(study.name):
        return record.seen(now, day)
    first = next(iter(study.waves))
    begun = waves[names.WAVE].eq(first) & waves["state"].isin((CLOSED, OPEN))
    if not begun.any():
        return None
    answered = days.loc[days[names.WAVE] == first, "day"]
    first_answer = str(answered.min()) if len(answered) else ""
    return PlanRecord(day, first_answer, store.is_there(study.name), now)


def keep(study: str, record: PlanRecord) -> Path:
    """Write a study's record to both its places; return that with the clean data."""
    summed = {_SUM: _sum(asdict(record)), **asdict(record)}
    content = json.dumps(summed, ensure_ascii=False, indent=1) + "\n"
    for path in reversed(places(study)):
        paths.replace_all({path: content.encode()})
    return places(study)[0]


def told(study: Study, record: PlanRecord | None) -> str:
    """Return what is said of the record, and of deviations from it, where data are cleaned."""
    if record is None:
        return ""
    plan = f"{PLAN} {record.declared[PLAN][:SHORT]}" if PLAN in record.declared else f"no {PLAN}"
    first = f"first answer {record.first_answer or 'without a date'}"
    lines = [f"analysis plan recorded {record.recorded} ({plan}; {first})"]
    if read(study.name) is None:  # only looked at
        lines = [f"analysis plan: recorded when the data are first cleaned ({plan}; {first})"]
        if not study.analysis.primary:
            lines.append(
                "no primary comparison is declared; declare it now (analysis: primary: in "
                "study.yml), since after the first cleaning it is a deviation"
            )
    if record.after_cleaning:
        lines.append("clean data were there before it: an earlier record is lost, or never was")
    lines.append(counted(study, record))
    for deviation, reason in explained(record, study):
        why = study.text(reason.why, "en") if reason else "no reason in study.yml (deviations:)"
        if deviation is not None:
            texts = (deviation.planned, deviation.now)
            planned, now = (t[:SHORT] if deviation.place == PLAN else t for t in texts)
            told = f"{deviation.place}: {planned or 'nothing'} → {now or 'nothing'}"
            lines.append(f"    {told}, since {deviation.since}: {why}")
        elif reason is not None:
            lines.append(f"    {study.text(reason.what, 'en')} ({reason.day}): {why}")
    return "\n".join(lines)


def counted(study: Study, record: PlanRecord) -> str:
    """Return how many deviations there are, in words."""
    n = len(explained(record, study))
    return f"{n or 'no'} deviation{'s' * (n > 1)} from the analysis plan"


def _read(path: Path) -> PlanRecord | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        total = content.pop(_SUM)
        record = PlanRecord(**{**content, "later": tuple(map(tuple, content["later"]))})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if total == _sum(asdict(record)) else None


def _sum(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
