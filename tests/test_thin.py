"""Every notebook runs with the first wave alone, and in regions where much is lacking."""

import re
from dataclasses import replace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from loftet_analysis import names
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.units import study_units
from loftet_analysis.demo.exports import write_demo
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.show.session import open_study
from loftet_analysis.study import closed_part, load_study
from tests.long import long_but
from tests.small_demo import HERE

KEY = b"k" * 32
REGION = "nordland"
PAGES = ("region/01_fieldwork", "region/02_measurement", "any/01_fieldwork", "any/02_measurement")
SUMMARIES = ("region/00_summary", "national/00_summary")
ALL = (*PAGES, *SUMMARIES, "region/03_teachers", "region/04_pupils", "region/05_leader_support")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A project with the demo's description and exports, and what cleaning makes of them."""
    root = tmp_path_factory.mktemp("thin") / "Løftet test"
    (root / "data_raw").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LOFTET_ROOT", str(root))
        write_demo(regions=[REGION, "oslo"])
        yield root, prepare(load_study("demo"), key=KEY)


def here(frame):
    return frame[names.REGION] == REGION


def without(population):
    return lambda name, frame: frame[~here(frame)] if name == population else frame


def unanswered(name, frame):
    scale = {"pupils": "persistence", "teachers": "beliefs_inquiry"}.get(name)
    if scale is None:
        return frame
    items = load_study("demo").populations[name].instrument.scales[scale].items
    frame = frame.copy()
    frame.loc[here(frame), [scale, *items]] = np.nan
    return frame


def unlinked(name, frame):
    frame = frame.copy()
    frame.loc[here(frame), [names.PERSON, names.LINKED_BY]] = None
    if name != "leaders":
        frame.loc[here(frame), names.LINK_STATE] = "absent"
    return frame


def one_school(name, frame):
    school = sorted(frame.loc[here(frame), names.SCHOOL].unique())[:1]
    return frame[~here(frame) | frame[names.SCHOOL].isin(school)]


def one_grade(name, frame):
    return frame[~here(frame) | frame[names.GRADE].eq(7)] if names.GRADE in frame else frame


CASES = {
    "no pupils": (without("pupils"), (PAGES[0], *SUMMARIES, "region/04_pupils")),
    "no teachers": (without("teachers"), ("region/03_teachers", "region/05_leader_support")),
    "no leaders": (without("leaders"), ("region/05_leader_support",)),
    "one scale unanswered": (unanswered, ("region/02_measurement", "region/03_teachers")),
    "nobody linked": (unlinked, ("region/00_summary", "region/01_fieldwork", "region/03_teachers")),
    "one school": (one_school, ALL[2:]),
    "one grade": (one_grade, ("region/00_summary", "region/02_measurement", "region/04_pupils")),
}


def run(name):
    """Run a notebook's cells here; return what is shown, as text."""
    shell = InteractiveShell.instance()
    shell.reset(new_session=False)
    shown = []
    for cell in nbformat.read(HERE / "notebooks" / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type != "code":
            continue
        source = cell.source.replace('region: str = "nordland"', f'region: str = "{REGION}"')
        with capture_output() as captured:
            result = shell.run_cell(source)
        plt.close("all")
        assert result.success, f"{name}, {cell.id}: {result.error_in_exec!r}"
        shown += [output.data.get("text/plain", "") for output in captured.outputs]
    return shown


def written(prepared, study):
    asked = closed_part(study, prepared.waves)
    instruments = {name: people.instrument for name, people in asked.populations.items()}
    clean = {name: frame.reset_index(drop=True) for name, frame in prepared.clean.items()}
    prepared = replace(
        prepared, clean=clean, units=study_units(clean, instruments), mask=decide(asked, clean)
    )
    store.write(prepared, study)


@pytest.mark.parametrize("case", long_but({"no pupils"}, CASES))
def test_every_notebook_runs_in_a_thin_region(whole, case):
    _, prepared = whole
    cut, notebooks = CASES[case]
    clean = {name: cut(name, frame) for name, frame in prepared.clean.items()}
    written(replace(prepared, clean=clean), load_study("demo"))
    for name in notebooks:
        for text in run(name):
            assert 2 * text.count("ikke beregnet") <= len(text.splitlines()), (case, name, text)


@pytest.mark.long
def test_with_the_first_wave_alone_every_notebook_runs_and_none_speaks_of_change(whole):
    root, _ = whole
    described = root / "data_raw" / "demo" / "study.yml"
    text = described.read_text(encoding="utf-8")
    try:
        alone = re.sub(r"\n  post: \{from: .*\}", "", text)
        described.write_text(re.sub(r"\n +post: \{tool.*\}", "", alone), encoding="utf-8")
        alone = re.sub(r"\n +files:\n(?=    # The leaders')", "\n", described.read_text("utf-8"))
        described.write_text(alone, encoding="utf-8")
        study = load_study("demo")
        written(prepare(study, key=KEY), study)
        assert {*open_study("demo").plan("pupils")["estimand"]} == {"level"}
        for name in (*ALL, "any/03_outcomes"):
            shown = run(name)
            assert not any("ikke beregnet" in text for text in shown), name
            assert not any("endret seg" in text for text in shown), name
    finally:
        described.write_text(text, encoding="utf-8")
