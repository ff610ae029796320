"""The study that is kept as an example: the guide leads to it, and its pages have its numbers."""

import re
import runpy
import shutil

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from scipy import stats

from loftet_analysis.batch.cli import main
from tests.small_demo import HERE
from tests.test_guide import FENCED, text

KEPT = HERE / "data_raw/reading"
WAVES = {"pre": "autumn", "mid": "winter", "post": "summer"}
AGREE = [
    "Strongly disagree", "Disagree", "Somewhat disagree", "Neither agree nor disagree",
    "Somewhat agree", "Agree", "Strongly agree",
]  # fmt: skip
#: The third question of each is the other way round.
SCALES = {
    "enjoyment": ["I read because I like it", "I look forward to reading", "Reading is boring",
                  "I would like to have more time to read"],
    "lessons": ["We talk about what we have read", "We choose books ourselves",
                "We only fill in worksheets", "We read together"],
}  # fmt: skip


@pytest.fixture
def root(tmp_path, tmp_path_factory, monkeypatch):
    for name in ("LOFTET_ROOT", "LOFTET_DATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LOFTET_KEYS", str(tmp_path_factory.mktemp("keys")))
    shutil.copytree(HERE / "notebooks/any", tmp_path / "notebooks/any")
    return tmp_path


def told() -> tuple[str, list[str], str]:
    """The guide's part on the example: its prose, its corrections, and the message."""
    part = text("en", "own_study.md").partition("### Three waves")[2].partition("\n### ")[0]
    blocks = FENCED.findall(part)
    return part, [block for kind, block in blocks if kind == "diff"], blocks[2][1]


def corrected(written: str, diff: str) -> str:
    """A file after the lines that begin with - were replaced by those with + that follow."""
    for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", diff, flags=re.MULTILINE):
        old, new = (re.sub(r"^[-+]", "", lines, flags=re.MULTILINE) for lines in (old, new))
        assert written.count(old) == 1, old
        written = written.replace(old, new)
    return written


def test_its_exports_are_what_its_generator_writes(tmp_path):
    copy = shutil.copy(KEPT / "make_exports.py", tmp_path)
    runpy.run_path(str(copy), run_name="__main__")
    for name in WAVES.values():
        assert (tmp_path / f"{name}.csv").read_bytes() == (KEPT / f"{name}.csv").read_bytes()


def test_the_guide_leads_from_the_exports_to_it(root, capsys):
    part, (declared, called, misspelt), message = told()
    folder = root / "data_raw/mine"
    folder.mkdir(parents=True)
    exports = [shutil.copy(KEPT / f"{name}.csv", folder) for name in WAVES.values()]
    assert main(["new", "mine", *map(str, exports)]) == 0

    def correct(name, *diffs, names=()):
        file = folder / name
        written = file.read_text(encoding="utf-8")
        for old, new in names:
            written = written.replace(old, new)
        for diff in diffs:
            written = corrected(written, diff)
        file.write_text(written, encoding="utf-8")

    names = re.findall(r"`(scale_[abc])`\s(?:by\s)?\s*`(\w+)`", part)
    assert len(names) == 3
    correct("study.yml", declared)
    correct("instruments/pupils.yml", called, names=names)
    assert main(["new", "mine", "--accept"]) == 0
    assert main(["check", "mine"]) == 2
    assert message.strip() in capsys.readouterr().err
    correct("instruments/pupils.yml", misspelt)
    drafted = pd.read_csv(folder / "schools.csv")
    shutil.copy(KEPT / "schools.csv", folder)
    kept = pd.read_csv(KEPT / "schools.csv")
    pd.testing.assert_frame_equal(drafted[["school_id", "school"]], kept[["school_id", "school"]])
    assert [*drafted] == [*kept]
    assert main(["check", "mine"]) == 0
    assert "nothing stops a run" in capsys.readouterr().out
    for name in ("study.yml", "instruments/pupils.yml"):
        assert (folder / name).read_text("utf-8") == (KEPT / name).read_text("utf-8")


@pytest.fixture
def kept(root):
    shutil.copytree(KEPT, root / "data_raw/reading")
    return root


