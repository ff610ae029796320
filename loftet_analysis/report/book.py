"""An open study: what a notebook reads, asks and shows, for one region in one language."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version

import numpy as np
import pandas as pd

from loftet_analysis import names, paths
from loftet_analysis.data import store
from loftet_analysis.data.units import TOTAL
from loftet_analysis.errors import InputError, Problem
from loftet_analysis.privacy.disclosure import LIMITS, safe_bins
from loftet_analysis.report.publish import Published, gated, publish
from loftet_analysis.report.words import Answers, Words
from loftet_analysis.stats.effects import effects
from loftet_analysis.stats.invariance import failing_items, measurement_warnings
from loftet_analysis.stats.items import items
from loftet_analysis.stats.judgement import judged
from loftet_analysis.stats.reliability import reliability
from loftet_analysis.stats.sensitivity import sensitivity
from loftet_analysis.stats.synthesis import pool
from loftet_analysis.stats.variance import variance
from loftet_analysis.study import Study, load_study, plan

_MADE_WITH = ("loftet-analysis", "pandas", "numpy", "scipy", "pingouin", "matplotlib")
_MOST_BINS = 13
_DISTRIBUTION = (
    "population", "region", "school_id", "outcome", "question", "subgroup", "wave", "low", "high",
    "n", "share", "mean",
)  # fmt: skip


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

    @property
    def _mask(self) -> pd.DataFrame:
        return store.read_table(self.study.name, "disclosure")

    def read(self, population: str) -> pd.DataFrame:
        """Return the clean frame of a population: this region's, or everybody's.

        A study that did not ask this population gives an empty frame, and so do all results
        from it.

        Raises
        ------
        InputError
            Where there are no clean data yet; it names the command that makes them.
        """
        if population not in self.study.populations:
            return pd.DataFrame(columns=[names.WAVE, names.REGION])
        region = None if self.region == names.NATIONAL else self.region
        frame = store.read(self.study.name, population, region=region)
        self._whole["clean", population] = frame
        return frame

    @property
    def _invariance(self) -> pd.DataFrame:
        return store.read_table(self.study.name, "invariance")

    @property
    def _units(self) -> pd.DataFrame:
        return store.read_table(self.study.name, "units")

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
                scales = self.study.populations[population].instrument.scales
                shares = variance(clean, scales, population=population, region=self.region)
                self._keep(shares, "variance", population)
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
            units=self._units,
            ci_level=self.study.analysis.ci_level,
            sesoi=self.study.analysis.sesoi,
            unit_is_sample=region == names.NATIONAL,
            years=self.study.years_between,
            comparison=self.study.comparison,
            warnings=self._warnings(population),
        )

    def _warnings(self, population: str) -> dict[str, str]:
        """Return what is to be said of each scale's measurement."""
        units = self._units
        total = units[(units["unit"] == TOTAL) & (units[names.POPULATION] == population)]
        alphas = {
            (population, row[names.OUTCOME]): row["alpha"] for row in total.to_dict("records")
        }
        found = measurement_warnings(self._invariance, alphas)
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

    def reliability(self, population: str, clean: pd.DataFrame) -> pd.DataFrame:
        """Return the reliability of a population's scales.

        A batch keeps it like `effects`, by grade and role too, and the table of the items.
        """
        if population not in self.study.populations:
            return pd.DataFrame(columns=names.RELIABILITY)
        about = self.study.populations[population]
        place = {"population": population, "region": self.region}
        if self._is_whole("clean", population, clean) and paths.kept_results() is not None:
            groups = [c for c in (names.GRADE, names.ROLE) if c in about.columns]
            whole = reliability(clean, about.instrument, by=groups, **place)
            self._keep(whole, "reliability", population)
            self._keep(items(clean, about.instrument, **place), "items", population)
            return whole[whole[names.SUBGROUP] == names.ALL].reset_index(drop=True)
        return reliability(clean, about.instrument, **place)

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
        failing = failing_items(self._invariance)
        nation = self.region == names.NATIONAL
        table = sensitivity(
            clean,
            found,
            population=population,
            region=self.region,
            units=self._units,
            instrument=self.study.populations[population].instrument,
            invited=self.study.invited(population),
            failing={scale: kept for (of, scale), kept in failing.items() if of == population},
            latent=self._invariance.query("population == @population") if nation else None,
            years=self.study.years_between,
        )
        whole = self._is_whole("clean", population, clean)
        if whole and self._is_whole("effects", population, found):
            self._keep(table, "sensitivity", population)
        return table

    def distribution(self, population: str, clean: pd.DataFrame) -> pd.DataFrame:
        """Return how the plan's outcomes are distributed in each wave, in bins that may be shown.

        Returns
        -------
        DataFrame
            A row per bin: ``population, region, school_id, outcome, question, subgroup, wave,
            low, high, n, share, mean``; teachers by role. Edges lie between the scores that full
            answers can have.
        """
        limit = LIMITS[self.study.disclosure]
        asked = self.plan(population)
        rows = [pd.DataFrame(columns=_DISTRIBUTION)]
        for outcome, question in asked[["outcome", "question"]].drop_duplicates().to_numpy():
            edges = _edges(self.words.answers[population, outcome])
            for subgroup, part in _subgroups(asked, clean):
                for wave in (names.PRE, names.POST):
                    values = part.loc[part[names.WAVE] == wave, outcome].dropna()
                    bins = safe_bins(values, edges, limit)
                    mean = values.mean() if len(bins) else float("nan")
                    # where too few answered, a row without numbers keeps the place
                    bins = bins.reindex(range(max(1, len(bins))))
                    place = {"population": population, "region": self.region, "school_id": ""}
                    group = {"outcome": outcome, "question": question, "subgroup": subgroup}
                    rows.append(bins.assign(**place, **group, wave=wave, mean=mean))
        return pd.concat(rows[1:] or rows, ignore_index=True)[[*_DISTRIBUTION]]

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
            Of estimates only those of this subgroup.
        """
        asked = {
            (population.name, scale.name): scale.question
            for population in self.study.populations.values()
            for scale in population.instrument.scales.values()
        }
        pairs = zip(frame[names.POPULATION], frame[names.OUTCOME], strict=True)
        rows = frame[np.array([asked[pair] == question for pair in pairs], dtype=bool)]
        if {names.ESTIMAND, names.SUBGROUP} <= {*rows}:
            rows = rows[rows[names.SUBGROUP] == subgroup]
        if estimands and rows[names.ESTIMAND].isin(estimands).any():
            rows = rows[rows[names.ESTIMAND].isin(estimands)]
        return rows.reset_index(drop=True)

    def gated(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a result as it may be published; see `publish.gated`."""
        return gated(frame, self._mask, self.study.disclosure)

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
            mask=self._mask,
            profile=self.study.disclosure,
            words=self.words,
            folder=paths.figures(self.study.name) / self.region,
            **others,
        )

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


