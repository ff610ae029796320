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
NO_ANSWER = ("test_answer", "wrong_form", "out_of_turn", "own_programme", "duplicate")


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
        All questionnaires but those of which only the number is kept: ``wave, school_id, reason``,
        ``link_state`` (missing where nobody is linked) and, where there are such, ``grade, role``.
    declined : mapping of str to DataFrame
        By wave, the questionnaires of which only the number is kept.

    Returns
    -------
    DataFrame
        ``schema.RESPONSE``, a row per wave, school of the register and subgroup (``all``,
        ``grade=7``, ``role=colleague``): `n_invited` as the register says; `n_answered` people
        with a questionnaire (trials, wrong forms and second questionnaires not counted);
        `n_consented` of these those who may be used; `n_kept` those whose answers are in;
        `n_linkable` of these those who could be found in another wave; `n_linked` those who were.
        By role `n_answered` is missing, since the role of those who declined is not read; what
        nobody can say is missing, as who can be found again where there is one wave.
    """
    needed = (names.WAVE, names.SCHOOL, names.GRADE, names.ROLE, names.LINK_STATE, REASON)
    sheets = sheets[[column for column in needed if column in sheets]]
    states, is_kept = sheets[names.LINK_STATE], sheets[REASON].eq("")
    counted = {"n_consented": ~sheets[REASON].isin(NO_ANSWER), "n_kept": is_kept}
    if states[is_kept].notna().any() and sheets[names.WAVE].nunique() > 1:
        counted["n_linkable"] = is_kept & states.isin(COULD_BE_FOUND)
        counted["n_linked"] = is_kept & states.isin([names.LINKED, LINKED_NEAR])
    stamped = [part.assign(**{names.WAVE: wave}) for wave, part in declined.items()]
    gone = pd.concat(stamped) if stamped else sheets.iloc[:0]
    declining = {"n_declined": pd.Series(True, index=gone.index)}
    groups = _subgroups(sheets[is_kept], sheets, study.grades)
    agreed = {column: _counts(sheets, counted, column) for column in groups}
    refused = {column: _counts(gone, declining, column) for column in groups}
    schools, tables = study.schools[names.SCHOOL], []
    for wave in sheets[names.WAVE].drop_duplicates():
        for column, group in ((c, group) for c, of_column in groups.items() for group in of_column):
            counts = _at(agreed[column], wave, group, schools)
            n = counts["n_consented"] + _at(refused[column], wave, group, schools)["n_declined"]
            place = {
                "population": population,
                "wave": wave,
                "subgroup": f"{column}={group}" if column else names.ALL,
                names.REGION: study.schools[names.REGION].to_numpy(),
                "n_invited": study.invited_by_school(population, wave, group),
                "n_answered": n if column != names.ROLE else pd.NA,
            }
            tables.append(counts.assign(**place))
    if not tables:
        return pd.DataFrame(columns=schema.RESPONSE)
    whole = pd.concat(tables).rename_axis(names.SCHOOL).reset_index()
    numbers = [column for column in schema.RESPONSE if column.startswith("n_")]
    return whole.reindex(columns=schema.RESPONSE).astype(dict.fromkeys(numbers, "Int64"))


def by_day(population: str, sheets: pd.DataFrame) -> pd.DataFrame:
    """Count questionnaires that are in by day sent: ``schema.DAYS``; no row without dates."""
    if names.SUBMITTED not in sheets:
        return pd.DataFrame(columns=list(schema.DAYS))
    day = sheets[names.SUBMITTED].dt.normalize().rename("day")
    keys = [sheets[names.WAVE], sheets[names.REGION], day]
    counts = sheets[REASON].eq("").groupby(keys).sum().rename("n").reset_index()
    counts = counts[counts["n"] > 0].assign(
        day=lambda table: table["day"].dt.strftime("%Y-%m-%d"), **{names.POPULATION: population}
    )
    return counts[list(schema.DAYS)].reset_index(drop=True)


def _subgroups(
    kept: pd.DataFrame, sheets: pd.DataFrame, grades: Sequence[int]
) -> dict[str, list[str]]:
    """Return the groups that are counted, by column; everybody is the group of no column."""
    found = {"": [""]}
    if names.GRADE in sheets:
        there = set(sheets[names.GRADE].dropna().unique().astype(int))
        found[names.GRADE] = [str(grade) for grade in grades if grade in there]
    if names.ROLE in sheets and kept[names.ROLE].nunique() > 1:
        there = set(kept[names.ROLE].unique())
        found[names.ROLE] = [role for role in names.ROLES if role in there]
    return found


def _counts(sheets: pd.DataFrame, counted: Mapping[str, pd.Series], column: str) -> pd.DataFrame:
    """Return how many questionnaires count, by wave, group of a column, and school."""
    if column and column not in sheets:
        sheets = sheets.iloc[:0]
    group = sheets[column].astype("str") if column in sheets else ""
    keys = {"wave": sheets[names.WAVE], "group": group, "school": sheets[names.SCHOOL]}
    keyed = pd.DataFrame({**keys, **counted}, index=sheets.index)
    return keyed.groupby(list(keys), sort=False).sum()


def _at(counts: pd.DataFrame, wave: str, group: str, schools: pd.Series) -> pd.DataFrame:
    """Return the counts of a wave and group by school of the register; 0 where there are none."""
    places = pd.MultiIndex.from_product([[wave], [group], schools])
    return counts.reindex(places, fill_value=0).set_axis(schools)
