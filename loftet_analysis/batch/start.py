"""What a notebook to begin with shows of a study: the state of its data and of its pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.batch.fingerprints import NEVER_RUN, why_unclean
from loftet_analysis.batch.plan import (
    PLANNING,
    Task,
    all_tasks,
    notebooks_of,
    waves_needed,
    why_stale_each,
)
from loftet_analysis.show.session import OpenStudy
from loftet_analysis.show.start import Start
from loftet_analysis.study import Study


def start(study: OpenStudy) -> Start:
    """Return menus of studies, regions and phases, with the state of each and its questions.

    Parameters
    ----------
    study : OpenStudy
        From `open_study`; the first choices are its own, and its last closed wave.

    Returns
    -------
    Start
        As the last line of a cell it shows the menus, and beneath them whether the clean data and
        the pages are up to date, who answered, how well the scales measure, and links to the
        notebooks and pages of each research question. ``start(study).look(phase="pre")`` shows one
        choice without them, ``start(study).choices()`` lists what can be written.

    Examples
    --------
    >>> from loftet_analysis import open_study
    >>> offered = start(open_study("sats", language="en")).choices(study="sats")
    >>> offered.query("choice == 'phase'")["value"].to_list()
    ['plan', 'pre', 'post']
    """
    return Start(study, state)


def state(study: Study, region: str, language: str) -> tuple[bool, pd.DataFrame]:
    """Return whether the clean data are those of now, and the notebooks of a place.

    Parameters
    ----------
    study : Study
    region : str
        A slug, or ``national``.
    language : str
        That of the pages.

    Returns
    -------
    is_clean : bool
    notebooks : DataFrame
        A row for each: `file` (``region/04_pupils``), `path`, `planning`, `waves` that it needs,
        `page`, `why` it is out of date (empty where it is not), and `questions`, the heading of
        each research question that it answers.
    """
    files = notebooks_of(study)[0]
    whole = region == names.NATIONAL
    here = [file for file, of_country in files.items() if of_country == whole]
    planning = [file for file in paths.notebooks(f"{PLANNING}/*") if file not in here]
    tasks = {task.file: task for task in all_tasks(study, regions=[region])}
    why = {task.file: told for task, told in why_stale_each(study, [*tasks.values()]).items()}
    rows = []
    for file in (*here, *planning):
        place = names.NATIONAL if file in planning else region
        task = tasks.get(file, Task(study.name, file, place, (language,)))
        row = {"file": file, "path": task.source, "planning": not task.needs_data}
        row |= {"waves": waves_needed(file), "page": task.page(language)}
        rows.append(row | {"why": why.get(file, NEVER_RUN), "questions": _questions(task.source)})
    columns = ["file", "path", "planning", "waves", "page", "why", "questions"]
    return not why_unclean(study), pd.DataFrame(rows, columns=columns)


def _questions(notebook: Path) -> dict[str, str]:
    """Return the research questions of a notebook's headings, each with its first heading."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [(tag, cell["id"]) for cell in cells for tag in cell["metadata"].get("tags", ())]
    return {tag: anchor for tag, anchor in reversed(tagged) if re.fullmatch(r"Q\d+", tag)}
