"""Every column name that one chapter of the library hands to another."""

from __future__ import annotations

# One row per respondent and wave (clean data).
PERSON = "person_id"
WAVE = "wave"
REGION = "region"
SCHOOL = "school_id"
COHORT = "cohort"  # in which its school began; comparison schools are one of their own
GRADE = "grade"
GRADE_BAND = "grade_band"
GRADES = range(5, 11)  # those of the programme
ROLE = "role"
GENDER = "gender"
SUBMITTED = "submitted"
GATHERINGS = "gatherings"
INTERIM_WORK = "interim_work"
LINKED_BY = "linked_by"  # id, code, near or row; missing where unlinked
LINK_STATE = "link_state"  # linked, or why not; see data.link
SECONDS = "seconds_per_item"
MISSING = "missing_share"
CARELESS = "careless"  # the flags of a sheet, with ";" between them

PRE, MID, POST, LINKED = "pre", "mid", "post", "linked"
WAVES = (PRE, MID, POST)
PARTICIPANT, COLLEAGUE, LEADER = "participant", "colleague", "leader"
LINKED_OR_NOT, BY_ROLE = ("linked - unlinked", "participant - colleague")
ROLES = (PARTICIPANT, COLLEAGUE, LEADER)

POPULATION = "population"
POPULATIONS = ("pupils", "teachers", "leaders")
NATIONAL = "national"
ALL = "all"

OUTCOME = "outcome"
QUESTION = "question"
ESTIMAND = "estimand"
SUBGROUP = "subgroup"

#: A flag: one cluster holds nearly all of what an interval rests on, so nothing is concluded.
ONE_DOMINATES = "one_dominates"
#: A flag: a level without an interval, since the schools cannot say how uncertain it is.
NO_INTERVAL = "no_interval"
#: A reason: an estimate without what tells how much its schools differ.
FEW_CLUSTERS = "few_clusters"
#: A flag: the region is the whole study, so its rows are the country's.
WHOLE_STUDY = "whole_study"

#: Ways to select schools for interviews.
STRATEGIES = ("maximum_variation", "typical", "extreme", "paired")
