"""A study of three schools in two regions, small enough to be read at a glance."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

STUDY = """\
title: {nb: Liten, en: Tiny}
languages: [nb, en]
disclosure: internal
waves:
  pre: {from: 2025-09-15, to: 2025-10-31}
  post: {from: 2027-09-13, to: 2027-10-29}
schools: schools.csv
populations:
  pupils:
    instrument: tiny
    columns: {school_id: skole, grade: trinn, submitted: tid, serial: nr}
    values: {serial: {}}
    link: {by: code, column: kode}
    consent: {column: samtykke, yes: Ja}
    files:
      pre: {tool: table, file: pre.csv}
      post: {tool: table, file: post.csv}
"""
INSTRUMENT = """\
responses:
  agree4:
    1: {nb: Helt uenig, en: Strongly disagree}
    2: {nb: Uenig, en: Disagree}
    3: {nb: Enig, en: Agree}
    4: {nb: Helt enig, en: Strongly agree, also: [Svært enig]}
    missing: [Vet ikke]
scales:
  effort:
    label: {nb: Innsats, en: Effort}
    responses: agree4
    items:
      effort_1: {nb: Jeg prøver., en: I try., columns: [u1]}
      effort_2: {nb: Jeg gir opp., en: I give up., columns: [u2], reversed: true}
      effort_3:
        nb: Jeg står på.
        en: I go on.
        columns: [u3]
        earlier: [{waves: [pre], nb: Jeg fortsetter., en: I continue.}]
  afterwards:
    label: {nb: Etterpå, en: Afterwards}
    responses: agree4
    waves: [post]
    items:
      after_1: {nb: Det hjalp., en: It helped., columns: [u4]}
"""
SCHOOLS = """\
school_id,school,region,grades
0301,Bø skole,Nordland - Nordlánnda,1-7
0302,Ås ungdomsskole,Nordland - Nordlánnda,8-10
0400,Vik skule,Oslo,1-10
"""
COLUMNS = ["nr", "tid", "skole", "trinn", "kode", "samtykke", "u1", "u2", "u3"]
LABELS = {"Helt uenig": "1", "Uenig": "2", "Enig": "3", "Helt enig": "4"}


def build(root: Path, *, study: str = STUDY) -> Path:
    """Lay the study out below a project folder; return the study's folder."""
    folder = root / "data_raw" / "tiny"
    (folder / "instruments").mkdir(parents=True, exist_ok=True)
    (folder / "study.yml").write_text(study, encoding="utf-8")
    (folder / "schools.csv").write_text(SCHOOLS, encoding="utf-8")
    (folder / "instruments" / "tiny.yml").write_text(INSTRUMENT, encoding="utf-8")
    return folder


def sheets(*rows: str, wave: str = "pre") -> pd.DataFrame:
    """Return answers from rows of text: number, school, grade, code, consent, three answers."""
    day = {"pre": "2025-09-20", "post": "2027-09-20"}[wave]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    frame = pd.DataFrame(cells, columns=[c for c in COLUMNS if c != "tid"], dtype="str")
    minutes = frame["nr"].str.zfill(2)
    frame = frame.assign(tid=day + "T10:" + minutes + ":00+02:00")[COLUMNS]
    return frame.assign(u4="Enig") if wave == "post" else frame


def write_csv(folder: Path, wave: str, frame: pd.DataFrame) -> None:
    """Write one wave's answers as the study's plain table."""
    frame.to_csv(folder / f"{wave}.csv", sep=";", index=False, encoding="utf-8")


def build_on_day(
    patch: pytest.MonkeyPatch, root: Path, day: str, study: str, **exports: pd.DataFrame | None
) -> Path:
    """Lay the study out as it is on a day, with the exports of some waves; return its folder."""
    today = "loftet_analysis.study.phases.today"
    patch.setattr(today, lambda study: date.fromisoformat(day))
    folder = build(root, study=study)
    for wave, frame in exports.items():
        (folder / f"{wave}.csv").unlink(missing_ok=True)
        if frame is not None:
            write_csv(folder, wave, frame)
    return folder
