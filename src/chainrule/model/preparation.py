"""Prepares a table: from its rows to the arrays that a network trains on, in three passes.

    1. roles        reads the targets and the weights of all rows: the role of each row, and the kind of each target
    2. statistics   reads the inputs of the rows to train on: the transform of each column
    3. encoding     reads the inputs of every row with a weight, and writes them into a cache, which may be a file

The first pass keeps the targets as numbers or codes, so that the other passes need not read them. One more pass is made
over columns whose first word comes after their first block, and over the targets if a class has the weight 0.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples import RowArrays
from chainrule.fields import is_auto
from chainrule.hosts import Link
from chainrule.model.choose_inputs import chosen_inputs, worth_trials
from chainrule.model.class_weight import Factors, class_factors, left_out, weighted, without_absent
from chainrule.model.continuation import heads_of
from chainrule.model.division import Division
from chainrule.model.ensemble import Ensemble
from chainrule.model.heads import Head, check_reach, distributed, heads_for, member_of, scaled_for
from chainrule.model.host_rows import HostRows, profile_by_column, settings_on, target_chunks
from chainrule.model.kinds import is_folds
from chainrule.model.model import Model
from chainrule.model.preset import patience_for
from chainrule.model.settings import LEAST_ROWS, TableSettings
from chainrule.model.shared_columns import shared_columns
from chainrule.model.trials import Trial, Watch, are_tried, best_trial, only_inputs, with_members
from chainrule.network import Network
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, with_file_name, with_row_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.names import listed, require_columns
from chainrule.tables.number_forms import PLAIN
from chainrule.tables.profile import ColumnProfile
from chainrule.tables.row_cache import RowCache
from chainrule.tables.row_roles import HELD_OUT, TEST, TRAIN, UNKNOWN, WEIGHTLESS, RowRoles
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import Quantity, Targets

__all__ = ["Prepared", "prepare"]

_ROWS = 2**16  # encoded together


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A table that is ready for training.

    - settings: those of the user, with values for this table in place of "auto".
    - encoder, targets: the columns that X and T stand for.
    - heads: the head of each kind of target.
    - profiles: the profiles of the inputs in the rows to train on.
    - roles: the role of each row; validation_roles: the same of a separate table for validation, or None.
    - groups: the group of each row to train on, or None.
    - rows, held_out: X, T and weights of the rows to train on and of those for validation (None if there are none).
    - test: X and the true values (float64, see `Targets.truth`) of the rows for the test, or None.
    - cache: where the arrays lie, but for T of the test.
    - here: which of the rows to train on this host has, of several.
    - further: trained members that join the ensemble (see `chainrule.model.blend`).
    - places: the inputs that the ensemble's own members see, by their numbers; None if these are all.
    """

    settings: TableSettings
    encoder: Encoder
    targets: Targets
    heads: dict[str, Head]
    profiles: list[ColumnProfile]
    roles: RowRoles
    validation_roles: RowRoles | None
    groups: Array | None
    rows: RowArrays
    held_out: RowArrays | None
    test: tuple[Array, Array] | None
    cache: RowCache
    here: HostRows
    further: tuple[Network, ...] = ()
    places: Array | None = None


def prepare(
    source: Source,
    names: Sequence[str],
    settings: TableSettings,
    seed: int,
    model: Model | None = None,
    watch: Watch | None = None,
) -> Prepared:
    """Prepare a table.

    - source: the table.
    - names: its targets.
    - settings: the settings of the user.
    - seed: the seed of the rows that are held out.
    - model: that to go on from, whose encoder, targets and heads are taken, or None.
    - watch: who waits for short trainings.

    Raises DataError or SettingError in one line where the table and the settings do not fit each other.
    """
    planned = _planned(source, names, settings, seed, model)
    settings, tables, roles = planned.settings, planned.tables, planned.tables[0][1]
    if model is None:
        encoder, targets, profiles = _fitted(planned)
    else:
        encoder, targets, profiles = model.encoder, model.targets, []
    here = HostRows.of(planned.link, settings, roles.count(TRAIN))
    cache, T_test = _encoded(tables, encoder, targets, settings, here)
    X = [cache.array(k) for k in (0, 1, 4)]
    if model is None and not planned.is_tried:
        encoder, X = _chosen(encoder, targets, X, cache.array(2), here)
    settings = _with_patience(settings, planned.wanted, encoder)
    rows, held_out = _learned_rows(planned, targets, cache, X, here)
    test = (X[2], T_test) if len(T_test) else None
    own_roles = tables[1][1] if len(tables) > 1 else None
    groups = planned.division.groups_of(roles.rows(TRAIN))
    parts = (encoder, targets, planned.heads, profiles, roles, own_roles, groups)
    prepared = Prepared(settings, *parts, rows, held_out, test, cache, here)
    return _after_trials(prepared, planned.wanted, seed, watch or Watch()) if planned.is_tried else prepared


