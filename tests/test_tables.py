"""Tables as their readers get them: every cell, caption, note and number form."""

import dataclasses
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from loftet_analysis import schema
from loftet_analysis.analysis.planning import FORESEEN
from loftet_analysis.disclosure.gate import gate as gated
from loftet_analysis.show import site, tables
from loftet_analysis.show.layout import laid_out
from loftet_analysis.show.sentences import who_answered
from tests import made_up
from tests.made_up import NUMBERS, all_estimands, effects, mask, pooled, reliability, words

BUILT = {
    "effects": (tables.effects, all_estimands),
    "regions": (tables.regions, lambda: effects({"region": "oslo"}, {})),
    "pooled": (tables.pooled, pooled),
    "two_ways": (partial(tables.two_ways, together=effects({"region": "national"})), pooled),
    "features": (tables.features, made_up.features),
    "invariance": (tables.invariance, made_up.invariance),
    "reliability": (tables.reliability, reliability),
}


def built(kind="effects", *, frame=None, language="nb", hidden=None, **others) -> BeautifulSoup:
    view, made = BUILT[kind]
    shown = gated(made() if frame is None else frame, mask(**(hidden or {})), "internal")
    table = view(shown, words=words(language), **others)
    return BeautifulSoup(table.with_id("the_table"), "html.parser")


def rows(soup: BeautifulSoup) -> list[list[str]]:
    body = soup.select("tbody tr")
    return [[cell.get_text(strip=True) for cell in row.find_all(["th", "td"])] for row in body]


def heads(soup: BeautifulSoup) -> list[str]:
    (line,) = soup.find("thead").find_all("tr")[-1:]
    return [cell.get_text(strip=True) for cell in line.find_all("th") if cell.get_text(strip=True)]


def notes(soup: BeautifulSoup) -> list[str]:
    return [cell.get_text(strip=True) for cell in soup.select("tfoot td")]


def test_effects_say_who_how_many_and_how_sure():
    soup = built()
    assert heads(soup) == [
        "Personer",
        "Grupper (df)",
        "Endring (SD)",
        "95\xa0% KI",
    ]  # nothing can be detected
    assert rows(soup)[:3] == [
        ["Matematikkglede"],
        ["Koblet endring", "432", "11 (7)", "0,12", "−0,06 til 0,30"],
        [
            "Endring på samme trinn",
            "1\u202f236 / 1\u202f188",
            "11 (7)",
            "0,12",
            "−0,06 til 0,30",
        ],
    ]
    assert [row for row in rows(soup) if len(row) == 1] == [["Matematikkglede"], ["Syn på faget"]]


def test_a_change_stands_in_points_and_in_standard_deviations():
    soup = built(frame=effects({"change": 0.094}))
    assert heads(soup)[2:4] == ["Endring (poeng)", "Endring (SD)"]
    assert rows(soup)[1][3:5] == ["0,09", "0,12"]
    share = {"estimand": "share_below", "change": -0.05, "change_ci_low": -0.09}
    frame = gated(effects(share | {"change_ci_high": -0.01}), mask(), "open")
    table = tables.effects(frame, words=words("nb"))
    (_, row) = rows(BeautifulSoup(table.html, "html.parser"))
    assert row[0] == "Andel lave svar (prosentpoeng)"
    assert row[5:7] == ["−5,0", "−9,0 til −1,0"]


def test_an_end_that_is_rounded_to_zero_is_told_from_its_side():
    def interval(**of) -> str:
        shown = gated(effects(of), mask(), "open")
        table = tables.effects(shown, words=words("nb")).html
        cells = rows(BeautifulSoup(table, "html.parser"))[1]
        return next(cell for cell in cells if " til " in cell)

    up = {"ci_low": 0.0, "ci_high": 0.44, "p_value": 0.03, "verdict": "increase"}
    assert interval(**up) == "0,00 til 0,44 (så vidt over null)"
    assert interval(ci_low=0.0, ci_high=0.44, p_value=0.06) == "0,00 til 0,44 (omfatter null)"
    down = {**up, "ci_low": -0.44, "ci_high": 0.0, "verdict": "decrease"}
    assert interval(**down) == "−0,44 til 0,00 (så vidt under null)"
    assert interval(ci_low=0.1, ci_high=0.44, verdict="increase") == "0,10 til 0,44"


