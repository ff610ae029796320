"""Figures are read off their artists: marks, interval ends, labels, and nothing that overlaps."""

import io
import itertools
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from lxml import etree
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from loftet_analysis import show
from loftet_analysis.disclosure.gate import gate as gated
from loftet_analysis.show.alt_texts import LONGEST, describe_summary
from loftet_analysis.show.figures import (
    STYLE,
    WIDTH,
    change,
    distribution,
    estimation,
    forest,
    regions,
    saved,
    saved_for_phone,
    summary,
)
from loftet_analysis.show.figures.canvas import GREY, LINE_BEYOND, PHONE, VALUE_BEYOND
from loftet_analysis.show.figures.changes import looks_of
from loftet_analysis.show.figures.summary import NARROW
from loftet_analysis.show.labels import CERTAINTY_SIGNS
from tests.long import long_but
from tests.made_up import NUMBERS, ROLES, all_estimands, by_region, effects, mask, pooled, words
from tests.made_up import distribution as answers

LONG = "Opplevd utforskende og variert undervisning i matematikk"


def let_through(frame, **hidden):
    return gated(frame, mask(**hidden), "internal")


def long_words():
    speech = words("nb")
    labels = {**speech.outcomes, ("pupils", "joy"): LONG}
    regions = {**speech.regions, "nordland": "Finnmark - Finnmárku - Finmarkku"}
    return type(speech)("nb", labels, regions, speech.answers)


def panel():
    return Figure().subplots()


def marks(ax) -> list[tuple[float, float]]:
    """Places of the marks of all estimands, from top to bottom."""
    lines = [line for line in ax.lines if line.get_linestyle() == "None" and line.get_marker()]
    places = [
        (float(x), float(y))
        for line in lines
        if line.get_transform() == ax.transData
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]
    return sorted(places, key=lambda place: place[1])


def intervals(ax) -> list[tuple[float, float]]:
    """Ends of the intervals, from top to bottom."""
    lines = [each for each in ax.collections if isinstance(each, LineCollection)]
    segments = [segment for each in lines for segment in each.get_segments()]
    ends = sorted(segments, key=lambda segment: segment[0, 1])
    return [tuple(segment[:, 0].tolist()) for segment in ends if len(segment)]


def tick_labels(axis) -> list[str]:
    axis.axes.figure.draw_without_rendering()
    return [label.get_text().strip() for label in axis.get_ticklabels()]


def said(ax) -> list[str]:
    return [text.get_text().strip(" ") for text in ax.texts]


def test_change_places_each_estimate_and_its_interval():
    frame = let_through(all_estimands())
    frame["estimate"] = np.linspace(-0.2, 0.3, 6)
    frame["ci_low"], frame["ci_high"] = frame["estimate"] - 0.1, frame["estimate"] + 0.15
    ax = change(frame, words=words(), ax=panel())
    assert [x for x, _ in marks(ax)] == pytest.approx(list(frame["estimate"]))
    places = [y for _, y in marks(ax)]
    assert places == [1, 2, 3, 5.25, 6.25, 7.25]
    ends = zip(frame["ci_low"], frame["ci_high"], strict=True)
    assert intervals(ax) == [pytest.approx(pair) for pair in ends]
    low, high = ax.get_xlim()
    assert low < frame["ci_low"].min()
    assert high > frame["ci_high"].max()


def test_change_names_outcomes_and_estimands_and_writes_the_numbers():
    ax = change(let_through(all_estimands()), words=words(), ax=panel())
    assert tick_labels(ax.yaxis) == [
        "Matematikkglede", "Koblet endring", "Endring på samme trinn", "Endring i skolesnitt",
        "Syn på faget", "Deltakere", "Kolleger", "Deltakere − kolleger",
    ]  # fmt: skip
    bold = [label.get_text() for label in ax.get_yticklabels() if label.get_weight() == "bold"]
    assert bold == ["Matematikkglede", "Syn på faget"]
    assert [text for text in said(ax) if "til" in text] == ["0,12 (−0,06 til 0,30)"] * 6
    thin = "\N{NARROW NO-BREAK SPACE}"
    people = ["432", f"1{thin}236/1{thin}188", "432", "42", "42", "84"]
    assert [text for text in said(ax) if "til" not in text] == ["n", *people]
    assert ax.get_xlabel() == "endring i standardavvik (etter − før)"
    assert all(re.fullmatch(r"−?\d,\d", label) for label in tick_labels(ax.xaxis))


