"""Every text in every language, numbers in one form, and sentences that claim no cause."""

import ast
import re
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

import loftet_analysis
from loftet_analysis import names, schema, show
from loftet_analysis.analysis.estimates import MODELS
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.show.alt_texts import (
    describe_change,
    describe_distribution,
    describe_drawn_together,
    describe_forest,
)
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import (
    LANGUAGES,
    PSEUDO,
    Words,
    catalogue,
    joined,
    label,
    named,
    outcome_labels,
    reader,
    row_label,
)
from loftet_analysis.show.sentences import answer, reading
from loftet_analysis.show.translate import messages
from loftet_analysis.study.columns import MEANINGS
from tests.made_up import (
    all_estimands,
    by_region,
    distribution,
    effect,
    effect_in_own_units,
    effects,
    mask,
    pooled,
    words,
)
from tests.small_demo import HERE
from tests.test_clean import SCHOOLS, population

SOURCES = sorted(Path(show.__file__).parent.rglob("*.py"))
NOTEBOOKS = sorted((HERE / "notebooks").glob("*/[0-9]*.ipynb"))
TRANSLATED = ("nb", "nn")
KINDS = {name: MODELS[name] for name in ESTIMANDS}
# every row that a study can hold: an estimand and its contrast
ROWS = [
    (name, each.contrast or "gender=girl - gender=boy")
    for name in ESTIMANDS
    for each in KINDS[name]
]
IN_SD = [(name, contrast) for name, contrast in ROWS if KINDS[name][0].unit]
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
        elif name == "view":
            found += [(k.value.value,) for k in node.keywords if k.arg in ("title", "nothing")]
    return found


def every_message() -> set[tuple[str, ...]]:
    code = {message for source in SOURCES for message in asked_for(source)}
    code |= {
        (text,)
        for template in Path(show.__file__).parent.glob("assets/*.html")
        for _, text in re.findall(r"""words\.text\((["'])(.*?)\1""", template.read_text("utf-8"))
    }
    prose = {
        (message,)
        for notebook in NOTEBOOKS
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "markdown" and "notebook-only" not in cell.metadata.get("tags", [])
        for message in messages(cell.source)
    }
    labels = {
        (text,)
        for texts in (*LABELS.values(), *(each.sentences for each in ESTIMANDS.values()))
        for text in texts.values()
    }
    labels |= {
        (text,) for each in ESTIMANDS.values() for text in (each.label, each.sentence) if text
    }
    assert len(code) > 60
    assert len(labels) > 100
    assert len(prose) > 50
    meanings = {(text,) for text in (*MEANINGS.values(), *schema.PAIRED.values())}
    meanings |= {(column.meaning,) for column in schema.COLUMNS.values()}
    return code | labels | prose | meanings


def entries(language: str):
    path = Path(show.__file__).parent / "locale" / language / "LC_MESSAGES" / "loftet.po"
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
        said = {language: " ".join(catalogue(language)[key]) for language in TRANSLATED}
        assert not nynorsk.search(said["nb"]), said["nb"]
        # titles of sources stay as they are
        assert not bokmal.search(re.sub("«[^»]*»", "", said["nn"])), said["nn"]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_uses_one_form_of_each_word(language):
    lines = (HERE / f"tests/unwanted.{language}.txt").read_text(encoding="utf-8").splitlines()
    wanted = dict(line.split(": ") for line in lines if not line.startswith("#"))
    texts = [
        form
        for entry in entries(language).values()
        for form in (entry.string if isinstance(entry.string, tuple) else (entry.string,))
    ]
    texts += [path.read_text("utf-8") for path in HERE.glob(f"docs/templates/*.{language}.txt")]
    texts = [re.sub("«[^»]*»", "", text) for text in texts]  # titles of sources stay as they are
    found = []
    for unwanted, form in wanted.items():
        pattern = re.compile(r"\b" + unwanted.replace("*", r"\w*") + r"\b", re.IGNORECASE)
        found += [f"{unwanted}, not {form}: {text}" for text in texts if pattern.search(text)]
    assert not found, "\n".join(found)


