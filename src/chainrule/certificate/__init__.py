"""The gradient certificate: the gradient of an engine against derivatives of the cost, parameter by parameter."""

from chainrule.certificate.check import check_gradient
from chainrule.certificate.records import Certificate, Check, Place

__all__ = ["Certificate", "Check", "Place", "check_gradient"]
