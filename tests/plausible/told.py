"""What is said of sheets and answers that are left out, and of answers that run the wrong way."""

import numpy as np
import pandas as pd

from tests.plausible import INSTRUMENT, Case, case, study

HEAD = "school;submitted;grade;id;q1;q2;q3"
COLUMNS = "{school_id: school, submitted: submitted, grade: grade}"
REGISTER = (
    "school_id,school,region,grades\n0101,Nordby skole,North,1-7\n0102,Sør skole,South,8-10\n"
)
REVERSED = INSTRUMENT.replace("columns: [q2]", "columns: [q2], reversed: yes")
TWO = ("pre: {tool: table, file: pre.csv}", "post: {tool: table, file: post.csv}")


def told(*schools: str, days: object = "2025-09-20", grade: str = "7", **truth: object):
    """Return a study of 30 good sheets, and one sheet more for each of the schools."""
    dates = [days] * len(schools) if isinstance(days, str) else days
    rows = [f"0101;2025-09-20;7;n{i};{1 + i % 5};4;{1 + i % 5}" for i in range(30)]
    rows += [
        f"{school};{day};{grade};secret{i};4;4;4"
        for i, (school, day) in enumerate(zip(schools, dates, strict=True))
    ]
    files = {
        "study.yml": study(columns=COLUMNS),
        "schools.csv": REGISTER,
        "pre.csv": "\n".join([HEAD, *rows]) + "\n",
        **truth.pop("files", {}),
    }
    return case(files, hides=("secret", *truth.pop("hides", ())), **truth)


def directed(
    turn: dict[str, tuple[int, ...]],
    n: int = 120,
    link: str = "id",
    instrument: str = INSTRUMENT,
    post_ids: np.ndarray | None = None,
    **truth: object,
):
    """Return a study of two waves in which some items (by wave) are coded the other way round.

    With ``post_ids``, each person has another id in the second wave.
    """
    rng = np.random.default_rng(5)
    joy = rng.normal(size=n)
    files = {}
    for wave in ("pre", "post"):
        level = joy + 0.6 * rng.normal(size=n) + 0.9 * (link == "none")
        answers = np.clip(np.rint(3 + level[:, None] + 0.6 * rng.normal(size=(n, 3))), 1, 5)
        for item in turn.get(wave, ()):
            answers[:, item] = 6 - answers[:, item]
        ids = np.arange(n) if wave == "pre" or post_ids is None else post_ids
        rows = [
            f"{101 + i % 4};a{ids[i]};" + ";".join(f"{a:.0f}" for a in answers[i]) for i in range(n)
        ]
        files[f"{wave}.csv"] = "\n".join(["school;id;q1;q2;q3", *rows]) + "\n"
    options = {} if link == "id" else {"link": "{by: none}"}
    files |= {"study.yml": study(*TWO, **options), "instruments/mini.yml": instrument}
    return case(files, **truth)


_UNKNOWN = told("Fjellvik skole", "Fjellvik skole", "0101", "0101")


def commented(*texts: str, more: str = "", **truth: object):
    """Return a study with a background column that holds some texts."""
    rows = [f"101;2025-09-20;n{i};{text};4;4;4" for i, text in enumerate(texts)]
    files = {
        "study.yml": study(
            columns="{school_id: school, submitted: day, said: said}",
            more="    values: {said: {}}",
            top=more,
        ),
        "pre.csv": "\n".join(["school;day;id;said;q1;q2;q3", *rows]) + "\n",
    }
    return case(files, **truth)


def spoilt(old: str, new: str, says: tuple[str, ...]):
    """Return a study with unknown schools that something else stops."""
    csv = _UNKNOWN.files["pre.csv"].replace(old, new)
    assert csv != _UNKNOWN.files["pre.csv"]
    files = {**_UNKNOWN.files, "pre.csv": csv}
    return Case(files, stops=True, says=(*says, "Fjellvik skole (2)"), hides=("secret",))


def mixed_up(
    change=None,
    columns: str = "{school_id: school, grade: grade, gender: sex, role: role}",
    **truth: object,
):
    """Return a study of two waves of 200 people, with one change of its two tables."""
    rng, n = np.random.default_rng(8), 200
    items = [f"q{i}" for i in range(1, 7)]
    waves = {}
    for wave, rise in (("pre", 0), ("post", 2)):
        level = rng.normal(size=(n, 1))
        answers = np.clip(np.rint(3 + level + 0.7 * rng.normal(size=(n, 6))), 1, 5)
        waves[wave] = pd.DataFrame(answers, columns=items).assign(
            school=101 + np.arange(n) % 4, id=[f"a{i}" for i in range(n)],
            grade=5 + np.arange(n) % 3 + rise, sex=np.where(np.arange(n) % 2, "girl", "boy"),
            role=np.where(np.arange(n) % 3, "participant", "colleague"),
        )  # fmt: skip
    if change:
        change(waves)
    head, _, _ = INSTRUMENT.partition("    items:\n")
    asked = [f"      joy_{i}: {{en: Question {i}, columns: [q{i}]}}" for i in range(1, 7)]
    effort = "  effort:\n    label: {en: Effort}\n    responses: agree5\n    items:"
    instrument = "\n".join([f"{head}    items:", *asked[:4], effort, *asked[4:], ""])
    files = {
        "study.yml": study(*TWO, columns=columns),
        "instruments/mini.yml": instrument,
        **{f"{wave}.csv": frame.to_csv(index=False, sep=";") for wave, frame in waves.items()},
    }
    return case(files, **truth)


