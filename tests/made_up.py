"""Made-up results of two outcomes in two regions, with the mask that belongs to them."""

from types import SimpleNamespace

import pandas as pd

from loftet_analysis import names, schema
from loftet_analysis.show.languages import Answers, Words
from loftet_analysis.show.session import OpenStudy

OUTCOMES = {
    ("pupils", "joy"): {"nb": "Matematikkglede", "nn": "Matematikkglede", "en": "Joy"},
    ("pupils", "effort"): {"nb": "Innsats", "nn": "Innsats", "en": "Effort"},
    ("teachers", "views"): {"nb": "Syn på faget", "nn": "Syn på faget", "en": "Views"},
}
REGIONS = {"nordland": "Nordland - Nordlánnda", "oslo": "Oslo - Oslove"}
ENDS = {"nb": ("Helt uenig", "Helt enig"), "nn": ("Heilt ueinig", "Heilt einig")}
ITEM = "Jeg liker matematikk."
SCHOOLS = {"s1": "Bø skole", "s2": "Ås skole"}
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
        {key: {1: low, 2: "Nokså", 3: "Ganske", 4: high} for key in OUTCOMES},
        {(population, f"{outcome}_1"): ITEM for population, outcome in OUTCOMES},
        frozenset({("teachers", "views_1")}),
        SCHOOLS,
        {("pupils", "joy_1", "pre"): "Gøy."},
        {},
        {"travel": {"nb": "reisetid", "nn": "reisetid", "en": "travel"}[locale]},
    )


def effect(**given) -> dict:
    row = {
        **dict.fromkeys(schema.EFFECTS),
        "region": "nordland", "school_id": "", "population": "pupils", "outcome": "joy",
        "question": "Q1", "estimand": "same_grade", "contrast": "post - pre", "subgroup": "all",
        "n_pre": 1234,
        "n_post": 1187, "n_clusters": 11, "mean_pre": 2.8765, "mean_post": 2.9432,
        "p_value": 0.0412, "ci_level": 0.95, "sesoi": 0.1, "verdict": "unclear", "flags": "low_df",
        "reason": "", "method": "CR2", "cluster": "school", **NUMBERS,
    }  # fmt: skip
    return {**row, **given}


def effect_in_own_units(change: float, low: float, high: float, **given) -> dict:
    """A row without standard deviations: scale points, a share of 0–1, or a log ratio."""
    found = {"change": change, "change_ci_low": low, "change_ci_high": high}
    return effect(
        **dict.fromkeys(("estimate", "ci_low", "ci_high"), float("nan")), **found, **given
    )


