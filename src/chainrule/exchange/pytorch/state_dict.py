"""Converts networks to and from the state_dict of a torch module: arrays by name, such as "0.weight" and "0.bias".

The weight of a Linear layer in torch is the transpose of W, (n_l, n_{l-1}). The activations are not in the state.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.activations import Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import ArchitectureError, SettingError
from chainrule.exchange.kinds import Linear, Step
from chainrule.exchange.pytorch.twins import twin_of
from chainrule.exchange.steps import cost_for, network_of, no_biases, sizes_of, to_steps
from chainrule.network import Network
from chainrule.registry import require
from chainrule.text import short, shown

__all__ = ["from_state_dict", "to_state_dict"]


def to_state_dict(net: Network, names: Sequence[str] | None = None, *, tensors: bool = True) -> dict[str, Any]:
    """The state_dict of a torch module with the weights of the Network, with the same bits, for its `load_state_dict`.

    - net: the network.
    - names: the names of the Linear layers in your module, such as ["fc1", "fc2"]; None for those in the
      torch.nn.Sequential that `cr.to_torch` makes, "0", "2", ...
    - tensors: whether the values are tensors of torch; False gives arrays of NumPy, for `safetensors.numpy.save_file`,
      and needs no torch.

    >>> state = cr.to_state_dict(cr.Network([4, 3, 2], "relu"), tensors=False)
    >>> {name: part.shape for name, part in state.items()}
    {'0.weight': (3, 4), '0.bias': (3,), '2.weight': (2, 3), '2.bias': (2,)}

    Raises SettingError for anything but a Network, for another number of names, and for tensors where torch is not
    installed; ArchitectureError without `names` for an activation that torch does not have.
    """
    require(isinstance(net, Network), "net", net, "a Network")
    if names is None:
        state = {
            name: part for place, step in enumerate(to_steps(net)) for name, part in _parts(step, place, net.dtype)
        }
    else:
        layers = zip(_checked(names, len(net.W)), net.W, net.b, strict=True)
        state = {name: part for prefix, W, b in layers for name, part in _named(prefix, W, b)}
    return _as_tensors(state) if tensors else state


def from_state_dict(
    state: Mapping[str, Any], activation: Any, output: Any, cost: Any = None, *, names: Sequence[str] | None = None
) -> Network:
    """The Network with the weights in the state_dict of a torch module of Linear layers, with the same bits.

    - state: tensors of torch or arrays of NumPy by name, such as `module.state_dict()` and what `torch.load` and
      `safetensors.numpy.load_file` give.
    - activation, output: as for `cr.Network`; they are not in the state.
    - cost: by default the cost that belongs to the output activation.
    - names: the names of the Linear layers in their order, such as ["fc1", "fc2"]. None takes them in the order of the
      state, or of their numbers if they differ in numbers only.

    >>> net = cr.Network([4, 3, 2], "relu", "softmax", "cross_entropy", seed=1)
    >>> again = cr.from_state_dict(cr.to_state_dict(net, tensors=False), "relu", "softmax")
    >>> again.theta.tobytes() == net.theta.tobytes(), again
    (True, Network(4 inputs → 3 relu → 2 softmax (cross_entropy); 23 parameters, float32))

    A layer without biases gets biases of 0, and a warning says so.

    Raises ArchitectureError for a state of other layers, for matrices that do not fit one after the other, and for a
    PReLU whose slope is not that of `activation`; SettingError for a state that is not a mapping.
    """
    require(isinstance(state, Mapping), "state", state, "a state_dict: arrays by name, such as module.state_dict()")
    arrays = {str(name): _array(str(name), value) for name, value in state.items()}
    slopes = {name: part for name, part in arrays.items() if _is_slope(name, arrays)}
    linear = _linear({name: part for name, part in arrays.items() if name not in slopes}, names)
    output_cost = cost_for(output) if cost is None else cost
    architecture = Architecture.of(sizes_of([W for W, _ in linear]), activation, output, output_cost)
    _check_slopes(architecture, slopes)
    for l, step in enumerate(linear, start=2):
        if step.b is None:
            warnings.warn(no_biases(l), stacklevel=2)
    return network_of(architecture, linear)


# ------------------------------------------------------------------------------------------- to a state


def _parts(step: Step, place: int, dtype: Any) -> Iterator[tuple[str, Array]]:
    """The arrays of a step at this place of a Sequential, by name."""
    if isinstance(step, Linear):
        assert step.b is not None
        yield from _named(str(place), step.W, step.b)
    elif isinstance(step, list):
        for k, (sigma, _) in enumerate(step):
            yield from _trained(sigma, f"{place}.activations.{k}", dtype)
    elif isinstance(step, Activation):
        yield from _trained(step, str(place), dtype)


def _named(prefix: str, W: Array, b: Array) -> list[tuple[str, Array]]:
    start = f"{prefix}." if prefix else ""
    return [(f"{start}weight", np.ascontiguousarray(W.T)), (f"{start}bias", b.copy())]


def _trained(sigma: Activation, prefix: str, dtype: Any) -> list[tuple[str, Array]]:
    """The parameters of an activation that torch trains, by name."""
    tensors = twin_of(sigma).tensors
    return [(f"{prefix}.{tensor}", np.array([getattr(sigma, ours)], dtype)) for ours, tensor in tensors.items()]


def _checked(names: Any, count: int) -> list[str]:
    """Names of so many different layers, as a list. Raises SettingError for others."""
    is_list = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    require(is_list and len(set(names)) == len(names) == count, "names", names, f"{count} different names of layers")
    return list(names)


def _as_tensors(state: Mapping[str, Array]) -> dict[str, Any]:
    try:
        import torch
    except ImportError:
        raise SettingError(
            "this needs PyTorch, which is not installed: pip install torch, or give tensors=False for NumPy arrays"
        ) from None
    return {name: torch.from_numpy(part) for name, part in state.items()}


# ------------------------------------------------------------------------------------------- from a state


def _linear(arrays: Mapping[str, Array], names: Sequence[str] | None) -> list[Linear]:
    """The Linear layers of a state, in their order. Raises ArchitectureError for arrays of other layers."""
    found = list(dict.fromkeys(_split(name)[0] for name in arrays))
    prefixes = _in_order(found) if names is None else _checked(names, len(found))
    if not prefixes:
        raise ArchitectureError("the state is empty, so it has no weights to take over")
    for prefix in prefixes:
        if prefix not in found:
            raise ArchitectureError(f"the state has no layer {shown(prefix)}: its layers are {shown(', '.join(found))}")
    return [_layer(arrays, prefix) for prefix in prefixes]


def _layer(arrays: Mapping[str, Array], prefix: str) -> Linear:
    start = f"{prefix}." if prefix else ""
    W, b = arrays.get(f"{start}weight"), arrays.get(f"{start}bias")
    if W is None or W.ndim != 2 or (b is not None and b.shape != W.shape[:1]):
        shapes = ", ".join(f"{name} {part.shape}" for name, part in (("weight", W), ("bias", b)) if part is not None)
        raise ArchitectureError(
            f"layer {short(prefix)!r} of the state has {shapes}, but a Linear layer has weight (n_out, n_in), bias "
            "(n_out,): give a module with others to cr.from_torch"
        )
    return Linear(W.T, b)


def _split(name: str) -> tuple[str, str]:
    """The name of the layer, and "weight" or "bias". Raises ArchitectureError for another array."""
    prefix, _, last = name.rpartition(".")
    if last not in ("weight", "bias"):
        raise ArchitectureError(
            f"the state has {shown(name)}, but only weight and bias of Linear layers can be taken: give a module with "
            "other layers or parametrizations to cr.from_torch"
        )
    return prefix, last


def _in_order(prefixes: list[str]) -> list[str]:
    """In the order in which they came, or of their numbers if they differ in numbers only: files sort names as text."""
    words = {tuple(re.split(r"\d+", prefix)) for prefix in prefixes}
    if len(words) > 1:
        return prefixes
    return sorted(prefixes, key=lambda prefix: [int(number) for number in re.findall(r"\d+", prefix)])


def _is_slope(name: str, arrays: Mapping[str, Array]) -> bool:
    """Whether this is the slope of a PReLU: a weight of one number, without a bias."""
    prefix, _, last = name.rpartition(".")
    bias = f"{prefix}.bias" if prefix else "bias"
    return last == "weight" and arrays[name].shape == (1,) and bias not in arrays


def _check_slopes(architecture: Architecture, slopes: Mapping[str, Array]) -> None:
    """Raise ArchitectureError where the slopes of PReLU in a state are not those of the activations."""
    sigmas = [*architecture.hidden, *(block.activation for block in architecture.blocks)]
    ours = [np.asarray(sigma.document()["slope"]) for sigma in sigmas if sigma.name == "prelu"]
    theirs = [slopes[name] for name in slopes]
    same = len(ours) == len(theirs) and all(a.astype(b.dtype) == b[0] for a, b in zip(ours, theirs, strict=True))
    if not same:
        values = [float(slope[0]) for slope in theirs]
        raise ArchitectureError(
            f"the state has PReLU slopes {shown(values)}, but the activations have {shown([float(a) for a in ours])}: "
            "give an activation such as {'name': 'prelu', 'slope': 0.25} for each"
        )


def _array(name: str, value: Any) -> Array:
    """The values of a tensor or an array; half precision becomes float32. Raises ArchitectureError for other types."""
    if hasattr(value, "detach"):  # a tensor of torch
        value = value.detach().cpu()
        exact = str(value.dtype) in ("torch.float32", "torch.float64") or not value.is_floating_point()
        value = (value if exact else value.float()).numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    array = array.astype(np.float32) if array.dtype == np.float16 else array
    if array.dtype not in (np.float32, np.float64):
        raise ArchitectureError(
            f"{shown(name)} of the state has the type {array.dtype}, but weights are real numbers: leave it out"
        )
    return array
