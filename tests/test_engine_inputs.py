"""What comes into the engine: faults are named, labels are clusters, nothing is silently wrong."""

import time
import warnings
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from loftet_analysis.errors import InputError
from loftet_analysis.stats import (
    cr2,
    factor,
    meta,
    missing,
    mixed,
    ordinal,
    power,
    quantiles,
    reliability,
    shrinkage,
)
from loftet_analysis.stats.result import NotEstimableError, Result

RNG = np.random.default_rng(1)
N = 40
Y, SCHOOL = RNG.normal(3, 1, N), np.arange(N) % 8
WAVE = np.arange(N) // 8 % 2
CELL, REGION = SCHOOL * 10 + WAVE, SCHOOL % 3
X = np.column_stack([np.ones(N), WAVE, RNG.normal(size=N)])
ITEMS = RNG.normal(size=(N, 1)) + RNG.normal(size=(N, 4))
ONE_FACTOR = factor.model(4, 1, "configural", linked=False)
FIT = factor.fit(ONE_FACTOR, [factor.moments(ITEMS)])
GAPS = np.column_stack([Y, np.where(np.arange(N) % 5 == 0, np.nan, Y + 0.3)])
DESIGN = power.Design("linked_change", 10, 100, 0.04)
ESTIMATES, VARIANCES = np.array([0.1, 0.3, 0.6, 0.2]), np.array([0.01, 0.01, 0.02, 0.01])


def spoilt(values, value=np.nan):
    """The same with one value replaced, of floats or of objects."""
    values = np.array(values, dtype=float if isinstance(value, float) else object)
    values.flat[3] = value
    return values


def change(full):
    return cr2.mean(full[:, 1] - full[:, 0], SCHOOL)