def _with_patience(settings: TableSettings, wanted: TableSettings, encoder: Encoder) -> TableSettings:
    """The settings, with the patience for the inputs of an encoder if the preset decides about it."""
    if not (is_auto(wanted.patience) and is_auto(wanted.epochs) and settings.start == "linear"):
        return settings
    return dataclasses.replace(settings, patience=patience_for(encoder.text_share, settings.epochs, settings.patience))


class _Planned(NamedTuple):
    """What the first pass gives.

    - wanted, settings: the settings of the user, for the hosts, and those that run.
    - inputs: the columns that are inputs.
    - targets, heads: not yet scaled, if they are not those of a model to go on from.
    - factors: the weights of the classes, or None.
    - division: what keeps the rows for training and the others apart.
    - tables: the table and the roles of its rows, and those of a separate table for validation, if there is one.
    - link: the other hosts.
    - is_tried: whether short trainings choose inputs and settings.
    """

    wanted: TableSettings
    settings: TableSettings
    inputs: list[str]
    targets: Targets
    heads: dict[str, Head]
    factors: Factors | None
    division: Division
    tables: list[tuple[Source, RowRoles]]
    link: Link
    is_tried: bool


def _planned(source: Source, names: Sequence[str], settings: TableSettings, seed: int, model: Model | None) -> _Planned:
    """The first pass; see `prepare`."""
    inputs = _inputs(source, names, settings) if model is None else _inputs_of(source, model, settings)
    link, wanted = settings_on(settings)
    division = Division.of(source, settings)
    columns = [*names, *([] if settings.weight is None else [settings.weight])]
    roles = _roles(shared_columns(link, source, columns), names, settings, division)
    targets, heads = _with_heads(source, roles, settings) if model is None else (model.targets, heads_of(model))
    factors = class_factors(targets, settings.class_weight)
    _leave_out_classes(source, roles, targets, factors)
    division.check(np.flatnonzero(np.isin(roles.of, (TRAIN, TEST))))
    count = roles.count(TRAIN)
    run = wanted.resolved(count, len(inputs), targets.width, division.count(roles.rows(TRAIN)))
    is_tried = model is None and are_tried(wanted, run, count)
    tables = [(source, roles), *_hold_out(source, roles, targets, factors, run, division, seed)]
    if not roles.count(TRAIN):
        raise DataError(f"no row of {source.origin} has a target and is to be trained on: there is nothing to learn")
    return _Planned(wanted, run, inputs, targets, heads, factors, division, tables, link, is_tried)


def _with_heads(source: Source, roles: RowRoles, settings: TableSettings) -> tuple[Targets, dict[str, Head]]:
    """What the targets are, and the head of each kind. Raises SettingError for quantiles without numbers."""
    targets = _targets(source, roles, settings)
    if settings.quantiles and not any(column.kind == "numbers" for column in targets.columns):
        raise SettingError(
            f"quantiles are for targets of numbers, but {listed(targets.names)} has none: leave them out"
        )
    heads = heads_for(targets, settings.output, settings.head_cost)
    return distributed(targets, heads, settings.quantiles), heads


def _learned_rows(
    planned: _Planned, targets: Targets, cache: RowCache, X: list[Array], here: HostRows
) -> tuple[RowArrays, RowArrays | None]:
    """The rows to train on and those for validation, with their weights; X has the inputs of both."""
    T, T_held_out = cache.array(2), cache.array(3)
    arrays = {TRAIN: (here.local(X[0]), T), HELD_OUT: (here.held_out(X[1], len(T_held_out)), T_held_out)}
    by_role = {role: RowArrays(*arrays[role], _joined([r.weights(role) for _, r in planned.tables])) for role in arrays}
    check_reach(targets, planned.heads, T)
    validation = without_absent(targets, by_role[HELD_OUT]) if len(by_role[HELD_OUT].X) else None
    return weighted(targets, without_absent(targets, by_role[TRAIN]), validation, planned.factors)


