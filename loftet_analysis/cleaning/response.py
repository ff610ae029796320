"""How many were invited, answered, agreed and can be followed, school by school."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.cleaning.sheets import REASON
from loftet_analysis.study import Study

LINKED_NEAR = "linked_near"
#: States of sheets whose person could be found in another wave.
COULD_BE_FOUND = (names.LINKED, LINKED_NEAR, "declined", "set_aside", "moved", "absent")
# sheets that are nobody's answer to this form, or somebody's second one
NO_ANSWER = ("test_answer", "wrong_form", "duplicate")


def response(
    study: Study,
    population: str,
    sheets: pd.DataFrame,
    declined: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Count a population's people by school, and by grade and role within it.

    Parameters
    ----------
    study : Study
        Its register says how many were invited.
    population : str
    sheets : DataFrame
        All sheets but those of which only the number is kept: ``wave, school_id, reason``,
        ``link_state`` (missing where nobody is linked) and, where there are such, ``grade, role``.
    declined : mapping of str to DataFrame
        By wave, the sheets of which only the number is kept.

    Returns
    -------
    DataFrame
        ``schema.RESPONSE``, a row per wave, school of the register and subgroup (``all``,
        ``grade=7``, ``role=colleague``): `n_invited` as the register says; `n_answered` people
        with a sheet (trials, wrong forms and second sheets not counted); `n_consented` of these
        those who may be used; `n_kept` those whose answers are in; `n_linkable` of these those
        who could be found in another wave; `n_linked` those who were. By role `n_answered` is
        missing, since the role of those who declined is not read; what nobody can say is missing.
    """
    needed = (names.WAVE, names.SCHOOL, names.GRADE, names.ROLE, names.LINK_STATE, REASON)
    sheets = sheets[[column for column in needed if column in sheets]]
    kept = sheets[sheets[REASON].eq("")]
    answered = sheets[~sheets[REASON].isin(NO_ANSWER)]
    states, parts = kept[names.LINK_STATE], {"n_kept": kept}
    if states.notna().any():
        parts["n_linkable"] = kept[states.isin(COULD_BE_FOUND)]
        parts["n_linked"] = kept[states.isin([names.LINKED, LINKED_NEAR])]
    tables = []
    for wave in sheets[names.WAVE].drop_duplicates():
        here = answered[answered[names.WAVE] == wave]
        for subgroup, column, group in _subgroups(kept, sheets, study.grades):
            agreed = _count(here, study, column, group)
            gone = _count(declined.get(wave, here.iloc[:0]), study, column, group)
            counts = {
                "n_invited": study.invited_by_school(population, wave, group),
                "n_answered": agreed + gone if column != names.ROLE else pd.NA,
                "n_consented": agreed,
                "n_linkable": pd.NA,
                "n_linked": pd.NA,
            }
            for name, part in parts.items():
                counts[name] = _count(part[part[names.WAVE] == wave], study, column, group)
            table = pd.DataFrame(counts, index=study.schools[names.SCHOOL]).astype("Int64")
            place = {"population": population, "wave": wave, "subgroup": subgroup}
            tables.append(table.assign(**place, region=study.schools[names.REGION].to_numpy()))
    if not tables:
        return pd.DataFrame(columns=schema.RESPONSE)
    return pd.concat(tables).rename_axis(names.SCHOOL).reset_index()[list(schema.RESPONSE)]


def _subgroups(
    kept: pd.DataFrame, sheets: pd.DataFrame, grades: Sequence[int]
) -> list[tuple[str, str, str]]:
    found = [(names.ALL, "", "")]
    if names.GRADE in sheets:
        there = set(sheets[names.GRADE].dropna().astype(int))
        found += [(f"grade={grade}", names.GRADE, str(grade)) for grade in grades if grade in there]
    if names.ROLE in sheets and kept[names.ROLE].nunique() > 1:
        groups = [role for role in names.ROLES if role in set(kept[names.ROLE])]
        found += [(f"role={group}", names.ROLE, group) for group in groups]
    return found


def _count(part: pd.DataFrame, study: Study, column: str, group: str) -> pd.Series:
    if column and column not in part:
        part = part.iloc[:0]
    elif column:
        part = part[part[column].astype("str") == group]
    counts = part[names.SCHOOL].value_counts()
    return counts.reindex(study.schools[names.SCHOOL], fill_value=0).astype("Int64")
