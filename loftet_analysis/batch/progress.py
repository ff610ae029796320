"""How far a run has come, for people on a terminal and for logs."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType

from tqdm import tqdm

from loftet_analysis.batch.lock import log
from loftet_analysis.batch.plan import FAILED, Task, usual_seconds
from loftet_analysis.batch.runner import Outcome

_UNKNOWN = 5.0  # seconds that a page takes of which nothing is known


class Progress:
    """One line that moves and one for the regions on a terminal; elsewhere a line for each page.

    Parameters
    ----------
    study : str
        Named at the beginning of each line.
    tasks : sequence of Task
        What is to be done.
    seconds : mapping of str to float
        How long tasks took last time, by name.
    """

    def __init__(self, study: str, tasks: Sequence[Task], seconds: Mapping[str, float]) -> None:
        self._study, self._total = study, len(tasks)
        self._left = {task: usual_seconds(task, seconds) or _UNKNOWN for task in tasks}
        self._expected_done = 0.0
        self._began = time.monotonic()
        self._regions = Counter(task.region for task in tasks)
        self._done: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        moving = sys.stderr.isatty() and bool(tasks)
        form = "{desc} {bar} {n_fmt}/{total_fmt} pages, {elapsed}{postfix}"
        self._bar = tqdm(total=self._total, desc=study, bar_format=form, disable=not moving)
        self._beneath = tqdm(bar_format="{desc}", position=1, leave=False, disable=not moving)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._beneath.close()
        self._bar.close()

    def tell(self, outcome: Outcome) -> None:
        """Count a task that has ended, and say so."""
        task = outcome.task
        self._expected_done += self._left.pop(task)
        self._done[task.region] += 1
        self._failed[task.region] += outcome.state == FAILED
        told = f"{task.name} {outcome.state} ({outcome.seconds:.1f} s)"
        log.info("%s%s", told, f": {outcome.error}" if outcome.error else "")
        left = f"{_clock(self.remaining())} left" if self._left else "all done"
        if self._bar.disable:
            number = self._total - len(self._left)
            print(f"{self._study}: {number}/{self._total} {told}, {left}", flush=True)
            return
        self._bar.set_postfix_str(left, refresh=False)
        self._bar.update()
        self._beneath.set_description_str(self.regions(self._beneath.ncols or 100))

    def remaining(self) -> float:
        """Return the seconds that are left: what the rest takes at the pace of what is done."""
        if not self._expected_done:
            return sum(self._left.values())
        pace = (time.monotonic() - self._began) / self._expected_done
        return pace * sum(self._left.values())

    def regions(self, width: int) -> str:
        """Return the state of the regions that have begun and are not through, or have failed."""
        told = [
            f"{region} {self._done[region]}/{total}"
            + (f" ({self._failed[region]} failed)" if self._failed[region] else "")
            for region, total in self._regions.items()
            if 0 < self._done[region] < total or self._failed[region]
        ]
        through = sum(self._done[region] == total for region, total in self._regions.items())
        text = " · ".join([f"{through} of {len(self._regions)} regions through", *told])
        return text if len(text) <= width else f"{text[: width - 1]}…"


def _clock(seconds: float) -> str:
    """Return a length of time for people.

    Examples
    --------
    >>> _clock(8.2), _clock(75), _clock(3700)
    ('8 s', '1 min 15 s', '1 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
