"""The gradients of single examples: against outer products, one row at a time, and between the engines."""

import os
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.backprop import sweep
from chainrule.engines import available
from chainrule.errors import DataError, SettingError, UnknownNameError

ENGINES = available()
MASKS = [np.random.default_rng(1).integers(0, 2, (4, 6)), None, np.random.default_rng(2).integers(0, 2, (3, 5))]
BLOCKS = {"output": [("softmax", 3), ("sigmoid", 2)], "cost": ["cross_entropy", "binary_cross_entropy"]}


def net(dtype="float64", masks=MASKS, **more):
    options = {"activation": ["tanh", "softmax"], **BLOCKS, "masks": masks, "seed": 4, "dtype": dtype} | more
    return cr.Network([4, 6, 3, 5], **options)


def data(n=7, weight=None, seed=0):
    rng = np.random.default_rng(seed)
    X, T = rng.normal(size=(n, 4)), np.c_[rng.dirichlet(np.ones(3), n), rng.integers(0, 2, (n, 2))]
    s = {None: None, "rows": rng.uniform(0.5, 2, n), "terms": np.c_[np.repeat(rng.uniform(1, 9, (n, 1)), 3, 1),
         rng.uniform(1, 9, (n, 2))]}[weight]  # fmt: skip
    if s is not None:
        s[2] = 0
    return X, T, s


def outer_products(network, X, T, terms=None):
    """dC_x/dtheta of each row, (n, P), float64, by BP3 and BP4 as the page has them."""
    ledger = sweep(network.architecture, network.theta.astype(np.float64), X, T, terms)
    parts = []
    for A, delta, mask in zip(ledger.A, ledger.delta, network.architecture.masks, strict=False):
        dW = np.einsum("ni,nj->nij", A, delta) * (1 if mask is None else mask)
        parts += [dW.reshape(len(X), -1), delta]
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("weight", [None, "rows", "terms"])
@pytest.mark.parametrize("masks", [None, MASKS])
def test_everything_is_what_the_outer_products_give(engine, weight, masks):
    network, (X, T, s) = net(masks=masks), data(weight=weight)
    g = outer_products(network, X, T, s if weight == "terms" else None)
    frequency = np.ones(7) if weight != "rows" else s
    if weight == "terms":
        frequency = (s.sum(axis=1) > 0).astype(float)
    gradients = network.example_gradients(X, T, s, engine=engine)
    mean, second = (np.average(power, axis=0, weights=frequency) for power in (g, g**2))
    near = {"rtol": 1e-11, "atol": 1e-13}
    np.testing.assert_allclose(list(gradients), g, **near)
    np.testing.assert_allclose(gradients.norms(), np.linalg.norm(g, axis=1), **near)
    np.testing.assert_allclose(gradients.mean(), mean, **near)
    np.testing.assert_allclose(gradients.second_moment(), second, **near)
    np.testing.assert_allclose(gradients.variance(), np.maximum(second - mean**2, 0), rtol=1e-9, atol=1e-13)
    v = np.random.default_rng(3).normal(size=g.shape[1])
    np.testing.assert_allclose(gradients.dot(v), g @ v, **near)
    n = frequency.sum() ** 2 / (frequency**2).sum()
    trace = (np.average((g**2).sum(axis=1), weights=frequency) - mean @ mean) * n / (n - 1)
    expected = trace / (mean @ mean - trace / n)
    assert gradients.noise_scale() == pytest.approx(expected if expected > 0 else np.inf, rel=1e-9)


def test_an_empty_choice_has_no_rows():
    gradients = net("float64").example_gradients(*data()[:2])
    for none in (slice(0, 0), [], np.zeros(len(gradients), bool)):
        assert gradients[none].shape == (0, gradients.shape[1])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("weight", [None, "rows", "terms"])
def test_they_are_the_numbers_of_the_network(engine, weight):
    network, (X, T, s) = net("float32"), data(weight=weight)
    gradients = network.example_gradients(X, T, s, engine=engine)
    norms = gradients.norms()
    np.testing.assert_allclose(norms, np.linalg.norm(gradients, axis=1), rtol=1e-6)
    if weight != "terms":
        assert gradients.mean().tobytes() == network.gradient(X, T, s, engine=engine).tobytes()
        assert gradients[3].tobytes() == network.gradient(X[3:4], T[3:4], engine=engine).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 7, 1024, 2500])
