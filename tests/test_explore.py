"""Exploring: every choice of the plan can be looked at, with menus and without."""

import ast
import importlib
import re
import sys

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from loftet_analysis import names, paths, show
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.errors import InputError
from loftet_analysis.show import explore, open_study
from loftet_analysis.show.explore import KINDS, choices, explorer, look
from loftet_analysis.show.publish import GATED
from loftet_analysis.study import load_study, plan
from tests import test_notebook_form as form
from tests.small_demo import HERE

NOTEBOOK = HERE / "notebooks" / "explore.ipynb"
REGION = "fall-2008"


@pytest.fixture(scope="module", autouse=True)
def sats(tmp_path_factory):
    """Clean data of the real study, in a place of their own."""
    with pytest.MonkeyPatch.context() as environment:
        folder = tmp_path_factory.mktemp("Løftet data")
        environment.setenv("LOFTET_ROOT", str(HERE))
        environment.setenv("LOFTET_DATA", str(folder))
        environment.setenv("LOFTET_KEYS", str(folder / "keys"))
        study = load_study("sats")
        store.write(prepare(study), study)
        yield study


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
    return open_study("demo", region="nordland", language="nb")


def test_effects_do_without_the_answers_to_single_items(study):
    whole, few = study.read("pupils"), study.read("pupils", items=False)
    scales = study.study.populations["pupils"].instrument.scales
    assert {*whole} - {*few} == {item for scale in scales.values() for item in scale.items}
    assert {*scales} <= {*few}
    found = [study.effects("pupils", frame) for frame in (whole, few)]
    pd.testing.assert_frame_equal(*found)


def menus_of(box) -> dict:
    menus = dict(zip(KINDS, box.children[0].children, strict=True))
    assert all(menu.description for menu in menus.values())
    return menus


def chosen_in(box) -> dict[str, str]:
    return {kind: menu.value for kind, menu in menus_of(box).items()}


def shown_in(box) -> dict:
    (output,) = box.children[1].outputs
    return output


def soup_of(shown) -> BeautifulSoup:
    data, metadata = shown._repr_mimebundle_()
    assert metadata == {GATED: True}
    return BeautifulSoup(data["text/html"], "html.parser")


def offered_paths(study, region: str):
    """Every way through the menus of one region, but for the wave."""
    for population in choices(study, region=region).options["population"]:
        given = {"region": region, "population": population}
        for outcome in choices(study, **given).options["outcome"]:
            for estimand in choices(study, **given, outcome=outcome).options["estimand"]:
                last = choices(study, **given, outcome=outcome, estimand=estimand)
                for subgroup in last.options["subgroup"]:
                    yield population, outcome, estimand, subgroup


def test_what_is_offered_is_the_plan_and_nothing_else(demo, monkeypatch):
    rows = plan(demo.study)
    monkeypatch.setattr(explore, "plan", lambda _: rows)  # it is asked for again and again
    keys = ["population", "outcome", "estimand", "subgroup"]
    asked = {tuple(row) for row in rows[keys].to_numpy()}
    assert len({subgroup for *_, subgroup in asked}) > 5
    assert {*offered_paths(demo, names.NATIONAL)} == asked
    of_region = {path for path in asked if path[2] not in names.NATIONAL_ONLY}
    assert {*offered_paths(demo, "oslo")} == of_region < asked


def test_labels_are_the_readers(demo):
    found = choices(demo, population="teachers", outcome="felt_support")
    assert found.chosen["region"] == "nordland"
    assert found.options["population"]["teachers"] == "Lærere"
    assert found.options["region"]["troms"] == "Troms - Romsa - Tromssa"
    assert [*found.options["region"]] == ["national", *demo.study.regions["region"]]
    assert found.options["outcome"]["felt_support"] == demo.words.outcome(
        "teachers", "felt_support"
    )
    assert found.options["estimand"] == {"level": "Nivå"}
    assert found.options["wave"] == {"post": "etter"}
    grades = choices(demo, population="pupils", estimand="same_grade").options["subgroup"]
    assert grades["grade=7"] == "7. trinn"


def test_a_choice_left_out_is_the_first_that_goes_with_the_others(demo):
    assert choices(demo, estimand="dose").chosen["population"] == "teachers"
    assert choices(demo, subgroup="grade=9").chosen["estimand"] == "same_grade"
    found = choices(demo, population="teachers", estimand="level").chosen
    assert (found["outcome"], found["subgroup"], found["wave"]) == ("felt_support", "all", "post")


