"""Estimation plots, items, dots, schools and fieldwork, read off their artists."""

import dataclasses
import itertools
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.text import Text

from loftet_analysis import names, schema
from loftet_analysis.disclosure.gate import gate
from loftet_analysis.disclosure.histograms import safe_bins
from loftet_analysis.show import figures
from loftet_analysis.show.alt_texts import LONGEST, describe_likert
from loftet_analysis.show.figures import WIDTH, canvas, saved
from loftet_analysis.show.figures.changes import _not_drawn
from loftet_analysis.show.languages import Answers
from tests.long import long_but
from tests.made_up import (
    OUTCOMES,
    ROLES,
    all_estimands,
    by_region,
    distribution,
    effect,
    effects,
    mask,
    pooled,
    words,
)
from tests.test_plots import LONG, assert_readable, intervals, marks, said, tick_labels

WORDING = {
    "nb": "Jeg kan bli så opptatt av en matematikkoppgave at jeg glemmer tiden",
    "en": "I can get so caught up in a maths task that I forget the time",
}
OPTIONS = {
    4: ("Aldri eller nesten aldri", "I noen timer", "I de fleste timene",
        "I alle eller nesten alle timene"),
    5: ("Helt uenig", "Delvis uenig", "Verken enig eller uenig", "Delvis enig", "Helt enig"),
    6: ("Helt uenig", "Ganske uenig", "Litt uenig", "Litt enig", "Ganske enig", "Helt enig"),
}  # fmt: skip
SIZES = {"joy": 4, "effort": 5, "views": 6}


def speech(language: str = "nb", **others):
    """The made-up words with items, options and schools; ``joy`` has 4 options, ``effort`` 5."""
    spoken = words(language)
    ends = spoken.answers["pupils", "joy"]
    wording = WORDING.get(spoken.locale, WORDING["nb"])
    return dataclasses.replace(
        spoken,
        answers={pair: Answers(1, SIZES[pair[1]], ends.low, ends.high, 0.25) for pair in OUTCOMES},
        options={pair: dict(enumerate(OPTIONS[SIZES[pair[1]]], start=1)) for pair in OUTCOMES},
        items={
            (population, f"{outcome}_{i}"): "Det er gøy." if i == 1 else f"{wording} ({i})."
            for population, outcome in OUTCOMES
            for i in range(1, 6)
        },
        reversed_items=frozenset({("pupils", "joy_2"), ("pupils", "effort_3")}),
        schools={f"s{i}": f"Skole {i}" for i in range(60)},
        **others,
    )


def long_speech():
    spoken = speech()
    scale = Answers(1, 4, "Ikke likt meg i det hele tatt", "I alle eller nesten alle timene", 0.25)
    return dataclasses.replace(
        spoken,
        outcomes=dict.fromkeys(OUTCOMES, LONG),
        answers={**spoken.answers, ("pupils", "joy"): scale},
        items={key: f"{LONG}, {wording} {LONG}" for key, wording in spoken.items.items()},
        schools={key: f"Kommunesammenslåingens oppvekstsenter {key}" for key in spoken.schools},
    )


def hidden(frame, **where):
    """The frame as it comes out of the gate where those rows are hidden."""
    away = pd.Series(bool(where), index=frame.index)
    for column, value in where.items():
        away &= frame[column] == value
    numbers = {"share", "n", "n_in_all", "mean", "estimate", "ci_low", "ci_high"}
    numbers |= {"shrunk", "shrunk_low", "shrunk_high"}
    kept = frame.assign(suppressed=away)
    for column in numbers & set(frame.columns):
        kept[column] = kept[column].astype(float).mask(away)
    return kept


def answers(outcome="joy", **given):
    """Bins over the whole of a scale."""
    frame = distribution(outcome=outcome, **given)
    reach = SIZES[outcome] - 1
    for edge in ("low", "high"):
        frame[edge] = 1 + (frame[edge] - 1) * reach / 3
    return frame


def role_answers():
    return [answers("views", population="teachers", subgroup=role) for role in ROLES]


