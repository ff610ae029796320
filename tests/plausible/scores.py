"""Published scores that are read as they are, and names that an archive has no room for."""

from tests.plausible import INSTRUMENT, case, given, study
from tests.plausible.codes import sav, workbook

HEAD = "scales:\n  ability:\n    label: {en: Ability}\n    score: as_is\n    range: [-4, 4]\n"
SCORE = HEAD + "    columns: [theta]\n"
OF_BOTH = INSTRUMENT + SCORE.removeprefix("scales:\n")
POINT = "school;id;theta\n101;a1;1.25\n102;a2;-0.5\n103;a3;4\n104;a4;\n"
READ = [1.25, -0.5, 4, None]
BOTH = study("pre: {file: pre.csv}", "post: {file: post.csv}")
LONG = "joy_" + 7 * "very_long_name_"


def score(text: str = POINT, instrument: str = SCORE, **truth: object):
    return case({"pre.csv": text, "instruments/mini.yml": "responses: {}\n" + instrument}, **truth)


def many(cell: str, n: int = 30) -> str:
    rows = [f"{101 + i % 4};a{i};{cell if i < 9 else '0.5'}" for i in range(n)]
    return "school;id;theta\n" + "\n".join(rows) + "\n"


def points(*cells: str, read=(), low: int = -3000):
    """Return scores to 3000 that stop for their thousands, or what is read."""
    rows = [f"101;a{i};{cell}" for i, cell in enumerate(cells)]
    instrument = SCORE.replace("[-4, 4]", f"[{low}, 3000]")
    says = ("scores with a sign for thousands", "write 1234 for 1")
    truth = {"values": {"ability": read}} if read else {"stops": True, "says": says}
    return score("school;id;theta\n" + "\n".join(rows) + "\n", instrument, **truth)


def named(*names: str, wording: str = "I like numbers"):
    """Return a study whose items have names (and wordings) that are too long for SPSS."""
    items = [
        f"      {name}: {{en: {wording} {i}, columns: [q{i}], reversed: {turned}}}"
        for i, (name, turned) in enumerate(zip(names, ("no", "yes"), strict=True), start=1)
    ]
    text = INSTRUMENT.split("    items:\n")[0] + "    items:\n" + "\n".join(items) + "\n"
    csv = "school;id;q1;q2\n101;a1;4;2\n102;a2;5;1\n"
    values = {names[0]: [4, 5], names[1]: [4, 5]}
    return case({"instruments/mini.yml": text, "pre.csv": csv}, values=values, aside={})


NAMES = {
    "given": given("export_long_names"),
    "alike in 64 signs": named(LONG + "a", LONG + "b"),
    "a label of 400 signs": named("joy_1", "joy_2", wording=40 * "Æ very long wording "),
    "a word that SPSS keeps for itself": named("with", "to"),
    "alike to the ends": named("x" * 64, "x" * 64 + "2"),
    "labels of values of 200 signs": case(
        {
            "instruments/mini.yml": INSTRUMENT.replace(
                "en: Agree}", "en: " + 40 * "agree " + "}"
            ).replace("en: Disagree}", "en: " + 40 * "agree " + "not}"),
            "pre.csv": "school;id;q1;q2;q3\n101;a1;4;2;1\n102;a2;5;1;1\n",
        },
        values={"joy_1": [4, 5]},
    ),
}

