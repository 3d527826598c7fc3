"""Every number of BP1-BP4 on every engine: the bits of `gradient` and `predict`, and the numbers of the equations."""

import dataclasses

import numpy as np
import pytest

import chainrule as cr
from chainrule.backprop import sweep
from chainrule.engines import ENGINES, available
from chainrule.errors import SettingError
from chainrule.examples import as_examples
from chainrule.network import Network
from chainrule.random import dropout_factors
from chainrule.settings import TrainingSettings

from .conformance import FACTORS, OUTPUTS, covering, problem, product, words

OF_LEDGERS = {name: FACTORS[name] for name in ("dtype", "hidden", "activation", "output", "targets", "weight", "masks")}
OF_LEDGERS = OF_LEDGERS | {"activation": [*FACTORS["activation"], "gelu", "elu"]}
engines = pytest.mark.parametrize("engine", available())


def network_of(p):
    return Network.from_parts(p.architecture, p.theta), p.data.X, p.data.T, p.data.weight


def differences(engine, case):
    """The names of what has not the bits that it must have."""
    net, X, T, weight = network_of(problem(**case))
    ledger = net.backprop(X, T, weight, engine=engine)
    gradient, whole = net.gradient(X, T, weight, engine=engine), net.predict(X, engine=engine)
    dW, db = net.architecture.views(gradient)
    pairs = {
        "gradient": (ledger.gradient, gradient),
        "A": (ledger.A[-1], whole[ledger.rows]),
        "X": (ledger.A[0], X[ledger.rows]),
        **{f"dW{k}": pair for k, pair in enumerate(zip(ledger.dW, dW, strict=True))},
        **{f"db{k}": pair for k, pair in enumerate(zip(ledger.db, db, strict=True))},
        **{f"A{k}": pair for k, pair in enumerate(zip(ledger.A[1:], ledger.sigma, strict=True))},
    }
    if len(net.sizes) > 2:
        hidden = net.hidden_activations(X[ledger.rows], engine=engine)
        pairs |= {f"hidden{k}": pair for k, pair in enumerate(zip(ledger.A[1:-1], hidden, strict=True))}
    return [name for name, (a, b) in pairs.items() if a.dtype != b.dtype or a.shape != b.shape or not (a == b).all()]


@engines
def test_a_ledger_has_the_bits_of_gradient_and_predict(engine):
    wrong = {words(case): found for case in covering(OF_LEDGERS) if (found := differences(engine, case))}
    assert wrong == {}


@pytest.mark.full
@engines
def test_a_ledger_has_the_bits_of_gradient_and_predict_in_every_case(engine):
    wrong = {words(case): found for case in product(OF_LEDGERS) if (found := differences(engine, case))}
    assert wrong == {}


