"""What a fitted estimator is asked for: the network and its history in scikit-learn's words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.estimators.epochs import SCORE
from chainrule.estimators.parameters import word_of
from chainrule.network import Network
from chainrule.training import History

__all__ = ["COUNTED", "Fitted", "restored_on_failure"]

COUNTED = ("seed_", "n_iter_", "t_", "stopped_", "_since", "_base", "_rule")  # how far training has come
LEARNED = ("network_", "history_", "settings_", "_targets", "_plan", "_wide", "_state")
INPUTS = ("n_features_in_", "feature_names_in_")


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """If the block fails before a training is kept, restore the estimator as it was before."""
    had = estimator.__dict__
    before = {name: had[name] for name in (*COUNTED, *LEARNED, *INPUTS) if name in had}
    try:
        yield
    except BaseException:
        kept = had.get("history_")
        if kept is None or kept is before.get("history_"):
            for name in (*COUNTED, *LEARNED, *INPUTS):
                had.pop(name, None)
            had.update(before)
        raise


class Fitted:
    """Attributes that are read off `network_` and `history_`; before there are any, AttributeError says so."""

    network_: Network
    history_: History

    @property
    def coefs_(self) -> list[Array]:
        """The weights of layers 2 to L, (n_{l-1}, n_l) each: views into `network_.theta`."""
        return self.network_.W

    @coefs_.setter
    def coefs_(self, values: Sequence[Array]) -> None:
        _write("coefs_", self.network_.W, values)

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of layers 2 to L, (n_l,) each: views into `network_.theta`."""
        return self.network_.b

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Array]) -> None:
        _write("intercepts_", self.network_.b, values)

    @property
    def n_layers_(self) -> int:
        """L, the input layer counted."""
        return len(self.network_.sizes)

    @property
    def n_outputs_(self) -> int:
        """n_L, the neurons of the output layer."""
        return self.network_.sizes[-1]

    @property
    def out_activation_(self) -> str:
        """The output activation, by scikit-learn's name where it has one."""
        return word_of(self.network_.architecture.blocks[0].activation)

    @property
    def loss_curve_(self) -> list[float]:
        """The loss of each epoch so far: costs of its batches, each before its update, and the penalty at its end."""
        return self.history_.cost

    @property
    def loss_(self) -> float:
        """The loss of the last epoch; NaN where there was none."""
        return self.history_.cost[-1] if self.history_.cost else float("nan")

    @property
    def best_loss_(self) -> float | None:
        """The lowest loss of an epoch; None where a validation set chooses."""
        return None if self.history_.monitor != "training" else min(self.history_.cost, default=float("inf"))

    @property
    def validation_scores_(self) -> list[float] | None:
        """The score on the validation set after each epoch; None without one."""
        return self.history_.metrics.get(SCORE)

    @property
    def best_validation_score_(self) -> float | None:
        """The greatest of them; None without a validation set."""
        scores = self.validation_scores_
        return None if scores is None else float(np.nanmax([-np.inf, *scores]))

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """The loss on the validation set after each epoch, without penalty; None without one."""
        return self.history_.validation if SCORE in self.history_.metrics else None


def _write(name: str, parts: Sequence[Array], values: Sequence[Array]) -> None:
    """Write values into parts of theta: all, or none where their shapes differ."""
    shapes, given = [part.shape for part in parts], [np.shape(value) for value in values]
    if given != shapes:
        raise SettingError(f"{name} came with shapes {given}, but the network's are {shapes}")
    for part, value in zip(parts, values, strict=True):
        part[...] = value
