"""Activation functions: sigma, its derivative and its pullback, one class each in `entries`.

An elementwise activation is `value` and `derivative`; its pullback is `G * sigma'(Z)`. Any other brings its own
`pullback`, the product of a row of dC/dA with the Jacobian dA/dZ. `needs` names the one array that backward must
keep, so that an engine may throw the other away.
"""

from chainrule.activations.base import Activation, Interval
from chainrule.activations.custom import Custom
from chainrule.activations.entries import ACTIVATIONS, softplus

__all__ = ["ACTIVATIONS", "Activation", "Custom", "Interval", "custom_activation", "softplus"]

custom_activation = Custom.of
