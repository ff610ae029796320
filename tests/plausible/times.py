"""When a sheet was sent in, and how long it took to fill in."""

import pandas as pd

from tests.plausible import Case, case, given, study

TIMED = study(columns="{school_id: school, submitted: submitted}")
UNDATED = TIMED.replace(": {from: 2025-09-15, to: 2025-10-31}", ": {}").replace(
    ": {from: 2027-09-13, to: 2027-10-29}", ": {}"
)
AGREE, DISAGREE = "Agree;Agree;Agree", "Disagree;Disagree;Disagree"


def sheets(times: tuple[str, ...], ids: tuple[str, ...] = ("a1", "a2", "a3", "a4")) -> str:
    """Return an export with a sheet per time; the answers of the second differ."""
    rows = [
        f"101;{time};{one};{DISAGREE if place == 1 else AGREE}"
        for place, (time, one) in enumerate(zip(times, ids, strict=False))
    ]
    return "\n".join(["school;submitted;id;q1;q2;q3", *rows, ""])


def days(*times: str, on: list[str], yml: str = TIMED, **truth: object) -> Case:
    """Return the case of times on days that are known."""
    files = {"study.yml": yml, "pre.csv": sheets(times)}
    return case(files, values={"submitted": [*map(pd.Timestamp, on)]}, **truth)


def before_the_wave(time: str) -> Case:
    return case({"study.yml": TIMED, "pre.csv": sheets((time,))}, aside={"test_answer": 1})


def from_before(n: int, of: int, *, trials_from: str = "", **truth: object) -> Case:
    """Return the case of sheets of which some came on the 8th, a week before the wave."""
    times = ["2025-09-08 10:00"] * n + ["2025-09-16 10:00"] * (of - n)
    dated = TIMED.replace("from: 2025-09-15", f"from: 2025-09-15{trials_from}")
    ids = tuple(f"a{place}" for place in range(of))
    return case({"study.yml": dated, "pre.csv": sheets(tuple(times), ids)}, **truth)


def refused(*times: str, says: str, yml: str = UNDATED) -> Case:
    """Return the case of times that cannot be known; none of them is printed."""
    files = {"study.yml": yml, "pre.csv": sheets(times)}
    return case(files, stops=True, says=(says,), hides=times)


def declared(form: str, yml: str = UNDATED) -> str:
    """Return a study that says how its times are written."""
    column = f'submitted: {{column: submitted, format: "{form}"}}'
    return yml.replace("submitted: submitted", column)


def twice(*times: str, counts: list[int], yml: str = TIMED, **truth: object) -> Case:
    """Return the case of one person's sheets, of which one counts."""
    files = {"study.yml": yml, "pre.csv": sheets(times, ids=("a1",) * len(times))}
    return case(files, values={"joy_1": counts}, aside={"duplicate": len(times) - 1}, **truth)


def took(start: str, end: str, *, careless: str, head: str = "Starttidspunkt;Fullføringstidspunkt"):
    """Return the case of a sheet of three items that took from start to end."""
    text = f"ID;{head};E-post;Navn;school;kode;q1;q2;q3\n1;{start};{end};anonymous;;101;a1;4;4;4\n"
    yml = study("pre: {tool: msforms, file: pre.csv}", link="{by: id, column: kode}")
    return case({"study.yml": yml, "pre.csv": text}, values={"careless": [careless]})


def of_qualtrics(zone: str, **truth: object) -> Case:
    """Return the case of a sheet that was sent in at 17 on the 14th, in a zone of its own."""
    ids = ",".join(
        f'"{{""ImportId"":""{name}"",""timeZone"":""{zone}""}}"'
        for name in ("startDate", "endDate")
    )
    rest = ",".join(f'"{{""ImportId"":""QID{n}""}}"' for n in range(6))
    text = (
        "StartDate,EndDate,ResponseId,school,id,q1,q2,q3\nStart,End,Response,School,Id,A,B,C\n"
        f"{ids},{rest}\n2025-09-14 16:30:00,2025-09-14 17:00:00,R_1,101,a1,4,4,4\n"
    )
    yml = study(
        "pre: {tool: qualtrics, file: pre.csv}", columns="{school_id: school, submitted: EndDate}"
    )
    return case({"study.yml": yml, "pre.csv": text}, **truth)


