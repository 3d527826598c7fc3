"""What every engine keeps: written for the reference engine, run for each that is available."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.engines import ENGINES, RunState, available, reference
from chainrule.errors import EngineError
from chainrule.examples import as_examples
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, Clip
from chainrule.random import dropout_factors
from chainrule.settings import TrainingSettings

from .conformance import (
    FACTORS,
    INTEGERS,
    WIDTHS,
    N,
    Relay,
    bits,
    check_gradient,
    covering,
    error_bound,
    play,
    problem,
    product,
    words,
)

engines = pytest.mark.parametrize("engine", available())
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def cases(**held):
    """A test for each case of a covering set, some factors held still."""
    chosen = covering(FACTORS | {name: [value] for name, value in held.items()})
    return pytest.mark.parametrize("case", chosen, ids=words)


def test_a_covering_set_has_every_pair_of_values():
    found = covering(FACTORS)
    for f, g in itertools.combinations(FACTORS, 2):
        missing = [(i, j) for i in FACTORS[f] for j in FACTORS[g] if not any(c[f] == i and c[g] == j for c in found)]
        assert missing == []
    assert len(found) < 80


# --- the right numbers ---------------------------------------------------------------------------------------------


@engines
@dtypes
@pytest.mark.parametrize("integers", INTEGERS, ids=str)
def test_small_integers_give_exactly_the_numbers_of_plain_numpy(engine, integers, dtype):
    W, b, X, T = integers.draw()
    A, twice_m_cost, m_gradient = integers.by_hand()
    cost, gradient = twice_m_cost / 2 / integers.m, m_gradient / integers.m
    net = Network(integers.sizes, "relu", "identity", initializer=(W, b), dtype=dtype)
    np.testing.assert_array_equal(net.predict(X, engine=engine), A)
    assert net.cost(X, T, engine=engine) == cost
    np.testing.assert_array_equal(net.gradient(X, T, engine=engine), gradient)
    data, theta = as_examples(net.architecture, X, T, None, net.dtype), net.theta.copy()
    run = ENGINES[engine]().start(
        net.architecture, theta, TrainingSettings(optimizer=SGD(), batch_size=integers.m), data.total
    )
    assert run.steps(*data[:3], data.rows, np.array([0.5]), 0, 0).tolist() == [cost]
    np.testing.assert_array_equal(theta, net.theta - 0.5 * gradient)


@engines
@cases()
def test_predict_cost_and_gradient_are_within_the_error_bound_of_float64(engine, case):
    p = problem(**case)
    exact, small = p.in_float64(), 100 * float(np.finfo(p.theta.dtype).eps)
    check_gradient(p.gradient(engine), exact.gradient("reference"), error_bound(p))
    assert p.cost(engine) == pytest.approx(exact.cost("reference"), rel=small, abs=small)
    np.testing.assert_allclose(p.predict(engine), exact.predict("reference"), rtol=small, atol=small)
    assert p.gradient(engine).dtype == p.predict(engine).dtype == p.theta.dtype


WRONG = {
    "zeros": lambda p, g: 0 * g,
    "twice": lambda p, g: 2 * g,
    "sum instead of mean": lambda p, g: N * g,
    "transposed": lambda p, g: np.concatenate([g[:24].reshape(4, 6).T.ravel(), g[24:]]),
    "no bias in layer 2": lambda p, g: np.concatenate([g[:24], np.zeros(6), g[30:]]),
    "last bias missing": lambda p, g: np.concatenate([g[:-1], [0]]),
    "weights ignored": lambda p, g: p._replace(data=p.data._replace(weight=None)).gradient("reference"),
    "targets off by one row": lambda p, g: p._replace(data=p.data._replace(T=np.roll(p.data.T, 1, axis=0))).gradient(
        "reference"
    ),
    "last row missing": lambda p, g: p.only(np.arange(N - 1)).gradient("reference"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_error_bound_rejects_a_gradient_that_is_wrong(wrong):
    p = problem(weight="rows")
    g, exact = p.gradient("reference"), p.in_float64().gradient("reference")
    check_gradient(g, exact, error_bound(p))
    with pytest.raises(AssertionError, match="outside the bound"):
        check_gradient(WRONG[wrong](p, g), exact, error_bound(p))


@engines
@pytest.mark.parametrize("weight", [None, "rows", "terms"])
def test_many_rows_are_the_mean_of_their_parts(engine, weight):
    p = problem(dtype="float64", weight=weight)
    many = p.only(p.rng.integers(0, N, 2500))
    parts = [many.only(part) for part in np.array_split(np.arange(2500), 100)]
    assert many.cost(engine) == pytest.approx(np.mean([part.cost(engine) for part in parts]), rel=1e-13)
    mean = np.mean([part.gradient(engine) for part in parts], axis=0)
    np.testing.assert_allclose(many.gradient(engine), mean, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(many.predict(engine), np.concatenate([part.predict(engine) for part in parts]))


@engines
@pytest.mark.parametrize("output", ["identity", "softmax", "blocks"])
def test_weights_multiply_the_costs_and_gradients_of_their_rows(engine, output):
    p = problem(dtype="float64", output=output, weight="rows")
    single = [p._replace(data=p.data._replace(weight=None)).only([row]) for row in range(N)]
    s = p.data.weight
    by_term = p._replace(data=p.data._replace(weight=np.repeat(s[:, None], 5, axis=1)))
    gradients = np.array([q.gradient(engine) for q in single])
    for q in (p, by_term):
        assert q.cost(engine) == pytest.approx(np.mean(s * [x.cost(engine) for x in single]), rel=1e-13)
        np.testing.assert_allclose(q.gradient(engine), s @ gradients / N, rtol=0, atol=1e-14)


@engines
@cases(dropout=0.0, batch_size=N)
def test_norms_are_the_lengths_of_the_gradients_of_single_rows(engine, case):
    p = problem(**case)
    found, lengths = p.norms(engine), np.linalg.norm(p.by_row(engine)[0].astype(np.float64), axis=1)
    assert (found.dtype, found.shape) == (np.float64, (N,))
    np.testing.assert_allclose(found, lengths, rtol=1e-5 if p.theta.dtype == np.float32 else 1e-13)


@engines
@pytest.mark.parametrize("masks", [False, True])
def test_no_example_pulls_further_than_its_bound(engine, masks):
    p = problem(dtype="float64", masks=masks, optimizer=SGD(1.0), clip=Clip(example=1e-3), batch_size=1)
    rows, _ = p.by_row(engine)
    for k in range(N):
        run, theta = p.start(engine)
        run.steps(*p.data[:3], np.array([k]), np.array([1.0]), 0, 0)
        np.testing.assert_allclose(p.theta - theta, 1e-3 * rows[k] / np.linalg.norm(rows[k]), rtol=1e-9, atol=1e-12)


@engines
@cases(dropout=0.0)
def test_steps_are_the_loop_of_gradient_clip_and_update_written_by_hand(engine, case):
    p = problem(**case)
    run, theta = p.start(engine)
    costs = play(run, p, epochs=[0])
    s, by_hand, order, expected = p.settings, p.theta, p.order(0), []
    slots = (np.zeros_like(theta),) * s.optimizer.slots
    for k, rate in enumerate(p.rates().tolist()):
        at = s.optimizer.gradient_at(by_hand, slots)
        batch = p.only(order[k * s.batch_size : (k + 1) * s.batch_size])._replace(theta=at)
        g = batch.clipped_gradient(engine)
        expected.append(batch.cost(engine))
        by_hand, slots = p.moved(by_hand, g, slots, rate, k + 1)
    close = {"rtol": 1e-4, "atol": 1e-5} if theta.dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-12}
    np.testing.assert_allclose(costs, expected, **close)
    np.testing.assert_allclose(theta, by_hand, **close)
    np.testing.assert_allclose(run.state.slots, np.array(slots).reshape(run.state.slots.shape), **close)
    assert run.state.step == p.batches


@engines
@cases(dtype="float32", targets="classes")
def test_training_in_float32_stays_near_training_in_float64(engine, case):
    p = problem(**case)
    (run, theta), (exact_run, exact) = p.start(engine), p.in_float64().start("reference")
    np.testing.assert_allclose(play(run, p), play(exact_run, p.in_float64()), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(theta, exact, rtol=1e-2, atol=2e-3)


# --- the same bits -------------------------------------------------------------------------------------------------


def uncut(engine, p):
    run, theta = p.start(engine)
    return bits(play(run, p), theta, run.state)


def check_cuts(engine, case):
    """Any cut, and a run continued from its saved state in a new Run at every cut, against the uncut run."""
    p = problem(**case)
    whole = uncut(engine, p)
    for cuts in (range, lambda b: p.rng.integers(0, b, 2), lambda b: p.rng.integers(0, b, 4)):
        run, theta = p.start(engine)
        assert bits(play(run, p, cuts), theta, run.state) == whole
    relay = Relay(engine, p)
    assert bits(play(relay, p, range), relay.theta, relay.state) == whole


@engines
@cases()
def test_cutting_epochs_or_continuing_a_saved_state_in_a_new_run_changes_no_bit(engine, case):
    check_cuts(engine, case)


@pytest.mark.full
@engines
def test_cutting_epochs_changes_no_bit_in_the_full_product(engine):
    few = {"hidden": [(6,)], "activation": ["tanh"], "penalty": [(0.0, 0.0), (0.5, 0.1)], "batch_size": [7]}
    for case in product(FACTORS | few):
        check_cuts(engine, case)


@cases(batch_size=1)
@pytest.mark.parametrize(("seconds", "updates"), [(9.0, 1), (0.2, 3)])
def test_a_call_that_has_taken_half_a_second_returns_early_and_changes_no_bit(case, seconds, updates, monkeypatch):
    p = problem(**case)
    whole = uncut("reference", p)
    clock = SimpleNamespace(monotonic=itertools.count(0, seconds).__next__)  # so long after each update
    monkeypatch.setattr(reference, "time", clock)
    run, theta = p.start("reference")
    assert len(run.steps(*p.data[:3], p.order(0), p.rates(), 0, 0)) == updates
    run, theta = p.start("reference")
    assert bits(play(run, p), theta, run.state) == whole


def on_disk(array, path):
    stored = np.memmap(path, array.dtype, "w+", shape=array.shape)
    stored[...] = array
    return stored


LAYOUTS = {
    "fortran": lambda a, path: np.asfortranarray(a),
    "every second row": lambda a, path: np.repeat(a, 2, axis=0)[::2],
    "every third column": lambda a, path: np.repeat(a, 3, axis=-1)[..., ::3],
    "backwards": lambda a, path: a[::-1].copy()[::-1],
    "read only": lambda a, path: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "memory map": on_disk,
}


@engines
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("output", ["softmax", "blocks"])
@pytest.mark.parametrize("hidden", [(6,), (1, 9)])
@dtypes
def test_the_layout_of_the_arrays_changes_no_bit(engine, layout, output, hidden, dtype, tmp_path):
    p = problem(output=output, hidden=hidden, weight="terms", dtype=dtype, optimizer=Adam(0.01))
    X, T, s = p.data[:3]
    moved = [LAYOUTS[layout](a, tmp_path / name) for a, name in ((X, "X"), (T, "T"), (s, "s"))]
    q = p._replace(data=p.data._replace(X=moved[0], T=moved[1], weight=moved[2]))
    assert uncut(engine, q) == uncut(engine, p)
    assert bits(q.predict(engine), q.gradient(engine), q.cost(engine)) == bits(
        p.predict(engine), p.gradient(engine), p.cost(engine)
    )


@engines
def test_inputs_in_float64_are_rounded_to_the_type_of_a_float32_network(engine):
    p = problem(dtype="float32")
    X = p.data.X + p.rng.uniform(-1e-9, 1e-9, p.data.X.shape)
    assert X.dtype == np.float64
    wide, narrow = (p._replace(data=p.data._replace(X=x)) for x in (X, X.astype(np.float32)))
    assert uncut(engine, wide) == uncut(engine, narrow)
    assert bits(wide.predict(engine), wide.gradient(engine)) == bits(narrow.predict(engine), narrow.gradient(engine))


@engines
@cases(targets="classes")
def test_class_numbers_are_their_one_hot_targets_to_the_last_bit(engine, case):
    p = problem(**case)
    q = p._replace(data=p.data._replace(T=p.architecture.one_hot(p.data.T, p.theta.dtype)))
    assert (p.data.T.dtype, q.data.T.dtype) == (np.int32, p.theta.dtype)
    assert uncut(engine, p) == uncut(engine, q)
    assert bits(p.gradient(engine), p.cost(engine)) == bits(q.gradient(engine), q.cost(engine))


@engines
@cases(weight="rows")
def test_rows_of_weight_0_are_as_if_they_were_not_there(engine, case):
    p = problem(**case)
    present = p._replace(data=p.data.present())
    assert len(present.data.X) < N
    assert uncut(engine, p) == uncut(engine, present)


@engines
@cases()
def test_weights_of_1_are_no_weights_to_the_last_bit(engine, case):
    p = problem(**case | {"weight": None})
    shape = N if case["weight"] == "rows" else (N, 5)
    q = p._replace(data=p.data._replace(weight=np.ones(shape, dtype=p.theta.dtype)))
    assert uncut(engine, p) == uncut(engine, q)


@engines
@dtypes
@pytest.mark.parametrize("sizes", WIDTHS, ids=str)
@pytest.mark.parametrize("output", ["identity", "softmax", "tanh"])
def test_a_row_alone_is_the_row_in_any_batch(engine, sizes, output, dtype):
    cost = "cross_entropy" if output == "softmax" else "quadratic"
    net = Network(sizes, "tanh", output, cost, dtype=dtype)
    X = np.random.default_rng(0).normal(size=(129, sizes[0])).astype(dtype)
    alone = np.concatenate([net.predict(row[None, :], engine=engine) for row in X])
    wrong = [n for n in (*range(1, 71), 129) if bits(net.predict(X[:n], engine=engine)) != bits(alone[:n])]
    assert wrong == []
    assert bits(net.predict(X[50:], engine=engine)) == bits(alone[50:])
    assert bits(net.predict(np.asfortranarray(X), engine=engine)) == bits(alone)


# --- masks and dropout ---------------------------------------------------------------------------------------------


@engines
@cases(masks=True)
def test_masked_weights_stay_exactly_0(engine, case):
    p = problem(**case)
    run, theta = p.start(engine)
    play(run, p, epochs=range(4))
    for W, mask in zip(p.architecture.views(theta)[0], p.architecture.masks, strict=True):
        assert not W[~mask].any()
        assert W[mask].any()
    assert (theta != p.theta).any()


@engines
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("output", ["identity", "blocks"])
def test_the_gradient_under_dropout_is_that_of_the_cost_with_the_same_factors(engine, activation, output):
    p = problem(dtype="float64", hidden=(6, 5), activation=activation, output=output, dropout=0.4, optimizer=SGD(1.0))
    rows = np.arange(7)

    def step(theta, rate):
        moved = theta.copy()
        run = ENGINES[engine]().start(p.architecture, moved, p.settings, p.divisor)
        return run.steps(*p.data[:3], rows, np.array([rate]), 3, 2)[0], theta - moved

    _, g = step(p.theta, 1.0)
    h = 1e-6 * np.eye(len(g))
    differences = [(step(p.theta + e, 0.0)[0] - step(p.theta - e, 0.0)[0]) / 2e-6 for e in h]
    np.testing.assert_allclose(g, differences, atol=1e-6 * np.abs(g).max())
    undropped = p.only(rows).gradient(engine)
    assert np.abs(g - undropped).max() > 0.1 * np.abs(g).max()


@engines
def test_dropout_draws_the_factors_that_the_design_fixes(engine):
    # Identity throughout, w = 1 into and 0 out of 6 hidden neurons: dC/dW of layer 3 is the row of factors itself.
    net = Network([1, 6, 1], "identity", "identity", initializer=([np.ones((1, 6)), np.zeros((6, 1))], [[0] * 6, [0]]))
    X, T = np.ones((3, 1), np.float32), -np.ones((3, 1), np.float32)

    def factors(seed, epoch, batch, p=0.5):
        theta = net.theta.copy()
        settings = TrainingSettings(optimizer=SGD(), batch_size=3, dropout=[p], seed=seed)
        ENGINES[engine]().start(net.architecture, theta, settings, 3.0).steps(
            X, T, None, np.arange(1), np.array([-1.0]), epoch, batch
        )
        return theta[12:18]

    np.testing.assert_array_equal(factors(0, 0, 0), [0, 2, 0, 2, 0, 2])
    for arguments in [(0, 0, 1), (0, 1, 0), (7, 2, 5), (2**63 + 5, 1, 1), (1, 3, 70_000, 0.1)]:
        seed, epoch, batch, p = (*arguments, 0.5)[:4]
        expected = dropout_factors(p, seed, 2, epoch, batch, (1, 6))[0].astype(np.float32)
        np.testing.assert_array_equal(factors(*arguments), expected)


# --- the seam ------------------------------------------------------------------------------------------------------

BAD_ORDERS = {
    "a row too far": ([0, N], 1),
    "a negative row": ([0, -1], 1),
    "a negative row in a later batch": ([*range(7), -N], 2),
    "no rows": ([], 1),
    "rows without rates": ([0], 0),
    "too many rows for the rates": (list(range(8)), 1),
    "too few rows for the rates": (list(range(7)), 2),
}


@engines
@pytest.mark.parametrize("name", BAD_ORDERS)
def test_an_order_that_leaves_the_arrays_or_does_not_fit_the_rates_is_refused_and_nothing_moves(engine, name):
    order, rates = BAD_ORDERS[name]
    p = problem()
    run, theta = p.start(engine)
    before = bits(theta, run.state)
    with pytest.raises(EngineError) as caught:
        run.steps(*p.data[:3], np.array(order, dtype=np.int64), np.full(rates, 0.1), 0, 0)
    assert "\n" not in str(caught.value)
    assert bits(theta, run.state) == before


@engines
def test_no_rates_for_no_rows_are_no_updates(engine):
    p = problem()
    run, theta = p.start(engine)
    assert run.steps(*p.data[:3], np.arange(0), np.ones(0), 0, 0).shape == (0,)
    assert bits(theta, run.state.step) == bits(p.theta, 0)


@engines
def test_a_state_is_a_copy_and_one_of_another_shape_is_refused(engine):
    p = problem(optimizer=Adam())
    run, theta = p.start(engine)
    play(run, p)
    saved, before = run.state, bits(theta, run.state)
    saved.theta[...] = 7
    saved.slots[...] = 7
    assert bits(theta, run.state) == before
    assert (saved.slots.shape, saved.step) == ((2, theta.size), 2 * p.batches)
    for wrong in (RunState(theta[:-1], saved.slots, 1), RunState(theta, saved.slots[:1], 1)):
        with pytest.raises(EngineError, match="shape"):
            run.state = wrong
    assert bits(theta, run.state) == before


@engines
def test_gradient_cost_and_predict_change_nothing(engine):
    p = problem(weight="terms", masks=True, penalty=(0.5, 0.1))
    before = bits(p.theta, *p.data[:4])
    p.gradient(engine), p.cost(engine), p.predict(engine)
    run, _ = p.start(engine)
    play(run, p)
    assert bits(p.theta, *p.data[:4]) == before
