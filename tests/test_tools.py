"""The same answers come out the same, whichever tool they were collected with."""

import pandas as pd
import pytest

from loftet_analysis.cleaning.prepare import prepare
from loftet_analysis.cleaning.readers import read_export, recognise
from loftet_analysis.errors import InputError
from loftet_analysis.study import ExportFile, load_study
from tests.long import long_but
from tests.tiny_study import STUDY, build
from tests.tools import QUESTIONS, TOOLS, answers, surveyxact

KEY = b"k" * 32


def prepared(root, monkeypatch, tool: str, *, named: bool = True, frame=None):
    """Clean data of a study whose post wave one tool collected."""
    kind, name, write = TOOLS[tool]
    submitted = TOOLS[tool][2](answers(), root / name)  # which column holds the time
    study = STUDY.replace(", serial: nr}\n    values: {serial: {}}", "}")
    study = study.replace("submitted: tid", f"submitted: {submitted}")
    study = study.replace("      pre: {tool: table, file: pre.csv}\n", "")
    file = f"{{tool: {kind}, file: {name}}}" if named else f"{{file: {name}}}"
    study = study.replace("{tool: table, file: post.csv}", file)
    if "without" in tool or kind == "msforms":
        own = {"school_id": "skole", "grade": "trinn", "link": "kode", "consent": "samtykke"}
        texts = ", ".join(f"{k}: '{QUESTIONS[v][0]}'" for k, v in own.items())
        study = study.replace(file, file[:-1] + f", columns: {{{texts}}}}}")
    folder = build(root, study=study)
    write(answers() if frame is None else frame, folder / name)
    monkeypatch.setenv("LOFTET_ROOT", str(root))
    return prepare(load_study("tiny"), key=KEY)


@pytest.fixture
def reference(tmp_path, monkeypatch):
    (tmp_path / "reference").mkdir()
    return prepared(tmp_path / "reference", monkeypatch, "table in UTF-8")


@pytest.mark.parametrize("tool", long_but([*TOOLS][::2], TOOLS))
@pytest.mark.parametrize("named", long_but([False], [True, False]), ids=["named", "recognised"])
def test_every_tool_gives_the_same_clean_data(tmp_path, monkeypatch, reference, tool, named):
    (tmp_path / "it").mkdir()
    found = prepared(tmp_path / "it", monkeypatch, tool, named=named)
    taken = ["seconds_per_item", "careless"]  # some tools measure the time, others do not
    expected = reference.clean["pupils"].drop(columns=taken)
    assert len(expected) == 4
    assert expected["person_id"].notna().all()
    pd.testing.assert_frame_equal(found.clean["pupils"].drop(columns=taken), expected)
    ledger = found.ledger.drop(columns="file")
    pd.testing.assert_frame_equal(ledger, reference.ledger.drop(columns="file"))


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_is_recognised_and_says_why(tmp_path, tool):
    kind, name, write = TOOLS[tool]
    write(answers(), tmp_path / name)
    found, reason = recognise(tmp_path / name)
    assert found == kind
    assert reason.split()[0] in ("it", "its")
    export = read_export(tmp_path / name, ExportFile(file=name))
    assert (export.tool, export.recognised) == (kind, reason)
    assert all(dtype == "str" for dtype in export.frame.dtypes)
    assert export.frame.iloc[:, -1].notna().all()


@pytest.mark.parametrize(
    ("tool", "roles"),
    [
        ("nettskjema with codebook", {"serial", "submitted", "milliseconds"}),
        ("nettskjema without codebook", {"serial", "submitted", "seconds"}),
        ("surveyxact", {"serial", "status"}),
        ("qualtrics", {"serial", "started", "submitted", "seconds", "preview", "ip", "email"}),
        ("limesurvey", {"serial", "started", "submitted", "status", "language"}),
        ("msforms", {"serial", "started", "submitted", "status", "email", "name"}),
    ],
)
def test_columns_of_the_tool_itself_are_known(tmp_path, tool, roles):
    _, name, write = TOOLS[tool]
    write(answers(), tmp_path / name)
    assert set(read_export(tmp_path / name, ExportFile(file=name)).roles.values()) == roles


def test_a_file_of_another_tool_is_refused(tmp_path):
    TOOLS["qualtrics"][2](answers(), tmp_path / "q.csv")
    with pytest.raises(InputError, match="export of another tool") as caught:
        read_export(tmp_path / "q.csv", ExportFile(tool="nettskjema", file="q.csv"))
    assert "tool: qualtrics" in str(caught.value)


def test_a_plain_table_is_no_qualtrics(tmp_path):
    TOOLS["table"][2](answers(), tmp_path / "t.csv")
    with pytest.raises(InputError, match="import ids"):
        read_export(tmp_path / "t.csv", ExportFile(tool="qualtrics", file="t.csv"))


def test_surveyxact_without_its_labels_is_read_as_codes(tmp_path):
    surveyxact(answers(), tmp_path / "dataset.csv")
    (tmp_path / "labels.csv").unlink()
    export = read_export(
        tmp_path / "dataset.csv", ExportFile(tool="surveyxact", file="dataset.csv")
    )
    assert export.labels == {}
    assert export.questions["u1"] == "Jeg prøver."


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_questions_numbered_from_v1_are_no_old_export_of_qualtrics(tmp_path, suffix):
    path = tmp_path / f"elever{suffix}"
    frame = pd.DataFrame({f"V{i}": ["1", "2", "3"] for i in range(1, 6)})
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_excel(path, index=False)
    export = read_export(path, ExportFile(file=path.name))
    assert export.tool in ("table", "excel")
    pd.testing.assert_frame_equal(export.frame.reset_index(drop=True), frame, check_dtype=False)
    with pytest.raises(InputError, match="unreadable export"):
        read_export(path, ExportFile(file=path.name, tool="qualtrics"))
