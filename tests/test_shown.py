"""What an open study shows: gated frames alone, in every language, by any drawing function."""

import json
import re
import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns

import loftet_analysis as la
from loftet_analysis import paths, schema
from loftet_analysis.disclosure.gate import gate, passed
from loftet_analysis.errors import DisclosureError, InputError
from loftet_analysis.show import figures, session, tables
from loftet_analysis.show.sentences import answer, hangs_on, summary
from loftet_analysis.show.session import _said_once, _title
from loftet_analysis.show.shown import KEPT, SHOWN
from tests import made_up
from tests.made_up import (
    all_estimands,
    distribution,
    effects,
    increases,
    mask,
    pooled,
    reliability,
    words,
)


def both_regions():
    return effects({"region": "nordland"}, {"region": "oslo"})


FRAMES = {
    tables.effects: lambda: (all_estimands(), {}),
    tables.regions: lambda: (both_regions(), {"together": effects({"region": "national"})}),
    tables.pooled: lambda: (pooled(), {}),
    tables.two_ways: lambda: (pooled(), {"together": effects({"region": "national"})}),
    tables.features: lambda: (made_up.features(), {}),
    tables.reliability: lambda: (reliability(), {}),
    tables.sensitivity: lambda: (made_up.sensitivity(), {}),
    tables.visible: lambda: (all_estimands().assign(mdes=0.3035), {}),
    tables.spread: lambda: (made_up.variance(), {}),
    tables.shared: lambda: (made_up.variance(), {}),
    tables.agreement: lambda: (made_up.agreement(), {}),
    tables.lights: lambda: (made_up.lights(), {}),
    tables.items: lambda: (made_up.items(), {}),
    tables.invariance: lambda: (made_up.invariance(), {}),
    tables.wordings: lambda: (made_up.wordings(), {}),
    tables.response: lambda: (made_up.response(), {}),
    tables.analysed: lambda: (all_estimands(), {}),
    tables.set_aside: lambda: (made_up.set_aside(), {}),
    tables.taken_out: lambda: (made_up.taken_out(), {}),
    tables.groups: lambda: (made_up.response("grade=7"), {}),
    tables.schools: lambda: (made_up.response(), {}),
    tables.linkage: lambda: (made_up.linkage(), {}),
    tables.careless: lambda: (made_up.careless(), {}),
    tables.missing: lambda: (made_up.missing(), {}),
    tables.differences: lambda: (made_up.differences(), {}),
    tables.table: lambda: (all_estimands(), {}),
    figures.change: lambda: (all_estimands(), {}),
    figures.distribution: lambda: (distribution(), {}),
    figures.forest: lambda: (both_regions(), {"pooled": pooled()}),
    figures.estimation: lambda: (all_estimands(), {"answers": distribution()}),
    figures.likert: lambda: (made_up.item_bins(), {}),
    figures.dots: lambda: (distribution(), {}),
    figures.schools: lambda: (made_up.by_school(), {}),
    figures.regions: lambda: (made_up.by_region(), {}),
    figures.flow: lambda: (made_up.response(), {}),
    figures.arrivals: lambda: (made_up.arrivals(), {}),
    figures.attendance: lambda: (made_up.attendance(), {}),
    answer: lambda: (increases(), {}),
    summary: lambda: (increases(), {}),
    hangs_on: lambda: (
        pooled().assign(pi_low=0.0789),
        {"together": effects({"region": "national"}), "features": made_up.features()},
    ),
}
# tried in test_levels, test_plots, test_school_link, test_three_waves and test_before_data
ELSEWHERE = (
    figures.summary, figures.levels, figures.course, figures.mdes, figures.power, figures.chain,
    figures.binned_scatter, tables.levels, tables.school_link, tables.assumed, tables.planned,
)  # fmt: skip
# these tell counts of people, which the mask does not hold
COUNTS = (
    tables.response, tables.groups, tables.schools, tables.linkage, tables.careless,
    tables.wordings, tables.set_aside, tables.taken_out, figures.flow, figures.arrivals,
    figures.attendance,
)  # fmt: skip
# what stands instead of an empty result, where that is not that nobody was asked
NOTHING = {
    tables.spread: "ingen svar", tables.shared: "ingen svar",
    tables.analysed: "sammenligninger", tables.set_aside: "tatt ut", tables.taken_out: "tatt ut",
    tables.wordings: "ordlyd", figures.arrivals: "datoer", tables.linkage: "koblet",
    tables.careless: "tegn", tables.differences: "grupper", figures.attendance: "register",
    figures.schools: "skole", figures.regions: "region", tables.features: "kjennetegn",
    hangs_on: "region", tables.groups: "trinn", tables.schools: "invitert",
}  # fmt: skip
EVERYTHING = {"suppressed": False}