def _after_trials(prepared: Prepared, wanted: TableSettings, seed: int, watch: Watch) -> Prepared:
    """The same table with the inputs and the settings that short trainings choose."""
    watch.begin()
    p, s = prepared, prepared.settings
    p = _on_inputs(p, worth_trials(p.encoder, p.targets, p.rows.X, p.rows.T, p.groups))
    one, classes = member_of(p.targets, p.heads, s, p.encoder.width), p.targets.strata(p.rows.T)

    def ensemble(member: Architecture) -> Ensemble:
        return Ensemble.of(member, s.members, seed, len(p.rows.X), classes, p.groups)

    first = Trial(p.encoder, dataclasses.replace(s, seed=seed))
    best, made = best_trial(first, wanted, one, p.rows, p.held_out, ensemble, watch.cancel)
    choice = with_members(best, made, p.encoder, s.members, p.rows)
    further, own = choice.further, choice.places
    return _on_inputs(dataclasses.replace(p, settings=best.settings, further=further, places=own), choice.encoder)


def _on_inputs(prepared: Prepared, encoder: Encoder) -> Prepared:
    """The same table with the inputs of an encoder, which are some of those that it has."""
    p = prepared
    if encoder is p.encoder:
        return p
    places = p.encoder.places_of(encoder)
    rows, held_out = only_inputs(places, p.rows, p.held_out)
    test = None if p.test is None else (p.test[0][:, places], p.test[1])
    return dataclasses.replace(p, encoder=encoder, rows=rows, held_out=held_out, test=test)


def _roles(source: Source, names: Sequence[str], settings: TableSettings, division: Division) -> RowRoles:
    """The role of each row. Raises DataError where no row has a weight."""
    with with_file_name(source):
        s = settings
        roles = RowRoles(source, names, s.weight, division.is_test, s.task, s.column_kinds)
    if roles.count(WEIGHTLESS) == len(roles.of):
        raise DataError(f"every row of {source.origin} has weight 0 in {settings.weight!r}: give some a weight above 0")
    return roles


def _targets(source: Source, roles: RowRoles, settings: TableSettings) -> Targets:
    """What the targets are, by all rows that are not for the test."""
    with with_file_name(source):
        return Targets.of(roles.targets, settings.task, _may_take_logarithm(settings))


def _leave_out_classes(source: Source, roles: RowRoles, targets: Targets, factors: Factors | None) -> None:
    """Treat the rows of classes with factor 0 as rows of weight 0, but for those of the test."""
    if factors is None or all(factor is None or (factor > 0).all() for factor in factors.values()):
        return
    with with_file_name(source):
        for chunk in chunks_of(source, targets.names, roles.of == TRAIN):
            with with_row_numbers(chunk.rows):
                T = targets.encode_some(chunk.table, "float32")
            roles.of[chunk.rows[left_out(targets, T, factors)]] = WEIGHTLESS


def _leave_out_unknown(own: Source, roles: RowRoles, targets: Targets) -> None:
    """Leave out the rows of a separate table whose true values no cost can be computed for (see `Targets.learnable`).

    Raises DataError if none is left.
    """
    for chunk in chunks_of(own, targets.names, roles.of == TRAIN):
        with with_file_name(own), with_row_numbers(chunk.rows):
            T = targets.truth.encode_some(chunk.table)
        roles.of[chunk.rows[~targets.learnable(T)]] = UNKNOWN
    if roles.count(UNKNOWN) and not roles.count(TRAIN):
        raise DataError(f"no row of {own.origin} has a target that training has too: give other rows to validate with")


def _may_take_logarithm(settings: TableSettings) -> bool:
    """Whether a target may be learned as its logarithm: no output, cost or metric needs errors in its own unit."""
    relative = not settings.metrics or settings.metrics[0] in ("mape", "rmsle")
    return settings.output is None and settings.head_cost is None and relative


def _inputs(source: Source, names: Sequence[str], settings: TableSettings) -> list[str]:
    """The columns that are inputs, in the table's order."""
    require_columns(source.names, names, "target", source.hint)
    weight = [] if settings.weight is None else [settings.weight]
    require_columns(source.names, weight, "weight", source.hint)
    require_columns(source.names, settings.drop, "excluded", source.hint)
    group = [] if settings.group is None else [settings.group]
    for what, columns in {"target": names, "weight": weight, "group": group, "dropped": settings.drop}.items():
        wanted_as = {"kept as an input": settings.keep}
        if what != "target":
            wanted_as["named in `kinds` (`--as`)"] = list(settings.kinds)
        for use, wanted in wanted_as.items():
            both = [name for name in columns if name in wanted]
            if both:
                raise SettingError(f"column {listed(both)} cannot be both {use} and the {what} column: choose")
    for what, name in {"weight": settings.weight, "group": settings.group}.items():
        if name in names:
            raise SettingError(f"column {name!r} cannot be both the target and the {what}: choose")
    excluded = {*names, *weight, *group, *settings.drop}
    possible = [name for name in source.names if name not in excluded]
    require_columns(possible, settings.keep, "input", source.hint)
    require_columns([*possible, *names], settings.kinds, "", source.hint)
    return [name for name in possible if not settings.keep or name in settings.keep]


