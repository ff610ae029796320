"""What readers take away: numbers of figures as CSV, pages as Word, tables as LaTeX."""

import io
import re
import textwrap
import zipfile

import numpy as np
import pandas as pd
import pytest
from docx import Document
from docx.oxml.ns import qn
from PIL import Image

from loftet_analysis.disclosure.gate import gate
from loftet_analysis.show import figures
from loftet_analysis.show.languages import Words
from loftet_analysis.show.numbers import as_csv
from loftet_analysis.show.word import document, slim
from loftet_analysis.show.workbook import write_workbook
from tests.long import long_but
from tests.made_up import mask, words
from tests.small_demo import HERE
from tests.test_shown import EVERYTHING, FRAMES

DRAWN = [draw for draw in FRAMES if draw.__module__.startswith("loftet_analysis.show.figures")]


def read(text: str, language: str) -> pd.DataFrame:
    """A file as a spreadsheet of a language reads it."""
    sep, decimal = (",", ".") if language == "en" else (";", ",")
    return pd.read_csv(io.BytesIO(text.encode()), sep=sep, decimal=decimal, encoding="utf-8-sig")


# numbers


@pytest.mark.parametrize("language", long_but(["nn"], ["nb", "nn", "en"]))
@pytest.mark.parametrize("draw", DRAWN, ids=[draw.__name__ for draw in DRAWN])
def test_the_numbers_of_every_figure_are_those_that_passed_the_gate(draw, language):
    frame, others = FRAMES[draw]()
    for each in (frame, *others.values()):
        shown = pd.DataFrame(gate(each, mask(), "internal")).reset_index(drop=True)
        table = read(as_csv(shown, words(language)), language)
        assert len(table) == len(shown)
        for column in shown.select_dtypes("number"):
            if column in table:
                pd.testing.assert_series_equal(
                    table[column].astype(float), shown[column].astype(float), rtol=1e-9
                )
            else:
                assert shown[column].isna().all()
        hidden = pd.DataFrame(gate(each, mask(**EVERYTHING), "internal"))
        assert as_csv(hidden, words(language)).count("\n") == len(hidden) + 1


