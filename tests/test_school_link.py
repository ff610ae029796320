"""Schools' means along a chain: plain pandas, R, the same people split in halves, and the gate."""

import io
import json
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from scipy import stats

from benchmarks.truth import true_links
from loftet_analysis.analysis.school_link import school_link
from loftet_analysis.demo.people import draw_leaders, draw_teachers
from loftet_analysis.demo.regions import chosen
from loftet_analysis.demo.traits import draw_school_effects, draw_support, draw_traits
from loftet_analysis.disclosure.gate import cells, gate
from loftet_analysis.errors import InputError
from loftet_analysis.show import tables
from loftet_analysis.show.figures import binned_scatter, chain
from loftet_analysis.show.languages import Words
from loftet_analysis.show.sentences import links
from loftet_analysis.show.session import OpenStudy
from tests.small_demo import HERE

STEPS = [
    ("leaders", "all", ["support"]),
    ("teachers", "role=participant", ["does"]),
    ("teachers", "role=colleague", ["does"]),
    ("pupils", "all", ["meets"]),
    ("pupils", "all", ["joy"]),
]
PLAN = pd.DataFrame(
    [
        {"population": population, "outcome": outcome, "question": question, "estimand": "level",
         "subgroup": "all", "region": "national", "ci_level": 0.95}
        for population, outcome, question in (
            ("leaders", "support", "Q7"), ("teachers", "does", "Q6"), ("pupils", "meets", "Q4"),
            ("pupils", "joy", "Q1"),
        )
    ]
)  # fmt: skip


def country(schools=120, regions=10, seed=1):
    """Clean frames: leaders after, two teachers of each role and 20 pupils a grade both times."""
    rng = np.random.default_rng(seed)
    names = np.array([f"s{i:03}" for i in range(schools)])
    region = np.array([f"r{i % regions:02}" for i in range(schools)])
    true = (
        rng.normal(size=(schools, 2))
        + rng.normal(0, 0.4, (regions, 2))[np.arange(schools) % regions]
    )  # level of support, change of teaching

    def rows(who, n, waves, **columns):
        school = np.repeat(np.arange(schools), n)
        person = rng.normal(size=(len(school), 2))
        frames = []
        for wave in waves:
            later = wave == "post"
            y = {
                name: 3 + effect * later * true[school].sum(axis=1) / 2
                + true[school, 0] * (who == "leaders") + person.sum(axis=1) / 2
                + rng.normal(0, 0.5, len(school))
                for name, effect in columns.items()
            }  # fmt: skip
            frames.append(pd.DataFrame({
                "person_id": [f"{who}{i}" for i in range(len(school))], "wave": wave,
                "school_id": names[school], "region": region[school], **y,
            }))  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    both = ("pre", "post")
    teachers = rows("teachers", 4, both, does=1)
    role = np.where(np.arange(len(teachers)) % 4 < 2, "participant", "colleague")
    pupils = rows("pupils", 40, both, meets=1, joy=0.5)
    n = len(pupils) // 2
    pupils["grade"] = np.where(np.arange(len(pupils)) % n % 2, 5.0, 6.0)
    pupils.loc[n:, "person_id"] = pupils.loc[n:, "person_id"] + "x"  # other pupils after
    return {
        "leaders": rows("leaders", 2, ("post",), support=1),
        "teachers": teachers.assign(role=role),
        "pupils": pupils,
    }


@pytest.fixture(scope="module")
def people():
    return country()


@pytest.fixture(scope="module")
def rows(people):
    return school_link(people, PLAN, STEPS)


def linked(frame, outcome, role):
    """The schools' mean linked changes in plain pandas."""
    one = frame[frame["role"] == role]
    wide = one.pivot(index=["person_id", "school_id"], columns="wave", values=outcome).dropna()
    return (wide["post"] - wide["pre"]).groupby("school_id").agg(["mean", "size"])


def of_grades(frame, outcome):
    """The schools' mean same-grade differences in plain pandas."""
    means = frame.groupby(["school_id", "grade", "wave"])[outcome].mean().unstack()
    return (means["post"] - means["pre"]).groupby("school_id").mean()