def _edges(answers: Answers) -> np.ndarray:
    """Return edges half-way between scores, a whole number of scores to a bin, ends exact."""
    scores = round((answers.maximum - answers.minimum) / answers.step) + 1
    per_bin = -(-scores // _MOST_BINS)
    steps = np.append(np.arange(0, scores, per_bin), scores)
    return answers.minimum + (steps - 0.5) * answers.step


def _subgroups(asked: pd.DataFrame, clean: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return everybody, or the two roles where the plan tells them apart."""
    if "participants_vs_colleagues" not in set(asked[names.ESTIMAND]):
        return [(names.ALL, clean)]
    return [
        (f"role={role}", clean[clean[names.ROLE] == role])
        for role in (names.PARTICIPANT, names.COLLEAGUE)
    ]


def open_study(
    study: str | OpenStudy, *, region: str | None = None, language: str | None = None
) -> OpenStudy:
    """Open a study for one region, or for all of them, in one language.

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
    return OpenStudy(
        described,
        region or names.NATIONAL,
        _words(described, language or described.languages[0], regions),
    )


def _words(study: Study, language: str, regions: dict[str, str]) -> Words:
    locale = Words(language).locale
    outcomes, answers = {}, {}
    for population in study.populations.values():
        for scale in population.instrument.scales.values():
            responses = population.instrument.responses[scale.responses]
            outcomes[population.name, scale.name] = study.text(scale.label, locale)
            answers[population.name, scale.name] = Answers(
                responses.minimum,
                responses.maximum,
                study.text(responses.labels[responses.minimum], locale),
                study.text(responses.labels[responses.maximum], locale),
                1 / len(scale.items),
            )
    return Words(language, outcomes, regions, answers)
