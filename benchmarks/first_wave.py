"""The whole demo as it is before its second wave: all pages run, and none speaks of change.

The demo's fifteen regions are written, and what belongs to later waves is taken away: their dates
in study.yml, their exports, the registers of attendance. Then everything is made in three
languages. A page that fails, a page that says that something changed or could not be computed, and
a published estimate of anything but a level end it with exit code 1.

    python benchmarks/first_wave.py
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pandas as pd
from bs4 import BeautifulSoup
from clean import HERE, write_down
from national import measured

from loftet_analysis import names
from loftet_analysis.demo.exports import STUDY, write_demo
from loftet_analysis.study import Study, load_study

#: What a page says of a change that was estimated, or could not be.
TOLD = {
    "nb": r"endret seg|ikke beregnet",
    "nn": r"endra seg|ikkje berekna",
    "en": r"changed on average|changed by|not computed",
}


def of_later_waves(study: Study) -> set[Path]:
    """Return the files that are read in later waves alone, and the registers of attendance."""
    files = {names.PRE: set(), names.POST: set()}
    for people in study.populations.values():
        for wave, exports in people.files.items():
            when = names.PRE if wave == names.PRE else names.POST
            files[when] |= {part for export in exports for part in export.files}
        files[names.POST] |= {people.attendance.file} if people.attendance else set()
    return {study.export_path(file) for file in files[names.POST] - files[names.PRE]}


def cut_to_the_first_wave(root: Path) -> None:
    """Write the demo below a folder, and take away what comes after its first wave."""
    (root / "data_raw").mkdir(parents=True)
    (root / "notebooks").symlink_to(HERE.parent / "notebooks")
    write_demo()
    for path in of_later_waves(load_study(STUDY)):
        path.unlink()
    description = root / "data_raw" / STUDY / "study.yml"
    text = description.read_text(encoding="utf-8")
    alone = re.sub(r"\n  (mid|post): \{from: .*\}", "", text)
    assert alone != text
    description.write_text(alone, encoding="utf-8")


def faults(pages: list[Path], effects: pd.DataFrame) -> list[str]:
    """Return which pages speak of change, and which estimates are of more than a level."""
    found = [f"effects.csv: {name}" for name in sorted({*effects["estimand"]} - {"level"})]
    for page in pages:
        text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").get_text(" ")
        told = re.findall(TOLD[page.parts[-3]], re.sub(r"\s+", " ", text))
        found += [f"{'/'.join(page.parts[-3:])}: {', '.join(sorted({*told}))}"] if told else []
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as room:
        root = Path(room) / "Løftet {test}"
        os.environ["LOFTET_ROOT"] = str(root)
        cut_to_the_first_wave(root)
        languages = [word for language in TOLD for word in ("--language", language)]
        command = ["-m", "loftet_analysis", "run", STUDY, *languages]
        wall, busy, peak = measured(command, root)  # which ends here where a page fails
        reports = root / "reports" / STUDY
        pages = sorted(page for one in TOLD for page in (reports / one).glob("*/*.html"))
        assert pages
        effects = pd.read_csv(reports / "tables" / "effects.csv")
        found = faults(pages, effects)
        shown = effects["change"].notna().mean()
    print(*found, sep="\n")
    if found:
        raise SystemExit(1)
    told = (
        f"{len(pages)} pages in {len(TOLD)} languages, 0 failed, none of which speaks of change; "
        f"{len(effects):,} rows of effects.csv, all of them levels, {shown:.0%} of them "
        f"shown. {wall:.0f} s, {busy:.0f} s of CPU, {peak:.2f} GB at most."
    )
    print(told)
    write_down("first wave", told)


if __name__ == "__main__":
    main()