def test_fuzzy_and_empty_entries_are_not_used(tmp_path, monkeypatch):
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "loftet.po").write_text(
        '#, fuzzy\nmsgid "one"\nmsgstr "ein"\n\nmsgid "two"\nmsgstr ""\n\n'
        'msgid "three"\nmsgstr "tre"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr("loftet_analysis.show.languages._LOCALE", tmp_path)
    assert catalogue.__wrapped__("xx") == {"three": ("tre",)}


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
    assert [nb.number(x) for x in (0.1, -0.1, 0.001)] == ["0,10", "−0,10", "0,00"]
    assert nb.count(12345) == "12\u202f345"
    assert nb.percent(0.951) == "95\N{NO-BREAK SPACE}%"
    # none and all are said of nothing else
    shares = (0, 0.002, 0.006, 0.994, 0.996, 0.99999, 1)
    said = [Words("en").percent(share) for share in shares]
    assert said == ["0%", "<1%", "1%", "99%", ">99%", ">99%", "100%"]
    assert Words("en").percent(0.9997, 1) == ">99.9%"
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
        *(label("estimand", each, speech) for each in ESTIMANDS),
        *(label("contrast", contrast, speech) for name, contrast in ROWS if len(KINDS[name]) > 1),
        *(label("reason", each, speech) for each in refusals()),
        *(label("wave", each, speech) for each in (*names.WAVES, names.LINKED)),
        *(label("subgroup", f"role={each}", speech) for each in names.ROLES),
        *(label("step", each, speech) for each in schema.STEPS),
        *(label("population", each, speech) for each in names.POPULATIONS),
        *(label(kind, code, speech) for kind, texts in LABELS.items() for code in texts),
    ]
    assert all(labels)
    assert label("subgroup", "all", speech) == label("contrast", "post - pre", speech) == ""
    assert label("subgroup", "language=nynorsk", speech) == "language: nynorsk"
    assert "7" in label("subgroup", "grade=7", speech)


@pytest.mark.parametrize("kind", ["estimand", "wave", "reason", "light"])
def test_an_unknown_code_or_kind_is_an_error(kind):
    with pytest.raises(KeyError):
        label(kind, "unheard_of", words())
    with pytest.raises(KeyError):
        label("unheard of", "pre", words())


def test_the_keys_of_a_row_are_named():
    row = {
        "population": "teachers", "region": "oslo", "school_id": "s1", "outcome": "views",
        "item": "views_1", "subgroup": "all", "estimand": "level", "verdict": "increase", "n": 7,
    }  # fmt: skip
    assert [named(row, column, words()) for column in row] == [
        "Lærere", "Oslo – Oslove", "Bø skole", "Syn på faget", "Jeg liker matematikk. (snudd)",
        "alle", "Nivå", "økning", "7",
    ]  # fmt: skip
    assert named({"population": "pupils", "item": ""}, "item", words("en")) == "The whole scale"
    assert named({"outcome": "views"}, "outcome", words()) == "views"


def test_outcomes_of_two_populations_with_one_label_are_told_apart():
    pair = [("pupils", "joy"), ("teachers", "views")]
    assert outcome_labels(pair, words())["pupils", "joy"] == "Matematikkglede"
    alike = Words("nb", dict.fromkeys(pair, "Glede"))
    assert outcome_labels(pair, alike) == {pair[0]: "Glede (elever)", pair[1]: "Glede (lærere)"}


