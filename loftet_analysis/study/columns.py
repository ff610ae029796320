"""What every column of clean data means, and the labels of the values that stand in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loftet_analysis import names
from loftet_analysis.study.instrument import Scale
from loftet_analysis.study.study import Population, Study

#: What the columns mean that clean data of any study have.
MEANINGS = {
    names.PERSON: "pseudonym of the person; missing where the questionnaire could not be linked",
    names.WAVE: "wave",
    names.REGION: "region",
    names.SCHOOL: "school",
    names.COHORT: "cohort of the school; comparison: a school outside the programme",
    names.GRADE: "grade",
    names.ROLE: "role",
    names.GENDER: "gender",
    names.SUBMITTED: "day of submission",
    names.GATHERINGS: "seminars attended",
    names.INTERIM_WORK: "interim work done",
    names.LINKED_BY: "how the questionnaire was linked",
    names.LINK_STATE: "linked, or why not",
    names.SECONDS: "seconds per answered item",
    names.MISSING: "share of the asked items that are missing",
    names.CARELESS: "signs of careless answering",
}
_KEYS = (names.PERSON, names.WAVE, names.REGION, names.SCHOOL)
_KNOWN = (names.GRADE, names.ROLE, names.GENDER)
_REGISTER = (names.GATHERINGS, names.INTERIM_WORK)
_SIGNS = (names.LINKED_BY, names.LINK_STATE, names.SECONDS, names.MISSING, names.CARELESS)


def column_kinds(population: Population, *, cohorts: bool = False) -> dict[str, str]:
    """Return the columns that clean data of a population can have, in order, and their kinds.

    *key*, *background*, *register* (of attendance), *sign* (of linkage and of careless answering),
    *item* and *scale*. `cohorts` is whether the register has cohorts.
    """
    there = {*population.columns, *([names.ROLE] if population.roles else [])}
    known = [column for column in _KNOWN if column in there]
    own = [column for column in population.columns if column not in (*_KEYS, *_KNOWN)]
    attended = population.attendance.columns if population.attendance else ()
    kinds = {
        "key": (*_KEYS, *([names.COHORT] if cohorts else [])),
        "background": (*known, *own),
        "register": [column for column in _REGISTER if column in attended],
        "sign": _SIGNS,
        "item": population.instrument.items,
        "scale": population.instrument.scales,
    }
    return {column: kind for kind, there in kinds.items() for column in there}


def nobody(population: Population, *, cohorts: bool = False) -> pd.DataFrame:
    """Return the clean frame of a population of whom nobody has answered: columns, no rows."""
    kinds = column_kinds(population, cohorts=cohorts)
    types = {
        column: "str" if kind in ("key", "background") else float for column, kind in kinds.items()
    }
    types |= dict.fromkeys((names.LINKED_BY, names.LINK_STATE, names.CARELESS), "str")
    types |= {names.GRADE: "Int64", names.SUBMITTED: "datetime64[ms]"}
    return pd.DataFrame({column: pd.Series(dtype=types[column]) for column in kinds})


def clean_columns(study: Study, population: str, language: str | None = None) -> pd.DataFrame:
    """Say what every column of a population's clean data means.

    Parameters
    ----------
    study : Study
    population : str
        ``"pupils"``.
    language : str, optional
        Of wordings and labels; the study's first without it.

    Returns
    -------
    DataFrame
        A row per column that the clean frame can have, in its order: `column`, `kind` (*key,
        background, register, sign, item, scale*), `meaning` (an item's wording, a scale's label,
        else in English), `reversed` (an item, or a score that is read as it is, that was turned in
        cleaning; its stored values are turned already), `scale` (that an item belongs to),
        `n_items` and `needed` (of a scale: how many it has, and how many must be answered; 0 where
        its score is read as it is, missing where its items differ between waves, which its meaning
        says), `low` and `high` (the ends of the range), `values` (the groups of a background
        column, or the labels of the stored values), `question`, `waves` (in which it is asked, as
        far as the study has them) and `roles`
        (that are asked; empty is everybody).

    Examples
    --------
    >>> from loftet_analysis.study import load_study
    >>> columns = clean_columns(load_study("demo"), "pupils", "en").set_index("column")
    >>> columns.loc["persistence", ["n_items", "needed", "low", "high"]].astype(int).to_list()
    [5, 3, 1, 5]
    >>> columns.loc[["wave", "persist_2"], ["kind", "reversed", "scale", "waves"]].values.tolist()
    [['key', False, '', 'pre, post'], ['item', True, 'persistence', 'pre, post']]
    """
    people = study.populations[population]
    language = language or study.languages[0]
    instrument, waves = people.instrument, [wave for wave in study.waves if wave in people.files]
    options = value_labels(people, language)
    rows = []
    for column, kind in column_kinds(people, cohorts=bool(study.cohorts)).items():
        row: dict[str, Any] = {
            "column": column,
            "kind": kind,
            "meaning": MEANINGS.get(column, column),
        }
        row |= {"reversed": False, "scale": "", "question": "", "roles": ""}
        row |= {"waves": ", ".join(waves), "values": ", ".join(study.groups(population, column))}
        scale, item = instrument.items.get(column, (instrument.scales.get(column), None))
        if scale:
            responses = instrument.response_set(scale.name)
            row |= {"low": responses.minimum, "high": responses.maximum}
            row["waves"] = ", ".join(wave for wave in waves if scale.asks(column, wave))
            row |= {"question": scale.question or "", "roles": ", ".join(scale.roles or ())}
            row["meaning"] = text_in(item.text if item else scale.label, language)
        if scale and item:
            labels = ", ".join(f"{value} {label}" for value, label in options[column].items())
            row |= {"reversed": item.reversed, "scale": scale.name, "values": labels}
        elif scale:
            row |= {"n_items": len(scale.items), "needed": scale.needed}
            row["reversed"] = scale.reversed
            forms = scale.forms(waves)
            if len(forms) > 1:
                row |= {"n_items": pd.NA, "needed": pd.NA}
                row["meaning"] += (
                    f" ({'; '.join(form_words(scale, *form) for form in forms.items())})"
                )
        rows.append(row)
    columns = (
        "column", "kind", "meaning", "reversed", "scale", "n_items", "needed", "low", "high",
        "values", "question", "waves", "roles",
    )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(columns))
    numbers = {"n_items": "Int64", "needed": "Int64", "low": "Float64", "high": "Float64"}
    return table.astype(numbers)


def form_words(scale: Scale, items: Sequence[str], waves: Sequence[str]) -> str:
    """Say which items of a scale some waves ask, and how many of them must be answered."""
    return f"{', '.join(waves)}: at least {scale.needed_in(waves[0])} of {', '.join(items)}"


def value_labels(population: Population, language: str) -> dict[str, dict[float, str]]:
    """Return the labels of the stored values of every item: reversed ones are turned already."""
    labels = {}
    for name, (scale, item) in population.instrument.items.items():
        responses = population.instrument.response_set(scale.name)
        ends = responses.minimum + responses.maximum
        texts = {
            (ends - value if item.reversed else value): text_in(text, language)
            for value, text in responses.labels.items()
        }
        labels[name] = dict(sorted(texts.items()))
    return labels


def text_in(texts: Mapping[str, str], language: str) -> str:
    """Return a text in a language, else in the first that there is."""
    return texts.get(language) or next(iter(texts.values()))