def of_kobo(end: str, *, on: str = "", column: str = "end", careless: str | None = None) -> Case:
    """Return the case of a sheet begun at ten on the 20th and sent at 22:30 UTC on the 22nd."""
    yml = study(
        "pre: {tool: kobo, file: pre.csv}",
        columns=f"{{school_id: school, submitted: {column}}}" if on else "{school_id: school}",
    )
    text = (
        "start,end,school,id,q1,q2,q3,_id,_uuid,_submission_time\n"
        f"2025-09-20T10:00:00.000+02:00,{end},101,a1,4,4,4,1,u,2025-09-22T22:30:00\n"
    )
    values = {"submitted": [pd.Timestamp(on)]} if on else {}
    values |= {"careless": [careless]} if careless is not None else {}
    return case({"study.yml": yml, "pre.csv": text}, values=values)


SAME_DAY = (
    "2025/10/01 1:43:01 PM GMT+2",
    "2025/10/01 1:43:01 PM EEST",
    "01.10.2025 kl. 13.43.01",
    "1.10.2025, 13:43",
    "1. oktober 2025 13:43",
    "1 okt 2025",
    "Oct 1, 2025 1:43:01\u202fPM",
    "Wed Oct 01 2025 13:43:01 GMT+0200 (Central European Summer Time)",
    "01-OCT-2025 13:43:01",
    "01OCT2025:13:43:01",
    "onsdag 1. okt. 2025 kl. 13:43",
    "20251001T114301Z",
    "2025-10-01 13:43:01 +02:00",
    "2025-10-01T11:43:01.123Z",
    "2025-10-01 11:43 UTC",
    "45931.57154",
    "45931,57154",
    "45931",
    "1759318981",
    "1759318981000",
)
DENVER = {"submitted": [pd.Timestamp("2025-09-15")]}
SUMMER, WINTER = "2025-10-26T02:50:00+02:00", "2025-10-26T02:10:00+01:00"
FIRST_OF_TWO = UNDATED.replace("    files:", "    duplicates: first\n    files:")
TWO_LIMESURVEY = (
    "id,submitdate,lastpage,startlanguage,school,id2,q1,q2,q3\n"
    "2,2025-10-15 13:00:00,3,nb,101,a1,5,5,5\n"
    "1,2025-10-13 09:00:00,3,nb,101,a1,2,2,2\n"
)
OF_LIMESURVEY = study("pre: {tool: limesurvey, file: pre.csv}", link="{by: id, column: id2}")

