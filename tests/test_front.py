"""The site around the pages: where links lead, what the front page says, what is told of whom."""

import re
import shutil

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook

from loftet_analysis import names
from loftet_analysis.show import site
from loftet_analysis.show.front import site_files
from loftet_analysis.study import load_study
from loftet_analysis.study.study import Family
from tests import made_up

LANGUAGES = ("nb", "en")
PAGES = ("region/04_pupils", "region/00_summary")
ASKED = {"Q1": {"nb": "Endrer trivselen seg?", "en": "Does joy change?"}}
SAID = '<ul class="reading"><li><strong>Joy</strong> went up.</li></ul>'
ROW = {
    "school_id": "", "population": "pupils", "outcome": "affect", "question": "Q1",
    "estimand": "linked_change", "contrast": "post - pre", "subgroup": "all", "change": 0.2,
    "estimate": 0.3, "ci_low": 0.1, "ci_high": 0.5, "ci_level": 0.95, "p_adjusted": 0.01,
    "plan_role": "primary", "verdict": "increase", "flags": "", "suppressed": False, "reason": "",
}  # fmt: skip


@pytest.fixture
def study(monkeypatch, tmp_path):
    monkeypatch.setenv("LOFTET_DATA", str(tmp_path))
    sats = load_study("sats")
    regions = sats.schools["region"].map({"fall-2007": "oslo", "spring-2008": "aas"})
    named = regions.map({"oslo": "Oslo - Oslove", "aas": "Ås"})
    schools = sats.schools.assign(region=regions.fillna("ovre"), region_name=named.fillna("Øvre"))
    changed = {"questions": ASKED, "schools": schools, "disclosure": "internal"}
    return sats.model_copy(update=changed)


@pytest.fixture
def folder(study, tmp_path):
    """Pages as a run leaves them, and the tables beside them."""
    cells = [new_markdown_cell("# Pupils"), new_markdown_cell("## Persistence", id="persistence")]
    cells[1].metadata["tags"] = ["Q1"]
    for language, place in ((a, b) for a in LANGUAGES for b in ("oslo", "aas", "national")):
        asked = {name: text[language] for name, text in ASKED.items()}
        for page in PAGES:
            name = page.partition("/")[2]
            book = new_notebook(cells=cells)
            text = site.page(book, language=language, name=name, questions=asked)
            path = tmp_path / language / place / f"{name}.html"
            (path.parent / name).mkdir(parents=True, exist_ok=True)
            (path.parent / name / f"{name}.docx").touch()
            path.write_text(text.replace("</main>", SAID + "</main>"), encoding="utf-8")
    (tmp_path / "tables").mkdir()
    rows = [{**ROW, "region": "oslo"}, {**ROW, "region": "aas", "p_adjusted": 0.3}]
    rows += [{**rows[0], "outcome": "value", "suppressed": True, "change": None}]
    pd.DataFrame(rows).to_csv(tmp_path / "tables/effects.csv", index=False)
    return tmp_path


def states(*languages):
    where = ("oslo", "aas", names.NATIONAL)
    return {(p, file, each): "done" for p in where for file in PAGES for each in languages}


def written(study, folder, told=None, to_come=None):
    files = site_files(study, told or states(*LANGUAGES), to_come, folder=folder)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {
        path.relative_to(folder).as_posix(): BeautifulSoup(content, "html.parser")
        for path, content in files.items()
        if path.suffix == ".html"
    }


def test_every_link_leads_to_something_and_nothing_comes_from_elsewhere(study, folder):
    made = written(study, folder)
    assert {"index.html", "index.nb.html", "index.en.html", "nb/glossary.html"} <= set(made)
    assert sum(name.endswith("04_pupils.html") for name in made) == 6
    for name, soup in made.items():
        assert "default-src 'none'" in soup.find("meta", attrs={"http-equiv": True})["content"]
        assert not soup.find_all(["script", "style", "iframe"])
        assert not soup.find_all(style=True)
        assert len(soup.find_all(["header", "main", "footer"])) == 3
        for link in soup.find_all(href=True):
            target, _, anchor = link["href"].partition("#")
            path = (folder / name).parent / target if target else folder / name
            assert path.resolve().is_relative_to(folder.resolve()), link
            assert path.exists(), (name, link)
            if anchor:
                other = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
                assert other.find(id=anchor), (name, link)


