"""Releases: new numbers less old ones tell of nobody, or of as many as the profile asks for."""

import hashlib
import io
import json
import shutil
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell

from loftet_analysis import names
from loftet_analysis.batch.cli import main
from loftet_analysis.batch.release import Release, digests, held_back, remembered
from loftet_analysis.disclosure.mask import decide
from loftet_analysis.study import load_study
from tests.quick_study import REGIONS, build_quick, environment, run

KEY = b"k" * 32
SCHOOLS = {"0301": "nordland", "0302": "nordland", "0500": "oslo", "0501": "oslo"}
ITEMS = ["effort_1", "effort_2", "effort_3"]
WHOLE = [*REGIONS, names.NATIONAL]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study") / "Løftet {test}"
    internal(build_quick(root))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LOFTET_ROOT", str(root))
        return load_study("tiny")


def internal(folder: Path, profile: str = "internal") -> None:
    described = (folder / "study.yml").read_text(encoding="utf-8")
    described = described.replace("disclosure: open", f"disclosure: {profile}")
    (folder / "study.yml").write_text(described, encoding="utf-8")


def answers(waves=("pre", "post"), per_school=20, schools=SCHOOLS) -> pd.DataFrame:
    """Return clean data in which everybody answers in every wave, half in each of two grades."""
    rng = np.random.default_rng(3)
    rows = [
        (f"{school}-{pupil:02}", region, school, 5 + pupil % 2, wave)
        for (school, region), pupil in product(schools.items(), range(per_school))
        for wave in waves
    ]
    keys = [names.PERSON, names.REGION, names.SCHOOL, names.GRADE, names.WAVE]
    frame = pd.DataFrame(rows, columns=keys)
    frame[names.GRADE] += 2 * frame[names.WAVE].eq("post")
    frame[ITEMS] = rng.integers(1, 5, (len(frame), 3)).astype(float)
    return frame.assign(effort=frame[ITEMS].mean(axis=1), careless="")


def frozen(study, number: int, clean: pd.DataFrame, held=(), profile="internal") -> Release:
    """Return the release of clean data, in which some regions' earlier numbers stand."""
    mask = decide(study.model_copy(update={"disclosure": profile}), {"pupils": clean})
    groups = [*mask.loc[mask["subgroup"].ne("all"), "subgroup"].str.partition("=")[0].unique()]
    people = {"pupils": digests(clean, study.populations["pupils"], groups, KEY)}
    regions = [*clean[names.REGION].unique(), names.NATIONAL]
    blocks = {(region, "pupils"): 0 if region in held else number for region in regions}
    return Release(number, profile, "a key", {}, blocks, people=people, mask=mask)


def registered(study, clean: pd.DataFrame):
    """Return a study whose register has the schools that there are answers from."""
    schools = clean[[names.SCHOOL, names.REGION]].drop_duplicates(ignore_index=True)
    return study.model_copy(update={"schools": schools})


def without(clean: pd.DataFrame, *people: str, wave: str = "") -> pd.DataFrame:
    gone = clean[names.PERSON].isin(people)
    return clean[~gone | (clean[names.WAVE].ne(wave) if wave else False)]


def pupils(school: str, numbers) -> list[str]:
    return [f"{school}-{number:02}" for number in numbers]


def held(study, clean, *earlier, profile="internal") -> set[str]:
    made = frozen(study, len(earlier) + 1, clean, profile=profile)
    return held_back(made, earlier, "pupils", KEY, [*clean[names.REGION].unique()])


def test_nothing_changed(study):
    assert held(study, answers(), frozen(study, 1, answers())) == set()


def test_one_withdrawal_holds_its_region_and_the_country(study):
    clean = answers()
    first = frozen(study, 1, clean)
    assert held(study, without(clean, "0301-04"), first) == {"nordland", "national"}


def test_one_sheet_of_one_wave(study):
    clean = answers()
    now = without(clean, "0301-04", wave="post")
    assert held(study, now, frozen(study, 1, clean)) == {"nordland", "national"}


def test_a_corrected_answer_counts(study):
    clean = answers()
    now = clean.copy()
    now.loc[3, "effort_2"] = 5 - now.loc[3, "effort_2"]
    now["effort"] = now[ITEMS].mean(axis=1)
    assert held(study, now, frozen(study, 1, clean)) == {"nordland", "national"}