# each function's arguments when all is well, and those of them that are arrays of numbers (which
# are then spoilt by NaN, by infinity and by a missing row) or labels (spoilt by a missing one)
CALLS = {
    "mean": (cr2.mean, {"values": Y, "cluster": SCHOOL}, ["values"], ["cluster"]),
    "contrast": (
        cr2.contrast,
        {
            "y": Y,
            "x": X[:, 1:],
            "c": [1, 0],
            "cluster": SCHOOL,
            "cells": SCHOOL * 2,
            "weights": np.full(N, 2.0),
            "counts": np.ones(N),
        },
        ["y", "x", "c", "weights", "counts"],
        ["cluster", "cells"],
    ),
    "correlation": (
        cr2.correlation,
        {"x": Y, "y": Y[::-1], "cluster": SCHOOL},
        ["x", "y"],
        ["cluster"],
    ),
    "standardise": (
        cr2.standardise,
        {"raw": cr2.mean(Y, SCHOOL), "sd": 1.2, "x": Y, "cluster": SCHOOL, "group": WAVE},
        ["x"],
        ["cluster", "group"],
    ),
    "change_over_cells": (
        cr2.change_over_cells,
        {"y": Y, "cell": np.zeros(N), "post": WAVE, "person": np.arange(N)},
        ["y", "post"],
        ["cell", "person"],
    ),
    "mixed": (
        mixed.fit,
        {"y": Y, "x": X[:, :2], "school": SCHOOL, "slope": X[:, 2]},
        ["y", "x", "slope"],
        ["school"],
    ),
    "random_effects": (meta.random_effects, {"y": ESTIMATES, "v": VARIANCES}, ["y", "v"], []),
    "moderators": (
        meta.random_effects,
        {"y": ESTIMATES, "v": VARIANCES, "x": X[:4, [0, 2]]},
        ["y", "v", "x"],
        [],
    ),
    "tau2_reml": (meta.tau2_reml, {"y": ESTIMATES, "v": VARIANCES}, ["y", "v"], []),
    "shrink": (shrinkage.shrink, {"y": ESTIMATES, "v": VARIANCES}, ["y", "v"], []),
    "inverse_probability": (
        missing.inverse_probability,
        {"was_linked": WAVE, "covariates": X[:, 2:]},
        ["was_linked"],
        [],
    ),
    "linked_and_unlinked": (
        missing.linked_and_unlinked,
        {"y": Y, "wave": WAVE, "cluster": SCHOOL},
        ["y", "wave"],
        ["cluster"],
    ),
    "imputed": (
        lambda **given: missing.imputed(
            **given, analyse=change, rng=np.random.default_rng(1), imputations=2
        ),
        {"y": GAPS, "x": np.ones((N, 1)), "school": SCHOOL},
        ["x"],
        ["school"],
    ),
    "effective_size": (missing.effective_size, {"weights": np.ones(N)}, ["weights"], []),
    "superiority_of_pairs": (
        ordinal.superiority_of_pairs,
        {"before": Y, "after": Y[::-1], "cluster": SCHOOL},
        ["before", "after"],
        ["cluster"],
    ),
    "superiority": (
        ordinal.superiority,
        {"before": Y, "after": Y + 0.1, "cluster_before": SCHOOL, "cluster_after": SCHOOL},
        ["before", "after"],
        ["cluster_before", "cluster_after"],
    ),
    "ordered_logit": (
        ordinal.ordered_logit,
        {"y": np.round(Y), "wave": WAVE, "cluster": REGION, "group": np.arange(N) // 20},
        ["y", "wave"],
        ["cluster", "group"],
    ),
    "mid_quantile": (
        quantiles.mid_quantile,
        {"y": Y, "weight": np.ones(N), "p": 0.5, "step": 0.25},
        ["y", "weight"],
        [],
    ),
    "scale_step": (quantiles.scale_step, {"y": Y}, ["y"], []),
    "kelley_contrast": (
        quantiles.kelley_contrast,
        {"z": Y, "low": Y < 3, "cluster": SCHOOL},
        ["z", "low"],
        ["cluster"],
    ),
    "variance_components": (
        quantiles.variance_components,
        {"n": np.full((6, 2), 5), "sums": RNG.normal(15, 3, (6, 2)), "squares": np.full(6, 200.0)},
        ["n", "sums", "squares"],
        [],
    ),
    "alpha": (reliability.alpha, {"complete": ITEMS}, ["complete"], []),
    "omega": (reliability.omega, {"complete": ITEMS}, ["complete"], []),
    "intraclass_correlation": (
        reliability.intraclass_correlation,
        {"values": Y, "cluster": SCHOOL},
        ["values"],
        ["cluster"],
    ),
    "moments": (factor.moments, {"answers": ITEMS}, ["answers"], []),
}
NUMBERS = [(name, each) for name, (_, _, numbers, _) in CALLS.items() for each in numbers]
LABELS = [(name, each) for name, (*_, labels) in CALLS.items() for each in labels]


@pytest.mark.parametrize("name", CALLS)
def test_what_is_right_is_taken(name):
    function, given, *_ = CALLS[name]
    assert function(**given) is not None


@pytest.mark.parametrize("value", [np.nan, np.inf, "a"])
@pytest.mark.parametrize(("name", "argument"), NUMBERS)
def test_numbers_must_be_finite(name, argument, value):
    function, given, *_ = CALLS[name]
    wrong = np.array(given[argument], dtype=object if value == "a" else float)
    wrong.flat[1] = value
    with pytest.raises(InputError):
        function(**given | {argument: wrong})


@pytest.mark.parametrize(("name", "argument"), NUMBERS + LABELS)
def test_dimensions_are_looked_at(name, argument):
    function, given, *_ = CALLS[name]
    with pytest.raises(InputError, match=r"shape|dimensions"):
        function(**given | {argument: np.array(given[argument])[None, None]})


@pytest.mark.parametrize(("name", "argument"), LABELS)
def test_no_label_may_be_missing(name, argument):
    function, given, *_ = CALLS[name]
    for wrong in (spoilt(given[argument]), spoilt(given[argument], None)):
        with pytest.raises(InputError, match=r"(?s)missing.*1 of .*place 3"):
            function(**given | {argument: wrong})
    coded = np.array(given[argument], dtype=int)
    coded[3] = -1
    with pytest.raises(InputError, match="missing"):
        function(**given | {argument: coded})


@pytest.mark.parametrize(
    ("name", "argument"),
    [each for each in NUMBERS + LABELS if len(CALLS[each[0]][2]) + len(CALLS[each[0]][3]) > 1],
)
def test_lengths_must_be_the_same(name, argument):
    function, given, *_ = CALLS[name]
    with pytest.raises(InputError, match=r"wrong length|do not fit"):
        function(**given | {argument: np.array(given[argument])[:-1]})


@pytest.mark.parametrize(
    ("name", "argument"),
    [("contrast", "weights"), ("contrast", "counts"), ("mid_quantile", "weight"),
     ("effective_size", "weights"), ("random_effects", "v"), ("tau2_reml", "v"), ("shrink", "v")],
)  # fmt: skip
def test_weights_counts_and_variances_are_positive(name, argument):
    function, given, *_ = CALLS[name]
    for value in (0.0, -1.0):
        with pytest.raises(InputError, match=rf"(?s){argument} out of range.*1 of .*{value}"):
            function(**given | {argument: spoilt(given[argument], value)})


@pytest.mark.parametrize("level", [95, 1.0, 0.0, -0.5, np.nan])
def test_a_confidence_level_lies_between_0_and_1(level):
    fit = meta.random_effects(ESTIMATES, VARIANCES)
    for call in (
        lambda: Result(0.1, 0.1, 9).interval(level),
        lambda: fit.prediction_interval(level),
        lambda: shrinkage.shrink(ESTIMATES, VARIANCES, ci_level=level),
        lambda: reliability.alpha(ITEMS, ci_level=level),
        lambda: reliability.omega(ITEMS, ci_level=level),
        lambda: missing.tipping_points(0.2, 0.05, 20, 0.6, 0.1, level),
    ):
        with pytest.raises(InputError, match=r"(?s)confidence level.*0\.95 for 95 %"):
            call()


def test_swapped_arguments_are_refused_at_once():
    start = time.perf_counter()
    y = np.random.default_rng(1).normal(size=20_000)
    with pytest.raises(InputError, match="y: wrong number of dimensions"):
        cr2.contrast(np.ones((20_000, 1)), y, [1], np.arange(20_000) % 9)
    with pytest.raises(InputError, match=r"(?s)x: wrong number.*reshape\(-1, 1\)"):
        cr2.contrast(y, y, [1], np.arange(20_000) % 9)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    "label",
    [lambda c: [f"school {k}" for k in c], lambda c: c * 1.5, lambda c: c + 987_654_321,
     lambda c: pd.Series([f"s{k}" for k in c]).astype("category"), lambda c: c - 20,
     lambda c: np.array([f"s{k}" for k in c], dtype=object)],
)  # fmt: skip
def test_labels_of_any_kind_are_clusters(label):
    labels = label(SCHOOL)
    one, other = cr2.mean(Y, SCHOOL), cr2.mean(Y, labels)
    assert (other.se, other.df, other.n_clusters) == (one.se, one.df, one.n_clusters)
    assert list(other.clusters) == sorted(set(labels))
    np.testing.assert_array_equal(other.scores, one.scores)
    in_cells = [
        cr2.contrast(Y, X[:, 1:], [1, 0], each, cells=label(CELL // 10))
        for each in (SCHOOL, labels)
    ]
    assert in_cells[0].se == in_cells[1].se
    kept = np.arange(N) % 8 != 2  # the unit rests on fewer clusters, in another order
    for raw, cluster in ((one, SCHOOL), (other, np.asarray(labels))):
        unit = cr2.standardise(raw, 1.2, Y[kept][::-1], cluster[kept][::-1])
        assert unit.se == pytest.approx(
            cr2.standardise(one, 1.2, Y[kept], SCHOOL[kept]).se, rel=1e-12
        )
    fits = [mixed.fit(Y, X[:, :2], each).contrast([0, 1]).se for each in (SCHOOL, labels)]
    assert fits[0] == pytest.approx(fits[1], rel=1e-9)
    assert reliability.intraclass_correlation(Y, labels) == pytest.approx(
        reliability.intraclass_correlation(Y, SCHOOL)
    )
    whole = ordinal.ordered_logit(np.round(Y), WAVE, labels)
    assert whole.se == pytest.approx(ordinal.ordered_logit(np.round(Y), WAVE, SCHOOL).se)


def test_a_unit_from_other_clusters_than_the_estimate_is_refused_and_new_ones_are_added():
    names = np.array(list("abcdefgh"))[SCHOOL]
    raw = cr2.mean(Y, names)
    with pytest.raises(InputError, match=r"(?s)other clusters.*a, b, c"):
        cr2.standardise(raw, 1.0, Y, np.char.add("school ", names))
    with pytest.raises(InputError, match="other clusters"):
        cr2.standardise(cr2.mean(Y, SCHOOL), 1.0, Y, names)
    more = np.where(np.arange(N) == 5, "new", names)
    found = cr2.standardise(raw, 1.0, Y, more)
    assert list(found.clusters) == [*"abcdefgh", "new"]
    assert found.scores[-1] != 0
    with pytest.raises(InputError, match=r"(?s)needs clusters.*counts as fixed"):
        cr2.standardise(Result(0.1, 0.1, 9), 1.0, Y, SCHOOL)
    assert cr2.standardise(Result(0.1, 0.2, 9), 2.0).se == 0.1
    for sd in (0, -1, np.nan):
        with pytest.raises(InputError, match="sd out of range"):
            cr2.standardise(raw, sd)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e8])
