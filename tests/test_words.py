"""Every text in every language, numbers in one form, and sentences that claim no cause."""

import ast
import re
from pathlib import Path
from string import Formatter

import nbformat
import pandas as pd
import pytest
from babel.messages.pofile import read_po

from loftet_analysis import names, report
from loftet_analysis.errors import InputError
from loftet_analysis.report.translate import messages
from loftet_analysis.report.words import (
    LANGUAGES,
    PSEUDO,
    Words,
    catalogue,
    describe_change,
    describe_distribution,
    describe_forest,
    estimand_label,
    joined,
    reading,
    readings,
    reason_label,
    subgroup_label,
    wave_label,
)
from loftet_analysis.stats.effects import REASONS
from tests.made_up import all_estimands, distribution, effect, mask, pooled, words
from tests.small_demo import HERE

SOURCES = sorted(Path(report.__file__).parent.glob("*.py"))
NOTEBOOKS = sorted((HERE / "notebooks").rglob("[0-9]*.ipynb"))
TRANSLATED = ("nb", "nn")
IN_SD = [each for each in names.ESTIMANDS if each not in ("level", "share_below", "spread_ratio")]
CAUSAL = re.compile(
    r"\b(because|caus\w+|due to|led to|thanks to|improved?|førte til|skyldes|på grunn av|fordi"
    r"|takket være|bidro|forbedre\w*|grunna|takka vere|betra)\b",
    re.IGNORECASE,
)


def asked_for(source: Path) -> list[tuple[str, ...]]:
    """The message ids that a module asks for, also inside f-strings."""
    found = []
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        texts = [a.value for a in node.args if isinstance(a, ast.Constant) and a.value != ""]
        texts = [text for text in texts if isinstance(text, str)]
        if name in {"_", "text"} and texts:
            found.append((texts[0],))
        elif name == "plural" and len(texts) == 2:
            found.append(tuple(texts))
    return found


def every_message() -> set[tuple[str, ...]]:
    code = {message for source in SOURCES for message in asked_for(source)}
    prose = {
        (message,)
        for notebook in NOTEBOOKS
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "markdown"
        for message in messages(cell.source)
    }
    assert len(code) > 60
    assert len(prose) > 50
    return code | prose


def entries(language: str):
    path = SOURCES[0].parent / "locale" / language / "LC_MESSAGES" / "loftet.po"
    with path.open("rb") as file:
        return {
            entry.id if isinstance(entry.id, tuple) else (entry.id,): entry
            for entry in read_po(file, locale=language, abort_invalid=True)
            if entry.id
        }


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated_and_no_translation_is_left_over(language):
    there, wanted = entries(language), every_message()
    assert sorted(wanted - set(there)) == []
    assert sorted(set(there) - wanted) == []
    for message, entry in there.items():
        forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        assert not entry.fuzzy, message
        assert len(forms) == len(message), message
        assert all(forms), message


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_and_marks_of_their_message(language):
    def fields(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in Formatter().parse(text) if name)

    for message, entry in entries(language).items():
        forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        for source, form in zip(message, forms, strict=True):
            assert fields(source) == fields(form), source
            assert source.count("**") == form.count("**"), source
            assert (source[-1] in ".?:") == (form[-1] in ".?:"), source


def test_bokmal_and_nynorsk_are_two_languages():
    long = [key for key in catalogue("nb") if len(key) > 60]
    same = [key for key in long if catalogue("nb")[key] == catalogue("nn")[key]]
    assert same == []
    bokmal = re.compile(r"\b(ikke|hva|hvordan|skole\w*|noe|fra|jeg|elever|lærere|seg selv|hvor)\b")
    nynorsk = re.compile(r"\b(ikkje|kva|korleis|skul\w+|noko|frå|eg|elevar|lærarar|kvar|kor)\b")
    for key in catalogue("nb"):
        said = {language: str(catalogue(language)[key]) for language in TRANSLATED}
        assert not nynorsk.search(said["nb"]), said["nb"]
        assert not bokmal.search(said["nn"]), said["nn"]


