"""The same answers by label, by number and from 0, as every tool exports them.

A tool is a line of ``TOOLS``: the file's name and a function that writes it. It takes the sheets as
text (`school`, `code`, `q1`, `q2`, `q3`), the labels by code that the tool stores beside the codes
(none where the cells hold the labels themselves), and the file's path.
"""

import csv
import io

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from xlsxwriter import Workbook

from loftet_analysis.cleaning import store
from tests.plausible import Case, case, study
from tests.plausible.codes import LABELS
from tests.test_plausible import loftet  # noqa: F401 - a fixture

ITEMS = ["q1", "q2", "q3"]
N = 60
LIKERT = np.array([[1 + i % 5, 1 + (i * 7 + 2) % 5, 1 + (i * 3 + 4) % 5] for i in range(N)])
LIKERT[LIKERT == 1] = 2  # the lowest answer is rare
LIKERT[7] = [1, 3, 1]


def text_of(rows: list[list[str]], sign: str = ";") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=sign, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def rows_of(frame: pd.DataFrame, before: dict[str, object]) -> list[list[str]]:
    """Return the headings and the rows, with columns of the tool's own in front."""
    own = pd.DataFrame(before, index=frame.index).astype(str)
    whole = pd.concat([own, frame], axis=1)
    return [list(whole), *whole.to_numpy().tolist()]


def table(frame, labels, path):
    path.write_text(text_of(rows_of(frame, {})), encoding="utf-8")


def nettskjema(frame, labels, path):
    own = {"$submission_id": range(N), "$created": "2025-09-20T10:00:00+02:00"}
    path.write_text(text_of(rows_of(frame, own)), encoding="utf-8-sig")


def limesurvey(frame, labels, path):
    own = {"id": range(N), "submitdate": "2025-09-20 10:00:00", "lastpage": 3}
    path.write_text(text_of(rows_of(frame, {**own, "startlanguage": "nb"}), ","), encoding="utf-8")


def qualtrics(frame, labels, path):
    own = {"StartDate": "2025-09-20 10:00:00", "RecordedDate": "2025-09-20 10:05:00"}
    head, *rows = rows_of(frame, {**own, "ResponseId": [f"R_{i}" for i in range(N)]})
    imported = [f'{{"ImportId":"{name}"}}' for name in head]
    path.write_text(
        text_of([head, [f"{name}?" for name in head], imported, *rows], ","), encoding="utf-8"
    )


def workbook(frame, labels, path, before=None, **sheets):
    with Workbook(path) as book:
        head, *rows = rows_of(frame, before or {})
        data = [head, *([float(c) if c.isdigit() else c for c in row] for row in rows)]
        for name, cells in ({"Dataset": data, **sheets} if sheets else {"Ark1": data}).items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(cells):
                sheet.write_row(place, 0, row)


def msforms(frame, labels, path):
    day = "2025-09-20 10:00:00"
    own = {"ID": range(1, N + 1), "Starttidspunkt": day, "Fullføringstidspunkt": day}
    workbook(frame, labels, path, own)


def google(frame, labels, path):
    own = {"Tidsmerke": "2025/09/20 1:43:01 PM GMT+2"}
    path.write_text(text_of(rows_of(frame, own), ","), encoding="utf-8")


def surveymonkey(frame, labels, path):
    own = {"Respondent ID": range(1, N + 1), "Collector ID": 4}
    head, *rows = rows_of(frame, {**own, "Start Date": "09/20/2025 10:00:00 AM"})
    second = ["", "", "", *["Open-Ended Response"] * 2, *["Response"] * 3]
    path.write_text(text_of([head, second, *rows], ","), encoding="utf-8")


def kobo(frame, labels, path):
    own = {"start": "2025-09-20T10:00:00.000+02:00", "_id": range(N)}
    own |= {"_uuid": [f"u{i}" for i in range(N)], "_submission_time": "2025-09-20T10:01:00"}
    path.write_text(text_of(rows_of(frame, own)), encoding="utf-8")


def redcap(frame, labels, path):
    own = {"record_id": range(1, N + 1), "redcap_survey_identifier": ""}
    path.write_text(text_of(rows_of(frame, own), ","), encoding="utf-8")


def label_rows(labels: dict[str, str] | None) -> list[list[str]]:
    return [[item, code, label] for item in ITEMS for code, label in (labels or {}).items()]


def surveyxact(frame, labels, path):
    path.write_text(text_of(rows_of(frame, {"respondentid": range(N)})), encoding="utf-16")
    beside = path.with_name(path.name.replace("dataset", "labels"))
    beside.write_text(text_of(label_rows(labels)), encoding="utf-16")