@pytest.mark.parametrize(
    ("draw", "frame"),
    [(tables.agreement, made_up.agreement()), (tables.pooled, pooled()),
     (tables.features, made_up.features())],
    ids=["agreement", "pooled", "features"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("low", "said"),
    [(-0.004, "0,00 til 0,44 (omfatter null)"), (0.004, "0,00 til 0,44 (så vidt over null)"),
     (0.1, "0,10 til 0,44")],
)  # fmt: skip
def test_other_intervals_that_end_at_zero_say_where_they_lie_too(draw, frame, low, said):
    shown = gated(frame.assign(ci_low=low, ci_high=0.44), mask(), "open")
    assert said in [cell for row in rows(BeautifulSoup(draw(shown, words=words("nb")).html,
                                                       "html.parser")) for cell in row]  # fmt: skip


def test_an_interval_that_only_rounding_moved_off_zero_includes_it():
    def interval(**of) -> str:
        return rows(built(frame=effects({"verdict": "unclear", "p_value": 0.03} | of)))[1][4]

    moved = "−0,14 til −0,01 (omfatter null før avrunding)"
    assert interval(ci_low=-0.14, ci_high=-0.01) == moved
    assert interval(ci_low=0.0, ci_high=0.44) == "0,00 til 0,44 (omfatter null)"
    # of these the verdict is of all tests together, or of what was expected
    assert interval(ci_low=-0.14, ci_high=-0.01, family="pupils: primary") == "−0,14 til −0,01"
    assert interval(ci_low=-0.14, ci_high=-0.01, drift=-0.1) == "−0,14 til −0,01"


def test_notes_are_about_what_stands_in_the_table():
    assert any("begge ganger, eller før" in note for note in notes(built()))
    assert "Personer: de som har svart før / etter." in notes(built(frame=effects({})))
    careful = effects({"measurement_warning": "floor_effect"})
    said = " ".join(notes(built(frame=careful)))
    assert "▲ les med forsiktighet: se siden om måling." in said
    assert "■" not in said
    assert "▲" not in " ".join(notes(built(frame=effects({}))))


def test_people_of_two_waves_are_told_apart():
    assert rows(built(frame=effects({})))[1][1] == "1\u202f236 / 1\u202f188"


def test_hidden_numbers_stand_as_a_dot_and_the_note_says_so():
    soup = built(hidden={"subgroup": "role=colleague"})
    assert rows(soup)[-2:] == [["Kolleger", *"·" * 4], ["Deltakere − kolleger", *"·" * 4]]
    assert "· vises ikke (personvern)" in notes(soup)
    assert "·" not in " ".join(notes(built()))


def test_a_refused_row_gives_its_reason_in_words():
    void = dict.fromkeys(["n_pre", "n_post", "n_clusters", "mean_pre", "mean_post", *NUMBERS])
    soup = built(frame=effects({**void, "reason": "no_pairs"}, {"estimand": "school_change"}))
    assert rows(soup)[1] == ["Endring på samme trinn", *"–" * 4]
    assert notes(soup)[-1] == (
        "– Matematikkglede (endring på samme trinn): ikke beregnet, siden ingen, eller ingen i den "
        "ene rollen, har et gyldig svar begge ganger."
    )


def test_regions_stand_in_the_alphabet_and_all_of_them_last():
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
        "Matematikkglede", "Nordland – Nordlánnda", "Oslo – Oslove", "Alle regionene",
        "Innsats", "Nordland – Nordlánnda", "Oslo – Oslove", "Alle regionene",
    ]  # fmt: skip
    assert rows(soup)[1][1:] == ["0,12", "−0,06 til 0,30", "–", "–"]
    assert rows(soup)[2][1:] == ["0,12", "−0,06 til 0,30", "−0,50", "−0,06 til 0,30"]
    assert rows(soup)[3][1] == "0,43"
    assert "Koblet endring" in soup.find("thead").get_text()


