"""What a column of a result is: type, what the gate does with it, how it is rounded, meaning.

Every column of every result table has one line in `COLUMNS`; the tables themselves are the tuples
below it. Whatever reads, gates, rounds, writes or explains a result looks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import IO, Any, Literal

import pandas as pd

Kind = Literal["text", "count", "number", "flag"]
#: A row of a table: values by column.
Row = Mapping[str, Any]
#: What a column says, and so what becomes of it in a row that may not be shown.
#:
#: *key* and *setting* name the row or come from study.yml and the instrument: they stay.
#: Everything else is emptied: *derived* texts are read off numbers; *people* are counts of
#: persons, which also decide whether a row may be shown, *count* are other counts; *level* is a
#: mean or SD of one wave; *estimate* is any other number; *share* is a part of the people in `of`;
#: *edge* is an end of a bin, which is never rounded; *school_mean* is never shown.
Role = Literal[
    "key", "setting", "derived", "people", "count", "level", "estimate", "share", "edge",
    "school_mean",
]  # fmt: skip

#: How a number is rounded in every profile but ``open``; by default to two decimals.
#:
#: *points*, *sd* and *share* are multiples of the step that the row's people ask for, in scale
#: points, in SD, and in parts of one; a *standard_error* has three decimals where the step has;
#: *tenth* and *thousandth* are what they say, *whole* has no decimals.
Rounding = Literal["", "points", "sd", "share", "standard_error", "tenth", "thousandth", "whole"]


@dataclass(frozen=True)
class Column:
    """One column of a result table.

    Attributes
    ----------
    kind : {"text", "count", "number", "flag"}
    role : str
        See `Role`.
    meaning : str
        In one line, with the unit.
    of : str
        Of a *share*: the column that counts the people or answers it is a part of.
    rounding : str
        See `Rounding`.
    spread : bool
        Whether it tells how much the clusters of a row differ.
    """

    kind: Kind
    role: Role
    meaning: str
    of: str = ""
    rounding: Rounding = ""
    spread: bool = False


def _key(meaning: str) -> Column:
    return Column("text", "key", meaning)


def _number(
    meaning: str, rounding: Rounding = "", *, role: Role = "estimate", of: str = ""
) -> Column:
    return Column("number", role, meaning, of, rounding)


def _spread(meaning: str, rounding: Rounding = "") -> Column:
    return Column("number", "estimate", meaning, rounding=rounding, spread=True)


def _people(meaning: str) -> Column:
    return Column("count", "people", meaning)


def _count(meaning: str) -> Column:
    return Column("count", "count", meaning)


COLUMNS: dict[str, Column] = {
    # what a row is about
    "population": _key("pupils, teachers or leaders"),
    "region": _key("slug of the region, or national"),
    "school_id": _key("the school; empty: all schools of the region"),
    "outcome": _key("scale of the instrument"),
    "scale": _key("scale of the instrument"),
    "item": _key("item of the scale; empty: the scale"),
    "of": _key("scale that an item belongs to"),
    "other_population": _key("whose answers stand beside them"),
    "other_subgroup": _key("of whose people: all, or column=value"),
    "other_outcome": _key("scale of the instrument that stands beside it"),
    "other_wave": _key("wave of that scale; linked: who answered both times"),
    "other_contrast": _key("what is compared of that scale"),
    "question": _key("the study's research question that the scale belongs to"),
    "wave": _key("pre, mid or post, in effects only of levels; linked: who answered both times"),
    "who": _key("answered: all who answered the wave; linked: those who answered every wave"),
    "subgroup": _key("all, or column=value"),
    "year": _key("calendar year in which a cohort's wave began"),
    "estimand": _key("what is compared with what; see the methods in the documentation"),
    "contrast": _key("what is subtracted from what, always later - earlier"),
    "analysis": _key("which choice differs from the main analysis"),
    "design": _key("which groups a factor model compares"),
    "model": _key("which parameters a factor model holds equal"),
    "comparison": _key("which two groups are compared before"),
    "weighting": _key("what counts alike: person, school or the cells' pooled share"),
    "cluster": _key("school, feeder_group or region: what the standard error rests on"),
    "family": _key("tests that are adjusted together; empty: none"),
    "plan_role": _key("primary or secondary, as declared beforehand; exploratory: not declared"),
    "evidence": _key("descriptive, contaminated by design, or quasi-experimental"),
    "method": _key("estimator, standard error and degrees of freedom"),
    "reason": _key("why a row has no numbers"),
    "unit": _key("total: SD of all answers before; within_role: pooled within roles"),
    "sign": _key("sign of careless answering"),
    "state": _key("linked, or why not"),
    "answered": _key("how many of the invited answered, in classes"),
    "left_out": _key("regions that are not pooled, each with why not, joined by ;"),
    "feature": _key("feature of regions that the study declares"),
    "column": _key("what is counted: gatherings or interim_work"),
    "wording": _key("how the item was worded in that wave"),
    "file": _key("export"),
    "step": _key("step of cleaning"),
    # settings
    "ci_level": _number("confidence level of the intervals, 0-1", role="setting"),
    "sesoi": _number("smallest effect size of interest, in SD", role="setting"),
    "n_items": Column("count", "setting", "items of the scale"),
    "suppressed": Column("flag", "setting", "whether the row may not be shown"),
    # texts read off numbers
    "verdict": Column(
        "text",
        "derived",
        "increase, decrease, negligible, unclear or refused; judged before anything was rounded",
        spread=True,
    ),
    "main_verdict": Column("text", "estimate", "verdict of the main analysis", spread=True),
    "flags": Column("text", "derived", "what a reader of the row must know, joined by ;"),
    "measurement_warning": Column("text", "derived", "what weakens the scale, joined by ;"),
    "light": Column("text", "derived", "good, care or doubt: how well the scale measures"),
    "position": Column("text", "derived", "interval: above or below zero, or zero inside"),
    "hangs_on": Column(
        "text", "derived", "regions without which it lies elsewhere, each with where, joined by ;"
    ),
    # people and other counts
    "n": _people("people"),
    "n_pre": _people("people compared, before"),
    "n_post": _people("people compared, after"),
    "n_pairs": _people("people who answered both times"),
    "n_one": _people("people of the first group"),
    "n_other": _people("people of the other group"),
    "n_teachers": _people("teachers who answered"),
    "n_pupils": _people("pupils who answered"),
    "n_leaders": _people("leaders who answered"),
    "n_smaller": _people("people of the smaller of two groups compared, in the wave with fewer"),
    "answers_pre": _count("valid answers of the group before, compared or not"),
    "answers_post": _count("valid answers of the group after, compared or not"),
    "n_flagged": _number("questionnaires with the sign"),
    "n_final": _number("questionnaires of the wave when it was closed"),
    "n_cells": _people("answers that could have been given: people x items"),
    "n_clusters": _count("clusters that the standard error rests on"),
    "n_on_a_side": _count("clusters of the group, of two compared, that lies in fewer"),
    "n_schools": _count("schools"),
    "n_schools_dropped": _count("schools with answers that contribute nothing"),
    "k": _count("regions pooled"),
    "n_groups": _number("groups of the factor model"),
    "n_invited": _number("invited, by the register of schools"),
    "n_answered": _number("questionnaires with any answer, to a question of a scale or another"),
    "n_consented": _number("questionnaires with consent"),
    "n_kept": _number("clean questionnaires"),
    "n_linkable": _number("clean questionnaires that could be found in both waves"),
    "n_linked": _number("clean questionnaires found in both waves"),
    "schools_invited": _count("schools of which anybody was invited"),
    "schools_answered": _count("schools of which anybody answered"),
    "schools_consented": _count("schools of which anybody consented"),
    "schools_kept": _count("schools of which anybody was kept"),
    "schools_linkable": _count("schools of which anybody was linkable"),
    "schools_linked": _count("schools of which anybody was linked"),
    "n_in": _number("questionnaires into the step"),
    "n_out": _number("questionnaires out of the step"),
    "n_set_aside": _number("questionnaires set aside in the step"),
    "n_taken_out": _number("single answers that cleaning took out"),
    # levels
    "mean_pre": _number("mean before, in scale points", "points", role="level"),
    "mean_post": _number("mean after, in scale points", "points", role="level"),
    "sd_pre": _number("SD before, in scale points", "points", role="level"),
    "sd_post": _number("SD after, in scale points", "points", role="level"),
    "mean_teachers": _number("mean of the schools' teacher means", role="school_mean"),
    "mean_leaders": _number("mean of the schools' leader means", role="school_mean"),
    # change in scale points
    "r_pre_post": _number("correlation of the answers before and after"),
    "icc_change": _spread("share of the variance of changes between clusters, 0-1"),
    "design_effect": _spread("squared change_se over that of independent people", "tenth"),
    "change": _number("change in scale points; of a level the mean, or the share (0-1)", "points"),
    "change_se": _spread("standard error of change", "standard_error"),
    "change_ci_low": _spread("lower end of the interval of change", "points"),
    "change_ci_high": _spread("upper end of the interval of change", "points"),
    "statistic": _spread("change over change_se", "tenth"),
    "df": _spread("degrees of freedom (Satterthwaite's, or schools - 1)", "whole"),
    "p_value": _spread("two-sided p-value of no change", "thousandth"),
    "p_adjusted": _spread("p-value adjusted in its family, or over regions", "thousandth"),
    # standardised change
    "sd_unit": _number("SD that the change is divided by, in scale points"),
    "estimate": _number("change in SD of all answers before; of a feature per SD of it", "sd"),
    "se": _spread("standard error of estimate", "standard_error"),
    "ci_low": _spread("lower end of the interval of estimate", "sd"),
    "ci_high": _spread("upper end of the interval of estimate", "sd"),
    "mdes": _spread("smallest change detected with a power of 80%, in SD"),
    "drift": _number("change expected without a programme, in SD"),
    "estimate_vs_drift": _number("estimate minus drift", "sd"),
    "trend": _number("change outside the study between the waves' calendar years, in SD"),
    "trend_se": _number("standard error of trend; empty: its source gives none", "standard_error"),
    "trend_source": _key("where the trend is from, each source with its date"),
    "estimate_vs_trend": _number("estimate minus trend", "sd"),
    "vs_trend_ci_low": _spread("lower end of the interval of estimate_vs_trend", "sd"),
    "vs_trend_ci_high": _spread("upper end of the interval of estimate_vs_trend", "sd"),
    "main_estimate": _number("estimate of the main analysis"),
    "agrees": Column(
        "flag", "estimate", "whether the conclusion is that of the main analysis", spread=True
    ),
    # regions pooled, schools
    "pi_low": _number("lower end of the prediction interval of one more region"),
    "pi_high": _number("upper end of the prediction interval of one more region"),
    "lowest": _number("lowest mean over the regions when one of them is left out", "sd"),
    "highest": _number("highest mean over the regions when one of them is left out", "sd"),
    "tau2": _spread("variance of the true changes between regions or schools", "thousandth"),
    "i2": _number("share of the variance of estimates that is not chance, 0-1"),
    "q": _number("Cochran's Q", "tenth"),
    "q_p": _number("p-value of Q", "thousandth"),
    "shrunk": _spread("change of a school or region when chance is allowed for, in SD", "sd"),
    "shrunk_low": _spread("lower end of its interval", "sd"),
    "shrunk_high": _spread("upper end of its interval", "sd"),
    # agreement of teachers and leaders
    "difference": _number("teachers minus leaders of the same school, in scale points", "points"),
    "r_schools": _spread("correlation of the schools' means"),
    "slope": _spread("points of the other scale for one of this, over the schools"),
    "slope_ci_low": _spread("lower end of its interval"),
    "slope_ci_high": _spread("upper end of its interval"),
    "r_visible": _spread("smallest correlation detected with a power of 80%"),
    "mean_reliability": _spread("share of the variance of schools' means that is not chance, 0-1"),
    "other_mean_reliability": _spread("the same of the scale that stands beside it"),
    "r_disattenuated": _spread("correlation of the schools' means without chance"),
    "r_disattenuated_low": _spread("lower end of its interval"),
    "r_disattenuated_high": _spread("upper end of its interval"),
    "icc1": _spread("share of the variance between schools, 0-1"),
    "icc2": _spread("reliability of the schools' means, 0-1"),
    "rwg": _number("agreement of a school's people over a scale's items, mean of schools, 0-1"),
    "rwg_schools": _count("schools with five or more people who answered every item"),
    "shared": Column(
        "flag", "estimate", "whether the people of a school share it at all", spread=True
    ),
    "bin": Column("count", "setting", "place of a group of schools, from the lowest mean up"),
    "deviation": _spread("mean of the group's school means minus that of all schools", "points"),
    "deviation_low": _spread("lower end of its interval, which is among people"),
    "deviation_high": _spread("upper end of its interval"),
    "other_deviation": _spread("the same of the scale that stands beside it"),
    "other_deviation_low": _spread("lower end of its interval, which is over the schools"),
    "other_deviation_high": _spread("upper end of its interval"),
    "mean_se": _spread("standard error of one school's mean, typical, in scale points"),
    "other_mean_se": _spread("the same of the scale that stands beside it"),
    # measurement
    "alpha": _number("Cronbach's alpha"),
    "alpha_ci_low": _number("lower end of its interval"),
    "alpha_ci_high": _number("upper end of its interval"),
    "alpha_post": _number("Cronbach's alpha after"),
    "alpha_part": _number("upper end of its interval in the region or group where that is lowest"),
    "r_waves": _number("99.9% upper end of the correlation of people's scores before and after"),
    "omega": _number("McDonald's omega"),
    "omega_ci_low": _number("lower end of its interval"),
    "omega_ci_high": _number("upper end of its interval"),
    "mean": _number("mean, in scale points", "points"),
    "sd": _number("SD, in scale points", "points"),
    "icc": _spread("share of the variance between schools, 0-1"),
    "icc_low": _spread("lower end of its interval"),
    "icc_high": _spread("upper end of its interval"),
    "item_rest_r": _number("correlation with the rest of the scale"),
    "alpha_if_deleted": _number("alpha without the item"),
    "floor_share": _number("share at the lowest answer", "share", role="share", of="n"),
    "ceiling_share": _number("share at the highest answer", "share", role="share", of="n"),
    "missing_share": _number("share without an answer", "share", role="share", of="n"),
    "share_missing": _number("share of answers missing", "share", role="share", of="n_cells"),
    "share_most": _number(
        "share who left out the question with the most missing answers",
        "share",
        role="share",
        of="n",
    ),
    "chisq": _number("chi-square of the model"),
    "cfi": _number("comparative fit index", "thousandth"),
    "tli": _number("Tucker-Lewis index", "thousandth"),
    "rmsea": _number("root mean square error of approximation", "thousandth"),
    "srmr": _number("standardised root mean square residual", "thousandth"),
    "delta_cfi": _number("CFI minus that of the freer model", "thousandth"),
    "delta_rmsea": _number("RMSEA minus that of the freer model", "thousandth"),
    "holds": Column("flag", "estimate", "whether the equality holds"),
    "freed": Column("text", "estimate", "parameters freed"),
    "latent_change": _number("change of the latent mean, in SD before", "sd"),
    "latent_change_se": _number("its standard error", "standard_error"),
    "latent_change_df": _number("degrees of freedom of that (Satterthwaite's)", "whole"),
    "latent_change_cluster": _key("school, feeder_group or region: what that rests on"),
    "latent_change_clusters": _count("how many of these"),
    # who differs before
    "smd": _number("standardised difference of the groups' means", "sd"),
    # bins
    "low": _number("lower edge of the bin", role="edge"),
    "high": _number("upper edge of the bin", role="edge"),
    "share": _number("share of the people in the bin, 0-1", "share"),
    "n_in_all": _number("people in all bins together", role="people"),
    "most": _number("largest possible number of times"),
    "day": Column("text", "estimate", "day of submission"),
    # what is planned: assumptions, and what a design can show
    "own": _key("which assumptions are the study's own, joined by ;"),
    "schools": Column("count", "setting", "schools that are planned"),
    "people": _number("people per school who answer before, as planned", role="setting"),
    "change_variance": _number("variance of schools' change, in SD², assumed", role="setting"),
    "r": _number("correlation of a person's answers before and after, assumed", role="setting"),
    "attrition": _number("share of people not found again, assumed, 0-1", role="setting"),
    "cv": _number("SD over mean of the schools' numbers of people, assumed", role="setting"),
    "participants": _number("share of participants, assumed, 0-1", role="setting"),
    "contrast_variance": _number(
        "variance between schools of the roles' difference in change, in SD², assumed",
        role="setting",
    ),
    "effect": _number("change that is to be detected, in SD", role="setting"),
    "power": _number("probability that the effect is detected, 0-1"),
    # settled for the study
    "low_fifth": _number("20th percentile of all answers before"),
    "midpoint": _number("middle of the response scale"),
}  # fmt: skip

#: What `pairs` adds to the columns of a clean frame.
PAIRED = {
    "pre": "the person's score before, in scale points",
    "post": "the person's score after; missing where the person has none",
    "change": "post - pre",
    "school_post": "the person's school after",
    "cluster": "who is not independent of whom: a label of a group of people",
    "clustered_by": "feeder_group, school or region",
    "school_group": "the person's feeder group, or school; ICC and design effect are by it",
}

EFFECTS = (
    "region", "school_id", "population", "outcome", "question", "estimand", "contrast",
    "subgroup", "weighting", "cluster", "n_pre", "n_post", "n_pairs", "n_clusters",
    "n_schools_dropped", "mean_pre", "mean_post", "sd_pre", "sd_post", "r_pre_post",
    "icc_change", "design_effect", "change", "change_se", "change_ci_low", "change_ci_high",
    "statistic", "df", "p_value", "p_adjusted", "family", "plan_role", "sd_unit", "estimate",
    "se", "ci_low", "ci_high", "ci_level", "mdes", "sesoi", "drift", "estimate_vs_drift",
    "verdict", "evidence", "measurement_warning", "flags", "method", "reason", "suppressed",
    "n_schools", "wave", "trend", "trend_se", "trend_source", "estimate_vs_trend",
    "vs_trend_ci_low", "vs_trend_ci_high", "n_smaller", "n_on_a_side",
)  # fmt: skip
SENSITIVITY = (
    "region", "population", "outcome", "question", "estimand", "subgroup", "analysis", "contrast",
    "n_pre", "n_post", "n_pairs", "n_clusters", "change", "change_se", "df", "p_value", "sd_unit",
    "estimate", "se", "ci_low", "ci_high", "ci_level", "sesoi", "verdict", "main_estimate",
    "main_verdict", "agrees", "flags", "method", "reason", "suppressed", "n_smaller",
    "n_on_a_side",
)  # fmt: skip
VARIANCE = (
    "region", "population", "outcome", "wave", "n", "n_clusters", "sd", "icc", "icc_low",
    "icc_high", "ci_level", "icc2", "rwg", "rwg_schools", "shared",
)  # fmt: skip
RELIABILITY = (
    "region", "population", "scale", "wave", "subgroup", "n_items", "n",
    "alpha", "alpha_ci_low", "alpha_ci_high", "omega", "omega_ci_low", "omega_ci_high",
)  # fmt: skip
INVARIANCE = (
    "population", "scale", "design", "model", "n", "n_groups", "chisq", "df", "p_value", "cfi",
    "tli", "rmsea", "srmr", "delta_cfi", "delta_rmsea", "holds", "freed", "latent_change",
    "latent_change_se", "latent_change_df", "latent_change_cluster", "latent_change_clusters",
    "reason",
)  # fmt: skip
ITEMS = (
    "region", "population", "scale", "item", "wave", "subgroup", "n", "missing_share", "mean", "sd",
    "item_rest_r", "alpha_if_deleted", "floor_share", "ceiling_share",
)  # fmt: skip
# counts of people by place, wave and subgroup, from the register's invited to the linked
RESPONSE = (
    "population", "wave", "region", "school_id", "subgroup", "n_invited", "n_answered",
    "n_consented", "n_kept", "n_linkable", "n_linked",
)  # fmt: skip
STEPS = tuple(column for column in RESPONSE if column.startswith("n_"))
SCHOOLS_BY_STEP = tuple(column.replace("n_", "schools_", 1) for column in STEPS)
#: Sheets that are no longer in, by reason.
SET_ASIDE = ("population", "wave", "reason", "n_set_aside")
#: Single answers that cleaning took out, by reason.
TAKEN_OUT = ("population", "wave", "reason", "n_taken_out")
LINKAGE = ("population", "region", "wave", "state", "n")
#: Where each population stands in each wave, and when its newest answer was given, by region.
WAVES = ("population", "wave", "region", "state", "by_hand", "newest_answer")
#: How many sheets came in on each day.
DAYS = ("population", "wave", "region", "day", "n")
# how two groups differed before; outcome is a scale, or grade or gender=girl
ATTRITION = (
    "region", "population", "outcome", "comparison", "n_one", "n_other", "smd", "flags",
    "reason", "suppressed",
)  # fmt: skip
SCHOOLS = (
    "region", "school_id", "population", "outcome", "question", "estimand", "n_pre", "n_post",
    "n_pairs", "sd_unit", "estimate", "se", "ci_low", "ci_high", "ci_level", "shrunk",
    "shrunk_low", "shrunk_high", "tau2", "reason", "suppressed", "sesoi",
)  # fmt: skip
AGREEMENT = (
    "region", "outcome", "question", "n_schools", "n_teachers", "n_leaders", "mean_teachers",
    "mean_leaders", "difference", "se", "df", "ci_low", "ci_high", "ci_level", "r_schools",
    "icc1", "icc2", "rwg", "reason", "suppressed",
)  # fmt: skip
MISSING_ANSWERS = (
    "region", "population", "scale", "wave", "subgroup", "n", "n_cells", "share_missing",
    "share_most",
)  # fmt: skip
POOLED = (
    "population", "outcome", "estimand", "k", "estimate", "se", "df", "ci_low", "ci_high",
    "pi_low", "pi_high", "tau2", "i2", "q", "q_p", "method", "left_out", "position", "lowest",
    "highest", "hangs_on",
)  # fmt: skip
# how changes go along with what regions are
FEATURES = (
    "population", "outcome", "estimand", "feature", "k", "estimate", "se", "statistic", "df",
    "p_value", "p_adjusted", "ci_low", "ci_high", "tau2", "method", "reason", "suppressed",
)  # fmt: skip
LEDGER = (
    "population", "wave", "file", "region", "step", "reason", "n_in", "n_out", "n_set_aside",
)  # fmt: skip
MASK = (
    "population", "region", "school_id", "subgroup", "wave", "outcome", "n", "suppressed",
    "reason", "share_reason", "n_schools", "smallest", "largest", "few_schools", "minimum", "width",
    "step",
)  # fmt: skip
UNITS = (
    "population", "outcome", "unit", "sd_unit", "n", "low_fifth", "midpoint", "n_items", "alpha",
    "alpha_post", "alpha_part", "floor_share", "ceiling_share", "mean",
    "r_waves",
)  # fmt: skip
HISTOGRAM = (
    "population", "region", "school_id", "outcome", "question", "item", "subgroup", "wave", "low",
    "high", "n", "share", "mean", "n_in_all",
)  # fmt: skip
ATTENDANCE = (
    "population", "region", "wave", "column", "low", "high", "n", "share", "mean", "most",
)  # fmt: skip
#: What a design can show: its fields (`stats.power.Design`), and what follows from them.
PLANNED = (
    "population", "estimand", "schools", "people", "change_variance", "r", "icc", "attrition", "cv",
    "participants", "contrast_variance", "ci_level", "own", "effect", "se", "df", "mdes", "power",
)  # fmt: skip
ARRIVALS = ("population", "region", "wave", "day", "n", "n_final", "n_invited")
CARELESS = ("population", "region", "wave", "sign", "n", "n_flagged")
# a mean per outcome and wave, of all who answered and of those who answered every time
COURSE = (
    "region", "population", "outcome", "question", "who", "wave", "n", "n_clusters", "mean",
    "se", "df", "ci_low", "ci_high", "ci_level", "reason",
)  # fmt: skip
#: What a row of the disclosure mask is found by.
CELL = ("population", "region", "school_id", "subgroup", "wave", "outcome")

#: Tables that notebooks keep, by file name; their columns are a contract.
KEPT = {
    "effects": EFFECTS,
    "sensitivity": SENSITIVITY,
    "variance": VARIANCE,
    "reliability": RELIABILITY,
    "items": ITEMS,
    "pooled": POOLED,
    "features": FEATURES,
    "attrition": ATTRITION,
    "schools": SCHOOLS,
    "agreement": AGREEMENT,
}


#: Of fewer people alpha says little of a scale (of 30 who answered four items the interval of an
#: alpha of .60 reaches from .30 to .79), and shares of them would tell exactly how many they are.
FEWEST_ANSWERS = 30

#: Columns that tell rows of one table apart.
ROW = (
    "region", "school_id", "population", "outcome", "scale", "item", "wave", "estimand", "contrast",
    "subgroup", "analysis", "comparison", "feature",
)  # fmt: skip


def with_role(*roles: Role) -> frozenset[str]:
    """Return the names of the columns of these roles.

    Examples
    --------
    >>> sorted(with_role("level"))
    ['mean_post', 'mean_pre', 'sd_post', 'sd_pre']
    """
    return frozenset(name for name, column in COLUMNS.items() if column.role in roles)


def of_kind(*kinds: Kind) -> frozenset[str]:
    """Return the names of the columns of these kinds.

    Examples
    --------
    >>> "verdict" in of_kind("text"), "n_pairs" in of_kind("count")
    (True, True)
    """
    return frozenset(name for name, column in COLUMNS.items() if column.kind in kinds)


def read_table(file: str | PathLike[str] | IO[bytes]) -> pd.DataFrame:
    r"""Return a result table as it was before it was written as CSV.

    Examples
    --------
    >>> from io import BytesIO
    >>> read_table(BytesIO(b"region,n,reason\noslo,12,\n"))
      region   n reason
    0   oslo  12
    """
    texts = dict.fromkeys(of_kind("text"), "str")
    rows = pd.read_csv(file, dtype=texts, low_memory=False)
    return rows.fillna({column: "" for column in texts if column in rows})


def table(rows: Iterable[Row], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a result table: every column, each of its type.

    Texts that a row does not have are empty; so is everything else, as a missing value. A column
    that `COLUMNS` does not know is a number.

    Examples
    --------
    >>> table([{"region": "oslo", "n": 12}], ["region", "n", "estimate", "reason"])
      region   n  estimate reason
    0   oslo  12       NaN
    """
    kinds = {"text": "str", "count": "Int64", "flag": "boolean"}
    rows = list(rows)
    filled = {}
    for name in columns:
        kind = kinds.get(COLUMNS[name].kind, "float64") if name in COLUMNS else "float64"
        values = [row.get(name) for row in rows]
        if kind == "str":
            values = ["" if value is None else value for value in values]
        filled[name] = pd.array(values, kind)
    return pd.DataFrame(filled)
