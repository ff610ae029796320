"""One wave that does not hold what another does: other questions, schools, grades, half of it."""

import pandas as pd

from tests.plausible import INSTRUMENT, Case, case, study
from tests.plausible.told import directed, in_post, mixed_up

OTHER = "columns with the wording of another question"
UNLIKE = "warning: columns with a wording that is not that of their item"
UNCOMPARED = "wordings that are not compared: another language, or short names"
SWAPPED = "warning: people found again at another school, though their own has answers"
SCHOOL = "warning: schools without a questionnaire in one wave, with answers in another"
GRADE = "warning: a grade without a questionnaire, which another wave has"
FEWER = "warning: a wave with far fewer questionnaires than another"
AGAINST = "warning: items that go against the rest of their scale"
TWICE = "submissions that stand twice in the exports of a wave, and count once"
UNFINISHED = "questionnaires that were not finished, whose answers are used"
TRIED = "questionnaires with an id such as “test”, whose answers are used"

ASKED = ("I like numbers", "I like shapes", "I like puzzles")
TURNED = "Numbers make me tired and I would rather draw"
WORDED = INSTRUMENT.replace("I like shapes", TURNED)
HEAD = "StartDate,EndDate,Finished,Progress,ResponseId,school,id,{0}\n"
IMPORT = '"{{""ImportId"":""startDate""}}",e,f,p,r,s,i,{0}\n'
FILES = ("pre: {tool: qualtrics, file: pre.csv}", "post: {tool: qualtrics, file: post.csv}")
SENT = {"pre": "2025-09-20", "post": "2027-09-20"}


def worded(
    post: tuple[str, ...],
    pre: tuple[str, ...] = ASKED,
    instrument: str = INSTRUMENT,
    n: int = 3,
    finished: str = "True",
    files: tuple[str, ...] = FILES,
    more: tuple[str, ...] = (),
    **truth: object,
) -> Case:
    """Return two waves of Qualtrics, in which q1, q2, q3 bear some wordings."""
    made = {}
    for wave, texts in (("pre", pre), ("post", post)):
        quoted = ",".join(f'"{text}"' for text in texts)
        codes = ",".join(f"q{i + 1}" for i in range(len(texts)))
        rows = [HEAD.format(codes), f"Start,End,Finished,Progress,Response ID,School,Id,{quoted}\n"]
        rows.append(IMPORT.format(",".join(f"x{i}" for i in range(len(texts)))))
        at = f"{SENT[wave]} 10:00:00,{SENT[wave]} 10:05:00"
        for i in range(n):
            answers = ",".join("4235"[(i + k) % 4] for k in range(len(texts)))
            rows.append(f"{at},{finished},100,R_{wave}{i:05d},101,a{i},{answers}\n")
        made[f"{wave}.csv"] = "".join([*rows, *(more if wave == "post" else ())])
    options = {"columns": "{school_id: school, submitted: EndDate}"}
    options |= truth.pop("options", {})
    files = {"study.yml": study(*files, **options), "instruments/mini.yml": instrument, **made}
    return case(files, **truth)


def sav_texts(*texts: str) -> tuple[str, ...]:
    """Return wordings as a matrix writes them."""
    return tuple(f"How much do you agree? - {text}" for text in texts)


def twice(second: str, link: str = "{by: none}", **truth: object) -> Case:
    """Return one wave in two files of Nettskjema; the second begins with the first's rows."""
    head = "$submission_id;$created;school;id;q1;q2;q3\n"
    first = [f"49000{i};2025-09-2{i}T10:00:00;101;b{i}c{i};4;5;{i + 1}\n" for i in range(3)]
    files = {
        "study.yml": study(
            "pre: [{tool: nettskjema, file: early.csv}, {tool: nettskjema, file: late.csv}]",
            columns="{school_id: school, submitted: $created}", link=link,
        ),
        "early.csv": head + "".join(first),
        "late.csv": head + second.format(first="".join(first)),
    }  # fmt: skip
    return case(files, **truth)


NEW = "490009;2025-09-29T10:00:00;101;d9e9;2;2;2\n"


def numbered(tool: str, head: str, rows: tuple[str, str], **truth: object) -> Case:
    """Return one wave in two files of a tool that counts the submissions of a form from 1."""
    files = {
        "study.yml": study(
            f"pre: [{{tool: {tool}, file: a.csv}}, {{tool: {tool}, file: b.csv}}]",
            link="{by: none}",
        ),
        "a.csv": head + rows[0],
        "b.csv": head + rows[1],
    }
    return case(files, **truth)