def test_regions_together():
    soup = built("pooled")
    assert rows(soup)[1] == [
        "Endring på samme trinn", "2", "0,08", "−0,03 til 0,19", "−0,15 til 0,31", "0,08",
        "44\xa0%", "< 0,001",
    ]  # fmt: skip
    alone = pooled().assign(k=1, **dict.fromkeys(
        ["estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau2", "i2", "q_p"], np.nan
    ))  # fmt: skip
    assert rows(built("pooled", frame=alone))[1][1:] == ["1"]


def test_the_country_stands_beside_the_mean_over_the_regions():
    together = effects({"region": "national", "cluster": "region", "estimate": 0.2012})
    soup = built("two_ways", together=gated(together, mask(), "internal"))
    assert rows(soup)[1] == [
        "Endring på samme trinn", "0,20", "−0,06 til 0,30", "0,08", "−0,03 til 0,19",
        "0,03 til 0,10",
    ]  # fmt: skip
    hidden = {"region": "national", "population": "pupils"}
    assert rows(built("two_ways", hidden=hidden, together=together.iloc[:0]))[1][1:] == ["·"] * 5


def test_features_of_regions_stand_beside_changes():
    soup = built("features")
    assert "reisetid" in soup.find("caption").get_text()
    assert rows(soup)[1] == [
        "Endring på samme trinn", "15", "0,08", "−0,03 til 0,19", "0,004", "0,08",
    ]  # fmt: skip
    two = pd.concat([made_up.features(), made_up.features(feature="urban")])
    w = dataclasses.replace(words(), features={"travel": "reisetid", "urban": "by"})
    shown = gated(two, mask(), "internal")
    table = BeautifulSoup(tables.features(shown, words=w).html, "html.parser")
    assert "reisetid og by" in table.find("caption").get_text()
    assert rows(table)[2][0] == "Endring på samme trinn, by"


def test_regions_that_are_left_out_are_named_beneath_the_table():
    told = "nordland: one_cluster; oslo: hidden"
    frame = pooled("same_grade", "linked_change").assign(left_out=[told, ""])
    said = built("pooled", frame=frame, language="en").get_text(" ", strip=True)
    assert (
        "Joy (same-grade change) – 2 regions are not included: Nordland – Nordlánnda (it would "
        "rest on a single school or group of schools), Oslo – Oslove (suppressed)." in said
    )
    both = built("pooled", frame=frame.assign(left_out="oslo: no_row")).get_text(" ", strip=True)
    assert both.count("1 region er ikke med: Oslo – Oslove (uten resultater så langt).") == 1
    assert "ikke med" not in built("pooled").get_text()


def test_reliability_has_the_waves_side_by_side():
    soup = built("reliability", frame=reliability().iloc[:3])
    assert heads(soup) == ["n", "α", "95\xa0% KI"] * 2  # no omega
    over = soup.select("thead th[scope=colgroup]")
    assert [(th.get_text(strip=True), th["colspan"]) for th in over] == [
        ("før", "3"),
        ("etter", "3"),
    ]
    whole = ["1\u202f200", "0,81", "0,80 til 0,83"]
    assert rows(soup) == [
        ["Matematikkglede (4 spørsmål)"],
        ["alle", *whole, *whole],
        ["Innsats (4 spørsmål)"],
        ["alle", *whole, *"–" * 3],
    ]


@pytest.mark.parametrize("kind", BUILT)
@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_tables_are_named_for_screen_readers_and_load_nothing(kind, language):
    soup = built(kind, language=language)
    (caption,) = soup.find_all("caption")
    assert caption.parent.name == "table"
    assert len(caption.get_text(strip=True)) > 10
    assert [tag.name for tag in soup.find_all(id="the_table")] == ["table"]
    assert len(soup.find_all(id=True)) == 1
    assert not re.search(r"https?://|<script|<link|@import", str(soup))
    assert all(th.get("scope") for th in soup.find_all("th"))
    for cell in soup.select("tbody td"):
        assert not re.search(
            r"-\d|\d\.\d" if language != "en" else r"-\d|\d,\d\d?(?!\d)", cell.text
        )


