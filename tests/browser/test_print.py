"""How long pages are, on a screen and on paper, and nothing cut at the right edge."""

import io
import re

from pypdf import PdfReader

from tests.browser.test_pages import NAMED, open_all, told

#: A4, and the margin of a sheet where the stylesheet has none, in millimetres.
A4, MARGIN = 210, 10
#: The most that the longest page of a region, on pupils, may take.
WORDS, PIXELS = 2000, 12000
#: The most sheets of paper that a summary, and all pages of a region together, may take.
SUMMARY, REGION = 1, 40


def printed(tab) -> PdfReader:
    margin = dict.fromkeys(("left", "right", "top", "bottom"), f"{MARGIN}mm")
    return PdfReader(io.BytesIO(tab.pdf(format="A4", prefer_css_page_size=True, margin=margin)))


def inside(site) -> int:
    """Return the width between the margins, in CSS pixels."""
    css = (site / "assets" / "loftet.css").read_text(encoding="utf-8")
    margin = re.search(r"@page\s*\{[^}]*margin:\s*([\d.]+)mm", css)
    return int((A4 - 2 * float(margin[1] if margin else MARGIN)) * 96 / 25.4)


def test_pages_are_short_on_the_screen_and_on_paper(kinds, tab, capsys):
    """What is folded away is not counted."""
    tab.set_viewport_size({"width": 900, "height": 900})
    sheets, words, pixels = {}, {}, {}
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        words[kind] = len(tab.locator("main").inner_text().split())
        pixels[kind] = tab.evaluate("() => document.scrollingElement.scrollHeight")
        reader = printed(tab)
        sheets[kind] = len(reader.pages)
        for number, sheet in enumerate(reader.pages, start=1):
            assert sheet.extract_text().strip() or sheet.images, f"{kind}: sheet {number} is empty"
    with capsys.disabled():
        print("\npage: words, pixels at a width of 900, sheets of A4")
        for kind in kinds:
            print(f"{kind}: {words[kind]}, {pixels[kind]}, {sheets[kind]}")
    pupils = "region/04_pupils.html"
    assert words[pupils] <= WORDS
    assert pixels[pupils] <= PIXELS
    of_region = {kind: n for kind, n in sheets.items() if kind.startswith("region/")}
    assert sum(of_region.values()) <= REGION, of_region
    for kind in ("region/00_summary.html", "country/00_summary.html"):
        assert sheets[kind] <= SUMMARY


def test_nothing_is_cut_at_the_right_edge_of_the_paper(site, kinds, tab):
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": inside(site), "height": 1123})
    found = []
    for kind, page in kinds.items():
        tab.goto(page.as_uri())
        open_all(tab)
        cut = tab.evaluate(
            f"""() => [...document.body.querySelectorAll('*')].filter(e => {{
            const box = e.getBoundingClientRect(), style = getComputedStyle(e);
            const clipped = e.clientWidth && e.scrollWidth > e.clientWidth + 1
                && style.overflowX !== 'visible' && style.display !== 'inline';
            return box.width && (clipped || box.right > document.documentElement.clientWidth + 1);
            }}).map({NAMED})"""
        )
        found += [f"{kind}: {each}" for each in cut]
    assert not found, told(found)
