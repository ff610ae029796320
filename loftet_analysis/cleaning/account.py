"""The account of every questionnaire in words: reason × count × what it was.

What may be said of a cell is a school's name, a day, a code or label of an answer; never an id, a
link code or free text. Cells that may hold such are only counted.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pandas as pd
from rapidfuzz.fuzz import ratio

from loftet_analysis import names
from loftet_analysis.cleaning.identifiers import redact_text
from loftet_analysis.cleaning.response import LINKED_NEAR
from loftet_analysis.cleaning.sheets import BLANK, COUNTED_ONLY, OPEN_WAVE
from loftet_analysis.errors import Problem, named
from loftet_analysis.study import normalise_label
from loftet_analysis.tabular.cells import form_of

MOST_LEFT_OUT = 0.02  # of a wave or an item, without a warning
AFTER = "after_the_wave"
FEWEST_SHEETS = 5  # that share a text which is not plainly a school's name
_JOINED = "\N{NO-BREAK SPACE}"  # where no line may break
_LONGEST, _SHOWN, _WIDTH = 60, 10, 98
_MOST_WORDS, _FEW_WORDS = 5, 3  # of a school's name; and where few sheets have it
# the last word of a school's name says what it is; letters alone before it
_SCHOOL = re.compile(
    r"(?:[^\W\d_][^\W\d_.'’-]*[.'’-]?[^\W\d_.'’-]* )*[^\W\d_-]*(?:sk[ou]le|school|skuvla|skåvllå|"
    r"skuvle|oppvekst|montessori|gymnas|akademi|(?:oppvekst|skole|skule|opplærings|lærings)senter)",
    re.IGNORECASE,
)
# a name of up to three words, without digits
_NAME = re.compile(r"[A-ZÆØÅ][^\W\d_A-ZÆØÅ-]+(?:[ -][^\W\d_]+\.?){0,2}")
_SHORT = 3  # signs of a number or a code
_SLIP = 85  # of 100, by Indel similarity, for a text to be an allowed one but for a slip
# of sheets, then of cells
_SHEETS = {
    "withdrawn": "withdrawn since",
    "opted_out": "said no beforehand",
    "no_consent": "no consent",
    "test_answer": "trials",
    "wrong_form": "sent in while another wave was open",
    "out_of_turn": "sent in when the school's cohort was not asked",
    "own_programme": "of a comparison school, sent in after its own programme had begun",
    "unknown_school": "the school is not in the register",
    "impossible_grade": "no grade, or none that the school has",
    "no_answers": "nothing is answered",
    "duplicate": "another questionnaire of the same person counts",
    OPEN_WAVE: "in, once the wave is closed",
}
_CELLS = {
    "declared_missing": "answers that count as none",
    "out_of_range": "codes that no answer has",
    "not_asked": "answers to what their role is not asked",
    "corrected": "cells corrected by the list",
    "redacted": "cells with identifiers, replaced by their kind",
    "left_behind": "cells in columns of identifiers or free text, not read",
    "earlier_school": "schools by an earlier id or name",
    AFTER: "sent in after the wave's last day, and kept",
}
_BY_COLUMN = frozenset({"corrected", "left_behind", "redacted"})
_OF_ITEMS = ("declared_missing", "out_of_range", "not_asked")
#: Why single answers of sheets that are in are missing in clean data.
TAKEN_OUT = (*_OF_ITEMS, "redacted")


def account(
    ledger: pd.DataFrame,
    values: pd.DataFrame,
    remarks: Iterable[Problem] = (),
    clean: Mapping[str, pd.DataFrame] | None = None,
    linkage: pd.DataFrame | None = None,
) -> str:
    """Return what became of every questionnaire, and why.

    Parameters
    ----------
    ledger, values : DataFrame
        Of all waves and populations (:class:`~loftet_analysis.cleaning.sheets.Sheets`).
    remarks : iterable of Problem
    clean : mapping of str to DataFrame, optional
        By population; without it no item is said to have lost more than two per cent.
    linkage : DataFrame, optional
        ``schema.LINKAGE``; without it nobody is said to be linked.

    Returns
    -------
    str
        A table of questionnaires by population and wave; one of those that are linked to another
        wave; for each of them a line per reason, marked ``warning`` above two per cent; then the
        remarks.

    Examples
    --------
    >>> place = {"population": "pupils", "wave": "pre", "file": "pre.csv", "region": ""}
    >>> ledger = pd.DataFrame([
    ...     {**place, "step": "read", "reason": "blank_row", "n_in": 50, "n_out": 50,
    ...      "n_set_aside": 0},
    ...     {**place, "step": "schools", "reason": "unknown_school", "n_in": 50, "n_out": 47,
    ...      "n_set_aside": 3}])
    >>> values = pd.DataFrame([{**place, "column": "school_id", "value": "Fjellvik skole",
    ...                         "reason": "unknown_school", "n": 3}])
    >>> print(account(ledger, values))
    population wave  questionnaires  clean  set aside  counted only
        pupils  pre              50     47          3             0
    <BLANKLINE>
    pupils, pre
         3   6.0 %  warning: unknown_school, the school is not in the register: Fjellvik skole (3)
    """
    place = [names.POPULATION, names.WAVE]
    ledger = ledger[ledger[names.WAVE] != ""]
    blank, counted = ledger["reason"].eq(BLANK), ledger["reason"].isin(COUNTED_ONLY)
    aside = ledger["n_set_aside"]
    counts = {
        "questionnaires": ledger["n_out"].where(blank, 0),
        "set aside": aside.mask(blank | counted, 0),
        "counted only": aside.where(counted, 0),
    }
    stamp = [ledger[column] for column in place]
    table = pd.DataFrame(counts).groupby(stamp, sort=False).sum().astype(int)
    kept = table["questionnaires"] - table["set aside"] - table["counted only"]
    table.insert(1, "clean", kept)
    parts = [table.reset_index().to_string(index=False)] if len(table) else []
    parts += [] if linkage is None else _linked(linkage)
    for (population, wave), row in table.iterrows():
        here, noted = (
            frame[(frame[names.POPULATION] == population) & (frame[names.WAVE] == wave)]
            for frame in (ledger, values)
        )
        answered = _answered((clean or {}).get(population), wave, set(noted["column"]))
        lines = [
            *_of_sheets(here, noted, row["questionnaires"]),
            *_of_cells(noted, answered, row["questionnaires"]),
        ]
        if lines:
            parts.append("\n".join([f"{population}, {wave}", *lines]))
    return "\n\n".join([*parts, *dict.fromkeys(map(str, remarks))])


def _linked(linkage: pd.DataFrame) -> Iterator[str]:
    """Yield how many questionnaires of each wave are linked to another, where there is another.

    Examples
    --------
    >>> linkage = pd.DataFrame([
    ...     ("pupils", "north", "pre", "linked", 57), ("pupils", "north", "pre", "linked_near", 3),
    ...     ("pupils", "north", "pre", "absent", 20), ("pupils", "north", "post", "linked", 60),
    ... ], columns=["population", "region", "wave", "state", "n"])
    >>> print(*_linked(linkage))
    population wave  clean  linked to another wave  share  of them by a near code
        pupils  pre     80                      60  75.0 %                       3
        pupils post     60                      60 100.0 %                       0
    """
    n, near = linkage["n"], linkage["state"].eq(LINKED_NEAR)
    linked = near | linkage["state"].eq(names.LINKED)
    stamp = [linkage[column] for column in (names.POPULATION, names.WAVE)]
    counts = {"clean": n, "linked": n.where(linked, 0), "near": n.where(near, 0)}
    table = pd.DataFrame(counts).groupby(stamp, sort=False).sum()
    table = table[table.groupby(names.POPULATION)["clean"].transform("size") > 1].astype(int)
    people = table.index.unique(names.POPULATION)
    order = itertools.product(people, names.WAVES)
    table = table.reindex([place for place in order if place in table.index])
    if table.empty:
        return
    share = (table["linked"] / table["clean"]).map(lambda part: f"{100 * part:.1f} %")
    table.insert(2, "share", share)
    if not table["near"].any():
        table = table.drop(columns="near")
    called = {"linked": "linked to another wave", "near": "of them by a near code"}
    yield table.rename(columns=called).reset_index().to_string(index=False)


def left_out(
    ledger: pd.DataFrame, values: pd.DataFrame, items: Mapping[str, Collection[str]]
) -> str:
    """Return in a line how many questionnaires and answers are not in the clean data, and why.

    Parameters
    ----------
    ledger, values : DataFrame
    items : mapping of str to collection of str
        The columns of answers, by population.

    Examples
    --------
    >>> ledger = pd.DataFrame({"wave": ["pre"], "reason": ["unknown_school"], "n_set_aside": [3]})
    >>> values = pd.DataFrame({"population": ["pupils"], "column": ["joy_1"],
    ...                        "reason": ["out_of_range"], "n": [1]})
    >>> left_out(ledger, values, {"pupils": ["joy_1"]})
    'set aside: 3 questionnaires (unknown_school 3); taken out: 1 answer (out_of_range 1)'
    """
    sheets = ledger[ledger[names.WAVE].ne("") & ~ledger["reason"].isin((BLANK, OPEN_WAVE))]
    counted = {
        ("set aside", "questionnaire"): sheets.groupby("reason", sort=False)["n_set_aside"],
        ("taken out", "answer"): taken_out(values, items).groupby("reason", sort=False)["n"],
    }
    told = []
    for (how, what), of in counted.items():
        by_reason = of.sum()
        by_reason = by_reason[by_reason > 0]
        if n := int(by_reason.sum()):
            why = ", ".join(f"{reason} {m:,}" for reason, m in by_reason.items())
            told.append(f"{how}: {n:,} {what}{'s' if n > 1 else ''} ({why})")
    return "; ".join(told)


def taken_out(values: pd.DataFrame, items: Mapping[str, Collection[str]]) -> pd.DataFrame:
    """Return the rows of `values` that count answers which are missing in clean data."""
    answers = [(name, column) for name, columns in items.items() for column in columns]
    places = pd.MultiIndex.from_frame(values[[names.POPULATION, "column"]])
    return values[values["reason"].isin(TAKEN_OUT) & places.isin(answers)]


def _answered(frame: pd.DataFrame | None, wave: str, columns: set[str]) -> pd.Series | None:
    """Return how many questionnaires of a wave have a value in each of some columns."""
    if frame is None:
        return None
    known = [column for column in frame if column in columns]
    return frame.loc[frame[names.WAVE].eq(wave), known].notna().sum()


def _of_sheets(ledger: pd.DataFrame, values: pd.DataFrame, n_sheets: int) -> Iterator[str]:
    taken = ledger.groupby("reason", sort=False)["n_set_aside"].sum()
    for reason, n in taken[taken > 0].items():
        if reason == BLANK:
            yield _line(n, None, f"{reason}: rows without any answer, which are no questionnaires")
            continue
        noted = values[values["reason"] == reason]
        what = _what(noted, n, plain="others" if len(noted) else "")
        said = f"{reason}, {_SHEETS.get(reason, 'set aside')}{what}"
        share = n / n_sheets if n_sheets and reason != OPEN_WAVE else None
        yield _line(n, share, said)


def _of_cells(values: pd.DataFrame, answered: pd.Series | None, n_sheets: int) -> Iterator[str]:
    values = values[~values["reason"].isin(_SHEETS)]
    for reason in dict.fromkeys((*_CELLS, *values["reason"])):
        noted = values[values["reason"] == reason]
        if noted.empty:
            continue
        n, share = int(noted["n"].sum()), None
        what = _what(noted, n, by_column=reason in _BY_COLUMN)
        if reason in _OF_ITEMS and answered is not None:
            lost = noted.groupby("column")["n"].sum()
            shares = lost / (lost + answered.reindex(lost.index).fillna(0))
            many = shares[shares > MOST_LEFT_OUT].sort_values(ascending=False, kind="stable")
            if len(many):
                share = many.iloc[0]
                first = [f"{item} ({100 * value:.1f}{_JOINED}%)" for item, value in many.items()]
                what += f"; more than 2{_JOINED}% of {named(first, 5)}"
        if reason == AFTER and n > n_sheets / 2:
            share, what = n / n_sheets, f"{what}; most of the wave: is its last day right?"
        said = f"{reason}, {_CELLS.get(reason, 'cells')}{what}"
        yield _line(n, None, f"warning: {said}" if share else said)


def _what(noted: pd.DataFrame, n: int, *, by_column: bool = False, plain: str = "") -> str:
    """Return the texts that were noted, most frequent first, and how many are not shown."""
    noted = noted.assign(value=noted["value"].astype("str").str.strip("[]"))
    if by_column:
        headings = noted["column"].map(lambda text: "" if redact_text(text)[1] else text[:40])
        both = headings + ": " + noted["value"]
        noted = noted.assign(value=both.str.removesuffix(": ").str.removeprefix(": "))
    counts = noted[noted["value"].ne("")].groupby("value")["n"].sum()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    shown = [_JOINED.join([*text.split(), f"({m:,})"]) for text, m in counts[:_SHOWN].items()]
    if len(counts) > _SHOWN:
        shown.append(f"{len(counts) - _SHOWN} more ({counts[_SHOWN:].sum():,})")
    rest = int(n - counts.sum())
    if plain and rest:
        shown.append(f"{plain} ({rest:,}), not shown".replace(" ", _JOINED))
    return ": " + ", ".join(shown) if shown else ""


def _line(n: int, share: float | None, said: str) -> str:
    percent = "" if share is None else f"{100 * share:5.1f} %"
    head = f"{n:>6,} {percent:>7}  "
    text = f"warning: {said}" if (share or 0) > MOST_LEFT_OUT else said
    rest = " " * len(head)
    filled = textwrap.fill(
        text, _WIDTH, initial_indent=head, subsequent_indent=rest, break_on_hyphens=False
    )
    return filled.replace(_JOINED, " ")


def tellable_texts(counts: pd.Series, allowed: Iterable[str] = ()) -> tuple[pd.Series, pd.Series]:
    """Part the texts of a closed column that nothing allows: those that may be told, and others.

    A text is told that is a number or a code of at most three signs, is near to one that is
    allowed, or stands in at least five cells; never one that holds an identifier. What people
    have written there otherwise is only counted.

    Parameters
    ----------
    counts : Series of int
        Number of cells by text.
    allowed : iterable of str
        What may stand there, as it is written or as labels are compared.

    Returns
    -------
    told, hidden : Series of int

    Examples
    --------
    >>> cells = pd.Series({"Kari Hansen": 1, "Helt engi": 1, "7": 1, "Per": 2, "Begge deler": 5})
    >>> [[*part.index] for part in tellable_texts(cells, ["helt enig", "litt enig"])]
    [['Helt engi', '7', 'Begge deler'], ['Kari Hansen', 'Per']]
    """
    near = [*map(normalise_label, allowed)]

    def tells(text: str, n: int) -> bool:
        short = text.strip()
        if redact_text(short)[1]:
            return False
        is_code = len(short) <= _SHORT and not (len(short) == _SHORT and short.isalpha())
        return is_code or n >= FEWEST_SHEETS or _near(short, near)

    told = [tells(str(text), int(n)) for text, n in counts.items()]
    return counts[told], counts[[not each for each in told]]


def _near(text: str, allowed: Sequence[str]) -> bool:
    """Return whether a text is one of those that are allowed but for a slip."""
    bare = normalise_label(text)
    near = (each for each in allowed if abs(len(each) - len(bare)) <= _SHORT)
    return any(ratio(bare, each) >= _SLIP for each in near)


def others_not_shown(hidden: pd.Series) -> str:
    """Return how many texts are not shown, and in how many cells they stand.

    Examples
    --------
    >>> others_not_shown(pd.Series({"Kari": 1, "Per": 2}))
    '2 texts in 3 cells, not shown, since they may be free text'
    """
    n, cells = len(hidden), int(hidden.sum())
    texts, of = f"{n} text{'s' if n > 1 else ''}", f"{cells} cell{'s' if cells > 1 else ''}"
    return f"{texts} in {of}, not shown, since they may be free text"


def showable(counts: pd.Series, known: Iterable[str], allowed: Iterable[str] = ()) -> pd.Series:
    """Return the texts of a column that may be told, with their counts; the rest together as "".

    These are names of schools and grades, which people may type: a text is told that is near to
    one that is allowed, ends with a kind of school (few words where few questionnaires have it),
    has the form of an id of the register, or is a name that several questionnaires share; never
    one that looks like an identifier or like free text.

    Parameters
    ----------
    counts : Series of int
        Number of cells by text.
    known : iterable of str
        Ids of the register.
    allowed : iterable of str
        Names of the register.

    Examples
    --------
    >>> cells = pd.Series({"Vik skole": 1, "301": 1, "Kari Li": 2, "kari04": 9, "Fjelltun": 9,
    ...                    "mobbes på skolen av Per": 3, "Fjord skole v/ Kari Li": 3})
    >>> showable(cells, ["0301", "1103"]).to_dict()
    {'': 17, '301': 1, 'Fjelltun': 9, 'Vik skole': 1}
    """
    forms = {form_of(text, most=_LONGEST) for text in known}
    longest = max((len(form) for form in forms if not form.strip("9")), default=0)
    near = [*map(normalise_label, allowed)]

    def told(text: str, n: int) -> str:
        short = " ".join(text.split())
        words = short.split()
        if not words or len(short) > _LONGEST or len(words) > _MOST_WORDS or redact_text(short)[1]:
            return ""
        form = form_of(short, most=_LONGEST)
        of_register = form in forms or (not form.strip("9") and len(form) <= longest)
        several = n >= FEWEST_SHEETS
        is_school = _SCHOOL.fullmatch(short) and (several or len(words) <= _FEW_WORDS)
        shared = several and _NAME.fullmatch(short)
        return short if of_register or is_school or shared or _near(short, near) else ""

    texts = [told(str(text), int(n)) for text, n in counts.items()]
    return counts.groupby(texts).sum()