def test_a_share_is_written_in_percentage_points_and_has_no_mark():
    share = {"estimand": "share_below", "change": -0.11, "estimate": np.nan}
    frame = effects({}, {**share, "ci_low": np.nan, "ci_high": np.nan}).assign(suppressed=False)
    ax = change(frame, words=words("en"), ax=panel())
    assert "−11.0 percentage points" in said(ax)
    assert len(marks(ax)) == 1


def test_change_shows_zero_and_the_smallest_change_of_interest():
    ax = change(let_through(effects({"sesoi": 0.15})), words=words(), ax=panel())
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((-0.15, 0.30))
    assert [0, 0] in [list(line.get_xdata()) for line in ax.lines]


def test_change_draws_nothing_for_hidden_and_refused_rows():
    refused = {**dict.fromkeys(NUMBERS, np.nan), "estimand": "linked_change", "reason": "no_pairs"}
    ax = change(let_through(effects({}, {"outcome": "effort"}, refused)), words=words(), ax=panel())
    assert len(marks(ax)) == 2
    assert "ikke beregnet" in said(ax)
    frame = let_through(effects({}, {"outcome": "effort"}), outcome="effort")
    ax = change(frame, words=words(), ax=panel())
    assert len(marks(ax)) == len(intervals(ax)) == 1
    assert {"0,12 (−0,06 til 0,30)", "skjult"} <= {*said(ax)}


def test_an_outcome_has_the_same_axis_wherever_it_stands():
    one = change(let_through(effects({})), words=words(), ax=panel())
    other = let_through(effects({"region": "nordland", "ci_low": -0.3}, {"region": "oslo"}))
    by_region = forest(other, pooled=let_through(pooled()), words=words(), ax=panel())
    assert one.get_xlim() == by_region.get_xlim()
    small = summary(effects({}).assign(suppressed=False, change=0.1), words=words())
    assert small.figure.axes[0].get_xlim() == one.get_xlim()
    assert one.get_xlim()[0] == -one.get_xlim()[1]
    # unless an estimate that is known well lies further out
    large = effects({"estimate": 1.1, "ci_low": 0.9, "ci_high": 1.3})
    assert change(let_through(large), words=words(), ax=panel()).get_xlim()[1] > 1.3


def test_what_reaches_beyond_the_axis_ends_in_an_arrow():
    row = {"estimate": 0.5, "ci_low": 0.1, "ci_high": 0.9}
    ax = change(let_through(effects(row)), words=words(), ax=panel())
    assert [line.get_marker() for line in ax.lines if line.get_marker() in "<>"] == [">"]
    assert max(x for x, _ in intervals(ax)) == 0.1


def arrows(ax, kind=VALUE_BEYOND) -> list[tuple[float, str]]:
    """Where arrow heads stand, and which way they point."""
    heads = [line for line in ax.lines if line.get_label() == kind]
    return [(float(x), line.get_marker()) for line in heads for x in line.get_xdata()]


@pytest.mark.parametrize("kind", ["change", "summary", "forest", "regions", "estimation"])
@pytest.mark.parametrize(
    ("row", "head"),
    [
        ({"estimate": 0.86, "ci_low": None, "ci_high": None}, (0.8, ">")),
        ({"estimate": -0.98, "ci_low": -2.05, "ci_high": 0.08}, (-0.8, "<")),
    ],
)
def test_a_value_beyond_the_axis_is_an_arrow_and_no_mark(kind, row, head):
    """It would be read off the axis as the value at its edge."""
    row |= {"estimand": "linked_change", "suppressed": False, "change": row["estimate"]}
    frame = effects({"region": "nordland"}, {**row, "region": "oslo"}).assign(suppressed=False)
    frame["estimand"] = "linked_change"
    drawing = {
        "change": lambda: change(frame[1:], words=words()),
        "summary": lambda: summary(frame[1:], words=words()),
        "forest": lambda: forest(frame, words=words(), pooled=let_through(pooled())),
        "regions": lambda: regions(
            frame.assign(shrunk=0.1, shrunk_low=0.0, shrunk_high=0.2, outcome=["joy", "effort"]),
            words=words(),
        ),
        "estimation": lambda: estimation(frame[1:], words=words(), answers=answers()),
    }[kind]()
    axes = [ax for ax in drawing.figure.axes if arrows(ax)]
    if kind == "regions" and row["ci_low"]:  # so wide an interval is not drawn there
        assert not axes
        return
    (ax,) = axes
    assert arrows(ax) == [head]
    assert abs(head[0]) < ax.get_xlim()[1] < abs(row["estimate"])
    heads = {VALUE_BEYOND, LINE_BEYOND}
    drawn = [line for line in ax.lines if line.get_transform() == ax.transData]
    inside = [x for line in drawn if line.get_label() not in heads for x in line.get_xdata()]
    assert head[0] not in inside
    assert words().number(row["estimate"]) in " ".join(said(ax))
    assert "Pil uten merke: Verdien ligger utenfor aksen." in drawing.caption
    within = change(frame[:1], words=words())
    assert "Pil uten merke" not in within.caption
    assert "ender i en pil" not in within.caption


