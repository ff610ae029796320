"""Exploring: every choice of the plan can be looked at, with menus and without."""

import ast
import importlib
import re
import sys

import pytest
from bs4 import BeautifulSoup

import loftet_analysis as la
from loftet_analysis import names, paths, show
from loftet_analysis.disclosure.gate import passed
from loftet_analysis.errors import InputError
from loftet_analysis.estimands import names_where
from loftet_analysis.show import explore
from loftet_analysis.show.explore import CHOICES, explorer
from loftet_analysis.show.session import OpenStudy, open_study
from loftet_analysis.study import load_study, plan
from tests import test_notebook_form as form
from tests.small_demo import HERE

NOTEBOOK = HERE / "notebooks" / "explore.ipynb"
REGION = "fall-2008"


@pytest.fixture(autouse=True)
def nothing_published(sats):
    """Whatever a test looks at, the published folders stay as they were: empty."""
    yield
    assert not paths.figures("sats").exists()
    assert not paths.reports("sats").exists()


@pytest.fixture
def study():
    return open_study("sats", region=REGION, language="en")


@pytest.fixture(scope="module")
def demo():
    """A study with subgroups, roles and levels; it has no clean data here, only a plan."""
    return explorer(open_study("demo", region="nordland", language="nb"))


def chosen(explorer, **given) -> dict[str, str]:
    rows = explorer.choices(**given)
    return rows[rows["chosen"]].set_index("choice")["value"].to_dict()


def offered(explorer, choice: str, **given) -> dict[str, str]:
    rows = explorer.choices(**given)
    return rows[rows["choice"] == choice].set_index("value")["label"].to_dict()


def menus_of(box) -> dict:
    menus = dict(zip(CHOICES, box.children[0].children, strict=True))
    assert all(menu.description for menu in menus.values())
    return menus


def html_in(box) -> str:
    return "\n".join(output["data"]["text/html"] for output in box.children[1].outputs)


def html_of(shown) -> str:
    return "\n".join(each._repr_html_() for each in shown)


def ways(explorer, region: str):
    """Every way through the menus of one region, but for the wave."""
    for population in offered(explorer, "population", region=region):
        given = {"region": region, "population": population}
        for outcome in offered(explorer, "outcome", **given):
            for estimand in offered(explorer, "estimand", **given, outcome=outcome):
                last = {**given, "outcome": outcome, "estimand": estimand}
                for subgroup in offered(explorer, "subgroup", **last):
                    yield population, outcome, estimand, subgroup


def of_plan(explorer, region: str) -> set:
    """The ways that are rows of the plan: no columns, and no groups of one's own."""
    own = tuple(f"{column}=" for column in ("municipality", "grades"))
    return {
        way for way in ways(explorer, region)
        if way[3] == names.ALL or ("=" in way[3] and not way[3].startswith(own))
    }  # fmt: skip


def test_what_is_offered_is_the_plan_and_groups_of_ones_own(demo):
    rows = plan(load_study("demo"))
    asked = {*rows[["population", "outcome", "estimand", "subgroup"]].itertuples(index=False)}
    assert of_plan(demo, names.NATIONAL) == asked
    assert of_plan(demo, "oslo") == {
        way for way in asked if way[2] not in names_where(national_only=True)
    }
    assert len({subgroup for *_, subgroup in asked}) > 5


def test_labels_are_the_readers(demo):
    given = {"population": "teachers", "outcome": "felt_support"}
    assert offered(demo, "population")["teachers"] == "Lærere"
    assert offered(demo, "region")["troms"] == "Troms – Romsa – Tromssa"
    assert [*offered(demo, "region")] == ["national", *load_study("demo").regions["region"]]
    assert offered(demo, "estimand", **given) == {"level": "Nivå"}
    assert offered(demo, "wave", **given) == {"post": "etter"}
    assert offered(demo, "subgroup", estimand="same_grade")["grade=7"] == "7. trinn"