def test_who_joins_counts(study):
    clean = answers()
    assert held(study, clean, frozen(study, 1, without(clean, "0500-00"))) == {"oslo", "national"}


def test_as_many_as_the_limit_in_every_shown_cell_are_shown(study):
    clean = answers()
    # six of each grade of one school
    now = without(clean, *pupils("0301", range(12)))
    assert held(study, now, frozen(study, 1, clean)) == set()


def test_as_many_as_the_limit_but_few_of_a_grade_or_school_are_not(study):
    clean = answers()
    first = frozen(study, 1, clean)
    of_grade = without(clean, *pupils("0301", range(0, 18, 2)), "0301-01")
    assert held(study, of_grade, first) == {"nordland", "national"}
    of_school = without(clean, *pupils("0301", range(12)), *pupils("0302", [0]))
    # the country tells of thirteen
    assert held(study, of_school, first) == {"nordland"}


def test_few_of_a_hidden_part_are_told_by_the_whole(study):
    # of grade 9 there are three, so it is hidden, and with it a second grade
    clean = answers(waves=("pre",), per_school=30)
    clean["grade"] = 5 + clean.groupby("school_id").cumcount() % 3
    lone = clean["grade"].eq(7) & ~clean.index.isin(clean.index[clean["grade"].eq(7)][:3])
    clean = clean[~lone]
    first = frozen(study, 1, clean)
    of_mask = first.mask.query("subgroup == 'grade=7' and wave == 'pre' and region == 'nordland'")
    assert of_mask["suppressed"].all()
    one = clean[clean["grade"].eq(7)]["person_id"].iloc[0]
    fives = clean[clean["grade"].eq(5) & clean["school_id"].eq(one[:4])]["person_id"].head(9)
    assert "nordland" in held(study, without(clean, one, *fives), first)


def test_compared_with_every_release_not_only_the_last(study):
    clean = answers()
    later = without(clean, *pupils("0301", range(12)))
    first, second = frozen(study, 1, clean), frozen(study, 2, later)
    # eleven of the twelve are back: many since the second, one since the first
    back = without(clean, "0301-00")
    assert held(study, back, first, second) == {"nordland", "national"}
    assert held(study, back, replace(first, blocks={}), second) == {"nordland", "national"}
    # since the second alone as many are back as it takes
    whole = clean
    assert held(study, whole, second) == set()


def test_several_small_steps_add_up(study):
    clean = answers()
    first = frozen(study, 1, clean)
    some = without(clean, *pupils("0301", range(4)))
    second = frozen(study, 2, some, held=("nordland", "national"))
    more = without(clean, *pupils("0301", range(8)))
    assert held(study, more, first, second) == {"nordland", "national"}
    most = without(clean, *pupils("0301", range(12)))
    assert held(study, most, first, second) == set()


def test_the_country_less_the_regions_does_not_tell_a_region_that_is_held(study):
    clean = answers()
    first = frozen(study, 1, clean)
    # twelve of oslo go, and one of nordland: the country changes by thirteen
    now = without(clean, *pupils("0500", range(12)), "0301-00")
    assert held(study, now, first) == {"nordland", "national"}


def six_regions() -> pd.DataFrame:
    schools = {f"{n}{k}": f"region{n}" for n, k in product(range(1, 7), range(2))}
    return answers(schools=schools)


def two_of_each(numbers, regions=range(1, 7)) -> list[str]:
    return [each for n in regions for each in pupils(f"{n}0", numbers)]


def test_the_country_is_shown_where_those_who_are_held_together_are_enough(study):
    clean = six_regions()
    study = registered(study, clean)
    first = frozen(study, 1, clean)
    # of each grade one in each of six regions: the country less the regions tells of twelve
    now = without(clean, *two_of_each(range(2)))
    assert held(study, now, first) == {f"region{n}" for n in range(1, 7)}
    # of each grade one in each of five regions
    now = without(clean, *two_of_each(range(2), range(1, 6)))
    assert held(study, now, first) == {*(f"region{n}" for n in range(1, 6)), "national"}