def test_codes_keep_standing_beside_their_names():
    frame = pd.DataFrame({"subgroup": ["all", "grade=7", "mine=1"], "wave": ["pre", "post", ""]})
    table = read(as_csv(frame, Words("nn")), "nn").fillna("")
    assert table["subgroup"].tolist() == ["all", "grade=7", "mine=1"]
    assert table["subgroup_label"].tolist() == ["alle", "7. trinn", "mine: 1"]
    assert table["wave_label"].tolist() == ["før", "etter", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n=", " -", "＝"])
@pytest.mark.parametrize("kind", [object, "str", "category"])
def test_no_text_is_computed_by_a_spreadsheet(start, kind):
    values = pd.Series([f"{start}1+1", "a = b"], dtype=kind)
    text = as_csv(pd.DataFrame({"mine": values, f"{start}x": [-1.5, -0.0]}), Words("nb"))
    rows = pd.read_csv(io.StringIO(text.removeprefix("\ufeff")), sep=";", dtype=str)
    written = re.sub(r"\s+", " ", start)
    assert rows.columns[1] == f"'{written}x"
    assert rows["mine"].tolist() == [f"'{written}1+1", "a = b"]
    assert rows.iloc[:, 1].tolist() == ["-1,5", "0"]


def test_what_is_empty_everywhere_is_left_out_and_what_is_hidden_is_said():
    frame = pd.DataFrame({"n": [12, 18], "se": [np.nan] * 2, "reason": ["", ""]})
    table = as_csv(frame.assign(suppressed=False), Words("en"))
    assert table == "\ufeffn\n12\n18\n"
    table = as_csv(frame.assign(suppressed=[True, False], reason=["x", ""]), Words("en"))
    assert table.splitlines() == ["\ufeffn,reason,suppressed", "12,x,True", "18,,False"]


def test_of_rows_of_results_only_declared_columns_are_told():
    frame = pd.DataFrame({"wave": ["pre"], "note": ["Kari Nordmann"], "n": [12], "twice": [24]})
    assert as_csv(frame, Words("en")) == "\ufeffwave,wave_label,n\npre,before,12\n"
    drawn = frame.set_index("wave")[["n"]]
    assert as_csv(drawn, Words("en")) == "\ufeffwave,wave_label,n\npre,before,12\n"
    twice = frame.set_index("wave", drop=False)[["wave", "n"]]
    assert as_csv(twice, Words("en")) == as_csv(drawn, Words("en"))


def test_a_pivoted_frame_keeps_the_names_of_its_rows_and_columns():
    frame = pd.DataFrame(
        {"outcome": ["joy", "joy", "effort"], "subgroup": ["all", "grade=7", "all"]}
    ).assign(estimate=[0.1, -0.2, 0.3], n=[12, 18, 24])
    wide = frame.pivot(index="outcome", columns="subgroup", values="estimate")
    assert as_csv(wide, Words("nb")) == "\ufeffoutcome;all;grade=7\neffort;0,3;\njoy;0,1;-0,2\n"
    both = frame.pivot(index="outcome", columns="subgroup", values=["estimate", "n"])
    assert as_csv(both, Words("en")).splitlines() == [
        "\ufeffoutcome,estimate all,estimate grade=7,n all,n grade=7",
        "effort,0.3,,24,",
        "joy,0.1,-0.2,12,18",
    ]
    turned = frame.set_index(["outcome", "subgroup"])[["n"]]
    assert as_csv(turned, Words("en")).splitlines()[1:3] == [
        "joy,all,everybody,12",
        "joy,grade=7,grade 7,18",
    ]
    unnamed = pd.DataFrame({"a": [1, 2]}, index=["=x", "y"])
    assert as_csv(unnamed, Words("en")).splitlines() == ["\ufeff,a", "'=x,1", "y,2"]


def test_two_columns_of_one_name_are_both_told():
    frame = pd.DataFrame([["pre", 12, 18]], columns=["wave", "n", "n"])
    assert as_csv(frame, Words("en")) == "\ufeffwave,wave_label,n,n\npre,before,12,18\n"


@pytest.mark.parametrize(("language", "other"), [("en", ";"), ("nb", ",")])
def test_no_part_of_a_text_is_computed_where_another_sign_parts_cells(language, other):
    texts = [f"a{other}=1+1", f"b{other} @x", f"c{other}d - e"]
    text = as_csv(pd.DataFrame({"flags": texts}), Words(language))
    parts = [line.strip('"').split(other)[1] for line in text.splitlines()[1:]]
    assert parts == ["'=1+1", "' @x", "d - e"]


# the workbook of results


def test_the_workbook_is_typed_explained_and_computes_nothing(tmp_path):
    effects = pd.DataFrame(
        {
            "region": ["=1+1", "{=SUM(A1)}", "@oslo", "https://a.no"],
            "school_id": ["0301", "", "", ""],
            "n_pre": pd.array([12, 18, None, 6], dtype="Int64"),
            "estimate": [0.125, np.nan, np.inf, -0.5],
            "suppressed": [False, False, True, False],
        }
    )
    ledger = pd.DataFrame({"reason": ["+dup"], "n_in": [1.0]})
    target = tmp_path / "results.xlsx"
    write_workbook({"effects": effects, "ledger": ledger}, target, Words("nb"))
    sheets = pd.read_excel(target, sheet_name=None, engine="calamine", keep_default_na=False)
    assert [*sheets] == ["Om", "effects", "ledger", "Kolonner"]
    assert sheets["Om"].iloc[:2, [0, 2]].to_numpy().tolist() == [["effects", 4], ["ledger", 1]]
    assert "personvernprofil" in " ".join(sheets["Om"].iloc[:, 1])
    told = sheets["effects"]
    assert told["region"].tolist() == effects["region"].tolist()
    assert told["school_id"].tolist() == ["0301", "", "", ""]
    assert told["n_pre"].tolist() == [12, 18, "", 6]
    assert told["estimate"].tolist() == [0.125, "", "inf", -0.5]
    assert told["suppressed"].tolist() == [False, False, True, False]
    meanings = sheets["Kolonner"].set_index("Kolonne")["Betydning"]
    assert {*meanings.index} == {*effects, *ledger}
    with zipfile.ZipFile(target) as parts:
        text = "".join(parts.read(name).decode() for name in sorted(parts.namelist()))
    assert "<f>" not in text
    assert "<hyperlink" not in text
    assert meanings["estimate"] in text.partition("<comments")[2]
    before = target.read_bytes()
    write_workbook({"effects": effects, "ledger": ledger}, target, Words("nb"))
    assert target.read_bytes() == before


# LaTeX


def test_the_guide_s_way_to_latex_gives_a_table_that_latex_reads(capsys):
    text = (HERE / "docs/guide/en/reading_results.md").read_text(encoding="utf-8")
    (code,) = [c for c in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "latex" in c]
    frame, _ = FRAMES[figures.change]()
    shown = gate(frame, mask(), "internal").assign(outcome="joy_1 & 50 % {x}")
    exec(textwrap.dedent(code), {"shown": shown})
    said = capsys.readouterr().out
    assert r"\toprule" in said
    assert r"joy\_1 \& 50 \% \{x\} & 1236 & 1188 & 0.12 & -0.06 & 0.30 \\" in said
    assert r" & n\_pre & n\_post & estimate & ci\_low & ci\_high \\" in said
    assert r"\caption{Change, in SD}" in said


# Word

PAGE = """<!DOCTYPE html><html lang="{language}"><head><title>Teachers – Oslo</title></head><body>
<nav><a href="x.html">All pages</a></nav>
<main><p class="place">Demo · Oslo</p>
<p class="files">Download: <a href="a.docx">Word</a></p>
<h1 id="title">Teachers &amp; others <span class="question">Q5</span></h1>
<p>Did <strong>they</strong>
change<em>?</em> See <a href="../x.html#y">the page</a> or <a href="https://a.no/?b=1&amp;c">more</a>.
H<sub>0</sub></p>
<ul class="reading"><li class="background group">Pupils</li>
<li><strong>Joy</strong><span class="light">good</span><ul><li>up</li></ul></li>
<li>down</li><li class="background">Both are of 2027.</li></ul>
<ol><li>one</li><li>two</li></ol><p>Between.</p><ol><li>anew</li></ol>
<figure id="change" aria-label="Changes: joy"><img src="p/change.svg"
alt="Joy went up, from 2 to 3 &lt; 4.">
<figcaption>Not drawn: effort. The band is small.</figcaption>
<p class="files">Download: <a href="p/change.png">PNG</a></p></figure>
<details class="appendix"><summary><h2 id="more">More</h2></summary>
<div class="table"><table id="t" class="results"><caption>Change of all</caption>
<thead><tr><td rowspan="2"></td><th scope="colgroup" colspan="2">before</th>
<th scope="col" rowspan="2" class="words">said</th></tr>
<tr><th scope="col">n</th><th scope="col">SD</th></tr></thead>
<tbody><tr><th scope="rowgroup" colspan="4">Joy</th></tr>
<tr><th scope="row">same grade</th><td>1 234</td><td>−0,12</td><td class="words">up</td></tr>
</tbody>
<tfoot><tr><td colspan="4">· hidden</td></tr><tr><td colspan="4">SD: of all</td></tr></tfoot>
</table></div></details>
<dl class="about"><dt>Newest</dt><dd>2027</dd></dl></main></body></html>"""


def picture(width: int = 1300, height: int = 900) -> bytes:
    image = Image.new("RGB", (width, height), "white")
    image.paste((1, 96, 143), (100, 100, 400, 300))
    content = io.BytesIO()
    image.save(content, "PNG", dpi=(200, 200))
    return content.getvalue()


def opened(language: str = "nb", page: str = PAGE, **options) -> Document:
    made = document(page.format(language=language), {"change": slim(picture())}, **options)
    return Document(io.BytesIO(made))


TEXT = (qn("w:t"), qn("w:br"))


def said(docx) -> list[tuple[str, str]]:
    """The style and the text of each paragraph outside tables, numbers of captions too."""
    texts = [
        (p.style.name, "".join(t.text if t.tag == qn("w:t") else "\n" for t in p._p.iter(*TEXT)))
        for p in docx.paragraphs
    ]
    return [(style, text) for style, text in texts if text]


def test_a_page_as_word_holds_what_the_page_shows_in_its_order():
    assert said(opened("en")) == [
        ("Subtitle", "Demo · Oslo"),
        ("Heading 1", "Teachers & others Q5"),
        ("Normal", "Did they change? See the page or more. H0"),
        ("Normal", "Pupils"),
        ("List Bullet", "Joy good"),
        ("List Bullet 2", "up"),
        ("List Bullet", "down"),
        ("Note", "Both are of 2027."),
        ("List Number", "one"),
        ("List Number", "two"),
        ("Normal", "Between."),
        ("List Number", "anew"),
        ("Caption", "Figure 1\nChanges: joy"),
        ("Note", "Note. Not drawn: effort. The band is small."),
        ("Heading 2", "More"),
        ("Caption", "Table 1\nChange of all"),
        ("Note", "Note. · hidden"),
        ("Note", "SD: of all"),
        ("Normal", "Newest: 2027"),
    ]


def test_lists_begin_anew_and_links_out_of_the_site_are_links():
    docx = opened()
    numbers = [p._p.pPr.numPr.numId.val for p in docx.paragraphs if p.style.name == "List Number"]
    assert numbers[0] == numbers[1] != numbers[2]
    (link,) = docx.element.body.iter(qn("w:hyperlink"))
    assert docx.part.rels[link.get(qn("r:id"))].target_ref == "https://a.no/?b=1&c"
    bold = [run.text for p in docx.paragraphs for run in p.runs if run.bold and run.font.size]
    assert not bold  # marks, and no sizes of their own


def test_a_table_has_merged_heads_that_are_repeated_and_numbers_to_the_right():
    (table,) = opened().tables
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["", "before", "before", "said"],
        ["", "n", "SD", "said"],
        ["Joy"] * 4,
        ["same grade", "1 234", "−0,12", "up"],
    ]
    repeated = [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in table.rows]
    assert repeated == [True, True, False, False]
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)
    sides = [cell.paragraphs[0].alignment for cell in table.rows[3].cells]
    assert [str(side).split()[0] for side in sides] == ["LEFT", "RIGHT", "RIGHT", "LEFT"]
    assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")) == "Change of all"


