"""Twins: the modules of a library that compute our activations, with their settings. Each library has a table."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import ArchitectureError
from chainrule.text import shown

__all__ = ["Twin", "activation_of", "find"]


@dataclasses.dataclass(frozen=True)
class Twin:
    """An activation and the module that computes it, in a library of layers.

    - name: the name of the activation.
    - module: the name of the module: of a class, or in Keras also of a function.
    - parameters: the activation's parameters, and the names of the module's arguments for them.
    - made_with: other arguments of the module's constructor.
    - needs: attributes of a module and their allowed values; with other values it is a different function.
    - at_least: attributes of a module, and the least value of each with which it is the same function up to rounding.
    - tensors: those of `parameters` whose values are in a tensor of the module, which the library trains, and its name.
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


def find(activation: Activation, twins: Sequence[Twin], library: str) -> Twin:
    """The entry of a library's table for an activation.

    Raises ArchitectureError for a custom function, and for an activation that the library does not have.
    """
    if not ACTIVATIONS.holds(activation):
        raise ArchitectureError(
            f"activation {str(activation)!r} is your own NumPy function, which {library} cannot call"
        )
    twin = next((twin for twin in twins if twin.name == activation.name), None)
    if twin is None:
        raise ArchitectureError(
            f"activation {activation.name!r} has no counterpart in {library}: choose from "
            f"{', '.join(twin.name for twin in twins)}"
        )
    return twin


def activation_of(module: Any, twin: Twin, number: Callable[[Any], float]) -> Activation:
    """The activation that this module of the twin's class computes; `number` reads the value of a trained tensor.

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
    values |= {ours: number(getattr(module, tensor)) for ours, tensor in twin.tensors.items()}
    return ACTIVATIONS.get({"name": twin.name, **values})
