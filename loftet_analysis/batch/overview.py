"""The state of a study's pages, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from loftet_analysis.batch.fingerprints import NEVER_RUN
from loftet_analysis.batch.outputs import DAMAGED, UNFINISHED
from loftet_analysis.batch.plan import DONE, FAILED, Task


def overview(stale: Mapping[Task, str], to_come: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return a table of states, the languages of the pages, and the reasons beneath.

    Parameters
    ----------
    stale : mapping of Task to str
        Why each task's pages are out of date; empty where they are not.
    to_come : mapping of str to sequence of str
        Notebooks that need waves which are not closed yet, with these waves.
    """
    by_waves: dict[str, list[str]] = {}
    for file, waves in (to_come or {}).items():
        by_waves.setdefault(" and ".join(waves), []).append(file.rpartition("/")[2])
    later = [
        f"still to come, when {waves} is closed: {', '.join(files)}"
        for waves, files in by_waves.items()
    ]
    if not stale:
        return "\n\n".join(["no pages asked for", *later])
    states = {
        why: why if why in {NEVER_RUN, FAILED, UNFINISHED} else "stale" for why in stale.values()
    }
    states |= {why: "damaged" for why in states if why.startswith(DAMAGED)}
    states[""] = DONE
    rows = pd.DataFrame(
        [(task.region, task.notebook, states[why]) for task, why in stale.items()],
        columns=["region", "notebook", "state"],
    )
    wide = rows.pivot(index="region", columns="notebook", values="state").fillna("–")
    wide = wide.loc[list(dict.fromkeys(rows["region"]))]
    spoken = ", ".join(dict.fromkeys(each for task in stale for each in task.languages))
    told = [wide.rename_axis(index=None, columns=spoken).to_string()]
    reasons: dict[str, list[str]] = {}
    for task, why in stale.items():
        if states[why] in {"stale", "damaged"}:
            reasons.setdefault(why, []).append(task.name)
    for why, pages in reasons.items():
        more = f" and {len(pages) - 3} more" if len(pages) > 3 else ""
        since = why if why.startswith(DAMAGED) else f"stale, since {why}"
        told.append(f"{since}: {', '.join(pages[:3])}{more}")
    return "\n\n".join([*told, *later])