def test_navigation_is_put_in_anew_and_not_twice(study, folder):
    first = written(study, folder)
    again = written(study, folder)
    assert {name: str(soup) for name, soup in first.items()} == {
        name: str(soup) for name, soup in again.items()
    }


def test_a_page_leads_to_the_same_page_elsewhere_to_its_neighbours_and_in_other_languages(
    study, folder
):
    page = written(study, folder)["nb/oslo/04_pupils.html"]
    regions, here, contents = page.header.find_all("ul", recursive=True)[:3]
    assert [(a.get_text(), a["href"]) for a in regions.find_all("a")] == [
        ("Alle regionene", "../national/04_pupils.html"),
        ("Oslo – Oslove", "04_pupils.html"),
        ("Ås", "../aas/04_pupils.html"),
    ]
    assert [a["href"] for a in here.find_all("a")] == ["00_summary.html", "04_pupils.html"]
    assert [a["href"] for a in contents.find_all("a")] == ["#persistence"]
    spoken = page.header.find(class_="languages")
    assert [(a["hreflang"], a["href"]) for a in spoken.find_all("a")] == [
        ("nb", "04_pupils.html"), ("en", "../../en/oslo/04_pupils.html"),
    ]  # fmt: skip
    assert page.footer.find(rel="prev")["href"] == "00_summary.html"
    assert page.footer.find(rel="next") is None


def test_the_page_about_measurement_is_a_link_where_it_is_named(study, folder):
    said = {"nb": "Siden om måling", "en": "The page about measurement"}
    for language, text in said.items():
        page = folder / language / "oslo/04_pupils.html"
        added = page.read_text("utf-8").replace("</main>", f"<p>{text}.</p></main>")
        page.write_text(added, "utf-8")
    told = states(*LANGUAGES)
    assert not written(study, folder, told)["nb/oslo/04_pupils.html"].select("a.page")
    for language in said:
        shutil.copy(page, folder / language / "oslo/02_measurement.html")
        told["oslo", "region/02_measurement", language] = "done"
    for _ in range(2):  # not twice
        made = written(study, folder, told)
        for language, text in said.items():
            (link,) = made[f"{language}/oslo/04_pupils.html"].select("a.page")
            assert (link.get_text(), link["href"]) == (text, "02_measurement.html")
            assert not made[f"{language}/oslo/02_measurement.html"].select("a.page")
    del told["oslo", "region/02_measurement", "nb"]
    for _ in range(2):
        (link,) = written(study, folder, told)["nb/oslo/04_pupils.html"].select("a.page")
        assert (link["hreflang"], link["href"]) == ("en", "../../en/oslo/02_measurement.html")
        assert link.parent.get_text() == "Siden om måling (English)."


def test_pages_that_texts_name_are_links_as_far_as_they_are_there(study, folder):
    page = folder / "nb/oslo/00_summary.html"
    said = ("siden om elever", "siden for alle regionene", "siden «Hele skolen»")
    country = folder / "nb/national/00_summary.html"
    for path, named in ((page, said), (country, ("siden om måling", "sidene om regionene"))):
        named = "".join(f"<p>Se {each}.</p>" for each in named)
        path.write_text(path.read_text("utf-8").replace("</main>", f"{named}</main>"), "utf-8")
    told = states(*LANGUAGES)

    def links(name: str) -> dict[str, str]:
        found = written(study, folder, told)[f"nb/{name}.html"].select("a.page")
        return {link.get_text(): link["href"] for link in found}

    assert links("oslo/00_summary") == {"siden om elever": "04_pupils.html"}
    assert links("national/00_summary") == {"sidene om regionene": "../../index.nb.html#regions"}
    for place, notebook, language in (
        ("national", "10_synthesis", "nb"),
        ("national", "11_whole_school", "en"),
        ("aas", "02_measurement", "nb"),
    ):
        shutil.copy(
            folder / "nb/oslo/04_pupils.html", folder / language / place / f"{notebook}.html"
        )
        told[place, f"any/{notebook}", language] = "done"
    assert links("oslo/00_summary") == {
        "siden om elever": "04_pupils.html",
        "siden for alle regionene": "../national/10_synthesis.html",
        "siden «Hele skolen»": "../../en/national/11_whole_school.html",
    }
    assert links("national/00_summary")["siden om måling"] == "../../index.nb.html#quality-in"