def test_a_line_that_goes_on_beyond_the_axis_is_told_of_in_the_caption():
    drawing = change(effects({"ci_high": 0.9}).assign(suppressed=False), words=words())
    (ax,) = drawing.figure.axes
    assert arrows(ax, LINE_BEYOND) == [(0.8, ">")]
    assert "En strek som ender i en pil, fortsetter utenfor aksen." in drawing.caption
    assert "Pil uten merke" not in drawing.caption


def test_the_axis_holds_all_regions_together_and_their_prediction_interval_ends_in_an_arrow():
    together = pooled("linked_change").assign(
        suppressed=False, estimate=0.9, ci_low=0.7, ci_high=1.1, pi_low=-0.2, pi_high=2.0
    )
    frame = effects({"region": "oslo"}).assign(suppressed=False, estimand="linked_change")
    drawing = forest(frame, words=words(), pooled=together)
    (ax,) = drawing.figure.axes
    assert ax.get_xlim()[1] > 0.9
    (corners,) = (patch.get_xy() for patch in ax.patches if len(patch.get_xy()) == 5)
    assert sorted({*corners[:, 0]}) == pytest.approx([0.7, 0.9, 1.1])
    assert arrows(ax, LINE_BEYOND) == [(1.6, ">")]


WIDE = {"estimate": 1.05, "ci_low": -0.39, "ci_high": 2.49}


def test_groups_of_which_nearly_nothing_is_known_are_named_and_not_drawn():
    rows = [{"subgroup": f"gender={each}"} for each in ("girl", "boy")]
    frame = effects(*rows, {**WIDE, "subgroup": "grade=7"}).assign(suppressed=False)
    drawing = change(frame, words=words())
    (ax,) = drawing.figure.axes
    assert len(marks(ax)) == 2
    assert "1,05" not in " ".join(said(ax))
    assert "til hver side av anslaget: Matematikkglede (7. trinn)." in drawing.caption
    assert "7. trinn" not in drawing.alt
    assert [*drawing.rows[""]["subgroup"]] == ["gender=girl", "gender=boy"]
    # where nothing else is known they are drawn
    alone = change(frame[-1:], words=words())
    assert len(marks(alone.figure.axes[0])) > 0
    assert "7. trinn" not in alone.caption


def test_in_a_forest_they_are_pale_and_the_caption_says_why():
    frame = effects({"region": "nordland"}, {**WIDE, "region": "oslo"}).assign(suppressed=False)
    drawing = forest(frame, pooled=let_through(pooled()), words=words())
    (ax,) = drawing.figure.axes
    grey = [text.get_text() for text in ax.texts if text.get_color() == GREY]
    assert grey == ["1,05 (−0,39 til 2,49)", "n"]
    assert len([line for line in ax.lines if line.get_marker() == "|"]) == 1
    assert "I grått: intervaller som omfatter null og går mer enn 0,50" in drawing.caption
    clear = frame.assign(ci_low=[0.39, 0.39], ci_high=[1.71, 1.71])  # as wide, but without zero
    drawing = forest(clear, pooled=let_through(pooled()), words=words())
    assert "I grått" not in drawing.caption
    lines = drawing.figure.axes[0].lines
    assert not [line for line in lines if line.get_marker() == "|"]
    assert not [line for line in lines if line.get_marker() == "o" and line.get_clip_on()]


def test_marks_are_filled_where_it_is_certain_which_way_and_the_caption_says_so():
    sure = {"verdict": "increase", "plan_role": "primary", "p_adjusted": 0.01, "ci_low": 0.05}
    rows = [
        {**sure, "region": "national", "flags": ""},
        {**sure, "region": "national", "flags": "low_df"},
        {**sure, "region": "oslo", "plan_role": "secondary", "flags": ""},
    ]
    for row, hollow in zip(rows, (False, True, True), strict=True):
        drawing = change(effects(row).assign(suppressed=False), words=words())
        (mark,) = (each for each in drawing.figure.axes[0].lines if each.get_marker() != "None")
        assert (mark.get_markerfacecolor() == "white") == hollow
        assert "Fylte merker er sikre, hule er det ikke." in drawing.caption


