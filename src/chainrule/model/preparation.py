"""From a table to the arrays that a network trains on, in three passes over its blocks.

    1. roles        targets and weights: which rows are for what, and what the targets are
    2. statistics   the rows to train on: what each column becomes
    3. encoding     every row that counts, into room that may be larger than memory

A pass over the columns of words is added after 1 or 2 where the first word of a column was not in its first block.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples.examples import split_rows
from chainrule.model.class_weight import Examples, class_factors, weighted
from chainrule.model.heads import Choice, check_reach, choices_for, scaled_for
from chainrule.model.settings import LEAST_ROWS, TableSettings, is_folds
from chainrule.tables.inputs.encoder import Encoder
from chainrule.tables.names import listed, require_columns
from chainrule.tables.profile.column import ColumnProfile, cut, gather, named, numbered, parts_of
from chainrule.tables.row_cache import RowCache
from chainrule.tables.row_roles import ABSENT, HELD, TEST, TRAIN, WITHOUT, RowRoles
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets.targets import Targets

__all__ = ["Prepared", "prepare"]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A table made ready: `rows` to train on, those `held` out and for the `test`, if any.

    `facts` tell of the inputs in the rows to train on, `roles` of all rows of the table; the arrays lie in `room`, but
    for the targets of the test, which are float64. `settings` are those that suit such a table where "auto" was asked.
    """

    settings: TableSettings
    encoder: Encoder
    targets: Targets
    choices: dict[str, Choice]
    facts: list[ColumnProfile]
    roles: RowRoles
    rows: Examples
    held: Examples | None
    test: tuple[Array, Array] | None
    room: RowCache


def prepare(source: Source, names: Sequence[str], settings: TableSettings, seed: int) -> Prepared:
    """Read the targets `names` and the inputs that the settings leave. Raises DataError or SettingError in one line."""
    inputs = _inputs(source, names, settings)
    with named(source):
        roles = RowRoles(source, names, settings.weight, settings.test_every)
        if roles.weightless == len(roles.of):
            raise DataError(
                f"every row of {source.origin} has weight 0 in {settings.weight!r}: give some a weight above 0"
            )
        targets = Targets.of(roles.facts, settings.task, _leaves_unit_open(settings))
    settings = settings.resolved(roles.count(TRAIN), len(inputs), targets.width)
    choices = choices_for(targets, settings.output, settings.cost)
    factors = class_factors(targets, settings.class_weight)
    tables = [(source, roles), *_hold_out(roles, names, settings, seed)]
    if not roles.count(TRAIN):
        raise DataError(f"no row of {source.origin} has a target and is to be trained on: there is nothing to learn")
    with named(source):
        encoder, targets, facts = _fitted(source, inputs, targets, roles.of == TRAIN)
    targets = scaled_for(targets, choices)
    room, T_test = _written(tables, encoder, targets, settings)
    arrays = {role: (room.array(k), room.array(2 + k)) for k, role in enumerate((TRAIN, HELD))}
    given = {role: (*arrays[role], _joined([r.weights(role) for _, r in tables])) for role in arrays}
    check_reach(targets, choices, arrays[TRAIN][1])
    rows, held = weighted(targets, given[TRAIN], given[HELD], factors)
    test = (room.array(4), T_test) if len(T_test) else None
    return Prepared(settings, encoder, targets, choices, facts, roles, rows, held if len(held[0]) else None, test, room)


def _leaves_unit_open(settings: TableSettings) -> bool:
    """Whether nothing says that errors count in the target's own unit, so that it may be learned as its logarithm."""
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
    """Hold out a share of the rows, or those of a table of their own: which is then returned with its roles."""
    if is_folds(settings.validation):
        return []
    if not isinstance(settings.validation, int | float):
        own = as_source(settings.validation)
        require_columns(own.names, names, f"target (in {own.origin}, to validate with)")
        weight = settings.weight if settings.weight in own.names else None
        theirs = RowRoles(own, names, weight)
        theirs.of[theirs.of == TRAIN] = HELD
        return [(own, theirs)]
    rows = roles.rows(TRAIN)
    if settings.validation > 0 and len(rows) >= LEAST_ROWS:
        roles.of[rows[split_rows(seed, len(rows), settings.validation)[1]]] = HELD
    return []


def _fitted(
    source: Source, inputs: list[str], targets: Targets, chosen: Array
) -> tuple[Encoder, Targets, list[ColumnProfile]]:
    """What the chosen rows (those to train on) say of the inputs, and of the targets of numbers."""
    facts = [ColumnProfile(name) for name in inputs]
    numbers = {column.name: ColumnProfile(column.name) for column in targets.columns if column.kind == "numbers"}
    every = [*facts, *numbers.values()]
    gather(lambda: parts_of(source, [fact.name for fact in every], chosen), every)
    return Encoder.of(facts), targets.scaled_to(numbers), facts


def _written(
    tables: list[tuple[Source, RowRoles]], encoder: Encoder, targets: Targets, settings: TableSettings
) -> tuple[RowCache, Array]:
    """All rows that count in their room (X of those to train on, held out; T of both; X of the test), T of the test."""
    count = {role: sum(roles.count(role) for _, roles in tables) for role in (TRAIN, HELD, TEST)}
    shapes = [(count[TRAIN], encoder.width), (count[HELD], encoder.width)]
    shapes += [(count[TRAIN], targets.width), (count[HELD], targets.width), (count[TEST], encoder.width)]
    dtype, tested = settings.dtype, [np.empty((0, targets.width))]
    room = RowCache(shapes, dtype, settings.cache)
    for source, roles in tables:
        what = "input" if source is tables[0][0] else f"input (in {source.origin}, to validate with)"
        require_columns(source.names, encoder.columns, what)
        parts = parts_of(source, [*encoder.columns, *targets.names], roles.of != ABSENT)
        for table, rows in cut(parts, encoder.width + targets.width):
            with named(source), numbered(rows):
                role = roles.of[rows]
                known, test = table.filter(role != WITHOUT), table.filter(role == TEST)
                T = targets.encode(known, dtype) if known.num_rows else np.empty((0, targets.width))
                _put(room, encoder.encode(table, dtype)[role != WITHOUT], T, role[role != WITHOUT])
            if test.num_rows:
                tested.append(targets.encode(test, "float64"))
    return room, np.concatenate(tested)


def _put(room: RowCache, X: Array, T: Array, role: Array) -> None:
    for k, which in enumerate((TRAIN, HELD)):
        room.put(k, X[role == which])
        room.put(2 + k, T[role == which])
    room.put(4, X[role == TEST])


def _joined(weights: list[Array | None]) -> Array | None:
    """The weights of all tables, None where no table has any; those of a table without are 1 and not needed."""
    found = [weight for weight in weights if weight is not None and len(weight)]
    return np.concatenate(found) if found else None