def test_a_place_without_the_page_is_met_at_its_summary(study, folder):
    told = states("nb")
    del told["aas", "region/04_pupils", "nb"]
    page = written(study, folder, told)["nb/oslo/04_pupils.html"]
    assert page.header.find("a", string="Ås")["href"] == "../aas/00_summary.html"
    assert page.header.find(class_="languages") is None


@pytest.mark.parametrize(
    ("profile", "marked"), [("internal", True), ("public", False), ("open", False)]
)
def test_internal_pages_say_so(study, folder, profile, marked):
    made = written(study.model_copy(update={"disclosure": profile}), folder)
    assert {bool(soup.header.find(class_="internal")) for soup in made.values()} == {marked}


def test_the_front_page_says_what_happened_in_the_country_and_in_each_region(study, folder):
    front = written(study, folder)["index.en.html"]
    assert front.html["lang"] == "en"
    assert front.find("h2", id="country").find_next("ul").get_text() == "Joy went up."
    caveat = front.find("h2", id="country").find_next("p").get_text()
    assert caveat.startswith("None of this shows on its own what the programme caused: there is no")
    assert front.find(class_="regions") is None  # they stand in the table
    matrix = front.find("table", id="matrix-pupils")
    lines = [[cell.get_text() for cell in line.find_all(["th", "td"])] for line in
             matrix.tbody.find_all("tr")]  # fmt: skip
    assert lines == [
        ["Ås", "(↑) may have gone up", "–"],
        ["Oslo – Oslove", "↑ went up", "· hidden"],
    ]  # as English sorts them
    assert matrix.tbody.a["href"] == "en/aas/00_summary.html"
    (asked,) = (a for a in matrix.thead.find_all("a") if a.get_text() == "Q1")
    assert (asked["href"], asked["title"]) == ("#Q1", "Does joy change?")
    jumps = [a["href"] for a in front.find(class_="jumps").find_all("a")]
    assert jumps == ["#regions", "#questions", "en/glossary.html"]
    question = front.find("dt", id="Q1")
    assert question.find_next("summary").get_text() == "Does joy change?"
    places = [a["href"] for a in question.find_next(class_="places").find_all("a")]
    assert places[0] == "en/national/00_summary.html#persistence"
    closed = front.main.select("details:not([open]) > summary > h2")
    assert [heading["id"] for heading in closed] == ["pages", "downloads"]
    assert [each.get_text() for each in front.select(".table > .hint")] == ["scroll sideways →"]
    (table,) = front.find(class_="downloads").find_all("a")
    assert table["href"] == "tables/effects.csv"


def test_a_study_with_comparison_schools_does_not_say_that_it_has_none(study, folder):
    schools = study.schools.assign(role=["comparison"] + ["programme"] * (len(study.schools) - 1))
    front = written(study.model_copy(update={"schools": schools}), folder)["index.en.html"]
    caveat = front.find("h2", id="country").find_next("p").get_text()
    assert caveat == "None of this shows on its own what caused it."


def test_a_table_of_which_nothing_may_be_shown_is_not_offered(study, folder):
    rows = pd.DataFrame({"school_id": ["a", "b"], "estimate": [0.1, None], "suppressed": [0, 1]})
    for hidden, offered in (([False, True], True), ([True, True], False)):
        rows.assign(suppressed=hidden).to_csv(folder / "tables/schools.csv", index=False)
        front = written(study, folder)["index.en.html"]
        links = front.find(class_="downloads").find_all("a")
        found = {each["href"]: each.get_text() for each in links}
        assert ("tables/schools.csv" in found) is offered
        assert found.get("tables/schools.csv", "Changes school by school").startswith(
            "Changes school by school"
        )


