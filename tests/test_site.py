"""Pages and the index: only what passed the gate, readable by everybody, in one language."""

import ast
import re

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from loftet_analysis import names, paths
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.errors import InputError
from loftet_analysis.show import open_study
from loftet_analysis.show.languages import PSEUDO
from loftet_analysis.show.publish import GATED, VIEWS, publish
from loftet_analysis.show.site import clean_notebook, index, page
from loftet_analysis.show.translate import translated
from loftet_analysis.study import load_study
from tests.made_up import REGIONS, mask, words
from tests.small_demo import HERE
from tests.test_publish import SHOWN

NOTEBOOKS = {path.stem: path for path in sorted((HERE / "notebooks").rglob("[0-9]*.ipynb"))}
SYMBOLS = (
    r"τ|I²|p \(Q\)|α|ω|\bn\b|\bQ\d+\b|ΔCFI|ΔRMSEA|CFI|RMSEA|ICC|r_wg"
    r"|loftet-analysis|pandas|numpy|scipy|pingouin|matplotlib"
)


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


def output(shown) -> dict:
    bundle = shown._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return new_output("execute_result", data=data, metadata=metadata, execution_count=1)


def executed(name: str, *, language: str, **parameters: str):
    """Run a notebook's cells here, as a kernel would, and keep what they show."""
    notebook = translated(nbformat.read(NOTEBOOKS[name], as_version=4), language)
    space: dict = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), name, "exec"), space)
        if "parameters" in cell.metadata.get("tags", []):
            space |= {"study": "sats", "language": language, **parameters}
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, "eval"), space)
            cell.outputs = [] if value is None else [output(value)]
    return notebook


def published(tmp_path, view: str, language: str):
    frame, others = SHOWN[view]()
    return publish(
        frame, view, name=view, mask=mask(), profile="internal", words=words(language),
        folder=tmp_path, **others,
    )  # fmt: skip


def small(*cells):
    return new_notebook(cells=[new_markdown_cell("# Title\n\nA question?"), *cells])


def html_of(notebook, language: str = "nb") -> BeautifulSoup:
    text = page(notebook, language=language, study="demo", region="nordland")
    return BeautifulSoup(text, "html.parser")


def left_over(text: str, known: list[str]) -> str:
    """What is not translated: text outside ⟦…⟧, names, numbers and symbols."""
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = shorter
    for name in sorted(known, key=len, reverse=True):
        text = text.replace(name, " ")
    return " ".join(re.sub(rf"{SYMBOLS}|[^a-zæøåA-ZÆØÅ]", " ", text).split())