def test_the_moments_of_the_engines_agree_within_rounding(dtype, n):
    network, (X, T, s) = net(dtype), data(n, "rows" if n > 1 else None)
    both = [network.example_gradients(X, T, s, engine=engine).second_moment() for engine in ENGINES]
    bound = (min(n, 1024) + 50) * np.finfo(dtype).eps  # of the layer's largest: sums of positive terms cancel nothing
    for found in both:
        assert found.dtype == dtype
        for W, b in network.architecture.slices:
            off, largest = np.abs(found - both[0])[W.start : b.stop], both[0][W.start : b.stop].max()
            assert off.max() <= bound * largest


def test_class_numbers_are_their_rows_of_zeros_and_ones():
    X, classes = data(9)[0], np.arange(9) % 5
    network = net(output="softmax", cost="cross_entropy")
    a, b = (network.example_gradients(X, T) for T in (classes, np.eye(5)[classes]))
    for name in ("norms", "mean", "variance"):
        assert getattr(a, name)().tobytes() == getattr(b, name)().tobytes()
    assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_layers_restrict_everything():
    network, (X, T, s) = net(), data(weight="rows")
    whole = network.example_gradients(X, T, s)
    columns = np.r_[0:30, 51:71]  # layers 2 and 4 of 4-6-3-5
    part = network.example_gradients(X, T, s, layers=[4, 2])
    v = np.random.default_rng(0).normal(size=50)
    spread = np.zeros(71)
    spread[columns] = v
    assert part.shape == (7, 50)
    for name in ("mean", "variance", "second_moment"):
        assert getattr(part, name)().tobytes() == getattr(whole, name)()[columns].tobytes()
    assert np.asarray(part).tobytes() == np.asarray(whole)[:, columns].tobytes()
    np.testing.assert_allclose(part.norms(), np.linalg.norm(np.asarray(whole)[:, columns], axis=1), rtol=1e-12)
    np.testing.assert_allclose(part.dot(v), whole.dot(spread), rtol=1e-12)
    assert network.example_gradients(X, T, layers=3).shape == (7, 21)


def test_weight_2_is_the_row_twice():
    network, (X, T, _) = net(), data()
    s = np.array([2, 1, 1, 0, 1, 2, 1.0])
    twice = np.repeat(np.arange(7), s.astype(int))
    a, b = network.example_gradients(X, T, s), network.example_gradients(X[twice], T[twice])
    for name in ("mean", "second_moment"):
        np.testing.assert_allclose(getattr(a, name)(), getattr(b, name)(), rtol=1e-12, atol=1e-16)


def test_they_are_a_sequence_of_flat_gradients():
    network, (X, T, _) = net(), data()
    gradients = network.example_gradients(X, T)
    array = np.asarray(gradients)
    assert (len(gradients), gradients.shape, array.shape, array.dtype) == (7, (7, 71), (7, 71), np.dtype("float64"))
    assert gradients[-1].tobytes() == array[6].tobytes()
    assert gradients[1:6:2].tobytes() == array[1:6:2].tobytes()
    assert gradients[[5, 0]].tobytes() == array[[5, 0]].tobytes()
    assert gradients[np.arange(7) > 4].tobytes() == array[5:].tobytes()
    assert np.asarray(gradients, dtype="float32").dtype == np.float32
    assert repr(gradients) == "ExampleGradients(7 examples, 71 parameters, float64)"
    with pytest.raises(IndexError):
        gradients[7]


def test_training_the_network_later_does_not_change_them():
    network, (X, T, _) = net(), data()
    gradients = network.example_gradients(X, T)
    before = gradients.mean()
    network.theta += 1
    assert gradients.mean().tobytes() == before.tobytes()


