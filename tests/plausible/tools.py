"""What tools write in a way of their own, and labels that lie beside codes."""

import tempfile
from pathlib import Path

import pandas as pd
import pyreadstat

from tests.plausible import case, given, study
from tests.plausible.lines import of, workbook

SCHOOL = "{school_id: 'Which school?'}"
NO_LINK = "{by: none}"
READ = {"joy_1": [4, 2], "joy_2": [5, 1], "joy_3": [3, 3]}


def survey(
    file: str, *, tool: str = "", school: str = "school", more: str = "", link=NO_LINK, **kw
):
    tool = f"tool: {tool}, " if tool else ""
    columns = f"{{school_id: {school}{more}}}"
    return study(f"pre: {{{tool}file: {file}}}", columns=columns, link=link, **kw)


def google(time: str, matrix: bool = True, sign: str = ",") -> str:
    items = ["I like numbers", "I like shapes", "I like puzzles"]
    heads = [f"How much do you agree? [{item}]" if matrix else item for item in items]
    rows = [[time, "Which school?", *heads]]
    rows += [["2025/10/01 1:43:01 PM GMT+2", "Nordby skole", "Agree", "Strongly agree", "Neutral"]]
    rows += [
        ["2025/10/02 1:43:01 PM GMT+2", "Sørby skole", "Disagree", "Strongly disagree", "Neutral"]
    ]
    return "\n".join(sign.join(row) for row in rows) + "\n"


GOOGLE = survey("g.csv", school="'Which school?'")
MONKEY = (
    "Respondent ID;Collector ID;Start Date;End Date;IP Address;Which school?;"
    "How much do you agree?;;\n"
    ";;;;;Response;I like numbers;I like shapes;I like puzzles\n"
    "9;7;2025-10-01;2025-10-01;192.0.2.1;Nordby skole;Agree;Strongly agree;Neutral\n"
    "8;7;2025-10-01;2025-10-01;192.0.2.1;Sørby skole;Disagree;Strongly disagree;Neutral\n"
)
MONKEYS = survey("sm.csv", school="'Which school?'")
TABLE = (
    "school;id;q1;q2;q3\n101;a1;Agree;Strongly agree;Neutral\n"
    "102;a2;Disagree;Strongly disagree;Neutral\n"
)
KOBO = (
    '"start";"end";"bakgrunn/school";"holdning/q1";"holdning/q2";"holdning/q3";"_id";"_uuid";"_submission_time"\n'
    '"2025-09-20T10:00:00";"2025-09-20T10:05:00";"101";"Agree";"Strongly agree";"Neutral";'
    '"1";"u1";"2025-09-20T08:05:01"\n'
    '"2025-09-20T10:00:00";"2025-09-20T10:05:00";"102";"Disagree";"Strongly disagree";"Neutral";'
    '"2";"u2";"2025-09-20T08:05:01"\n'
)
EVENTS = "{column: redcap_event_name, values: {pre: [pre_arm_1], post: [post_arm_1]}}"
REDCAP = (
    "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,school,q1,q2,q3,form_complete\n"
    "1,pre_arm_1,,,101,,,,2\n1,pre_arm_1,attitudes,1,,4,5,3,2\n"
    "2,pre_arm_1,,,102,,,,2\n2,pre_arm_1,attitudes,1,,2,1,3,2\n"
)
QUALTRICS = (
    "StartDate,EndDate,Status,DistributionChannel,ResponseId,school,q1,q2,q3\n"
    "Start Date,End Date,Response Type,Distribution Channel,Response ID,School,I like numbers,b,c\n"
    '"{""ImportId"":""startDate""}","{""ImportId"":""e""}","{""ImportId"":""s""}","{""ImportId"":""d""}",'
    '"{""ImportId"":""r""}","{""ImportId"":""1""}","{""ImportId"":""2""}","{""ImportId"":""3""}","{""ImportId"":""4""}"\n'
)
SENT = "2025-09-20 10:00:00,2025-09-20 10:05:00"


def qualtrics(*marked: tuple[str, str], heads: str = QUALTRICS) -> str:
    rows = [f"{SENT},{s},{channel},R_x{n},103,3,3,3" for n, (s, channel) in enumerate(marked)]
    rows += [f"{SENT},IP Address,anonymous,R_1,101,4,5,3", f"{SENT},0,email,R_2,102,2,1,3"]
    return heads + "\n".join(rows) + "\n"


