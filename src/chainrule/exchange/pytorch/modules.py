"""Converts steps to the modules of a torch.nn.Sequential and back. The only module that imports torch."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.errors import ArchitectureError
from chainrule.exchange.kinds import Affine, Dropout, Linear, Step
from chainrule.exchange.pytorch.twins import TWINS, twin_of
from chainrule.exchange.twins import activation_of

__all__ = ["Exp", "SideBySide", "Sine", "from_sequential", "to_sequential"]


class Exp(nn.Module):
    """a = e^z; torch has a function for it, but no module."""

    def forward(self, z: Any) -> Any:
        return torch.exp(z)


class Sine(nn.Module):
    """a = sin(omega z); torch has a function for it, but no module."""

    def __init__(self, omega: float = 1.0) -> None:
        super().__init__()
        self.omega = omega

    def forward(self, z: Any) -> Any:
        return torch.sin(self.omega * z)


class SideBySide(nn.Module):
    """Applies a different activation to each block of outputs: splits the columns of z, then joins the results."""

    def __init__(self, widths: Sequence[int], activations: Sequence[nn.Module]) -> None:
        super().__init__()
        self.widths, self.activations = list(widths), nn.ModuleList(activations)

    def forward(self, z: Any) -> Any:
        parts = zip(self.activations, torch.split(z, self.widths, dim=1), strict=True)
        return torch.cat([sigma(part) for sigma, part in parts], dim=1)


_OWN = {"Exp": Exp, "Sine": Sine}
_CLASSES = {twin.module: _OWN.get(twin.module) or getattr(nn, twin.module) for twin in TWINS}
_DROPOUTS = (nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")  # where a module stores its own
_GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks")  # where torch stores those of all modules
_TAKEN = (
    *(nn.Sequential, SideBySide, nn.Linear, nn.BatchNorm1d, nn.Flatten, nn.LogSoftmax),
    *(*_DROPOUTS, *_CLASSES.values()),
)
_CALLS = ("forward", "__call__", "_call_impl")  # what a subclass or an instance may override to compute otherwise


def to_sequential(steps: Sequence[Step]) -> nn.Sequential:
    """The module that computes these steps, with the same bits in its weights.

    Raises ArchitectureError for an activation that torch does not have.
    """
    dtype = next((torch.from_numpy(step.b).dtype for step in steps if isinstance(step, Linear)), None)
    return nn.Sequential(*(_module(step, dtype) for step in steps))


def from_sequential(module: Any) -> tuple[list[Step], list[str]]:
    """The steps of a torch.nn.Sequential, with the same bits in their weights, and notes for the user.

    Raises ArchitectureError for modules other than Linear, dropout and the activations of `TWINS`, and where hooks or
    parametrizations change what they compute.
    """
    _require_plain(module)
    modules, notes = list(_flat(module)), []
    linear = [part for part in modules if type(part) is nn.Linear]
    if len({id(part.weight) for part in linear}) < len(linear):
        notes.append("some Linear layers share their weights; here each has its own, and training changes them apart")
    if modules and type(modules[-1]) is nn.LogSoftmax:
        modules[-1] = nn.Softmax(modules[-1].dim)
        notes.append("the last layer is LogSoftmax: predict gives the probabilities, not their logarithms")
    return [_step(part) for part in modules if not _leaves_rows(part)], notes


def _require_plain(module: Any) -> None:
    """Raise ArchitectureError where more than the weights decides what a module or a part of it computes."""
    parts = module.modules() if isinstance(module, nn.Module) else ()
    for part in (part for part in parts if isinstance(part, _TAKEN)):
        name = type(part).__name__
        if is_parametrized(part):
            computed = ", ".join(part.parametrizations)
            raise ArchitectureError(
                f"{name} computes its {computed} by a parametrization: call "
                "torch.nn.utils.parametrize.remove_parametrizations first"
            )
        if any(getattr(part, hooks, None) for hooks in _HOOKS) or "forward" in vars(part):
            raise ArchitectureError(
                f"{name} has a hook or a forward of its own, which may change what it computes: remove it first, as "
                "prune.remove, remove_spectral_norm and remove_weight_norm of torch.nn.utils do"
            )
    if any(getattr(nn.modules.module, hooks, None) for hooks in _GLOBAL_HOOKS):
        raise ArchitectureError("torch has hooks on every module, which may change what it computes: remove them first")


def _module(step: Step, dtype: Any) -> nn.Module:
    if isinstance(step, Linear):
        return _linear(step)
    if isinstance(step, list):
        return SideBySide([width for _, width in step], [_module(sigma, dtype) for sigma, _ in step])
    assert isinstance(step, Activation)
    twin = twin_of(step)
    module = _CLASSES[twin.module](**twin.arguments(step)).to(dtype)
    for ours, tensor in twin.tensors.items():
        nn.init.constant_(getattr(module, tensor), getattr(step, ours))
    return module


def _linear(step: Linear) -> nn.Module:
    W, b = (torch.from_numpy(np.array(part)) for part in (step.W.T, step.b))
    linear = nn.Linear(*step.W.shape, dtype=W.dtype, device="meta")
    linear.weight, linear.bias = nn.Parameter(W.contiguous()), nn.Parameter(b)
    return linear


def _flat(module: Any) -> Iterator[Any]:
    """The modules of a Sequential and of nested ones, in order; a subclass counts unless it computes otherwise."""
    kind = type(module)
    if issubclass(kind, nn.Sequential) and all(getattr(kind, name) is getattr(nn.Sequential, name) for name in _CALLS):
        for child in module:
            yield from _flat(child)
    else:
        yield module


def _leaves_rows(module: Any) -> bool:
    """Whether this is a Flatten, which does nothing to rows. Raises ArchitectureError for one that joins rows."""
    if type(module) is not nn.Flatten:
        return False
    if module.start_dim not in (1, -1) or module.end_dim not in (1, -1):
        raise ArchitectureError(f"{module} joins the rows, but here each row is an example: use Flatten()")
    return True


def _step(module: Any) -> Step:
    if type(module) is nn.Linear:
        return Linear(_array(module.weight).T, None if module.bias is None else _array(module.bias))
    if type(module) is nn.BatchNorm1d:
        return _normalisation(module)
    if type(module) in _DROPOUTS:
        return Dropout(module.p)
    if type(module) is SideBySide:
        pairs = zip(module.activations, module.widths, strict=True)
        return [(_activation(sigma), width) for sigma, width in pairs]
    return _activation(module)


def _normalisation(module: Any) -> Affine:
    """What a BatchNorm1d computes in eval mode: (x - mean) / sqrt(variance + eps) · weight + bias."""
    if module.running_mean is None:
        raise ArchitectureError(
            "BatchNorm1d has no running mean and variance, so what it computes depends on the batch: train it with "
            "track_running_stats=True"
        )
    named = {"weight": module.weight, "bias": module.bias, "mean": module.running_mean, "var": module.running_var}
    values = {name: _array(tensor).astype(np.float64) for name, tensor in named.items() if tensor is not None}
    scale = values.get("weight", 1.0) / np.sqrt(values["var"] + module.eps)
    return Affine(scale, values.get("bias", 0.0) - values["mean"] * scale, "BatchNorm1d")


def _activation(module: Any) -> Activation:
    twin = next((twin for twin in TWINS if type(module) is _CLASSES[twin.module]), None)
    if twin is None:
        allowed, kind = sorted({"Sequential", "Linear", "BatchNorm1d", "Dropout", *_CLASSES}), type(module)
        name = f"{kind.__module__}.{kind.__name__}" if kind.__name__ in allowed else kind.__name__
        raise ArchitectureError(f"{name} has no counterpart here: choose from {', '.join(allowed)} of torch.nn")
    return activation_of(module, twin, lambda tensor: float(tensor.item()))


def _array(tensor: Any) -> Array:
    """The values of a tensor; half precision becomes float32, which represents them exactly."""
    if not tensor.is_floating_point() or tensor.is_meta:
        weights = "weights without values" if tensor.is_meta else f"{tensor.dtype} weights"
        raise ArchitectureError(f"a Linear layer has {weights}, but they must be real numbers")
    values = tensor.detach().cpu()
    return (values if values.dtype in (torch.float32, torch.float64) else values.float()).numpy()
