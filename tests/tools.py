"""The same answers as every survey tool would export them."""

import csv
import io
from pathlib import Path

import pandas as pd
import pyreadstat
from xlsxwriter import Workbook

# what was asked, as the forms have it: code, question, and the options by code where it has any
AGREE = {"1": "Helt uenig", "2": "Uenig", "3": "Enig", "4": "Helt enig", "9": "Vet ikke"}
YES_NO = {"1": "Ja", "2": "Nei"}
SCHOOLS = {"1": "Bø skole", "2": "Ås ungdomsskole", "3": "Vik skule"}
QUESTIONS = {
    "skole": ("Hvilken skole går du på?", SCHOOLS),
    "trinn": ("Hvilket trinn går du på?", {str(g): f"{g}. trinn" for g in range(5, 11)}),
    "kode": ("Koden din", {}),
    "samtykke": ("Vil du være med?", YES_NO),
    "u1": ("Jeg prøver.", AGREE),
    "u2": ("Jeg gir opp.", AGREE),
    "u3": ("Jeg står på.", AGREE),
    "u4": ("Det hjalp.", AGREE),
}  # fmt: skip


def answers(n: int = 6, *, day: str = "2027-09-20") -> pd.DataFrame:
    """Return n sheets as codes of the options, with ``nr`` and ``tid`` of the tool."""
    rows = []
    for i in range(n):
        rows.append(
            {
                "nr": str(i + 1),
                "tid": f"{day} 10:{i:02}:00",
                "skole": str(i % 3 + 1),
                "trinn": {0: "7", 1: "9", 2: "8"}[i % 3],
                "kode": f"0æ{i:02}kø",
                "samtykke": "1" if i % 5 else "2",
                "u1": str(i % 4 + 1),
                "u2": str((i + 1) % 4 + 1),
                "u3": "9" if i % 4 == 1 else str((2 * i) % 4 + 1),
                "u4": "" if i % 3 == 1 else "3",
            }
        )
    return pd.DataFrame(rows, dtype="str")


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the sheets with the texts of the options."""
    texts = {
        name: frame[name].map(lambda code, options=options: options.get(code, code))
        for name, (_, options) in QUESTIONS.items()
    }
    return frame.assign(**texts)


def _csv(rows: list[list[str]], delimiter: str, **options) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n", **options).writerows(rows)
    return text.getvalue()


def _questions() -> list[str]:
    return [question for question, _ in QUESTIONS.values()]


def xlsx(path: Path, **sheets: list[list]) -> None:
    with Workbook(path, {"strings_to_numbers": False}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


def nettskjema(frame: pd.DataFrame, path: Path, *, delimiter: str = ";") -> str:
    """With a codebook: names and codes, every field quoted."""
    rows = [["$submission_id", "$created", *QUESTIONS, "$answer_time_ms"]]
    times = frame["tid"].str.replace(" ", "T") + ".828301592+02:00"
    own = labelled(frame)[["skole", "trinn", "samtykke"]]  # codes that say it all
    for row, time in zip(frame.assign(**own).to_dict("records"), times, strict=True):
        rows.append([row["nr"], time, *(row[name] for name in QUESTIONS), "60000"])
    path.write_bytes(_csv(rows, delimiter, quoting=csv.QUOTE_ALL).encode("utf-8-sig"))
    return "$created"


def nettskjema_without_codebook(frame: pd.DataFrame, path: Path) -> str:
    """Question and option texts, with HTML and entities in the headings."""
    headings = [f" <b>{q}</b>&nbsp;".replace("ø", "&oslash;") for q in _questions()]
    rows = [["$submission_id", "$created", *headings, "Kommentar", "Kommentar", "$answer_time"]]
    for row in labelled(frame).to_dict("records"):
        time = row["tid"].replace(" ", "T") + "+02:00"
        rows.append([row["nr"], time, *(row[name] for name in QUESTIONS), "Takk", "", "60"])
    path.write_bytes(_csv(rows, ";", quoting=csv.QUOTE_ALL).encode())
    return "$created"


def nettskjema_xlsx(frame: pd.DataFrame, path: Path) -> str:
    texts = labelled(frame)
    rows = [["$submission_id", "$created", *QUESTIONS, "$answer_time_ms"]]
    rows += [[r["nr"], r["tid"], *(r[n] for n in QUESTIONS), 6e4] for r in texts.to_dict("records")]
    xlsx(path, Svar=rows)
    return "$created"


def surveyxact(frame: pd.DataFrame, path: Path, encoding: str = "utf-16", sign: str = "\t") -> str:
    """Codes, with structure and labels in files beside it."""
    rows = [["respondentid", "statinternal_1", "tid", *QUESTIONS]]
    for row in frame.to_dict("records"):
        rows.append([row["nr"], "1", row["tid"], *(row[name] for name in QUESTIONS)])
    structure = [
        ["questionName", "variableName", "questionType", "subType", "questionText",
         "choiceValue", "choiceText", ""]
    ]  # fmt: skip
    labels = []
    for name, (question, options) in QUESTIONS.items():
        structure.append([name, name, "single", "", question, "", "", ""])
        labels += [[name, code, text] for code, text in options.items()]
    for part, table in {"dataset": rows, "structure": structure, "labels": labels}.items():
        beside = path.with_name(path.name.replace("dataset", part))
        beside.write_bytes(_csv(table, sign).encode(encoding))
    return "tid"


def surveyxact_xlsx(frame: pd.DataFrame, path: Path) -> str:
    """A workbook whose data set is split over two sheets, the key in both."""
    head, names = ["respondentid", "tid"], list(QUESTIONS)
    records = frame.to_dict("records")
    one = [[*head, *names[:4]], *([r["nr"], r["tid"], *(r[n] for n in names[:4])] for r in records)]
    two = [["respondentid", *names[4:]], *([r["nr"], *(r[n] for n in names[4:])] for r in records)]
    labels = [[n, code, text] for n, (_, o) in QUESTIONS.items() for code, text in o.items()]
    xlsx(path, **{"Dataset(1)": one, "Dataset(2)": two, "Structure": [], "Labels": labels})
    return "tid"


def qualtrics(frame: pd.DataFrame, path: Path) -> str:
    head = ["StartDate", "EndDate", "Status", "IPAddress", "Duration (in seconds)",
            "RecordedDate", "ResponseId", "RecipientEmail"]  # fmt: skip
    rows = [
        [*head, *QUESTIONS],
        [*head, *_questions()],
        [f'{{"ImportId":"{name}"}}' for name in (*head, *QUESTIONS)],
    ]
    for row in labelled(frame).to_dict("records"):
        own = [row["tid"], row["tid"], "IP Address", "192.0.2.7", "60", row["tid"],
               f"R_{row['nr']}", "elev@example.no"]  # fmt: skip
        rows.append([*own, *(row[name] for name in QUESTIONS)])
    path.write_bytes(_csv(rows, ",", quoting=csv.QUOTE_ALL).encode("utf-8"))
    return "RecordedDate"


def qualtrics_legacy(frame: pd.DataFrame, path: Path) -> str:
    rows = [
        ["V1", "V2", "V3", *QUESTIONS, ""],
        ["ResponseID", "ResponseSet", "EndDate", *_questions(), ""],
    ]
    for row in labelled(frame).to_dict("records"):
        rows.append([f"R_{row['nr']}", "Default", row["tid"], *(row[n] for n in QUESTIONS), ""])
    path.write_bytes(_csv(rows, ",").encode("utf-8-sig"))
    return "V3"


def limesurvey(frame: pd.DataFrame, path: Path, *, full: bool = False) -> str:
    head = ["id", "submitdate", "lastpage", "startlanguage", "seed", "startdate"]
    names = [f"{name}. {q}" if full else name for name, (q, _) in QUESTIONS.items()]
    if full:
        head = ["id. Response ID", "submitdate. Date submitted", "lastpage. Last page",
                "startlanguage. Language", "seed. Seed", "startdate. Date started"]  # fmt: skip
    rows = [[*head, *names]]
    for row in labelled(frame).to_dict("records"):
        own = [row["nr"], row["tid"], "3", "nb", "12345", row["tid"]]
        rows.append([*own, *(row[name] for name in QUESTIONS)])
    path.write_bytes(_csv(rows, ",", quoting=csv.QUOTE_ALL).encode("utf-8-sig"))
    return "submitdate"


def limesurvey_full(frame: pd.DataFrame, path: Path) -> str:
    return limesurvey(frame, path, full=True)


def msforms(frame: pd.DataFrame, path: Path) -> str:
    head = ["ID", "Starttidspunkt", "Fullføringstidspunkt", "E-postadresse", "Navn",
            "Tidspunkt for siste endring"]  # fmt: skip
    rows = [[*head, *_questions()]]
    for row in labelled(frame).to_dict("records"):
        own = [float(row["nr"]), row["tid"], row["tid"], "anonymous", "", ""]
        rows.append([*own, *(row[name] for name in QUESTIONS)])
    xlsx(path, Sheet1=rows)
    return "Fullføringstidspunkt"


def spss(frame: pd.DataFrame, path: Path) -> str:
    numbers = {name: pd.to_numeric(frame[name]) for name, (_, o) in QUESTIONS.items() if o}
    data = frame.assign(**numbers)[["nr", "tid", *QUESTIONS]]
    labels = {n: {int(c): t for c, t in o.items()} for n, (_, o) in QUESTIONS.items() if o}
    pyreadstat.write_sav(
        data, path, variable_value_labels=labels, column_labels=["nr", "tid", *_questions()],
        row_compress=path.suffix == ".sav", compress=path.suffix == ".zsav",
    )  # fmt: skip
    return "tid"


def table(frame: pd.DataFrame, path: Path, encoding: str = "cp1252") -> str:
    rows = [["nr", "tid", *QUESTIONS]]
    rows += [[r["nr"], r["tid"], *(r[n] for n in QUESTIONS)] for r in labelled(frame).to_dict("records")]  # fmt: skip  # noqa: E501
    path.write_bytes(_csv(rows, ";").encode(encoding))
    return "tid"


# (tool, file name, writer)
TOOLS = {
    "nettskjema with codebook": ("nettskjema", "data-1.txt", nettskjema),
    "nettskjema without codebook": ("nettskjema", "data-2.txt", nettskjema_without_codebook),
    "nettskjema by way of TSD": (
        "nettskjema", "internal_1.csv", lambda f, p: nettskjema(f, p, delimiter=",")
    ),
    "nettskjema workbook": ("nettskjema", "data-1.xlsx", nettskjema_xlsx),
    "surveyxact": ("surveyxact", "dataset.csv", surveyxact),
    "surveyxact in cp1252": (
        "surveyxact", "dataset.csv", lambda f, p: surveyxact(f, p, "cp1252", ";")
    ),
    "surveyxact workbook": ("surveyxact", "svar.xlsx", surveyxact_xlsx),
    "qualtrics": ("qualtrics", "q.csv", qualtrics),
    "qualtrics legacy": ("qualtrics", "q.csv", qualtrics_legacy),
    "limesurvey": ("limesurvey", "l.csv", limesurvey),
    "limesurvey with full headings": ("limesurvey", "l.csv", limesurvey_full),
    "msforms": ("msforms", "m.xlsx", msforms),
    "spss": ("spss", "s.sav", spss),
    "spss compressed": ("spss", "s.zsav", spss),
    "table": ("table", "t.csv", table),
    "table in UTF-8": ("table", "t.csv", lambda f, p: table(f, p, "utf-8")),
}  # fmt: skip
