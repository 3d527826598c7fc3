"""Networks as Keras models and back, where Keras is installed, with the backend that KERAS_BACKEND names (jax)."""

import dataclasses
import importlib.util
import os
import random
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArchitectureError, SettingError, UnknownNameError
from chainrule.exchange.keras.twins import TWINS
from chainrule.network import Network

from ..problems import SIGMAS

os.environ.setdefault("KERAS_BACKEND", "jax")
HERE = importlib.util.find_spec("keras") is not None
needs_keras = pytest.mark.skipif(not HERE, reason="Keras is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
if HERE:
    import keras
    from keras import layers

X = np.random.default_rng(0).normal(size=(7, 3))
HAVE = [sigma for sigma in SIGMAS if sigma.name in {twin.name for twin in TWINS}]


def run(model, X, dtype="float32"):
    """The outputs of the model in prediction."""
    outputs = model(keras.ops.convert_to_tensor(X.astype(dtype), dtype=dtype), training=False)
    return np.asarray(keras.ops.convert_to_numpy(outputs))


def types():
    """The types that the backend has."""
    kept = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(np.ones(1), dtype="float64")).dtype
    return ["float32", "float64"] if kept == np.float64 else ["float32"]


def sequence(*parts, shape=(3,)):
    return keras.Sequential([keras.Input(shape), *parts])


