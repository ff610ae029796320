"""The method's description: it names what the code can say, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from loftet_analysis import names
from loftet_analysis.analysis.verdicts import VERDICTS
from loftet_analysis.show.languages import Words, analysis_label

ROOT = Path(__file__).parents[1]
METHODS = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
FLAGS = (
    "low_df", "few_clusters", "baseline_adjust", "baseline_apart", "adjusted_for_pre",
    "feeders_unknown", "programme_months", "range=", "direction=", "effective_n", "uncovered",
    "share_linked",
)  # fmt: skip
WARNINGS = (
    "no_metric_invariance", "no_scalar_invariance", "invariance_not_examined", "low_reliability",
)  # fmt: skip


@pytest.mark.parametrize("name", [*names.ESTIMANDS, *VERDICTS, *FLAGS, *WARNINGS])
def test_what_a_result_can_say_is_explained(name):
    assert f"`{name}" in METHODS


def test_every_analysis_of_the_sensitivity_table_is_explained():
    told = set(re.findall(r"`([a-z_]+)`", METHODS.partition("## 13.")[2]))
    source = (ROOT / "loftet_analysis" / "analysis" / "sensitivity.py").read_text(encoding="utf-8")
    made = set(re.findall(r'^ {8}"([a-z_]+)": (?:by|Variant)\(', source, flags=re.MULTILINE))
    made |= {"without_failing_items", "latent_change", "cluster_school", "cluster_network"}
    assert len(made) > 20
    assert made <= told
    assert all(analysis_label(name, Words("nb")) for name in made)


def test_links_lead_somewhere():
    places = re.findall(r"\]\(([^)#][^)]*)\)", METHODS)
    local = [place for place in places if not place.startswith("http")]
    assert len(local) > 10
    for place in local:
        assert (ROOT / "docs" / place).exists(), place
    anchors = re.findall(r"\]\(#([^)]+)\)", METHODS)
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", METHODS, flags=re.MULTILINE)
    }
    assert set(anchors) == headings
