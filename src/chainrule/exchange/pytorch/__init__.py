"""Networks as torch.nn.Sequential and back.

    Network  ←steps→  list of Linear, activation, ...  ←modules→  torch.nn.Sequential

`twins` says which activation is which module. Only `modules` imports torch, when it is needed.
"""

import warnings
from typing import Any

from chainrule.errors import SettingError
from chainrule.exchange.pytorch.steps import from_steps, to_steps
from chainrule.network import Network

__all__ = ["from_torch", "to_torch"]


def to_torch(net: Network, *, logits: bool = False) -> Any:
    """The Network as torch.nn.Sequential: the same bits as weights, the same outputs to rounding.

    logits=True leaves the activation of the outputs out, so that it gives Z^L, which torch's CrossEntropyLoss and
    BCEWithLogitsLoss ask for. Masked weights go over as zeros that torch may move. See docs/exchange.md.

    >>> cr.to_torch(cr.Network([4, 2], output="softmax", cost="cross_entropy"))  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=4, out_features=2, bias=True)
      (1): Softmax(dim=1)
    )

    Raises ArchitectureError for a function of your own and for an activation that torch does not have, SettingError
    without torch.
    """
    return _modules().to_sequential(to_steps(net, logits))


def from_torch(module: Any, output: Any = None, cost: Any = None) -> Network:
    """The Network of a torch.nn.Sequential of Linear layers, activations and dropout; weights keep their bits.

    output: the activation that torch keeps in its loss, "softmax" for CrossEntropyLoss, "sigmoid" for
    BCEWithLogitsLoss; left out where the module ends in it. cost: left out, the one that goes with the output.
    A warning names what a network has no place for, such as dropout. See docs/exchange.md.

    >>> from torch.nn import Linear, Sequential, Softmax  # doctest: +SKIP
    >>> cr.from_torch(Sequential(Linear(4, 2), Softmax(dim=1)))  # doctest: +SKIP
    Network(4 inputs → 2 softmax (cross_entropy); 10 parameters, float32)

    Raises ArchitectureError for any other module, SettingError without torch and for an output that the module has
    already, UnknownNameError for a name that no activation or cost has.
    """
    steps, notes = _modules().from_sequential(module)
    net, more = from_steps(steps, output, cost)
    for note in [*more, *notes]:
        warnings.warn(note, stacklevel=2)
    return net


def _modules() -> Any:
    """The module that imports torch. Raises SettingError where torch is not installed."""
    try:
        from chainrule.exchange.pytorch import modules
    except ImportError as error:
        if error.name != "torch":
            raise
        raise SettingError("this needs PyTorch, which is not installed: pip install torch") from None
    return modules