def item_bins(outcome="joy", items=2, population="pupils", subgroup="all", shares=None):
    n = SIZES[outcome]
    rows = [
        {
            "population": population, "region": "nordland", "outcome": outcome,
            "item": f"{outcome}_{i}", "subgroup": subgroup, "wave": wave,
            "low": option - 0.5, "high": option + 0.5, "share": share, "n": 400 * share,
            "n_in_all": 400,
        }
        for i in range(1, items + 1)
        for wave in ("pre", "post")
        for option, share in enumerate(
            shares or np.roll(np.arange(1, n + 1) / (n * (n + 1) / 2), i + (wave == "pre")), 1
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def bins_of(scores, edges):
    """The bins before of joy."""
    about = {key: answers()[key].iloc[0] for key in ("population", "region", "outcome", "subgroup")}
    about |= {"wave": "pre", "mean": scores.mean(), "n_in_all": len(scores)}
    return safe_bins(scores, edges, limit=1).assign(**about)


def joined_bins(frame, low, high):
    """A histogram's bins up to `high` made one, and those above it."""
    parts = []
    for _, bins in frame.groupby("wave", sort=False):
        below = bins["high"] <= high
        sums = {"low": low, "high": bins.loc[below, "high"].max(), "n": bins.loc[below, "n"].sum()}
        one = bins[:1].assign(**sums, share=bins.loc[below, "share"].sum())
        rest = bins[~below]
        sums = {"high": rest["high"].max(), "n": rest["n"].sum()}
        parts += [one, rest[:1].assign(**sums, share=rest["share"].sum())]
    return pd.concat(parts, ignore_index=True)


def joined(frame, low, high):
    """The bins between two edges made one."""
    inside = (frame["low"] >= low) & (frame["high"] <= high)
    keys = ["population", "region", "outcome", "item", "subgroup", "wave", "n_in_all"]
    one = frame[inside].groupby(keys, as_index=False)[["share", "n"]].sum()
    return pd.concat([frame[~inside], one.assign(low=low, high=high)], ignore_index=True)


def schools(n=6, outcomes=("joy", "effort"), **given):
    rows = [
        {
            **dict.fromkeys(schema.SCHOOLS), "region": "nordland", "school_id": f"s{i}",
            "population": "pupils", "outcome": outcome, "question": "Q1",
            "estimand": "same_grade", "estimate": 0.1 * (i % 5) - 0.1,
            "ci_low": 0.1 * (i % 5) - 0.5, "ci_high": 0.1 * (i % 5) + 0.3, "ci_level": 0.95,
            "shrunk": 0.05 * (i % 5), "shrunk_low": 0.05 * (i % 5) - 0.15,
            "shrunk_high": 0.05 * (i % 5) + 0.15, "reason": "", "suppressed": False,
        }
        for outcome in outcomes
        for i in range(n)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(schema.SCHOOLS)).assign(**given)


def flow(*populations, **given):
    counts = {"n_invited": 1300, "n_answered": 1234, "n_consented": 1210.0, "n_kept": 1187,
              "n_linkable": 1100, "n_linked": 900}  # fmt: skip
    rows = [
        {"population": population, "wave": wave, "region": "nordland", "school_id": "",
         "subgroup": "all", **counts}
        for population in populations or ("pupils",)
        for wave in ("pre", "post")
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**given)


def arrivals(*populations, days=20, **given):
    rows = [
        {
            "population": population, "wave": wave,
            "day": pd.Timestamp(start) + pd.Timedelta(days=day), "n": 400 * (day + 1) / days,
            "n_invited": 500.0, "n_final": 400.0,
        }
        for population in populations or ("pupils",)
        for wave, start in (("pre", "2025-09-01"), ("post", "2026-05-04"))
        for day in range(days)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**given)


LOW = pd.DataFrame([{"population": "pupils", "outcome": "joy", "low_fifth": 2.0}])


def drawings():
    change = all_estimands().assign(suppressed=False)
    both = pd.concat([answers(), *role_answers()])
    six = pd.concat(
        [change, *(change.assign(subgroup=f"grade={grade}") for grade in (5, 6))]
    ).sort_values(["subgroup"], kind="stable")
    many = pd.concat([item_bins("joy", 4), item_bins("effort", 5)])
    teachers = [item_bins("views", 3, "teachers", role) for role in ROLES]
    return {
        "estimation": lambda w: figures.estimation(change, words=w, answers=both),
        "estimation, one": lambda w: figures.estimation(change[:1], words=w, answers=answers()),
        "estimation, many rows": lambda w: figures.estimation(six, words=w, answers=both),
        "estimation, no bins": lambda w: figures.estimation(
            change, words=w, answers=pd.concat(role_answers())
        ),
        "estimation, some hidden": lambda w: figures.estimation(
            hidden(change, estimand="linked_change"), words=w, answers=hidden(both, wave="pre")
        ),
        "likert": lambda w: figures.likert(pd.concat([many, *teachers]), words=w),
        "likert, joined": lambda w: figures.likert(joined(many, 0.5, 2.5), words=w),
        "likert, some hidden": lambda w: figures.likert(hidden(many, wave="post"), words=w),
        "dots": lambda w: figures.dots(pd.concat([both, answers("effort")]), words=w),
        "dots, one": lambda w: figures.dots(answers(), words=w),
        "dots, low": lambda w: figures.dots(both, words=w, low=LOW),
        "dots, some hidden": lambda w: figures.dots(
            hidden(both, subgroup="role=colleague"), words=w
        ),
        "levels": lambda w: figures.levels(
            levels().replace({"subgroup": {"gender=girl": "gender=undisclosed"}}), words=w
        ),
        "schools": lambda w: figures.schools(schools(14, ("joy", "effort")), words=w),
        "schools, one outcome": lambda w: figures.schools(schools(3, ("joy",)), words=w),
        "schools, four panels": lambda w: figures.schools(
            pd.concat([schools(12), schools(12, ("joy",)).assign(population="teachers",
            outcome="views"), schools(12, ("joy",)).assign(outcome="effort", population="x")]),
            words=dataclasses.replace(w, outcomes={**w.outcomes, ("x", "effort"): "Mer"}),
        ),
        "schools, none": lambda w: figures.schools(
            hidden(schools(), region="nordland"), words=w
        ),
        "flow": lambda w: figures.flow(flow(n_schools=12.0), words=w),
        "flow, three": lambda w: figures.flow(
            pd.concat([flow(*names.POPULATIONS), flow("pupils", wave="mid")[:1]]), words=w
        ),
        "arrivals": lambda w: figures.arrivals(arrivals(), words=w),
        "arrivals, three": lambda w: figures.arrivals(
            pd.concat([arrivals(*names.POPULATIONS), arrivals("pupils", wave="mid")[:20],
            ]), words=w
        ),
        "arrivals, one day": lambda w: figures.arrivals(arrivals(days=1), words=w),
        "attendance": lambda w: figures.attendance(
            pd.concat([attended((0, 9, 0.47), (10, 10, 0.53)),
                       attended((0, 5, 0.2), (6, 6, 0.5), (7, 7, 0.3), most=7,
                                population="leaders")]), words=w
        ),
    }  # fmt: skip


def is_changes(ax) -> bool:
    """Whether a panel of an estimation plot is the one of the changes."""
    return bool(intervals(ax)) or any(text in {"skjult", "ikke beregnet"} for text in said(ax))


def test_estimation_has_a_block_per_outcome_with_answers_and_changes():
    frame = all_estimands().assign(suppressed=False)
    frame["estimate"] = np.linspace(-0.2, 0.3, 6)
    frame["ci_low"], frame["ci_high"] = frame["estimate"] - 0.1, frame["estimate"] + 0.15
    bins = pd.concat([answers(), *role_answers()])
    figure = figures.estimation(frame, words=speech(), answers=bins).figure
    figure.draw_without_rendering()
    changes = [ax for ax in figure.axes if is_changes(ax)]
    assert [[x for x, _ in marks(ax)] for ax in changes] == [
        pytest.approx(list(frame["estimate"][:3])),
        pytest.approx(list(frame["estimate"][3:])),
    ]
    ends = list(zip(frame["ci_low"], frame["ci_high"], strict=True))
    assert intervals(changes[0])[:3] == [pytest.approx(pair) for pair in ends[:3]]
    assert changes[0].get_xlim() == changes[1].get_xlim()
    low, high = changes[0].get_xlim()
    assert low < frame["ci_low"].min()
    assert high > frame["ci_high"].max()
    assert all(ax.patches[0].get_width() == pytest.approx(0.2) for ax in changes)
    assert tick_labels(changes[0].yaxis) == [
        "Koblet endring", "Endring på samme\ntrinn", "Endring i\nskolesnitt",
    ]  # fmt: skip
    assert said(changes[0])[0] == "−0,20, n\N{NO-BREAK SPACE}= 431\n(−0,30 til −0,05)"
    histograms = [ax for ax in figure.axes if not is_changes(ax)]
    assert [len(ax.patches) for ax in histograms] == [2, 2, 2]
    assert histograms[2].get_title(loc="left") == "kolleger\nsnitt 2,61 før, 2,75 etter"
    bold = {text.get_text() for text in figure.findobj(Text) if text.get_weight() == "bold"}
    assert {"Matematikkglede", "Syn på faget"} <= bold
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["før", "etter"]


def test_on_a_phone_the_changes_stand_above_the_answers():
    frame = all_estimands().assign(suppressed=False)
    bins = pd.concat([answers(), *role_answers()])
    drawing = figures.estimation(frame, words=speech(), answers=bins)
    down = sorted(drawing.phone.axes, key=lambda ax: -ax.get_position().y0)
    assert [is_changes(ax) for ax in down] == [True, False, True, False, False]
    assert len({round(ax.get_position().y0, 4) for ax in down}) == len(down)
    wide = [ax for ax in drawing.figure.axes if is_changes(ax)]
    for one, other in zip(wide, filter(is_changes, down), strict=True):
        assert marks(one) == marks(other)
        assert {*said(one)} <= {*said(other)}
    assert "venstre" not in drawing.caption


def test_estimation_without_bins_or_numbers_still_names_every_row():
    frame = hidden(all_estimands(), estimand="linked_change")
    bins = hidden(pd.concat(role_answers()), wave="pre")
    figure = figures.estimation(frame, words=speech(), answers=bins).figure
    changes = [ax for ax in figure.axes if is_changes(ax)]
    assert [len(marks(ax)) for ax in changes] == [2, 3]
    assert said(changes[0])[0] == "skjult"
    histograms = [ax for ax in figure.axes if not is_changes(ax)]
    assert [len(ax.patches) for ax in histograms] == [0, 1, 1]
    titles = [ax.get_title(loc="left").replace("\n", " ") for ax in histograms]
    assert sum("skjult av hensyn til personvernet" in title for title in titles) == 2


def test_estimation_takes_one_to_six_outcomes():
    for n in (1, 6):
        pairs = {("pupils", f"o{i}"): f"Skala {i}" for i in range(n)}
        spoken = dataclasses.replace(
            words(),
            outcomes=pairs,
            answers=dict.fromkeys(pairs, words().answers["pupils", "joy"]),
        )
        frame = effects(*({"outcome": outcome} for _, outcome in pairs)).assign(suppressed=False)
        bins = pd.concat([distribution(outcome=outcome) for _, outcome in pairs])
        figure = figures.estimation(frame, words=spoken, answers=bins).figure
        assert len(figure.axes) == 2 * n
        assert figure.get_size_inches()[0] == WIDTH


def test_answers_in_few_bins_are_named_and_not_drawn():
    two = joined_bins(answers("effort"), 0.5, 3.2)
    drawing = figures.distribution(pd.concat([answers(), two]), words=speech())
    assert len(drawing.figure.axes) == 1 or not drawing.figure.axes[1].axison
    assert "de fleste av verdiene er valgt av få: Innsats (elever)" in drawing.caption
    assert {*drawing.rows[""]["outcome"]} == {"joy"}
    only = figures.distribution(two, words=speech())
    assert only == "Ikke tegnet, siden de fleste av verdiene er valgt av få: Innsats (elever)."
    frame = effects({"outcome": "effort"}).assign(suppressed=False)
    alone = figures.estimation(frame, words=speech(), answers=two)
    assert len(alone.figure.axes) == 1
    assert alone.rows["answers"].empty
    both = pd.concat([effects({}), effects({"outcome": "effort"})]).assign(suppressed=False)
    beside = figures.estimation(both, words=speech(), answers=pd.concat([answers(), two]))
    assert sum(ax.axison for ax in beside.figure.axes) == 3
    assert "Der få har svart, er svarene ikke tegnet." in beside.caption
    assert {*beside.rows["answers"]["outcome"]} == {"joy"}


def test_a_scale_of_few_answers_may_have_few_bins():
    scales = {**speech().answers, ("pupils", "joy"): Answers(1, 3, "a", "b", 1)}
    three = dataclasses.replace(speech(), answers=scales)
    frame = answers().loc[lambda f: f["low"] < 2.5]
    assert figures.answers.has_shape(frame, three).all()


def attended(*bins, population="teachers", column="gatherings", most=10):
    rows = [
        {"population": population, "column": column, "low": low - 0.5, "high": high + 0.5,
         "share": share, "n": 100 * share, "most": most, "mean": 9.0}
        for low, high, share in bins
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_attendance_is_a_bar_of_everybody_for_each_register():
    one = attended((0, 9, 0.47), (10, 10, 0.53))
    other = attended((0, 7, 1.0), population="leaders", most=7)
    drawing = figures.attendance(pd.concat([one, other]), words=speech())
    (ax,) = drawing.figure.axes
    assert said(ax) == ["0–9\n47\N{NO-BREAK SPACE}%", "10\n53\N{NO-BREAK SPACE}%"]
    assert [box.get_width() for box in ax.patches] == pytest.approx([0.47, 0.53])
    assert tick_labels(ax.yaxis) == ["Lærere, samlinger\nsnitt 9,0 av 10"]
    assert "For få til å vise hvordan de fordeler seg: Ledere" in drawing.caption
    assert "snitt 9,0 av 10; 0–9: 47\N{NO-BREAK SPACE}%, 10: 53\N{NO-BREAK SPACE}%" in drawing.alt
    assert figures.attendance(other, words=speech()).startswith("For få til")


def test_pieces_of_attendance_without_room_for_text_are_told_in_the_caption():
    frame = attended((0, 4, 0.02), (5, 5, 0.04), (6, 10, 0.94))
    drawing = figures.attendance(frame, words=words("en"))
    assert len(said(drawing.figure.axes[0])) == 1
    assert "Too narrow for text: Teachers, seminars: 0–4 (2%), 5 (4%)." in drawing.caption.replace(
        "\N{NO-BREAK SPACE}", ""
    )
    wide = figures.attendance(attended((0, 9, 0.47), (10, 10, 0.53)), words=words("en"))
    assert "Too narrow" not in wide.caption


def test_histograms_of_groups_are_not_called_those_of_all():
    change = all_estimands().assign(suppressed=False)[:1]
    grouped = answers().assign(subgroup="role=colleague")
    captions = [
        figures.estimation(change, words=words("en"), answers=each).caption
        for each in (answers(), grouped)
    ]
    assert ["of the group named above each panel" in each for each in captions] == [False, True]


def test_a_heading_breaks_no_word():
    outcome = "Haldning til problemløysing"
    long = dataclasses.replace(speech("nn"), outcomes=dict.fromkeys(OUTCOMES, outcome))
    figure = figures.schools(schools(3), words=long).figure
    assert canvas.wrapped(outcome, 13) == "Haldning til\nproblemløysing"
    assert all(ax.get_title(loc="left").split() == outcome.split() for ax in figure.axes)


def bars(figure) -> list[tuple[float, float, float, tuple]]:
    """Left and right end, place and colour of every piece of a bar, from top to bottom."""
    pieces = [
        (box.get_x(), box.get_x() + box.get_width(), box.get_y(), box.get_facecolor())
        for ax in figure.axes
        for box in ax.patches
    ]
    return sorted(pieces, key=lambda piece: (round(piece[2], 6), piece[0]))


def test_likert_has_a_bar_of_everybody_and_a_number_in_each_piece():
    frame = item_bins("joy", items=1, shares=[0.1, 0.2, 0.3, 0.4])
    figure = figures.likert(frame, words=speech()).figure
    found = bars(figure)
    edges = [0, 0.1, 0.3, 0.6, 1]
    assert [(left, right) for left, right, _, _ in found] == [
        pytest.approx(pair) for pair in [*itertools.pairwise(edges)] * 2
    ]
    assert len({round(y, 6) for _, _, y, _ in found}) == 2
    assert len({colour for *_, colour in found}) == 4
    texts = said(figure.axes[0])
    assert sorted(text for text in texts if text.isdigit()) == sorted(
        ["10", "20", "30", "40"] * 2 + ["400"] * 2
    )
    assert texts.count("før") == texts.count("etter") == 1
    alone = figures.likert(frame[frame["wave"] == "post"], words=speech())
    assert "etter" not in said(alone.figure.axes[0])
    assert "etter" in alone.caption


def test_shares_that_do_not_add_up_still_fill_a_bar_and_are_told_as_they_are():
    frame = item_bins("joy", items=1, shares=[0.3, 0.3, 0.3, 0.2])
    figure = figures.likert(frame, words=speech()).figure
    assert bars(figure)[3][1] == pytest.approx(1)
    assert said(figure.axes[0]).count("30") == 6


@pytest.mark.parametrize(
    ("low", "high", "side"),
    [(0.5, 2.5, "under midten"), (1.5, 3.5, "på tvers av midten"), (2.5, 4.5, "over midten")],
)
def test_joined_options_have_a_colour_of_their_own_and_stand_in_the_legend(low, high, side):
    apart = item_bins("joy", items=1, shares=[0.1, 0.2, 0.3, 0.4])
    own = {piece[3] for piece in bars(figures.likert(apart, words=speech()).figure)}
    drawing = figures.likert(joined(apart, low, high), words=speech())
    found = {piece[3] for piece in bars(drawing.figure)}
    (colour,) = found - own
    ax = drawing.figure.axes[0]
    legend = dict(zip((text.get_text() for text in ax.get_legend().get_texts()),
                      (box.get_facecolor() for box in ax.get_legend().get_patches()),
                      strict=True))  # fmt: skip
    (text,) = {*legend} - {*OPTIONS[4]}
    assert text.startswith("slått sammen")
    assert text.endswith(side)
    assert legend[text] == colour
    assert all(patch.get_hatch() is None for patch in ax.patches)


def test_panels_of_items_say_whose_answers_they_are_and_with_which_middle_they_are_combined():
    both = [item_bins("effort"), item_bins("views", population="teachers")]
    frame = pd.concat(
        [joined(each, 1.5, last) for each, last in zip(both, (3.5, 4.5), strict=True)]
    )
    asked = {("teachers", "views"): ("participant",)}
    drawing = figures.likert(frame, words=dataclasses.replace(speech("en"), asked=asked))
    pupils, teachers = drawing.figure.axes
    assert any("(pupils)" in text for text in said(pupils))
    assert any("(teachers, participants)" in text for text in said(teachers))
    assert "(teachers, participants)" in drawing.alt
    legends = [
        {text.get_text() for text in ax.get_legend().get_texts()} for ax in (pupils, teachers)
    ]
    across = {"combined with the middle", "combined across the middle"}
    assert [each & across for each in legends] == [
        {"combined with the middle"}, {"combined across the middle"},
    ]  # fmt: skip


def test_likert_says_hidden_marks_turned_items_and_names_the_options():
    frame = pd.concat([item_bins("joy"), item_bins("effort")])
    drawing = figures.likert(hidden(frame, wave="post"), words=speech())
    joy, effort = drawing.figure.axes
    assert said(joy).count("skjult") == said(effort).count("skjult") == 2
    turned = speech().text("(reverse-scored)")
    for ax, expected in ((joy, [False, True]), (effort, [False, False])):
        assert [label.endswith(turned) for label in tick_labels(ax.yaxis)] == expected
    assert turned in drawing.caption
    assert turned not in figures.likert(item_bins("joy", 1), words=speech()).caption
    for ax, options in ((joy, OPTIONS[4]), (effort, OPTIONS[5])):
        assert {text.get_text() for text in ax.get_legend().get_texts()} == {*options}
    assert len({round(y, 6) for _, _, y, _ in bars(drawing.figure)}) == 2


@pytest.mark.parametrize("counts", [(9, 9), (10, 10), (8, 8, 8)])
def test_likert_tells_as_many_people_as_tables_do_and_no_sum_of_rounded_bins(counts):
    n = sum(counts)
    frame = item_bins("joy", 1).query("wave == 'post'")[: len(counts)]
    frame = frame.assign(n=counts, share=[each / n for each in counts], n_in_all=n)
    row = {**frame.iloc[0][["population", "region", "item", "subgroup", "wave"]], "scale": "joy"}
    bins, table = (gate(each, mask().assign(n=n), "internal")
                   for each in (frame, pd.DataFrame([{**row, "n": n, "mean": 2.2}])))  # fmt: skip
    assert bins["n"].sum() != table["n"].item()
    (ax,) = figures.likert(bins, words=speech()).figure.axes
    assert words().count(table["n"].item()) in said(ax)
    assert words().count(bins["n"].sum()) not in said(ax)


def test_items_that_are_hidden_every_time_are_named_below():
    frame = hidden(item_bins("joy", 3), item="joy_1")
    drawing = figures.likert(frame, words=speech())
    (ax,) = drawing.figure.axes
    assert len(tick_labels(ax.yaxis)) == 2
    assert "Ikke vist (personvern): Det er gøy." in drawing.caption


def test_likert_of_four_scales_of_five_items_stays_below_fourteen_inches():
    frame = pd.concat(
        [
            item_bins("joy", 5),
            item_bins("effort", 5),
            *(item_bins("views", 5, "teachers", role) for role in ROLES),
        ]
    )
    drawing = figures.likert(frame, words=speech())
    assert drawing.figure.get_size_inches()[1] < 14


def dots(ax) -> list[np.ndarray]:
    return [
        np.asarray(each.get_offsets())
        for each in ax.collections
        if isinstance(each, PathCollection)
    ]


def test_dots_stand_at_quantiles_above_and_below_a_line():
    ax = figures.dots(answers(), words=speech()).figure.axes[0]
    after, before = sorted(dots(ax), key=lambda each: -each[0, 1])
    assert len(after) == len(before) == 20
    assert after[:, 1].min() > 0 > before[:, 1].max()
    column = (4.125 - 0.875) / 13
    frame = answers()
    for drawn, wave in ((before, "pre"), (after, "post")):
        bins = frame[frame["wave"] == wave]
        for low, high, share in bins[["low", "high", "share"]].itertuples(index=False):
            inside = ((drawn[:, 0] > low - column) & (drawn[:, 0] < high + column)).mean()
            assert inside >= share - 0.05
        for x in np.unique(drawn[:, 0]):
            stack = np.sort(np.abs(drawn[drawn[:, 0] == x, 1]))
            assert stack == pytest.approx(0.8 + np.arange(len(stack)))
    columns = (np.unique(np.concatenate([after, before])[:, 0]) - 0.875) / column - 0.5
    assert columns == pytest.approx(np.round(columns))


@pytest.mark.parametrize(("people", "k"), [(40_000, 20), (400, 20), (100, 16), (36, 6), (24, 0)])
def test_the_number_of_dots_is_no_number_of_people(people, k):
    frame = answers()
    frame["n_in_all"] = people
    drawing = figures.dots(frame, words=speech())
    ax = drawing.figure.axes[0]
    assert [len(each) for each in dots(ax)] == [k] * (2 if k else 0)
    told = [each.replace("\n", " ") for each in said(ax)]
    assert ("skjult av hensyn til personvernet" in told) is (k == 0)
    if k == 20:
        assert "5\N{NO-BREAK SPACE}%" in drawing.caption


def test_all_panels_have_the_same_dots_and_a_hidden_wave_has_none():
    few = answers("effort")
    few["n_in_all"] = 60
    figure = figures.dots(pd.concat([answers(), few]), words=speech()).figure
    assert [len(each) for ax in figure.axes for each in dots(ax)] == [10] * 4
    ax = figures.dots(hidden(answers(), wave="pre"), words=speech()).figure.axes[0]
    (after,) = dots(ax)
    assert after[:, 1].min() > 0


def test_a_wave_between_is_in_no_picture_of_before_and_after():
    midway = answers().loc[lambda frame: frame["wave"] == "post"].assign(wave="mid")
    frame = pd.concat([answers(), midway])
    ax = figures.dots(frame, words=speech()).figure.axes[0]
    assert [len(each) for each in dots(ax)] == [20, 20]
    figure = figures.estimation(
        effects({}).assign(suppressed=False), words=speech(), answers=frame
    ).figure
    assert [len(ax.patches) for ax in figure.axes if not is_changes(ax)] == [2]


def test_schools_without_a_diamond_are_counted_in_the_caption():
    whole = schools(4, outcomes=("joy",))
    bare = whole.assign(shrunk=whole["shrunk"].where([True, False, True, False]))
    captions = [figures.schools(f, words=words("en")).caption for f in (whole, bare)]
    assert ["Where 2 schools lack a diamond" in each for each in captions] == [False, True]


def test_schools_stand_in_the_frame_s_order_with_both_intervals():
    frame = schools(4)
    figure = figures.schools(frame, words=speech()).figure
    assert tick_labels(figure.axes[0].yaxis) == ["Skole 0", "Skole 1", "Skole 2", "Skole 3"]
    for ax, outcome in zip(figure.axes, ("joy", "effort"), strict=True):
        own = frame[frame["outcome"] == outcome]
        raw, shrunk = (line for line in ax.lines if line.get_marker() != "None")
        assert list(raw.get_xdata()) == pytest.approx(list(own["estimate"]))
        assert list(shrunk.get_xdata()) == pytest.approx(list(own["shrunk"]))
        assert raw.get_marker() == "|"  # hollow marks are changes that are not certain
        assert np.round(raw.get_ydata()).tolist() == [0, 1, 2, 3]
        wide, narrow = (each for each in ax.collections if isinstance(each, LineCollection))
        for lines, low, high in (
            (wide, "ci_low", "ci_high"),
            (narrow, "shrunk_low", "shrunk_high"),
        ):
            ends = np.array([segment[:, 0] for segment in lines.get_segments()])
            assert ends == pytest.approx(own[[low, high]].to_numpy(dtype=float))
    assert figure.axes[1].yaxis.get_tick_params()["labelleft"] is False


def test_schools_without_an_estimate_are_left_out_and_counted():
    frame = hidden(schools(4), school_id="s1")
    drawing = figures.schools(frame, words=speech("en"))
    assert tick_labels(drawing.figure.axes[0].yaxis) == ["Skole 0", "Skole 2", "Skole 3"]
    assert "1 school is left out" in drawing.caption
    assert "are not ranked" in drawing.caption
    assert "left out" not in figures.schools(schools(4), words=speech("en")).caption
    partly = frame["outcome"].eq("effort") & frame["school_id"].eq("s2")
    frame = frame.assign(estimate=frame["estimate"].mask(partly))
    joy, effort = figures.schools(frame, words=speech("en")).figure.axes
    assert [len(ax.lines[0].get_xdata()) for ax in (joy, effort)] == [3, 2]


def test_names_of_schools_are_whole_and_panels_wrap_after_three():
    figure = figures.schools(schools(2), words=long_speech()).figure
    labels = [label.replace("\n", " ") for label in tick_labels(figure.axes[0].yaxis)]
    assert labels == [f"Kommunesammenslåingens oppvekstsenter s{i}" for i in range(2)]
    counted = schools(2, n_pre=[30.0, 24.0] * 2, n_post=[36.0, 18.0] * 2)
    drawing = figures.schools(counted, words=speech())
    assert tick_labels(drawing.figure.axes[0].yaxis) == ["Skole 0 (30)", "Skole 1 (18)"]
    assert "I parentes" in drawing.caption
    wrapped = drawings()["schools, four panels"](speech()).figure
    assert len({round(ax.get_position().y0, 3) for ax in wrapped.axes if ax.axison}) == 2


def test_flow_has_a_bar_per_number_with_its_share_of_the_bar_above():
    figure = figures.flow(flow(n_schools=12.0), words=speech("en")).figure
    before, after = figure.axes
    assert before.get_title(loc="left").strip() == "before (12 schools)"
    assert after.get_title(loc="left") == "after (12 schools)"
    steps = ["Invited", "Answered", "Consented", "Kept in the analysis", "Could be found again"]
    assert tick_labels(before.yaxis)[:5] == steps
    for ax in figure.axes:
        lengths = [box.get_width() for box in ax.patches]
        counts = [1300, 1234, 1210, 1187, 1100, 900]
        assert lengths == pytest.approx([n / 1300 for n in counts])
        assert {"1,300", "1,234 · 95%", "900 · 82%"} <= {*said(ax)}
    assert figure.get_size_inches()[1] < 3


def test_flow_of_few_who_were_invited_has_no_shares():
    few = dict.fromkeys([name for name in flow() if name.startswith("n_")], 66)
    figure = figures.flow(flow(**few), words=speech("en")).figure
    assert not [text for ax in figure.axes for text in said(ax) if "%" in text]


def in_comparisons():
    rows = [
        {"population": "pupils", "estimand": estimand, "outcome": outcome, "n_pre": n + more,
         "n_post": n + more + 5, "n_pairs": n + more if estimand == "linked_change" else None,
         "n_schools": None, "n_clusters": 11 + more // 10, "cluster": "school"}
        for estimand, n in (("same_grade", 1100), ("linked_change", 800))
        for outcome, more in (("joy", 0), ("effort", 20), ("hidden", None))
        if more is not None
    ]  # fmt: skip
    hidden = dict.fromkeys(("n_pre", "n_post", "n_pairs", "n_schools", "n_clusters"))
    return pd.DataFrame([*rows, {**rows[0], "outcome": "hidden", **hidden}])


def test_flow_tells_schools_and_who_is_in_each_comparison():
    counted = {column: 12 - i for i, column in enumerate(schema.SCHOOLS_BY_STEP)}
    frame = flow(n_schools=12, **{**counted, "schools_linked": np.nan})
    drawing = figures.flow(frame, words=speech("en"), effects=in_comparisons())
    before, after = drawing.figure.axes
    assert after.get_title(loc="left") == "after"  # the schools stand on the bars
    for ax in (before, after):
        assert len(ax.patches) == 8
        assert {"1,300 · 12 schools", "1,234 · 95% · 11 schools", "900 · 82%"} <= {*said(ax)}
    assert tick_labels(before.yaxis)[-2:] == ["Same-grade change", "Linked change"]
    assert {"1,120 · 13 schools", "820 · 13 schools"} <= {*said(before)}
    assert {"1,125 · 13 schools", "820 · 13 schools"} <= {*said(after)}
    assert "found both times 900, same-grade change 1,120" in drawing.alt
    assert "the scale with the most people" in drawing.caption


def test_flow_leaves_out_what_is_not_known():
    frame = flow(n_invited=np.nan, n_consented=np.nan)
    drawing = figures.flow(frame, words=speech("en"))
    for ax in drawing.figure.axes:
        assert len(ax.patches) == 4
    labels = tick_labels(drawing.figure.axes[0].yaxis)
    assert not {"Invited", "Consented"} & {*labels}
    assert "invited" not in drawing.alt.partition("Bars from")[0]
    nothing = flow(**dict.fromkeys([name for name in flow() if name.startswith("n_")], np.nan))
    assert [said(ax) for ax in figures.flow(nothing, words=speech("en")).figure.axes] == [
        ["Pupils"], []
    ]  # fmt: skip


def test_arrivals_are_steps_of_shares_of_the_invited():
    figure = figures.arrivals(arrivals(), words=speech()).figure
    assert len(figure.axes) == 2
    line = figure.axes[0].lines[0]
    assert line.get_drawstyle() == "steps-post"
    assert list(line.get_ydata()) == pytest.approx(list(arrivals()["n"][:20] / 500))
    assert figure.axes[0].get_ylim()[0] == 0
    assert tick_labels(figure.axes[0].xaxis)[0] == "1. sep."
    english = figures.arrivals(arrivals(), words=speech("en")).figure
    assert tick_labels(english.axes[1].xaxis)[0] == "8 May"
    assert "400 answers used, 80% of the invited" in said(english.axes[0])
    assert english.axes[0].get_title(loc="left") == "Pupils, before, 2025"


def test_few_answers_are_not_drawn_day_by_day():
    few = arrivals("leaders", n_final=12.0)
    drawing = figures.arrivals(pd.concat([arrivals(), few]), words=speech())
    assert len([ax for ax in drawing.figure.axes if ax.lines]) == 2
    assert "dag for dag: Ledere, før (12 svar" in drawing.caption
    assert "leaders" not in {*drawing.rows[""]["population"]}
    assert figures.arrivals(few, words=speech()).startswith("For få svar")


def test_arrivals_without_invited_are_shares_of_all_answers_and_may_be_hidden():
    frame = arrivals(n_invited=np.nan)
    frame["n"] = frame["n"].mask(frame["wave"] == "post")
    before, after = figures.arrivals(frame, words=speech()).figure.axes
    assert before.lines[0].get_ydata()[-1] == pytest.approx(1)
    assert not after.lines
    assert said(after) == ["skjult av hensyn til personvernet"]


@pytest.mark.parametrize("kind", drawings())
@pytest.mark.parametrize(
    "spoken",
    [
        pytest.param(speech("nb"), id="nb", marks=pytest.mark.long),
        pytest.param(speech("en"), id="en", marks=pytest.mark.long),
        pytest.param(long_speech(), id="long"),
    ],
)
def test_no_text_overlaps_or_leaves_the_figure(kind, spoken):
    assert_readable(drawings()[kind](spoken))


@pytest.mark.parametrize("language", long_but({"nb"}, ["nb", "nn", "en"]))
def test_alt_texts_are_short_and_each_figure_s_own(language):
    alts = {kind: draw(speech(language)).alt for kind, draw in drawings().items()}
    alts |= {f"{kind}, long": draw(long_speech()).alt for kind, draw in drawings().items()}
    assert {kind: len(alt) for kind, alt in alts.items() if len(alt) > LONGEST} == {}
    assert all(len(alt) > 20 for alt in alts.values())
    of_what = {"estimation": "joy", "likert": "joy", "dots": "joy", "schools": "joy"}
    for kind in of_what:  # the answer comes first, and with it what it is of
        assert alts[kind].startswith(speech(language).outcome("pupils", "joy"))
    joy, effort = (
        figures.change(effects({"outcome": each}).assign(suppressed=False), words=speech(language))
        for each in ("joy", "effort")
    )
    assert joy.alt != effort.alt


@pytest.mark.parametrize("kind", long_but([*drawings()][::6], drawings()))
def test_figures_are_saved_twice_over_the_same_and_hold_no_date(kind):
    first, second = (saved(drawings()[kind](speech()), salt="x") for _ in range(2))
    assert first == second
    text = first[0].decode("utf-8")
    assert "<dc:date>" not in text
    assert float(re.search(r'width="([\d.]+)pt"', text)[1]) == pytest.approx(72 * WIDTH)


def test_an_alt_text_names_no_item_where_all_have_the_same_share_above_the_middle():
    alike = item_bins("joy", items=2, shares=[0.1, 0.2, 0.3, 0.4])
    (said, _) = describe_likert(alike, speech())
    assert (
        said
        == "Matematikkglede (elever), etter: 70\N{NO-BREAK SPACE}% over midten på hvert spørsmål."
    )
    assert "flest" in next(describe_likert(item_bins("joy"), speech()))
    hidden = alike.assign(share=alike["share"].mask(alike["item"] == alike["item"].iloc[-1]))
    (said, _) = describe_likert(hidden, speech())
    assert "hvert spørsmål" not in said
    assert "70\N{NO-BREAK SPACE}%" in said
    assert hidden["item"].iloc[-1] not in said


def test_what_is_not_drawn_is_named_with_one_colon():
    girls = {"estimand": "linked_change", "subgroup": "gender=girl"}
    frame = effects(girls, {})
    (said,) = _not_drawn(frame, frame.iloc[1:], speech("en"))
    assert said.count(":") == 1
    assert said.endswith(": Joy (linked change, girls).")


def levels():
    """Means of two outcomes, of everybody and of girls, before and after."""
    rows = [
        effect(
            outcome=outcome, estimand="level", contrast="mean", wave=wave, subgroup=group,
            change=2 + 0.1 * i, change_ci_low=1.9, change_ci_high=2.6, suppressed=False,
        )
        for i, (outcome, group, wave) in enumerate(
            itertools.product(("joy", "effort"), ("all", "gender=girl"), ("pre", "post"))
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def course():
    rows = [
        {
            **dict.fromkeys(schema.COURSE), "region": "nordland", "population": "pupils",
            "outcome": outcome, "who": who, "wave": wave, "n": 400, "mean": 2 + 0.1 * i,
            "ci_low": 1.9, "ci_high": 2.9, "ci_level": 0.95, "suppressed": False,
        }
        for i, (outcome, who, wave) in enumerate(
            itertools.product(("joy", "effort"), ("answered", "linked"), names.WAVES)
        )
    ]  # fmt: skip
    return pd.DataFrame(rows)


def chain():
    rows = [
        {
            **effect(outcome=outcome), "wave": "pre", "other_population": "teachers",
            "other_outcome": "views", "other_subgroup": "all", "other_wave": "pre",
            "other_contrast": "", "r_schools": r, "ci_low": r - 0.2, "ci_high": r + 0.2,
            "r_visible": 0.3, "ci_level": 0.95, "suppressed": False,
        }
        for outcome, r in (("joy", 0.2), ("effort", 0.6))
    ]  # fmt: skip
    return pd.DataFrame(rows)


FOREST = effects(
    *({"region": r, "outcome": o} for o in ("joy", "effort") for r in ("nordland", "oslo"))
).assign(suppressed=False)
#: How each figure is drawn of a frame, and a frame with rows of which some can be hidden.
OF_FRAMES = {
    "change": (figures.change, all_estimands().assign(suppressed=False)),
    "summary": (figures.summary, FOREST.drop_duplicates("outcome")),
    "summary of levels": (figures.summary, levels().query("subgroup == 'all' and wave == 'post'")),
    "levels": (figures.levels, levels()),
    "course": (figures.course, course()),
    "chain": (figures.chain, chain()),
    "distribution": (figures.distribution, pd.concat([answers(), answers("effort")])),
    "dots": (figures.dots, pd.concat([answers(), answers("effort")])),
    "likert": (figures.likert, pd.concat([item_bins("joy"), item_bins("effort")])),
    "schools": (figures.schools, schools()),
    "regions": (figures.regions, by_region(suppressed=False)),
    "forest": (
        lambda frame, words: figures.forest(frame, words=words, pooled=pooled("linked_change")),
        FOREST,
    ),
    "estimation": (
        lambda frame, words: figures.estimation(frame, words=words, answers=answers()),
        all_estimands().assign(suppressed=False),
    ),
    "arrivals": (figures.arrivals, arrivals("pupils", "teachers")),
    "flow": (figures.flow, flow("pupils", "teachers")),
}
EMPTIED = [
    "estimate", "ci_low", "ci_high", "change", "change_ci_low", "change_ci_high", "share", "mean",
    "n", "r_schools", "shrunk", "shrunk_low", "shrunk_high", *schema.STEPS,
]  # fmt: skip


@pytest.mark.parametrize("kind", long_but([*OF_FRAMES][::5], OF_FRAMES))
def test_the_alternative_text_speaks_only_of_what_is_drawn(kind):
    """It is that of the figure without the hidden rows, whatever these are."""
    draw, frame = OF_FRAMES[kind]
    frame, spoken = frame.reset_index(drop=True), speech("en")
    keys = ("population", "outcome", "region", "subgroup", "wave", "item", "school_id", "estimand")
    tried = 0
    for key in (key for key in keys if key in frame and frame[key].nunique() > 1):
        for value in frame[key].unique():
            away = frame[key].eq(value)
            emptied = {c: frame[c].astype(float).mask(away) for c in EMPTIED if c in frame}
            left = draw(frame.assign(suppressed=away, **emptied), words=spoken).alt
            assert left == draw(frame[~away].assign(suppressed=False), words=spoken).alt, value
            tried += 1
    assert tried >= 2


def test_the_alternative_text_counts_every_distribution_and_no_attendance_that_is_not_drawn():
    one_wave = answers("effort").query("wave == 'post'")
    frame = pd.concat([answers(), one_wave])
    alt = figures.distribution(frame, words=speech("en")).alt
    assert re.search(r"mean [\d.]+ before and [\d.]+ after\. .*: mean [\d.]+ after\.", alt)
    both = pd.concat([attended((0, 9, 0.47), (10, 10, 0.53)),
                      attended((0, 7, 1.0), most=7, population="leaders")])  # fmt: skip
    drawing = figures.attendance(both, words=speech("en"))
    assert "eaders" in drawing.caption
    assert "eaders" not in drawing.alt


@pytest.mark.parametrize("language", ["en", "nb"])
def test_dots_say_where_low_answers_end_and_how_many_are_low(language):
    frame = answers().replace({"low": {2.125: 1.875}, "high": {2.125: 1.875}})
    drawing = figures.dots(frame, words=speech(language), low=LOW)
    (ax,) = drawing.figure.axes
    # between the scores 2.0, which is not low, and 1.75
    (line,) = [each for each in ax.lines if set(each.get_xdata()) == {1.875}]
    assert line.get_linestyle() != "-"
    in_order = sorted(dots(ax), key=lambda each: each[0, 1])
    counts = [int((each[:, 0] < 1.875).sum()) for each in in_order]
    assert sum(counts) > 0
    said = [text.rpartition("\n")[2] for text in tick_labels(ax.yaxis)]
    of = {"en": "{} of 20 low", "nb": "{} av 20 lave"}[language]
    assert said == [of.format(n) for n in counts]
    assert of.format(counts[0]) in drawing.alt
    plain = figures.dots(frame, words=speech(language))
    assert "low" not in plain.caption + plain.alt


def test_as_many_dots_are_low_as_answers_and_none_are_counted_in_a_bin_across_the_limit():
    clean = pd.DataFrame({"wave": "pre", "joy": [1.0] * 60 + [1.75] * 10 + [2.0] * 130})
    edges = np.arange(0.875, 4.2, 0.25)
    whole = bins_of(clean["joy"], edges)
    low = int((clean["joy"] < LOW["low_fifth"].iloc[0]).sum())  # strictly, as `share_below`
    drawing = figures.dots(whole, words=words("en"), low=LOW)
    (ax,) = drawing.figure.axes
    assert f"{20 * low / len(clean):.0f} of 20 low" in tick_labels(ax.yaxis)[0]
    across = bins_of(clean["joy"], [0.875, 1.625, 2.125, 4.125])
    drawing = figures.dots(
        pd.concat([whole, across.assign(wave="post")]), words=words("en"), low=LOW
    )
    (ax,) = drawing.figure.axes
    assert not any("low" in text for text in tick_labels(ax.yaxis))
    assert "of 20 low" not in drawing.alt
    assert "How many are low is not told" in drawing.caption
    assert [line.get_linestyle() for line in ax.lines] == ["-"]