def cells_per_line(soup: BeautifulSoup) -> set[int]:
    """How many columns each line of a table spans, with what hangs down from the line above."""
    hanging, widths = 0, set()
    for line in soup.find_all("tr"):
        cells = line.find_all(["th", "td"])
        widths.add(hanging + sum(int(cell.get("colspan", 1)) for cell in cells))
        hanging = sum(cell.get("rowspan") == "2" for cell in cells)
    return widths


@pytest.mark.parametrize("kind", BUILT)
def test_every_line_of_a_table_spans_all_columns(kind):
    assert len(cells_per_line(built(kind))) == 1


def test_columns_with_and_without_a_heading_above_stand_in_two_lines():
    rows = [{"model": "a", "n": 3, "low": -1.0, "high": 0.5}]
    columns = [
        ("n", "n", "count"),
        ("low", "low", "number", "Fit"),
        ("high", "high", "number", "Fit"),
        ("Why", lambda row: "since & so", "text"),
    ]
    table = laid_out(rows, columns, words(), "A caption", ["A <note>"], line="model")
    soup = BeautifulSoup(table.html, "html.parser")
    above, below = soup.select("thead tr")
    assert [cell.text for cell in above.find_all(["td", "th"])] == ["", "n", "Fit", "Why"]
    assert [cell.text for cell in below.find_all("th")] == ["low", "high"]
    assert rows_of_words(soup) == ["since & so"]
    assert cells_per_line(soup) == {5}
    assert "A &lt;note&gt;" in table.html


def rows_of_words(soup: BeautifulSoup) -> list[str]:
    return [cell.text for cell in soup.select("tbody td.words")]


def test_lines_are_spread_over_waves_and_groups_gathered():
    records = [
        {"population": population, "state": state, "wave": wave, "n": n, "suppressed": n == 2}
        for population, state, wave, n in (
            ("teachers", "linked", "post", 1),
            ("pupils", "linked", "post", 2),
            ("teachers", "absent", "pre", 3),
            ("teachers", "linked", "pre", 4),
        )
    ]
    records[1]["n"] = None
    form = {"group": "population", "line": "state", "across": "wave"}
    soup = BeautifulSoup(
        laid_out(records, [("n", "n", "count")], words(), **form).html, "html.parser"
    )
    assert soup.caption is None
    assert soup.thead.get_text(" ", strip=True) == "før etter n n"
    assert rows(soup) == [
        ["Lærere"],
        ["koblet", "4", "1"],
        ["ikke svart den andre gangen", "3", "–"],
        ["Elever"],
        ["koblet", "–", "·"],
    ]
    assert notes(soup) == ["· vises ikke (personvern)"]


def test_columns_in_which_there_is_nothing_are_dropped_and_so_are_their_notes():
    rows = [{"state": "linked", "n": 3, "m": None}, {"state": "absent", "n": None, "m": None}]
    columns = [("n", "n", "count"), ("m", "m", "count")]
    table = laid_out(rows, columns, words(), notes=["n: people.", "m: none."], line="state")
    assert "<th" in table.html
    assert ">m<" not in table.html
    assert table.notes == ("n: people.",)
    rows += [{"state": "linked_near", "n": None, "m": None, "suppressed": True}]
    assert ">m<" not in laid_out(rows, columns, words(), line="state").html  # wholly hidden


def test_of_few_people_no_item_is_said_to_fit_badly():
    few, many = (gated(made_up.items().assign(n=n), mask(), "internal") for n in (12, 30))
    html = tables.items(few, words=words("nb")).html
    assert "0,30" not in html
    assert "Så få kan ikke vise hvor godt en skala måler" in html
    assert "0,30" in tables.items(many, words=words("nb")).html


def test_a_note_is_said_once_on_a_page():
    rows = [{"state": "linked", "n": 3}]
    table = laid_out(rows, [("n", "n", "count")], words(), notes=["n < m.", "m"], line="state")
    assert "n &lt; m." in table.html
    later = table.without(["n < m."])
    assert (later.notes, "n &lt; m." in later.html) == (("m",), False)
    assert "<tfoot>" in later.html
    assert "<tfoot>" not in later.without(["m"]).html


def plain(frame: pd.DataFrame, language: str = "nb", **given) -> BeautifulSoup:
    return BeautifulSoup(tables.table(frame, words=words(language), **given).html, "html.parser")