@pytest.mark.parametrize("with_cells", [False, True])
def test_a_slope_does_not_hang_on_where_its_column_begins(offset, with_cells):
    cells = SCHOOL if with_cells else None
    x = X[:, 1:] if with_cells else X
    c = np.eye(x.shape[1])[-1]
    plain = cr2.contrast(Y, x, c, SCHOOL, cells=cells, weights=1 + Y**2)
    moved = x + offset * c + (offset * np.outer(SCHOOL, c) if with_cells else 0)
    found = cr2.contrast(Y, moved, c, SCHOOL, cells=cells, weights=1 + Y**2)
    rel = max(1e-9, offset * 1e-14)
    assert [found.estimate, found.se, found.df] == pytest.approx(
        [plain.estimate, plain.se, plain.df], rel=rel
    )


def test_the_height_of_the_line_far_from_its_data_is_that_of_the_line():
    far = X[:, [0, 2]] + [0, 1e5]
    found = cr2.contrast(Y, far, [1, 1e5], SCHOOL)
    plain = cr2.contrast(Y, X[:, [0, 2]], [1, 0], SCHOOL)
    assert [found.estimate, found.se] == pytest.approx([plain.estimate, plain.se], rel=1e-6)


@pytest.mark.parametrize("cells", [None, SCHOOL])
def test_a_column_without_any_slope_of_its_own_is_not_estimable_however_far_away(cells):
    for height in (1e-6, 0.1, 1e6 / 3):
        x = np.column_stack([np.ones(N), np.full(N, height)])[:, (cells is not None) :]
        with pytest.raises(NotEstimableError, match="not_estimable"):
            cr2.contrast(Y, x, np.eye(x.shape[1])[-1], SCHOOL, cells=cells)


