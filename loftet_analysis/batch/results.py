"""The tables of a study: exact ones gathered from the regions, and their gated copies."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from loftet_analysis import names, paths, schema
from loftet_analysis.analysis.response import answered_class, totals
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.cleaning import store
from loftet_analysis.disclosure.gate import gate
from loftet_analysis.show.languages import Words
from loftet_analysis.show.session import kept_results
from loftet_analysis.show.workbook import write_workbook
from loftet_analysis.study import Study

#: All tables in one file.
WORKBOOK = "results.xlsx"


def gather(study: Study) -> list[Path]:
    """Join what the notebooks kept into one exact and one gated file per table.

    Exact tables lie in ``data_clean/<study>/results/``; ``reports/<study>/tables/`` holds what
    the study's disclosure profile allows, as CSV and together in ``results.xlsx``.

    Returns
    -------
    list of Path
        Every file that was written.
    """
    written = {}
    folder = paths.clean(study.name) / "results"
    places = [*study.regions[names.REGION], names.NATIONAL]
    exact = {}
    for name in schema.KEPT:
        rows = kept_results(study.name, name, places)
        if rows is not None:
            # some of a verdict takes all regions together
            exact[name] = verdicts(rows) if name == "effects" else rows
            written[folder / f"{name}.csv"] = _csv(exact[name])
    examined = store.read_table(study.name, "invariance").assign(region=names.NATIONAL)
    exact["invariance"] = examined
    exact["ledger"] = store.read_table(study.name, "ledger")
    answered = store.read_table(study.name, "response")
    whole = [totals(answered, region=place) for place in places]
    everybody = answered[names.SUBGROUP].eq(names.ALL)
    by_class = answered_class(answered["n_answered"], answered["n_invited"]).where(everybody, "")
    by_school = answered.assign(answered=by_class)
    exact["response"] = pd.concat([*whole, by_school], ignore_index=True)
    exact["linkage"] = store.read_table(study.name, "linkage")
    columns = {
        **schema.KEPT,
        "invariance": [*schema.INVARIANCE, "suppressed"],
        "ledger": schema.LEDGER,
        "response": [*schema.RESPONSE, "answered"],
        "linkage": schema.LINKAGE,
    }
    mask = store.read_table(study.name, "disclosure")
    published = {}
    target = paths.reports(study.name) / "tables"
    for name in [*exact]:
        shown = pd.DataFrame(gate(exact.pop(name), mask, study.disclosure))
        published[name] = shown.reindex(columns=list(columns[name]))
        written[target / f"{name}.csv"] = _csv(published[name])
    paths.replace_all(written)
    write_workbook(published, target / WORKBOOK, Words(study.languages[0]))
    return [*written, target / WORKBOOK]


def _csv(table: pd.DataFrame) -> bytes:
    """Return a table as UTF-8 CSV with point decimals."""
    # twelve digits: what lies beyond them depends on the machine
    return table.to_csv(index=False, float_format="%.12g", lineterminator="\n").encode()
