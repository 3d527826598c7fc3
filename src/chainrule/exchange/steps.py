"""A network as the steps that an example goes through, which is how other libraries keep it: Linear, activation, ...

An identity is no step, and the activation of several blocks of outputs is a list of (activation, width) pairs.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.costs import CANONICAL
from chainrule.errors import ArchitectureError, SettingError

__all__ = ["Dropout", "Found", "Linear", "Step", "from_steps", "to_steps"]


class Linear(NamedTuple):
    """Z = A W + b, with W (n_{l-1}, n_l); b is None where the layer has none."""

    W: Array
    b: Array | None


class Dropout(NamedTuple):
    """In training each activation is dropped with probability p; a prediction passes."""

    p: float


Parts = list[tuple[Activation, int]]
Step = Linear | Dropout | Activation | Parts


class Found(NamedTuple):
    """A network found among steps, and what a person should know of it."""

    architecture: Architecture
    theta: Array
    notes: list[str]


def to_steps(architecture: Architecture, theta: Array, logits: bool = False) -> list[Step]:
    """The steps of a network; with `logits` without its output activation, so that they end in Z^L.

    >>> net = cr.Network([2, 3, 1], activation="tanh", output="identity")
    >>> [type(step).__name__ for step in to_steps(net.architecture, net.theta)]
    ['Linear', 'Tanh', 'Linear']
    """
    found: list[Step] = []
    for W, b, activation in architecture.layers(theta):
        found += [Linear(W, b), activation]
    found.pop()
    if not logits:
        parts = [(block.activation, block.width) for block in architecture.blocks]
        found.append(parts if len(parts) > 1 else parts[0][0])
    return _without_identities(found)


def from_steps(steps: Sequence[Step], output: Any = None, cost: Any = None) -> Found:
    """The network that goes through these steps.

    `output` is the activation after the last step, for steps that end in Z^L; `cost` defaults to the one that goes
    with the output (softmax with cross-entropy, sigmoid with binary cross-entropy, exp with Poisson), else quadratic.

    >>> steps = [Linear(np.ones((2, 3)), np.zeros(3)), Dropout(0.5), Linear(np.ones((3, 4)), np.zeros(4))]
    >>> found = from_steps(steps, output="softmax")
    >>> found.architecture.describe()
    '2 inputs → 3 identity → 4 softmax (cross_entropy)'
    >>> found.notes
    ['dropout 0.5 at layer 2 is a setting of training here, so give dropout to cr.train; predictions pass it anyway']

    Raises ArchitectureError for steps that are no such network.
    """
    steps = _without_identities(steps)
    linear = [step for step in steps if isinstance(step, Linear)]
    if not linear:
        raise ArchitectureError("there is no Linear layer in it, so there are no weights to take over")
    sizes = _sizes([step.W for step in linear])
    after, notes = _by_layer(steps)
    last = _output(after.pop(), output)
    if any(isinstance(part, list) for part in after):
        raise ArchitectureError("a hidden layer has blocks of activations, but only the output layer may")
    sigma = [ACTIVATIONS.get(part or "identity") for part in after]
    architecture = Architecture.of(sizes, sigma, last, _cost(last) if cost is None else cost)
    filled = [(W, np.zeros(W.shape[1], W.dtype) if b is None else b) for W, b in linear]
    return Found(architecture, np.concatenate([part.ravel() for layer in filled for part in layer]), notes)


def _without_identities(steps: Sequence[Step]) -> list[Step]:
    """The same steps without identities."""
    return [step for step in steps if not isinstance(step, Activation) or step.name != "identity"]


def _sizes(W: list[Array]) -> list[int]:
    for l, (before, after) in enumerate(itertools.pairwise(W), start=2):
        if before.shape[1] != after.shape[0]:
            raise ArchitectureError(
                f"layer {l} gives {before.shape[1]} numbers, but the Linear layer after it takes {after.shape[0]}"
            )
    return [W[0].shape[0], *(w.shape[1] for w in W)]


def _by_layer(steps: Sequence[Step]) -> tuple[list[Activation | Parts | None], list[str]]:
    """What stands between each Linear layer and the next, an activation or nothing; notes on what is left out."""
    found: list[Activation | Parts | None] = []
    notes = []
    for step in steps:
        l = len(found) + 1
        if isinstance(step, Linear):
            found.append(None)
            if step.b is None:
                notes.append(f"layer {l + 1} has no biases; here they are 0, and training moves them")
        elif isinstance(step, Dropout):
            notes.append(
                f"dropout {step.p:g} at layer {l} is a setting of training here, so give dropout to cr.train; "
                "predictions pass it anyway"
            )
        elif l == 1:
            raise ArchitectureError(f"{_named(step)} comes before the first Linear layer: apply it to X beforehand")
        elif found[-1] is not None:
            raise ArchitectureError(f"layer {l} has two activations, {_named(found[-1])} and {_named(step)}, not one")
        else:
            found[-1] = step
    return found, notes


def _output(there: Activation | Parts | None, asked: Any) -> Any:
    """The output's activation, or its blocks."""
    if there is None:
        return "identity" if asked is None else asked
    if asked is not None:
        raise SettingError(f"output is {asked!r}, but the last layer has {_named(there)} already: leave output out")
    return there


def _cost(output: Any) -> Any:
    """The cost that goes with an output, or the costs that go with its blocks."""
    partners = dict(CANONICAL.keys())
    if isinstance(output, list | tuple):
        return [partners.get(ACTIVATIONS.get(sigma).name, "quadratic") for sigma, _ in output]
    return partners.get(ACTIVATIONS.get(output).name, "quadratic")


def _named(step: Activation | Parts | None) -> str:
    return " beside ".join(str(sigma) for sigma, _ in step) if isinstance(step, list) else str(step)
