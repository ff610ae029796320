"""What an estimand is: whom it compares, which cells it rests on, and how it is told.

One record per estimand. How it is computed stands in :mod:`loftet_analysis.analysis`, in the
function of the same name; everything else that is known of it stands here once. Texts are English
message ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from loftet_analysis.names import COLLEAGUE, LINKED, MID, PARTICIPANT, POPULATIONS, POST, PRE

#: From so many regions on the country's rows rest on regions, see `Estimand.by_region`; of two
#: groups that are compared each must lie in so many. Simulated with fewer the df are 1 to 3.
FEWEST_REGIONS, FEWEST_REGIONS_ON_A_SIDE = 8, 4
_TWICE = (PRE, POST)
_PAIRS = (PRE, POST, LINKED)
#: Contrasts of two waves: the earlier and the later. `WHOLE` is the main one; of the others, from
#: or to the wave midway, nothing is primary.
CONTRASTS = {"post - pre": (PRE, POST), "mid - pre": (PRE, MID), "post - mid": (MID, POST)}
WHOLE, *MIDWAY = CONTRASTS
#: After what is compared where no school year lies between the waves, as far as is known: then the
#: pupils of a grade are mostly the same.
SAME_YEAR = ", same year"
#: How the contrast of `dose` along a spline ends.
SPLINE = "90th - 10th percentile"

#: Estimands of one role: linked change of its people.
ROLE_OF = {"participants": PARTICIPANT, "colleagues": COLLEAGUE}


def contrast_of_waves(contrast: str) -> str:
    """Return which two waves a contrast of effects compares, as a key of `CONTRASTS`.

    A contrast of groups ends with its waves where these are not those before and after.

    Examples
    --------
    >>> contrast_of_waves("participant - colleague: post - mid")
    'post - mid'
    >>> contrast_of_waves("gender=boy - gender=girl"), contrast_of_waves("")
    ('post - pre', 'post - pre')
    """
    ending = contrast.rpartition(": ")[2]
    return ending if ending in CONTRASTS else WHOLE


def waves_of(contrast: str) -> tuple[str, str]:
    """Return the earlier and the later wave of a contrast of effects.

    Examples
    --------
    >>> waves_of("mid - pre")
    ('pre', 'mid')
    """
    return CONTRASTS[contrast_of_waves(contrast)]


def linked_cell(*waves: str) -> str:
    """Return what the disclosure mask calls the people who answered in all of these waves.

    Examples
    --------
    >>> linked_cell("pre", "post"), linked_cell("pre", "mid")
    ('linked', 'linked:pre-mid')
    """
    return LINKED if waves == _TWICE else f"{LINKED}:{'-'.join(waves)}"


@dataclass(frozen=True)
class Estimand:
    """One estimand.

    Attributes
    ----------
    name : str
        As in the column ``estimand``.
    label : str
        In tables and figures.
    sentence : str
        What a row says; what fills it is in :mod:`loftet_analysis.show.sentences`.
    sentences : dict of str to str
        By contrast or by population, where rows do not read alike.
    contrasts : dict of str to str
        Labels that tell rows of one estimand apart, by contrast.
    needs : str
        What the data must have: ``links``, ``grades``, ``links or grades``, ``roles`` (of linked
        people), or nothing.
    needs_also : str
        What the study must have, or else it is asked for only where study.yml names it:
        ``years`` from pre to post, ``comparison`` schools, ``attendance``.
    populations : tuple of str
        Whom it can be asked of.
    waves : tuple of str
        Waves of the disclosure mask's cells that a row rests on, in rows from before to after;
        empty: the row's own (`wave`).
    pairs_if_any : bool
        Whether it rests on pairs where a row counts any (`n_pairs`).
    roles : tuple of str
        Roles whose cells a row rests on; empty: those of its subgroup.
    is_change : bool
        A mean change, or a difference of two: pooled over regions, asked again under other
        choices, and asked between any two of three waves.
    by_region : bool
        Whether the regions are the clusters of the country's rows that rest on `FEWEST_REGIONS` or
        more: they answer for a programme like this in regions like these. The others keep their
        schools.
    has_sesoi : bool
        Whether the smallest effect of interest is meant for it, so that it can be negligible. It
        is stated for changes in SD; a change per unit of attendance, or over the range of
        attendance that a study happens to have, is none.
    is_equity : bool
        Who moved along, not how far the mean went.
    is_difference : bool
        Two groups compared with each other.
    of_some : bool
        Whether a row may rest on some of its cell's people only.
    by_subgroup : bool
        Whether the plan asks for it in subgroups too.
    people_grow_older : bool
        Whether its people have grown older, so that a drift may be expected.
    national_only : bool
    mark : (str, str)
        Colour, by its name in :mod:`loftet_analysis.show.figures.canvas`, and shape.
    """

    name: str
    label: str
    sentence: str = ""
    sentences: dict[str, str] = field(default_factory=dict)
    contrasts: dict[str, str] = field(default_factory=dict)
    needs: str = ""
    needs_also: str = ""
    populations: tuple[str, ...] = POPULATIONS
    waves: tuple[str, ...] = _TWICE
    pairs_if_any: bool = False
    roles: tuple[str, ...] = ()
    is_change: bool = False
    by_region: bool = False
    has_sesoi: bool = True
    is_equity: bool = False
    is_difference: bool = False
    of_some: bool = False
    by_subgroup: bool = False
    people_grow_older: bool = False
    national_only: bool = False
    mark: tuple[str, str] = ("blue", "o")

    def sentence_of(self, contrast: str, population: str, *, same_year: bool = False) -> str:
        """Return the sentence of a row; its waves may lie in the same school year."""
        kinds = [f"{contrast}{SAME_YEAR}"] * same_year + [contrast, population]
        found = [self.sentences[kind] for kind in kinds if kind in self.sentences]
        return found[0] if found else self.sentence


#: In the order of the plan.
ESTIMANDS: dict[str, Estimand] = {
    each.name: each
    for each in (
        Estimand(
            "linked_change",
            "Linked change",
            "The answers of the same people {moved} on average ({interval}).",
            needs="links",
            sentences={
                "pupils": "The answers of the same pupils, who have also grown older, {moved} on "
                "average ({interval})."
            },
            waves=_PAIRS,
            is_change=True,
            by_region=True,
            by_subgroup=True,
            people_grow_older=True,
        ),
        Estimand(
            "same_grade",
            "Same-grade change",
            "In the same grades, the answers {moved} on average from before to after; these are "
            "different pupils ({interval}).",
            sentences={
                "mid - pre": "In the same grades, the answers {moved} on average from before to "
                "midway; these are different pupils ({interval}).",
                "post - mid": "In the same grades, the answers {moved} on average from midway to "
                "after; these are different pupils ({interval}).",
                f"post - pre{SAME_YEAR}": "In the same grades, the answers {moved} on average from "
                "before to after ({interval}).",
                f"mid - pre{SAME_YEAR}": "In the same grades, the answers {moved} on average from "
                "before to midway ({interval}).",
                f"post - mid{SAME_YEAR}": "In the same grades, the answers {moved} on average from "
                "midway to after ({interval}).",
            },
            needs="grades",
            is_change=True,
            by_region=True,
            by_subgroup=True,
            mark=("orange", "D"),
        ),
        Estimand(
            "school_change",
            "School change",
            "In the typical school (every school counted once), the answers {moved} on "
            "average ({interval}).",
            needs="links or grades",
            pairs_if_any=True,
            is_change=True,
            mark=("green", "p"),
        ),
        Estimand(
            "cohort_change",
            "Cohort change",
            "In the same cohorts, whose pupils have also grown older and are not followed one by "
            "one, the answers {moved} on average ({interval}).",
            needs="grades",
            needs_also="years",
            is_change=True,
            by_region=True,
            people_grow_older=True,
            mark=("ink", "v"),
        ),
        Estimand(
            "participants",
            "Participants",
            "The participants' answers {moved} on average ({interval}).",
            needs="roles",
            waves=_PAIRS,
            roles=(PARTICIPANT,),
            is_change=True,
            by_region=True,
        ),
        Estimand(
            "colleagues",
            "Colleagues",
            "The colleagues' answers {moved} on average ({interval}).",
            needs="roles",
            waves=_PAIRS,
            roles=(COLLEAGUE,),
            is_change=True,
            by_region=True,
            mark=("orange", "D"),
        ),
        Estimand(
            "participants_vs_colleagues",
            "Participants − colleagues",
            "The participants' change minus the colleagues' change is {estimate} standard "
            "deviations ({interval}); the colleagues are meant to be reached too, so this "
            "does not measure an effect.",
            needs="roles",
            waves=_PAIRS,
            roles=(PARTICIPANT, COLLEAGUE),
            is_change=True,
            by_region=True,
            is_difference=True,
            mark=("ink", "^"),
        ),
        Estimand(
            "programme_vs_comparison",
            "Programme − comparison",
            "The change at the programme's schools minus the change at the comparison schools is "
            "{estimate} standard deviations ({interval}); the schools were not drawn by lot and "
            "may differ in other ways too.",
            needs="links or grades",
            needs_also="comparison",
            pairs_if_any=True,
            is_change=True,
            by_region=True,
            is_difference=True,
            mark=("ink", "^"),
        ),
        Estimand(
            "level",
            "Level",
            sentences={
                "mean": "The mean answer is {mean} ({interval}), where {minimum} is “{low}” and "
                "{maximum} is “{high}”.",
                "share": "Of those who answered, {share} are above the middle of the scale "
                "({interval}).",
            },
            contrasts={"mean": "mean", "share": "share above the middle"},
            waves=(),
            by_subgroup=True,
        ),
        Estimand(
            "dose",
            "Change by participation",
            needs="links",
            needs_also="attendance",
            populations=("teachers", "leaders"),
            sentences={
                "per gathering": "For each additional seminar attended, the change was {differs} "
                "({interval}).",
                "per interim work": "For each additional interim task, the change was {differs} "
                "({interval}).",
                f"gathering: {SPLINE}": "The change of those who attended many "
                "seminars (90th percentile) minus that of those who attended few (10th percentile) "
                "is {estimate} standard deviations ({interval}).",
                f"interim work: {SPLINE}": "The change of those who did many interim "
                "tasks (90th percentile) minus that of those who did few (10th percentile) is "
                "{estimate} standard deviations ({interval}).",
            },
            contrasts={
                "per gathering": "per seminar",
                "per interim work": "per interim task",
                f"gathering: {SPLINE}": "many − few seminars",
                f"interim work: {SPLINE}": "many − few interim tasks",
            },
            waves=_PAIRS,
            has_sesoi=False,
            is_difference=True,
            of_some=True,
        ),
        Estimand(
            "same_grade_quantile",
            "Same-grade percentiles",
            "In the same grades, the value below which {percent} of the pupils lie {moved} "
            "({interval}).",
            needs="grades",
            is_equity=True,
        ),
        Estimand(
            "share_below",
            "Share of low answers",
            "In the same grades, the share of pupils below the limit of the lowest fifth (from "
            "before) {moved} ({interval}).",
            needs="grades",
            is_equity=True,
        ),
        Estimand(
            "gap_change",
            "Change in the gap",
            "In the same grades, the change for {one} minus the change for {other} is {estimate} "
            "standard deviations ({interval}).",
            needs="grades",
            is_equity=True,
            is_difference=True,
        ),
        Estimand(
            "lowest_fifth",
            "Lowest fifth, beyond expectation",
            "The change of those in the lowest fifth before, beyond what the overall change "
            "and regression to the mean lead one to expect, is {estimate} standard "
            "deviations ({interval}).",
            needs="links",
            populations=("pupils",),
            waves=_PAIRS,
            is_equity=True,
            of_some=True,
            mark=("grey", "P"),
        ),
        Estimand(
            "spread_ratio",
            "Change in spread",
            needs="grades",
            sentences={
                "between schools": "The spread between the schools is {ratio} times as large after "
                "as before ({interval}), that is {size}.",
                "within schools": "The spread between the pupils within the schools is {ratio} "
                "times as large after as before ({interval}), that is {size}.",
            },
            contrasts={"between schools": "between schools", "within schools": "within schools"},
            is_equity=True,
            national_only=True,
        ),
    )
}

#: The comparison that stands for a change in short, the first that an outcome has, where study.yml
#: declares no other primary: pupils of the same grades, whose age is held still; teachers who took
#: part; without either, the linked. See :func:`loftet_analysis.study.plan.main_estimands`.
MAIN = ("same_grade", "participants", "linked_change", "school_change")


def names_where(**wanted: object) -> tuple[str, ...]:
    """Return the names of the estimands with these attributes, in their order.

    Examples
    --------
    >>> names_where(by_subgroup=True)
    ('linked_change', 'same_grade', 'level')
    """
    return tuple(
        name
        for name, each in ESTIMANDS.items()
        if all(getattr(each, key) == value for key, value in wanted.items())
    )
