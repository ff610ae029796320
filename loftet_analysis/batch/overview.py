"""The state of a study's pages, for people."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from loftet_analysis.batch.fingerprints import NEVER_RUN
from loftet_analysis.batch.outputs import DAMAGED, UNFINISHED
from loftet_analysis.batch.plan import DONE, FAILED, Task


def overview(stale: Mapping[Task, str]) -> str:
    """Return a table of states, the languages of the pages, and the reasons beneath."""
    if not stale:
        return "no pages asked for"
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
    return "\n\n".join(told)