every_drawing = pytest.mark.parametrize(
    "draw", FRAMES, ids=[f"{draw.__module__.split('.')[2]}.{draw.__name__}" for draw in FRAMES]
)


def seen(draw, frame, others=None, *, hidden=None, profile="internal", language="nb"):
    """What a reader sees of a frame that goes through the gate."""
    masked = mask(**(hidden or {}))
    shown = {
        key: pd.DataFrame(gate(each, masked, profile))
        for key, each in {"frame": frame, **(others or {})}.items()
    }
    says = {"caption": "", "alt": ""}
    frame, reader = shown.pop("frame"), words(language)
    return made_up.opened(reader)._drawn(draw, frame, reader, "result", says, shown)


def everything_said(drawn) -> str:
    """The page's part, and the text that matplotlib notes in the figure file."""
    return drawn.html + drawn.text + drawn.svg.decode("utf-8") + drawn.phone.decode("utf-8")


def test_every_drawing_is_tried_here():
    drawing = {getattr(figures, name) for name in figures.__all__ if name.islower()}
    public = [f for name, f in vars(tables).items() if callable(f) and not name.startswith("_")]
    of_tables = {f for f in public if f.__module__ == tables.__name__}
    drawing -= {figures.saved, figures.saved_for_phone}
    assert drawing | of_tables | {answer, hangs_on, summary} == {*FRAMES, *ELSEWHERE}


@every_drawing
def test_hidden_numbers_are_nowhere_in_what_is_shown(draw):
    if draw in COUNTS:
        return
    frame, others = FRAMES[draw]()
    full = everything_said(seen(draw, frame, others))
    looked_for = (
        "0,12", "−0,06", "0,30", "1\u202f2", "2,61", "0,81", "0,08", "0,061", "8,1", "lavest mulig",
        "65\N{NO-BREAK SPACE}%", "70\N{NO-BREAK SPACE}%", "−0,03", "0,11", "8,0",
        "5\N{NO-BREAK SPACE}% av svarene",
    )  # fmt: skip
    numbers = [number for number in looked_for if number in full]
    assert numbers
    bare = everything_said(seen(draw, frame, others, hidden=EVERYTHING))
    assert not [number for number in numbers if number in bare]


@pytest.mark.parametrize("draw", [tables.effects, tables.regions, figures.change, answer])
def test_a_hidden_row_among_others_says_no_number(draw):
    up = {"verdict": "increase"}
    secret = {"region": "oslo", "estimate": 0.7777, "ci_low": 0.6666, "ci_high": 0.8888, **up}
    frame = effects({"region": "nordland", "ci_low": 0.02, **up}, secret)
    for hidden, there in (({}, True), ({"region": "oslo"}, False)):
        said = set(re.findall(r"\d,\d\d", everything_said(seen(draw, frame, hidden=hidden))))
        assert ({"0,78", "0,67", "0,89"} <= said) is there
        assert there or not {"0,78", "0,67", "0,89"} & said
        assert "0,12" in said


@every_drawing
def test_the_same_result_gives_the_same_bytes(draw):
    frame, others = FRAMES[draw]()
    assert seen(draw, frame, others) == seen(draw, frame, others)


@every_drawing
def test_what_was_not_asked_is_said_in_one_line(draw):
    frame, others = FRAMES[draw]()
    empty = {key: other.iloc[:0] for key, other in others.items()}
    drawn = seen(draw, frame.iloc[:0], empty)
    assert drawn.html.startswith(f'<p class="{"nothing" if draw in NOTHING else "not-asked"}">')
    assert NOTHING.get(draw, "ikke spurt") in drawn.text
    assert not drawn.svg


@every_drawing
def test_every_drawing_speaks_the_readers_language_only(draw):
    if draw is tables.table:  # a researcher's own columns
        return
    frame, others = FRAMES[draw]()
    english = re.compile(
        r"\b(change|changes|before|after|people|schools?|hidden|answers?|standard deviations?)\b"
    )
    drawn = seen(draw, frame, others)
    text = re.sub(r'<[^>]*?(alt="[^"]*")?[^>]*>', r" \1 ", drawn.html)
    assert not english.search(text), english.search(text)


