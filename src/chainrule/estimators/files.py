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
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.scaled import Together
from chainrule.estimators.tabular import Tabular
from chainrule.estimators.target_files import from_parts as targets_from_parts
from chainrule.estimators.target_files import to_parts as targets_to_parts
from chainrule.files.plain import pack, unpack
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.tables.inputs import Encoder
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
    given = estimator.get_params(deep=False)
    if isinstance(given["dtype"], type | np.dtype):
        given["dtype"] = np.dtype(given["dtype"]).name
    parts["parameters"] = [[name, pack(value, tensors, name)] for name, value in given.items()]
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
        estimator.__dict__.update(_attributes(kind, document["fitted"], tensors, network))
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
    """The documents of the network and of what was learnt beside it; their tensors are put into `tensors`."""
    network, parts = network_file.document(estimator.network_)
    tensors |= parts
    attributes = {name: getattr(estimator, name) for name in PLAIN if hasattr(estimator, name)}
    document = {
        "attributes": [[name, pack(value, tensors, name)] for name, value in attributes.items()],
        "targets": targets_to_parts(estimator._targets, tensors),
        "state": None,
        "tabular": None if estimator._tabular is None else _tabular(estimator, tensors),
    }
    if estimator._state is not None:
        document["state"], state = state_parts(estimator._state)
        tensors |= {f"state.{name}": tensor for name, tensor in state.items()}
    return {**network, "fitted": document}


def _tabular(estimator: MLP, tensors: dict[str, Array]) -> dict[str, Any]:
    found: Tabular = estimator._tabular
    inner, parts = document(found.inner)
    tensors |= found.encoder.tensors() | {f"inner.{name}": tensor for name, tensor in parts.items()}
    settings = [[name, pack(value, tensors, f"settings.{name}")] for name, value in estimator.settings_.items()]
    return {"encoder": found.encoder.document(), "members": found.count, "settings": settings, "inner": inner}


def _attributes(
    kind: str, document: Mapping[str, Any], tensors: Mapping[str, Array], network: Network
) -> dict[str, Any]:
    found = {name: unpack(value, tensors) for name, value in document["attributes"]}
    strange = (set(found) ^ set(PLAIN)) - {"feature_names_in_"}
    if strange:
        raise ModelFileError(f"what it has learnt is not what this version knows: {', '.join(sorted(strange))}")
    targets = targets_from_parts(document["targets"], tensors)
    found |= {"network_": network, "_targets": targets, "_state": None}
    if document.get("tabular") is not None:
        found |= _within(kind, document["tabular"], tensors, targets)
    _check(found, targets, network)
    if document["state"] is not None:
        state = state_of(document["state"], _below("state.", tensors))
        if (state.kept.shape, state.kept.dtype) != (network.theta.shape, network.dtype):
            raise ModelFileError("its training is of another network than its own")
        found |= {"_state": state, "history_": state.history}
    return found


def _within(kind: str, document: Mapping[str, Any], tensors: Mapping[str, Array], targets: Any) -> dict[str, Any]:
    """What preset="tabular" has found, and the history of the estimator within."""
    encoder, count = Encoder.from_document(document["encoder"], tensors), document["members"]
    inner = from_document(document["inner"], _below("inner.", tensors))
    if type(count) is not int or count < 1 or type(inner) is not CLASSES[kind] or not inner._built:
        raise ModelFileError(f"it has {count!r} members in a {type(inner).__name__}")
    tabular = Tabular(encoder, targets, count, inner)
    within = inner._targets.count if isinstance(inner._targets, Together) else 1
    wide = encoder.width, *tabular.members.sizes[1:]
    if (within, wide) != (count, inner.network_.sizes):
        raise ModelFileError(f"its encoder and {count} members are not those of the network within, {inner.network_!r}")
    settings = {name: unpack(value, tensors) for name, value in document["settings"]}
    history = {} if inner._state is None else {"history_": tabular.history}
    return {"_tabular": tabular, "settings_": settings, **history}


def _below(prefix: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _check(found: Mapping[str, Any], targets: Any, network: Network) -> None:
    """Refuse numbers that are none, and sizes that are not the network's."""
    counts = {name: found[name] for name in ("seed_", "n_iter_", "t_", "n_features_in_", "_since", "_base")}
    wrong = [name for name, value in counts.items() if type(value) is not int or value < 0]
    kinds = {"stopped_": bool, "_rule": Optimizer | None}
    wrong += [name for name, kind in kinds.items() if not isinstance(found[name], kind)]
    if wrong:
        raise ModelFileError(f"its {wrong[0]} is {found[wrong[0]]!r}")
    widths, table = [block.width for block in network.architecture.blocks], found.get("_tabular")
    inputs = found["n_features_in_"] if table is None else table.encoder.width
    if (inputs, targets.widths) != (network.sizes[0], widths):
        raise ModelFileError(f"its inputs and targets are not those of its network, {network!r}")
    names = found.get("feature_names_in_")
    if names is not None and np.shape(names) != (found["n_features_in_"],):
        raise ModelFileError(f"it has {np.size(names)} names for {found['n_features_in_']} inputs")
