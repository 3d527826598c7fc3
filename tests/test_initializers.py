"""First weights: the law of each rule, that a layer's own draw depends on nothing else, and weights that are given."""

import math

import numpy as np
import pytest
from scipy import stats

from chainrule.errors import ArchitectureError, SettingError, UnknownNameError
from chainrule.initializers import INITIALIZERS
from chainrule.network import Network
from chainrule.random import Purpose, raw_words, uniform

# name: (uniform or normal, variance of W from n_in and n_out, the variance of b, which is of the same law)
LAWS = {
    "glorot_uniform": ("uniform", lambda n_in, n_out: 2 / (n_in + n_out), lambda n_in, n_out: 0),
    "glorot_normal": ("normal", lambda n_in, n_out: 2 / (n_in + n_out), lambda n_in, n_out: 0),
    "he_uniform": ("uniform", lambda n_in, n_out: 2 / n_in, lambda n_in, n_out: 0),
    "he_normal": ("normal", lambda n_in, n_out: 2 / n_in, lambda n_in, n_out: 0),
    "lecun_uniform": ("uniform", lambda n_in, n_out: 1 / n_in, lambda n_in, n_out: 0),
    "lecun_normal": ("normal", lambda n_in, n_out: 1 / n_in, lambda n_in, n_out: 0),
    "nielsen": ("normal", lambda n_in, n_out: 1 / n_in, lambda n_in, n_out: 1),
    "nielsen_large": ("normal", lambda n_in, n_out: 1, lambda n_in, n_out: 1),
    "glorot_uniform_biases": (
        "uniform",
        lambda n_in, n_out: 2 / (n_in + n_out),
        lambda n_in, n_out: 2 / (n_in + n_out),
    ),
    "orthogonal": ("normal", lambda n_in, n_out: 1 / max(n_in, n_out), lambda n_in, n_out: 0),
    "zeros": ("", lambda n_in, n_out: 0, lambda n_in, n_out: 0),
}
DRAWN = [name for name, (family, *_) in LAWS.items() if family]

# seed 0, layer 2, 3 inputs, 2 neurons: w_11, w_12 and b_1
FIRST = {
    "glorot_uniform": [-0.2313797754400618, 0.33563020747744937, 0.0],
    "glorot_normal": [-0.16943168551624616, 0.24916015179246118, 0.0],
    "he_uniform": [-0.2987100056428571, 0.43329673468143387, 0.0],
    "he_normal": [-0.21873536544142458, 0.321664372810238, 0.0],
    "lecun_uniform": [-0.21121987059833613, 0.30638705935923016, 0.0],
    "lecun_normal": [-0.15466926018894891, 0.22745105928023707, 0.0],
    "nielsen": [-0.15466926018894891, 0.22745105928023707, -0.38886593461195224],
    "nielsen_large": [-0.26789501701634977, 0.39395679090873115, -0.38886593461195224],
    "glorot_uniform_biases": [-0.2313797754400618, 0.33563020747744937, -0.3315087241418302],
    "orthogonal": [-0.1925452843880382, 0.6211888127280002, 0.0],
    "zeros": [0.0, 0.0, 0.0],
}

each = pytest.mark.parametrize("name", INITIALIZERS.names())


def test_every_initializer_has_its_law_here():
    assert list(LAWS) == INITIALIZERS.names()


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("n_in", "n_out"), [(300, 100), (60, 500)])
def test_weights_follow_the_stated_law(name, n_in, n_out):
    family, variance, _ = LAWS[name]
    W, _ = INITIALIZERS.get(name).draw(3, 2, n_in, n_out)
    sigma = math.sqrt(variance(n_in, n_out))
    assert (W.shape, W.dtype) == ((n_in, n_out), np.float64)
    assert W.var() == pytest.approx(sigma**2, rel=4 * math.sqrt(2 / W.size))
    limit = math.sqrt(3) * sigma
    if family == "uniform":
        assert 0.999 * limit < np.abs(W).max() <= limit
    law = stats.uniform(-limit, 2 * limit) if family == "uniform" else stats.norm(0, sigma)
    assert stats.kstest(W.ravel(), law.cdf).pvalue > 1e-3


@each
def test_biases_are_0_or_follow_the_law_of_their_weights(name):
    family, _, variance = LAWS[name]
    _, b = INITIALIZERS.get(name).draw(3, 2, 1, 20_000)
    assert (b.shape, b.dtype) == ((20_000,), np.float64)
    sigma = math.sqrt(variance(1, 20_000))
    limit = math.sqrt(3) * sigma
    if sigma:
        law = stats.uniform(-limit, 2 * limit) if family == "uniform" else stats.norm(0, sigma)
        assert stats.kstest(b, law.cdf).pvalue > 1e-3
    else:
        assert not b.any()


def test_the_factor_of_scikit_learns_logistic_layers_narrows_the_draw():
    wide, narrow = (INITIALIZERS.get({"name": "glorot_uniform_biases", "factor": f}).draw(1, 2, 4, 3) for f in (6, 2))
    np.testing.assert_allclose(narrow[0], wide[0] / math.sqrt(3), rtol=1e-14)
    np.testing.assert_allclose(narrow[1], wide[1] / math.sqrt(3), rtol=1e-14)
    with pytest.raises(SettingError, match=r"factor of glorot_uniform_biases is 0\.0, but must be above 0"):
        INITIALIZERS.get({"name": "glorot_uniform_biases", "factor": 0})


