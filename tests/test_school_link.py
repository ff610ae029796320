"""Schools' means along a chain: plain pandas, R, the same people split in halves, and the gate."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from loftet_analysis.analysis.school_link import school_link
from loftet_analysis.disclosure.gate import cells, gate
from loftet_analysis.errors import InputError
from loftet_analysis.show import tables
from loftet_analysis.show.figures import chain
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
    assert "Leaders: Support, after → Participants: Practice, change" in said
    assert "split in halves" in said
    told = links(shown, words=words).text
    assert "Leaders → Participants" in told
    assert "do not show that the one leads to the other" in told
    assert "lie higher on the other" in told
    drawing = chain(shown, words=words)
    assert len(drawing.figure.axes) == 4
    assert "Support, after" in drawing.alt
    marks = [line.get_xdata()[0] for ax in drawing.figure.axes for line in ax.lines
             if line.get_marker() == "o"]  # fmt: skip
    assert marks == pytest.approx(shown["r_schools"].tolist())


def test_a_hidden_side_hides_the_row(rows):
    shown = gate(rows, mask_of(rows, subgroup="role=colleague"), "internal")
    assert shown["suppressed"].tolist() == [False, True, True, False]
    words = Words("en", outcomes=WORDS)
    assert "Hidden, since it would tell of few people." in links(shown, words=words).text
    assert tables.school_link(shown, words=words).html.count("·") > 4
    assert "hidden" in [t.get_text() for ax in chain(shown, words=words).figure.axes
                        for t in ax.texts]  # fmt: skip


def test_a_refusal_is_said_once_per_link(people):
    few = {name: each[each["school_id"] < "s049"] for name, each in people.items()}
    rows = school_link(few, PLAN, STEPS)
    shown, words = gate(rows, mask_of(rows), "internal"), Words("en", outcomes=WORDS)
    assert links(shown, words=words).text.count("it takes 50 schools or more") == 4
    assert "it takes 50 schools or more" in tables.school_link(shown, words=words).html
