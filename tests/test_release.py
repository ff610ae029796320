"""Releases: new numbers less old ones tell of nobody, or of as many as the profile asks for."""

import json
import shutil
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loftet_analysis import names
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.release import Release, digests, held_back, remembered
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.study import load_study
from tests.quick_study import REGIONS, build_quick, environment, run

KEY = b"k" * 32
SCHOOLS = {"0301": "nordland", "0302": "nordland", "0500": "oslo", "0501": "oslo"}
ITEMS = ["effort_1", "effort_2", "effort_3"]
WHOLE = [*REGIONS, names.NATIONAL]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study") / "Løftet {test}"
    internal(build_quick(root))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LOFTET_ROOT", str(root))
        return load_study("tiny")


def internal(folder: Path, profile: str = "internal") -> None:
    described = (folder / "study.yml").read_text(encoding="utf-8")
    described = described.replace("disclosure: open", f"disclosure: {profile}")
    (folder / "study.yml").write_text(described, encoding="utf-8")


def answers(waves=("pre", "post"), per_school=20, schools=SCHOOLS) -> pd.DataFrame:
    """Return clean data in which everybody answers in every wave, half in each of two grades."""
    rng = np.random.default_rng(3)
    rows = [
        (f"{school}-{pupil:02}", region, school, 5 + pupil % 2, wave)
        for (school, region), pupil in product(schools.items(), range(per_school))
        for wave in waves
    ]
    keys = [names.PERSON, names.REGION, names.SCHOOL, names.GRADE, names.WAVE]
    frame = pd.DataFrame(rows, columns=keys)
    frame[names.GRADE] += 2 * frame[names.WAVE].eq("post")
    frame[ITEMS] = rng.integers(1, 5, (len(frame), 3)).astype(float)
    return frame.assign(effort=frame[ITEMS].mean(axis=1), careless="")


def frozen(study, number: int, clean: pd.DataFrame, held=(), profile="internal") -> Release:
    """Return the release of clean data, in which some regions' earlier numbers stand."""
    mask = decide(study.model_copy(update={"disclosure": profile}), {"pupils": clean})
    groups = ["grade"]
    people = {"pupils": digests(clean, study.populations["pupils"], groups, KEY)}
    regions = [*clean[names.REGION].unique(), names.NATIONAL]
    blocks = {(region, "pupils"): 0 if region in held else number for region in regions}
    return Release(number, profile, "a key", {}, blocks, people=people, mask=mask)


def registered(study, clean: pd.DataFrame):
    """Return a study whose register has the schools that there are answers from."""
    schools = clean[[names.SCHOOL, names.REGION]].drop_duplicates(ignore_index=True)
    return study.model_copy(update={"schools": schools})


def without(clean: pd.DataFrame, *people: str, wave: str = "") -> pd.DataFrame:
    gone = clean[names.PERSON].isin(people)
    return clean[~gone | (clean[names.WAVE].ne(wave) if wave else False)]


def pupils(school: str, numbers) -> list[str]:
    return [f"{school}-{number:02}" for number in numbers]


def held(study, clean, *earlier, profile="internal") -> set[str]:
    made = frozen(study, len(earlier) + 1, clean, profile=profile)
    return held_back(made, earlier, "pupils", KEY, [*clean[names.REGION].unique()])


def test_nothing_changed(study):
    assert held(study, answers(), frozen(study, 1, answers())) == set()


def test_one_withdrawal_holds_its_region_and_the_country(study):
    clean = answers()
    first = frozen(study, 1, clean)
    assert held(study, without(clean, "0301-04"), first) == {"nordland", "national"}


def test_one_sheet_of_one_wave(study):
    clean = answers()
    now = without(clean, "0301-04", wave="post")
    assert held(study, now, frozen(study, 1, clean)) == {"nordland", "national"}


def test_a_corrected_answer_counts(study):
    clean = answers()
    now = clean.copy()
    now.loc[3, "effort_2"] = 5 - now.loc[3, "effort_2"]
    now["effort"] = now[ITEMS].mean(axis=1)
    assert held(study, now, frozen(study, 1, clean)) == {"nordland", "national"}


def test_who_joins_counts(study):
    clean = answers()
    assert held(study, clean, frozen(study, 1, without(clean, "0500-00"))) == {"oslo", "national"}


def test_as_many_as_the_limit_in_every_shown_cell_are_shown(study):
    clean = answers()
    # six of each grade of one school
    now = without(clean, *pupils("0301", range(12)))
    assert held(study, now, frozen(study, 1, clean)) == set()


def test_as_many_as_the_limit_but_few_of_a_grade_or_school_are_not(study):
    clean = answers()
    first = frozen(study, 1, clean)
    of_grade = without(clean, *pupils("0301", range(0, 18, 2)), "0301-01")
    assert held(study, of_grade, first) == {"nordland", "national"}
    of_school = without(clean, *pupils("0301", range(12)), *pupils("0302", [0]))
    # the country tells of thirteen
    assert held(study, of_school, first) == {"nordland"}


