"""Three waves: changes to and from the one midway, and the course of the answers."""

import itertools

import numpy as np
import pandas as pd
import pingouin as pg
import pytest
import statsmodels.api as sm

import loftet_analysis as la
from loftet_analysis import schema
from loftet_analysis.analysis.synthesis import pool
from loftet_analysis.disclosure.gate import cells, gate
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.errors import DisclosureError
from loftet_analysis.show import figures, tables
from loftet_analysis.show.languages import Answers, Words, row_label
from loftet_analysis.show.sentences import heading, reading
from loftet_analysis.study import load_study
from loftet_analysis.study.plan import plan as plan_of
from loftet_analysis.study.questionnaire import Questionnaire
from tests.test_privacy import THREE_WAVES, three_waves
from tests.tiny_study import STUDY, build

WHOLE, FIRST, SECOND = "post - pre", "mid - pre", "post - mid"
WORDS = Words(
    "en", outcomes={("teachers", "joy"): "Joy"},
    answers={("teachers", "joy"): Answers(1, 5, "never", "always")},
)  # fmt: skip


def clean(seed=1, schools=12, size=8, missing=0.0):
    """Return teachers of both roles in three waves."""
    rng = np.random.default_rng(seed)
    rows = []
    for school, i in itertools.product(range(schools), range(size)):
        level, slope = rng.normal(3, 0.5), rng.normal(0.2, 0.3)
        for k, wave in enumerate(("pre", "mid", "post")):
            if rng.random() >= missing:
                role = "participant" if i % 2 else "colleague"
                answer = level + k * slope + rng.normal(0, 0.4)
                rows.append((wave, "oslo", f"s{school:02}", f"{school}-{i}", role, 7, answer))
    columns = ["wave", "region", "school_id", "person_id", "role", "grade", "joy"]
    return pd.DataFrame(rows, columns=columns)


def plan(*estimands, contrasts=("", FIRST, SECOND), **more):
    rows = [
        {
            "population": "teachers", "outcome": "joy", "question": "Q5", "estimand": estimand,
            "contrast": contrast, "subgroup": "all", "region": "oslo", "years": 0, "family": "",
            "plan_role": "secondary", "flags": "", "sd_unit": 0.8, "sd_within_role": 0.7, **more,
        }
        for estimand in estimands
        for contrast in contrasts
    ]  # fmt: skip
    return pd.DataFrame(rows)


LINKED = ("linked_change", "participants", "colleagues", "participants_vs_colleagues")


@pytest.mark.parametrize("estimand", [*LINKED, "same_grade", "school_change"])
def test_among_people_in_all_waves_the_changes_add_up(estimand):
    rows = la.estimates(clean(), plan(estimand))
    ending = rows["contrast"].str.extract(r"(\w+ - \w+)$")[0]
    change = rows.set_index(ending)["change"].to_list()
    assert change[0] == pytest.approx(change[1] + change[2], abs=1e-12)
    assert rows["sd_unit"].nunique() == 1
    assert rows["estimate"].iloc[0] == pytest.approx(rows["estimate"].iloc[1:].sum(), abs=1e-12)


