"""Clean data on disk: whole, narrow to read, the same bytes every time."""

import os
import stat
import subprocess
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest

import loftet_analysis as la
from loftet_analysis import paths
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.errors import InputError
from loftet_analysis.study import load_study
from tests.damage import DAMAGE
from tests.long import long_but
from tests.test_prepare import KEY, POST, PRE
from tests.tiny_study import build, write_csv


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    root = tmp_path / "Løftet {test}"
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    folder = build(root)
    write_csv(folder, "pre", PRE)
    write_csv(folder, "post", POST)
    study = load_study("tiny")
    return study, prepare(study, key=KEY)


def test_what_is_written_is_what_is_read(tiny):
    study, prepared = tiny
    target = store.write(prepared, study)
    assert target == paths.clean("tiny")
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*.*")) == [
        "days.csv",
        "disclosure.parquet",
        "invariance.parquet",
        "ledger.csv",
        "linkage.csv",
        "pupils/region=nordland/part.parquet",
        "pupils/region=oslo/part.parquet",
        "response.csv",
        "set_aside/pupils.parquet",
        "units.csv",
        "values.csv",
        "waves.csv",
    ]
    pd.testing.assert_frame_equal(store.read("tiny", "pupils"), prepared.clean["pupils"])
    pd.testing.assert_frame_equal(store.read_table("tiny", "ledger"), prepared.ledger)
    pd.testing.assert_frame_equal(store.read_table("tiny", "units"), prepared.units)
    pd.testing.assert_frame_equal(store.read_table("tiny", "disclosure"), prepared.mask)
    aside = pd.read_parquet(target / "set_aside" / "pupils.parquet")
    pd.testing.assert_frame_equal(aside, prepared.set_aside["pupils"])


def test_what_cleaning_took_out_is_counted_by_reason_and_shown_rounded(tiny):
    study, prepared = tiny
    store.write(prepared, study)
    country, region = la.open_study("tiny"), la.open_study("tiny", region="nordland")
    assert region.taken_out().values.tolist() == [["pupils", "pre", "out_of_range", 1]]
    assert country.taken_out().values.tolist() == [
        ["pupils", "pre", "out_of_range", 1], ["pupils", "pre", "declared_missing", 2],
    ]  # fmt: skip
    assert la.gate(country.taken_out(), country)["n_taken_out"].to_list() == [0, 0]


def test_one_region_and_some_columns_are_read_alone(tiny):
    study, prepared = tiny
    store.write(prepared, study)
    whole = prepared.clean["pupils"]
    oslo = whole[whole["region"] == "oslo"].reset_index(drop=True)
    pd.testing.assert_frame_equal(store.read("tiny", "pupils", "oslo"), oslo)
    few = store.read("tiny", "pupils", "oslo", without=["effort", "person_id"])
    pd.testing.assert_frame_equal(few, oslo.drop(columns=["effort", "person_id"]))


def test_a_region_without_answers_is_read_as_empty(tiny):
    study, prepared = tiny
    pupils = prepared.clean["pupils"]
    prepared.clean["pupils"] = pupils[pupils["region"] == "oslo"]
    store.write(prepared, study)
    empty = store.read("tiny", "pupils", "nordland")
    assert empty.empty
    pd.testing.assert_series_equal(empty.dtypes, pupils.dtypes)


def test_anybody_can_read_the_parts_as_one_partitioned_table(tiny):
    study, prepared = tiny
    folder = store.write(prepared, study)
    frame = pd.read_parquet(folder / "pupils")
    assert frame["region"].value_counts().to_dict() == {"nordland": 4, "oslo": 2}


def test_the_old_folder_is_replaced_but_for_what_notebooks_made(tiny):
    study, prepared = tiny
    folder = store.write(prepared, study)
    (folder / "pupils" / "region=gone").mkdir()
    (folder / "results" / "oslo").mkdir(parents=True)
    (folder / "results" / "oslo" / "effects.csv").write_text("kept")
    (folder / "manifest.json").write_text("{}")
    store.write(prepared, study)
    assert not (folder / "pupils" / "region=gone").exists()
    assert (folder / "results" / "oslo" / "effects.csv").read_text() == "kept"
    assert (folder / "manifest.json").read_text() == "{}"