def test_of_one_region_nothing_is_told_region_by_region(study, folder):
    told = {key: state for key, state in states("en").items() if key[0] != "aas"}
    front = written(study.model_copy(update={"languages": ("en",)}), folder, told)["index.en.html"]
    assert front.find("h2", id="country").find_next("ul").get_text() == "Joy went up."
    assert front.find(id="regions") is front.find(id="matrix-pupils") is None
    assert "en/oslo/00_summary.html" in [a["href"] for a in front.main.find_all("a")]
    assert "#regions" not in [a["href"] for a in front.find_all("a")]


@pytest.mark.parametrize("alone", [True, False])
def test_how_good_the_data_are_is_led_to_and_open_where_it_is_short(study, folder, alone):
    told = states("en")
    for place in ("oslo", "aas"):
        old, new = (folder / "en" / place / f"{page}.html" for page in
                    ("04_pupils", "02_measurement"))  # fmt: skip
        old.rename(new)
        del told[place, "region/04_pupils", "en"]
        told[place, "region/02_measurement", "en"] = "done"
    if alone:
        told = {key: state for key, state in told.items() if key[0] != "aas"}
    front = written(study.model_copy(update={"languages": ("en",)}), folder, told)["index.en.html"]
    assert "#quality-in" in [a["href"] for a in front.find(class_="jumps").find_all("a")]
    heading = front.find("h2", id="quality")
    assert heading.find_parent("details").has_attr("open") == alone


def of_one_region(study, folder, name):
    """Return a study of any kind with one region, and the states of its two pages."""
    for place, page in (("oslo", "03_outcomes"), ("national", "08_flow")):
        (folder / "en" / place / "00_summary.html").rename(folder / "en" / place / f"{page}.html")
    told = {("oslo", "any/03_outcomes", "en"): "done", ("national", "any/08_flow", "en"): "done"}
    schools = study.schools.assign(region="oslo", region_name=name)
    return study.model_copy(update={"languages": ("en",), "schools": schools}), told


def test_a_study_of_one_region_begins_with_its_page(study, folder):
    one, told = of_one_region(study, folder, "Oslo - Oslove")
    heading = written(one, folder, told)["index.en.html"].find("h2", id="country")
    assert heading.get_text() == "Oslo – Oslove"
    assert heading.find_next("ul").get_text() == "Joy went up."
    link = heading.find_next("ul").find_next("p").a
    assert (link["href"], link.get_text()) == ("en/oslo/03_outcomes.html", "Pupils")


def test_the_only_region_and_all_regions_have_one_name(study, folder):
    one, told = of_one_region(study, folder, "Alle")
    assert one.places == ("oslo",)
    made = written(one, folder, told)
    assert "en/national/08_flow.html" in made
    for soup in made.values():
        assert "All regions" not in [each.get_text() for each in soup.find_all(["a", "h3"])]
        (name,) = soup.header.find("ul").find_all("a")
        assert name.get_text() == "Alle"
    pages = made["en/national/08_flow.html"].header.find_all("ul")[1]
    assert [a["href"] for a in pages.find_all("a")] == ["08_flow.html", "../oslo/03_outcomes.html"]


def test_a_study_of_any_kind_begins_with_the_answers_of_all_regions(study, folder):
    for place in ("oslo", "national"):
        (folder / "en" / place / "00_summary.html").rename(
            folder / "en" / place / "10_country.html"
        )
    told = {
        (place, f"{kind}/10_country", "en"): "done"
        for place, kind in (("oslo", "any"), ("national", "any"))
    }
    told |= {(p, f, e): s for (p, f, e), s in states("en").items() if not f.endswith("00_summary")}
    front = written(study.model_copy(update={"languages": ("en",)}), folder, told)["index.en.html"]
    assert front.find("h2", id="country").find_next("ul").get_text() == "Joy went up."
    link = front.find("h2", id="country").find_next("ul").find_next("p").a
    assert (link["href"], link.get_text()) == ("en/national/10_country.html", "Pupils")


