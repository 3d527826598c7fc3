"""A table of the torch module of each activation. It contains the names of modules, so it does not import torch."""

from chainrule.activations import Activation
from chainrule.exchange.twins import Twin, find

__all__ = ["TWINS", "twin_of"]

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

    >>> from chainrule.activations import ACTIVATIONS
    >>> twin_of(ACTIVATIONS.get("leaky_relu")).arguments(ACTIVATIONS.get("leaky_relu"))
    {'negative_slope': 0.01}

    Raises ArchitectureError for a custom function, and for an activation that torch does not have.
    """
    return find(activation, TWINS, "torch")
