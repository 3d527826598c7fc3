"""Drift: how the rows of a table differ from those of training, column by column.

    missing    cells are missing more often
    unknown    words or labels that have no input of their own come more often
    outside    numbers or times lie outside the range of training

A difference counts if it is improbable, by the binomial distribution, in rows like those of training, and not small: a
share of one in a hundred more, and half as much again. Of n rows of training, p of which differed, (p + 1) / (n + 2)
are expected to differ; of numbers, p is 2, the least and the greatest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa
from chainrule.tables.column_records import demand
from chainrule.tables.columns import words_of
from chainrule.tables.inputs.operations import Cells, Items, Number, Time, Word
from chainrule.tables.inputs.transforms import LabelSet, TextWords, Times, Transform, WordColumn
from chainrule.tables.items import has_items
from chainrule.tables.profile import ColumnProfile
from chainrule.tables.profile.dates import CLOCK, DAY, clock_text, time_text
from chainrule.text import counted, number, short, shown

__all__ = ["ColumnDrift", "ColumnSeen", "Drift", "Seen", "Watch"]

CHANCE = 0.01  # the greatest probability of a difference, of all columns together, by chance alone
LEAST, TIMES = 0.01, 1.5  # a share of the rows is this much, and this many times, greater
EXAMPLES = 3  # words of a column that are shown
SHOWN = 3  # columns in the one line


@dataclasses.dataclass(frozen=True)
class ColumnSeen:
    """What training saw of a column.

    - missing: cells that are missing.
    - low, high: the range of its numbers, or of its times in days; None for words.
    - other: cells with a word that has no input of its own; None for numbers.
    """

    missing: int
    low: float | None = None
    high: float | None = None
    other: int | None = None

    @classmethod
    def of(cls, transform: Transform, profile: ColumnProfile) -> ColumnSeen:
        """That of a column with this profile in the rows to train on."""
        if isinstance(transform.reading, Number):
            return cls(profile.missing, *profile.moments.range)
        if isinstance(transform, Times):
            low, high = profile.forms.possible[transform.form].days.range
            return cls(profile.missing + profile.forms.placeholders, low, high)
        if isinstance(transform.reading, Word | Items) and not isinstance(transform, TextWords):
            return cls(profile.missing, other=_others(transform, profile))
        return cls(profile.missing)


def _others(transform: Transform, profile: ColumnProfile) -> int:
    """How many cells of training have a word that has no input of its own."""
    assert isinstance(transform, WordColumn), "it reads words"
    counts = profile.counts.words()
    if isinstance(transform, LabelSet):
        words = pa.array([word for word, _ in counts], pa.large_string())
        has = has_items(words, transform.words, transform.separator)[:, [-1]].toarray()[:, 0]
        return int(np.array([count for _, count in counts])[has].sum())
    known = set(transform.words)
    return sum(count for word, count in counts if word not in known)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What training saw of the columns that are used, by name, in so many rows."""

    rows: int
    columns: Mapping[str, ColumnSeen]

    @classmethod
    def of(cls, transforms: Iterable[Transform], profiles: Iterable[ColumnProfile]) -> Seen:
        """That of the columns of an encoder, by their profiles in the rows to train on."""
        by_name = {profile.name: profile for profile in profiles}
        used = [transform for transform in transforms if transform.features]
        columns = {each.name: ColumnSeen.of(each, by_name[each.name]) for each in used}
        return cls(max((by_name[name].rows for name in columns), default=0), columns)

    def document(self) -> dict[str, Any]:
        """The same as plain data, with a list for each field, in the order of the columns."""
        fields = [field.name for field in dataclasses.fields(ColumnSeen)]
        return {"rows": self.rows, **{f: [getattr(c, f) for c in self.columns.values()] for f in fields}}

    @classmethod
    def from_document(cls, document: Any, names: Sequence[str]) -> Seen:
        """What `document` gave, of columns with these names. Raises ModelFileError for anything else."""
        fields = [field.name for field in dataclasses.fields(ColumnSeen)]
        whole = isinstance(document, dict) and set(document) == {"rows", *fields}
        demand(whole, "columns in training", document, f"a record of rows, {', '.join(fields)}")
        demand(_is_count(document["rows"]), "rows in training", document["rows"], "a whole number")
        for field in fields:
            values, is_count = document[field], field in ("missing", "other")
            fits = isinstance(values, list) and len(values) == len(names)
            fits = fits and all(
                (v is None and field != "missing") or (_is_count(v) if is_count else _is_real(v)) for v in values
            )
            demand(fits, f"columns in training, {field},", values, "a number for each column")
        columns = zip(*(document[field] for field in fields), strict=True)
        return cls(document["rows"], {name: ColumnSeen(*values) for name, values in zip(names, columns, strict=True)})


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


