"""What the checks in a real browser stand on: Debian's Chromium, and the pages of a small demo."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from loftet_analysis.study.instrument import LANGUAGES
from tests.conftest import loftet
from tests.small_demo import SMALL, build_root

#: Packages of Debian, each with a program or a file that it brings.
PACKAGES = {
    "chromium": "chromium",
    "hunspell": "hunspell",
    "hunspell-no": "/usr/share/hunspell/nn_NO.dic",
    "hunspell-en-gb": "/usr/share/hunspell/en_GB.dic",
}


def pytest_sessionstart() -> None:
    """Install what is missing where that is allowed, else say what to install."""
    missing = [
        package
        for package, brings in PACKAGES.items()
        if not shutil.which(brings) and not Path(brings).exists()
    ]
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if not shutil.which("apt-get") or os.geteuid() != 0:
        pytest.exit(f"not installed: {', '.join(missing)}; sudo {' '.join(install)}", returncode=2)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], env=quiet, check=False)
    if subprocess.run(install, env=quiet, check=False).returncode != 0:
        pytest.exit(f"could not be installed: {', '.join(missing)}", returncode=2)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A project with the pages of two regions, the country and the schools, in all languages.

    ``LOFTET_BROWSER`` names a project in which that was run already.
    """
    if made := os.environ.get("LOFTET_BROWSER"):
        return Path(made)
    root = tmp_path_factory.mktemp("pages") / "Løftet {test}"
    build_root(root)
    spoken = [word for language in LANGUAGES for word in ("--language", language)]
    done = loftet("demo", *SMALL, *spoken, "--schools", root=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope="session")
def site(project) -> Path:
    """The folder of the demo's pages."""
    return project / "reports" / "demo"


@pytest.fixture(scope="session")
def pages(site) -> list[Path]:
    """Every page of the site."""
    found = sorted(site.rglob("*.html"))
    assert len(found) > 50
    return found


@pytest.fixture(scope="session")
def kinds(site, pages) -> dict[str, Path]:
    """One page of each kind, in bokmål and of the region with the longest name."""
    found: dict[str, Path] = {}
    for page in pages:
        parts = page.relative_to(site).parts
        if {"nn", "en", "oslo"} & {*parts} or re.search(r"\.(nb|nn|en)\.html$", page.name):
            continue
        place = {"nordland": "region", "national": "country"}
        kind = "/".join(place.get(part, part) for part in parts if part != "nb")
        found.setdefault("schools" if parts[0] == "schools" else kind, page)
    assert {"index.html", "region/04_pupils.html", "country/10_synthesis.html", "schools"} <= {
        *found
    }
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; as root it runs without its sandbox, as it must."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=os.geteuid() != 0
        )
        yield started
        started.close()


@pytest.fixture
def context(browser) -> Iterator[BrowserContext]:
    """A fresh profile, as somebody has who opens the pages for the first time."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, locale="nb-NO")
    yield opened
    opened.close()


@pytest.fixture
def tab(context) -> Page:
    """An empty tab of it."""
    return context.new_page()


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter that runs the checks."""
    return sys.executable
