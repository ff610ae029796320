"""Pages in a real browser: every link, no error, nothing from elsewhere, readable by everybody."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Page

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Elements that are wider inside than outside and can be scrolled.
SCROLLERS = """() => [...document.querySelectorAll('main, main *')].filter(e =>
    e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0
    && /auto|scroll/.test(getComputedStyle(e).overflowX))"""
#: What a person would call an element in a report.
NAMED = """e => [e.parentElement?.closest("[id]")].filter(p => p).map(p => `#${p.id} `).join("")
    + e.tagName.toLowerCase() + (e.id ? '#' + e.id : '')
    + [...e.classList].map(name => '.' + name).join('')"""


def told(findings: Iterable[str]) -> str:
    """Return what was found, each kind once with how often, as a message."""
    found = list(findings)
    lines = [f"{found.count(line)} × {line}" for line in dict.fromkeys(found)]
    return "\n".join(["", *lines])


def targets(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield where a page leads to: as written, and the file and the place in it that are meant."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for tag in soup.find_all(True):
        for attribute in ("href", "src"):
            written = tag.get(attribute)
            if written is None or written.startswith("data:"):
                continue
            split = urlsplit(written)
            if split.scheme in ("mailto",):
                continue
            assert not split.scheme + split.netloc, (page, written)
            path = (page.parent / unquote(split.path)).resolve() if split.path else page
            yield written, path, unquote(split.fragment)


def ids(page: Path) -> set[str]:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return {tag["id"] for tag in soup.find_all(id=True)}


def test_every_link_leads_to_a_file_and_a_place_that_are_there(site, pages):
    known: dict[Path, set[str]] = {}
    broken, followed = [], 0
    for page in pages:
        for written, path, place in targets(page):
            followed += 1
            if not path.is_file():
                broken.append(f"{page.relative_to(site)}: {written}: no file")
            elif place and path.suffix == ".html":
                if path not in known:
                    known[path] = ids(path)
                if place not in known[path]:
                    broken.append(f"{page.relative_to(site)}: {written}: no such place")
            if site.resolve() not in path.parents:
                broken.append(f"{page.relative_to(site)}: {written}: outside the site")
    assert followed > 100
    assert not broken, told(broken)


def test_every_page_is_reached_from_the_front_page(site, pages):
    of_schools = site / "schools"  # each is for its own leader alone
    reached, to_do = set(), [site / "index.html"]
    while to_do:
        page = to_do.pop()
        reached.add(page)
        there = {path for _, path, _ in targets(page) if path.suffix == ".html"}
        to_do += [path for path in there - reached if path not in to_do]
    lost = [
        str(p.relative_to(site)) for p in pages if p not in reached and of_schools not in p.parents
    ]
    assert not lost, told(lost)


def test_no_page_has_an_error_or_asks_for_anything_elsewhere(site, pages, tab):
    found: list[str] = []
    here = ""
    tab.on("console", lambda message: found.append(f"{here}: {message.type}: {message.text}"))
    tab.on("pageerror", lambda error: found.append(f"{here}: {error}"))
    tab.on("requestfailed", lambda request: found.append(f"{here}: not loaded: {request.url}"))

    def seen(request) -> None:
        if not request.url.startswith(("file:", "data:")):
            found.append(f"{here}: asks for {request.url}")

    tab.on("request", seen)
    for page in pages:
        here = str(page.relative_to(site))
        tab.goto(page.as_uri())
        blank = "images => images.filter(each => !each.naturalWidth).map(each => each.src)"
        found += [
            f"{here}: not drawn: {src[:80]}" for src in tab.eval_on_selector_all("img", blank)
        ]
    assert not found, told(found)


def open_all(tab: Page) -> None:
    """Unfold what is folded away in the text of a page."""
    tab.evaluate("() => document.querySelectorAll('main details').forEach(e => { e.open = true; })")


@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_on_any_kind_of_page(kinds, tab, width):
    tab.set_viewport_size({"width": width, "height": 900})
    found = []
    rules = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    rules["preload"] = False  # else axe asks for the stylesheet, which the pages forbid
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        open_all(tab)
        found += [
            f"{fault['id']} ({fault['impact']}), {kind}: {' '.join(map(str, node['target']))}"
            for fault in Axe().run(tab, options=rules).response["violations"]
            for node in fault["nodes"]
        ]
    assert not found, told(found)


@pytest.mark.parametrize("width", [1280, 360, 320])
def test_no_page_is_wider_than_the_screen(kinds, tab, width):
    """Text is read without scrolling sideways; what is wide has a scroller of its own."""
    tab.set_viewport_size({"width": width, "height": 800})
    beyond = """() => {
        const page = document.scrollingElement;
        if (page.scrollWidth <= page.clientWidth) return [];
        const inside = e => { for (let p = e.parentElement; p; p = p.parentElement)
            if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return true; };
        return [...document.body.querySelectorAll('*')].filter(
            e => e.getBoundingClientRect().right > page.clientWidth + 1 && !inside(e));
    }"""
    found = []
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        open_all(tab)
        wide = tab.evaluate(f"() => ({beyond})().map({NAMED})")
        found += [f"{kind}: {each}" for each in wide]
        size = tab.evaluate("() => document.scrollingElement.scrollWidth")
        if size > width and not wide:
            found.append(f"{kind}: {size} px")
    assert not found, told(found)


def test_tables_are_whole_where_the_screen_has_room_for_them(kinds, tab):
    """Also into the margin beside the text; beside a figure that stands there they are scrolled."""
    found, seen = [], 0
    for kind in ("country/08_flow.html", "country/11_whole_school.html"):
        tab.goto(kinds[kind].as_uri())
        open_all(tab)
        scrolled = f"e => ({SCROLLERS})().includes(e)"
        tables = tab.evaluate_handle("() => [...document.querySelectorAll('main .table')]")
        seen += tables.evaluate("all => all.length")
        found += tables.evaluate(f"all => all.filter({scrolled}).map({NAMED})")
        narrow = """all => all.flatMap(e => [...e.querySelectorAll('[scope=row]')]).filter(
            e => e.offsetWidth < 11 * parseFloat(getComputedStyle(e).fontSize)).length"""
        assert tables.evaluate(narrow) == 0
    assert seen > 3
    assert not found, told(found)


def focused_by_tab(tab: Page, limit: int = 600) -> None:
    """Press the tabulator until it comes round, and mark each element that it came to."""
    come_to = """() => { const e = document.activeElement;
        if (!e || e === document.body || e.dataset.seen) return false;
        e.dataset.seen = 'yes'; return true; }"""
    for _ in range(limit):
        tab.keyboard.press("Tab")
        if not tab.evaluate(come_to):
            return


@pytest.mark.parametrize("width", [1280, 320])
def test_everything_can_be_done_with_the_keyboard(kinds, tab, width):
    tab.set_viewport_size({"width": width, "height": 900})
    found = []
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        open_all(tab)
        focused_by_tab(tab)
        missed = tab.evaluate(
            f"""() => [
            ...({SCROLLERS})(), ...document.querySelectorAll('a[href], summary')].filter(e =>
            !e.dataset.seen && e.checkVisibility() && e.getClientRects().length).map({NAMED})"""
        )
        found += [f"{kind}: not reached: {each}" for each in missed]
        unseen = tab.evaluate(
            f"""() => [...document.querySelectorAll('[data-seen]')].filter(e => {{
            e.focus({{focusVisible: true}});
            const s = getComputedStyle(e);
            return s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 1;
            }}).map({NAMED})"""
        )
        found += [f"{kind}: no sign of focus: {each}" for each in unseen]
    assert not found, told(found)


def test_the_first_stop_leads_past_the_menus(kinds, tab):
    found = []
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        if not tab.locator("nav").count():
            continue  # nothing to lead past
        tab.keyboard.press("Tab")
        href = tab.evaluate("() => document.activeElement.getAttribute('href') || ''")
        if not re.fullmatch(r"#.+", href):
            found.append(f"{kind}: first stop is {href!r}")
            continue
        assert tab.evaluate("() => document.activeElement.getClientRects().length"), kind
        tab.keyboard.press("Enter")
        tab.keyboard.press("Tab")
        after = """() => { const e = document.activeElement;
            return !!e.closest('nav') && !e.closest('main'); }"""
        if tab.evaluate(after):
            found.append(f"{kind}: still in the menus after it")
    assert not found, told(found)


def test_menus_open_and_lead_on_with_the_keyboard(kinds, tab):
    """What is folded away in the navigation opens with Enter, and its links can be followed."""
    found, followed = [], 0
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        menus = tab.locator("nav details > summary, header details > summary")
        for number in range(menus.count()):
            tab.goto(page.as_uri())
            menu = menus.nth(number)
            was = menu.evaluate("e => e.parentElement.open")
            menu.focus()
            tab.keyboard.press("Enter")
            if menu.evaluate("e => e.parentElement.open") == was:
                found.append(f"{kind}: menu {number + 1} does not open")
                continue
            if was:
                tab.keyboard.press("Enter")
            tab.keyboard.press("Tab")
            link = tab.evaluate(
                """() => { const e = document.activeElement;
                return e.closest('details') && e.tagName === 'A' ? e.href : ''; }"""
            )
            if not link:
                found.append(f"{kind}: menu {number + 1} has no link after it")
                continue
            with tab.expect_navigation(url=link):
                tab.keyboard.press("Enter")
            followed += 1
    assert not found, told(found)
    assert followed >= len(kinds)


def test_a_page_leads_to_itself_in_the_other_languages(site, kinds, tab):
    """From a page to the same page in another language and back, by links that say so."""
    found = []
    for kind, page in kinds.items():
        if kind == "schools":
            continue  # sent to one leader, in the school's language
        tab.goto(page.as_uri())
        heading = tab.locator("h1").first.inner_text()
        for language in ("nn", "en"):
            tab.goto(page.as_uri())
            menu = tab.locator("nav, header").locator(f"a[hreflang={language}]")
            same = [
                number for number in range(menu.count())
                if Path(unquote(urlsplit(menu.nth(number).evaluate("e => e.href")).path)).name
                in (page.name, page.name.replace(".html", f".{language}.html"))
            ]  # fmt: skip
            if not same:
                found.append(f"{kind}: no link to {language}")
                continue
            link = menu.nth(same[0])
            if not link.is_visible():
                link.evaluate("e => { e.closest('details').open = true; }")
            link.click()
            spoken = tab.evaluate("() => document.documentElement.lang")
            if spoken.partition("-")[0] != language:
                found.append(f"{kind}: in {spoken} instead of {language}")
            back = tab.locator("nav, header").locator("a[hreflang=nb]")
            if not back.count():
                found.append(f"{kind}: no way back from {language}")
            elif language == "en" and tab.locator("h1").first.inner_text() == heading:
                found.append(f"{kind}: same heading in {language}")
    assert not found, told(found)


def test_landmarks_headings_and_titles(kinds, tab):
    found, titles = [], {}
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        for role, number in (("main", 1), ("contentinfo", 1)):
            if kind != "schools" and tab.get_by_role(role).count() != number:
                found.append(f"{kind}: {tab.get_by_role(role).count()} × {role}")
        if kind not in ("index.html", "schools") and not tab.get_by_role("navigation").count():
            found.append(f"{kind}: no navigation")
        if tab.locator("h1").count() != 1:
            found.append(f"{kind}: {tab.locator('h1').count()} × h1")
        if (other := titles.setdefault(tab.title(), kind)) != kind:
            found.append(f"{kind}: has the title of {other}")
    assert not found, told(found)
