"""JupyterLab as `make lab` starts it, for somebody without settings: notebooks run, menus work."""

import os
import re
import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from urllib.error import URLError

import pytest
from playwright.sync_api import Page, expect

from tests.quick_study import environment
from tests.small_demo import HERE

#: Minutes that a notebook may take, for a machine that is busy; in milliseconds.
PATIENCE = 180_000


@pytest.fixture(scope="module")
def lab(project, python, tmp_path_factory) -> Iterator[str]:
    """The address of a JupyterLab for somebody without any settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    env = {name: value for name, value in environment(project).items() if "JUPYTER" not in name}
    env |= {"HOME": str(tmp_path_factory.mktemp("home"))}
    (command,) = re.findall(r"(?m)^lab:.*\n\t\$\(RUN\) (.*)$", (HERE / "Makefile").read_text())
    module, root_dir, first = command.split()
    assert root_dir == "--ServerApp.root_dir=."
    flags = ["--no-browser", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    flags += [f"--IdentityProvider.token={token}", *(["--allow-root"] * (os.geteuid() == 0))]
    server = subprocess.Popen(
        [python, "-m", module, root_dir, first, *flags],
        cwd=project, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/api?token={token}", timeout=5)
            break
        except (URLError, OSError):
            assert server.poll() is None
            time.sleep(0.1)
    yield f"{address}/lab/tree/NOTEBOOK?token={token}&reset"
    server.terminate()
    server.wait(30)


def opened(tab: Page, lab: str, notebook: str) -> list[str]:
    """Open a notebook and wait for its kernel; return where requests go that leave the machine."""
    elsewhere: list[str] = []

    def seen(request) -> None:
        if not re.match(r"(http|ws)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            elsewhere.append(request.url)

    tab.on("request", seen)
    tab.set_viewport_size({"width": 1400, "height": 1000})
    tab.goto(lab.replace("NOTEBOOK", notebook))
    idle(tab)
    return elsewhere


def idle(tab: Page) -> None:
    expect(tab.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=PATIENCE)


def run_all(tab: Page) -> None:
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def no_pop_up(tab: Page) -> None:
    assert tab.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []


def test_a_notebook_of_a_region_runs_and_shows_what_it_finds(lab, tab):
    elsewhere = opened(tab, lab, "notebooks/region/05_leader_support.ipynb")
    run_all(tab)
    notebook = tab.locator(".jp-NotebookPanel")
    expect(notebook.locator(".jp-OutputArea-output figure img").first).to_be_visible(
        timeout=PATIENCE
    )
    expect(notebook.locator(".jp-OutputArea-output table").first).to_be_attached(timeout=PATIENCE)
    idle(tab)
    assert notebook.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    no_pop_up(tab)
    assert elsewhere == []


def test_a_menu_of_explore_changes_the_figure(lab, tab, capsys):
    began = time.monotonic()
    opened(tab, lab, "notebooks/explore.ipynb")
    ready = time.monotonic()
    run_all(tab)
    output = tab.locator(".jupyter-widgets-output-area, .widget-output").first
    figure = output.locator("figure img").first
    expect(figure).to_be_visible(timeout=PATIENCE)
    shown = time.monotonic()
    with capsys.disabled():
        print(f"\nexplore: open in {ready - began:.1f} s, menus in {shown - began:.1f} s")
    idle(tab)
    before, said = figure.get_attribute("src"), output.text_content()
    menus = tab.locator(".widget-dropdown select")
    outcome = menus.nth(2)
    chosen = outcome.input_value()
    assert outcome.locator("option").count() > 3
    outcome.select_option(index=1)
    assert outcome.input_value() != chosen
    expect(figure).not_to_have_attribute("src", before, timeout=PATIENCE)
    assert output.text_content() != said
    no_pop_up(tab)


def test_the_first_notebook_leads_to_a_question(lab, tab):
    elsewhere = opened(tab, lab, "notebooks/start.ipynb")
    run_all(tab)
    links = tab.locator(".widget-output ul.start a, .jupyter-widgets-output-area ul.start a")
    notebook = links.filter(has_text="04_pupils").first
    expect(notebook).to_be_visible(timeout=PATIENCE)
    notebook.click()
    expect(tab.locator(".jp-NotebookPanel")).to_have_count(2, timeout=PATIENCE)
    no_pop_up(tab)
    assert elsewhere == []