def refusals() -> set[str]:
    """Every reason that the library gives for a number that is not there."""
    return {
        node.args[0].value
        for source in Path(loftet_analysis.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "NotEstimableError"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def row_name(estimand: str, contrast: str, speech: Words, subgroup: str = "all") -> str:
    return row_label({"estimand": estimand, "contrast": contrast, "subgroup": subgroup}, speech)


def test_rows_of_one_estimand_are_told_apart_by_their_labels():
    for language in LANGUAGES:
        labels = [row_name(*row, words(language)) for row in ROWS]
        assert len(set(labels)) == len(ROWS)
    nb = words("nb")
    assert row_name("same_grade_quantile", "p10", nb) == (
        "Persentiler på samme trinn, 10. persentil"
    )
    assert row_name("gap_change", "grade_band=8-10 - grade_band=5-7", nb) == (
        "Endring i forskjellen, ungdomstrinnet (8–10) − mellomtrinnet (5–7)"
    )
    assert row_name("same_grade", "post - pre", nb) == "Endring på samme trinn"
    assert row_name("same_grade", "post - pre", nb, "grade=7") == "Endring på samme trinn, 7. trinn"
    assert row_name("participants", "post - pre", nb, "role=participant") == "Deltakere"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("estimand", "contrast"), IN_SD)
@pytest.mark.parametrize("population", ["pupils", "teachers"])
def test_a_reading_gives_the_estimate_its_interval_and_no_cause(
    language, estimand, contrast, population
):
    row = effect(estimand=estimand, contrast=contrast, population=population, suppressed=False)
    said = reading(row, words(language))
    point = "." if language == "en" else ","
    assert f"0{point}12" in said
    assert f"−0{point}06" in said
    assert f"0{point}30" in said
    assert "95" in said
    assert "standard" in said
    assert not CAUSAL.search(said)
    assert said.endswith(".")
    assert {"nb": "omfatter null", "nn": "omfattar null", "en": "includes zero"}[language] in said
    beyond = {**row, "ci_low": 0.01}
    assert "includes zero before rounding" in reading(beyond, words("en"))
    assert "includes" not in reading({**beyond, "verdict": "increase"}, words("en"))


@pytest.mark.parametrize(
    ("estimate", "verdict", "said"),
    [
        (0.25, "increase", "gikk opp 0,25 standardavvik i gjennomsnitt"),
        (-0.25, "decrease", "gikk ned 0,25 standardavvik i gjennomsnitt"),
        (-0.25, "unclear", "endret seg med −0,25 standardavvik i gjennomsnitt"),
        (0.03, "negligible", "endret seg med 0,03 standardavvik i gjennomsnitt"),
        (0.004, "increase", "endret seg med 0,00 standardavvik i gjennomsnitt"),
    ],
)
def test_a_change_is_said_in_words(estimate, verdict, said):
    row = effect(estimand="participants", population="teachers", suppressed=False)
    row |= {"plan_role": "primary", "p_adjusted": 0.001, "verdict": verdict}
    row |= {"region": "national", "estimate": estimate, "flags": ""}
    text = reading(row, words("nb"))
    assert text.startswith(f"Svarene fra deltakerne {said} (")


OWN_UNITS = {
    ("level", "mean"): (3.21, 3.1, 3.32),
    ("level", "share"): (0.64, 0.6, 0.68),
    ("share_below", "post - pre"): (-0.042, -0.07, 0.004),
    ("spread_ratio", "between schools"): (0.2, -0.1, 0.5),
    ("spread_ratio", "within schools"): (-0.1, -0.15, -0.05),
}
SAID = {
    "nb": (
        "Gjennomsnittet av svarene er 3,21 (95_% KI 3,10 til 3,32), der 1 er «Helt uenig» og 4 er "
        "«Helt enig».",
        "Av dem som har svart, ligger 64_% over midten av skalaen (95_% KI 60_% til 68_%).",
        "Andelen elever på de samme trinnene under grensen for den laveste femdelen (fra før) gikk "
        "ned 4,2 prosentpoeng (95_% KI −7,0 til 0,4, omfatter null).",
        "Spredningen mellom skolene er 1,22 ganger så stor etter som før (95_% KI 0,90 til 1,65, "
        "omfatter 1), altså 22_% større.",
        "Spredningen mellom elevene innenfor skolene er 0,90 ganger så stor etter som før (95_% KI "
        "0,86 til 0,95), altså 10_% mindre.",
    ),
    "nn": (
        "Gjennomsnittet av svara er 3,21 (95_% KI 3,10 til 3,32), der 1 er «Heilt ueinig» og 4 er "
        "«Heilt einig».",
        "Av dei som har svara, ligg 64_% over midten av skalaen (95_% KI 60_% til 68_%).",
        "Prosentdelen elevar på dei same trinna under grensa for den lågaste femdelen (frå før) "
        "gjekk ned 4,2 prosentpoeng (95_% KI −7,0 til 0,4, omfattar null).",
        "Spreiinga mellom skulane er 1,22 gonger så stor etter som før (95_% KI 0,90 til 1,65, "
        "omfattar 1), altså 22_% større.",
        "Spreiinga mellom elevane innanfor skulane er 0,90 gonger så stor etter som før (95_% KI "
        "0,86 til 0,95), altså 10_% mindre.",
    ),
    "en": (
        "The mean answer is 3.21 (95% CI 3.10 to 3.32), where 1 is “Strongly disagree” and 4 is "
        "“Strongly agree”.",
        "Of those who answered, 64% are above the middle of the scale (95% CI 60% to 68%).",
        "In the same grades, the share of pupils below the limit of the lowest fifth (from before) "
        "went down by 4.2 percentage points (95% CI −7.0 to 0.4, includes zero).",
        "The spread between the schools is 1.22 times as large after as before (95% CI 0.90 to "
        "1.65, includes 1), that is 22% larger.",
        "The spread between the pupils within the schools is 0.90 times as large after as before "
        "(95% CI 0.86 to 0.95), that is 10% smaller.",
    ),
}


def in_own_units(estimand: str, contrast: str) -> dict:
    values = OWN_UNITS[estimand, contrast]
    # what is said of the verdict stands in tests of its own
    return effect_in_own_units(
        *values, estimand=estimand, contrast=contrast, suppressed=False, verdict="", flags=""
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_standard_deviation_is_read_in_its_own_units(language):
    assert sorted(OWN_UNITS) == sorted(set(ROWS) - set(IN_SD))
    said = [reading(in_own_units(*row), words(language)) for row in OWN_UNITS]
    assert said == [text.replace("_", "\N{NO-BREAK SPACE}") for text in SAID[language]]
    assert not any(CAUSAL.search(text) for text in said)


def test_a_spread_that_stayed_is_equally_large():
    row = in_own_units("spread_ratio", "between schools") | {"change": 0.001}
    assert reading(row, words("en")).endswith("that is equally large.")
    assert "1,00 ganger så stor" in reading(row, words("nb"))


def test_each_row_reads_differently():
    for language in (*LANGUAGES, "nb" + PSEUDO):
        rows = [
            in_own_units(*row)
            if row in OWN_UNITS
            else effect(estimand=row[0], contrast=row[1], suppressed=False)
            for row in ROWS
        ]
        said = {reading(row, words(language)) for row in rows}
        assert len(said) == len(ROWS)
        assert all(text.startswith("⟦") == language.endswith(PSEUDO) for text in said)


def test_groups_and_doses_are_named_in_the_readers_language():
    gap = effect(estimand="gap_change", contrast="gender=girl - gender=boy", suppressed=False)
    assert "endringen for jenter minus endringen for gutter" in reading(gap, words("nb"))
    assert "endringa for jenter minus endringa for gutar" in reading(gap, words("nn"))
    turned = {**gap, "contrast": "gender=boy - gender=girl"}
    assert "the change for boys minus the change for girls" in reading(turned, words("en"))
    hidden = {**gap, "suppressed": True}
    assert reading(hidden, words("nb")) == (
        "Endring i forskjellen, jenter − gutter: vises ikke (personvern)."
    )
    dose = effect(estimand="dose", contrast="per gathering", suppressed=False)
    assert "For hver samling mer" in reading(dose, words("nb"))
    tenth = effect(estimand="same_grade_quantile", contrast="p10", suppressed=False)
    assert "Verdien som 10\N{NO-BREAK SPACE}% av elevene" in reading(tenth, words("nb"))


def test_a_subgroup_is_named_before_its_sentence_and_a_role_by_its_estimand():
    girls = effect(subgroup="gender=girl", suppressed=False)
    assert reading(girls, words("nb")).startswith("Jenter: Svarene på de samme trinnene")
    refused = {**girls, "reason": "no_subgroup"}
    assert reading(refused, words("nn")).startswith("Endring på same trinn, jenter: ikkje rekna ut")
    role = effect(estimand="participants", subgroup="role=participant", suppressed=False)
    assert reading(role, words("en")).startswith("The participants' answers")


def test_what_an_estimand_includes_is_said_with_it():
    speech = words("nb")
    row = effect(estimand="linked_change", suppressed=False)
    assert "blitt eldre" in reading(row, speech)
    assert "blitt eldre" not in reading({**row, "population": "teachers"}, speech)
    row = effect(estimand="participants_vs_colleagues", population="teachers", suppressed=False)
    assert "ikke et mål på effekt" in reading(row, speech)
    row = effect(estimand="programme_vs_comparison", flags="low_df;adjusted_for_pre")
    said = reading({**row, "suppressed": False}, speech)
    assert "ikke trukket lodd" in said
    assert "Det er justert for svarene før." in said


@pytest.mark.parametrize("reason", sorted(refusals()))
def test_a_refused_row_says_why_and_a_hidden_one_that_it_is_hidden(reason):
    refused = effect(estimate=float("nan"), reason=reason, suppressed=False)
    assert label("reason", reason, words("nn")) in reading(refused, words("nn"))
    hidden = effect(estimate=float("nan"), reason="small_n", suppressed=True)
    assert reading(hidden, words("nb")) == ("Endring på samme trinn: vises ikke (personvern).")


def test_an_answer_gathers_readings_by_outcome():
    given = {"suppressed": False, "verdict": "decrease", "flags": ""}
    frame = all_estimands().assign(ci_high=-0.02, **given)
    said = answer(frame, words=words("nb"))
    outcomes = BeautifulSoup(said.html, "html.parser").select("ul.reading > li")
    assert [each.strong.text for each in outcomes] == ["Matematikkglede", "Syn på faget"]
    for each in outcomes:
        assert each.select_one("span.light.good").text == "● god måling"
        rows = [row.text for row in each.select("ul > li")]
        assert sum("standardavvik" in row for row in rows) == 3
        assert all(f"- {row}" in said.text for row in rows)
    # what all rows of an outcome come to is said once, after them
    assert [row.text for row in outcomes[0].select("ul > li")][3:] == [
        "Intervallet ligger under null: en nedgang."
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_alt_texts_say_what_a_figure_shows(language):
    speech = words(language)
    point = "." if language == "en" else ","
    said = [
        describe_change(all_estimands(), speech),
        describe_distribution(distribution(), speech),
        describe_forest(effects({}), pooled(), speech),
        describe_drawn_together(by_region(), "region", speech),
    ]
    for sentences, number in zip(said, ("0{}12", "2{}61", "0{}08", "0{}08"), strict=True):
        text = " ".join(sentences)
        assert number.format(point) in text
        assert not CAUSAL.search(text)


def test_made_up_mask_is_of_the_contract():
    assert tuple(mask().columns) == schema.MASK


def test_roles_that_were_asked_are_known_beside_earlier_wordings():
    study = SimpleNamespace(
        populations={"pupils": population()}, questions={}, disclosure="internal", schools=SCHOOLS,
        regions=pd.DataFrame({"region": ["oslo"], "name": ["Oslo"]}),
        analysis=SimpleNamespace(region_features=None), years_between=lambda *_: None,
        labels={}, text=lambda texts, language: texts[language],
    )  # fmt: skip
    known = reader(study, "nb")
    assert known.asked == {("pupils", "support"): ("participant",)}
    assert known.wordings == {("pupils", "effort_3", "pre"): "Jeg fortsetter."}
