"""Networks as torch.nn.Sequential and back. The only importer of torch, which is imported when this is asked for."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import ArchitectureError
from chainrule.exchange.steps import Dropout, Found, Linear, Step, from_steps, to_steps

__all__ = ["Exp", "SideBySide", "from_sequential", "to_sequential"]


class Exp(nn.Module):
    """a = e^z, for which torch has a function but no module."""

    def forward(self, z: Any) -> Any:
        return torch.exp(z)


class SideBySide(nn.Module):
    """Blocks of outputs, each with an activation of its own: the columns of z are split and joined again."""

    def __init__(self, widths: Sequence[int], activations: Sequence[nn.Module]) -> None:
        super().__init__()
        self.widths, self.activations = list(widths), nn.ModuleList(activations)

    def forward(self, z: Any) -> Any:
        parts = zip(self.activations, torch.split(z, self.widths, dim=1), strict=True)
        return torch.cat([sigma(part) for sigma, part in parts], dim=1)


@dataclasses.dataclass(frozen=True)
class Twin:
    """An activation and torch's module of it: our parameters by their names there; what else it must have."""

    name: str
    module: type[nn.Module]
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    made_with: dict[str, Any] = dataclasses.field(default_factory=dict)
    needs: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)


TWINS = (
    Twin("identity", nn.Identity),
    Twin("sigmoid", nn.Sigmoid),
    Twin("tanh", nn.Tanh),
    Twin("relu", nn.ReLU),
    Twin("leaky_relu", nn.LeakyReLU, {"slope": "negative_slope"}),
    Twin("elu", nn.ELU, {"alpha": "alpha"}),
    Twin("selu", nn.SELU),
    Twin("gelu", nn.GELU, needs={"approximate": ("none",)}),
    Twin("silu", nn.SiLU),
    # Above its threshold torch's softplus is z itself; at its own, 20, that shows in float64.
    Twin("softplus", nn.Softplus, made_with={"threshold": 50.0}, needs={"beta": (1,)}),
    Twin("exp", Exp),
    Twin("softmax", nn.Softmax, made_with={"dim": 1}, needs={"dim": (1, -1, None)}),
)
_DROPOUTS = (nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)


def to_sequential(architecture: Architecture, theta: Array, logits: bool = False) -> nn.Sequential:
    """The network as torch.nn.Sequential, with the same bits as weights; masks do not go over.

    Raises SettingError for an activation that torch does not have.
    """
    return nn.Sequential(*(_module(step) for step in to_steps(architecture, theta, logits)))


def from_sequential(module: Any, output: Any = None, cost: Any = None) -> Found:
    """The network of a torch.nn.Sequential, with the same bits as weights; see `steps.from_steps`.

    Raises ArchitectureError for anything else than Linear layers, activations that we have, and dropout.
    """
    modules = list(_flat(module))
    logarithm = bool(modules) and type(modules[-1]) is nn.LogSoftmax
    if logarithm:
        modules[-1] = nn.Softmax(modules[-1].dim)
    found = from_steps([_step(part) for part in modules if type(part) is not nn.Flatten], output, cost)
    note = "the last layer is LogSoftmax: predict gives the probabilities, not their logarithms"
    return found._replace(notes=[*found.notes, note]) if logarithm else found


def _module(step: Step) -> nn.Module:
    if isinstance(step, Linear):
        return _linear(step)
    if isinstance(step, list):
        return SideBySide([width for _, width in step], [_module(sigma) for sigma, _ in step])
    assert isinstance(step, Activation)
    if not ACTIVATIONS.holds(step):
        raise ArchitectureError(f"activation {str(step)!r} is your own function of NumPy, which torch cannot call")
    twin = next(twin for twin in TWINS if twin.name == step.name)
    return twin.module(**twin.made_with, **{there: getattr(step, here) for here, there in twin.parameters.items()})


def _linear(step: Linear) -> nn.Module:
    W, b = (torch.from_numpy(np.array(part)) for part in (step.W.T, step.b))
    made = nn.Linear(*step.W.shape, dtype=W.dtype, device="meta")
    made.weight, made.bias = nn.Parameter(W.contiguous()), nn.Parameter(b)
    return made


def _flat(module: Any) -> Iterator[Any]:
    """The modules of a Sequential and of those within it, in turn; a subclass without a forward of its own is one."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        for child in module:
            yield from _flat(child)
    else:
        yield module


def _step(module: Any) -> Step:
    if type(module) is nn.Linear:
        return Linear(_array(module.weight).T, None if module.bias is None else _array(module.bias))
    if type(module) in _DROPOUTS:
        return Dropout(module.p)
    if type(module) is SideBySide:
        pairs = zip(module.activations, module.widths, strict=True)
        return [(_activation(sigma), width) for sigma, width in pairs]
    return _activation(module)


def _activation(module: Any) -> Activation:
    twin = next((twin for twin in TWINS if type(module) is twin.module), None)
    if twin is None:
        known = ", ".join(sorted({"Sequential", "Linear", "Dropout", *(twin.module.__name__ for twin in TWINS)}))
        raise ArchitectureError(f"{type(module).__name__} has no counterpart here: there are {known}")
    for name, allowed in twin.needs.items():
        if getattr(module, name) not in allowed:
            raise ArchitectureError(f"{module} has {name} {getattr(module, name)!r}, but here it is {allowed[0]!r}")
    values = {here: getattr(module, there) for here, there in twin.parameters.items()}
    return ACTIVATIONS.get({"name": twin.name, **values})


def _array(tensor: Any) -> Array:
    """Its numbers; half precision becomes float32, which holds them all."""
    if not tensor.is_floating_point() or tensor.is_meta:
        what = "no values yet" if tensor.is_meta else f"{tensor.dtype} weights"
        raise ArchitectureError(f"a Linear layer has {what}, but they must be real numbers")
    found = tensor.detach().cpu()
    return (found if found.dtype in (torch.float32, torch.float64) else found.float()).numpy()