def test_any_gated_frame_is_a_table_with_its_keys_named():
    shown = gated(all_estimands(), mask(subgroup="role=colleague"), "internal")
    columns = ["population", "outcome", "estimand", "n_pairs", "estimate", "p_value", "verdict"]
    soup = plain(shown[[*columns, "suppressed", "reason"]].iloc[[1, 4]], caption="Endringer")
    assert soup.caption.text == "Endringer"
    assert heads(soup) == [
        "Gruppe", "Utfall", "Sammenligning", "n pairs", "Endring (SD)", "p", "Konklusjon",
    ]  # fmt: skip
    assert rows(soup) == [
        ["Elever", "Matematikkglede", "Endring på samme trinn", "–", "0,12", "0,041", "usikkert"],
        ["Lærere", "Syn på faget", "Kolleger", *"····"],
    ]
    assert notes(soup) == ["· vises ikke (personvern)"]


def test_what_pandas_makes_of_a_frame_is_a_table():
    frame = pd.DataFrame(
        {
            "population": "pupils", "outcome": ["joy", "joy", "effort"],
            "wave": ["pre", "post", "post"], "mean": [2.5, 2.75, 3.0], "sd": [0.5, 0.6, 0.7],
        }
    )  # fmt: skip
    keys = ["population", "outcome"]
    soup = plain(frame.pivot(index=keys, columns="wave", values="mean"))
    assert heads(soup) == ["Gruppe", "Utfall", "etter", "før"]
    assert rows(soup)[1] == ["Elever", "Matematikkglede", "2,75", "2,50"]
    soup = plain(frame.pivot(index=keys, columns="wave", values=["mean", "sd"]), "en")
    over = [th.text for th in soup.select("thead th[scope=colgroup]")]
    assert over == ["Mean", "SD"]
    assert heads(soup) == ["after", "before"] * 2
    assert rows(soup)[0] == ["Pupils", "Effort", "3.00", "–", "0.70", "–"]
    assert cells_per_line(soup) == {6}
    counts = frame.groupby("wave").agg(sheets=("mean", "size"))
    assert rows(plain(counts)) == [["etter", "2"], ["før", "1"]]


def test_a_researchers_own_values_stand_as_they_are():
    frame = pd.DataFrame(
        {
            "my_group": ["a", "b"], "state": ["never seen", "linked"], "agrees": [True, False],
            "day": pd.to_datetime(["2025-01-02", None]), "p_value": [0.0001, np.nan],
        }
    )  # fmt: skip
    soup = plain(frame)
    assert heads(soup)[:2] == ["my group", "state"]
    assert rows(soup) == [
        ["a", "never seen", "ja", "2. januar 2025", "< 0,001"],
        ["b", "koblet", "nei", "–", "–"],
    ]


def test_lines_that_a_function_names_are_spread_over_waves_too():
    frame = made_up.missing()
    frame = pd.concat([frame, frame.assign(scale="effort", share_missing=0.0223)])
    soup = BeautifulSoup(tables.missing(frame, words=words("en")).html, "html.parser")
    assert [row[1:] for row in rows(soup)[1:]] == [
        ["8.1%", "12.3%", "8.1%", "12.3%"],
        ["2.2%", "12.3%", "2.2%", "12.3%"],
    ]
    of_few = BeautifulSoup(
        tables.missing(frame.assign(n=96), words=words("en")).html, "html.parser"
    )
    assert rows(of_few)[1][1:] == ["8%", "12%", "8%", "12%"]


def test_a_second_row_for_the_same_cells_is_not_lost():
    records = [{"state": "linked", "wave": "pre", "n": n} for n in (3, 4)]
    form = {"line": "state", "across": "wave"}
    soup = BeautifulSoup(laid_out(records, [("n", "n")], words(), **form).html, "html.parser")
    assert rows(soup) == [["koblet", "3,00"], ["koblet", "4,00"]]


def test_regions_are_compared_by_estimand_contrast_and_subgroup():
    frame = effects({}, {"subgroup": "gender=girl", "estimate": 0.5})
    shown = tables.regions(frame.assign(suppressed=False), words=words())
    soup = BeautifulSoup(shown.html, "html.parser")
    over = [th.text for th in soup.select("thead th[scope=colgroup]")]
    assert over == ["Endring på samme trinn", "Endring på samme trinn, jenter"]
    assert rows(soup)[1][1::2] == ["0,12", "0,50"]


