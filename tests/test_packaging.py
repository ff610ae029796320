"""One set of packages in all lists of them, and a package that works where it is installed."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import loftet_analysis as la

HERE = Path(__file__).parents[1]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def direct(project) -> set[str]:
    extras = project["optional-dependencies"]
    declared = project["dependencies"] + extras["dev"] + extras["browser"]
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


def test_the_list_of_licences_holds_every_locked_package(locked):
    listed = (HERE / "docs/licences.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([\w.-]+) \| (.+) \|$", listed, re.MULTILINE)[1:])
    assert {*rows} == {*locked}
    assert all(licence.strip() for licence in rows.values())


def test_type_checkers_see_the_public_names_where_they_are():
    tree = ast.parse((HERE / "loftet_analysis/__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    seen = {each.asname: f"{node.module}.{each.name}" for node in imports for each in node.names}
    names = {name: f"loftet_analysis.{module}.{name}" for name, module in la._NAMES.items()}
    modules = {name: f"loftet_analysis.{module}" for name, module in la._MODULES.items()}
    assert seen == names | modules


def test_cited_version_is_the_project_s(project):
    citation = YAML(typ="safe").load(HERE / "CITATION.cff")
    assert str(citation["version"]) == project["version"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder, away from the checkout, into which the wheel of the sdist is installed."""
    folder = tmp_path_factory.mktemp("wheel") / "Løftet {pakke}"
    source = folder / "source"
    no_bytecode = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("loftet_analysis", "notebooks", "docs/templates"):
        shutil.copytree(HERE / name, source / name, ignore=no_bytecode)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(HERE / name, source / name)
    build = ("build", "--no-build-isolation", "--python", sys.executable, str(source))
    uv("--offline", *build, "--out-dir", str(folder))
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    uv("--offline", "pip", "install", "--no-deps", "--target", str(target), str(wheel))
    shutil.rmtree(source)
    return target


def uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", "--no-config", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_wheel_holds_every_notebook_template_and_whatever_else_is_no_code(installed):
    package = installed / "loftet_analysis"
    beside = (("notebooks", HERE), ("templates", HERE / "docs"), (".", HERE / "loftet_analysis"))
    for folder, here in beside:
        files = [p for p in (here / folder).rglob("*.*") if p.suffix not in {".py", ".pyc"}]
        names = {path.relative_to(here) for path in files if "/." not in str(path)}
        assert len(names) >= 10
        for name in names:
            assert (package / name).read_bytes() == (here / name).read_bytes()


@pytest.mark.long
def test_an_installed_package_makes_a_demo_in_the_working_folder(installed, tmp_path):
    folder = tmp_path / "Ny mappe {å}"
    folder.mkdir()
    env = {k: v for k, v in os.environ.items() if k not in {"LOFTET_ROOT", "LOFTET_DATA"}}
    env |= {"PYTHONPATH": str(installed), "PYTHONUTF8": "1"}

    def loftet(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, installed / "bin/loftet", *arguments],
            cwd=folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = loftet("check", "demo")
    assert done.returncode == 2
    assert "no project folder" in done.stderr
    one = ("--region", "oslo", "--notebook", "05_leader_support")
    done = loftet("demo", *one)
    assert done.returncode == 0, done.stderr
    assert "1 run, 0 failed, 0 up to date" in done.stdout
    page = folder / "reports/demo/nb/oslo/05_leader_support.html"
    assert "<figure" in page.read_text(encoding="utf-8")
    assert not (folder / "notebooks").exists()
    done = loftet("run", "demo", *one)
    assert (done.returncode, "0 run, 0 failed, 1 up to date" in done.stdout) == (0, True)


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
