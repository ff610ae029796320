"""Look through the demo's pages: every question's section, in every region and language.

``make verify`` runs this after the demo of all regions, and of two in the other languages; the
tests look at the two regions of the small demo.
"""

import sys

from bs4 import BeautifulSoup

from loftet_analysis import paths
from loftet_analysis.names import NATIONAL
from loftet_analysis.study import load_study
from tests.test_questions import NATIONAL_PLACES, PLACES, lacking

IN_EVERY_LANGUAGE = ("nordland", "oslo", NATIONAL)


def main() -> int:
    study = load_study("demo")
    faults, looked_at = [], 0
    for region in [*study.regions["region"], NATIONAL]:
        languages = study.languages if region in IN_EVERY_LANGUAGE else study.languages[:1]
        for language in languages:
            for question, notebook, heading in NATIONAL_PLACES if region == NATIONAL else PLACES:
                page = paths.reports("demo") / language / region / f"{notebook}.html"
                looked_at += 1
                if not page.exists():
                    faults.append(f"{page.name} is not there: {language}, {region}")
                    continue
                soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
                faults += [
                    f"{question}: no {what} in {language}/{region}/{notebook}.html#{heading}"
                    for what in lacking(soup, question, heading)
                ]
    print("\n".join(dict.fromkeys(faults)) or f"{looked_at} sections have what they must have")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