def in_post(**columns):
    """Return a change of columns of the second wave, each by a function of the table."""
    return lambda waves: waves.update(post=waves["post"].assign(**columns))


def at(item: str, rows: slice, value: object):
    """Return a change of some answers of the second wave."""
    return lambda waves: waves["post"].__setitem__(
        item, waves["post"][item].mask(waves["post"].index.isin(range(200)[rows]), value)
    )


def first_again(waves):
    waves["post"] = waves["pre"].assign(grade=waves["pre"]["grade"] + 2)


ITEMS = [f"q{i}" for i in range(1, 7)]
WHY = {
    "nobody": "warning: questions that nobody has answered",
    "blank": "warning: questions left blank far more often than the others of their scale",
    "alike": "warning: questions that everybody answers alike",
    "twice": "warning: questions whose answers are the same throughout",
    "school": "warning: scales that nobody of a school has answered",
    "same": "warning: people who give the same answers to everything in two waves",
    "role": "warning: people who have another role in another wave",
    "texts": "warning: texts of gender that two waves do not share",
    "grades": "warning: ids or codes met again on grades that cannot follow each other",
    "end": "warning: an end answer that nobody gives in another wave",
}


OTHERS = "warning: people found again do not look like the same people"
AGAINST, TURNED = "items that go against the rest", "scales that run the other way in another wave"
SILENT = "schools of the register without a questionnaire"

