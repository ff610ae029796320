"""Pre/post analysis of teacher beliefs and pupil attitudes, region by region.

A notebook imports this package and nothing else of it::

    import loftet_analysis as la

    study = la.open_study("demo", region="nordland")
    pupils = study.read("pupils")                 # one row per pupil and wave
    plan = study.plan("pupils")                   # the estimates that were declared
    changes = la.verdicts(la.linked_change(la.pairs(pupils, plan), plan))
    study.show(la.gate(changes, study), la.answer)

``help(la.linked_change)`` says which columns go in and which come out; ``la.describe(frame)`` says
what each column means. The engine, which knows no school, is :mod:`loftet_analysis.stats`.
"""

from importlib import import_module
from importlib.metadata import version

__version__ = version("loftet-analysis")

#: The public names, and the module that each stands in. They are loaded at first use, so that the
#: command line starts fast.
_NAMES = {
    # a study, and what its columns mean
    "open_study": "show.session",
    "describe": "show.glossary",
    # answers arranged
    "pairs": "analysis.estimates",
    "histogram": "disclosure.histograms",
    "item_histogram": "disclosure.histograms",
    "attendance_histogram": "disclosure.histograms",
    # changes, levels, and what may be concluded
    "linked_change": "analysis.estimates",
    "same_grade": "analysis.estimates",
    "school_change": "analysis.estimates",
    "cohort_change": "analysis.estimates",
    "participants_vs_colleagues": "analysis.estimates",
    "programme_vs_comparison": "analysis.estimates",
    "level": "analysis.estimates",
    "course": "analysis.course",
    "dose": "analysis.estimates",
    "equity": "analysis.estimates",
    "estimates": "analysis.estimates",
    "verdicts": "analysis.verdicts",
    # around them
    "sensitivity": "analysis.sensitivity",
    "school_effects": "analysis.school_effects",
    "pool": "analysis.synthesis",
    "agreement": "analysis.agreement",
    "variance": "analysis.variance",
    "school_link": "analysis.school_link",
    "foreseen": "analysis.planning",
    "reliability": "analysis.reliability",
    "items": "analysis.reliability",
    # before there are data
    "assumptions": "analysis.planning",
    "planned": "analysis.planning",
    # who answered
    "arrivals": "analysis.response",
    "attrition": "analysis.response",
    "missing_answers": "analysis.response",
    "careless_signs": "analysis.response",
    # what may be seen
    "gate": "show.session",
    "answer": "show.sentences",
    "heading": "show.sentences",
    "explorer": "show.explore",
    "start": "batch.start",
}
#: Public modules: figures, tables and sentences of gated frames, the chain of cleaning, the engine.
_MODULES = {
    "figures": "show.figures",
    "tables": "show.tables",
    "sentences": "show.sentences",
    "chain": "cleaning.chain",
    "stats": "stats",
}
__all__ = ["__version__", *_NAMES, *_MODULES]


def __getattr__(name: str) -> object:
    if name in _NAMES:
        found = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    elif name in _MODULES:
        found = import_module(f"{__name__}.{_MODULES[name]}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
