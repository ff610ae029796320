"""Consent, reservations, withdrawals, corrections and registers of attendance."""

import re
from datetime import date

import pandas as pd
import pytest

from loftet_analysis import paths
from loftet_analysis.batch import cli
from loftet_analysis.cleaning.consent import surely_old_enough
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.sheets import sheet_counts
from loftet_analysis.errors import InputError
from loftet_analysis.study import load_study
from tests.tiny_study import STUDY, build, sheets, write_csv

KEY = b"k" * 32
PRE = sheets(
    "1|0301|5|abcd1|Ja|Enig|Enig|Enig",
    "2|0301|6|abcd2|Ja|Enig|Uenig|Enig",
    "3|0302|8|abcd3|Ja|Helt enig|Enig|Enig",
    "4|0400|9|abcd4|Nei|Enig|Enig|Enig",
    "5|0400|6|abcd5|Ja|Uenig|Enig|Enig",
)
POST = sheets(
    "1|0301|7|abcd1|Ja|Enig|Enig|Enig",
    "2|0302|8|abcd2|Nei|Enig|Uenig|Enig",
    "3|0302|10|abcd3|Ja|Helt enig|Enig|Enig",
    "5|0400|8|abcd5|Ja|Uenig|Enig|Enig",
    wave="post",
)
CONSENT = "consent: {column: samtykke, yes: Ja}"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    def run(study: str = STUDY, pre=PRE, post=POST, **files: str):
        folder = build(tmp_path, study=study)
        write_csv(folder, "pre", pre)
        write_csv(folder, "post", post)
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
        return prepare(load_study("tiny"), key=KEY)

    return run


def serials(prepared) -> list[tuple[str, str]]:
    return list(map(tuple, prepared.clean["pupils"][["wave", "serial"]].sort_values(
        ["wave", "serial"]).to_numpy()))  # fmt: skip


def counted(prepared) -> dict[tuple[str, str], int]:
    ledger = prepared.ledger
    told = ledger[ledger["reason"].isin(["no_consent", "opted_out", "withdrawn"])]
    told = told[told["wave"] != ""].groupby(["step", "reason"])["n_set_aside"].sum()
    return told[told > 0].to_dict()


def test_own_consent_of_each_wave(tiny):
    prepared = tiny()
    assert serials(prepared) == [("post", s) for s in "135"] + [("pre", s) for s in "1235"]
    assert counted(prepared) == {("consent", "no_consent"): 2}
    # who said no the second time is told apart from those who were not met again
    states = prepared.linkage.set_index(["wave", "state"])["n"]
    assert states.groupby(level=[0, 1]).sum().to_dict()["pre", "declined"] == 1


def test_consent_can_differ_between_waves(tiny):
    by_wave = (
        "consent: {pre: {column: samtykke, yes: [Ja, Nei]}, post: {column: samtykke, yes: Ja}}"
    )
    prepared = tiny(STUDY.replace(CONSENT, by_wave))
    assert ("pre", "4") in serials(prepared)
    assert counted(prepared) == {("consent", "no_consent"): 1}


def test_reservations_by_guardians_leave_by_code_and_school(tiny):
    study = STUDY.replace(CONSENT, "consent: {column: samtykke, yes: Ja, opt_out: out.csv}")
    prepared = tiny(study, out="id;school_id;wave\nABCD 1;;\nabcd5;Bø skole;\nabcd3;0302;post\n")
    assert serials(prepared) == [("post", "5"), ("pre", "2"), ("pre", "3"), ("pre", "5")]
    assert counted(prepared)["opt_out", "opted_out"] == 3


def test_a_withdrawal_takes_all_sheets_of_a_person(tiny):
    study = STUDY.replace("schools: schools.csv", "schools: schools.csv\nwithdrawn: gone.csv")
    prepared = tiny(study, gone="population,id\npupils,abcd3\n")
    assert ("pre", "3") not in serials(prepared)
    assert ("post", "3") not in serials(prepared)
    assert counted(prepared)["withdrawn", "withdrawn"] == 2
    assert len(tiny(study, gone="population,id\n").clean["pupils"]) == 7
    everything = "".join(t.to_csv() for t in (*prepared.set_aside.values(), prepared.values))
    assert "abcd3" not in everything


