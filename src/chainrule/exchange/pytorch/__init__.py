"""Converts networks to torch.nn.Sequential and back.

    Network  ←steps→  list of Linear, activation, ...  ←modules→  torch.nn.Sequential

`state_dict` converts the arrays by name alone. `twins` lists the module of each activation. Only `modules` and the
tensors of `state_dict` need torch, which is imported when it is needed.
"""

import warnings
from typing import Any

from chainrule.errors import SettingError
from chainrule.exchange.pytorch.state_dict import from_state_dict, to_state_dict
from chainrule.exchange.steps import from_steps, to_steps
from chainrule.network import Network

__all__ = ["from_state_dict", "from_torch", "to_state_dict", "to_torch"]


def to_torch(net: Network, *, logits: bool = False) -> Any:
    """The Network as torch.nn.Sequential: its weights are the same bits, its outputs agree up to rounding.

    logits=True leaves out the output activation, so that the module gives Z^L, the input of torch's CrossEntropyLoss
    and BCEWithLogitsLoss. Masked weights become zeros, which torch may train. See docs/exchange.md.

    >>> cr.to_torch(cr.Network([4, 2], output="softmax", cost="cross_entropy"))  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=4, out_features=2, bias=True)
      (1): Softmax(dim=1)
    )

    Raises ArchitectureError for a custom function and for an activation that torch does not have, SettingError where
    torch is not installed and for anything but a Network.
    """
    return _modules().to_sequential(to_steps(net, logits))


def from_torch(module: Any, output: Any = None, cost: Any = None) -> Network:
    """The Network of a torch.nn.Sequential of Linear layers and activations; the weights are the same bits.

    BatchNorm1d is folded into the weights as in eval mode, by its running mean and variance; dropout is left out.

    - module: the torch.nn.Sequential.
    - output: the activation that is part of the loss in torch: "softmax" for CrossEntropyLoss, "sigmoid" for
      BCEWithLogitsLoss. Leave it out if the module ends with its output activation.
    - cost: by default the cost that belongs to the output activation.

    A warning names everything that a network cannot represent. See docs/exchange.md.

    >>> from torch.nn import Linear, Sequential, Softmax  # doctest: +SKIP
    >>> cr.from_torch(Sequential(Linear(4, 2), Softmax(dim=1)))  # doctest: +SKIP
    Network(4 inputs → 2 softmax (cross_entropy); 10 parameters, float32)

    Raises ArchitectureError for any other module, SettingError where torch is not installed and for an `output` if the
    module has an output activation, UnknownNameError for an unknown activation or cost.
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