def _inputs_of(source: Source, model: Model, settings: TableSettings) -> list[str]:
    """The inputs of a model to go on from. Raises DataError where the table lacks one or another column."""
    require_columns(source.names, model.targets.names, "target", source.hint)
    require_columns(source.names, model.encoder.columns, "input", source.hint)
    require_columns(source.names, [] if settings.weight is None else [settings.weight], "weight", source.hint)
    both = [
        name for name in (settings.weight, settings.group) if name in (*model.encoder.columns, *model.targets.names)
    ]
    if both:
        raise SettingError(f"column {both[0]!r} is an input or the target of the model to go on from: choose another")
    return model.encoder.columns


def _hold_out(
    source: Source,
    roles: RowRoles,
    targets: Targets,
    factors: Factors | None,
    settings: TableSettings,
    division: Division,
    seed: int,
) -> list[tuple[Source, RowRoles]]:
    """Hold out a share of the rows, or all rows of a separate table, which is returned with its roles."""
    if is_folds(settings.validation):
        return []
    if not isinstance(settings.validation, float):
        own = as_source(settings.validation)
        require_columns(own.names, targets.names, f"target (in {own.origin}, to validate with)", own.hint)
        weight = settings.weight if settings.weight in own.names else None
        own_roles = RowRoles(own, targets.names, weight, kinds=settings.column_kinds)
        _leave_out_unknown(own, own_roles, targets)
        _leave_out_classes(own, own_roles, targets, factors)
        division.require_apart(roles.rows(TRAIN), own, own_roles.rows(TRAIN))
        own_roles.hold_out(own_roles.rows(TRAIN))
        return [(own, own_roles)]
    rows = roles.rows(TRAIN)
    if settings.validation > 0 and len(rows) >= LEAST_ROWS:
        strata = None if division.name else _strata(source, roles, targets)
        roles.hold_out(division.held_out(seed, rows, settings.validation, strata))
    return []


