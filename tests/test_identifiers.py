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
        ("Fødselsnummer (11 siffer)", ""), ("fødselsnummer", "national_id"), ("fnr", "national_id"),
        ("IPAddress", "ip"), ("LocationLatitude", "coordinates"), ("Brukernavn", "username"),
        ("Skolens navn", ""), ("Navn på skolen", ""), ("school name", ""), ("trinn", ""),
        ("Jeg liker å regne", ""), ("adresse", "address"),
    ],
)  # fmt: skip
def test_headings_tell_what_a_column_holds(heading, kind):
    assert looks_like_identifier_heading(heading) == kind
