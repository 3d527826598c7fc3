"""From a table to the arrays that a network trains on, in three passes over its blocks.

    1. roles        targets and weights: which rows are for what, and what the targets are
    2. statistics   the rows to train on: what each column becomes
    3. encoding     every row that has a weight, into a cache that may be larger than memory

A pass over the columns of words is added after 1 or 2 if the first word of a column was not in its first block.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples import split_rows
from chainrule.model.class_weight import Examples, class_factors, weighted
from chainrule.model.heads import Choice, check_reach, choices_for, scaled_for
from chainrule.model.settings import LEAST_ROWS, TableSettings, is_folds
from chainrule.tables.chunks import chunks_of, cut_chunks, with_file_name, with_row_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.names import listed, require_columns
from chainrule.tables.profile import ColumnProfile, profile_columns
from chainrule.tables.row_cache import RowCache
from chainrule.tables.row_roles import HELD_OUT, NO_TARGET, TEST, TRAIN, WEIGHTLESS, RowRoles
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import Targets

__all__ = ["Prepared", "prepare"]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A table ready for training: `rows` to train on, `held` for validation, and `test`, if there are such rows.

    `profiles` are those of the inputs in the rows to train on. The arrays lie in `cache`, except for the targets of the
    test, which are float64. In `settings` each "auto" is replaced by a value for this table.
    """

    settings: TableSettings
    encoder: Encoder
    targets: Targets
    choices: dict[str, Choice]
    profiles: list[ColumnProfile]
    roles: RowRoles
    rows: Examples
    held: Examples | None
    test: tuple[Array, Array] | None
    cache: RowCache


def prepare(source: Source, names: Sequence[str], settings: TableSettings, seed: int) -> Prepared:
    """Read the targets `names` and the inputs that the settings leave. Raises DataError or SettingError in one line."""
    inputs = _inputs(source, names, settings)
    with with_file_name(source):
        roles = RowRoles(source, names, settings.weight, settings.test_every)
        if roles.count(WEIGHTLESS) == len(roles.of):
            raise DataError(
                f"every row of {source.origin} has weight 0 in {settings.weight!r}: give some a weight above 0"
            )
        targets = Targets.of(roles.targets, settings.task, _may_take_logarithm(settings))
    settings = settings.resolved(roles.count(TRAIN), len(inputs), targets.width)
    choices = choices_for(targets, settings.output, settings.cost)
    factors = class_factors(targets, settings.class_weight)
    tables = [(source, roles), *_hold_out(roles, names, settings, seed)]
    if not roles.count(TRAIN):
        raise DataError(f"no row of {source.origin} has a target and is to be trained on: there is nothing to learn")
    with with_file_name(source):
        encoder, targets, profiles = _fitted(source, inputs, targets, roles.of == TRAIN)
    targets = scaled_for(targets, choices)
    cache, T_test = _encoded(tables, encoder, targets, settings)
    arrays = {role: (cache.array(k), cache.array(2 + k)) for k, role in enumerate((TRAIN, HELD_OUT))}
    examples = {role: (*arrays[role], _joined([r.weights(role) for _, r in tables])) for role in arrays}
    check_reach(targets, choices, arrays[TRAIN][1])
    rows, held = weighted(targets, examples[TRAIN], examples[HELD_OUT], factors)
    test = (cache.array(4), T_test) if len(T_test) else None
    held_out = held if len(held[0]) else None
    return Prepared(settings, encoder, targets, choices, profiles, roles, rows, held_out, test, cache)


def _may_take_logarithm(settings: TableSettings) -> bool:
    """Whether a target may be learned as its logarithm: no output, cost or metric asks for errors in its own unit."""
    return settings.output is None and settings.cost is None and settings.metric in (None, "mape")