def test_the_matrix_shows_what_is_declared_primary(study, folder):
    path = folder / "tables/effects.csv"
    rows = pd.read_csv(path)
    schools = rows.assign(estimand="school_change", verdict="decrease", estimate=-0.3)
    pd.concat([rows, schools.assign(ci_low=-0.5, ci_high=-0.1, change=-0.2)]).to_csv(path)
    family = Family(outcomes=("affect",), estimands=("school_change",))
    primary = study.analysis.model_copy(update={"primary": {"pupils": family}})
    for analysis, sign in ((study.analysis, "↑ went up"), (primary, "↓ went down")):
        made = written(study.model_copy(update={"analysis": analysis}), folder)["index.en.html"]
        cells = made.find("table", id="matrix-pupils").tbody.find_all("td")
        assert sign in [cell.get_text() for cell in cells]


@pytest.mark.parametrize("hangs_on", ["", "oslo: inside"])
def test_a_change_that_one_region_decides_is_marked(study, folder, hangs_on):
    path = folder / "tables/effects.csv"
    rows = pd.read_csv(path)
    sure = {"region": "national", "verdict": "increase", "p_adjusted": 0.001, "flags": "",
            "plan_role": "primary", "ci_low": 0.1, "ci_high": 0.3}  # fmt: skip
    pd.concat([rows, rows.tail(1).assign(suppressed=False, change=0.2, estimate=0.2, **sure)]
    ).to_csv(path, index=False)  # fmt: skip
    pooled = made_up.pooled().head(1).assign(position="above", hangs_on=hangs_on, lowest=0.1)
    pooled = pooled.assign(**rows[["population", "outcome", "estimand"]].iloc[-1])
    pooled.to_csv(folder / "tables/pooled.csv", index=False)
    table = written(study, folder)["index.en.html"].find("table", id="matrix-pupils")
    cells = [cell.get_text() for cell in table.tbody.find_all("td")]
    assert ("↑ went up*" in cells) == bool(hangs_on)
    assert ("Less certain than it looks" in table.get_text()) == bool(hangs_on)


@pytest.mark.parametrize(
    ("agree", "is_doubted"), [((True, False, False), True), ((True, False), False), ((), False)]
)
def test_a_change_that_most_other_analyses_do_not_show_is_marked(study, folder, agree, is_doubted):
    change = {key: ROW[key] for key in ("population", "outcome", "estimand")} | {"region": "oslo"}
    rows = [{**change, "analysis": f"of {n}", "agrees": each} for n, each in enumerate(agree)]
    # that schools are no clusters is no other answer, and what is hidden tells nothing
    rows += [{**change, "analysis": "naive", "agrees": not is_doubted}] * 3
    hidden = [{**change, "analysis": "hidden", "agrees": False, "suppressed": True}] * 3
    frame = pd.DataFrame([*({**row, "suppressed": False} for row in rows), *hidden])
    frame.to_csv(folder / "tables/sensitivity.csv", index=False)
    table = written(study, folder)["index.en.html"].find("table", id="matrix-pupils")
    cells = [cell.get_text() for cell in table.tbody.find_all("td")]
    assert ("↑ went up†" in cells) == is_doubted
    assert ("fewer than half of the other analyses" in table.get_text()) == is_doubted


def test_pages_that_failed_or_are_to_come_are_named(study, folder):
    told = states("nb") | {("ovre", "region/04_pupils", "nb"): "failed"}
    front = written(study, folder, told, {"region/05_leader_support": ("post",)})["index.html"]
    assert front.find("h2", id="pages").find_next("p").get_text() == (
        "6 sider · 1 feilet · Kommer senere: Lederstøtte"
    )
    (failed,) = front.find_all(class_="failed")
    assert failed.find_parent("details").summary.get_text() == "Øvre"


def test_the_glossary_explains_every_sign_of_certainty_and_names_the_scales(study, folder):
    made = written(study, folder)
    for language in LANGUAGES:
        text = made[f"{language}/glossary.html"].get_text()
        assert all(sign in text for sign in "↑↓≈?·●▲■")
        assert not re.search(r"[{}]", text)
    assert "Affect" in made["en/glossary.html"].get_text()
