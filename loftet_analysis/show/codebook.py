"""The codebook: every variable of the clean data, its wording, options and descriptives."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.cleaning import store
from loftet_analysis.disclosure.histograms import safe_bins
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.show.languages import Words, label
from loftet_analysis.show.workbook import add_sheet, workbook
from loftet_analysis.study import Population, Scale, Study
from loftet_analysis.study.columns import MEANINGS, clean_columns, text_in, value_labels

ABSENT = "–"
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
body{color:#1a1a1a}
h1,h2,h3{line-height:1.2}h2{margin-top:3rem;border-bottom:2px solid #1a1a1a}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}caption{text-align:left;color:#444}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}
td.n,th.n{text-align:right;white-space:nowrap}code{font-size:.9em}
.bar{display:inline-block;height:.7em;background:#0072b2;margin-right:.4em}
.shares{white-space:nowrap;font-size:.9em}.note{color:#444}
@media print{body{max-width:none}h3{break-after:avoid}tr{break-inside:avoid}}
"""


def write_codebook(study: Study, folder: Path, language: str) -> list[Path]:
    """Write the codebook of a study as a page and as a workbook.

    Descriptives are of all regions together and keep to the study's disclosure limit: nothing is
    told of fewer people, and neighbouring options are joined until each share stands for enough.

    Parameters
    ----------
    study : Study
    folder : Path
        Made where it is not there.
    language : str
        nb, nn or en.

    Returns
    -------
    list of Path
        ``codebook.<language>.html`` and ``codebook.<language>.xlsx``.

    Raises
    ------
    InputError
        Where there are no clean data.
    """
    words = Words(language)
    title = html.escape(f"{words.text('Codebook')}: {study.text(study.title, language)}")
    parts, tables = [], []
    for name, population in study.populations.items():
        frame, limit = store.read(study.name, name), LIMITS[study.disclosure]
        waves = [wave for wave in study.waves if wave in population.files]
        scales = population.instrument.scales.values()
        found = [_variables(population, scale, frame, limit, words) for scale in scales]
        parts += [f"<h2>{html.escape(label('population', name, words))}</h2>"]
        parts += [_background(clean_columns(study, name, words.locale), frame, waves, limit, words)]
        parts += [_scale_section(*each, words) for each in zip(scales, found, strict=True)]
        tables += found
    text = (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )
    page, book = (folder / f"codebook.{language}.{kind}" for kind in ("html", "xlsx"))
    with paths.written_whole(page) as path:
        path.write_text(text, encoding="utf-8")
    _write_workbook(study, pd.concat(tables), words, book)
    return [page, book]


def _variables(
    population: Population, scale: Scale, frame: pd.DataFrame, limit: int, words: Words
) -> pd.DataFrame:
    """Describe every item of a scale and the scale itself, by wave, as text.

    Returns
    -------
    DataFrame
        `who, name, text, scale, wave, n, missing, mean, sd`, and `shares`: (options, share) from
        low to high, neighbouring options joined until each share stands for enough people.
    """
    labels, rows = value_labels(population, words.locale), []
    for name in (*scale.items, scale.name):
        item = scale.items.get(name)
        for wave in names.WAVES:
            if wave not in population.files or not scale.asks(name, wave):
                continue
            earlier = [e.text for e in (item.earlier if item else ()) if wave in e.waves]
            text = text_in((earlier or [item.text if item else scale.label])[0], words.locale)
            if (item or scale).reversed:
                text += f" ({words.text('reversed')})"
            part = frame[frame[names.WAVE] == wave]
            if scale.roles and names.ROLE in part:
                part = part[part[names.ROLE].isin(scale.roles)]
            found = _described(part[name], labels.get(name, {}), limit, words)
            rows.append((population.name, name, text, scale.name, wave, *found))
    columns = ["who", "name", "text", "scale", "wave", "n", "missing", "mean", "sd", "shares"]
    return pd.DataFrame(rows, columns=columns)


def _described(values: pd.Series, options: dict[float, str], limit: int, words: Words) -> tuple:
    scores = values.dropna().to_numpy(dtype=float)
    n, lost = len(scores), len(values) - len(scores)
    if n < max(limit, 2):
        return ABSENT, ABSENT, ABSENT, ABSENT, []
    shares = []
    if options:
        edges = np.arange(min(options), max(options) + 2) - 0.5
        for low, high, _, share in safe_bins(scores, edges, limit).itertuples(index=False):
            within = [text for value, text in options.items() if low < value < high]
            shares.append((" / ".join(within), float(share)))
    missing = words.count(lost) if lost == 0 or lost >= limit else f"< {limit}"
    mean, sd = words.number(scores.mean()), words.number(scores.std(ddof=1))
    return words.count(n), missing, mean, sd, shares


