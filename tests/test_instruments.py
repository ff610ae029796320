"""Instruments: the shipped ones, and what is told of a codebook that is wrong."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loftet_analysis import paths
from loftet_analysis.errors import InputError
from loftet_analysis.study import Instrument, load_instrument, normalise_label

SHIPPED = ("pupil", "teacher", "leader")


@settings(deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("&<>;#ampltgtb/ 'İßÅ"))))
def test_a_normalised_label_stays_as_it_is(text):
    once = normalise_label(text)
    assert normalise_label(once) == once


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("  Helt\u00a0 ENIG\n", "helt enig"),
        ("<b>Helt</b> enig<br/>", "helt enig"),
        ("Helt<br>enig", "helt enig"),
        ("<p>Helt</p><p>enig</p>", "helt enig"),
        ("Don&#39;t know", "don't know"),
        ("Don’t know", "don't know"),
        ("&amp;lt;b&amp;gt;Ja", "ja"),
        ("A\u030apen", "åpen"),
        ("\ufeffJa\u00ad", "ja"),
        ("x < 5 og y > 3", "x < 5 og y > 3"),
        ("<3", "<3"),
    ],
)
def test_labels_are_compared_in_one_form(given, expected):
    assert normalise_label(given) == expected


@pytest.mark.parametrize("part", ["&amp;", "amp;", "<", "<!--", "--><!--", "<a>", "< "])
def test_a_text_of_100_000_signs_is_compared(part):
    assert len(normalise_label("&" + part * (100_000 // len(part)))) <= 100_001


@pytest.fixture(params=SHIPPED)
def shipped(request) -> Instrument:
    return load_instrument(request.param)


def test_shipped_scales_are_those_of_the_questions():
    questions = {
        name: {s: scale.question for s, scale in load_instrument(name).scales.items()}
        for name in SHIPPED
    }
    assert questions["pupil"] == {
        "intrinsic_motivation": "Q1", "instrumental_motivation": "Q1", "persistence": "Q2",
        "problem_solving": "Q3", "practical_teaching": "Q4", "exploratory_teaching": "Q4",
        "varied_teaching": "Q4",
    }  # fmt: skip
    support = {
        "felt_support": "Q7", "prepared": "Q7", "time_and_room": "Q7", "reflection_together": "Q7",
        "anchoring": "Q8", "sharing_and_use": "Q8",
    }  # fmt: skip
    assert questions["leader"] == support
    assert questions["teacher"] == {
        "beliefs_inquiry": "Q5", "beliefs_active_learning": "Q5", "beliefs_rules": "Q5",
        "beliefs_teacher_direction": "Q5", "practice_practical": "Q6",
        "practice_exploratory": "Q6", "practice_varied": "Q6", "practice_traditional": "Q6",
        **support,
    }  # fmt: skip


def test_shipped_texts_are_there_in_every_language(shipped):
    assert shipped.languages == ("nb", "nn", "en")
    for scale in shipped.scales.values():
        assert set(scale.label) == {"nb", "nn", "en"}
        for item in scale.items.values():
            assert set(item.text) == {"nb", "nn", "en"}
    for responses in shipped.responses.values():
        assert all(set(label) == {"nb", "nn", "en"} for label in responses.labels.values())
        missing = [responses.lookup[x] for x in ("vet ikke", "veit ikkje", "don't know")]
        assert missing == [None] * 3


def test_shipped_scales_can_be_trusted(shipped):
    assert sum(item.reversed for _, item in shipped.items.values()) >= 3
    for scale in shipped.scales.values():
        assert 4 <= len(scale.items) <= 5
        assert 0 < sum(item.reversed for item in scale.items.values()) < len(scale.items) / 2
        assert scale.follows.endswith("(structure only)")
        assert scale.minimum == "half"
        assert scale.needed in (2, 3)
    opposite = {shipped.scales[s].family for s in ("beliefs_inquiry", "beliefs_rules")
                if s in shipped.scales}  # fmt: skip
    assert len(opposite) in (0, 2)


def test_shipped_wordings_differ(shipped):
    items = [item for _, item in shipped.items.values()]
    for language in shipped.languages:
        worded = [normalise_label(item.text[language]) for item in items]
        assert len(set(worded)) == len(worded)
    same = [item.name for item in items if item.text["nb"] == item.text["nn"]]
    assert len(same) < len(items) / 10
    assert not any(item.text["en"] in (item.text["nb"], item.text["nn"]) for item in items)


def test_nynorsk_and_bokmal_are_not_mixed(shipped):
    """Words that one written form has and the other has not."""
    only_nb = {"jeg", "ikke", "hva", "hvordan", "hvorfor", "noe", "noen", "en", "fra", "skole"}
    only_nn = {"eg", "ikkje", "kva", "korleis", "kvifor", "noko", "nokon", "ein", "frå", "skule"}
    for _, item in shipped.items.values():
        assert not only_nn & set(normalise_label(item.text["nb"]).split()), item.name
        assert not only_nb & set(normalise_label(item.text["nn"]).split()), item.name


def test_leaders_and_teachers_are_asked_the_same_things():
    leader, teacher = load_instrument("leader"), load_instrument("teacher")
    for name, scale in leader.scales.items():
        other = teacher.scales[name]
        assert list(scale.items) == list(other.items)
        assert [i.reversed for i in scale.items.values()] == [
            i.reversed for i in other.items.values()
        ]
        assert scale.waves == other.waves == ("mid", "post")
    assert teacher.scales["prepared"].roles == ("participant",)
    assert teacher.scales["anchoring"].roles is None


def test_an_instrument_is_frozen(shipped):
    with pytest.raises(ValidationError, match="frozen"):
        next(iter(shipped.scales.values())).minimum = "all"


GOOD = """\
responses:
  agree:
    1: {nb: Uenig, en: Disagree}
    2: {nb: Enig, en: Agree, also: [Helt enig]}
    missing: [Vet ikke, Don't know]
scales:
  grit:
    label: {nb: Uthald, en: Grit}
    question: Q2
    responses: agree
    minimum: 2
    items:
      grit_1: {nb: Jeg prøver., en: I try., columns: [g1]}
      grit_2:
        nb: Jeg gir opp.
        en: I give up.
        reversed: yes
        columns: [g2, 007]
        earlier: [{waves: [pre], nb: Jeg slutter.}]
  joy:
    label: {nb: Glede, en: Joy}
    responses: agree
    items:
      joy_1: {nb: Gøy., en: Fun.}
"""


def load(folder: Path, *changes: tuple[str, str]) -> Instrument:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "instruments").mkdir(exist_ok=True)
    (folder / "instruments" / "own.yml").write_text(text, encoding="utf-8")
    return load_instrument("own", folder)


def test_a_codebook_is_read_as_written(tmp_path):
    instrument = load(tmp_path)
    scale, item = instrument.items["grit_2"]
    assert (scale.name, scale.needed, scale.waves) == ("grit", 2, ("pre", "mid", "post"))
    assert item.reversed
    assert item.codes == ("grit_2", "g2", "007")
    assert item.wordings == ("Jeg gir opp.", "I give up.", "Jeg slutter.")
    assert item.earlier[0].waves == ("pre",)
    assert not instrument.items["grit_1"][1].reversed
    assert instrument.scales["joy"].question is None
    responses = instrument.response_set("grit")
    assert (responses.minimum, responses.maximum) == (1, 2)
    assert responses.labels[1] == {"nb": "Uenig", "en": "Disagree"}
    assert [option.also for option in responses.options.values()] == [(), ("Helt enig",)]
    assert responses.missing == ("Vet ikke", "Don't know")
    assert responses.lookup == {
        "uenig": 1, "disagree": 1, "enig": 2, "agree": 2, "helt enig": 2,
        "vet ikke": None, "don't know": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minimum", "items", "needed"),
    [("half", 5, 3), ("half", 4, 2), ("two_thirds", 4, 3), ("two_thirds", 6, 4), ("all", 7, 7),
     ("3", 7, 3), ("half", 1, 1)],
)  # fmt: skip
def test_items_needed_for_a_score(tmp_path, minimum, items, needed):
    rows = "".join(f"      joy_{i}: {{nb: Gøy {i}., en: Fun {i}.}}\n" for i in range(1, items + 1))
    instrument = load(
        tmp_path,
        ("      joy_1: {nb: Gøy., en: Fun.}\n", rows),
        ("    label: {nb: Glede, en: Joy}", f"    label: {{nb: G, en: J}}\n    minimum: {minimum}"),
    )
    assert instrument.scales["joy"].needed == needed


WRONG = [
    (("    2: {nb: Enig", "    3: {nb: Enig"), 2, "values of response set agree have a gap",
     "1, 3"),
    (("    2: {nb: Enig", "    to: {nb: Enig"), 4, "unknown key: responses.agree.to",
     "the values (whole numbers)"),
    (("also: [Helt enig]", "also: [UENIG]"), 4, "one label for two answers", "UENIG (1; 2)"),
    (("[Vet ikke, Don't know]", "[Agree]"), 4, "one label for two answers", "(missing; 2)"),
    (("also: [Helt enig]", 'also: ["1"]'), 4, "one label for two answers", "1 (1; 2)"),
    (("    missing:", "    mising:"), 5, "unknown key: responses.agree.mising",
     "did you mean missing?"),
    (("    1: {nb: Uenig, en: Disagree}\n", ""), 2, "wrong value for responses.agree",
     "at least 2"),
    (("{nb: Uenig, en: Disagree}", "{nb: Uenig}"), 3, "language missing: responses.agree.1",
     "add en"),
    (("{nb: Gøy., en: Fun.}", "{nb: Gøy.}"), 24, "language missing: scales.joy.items.joy_1",
     "add en"),
    (("label: {nb: Glede, en: Joy}", "label: {en: Joy}"), 21,
     "language missing: scales.joy.label", "add nb"),
    (("{nb: Gøy., en: Fun.}", "{no: Gøy., en: Fun.}"), 24,
     "unknown key: scales.joy.items.joy_1.no", "nb, nn, en, reversed, columns, earlier"),
    (("{nb: Gøy., en: Fun.}", "{nb: , en: Fun.}"), 24,
     "wrong value for scales.joy.items.joy_1.nb", "found:   nothing"),
    (("{nb: Gøy., en: Fun.}", "Gøy."), 24, "wrong value for scales.joy.items.joy_1",
     "keys with values below them"),
    (("reversed: yes", "reversed: -1"), 17, "wrong value for scales.grit.items.grit_2.reversed",
     "yes or no"),
    (("columns: [g1]", "colums: [g1]"), 13, "unknown key: scales.grit.items.grit_1.colums",
     "did you mean columns?"),
    (("question: Q2", "question: Q11"), 9, "wrong value for scales.grit.question", "Q11"),
    (("minimum: 2", "minimum: hlf"), 11, "wrong value for minimum", "did you mean half?"),
    (("minimum: 2", "minimum: 0"), 11, "wrong value for minimum", "a number of items"),
    (("minimum: 2", "minimum: 3"), 11, "minimum of scale grit is more than its items", "1 to 2"),
    (("    responses: agree\n    minimum", "    responses: agre\n    minimum"), 10,
     "unknown response set of scale grit", "did you mean agree?"),
    (("    label: {nb: Glede, en: Joy}\n", ""), 20, "missing key: scales.joy.label", "add label"),
    (("    items:\n      joy_1: {nb: Gøy., en: Fun.}", "    items: {}"), 23,
     "wrong value for scales.joy.items", "at least 1"),
    (("      joy_1:", "      joy 1:"), 24, "wrong value for scales.joy.items.joy 1",
     "letters a-z, digits and _"),
    (("      joy_1:", "      grit_1:"), 24, "one name, column or wording for two things",
     "grit_1 (item grit.grit_1; item joy.grit_1)"),
    (("      joy_1:", "      grade:"), 24, "one name, column or wording for two things",
     "grade (a column of clean data; item joy.grade)"),
    (("      joy_1:", "      grit:"), 24, "one name, column or wording for two things",
     "grit (scale grit; item joy.grit)"),
    (("columns: [g1]", "columns: [G2]"), 14, "one name, column or wording for two things",
     "g2 (item grit.grit_1; item grit.grit_2)"),
    (("nb: Gøy.", "nb: jeg  SLUTTER."), 24, "one name, column or wording for two things",
     "jeg slutter. (item grit.grit_2; item joy.joy_1)"),
    (("waves: [pre]", "waves: [early]"), 19,
     "wrong value for scales.grit.items.grit_2.earlier.0.waves.0", "pre, mid, post"),
    (("    question: Q2\n", "    question: Q2\n    question: Q3\n"), 10, "duplicate key",
     "question (first in line 9)"),
    (("    question: Q2\n", "    roles: [teacher]\n"), 9, "wrong value for scales.grit.roles.0",
     "participant, colleague, leader"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "line", "what", "more"), WRONG)
def test_what_is_wrong_in_a_codebook_is_told_with_its_line(tmp_path, change, line, what, more):
    with pytest.raises(InputError) as error:
        load(tmp_path, change)
    told = [str(p) for p in error.value.problems]
    hits = [text for text in told if text.startswith(what) and more in text]
    assert hits, told
    assert f"own.yml, line {line}\n" in hits[0] + "\n"


def test_everything_wrong_in_a_codebook_comes_at_once(tmp_path):
    with pytest.raises(InputError) as error:
        load(tmp_path, ("columns: [g1]", "colums: [g1]"), ("minimum: 2", "minimum: 9"),
             ("reversed: yes", "reversed: yes\n        reversed: no"),
             ("nb: Glede", "nb: ' '"))  # fmt: skip
    assert [p.what for p in error.value.problems] == [
        "duplicate key",
        "unknown key: scales.grit.items.grit_1.colums",
        "wrong value for scales.joy.label.nb",
    ]


def test_the_studys_own_instrument_comes_first(tmp_path):
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "pupil.yml").write_text(GOOD)
    assert list(load_instrument("pupil", tmp_path).scales) == ["grit", "joy"]
    assert "persistence" in load_instrument("pupil").scales


@pytest.mark.parametrize("name", ["pupils", "../pupil", ""])
def test_an_unknown_instrument_is_told(tmp_path, name):
    with pytest.raises(InputError, match="instrument not found") as error:
        load_instrument(name, tmp_path)
    assert "leader, pupil, teacher" in str(error.value)


def test_paths_are_shown_from_the_projects_root(tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    with pytest.raises(InputError) as error:
        load(paths.root(), ("minimum: 2", "minimum: 9"))
    assert error.value.problems[0].where == "instruments/own.yml, line 11"