def test_sheets_that_were_set_aside_stand_by_reason_and_none_that_rounds_to_nothing():
    shown = gated(made_up.set_aside(), mask(), "internal")
    table = made_up.opened(words("en"))._drawn(tables.set_aside, shown, words("en"), "", {}, {})
    assert "withdrawn since" not in table.html  # 2 sheets: a zero would tell of them
    lines = [
        "the school is not in the register",
        "another questionnaire from the same person",
        "no consent",
    ]
    places = [table.html.index(line) for line in lines]
    assert places == sorted(places)
    assert table.html.count("<td>306</td>") == 0  # 303 is rounded to a multiple of 6
    assert table.html.count("<td>300</td>") == 2


def test_where_rounding_leaves_none_a_line_says_so():
    for build, made in (
        (tables.taken_out, made_up.taken_out),
        (tables.set_aside, made_up.set_aside),
    ):
        few = made()
        few[[c for c in few if c.startswith("n_")]] = 1
        shown = gated(few, mask(), "internal")
        said = made_up.opened(words("en"))._drawn(build, shown, words("en"), "", {}, {})
        assert "or too few to be shown" in said.html
        assert "<table" not in said.html


def test_schools_stand_beside_people_where_they_were_counted():
    counts = made_up.response()
    assert "Schools" not in tables.response(counts, words=words("en")).html
    counted = dict(zip(schema.SCHOOLS_BY_STEP, (12, 11, 11, None, 9, 9), strict=True))
    table = tables.response(counts.assign(**counted), words=words("en")).html
    assert table.count("Schools") == 3  # in either wave, and a note
    kept = table.partition("Kept in the analysis")[2].partition("</tr>")[0]
    assert kept.count("<td>–</td>") == 2


def test_a_comparison_has_the_fewest_and_the_most_of_its_scales():
    both = made_up.effects({"n_schools": None}, {"outcome": "effort", "n_pre": 1220})
    table = tables.analysed(both.assign(n_pairs=None), words=words("en")).html
    cells = table.partition("Same-grade change")[2].partition("</tr>")[0]
    assert "<td>1,220–1,234</td>" in cells
    assert "<td>1,187</td>" in cells
    assert cells.count("<td>11</td>") == 2


def test_notes_wrap_to_what_is_seen_of_a_table_that_is_scrolled():
    soup = built()
    assert all(cell.span for cell in soup.select("tfoot td"))
    style = (site.ASSETS / "loftet.css").read_text(encoding="utf-8")
    rule, *_ = re.findall(r"\.results :is\(caption, tfoot span[^{]*\{(.*?)\}", style)
    assert "max-width: 100cqw" in rule


@pytest.mark.parametrize(("n_groups", "said"), [(2, "tidspunkter"), (8, "tidspunkter og trinn")])
def test_groups_of_a_factor_model_are_grades_only_where_there_are_some(n_groups, said):
    frame = made_up.invariance().assign(n_groups=n_groups)
    assert rows(built("invariance", frame=frame))[1][0] == said


def test_shares_of_rounded_numbers_are_told_of_a_hundred_people_or_more():
    about = {"population": "teachers", "wave": "pre", "subgroup": "all"}
    steps = {"n_invited": 120, "n_answered": 66, "n_consented": 66, "n_kept": 60}
    counts = pd.DataFrame([{**about, **steps, "n_linkable": None, "n_linked": None}])
    shown = gated(counts.assign(region="oslo", school_id=""), pd.DataFrame(), "internal")
    table = tables.response(shown, words=words("en")).html
    assert "55%" in table
    assert "91%" not in table
    assert "Shares are given only for groups of 100 people or more." in table
    assert "(55% of those invited)" in who_answered(shown, words=words("en"))
    few = who_answered(shown.assign(n_invited=72), words=words("en"))
    assert "%" not in few


