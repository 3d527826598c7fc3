"""The kinds of steps that a network is made of in other libraries: Linear, Affine, Dropout, and activations."""

from typing import NamedTuple

from chainrule.activations import Activation
from chainrule.arrays import Array

__all__ = ["Affine", "Dropout", "Linear", "Parts", "Step"]


class Linear(NamedTuple):
    """Z = A W + b, with W (n_{l-1}, n_l); b is None for a layer without biases."""

    W: Array
    b: Array | None


class Affine(NamedTuple):
    """A scale + shift, each (n_l,) or one number, in float64: what a normalisation computes in prediction.

    `name` is the library's word for it.
    """

    scale: Array
    shift: Array
    name: str


class Dropout(NamedTuple):
    """Training drops each activation with probability p; prediction drops none."""

    p: float


Parts = list[tuple[Activation, int]]
Step = Linear | Affine | Dropout | Activation | Parts
