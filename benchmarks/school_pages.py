"""Time and memory of the pages of 2,500 schools.

Exports of a study of pupils alone, about a hundred pupils of a school in each wave, are cleaned;
then the pages of all schools are made in one language, in one process. Notebooks are not run, so
that the pages have no changes of regions beside them. Under `public`, whose mask differs from that
of the pages, both are decided.

    python benchmarks/school_pages.py                  # writes its figures to README.md
    python benchmarks/school_pages.py --schools 100    # a small one; nothing is written
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from clean import write_down, write_study
from national import STUDY, measured

SCHOOLS, PEOPLE = 2500, 100  # people of a school
MAKE = """\
from loftet_analysis.batch.schools import make
from loftet_analysis.study import load_study
make(load_study({!r}), ["nb"])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--schools", type=int, default=SCHOOLS)
    schools = parser.parse_args().schools
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "project"
        write_study(root, PEOPLE * schools, schools=schools)
        measured(["-m", "loftet_analysis", "clean", STUDY], root)
        wall, busy, peak = measured(["-c", MAKE.format(STUDY)], root)
        made = len([*(root / "reports" / STUDY / "schools" / "nb").glob("*.html")])
    told = (
        f"{made:,} schools, {2 * PEOPLE * schools:,} sheets: {wall / 60:.1f} min "
        f"({busy / 60:.1f} min of CPU), {peak:.2f} GB at most."
    )
    print(told)
    if schools == SCHOOLS:
        write_down("school pages", told)


if __name__ == "__main__":
    main()
