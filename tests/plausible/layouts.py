"""What a file holds: several waves, several populations, a part of a wave."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pandas as pd
import pyreadstat

from tests.plausible import INSTRUMENT, case, given, study

LONG_STUDY = study("file: l.csv", "wave: {column: event, values: {pre: [before], post: [after]}}")
HEAD = "id,event,school,q1,q2,q3\n"
TWICE = (
    "a1,before,101,Disagree,Disagree,Agree\n"
    "a1,after,101,Agree,Agree,Agree\n"
    "a2,before,102,Neutral,Neutral,Neutral\n"
    "a2,after,102,Agree,Neutral,Agree\n"
)
READ = {"joy_1": [2, 4, 3, 4], "wave": ["pre", "post", "pre", "post"]}


def sav(frame: pd.DataFrame, labels: dict | None = None) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sav"
        pyreadstat.write_sav(frame, path, variable_value_labels=labels or {})
        return path.read_bytes()


LABELLED = pd.DataFrame(
    {
        "id": ["a1", "a1", "a2", "a2"],
        "tid": [1.0, 2.0, 1.0, 2.0],
        "school": ["101", "101", "102", "102"],
        "q1": ["Disagree", "Agree", "Neutral", "Agree"],
        "q2": ["Disagree", "Agree", "Neutral", "Neutral"],
        "q3": ["Agree", "Agree", "Neutral", "Agree"],
    }
)


def long(text: str, *files: str, **truth: object):
    """Return the case of a file with a row per person and wave."""
    return case({"l.csv": text, "study.yml": study(*files) if files else LONG_STUDY}, **truth)


def with_only(text: str, only: str = "only: {column: who, values: [pupil]}", **truth: object):
    """Return the case of one population of a file that holds others."""
    files = study(f"pre: {{file: p.csv, {only}}}")
    return case({"p.csv": text, "study.yml": files}, **truth)


WHO = "id,school,who,q1,q2,q3\na1,101,pupil,Agree,Agree,Agree\nt1,101,teacher,Neutral,Agree,Agree\n"
TEACHERS = """\
  teachers:
    instrument: mini
    columns: {school_id: school}
    link: {by: id, column: id}
    files: {pre: {file: p.csv, only: {column: Who, values: [teacher, head]}}}
