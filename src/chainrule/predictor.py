"""A frozen network for serving: one row in microseconds, from any number of threads."""

from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array, plain
from chainrule.engines import Frozen, choose
from chainrule.errors import warn_of
from chainrule.examples import as_inputs
from chainrule.text import counted

__all__ = ["Predictor", "with_warning"]


class Predictor:
    """A frozen network, made by `Network.predictor`: `predictor(x)` gives the bits of `Network.predict`.

    It can be copied and pickled: what an engine has prepared is prepared again.
    """

    def __init__(self, architecture: Architecture, theta: Array, engine: str) -> None:
        self._parts = architecture, theta, engine
        self._frozen: Frozen = choose(engine, architecture).freeze(architecture, theta)
        self._quick = self._frozen.quick

    def __reduce__(self) -> tuple[type["Predictor"], tuple[Architecture, Array, str]]:
        return Predictor, self._parts

    def __call__(self, X: Any) -> Array:
        """A^L: (n_L,) for one row (n_1,), (n, n_L) for rows (n, n_1).

        Raises DataError for X of another shape or with values that are not finite.
        """
        outputs = self._quick(X)
        return self._checked(X) if outputs is None else outputs

    def _checked(self, X: Any) -> Array:
        """A^L for every X that `Frozen.quick` does not take."""
        architecture, theta, _ = self._parts
        X = plain(X, "X")
        one = np.ndim(X) == 1
        rows = as_inputs(np.asarray(X)[None, :] if one else X, architecture.sizes[0], theta.dtype)
        outputs = with_warning(self._frozen.predict(rows))
        return outputs[0] if one else outputs


def with_warning(outputs: Array) -> Array:
    """The outputs, with a warning where a row is not finite."""
    finite = np.isfinite(outputs)
    if not finite.all():
        rows = np.flatnonzero(~finite.all(axis=1))
        line = (
            f"the outputs of {counted(len(rows), 'row')} are infinite or NaN, such as of row {rows[0]}: numbers "
            f"overflow in {outputs.dtype}: give smaller inputs, of the scale that the network was trained with"
        )
        warn_of([line])
    return outputs