def test_the_summary_has_a_mark_for_all_that_may_be_concluded():
    looks = {code: looks_of(code, GREY) for code in CERTAINTY_SIGNS}
    squares = {code for code in looks if looks[code].get("marker") == "s"}
    assert squares == {code for code in looks if "small" in code} | {"negligible"}
    hollow = {code for code in looks if looks[code].get("mfc") == "white"}
    assert hollow == {code for code in looks if code.startswith("may")} | {"unclear"}


def test_grades_and_gender_stand_apart_and_one_row_an_outcome_has_no_heading():
    groups = ["grade=5", "grade=6", "gender=girl"]
    frame = effects(*({"subgroup": each} for each in groups)).assign(suppressed=False)
    (ax,) = change(frame, words=words()).figure.axes
    assert [y for _, y in marks(ax)] == [1, 2, 3.5]
    two = effects({"outcome": "joy"}, {"outcome": "effort"}).assign(suppressed=False)
    drawing = change(two, words=words())
    assert tick_labels(drawing.figure.axes[0].yaxis) == ["Matematikkglede", "Innsats"]
    assert drawing.caption.startswith("Endring på samme trinn.")


def test_estimands_differ_in_shape_and_in_grey():
    ax = change(let_through(all_estimands()), words=words(), ax=panel())
    drawn = [line for line in ax.lines if line.get_marker() != "None"]
    for three in (drawn[:3], drawn[3:]):
        assert len({line.get_marker() for line in three}) == 3
    grey = [np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114)) for line in drawn]
    assert max(grey) < 0.6


def test_distribution_is_the_bins_with_equal_areas_for_equal_shares():
    frame = gated(answers(), mask().assign(n=400), "internal")  # everybody of the cell
    ax = distribution(frame, words=words(), ax=panel())
    before, after = ax.patches
    for patch, wave in ((before, "pre"), (after, "post")):
        bins = frame[frame["wave"] == wave]
        heights, edges, _ = patch.get_data()
        assert list(edges) == [*bins["low"], bins["high"].iloc[-1]]
        assert heights * np.diff(edges) == pytest.approx(bins["share"])
        assert np.sum(heights * np.diff(edges)) == pytest.approx(1, abs=0.02)
    assert before.get_fill()
    assert not after.get_fill()
    means = [line.get_xdata()[0] for line in ax.lines]
    assert means == pytest.approx([2.61, 2.75])


def test_distribution_is_labelled_from_the_instrument():
    ax = distribution(let_through(answers()), words=words("nn"), ax=panel())
    assert ax.get_title(loc="left") == "Matematikkglede"
    assert said(ax) == ["Heilt ueinig", "Heilt einig", "snitt 2,61 før, 2,75 etter"]
    assert tick_labels(ax.xaxis) == ["1", "2", "3", "4"]


def test_distribution_leaves_a_hidden_wave_out_and_says_so():
    ax = distribution(let_through(answers(), wave="pre"), words=words(), ax=panel())
    assert len(ax.patches) == 1
    assert said(ax)[-1] == "skjult av hensyn til personvernet"


def summed_up(frame, language="nb"):
    drawing = summary(frame, words=words(language))
    return drawing, drawing.figure.axes[0]


def test_summary_has_a_mark_and_a_word_for_every_outcome():
    views = {"population": "teachers", "outcome": "views", "estimand": "participants"}
    given = [
        {"verdict": "increase", "estimate": 0.3, "ci_low": 0.2, "ci_high": 0.4,
         "region": "national", "plan_role": "primary", "p_adjusted": 0.01},
        {"outcome": "effort", "verdict": "decrease", "estimate": -0.3, "ci_low": -0.4,
         "ci_high": -0.2, "region": "national", "plan_role": "secondary"},
        {**views, "verdict": "unclear", "estimate": 0.5, "ci_low": -0.6, "ci_high": 1.6},
    ]  # fmt: skip
    frame = effects(*given).assign(suppressed=False, change=0.1, flags="")
    drawing, ax = summed_up(frame)
    assert said(ax) == [
        "Elever", "Matematikkglede", "0,30 · gikk opp", "Innsats", "−0,30 · kan ha gått ned",
        "Lærere", "Syn på faget", "0,50 · kan ikke si",
    ]  # fmt: skip
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata().item() for line in dots] == pytest.approx([0.3, -0.3, 0.5])
    # what is certain is filled
    assert [line.get_markerfacecolor() == "white" for line in dots] == [False, True, True]
    assert [line.get_marker() for line in ax.lines if line.get_marker() == ">"] == [">"]
    assert max(map(abs, ax.get_xlim())) < 1.1
    assert drawing.figure.get_figwidth() < WIDTH
    assert drawing.alt == (
        "Endring i 3 utfall (endring på samme trinn og deltakere). Gikk opp: Matematikkglede. Kan "
        "ha gått ned: Innsats. Kan ikke si: Syn på faget."
    )


