"""Every column name that one chapter of the library hands to another."""

from __future__ import annotations

# One row per respondent and wave (clean data).
PERSON = "person_id"
WAVE = "wave"
REGION = "region"
SCHOOL = "school_id"
GRADE = "grade"
GRADE_BAND = "grade_band"
GRADES = range(5, 11)  # those of the programme
ROLE = "role"
GENDER = "gender"
SUBMITTED = "submitted"
GATHERINGS = "gatherings"
INTERIM_WORK = "interim_work"
LINKED_BY = "linked_by"  # id, code or near; missing where unlinked
LINK_STATE = "link_state"  # linked, or why not; see data.link
SECONDS = "seconds_per_item"
MISSING = "missing_share"
CARELESS = "careless"  # the flags of a sheet, with ";" between them

PRE, MID, POST, LINKED = "pre", "mid", "post", "linked"
WAVES = (PRE, MID, POST)
PARTICIPANT, COLLEAGUE, LEADER = "participant", "colleague", "leader"
LINKED_OR_NOT, BY_ROLE = COMPARISONS = ("linked - unlinked", "participant - colleague")
ROLES = (PARTICIPANT, COLLEAGUE, LEADER)

POPULATION = "population"
POPULATIONS = ("pupils", "teachers", "leaders")
NATIONAL = "national"
ALL = "all"

OUTCOME = "outcome"
QUESTION = "question"
ESTIMAND = "estimand"
SUBGROUP = "subgroup"

# one row each: the mean change of somebody, or a difference of two
CHANGES = (
    "linked_change",
    "same_grade",
    "school_change",
    "cohort_change",
    "participants",
    "colleagues",
    "participants_vs_colleagues",
    "programme_vs_comparison",
)
# Q4, "all pupils": who moved along, not only how far the mean went
SPREAD = ("same_grade_quantile", "share_below", "gap_change", "lowest_fifth", "spread_ratio")
NATIONAL_ONLY = ("spread_ratio",)
ESTIMANDS = (*CHANGES, "level", "dose", *SPREAD)

EFFECTS = (
    "region", "school_id", "population", "outcome", "question", "estimand", "contrast",
    "subgroup", "weighting", "cluster", "n_pre", "n_post", "n_pairs", "n_clusters",
    "n_schools_dropped", "mean_pre", "mean_post", "sd_pre", "sd_post", "r_pre_post",
    "icc_change", "design_effect", "change", "change_se", "change_ci_low", "change_ci_high",
    "statistic", "df", "p_value", "p_adjusted", "family", "plan_role", "sd_unit", "estimate",
    "se", "ci_low", "ci_high", "ci_level", "mdes", "sesoi", "drift", "estimate_vs_drift",
    "verdict", "evidence", "measurement_warning", "flags", "method", "reason", "suppressed",
)  # fmt: skip
SENSITIVITY = (
    "region", "population", "outcome", "question", "estimand", "subgroup", "analysis", "contrast",
    "n_pre", "n_post", "n_pairs", "n_clusters", "change", "change_se", "df", "p_value", "sd_unit",
    "estimate", "se", "ci_low", "ci_high", "ci_level", "sesoi", "verdict", "main_estimate",
    "main_verdict", "agrees", "flags", "method", "reason", "suppressed",
)  # fmt: skip
VARIANCE = ("region", "population", "outcome", "wave", "n", "n_clusters", "sd", "icc")
RELIABILITY = (
    "region", "population", "scale", "wave", "subgroup", "n_items", "n",
    "alpha", "alpha_ci_low", "alpha_ci_high", "omega", "omega_ci_low", "omega_ci_high",
)  # fmt: skip
INVARIANCE = (
    "population", "scale", "design", "model", "n", "n_groups", "chisq", "df", "p_value", "cfi",
    "tli", "rmsea", "srmr", "delta_cfi", "delta_rmsea", "holds", "freed", "latent_change",
    "latent_change_se", "reason",
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
LINKAGE = ("population", "region", "wave", "state", "n")
# how two groups differed before; outcome is a scale, or grade or gender=girl
ATTRITION = (
    "region", "population", "outcome", "comparison", "n_one", "n_other", "smd", "flags",
    "reason", "suppressed",
)  # fmt: skip
BY_SCHOOL = (
    "region", "school_id", "population", "outcome", "question", "estimand", "n_pre", "n_post",
    "n_pairs", "sd_unit", "estimate", "se", "ci_low", "ci_high", "ci_level", "shrunk",
    "shrunk_low", "shrunk_high", "tau2", "reason", "suppressed",
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
    "pi_low", "pi_high", "tau2", "i2", "q", "q_p", "method",
)  # fmt: skip
LEDGER = (
    "population", "wave", "file", "region", "step", "reason", "n_in", "n_out", "n_set_aside",
)  # fmt: skip
MASK = (
    "population", "region", "school_id", "subgroup", "wave", "outcome", "n", "suppressed",
    "reason",
)  # fmt: skip
UNITS = (
    "population", "outcome", "unit", "sd_unit", "n", "low_fifth", "midpoint", "alpha",
    "alpha_post", "floor_share", "ceiling_share",
)  # fmt: skip