@engines
@pytest.mark.parametrize("output", list(OUTPUTS))
@pytest.mark.parametrize("rows", [1, 1023, 1025, 2500])
def test_so_it_is_with_any_number_of_rows(engine, output, rows):
    """Gradients are summed over blocks of 1,024 rows; a ledger has all rows at once."""
    p = problem(output=output, hidden=(3, 4), activation="relu")
    places = np.arange(rows) % len(p.data.X)
    net, X, T, _ = network_of(p)
    X, T = X[places], T[places]
    ledger = net.backprop(X, T, engine=engine)
    assert (ledger.gradient == net.gradient(X, T, engine=engine)).all()
    assert (ledger.A[-1] == net.predict(X, engine=engine)).all()
    if engine == "native":  # a row alone = the row in any batch
        assert (ledger.delta[0][: len(X) // 20 * 20].reshape(-1, 20, 3) == ledger.delta[0][:20]).all()


@engines
def test_every_number_is_that_of_the_sweep_up_to_rounding(engine):
    for case in covering(OF_LEDGERS | {"dtype": ["float64"]}):
        p = problem(**case).in_float64()
        X, T, weight = p.data[:3]
        found = ENGINES[engine]().backprop(p.architecture, p.theta, X, T, weight)
        expected = sweep(p.architecture, p.theta, X, T, weight)
        for name in ("Z", "A", "sigma", "delta", "dW", "db"):
            for a, b in zip(getattr(found, name), getattr(expected, name), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13, err_msg=f"{name} {words(case)}")
        np.testing.assert_allclose(found.cost, expected.cost, rtol=1e-12, err_msg=words(case))


@engines
def test_the_cost_of_the_ledger_is_the_cost_of_the_network(engine):
    for weight in (None, "rows", "terms"):
        net, X, T, s = network_of(problem(dtype="float64", weight=weight, output="blocks"))
        ledger = net.backprop(X, T, s, engine=engine)
        mean = ledger.cost if ledger.row_weight is None else ledger.cost * ledger.row_weight
        assert mean.dtype == np.float64
        np.testing.assert_allclose(mean.mean(), net.cost(X, T, s, engine=engine), rtol=1e-14)


@engines
def test_weights_of_rows_are_in_the_gradient_alone_and_rows_of_weight_0_are_left_out(engine):
    net, X, T, _ = network_of(problem(dtype="float32"))
    s = np.arange(len(X)) % 3.0
    ledger, plain = net.backprop(X, T, s, engine=engine), net.backprop(X, T, engine=engine)
    assert ledger.rows.tolist() == np.flatnonzero(s).tolist()
    for name in ("Z", "delta"):
        for a, b in zip(getattr(ledger, name), getattr(plain, name), strict=True):
            assert (a == b[ledger.rows]).all()
    assert (ledger.cost == plain.cost[ledger.rows]).all()
    broken = X.copy()
    broken[0] = np.nan
    assert (net.backprop(broken, T, s, engine=engine).gradient == ledger.gradient).all()


@engines
def test_a_ledger_keeps_what_it_has_when_the_network_learns_on(engine):
    net, X, T, _ = network_of(problem())
    ledger = net.backprop(X, T, engine=engine)
    before = ledger.theta.copy(), str(ledger.layer(2))
    net.theta += 1
    assert (ledger.theta == before[0]).all()
    assert str(ledger.layer(2)) == before[1]


@engines
def test_an_example_alone_is_its_row_of_the_ledger(engine):
    net, X, T, s = network_of(problem(output="blocks", weight="terms", dtype="float64"))
    ledger = net.backprop(X, T, s, engine=engine)
    x = int(ledger.rows[3])
    one = ledger.example(x)
    assert one.rows.tolist() == [x]
    assert one.cost.tolist() == [ledger.cost[3]]
    for name in ("Z", "A", "sigma", "delta"):
        assert all((a[0] == b[3]).all() for a, b in zip(getattr(one, name), getattr(ledger, name), strict=True))
    np.testing.assert_array_equal(one.dW[1], np.outer(one.A[1][0], one.delta[1][0]))
    with pytest.raises(cr.ChainruleError, match=r"example is 20, but must be a row from 0 to 18 whose weight is not 0"):
        ledger.example(20)


@pytest.mark.skipif("native" not in available(), reason="the core is not built")
def test_z_that_the_core_does_not_save_is_that_of_the_same_product():
    """relu and sigmoid overwrite Z with A; gelu saves it: the sums are the same to the last bit."""
    X = np.random.default_rng(0).normal(size=(70, 5))
    for dtype in ("float32", "float64"):
        nets = [cr.Network([5, 33, 4], sigma, seed=3, dtype=dtype) for sigma in ("relu", "sigmoid", "gelu")]
        Z = [net.backprop(X, np.zeros((70, 4)), engine="native").Z[0] for net in nets]
        assert (Z[0] == Z[2]).all()
        assert (Z[1] == Z[2]).all()
        assert (Z[0] < 0).any()


def test_the_check_would_see_another_bit():
    net, X, T, _ = network_of(problem())
    ledger = net.backprop(X, T)
    moved = dataclasses.replace(ledger, computed=ledger.computed._replace(gradient=np.nextafter(ledger.gradient, 9)))
    assert not (moved.gradient == net.gradient(X, T)).any()


def test_more_than_1_gib_is_refused_before_anything_is_computed():
    net = cr.Network([1, 100_000, 1])
    X = np.broadcast_to(np.float32(1), (2000, 1))
    with pytest.raises(cr.ChainruleError) as caught:
        net.backprop(X, np.zeros((2000, 1), np.float32))
    assert str(caught.value) == (
        "the ledger of 2,000 rows (Z, A and delta) takes 2.24 GiB, more than 1: take fewer rows, 894 at most"
    )


# --- dropout -------------------------------------------------------------------------------------------------------

DROPOUT = {"seed": 11, "epoch": 3, "batch": 2}
OF_DROPPED = OF_LEDGERS | {"hidden": [(3,), (5, 4), (17, 33)]}


def gradient_of_training(net, X, T, weight, dropout, engine):
    """The gradient of one update of a run: what plain gradient descent by rate 1 with momentum leaves in its slot."""
    settings = TrainingSettings(
        optimizer=cr.SGD(1.0, momentum=0.9), batch_size=len(X), dropout=dropout, seed=DROPOUT["seed"]
    ).settled(len(X), net.sizes)
    run = ENGINES[engine]().start(net.architecture, net.theta.copy(), settings, 1.0)
    run.steps(X, T, weight, np.arange(len(X)), np.ones(1), DROPOUT["epoch"], DROPOUT["batch"])
    return -run.state.slots[0]


@engines
def test_with_dropout_it_is_the_batch_of_a_training(engine):
    for case in covering(OF_DROPPED | {"weight": [None, "terms"]}):
        net, X, T, weight = network_of(problem(**case))
        data = as_examples(net.architecture, X, T, weight, net.dtype).present()
        dropout = [0.4, *[0.0, 0.7][: len(net.sizes) - 3]]
        ledger = net.backprop(X, T, weight, dropout=dropout, engine=engine, **DROPOUT)
        g = gradient_of_training(net, data.X, data.T, data.weight, dropout, engine)
        assert ledger.gradient.dtype == net.dtype
        assert (ledger.gradient == g).all(), words(case)


@engines
def test_with_dropout_every_number_is_that_of_the_sweep(engine):
    for case in covering(OF_DROPPED | {"dtype": ["float64"], "weight": [None, "terms"]}):
        p = problem(**case).in_float64()
        net, X, T, weight = network_of(p)
        ledger = net.backprop(X, T, weight, dropout=0.4, engine=engine, **DROPOUT)
        rows, s = ledger.rows, ledger.term_weight
        expected = sweep(p.architecture, p.theta, X[rows], T[rows], s, ledger.keep)
        for k, n in enumerate(net.sizes[1:-1]):
            drawn = dropout_factors(0.4, 11, k + 2, 3, 2, (len(rows), n))
            assert (ledger.keep[k] == drawn).all()
            assert (ledger.A[k + 1] == ledger.sigma[k] * drawn).all(), words(case)
        assert ledger.keep[-1] is None
        for name in ("Z", "A", "sigma", "delta", "dW", "db"):
            for a, b in zip(getattr(ledger, name), getattr(expected, name), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13, err_msg=f"{name} {words(case)}")
        np.testing.assert_allclose(ledger.cost, expected.cost, rtol=1e-12, err_msg=words(case))


@engines
def test_the_second_batch_of_an_epoch_is_the_one_that_training_used(engine):
    """Two updates by `fit`, then one more: theta moves by the gradient of the ledger of the third batch."""
    net = cr.Network([3, 5, 4, 2], "tanh", "identity", seed=1, dtype="float64")
    X, T = np.random.default_rng(5).normal(size=(20, 3)), np.ones((20, 2))
    after = net.copy()
    rule = {"optimizer": cr.SGD(1.0), "batch_size": 8, "shuffle": False, "dropout": 0.5, "seed": 4, "engine": engine}
    training = cr.train(after, X, T, epochs=1, **rule)
    thetas = [net.theta.copy()]
    for event in training.each_update():
        if type(event).__name__ == "Updated":
            thetas.append(after.theta.copy())
    net.theta = thetas[1]
    ledger = net.backprop(X[8:16], T[8:16], dropout=0.5, seed=4, epoch=0, batch=1, engine=engine)
    assert (thetas[1] - ledger.gradient == thetas[2]).all()


@engines
def test_a_large_batch_comes_in_chunks(engine):
    net = cr.Network([3, 5, 2], "tanh", "identity", seed=1)
    X, T = np.random.default_rng(0).normal(size=(9000, 5)).astype("float32")[:, :3], np.ones((9000, 2), "float32")
    whole = net.backprop(X, T, dropout=0.3, engine=engine)
    part = net.backprop(X[:9], T[:9], dropout=0.3, engine=engine)
    if engine == "native":
        assert (whole.delta[0][:9] == part.delta[0]).all()
    assert (whole.keep[0][:9] == part.keep[0]).all()
    again = net.backprop(X, T, dropout=0.3, engine=engine)
    assert (whole.gradient == again.gradient).all()
    mean = whole.A[1].astype("float64").T @ whole.delta[1].astype("float64") / 9000
    np.testing.assert_allclose(whole.dW[1], mean, rtol=1e-4, atol=1e-6)


def test_without_dropout_its_numbers_do_not_count():
    net, X, T, _ = network_of(problem())
    plain, other = net.backprop(X, T), net.backprop(X, T, dropout=[0.0], seed=9, epoch=7, batch=1)
    assert (plain.keep, other.keep) == (None, None)
    assert plain.gradient.tobytes() == other.gradient.tobytes()


def test_equations_show_the_factors():
    net = cr.Network([2, 3, 1], seed=1, dtype="float64")
    ledger = net.backprop([[1.0, 2.0]], [[0.0]], dropout=0.5, seed=0)
    kept = [float(factor) for factor in ledger.keep[0][0]]
    assert kept == [0.0, 2.0, 0.0]
    for j in (1, 2, 3):
        activation = next(equation for equation in ledger.neuron(2, j) if equation.name == "activation")
        assert activation.value == ledger.A[1][0, j - 1]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"dropout": 1.0}, "dropout is 1.0, but must be a number from 0 to .*"),
        ({"dropout": [0.1, 0.2]}, "2 dropout probabilities came for 1 hidden layers: give one for each"),
        ({"dropout": "half"}, "dropout is 'half', but must be .*"),
        ({"dropout": 0.5, "seed": None}, "seed is None, but must be that of the training"),
        ({"dropout": 0.5, "seed": -1}, "seed is -1.*"),
        ({"dropout": 0.5, "epoch": -1}, r"epoch is -1, but must be a whole number from 0 to 2\^32 - 1"),
        ({"dropout": 0.5, "epoch": 2**32}, r"epoch is 4294967296, but must be a whole number from 0 to 2\^32 - 1"),
        ({"batch": 1.5}, r"batch is 1.5, but must be a whole number from 0 to 2\^32 - 1"),
    ],
    ids=str,
)
def test_what_no_training_has_is_refused(more, line):
    with pytest.raises(SettingError, match=f"^{line}$"):
        cr.Network([2, 3, 1]).backprop([[1.0, 2.0]], [[0.0]], **more)
