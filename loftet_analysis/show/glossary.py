"""The glossary: what words, signs, codes and columns mean, in the reader's language.

The site's page, the guide's and :func:`~loftet_analysis.show.glossary.describe` all take it from
here; the texts stand in `schema`, `estimands`, `labels` and `study.columns`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.show.labels import CERTAINTY_SIGNS, LABELS, LIGHT_SHAPES
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.sentences import WEAK
from loftet_analysis.study import Study, load_study
from loftet_analysis.study.columns import MEANINGS, clean_columns
from loftet_analysis.study.study import Analysis


class Part(NamedTuple):
    """A part of the glossary.

    Attributes
    ----------
    name : str
        What links find it by.
    title : str
    terms : list of (str, str)
        Terms, with what they mean.
    codes : bool
        Whether the terms are codes, the same in every language.
    """

    name: str
    title: str
    terms: list[tuple[str, str]]
    codes: bool = False


def column_meanings(words: Words, *, pairs: bool = False) -> dict[str, str]:
    """Return what each column of results means, or of pairs, too.

    Examples
    --------
    >>> column_meanings(Words("nb"))["n_pre"]
    'personer i sammenligningen, før'
    """
    meanings = {name: column.meaning for name, column in schema.COLUMNS.items()}
    meanings |= schema.PAIRED if pairs else {}
    return {name: words.text(meaning) for name, meaning in meanings.items()}


def glossary(words: Words, study: Study | None = None) -> Iterator[Part]:
    """Yield the parts of the glossary; of a study with its own limits and scales.

    What a study has none of (a comparison, a programme, attendance) is not in its glossary.

    Examples
    --------
    >>> [part.name for part in glossary(Words("en"))][:3]
    ['certainty', 'signs', 'terms']
    """
    text, analysis, foreign = words.text, study.analysis if study else Analysis(), _foreign(study)
    sesoi, level = words.number(analysis.sesoi), words.percent(analysis.ci_level)

    def meant(kind: str, **values: str) -> list[tuple[str, str]]:
        means = f"{kind} means"
        told = [code for code in LABELS[means] if code not in foreign]
        return [(label(kind, code, words), label(means, code, words, **values)) for code in told]

    def coded(*kinds: str) -> list[tuple[str, str]]:
        codes = [(kind, code) for kind in kinds for code in LABELS[kind] if code not in foreign]
        return [(code, label(kind, code, words)) for kind, code in codes]

    low, high = words.number(-WEAK), words.number(WEAK)
    certain = [
        (f"{sign} {label('short', code, words)}", label("short means", code, words, sesoi=sesoi))
        for code, sign in CERTAINTY_SIGNS.items()
    ]
    signs = [(sign, label("mark means", sign, words)) for sign in LABELS["mark means"]]
    interval = text("A confidence interval ({level}) with its two ends.", level=level)
    signs.append((words.interval(0.11, 0.32), interval))
    lights = zip(LIGHT_SHAPES.values(), meant("light"), strict=True)
    signs += [(f"{shape} {light}", said) for shape, (light, said) in lights]
    yield Part("certainty", text("How certain a change is"), certain)
    yield Part("signs", text("Signs in tables"), signs)
    yield Part("terms", text("Statistical terms"), meant("term", low=low, high=high))
    yield Part("comparisons", text("Comparisons"), meant("estimand"))
    if study:
        scales = [*_scales(study, words)]
        yield Part("scales", text("Scales, and what they are made of"), scales)
    yield Part("methods", text("How the numbers are made"), meant("method"))
    own = [name for name in ESTIMANDS if name not in foreign]
    clean = [(name, text(meaning)) for name, meaning in MEANINGS.items() if name not in foreign]
    aside = coded("set_aside", "counted")
    codes = {
        "estimand": (text("Codes of comparisons"), [(n, label("estimand", n, words)) for n in own]),
        "verdict": (text("Codes of conclusions"), coded("verdict")),
        "flags": (text("Codes of what to bear in mind about a row"), coded("flag means")),
        "warnings": (text("Codes of what weakens a scale"), coded("warning")),
        "reasons": (text("Codes of why there is no number"), coded("reason", "hidden")),
        "aside": (text("Codes of why a questionnaire does not count"), aside),
        "states": (text("Codes of whether answers were linked"), coded("state")),
        "columns": (text("Columns of the tables"), [*column_meanings(words).items()]),
        "clean": (text("Columns of clean data"), clean),
    }
    for name, (title, told) in codes.items():
        yield Part(name, title, told, codes=True)


def _foreign(study: Study | None) -> set[str]:
    """Return the codes of what a study has none of."""
    if study is None:
        return set()
    people = study.populations.values()
    attended = {name for each in people if each.attendance for name in each.attendance.columns}
    foreign = {*ESTIMANDS}.difference(*(each.possible_estimands for each in people))
    foreign |= {names.GATHERINGS, names.INTERIM_WORK} - attended
    without = {
        ("interim",): names.INTERIM_WORK in attended,
        ("dose", "range="): bool(attended),
        ("programme_vs_comparison",): bool(study.comparison),
        ("programme_months=",): study.has_programme,
    }
    return foreign.union(*(codes for codes, is_there in without.items() if not is_there))


def _scales(study: Study, words: Words) -> Iterator[tuple[str, str]]:
    """Yield the scales: their names, and how they are measured."""
    for population, of in study.populations.items():
        who = label("population", population, words)
        for scale in of.instrument.scales.values():
            answers = words.answers[population, scale.name]
            said = words.plural(
                "{who}; {n} question, from {low} ({least}) to {high} ({most})",
                "{who}; the mean of {n} questions, from {low} ({least}) to {high} ({most})",
                len(scale.items),
                who=who,
                low=words.count(answers.minimum),
                least=answers.low,
                high=words.count(answers.maximum),
                most=answers.high,
            )
            yield words.outcome(population, scale.name), said


def describe(frame: pd.DataFrame, language: str | None = None) -> pd.DataFrame:
    """Return what each column of a clean frame, of pairs, or of a result means.

    Parameters
    ----------
    frame : DataFrame
        From ``study.read``, or from one of the library's verbs.
    language : {"nb", "nn", "en"}, optional
        Of what is said; without it English, and wordings in the study's first.

    Returns
    -------
    DataFrame
        Indexed by column, in the frame's order. Of a clean frame what
        :func:`~loftet_analysis.study.columns.clean_columns` says (wording,
        reversed, scale, range, waves, roles), else `meaning`, `type` and `filled` (the share of
        rows with a value, 0-1). A column of one's own has no meaning.

    Examples
    --------
    >>> result = pd.DataFrame({"outcome": ["joy"], "n": [20], "mine": [1]})
    >>> describe(result)[["meaning", "filled"]]
                             meaning  filled
    column
    outcome  scale of the instrument     1.0
    n                         people     1.0
    mine                                 1.0
    """
    words, about, pairs = Words(language or "en"), frame.attrs, "clustered_by" in frame
    if not pairs and {"population", "study"} <= set(about):
        columns = clean_columns(load_study(about["study"]), about["population"], language)
        columns = columns.set_index("column").reindex(frame.columns)
        said = columns.index.to_series().map(MEANINGS).map(words.text, na_action="ignore")
        return columns.assign(meaning=said.fillna(columns["meaning"]))
    meanings = column_meanings(words, pairs=pairs)
    return pd.DataFrame(
        {
            "meaning": [meanings.get(name, "") for name in frame],
            "type": [str(dtype) for dtype in frame.dtypes],
            "filled": frame.notna().mean().to_numpy() if len(frame) else 0.0,
        },
        index=pd.Index(list(frame), name="column"),
    )
