"""Pseudonyms in the place of ids and codes, and who is linked."""

from types import SimpleNamespace

import pandas as pd
import pytest

from loftet_analysis.data import link
from loftet_analysis.data.readers import Export
from loftet_analysis.data.registers import read_attendance
from loftet_analysis.errors import InputError
from loftet_analysis.privacy.pseudonyms import pseudonym
from loftet_analysis.study import Attendance, Link

KEY = b"k" * 32
CODE, ID = Link(by="code", column="kode"), Link(by="id", column="nr")


def assigned(frame: pd.DataFrame, by: Link, years: int = 0) -> pd.DataFrame:
    return link.assign_persons(frame, link=by, key=KEY, population="pupils", years=years)


def waves(*rows: tuple, columns: tuple = ("wave", "region", "grade", "person_id")) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns)).astype({"person_id": "str"})
    return frame.astype({"grade": "Int64"}) if "grade" in columns else frame


def states(frame: pd.DataFrame, years: int = 2) -> tuple[list[str], pd.DataFrame]:
    linked, linkage = link.link_waves(frame, years={"pre": 0, "post": years}, population="pupils")
    return linked["person_id"].fillna("").to_list(), linkage


def test_codes_meet_within_region_and_cohort_only():
    pre = pd.DataFrame(
        {
            "region": ["oslo", "oslo", "troms", "oslo", "oslo", "oslo"],
            "grade": pd.array([5, 6, 5, None, 5, 5], dtype="Int64"),
            "link": ["ab07 ", "ab07", "ab07", "ab07", "ab7", ""],
        }
    )
    post = pd.DataFrame(
        {
            "region": ["oslo", "oslo"],
            "grade": pd.array([7, 8], dtype="Int64"),
            "link": ["AB07", "AB07"],
        }
    )
    before, after = assigned(pre, CODE), assigned(post, CODE, years=2)
    assert "link" not in before
    assert before["person_id"].isna().to_list() == [False, False, False, True, True, True]
    assert before["person_id"].nunique() == 3
    assert before["person_id"].to_list()[:2] == after["person_id"].to_list()


def test_codes_of_people_without_grades_meet_within_the_region():
    frame = pd.DataFrame(
        {"region": ["oslo", "oslo", "troms"], "link": ["åse1", "a\u030ase1", "åse1"]}
    )
    persons = assigned(frame, CODE)["person_id"]
    assert persons[0] == persons[1] != persons[2]


def test_an_id_is_the_same_person_everywhere():
    frame = pd.DataFrame({"region": ["oslo", "troms", ""], "link": ["7", " 7", ""]})
    persons = assigned(frame, ID)["person_id"]
    assert persons[0] == persons[1] == pseudonym(KEY, "pupils", "id", "7")
    assert persons.isna().to_list() == [False, False, True]


def test_without_a_link_nobody_has_a_pseudonym():
    frame = pd.DataFrame({"region": ["oslo"]})
    persons = assigned(frame, Link(by="none"))["person_id"]
    assert persons.isna().all()
    assert persons.dtype == "str"


def test_at_most_one_row_per_person_and_wave_and_grades_that_follow_each_other():
    persons, linkage = states(
        waves(
            ("pre", "oslo", 5, "linked"),
            ("post", "troms", 7, "linked"),
            ("pre", "oslo", 5, "twice"),
            ("pre", "oslo", 5, "twice"),
            ("post", "oslo", 7, "twice"),
            ("pre", "oslo", 6, "torn"),
            ("post", "oslo", 7, "torn"),
            ("pre", "oslo", None, "no grade"),
            ("post", "oslo", 8, "no grade"),
            ("pre", "oslo", 6, "gone"),
            ("pre", "oslo", 10, "left"),
            ("pre", "oslo", 5, None),
            ("post", "oslo", 5, "new"),
        )
    )
    assert persons == [
        "linked", "linked", "", "", "", "", "", "no grade", "no grade", "gone", "left", "", "new",
    ]  # fmt: skip
    table = linkage.groupby(["wave", "state"])["n"].sum().to_dict()
    assert table == {
        ("post", "ambiguous"): 1,
        ("post", "grade_mismatch"): 1,
        ("post", "linked"): 2,
        ("post", "structurally_impossible"): 1,
        ("pre", "ambiguous"): 2,
        ("pre", "grade_mismatch"): 1,
        ("pre", "linked"): 2,
        ("pre", "absent"): 1,
        ("pre", "code_error"): 1,
        ("pre", "structurally_impossible"): 1,
    }


def test_one_wave_alone_makes_nobody_impossible():
    _, linkage = states(waves(("pre", "oslo", 10, "a"), ("pre", "oslo", 5, "b")))
    assert linkage["state"].to_list() == ["absent"]


def test_people_without_grades_are_linked_as_they_are():
    columns = ("wave", "region", "person_id")
    persons, linkage = states(
        waves(("pre", "oslo", "a"), ("post", "oslo", "a"), ("post", "oslo", "b"), columns=columns)
    )
    assert persons == ["a", "a", "b"]
    assert linkage[["wave", "state", "n"]].values.tolist() == [
        ["post", "absent", 1],
        ["post", "linked", 1],
        ["pre", "linked", 1],
    ]


ATTENDANCE = Attendance(file="a.csv", id="nr", columns={"gatherings": "moter"})


def register(**columns) -> Export:
    return Export(pd.DataFrame(columns, dtype="str"), "a.csv")


def attendance(export: Export) -> pd.DataFrame:
    teachers = SimpleNamespace(name="teachers", attendance=ATTENDANCE)
    return read_attendance(export, population=teachers, key=KEY, schools={})


def test_attendance_comes_under_pseudonyms():
    read = attendance(register(nr=["7", "8 "], moter=["10", ""], navn=["Kari", "Ola"]))
    assert list(read) == ["person_id", "gatherings"]
    assert read["person_id"][1] == pseudonym(KEY, "teachers", "id", "8")
    assert read["gatherings"].fillna(-1).to_list() == [10, -1]


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"nr": ["1"], "mote": ["1"]}, ["column not found"]),
        ({"nr": ["1", "1"], "moter": ["1", "2"]}, ["id that is blank, unknown or stands twice"]),
        ({"nr": ["", "2"], "moter": ["1", "ti"]},
         ["id that is blank, unknown or stands twice", "gatherings that cannot be"]),
    ],
)  # fmt: skip
def test_faults_of_a_register_are_told_together(columns, what):
    with pytest.raises(InputError) as caught:
        attendance(register(**columns))
    assert [problem.what for problem in caught.value.problems] == what