@pytest.mark.parametrize(
    ("language", "tag", "labels"),
    [
        ("nb", "nb-NO", ["Figur", "Tabell", "Merknad."]),
        ("nn", "nn-NO", ["Figur", "Tabell", "Merknad."]),
        ("en", "en-GB", ["Figure", "Table", "Note."]),
    ],
)
def test_word_knows_the_language_and_counts_tables_and_figures(language, tag, labels):
    docx = opened(language)
    assert (
        docx.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}").get(qn("w:val")) == tag
    )
    assert docx.core_properties.language == tag
    assert docx.core_properties.title == "Teachers – Oslo"
    counted = [each.get(qn("w:instr")).split()[1] for each in docx.element.iter(qn("w:fldSimple"))]
    assert counted == labels[:2]
    assert labels[2] in {run.text.strip() for p in docx.paragraphs for run in p.runs}


def test_pictures_have_their_size_their_alt_text_and_few_bytes():
    docx = opened()
    (shape,) = docx.inline_shapes
    assert (round(shape.width.inches, 2), round(shape.height.inches, 2)) == (6.5, 4.5)
    (about,) = docx.element.iter(qn("wp:docPr"))
    assert about.get("descr") == "Joy went up, from 2 to 3 < 4."
    (part,) = [p for p in docx.part.package.parts if p.partname.endswith(".png")]
    with Image.open(io.BytesIO(part.blob)) as image:
        assert image.mode == "P"
        assert image.size == (780, 540)
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        assert image.convert("RGB").getpixel((150, 150)) == (1, 96, 143)