def test_a_choice_left_out_is_the_first_that_goes_with_the_others(demo):
    assert chosen(demo)["region"] == "nordland"
    assert chosen(demo, estimand="dose")["population"] == "teachers"
    assert chosen(demo, subgroup="grade=9")["estimand"] == "same_grade"
    found = chosen(demo, population="leaders")
    assert (found["estimand"], found["subgroup"], found["wave"]) == ("level", "all", "post")


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"population": "parents"}, "pupils, teachers, leaders"),
        ({"region": "atlantis"}, "national, oslo, rogaland"),
        ({"population": "pupils", "outcome": "felt_support"}, "intrinsic_motivation"),
        ({"population": "pupils", "estimand": "dose"}, "linked_change, same_grade"),
        ({"estimand": "spread_ratio"}, "linked_change"),
        ({"estimand": "linked_change", "subgroup": "grade=9"}, "all, grade=5"),
        ({"population": "pupils", "wave": "mid"}, "all, pre, post"),
        ({"outcome": "joy", "wave": "never"}, "intrinsic_motivation"),
        ({"gender": "girl"}, "population, region, outcome, estimand, subgroup, wave"),
    ],
)
def test_a_wrong_word_is_told_once_with_what_is_allowed(demo, wrong, allowed):
    for refuse in (demo.choices, demo.look):
        with pytest.raises(InputError) as caught:
            refuse(**wrong)
        (problem,) = caught.value.problems
        assert problem.found in [*wrong, *wrong.values()]
        assert problem.allowed.startswith(allowed)
        assert problem.found not in problem.allowed.split(", ")


@pytest.mark.long
def test_every_choice_offered_can_be_looked_at_and_passed_the_gate(study, monkeypatch):
    frames = []
    own = OpenStudy.render

    def rendering(self, frame, draw, **options):
        frames.append(frame)
        return own(self, frame, draw, **options)

    monkeypatch.setattr(OpenStudy, "render", rendering)
    box = explorer(study).menus()
    menus = menus_of(box)
    seen = set()
    for _, outcome, estimand, subgroup in ways(explorer(study), REGION):
        menus["outcome"].value, menus["estimand"].value = outcome, estimand
        assert menus["subgroup"].value == subgroup
        html = html_in(box)
        assert study.words.outcome("pupils", outcome) in html
        assert "Fall 2008" in html
        assert (html.count("<table"), html.count("<figure")) == (1, 2)
        seen.add(html)
    assert len(seen) == 24
    for said, region in menus["region"].options:
        menus["region"].value = region
        assert said in html_in(box)
    assert len(frames) > 100
    assert all(passed(frame) for frame in frames)


def test_the_numbers_are_those_of_the_regions_own_notebook(study, shown):
    asked = study.plan("pupils")
    row = la.linked_change(la.pairs(study.read("pupils"), asked), asked)
    row = row.set_index("outcome").loc["value"]
    explorer(study).look(outcome="value", estimand="linked_change")
    place, answer, _, table, _ = (BeautifulSoup(each.first.html, "html.parser") for each in shown)
    assert place.get_text().split(" · ")[1:] == [
        "Fall 2008", study.words.outcome("pupils", "value"), "Linked change", "everybody",
    ]  # fmt: skip
    assert study.words.number(row["estimate"]) in table.get_text()
    assert study.words.number(abs(row["estimate"])) in answer.get_text()
    assert study.words.count(row["n_pairs"]) in table.get_text()


def test_another_region_comes_from_its_own_data_and_nothing_is_done_twice(
    study, shown, monkeypatch
):
    done = []

    def counting(owner, name, region_of):
        own = getattr(owner, name)

        def counted(first, *others, **options):
            done.append((name, region_of(first)))
            return own(first, *others, **options)

        monkeypatch.setattr(owner, name, counted)

    counting(OpenStudy, "read", lambda opened: opened.region)
    counting(la, "estimates", lambda clean: clean["region"].iloc[0])
    box = explorer(study).menus()
    menus, before = menus_of(box), html_in(box)
    menus["outcome"].value = "value"
    menus["region"].value = "fall-2007"
    menus["estimand"].value = "school_change"
    there = html_in(box)
    for kind, value in (("region", REGION), ("wave", "pre"), ("wave", "all")):
        menus[kind].value = value
    menus["outcome"].value, menus["estimand"].value = "effort", "linked_change"
    assert html_in(box) == before
    assert [region for name, region in done if name == "read"] == [REGION, "fall-2007"]
    computed = [region for name, region in done if name == "estimates"]
    assert computed == [REGION, REGION, "fall-2007", REGION]  # one outcome at a time
    other = open_study("sats", region="fall-2007", language="en")
    explorer(other).look(outcome="value", estimand="school_change")
    assert html_of(shown) == there


