"""An open study: what a notebook reads, asks and shows, for one region in one language."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.analysis.agreement import agreement
from loftet_analysis.analysis.effects import effects
from loftet_analysis.analysis.invariance import failing_items
from loftet_analysis.analysis.items import items
from loftet_analysis.analysis.measurement import light, measurement_warnings, reworded_scales
from loftet_analysis.analysis.reliability import reliability
from loftet_analysis.analysis.response import (
    FOR_A_SHARE,
    answered_class,
    arrivals,
    careless_signs,
    differences_before,
    missing_answers,
    totals,
)
from loftet_analysis.analysis.school_effects import by_school
from loftet_analysis.analysis.sensitivity import sensitivity
from loftet_analysis.analysis.synthesis import pool
from loftet_analysis.analysis.variance import variance
from loftet_analysis.analysis.verdicts import judged
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.registers import MOST, MOST_OF_OTHERS
from loftet_analysis.disclosure.histograms import (
    ATTENDANCE,
    DISTRIBUTION,
    of_attendance,
    of_items,
    of_scales,
)
from loftet_analysis.disclosure.mask import LIMITS
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.show.languages import Answers, Words
from loftet_analysis.show.publish import Published, gated, publish
from loftet_analysis.study import Study, load_study, plan

_MADE_WITH = ("loftet-analysis", "pandas", "numpy", "scipy", "pingouin", "matplotlib")


@dataclass(frozen=True)
class OpenStudy:
    """A study opened for one region, or for all of them, in one language.

    Attributes
    ----------
    study : Study
        Its description.
    region : str
        A slug, or ``national``.
    words : Words
        The reader's language with the names of outcomes and regions.
    """

    study: Study
    region: str
    words: Words
    # frames as they were handed out: only what is computed from them is kept
    _whole: dict[tuple[str, str], pd.DataFrame] = field(
        default_factory=dict, repr=False, compare=False
    )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None):
        title = self.study.text(self.study.title, self.words.locale)
        place = f"{title} · {self.words.region(self.region)}"
        return Published(f'<p class="place">{html.escape(place)}</p>', place)._repr_mimebundle_()

    def _table(self, name: str, **where: Sequence[str]) -> pd.DataFrame:
        return store.read_table(self.study.name, name, **where)

    def _mask(self, *frames: pd.DataFrame) -> pd.DataFrame:
        """Return the part of the disclosure mask that can decide on these results."""
        read = {population for kind, population in self._whole if kind == "clean"}
        told = {value for f in frames if names.POPULATION in f for value in f[names.POPULATION]}
        # what tells no region is of the country
        regions = {v or names.NATIONAL for f in frames for v in f.get(names.REGION, [""])}
        return self._table("disclosure", population=read | told, region=regions)

    @property
    def _here(self) -> dict[str, list[str]]:
        """Which rows of a table are of this region; all of them where it is the country."""
        return {} if self.region == names.NATIONAL else {names.REGION: [self.region]}

    def read(self, population: str, *, items: bool = True) -> pd.DataFrame:
        """Return the clean frame of a population: this region's, or everybody's.

        A study that did not ask this population gives an empty frame, and so do all results
        from it.

        Parameters
        ----------
        population : str
        items : bool, default True
            Whether also the answers to single items are read; effects and the variance of schools
            do without them, and they are most of the data.

        Raises
        ------
        InputError
            Where there are no clean data yet; it names the command that makes them.
        """
        if population not in self.study.populations:
            return pd.DataFrame(columns=[names.WAVE, names.REGION])
        region = None if self.region == names.NATIONAL else self.region
        without = () if items else self.study.populations[population].instrument.items
        frame = store.read(self.study.name, population, region=region, without=without)
        self._whole["clean", population] = frame
        return frame

    def everybody(self) -> dict[str, pd.DataFrame]:
        """Return the clean frames of all populations, as `read` does, by population."""
        return {population: self.read(population) for population in self.study.populations}

    def response(self) -> pd.DataFrame:
        """Return how many were invited, answered and are linked, by population, wave and group.

        Returns
        -------
        DataFrame
            ``names.RESPONSE`` with `n_schools`; see `stats.fieldwork.totals`.
        """
        return totals(self._table("response", **self._here), region=self.region)

    def response_by_school(self) -> pd.DataFrame:
        """Return the same school by school, of all people, where the register says who was invited.

        Returns
        -------
        DataFrame
            ``names.RESPONSE`` with `answered`, how many of the invited did: see
            `stats.fieldwork.answered_class`.
        """
        table = self._table("response", subgroup=[names.ALL], **self._here)
        table = table[table["n_invited"].notna()].reset_index(drop=True)
        return table.assign(answered=answered_class(table["n_answered"], table["n_invited"]))

    def linkage(self) -> pd.DataFrame:
        """Return in which state each sheet's link is, and how many are: ``names.LINKAGE``."""
        table = self._table("linkage", **self._here)
        if self.region != names.NATIONAL:
            return table
        keys = [names.POPULATION, names.WAVE, "state"]
        summed = table.groupby(keys, sort=False)["n"].sum().reset_index()
        return summed.assign(region=names.NATIONAL)[list(names.LINKAGE)]

    def arrivals(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return how many sheets had come in by each day; see `stats.fieldwork.arrivals`.

        `n_final` stands beside, and `n_invited` where that is enough for a share to be told.
        """
        found = self._each(
            people,
            lambda name, clean: arrivals(clean, population=name, region=self.region),
            ("population", "region", "wave", "day", "n"),
        )
        whole = self.response()
        keys = [names.POPULATION, names.WAVE]
        invited = whole.loc[whole[names.SUBGROUP] == names.ALL, [*keys, "n_invited"]]
        final = found.groupby(keys, sort=False)["n"].transform("max")
        found = found.assign(n_final=final).merge(invited, on=keys, how="left")
        return found.assign(n_invited=found["n_invited"].where(found["n_invited"] >= FOR_A_SHARE))

    def careless(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the sheets with signs of careless answering; see `stats.fieldwork`."""
        return self._each(
            people,
            lambda name, clean: careless_signs(clean, population=name, region=self.region),
            ("population", "region", "wave", "sign", "n", "n_flagged"),
        )

    def differences(self, people: Mapping[str, pd.DataFrame], comparison: str) -> pd.DataFrame:
        """Return how two groups differed before; a batch keeps it like `effects`.

        Parameters
        ----------
        people : mapping of str to DataFrame
            From `everybody`.
        comparison : str
            ``linked - unlinked`` or ``participant - colleague``.

        Returns
        -------
        DataFrame
            ``names.ATTRITION``.
        """

        def one(population: str, clean: pd.DataFrame) -> pd.DataFrame:
            first = self.study.groups(population, names.GENDER)[:1]
            return differences_before(
                clean,
                self._asked(population, names.PRE),
                population=population,
                region=self.region,
                groups=dict(zip((names.GENDER,), first, strict=False)),
            )

        found = self._each(people, one, names.ATTRITION, keep="attrition")
        return found[found["comparison"] == comparison].reset_index(drop=True)

    def _asked(self, population: str, wave: str) -> list[str]:
        """Return the scales that a population is asked in a wave."""
        scales = self.study.populations[population].instrument.scales
        return [name for name, scale in scales.items() if wave in scale.waves]

    def attendance(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return how often those who answered after attended; see `bins.of_attendance`."""

        def one(population: str, clean: pd.DataFrame) -> pd.DataFrame:
            register = self.study.populations[population].attendance
            most = (register.of if register else None) or MOST.get(population, MOST_OF_OTHERS)
            place = {"population": population, "region": self.region}
            return of_attendance(clean, place=place, most=most, limit=LIMITS[self.study.disclosure])

        return self._each(people, one, ATTENDANCE)

    def together(self, *frames: pd.DataFrame) -> pd.DataFrame:
        """Return several results of the same columns one below the other."""
        return pd.concat(frames, ignore_index=True)

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
        for population in self.study.populations.values():
            if populations and population.name not in populations:
                continue
            warnings = self._warnings(population.name)
            for name, scale in population.instrument.scales.items():
                waves = [wave for wave in population.files if wave in scale.waves]
                if waves:
                    told = warnings.get(name, "")
                    row = (population.name, name, scale.question or "", waves[0])
                    rows.append((*row, light(told), told))
        columns = [names.POPULATION, names.OUTCOME, names.QUESTION, names.WAVE, "light"]
        return pd.DataFrame(rows, columns=[*columns, "measurement_warning"])

    def wordings(self) -> pd.DataFrame:
        """Return the items that were worded otherwise in a wave, and how."""
        locale = self.words.locale
        rows = [
            (population.name, scale.name, item.name, wave, self.study.text(earlier.text, locale))
            for population in self.study.populations.values()
            for scale in population.instrument.scales.values()
            for item in scale.items.values()
            for earlier in item.earlier
            for wave in earlier.waves
            if wave in population.files
        ]
        return pd.DataFrame(rows, columns=[names.POPULATION, "of", "item", names.WAVE, "wording"])

    def invariance(self) -> pd.DataFrame:
        """Return whether the scales measure alike before and after: ``names.INVARIANCE``."""
        return self._table("invariance").assign(region=names.NATIONAL)

    def _invariance(self, population: str) -> pd.DataFrame:
        return self._table("invariance", population=[population])

    def _units(self, population: str) -> pd.DataFrame:
        return self._table("units", population=[population])

    def plan(self, population: str) -> pd.DataFrame:
        """Return the estimates that the study asks for in a population."""
        rows = plan(self.study)
        return rows[rows[names.POPULATION] == population].reset_index(drop=True)

    def effects(self, population: str, clean: pd.DataFrame) -> pd.DataFrame:
        """Return the plan's effects in a clean frame; a batch keeps those of the frame as read.

        With them it keeps the share of the variance between schools (`names.VARIANCE`).

        Parameters
        ----------
        population : str
            As in the plan.
        clean : DataFrame
            From `read`. What is computed from a changed frame is returned but not kept.

        Returns
        -------
        DataFrame
            `names.EFFECTS`; exact, so for `publish` and not for a page.
        """
        found = self._effects(population, clean, self.region)
        if self._is_whole("clean", population, clean):
            self._keep(found, "effects", population)
            if population in self.study.populations:
                self._keep(self.variance(population, clean), "variance", population)
            self._whole["effects", population] = found
        return found

    def _effects(self, population: str, clean: pd.DataFrame, region: str) -> pd.DataFrame:
        if population not in self.study.populations:
            return pd.DataFrame(columns=names.EFFECTS)
        asked = self.plan(population)
        if region != names.NATIONAL:
            asked = asked[~asked[names.ESTIMAND].isin(names.NATIONAL_ONLY)]
        return effects(
            clean,
            asked,
            population=population,
            region=region,
            units=self._units(population),
            ci_level=self.study.analysis.ci_level,
            sesoi=self.study.analysis.sesoi,
            unit_is_sample=region == names.NATIONAL,
            years=self.study.years_between,
            comparison=self.study.comparison,
            warnings=self._warnings(population),
        )

    def _warnings(self, population: str) -> dict[str, str]:
        """Return what is to be said of each scale's measurement."""
        found = measurement_warnings(
            self._invariance(population), self._units(population), reworded_scales(self.study)
        )
        return {scale: told for (of, scale), told in found.items() if of == population}

    def effects_by_region(self, population: str, clean: pd.DataFrame) -> pd.DataFrame:
        """Return the plan's effects in every region of a national frame, in register order."""
        parts = dict(list(clean.groupby(names.REGION, sort=False)))
        found = [
            self._effects(population, parts[region].reset_index(drop=True), region)
            for region in self.study.regions[names.REGION]
            if region in parts
        ]
        if not found:
            return pd.DataFrame(columns=names.EFFECTS)
        together = judged(pd.concat(found, ignore_index=True))
        if self._is_whole("clean", population, clean):
            self._whole["by region", population] = together
        return together

    def pooled(self, population: str, by_region: pd.DataFrame) -> pd.DataFrame:
        """Return the regions together; regions that may not be shown are not pooled either.

        Parameters
        ----------
        population : str
            As in the plan.
        by_region : DataFrame
            From `effects_by_region`.
        """
        shown = self.gated(by_region)
        changes = by_region[names.ESTIMAND].isin(names.CHANGES).to_numpy()
        found = pool(by_region.assign(suppressed=shown["suppressed"].to_numpy())[changes])
        if self._is_whole("by region", population, by_region):
            self._keep(found, "pooled", population)
        return found

    def reliability(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the reliability of the scales, also by grade and role; kept like `effects`.

        Parameters
        ----------
        people : mapping of str to DataFrame
            Clean frames by population, from `everybody` or `read`.

        Returns
        -------
        DataFrame
            ``names.RELIABILITY``.
        """

        def one(population: str, clean: pd.DataFrame) -> pd.DataFrame:
            about = self.study.populations[population]
            groups = [c for c in (names.GRADE, names.ROLE) if c in about.columns]
            place = {"population": population, "region": self.region}
            return reliability(clean, about.instrument, by=groups, **place)

        return self._each(people, one, names.RELIABILITY, keep="reliability")

    def items(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return what each item adds to its scale: ``names.ITEMS``; kept like `effects`."""

        def one(population: str, clean: pd.DataFrame) -> pd.DataFrame:
            instrument = self.study.populations[population].instrument
            return items(clean, instrument, population=population, region=self.region)

        return self._each(people, one, names.ITEMS, keep="items")

    def _each(
        self,
        people: Mapping[str, pd.DataFrame],
        one: Callable[[str, pd.DataFrame], pd.DataFrame],
        columns: Sequence[str],
        *,
        keep: str = "",
    ) -> pd.DataFrame:
        """Return what is found for each population that the study has, one below the other."""
        tables = [pd.DataFrame(columns=list(columns))]
        for population, clean in people.items():
            if population not in self.study.populations:
                continue
            table = one(population, clean)
            if keep and self._is_whole("clean", population, clean):
                self._keep(table, keep, population)
            tables.append(table)
        return pd.concat(tables[1:] or tables, ignore_index=True)

    def missing(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return how many answers to each scale's items are missing: ``names.MISSING_ANSWERS``."""
        return missing_answers(self.items(people))

    def variance(self, population: str, clean: pd.DataFrame) -> pd.DataFrame:
        """Return the share of the variance between schools: ``names.VARIANCE``."""
        if population not in self.study.populations:
            return pd.DataFrame(columns=names.VARIANCE)
        scales = self.study.populations[population].instrument.scales
        return variance(clean, scales, population=population, region=self.region)

    def by_school(self, population: str, clean: pd.DataFrame) -> pd.DataFrame:
        """Return the change of every school, raw and shrunken: ``names.BY_SCHOOL``; kept likewise.

        Outcomes are those of which the plan asks the change of schools.
        """
        asked = self.plan(population)
        asked = asked[asked[names.ESTIMAND] == "school_change"]
        if asked.empty or clean.empty:
            return pd.DataFrame(columns=names.BY_SCHOOL)
        found = by_school(
            clean,
            dict(zip(asked[names.OUTCOME], asked[names.QUESTION], strict=True)),
            population=population,
            region=self.region,
            units=self._units(population),
            ci_level=self.study.analysis.ci_level,
        )
        if self._is_whole("clean", population, clean):
            self._keep(found, "schools", population)
        return found

    def agreement(self, teachers: pd.DataFrame, leaders: pd.DataFrame) -> pd.DataFrame:
        """Return how teachers and leaders see the same school: ``names.AGREEMENT``.

        Only scales that both are asked after the programme; kept like `effects`.
        """
        if not {"teachers", "leaders"} <= set(self.study.populations):
            return pd.DataFrame(columns=names.AGREEMENT)
        shared = set(self._asked("leaders", names.POST))
        instrument = self.study.populations["teachers"].instrument
        outcomes = {
            name: instrument.scales[name].question or ""
            for name in self._asked("teachers", names.POST)
            if name in shared
        }
        found = agreement(
            teachers,
            leaders,
            outcomes,
            region=self.region,
            instrument=instrument,
            ci_level=self.study.analysis.ci_level,
        )
        if self._is_whole("clean", "teachers", teachers):
            self._keep(found, "agreement", "leaders")
        return found

    def sensitivity(
        self, population: str, clean: pd.DataFrame, found: pd.DataFrame
    ) -> pd.DataFrame:
        """Return the mean changes under other choices, kept like `effects`.

        Parameters
        ----------
        population : str
            As in the plan.
        clean : DataFrame
            From `read`.
        found : DataFrame
            From `effects`, of the same frame.

        Returns
        -------
        DataFrame
            `names.SENSITIVITY`.
        """
        if population not in self.study.populations:
            return pd.DataFrame(columns=names.SENSITIVITY)
        examined = self._invariance(population)
        nation = self.region == names.NATIONAL
        table = sensitivity(
            clean,
            found,
            population=population,
            region=self.region,
            units=self._units(population),
            instrument=self.study.populations[population].instrument,
            invited=self.study.invited(population),
            failing={scale: kept for (_, scale), kept in failing_items(examined).items()},
            latent=examined if nation else None,
            years=self.study.years_between,
        )
        whole = self._is_whole("clean", population, clean)
        if whole and self._is_whole("effects", population, found):
            self._keep(table, "sensitivity", population)
        return table

    def distribution(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return how the outcomes are distributed in each wave, in bins that may be shown.

        Participants and colleagues are told apart wherever the study asks for both: bins of
        everybody beside theirs would tell, by subtraction, what was joined.

        Parameters
        ----------
        people : mapping of str to DataFrame
            Clean frames by population.

        Returns
        -------
        DataFrame
            `bins.DISTRIBUTION`; see `bins.of_scales`.
        """

        def one(population: str, clean: pd.DataFrame) -> pd.DataFrame:
            told_apart = "participants_vs_colleagues" in set(self.plan(population)[names.ESTIMAND])
            return of_scales(clean, by_role=told_apart, **self._binning(population))

        return self._each(people, one, DISTRIBUTION)

    def answers(self, people: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return everybody's answers to each item, in bins that may be shown: `bins.of_items`."""
        return self._each(
            people,
            lambda population, clean: of_items(clean, **self._binning(population)),
            DISTRIBUTION,
        )

    def _binning(self, population: str) -> dict[str, object]:
        return {
            "instrument": self.study.populations[population].instrument,
            "place": {"population": population, "region": self.region},
            "limit": LIMITS[self.study.disclosure],
        }

    def outcomes_of(
        self,
        frame: pd.DataFrame,
        question: str | None,
        *,
        estimands: Sequence[str] = (),
        subgroup: str = names.ALL,
    ) -> pd.DataFrame:
        """Return the rows of a result that answer a question; None: those that answer none.

        Parameters
        ----------
        frame : DataFrame
            A result with ``population`` and ``outcome``.
        question : str or None
            ``Q1`` to ``Q10``.
        estimands : sequence of str, optional
            Only these; where the plan has none of them, all that it has.
        subgroup : str, default "all"
            Of estimates only those of this subgroup; ``any`` stands for all but everybody.
        """
        if names.QUESTION in frame:
            answers = frame[names.QUESTION].fillna("")
        else:
            asked = {
                (population.name, scale.name): scale.question or ""
                for population in self.study.populations.values()
                for scale in population.instrument.scales.values()
            }
            pairs = zip(frame[names.POPULATION], frame[names.OUTCOME], strict=True)
            answers = pd.Series([asked[pair] for pair in pairs], frame.index, dtype="str")
        rows = frame[answers == (question or "")]
        if {names.ESTIMAND, names.SUBGROUP} <= {*rows}:
            groups = rows[names.SUBGROUP]
            rows = rows[groups.ne(names.ALL) if subgroup == "any" else groups.eq(subgroup)]
        if estimands and rows[names.ESTIMAND].isin(estimands).any():
            rows = rows[rows[names.ESTIMAND].isin(estimands)]
        return rows.reset_index(drop=True)

    def gated(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a result as it may be published; see `publish.gated`."""
        return gated(frame, self._mask(frame), self.study.disclosure)

    def publish(
        self, frame: pd.DataFrame, view: str, *, name: str, **others: pd.DataFrame
    ) -> Published:
        """Show a result: gate it, render it in the study's language, save its figure.

        Parameters
        ----------
        frame : DataFrame
            Exact rows from this object's other methods.
        view : str
            One of `publish.VIEWS`.
        name : str
            The figure's file name, the table's id.
        **others : DataFrame
            ``pooled`` for the view ``forest``.
        """
        return publish(
            frame,
            view,
            name=name,
            mask=self._mask(frame, *others.values()),
            profile=self.study.disclosure,
            words=self.words,
            folder=self._figures,
            **others,
        )

    @property
    def _figures(self) -> Path:
        kept = paths.kept_results()
        return kept / "figures" if kept else paths.figures(self.study.name) / self.region

    def about(self) -> Published:
        """Return what a page was made from: the data's hash, its newest answer, the versions."""
        _ = self.words.text
        newest = self._newest()
        rows = {
            _("Fingerprint of the data"): self._fingerprint(),
            _("Newest answer"): self.words.date(newest) if newest else _("no dates in the data"),
            _("Made with"): ", ".join(f"{name} {version(name)}" for name in _MADE_WITH),
        }
        items = "".join(
            f"<dt>{html.escape(key)}</dt><dd>{html.escape(value)}</dd>"
            for key, value in rows.items()
        )
        text = "\n".join(f"{key}: {value}" for key, value in rows.items())
        return Published(f'<dl class="about">{items}</dl>', text)

    def _newest(self) -> date | None:
        dates = [
            frame[names.SUBMITTED].max()
            for (kind, _), frame in self._whole.items()
            if kind == "clean" and names.SUBMITTED in frame and frame[names.SUBMITTED].notna().any()
        ]
        return pd.Timestamp(max(dates)).date() if dates else None

    def _fingerprint(self) -> str:
        """Return a digest of the answers read, the same whatever key made the pseudonyms."""
        total = hashlib.sha256()
        for (kind, population), frame in sorted(self._whole.items(), key=lambda item: item[0]):
            if kind == "clean":
                rows = pd.util.hash_pandas_object(frame.drop(columns=names.PERSON), index=False)
                total.update(population.encode() + rows.to_numpy().tobytes())
        return total.hexdigest()[:12]

    def _is_whole(self, kind: str, population: str, frame: pd.DataFrame) -> bool:
        return self._whole.get((kind, population)) is frame

    def _keep(self, table: pd.DataFrame, name: str, population: str) -> None:
        folder = paths.kept_results()
        if folder is None:
            return
        with paths.written_whole(folder / f"{name}.{population}.csv") as path:
            table.to_csv(path, index=False, float_format="%.12g", lineterminator="\n")


def open_study(
    study: str | OpenStudy, *, region: str | None = None, language: str | None = None
) -> OpenStudy:
    """Open a study for one region, or for all of them, in one language.

    From then on pandas keeps new texts as Python's own (``mode.string_storage``): a notebook's
    frames are many and small, and filtering and looping over them takes half the time of Arrow's.

    Parameters
    ----------
    study : str or OpenStudy
        Its folder below ``data_raw/``; an open study is opened anew, so that a notebook's cell
        can be run twice.
    region : str, optional
        A slug of the register; default: all regions together.
    language : str, optional
        Default: the study's first.

    Raises
    ------
    InputError
        For an unknown study, region or language.
    """
    name = study.study.name if isinstance(study, OpenStudy) else study
    described = load_study(name)
    regions = dict(zip(described.regions["region"], described.regions["name"], strict=True))
    if region is not None and region not in regions:
        raise InputError(
            Problem(
                f"unknown region of {name}",
                found=region,
                allowed=", ".join(regions),
                todo="name one of these",
            )
        )
    pd.set_option("mode.string_storage", "python")
    return OpenStudy(
        described,
        region or names.NATIONAL,
        _words(described, language or described.languages[0], regions),
    )


def _words(study: Study, language: str, regions: dict[str, str]) -> Words:
    locale = Words(language).locale
    outcomes, answers, options, items, turned = {}, {}, {}, {}, set()
    for population in study.populations.values():
        for scale in population.instrument.scales.values():
            responses = population.instrument.responses[scale.responses]
            labels = {v: study.text(label, locale) for v, label in responses.labels.items()}
            outcomes[population.name, scale.name] = study.text(scale.label, locale)
            options[population.name, scale.name] = labels
            answers[population.name, scale.name] = Answers(
                responses.minimum,
                responses.maximum,
                labels[responses.minimum],
                labels[responses.maximum],
                1 / len(scale.items),
            )
            for item in scale.items.values():
                items[population.name, item.name] = study.text(item.text, locale)
                turned |= {(population.name, item.name)} if item.reversed else set()
    schools = dict(zip(study.schools["school_id"], study.schools["school"], strict=True))
    return Words(language, outcomes, regions, answers, options, items, frozenset(turned), schools)