def sheets() -> pd.DataFrame:
    """Two scales of every sheet, from the exports alone."""
    values = {answer: value for value, answer in enumerate(AGREE, 1)} | {"Stongly agree": 7}
    region = pd.read_csv(KEPT / "schools.csv").set_index("school")["region"]
    found = []
    for wave, name in WAVES.items():
        head, below = pd.read_csv(KEPT / f"{name}.csv", header=None, nrows=2).to_numpy()
        columns = [*head[:6], *below[6:]]
        answers = pd.read_csv(KEPT / f"{name}.csv", header=None, skiprows=2, names=columns)
        one = answers[["Which school do you go to?", "Which year are you in?"]]
        one = one.set_axis(["school", "grade"], axis=1).assign(wave=wave)
        for scale, questions in SCALES.items():
            scored = answers[[*questions]].apply(lambda column: column.map(values))
            scored[questions[2]] = 8 - scored[questions[2]]
            one[scale] = scored.mean(axis=1).where(scored.notna().sum(axis=1) >= 2)
        found.append(one)
    return pd.concat(found).assign(region=lambda every: every["school"].map(region))


def page(root, name) -> BeautifulSoup:
    return BeautifulSoup((root / "reports/reading/en" / name).read_bytes(), "html.parser")


def said(root, name) -> str:
    return " ".join(page(root, name).main.get_text(" ").split())


def test_a_page_has_the_means_of_three_waves_that_pandas_finds(kept):
    only = ("--region", "coast", "--notebook", "02_measurement")
    assert main(["run", "reading", *only]) == 0
    table = page(kept, "coast/02_measurement.html").find("table", id="items")
    lines = [[c.get_text(strip=True) for c in row.find_all(["th", "td"])] for row in table("tr")]
    whole = [line[1::4] for line in lines if line[0] == "The whole scale"]
    here = sheets().query("region == 'Coast'").groupby("wave")
    for scale, told in zip(SCALES, whole[::2], strict=True):  # the second of three is left out
        means = here[scale].mean()[[*WAVES]]
        assert told == [f"{mean:.2f}" for mean in means], scale


@pytest.mark.long
def test_its_pages_are_of_three_waves_and_of_nothing_that_it_has_not(kept):
    assert main(["run", "reading"]) == 0
    every = sheets()
    told = said(kept, "national/10_country.html")
    mean = every.loc[every["wave"] == "mid", "enjoyment"].mean()
    assert f"Midway: The mean answer is {mean:.2f} (95% CI" in told
    # schools each counted once, over the grades with five sheets or more both times
    cells = every.dropna(subset="enjoyment").groupby(["school", "grade", "wave"])["enjoyment"]
    size, means = cells.size().unstack(), cells.mean().unstack()
    both = (size["pre"] >= 5) & (size["mid"] >= 5)
    change = (means["mid"] - means["pre"])[both].groupby("school").mean()
    effects = pd.read_csv(kept / "reports/reading/tables/effects.csv")
    (row,) = effects.query(
        "region == 'national' and outcome == 'enjoyment' and estimand == 'school_change'"
        " and contrast == 'mid - pre'"
    ).to_dict("records")
    assert row["n_clusters"] == len(change)
    assert row["change"] == pytest.approx(change.mean(), abs=0.05)  # rounded, as internal asks
    low, high = stats.t.interval(0.95, len(change) - 1, change.mean(), stats.sem(change))
    assert row["change_ci_low"] == pytest.approx(low, abs=0.06)
    assert row["change_ci_high"] == pytest.approx(high, abs=0.06)
    outcomes = said(kept, "coast/03_outcomes.html")
    assert "from before to midway" in outcomes
    assert "from midway to after" in outcomes
    fieldwork = said(kept, "coast/01_fieldwork.html")
    assert "Nobody's answers before and after are linked in this study." in fieldwork
    assert "Found both times" not in fieldwork
    for path in (kept / "reports/reading/en").glob("*/*.html"):
        shown = said(kept, path.relative_to(kept / "reports/reading/en"))
        for foreign in ("Matematikk", "country", "programme", "grades 8–10", "not computed"):
            assert foreign not in shown, (path.name, foreign)