LIME = (
    '"id","submitdate","lastpage","startlanguage","school","q1","q2","q3"\n'
    '"1","{0}","3","nb","101","Agree","Strongly agree","Neutral"\n'
    '"2","{0}","3","nb","102","Disagree","Strongly disagree","Neutral"\n'
)
LIMES = survey("l.csv", more=", submitted: submitdate")
UNTIMED = "a survey without date stamp"


def lime(time: str):
    return case(
        {"study.yml": LIMES, "l.csv": LIME.format(time)}, values=READ, says=(UNTIMED,), aside={}
    )


CODES = "school;id;q1;q2;q3\n101;a1;2;1;3\n102;a2;4;5;3\n"
TEXTS = ("Strongly agree", "Agree", "Neutral", "Disagree", "Strongly disagree")
LABELS = "".join(f"q{i};{n};{text}\n" for i in (1, 2, 3) for n, text in enumerate(TEXTS, 1))
STRUCTURE = (
    "questionName;variableName;questionType;subType;questionText;choiceValue;choiceText\n"
    + "".join(
        f"q{i};q{i};Closed;Single;Question {i};{n};{text}\n"
        for i in (1, 2, 3)
        for n, text in enumerate(TEXTS, 1)
    )
)
ALONE = "codes without their labels"


def data(name: str, **options: object) -> bytes:
    frame = pd.DataFrame({"school": [101.0, 102.0], "id": ["a1", "a2"]})
    frame = frame.assign(q1=[2.0, 4.0], q2=[1.0, 5.0], q3=[3.0, 3.0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        writers = {
            ".sav": pyreadstat.write_sav,
            ".dta": pyreadstat.write_dta,
            ".por": pyreadstat.write_por,
            ".xpt": pyreadstat.write_xport,
        }
        writers[path.suffix](frame, path, **options)
        return path.read_bytes()


STORED = {"variable_value_labels": {q: dict(enumerate(TEXTS, 1)) for q in ("q1", "q2", "q3")}}
AS_CODED = {"joy_1": [2, 4], "joy_2": [1, 5]}


def program(name: str, **truth: object):
    options = {} if name.endswith((".por", ".xpt")) else STORED
    return case({"study.yml": of(name), name: data(name, **options)}, **truth)


def coded(
    files: dict[str, str | bytes], name: str = "dataset.csv", tool: str = "", **truth: object
):
    truth = {"values": READ, **truth}
    return case({"study.yml": of(name, tool), name: CODES, **files}, **truth)


KINDS = {
    "labels beside a data set": {
        "given": given("sx_auto", values={"joy_1": [5, 1]}),
        "with the name of the data set": coded({"elever_labels.csv": LABELS}, "elever.csv"),
        "of one of two data sets": coded(
            {
                "pre_labels.csv": LABELS,
                "post.csv": CODES,
                "post_labels.csv": LABELS.replace(";1;", ";9;"),
            },
            "pre.csv",
        ),
        "of the other data set alone": coded(
            {"post.csv": CODES, "post_labels.csv": LABELS}, "pre.csv", values=AS_CODED
        ),
        "Danish, in UTF-16 with tabs": coded(
            {"Etiketter.txt": LABELS.replace(";", "\t").encode("utf-16")}, "Datasæt.csv"
        ),
        "structure alone, a workbook": coded(
            {"struktur.xlsx": workbook(*(line.split(";") for line in STRUCTURE.splitlines()))},
            "datasett.csv",
        ),
        "of a plain table": coded(
            {"labels.csv": LABELS}, "pre.csv", "table", says=("codes are read by the labels",)
        ),
        "two that fit": coded(
            {"labels.csv": LABELS, "etiketter.csv": LABELS},
            stops=True,
            says=("several files with labels",),
        ),
        "none, of SurveyXact": coded({}, tool="surveyxact", values=AS_CODED, says=(ALONE,)),
        "none, of SPSS": case(
            {"study.yml": of("d.sav"), "d.sav": data("d.sav")},
            values=AS_CODED,
            says=(ALONE, "3 of 3 items"),
        ),
    },
    "files of statistics programs": {
        "SPSS": program("d.sav", values=READ),
        "Stata": program("d.dta", values=READ, says=("d.dta is read as stata",)),
        "portable": program("d.por", values=AS_CODED, says=("d.por is read as spss", ALONE)),
        "SAS": program("d.xpt", values=AS_CODED, says=("d.xpt is read as sas", ALONE)),
        "damaged": case(
            {"study.yml": of("d.dta"), "d.dta": data("d.dta")[:300]},
            stops=True,
            says=("unreadable",),
        ),
    },
    "Google Forms": {
        "matrix": case(
            {"study.yml": GOOGLE, "g.csv": google("Timestamp")}, values=READ, says=("googleforms",)
        ),
        "Norwegian": case(
            {"study.yml": GOOGLE, "g.csv": google("Tidsmerke")}, values=READ, says=("googleforms",)
        ),
        "Danish": case(
            {"study.yml": GOOGLE, "g.csv": google("Tidsstempel", matrix=False)}, values=READ
        ),
        "tab": case({"study.yml": GOOGLE, "g.csv": google("Timestamp", sign="\t")}, values=READ),
        "a workbook": case(
            {
                "study.yml": survey("g.xlsx", school="'Which school?'"),
                "g.xlsx": workbook(*(line.split(",") for line in google("Timestamp").splitlines())),
            },
            values=READ,
            says=("googleforms",),
        ),
    },
    "SurveyMonkey": {
        "given": given("surveymonkey_matrix", values={"joy_1": [4] * 6, "joy_2": [2] * 6}),
        "semicolons": case(
            {"study.yml": MONKEYS, "sm.csv": MONKEY}, values=READ, says=("surveymonkey",)
        ),
        "a workbook": case(
            {
                "study.yml": survey("sm.xlsx", school="'Which school?'"),
                "sm.xlsx": workbook(*(line.split(";") for line in MONKEY.splitlines())),
            },
            values=READ,
        ),
        "a question a column": case(
            {
                "study.yml": MONKEYS,
                "sm.csv": MONKEY.replace(
                    "How much do you agree?;;", "I like numbers;I like shapes;I like puzzles"
                ).replace(
                    "Response;I like numbers;I like shapes;I like puzzles",
                    "Response;Response;Response;Response",
                ),
            },
            values=READ,
        ),
        "read as a table": case(
            {
                "study.yml": survey("sm.csv", tool="table", school="'Which school?'"),
                "sm.csv": MONKEY,
            },
            stops=True,
            says=("a second row of headings", "tool: surveymonkey"),
        ),
        "RespondentID alone": case(
            {"pre.csv": TABLE.replace("id;", "RespondentID;"), "study.yml": survey("pre.csv")},
            values=READ,
            says=("read as table",),
        ),
    },
    "Kobo": {
        "groups": case(
            {"study.yml": survey("k.csv"), "k.csv": KOBO}, values=READ, says=("read as kobo",)
        ),
        "commas": case(
            {"study.yml": survey("k.csv"), "k.csv": KOBO.replace(";", ",")}, values=READ
        ),
        "named with the group": case(
            {"study.yml": survey("k.csv", school="bakgrunn/school"), "k.csv": KOBO}, values=READ
        ),
        "two groups of one question": case(
            {"study.yml": survey("k.csv"), "k.csv": KOBO.replace('"end"', '"holdning2/q1"')},
            stops=True,
            says=("joy_1",),
        ),
        "a workbook": case(
            {
                "study.yml": survey("k.xlsx"),
                "k.xlsx": workbook(
                    *(line.replace('"', "").split(";") for line in KOBO.splitlines())
                ),
            },
            values=READ,
        ),
    },
    "REDCap": {
        "instruments are joined": case(
            {"study.yml": survey("r.csv"), "r.csv": REDCAP},
            values=READ,
            says=("read as redcap", "4 rows of 2 records"),
        ),
        "several instances": case(
            {"study.yml": survey("r.csv"), "r.csv": REDCAP + "2,pre_arm_1,attitudes,2,,3,1,3,2\n"},
            stops=True,
            says=("a row for each instrument of a person", "rows 4, 5, 6"),
        ),
        "several events": case(
            {"study.yml": survey("r.csv"), "r.csv": REDCAP.replace("2,pre_arm_1", "2,post_arm_1")},
            stops=True,
            says=("several events of REDCap",),
        ),
        "labels": case(
            {
                "study.yml": survey("r.csv"),
                "r.csv": "Record ID,Event Name,Survey Identifier,school,q1,q2,q3,Complete?\n"
                "1,Pre,,101,Agree,Strongly agree,Neutral,Complete\n"
                "2,Pre,,102,Disagree,Strongly disagree,Neutral,Complete\n",
            },
            values=READ,
        ),
        "an event for each wave": case(
            {
                "study.yml": study(
                    f"pre: {{file: r.csv, wave: {EVENTS}}}",
                    f"post: {{file: r.csv, wave: {EVENTS}}}",
                    link="{by: id, column: record_id}",
                ),
                "r.csv": "record_id,redcap_event_name,school,q1,q2,q3\n"
                "1,pre_arm_1,101,4,4,4\n1,post_arm_1,101,5,5,5\n",
            },
            values={"joy_1": [4, 5]},
            linked=1,
        ),
    },
    "previews and spam": {
        "by text": case(
            {
                "study.yml": survey("q.csv"),
                "q.csv": qualtrics(("Survey Preview", "preview"), ("Spam", "anonymous")),
            },
            values=READ,
            aside={"test_answer": 2},
            says=("marked by the tool",),
        ),
        "by number": case(
            {
                "study.yml": survey("q.csv"),
                "q.csv": qualtrics(("1", "preview"), ("8", "email"), ("9", "")),
            },
            values=READ,
            aside={"test_answer": 3},
        ),
        "by the channel alone": case(
            {"study.yml": survey("q.csv"), "q.csv": qualtrics(("0", "preview"))},
            values=READ,
            aside={"test_answer": 1},
        ),
        "imported and offline count": case(
            {
                "study.yml": survey("q.csv"),
                "q.csv": qualtrics(("4", "email"), ("Offline", "offline")),
            },
            values={"joy_1": [4, 2, 3, 3]},
            aside={},
        ),
        "read as a table": case(
            {
                "study.yml": survey("q.csv", tool="table"),
                "q.csv": qualtrics(("Survey Preview", "")),
            },
            values=READ,
            aside={"test_answer": 1},
            says=("rows of headings are no questionnaires",),
        ),
    },
    "rows of headings of Qualtrics": {
        "given": given("qualtrics_single_quotes", values={"joy_1": [4] * 4}),
        "texts alone": case(
            {
                "study.yml": survey("q.csv"),
                "q.csv": qualtrics(heads="\n".join(QUALTRICS.split("\n")[:2]) + "\n"),
            },
            values=READ,
        ),
        "import ids alone": case(
            {
                "study.yml": survey("q.csv"),
                "q.csv": qualtrics(heads="\n".join(QUALTRICS.split("\n")[::2][:2]) + "\n"),
            },
            values=READ,
        ),
        "none below the first": case(
            {
                "study.yml": survey("q.csv", tool="qualtrics"),
                "q.csv": qualtrics(heads=QUALTRICS.split("\n")[0] + "\n"),
            },
            values=READ,
        ),
        "a workbook read as one": case(
            {
                "study.yml": survey("q.xlsx", tool="excel"),
                "q.xlsx": workbook(
                    *(line.split(",") for line in QUALTRICS.split("\n")[:2]),
                    *(r.split(",") for r in qualtrics(heads="").split("\n")),
                ),
            },
            values=READ,
            says=("rows of headings are no questionnaires",),
        ),
    },
    "LimeSurvey without date stamp": {
        "given": given(
            "limesurvey_1980", values={"joy_1": [4] * 5}, aside={}, says=(UNTIMED, "5 of 5 rows")
        ),
        "day first": lime("01.01.1980"),
        "with the hour": lime("01/01/1980 00:00"),
        "without the hour": lime("1980-01-01"),
        "some have a time": case(
            {
                "study.yml": LIMES,
                "l.csv": LIME.replace("{0}", "1980-01-01 00:00:00", 1).format(
                    "2025-09-20 10:00:00"
                ),
            },
            values=READ,
            says=(UNTIMED, "1 of 2 rows"),
            aside={},
        ),
    },
}