@each
def test_first_weights_never_change(name):
    W, b = INITIALIZERS.get(name).draw(0, 2, 3, 2)
    np.testing.assert_allclose([*W[0], b[0]], FIRST[name], rtol=1e-14)


def test_words_are_used_row_by_row_and_then_for_the_biases():
    words = raw_words(8, Purpose.WEIGHTS, 3, 2 * 5 + 5)
    W, _ = INITIALIZERS.get("he_uniform").draw(8, 3, 2, 5)
    assert W.ravel().tolist() == (math.sqrt(3) * (2 * uniform(words[:10]) - 1)).tolist()
    large, small = (INITIALIZERS.get(name).draw(8, 3, 4, 5) for name in ("nielsen_large", "nielsen"))
    assert (large[0] / 2).tolist() == small[0].tolist()
    assert large[1].tolist() == small[1].tolist()


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 4), (4, 7), (5, 5), (1, 3)])
def test_columns_or_rows_are_orthonormal(n_in, n_out):
    W, b = INITIALIZERS.get({"name": "orthogonal", "gain": 2.0}).draw(0, 2, n_in, n_out)
    products = W.T @ W if n_in >= n_out else W @ W.T
    np.testing.assert_allclose(products, 4 * np.eye(min(n_in, n_out)), atol=1e-14)
    assert not b.any()


def test_orthogonal_matrices_are_uniform_no_sign_or_turn_is_preferred():
    """The trace of a uniform orthogonal matrix has mean 0 and variance 1; that of Q without the signs has not."""
    traces = np.array([np.trace(INITIALIZERS.get("orthogonal").draw(seed, 2, 3, 3)[0]) for seed in range(2000)])
    assert abs(traces.mean()) < 4 / math.sqrt(2000)
    assert traces.var() == pytest.approx(1, abs=0.15)


def test_a_gain_that_is_not_above_0_is_refused():
    with pytest.raises(SettingError, match=r"^gain of orthogonal is 0\.0, but must be above 0$"):
        INITIALIZERS.get({"name": "orthogonal", "gain": 0})


@pytest.mark.parametrize("name", DRAWN)
def test_a_layer_is_drawn_alike_whatever_the_other_layers_are(name):
    def net(*sizes, seed=1):
        return Network(sizes, initializer=name, seed=seed, dtype="float64")

    a, b = net(5, 7, 3), net(2, 9, 7, 3, 1)
    assert net(5, 7, 4, 4).W[0].tolist() == a.W[0].tolist()
    assert net(6, 9, 7, 8).W[1].tolist() == b.W[1].tolist()
    assert net(9, 7, 3).W[1].tolist() == a.W[1].tolist()
    assert net(7, 7, 7).W[0].tolist() != net(7, 7, 7).W[1].tolist()
    assert net(5, 7, 3, seed=2).W[0].tolist() != a.W[0].tolist()
    assert Network([5, 7, 3], initializer=name, seed=1).W[0].tolist() == a.W[0].astype(np.float32).tolist()


def test_given_weights_are_taken_flat_or_layer_by_layer():
    W, b = [[[1, 2], [3, 4], [5, 6]], [[7], [8]]], [[9, 10], [11]]
    flat = np.array([1, 2, 3, 4, 5, 6, 9, 10, 7, 8, 11])
    nets = [Network([3, 2, 1], initializer=given) for given in ((W, b), flat)]
    for net in nets:
        assert net.dtype == np.float32
        assert net.theta.tolist() == flat.tolist()
    flat[0] = 99
    assert nets[-1].theta[0] == 1


NAN = float("nan")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros(10), r"theta has shape \(10,\), but the sizes need \(11,\)"),
        (np.zeros((11, 1)), r"shape \(11, 1\)"),
        (np.full(11, NAN), "not finite"),
        (([np.zeros((3, 2))], [np.zeros(2)]), "list of W, list of b"),
        (([np.zeros((3, 2)), np.zeros((2, 1))],), "list of W, list of b"),
        (
            ([np.zeros((3, 2)), np.zeros((1, 2))], [np.zeros(2), np.zeros(1)]),
            r"W of layer 3 has shape \(1, 2\).*\(2, 1\)",
        ),
        (([np.zeros((3, 2)), np.zeros((2, 1))], [np.zeros(2), np.zeros(2)]), r"b of layer 3 has shape \(2,\)"),
        (([np.zeros((3, 2)), np.zeros((2, 1))], [np.zeros(2), np.array([NAN])]), "not finite"),
    ],
)
def test_given_weights_that_do_not_fit_are_refused_in_one_line(given, words):
    with pytest.raises(ArchitectureError, match=rf"^[^\n]*{words}[^\n]*$"):
        Network([3, 2, 1], initializer=given)


def test_an_unknown_rule_is_refused_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="no initializer 'he_normul': did you mean 'he_normal'"):
        Network([2, 1], initializer="he_normul")


@pytest.mark.parametrize("initializer", [*DRAWN, np.ones(25)], ids=[*DRAWN, "given"])
def test_masked_weights_start_at_exactly_0(initializer):
    mask = np.random.default_rng(0).integers(0, 2, (4, 4))
    net = Network([4, 4, 1], initializer=initializer, masks=[mask, None])
    assert not net.W[0][mask == 0].any()
    assert net.W[0][mask == 1].all()
    assert net.W[1].all()
