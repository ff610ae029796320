"""Letters to schools: every place filled, in three languages, for the schools that they are for."""

import re
import shutil
from string import Template

import pytest

from loftet_analysis import paths
from loftet_analysis.batch.cli import main
from loftet_analysis.errors import InputError
from loftet_analysis.show.letters import FROM_REGISTER, TO_BE_REPLACED, letters
from loftet_analysis.study import load_study
from tests.small_demo import HERE
from tests.tiny_study import STUDY, build

TEMPLATES = HERE / "docs" / "templates"
KINDS = ("consent_pupils", "consent_staff", "information", "invitation")
LETTERS = """\
letters:
  institution: Universitet {Ø} $5
  contact: forskning@example.org
  answer_by: {nb: 1. mai, en: 1 May}
  visit_period: våren
  asked_of_staff: undervisning
  asked_of_pupils: timene
"""
REGISTER = """\
school_id,school,region,contact,link_teachers_pre,link_pupils
0301,Bø skole,Nordland,ja,https://a.example/1,https://a.example/2
0302,Ås & co,Nordland,nei,,
a/b,Vik skule,Oslo,,https://a.example/3,
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    root = tmp_path / "Løftet {test}"
    folder = build(root, study=STUDY + LETTERS)
    (folder / "schools.csv").write_text(REGISTER, encoding="utf-8")
    shutil.copytree(TEMPLATES, root / "docs" / "templates")
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    return load_study("tiny")


def read(kind: str, language: str) -> str:
    return (TEMPLATES / f"{kind}.{language}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_says_the_same_in_three_languages(kind):
    texts = {language: read(kind, language) for language in ("nb", "nn", "en")}
    for text in texts.values():
        assert Template(text).is_valid()
        assert sorted(re.findall(r"\$\{(\w+)\}", text)) == sorted(
            re.findall(r"\$\{(\w+)\}", texts["nb"])
        )
        for mark in (TO_BE_REPLACED, "\n- ", "\n\n", "____"):
            assert text.count(mark) == texts["nb"].count(mark)
        assert text.count(TO_BE_REPLACED) >= 1
        assert all(line.endswith("]") for line in text.splitlines() if "[SIKT" in line)
    bokmal = re.compile(
        r"\b(ikke|hva|hvordan|skole\w*|noe|fra|elever|lærere|hvor)\b", re.IGNORECASE
    )
    nynorsk = re.compile(r"\b(ikkje|kva|korleis|skul\w+|noko|frå|elevar|lærarar|kvar)\b", re.I)
    assert not bokmal.search(texts["nn"])
    assert not nynorsk.search(texts["nb"])


def test_there_are_no_other_templates():
    assert {path.name for path in TEMPLATES.iterdir()} == {
        f"{kind}.{language}.txt" for kind in KINDS for language in ("nb", "nn", "en")
    }


def test_every_letter_has_its_places_filled(study):
    found = letters(study, ["nb", "en"], ["0301"])
    assert {*found.contents} == {
        (kind, f"{language}/{school}_{kind}.txt")
        for school, kinds in (("0301", KINDS), ("0302", KINDS[2:3]), ("a%2Fb", KINDS[2:]))
        for language in ("nb", "en")
        for kind in kinds
    }
    for text in found.contents.values():
        assert "${" not in text
        assert text.startswith("Universitet {Ø} $5\n")
    invitation = found.contents["invitation", "nb/0301_invitation.txt"]
    assert "Lærere (før): https://a.example/1\nElever: https://a.example/2\n" in invitation
    assert "Frist: 1. mai\n" in invitation
    assert found.told[:2] == (
        "2 consent_pupils, 2 consent_staff, 6 information, 4 invitation",
        "2 not written, since the register has no link_… of the school",
    )


def test_consent_forms_are_for_schools_that_agreed_to_be_contacted(study):
    found = letters(study, ["nb"], ["0301", "0302"])
    forms = [name for kind, name in found.contents if kind.startswith("consent")]
    assert {name.partition("_")[0] for name in forms} == {"nb/0301"}
    assert (
        "2 consent forms not written, since the school did not agree to be contacted" in found.told
    )
    found = letters(study, ["nb"], only=["bø skole", "302"])
    assert {name.partition("_")[0] for _, name in found.contents} == {"nb/0301", "nb/0302"}
    assert sum(kind.startswith("consent") for kind, _ in found.contents) == 2


def test_all_that_is_missing_is_told_at_once(study):
    text = (study.folder / "study.yml").read_text(encoding="utf-8")
    text = text.replace("  contact: forskning@example.org\n", "").replace(", en: 1 May", "")
    (study.folder / "study.yml").write_text(text, encoding="utf-8")
    (paths.root() / "docs/templates/consent_staff.en.txt").unlink()
    (paths.root() / "docs/templates/information.en.txt").write_text("5 $", encoding="utf-8")
    with pytest.raises(InputError) as told:
        letters(load_study("tiny"), ["nb", "en", "se"], only=["0309"])
    assert sorted((p.what, p.found) for p in told.value.problems) == [
        ("a letter without its template", "consent_staff.nb, consent_staff.nn"),
        ("a place of a letter that is not well formed", "a $ alone"),
        ("a place of a letter that nothing fills", "answer_by"),
        ("a place of a letter that nothing fills", "contact"),
        ("a place of a letter that nothing fills", "contact"),
        ("unknown language", "se"),
        ("unknown school", "0309"),
    ]


def test_own_templates_may_have_places_of_their_own(study):
    own = paths.root() / "docs/templates/poster.nb.txt"
    own.write_text("${school}, ${municipality}: ${hall}", encoding="utf-8")
    with pytest.raises(InputError, match="hall"):
        letters(study, ["nb"])
    text = (study.folder / "study.yml").read_text(encoding="utf-8")
    (study.folder / "study.yml").write_text(text + "  hall: aulaen\n", encoding="utf-8")
    found = letters(load_study("tiny"), ["nb"])
    assert found.contents["poster", "nb/0302_poster.txt"] == "Ås & co, : aulaen"
    assert (
        "3 with nothing in the place municipality, since the register does not say it" in found.told
    )


def test_one_command_writes_them_for_the_owner_alone_and_removes_what_is_over(study, capsys):
    folder = paths.clean("tiny") / "letters" / "nb"
    assert main(["letters", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "no consent forms: no schools are selected yet (loftet select)" in said
    assert "5 still hold passages [SIKT: …]" in said
    assert not {"Bø", "Vik", "0301"} & set(said.replace(",", " ").split())
    written = {path.name: path for path in folder.iterdir()}
    assert len(written) == 5
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *written.values()])
    first = {name: path.read_bytes() for name, path in written.items()}
    assert main(["letters", "tiny", "--school", "0301"]) == 0
    assert len([*folder.iterdir()]) == 7
    assert main(["letters", "tiny"]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert main(["letters", "tiny", "--language", "nn", "--school", "nowhere"]) == 2


def test_the_demo_fills_every_place_of_every_template():
    described = load_study("demo")
    for path in TEMPLATES.iterdir():
        language = path.stem.rpartition(".")[2]
        for place in Template(path.read_text(encoding="utf-8")).get_identifiers():
            known = place in (*FROM_REGISTER, "title") or language in described.letters[place]
            assert known, (path.name, place)
