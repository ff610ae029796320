"""One glossary for pages, the guide and `describe`: all codes and columns, in every language."""

import re
from pathlib import Path

import pandas as pd
import pytest

import loftet_analysis
from loftet_analysis import names, schema
from loftet_analysis.analysis.verdicts import VERDICTS
from loftet_analysis.cleaning import account, link
from loftet_analysis.cleaning.sheets import BLANK
from loftet_analysis.disclosure import mask
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.show.glossary import describe, glossary
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import Words, catalogue, reader
from loftet_analysis.study import load_study
from loftet_analysis.study.columns import MEANINGS, nobody
from loftet_analysis.study.instrument import LANGUAGES
from loftet_analysis.study.plan import plan
from tests.test_words import refusals

#: Statistical terms of the pages, in any form.
TERMS = (
    "cfi", "cluster", "correlation", "degrees of freedom", "factor loading", "icc", "i²", "imput",
    "intercept", "latent change", "median", "minimum detectable", "multilevel", "naive", "omega",
    "p (q)", "percentile", "prediction interval", "p-value", "r_wg", "regression to the mean",
    "reliability", "rmsea", "sensitivity", "shrunk", "slope", "standard deviation", "variance", "τ",
)  # fmt: skip


def parts(language: str) -> dict[str, dict[str, str]]:
    return {part.name: dict(part.terms) for part in glossary(Words(language))}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_and_column_is_explained(language):
    told = parts(language)
    assert set(told["columns"]) == set(schema.COLUMNS)
    assert set(told["clean"]) == set(MEANINGS)
    assert set(told["estimand"]) == set(ESTIMANDS)
    assert len(told["comparisons"]) == len(ESTIMANDS)
    assert set(told["verdict"]) == set(VERDICTS)
    hidden = {mask.SMALL, mask.SAME, mask.DOMINATED, mask.CHANGE, mask.COMPLEMENT}
    assert set(told["reasons"]) >= {*hidden, names.FEW_CLUSTERS, *refusals()}
    assert set(told["aside"]) >= {*account._SHEETS, BLANK, "no_sheet"}
    assert set(told["states"]) == set(link._STATES)
    assert set(told["warnings"]) == set(LABELS["warning"])
    assert all(meaning for part in told.values() for meaning in part.values())
    assert not any(re.search(r"[{}]", str(part)[1:-1]) for part in told.values())


def test_every_statistical_term_of_the_pages_is_explained():
    said = " ".join(catalogue("nb")).lower()
    assert [term for term in TERMS if term not in said] == []
    told = parts("en")
    explained = " ".join(f"{term} {meaning}" for of in ("terms", "comparisons", "methods")
                         for term, meaning in told[of].items()).lower()  # fmt: skip
    assert [term for term in TERMS if term not in explained] == []


def test_every_flag_that_the_code_raises_is_explained():
    sources = Path(loftet_analysis.__file__).parent.glob("analysis/*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    raised = set(re.findall(r'flags=\(\*?(?:\w+\.flags, )?f?"(\w+=?)', text))
    raised |= set(re.findall(r'flags\.append\(f?"(\w+=?)', text))
    assert len(raised) > 4
    raised |= {flag.partition("=")[0] for flag in LABELS["flag"]}
    known = {flag.rstrip("=") for flag in parts("en")["flags"]}
    assert {flag.rstrip("=") for flag in raised} <= known


def test_a_study_adds_its_limits_and_its_scales():
    study = load_study("sats")
    told = {part.name: part for part in glossary(reader(study, "en"), study)}
    assert "Affect" in dict(told["scales"].terms)
    assert "scales" not in parts("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_study_without_a_programme_is_told_of_none(language):
    """Its glossary and its plan hold nothing of the demo's seminars and interim work."""
    study = load_study("reading")
    said = "\n".join(
        f"{term}: {meaning}"
        for part in glossary(reader(study, language), study)
        if part.name != "columns"
        for term, meaning in part.terms
    )
    foreign = r"mellomarbeid|interim|samlinge?r|seminar|gatherings|programme?|Q\d"
    without = {"programme", "programmet"}  # a change that was expected without one
    assert {*re.findall(foreign, said, re.IGNORECASE)} <= without, said
    assert "Q1" not in "".join(parts(language)["columns"].values())
    assert set(plan(study)["flags"]) == {""}
    demo = load_study("demo")
    known = {part.name: dict(part.terms) for part in glossary(reader(demo, language), demo)}
    assert {"gatherings", "interim_work"} <= {*known["clean"]}
    assert {"programme_months=", "range="} <= {*known["flags"]}
    assert "dose" in known["estimand"]


def test_describe_says_what_the_glossary_says():
    result = pd.DataFrame({"n_pre": [1], "mine": [2]})
    assert describe(result, "nb")["meaning"].to_list() == [parts("nb")["columns"]["n_pre"], ""]
    pairs = pd.DataFrame({"clustered_by": ["school"], "change": [0.1]})
    assert describe(pairs)["meaning"]["change"] == schema.PAIRED["change"]
    study = load_study("sats")
    (population,) = study.populations.values()
    clean = nobody(population)
    clean.attrs |= {"study": "sats", "population": population.name}
    assert describe(clean, "nn")["meaning"]["school_id"] == parts("nn")["clean"]["school_id"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_in_the_tables_is_in_the_glossary(small_demo, language):
    told = {part.name: {*dict(part.terms)} for part in glossary(Words(language))}
    known = {
        "reason": told["reasons"], "share_reason": told["reasons"], "state": told["states"],
        "verdict": told["verdict"], "main_verdict": told["verdict"],
        "measurement_warning": told["warnings"], "estimand": told["estimand"],
        "flags": {flag.rstrip("=") for flag in told["flags"]},
    }  # fmt: skip
    tables = [*(small_demo / "reports/demo/tables").glob("*.csv")]
    met = set()
    for path in tables:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        for column in {*known} & {*frame}:
            cells = ";".join(frame[column].unique()).split(";")
            codes = {cell.strip().partition("=")[0] for cell in cells} - {""}
            its = told["aside"] if path.stem == "ledger" else known[column]
            assert codes <= its, (path.name, column, codes - its)
            met |= codes
    assert {"small_n", "complementary", "linked"} <= met
