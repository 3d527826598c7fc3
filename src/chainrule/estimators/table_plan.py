"""preset="tabular": what the first call finds out about a table, and fixes for all that follow.

    X, a table  →  encoder  →  the network of all members  →  merged: `network_`

The steps are those of `train_table` (see `chainrule.model`): the encoder, the scale of the targets, the settings, and
with them all sizes.
"""

import dataclasses
from typing import Any

import numpy as np
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_consistent_length

from chainrule.architecture import Architecture
from chainrule.errors import DataError
from chainrule.estimators.parameters import Parameters, hidden_activations, hidden_sizes, network_of, output_of
from chainrule.estimators.preset_parameters import given, parameters_of, settings_of
from chainrule.estimators.rows import Rows, as_weight
from chainrule.estimators.table_inputs import table_of
from chainrule.estimators.targets import Targets, scaled_values_of
from chainrule.model.ensemble import Ensemble
from chainrule.model.heads import choose
from chainrule.model.warm_start import suits_linear_start
from chainrule.network import Network
from chainrule.tables.inputs import Encoder

__all__ = ["TablePlan", "ensemble_of", "plan_for", "table_rows"]

_CURRENT = ("verbose", "callback", "progress", "engine", "threads")  # parameters that every call reads anew


@dataclasses.dataclass(frozen=True, eq=False)
class TablePlan:
    """The encoder, the members without their folds, and the parameters that the network of all members runs with."""

    encoder: Encoder
    ensemble: Ensemble
    parameters: Parameters

    def current(self, estimator: Any) -> Parameters:
        """The parameters, with the values that the estimator has now where no result depends on them."""
        return Parameters(**{**vars(self.parameters), **{name: getattr(estimator, name) for name in _CURRENT}})

    @property
    def suits_linear_start(self) -> bool:
        """Whether the hidden layers can carry a linear model."""
        one = self.ensemble.one
        return suits_linear_start(one.sizes[1:-1], one.hidden, one.sizes[-1])


def table_rows(estimator: Any, X: Any, y: Any, weight: Any, reset: bool) -> Rows:
    """The table, y and weights, without the rows of weight 0. Raises ValueError if they do not fit together."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    table = table_of(estimator, X, reset)
    y = check_array(y, ensure_2d=False, dtype=None, input_name="y", accept_sparse="csr")
    y = y.toarray() if hasattr(y, "toarray") else y
    y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
    y = y.astype(np.float64) if estimator._numeric and y.dtype.kind in "OU" else y
    n = len(y)
    if table.num_rows != n:
        check_consistent_length(np.empty(table.num_rows), y)
    weight = as_weight(weight, n)
    kept = np.ones(n, dtype=np.bool_) if weight is None else weight.reshape(n, -1).any(axis=1)
    rows = Rows(np.arange(n), y, weight).present()
    return Rows(table if kept.all() else table.filter(kept), rows.y, rows.weight)


def plan_for(
    e: Any, rows: Rows, classes: Any, own_validation: bool
) -> tuple[TablePlan, Targets, Network, dict[str, Any]]:
    """The plan for a table, the targets of a member, the network of all members, and the settings that are shown."""
    if len(rows.y) < 2:
        raise DataError(f"{len(rows.y)} sample came, but a table must have two rows at least: give more")
    encoder = Encoder.fit(rows.X)
    targets = e._targets_of(rows.y, classes)
    if e._numeric:
        free = not {"output_activation", "cost", "loss", "scoring"} & given(e)
        targets = scaled_values_of(rows.y, choose("numbers", *output_of(e, e._usual_output(targets))), log=free)
    settings = settings_of(e, own_validation).resolved(len(rows.y), rows.X.num_columns, sum(targets.widths))
    shown = parameters_of(e, settings, len(rows.y), own_validation)
    seed, dtype = e._draw_seed(), "float32" if e.dtype is None else e.dtype
    fixed = {"preset": None, "warm_start": True, "random_state": seed, "class_weight": None}
    names = e.get_params(deep=False)
    parameters = {name: value for name, value in {**names, **shown, **fixed}.items() if name in names}
    one = _member(e, Parameters(**parameters), encoder.width, targets)
    ensemble = Ensemble(one, settings.members)
    if ensemble.count == 1:
        network = network_of(e, Parameters(**parameters), encoder.width, targets, seed, dtype)
    else:
        network = ensemble.network(settings.first_weights, seed, dtype)
        parameters |= {
            "hidden_layer_sizes": tuple(network.sizes[1:-1]),
            "masks": list(network.architecture.masks),
            "initializer": None,
            "tol": parameters["tol"] * ensemble.count,  # the network's costs are the members' sum
        }
    return TablePlan(encoder, ensemble, Parameters(**parameters)), targets, network, shown


def _member(e: Any, p: Parameters, width: int, targets: Targets, count: int = 1) -> Architecture:
    """The architecture of one of `count` members."""
    sizes = [n // count for n in hidden_sizes(p.hidden_layer_sizes)]
    output, cost = output_of(p, e._usual_output(targets))
    blocks = [(output, block) for block in targets.widths]
    activation = hidden_activations(p.activation, len(sizes))
    return Architecture.of([width, *sizes, sum(targets.widths)], activation, blocks, cost)


def ensemble_of(e: Any, p: Parameters, width: int, targets: Targets, count: int) -> Ensemble:
    """The members again, from the parameters of the network of all members."""
    return Ensemble(_member(e, p, width, targets, count), count)