@pytest.mark.parametrize("draw", [figures.forest, figures.estimation, figures.change])
def test_figures_of_several_panels_have_a_picture_for_phones(draw):
    drawn = seen(draw, *FRAMES[draw]())
    assert ("<picture>" in drawn.html) is bool(drawn.phone) is (draw is not figures.change)
    # it need not scroll
    assert ('class="wide"' in drawn.html) is not bool(drawn.phone)


def test_a_figure_of_which_everything_is_hidden_is_a_line():
    drawn = seen(figures.distribution, distribution(), hidden={"outcome": "joy"})
    assert 'class="hidden"' in drawn.html
    assert not drawn.svg


# an open study


def in_languages(*languages: str):
    """The study sats, with readers who know the made-up outcomes too."""
    opened = la.open_study("sats", region="fall-2007", language="en")
    return replace(opened, readers=tuple(words(language) for language in languages))


@pytest.fixture
def study():
    return in_languages("en")


@pytest.fixture
def changes(study):
    """Exact rows that no clean data are needed for; everything in them may be shown."""
    frame = effects({"region": "fall-2007", "outcome": "effort"}, {"outcome": "affect"})
    return frame.assign(region="fall-2007")


@pytest.fixture
def gated(changes):
    return gate(changes.assign(outcome="joy", region="nordland"), mask(), "internal")


def test_an_exact_frame_is_refused_with_a_word_on_why(study, changes):
    with pytest.raises(DisclosureError, match=r"exact; show la\.gate"):
        study.render(changes, la.tables.effects)
    with pytest.raises(DisclosureError, match=r"exact; show la\.gate"):
        study.render(changes["estimate"])


def test_a_finished_figure_is_refused_with_a_word_on_why(study):
    figure, ax = plt.subplots()
    for each in (figure, ax):
        with pytest.raises(DisclosureError, match="nobody sees what it was drawn from"):
            study.render(each)
    plt.close(figure)


def test_exact_frames_beside_the_first_are_refused_too(study, gated):
    with pytest.raises(DisclosureError, match="exact"):
        study.render(gated, la.figures.estimation, answers=distribution())


def test_numbers_put_in_after_the_gate_are_refused(study, gated):
    exact = np.arange(len(gated), dtype=float)
    for spoiled in (
        gated.assign(estimate=exact),
        gated.assign(mine=exact.tolist()),
        pd.concat([gated, pd.DataFrame({"estimate": exact})]),
        gated.merge(pd.DataFrame({"outcome": ["joy"], "secret": [0.123]}), on="outcome"),
    ):
        with pytest.raises(DisclosureError, match="after the gate"):
            study.render(spoiled)


def test_ordinary_pandas_after_the_gate_is_fine(study, gated):
    best = gated[gated["estimate"] > 0].sort_values("estimate").rename(columns={"se": "SE"})
    means = gated.groupby("outcome")[["estimate", "ci_low"]].mean().reset_index()
    wide = gated.pivot_table(index="outcome", columns="estimand", values="estimate")
    for frame in (best, means, wide.reset_index(), gated.assign(double=2 * gated["estimate"])):
        assert passed(frame)
        assert "<table" in study.render(frame).first.html


def test_ones_own_seaborn_figure_is_shown_with_its_words(study, gated):
    def mine(frame):
        ax = sns.pointplot(frame, x="estimate", y="outcome")
        ax.set_title("My own")
        return ax

    shown = study.render(gated, mine, caption="Mine <here>", alt="Two points")
    assert shown.name == "mine"
    assert 'alt="Two points"' in shown.first.html
    assert "<figcaption>Mine &lt;here&gt;</figcaption>" in shown.first.html
    assert shown.first.svg.startswith(b"<?xml")
    assert shown.first.png.startswith(b"\x89PNG")
    assert not plt.get_fignums()


@pytest.mark.parametrize("make", [lambda f: sns.relplot(f, x="estimate", y="df"),
                                  lambda f: sns.relplot(f, x="estimate", y="df").figure,
                                  lambda f: plt.subplots(1, 2)[1]])  # fmt: skip
def test_figures_of_several_axes_are_taken_too(study, gated, make):
    assert study.render(gated, make).first.svg
    plt.close("all")


def test_the_numbers_of_a_figure_are_of_what_it_draws():
    few = distribution(outcome="effort").groupby("wave").head(2)
    drawn = seen(figures.distribution, pd.concat([distribution(), few]))
    assert "Innsats" in drawn.html
    assert "joy" in drawn.numbers[""]
    assert "effort" not in drawn.numbers[""]
    both = seen(figures.estimation, all_estimands(), {"answers": few})
    assert [*both.numbers] == [""]