def test_a_failure_leaves_the_old_folder_as_it_was(tiny, monkeypatch):
    study, prepared = tiny
    folder = store.write(prepared, study)
    before = content(folder)

    def full(*arguments, **options):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", full)
        with pytest.raises(OSError, match="disk full"):
            store.write(prepared, study)
    with monkeypatch.context() as patch:
        rename = Path.rename
        patch.setattr(
            Path, "rename", lambda path, to: full() if path.name == "new" else rename(path, to)
        )
        with pytest.raises(OSError, match="disk full"):
            store.write(prepared, study)
    assert content(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


@pytest.mark.parametrize("moved", range(4))
def test_new_data_that_a_killed_process_had_ready_take_their_place(tiny, monkeypatch, moved):
    study, prepared = tiny
    folder = store.write(prepared, study)
    fresh = content(folder)
    (folder / "values.csv").write_text("old", encoding="utf-8")
    (folder / "gone.csv").write_text("old", encoding="utf-8")
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    left = iter(range(moved))

    def killed(path: Path, to: Path) -> None:
        if path.name != "new" and next(left, None) is None:
            os._exit(9)
        rename(path, to)

    rename = Path.rename
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        writer = get_context("fork").Process(target=store.write, args=(prepared, study))
        writer.start()
        writer.join()
    assert writer.exitcode == 9
    store.recover("tiny")
    assert content(folder) == fresh | {"manifest.json": b"{}"}
    store.recover("tiny")
    assert content(folder) == fresh | {"manifest.json": b"{}"}


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_same_input_gives_the_same_bytes(tiny):
    study, prepared = tiny
    first = content(store.write(prepared, study))
    again = content(store.write(prepare(load_study("tiny"), key=KEY), study))
    assert first == again


def test_a_link_stays_a_link(tiny, tmp_path):
    study, prepared = tiny
    elsewhere = tmp_path / "another disk"
    elsewhere.mkdir()
    folder = paths.clean("tiny")
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    for _ in range(2):
        assert store.write(prepared, study) == folder
        assert folder.is_symlink()
        assert content(folder) == content(elsewhere)
        pd.testing.assert_frame_equal(store.read("tiny", "pupils"), prepared.clean["pupils"])
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


@pytest.mark.parametrize("deed", long_but([*DAMAGE][1:2], DAMAGE))
@pytest.mark.parametrize("name", ["units.csv", "disclosure.parquet", "SHA256SUMS",
                                  "pupils/region=oslo/part.parquet"])  # fmt: skip
def test_damaged_data_are_not_read(tiny, name, deed):
    study, prepared = tiny
    damaged = store.write(prepared, study) / name
    DAMAGE[deed](damaged)

    def read_all() -> None:
        store.read("tiny", "pupils")
        for table in store.TABLES:
            store.read_table("tiny", table)

    with pytest.raises(InputError, match=damaged.name):
        read_all()
    store.write(prepared, study)
    read_all()


def test_the_sums_are_those_of_a_common_tool(tiny):
    folder = store.write(*tiny[::-1])
    told = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder)
    assert told.returncode == 0
    DAMAGE["one bit flipped"](folder / "ledger.csv")
    told = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True)
    assert b"ledger.csv: FAILED" in told.stdout


def test_nothing_but_pseudonyms_depends_on_the_key(tiny):
    study, prepared = tiny
    other = prepare(study, key=b"o" * 32)
    for part in ("clean", "set_aside"):
        one, two = (getattr(p, part)["pupils"] for p in (prepared, other))
        assert (one["person_id"].dropna() != two["person_id"].dropna()).all()
        pd.testing.assert_frame_equal(one.drop(columns="person_id"), two.drop(columns="person_id"))
    for table in ("values", "ledger", "linkage", "units", "mask"):
        pd.testing.assert_frame_equal(getattr(prepared, table), getattr(other, table))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("elsewhere", "pupils"), "loftet clean elsewhere"),
        (("tiny", "teachers"), "unknown population"),
        (("tiny", "pupils", "troms"), "allowed: nordland, oslo"),
    ],
)
def test_what_is_not_there_is_told(tiny, arguments, what):
    study, prepared = tiny
    store.write(prepared, study)
    with pytest.raises(InputError, match=what):
        store.read(*arguments)


def test_a_missing_table_is_told(tiny):
    with pytest.raises(InputError, match="run: loftet clean tiny"):
        store.read_table("tiny", "ledger")
    with pytest.raises(InputError, match="allowed: ledger, values"):
        store.read_table("tiny", "effects")


def test_the_place_that_a_link_leads_to_is_for_its_owner_alone(tiny, tmp_path):
    study, prepared = tiny
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o755)
    paths.make_folder(paths.clean("tiny").parent)
    paths.clean("tiny").symlink_to(disk)
    store.write(prepared, study)
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (disk, *disk.glob("**/"))} == {0o700}
    files = [path for path in disk.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