def visible(soup: BeautifulSoup) -> str:
    for tag in soup(["style", "script"]):
        tag.decompose()
    alts = [image["alt"] for image in soup.find_all("img")]
    return " ".join([*soup.stripped_strings, *alts])


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_speaks_the_readers_language_only(tmp_path, view):
    shown = published(tmp_path, view, "nb" + PSEUDO)
    speech = words("nb")
    known = [*speech.outcomes.values(), *REGIONS.values(), *speech.items.values()]
    known += [*speech.options["pupils", "joy"].values(), *speech.schools.values(), "Gøy."]
    soup = BeautifulSoup(shown.html, "html.parser")
    assert "⟦" in visible(soup)
    assert left_over(visible(soup), known) == ""
    for figure in tmp_path.glob("*.svg"):
        said = re.findall(r"<!-- (.*?) -->", figure.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert left_over(" ".join(said), known) == ""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_page_of_a_real_study_is_whole_and_in_one_language(name, sats):
    place = {} if name == "10_synthesis" else {"region": "fall-2008"}
    notebook = executed(name, language="nb" + PSEUDO, **place)
    soup = html_of(notebook, "nb" + PSEUDO)
    assert soup.html["lang"] == "nb"
    instrument = sats.populations["pupils"].instrument
    known = [scale.label["en"] for scale in instrument.scales.values()]
    known += [
        item.text["en"] for scale in instrument.scales.values() for item in scale.items.values()
    ]
    labels = [text["en"] for r in instrument.responses.values() for text in r.labels.values()]
    known += [label for label in labels if not label.isdigit()]
    known += list(sats.schools["school"])
    known += [sats.title["en"], *sats.regions["name"], "Strongly disagree", "Strongly agree"]
    known += re.findall(r"\b[0-9a-f]{12}\b", visible(soup))
    assert left_over(visible(soup), known) == ""
    assert soup.find("p", class_="place").get_text().startswith(sats.title["en"])
    figures = soup.find_all("figure")
    assert bool(figures) is (name not in {"03_teachers", "05_leader_support"})
    for figure in figures:
        assert len(figure.img["alt"]) > 40
        assert figure.figcaption.get_text(strip=True)
        assert figure.img["src"].startswith("data:image/svg+xml;base64,")
    assert not soup.find_all(["script", "style", "pre", "iframe"])
    for tag in soup.find_all(True):
        for attribute in ("href", "src"):
            assert not str(tag.get(attribute, "")).startswith(("http", "//"))
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_a_section_that_was_not_asked_shrinks_to_one_line():
    soup = html_of(executed("04_pupils", language="nb", region="fall-2008"))
    heading = soup.find(id="persistence-heading")
    assert (heading.name, heading.get_text()) == ("h2", "Utholdenhet Q2")
    line = heading.find_next_sibling()
    assert line.get_text() == "Dette ble det ikke spurt om i denne undersøkelsen."
    assert line.find_next_sibling().name == "h2"
    assert soup.find(id="other-heading").find_next("figure")


def test_a_page_shows_what_passed_the_gate_and_nothing_else(tmp_path):
    let_through = output(published(tmp_path, "reading", "nb"))
    raw = new_output("display_data", data={"text/html": "<table>secret</table>"})
    said = new_output("stream", name="stdout", text="secret")
    image = new_output("display_data", data={"image/png": "c2VjcmV0"})
    notebook = small(new_code_cell("secret = 1", outputs=[raw, said, image, let_through]))
    text = str(html_of(notebook))
    assert "secret" not in text
    assert "c2VjcmV0" not in text
    assert "Matematikkglede" in text
    kept = clean_notebook(notebook).cells[1].outputs
    assert [o.metadata for o in kept] == [{GATED: True}]


def test_check_cells_and_notes_to_the_reader_of_code_stay_out(tmp_path):
    shown = output(published(tmp_path, "reading", "nb"))
    check = new_code_cell(
        "1", outputs=[shown], metadata={"tags": ["nbval-check-output", "keep_output"]}
    )
    note = new_markdown_cell("Only for coders", metadata={"tags": ["notebook-only"]})
    text = str(html_of(small(note, check)))
    assert "Only for coders" not in text
    assert "Matematikkglede" not in text


def test_title_and_way_back():
    soup = html_of(small(), "nn")
    assert soup.title.get_text() == "Title – demo, nordland"
    assert soup.nav.a["href"] == "../../index.html"
    assert soup.nav.a.get_text() == "Alle sider"
    assert soup.find("link", rel="stylesheet")["href"] == "../../assets/loftet.css"
    assert soup.find("meta", attrs={"name": "viewport"})


def test_two_runs_leave_the_same_notebook():
    def run(stamp: str):
        cell = new_code_cell("1", execution_count=3, metadata={"tags": ["injected-parameters"]})
        cell.id = f"random-{stamp.replace(':', '-')}"
        cell.metadata.update(papermill={"start_time": stamp}, execution={"iopub": stamp})
        notebook = new_notebook(
            cells=[cell],
            metadata={
                "papermill": {"end_time": stamp},
                "kernelspec": {"name": "python3", "display_name": "Python 3"},
                "language_info": {"name": "python", "version": stamp},
            },
        )
        return nbformat.writes(clean_notebook(notebook))

    assert run("10:01") == run("10:02")
    assert not re.search("10.0", run("10:01"))


def test_index_lists_every_page_with_its_state(sats):
    states = {
        ("spring-2008", "04_pupils", "nb"): "failed",
        ("spring-2008", "03_teachers", "nb"): "done",
        ("fall-2007", "04_pupils", "nn"): "done",
        ("fall-2007", "04_pupils", "nb"): "done",
        (names.NATIONAL, "10_synthesis", "en"): "done",
    }
    target = index(sats, states)
    assert target == paths.reports("sats") / "index.html"
    soup = BeautifulSoup(target.read_text(encoding="utf-8"), "html.parser")
    assert soup.html["lang"] == "en"
    assert [h.get_text() for h in soup.find_all("h2")] == [
        "All regions", "Fall 2007", "Spring 2008",
    ]  # fmt: skip
    assert [(a["href"], a["hreflang"], a.get_text()) for a in soup.find_all("a")] == [
        ("en/national/10_synthesis.html", "en", "English"),
        ("nb/fall-2007/04_pupils.html", "nb", "bokmål"),
        ("nn/fall-2007/04_pupils.html", "nn", "nynorsk"),
        ("nb/spring-2008/03_teachers.html", "nb", "bokmål"),
    ]
    (failed,) = soup.find_all(class_="failed")
    assert failed.get_text() == "bokmål: failed"
    assert "5 pages · 1 failed" in soup.get_text()
    assert soup.find("meta", attrs={"name": "viewport"})
    stylesheet = target.parent / soup.find("link")["href"]
    assert not re.search(r"https?:|@import|url\(", stylesheet.read_text(encoding="utf-8"))


def test_a_batch_keeps_exact_results_in_the_columns_of_the_contract(tmp_path, monkeypatch):
    monkeypatch.setenv("LOFTET_RESULTS", str(tmp_path))
    study = open_study("sats", region="fall-2008")
    pupils = study.read("pupils")
    effects = study.effects("pupils", pupils)
    study.reliability({"pupils": pupils})
    kept = pd.read_csv(tmp_path / "effects.pupils.csv")
    assert tuple(kept.columns) == names.EFFECTS
    assert list(kept["estimate"]) == pytest.approx(list(effects["estimate"]), rel=1e-11)
    assert tuple(pd.read_csv(tmp_path / "reliability.pupils.csv").columns) == names.RELIABILITY


def test_what_is_computed_from_a_changed_frame_or_outside_a_batch_is_not_kept(
    tmp_path, monkeypatch
):
    study = open_study("sats", region="fall-2009")
    pupils = study.read("pupils")
    study.effects("pupils", pupils)
    monkeypatch.setenv("LOFTET_RESULTS", str(tmp_path))
    study.effects("pupils", pupils.iloc[:200].reset_index(drop=True))
    assert not list(tmp_path.glob("*.csv"))


def test_the_country_has_every_region_and_pools_them():
    study = open_study("sats")
    pupils = study.read("pupils")
    regions = study.effects_by_region("pupils", pupils)
    assert list(dict.fromkeys(regions["region"])) == list(study.study.regions["region"])
    together = study.pooled("pupils", regions)
    assert set(together["k"]) == {study.study.regions["region"].nunique()}
    alone = open_study("sats", region="fall-2008")
    own = alone.effects("pupils", alone.read("pupils"))
    same = regions[regions["region"] == "fall-2008"].reset_index(drop=True)
    # adjusting p-values takes all regions
    assert same["p_adjusted"].notna().equals(same["p_value"].notna())
    assert own["p_adjusted"].isna().all()
    pd.testing.assert_frame_equal(same.drop(columns="p_adjusted"), own.drop(columns="p_adjusted"))


def test_rows_are_chosen_by_question_and_estimand():
    study = open_study("sats", region="fall-2008")
    effects = study.effects("pupils", study.read("pupils"))
    assert study.outcomes_of(effects, "Q1").empty
    assert len(study.outcomes_of(effects, None)) == len(effects)
    linked = study.outcomes_of(effects, None, estimands=["linked_change"])
    assert set(linked["estimand"]) == {"linked_change"}
    assert len(study.outcomes_of(effects, None, estimands=["participants"])) == len(effects)


def test_a_population_that_was_not_asked_gives_empty_results_all_the_way():
    study = open_study("sats", region="fall-2008", language="nn")
    teachers = study.read("teachers")
    results = {
        "reading": study.effects("teachers", teachers),
        "reliability_table": study.reliability({"teachers": teachers}),
        "distribution": study.distribution({"teachers": teachers}),
        "items_table": study.items({"teachers": teachers}),
        "likert": study.answers({"teachers": teachers}),
        "spread_table": study.variance("teachers", teachers),
        "agreement_table": study.agreement(teachers, study.read("leaders")),
        "pooled_table": study.pooled("teachers", study.effects_by_region("teachers", teachers)),
    }
    for view, frame in results.items():
        shown = study.publish(frame, view, name="nothing")
        assert shown.text == "Dette vart det ikkje spurt om i denne undersøkinga."


def test_distributions_count_everybody_in_bins_between_possible_scores():
    study = open_study("sats", region="fall-2008")
    pupils = study.read("pupils")
    bins = study.distribution({"pupils": pupils})
    for (outcome, wave), part in bins.groupby(["outcome", "wave"]):
        values = pupils.loc[pupils["wave"] == wave, outcome].dropna()
        assert part["n"].sum() == len(values)
        assert part["share"].sum() == pytest.approx(1)
        assert part["mean"].iloc[0] == pytest.approx(values.mean())
        inner = part["low"].to_numpy()[1:]
        assert not pd.Series(values).isin(inner).any()


def test_an_open_study_can_be_opened_again():
    study = open_study("sats", region="fall-2008", language="nn")
    again = open_study(study, region="fall-2009", language="nb")
    assert (again.study.name, again.region, again.words.language) == ("sats", "fall-2009", "nb")


def test_unknown_regions_languages_and_missing_data_are_said_in_words(monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"unknown region of sats\n.*found: +oslo\n.*fall-2007, "):
        open_study("sats", region="oslo")
    with pytest.raises(InputError, match=r"unknown language\n.*found: +sv"):
        open_study("sats", language="sv")
    monkeypatch.setenv("LOFTET_DATA", str(tmp_path))
    with pytest.raises(InputError, match="loftet clean sats"):
        open_study("sats", region="fall-2008").read("pupils")
