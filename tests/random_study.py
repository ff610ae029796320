"""Small studies drawn at random, published as a run would: settled, estimated, gated, written.

Shapes differ: regions and schools of very unlike size, grades, roles, two or three waves, few or
many who are followed, answers that hardly differ, careless sheets, movers, attendance.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd

import loftet_analysis as la
from loftet_analysis import names, paths, schema
from loftet_analysis.batch import results
from loftet_analysis.batch.release import Release, digests, held_back
from loftet_analysis.cleaning import store
from loftet_analysis.cleaning.careless import SAME, same_answer
from loftet_analysis.cleaning.prepare import first_cohort
from loftet_analysis.cleaning.response import by_day, response
from loftet_analysis.cleaning.sheets import REASON
from loftet_analysis.cleaning.units import study_units
from loftet_analysis.disclosure.gate import gate
from loftet_analysis.disclosure.mask import STEPS, decide
from loftet_analysis.show import school_pages
from loftet_analysis.show.session import kept_results
from loftet_analysis.study import Study, load_study

#: Numbers of which every step of rounding makes another; where they are said of a rounded change
#: (the estimate in SD, the ends of an interval), something that no step makes.
PROBES = {
    "change": 0.7264, "estimate": 1.7265, "change_ci_low": 0.1115, "mean_pre": 0.7264,
    "mean_post": 0.7264, "mean": 2.3267, "share": 0.7264,
}  # fmt: skip
#: Other choices than these give numbers that are not linear in the answers, and take long.
LINEAR = (
    "school_means", "all_schools", "equal_grades", "stayers", "school_weights", "register_weights",
    "linked_and_unlinked", "own_unit", "linked_unit", "average_unit", "school_effects", "naive",
    "cluster_school", "cluster_post_school", "cluster_network", "these_regions", "without_careless",
)  # fmt: skip
#: What pages show of answers beside the tables, by the name of their file.
PAGES = ("course", "histogram", "item_histogram")
#: What the pages of schools tell: of schools by wave, how these changed, and what stands beside it.
SCHOOL_PAGES = ("school_levels", "school_changes", "school_beside")
_STUDY = """\
title: {{nb: Tilfeldig, en: Random}}
languages: [nb]
disclosure: {profile}
waves: {{{waves}}}
schools: schools.csv
populations:
  pupils:
    instrument: pupils
    columns: {{school_id: skole, grade: trinn, gender: kjonn, submitted: tid}}
    values: {{gender: {{girl: [Jente], boy: [Gutt]}}}}
    link: {{by: code, column: kode}}
    files: {{{pupils}}}
  teachers:
    instrument: teachers
    columns: {{school_id: skole, role: deltar, submitted: tid}}
    values: {{role: {{participant: [Ja], colleague: [Nei]}}}}
    link: {{by: id, column: nummer}}
    files: {{{teachers}}}
    attendance: {{file: attendance.csv, id: nummer, columns: {{gatherings: antall}}}}
