"""Where a file's rows begin and end, and which row of a spreadsheet they are."""

import base64
import io
import zipfile
import zlib

from xlsxwriter import Workbook

from tests.plausible import case, given, study

HEAD = "school;id;q1;q2;q3\n"
ROWS = "101;a1;Agree;Agree;Neutral\n102;a2;Disagree;Agree;Neutral\n"
READ = {"joy_1": [4, 2], "joy_3": [3, 3]}

FREE = "school;text;id;q1;q2;q3\n101;a;a1;4;4;3\n102;{};a2;2;4;3\n103;c;a3;3;4;3\n104;{};a4;5;4;3\n"
FOUR = {"school_id": ["101", "102", "103", "104"], "joy_1": [4, 2, 3, 5]}
SAID = "quotation marks that open a cell"
TWO_WAYS = "quotation marks that are not closed, or close in another row"
LAST = "school;id;q1;q2;q3;text\n101;a1;4;4;3;{}\n102;a2;2;4;3;{}\n103;a3;3;4;3;c\n104;a4;5;4;3;d\n"
FIRST = (
    "text;school;id;q1;q2;q3\n{};101;a1;4;4;3\n{};102;a2;2;4;3\nc;103;a3;3;4;3\nd;104;a4;5;4;3\n"
)
QUOTED = (
    '"school";"text";"id";"q1";"q2";"q3"\n'
    '"101";"said ""hei"";\nand went";"a1";"4";"4";"3"\n'
    '"102";"";"a2";"2";"4";"3"\n'
    '"103";"\n\n";"a3";"3";"4";"3"\n'
    '"104";"d";"a4";"5";"4";"3"\n'
)
LIME = (
    "id,submitdate,lastpage,startlanguage,text,school,code,q1,q2,q3\n"
    '1,2025-09-20 10:00:00,3,nb,"b,101,a1,4,4,3\n'
    '2,2025-09-20 10:00:00,3,nb,c",102,a2,2,4,3\n'
)
CORRECTED = study("pre: {tool: table, file: pre.csv}", top="corrections: fix.csv")
FIX = "row,column,from,to\n{},joy_1,2,5\n"
PLAIN = "school;id;q1;q2;q3\n101;a1;4;4;3\n102;a2;2;4;3\n"
MENDED = {"joy_1": [4, 5]}


def unsolved(*rows, cell: str, value: str = "") -> bytes:
    """Return a workbook with a formula in a cell whose value nobody stored."""
    whole = io.BytesIO(workbook(*rows, formula=cell))
    out = io.BytesIO()
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(out, "w") as made:
        for part in given.namelist():
            made.writestr(part, given.read(part).replace(b"<v>-9</v>", value.encode()))
    return out.getvalue()


def workbook(*rows, error: str = "", formula: str = "") -> bytes:
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
        if error:
            sheet.write_formula(error, "=1/0", None, "#DIV/0!")
        if formula:
            sheet.write_formula(formula, '=IF(A1>"0",3,4)', None, -9)
    return out.getvalue()


TABLE = (
    ("school", "id", "q1", "q2", "q3", "rate", "rate"),
    (101, "a1", "Agree", "Agree", "Neutral", 1, 1),
    (102, "a2", "Disagree", "Agree", "Neutral", 1, 1),
)
# the same with #DIV/0! under "rate", as a workbook of Excel before 2007
OLD = zlib.decompress(
    base64.b85decode(
        "c-rk)Pe>F|82`Q58TU`C?wSS~$RcEAUerq$os7y;i`Aisphg`^Ty|@A3+hmoc?^OeNV*7Kx>#NMLmleYAu#F"
        "?1c6(}PC`Wob^6{nGuy6taG}KF{f76w@B7}L-<x^gd-G=A%q8ciAGQ>+0(}T!*^Q#6%qJ*C10w+{cU`Fld4!"
        "Uy@J}Hcp^2<9@T~TASk9rG?;<oj&|i`SK2bV>vq<N%c4{55m&afUIfh=60(Z$%hh`pC1IuBSn_1rHn$KD8Vb"
        "2Ygy;OHz9LJoQ?%3@|@iDE9%jzKeeavk>u%`=6cqOCw%1z<bHPG*jTA7Vm(5lBV1Ddx1J8L^uW*&_+fiw8#r"
        "hu=(N_~-1{`K_>kpD-eKfH?nmZk&aa8Gf7Pa=-*Az7j$f5CDVafCt?*yJtC{P3AvE<;f|Izr-HmlWMn^iU^`"
        "Rj^67x(uNIv}4;86lwc>fr3K1yJ>6QH=4I(NlfnIyy_DbtG<?3L!9IY>RC_nnn=*TzIbop?ZKfz^CWx5d8hZ"
        "@2ixQ=z{OSBf*RLx3Eu_x+QBV$vAo8;Ze_iNWg|s0<?Vw_zH(rK>s;s3cH-$_yfe3#={rcD{Br0?>*Qy1C+V"
        "{T#Y>H|@6Bnn(fetH+RJMKouX4r-H~`|2D$L}j*l#xf7?eQTEZW@>%a8sv4j|_NtT`^pN=S5n*XdkD@0bPWa"
        "(t-CCebo@Oi`vp37Q{eM#IFUVXtlH3%%p6E0by3QO|Hc`>vI?+{cbB#X8Ri^eQdK8rWkQ3RG`iIuE!7OjFs^"
        "I7_|20W5o($4z}F(@b~C@3f>C@5?^2tK`fCw86Br{1|e?ElwUqO`1jll-?hj2vAB`Y_#(EaeU^Ruw;6V2GeE"
        "vBoyR|3ZnQ#O`1WLp+YLs^gcw=0y4Zthr(0&n=;9`IoC1=U?Xk2}mB>mH"
    )
)


