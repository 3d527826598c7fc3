"""The pictures of docs/lineage, drawn from what is recorded: `recorded["pictures"]` has the numbers of each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.lineage.pages import FOLDER
from chainrule.plots.figures import COLOURS, new_figure, write_figure

__all__ = ["NUMBERS", "draw"]

Names = dict[str, Any]
CURVES = 40  # runs in the picture of symmetry


def of_symmetry(page: Names) -> dict[str, Any]:
    """The share of right answers of many seeds after every 20 sweeps, and W of the run that the page shows."""
    runs = [page["symmetry"](seed, most=2000)[1] for seed in range(CURVES)]
    return {"right": runs, "W": page["symmetry"](seed=2)[0].W[0].round(3).tolist()}


def of_families(page: Names) -> dict[str, Any]:
    """The weights from people to the first six neurons of the second layer, (24, 6), of the page's network."""
    return {"W": page["net"].W[0][:24, :6].round(3).tolist()}


def of_neuron(page: Names) -> dict[str, Any]:
    """The outputs over 300 epochs, by cost and start."""
    return {
        f"{words} from {start[0]}, {start[1]}": page["outputs"](*start, cost, 0.15).round(4).tolist()
        for words, cost in (("quadratic", "quadratic"), ("cross-entropy", "binary_cross_entropy"))
        for start in ((0.6, 0.9), (2, 2))
    }


def of_overfitting(page: Names) -> dict[str, Any]:
    """The accuracy after each of 400 epochs on 1,000 images, the median of five seeds."""
    X, T = page["training"]
    settings = {"without a penalty": 0.0, "L2 with λ = 0.1": 0.1}
    runs = {
        words: [page["scores"](seed, epochs=400, L2=L2, training=(X[:1000], T[:1000]))[0] for seed in range(5)]
        for words, L2 in settings.items()
    }
    return {words: np.median(curves, axis=0).round(4).tolist() for words, curves in runs.items()}


def of_depth(page: Names) -> dict[str, Any]:
    """The length of delta of each hidden layer over 500 epochs, the median of five seeds; every fifth epoch."""
    runs = np.median([page["speeds_in_training"](seed) for seed in range(5)], axis=0)[::5]
    return {f"hidden layer {k + 1}": [float(f"{value:.3g}") for value in line] for k, line in enumerate(runs.T)}


NUMBERS: dict[str, Callable[[Names], dict[str, Any]]] = {
    "symmetry": of_symmetry,
    "family-trees": of_families,
    "saturated-neuron": of_neuron,
    "overfitting": of_overfitting,
    "depth": of_depth,
}


def draw(pictures: dict[str, Any], folder: Any = FOLDER) -> None:
    """Write the picture of each page whose numbers are recorded."""
    for name, numbers in pictures.items():
        write_figure(FIGURES[name](numbers), folder / f"{name}.png")


def symmetry_figure(numbers: dict[str, Any]) -> Any:
    """Shares over sweeps on the left, the weights of both hidden neurons on the right."""
    figure, (left, right) = new_figure([1.2, 1.0], width=7.4, height=3.0)
    for run in numbers["right"]:
        done = [*run, *[1.0] * (100 - len(run))] if run[-1] == 1 else run
        left.plot(20 * np.arange(1, len(done) + 1), done, color=COLOURS[0], alpha=0.35, linewidth=1.0)
    left.set(xlabel="sweep", title=f"share of right answers, {len(numbers['right'])} seeds", ylim=(0.45, 1.02))
    left.axhline(0.875, color=COLOURS[1], linewidth=1.0, linestyle="--")
    W = np.array(numbers["W"])
    for k in (0, 1):
        places = np.arange(1, 7) + 0.4 * k - 0.2
        right.bar(places, W[:, k], width=0.38, color=COLOURS[k], label=f"hidden neuron {k + 1}")
    right.set(xlabel="input", title="weights of one network")
    right.legend(frameon=False, fontsize=8)
    return figure


def families_figure(numbers: dict[str, Any]) -> Any:
    """A panel for each neuron: squares whose area is the weight, the English above the Italians."""
    figure, panels = new_figure([1.0] * 6, width=9.6, height=1.5)
    W = np.array(numbers["W"])
    for k, axes in enumerate(panels):
        axes.set(xlim=(-0.6, 11.6), ylim=(1.6, -0.6), aspect="equal", xticks=[], yticks=[], facecolor="#a9b1b8")
        axes.set_title(f"neuron {k + 1}", fontsize=9)
        axes.grid(visible=False)
        for place in range(24):
            side = 0.95 * np.sqrt(abs(W[place, k]) / abs(W).max())
            corner = (place % 12 - side / 2, place // 12 - side / 2)
            axes.add_patch(_square(corner, side, "white" if W[place, k] > 0 else "black"))
    return figure


def _square(corner: tuple[float, float], side: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, side, side, color=colour, linewidth=0)


def lines_figure(title: str, x: str, step: int = 1, log: bool = False) -> Callable[[dict[str, Any]], Any]:
    """A figure with a line for each list of numbers."""

    def figure_of(numbers: dict[str, Any]) -> Any:
        figure, (axes,) = new_figure([1.0], width=6.4, height=3.0)
        for k, (name, values) in enumerate(numbers.items()):
            axes.plot(step * np.arange(len(values)), values, color=COLOURS[k], linewidth=1.5, label=name)
        axes.set(xlabel=x, title=title, yscale="log" if log else "linear")
        axes.legend(frameon=False, fontsize=8)
        return figure

    return figure_of


FIGURES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "symmetry": symmetry_figure,
    "family-trees": families_figure,
    "saturated-neuron": lines_figure("output of the neuron, η = 0.15; w and b at the start", "epoch"),
    "overfitting": lines_figure("accuracy on test images, 1,000 training images", "epoch"),
    "depth": lines_figure("‖δ‖ in a network with four hidden layers", "epoch", step=5, log=True),
}
