"""Plots the curves of a training: costs over epochs, and beside them the metrics and a varying learning rate."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chainrule.plots.figures import ACCENT, COLOURS, log_scale, new_figure

__all__ = ["Curves", "RatesAndCosts", "rates_figure", "training_figure"]


class Curves(Protocol):
    """The attributes of a history that the plot needs."""

    cost: list[float]
    validation: list[float]
    metrics: dict[str, list[float]]
    rate: list[float]
    best_epoch: int


class RatesAndCosts(Protocol):
    """The attributes of a range test that the plot needs."""

    @property
    def rates(self) -> list[float]:
        """The learning rate of each update."""

    @property
    def costs(self) -> list[float]:
        """The cost of its batch."""

    @property
    def smooth(self) -> list[float]:
        """The costs, averaged."""

    @property
    def suggestion(self) -> float | None:
        """The rate to mark."""


def rates_figure(test: RatesAndCosts) -> Any:
    """A matplotlib Figure: the costs of a range test over the logarithm of the learning rate, the suggestion marked."""
    figure, (axes,) = new_figure([1.0], width=6.6, height=4.2)
    axes.plot(test.rates, test.costs, color=COLOURS[0], linewidth=0.8, alpha=0.4, label="cost of a batch")
    axes.plot(test.rates, test.smooth, color=COLOURS[0], linewidth=1.8, label="averaged")
    if test.suggestion is not None:
        label = f"suggestion: {test.suggestion:.2g}"
        axes.axvline(test.suggestion, color=ACCENT, linewidth=1.2, linestyle=(0, (4, 3)), label=label)
    axes.set_xscale("log")
    log_scale(axes, test.smooth)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("cost")
    axes.legend(frameon=False, fontsize=9)
    return figure


def training_figure(history: Curves) -> Any:
    """A matplotlib Figure: cost and validation cost with the best epoch marked; metrics; the rate if it varies."""
    varies = len(set(history.rate)) > 1
    metrics = {name: values for name, values in history.metrics.items() if values}
    panels = [1.0] * (1 + bool(metrics) + varies)
    figure, axes = new_figure(panels, width=2.2 + 4.4 * len(panels), height=4.2)
    costs = {"training": history.cost, **({"validation": history.validation} if history.validation else {})}
    best = history.best_epoch if history.validation else -1
    _panel(axes[0], costs, "cost", best)
    if metrics:
        _panel(axes[1], metrics, next(iter(metrics)) if len(metrics) == 1 else "metrics", best, legend=len(metrics) > 1)
    if varies:
        _panel(axes[-1], {"learning rate": history.rate}, "learning rate", -1, legend=False)
    return figure


def _panel(axes: Any, curves: Mapping[str, Sequence[float]], label: str, best: int, legend: bool = True) -> None:
    for colour, (name, values) in zip(COLOURS * len(curves), curves.items(), strict=False):
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, color=colour, linewidth=1.6, label=name, marker="o" * (len(values) == 1) or None)
    if 0 <= best < max((len(values) for values in curves.values()), default=0):
        axes.axvline(best + 1, color="#7b858e", linewidth=1.0, linestyle=(0, (4, 3)), label=f"best epoch: {best + 1}")
        chosen = list(curves.values())[-1] if label == "cost" else next(iter(curves.values()))
        axes.plot([best + 1], [chosen[best]], marker="o", color=ACCENT, markersize=5, linestyle="none")
    if label != "learning rate":
        log_scale(axes, *curves.values())
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label.replace("_", " "))
    if legend and (len(curves) > 1 or best >= 0):
        axes.legend(frameon=False, fontsize=9)
