"""An open study: what a notebook reads, shows and keeps, for one region in some languages."""

from __future__ import annotations

import hashlib
import html
import inspect
import json
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib.metadata import version
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loftet_analysis import names, paths, schema
from loftet_analysis.analysis.measurement import (
    UNKNOWN,
    differing_scales,
    light,
    measurement_warnings,
    reworded_items,
)
from loftet_analysis.analysis.response import answered_class, totals
from loftet_analysis.analysis.verdicts import verdicts
from loftet_analysis.cleaning import plan_record, store
from loftet_analysis.cleaning.account import taken_out
from loftet_analysis.cleaning.sheets import BLANK, OPEN_WAVE
from loftet_analysis.cleaning.units import TOTAL, WITHIN_ROLE
from loftet_analysis.disclosure import gate as _gate
from loftet_analysis.disclosure.gate import Gated, passed
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.errors import DisclosureError, InputError, Problem, refuse_any
from loftet_analysis.estimands import names_where, waves_of
from loftet_analysis.show import declared, tables
from loftet_analysis.show.figures import STYLE, WIDTH, Drawing, saved, saved_for_phone
from loftet_analysis.show.labels import LABELS
from loftet_analysis.show.languages import PSEUDO, Words, joined, label, reader
from loftet_analysis.show.layout import Table
from loftet_analysis.show.numbers import as_csv
from loftet_analysis.show.sentences import heading, in_sentence
from loftet_analysis.show.shown import KEPT, Drawn, Shown, line
from loftet_analysis.study import (
    CLOSED,
    OPEN,
    TO_COME,
    Study,
    closed_part,
    load_study,
    main_changes,
    main_estimands,
    plan,
)
from loftet_analysis.study.questionnaire import Questionnaire, questionnaire

_MADE_WITH = ("loftet-analysis", "pandas", "numpy", "scipy", "pingouin", "matplotlib")
_NAME = re.compile(r"[a-z0-9_]+")
#: What is noted as read where a notebook gates groups that study.yml does not declare.
OWN_GROUPS = "groups of one's own"
#: What `for_pooling` takes of a region's row from the gate.
_TOLD_OF_REGIONS = ("suppressed", "reason", "estimate", "se")
_OPENED: list[OpenStudy] = []


