"""What a study asks one population: what the verbs on clean frames need to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loftet_analysis import names
from loftet_analysis.study.instrument import Instrument, Scale
from loftet_analysis.study.plan import plan
from loftet_analysis.study.study import GATHERINGS, Study


@dataclass(frozen=True)
class Questionnaire:
    """The questionnaire of one population, in one region or in all of them.

    Attributes
    ----------
    population : str
    region : str
        A slug, or ``national``.
    instrument : Instrument or None
        None where the study does not ask this population.
    by : tuple of str
        Columns whose groups get rows of their own in tables of measurement.
    roles_apart : bool
        Whether participants and colleagues are told apart wherever answers are counted.
    gender : str
        The gender whose share is compared between groups; empty where there is none.
    most : float
        The largest possible number of gatherings.
    limit : int
        Fewest people in a bin of a histogram.
    invited : mapping of str to float
        How many were invited before at each school, where the register says it.
    """

    population: str
    region: str = names.NATIONAL
    instrument: Instrument | None = None
    by: tuple[str, ...] = ()
    roles_apart: bool = False
    gender: str = ""
    most: float = GATHERINGS
    limit: int = 1
    invited: Mapping[str, float] = field(default_factory=dict)

    @property
    def place(self) -> dict[str, str]:
        """The columns that tell where a row belongs."""
        return {names.REGION: self.region, names.POPULATION: self.population}

    @property
    def scales(self) -> dict[str, Scale]:
        """The scales by name."""
        return {} if self.instrument is None else dict(self.instrument.scales)

    @property
    def own(self) -> Instrument:
        """The instrument, of a population that the study asks."""
        if self.instrument is None:
            raise LookupError(f"{self.population} are not asked")
        return self.instrument

    def asked(self, wave: str) -> list[str]:
        """Return the scales that are asked in a wave."""
        return [name for name, scale in self.scales.items() if wave in scale.waves]


def questionnaire(study: Study, population: str, region: str, limit: int) -> Questionnaire:
    """Return the questionnaire of a population as a study describes it."""
    if population not in study.populations:
        return Questionnaire(population, region, limit=limit)
    about = study.populations[population]
    rows = plan(study)
    invited = study.invited_by_school(population, names.PRE).dropna().astype(float)
    if region != names.NATIONAL:
        here = study.schools.loc[study.schools[names.REGION] == region, names.SCHOOL]
        invited = invited[invited.index.isin(here)]
    planned = set(rows.loc[rows[names.POPULATION] == population, names.ESTIMAND])
    return Questionnaire(
        population,
        region,
        about.instrument,
        by=tuple(c for c in (names.GRADE, names.ROLE) if c in about.columns),
        roles_apart="participants_vs_colleagues" in planned,
        gender=next(iter(study.groups(population, names.GENDER)), ""),
        most=about.gatherings,
        limit=limit,
        invited=invited.to_dict(),
    )
