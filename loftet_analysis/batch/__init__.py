"""The batch over regions and notebooks, and the command line."""

import gc
import sys

INTERRUPTED = 130


def collect_rarely() -> None:
    """Let Python look for unreachable cycles less often, in a process that is soon over.

    Looking for them takes a fifth of the time of making a workbook, and finds next to nothing.
    """
    gc.set_threshold(50_000, 20, 50)


def interrupted() -> int:
    """Say that a person stopped the command, and return the exit code for it."""
    print("\ninterrupted; the next run goes on from here", file=sys.stderr, flush=True)
    return INTERRUPTED
