"""Activation functions: sigma, its derivative and its pullback, one class for each in `entries`.

An elementwise activation has `value` and `derivative`; its pullback is `G * sigma'(Z)`. Any other activation has its
own `pullback`, the product of a row of dC/dA with the Jacobian dA/dZ. `needs` names the array, Z or A, that the
backward pass needs, so an engine can discard the other one.
"""

from chainrule.activations.base import Activation, Interval
from chainrule.activations.custom import Custom
from chainrule.activations.entries import ACTIVATIONS, softplus

__all__ = ["ACTIVATIONS", "Activation", "Custom", "Interval", "custom_activation", "softplus"]

custom_activation = Custom.of
