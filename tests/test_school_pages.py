"""Pages of schools: what they tell, what they say where that is little, and how they are kept."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from docx import Document
from docx.oxml.ns import qn
from PIL import Image
from scipy import optimize

from loftet_analysis.analysis.school_effects import school_levels
from loftet_analysis.batch import schools as school_pages
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.commands import SCHOOLS
from loftet_analysis.batch.fingerprints import read_manifest
from loftet_analysis.cleaning import store
from loftet_analysis.disclosure.mask import decide, for_schools
from loftet_analysis.show.languages import PSEUDO, reader
from loftet_analysis.show.school_pages import PROFILE, Told, pages, told
from loftet_analysis.show.session import open_study
from loftet_analysis.study import load_study
from tests.long import long_but
from tests.quick_study import every_byte

LIMIT = 10


def page_of(text: bytes | str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


@pytest.fixture(scope="module")
def found(small_demo):
    """What may be told of the schools of the small demo."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOFTET_ROOT", str(small_demo))
        return told(open_study("demo"))


@pytest.fixture
def demo(small_demo, monkeypatch):
    monkeypatch.setenv("LOFTET_ROOT", str(small_demo))
    return open_study("demo")


@pytest.fixture
def cleaned(quick, monkeypatch):
    """The quick study with clean data, of which two schools of a region are under the limit."""
    folder = quick / "data_raw/tiny"
    for wave in ("pre", "post"):
        rows = pd.read_csv(folder / f"{wave}.csv", sep=";", dtype=str)
        small = rows["skole"].eq("0304") & (rows.groupby("skole").cumcount() >= 8)
        rows[~small].to_csv(folder / f"{wave}.csv", sep=";", index=False)
    assert main(["clean", "tiny"]) == 0
    return quick


def test_no_page_of_the_demo_tells_a_number_of_fewer_people_than_the_limit(demo, found):
    clean = {name: store.read("demo", name) for name in ("pupils", "teachers")}
    exact = pd.concat([school_levels(clean[name], demo[name]) for name in clean])
    keys = ["region", "school_id", "population", "outcome", "wave"]
    exact = exact.set_index(keys)
    n = exact["n_pre"].fillna(exact["n_post"])
    assert {key[2] for key in found.levels} == {"pupils", "teachers"}
    few = [key for key in found.levels if n[key] < LIMIT]
    assert len(few) > 50
    for key in few:
        assert np.isnan(found.levels[key]["change"]), key
    shown = [row for key, row in found.levels.items() if key[1] and not row["suppressed"]]
    assert len(shown) > 200
    for row in shown:
        assert row["change"] == round(row["change"], 2)
    for row in (row for key, row in found.changes.items() if key[1] and not row["suppressed"]):
        assert min(row["n_pre"], row["n_post"]) >= LIMIT
    for rows in found.response.values():
        for row in rows:
            assert row["population"] != "leaders"
            assert pd.isna(row["n_answered"]) or row["n_answered"] % LIMIT == 0


def test_numbers_of_a_page_are_those_of_plain_pandas(demo, found):
    pupils = store.read("demo", "pupils")
    school = pupils["school_id"].iloc[0]
    after = pupils[(pupils["wave"] == "post") & (pupils["school_id"] == school)]
    region, outcome = after["region"].iloc[0], "persistence"
    own = found.levels[region, school, "pupils", outcome, "post"]
    y = after[outcome].dropna()
    assert own["change"] == pytest.approx(y.mean(), abs=0.0051)
    half = own["change_ci_high"] - own["change"]
    everybody = pupils[pupils["wave"] == "post"]
    within = everybody[outcome] - everybody.groupby("school_id")[outcome].transform("mean")
    schools = everybody.loc[within.notna(), "school_id"].nunique()
    sd = np.sqrt((within**2).sum() / (within.notna().sum() - schools))
    assert half == pytest.approx(1.96 * sd / np.sqrt(len(y)), abs=0.0101)
    beside = pupils[(pupils["wave"] == "post") & (pupils["region"] == region)][outcome]
    told_beside = found.levels[region, "", "pupils", outcome, "post"]["change"]
    assert told_beside == pytest.approx(beside.mean(), abs=0.0051)