def test_a_row_per_pair_says_who_and_what_stands_beside_what(rows):
    said = rows[["population", "subgroup", "outcome", "wave", "contrast", "other_wave",
                 "other_contrast", "question"]].to_numpy().tolist()  # fmt: skip
    assert said == [
        ["leaders", "all", "support", "post", "mean", "linked", "post - pre", "Q7"],
        ["teachers", "role=participant", "does", "linked", "post - pre", "linked", "post - pre",
         "Q6"],
        ["teachers", "role=colleague", "does", "linked", "post - pre", "", "post - pre", "Q6"],
        ["pupils", "all", "meets", "", "post - pre", "", "post - pre", "Q4"],
    ]  # fmt: skip
    assert rows["reason"].eq("").all()
    assert rows["cluster"].eq("region").all()
    assert rows["n_clusters"].eq(10).all()


def test_slopes_and_correlations_are_those_of_plain_pandas(people, rows):
    takes_part, colleague = (linked(people["teachers"], "does", r) for r in
                             ("participant", "colleague"))  # fmt: skip
    support = people["leaders"].groupby("school_id")["support"].agg(["mean", "size"])
    meets = of_grades(people["pupils"], "meets")
    pairs = [
        (support["mean"], takes_part["mean"]),
        (takes_part["mean"], colleague["mean"]),
        (colleague["mean"], meets),
    ]
    for row, (x, y) in zip(rows.to_dict("records"), pairs, strict=False):
        x, y = x.align(y, join="inner")
        assert row["n_schools"] == len(x)
        assert row["r_schools"] == pytest.approx(x.corr(y), abs=1e-12)
        assert row["slope"] == pytest.approx(x.cov(y) / x.var(), abs=1e-12)
    assert rows["n_one"].tolist()[:3] == [240, 240, 240]
    assert rows["n_other"].tolist()[:3] == [240, 240, 120 * 40]


def test_the_reliability_of_equal_schools_is_icc_2(people, rows):
    for row, frame, column in ((rows.iloc[0], people["leaders"], "support"),):
        of_school = frame.groupby("school_id")[column]
        between, within = 2 * of_school.mean().var(), of_school.var().mean()
        assert row["mean_reliability"] == pytest.approx(1 - within / between)
    takes_part = people["teachers"].query("role == 'participant'")
    wide = takes_part.pivot(index=["person_id", "school_id"], columns="wave", values="does")
    change = (wide["post"] - wide["pre"]).groupby("school_id")
    between, within = 2 * change.mean().var(), change.var().mean()
    assert rows["other_mean_reliability"][0] == pytest.approx(1 - within / between)
    root = np.sqrt(rows["mean_reliability"][0] * rows["other_mean_reliability"][0])
    assert rows["r_disattenuated"][0] == pytest.approx(min(rows["r_schools"][0] / root, 1))


def test_a_person_in_both_waves_counts_once_in_the_noise_of_a_schools_change():
    people = country(60)
    same = people["pupils"].assign(person_id=people["pupils"]["person_id"].str.rstrip("x"))
    step = [("teachers", "role=colleague", ["does"]), ("pupils", "all", ["meets"])]
    once = school_link({**people, "pupils": same}, PLAN, step)["other_mean_reliability"][0]
    twice = school_link(people, PLAN, step)["other_mean_reliability"][0]
    assert once > twice + 0.01  # what is lasting in a person is no noise of a change


def test_values_of_r(rows):
    """CR2 by region of the slope and of r: clubSandwich; see reference/school_link.R."""
    stored = json.loads((HERE / "tests/reference/school_link.json").read_text())
    schools = pd.DataFrame(stored["schools"])
    people = {
        "leaders": schools.assign(wave="post", support=schools["x"]),
        "teachers": schools.assign(wave="post", does=schools["y"]),
    }
    plan = PLAN[PLAN["population"] != "pupils"]
    chain_of_two = [("leaders", "all", ["support"]), ("teachers", "all", ["does"])]
    (row,) = school_link(people, plan, chain_of_two).to_dict("records")
    for column, value in stored["values"].items():
        assert row[column] == pytest.approx(value, rel=1e-8), column