def test_fuzzy_and_empty_entries_are_not_used(tmp_path, monkeypatch):
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "loftet.po").write_text(
        '#, fuzzy\nmsgid "one"\nmsgstr "ein"\n\nmsgid "two"\nmsgstr ""\n\n'
        'msgid "three"\nmsgstr "tre"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr("loftet_analysis.report.words._LOCALE", tmp_path)
    assert catalogue.__wrapped__("xx") == {"three": "tre"}


@pytest.mark.parametrize(
    ("language", "value", "digits", "shown"),
    [
        ("nb", -0.125, 2, "−0,13"),
        ("nn", 1234567.0, 0, "1\u202f234\u202f567"),
        ("en", 1234567.0, 0, "1,234,567"),
        ("en", -0.125, 2, "−0.13"),
        ("nb", -0.004, 2, "0,00"),
        ("nb", 0.285, 2, "0,29"),
        ("nb", float("nan"), 2, ""),
        ("nb", None, 2, ""),
        ("nb", pd.NA, 0, ""),
        ("nb", float("-inf"), 2, "−∞"),
        ("nb-x-pseudo", 0.5, 1, "0,5"),
    ],
)
def test_numbers(language, value, digits, shown):
    assert Words(language).number(value, digits) == shown


def test_signs_counts_shares_and_p_values():
    nb = Words("nb")
    assert [nb.number(x, signed=True) for x in (0.1, -0.1, 0.001)] == ["+0,10", "−0,10", "0,00"]
    assert nb.count(12345) == "12\u202f345"
    assert nb.percent(0.951) == "95\N{NO-BREAK SPACE}%"
    assert [nb.p_value(p) for p in (0.0004, 0.001, 0.0412)] == ["< 0,001", "0,001", "0,041"]
    assert nb.interval(-0.5, 1) == "−0,50 til 1,00"
    assert nb.interval(float("nan"), 1) == ""
    assert nb.date(pd.Timestamp("2027-04-03").date()) == "3. april 2027"
    assert joined(["a"], nb) == "a"


def test_plural_forms():
    assert Words("nn").plural("{n} page", "{n} pages", 1) == "1 side"
    assert Words("nn").plural("{n} page", "{n} pages", 1200) == "1\u202f200 sider"
    assert Words("en").plural("{n} page", "{n} pages", 2) == "2 pages"


def test_unknown_language():
    with pytest.raises(InputError, match=r"unknown language\n.*found: +sv\n.*nb, nn, en"):
        Words("sv")


def test_the_pseudo_locale_wraps_every_translation():
    pseudo = Words("nb" + PSEUDO)
    assert pseudo.text("Colleagues") == "⟦Kolleger⟧"
    assert pseudo.plural("{n} page", "{n} pages", 3) == "⟦3 sider⟧"
    assert pseudo.locale == "nb"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_the_results_has_a_name(language):
    speech = words(language)
    labels = [
        *(estimand_label(each, speech) for each in names.ESTIMANDS),
        *(reason_label(each, speech) for each in REASONS),
        *(wave_label(each, speech) for each in (*names.WAVES, names.LINKED)),
        *(subgroup_label(f"role={each}", speech) for each in names.ROLES),
    ]
    assert all(labels)
    assert subgroup_label("all", speech) == ""
    assert subgroup_label("language=nynorsk", speech) == "nynorsk"
    assert "7" in subgroup_label("grade=7", speech)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("estimand", IN_SD)
@pytest.mark.parametrize("population", ["pupils", "teachers"])
def test_a_reading_gives_the_estimate_its_interval_and_no_cause(language, estimand, population):
    row = effect(estimand=estimand, population=population, suppressed=False)
    said = reading(row, words(language))
    point = "." if language == "en" else ","
    assert f"+0{point}12" in said
    assert f"−0{point}06" in said
    assert f"0{point}30" in said
    assert "95" in said
    assert not CAUSAL.search(said)
    assert said.endswith(".")
    assert {"nb": "null er innenfor", "nn": "null er innanfor", "en": "zero inside"}[
        language
    ] in said
    assert "inside" not in reading({**row, "ci_low": 0.01}, words("en"))


def test_each_estimand_reads_differently():
    for language in LANGUAGES:
        said = {reading(effect(estimand=each, suppressed=False), words(language)) for each in IN_SD}
        assert len(said) == len(IN_SD)


OWN_UNITS = {
    ("level", "mean"): {
        "nb": "3,21 (95\N{NO-BREAK SPACE}% KI 3,10 til 3,32)",
        "en": "3.21 (95% CI",
    },
    ("level", "share agreeing"): {"nb": "64\N{NO-BREAK SPACE}%", "en": "64%"},
    ("share_below", "post - pre"): {"nb": "+4,2 prosentpoeng", "en": "+4.2 percentage points"},
    ("spread_ratio", "between schools"): {"nb": "mellom skolene er 1,22", "en": "1.22 times"},
    ("spread_ratio", "within schools"): {"nb": "innenfor skolene er 1,22", "en": "1.22 times"},
}
VALUES = {"mean": (3.21, 3.1, 3.32), "share agreeing": (0.64, 0.6, 0.68),
          "post - pre": (0.042, 0.01, 0.07)}  # fmt: skip


@pytest.mark.parametrize(("estimand", "contrast"), OWN_UNITS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_standard_deviation_is_read_in_its_own_units(estimand, contrast, language):
    change, low, high = VALUES.get(contrast, (0.2, -0.1, 0.5))
    nothing = float("nan")
    row = effect(
        estimand=estimand, contrast=contrast, suppressed=False, estimate=nothing, ci_low=nothing,
        ci_high=nothing, change=change, change_ci_low=low, change_ci_high=high,
    )  # fmt: skip
    said = reading(row, words(language))
    assert OWN_UNITS[estimand, contrast].get(language, "") in said
    assert not CAUSAL.search(said)
    assert "standard" not in said
    assert said.endswith(").")


def test_groups_and_doses_are_named_in_the_readers_language():
    gap = effect(estimand="gap_change", contrast="gender=girl - gender=boy", suppressed=False)
    assert "(jenter − gutter)" in reading(gap, words("nb"))
    assert "(jenter − gutar)" in reading(gap, words("nn"))
    dose = effect(estimand="dose", contrast="per gathering", suppressed=False)
    assert "(per samling)" in reading(dose, words("nb"))
    tenth = effect(estimand="same_grade_quantile", contrast="p10", suppressed=False)
    assert "persentil 10," in reading(tenth, words("nb"))


def test_what_an_estimand_includes_is_said_with_it():
    speech = words("nb")
    row = effect(estimand="linked_change", suppressed=False)
    assert "blitt eldre" in reading(row, speech)
    assert "blitt eldre" not in reading({**row, "population": "teachers"}, speech)
    row = effect(estimand="participants_vs_colleagues", population="teachers", suppressed=False)
    assert "ikke et mål på effekt" in reading(row, speech)


@pytest.mark.parametrize("reason", REASONS)
def test_a_refused_row_says_why_and_a_hidden_one_that_it_is_hidden(reason):
    refused = effect(estimate=float("nan"), reason=reason, suppressed=False)
    assert reason_label(reason, words("nn")) in reading(refused, words("nn"))
    hidden = effect(estimate=float("nan"), reason="small_n", suppressed=True)
    assert reading(hidden, words("nb")) == "Endring på samme trinn: skjult, siden for få har svart."


def test_readings_gather_by_outcome():
    frame = all_estimands().assign(suppressed=False)
    said = readings(frame, words=words("nb"))
    assert list(said) == ["Matematikkglede", "Syn på faget"]
    assert all(text.count("standardavvik") == 3 for text in said.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_alt_texts_say_what_a_figure_shows(language):
    speech = words(language)
    point = "." if language == "en" else ","
    said = [
        describe_change(all_estimands(), speech),
        describe_distribution(distribution(), speech),
        describe_forest(pooled(), speech),
    ]
    for text, number in zip(said, ("0{}12", "2{}61", "0{}08"), strict=True):
        assert number.format(point) in text
        assert not CAUSAL.search(text)


def test_made_up_mask_is_of_the_contract():
    assert tuple(mask().columns) == names.MASK
