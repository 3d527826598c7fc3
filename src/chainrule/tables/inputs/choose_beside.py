"""What the network sees of numbers beside the numbers themselves: the one place that chooses it, for a whole table.

    up to 5,000 rows   square and cube, so that the linear start is a polynomial without products of columns
    up to a million    bins between quantiles, so that it is a piecewise linear function of each column
    where trials choose, also up to 5,000 rows bins, and everywhere an input for each value of a column whose values
    come again and again

One column or two, which are often places on a plane, have no squares and bins, and dozens, which are often pixels or
readings of one kind, are left as they are: there the products of columns matter, and more inputs do harm.

Times have them whatever else is in the table: likewise of the days, and more waves in the year, the week and the day.

Source: the experiments of docs/decisions/0021-better-tables.md, 0037-many-rows-and-words.md,
0040-values-of-small-tables.md and 0043-dates.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.inputs.transforms import (
    POWERS,
    WAVES,
    Binned,
    BinnedLog,
    BinnedTimes,
    Coded,
    CodedLog,
    Curved,
    CurvedBinned,
    CurvedBinnedLog,
    CurvedLog,
    CurvedValued,
    CurvedValuedLog,
    DetailedTimes,
    Log,
    Scaled,
    Times,
    Transform,
    Valued,
    ValuedLog,
    WithValues,
)
from chainrule.tables.profile import ColumnProfile
from chainrule.tables.profile.dates import DAY

__all__ = ["curved", "plain", "with_more", "with_values", "without_values"]

LEAST_COLUMNS, MOST_COLUMNS = 3, 60  # of numbers, in a table whose numbers get more inputs
LEAST_DIFFERENT = 4  # values: of fewer, square and cube say nothing that is new
MANY, MOST = 5000, 1_000_000  # rows between which there are bins; a larger table would need many times its memory
BINS = 16  # at most, beside those of frequent values
CELLS_EACH, FEW_EACH = 10, 3  # sampled for each different value on average, above MANY rows and up to there
LEAST_REPEATED = 2  # cells of a value that has an input
MOST_NUMBERS = 30_000_000  # rows times values of all columns, above MANY rows
MOST_CANDIDATES = 4000  # of all columns, up to MANY rows
_VALUED: dict[type[Transform], Any] = {
    Scaled: Coded,
    Log: CodedLog,
    Binned: Valued,
    BinnedLog: ValuedLog,
    CurvedBinned: CurvedValued,
    CurvedBinnedLog: CurvedValuedLog,
}
_WITHOUT_VALUES: dict[type[Transform], type[Transform]] = {valued: kind for kind, valued in _VALUED.items()}
_CURVED: dict[type[Transform], type[Transform]] = {
    Coded: Scaled,
    CodedLog: Log,
    Valued: Binned,
    ValuedLog: BinnedLog,
    **dict.fromkeys((CurvedBinned, CurvedValued), Curved),
    **dict.fromkeys((CurvedBinnedLog, CurvedValuedLog), CurvedLog),
}


def with_more(
    transforms: Iterable[Transform], profiles: Iterable[ColumnProfile], bins: bool = False
) -> list[Transform]:
    """The transforms, where columns of numbers have more inputs if the table is one that gains by them.

    With `bins` small tables have bins, too, beside squares and cubes, and all have inputs for frequent values.
    """
    profiles = list(profiles)
    transforms = [_with_details(one, profile, bins) for one, profile in zip(transforms, profiles, strict=True)]
    count = sum(isinstance(transform, Scaled | Log) for transform in transforms)
    if not 0 < count <= MOST_COLUMNS or profiles[0].rows > (MANY if count < LEAST_COLUMNS else MOST):
        return transforms
    if count >= LEAST_COLUMNS:
        transforms = [_with_more(one, profile, bins) for one, profile in zip(transforms, profiles, strict=True)]
    return _with_values(transforms, profiles) if bins else transforms


def plain(transform: Transform) -> Transform:
    """A transform as it was before `with_more`."""
    for kind in (Scaled, Log, Times):
        if isinstance(transform, kind):
            return _as(kind, transform)
    return transform


def curved(transform: Transform) -> Transform:
    """A transform as `with_more` makes it without `bins`."""
    if isinstance(transform, BinnedTimes) and POWERS in transform.details:
        return _as(DetailedTimes, transform)
    kind = _CURVED.get(type(transform))
    return transform if kind is None else _as(kind, transform)


def without_values(transform: Transform) -> Transform:
    """A transform as `with_more` makes it where no value is frequent."""
    kind = _WITHOUT_VALUES.get(type(transform))
    return transform if kind is None else _as(kind, transform)


def with_values(transform: Transform, other: Transform) -> Transform:
    """The other transform of the same column with the inputs for frequent values that the first has, if it has some."""
    if not isinstance(transform, WithValues):
        return other
    kind = CodedLog if isinstance(transform, Log) else Coded
    return _as(kind, transform) if type(other) in (Scaled, Log) else transform


def _as(kind: type[Transform], transform: Transform) -> Transform:
    """The transform as a kind that has no fields but those of its own."""
    return kind(**{field.name: getattr(transform, field.name) for field in dataclasses.fields(kind)})


def _with_details(transform: Transform, profile: ColumnProfile, bins: bool) -> Transform:
    """Times with more inputs, as `with_more` says; any other transform as it is."""
    if not isinstance(transform, Times) or profile.rows > MOST:
        return transform
    spread = profile.forms.possible[transform.form]
    days, is_small = spread.sample.sorted, profile.rows <= MANY
    varies = len(np.unique(days)) >= LEAST_DIFFERENT and "days" in transform.parts
    details = [
        detail
        for detail, wave in WAVES.items()
        if wave.cycle in transform.parts and spread.places(wave.cycle) >= 2 * wave.order
    ]
    details = [*[POWERS] * (varies and is_small), *details]
    if varies and (bins or not is_small):
        edges = np.unique((np.array(_edges(days)) * DAY).round(6))
        return BinnedTimes(**_fields(transform), details=tuple(details), edges=tuple(edges.tolist()))
    return DetailedTimes(**_fields(transform), details=tuple(details)) if details else transform


def _with_more(transform: Transform, profile: ColumnProfile, bins: bool) -> Transform:
    if not isinstance(transform, Scaled | Log):
        return transform
    values = profile.sample.sorted
    if len(np.unique(values)) < LEAST_DIFFERENT:
        return transform
    fields = _fields(transform)
    is_log = isinstance(transform, Log)
    if profile.rows <= MANY and bins:
        return (CurvedBinnedLog if is_log else CurvedBinned)(**fields, edges=_edges(values))
    if profile.rows <= MANY:
        return (CurvedLog if is_log else Curved)(**fields)
    return (BinnedLog if is_log else Binned)(**fields, edges=_edges(values))


def _with_values(transforms: list[Transform], profiles: list[ColumnProfile]) -> list[Transform]:
    """The transforms, where columns of numbers have an input for each frequent value, those of the fewest first."""
    rows = profiles[0].rows
    each, left = (FEW_EACH, MOST_CANDIDATES) if rows <= MANY else (CELLS_EACH, MOST_NUMBERS // rows)
    values = {
        k: _frequent(profile.sample.sorted, each)
        for k, (transform, profile) in enumerate(zip(transforms, profiles, strict=True))
        if type(transform) in _VALUED
    }
    for k in sorted(values, key=lambda k: len(values[k])):
        left -= len(values[k])
        if values[k] and left >= 0:
            transforms[k] = _VALUED[type(transforms[k])](**_fields(transforms[k]), values=values[k])
    return transforms


def _fields(transform: Transform) -> dict[str, Any]:
    """The fields of a transform, by their names."""
    return {field.name: getattr(transform, field.name) for field in dataclasses.fields(transform)}


def _frequent(values: NDArray[np.float64], each: int) -> tuple[float, ...]:
    """The frequent ones of sorted values, if there are more of them than bins and they come again and again."""
    different, count = np.unique(values, return_counts=True)
    frequent = different[count >= LEAST_REPEATED]
    are_many = len(frequent) > BINS and len(values) >= each * len(different)
    return tuple(_written(frequent).tolist()) if are_many else ()


def _written(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values as they are written: the 0.1 of a column of float32 is 0.1, not 0.10000000149011612.

    >>> _written(np.array([0.1, 0.2], np.float32).astype(float)), _written(np.array([1.0, 16777217.0]))
    (array([0.1, 0.2]), array([1.0000000e+00, 1.6777217e+07]))
    """
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    are_float32 = (rounded == values).all() and (values != np.trunc(values)).any()
    return np.array([float(str(value)) for value in rounded]) if are_float32 else values


def _edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The edges of the bins of sorted values: quantiles, and the next values on both sides of a frequent one."""
    different, count = np.unique(values, return_counts=True)
    if len(different) <= BINS + 1:
        return tuple(different.tolist())
    edges = np.quantile(values, np.linspace(0, 1, BINS + 1), method="inverted_cdf")
    frequent = np.flatnonzero(count * BINS >= len(values))
    beside = different[np.concatenate([frequent - 1, frequent, frequent + 1]).clip(0, len(different) - 1)]
    return tuple(np.unique(np.concatenate([edges, beside])).tolist())
