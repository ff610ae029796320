"""The codebook: every variable of the clean data, its wording, options and descriptives."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.archive import value_labels, variable_labels
from loftet_analysis.disclosure.histograms import safe_bins
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.show.languages import Words, population_label, wave_label
from loftet_analysis.show.workbook import workbook
from loftet_analysis.study import Population, Scale, Study

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


@dataclass(frozen=True)
class _Described:
    """One variable in one wave, as text; shares are (options, share) from low to high."""

    n: str
    missing: str
    mean: str
    sd: str
    shares: list[tuple[str, float]]


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
    frames = {name: store.read(study.name, name) for name in study.populations}
    page = "".join(
        _population(study, population, frames[name], words)
        for name, population in study.populations.items()
    )
    title = f"{words.text('Codebook')}: {study.text(study.title, language)}"
    text = (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1>{page}</body></html>\n"
    )
    target = folder / f"codebook.{language}.html"
    with paths.written_whole(target) as path:
        path.write_text(text, encoding="utf-8")
    return [target, _workbook(study, frames, words, folder / f"codebook.{language}.xlsx")]


def _population(study: Study, population: Population, frame: pd.DataFrame, words: Words) -> str:
    limit = LIMITS[study.disclosure]
    waves = [wave for wave in study.waves if wave in population.files]
    head = html.escape(population_label(population.name, words))
    parts = [f"<h2>{head}</h2>", _background(population, frame, waves, limit, words)]
    for scale in population.instrument.scales.values():
        parts.append(_scale(population, scale, frame, waves, limit, words))
    return "".join(parts)


def _meanings(words: Words) -> dict[str, str]:
    _ = words.text
    return {
        names.PERSON: _("pseudonym of the person; missing where the sheet could not be linked"),
        names.WAVE: _("wave"),
        names.REGION: _("region"),
        names.SCHOOL: _("school"),
        names.GRADE: _("grade"),
        names.ROLE: _("role"),
        names.GENDER: _("gender"),
        names.SUBMITTED: _("day of submission"),
        names.GATHERINGS: _("gatherings attended"),
        names.INTERIM_WORK: _("interim work done"),
        names.LINKED_BY: _("how the sheet was linked"),
        names.LINK_STATE: _("linked, or why not"),
        names.SECONDS: _("seconds per answered item"),
        names.MISSING: _("share of the asked items that are missing"),
        names.CARELESS: _("signs of careless answering"),
    }


def _background(
    population: Population, frame: pd.DataFrame, waves: list[str], limit: int, words: Words
) -> str:
    instrument = population.instrument
    own = [c for c in frame if c not in instrument.items and c not in instrument.scales]
    labels = variable_labels(population, words.locale) | _meanings(words)
    rows = []
    for column in own:
        cells = "".join(
            f'<td class="n">{_counted(frame, column, wave, limit, words)}</td>' for wave in waves
        )
        text = html.escape(labels.get(column, column))
        rows.append(f"<tr><td><code>{html.escape(column)}</code></td><td>{text}</td>{cells}</tr>")
    answered = words.text("answered")
    head = "".join(
        f'<th class="n">{html.escape(wave_label(wave, words))} ({html.escape(answered)})</th>'
        for wave in waves
    )
    variable, meaning = html.escape(words.text("Variable")), html.escape(words.text("Meaning"))
    return (
        f"<table><caption>{html.escape(words.text('Background'))}</caption><tr><th>{variable}</th>"
        f"<th>{meaning}</th>{head}</tr>{''.join(rows)}</table>"
    )


def _counted(frame: pd.DataFrame, column: str, wave: str, limit: int, words: Words) -> str:
    n = int(frame.loc[frame[names.WAVE] == wave, column].notna().sum())
    return words.count(n) if n >= limit else ABSENT


def _scale(
    population: Population,
    scale: Scale,
    frame: pd.DataFrame,
    waves: list[str],
    limit: int,
    words: Words,
) -> str:
    label = html.escape(scale.label.get(words.locale) or next(iter(scale.label.values())))
    told = [f"<code>{scale.name}</code>"]
    if scale.question:
        told.append(html.escape(scale.question))
    told.append(
        html.escape(
            words.text(
                "mean of the answered items, at least {n} of {all}",
                n=words.count(scale.needed),
                all=words.count(len(scale.items)),
            )
        )
    )
    if scale.follows:
        told.append(html.escape(words.text("follows {source}", source=scale.follows)))
    _ = words.text
    head = "".join(
        f"<th>{html.escape(text)}</th>" for text in (_("Variable"), _("Wording"), _("Wave"))
    ) + "".join(
        f'<th class="n">{html.escape(text)}</th>'
        for text in ("n", _("missing"), _("mean"), _("SD"))
    )
    rows = [
        _row(first, described, wave, words)
        for first, described, wave in _variables(population, scale, frame, waves, limit, words)
    ]
    answers = html.escape(words.text("Answers as they are stored"))
    return (
        f"<h3>{label}</h3><p class='note'>{' · '.join(told)}</p>"
        f"<table><tr>{head}<th>{answers}</th></tr>{''.join(rows)}</table>"
    )


def _variables(
    population: Population,
    scale: Scale,
    frame: pd.DataFrame,
    waves: list[str],
    limit: int,
    words: Words,
) -> Iterator[tuple[tuple[str, str], _Described, str]]:
    """Yield every item of a scale and the scale itself, by wave, with what was answered."""
    labels = value_labels(population, words.locale)
    texts = variable_labels(population, words.locale)
    for name in (*scale.items, scale.name):
        item = scale.items.get(name)
        for wave in (wave for wave in waves if wave in scale.waves):
            text = texts[name].removesuffix(" (reversed)")
            earlier = [e for e in (item.earlier if item else ()) if wave in e.waves]
            if earlier:
                text = earlier[0].text.get(words.locale) or next(iter(earlier[0].text.values()))
            if item and item.reversed:
                text += f" ({words.text('reversed')})"
            part = frame[frame[names.WAVE] == wave]
            if scale.roles and names.ROLE in part:
                part = part[part[names.ROLE].isin(scale.roles)]
            options = labels.get(name, {})
            yield (name, text), _described(part[name], options, limit, words), wave


def _described(values: pd.Series, options: dict[int, str], limit: int, words: Words) -> _Described:
    scores = values.dropna().to_numpy(dtype=float)
    n, lost = len(scores), len(values) - len(scores)
    if n < max(limit, 2):
        return _Described(ABSENT, ABSENT, ABSENT, ABSENT, [])
    shares = []
    if options:
        edges = np.arange(min(options), max(options) + 2) - 0.5
        for low, high, _, share in safe_bins(scores, edges, limit).itertuples(index=False):
            within = [text for value, text in options.items() if low < value < high]
            shares.append((" / ".join(within), float(share)))
    return _Described(
        words.count(n),
        words.count(lost) if lost == 0 or lost >= limit else f"&lt; {limit}",
        words.number(scores.mean()),
        words.number(scores.std(ddof=1)),
        shares,
    )


def _row(first: tuple[str, str], described: _Described, wave: str, words: Words) -> str:
    name, text = (html.escape(part) for part in first)
    bars = "<br>".join(
        f'<span class="bar" style="width:{share * 8:.2f}em"></span>'
        f"{html.escape(words.percent(share))} {html.escape(label)}"
        for label, share in described.shares
    )
    cells = "".join(
        f'<td class="n">{cell}</td>'
        for cell in (described.n, described.missing, described.mean, described.sd)
    )
    return (
        f"<tr><td><code>{name}</code></td><td>{text}</td>"
        f"<td>{html.escape(wave_label(wave, words))}</td>{cells}<td class='shares'>{bars}</td></tr>"
    )


def _workbook(study: Study, frames: dict[str, pd.DataFrame], words: Words, target: Path) -> Path:
    _ = words.text
    who, variable, scale_head, wave_head = _("Population"), _("Variable"), _("Scale"), _("Wave")
    found_heads = ("n", _("missing"), _("mean"), _("SD"))
    variables = [[who, variable, _("Wording"), scale_head, wave_head, *found_heads]]
    values = [[who, variable, _("Value"), _("Label"), _("reversed")]]
    scales = [[who, scale_head, _("Label"), _("Question"), _("Items"), _("Needed")]]
    limit = LIMITS[study.disclosure]
    for name, population in study.populations.items():
        waves = [wave for wave in study.waves if wave in population.files]
        for scale in population.instrument.scales.values():
            label = scale.label.get(words.locale) or next(iter(scale.label.values()))
            row = [name, scale.name, label, scale.question or "", len(scale.items), scale.needed]
            scales.append(row)
            for (variable, text), found, wave in _variables(
                population, scale, frames[name], waves, limit, words
            ):
                cells = (found.n, found.missing.replace("&lt;", "<"), found.mean, found.sd)
                variables.append([name, variable, text, scale.name, wave, *cells])
        for variable, options in value_labels(population, words.locale).items():
            turned = population.instrument.items[variable][1].reversed
            values += [[name, variable, v, text, int(turned)] for v, text in options.items()]
    with workbook(target) as book:
        bold = book.add_format({"bold": True})
        for sheet_name, rows in (("variables", variables), ("values", values), ("scales", scales)):
            sheet = book.add_worksheet(sheet_name)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row, None if number else bold)
            for place, cells in enumerate(zip(*rows, strict=True)):
                widest = max(len(str(cell)) for cell in cells)
                sheet.set_column(place, place, min(max(widest + 2, 8), 70))
    return target