def of(name: str, tool: str = "") -> str:
    return study(f"pre: {{{f'tool: {tool}, ' if tool else ''}file: {name}}}")


def titled(*above: tuple, rows=TABLE, **truth: object):
    """Return the case of a workbook with rows above its headings."""
    return case({"pre.xlsx": workbook(*above, *rows), "study.yml": of("pre.xlsx")}, **truth)


ABOVE = "rows of titles above the headings, passed over"
TITLED = {"joy_1": [4, 2], "joy_2": [4, 4]}

KINDS = {
    "titles above the headings of a workbook": {
        "one": titled(
            ("Answers of autumn",), values=TITLED, says=(f"{ABOVE} where: pre.xlsx found: 1",)
        ),
        "two, and a blank row": titled(
            ("Answers",),
            ("of Kari",),
            (),
            values=TITLED,
            says=(f"{ABOVE} where: pre.xlsx found: 2",),
            hides=("Kari",),
        ),
        "in the middle": titled(("", "", "Answers"), values=TITLED, says=(ABOVE,)),
        "blank rows alone": titled((), (), values=TITLED, hides=(ABOVE,)),
        "none": titled(values=TITLED, hides=(ABOVE,)),
        "a row of two cells is no title": titled(
            ("Answers", "autumn"), stops=True, says=("no column",), hides=(ABOVE,)
        ),
    },
    "a line that names the delimiter": {
        "given": given("csv_sep_line", values=READ, aside={}),
        "comma": case({"pre.csv": ("sep=,\n" + HEAD + ROWS).replace(";", ",")}, values=READ),
        "tab": case({"pre.csv": ("sep=\t\n" + HEAD + ROWS).replace(";", "\t")}, values=READ),
        "capitals and a mark": case({"pre.csv": "\ufeffSEP=;\r\n" + HEAD + ROWS}, values=READ),
        "utf-16": case({"pre.csv": ("sep=;\n" + HEAD + ROWS).encode("utf-16")}, values=READ),
        "of a tool, and of a list": case(
            {
                "study.yml": study(
                    "pre: {file: pre.csv}", top="withdrawn: gone.csv", link="{by: id, column: code}"
                ),
                "pre.csv": "sep=,\n" + LIME.replace('"b', "b").replace('c"', "c"),
                "gone.csv": "sep=;\nid;note\na2;sluttet\n",
            },
            says=("read as limesurvey",),
            aside={"withdrawn": 1},
        ),
    },
    "quotation marks that are part of a text": {
        "given": given(
            "quote_middle_col", values={"joy_1": [4, 4, 4, 4]}, says=(SAID, "line 3, line 5")
        ),
        "closed in a later row": case(
            {"pre.csv": FREE.format('"b', 'd"')}, values=FOUR, says=(SAID,)
        ),
        "comma": case({"pre.csv": FREE.format('"b', '"d').replace(";", ",")}, values=FOUR),
        "tab, in UTF-16": case(
            {"pre.csv": FREE.format('"b', 'd"').replace(";", "\t").encode("utf-16")}, values=FOUR
        ),
        "bar": case({"pre.csv": FREE.format('"', '"').replace(";", "|")}, values=FOUR),
        "last column": case({"pre.csv": LAST.format('"a', 'b"')}, values=FOUR),
        "first column, carriage returns": case(
            {"pre.csv": FIRST.format('"a', '"b').replace("\n", "\r\n")}, values=FOUR
        ),
        "in the middle of a text": case(
            {"pre.csv": FREE.format('5" 3', 'he said "no"')}, values=FOUR
        ),
        "a text in marks of its own": case(
            {"pre.csv": FREE.format('"hei" sa', '"ok"')}, values=FOUR
        ),
        "of a tool": case(
            {
                "study.yml": study("pre: {file: pre.csv}", link="{by: id, column: code}"),
                "pre.csv": LIME,
            },
            values={"school_id": ["101", "102"], "joy_1": [4, 2]},
            says=("read as limesurvey", SAID),
        ),
        "line breaks in cells": case({"pre.csv": QUOTED}, values=FOUR, aside={}),
        "an open one where cells are quoted": case(
            {"pre.csv": QUOTED.replace('"d"', '"d')}, stops=True, says=(TWO_WAYS, "line 8")
        ),
        "rows that are whole both ways": case(
            {"pre.csv": FREE.format('"b', 'd"').replace("101;a;", '101;"a;b";')},
            stops=True,
            says=(TWO_WAYS, "line 3"),
        ),
    },
    "rows as a spreadsheet shows them": {
        "given": given("row_qualtrics", values={"joy_1": [1, 4, 5, 4, 1]}),
        "plain": case(
            {"study.yml": CORRECTED, "pre.csv": PLAIN, "fix.csv": FIX.format(3)}, values=MENDED
        ),
        "a blank line": case(
            {
                "study.yml": CORRECTED,
                "pre.csv": PLAIN.replace("\n102", "\n\n102"),
                "fix.csv": FIX.format(4),
            },
            values=MENDED,
        ),
        "blank lines above, and the list too": case(
            {"study.yml": CORRECTED, "pre.csv": "\n\n" + PLAIN, "fix.csv": "\n" + FIX.format(5)},
            values=MENDED,
        ),
        "a line that names the delimiter": case(
            {"study.yml": CORRECTED, "pre.csv": "sep=;\n" + PLAIN, "fix.csv": FIX.format(3)},
            values=MENDED,
        ),
        "a cell of two lines": case(
            {
                "study.yml": CORRECTED,
                "pre.csv": PLAIN.replace("q3\n", "q3;text\n")
                .replace("3\n102", '3;"a\nb"\n102')
                .replace("4;3\n", "4;3;c\n"),
                "fix.csv": FIX.format(3),
            },
            values=MENDED,
        ),
        "a workbook that begins lower": case(
            {
                "study.yml": study("pre: {file: pre.xlsx}", top="corrections: fix.csv"),
                "pre.xlsx": workbook((), (), *[row[:5] for row in TABLE]),
                "fix.csv": FIX.format(5).replace(",2,5", ",Disagree,Strongly agree"),
            },
            values=MENDED,
        ),
        "another row": case(
            {"study.yml": CORRECTED, "pre.csv": PLAIN, "fix.csv": FIX.format(2)},
            stops=True,
            says=("correction of something else", "correction in row 2"),
        ),
    },
    "a fault in a column that nobody uses": {
        "an error value": case(
            {"study.yml": of("p.xlsx"), "p.xlsx": workbook(*TABLE, error="F3")}, values=READ
        ),
        "an error value that is used": case(
            {"study.yml": of("p.xlsx"), "p.xlsx": workbook(*TABLE, error="C3")},
            stops=True,
            says=("error values", "#DIV/0! in q1, rows 3"),
        ),
        "a formula without a value": case(
            {"study.yml": of("p.xlsx"), "p.xlsx": unsolved(*TABLE, cell="C3")},
            stops=True,
            says=("error values", "#N/A in q1, rows 3"),
        ),
        "an empty value": case(
            {"study.yml": of("p.xlsx"), "p.xlsx": unsolved(*TABLE, cell="A2", value="<v></v>")},
            stops=True,
            says=("error values", "#N/A in school, rows 2"),
        ),
        "an empty element": case(
            {"study.yml": of("p.xlsx"), "p.xlsx": unsolved(*TABLE, cell="D2", value="<v/>")},
            stops=True,
            says=("error values", "#N/A in q2, rows 2"),
        ),
        "a formula that nobody uses": case(
            {"study.yml": of("p.xlsx"), "p.xlsx": unsolved(*TABLE, cell="F3")}, values=READ
        ),
        "before 2007": case({"study.yml": of("p.xls"), "p.xls": OLD}, values=READ),
        "text that a spreadsheet saved": case(
            {"pre.csv": HEAD.replace("\n", ";x\n") + ROWS.replace("\n", ";#I/T\n")}, values=READ
        ),
        "such a school": case(
            {"pre.csv": HEAD + ROWS.replace("102", "#VERDI!")},
            stops=True,
            says=("#VERDI! in school, rows 3",),
        ),
        "a heading that stands twice": case(
            {"pre.csv": HEAD.replace("\n", ";x;x\n") + ROWS.replace("\n", ";1;2\n")}, values=READ
        ),
        "a very long cell": case(
            {"pre.csv": HEAD.replace("\n", ";x\n") + ROWS.replace("\n", f";{'a' * 140_000}\n")},
            values=READ,
        ),
        "LimeSurvey, one code twice": given(
            "limesurvey_code_twice", values={"joy_1": [4, 4, 4, 4]}
        ),
    },
    "headings further down": {
        "as above": case(
            {"pre.csv": HEAD + ROWS + HEAD + ROWS}, stops=True, says=("stand again", "rows 4")
        ),
        "in another order": case(
            {"pre.csv": HEAD + ROWS + "school;id;q3;q2;q1\n" + ROWS},
            stops=True,
            says=("stand again", "rows 4"),
        ),
        "the first column elsewhere": case(
            {"pre.csv": HEAD + ROWS + "q1;school;id;q2;q3\n" + ROWS},
            stops=True,
            says=("stand again",),
        ),
        "with blanks, in a workbook": case(
            {
                "pre.xlsx": workbook(
                    ["school", "id", "q1", "q2", "q3"],
                    ["101", "a1", "4", "4", "3"],
                    ["school ", "id", "q2", "q1", "q3"],
                    ["102", "a2", "2", "4", "3"],
                ),
                "study.yml": study("pre: {file: pre.xlsx}"),
            },
            stops=True,
            says=("stand again",),
        ),
        "options under their own headings": case(
            {
                "pre.csv": "school;id;q1;q2;q3;Norsk;Matte;Kunst\n"
                "101;a1;4;4;3;Norsk;Matte;Kunst\n102;a2;2;4;3;;Matte;\n"
            },
            values=READ,
        ),
    },
    "a heading and its own label": {
        "given": given("head_trinn", values={"grade": [5, 7]}),
        "in HTML": given(
            "limesurvey_code_twice",
            {
                "lime.csv": '"id. Response ID","submitdate. D","lastpage. P","startlanguage. L",'
                '"school. <b>School</b>",'
                '"q1. I like numbers","q2. I like shapes","q3. I like puzzles"\n'
                '"1","2025-10-01 10:00:00","3","en","Nordby skole","Agree","Disagree","Agree"\n'
            },
            values={"joy_1": [4]},
        ),
        "Qualtrics": given(
            "qualtrics_single_quotes",
            {
                "q.csv": "StartDate,EndDate,ResponseID,school,q1,q2,q3\n"
                "Start,End,Response ID,SCHOOL,Q1,<p>Q2</p>,q3\n"
                "2025-10-01 10:00:00,2025-10-01 10:10:00,R_0,Nordby skole,Agree,Disagree,Agree\n"
            },
            values={"joy_1": [4], "joy_2": [2]},
        ),
        "another column has it as label": case(
            {
                "study.yml": of("dataset.csv"),
                "dataset.csv": "school;id;q1;q2;q3;code\n101;a1;4;4;3;x\n",
                "structure.csv": "variableName;questionText;choiceValue;choiceText\n"
                "code;School;;\nid;ID;;\n",
            },
            values={"school_id": ["101"]},
        ),
        "two columns": case(
            {"pre.csv": HEAD.replace("q1", "q1;Q1") + ROWS.replace(";Agree", ";Agree;Agree", 1)},
            stops=True,
            says=("wrong number of fields",),
        ),
        "two columns of one name": case(
            {"pre.csv": "school;id;q1;q2;q3;Q1\n101;a1;4;4;3;2\n"},
            stops=True,
            says=("heading that stands twice",),
        ),
    },
}
