"""Pages and the index: only what was shown, readable by everybody, in one language."""

import ast
import io
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from docx import Document
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from loftet_analysis import names, paths
from loftet_analysis.batch.runner import _files
from loftet_analysis.errors import LoftetError
from loftet_analysis.show import session
from loftet_analysis.show.languages import PSEUDO
from loftet_analysis.show.shown import Drawn, Shown
from loftet_analysis.show.site import clean_notebook, figures, files, left_out, page
from tests.conftest import clean_sats
from tests.small_demo import HERE

NOTEBOOKS = {
    path.stem: path
    for kind in ("region", "national")
    for path in sorted((HERE / "notebooks" / kind).glob("*.ipynb"))
}
OF_ANY_STUDY = sorted((HERE / "notebooks/any").glob("*.ipynb"))
SYMBOLS = (
    r"τ|I²|p \(Q\)|α|ω|\bn\b|\bQ\d+\b|ΔCFI|ΔRMSEA|CFI|RMSEA|ICC|r_wg"
    r"|PNG|SVG|CSV|Word|loftet-analysis|pandas|numpy|scipy|pingouin|matplotlib"
)


@pytest.fixture(scope="module", autouse=True)
def sats(tmp_path_factory):
    """Clean data of the real study, in a place of their own."""
    data, keys = map(tmp_path_factory.mktemp, ("Løftet data", "keys"))
    with clean_sats(HERE, data, keys, with_invariance=True) as study:
        yield study


def executed(path, **parameters: str):
    """Run a notebook's cells here, as a kernel would, and keep what they show."""
    notebook = nbformat.read(path, as_version=4)
    space: dict = {}
    with pytest.MonkeyPatch.context() as patch:
        shown: list = []
        patch.setattr(session, "display", shown.append)
        for cell in notebook.cells:
            if cell.cell_type != "code":
                continue
            body = ast.parse(cell.source).body
            last = body.pop() if isinstance(body[-1], ast.Expr) else None
            exec(compile(ast.Module(body, []), path.name, "exec"), space)
            if "parameters" in cell.metadata.get("tags", []):
                space |= parameters
            if last is not None:
                shown.append(eval(compile(ast.Expression(last.value), path.name, "eval"), space))
            cell.outputs = [output(each) for each in shown if hasattr(each, "_repr_mimebundle_")]
            shown.clear()
    return notebook


def output(shown):
    return new_output("display_data", data=shown._repr_mimebundle_())


def small(*cells):
    return new_notebook(cells=[new_markdown_cell("# Persistence\n\nA question?"), *cells])


def html_of(notebook, language: str = "nb", **questions: str) -> BeautifulSoup:
    about = {"name": "04_pupils", "place": "demo, nordland", "questions": questions}
    text = page(notebook, language=language, **about)
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


@pytest.mark.long
def test_pages_of_a_real_study_are_whole_and_in_one_language(sats):
    instrument = sats.populations["pupils"].instrument
    scales = instrument.scales.values()
    known = [scale.label["en"] for scale in scales]
    known += [label[0].lower() + label[1:] for label in known]  # inside a sentence
    known += [item.text["en"] for scale in scales for item in scale.items.values()]
    labels = [text["en"] for r in instrument.responses.values() for text in r.labels.values()]
    known += [label for label in labels if not label.isdigit()]
    known += list(sats.schools["school"])
    known += [sats.title["en"], *sats.regions["name"], "Strongly disagree", "Strongly agree"]
    for path in OF_ANY_STUDY:
        place = {"region": "fall-2008"} if "country" not in path.stem else {}
        notebook = executed(path, study="sats", language="nb" + PSEUDO, **place)
        keep(path.stem, place.get("region", names.NATIONAL))
        soup = html_of(notebook, "nb" + PSEUDO)
        assert soup.html["lang"] == "nb"
        fingerprints = re.findall(r"\b[0-9a-f]{12}\b", visible(soup))
        assert left_over(visible(soup), [*known, *fingerprints]) == "", path
        assert soup.find("p", class_="place").get_text().startswith(sats.title["en"])
        assert soup.find_all("figure")
        for figure in soup.find_all("figure"):
            assert len(figure.img["alt"]) > 30
            assert figure.figcaption.get_text(strip=True)
            assert figure.img["src"] == f"04_pupils/{figure['id']}.svg"
        assert not soup.find_all(["script", "style", "pre", "iframe"])
        for tag in soup.find_all(True):
            for attribute in ("href", "src"):
                assert not str(tag.get(attribute, "")).startswith(("http", "//"))
        ids = [tag["id"] for tag in soup.find_all(id=True)]
        assert len(ids) == len(set(ids))


