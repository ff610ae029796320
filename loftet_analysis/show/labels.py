"""The texts of what stands in results as codes: estimands with their sentences, and labels by kind.

They are the English message ids of the catalogues; `languages.label` looks them up.
"""

from __future__ import annotations

from loftet_analysis.estimands import ESTIMANDS

#: What every other code is called, by kind.
LABELS: dict[str, dict[str, str]] = {
    "column": {
        "population": "Population",
        "region": "Region",
        "school_id": "School",
        "outcome": "Outcome",
        "scale": "Scale",
        "question": "Question",
        "estimand": "Comparison",
        "subgroup": "Subgroup",
        "wave": "Wave",
        "schools": "Schools",
        "grade": "Grade",
        "gender": "Gender",
        "grades": "Grades of the school",
        "municipality": "Municipality",
        "mean": "Mean",
        "sd": "SD",
        "mean_pre": "Before",
        "mean_post": "After",
        "estimate": "Change (SD)",
        "p_value": "p",
        "verdict": "Conclusion",
    },
    # what is drawn beside a figure's own numbers, by the parameter that takes it
    "beside": {
        "answers": "answers",
        "pooled": "mean over the regions",
        "together": "all regions",
        "country": "all regions",
        "effects": "comparisons",
        "low": "low answers",
    },
    # what is assumed of a design
    "assumed": {
        "people": "people per school",
        "icc": "ICC",
        "r": "r",
        "r_schools": "how steady schools are",
        "attrition": "found again",
        "cv": "sizes of schools",
    },
    # how many schools are enough, by estimand, and by population where that reads otherwise
    "how_many": {
        "linked_change pupils": "If the same pupils are followed from before to after, {schools} "
        "schools are enough to see a change of {effect} standard deviations. Each is taken to have "
        "{people} pupils who answer before, {found} of whom are found again.",
        "linked_change teachers": "If the same teachers are followed from before to after, "
        "{schools} schools are enough to see a change of {effect} standard deviations. Each is "
        "taken to have {people} teachers who answer before, {found} of whom are found again.",
        "linked_change leaders": "If the same leaders are followed from before to after, {schools} "
        "schools are enough to see a change of {effect} standard deviations. Each is taken to have "
        "{people} leaders who answer before, {found} of whom are found again.",
        "same_grade": "If each grade is compared with the same grade before, {schools} schools are "
        "enough to see a change of {effect} standard deviations. Each is taken to have {people} "
        "who answer before, and {found} as many after.",
        "participants_vs_colleagues": "For the change of participants and of colleagues to be told "
        "apart when they differ by {effect} standard deviations, {schools} schools are enough. "
        "Each is taken to have {people} who answer before, {share} of them participants, and "
        "{found} are found again.",
    },
    # which schools to visit: how they are found, where they stand, and why
    "strategy": {
        "maximum_variation": "maximum variation",
        "typical": "typical",
        "extreme": "extreme",
        "paired": "paired",
    },
    "selected": {
        "chosen": "to be visited",
        "substitute": "substitute",
        "passed_over": "passed over",
        "empty": "nobody found",
    },
    "selected_why": {
        "first": "first of the list",
        "next": "next of the list that agreed to be contacted",
        "other_profile": "near this profile, but belongs to another one",
        "contact_no": "does not want to be contacted",
        "contact_unknown": "has not said whether it may be contacted",
        "partner": "the other school of the pair may not be contacted",
        "nobody": "no school that is left in the list may be contacted",
        "no_school": "no school has what the strategy needs",
    },
    "selected_by": {
        "region": "region",
        "school_type": "kind of school",
        "practice": "practice",
        "support": "support by leaders",
    },
    "school_type": {
        "primary": "primary school",
        "lower_secondary": "lower secondary school",
        "combined": "primary and lower secondary school",
        "": "kind not known",
    },
    "contact": {"yes": "yes", "no": "no", "": "not known"},
    "list_end": {"high": "highest", "low": "lowest", "all": "all schools"},
    # on the pages of schools, line by line
    "school_talk": {
        "begin": "Begin with what the pupils say, before any comparison: what do we recognise, and "
        "what surprises us?",
        "interval": "Look at the interval before the point. Where it reaches the mean of the "
        "region, no difference is certain enough to be explained.",
        "beside": "Set it beside what else you know: lessons you have seen, talks with pupils, "
        "tests of your own. A survey shows what pupils answer, not why.",
        "whole": "Keep to the school as a whole. Single teachers and classes cannot be seen in "
        "these numbers, and should not be looked for.",
        "try": "Agree on one thing to try out together, and on how you will see whether the pupils "
        "notice it.",
    },
    "school_reading": {
        "among": "The interval is among your school's own pupils: it says where the mean might lie "
        "if other pupils like them had answered. It says nothing of other schools.",
        "change": "Means before and after are of all who answered each time. A change compares "
        "only the same grades; where a new school year has begun in between, those are other "
        "pupils.",
        "several": "With several scales, one of them may stand out by chance alone. What is seen "
        "on several scales, or once more next time, weighs more.",
        "no_ranking": "Schools are not ranked. They differ in which pupils go there, so a "
        "difference from the region does not show how good the teaching is.",
        "limit": "Numbers that would tell of fewer than {limit} people, at your school or another, "
        "are not shown. Numbers of people are rounded.",
    },
    "verdict": {
        "increase": "increase",
        "decrease": "decrease",
        "negligible": "negligible",
        "unclear": "unclear",
        "refused": "not computed",
    },
    "contrast": {
        "mid - pre": "from before to midway",
        "post - mid": "from midway to after",
        **{code: text for each in ESTIMANDS.values() for code, text in each.contrasts.items()},
    },
    "who": {"answered": "all who answered each time", "linked": "the same people every time"},
    "analysis": {
        "school_means": "schools count equally",
        "reml_slope": "multilevel model",
        "stayers": "only those who stayed at their school",
        "linkage_weights": "weighted for those who were not linked",
        "school_weights": "schools weighted by everybody they had before",
        "register_weights": "schools weighted by everybody invited",
        "linkage_by_school": "linkage and change, school by school",
        "response_by_school": "how many answered, and change, school by school",
        "imputation": "missing answers imputed",
        "linked_and_unlinked": "linked and unlinked",
        "own_unit": "the region's own standard deviation",
        "linked_unit": "standard deviation of the linked",
        "average_unit": "mean standard deviation of both times",
        "hedges_g": "Hedges' g",
        "superiority": "only the ranks of the answers",
        "ordered_logit": "ordered logit",
        "naive": "naive: schools ignored",
        "cluster_school": "clusters: school before",
        "cluster_post_school": "clusters: school after",
        "cluster_network": "clusters: networks of schools",
        "these_regions": "clusters: schools, for these very regions",
        "without_careless": "without careless answers",
        "without_failing_items": "without items that changed on their own",
        "latent_change": "latent change",
        "all_schools": "all schools",
        "equal_grades": "grades count equally",
        "ancova": "adjusted for the answer before",
        "school_effects": "within schools",
    },
    "subgroup": {
        "role=participant": "participants",
        "role=colleague": "colleagues",
        "role=leader": "leaders",
        "gender=girl": "girls",
        "gender=boy": "boys",
        "gender=undisclosed": "those who do not state their gender",
        "grade_band=5-7": "grades 5–7",
        "grade_band=8-10": "grades 8–10",
        "cohort=comparison": "comparison schools",
    },
    "grouped by": {
        "region": "region",
        "school_id": "school",
        "role": "role",
        "grade": "grade",
        "grade_band": "grades",
        "gender": "gender",
        "cohort": "cohort",
    },
    "wave": {"pre": "before", "mid": "midway", "post": "after", "linked": "both times"},
    "reason": {
        "no_outcome": "the data have no such scale",
        "no_subgroup": "the data do not say who belongs to the group",
        "no_grade": "the data have no grades",
        "no_role": "nobody in the data has this role",
        "no_answers": "nobody has a valid answer",
        "no_pairs": "nobody, or nobody of one role, has a valid answer both times",
        "no_common_cells": "no grade of any school has enough answers both times",
        "no_cohort": "no cohort was asked both times, or the dates are missing",
        "no_comparison": "there are no comparison schools, or no others",
        "baseline_differs": "the groups were more than a quarter of a standard deviation apart "
        "before",
        "groups_overlap": "some belong to both groups",
        "nobody_low": "nobody, or everybody, is below the limit of the lowest fifth",
        "no_reliability": "the reliability of the scale is not known",
        "no_attendance": "attendance cannot be joined to the answers",
        "no_range": "almost everybody attended equally often",
        "no_register": "the register does not say how many were asked at each school",
        "little_missing": "hardly any answers are missing",
        "nobody_missing": "nobody is missing",
        "separated": "those found again and the others do not overlap",
        "no_careless_flags": "the data do not say who gave the same answer throughout",
        "nobody_careless": "nobody gave the same answer throughout",
        "too_few_items": "the scale has too few items",
        "too_few_people": "too few people answered",
        "few_clusters": "with so few schools, single schools could be identified",
        "one_cluster": "it would rest on a single school or group of schools",
        "few_schools": "there are too few schools for it",
        "under_50_schools": "it takes 50 schools or more",
        "not_shared": "the first is not shared within schools",
        "other_not_shared": "the second is not shared within schools",
        "no_variance": "the schools do not differ, so chance cannot be judged",
        "not_estimable": "the comparison cannot be separated from differences between schools",
        "not_nested": "some belong to more than one school or region",
        "not_converged": "the computation came to no stable result",
        "at_the_end_of_the_scale": "too many answers lie at the end of the scale",
        "no_unique_quantile": "no answers lie near this percentile",
        "no_unit": "there is no standard deviation to express it in",
        "unknown_estimand": "this comparison is not known",
        "too_few_regions": "it takes ten regions for each feature",
        "features_alike": "the features do not differ between the regions, or always go together",
    },
    # why a number is there and may not be shown
    "hidden": {
        "small_n": "it rests on fewer people than numbers may be shown of",
        "homogeneous": "nearly everybody gave the same answers, so it would tell what each "
        "answered",
        "dominated": "few people answered, and more than half of them at one school",
        "linked_wave": "the number of one of the two times is hidden, and this would reveal it",
        "complementary": "another hidden number could be worked out from it",
    },
    # why a region is no part of what is pooled, beside the reasons above
    "left_out": {
        "hidden": "suppressed",
        "no_row": "without results so far",
        "one_dominates": "nearly everybody at a single school",
    },
    # what intervals allow for
    "cluster": {
        "school": "schools",
        "feeder_group": "groups of schools that share pupils",
        "region": "regions",
    },
    # where an interval lies
    "position": {
        "above": "lies above zero",
        "below": "lies below zero",
        "inside": "includes zero",
    },
    # the same after an interval that includes the value of no change, or ends at it when rounded
    "beside zero": {
        "above": "just above zero",
        "below": "just below zero",
        "inside": "includes zero",
        "rounded": "includes zero before rounding",
    },
    "beside 1": {
        "above": "just above 1",
        "below": "just below 1",
        "inside": "includes 1",
        "rounded": "includes 1 before rounding",
    },
    "warning": {
        "waves_oppose": "the same people answered the opposite way before and after, as if the "
        "answers of one time had been turned",
        "no_metric_invariance": "its items do not correlate alike before and after",
        "metric_invariance_unsure": "it is uncertain whether its items relate to the scale in the "
        "same way before and after",
        "no_scalar_invariance": "some of its items changed on their own",
        "invariance_not_examined": "measurement invariance before and after could not be examined",
        "low_reliability": "its reliability is low",
        "modest_reliability": "its reliability is modest",
        "low_reliability_in_part": "its reliability is low in some region or group",
        "single_item": "it is a single question, so that its reliability cannot be judged",
        "reliability_unknown": "its reliability is not known",
        "items_differ": "the questions were not the same each time",
        "wording_changed": "the wording of a question was changed",
        "floor_effect": "many have the lowest possible score",
        "ceiling_effect": "many have the highest possible score",
        "measurement_unknown": "how well it measures is not known",
    },
    # what a study declares of its analysis
    "declared": {
        "plan.md": "the plan in words",
        "disclosure": "disclosure profile",
        "sesoi": "smallest change of interest, in standard deviations",
        "ci_level": "level of the confidence intervals",
        "questions": "research question",
        "estimands": "comparisons",
        "primary.outcomes": "primary outcomes",
        "primary.estimands": "primary comparisons",
        "subgroups": "groups with results of their own",
        "gaps": "groups that are compared",
        "drift": "expected change without a programme",
        "trend": "external trend",
        "region_features": "features of regions that changes are set against",
        "items": "questions of the scale",
        "reversed": "reverse-scored questions",
        "minimum": "answers needed for a score",
        "answers": "answer codes",
        "question": "research question of the scale",
    },
    "minimum": {"half": "half of them", "two_thirds": "two thirds of them", "all": "all of them"},
    "light": {"good": "good measurement", "care": "read with care", "doubt": "in doubt"},
    "population": {"pupils": "Pupils", "teachers": "Teachers", "leaders": "Leaders"},
    "step": {
        "n_invited": "Invited",
        "n_answered": "Answered",
        "n_consented": "Consented",
        "n_kept": "Kept in the analysis",
        "n_linkable": "Could be found again",
        "n_linked": "Found both times",
    },
    # why a sheet is not in the analysis
    "set_aside": {
        "unknown_school": "the school is not in the register",
        "test_answer": "test entry, made outside the survey period",
        "wrong_form": "sent in while another wave was open",
        "out_of_turn": "sent in when the school's cohort was not asked",
        "own_programme": "from a comparison school whose own programme had begun",
        "duplicate": "another questionnaire from the same person counts",
        "no_consent": "no consent",
        "opted_out": "said no beforehand",
        "withdrawn": "withdrawn since",
        "impossible_grade": "no grade, or none that the school has",
        "no_answers": "nothing is answered",
    },
    # reasons of the account of sheets that no page tells
    "counted": {
        "blank_row": "rows without any answer, which are no questionnaires",
        "open_wave": "the survey is still open",
        "no_sheet": "people of a register who have no questionnaire",
    },
    # why a single answer was taken out
    "taken_out": {
        "out_of_range": "a code that no answer has",
        "declared_missing": "an answer that counts as none, such as “don't know”",
        "not_asked": "answered in a role that is not asked the question",
        "redacted": "something that tells who a person is",
    },
    # from the linked to those who never could be
    "state": {
        "linked": "linked",
        "linked_near": "linked by a code that differs in one element",
        "absent": "no answer at the other time",
        "declined": "the answers at the other time may not be used",
        "set_aside": "the answers at the other time were set aside",
        "moved": "found in another region",
        "code_error": "no usable code or number",
        "ambiguous": "code shared by several",
        "grade_mismatch": "grades that cannot follow each other",
        "structurally_impossible": "in a grade that is not asked both times, or not asked yet",
    },
    "answered": {"hardly": "under a quarter", "some": "under half", "most": "half or more"},
    "design": {
        "linked": "the same people",
        "groups": "times",
        "groups of grades": "times and grades",
    },
    "difference": {
        "": "negligible",
        "baseline_adjust": "small",
        "baseline_apart": "large",
    },
    "sign": {
        "same_answer": "the same answer throughout, reverse-scored questions included",
        "fast": "less than two seconds per question",
        "half_missing": "more than half of the questions without a valid answer",
    },
    "register": {"gatherings": "seminars", "interim_work": "interim tasks"},
    "attended": {
        "gatherings": "At least four out of five attended between {low} and {high} seminars.",
        "interim_work": "At least four out of five did between {low} and {high} interim tasks.",
    },
    # of clusters
    "few": {
        "school": "The interval itself is uncertain, since it rests on so few schools.",
        "feeder_group": "The interval itself is uncertain, since it rests on so few groups of "
        "schools.",
        "region": "The interval itself is uncertain, since it rests on so few regions.",
    },
    "conclusion": {
        "increase": "The interval lies above zero: an increase.",
        "decrease": "The interval lies below zero: a decrease.",
        "increase as planned": "The increase is certain: this is one of the primary comparisons, "
        "and it holds when all tests that belong together are allowed for.",
        "decrease as planned": "The decrease is certain: this is one of the primary comparisons, "
        "and it holds when all tests that belong together are allowed for.",
        "unclear": "Neither an increase nor a decrease can be established.",
        "increase of a contrast": "The interval lies above zero: a difference.",
        "decrease of a contrast": "The interval lies below zero: a difference.",
        "unclear slope": "No difference can be established.",
        "increase of the spread": "The interval lies above 1: the spread has grown.",
        "decrease of the spread": "The interval lies below 1: the spread has shrunk.",
        "increase beyond drift": "That is more than was expected.",
        "decrease beyond drift": "That is less than was expected.",
        "may increase": "The increase is not certain: {why}.",
        "may decrease": "The decrease is not certain: {why}.",
        "may increase of a contrast": "The difference is not certain: {why}.",
        "may decrease of a contrast": "The difference is not certain: {why}.",
        "may increase of the spread": "That the spread has grown is not certain: {why}.",
        "may decrease of the spread": "That the spread has shrunk is not certain: {why}.",
        "may increase beyond drift": "That may be more than was expected (not certain: {why}).",
        "may decrease beyond drift": "That may be less than was expected (not certain: {why}).",
        "dominated": "Nearly everything rests on a single school, group of schools or region, so "
        "chance cannot be judged and nothing is concluded.",
        "negligible": "That is about the same: within ±{sesoi} standard deviations, the smallest "
        "change of interest ({level} CI {interval}).",
        "negligible beyond drift": "That is about as expected: within ±{sesoi} standard "
        "deviations, the smallest change of interest ({level} CI {interval}).",
        "negligible of a contrast": "The difference is negligible: within ±{sesoi} standard "
        "deviations, the smallest change of interest ({level} CI {interval}).",
        "small increase": "A certain but very small increase, less than the smallest change of "
        "interest ({sesoi} standard deviations): the {level} CI is {interval}.",
        "small decrease": "A certain but very small decrease, less than the smallest change of "
        "interest ({sesoi} standard deviations): the {level} CI is {interval}.",
        "may small increase": "A very small increase, less than the smallest change of interest "
        "({sesoi} standard deviations): the {level} CI is {interval}. It is not certain: {why}.",
        "may small decrease": "A very small decrease, less than the smallest change of interest "
        "({sesoi} standard deviations): the {level} CI is {interval}. It is not certain: {why}.",
        "small": "Small as it is, the interval excludes zero.",
        "small beyond drift": "Small as it is, it differs from what was expected.",
    },
    # the same in a summary: a clause per outcome that moved, and a sentence for those that did not
    "summary": {
        "increase": "{outcome} went up by {size}",
        "decrease": "{outcome} went down by {size}",
        "may increase": "{outcome} may have gone up (not certain) by {size}",
        "may decrease": "{outcome} may have gone down (not certain) by {size}",
        "small increase": "{outcome} went up very little, by {size}",
        "small decrease": "{outcome} went down very little, by {size}",
        "may small increase": "{outcome} may have gone up very little (not certain) by {size}",
        "may small decrease": "{outcome} may have gone down very little (not certain) by {size}",
        "further": "{outcome} by {size}",
        "negligible": "{outcomes} stayed about the same (within ±{sesoi} standard deviations)",
        "unclear": "For {outcomes} we cannot tell whether anything has changed",
        "increase beyond drift": "{outcome} {moved}, which is more than expected without the "
        "programme",
        "decrease beyond drift": "{outcome} {moved}, which is less than expected without the "
        "programme",
        "may increase beyond drift": "{outcome} {moved}, which may be more than expected "
        "without the programme (not certain)",
        "may decrease beyond drift": "{outcome} {moved}, which may be less than expected "
        "without the programme (not certain)",
        "negligible beyond drift": "{outcomes} changed about as expected without the "
        "programme (within ±{sesoi} standard deviations of it)",
        "unclear beyond drift": "For {outcomes} we cannot tell whether the change differs "
        "from what was expected without the programme",
    },
    # what a change in short compares
    "compared": {
        "same_grade": "the same grades before and after (different pupils)",
        "same_grade, same year": "the same grades before and after",
        "cohort_change": "the same cohorts before and after (not followed one by one)",
        "participants": "teachers who took part in the seminars (the same before and after)",
        "colleagues": "teachers who did not take part in the seminars (the same before and after)",
        "linked_change": "the same people before and after",
        "school_change": "the schools before and after (every school counted once)",
    },
    "moved": {
        "went up": "went up by {size}",
        "went down": "went down by {size}",
        "unsure": "moved by {size} (which way is not certain)",
    },
    # and in a figure, beside each outcome
    "short": {
        "increase": "went up",
        "decrease": "went down",
        "may increase": "may have gone up",
        "may decrease": "may have gone down",
        "small increase": "went up very little",
        "small decrease": "went down very little",
        "may small increase": "may have gone up very little",
        "may small decrease": "may have gone down very little",
        "negligible": "about the same",
        "unclear": "cannot tell",
        "increase beyond drift": "more than expected",
        "decrease beyond drift": "less than expected",
        "may increase beyond drift": "may be more than expected",
        "may decrease beyond drift": "may be less than expected",
        "negligible beyond drift": "about as expected",
        "unclear beyond drift": "cannot tell",
    },
    "attendance": {
        "attendance": "attendance",
        "interim work": "interim work",
        "goes": "More {what} goes with {clauses}",
        "may go": "More {what} may go with {clauses} (not certain)",
        "increase": "a larger increase in {outcomes}",
        "decrease": "a larger decrease in {outcomes}",
        "unclear": "We cannot tell whether {what} matters for the change",
        "unclear otherwise": "Otherwise we cannot tell whether {what} matters for the change",
    },
    # leaders beside the teachers of their schools: where teachers minus leaders lies
    "agreement": {
        "below": "At the same schools, leaders gave higher ratings than teachers: {outcomes}.",
        "above": "At the same schools, teachers gave higher ratings than leaders: {outcomes}.",
        "may below": "At the same schools, leaders may have given higher ratings than teachers "
        "(not certain): {outcomes}.",
        "may above": "At the same schools, teachers may have given higher ratings than leaders "
        "(not certain): {outcomes}.",
    },
    # why a direction is not certain although the interval excludes zero
    "doubt": {
        "measurement": "the measurement of this scale is in doubt",
        "family": "this does not hold when all tests that belong together are allowed for",
        "regions": "this does not hold when the tests of all regions are allowed for",
        "one region": "the tests of the other regions are not allowed for here",
        "many": "this was not declared in advance as a primary comparison",
        "few": "so few schools, or groups of schools, lie behind it that the interval itself is "
        "uncertain",
        "few regions": "so few regions lie behind it that the interval itself is uncertain",
    },
    "flag": {
        "few_regions": "The answers compared come from too few regions to allow for differences "
        "between regions, so the interval is about these very regions and allows for schools only.",
        "baseline_apart": "Before, the groups were more than {limit} standard deviations apart.",
        "baseline_adjust": "Before, the groups were between {low} and {high} standard deviations "
        "apart.",
        "selective_linkage=more": "Schools where more people could be followed had larger "
        "increases, so for everybody the increase may be smaller.",
        "selective_linkage=less": "Schools where more people could be followed had smaller "
        "increases, so for everybody the increase may be larger.",
        "selective_response=more": "Schools where more answered the later time than the earlier "
        "had larger increases, so for everybody the increase may be smaller.",
        "selective_response=less": "Schools where more answered the later time than the earlier "
        "had smaller increases, so for everybody the increase may be larger.",
        "lost_apart=lower": "Those who could not be followed had answered lower, by more than "
        "{limit} standard deviations. The others then tend to go down even without any change "
        "(regression to the mean).",
        "lost_apart=higher": "Those who could not be followed had answered higher, by more than "
        "{limit} standard deviations. The others then tend to go up even without any change "
        "(regression to the mean).",
        "lost_matter=zero": "Weighted so that those who were followed stand for everybody, the "
        "interval includes zero.",
        "lost_matter=opposite": "Weighted so that those who were followed stand for everybody, "
        "the interval lies on the other side of zero.",
        "no_interval": "There is no interval, since its uncertainty cannot be estimated from "
        "these schools.",
        "programme_months": "Months for which the pupils of this grade can have been exposed to "
        "the programme: {months}.",
    },
    # the same where answers went down: schools that changed more then went down less
    "flag of a decrease": {
        "selective_linkage=more": "Schools where more people could be followed had smaller "
        "decreases, so for everybody the decrease may be larger.",
        "selective_linkage=less": "Schools where more people could be followed had larger "
        "decreases, so for everybody the decrease may be smaller.",
        "selective_response=more": "Schools where more answered the later time than the earlier "
        "had smaller decreases, so for everybody the decrease may be larger.",
        "selective_response=less": "Schools where more answered the later time than the earlier "
        "had larger decreases, so for everybody the decrease may be smaller.",
    },
    # the same of changes from the wave midway
    "flag after midway": {
        "baseline_apart": "Midway, the groups were more than {limit} standard deviations apart.",
        "baseline_adjust": "Midway, the groups were between {low} and {high} standard deviations "
        "apart.",
    },
    # what the glossary of the site says
    "short means": {
        "increase": "The interval excludes zero, the comparison is a primary one of the analysis "
        "plan, this holds after adjustment for all tests that belong together, and the interval "
        "has four degrees of freedom or more. With *: it depends on single regions, so it is "
        "neither in bold nor a filled mark.",
        "decrease": "The same, downwards.",
        "may increase": "The interval excludes zero, but the comparison was not declared "
        "primary, this does not hold after adjustment for all tests that belong together, or the "
        "interval has fewer than four degrees of freedom. Chance cannot be ruled out.",
        "may decrease": "The same, downwards.",
        "small increase": "An increase that is certain, but smaller than the smallest change of "
        "interest (±{sesoi} standard deviations).",
        "small decrease": "The same, downwards.",
        "may small increase": "An increase that is not certain, and smaller than the smallest "
        "change of interest.",
        "may small decrease": "The same, downwards.",
        "negligible": "The change is smaller than the smallest change of interest (±{sesoi} "
        "standard deviations), and the interval is narrow enough to say so.",
        "unclear": "The interval is too wide, or is not shown: there may have been an increase, "
        "a decrease or no change.",
    },
    "light means": {
        "good": "The questions of the scale are consistent, and nothing speaks against comparing "
        "before and after.",
        "care": "Something makes the numbers less certain than their interval says; the page "
        "about measurement says what.",
        "doubt": "Changes on this scale should not be relied on; the page about measurement says "
        "why.",
    },
    "mark means": {
        "·": "Suppressed: the number could identify people.",
        "–": "There is no such number.",
        "→": "In figures: the interval goes on outside the figure. Between two scales: their "
        "association is shown. The order is that in which the programme is meant to work; the "
        "arrow does not say that one is the cause of the other.",
    },
    "term": {
        "sd": "Standard deviation (SD)",
        "percentile": "Percentile, median",
        "ci": "Confidence interval (CI)",
        "pi": "Prediction interval (PI)",
        "se": "Standard error (SE)",
        "clusters": "Clusters, degrees of freedom (df)",
        "p": "p-value",
        "sesoi": "Smallest change of interest",
        "mdes": "Minimum detectable change",
        "alpha": "α and ω",
        "icc": "ICC",
        "variance": "Variance",
        "tau": "τ, I² and Q",
        "shrunk": "Shrunk towards the mean",
        "invariance": "Measurement invariance",
        "loadings": "Factor loadings, intercepts",
        "fit": "CFI, RMSEA",
        "latent": "Latent change",
        "r_wg": "r_wg",
        "correlation": "Correlation (r), slope (b)",
        "regression": "Regression to the mean",
        "interim": "Interim work",
        "weighted": "Weighting, imputation",
        "sensitivity": "Sensitivity analysis",
        "multilevel": "Multilevel model, naive analysis",
        "groups": "Groups of schools",
        "fingerprint": "Fingerprint of the data",
    },
    "method": {
        "change": "What a change is",
        "who": "Who is compared",
        "interval": "Intervals count schools",
        "tests": "Many tests",
        "missing": "Those who did not answer",
        "measurement": "Measurement",
        "hidden": "What is not shown",
        "cause": "What it does not show",
    },
    "method means": {
        "change": "Later minus earlier, in standard deviations of all answers before. 0.20 is a "
        "fifth of how much people usually differ.",
        "who": "The same people both times, the same grades before and after, or every school "
        "counted once: each change says which. They rest on different assumptions, so they "
        "are shown side by side.",
        "interval": "People at one school are alike and change together. An ordinary t-test would "
        "claim too much, so the standard errors are cluster-robust (CR2) with "
        "Satterthwaite's degrees of freedom.",
        "tests": "With many tests some differ by chance alone. p-values are adjusted: by Holm's "
        "method for what was declared primary, by Benjamini and Hochberg's over the "
        "regions. A test that may not be shown counts as p = 1.",
        "missing": "Each change is estimated again with weights, imputation and other choices. The "
        "sensitivity tables show where the conclusion would differ.",
        "measurement": "Before a change is trusted, it is examined whether the questions of a "
        "scale go together, and whether they meant the same both times. A mark beside each scale "
        "shows the result.",
        "hidden": "Numbers that rest on few people are hidden, and so are others from which they "
        "could be worked out. Numbers of people are rounded.",
        "cause": "A change from before to after is not yet an effect: without comparison schools, "
        "other things may have changed too.",
    },
    "term means": {
        "sd": "How far answers lie from their mean. Changes are also given in standard deviations "
        "of the first answers, so that scales with different answer options can be compared: 0.2 "
        "is often called small, but is large for a whole country.",
        "percentile": "A fifth of the answers lie below the 20th percentile. The median is the "
        "50th: half of the answers lie below it, half above.",
        "ci": "The values compatible with the data. Pupils of a school resemble each other, so "
        "schools are counted as units (CR2 standard errors with Satterthwaite's degrees of "
        "freedom). For all regions together, where there are eight or more, regions are counted "
        "as units instead of schools: in linked, same-grade and cohort changes, and in changes of "
        "participants and colleagues. All other intervals, such as those of levels, allow for the "
        "schools, and are about these very regions.",
        "pi": "Where the change of a new region can be expected to lie. It is wider than the "
        "confidence interval of the mean, since regions differ.",
        "se": "How far an estimate typically lies from the true value by chance.",
        "clusters": "Clusters are the groups whose members resemble each other: schools, groups "
        "of schools, or regions. Degrees of freedom say how well the uncertainty itself is known: "
        "Few or very unequal clusters give few, and wider intervals.",
        "p": "How often chance alone would give a change at least this large if nothing had "
        "changed. Adjusted p-values allow for several tests: Holm's method within a family of all "
        "regions together, Benjamini and Hochberg's over the regions.",
        "sesoi": "Set by the study, in its analysis plan if it has one. A change that is certainly "
        "smaller is said to be about the same, or to have gone up or down very little; in figures "
        "it is the grey band around zero.",
        "mdes": "The smallest change that a study with this many schools would detect four times "
        "out of five. Smaller ones may exist without being detected.",
        "alpha": "Reliability (Cronbach's alpha and McDonald's omega), from 0 to 1: how "
        "consistent the questions of a scale are. Below 0.70 a scale is read with care.",
        "icc": "Intraclass correlation, from 0 to 1: the share of the differences between people "
        "that lies between their schools, also written ICC(1). ICC(2) is the reliability of a "
        "school's mean.",
        "variance": "The standard deviation squared. Shares of the spread, such as the ICC, are "
        "shares of the variance.",
        "tau": "How much changes differ from region to region: τ is the standard deviation of the "
        "regions' true changes, I² the share of the differences seen that is not chance. Q tests "
        "whether they differ at all; p (Q) is its p-value.",
        "shrunk": "A school or region with few answers often lies far out by chance. Its change "
        "is moved towards the mean of all, the more so the less its own answers tell.",
        "invariance": "Whether the questions measured the same thing both times. Where single "
        "questions changed on their own, a change on the scale can come from them alone.",
        "loadings": "In a factor model of a scale's questions the loading says how closely the "
        "answers to a question follow what all of them measure, the intercept how high they are "
        "at a given level of it. Where both are equal before and after, a change of the mean is a "
        "change of what is measured.",
        "fit": "How well a factor model fits the answers: CFI is 1 and RMSEA 0 where it fits "
        "perfectly. ΔCFI is how much CFI changes when loadings, or intercepts, are held equal.",
        "latent": "The change in what the questions of a scale have in common, for those who were "
        "linked, estimated by a factor model: without the measurement error of single answers.",
        "r_wg": "How much the people of a school agree, from 0 to 1. Only what they share is "
        "reported for the school as a whole.",
        "correlation": "r says how closely two things follow each other, from −1 to 1, where 0 is "
        "not at all; b says how much higher the one is where the other is one point higher. "
        "Neither says that the one leads to the other. Means of few people are imprecise, which "
        "pulls r towards 0; r corrected for unreliability is what it would be without that. Two "
        "things are said to be associated weakly or not at all where the interval of r includes 0 "
        "and that of the corrected r lies between {low} and {high}.",
        "regression": "Those who answered very low or very high one time tend to lie nearer the "
        "mean the next time, by chance alone.",
        "interim": "What teachers try out in their own classes between two seminars.",
        "weighted": "Weighting: answers of groups that answered less often count for more. "
        "Imputation: missing answers are replaced several times by likely ones.",
        "sensitivity": "The same change with one analytic choice altered, to see whether the "
        "conclusion depends on it.",
        "multilevel": "A multilevel model estimates the change together with how much schools "
        "differ. A naive analysis treats people of a school as independent; its intervals are too "
        "narrow, and it is there for comparison only.",
        "groups": "Schools that share pupils, as when pupils move from primary to lower secondary "
        "school, count as one group in linked changes.",
        "fingerprint": "A code that changes whenever the data behind a page change.",
    },
    "estimand means": {
        "linked_change": "The same people before and after, who could be found again by their "
        "code. They have grown older in between.",
        "same_grade": "The pupils of a grade after, compared with the pupils of the same grade "
        "at the same school before. They are other pupils of the same age; where both surveys "
        "lie in the same school year, mostly the same pupils.",
        "school_change": "The mean of each school after minus its mean before, every school "
        "counted once. Where grades are known, over the grades in which at least five people of "
        "the school answered each time, every grade counted alike; else over the people who were "
        "found again.",
        "cohort_change": "The pupils of the age groups that were asked both times, before "
        "and after, without linking single pupils. Used where linking failed.",
        "participants": "The teachers who took part in the seminars, before and after.",
        "colleagues": "The other teachers who were asked at the participants' schools, before "
        "and after: what spread to them.",
        "participants_vs_colleagues": "The change of the participants minus the change of "
        "their colleagues.",
        "programme_vs_comparison": "The change at the programme's schools minus the change "
        "at comparison schools.",
        "level": "The mean of all answers in one wave, and the share above the middle of the "
        "scale.",
        "dose": "How the change is associated with how many seminars the teachers attended, "
        "or how much interim work they did.",
        "same_grade_quantile": "As same-grade change, but for those who answer low, in the middle "
        "and high: whether all have moved alike.",
        "share_below": "Whether the share of pupils with low answers, those of the lowest fifth "
        "before, has become larger or smaller in the same grades.",
        "gap_change": "Whether the distance between two groups, such as girls and boys, has "
        "become larger or smaller.",
        "lowest_fifth": "How those who scored lowest before have changed, beyond what "
        "regression to the mean leads one to expect. It rises by itself where positions shift or "
        "answers are less stable than alpha allows for, so it is no sign of an effect.",
        "spread_ratio": "Whether the answers lie further apart or closer together than "
        "before, between schools and within them.",
    },
    # every code in `flags`; with = a number or word follows
    "flag means": {
        "low_df": "fewer than four degrees of freedom: the interval itself is uncertain",
        "few_clusters": "it rests on fewer than six schools, groups of schools or regions",
        "one_dominates": "nearly everybody is at one school, or in one region; nothing is "
        "concluded",
        "few_regions": "too few regions: the interval allows for schools only",
        "no_interval": "the uncertainty cannot be estimated from these schools",
        "whole_study": "the region is the whole study",
        "baseline_adjust": "the groups differed a little before",
        "baseline_apart": "the groups differed a great deal before",
        "adjusted_for_pre": "adjusted for the answer before",
        "selective_linkage=": "where more people could be followed the change was higher (more) "
        "or lower (less)",
        "selective_response=": "where more answered after than before the change was higher "
        "(more) or lower (less)",
        "lost_apart=": "those who could not be followed answered lower or higher before by more "
        "than 0.25 standard deviations",
        "lost_matter=": "weighted for those who were lost, the interval includes zero (zero) or "
        "lies on its other side (opposite)",
        "programme_months=": "how many months of the programme the grade can have had",
        "direction=": "about the same, but the interval excludes zero on this side",
        "range=": "between which numbers of times most attended",
        "feeders_unknown": "nobody is linked, so it is not known which schools share pupils",
        "effective_n": "how many people the weighted answers are worth",
        "uncovered": "share of people at schools where nobody was linked",
        "share_linked": "share of people who were linked",
    },
    # the tables of a study
    "download": {
        "results": "All tables in one workbook",
        "effects": "Changes, differences and levels",
        "pooled": "All regions taken together, in two stages",
        "sensitivity": "The changes under other analytic choices",
        "items": "Single questions",
        "reliability": "Reliability of the scales",
        "agreement": "Teachers and leaders of the same schools",
        "invariance": "Measurement before and after",
        "response": "Who was invited, answered and was found again",
        "linkage": "How answers before and after were linked",
        "ledger": "Questionnaires that were set aside, and why",
        "attrition": "How groups differed before: found again or not, participants and colleagues",
        "variance": "Differences between schools and between people",
        "schools": "Changes school by school",
        "features": "Changes and features of the regions",
    },
}

#: A shape for each light, for readers who do not see its colour.
LIGHT_SHAPES = {"good": "●", "care": "▲", "doubt": "■"}
#: And for how certain a change is, from what is certain to what is not.
CERTAINTY_SIGNS = {
    "increase": "↑",
    "decrease": "↓",
    "may increase": "(↑)",
    "may decrease": "(↓)",
    "small increase": "≈↑",
    "small decrease": "≈↓",
    "may small increase": "(≈↑)",
    "may small decrease": "(≈↓)",
    "negligible": "≈",
    "unclear": "?",
}