@pytest.mark.parametrize("language", long_but({"nb"}, ["nb", "nn", "en"]))
def test_a_page_can_be_read_alone(demo, found, language):
    made = dict(pages(demo, found, language))
    register = demo.description.schools
    assert len(made) == 2 * len(register)
    one = register.iloc[0]
    page = page_of(made[f"{one['school_id']}.html"])
    assert page.html["lang"] == language
    assert page.h1.get_text() == one["school"]
    assert len(page.find("p", class_="lead").get_text().split(".")) > 1
    assert not page.find_all(["a", "img", "link", "script"])
    text = page.get_text(" ")
    for other in register["school"].drop_duplicates():
        assert other == one["school"] or other not in text
    picture = page.svg
    assert picture["role"] == "img"
    assert picture["aria-label"].count(":") >= 7
    assert {shape.name for shape in picture.find_all(["circle", "rect"])} == {"circle", "rect"}
    for row in page.find_all("tr"):
        assert not re.search(r"\bnan\b", row.get_text().lower())
    document = Document(io.BytesIO(made[f"{one['school_id']}.docx"]))
    assert one["school"] in [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    (about,) = document.element.iter(qn("wp:docPr"))
    assert about.get("descr") == picture["aria-label"]
    assert [cell.text for cell in document.tables[0].columns[0].cells[1:]] == [
        row.th.get_text() for row in page.table.find("tbody").parent.select("tbody tr")
    ]
    for name in ("html", "docx"):  # of what may be told of others nothing
        others = [each for each in register["school"].drop_duplicates() if each != one["school"]]
        told_of = page if name == "html" else document.element.body
        whole = told_of.get_text() if name == "html" else "".join(told_of.itertext())
        assert not [other for other in others if other in whole]


def test_the_picture_in_word_is_the_one_of_the_page(demo, found):
    made = dict(pages(demo, found, "en"))
    number = demo.description.schools["school_id"].iloc[0]
    svg = page_of(made[f"{number}.html"]).svg
    (part,) = [
        part
        for part in Document(io.BytesIO(made[f"{number}.docx"])).part.package.parts
        if part.partname.endswith(".png")
    ]
    with Image.open(io.BytesIO(part.blob)) as image:
        drawn = np.asarray(image.convert("RGB")).astype(int)
    scale = drawn.shape[1] / float(svg["viewbox"].split()[2])
    for circle in svg.find_all("circle"):
        x, y = (round(float(circle[key]) * scale) for key in ("cx", "cy"))
        assert abs(drawn[y, x] - [0x01, 0x60, 0x8F]).max() < 24


def test_no_text_of_a_page_stays_untranslated(demo, found):
    words = reader(demo.description, "nb" + PSEUDO)
    _, text = next(pages(demo, found, words.language))
    page = page_of(text)
    for name in ("h2", "figcaption", "li"):
        for each in page.find_all(name):
            assert "⟦" in each.get_text(), each


def test_a_school_under_the_limit_gets_a_page_that_says_why_there_is_little(cleaned):
    opened = open_study("tiny")
    every = dict(pages(opened, told(opened), "en"))
    made = {name: page_of(text) for name, text in every.items() if name.endswith(".html")}
    few, many = made["0304.html"], made["0500.html"]
    assert "fewer than 10." in few.get_text()
    assert "about 10." not in few.get_text()
    assert "fewer than 10 of them answered" in few.find("p", class_="lead").get_text()
    assert not few.find("ul", class_="reading")
    assert few.svg.find("line") is None
    assert "your school" not in few.svg["aria-label"]
    assert "of a few" not in many.find("p", class_="lead").get_text()
    assert re.search(r"on [01] of 1 scale", many.find("p", class_="lead").get_text())
    # of the four schools of the region another is hidden with it, and says so
    hidden = [
        name for name in ("0301", "0302", "0303") if not made[f"{name}.html"].find(class_="reading")
    ]
    assert len(hidden) == 1
    assert "at another school" in made[f"{hidden[0]}.html"].find("p", class_="lead").get_text()
    assert opened.description.disclosure == "open"


def test_pages_are_the_same_bytes_are_missed_and_go_with_their_data(cleaned, capsys):
    study = load_study("tiny")
    assert school_pages.why_outdated(study) == "never run"
    assert school_pages.make(study, ["nb"]) == 8
    assert school_pages.why_outdated(study) == ""
    assert school_pages.why_outdated(study, ["en"]) == "not in en yet"
    before = every_byte(cleaned)
    school_pages.make(study, ["nb"])
    assert every_byte(cleaned) == before
    assert school_pages.make(study, ["en"]) == 16
    page = school_pages.folder(study) / "nb/0301.html"
    page.write_text("…", encoding="utf-8")
    capsys.readouterr()
    assert main(["status", "tiny"]) == 0
    assert "school pages: damaged: reports/tiny/schools/nb/0301.html was changed" in (
        capsys.readouterr().out
    )
    school_pages.make(study, [])
    assert read_manifest("tiny")[SCHOOLS]["languages"] == ["nb", "en"]
    # somebody withdraws
    folder = study.folder
    rows = pd.read_csv(folder / "post.csv", sep=";", dtype=str)
    rows.iloc[1:].to_csv(folder / "post.csv", sep=";", index=False)
    assert main(["clean", "tiny"]) == 0
    assert not page.exists()
    assert not list(school_pages.folder(study).rglob("*.html"))
    assert school_pages.why_outdated(study)
    assert school_pages.make(study, []) == 16


def test_clean_data_of_the_same_answers_leave_the_pages(cleaned):
    study = load_study("tiny")
    school_pages.make(study, ["nb"])
    assert main(["clean", "tiny"]) == 0
    assert school_pages.why_outdated(study) == ""
    assert len(list(school_pages.folder(study).rglob("*.html"))) == 8


def test_a_run_makes_them_when_asked_and_keeps_them_up_to_date(ran, capsys):
    assert main(["run", "tiny"]) == 0
    folder = ran / "reports/tiny/schools"
    assert not folder.exists()
    assert main(["run", "tiny", "--schools"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"tiny: 8 school pages in .*reports/tiny/schools\n", said)
    assert "0 run, 0 failed" in said
    (folder / "nb/0301.html").unlink()
    assert main(["run", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "damaged: reports/tiny/schools/nb/0301.html is missing; made anew" in said
    assert (folder / "nb/0301.html").exists()
    assert main(["run", "tiny"]) == 0
    assert "school pages" not in capsys.readouterr().out


def test_a_study_of_leaders_alone_gets_one_message(quick, capsys):
    path = quick / "data_raw/tiny/study.yml"
    text = path.read_text(encoding="utf-8").replace("  pupils:\n", "  leaders:\n")
    path.write_text(text, encoding="utf-8")
    assert main(["run", "tiny", "--schools"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("1 problem:\n\nno school pages can be made")
    assert not (quick / "reports").exists()


def answers(sizes: dict[tuple[str, int], int], seed: int = 3) -> pd.DataFrame:
    """Pupils of a wave by school and grade."""
    rng, rows = np.random.default_rng(seed), []
    for (school, grade), n in sizes.items():
        rows += [{"school_id": school, "grade": grade} for _ in range(n)]
    frame = pd.DataFrame(rows)
    frame["person_id"] = [f"p{place}" for place in range(len(frame))]
    frame["effort"] = rng.choice([1.0, 2.0, 3.0, 4.0], len(frame))
    return frame.assign(region="nordland", wave="pre", afterwards=np.nan)


def test_a_hidden_school_is_not_told_by_the_grades_that_only_two_schools_have(quick):
    # 0301 is the only other school of grade 8; of grades 5 and 6 there are three
    sizes = {("0301", 8): 60, ("0304", 8): 7}
    sizes |= {(school, grade): 15 for school in ("0302", "0303") for grade in (5, 6)}
    clean = {"pupils": answers(sizes)}
    study = load_study("tiny").model_copy(update={"disclosure": "internal"})
    published = decide(study, clean)
    by_rules = decide(study.model_copy(update={"disclosure": PROFILE}), clean)

    def shown(mask):
        rows = mask[(mask["outcome"] == "effort") & (mask["wave"] == "pre") & (mask["n"] > 0)]
        rows = rows[~rows["suppressed"] & (rows["region"] == "nordland")]
        return {*rows.loc[rows["school_id"] != "", "school_id"]}, {*rows["subgroup"]}

    schools, groups = shown(by_rules)
    assert "0301" in schools
    assert "grade=8" in groups
    # grade 8 less that school would be the seven pupils of 0304
    told_of, _ = shown(for_schools(study, clean, published))
    assert "0301" not in told_of
    assert told_of


def test_pages_before_a_wave_is_closed_say_so(cleaned):
    _, text = next(pages(open_study("tiny"), Told(), "en"))
    page = page_of(text)
    assert "no survey is closed yet" in page.find("p", class_="lead").get_text()
    assert not page.find_all(["svg", "table"])


def widest(group, rows, low, high, n) -> float:
    """How far apart, of the scale 1 to 4, a group's means can be that fit what is told."""
    bounds = np.column_stack([n, 4 * n])
    limits = {"A_ub": np.vstack([rows, -rows]), "b_ub": np.concatenate([high, -low])}
    ends = [optimize.linprog(sign * group, bounds=bounds, **limits).fun for sign in (1, -1)]
    return -sum(ends) / (group @ n) / 3


@pytest.mark.parametrize("profile", long_but(["school"], ["internal", "school", "public"]))
def test_means_of_schools_tell_no_hidden_group_beside_what_is_published(quick, profile):
    study = load_study("tiny").model_copy(update={"disclosure": profile})
    register = study.schools.query("region == 'nordland'")["school_id"]
    asked = told_of_schools = 0
    for seed in (0, 2, 7, 10, 15, 22, 30):
        rng = np.random.default_rng(seed)
        sizes = {
            (school, int(grade)): int(rng.integers(1, rng.choice([6, 15, 40])))
            for school in register
            for grade in rng.choice([5, 6, 7, 8], rng.integers(1, 4), replace=False)
        }
        frame = answers(sizes, seed)
        clean = {"pupils": frame}
        published = decide(study, clean)
        joint = for_schools(study, clean, published)
        own = decide(study.model_copy(update={"disclosure": PROFILE}), clean)
        here = (joint["outcome"] == "effort") & (joint["wave"] == "pre") & (joint["n"] > 0)
        cells = joint[here & (joint["region"] == "nordland")]
        secret = own.loc[cells.index, "reason"].isin(["small_n", "homogeneous", "dominated"])
        of_school = cells["school_id"] != ""
        out = ~published.loc[cells.index, "suppressed"] & ~secret & ~of_school
        # regions and the country: only what is published
        assert not (
            ~cells["suppressed"] & ~of_school & published.loc[cells.index, "suppressed"]
        ).any()
        people = frame.groupby(["school_id", "grade"])["effort"].agg(["sum", "count"]).reset_index()
        grade, n = people["grade"], people["count"].to_numpy(float)
        people["grade_band"] = np.where(grade < 8, "5-7", "8-10")
        inside = np.array([
            people["school_id"].eq(school) if school
            else people[subgroup.partition("=")[0]].astype(str).eq(subgroup.partition("=")[2])
            if "=" in subgroup else np.ones(len(people), dtype=bool)
            for school, subgroup in cells[["school_id", "subgroup"]].itertuples(index=False)
        ]).astype(float)  # fmt: skip
        told_of_schools += (~cells["suppressed"] & of_school).sum()

        def width(group, told, inside=inside, cells=cells, people=people, n=n):
            rows, step = inside[told], cells["step"].to_numpy()[told]
            size = rows @ n
            mean = np.round(rows @ people["sum"].to_numpy() / size / step) * step
            ends = ((mean + sign * (step / 2 + 1e-9)) * size for sign in (-1, 1))
            return widest(group, rows, *ends, n)

        for group in inside[secret]:
            asked += 1
            with_pages = width(group, (out | ~cells["suppressed"]).to_numpy())
            assert with_pages >= 0.2 or width(group, out.to_numpy()) < 0.2
    assert asked > 15
    assert told_of_schools > 5
