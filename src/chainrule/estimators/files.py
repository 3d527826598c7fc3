"""An estimator as plain data and tensors, for a file: its parameters, its network, and all that going on takes.

The network's tensors come first, as in the file of a network; `state.*` are those of the training that goes on, with
the current weights, where a validation set has chosen others to predict with. With preset="tabular" the estimator
within is stored like any other, its tensors as `inner.*`, beside the encoder and the merged network.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule import network_file
from chainrule.arrays import Array
from chainrule.errors import ModelFileError, SettingError
from chainrule.estimators.base import MLP
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.fitted import COUNTED
from chainrule.estimators.parameters import Parameters, check_parameters
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.table_plan import TablePlan, ensemble_of
from chainrule.estimators.target_files import from_parts as targets_from_parts
from chainrule.estimators.target_files import to_parts as targets_to_parts
from chainrule.files.plain import pack, unpack
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.tables.inputs import Encoder
from chainrule.training import TrainingState
from chainrule.training.state_file import state_of, state_parts

__all__ = ["document", "from_document"]

CLASSES: dict[str, type[MLP]] = {cls.__name__: cls for cls in (MLPClassifier, MLPRegressor)}
PLAIN = (*COUNTED, "n_features_in_", "feature_names_in_")


def document(estimator: MLP) -> tuple[dict[str, Any], dict[str, Array]]:
    """The estimator as data for JSON and tensors by name. Raises SettingError for what is no data, by its name."""
    if CLASSES.get(type(estimator).__name__) is not type(estimator):
        raise SettingError(f"{type(estimator).__name__} is a class of your own, which a file cannot name: use pickle")
    parts: dict[str, Any] = {"class": type(estimator).__name__, "fitted": None}
    tensors: dict[str, Array] = {}
    if hasattr(estimator, "network_"):
        parts |= _fitted(estimator, tensors)
    if getattr(estimator, "_skl_callbacks", None):
        raise SettingError("callbacks were set, and a file holds data only: take them off by set_callbacks([])")
    parts["requests"] = _requests(estimator)
    parameters = _with_dtype_name(estimator.get_params(deep=False))
    parts["parameters"] = [[name, pack(value, tensors, name)] for name, value in parameters.items()]
    return parts, tensors


def from_document(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> MLP:
    """The estimator again. Raises ModelFileError, LookupError, TypeError or ValueError for parts that do not fit."""
    kind = document["class"]
    if not isinstance(kind, str) or kind not in CLASSES:
        raise ModelFileError(f"it holds a {kind!r}, and this version knows {', '.join(CLASSES)}")
    estimator = CLASSES[kind](**{name: unpack(value, tensors) for name, value in document["parameters"]})
    if document.get("requests") is not None:
        estimator._metadata_request = _requested(estimator, document["requests"])
    if document["fitted"] is not None:
        network = network_file.from_document(document, tensors)
        estimator.__dict__.update(_attributes(estimator, document["fitted"], tensors, network))
    return estimator


def _requests(estimator: MLP) -> dict[str, Any] | None:
    """What `set_fit_request` and its like were told, by method; None where nothing was."""
    made = getattr(estimator, "_metadata_request", None)
    methods = [method for method in ("fit", "partial_fit", "score") if made is not None]
    return {method: dict(getattr(made, method).requests) for method in methods} or None


def _requested(estimator: MLP, requests: Mapping[str, Any]) -> Any:
    """scikit-learn's record of the same."""
    made = estimator.get_metadata_routing()
    for method in ("fit", "partial_fit", "score"):
        for name, alias in dict(requests[method]).items():
            if name not in getattr(made, method).requests:
                raise ModelFileError(f"it requests {name!r} for {method}, which does not take it")
            getattr(made, method).add_request(param=name, alias=alias)
    return made


def _fitted(estimator: MLP, tensors: dict[str, Array]) -> dict[str, Any]:
    """The documents of the network and of what was learned beside it; their tensors are put into `tensors`."""
    plan = estimator._plan
    targets = targets_to_parts(estimator._targets, tensors)
    state = estimator._state if plan is None else None
    attributes = {name: getattr(estimator, name) for name in PLAIN if hasattr(estimator, name)}
    parts = _learned(estimator.network_, attributes, targets, state, tensors)
    parts["fitted"]["tabular"] = None if plan is None else _tabular(estimator, tensors)
    return parts


def _learned(
    network: Network,
    attributes: Mapping[str, Any],
    targets: dict[str, Any],
    state: TrainingState | None,
    tensors: dict[str, Array],
) -> dict[str, Any]:
    """The document of a network with its attributes, its targets and its place in training."""
    document, parts = network_file.document(network)
    tensors |= parts
    learned: dict[str, Any] = {
        "attributes": [[name, pack(value, tensors, name)] for name, value in attributes.items()],
        "targets": targets,
        "state": None,
        "tabular": None,
    }
    if state is not None:
        learned["state"], parts = state_parts(state)
        tensors |= {f"state.{name}": tensor for name, tensor in parts.items()}
    return {**document, "fitted": learned}