@pytest.mark.parametrize(
    ("wrong", "what", "allowed"),
    [
        ({"population": "parents"}, "population", "pupils, teachers, leaders"),
        ({"region": "atlantis"}, "region", "national, oslo, rogaland"),
        ({"outcome": "felt_support", "population": "pupils"}, "outcome", "intrinsic_motivation"),
        ({"estimand": "dose", "population": "pupils"}, "estimand", "linked_change, same_grade"),
        ({"estimand": "spread_ratio"}, "estimand", "linked_change"),
        ({"estimand": "linked_change", "subgroup": "grade=9"}, "subgroup", "all, grade=5"),
        ({"wave": "mid"}, "wave", "all, pre, post"),
        ({"outcome": "joy", "wave": "never"}, "outcome", "intrinsic_motivation"),
    ],
)
def test_a_wrong_choice_is_told_once_with_what_is_allowed(demo, wrong, what, allowed):
    for refuse in (choices, look):
        with pytest.raises(InputError) as caught:
            refuse(demo, **{"population": "pupils", **wrong})
        (problem,) = caught.value.problems
        assert problem.what == f"unknown {what}"
        assert problem.found == wrong[what]
        assert problem.allowed.startswith(allowed)
        assert problem.found not in problem.allowed.split(", ")


def test_every_choice_offered_can_be_looked_at(study):
    box = explorer(study)
    menus = menus_of(box)
    seen = {}
    for _, outcome, estimand, subgroup in offered_paths(study, REGION):
        menus["outcome"].value, menus["estimand"].value = outcome, estimand
        assert chosen_in(box) == {
            "population": "pupils", "region": REGION, "outcome": outcome, "estimand": estimand,
            "subgroup": subgroup, "wave": "all",
        }  # fmt: skip
        output = shown_in(box)
        assert output["output_type"] == "display_data"
        assert output["metadata"] == {GATED: True}
        html = output["data"]["text/html"]
        for text in (study.words.outcome("pupils", outcome), "Fall 2008"):
            assert text in html
        assert html.count('<ul class="reading">') == 1
        assert html.count("<table") == 1
        assert html.count("<figure") >= 1
        seen[outcome, estimand] = html
    assert len(seen) == len({*seen.values()}) == 18
    for region in menus["region"].options:
        menus["region"].value = region[1]
        assert region[0] in shown_in(box)["data"]["text/html"]


def test_the_numbers_are_those_of_the_studys_own_effects(study):
    clean = study.read("pupils")
    rows = study.effects("pupils", clean)
    keys = ["outcome", "estimand", "subgroup"]
    row = rows[(rows[keys] == ["value", "linked_change", "all"]).all(axis=1)].iloc[0]
    found = look(study, outcome="value", estimand="linked_change")
    soup = soup_of(found)
    assert study.words.number(row["estimate"], signed=True) in soup.find("ul").get_text()
    assert study.words.number(row["estimate"], signed=True) in soup.find("table").get_text()
    assert study.words.count(row["n_pairs"]) in soup.find("table").get_text()
    assert soup.find("p", class_="place").get_text().split(" · ")[1:] == [
        "Fall 2008", study.words.outcome("pupils", "value"), "Linked change", "everybody",
    ]  # fmt: skip


def test_another_region_redraws_and_comes_from_its_own_data(study):
    box = explorer(study)
    before = shown_in(box)
    menus_of(box)["region"].value = "spring-2009"
    after = shown_in(box)
    there = open_study("sats", region="spring-2009", language="en")
    alone = look(there, **{**chosen_in(box), "region": None})
    assert after != before
    assert after["data"]["text/html"] == alone.html
    menus_of(box)["region"].value = REGION
    assert shown_in(box) == before


def test_effects_are_computed_once_for_a_population_in_a_region(study, monkeypatch):
    counted = []
    own = type(study).effects

    def counting(self, population, clean):
        counted.append((population, self.region))
        return own(self, population, clean)

    monkeypatch.setattr(type(study), "effects", counting)
    menus = menus_of(explorer(study))
    for kind, value in (
        ("outcome", "value"), ("region", "fall-2007"), ("estimand", "school_change"),
        ("region", REGION), ("wave", "pre"), ("region", "fall-2007"),
    ):  # fmt: skip
        menus[kind].value = value
    assert counted == [("pupils", REGION), ("pupils", "fall-2007")]


def test_menus_follow_those_before_them(demo):
    box = explorer(demo)
    menus = menus_of(box)
    menus["region"].value = names.NATIONAL
    menus["estimand"].value = "spread_ratio"
    menus["region"].value = "oslo"
    assert menus["estimand"].value != "spread_ratio"
    assert "spread_ratio" not in [value for _, value in menus["estimand"].options]
    menus["estimand"].value = "same_grade"
    menus["subgroup"].value = "grade=9"
    menus["outcome"].value = "persistence"
    assert (menus["estimand"].value, menus["subgroup"].value) == ("same_grade", "grade=9")
    menus["population"].value = "leaders"
    assert chosen_in(box) == choices(demo, population="leaders", region="oslo").chosen
    for kind, menu in menus.items():
        offered = choices(demo, **chosen_in(box)).options[kind]
        assert {value: label for label, value in menu.options} == offered


def test_what_goes_wrong_is_told_where_the_result_would_stand(demo):
    output = shown_in(explorer(demo))
    assert output["output_type"] == "stream"
    assert "no clean data" in output["text"]
    assert "loftet clean demo" in output["text"]
    with pytest.raises(InputError, match="no clean data"):
        look(demo)


