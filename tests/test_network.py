"""A network: its parts, its type, its copies, what it computes from examples, and its document."""

import copy
import json
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import network_file
from chainrule.architecture import Architecture
from chainrule.arrays import as_dtype
from chainrule.errors import ArchitectureError, ChainruleError, DataError, SettingError, UnknownNameError
from chainrule.network import Network

X = np.random.default_rng(0).normal(size=(6, 4))
T = np.random.default_rng(1).uniform(size=(6, 5))
MASKS = [np.eye(4, 3), None]


def net(**parts):
    return Network(**{"sizes": [4, 3, 5], "dtype": "float64"} | parts)


def test_the_default_is_the_network_of_the_founding_documents():
    found = Network([2, 3, 1])
    assert found.architecture.describe() == "2 inputs → 3 sigmoid → 1 sigmoid (quadratic)"
    assert (found.sizes, found.dtype, found.seed) == ((2, 3, 1), np.float32, 0)
    np.testing.assert_allclose(found.predict([[1, 2]])[0, 0], by_hand(found, [1, 2]), rtol=1e-6)


def by_hand(network, x):
    (W2, W3), (b2, b3) = network.W, network.b
    a = [1 / (1 + np.exp(-(sum(x[i] * W2[i, j] for i in range(len(x))) + b2[j]))) for j in range(len(b2))]
    return 1 / (1 + np.exp(-(sum(a[j] * W3[j, 0] for j in range(len(a))) + b3[0])))


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.dtype("float64"), float])
def test_a_network_keeps_and_computes_in_its_type(dtype):
    found = net(dtype=dtype)
    wanted = np.dtype(dtype)
    assert (found.dtype, found.theta.dtype, as_dtype(dtype)) == (wanted,) * 3
    assert {a.dtype for a in (*found.W, *found.b)} == {wanted}
    for given in (X, X.astype(np.float32), X.tolist(), np.ones((6, 4), dtype=int)):
        assert found.predict(given).dtype == wanted
        assert found.gradient(given, T).dtype == wanted
        assert type(found.cost(given, T)) is float


@pytest.mark.parametrize("dtype", ["float16", "int64", "complex128", ">f8x", "longdouble", 3, object])
def test_another_type_is_refused(dtype):
    with pytest.raises(SettingError, match=r"^dtype is .*, but networks compute in one of float32, float64$"):
        net(dtype=dtype)


def test_w_and_b_are_views_of_theta():
    found = net()
    found.theta[...] = np.arange(35)
    assert found.W[1][2].tolist() == [25, 26, 27, 28, 29]
    assert found.b[0].tolist() == [12, 13, 14]
    before = found.predict(X)
    found.b[1][...] -= 100
    assert found.theta[-1] == -66
    assert (found.predict(X) < before).all()


def test_a_copy_shares_nothing_but_what_cannot_change():
    found = net(seed=5, masks=MASKS)
    other = found.copy()
    assert other.architecture is found.architecture
    assert (other.seed, other.dtype) == (5, np.float64)
    assert other.theta.tobytes() == found.theta.tobytes()
    other.theta[...] = 0
    assert found.theta.any()
    assert not any(W.any() for W in other.W)


