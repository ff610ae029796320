"""The verbs of a notebook: the rows of the plan, and whatever a researcher makes of the frames."""

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.analysis import estimates as verbs
from loftet_analysis.analysis.estimates import pairs
from loftet_analysis.errors import InputError
from loftet_analysis.schema import EFFECTS, of_kind
from loftet_analysis.stats.cr2 import mean
from tests.test_effects import answers, codes, pairs_of, plan, unit

NUMBERS = [name for name in EFFECTS if name not in of_kind("text") and name != "suppressed"]


def pupils(seed=3):
    """Two outcomes; everybody of the later wave has moved up, some have changed school."""
    rng = np.random.default_rng(seed)
    clean = answers(seed, n=500, schools=10)
    older = clean["grade"] + 2 * (clean["wave"] == "post")
    gender = rng.choice(["girl", "boy"], len(clean))
    return clean.assign(
        grade=older, gender=gender, mood=4 - clean["y"] + rng.normal(size=len(clean))
    )


def teachers(seed=5):
    """Participants and colleagues who attended, some of them, and a second outcome."""
    clean = answers(seed, n=500, schools=10)
    rng = np.random.default_rng(seed)
    person = clean["person_id"].dropna().unique()
    attended = pd.Series(rng.integers(0, 11, len(person)).astype(float), index=person)
    gatherings = clean["person_id"].map(attended)
    return clean.assign(gatherings=gatherings, mood=clean["y"] ** 2)


BOTH = ["y", "mood"]
OF_PAIRS = {
    "linked_change": verbs.linked_change,
    "participants": lambda paired, plan, **by: verbs.linked_change(
        paired, plan, role="participant", **by
    ),
    "colleagues": lambda paired, plan, **by: verbs.linked_change(
        paired, plan, role="colleague", **by
    ),
    "participants_vs_colleagues": verbs.participants_vs_colleagues,
    "dose": verbs.dose,
}
OF_CLEAN = {
    "same_grade": verbs.same_grade,
    "school_change": verbs.school_change,
    "cohort_change": verbs.cohort_change,
    "programme_vs_comparison": verbs.programme_vs_comparison,
    "level": verbs.level,
    "same_grade_quantile": verbs.equity,
    "share_below": verbs.equity,
    "gap_change": verbs.equity,
    "lowest_fifth": verbs.equity,
    "spread_ratio": verbs.equity,
}