def test_a_summary_draws_nothing_of_what_is_hidden():
    seen = {"outcome": "effort", "estimate": 0.77, "ci_low": 0.66, "ci_high": 0.88}
    frame = effects({"verdict": "increase", "ci_low": 0.02}, {**seen, "verdict": "increase"})
    whole, _ = summed_up(frame.assign(suppressed=False, change=0.1))
    hidden = gated(frame.assign(change=0.1), mask(outcome="effort"), "internal")
    drawing, ax = summed_up(pd.DataFrame(hidden))
    assert not re.search(r"0,77|0,66|0,88", " ".join([*said(ax), drawing.alt, drawing.caption]))
    ends = [x for line in ax.lines for x in line.get_xdata()]
    assert not {0.77, 0.66, 0.88} & set(np.round(ends, 2))
    assert "0,77" in " ".join(said(whole.figure.axes[0]))


def test_letters_of_a_summary_are_readable_on_a_phone():
    drawing, ax = summed_up(effects({}).assign(suppressed=False, change=0.1))
    per_inch = 350 / drawing.figure.get_figwidth()  # on a page of 390 pixels
    ticks = [*ax.get_xticklabels(), ax.xaxis.label]
    sizes = [text.get_size() / 72 * per_inch for text in (*ax.texts, *ticks)]
    assert min(sizes) >= 10.9


def test_the_alt_text_of_a_summary_counts_where_names_are_too_many():
    names_of = [(f"Et utfall med et langt navn, nummer {i}", "gikk opp") for i in range(20)]
    told = " ".join(describe_summary([*names_of, ("Innsats", "gikk ned")], ["Deltakere"], words()))
    assert told == "Endring i 21 utfall (deltakere). Gikk opp: 20. Gikk ned: Innsats."
    assert len(told) <= LONGEST


def test_before_there_are_changes_a_summary_draws_levels():
    means = [("joy", 2.5), ("effort", 4.0)]
    frame = effects(*(
        {"outcome": outcome, "estimand": "level", "contrast": "mean", "wave": "pre",
         "change": mean, "change_ci_low": mean - 0.2, "change_ci_high": mean + 0.2,
         "estimate": None}
        for outcome, mean in means
    )).assign(suppressed=False)  # fmt: skip
    drawing, ax = summed_up(frame)
    assert said(ax) == ["Matematikkglede", "2,50 (1–4)", "Innsats", "4,00 (1–4)"]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata().item() for line in dots] == pytest.approx([0.5, 1.0])
    assert "endring" not in drawing.alt + drawing.caption
    assert len(drawing.alt) <= LONGEST


def test_forest_has_a_line_per_region_and_the_regions_together():
    frame = effects({"region": "nordland"}, {"region": "oslo", "estimate": -0.2, "ci_low": -0.5})
    ax = forest(let_through(frame), pooled=let_through(pooled()), words=words(), ax=panel())
    assert marks(ax) == [(pytest.approx(0.12), 0), (pytest.approx(-0.2), 1)]
    regions = ["Nordland – Nordlánnda", "Oslo – Oslove"]
    assert tick_labels(ax.yaxis) == [*regions, "Alle regionene samlet"]
    (diamond,) = (patch for patch in ax.patches if not isinstance(patch, Rectangle))
    corners = diamond.get_xy()
    assert corners[:, 0].min() == pytest.approx(-0.03)
    assert corners[:, 0].max() == pytest.approx(0.19)
    assert corners[1, 0] == pytest.approx(0.08)
    assert pytest.approx((-0.15, 0.31)) in intervals(ax)


