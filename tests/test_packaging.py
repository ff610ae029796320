"""One set of packages: pyproject.toml, requirements.lock and environment.yml agree."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parents[1]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def direct(project) -> set[str]:
    declared = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {canonical(re.match(r"[\w.-]+", line)[0]) for line in declared}


@pytest.fixture(scope="module")
def locked(direct) -> dict[str, str]:
    text = (HERE / "requirements.lock").read_text(encoding="utf-8")
    pairs = [
        (canonical(name), version) for name, version in re.findall(r"(?m)^(\S+?)==(\S+)", text)
    ]
    versions = {name: {v for n, v in pairs if n == name} for name in direct}
    assert {name: found for name, found in versions.items() if len(found) != 1} == {}
    return dict(pairs)


@pytest.fixture(scope="module")
def conda() -> tuple[dict[str, str], dict[str, str]]:
    environment = YAML(typ="safe").load(HERE / "environment.yml")
    plain = [line for line in environment["dependencies"] if isinstance(line, str)]
    (pip,) = (line["pip"] for line in environment["dependencies"] if isinstance(line, dict))
    named = dict(line.split("=", 1) for line in plain if re.fullmatch(r"[\w.-]+=[\w.]+", line))
    return (
        {canonical(name): version for name, version in named.items()},
        {canonical(n): v for n, v in (line.split("==") for line in pip if "==" in line)},
    )


def test_environment_holds_the_locked_versions_of_every_direct_package(direct, locked, conda):
    from_conda, from_pip = conda
    assert not set(from_conda) & set(from_pip)
    assert {**from_conda, **from_pip} == {name: locked[name] for name in direct}


def test_every_locked_package_has_hashes_and_no_address():
    text = (HERE / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links", text)
    entries = re.split(r"(?m)^(?=\S+==)", text)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_cited_version_is_the_project_s(project):
    citation = YAML(typ="safe").load(HERE / "CITATION.cff")
    assert str(citation["version"]) == project["version"]


def test_help_loads_neither_pandas_nor_matplotlib():
    script = (
        "import sys; from loftet_analysis.batch.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'pandas', 'matplotlib', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for command in ("demo", "check", "clean", "run", "status"):
        assert re.search(rf"(?m)^\s+{command}\s", done.stdout)
