"""The declared analysis is recorded with the first answers, and what deviates from it is told."""

import json
import shutil
from datetime import date
from itertools import product

import pytest

from loftet_analysis import paths
from loftet_analysis.batch.cli import main
from loftet_analysis.cleaning import plan_record, store
from loftet_analysis.show import declared as shown
from loftet_analysis.show.languages import reader
from loftet_analysis.show.session import open_study
from loftet_analysis.study import load_study, phases
from loftet_analysis.study.declared import PLAN, PlanRecord, declared
from loftet_analysis.study.study import Analysis, Drift
from tests.damage import DAMAGE
from tests.small_demo import HERE
from tests.tiny_study import INSTRUMENT, STUDY, build, sheets, write_csv

PRE = ("1|0301|5|a|Ja|Enig|Uenig|Enig", "2|0400|6|b|Ja|Helt enig|Enig|Uenig")
PRIMARY = "  primary: {pupils: {outcomes: effort, estimands: [level]}}\n"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A study with answers before; the folder of its description."""
    root = tmp_path / "Løftet {test}"
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    monkeypatch.setattr(phases, "today", lambda study: date(2026, 1, 7))
    shutil.copytree(HERE / "notebooks/any", root / "notebooks/any")
    folder = build(root, study=f"{STUDY}analysis:\n{PRIMARY}")
    (folder / PLAN).write_text("We look at effort.\n", encoding="utf-8")
    write_csv(folder, "pre", sheets(*PRE))
    return folder


def on(monkeypatch, *day: int) -> None:
    monkeypatch.setattr(plan_record, "today", lambda study: date(*day))


def said_by(command: str, capsys) -> str:
    capsys.readouterr()
    assert main([command, "tiny"]) == 0
    return capsys.readouterr().out


def change(path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def page(language: str = "en") -> str:
    """What stands under “About this page”, deviations and all."""
    study = load_study("tiny")
    words, record = reader(study, language), plan_record.read("tiny")
    table = shown.deviations(record, study, words)
    return shown.recorded(record, words) + (table.html if table else "")


def test_it_is_recorded_once_with_its_date_and_nothing_deviates(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    looked = said_by("check", capsys)
    assert "analysis plan: recorded when the data are first cleaned (plan.md " in looked
    assert plan_record.read("tiny") is None  # a look makes none
    said = said_by("clean", capsys)
    total = paths.sha256(tiny / PLAN)
    assert (
        f"analysis plan recorded 2025-11-03 (plan.md {total[:12]}; first answer 2025-09-20)" in said
    )
    assert "no deviation from the analysis plan" in said
    first = [path.read_bytes() for path in plan_record.places("tiny")]
    assert first[0] == first[1]
    on(monkeypatch, 2026, 5, 4)
    assert "no deviation from the analysis plan" in said_by("clean", capsys)
    assert [path.read_bytes() for path in plan_record.places("tiny")] == first
    record = plan_record.read("tiny")
    assert (record.recorded, record.first_answer) == ("2025-11-03", "2025-09-20")
    assert not record.after_cleaning
    assert (
        "recorded on 3 November 2025, after the first answer had come (20 September 2025)" in page()
    )
    assert "<table" not in page()


CHANGES = {
    "analysis.sesoi": ("study.yml", "analysis:\n", "analysis:\n  sesoi: 0.2\n", "0.1 → 0.2"),
    "analysis.ci_level": ("study.yml", "analysis:\n", "analysis:\n  ci_level: 0.9\n", "0.95 → 0.9"),
    "analysis.primary.pupils.outcomes": (
        "study.yml", f"analysis:\n{PRIMARY}", "", "effort → nothing",
    ),
    "analysis.primary.pupils.estimands": (
        "study.yml", "estimands: [level]", "estimands: [same_grade]", "level → same_grade",
    ),
    "analysis.subgroups.pupils": (
        "study.yml", "analysis:\n", "analysis:\n  subgroups: {pupils: []}\n", "grade → nothing",
    ),
    "analysis.drift.pupils.effort": (
        "study.yml", "analysis:\n",
        "analysis:\n  drift: {pupils: {effort: {per_grade: -0.1, source: S, date: 2019}}}\n",
        "nothing → -0.1 (S, 2019)",
    ),
    "estimands.pupils": (
        "study.yml", "    link:", "    estimands: [level, same_grade]\n    link:",
        "→ same_grade, level",
    ),
    "disclosure": ("study.yml", "disclosure: internal", "disclosure: open", "internal → open"),
    "questions.Q1": (
        "study.yml", "languages:", "questions: {Q1: {en: Why?}}\nlanguages:", "nothing → Why?",
    ),
    "scales.pupils.effort.minimum": (
        "instruments/tiny.yml", "    responses: agree4\n    items:\n      effort_1",
        "    responses: agree4\n    minimum: all\n    items:\n      effort_1", "half → all",
    ),
    "scales.pupils.effort.reversed": (
        "instruments/tiny.yml", "columns: [u2], reversed: true", "columns: [u2]",
        "effort_2 → nothing",
    ),
    "scales.pupils.afterwards.items": (
        "instruments/tiny.yml", "      after_1: {nb: Det hjalp., en: It helped., columns: [u4]}",
        "      after_2: {nb: Det hjalp., en: It helped., columns: [u4]}", "after_1 → after_2",
    ),
    "scales.pupils.effort.answers": (
        "instruments/tiny.yml", "  agree4:\n", "  agree4:\n    5: {nb: Alltid, en: Always}\n",
        "1, 2, 3, 4 →",
    ),
    PLAN: (PLAN, "effort", "effort, and more", "→"),
}  # fmt: skip


@pytest.mark.parametrize("place", CHANGES)
def test_whatever_is_declared_otherwise_is_told(tiny, place):
    record = PlanRecord("2025-11-03", "2025-09-20", False, declared(load_study("tiny")))
    file, old, new, both = CHANGES[place]
    change(tiny / file, old, new)
    study = load_study("tiny")
    record = record.seen(declared(study), "2026-03-01")
    said = " ".join(plan_record.told(study, record).split())
    assert f" {place}: " in said
    assert both in said
    assert "since 2026-03-01: no reason in study.yml" in said
    for language in ("nb", "nn", "en"):
        assert "<table" in shown.deviations(record, study, reader(study, language)).html


def test_a_change_that_is_taken_back_and_one_that_stays(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    said_by("clean", capsys)
    change(tiny / "study.yml", "analysis:\n", "analysis:\n  sesoi: 0.2\n")
    on(monkeypatch, 2026, 3, 1)
    once = "tiny: 1 deviation from the analysis plan of 2025-11-03; loftet check lists them"
    assert once in said_by("clean", capsys)  # so in a run, too
    change(tiny / "study.yml", "disclosure: internal", "disclosure: open")
    on(monkeypatch, 2026, 4, 1)
    said = said_by("clean", capsys)
    assert "2 deviations from" in said
    assert "analysis.sesoi: 0.1 → 0.2, since 2026-03-01" in said
    assert "disclosure: internal → open, since 2026-04-01" in said
    change(tiny / "study.yml", "  sesoi: 0.2\n", "")
    on(monkeypatch, 2026, 5, 1)
    said = said_by("clean", capsys)
    assert "1 deviation from" in said
    assert "since 2026-04-01" in said
    assert [day for day, _ in plan_record.read("tiny").later] == [
        "2026-03-01", "2026-04-01", "2026-05-01",
    ]  # fmt: skip


def test_reasons_stand_beside_and_other_deviations_too(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    said_by("clean", capsys)
    change(
        tiny / "study.yml",
        "analysis:\n",
        "deviations:\n"
        "  - {date: 2026-02-20, what: analysis.sesoi, why: {nb: Etter råd, en: As advised}}\n"
        "  - {date: 2026-02-21, what: {nb: Én skole, en: One school}, why: It was closed}\n"
        "analysis:\n  sesoi: 0.2\n",
    )
    on(monkeypatch, 2026, 3, 1)
    said = said_by("clean", capsys)
    assert "2 deviations from" in said
    assert "analysis.sesoi: 0.1 → 0.2, since 2026-03-01: As advised" in said
    assert "One school (2026-02-21): It was closed" in said
    norwegian = page("nb")
    for text in ("Etter råd", "Én skole", "It was closed", "0,10", "0,20", "1. mars 2026"):
        assert text in norwegian
    change(tiny / "study.yml", "date: 2026-02-20", "date: yesterday")
    assert main(["check", "tiny"]) == 2


def test_one_of_the_two_is_made_again_from_the_other(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    said_by("clean", capsys)
    kept, other = plan_record.places("tiny")
    before, study = kept.read_bytes(), load_study("tiny")
    waves, days = (store.read_table("tiny", name) for name in ("waves", "days"))
    on(monkeypatch, 2026, 3, 1)
    for path, deed in product((kept, other), DAMAGE.values()):
        deed(path)
        plan_record.keep("tiny", plan_record.renewed(study, waves, days))
        assert (kept.read_bytes(), other.read_bytes()) == (before, before)
    kept.unlink()
    assert "data_clean/tiny/analysis_plan.json is missing" in said_by("status", capsys)
    shutil.rmtree(paths.clean("tiny"))  # to begin anew is no way to another date
    said_by("clean", capsys)
    assert kept.read_bytes() == before


def test_a_record_that_is_lost_is_never_made_again_in_silence(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    said_by("clean", capsys)
    kept, other = plan_record.places("tiny")
    kept.unlink()
    other.write_text(other.read_text(encoding="utf-8").replace("2025-11-03", "2025-09-01"), "utf-8")
    on(monkeypatch, 2026, 3, 1)
    lost = "clean data were there before it: an earlier record is lost, or never was"
    for command in ("check", "clean", "clean"):
        assert lost in said_by(command, capsys)
    assert plan_record.read("tiny").recorded == "2026-03-01"
    assert "an earlier record is lost" in page()
    assert "tidligere" in page("nb")


def test_a_look_says_that_nothing_is_declared_primary_before_it_is_too_late(tiny, capsys):
    assert "no primary comparison" not in said_by("check", capsys)
    change(tiny / "study.yml", f"analysis:\n{PRIMARY}", "")
    assert "no primary comparison is declared; declare it now" in said_by("check", capsys)
    said_by("clean", capsys)
    assert "no primary comparison" not in said_by("check", capsys)


def test_without_a_plan_in_words_the_declared_analysis_alone_is_recorded(tiny, monkeypatch, capsys):
    (tiny / PLAN).unlink()
    on(monkeypatch, 2025, 11, 3)
    assert "(no plan.md; first answer 2025-09-20)" in said_by("clean", capsys)
    assert "there is no plan in words" in page()
    (tiny / PLAN).write_text("Later.", encoding="utf-8")
    assert "plan.md: nothing → " in said_by("clean", capsys)
    assert "the plan in words" in page()


def test_what_comes_later_by_itself_is_no_deviation(tiny, monkeypatch, capsys):
    before = declared(load_study("tiny"))
    change(tiny / "study.yml", "  post: {from: 2027-09-13, to: 2027-10-29}\n", "")
    change(tiny / "study.yml", "      post: {tool: table, file: post.csv}\n", "")
    change(tiny / "study.yml", "languages: [nb, en]", "languages: [nb, en, nn]")
    assert declared(load_study("tiny")) == before


def test_a_scale_that_is_new_is_one_deviation(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    said_by("clean", capsys)
    more = INSTRUMENT.partition("  afterwards:")[2]
    for old, new in (
        ("after_1", "more_1"),
        ("u4", "u5"),
        ("hjalp", "virket"),
        ("helped", "worked"),
    ):
        more = more.replace(old, new)
    change(tiny / "instruments/tiny.yml", "  afterwards:\n", f"  more:{more}  afterwards:\n")
    said = said_by("check", capsys)
    assert "1 deviation from" in said
    assert "scales.pupils.more.items: nothing → more_1" in said


def test_pages_say_it_and_are_made_again_when_it_changes(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    said_by("clean", capsys)
    study = open_study("tiny", language="nb,en")
    drawn = []
    monkeypatch.setattr("loftet_analysis.show.session.display", drawn.append)
    study.about()
    assert "No deviation from the declared analysis." in drawn[0].drawn["en"].html
    assert "Ingen avvik fra den planlagte analysen." in drawn[0].drawn["nb"].html
    assert ("analysis_plan.json", {}) in study._reads


def test_the_record_is_of_dates_and_texts_alone(tiny, monkeypatch, capsys):
    on(monkeypatch, 2025, 11, 3)
    said_by("clean", capsys)
    content = json.loads(plan_record.places("tiny")[0].read_text(encoding="utf-8"))
    assert {*content} == {"sha256", *PlanRecord.__dataclass_fields__}
    assert content["declared"] == declared(load_study("tiny"))


def test_every_key_of_the_analysis_is_declared():
    trend = {"pupils": "trend.csv"}
    drift = {"pupils": {"persistence": Drift(per_grade=-0.07, source="S", date="2019")}}
    study = load_study("demo")
    study = study.changed(
        analysis=study.analysis.changed(drift=drift, trend=trend), trends={"pupils": ("2025",)}
    )
    places = [place.split(".")[1] for place in declared(study) if place.startswith("analysis.")]
    assert {*places} == {*Analysis.model_fields}


def test_numbers_of_what_regions_are_told_by_are_declared():
    study = load_study("demo")
    other = study.model_copy(update={"region_features": study.region_features * 2})
    found = [declared(each)["analysis.region_features"] for each in (study, other)]
    assert found[0].startswith("travel_hours, ")
    assert found[0] != found[1]