def test_the_diamond_has_the_interval_of_the_country_and_the_line_that_of_one_more_region():
    country = effects({"region": "national", "cluster": "region", "estimate": 0.2, "ci_low": 0.05,
                       "ci_high": 0.35})  # fmt: skip
    beside = {"pooled": let_through(pooled()), "together": let_through(country)}
    frame = let_through(effects({"region": "nordland"}, {"region": "oslo"}))
    ax = forest(frame, words=words(), ax=panel(), **beside)
    (diamond,) = (patch for patch in ax.patches if not isinstance(patch, Rectangle))
    xs = diamond.get_xy()[:, 0]
    assert [xs.min(), xs.max()] == pytest.approx([0.05, 0.35], abs=1e-3)
    spans = [line.get_segments()[0][:, 0].tolist() for line in ax.collections
             if hasattr(line, "get_segments") and len(line.get_segments()) == 1]  # fmt: skip
    assert any(span == pytest.approx([-0.15, 0.31], abs=1e-3) for span in spans)
    assert "0,05 til 0,35" in forest(frame, words=words(), **beside).alt


def test_figures_of_the_country_say_that_people_of_a_region_are_alike():
    country = effects({"region": "national", "cluster": "region"})
    assert "samme region" in change(let_through(country), words=words()).caption
    assert "samme skole" in change(let_through(effects({})), words=words()).caption


def test_forest_has_the_band_of_changes_that_are_too_small_and_says_what_it_is():
    frame = let_through(effects({"region": "nordland"}, {"region": "oslo"}))
    ax = forest(frame, pooled=let_through(pooled()), words=words(), ax=panel())
    (band,) = (patch for patch in ax.patches if isinstance(patch, Rectangle))
    assert (band.get_x(), band.get_width()) == pytest.approx((-0.1, 0.2))
    drawing = forest(frame, pooled=let_through(pooled()), words=words())
    (legend,) = drawing.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "±0,10 SD, den minste endringen av interesse", "alle regionene samlet",
        "én region til (prediksjonsintervall)",
    ]  # fmt: skip
    assert "grå båndet er ±0,10" in drawing.caption
    assert "samlet 0,08 (−0,03 til 0,19)" in drawing.alt


def test_a_forest_of_one_estimand_has_people_and_intervals_and_one_of_several_estimates():
    frame = effects({"region": "nordland"}, {"region": "oslo"}).assign(suppressed=False)
    (ax,) = forest(frame, pooled=let_through(pooled()), words=words()).figure.axes
    assert said(ax).count("0,12 (−0,06 til 0,30)") == 2
    assert "0,08 (−0,03 til 0,19)" in said(ax)
    assert "n" in said(ax)
    both = pd.concat([frame, frame.assign(estimand="linked_change")])
    panels = forest(both, pooled=let_through(pooled()), words=words()).figure.axes
    assert [text for text in said(panels[0]) if text == "0,12"] == ["0,12", "0,12"]
    assert panels[0].get_title(loc="left").endswith("samlet 0,08 (−0,03 til 0,19)")


def test_regions_are_drawn_by_themselves_and_towards_their_mean_and_are_not_ranked():
    frame = by_region()
    frame["estimate"], frame["shrunk"] = [0.2, -0.1], [0.15, np.nan]
    drawing = regions(let_through(frame), words=words())
    (ax,) = drawing.figure.axes
    assert [text.replace("\n", " ") for text in tick_labels(ax.yaxis)] == [
        "Nordland – Nordlánnda (1\N{NARROW NO-BREAK SPACE}188)",
        "Oslo – Oslove (1\N{NARROW NO-BREAK SPACE}188)",
    ]
    found = dict(zip(*zip(*[(round(y, 2), round(x, 2)) for x, y in marks(ax)], strict=True),
                     strict=True))  # fmt: skip
    assert found[-0.17] == 0.2
    assert found[0.17] == 0.15
    assert found[0.83] == -0.1
    assert "ikke rangert" in drawing.caption
    assert "1 region har ikke noe intervall" in drawing.caption
    turned = regions(let_through(frame[::-1]), words=words())
    assert tick_labels(turned.figure.axes[0].yaxis) == tick_labels(ax.yaxis)


def test_forest_says_which_region_is_hidden():
    frame = let_through(effects({"region": "nordland"}, {"region": "oslo"}), region="oslo")
    ax = forest(frame, pooled=let_through(pooled()), words=words(), ax=panel())
    assert [y for _, y in marks(ax)] == [0]
    assert [text.xy[1] for text in ax.texts if text.get_text() == "skjult"] == [1]