def keep(notebook: str, region: str) -> None:
    """Put what the study opened last was asked to keep where a batch run would."""
    folder = paths.clean("sats") / "results" / region / notebook
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in session._OPENED[-1]._kept.items():
        rows.to_csv(folder / f"{name}.csv", index=False)


def test_a_question_is_asked_once_on_a_page_and_marked_at_each_heading():
    cells = [new_markdown_cell("## Teaching"), new_markdown_cell("## All pupils?")]
    for each in cells:
        each.metadata["tags"] = ["Q4"]
    soup = BeautifulSoup(
        page(small(*cells), language="en", name="04", questions={"Q4": "Do all?"}),
        "html.parser",
    )
    assert [each.get_text() for each in soup.find_all(class_="asked")] == ["Do all?"]
    assert [each.find(class_="question").get_text() for each in soup.find_all("h2")] == ["Q4"] * 2


def test_a_section_that_was_not_asked_shrinks_to_one_line():
    nothing = Shown({"nb": Drawn('<p class="not-asked">Ikke spurt.</p>', "Ikke spurt.")})
    table = Shown({"nb": Drawn("<table><tr><td>1</td></tr></table>", "1")}, "t")
    cells = [
        *(new_markdown_cell("## Persistence"), new_markdown_cell("Prose."), cell(nothing)),
        *(cell(nothing), new_markdown_cell("## Motivation"), cell(nothing), cell(table)),
        new_markdown_cell("After."),
    ]
    soup = html_of(small(*cells))
    first, second = soup.find_all("h2")
    line = first.find_next_sibling()
    assert line.get_text() == "Ikke spurt."
    assert line.find_next_sibling() is second
    assert "Prose." not in soup.get_text()
    assert "After." in soup.get_text()


def test_a_heading_that_was_shown_begins_a_section_too():
    nothing = Shown({"nb": Drawn('<p class="not-asked">Ikke spurt.</p>', "Ikke spurt.")})
    shown = [Shown({"nb": Drawn(f'<h2 id="{n}">{n}</h2>', n)}) for n in ("one", "two")]
    table = Shown({"nb": Drawn("<table><tr><td>1</td></tr></table>", "1")}, "t")
    outputs = [output(each) for each in (shown[0], nothing, nothing, shown[1], table)]
    soup = html_of(small(new_code_cell("1", outputs=outputs)))
    assert soup.get_text().count("Ikke spurt.") == 1
    assert soup.table


SECRET = [
    new_output("display_data", data={"text/html": "<table>secret</table>"}),
    new_output("stream", name="stdout", text="secret"),
    new_output("display_data", data={"image/png": "c2VjcmV0"}),
    new_output("execute_result", data={"text/plain": "secret"}, execution_count=1),
]
LET_THROUGH = Shown(
    {
        "nb": Drawn("<p>Matematikkglede</p>", "Matematikkglede"),
        "en": Drawn("<p>Joy of mathematics</p>", "Joy of mathematics"),
    },
    "joy",
)


def cell(shown, *tags: str):
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell("1", outputs=[output(shown)], metadata=metadata)


def test_a_page_shows_what_was_shown_in_its_language_and_nothing_else():
    notebook = small(new_code_cell("secret = 1", outputs=[*SECRET, output(LET_THROUGH)]))
    for language, seen in {"nb": "Matematikkglede", "en": "Joy of mathematics"}.items():
        soup = html_of(notebook, language)
        assert "secret" not in str(soup)
        assert "c2VjcmV0" not in str(soup)
        told = [p.get_text() for p in soup.main.select("p:not(.files)")]
        assert told == ["A question?", seen]
        assert soup.h1.get_text() == {"nb": "Utholdenhet", "en": "Persistence"}[language]


def test_a_notebook_with_a_language_of_its_own_is_told_what_to_do():
    with pytest.raises(LoftetError, match="is not in nn: let it open the study with its parameter"):
        html_of(small(cell(LET_THROUGH)), "nn")


@pytest.mark.parametrize("tag", ["exact", "nbval-check-output", "notebook-only"])
def test_what_is_for_those_who_open_the_notebook_stays_out_without_a_word(tag):
    note = new_markdown_cell("Only for coders", metadata={"tags": ["notebook-only"]})
    exact = new_code_cell("1", outputs=SECRET, metadata={"tags": [tag]})
    notebook = small(note, exact, cell(LET_THROUGH, tag))
    text = str(html_of(notebook))
    for unseen in ("Only for coders", "Matematikkglede", "secret"):
        assert unseen not in text
    assert left_out(notebook) == []


