"""The batch over regions and notebooks, and the command line."""

import gc


def collect_rarely() -> None:
    """Let Python look for unreachable cycles less often, in a process that is soon over.

    Looking for them takes a fifth of the time of making a workbook, and finds next to nothing.
    """
    gc.set_threshold(50_000, 20, 50)
