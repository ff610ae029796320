"""Plausible exports: read as they are meant, or refused with a word; never silently wrong."""

import importlib
import pkgutil
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from loftet_analysis import names
from loftet_analysis.batch import cleaning, cli
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.store import Prepared
from loftet_analysis.study import Study, load_study, phases
from tests import plausible
from tests.long import long_but
from tests.plausible import Case

MODULES = [
    importlib.import_module(f"tests.plausible.{module.name}")
    for module in pkgutil.iter_modules(plausible.__path__)
]
KINDS = {kind: cases for module in MODULES for kind, cases in module.KINDS.items()}
CASES = {f"{kind}: {name}": case for kind, cases in KINDS.items() for name, case in cases.items()}
#: Of each kind the first.
KEPT = {f"{kind}: {next(iter(cases))}" for kind, cases in KINDS.items()}
ACCOUNTED = {"blank_row", "no_sheet"}  # rows of the ledger that are no sheets
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks" / "any"


@pytest.fixture
def loftet(tmp_path, tmp_path_factory, monkeypatch, capsys):
    """Run a command on a case; what ``check`` has read is what ``clean`` writes."""
    read: list[Prepared] = []

    def prepare_once(study: Study, *, key: bytes | None = None, **options: object) -> Prepared:
        read[:] = read or [prepare(study, **options)]
        return read[0]

    def run(case: Case, command: str) -> tuple[int, str]:
        written: set[bytes] = set()
        for name, content in case.files.items():
            path = tmp_path / "data_raw" / "mini" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = content.encode() if isinstance(content, str) else content
            # two waves of a few people may hold the same, which of real exports stops
            path.write_bytes(content + b"\n" * (content in written))
            written.add(content)
        shutil.copytree(NOTEBOOKS, tmp_path / "notebooks" / "any", dirs_exist_ok=True)
        monkeypatch.setenv("LOFTET_ROOT", str(tmp_path))
        monkeypatch.setenv("LOFTET_KEYS", str(tmp_path_factory.mktemp("keys")))
        monkeypatch.chdir(tmp_path)
        # both waves are over
        monkeypatch.setattr(phases, "today", lambda study: date(2028, 1, 1))
        monkeypatch.setattr(cleaning, "prepare", prepare_once)
        code = cli.main([command, "mini"])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.mark.parametrize("name", long_but(KEPT, CASES))
def test_it_is_read_as_it_is_meant_or_refused(loftet, name):
    case = CASES[name]
    code, said = loftet(case, "check")
    assert "Traceback" not in said
    assert code == (2 if case.stops else 0), said
    flat = " ".join(said.split())  # lines are broken where they are full
    for text in case.says:
        assert text in said or text in flat, said
    for text in case.hides:
        assert text not in said
    if case.stops:
        return
    assert loftet(case, "clean")[0] == 0
    ledger = store.read_table("mini", "ledger")
    if case.aside is not None:
        left = ledger[~ledger["reason"].isin(ACCOUNTED)].groupby("reason")["n_set_aside"].sum()
        assert left[left > 0].to_dict() == case.aside
    populations = ledger["population"].unique()
    frames = {one: store.read("mini", one) for one in populations}
    frame = next((each for each in frames.values() if len(each)), pd.DataFrame())
    for column, expected in case.values.items():
        found = [None if pd.isna(value) else value for value in frame[column]]
        assert found == list(expected), (column, found)
    if case.linked is not None:
        waves = frame.groupby(names.PERSON)[names.WAVE].nunique()
        assert (waves > 1).sum() == case.linked


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_members(kind):
    assert len(KINDS[kind]) >= 5


@pytest.mark.parametrize("name", KINDS["names and labels that SPSS has no room for"])
def test_an_archive_keeps_names_and_labels_apart(loftet, name, tmp_path):
    case = KINDS["names and labels that SPSS has no room for"][name]
    assert loftet(case, "clean")[0] == 0
    code, said = loftet(case, "export")
    assert code == 0
    frame, meta = pyreadstat.read_sav(tmp_path / "data_clean/mini/archive/pupils.sav")
    clean = store.read("mini", "pupils")
    assert len({name.casefold() for name in frame}) == clean.shape[1]
    items = load_study("mini").populations["pupils"].instrument.items
    for column, short, label in zip(clean, frame, meta.column_labels, strict=True):
        assert (f"in pupils.sav {column} is {short}" in said) == (short != column)
        assert len(short.encode()) <= 64
        if column in items:
            assert label.endswith(" (reversed)") == items[column][1].reversed
            assert len(set(meta.variable_value_labels[short].values())) == 5
            assert frame[short].to_list() == clean[column].to_list()