def test_what_stays_out_otherwise_is_named_and_cells_are_counted_as_in_jupyterlab():
    given = new_code_cell("region = 'oslo'", metadata={"tags": ["injected-parameters"]})
    axes = new_output("execute_result", data={"text/plain": "<Axes: >"}, execution_count=1)
    cells = [
        given,
        cell(LET_THROUGH),
        new_code_cell("1", outputs=SECRET[:2]),
        new_code_cell("2", outputs=[axes, SECRET[2]]),
        new_code_cell("3", outputs=[axes]),
    ]
    rest = "that did not go through the gate is not on the page; use study.show(...)"
    assert left_out(small(*cells)) == [
        f"cell 2: a table {rest}",
        f"cell 2: printed text {rest}",
        f"cell 3: a figure {rest}",
        f"cell 4: a value {rest}",
    ]


def test_figures_are_files_by_name_and_language_and_names_not_given_get_the_notebooks():
    drawn = {"nb": Drawn("<figure></figure>", "", b"<svg/>", b"png")}
    shown = [Shown(drawn, "change"), Shown(drawn, "estimation", named=False), LET_THROUGH]
    assert figures(small(*map(cell, shown)), "04_pupils") == {
        "change.nb.svg": b"<svg/>",
        "change.nb.png": b"png",
        "04_pupils_estimation.nb.svg": b"<svg/>",
        "04_pupils_estimation.nb.png": b"png",
    }


def figure(
    name: str, caption: str = "A change. And more.", png: bytes = b"png", **numbers: str
) -> Shown:
    page = f'<figure id="{name}" aria-label="Changes: &lt;joy&gt;"><img src="{name}.svg" alt="Up">'
    page = f"{page}<figcaption>{caption}</figcaption></figure>"
    drawn = Drawn(page, "Up", f"<svg>{caption}</svg>".encode(), png, numbers)
    return Shown({"nb": drawn}, name)


def test_a_phone_has_a_picture_of_its_own():
    source = '<source media="screen and (max-width: 40rem)" srcset="change.phone.svg">'
    picture = f'<picture>{source}<img src="change.svg" alt="Up"></picture>'
    told = f"{picture}<figcaption>A change.</figcaption>"
    page = f'<figure id="change" aria-label="Changes">{told}</figure>'
    shown = Shown({"nb": Drawn(page, "Up", b"<svg/>", b"png", {}, b"<svg>small</svg>")}, "change")
    notebook = small(cell(shown), cell(shown))
    drawn = html_of(notebook).find_all("figure")
    for each, name in zip(drawn, ("change", "change_2"), strict=True):
        assert each.source["srcset"] == f"04_pupils/{name}.phone.svg"
        assert each.img["src"] == f"04_pupils/{name}.svg"
        assert files(notebook, "nb")[f"{name}.phone.svg"] == b"<svg>small</svg>"
    # no file lies beside a notebook
    assert "phone" not in shown._repr_html_()


def test_a_figure_is_a_file_with_links_to_it_and_to_its_numbers():
    notebook = small(cell(figure("change", **{"": "a;b", "answers": "c;d", "mine": "e;f"})))
    (drawn,) = html_of(notebook).find_all("figure")
    assert drawn.img["src"] == "04_pupils/change.svg"
    assert drawn.find("p").get_text() == (
        "Last ned: PNG, SVG, tall (CSV), tall – svar (CSV), tall – mine (CSV)"
    )
    made = files(notebook, "nb")
    assert made["change.csv"] == b"a;b"
    assert [a["href"] for a in drawn.find_all("a")] == [
        f"04_pupils/change{end}" for end in (".png", ".svg", ".csv", ".answers.csv", ".mine.csv")
    ]
    assert {a["href"].partition("/")[2] for a in drawn.find_all("a")} == {*made}
    labels = [a["aria-label"] for a in drawn.find_all("a")]
    assert labels[0] == "PNG, Changes: <joy>"  # what the figure is called; it holds what one sees
    assert all(a["aria-label"].startswith(a.get_text()) for a in drawn.find_all("a"))
    inline = output(figure("change"))["data"]["text/html"]
    assert 'src="data:image/svg+xml;base64,' in inline
    assert "href" not in inline


