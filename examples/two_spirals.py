"""Train a network to tell two spirals apart, and draw the picture of the README.

python examples/two_spirals.py [picture.png]      needs matplotlib: pip install '.[plot]'
"""

import sys
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.plots.figures import COLOURS, new_figure, write_figure

TURN = np.linspace(0.5, 3 * np.pi, 100)


def spirals(turn: Any) -> tuple[Any, Any]:
    """Points (2 n, 2) at the angles `turn` of both spirals, and which spiral each is on (2 n, 1)."""
    arm = np.column_stack([turn * np.cos(turn), turn * np.sin(turn)]) / 3
    return np.concatenate([arm, -arm]), np.repeat([[0.0], [1.0]], len(turn), axis=0)


def draw(net: cr.Network, history: cr.History, path: str) -> None:
    """Draw the outputs over the plane, and the cost over the epochs beside them."""
    figure, (plane, curve) = new_figure([1.0, 1.1], width=7.4, height=3.4)
    edge = np.linspace(-3.6, 3.6, 480)  # both axes
    grid = np.stack(np.meshgrid(edge, edge), axis=-1).reshape(-1, 2)
    answers = net.predict(grid).reshape(480, 480)
    shades = 0.24 + 0.52 * answers.round(1)
    plane.imshow(shades, origin="lower", extent=(-3.6, 3.6) * 2, cmap="RdBu", vmin=0, vmax=1, interpolation="nearest")
    X, T = spirals(TURN)
    for spiral, colour in enumerate(("#a3262a", "#1c4f80")):
        plane.scatter(*X[T[:, 0] == spiral].T, s=11, color=colour, edgecolor="white", linewidth=0.4)
    plane.set(aspect="equal", xticks=[], yticks=[], title="which spiral is it?")
    for name, costs, colour in zip(
        ("points it learns from", "points in between"), (history.cost, history.validation), COLOURS, strict=False
    ):
        curve.semilogy(range(1, history.epochs + 1), costs, color=colour, linewidth=1.6, label=name)
    curve.set(xlabel="epoch", title="cost")
    curve.legend(frameon=False, fontsize=9)
    write_figure(figure, path)


def main(path: str = "two-spirals.png") -> None:
    """Train, print the accuracy on points between the training points, and draw."""
    between = spirals((TURN[1:] + TURN[:-1]) / 2)
    net = cr.Network([2, 16, 16, 1], activation="tanh", cost="binary_cross_entropy", seed=1)
    history = cr.fit(net, *spirals(TURN), optimizer=cr.Adam(0.01), batch_size=20, epochs=300, validation=between)
    right = float(((net.predict(between[0]) > 0.5) == between[1]).mean())
    print(f"{net.theta.size} weights, {history.epochs} epochs: {right:.1%} of the points in between are right")
    draw(net, history, path)
    print(f"the picture is in {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
