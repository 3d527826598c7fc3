"""Converts steps to the layers of a keras.Sequential and back. The only module that imports Keras."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.arrays import Array
from chainrule.errors import ArchitectureError, SettingError
from chainrule.exchange.keras.twins import TWINS, USUAL
from chainrule.exchange.kinds import Affine, Dropout, Linear, Step
from chainrule.exchange.twins import activation_of, find
from chainrule.text import shown

__all__ = ["from_model", "to_sequential"]

_LAYERS = {getattr(keras.layers, twin.module): twin for twin in TWINS if twin.module[0].isupper()}
_NAMED = {twin.module: {"name": twin.name} for twin in TWINS if twin.module[0].islower()} | USUAL
_FUNCTIONS = {
    getattr(keras.activations, name): document for name, document in _NAMED.items() if hasattr(keras.activations, name)
}
_DROPOUTS = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)
_FUNCTIONAL: Any = type(keras.Model(inputs := keras.Input((1,)), inputs))  # the class of a model of given tensors
_ALLOWED = (
    *("Sequential", "Dense", "Activation", "ReLU", "Softmax", *(cls.__name__ for cls in _LAYERS), "Dropout"),
    *("BatchNormalization", "Normalization", "Rescaling", "Flatten"),
)


# ------------------------------------------------------------------------------------------- to Keras


def to_sequential(steps: Sequence[Step], dtype: np.dtype[Any]) -> Any:
    """The model that computes these steps, with the same bits in its weights.

    Raises ArchitectureError for an activation that Keras does not have and for blocks of them, SettingError for a type
    that its backend does not have.
    """
    _require_type(dtype)
    linear = [step for step in steps if isinstance(step, Linear)]
    layers: list[Any] = []
    for step in steps:
        if isinstance(step, Linear):
            seed = keras.initializers.GlorotUniform(seed=len(layers))  # so that nothing is drawn from Keras's own
            layers.append(keras.layers.Dense(step.W.shape[1], dtype=dtype.name, kernel_initializer=seed))
        elif isinstance(step, list):
            raise ArchitectureError(
                f"the network has {len(step)} blocks of outputs, but a keras.Sequential has one: cr.to_torch and "
                "net.export take them"
            )
        else:
            assert isinstance(step, Activation)
            layers += _with_activation(layers, step, dtype)
    model = keras.Sequential([keras.Input((len(linear[0].W),), dtype=dtype.name), *layers])
    dense = [layer for layer in layers if isinstance(layer, keras.layers.Dense)]
    for layer, step in zip(dense, linear, strict=True):
        layer.set_weights([step.W, step.b])
    return model


def _with_activation(layers: list[Any], sigma: Activation, dtype: np.dtype[Any]) -> list[Any]:
    """Put an activation into the last layer, a Dense, where it is a function; else return it as a layer of its own."""
    twin = find(sigma, TWINS, "Keras")
    if twin.module[0].islower():
        function = getattr(keras.activations, twin.module, None)
        if function is None:
            raise ArchitectureError(f"this version of Keras has no activation {twin.module!r}: install a newer one")
        layers[-1].activation = function
        return []
    arguments = twin.arguments(sigma) | {"dtype": dtype.name}
    if twin.tensors:  # one, which is called so in every layer of Keras
        arguments["alpha_initializer"] = keras.initializers.Constant(getattr(sigma, *twin.tensors))
    return [getattr(keras.layers, twin.module)(**arguments)]


def _require_type(dtype: np.dtype[Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = _array(keras.ops.convert_to_tensor(np.ones(1, dtype), dtype=dtype.name)).dtype
    if kept != dtype:
        raise SettingError(
            f"the network is {dtype}, but the backend {keras.backend.backend()} of Keras makes it {kept}: with jax, "
            "call jax.config.update('jax_enable_x64', True) first"
        )


# ------------------------------------------------------------------------------------------- from Keras


def from_model(model: Any) -> tuple[list[Step], list[str]]:
    """The steps of a Keras model, with the same bits in their weights, and notes for the user.

    Raises ArchitectureError for layers other than those of `_ALLOWED`, and for a model that is not a chain of them.
    """
    layers, notes = list(_flat(model)), []
    _require_rows(model, layers)
    dense = [layer for layer in layers if type(layer) is keras.layers.Dense]
    if len({id(layer) for layer in dense}) < len(dense):
        notes.append("some Dense layers share their weights; here each has its own, and training changes them apart")
    half = sorted({layer.compute_dtype for layer in dense} - {"float32", "float64"})
    if half:
        notes.append(f"Dense layers compute in {half[0]}; here they compute in float32, which rounds less")
    steps = [step for layer in layers for step in _steps(layer, layer is layers[-1], notes)]
    return steps, notes


def _flat(layer: Any) -> Iterator[Any]:
    """The layers of a model and of models in it, in order; a subclass counts unless it computes otherwise."""
    if isinstance(layer, keras.layers.Layer) and "call" in vars(layer):
        raise ArchitectureError(f"{type(layer).__name__} has a call of its own, which may compute otherwise: remove it")
    if _computes_as(keras.Sequential, layer):
        children = list(layer.layers)
    elif _computes_as(_FUNCTIONAL, layer):
        children = _chain(layer)
    else:
        yield layer
        return
    for child in children:
        yield from _flat(child)


def _computes_as(model: Any, layer: Any) -> bool:
    """Whether a layer is a model of this class, or of a class derived from it that computes the same."""
    kind = type(layer)
    return isinstance(layer, model) and all(
        getattr(kind, name) is getattr(model, name) for name in ("call", "__call__")
    )


def _chain(model: Any) -> list[Any]:
    """The layers between the input and the output of a model. Raises ArchitectureError where they are not a chain."""
    layers: list[Any] = []
    ends = [*model.outputs, *model.inputs]
    alone = len(ends) == 2
    tensor = ends[0]
    while alone and tensor is not ends[1]:
        layer, at, _ = tensor._keras_history
        inputs = layer._inbound_nodes[at].input_tensors
        alone = len(inputs) == 1
        if not inputs:  # an InputLayer
            return layers[::-1]
        layers.append(layer)
        tensor = inputs[0]
    if not alone:
        raise ArchitectureError(
            f"model {shown(model.name)} has several inputs, outputs or branches, but here each layer follows the one "
            "before it: give a chain of layers"
        )
    return layers[::-1]


def _require_rows(model: Any, layers: list[Any]) -> None:
    """Raise ArchitectureError where an example is not a row of numbers."""
    shape = getattr(model, "input_shape", None) if getattr(model, "built", False) else None
    flattens = any(type(layer) is keras.layers.Flatten for layer in layers)
    if isinstance(shape, tuple) and len(shape) != 2 and not flattens:
        raise ArchitectureError(f"the model takes inputs of shape {shape}, but here each example is a row: use Flatten")


def _steps(layer: Any, last: bool, notes: list[str]) -> list[Step]:
    """The steps of a layer that is not a model; `notes` gets what the user should know."""
    kind = type(layer)
    if kind is keras.layers.InputLayer or kind is keras.layers.Flatten or kind is keras.layers.Identity:
        return []
    if kind is keras.layers.Dense:
        return [_linear(layer), *_of_function(layer.activation, last, notes)]
    if kind is keras.layers.Activation:
        return _of_function(layer.activation, last, notes)
    if kind in _DROPOUTS:
        return [Dropout(layer.rate)]
    if kind in _NORMALISATIONS:
        return [_NORMALISATIONS[kind](layer)]
    return [_of_layer(layer)]


def _linear(layer: Any) -> Linear:
    if not layer.built:
        raise ArchitectureError("the model has no weights yet: give it a keras.Input, or call it on some rows, first")
    if getattr(layer, "quantization_mode", None):
        raise ArchitectureError(
            f"Dense layer {shown(layer.name)} is quantized to {layer.quantization_mode}, but here weights are numbers: "
            "give the model before quantize"
        )
    return Linear(_array(layer.kernel), _array(layer.bias) if layer.use_bias else None)


def _of_function(function: Any, last: bool, notes: list[str]) -> list[Step]:
    """The activation that a function of keras.activations, or a layer in its place, computes."""
    if isinstance(function, keras.layers.Layer):
        return [_of_layer(function)]
    if last and function is getattr(keras.activations, "log_softmax", ()):
        notes.append("the last layer is log_softmax: predict gives the probabilities, not their logarithms")
        return [ACTIVATIONS.get("softmax")]
    document = _FUNCTIONS.get(function) if callable(function) and getattr(function, "__hash__", None) else None
    if document is None:
        name = getattr(function, "__name__", type(function).__name__)
        allowed = sorted({function.__name__ for function in _FUNCTIONS})
        raise ArchitectureError(f"activation {shown(name)} has no counterpart here: choose from {', '.join(allowed)}")
    return [ACTIVATIONS.get(document)]


def _of_layer(layer: Any) -> Activation:
    """The activation that a layer computes. Raises ArchitectureError for any other layer."""
    kind = type(layer)
    if kind is keras.layers.ReLU:
        return _relu(layer)
    if kind is keras.layers.Softmax and layer.axis in (-1, 1):
        return ACTIVATIONS.get("softmax")
    if kind in _LAYERS:
        return activation_of(layer, _LAYERS[kind], lambda tensor: _slope(layer, tensor))
    name = f"{kind.__module__}.{kind.__name__}" if kind.__name__ in _ALLOWED else kind.__name__
    raise ArchitectureError(f"{name} has no counterpart here: choose from {', '.join(_ALLOWED)} of keras.layers")


def _relu(layer: Any) -> Activation:
    """relu, relu6 or leaky_relu. Raises ArchitectureError for other settings."""
    settings = (layer.max_value, float(layer.negative_slope), float(layer.threshold))
    choices = {(None, 0.0, 0.0): "relu", (6, 0.0, 0.0): "relu6"}
    if settings in choices:
        return ACTIVATIONS.get(choices[settings])
    if layer.max_value is None and not layer.threshold:
        return ACTIVATIONS.get({"name": "leaky_relu", "slope": settings[1]})
    raise ArchitectureError(
        f"ReLU has max_value {shown(layer.max_value)}, negative_slope {settings[1]:g} and threshold {settings[2]:g}: "
        "choose max_value None or 6 and threshold 0"
    )


def _slope(layer: Any, tensor: Any) -> float:
    """The slope of a PReLU. Raises ArchitectureError where it has several."""
    slopes = np.unique(_array(tensor))
    if len(slopes) != 1:
        raise ArchitectureError(f"{type(layer).__name__} has {len(slopes)} slopes, but here all neurons share one")
    return float(slopes[0])


# ------------------------------------------------------------------------------------------- normalisation


def _batch_normalisation(layer: Any) -> Affine:
    """(x - mean) / sqrt(variance + epsilon) · gamma + beta, as in prediction."""
    _require_columns(layer)
    mean, variance = (_array(part).astype(np.float64) for part in (layer.moving_mean, layer.moving_variance))
    gamma = _array(layer.gamma).astype(np.float64) if layer.scale else 1.0
    beta = _array(layer.beta).astype(np.float64) if layer.center else 0.0
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return Affine(scale, beta - mean * scale, type(layer).__name__)


def _standardisation(layer: Any) -> Affine:
    """(x - mean) / max(deviation, epsilon), of which there is one for all columns if the axis is None."""
    _require_columns(layer)
    mean, variance = (_array(part).astype(np.float64).reshape(-1) for part in (layer.mean, layer.variance))
    mean, variance = (part[0] if layer.axis in (None, ()) else part for part in (mean, variance))
    deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
    if layer.invert:
        return Affine(deviation, np.asarray(mean), type(layer).__name__)
    return Affine(1 / deviation, -mean / deviation, type(layer).__name__)


def _rescaling(layer: Any) -> Affine:
    """x · scale + offset."""
    return Affine(np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64), type(layer).__name__)


_NORMALISATIONS = {
    keras.layers.BatchNormalization: _batch_normalisation,
    keras.layers.Normalization: _standardisation,
    keras.layers.Rescaling: _rescaling,
}


def _require_columns(layer: Any) -> None:
    """Raise ArchitectureError for a normalisation that is not built or is along rows."""
    if not layer.built:
        raise ArchitectureError(
            f"{type(layer).__name__} has no numbers yet: build the model, and call its adapt, first"
        )
    axis = layer.axis if isinstance(layer.axis, tuple) else (layer.axis,)
    if any(one not in (-1, 1, None) for one in axis):
        raise ArchitectureError(f"{type(layer).__name__} has axis {shown(layer.axis)}, but columns are axis -1")


def _array(tensor: Any) -> Array:
    """The values of a tensor; half precision becomes float32, which represents them exactly."""
    values = np.asarray(keras.ops.convert_to_numpy(getattr(tensor, "value", tensor)))
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float32)