def test_no_two_colours_of_a_figure_become_one():
    image = Image.new("RGB", (1300, 1000), "white")
    shades = [(120 + 10 * n, 170 + 5 * n, 220 + 2 * n) for n in range(8)]
    for n, shade in enumerate(shades):
        image.paste(shade, (100, 100 * n, 700, 100 * n + 90))
    rare = (213, 94, 0)
    image.paste(rare, (900, 500, 920, 520))  # a mark
    for n in range(200):  # letters, as it were
        image.paste((n, n, n), (1000 + n, 0, 1001 + n, 1000))
    content = io.BytesIO()
    image.save(content, "PNG", dpi=(200, 200))
    with Image.open(io.BytesIO(slim(content.getvalue()))) as few:
        small = few.convert("RGB")
        assert len(few.getcolors()) <= 16
    assert [small.getpixel((240, 60 * n + 27)) for n in range(8)] == shades
    assert small.getpixel((546, 306)) == rare
    letters = [small.getpixel((600 + n, 300)) for n in range(120)]
    assert all(red == green == blue for red, green, blue in letters)
    assert len({*letters}) >= 4


def test_a_picture_of_many_colours_keeps_more_of_them():
    image = Image.new("RGB", (400, 400), "white")
    shades = [(40 * n, 30 * m, 90) for n in range(5) for m in range(4)]
    for n, shade in enumerate(shades):
        image.paste(shade, (0, 20 * n, 300, 20 * n + 20))
    content = io.BytesIO()
    image.save(content, "PNG", dpi=(100, 100))
    with Image.open(io.BytesIO(slim(content.getvalue()))) as few:
        kept = [few.convert("RGB").getpixel((100, 20 * n + 9)) for n in range(20)]
    assert kept == shades


