"""Time and memory of a study of two hundred regions, with every notebook of any study on each.

Four schools a region, and about thirty-five pupils of a school in each wave: few people in very
many regions, so that what is measured is the batch, not the statistics.

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--regions", type=int, default=REGIONS)
    regions = parser.parse_args().regions
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "project"
        write_study(root, PEOPLE * regions, schools=SCHOOLS * regions, regions=regions)
        # under `public` most cells of so few people would be hidden
        described = root / "data_raw" / STUDY / "study.yml"
        text = described.read_text(encoding="utf-8")
        described.write_text(text.replace("disclosure: public", "disclosure: internal"), "utf-8")
        (root / "notebooks").symlink_to(HERE.parent / "notebooks")
        # which ends here where a page fails
        wall, busy, peak = measured(["-m", "loftet_analysis", "run", STUDY], root)
        pages = len([*(root / "reports" / STUDY / "nb").glob("*/*.html")])
    told = (
        f"{regions} regions, {SCHOOLS * regions} schools, {2 * PEOPLE * regions:,} sheets: {pages} "
        f"pages, 0 failed, in {wall / 60:.1f} min ({busy / 60:.1f} min of CPU), {peak:.2f} GB at "
        "most in all processes together."
    )
    print(told)
    if regions == REGIONS:
        write_down("regions", told)


if __name__ == "__main__":
    main()
