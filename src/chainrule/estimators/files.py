"""An estimator as plain data and named tensors, for a model file, and back.

    document                          tensors                                    what
    ────────                          ───────                                    ────
    class, parameters, requests                                                  how it was made; metadata requests
    architecture                      layers.2.W, layers.2.b, ...                `network_`, as in a network's own file
    fitted: null, or                                                             null before the first fit
        attributes                                                               `PLAIN`: counts, seed, column names
        targets                       targets.*                                  what y is
        state                         state.*                                    where training is, to go on from
        tabular: null, or             encoder.*, settings.*                      what preset="tabular" has chosen
            encoder, members, settings, suspects
            inner: all of the above   inner.*                                    the network of all members

An array in the parameters is a tensor by the parameter's name. `inner` has the form of an estimator of its own, because
one was stored there once: its network is that of all members, its parameters are those that run, its state is the
training's (so `state` is null beside it). Its attributes are the estimator's own again, but for the number of inputs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule import network_file
from chainrule.arrays import Array
from chainrule.errors import ModelFileError, SettingError
from chainrule.estimators.base import MLP
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.fitted import COUNTS
from chainrule.estimators.parameters import Parameters, check_parameters
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.table_plan import TablePlan, ensemble_of
from chainrule.estimators.target_files import from_parts as targets_from_parts
from chainrule.estimators.target_files import to_parts as targets_to_parts
from chainrule.files.plain import pack, unpack
from chainrule.model.out_of_fold import OutOfFold
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.tables.inputs import Encoder
from chainrule.text import shown
from chainrule.training import TrainingState
from chainrule.training.state_file import state_of, state_parts

__all__ = ["document", "from_document"]

CLASSES: dict[str, type[MLP]] = {cls.__name__: cls for cls in (MLPClassifier, MLPRegressor)}
PLAIN = (*COUNTS, "n_features_in_", "feature_names_in_")


# ------------------------------------------------------------------------------------------- writing


def document(estimator: MLP) -> tuple[dict[str, Any], dict[str, Array]]:
    """The estimator as data for JSON and tensors by name. Raises SettingError for what a file cannot hold, by name."""
    if CLASSES.get(type(estimator).__name__) is not type(estimator):
        raise SettingError(f"{type(estimator).__name__} is a class of your own, which a file cannot name: use pickle")
    parts: dict[str, Any] = {"class": type(estimator).__name__, "fitted": None}
    tensors: dict[str, Array] = {}
    if hasattr(estimator, "network_"):
        parts |= _fitted(estimator, tensors)
    if getattr(estimator, "_skl_callbacks", None):
        raise SettingError("callbacks were set, and a file holds data only: take them off by set_callbacks([])")
    parts["requests"] = _requests(estimator)
    parts["parameters"] = _packed(_with_dtype_name(estimator.get_params(deep=False)), tensors)
    return parts, tensors


def _fitted(estimator: MLP, tensors: dict[str, Array]) -> dict[str, Any]:
    """The documents of the network and of everything learned; their tensors are put into `tensors`."""
    plan = estimator._plan
    targets = targets_to_parts(estimator._targets, tensors)
    state = estimator._state if plan is None else None
    attributes = {name: getattr(estimator, name) for name in PLAIN if hasattr(estimator, name)}
    parts = _learned(estimator.network_, attributes, targets, state, tensors)
    parts["fitted"]["tabular"] = None if plan is None else _tabular(estimator, plan, tensors)
    return parts


def _learned(
    network: Network,
    attributes: Mapping[str, Any],
    targets: dict[str, Any],
    state: TrainingState | None,
    tensors: dict[str, Array],
) -> dict[str, Any]:
    """The document of a network with its attributes, its targets and where its training is."""
    document, parts = network_file.document(network)
    tensors |= parts
    learned: dict[str, Any] = {
        "attributes": _packed(attributes, tensors),
        "targets": targets,
        "state": None,
        "tabular": None,
    }
    if state is not None:
        learned["state"], parts = state_parts(state)
        tensors |= {f"state.{name}": tensor for name, tensor in parts.items()}
    return {**document, "fitted": learned}


def _tabular(estimator: MLP, plan: TablePlan, tensors: dict[str, Array]) -> dict[str, Any]:
    """What preset="tabular" has chosen, and the network of all members as `inner`."""
    parts: dict[str, Array] = {}
    attributes = {name: getattr(estimator, name) for name in COUNTS} | {"n_features_in_": plan.encoder.width}
    targets = targets_to_parts(estimator._targets, parts)
    if plan.ensemble.count > 1:
        targets = {"is": "together", "of": targets, "count": plan.ensemble.count}
    inner = {
        "class": type(estimator).__name__,
        **_learned(estimator._trained, attributes, targets, estimator._state, parts),
        "requests": None,
        "parameters": _packed(_with_dtype_name(vars(plan.current(estimator))), parts),
    }
    tensors |= plan.encoder.tensors() | {f"inner.{name}": tensor for name, tensor in parts.items()}
    kept = estimator._kept
    tensors |= {} if kept is None else kept.tensors()
    settings = _packed(estimator.settings_, tensors, "settings.")
    return {
        "encoder": plan.encoder.document(),
        "members": plan.ensemble.count,
        "settings": settings,
        "suspects": estimator.suspects_,
        "inner": inner,
        **({} if kept is None else {"out_of_fold": kept.document()}),
    }


def _packed(values: Mapping[str, Any], tensors: dict[str, Array], prefix: str = "") -> list[list[Any]]:
    """Values by name as plain data; their arrays are put into `tensors`, by the name after `prefix`."""
    return [[name, pack(value, tensors, f"{prefix}{name}")] for name, value in values.items()]


def _with_dtype_name(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with the dtype by its name if it is a type, and without the hosts, which are of one process."""
    dtype = parameters["dtype"]
    name = np.dtype(dtype).name if isinstance(dtype, type | np.dtype) else dtype
    return {**parameters, "dtype": name} | ({"hosts": None} if "hosts" in parameters else {})