def asked(*estimands, population, **more):
    """A plan of both outcomes, outcome by outcome."""
    ruler = pd.concat([unit(population=population, outcome=outcome) for outcome in BOTH])
    parts = [
        plan(*estimands, population=population, outcome=outcome, units=ruler, years=2,
             low_fifth=2.4, midpoint=3.0, alpha=0.8, **more)
        for outcome in BOTH
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def assert_same(found, expected):
    assert tuple(found.columns) == (*EFFECTS, "answers_pre", "answers_post")
    columns = list(EFFECTS)  # how many answers there were is known of clean frames only
    pd.testing.assert_frame_equal(found[columns], expected[columns], rtol=1e-12)


@pytest.mark.parametrize("estimand", OF_PAIRS)
@pytest.mark.parametrize("population", ["teachers", "pupils"])
def test_what_is_computed_from_pairs_is_what_the_plan_asks_for(population, estimand):
    clean = teachers() if population == "teachers" else pupils()
    rows = asked(estimand, population=population)
    expected = verbs.estimates(clean, rows)
    assert_same(OF_PAIRS[estimand](pairs(clean, rows), rows), expected)
    if estimand != "dose" or population == "teachers":
        assert expected["change"].notna().any()


@pytest.mark.parametrize("estimand", OF_CLEAN)
def test_what_is_computed_from_the_clean_frame_is_what_the_plan_asks_for(estimand):
    clean = pupils().assign(comparison=lambda d: d["school_id"] > "s04")
    rows = asked(estimand, population="pupils", contrast="gender=girl - gender=boy")
    others = asked("linked_change", population="pupils")
    found = OF_CLEAN[estimand](clean, pd.concat([rows, others], ignore_index=True))
    assert_same(found, verbs.estimates(clean, rows))
    # the spread between schools needs more of them
    assert found["change"].notna().any() == (estimand != "spread_ratio")


def test_subgroups_of_the_plan_are_found_in_pairs_as_people_were_before():
    clean = pupils()
    rows = asked("linked_change", population="pupils", subgroup="grade=6")
    found = verbs.linked_change(pairs(clean, rows), rows)
    assert_same(found, verbs.estimates(clean, rows))
    bands = asked("linked_change", population="pupils", subgroup="grade_band=5-7")
    assert_same(verbs.linked_change(pairs(clean, bands), bands), verbs.estimates(clean, bands))


def test_pairs_are_the_answers_of_the_same_people():
    clean = teachers()
    rows = asked("linked_change", population="teachers")
    paired = pairs(clean, rows, also=["person_id", "grade"])
    assert paired["outcome"].unique().tolist() == BOTH
    complete = paired[paired["outcome"].eq("y") & paired["change"].notna()].set_index("person_id")
    expected = pairs_of(clean).loc[complete.index]
    for column in ("pre", "post", "school_post"):
        assert complete[column].tolist() == expected[column].tolist()
    assert complete["cluster"].tolist() == expected["school"].tolist()
    assert (complete["change"] == complete["post"] - complete["pre"]).all()
    answered = clean[(clean["wave"] == "pre") & clean["y"].notna()]
    assert (paired["outcome"] == "y").sum() == len(answered)
    assert set(paired["clustered_by"]) == {"school"}
    assert set(pairs(clean, rows.assign(population="pupils"))["clustered_by"]) == {"feeder_group"}


def test_a_researcher_may_say_who_is_not_independent_of_whom():
    clean = pupils()
    rows = asked("linked_change", population="pupils").iloc[:1]
    by_school = verbs.linked_change(pairs(clean, rows, cluster="school"), rows)
    people = pairs_of(clean)
    raw = mean(people["post"] - people["pre"], codes(people["school"]))
    assert by_school["change_se"][0] == pytest.approx(raw.se)
    assert by_school["cluster"][0] == "school"
    own = pairs(clean, rows).assign(
        cluster=lambda d: d["school_id"].str[1:].astype(int) // 2, clustered_by="valley"
    )
    found = verbs.linked_change(own, rows)
    raw = mean(people["post"] - people["pre"], codes(people["school"].str[1:].astype(int) // 2))
    assert found["change_se"][0] == pytest.approx(raw.se)
    assert found["df"][0] == pytest.approx(raw.df)
    assert found[["cluster", "n_clusters"]].iloc[0].tolist() == ["valley", 5]
    roles = asked("participants_vs_colleagues", population="pupils").iloc[:1]
    assert verbs.participants_vs_colleagues(own, roles)["n_clusters"][0] == 5


def test_a_filtered_frame_gives_the_result_of_those_who_are_left():
    clean = pupils()
    rows = asked("linked_change", population="pupils").iloc[:1]
    paired = pairs(clean, rows)
    stayers = paired[paired["school_id"] == paired["school_post"]]
    found = verbs.linked_change(stayers, rows)
    assert found["n_pairs"][0] == stayers["change"].notna().sum() < paired["change"].notna().sum()
    assert found["change"][0] == pytest.approx(stayers["change"].mean())
    girls = clean[clean["gender"] == "girl"]
    same = asked("same_grade", population="pupils").iloc[:1]
    of_girls = asked("same_grade", population="pupils", subgroup="gender=girl").iloc[:1]
    one, other = verbs.same_grade(girls, same), verbs.estimates(clean, of_girls)
    for column in ("n_pre", "n_post", "change", "change_se", "df"):
        assert one[column][0] == other[column][0]
    nobody = verbs.linked_change(paired.iloc[:0], rows)
    assert nobody["reason"].tolist() == ["no_pairs"]
    assert nobody[NUMBERS].drop(columns=["ci_level", "sesoi"]).isna().all(axis=None)


def test_changed_answers_are_what_is_compared():
    clean = teachers()
    rows = asked("linked_change", population="teachers").iloc[:1]
    paired = pairs(clean, rows)
    turned = paired.assign(pre=6 - paired["pre"], post=6 - paired["post"])
    found, other = (verbs.linked_change(frame, rows) for frame in (paired, turned))
    assert other["change"][0] == pytest.approx(-found["change"][0])
    assert other["change_se"][0] == pytest.approx(found["change_se"][0])


@pytest.mark.parametrize("verb", [verbs.linked_change, verbs.same_grade, verbs.level])
def test_groups_of_a_column_of_ones_own_are_exploratory_rows(verb):
    clean = pupils()
    rng = np.random.default_rng(1)
    of_person = rng.choice(["far", "near", "between"], clean["person_id"].nunique())
    place = dict(zip(clean["person_id"].dropna().unique(), of_person, strict=True))
    clean["place"] = clean["person_id"].map(place)  # of nobody else it is known
    estimand = verb.__name__
    rows = asked(estimand, population="pupils", family="pupils: primary", plan_role="primary")
    more = rows.assign(subgroup="grade=6")  # groups of the plan are not asked again
    frame = pairs(clean, rows, also=["place"]) if verb is verbs.linked_change else clean
    found = verb(frame, pd.concat([rows, more]), by="place")
    assert set(found["plan_role"]) == {"exploratory"}
    assert set(found["family"]) == {""}
    each = 2 if estimand == "level" else 1
    groups = ["place=between", "place=far", "place=near"]
    assert found["subgroup"].tolist() == np.repeat(groups * 2, each).tolist()
    for place in ("far", "near"):
        alone = verbs.estimates(clean, rows.assign(subgroup=f"place={place}"))
        part = found[found["subgroup"] == f"place={place}"].reset_index(drop=True)
        same = ["n_pre", "n_post", "n_pairs", "change", "change_se", "df", "estimate", "se"]
        pd.testing.assert_frame_equal(part[same], alone[same], rtol=1e-12)


def test_groups_of_numbers_are_named_as_they_are_written():
    clean = pupils().assign(classes=lambda d: d["school_id"].str[1:].astype(float) % 2)
    rows = asked("same_grade", population="pupils").iloc[:1]
    assert verbs.same_grade(clean, rows, by="classes")["subgroup"].tolist() == [
        "classes=0", "classes=1",
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"(?s)no column valley to group by.*classes"):
        verbs.same_grade(clean, rows, by="valley")


def test_a_plan_or_a_role_that_does_not_fit_is_told():
    clean = teachers()
    rows = asked("linked_change", population="teachers")
    with pytest.raises(InputError, match=r"(?s)the plan lacks columns.*add estimand, subgroup"):
        verbs.same_grade(clean, rows.drop(columns=["estimand", "subgroup"]))
    with pytest.raises(InputError, match=r"(?s)unknown role.*pupil.*participant, colleague"):
        verbs.linked_change(pairs(clean, rows), rows, role="pupil")
    with pytest.raises(InputError, match="no column school_id"):
        pairs(clean.drop(columns="school_id"), rows)
    nothing = verbs.same_grade(clean, rows)  # the plan asks for other estimands
    assert nothing.empty
    assert tuple(nothing.columns) == (*EFFECTS, "answers_pre", "answers_post")


def test_frames_are_not_changed():
    clean, rows = teachers(), asked("linked_change", "dose", population="teachers")
    paired = pairs(clean, rows)
    before = clean.copy(deep=True), rows.copy(deep=True), paired.copy(deep=True)
    verbs.estimates(clean, rows)
    verbs.linked_change(paired, rows, by="role")
    verbs.dose(paired, rows)
    for frame, copy in zip((clean, rows, paired), before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_answers_of_another_region_than_the_plans_are_refused():
    clean = pupils().assign(region="nordland")
    asked = plan("same_grade", outcome="y").assign(region="oslo")
    with pytest.raises(InputError, match="answers of another region than the plan is of"):
        verbs.same_grade(clean, asked)
    paired = pairs(clean, asked)
    with pytest.raises(InputError, match="found:   nordland"):
        verbs.linked_change(paired, asked.assign(estimand="linked_change"))
    assert len(verbs.same_grade(clean, asked.assign(region="national"))) == 1


def test_people_who_stand_twice_in_the_pairs_are_refused():
    asked = plan("linked_change", outcome="y")
    paired = pairs(pupils(), asked)
    with pytest.raises(InputError, match="people more than once in the pairs of an outcome"):
        verbs.linked_change(pd.concat([paired, paired.head(3)]), asked)


def test_groups_of_large_and_of_mixed_values_are_found_again():
    clean, asked = pupils(), plan("same_grade", outcome="y")
    numbers = clean.assign(org=974000000 + clean["school_id"].factorize()[0] % 2)
    groups = verbs.same_grade(numbers, asked, by="org")
    assert groups["subgroup"].tolist() == ["org=974000000", "org=974000001"]
    assert groups["change"].notna().all()
    mixed = clean.assign(kind=clean["gender"].map({"girl": "a", "boy": 7}).astype(object))
    assert verbs.same_grade(mixed, asked, by="kind")["subgroup"].tolist() == ["kind=7", "kind=a"]


def test_a_word_where_grades_are_numbers_is_no_subgroup():
    asked = plan("same_grade", outcome="y").assign(subgroup="grade=seven")
    assert verbs.same_grade(pupils(), asked)["reason"].tolist() == ["no_subgroup"]