KINDS = {
    "a published score": {
        "decimal points": score(values={"ability": READ[:3]}, aside={"no_answers": 1}),
        "decimal commas": score(POINT.replace(".", ","), values={"ability": READ[:3]}),
        "exponents": score(
            POINT.replace("-0.5", "-5E-01").replace("1.25", ".125e1"), values={"ability": READ[:3]}
        ),
        "a workbook": case(
            {
                "study.yml": study("pre: {file: pre.xlsx}"),
                "pre.xlsx": workbook(POINT),
                "instruments/mini.yml": "responses: {}\n" + SCORE,
            },
            values={"ability": READ[:3]},
        ),
        "SPSS": case(
            {
                "study.yml": study("pre: {file: pre.sav}"),
                "pre.sav": sav(POINT),
                "instruments/mini.yml": "responses: {}\n" + SCORE,
            },
            values={"ability": READ[:3]},
        ),
        "by its label": score(
            POINT.replace("theta", "Ability"), HEAD, values={"ability": READ[:3]}
        ),
        "turned": score(
            instrument=SCORE + "    reversed: yes\n", values={"ability": [-1.25, 0.5, -4]}
        ),
        "declared missing": score(
            many("-99"), SCORE + "    missing: [-99.0]\n",
            says=("warning: declared_missing", "no_answers"), aside={"no_answers": 9},
        ),
        "beside items": case(
            {
                "instruments/mini.yml": OF_BOTH,
                "pre.csv": "school;id;q1;q2;q3;theta\n101;a1;4;4;4;\n102;a2;;;;0.5\n103;a3;;;;\n",
            },
            values={"joy": [4, None], "ability": [None, 0.5]}, aside={"no_answers": 1},
        ),
        "no such column": score(POINT.replace("theta", "score"), stops=True, says=("ability",)),
    },
    "a score out of its range": {
        "often": score(
            many("-99"), stops=True,
            says=("-99 (9 times) in ability (theta)", "the scale -4 to 4", "`missing` of ability"),
        ),
        "twice": score(
            POINT.replace("-0.5", "-50") + "101;b1;0.5\n",
            says=("a few codes that no answer has", "-50 (1 time)"),
        ),
        "a comma lost": score(many("125"), stops=True, says=("125 (9 times)",)),
        "a text": score(
            many("NA"), stops=True, says=("“NA”, 9 times, in theta", "to `missing` of ability")
        ),
        "SPSS": case(
            {
                "study.yml": study("pre: {file: pre.sav}"),
                "pre.sav": sav(many("99")),
                "instruments/mini.yml": "responses: {}\n" + SCORE,
            },
            stops=True, says=("99 (9 times)",),
        ),
    },
    "a score with a sign for thousands": {
        "a comma": points("950", "1,234", "987"),
        "a point": points("950", "1.001", "700"),
        "thousands of many": points("100", "-2.500", "30"),
        "once among decimals with the other sign": points("950", "1.234", "987,5"),
        "in one cell of many": points(*["512"] * 30, "1.024"),
        "out of the range too": points("950", "1.234", "987", low=200),
        "decimals, other lengths": points("950", "1.234", "987.5", read=[950, 1.234, 987.5]),
        "decimals below 1": points("950", "0.234", "987", read=[950, 0.234, 987]),
        "decimals of numbers as large": points(
            "498", "512.125", "601", read=[498, 512.125, 601]),
        "no number from 100 on": points("95", "1.234", "98", read=[95, 1.234, 98]),
    },
    "a score that is described wrongly": {
        "without a range": score(
            instrument=SCORE.replace("    range: [-4, 4]\n", ""), stops=True,
            says=("missing key: scales.ability.range",),
        ),
        "with items": score(
            instrument=SCORE + "    items: {a: {en: A}}\n", stops=True,
            says=("items of a score as it is",),
        ),
        "a range that is empty": score(
            instrument=SCORE.replace("[-4, 4]", "[4, 4]"), stops=True, says=("range of ability",)
        ),
        "a range of one number": score(
            instrument=SCORE.replace("[-4, 4]", "[4]"), stops=True, says=("scales.ability.range",)
        ),
        "items with a range": case(
            {"instruments/mini.yml": INSTRUMENT.replace(
                "    responses: agree5\n", "    responses: agree5\n    range: [1, 5]\n"),
             "pre.csv": "school;id;q1;q2;q3\n101;a1;4;4;4\n"},
            stops=True, says=("range of a scale of items",),
        ),
    },
    "names and labels that SPSS has no room for": NAMES,
}  # fmt: skip
