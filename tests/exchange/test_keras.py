"""Weights in Keras's order: the list, the way back, and Keras itself where it is installed."""

import os

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArchitectureError
from chainrule.network import Network


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_list_is_kernel_and_bias_in_turn_and_comes_back_bit_by_bit(dtype):
    net = Network([3, 4, 2], "relu", "softmax", "cross_entropy", dtype=dtype, seed=4)
    net.b[0][...] = 0.1
    weights = cr.to_keras_weights(net)
    for found, expected in zip(weights, (net.W[0], net.b[0], net.W[1], net.b[1]), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == dtype
        assert not np.shares_memory(found, net.theta)
    again = cr.from_keras_weights(weights, "relu", "softmax", "cross_entropy")
    assert again.dtype == dtype
    assert again.theta.tobytes() == net.theta.tobytes()
    assert repr(again) == repr(net)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([], "in turn"),
        ([(3, 4)], "in turn"),
        ([(3, 4), (4, 2)], "in turn"),
        ([(3, 4), (4,), (4,), (4,)], "in turn"),
        ([(3, 4), (3,)], "do not fit one after the other"),
        ([(3, 4), (4,), (5, 2), (2,)], "do not fit one after the other"),
    ],
)
def test_what_dense_layers_with_biases_do_not_give_is_refused_in_one_line(shapes, words):
    with pytest.raises(ArchitectureError, match=rf"^the weights have shapes [^\n]*{words}$"):
        cr.from_keras_weights([np.ones(shape) for shape in shapes])


def test_half_precision_becomes_float32_and_other_types_are_refused_in_one_line():
    half = [np.full((3, 2), 0.1, np.float16), np.zeros(2, np.float16)]
    net = cr.from_keras_weights(half)
    assert net.dtype == np.float32
    np.testing.assert_array_equal(net.W[0], half[0])
    for kind in ("int64", "complex128", "bool", "object", "<U3"):
        with pytest.raises(ArchitectureError, match=rf"^the weights have the type {kind}[^\n]*, but must be [^\n]*$"):
            cr.from_keras_weights([part.astype(kind) for part in half])
    with pytest.raises(ArchitectureError, match=r"^the weights have rows of different lengths[^\n]*$"):
        cr.from_keras_weights([[[1.0, 2.0], [3.0]], [0.0, 0.0]])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_keras_predicts_the_same():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    dense = [keras.layers.Dense(4, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.layers.Input((3,)), *dense])
    net = cr.from_keras_weights(model.get_weights(), "relu", "softmax", "cross_entropy")
    np.testing.assert_allclose(net.predict(X), model.predict(X, verbose=0), rtol=1e-5)
    other = Network([3, 4, 2], "relu", "softmax", "cross_entropy", seed=8)
    model.set_weights(cr.to_keras_weights(other))
    np.testing.assert_allclose(other.predict(X), model.predict(X, verbose=0), rtol=1e-5)