def surveyxact_workbook(frame, labels, path):
    own = {"respondentid": range(N)}
    workbook(frame, labels, path, own, Structure=[], Labels=label_rows(labels))


def spss(frame, labels, path):
    stored = {float(code): label for code, label in (labels or {}).items()}
    numbers = frame.astype({item: float for item in ITEMS if frame[item].str.isdigit().all()})
    options = {"variable_value_labels": dict.fromkeys(ITEMS, stored)} if stored else {}
    pyreadstat.write_sav(numbers, path, **options)


def stata(frame, labels, path):
    stored = {int(code): label for code, label in (labels or {}).items()}
    numbers = frame.astype({item: int for item in ITEMS if frame[item].str.isdigit().all()})
    options = {"variable_value_labels": dict.fromkeys(ITEMS, stored)} if stored else {}
    pyreadstat.write_dta(numbers, path, **options)


# tool → file, writer, whether the tool stores labels beside codes
TOOLS = {
    "nettskjema": ("data-1.csv", nettskjema, False),
    "limesurvey": ("lime.csv", limesurvey, False),
    "qualtrics": ("q.csv", qualtrics, False),
    "table": ("pre.csv", table, False),
    "excel": ("pre.xlsx", workbook, False),
    "msforms": ("svar.xlsx", msforms, False),
    "googleforms": ("g.csv", google, False),
    "surveymonkey": ("monkey.csv", surveymonkey, False),
    "kobo": ("kobo.csv", kobo, False),
    "redcap": ("redcap.csv", redcap, False),
    "surveyxact": ("dataset.csv", surveyxact, True),
    "surveyxact workbook": ("svar.xlsx", surveyxact_workbook, True),
    "spss": ("pre.sav", spss, True),
    "stata": ("pre.dta", stata, True),
}


def exported(tool: str, coding: str, folder) -> Case:
    """Return the study whose answers a tool exports by label, by number, or from 0."""
    name, write, stores = TOOLS[tool]
    folder.mkdir(exist_ok=True)
    low = 0 if coding.startswith("from 0") else 1
    codes = np.char.mod("%d", LIKERT - 1 + low)
    cells = np.array(LABELS)[LIKERT - 1] if coding == "by label" else codes
    frame = pd.DataFrame(cells, columns=ITEMS)
    frame.insert(0, "school", [str(101 + i % 4) for i in range(N)])
    frame.insert(1, "code", [f"a{i}" for i in range(N)])
    with_labels = stores and coding in ("by number", "from 0 with labels")
    labels = {str(low + i): label for i, label in enumerate(LABELS)} if with_labels else None
    write(frame, labels, folder / name)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    file = f"pre: {{tool: {tool.split()[0]}, file: {name}}}"
    described = study(file, link="{by: id, column: code}")
    return case({"study.yml": described, **files})


def clean_of(loftet, case: Case) -> pd.DataFrame:  # noqa: F811
    code, said = loftet(case, "clean")
    assert code == 0, said
    frame = store.read("mini", "pupils")[["school_id", "region", "joy_1", "joy_2", "joy_3", "joy"]]
    return frame


CODINGS = [
    (tool, coding)
    for tool, (_, _, stores) in TOOLS.items()
    for coding in ("by label", "by number", *(["from 0 with labels"] if stores else []))
    if not (stores and coding == "by label" and tool not in ("spss", "stata"))
]


@pytest.mark.parametrize(
    ("tool", "coding"),
    [
        pytest.param(*each, marks=[pytest.mark.long] if number % 3 else [])
        for number, each in enumerate(CODINGS)
    ],
)
def test_the_same_answers_give_the_same_clean_data(loftet, tool, coding, tmp_path):  # noqa: F811
    frame = clean_of(loftet, exported(tool, coding, tmp_path / "written"))
    in_order = LIKERT[np.argsort([i % 4 for i in range(N)], kind="stable")]
    np.testing.assert_array_equal(frame[["joy_1", "joy_2", "joy_3"]], in_order)
    np.testing.assert_allclose(frame["joy"], in_order.mean(axis=1))


@pytest.mark.parametrize("tool", TOOLS)
def test_codes_from_0_without_labels_stop_in_every_tool(loftet, tool, tmp_path):  # noqa: F811
    case = exported(tool, "from 0 without labels", tmp_path / "written")
    code, said = loftet(case, "check")
    assert code == 2
    assert "codes that no answer has" in said
    assert "the codes run 0–4, the scale 1–5" in said