KINDS = {
    "a first day that is a week late": {
        "many": from_before(
            6, 40, stops=True, says=(
                "many answers from before the wave's first day",
                "6 of 40 (15%): 2025-09-08; all of them: 2025-09-08 to 2025-09-16",
                "2025-09-15 to 2025-10-31; earlier ones are trials, 5 or 10% at most",
                "since when the form was tried out: trials_from: 2025-09-08",
            ),
        ),
        "most, told once": from_before(
            30, 40, stops=True, says=("1 problem:", "30 of 40 (75%)"),
        ),
        "a handful": from_before(5, 40, aside={"test_answer": 5}),
        "few of many": from_before(6, 120, aside={"test_answer": 6}),
        "trials that are declared": from_before(
            6, 40, trials_from=", trials_from: 2025-09-08", aside={"test_answer": 6}
        ),
        "declared since a later day": from_before(
            6, 40, trials_from=", trials_from: 2025-09-09", stops=True, says=("6 of 40",)
        ),
        "declared since the wave's own day": from_before(
            6, 40, trials_from=", trials_from: 2025-09-15", stops=True,
            says=("trials that are not before their wave",),
        ),
    },
    "an offset that is written otherwise": {
        "given": given(
            "offset_hours", aside={}, values={"submitted": [pd.Timestamp("2025-09-15")] * 2}
        ),
        "no colon": days("2025-09-15T10:30:00+0200", on=["2025-09-15"]),
        "the day before, here": before_the_wave("2025-09-15 01:30:00+09:00"),
        "the next day, here": days("2025-09-19T23:30:00Z", on=["2025-09-20"]),
        "one with and one without": days(
            "2025-09-19T23:30:00+00", "2025-09-19 23:30", on=["2025-09-20", "2025-09-19"]
        ),
        "a study elsewhere": days(
            "2025-09-19T23:30:00+02:00", on=["2025-09-20"],
            yml="timezone: Pacific/Auckland\n" + TIMED,
        ),
        "a zone that is none": refused(
            "2025-09-19", says="did you mean Europe/Oslo?", yml="timezone: Europe/Olso\n" + TIMED
        ),
    },
    "the tool's own time zone": {
        "denver": of_qualtrics("America/Denver", values=DENVER, aside={}),
        "los angeles": of_qualtrics("America/Los_Angeles", values=DENVER, aside={}),
        "kobo": case(
            {
                "study.yml": study(
                    "pre: {tool: kobo, file: pre.csv}",
                    columns="{school_id: school, submitted: _submission_time}",
                ),
                "pre.csv": "school,id,q1,q2,q3,_id,_uuid,_submission_time\n"
                "101,a1,4,4,4,1,u,2025-09-14T22:30:00\n",
            },
            values=DENVER, aside={},
        ),
        "kobo, the end": of_kobo("2025-09-20T23:30:00.000+02:00", on="2025-09-20", careless=""),
        "kobo, the upload": of_kobo(
            "2025-09-20T23:30:00.000+02:00", on="2025-09-23", column="_submission_time"
        ),
        "utc": of_qualtrics("UTC", aside={"test_answer": 1}),
        "z": of_qualtrics("Z", aside={"test_answer": 1}),
        "sydney": of_qualtrics("Australia/Sydney", aside={"test_answer": 1}),
    },
    "a form of times": {
        "given": given(
            "google_forms_1", aside={}, values={"submitted": [pd.Timestamp("2025-10-01")] * 3}
        ),
        **{time: days(time, on=["2025-10-01"]) for time in SAME_DAY},
    },
    "day and month in an order of their own": {
        "one that settles it": days(
            "10/11/2025", "10/15/2025", on=["2025-10-11", "2025-10-15"], yml=UNDATED
        ),
        "the other one": days(
            "11/10/2025 9:05", "15/10/2025 13:00", on=["2025-10-11", "2025-10-15"], yml=UNDATED
        ),
        "hyphens": days("11-10-2025", "15-10-2025", on=["2025-10-11", "2025-10-15"], yml=UNDATED),
        "two digits of a year": days(
            "9/11/25 1:43 PM", "9/30/25 1:43 PM", on=["2025-09-11", "2025-09-30"],
            yml=TIMED.replace("2025-09-15", "2025-09-01"),
        ),
        "dots": days("11.10.2025", "01.10.2025", on=["2025-10-11", "2025-10-01"], yml=UNDATED),
        "the wave settles it": days(
            "10/01/2025", "10/02/2025", on=["2025-10-01", "2025-10-02"], aside={}
        ),
        "nothing settles it": refused(
            "10/01/2025", "10/02/2025", says="day and month that cannot be told apart"
        ),
        "two orders": refused(
            "10/15/2025", "15/10/2025", says="days and months in different orders"
        ),
        "declared with words": days(
            "10/01/2025 9:05", on=["2025-10-01"], yml=declared("month first")
        ),
        "declared with codes": days(
            "2025, 1 Oct (09h05)", on=["2025-10-01"], yml=declared("%Y, %d %b (%Hh%M)")
        ),
        "declared wrongly": refused(
            "10/01/2025", says="format of times not understood", yml=declared("dd/mm")
        ),
        "two digits and no wave": refused("20.09.25 10:00", says="cannot be told apart"),
        "half of them were dates": refused(
            "2025-01-10T13:00:00", "2025-02-10T13:00:00", "10/15/2025 13:00", "10/16/2025 13:00",
            says="dates that a spreadsheet has read in part",
        ),
        "free text": refused("in the morning", says="“aa aaa aaaaaaa”, 1 such cells"),
    },
    "the later of two sheets": {
        "given": given("dst_latest", values={"joy_1": [2]}, aside={"duplicate": 1}),
        "the other order": twice(WINTER, SUMMER, counts=[4]),
        "in utc": twice("2025-10-26T00:50:00Z", "2025-10-26T01:10:00Z", counts=[2]),
        "two offsets": twice("2025-10-01T10:30:00+02:00", "2025-10-01T09:00:00Z", counts=[2]),
        "month first": twice("10/15/2025 13:00", "10/13/2025 09:00", counts=[4], yml=UNDATED),
        "am and pm": twice("10/15/2025 1:00 PM", "10/15/2025 11:00 AM", counts=[4]),
        "the first": twice("2025-10-15 13:00", "2025-10-13 09:00", counts=[2], yml=FIRST_OF_TWO),
        "the same time": twice(
            "2025-10-15", "2025-10-15", counts=[2], says=("that no time tells apart",)
        ),
    },
    "the later sheet without a column of times": {
        "given": given("latest_without_time", values={"joy_1": [5, 4]}, aside={"duplicate": 1}),
        "the tool's own time": case(
            {"study.yml": OF_LIMESURVEY, "pre.csv": TWO_LIMESURVEY},
            values={"joy_1": [5]}, aside={"duplicate": 1},
        ),
        "no time at all": case(
            {"pre.csv": f"school;id;q1;q2;q3\n101;a1;{AGREE}\n101;a1;{DISAGREE}\n"},
            stops=True, says=("no time to tell the latest questionnaire by",), hides=("a1",),
        ),
        "no time for the first": case(
            {"study.yml": study(more="    duplicates: first"),
             "pre.csv": f"school;id;q1;q2;q3\n101;a1;{AGREE}\n101;a1;{DISAGREE}\n"},
            stops=True, says=("no time to tell the first questionnaire by",),
        ),
        "the most complete": case(
            {"study.yml": study(more="    duplicates: most_complete"),
             "pre.csv": f"school;id;q1;q2;q3\n101;a1;{AGREE}\n101;a1;Disagree;;\n"},
            values={"joy_1": [4]}, aside={"duplicate": 1},
        ),
        "nobody twice": case(
            {"pre.csv": f"school;id;q1;q2;q3\n101;a1;{AGREE}\n101;a2;{DISAGREE}\n"},
            values={"joy_1": [4, 2]}, aside={},
        ),
        "a time of the tool that can be two": case(
            {"study.yml": OF_LIMESURVEY.replace("{from: 2025-09-15, to: 2025-10-31}", "{}")
             .replace("{from: 2027-09-13, to: 2027-10-29}", "{}"),
             "pre.csv": TWO_LIMESURVEY.replace("2025-10-15 13", "10/11/2025 13")
             .replace("2025-10-13 09", "10/12/2025 09")},
            stops=True, says=("no time to tell the latest questionnaire by",),
        ),
    },
    "how long a sheet took": {
        "given": given(
            "msforms_csv_no_dates", values={"careless": ["fast", ""]}, aside={}
        ),
        "am and pm": took("9/20/25 11:59:59 AM", "9/20/25 12:00:01 PM", careless="fast"),
        "slashes": took("9/20/2025 10:00:00", "9/20/2025 10:00:02", careless="fast"),
        "klokken": took("20.09.2025 kl. 10.00.00", "20.09.2025 kl. 10.05.02", careless=""),
        "serial numbers": took("45920.5", "45920.50001", careless="fast"),
        "an end before the start": took("2025-09-20 10:00:02", "2025-09-20 10:00:01", careless=""),
        "kobo": of_kobo("2025-09-20T10:00:02.000+02:00", careless="fast"),
        "kobo, sent days later": of_kobo("2025-09-20T10:05:00.000+02:00", careless=""),
        "minutes only": took("20.09.2025 10:00", "20.09.2025 10:00", careless=""),
        "over the doubled hour": took(SUMMER, WINTER, careless=""),
    },
}  # fmt: skip
