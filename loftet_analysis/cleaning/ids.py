"""Ids and codes by which people are found again, in one spelling whatever a spreadsheet did.

What is certain is undone: ``1234.0``, ``'0042``, ``="0043"``, and zeros that were lost where all
ids of digits have one length. What is not certain stops; a cell that names nobody is nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from loftet_analysis.cleaning.identifiers import national_id
from loftet_analysis.cleaning.sheets import Sheets
from loftet_analysis.errors import InputError, Problem, refuse_any
from loftet_analysis.study.study import LINK, Link
from loftet_analysis.tabular.cells import form_of, is_doubtful, is_shortened, plain, repaired

#: Cells that name nobody, as ids are compared.
NOBODY = frozenset(
    {
        "-", "–", "—", ".", "?", "na", "n/a", "nan", "null", "none", "nil", "missing", "unknown",
        "ukjent", "ukjend", "ingen", "vet ikke", "veit ikkje", "don't know", "#n/a", "#i/t",
        "#null!", "#ref!", "#value!", "#verdi!", "#name?", "#navn?", "#namn?", "#div/0!", "#num!",
    }
)  # fmt: skip
# what may be more than an id; most cells hold letters and digits alone (RE2)
_ODD = r"[^0-9A-Za-zÆØÅæøå _-]|^[0-9]{1,3}(?: [0-9]{3})+$"
# what may have another spelling: blanks, and beyond ASCII all but the letters of Norwegian
_SPELT_OTHERWISE = r"[^!-~ÆØÅæøå]"
_LETTER = "[A-Za-zÆØÅæøå]"
_DIGITS = r"^=?[\"'’]?\s*(?P<digits>[0-9]+)(?:[.,]0+)?\"?$"
_MONTH = "(?:jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[kc]t|nov|de[sc])"
_DATE = (
    r"(?i)^(?:\d{4}-\d\d-\d\d(?:[T ]00:00(?::00)?)?|"
    rf"\d{{1,2}}[.-]\s?{_MONTH}\.?|{_MONTH}[.-]\d\d)$"
)
_LONG = r"^[0-9]{16,}$"  # spreadsheets keep 15 digits
_ROUNDED = r"^[0-9]{15}0+$"
_FEWEST_LONG = 3  # by which it is told that all are rounded
_NATIONAL = re.compile(r"\d{5,6}[ -]\d{5}")
_SHOWN = 3  # forms in a message


def normal_id(text: str) -> str:
    """Return an id as it is compared; a national identity number with its lost zero again.

    Examples
    --------
    >>> normal_id(" 11-1004 "), normal_id("8901089974"), normal_id("1234.0"), normal_id("#N/A")
    ('11-1004', '08901089974', '1234', '')
    """
    bare = _bare(text)
    if is_doubtful(bare):
        return ""
    if _NATIONAL.fullmatch(bare) and (len(bare) == 12 or national_id(re.sub(r"\D", "", bare))):
        bare = re.sub(r"\D", "", bare)
    lost_zero = len(bare) == 10 and bare.isdecimal() and national_id(bare)
    return f"0{bare}" if lost_zero else bare


def normal_code(text: str) -> str:
    """Return a self-made code as it is compared: letters and digits alone.

    Examples
    --------
    >>> normal_code("an 12-0 TØD"), normal_code("1204.0"), normal_code("1,2E+11")
    ('an120tød', '1204', '')
    """
    bare = _bare(text)
    return bare if bare.isalnum() else re.sub(r"[\W_]+", "", bare)


def _bare(text: str) -> str:
    """Return an id or a code in one spelling; ``""`` where it names nobody for certain."""
    bare = plain(text).casefold()
    if not bare.isalnum():
        bare = "" if is_shortened(bare) else repaired(bare)
    return "" if bare in NOBODY else bare


def normal(link: Link, digits: int = 0) -> Callable[[str], str]:
    """Return the function that gives an id or a code of a population as it is compared.

    Parameters
    ----------
    link : Link
    digits : int
        How many digits ids of digits have, where some have lost zeros (:func:`id_length`).
    """
    single = normal_code if link.by == "code" else normal_id
    if not digits:
        return single

    def padded(text: str) -> str:
        bare = single(text)
        return bare.zfill(digits) if bare.isdecimal() else bare

    return padded


def check_ids(sheets: Sheets) -> Sheets:
    """Stop for ids that a spreadsheet destroyed, and say which it changed and were repaired.

    Raises
    ------
    InputError
        For numbers that have lost digits (``1,23457E+11``, or all long ones end in 0), that may be
        thousands or decimals (``1,000``), and where some ids have become dates.
    """
    link = sheets.population.link
    if LINK not in sheets.frame:
        return sheets
    counts = sheets.frame[LINK].str.strip().value_counts(sort=False)
    counts = counts[counts.index != ""]
    odd = counts[_matches(counts.index, _ODD)]
    what, problems = f"{link.by}s that a spreadsheet has changed", []
    todo = "format the column as text and export again; do not save the export in a spreadsheet"
    spelt = {text: plain(text) for text in odd.index}
    lost = odd[[is_shortened(text) for text in spelt.values()]]
    long = counts[_matches(counts.index, _LONG)]
    if len(long) >= _FEWEST_LONG and _matches(long.index, _ROUNDED).all():
        lost = pd.concat([lost, long])
    if len(lost):
        found = f"{_forms(lost)}: digits are lost"
        problems.append(Problem(what, found, "the whole number", sheets.where, todo))
    doubtful = odd[[is_doubtful(repaired(text)) for text in spelt.values()]]
    if link.by == "id" and len(doubtful):
        found = f"{_forms(doubtful)}: they may be thousands or decimals"
        problems.append(Problem(what, found, "the number without signs", sheets.where, todo))
    dates = counts[_matches(counts.index, _DATE)]
    if link.by == "id" and 0 < dates.sum() < counts.sum() / 2:
        found = f"{_forms(dates)}: they have become dates"
        problems.append(Problem(what, found, "ids as they were given out", sheets.where, todo))
    refuse_any(problems)
    undone = odd[[repaired(text) != given for given, text in spelt.items()]]
    bare = counts.index.str.casefold().to_series(index=counts.index)
    other = _matches(counts.index, _SPELT_OTHERWISE)
    bare[other] = [plain(text).casefold() for text in counts.index[other]]
    nobody = counts[bare.isin(NOBODY)]
    remarks = []
    if len(undone):
        remarks.append(Problem(f"{what}, and that were repaired", _forms(undone), "", sheets.where))
    if len(nobody):
        remarks.append(Problem(f"{link.by}s that name nobody", _forms(nobody), "", sheets.where))
    return sheets.remarking(*remarks)


def _matches(texts: pd.Index, pattern: str) -> np.ndarray:
    return np.asarray(pc.match_substring_regex(pa.array(texts, pa.large_string()), pattern))


def _forms(counts: pd.Series) -> str:
    """Return how many cells have which form, the most common first; never a cell."""
    forms: Counter[str] = Counter()
    for text, n in counts.items():
        forms[form_of(text)] += n
    shown = [f"{n} of the form {form}" for form, n in forms.most_common(_SHOWN)]
    more = forms.total() - sum(n for _, n in forms.most_common(_SHOWN))
    return ", ".join(shown) + (f" and {more} others" if more else "")


def id_length(columns: Sequence[pd.Series], link: Link, where: str) -> int:
    """Return how many digits ids of digits have, where some of them may have lost zeros.

    Parameters
    ----------
    columns : sequence of Series of str
        All columns of a population's ids: of its waves, or of a wave and a list.
    link : Link
        Its ``digits``, where study.yml says how many ids have.
    where : str
        For the message.

    Returns
    -------
    int
        0 where no zero was lost, or nobody can say it of codes that people make themselves.

    Raises
    ------
    InputError
        Where one id seems to stand with and without its zeros, and ids have different lengths, or
        both stand in one column.

    Examples
    --------
    >>> ids = Link(by="id", column="id")
    >>> id_length([pd.Series(["0042", "1234.0"]), pd.Series(["42", "1234"])], ids, "pre and post")
    4
    """
    if link.digits:
        return link.digits
    distinct = [_digits(column) for column in columns]
    whole = pc.unique(pa.concat_arrays(distinct)) if distinct else []
    if not len(whole):
        return 0
    lengths = np.asarray(pc.utf8_length(whole))
    of_zeros = lengths[np.asarray(pc.starts_with(whole, "0"))]
    if not of_zeros.size:
        return 0
    length = int(lengths.max())
    certain, twice = bool((of_zeros == length).all()), _spelt_twice(whole)
    if link.by == "code" or not twice:
        return length if certain and lengths.min() < length else 0
    if certain and not any(map(_spelt_twice, distinct)):
        return length
    such = f"such as 9 beside {'9'.zfill(int(of_zeros.min()))}"
    found = f"{twice} stand with and without zeros before them, {such}"
    todo = "export the column as text; or say how many digits ids have: "
    todo += f"link: {{by: id, column: …, digits: {length}}}"
    raise InputError("ids that may have lost their zeros", found, "ids of one length", where, todo)


def n_padded(column: pd.Series, digits: int) -> int:
    """Return how many cells are ids of fewer digits."""
    cells = pc.extract_regex(pa.array(column.fillna(""), pa.large_string()), _DIGITS)
    lengths = pc.utf8_length(pc.struct_field(cells, "digits"))
    return pc.sum(pc.less(lengths, digits)).as_py() or 0


def _spelt_twice(ids: pa.Array) -> int:
    """Return how many numbers stand with and without zeros before them."""
    return len(ids) - len(pc.unique(pc.utf8_ltrim(ids, "0")))


def _digits(column: pd.Series) -> pa.Array:
    """Return the distinct ids of a column that are digits alone, or were before they were saved."""
    texts = pc.unique(pa.array(column.fillna(""), pa.large_string()))
    texts = texts.filter(pc.invert(pc.match_substring_regex(texts, _LETTER)))
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pa.array(map(plain, texts.to_pylist()), pa.large_string())
    groups = pc.extract_regex(pc.utf8_trim_whitespace(texts), _DIGITS)
    return pc.unique(pc.struct_field(groups, "digits").drop_null().cast(pa.large_string()))