def test_a_region_that_is_shown_later_does_not_tell_what_the_country_held_of_others(study):
    clean = six_regions()
    study = registered(study, clean)
    first = frozen(study, 1, clean)
    # of each grade five of a region and one of another: both are held, the country tells of six
    some = without(clean, *pupils("10", range(10)), *pupils("20", range(2)))
    assert held(study, some, first) == {"region1", "region2"}
    second = frozen(study, 2, some, held={"region1", "region2"})
    # one more of each grade is enough for the region, but the country of the second less its new
    # numbers would tell of two
    more = without(some, *pupils("10", range(10, 12)))
    assert "region1" not in held(study, more, first)
    assert "region1" in held(study, more, first, second)


def test_no_difference_of_what_was_shown_tells_of_a_few(study):
    """An attack: sums are compared as sets of people, in all ways that releases can be paired."""
    clean = six_regions()
    study, rng = registered(study, clean), np.random.default_rng(11)
    shown: list[tuple[Release, dict]] = []
    states = set()
    for number in range(1, 5):
        made = frozen(study, number, clean)
        earlier = [release for release, _ in shown]
        regions = [*clean["region"].unique()]
        kept = held_back(made, earlier, "pupils", KEY, regions)
        made = frozen(study, number, clean, held=kept)
        shown.append((made, _sums(made, clean)))
        states |= {(region in kept, region == "national") for region in [*regions, "national"]}
        for region in rng.choice(regions, 4, replace=False):
            here = clean[clean["region"].eq(region) & clean["wave"].eq("pre")]["person_id"]
            clean = without(clean, *here.head(rng.choice([1, 2, 6, 12])))
    assert len(states) == 4, "both regions and the country are shown and held at least once"
    for (_, one), (_, other) in combinations(shown, 2):
        for cell in one.keys() & other.keys():
            assert len(one[cell] ^ other[cell]) not in range(1, 6), cell
    for (_, one), cells in product(shown, {cell[1:] for _, sums in shown for cell in sums}):
        if ("national", *cells) in one:
            known = [
                [sums[region, *cells] for _, sums in shown if (region, *cells) in sums]
                for region in (f"region{n}" for n in range(1, 7))
            ]
            for each in product(*filter(None, known)):
                rest = one["national", *cells] ^ frozenset().union(*each)
                assert len(rest) not in range(1, 6), cells


def _sums(made: Release, clean: pd.DataFrame) -> dict[tuple, frozenset]:
    """Return whose answers each cell is of that a release shows anew: person and score."""
    cells = {}
    mask = made.mask[~made.mask["suppressed"] & made.mask["school_id"].eq("")]
    for region, subgroup, wave in mask[["region", "subgroup", "wave"]].itertuples(index=False):
        if made.issued((region, "pupils")) and wave in names.WAVES:
            rows = clean[clean["wave"].eq(wave)]
            rows = rows if region == "national" else rows[rows["region"].eq(region)]
            column, _, value = subgroup.partition("=")
            grade = rows["grade"].astype(str)
            band = rows["grade"].le(7).map({True: "5-7", False: "8-10"})
            if subgroup != "all":
                rows = rows[(grade if column == "grade" else band).eq(value)]
            people = zip(rows["person_id"], rows["effort"], strict=True)
            cells[region, subgroup, wave] = frozenset(people)
    return cells


def test_a_wave_that_is_closed_later_is_new_and_the_earlier_one_is_compared(study):
    clean = answers()
    pre = clean[clean["wave"].eq("pre")]
    first = frozen(study, 1, pre)
    assert held(study, clean, first) == set()
    assert held(study, without(clean, "0301-04"), first) == {"nordland", "national"}
    gone = without(clean, "0301-04", wave="post")
    assert held(study, gone, first) == set()


def test_a_stricter_profile_compares_by_its_limit(study):
    clean = answers(per_school=60)
    first = frozen(study, 1, clean)
    eight = without(clean, *pupils("0301", range(16)))  # eight of each grade
    assert held(study, eight, first) == set()
    assert held(study, eight, first, profile="school") == {"nordland", "national"}
    strict = frozen(study, 1, clean, profile="school")
    assert held(study, eight, strict) == {"nordland", "national"}


def test_the_same_people_under_a_stricter_profile_are_shown(study):
    clean = answers(per_school=60)
    assert held(study, clean, frozen(study, 1, clean), profile="public") == set()


