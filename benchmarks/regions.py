"""Time and memory of a study of two hundred regions, and of one region with as many sheets.

Every notebook of any study is run on each region. Four schools a region, and about thirty-five
pupils of a school in each wave: few people in very many regions, so that what is measured is the
batch, not the statistics. Then 200,000 sheets of four hundred schools, all in one region.

    python benchmarks/regions.py                # writes its figures to README.md
    python benchmarks/regions.py --regions 20   # a small one; nothing is written
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from clean import HERE, write_down, write_study
from national import STUDY, measured

REGIONS, SCHOOLS, PEOPLE = 200, 4, 140  # schools and people of a region
LARGE_SCHOOLS, LARGE = 400, 100_000  # of the one large region


def run(regions: int, schools: int, people: int) -> str:
    """Return what a run of so many schools and people in all takes."""
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "project"
        write_study(root, people, schools=schools, regions=regions)
        # under `public` most cells of so few people would be hidden
        described = root / "data_raw" / STUDY / "study.yml"
        text = described.read_text(encoding="utf-8")
        described.write_text(text.replace("disclosure: public", "disclosure: internal"), "utf-8")
        (root / "notebooks").symlink_to(HERE.parent / "notebooks")
        # which ends here where a page fails
        wall, busy, peak = measured(["-m", "loftet_analysis", "run", STUDY], root)
        pages = len([*(root / "reports" / STUDY / "nb").glob("*/*.html")])
    place = "1 region" if regions == 1 else f"{regions} regions"
    return (
        f"{place}, {schools} schools, {2 * people:,} sheets: {pages} pages, 0 failed, in "
        f"{wall / 60:.1f} min ({busy / 60:.1f} min of CPU), {peak:.2f} GB at most in all processes "
        "together."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--regions", type=int, default=REGIONS)
    regions = parser.parse_args().regions
    told = [run(regions, SCHOOLS * regions, PEOPLE * regions)]
    print(told[0], flush=True)
    if regions == REGIONS:
        told.append(run(1, LARGE_SCHOOLS, LARGE))
        print(told[1])
        write_down("regions", "\n\n".join(told))


if __name__ == "__main__":
    main()
