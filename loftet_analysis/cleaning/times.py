"""Times as exports write them: one reader, for the moment of submission and for durations alike.

A time with an offset says what moment it is. One without is in the zone in which the tool writes
its times, where the export says so, else in the study's. Whether the day or the month stands first
is decided for a whole column, never for a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta, tzinfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from loftet_analysis import names
from loftet_analysis.cleaning.readers import Export
from loftet_analysis.cleaning.sheets import Sheets
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.study.study import DAY_FIRST, EXCEL, MONTH_FIRST
from loftet_analysis.tabular.cells import form_of

MOMENT, SECONDS = "moment", "seconds"  # of submission, in UTC; how long it took
_TYPE = "datetime64[us, UTC]"
_BLANKS = "[\\s\u00a0\u2007\u2009\u202f]+"
_ISO = r"^(?:\d{4}-\d{1,2}-\d{1,2}|\d{8})(?:[T ]\d.*)?$"
_OFFSET = r"[T ]\d{1,2}(?::?\d\d){0,2}(?:[.,]\d+)? ?(?:Z|[+-]\d{1,2}(?::?\d\d)?)$"
_MONTHS = {
    name: number
    for number, months in enumerate(
        (
            "januar january", "februar february", "mars march mar mär märz", "april",
            "mai may maj", "juni june", "juli july", "august", "september sept",
            "oktober october", "november", "desember december dezember",
        ),
        start=1,
    )
    for month in months.split()
    for name in (month, month[:3])
}  # fmt: skip
# hours east of Greenwich; only abbreviations that have one meaning in surveys
_ZONES = {
    **dict.fromkeys(("z", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("cet", "met", "mez", "bst", "west"), 1),
    **dict.fromkeys(("cest", "mest", "mesz", "eet"), 2),
    "eest": 3, "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7,
    "pst": -8,
}  # fmt: skip
_MONTH_NAME = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_WEEKDAY = "(?:man|tir|tys|ons|tor|fre|lør|lau|søn|sun|mon|tue|wed|thu|fri|sat)[a-zæøå]*[.,]*"
# of RE2; in lower case, with single blanks
_FORM = (
    rf"^(?:{_WEEKDAY} )?(?:den )?(?:"
    r"(?P<y>\d{4})[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})|"
    r"(?P<a>\d{1,2})(?P<by>[-./]) ?(?P<b>\d{1,2})[-./] ?(?P<c>\d{4}|\d{2})|"
    rf"(?P<nd>\d{{1,2}})(?:\.|st|nd|rd|th)?[ -]?(?P<n>{_MONTH_NAME})[ ,-]*(?P<ny>\d{{4}})|"
    rf"(?P<o>{_MONTH_NAME}) (?P<od>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<oy>\d{{4}})"
    r")(?:(?:t|[ ,:]+)(?:kl(?:okken|okka)?[. ]+|at )?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?"
    r"(?: ?(?P<half>[ap])\.? ?m\.?)?)?"
    rf"(?: ?(?P<zone>{'|'.join(sorted(_ZONES, key=len, reverse=True))}))?"
    r"(?: ?(?P<sign>[+-])(?P<oh>\d{1,2}):?(?P<om>\d{2})?)?(?: ?\(.*\))?$"
)
_NUMBER = r"\d+(?:[.,]\d+)?"
_EXCEL_DAYS = (36526, 55154)  # from 2000 to 2050
_EPOCH_SECONDS = (946_684_800, 2_524_608_000)
YEAR_FIRST = "year first"  # of two digits
Spans = Sequence[tuple[date, date]]  # the first and last day of a wave, of each cohort


def read_moments(
    text: pd.Series,
    *,
    zone: tzinfo,
    written_in: tzinfo | None = None,
    form: str = "",
    spans: Spans = (),
) -> tuple[pd.Series, Problem | None]:
    """Read a column of times, whatever their form, as long as it can be known.

    Parameters
    ----------
    text : Series of str
        ISO 8601; numbers divided by dots, slashes or hyphens; names of months in Norwegian or
        English; with or without time of day (24 hours, or am and pm), offset (``+02``, ``+0200``,
        ``GMT+2``, ``UTC``, ``CEST``); serial numbers of spreadsheets and seconds since 1970 where
        a whole column can be nothing else. Blank is missing.
    zone : tzinfo
        The study's.
    written_in : tzinfo, optional
        That of the tool, for times without an offset; by default the study's.
    form : str, optional
        ``day first``, ``month first``, ``excel``, or codes of :func:`time.strptime`
        (``%d/%m/%Y %H:%M``), as study.yml declares it.
    spans : sequence of (date, date)
        First and last day of the wave, of each cohort. Where day and month cannot be told apart by
        the column itself, that reading counts which alone puts most of the times into one of them.

    Returns
    -------
    moments : Series of datetime64[us, UTC]
        Missing where the cell is blank, or could not be read. An hour that came twice is the
        first, where no offset says otherwise.
    problem : Problem or None
        What could not be read or known, with the form of such a cell, never its text; without a
        place.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> oslo = ZoneInfo("Europe/Oslo")
    >>> given = pd.Series(["2025/10/01 1:43:01 PM GMT+2", "13.10.2025 kl. 13.43.01", "2025-10-13"])
    >>> moments, problem = read_moments(given, zone=oslo)
    >>> local_times(moments, oslo).astype(str).to_list(), problem
    (['2025-10-01 13:43:01', '2025-10-13 13:43:01', '2025-10-13 00:00:00'], None)
    >>> read_moments(pd.Series(["10/11/2025"]), zone=oslo)[1].what
    'day and month that cannot be told apart'
    >>> local_times(read_moments(pd.Series(["10/15/2025"]), zone=oslo)[0], oslo)[0].date()
    datetime.date(2025, 10, 15)
    """
    codes, distinct = pd.factorize(text)
    plain = pc.utf8_trim_whitespace(pa.array(distinct, pa.large_string()))
    texts = pd.Series(plain, dtype="str")
    counts = np.bincount(codes, minlength=len(texts))
    own = written_in or zone
    filled = texts.ne("").to_numpy()
    if form and form not in (DAY_FIRST, MONTH_FIRST, EXCEL):
        read = pd.to_datetime(_spaced(texts), format=form, errors="coerce", utc="%z" in form)
        moments, problem = (read if "%z" in form else _placed(read, own)).astype(_TYPE), None
    elif filled.any() and texts[filled].str.fullmatch(_NUMBER).all():
        moments, problem = _numbers(texts, counts, own, form, spans)
    else:
        moments, problem = _written(texts, counts, own, form, spans)
    odd = filled & moments.isna().to_numpy()
    if problem is None and odd.any():
        allowed = form or "2025-09-15T10:30:00+02:00, 15.09.2025 10:30 or 9/15/2025 10:30 AM"
        problem = _not_understood(texts, counts, odd, allowed)
    read = moments.array.take(codes, allow_fill=True) if len(texts) else moments.array
    return pd.Series(read, index=text.index), problem


def local_times(moments: pd.Series, zone: tzinfo) -> pd.Series:
    """Return moments as the clocks of a zone showed them: datetime64[us] without a zone."""
    return moments.dt.tz_convert(zone).dt.tz_localize(None).astype("datetime64[us]")


def read_times(sheets: Sheets) -> Sheets:
    """Turn `submitted` into local times, and keep the moments by which sheets are put in order.

    Where study.yml names no column of `submitted`, the time that the tool itself wrote gives the
    order, if it is understood.

    Raises
    ------
    InputError
        Where the column of `submitted` is not understood, or can mean two dates.
    """
    study, raw = sheets.study, sheets.raw
    column = sheets.sources.get(names.SUBMITTED)
    text = sheets.frame.get(names.SUBMITTED)
    form = raw.time_format if raw else ""
    if text is None and raw is not None:
        roles = {role: column for column, role in raw.export.roles.items()}
        column, form = roles.get("submitted"), ""
        text = raw.export.frame[column].loc[sheets.frame.index] if column else None
    if text is None:
        return sheets
    moments, problem = read_moments(
        text,
        zone=study.zone,
        written_in=raw.export.zone(column) if raw and column else None,
        form=form,
        spans=sheets.spans,
    )
    if problem and names.SUBMITTED in sheets.frame:
        raise InputError(replace(problem, where=f"{sheets.where}, {column}"))
    if problem:
        return sheets
    if names.SUBMITTED in sheets.frame:
        local = local_times(moments, study.zone)
        sheets = replace(sheets, frame=sheets.frame.assign(**{names.SUBMITTED: local}))
    return replace(sheets, apart=moments.to_frame(MOMENT))


def seconds_taken(
    export: Export, *, zone: tzinfo, form: str, spans: Spans
) -> tuple[pd.Series | None, Problem | None]:
    """Return how long each row took to fill in, where the tool measures it.

    Parameters
    ----------
    export : Export
    zone, form, spans
        As for :func:`read_moments`, where the tool gives a start and an end.

    Returns
    -------
    seconds : Series of float, or None
        Missing where an end lies before its start, and where both are the same minute and the
        tool tells no seconds.
    problem : Problem or None
        Where the tool gives a start and an end that are not understood.
    """
    by_role = {role: column for column, role in export.roles.items()}
    for role, unit in (("milliseconds", 1000), ("seconds", 1)):
        if role in by_role:
            text = export.frame[by_role[role]].str.replace(",", ".", regex=False)
            taken = pd.to_numeric(text, errors="coerce") / unit
            return taken.where(taken >= 0), None
    if not {"started", "submitted"} <= by_role.keys():
        return None, None
    columns = [by_role["started"], by_role["submitted"]]
    times, problem = read_moments(
        # together, since a tool writes both in one form
        pd.concat([export.frame[column] for column in columns], ignore_index=True),
        zone=zone,
        written_in=export.zone(columns[1]) or export.zone(columns[0]),
        form=form,
        spans=spans,
    )
    if problem:
        return None, replace(problem, where=f"{export.name}, {' and '.join(columns)}")
    began, ended = times[: len(export.frame)], times[len(export.frame) :]
    taken = pd.Series((ended.array - began.array).total_seconds(), index=export.frame.index)
    told_in_minutes = times.dt.second.fillna(0).eq(0).all()
    return taken.where(taken > 0 if told_in_minutes else taken >= 0), None


def _spaced(texts: pd.Series) -> pd.Series:
    """Return texts with plain single blanks and plain hyphens."""
    plain = pc.replace_substring_regex(pa.array(texts, pa.large_string()), _BLANKS, " ")
    plain = pc.replace_substring(plain, "\N{MINUS SIGN}", "-")
    return pd.Series(plain, texts.index, dtype="str")


def _placed(local: pd.Series, zone: tzinfo) -> pd.Series:
    """Return the moments of local times."""
    first = np.ones(len(local), dtype=bool)
    jump = timedelta(hours=1)  # a time that a clock passed over is meant an hour later
    return local.dt.tz_localize(zone, ambiguous=first, nonexistent=jump).dt.tz_convert("UTC")


def _not_understood(texts: pd.Series, counts: np.ndarray, odd: np.ndarray, allowed: str) -> Problem:
    form = form_of(texts[odd].iloc[0], most=40)
    found = f"a cell of the form “{form}”, {counts[odd].sum()} such cells"
    todo = "correct the column of submitted in study.yml, or say how it is written: "
    todo += "submitted: {column: …, format: day first} (or month first, excel, %d/%m/%Y %H:%M)"
    return Problem("time of submission not understood", found, allowed, todo=todo)


def _numbers(
    texts: pd.Series, counts: np.ndarray, zone: tzinfo, form: str, spans: Spans
) -> tuple[pd.Series, Problem | None]:
    """Read a column of nothing but numbers: dates in digits, epochs, serials of a spreadsheet."""
    value = pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce")
    filled = value.notna()
    nothing = pd.Series(pd.NaT, index=texts.index, dtype=_TYPE)
    for unit in (1000, 1):
        seconds = value / unit
        if seconds[filled].between(*_EPOCH_SECONDS).all():
            moments = pd.to_datetime((seconds * 1000).round(), unit="ms", utc=True)
            return moments.astype(_TYPE), None
    if texts[filled].str.fullmatch(r"\d{8}").all():
        return _written(texts, counts, zone, form, spans)
    if value[filled].between(*_EXCEL_DAYS).all():
        local = pd.Timestamp("1899-12-30") + pd.to_timedelta((value * 86_400_000).round(), "ms")
        certain = value[filled].mod(1).ne(0).any()
        if form == EXCEL or certain or _share_within(local, counts, spans) > 0.5:
            return _placed(local, zone).astype(_TYPE), None
    allowed = "serial numbers of a spreadsheet, such as 45915.4375"
    return nothing, _not_understood(texts, counts, filled.to_numpy(), allowed)


def _written(
    texts: pd.Series, counts: np.ndarray, zone: tzinfo, form: str, spans: Spans
) -> tuple[pd.Series, Problem | None]:
    """Read a column of written times."""
    plain = pa.array(texts, pa.large_string())
    iso = _matches(plain, _ISO)
    read = pd.to_datetime(texts.where(iso), format="ISO8601", utc=True, errors="coerce")
    read = read.astype(_TYPE)
    local = iso & ~_matches(plain, _OFFSET)
    if local.any():
        read = read.where(~local, _placed(read.dt.tz_localize(None), zone).astype(_TYPE))
    rest = texts.ne("").to_numpy() & read.isna().to_numpy()
    if not rest.any():
        return read, None
    parts = _Parts(_spaced(texts[rest]))
    order, problem = _order(parts, counts[rest], form, spans)
    if problem is None and form != DAY_FIRST and form != MONTH_FIRST:
        problem = _half_converted(parts, read, counts, rest)
    if problem:
        return read, problem
    times = parts.local(order)
    moments = _placed(times, zone).where(
        ~parts.has_offset, (times - parts.offset).dt.tz_localize("UTC")
    )
    read = read.mask(rest, moments.reindex(texts.index).astype(_TYPE))
    return read, None


def _matches(texts: pa.Array, pattern: str) -> np.ndarray:
    found = pc.match_substring_regex(texts, pattern, ignore_case=True)
    return found.to_numpy(zero_copy_only=False).astype(bool)


class _Parts:
    """The numbers of which written times consist; what is not understood has none.

    Attributes
    ----------
    first, second, third : ndarray of float
        The numbers of a date whose order has to be known; missing where month or year are plain.
    by : Series of str
        The sign that divides them.
    offset : Series of timedelta64
        From UTC, where `has_offset`.
    """

    def __init__(self, texts: pd.Series) -> None:
        self.index = texts.index
        found = pc.extract_regex(pc.utf8_lower(pa.array(texts, pa.large_string())), _FORM)
        field = {of.name: pc.fill_null(pc.struct_field(found, of.name), "") for of in found.type}

        def numbers(name: str) -> np.ndarray:
            filled = pc.if_else(pc.equal(field[name], ""), None, field[name])
            return pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False)

        def words(name: str) -> pd.Series:
            return pd.Series(field[name], self.index, dtype="str")

        def known(*several: np.ndarray) -> np.ndarray:
            whole = several[0]
            for other in several[1:]:
                whole = np.where(np.isnan(whole), other, whole)
            return whole

        def months(name: str) -> np.ndarray:
            return words(name).str.rstrip(".").map(_MONTHS).to_numpy(dtype=float)

        self.year = known(numbers("y"), numbers("ny"), numbers("oy"))
        self.month = known(numbers("m"), months("n"), months("o"))
        self.day = known(numbers("d"), numbers("nd"), numbers("od"))
        self.first, self.second, self.third = numbers("a"), numbers("b"), numbers("c")
        self.by = words("by")
        self.short_year = words("c").str.len().eq(2).to_numpy()
        hour, half = numbers("hour"), words("half")
        twelve = half.ne("").to_numpy()
        hour = np.where(twelve & ((hour < 1) | (hour > 12)), 99, hour)
        hour = np.where(twelve, hour % 12 + 12 * half.eq("p"), hour)
        minute, second = (np.nan_to_num(numbers(name)) for name in ("minute", "second"))
        hour = np.nan_to_num(hour)
        part = np.nan_to_num(numbers("part") / 10.0 ** np.asarray(pc.utf8_length(field["part"])))
        possible = (hour < 24) & (minute < 60) & (second < 60)
        seconds = np.where(possible, hour * 3600 + minute * 60 + second + part, np.nan)
        self.of_day = pd.Series(pd.to_timedelta(np.round(seconds * 1e6), "us"), self.index)
        zone = words("zone").map(_ZONES).to_numpy(dtype=float)
        sign = np.where(words("sign").eq("-"), -1, 1)
        shift = sign * (numbers("oh") + np.nan_to_num(numbers("om")) / 60)
        hours = np.nan_to_num(zone) + np.nan_to_num(shift)
        self.has_offset = pd.Series(~(np.isnan(zone) & np.isnan(shift)), self.index)
        self.offset = pd.Series(pd.to_timedelta(hours * 60, "min"), self.index)

    def local(self, order: str) -> pd.Series:
        """Return the times, with the day, the month or a short year first where it is in doubt."""
        places = {DAY_FIRST: (2, 1, 0), MONTH_FIRST: (2, 0, 1), YEAR_FIRST: (0, 1, 2)}[order]
        doubtful = ~np.isnan(self.first)
        numbers = (self.first, self.second, self.third)
        year, month, day = (
            np.where(doubtful, numbers[place], plain)
            for place, plain in zip(places, (self.year, self.month, self.day), strict=True)
        )
        year = np.where(self.short_year, year + 2000, year)
        possible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1)
        since = np.where(possible, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
        days = since.astype("datetime64[D]") + np.where(possible, day - 1, 0).astype(
            "timedelta64[D]"
        )
        possible &= days.astype("datetime64[M]") == since  # there is no 31st of June
        dates = pd.Series(days.astype("datetime64[us]"), self.index)
        return dates.where(possible) + self.of_day

    def fits(self, order: str) -> np.ndarray:
        """Return which of the dates whose order has to be known can be read in this order."""
        month = self.first if order == MONTH_FIRST else self.second
        day = {DAY_FIRST: self.first, MONTH_FIRST: self.second}.get(order, self.third)
        fits = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
        fits &= self.short_year if order == YEAR_FIRST else True
        return fits[~np.isnan(self.first)]


def _order(
    parts: _Parts, counts: np.ndarray, form: str, spans: Spans
) -> tuple[str, Problem | None]:
    """Return what stands first in the dates of a column: the column itself or the wave tells it."""
    doubtful = ~np.isnan(parts.first)
    if form in (DAY_FIRST, MONTH_FIRST) or not doubtful.any():
        return form or DAY_FIRST, None
    short = parts.short_year[doubtful].any()
    fits = {order: parts.fits(order) for order in (DAY_FIRST, MONTH_FIRST, YEAR_FIRST)}
    some = np.any([*fits.values()], axis=0)
    orders = [order for order, fit in fits.items() if (fit | ~some).all() and fit.any()]
    if not some.any():
        return DAY_FIRST, None  # no dates at all
    # 13.10.2025: with dots and a whole year the day stands first, wherever it can
    if DAY_FIRST in orders and not short and parts.by[doubtful].eq(".").all():
        return DAY_FIRST, None
    read = {order: parts.local(order) for order in orders}
    if orders and all(times.equals(read[orders[0]]) for times in read.values()):
        return orders[0], None
    within = {o: _share_within(t[doubtful], counts[doubtful], spans) for o, t in read.items()}
    most = [order for order, share in within.items() if share > 0.5]
    if len(most) == 1:
        return most[0], None
    place = int(np.flatnonzero(doubtful)[0])
    numbers = (parts.first[place], parts.second[place], parts.third[place])
    form_seen = form_of(parts.by.iloc[place].join(str(int(number)) for number in numbers))
    found = f"“{form_seen}”, {int(counts[doubtful].sum())} such cells"
    if not orders:
        what = "days and months in different orders"
        found += "; some can only be read with the day first, others only with the month first"
    else:
        what = "day and month that cannot be told apart"
        found += ", each of which can be two dates"
    allowed = "one order, with a number above 12 or with the wave's dates to tell it by"
    todo = "say which stands first: submitted: {column: …, format: day first} (or month first) "
    todo += "in study.yml, or give the wave its dates"
    return DAY_FIRST, Problem(what, found, allowed, todo=todo)


def _share_within(times: pd.Series, counts: np.ndarray, spans: Spans) -> float:
    """Return the share of times that lie in the wave."""
    if not spans or not counts.sum():
        return 0.0
    days = times.dt.normalize()
    inside = np.any([days.between(*map(pd.Timestamp, span)) for span in spans], axis=0)
    return float(counts[inside].sum() / counts.sum())


def _half_converted(
    parts: _Parts, iso: pd.Series, counts: np.ndarray, rest: np.ndarray
) -> Problem | None:
    """Refuse a column of which a spreadsheet took some dates for dates, in another order.

    Those that it could read then have a day of 12 or less, and day and month have changed places;
    the others stay text, and every one of them has a number above 12.
    """
    doubtful = ~np.isnan(parts.first) & parts.by.ne(".").to_numpy()
    converted = iso.notna()
    if min(doubtful.sum(), converted.sum()) < 2:
        return None
    left = (parts.first[doubtful] > 12) | (parts.second[doubtful] > 12)
    if not (left.all() and iso[converted].dt.tz_convert("UTC").dt.day.le(12).all()):
        return None
    n, m = int(counts[converted.to_numpy()].sum()), int(counts[rest].sum())
    what = "dates that a spreadsheet has read in part"
    found = f"{n} cells as dates, none after the 12th of a month, and {m} cells as text"
    todo = "export the form again, and do not open it in a spreadsheet before it is put here"
    return Problem(what, found, "times of one form", todo=todo)
