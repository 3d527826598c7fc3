"""Which module of torch is which activation. Modules are named here, so that the table can be read without torch."""

import dataclasses
from typing import Any

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import ArchitectureError

__all__ = ["TWINS", "Twin", "activation_of", "twin_of"]


@dataclasses.dataclass(frozen=True)
class Twin:
    """An activation and the module that computes it, a class of torch.nn or of `modules`.

    - name: that of the activation.
    - module: the name of the class.
    - parameters: the activation's parameters, and what the module calls them.
    - made_with: other arguments of the module, given when it is made.
    - needs: attributes of a module and their allowed values; with any other it computes something else.
    """

    name: str
    module: str
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    made_with: dict[str, Any] = dataclasses.field(default_factory=dict)
    needs: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    def arguments(self, activation: Activation) -> dict[str, Any]:
        """What the module is made with to compute this activation."""
        return self.made_with | {there: getattr(activation, here) for here, there in self.parameters.items()}


TWINS = (
    Twin("identity", "Identity"),
    Twin("sigmoid", "Sigmoid"),
    Twin("tanh", "Tanh"),
    Twin("relu", "ReLU"),
    Twin("leaky_relu", "LeakyReLU", {"slope": "negative_slope"}),
    Twin("elu", "ELU", {"alpha": "alpha"}),
    Twin("selu", "SELU"),
    Twin("gelu", "GELU", needs={"approximate": ("none",)}),
    Twin("silu", "SiLU"),
    # Above its threshold torch's softplus is z itself; at its own, 20, that shows in float64.
    Twin("softplus", "Softplus", made_with={"threshold": 50.0}, needs={"beta": (1,)}),
    Twin("exp", "Exp"),
    Twin("softmax", "Softmax", made_with={"dim": 1}, needs={"dim": (1, -1, None)}),
)


def twin_of(activation: Activation) -> Twin:
    """The twin of an activation.

    >>> twin_of(ACTIVATIONS.get("leaky_relu")).arguments(ACTIVATIONS.get("leaky_relu"))
    {'negative_slope': 0.01}

    Raises ArchitectureError for a function of your own, and for an activation that has none.
    """
    if not ACTIVATIONS.holds(activation):
        raise ArchitectureError(
            f"activation {str(activation)!r} is your own function of NumPy, which torch cannot call"
        )
    twin = next((twin for twin in TWINS if twin.name == activation.name), None)
    if twin is None:
        raise ArchitectureError(
            f"activation {activation.name!r} has no counterpart in torch: choose from "
            f"{', '.join(twin.name for twin in TWINS)}"
        )
    return twin


def activation_of(module: Any, twin: Twin) -> Activation:
    """The activation that this module of the twin's class computes.

    Raises ArchitectureError for one whose settings make it another function.
    """
    for name, allowed in twin.needs.items():
        if getattr(module, name) not in allowed:
            raise ArchitectureError(f"{module} has {name} {getattr(module, name)!r}, but here it is {allowed[0]!r}")
    values = {here: getattr(module, there) for here, there in twin.parameters.items()}
    return ACTIVATIONS.get({"name": twin.name, **values})