@pytest.mark.parametrize("seed", range(40))
def test_an_exact_fit_has_no_variance(seed):
    rng = np.random.default_rng(seed)
    n, q = int(rng.integers(60, 400)), int(rng.integers(1, 4))
    cluster = np.r_[0:6, rng.integers(0, 6, n - 6)]
    x = rng.normal(size=(n, q)) * 10.0 ** rng.integers(-3, 4, q) + rng.choice([0, 1, 10, 1000], q)
    beta = rng.normal(size=q) * 10.0 ** rng.integers(-3, 4)
    cells = cluster * 3 + rng.integers(0, 3, n)
    y = x @ beta
    weights = rng.uniform(0.2, 3, n) if seed % 2 else None
    with_constant = np.column_stack([x, np.ones(n)])
    for answers, columns, nested in (
        (y, x, None),
        (y + rng.normal(size=18)[cells] * 100, x, cells),
        (y + 1e4, with_constant, None),
    ):
        c = np.eye(columns.shape[1])[0]
        with pytest.raises(NotEstimableError, match="no_variance"):
            cr2.contrast(answers, columns, c, cluster, cells=nested, weights=weights)
    noisy = y + 1e-6 * np.abs(y).max() * rng.normal(size=n)
    assert cr2.contrast(noisy, with_constant, np.eye(q + 1)[0], cluster, weights=weights).se > 0
    with pytest.raises(NotEstimableError, match="no_variance"):
        mixed.fit(y + 1e4, with_constant, cluster)


@pytest.mark.parametrize("function", [cr2.mean, cr2.contrast, ordinal.superiority_of_pairs])
def test_nobody_is_no_estimate(function):
    empty = {
        cr2.mean: ([], []),
        cr2.contrast: ([], np.empty((0, 1)), [1], []),
        ordinal.superiority_of_pairs: ([], [], []),
    }[function]
    with pytest.raises(NotEstimableError, match="no_answers"):
        function(*empty)


def test_covariates_are_finite():
    for value in (np.inf, np.nan):
        with pytest.raises(InputError, match="covariates not finite"):
            missing.inverse_probability(WAVE, spoilt(X[:, 2:], value))
    with pytest.raises(InputError, match="neither 0 nor 1"):
        missing.inverse_probability(WAVE * 2, X[:, 2:])


