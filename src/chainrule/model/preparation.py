"""From a table to the arrays that a network trains on, in three passes over its blocks.

    1. roles        the targets and the weights of all rows: the role of each row, and the kind of each target
    2. statistics   the inputs of the rows to train on: the transform of each column
    3. encoding     the inputs of every row that has a weight, into a cache that may be larger than memory

The first pass keeps the targets as numbers or codes, so that the others do not read them. If the first word of a column
is not in its first block, pass 1 or 2 is followed by one more over such columns, and such a target is read again.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples import RowArrays, split_rows
from chainrule.model.class_weight import class_factors, weighted
from chainrule.model.heads import Choice, check_reach, choices_for, scaled_for
from chainrule.model.settings import LEAST_ROWS, TableSettings, is_folds
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, with_file_name, with_row_numbers
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
    rows: RowArrays
    held: RowArrays | None
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
        encoder, targets, profiles = _fitted(source, inputs, targets, roles)
    targets = scaled_for(targets, choices)
    cache, T_test = _encoded(tables, encoder, targets, settings)
    arrays = {role: (cache.array(k), cache.array(2 + k)) for k, role in enumerate((TRAIN, HELD_OUT))}
    by_role = {role: RowArrays(*arrays[role], _joined([r.weights(role) for _, r in tables])) for role in arrays}
    check_reach(targets, choices, arrays[TRAIN][1])
    rows, held = weighted(targets, by_role[TRAIN], by_role[HELD_OUT], factors)
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
    source: Source, inputs: list[str], targets: Targets, roles: RowRoles
) -> tuple[Encoder, Targets, list[ColumnProfile]]:
    """The encoder, the targets and the profiles of the inputs by the rows to train on."""
    unparsed = targets.unparsed(roles.cells)
    numbers = [column.name for column in targets.columns if column.kind == "numbers"]
    again = {name: ColumnProfile(name) for name in numbers if name in unparsed}
    profiles = [ColumnProfile(name) for name in inputs]
    both = [*profiles, *again.values()]
    profile_columns(lambda: chunks_of(source, [profile.name for profile in both], roles.of == TRAIN), both)
    own = {name: roles.numbers_of(name, TRAIN) for name in numbers if name not in unparsed}
    return Encoder.of(profiles), targets.scaled_to(own | again), profiles


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
        columns = [*encoder.columns, *targets.unparsed(roles.cells)]
        chunks = chunks_of(source, columns, roles.of != WEIGHTLESS)
        for chunk in cut_chunks(chunks, encoder.width + targets.width):
            role = roles.of[chunk.rows]
            used, test = role != NO_TARGET, role == TEST
            with with_file_name(source):
                T = _encoded_targets(targets, roles, chunk, used, dtype)
                with with_row_numbers(chunk.rows):
                    X = encoder.encode(chunk.table, dtype)
                tested.append(_encoded_targets(targets, roles, chunk, test, "float64"))
            _put(cache, X[used], T, role[used])
    return cache, np.concatenate(tested)


def _encoded_targets(targets: Targets, roles: RowRoles, chunk: Chunk, chosen: Array, dtype: str) -> Array:
    """T of the chosen rows (n,) of a chunk."""
    rows, again = chunk.rows[chosen], targets.unparsed(roles.cells)
    table = chunk.table.select(again).filter(chosen) if again else None
    with with_row_numbers(rows):
        return targets.encode_rows(rows, roles.cells, table, dtype)


def _put(cache: RowCache, X: Array, T: Array, role: Array) -> None:
    for k, which in enumerate((TRAIN, HELD_OUT)):
        cache.put(k, X[role == which])
        cache.put(2 + k, T[role == which])
    cache.put(4, X[role == TEST])


def _joined(weights: list[Array | None]) -> Array | None:
    """The weights of all tables, None if no table has any."""
    present = [weight for weight in weights if weight is not None and len(weight)]
    return np.concatenate(present) if present else None