def test_the_seed_fixes_the_first_weights():
    theta = [net(seed=seed).theta.tolist() for seed in (0, 0, 1, 2**32, 2**63)]
    assert theta[0] == theta[1]
    assert len({tuple(t) for t in theta}) == 4
    drawn = net(seed=None)
    assert net(seed=drawn.seed).theta.tolist() == drawn.theta.tolist()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (
            {"sizes": [784, 30, 9]},
            "Network(784 inputs → 30 sigmoid → 9 sigmoid (quadratic); 23,829 parameters, float64)",
        ),
        ({"sizes": [1, 1], "dtype": "float32"}, "Network(1 input → 1 sigmoid (quadratic); 2 parameters, float32)"),
    ],
)
def test_a_network_is_shown_on_one_line(parts, text):
    assert repr(net(**parts)) == text


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (ArchitectureError, {"sizes": [4]}),
        (ArchitectureError, {"activation": ["relu", "relu"]}),
        (ArchitectureError, {"masks": [np.eye(3), None]}),
        (ArchitectureError, {"output": "identity", "cost": "cross_entropy"}),
        (UnknownNameError, {"activation": "sigmoidd"}),
        (UnknownNameError, {"initializer": "xavier"}),
        (SettingError, {"initializer": [1, 2]}),
        (SettingError, {"seed": -1}),
        (SettingError, {"dtype": "float16"}),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_one_line(error, parts):
    with pytest.raises(ChainruleError) as caught:
        net(**parts)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (DataError, lambda n: n.predict(X[0])),
        (DataError, lambda n: n.predict(X[:, :3])),
        (DataError, lambda n: n.predict([[np.nan] * 4])),
        (DataError, lambda n: n.cost(X, T[:5])),
        (DataError, lambda n: n.gradient(X, T, [1, 2])),
        (SettingError, lambda n: n.cost(X, T, alpha=-1)),
        (SettingError, lambda n: n.gradient(X, T, l1=-1)),
        (SettingError, lambda n: n.gradient(X, T, alpha=float("nan"))),
        (UnknownNameError, lambda n: n.predict(X, engine="quick")),
    ],
)
def test_what_cannot_be_computed_is_refused_in_one_line(error, call):
    with pytest.raises(error) as caught:
        call(net())
    assert "\n" not in str(caught.value)


def test_cost_is_the_weighted_mean_and_the_penalties_over_the_sum_of_weights():
    found, s = net(output="identity"), np.array([1, 0, 2, 3, 0.5, 1.5])
    each = 0.5 * ((found.predict(X) - T) ** 2).sum(axis=1)
    squares, sizes = (sum(f(W).sum() for W in found.W) for f in (np.square, np.abs))
    assert found.cost(X, T) == pytest.approx(each.mean(), rel=1e-14)
    assert found.cost(X, T, s) == pytest.approx((s * each).sum() / s.sum(), rel=1e-14)
    expected = (s * each).sum() / 8 + 0.3 / 16 * squares + 0.2 / 8 * sizes
    assert found.cost(X, T, s, alpha=0.3, l1=0.2) == pytest.approx(expected, rel=1e-14)
    assert found.architecture.penalty(found.theta, 0.3, 0.2, 8) == pytest.approx(
        0.3 / 16 * squares + 0.2 / 8 * sizes, rel=1e-14
    )


@pytest.mark.parametrize("penalty", [{}, {"alpha": 0.3, "l1": 0.1}])
def test_weight_2_is_the_row_twice_and_weight_0_the_row_left_out(penalty):
    found, s = net(), np.array([1, 2, 0, 1, 2, 1])
    twice = np.repeat(np.arange(6), s)
    assert found.cost(X, T, s, **penalty) == pytest.approx(found.cost(X[twice], T[twice], **penalty), rel=1e-12)
    a, b = found.gradient(X, T, s, **penalty), found.gradient(X[twice], T[twice], **penalty)
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * np.abs(a).max())
    kept = np.flatnonzero(s)
    assert (
        found.gradient(X, T, s, **penalty).tobytes() == found.gradient(X[kept], T[kept], s[kept], **penalty).tobytes()
    )


@pytest.mark.parametrize("weight", [None, "rows", "terms"])
@pytest.mark.parametrize("masks", [None, MASKS])
def test_norms_are_those_of_each_examples_own_gradient(weight, masks):
    network, rng = net(masks=masks, dtype="float64"), np.random.default_rng(0)
    X, T = rng.normal(size=(6, 4)), rng.uniform(size=(6, 5))
    terms = np.r_[rng.uniform(1, 9, (5, 5)), np.zeros((1, 5))]
    given = {None: None, "rows": np.arange(6.0), "terms": terms}[weight]
    g = [network.gradient(X[[k]], T[[k]]) for k in range(6)]
    if weight == "terms":  # by the gradients of the terms of C_x, each alone
        one = [[network.gradient(X[[k]], T[[k]], 5 * np.eye(5)[[j]]) / 5 for j in range(5)] for k in range(6)]
        g = [terms[k] @ np.array(one[k]) for k in range(6)]
    found = network.example_gradients(X, T, given).norms()
    np.testing.assert_allclose(found, np.linalg.norm(g, axis=1), rtol=1e-12)