def test_menus_are_there_before_anything_is_computed_and_a_figure_before_the_rest(
    study, monkeypatch
):
    read, seen = [], []
    own = OpenStudy.read
    monkeypatch.setattr(OpenStudy, "read", lambda *a, **b: read.append(a) or own(*a, **b))
    monkeypatch.setattr(explore, "display", lambda box: seen.append((box, len(read))))
    explored = explorer(study)
    box, fill = explored._menus()
    lengths = []
    box.children[1].observe(lambda change: lengths.append(len(change["new"])), "outputs")
    assert not read
    fill()
    assert lengths == [3, 5]
    explorer(study)._ipython_display_()
    ((shown, reads),) = seen
    assert reads == 1  # that of the menus above
    assert html_in(shown) == html_in(box)


def test_menus_follow_those_before_them(demo):
    box = demo.menus()
    menus = menus_of(box)
    menus["region"].value = names.NATIONAL
    menus["estimand"].value = "spread_ratio"
    menus["region"].value = "oslo"
    assert "spread_ratio" not in [value for _, value in menus["estimand"].options]
    menus["estimand"].value = "same_grade"
    menus["subgroup"].value = "grade=9"
    menus["outcome"].value = "persistence"
    assert (menus["estimand"].value, menus["subgroup"].value) == ("same_grade", "grade=9")
    menus["population"].value = "leaders"
    now = {kind: menu.value for kind, menu in menus.items()}
    assert now == chosen(demo, population="leaders", region="oslo")
    for kind, menu in menus.items():
        assert {value: said for said, value in menu.options} == offered(demo, kind, **now)


def test_what_goes_wrong_is_told_where_the_result_would_stand(demo):
    (output,) = demo.menus().children[1].outputs
    assert output["output_type"] == "stream"
    assert "no clean data" in output["text"]
    assert "loftet clean demo" in output["text"]
    with pytest.raises(InputError, match="no clean data"):
        demo.look()


def test_answers_are_drawn_of_a_region_and_where_nobody_can_be_told_apart(
    study, shown, monkeypatch
):
    # the data are public, so those of all regions are drawn too; elsewhere they are not
    explorer(study).look(region=names.NATIONAL)
    assert html_of(shown).count("<figure") == 2
    monkeypatch.setitem(explore.LIMITS, "open", 6)
    del shown[:]
    explorer(study).look(region=names.NATIONAL)
    assert html_of(shown).count("<figure") == 1
    assert "only for everybody in one region" in shown[-1].first.text
    explorer(study).look()
    assert "Histograms" in shown[-1].first.text


@pytest.mark.parametrize(("wave", "said"), [("pre", "before"), ("post", "after")])
def test_answers_of_one_wave_are_drawn_alone(study, shown, wave, said):
    explorer(study).look(wave=wave)
    alone = shown[-1].first
    explorer(study).look()
    assert re.search(rf"mean \d\.\d\d {said}", alone.text)
    assert "before and after" not in alone.html
    assert alone.svg != shown[-1].first.svg


