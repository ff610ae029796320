"""The fifteen regions of the demo study and their invented schools: what no draw changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from zlib import crc32

import numpy as np

from loftet_analysis.errors import Problem, refuse_any

PARTICIPANTS = 30

# slug, the county's official name in all its languages, county number, and an invented number: how
# many hours participants travel to a gathering, on average
_COUNTIES = (
    ("oslo", "Oslo - Oslove", "03", 0.4),
    ("rogaland", "Rogaland", "11", 1.0),
    ("more-og-romsdal", "Møre og Romsdal", "15", 1.8),
    ("nordland", "Nordland - Nordlánnda", "18", 2.9),
    ("ostfold", "Østfold", "31", 0.7),
    ("akershus", "Akershus", "32", 0.6),
    ("buskerud", "Buskerud", "33", 1.1),
    ("innlandet", "Innlandet", "34", 1.7),
    ("vestfold", "Vestfold", "39", 0.6),
    ("telemark", "Telemark", "40", 1.2),
    ("agder", "Agder", "42", 1.0),
    ("vestland", "Vestland", "46", 2.1),
    ("trondelag", "Trøndelag - Trööndelage", "50", 1.6),
    ("troms", "Troms - Romsa - Tromssa", "55", 2.2),
    ("finnmark", "Finnmark - Finnmárku - Finmarkku", "56", 3.3),
)
_NYNORSK = ("more-og-romsdal", "vestland")

# schools of grades 1-7, 8-10 and 1-10, by the region's place in the list
_STRUCTURES = ((6, 2, 3), (7, 3, 2), (6, 2, 2), (6, 3, 2))

# mathematical words: names like these cannot be a real place's
_STEMS = (
    "Abakus", "Akse", "Algebra", "Brøk", "Desimal", "Diagonal", "Divisor", "Ellipse", "Faktor",
    "Femkant", "Fraktal", "Graf", "Hyperbel", "Kjegle", "Koordinat", "Kvadrat", "Kube", "Kurve",
    "Logaritme", "Median", "Modulus", "Nevner", "Origo", "Parabel", "Polygon", "Potens", "Primtall",
    "Prisme", "Produkt", "Radius", "Rombe", "Sekant", "Sirkel", "Sum", "Symmetri", "Tangens",
    "Teller", "Terning", "Trekant", "Vinkel",
)  # fmt: skip
_ENDINGS = ("bakken", "berget", "dalen", "haugen", "lia", "moen", "nes", "sletta", "vik", "åsen")


@dataclass(frozen=True)
class School:
    """An invented school.

    Attributes
    ----------
    school_id : str
        Nine digits in the form of an organisation number (see `school_id`).
    name, municipality : str
    grades : str
        ``1-7``, ``8-10`` or ``1-10``.
    feeds : int
        Place in the region's list of the school in which its pupils begin grade 8 (its own
        place for a school that has that grade).
    participants : int
        Teachers who take part in the programme.
    colleagues : int
        The fewest other teachers of mathematics.
    """

    school_id: str
    name: str
    municipality: str
    grades: str
    feeds: int
    participants: int
    colleagues: int

    @property
    def primary(self) -> bool:
        """Whether the school teaches grades 5-7."""
        return self.grades != "8-10"

    @property
    def lower_secondary(self) -> bool:
        """Whether the school teaches grades 8-10."""
        return self.grades != "1-7"


@dataclass(frozen=True)
class Region:
    """A region: slug, official name, county number, schools, hours of travel, times the size."""

    slug: str
    name: str
    county: str
    schools: tuple[School, ...]
    travel: float
    size: int = 1


def school_id(county: str, number: int) -> str:
    """Return an invented organisation number with a valid check digit.

    Numbers in use begin with 8 or 9 (the register's own rule), those of the authorities'
    synthetic test units with 2 or 3; these begin with 1, then the county's number. The check
    digit is the register's: weights 3 2 7 6 5 4 3 2, modulus 11. A number whose check digit
    would be 10 does not exist; the next one is taken.

    Examples
    --------
    >>> school_id("18", 1)
    '118000110'
    """
    start, weights = f"1{county}{number:04d}", (3, 2, 7, 6, 5, 4, 3, 2)
    rest = -sum(int(d) * w for d, w in zip(f"{start}1", weights, strict=True)) % 11
    return f"{start}1{rest}" if rest != 10 else f"{start}28"  # two less than 10, modulo 11


def _schools(place: int, slug: str, county: str, size: int) -> tuple[School, ...]:
    """Return the schools of a region: ``size`` times the same ones on paper.

    Only at the first ones are there participants; the others have so many colleagues more.
    """
    n_primary, n_lower, n_both = _STRUCTURES[place % len(_STRUCTURES)]
    grades = ["1-7"] * n_primary + ["8-10"] * n_lower + ["1-10"] * n_both
    word = "skule" if slug in _NYNORSK else "skole"
    kind = {"1-7": word, "8-10": f"ungdoms{word}", "1-10": f"barne- og ungdoms{word}"}
    names = np.random.default_rng(crc32(b"names")).permutation(
        [f"{stem}{ending}" for stem in _STEMS for ending in _ENDINGS]
    )
    names = names[place * 20 : (place + 1) * 20]
    # a municipality is a school of grades 8-10 with the schools that feed it, or a 1-10 school
    feeds = [n_primary + i % n_lower if grade == "1-7" else i for i, grade in enumerate(grades)]
    places, extra = divmod(PARTICIPANTS, len(grades))
    largest = sorted(range(len(grades)), key=lambda i: (grades[i] == "1-7", i))[:extra]
    fewest = {"1-7": 5, "8-10": 5, "1-10": 7}
    schools = []
    for copy in range(size):
        first, numeral = copy * len(grades), f" {copy + 1}" if copy else ""
        for i, grade in enumerate(grades):
            taught = places + (i in largest)
            schools.append(
                School(
                    school_id=school_id(county, first + i + 1),
                    name=f"{names[i]} {kind[grade]}{numeral}",
                    municipality=f"{names[19 - (feeds[i] - n_primary)]}{numeral}",
                    grades=grade,
                    feeds=first + feeds[i],
                    participants=0 if copy else taught,
                    colleagues=fewest[grade] + (taught if copy else 0),
                )
            )
    return tuple(schools)


@cache
def regions(size: int = 1) -> tuple[Region, ...]:
    """Return the fifteen regions, in the order of their county numbers.

    Parameters
    ----------
    size : int
        How many times as many schools as in the demo: 15 make about as many as Norway has.

    Examples
    --------
    >>> [sum(len(region.schools) for region in regions(size)) for size in (1, 15)]
    [165, 2475]
    """
    return tuple(
        Region(slug, name, county, _schools(place, slug, county, size), travel, size)
        for place, (slug, name, county, travel) in enumerate(_COUNTIES)
    )


def chosen(slugs: Sequence[str] | None, size: int = 1) -> tuple[Region, ...]:
    """Return the regions with these slugs in the list's order; all of them for None.

    Raises
    ------
    InputError
        For slugs that are no region of the demo.
    """
    known = {region.slug: region for region in regions(size)}
    wanted = list(known) if slugs is None else list(slugs)
    unknown = [slug for slug in wanted if slug not in known] if wanted else ["(none)"]
    refuse_any(
        Problem("unknown region", slug, ", ".join(known), "the demo study") for slug in unknown
    )
    return tuple(region for slug, region in known.items() if slug in wanted)


def following(region: Region) -> Region:
    """Return the region that those who leave ``region`` move to."""
    ring = regions(region.size)
    return ring[(ring.index(region) + 1) % len(ring)]


def preceding(region: Region) -> Region:
    """Return the region from which people move to ``region``."""
    ring = regions(region.size)
    return ring[ring.index(region) - 1]
