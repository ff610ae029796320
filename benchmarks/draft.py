"""How much of the shipped studies `loftet new` drafts right from their exports alone.

Each entry of the shipped study.yml and instruments that a draft could know is looked for in the
draft; the share of right ones is printed by kind. The programme's own questionnaires are first
recognised, as for everybody, and then kept from the draft, so that it has to find scales, answers
and turned items by itself. Needs the demo's exports (`make demo`).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from loftet_analysis import paths
from loftet_analysis.cleaning import draft as drafting
from loftet_analysis.study.instrument import Instrument, load_instrument, normalise_label

EXPORTS = {
    "demo": ("*.txt", "*.sav", "data-*.xlsx", "schools.csv", "attendance*.csv"),
    "sats": ("sats_s.csv",),
}
OWN = ("pupil", "teacher", "leader")
LEAST = 0.8  # of every kind
Found = Iterator[tuple[str, str, bool]]


def read(text: str) -> dict:
    return YAML(typ="safe").load(text)


def leaves(tree: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield what a YAML tree says, each with its place."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, tree


def entries(said: dict) -> dict[tuple[str, ...], object]:
    """Return what a study.yml says that exports could tell, by kind and place."""
    told = {}
    for wave, window in said["waves"].items():
        ends = [end for end in ("from", "to") if end in window]
        told |= {("dates of waves", wave, end): window[end] for end in ends}
    for who, of in said["populations"].items():
        own = of["instrument"] in OWN  # the file of another one is named by the population
        told["instrument", who] = of["instrument"] if own else "of its own"
        told |= {("meaning of answers", *path): {*map(str, texts)}
                 for path, texts in leaves(of.get("values", {}), (who,))}  # fmt: skip
        told["link", who, "by"] = of.get("link", {}).get("by")
        told["consent", who, "yes"] = of.get("consent", {}).get("yes")
        columns = {**of.get("columns", {}), "link": of.get("link", {}).get("column"),
                   "consent": of.get("consent", {}).get("column")}  # fmt: skip
        told |= {
            ("attendance", who, key): value
            for key, value in of.get("attendance", {}).items()
            if key != "columns"
        }
        for name, counts in of.get("attendance", {}).get("columns", {}).items():
            several = counts if isinstance(counts, list) else [counts]
            told["attendance", who, name] = {*several}
        files = of["files"]
        if "file" in files:
            told |= {("file and tool", who, key): value for key, value in files.items()}
            files = {"": files}
        for wave, file in files.items():
            if wave:
                told |= {("file and tool", who, wave, key): file[key] for key in ("tool", "file")}
            own = {name: column for name, column in columns.items() if column}
            own |= file.get("columns", {})
            told |= {("column", who, wave, name): column for name, column in own.items()}
    return told


def compared(shipped: dict, drafted: dict) -> Found:
    """Yield kind, place and whether the draft says the same, of each entry of the shipped one."""
    mine, own = entries(shipped), entries(drafted)
    for (kind, *place), value in mine.items():
        found = own.get((kind, *place))
        if kind == "dates of waves" and found is not None:
            # the first and last answer lie inside the window in which the form was open
            right = abs((pd.Timestamp(value) - pd.Timestamp(found)).days) <= 14
        elif kind == "meaning of answers":
            right = found is not None and value <= found
        else:
            right = value == found
        yield kind, " ".join(place), right


def questions(instrument: Instrument, shipped: Instrument) -> dict[str, tuple]:
    """Return scale and item of every question, by its code in the shipped instrument."""
    known = {}
    for scale in shipped.scales.values():
        for code, item in scale.items.items():
            earlier = [text for each in item.earlier for text in each.text.values()]
            for text in (code, *item.columns, *item.text.values(), *earlier):
                known[normalise_label(text)] = code
    found = {}
    for scale in instrument.scales.values():
        for item in scale.items.values():
            texts = [normalise_label(text) for text in (*item.columns, *item.text.values())]
            if code := next((known[text] for text in texts if text in known), None):
                found[code] = (scale, item)
    return found


def instruments(who: str, shipped: Instrument, drafted: Instrument) -> Found:
    """Yield kind, place and rightness of questions, scales, answers and turned items."""
    mine, own = questions(shipped, shipped), questions(drafted, shipped)
    for code, (scale, item) in mine.items():
        place = f"{who} {code}"
        yield "question found", place, code in own
        if code not in own:
            continue
        its_scale, its_item = own[code]
        if scale.responses and its_scale.responses:
            told = drafted.responses[its_scale.responses].lookup
            of_own = shipped.responses[scale.responses].lookup
            same = [told[text] == value for text, value in of_own.items() if text in told]
            options = drafted.responses[its_scale.responses].options
            coded = all(str(value) in told for value in options)
            coded &= {*options} == {*shipped.responses[scale.responses].options}
            yield "values of answers", place, coded or (len(same) > 1 and all(same))
        yield "turned or not", place, item.reversed == its_item.reversed
    for one, other in combinations(sorted(mine.keys() & own.keys()), 2):
        together = mine[one][0].name == mine[other][0].name
        if together or own[one][0].name == own[other][0].name:
            same = own[one][0].name == own[other][0].name
            yield "pair of questions in one scale", f"{one} {other}", together == same


def drafted_of(study: str, folder: Path) -> Iterator[pd.DataFrame]:
    """Yield a row for each entry of a shipped study: kind, place, right; with its reading."""
    source = paths.raw(study)
    shipped = read((source / "study.yml").read_text(encoding="utf-8"))
    files = sorted({path for pattern in EXPORTS[study] for path in source.glob(pattern)})
    asked = drafting._ASKED
    for reading, least in (("recognised", asked), ("unknown", 2)):
        drafting._ASKED = least  # no questionnaire is known by more than all of its questions
        made, _ = drafting.draft("drafted", files, accept=True)
        drafting._ASKED = asked
        place = folder / reading
        for path, text in made.items():
            target = place / path.relative_to(paths.raw("drafted"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        drafted = read((place / "study.yml").read_text(encoding="utf-8"))
        found = list(compared(shipped, drafted)) if reading == "recognised" else []
        for who, of in shipped["populations"].items():
            name = drafted["populations"].get(who, {}).get("instrument")
            if (place / "instruments" / f"{name}.yml").exists():
                own = load_instrument(name, place)
                theirs = load_instrument(of["instrument"], source)
                found += instruments(who, theirs, own)
        yield pd.DataFrame(found, columns=["kind", "place", "right"]).assign(study=study)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        parts = [drafted_of(study, Path(folder) / study) for study in EXPORTS]
        rows = pd.concat([each for part in parts for each in part])
    wrong = rows[~rows["right"]]
    print(wrong.drop_duplicates(["study", "kind"]).to_string(index=False))
    counted = rows.groupby(["study", "kind"], sort=False)["right"].agg(["sum", "size", "mean"])
    print(counted.to_string(formatters={"mean": "{:.0%}".format}))
    sys.exit(int((rows.groupby("kind")["right"].mean() < LEAST).any()))


if __name__ == "__main__":
    main()