def test_the_gradient_is_laid_out_like_theta_and_points_uphill():
    found = net(masks=MASKS)
    g = found.gradient(X, T, alpha=0.1)
    assert (g.shape, g.dtype) == (found.theta.shape, found.theta.dtype)
    (dW, _), _ = found.architecture.views(g)
    assert not dW[MASKS[0] == 0].any()
    before = found.cost(X, T, alpha=0.1)
    found.theta -= 0.01 * g
    assert found.cost(X, T, alpha=0.1) == pytest.approx(before - 0.01 * (g @ g), rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("masks", [None, MASKS])
def test_a_document_gives_the_same_network_again(dtype, masks):
    found = net(activation={"name": "elu", "alpha": 0.5}, output=[("softmax", 3), ("identity", 2)],
                cost=["cross_entropy", "quadratic"], masks=masks, dtype=dtype, seed=3)  # fmt: skip
    document, tensors = network_file.document(found)
    assert list(tensors)[:4] == ["layers.2.W", "layers.2.b", "layers.3.W", "layers.3.b"]
    assert np.concatenate([t.ravel() for t in list(tensors.values())[:4]]).tobytes() == found.theta.tobytes()
    assert list(tensors)[4:] == ([] if masks is None else ["layers.2.mask"])
    again = network_file.from_document(json.loads(json.dumps(document)), tensors)
    assert repr(again) == repr(found)
    assert (again.dtype, again.theta.tobytes()) == (found.dtype, found.theta.tobytes())
    assert again.predict(X).tobytes() == found.predict(X).tobytes()
    assert (again.architecture.masks[0] is None) == (masks is None)
    again.theta[...] = 0
    assert found.theta.any()


def stored(**changes):
    document, tensors = network_file.document(net())
    return document, {k: v for k, v in (tensors | changes).items() if v is not None}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (stored(**{"layers.3.b": None}), "the tensors layers.3.b are missing"),
        (stored(**{"layers.2.W": np.zeros((3, 4))}), r"layers.2.W has shape \(3, 4\), but the sizes need \(4, 3\)"),
        (stored(**{"layers.2.W": np.full((4, 3), np.inf)}), "not finite"),
        (stored(**{"layers.2.mask": np.ones((3, 4))}), "mask of layer 2"),
        (({}, stored()[1]), "architecture"),
        (({"architecture": 3}, stored()[1]), "architecture"),
    ],
)
def test_a_document_whose_parts_do_not_fit_is_refused_in_one_line(document, words):
    with pytest.raises(ArchitectureError, match=rf"^[^\n]*{words}[^\n]*$"):
        network_file.from_document(*document)


def test_a_network_stays_thin():
    methods = [name for name, value in vars(Network).items() if callable(value) or hasattr(value, "__get__")]
    assert len([name for name in methods if name not in ("__dict__", "__weakref__")]) <= 20


def test_masks_hold_for_weights_that_are_given():
    theta = np.ones(35)
    for found in (
        net(initializer=theta, masks=MASKS),
        Network.from_parts(Architecture.of([4, 3, 5], masks=MASKS), theta),
    ):
        assert found.W[0].tolist() == MASKS[0].tolist()
    assert theta.all()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net)), Network.copy])
def test_a_copy_is_trained_and_saved_as_itself(duplicate, tmp_path):
    original = Network([2, 3, 1], masks=[np.eye(2, 3), None], seed=5)
    network, before = duplicate(original), original.theta.copy()
    cr.fit(network, [[0.0, 1.0], [1.0, 0.0]], [[0.0], [1.0]], epochs=3)
    assert (original.theta == before).all()
    assert (network.theta != before).any()
    cr.save(network, tmp_path / "n.safetensors")
    assert cr.load(tmp_path / "n.safetensors").theta.tobytes() == network.theta.tobytes()
    assert np.shares_memory(network.W[0], network.theta)
    assert not network.W[0][~network.architecture.masks[0]].any()


def test_setting_theta_copies_into_it_and_keeps_masked_weights_at_0():
    network = Network([2, 2], masks=[np.eye(2)])
    W, given = network.W[0], np.arange(1.0, 7.0)
    network.theta = given
    assert W.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    given[0] = 9
    assert network.theta[0] == 1
    with pytest.raises(ArchitectureError, match="shape"):
        network.theta = given[:3]
    with pytest.raises(ArchitectureError, match="finite in float32"):
        network.theta = given * 1e300