def test_verbs_on_pairs_give_the_rows_of_all_three_pairs_of_waves():
    answers, asked = clean(missing=0.2), plan(*LINKED)
    pairs = la.pairs(answers, asked)
    assert pairs["contrast"].unique().tolist() == [WHOLE, FIRST, SECOND]
    found = [
        la.linked_change(pairs, asked),
        *(la.linked_change(pairs, asked, role=role) for role in ("participant", "colleague")),
        la.participants_vs_colleagues(pairs, asked),
    ]
    whole = la.estimates(answers, asked)
    columns = ["estimand", "contrast", "n_pairs", "change", "change_se", "df"]
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True)[columns], whole[columns])
    assert whole["contrast"].tolist()[-3:] == [
        "participant - colleague", f"participant - colleague: {FIRST}",
        f"participant - colleague: {SECOND}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("contrast", "waves"), [(FIRST, ("mid", "pre")), (SECOND, ("post", "mid"))]
)
def test_with_one_person_a_school_the_change_is_the_paired_t_test_of_pingouin(contrast, waves):
    answers = clean(schools=30, size=1)
    row = la.estimates(answers, plan("linked_change", contrasts=[contrast])).iloc[0]
    wide = answers.pivot(index="person_id", columns="wave", values="joy")
    later, earlier = (wide[wave] for wave in waves)
    test = pg.ttest(later, earlier, paired=True).iloc[0]
    assert row["statistic"] == pytest.approx(test["T"], rel=1e-9)
    assert row["df"] == pytest.approx(test["dof"], rel=1e-9)
    assert row["p_value"] == pytest.approx(test["p_val"], rel=1e-9)
    assert row["mean_pre"] == pytest.approx(earlier.mean())
    assert row["mean_post"] == pytest.approx(later.mean())


def test_the_same_grade_change_to_midway_is_that_of_statsmodels():
    answers = clean(missing=0.3)
    row = la.estimates(answers, plan("same_grade", contrasts=[FIRST])).iloc[0]
    two = answers[answers["wave"] != "post"]
    n = two.groupby(["school_id", "wave"])["joy"].transform("size")
    both = two.groupby("school_id")["joy"].transform("size")
    x = pd.get_dummies(two["school_id"], dtype=float).assign(later=two["wave"].eq("mid") * 1.0)
    fit = sm.WLS(two["joy"], x, weights=both / n).fit()
    assert row["change"] == pytest.approx(fit.params["later"], rel=1e-9)
    assert (row["n_pre"], row["n_post"]) == tuple(two["wave"].value_counts()[["pre", "mid"]])


def test_the_unit_is_that_of_all_answers_before_and_only_there_uncertain():
    rows = la.estimates(clean(), plan("linked_change", unit_is_sample=True))
    fixed = la.estimates(clean(), plan("linked_change", unit_is_sample=False))
    differs = (rows["se"] - fixed["se"]).abs().gt(1e-9)
    assert differs.tolist() == [True, True, False]


# the plan


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))

    def load(study):
        build(tmp_path, study=study)
        return load_study("tiny")

    return load


def test_the_plan_asks_for_mean_changes_between_any_two_of_three_waves(tiny):
    declared = "analysis: {primary: {pupils: {outcomes: [effort], estimands: [same_grade]}}}\n"
    rows = plan_of(tiny(THREE_WAVES + declared))
    midway = rows[rows["contrast"].isin([FIRST, SECOND])]
    assert set(midway["outcome"]) == {"effort"}
    assert set(midway["estimand"]) == {
        "linked_change", "same_grade", "school_change", "cohort_change",
    }  # fmt: skip
    assert midway["family"].eq("").all()
    assert midway["plan_role"].eq("secondary").all()
    assert rows["family"].ne("").sum() == 1
    grades = midway[midway["estimand"] == "linked_change"].groupby("contrast")["subgroup"].agg(set)
    assert "grade=9" in grades[FIRST]  # one school year later it is met in grade 10
    whole = rows[(rows["estimand"] == "linked_change") & rows["contrast"].eq("")]
    assert "grade=9" not in set(whole["subgroup"])


def test_a_study_with_two_waves_is_asked_what_it_was_asked(tiny):
    two = plan_of(tiny(STUDY))
    assert not two["contrast"].str.contains("mid").any()
    three = plan_of(tiny(THREE_WAVES))
    rest = three[~three["contrast"].isin([FIRST, SECOND]) & three["wave"].ne("mid")]
    rest = rest.reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, two)


