"""What several activations are made of: the sigmoid, softplus, max(z, 0) and min(z, 0), on real and complex arrays.

Comparisons use the real part, so that a complex step can differentiate what is made of them.
"""

from chainrule.arrays import Array, namespace

__all__ = ["negative", "positive", "sigmoid", "softplus", "where"]


def softplus(Z: Array) -> Array:
    """ln(1 + e^z) for every element, without overflow: max(z, 0) + ln(1 + e^-|z|)."""
    xp = namespace(Z)
    return positive(Z) + xp.log1p(xp.exp(negative(Z) - positive(Z)))


def sigmoid(Z: Array) -> Array:
    """1 / (1 + e^-z) for every element, computed with e^-|z|."""
    xp = namespace(Z)
    e = xp.exp(negative(Z) - positive(Z))  # e^-|z|
    return where(Z.real > 0, 1, e) / (1 + e)  # > as in e: a complex step at 0 then stays on one side


def positive(Z: Array) -> Array:
    """max(z, 0) for every element."""
    return where(Z.real > 0, Z, 0)


def negative(Z: Array) -> Array:
    """min(z, 0) for every element."""
    return where(Z.real > 0, 0, Z)


def where(condition: Array, yes: Array | float, no: Array | float) -> Array:
    """`yes` where the condition is true, else `no`."""
    return namespace(condition).where(condition, yes, no)
