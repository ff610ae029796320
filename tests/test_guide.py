"""The guide: its keys are the loader's, its messages those of the sources, its commands run."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from bs4 import BeautifulSoup
from ruamel.yaml import YAML

from loftet_analysis.batch.cli import _parser, main
from loftet_analysis.errors import InputError
from loftet_analysis.study import Study, load_study
from loftet_analysis.study.instrument import Instrument, load_instrument
from loftet_analysis.study.study import Population
from loftet_analysis.study.yamlfile import Described, read_yaml
from tests.quick_study import environment
from tests.small_demo import HERE

sys.path.insert(0, str(HERE / "docs"))
import make_guide
from messages import OPEN, messages

GUIDE = HERE / "docs" / "guide"
PAGES = sorted(path.name for path in (GUIDE / "en").glob("*.md"))
KEYS = {part["model"]: part for part in YAML(typ="safe").load(GUIDE / "keys.yml")}
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)


def text(language: str, page: str) -> str:
    return (GUIDE / language / page).read_text(encoding="utf-8")


def commands(said: str) -> list[str]:
    """The lines that a reader types, without comments."""
    blocks = [block for kind, block in FENCED.findall(said) if kind == "console"]
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_lists_in_the_sources_are_those_of_the_code(language, page):
    said = text(language, page)
    assert said == make_guide.with_lists(said, language, make_guide.WRITTEN), "run: make guide"
    for name in re.findall(r"<!-- (\w+): begin -->", said):
        begun = said.partition(f"<!-- {name}: begin -->")[2].partition(f"<!-- {name}: end")[0]
        # what is too long to stand there is told where to find
        assert name in make_guide.WRITTEN or "`make guide`" in begun


# both languages


def test_both_languages_have_the_same_pages_in_the_same_order():
    assert sorted(path.name for path in (GUIDE / "nb").glob("*.md")) == PAGES
    assert sorted(f"{name}.md" for name in make_guide.PAGES) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_commands_code_and_parts(page):
    en, nb = text("en", page), text("nb", page)
    assert FENCED.findall(en) == FENCED.findall(nb)
    parts = [re.findall(r"^#+ ", FENCED.sub("", said), flags=re.MULTILINE) for said in (en, nb)]
    assert parts[0] == parts[1]
    assert re.findall(r"<!-- .*? -->", en) == re.findall(r"<!-- .*? -->", nb)
    links = [set(re.findall(r"\]\(([^)]+)\)", said)) for said in (en, nb)]
    assert links[0] == links[1]


# keys


def described(model: type[Described]) -> set[type[Described]]:
    """A model and all that stand in it."""

    def inside(annotation: object) -> set[type[Described]]:
        if isinstance(annotation, type) and issubclass(annotation, Described):
            return {annotation}
        return {model for part in get_args(annotation) for model in inside(part)}

    found = {model}
    for field in model.model_fields.values():
        found |= {m for each in inside(field.annotation) - found for m in described(each)}
    return found


MODELS = {model.__name__: model for model in described(Study) | described(Instrument)}
MODELS = dict(sorted(MODELS.items()))
# what the reader takes from beside a key of the file
MODELS.pop("Figure", None)
MODELS.pop("Problem", None)


def test_every_part_that_the_loader_knows_is_in_the_table():
    assert set(KEYS) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_every_key_that_the_loader_accepts_is_explained_in_both_languages(name):
    assert set(KEYS[name]["keys"]) == set(MODELS[name].keys())
    assert all(len(said) == 2 and all(said) for said in KEYS[name]["keys"].values())


@pytest.mark.parametrize("name", [n for n in MODELS if not KEYS[n]["at"].startswith("instr")])
def test_the_demo_s_study_yml_tells_of_every_key(name):
    said = (HERE / "data_raw" / "demo" / "study.yml").read_text(encoding="utf-8")
    for key in KEYS[name]["keys"]:
        assert re.search(rf"\b{re.escape(key)}\b", said), key


@pytest.mark.parametrize("name", MODELS)
def test_its_examples_load_and_show_every_key(name, tmp_path):
    shown = set()
    for number, example in enumerate(KEYS[name]["examples"]):
        file = tmp_path / f"{number}.yml"
        file.write_text(example, encoding="utf-8")
        document = read_yaml(file)
        assert document.problems == []
        shown |= set(document.content)
        content = dict(document.content)
        model = MODELS[name]
        if isinstance(content.get("instrument"), str):
            content["instrument"] = load_instrument(content["instrument"])
        for population in content.get("populations", {}).values():
            population["instrument"] = load_instrument(population["instrument"])
        if model is Study:
            content |= {"<folder>": tmp_path, "<schools>": load_study("sats").schools}
        if any(field.alias == "<name>" for field in model.model_fields.values()):
            content["<name>"] = "pupils" if model is Population else "mine"
        model.model_validate(content)
    wanted = {key for key in KEYS[name]["keys"] if not key.startswith("the values")}
    assert wanted <= shown


# messages


def asked_for() -> list[str]:
    """What tests match the messages of errors with that are raised on purpose."""
    found = []
    for path in sorted((HERE / "tests").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "raises":
                error = getattr(node.args[0], "id", "") if node.args else ""
                match = [k.value for k in node.keywords if k.arg == "match"]
                if error in ("InputError", "DisclosureError", "LoftetError") and match:
                    found += [match[0].value] if isinstance(match[0], ast.Constant) else []
    return sorted(set(found))


def variants(said: str) -> list[str]:
    """A text, and the same with some words in a row left open, as the list does."""
    words = [*re.finditer(r"\w+", said)]
    runs = [(one, words[i + n]) for n in range(3) for i, one in enumerate(words[: len(words) - n])]
    return [said, *(said[: a.start()] + OPEN + said[b.end() :] for a, b in runs)]


@pytest.mark.long
def test_the_list_holds_the_messages_that_the_tests_provoke():
    told = "\n".join(f"{m.what}\n{m.todo}" for m in messages())
    plain = [each for each in asked_for() if re.fullmatch(r"[\w' :,-]+", each) and " " in each]
    plain = [each for each in plain if not each.startswith(("found:", "allowed:"))]
    assert len(plain) > 50
    assert [each for each in plain if not any(v in told for v in variants(each))] == []


def test_what_is_wrong_with_a_study_is_in_the_list(tmp_path, monkeypatch):
    folder = tmp_path / "data_raw" / "demo"
    shutil.copytree(HERE / "data_raw/demo", folder)
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    changes = {
        "languages: [nb": "languages: [sv, nb", "disclosure: internal": "disclosure: secret",
        "title:": "titel:", "from: 2025-09-15, to: 2025-10-31": "from: 2025-10-31, to: 2025-09-15",
        "    duplicates: latest": "    duplicates: some\n    duplicates: first",
        "link: {by: id": "link: {by: guess", "sesoi: 0.10": "sesoi: much",
    }  # fmt: skip
    text = (folder / "study.yml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "study.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_study("demo")
    problems = caught.value.problems
    assert len(problems) >= len(changes)
    assert [p.what for p in problems if not any(m.fits(p.what) for m in messages())] == []


def test_every_message_says_something_and_is_on_the_page():
    page = make_guide.messages_table("nb")
    assert len(messages()) > 300
    for message in messages():
        assert make_guide._cell(message.what) in page


# commands


@pytest.mark.long
def test_the_first_hour_is_short_and_its_commands_run(tmp_path):
    typed = commands(text("en", "first_hour.md"))
    assert 4 < len(typed) <= 15
    root = tmp_path / "Løftet {test}"
    (root / "data_raw").mkdir(parents=True)
    shutil.copytree(HERE / "data_raw/sats", root / "data_raw/sats")
    shutil.copytree(HERE / "notebooks/any", root / "notebooks/any")
    for line in typed:
        if line.startswith("loftet "):
            done = subprocess.run(
                [sys.executable, "-m", "loftet_analysis", *line.split()[1:]],
                cwd=root, env=environment(root), capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            if line == "loftet check first":
                (shown,) = [
                    b for _, b in FENCED.findall(text("en", "first_hour.md")) if "3609" in b
                ]
                assert shown in done.stdout
                assert "nothing stops a run" in done.stdout
    page = (root / "reports/first/nb/alle/03_outcomes.html").read_text(encoding="utf-8")
    assert page.count("<figure") > 3


def test_a_draft_stops_until_its_guesses_were_looked_at_and_is_green_then(
    tmp_path, monkeypatch, capsys
):
    new, check, *_ = (line.split() for line in commands(text("en", "own_study.md")))
    assert (new[1], check[1]) == ("new", "check")
    export = tmp_path / new[-1].replace("*", "answers.csv")
    export.parent.mkdir(parents=True)
    shutil.copy(HERE / "data_raw/sats/sats_s.csv", export)
    shutil.copytree(HERE / "notebooks/any", tmp_path / "notebooks/any")
    monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
    assert main([*new[1:-1], str(export)]) == 0
    assert main(check[1:]) == 2
    assert "not confirmed" in capsys.readouterr().err
    for file in (*export.parent.glob("*.yml"), *export.parent.glob("instruments/*.yml")):
        written = file.read_text(encoding="utf-8")
        file.write_text(
            re.sub(r"to be confirmed$", "", written, flags=re.MULTILINE), encoding="utf-8"
        )
    assert main(check[1:]) == 0
    assert "nothing stops a run" in capsys.readouterr().out


SAID = [HERE / "README.md", *sorted(HERE.glob("docs/*.md")), *sorted(GUIDE.glob("en/*.md"))]
OTHER_PROGRAMS = ("cd", "conda", "dask", "export", "mkdir", "pip", "python", "source", "uv")


@pytest.mark.parametrize("page", SAID, ids=lambda page: page.relative_to(HERE).as_posix())
def test_every_command_that_is_written_is_one(page):
    makefile = (HERE / "Makefile").read_text(encoding="utf-8")
    typed = commands(page.read_text(encoding="utf-8"))
    for line in (part for each in typed for part in each.split("&&")):
        program, *rest = line.split()
        if program == "loftet":
            _parser().parse_args(rest)
        elif program == "make":
            assert f"\n{rest[0]}:" in makefile, line
        else:
            assert program in OTHER_PROGRAMS, line


# pages


@pytest.fixture(scope="module")
def built() -> dict[str, bytes]:
    return make_guide.files()


@pytest.mark.long
def test_the_pages_need_no_network_and_every_link_leads_to_something(built):
    soups = {
        name: BeautifulSoup(content, "html.parser")
        for name, content in built.items()
        if name.endswith(".html")
    }
    assert {"index.html", "en/first_hour.html", "nb/messages.html"} <= set(soups)
    ids = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in soups.items()}
    lost = []
    for name, soup in soups.items():
        assert "default-src 'none'" in soup.find("meta", attrs={"http-equiv": True})["content"]
        assert not soup.find_all(["script", "style", "iframe"])
        assert not soup.find_all("img", src=re.compile("^http"))
        for tag in soup.find_all(href=True) + soup.find_all(src=True):
            to, _, anchor = (tag.get("href") or tag["src"]).partition("#")
            if re.match(r"[a-z]+:", to):
                continue
            place = (Path("/") / name).parent / to if to else Path("/") / name
            target = place.resolve().relative_to("/").as_posix()
            if target not in built or (anchor and anchor not in ids.get(target, ())):
                lost.append((name, to, anchor))
    assert lost == []


@pytest.mark.long
def test_a_page_has_its_language_its_neighbours_and_its_twin(built):
    page = BeautifulSoup(built["nb/own_study.html"], "html.parser")
    assert page.html["lang"] == "nb"
    assert page.find(class_="languages").find("a", hreflang="en")["href"] == "../en/own_study.html"
    assert page.footer.find(rel="prev")["href"] == "first_hour.html"
    assert page.footer.find(rel="next")["href"] == "study_keys.html"
    notebooks = BeautifulSoup(built["nb/own_notebook.html"], "html.parser")
    links = [a["href"] for a in notebooks.main.find_all("a") if "notebooks/" in a["href"]]
    assert len(links) == len([*(HERE / "notebooks").rglob("[!.]*.ipynb")])
    pupils = BeautifulSoup(built["nb/notebooks/region/04_pupils.html"], "html.parser")
    assert "la.linked_change" in pupils.main.get_text()
    assert (
        pupils.h1.get_text()
        != BeautifulSoup(built["en/notebooks/region/04_pupils.html"], "html.parser").h1.get_text()
    )