def test_more_than_a_gibibyte_is_refused_and_said():
    network = cr.Network([1000, 1000, 1], dtype="float32")
    gradients = network.example_gradients(np.zeros((300, 1000), "float32"), np.zeros((300, 1)))
    line = "300 gradients of 1,002,001 parameters take 1.1 GiB, more than 1 GiB: take fewer rows"
    for read in (np.asarray, lambda g: g[:], lambda g: g[np.arange(300)]):
        with pytest.raises(DataError, match=line):
            read(gradients)
    assert gradients[:2].shape == (2, 1_002_001)


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (SettingError, "layers is 1, but must name layers 2 to 4", lambda n, X, T: n.example_gradients(X, T, layers=1)),
        (SettingError, r"layers is \[\]", lambda n, X, T: n.example_gradients(X, T, layers=[])),
        (SettingError, "layers is 'all'", lambda n, X, T: n.example_gradients(X, T, layers="all")),
        (SettingError, r"layers is \[2.0\]", lambda n, X, T: n.example_gradients(X, T, layers=[2.0])),
        (UnknownNameError, "there is no engine", lambda n, X, T: n.example_gradients(X, T, engine="abacus")),
        (DataError, "T has 6", lambda n, X, T: n.example_gradients(X, T[:6])),
        (DataError, r"v has shape \(3,\)", lambda n, X, T: n.example_gradients(X, T).dot([1, 2, 3])),
        (DataError, "v has values that are not finite", lambda n, X, T: n.example_gradients(X, T).dot([np.nan] * 71)),
        (DataError, "v is 'up', but must be numbers", lambda n, X, T: n.example_gradients(X, T).dot("up")),
        (DataError, "give at least two", lambda n, X, T: n.example_gradients(X[:1], T[:1]).noise_scale()),
    ],
)
def test_bad_input_gets_one_line(error, words, call):
    with pytest.raises(error, match=words) as caught:
        call(net(), *data()[:2])
    assert "\n" not in str(caught.value)


def test_the_noise_scale_is_that_of_a_population():
    """Normal examples of a linear network: g = x (a - t), of known mean and covariance."""
    rng, n = np.random.default_rng(0), 200_000
    linear = cr.Network([1, 1], output="identity", initializer=([[[0.0]]], [[0.0]]), dtype="float64")
    T = 2 + rng.normal(size=(n, 1))  # delta = -t, the gradient is (-x t, -t)
    X = 1 + 0.5 * rng.normal(size=(n, 1))
    trace = (1.25 * 5 - 4) + 1  # var(x t) + var(t)
    assert linear.example_gradients(X, T).noise_scale() == pytest.approx(trace / 8, rel=0.02)
    few = [linear.example_gradients(X[k : k + 20], T[k : k + 20]) for k in range(0, 20_000, 20)]
    assert np.median([each.noise_scale() for each in few]) == pytest.approx(trace / 8, rel=0.1)
    assert linear.example_gradients([[1], [1]], [[1], [-1]]).noise_scale() == np.inf


def test_estimators_and_models_have_them_too():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.array(["no", "yes"])[rng.integers(0, 2, 60)]
    mlp = cr.MLPClassifier((5,), random_state=0).partial_fit(X, y, classes=["no", "yes"])
    found = mlp.example_gradients(X, y, layers=[2])
    T = (y == "yes").astype(float)[:, None]
    assert found.norms().tobytes() == mlp.network_.example_gradients(X, T, layers=[2]).norms().tobytes()
    with pytest.raises(DataError):
        mlp.example_gradients(X, np.where(y == "no", "maybe", y))
    table = {"a": X[:, 0], "b": y, "c": y}
    model = cr.train_table(table, target="c", epochs=3)
    gradients = model.example_gradients(table)
    assert gradients.shape == (60, model.network.theta.size)
    with pytest.raises(DataError, match="row 4 has no value in 'c': leave out rows without targets"):
        model.example_gradients({"a": X[:4, 0], "b": y[:4], "c": [*y[:3], None]})


@pytest.mark.skipif("native" not in ENGINES, reason="the core is not built")
def test_no_bit_depends_on_the_threads():
    program = (
        "import numpy as np, chainrule as cr\n"
        "net = cr.Network([40, 150, 3], activation='relu', output='softmax', cost='cross_entropy')\n"
        "X = np.random.default_rng(0).normal(size=(3000, 40))\n"
        "print(net.example_gradients(X, np.arange(3000) % 3, engine='native').second_moment().tobytes().hex())"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True,
                       env=os.environ | {"CHAINRULE_THREADS": threads}).stdout
        for threads in ("1", "2", "3")
    }  # fmt: skip
    assert len(outputs) == 1