def test_schools_are_codes_of_the_register():
    with pytest.raises(InputError, match="not codes"):
        missing.register_weights(SCHOOL.astype(str), [9] * 8)


def test_imputations_are_pooled_only_where_there_are_some():
    good = Result(0.1, 0.2, 9.0, 8)
    with pytest.raises(InputError, match="too few imputations"):
        missing.pool_imputations([good])
    for wrong in (Result(np.nan, 0.2, 9.0), Result(0.1, np.nan, 9.0), Result(0.1, 0.2, np.nan)):
        with pytest.raises(InputError):
            missing.pool_imputations([good, wrong])
    with pytest.raises(InputError, match="imputations out of range"):
        missing.imputed(GAPS, X, SCHOOL, change, rng=np.random.default_rng(1), imputations=1)


def test_tipping_points_are_of_an_estimate():
    good = {"estimate": 0.2, "se": 0.05, "df": 20, "share_linked": 0.6, "sesoi": 0.1}
    for key, value in (
        ("estimate", np.nan), ("se", 0), ("se", np.nan), ("df", -1), ("df", np.nan),
        ("share_linked", 1.4), ("share_linked", np.nan), ("sesoi", -0.1),
    ):  # fmt: skip
        with pytest.raises(InputError):
            missing.tipping_points(**good | {key: value})


def test_covariates_that_are_compared_are_numbers():
    frame = pd.DataFrame({"a": np.arange(6.0), "b": list("uvwxyz")})
    with pytest.raises(InputError, match="b: not numbers"):
        missing.standardised_differences([1, 1, 1, 0, 0, 0], frame)
    with pytest.raises(InputError, match="was_linked"):
        missing.standardised_differences([1, 1, 1, 0, 0], frame[["a"]])


@pytest.mark.parametrize(("p", "step"), [(0, 0.25), (1, 0.25), (np.nan, 0.25), (0.5, 0), (50, 1)])
def test_a_quantile_needs_a_share_and_a_step(p, step):
    with pytest.raises(InputError, match="out of range"):
        quantiles.mid_quantile(Y, np.ones(N), p, step)


def test_factor_models_and_samples_must_fit_each_other():
    for wrong in (
        {"level": "weak"}, {"n_items": 0}, {"n_occasions": 0}, {"free": [7]},
        {"free_loadings": [-1]},
    ):  # fmt: skip
        with pytest.raises(InputError, match="no such factor model"):
            factor.model(
                **{"n_items": 4, "n_occasions": 2, "level": "metric", "linked": True} | wrong
            )
    two = factor.model(4, 2, "metric", linked=False)
    for samples in ([factor.moments(ITEMS)], [factor.moments(ITEMS)] * 3,
                    [factor.moments(ITEMS[:, :3])] * 2):  # fmt: skip
        with pytest.raises(InputError, match="samples and groups"):
            factor.fit(two, samples)
    for answers in ([ITEMS, ITEMS], [ITEMS[:, :3]], [spoilt(ITEMS)]):
        with pytest.raises(InputError):
            factor.influence(ONE_FACTOR, FIT, answers, 0)
    with pytest.raises(NotEstimableError, match="no_answers"):
        factor.moments(np.empty((0, 3)))


@pytest.mark.parametrize("value", [80, 0, 1, np.nan, -0.2])
def test_power_is_a_probability(value):
    with pytest.raises(InputError, match="power out of range"):
        power.mdes(DESIGN, value)
    with pytest.raises(InputError, match="power out of range"):
        power.schools_needed(DESIGN, 0.2, value)


@pytest.mark.parametrize("effect", [0, np.nan, np.inf])
def test_a_number_of_schools_needs_an_effect(effect):
    with pytest.raises(InputError, match="no effect"):
        power.schools_needed(DESIGN, effect)


def test_a_contrast_is_of_something():
    fit = mixed.fit(Y, X, SCHOOL)
    for call in (lambda c: cr2.contrast(Y, X, c, SCHOOL), fit.contrast):
        with pytest.raises(InputError, match="a contrast of nothing"):
            call([0, 0, 0])
        with pytest.raises(InputError, match=r"(?s)c: wrong length.*2.*3"):
            call([0, 1])
    with pytest.raises(NotEstimableError, match="no_answers"):
        missing.effective_size([])


