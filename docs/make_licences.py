"""Write docs/licences.md: what each package of requirements.lock may be used for."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

HERE = Path(__file__).parent
HEAD = """# Licences of the packages

Made by `python docs/make_licences.py` from the packages of `requirements.lock`, as they say it
themselves. Nothing of them is in this repository.

| package | licence |
|---|---|
"""


def names(lock: str) -> list[str]:
    """Return the packages of a list of requirements, in its order."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)


def licence(package: Distribution) -> str:
    """Return a package's licence: its expression, else its classifiers, else what it calls it."""
    about = package.metadata
    classes = [
        c.rpartition(" :: ")[2] for c in about.get_all("Classifier", []) if "License ::" in c
    ]
    said = about.get("License-Expression") or "; ".join(classes) or about.get("License")
    return " ".join(said.split()) if said and len(said) < 120 else "see its own file"


def written() -> str:
    """Return the text of the list."""
    rows = []
    for name in names((HERE.parent / "requirements.lock").read_text(encoding="utf-8")):
        try:
            rows.append(f"| {name} | {licence(distribution(name))} |")
        except PackageNotFoundError:
            rows.append(f"| {name} | of other systems |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    (HERE / "licences.md").write_text(written(), encoding="utf-8")