def test_answers_are_drawn_of_a_region_and_where_nobody_can_be_told_apart(study, monkeypatch):
    first, second = (figure["id"] for figure in soup_of(look(study)).find_all("figure"))
    assert first.startswith("change_")
    assert second.startswith("distribution_")
    # the data are public, so those of all regions are drawn too; elsewhere they are not
    assert len(soup_of(look(study, region=names.NATIONAL)).find_all("figure")) == 2
    closed = study.study.model_copy(update={"disclosure": "internal"})
    monkeypatch.setattr(explore, "_opened", lambda *_: open_closed)
    open_closed = type(study)(closed, names.NATIONAL, study.words)
    soup = soup_of(look(study, region=names.NATIONAL))
    assert len(soup.find_all("figure")) == 1
    assert "only for everybody in one region" in soup.find_all("p", class_="hidden")[-1].get_text()


def test_answers_of_one_wave_are_drawn_alone(study):
    both, before, after = (
        soup_of(look(study, wave=wave)).find_all("figure")[1].img for wave in ("all", "pre", "post")
    )
    assert len({both["src"], before["src"], after["src"]}) == 3


@pytest.mark.parametrize(("wave", "said"), [("pre", "before"), ("post", "after")])
def test_one_wave_is_not_called_hidden(study, wave, said):
    figure = soup_of(look(study, wave=wave)).find_all("figure")[1]
    assert re.search(rf"mean \d\.\d\d {said}", figure.img["alt"])
    assert "before and after" not in figure.get_text()


@pytest.fixture
def without_widgets(monkeypatch):
    """The module as it is where ipywidgets cannot be imported."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr(show, "explore", explore)
    monkeypatch.delitem(sys.modules, explore.__name__)
    return importlib.import_module(explore.__name__)


def test_it_works_where_there_are_no_widgets(study, without_widgets):
    assert without_widgets is not explore
    assert without_widgets.widgets is None
    said = without_widgets.explorer(study)
    assert said._repr_mimebundle_()[1] == {GATED: True}
    assert "next cell" in said.text
    chosen = {"outcome": "effort", "estimand": "school_change"}
    assert without_widgets.look(study, **chosen) == look(study, **chosen)
    assert without_widgets.choices(study).options == choices(study).options


def run(path, **parameters: str) -> list:
    """Run a notebook's cells here, as a kernel would, and give what they show."""
    shown, space = [], {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), cell.id, "exec"), space)
        if "parameters" in cell.metadata.get("tags", []):
            space |= parameters
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), cell.id, "eval"), space))
    return shown


def test_the_notebook_runs_from_top_to_bottom():
    shown = run(NOTEBOOK, study="sats", region=REGION, language="en")
    place, box, listed, result, about = shown
    assert "Fall 2008" in soup_of(place).get_text()
    assert shown_in(box)["data"]["text/html"] == result.html
    assert "linked_change" in soup_of(listed).get_text()
    assert soup_of(result).find("table")
    # it tells of the data of its own region, whatever else was looked at
    alone = open_study("sats", region=REGION, language="en")
    assert about != alone.about()
    alone.read("pupils")
    assert about == alone.about()


def test_the_notebook_runs_where_there_are_no_widgets(without_widgets):
    shown = run(NOTEBOOK, study="sats", region=REGION, language="en")
    assert "next cell" in shown[1].text
    assert soup_of(shown[3]).find("table")


def test_the_notebook_is_a_page_to_read():
    form.test_a_notebook_is_valid_and_runs_anywhere(NOTEBOOK)
    form.test_it_begins_with_a_title_and_a_question(NOTEBOOK)
    form.test_imports_stand_in_one_cell(NOTEBOOK)
    form.test_cells_are_short_and_hold_no_machinery(NOTEBOOK)
    form.test_no_scale_is_named(NOTEBOOK)
    form.test_it_ends_with_what_it_was_made_from(NOTEBOOK)
    parameters, *others = form.code_cells(NOTEBOOK)
    assert form.tags(parameters) == {"parameters"}
    of_region = form.code_cells(HERE / "notebooks" / "region" / "04_pupils.ipynb")[0]
    assert parameters.source == of_region.source
    assert not any(form.tags(cell) for cell in others)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in others)


def test_prose_stands_before_and_after_every_result_of_the_notebook():
    cells = form.read(NOTEBOOK).cells
    codes = [place for place, cell in enumerate(cells) if cell.cell_type == "code"]
    results = [place for place in codes[:-1] if form.shows_something(cells[place])]
    assert len(results) == 4
    for place in results:
        before = cells[place - 1]
        assert before.cell_type == "markdown" or not form.shows_something(before)
        assert cells[place + 1].cell_type == "markdown"


def test_the_batch_leaves_the_notebook_alone():
    assert not re.match(r"\d", NOTEBOOK.name)
    assert NOTEBOOK.parent == paths.notebooks()