"""
PART = "school;id;q1;q2;q3\n"
NORTH, SOUTH = PART + "101;a1;Agree;Agree;Agree\n", PART + "103;a3;Neutral;Agree;Agree\n"
LIST = ("pre: [{file: n.csv}, {file: s.csv}]", "post: {file: post.csv}")
POST = PART + "101;a1;Disagree;Agree;Agree\n103;a3;Agree;Agree;Agree\n"


def parts(*files: str, north=NORTH, south=SOUTH, post=POST, more="", top="", **truth: object):
    """Return the case of a wave in two files."""
    texts = {"n.csv": north, "s.csv": south, "post.csv": post}
    return case({**texts, "study.yml": study(*(files or LIST), more=more, top=top)}, **truth)


LATER = INSTRUMENT.rstrip() + "\n      joy_4: {en: I like maps, columns: [q4], waves: [post]}\n"
LATER_PRE = "school;id;q1;q2;q3\n101;a1;Agree;Agree;Agree\n"
LATER_POST = "school;id;q1;q2;q3;q4\n101;a1;Strongly agree;Agree;Agree;Strongly agree\n"


def asked_later(instrument=LATER, pre=LATER_PRE, post=LATER_POST, **truth: object):
    """Return the case of an item that is asked after, and not before."""
    files = {"pre.csv": pre, "post.csv": post, "instruments/mini.yml": instrument}
    about = study("pre: {file: pre.csv}", "post: {file: post.csv}")
    return case({**files, "study.yml": about}, **truth)


HOW_OFTEN = ["daily", "never"] * 3


OWN = "    values: {own: {}}"  # a background column whose texts stay


def headed(heading, cells, expected=None, more=OWN, **truth: object):
    """Return the case of a background column `own` with six cells."""
    rows = "".join(f"101;p{n};{c};Agree;Agree;Agree\n" for n, c in enumerate(cells.split(";")))
    about = study("pre: {file: p.csv}", columns=f"{{school_id: school, own: {heading}}}", more=more)
    truth |= {"values": {"own": expected}} if expected else {}
    says = ("a background column that holds direct identifiers",) if truth.get("stops") else ()
    files = {"p.csv": f"school;id;{heading};q1;q2;q3\n{rows}", "study.yml": about}
    return case(files, says=says, **truth)


def told(headings, cells, **truth: object):
    """Return the case of columns that are not used."""
    files = {"pre.csv": f"school;id;q1;q2;q3;{headings}\n101;a1;Agree;Agree;Agree;{cells}\n"}
    return case({**files, "study.yml": study("pre: {file: pre.csv}")}, **truth)


def consented(*answers, **truth: object):
    """Return the case of answers to consent."""
    rows = "".join(f"101;a{n};{text};Agree;Agree;Agree\n" for n, text in enumerate(answers))
    about = study("pre: {file: pre.csv}", more="    consent: {column: ok, yes: Ja}")
    return case({"pre.csv": f"school;id;ok;q1;q2;q3\n{rows}", "study.yml": about}, **truth)


SIDES = 'file: both.csv, pre: "Pre.{}", post: "Post.{}"'
SIDE_HEAD = "school,Pre.q1,Pre.q2,Pre.q3,Post.q1,Post.q2,Post.q3\n"
SIDE_ROWS = (
    "101,Disagree,Disagree,Agree,Agree,Agree,Agree\n"
    "102,Neutral,Neutral,Neutral,Agree,Neutral,Agree\n"
)
GRADED = SIDE_HEAD.replace("school", "school,trinn")


def side_by_side(
    text: str = SIDE_HEAD + SIDE_ROWS,
    files: str = f"{{{SIDES}}}",
    columns: str = "{school_id: school}",
    more: dict[str, str] | None = None,
    **truth: object,
):
    """Return the case of a file whose rows hold both waves of a person, and no id."""
    described = study(files, link="{by: row}", columns=columns)
    return case({"both.csv": text, "study.yml": described, **(more or {})}, **truth)


KINDS = {
    "both waves of a person in a row": {
        "no id": side_by_side(values=READ, linked=2),
        "one wave is empty": side_by_side(
            SIDE_HEAD + SIDE_ROWS + "101,Agree,Agree,Agree,,,\n",
            values={"joy_1": [2, 4, 4, 3, 4]},
            linked=2,
        ),
        "in two files": side_by_side(
            files=f"[{{{SIDES}}}, {{{SIDES.replace('both', 'more')}}}]",
            more={"more.csv": SIDE_HEAD + "101,Agree,Agree,Agree,Agree,Agree,Agree\n"},
            linked=3,
        ),
        "in a file each": side_by_side(
            files="pre: {file: both.csv}",
            stops=True,
            says=("linked by row, and a file that holds no waves side by side", "both.csv"),
        ),
        "one file holds one wave": side_by_side(
            files=f"[{{{SIDES}}}, {{file: more.csv, post: 'Post.{{}}'}}]",
            more={"more.csv": SIDE_HEAD + SIDE_ROWS.replace("Neutral", "Agree")},
            stops=True,
            says=("linked by row, and a file that holds no waves side by side", "more.csv"),
        ),
        "one grade, two years apart": side_by_side(
            GRADED + SIDE_ROWS.replace("101,", "101,7,").replace("102,", "102,6,"),
            columns="{school_id: school, grade: trinn}",
            stops=True,
            says=("one column of grade for several waves", "trinn, of waves 2 school years apart"),
        ),
        "a grade of each wave": side_by_side(
            SIDE_HEAD.replace("school,", "school,Pre.trinn,Post.trinn,")
            + SIDE_ROWS.replace("101,", "101,7,9,").replace("102,", "102,6,8,"),
            columns="{school_id: school, grade: trinn}",
            values={"grade": [7, 9, 6, 8]},
            linked=2,
        ),
    },
    "a row per person and wave": {
        "given": given(
            "long_format",
            {"study.yml": LONG_STUDY},
            values={"joy_1": [4] * 6, "joy_3": [5] * 6},
            linked=3,
            aside={},
        ),
        "given, not told": given(
            "long_format",
            stops=True,
            says=(
                "one export for two waves",
                "wave: {column: event, values: {pre: […], post: […]}}",
            ),
        ),
        "one wave of it named": long(
            HEAD + TWICE,
            "pre: {file: l.csv}",
            stops=True,
            says=("a column that tells waves apart", "“after” 2, “before” 2"),
            hides=("a1",),
        ),
        "one wave of it named, by numbers": long(
            (HEAD + TWICE).replace("event", "Bølge").replace("before", "1").replace("after", "2"),
            "pre: {file: l.csv}",
            stops=True,
            says=("a column that tells waves apart", "Bølge"),
        ),
        "blank cells before": long(
            (HEAD + TWICE).replace("before", ""),
            "file: l.csv",
            "wave: {column: event, values: {pre: blank, post: after}}",
            values=READ,
            linked=2,
        ),
        "semicolons, utf-16 and capitals": case(
            {
                "l.csv": (HEAD + TWICE)
                .replace(",", ";")
                .replace("before", "BEFORE")
                .encode("utf-16"),
                "study.yml": LONG_STUDY,
            },
            values=READ,
            linked=2,
        ),
        "each wave for itself": long(
            HEAD + TWICE,
            "pre: {file: l.csv, wave: {column: Event, values: before}}",
            "post: {file: l.csv, wave: {column: event, values: [after, later]}}",
            values=READ,
            linked=2,
        ),
        "as rows of each wave": long(
            HEAD + TWICE,
            "pre: {file: l.csv, only: {column: event, values: before}}",
            "post: {file: l.csv, only: {column: event, values: after}}",
            values=READ,
            linked=2,
        ),
        "Norwegian words in cp1252": long(
            (HEAD + TWICE).replace("before", "Før").replace("after", "Etter").encode("cp1252"),
            "file: l.csv",
            "wave: {column: EVENT, values: {pre: før, post: etter}}",
            values=READ,
            linked=2,
        ),
        "labels of a data file": case(
            {
                "l.sav": sav(LABELLED, {"tid": {1: "Før", 2: "Etter"}}),
                "study.yml": study(
                    "file: l.sav", "wave: {column: tid, values: {pre: [Før], post: [Etter]}}"
                ),
            },
            values=READ,
            linked=2,
        ),
        "numbers of a data file": case(
            {
                "l.sav": sav(LABELLED),
                "study.yml": study("file: l.sav", "wave: {column: tid, values: {pre: 1, post: 2}}"),
            },
            values=READ,
            linked=2,
        ),
        "numbers with decimals": long(
            (HEAD + TWICE).replace("before", "1.0").replace("after", "2.0"),
            "file: l.csv",
            "wave: {column: event, values: {pre: 1, post: 2}}",
            values=READ,
            linked=2,
        ),
        "events of REDCap": long(
            (HEAD + "a3,enrol_arm_1,103,,,\n" + TWICE)
            .replace("event", "redcap_event_name")
            .replace("before", "baseline_arm_1")
            .replace("after", "followup_arm_1"),
            "file: l.csv",
            "wave: {column: redcap_event_name, "
            "values: {pre: [baseline_arm_1], post: [followup_arm_1]}}",
            values=READ,
            linked=2,
            says=("rows of no wave", "1 of 5 rows; redcap_event_name: “enrol_arm_1” 1"),
        ),
        "another wave and blank cells": long(
            HEAD + TWICE + "a3,during,103,Agree,Agree,Agree\na4,,103,Agree,Agree,Agree\n,,,,,\n",
            values=READ,
            linked=2,
            says=("warning: rows of no wave", "2 of 6 rows; event: blank 1, “during” 1"),
            hides=("a3", "a4"),
        ),
        "no row of a wave": long(
            (HEAD + TWICE).replace("after", "then"),
            stops=True,
            says=("no row of post", "“then” 2"),
        ),
        "a column of ids": long(
            HEAD + TWICE,
            "file: l.csv",
            "wave: {column: id, values: {pre: [before], post: [after]}}",
            stops=True,
            says=("ids or codes that should tell rows apart",),
            hides=("a1",),
        ),
        "no such column": long(
            HEAD + TWICE,
            "file: l.csv",
            "wave: {column: evnt, values: {pre: [before], post: [after]}}",
            stops=True,
            says=("column not found", "the nearest heading is “event”"),
        ),
        "one text for two waves": long(
            HEAD + TWICE,
            "file: l.csv",
            "wave: {column: event, values: {pre: [before, after], post: [After]}}",
            stops=True,
            says=("one text for two waves",),
        ),
        "a correction by its row": case(
            {
                "l.csv": HEAD + TWICE,
                "fix.csv": "row,column,from,to\n5,joy_1,Agree,Disagree\n",
                "study.yml": study(
                    "file: l.csv",
                    "wave: {column: event, values: {pre: [before], post: [after]}}",
                    top="corrections: fix.csv",
                ),
            },
            values={"joy_1": [2, 4, 3, 2]},
        ),
        "two files, each with both waves": case(
            {
                "n.csv": HEAD + TWICE,
                "s.csv": (HEAD + TWICE).replace("a1", "b1").replace("a2", "b2").replace(",", ";"),
                "study.yml": study(
                    "- {file: n.csv, wave: {column: event, values: {pre: before, post: after}}}",
                    "- {file: s.csv, wave: {column: event, values: {pre: before, post: after}}}",
                ),
            },
            values={"joy_1": [2, 2, 4, 4, 3, 3, 4, 4]},
            linked=4,
        ),
    },
    "several populations in one file": {
        "given": given(
            "two_populations",
            {"study.yml": study("pre: {file: p.csv, only: {column: who, values: [pupil]}}")},
            values={"joy_1": [4]},
            aside={},
            says=("warning: rows of no population", "“teacher” 1"),
        ),
        "given, not told": given(
            "two_populations",
            stops=True,
            says=("a column that tells populations apart", "only: {column: who, values: [pupil]}"),
        ),
        "not told, but known to be so": with_only(
            WHO,
            "only: {column: who, values: [pupil, teacher]}",
            values={"joy_1": [4, 3]},
        ),
        "not told, in a data file": case(
            {
                "p.sav": sav(LABELLED, {"tid": {1: "Elev", 2: "Lærer"}}),
                "study.yml": study("pre: {file: p.sav}"),
            },
            stops=True,
            says=("a column that tells populations apart", "“Elev” 2, “Lærer” 2"),
        ),
        "an answer that sounds like it": case(
            {
                "p.csv": "id,school,helper,q1,q2,q3\na1,101,teacher,Agree,Agree,Agree\n"
                "a2,101,nobody,Agree,Agree,Agree\na3,101,pupil,Agree,Agree,Agree\n",
                "study.yml": study("pre: {file: p.csv}"),
            },
            says=("a column that tells populations apart", "“nobody” 1"),
            values={"joy_1": [4, 4, 4]},
        ),
        "both described": case(
            {
                "p.csv": WHO,
                "study.yml": study("pre: {file: p.csv, only: {column: who, values: pupil}}")
                + TEACHERS,
            },
            values={"joy_1": [4]},
            says=("rows of others are left out", "“teacher” 1 (teachers)"),
        ),
        "a new kind": case(
            {
                "p.csv": WHO + "x1,101,caretaker,Agree,Agree,Agree\n",
                "study.yml": study("pre: {file: p.csv, only: {column: who, values: pupil}}")
                + TEACHERS,
            },
            says=("warning: rows of no population", "1 of 3 rows; who: “caretaker” 1"),
            hides=("x1",),
        ),
        "tabs and Norwegian": with_only(
            WHO.replace(",", "\t").replace("pupil", "Elev").replace("teacher", "Lærer"),
            "only: {column: who, values: [elev]}",
            values={"joy_1": [4]},
        ),
        "labels of a data file": case(
            {
                "p.sav": sav(
                    LABELLED.assign(id=["a1", "t1", "a2", "t2"]),
                    {"tid": {1: "Elev", 2: "Lærer"}},
                ),
                "study.yml": study("pre: {file: p.sav, only: {column: tid, values: Elev}}"),
            },
            values={"joy_1": [2, 3]},
            says=("“Lærer” 2",),
        ),
        "codes in a workbook's text": with_only(
            WHO.replace("pupil", "1.0").replace("teacher", "2.0"),
            "only: {column: who, values: 1}",
            values={"joy_1": [4]},
        ),
        "one text for two populations": case(
            {
                "p.csv": WHO,
                "study.yml": study(
                    "pre: {file: p.csv, only: {column: who, values: [pupil, teacher]}}"
                )
                + TEACHERS,
            },
            stops=True,
            says=("one export for two waves or populations",),
        ),
        "waves and populations": case(
            {
                "l.csv": "id,who,event,school,q1,q2,q3\n"
                "a1,pupil,1,101,Disagree,Agree,Agree\n"
                "a1,pupil,2,101,Agree,Agree,Agree\n"
                "t1,teacher,1,101,Neutral,Agree,Agree\n"
                "t1,teacher,2,101,Neutral,Agree,Agree\n",
                "study.yml": study(
                    "file: l.csv",
                    "only: {column: who, values: pupil}",
                    "wave: {column: event, values: {pre: 1, post: 2}}",
                ),
            },
            values={"joy_1": [2, 4]},
            linked=1,
        ),
    },
    "several files of one wave": {
        "two files": parts(values={"joy_1": [4, 2, 3, 4]}, linked=2, aside={}),
        "other tools and encodings": parts(
            north=NORTH.replace(";", ",").encode("utf-16"),
            south="school\tid\ts1\ts2\ts3\n103\ta3\tNeutral\tAgree\tAgree\n",
            values={"joy_1": [4, 2, 3, 4]},
            linked=2,
        ).but(**{"instruments/mini.yml": re.sub(r"\[q(\d)\]", r"[q\1, s\1]", INSTRUMENT)}),
        "a form for each language": parts(
            "pre: [{file: n.csv}, {file: s.csv, columns: {school_id: Skule, link: Kode}}]",
            "post: {file: post.csv}",
            south="Skule;Kode;q1;q2;q3\n103;a3;Neutral;Agree;Agree\n",
            values={"joy_1": [4, 2, 3, 4]},
            linked=2,
        ),
        "a person in both": parts(
            south=SOUTH + "101;a1;Disagree;Agree;Agree\n",
            more="    duplicates: most_complete",
            values={"joy_1": [2, 2, 3, 4]},
            aside={"duplicate": 1},
            linked=2,
            says=("questionnaires of one person that no time tells apart",),
        ),
        "a person in both, and no time to tell the first by": parts(
            south=SOUTH + "101;a1;Disagree;Agree;Agree\n",
            more="    duplicates: first",
            stops=True,
            says=("no time to tell the first questionnaire by",),
        ),
        "a correction in one of them": parts(
            top="corrections: fix.csv",
            values={"joy_1": [4, 2, 5, 4]},
        ).but(fix_csv="id,wave,column,from,to\na3,pre,joy_1,Neutral,Strongly agree\n"),
        "a row of one of them": parts(
            top="corrections: fix.csv",
            values={"joy_1": [4, 2, 5, 4]},
        ).but(fix_csv="file,row,column,from,to\ns.csv,2,joy_1,Neutral,Strongly agree\n"),
        "a row of either": parts(
            top="corrections: fix.csv",
            stops=True,
            says=("a row number that may be of several exports",),
        ).but(fix_csv="wave,row,column,from,to\npre,2,joy_1,Neutral,Strongly agree\n"),
        "a withdrawal": parts(
            top="withdrawn: gone.csv",
            values={"joy_1": [4, 2]},
            aside={"withdrawn": 2},
        ).but(gone_csv="id\na3\n"),
        "a chain of forms in each": parts(
            "pre:",
            "  - {file: n.csv, then: {file: n2.csv, reference: ref, serial: nr}}",
            "  - {file: s.csv, then: {file: s2.csv, reference: ref, serial: nr}}",
            "post: {file: post.csv}",
            north="nr;school;id\n1;101;a1\n",
            south="nr;school;id\n1;103;a3\n",
            values={"joy_1": [4, 2, 3, 4]},
            linked=2,
        ).but(
            n2_csv="ref;q1;q2;q3\n1;Agree;Agree;Agree\n",
            s2_csv="ref;q1;q2;q3\n1;Neutral;Agree;Agree\n",
        ),
        "a reservation, and consent, in each": parts(
            more="    consent: {column: ok, yes: Ja, opt_out: out.csv}",
            north="school;id;ok;q1;q2;q3\n101;a1;Ja;Agree;Agree;Agree\n101;a2;Nei;Agree;;\n",
            south="school;id;ok;q1;q2;q3\n103;a3;ja;Neutral;Agree;Agree\n103;a4;Ja;Agree;;\n",
            post=POST.replace("id;", "id;ok;").replace("a1;", "a1;Ja;").replace("a3;", "a3;Ja;"),
            values={"joy_1": [4, 2, 3, 4]},
            aside={"no_consent": 1, "opted_out": 1},
            linked=2,
        ).but(out_csv="id\na4\n"),
        "the same file twice": parts(
            "pre: [{file: n.csv}, {file: n.csv}]",
            stops=True,
            says=("one export for two waves or populations",),
        ),
        "one of them is missing": parts(
            "pre: [{file: n.csv}, {file: east.csv}]",
            stops=True,
            says=("export is missing", "east.csv"),
        ),
        "an empty list": parts("pre: []", stops=True, says=("a wave without a file",)),
    },
    "items of some waves": {
        "one more after": asked_later(
            values={"joy": [4, 4.5], "joy_4": [None, 5], "joy_3": [4, 4]},
            says=(
                "scale joy has other items in one wave than in another",
                "pre: at least 2 of joy_1, joy_2, joy_3; "
                "post: at least 2 of joy_1, joy_2, joy_3, joy_4",
            ),
            linked=1,
        ),
        "all of those that are asked": asked_later(
            instrument=LATER.replace("minimum: half", "minimum: all"),
            values={"joy": [4, 4.5]},
        ),
        "too few of those that are asked": asked_later(
            post=LATER_POST.replace("Strongly agree;Agree;Agree;Strongly agree", "Agree;;;"),
            values={"joy": [4, None]},
        ),
        "its column stands in the other wave too": asked_later(
            pre=LATER_PRE.replace("q3", "q3;q4").replace("Agree\n", "Agree;Disagree\n"),
            values={"joy": [4, 4.5], "joy_4": [None, 5]},
        ),
        "in a file with a row per person and wave": case(
            {
                "l.csv": "id,event,school,q1,q2,q3,q4\n"
                "a1,1,101,Agree,Agree,Agree,\na1,2,101,Agree,Agree,Agree,Strongly agree\n",
                "instruments/mini.yml": LATER,
                "study.yml": study(
                    "file: l.csv", "wave: {column: event, values: {pre: 1, post: 2}}"
                ),
            },
            values={"joy": [4, 4.25]},
        ),
        "a wave that the scale is not asked in": asked_later(
            instrument=LATER.replace("    minimum", "    waves: [pre]\n    minimum"),
            stops=True,
            says=("an item asked in waves without its scale joy",),
        ),
        "more needed than asked": asked_later(
            instrument=LATER.replace("minimum: half", "minimum: 4"),
            stops=True,
            says=("minimum of scale joy is more than its items in pre",),
        ),
    },
    "columns headed as identifiers": {
        "how often": headed("email", "daily;never;daily;never;daily;never", [*HOW_OFTEN]),
        "yes and no": headed("E-post", "ja;nei;ja;nei;ja;nei", ["ja", "nei"] * 3),
        "numbers": headed("phone", "1;2;1;3;4;5", ["1", "2", "1", "3", "4", "5"]),
        "texts that are listed": headed(
            "Name",
            "Course A;Course B;Course A;Course C;Course D;Course E",
            ["a", "b", "a", "b", "b", "b"],
            more="    values: {own: {a: [Course A], b: [Course B, Course C, Course D, Course E]}}",
        ),
        "addresses": headed("email", "a@b.no;;;;;", stops=True, hides=("a@b.no",)),
        "names": headed("Navn", "Kari;Kari;Ola;Ola;Ola;Kari", stops=True, hides=("Kari",)),
        "numbers of telephones": headed("Mobil", "91234567;;;;;", stops=True, hides=("91234567",)),
        "days of birth": headed(
            "Fødselsdato", "01.02.2013;01.02.2013;01.02.2013;;;", stops=True, hides=("01.02",)
        ),
        "names as labels of codes": case(
            {
                "p.sav": sav(
                    LABELLED.rename(columns={"tid": "navn"}), {"navn": {1: "Kari", 2: "Ola"}}
                ),
                "study.yml": study(
                    "pre: {file: p.sav}", columns="{school_id: school, own: navn}", more=OWN
                ),
            },
            stops=True,
            says=("a background column that holds direct identifiers",),
            hides=("Kari",),
        ),
    },
    "columns and answers that are told": {
        "not used": told(
            "extra;Comment;E-post",
            "1;free text of Per;x@y.no",
            says=(
                "columns that study.yml does not use",
                "3: extra, Comment; 1 of identifiers, which are not named",
            ),
            hides=("of Per", "x@y.no"),
        ),
        "a heading that is an identifier": told(
            "ola@skole.no", "1", says=("1 of identifiers, which are not named",), hides=("ola@",)
        ),
        "used in the other wave": case(
            {
                "both.csv": "school,id,Pre.q1,Pre.q2,Pre.q3,Post.q1,Post.q2,Post.q3\n"
                "101,a1,Agree,Agree,Agree,Agree,Agree,Agree\n",
                "study.yml": study('{file: both.csv, pre: "Pre.{}", post: "Post.{}"}'),
            },
            hides=("does not use",),
            linked=1,
        ),
        "answers to consent": consented(
            "Ja",
            "Nei",
            "",
            says=(
                "answers to consent",
                "blank 1, “Ja” 1, “Nei” 1",
            ),
        ),
        "answers in free text": consented(
            "Ja",
            "nei, sier Kari",
            "kanskje",
            "vet",
            "Ola",
            "x",
            says=(
                "answers to consent",
                "6 different texts, which are not shown",
            ),
            hides=("Kari", "Ola"),
        ),
        "nothing but yes": consented("Ja", "ja", hides=("answers to consent",)),
    },
}