@dataclass(frozen=True)
class OpenStudy:
    """A study opened for one region, or for all of them.

    Attributes
    ----------
    description : Study
        What study.yml, the register and the instruments say, as far as waves are closed: exports
        and scales of later ones are not in it.
    region : str
        A slug, or ``national``.
    readers : tuple of Words
        The languages that results are shown in, each with the names of outcomes and regions.
    waves : DataFrame
        ``schema.WAVES`` of the region: the state of each wave, *closed*, *open* or *to_come*, and
        its newest answer. Empty before anything is cleaned.
    """

    description: Study
    region: str
    readers: tuple[Words, ...]
    waves: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    _read: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    _reads: list[tuple[str, dict]] = field(default_factory=list, repr=False, compare=False)
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    _names: list[str] = field(default_factory=list, repr=False, compare=False)
    # by language: notes of tables and captions, each with the one that said it first
    _said: dict[str, dict[str, str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def populations(self) -> tuple[str, ...]:
        """The populations that the study asks."""
        return tuple(self.description.populations)

    @property
    def words(self) -> Words:
        """The first language."""
        return self.readers[0]

    def __getitem__(self, population: str) -> Questionnaire:
        """Return what the study asks a population; verbs on clean frames take it."""
        limit = LIMITS[self.description.disclosure]
        return questionnaire(self.description, population, self.region, limit)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return self.place()._repr_mimebundle_()

    def place(self) -> Shown:
        """Return the study's title, its region, and what is still to come there."""
        drawn = {}
        for words in self.readers:
            title = self.description.text(self.description.title, words.locale)
            place = line(f"{title} · {words.region(self.region)}", kind="place")
            texts = [*self._phase(words), *self._nobody(words)]
            said = [place, *(line(text, kind="place phase") for text in texts)]
            whole = "".join(each.html for each in said)
            drawn[words.language] = Drawn(whole, "\n".join([place.text, *texts]))
        return Shown(drawn)

    def _in_state(self, state: str) -> list[str]:
        """Return the waves in which somebody is in a state, and nobody is further."""
        order = (TO_COME, OPEN, CLOSED)
        found: dict[str, str] = {}
        for wave, its in zip(
            self.waves.get(names.WAVE, ()), self.waves.get("state", ()), strict=True
        ):
            found[wave] = max(its, found.get(wave, its), key=order.index)
        return [wave for wave in names.WAVES if found.get(wave) == state]

    def _phase(self, words: Words) -> Iterator[str]:
        """Yield a sentence on each wave that is open, and one on those that are still to come."""
        for wave in self._in_state(OPEN):
            newest = self.waves.loc[self.waves[names.WAVE] == wave, "newest_answer"].max()
            if newest:
                yield words.text(
                    "Answers “{wave}” are still coming in. They are counted as of {date}, the day "
                    "of the newest answer; what was answered is shown when the wave is closed.",
                    wave=label("wave", wave, words),
                    date=words.date(date.fromisoformat(newest)),
                )
            else:
                yield words.text(
                    "Answers “{wave}” are still coming in. They are counted; what was answered is "
                    "shown when the wave is closed.",
                    wave=label("wave", wave, words),
                )
        for wave in self._in_state(TO_COME):
            yield words.text(
                "Answers “{wave}” are still to come, and with them what they are needed for.",
                wave=label("wave", wave, words),
            )
        if names.COHORT in self.waves:
            yield from self._behind(words)

    def _behind(self, words: Words) -> Iterator[str]:
        """Yield a sentence on each wave that is closed for some of the cohorts here alone."""
        for wave in names.WAVES:
            rows = self.waves[self.waves[names.WAVE] == wave]
            closed = rows.loc[rows["state"] == CLOSED, names.COHORT].unique()
            others = [each for each in rows[names.COHORT].unique() if each not in closed]
            if len(closed) and others:
                there, waiting = (
                    joined([label("subgroup", f"{names.COHORT}={c}", words) for c in some], words)
                    for some in (closed, others)
                )
                yield words.text(
                    "Answers “{wave}” have been collected from {there}; those of {waiting} are "
                    "still to come. What rests on them is about {there} alone.",
                    wave=label("wave", wave, words),
                    there=there,
                    waiting=waiting,
                )

    def read(self, population: str, *, items: bool = True, optional: bool = False) -> pd.DataFrame:
        """Return the clean frame of a population: this region's, or everybody's.

        Parameters
        ----------
        population : str
            One that the study does not ask gives an empty frame, and so do all results from it.
        items : bool, default True
            Whether also the answers to single items are read; changes of scales do without them,
            and they are most of the data.
        optional : bool, default False
            Whether the frame is empty where there are no clean data yet.

        Returns
        -------
        DataFrame
            One row per respondent and wave; `describe` says what its columns mean.

        Raises
        ------
        InputError
            Where there are no clean data yet; it names the command that makes them.
        """
        if population not in self.description.populations:
            return pd.DataFrame(columns=[names.WAVE, names.REGION])
        region = None if self.region == names.NATIONAL else self.region
        without = () if items else self.description.populations[population].instrument.items
        self._note(population, {} if region is None else {names.REGION: [region]})
        if optional and not store.is_there(self.description.name):
            return pd.DataFrame(columns=[names.WAVE, names.REGION])
        frame = store.read(self.description.name, population, region=region, without=without)
        self._read[population] = frame
        if self.description.comparison:
            outside = frame[names.SCHOOL].isin(list(self.description.comparison))
            frame = frame.assign(comparison=outside)
        frame.attrs.update(study=self.description.name, population=population)  # for `describe`
        return frame

    def plan(self, population: str) -> pd.DataFrame:
        """Return the estimates that were declared, and what is settled for their outcomes.

        Parameters
        ----------
        population : str

        Returns
        -------
        DataFrame
            A row per estimate in the order of study.yml and the instrument, as far as anybody here
            has answered (and could be linked, where it rests on links), without groups that nobody
            in the whole study belongs to: `population, outcome,
            question, estimand, contrast, subgroup, family, plan_role, drift, trend, flags`, see
            :func:`~loftet_analysis.study.plan.plan`; `region`, `ci_level`, `sesoi`, `years`
            (between the two waves); of the outcome `sd_unit` (SD of all answers before, in scale
            points), `sd_within_role`, `low_fifth`, `midpoint`, `alpha`, `measurement_warning`; and
            `unit_is_sample`, whether the SD is that of these very answers (national rows, and a
            region's where it is the whole study, which `flags` then say: ``whole_study``).
        """
        rows = plan(self.description)
        rows = rows[rows[names.POPULATION] == population].reset_index(drop=True)
        national = self.region == names.NATIONAL
        alone = not national and len(self.description.regions) == 1
        if not national:
            regional = ~rows[names.ESTIMAND].isin(names_where(national_only=True))
            rows = rows[regional].reset_index(drop=True)
        if population not in self.description.populations:
            return rows
        rows = _answerable(rows, self._answered(population))
        rows = rows[~self._of_no_cohort(rows) & ~self._of_no_group(rows, population)]
        rows = rows.reset_index(drop=True)
        units = self.table("units", population=[population])
        by_outcome = units.drop_duplicates(names.OUTCOME).set_index(names.OUTCOME)
        sds = units.pivot(index=names.OUTCOME, columns="unit", values="sd_unit")
        sds = sds.reindex(columns=[TOTAL, WITHIN_ROLE])
        outcome, whole = rows[names.OUTCOME], names.WHOLE_STUDY if alone else ""
        waves = rows["contrast"].map(waves_of)
        analysis = self.description.analysis
        warnings = self._warnings(population)
        return rows.assign(
            region=self.region,
            ci_level=analysis.ci_level,
            sesoi=analysis.sesoi,
            years=[self.description.years_between(population, w) for w in waves],
            sd_unit=outcome.map(sds[TOTAL]),
            sd_within_role=outcome.map(sds[WITHIN_ROLE]),
            **{c: outcome.map(by_outcome[c]) for c in ("low_fifth", "midpoint", "alpha")},
            measurement_warning=outcome.map(lambda name: warnings.get(name, UNKNOWN)),
            unit_is_sample=(national or alone) and len(self.description.cohorts) < 2,
            flags=rows["flags"].map(lambda told: ";".join(filter(None, [told, whole]))),
        )

    def main_estimands(self, population: str) -> tuple[str, ...]:
        """Return the comparisons that can stand for a change in short, best first.

        See :func:`~loftet_analysis.study.plan.main_estimands`.
        """
        return main_estimands(self.description, population)

    def main_changes(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the change that stands for each outcome in short.

        See :func:`~loftet_analysis.study.plan.main_changes`.
        """
        return main_changes(self.description, rows)

    def by_year(self, levels: pd.DataFrame) -> pd.DataFrame:
        """Return the levels of each cohort, with the year in which it was asked.

        A later cohort's first wave is the same year's picture of schools that have not begun.

        Parameters
        ----------
        levels : DataFrame
            Rows of `level`, from before the gate.

        Returns
        -------
        DataFrame
            The rows of cohorts, with `year` (text), by outcome, year and cohort, of what was asked
            before too; none where the study has fewer than two cohorts. Rows of a wave without
            dates are left out, since they are of no year.
        """
        study = self.description
        order = [f"{names.COHORT}={cohort}" for cohort in study.cohorts]
        rows = levels[levels[names.ESTIMAND].eq("level") & levels[names.SUBGROUP].isin(order)]
        asked = [names.POPULATION, names.OUTCOME]
        before = rows[names.WAVE].eq(names.PRE)
        rows = rows[before.groupby([rows[key] for key in asked]).transform("any").astype(bool)]
        dates = {
            (population, cohort): study.wave_dates(population, cohort)
            for population in self.populations
            for cohort in study.cohorts
        }
        keys = zip(rows[names.POPULATION], rows[names.SUBGROUP], rows[names.WAVE], strict=True)
        begun = [
            dates[population, group.partition("=")[2]][wave].start
            for population, group, wave in keys
        ]
        years = [str(day.year) if day else "" for day in begun]
        rows = rows.assign(year=pd.Series(years, rows.index, dtype="str"))
        rows = rows[rows["year"] != ""]
        rows = rows.assign(
            place=pd.factorize(rows[names.OUTCOME])[0],
            of=rows[names.SUBGROUP].map(order.index),
        )
        rows = rows.sort_values([names.POPULATION, "place", "year", "of"], kind="stable")
        return rows.drop(columns=["place", "of"]).reset_index(drop=True)

    def table(self, name: str, **where: Collection[str]) -> pd.DataFrame:
        """Return a table that was settled for the whole study when the data were cleaned.

        Parameters
        ----------
        name : {"ledger", "values", "linkage", "response", "waves", "days", "units", \
"invariance", "disclosure"}
        **where : collection of str
            Only rows with one of these values in the column of that name.

        Raises
        ------
        InputError
            Where there are no clean data yet, or no such table.
        """
        self._note(name, {column: sorted(set(values)) for column, values in where.items()})
        return store.read_table(self.description.name, name, **where)

    def response(self, *, schools: bool = False) -> pd.DataFrame:
        """Return how many were invited, answered and are linked, by population, wave and group.

        Parameters
        ----------
        schools : bool, default False
            Whether the schools are counted at each step, too.

        Returns
        -------
        DataFrame
            ``schema.RESPONSE`` with `n_schools`; see `analysis.response.totals`. Where the study
            asks for no consent `n_consented` is missing, and who answered is known by role too.
        """
        study = self.description
        rows = totals(self.table("response", **self._here), region=self.region, schools=schools)
        asked = {(name, wave) for name, of in study.populations.items() for wave in of.consent}
        places = zip(rows[names.POPULATION], rows[names.WAVE], strict=True)
        free = pd.Series([not study.withdrawn and each not in asked for each in places], dtype=bool)
        answered = rows["n_answered"].fillna(rows["n_consented"].where(free))
        consented = rows["n_consented"].mask(free)
        return rows.assign(n_answered=answered, n_consented=consented)

    def set_aside(self) -> pd.DataFrame:
        """Return how many questionnaires are not in the analysis, and why: ``schema.SET_ASIDE``.

        Questionnaires of schools that nobody knows are the country's only.
        """
        rows = self.table("ledger", **self._here)
        rows = rows[rows["n_set_aside"].gt(0) & rows[names.WAVE].ne("")]
        rows = rows[~rows["reason"].isin((BLANK, OPEN_WAVE))]
        keys = [column for column in schema.SET_ASIDE if column != "n_set_aside"]
        return rows.groupby(keys, sort=False)["n_set_aside"].sum().reset_index()

    def taken_out(self) -> pd.DataFrame:
        """Return how many single answers cleaning took out, and why: ``schema.TAKEN_OUT``.

        Of closed waves. Answers in which identifiers stood are the country's only, since they are
        replaced before anything else is looked at.
        """
        asked = self.description.populations.items()
        items = {name: population.instrument.columns for name, population in asked}
        rows = taken_out(self.table("values", **self._here), items)
        keys = [column for column in schema.TAKEN_OUT if column != "n_taken_out"]
        closed = [(name, wave) for name, population in asked for wave in population.files]
        rows = rows[pd.MultiIndex.from_frame(rows[keys[:2]]).isin(closed)]
        return rows.groupby(keys, sort=False)["n"].sum().rename("n_taken_out").reset_index()

    def response_by_school(self) -> pd.DataFrame:
        """Return the same school by school, where the register says who was invited.

        Returns
        -------
        DataFrame
            ``schema.RESPONSE`` with `answered`, how many of the invited did, in classes.
        """
        rows = self.table("response", subgroup=[names.ALL], **self._here)
        rows = rows[rows["n_invited"].notna()].reset_index(drop=True)
        return rows.assign(answered=answered_class(rows["n_answered"], rows["n_invited"]))

    def linkage(self) -> pd.DataFrame:
        """Return in which state each questionnaire's link is, and how many are: ``schema.LINKAGE``.

        Of a population of which one wave is closed there is no row: nobody can be linked yet.
        """
        rows = self.table("linkage", **self._here)
        asked = self.description.populations.items()
        several = [name for name, population in asked if len(population.files) > 1]
        rows = rows[rows[names.POPULATION].isin(several)].reset_index(drop=True)
        if self.region != names.NATIONAL:
            return rows
        keys = [names.POPULATION, names.WAVE, "state"]
        summed = rows.groupby(keys, sort=False)["n"].sum().reset_index()
        return summed.assign(region=names.NATIONAL)[list(schema.LINKAGE)]

    def days(self, population: str) -> pd.DataFrame:
        """Return on which day each questionnaire came in, also those of open waves.

        Parameters
        ----------
        population : str

        Returns
        -------
        DataFrame
            A row per questionnaire: `wave` and `submitted`, as far as the day is known.
        """
        rows = self.table("days", population=[population], **self._here)
        sheets = rows.loc[rows.index.repeat(rows["n"]), [names.WAVE, "day"]]
        sheets = sheets.assign(day=pd.to_datetime(sheets["day"]))
        return sheets.rename(columns={"day": names.SUBMITTED}).reset_index(drop=True)

    def invariance(self, *populations: str) -> pd.DataFrame:
        """Return whether the scales measure alike before and after: ``schema.INVARIANCE``.

        Parameters
        ----------
        *populations : str
            Only their scales; default: all.
        """
        where = {names.POPULATION: populations} if populations else {}
        return self.table("invariance", **where).assign(region=names.NATIONAL)

    def lights(self, *populations: str) -> pd.DataFrame:
        """Return how well each scale measures, settled for the whole study.

        Parameters
        ----------
        *populations : str
            Only their scales; default: all.

        Returns
        -------
        DataFrame
            ``population, outcome, question, wave, light, measurement_warning``; `wave` is the
            first in which it was asked.
        """
        rows = []
        for population in self.description.populations.values():
            if populations and population.name not in populations:
                continue
            warnings = self._warnings(population.name)
            for name, scale in population.instrument.scales.items():
                waves = [wave for wave in population.files if wave in scale.waves]
                if waves:
                    told = warnings.get(name, UNKNOWN)
                    row = (population.name, name, scale.question or "", waves[0])
                    rows.append((*row, light(told), told))
        columns = [names.POPULATION, names.OUTCOME, names.QUESTION, names.WAVE, "light"]
        return pd.DataFrame(rows, columns=[*columns, "measurement_warning"])

    def wordings(self) -> pd.DataFrame:
        """Return the items that were worded otherwise in a wave: ``population, of, item, wave``."""
        rows = reworded_items(self.description)
        return pd.DataFrame(rows, columns=[names.POPULATION, "of", "item", names.WAVE])

    def results(self, name: str, population: str, *, missing_ok: bool = False) -> pd.DataFrame:
        """Return what the regions' notebooks kept, in the order of the register.

        Parameters
        ----------
        name : str
            A table of ``schema.KEPT``.
        population : str
        missing_ok : bool, default False
            Whether to return no rows, and not to raise, where no region has been run.

        Returns
        -------
        DataFrame
            Exact rows of every region that has been run; effects have their verdicts anew, since
            p-values are adjusted over regions.

        Raises
        ------
        InputError
            Where no region has been run yet.
        """
        regions = list(self.description.regions[names.REGION])
        self._note("results", {"table": [name], names.POPULATION: [population]})
        rows = kept_results(self.description.name, name, regions, population)
        unknown = population not in self.description.populations
        if unknown or (rows is None and missing_ok):
            return pd.DataFrame(columns=list(schema.KEPT[name]))
        if rows is None:
            raise InputError(
                "no region has been run",
                found=f"no {name} of {population}",
                where=str(paths.clean(self.description.name) / "results"),
                todo=f"run: loftet run {self.description.name}",
            )
        return verdicts(rows) if name == "effects" else rows

    def for_pooling(self, results: pd.DataFrame) -> pd.DataFrame:
        """Return the regions' results with the estimates that may be told of each region.

        So what `pool` returns of them tells no more of a region than its own row does.

        Parameters
        ----------
        results : DataFrame
            Rows of `results`, of ``schema.EFFECTS``.

        Returns
        -------
        DataFrame
            The rows, with `suppressed`, `reason`, `estimate` and `se` as `gate` returns them. It
            has not passed the gate itself.
        """
        gated = pd.DataFrame(gate(results, self))
        return results.assign(**{column: gated[column].to_numpy() for column in _TOLD_OF_REGIONS})

    def keep(self, **tables: pd.DataFrame) -> None:
        """Keep exact rows for the study's tables and for the country.

        Only a batch run writes them, to ``data_clean/<study>/results/``.

        Parameters
        ----------
        **tables : DataFrame
            By their names in ``schema.KEPT``; effects have their verdicts already. Groups that
            study.yml does not declare are left out. What is kept again takes the place of the same
            rows.

        Raises
        ------
        InputError
            For a name that no table has, columns that are lacking, and rows that passed the gate.
        """
        problems = []
        for name, table in tables.items():
            wanted = schema.KEPT.get(name)
            if wanted is None:
                allowed = ", ".join(schema.KEPT)
                problems.append(Problem("no such table to keep", found=name, allowed=allowed))
            elif passed(table):
                problems.append(
                    Problem(
                        f"{name}: only exact rows are kept",
                        found="a frame that passed the gate",
                        todo="keep what went into the gate",
                    )
                )
            elif others := set(table.get("region", [])) - {self.region}:
                found, todo = ", ".join(sorted(others)), "keep what this notebook computed"
                what = f"{name}: rows of another region"
                problems.append(Problem(what, found, allowed=self.region, todo=todo))
            elif lacking := sorted(set(wanted) - set(table) - {"suppressed", "reason"}):
                problems.append(Problem(f"{name} lacks columns", found=", ".join(lacking)))
        refuse_any(problems)
        for name, table in tables.items():
            columns, parts = list(schema.KEPT[name]), [("leaders", table)]
            if names.POPULATION in table:  # else of teachers and leaders together
                parts = table.groupby(names.POPULATION, sort=False)
            for population, rows in parts:
                rows = self._declared(name, rows).reindex(columns=columns)
                before = self._kept.get(f"{name}.{population}", rows.iloc[:0])
                keys = [key for key in schema.ROW if key in columns]
                together = pd.concat([before, rows], ignore_index=True) if len(before) else rows
                self._kept[f"{name}.{population}"] = together.drop_duplicates(keys, keep="last")

    def _declared(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        """Return effects in the order of the instrument, without groups nobody declared."""
        if name != "effects":
            return rows
        rows = rows[rows["plan_role"] != "exploratory"]
        (population,) = rows[names.POPULATION].unique() if len(rows) else ("",)
        place = {scale: i for i, scale in enumerate(self[population].scales)}
        return rows.sort_values(names.OUTCOME, key=lambda c: c.map(place), kind="stable")

    def render(
        self,
        shown: Gated,
        draw: Callable | None = None,
        *,
        name: str = "",
        caption: str = "",
        alt: str = "",
        **others: Gated,
    ) -> Shown:
        """Return a result as `show` displays it."""
        for frame in (shown, *others.values()):
            if not passed(frame):
                raise DisclosureError(_why_refused(frame))
            if frame.study not in ("", self.description.name):
                raise DisclosureError(
                    f"this frame went through the gate of {frame.study}, whose rules are not those "
                    f"of {self.description.name}; gate it with the study that shows it"
                )
        draw = draw or tables.table
        if name and not _NAME.fullmatch(name):
            raise ValueError(f"a name has lower-case letters, digits and _ only, not {name!r}")
        named, name = bool(name), name or self._next_name(draw)
        self._names.append(name)
        plain = {key: pd.DataFrame(other) for key, other in others.items()}
        says = {"caption": caption, "alt": alt}
        drawn = {
            words.language: self._drawn(draw, pd.DataFrame(shown), words, name, says, plain)
            for words in self.readers
        }
        return Shown(drawn, name, named)

    def _drawn(
        self,
        draw: Callable,
        frame: pd.DataFrame,
        words: Words,
        name: str,
        says: Mapping[str, str],
        others: Mapping[str, pd.DataFrame],
    ) -> Drawn:
        """Return what one reader sees of a gated frame."""
        if counted := getattr(draw, "counted", ""):
            frame = frame[frame[counted] > 0]
        if why := self._why_nothing(draw, frame, words):
            return why
        asks = inspect.signature(draw).parameters
        extra = {"words": words} if "words" in asks else {}
        with mpl.rc_context(STYLE):
            result = draw(frame, **others, **extra)
        if isinstance(result, pd.DataFrame | pd.Series):
            table = result.to_frame() if isinstance(result, pd.Series) else result
            result = tables.table(table, words=words)
        said = self._said.setdefault(words.language, {})
        if isinstance(result, Table):
            # a note stands once on a page, under the first table that has it
            result = result.without([n for n in result.notes if said.setdefault(n, name) != name])
            return Drawn(result.with_id(name), result.caption)
        if isinstance(result, Drawn):
            return result
        if isinstance(result, str):
            parts = [part for part in result.split("\n\n") if part.strip()]
            return Drawn("".join(f"<p>{html.escape(part)}</p>" for part in parts), result)
        drawing = result if isinstance(result, Drawing) else _own_drawing(result, name, says)
        numbers = {"": frame, **others, **drawing.rows}
        files = {key: as_csv(each, words) for key, each in numbers.items() if len(each)}
        what = getattr(draw, "title", "")
        own = _SENTENCE.split(drawing.caption)[0].rstrip(".") or name
        title = _title(words.text(what), frame, words) if what else own
        caption = _said_once(drawing.caption, name, said, words, title)
        return _figure(drawing, name, title, caption, files, words)

    def _why_nothing(self, draw: Callable, frame: pd.DataFrame, words: Words) -> Drawn | None:
        """Return the line that stands where there is nothing to draw."""
        if frame.empty:
            if empty := self._why_empty(words):
                return line(empty, kind="not-asked")
            if nothing := getattr(draw, "nothing", ""):
                return line(words.text(nothing), kind="nothing")
            return line(words.text("This was not asked about in this study."), kind="not-asked")
        if draw is not heading and (why := _why_refused_all(frame, words)):
            return line(words.text("Not computed, since {why}.", why=why), kind="not-asked")
        column = getattr(draw, "drawn", "")
        if column and frame[column].isna().all():
            text = words.text(
                "Nothing is drawn here: every number is hidden or cannot be computed."
            )
            return line(text, kind="hidden")
        return None

    def forget_said(self) -> None:
        """Begin a page anew: notes and captions are said again that stand once on a page."""
        self._said.clear()

    def show(self, shown: Gated, draw: Callable | None = None, **options: Any) -> None:
        """Show a result in the study's languages: as a sentence, a table or a figure.

        Parameters
        ----------
        shown : Gated
            From `gate`; anything else is refused.
        draw : callable, optional
            Any function of the gated frame: one of the library, or one's own. It gives a text, a
            table (a DataFrame too), matplotlib Axes or a Figure. A parameter `words` gets the
            reader's language. Default: a plain table.
        name : str, optional
            The figure's file, the table's id: lower-case letters, digits and ``_``.
        caption, alt : str, optional
            Of one's own figure: what stands beneath it, and what is read aloud instead of it.
        **others : Gated
            Further gated frames that `draw` takes by name.

        Raises
        ------
        DisclosureError
            For a frame that did not pass the gate.
        """
        display(self.render(shown, draw, **options))

    def _next_name(self, draw: Callable) -> str:
        stem = re.sub(r"[^a-z0-9_]+", "_", getattr(draw, "__name__", "own").lower()).strip("_")
        taken = sum(each == stem or each.startswith(f"{stem}_") for each in self._names)
        return stem if not taken else f"{stem}_{taken + 1}"

    def about(self) -> None:
        """Show what a page was made from: data and versions, and the plan with its deviations."""
        drawn = {}
        made_with = ", ".join(f"{name} {version(name)}" for name in _MADE_WITH)
        record = plan_record.read(self.description.name)
        if record:
            self._note(store.PLAN_RECORD, {})
        for words in self.readers:
            _ = words.text
            newest = self._newest()
            rows = {
                _("Fingerprint of the data"): self._fingerprint() if self._read else _("no data"),
                _("Latest answer"): words.date(newest) if newest else _("no dates in the data"),
                _("Made with"): made_with,
            }
            table = None
            if record:
                table = declared.deviations(record, self.description, words)
                rows[_("Analysis plan")] = declared.recorded(record, words)
                said = _("No deviation from the declared analysis.")
                rows[_("Deviations")] = _("See the table below.") if table else said
            items = "".join(
                f"<dt>{html.escape(key)}</dt><dd>{html.escape(value)}</dd>"
                for key, value in rows.items()
            )
            text = "\n".join(f"{key}: {value}" for key, value in rows.items())
            below = table.with_id("deviations") if table else ""
            drawn[words.language] = Drawn(f'<dl class="about">{items}</dl>{below}', text)
        display(Shown(drawn))

    def _newest(self) -> date | None:
        dates = [
            frame[names.SUBMITTED].max()
            for frame in self._read.values()
            if names.SUBMITTED in frame and frame[names.SUBMITTED].notna().any()
        ]
        going_on = self.waves[self.waves["state"] == OPEN] if len(self.waves) else self.waves
        dates += [pd.Timestamp(day) for day in going_on.get("newest_answer", ()) if day]
        return pd.Timestamp(max(dates)).date() if dates else None

    def _fingerprint(self) -> str:
        """Return a digest of the answers read, the same whatever key made the pseudonyms."""
        total = hashlib.sha256()
        for population, frame in sorted(self._read.items()):
            rows = pd.util.hash_pandas_object(frame.drop(columns=names.PERSON), index=False)
            total.update(population.encode() + rows.to_numpy().tobytes())
        return total.hexdigest()[:12]

    @property
    def _here(self) -> dict[str, list[str]]:
        """Which rows of a table are of this region; all of them where it is the country."""
        return {} if self.region == names.NATIONAL else {names.REGION: [self.region]}

    def _answered(self, population: str) -> pd.DataFrame:
        """Return how many have a score here, by outcome and wave (*linked* too)."""
        where = {names.POPULATION: [population], names.REGION: [self.region]}
        cells = self.table("disclosure", **where, subgroup=[names.ALL])
        cells = cells[cells[names.SCHOOL] == ""]
        if names.COHORT in self.waves:
            # of the cohorts here alone, some waves may be still to come
            asked = self.description.populations[population]
            waves = cells[names.WAVE].isin([*asked.files])
            waves |= cells[names.WAVE].str.startswith(names.LINKED) & (len(asked.files) > 1)
            cells = cells[waves & cells[names.OUTCOME].isin([*asked.instrument.scales])]
        return cells.pivot(index=names.OUTCOME, columns=names.WAVE, values="n").fillna(0)

    def _of_no_cohort(self, rows: pd.DataFrame) -> pd.Series:
        """Return which rows of a plan are of a cohort that is alone here, or not so far yet."""
        by_cohort = rows[names.SUBGROUP].str.startswith(f"{names.COHORT}=")
        if self.waves.get(names.COHORT, pd.Series(dtype=str)).nunique() < 2:
            return by_cohort
        keys = [names.POPULATION, names.WAVE, names.COHORT]
        closed = {*self.waves.loc[self.waves["state"] == CLOSED, keys].itertuples(False, None)}
        there = [
            all(
                (row[names.POPULATION], wave, row[names.SUBGROUP].partition("=")[2]) in closed
                for wave in ([row[names.WAVE]] if row[names.WAVE] else waves_of(row["contrast"]))
            )
            for row in rows.to_dict("records")
        ]
        return by_cohort & ~pd.Series(there, rows.index, dtype=bool)

    def _of_no_group(self, rows: pd.DataFrame, population: str) -> pd.Series:
        """Return which rows of a plan are of a group that nobody in the whole study belongs to."""
        where = {names.POPULATION: [population], names.REGION: [names.NATIONAL]}
        there = {*self.table("disclosure", **where)[names.SUBGROUP]}
        columns = {group.partition("=")[0] for group in there}
        nobody = [
            any(
                group.partition("=")[0] in columns and group not in there
                for group in (row[names.SUBGROUP], *row["contrast"].split(" - "))
                if "=" in group
            )
            for row in rows[[names.SUBGROUP, "contrast"]].to_dict("records")
        ]
        return pd.Series(nobody, rows.index, dtype=bool)

    def _nobody(self, words: Words) -> Iterator[str]:
        """Yield a sentence on each population of whom nobody here answered, or was linked.

        Of those that the notebook has read, or of all where it has read none.
        """
        read = {what for what, _ in self._reads} & {*self.description.populations}
        for name, population in self.description.populations.items():
            is_meant = not read or name in read
            if not len(self.waves) or not population.instrument.scales or not is_meant:
                continue
            n = self._answered(name)
            who = label("population", name, words)
            unanswered = [words.outcome(name, each) for each in n.index[n.eq(0).all(axis=1)]]
            if not n.to_numpy().any():
                yield words.text(
                    "{who}: nobody here has answered, so what rests on their answers is left out.",
                    who=who,
                )
                continue
            if unanswered:
                yield words.text(
                    "{who}: nobody here has answered the questions about {what}.",
                    who=who,
                    what=", ".join(unanswered),
                )
            if population.link.by != "none" and names.LINKED in n and not n[names.LINKED].any():
                yield words.text(
                    "{who}: nobody here was found both times, so changes of the same people are "
                    "left out.",
                    who=who,
                )

    @cached_property
    def _is_thin(self) -> bool:
        """Whether there are questions that nobody here has answered, or nobody could be linked."""
        return any(self._nobody(self.words))

    def _why_empty(self, words: Words) -> str:
        """Return what is said where there is nothing to show of what the study asks."""
        if len(self.waves) and self.waves["state"].ne(CLOSED).any():
            return words.text("There is nothing to show here so far.")
        return words.text("There is nothing to show here.") if self._is_thin else ""

    def _warnings(self, population: str) -> dict[str, str]:
        """Return what is to be said of each scale's measurement."""
        warnings = measurement_warnings(
            self.table("invariance", population=[population]),
            self.table("units", population=[population]),
            {(of, scale) for of, scale, _, _ in reworded_items(self.description)},
            differing_scales(self.description),
        )
        return {scale: told for (of, scale), told in warnings.items() if of == population}

    def _note(self, what: str, where: dict) -> None:
        """Remember that something was read, for a batch run that asks whether a page is stale."""
        self._reads.append((what, where))

    def mask(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the part of the disclosure mask that decides on these results."""
        if frame.empty or _gate.is_planned(frame):  # rests on nobody; there may be no data yet
            return pd.DataFrame(columns=list(schema.MASK))
        populations = set(frame.get(names.POPULATION, [])) or {"teachers", "leaders"}
        populations |= set(frame.get("other_population", []))
        # what tells no region is of the country
        regions = {value or names.NATIONAL for value in frame.get(names.REGION, [""])}
        if _gate.REGION_CLUSTER in set(frame.get("cluster", [])):  # how large the regions are
            regions |= {*self.description.regions[names.REGION]}
        return self.table("disclosure", population=populations, region=regions)


def _answerable(rows: pd.DataFrame, answered: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a plan that somebody has answered, and could be linked where need be."""
    n = answered.reindex(rows[names.OUTCOME]).fillna(0)
    waves = (n.drop(columns=names.LINKED, errors="ignore") > 0).sum(axis=1).to_numpy()
    asked = rows[names.ESTIMAND].map(lambda name: 1 if name == "level" else 2)
    kept = waves >= asked.to_numpy()
    if names.LINKED in n and names.MID not in n:
        rests_on_links = rows[names.ESTIMAND].isin(
            [name for needs in ("links", "roles") for name in names_where(needs=needs)]
        )
        kept &= ~rests_on_links.to_numpy() | (n[names.LINKED] > 0).to_numpy()
    return rows[kept].reset_index(drop=True)


def _why_refused(frame: object) -> str:
    if isinstance(frame, Gated):
        return (
            "numbers were put into this frame after the gate; put them in before, and gate the "
            "whole: la.gate(frame, study)"
        )
    if isinstance(frame, pd.DataFrame | pd.Series):
        return "this frame is exact; show la.gate(frame, study)"
    return (
        f"a {type(frame).__name__} cannot be shown, since nobody sees what it was drawn from; give "
        "the gated frame and the function that draws it: study.show(shown, draw)"
    )


def _why_refused_all(frame: pd.DataFrame, words: Words) -> str:
    """Return why none of several estimates could be computed; empty where one could."""
    if len(frame) < 2 or not {names.ESTIMAND, "reason", "suppressed"} <= {*frame}:
        return ""
    reasons = frame["reason"].fillna("")
    if reasons.isin(("", names.FEW_CLUSTERS)).any() or frame["suppressed"].any():
        return ""
    return "; ".join(label("reason", reason, words) for reason in dict.fromkeys(reasons))


_NAMED = 4  # outcomes in a figure's title
# before a sentence; "9. trinn" is none
_SENTENCE = re.compile(r"(?<=\.) (?=[A-ZÆØÅ«“]|n: )")


def _said_once(caption: str, name: str, said: dict[str, str], words: Words, title: str) -> str:
    """Return a caption as HTML, without what the first figure of its kind has said on the page.

    That is the one whose caption began alike: a link leads there, named by its `title`, and what
    its caption does not say follows.
    """
    said.setdefault(f"#{name}", title)
    if words.language.endswith(PSEUDO):  # whose marks are around the whole
        return html.escape(caption)
    sentences = _SENTENCE.split(caption)
    first = said.setdefault(f"figure: {sentences[0]}", name)
    whole = said.setdefault(f"caption of #{first}", caption)
    if first == name:
        return html.escape(caption)
    text = words.text("Read as the figure “{title}”.", title=said[f"#{first}"])
    link = f'<a href="#{first}">{html.escape(text)}</a>'
    new = [each for each in sentences if each not in _SENTENCE.split(whole)]
    return " ".join([link, *map(html.escape, new)])


def _title(title: str, frame: pd.DataFrame, words: Words) -> str:
    """Return what a figure of the library is called: its title, by which groups, and of what.

    That is of its outcomes, or of whom where these are many.
    """
    by = {
        column: column in frame and frame[column].replace("", None).nunique() > 1
        for column in (names.REGION, names.SCHOOL)
    }
    sides = [c for c in (names.POPULATION, "other_population") if c in frame]  # of a chain, two
    if names.SUBGROUP in frame and len(sides) == 1:
        groups = frame[names.SUBGROUP].str.extract(r"^([^=]+)=")[0]
        by |= dict.fromkeys(groups.dropna(), True)
    if told := [label("grouped by", kind, words) for kind in LABELS["grouped by"] if by.get(kind)]:
        title = words.text("{what} by {groups}", what=title, groups=joined(told, words))
    if not sides:
        return title
    whose = dict.fromkeys(frame[sides].to_numpy().ravel())
    of = [label("population", each, words).lower() for each in whose]
    if names.OUTCOME in frame and len(sides) == 1:
        pairs = dict.fromkeys(zip(frame[names.POPULATION], frame[names.OUTCOME], strict=True))
        if len(pairs) <= _NAMED:
            of = [in_sentence(words.outcome(*pair)) for pair in pairs]
    waves = frame.get(names.WAVE, pd.Series(dtype=str)).replace("", None).dropna().unique()
    when = [label("wave", each, words) for each in waves] if len(waves) == 1 else []
    return ", ".join([f"{title}: {joined(of, words)}", *when])


def _figure(
    drawing: Drawing,
    name: str,
    title: str,
    caption: str,
    files: Mapping[str, str],
    words: Words,
) -> Drawn:
    """Return a figure with its files; on a phone a wide one is drawn anew, or scrolls."""
    svg, png = saved(drawing, salt=name)
    phone = saved_for_phone(drawing, salt=name)
    alt = html.escape(drawing.alt, quote=True)
    picture, kind = f'<img src="{name}.svg" alt="{alt}">', ' class="narrow"'
    if phone:
        media = "screen and (max-width: 40rem)"
        source = f'<source media="{media}" srcset="{name}.phone.svg">'
        picture, kind = f"<picture>{source}{picture}</picture>", ""
    elif drawing.figure.get_figwidth() >= WIDTH:
        # on a phone it keeps letters of 11 pixels and is scrolled, also from the keyboard
        called = html.escape(words.text("Wide figure that scrolls sideways"))
        scroller = f'<div class="wide" tabindex="0" role="group" aria-label="{called}">'
        picture, kind = f"{scroller}{picture}</div>", ""
    return Drawn(
        f'<figure id="{name}"{kind} aria-label="{html.escape(title)}">{picture}'
        f"<figcaption>{caption}</figcaption></figure>",
        drawing.alt,
        svg,
        png,
        files,
        phone,
    )


def _own_drawing(result: object, name: str, says: Mapping[str, str]) -> Drawing:
    """Return a researcher's own figure with its caption and alt text."""
    axes = result if isinstance(result, Axes) else None
    if isinstance(result, np.ndarray | list | tuple) and len(np.ravel(result)):
        axes = np.ravel(result)[0]
    figure = axes.figure if isinstance(axes, Axes) else getattr(result, "figure", result)
    if not isinstance(figure, Figure):
        allowed = "a text, a table, Axes or a Figure"
        raise TypeError(f"a drawing function gives {allowed}, not {type(result).__name__}")
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(figure)  # or else the notebook shows it a second time, beside the page
    caption = says["caption"] or (axes.get_title() if axes else "")
    return Drawing(figure, caption, says["alt"] or caption or name)


def gate(frame: pd.DataFrame, study: OpenStudy) -> Gated:
    """Return a result as it may be seen; from here on it is ordinary pandas and seaborn.

    Rows that may not be shown lose their numbers and have a reason; the rest is rounded as the
    study's disclosure profile asks. See docs/privacy.md.

    Parameters
    ----------
    frame : DataFrame
        Exact rows from the library's verbs. `population`, `region`, `outcome` (or `scale`),
        `subgroup` and `estimand` (or `wave`) say which people a row rests on. A subgroup that
        study.yml does not declare (``column=value``) is judged by the people in its rows, and is
        for internal pages only.
    study : OpenStudy
        From `open_study`.

    Returns
    -------
    Gated
        The rows in their order, with `suppressed` and `reason`.

    Raises
    ------
    DisclosureError
        Where no rule says which people a row rests on, or it rests on a part of a cell.

    Examples
    --------
    A stand-in for an open study; in a notebook it comes from `open_study`.

    >>> from types import SimpleNamespace
    >>> place = {"population": "pupils", "region": "oslo", "school_id": "", "subgroup": "all",
    ...          "outcome": "joy", "suppressed": False, "reason": ""}
    >>> cell = {**place, "n_schools": 4, "smallest": 15, "largest": 30, "few_schools": 0,
    ...         "minimum": 1.0, "width": 4.0, "step": 0.01, "share_reason": ""}
    >>> mask = pd.DataFrame([{**cell, "wave": "pre", "n": 90}, {**cell, "wave": "post", "n": 80}])
    >>> description = SimpleNamespace(name="demo", disclosure="internal")
    >>> study = SimpleNamespace(description=description, mask=lambda frame: mask)
    >>> effects = pd.DataFrame([{**place, "estimand": "same_grade", "contrast": "post - pre",
    ...                          "n_pre": 90, "n_post": 80, "n_pairs": None, "change": 0.123456}])
    >>> gate(effects, study)[["outcome", "n_pre", "n_post", "change", "suppressed"]]
      outcome  n_pre  n_post  change  suppressed
    0     joy   90.0    78.0     0.1       False
    >>> mask["suppressed"], mask["reason"] = [True, False], ["small_n", ""]
    >>> gate(effects, study)[["outcome", "n_pre", "n_post", "change", "suppressed", "reason"]]
      outcome  n_pre  n_post  change  suppressed      reason
    0     joy   <NA>    <NA>     NaN        True  small_n
    """
    mask = study.mask(frame)
    gated = _gate.gate(frame, mask, study.description.disclosure)
    if {names.SUBGROUP, names.ESTIMAND} <= {*frame}:
        # of one's own are groups by a column that the mask does not have
        groups = [set(f[names.SUBGROUP].astype(str).str.extract(r"^([^=]+)=")[0].dropna())
                  for f in (frame, mask)]  # fmt: skip
        if own := sorted(groups[0] - groups[1]):
            study._note(OWN_GROUPS, {"by": own})
    object.__setattr__(gated, "study", study.description.name)
    return gated


def kept_results(
    study: str, name: str, places: Sequence[str], population: str = "*"
) -> pd.DataFrame | None:
    """Return one table as the notebooks kept it, place by place; None where there is none.

    Several notebooks may ask the same of the same answers; of equal rows the first counts.
    """
    folder = paths.clean(study) / "results"
    parts = [
        part
        for place in places
        for part in sorted(
            (folder / place).glob(f"*/{name}.{population}.csv"),
            key=lambda path: (path.name, path.parent.name),
        )
    ]
    if not parts:
        return None
    frames = [schema.read_table(part) for part in parts]
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    rows = pd.concat(frames, ignore_index=True).reindex(columns=list(schema.KEPT[name]))
    return rows.drop_duplicates([c for c in schema.ROW if c in rows], ignore_index=True)


def hand_over() -> None:
    """Give a batch run what the notebook keeps and what it read; its last cell."""
    kept: dict[str, str] = {}
    reads = []
    for study in _OPENED:
        kept |= {
            name: rows.to_csv(index=False, lineterminator="\n")
            for name, rows in study._kept.items()
        }
        reads += study._reads
    told = sorted({json.dumps(each, sort_keys=True) for each in reads})
    display({KEPT: {"kept": kept, "reads": [json.loads(each) for each in told]}}, raw=True)


def open_study(
    study: str | OpenStudy, *, region: str | None = None, language: str | None = None
) -> OpenStudy:
    """Open a study for one region, or for all of them.

    From then on pandas keeps new texts as Python's own (``mode.string_storage``): a notebook's
    frames are many and small, and filtering and looping over them takes half the time of Arrow's.
    `pandas.read_excel` reads workbooks with calamine from then on (``io.excel.*.reader``), since
    pandas' own choice, openpyxl, need not be installed.

    Parameters
    ----------
    study : str or OpenStudy
        Its folder below ``data_raw/``; an open study is opened anew, so that a notebook's cell
        can be run twice.
    region : str, optional
        A slug of the register; default: all regions together.
    language : str, optional
        ``nb``, ``nn`` or ``en``, or several with commas between them: results are then shown in the
        first and kept in all. Default: the study's first.

    Returns
    -------
    OpenStudy
        `read` gives the clean frame of a population, `plan` the estimates that were declared;
        ``study[population]`` is what the population was asked, which some verbs take; `show`
        displays what has passed `gate`, and `keep` keeps exact rows for the study's tables.

    Raises
    ------
    InputError
        For an unknown study, region or language.

    Examples
    --------
    >>> study = open_study("sats", region="fall-2007")
    >>> study.region, study.populations
    ('fall-2007', ('pupils',))
    """
    name = study.description.name if isinstance(study, OpenStudy) else study
    description = load_study(name)
    try:
        waves = store.read_table(name, "waves")
    except InputError:  # nothing has been cleaned yet
        waves = pd.DataFrame(columns=list(schema.WAVES))
    here = waves if region is None else waves[waves[names.REGION] == region]
    if len(waves):
        description = closed_part(description, here if len(here) else waves)
    regions = list(description.regions[names.REGION])
    if region is not None and region not in regions:
        raise InputError(
            f"unknown region of {name}",
            found=region,
            allowed=", ".join(regions),
            todo="name one of these",
        )
    pd.set_option("mode.string_storage", "python")
    for kind in ("xls", "xlsx", "xlsm", "xlsb", "ods"):
        pd.set_option(f"io.excel.{kind}.reader", "calamine")
    languages = (language or description.languages[0]).split(",")
    readers = tuple(reader(description, each.strip()) for each in languages)
    place = region or names.NATIONAL
    opened = OpenStudy(description, place, readers, here.reset_index(drop=True))
    if len(waves):
        opened._note("waves", opened._here)
    _OPENED.append(opened)
    return opened
