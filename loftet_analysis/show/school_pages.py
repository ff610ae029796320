"""A page for each school's leader: the own school beside region and country, in plain language.

Pages are made from gated rows of all schools through one template. Each holds all that it needs, so
that it can be sent to one school; it names no other school and links to nothing.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any
from urllib.parse import quote

import pandas as pd
from lxml import etree
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from loftet_analysis import names, schema
from loftet_analysis.analysis.response import answered_class
from loftet_analysis.analysis.school_effects import school_effects, school_levels
from loftet_analysis.disclosure.gate import Gated, gate
from loftet_analysis.disclosure.mask import LIMITS, NEVER_BY_SCHOOL, SMALL, for_schools
from loftet_analysis.schema import Row
from loftet_analysis.show import word
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import Words, joined, label, reader
from loftet_analysis.show.layout import laid_out
from loftet_analysis.show.session import OpenStudy, kept_results
from loftet_analysis.show.site import ASSETS

#: What may be seen, whatever the study's own profile.
PROFILE = "school"
_BLUE, _ORANGE, _GREY = "#01608f", "#b8500b", "#5c5c5c"
_WIDE, _EDGE, _ROW = 340, 14, 54  # of the figure, in its own units
_FIGURE = "means"  # its id
_POINTS, _FINER = 2, 3  # pixels for a unit of its PNG, and how much finer it is drawn
_INCHES = 4.4  # wide, on paper


@dataclass(frozen=True)
class Told:
    """What may be told of schools: gated rows by school or place, and by population and outcome.

    Attributes
    ----------
    levels : dict
        Rows of `school_levels` by region, school (empty: the region or the country), population,
        outcome and wave.
    changes : dict
        Rows of `school_effects`, and of effects for regions and the country, by region, school,
        population and outcome; `change` in scale points.
    response : dict of str to list
        Rows of ``schema.RESPONSE`` by school, with `answered` in classes.
    """

    levels: Mapping[tuple[str, ...], Row] = field(default_factory=dict)
    changes: Mapping[tuple[str, ...], Row] = field(default_factory=dict)
    response: Mapping[str, Sequence[Row]] = field(default_factory=dict)


def asked_by_school(populations: Sequence[str]) -> tuple[str, ...]:
    """Return the populations of whom something may be told by school, pupils first."""
    return tuple(n for n in names.POPULATIONS if n in populations and n not in NEVER_BY_SCHOOL)


def told(study: OpenStudy) -> Told:
    """Return what may be told of every school of a study, and of regions and country beside it.

    Parameters
    ----------
    study : OpenStudy
        Of all regions. Its clean data are read, and what the notebooks kept of effects.
    """
    description = study.description
    asked = {name: study[name] for name in asked_by_school(study.populations)}
    asked = {name: each for name, each in asked.items() if each.scales}
    clean = {name: study.read(name, items=False) for name in asked}
    published = study.table("disclosure", population=list(asked))
    response = _gated_response(study)
    if not asked:
        return Told(response=response)
    mask = for_schools(description, clean, published)
    ci_level = description.analysis.ci_level
    levels = [school_levels(clean[name], asked[name], ci_level=ci_level) for name in asked]
    levels = pd.concat(levels, ignore_index=True)
    # of regions and country what their own pages say, and no finer
    beside = max(PROFILE, description.disclosure, key=LIMITS.__getitem__)
    of_school = levels[names.SCHOOL] != ""
    keys = [names.REGION, names.SCHOOL, names.POPULATION, names.OUTCOME, names.WAVE]
    by_level = _by(gate(levels[of_school], mask, PROFILE), keys)
    by_level |= _by(gate(levels[~of_school], mask, beside), keys)
    return Told(by_level, _changes(study, clean, mask, beside), response)


def _by(frame: Gated, keys: Sequence[str]) -> dict[tuple[str, ...], Row]:
    return {tuple(row[key] for key in keys): row for row in frame.to_dict("records")}


def _changes(
    study: OpenStudy, clean: Mapping[str, pd.DataFrame], mask: pd.DataFrame, beside: str
) -> dict[tuple[str, ...], Row]:
    """Return the changes of pupils, which are those of the same grades, in scale points.

    Of the few teachers of a school the levels are all that is told.
    """
    if "pupils" not in clean:
        return {}
    keys = [names.REGION, names.SCHOOL, names.POPULATION, names.OUTCOME]
    pupils, plan = clean["pupils"], study.plan("pupils")
    of_region = [
        school_effects(part, plan.assign(region=region))
        for region, part in pupils.groupby(names.REGION, sort=True)
    ]
    changes: dict[tuple[str, ...], Row] = {}
    if of_region:
        schools = gate(pd.concat(of_region, ignore_index=True), mask, PROFILE)
        ends = {"change": "estimate", "change_ci_low": "ci_low", "change_ci_high": "ci_high"}
        for key, row in _by(schools, keys).items():
            points = {name: row[end] * row["sd_unit"] for name, end in ends.items()}
            changes[key] = {**row, **points}
    places = [*study.description.regions[names.REGION], names.NATIONAL]
    kept = kept_results(study.description.name, "effects", places, "pupils")
    if kept is not None:
        wanted = kept[names.ESTIMAND].eq("school_change") & kept[names.SUBGROUP].eq(names.ALL)
        wanted &= kept["contrast"].eq("post - pre")
        changes |= _by(gate(kept[wanted], mask, beside), keys)
    return changes


def _gated_response(study: OpenStudy) -> dict[str, list[Row]]:
    rows = study.table("response", subgroup=[names.ALL])
    rows = rows[rows[names.POPULATION].isin(asked_by_school(study.populations))]
    answered = answered_class(rows["n_answered"], rows["n_invited"])
    # fewer than the limit are told as that, whichever multiple of it is nearest
    enough = rows["n_answered"].where(rows["n_answered"].ge(LIMITS[PROFILE]).fillna(False), 0)
    counts = rows[list(schema.RESPONSE)].assign(answered=answered, n_answered=enough)
    shown = gate(counts, pd.DataFrame(columns=list(schema.MASK)), PROFILE)
    return {school: rows.to_dict("records") for school, rows in shown.groupby(names.SCHOOL)}


def pages(study: OpenStudy, found: Told, language: str) -> Iterator[tuple[str, bytes]]:
    """Yield every school's page in one language by its file's name, and the same as Word.

    Parameters
    ----------
    study : OpenStudy
    found : Told
    language : str
    """
    description = study.description
    words = reader(description, language)
    template = Template((ASSETS / "school.html").read_text(encoding="utf-8"))
    style = (ASSETS / "loftet.css").read_text(encoding="utf-8")
    scales = [
        (name, outcome, [wave for wave in names.WAVES if wave in scale.waves])
        for name in asked_by_school(study.populations)
        for outcome, scale in study[name].scales.items()
    ]
    for school in description.schools.to_dict("records"):
        number, region = school[names.SCHOOL], school[names.REGION]
        page = _Page(words, found, scales, region, number)
        parts = page.parts(description.text(description.title, words.locale))
        text, name = template.substitute(parts, style=style), quote(number, safe="")
        yield f"{name}.html", text.encode()
        svg = parts["figure"].partition("<svg")[2].partition("</svg>")[0]
        pictures = {_FIGURE: _as_png(f"<svg{svg}</svg>")} if svg else {}
        yield f"{name}.docx", word.document(text, pictures)


@dataclass(frozen=True)
class _Page:
    """The page of one school in one language."""

    words: Words
    found: Told
    scales: Sequence[tuple[str, str, list[str]]]
    region: str
    school: str

    def parts(self, title: str) -> dict[str, str]:
        """Return what fills the template, safe as HTML."""
        _ = self.words.text
        name, place = self.words.schools[self.school], self.words.region(self.region)
        said = {
            "language": self.words.locale,
            "title": f"{name} – {title}",
            "place": f"{title} · {place}",
            "school": name,
            "lead": self._lead(),
            "response_heading": _("Who answered"),
            "talk_heading": _("Talking about it with the staff"),
            "reading_heading": _("How to read this"),
        }
        safe = {key: html.escape(text) for key, text in said.items()}
        safe["response"] = _items(self._response())
        safe |= {key: _items(self._list(f"school_{key}")) for key in ("talk", "reading")}
        safe["answers"] = self._answers()
        table = self._table()
        safe["numbers"] = f"<h2>{html.escape(_('The numbers'))}</h2>\n{table}" if table else ""
        caption = _(
            "Means of the latest survey, each on the scale of its answers. The line through your "
            "school's mark is its interval."
        )
        caption = f"<figcaption>{html.escape(caption)}</figcaption>"
        called = f'id="{_FIGURE}" aria-label="{html.escape(_("Means of the latest survey"))}"'
        safe["figure"] = f"<figure {called}>{self._figure()}{caption}</figure>" if table else ""
        return safe

    def level(self, population: str, outcome: str, wave: str, *, place: str = "") -> Row:
        """Return the mean of a wave: the school's, or that of a region or the country."""
        at = (place, "") if place else (self.region, self.school)
        return self.found.levels.get((*at, population, outcome, wave), {})

    def change(self, population: str, outcome: str, *, place: str = "") -> Row:
        """Return a change, likewise."""
        at = (place, "") if place else (self.region, self.school)
        return self.found.changes.get((*at, population, outcome), {})

    def latest(self, population: str, outcome: str, waves: Sequence[str]) -> str:
        """Return the last wave of which anything is known of the country, or none."""
        known = (self.level(population, outcome, wave, place=names.NATIONAL) for wave in waves)
        return next((wave for wave, row in reversed([*zip(waves, known, strict=True)]) if row), "")

    def _shown(self) -> list[tuple[str, str, Row]]:
        """Return the latest level of each scale that may be told of the school."""
        rows = [
            (name, outcome, self.level(name, outcome, self.latest(name, outcome, waves)))
            for name, outcome, waves in self.scales
        ]
        return [each for each in rows if _is_told(each[2])]

    def _lead(self) -> str:
        """Return in a sentence or two what the pupils answered and whether it changed."""
        _, shown = self.words.text, self._shown()
        pupils = [(outcome, row) for name, outcome, row in shown if name == "pupils"]
        if not pupils:
            return self._why_little()
        above = [
            outcome for outcome, row in pupils if row["change"] > self._middle("pupils", outcome)
        ]
        n = len(pupils)
        first = self.words.plural(
            "Your pupils' mean lies above the middle of the answers on {above} of {n} scale.",
            "Your pupils' mean lies above the middle of the answers on {above} of {n} scales.",
            n,
            above=self.words.count(len(above)),
        )
        changes = {outcome: self.change("pupils", outcome) for outcome, _row in pupils}
        known = {
            outcome: row
            for outcome, row in changes.items()
            if _is_told(row) and not pd.isna(row["change_ci_low"])
        }
        if not known:
            return f"{first} {_('Whether this has changed cannot be told.')}"
        up = [outcome for outcome, row in known.items() if row["change_ci_low"] > 0]
        down = [outcome for outcome, row in known.items() if row["change_ci_high"] < 0]
        named = {
            way: joined([self.words.outcome("pupils", each) for each in some], self.words)
            for way, some in (("up", up), ("down", down))
        }
        if up and down:
            second = _(
                "Since the first survey, pupils in the same grades have come to answer higher on: "
                "{up}; and lower on: {down}.",
                **named,
            )
        elif up:
            second = _(
                "Since the first survey, pupils in the same grades have come to answer higher on: "
                "{up}.",
                **named,
            )
        elif down:
            second = _(
                "Since the first survey, pupils in the same grades have come to answer lower on: "
                "{down}.",
                **named,
            )
        else:
            return f"{first} {_('No change since the first survey can be told from chance.')}"
        if len(known) > len(up) + len(down):
            second += f" {_('On the other scales a change cannot be told from chance.')}"
        if len(known) > 3 > len(up) + len(down):
            second += f" {_('Among so many scales, one may stand out by chance alone.')}"
        return f"{first} {second}"

    def _middle(self, population: str, outcome: str) -> float:
        answers = self.words.answers[population, outcome]
        return (answers.minimum + answers.maximum) / 2

    def _why_little(self) -> str:
        """Return why nothing is told of the school's pupils."""
        _ = self.words.text
        there = [
            row
            for name, outcome, waves in self.scales
            if name == "pupils"
            and (row := self.level(name, outcome, self.latest(name, outcome, waves)))
        ]
        limit = self.words.count(LIMITS[PROFILE])
        if any(self.latest(*scale) for scale in self.scales) and not there:
            why = _("none of them has answered")
        elif not there:
            why = _("no survey is closed yet")
        elif all(row["reason"] == SMALL for row in there):
            why = _("fewer than {limit} of them answered", limit=limit)
        else:
            why = _(
                "the answers of a few of them, or of people at another school, could be inferred"
            )
        return _("What your pupils answered is not shown, since {why}.", why=why)

    def _answers(self) -> str:
        """Return a sentence or two on each scale that is told of the school."""
        items = "".join(
            f"<li><strong>{html.escape(self.words.outcome(name, outcome))}</strong>"
            f"{html.escape(self._whose(name))}: {html.escape(self._sentence(name, outcome, row))}"
            "</li>"
            for name, outcome, row in self._shown()
        )
        return f'<ul class="reading">{items}</ul>' if items else ""

    def _whose(self, population: str) -> str:
        return "" if population == "pupils" else f" ({label('population', population, self.words)})"

    def _sentence(self, population: str, outcome: str, row: Row) -> str:
        _, number = self.words.text, self.words.number
        answers = self.words.answers[population, outcome]
        told = [
            _(
                "mean {mean} on the scale from {minimum} ({low}) to {maximum} ({high}).",
                mean=number(row["change"]), minimum=self.words.plain(answers.minimum),
                maximum=self.words.plain(answers.maximum), low=answers.low, high=answers.high,
            )
        ]  # fmt: skip
        beside = self.level(population, outcome, row[names.WAVE], place=self.region)
        if _is_told(beside) and not pd.isna(row["change_ci_low"]):
            place, mean = self.words.region(self.region), number(beside["change"])
            if row["change_ci_low"] > beside["change"]:
                text = _("That is higher than in {region} ({mean}).", region=place, mean=mean)
            elif row["change_ci_high"] < beside["change"]:
                text = _("That is lower than in {region} ({mean}).", region=place, mean=mean)
            else:
                text = _(
                    "A difference from {region} ({mean}) cannot be told from chance.",
                    region=place, mean=mean,
                )  # fmt: skip
            told.append(text)
        change = self.change(population, outcome)
        if change:
            told.append(self._of_change(change))
        return " ".join(told)

    def _of_change(self, row: Row) -> str:
        _ = self.words.text
        if row.get("suppressed") or (_is_told(row) and pd.isna(row["change_ci_low"])):
            return _("The change is suppressed (confidentiality).")
        if not _is_told(row):
            why = label("reason", row["reason"] or "not_estimable", self.words)
            return _("A change is not computed, since {why}.", why=why)
        told = {
            "size": self.words.number(abs(row["change"])),
            "low": self.words.number(row["change_ci_low"]),
            "high": self.words.number(row["change_ci_high"]),
        }
        if row["change_ci_low"] > 0:
            return _(
                "Pupils in the same grades answer {size} points higher than before (interval {low} "
                "to {high}).", **told,
            )  # fmt: skip
        if row["change_ci_high"] < 0:
            return _(
                "Pupils in the same grades answer {size} points lower than before (interval {low} "
                "to {high}).", **told,
            )  # fmt: skip
        return _(
            "Whether pupils in the same grades answer differently than before cannot be told "
            "from chance (interval {low} to {high}).", low=told["low"], high=told["high"],
        )  # fmt: skip

    def _figure(self) -> str:
        """Return the latest means as an SVG, school beside region and country."""
        whose = self.scales[0][0]  # pupils, where they are asked
        rows = [
            (name, outcome, wave)
            for name, outcome, waves in self.scales
            if name == whose and (wave := self.latest(name, outcome, waves))
        ]
        lines = [self._line(*row, 8 + line * _ROW) for line, row in enumerate(rows)]
        marks, told = ([each[part] for each in lines] for part in (0, 1))
        below = 8 + len(rows) * _ROW + 10
        legend = (
            ("circle", self.words.text("your school")),
            ("square", self.words.region(self.region)),
            ("diamond", self.words.text("All regions")),
        )
        for line, (shape, text) in enumerate(legend):
            y = below + 20 * line
            marks.append(_mark(shape, _EDGE, y) + _text(_EDGE + 14, y + 4, text))
        alt = html.escape(" ".join(told), quote=True)
        high = below + 20 * len(legend)
        return (
            f'<svg role="img" aria-label="{alt}" viewBox="0 0 {_WIDE} {high}" width="100%" '
            f'style="max-width:560px" xmlns="http://www.w3.org/2000/svg" '
            f'font-family="inherit" font-size="13">{"".join(marks)}</svg>'
        )

    def _line(self, population: str, outcome: str, wave: str, y: float) -> tuple[str, str]:
        """Return the marks of one scale, and the same in words."""
        words, answers = self.words, self.words.answers[population, outcome]
        width = answers.maximum - answers.minimum

        def x(value: float) -> float:
            inside = min(max(value, answers.minimum), answers.maximum)
            return round(_EDGE + (inside - answers.minimum) / width * (_WIDE - 2 * _EDGE), 1)

        name, at = words.outcome(population, outcome) + self._whose(population), y + 27
        ends = (answers.minimum, answers.maximum)
        drawn = [
            _text(_EDGE - 6, y + 10, name),
            f'<path d="M{_EDGE} {at}H{_WIDE - _EDGE}" stroke="#c8c8c8"/>',
            *(
                _text(x(end), at + 14, words.plain(end), size=11, anchor=anchor)
                for end, anchor in zip(ends, ("start", "end"), strict=True)
            ),
        ]
        own = self.level(population, outcome, wave)
        told: list[str] = []
        for shape, place in (("diamond", names.NATIONAL), ("square", self.region)):
            row = self.level(population, outcome, wave, place=place)
            if _is_told(row):
                drawn.append(_mark(shape, x(row["change"]), at))
                told.insert(0, f"{words.region(place)} {words.number(row['change'])}")
        if _is_told(own):
            mean = f"{words.text('your school')} {words.number(own['change'])}"
            if not pd.isna(own["change_ci_low"]):
                low, high = own["change_ci_low"], own["change_ci_high"]
                drawn.append(
                    f'<path d="M{x(low)} {at}H{x(high)}" stroke="{_BLUE}" stroke-width="3"/>'
                )
                mean += f" ({words.interval(low, high)})"
            drawn.append(_mark("circle", x(own["change"]), at))
            told.insert(0, mean)
        return "".join(drawn), f"{name}: {', '.join(told)}."

    def _table(self) -> str:
        """Return the numbers of each scale, school beside region and country, wave by wave."""
        _, words = self.words.text, self.words
        places = {"": _("your school"), self.region: words.region(self.region)}
        places[names.NATIONAL] = _("All regions")

        def beside(found: Callable[[Row, str], Row]) -> list[tuple]:
            """Return the columns: the school's number and interval, and the numbers beside it."""

            def number(place: str) -> Callable[[Row], str | None]:
                def text(row: Row) -> str | None:
                    shown = found(row, place)
                    return words.number(shown["change"]) if _is_told(shown) else None

                return text

            def interval(row: Row) -> str | None:
                own = found(row, "")
                if not _is_told(own):
                    return None
                return words.interval(own["change_ci_low"], own["change_ci_high"]) or None

            own, *others = [(name, number(place)) for place, name in places.items()]
            return [own, (_("interval"), interval), *others]

        def level(row: Row, place: str) -> Row:
            return self.level(row["population"], row["outcome"], row["wave"], place=place)

        def change(row: Row, place: str) -> Row:
            return self.change(row["population"], row["outcome"], place=place)

        def outcome(row: Row) -> str:
            return words.outcome(row["population"], row["outcome"])

        asked: list[dict[str, Any]] = [
            {"population": name, "outcome": outcome, "wave": wave}
            for name, outcome, waves in self.scales
            for wave in waves
            if self.level(name, outcome, wave, place=names.NATIONAL)
            and (name == "pupils" or _is_told(self.level(name, outcome, wave)))
        ]
        if not asked:
            return ""
        for row in asked:
            row["suppressed"] = not all(_is_told(level(row, place)) for place in places)
        levels = laid_out(
            asked, beside(level), words, _("Means on each scale"),
            line=lambda row: label("wave", row["wave"], words).capitalize(),
            group=lambda row: outcome(row) + self._whose(row["population"]),
        ).html  # fmt: skip
        changed = [
            {"population": name, "outcome": outcome, "suppressed": bool(own.get("suppressed"))}
            for name, outcome, _waves in self.scales
            if (own := self.change(name, outcome))
        ]
        if not changed:
            return levels
        notes = [_("Region and country: the mean of their schools, each counted once.")]
        caption = _("Change of pupils in the same grades, in points of the scale")
        return levels + laid_out(changed, beside(change), words, caption, notes, line=outcome).html

    def _response(self) -> list[str]:
        """Return who answered, rounded; of few, and of teachers, in classes."""
        _, told = self.words.text, []
        limit = LIMITS[PROFILE]
        for row in self.found.response.get(self.school, ()):
            about = {
                "who": label("population", row[names.POPULATION], self.words),
                "wave": label("wave", row[names.WAVE], self.words),
            }
            n, invited = row["n_answered"], row["n_invited"]
            if row[names.POPULATION] != "pupils" or pd.isna(n):
                if row["answered"]:
                    share = label("answered", row["answered"], self.words)
                    told.append(_("{who}, {wave}: {share} of the invited.", share=share, **about))
                continue
            about |= {"n": self.words.count(n), "limit": self.words.count(limit)}
            if n < limit:
                told.append(_("{who}, {wave}: fewer than {limit}.", **about))
            elif pd.isna(invited) or invited < n:
                told.append(_("{who}, {wave}: about {n}.", **about))
            else:
                of = self.words.count(invited)
                told.append(_("{who}, {wave}: about {n} of about {invited}.", invited=of, **about))
        # the share of few invited is not told, nor of whom nobody knows how many they are
        return told or [_("The register does not say how many were invited.")]

    def _list(self, kind: str) -> list[str]:
        limit = self.words.count(LIMITS[PROFILE])
        return [label(kind, code, self.words, limit=limit) for code in LABELS[kind]]


