"""What comes into the engine is checked here, in few steps, since some of it runs very often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from loftet_analysis.errors import InputError

Floats = NDArray[np.floating]
Codes = NDArray[np.intp]
LARGEST_CODE = 1_000_000  # beyond it an integer is a label: arrays up to it would be too long
LARGEST, SMALLEST = 1e150, 1e-150  # of what lies outside, squares are infinite or zero


def refuse(what: str, found: object = "", allowed: str = "", todo: str = "") -> InputError:
    """Return the error of one problem."""
    return InputError(what, found=str(found), allowed=allowed, todo=todo)


def numbers(
    name: str,
    values: ArrayLike,
    n: int | None = None,
    *,
    ndim: int = 1,
    above: float = -np.inf,
    least: float = -np.inf,
    gaps: bool = False,
) -> Floats:
    """Return finite numbers of `ndim` dimensions, `n` along the first.

    Parameters
    ----------
    name : str
        What the caller calls them.
    values : array-like
    n : int, optional
        Length; any by default.
    ndim : int, default 1
    above, least : float, optional
        Every number is above the one and not below the other.
    gaps : bool, default False
        Whether NaN stands for what is missing.

    Raises
    ------
    InputError

    Examples
    --------
    >>> numbers("weights", [1, -2], above=0)
    Traceback (most recent call last):
    loftet_analysis.errors.InputError: weights out of range
        found:   1 of 2, the first at place 1: -2.0
        allowed: numbers above 0
    """
    try:
        given = np.asarray(values)
        # words and dates would turn to numbers too
        if given.dtype.kind not in "iufbO" or _has_words(given):
            raise ValueError
        array = given.astype(float, copy=False)
    except (TypeError, ValueError):
        raise refuse(f"{name}: not numbers", f"{values!r:.60}", "finite numbers") from None
    _check_shape(name, array, n, ndim)
    # a sum is finite and small only where all numbers are, and costs little
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum()
    if not abs(total) < LARGEST:
        wrong = np.isinf(array) if gaps else ~np.isfinite(array)
        allowed = "finite numbers, or NaN where missing" if gaps else "finite numbers"
        _refuse_where(name, array, wrong, "not finite", allowed)
        _refuse_where(name, array, np.abs(array) > LARGEST, "too large", f"up to {LARGEST:g}")
    lowest = array.min(initial=np.inf) if above > -np.inf or least > -np.inf else np.inf
    if not (lowest > above and lowest >= least):
        strict = above > -np.inf
        allowed = f"numbers above {above:g}" if strict else f"numbers of {least:g} and more"
        _refuse_where(name, array, (array <= above) | (array < least), "out of range", allowed)
    if above == 0 and lowest < SMALLEST:
        _refuse_where(name, array, array < SMALLEST, "out of range", "numbers above 0")
    return array


def _has_words(array: NDArray[Any]) -> bool:
    """Return whether an array of objects holds texts."""
    return array.dtype.kind == "O" and any(isinstance(each, str | bytes) for each in array.flat)


def number(
    name: str, value: float, *, above: float = -np.inf, below: float = np.inf, todo: str = ""
) -> float:
    """Return one number that lies strictly between two.

    Examples
    --------
    >>> number("step", -1, above=0)
    Traceback (most recent call last):
    loftet_analysis.errors.InputError: step out of range
        found:   -1
        allowed: a number between 0 and inf
    """
    is_number = isinstance(value, int | float | np.number) and not np.iscomplexobj(value)
    if not is_number or not above < value < min(below, LARGEST):
        allowed = f"a number between {above:g} and {below:g}"
        raise refuse(f"{name} out of range", f"{value!s:.60}", allowed, todo)
    return value


def check_level(level: float) -> None:
    """Raise an error where a confidence level does not lie strictly between 0 and 1.

    Examples
    --------
    >>> check_level(95)
    Traceback (most recent call last):
    loftet_analysis.errors.InputError: confidence level out of range
        found:   95
        allowed: a number between 0 and 1
        to do:   write 0.95 for 95 %
    """
    number("confidence level", level, above=0, below=1, todo="write 0.95 for 95 %")


def contrast_vector(c: ArrayLike, n: int) -> Floats:
    """Return the contrast of `n` coefficients, not all of it zero."""
    c = numbers("c", c, n)
    if not (np.abs(c) > SMALLEST).any():
        raise refuse("c: a contrast of nothing", "zeros only", "a number that is not zero")
    return c


def clusters(name: str, values: ArrayLike, n: int) -> tuple[Codes, NDArray[Any] | None]:
    """Return codes from 0 of labels without gaps, and the labels in their order.

    Integers from 0 are codes already (codes without rows are allowed), and there are no labels
    then; everything else, and integers too large for codes, is numbered in sorted order.

    Examples
    --------
    >>> clusters("cluster", ["b", "a", "b"], 3)
    (array([1, 0, 1]), array(['a', 'b'], ...))
    >>> clusters("cluster", [3, 0, 3], 3)
    (array([3, 0, 3]), None)
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise refuse(f"{name}: not labels", f"{values!r:.60}", "a label for every row") from None
    _check_shape(name, array, n, 1)
    if array.dtype.kind == "c":
        raise refuse(f"{name}: not labels", "complex numbers", "a label for every row")
    if array.dtype.kind == "f":
        _refuse_where(name, array, np.isinf(array), "not finite", "codes from 0, or labels")
    if array.dtype.kind in "iub" and array.size:
        least, largest = array.min(), array.max()
        if least == -1:  # what pandas gives a missing label for a code
            _refuse_where(name, array, array < 0, "missing", "codes from 0, or labels")
        if least >= 0 and largest < LARGEST_CODE:
            return array.astype(np.intp, copy=False), None
    try:
        codes, labels = pd.factorize(array, sort=True)
    except TypeError:  # lists
        raise refuse(f"{name}: not labels", f"{values!r:.60}", "a label for every row") from None
    if codes.min(initial=0) < 0:
        _refuse_where(name, array, codes < 0, "missing", "a label for every row")
    return codes.astype(np.intp, copy=False), labels


def flags(name: str, values: ArrayLike, n: int | None = None) -> NDArray[np.bool_]:
    """Return what is 0 or 1 as truth values.

    Examples
    --------
    >>> flags("wave", [0, 1, 1.0])
    array([False,  True,  True])
    """
    array = numbers(name, values, n)
    _refuse_where(name, array, (array != 0) & (array != 1), "neither 0 nor 1", "0 or 1")
    return array == 1


def _check_shape(name: str, array: NDArray[Any], n: int | None, ndim: int) -> None:
    if array.ndim != ndim:
        wanted = "one dimension" if ndim == 1 else f"{ndim} dimensions"
        todo = "reshape(-1, 1) makes a column" if ndim == 2 and array.ndim == 1 else ""
        raise refuse(f"{name}: wrong number of dimensions", f"shape {array.shape}", wanted, todo)
    if n is not None and len(array) != n:
        raise refuse(f"{name}: wrong length", len(array), f"{n}")


def _refuse_where(
    name: str, array: NDArray[Any], wrong: NDArray[np.bool_], how: str, allowed: str
) -> None:
    """Raise an error that counts what is wrong and shows the first of it."""
    places = np.argwhere(wrong)
    if not len(places):  # finite numbers whose sum is not
        return
    first = tuple(places[0].tolist())
    at = first[0] if len(first) == 1 else first
    found = f"{len(places)} of {array.size}, the first at place {at}: {array[first]}"
    raise refuse(f"{name} {how}", found, allowed)