def test_forest_figure_puts_each_estimate_in_its_own_panel():
    rows = [
        {"region": region, "estimand": estimand, "outcome": outcome, "estimate": value}
        for value, (outcome, estimand, region) in enumerate(
            itertools.product(
                ["joy", "effort"], ["same_grade", "linked_change"], ["nordland", "oslo"]
            )
        )
    ]
    drawing = forest(let_through(effects(*rows)), words=words(), pooled=let_through(pooled()))
    assert [[x for x, _ in marks(ax)] for ax in drawing.figure.axes] == [
        [0, 1], [2, 3], [4, 5], [6, 7],
    ]  # fmt: skip


def drawings():
    roles = [answers(population="teachers", outcome="views", subgroup=role) for role in ROLES]
    both = [answers(), answers(outcome="effort"), *roles]
    many = effects(
        *(
            {"region": region, "estimand": estimand, "outcome": outcome}
            for outcome in ("joy", "effort")
            for region in ("nordland", "oslo")
            for estimand in ("linked_change", "same_grade", "school_change")
        )
    )
    hidden = let_through(all_estimands(), subgroup="role=colleague")
    main = all_estimands().query("estimand in ['same_grade', 'participants']")
    may = {"change": 0.1, "verdict": "decrease", "plan_role": "secondary"}
    return {
        "summary": lambda w: summary(let_through(main.assign(**may)), words=w),
        "change": lambda w: change(let_through(all_estimands()), words=w),
        "change, some hidden": lambda w: change(hidden, words=w),
        "one change": lambda w: change(let_through(effects({})), words=w),
        "distribution": lambda w: distribution(let_through(answers()), words=w),
        "distributions": lambda w: distribution(let_through(pd.concat(both)), words=w),
        "forest": lambda w: forest(
            let_through(many), words=w, pooled=let_through(pooled("linked_change", "same_grade"))
        ),
        "one forest": lambda w: forest(
            let_through(many[:1]), words=w, pooled=let_through(pooled("linked_change"))
        ),
        "regions": lambda w: regions(let_through(by_region()), words=w),
    }


@mpl.rc_context(STYLE)  # as it is saved
def assert_readable(drawing) -> None:
    """Assert that no text overlaps another, leaves the figure, or is smaller than 9 points."""
    assert drawing.caption
    assert drawing.alt
    for figure in filter(None, (drawing.figure, drawing.phone)):
        assert_legible(figure)


def assert_legible(figure) -> None:
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    boxes = []
    for text in set(figure.findobj(Text)) - not_drawn(figure):
        text.set_text(text.get_text().strip("\n"))  # blank lines keep room for a heading
        if not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent()
        boxes.append((text.get_text(), box))
        assert -0.5 <= box.x0 < box.x1 <= width + 0.5, text.get_text()
        assert -0.5 <= box.y0 < box.y1 <= height + 0.5, text.get_text()
        assert text.get_fontsize() >= 9
    assert len(boxes) > 3
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        overlap = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(overlap) < 1, (one, other, overlap)


@pytest.mark.parametrize("kind", drawings())
@pytest.mark.parametrize(
    "speech",
    [
        pytest.param(words("nb"), id="nb", marks=pytest.mark.long),
        pytest.param(words("en"), id="en", marks=pytest.mark.long),
        pytest.param(long_words(), id="long"),
    ],
)
def test_no_text_overlaps_or_leaves_the_figure(kind, speech):
    assert_readable(drawings()[kind](speech))


def not_drawn(figure) -> set[Text]:
    """The labels of axes that are off, and those kept for ticks outside the limits."""
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    off = {text for axis in axes if not axis.axes.axison for text in axis.findobj(Text)}
    kept = {text for axis in axes for tick in axis.get_major_ticks() for text in _labels(tick)}
    drawn = {text for axis in axes for tick in axis._update_ticks() for text in _labels(tick)}
    return (kept - drawn) | off


def _labels(tick) -> tuple[Text, Text]:
    return tick.label1, tick.label2


@pytest.mark.parametrize("kind", long_but([*drawings()][::4], drawings()))
def test_figures_are_saved_twice_over_the_same_and_hold_no_date(kind):
    first, second = (saved(drawings()[kind](words()), salt="x") for _ in range(2))
    assert first == second
    svg, png = first
    assert png.startswith(b"\x89PNG")
    assert b"Software" not in png
    text = svg.decode("utf-8")
    assert "<dc:date>" not in text
    assert "Matplotlib v" not in text
    wide = NARROW if kind == "summary" else WIDTH
    assert float(re.search(r'width="([\d.]+)pt"', text)[1]) == pytest.approx(72 * wide)