def shaken(model, seed=1):
    """The model with random weights, means and variances, all above 0.1 where they are variances."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=part.shape) for part in model.get_weights()]
    names = [variable.name for variable in model.weights]
    model.set_weights([0.1 + abs(w) if "variance" in name else w for name, w in zip(names, weights, strict=True)])
    return model


def test_without_keras_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delitem(sys.modules, "chainrule.exchange.keras.layers", raising=False)
    monkeypatch.delattr("chainrule.exchange.keras.layers", raising=False)
    for call in (lambda: cr.to_keras(Network([2, 1])), lambda: cr.from_keras(None)):
        with pytest.raises(SettingError, match=r"^this needs Keras 3 [^\n]*pip install keras[^\n]*$"):
            call()


@needs_keras
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype:UserWarning")
@pytest.mark.parametrize("sigma", HAVE, ids=str)
def test_every_activation_predicts_the_same_and_comes_back_bit_by_bit(sigma):
    for dtype in types():
        if sigma.name == "prelu":  # Keras has the slope as a weight of the type of the others
            sigma = dataclasses.replace(sigma, slope=float(np.asarray(sigma.slope, dtype)))
        hidden = sigma if sigma.elementwise else "tanh"
        net = Network([3, 5, 4, 2], hidden, sigma, seed=3, dtype=dtype)
        net.b[0][...] = 0.1
        model = cr.to_keras(net)
        assert {layer.dtype for layer in model.layers} == {dtype}
        # Keras multiplies in float32 even where the weights are float64, with every backend but TensorFlow.
        np.testing.assert_allclose(run(model, X, dtype), net.predict(X.astype(dtype)), rtol=1e-5, atol=1e-6)
        again = cr.from_keras(model, cost="quadratic")
        assert again.architecture.describe() == net.architecture.describe()
        assert (again.dtype, again.theta.tobytes()) == (net.dtype, net.theta.tobytes())


@needs_keras
def test_a_type_that_the_backend_does_not_have_is_refused_in_one_line(monkeypatch):
    from chainrule.exchange.keras import layers as ours

    monkeypatch.setattr(ours, "_array", lambda tensor: np.zeros(1, "float32"))
    with pytest.raises(SettingError, match=r"^the network is float64, but the backend \w+ of Keras makes it float32: "):
        cr.to_keras(Network([2, 1], dtype="float64"))


@needs_keras
def test_logits_come_back_with_the_output_activation():
    net = Network([3, 4, 2], "relu", "softmax", "cross_entropy")
    model = cr.to_keras(net, logits=True)
    assert model.layers[-1].activation is keras.activations.linear
    again = cr.from_keras(model, output="softmax")
    assert (repr(again), again.theta.tobytes()) == (repr(net), net.theta.tobytes())
    with pytest.raises(SettingError, match=r"already has softmax: leave output out$"):
        cr.from_keras(cr.to_keras(net), output="softmax")
    with pytest.raises(UnknownNameError, match="softplusplus"):
        cr.from_keras(model, output="softplusplus")


@needs_keras
def test_making_a_model_draws_nothing_and_shares_nothing():
    net = Network([3, 4, 2])
    random.seed(3)
    keras.utils.set_random_seed(3)
    before = random.getstate()
    model = cr.to_keras(net)
    assert random.getstate() == before
    theta = net.theta.copy()
    model.set_weights([0 * part for part in model.get_weights()])
    assert net.theta.tobytes() == theta.tobytes()
    other = keras.models.clone_model(model).get_weights()[0]
    assert np.unique(other).size == other.size, "a clone begins with weights that differ, so that it can be trained"


@needs_keras
def test_keras_goes_on_training():
    if keras.backend.backend() == "numpy":
        pytest.skip("Keras does not train with NumPy")
    net = Network([3, 8, 1], "tanh", "identity")
    T = X[:, :1] ** 2
    model = cr.to_keras(net)
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse")
    model.fit(X, T, epochs=30, verbose=0)
    trained = cr.from_keras(model)
    np.testing.assert_allclose(trained.predict(X), run(model, X), rtol=1e-5, atol=1e-6)
    assert trained.cost(X, T) < 0.5 * net.cost(X, T)


@needs_keras
def test_a_model_as_people_write_it():
    inputs = keras.Input((2, 3), name="digits")
    hidden = layers.Dropout(0.3)(layers.ReLU()(layers.Dense(4, use_bias=False)(layers.Flatten()(inputs))))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(5, "swish"), layers.Dense(2)])
    model = shaken(keras.Model(inputs, layers.Activation("log_softmax")(inner(hidden))))
    with pytest.warns(UserWarning, match="layer") as said:
        net = cr.from_keras(model)
    words = ["layer 2 has no biases", "dropout 0.3 at layer 2", "the last layer is log_softmax"]
    ours = [str(one.message) for one in said if one.filename == __file__]  # a backend may have its own
    assert [line[: len(text)] for line, text in zip(ours, words, strict=True)] == words
    assert net.architecture.describe() == "6 inputs → 4 relu → 5 silu → 2 softmax (cross_entropy)"
    rows = np.random.default_rng(1).normal(size=(7, 6))
    np.testing.assert_allclose(net.predict(rows), np.exp(run(model, rows.reshape(7, 2, 3))), rtol=1e-4, atol=1e-6)


FOLDED = {
    "before an activation": lambda: [
        *(layers.Dense(4, use_bias=False), layers.BatchNormalization(), layers.Activation("tanh"), layers.Dense(2)),
    ],
    "after an activation": lambda: [
        *(layers.Dense(4, "tanh"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(2, "softmax")),
    ],
    "first and last": lambda: [
        *(layers.BatchNormalization(scale=False), layers.Dense(4, "elu"), layers.Dense(2)),
        layers.BatchNormalization(center=False, axis=1, epsilon=0.1),
    ],
    "several": lambda: [
        *(layers.Rescaling(0.5, offset=[1.0, 2.0, 3.0]), layers.BatchNormalization()),
        *(layers.Dense(2, use_bias=False), layers.Rescaling(3.0), layers.BatchNormalization()),
        *(layers.LeakyReLU(), layers.Dense(1)),
    ],
    "standardised inputs": lambda: [
        *(layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.25, 1.0]), layers.Dense(2)),
    ],
    "standardised by one number": lambda: [layers.Normalization(axis=None, mean=2.0, variance=9.0), layers.Dense(2)],
    "undone": lambda: [
        *(layers.Dense(3), layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25], invert=True)),
    ],
}


@needs_keras
@pytest.mark.filterwarnings("ignore:dropout 0.2", "ignore:layer 2 has no biases")
@pytest.mark.parametrize("name", FOLDED)
def test_normalisation_is_folded_into_the_weights(name):
    model = shaken(sequence(*FOLDED[name]()))
    with pytest.warns(
        UserWarning, match=r"^(BatchNormalization|Normalization|Rescaling) is folded into the weights of"
    ):
        net = cr.from_keras(model)
    np.testing.assert_allclose(net.predict(X), run(model, X), rtol=1e-4, atol=1e-5)


def two_inputs():
    one, other = keras.Input((3,)), keras.Input((3,))
    return keras.Model([one, other], layers.Dense(2)(layers.Add()([one, other])))


def branches():
    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.Add()([layers.Dense(2)(inputs), layers.Dense(2)(inputs)]))


class Twice(keras.Sequential if HERE else object):
    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs)


class Dense(layers.Dense if HERE else object):
    pass


def quantized():
    model = sequence(layers.Dense(2))
    model.layers[0].quantize("int8")
    return model


def own_call():
    model = sequence(layers.Dense(2))
    model.layers[0].call = lambda x: x
    return model


REFUSED = {
    "nothing": (lambda: "model.keras", "str has no counterpart here: choose from Sequential, Dense, "),
    "a layer that is not ours": (
        lambda: sequence(layers.Dense(2), layers.LayerNormalization()),
        "LayerNormalization has",
    ),
    "a class of your own": (lambda: sequence(Dense(2)), r"test_keras_models.Dense has no counterpart here"),
    "a model of your own": (lambda: Twice([keras.Input((3,)), layers.Dense(2)]), "Twice has no counterpart here"),
    "a call of the object": (own_call, "Dense has a call of its own"),
    "a function of your own": (lambda: sequence(layers.Dense(2, lambda z: z * z)), "activation '<lambda>' has no"),
    "an activation that is not ours": (lambda: sequence(layers.Dense(2, "hard_sigmoid")), "'hard_sigmoid' has no"),
    "another relu": (lambda: sequence(layers.Dense(2), layers.ReLU(max_value=2)), "ReLU has max_value 2"),
    "a threshold": (lambda: sequence(layers.Dense(2), layers.ReLU(threshold=1)), "threshold 1: choose"),
    "slopes": (lambda: shaken(sequence(layers.Dense(2), layers.PReLU())), "PReLU has 2 slopes, but here all"),
    "no weights yet": (lambda: keras.Sequential([layers.Dense(2)]), "the model has no weights yet"),
    "several inputs": (two_inputs, "has several inputs, outputs or branches"),
    "branches": (branches, "has several inputs, outputs or branches"),
    "rows of rows": (lambda: sequence(layers.Dense(2), shape=(4, 3)), r"inputs of shape \(None, 4, 3\), but here each"),
    "a normalisation at the end": (
        lambda: sequence(layers.Dense(2, "tanh"), layers.BatchNormalization()),
        "BatchNormalization at layer 2 cannot be folded into weights, because no Linear layer follows it",
    ),
    "a normalisation between activations": (
        lambda: sequence(
            layers.Dense(2, "tanh"), layers.BatchNormalization(), layers.Activation("relu"), layers.Dense(1)
        ),
        "BatchNormalization at layer 2 cannot be folded into weights, because an activation follows it",
    ),
    "a quantized layer": (quantized, "is quantized to int8, but here weights are numbers"),
    "no Dense": (lambda: sequence(layers.Flatten()), "no Linear layer"),
}


@needs_keras
@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_one_line(name):
    make, words = REFUSED[name]
    model = make()
    with pytest.raises(ArchitectureError, match=rf"^[^\n]*{words}[^\n]*$"):
        cr.from_keras(model)


@needs_keras
@pytest.mark.parametrize(
    ("net", "words"),
    [
        (lambda: Network([2, 3, 1], "sine"), "'sine' has no counterpart in Keras: choose from identity, "),
        (lambda: Network([2, 3, 1], lambda z: z / (1 + z * z)), "your own NumPy function, which Keras cannot call"),
        (lambda: Network([2, 4], output=[("softmax", 2), ("sigmoid", 2)]), "2 blocks of outputs, but"),
    ],
)
def test_what_keras_does_not_have_is_refused_in_one_line(net, words):
    with pytest.raises(ArchitectureError, match=rf"^[^\n]*{words}[^\n]*$"):
        cr.to_keras(net())


@needs_keras
def test_half_precision_is_computed_in_float32_and_a_warning_says_so():
    model = sequence(layers.Dense(4, "tanh", dtype="mixed_bfloat16"), layers.Dense(2, dtype="mixed_bfloat16"))
    with pytest.warns(UserWarning, match=r"^Dense layers compute in bfloat16; here they compute in float32, [^\n]*$"):
        net = cr.from_keras(model)
    np.testing.assert_array_equal(net.W[0], model.get_weights()[0])
    np.testing.assert_allclose(net.predict(X), run(model, X).astype("float32"), rtol=0.1, atol=0.1)


@needs_keras
def test_layers_that_share_weights_get_their_own_and_a_warning():
    dense = layers.Dense(3, "tanh")
    inputs = keras.Input((3,))
    model = keras.Model(inputs, dense(dense(inputs)))
    with pytest.warns(UserWarning, match="^some Dense layers share their weights"):
        net = cr.from_keras(model)
    np.testing.assert_allclose(net.predict(X), run(model, X), rtol=1e-5, atol=1e-6)


@needs_keras
def test_it_goes_through_keras_own_files(tmp_path):
    net = Network([3, 4, 2], [{"name": "leaky_relu", "slope": 0.5}], "softmax", "cross_entropy")
    cr.to_keras(net).save(tmp_path / "net.keras")
    assert cr.from_keras(keras.models.load_model(tmp_path / "net.keras")).theta.tobytes() == net.theta.tobytes()
