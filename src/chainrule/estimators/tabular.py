"""preset="tabular": an estimator for any table, with settings that suit it (see `chainrule.model.preset`).

    X, a table  →  encoder  →  an estimator of numbers, whose network holds all members  →  merged: `network_`

The inner estimator trains, counts and goes on; what a user sees is taken from it after every call. What the first call
finds in the table is fixed by it: the encoder, the targets' scale, the settings, and with them all sizes.
"""

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_consistent_length

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.estimators.callbacks import Fitted, Hooks
from chainrule.estimators.fitted import COUNTED
from chainrule.estimators.parameters import hidden_activations, hidden_sizes, output_of
from chainrule.estimators.preset_parameters import given, parameters_of, settings_of
from chainrule.estimators.rows import Rows, as_weight
from chainrule.estimators.scaled import Together, quantities_of
from chainrule.estimators.table_inputs import table_of
from chainrule.examples import folds
from chainrule.model.class_weight import Examples
from chainrule.model.ensemble import Ensemble
from chainrule.model.heads import choose
from chainrule.model.settings import TableSettings
from chainrule.model.warm_start import linear_start, suits_linear_start
from chainrule.network import Network
from chainrule.tables.inputs import Encoder
from chainrule.training import History

__all__ = ["Tabular", "encoded", "fit_table"]

WATCHING = ("verbose", "callback", "progress", "engine", "threads")  # parameters that every call looks at anew


@dataclasses.dataclass(frozen=True, eq=False)
class Tabular:
    """What the first call has fixed: the encoder, the targets of a member, how many members, the estimator within."""

    encoder: Encoder
    targets: Any
    count: int
    inner: Any

    def __post_init__(self) -> None:
        self.inner._within = True
        if self.count > 1:
            self.inner._shown = self.members.event

    @cached_property
    def members(self) -> Ensemble:
        """The members, without the rows that each leaves out."""
        return Ensemble(_of_one(self.inner, self.targets, self.count), self.count)

    def network(self, wide: Network) -> Network:
        """The one network that the members make."""
        return self.members.merged(wide)

    @property
    def history(self) -> History:
        """That of the estimator within, with costs as the mean of the members."""
        history: History = self.inner.history_
        return self.members.history(history) if self.count > 1 else history


def fit_table(
    estimator: Any, X: Any, y: Any, weight: Any, held: tuple[Any, Any, Any], once: bool, classes: Any, total: Any
) -> None:
    """One call of fit, or of partial_fit if `once`."""
    e = estimator
    fresh = not (e._built and (e.warm_start or once))
    rows = _rows(e, X, y, weight, fresh)
    if fresh:
        begin(e, rows, classes, held[0] is not None)
    found: Tabular = e._tabular
    if held[0] is not None and found.count > 1:
        raise SettingError("X_val came after a first call without it, which has shared the rows out: give it there too")
    inner = found.inner
    inner.set_params(**{name: getattr(e, name) for name in WATCHING})
    rows = _weighted(e, _encoded(found, rows))
    own = None if held[0] is None else _weighted(e, _encoded(found, _rows(e, *held, False)))
    rows, own = _shared_out(found, rows, own)
    if fresh and e.settings_["start"] == "linear":
        e.settings_["start"] = "linear" if _start(found, rows, own) else "random"
        _adopt(e)
    validation = (None, None, None) if own is None else (own.X, own.y, own.weight)
    S = None if total is None else total * (1 if found.count == 1 else (found.count - 1) / found.count)
    told = {"X": X, "y": y, "metadata": None if weight is None else {"sample_weight": weight}}
    hooks = Hooks() if once else _Merging(Hooks(e, inner.max_iter, told), found)
    try:
        inner._fit(rows.X, rows.y, rows.weight, validation, once=once, total_weight=S, hooks=hooks)
    finally:  # after a divergence the last good weights are kept
        _adopt(e)


def encoded(estimator: Any, X: Any) -> Array:
    """The rows of X as the network takes them."""
    found: Tabular = estimator._tabular
    return found.encoder.encode(table_of(estimator, X, reset=False), found.inner.network_.dtype)


# ---------------------------------------------------------------------------------------------- the first call


def begin(estimator: Any, rows: Rows, classes: Any, own_validation: bool) -> None:
    """Find out what the table is, and make the estimator within."""
    e = estimator
    if len(rows.y) < 2:
        raise DataError(f"{len(rows.y)} sample came, but a table must have two rows at least: give more")
    encoder = Encoder.fit(rows.X)
    targets = e._targets_of(rows.y, classes)
    if e._numeric:
        targets = quantities_of(
            rows.y, _choice(e, targets), log=not {"output_activation", "cost", "loss", "scoring"} & given(e)
        )
    settings = settings_of(e, own_validation).resolved(len(rows.y), rows.X.num_columns, sum(targets.widths))
    e.settings_ = parameters_of(e, settings, len(rows.y), own_validation)
    e._tabular = Tabular(encoder, targets, settings.members, _inner(e, settings, encoder.width, targets))
    _adopt(e)


def _choice(e: Any, targets: Any) -> Any:
    """The output and cost of numbers, which say how they are scaled."""
    return choose("numbers", *output_of(e, e._usual_output(targets)))


