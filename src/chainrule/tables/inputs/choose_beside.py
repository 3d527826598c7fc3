"""What the network sees of numbers beside the numbers themselves: the one place that chooses it, for a whole table.

    up to 5,000 rows   square and cube, so that the linear start is a polynomial without products of columns
    up to a million    bins between quantiles, so that it is a piecewise linear function of each column

Two or three columns are often places on a plane or in space, and dozens are often pixels or readings of one kind. Both
are left as they are: there the products of columns matter, and more inputs do harm.

Source: the experiments of docs/decisions/0021-better-tables.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.inputs.transforms import (
    Binned,
    BinnedLog,
    Curved,
    CurvedBinned,
    CurvedBinnedLog,
    CurvedLog,
    Log,
    Scaled,
    Transform,
)
from chainrule.tables.profile import ColumnProfile

__all__ = ["curved", "plain", "with_more"]

LEAST_COLUMNS, MOST_COLUMNS = 3, 60  # of numbers, in a table whose numbers get more inputs
LEAST_DIFFERENT = 4  # values: of fewer, square and cube say nothing that is new
MANY, MOST = 5000, 1_000_000  # rows between which there are bins; a larger table would need many times its memory
BINS = 16  # at most, beside those of frequent values


def with_more(
    transforms: Iterable[Transform], profiles: Iterable[ColumnProfile], bins: bool = False
) -> list[Transform]:
    """The transforms, where columns of numbers have more inputs if the table is one that gains by them.

    With `bins` small tables have bins, too, beside squares and cubes.
    """
    transforms = list(transforms)
    count = sum(isinstance(transform, Scaled | Log) for transform in transforms)
    if not LEAST_COLUMNS <= count <= MOST_COLUMNS:
        return transforms
    return [_with_more(transform, profile, bins) for transform, profile in zip(transforms, profiles, strict=True)]


def plain(transform: Transform) -> Transform:
    """A transform as it was before `with_more`."""
    for kind in (Scaled, Log):
        if isinstance(transform, kind):
            return _as(kind, transform)
    return transform


def curved(transform: Transform) -> Transform:
    """A transform as `with_more` makes it without `bins`."""
    for kind, without in ((CurvedBinned, Curved), (CurvedBinnedLog, CurvedLog)):
        if isinstance(transform, kind):
            return _as(without, transform)
    return transform


def _as(kind: type[Transform], transform: Transform) -> Transform:
    """The transform as a kind that has no fields but those of its own."""
    return kind(**{field.name: getattr(transform, field.name) for field in dataclasses.fields(kind)})


def _with_more(transform: Transform, profile: ColumnProfile, bins: bool) -> Transform:
    if not isinstance(transform, Scaled | Log) or profile.rows > MOST:
        return transform
    values = profile.sample.sorted
    if len(np.unique(values)) < LEAST_DIFFERENT:
        return transform
    fields = {field.name: getattr(transform, field.name) for field in dataclasses.fields(transform)}
    is_log = isinstance(transform, Log)
    if profile.rows <= MANY and bins:
        return (CurvedBinnedLog if is_log else CurvedBinned)(**fields, edges=_edges(values))
    if profile.rows <= MANY:
        return (CurvedLog if is_log else Curved)(**fields)
    return (BinnedLog if is_log else Binned)(**fields, edges=_edges(values))


def _edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The edges of the bins of sorted values: quantiles, and the next values on both sides of a frequent one."""
    different, count = np.unique(values, return_counts=True)
    if len(different) <= BINS + 1:
        return tuple(different.tolist())
    edges = np.quantile(values, np.linspace(0, 1, BINS + 1), method="inverted_cdf")
    frequent = np.flatnonzero(count * BINS >= len(values))
    beside = different[np.concatenate([frequent - 1, frequent, frequent + 1]).clip(0, len(different) - 1)]
    return tuple(np.unique(np.concatenate([edges, beside])).tolist())