def test_an_ordered_logit_takes_answer_points():
    for wrong in (Y, np.arange(N) * 3 + 0.5):
        with pytest.raises(InputError, match=r"(?s)no scale of answer points.*round"):
            ordinal.ordered_logit(wrong, WAVE, SCHOOL)
    many = np.arange(4000)
    with pytest.raises(InputError, match="at most 100"):
        ordinal.ordered_logit(many, many % 2, many % 8)


@pytest.mark.parametrize("name", [field.name for field in fields(power.Design)][1:])
def test_a_design_has_no_unknown_numbers(name):
    with pytest.raises(InputError, match=rf"{name} is out of range"):
        replace(DESIGN, **{name: np.nan})


def test_no_check_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function, given, *_ in CALLS.values():
            function(**given)


#: What no array of numbers and no labels can be, whatever the function.
NEVER_NUMBERS = {
    "words": ["a", "b"] * (N // 2),
    "numbers as text": [*map(str, range(N))],
    "a word among objects": [*range(N - 1), "x"],
    "dates": np.full(N, np.datetime64("2025-01-01")),
    "complex": np.ones(N) * 1j,
    "infinite": np.full(N, np.inf),
    "too large to square": np.full(N, 1e200),
    "nothing": None,
    "a number": 3.0,
    "lists": [[1], [2, 3]],
    "a mapping": {"a": 1},
    "empty": [],
}
NEVER_LABELS = ("lists", "a mapping", "a number", "complex", "infinite", "empty")
OPTIONAL = {("contrast", "weights"), ("contrast", "counts"), ("contrast", "cells"),
            ("standardise", "x"), ("standardise", "group"), ("mixed", "slope"),
            ("moderators", "x"), ("ordered_logit", "group")}  # fmt: skip


@pytest.mark.parametrize(("name", "argument"), NUMBERS)
@pytest.mark.parametrize("kind", NEVER_NUMBERS)
def test_what_is_no_column_of_numbers_is_refused(name, argument, kind):
    function, given, *_ = CALLS[name]
    if kind == "nothing" and (name, argument) in OPTIONAL:
        return
    if kind == "empty" and name in ("alpha", "omega"):
        assert function(**{**given, argument: np.empty((0, 4))}) == {}
        return
    with pytest.raises((InputError, NotEstimableError)):
        function(**{**given, argument: NEVER_NUMBERS[kind]})


@pytest.mark.parametrize(("name", "argument"), LABELS)
@pytest.mark.parametrize("kind", NEVER_LABELS)
def test_what_are_no_labels_is_refused(name, argument, kind):
    function, given, *_ = CALLS[name]
    with pytest.raises((InputError, NotEstimableError)):
        function(**{**given, argument: NEVER_NUMBERS[kind]})


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one_row_give_no_estimate(name, n):
    function, given, numbers, labels = CALLS[name]
    arrays = {key: np.asarray(given[key])[:n] for key in (*numbers, *labels)}
    try:
        found = function(**{**given, **arrays})
    except (InputError, NotEstimableError):
        return
    # what only describes its rows may describe one, or say that there is nothing
    assert not isinstance(found, Result)
    assert name not in ("shrink", "random_effects", "moderators")


@pytest.mark.parametrize("level", [95, 0, 1, -0.5, np.nan, np.inf, None, "0.95", [0.95]])
def test_a_level_is_a_number_between_0_and_1(level):
    for function, given in (
        (shrinkage.shrink, {"y": ESTIMATES, "v": VARIANCES}),
        (reliability.alpha, {"complete": ITEMS}),
    ):
        with pytest.raises(InputError, match="confidence level out of range"):
            function(**given, ci_level=level)
    with pytest.raises(InputError, match="confidence level out of range"):
        Result(0.1, 0.1, 10).interval(level)


@pytest.mark.parametrize(
    ("y", "v"),
    [([0.1, 0.2], [0.1, 0.1]), ([0.1] * 3, [0.1, 0, 0.1]), ([0.1] * 3, [1e-320] * 3), ([], [])],
)
def test_two_schools_and_variances_of_zero_are_not_shrunk(y, v):
    with pytest.raises(InputError):
        shrinkage.shrink(y, v)


def test_waves_with_clusters_of_different_kinds_are_refused():
    with pytest.raises(InputError, match="different kinds"):
        ordinal.superiority(Y, Y + 0.1, SCHOOL, SCHOOL.astype(str))