@pytest.fixture
def without_widgets(monkeypatch):
    """The module as it is where ipywidgets cannot be imported."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr(show, "explore", explore)
    monkeypatch.delitem(sys.modules, explore.__name__)
    return importlib.import_module(explore.__name__)


def test_it_works_where_there_are_no_widgets(study, shown, without_widgets, monkeypatch, capsys):
    assert without_widgets.widgets is None
    monkeypatch.setattr(without_widgets, "display", explore.display)
    without_widgets.explorer(study)._ipython_display_()
    assert "next cells" in capsys.readouterr().out
    without_widgets.explorer(study).look(estimand="school_change")
    alone = html_of(shown)
    del shown[:]
    explorer(study).look(estimand="school_change")
    assert html_of(shown) == alone


def test_the_notebook_runs_from_top_to_bottom(shown):
    space, last = {}, []
    for cell in form.code_cells(NOTEBOOK):
        *body, end = ast.parse(cell.source).body
        exec(compile(ast.Module(body, []), cell.id, "exec"), space)
        if isinstance(end, ast.Expr):
            last.append(eval(compile(ast.Expression(end.value), cell.id, "eval"), space))
        else:
            exec(compile(ast.Module([end], []), cell.id, "exec"), space)
        if "parameters" in form.tags(cell):
            space |= {"study": "sats", "region": REGION, "language": "en"}
    place, menus, listed, *_ = last
    assert "Fall 2008" in place._repr_mimebundle_()["text/html"]
    menus._ipython_display_()
    assert "linked_change" in listed["value"].to_list()
    result, planned, about, box = shown[:-5], shown[-5:-2], shown[-2], shown[-1]
    assert html_in(box) == html_of(result)
    assert "with 30 schools" in planned[0].first.text
    # it tells of the data of its own region, whatever else was looked at
    menus.look(region="fall-2007")
    alone = open_study("sats", region=REGION, language="en")
    alone.read("pupils", items=False)
    alone.about()
    assert shown[-1].first.text == about.first.text


@pytest.fixture
def plans():
    """What can be planned of a study that has no clean data here."""
    return explorer(open_study("demo", language="nb")).planner()


def test_what_can_be_planned_needs_no_data(plans, shown):
    assert [*offered(plans, "estimand", population="teachers")] == [
        "linked_change", "participants_vs_colleagues",
    ]  # fmt: skip
    first = chosen(plans, population="pupils")
    assert (first["schools"], first["icc"], first["r"]) == (165, 0.05, 0.5)
    assert first["people"] == pytest.approx(122.6)
    assert offered(plans, "attrition")[0.5] == "50\xa0% gjenfunnet"
    assert offered(plans, "schools")[165] == "165"
    plans.look(population="pupils", estimand="same_grade", schools=30, icc=0.1)
    sentence, figure, table = (each.first for each in shown)
    assert "Med 30 skoler" in sentence.text
    assert "Elever, Endring på samme trinn" in figure.text
    assert figure.html.count("<figure") == table.html.count("<table") == 1
    with pytest.raises(InputError, match=r"(?s)unknown icc.*0\.3.*0\.2"):
        plans.look(icc=0.3)
    with pytest.raises(InputError, match="unknown choice"):
        plans.look(outcome="persistence")


def test_more_schools_show_less_and_menus_do_what_code_does(plans, shown):
    box = plans.menus()
    menus = dict(zip(plans.kinds, box.children[0].children, strict=True))
    assert all(menu.description for menu in menus.values())
    menus["population"].value = "teachers"
    menus["estimand"].value = "participants_vs_colleagues"
    menus["attrition"].value = 0.0
    menus["schools"].value = 12
    told = html_in(box)
    plans.look(population="teachers", estimand="participants_vs_colleagues", schools=12,
               attrition=0.0)  # fmt: skip
    assert html_of(shown) == told
    sizes = {}
    for schools in (8, 30, 150):
        del shown[:]
        plans.look(population="pupils", schools=schools)
        sizes[schools] = float(re.findall(r"0,\d\d", shown[0].first.text)[-1].replace(",", "."))
    assert sizes[8] > sizes[30] > sizes[150] > 0


def test_the_notebook_is_a_page_to_read():
    form.test_a_notebook_is_valid_and_runs_anywhere(NOTEBOOK)
    form.test_it_begins_with_a_title_and_a_question(NOTEBOOK)
    form.test_imports_stand_in_one_cell(NOTEBOOK)
    form.test_cells_are_short(NOTEBOOK)
    form.test_it_ends_with_what_it_was_made_from(NOTEBOOK)
    parameters, *others = form.code_cells(NOTEBOOK)
    of_region = form.code_cells(HERE / "notebooks" / "region" / "04_pupils.ipynb")[0]
    assert parameters.source == of_region.source
    assert not any(form.tags(cell) or cell.outputs for cell in others)
    assert not re.match(r"\d", NOTEBOOK.name)  # so the batch leaves it alone
    assert paths.notebook("explore") == NOTEBOOK
