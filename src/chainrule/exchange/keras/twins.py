"""A table of the Keras activation of each of ours. It contains names, so it does not import Keras.

A name that begins with a small letter is a function of keras.activations; the others are layers, which have parameters.
"""

from chainrule.exchange.twins import Twin

__all__ = ["TWINS", "USUAL"]

TWINS = (
    Twin("identity", "linear"),
    Twin("sigmoid", "sigmoid"),
    Twin("tanh", "tanh"),
    Twin("relu", "relu"),
    Twin("relu6", "relu6"),
    Twin("leaky_relu", "LeakyReLU", {"slope": "negative_slope"}),
    Twin("prelu", "PReLU", made_with={"shared_axes": [1]}, tensors={"slope": "alpha"}),
    Twin("elu", "ELU", {"alpha": "alpha"}),
    Twin("selu", "selu"),
    Twin("gelu", "gelu"),
    Twin("silu", "silu"),
    Twin("mish", "mish"),
    Twin("softplus", "softplus"),
    Twin("softsign", "softsign"),
    Twin("hardtanh", "hard_tanh"),
    Twin("exp", "exponential"),
    Twin("softmax", "softmax"),
)

USUAL = {  # functions with parameters, which have these values unless a function of one's own sets others
    "leaky_relu": {"name": "leaky_relu", "slope": 0.2},
    "elu": {"name": "elu", "alpha": 1.0},
}