KINDS = {
    "columns and waves that are mixed up": {
        "nothing is": mixed_up(hides=tuple(WHY.values()), linked=200),
        "an empty column": mixed_up(at("q4", slice(None), None), says=(f"{WHY['nobody']} where: "
            "pupils, post found: joy_4 (0 of 200)",), hides=(WHY["blank"],)),
        "answers one column on from some row on": mixed_up(
            at("q1", slice(100, None), None),
            says=(WHY["blank"], "pupils, post found: joy_1 (50% blank, the others of joy 0%)"),
            hides=(WHY["nobody"],),
        ),
        "answers that count as none are not blank": mixed_up(
            at("q1", slice(100, None), "Don't know"), hides=(WHY["blank"], WHY["nobody"])
        ),
        "everybody answers alike": mixed_up(at("q2", slice(None), 3), says=(
            f"{WHY['alike']} where: pupils, post found: joy_2 (200 answers, all 3)",)),
        "a column is a copy": mixed_up(
            in_post(q5=lambda t: t["q2"]), says=(f"{WHY['twice']} where: pupils, post found: "
            "joy_2 = joy_5",)
        ),
        "a column is a copy that was turned": mixed_up(
            in_post(q5=lambda t: 6 - t["q2"]), says=("joy_2 = joy_5",)
        ),
        "a school without a scale": mixed_up(
            in_post(**{q: lambda t, q=q: t[q].where(t["school"].ne(102)) for q in ITEMS[:4]}),
            says=(f"{WHY['school']} where: pupils, post found: joy (102)",),
        ),
        "the first wave once more": mixed_up(
            first_again, says=(f"{WHY['same']} where: pupils, pre and post found: 200 of 200",)
        ),
        "roles have changed places": mixed_up(
            in_post(role=lambda t: t["role"].map(
                {"participant": "colleague", "colleague": "participant"})),
            says=(f"{WHY['role']} where: pupils, pre and post found: 200 of 200",),
        ),
        "genders in numbers": mixed_up(
            in_post(sex=lambda t: t["sex"].map({"girl": 1, "boy": 2})),
            says=(f"{WHY['texts']}", "pre: “boy” (100), “girl” (100); post: “1” (100), “2” (100)"),
        ),
        "half of the ids a row too far": mixed_up(
            in_post(id=lambda t: [*t["id"][:100], *t["id"][101:], "b"]), says=(WHY["grades"],)
        ),
        "last year's grades in one school": mixed_up(
            in_post(grade=lambda t: t["grade"] - t["school"].eq(101)),
            says=(f"{WHY['grades']} where: pupils found: 50 questionnaires of a wave (25%",),
        ),
        "last year's grades everywhere": mixed_up(
            in_post(grade=lambda t: t["grade"] - 1),
            says=(
                "questionnaires of post are linked to another wave; 133 are grade_mismatch",
                "do the dates of the waves lie as many school years apart",
            ),
        ),
        "four points in the second wave": mixed_up(
            in_post(**{q: lambda t, q=q: t[q].clip(upper=4) for q in ITEMS}),
            says=(WHY["end"], "nobody in post)"),
        ),
        "one column for two things": mixed_up(
            columns="{school_id: school, grade: grade, gender: role, role: role}",
            stops=True, says=("one column for several things", "role for gender, role"),
        ),
    },
    "people found again who are others": {
        "each export numbers its rows": directed(
            {}, n=400, post_ids=np.random.default_rng(2).permutation(400),
            says=(OTHERS, "school_id (agreement ", "of 400 people", "answers (r from"),
        ),
        "most of them are others": directed(
            {}, n=400, post_ids=np.r_[np.random.default_rng(2).permutation(360), 360:400],
            says=(OTHERS, "school_id (agreement "),
        ),
        "a few of them are others": directed(
            {}, n=400, post_ids=np.r_[np.random.default_rng(2).permutation(100), 100:400],
            hides=(OTHERS,),
        ),
        "the same people in another order": directed({}, hides=(OTHERS,)),
        "fewer than fifty": directed(
            {}, n=49, post_ids=np.random.default_rng(2).permutation(49), hides=(OTHERS,)
        ),
    },
    "schools of the register that are not in the answers": {
        "one": told(says=(f"{SILENT} where: mini found: pupils pre: Sør skole",)),
        "none": told("0102", grade="8", hides=(SILENT,)),
        "two": told(
            files={"schools.csv": REGISTER + "0103,Øst skole,South,1-7\n"},
            says=("found: pupils pre: Sør skole, Øst skole",),
        ),
        "one that nobody was invited at": told(
            files={
                "schools.csv": "school_id,school,region,grades,invited_pupils\n"
                "0101,Nordby skole,North,1-7,40\n0102,Sør skole,South,8-10,0\n"
            },
            hides=(SILENT,),
        ),
        "more than can be named": told(
            files={
                "schools.csv": REGISTER
                + "".join(f"02{i},Skole {i},South,1-7\n" for i in range(10, 25))
            },
            says=("Skole 18 and 6 more",),
        ),
    },
    "schools that the register does not hold": {
        "a name": told(
            *["Fjellvik skole"] * 9,
            says=("9  23.1 %  warning: unknown_school", "not in the register: Fjellvik skole (9)",
                  "9 of 39 questionnaires as unknown_school"),
            stops=True,
        ),
        "several, the most frequent first": told(
            *["Vik barneskole"] * 2, *["Ås ungdomsskule"] * 3, "9999",
            says=("Ås ungdomsskule (3), Vik barneskole (2), 9999 (1)",), stops=True,
        ),
        "a name that two of the register have": told(
            "Nordby skole", "Nordby skole",
            files={"schools.csv": REGISTER + "0103,Nordby skole,South,1-7\n"},
            says=("a name that several schools of the register have", "Nordby skole (2)"),
            aside={"unknown_school": 2},
        ),
        "free text and names of people": told(
            *["Fjord skole v/ Kari Nordmann"] * 3, *["mobbes på skolen av Per"] * 5,
            *["kari04"] * 6, "Kari Nordmanns datter Fjord skole",
            says=("others (15), not shown",), hides=("Kari", "Per", "kari04"), stops=True,
        ),
        "nothing but free text": case(
            {
                "pre.csv": "school;id;q1;q2;q3\n"
                + "".join(f"{s};a{n};4;4;4\n" for n, s in enumerate(["Kari", "jeg hater skolen"]))
            },
            stops=True, says=("no school of the register", "2 cells that are not shown"),
            hides=("Kari", "hater"),
        ),
        "an id of another length": told(
            "0199", "10999999", says=("0199 (1)", "others (1), not shown"), hides=("10999999",)
        ),
        "people's names and codes": told(
            "Kari Nordmann", "ab12cd", "kari@skole.no",
            "jeg går ikke på noen skole fordi vi har flyttet",
            says=("others (4), not shown",), hides=("Nordmann", "ab12cd", "kari", "flyttet"),
        ),
        "one word of many": told(
            *["Fjelltun"] * 6, "Brakke", stops=True, says=("Fjelltun (6)",), hides=("Brakke",)
        ),
        "more than fit": told(
            *[f"{c}vik skole" for c in "ABCDEFGHIJKLMN"], stops=True, says=("4 more (4)",),
            hides=("Nvik",),
        ),
    },
    "sheets from other days and grades": {
        "before the wave": told(
            "0101", "0102", days=["2025-08-20", "2025-09-01"],
            says=("2   6.2 %  warning: test_answer, trials: 2025-08-20 to 2025-09-01, before (2)",),
        ),
        "in another wave": told(
            "0101", days="2027-09-20",
            says=("wrong_form, sent in while another wave was open: 2027-09-20 (post) (1)",),
            aside={"wrong_form": 1},
        ),
        "after the last day": told(
            "0101", "0101", days=["2025-11-03", "2025-12-24"], aside={},
            says=("after_the_wave", "and kept: 2025-11-03 to 2025-12-24 (2)"),
            hides=("is its last day right?",),
        ),
        "most of them after the last day": told(
            *["0101"] * 40, days="2025-11-03", aside={},
            says=("warning: after_the_wave", "most of the wave: is its last day right?"),
        ),
        "a school called test": told("TEST", says=("school called test (1)",)),
        "a grade that the school has not": told(
            "0101", grade="9. trinn", says=("impossible_grade", "9. trinn (1)")
        ),
        "a grade of another programme": told(
            "0101", "0101", grade="3. trinn", aside={},
            says=("grades other than 5 to 10", "3 (2 questionnaires)", "5 to 10"),
        ),
        "numbers of answers for grades": told(
            *["0101", "0102", "0102"], grade="1", aside={},
            files={"schools.csv": REGISTER.replace("1-7", "").replace("8-10", "")},
            says=("grades other than 5 to 10", "1 (3 questionnaires)", "values: grade:"),
        ),
        "a grade in words": told(
            "0101", grade="vil ikke si det", says=("others (1), not shown",), hides=("vil ikke",)
        ),
    },
    "free text": {
        "it goes": commented(
            "Læreren min roper til oss hver dag", "", "Jeg liker ikke prøver om våren",
            says=("free text is not kept", "2 cells of said"), hides=("roper", "prøver"),
            values={"said": [None] * 3},
        ),
        "one comment": commented(
            "", "", "", "Kari i 7B er min beste venn", hides=("Kari",), values={"said": [None] * 4}
        ),
        "it is kept": commented(
            "Jeg liker matematikk veldig godt", "Nei", more="free_text: keep",
            values={"said": ["Jeg liker matematikk veldig godt", "Nei"]},
        ),
        "long options that many chose": commented(
            *["More than ten years ago", "Less than ten years ago"] * 4,
            values={"said": ["More than ten years ago", "Less than ten years ago"] * 4},
        ),
        "short words": commented("Oslo", "Bergen", values={"said": ["Oslo", "Bergen"]}),
        "a very long word": commented("a" * 50, "b" * 41, "c", values={"said": [None] * 3}),
    },
    "as far as it got": {
        "an unknown answer": spoilt(";4;4;4\n0101", ";Perhaps;4;4\n0101", says=("unknown answer",)),
        "codes of another scale": spoilt("4;4;4", "8;8;8", says=("codes that no answer has",)),
        "no grade": spoilt(";7;", ";seven;", says=("no grade is understood",)),
        "most of a wave": told(
            *["Fjellvik skole"] * 31, stops=True,
            says=("31 of 61 questionnaires as unknown_school", "Fjellvik skole (31)"),
        ),
        "another wave is missing": Case(
            {**_UNKNOWN.files, "study.yml": study(*TWO, columns=COLUMNS)},
            stops=True, says=("export is missing", "Fjellvik skole (2)"),
        ),
    },
    "answers that run the wrong way": {
        "one item": directed({"pre": (1,), "post": (1,)}, says=(AGAINST, "joy_2 of joy (r = -0.")),
        "one item in one wave": directed({"post": (2,)}, says=(AGAINST, "pupils, post", "joy_3")),
        "a wave": directed(
            {"post": (0, 1, 2)}, says=(TURNED, "joy (r = -0.", "as of each of its 3 items")
        ),
        "a wave of people who are not linked": directed(
            {"post": (0, 1, 2)}, link="none", says=(TURNED, "mirror image"),
        ),
        "a wave in which one of the items is turned too": directed(
            {"pre": (1,), "post": (0, 2)}, says=(AGAINST, TURNED)
        ),
    },
    "answers that run as they should": {
        "linked": directed({}, hides=(AGAINST, TURNED)),
        "not linked": directed({}, link="none", hides=(AGAINST, TURNED)),
        "few people": directed({"post": (0, 1, 2)}, n=30, hides=(AGAINST, TURNED)),
        "turned by the instrument": directed(
            {"pre": (1,), "post": (1,)}, instrument=REVERSED, hides=(AGAINST, TURNED)
        ),
        "both waves coded alike": directed(
            {"pre": (0, 1, 2), "post": (0, 1, 2)}, hides=(AGAINST, TURNED)
        ),
    },
}  # fmt: skip