def test_a_function_may_give_a_text_or_a_table(study, gated):
    text = study.render(gated, lambda frame: f"{len(frame)} rows & no more.\n\nThe end.")
    assert text.first.html == "<p>2 rows &amp; no more.</p><p>The end.</p>"
    table = study.render(gated, lambda frame: frame.groupby("outcome")["estimate"].mean())
    assert "<table" in table.first.html
    with pytest.raises(TypeError, match="gives a text, a table, Axes or a Figure, not int"):
        study.render(gated, len)


def test_what_is_shown_holds_every_language(gated):
    bundle = (
        in_languages("nb", "nn", "en")
        .render(gated, la.tables.effects, name="mine")
        ._repr_mimebundle_()
    )
    assert set(bundle) == {"text/html", "text/plain", SHOWN}
    assert bundle[SHOWN]["name"] == "mine"
    pages = {language: page["html"] for language, page in bundle[SHOWN]["pages"].items()}
    assert list(pages) == ["nb", "nn", "en"]
    assert "Endring fra før til etter" in pages["nb"]
    assert "Endring frå før til etter" in pages["nn"]
    assert "Change from before to after" in pages["en"]
    assert bundle["text/html"] == pages["nb"]
    json.dumps(bundle)


def test_names_are_taken_from_the_function_and_never_twice(study, gated):
    names = [study.render(gated, la.tables.effects).name for _ in range(3)]
    assert names == ["effects", "effects_2", "effects_3"]
    for name in ("../up", "Upper", "a b"):
        with pytest.raises(ValueError, match="lower-case letters"):
            study.render(gated, la.tables.effects, name=name)


def test_only_exact_rows_of_known_tables_are_kept(study, gated, changes):
    with pytest.raises(InputError) as refused:
        study.keep(effects=gated, mine=changes, pooled=changes[["region"]])
    said = str(refused.value)
    assert "only exact rows are kept" in said
    assert "no such table to keep" in said
    assert "pooled lacks columns" in said