def test_active_consent_of_guardians_below_the_age_limit(tiny):
    guardian = "consent: {guardian: {below: 14, list: yes.csv}}"
    prepared = tiny(STUDY.replace(CONSENT, guardian), yes="id\nabcd1\n")
    # in the autumn of grade 10 all have turned 14, of grade 9 only some
    assert serials(prepared) == [("post", "1"), ("post", "3"), ("pre", "1")]
    assert counted(prepared)["guardian", "no_consent"] == 6


@pytest.mark.parametrize(
    ("limit", "day", "grades"),
    [
        (15, date(2025, 9, 15), []),
        (15, date(2026, 3, 1), [10]),
        (14, date(2025, 9, 15), [10]),
        (14, None, [10]),
        (10, date(2025, 9, 15), [6, 7, 8, 9, 10]),
    ],
)
def test_the_age_limit_is_passed_when_the_youngest_of_a_grade_have_passed_it(limit, day, grades):
    every = pd.Series([5, 6, 7, 8, 9, 10, None], dtype="Int64")
    assert every[surely_old_enough(every, limit=limit, day=day)].to_list() == grades


def test_lists_that_cannot_be_right_are_told_together(tiny):
    study = STUDY.replace(CONSENT, "consent: {opt_out: out.csv}")
    study = study.replace("schools: schools.csv", "schools: schools.csv\nwithdrawn: gone.csv")
    with pytest.raises(InputError) as caught:
        tiny(
            study,
            out="id,klasse\nabcd1,7\n",
            gone="population,id,wave\nelever,abcd1,før\npupils,,\n",
        )
    assert [problem.what for problem in caught.value.problems] == [
        "unknown wave in a list", "unknown population in a list",
        "a row that means everybody", "unknown column of a list",
    ]  # fmt: skip
    assert "abcd1" not in str(caught.value)


CORRECTED = STUDY.replace("schools: schools.csv", "schools: schools.csv\ncorrections: fix.csv")


def test_corrections_are_applied_and_logged(tiny):
    fix = (
        "population,wave,id,row,column,from,to,reason\n"
        "pupils,pre,abcd1,,grade,5,6,wrong grade chosen\n"
        "pupils,post,,2,school_id,0301,0302,moved\n"
        "pupils,pre,abcd2,,effort_1,Enig,Helt enig,told by the school\n"
    )
    prepared = tiny(CORRECTED, fix=fix)
    clean = prepared.clean["pupils"].set_index(["wave", "serial"])
    assert clean.loc[("pre", "1"), "grade"] == 6
    assert clean.loc[("pre", "2"), "effort_1"] == 4
    made = prepared.values[prepared.values["reason"] == "corrected"]
    assert sorted(made["column"]) == ["effort_1", "grade", "school_id"]
    aside = prepared.set_aside["pupils"]
    assert aside[["school_id", "reason"]].values.tolist() == [["0302", "impossible_grade"]]


def test_corrections_that_do_not_fit_stop_and_are_told_together(tiny):
    fix = (
        "population,wave,id,column,from,to\n"
        "pupils,pre,abcd1,grade,7,6\n"
        "pupils,pre,nobody,grade,5,6\n"
        "pupils,pre,abcd1,klasse,5,6\n"
    )
    with pytest.raises(InputError) as caught:
        tiny(CORRECTED, fix=fix)
    assert [problem.what for problem in caught.value.problems] == [
        "correction of something else", "correction of an unknown column",
        "correction of no questionnaire",
    ]  # fmt: skip
    assert "nobody" not in str(caught.value).replace("found:   nobody", "")


