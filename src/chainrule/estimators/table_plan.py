"""preset="tabular": what the first call learns of a table and chooses for it, which all later calls keep.

    X, a table  →  encoder  →  the network of all members  →  merged: `network_`

The steps are those of `train_table` (see `chainrule.model`): the encoder, the scale of the targets, the settings, and
with them all sizes.
"""

import dataclasses
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.estimators.class_weight import weighed_for
from chainrule.estimators.parameters import (
    Parameters,
    architecture_of,
    hidden_sizes,
    network_of,
    output_of,
    seed_of,
)
from chainrule.estimators.preset_parameters import changed_parameters, parameters_of, table_settings
from chainrule.estimators.rows import Rows
from chainrule.examples import RowArrays, folds
from chainrule.model.choose_inputs import chosen_inputs, worth_trials
from chainrule.model.ensemble import Ensemble
from chainrule.model.heads import check_reach, choose, scaled_for
from chainrule.model.preset import MANY
from chainrule.model.sparse_rows import WIDE
from chainrule.model.trials import Trial, are_tried, best_trial
from chainrule.model.warm_start import suits_linear_start
from chainrule.network import Network
from chainrule.tables.inputs import Encoder
from chainrule.tables.targets import ArrayNumbers, ArrayTargets

__all__ = ["TablePlan", "ensemble_of", "plan_for"]

_CURRENT = (
    "verbose",
    "callback",
    "progress",
    "engine",
    "threads",
    "devices",
    "hosts",
)  # parameters that every call reads anew


@dataclasses.dataclass(frozen=True, eq=False)
class TablePlan:
    """What is the same in every call.

    - encoder: turns a table into the inputs of the network.
    - ensemble: the members, without the fold of rows that each leaves out.
    - parameters: those that the network of all members is trained with.
    """

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


def plan_for(
    estimator: Any, rows: Rows, targets: ArrayTargets, own_validation: bool
) -> tuple[TablePlan, ArrayTargets, Network, dict[str, Any]]:
    """The plan for a table, the targets as they are learned, the network of all members, and the parameters to show.

    - rows: X as a table, y and weights.
    - targets: what y is.
    - own_validation: whether the user passes a validation set.
    """
    if len(rows.y) < 2:
        raise DataError(f"{len(rows.y)} sample came, but a table must have two rows at least: give more")
    settings = table_settings(estimator, own_validation)
    if isinstance(targets, ArrayNumbers):
        targets = _scaled(estimator, rows, targets)
    groups = None if rows.groups is None else len(np.unique(rows.groups))
    wanted, settings = settings, settings.resolved(len(rows.y), rows.X.num_columns, sum(targets.widths), groups)
    is_tried = settings.members > 1 and are_tried(wanted, settings, len(rows.y))
    encoder = Encoder.fit(rows.X, more=wanted.more_inputs, bins=is_tried)
    if len(rows.y) > MANY and encoder.width > WIDE:
        encoder = encoder.curved  # the array of all values would take too long
    shown = parameters_of(estimator, settings, len(rows.y), own_validation)
    seed, dtype = seed_of(estimator.random_state), "float32" if estimator.dtype is None else estimator.dtype
    parameters = _parameters(estimator, shown, seed)
    if wanted.more_inputs:
        weight = weighed_for(estimator, targets, rows)[0].weight
        encoded = RowArrays(encoder.encode(rows.X), targets.encode(rows.y), weight)
        if is_tried:
            tried = worth_trials(encoder, targets.outputs, *encoded[:2], rows.groups)
            encoder, encoded = tried, encoded._replace(X=encoded.X[:, encoder.places_of(tried)])
        if is_tried:
            one = architecture_of(estimator, parameters, encoder.width, targets)
            first = Trial(encoder, dataclasses.replace(settings, seed=seed, dtype=dtype))
            strata = targets.outputs.strata(encoded.T)
            fold = folds(seed, settings.members, len(rows.y), strata, rows.groups)
            count = settings.members
            (encoder, settings), _ = best_trial(
                first, wanted, one, encoded, None, lambda member: Ensemble(member, count, fold)
            )
            shown = parameters_of(estimator, settings, len(rows.y), own_validation)
            parameters = _parameters(estimator, shown, seed)
        else:
            encoder = chosen_inputs(encoder, targets.outputs, *encoded[:2])
    ensemble = Ensemble(architecture_of(estimator, parameters, encoder.width, targets), settings.members)
    if ensemble.count == 1:
        network = network_of(estimator, parameters, encoder.width, targets, seed, dtype)
    else:
        network = ensemble.network(settings.first_weights, seed, dtype)
        parameters = _of_all_members(parameters, network, ensemble.count)
    return TablePlan(encoder, ensemble, parameters), targets, network, shown


def _scaled(estimator: Any, rows: Rows, targets: ArrayNumbers) -> ArrayNumbers:
    """Numbers that are scaled to what the outputs can reach, unless one column is constant.

    They are scaled by their logarithms unless a parameter asks for errors in their own unit. Raises DataError for
    numbers that the outputs cannot reach.
    """
    log = not {"output_activation", "cost", "loss", "scoring"} & changed_parameters(estimator)
    head = choose("numbers", *output_of(estimator, estimator._usual_output(targets)))
    targets = targets.standardised(rows.y, log)
    if targets.scaled:
        targets = dataclasses.replace(targets, outputs=scaled_for(targets.outputs, {"numbers": head}))
    check_reach(targets.outputs, {"numbers": head}, targets.encode(rows.y))
    return targets


def _parameters(estimator: Any, shown: dict[str, Any], seed: int) -> Parameters:
    """The parameters of one member: the estimator's, with those that the preset has chosen, and the seed."""
    own = estimator.get_params(deep=False)
    fixed = {
        "preset": None,
        "warm_start": True,
        "random_state": seed,
        "class_weight": None,
    }
    return Parameters(**{name: value for name, value in {**own, **shown, **fixed}.items() if name in own})


def _of_all_members(parameters: Parameters, network: Network, count: int) -> Parameters:
    """The parameters of the network of `count` members, from those of one."""
    changed = {
        "hidden_layer_sizes": tuple(network.sizes[1:-1]),
        "masks": list(network.architecture.masks),
        "initializer": None,
        "tol": parameters.tol * count,  # the network's costs are the members' sum
    }
    return Parameters(**{**vars(parameters), **changed})


def ensemble_of(estimator: Any, parameters: Parameters, width: int, targets: ArrayTargets, count: int) -> Ensemble:
    """The members again, from the parameters of the network of all members; `width` is that of the encoder."""
    sizes = [n // count for n in hidden_sizes(parameters.hidden_layer_sizes)]
    one = Parameters(**{**vars(parameters), "hidden_layer_sizes": sizes})
    return Ensemble(architecture_of(estimator, one, width, targets), count)