def test_what_is_kept_is_handed_over_and_written_nowhere(study, changes, tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_DATA", str(tmp_path))
    rows = changes.assign(population="pupils", plan_role="secondary")
    own = rows.iloc[:1].assign(plan_role="exploratory", subgroup="mine=1")
    study.keep(effects=pd.concat([rows, own]))
    displayed = []
    monkeypatch.setattr(session, "_OPENED", [study])
    monkeypatch.setattr(session, "display", lambda data, raw: displayed.append(data))
    session.hand_over()
    kept = displayed[0][KEPT]["kept"]["effects.pupils"]
    lines = kept.splitlines()
    assert lines[0].split(",") == list(schema.EFFECTS)
    assert len(lines) == 1 + len(rows)
    assert not list(tmp_path.iterdir())


def test_no_environment_variable_changes_what_is_done(study, gated, tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_RESULTS", str(tmp_path))
    study.render(gated, la.figures.change, name="change")
    assert not list(tmp_path.iterdir())
    assert not hasattr(paths, "kept_results")


def test_workbooks_can_be_read_without_openpyxl(study, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)  # as where it is not installed
    frame = pd.DataFrame({"school": ["Ås", "Bø"], "pupils": [7, 8]})
    frame.to_excel(tmp_path / "Løft.xlsx", index=False)
    pd.testing.assert_frame_equal(pd.read_excel(tmp_path / "Løft.xlsx"), frame)


def test_an_open_study_can_be_opened_again(study):
    again = la.open_study(study, region="fall-2008", language="en")
    assert (again.description.name, again.region) == ("sats", "fall-2008")


def test_unknown_regions_and_languages_are_said_in_words():
    with pytest.raises(InputError, match="unknown region of sats"):
        la.open_study("sats", region="atlantis")
    with pytest.raises(InputError, match="unknown language"):
        la.open_study("sats", language="en,sv")


def test_missing_clean_data_name_the_command(study, tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_DATA", str(tmp_path))
    with pytest.raises(InputError, match="run: loftet clean sats"):
        study.read("pupils")
    with pytest.raises(InputError, match="run: loftet run sats"):
        study.results("effects", "pupils")


def test_a_population_that_was_not_asked_gives_empty_results_all_the_way(study):
    teachers, plan = study.read("teachers"), study.plan("teachers")
    assert teachers.empty
    assert plan.empty
    asked = study["teachers"]
    for frame in (
        la.pairs(teachers, plan),
        la.linked_change(la.pairs(teachers, plan), plan),
        la.same_grade(teachers, plan),
        la.estimates(teachers, plan),
        la.variance(teachers, asked),
        la.reliability(teachers, asked),
        la.items(teachers, asked),
        la.attrition(teachers, asked),
        la.histogram(teachers, asked),
        la.item_histogram(teachers, asked),
        la.attendance_histogram(teachers, asked),
        la.school_effects(teachers, plan),
    ):
        assert frame.empty
    assert la.verdicts(la.estimates(teachers, plan)).empty


def test_a_frame_of_another_studys_gate_is_refused(study, gated):
    other = gated.copy()
    object.__setattr__(other, "study", "demo")
    with pytest.raises(DisclosureError, match="went through the gate of demo"):
        study.render(other[other["estimate"] > -9])


def test_rows_of_another_region_are_not_kept(study, changes):
    with pytest.raises(InputError, match="rows of another region"):
        study.keep(effects=changes.assign(region="oslo", plan_role="secondary"))


def test_what_is_kept_later_is_added_and_takes_the_place_of_the_same_rows(study, changes):
    rows = changes.assign(population="pupils", plan_role="secondary", outcome=["effort", "affect"])
    study.keep(effects=rows.head(1))
    study.keep(effects=rows.assign(estimate=[9.0, 8.0]))
    kept = study._kept["effects.pupils"].set_index("outcome")["estimate"]
    assert kept.to_dict() == {"effort": 9.0, "affect": 8.0}


def test_of_equal_rows_of_two_notebooks_the_first_counts(study, changes, tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_DATA", str(tmp_path))
    rows = changes.assign(population="pupils", outcome=["effort", "affect"])
    folder = tmp_path / "data_clean/sats/results/fall-2007"
    for notebook, part, estimate in (("00_own", rows.head(1), 5.0), ("04_pupils", rows, 1.0)):
        (folder / notebook).mkdir(parents=True)
        kept = part.assign(estimate=estimate)
        kept.to_csv(folder / notebook / "effects.pupils.csv", index=False)
    found = study.results("effects", "pupils").set_index("outcome")["estimate"]
    assert found.to_dict() == {"effort": 5.0, "affect": 1.0}


def test_a_caption_says_what_the_first_of_its_kind_has_not_said_and_links_to_it():
    said, first = {}, "Change. The band is ±0.10. n: people. Left out: grade 9. Regions."
    assert _said_once(first, "one", said, words("en"), "Changes: joy and effort") == first
    assert (
        _said_once(first, "one", said, words("en"), "Changes: joy and effort") == first
    )  # the same figure once more
    levels = "Levels. The band is ±0.10."  # of another kind: a link would lead to another figure
    assert _said_once(levels, "two", said, words("en"), "Levels") == levels
    link = '<a href="#one">Read as the figure “Changes: joy and effort”.</a>'
    assert _said_once("Change. n: people.", "three", said, words("en"), "Changes: views") == link
    # what the first does not say stands in every other one
    squares = "Change. Squares are small. n: people."
    for name in ("four", "five"):
        assert (
            _said_once(squares, name, said, words("en"), "Changes") == f"{link} Squares are small."
        )


@pytest.mark.parametrize(
    ("draw", "rows", "title"),
    [
        (figures.estimation, [{}, {"outcome": "effort"}], "Answers and changes: joy and effort"),
        (
            figures.change,
            [{"subgroup": "gender=girl"}, {"subgroup": "grade=7"}],
            "Changes by grade and gender: joy",
        ),
        (figures.forest, [{"region": "nordland"}, {"region": "oslo"}], "Changes by region: joy"),
        (figures.levels, [{"wave": "pre"}], "Where the answers lie: joy, before"),
        (figures.likert, [{"wave": "pre"}, {"wave": "post"}], "Answers to each item: joy"),
        (
            figures.chain,
            [
                {
                    "population": "leaders",
                    "other_population": "teachers",
                    "subgroup": "role=colleague",
                }
            ],
            "Correlations between schools' means: leaders and teachers",
        ),
    ],
)
def test_a_figure_is_called_what_is_drawn_by_which_groups_and_of_what(draw, rows, title):
    whole = {"population": "pupils", "outcome": "joy", "subgroup": "all"}
    frame = pd.DataFrame([{**whole, **row} for row in rows])
    assert _title(draw.title, frame, words("en")) == title
