"""The attributes of a fitted estimator that follow from its network and its history, by scikit-learn's names."""

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.estimators.parameters import word_of
from chainrule.estimators.stopping import SCORE
from chainrule.network import Network
from chainrule.training import History

__all__ = ["Attributes"]


class Attributes:
    """Read off `network_` and `history_`; before the first fit each raises AttributeError."""

    network_: Network
    history_: History

    @property
    def coefs_(self) -> list[Array]:
        """The weights of layers 2 to L, (n_{l-1}, n_l) each: views of `network_.theta`."""
        return self.network_.W

    @coefs_.setter
    def coefs_(self, values: Sequence[Array]) -> None:
        _write("coefs_", self.network_.W, values)

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of layers 2 to L, (n_l,) each: views of `network_.theta`."""
        return self.network_.b

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Array]) -> None:
        _write("intercepts_", self.network_.b, values)

    @property
    def n_layers_(self) -> int:
        """L, the number of layers with the input layer."""
        return len(self.network_.sizes)

    @property
    def n_outputs_(self) -> int:
        """n_L, the number of neurons of the output layer."""
        return self.network_.sizes[-1]

    @property
    def out_activation_(self) -> str:
        """The output activation, by scikit-learn's name where it has one."""
        return word_of(self.network_.architecture.blocks[0].activation)

    @property
    def loss_curve_(self) -> list[float]:
        """The loss of each epoch: the mean cost of its batches, each before its update, plus the penalty at its end."""
        return self.history_.cost

    @property
    def loss_(self) -> float:
        """The loss of the last epoch; NaN before the first."""
        return self.history_.cost[-1] if self.history_.cost else float("nan")

    @property
    def best_loss_(self) -> float | None:
        """The lowest loss of an epoch; None where a validation set chooses."""
        return None if self.history_.monitor != "training" else min(self.history_.cost, default=float("inf"))

    @property
    def validation_scores_(self) -> list[float] | None:
        """The score on the validation set after each epoch; None without a validation set."""
        return self.history_.metrics.get(SCORE)

    @property
    def best_validation_score_(self) -> float | None:
        """The greatest of `validation_scores_`; None without a validation set."""
        scores = self.validation_scores_
        return None if scores is None else float(np.nanmax([-np.inf, *scores]))

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """The loss on the validation set after each epoch, without penalty; None without a validation set."""
        return self.history_.validation if SCORE in self.history_.metrics else None


def _write(name: str, parts: Sequence[Array], values: Sequence[Array]) -> None:
    """Write values into parts of theta: all of them, or none if a shape differs."""
    shapes, came = [part.shape for part in parts], [np.shape(value) for value in values]
    if came != shapes:
        raise SettingError(f"{name} came with shapes {came}, but the network's are {shapes}")
    for part, value in zip(parts, values, strict=True):
        part[...] = value