def _inner(e: Any, s: TableSettings, width: int, targets: Any) -> Any:
    """An estimator of numbers with these settings, whose network holds all members."""
    seed = e._draw_seed()
    asked = {name: value for name, value in e.settings_.items() if name not in ("members", "start")}
    fixed = {"preset": None, "warm_start": True, "random_state": seed, "class_weight": None}
    wanted = {**e.get_params(deep=False), **asked, **fixed}
    inner = type(e)(**{name: value for name, value in wanted.items() if name in e.get_params(deep=False)})
    dtype = "float32" if e.dtype is None else e.dtype
    if s.members == 1:
        inner._build(width, targets, dtype)
    else:
        inner.n_features_in_ = width
        one = _of_one(inner, targets, 1)
        wide = Ensemble(one, s.members).network(s.first_weights, seed, dtype)
        inner.set_params(
            hidden_layer_sizes=tuple(wide.sizes[1:-1]), masks=list(wide.architecture.masks), initializer=None
        )
        inner.tol *= s.members  # losses within are the members' sum
        inner._build(width, Together(targets, s.members), dtype)
        inner.network_ = wide
    inner.n_features_in_ = width
    return inner


def _of_one(inner: Any, targets: Any, count: int) -> Architecture:
    """The architecture of one of the members."""
    sizes = [n // count for n in hidden_sizes(inner.hidden_layer_sizes)]
    output, cost = output_of(inner, inner._usual_output(targets))
    blocks = [(output, width) for width in targets.widths]
    activation = hidden_activations(inner.activation, len(sizes))
    return Architecture.of([inner.n_features_in_, *sizes, sum(targets.widths)], activation, blocks, cost)


def _start(found: Tabular, rows: Rows, own: Rows | None) -> bool:
    """Begin from the best linear model; whether the hidden layers can carry it."""
    inner, one = found.inner, found.members.one
    if not suits_linear_start(one.sizes[1:-1], one.hidden, one.sizes[-1]):
        return False
    kept, out = (rows, own) if own is not None else inner._split(rows, (None, None, None))
    examples, held = _examples(inner, kept), None if out is None else _examples(inner, out)
    alpha = linear_start(found.members, inner.network_, examples, held, engine=inner.engine)
    return alpha is not None


def _examples(inner: Any, rows: Rows) -> Examples:
    return rows.X, inner._targets.encode(rows.y), rows.weight


# ---------------------------------------------------------------------------------------------- every call


def _rows(e: Any, X: Any, y: Any, weight: Any, reset: bool) -> Rows:
    """The table, y and weights, rows of weight 0 left out."""
    if y is None:
        raise ValueError(f"{type(e).__name__} requires y to be passed, but the target y is None")
    table = table_of(e, X, reset)
    y = check_array(y, ensure_2d=False, dtype=None, input_name="y", accept_sparse="csr")
    y = y.toarray() if hasattr(y, "toarray") else y
    y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
    y = y.astype(np.float64) if e._numeric and y.dtype.kind in "OU" else y
    n = len(y)
    if table.num_rows != n:
        check_consistent_length(np.empty(table.num_rows), y)
    weight = as_weight(weight, n)
    kept = np.ones(n, dtype=np.bool_) if weight is None else weight.reshape(n, -1).any(axis=1)
    rows = Rows(np.arange(n), y, weight).present()
    return Rows(table if kept.all() else table.filter(kept), rows.y, rows.weight)


def _encoded(found: Tabular, rows: Rows) -> Rows:
    return Rows(found.encoder.encode(rows.X, found.inner.network_.dtype), rows.y, rows.weight)


def _weighted(e: Any, rows: Rows) -> Rows:
    """The rows with their weights times those of their classes."""
    weight = e._tabular.targets.weighted(rows.y, rows.weight, getattr(e, "class_weight", None))
    return Rows(rows.X, rows.y, weight)


def _shared_out(found: Tabular, rows: Rows, own: Rows | None) -> tuple[Rows, Rows | None]:
    """The rows that each member trains on and is validated with: each member leaves out a fold of its own."""
    if found.count == 1:
        return rows, own
    inner, n = found.inner, len(rows.y)
    fold = folds(inner.seed_, found.count, n, inner._strata(rows.y))
    members = Ensemble(found.members.one, found.count, fold)
    T = np.empty((n, found.members.one.sizes[-1]))
    train, held = members.examples((rows.X, T, rows.weight))
    return Rows(rows.X, rows.y, train[2]), Rows(rows.X, rows.y, held[2])


def _adopt(e: Any) -> None:
    """Take over what the estimator within has come to."""
    found: Tabular = e._tabular
    inner = found.inner
    e.__dict__.update({name: getattr(inner, name) for name in COUNTED})
    e.__dict__.update(network_=found.network(inner.network_), _targets=found.targets, _state=None)
    e.__dict__.pop("history_", None)
    if hasattr(inner, "history_"):
        e.history_ = found.history


class _Merging:
    """Hooks that are told of the merged network."""

    def __init__(self, hooks: Hooks, found: Tabular) -> None:
        self._hooks, self._found = hooks, found

    def begin(self, fitted: Fitted) -> None:
        self._hooks.begin(lambda: self._merged(fitted))

    def end(self, fitted: Fitted) -> bool:
        return self._hooks.end(lambda: self._merged(fitted))

    def finish(self, fitted: Fitted) -> None:
        self._hooks.finish(lambda: self._merged(fitted))

    def _merged(self, fitted: Fitted) -> dict[str, Any]:
        known = fitted()
        return {**known, "network_": self._found.network(known["network_"])}