def _is_told(row: Row) -> bool:
    """Whether a gated row has its number."""
    return bool(row) and not row.get("suppressed") and not pd.isna(row["change"])


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{html.escape(line)}</li>" for line in lines)


def _text(x: float, y: float, text: str, *, size: int = 13, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="#222">'
        f"{html.escape(text)}</text>"
    )


def _mark(shape: str, x: float, y: float) -> str:
    """Return a mark that is known by its shape as well as by its colour."""
    if shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="6" fill="{_BLUE}" stroke="#fff"/>'
    if shape == "square":
        return (
            f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="none" '
            f'stroke="{_ORANGE}" stroke-width="2"/>'
        )
    return (
        f'<path d="M{x:.1f} {y - 7:.1f}l6 7l-6 7l-6 -7z" fill="none" stroke="{_GREY}" '
        'stroke-width="2"/>'
    )


def _as_png(svg: str) -> bytes:
    """Return the figure of a page as PNG, of the shapes that are drawn above and no others."""
    drawing = etree.fromstring(svg)
    units = [float(each) for each in drawing.get("viewBox").split()[2:]]
    scale = _POINTS * _FINER
    image = Image.new("RGB", [round(each * scale) for each in units], "white")
    pen, face = ImageDraw.Draw(image), findfont("DejaVu Sans")

    def places(*values: float) -> list[float]:
        return [value * scale for value in values]

    for shape in drawing:
        kind, ink = shape.tag.rpartition("}")[2], shape.get("stroke")
        thick = round(float(shape.get("stroke-width") or 1) * scale)
        at = {key: float(shape.get(key)) for key in ("x", "y", "cx", "cy", "r") if shape.get(key)}
        if kind == "text":
            font = ImageFont.truetype(face, round(float(shape.get("font-size")) * 0.92 * scale))
            anchor = "rs" if shape.get("text-anchor") == "end" else "ls"
            x, y = places(at["x"], at["y"])
            pen.text((x, y), shape.text, shape.get("fill"), font, anchor)
        elif kind == "circle":
            x, y, r = at["cx"], at["cy"], at["r"]
            pen.ellipse(places(x - r, y - r, x + r, y + r), shape.get("fill"), "white", thick)
        elif kind == "rect":
            ends = (at["x"], at["y"], at["x"] + 10, at["y"] + 10)
            pen.rectangle(places(*ends), outline=ink, width=thick)
        else:
            x, y, *more = map(float, re.findall(r"-?[\d.]+", shape.get("d")))
            path = [(x, y), (more[0], y)]
            if "l" in shape.get("d"):  # a diamond, step by step
                steps = [*zip(more[::2], more[1::2], strict=True)]
                path = [(x, y), *((x := x + dx, y := y + dy) for dx, dy in steps), path[0]]
            pen.line([tuple(places(*point)) for point in path], ink, thick, joint="curve")
    image = image.reduce(_FINER)
    content = io.BytesIO()
    image.save(content, "PNG", dpi=(image.width / _INCHES,) * 2)
    return word.slim(content.getvalue())