def _row(cells: Iterable[str], tag: str = "td", numbers: Collection[int] = ()) -> str:
    """Return a row of a table; its cells are HTML, those in `numbers` to the right."""
    classes = {True: ' class="n"', False: ""}
    inner = "".join(
        f"<{tag}{classes[place in numbers]}>{cell}</{tag}>" for place, cell in enumerate(cells)
    )
    return f"<tr>{inner}</tr>"


def _code(name: str) -> str:
    return f"<code>{html.escape(name)}</code>"


def _background(
    columns: pd.DataFrame, frame: pd.DataFrame, waves: list[str], limit: int, words: Words
) -> str:
    numbers, rows = range(2, 2 + len(waves)), []
    for column, kind, meaning in columns[["column", "kind", "meaning"]].itertuples(index=False):
        if kind in ("item", "scale") or column not in frame:
            continue
        counts = (int(frame.loc[frame[names.WAVE] == w, column].notna().sum()) for w in waves)
        cells = [words.count(n) if n >= limit else ABSENT for n in counts]
        text = words.text(meaning) if column in MEANINGS else meaning
        rows.append(_row([_code(column), html.escape(text), *cells], numbers=numbers))
    heads = [words.text("Variable"), words.text("Meaning")]
    heads += [f"{label('wave', wave, words)} ({words.text('answered')})" for wave in waves]
    caption, head = html.escape(words.text("Background")), map(html.escape, heads)
    return f"<table><caption>{caption}</caption>{_row(head, 'th', numbers)}{''.join(rows)}</table>"


def _scale_section(scale: Scale, variables: pd.DataFrame, words: Words) -> str:
    _, numbers = words.text, range(3, 7)
    forms = scale.forms(dict.fromkeys(variables["wave"])) if scale.items else {}
    low, high = map(words.plain, scale.range or (0, 0))
    notes = [
        scale.question,
        *(
            _when(waves, forms, words)
            + _(
                "mean of the answered items, at least {n} of {all}",
                n=words.count(scale.needed_in(waves[0])),
                all=words.count(len(items)),
            )
            for items, waves in forms.items()
        ),
        None
        if scale.items
        else _("a score that is read as it is, from {low} to {high}", low=low, high=high),
        _("follows {source}", source=scale.follows) if scale.follows else None,
    ]
    note = " · ".join([_code(scale.name), *(html.escape(text) for text in notes if text)])
    heads = [_("Variable"), _("Wording"), _("Wave"), "n", _("missing"), _("mean"), _("SD")]
    heads.append(_("Answers as they are stored"))
    rows = [_row(map(html.escape, heads), "th", numbers)]
    for row in variables.itertuples():
        bars = "<br>".join(
            f'<span class="bar" style="width:{share * 8:.2f}em"></span>'
            f"{html.escape(words.percent(share))} {html.escape(answer)}"
            for answer, share in row.shares
        )
        texts = (row.text, label("wave", row.wave, words), row.n, row.missing, row.mean, row.sd)
        cells = _row([_code(row.name), *map(html.escape, texts)], numbers=numbers)
        rows.append(f"{cells.removesuffix('</tr>')}<td class='shares'>{bars}</td></tr>")
    name = html.escape(text_in(scale.label, words.locale))
    return f"<h3>{name}</h3><p class='note'>{note}</p><table>{''.join(rows)}</table>"


def _when(waves: Sequence[str], forms: Mapping, words: Words) -> str:
    """Return the waves that ask the same items, where others ask other ones."""
    named = ", ".join(label("wave", wave, words) for wave in waves)
    return f"{named}: " if len(forms) > 1 else ""


def _write_workbook(study: Study, variables: pd.DataFrame, words: Words, target: Path) -> None:
    _, scales, values = words.text, [], []
    for name, population in study.populations.items():
        for scale in population.instrument.scales.values():
            named, question = text_in(scale.label, words.locale), scale.question or ""
            forms = scale.forms(population.files)
            for items, waves in forms.items():
                told = _when(waves, forms, words) + named
                row = (name, scale.name, told, question, len(items), scale.needed_in(waves[0]))
                scales.append(row)
        for item, options in value_labels(population, words.locale).items():
            turned = int(population.instrument.items[item][1].reversed)
            values += [(name, item, value, text, turned) for value, text in options.items()]
    who, variable, of = _("Population"), _("Variable"), _("Scale")
    described = ["n", _("missing"), _("mean"), _("SD")]
    heads = {
        "variables": [who, variable, _("Wording"), of, _("Wave"), *described],
        "values": [who, variable, _("Value"), _("Label"), _("reversed")],
        "scales": [who, of, _("Label"), _("Question"), _("Items"), _("Needed")],
    }
    variables = variables.drop(columns="shares").to_numpy().tolist()
    tables = {"variables": variables, "values": values, "scales": scales}
    with workbook(target) as book:
        for name, rows in tables.items():
            add_sheet(book, name, heads[name], rows)