@dataclasses.dataclass(frozen=True)
class ColumnDrift:
    """How a column differs from training.

    - column: its name.
    - what: "missing", "unknown" or "outside".
    - share, expected: the share of the rows in which it is so, and that in training.
    - detail: the words, or the range of training, in words.
    """

    column: str
    what: str
    share: float
    expected: float
    detail: str = ""

    def __str__(self) -> str:
        """The same in a few words.

        >>> str(ColumnDrift("town", "unknown", 0.25, 0.01, "'Rome'"))
        "town has unknown words in 25% of the rows ('Rome'; 1% in training)"
        """
        in_training = f"{_percent(self.expected)} in training"
        if self.what == "missing":
            return f"{short(self.column)} is missing in {_percent(self.share)} of the rows ({in_training})"
        has = "unknown words" if self.what == "unknown" else "values out of range"
        return f"{short(self.column)} has {has} in {_percent(self.share)} of the rows ({self.detail}; {in_training})"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}%" if share < 0.1 else f"{100 * share:.0f}%"


@dataclasses.dataclass(frozen=True)
class Drift:
    """How the rows of a table differ from those of training.

    - rows: how many rows were compared.
    - columns: the differences, the greatest first; () if there is none.
    """

    rows: int
    columns: tuple[ColumnDrift, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.columns)

    def __str__(self) -> str:
        """One line.

        >>> str(Drift(20))
        'no drift in 20 rows: they are like those of training'
        """
        if not self.columns:
            return f"no drift in {counted(self.rows, 'row')}: they are like those of training"
        more = len(self.columns) - SHOWN
        rest = f" and {more} more" if more > 0 else ""
        return f"drift since training: {'; '.join(map(str, self.columns[:SHOWN]))}{rest}"

    def document(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"rows": self.rows, "columns": [dataclasses.asdict(each) for each in self.columns]}


class Watch:
    """Counts how the cells of some rows differ from what training saw, while they are encoded."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self.rows = 0
        self._missing, self._odd = dict.fromkeys(seen.columns, 0), dict.fromkeys(seen.columns, 0)
        self._examples: dict[str, dict[str, None]] = {}
        self._kinds: dict[str, Transform] = {}

    def add(self, transform: Transform, cells: Cells, column: Any) -> None:
        """Take cells (n,) that were read from a column of a table."""
        seen = self._seen.columns.get(transform.name)
        if seen is None:
            return
        self._kinds[transform.name] = transform
        self._missing[transform.name] += int(np.count_nonzero(cells.missing))
        odd = _odd(transform, cells, seen)
        if odd is not None and odd.any():
            self._odd[transform.name] += int(np.count_nonzero(odd))
            examples = self._examples.setdefault(transform.name, {})
            if seen.other is not None and len(examples) < EXAMPLES:
                words = words_of(column.filter(pa.array(odd)).slice(0, 64), transform.name)
                examples.update(dict.fromkeys(words.drop_null().unique().to_pylist()))

    def drift(self) -> Drift:
        """The differences of all rows so far."""
        n, differences = self.rows, []
        checks = sum(1 + (each.other is not None or each.low is not None) for each in self._seen.columns.values())
        for name, seen in self._seen.columns.items():
            odd_in_training = 2 if seen.other is None else seen.other
            for what, count, before in (
                ("missing", self._missing[name], seen.missing),
                ("unknown" if seen.low is None else "outside", self._odd[name], odd_in_training),
            ):
                p = min(1.0, (before + 1) / (self._seen.rows + 2))
                share = count / n if n else 0.0
                if not count or share < p + LEAST or share < TIMES * p:
                    continue
                if p < 1 and _chance(count, n, p) <= CHANCE / checks:
                    shown_before = 0.0 if what == "outside" else before / max(self._seen.rows, 1)
                    differences.append(ColumnDrift(name, what, share, shown_before, self._detail(name, what, seen)))
        differences.sort(key=lambda each: each.expected - each.share)
        return Drift(n, tuple(differences))

    def _detail(self, name: str, what: str, seen: ColumnSeen) -> str:
        if what == "unknown":
            return ", ".join(map(shown, list(self._examples.get(name, ()))[:EXAMPLES]))
        if what == "outside":
            assert seen.low is not None, "it has a range"
            assert seen.high is not None, "it has a range"
            low, high = (_value(self._kinds[name], end) for end in (seen.low, seen.high))
            return f"{low} to {high}"
        return ""


def _chance(count: int, n: int, p: float) -> float:
    """The probability of `count` or more of n rows, if each is one with probability p."""
    from scipy.special import bdtrc

    return float(bdtrc(count - 1, n, p))


def _odd(transform: Transform, cells: Cells, seen: ColumnSeen) -> NDArray[np.bool_] | None:
    """Which cells are unknown words, or outside of the range; None where nothing can be."""
    if seen.other is not None:
        unknown = cells.values[:, [-1]].toarray()[:, 0] if cells.values.ndim == 2 else cells.values < 0
        return np.asarray(unknown & ~cells.missing)
    if seen.low is None or seen.high is None:
        return None
    values = cells.values / DAY if isinstance(transform.reading, Time) else cells.values
    return np.asarray((values < seen.low) | (values > seen.high))


def _value(transform: Transform, value: float) -> str:
    """The end of a range as people read it."""
    if isinstance(transform.reading, Time):
        return clock_text(value * DAY) if transform.reading.form == CLOCK else time_text(value * DAY)
    return number(value)