def test_a_picture_of_points_is_beside_open_figures_only_and_in_word_of_all():
    drawn = io.BytesIO()
    Image.new("RGB", (90, 60), "white").save(drawn, "PNG")
    shown = [figure("open", png=drawn.getvalue()), figure("closed", png=drawn.getvalue())]
    folded = new_markdown_cell("## More", metadata={"tags": ["appendix"]})
    notebook = small(cell(shown[0]), folded, cell(shown[1]))
    text = page(notebook, language="nb", name="04_pupils", questions={})
    links = [p.get_text() for p in BeautifulSoup(text, "html.parser").select("figure p.files")]
    assert links == ["Last ned: PNG, SVG", "Last ned: SVG"]
    made = _files(notebook, "04_pupils", "nb", text, internal=False)
    assert {*made} == {"open.png", "open.svg", "closed.svg", "04_pupils.docx"}
    assert len(Document(io.BytesIO(made["04_pupils.docx"])).inline_shapes) == 2


def test_two_figures_of_one_name_are_two_files():
    notebook = small(cell(figure("change", "One.")), cell(figure("change", "Other.")))
    soup = html_of(notebook)
    assert [each["id"] for each in soup.find_all("figure")] == ["change", "change_2"]
    made = files(notebook, "nb")
    assert made["change.svg"] == b"<svg>One.</svg>"
    assert made["change_2.svg"] == b"<svg>Other.</svg>"
    assert {*figures(notebook, "04_pupils")} == {
        f"{name}.nb.{kind}" for name in ("change", "change_2") for kind in ("svg", "png")
    }


def test_questions_stand_beside_and_beneath_the_headings_that_are_tagged():
    tags = {"metadata": {"tags": ["Q2", "Q7", "other", "climate"]}}
    soup = html_of(small(new_markdown_cell("## Persistence", **tags)), Q2="Varer det?", climate="?")
    heading = soup.h2
    assert heading.get_text() == "Utholdenhet Q2 Q7 climate"
    asked = heading.find_next_siblings("p", class_="asked")
    assert [p.get_text() for p in asked] == ["Varer det?", "?"]


def test_title_and_way_back():
    soup = html_of(small(), "nn")
    assert soup.title.get_text() == "Uthald – demo, nordland"
    assert soup.header.a["href"] == "../../index.html"
    assert soup.header.a.get_text() == "Alle sider"
    assert soup.find("link", rel="stylesheet")["href"] == "../../assets/loftet.css"
    assert soup.find("meta", attrs={"name": "viewport"})
    word = soup.find("p", class_="files").a
    assert word["href"] == "04_pupils/04_pupils.docx"
    assert word["aria-label"] == "Word, Uthald"


def test_an_appendix_is_closed_with_what_is_beneath_it_until_the_next_heading_of_its_level():
    closed = {"metadata": {"tags": ["appendix", "Q2"]}}
    cells = [
        *(new_markdown_cell("## Motivation"), new_markdown_cell("First.")),
        *(new_markdown_cell("## Measurement", **closed), new_markdown_cell("Second.")),
        *(new_markdown_cell("### Items", **closed), new_markdown_cell("Third.")),
        *(new_markdown_cell("## Groups"), new_markdown_cell("Fourth.")),
    ]
    soup = html_of(small(*cells), "en", Q2="Why?")
    (appendix,) = soup.find_all("details")
    assert "open" not in appendix.attrs
    assert appendix.summary.h2.get_text() == "Measurement Q2"
    assert "Second." in appendix.get_text()
    assert "Third." in appendix.get_text()
    assert "First." not in appendix.get_text()
    assert "Fourth." not in appendix.get_text()
    assert len(soup.find_all("h2")) == 3
    assert soup.h2.find_next("h3").get_text().startswith("Items")
    last = html_of(small(*cells[2:4]), "en").find("details")
    assert "Second." in last.get_text()


def test_two_runs_leave_the_same_notebook():
    def run(stamp: str):
        cell = new_code_cell("1", execution_count=3, metadata={"tags": ["injected-parameters"]})
        cell.outputs = [output(LET_THROUGH)]
        cell.id = f"random-{stamp.replace(':', '-')}"
        cell.metadata.update(papermill={"start_time": stamp}, execution={"iopub": stamp})
        last = new_code_cell("hand_over()", metadata={"tags": ["handover"]})
        notebook = new_notebook(
            cells=[cell, last],
            metadata={
                "papermill": {"end_time": stamp},
                "kernelspec": {"name": "python3", "display_name": "Python 3"},
                "language_info": {"name": "python", "version": stamp},
            },
        )
        return nbformat.writes(clean_notebook(notebook))

    assert run("10:01") == run("10:02")
    assert not re.search("10.0|handover|Joy", run("10:01"))
    assert "Matematikkglede" in run("10:01")
