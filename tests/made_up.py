"""Made-up results of two outcomes in two regions, with the mask that belongs to them."""

import pandas as pd

from loftet_analysis import names
from loftet_analysis.report.words import Answers, Words

OUTCOMES = {
    ("pupils", "joy"): {"nb": "Matematikkglede", "nn": "Matematikkglede", "en": "Joy"},
    ("pupils", "effort"): {"nb": "Innsats", "nn": "Innsats", "en": "Effort"},
    ("teachers", "views"): {"nb": "Syn på faget", "nn": "Syn på faget", "en": "Views"},
}
REGIONS = {"nordland": "Nordland - Nordlánnda", "oslo": "Oslo - Oslove"}
ENDS = {"nb": ("Helt uenig", "Helt enig"), "nn": ("Heilt ueinig", "Heilt einig")}
LINKED = {"pupils": 431, "teachers": 41}
ROLES = ("role=participant", "role=colleague")
NUMBERS = {"estimate": 0.1234, "ci_low": -0.0567, "ci_high": 0.3035, "df": 7.25}


def words(language: str = "nb") -> Words:
    locale = Words(language).locale
    low, high = ENDS.get(locale, ("Strongly disagree", "Strongly agree"))
    return Words(
        language,
        {key: labels[locale] for key, labels in OUTCOMES.items()},
        REGIONS,
        dict.fromkeys(OUTCOMES, Answers(1, 4, low, high, 0.25)),
    )


def effect(**given) -> dict:
    row = {
        **dict.fromkeys(names.EFFECTS),
        "region": "nordland", "school_id": "", "population": "pupils", "outcome": "joy",
        "question": "Q1", "estimand": "same_grade", "contrast": "post - pre", "subgroup": "all",
        "n_pre": 1234,
        "n_post": 1187, "n_clusters": 11, "mean_pre": 2.8765, "mean_post": 2.9432,
        "p_value": 0.0412, "ci_level": 0.95, "sesoi": 0.1, "verdict": "increase", "flags": "low_df",
        "reason": "", "method": "CR2", **NUMBERS,
    }  # fmt: skip
    return {**row, **given}


def effect_in_own_units(change: float, low: float, high: float, **given) -> dict:
    """A row without standard deviations: scale points, a share of 0–1, or a log ratio."""
    found = {"change": change, "change_ci_low": low, "change_ci_high": high}
    return effect(
        **dict.fromkeys(("estimate", "ci_low", "ci_high"), float("nan")), **found, **given
    )


def effects(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame([effect(**row) for row in rows], columns=list(names.EFFECTS))
    return frame.astype({"n_pairs": float, "se": float, "n_schools_dropped": float})


def all_estimands(region: str = "nordland") -> pd.DataFrame:
    pupils = ("linked_change", "same_grade", "school_change")
    teachers = ("participants", "colleagues", "participants_vs_colleagues")
    return effects(
        *(
            {
                "region": region, "estimand": each,
                "n_pairs": None if each == "same_grade" else 431.0,
            }
            for each in pupils
        ),
        *(
            {
                "region": region, "population": "teachers", "outcome": "views",
                "question": "Q5", "estimand": each,
                "n_pairs": 82.0 if each == "participants_vs_colleagues" else 41.0,
            }
            for each in teachers
        ),
    )  # fmt: skip


def mask(**hidden) -> pd.DataFrame:
    """Every cell of the made-up results; hidden where all that is given holds."""
    rows = [
        {
            "population": population, "region": region, "school_id": "", "subgroup": subgroup,
            "wave": wave, "outcome": outcome, "n": LINKED[population] if wave == "linked" else 500,
        }
        for population, outcome in OUTCOMES
        for region in (*REGIONS, names.NATIONAL)
        for subgroup in ("all", *(ROLES if population == "teachers" else ()))
        for wave in ("pre", "post", "linked")
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    away = pd.Series(bool(hidden), index=frame.index)
    for column, value in hidden.items():
        away &= frame[column] == value
    reason = away.map({True: "small_n", False: ""})
    return frame.assign(suppressed=away, reason=reason)[list(names.MASK)]


def distribution(**given) -> pd.DataFrame:
    """Answers of 400 people in five bins in each wave."""
    counts = {"pre": (40, 60, 120, 100, 80), "post": (30, 50, 110, 120, 90)}
    means = {"pre": 2.6123, "post": 2.7456}
    edges = (0.875, 1.375, 2.125, 2.875, 3.625, 4.125)
    rows = [
        {
            "population": "pupils", "region": "nordland", "school_id": "", "outcome": "joy",
            "question": "Q1", "subgroup": "all", "wave": wave, "low": low, "high": high,
            "n": n, "share": n / 400, "mean": means[wave],
        }
        for wave in ("pre", "post")
        for low, high, n in zip(edges, edges[1:], counts[wave], strict=False)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**given)


def pooled(*estimands: str) -> pd.DataFrame:
    rows = [
        {
            "population": "pupils", "outcome": "joy", "estimand": estimand, "k": 2,
            "estimate": 0.0789, "se": 0.04, "df": 1.0, "ci_low": -0.0321, "ci_high": 0.1899,
            "pi_low": -0.1543, "pi_high": 0.3121, "tau2": 0.0064, "i2": 0.4444, "q": 3.2,
            "q_p": 0.0004, "method": "REML",
        }
        for estimand in estimands or ("same_grade",)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(names.POOLED))


def reliability() -> pd.DataFrame:
    rows = [
        {
            "region": "nordland", "population": "pupils", "scale": scale, "wave": wave,
            "subgroup": "all", "n_items": 4, "n": 1201, "alpha": 0.8123,
            "alpha_ci_low": 0.7954, "alpha_ci_high": 0.8287,
        }
        for scale in ("joy", "effort")
        for wave in ("pre", "post")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(names.RELIABILITY))


def sensitivity(**given) -> pd.DataFrame:
    """The made-up same-grade change again in three ways, one of which concludes otherwise."""
    rows = [
        {
            **dict.fromkeys(names.SENSITIVITY),
            "region": "nordland", "population": "pupils", "outcome": "joy", "question": "Q1",
            "estimand": "same_grade", "subgroup": "all", "contrast": "post - pre",
            "analysis": analysis, "n_pre": 500, "n_post": 500, "n_clusters": 11, "p_value": 0.04,
            "estimate": estimate, "ci_low": low, "ci_high": 0.3035, "ci_level": 0.95,
            "sesoi": 0.1, "verdict": "increase", "main_estimate": 0.1234,
            "main_verdict": "unclear", "agrees": agrees, "flags": "", "method": "", "reason": "",
        }
        for analysis, estimate, low, agrees in (
            ("equal_grades", 0.1111, -0.0567, True), ("all_schools", 0.2222, 0.0111, False),
            ("naive", 0.1234, 0.0456, False),
        )
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(names.SENSITIVITY)).assign(**given)
    return frame.astype({"agrees": "boolean", "n_pairs": "Int64"})
