"""A row of results becomes a correct sentence: every verdict, kind of evidence and language."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag
from scipy import stats

from loftet_analysis import schema
from loftet_analysis.analysis.changes import (
    CONTAMINATED,
    DESCRIPTIVE,
    QUASI_EXPERIMENTAL,
)
from loftet_analysis.analysis.estimates import MODELS
from loftet_analysis.analysis.measurement import CODES, LIGHTS
from loftet_analysis.analysis.verdicts import VERDICTS, verdicts
from loftet_analysis.estimands import ESTIMANDS
from loftet_analysis.show import tables
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import LANGUAGES, PSEUDO, label
from loftet_analysis.show.sentences import (
    agreement,
    answer,
    certainty,
    conclusion,
    evidence,
    in_sentence,
    may_have,
    quality,
    reading,
    summary,
    weaknesses,
    who_answered,
)
from tests import made_up
from tests.long import long_but
from tests.made_up import all_estimands, effect, increases, words
from tests.test_words import CAUSAL

KINDS = {name: MODELS[name] for name in ESTIMANDS}
LEVELS = (DESCRIPTIVE, CONTAMINATED, QUASI_EXPERIMENTAL)
ESTIMAND_OF = {
    DESCRIPTIVE: "same_grade",
    CONTAMINATED: "participants_vs_colleagues",
    QUASI_EXPERIMENTAL: "programme_vs_comparison",
}
# an estimate and its standard error with 9 df that give each verdict
OF_VERDICT = {
    "increase": (0.30, 0.05), "decrease": (-0.30, 0.05), "negligible": (0.01, 0.02),
    "unclear": (0.05, 0.15),
}  # fmt: skip
NO_BREAK = "\N{NO-BREAK SPACE}"


def row_of(estimate: float, se: float, *, df: float = 9.0, **given) -> dict:
    """A row as the analysis itself judges it."""
    half = stats.t.ppf(0.975, df) * se
    numbers = {
        "estimate": estimate, "se": se, "ci_low": estimate - half, "ci_high": estimate + half,
        "df": df, "change": estimate, "change_se": se, "change_ci_low": estimate - half,
        "change_ci_high": estimate + half, "sd_unit": 1.0, "flags": "", "family": "",
        "drift": None, "p_value": 2 * stats.t.sf(abs(estimate / se), df), "evidence": DESCRIPTIVE,
        "verdict": "", "measurement_warning": "",
    }  # fmt: skip
    row = effect(**{**numbers, **given})
    frame = pd.DataFrame([row]).astype({"drift": float})
    (found,) = verdicts(frame).to_dict("records")
    return {**found, "suppressed": False}


def of_verdict(verdict: str, **given) -> dict:
    row = row_of(*OF_VERDICT[verdict], **given)
    assert row["verdict"] == verdict
    return row


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("verdict", OF_VERDICT)
def test_every_verdict_kind_of_evidence_and_language(verdict, level, language):
    row = of_verdict(verdict, estimand=ESTIMAND_OF[level], evidence=level)
    said = f"{reading(row, words(language))} {evidence(row, words(language))}".strip()
    concluded = conclusion(row, words(language))
    assert concluded
    assert concluded in said
    # never a cause, whatever the evidence
    assert not CAUSAL.search(said)
    assert said.endswith(".")
    assert "  " not in said
    point = "." if language == "en" else ","
    assert f"{abs(row['estimate']):.2f}".replace(".", point) in said
    if language != "en":
        assert not re.search(r"\d\.\d|\d%|-\d", said)
    # what each kind of evidence must say
    reminder = {
        DESCRIPTIVE: {
            "nb": "uten kontrollgruppe",
            "nn": "utan kontrollgruppe",
            "en": "without a control group",
        },
        CONTAMINATED: {
            "nb": "ikke et mål på effekt",
            "nn": "ikkje eit mål",
            "en": "not measure an effect",
        },
        QUASI_EXPERIMENTAL: {"nb": "lodd", "nn": "lodd", "en": "not drawn by lot"},
    }[level][language]
    assert reminder in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_verdicts_read_differently_and_the_refused_says_why(language):
    said = {verdict: conclusion(of_verdict(verdict), words(language)) for verdict in OF_VERDICT}
    assert len(set(said.values())) == len(OF_VERDICT)
    assert set(OF_VERDICT) == set(VERDICTS) - {"refused"}
    refused = {**of_verdict("increase"), "verdict": "refused", "reason": "no_pairs"}
    assert conclusion(refused, words(language)) == ""
    assert reading(refused, words(language)).count(".") == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nb", "Med 11 skoler er den minste endringen vi kan påvise, 0,47 standardavvik."),
        ("nn", "Med 11 skular er den minste endringa vi kan påvise, 0,47 standardavvik."),
        (
            "en",
            "With 11 schools, the smallest change that can be detected is 0.47 standard "
            "deviations.",
        ),
    ],
)
def test_an_unclear_row_says_what_so_few_schools_cannot_show(language, said):
    row = of_verdict("unclear", n_clusters=11)
    assert row["mdes"] == pytest.approx((stats.t.isf(0.025, 9) + stats.t.ppf(0.8, 9)) * 0.15)
    assert conclusion(row, words(language)) == said


def test_groups_of_schools_are_called_groups():
    row = of_verdict("unclear", n_clusters=5, cluster="feeder_group")
    assert conclusion(row, words("en")).startswith("With 5 groups of schools")
    assert "5 grupper" in conclusion(row, words("nb"))


def test_many_schools_are_not_called_too_few():
    row = row_of(0.06, 0.03, df=2000.0, n_clusters=900)
    assert row["mdes"] < row["sesoi"]
    assert row["verdict"] in {"unclear", "increase"}
    row["verdict"] = "unclear"
    assert "cannot be detected" not in conclusion(row, words("en"))
    assert conclusion(row, words("en")) == "Neither an increase nor a decrease can be established."


def test_an_interval_beyond_zero_that_a_family_of_tests_makes_unclear_says_so():
    rows = [row_of(0.11, 0.052, df=400.0, region="national", family="pupils: primary", outcome=o)
            for o in ("joy", "effort")]  # fmt: skip
    frame = pd.DataFrame(rows).drop(columns="suppressed").astype({"drift": float})
    first = {**verdicts(frame).to_dict("records")[0], "suppressed": False}
    assert first["ci_low"] > 0
    assert first["verdict"] == "unclear"
    for language, part in (("nb", "hører sammen"), ("nn", "høyrer saman"), ("en", "together")):
        said = conclusion(first, words(language))
        assert part in said
        assert "p =" not in said


def test_a_negligible_change_with_a_direction_is_small_and_there():
    row = {**row_of(0.05, 0.01, df=400.0), **SURE}
    assert "direction=increase" in row["flags"]
    assert certainty(row) == "small increase"
    assert conclusion(row, words("nb")) == (
        "En sikker, men svært liten økning, mindre enn den minste endringen av interesse (0,10 "
        f"standardavvik): 90{NO_BREAK}% KI er 0,03 til 0,07."
    )
    unsure = {**row, "plan_role": "secondary"}
    assert certainty(unsure) == "may small increase"
    assert "Den er ikke sikker, for" in conclusion(unsure, words("nb"))
    text = summed_up(row, {**unsure, "outcome": "effort"})
    assert "Matematikkglede gikk svært lite opp, med 0,05 poeng" in text
    assert "Innsats kan ha gått svært lite opp (ikke sikkert) med 0,05 poeng" in text
    assert "omtrent uendret" not in text
    assert "«Svært lite»: mindre enn den minste endringen av interesse (±0,10" in text
    down = {**row_of(-0.05, 0.01, df=400.0), **SURE}
    assert label("short", certainty(down), words("nb")) == "gikk svært lite ned"
    # a difference is not said to have gone up, and neither is what was expected anyway
    assert certainty({**row, "estimand": "participants_vs_colleagues"}) == "negligible"
    assert certainty({**row_of(-0.15, 0.01, df=400.0, drift=-0.2), **SURE}) == "negligible"
    assert certainty(of_verdict("negligible")) == "negligible"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("estimate", "se", "drift"), [(0.01, 0.02, None), (-0.21, 0.03, -0.2)])
def test_a_negligible_change_gives_the_interval_that_it_rests_on(estimate, se, drift, language):
    row, speech = row_of(estimate, se, df=30.0, drift=drift), words(language)
    assert row["verdict"] == "negligible"
    apart, half = estimate - (drift or 0), stats.t.isf(0.05, 30) * se
    said = conclusion(row, speech)
    assert speech.interval(apart - half, apart + half) in said
    assert speech.percent(0.90) in said


def test_the_interval_of_a_negligible_change_is_never_rounded_beyond_it():
    row = row_of(0.055, 0.0255, df=400.0)
    assert row["verdict"] == "negligible"
    coarse = {**row, **{key: round(row[key], 2) for key in ("estimate", "se", "ci_low", "ci_high")}}
    assert "less than the smallest change of interest (0.10 " in conclusion(coarse, words("en"))
    high = re.search(r"to (\d\.\d+)\.", conclusion(coarse, words("en")))[1]
    assert float(high) <= 0.10


CERTAIN = {"nb": "Økningen er sikker", "nn": "Auken er sikker", "en": "increase is certain"}
UNSURE = {"nb": "ikke sikker", "nn": "ikkje sikker", "en": "not certain"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("given", "certain"),
    [
        ({"plan_role": "primary", "region": "national", "p_adjusted": 0.01}, True),
        ({"plan_role": "primary", "region": "nordland", "p_adjusted": 0.04}, True),
        ({"plan_role": "primary", "flags": "whole_study", "p_adjusted": 0.01}, True),
        ({"plan_role": "primary", "region": "national", "p_adjusted": 0.06}, False),
        (
            {"plan_role": "primary", "region": "national", "p_adjusted": 0.01, "flags": "low_df"},
            False,
        ),
        (
            {
                "plan_role": "primary",
                "region": "national",
                "p_adjusted": 0.01,
                "measurement_warning": "low_reliability",
            },
            False,
        ),
        ({"plan_role": "primary", "region": "nordland", "p_adjusted": 0.06}, False),
        ({"plan_role": "primary", "region": "nordland", "p_adjusted": None}, False),
        ({"plan_role": "secondary", "region": "national", "p_adjusted": None}, False),
        ({"plan_role": "secondary", "region": "nordland", "p_adjusted": 0.33}, False),
        ({"plan_role": "secondary", "region": "nordland", "p_adjusted": 0.01}, False),
        ({"plan_role": "exploratory", "region": "nordland", "p_adjusted": None}, False),
    ],
)
def test_role_and_adjusted_p_value_decide_the_words(given, certain, language):
    speech = words(language)
    row = {**of_verdict("increase"), **given}
    said = conclusion(row, speech)
    assert (CERTAIN[language] in said) == certain
    assert (UNSURE[language] in said) == (not certain)
    assert not re.search(r"\bp [=<]", said)  # it stands in tables
    for estimand in ("dose", "gap_change", "spread_ratio"):
        contrast = KINDS[estimand][0].contrast or "gender=girl - gender=boy"
        other = {**row, "estimand": estimand, "contrast": contrast}
        assert (UNSURE[language] in conclusion(other, speech)) == (not certain)
    drifted = {**row_of(-0.05, 0.02, df=400.0, drift=-0.30), **given}
    assert (UNSURE[language] in conclusion(drifted, speech)) == (not certain)
    down = {**of_verdict("decrease"), **given}
    assert conclusion(down, speech) != said


@pytest.mark.parametrize("language", long_but(["nb"], LANGUAGES))
def test_no_certain_word_stands_in_any_sentence_that_is_not_certain(language):
    """All kinds of rows of a secondary outcome, whatever their numbers say."""
    speech = words(language)
    for verdict in ("increase", "decrease"):
        for estimand, models in KINDS.items():
            row = of_verdict(verdict, estimand=estimand, contrast=models[0].contrast or "a=b - c=d")
            row |= {"plan_role": "secondary"}
            certain = {label("conclusion", code, speech) for code in LABELS["conclusion"]
                       if code.startswith(("increase", "decrease"))}  # fmt: skip
            assert conclusion(row, speech) not in certain, estimand


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_one_cluster_holds_nearly_all_nothing_is_concluded(language):
    speech = words(language)
    for estimand in ("linked_change", "dose", "gap_change"):
        row = row_of(*OF_VERDICT["increase"], flags="low_df;few_clusters;one_dominates",
                     estimand=estimand)  # fmt: skip
        assert row["verdict"] == "unclear"
        assert conclusion(row, speech) == label("conclusion", "dominated", speech)
    assert row_of(0.01, 0.02, flags="one_dominates")["verdict"] == "unclear"


def test_regions_are_called_regions():
    row = of_verdict("unclear", n_clusters=15, cluster="region")
    assert conclusion(row, words("en")).startswith("With 15 regions, the smallest change")
    assert conclusion(row, words("nb")).startswith("Med 15 regioner")
    few = of_verdict("increase", n_clusters=8, cluster="region", flags="low_df")
    assert "so few regions" in reading(few, words("en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("estimate", "drift", "verdict"),
    [(-0.05, -0.30, "increase"), (-0.50, -0.10, "decrease"), (-0.19, -0.20, "negligible")],
)
def test_with_an_expected_drift_the_conclusion_is_about_the_difference(
    estimate, drift, verdict, language
):
    row = row_of(estimate, 0.02, df=400.0, drift=drift)
    assert row["verdict"] == verdict
    said = conclusion(row, words(language))
    speech = words(language)
    assert speech.number(drift) in said
    assert speech.number(estimate - drift) in said
    plain = conclusion(row_of(*OF_VERDICT["increase"]), speech)
    assert plain not in said  # the interval of the change itself is not what lies above zero


def test_contrasts_are_differences_and_spreads_grow():
    gap = of_verdict("increase", estimand="gap_change", contrast="gender=girl - gender=boy")
    assert conclusion(gap, words("en")) == "The interval lies above zero: a difference."
    own = {"estimand": "spread_ratio", "contrast": "between schools", "sd_unit": math.nan}
    grown = row_of(0.5, 0.1, **own)
    grown |= {"estimate": math.nan, "verdict": "increase", "mdes": math.nan}
    assert "above 1" in conclusion(grown, words("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_slope_is_not_measured_by_the_smallest_change_of_interest(language):
    slope = {"estimand": "dose", "contrast": "per gathering"}
    small = row_of(0.01, 0.02, **slope)
    assert small["verdict"] == "unclear"
    speech = words(language)
    said = conclusion(small, speech)
    assert speech.number(small["sesoi"]) not in said
    assert said == conclusion(row_of(0.05, 0.15, **slope), speech)
    assert said != conclusion(row_of(0.30, 0.05, **slope), speech)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_change_has_no_conclusion(language):
    for estimand in ("level", "lowest_fifth"):
        contrast = KINDS[estimand][0].contrast
        row = {**row_of(0.3, 0.05), "estimand": estimand, "contrast": contrast, "verdict": ""}
        assert conclusion(row, words(language)) == ""
    lowest = {**row_of(0.3, 0.05), "estimand": "lowest_fifth", "verdict": ""}
    caution = {
        "nb": "stige av seg selv", "nn": "stige av seg sjølv", "en": "no sign of an effect",
    }[language]  # fmt: skip
    assert caution in reading(lowest, words(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_flags_become_cautions(language):
    speech, point = words(language), "." if language == "en" else ","
    apart = {"estimand": "participants_vs_colleagues", "evidence": CONTAMINATED}
    said = reading(of_verdict("increase", flags="baseline_apart", **apart), speech)
    assert f"0{point}25" in said
    said = reading(of_verdict("increase", flags="baseline_adjust", **apart), speech)
    assert f"0{point}05" in said
    grade = of_verdict("unclear", subgroup="grade=7", flags="programme_months=18")
    assert "18" in reading(grade, speech)
    few = reading(of_verdict("increase", flags="low_df;few_clusters"), speech)
    assert few != reading(of_verdict("increase"), speech)
    unclear = of_verdict("unclear")
    assert reading({**unclear, "flags": "low_df"}, speech) == reading(unclear, speech)
    dose = of_verdict("unclear", estimand="dose", contrast="per gathering", flags="range=7.5-10")
    assert re.search(rf"\b7{re.escape(point)}5 \w+ 10\b", reading(dose, speech))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_a_weakness_of_the_scale_is_said_with_its_light(code, language):
    row = of_verdict("increase", measurement_warning=code)
    weakness = label("warning", code, words(language))
    assert weakness in answer(pd.DataFrame([row]), words=words(language)).text
    assert weakness not in reading(row, words(language))


def test_two_weaknesses_stand_in_one_sentence():
    assert weaknesses("low_reliability;floor_effect", words("en")) == (
        "its reliability is low and many have the lowest possible score"
    )


def test_every_light_and_code_has_a_name():
    assert set(LABELS["light"]) == set(LIGHTS)
    assert set(LABELS["warning"]) == set(CODES)


def test_only_a_single_group_is_called_one():
    speech = words("en")
    assert evidence(of_verdict("increase"), speech).startswith("This is without a control group")
    for level in (CONTAMINATED, QUASI_EXPERIMENTAL):
        assert evidence(of_verdict("increase", evidence=level), speech) == ""


def outcomes_of(frame: pd.DataFrame) -> list[Tag]:
    said = answer(frame, words=words("en")).html
    return BeautifulSoup(said, "html.parser").select("ul.reading > li")


def test_an_answer_gathers_in_one_sentence_what_cannot_be_told():
    frame = all_estimands().assign(suppressed=False, mdes=[0.3, 0.25, 0.4] * 2, n_clusters=11)
    frame.loc[0, ["verdict", "ci_low"]] = ["increase", 0.02]
    frame.loc[1, "suppressed"] = True
    frame.loc[3, "reason"] = "no_pairs"
    joy, *rest = [each.text for each in outcomes_of(frame)]
    assert joy.startswith("Joy ● good measurementThe answers of the same pupils")
    assert rest == [
        "Suppressed (confidentiality): joy (same-grade change).",
        "We cannot tell whether anything has changed for joy (school change); views (colleagues). "
        "With 11 schools, the smallest change that can be detected is between 0.25 and 0.40 "
        "standard deviations.",
        f"Not computed, since {label('reason', 'no_pairs', words('en'))}: views (participants).",
        "We cannot tell whether there is a difference for views (participants − colleagues). "
        "With 11 schools, the smallest difference that can be detected is 0.40 standard "
        "deviations.",
    ]
    alone = answer(frame[frame["outcome"] == "views"].tail(2), words=words("nb")).text
    assert "Vi kan ikke si om noe er endret for syn på faget (kolleger)." in alone


def test_an_answer_begins_with_its_first_row_also_where_that_is_open_and_with_what_is_primary():
    given = {"suppressed": False, "n_clusters": 11, "flags": ""}
    frame = all_estimands().assign(mdes=[0.3, 0.25, 0.4] * 2, **given)
    frame.loc[1, ["verdict", "ci_low"]] = ["increase", 0.02]
    joy, *rest = outcomes_of(frame[frame["outcome"] == "joy"])
    first, second = (each.text for each in joy.select("li"))
    assert first.startswith(
        "We cannot tell whether anything has changed for joy (linked change; school change). "
        "With 11 schools"
    )
    assert second.startswith("In the same grades, the answers went up")
    assert not any("cannot tell" in each.text for each in rest)
    frame.loc[1, "plan_role"] = "primary"
    joy, *rest = outcomes_of(frame[frame["outcome"] == "joy"])
    (first,) = (each.text for each in joy.select("li"))
    # not certain without the tests of the other regions
    assert first.startswith("In the same grades, the answers may have gone up by 0.12 standard")
    assert any("cannot tell" in each.text for each in rest)


def test_an_answer_says_once_what_its_outcomes_share():
    frame = increases().assign(
        suppressed=False, evidence=DESCRIPTIVE, measurement_warning="floor_effect"
    )
    joy, views, shared = outcomes_of(frame)
    assert shared["class"] == ["background"]
    assert shared.text.startswith("This is without a control group")
    for outcome in (joy, views):
        assert outcome.select_one("span.light.care").text == "▲ read with care"
        assert outcome.select_one("p.background").text == (
            "Measurement: many have the lowest possible score."
        )
        assert not any("lowest" in row.text for row in outcome.select("ul > li"))
    assert answer(frame, words=words("en")).text.count("This is without a control group") == 1


def test_what_outcomes_do_not_share_stands_with_each():
    frame = increases().assign(suppressed=False, measurement_warning="")
    frame["evidence"] = frame["outcome"].map({"joy": DESCRIPTIVE, "views": CONTAMINATED})
    joy, views = outcomes_of(frame)
    assert joy.select_one("p.background").text.startswith("This is without a control group")
    assert views.select_one("p.background") is None


def test_a_hidden_outcome_has_no_light():
    hidden = increases().assign(suppressed=True, measurement_warning="", evidence="")
    (both,) = outcomes_of(hidden)
    assert both.text == "Suppressed (confidentiality): joy and views."
    assert not both.select(".light, .background")
    frame = increases().assign(suppressed=False, measurement_warning="", evidence=DESCRIPTIVE)
    joy, views, shared = outcomes_of(frame.assign(suppressed=frame["outcome"] == "views"))
    assert joy.select_one(".light.good")
    assert not views.select(".light, .background")
    assert shared.text.startswith("This is without a control group")


def test_an_outcome_of_which_nothing_is_clear_has_its_name_and_its_light():
    row = {**of_verdict("unclear"), "measurement_warning": "low_reliability", "evidence": ""}
    (joy, open_row) = outcomes_of(pd.DataFrame([row]))
    assert joy.strong.text == "Joy"
    assert joy.select_one(".light.doubt")
    assert not joy.select("ul")
    assert open_row.text.startswith("We cannot tell")
    good = {**row, "measurement_warning": ""}
    assert len(outcomes_of(pd.DataFrame([good]))) == 2
    among_others = outcomes_of(pd.DataFrame([good, {**row, "outcome": "effort"}]))
    assert [each.strong for each in among_others] == [None]  # nothing would stand beneath it


def test_what_is_hidden_says_its_own_reason():
    few = {**of_verdict("unclear"), "suppressed": True, "reason": "few_clusters"}
    small = {**few, "outcome": "effort", "reason": "small_n"}
    both, speech = pd.DataFrame([few, small]), words("en")
    assert reading(few, speech) == "Same-grade change: suppressed (too few schools)."
    for drawn in (answer(both, words=speech), summary(both, words=speech)):
        assert "(too few schools): joy." in drawn.text.lower()
        assert "(confidentiality): effort." in drawn.text.lower()
    numbers = ["estimate", "ci_low", "ci_high", "change", "n_pre", "n_post", "p_value", "mdes"]
    empty = both.assign(**dict.fromkeys(numbers, np.nan))
    notes = [tables.effects(each, words=speech).html for each in (empty, empty[:1], empty[1:])]
    assert "suppressed (confidentiality, or too few schools)" in notes[0]
    assert "suppressed (too few schools)" in notes[1]
    assert "suppressed (confidentiality)" in notes[2]


def test_texts_of_a_study_are_escaped():
    named = replace(words("en"), outcomes=dict.fromkeys(words().outcomes, "a < b & <i>c</i>"))
    said = answer(increases().assign(suppressed=False), words=named)
    assert "<strong>a &lt; b &amp; &lt;i&gt;c&lt;/i&gt; (pupils)</strong>" in said.html
    assert "a < b & <i>c</i> (teachers)" in said.text


@pytest.mark.parametrize("verdict", OF_VERDICT)
def test_in_the_pseudo_locale_nothing_stands_outside_the_brackets(verdict):
    row = of_verdict(verdict, measurement_warning="low_reliability", flags="baseline_apart")
    said = reading(row, words("nb" + PSEUDO))
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", " ", said)) != said:
        said = shorter
    assert not said.strip()


def test_missing_numbers_are_told_from_zero():
    row = {**of_verdict("unclear"), "mdes": np.nan}
    assert conclusion(row, words("en")) == "Neither an increase nor a decrease can be established."
    assert schema.EFFECTS  # the row has the columns of the contract
    assert set(schema.EFFECTS) <= set(row)


WENT = {"nb": "Matematikkglede gikk opp med", "nn": "Matematikkglede gjekk opp med",
        "en": "Joy went up by"}  # fmt: skip
MAY = {
    "nb": "Matematikkglede kan ha gått opp (ikke sikkert) med",
    "nn": "Matematikkglede kan ha gått opp (ikkje sikkert) med",
    "en": "Joy may have gone up (not certain) by",
}
SAME = {
    "nb": "er omtrent uendret (innenfor ±0,10 standardavvik)",
    "nn": "er om lag uendra (innanfor ±0,10 standardavvik)",
    "en": "stayed about the same (within ±0.10 standard deviations)",
}
CANNOT = {
    "nb": "For matematikkglede og innsats kan vi ikke si om noe er endret.",
    "nn": "For matematikkglede og innsats kan vi ikkje seie om noko er endra.",
    "en": "For joy and effort we cannot tell whether anything has changed.",
}
SURE = {"plan_role": "primary", "region": "national", "p_adjusted": 0.01}


def summed_up(*rows: dict, language: str = "nb") -> str:
    return summary(pd.DataFrame(rows), words=words(language)).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("verdict", "given", "code", "said"),
    [
        ("increase", SURE, "increase", WENT),
        ("increase", {**SURE, "p_adjusted": 0.2}, "may increase", MAY),
        ("increase", {**SURE, "plan_role": "secondary"}, "may increase", MAY),
        ("increase", {**SURE, "region": "oslo", "p_adjusted": None}, "may increase", MAY),
        ("negligible", SURE, "negligible", SAME),
        ("unclear", SURE, "unclear", CANNOT),
    ],
)
def test_a_summary_takes_its_words_from_verdict_role_and_adjusted_p(
    verdict, given, code, said, language
):
    row = {**of_verdict(verdict), **given}
    assert certainty(row) == code
    rows = [row, {**row, "outcome": "effort"}]
    text = summed_up(*rows, language=language)
    assert said[language] in text
    others = [each[language] for each in (WENT, MAY, SAME, CANNOT) if each is not said]
    assert not [each for each in others if each in text]
    assert not CAUSAL.search(text)
    # the page behind it concludes the same
    unsure = UNSURE[language] in conclusion(row, words(language))
    assert unsure == code.startswith("may")
    down = {**of_verdict("decrease"), **given} if verdict == "increase" else row
    assert certainty(down) == code.replace("increase", "decrease")


def test_a_summary_says_how_far_in_points_and_in_standard_deviations():
    row = {**row_of(0.30, 0.05), **SURE, "change": 0.21}
    other = {**row_of(0.25, 0.05), **SURE, "change": 0.175, "outcome": "effort"}
    assert summed_up(row, other).splitlines()[0] == (
        "Q1: Matematikkglede gikk opp med 0,21 poeng (skala 1–4; 0,30 standardavvik) og innsats "
        "med 0,18 poeng (0,25)."
    )


def test_a_summary_has_the_primary_first_and_the_certain_before_the_unclear():
    unclear = {**of_verdict("unclear"), **SURE}
    may = {**of_verdict("decrease"), **SURE, "plan_role": "secondary"}
    sure = {**of_verdict("decrease"), **SURE, "outcome": "effort"}
    text = summed_up(unclear, {**may, "outcome": "effort"})
    assert text.index("Innsats kan ha gått ned") < text.index("For matematikkglede")
    text = summed_up(may, {**may, "outcome": "effort", "plan_role": "primary", "p_adjusted": 0.2})
    assert text.index("Innsats kan ha gått ned") < text.index("matematikkglede med")
    assert summed_up(may, sure).startswith("Q1: Innsats gikk ned med")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_hidden_or_not_computed_is_said_once_and_concludes_nothing(language):
    hidden = {**of_verdict("unclear"), "suppressed": True, "verdict": "", "reason": "small_n"}
    refused = {**of_verdict("unclear"), "verdict": "refused", "reason": "no_common_cells",
               "outcome": "effort"}  # fmt: skip
    lines = summed_up(hidden, refused, language=language).splitlines()
    assert len(lines) == 2
    assert in_sentence(words(language).outcomes["pupils", "joy"]) in lines[0]
    assert label("reason", "no_common_cells", words(language)) in lines[1]
    # without its interval nothing is known of a change
    alone = {**of_verdict("increase"), "verdict": "", "reason": "few_clusters", "ci_low": None}
    text = summed_up(alone, {**alone, "outcome": "effort"}, language=language)
    assert CANNOT[language] in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_summary_beyond_drift_is_about_what_was_expected(language):
    up = {**row_of(-0.05, 0.02, df=400.0, drift=-0.30), **SURE}
    text = summed_up(up, language=language)
    assert WENT[language] not in text
    expected = {"nb": "enn ventet uten programmet", "nn": "enn venta utan programmet",
                "en": "than expected without the programme"}  # fmt: skip
    assert expected[language] in text
    same = row_of(-0.19, 0.02, df=400.0, drift=-0.20)
    assert SAME[language] not in summed_up(same, language=language)


def test_beyond_drift_a_direction_is_said_where_the_change_itself_has_one():
    around = {**row_of(-0.01, 0.02, df=400.0, drift=-0.30), **SURE}
    said = summed_up(around, language="en")
    assert "which way is not certain" in said
    assert "went" not in said
    assert "went down by" in summed_up({**row_of(-0.08, 0.02, drift=-0.30), **SURE}, language="en")


def test_levels_and_attendance_in_short():
    levels = [
        effect(estimand="level", contrast="mean", wave=wave, outcome=outcome, question="Q7",
               change=mean, suppressed=False, verdict="", estimate=None)
        for wave, outcome, mean in (("pre", "joy", 2.9), ("pre", "effort", 3.1))
    ]  # fmt: skip
    assert summed_up(*levels) == (
        "Q7: Gjennomsnitt før: matematikkglede 2,90 (skala 1–4) og innsats 3,10."
    )
    slope = row_of(0.05, 0.15, estimand="dose", contrast="per gathering", question="Q9")
    other = {**slope, "contrast": "per interim work"}
    text = summed_up(slope, other)
    assert text.startswith("Q9: Vi kan ikke si om frammøte eller mellomarbeid har noe å si for")
    steep = row_of(0.30, 0.05, estimand="dose", contrast="per gathering", question="Q9",
                   plan_role="secondary")  # fmt: skip
    text = summed_up(steep, {**slope, "outcome": "effort"})
    assert "Mer frammøte kan henge sammen med at matematikkglede økte mer (ikke sikkert)." in text
    assert "Ellers kan vi ikke si om frammøte har noe å si for endringen." in text


def test_a_summary_before_the_last_wave_says_that_changes_are_to_midway():
    row = {**of_verdict("unclear"), "contrast": "mid - pre"}
    assert summed_up(row).splitlines()[0] == "Fra før til underveis:"
    assert "midtveis" not in summed_up(of_verdict("unclear"))


def test_a_slope_whose_interval_only_rounding_moved_off_zero_is_not_certain():
    about = {"estimand": "dose", "contrast": "per interim work", "plan_role": "secondary"}
    slope = row_of(-0.07, 0.03, **about)
    assert (
        certainty({**slope, "ci_low": -0.14, "ci_high": -0.01, "verdict": "unclear"}) == "unclear"
    )
    away = {**slope, "ci_low": -0.14, "ci_high": -0.02, "verdict": "decrease"}
    assert certainty(away) == "may decrease"


def test_may_have_is_explained_by_the_reasons_that_there_are_and_only_where_it_is_said():
    row = {**of_verdict("increase"), "plan_role": "primary", "p_adjusted": 0.001}
    assert may_have([row], words("nb")) == ""
    unplanned = {**row, "plan_role": "secondary"}
    said = may_have([row, unplanned], words("nb"))
    assert said.endswith("men dette var ikke valgt på forhånd som en av hovedsammenligningene.")
    both = may_have([unplanned, {**row, "p_adjusted": 0.2}], words("nb"))
    assert both.startswith("«Kan ha»: ")
    assert ", eller " in both


def test_names_of_outcomes_are_safe_and_stand_out():
    speech = words("nb")
    speech = replace(speech, outcomes={**speech.outcomes, ("pupils", "joy"): "IKT <b> & glede"})
    unclear = summary(pd.DataFrame([of_verdict("unclear")]), words=speech)
    assert "For IKT &lt;b&gt; &amp; glede kan vi ikke si" in unclear.html
    assert "For IKT <b> & glede kan vi ikke si" in unclear.text
    certain = {**of_verdict("increase"), "plan_role": "primary", "p_adjusted": 0.001}
    drawn = summary(pd.DataFrame([certain]), words=speech)
    assert "<strong>IKT &lt;b&gt; &amp; glede</strong>" in drawn.html
    assert "Uthevet: sikre endringer." in drawn.text
    assert "Uthevet" not in unclear.text


def test_who_answered_gives_shares_of_enough_people_only():
    rows = pd.DataFrame(
        {"population": ["pupils", "pupils", "leaders"], "wave": ["pre", "post", "post"],
         "n_invited": [200, 180, 12], "n_answered": [180, 144, 12], "n_linked": [90, 90, None],
         "n_schools": [9, 9, 9], "suppressed": False}
    )  # fmt: skip
    assert who_answered(rows, words=words("nb")).split("\n\n") == [
        "Elever: 180 svarte før (90_% av de inviterte) og 144 etter (80_%), ved 9 skoler; 90 "
        "ble funnet begge ganger.".replace("_", NO_BREAK),
        "Ledere: 12 svarte etter, ved 9 skoler; så få var invitert at svarprosenten ikke oppgis.",
    ]
    unknown = who_answered(rows.tail(1).assign(n_invited=None), words=words("nb"))
    assert unknown.endswith("; hvor mange som var invitert, er ikke kjent.")
    coarse = who_answered(rows, words=replace(words("nb"), rounding=6)).split("\n\n")
    rounded = (
        "Antall personer er avrundet til nærmeste tall som kan deles på 6; gjennomsnitt og "
        "endringer for få personer er også avrundet, og intervallene flytter seg med dem."
    )
    assert coarse[2:] == [rounded]
    hidden = rows.head(1).assign(n_answered=None)
    assert who_answered(hidden, words=words("nb")) == "Elever: vises ikke (personvern)."


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (0.0, 0.44, 0.03, "0.00 to 0.44, just above zero"),
        (0.002, 0.44, 0.03, "0.00 to 0.44, just above zero"),
        (-0.44, 0.0, 0.03, "−0.44 to 0.00, just below zero"),
        (0.0, 0.44, 0.06, "0.00 to 0.44, includes zero"),
        (-0.002, 0.44, 0.06, "0.00 to 0.44, includes zero"),
        (0.1, 0.44, 0.01, "0.10 to 0.44)"),
    ],
)
def test_words_say_on_which_side_an_end_lies_that_is_rounded_to_zero(low, high, p, said):
    row = of_verdict("increase", ci_low=low, ci_high=high, p_value=p)
    assert said in reading(row, words("en"))


def test_what_is_not_certain_says_why_in_each_outcome_and_once_for_rows_that_share_it():
    frame = increases().assign(
        suppressed=False, evidence="", measurement_warning="", plan_role="secondary",
        estimand="linked_change", region="national",
    )  # fmt: skip
    said = answer(frame, words=words("en")).text
    outcomes = frame.groupby(["population", "outcome"]).ngroups
    assert outcomes > 1
    assert said.count("not certain: this was not declared in advance") == outcomes
    again = answer(pd.concat([frame.iloc[[0]]] * 2), words=words("en")).text
    assert again.count("The increase is not certain") == 1


def test_a_summary_tells_what_the_same_pupils_did_and_what_rests_on_one_region():
    main = {**of_verdict("unclear"), "question": "Q1", "subgroup": "all"}
    linked = {**of_verdict("increase"), "estimand": "linked_change", "region": "nordland",
              "plan_role": "primary", "p_adjusted": None, "subgroup": "all"}  # fmt: skip
    both = summary(pd.DataFrame([main]), words=words("nb"), linked=pd.DataFrame([linked])).text
    assert "De samme elevene, som også er blitt eldre: Matematikkglede kan ha gått opp" in both
    assert "men her er det ikke tatt hensyn til testene i de andre regionene." in both
    alike = {**linked, "verdict": "unclear", "ci_low": -0.1, "ci_high": 0.3}
    said = summary(pd.DataFrame([main]), words=words("nb"), linked=pd.DataFrame([alike])).text
    assert "De samme elevene" not in said
    certain = {**of_verdict("increase"), **SURE, "question": "Q1", "subgroup": "all"}
    over = made_up.pooled().assign(position="above", hangs_on="oslo: inside", suppressed=False)
    for pooled, told in [(over, "omfatter null uten Oslo – Oslove."),
                         (over.assign(position="inside"), "regionene omfatter null.")]:  # fmt: skip
        frame, speech = pd.DataFrame([certain]), words("nb")
        short = summary(frame, words=speech, pooled=pooled)
        assert told in short.text
        assert "standardavvik; mindre sikkert, se under)" in short.text
        assert "<strong>" not in short.html
        assert "Uthevet" not in short.text
        assert told in answer(frame, words=speech, pooled=pooled).text
    certainly = summary(frame, words=speech)
    assert "<strong>Matematikkglede</strong>" in certainly.html
    assert "Uthevet: sikre endringer." in certainly.text
    two = over.assign(hangs_on="oslo: inside; nordland: inside")
    assert "omfatter null når én av " in summary(frame, words=speech, pooled=two).text
    assert (
        "mindre sikkert" not in summary(frame, words=speech, pooled=over.assign(hangs_on="")).text
    )


def test_a_summary_says_that_nothing_can_be_told_of_attendance():
    given = {"estimand": "dose", "population": "teachers", "outcome": "views", "question": "Q9"}
    row = {**of_verdict("increase", contrast="per gathering"), **given}
    hidden = {**row, "suppressed": True, "reason": "few_clusters"}
    refused = {**row, "reason": "few_schools"}
    told = "hvordan endringen henger sammen med frammøte"
    joy = {**of_verdict("increase"), "question": "Q1"}
    assert f"Vises ikke (for få skoler): {told}." in summed_up(joy, hidden)
    assert f"Vises ikke (for få skoler): {told}." in summed_up(joy, hidden, refused)
    assert f": {told}." in summed_up(joy, refused)
    assert told not in summed_up(joy, row, hidden)


@pytest.mark.parametrize(
    ("pairs", "rounding", "said"),
    [
        ([204, 198], 6, "(de samme før og etter), om lag 198–204 av de 294 før."),
        ([12, 12], 1, "(de samme før og etter), 12 av de 294 før."),
    ],
)
def test_a_summary_counts_those_who_are_the_same_and_of_how_many(pairs, rounding, said):
    given = {"estimand": "participants", "population": "teachers", "outcome": "views"}
    given["question"] = "Q5"
    rows = [{**of_verdict("unclear"), **given, "n_pairs": n} for n in pairs]
    kept = {"population": "teachers", "wave": "pre", "subgroup": ["all", "role=participant"]}
    answered = pd.DataFrame({**kept, "n_kept": [936, 294]})
    speech = replace(words("nb"), rounding=rounding)
    assert said in summary(pd.DataFrame(rows), words=speech, answered=answered).text
    alone = summary(pd.DataFrame(rows), words=speech).text
    assert "(de samme før og etter)" in alone
    assert "294" not in alone
    hidden = answered.assign(n_kept=None)
    assert summary(pd.DataFrame(rows), words=speech, answered=hidden).text == alone


@pytest.mark.parametrize(
    ("went", "flag", "said"),
    [
        ("increase", "more", "hadde større økning, så økningen for alle kan være mindre."),
        ("increase", "less", "hadde mindre økning, så økningen for alle kan være større."),
        ("decrease", "more", "hadde mindre nedgang, så nedgangen for alle kan være større."),
        ("decrease", "less", "hadde større nedgang, så nedgangen for alle kan være mindre."),
    ],
)
def test_where_more_answered_or_were_found_is_said_of_the_way_the_answers_went(went, flag, said):
    row = of_verdict(went, estimand="same_grade")
    for kind in ("linkage", "response"):
        told = reading({**row, "flags": f"selective_{kind}={flag}"}, words("nb"))
        assert f"{said} Sensitivitetsanalysene tar med alle." in told
    midway = {**row, "flags": f"selective_linkage={flag}", "contrast": "mid - pre"}
    assert said in (told := reading(midway, words("nb")))
    assert "Sensitivitetsanalysene" not in told


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("lost_apart=lower", "hadde svart lavere, med mer enn 0,25 standardavvik. Da går de andre "
         "gjerne ned selv om ingenting er endret (regresjon mot gjennomsnittet)."),
        ("lost_apart=higher", "Da går de andre gjerne opp selv om ingenting er endret"),
        ("lost_matter=zero", "vektes slik at de står for alle, omfatter intervallet null."),
        ("lost_matter=opposite", "ligger intervallet på den andre siden av null."),
    ],
)  # fmt: skip
def test_what_losses_may_do_to_a_change_is_said_beside_it(flag, said):
    row = of_verdict("decrease", estimand="linked_change")
    assert said in reading({**row, "flags": f"low_df;{flag}"}, words("nb"))


def test_where_p_is_rounded_to_the_limit_the_verdict_says_on_which_side_an_end_lies():
    row = of_verdict("decrease", ci_low=-0.40, ci_high=0.0, p_value=0.05)
    assert "−0.40 to 0.00, just below zero" in reading(row, words("en"))
    row |= {"verdict": "unclear", "flags": ""}
    assert "−0.40 to 0.00, includes zero" in reading(row, words("en"))


def test_where_the_same_pupils_and_the_same_grades_differ_it_is_said():
    down = {**of_verdict("decrease"), **SURE, "estimand": "linked_change"}
    grades = {**of_verdict("negligible"), **SURE}
    said = answer(pd.DataFrame([down, grades]), words=words("nb")).text
    assert "Sammenligningene gir ulike svar for matematikkglede: Den ene følger de samme" in said
    alike = answer(pd.DataFrame([down, {**down, "estimand": "same_grade"}]), words=words("nb"))
    assert "ulike svar" not in alike.text
    open_ = answer(pd.DataFrame([down, {**of_verdict("unclear"), **SURE}]), words=words("nb"))
    assert "ulike svar" not in open_.text  # of one of them nothing is known


def test_within_a_school_year_pupils_of_the_same_grades_are_not_called_different():
    speech = words("nb")
    in_a_year = replace(speech, same_year=frozenset({("pupils", "post - pre")}))
    grades = {**of_verdict("increase"), **SURE, "change": 0.1}
    linked = {**of_verdict("decrease"), **SURE, "estimand": "linked_change"}
    for told, are_different in ((speech, True), (in_a_year, False)):
        said = [
            reading(grades, told),
            summary(pd.DataFrame([grades]), words=told).text,
            answer(pd.DataFrame([linked, grades]), words=told).text,
        ]
        assert ["ulike elever" in each for each in said] == [are_different] * 3
        assert "samme trinn før og etter" in said[1]
        assert "Sammenligningene gir ulike svar" in said[2]


def test_a_note_on_intervals_is_for_rows_that_are_told():
    frame = increases().assign(suppressed=False, evidence="", measurement_warning="")
    first = frame.index == frame.index[0]
    hidden = frame.assign(suppressed=first, reason=np.where(first, "few_clusters", ""))
    assert "Without an interval" not in answer(hidden, words=words("en")).text


def test_what_may_have_is_explained_where_it_is_said():
    row = of_verdict("increase", estimand="dose", population="teachers", plan_role="secondary",
                     outcome="views", question="Q9", contrast="per gathering")  # fmt: skip
    open_row = {**row, "verdict": "unclear", "ci_low": -0.1}
    for told, note in ((row, True), (open_row, False)):
        said = summary(pd.DataFrame([told]), words=words("en")).text
        assert ("“May have”" in said) == note
        assert ("“Cannot tell”" in said) != note


@pytest.mark.parametrize(
    ("language", "said", "rest"),
    [
        ("nb", "Mer frammøte kan henge sammen med at matematikkglede og innsats (mange mot "
         "få) økte mer (ikke",
         "Ellers kan vi ikke si om frammøte har noe å si for endringen."),
        ("nn", "Meir frammøte kan henge saman med at matematikkglede og innsats (mange mot "
         "få) auka meir (ikkje",
         "Elles kan vi ikkje seie om frammøte har noko å seie for endringa."),
        ("en", "More attendance may go with a larger increase in joy and effort (many "
         "against few) (not",
         "Otherwise we cannot tell whether attendance matters for the change."),
    ],
)  # fmt: skip
def test_attendance_is_told_of_many_against_few_too(language, said, rest):
    many = "gathering: 90th - 10th percentile"
    about = {"estimand": "dose", "plan_role": "secondary", "question": "Q9"}
    slope = row_of(0.30, 0.05, contrast="per gathering", **about)
    text = summed_up(
        slope,
        {**slope, "contrast": many},
        row_of(0.05, 0.15, contrast="per gathering", outcome="effort", **about),
        row_of(0.45, 0.10, contrast=many, outcome="effort", **about),
        language=language,
    )
    first = text.splitlines()[0]
    assert said in first
    assert first.count({"nb": "glede", "nn": "glede", "en": "joy"}[language]) == 1
    assert rest not in first
    unclear = row_of(0.05, 0.15, contrast="per gathering", outcome="calm", **about)
    assert rest in summed_up(slope, unclear, language=language)
    assert rest not in summed_up(slope, row_of(0.05, 0.15, contrast=many, **about))


def test_the_quality_of_scales_is_told_light_by_light():
    rows = pd.DataFrame(
        [
            ("pupils", "joy", "good", ""),
            ("pupils", "effort", "doubt", "low_reliability"),
            ("teachers", "views", "", ""),
        ],
        columns=["population", "outcome", "light", "measurement_warning"],
    )
    assert quality(rows, words=words("nb")).text.splitlines() == [
        "● God måling: 1 av 2 skalaer.",
        f"■ {label('light', 'doubt', words('nb')).capitalize()}: 1 av 2 skalaer. "
        f"Innsats – {label('warning', 'low_reliability', words('nb'))}.",
    ]


def test_leaders_beside_teachers_in_words():
    ends = {"ci_low": -1.51, "ci_high": -0.02, "se": 0.334}
    lower_row = made_up.agreement(difference=-0.77, **ends)
    other = made_up.agreement(difference=0.04, ci_low=-0.6, ci_high=0.7, se=0.29, outcome="other")
    frame = pd.concat([lower_row, other])
    speech = words("nb")
    speech.outcomes["teachers", "other"] = "Annet"
    lower, unclear, chance = agreement(frame, words=speech).split(". ")
    assert lower == (
        "På de samme skolene kan lederne ha gitt høyere skårer enn lærerne (ikke sikkert): syn på "
        f"faget (0,77 poeng; 95{NO_BREAK}% KI 0,02 til 1,51)"
    )
    assert unclear == "For annet kan vi ikke si om lærerne og lederne svarer ulikt"
    assert chance == "Når flere ting sammenlignes, kan én av dem være ulik ved en tilfeldighet."
    hidden = pd.concat([lower_row, made_up.agreement(difference=None)])
    assert agreement(hidden, words=speech).endswith("Ikke vist: syn på faget.")
    none = made_up.agreement(difference=None)
    assert agreement(none, words=words("nn")).startswith("For få har svara")


@pytest.mark.parametrize(
    ("comparisons", "said"),
    [
        (1, "På de samme skolene ga lærerne høyere skårer enn lederne: syn på faget"),
        (2, "På de samme skolene ga lærerne høyere skårer enn lederne: syn på faget"),
        (6, "På de samme skolene kan lærerne ha gitt høyere skårer enn lederne (ikke sikkert): "),
    ],
)
def test_how_leaders_and_teachers_differ_is_certain_only_among_all_comparisons(comparisons, said):
    # t = 3 with 10 degrees of freedom: p = .0133, six times that is above .05
    one = made_up.agreement(difference=0.3, se=0.1, ci_low=0.077, ci_high=0.523)
    still = {"difference": 0.0, "se": 0.1, "ci_low": -0.223, "ci_high": 0.223, "outcome": "other"}
    page = pd.concat([one, *[made_up.agreement(**still)] * (comparisons - 1)])
    text = agreement(one, words=words("nb"), compared=page)
    assert text.startswith(said)
    assert ("Når flere ting" in text) is (comparisons == 6)


def test_what_groups_of_schools_and_schools_cannot_show_is_one_sentence():
    row = of_verdict("unclear", mdes=0.14, n_clusters=6, cluster="feeder_group")
    frame = pd.DataFrame([
        row, {**row, "mdes": 0.15, "cluster": "school", "estimand": "same_grade"},
    ])  # fmt: skip
    text = answer(frame, words=words("nb")).text
    assert "Med 6 grupper av skoler eller 6 skoler er den minste endringen vi kan påvise" in text
    assert text.count("vi kan påvise") == 1


def test_one_is_said_in_the_singular():
    row = {"estimand": "level", "contrast": "mean", "suppressed": False, "change": 2.5}
    frame = pd.DataFrame(
        [{**of_verdict("unclear"), **row, "wave": "pre", "question": "Q1"}]
    ).assign(n_pre=1, n_post=None)
    assert "(1 answer)" in summary(frame, words=words("en")).text


def test_how_many_answered_stands_beside_means_of_few_and_the_rule_is_said_once():
    about = {"estimand": "level", "contrast": "mean", "suppressed": False, "change": 2.5}
    waves = {"pre": {"n_pre": 24, "n_post": None}, "post": {"n_pre": None, "n_post": 18}}
    rows = [effect(**about, wave=wave, **n) for wave, n in waves.items()]
    rows.append(effect(**about, wave="post", n_pre=None, n_post=60, question="Q2"))
    other = {"outcome": "effort", "n_pre": None, "n_post": 6, "question": "Q1"}
    rows.append(effect(**about, wave="post", **other))
    text = summary(pd.DataFrame(rows), words=words("en")).text
    assert "Mean before (24 answers): " in text
    assert "Mean after (6\N{EN DASH}18 answers): " in text
    assert "Mean after: " in text
    assert text.count("is given where it is below 30.") == 1
    many = summary(pd.DataFrame(rows[2:3]), words=words("en")).text
    assert "is given where" not in many