def test_a_new_region_is_new(study):
    clean = answers()
    before = clean[clean["region"].eq("oslo")]
    now = clean
    assert "nordland" not in held(study, now, frozen(study, 1, before))


def test_a_region_of_another_name_is_compared(study):
    clean = answers()
    renamed = clean.assign(region=clean["region"].replace("nordland", "nordlánnda"))
    other = registered(study, renamed)
    first = frozen(study, 1, clean)
    assert held(other, renamed, first) == set()
    assert held(other, without(renamed, "0301-04"), first) == {"nordlánnda", "national"}


def test_open_data_are_never_held(study):
    clean = answers()
    first = frozen(study, 1, clean, profile="open")
    assert held(study, without(clean, "0301-04"), first, profile="open") == set()


# ---------------------------------------------------------------- what is written

OWN_GROUP = """\
pairs = la.pairs(pupils, plan)
pairs["size"] = "odd " + pairs["school_id"].astype(str).str[-1]
own = la.linked_change(pairs, plan, by="size")
study.show(la.gate(own, study))"""


def withdraw(root: Path, *codes: str) -> None:
    for path in (root / "data_raw/tiny").glob("p*.csv"):
        rows = pd.read_csv(path, sep=";", dtype=str)
        rows[~rows["kode"].isin(codes)].to_csv(path, sep=";", index=False)


def files(root: Path, number: int) -> dict[str, bytes]:
    folder = root / "releases/tiny" / str(number)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("release.json", "SHA256SUMS")
    }


def about(root: Path, number: int) -> dict:
    return json.loads((root / f"releases/tiny/{number}/release.json").read_text(encoding="utf-8"))


def blocks(root: Path, number: int) -> dict[str, int]:
    return {each["region"]: each["since"] for each in about(root, number)["blocks"]}


def tables(root: Path, number: int) -> dict[str, pd.DataFrame]:
    found = {name: io.BytesIO(content) for name, content in files(root, number).items()}
    names = [n for n in found if n.startswith("reports/tables/") and n.endswith(".csv")]
    csv = {name: pd.read_csv(found[name], dtype=str) for name in names}
    book = found["reports/tables/results.xlsx"]
    sheets = pd.read_excel(book, sheet_name=None, engine="calamine")
    return csv | {name: sheet for name, sheet in sheets.items() if name not in ("Om", "Kolonner")}


def rows_of(table: pd.DataFrame, *regions: str) -> pd.DataFrame:
    place = table.get("region", pd.Series("national", table.index)).fillna("national")
    return table[place.isin(regions)].reset_index(drop=True)


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """A project with three releases; before the third a pupil of nordland has been withdrawn."""
    root = tmp_path_factory.mktemp("releases") / "Løftet {test}"
    internal(build_quick(root))
    own = nbformat.read(root / "notebooks/mine/01_quick.ipynb", as_version=4)
    own.cells = [*own.cells[:5], new_code_cell(OWN_GROUP, id="own")]
    nbformat.write(own, root / "notebooks/mine/02_own.ipynb")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("LOFTET_ROOT", "LOFTET_KEYS"):
            patched.setenv(name, environment(root)[name])
        assert run(root)[0] == 0
        assert main(["release", "tiny"]) == main(["release", "tiny"]) == 0
        withdraw(root, "k030100")
        assert run(root)[0] == 0
        assert main(["release", "tiny"]) == 0
    return root


def test_the_first_release_holds_what_stands_in_reports_and_figures(released):
    first = files(released, 1)
    tables = {f"reports/tables/{name}" for name in ("effects.csv", "ledger.csv", "results.xlsx")}
    pictures = {f"figures/{place}/change.nb.{k}" for place in WHOLE for k in ("png", "svg")}
    for place in WHOLE:
        name = "10_quick" if place == "national" else "01_quick"
        of_page = ("change.png", "change.svg", "change.csv", f"{name}.docx")
        pictures |= {f"reports/nb/{place}/{name}/{file}" for file in of_page}
    assert {"reports/index.html", "reports/assets/loftet.css"} | tables | pictures < {*first}
    assert blocks(released, 1) == dict.fromkeys(WHOLE, 1)
    folder = released / "releases/tiny/1"
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        total, name = line.split("  ")
        assert total == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    said = about(released, 1)
    assert (said["study"], said["number"], said["profile"]) == ("tiny", 1, "internal")
    assert {*said["files"]} == {*first}


