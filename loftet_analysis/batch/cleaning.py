"""Clean data made from the exports, and the account of what became of every sheet."""

from __future__ import annotations

import secrets

from loftet_analysis import paths
from loftet_analysis.analysis.invariance import study_invariance
from loftet_analysis.batch.fingerprints import (
    CLEAN,
    KEY,
    KEY_DESTROYED,
    cleaning_fingerprint,
    read_manifest,
    record,
)
from loftet_analysis.batch.lock import say, shown
from loftet_analysis.batch.outputs import UNFINISHED, place, sums
from loftet_analysis.batch.plan import DONE
from loftet_analysis.batch.purge import remove_outdated
from loftet_analysis.cleaning import plan_record, pseudonyms, store
from loftet_analysis.cleaning.account import account
from loftet_analysis.cleaning.prepare import first_cohort, prepare
from loftet_analysis.cleaning.store import Prepared
from loftet_analysis.errors import Problem, refuse_any
from loftet_analysis.show.follow_up import FOLLOW_UP, answered_so_far, write_follow_up
from loftet_analysis.study import Study, closed_part
from loftet_analysis.study.declared import PlanRecord


def look(study: Study) -> str:
    """Read everything and change nothing; return the account of the sheets.

    Raises
    ------
    InputError
        With everything that stops a run; its notes hold the account as far as it got.
    """
    # pseudonyms of a moment: a look must not make the study's key
    prepared = _prepared(study, key=secrets.token_bytes(pseudonyms.KEY_BYTES))
    return _account(study, prepared, plan_record.renewed(study, prepared.waves, prepared.days))


def clean(study: Study, *, close: bool = False) -> str:
    """Make clean data and remove what was made from others; return the account of the sheets.

    With `close` waves that are open are closed, and stay so.

    Raises
    ------
    InputError
        With everything that is wrong with the exports, and where the pseudonyms' key is lost.
    """
    lost = _lost_key(study)
    # what is wrong with the exports is told first
    key = secrets.token_bytes(pseudonyms.KEY_BYTES) if lost else None
    prepared = _prepared(study, key=key, close=close)
    refuse_any(lost)
    say(study.name, "examine scales")
    last = answered_so_far(study) if _follow_up_is_sound(study) else None
    asked = closed_part(study, prepared.waves)
    invariance = study_invariance(asked, first_cohort(study, prepared.clean))
    if entry := read_manifest(study.name).get(CLEAN):
        # what is half replaced must not count as done
        record(study.name, {CLEAN: {**entry, "state": UNFINISHED}})
    # before there are clean data, which say that it was there
    record_of_plan = plan_record.renewed(study, prepared.waves, prepared.days)
    kept = [plan_record.keep(study.name, record_of_plan)] if record_of_plan else []
    folder = store.write(prepared, study, invariance=invariance)
    outputs = {place(folder / name): total for name, total in store.sums_of(folder).items()}
    outputs |= sums([folder / store.SUMS, write_follow_up(study, last), *kept])
    removed = remove_outdated(study)
    # last, so that a run that is killed before does all of it again
    done = {"state": DONE, "parts": cleaning_fingerprint(study), "outputs": outputs}
    record(study.name, {CLEAN: done})
    if removed:
        say(study.name, f"{removed} pages of earlier data removed")
    if record_of_plan and record_of_plan.deviations:
        told = plan_record.counted(study, record_of_plan)
        say(study.name, f"{told} of {record_of_plan.recorded}; loftet check lists them")
    return _account(study, prepared, record_of_plan)


def _prepared(study: Study, key: bytes | None = None, *, close: bool = False) -> Prepared:
    return prepare(study, key=key, progress=lambda step: say(study.name, step), close=close)


def _follow_up_is_sound(study: Study) -> bool:
    """Return whether the list of schools is the one that was recorded, or the next one's."""
    target = paths.clean(study.name) / FOLLOW_UP
    entry = read_manifest(study.name).get(CLEAN)
    if entry is None or not target.is_file():
        return False
    # a run that was killed has perhaps written the next one already, whole
    return entry["state"] == UNFINISHED or sums([target]).items() <= entry["outputs"].items()


def _account(study: Study, prepared: Prepared, declared: PlanRecord | None) -> str:
    of_sheets = account(prepared.ledger, prepared.values, prepared.remarks, prepared.clean)
    return "\n\n".join(filter(None, [of_sheets, plan_record.told(study, declared)]))


def _lost_key(study: Study) -> list[Problem]:
    """Return the problem of clean data that were made with a key that is no longer there."""
    entry = read_manifest(study.name).get(CLEAN)
    known = entry["parts"].get(KEY, "") if entry else ""
    if not known or pseudonyms.key_check(study):
        return []
    destroyed = known == KEY_DESTROYED
    return [
        Problem(
            "the pseudonym key was destroyed" if destroyed else "the pseudonym key is missing",
            found="no such file",
            where=str(pseudonyms.key_path(study)),
            todo=f"to begin anew, with new pseudonyms, remove {shown(paths.clean(study.name))}"
            + ("" if destroyed else "; or restore the key from its backup"),
        )
    ]
