"""Affine steps are put into the weights beside them: exact numbers, then random chains."""

import itertools

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.errors import ArchitectureError
from chainrule.exchange.folding import folded
from chainrule.exchange.kinds import Affine, Dropout, Linear

TANH = ACTIVATIONS.get("tanh")
W = np.array([[1.0, 2.0], [3.0, 4.0]])
NORM = Affine(np.array([2.0, 3.0]), np.array([1.0, -1.0]), "Norm")


def by_hand(X, steps):
    """What the steps do to X in prediction, by their definitions."""
    for step in steps:
        if isinstance(step, Linear):
            X = X @ step.W + (0 if step.b is None else step.b)
        elif isinstance(step, Affine):
            X = X * step.scale + step.shift
        elif not isinstance(step, Dropout):
            X = step.value(X)
    return X


def test_numbers_worked_by_hand():
    (after,), _ = folded([Linear(W, np.array([1.0, 1.0])), NORM])
    assert (after.W.tolist(), after.b.tolist()) == ([[2.0, 6.0], [6.0, 12.0]], [3.0, 2.0])
    (before,), _ = folded([NORM, Linear(W, None)])
    assert (before.W.tolist(), before.b.tolist()) == ([[2.0, 4.0], [9.0, 12.0]], [-2.0, -2.0])


def test_every_chain_of_steps_computes_the_same():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 3))

    def norm():
        return Affine(rng.normal(size=3), rng.normal(size=3), "Norm")

    for places in itertools.product([0, 1, 2], repeat=4):
        first, before, after, last = ([norm() for _ in range(count)] for count in places)
        linear = [Linear(rng.normal(size=(3, 3)), rng.normal(size=3)), Linear(rng.normal(size=(3, 3)), None)]
        steps = [*first, linear[0], Dropout(0.5), *before, TANH, *after, Dropout(0.1), linear[1], *last]
        made, notes = folded(steps)
        assert not any(isinstance(step, Affine) for step in made)
        assert len(notes) == sum(places)
        np.testing.assert_allclose(by_hand(X, made), by_hand(X, steps), rtol=1e-12, atol=1e-12)


def test_one_number_for_all_columns_and_the_type_of_the_weights():
    one = Affine(np.array(2.0), np.array(1.0), "Rescaling")
    for steps in ([one, Linear(W.astype("float32"), None)], [Linear(W.astype("float32"), None), one]):
        (linear,), notes = folded(steps)
        assert linear.W.dtype == linear.b.dtype == np.float32
        np.testing.assert_array_equal(by_hand(np.eye(2), [linear]), by_hand(np.eye(2), steps))
        assert notes == [
            "Rescaling is folded into the weights of layer 2, as it is in prediction; training here does not normalise"
        ]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            [Linear(W, None), TANH, NORM],
            "Norm at layer 2 cannot be folded into weights, because no Linear layer follows",
        ),
        ([Linear(W, None), TANH, NORM, TANH], "Norm at layer 2 cannot .* because an activation follows it"),
        ([NORM, TANH, Linear(W, None)], "Norm at layer 1 cannot .* because an activation follows it"),
        ([NORM], "Norm at layer 1 cannot be folded into weights, because no Linear layer follows"),
        ([Linear(W, None), NORM._replace(scale=np.ones(3))], "Norm has 3 columns, but layer 2 has 2 neurons"),
        ([NORM._replace(shift=np.ones(5)), Linear(W, None)], "Norm has 5 columns, but layer 1 has 2 neurons"),
    ],
)
def test_what_has_no_weights_to_go_into_is_refused_in_one_line(steps, words):
    with pytest.raises(ArchitectureError, match=rf"^{words}[^\n]*$"):
        folded(steps)