def test_what_is_told_from_before_to_after_does_not_hang_on_the_wave_midway(tiny):
    patterns = ("pre", "pre post", "pre mid", "pre mid post", "mid post")
    counts = {
        ("0301", 5): (3, 2, 0, 9, 1),
        ("0301", 7): (1, 5, 2, 1, 0),
        ("0302", 6): (4, 8, 1, 0, 3),
        ("0400", 5): (2, 1, 1, 7, 0),
        ("0400", 7): (9, 2, 0, 2, 2),
    }
    sizes = {cell: dict(zip(patterns, each, strict=True)) for cell, each in counts.items()}
    frame = three_waves(sizes)
    three = decide(tiny(THREE_WAVES), {"pupils": frame})
    two = decide(tiny(STUDY), {"pupils": frame[frame["wave"] != "mid"]})
    same = three[three["wave"].isin(["pre", "post", "linked"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, two)


# the gate


def mask(**hidden):
    waves = ["pre", "mid", "post", "linked", "linked:pre-mid", "linked:mid-post",
             "linked:pre-mid-post"]  # fmt: skip
    rows = pd.DataFrame(
        [
            {"population": "teachers", "region": "oslo", "school_id": "", "subgroup": group,
             "wave": wave, "outcome": "joy", "n": 96 if group == "all" else 48,
             "suppressed": hidden.get(wave, False), "reason": ""}
            for group in ("all", "role=participant", "role=colleague")
            for wave in waves
        ]
    )  # fmt: skip
    schools = {"n_schools": 12, "smallest": 4, "largest": 12, "few_schools": 1}
    scale = {"minimum": 1.0, "width": 3.0, "step": 0.01}
    reason = rows["suppressed"].map({True: "complementary", False: ""})
    return rows.assign(reason=reason, share_reason=reason, **schools, **scale)


@pytest.mark.parametrize(
    ("hidden", "contrasts"),
    [
        ("linked", {WHOLE}),
        ("linked:pre-mid", {FIRST}),
        ("linked:mid-post", {SECOND}),
        ("mid", {FIRST, SECOND}),
        ("post", {WHOLE, SECOND}),
        ("linked:pre-mid-post", set()),
    ],
)
def test_a_change_is_hidden_with_the_cells_of_its_own_waves(hidden, contrasts):
    rows = la.verdicts(la.estimates(clean(), plan("linked_change", "participants_vs_colleagues")))
    shown = gate(rows, mask(**{hidden: True}), "internal")
    told = shown.loc[shown["suppressed"], "contrast"].str.extract(r"(\w+ - \w+)$")[0]
    told = told.where(told.isin([WHOLE, FIRST, SECOND]), WHOLE)
    assert set(told) == contrasts
    assert shown["suppressed"].sum() == 2 * len(contrasts)


@pytest.mark.parametrize(
    ("estimand", "message"),
    [("linked_change", "not of everybody in their cell"), ("same_grade", "a part of their group")],
)
def test_a_change_of_some_of_its_people_is_refused(estimand, message):
    some = clean().query("person_id != '0-0' or wave != 'mid'")
    rows = la.estimates(some, plan(estimand, contrasts=[FIRST]))
    with pytest.raises(DisclosureError, match=message):
        gate(rows, mask(), "internal")
    # the same people are everybody from before to after
    gate(la.estimates(some, plan(estimand, contrasts=[""])), mask(), "internal")


def test_cells_of_a_change_to_midway():
    row = {"population": "teachers", "region": "oslo", "outcome": "joy", "contrast": FIRST}
    found = cells(pd.DataFrame([{**row, "estimand": "participants"}]))
    assert found["wave"].tolist() == ["pre", "mid", "linked:pre-mid"]
    found = cells(pd.DataFrame([{**row, "estimand": "same_grade"}]))
    assert found["wave"].tolist() == ["pre", "mid"]


# the course


def test_the_course_is_of_all_and_of_those_in_all_waves():
    answers = clean(missing=0.2)
    rows = la.course(answers, plan("linked_change")).set_index(["who", "wave"])
    answered = answers.groupby("wave")["joy"].agg(["size", "mean"])
    assert rows.loc["answered", "n"].to_dict() == answered["size"].to_dict()
    np.testing.assert_allclose(
        rows.loc["answered", "mean"], answered["mean"][["pre", "mid", "post"]]
    )
    wide = answers.pivot(index="person_id", columns="wave", values="joy").dropna()
    assert rows.loc["linked", "n"].eq(len(wide)).all()
    assert rows.loc[("linked", "mid"), "mean"] == pytest.approx(wide["mid"].mean())
    assert rows.columns.tolist() == [c for c in schema.COURSE if c not in ("who", "wave")]


def test_there_is_no_course_of_two_waves():
    assert la.course(clean(), plan("linked_change", contrasts=[""])).empty
    assert la.course(clean(), plan("linked_change", contrasts=[FIRST])).empty
    assert la.course(clean(), plan("level", contrasts=["", FIRST])).empty


def test_the_course_is_gated_by_wave_and_by_those_in_all_waves():
    rows = la.course(clean(), plan("linked_change"))
    assert not gate(rows, mask(), "internal")["suppressed"].any()
    shown = gate(rows, mask(**{"linked:pre-mid-post": True}), "internal")
    assert shown["suppressed"].tolist() == [False] * 3 + [True] * 3
    assert shown["mean"].isna().equals(shown["suppressed"])
    shown = gate(rows, mask(mid=True), "internal")
    assert shown["suppressed"].tolist() == [False, True, False] + [False] * 3
    some = la.course(clean().query("person_id != '0-0'"), plan("linked_change"))
    with pytest.raises(DisclosureError, match="not of everybody in their cell"):
        gate(some, mask(), "internal")


def test_the_course_is_drawn_with_a_line_for_each_set_of_people():
    rows = gate(la.course(clean(), plan("linked_change")), mask(), "internal")
    drawing = figures.course(rows, words=WORDS)
    (ax,) = drawing.figure.axes
    lines = {line.get_linestyle(): line for line in ax.get_lines()}
    means = rows.set_index("who")["mean"]
    np.testing.assert_allclose(lines["--"].get_ydata(), means["answered"])
    np.testing.assert_allclose(lines["-"].get_ydata(), means["linked"])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["before", "midway", "after"]
    assert "Joy, the same people every time:" in drawing.alt
    assert heading(rows, words=WORDS).text == "The course over three waves"
    hidden = gate(la.course(clean(), plan("linked_change")), mask(mid=True), "internal")
    part = figures.course(hidden[hidden["who"] == "answered"], words=WORDS)
    assert len(part.figure.axes[0].get_lines()[0].get_ydata()) == 2
    assert "midway" not in part.alt


# what is said


def test_a_sentence_says_which_waves_it_is_of():
    rows = la.verdicts(la.estimates(clean(), plan("participants")))
    said = [reading(row, WORDS) for row in rows.assign(suppressed=False).to_dict("records")]
    assert said[0].startswith("The participants' answers changed by 0.")
    assert said[1].startswith("From before to midway: The participants' answers")
    assert said[2].startswith("From midway to after: The participants' answers changed by −0.")
    assert row_label(rows.iloc[2], Words("nb")) == "Deltakere, fra underveis til etter"
    grades = la.verdicts(la.estimates(clean(), plan("same_grade"))).assign(suppressed=False)
    said = reading(grades.iloc[1], WORDS)
    assert said.startswith("In the same grades, the answers may have gone up by 0.19 standard")
    drawing = figures.change(rows.assign(suppressed=False), words=WORDS)
    assert "later − earlier" in drawing.figure.axes[0].get_xlabel()
    table = tables.effects(rows.assign(suppressed=False), words=WORDS)
    assert "Earlier" in table.html


def test_regions_are_pooled_and_choices_changed_from_before_to_after_only():
    rows = la.estimates(clean(), plan("linked_change"))
    regions = pd.concat([rows, rows.assign(region="troms")])
    assert len(pool(regions)) == 1
    effects = la.verdicts(rows)
    asked = Questionnaire("teachers", "oslo", None)
    again = la.sensitivity(clean(), effects, plan("linked_change"), asked, only=["school_means"])
    assert again["contrast"].tolist() == [WHOLE]
