"""The encoder: it turns the columns of a table into the rows of numbers that a network takes.

It is fitted on the training rows alone. It takes columns by name, in any order, and ignores columns that training did
not have.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError
from chainrule.examples import Compressed
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import chunks_of
from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.column_records import demand, read_columns, statistics_of, write_columns
from chainrule.tables.columns import numbers_at_once
from chainrule.tables.inputs.choose import choose_transform
from chainrule.tables.inputs.choose_beside import curved, plain, with_more, with_values, without_values
from chainrule.tables.inputs.choose_items import narrowed
from chainrule.tables.inputs.drift import Watch
from chainrule.tables.inputs.operations import Cells, Number
from chainrule.tables.inputs.transforms import (
    DETAILS,
    FEW_WORDS,
    KINDS,
    MOST_TEXT_WORDS,
    MOST_WORDS,
    PARTS,
    Binned,
    BinnedLog,
    BinnedTimes,
    DetailedTimes,
    Dropped,
    LabelSet,
    NumberColumn,
    TextWords,
    Times,
    Transform,
    WeightedText,
    WithValues,
    WordColumn,
)
from chainrule.tables.names import require_columns
from chainrule.tables.number_forms import PLAIN, is_form
from chainrule.tables.profile import ColumnProfile, profile_columns
from chainrule.tables.profile.dates import FORMS
from chainrule.tables.sources import as_source

__all__ = ["Encoder"]


@dataclasses.dataclass(frozen=True)
class Encoder:
    """The transform of each column, in the order of the training table.

    >>> from chainrule.tables.sources import as_source
    >>> table = as_source({"carat": [0.2, 0.4, None], "cut": ["Ideal", "Fair", "Ideal"]}).table()
    >>> encoder = Encoder.fit(table)
    >>> encoder.feature_names
    ['carat', 'carat missing', 'cut=Ideal', 'cut other']
    >>> encoder.encode(table, "float64").round(3)
    array([[-1.,  0.,  1.,  0.],
           [ 1.,  0.,  0.,  1.],
           [ 0.,  1.,  1.,  0.]])
    """

    transforms: tuple[Transform, ...]

    @classmethod
    def fit(
        cls,
        table: Any,
        exclude: str | Iterable[str] = (),
        chosen: NDArray[np.bool_] | None = None,
        more: bool = False,
        kinds: Mapping[str, ColumnKind] | None = None,
        bins: bool = False,
    ) -> Encoder:
        """The encoder for all columns of a table or a source but the excluded ones (the targets).

        With `chosen` (n,) from those rows alone, with `more` and `bins` as `of`; `kinds` says what some of the columns
        are. Raises DataError for an excluded column that is absent, and if no column can be learned from.
        """
        source = as_source(table)
        excluded = [exclude] if isinstance(exclude, str) else list(exclude)
        require_columns(source.names, excluded, "excluded", source.hint)
        named = {} if kinds is None else kinds
        profiles = [ColumnProfile(name, kind=named.get(name)) for name in source.names if name not in set(excluded)]
        profile_columns(lambda: chunks_of(source, [profile.name for profile in profiles], chosen), profiles)
        return cls.of(profiles, more, bins)

    @classmethod
    def of(cls, profiles: Iterable[ColumnProfile], more: bool = False, bins: bool = False) -> Encoder:
        """The encoder for columns with these profiles; with `more`, numbers become several inputs where that helps.

        With `bins` these are squares, bins and values. Raises DataError if no column can be learned from.
        """
        profiles = list(profiles)
        rows = max((profile.rows for profile in profiles), default=0)
        transforms = narrowed([choose_transform(profile) for profile in profiles], rows)
        encoder = cls(tuple(with_more(transforms, profiles, bins) if more else transforms))
        if not profiles:
            raise DataError("no column is left to learn from, beside the targets and those that are left out: give one")
        if not encoder.feature_names:
            reasons = "; ".join(f"{t.name!r}: {t.detail}" for t in encoder.transforms[:12])
            raise DataError(f"no column can be learned from ({reasons}): mend one of them, or give another")
        return encoder

    @functools.cached_property
    def plain(self) -> Encoder:
        """The encoder in which each number is one input, as linear models take it, and times have no details."""
        transforms = tuple(plain(transform) for transform in self.transforms)
        return self if transforms == self.transforms else Encoder(transforms)

    @functools.cached_property
    def curved(self) -> Encoder:
        """The encoder without the bins of numbers that have squares, and without the values of those that have bins."""
        transforms = tuple(curved(transform) for transform in self.transforms)
        return self if transforms == self.transforms else Encoder(transforms)

    @functools.cached_property
    def without_values(self) -> Encoder:
        """The encoder without inputs for frequent values of numbers."""
        transforms = tuple(without_values(transform) for transform in self.transforms)
        return self if transforms == self.transforms else Encoder(transforms)

    def with_values_of(self, columns: Collection[str]) -> Encoder:
        """The encoder without inputs for frequent values of numbers but those of some columns, by their names."""
        transforms = tuple(t if t.name in columns else without_values(t) for t in self.transforms)
        return self if transforms == self.transforms else Encoder(transforms)

    def with_times(self, other: Encoder) -> Encoder:
        """This encoder, with the columns of times as another one of the same columns has them."""
        both = zip(self.transforms, other.transforms, strict=True)
        transforms = tuple(theirs if isinstance(own, Times) else own for own, theirs in both)
        return next((each for each in (self, other) if each.transforms == transforms), Encoder(transforms))

    def with_values(self, other: Encoder) -> Encoder:
        """Another encoder of the same columns, with the inputs for frequent values of numbers that this one has."""
        return Encoder(tuple(map(with_values, self.transforms, other.transforms)))

    def without(self, columns: Collection[str], reason: str) -> Encoder:
        """The encoder that drops some columns, and says why."""
        return Encoder(tuple(Dropped(t.name, reason) if t.name in columns else t for t in self.transforms))

    def narrowest(self, encoders: Iterable[Encoder]) -> Encoder:
        """The encoder with the fewest inputs among which those of all `encoders` are, which have a part of these."""
        transforms = []
        for whole, *parts in zip(self.transforms, *(each.transforms for each in encoders), strict=True):
            enough = (t for t in (*parts, whole) if all(i in t.inputs for part in parts for i in part.inputs))
            transforms.append(min(enough, key=lambda transform: len(transform.features)))
        return self if tuple(transforms) == self.transforms else Encoder(tuple(transforms))

    def places_of(self, other: Encoder) -> NDArray[np.intp]:
        """The inputs of this encoder that another one of the same columns has, too, by their numbers."""
        kept = [
            part in before.inputs
            for transform, before in zip(self.transforms, other.transforms, strict=True)
            for part in transform.inputs
            for _ in range(part.width)
        ]
        return np.flatnonzero(kept)

    @property
    def feature_names(self) -> list[str]:
        """The names of the network's inputs, e.g. `carat`, `cut=Ideal`, `age missing`."""
        return [feature for transform in self.transforms for feature in transform.features]

    @functools.cached_property
    def slices(self) -> list[tuple[Transform, slice]]:
        """The columns that become inputs, each with its slice of the inputs."""
        used = [transform for transform in self.transforms if transform.features]
        stops = np.cumsum([len(transform.features) for transform in used]).tolist()
        return [(each, slice(stop - len(each.features), stop)) for each, stop in zip(used, stops, strict=True)]

    @property
    def width(self) -> int:
        """The number of the network's inputs, n_1."""
        return self.slices[-1][1].stop if self.slices else 0

    @functools.cached_property
    def are_common(self) -> NDArray[np.bool_]:
        """Whether each input is not that of a rare word, after the hundredth of its column by frequency, (width,)."""
        common = np.ones(self.width, bool)
        for transform, part in self.slices:
            if isinstance(transform, WordColumn):
                common[part.start + FEW_WORDS : part.start + len(transform.words)] = False
        return common

    @property
    def text_share(self) -> float:
        """The share of the inputs that are words of texts."""
        return sum(s.stop - s.start for transform, s in self.slices if isinstance(transform, TextWords)) / self.width

    @property
    def columns(self) -> list[str]:
        """The columns that a table must have to be encoded: those that are not dropped."""
        return [transform.name for transform, _ in self.slices]

    def encode(self, table: pa.Table, dtype: Any = "float32", watch: Watch | None = None) -> NDArray[Any]:
        """The rows as the network takes them: (n, width), C-contiguous; `watch` takes note of how they differ.

        Raises DataError for a column that is absent, and for a cell that is not a finite number in a column of numbers.
        """
        return next(self.encode_parts(table, dtype, max(table.num_rows, 1), watch))

    def encode_parts(
        self, table: pa.Table, dtype: Any, rows: int, watch: Watch | None = None
    ) -> Iterator[NDArray[Any]]:
        """The same in parts of so many rows, for less memory; each column is read once for all parts.

        Raises DataError as `encode` does, with the row in the part, and after the parts before it.
        """
        for cells, count in self._cells(table, rows, watch):
            X = np.zeros((count, self.width), dtype)
            for (transform, part), column in zip(self.slices, cells, strict=True):
                transform.write(column, X[:, part])
            yield X

    def compressed_parts(
        self, table: pa.Table, dtype: Any, rows: int, watch: Watch | None = None
    ) -> Iterator[Compressed]:
        """The same without inputs that are 0 by the kind of their column: for each row as many as `entries`."""
        for cells, count in self._cells(table, rows, watch):
            values = np.zeros((count, len(self.entries)), dtype)
            places = np.empty(values.shape, np.int32)
            places[...] = self.entries
            start = 0
            for (transform, _), column in zip(self.slices, cells, strict=True):
                stop = start + len(transform.entries)
                transform.write_entries(column, values[:, start:stop], places[:, start:stop])
                start = stop
            offsets = np.arange(0, values.size + 1, len(self.entries))
            yield Compressed(values.ravel(), places.ravel(), offsets, self.width)

    def _cells(self, table: pa.Table, rows: int, watch: Watch | None) -> Iterator[tuple[list[Cells], int]]:
        """The cells of the columns that become inputs, in parts of so many rows, and the number of these."""
        require_columns(table.column_names, self.columns, "input")
        used = [transform for transform, _ in self.slices]
        try:
            whole = _read(used, table)
        except RowError:
            whole = []
        for first in range(0, max(table.num_rows, 1), rows):
            last = min(first + rows, table.num_rows)
            cells = [each.part(first, last) for each in whole] or _read(used, table.slice(first, rows))
            if watch is not None:
                watch.rows += last - first
                for transform, column in zip(used, cells, strict=True):
                    watch.add(transform, column, table.column(transform.name).slice(first, rows))
            yield cells, last - first

    @functools.cached_property
    def entries(self) -> NDArray[np.int32]:
        """The first places of the inputs of one row that can be other than 0, (entries,)."""
        return np.concatenate([transform.entries + np.int32(part.start) for transform, part in self.slices])

    def describe(self) -> list[tuple[str, str, str]]:
        """For each column of the training table: its name, the kind of transform, and what it does, in words."""
        return [(transform.name, transform.kind, transform.detail) for transform in self.transforms]

    def document(self) -> dict[str, Any]:
        """The encoder as plain data for a model file: names, kinds, words, reasons."""
        return write_columns(self.transforms, KINDS)

    def tensors(self) -> dict[str, NDArray[np.float64]]:
        """The statistics of the columns of numbers, in their order: `encoder.mean`, `encoder.scale`, ..."""
        return statistics_of(self.transforms, "encoder")

    @classmethod
    def from_document(cls, document: Any, tensors: Mapping[str, Any]) -> Encoder:
        """The encoder that `document` and `tensors` came from.

        Raises ModelFileError for anything that those two methods do not give.
        """
        encoder = cls(read_columns(document, tensors, "encoder", KINDS))
        for column in (t for t in encoder.transforms if isinstance(t, WordColumn)):
            most = MOST_TEXT_WORDS if isinstance(column, TextWords) else MOST_WORDS
            demand(len(column.words) <= most, "encoder", column.words, f"{most} words at most")
        for text in (t for t in encoder.transforms if isinstance(t, WeightedText)):
            weighted = len(text.weights) == len(text.words) and all(1e-9 < w < 1e9 for w in text.weights)
            demand(weighted, "encoder", text.weights, "a weight near 1 for each word")
        for texts in (t for t in encoder.transforms if isinstance(t, TextWords)):
            ok = all(0 < len(word.split(" ")) <= 2 and all(word.split(" ")) for word in texts.words)
            demand(ok, "encoder", texts.words, "words, or two words with a space between them")
        for mark in (t.separator for t in encoder.transforms if isinstance(t, LabelSet)):
            demand(len(mark) == 1, "encoder", mark, "one character between labels")
        for times in (t for t in encoder.transforms if isinstance(t, Times)):
            ok = times.form in FORMS and set(times.parts) <= set(PARTS)
            demand(ok, "encoder", (times.form, *times.parts), "a form of times and parts of it")
        for details in (t.details for t in encoder.transforms if isinstance(t, DetailedTimes)):
            demand(set(details) <= set(DETAILS), "encoder", details, "details of times")
        demand(encoder.width > 0, "encoder", encoder.describe(), "a column that is not dropped")
        for edges in (t.edges for t in encoder.transforms if isinstance(t, Binned | BinnedLog | BinnedTimes)):
            demand(all(a < b for a, b in pairwise(edges)), "encoder", edges, "edges in rising order")
        for values in (t.values for t in encoder.transforms if isinstance(t, WithValues)):
            demand(all(a < b for a, b in pairwise(values)), "encoder", values, "values in rising order")
        for form in (t.form for t in encoder.transforms if isinstance(t, NumberColumn)):
            demand(is_form(form), "encoder", form, "a form of numbers")
        return encoder


def _read(transforms: Iterable[Transform], table: pa.Table) -> list[Cells]:
    """The cells of the columns of these transforms. Raises DataError where a cell is not what its column holds."""
    plain = [t.name for t in transforms if isinstance(t, NumberColumn) and t.form == PLAIN]
    values = numbers_at_once(table, plain)
    return [
        Number.of_values(values[t.name], t.name) if t.name in values else t.read(table.column(t.name))
        for t in transforms
    ]