def effects(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame([effect(**row) for row in rows], columns=list(schema.EFFECTS))
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


def increases() -> pd.DataFrame:
    """Every estimand as an increase, so that each has a sentence of its own."""
    return all_estimands().assign(verdict="increase", ci_low=0.02)


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
    rows += [
        {**row, "school_id": school, "region": "nordland", "n": 100}
        for row in rows
        for school in SCHOOLS
        if row["region"] == "oslo" and row["subgroup"] == "all"
    ]
    rows += [
        {**row, "population": "leaders", "n": 20}
        for row in rows
        if row["population"] == "teachers" and row["subgroup"] == "all" and not row["school_id"]
    ]
    frame = pd.DataFrame(rows).assign(suppressed=False)
    away = pd.Series(bool(hidden), index=frame.index)
    for column, value in hidden.items():
        away &= frame[column] == value
    reason = away.map({True: "small_n", False: ""})
    schools = {"n_schools": 10, "smallest": 20, "largest": 80, "few_schools": 0}
    scale = {"minimum": 1.0, "width": 3.0, "step": 0.01, "share_reason": reason}
    frame = frame.assign(suppressed=away, reason=reason, **schools, **scale)
    return frame[list(schema.MASK)]


def distribution(**given) -> pd.DataFrame:
    """Answers of 400 people in five bins in each wave."""
    counts = {"pre": (40, 60, 120, 100, 80), "post": (30, 50, 110, 120, 90)}
    means = {"pre": 2.6123, "post": 2.7456}
    edges = (0.875, 1.375, 2.125, 2.875, 3.625, 4.125)
    rows = [
        {
            "population": "pupils", "region": "nordland", "school_id": "", "outcome": "joy",
            "question": "Q1", "subgroup": "all", "wave": wave, "low": low, "high": high,
            "n": n, "share": n / 400, "mean": means[wave], "n_in_all": 400,
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
            "q_p": 0.0004, "method": "REML", "left_out": "", "position": "inside",
            "lowest": 0.0312, "highest": 0.1023, "hangs_on": "oslo: above",
        }
        for estimand in estimands or ("same_grade",)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(schema.POOLED))


def features(**given) -> pd.DataFrame:
    rows = [
        {
            **dict.fromkeys(schema.FEATURES), "population": "pupils", "outcome": outcome,
            "estimand": "same_grade", "feature": "travel", "k": 15, "estimate": 0.0789, "se": 0.02,
            "statistic": 3.9, "df": 13.0, "p_value": 0.0018, "p_adjusted": adjusted,
            "ci_low": -0.0321, "ci_high": 0.1899, "tau2": 0.0064, "method": "REML", "reason": "",
        }
        for outcome, adjusted in (("joy", 0.0036), ("effort", 0.3035))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(schema.FEATURES)).assign(**given)


def by_region(**given) -> pd.DataFrame:
    """Changes by region that were drawn towards their mean."""
    frame = effects({"region": "nordland"}, {"region": "oslo"})
    return frame.assign(shrunk=0.0812, shrunk_low=-0.0321, shrunk_high=0.1899, **given)


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
    return pd.DataFrame(rows, columns=list(schema.RELIABILITY))


def sensitivity(**given) -> pd.DataFrame:
    """The made-up same-grade change again in three ways, one of which concludes otherwise."""
    rows = [
        {
            **dict.fromkeys(schema.SENSITIVITY),
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
    frame = pd.DataFrame(rows, columns=list(schema.SENSITIVITY)).assign(**given)
    return frame.astype({"agrees": "boolean", "n_pairs": "Int64"})


def item_bins() -> pd.DataFrame:
    """Answers to one item, an answer to a bin."""
    counts = {"pre": (40, 100, 160, 100), "post": (30, 90, 156, 124)}
    rows = [
        {
            "population": "pupils", "region": "nordland", "school_id": "", "outcome": "joy",
            "question": "Q1", "item": "joy_1", "subgroup": "all", "wave": wave,
            "low": option - 0.5, "high": option + 0.5, "n": n, "share": n / 400, "mean": 2.61,
            "n_in_all": 400,
        }
        for wave, by_option in counts.items()
        for option, n in enumerate(by_option, start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def items() -> pd.DataFrame:
    rows = [
        {
            "region": "nordland", "population": "pupils", "scale": "joy", "item": item,
            "wave": wave, "subgroup": "all", "n": 1201, "missing_share": 0.0812, "mean": 2.6123,
            "sd": 0.81, "item_rest_r": 0.3035, "alpha_if_deleted": 0.8123, "floor_share": 0.12,
            "ceiling_share": 0.3,
        }
        for item in ("joy_1", "")
        for wave in ("pre", "post")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(schema.ITEMS))


def missing() -> pd.DataFrame:
    rows = [
        ("nordland", "pupils", "joy", wave, "all", 1000, 5000, 0.0812, 0.1234)
        for wave in ("pre", "post")
    ]
    return pd.DataFrame(rows, columns=list(schema.MISSING_ANSWERS))


def lights() -> pd.DataFrame:
    told = {"joy": "", "effort": "floor_effect;wording_changed"}
    rows = [
        {
            "population": "pupils", "outcome": outcome, "question": "Q1", "wave": "pre",
            "light": "care" if codes else "good", "measurement_warning": codes,
        }
        for outcome, codes in told.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def invariance() -> pd.DataFrame:
    rows = [
        {
            **dict.fromkeys(schema.INVARIANCE), "population": "pupils", "scale": "joy",
            "design": "groups", "model": model, "n": 1234, "holds": holds, "delta_cfi": cfi,
            "delta_rmsea": 0.012, "freed": freed, "reason": "",
        }
        for model, holds, cfi, freed in (
            ("metric", True, 0.081, ""), ("scalar", False, -0.061, ""),
            ("partial_scalar", True, 0.0, "joy_1"),
        )
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(schema.INVARIANCE))


def wordings() -> pd.DataFrame:
    row = {"population": "pupils", "of": "joy", "item": "joy_1", "wave": "pre"}
    return pd.DataFrame([row])


def variance() -> pd.DataFrame:
    rows = [
        ("nordland", "pupils", "joy", wave, 1234, 11, 0.8123, 0.0456, 0.0211, 0.1321, 0.95, 0.8112,
         0.7345, 11, True)
        for wave in ("pre", "post")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(schema.VARIANCE)).astype({"shared": "boolean"})


def agreement(**given) -> pd.DataFrame:
    row = {
        **dict.fromkeys(schema.AGREEMENT), "region": "nordland", "outcome": "views",
        "question": "Q7", "n_schools": 11, "n_teachers": 500, "n_leaders": 20,
        "mean_teachers": 2.6123, "mean_leaders": 2.7345, "difference": -0.1222, "se": 0.05,
        "df": 10.0, "ci_low": -0.3, "ci_high": 0.0567, "ci_level": 0.95, "r_schools": 0.3035,
        "icc1": 0.0812, "icc2": 0.41, "rwg": 0.75, "reason": "",
    }  # fmt: skip
    return pd.DataFrame([{**row, **given}], columns=list(schema.AGREEMENT))


def by_school() -> pd.DataFrame:
    rows = [
        {
            **dict.fromkeys(schema.SCHOOLS), "region": "nordland", "school_id": school,
            "population": "pupils", "outcome": "joy", "question": "Q1",
            "estimand": "school_change", "n_pre": 90, "n_post": 88, "estimate": estimate,
            "se": 0.1, "ci_low": estimate - 0.2, "ci_high": estimate + 0.2, "ci_level": 0.95,
            "shrunk": estimate / 2, "shrunk_low": estimate / 2 - 0.15,
            "shrunk_high": estimate / 2 + 0.15, "tau2": 0.01, "reason": "", "sesoi": 0.15,
        }
        for school, estimate in (("s1", 0.24), ("s2", -0.12))
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(schema.SCHOOLS))
    return frame.astype({"n_pairs": float, "sd_unit": float})


def differences(comparison: str = "linked - unlinked", **given) -> pd.DataFrame:
    rows = [
        {
            "region": "nordland", "population": "teachers" if outcome == "views" else "pupils",
            "outcome": outcome, "comparison": comparison, "n_one": 300, "n_other": 200,
            "smd": 0.1234, "flags": "baseline_adjust", "reason": "", "suppressed": False, **given,
        }
        for outcome in ("joy", "views")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(schema.ATTRITION))


def response(subgroup: str = "all") -> pd.DataFrame:
    """Counts of two schools together; 3 of the linkable were lost."""
    rows = [
        {
            "population": population, "wave": wave, "region": "nordland", "school_id": school,
            "subgroup": subgroup, "n_invited": invited, "n_answered": 1011, "n_consented": 1007,
            "n_kept": 1005, "n_linkable": 604, "n_linked": 601, "n_schools": 11, "answered": "most",
        }
        for population, wave, school, invited in (
            ("pupils", "pre", "s1", 1234), ("pupils", "post", "s2", 1187),
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def set_aside() -> pd.DataFrame:
    counts = {"duplicate": 303, "withdrawn": 2, "no_consent": 54, "unknown_school": 17}
    rows = [("pupils", wave, *each) for wave in ("pre", "post") for each in counts.items()]
    return pd.DataFrame(rows, columns=list(schema.SET_ASIDE))


def taken_out() -> pd.DataFrame:
    counts = {"out_of_range": 31, "declared_missing": 412, "not_asked": 2}
    rows = [("pupils", wave, *each) for wave in ("pre", "post") for each in counts.items()]
    return pd.DataFrame(rows, columns=list(schema.TAKEN_OUT))


def linkage() -> pd.DataFrame:
    states = {"linked": 601, "absent": 403, "structurally_impossible": 203, "ambiguous": 2}
    rows = [
        ("pupils", "nordland", wave, *pair) for wave in ("pre", "post") for pair in states.items()
    ]
    return pd.DataFrame(rows, columns=list(schema.LINKAGE))


def careless() -> pd.DataFrame:
    rows = [("pupils", "nordland", "pre", sign, 1007, 22) for sign in ("same_answer", "fast")]
    return pd.DataFrame(rows, columns=["population", "region", "wave", "sign", "n", "n_flagged"])


def arrivals() -> pd.DataFrame:
    rows = [
        {
            "population": "pupils", "region": "nordland", "wave": "pre",
            "day": pd.Timestamp("2025-09-15") + pd.Timedelta(days=7 * step), "n": n,
            "n_final": 1007, "n_invited": 1234,
        }
        for step, n in enumerate((205, 611, 1007))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def attendance() -> pd.DataFrame:
    rows = [
        {
            "population": "teachers", "region": "nordland", "wave": "post", "column": "gatherings",
            "low": low, "high": high, "n": n, "share": n / 40, "most": 10, "mean": 8.4,
        }
        for low, high, n in ((-0.5, 7.5, 8), (7.5, 8.5, 12), (8.5, 10.5, 20))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def opened(*readers: Words) -> OpenStudy:
    """Return an open study that asks nobody, for what it says to its readers."""
    return OpenStudy(SimpleNamespace(populations={}), "oslo", readers)