def test_nothing_is_lost_whatever_the_lists_say(tiny):
    study = CORRECTED.replace(CONSENT, "consent: {column: samtykke, yes: Ja, opt_out: out.csv}")
    prepared = tiny(study, out="id\nabcd1\nabcd9\n", fix="id,column,from,to\n")
    counts = sheet_counts(prepared.ledger)
    assert counts["sheets"] == 9
    assert (
        counts["sheets"]
        == len(prepared.clean["pupils"])
        + len(prepared.set_aside["pupils"])
        + counts["counted_only"]
    )


# the key, and what was generated before


@pytest.fixture
def keys(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("keys")
    monkeypatch.setenv("LOFTET_KEYS", str(folder))
    return folder


def test_a_forgotten_key_is_gone_and_not_silently_replaced(tiny, keys, capsys):
    tiny()
    assert cli.main(["clean", "tiny"]) == 0
    key = keys / "tiny.key"
    assert key.stat().st_mode & 0o777 == 0o600
    (keys / "copy").write_bytes(key.read_bytes())
    key.unlink()
    assert cli.main(["clean", "tiny"]) == 2
    assert "the pseudonym key is missing" in capsys.readouterr().err
    key.write_bytes((keys / "copy").read_bytes())
    key.chmod(0o644)
    assert cli.main(["clean", "tiny"]) == 2
    assert "that others can read" in capsys.readouterr().err
    key.chmod(0o600)
    assert cli.main(["forget-key", "tiny", "--keep-exports"]) == 1  # nobody is there to say yes
    assert cli.main(["forget-key", "tiny", "--yes"]) == 1
    said = capsys.readouterr()
    assert "raw exports are still there" in said.out
    assert re.search(
        r"\. \d+ of \d+ questionnaires \(\d+%\) of the clean data are like no\n", said.out
    )
    assert "--keep-exports" in said.err
    assert key.exists()
    assert cli.main(["forget-key", "tiny", "--yes", "--keep-exports"]) == 0
    assert not key.exists()
    assert cli.main(["clean", "tiny"]) == 2
    assert "the pseudonym key was destroyed" in capsys.readouterr().err
    assert cli.main(["forget-key", "tiny", "--yes", "--keep-exports"]) == 2


def test_nothing_but_a_key_is_destroyed(tiny, keys, tmp_path, capsys):
    tiny()
    letter = b"Dear all, this is a letter of mine, and it is no key at all.\n"
    (keys / "tiny.key").write_bytes(letter)
    (keys / "tiny.key").chmod(0o600)
    forget = ["forget-key", "tiny", "--yes", "--keep-exports"]
    assert cli.main(forget) == 2
    assert (keys / "tiny.key").read_bytes() == letter
    key = bytes(range(32))
    (tmp_path / "elsewhere").write_bytes(key)
    (keys / "tiny.key").unlink()
    (keys / "tiny.key").symlink_to(tmp_path / "elsewhere")
    assert cli.main(forget) == 2
    assert "a link in the place" in capsys.readouterr().err
    assert (tmp_path / "elsewhere").read_bytes() == key


def test_pages_figures_and_results_of_earlier_data_are_removed(tiny, keys, capsys):
    tiny()
    old = [
        paths.reports("tiny") / "en" / "oslo" / "04_pupils.html",
        paths.reports("tiny") / "en" / "oslo" / "04_pupils.ipynb",
        paths.reports("tiny") / "en" / "oslo" / "04_pupils" / "change.csv",
        paths.reports("tiny") / "schools" / "en" / "0301.docx",
        paths.reports("tiny") / "tables" / "effects.csv",
        paths.reports("tiny") / "index.html",
        paths.figures("tiny") / "left-region" / "change.nb.svg",
        paths.clean("tiny") / "results" / "oslo" / "04_pupils" / "effects.nb.csv",
        paths.clean("tiny") / "failed" / "oslo" / "04_pupils.nb.txt",
    ]
    for path in old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("abcd1")
    assert cli.main(["clean", "tiny"]) == 0
    assert "1 pages of earlier data removed" in capsys.readouterr().out
    assert not [path for path in old if path.exists()]