def test_a_figure_keeps_its_text_as_text_and_its_png_few_colours():
    svg, png = saved(change(let_through(all_estimands()), words=words()), salt="x")
    text = svg.decode("utf-8")
    assert "Matematikkglede</text>" in text
    assert "'DejaVu Sans', 'Bitstream Vera Sans', 'Verdana', sans-serif" in text
    # an ordinary space before a word is lost in SVG
    assert not re.findall(r"<text[^>]*> ", text)
    picture = Image.open(io.BytesIO(png))
    assert (picture.mode, picture.width) == ("P", pytest.approx(200 * WIDTH, abs=1))


def outlines(svg: str) -> tuple[list, list]:
    """The corners of every path and the places of every text, as they are drawn."""
    root = etree.fromstring(svg.encode())
    paths = []
    for path in root.iter("{*}path"):
        corners, at = [], [0.0, 0.0]
        for step, numbers in re.findall("([A-Za-z])([^A-Za-z]*)", path.get("d")):
            to = [float(each) for each in numbers.split()]
            to = {"H": [*to, at[1]], "V": [at[0], *to]}.get(step, to)
            at = to[-2:] or at
            corners += to
        paths.append(corners)
    return paths, [("".join(text.itertext()), text.get("x")) for text in root.iter("{*}text")]


@pytest.mark.parametrize("kind", drawings())
def test_a_light_figure_is_drawn_alike(kind):
    drawing, raw = drawings()[kind](words()), io.BytesIO()
    svg, _ = saved(drawing, salt="x")
    with mpl.rc_context({**STYLE, "svg.hashsalt": "x"}):
        drawing.figure.savefig(raw, format="svg")
    (drawn, texts), (full, all_texts) = outlines(svg.decode()), outlines(raw.getvalue().decode())
    assert [len(path) for path in drawn] == [len(path) for path in full]
    assert [*itertools.chain(*drawn)] == pytest.approx([*itertools.chain(*full)], abs=0.006)
    assert [text for text, _ in texts] == [text for text, _ in all_texts]
    root = etree.fromstring(svg)
    ids = {each.get("id") for each in root.iter() if each.get("id")}
    assert ids == {*re.findall(r"(?:url\(|href=\")#([\w-]+)", svg.decode())}
    assert not [group for group in root.iter("{*}g") if not group.attrib]
    assert len(svg) < 0.6 * len(raw.getvalue())


def test_on_a_phone_the_panels_of_a_forest_stand_one_below_the_other():
    drawing = drawings()["forest"](words())
    assert {len(drawing.figure.axes), len(drawing.phone.axes)} == {6}
    tops = [ax.get_position().y0 for ax in drawing.phone.axes]
    assert tops == sorted({*tops}, reverse=True)
    for wide, narrow in zip(drawing.figure.axes, drawing.phone.axes, strict=True):
        assert marks(wide) == marks(narrow)
        assert wide.get_xlim() == narrow.get_xlim()
    titles = {text.get_text().strip() for text in drawing.phone.findobj(Text)}
    assert {"Matematikkglede", "Innsats"} <= titles
    svg = saved_for_phone(drawing, salt="x").decode()
    assert float(re.search(r'width="([\d.]+)pt"', svg)[1]) == pytest.approx(72 * PHONE, abs=0.01)
    letters = [text for text in drawing.phone.findobj(Text) if text.get_text().strip()]
    per_point = 350 / PHONE / 72  # pixels, on a page of 390
    assert min(text.get_size() for text in letters) * per_point >= 11
    assert saved_for_phone(drawings()["change"](words()), salt="x") == b""


@pytest.mark.parametrize("kind", drawings())
def test_letters_are_readable_on_a_phone(kind):
    sheet = (Path(show.__file__).parent / "assets/loftet.css").read_text(encoding="utf-8")
    # pixels: as wide as the stylesheet lets it become, or as a phone where it is narrow
    wide = 16 * float(re.search(r"\.wide > img { min-width: (\d+)rem;", sheet)[1])
    figure = drawings()[kind](words()).figure
    assert kind == "summary" or figure.get_figwidth() == WIDTH
    per_point = (350 if kind == "summary" else wide) / figure.get_figwidth() / 72
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    assert min(text.get_size() for text in texts) * per_point > 10.9


def test_no_mark_stands_for_a_person():
    frame = let_through(answers())
    svg, _ = saved(distribution(frame, words=words()), salt="x")
    drawn = re.findall(r"<(?:path|use)\b", svg.decode("utf-8"))
    assert 5 < len(drawn) < 40
    assert frame["n"].sum() == pytest.approx(800, abs=3 * len(frame))