def test_few_of_a_hidden_part_are_told_by_the_whole(study):
    # of grade 9 there are three, so it is hidden, and with it a second grade
    clean = answers(waves=("pre",), per_school=30)
    clean["grade"] = 5 + clean.groupby("school_id").cumcount() % 3
    lone = clean["grade"].eq(7) & ~clean.index.isin(clean.index[clean["grade"].eq(7)][:3])
    clean = clean[~lone]
    first = frozen(study, 1, clean)
    of_mask = first.mask.query("subgroup == 'grade=7' and wave == 'pre' and region == 'nordland'")
    assert of_mask["suppressed"].all()
    one = clean[clean["grade"].eq(7)]["person_id"].iloc[0]
    fives = clean[clean["grade"].eq(5) & clean["school_id"].eq(one[:4])]["person_id"].head(9)
    assert "nordland" in held(study, without(clean, one, *fives), first)


def test_compared_with_every_release_not_only_the_last(study):
    clean = answers()
    later = without(clean, *pupils("0301", range(12)))
    first, second = frozen(study, 1, clean), frozen(study, 2, later)
    # eleven of the twelve are back: many since the second, one since the first
    back = without(clean, "0301-00")
    assert held(study, back, first, second) == {"nordland", "national"}
    assert held(study, back, replace(first, blocks={}), second) == {"nordland", "national"}
    # since the second alone as many are back as it takes
    whole = clean
    assert held(study, whole, second) == set()


def test_several_small_steps_add_up(study):
    clean = answers()
    first = frozen(study, 1, clean)
    some = without(clean, *pupils("0301", range(4)))
    second = frozen(study, 2, some, held=("nordland", "national"))
    more = without(clean, *pupils("0301", range(8)))
    assert held(study, more, first, second) == {"nordland", "national"}
    most = without(clean, *pupils("0301", range(12)))
    assert held(study, most, first, second) == set()


def test_the_country_less_the_regions_does_not_tell_a_region_that_is_held(study):
    clean = answers()
    first = frozen(study, 1, clean)
    # twelve of oslo go, and one of nordland: the country changes by thirteen
    now = without(clean, *pupils("0500", range(12)), "0301-00")
    assert held(study, now, first) == {"nordland", "national"}


def six_regions() -> pd.DataFrame:
    schools = {f"{n}{k}": f"region{n}" for n, k in product(range(1, 7), range(2))}
    return answers(schools=schools)


def two_of_each(numbers, regions=range(1, 7)) -> list[str]:
    return [each for n in regions for each in pupils(f"{n}0", numbers)]


def test_the_country_is_shown_where_those_who_are_held_together_are_enough(study):
    clean = six_regions()
    study = registered(study, clean)
    first = frozen(study, 1, clean)
    # of each grade one in each of six regions: the country less the regions tells of twelve
    now = without(clean, *two_of_each(range(2)))
    assert held(study, now, first) == {f"region{n}" for n in range(1, 7)}
    # of each grade one in each of five regions
    now = without(clean, *two_of_each(range(2), range(1, 6)))
    assert held(study, now, first) == {*(f"region{n}" for n in range(1, 6)), "national"}


def test_a_region_that_is_shown_later_does_not_tell_what_the_country_held_of_others(study):
    clean = six_regions()
    study = registered(study, clean)
    first = frozen(study, 1, clean)
    six = {f"region{n}" for n in range(1, 7)}
    some = without(clean, *two_of_each(range(2)))
    second = frozen(study, 2, some, held=six)
    # more of region 1 go, so it could be shown; second's country less it would tell the other ten
    more = without(some, *pupils("10", range(2, 12)))
    third = held(study, more, first, second)
    assert third >= six - {"region1"}
    of_one = first.people["pupils"], second.people["pupils"]
    assert len(of_one[0]) > len(of_one[1])
    # the same people as in the second: what the second held would be told exactly
    same = without(some, *pupils("11", range(12)))
    assert "region1" in held(study, same, first, second)


def test_a_wave_that_is_closed_later_is_new_and_the_earlier_one_is_compared(study):
    clean = answers()
    pre = clean[clean["wave"].eq("pre")]
    first = frozen(study, 1, pre)
    assert held(study, clean, first) == set()
    assert held(study, without(clean, "0301-04"), first) == {"nordland", "national"}
    gone = without(clean, "0301-04", wave="post")
    assert held(study, gone, first) == set()


def test_a_stricter_profile_compares_by_its_limit(study):
    clean = answers(per_school=60)
    first = frozen(study, 1, clean)
    eight = without(clean, *pupils("0301", range(16)))  # eight of each grade
    assert held(study, eight, first) == set()
    assert held(study, eight, first, profile="school") == {"nordland", "national"}
    strict = frozen(study, 1, clean, profile="school")
    assert held(study, eight, strict) == {"nordland", "national"}


def test_the_same_people_under_a_stricter_profile_are_shown(study):
    clean = answers(per_school=60)
    assert held(study, clean, frozen(study, 1, clean), profile="public") == set()


def test_a_new_region_is_new(study):
    clean = answers()
    before = clean[clean["region"].eq("oslo")]
    now = clean
    assert "nordland" not in held(study, now, frozen(study, 1, before))


def test_a_region_of_another_name_is_compared(study):
    clean = answers()
    renamed = clean.assign(region=clean["region"].replace("nordland", "nordlánnda"))
    other = registered(study, renamed)
    first = frozen(study, 1, clean)
    assert held(other, renamed, first) == set()
    assert held(other, without(renamed, "0301-04"), first) == {"nordlánnda", "national"}


def test_open_data_are_never_held(study):
    clean = answers()
    first = frozen(study, 1, clean, profile="open")
    assert held(study, without(clean, "0301-04"), first, profile="open") == set()