def _tabular(estimator: MLP, tensors: dict[str, Array]) -> dict[str, Any]:
    """What preset="tabular" has fixed, and the network of all members in the form of an estimator, as `inner`."""
    plan: TablePlan = estimator._plan
    parts: dict[str, Array] = {}
    attributes = {name: getattr(estimator, name) for name in COUNTED} | {"n_features_in_": plan.encoder.width}
    targets = targets_to_parts(estimator._targets, parts)
    if plan.ensemble.count > 1:
        targets = {"is": "together", "of": targets, "count": plan.ensemble.count}
    parameters = vars(plan.current(estimator))
    inner = {
        "class": type(estimator).__name__,
        **_learned(estimator._trained, attributes, targets, estimator._state, parts),
        "requests": None,
        "parameters": [[name, pack(value, parts, name)] for name, value in _with_dtype_name(parameters).items()],
    }
    tensors |= plan.encoder.tensors() | {f"inner.{name}": tensor for name, tensor in parts.items()}
    settings = [[name, pack(value, tensors, f"settings.{name}")] for name, value in estimator.settings_.items()]
    return {"encoder": plan.encoder.document(), "members": plan.ensemble.count, "settings": settings, "inner": inner}


def _with_dtype_name(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, dtype by its name if it came as a type."""
    dtype = parameters["dtype"]
    return {**parameters, "dtype": np.dtype(dtype).name if isinstance(dtype, type | np.dtype) else dtype}


def _attributes(
    estimator: MLP, document: Mapping[str, Any], tensors: Mapping[str, Array], network: Network
) -> dict[str, Any]:
    attributes = _named(document["attributes"], tensors)
    targets = targets_from_parts(document["targets"], tensors)
    attributes |= {"network_": network, "_targets": targets, "_state": None}
    if document.get("tabular") is not None:
        attributes |= _plan(estimator, document["tabular"], tensors, targets)
    _check(attributes, targets, network)
    if document["state"] is not None:
        state = _state(document["state"], tensors, network)
        attributes |= {"_state": state, "history_": state.history}
    return attributes


def _named(stored: Any, tensors: Mapping[str, Array]) -> dict[str, Any]:
    """The attributes by name. Raises ModelFileError unless they are those that this version knows."""
    attributes = {name: unpack(value, tensors) for name, value in stored}
    strange = (set(attributes) ^ set(PLAIN)) - {"feature_names_in_"}
    if strange:
        raise ModelFileError(f"what it has learned is not what this version knows: {', '.join(sorted(strange))}")
    return attributes


def _state(document: Any, tensors: Mapping[str, Array], network: Network) -> TrainingState:
    state = state_of(document, _below("state.", tensors))
    if (state.kept.shape, state.kept.dtype) != (network.theta.shape, network.dtype):
        raise ModelFileError("its training is of another network than its own")
    return state


def _plan(estimator: MLP, document: Mapping[str, Any], tensors: Mapping[str, Array], targets: Any) -> dict[str, Any]:
    """What preset="tabular" has fixed, the network of all members, and its place in training."""
    encoder, count = Encoder.from_document(document["encoder"], tensors), document["members"]
    inner, parts = document["inner"], _below("inner.", tensors)
    if type(count) is not int or count < 1 or inner["class"] != type(estimator).__name__ or inner["fitted"] is None:
        raise ModelFileError(f"it has {count!r} members in a {inner['class']}")
    of = inner["fitted"]["targets"]
    within = of["count"] if of["is"] == "together" else 1
    network = network_file.from_document(inner, parts)
    _named(inner["fitted"]["attributes"], parts)  # the same as the estimator's own
    parameters = Parameters(**{name: unpack(value, parts) for name, value in inner["parameters"]})
    check_parameters(parameters)
    ensemble = ensemble_of(estimator, parameters, encoder.width, targets, count)
    if (within, (encoder.width, *ensemble.sizes[1:])) != (count, network.sizes):
        raise ModelFileError(f"its encoder and {count} members are not those of the network within, {network!r}")
    settings = {name: unpack(value, tensors) for name, value in document["settings"]}
    attributes: dict[str, Any] = {
        "_plan": TablePlan(encoder, ensemble, parameters),
        "_wide": network if count > 1 else None,
        "settings_": settings,
    }
    if inner["fitted"]["state"] is not None:
        state = _state(inner["fitted"]["state"], parts, network)
        attributes |= {"_state": state, "history_": state.history if count == 1 else ensemble.history(state.history)}
    return attributes


def _below(prefix: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _check(attributes: Mapping[str, Any], targets: Any, network: Network) -> None:
    """Refuse numbers out of range, and sizes that are not the network's."""
    counts = {name: attributes[name] for name in ("seed_", "n_iter_", "t_", "n_features_in_", "_since", "_base")}
    wrong = [name for name, value in counts.items() if type(value) is not int or value < 0]
    kinds = {"stopped_": bool, "_rule": Optimizer | None}
    wrong += [name for name, kind in kinds.items() if not isinstance(attributes[name], kind)]
    if wrong:
        raise ModelFileError(f"its {wrong[0]} is {attributes[wrong[0]]!r}")
    widths, table = [block.width for block in network.architecture.blocks], attributes.get("_plan")
    inputs = attributes["n_features_in_"] if table is None else table.encoder.width
    if (inputs, targets.widths) != (network.sizes[0], widths):
        raise ModelFileError(f"its inputs and targets are not those of its network, {network!r}")
    names = attributes.get("feature_names_in_")
    if names is not None and np.shape(names) != (attributes["n_features_in_"],):
        raise ModelFileError(f"it has {np.size(names)} names for {attributes['n_features_in_']} inputs")