"""
_DATES = {
    "pre": ("2025-09-15", "2025-10-31"),
    "mid": ("2026-09-14", "2026-10-30"),
    "post": ("2027-09-13", "2027-10-29"),
}
_YEARS = {"pre": 0, "mid": 1, "post": 2}
_SCALES = {"pupils": ("joy", "effort"), "teachers": ("views", "practice")}
_ITEMS = 3


def _instrument(population: str, points: int) -> str:
    options = "".join(f"    {k}: {{nb: Svar {k}}}\n" for k in range(1, points + 1))
    text = f"responses:\n  agree:\n{options}scales:\n"
    for place, scale in enumerate(_SCALES[population]):
        text += f"  {scale}:\n    label: {{nb: {scale}}}\n    responses: agree\n    items:\n"
        for k in range(1, _ITEMS + 1):
            turned = ", reversed: true" if place else ""
            text += f"      {scale}_{k}: {{nb: Utsagn {scale} {k}."
            text += f"{turned}, columns: [{scale}{k}]}}\n"
    return text


class RandomStudy:
    """A study drawn from a seed, below a project folder of its own.

    Attributes
    ----------
    name : str
    clean : dict of str to DataFrame
        The clean frames: what an outsider does not see.
    points : int
        Answers run from 1 to it.
    behind : bool
        With cohorts: whether the later one has not been asked after yet.
    """

    def __init__(self, root: Path, seed: int, *, cohorts: bool = False) -> None:
        self.name = f"random{seed}" + ("c" if cohorts else "")
        self.root = root
        self.rng = np.random.default_rng(seed)
        self.points = int(self.rng.choice([4, 5, 6]))
        self.waves = ("pre", "mid", "post") if self.rng.random() < 0.3 else ("pre", "post")
        self.spread = self.rng.choice([0.25, 0.8, 1.1], p=[0.25, 0.4, 0.35])
        self.followed = self.rng.choice([0.5, 0.8, 0.95, 1.0])
        self.attrition = self.rng.choice([0.03, 0.15, 0.5])
        self.missing = self.rng.choice([0.0, 0.03, 0.1])
        self.careless = self.rng.choice([0.0, 0.03, 0.08])
        self.grades = sorted(
            self.rng.choice([5, 6, 7], int(self.rng.integers(1, 4)), replace=False).tolist()
        )
        self.large = self.rng.random() < 0.4
        self._draw_schools()
        self.behind, self.register["cohort"] = False, ""
        if cohorts:  # numbers of their own, so that the study is else what it is without
            rng = np.random.default_rng([seed, 1])
            later = rng.random(len(self.register)) < rng.choice([0.15, 0.4])
            later[rng.integers(len(later))] = True
            later[0] &= not later.all()
            self.behind = bool(rng.random() < 0.5)
            self.register["cohort"] = np.where(later, "2026", "2025")
        self._lay_out("internal")
        self._estimated: dict[str, str] | None = None  # without whom
        self.clean = {"pupils": self._pupils(), "teachers": self._teachers()}

    # the draw

    def _draw_schools(self) -> None:
        rows = []
        few = self.large  # schools of many people, or many schools
        for r in range(int(self.rng.integers(2, 4 if few else 7))):
            for s in range(int(self.rng.integers(2, 7 if few else 9))):
                size = float(np.exp(self.rng.normal(0, 0.9)))
                rows.append((f"{r + 1:02}{s + 1:02}", f"Skole {r}-{s}", f"Region {r + 1}", size))
        columns = ["school_id", "school", "region", "size"]
        self.register = pd.DataFrame(rows, columns=columns)
        self.register["slug"] = self.register["region"].str.lower().str.replace(" ", "-")
        self.register["level"] = self.rng.normal(0, 0.3, len(rows))
        self.register["slope"] = self.rng.normal(0.1, 0.25, len(rows))

    def _people(self, mean: float) -> pd.DataFrame:
        """Return a row per person of a school, with the level and slope of its answers."""
        total = self.register["size"].sum()
        n = self.rng.poisson(self.register["size"] / total * mean * len(self.register))
        people = self.register.loc[self.register.index.repeat(np.maximum(n, 1))]
        people = people.reset_index(drop=True)
        middle = (self.points + 1) / 2
        return people.assign(
            level=middle + people["level"] + self.rng.normal(0, self.spread, len(people)),
            slope=people["slope"] + self.rng.normal(0, self.spread / 3, len(people)),
        )

    def _sheets(self, population: str, people: pd.DataFrame) -> pd.DataFrame:
        """Return a sheet per person and wave answered: keys, items (turned already), scales."""
        parts = []
        for wave in self.waves:
            there = self.rng.random(len(people)) >= self.attrition
            part = people[there & people[f"in_{wave}"]].copy()
            y = part["level"] + part["slope"] * _YEARS[wave] / 2
            for scale in _SCALES[population]:
                for k in range(1, _ITEMS + 1):
                    drawn = y + self.rng.normal(0, self.spread * 0.7, len(part))
                    answer = drawn.round().clip(1, self.points)
                    part[f"{scale}_{k}"] = answer.where(self.rng.random(len(part)) >= self.missing)
            same = self.rng.random(len(part)) < self.careless
            ticked = self.rng.integers(1, self.points + 1, len(part))
            for place, scale in enumerate(_SCALES[population]):
                for k in range(1, _ITEMS + 1):
                    given = self.points + 1 - ticked if place else ticked
                    part[f"{scale}_{k}"] = part[f"{scale}_{k}"].mask(same, given)
                items = part[[f"{scale}_{k}" for k in range(1, _ITEMS + 1)]]
                part[scale] = items.mean(axis=1).where(items.notna().sum(axis=1) * 2 >= _ITEMS)
            if "grade" in part:
                part["grade"] = part["grade"] + _YEARS[wave]
                other = self.rng.random(len(part)) < 0.04  # movers, also to other regions
                to = self.register.iloc[self.rng.integers(0, len(self.register), len(part))]
                if wave != "pre":
                    for column in ("school_id", "slug"):
                        part[column] = np.where(other, to[column], part[column])
            parts.append(part.assign(wave=wave, submitted=pd.Timestamp(_DATES[wave][0])))
        sheets = pd.concat(parts, ignore_index=True).rename(columns={"region": "_"})
        sheets = self._within_cohorts(sheets)
        sheets = sheets.rename(columns={"slug": "region"})
        lost = self.rng.random(len(sheets)) >= self.followed
        sheets["person_id"] = sheets["person_id"].mask(lost)
        waves = sheets.groupby("person_id")["wave"].transform("nunique")
        state = np.select([lost, waves > 1], ["no_code", names.LINKED], "absent")
        instrument = self.study.populations[population].instrument
        careless = np.where(same_answer(sheets, instrument), SAME, "")
        own = [c for c in ("cohort", "grade", "gender", "role", "gatherings") if c in sheets]
        answers = [f"{s}_{k}" for s in _SCALES[population] for k in range(1, _ITEMS + 1)]
        sheets = sheets.assign(
            link_state=state, linked_by=np.where(lost, None, "code"), careless=careless,
            missing_share=0.0, seconds_per_item=9.0,
        )  # fmt: skip
        if "grade" in sheets:
            sheets["grade"] = sheets["grade"].astype("Int64")
        columns = ["person_id", "wave", "region", "school_id", *own, "submitted", "linked_by",
                   "link_state", "seconds_per_item", "missing_share", "careless", *answers,
                   *_SCALES[population]]  # fmt: skip
        return sheets.sort_values(["region", "school_id", "wave"], kind="stable")[
            columns
        ].reset_index(drop=True)

    def _within_cohorts(self, sheets: pd.DataFrame) -> pd.DataFrame:
        """Return the sheets as people of one cohort each, those that there are already."""
        cohort = sheets["school_id"].map(self.register.set_index("school_id")["cohort"])
        if not cohort.any():
            return sheets.drop(columns="cohort")
        there = ~(cohort.eq("2026") & sheets["wave"].eq("post") & self.behind)
        person = sheets["person_id"] + cohort.map({"2025": "", "2026": "b"})
        sheets = sheets.assign(cohort=cohort, person_id=person)
        return sheets[there].reset_index(drop=True)

    def _pupils(self) -> pd.DataFrame:
        people = self._people(float(self.rng.choice([30, 50] if self.large else [8, 16, 28])))
        n = len(people)
        # of each cohort some are new in a grade, so that the same grades are met every time
        cohort = self.rng.choice([g - d for g in self.grades for d in (0, 1, 2)], n)
        people = people.assign(
            person_id=[f"p{i:04}" for i in range(n)],
            gender=self.rng.choice(["girl", "boy"], n),
            grade=cohort,
        )
        for wave in self.waves:
            people[f"in_{wave}"] = (people["grade"] + _YEARS[wave]).between(5, 10)
        return self._sheets("pupils", people)

    def _teachers(self) -> pd.DataFrame:
        people = self._people(float(self.rng.choice([8, 14] if self.large else [3, 6])))
        n = len(people)
        role = np.where(self.rng.random(n) < 0.4, "participant", "colleague")
        gatherings = self.rng.integers(3, 11, n).astype(float)
        people = people.assign(
            person_id=[f"t{i:04}" for i in range(n)], role=role,
            gatherings=np.where(role == "participant", gatherings, np.nan),
        )  # fmt: skip
        return self._sheets("teachers", people.assign(**{f"in_{w}": True for w in self.waves}))

    # the study

    @property
    def study(self) -> Study:
        """The description, as it stands on disk."""
        return load_study(self.name)

    def _lay_out(self, profile: str) -> None:
        folder = paths.raw(self.name)
        (folder / "instruments").mkdir(parents=True, exist_ok=True)
        dates = ", ".join("{}: {{from: {}, to: {}}}".format(w, *_DATES[w]) for w in self.waves)
        if self.register["cohort"].any():
            later = dates
            for year in (2027, 2026, 2025):
                later = later.replace(f"{year}-", f"{year + 1}-")
            dates = f"2025: {{{dates}}}, 2026: {{{later}}}"
        files = {
            name: ", ".join(f"{w}: {{tool: table, file: {name}_{w}.csv}}" for w in self.waves)
            for name in _SCALES
        }
        text = _STUDY.format(profile=profile, waves=dates, **files)
        (folder / "study.yml").write_text(text, encoding="utf-8")
        for population in _SCALES:
            text = _instrument(population, self.points)
            (folder / "instruments" / f"{population}.yml").write_text(text, encoding="utf-8")
        register = self.register[["school_id", "school", "region", "cohort"]]
        register = register.assign(grades="1-10")
        size = np.ceil(self.register["size"] * 12).astype(int) + 4
        register = register.assign(invited_pupils=3 * size, invited_teachers=size)
        register.to_csv(folder / "schools.csv", index=False)

    def _settle(self, profile: str, clean: Mapping[str, pd.DataFrame]) -> None:
        """Write clean data with what is settled, as cleaning does."""
        self._lay_out(profile)
        study = self.study
        instruments = {name: each.instrument for name, each in study.populations.items()}
        counts, linkage, days = [], [], []
        for name, frame in clean.items():
            sheets = frame.assign(**{REASON: ""})
            counts.append(response(study, name, sheets, {}))
            days.append(by_day(name, sheets))
            states = frame.groupby(["region", "wave", "link_state"]).size().rename("n")
            states = states.reset_index().rename(columns={"link_state": "state"})
            linkage.append(states.assign(population=name)[list(schema.LINKAGE)])
        there = [*self.register[["slug", "cohort"]].drop_duplicates().itertuples(False, None)]
        states = {("post", "2026"): "to_come"} if self.behind else {}
        waves = [
            (name, wave, region, states.get((wave, cohort), "closed"), False, "", cohort)
            for name in clean
            for wave in self.waves
            for region, cohort in there
        ]
        told = pd.DataFrame(waves, columns=[*schema.WAVES, "cohort"])
        told = told if study.cohorts else told.drop(columns="cohort")
        prepared = store.Prepared(
            clean=dict(clean),
            set_aside={},
            values=pd.DataFrame(columns=["population"]),
            ledger=pd.DataFrame(columns=list(schema.LEDGER)),
            linkage=pd.concat(linkage),
            response=pd.concat(counts),
            waves=told,
            days=pd.concat(days),
            units=study_units(first_cohort(study, clean), instruments),
            mask=decide(study, clean),
        )
        store.write(prepared, study)

    def estimate(self) -> None:
        """Let the verbs of the notebooks run for every region and for the country."""
        for region in (*self.study.regions["region"], None):
            opened = la.open_study(self.name, region=region)
            people = {name: opened.read(name) for name in opened.populations}
            plans = {name: opened.plan(name) for name in people}
            effects = la.verdicts(pd.concat([la.estimates(people[n], plans[n]) for n in people]))
            opened.keep(effects=effects)
            opened.keep(
                variance=pd.concat([la.variance(people[n], opened[n]) for n in people]),
                sensitivity=pd.concat(
                    [
                        la.sensitivity(people[n], rows, plans[n], opened[n], only=LINEAR)
                        for n, rows in effects.groupby("population")
                    ]
                ),
            )
            if region is not None:
                kept = {
                    verb.__name__: pd.concat([verb(people[n], opened[n]) for n in people])
                    for verb in (la.attrition, la.items, la.reliability)
                }
                schools = pd.concat([la.school_effects(people[n], plans[n]) for n in people])
                opened.keep(**kept, schools=schools)
            folder = paths.clean(self.name) / "results" / opened.region / "made"
            folder.mkdir(parents=True, exist_ok=True)
            for name, rows in opened._kept.items():
                rows.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")

    def publish(self, profile: str, *, without: Mapping[str, str] | None = None) -> Path:
        """Return a folder of tables as published under a profile.

        Parameters
        ----------
        profile : {"internal", "school", "public"}
        without : mapping of str to person_id, optional
            By population, somebody who has withdrawn: the study is settled and estimated anew.
        """
        clean, without = dict(self.clean), dict(without or {})
        for name, person in without.items():
            stay = clean[name]["person_id"].ne(person).fillna(True)
            clean[name] = clean[name][stay].reset_index(drop=True)
        self._settle(profile, clean)
        if self._estimated != without:
            self.estimate()
            self._estimated = without
        results.gather(self.study)
        tables = paths.reports(self.name) / "tables"
        mask = store.read_table(self.name, "disclosure")
        places = [*self.study.regions["region"], names.NATIONAL]
        kept = {name: kept_results(self.name, name, places) for name in schema.KEPT}
        for name, rows in self._pages().items():
            kept[name] = rows
            shown = pd.DataFrame(gate(rows, mask, profile))
            shown.to_csv(tables / f"{name}.csv", index=False, float_format="%.12g")
        steps = tables.with_name("steps")
        steps.mkdir(exist_ok=True)
        for name, rows in kept.items():
            if rows is not None and {*PROBES} & {*rows}:
                self._probed(rows, mask, profile).to_csv(steps / f"{name}.csv", index=False)
        for name, (rows, of_pages, stricter) in self._school_pages().items():
            shown = pd.DataFrame(gate(rows, of_pages, stricter))
            shown.to_csv(tables / f"{name}.csv", index=False, float_format="%.12g")
            probed = self._probed(rows, of_pages, stricter)
            probed.to_csv(steps / f"{name}.csv", index=False)
        return tables

    def _school_pages(self) -> dict[str, tuple[pd.DataFrame, pd.DataFrame, str]]:
        """Return what the pages of schools put before the gate: rows, mask and profile."""
        asked: list[tuple[pd.DataFrame, pd.DataFrame, str]] = []

        def recorded(rows: pd.DataFrame, mask: pd.DataFrame, profile: str) -> object:
            if {"change", "estimate"} & {*rows}:
                asked.append((rows.reset_index(drop=True), mask, profile))
            return gate(rows, mask, profile)

        with mock.patch.object(school_pages, "gate", recorded):
            school_pages.told(la.open_study(self.name))
        levels, beside, changes, of_places = asked
        # levels of schools, and those of regions and the country, which have the stricter profile
        of_places = (pd.concat([beside[0], of_places[0]], ignore_index=True), *beside[1:])
        return dict(zip(SCHOOL_PAGES, (levels, changes, of_places), strict=True))

    def _probed(self, rows: pd.DataFrame, mask: pd.DataFrame, profile: str) -> pd.DataFrame:
        """Return how coarsely every number is rounded: what the gate makes of numbers of nobody.

        That follows from the rules, which are public, and from who is there.
        """
        probe, told = rows.copy(), {}
        for column, value in PROBES.items():
            if column in rows:
                there = rows[column].notna()
                if "contrast" in rows and column.startswith("mean_"):
                    # of shares the gate looks at the people behind them
                    there &= rows["contrast"].ne("share") & rows["estimand"].ne("share_below")
                probe.loc[there, column] = value
        # intervals that hide no row, since a step would be wider
        for column, value in (("change_ci_high", 9.0), ("ci_low", -9.0), ("ci_high", 9.0)):
            if column in rows:
                probe.loc[rows[column].notna(), column] = value
        shown = pd.DataFrame(gate(probe, mask, profile))
        for column in {*PROBES} & {*rows}:
            known = {round(round(PROBES[column] / step) * step, 6): step for step in STEPS}
            told[column] = shown[column].astype(float).round(6).map(known)
        if {"change", "change_ci_low"} <= {*told}:
            of_end = (PROBES["change_ci_low"] / told["change"]).round() * told["change"]
            own = (shown["change_ci_low"] - of_end).abs() < 1e-6
            told["change_ci_low"] = told["change"].where(own)
        return pd.DataFrame(told)

    def release_again(self, profile: str, gone: Mapping[str, str]) -> tuple[Path, Path]:
        """Return what a first release shows, and what a second one does after a withdrawal.

        As `loftet release` has it: blocks whose people differ by a few keep their first numbers;
        of those the second folder has no rows.

        Parameters
        ----------
        profile : {"internal", "school", "public"}
        gone : mapping of str to str
            By population, the `person_id` of somebody who has withdrawn.
        """
        first = self.root / "first"
        shutil.rmtree(first, ignore_errors=True)
        # pages of schools are no part of a release
        parts = shutil.ignore_patterns(*(f"{name}.csv" for name in SCHOOL_PAGES))
        shutil.copytree(self.publish(profile).parent, first, ignore=parts)
        before = self._released(1, profile)
        tables = self.publish(profile, without=gone)
        for name in SCHOOL_PAGES:
            (tables / f"{name}.csv").unlink()
        after, regions = self._released(2, profile), list(self.study.regions["region"])
        places = [*regions, names.NATIONAL]
        before.blocks.update({(r, name): 1 for r in places for name in self.clean})
        held = set()
        for name in self.clean:
            stand = held_back(after, [before], name, b"key", regions)
            if names.NATIONAL in stand and self._units(first / "tables") != self._units(tables):
                stand = {*places}
            held |= {(region, name) for region in stand}
        for path in tables.glob("*.csv"):
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            if names.POPULATION not in table or table.empty:
                continue
            region = table.get(names.REGION, pd.Series(names.NATIONAL, table.index))
            blocks = zip(region, table[names.POPULATION], strict=True)
            new = np.array([block not in held for block in blocks])
            for file in (path, tables.with_name("steps") / path.name):
                if file.exists():
                    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
                    rows[new].to_csv(file, index=False)
        return first / "tables", tables

    def _released(self, number: int, profile: str) -> Release:
        """Return how a release is remembered."""
        mask = store.read_table(self.name, "disclosure")
        people = {}
        for name, about in self.study.populations.items():
            groups = mask.loc[mask[names.POPULATION] == name, names.SUBGROUP].str.partition("=")
            groups = [g for g in groups.loc[groups[1] == "=", 0].unique() if g]
            people[name] = digests(store.read(self.name, name), about, groups, b"key")
        return Release(number, profile, "key", people=people, mask=mask)

    def _units(self, folder: Path) -> set[str]:
        return {*pd.read_csv(folder / "effects.csv", dtype=str)["sd_unit"].dropna()}

    def _pages(self) -> dict[str, pd.DataFrame]:
        parts: dict[str, list[pd.DataFrame]] = {name: [] for name in PAGES}
        for region in self.study.regions["region"]:
            opened = la.open_study(self.name, region=region)
            for name in opened.populations:
                frame = opened.read(name)
                parts["course"].append(la.course(frame, opened.plan(name)))
                parts["histogram"].append(la.histogram(frame, opened[name]))
                parts["item_histogram"].append(la.item_histogram(frame, opened[name]))
        found = {
            name: pd.concat([f for f in frames if len(f)], ignore_index=True)
            for name, frames in parts.items()
            if any(map(len, frames))
        }
        return found