def test_a_share_that_is_there_but_not_told_has_the_mark_of_what_is_suppressed():
    """A dash says that there is no such number."""
    of_groups = made_up.response("grade=5").assign(n_linked=[601, None], n_linkable=[604, 604])
    (line,) = rows(BeautifulSoup(tables.groups(of_groups, words=words("nb")).html, "html.parser"))[
        1:
    ]
    assert [line[3], line[6]] == [">99\N{NO-BREAK SPACE}%", "·"]
    signs = made_up.careless().assign(n=[1007, 12])
    signs = pd.concat([signs, signs.assign(wave="post", n=0, n_flagged=0)])
    table = tables.careless(signs, words=words("nb"))
    lines = rows(BeautifulSoup(table.html, "html.parser"))[1:]
    assert [line[1] for line in lines] == ["2\N{NO-BREAK SPACE}%", "·"]
    assert "· vises ikke (personvern)" in table.notes


def test_many_against_few_is_said_with_the_numbers_of_the_rows():
    dose = {"population": "teachers", "outcome": "views", "estimand": "dose"}
    many = {**dose, "contrast": "gathering: 90th - 10th percentile", "flags": "low_df;range=6-10"}
    less = {**dose, "contrast": "interim work: 90th - 10th percentile", "flags": "range=2.5-5"}
    slope = {**dose, "contrast": "per gathering", "flags": "range=6-10"}
    said = [note for note in notes(built(frame=effects(slope, many, less), language="en"))
            if note.startswith("Many")]  # fmt: skip
    assert said == [
        "Many − few: the change at the 90th percentile of attendance minus that at the 10th, read "
        "from a smooth curve through all attendance (natural cubic spline). In these rows: many − "
        "few seminars: 10 against 6; many − few interim tasks: 5 against 2.50."
    ]
    bare = notes(built(frame=effects({**many, "flags": "low_df"}), language="en"))
    assert [note.endswith("(natural cubic spline).") for note in bare if "Many" in note] == [True]
    assert not [note for note in notes(built(frame=effects(slope))) if "persentil" in note]


def test_coefficients_of_few_schools_or_teachers_are_left_out():
    frame = made_up.agreement()
    of_few = {"n_schools": 29, "n_teachers": 29}
    shown = gated(frame.assign(**of_few), mask(), "open")
    told = tables.agreement(shown, words=words("en"))
    for gone in (">0.30<", "0.08", "0.41", "0.75", "agree among themselves", ">r<"):
        assert gone not in told.html
    assert "r is not given for fewer than 30 schools" in told.html
    assert "r_wg are not given for fewer than 30 teachers" in told.html
    enough = {"n_schools": 30, "n_teachers": 30}
    shown = gated(frame.assign(**enough), mask(), "open")
    told = tables.agreement(shown, words=words("en"))
    for there in (">0.30<", "0.08", "0.41", "0.75", "agree among themselves"):
        assert there in told.html
    assert "not given" not in told.html


@pytest.mark.parametrize("table", [tables.spread, tables.shared])
def test_how_much_of_few_answers_lies_between_schools_is_left_out(table):
    for n, told in ((29, False), (30, True)):
        shown = gated(made_up.variance().assign(n=n), mask(), "open")
        made = table(shown, words=words("en"))
        assert ("of fewer than 30 people" in made.html) != told
        assert any(each in made.html for each in (">5%<", ">0.05<")) == told


def test_what_is_foreseen_of_linked_change_says_whom_it_counts():
    row = {**dict.fromkeys(FORESEEN), "region": "oslo", "population": "pupils", "outcome": "joy",
           "subgroup": "all", "wave": "pre", "contrast": "", "n_pre": 240, "n_clusters": 8,
           "mdes": 0.2, "flags": "", "reason": "", "suppressed": False}  # fmt: skip
    rows = [{**row, "estimand": "same_grade"}, {**row, "estimand": "linked_change"}]
    told = tables.visible(pd.DataFrame(rows), words=words("en")).html
    assert "only those who can be found again are counted" in told
    assert "Nobody is linked yet" not in told
    rows[1]["flags"] = "feeders_unknown"
    assert "Nobody is linked yet" in tables.visible(pd.DataFrame(rows), words=words("en")).html
    told = tables.visible(pd.DataFrame(rows[:1]), words=words("en")).html
    assert "found again" not in told