def test_a_picture_is_never_larger_than_the_page_and_none_is_no_reason_to_fail():
    page = PAGE.format(language="nb")
    (shape,) = Document(io.BytesIO(document(page, {"change": picture(1300, 1900)}))).inline_shapes
    assert shape.height.inches < 9
    assert shape.width.inches < 6
    striped = Image.new("RGB", (650, 4000), "white")
    for line in range(0, 4000, 50):  # lines of text, as it were
        striped.paste((0, 0, 0), (0, line, 650, line + 40))
    content = io.BytesIO()
    striped.save(content, "PNG", dpi=(100, 100))
    docx = Document(io.BytesIO(document(page, {"change": content.getvalue()})))
    assert len(docx.inline_shapes) == 5
    assert sum(shape.height.inches for shape in docx.inline_shapes) == pytest.approx(40, rel=1e-3)
    alts = [each.get("descr") for each in docx.element.iter(qn("wp:docPr"))]
    assert alts == ["Joy went up, from 2 to 3 < 4.", *["Figuren fortsetter."] * 4]
    blobs = [docx.part.related_parts[blip.embed].blob for blip in docx.element.iter(qn("a:blip"))]
    for blob in blobs[1:]:  # cut between lines
        with Image.open(io.BytesIO(blob)) as image:
            assert np.asarray(image.convert("L"))[0].min() == 255
    none = Document(io.BytesIO(document(PAGE.format(language="nb"))))
    assert "Joy went up, from 2 to 3 < 4." in [p.text for p in none.paragraphs]


def test_the_same_page_is_the_same_file_and_tells_no_time():
    made = [document(PAGE.format(language="nb"), {"change": picture()}) for _ in range(2)]
    assert made[0] == made[1]
    with zipfile.ZipFile(io.BytesIO(made[0])) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert parts.namelist()[0] == "[Content_Types].xml"
        assert not [name for name in parts.namelist() if "thumbnail" in name or "custom" in name]
        text = "".join(parts.read(n).decode() for n in parts.namelist() if n.endswith(".xml"))
    assert not re.search(r"20(1\d|2[0-6])-\d\d-\d\dT", text)
    assert "python-docx" not in text


@pytest.mark.parametrize(
    "inner",
    [
        "<p>\x0b\x00 &amp;lt; <b>]]&gt;</b> \ufffe</p>",
        "<table><tr><td colspan='3'>w</td></tr><tr><td rowspan='2'>a</td><td>b</td></tr></table>",
        "<table><caption>none</caption></table><ul></ul><p></p><h2> </h2><dl></dl>",
        "<ul><li><p>one</p><p>two</p><table><tr><td>in</td></tr></table></li></ul>",
        "text <section><header><h3>deep</h3></header>more</section> tail<hr><pre>a\n b</pre>",
        "<figure><svg aria-label='drawn'><text>no</text></svg></figure><blockquote>q</blockquote>",
    ],
)
def test_whatever_stands_on_a_page_can_be_opened(inner):
    page = f"<html lang='nb'><head><title>t</title></head><body><main>{inner}</main></body></html>"
    docx = Document(io.BytesIO(document(page)))
    assert len(docx.element.body) >= 1
    for row in (row for table in docx.tables for row in table.rows):
        assert row.cells


def test_every_sheet_of_an_internal_document_says_so():
    header = opened("en", internal=True).sections[0].header
    assert header.paragraphs[0].text == "Internal: for the project's own people only"
    assert not opened("en").sections[0].header.paragraphs[0].text


def test_paper_may_lie_on_its_side():
    section = opened(landscape=True).sections[0]
    assert section.page_width > section.page_height
