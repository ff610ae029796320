"""A project folder of its own for the small demo, in which nothing but the notebooks lies."""

import shutil
from pathlib import Path

HERE = Path(__file__).parents[1]
SMALL = ("--region", "nordland", "--region", "oslo")


def build_root(root: Path) -> None:
    """Lay out an empty project: the notebooks and templates, and an empty ``data_raw``."""
    (root / "data_raw").mkdir(parents=True, exist_ok=True)
    for name in ("notebooks", "docs/templates"):
        shutil.copytree(HERE / name, root / name, dirs_exist_ok=True)
