"""What spreadsheets do to numbers that are names, and what of it can be undone."""

from __future__ import annotations

import re
import unicodedata

#: Yes and no as they are ticked in tables, in Bokmål, Nynorsk and English, as labels are compared.
SAYS_YES = frozenset(
    {"x", "✓", "✔", "√", "☑", "v", "+", "1", "j", "ja", "y", "yes", "true", "sann", "sant", "ok"}
)
SAYS_NO = frozenset({"0", "-", "–", "—", "n", "nei", "no", "false", "usann", "usant"})
_FORMULA = re.compile(r'="?([^"=]*)"?')  # ="0043", by which an export keeps a spreadsheet off
_MARKED = re.compile(r"['’](?=\w)")  # '0043, by which people do
_DECIMALS = re.compile(r"(\d+|\d{1,3}(?:[ \u00a0\u202f]\d{3})+)[.,](?!000$)0+")  # 1234.0
_THOUSANDS = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+")  # 1 234
_DIVIDED = re.compile(r"\d+(?:[ \u00a0\u202f]\d+)+")  # 975 270 920
_DOUBTFUL = re.compile(r"\d{1,3}(?:[.,]\d{3})+|\d+[.,]000")  # 1,234
_DECIMAL = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_POWER = re.compile(r"(\d)(?:[.,](\d+))?E\+(\d{1,9})", re.IGNORECASE)  # 1,23457E+11
# signs without width, and marks of the direction of writing
_UNSEEN = dict.fromkeys(
    (0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A))
)
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")


def plain(text: str) -> str:
    r"""Return a name in one spelling: wide letters, dashes and blanks alike, nothing invisible.

    Examples
    --------
    >>> plain("\ufeffa\u2011\uff11\u200b"), plain(" 12\u00a0 345 ")
    ('a-1', '12 345')
    """
    if text.isalnum() and (text.isascii() or unicodedata.is_normalized("NFKC", text)):
        return text
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_UNSEEN)).translate(_DASHES)
    return " ".join(text.split())


def repaired(text: str) -> str:
    """Return an id as it stood before a spreadsheet took it for a number, where that is certain.

    Undone are ``="0043"``, ``'0042``, ``1234.0``, ``1 234``, and powers of ten with all digits;
    what has lost digits stays as it is (:func:`is_shortened`), and so does ``1.000``, which may be
    a thousand (:func:`is_doubtful`).

    Examples
    --------
    >>> [repaired(text) for text in ('="0043"', "'0042", "1234,0", "1.2345E+4", "1,23457E+11")]
    ['0043', '0042', '1234', '12345', '1,23457E+11']
    >>> repaired("12 345"), repaired("1 234,00"), repaired("110155 00022")
    ('12345', '1234', '110155 00022')
    """
    text = text.strip()
    formula = _FORMULA.fullmatch(text) if text.startswith("=") else None
    text = formula[1].strip() if formula else text
    text = text[1:] if _MARKED.match(text) else text
    if decimals := _DECIMALS.fullmatch(text):
        text = decimals[1]
    if _THOUSANDS.fullmatch(text):
        return re.sub(r"\s", "", text)
    power = _POWER.fullmatch(text)
    if power and len(power[2] or "") >= int(power[3]):
        digits = power[1] + power[2]
        whole, rest = digits[: int(power[3]) + 1], digits[int(power[3]) + 1 :]
        return text if rest.strip("0") else whole
    return text


def decimal(text: str) -> float | None:
    """Return the number that a cell holds, with a decimal point or comma; None where it is none.

    Examples
    --------
    >>> decimal("1 234,5"), decimal("-0.1"), decimal("1e3")
    (1234.5, -0.1, None)
    """
    bare = re.sub(r"(?<=\d)\s(?=\d{3}(?:\D|$))", "", plain(text))
    return float(bare.replace(",", ".")) if _DECIMAL.fullmatch(bare) else None


def joined(text: str) -> str:
    """Return a number without the blanks that divide it.

    Examples
    --------
    >>> joined("975 270 920"), joined("Nordby skole 2")
    ('975270920', 'Nordby skole 2')
    """
    bare = text.strip()
    return re.sub(r"\s", "", bare) if _DIVIDED.fullmatch(bare) else text


def is_shortened(text: str) -> bool:
    """Whether a number has lost digits, so that nobody can say which it was.

    Examples
    --------
    >>> is_shortened("1,23457E+11"), is_shortened("########"), is_shortened("12E05")
    (True, True, False)
    """
    bare = repaired(text)
    return bool(_POWER.fullmatch(bare)) or (len(bare) > 1 and not bare.strip("#"))


def is_doubtful(text: str) -> bool:
    """Whether a number is one of thousands or one with decimals, and nobody can say which.

    Examples
    --------
    >>> [is_doubtful(text) for text in ("1,000", "1.234", "1.23", "1 234,00", "an.123")]
    [True, True, False, False, False]
    """
    return bool(_DOUBTFUL.fullmatch(text.strip()))


def form_of(text: str, *, most: int = 20) -> str:
    """Return the form of a text: where it has digits and letters, but not which.

    The sign of a power of ten stays.

    Examples
    --------
    >>> form_of("1,23457E+11"), form_of("20/09/25 kl. 10"), form_of("an-12")
    ('9,99999E+99', '99/99/99 aa. 99', 'aa-99')
    """
    if power := _POWER.fullmatch(text.strip()):
        return re.sub(r"\d", "9", power[0].upper())
    shown = text.strip()[:most]
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", shown)) + "…" * (len(text.strip()) > most)