LIME = '"id","submitdate","lastpage","startlanguage","school","q1","q2","q3"\n'


def at_school(number: object):
    """Return a change of the schools of the second wave."""
    return in_post(school=lambda t: number(t["school"]))


def shifted(schools: pd.Series) -> pd.Series:
    return 101 + (schools - 100) % 4


def kept(rows):
    """Return a change that keeps some rows of the second wave."""
    return lambda waves: waves.update(post=waves["post"][rows(waves["post"])])


def same_grades(more=None):
    """Return a change to waves of one school year, of the same grades."""

    def change(waves):
        waves["post"] = waves["post"].assign(grade=waves["pre"]["grade"])
        if more:
            more(waves)

    return change


def trials(n: int, text: str = "test"):
    """Return a change of some ids."""
    return in_post(id=lambda t: [text if i < n else one for i, one in enumerate(t["id"])])


KINDS = {
    "columns that bear another question": {
        "two that changed places": worded(
            (ASKED[1], ASKED[0], ASKED[2]), stops=True,
            says=(OTHER, "joy_1 has that of joy_2", "joy_2 has that of joy_1"),
        ),
        "a row put in between": worded(
            (ASKED[0], "Homework is useful", ASKED[1], ASKED[2]), stops=True,
            says=(OTHER, "joy_3 has that of joy_2"),
        ),
        "in the rows of a matrix": worded(
            sav_texts(ASKED[1], ASKED[0], ASKED[2]), sav_texts(*ASKED), stops=True,
            says=(OTHER, "joy_1 has that of joy_2"),
        ),
        "in the first wave": worded(
            ASKED, (ASKED[2], ASKED[1], ASKED[0]), stops=True,
            says=("pre.csv (pupils, pre)", "joy_1 has that of joy_3"),
        ),
        "against another wave, in another language": worded(
            ("Jeg liker former", "Jeg liker tall", "Jeg liker gåter"),
            ("Jeg liker tall", "Jeg liker former", "Jeg liker gåter"), stops=True,
            says=(OTHER, "joy_1 has that of joy_2 in pre.csv"),
        ),
        "a new question in the place of one": worded(
            (ASKED[0], "My teacher is often away", ASKED[2]),
            says=(UNLIKE, "1 of 3 items, such as joy_2"),
        ),
    },
    "columns that bear their own question": {
        "as they are": worded(ASKED, hides=(OTHER, UNLIKE, UNCOMPARED)),
        "with HTML, blanks and slips": worded(
            ("<b>I like&nbsp;numbers</b>  ", "I like shape.", "I  like puzles"),
            hides=(OTHER, UNLIKE, UNCOMPARED),
        ),
        "as rows of a matrix": worded(sav_texts(*ASKED), hides=(OTHER, UNLIKE, UNCOMPARED)),
        "before their matrix": worded(
            tuple(f"[{text}] How much do you agree?" for text in ASKED),
            hides=(OTHER, UNLIKE, UNCOMPARED),
        ),
        "in another language": worded(
            ("Jeg foretrekker matte", "Geometri er gøy", "Gåter er bra"),
            says=(UNCOMPARED,), hides=(OTHER, UNLIKE),
        ),
        "reworded on purpose": worded(
            (ASKED[0], TURNED, ASKED[2]),
            instrument=INSTRUMENT.replace(
                "columns: [q2]", f"columns: [q2], earlier: [{{waves: [post], en: '{TURNED}'}}]"
            ),
            hides=(OTHER, UNLIKE),
        ),
        "the longer one cut off": worded(
            (ASKED[0], TURNED[:32], ASKED[2]), (ASKED[0], TURNED, ASKED[2]), instrument=WORDED,
            hides=(OTHER, UNLIKE),
        ),
    },
    "one submission in two exports": {
        "an early export and a late one": twice(
            "{first}" + NEW, aside={"duplicate": 3}, says=(TWICE, "3 of 7 questionnaires"),
            values={"joy_3": [1, 2, 3, 2]},
        ),
        "of people without a code": twice(
            "{first}" + NEW, link="{by: code, column: id}", aside={"duplicate": 3}, says=(TWICE,)
        ),
        "twice in one file": twice(NEW + NEW, aside={"duplicate": 1}, says=(TWICE,)),
        "other submissions": twice(NEW, aside={}, hides=(TWICE,)),
        "two forms that count from 1": numbered(
            "limesurvey", LIME,
            ('"1","2025-09-20 10:00:00","3","nb","101","4","4","4"\n',
             '"1","2025-09-21 10:00:00","3","nb","102","2","5","3"\n'),
            aside={}, hides=(TWICE,),
        ),
        "one form that counts from 1": numbered(
            "limesurvey", LIME,
            ('"1","2025-09-20 10:00:00","3","nb","101","4","4","4"\n',
             '"1","2025-09-20 10:00:00","3","nb","101","4","4","4"\n'
             '"2","2025-09-21 10:00:00","3","nb","102","2","5","3"\n'),
            aside={"duplicate": 1}, says=(TWICE,),
        ),
    },
    "schools under the label of another": {
        "all shifted by one": mixed_up(
            at_school(shifted), says=(SWAPPED, "200 of 200 people")
        ),
        "without grades": mixed_up(
            at_school(shifted), columns="{school_id: school}", says=(SWAPPED,)
        ),
        "two that changed places, of four": mixed_up(
            at_school(lambda s: s.replace({101: 102, 102: 101, 103: 104, 104: 103})),
            says=(SWAPPED,),
        ),
        "one school that feeds into another": mixed_up(
            lambda waves: waves.update(
                pre=waves["pre"].assign(school=101, grade=7),
                post=waves["post"].assign(school=102, grade=9),
            ),
            hides=(SWAPPED, SCHOOL),
        ),
        "a few who moved": mixed_up(
            at_school(lambda s: s.where(s.index >= 30, shifted(s))), hides=(SWAPPED,)
        ),
        "the same schools": mixed_up(hides=(SWAPPED, SCHOOL, GRADE, FEWER)),
    },
    "part of a wave": {
        "a school left out": mixed_up(
            same_grades(kept(lambda t: t["school"].ne(104))), says=(SCHOOL, "(50 in pre)")
        ),
        "a grade left out": mixed_up(
            same_grades(kept(lambda t: t["grade"].ne(7))), says=(GRADE, "grade 7; pre has 5, 6, 7")
        ),
        "half of the rows": mixed_up(
            same_grades(kept(lambda t: t.index < 90)), says=(FEWER, "90 in post, 200 in pre")
        ),
        "half of the rows, without grades": mixed_up(
            kept(lambda t: t.index < 90), columns="{school_id: school}", says=(FEWER,)
        ),
        "two thirds of the rows": mixed_up(
            same_grades(kept(lambda t: t.index < 135)), hides=(FEWER, SCHOOL, GRADE)
        ),
        "the same people two years on": mixed_up(hides=(FEWER, SCHOOL, GRADE)),
    },
    "items turned in one wave alone": {
        "the second": directed(
            {"post": (2,)}, says=(AGAINST, "in pre they go with the rest: look at the export")
        ),
        "the first": directed({"pre": (1,)}, says=("in post they go with the rest",)),
        "both": directed(
            {"pre": (1,), "post": (1,)}, says=("is one of them reversed?",),
            hides=("go with the rest:",),
        ),
        "not linked": directed(
            {"post": (2,)}, link="none", says=("in pre they go with the rest",)
        ),
        "few people": directed({"post": (2,)}, n=40, hides=(AGAINST,)),
    },
    "questionnaires that were not finished, or are trials": {
        "some": worded(
            ASKED, n=6, more=(f"{SENT['post']} 10:00:00,{SENT['post']} 10:05:00,False,40,"
                              "R_post90000,101,a90,4,4,\n",),
            says=(UNFINISHED, "1 of 7"), hides=(f"warning: {UNFINISHED}",), aside={},
        ),
        "most": worded(
            ASKED, n=3, more=tuple(f"{SENT['post']} 10:00:00,{SENT['post']} 10:05:00,FALSE,40,"
                              f"R_post9000{i},101,a9{i},4,4,\n" for i in range(3)),
            says=(f"warning: {UNFINISHED}", "3 of 6"),
        ),
        "none": worded(ASKED, hides=(UNFINISHED,)),
        "a column that says the same of all": worded(ASKED, finished="False", hides=(UNFINISHED,)),
        "ids that say test": mixed_up(
            trials(4), says=(f"warning: {TRIED}", "4 of 200")
        ),
        "ids that say xxx": mixed_up(trials(2, "xxx1"), says=(TRIED, "2 of 200")),
        "ids that begin so": mixed_up(trials(1, "testa12b"), hides=(TRIED,)),
    },
}  # fmt: skip
