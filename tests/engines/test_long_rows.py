"""Sums along a row of many classes keep their digits: rounding errors grow with the logarithm of the width."""

import numpy as np
import pytest

from chainrule.engines import available
from chainrule.network import Network

CLASSES = 300_000


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("bias", [0.0, 0.3, 1.0], ids=str)
def test_the_probabilities_of_many_classes_sum_to_1(bias, engine):
    """Equal terms are the hardest: each addition rounds in the same direction."""
    theta = np.zeros(2 * CLASSES, "float32")
    theta[-1] = bias  # the largest z; every other e^(z - max) is e^-bias
    net = Network([1, CLASSES], output="softmax", cost="cross_entropy", initializer=theta)
    assert abs(net.predict([[1.0]], engine=engine).sum(dtype="float64") - 1) < 1e-6
    assert abs(net.cost([[1.0]], [0], engine=engine) - np.log(CLASSES - 1 + np.exp(bias))) < 1e-4


@pytest.mark.parametrize("engine", available())
def test_the_length_of_a_long_gradient_keeps_its_digits(engine):
    X = np.full((1, CLASSES), np.float32(0.3))
    net = Network([CLASSES, 1], output="identity", initializer=np.zeros(CLASSES + 1, "float32"))
    exact = 2 * np.sqrt(CLASSES * float(np.float32(0.3)) ** 2 + 1)
    (norm,) = net.example_gradients(X, [[-2.0]], engine=engine).norms()
    assert abs(norm / exact - 1) < 1e-6


@pytest.mark.parametrize("engine", available())
def test_softmax_in_a_hidden_layer_pulls_back_through_many_neurons(engine):
    """With equal z the derivative of each a_i is (g_i - mean g) / n, which is 0 for equal g."""
    net = Network([1, CLASSES, 1], "softmax", "identity", initializer=np.zeros(3 * CLASSES + 1, "float32"))
    net.W[1][...] = 0.3
    dW, _ = net.architecture.views(net.gradient([[1.0]], [[0.0]], engine=engine))
    assert np.abs(dW[0]).max() * CLASSES < 1e-6
