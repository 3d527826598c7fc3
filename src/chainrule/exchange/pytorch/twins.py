"""A table of the torch module of each activation. It contains the names of modules, so it does not import torch."""

import dataclasses
from typing import Any

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import ArchitectureError
from chainrule.text import shown

__all__ = ["TWINS", "Twin", "activation_of", "twin_of"]


@dataclasses.dataclass(frozen=True)
class Twin:
    """An activation and the module that computes it, a class of torch.nn or of `modules`.

    - name: the name of the activation.
    - module: the name of the class.
    - parameters: the activation's parameters, and the names of the module's arguments for them.
    - made_with: other arguments of the module's constructor.
    - needs: attributes of a module and their allowed values; with other values it is a different function.
    - at_least: attributes of a module, and the least value of each with which it is the same function up to rounding.
    - tensors: those of `parameters` whose values are in a tensor of the module, which torch trains, and its name.
    """

    name: str
    module: str
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    made_with: dict[str, Any] = dataclasses.field(default_factory=dict)
    needs: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    at_least: dict[str, float] = dataclasses.field(default_factory=dict)
    tensors: dict[str, str] = dataclasses.field(default_factory=dict)

    def arguments(self, activation: Activation) -> dict[str, Any]:
        """The arguments of the module's constructor for this activation."""
        return self.made_with | {theirs: getattr(activation, ours) for ours, theirs in self.parameters.items()}


TWINS = (
    Twin("identity", "Identity"),
    Twin("sigmoid", "Sigmoid"),
    Twin("tanh", "Tanh"),
    Twin("relu", "ReLU"),
    Twin("relu6", "ReLU6"),
    Twin("leaky_relu", "LeakyReLU", {"slope": "negative_slope"}),
    Twin("prelu", "PReLU", {"slope": "init"}, needs={"num_parameters": (1,)}, tensors={"slope": "weight"}),
    Twin("elu", "ELU", {"alpha": "alpha"}),
    Twin("selu", "SELU"),
    Twin("gelu", "GELU", needs={"approximate": ("none",)}),
    Twin("silu", "SiLU"),
    Twin("mish", "Mish"),
    # Above its threshold torch's softplus is z; at torch's default, 20, the difference shows in float64.
    Twin("softplus", "Softplus", made_with={"threshold": 50.0}, needs={"beta": (1,)}, at_least={"threshold": 20}),
    Twin("softsign", "Softsign"),
    Twin("hardtanh", "Hardtanh", needs={"min_val": (-1,), "max_val": (1,)}),
    Twin("sine", "Sine", {"omega": "omega"}),
    Twin("exp", "Exp"),
    Twin("softmax", "Softmax", made_with={"dim": 1}, needs={"dim": (1, -1, None)}),
)


def twin_of(activation: Activation) -> Twin:
    """The entry of `TWINS` for an activation.

    >>> twin_of(ACTIVATIONS.get("leaky_relu")).arguments(ACTIVATIONS.get("leaky_relu"))
    {'negative_slope': 0.01}

    Raises ArchitectureError for a custom function, and for an activation that torch does not have.
    """
    if not ACTIVATIONS.holds(activation):
        raise ArchitectureError(f"activation {str(activation)!r} is your own NumPy function, which torch cannot call")
    twin = next((twin for twin in TWINS if twin.name == activation.name), None)
    if twin is None:
        raise ArchitectureError(
            f"activation {activation.name!r} has no counterpart in torch: choose from "
            f"{', '.join(twin.name for twin in TWINS)}"
        )
    return twin


def activation_of(module: Any, twin: Twin) -> Activation:
    """The activation that this module of the twin's class computes.

    Raises ArchitectureError for a module whose settings make it another function.
    """
    for name, allowed in twin.needs.items():
        if getattr(module, name) not in allowed:
            raise ArchitectureError(
                f"{shown(module)} has {name} {getattr(module, name)!r}, but here it is {allowed[0]!r}"
            )
    for name, least in twin.at_least.items():
        if not getattr(module, name) >= least:
            raise ArchitectureError(
                f"{shown(module)} has {name} {getattr(module, name)!r}, but here it is at least {least:g}"
            )
    values = {ours: getattr(module, theirs) for ours, theirs in twin.parameters.items()}
    values |= {ours: getattr(module, tensor).item() for ours, tensor in twin.tensors.items()}
    return ACTIVATIONS.get({"name": twin.name, **values})
