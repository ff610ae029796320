"""Direct identifiers in text: recognised by their form, and replaced by their kind.

National identity numbers follow the Norwegian Tax Administration: ``DDMMYYiiikk`` with two check
digits modulo 11. D-numbers add 40 to the day, H-numbers 40 to the month, synthetic numbers 80 (or
40 or 65) to the month. For numbers issued from 2032 the first check sum may leave 0 to 3.
"""

from __future__ import annotations

import ipaddress
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import accumulate
from operator import mul

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from loftet_analysis.tabular.cells import plain, repaired

_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of a month at most
_RESTS = (0, 1, 2, 3)  # of the first check sum, under the rule from 2032

# numbers, however they are divided: groups of digits with at most three signs between them
_RUN = re.compile(r"\+?\d(?:[ ./_,'()-]{0,3}\d)*+")
_GROUP = re.compile(r"\d+")
# digits of telephone numbers, national ids and accounts here; of telephone numbers elsewhere too
_LENGTHS, _OF_ANY_COUNTRY = (8, 10, 11, 12), range(8, 16)
_LONGEST_GROUP = 6  # of a national identity number that is divided
_PHONES = ((3, 2, 3), (2, 2, 2, 2), (1,) * 8)  # how people divide eight digits
_INTRODUCES_PHONE = re.compile(r"(?:tlf|tel|telefon|telefonen|mob|mobil|phone|nr|nummer)$", re.I)
_ENDS = "(?:no|com|net|org|edu|gov|eu|se|dk|fi|uk|de|info)"
_AT = r"(?: ?[(\[{<](?:at|a|alfa)[)\]}>] ?| (?:at|krøllalfa|alfakrøll|snabel-?a) )"
_DOT = r"(?:\.| ?[(\[{<](?:dot|punktum|prikk)[)\]}>] ?| (?:dot|punktum|prikk) )"
_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]++(?: {0,2}@ {0,2}[\w-]++(?:\.[\w-]++)++"
    rf"| {{0,2}}@ {{0,2}}[\w-]++(?: ?[.,] ?[\w-]++){{0,3}} ?[.,] ?{_ENDS}(?!\w)"
    rf"|{_AT}[\w-]++(?:{_DOT}[\w-]++){{0,3}}?{_DOT}{_ENDS}(?!\w))",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
_COORDINATES = re.compile(
    r"(?<![\w.])[+-]?\d{1,2}\.\d{3,}+ ?°? ?[NS]? ?[,; ]"
    r" ?[+-]?\d{1,3}\.\d{3,}+ ?°? ?[EWØV]?(?!\w)"
    r"|\d{1,2} ?° ?\d{1,2} ?['′][^,;\n]{0,12}[NS]? ?,?"
    r" ?\d{1,3} ?° ?\d{1,2} ?['′][^,;\n]{0,12}"
)
# what tells nobody apart: short numbers, yes and no
_PLAIN = re.compile(r"\d{1,2}(?:[.,]\d{1,2})?|ja|nei|yes|no|true|false|sann|usann", re.IGNORECASE)
_DETAILED = re.compile(r"@|(?:\d\D?){5}|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\d[.,]\d{3}", re.IGNORECASE)
_WITHOUT_FORM = ("name", "username", "address")
_FEW_TEXTS, _SHARED = 20, 3  # texts of a closed list, and how many people share one on average
_WORDY, _LONG = 4, 40  # words and signs of what somebody wrote
_WORD = r"[A-ZÆØÅÄÖÁČŠŽ][\w'’-]+"
_INTRODUCED = re.compile(
    r"(?P<before>\b(?i:jeg heter|eg heiter|mitt navn er|navnet mitt er|namnet mitt er|my name is)"
    rf"\s+)(?P<name>{_WORD}(?:\s+{_WORD}){{0,3}})"
)
# what a cell must hold for any of the above to be possible: cheap,
# for columns with many texts (RE2)
_POSSIBLE = (
    r"\d{5}|@|\d[ ./_,'()\x{00A0}-]{1,3}\d|:.*:.*:|°|heter|heiter|navnet|mitt navn|namnet|name is"
    r"|\d[.,]\d+E|[(\[{<](?:at|a|alfa)[)\]}>]| at |krøll|snabel"
    # signs that look like others or cannot be seen
    r"|[^\x00-\x{00AC}\x{00AE}-\x{017F}\x{2018}-\x{201E}\x{2022}\x{2026}\x{20AC}]"
)

_HEADINGS = {
    "national_id": r"f(?:ø|oe|o)dselsn(?:umme|umber|ummer|r)\w*|personn(?:umme)?r|fnr|d-?nummer|"
    r"national id\w*|(?:personal|national) identity number",
    "email": r"(?:recipient)? ?e-?post(?:adresse\w*)?|(?:recipient)? ?e-?mail(?: ?address)?|"
    r"epostadr\w*",
    "phone": r"(?:mobil|telefon|tlf|phone|mobile|cell)\w*\.?(?: ?(?:nr|nummer|number))?\.?",
    "name": r"navn(?:et)?(?: ditt)?|ditt navn|namn(?:et)?(?: ditt)?|for(?:-| og etter)?navn\w*|"
    r"etternavn\w*|fornamn\w*|etternamn\w*|(?:full|first|last|your|sur|given|family) ?name|name|"
    r"fullt navn|fullt namn|recipient(?:first|last)name|hva heter du\??|kva heiter du\??|"
    r"what is your name\??|kontaktlær[ae]r(?:en|s|ens)?(?: for \w+)?\??|"
    r"(?:hvem|kven) er (?:kontakt|matte|matematikk)lær[ae]ren din\??|"
    r"(?:hva|kva) heter (?:kontakt|matte|matematikk)?lær[ae]ren din\??",
    "username": r"bruker(?:navn|id)|brukarnamn|user ?name|feide\w*",
    "ip": r"ip(?:[- ]?(?:adresse|address|addr))?",
    "coordinates": r"(?:location)?(?:latitude|longitude)|breddegrad|lengdegrad|breiddegrad|lat|lon",
    "address": r"(?:post|bosteds?|hjemme|heime)?adresse\w*|(?:home|street) ?address",
    "birth_date": r"f(?:ø|oe)dselsda(?:to|g)\w*|date of birth|birth ?date|når er du født\??",
}
# whose it is, before or behind
_PEOPLE = (
    r"(?:elev|lærar|lærer|kontaktlærer|kontaktlærar|foresatt|føresett|forelder|barn|mor|"
    r"far|rektor|deltaker|deltakar|respondent|pupil|student|teacher|child|parent|guardian|mother|"
    r"father|participant)(?:e|en|et|er|ar|ane|ene|a|s)*"
)
_WHOSE = rf"(?:(?:{_PEOPLE}['’]?s?(?: (?:sin|sitt|si|sine))?|ditt|din|your|my|mitt|min) )?"
_OF_WHOM = rf"(?: (?:til|på|for|av|of|to) (?:the )?(?:{_PEOPLE}|deg|you)| ditt| din)?"
_REMARK = r"(?: ?\([^()]*\))?"  # (11 siffer)
_HEADING = {
    kind: re.compile(rf"{_WHOSE}(?:{pattern}){_OF_WHOM}{_REMARK}", re.IGNORECASE)
    for kind, pattern in _HEADINGS.items()
}


def national_id(text: str) -> str:
    """Return the kind of national identity number that a text is, or ``""``.

    Parameters
    ----------
    text : str
        Eleven digits, with or without a blank after the sixth; or ten whose first zero was lost.

    Returns
    -------
    str
        ``birth_number``, ``d_number``, ``h_number``, ``synthetic`` or ``""``.

    Examples
    --------
    >>> national_id("10915596784"), national_id("8901089974"), national_id("12345678901")
    ('synthetic', 'synthetic', '')
    """
    digits = text if text.isdecimal() else "".join(text.split())
    if not (len(digits) in (10, 11) and digits.isascii() and digits.isdecimal()):
        return ""
    digits = digits.zfill(11)
    kind = _kind(int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    if not kind:
        return ""
    numbers = list(map(int, digits))
    return kind if not _sum(numbers, _SECOND) % 11 and _sum(numbers, _FIRST) % 11 in _RESTS else ""


def _kind(day: int, month: int, year: int) -> str:
    d_number = day > 40
    day -= 40 * d_number
    for shift, kind in ((0, ""), (40, "h_number"), (65, "synthetic"), (80, "synthetic")):
        if 1 <= month - shift <= 12:
            # 1900 was no leap year, but 2000 was
            possible = 1 <= day <= _DAYS[month - shift - 1] - (month - shift == 2 and year % 4 > 0)
            return (kind or ("d_number" if d_number else "birth_number")) if possible else ""
    return ""


def _sum(numbers: list[int], weights: tuple[int, ...]) -> int:
    return sum(map(mul, numbers, weights))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# in this order: what is part of a longer form has been replaced with it
_FORMS: tuple[tuple[str, re.Pattern, Callable[[str], object]], ...] = (
    ("email", _EMAIL, bool),
    ("ip", _IPV4, _is_address),
    ("ip", _IPV6, _is_address),
    ("coordinates", _COORDINATES, bool),
    ("name", _INTRODUCED, bool),
)
# digits of every script, as they are written here
_DIGITS = {
    sign: str(unicodedata.digit(chr(sign)))
    for sign in range(128, sys.maxunicode)
    if chr(sign).isdecimal()
}


def redact_text(text: str, *, bare_numbers: bool = True) -> tuple[str, list[str]]:
    """Return a text with its identifiers replaced by their kinds, and these kinds.

    Digits, letters and signs are compared in their plain spelling, and what cannot be seen is
    passed over (:func:`~loftet_analysis.tabular.cells.plain`). A text without identifiers is
    returned as it is.

    Parameters
    ----------
    text : str
    bare_numbers : bool
        Whether eight digits that begin with 4 or 9 are a telephone number.

    Examples
    --------
    >>> redact_text("Ring 912 34 567 eller skriv til ola@skole.no!")
    ('Ring [phone] eller skriv til [email]!', ['email', 'phone'])
    >>> redact_text("fnr:109155-96784"), redact_text("ola (at) skole punktum no")
    (('fnr:[national_id]', ['national_id']), ('[email]', ['email']))
    >>> redact_text("2025-09-15T10:30:00.828301592+02:00")
    ('2025-09-15T10:30:00.828301592+02:00', [])
    """
    found: list[str] = []
    searched = repaired(plain(text).translate(_DIGITS))
    while True:
        n = len(found)
        for kind, form, is_one in _FORMS:

            def put(
                match: re.Match, kind: str = kind, is_one: Callable[[str], object] = is_one
            ) -> str:
                if not is_one(match[0]):
                    return match[0]
                found.append(kind)
                return f"{match.groupdict().get('before', '')}[{kind}]"

            searched = form.sub(put, searched)
        searched = _RUN.sub(lambda run: _redacted_run(run, bare_numbers, found), searched)
        if len(found) == n:
            return (searched if found else text), found


def _redacted_run(run: re.Match, bare_numbers: bool, found: list[str]) -> str:
    """Return groups of digits and what divides them, the identifiers among them replaced."""
    text = run[0]
    groups = [match.span() for match in _GROUP.finditer(text)]
    sizes = [stop - start for start, stop in groups]
    digits, before = re.sub(r"\D", "", text), list(accumulate(sizes, initial=0))
    ends = {n: last for last, n in enumerate(before[1:])}
    parts, end, first = [], 0, 0
    while first < len(groups):
        kinds = {}
        abroad = groups[first][0] == 1 and text[0] == "+"
        for n in _OF_ANY_COUNTRY if abroad else _LENGTHS:
            last = ends.get(before[first] + n)
            if last is not None:
                number = digits[before[first] : before[last + 1]]
                place = slice(groups[first][0], groups[last][1])
                own = tuple(sizes[first : last + 1])
                kind = _kind_of_number(number, own)
                if not kind and n == 8 and (own != _PHONES[-1] or len(groups) == 8):
                    kind = _kind_of_phone(number, own, run, place, bare_numbers)
                if not kind and abroad:
                    kind = "phone" if n == 10 or number[:2] != "47" else ""
                if kind:
                    kinds[kind] = last
        kind = next((kind for kind in ("national_id", "account", "phone") if kind in kinds), "")
        if kind:
            begin, last = groups[first][0], kinds[kind]
            begin -= text[begin - 1 : begin] == "+"
            parts += [text[end:begin], f"[{kind}]"]
            end, first = groups[last][1], last
            found.append(kind)
        first += 1
    return "".join([*parts, text[end:]])


def _kind_of_number(digits: str, sizes: tuple[int, ...]) -> str:
    """Return the kind of identifier that ten to twelve digits in groups are, or ``""``."""
    n, whole = len(digits), len(sizes) == 1
    if n == 12 and digits.startswith("0047"):
        return "phone"
    if n == 12 and digits[0] == "0":
        digits, n = digits[1:], 11
    in_one = (n in (10, 11) and whole) or (n == 11 and max(sizes) <= _LONGEST_GROUP)
    if in_one and national_id(digits):
        return "national_id"
    is_account = sizes == (4, 2, 5) and not _sum([*map(int, digits)], _SECOND) % 11
    return "account" if is_account else ""


def _kind_of_phone(
    digits: str, sizes: tuple[int, ...], run: re.Match, place: slice, bare_numbers: bool
) -> str:
    """Return ``phone`` where eight digits of a run are written as a telephone number is."""
    mobile = digits[0] in "49"
    if len(sizes) == 1:
        is_one = mobile and bare_numbers and _stands_alone(run, place)
    else:
        dividers = {*re.sub(r"\d", " ", run[0][place]).split()}
        is_one = sizes in _PHONES and digits[0] > "1"
        is_one = is_one and (not dividers or (mobile and dividers <= {*".-()"}))
    return "phone" if is_one else ""


def _stands_alone(run: re.Match, place: slice) -> bool:
    """Whether digits of a run are a number by themselves: no part of a code, time or decimal."""
    text, begin, end = run.string, run.start() + place.start, run.start() + place.stop
    before, after = text[max(begin - 10, 0) : begin], text[end : end + 2]
    if _INTRODUCES_PHONE.search(before):
        return True
    joined = re.search(r"\w$|\d[.,:/-]$|[+-]$", before) or re.match(r"\w|[.,:/-]\d", after)
    return not joined


def redact(column: pd.Series, *, bare_numbers: bool = True) -> tuple[pd.Series, dict[str, int]]:
    """Replace the identifiers in a column of text.

    Parameters
    ----------
    column : Series of str, or of categories
        Without missing values.
    bare_numbers : bool
        Whether eight digits that begin with 4 or 9 are a telephone number; not so where the
        column holds running numbers.

    Returns
    -------
    column : Series of str
        Unchanged where nothing was found.
    found : dict of str to int
        Number of cells by kind: ``national_id, email, phone, ip, coordinates, account, name``.

    Examples
    --------
    >>> redact(pd.Series(["Helt enig", "10915596784", "Helt enig"]))[0].to_list()
    ['Helt enig', '[national_id]', 'Helt enig']
    """
    codes, texts = pd.factorize(column)
    texts = pa.array(np.asarray(texts, dtype=object), pa.large_string())
    possible = np.flatnonzero(pc.match_substring_regex(texts, _POSSIBLE, ignore_case=True))
    redacted = (redact_text(texts[p].as_py(), bare_numbers=bare_numbers) for p in possible)
    results = {p: result for p, result in zip(possible, redacted, strict=True) if result[1]}
    if not results:
        return column, {}
    counts = np.bincount(codes, minlength=len(texts))
    found: Counter[str] = Counter()
    new = texts.to_numpy(zero_copy_only=False)
    for place, (text, kinds) in results.items():
        new[place] = text
        found.update(dict.fromkeys(kinds, int(counts[place])))
    return pd.Series(new[codes], index=column.index, dtype="str"), found


def redact_names(column: pd.Series, people: Iterable[str]) -> tuple[pd.Series, int]:
    """Replace names that are known from elsewhere, as whole words, whatever their case.

    Parameters
    ----------
    column : Series of str
    people : iterable of str
        Names as they stand in a column of names; parts of three letters and more are sought.

    Returns
    -------
    column : Series of str
    n : int
        Number of cells in which a name stood.

    Examples
    --------
    >>> texts = pd.Series(["Hilsen kari Nordmann", "Kariert"])
    >>> redact_names(texts, ["Nordmann, Kari"])[0].to_list()
    ['Hilsen [name] [name]', 'Kariert']
    """
    parts = {part.casefold() for name in people for part in re.findall(r"[^\W\d_]{3,}", name)}
    word = re.compile(r"(?<!\[)[^\W\d_]+")  # not the kind that stands for a name already

    def put(text: str) -> str:
        return word.sub(lambda m: "[name]" if m[0].casefold() in parts else m[0], text)

    new = column.map({text: put(text) for text in column.unique()})
    new = new.fillna(column).astype(column.dtype)
    return new, int(new.ne(column).sum())


def holds_identifiers(column: pd.Series, kind: str, *, listed: bool = False) -> bool:
    """Return whether the cells of a column are what its heading says, or tell who somebody is.

    Parameters
    ----------
    column : Series of str
        Texts, or their labels where the tool stores labels.
    kind : str
        What it holds by its heading (:func:`looks_like_identifier_heading`).
    listed : bool
        Whether the study lists the texts that may stand in it.

    Returns
    -------
    bool
        True where a cell holds an identifier by its form, an @, five digits, a date or a
        coordinate. Where its texts are not listed, they are numbers of one or two digits, yes and
        no, or such that many people share one: never so for names and addresses,
        which have no form.

    Examples
    --------
    >>> holds_identifiers(pd.Series(["Ja", "Nei", ""]), "name")
    False
    >>> [holds_identifiers(pd.Series([text] * 9), "email") for text in ("a@b.no", "daily")]
    [True, False]
    >>> holds_identifiers(pd.Series(["Kari"] * 9), "name")
    True
    """
    filled = column[column.str.strip().ne("")]
    texts = filled.unique()
    plain = [text for text in texts if not _PLAIN.fullmatch(text.strip())]
    if not plain:
        return False
    if redact(filled)[1] or any(_DETAILED.search(text) for text in plain):
        return True
    own = len(texts) > _FEW_TEXTS or len(texts) > len(filled) / _SHARED
    return not listed and (kind in _WITHOUT_FORM or own)


def holds_free_text(column: pd.Series) -> bool:
    """Return whether people wrote what stands in a column in their own words.

    Parameters
    ----------
    column : Series of str

    Returns
    -------
    bool
        True where some texts have four words or more than forty signs, and fewer than three
        cells share a text on average.

    Examples
    --------
    >>> holds_free_text(pd.Series(["", "Læreren min heter Kari", "Jeg liker ikke prøver om våren"]))
    True
    >>> holds_free_text(pd.Series(["More than ten years ago", "Less than ten years ago"] * 4))
    False
    """
    filled = column[column.str.strip().ne("")]
    texts = filled.unique()
    wordy = any(len(text.split()) >= _WORDY or len(text) > _LONG for text in texts)
    return wordy and len(texts) > len(filled) / _SHARED


def looks_like_identifier_heading(text: str) -> str:
    """Return the kind of identifier that a column holds to judge by its heading, or ``""``.

    Examples
    --------
    >>> [looks_like_identifier_heading(h) for h in ("E-postadresse", "Etternavn", "Skolens navn")]
    ['email', 'name', '']
    """
    bare = " ".join(text.split()).strip(" :.*")
    return next((kind for kind, form in _HEADING.items() if form.fullmatch(bare)), "")
