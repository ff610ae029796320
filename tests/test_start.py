"""The notebook to begin with: a study's state at a glance, and the way to its questions."""

import ast
import shutil
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup

from loftet_analysis import names, paths
from loftet_analysis.batch.start import start, state
from loftet_analysis.errors import InputError
from loftet_analysis.show.session import OpenStudy, open_study
from loftet_analysis.study import load_study
from tests import test_notebook_form as form
from tests.conftest import clean_sats
from tests.small_demo import HERE
from tests.test_explore import chosen, html_of

NOTEBOOK = HERE / "notebooks" / "start.ipynb"
REGION = "fall-2008"


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory):
    """A project with clean data of the real study alone; the demo has only its description."""
    root = tmp_path_factory.mktemp("Løftet start")
    for folder in ("data_raw", "notebooks"):
        shutil.copytree(HERE / folder, root / folder)
    with clean_sats(root, root, tmp_path_factory.mktemp("keys")):
        yield root


@pytest.fixture
def study():
    return open_study("sats", region=REGION, language="en")


def links(shown) -> dict[str, str]:
    """Where the last of what is shown leads, by what is written there."""
    found = BeautifulSoup(html_of(shown[-1:]), "html.parser").find_all("a")
    return {each.get_text(): unquote(each["href"]) for each in found}


def test_it_begins_with_the_studys_own_place_and_its_last_closed_wave(study):
    begun = start(study)
    assert chosen(begun) == {"study": "sats", "region": REGION, "phase": "post"}
    assert chosen(begun, study="demo") == {
        "study": "demo", "region": names.NATIONAL, "phase": "plan",
    }  # fmt: skip
    rows = begun.choices(study="demo")
    assert "nordland" in rows["value"].to_list()
    with pytest.raises(InputError, match="unknown region"):
        begun.choices(region="nordland")


def test_the_quality_of_the_data_is_that_of_the_regions_own_pages(study, shown):
    start(study).look(phase="pre")
    place, told, answered, quality, lights, _ = (each.first for each in shown)
    assert "Fall 2008" in place.text
    assert "The clean data are not those" in told.text  # no run has recorded them
    assert "Pages up to date: 0 of 3." in told.text
    n = study.response().query("wave == 'pre' and subgroup == 'all'")["n_answered"].iloc[0]
    assert study.words.count(n) in BeautifulSoup(answered.html, "html.parser").get_text()
    assert "6 scales" in quality.text
    assert lights.html.count("<table") == 1


def test_every_link_leads_to_a_file_from_the_notebooks_folder(project, study, shown):
    page = paths.reports("demo") / "en" / "nordland" / "04_pupils.html"
    page.parent.mkdir(parents=True)
    page.write_text("made")
    begun = start(study)
    begun.look(study="demo", region="nordland", phase="post")
    found = links(shown)
    assert found["04_pupils"] == "region/04_pupils.ipynb"
    # the last of its questions; the first of the headings that answer it
    there = "../reports/demo/en/nordland/04_pupils.html#teaching-heading"
    assert found["04_pupils.html"] == there
    assert "05_leader_support.html" not in found  # not made
    for to in found.values():
        assert (project / "notebooks" / to.partition("#")[0]).resolve().exists()
    text = BeautifulSoup(html_of(shown[-1:]), "html.parser").get_text()
    assert all(f"Q{n} " in text for n in range(1, 10))
    assert "Q10" not in text  # of the country


def test_a_phase_has_its_own_notebooks_and_a_study_without_data_is_told(study, shown):
    begun = start(study)
    by_phase = {}
    for phase in ("plan", "pre", "post"):
        del shown[:]
        begun.look(study="demo", region="nordland", phase=phase)
        by_phase[phase] = {*links(shown)}
        assert "no clean data yet; run: loftet clean demo" in shown[1].first.text
    assert by_phase["plan"] == {"12_planning"}
    assert {"01_fieldwork", "06_baseline"} <= by_phase["pre"] < by_phase["post"]
    assert "04_pupils" in by_phase["post"] - by_phase["pre"]


def test_a_study_that_cannot_be_read_is_told_where_its_state_would_stand(project, study):
    broken = project / "data_raw" / "broken"
    broken.mkdir()
    (broken / "study.yml").write_text("title: [\n")
    box = start(study).menus()
    (menu, *_) = box.children[0].children
    menu.value = "broken"
    (output,) = box.children[1].outputs
    assert output["name"] == "stderr"
    assert "not valid YAML" in output["text"]
    menu.value = "sats"
    assert len(box.children[1].outputs) > 1
    shutil.rmtree(broken)


def test_the_state_is_of_the_place_that_is_asked_for():
    study = load_study("demo")
    is_clean, of_region = state(study, "nordland", "nb")
    assert not is_clean
    assert (of_region["why"] != "").all()
    national = state(study, names.NATIONAL, "nb")[1]
    assert {"national/11_whole_school"} <= {*national["file"]} - {*of_region["file"]}
    of_pupils = of_region.set_index("file").loc["region/04_pupils", "questions"]
    assert of_pupils["Q1"] == "motivation-heading"
    assert of_pupils["Q4"] == "teaching-heading"  # the first of two


def test_the_code_makes_the_tables(study, shown, monkeypatch):
    frames = []
    render = OpenStudy.render

    def rendering(self, frame, draw=None, **options):
        frames.append((draw, frame.to_csv()))
        return render(self, frame, draw, **options)

    monkeypatch.setattr(OpenStudy, "render", rendering)
    start(study).look(phase="post")
    seen = [*frames]
    del frames[:]
    exec(compile(start(study).code(phase="post"), "pasted", "exec"), {})
    assert frames == seen
    assert len(frames) == 3


def test_the_notebook_runs_and_is_a_page_to_read(shown):
    space = {}
    for cell in form.code_cells(NOTEBOOK):
        *body, end = ast.parse(cell.source).body
        exec(compile(ast.Module(body, []), cell.id, "exec"), space)
        if isinstance(end, ast.Expr):
            begun = eval(compile(ast.Expression(end.value), cell.id, "eval"), space)
        else:
            exec(compile(ast.Module([end], []), cell.id, "exec"), space)
        if "parameters" in form.tags(cell):
            space |= {"study": "sats", "region": REGION, "language": "en"}
    begun._ipython_display_()
    (box,) = shown
    assert len(box.children[1].outputs) == 6
    form.test_a_notebook_is_valid_and_runs_anywhere(NOTEBOOK)
    form.test_it_begins_with_a_title_and_a_question(NOTEBOOK)
    form.test_imports_stand_in_one_cell(NOTEBOOK)
    form.test_cells_are_short(NOTEBOOK)