def _requests(estimator: MLP) -> dict[str, Any] | None:
    """What `set_fit_request` and the like have set, by method; None if nothing was set."""
    requests = getattr(estimator, "_metadata_request", None)
    methods = [method for method in ("fit", "partial_fit", "score") if requests is not None]
    return {method: dict(getattr(requests, method).requests) for method in methods} or None


# ------------------------------------------------------------------------------------------- reading


def from_document(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> MLP:
    """The estimator of such parts.

    Raises ModelFileError, LookupError, TypeError or ValueError for parts that do not fit together.
    """
    kind = document["class"]
    if not isinstance(kind, str) or kind not in CLASSES:
        raise ModelFileError(f"it holds a {shown(kind)}, and this version knows {', '.join(CLASSES)}")
    estimator = CLASSES[kind](**_parameters(CLASSES[kind], document["parameters"], tensors))
    if document.get("requests") is not None:
        estimator._metadata_request = _requests_from(estimator, document["requests"])
    if document["fitted"] is not None:
        network = network_file.from_document(document, tensors)
        estimator.__dict__.update(_attributes(estimator, document["fitted"], tensors, network))
    return estimator


def _parameters(cls: type[MLP], stored: Any, tensors: Mapping[str, Array]) -> dict[str, Any]:
    """All parameters of an estimator, by name; one that an older file lacks has its default.

    Raises ModelFileError for one that the estimator does not have.
    """
    parameters, usual = _unpacked(stored, tensors), cls().get_params(deep=False)
    strange = ", ".join(sorted(str(name) for name in parameters if name not in usual))
    if strange:
        raise ModelFileError(f"its parameters are not those of this version: {strange}")
    return {**usual, **parameters}


def _requests_from(estimator: MLP, stored: Mapping[str, Any]) -> Any:
    """scikit-learn's record of metadata requests. Raises ModelFileError for one that the method does not take."""
    requests = estimator.get_metadata_routing()
    for method in ("fit", "partial_fit", "score"):
        for name, alias in dict(stored[method]).items():
            if name not in getattr(requests, method).requests:
                raise ModelFileError(f"it requests {name!r} for {method}, which does not take it")
            getattr(requests, method).add_request(param=name, alias=alias)
    return requests


def _attributes(
    estimator: MLP, fitted: Mapping[str, Any], tensors: Mapping[str, Array], network: Network
) -> dict[str, Any]:
    """All attributes of a fitted estimator, by name."""
    attributes = _plain_attributes(fitted["attributes"], tensors)
    targets = targets_from_parts(fitted["targets"], tensors)
    attributes |= {"network_": network, "_targets": targets, "_state": None}
    if fitted.get("tabular") is not None:
        attributes |= _tabular_attributes(estimator, fitted["tabular"], tensors, targets)
    _check(attributes, targets, network)
    if fitted["state"] is not None:
        state = _state(fitted["state"], tensors, network)
        attributes |= {"_state": state, "history_": state.history}
    return attributes


def _plain_attributes(stored: Any, tensors: Mapping[str, Array]) -> dict[str, Any]:
    """The attributes of `PLAIN`, by name. Raises ModelFileError for more or fewer of them."""
    attributes = _unpacked(stored, tensors)
    strange = (set(attributes) ^ set(PLAIN)) - {"feature_names_in_"}
    if strange:
        words = ", ".join(sorted(map(str, strange)))
        raise ModelFileError(f"what it has learned is not what this version knows: {words}")
    return attributes


def _unpacked(stored: Any, tensors: Mapping[str, Array]) -> dict[str, Any]:
    return {name: unpack(value, tensors) for name, value in stored}


def _state(document: Any, tensors: Mapping[str, Array], network: Network) -> TrainingState:
    """Where the training of a network is. Raises ModelFileError for that of another network."""
    state = state_of(document, _below("state.", tensors))
    if (state.kept.shape, state.kept.dtype) != (network.theta.shape, network.dtype):
        raise ModelFileError("its training is of another network than its own")
    return state


def _tabular_attributes(
    estimator: MLP, document: Mapping[str, Any], tensors: Mapping[str, Array], targets: Any
) -> dict[str, Any]:
    """The attributes that preset="tabular" adds: the plan, the network of all members and its training's state."""
    encoder, count = Encoder.from_document(document["encoder"], tensors), document["members"]
    inner, parts = document["inner"], _below("inner.", tensors)
    if type(count) is not int or count < 1 or inner["class"] != type(estimator).__name__ or inner["fitted"] is None:
        raise ModelFileError(f"it has {shown(count)} members in a {inner['class']}")
    network = network_file.from_document(inner, parts)
    _plain_attributes(inner["fitted"]["attributes"], parts)  # only checked: they are the estimator's own
    parameters = Parameters(**_parameters(type(estimator), inner["parameters"], parts))
    check_parameters(parameters)
    ensemble = ensemble_of(estimator, parameters, encoder.width, targets, count)
    if (_members(inner), (encoder.width, *ensemble.sizes[1:])) != (count, network.sizes):
        raise ModelFileError(f"its encoder and {count} members are not those of the network within, {network!r}")
    attributes: dict[str, Any] = {
        "_plan": TablePlan(encoder, ensemble, parameters),
        "settings_": _unpacked(document["settings"], tensors),
        "suspects_": list(map(str, document.get("suspects", []))),
    }
    if count > 1:
        attributes["_wide"] = network
    stored = document.get("out_of_fold")
    attributes["_kept"] = OutOfFold.from_document(stored, tensors, targets.outputs, network, count)
    if inner["fitted"]["state"] is not None:
        state = _state(inner["fitted"]["state"], parts, network)
        attributes |= {"_state": state, "history_": state.history if count == 1 else ensemble.history(state.history)}
    return attributes


def _members(inner: Mapping[str, Any]) -> Any:
    """The number of members that the targets of `inner` are for."""
    targets = inner["fitted"]["targets"]
    return targets["count"] if targets["is"] == "together" else 1


def _below(prefix: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The tensors whose names begin with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _check(attributes: Mapping[str, Any], targets: Any, network: Network) -> None:
    """Raise ModelFileError for numbers out of range, and sizes that are not the network's."""
    counts = {name: attributes[name] for name in ("seed_", "n_iter_", "t_", "n_features_in_", "_since", "_base")}
    wrong = [name for name, value in counts.items() if type(value) is not int or value < 0]
    kinds = {"stopped_": bool, "_rule": Optimizer | None}
    wrong += [name for name, kind in kinds.items() if not isinstance(attributes[name], kind)]
    if wrong:
        raise ModelFileError(f"its {wrong[0]} is {shown(attributes[wrong[0]])}")
    widths, plan = [block.width for block in network.architecture.blocks], attributes.get("_plan")
    inputs = attributes["n_features_in_"] if plan is None else plan.encoder.width
    if (inputs, targets.widths) != (network.sizes[0], widths):
        raise ModelFileError(f"its inputs and targets are not those of its network, {network!r}")
    names = attributes.get("feature_names_in_")
    if names is not None and np.shape(names) != (attributes["n_features_in_"],):
        raise ModelFileError(f"it has {np.size(names)} names for {attributes['n_features_in_']} inputs")
