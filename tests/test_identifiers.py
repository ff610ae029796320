"""Direct identifiers are found by their form, and nothing else is touched."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loftet_analysis.cleaning.identifiers import (
    looks_like_identifier_heading,
    national_id,
    redact,
    redact_names,
    redact_text,
)

SYNTHETIC = ["10915596784", "23831383801", "08901089974", "17821380820"]  # month + 80
_FIRST, _SECOND = (3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def numbered(start: str, rest: int = 0) -> str:
    """Return a synthetic number whose first check sum leaves a rest: above 0 only from 2032."""
    for serial in range(1000):
        nine = [int(digit) for digit in f"{start}{serial:03}"]
        first = (rest - sum(a * b for a, b in zip(nine, _FIRST, strict=True))) % 11
        ten = [*nine, first]
        second = -sum(a * b for a, b in zip(ten, _SECOND, strict=True)) % 11
        if first < 10 and second < 10:
            return "".join(map(str, [*ten, second]))
    raise AssertionError


@pytest.mark.parametrize("number", SYNTHETIC)
def test_published_synthetic_numbers_are_valid_and_one_digit_off_is_not(number):
    assert national_id(number) == "synthetic"
    assert national_id(f"{number[:6]} {number[6:]}") == "synthetic"
    for place in range(11):
        for digit in set("0123456789") - {number[place]}:
            wrong = number[:place] + digit + number[place + 1 :]
            assert national_id(wrong) == ""  # the second sum changes with every digit
    assert national_id(str(int(number) + 1)) == ""


def test_a_lost_zero_is_seen():
    assert national_id("8901089974") == "synthetic"
    assert redact_text("8901089974")[0] == "[national_id]"


@pytest.mark.parametrize("rest", [0, 1, 2, 3])
def test_numbers_issued_from_2032_are_valid(rest):
    assert national_id(numbered("019233", rest)) == "synthetic"


@pytest.mark.parametrize("rest", [4, 7, 10])
def test_other_rests_are_not(rest):
    assert national_id(numbered("019233", rest)) == ""


@pytest.mark.parametrize(
    ("start", "kind"),
    [("419233", "synthetic"), ("019233", "synthetic"), ("015233", "h_number"),
     ("017733", "synthetic")],
)  # fmt: skip
def test_shifted_days_and_months_tell_the_kind(start, kind):
    assert national_id(numbered(start)) == kind


@pytest.mark.parametrize("start", ["329233", "009233", "319433", "019933"])
def test_impossible_dates_are_no_numbers(start):
    assert national_id(numbered(start)) == ""


def test_few_random_numbers_are_taken_for_a_national_one():
    rng = np.random.default_rng(1)
    numbers = [f"{n:011}" for n in rng.integers(0, 10**11, 40_000)]
    share = np.mean([national_id(number) != "" for number in numbers])
    assert 0.004 < share < 0.014  # dates of every kind and four rests


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("skriv til kari.nordmann+x@skole.example.no", {"email"}),
        ("ring 912 34 567", {"phone"}),
        ("91 23 45 67", {"phone"}),
        ("+47 91234567", {"phone"}),
        ("004791234567", {"phone"}),
        ("91234567", {"phone"}),
        ("mitt nummer er 45678901.", {"phone"}),
        ("192.0.2.44", {"ip"}),
        ("fra 2001:db8:0:0:0:0:2:1 i dag", {"ip"}),
        ("59.91273, 10.74609", {"coordinates"}),
        ("Jeg heter Kari Nordmann og liker matte", {"name"}),
        ("eg heiter Olav", {"name"}),
        ("fnr 10915596784, e-post a@b.no", {"national_id", "email"}),
        ("konto 1234.56.78903", {"account"}),
    ],
)
def test_identifiers_leave_free_text(text, kinds):
    clean, found = redact_text(text)
    assert set(found) == kinds
    assert all(f"[{kind}]" in clean for kind in kinds)
    for part in ("Nordmann", "Olav", "91234567", "10915596784", "@", "59.91273"):
        assert part not in clean


@pytest.mark.parametrize(
    "text",
    [
        "Helt enig", "7", "4.5", "4,5", "2025-09-15", "15.09.2025 10:30", "10:30:00",
        "2023-08-29T10:52:11.828301592+02:00", "974552124", "27685292", "AN120TED", "7. trinn",
        "3.5.2", "Jeg heter ikke noe spesielt", "navn: ukjent", "ca. 12 000 kr", "R_3Jq8d",
        "12345678901", "1-7", "0301", "=1+1", "½ time", "",
    ],
)  # fmt: skip
def test_nothing_else_is_touched(text):
    assert redact_text(text) == (text, [])


NATIONAL = [
    "{n}", "{a} {b}", "{a}-{b}", "{a}.{b}", "{a}/{b}", "{a}_{b}", "{a} - {b}", "{a}\u00a0{b}",
    "{a}\u2009{b}", "{a}\u2013{b}", "{a}\n{b}", "{a}\t{b}", "{a}\u200b{b}", "{a}({b})",
    "10.91.55-96784", "10.91.55 96784", "10 91 55 96784", "10/91/55 96784", "10 915 596 784",
    "10,915,596,784", "109155 967 84", "1 0 9 1 5 5 9 6 7 8 4", "1091\u00ad5596784",
    "１０９１５５９６７８４", "١٠٩١٥٥٩٦٧٨٤", "fnr:{n}", "fnr={n}", "fnr{n}", "fnr.{n}", "{n}.0",
    "{n},", "({n})", '{{"fnr":"{n}"}}', "#{n}", "id_{n}", "a{n}b", "+{n}", "={n}", '="{n}"', "'{n}",
    "1.0915596784E+10", "2025 {n}", "{n} 91234567", "{n}-1", "0{n}", "{n};{n}", "<td>{n}</td>",
]  # fmt: skip


@pytest.mark.parametrize("form", NATIONAL)
def test_a_national_number_is_found_however_it_is_written(form):
    text = form.format(n=SYNTHETIC[0], a=SYNTHETIC[0][:6], b=SYNTHETIC[0][6:])
    clean, found = redact(pd.Series([text], dtype="str"))
    assert found["national_id"] == 1
    assert sum(map(str.isdecimal, clean.iloc[0])) <= 4  # of a year, or a "-1" behind it


@pytest.mark.parametrize(
    "text",
    [
        "91234567", "912 34 567", "91 23 45 67", "+4791234567", "+47 912 34 567",
        "(+47) 912 34 567", "0047 91234567", "tlf91234567", "tlf.91234567", "mob: 91 23 45 67",
        "912-34-567", "912.34.567", "+46 70 123 45 67", "9 1 2 3 4 5 6 7", "22 33 44 55",
        "+47-912-34-567", "９１２３４５６７", "91234567.0", "912\u00a034\u00a0567", "+47(912)34567",
        "+1 (555) 123-4567",
    ],
)  # fmt: skip
def test_a_telephone_number_is_found_however_it_is_written(text):
    clean, found = redact(pd.Series([text], dtype="str"))
    assert found == {"phone": 1}
    assert not any(map(str.isdecimal, clean.iloc[0]))


@pytest.mark.parametrize(
    "text",
    [
        "ola@skole.no", "ola @ skole.no", "ola(at)skole.no", "ola [at] skole [dot] no",
        "ola at skole dot no", "ola＠skole．no", "ola@skole,no", "mailto:ola@skole.no",
        "OLA@SKOLE.NO", "ola@skole .no", "ola krøllalfa skole punktum no", "<ola@skole.no>",
        "ola.91234567@skole.no", "ola@skole.co.uk", "ola(a)skole.no", "ola\u200b@skole.no",
    ],
)  # fmt: skip
def test_an_address_is_found_however_it_is_written(text):
    clean, found = redact(pd.Series([text], dtype="str"))
    assert found == {"email": 1}
    assert "ola" not in clean.iloc[0].casefold()


@pytest.mark.parametrize(
    "text",
    [
        "974 552 124", "2024/2025", "kl. 10.30-11.15", "1 2 3 4", "4000-5000", "8, 9 og 10",
        "0.41234567", "3,14159265", "v1.2.3.4567", "15.9.2025 10:30:00", "1/2 1/3", "20 30 40",
        "NO 974 552 124 MVA", "hei @ deg, bra", "vi var at hjem", "100 000 000", "1234567,89",
        "978-82-02-34567-8", "look at me. no", "4 4 3 2 1 4 5 5 3", "2019-10-03 2021-11-05",
    ],
)  # fmt: skip
def test_numbers_and_words_of_every_day_are_left(text):
    assert redact_text(text) == (text, [])


@pytest.mark.parametrize(
    "sign", ["1", "a", "1 ", "4 ", "1.", "a@", "a.b", "12.3456 ", "° ", " ", ":", "1+", "a at ",
             "[at]", "x@ y", "109155-", "ａ", "Jeg heter "],
)  # fmt: skip
def test_a_cell_of_100_000_signs_is_read(sign):
    assert redact_text(sign * (100_000 // len(sign)))


def test_running_numbers_are_no_telephone_numbers():
    column = pd.Series(["41234567", "91234567"], dtype="str")
    assert redact(column, bare_numbers=False)[0].equals(column)
    assert redact(column)[1] == {"phone": 2}


@given(st.lists(st.text(max_size=60), max_size=8))
def test_redaction_takes_any_text_and_is_done_once(texts):
    column = pd.Series(texts, dtype="str")
    once, _ = redact(column)
    again, found = redact(once)
    assert again.to_list() == once.to_list()
    assert found == {}


def test_cells_are_counted_not_texts():
    column = pd.Series(["a@b.no", "ja", "a@b.no", "a@b.no og c@d.no"], dtype="str")
    clean, found = redact(column)
    assert found == {"email": 3}
    assert clean.to_list() == ["[email]", "ja", "[email]", "[email] og [email]"]


def test_names_of_a_name_column_are_found_as_whole_words():
    texts = pd.Series(["Kari sa det", "karikert", "KARI-ANNE"], dtype="str")
    clean, n = redact_names(texts, ["Kari Nordmann"])
    assert clean.to_list() == ["[name] sa det", "karikert", "[name]-ANNE"]
    assert n == 2


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Navn", "name"), ("Fornavn:", "name"), ("Etternamn", "name"), ("Full name", "name"),
        ("E-postadresse", "email"), ("RecipientEmail", "email"), ("Mobilnummer", "phone"),
        ("Fødselsnummer (11 siffer)", "national_id"), ("fødselsnummer", "national_id"),
        ("fnr", "national_id"),
        ("IPAddress", "ip"), ("LocationLatitude", "coordinates"), ("Brukernavn", "username"),
        ("Skolens navn", ""), ("Navn på skolen", ""), ("school name", ""), ("trinn", ""),
        ("Jeg liker å regne", ""), ("adresse", "address"), ("Elevens navn", "name"),
        ("Navn på elev", "name"), ("Navnet ditt", "name"), ("Foresattes navn", "name"),
        ("Namnet til eleven", "name"), ("Pupil's name", "name"), ("Name of child", "name"),
        ("Kontaktlærer", "name"), ("Kontaktlærar", "name"), ("Hvem er kontaktlæreren din?", "name"),
        ("Hva heter matematikklæreren din?", "name"), ("E-post til foresatt", "email"),
        ("Foresattes e-post", "email"), ("Parent's e-mail", "email"), ("Din e-post", "email"),
        ("Elevens fødselsnummer", "national_id"), ("Personnummer (11 siffer)", "national_id"),
        ("Mobilnummer til foresatte", "phone"), ("Elevens adresse", "address"),
        ("Elevens fødselsdato", "birth_date"), ("Navn på læreren", "name"),
        ("Navn på kommune", ""), ("Kommunens navn", ""), ("Kontaktlærer for trinnet?", "name"),
        ("Læreren min forklarer godt", ""), ("Navn på programmet", ""), ("Elevens trinn", ""),
        ("Hva heter skolen din?", ""), ("Jeg kan navnet på mange former", ""),
    ],
)  # fmt: skip
def test_headings_tell_what_a_column_holds(heading, kind):
    assert looks_like_identifier_heading(heading) == kind
