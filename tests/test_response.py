"""From the invited to the linked, school by school: every count has its people."""

from itertools import pairwise

import pandas as pd
import pytest

import loftet_analysis as la
from loftet_analysis import names, schema
from loftet_analysis.analysis.response import (
    FOR_A_SHARE,
    arrivals,
    attrition,
    careless_signs,
    totals,
)
from loftet_analysis.batch import cleaning
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.disclosure.gate import gate
from loftet_analysis.show import tables
from loftet_analysis.show.follow_up import REMIND_BELOW, follow_up
from loftet_analysis.study import load_instrument, load_study
from loftet_analysis.study.questionnaire import Questionnaire
from tests import tiny_study

PUPILS = Questionnaire("pupils", "oslo", load_instrument("pupil"), gender="girl")
TEACHERS = Questionnaire("teachers", "oslo", load_instrument("teacher"))
SCHOOLS_BY_STEP = schema.SCHOOLS_BY_STEP
STEPS = [column for column in schema.RESPONSE if column.startswith("n_")]
REGISTER = """\
school_id,school,region,grades,invited_pupils_pre,invited_pupils_post,invited_pupils_pre_5
0301,Bø skole,Nordland - Nordlánnda,1-7,9,4,7
0302,Ås ungdomsskole,Nordland - Nordlánnda,8-10,5,3,0
0400,Vik skule,Oslo,1-10,3,0,
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    root = tmp_path / "Løftet {test}"
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    folder = tiny_study.build(
        root, study=tiny_study.STUDY + "analysis: {gaps: {pupils: [grade_band]}}\n"
    )
    (folder / "schools.csv").write_text(REGISTER, encoding="utf-8")
    pre = tiny_study.sheets(
        "1|0301|5|an12t|Ja|3|2|3",
        "2|0301|5|bo03k|Ja|3|2|3",
        "3|0301|5|bo03k|Ja|3|2|4",  # the same pupil again
        "4|0301|6|li20m|Nei|3|2|3",  # says no
        "5|0301|6||Ja|3|2|3",  # no code
        "6|0302|9|xx99x|Ja|3|2|3",  # will have left school
        "7|0302|8|yy88y|Ja|||",  # answers nothing of the scale
        "8|0400|5|zz77z|Ja|3|2|3",
    )
    post = tiny_study.sheets(
        "1|0301|7|an12t|Ja|3|2|3",
        "2|0301|7|bo03k|Nei|3|2|3",  # says no the second time
        "3|0302|10|yy88y|Ja|3|2|3",
        wave="post",
    )
    tiny_study.write_csv(folder, "pre", pre)
    tiny_study.write_csv(folder, "post", post)
    return load_study("tiny")


def counts(table: pd.DataFrame, school: str, wave: str, subgroup: str = "all") -> list:
    rows = table[
        (table["school_id"] == school) & (table["wave"] == wave) & (table["subgroup"] == subgroup)
    ]
    (row,) = rows[STEPS].to_numpy().tolist()
    return [None if pd.isna(value) else int(value) for value in row]


def test_every_school_has_its_people_step_by_step(tiny):
    table = prepare(tiny).response
    assert tuple(table.columns) == schema.RESPONSE
    # invited, answered, consented, kept, could be found again, found
    assert counts(table, "0301", "pre") == [9, 4, 3, 3, 2, 1]
    assert counts(table, "0302", "pre") == [5, 2, 2, 1, 0, 0]
    assert counts(table, "0301", "post") == [4, 2, 1, 1, 1, 1]
    assert counts(table, "0400", "post") == [0, 0, 0, 0, 0, 0]


def test_grades_add_up_to_everybody_and_have_their_own_invited(tiny):
    table = prepare(tiny).response
    assert counts(table, "0301", "pre", "grade=5") == [7, 2, 2, 2, 2, 1]
    assert counts(table, "0301", "pre", "grade=6") == [None, 2, 1, 1, 0, 0]
    grades = table[table["subgroup"].str.startswith("grade=")]
    whole = table[table["subgroup"] == "all"]
    for step in ("n_answered", "n_consented", "n_kept", "n_linked"):
        assert grades[step].sum() == whole[step].sum()


def test_steps_never_grow_and_the_kept_are_the_clean(tiny):
    prepared = prepare(tiny)
    table = prepared.response
    for before, after in pairwise(STEPS[1:]):
        known = table[[before, after]].dropna()
        assert (known[before] >= known[after]).all()
    whole = table[table["subgroup"] == "all"]
    assert whole["n_kept"].sum() == len(prepared.clean["pupils"])


def test_totals_are_sums_over_schools_and_missing_where_no_school_knows(tiny):
    table = prepare(tiny).response
    nordland = totals(table, region="nordland").set_index(["wave", "subgroup"])
    assert list(nordland.loc[("pre", "all"), STEPS]) == [14, 6, 5, 4, 2, 1]
    assert nordland.loc[("pre", "all"), "n_schools"] == 2
    assert pd.isna(nordland.loc[("pre", "grade=6"), "n_invited"])
    country = totals(table, region=names.NATIONAL).set_index(["wave", "subgroup"])
    assert country.loc[("pre", "all"), "n_invited"] == 17
    assert set(country["school_id"]) == {""}


def test_schools_are_counted_at_each_step(tiny):
    table = prepare(tiny).response
    country = totals(table, region=names.NATIONAL, schools=True).set_index(["wave", "subgroup"])
    for wave in ("pre", "post"):
        of = table[(table["wave"] == wave) & (table["subgroup"] == "all")]
        for step, schools in zip(STEPS, SCHOOLS_BY_STEP, strict=True):
            assert country.loc[(wave, "all"), schools] == (of[step] > 0).sum()
    assert list(country.loc[("pre", "all"), [*SCHOOLS_BY_STEP]])[:2] == [3, 3]
    assert pd.isna(country.loc[("pre", "grade=6"), "schools_invited"])  # nobody knows


def test_a_few_schools_lost_at_a_step_are_not_told():
    steps = dict(zip(SCHOOLS_BY_STEP, (40, 30, 28, 25, 24, 10), strict=True))
    row = {"population": "leaders", "wave": "post", "subgroup": "all", "n_kept": 33, **steps}
    shown = gate(pd.DataFrame([row]), pd.DataFrame(columns=list(schema.MASK)), "internal").iloc[0]
    assert shown["n_schools"] == 30  # those who answered, not those who consented
    told = [None if pd.isna(shown[column]) else shown[column] for column in SCHOOLS_BY_STEP]
    assert told == [40, 30, None, None, 24, 10]  # each beside the last that is told
    assert shown["n_kept"] == 36
    opened = gate(pd.DataFrame([row]), pd.DataFrame(columns=list(schema.MASK)), "open").iloc[0]
    assert [*opened[[*SCHOOLS_BY_STEP]]] == [*steps.values()]


def test_a_register_that_is_known_in_part_gives_no_total_of_the_invited(tiny):
    table = prepare(tiny).response
    place = (table["school_id"] == "0302") & (table["subgroup"] == "all")
    table.loc[place & (table["wave"] == "pre"), "n_invited"] = pd.NA
    partly = totals(table, region="nordland").set_index(["wave", "subgroup"])["n_invited"]
    assert pd.isna(partly["pre", "all"])
    assert partly["post", "all"] == 7


def test_the_follow_up_has_schools_only_the_lowest_response_first(tiny, monkeypatch):
    store.write(prepare(tiny), tiny)
    table = follow_up(tiny)
    assert "person_id" not in table
    before = table[(table["wave"] == "pre") & (table["region"] == "nordland")]
    assert list(before["school_id"]) == ["0302", "0301"]
    assert list(before["share"]) == pytest.approx([2 / 5, 4 / 9])
    assert before["remind"].all()
    assert not table.loc[table["share"] >= REMIND_BELOW, "remind"].any()
    assert not table.loc[table["share"].isna(), "remind"].any()  # nobody was invited


def test_arrivals_count_up_to_the_whole_of_each_wave():
    days = pd.to_datetime(["2025-09-16", "2025-09-15", "2025-09-15", "2027-09-20"])
    clean = pd.DataFrame({"wave": ["pre", "pre", "pre", "post"], "submitted": days})
    invited = pd.DataFrame(
        {
            "population": "pupils", "wave": ["pre", "post", "pre"],
            "subgroup": ["all", "all", "grade=7"], "n_invited": [FOR_A_SHARE, FOR_A_SHARE - 1, 5],
        }
    )  # fmt: skip
    days = arrivals(clean, PUPILS, invited)
    assert tuple(days.columns) == schema.ARRIVALS
    assert days[["wave", "n"]].values.tolist() == [["pre", 2], ["pre", 3], ["post", 1]]
    assert days["n_final"].tolist() == [3, 3, 1]
    assert days["n_invited"].fillna(0).tolist() == [FOR_A_SHARE, FOR_A_SHARE, 0]
    assert arrivals(clean.drop(columns="submitted"), PUPILS, invited).empty


def test_careless_signs_are_counted_where_they_could_be_seen():
    clean = pd.DataFrame(
        {
            "wave": "pre",
            "careless": ["", "same_answer;fast", "fast", "half_missing"],
            "seconds_per_item": [5.0, 1.0, 1.5, None],
        }
    )
    found = careless_signs(clean, PUPILS).set_index("sign")
    assert found[["n", "n_flagged"]].T.to_dict("list") == {
        "same_answer": [4, 1], "fast": [3, 2], "half_missing": [4, 1],
    }  # fmt: skip


def lost() -> pd.DataFrame:
    states = ["linked", "linked_near", "absent", "moved", "code_error", "structurally_impossible"]
    return pd.DataFrame(
        {
            "wave": "pre", "link_state": states * 2, "grade": [5, 6, 5, 7, 9, 10] * 2,
            "gender": ["girl", "boy"] * 6, "persistence": [4.0, 3, 2, 1, 9, 9, 3, 4, 1, 2, 9, 9],
        }
    )  # fmt: skip


def test_only_those_who_could_be_found_are_compared():
    found = attrition(lost(), PUPILS)
    assert tuple(found.columns) == schema.ATTRITION
    assert set(found["comparison"]) == {names.LINKED_OR_NOT}
    joy = found.set_index("outcome").loc["persistence"]
    assert (joy["n_one"], joy["n_other"]) == (4, 4)
    # means 3.5 and 1.5, within variance 1/3
    assert joy["smd"] == pytest.approx(2 / (1 / 3) ** 0.5)
    assert joy["flags"] == "baseline_apart"
    assert set(found["outcome"]) == {"persistence", "grade", "gender=girl"}
    turned = attrition(lost().assign(persistence=lambda t: -t["persistence"]), PUPILS)
    assert turned.set_index("outcome").loc["persistence", "smd"] == pytest.approx(-joy["smd"])


@pytest.mark.parametrize(
    ("shift", "flag"), [(0.0, ""), (0.1, "baseline_adjust"), (0.5, "baseline_apart")]
)
def test_roles_are_compared_with_the_limits_of_what_works(shift, flag):
    base = [1.0, 2.0, 3.0, 4.0]
    clean = pd.DataFrame(
        {
            "wave": "pre",
            "role": ["participant"] * 4 + ["colleague"] * 4,
            "beliefs_inquiry": [x + shift for x in base] + base,
        }
    )
    found = attrition(clean, TEACHERS)
    assert found["comparison"].tolist() == [names.BY_ROLE]
    assert found["flags"].tolist() == [flag]
    assert found["smd"].iloc[0] == pytest.approx(shift / (5 / 3) ** 0.5)


def test_where_no_consent_is_asked_there_is_no_step_of_consent(tiny):
    steps = {}
    for consent, is_asked in (("    consent: {column: samtykke, yes: Ja}\n", True), ("", False)):
        told = tiny_study.STUDY.replace("    consent: {column: samtykke, yes: Ja}\n", consent)
        (tiny.folder / "study.yml").write_text(told, encoding="utf-8")
        cleaning.clean(load_study("tiny"))
        opened = la.open_study("tiny", language="en")
        response = opened.response(schools=True)
        assert response["n_consented"].notna().any() == is_asked
        assert response["n_schools"].max() == 3  # as before
        shown = la.gate(response, opened)
        table = tables.response(shown, words=opened.words).html
        assert ("Consented" in table) == is_asked
        groups = tables.groups(shown.assign(n_invited=120), words=opened.words).html
        assert "%" in groups
        steps[is_asked] = response
    assert steps[False].loc[0, "n_kept"] >= steps[True].loc[0, "n_kept"]


def test_groups_that_nobody_belongs_to_are_not_planned(tiny):
    cleaning.clean(tiny)
    plan = la.open_study("tiny", language="en").plan("pupils")
    assert set(tiny.groups("pupils", "grade")) > {"5", "7", "8"}
    groups = {group for group in plan["subgroup"] if group.startswith("grade=")}
    answered = la.open_study("tiny").read("pupils")["grade"]
    assert groups == {f"grade={grade}" for grade in answered.dropna().unique()}
    assert "grade_band=8-10 - grade_band=5-7" in set(plan["contrast"])
    pre = tiny_study.sheets("1|0301|5|an12t|Ja|3|2|3", "2|0301|5|bo03k|Ja|3|2|3")
    post = tiny_study.sheets("1|0301|7|an12t|Ja|3|2|3", wave="post")
    for wave, sheets in (("pre", pre), ("post", post)):
        tiny_study.write_csv(tiny.folder, wave, sheets)
    cleaning.clean(tiny)
    plan = la.open_study("tiny", language="en").plan("pupils")
    assert {g for g in plan["subgroup"] if g != "all"} == {"grade=5", "grade=7"}
    assert not plan["contrast"].str.contains("grade_band").any()
