"""Converts a network to a list of steps, as other libraries have them, and back: Linear, activation, Linear, ...

An identity is not a step. The activation of several output blocks is a list of (activation, width) pairs.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.costs import partner
from chainrule.errors import ArchitectureError, SettingError
from chainrule.exchange.folding import folded
from chainrule.exchange.kinds import Affine, Dropout, Linear, Parts, Step
from chainrule.network import Network
from chainrule.registry import require
from chainrule.text import shown

__all__ = ["cost_for", "from_steps", "network_of", "no_biases", "sizes_of", "to_steps"]


def to_steps(net: Network, logits: bool = False) -> list[Step]:
    """The steps of a network; `logits` leaves out the output activation, so that the steps end with Z^L.

    >>> [type(step).__name__ for step in to_steps(cr.Network([2, 3, 1], activation="tanh", output="identity"))]
    ['Linear', 'Tanh', 'Linear']
    """
    require(isinstance(net, Network), "net", net, "a Network, such as network_ of an estimator and network of a Model")
    steps: list[Step] = []
    for W, b, activation in net.architecture.layers(net.theta):
        steps += [Linear(W, b), activation]
    steps.pop()
    if not logits:
        parts = [(block.activation, block.width) for block in net.architecture.blocks]
        steps.append(parts if len(parts) > 1 else parts[0][0])
    return _without_identities(steps)


def from_steps(steps: Sequence[Step], output: Any = None, cost: Any = None) -> tuple[Network, list[str]]:
    """The network that computes these steps, and notes for the user.

    `output` is the activation after the last step, if the steps end with Z^L; `cost` defaults to the output's partner.

    >>> steps = [Linear(np.ones((2, 3)), np.zeros(3)), Dropout(0.5), Linear(np.ones((3, 4)), np.zeros(4))]
    >>> from_steps(steps, output="softmax")  # doctest: +NORMALIZE_WHITESPACE
    (Network(2 inputs → 3 identity → 4 softmax (cross_entropy); 25 parameters, float64),
     ['dropout 0.5 at layer 2 is a training setting here: give dropout to cr.train; prediction does not use it'])

    Raises ArchitectureError for steps that are not a network, SettingError for an `output` if the steps have one.
    """
    steps, folds = folded(_without_identities(steps))
    linear = [step for step in steps if isinstance(step, Linear)]
    if not linear:
        raise ArchitectureError("the module has no Linear layer, so it has no weights to take over")
    sizes = sizes_of([step.W for step in linear])
    after, notes = _by_layer(steps)
    last = _output(after.pop(), output)
    if any(isinstance(part, list) for part in after):
        raise ArchitectureError("a hidden layer has blocks of activations, but only the output layer may")
    sigma = [ACTIVATIONS.get(part or "identity") for part in after]
    architecture = Architecture.of(sizes, sigma, last, cost_for(last) if cost is None else cost)
    return network_of(architecture, linear), [*folds, *notes]


def network_of(architecture: Architecture, linear: Sequence[Linear]) -> Network:
    """The network of an architecture with the weights of these steps; missing biases are 0."""
    layers = [(W, np.zeros(W.shape[1], W.dtype) if b is None else b) for W, b in linear]
    return Network.from_parts(architecture, np.concatenate([part.ravel() for pair in layers for part in pair]))


def no_biases(l: int) -> str:
    """The note for a layer without biases."""
    return f"layer {l} has no biases; here they start at 0, and training changes them"


def _without_identities(steps: Sequence[Step]) -> list[Step]:
    """The steps without identities."""
    return [step for step in steps if not isinstance(step, Activation) or step.name != "identity"]


def sizes_of(W: Sequence[Array]) -> list[int]:
    """n_1, ..., n_L. Raises ArchitectureError for matrices that do not fit one after the other."""
    for l, (before, after) in enumerate(itertools.pairwise(W), start=2):
        if before.shape[1] != after.shape[0]:
            raise ArchitectureError(
                f"layer {l} has {before.shape[1]} outputs, but the next Linear layer takes {after.shape[0]} inputs"
            )
    return [W[0].shape[0], *(w.shape[1] for w in W)]


def _by_layer(steps: Sequence[Step]) -> tuple[list[Activation | Parts | None], list[str]]:
    """The activation after each Linear layer, or None; and notes about steps that are left out."""
    after: list[Activation | Parts | None] = []
    notes = []
    for step in steps:
        assert not isinstance(step, Affine), "they are folded"
        l = len(after) + 1
        if isinstance(step, Linear):
            after.append(None)
            if step.b is None:
                notes.append(no_biases(l + 1))
        elif isinstance(step, Dropout):
            notes.append(
                f"dropout {step.p:g} at layer {l} is a training setting here: give dropout to cr.train; "
                "prediction does not use it"
            )
        elif l == 1:
            raise ArchitectureError(f"{_words(step)} comes before the first Linear layer: apply it to X yourself")
        elif after[-1] is not None:
            raise ArchitectureError(f"layer {l} has two activations, {_words(after[-1])} and {_words(step)}: keep one")
        else:
            after[-1] = step
    return after, notes


def _output(last: Activation | Parts | None, chosen: Any) -> Any:
    """The output activation or output blocks: those of the last step, else the `output` argument."""
    if last is None:
        return "identity" if chosen is None else chosen
    if chosen is not None:
        raise SettingError(
            f"output is {shown(chosen)}, but the last layer already has {_words(last)}: leave output out"
        )
    return last


def cost_for(output: Any) -> Any:
    """The cost that belongs to an output activation, or a list of the costs of its blocks."""
    return [partner(sigma) for sigma, _ in output] if isinstance(output, list | tuple) else partner(output)


def _words(step: Activation | Parts) -> str:
    return " and ".join(str(sigma) for sigma, _ in step) if isinstance(step, list) else str(step)
