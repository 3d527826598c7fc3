"""The pictures of docs/lineage, drawn from what is recorded: `recorded["pictures"]` has the numbers of each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.lineage.pages import FOLDER, read
from chainrule.plots.figures import COLOURS, new_figure, write_figure

__all__ = ["NUMBERS", "draw"]

Names = dict[str, Any]


def of_symmetry(page: Names) -> dict[str, Any]:
    """W of layer 2, (6, 2), of the network that the page shows."""
    return {"W": page["symmetry"](seed=2)[0].W[0].round(3).tolist()}


def of_families(page: Names) -> dict[str, Any]:
    """The weights from people to the first six neurons of the second layer, (24, 6), of the page's network."""
    pairs = zip(page["ENGLISH"], page["ITALIAN"], strict=True)
    return {"W": page["net"].W[0][:24, :6].round(3).tolist(), "people": [", ".join(pair) for pair in pairs]}


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
    """How many runs have learned it after so many sweeps on the left, the weights of a network on the right."""
    figure, (left, right) = new_figure([1.0, 1.2], width=7.4, height=3.0)
    sweeps = read("results.json")["symmetry"]["values"]["sweeps"]
    known = sorted(value for value in sweeps if value is not None)
    left.step([0, *known, 5000], [100 * min(k, len(known)) / len(sweeps) for k in range(len(known) + 2)], where="post")
    left.set(xlabel="sweep", title=f"runs that have learned it, % of {len(sweeps)}", xlim=(0, 5000), ylim=(0, 100))
    W = np.array(numbers["W"])
    for k in (0, 1):
        places = np.arange(1, 7) + 0.4 * k - 0.2
        right.bar(places, W[:, k], width=0.38, color=COLOURS[k], label=f"hidden neuron {k + 1}")
    right.set(xlabel="input", title="weights of one network", ylim=1.35 * np.array([-1, 1]) * abs(W).max())
    right.legend(frameon=False, fontsize=8, ncols=2, loc="upper center")
    return figure


def families_figure(numbers: dict[str, Any]) -> Any:
    """Two columns for each neuron, the English and the Italian family; squares whose area is the weight."""
    figure, (axes,) = new_figure([1.0], width=7.2, height=4.0)
    W = np.array(numbers["W"])
    columns = 2.6 * np.arange(6)[None, :] + np.repeat([0.0, 1.0], 12)[:, None]
    for place, k in np.ndindex(24, 6):
        side = 0.95 * np.sqrt(abs(W[place, k]) / abs(W).max())
        corner = (columns[place, k] - side / 2, place % 12 - side / 2)
        axes.add_patch(_square(corner, side, "white" if W[place, k] > 0 else "black"))
    axes.set(xlim=(-0.8, 14.8), ylim=(11.7, -0.7), aspect="equal", facecolor="#a9b1b8")
    axes.set_yticks(range(12), numbers["people"], fontsize=8)
    axes.set_xticks(2.6 * np.arange(6) + 0.5, [f"neuron {k + 1}" for k in range(6)])
    axes.grid(visible=False)
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