def test_the_same_people_are_split_so_that_what_they_share_is_not_the_schools():
    rng = np.random.default_rng(8)
    school = np.repeat([f"s{i:03}" for i in range(400)], 10)
    mood = rng.normal(size=len(school))
    pupils = pd.DataFrame({"school_id": school, "wave": "post", "region": "oslo"})
    pupils = pupils.assign(meets=mood + rng.normal(0, 0.3, len(school)), joy=mood)
    (row,) = school_link({"pupils": pupils}, PLAN, STEPS[3:]).to_dict("records")
    assert pupils.groupby("school_id")[["meets", "joy"]].mean().corr().iloc[0, 1] > 0.9
    assert row["ci_low"] < 0 < row["ci_high"]
    assert row["flags"].split(";") == ["halves", "unreliable_means"]
    assert row["n_one"] == row["n_other"] == len(pupils)
    half = pupils.groupby("school_id").cumcount() % 2
    means = pupils.groupby(["school_id", half])[["meets", "joy"]].mean().unstack()
    x = np.r_[means["meets", 0], means["meets", 1]]
    y = np.r_[means["joy", 1], means["joy", 0]]
    assert row["r_schools"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    four = pupils[pupils.groupby("school_id").cumcount() < 4]
    assert school_link({"pupils": four}, PLAN, STEPS[3:])["reason"][0] == "under_50_schools"


def test_levels_of_one_wave_are_asked_for(people):
    before = school_link(people, PLAN, STEPS, wave="pre")
    assert before["reason"].tolist() == ["no_answers", "", "", ""]
    assert before["wave"].tolist()[1:] == ["pre"] * 3
    assert before["contrast"].tolist()[1:] == ["mean"] * 3
    of_school = people["teachers"].query("wave == 'pre'").groupby(["role", "school_id"])["does"]
    means = of_school.mean().unstack("role")
    assert before["r_schools"][1] == pytest.approx(means.corr().iloc[0, 1])
    regions_few = {name: each.assign(region="oslo") for name, each in people.items()}
    assert school_link(regions_few, PLAN, STEPS)["cluster"].eq("school").all()


def test_levels_of_halves_are_those_of_plain_pandas(people):
    row = school_link(people, PLAN, STEPS[3:], wave="pre").iloc[0]
    before = people["pupils"].query("wave == 'pre'").copy()
    for outcome in ("meets", "joy"):
        of_grade = before.groupby("grade")[outcome].transform("mean")
        before[outcome] -= of_grade
    half = before.groupby("school_id").cumcount() % 2
    means = before.groupby(["school_id", half])[["meets", "joy"]].mean().unstack()
    x = pd.concat([means["meets", 0], means["meets", 1]])
    y = pd.concat([means["joy", 1], means["joy", 0]])
    assert (row["n_schools"], row["flags"].split(";")[0]) == (120, "halves")
    assert row["r_schools"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert row["slope"] == pytest.approx(np.polyfit(x, y, 1)[0], abs=1e-12)


def test_levels_of_pupils_are_seen_beside_their_grade():
    """Or schools of older pupils would lie low on all that falls with age."""
    rng = np.random.default_rng(2)
    pupils = pd.DataFrame({"school_id": np.repeat([f"s{i:03}" for i in range(100)], 30)})
    older = np.repeat(np.arange(100) % 2, 30)
    pupils = pupils.assign(wave="pre", region="oslo", grade=np.where(older, 9.0, 6.0))
    for outcome in ("meets", "joy"):
        pupils[outcome] = 3 - older + rng.normal(size=len(pupils))
    row = school_link({"pupils": pupils}, PLAN, STEPS[3:]).iloc[0]
    assert abs(row["r_schools"]) < 0.3
    blind = school_link({"pupils": pupils.drop(columns="grade")}, PLAN, STEPS[3:]).iloc[0]
    assert blind["ci_low"] > 0.7


def test_the_mask_of_rows_that_rest_on_regions_holds_the_regions(rows):
    study = SimpleNamespace(
        description=SimpleNamespace(regions=pd.DataFrame({"region": ["a", "b"]})),
        table=lambda name, **where: where,
    )
    assert OpenStudy.mask(study, rows)["region"] == {"national", "a", "b"}
    assert OpenStudy.mask(study, rows.assign(cluster="school"))["region"] == {"national"}


def test_the_order_of_rows_is_nothing_where_nobody_is_split(people, rows):
    mixed = {name: each.sample(frac=1, random_state=3) for name, each in people.items()}
    again = school_link(mixed, PLAN, STEPS[:4])
    pd.testing.assert_frame_equal(again, rows.iloc[:3], rtol=1e-9)


def test_what_cannot_be_told_has_its_reason(people):
    few = {name: each[each["school_id"] < "s049"] for name, each in people.items()}
    assert school_link(few, PLAN, STEPS)["reason"].eq("under_50_schools").all()
    alone = {**people, "leaders": people["leaders"].drop_duplicates("school_id")}
    row = school_link(alone, PLAN, STEPS[:2]).iloc[0]
    assert (row["flags"], np.isnan(row["mean_reliability"])) == ("reliability_unknown", True)
    nobody = {**people, "leaders": people["leaders"].head(0)}
    assert school_link(nobody, PLAN, STEPS[:2])["reason"][0] == "no_answers"
    alike = {**people, "leaders": people["leaders"].assign(support=3.0)}
    assert school_link(alike, PLAN, STEPS[:2])["reason"][0] == "no_variance"
    unasked = [("leaders", "all", ["no_such"]), *STEPS[1:2]]
    assert school_link(people, PLAN, unasked)["reason"][0] == "no_outcome"
    unlinked = {**people, "teachers": people["teachers"].drop(columns="person_id")}
    assert school_link(unlinked, PLAN, STEPS[:2])["reason"][0] == "no_pairs"
    assert school_link(people, PLAN, [("leaders", "all", []), *STEPS[1:2]]).empty
    with pytest.raises(InputError, match=r"people\['leaders'\]"):
        school_link({**people, "leaders": people["leaders"].assign(support="x")}, PLAN, STEPS)


def test_a_row_rests_on_the_cells_of_both_sides(rows):
    held = cells(rows)
    said = held.groupby("row")[["population", "subgroup", "outcome", "wave"]].agg(list)
    assert said.loc[0].tolist() == [["leaders", "teachers"], ["all", "role=participant"],
                                    ["support", "does"], ["post", "linked"]]  # fmt: skip
    assert said.loc[2].tolist() == [["teachers", "pupils", "pupils"],
                                    ["role=colleague", "all", "all"], ["does", "meets", "meets"],
                                    ["linked", "pre", "post"]]  # fmt: skip


def mask_of(rows, **hidden):
    """A mask that holds the cells of the rows, some of them hidden."""
    held = cells(rows).drop(columns="row").drop_duplicates()
    regions = [held.assign(region=f"r{i:02}", n=100, n_schools=12) for i in range(10)]
    held = pd.concat([held.assign(n=1000, n_schools=120), *regions], ignore_index=True)
    away = pd.Series(bool(hidden), index=held.index)
    for column, value in hidden.items():
        away &= held[column] == value
    more = {
        "smallest": 2,
        "largest": 20,
        "few_schools": 2,
        "minimum": 1.0,
        "width": 4.0,
        "step": 0.01,
    }
    reason = away.map({True: "small_n", False: ""})
    return held.assign(suppressed=away, reason=reason, share_reason=reason, **more)


WORDS = {
    ("leaders", "support"): "Support", ("teachers", "does"): "Practice",
    ("pupils", "meets"): "Teaching", ("pupils", "joy"): "Joy",
}  # fmt: skip


def test_the_page_says_it_in_table_figure_and_sentences(rows):
    shown, words = gate(rows, mask_of(rows), "internal"), Words("en", outcomes=WORDS)
    assert not shown["suppressed"].any()
    page = BeautifulSoup(tables.school_link(shown, words=words).html, "html.parser")
    said = page.get_text(" ", strip=True)
    assert "Leaders, after → Participants, change Support → Practice" in said
    assert "split into halves" in said
    answer, *_rest, not_shown = links(shown, words=words).text.splitlines()
    assert answer.startswith("For 4 of 4 pairs, schools that are higher on the one are also higher")
    assert "Support (leaders), after → Practice (participants), change (r = " in answer
    assert "neither that the one leads to the other, nor an effect" in not_shown
    drawing = chain(shown, words=words)
    assert len(drawing.figure.axes) == 4
    strongest = shown.loc[shown["r_schools"].abs().idxmax(), "r_schools"]
    assert words.number(strongest) in drawing.alt.partition(". ")[0]
    marks = [line.get_xdata()[0] for ax in drawing.figure.axes for line in ax.lines
             if line.get_marker() == "o"]  # fmt: skip
    assert marks == pytest.approx(shown["r_schools"].tolist())


def test_a_hidden_side_hides_the_row(rows):
    shown = gate(rows, mask_of(rows, subgroup="role=colleague"), "internal")
    assert shown["suppressed"].tolist() == [False, True, True, False]
    words = Words("en", outcomes=WORDS)
    told = links(shown, words=words).text
    assert "2 of 4 pairs are suppressed (confidentiality)." in told
    nobody = gate(rows, mask_of(rows, region="national"), "internal")
    assert links(nobody, words=words).text.startswith("Suppressed (confidentiality).")
    assert tables.school_link(shown, words=words).html.count("·") > 4
    assert "hidden" in [t.get_text() for ax in chain(shown, words=words).figure.axes
                        for t in ax.texts]  # fmt: skip


def test_a_refusal_is_said_once(people):
    few = {name: each[each["school_id"] < "s049"] for name, each in people.items()}
    rows = school_link(few, PLAN, STEPS)
    shown, words = gate(rows, mask_of(rows), "internal"), Words("en", outcomes=WORDS)
    assert links(shown, words=words).text.count("it takes 50 schools or more") == 1
    assert tables.school_link(shown, words=words).html.count("it takes 50 schools or more") == 1
    one = rows.assign(reason=["under_50_schools", "no_pairs", "no_pairs", "no_variance"])
    told = links(gate(one, mask_of(one), "internal"), words=words).text
    assert "2 of 4 pairs are not computed, since nobody" in told


def test_answers_say_what_goes_together_what_does_not_and_what_cannot_be_told(rows):
    words = Words("en", outcomes=WORDS)
    ends = ["ci_low", "ci_high", "r_disattenuated_low", "r_disattenuated_high"]
    numbers = [[0.1, 0.5, 0.2, 0.9], [-0.6, -0.1, None, None], [-0.1, 0.1, -0.2, 0.2],
               [-0.1, 0.1, None, None]]  # fmt: skip
    made = rows.assign(flags=["", "unreliable_means", "", "unreliable_means"])
    made[ends] = pd.DataFrame(numbers, columns=ends, dtype=float)
    made["r_visible"] = [0.2, 0.2, 0.2, 0.31]
    told = links(gate(made, mask_of(made), "internal"), words=words).text
    assert "For 1 of 4 pairs" in told
    assert "Higher on the one and lower on the other: Practice (participants)" in told
    assert (
        "Associated weakly or not at all: Practice (colleagues), change → Teaching (pupils), "
        "change (95% CI of the corrected r −0.20 to 0.20)." in told
    )
    assert "For 1 of 4 pairs we cannot tell whether they go together: a correlation weaker" in told
    assert "so few answered at each school" in told
    assert "By chance alone" not in told
    many = pd.concat([made] * 5, ignore_index=True)
    assert "By chance alone, about 1 of 20 pairs" in links(
        gate(many, mask_of(made), "internal"), words=words
    ).text  # fmt: skip


def spread_of(rows, **never):
    """Rows of variance of the scales of a chain, of which some are not shared."""
    places = {("leaders", "support"), ("teachers", "does"), ("pupils", "meets"), ("pupils", "joy")}
    spread = pd.DataFrame(
        [(p, o, wave, never.get(o) not in ("both", wave)) for p, o in sorted(places)
         for wave in ("pre", "post")],
        columns=["population", "outcome", "wave", "shared"],
    )  # fmt: skip
    return spread.astype({"shared": "boolean"})


def test_what_schools_do_not_share_is_left_out_with_its_reason(people, rows):
    untouched = school_link(people, PLAN, STEPS, shared=spread_of(rows))
    pd.testing.assert_frame_equal(untouched, rows)
    alone = school_link(people, PLAN, STEPS, shared=spread_of(rows, meets="both"))
    assert alone["reason"].tolist() == ["", "", "other_not_shared", "not_shared"]
    assert alone.loc[2:, ["r_schools", "slope", "n_schools"]].isna().all(axis=None)
    told = links(gate(alone, mask_of(alone), "internal"), words=Words("en", outcomes=WORDS)).text
    assert told.count("Left out, since it is not shared within schools: Teaching (pup") == 1
    once = school_link(people, PLAN, STEPS, shared=spread_of(rows, meets="pre", support="pre"))
    assert once["reason"].eq("").all()  # new at the schools after, and asked once
    first = school_link(people, PLAN, STEPS, wave="pre", shared=spread_of(rows, meets="pre"))
    assert first["reason"].tolist() == ["no_answers", "", "other_not_shared", "not_shared"]
    unknown = spread_of(rows).assign(shared=pd.array([pd.NA] * 8, "boolean"))
    pd.testing.assert_frame_equal(school_link(people, PLAN, STEPS, shared=unknown), rows)


@pytest.fixture(scope="module")
def bins(people):
    return school_link(people, PLAN, STEPS, bins=5)


def test_groups_of_schools_are_those_of_plain_pandas(people, bins):
    support = people["leaders"].groupby("school_id")["support"].mean()
    does = linked(people["teachers"], "does", "participant")["mean"]
    sides = pd.DataFrame({"x": support, "y": does}).dropna()
    sides["bin"] = pd.qcut(sides["x"].rank(method="first"), 5, labels=False) + 1
    means = (
        (sides[["x", "y"]] - sides[["x", "y"]].mean())
        .groupby(sides["bin"])
        .agg(["mean", "sem", "size"])
    )
    first = bins.iloc[:5]
    assert first["bin"].tolist() == [1, 2, 3, 4, 5]
    assert first["n_schools"].tolist() == means["x", "size"].tolist() == [24] * 5
    assert first["n_one"].tolist() == first["n_other"].tolist() == [48] * 5
    assert first["deviation"].tolist() == pytest.approx(means["x", "mean"].tolist())
    assert first["other_deviation"].tolist() == pytest.approx(means["y", "mean"].tolist())
    half = (first["other_deviation_high"] - first["other_deviation_low"]) / 2
    reach = stats.t.ppf(0.975, 23) * means["y", "sem"]
    assert half.tolist() == pytest.approx(reach.tolist())
    within = people["leaders"].groupby("school_id")["support"].var().mean()
    assert first["mean_se"].tolist() == pytest.approx([np.sqrt(within / 2)] * 5)
    width = (first["deviation_high"] - first["deviation_low"]) / 2
    assert width.tolist() == pytest.approx([stats.norm.ppf(0.975) * np.sqrt(within / 2 / 24)] * 5)
    for column in ("deviation", "other_deviation"):
        summed = (bins[column] * bins["n_schools"]).groupby(bins.index // 5).sum()
        assert summed[:3].tolist() == pytest.approx([0, 0, 0])
    assert bins["flags"].tolist() == [""] * 15 + ["halves"] * 5
    few = {name: each[each["school_id"] < "s060"] for name, each in people.items()}
    assert school_link(few, PLAN, STEPS[:2], bins=8)["reason"].tolist() == ["few_schools"]
    with pytest.raises(InputError, match="bins"):
        school_link(people, PLAN, STEPS, bins=-1)


def test_groups_of_schools_tell_of_no_few(bins):
    shown = gate(bins, mask_of(bins), "internal")
    assert not shown["suppressed"].any()
    # 2 of the 24 schools of a group may be of few people: 0.2 x 4 points x 2/24; of halves 2 of 60
    for step, rows in ((0.1, shown[:15]), (0.05, shown[15:])):
        assert np.allclose(rows["deviation"] / step, (rows["deviation"] / step).round())
    middle = (shown["deviation_low"] + shown["deviation_high"]) / 2
    assert np.allclose(middle, shown["deviation"], atol=0.011)
    assert shown["n_one"].mod(6).eq(0).all()
    pairs = ["deviation", "other_deviation", "deviation_low", "other_deviation_high", "mean_se"]
    for hides in ({"largest": 30}, {"suppressed": True, "reason": "small_n"}):
        masked = mask_of(bins).assign(**hides)
        hidden = gate(bins, masked, "internal")
        assert hidden.loc[:4, pairs].isna().all(axis=None)
    strict = gate(bins.assign(n_clusters=7, n_schools=7), mask_of(bins), "internal")
    assert strict[pairs].isna().all(axis=None)


def test_the_figure_of_groups_draws_what_is_told(bins):
    shown, words = gate(bins, mask_of(bins), "internal"), Words("en", outcomes=WORDS)
    drawing = binned_scatter(shown, words=words)
    axes = [ax for ax in drawing.figure.axes if ax.lines]
    assert len(axes) == 4
    (marks,) = [line for line in axes[0].lines if line.get_marker() == "o"]
    assert marks.get_xdata().tolist() == shown["deviation"][:5].tolist()
    assert marks.get_ydata().tolist() == shown["other_deviation"][:5].tolist()
    assert axes[0].get_xlabel() == "Support, after"
    assert "Groups of 24" in drawing.caption
    assert "Support (leaders), after" in drawing.alt
    assert "the second is −0.62 in the lowest group and 0.79 in the highest." in drawing.alt


def test_the_table_says_what_schools_share():
    row = {"population": "pupils", "region": "national", "outcome": "joy", "wave": "pre",
           "n": 1200, "n_clusters": 60, "icc": 0.06, "icc_low": 0.03, "icc_high": 0.1,
           "ci_level": 0.95, "icc2": 0.8, "rwg": 0.83, "rwg_schools": 60, "suppressed": False,
           "reason": "", "shared": False}  # fmt: skip
    page = tables.shared(pd.DataFrame([row, {**row, "wave": "post", "shared": None}]),
                         words=Words("en", outcomes=WORDS)).html  # fmt: skip
    cells_of = [[td.get_text() for td in tr.find_all("td")]
                for tr in BeautifulSoup(page, "html.parser").find_all("tr")]  # fmt: skip
    assert ["60", "0.06", "0.03 to 0.10", "0.80", "0.83", "no"] in cells_of
    assert ["60", "0.06", "0.03 to 0.10", "0.80", "0.83", "cannot tell"] in cells_of


def test_the_country_page_finds_what_the_demo_holds_or_says_why_not():
    """The kept numbers of the whole demo beside the truth that was planted in its schools."""
    notebook = nbformat.read(HERE / "notebooks/national/11_whole_school.ipynb", as_version=4)
    (printed,) = [cell.outputs[0]["text"] for cell in notebook.cells if cell.get("outputs")]
    told = pd.read_csv(io.StringIO(printed), sep=r"\s+")
    assert len(told) == 14
    for side in ("", "other_"):
        is_level = told[f"{side}population"] == "leaders"
        told[f"{side}contrast"] = np.where(is_level, "mean", "post - pre")
    truth = true_links(told)
    assert truth.gt(0.04).all()  # associations are planted at every step
    assert truth[4] > 0.9  # what is new at a school is new for participants and colleagues
    noise = np.sqrt(told["mean_reliability"] * told["other_mean_reliability"])
    expected = truth * noise
    covered = expected.between(told["ci_low"], told["ci_high"])
    assert covered.sum() >= 12
    found = (told["ci_low"] > 0) | (told["ci_high"] < 0)
    assert (found | (expected < told["r_visible"])).all()  # what is missed could hardly be seen


def many_leaders(region, rng, replicates):
    """Leaders of so many replicates of a region."""
    drawn = [draw_leaders(region, rng) for _ in range(replicates)]
    places = ["home", "school_pre", "school_post"]
    for place, each in enumerate(drawn):
        each[places] += place * len(region.schools)
    return pd.concat(drawn, ignore_index=True)


def test_the_truth_of_the_demo_is_found_where_schools_are_many():
    """Leaders, participants and colleagues of 150 replicates of two regions, who answer exactly."""
    replicates, frames = 150, {"leaders": [], "teachers": []}
    asked = {"leaders": "felt_support", "teachers": "practice_practical"}
    for region in chosen(["nordland", "oslo"]):
        rng = np.random.default_rng(7)
        support = draw_support(region, rng, replicates=replicates)
        drawn = {
            "leaders": many_leaders(region, rng, replicates),
            "teachers": draw_teachers(region, rng, replicates=replicates),
        }
        for population, people in drawn.items():
            outcome = asked[population]
            effects = draw_school_effects(region, population, outcome, support, rng)
            general = rng.standard_normal(len(people))
            traits = draw_traits(people, population, outcome, general, effects, effects, rng)
            participant = people.get("participant", pd.Series(False, people.index))
            about = pd.DataFrame({
                "person_id": [f"{region.slug}{i}" for i in people.index], "region": region.slug,
                "role": participant.map({True: "participant", False: "colleague"}),
            })  # fmt: skip
            for wave in ("pre", "post") if population == "teachers" else ("post",):
                school = people[f"school_{wave}"]
                rows = about.assign(
                    wave=wave, school_id=region.slug + school.astype(str), **{outcome: traits[wave]}
                )
                frames[population].append(rows[school >= 0])
    people = {name: pd.concat(each, ignore_index=True) for name, each in frames.items()}
    steps = [("leaders", "all", ["felt_support"]),
             ("teachers", "role=participant", ["practice_practical"]),
             ("teachers", "role=colleague", ["practice_practical"])]  # fmt: skip
    found = school_link(people, PLAN, steps)
    noise = np.sqrt(found["mean_reliability"] * found["other_mean_reliability"])
    assert found["n_schools"].min() > 2500
    expected = true_links(found) * noise
    assert found["r_schools"].tolist() == pytest.approx(expected.tolist(), abs=0.04)
    assert found["ci_low"][1] > 0.2