def test_nobody_can_be_named_by_a_release_or_by_what_is_remembered(released):
    clean = pd.read_parquet(released / "data_clean/tiny/pupils/region=oslo/part.parquet")
    memory = released / "data_clean/tiny/releases"
    assert {path.name for path in memory.iterdir()} == {"1", "2", "3"}
    written = [*files(released, 3).values()]
    for path in [memory, *memory.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
        written += [path.read_bytes()] if path.is_file() else []
    people = [person.encode() for person in clean["person_id"].dropna()]
    assert people
    assert not any(person in content for person in people for content in written)


def test_nothing_changed_gives_the_same_bytes(released):
    assert files(released, 2) == files(released, 1)
    assert blocks(released, 2) == dict.fromkeys(WHOLE, 2)


def test_after_one_withdrawal_the_earlier_numbers_stand_whole(released):
    before, after = files(released, 2), files(released, 3)
    since = blocks(released, 3)
    assert since["nordland"] == since["national"] == 2
    assert {*before} == {*after}
    unlike = {name for name in before if before[name] != after[name]}
    # what may be issued anew is of those who have not changed
    assert not {name for name in unlike if "/oslo/" not in name and "/tables/" not in name}
    new = tables(released, 3)
    for name, table in tables(released, 2).items():
        old, held = (rows_of(each, "nordland", "national") for each in (table, new[name]))
        pd.testing.assert_frame_equal(old, held)
    now = pd.read_csv(released / "reports/tiny/tables/effects.csv", dtype=str)
    held = rows_of(new["reports/tables/effects.csv"], "nordland")
    assert not held.equals(rows_of(now, "nordland"))


def test_pages_with_groups_of_one_s_own_are_left_out_by_name(released):
    assert (released / "reports/tiny/nb/oslo/02_own.html").exists()
    for number in range(1, 4):
        assert not [name for name in files(released, number) if "02_own" in name]
        assert b"02_own" not in files(released, number)["reports/index.html"]
    said = "shows groups that study.yml does not declare: size"
    assert about(released, 1)["left_out"] == {"nordland/02_own": said, "oslo/02_own": said}


@pytest.fixture
def project(released, tmp_path, monkeypatch) -> Path:
    """A copy of that project for a test of its own."""
    shutil.copytree(released.parent, tmp_path / "copy")
    root = tmp_path / "copy" / released.name
    for name in ("LOFTET_ROOT", "LOFTET_KEYS"):
        monkeypatch.setenv(name, environment(root)[name])
    return root


def told(capsys, *arguments: str) -> str:
    capsys.readouterr()
    assert main(["release", "tiny", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.long
def test_when_enough_have_gone_the_numbers_are_issued_anew(project):
    withdraw(project, *(f"k0301{n:02}" for n in range(14)))
    assert run(project)[0] == 0
    assert main(["release", "tiny"]) == 0
    assert blocks(project, 4) == dict.fromkeys(WHOLE, 4)
    for name, content in files(project, 4).items():
        top, _, rest = name.partition("/")
        now = (project / top / "tiny" / rest).read_bytes()
        if name.endswith(".html"):  # of the site, which has a page fewer
            content, now = (each.partition(b"<main")[2].partition(b"<footer")[0]
                            for each in (content, now))  # fmt: skip
        if "/index" not in name:
            assert content == now


def test_a_held_block_is_replaced_in_tables_and_the_others_are_new(project, monkeypatch, capsys):
    # the SD of the country changes with every answer in so small a study, and holds all
    monkeypatch.setattr("loftet_analysis.batch.release._units_differ", lambda *_: False)
    capsys.readouterr()
    assert main(["release", "tiny"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "nordland release 2 stands oslo issued national release 2 stands" in said
    now = pd.read_csv(project / "reports/tiny/tables/effects.csv", dtype=str)
    old, new = (tables(project, n)["reports/tables/effects.csv"] for n in (2, 4))
    assert [*new["region"]] == [*now["region"]]
    for place in ("nordland", "national"):
        pd.testing.assert_frame_equal(rows_of(old, place), rows_of(new, place))
    here = [rows_of(each, "oslo") for each in (now, new)]
    assert here[1]["p_adjusted"].isna().all()  # it is over both regions
    pd.testing.assert_frame_equal(*(each.drop(columns="p_adjusted") for each in here))


def test_what_was_shown_under_a_looser_profile_does_not_stand(project, monkeypatch):
    monkeypatch.setattr("loftet_analysis.batch.release._units_differ", lambda *_: False)
    for path in (project / "data_clean/tiny/releases").glob("*/memory.json"):
        text = path.read_text(encoding="utf-8").replace('"internal"', '"open"')
        path.write_text(text, encoding="utf-8")
    assert main(["release", "tiny"]) == 0
    assert blocks(project, 4) == {"nordland": None, "oslo": 4, "national": None}
    assert not [name for name in files(project, 4) if "/nordland/" in name or "/national/" in name]
    for table in tables(project, 4).values():
        assert rows_of(table, "nordland", "national").empty
    assert b"nordland/01_quick.html" not in files(project, 4)["reports/index.html"]
    assert "nordland/01_quick" in about(project, 4)["left_out"]


def test_another_folder_gets_a_copy_if_it_is_empty(project, capsys):
    folder = project / "outside" / "fourth"
    folder.mkdir(parents=True)
    assert main(["release", "tiny", "--to", str(folder)]) == 0
    assert "release 4" in capsys.readouterr().out
    assert files(project, 4) == files(project, 3)
    kept = project / "releases/tiny/4"
    for path in kept.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (folder / path.relative_to(kept)).read_bytes()
    said = told(capsys, "--to", str(folder))
    assert "no place for a release" in said
    assert "it is not empty" in said
    assert "a file" in told(capsys, "--to", str(folder / "release.json"))
    assert not (project / "releases/tiny/5").exists()
    assert {path.name for path in folder.parent.iterdir()} == {"fourth"}


def test_what_is_out_of_date_is_not_released(project, capsys):
    (project / "reports/tiny/nb/oslo/01_quick.html").write_text("another", encoding="utf-8")
    said = told(capsys)
    assert "1 problem" in said
    assert "run: loftet run tiny" in said
    withdraw(project, "k050000")
    assert "clean data: exports changed" in told(capsys)
    assert remembered("tiny")[-1].number == 3


def test_files_that_no_run_made_are_not_released(project):
    (project / "reports/tiny/nb/oslo/notes.html").write_text("exact", encoding="utf-8")
    (project / "figures/tiny/oslo/own.png").write_text("exact", encoding="utf-8")
    assert main(["release", "tiny"]) == 0
    assert files(project, 4) == files(project, 3)


@pytest.mark.parametrize("step", ["_remember", "_published"])
def test_an_interrupted_release_leaves_nothing_that_counts(project, monkeypatch, step):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"loftet_analysis.batch.release.{step}", killed)
        assert main(["release", "tiny"]) == 130
    assert not (project / "releases/tiny/4").exists()
    # once it is remembered it counts, and gets its name by the next one
    counts = 4 if step == "_published" else 3
    assert remembered("tiny")[-1].number == counts
    assert main(["release", "tiny"]) == 0
    assert remembered("tiny")[-1].number == counts + 1
    for number in range(4, counts + 2):
        assert files(project, number) == files(project, 3)
    left = [path for top in ("releases", "data_clean") for path in (project / top).rglob(".unf*")]
    assert not left


def test_releases_that_are_not_whole_or_not_remembered(project, capsys):
    effects = project / "releases/tiny/2/reports/tables/effects.csv"
    whole = effects.read_bytes()
    effects.write_bytes(whole + b"\n")
    said = told(capsys)
    assert "release 2 is not whole" in said
    assert "reports/tables/effects.csv" in said
    effects.write_bytes(whole)
    shutil.rmtree(project / "data_clean/tiny/releases/3")
    assert "releases that are not remembered" in told(capsys)
    (project / "data_clean/tiny/releases/2/memory.json").write_text("{", encoding="utf-8")
    assert "a release cannot be read" in told(capsys)


def test_without_the_key_what_has_changed_stands(project):
    assert main(["forget-key", "tiny", "--yes", "--keep-exports"]) == 0
    assert main(["release", "tiny"]) == 0
    assert files(project, 4) == files(project, 3)