def _strata(source: Source, roles: RowRoles, targets: Targets) -> Array | None:
    """The classes of the rows to train on (see `Outputs.strata`); their column is read again if it is not parsed."""
    first = Targets(targets.columns[:1])
    if not first.classes:
        return None
    if not first.unparsed(roles.cells):
        parts = np.array_split(roles.rows(TRAIN), 1 + roles.count(TRAIN) // _ROWS)
        encoded = (first.encode_rows(rows, roles.cells, None, "float32") for rows in parts)
    else:
        encoded = (
            first.encode_some(chunk.table, "float32") for chunk in chunks_of(source, first.names, roles.of == TRAIN)
        )
    return np.concatenate([first.codes(T)[first.names[0]] for T in encoded])


def _fitted(planned: _Planned) -> tuple[Encoder, Targets, list[ColumnProfile]]:
    """The encoder, the scaled targets and the profiles of the inputs, by the rows to train on: the second pass."""
    (source, roles), targets, settings = planned.tables[0], planned.targets, planned.settings
    unparsed = targets.unparsed(roles.cells)
    numbers = {
        column.name: None if column.form == PLAIN else column.form
        for column in targets.columns
        if isinstance(column, Quantity)
    }
    again = {name: ColumnProfile(name, form) for name, form in numbers.items() if name in unparsed}
    kinds = settings.column_kinds
    profiles = [ColumnProfile(name, kind=kinds.get(name)) for name in planned.inputs]
    with with_file_name(source):
        both = profile_by_column(
            planned.link, lambda names: chunks_of(source, names, roles.of == TRAIN), [*profiles, *again.values()]
        )
        profiles, again = both[: len(profiles)], dict(zip(again, both[len(profiles) :], strict=True))
        own = {name: roles.numbers_of(name, TRAIN) for name in numbers if name not in unparsed}
        encoder, scaled = Encoder.of(profiles, settings.more_inputs, planned.is_tried), targets.scaled_to(own | again)
    return encoder, scaled_for(scaled, planned.heads), profiles


def _encoded(
    tables: list[tuple[Source, RowRoles]], encoder: Encoder, targets: Targets, settings: TableSettings, here: HostRows
) -> tuple[RowCache, Array]:
    """The cache of all rows (X to train on, X held out, T of both, X of the test), and the true values of the test.

    One of several hosts has the inputs of its rows alone.
    """
    count = {role: sum(roles.count(role) for _, roles in tables) for role in (TRAIN, HELD_OUT, TEST)}
    shapes = [(here.own.stop - here.own.start, encoder.width), (here.count(count[HELD_OUT]), encoder.width)]
    shapes += [(count[TRAIN], targets.width), (count[HELD_OUT], targets.width)]
    shapes += [(here.count(count[TEST]), encoder.width)]
    dtype, T_test, truth = settings.dtype, [np.empty((0, targets.width))], targets.truth
    cache = RowCache(shapes, dtype, settings.cache)
    for source, roles in tables:
        what = "input" if source is tables[0][0] else f"input (in {source.origin}, to validate with)"
        require_columns(source.names, encoder.columns, what, source.hint)
        if not here.link.alone:
            T_test += _put_apart(cache, (source, roles), encoder, targets, dtype, here)
            continue
        columns = [*encoder.columns, *targets.unparsed(roles.cells)]  # the same of `truth`
        chunks = chunks_of(source, columns, roles.of != WEIGHTLESS)
        for chunk in cut_chunks(chunks, encoder.width + targets.width):
            role = roles.of[chunk.rows]
            learned, is_test = np.isin(role, (TRAIN, HELD_OUT)), role == TEST
            with with_file_name(source):
                T = _encoded_targets(targets, roles, chunk, learned, dtype)
                with with_row_numbers(chunk.rows):
                    X = encoder.encode(chunk.table, dtype)
                T_test.append(_encoded_targets(truth, roles, chunk, is_test, "float64"))
            _put(cache, X[learned], T, role[learned])
            cache.put(4, X[is_test])
    return cache, np.concatenate(T_test)


def _put_apart(
    cache: RowCache, table: tuple[Source, RowRoles], encoder: Encoder, targets: Targets, dtype: str, here: HostRows
) -> list[Array]:
    """Append the rows of a table to the cache on one of several hosts: targets of all rows, inputs of its own.

    Returns the true values of the rows for the test.
    """
    (source, roles), truth, T_test = table, targets.truth, []
    with with_file_name(source):
        for chunk in target_chunks(source, roles, targets.unparsed(roles.cells)):
            role = roles.of[chunk.rows]
            for k, which in ((2, TRAIN), (3, HELD_OUT)):
                cache.put(k, _encoded_targets(targets, roles, chunk, role == which, dtype))
            T_test.append(_encoded_targets(truth, roles, chunk, role == TEST, "float64"))
        for chunk in here.chunks(source, roles, encoder.columns, encoder.width, roles.count(TRAIN) > 0):
            with with_row_numbers(chunk.rows):
                X = encoder.encode(chunk.table, dtype)
            role = roles.of[chunk.rows]
            for k, which in ((0, TRAIN), (1, HELD_OUT), (4, TEST)):
                cache.put(k, X[role == which])
    return T_test


def _chosen(
    encoder: Encoder, targets: Targets, arrays: list[Array], T: Array, here: HostRows
) -> tuple[Encoder, list[Array]]:
    """The encoder with the inputs that gain, and the arrays of rows with these: X to train on, with T, and others."""

    plain = encoder.plain
    choices = (encoder, plain, encoder.with_times(plain), plain.with_times(encoder))

    def which() -> int:
        return choices.index(chosen_inputs(encoder, targets, here.first_shard(arrays[0]), T[here.first]))

    chosen = choices[here.link.share(which)]
    if chosen is encoder:
        return encoder, arrays
    places = encoder.places_of(chosen)
    return chosen, [X[:, places] for X in arrays]


def _encoded_targets(targets: Targets, roles: RowRoles, chunk: Chunk, chosen: Array, dtype: str) -> Array:
    """T of the chosen rows (n,) of a chunk."""
    rows, unparsed = chunk.rows[chosen], targets.unparsed(roles.cells)
    table = chunk.table.select(unparsed).filter(chosen) if unparsed else None
    with with_row_numbers(rows):
        return targets.encode_rows(rows, roles.cells, table, dtype)


def _put(cache: RowCache, X: Array, T: Array, role: Array) -> None:
    """Append rows to the arrays of the cache that their roles belong to."""
    for k, which in enumerate((TRAIN, HELD_OUT)):
        cache.put(k, X[role == which])
        cache.put(2 + k, T[role == which])


def _joined(weights: list[Array | None]) -> Array | None:
    """The weights of all tables, one after another; None if no table has any."""
    present = [weight for weight in weights if weight is not None and len(weight)]
    return np.concatenate(present) if present else None
