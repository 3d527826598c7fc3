"""How z, a, delta and dC/dw of each layer are spread, now and over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.backprop import Ledger

__all__ = ["QUANTITIES", "Spread"]

QUANTITIES = ("z", "a", "delta", "dW")
PERCENTS = (1, 25, 50, 75, 99)
BINS = 24
MOST_TIMES = 120


class Spread:
    """The percentiles of each quantity of each layer at some updates, thinned out where they are many."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._bands: list[list[list[list[float]]]] = []
        self._now: list[dict[str, Any]] = []

    def add(self, update: int, ledger: Ledger) -> None:
        """Add the numbers of a ledger at an update; those at later ones are forgotten."""
        while self._times and self._times[-1] >= update:
            self._times.pop()
            self._bands.pop()
        quantities = [_quantities(ledger, k) for k in range(len(ledger.Z))]
        self._times.append(update)
        self._bands.append([[_percentiles(each) for each in layer] for layer in quantities])
        names = QUANTITIES
        self._now = [{name: _histogram(v) for name, v in zip(names, layer, strict=True)} for layer in quantities]
        if len(self._times) > MOST_TIMES:
            self._times, self._bands = self._times[::2], self._bands[::2]

    def document(self) -> dict[str, Any]:
        """The histograms of now, and the percentiles over time: bands[time][layer][quantity][percent]."""
        return {"quantities": list(QUANTITIES), "times": self._times, "bands": self._bands, "now": self._now}


def _quantities(ledger: Ledger, k: int) -> list[Array]:
    values = (ledger.Z[k], ledger.A[k + 1], ledger.delta[k], ledger.dW[k])
    return [_finite(np.asarray(value, np.float64).ravel()) for value in values]


def _finite(values: Array) -> Array:
    finite = values[np.isfinite(values)]
    return finite if len(finite) else np.zeros(1)


def _percentiles(values: Array) -> list[float]:
    return [float(f"{p:.5g}") for p in np.percentile(values, PERCENTS)]


def _histogram(values: Array) -> dict[str, Any]:
    low, high = float(values.min()), float(values.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts = np.histogram(values, BINS, (low, high))[0]
    return {"low": low, "high": high, "counts": counts.tolist()}