def _inputs(source: Source, names: Sequence[str], settings: TableSettings) -> list[str]:
    """The columns that are inputs, in the table's order."""
    require_columns(source.names, names, "target")
    weight = [] if settings.weight is None else [settings.weight]
    require_columns(source.names, weight, "weight")
    require_columns(source.names, settings.drop, "excluded")
    require_columns(source.names, settings.keep, "input")
    for what, columns in {"target": names, "weight": weight, "dropped": settings.drop}.items():
        both = [name for name in columns if name in settings.keep]
        if both:
            raise SettingError(f"column {listed(both)} cannot be both kept as an input and the {what} column: choose")
    if settings.weight in names:
        raise SettingError(f"column {settings.weight!r} cannot be both the target and the weight: choose")
    out = {*names, *weight, *settings.drop}
    kept = set(settings.keep or source.names)
    return [name for name in source.names if name in kept and name not in out]


def _hold_out(
    roles: RowRoles, names: Sequence[str], settings: TableSettings, seed: int
) -> list[tuple[Source, RowRoles]]:
    """Hold out a share of the rows, or all rows of a separate table: this table is returned with its roles."""
    if is_folds(settings.validation):
        return []
    if not isinstance(settings.validation, int | float):
        own = as_source(settings.validation)
        require_columns(own.names, names, f"target (in {own.origin}, to validate with)")
        weight = settings.weight if settings.weight in own.names else None
        theirs = RowRoles(own, names, weight)
        theirs.hold_out(theirs.rows(TRAIN))
        return [(own, theirs)]
    rows = roles.rows(TRAIN)
    if settings.validation > 0 and len(rows) >= LEAST_ROWS:
        roles.hold_out(rows[split_rows(seed, len(rows), settings.validation)[1]])
    return []


def _fitted(
    source: Source, inputs: list[str], targets: Targets, chosen: Array
) -> tuple[Encoder, Targets, list[ColumnProfile]]:
    """The encoder, the targets and the profiles of the inputs by the chosen rows, those to train on."""
    profiles = [ColumnProfile(name) for name in inputs]
    numbers = {column.name: ColumnProfile(column.name) for column in targets.columns if column.kind == "numbers"}
    both = [*profiles, *numbers.values()]
    profile_columns(lambda: chunks_of(source, [profile.name for profile in both], chosen), both)
    return Encoder.of(profiles), targets.scaled_to(numbers), profiles


def _encoded(
    tables: list[tuple[Source, RowRoles]], encoder: Encoder, targets: Targets, settings: TableSettings
) -> tuple[RowCache, Array]:
    """The cache of all rows (X to train on, held out; T of both; X of the test), and T of the test."""
    count = {role: sum(roles.count(role) for _, roles in tables) for role in (TRAIN, HELD_OUT, TEST)}
    shapes = [(count[TRAIN], encoder.width), (count[HELD_OUT], encoder.width)]
    shapes += [(count[TRAIN], targets.width), (count[HELD_OUT], targets.width), (count[TEST], encoder.width)]
    dtype, tested = settings.dtype, [np.empty((0, targets.width))]
    cache = RowCache(shapes, dtype, settings.cache)
    for source, roles in tables:
        what = "input" if source is tables[0][0] else f"input (in {source.origin}, to validate with)"
        require_columns(source.names, encoder.columns, what)
        chunks = chunks_of(source, [*encoder.columns, *targets.names], roles.of != WEIGHTLESS)
        for table, rows in cut_chunks(chunks, encoder.width + targets.width):
            with with_file_name(source), with_row_numbers(rows):
                role = roles.of[rows]
                known, test = table.filter(role != NO_TARGET), table.filter(role == TEST)
                T = targets.encode(known, dtype) if known.num_rows else np.empty((0, targets.width))
                _put(cache, encoder.encode(table, dtype)[role != NO_TARGET], T, role[role != NO_TARGET])
            if test.num_rows:
                tested.append(targets.encode(test, "float64"))
    return cache, np.concatenate(tested)


def _put(cache: RowCache, X: Array, T: Array, role: Array) -> None:
    for k, which in enumerate((TRAIN, HELD_OUT)):
        cache.put(k, X[role == which])
        cache.put(2 + k, T[role == which])
    cache.put(4, X[role == TEST])


def _joined(weights: list[Array | None]) -> Array | None:
    """The weights of all tables, None if no table has any."""
    present = [weight for weight in weights if weight is not None and len(weight)]
    return np.concatenate(present) if present else None
