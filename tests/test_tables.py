"""Tables as their readers get them: every cell, caption, note and number form."""

import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from loftet_analysis.show import tables
from loftet_analysis.show.publish import gated
from tests.made_up import NUMBERS, all_estimands, effects, mask, pooled, reliability, words

BUILT = {
    "effects": (tables.effects_table, all_estimands),
    "regions": (tables.regions_table, lambda: effects({"region": "oslo"}, {})),
    "pooled": (tables.pooled_table, pooled),
    "reliability": (tables.reliability_table, reliability),
}


def built(kind="effects", *, frame=None, language="nb", hidden=None, **others) -> BeautifulSoup:
    view, made_up = BUILT[kind]
    shown = gated(made_up() if frame is None else frame, mask(**(hidden or {})), "internal")
    table = view(shown, words=words(language), name="the_table", **others)
    return BeautifulSoup(table.html, "html.parser")


def rows(soup: BeautifulSoup) -> list[list[str]]:
    body = soup.find("tbody").find_all("tr")
    return [[cell.get_text(strip=True) for cell in row.find_all(["th", "td"])] for row in body]


def heads(soup: BeautifulSoup) -> list[str]:
    (line,) = soup.find("thead").find_all("tr")[-1:]
    return [cell.get_text(strip=True) for cell in line.find_all("th") if cell.get_text(strip=True)]


def notes(soup: BeautifulSoup) -> list[str]:
    return [cell.get_text(strip=True) for cell in soup.select(".gt_sourcenote")]


def test_effects_say_who_how_many_and_how_sure():
    soup = built()
    assert heads(soup) == [
        "Personer", "Grupper (df)", "Før", "Etter", "Endring (SD)", "95\xa0% KI", "Synlig",
    ]  # fmt: skip
    assert rows(soup)[:3] == [
        ["Matematikkglede"],
        ["Koblet endring", "431", "11 (7,3)", "–", "–", "+0,12", "−0,06 til 0,30", "–"],
        [
            "Endring på samme trinn",
            "1\u202f234 / 1\u202f187",
            "11 (7,3)",
            "2,88",
            "2,94",
            "+0,12",
            "−0,06 til 0,30",
            "–",
        ],
    ]
    assert [row for row in rows(soup) if len(row) == 1] == [["Matematikkglede"], ["Syn på faget"]]
    assert rows(soup)[-1][3:5] == ["–", "–"]


def test_people_of_two_waves_are_told_apart():
    assert rows(built(frame=effects({})))[1][1] == "1\u202f234 / 1\u202f187"


def test_hidden_numbers_stand_as_a_dot_and_the_note_says_so():
    soup = built(hidden={"subgroup": "role=colleague"})
    assert rows(soup)[-2:] == [["Kolleger", *"·" * 7], ["Deltakere − kolleger", *"·" * 7]]
    assert "· skjult, siden det ville fortelle om få personer" in notes(soup)
    assert "·" not in " ".join(notes(built()))


def test_a_refused_row_gives_its_reason_in_words():
    void = dict.fromkeys(["n_pre", "n_post", "n_clusters", "mean_pre", "mean_post", *NUMBERS])
    soup = built(frame=effects({**void, "reason": "no_pairs"}, {"estimand": "school_change"}))
    assert rows(soup)[1] == ["Endring på samme trinn", *"–" * 7]
    assert notes(soup)[-1] == (
        "– Matematikkglede, Endring på samme trinn: ikke beregnet, siden ingen, eller ingen i den "
        "ene rollen, har et gyldig svar begge ganger."
    )


def test_regions_stand_in_register_order_and_the_country_last():
    frame = effects(
        *({"region": r, "outcome": o} for r in ("oslo", "nordland") for o in ("joy", "effort")),
        {"region": "oslo", "estimand": "linked_change", "estimate": -0.5, "n_pairs": 431},
    )
    together = gated(
        effects(
            {"region": "national", "estimate": 0.4321}, {"region": "national", "outcome": "effort"}
        ),
        mask(),
        "internal",
    )
    soup = built("regions", frame=frame, together=together)
    assert [row[0] for row in rows(soup)] == [
        "Matematikkglede", "Oslo - Oslove", "Nordland - Nordlánnda", "Alle regioner",
        "Innsats", "Oslo - Oslove", "Nordland - Nordlánnda", "Alle regioner",
    ]  # fmt: skip
    assert rows(soup)[1][1:] == ["+0,12", "−0,06 til 0,30", "−0,50", "−0,06 til 0,30"]
    assert rows(soup)[2][1:] == ["+0,12", "−0,06 til 0,30", "–", "–"]
    assert rows(soup)[3][1] == "+0,43"
    assert "Koblet endring" in soup.find("thead").get_text()


def test_regions_together():
    soup = built("pooled")
    assert rows(soup)[1] == [
        "Endring på samme trinn", "2", "+0,08", "−0,03 til 0,19", "−0,15 til 0,31", "0,08",
        "44\xa0%", "< 0,001",
    ]  # fmt: skip
    alone = pooled().assign(k=1, **dict.fromkeys(
        ["estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "i2", "q_p"], np.nan
    ))  # fmt: skip
    assert rows(built("pooled", frame=alone))[1][1:] == ["1", *"–" * 6]


def test_reliability_has_the_waves_side_by_side():
    soup = built("reliability", frame=reliability().iloc[:3])
    assert heads(soup) == ["n", "α", "95\xa0% KI", "ω"] * 2
    over = [th.get_text(strip=True) for th in soup.find("thead").find("tr").find_all("th")]
    assert over == ["", "før", "etter"]
    whole = ["1\u202f201", "0,81", "0,80 til 0,83", "–"]
    assert rows(soup) == [
        ["Matematikkglede (4 spørsmål)"],
        ["alle", *whole, *whole],
        ["Innsats (4 spørsmål)"],
        ["alle", *whole, *"–" * 4],
    ]


@pytest.mark.parametrize("kind", BUILT)
@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_tables_are_named_for_screen_readers_and_load_nothing(kind, language):
    soup = built(kind, language=language)
    (caption,) = soup.find_all("caption")
    assert caption.parent.name == "table"
    assert len(caption.get_text(strip=True)) > 10
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert ids[0] == "the_table"
    assert len(ids) == len(set(ids))
    assert not re.search(r"https?://|<script|<link|@import", str(soup))
    for cell in soup.find("tbody").find_all("td"):
        assert not re.search(
            r"-\d|\d\.\d" if language != "en" else r"-\d|\d,\d\d?(?!\d)", cell.text
        )
