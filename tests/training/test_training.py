"""Training: its events, its bits, what it optimises, and how it ends."""

import dataclasses
import gzip
import itertools
import math
import signal

import numpy as np
import pytest

from chainrule.engines import choose
from chainrule.errors import ChainruleError, DataError, SettingError, UnknownNameError
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, Clip
from chainrule.random import Purpose, permutation
from chainrule.training import EpochEnd, Finished, Progress, Started, Stopped, fit, train

RNG = np.random.default_rng(0)
N = 23  # batches of 5 leave a short last one of 3
X = RNG.normal(size=(N, 4))
T = RNG.uniform(size=(N, 2))
S = RNG.uniform(0.5, 2, N)
HELD = (RNG.normal(size=(9, 4)), RNG.uniform(size=(9, 2)))

PENALTIES = {"alpha": 0.1, "l1": 0.01}
EVERYTHING = {"optimizer": Adam(0.02), "sample_weight": S, "dropout": 0.3, "clip": Clip(1.0, 0.5, 2.0)} | PENALTIES


def net(sizes=(4, 6, 2), activation="tanh", **parts):
    return Network(sizes, activation, **{"dtype": "float64"} | parts)


def events(network, *data, **settings):
    return list(train(network, *(data or (X, T)), **{"batch_size": 5, "epochs": 3} | settings))


def trained(*data, network=None, **settings):
    """The weights and the history of a run, ready to be compared; times left out."""
    network = net() if network is None else network
    history = events(network, *data, **settings)[-1].history
    return network.theta.tobytes(), dataclasses.replace(history, seconds=0)


@pytest.fixture
def every_batch(monkeypatch):
    """An engine's call makes one update, so that Progress comes after each."""
    monkeypatch.setattr("chainrule.training.loop.GLANCE", 0.0)


# --- events --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [1, 3])
def test_events_come_in_order_with_their_fields(epochs, every_batch):
    found = events(net(), epochs=epochs, optimizer=SGD(0.25), seed=9, engine="reference")
    kinds = [Started, *([Progress] * 5 + [EpochEnd]) * epochs, Finished]
    assert [type(event) for event in found] == kinds
    assert found[0] == Started(rows=N, batches=5, epochs=epochs, engine="reference", seed=9)
    progress = [event for event in found if isinstance(event, Progress)]
    assert [(p.epoch, p.batch) for p in progress] == [(e, b) for e in range(epochs) for b in range(1, 6)]
    assert {(p.batches, p.rate) for p in progress} == {(5, 0.25)}
    ends = [event for event in found if isinstance(event, EpochEnd)]
    assert [(e.epoch, e.validation, e.metrics, e.best) for e in ends] == [(k, None, {}, True) for k in range(epochs)]
    history = found[-1].history
    assert [e.cost for e in ends] == history.cost == [p.cost for p in progress if p.batch == 5]
    assert (history.validation, history.metrics, history.seed, history.engine) == ([], {}, 9, "reference")
    assert (history.epochs, history.best_epoch, history.stopped) == (epochs, epochs - 1, "")
    seconds = [e.seconds for e in found if isinstance(e, Progress | EpochEnd)] + [history.seconds]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 0


def test_events_cannot_be_changed():
    for event in events(net(), epochs=1):
        field = dataclasses.fields(event)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field, 0)


def by_hand(network, batches, rule):
    """theta before and after each update: `Network.gradient` of a batch, then the rule."""
    network, slots, found = network.copy(), (np.zeros_like(network.theta),) * rule.slots, [network.theta.copy()]
    for step, rows in enumerate(batches, start=1):
        g = network.gradient(X[rows], T[rows])
        network.theta[...], slots = rule.update(network.theta, g, slots, rule.learning_rate, step)
        found.append(network.theta.copy())
    return found


def batches_of(seed, epochs, m=5):
    orders = [permutation(seed, Purpose.ORDER, epoch, N) for epoch in range(epochs)]
    return [order[at : at + m] for order in orders for at in range(0, N, m)]


@pytest.mark.parametrize("rule", [SGD(0.5), SGD(0.1, momentum=0.9), Adam(0.05)], ids=str)
def test_theta_is_current_at_every_event_and_that_of_the_loop_by_hand(rule, every_batch):
    network = net()
    expected = by_hand(network, batches_of(4, 3), rule)
    done = 0
    for event in train(network, X, T, optimizer=rule, batch_size=5, epochs=3, seed=4):
        done += isinstance(event, Progress)
        np.testing.assert_allclose(network.theta, expected[done], rtol=1e-12, atol=1e-14)
    assert done == 15


def test_leaving_the_loop_leaves_the_current_weights(every_batch):
    network = net()
    expected = by_hand(network, batches_of(0, 1), SGD(0.5))
    for event in train(network, X, T, optimizer=SGD(0.5), batch_size=5, validation=HELD):
        if isinstance(event, Progress) and event.batch == 2:
            break
    np.testing.assert_allclose(network.theta, expected[2], rtol=1e-12)
    assert fit(network, X, T, epochs=1).epochs == 1


def test_nothing_is_trained_before_the_first_event_is_asked_for():
    network = net()
    before = network.theta.copy()
    run = train(network, X, T)
    assert isinstance(next(run), Started)
    run.close()
    assert (network.theta == before).all()


def test_fit_is_train_run_to_its_end():
    a, b = net(), net()
    history = fit(a, X, T, batch_size=5, epochs=3, **EVERYTHING)
    theta, other = trained(network=b, **EVERYTHING)
    assert a.theta.tobytes() == theta
    assert dataclasses.replace(history, seconds=0) == other


# --- validation and the best weights -------------------------------------------------------------------------------


def test_validation_cost_has_no_penalty_and_metrics_see_outputs_and_targets():
    network, seen = net(), []
    metrics = {"bias": lambda A, T: (A - T).mean(), "n": lambda A, T: len(A)}
    held = (*HELD, RNG.uniform(0.5, 2, 9))
    for event in train(network, X, T, validation=held, metrics=metrics, alpha=1.0, l1=1.0, epochs=4, batch_size=5):
        if isinstance(event, EpochEnd):
            seen.append(event)
            assert event.validation == pytest.approx(network.cost(*held), rel=1e-12)
            bias = (network.predict(HELD[0]) - HELD[1]).mean()
            assert event.metrics == {"bias": pytest.approx(bias, rel=1e-12), "n": 9.0}
        elif isinstance(event, Finished):
            assert event.history.validation == [e.validation for e in seen]
            assert event.history.metrics == {name: [e.metrics[name] for e in seen] for name in metrics}


def test_the_best_weights_come_back_at_finished_and_no_sooner():
    network, thetas = net(), []
    worse = (X, 1 - T)  # the better the fit to T, the worse to 1 - T
    for event in train(network, X, T, validation=worse, optimizer=SGD(1.0), batch_size=5, epochs=4):
        if isinstance(event, EpochEnd):
            thetas.append((event.best, network.theta.copy()))
        elif isinstance(event, Finished):
            assert event.history.validation == sorted(event.history.validation)
            assert event.history.best_epoch == 0
            assert network.theta.tobytes() == thetas[0][1].tobytes()
    assert [best for best, _ in thetas] == [True, False, False, False]
    assert len({theta.tobytes() for _, theta in thetas}) == 4


def test_rows_of_weight_0_in_the_validation_set_do_not_count():
    s = np.array([1.0, 0, 2] * 3)
    costs = [fit(net(), X, T, validation=v).validation for v in ((*HELD, s), tuple(a[s > 0] for a in (*HELD, s)))]
    assert costs[0] == costs[1]


def test_a_validation_cost_that_is_no_number_is_never_the_best():
    network, values = net(output="identity"), iter([math.nan, 3.0, math.nan, 2.0, 2.5])
    engine = choose("reference", network.architecture)
    engine.cost = lambda *args: next(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.training.starting.choose", lambda *args: engine)
        history = fit(network, X, T, validation=HELD, epochs=5)
    assert history.best_epoch == 3


# --- the same bits -------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    assert trained(**EVERYTHING, seed=3) == trained(**EVERYTHING, seed=3)
    for other in (4, 3 + 2**32, 3 + 2**63):
        assert trained(**EVERYTHING, seed=3)[0] != trained(**EVERYTHING, seed=other)[0]


def test_a_seed_that_was_drawn_is_kept_and_gives_the_same_bits_again():
    first = events(net(), seed=None, **EVERYTHING)
    seed = first[-1].history.seed
    assert first[0].seed == seed
    assert trained(**EVERYTHING, seed=seed)[1].cost == first[-1].history.cost


@pytest.mark.parametrize("glance", [0.0, 1e-4, 1e3])
def test_how_often_the_caller_looks_changes_no_bit(glance, monkeypatch):
    expected = trained(**EVERYTHING)
    monkeypatch.setattr("chainrule.training.loop.GLANCE", glance)
    assert trained(**EVERYTHING) == expected


def test_callbacks_validation_and_metrics_change_no_bit():
    def watched(**settings):
        network = net()
        return [
            network.theta.tobytes() for e in train(network, X, T, **EVERYTHING, **settings) if isinstance(e, EpochEnd)
        ]

    metrics = {"m": lambda A, T: np.random.uniform()}  # noqa: NPY002  the global generator, on purpose
    assert watched() == watched(validation=HELD, metrics=metrics, cancel=lambda: False)


def test_training_on_from_where_it_stopped_is_one_and_the_same_for_plain_descent():
    once, twice = net(), net()
    fit(once, X, T, optimizer=SGD(0.5), shuffle=False, epochs=4)
    for _ in range(2):
        fit(twice, X, T, optimizer=SGD(0.5), shuffle=False, epochs=2)
    assert once.theta.tobytes() == twice.theta.tobytes()


@pytest.mark.parametrize("optimizer", [SGD(0.5), SGD(0.1, momentum=0.9), SGD(0.1, 0.9, nesterov=True), Adam()], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_weight_0_are_as_if_they_were_not_there(optimizer, dtype):
    s = S.copy()
    s[[0, 7, 8, 22]] = 0
    settings, kept = EVERYTHING | {"optimizer": optimizer}, np.flatnonzero(s)
    with_them = trained(X, T, network=net(dtype=dtype), **settings | {"sample_weight": s})
    without = trained(X[kept], T[kept], network=net(dtype=dtype), **settings | {"sample_weight": s[kept]})
    assert with_them == without


def test_the_form_of_the_arrays_changes_no_bit(tmp_path):
    disk = np.memmap(tmp_path / "X", np.float64, "w+", shape=X.shape)
    disk[...] = X
    expected = trained(validation=(X, T), **EVERYTHING)
    for form in (disk, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X.tolist()):
        assert trained(form, T.tolist(), validation=(form, np.asfortranarray(T)), **EVERYTHING) == expected


# --- what is optimised ---------------------------------------------------------------------------------------------


def test_the_cost_of_an_epoch_is_that_of_its_definition():
    """A line a = w x + b, batches (x1, x2) and (x3), plain descent: every number by hand."""
    x, t, s, eta, alpha, l1 = (1.0, 2.0, 3.0), (2.0, 2.0, 5.0), (1.0, 2.0, 3.0), 0.01, 0.6, 0.3
    w, b, total, expected = 0.5, 0.25, sum(s), []
    for _ in range(2):
        cost = 0.0
        for batch in ((0, 1), (2,)):
            scaled = [s[i] * 3 / total for i in batch]
            errors = [w * x[i] + b - t[i] for i in batch]
            cost += sum(k * e**2 / 2 for k, e in zip(scaled, errors, strict=True))  # |B| c_k: the sum over the batch
            dw = sum(k * e * x[i] for k, e, i in zip(scaled, errors, batch, strict=True)) / len(batch)
            db = sum(k * e for k, e in zip(scaled, errors, strict=True)) / len(batch)
            w, b = w - eta * (dw + (alpha * w + l1 * math.copysign(1, w)) / total), b - eta * db
        expected.append(cost / 3 + alpha / (2 * total) * w**2 + l1 / total * abs(w))
    line = Network([1, 1], output="identity", initializer=([[[0.5]]], [[0.25]]), dtype="float64")
    data = [[v] for v in x], [[v] for v in t]
    settings = {"optimizer": SGD(eta), "batch_size": 2, "shuffle": False, "alpha": alpha, "l1": l1}
    history = fit(line, *data, epochs=2, sample_weight=s, **settings)
    assert history.cost == pytest.approx(expected, rel=1e-13)
    assert line.theta.tolist() == pytest.approx([w, b], rel=1e-13)


@pytest.mark.parametrize("weight", [None, S, np.stack([S, 2 * S], axis=1)], ids=["none", "rows", "terms"])
def test_a_full_batch_descends_the_cost_of_the_network_itself(weight):
    settings = {"alpha": 0.3, "l1": 0.05}
    expected, network = net(), net()
    for _ in range(3):
        expected.theta -= 0.5 * expected.gradient(X, T, weight, **settings)
    before = network.cost(X, T, weight)
    history = fit(network, X, T, optimizer=SGD(0.5), batch_size=None, epochs=3, sample_weight=weight, **settings)
    np.testing.assert_allclose(network.theta, expected.theta, rtol=1e-12, atol=1e-14)
    first = net()
    fit(first, X, T, optimizer=SGD(0.5), batch_size=None, epochs=1, sample_weight=weight, **settings)
    total = N if weight is None else weight.reshape(N, -1).mean(axis=1).sum()
    assert history.cost[0] == pytest.approx(
        before + first.architecture.penalty(first.theta, 0.3, 0.05, total), rel=1e-12
    )


@pytest.mark.parametrize("optimizer", [SGD(0.5), SGD(0.1, momentum=0.9), Adam(0.01)], ids=str)
@pytest.mark.parametrize("terms", [False, True])
def test_weight_2_is_the_row_twice_under_a_full_batch(optimizer, terms):
    s = np.tile([1, 2, 3], 8)[:N]
    weight = np.stack([s, s], axis=1) if terms else s
    twice = np.repeat(np.arange(N), s)
    a, b = net(), net()
    settings = {"optimizer": optimizer, "batch_size": None, "epochs": 5, "alpha": 0.2, "l1": 0.02}
    costs = [fit(a, X, T, sample_weight=weight, **settings).cost, fit(b, X[twice], T[twice], **settings).cost]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-12)
    np.testing.assert_allclose(a.theta, b.theta, rtol=0, atol=1e-12 * np.abs(b.theta).max())


def test_the_decay_of_a_weight_does_not_depend_on_the_batch_size():
    """Where the cost does not move a weight, every update multiplies it by 1 - eta alpha / S."""
    for m in (1, 5, None):
        network = net(output="identity", initializer="he_normal")
        network.W[1][...] = network.b[1][...] = 0
        W = network.W[0].copy()
        zeros = np.zeros_like(T)
        fit(network, X, zeros, optimizer=SGD(0.1), batch_size=m, epochs=2, alpha=0.5)
        updates = 2 * -(-N // (m or N))
        np.testing.assert_allclose(network.W[0], W * (1 - 0.1 * 0.5 / N) ** updates, rtol=1e-12)


# --- the end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("updates", [0, 1, 7])
@pytest.mark.parametrize("validation", [None, HELD])
def test_cancel_ends_training_between_updates(updates, validation, every_batch):
    network, asked = net(), itertools.count()
    expected = by_hand(network, batches_of(0, 2), SGD(0.5))
    found = events(network, optimizer=SGD(0.5), validation=validation, cancel=lambda: next(asked) >= updates)
    assert found[-2:] == [Stopped("cancelled", "cancelled"), Finished(found[-1].history)]
    history = found[-1].history
    assert (history.stopped, history.epochs) == ("cancelled", updates // 5)
    kept = 5 if validation and updates >= 5 else updates  # the best weights, once there are any
    np.testing.assert_allclose(network.theta, expected[kept], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("eta", [10.0, 1e8, 1e30, 1e300])
@pytest.mark.parametrize("batch_size", [5, None])
@pytest.mark.parametrize("penalty", [{}, {"alpha": 1.0}])
@pytest.mark.parametrize("activation", ["identity", "sigmoid"])
def test_training_that_diverges_stops_in_words_and_leaves_finite_weights(dtype, eta, batch_size, penalty, activation):
    network = net((4, 3, 2), activation, output="identity", dtype=dtype)
    found = events(network, 100 * X, T, optimizer=SGD(eta), batch_size=batch_size, epochs=200, **penalty)
    history = found[-1].history
    assert np.isfinite(network.theta).all()
    assert np.isfinite(history.cost).all()
    if activation == "identity" or eta >= 1e8:
        assert isinstance(found[-2], Stopped)
        assert f"no longer finite in epoch {history.epochs + 1}" in history.message
        assert "smaller learning rate" in history.message
        assert "\n" not in history.message


@pytest.mark.parametrize("epochs", [1, 2])
def test_weights_that_overflow_in_the_very_last_update_are_not_left_behind(epochs):
    network = net(output="identity", dtype="float32")
    before = network.theta.copy()
    history = fit(network, X, T, optimizer=SGD(1e300), batch_size=None, epochs=epochs)
    assert "no longer finite in epoch 1" in history.message
    assert history.epochs == 0
    assert network.theta.tobytes() == before.tobytes()


def test_divergence_goes_back_to_the_last_good_epoch():
    network, seen = net(output="identity"), []
    for event in train(network, X, T, optimizer=SGD(50.0), batch_size=5, epochs=100):
        if isinstance(event, EpochEnd):
            seen.append(network.theta.copy())
    assert len(seen) > 1
    assert network.theta.tobytes() == seen[-1].tobytes()


def interrupt_by_callback(network):
    asked = itertools.count()

    def cancel():
        if next(asked) == 3:
            raise KeyboardInterrupt
        return False

    fit(network, X, T, cancel=cancel, batch_size=5)


def interrupt_by_signal(network):
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        fit(network, X, T, batch_size=1, epochs=10**9)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


@pytest.mark.parametrize("interrupt", [interrupt_by_callback, interrupt_by_signal])
def test_an_interrupt_leaves_finite_weights_that_can_be_trained_on(interrupt):
    network = net()
    before = network.theta.copy()
    with pytest.raises(KeyboardInterrupt):
        interrupt(network)
    assert np.isfinite(network.theta).all()
    assert (network.theta != before).any()
    assert fit(network, X, T, epochs=1).epochs == 1


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words", "settings"),
    [
        *[(SettingError, "batch_size", {"batch_size": m}) for m in (0, -1, 2.5, "all", True)],
        *[(SettingError, "epochs", {"epochs": e}) for e in (0, -1, 1.5, None, True)],
        *[(SettingError, name, {name: v}) for name in ("alpha", "l1") for v in (-0.1, math.inf, math.nan, "x")],
        *[(SettingError, "dropout", {"dropout": p}) for p in (-0.1, 1, 0.999999, math.nan, "x", None)],
        *[(SettingError, "dropout", {"dropout": p}) for p in ([0.1, 0.1], [])],
        (SettingError, "clip", {"clip": 1.0}),
        (SettingError, "no optimizer", {"optimizer": SGD}),
        (UnknownNameError, "no optimizer 'sdg': did you mean 'sgd'", {"optimizer": "sdg"}),
        (UnknownNameError, "no engine 'quick'", {"engine": "quick"}),
        (SettingError, "seed", {"seed": -1}),
        (SettingError, "validation", {"validation": (X,)}),
        (SettingError, "validation", {"validation": 0.1}),
        (SettingError, "metrics", {"metrics": {"m": lambda A, T: 0.0}}),
        (DataError, "shape", {"validation": (X[:, :2], T)}),
        (DataError, "sample_weight", {"sample_weight": -S}),
        (DataError, "every weight is 0", {"sample_weight": 0 * S}),
        (DataError, "X has nan", {"X": np.full((N, 4), np.nan)}),
        (DataError, "T has 3", {"T": T[:3]}),
    ],
    ids=lambda value: str(value)[:40].replace("\n", " ") if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused_in_one_line_before_anything_is_trained(error, words, settings):
    network = net()
    before = network.theta.tobytes()
    with pytest.raises(ChainruleError) as caught:
        train(network, **{"X": X, "T": T} | settings)  # raises before its first event
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert network.theta.tobytes() == before


@pytest.mark.parametrize("number", [np.int64, np.int32, np.uint8])
def test_settings_may_be_numpy_numbers(number):
    assert trained(batch_size=number(5), epochs=number(3), seed=number(0)) == trained()
    assert trained(dropout=np.float32(0.5), alpha=np.float32(0.5))[1] == trained(dropout=0.5, alpha=0.5)[1]


@pytest.mark.parametrize("given", ["adam", {"name": "adam", "learning_rate": 0.001}, None])
def test_an_optimizer_may_be_given_by_name_and_is_adam_by_default(given):
    assert trained(optimizer=given) == trained(optimizer=Adam(0.001))


def test_dropout_is_one_probability_for_all_hidden_layers_or_one_for_each():
    def deep(**settings):
        return trained(network=net((4, 6, 6, 2)), **settings)

    assert deep(dropout=0.5) == deep(dropout=[0.5, 0.5]) == deep(dropout=(0.5, 0.5))
    assert len({theta for theta, _ in (deep(dropout=p) for p in (0.0, [0.5, 0], [0, 0.5], 0.5))}) == 4


# --- learning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("output", [("sigmoid", "binary_cross_entropy"), ("sigmoid", "quadratic")])
def test_xor_is_learned(activation, output):
    inputs, targets = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    network = Network([2, 8, 1], activation, *output, seed=1)
    history = fit(network, inputs, targets, optimizer=Adam(0.1), batch_size=4, epochs=400)
    assert network.predict(inputs).round().ravel().tolist() == targets
    assert history.cost[-1] < 0.05 < history.cost[0]


def test_class_numbers_are_one_hot_targets_to_the_last_bit_and_are_learned():
    labels = (X[:, 0] > 0) * 1 + (X[:, 1] > 0)
    parts = {"sizes": (4, 8, 3), "output": "softmax", "cost": "cross_entropy"}
    a, b = net(**parts), net(**parts)
    settings = {"optimizer": Adam(0.05), "epochs": 60, "batch_size": 5}
    assert fit(a, X, labels, **settings).cost == fit(b, X, np.eye(3)[labels], **settings).cost
    assert a.theta.tobytes() == b.theta.tobytes()
    assert (a.predict(X).argmax(axis=1) == labels).all()


def test_every_output_block_learns_its_own_question():
    classes = np.stack([X[:, 0] > 0, (X[:, 1] > 0) * 1 + (X[:, 2] > 0)], axis=1).astype(int)
    network = net((4, 16, 5), output=[("softmax", 2), ("softmax", 3)], cost="cross_entropy")
    fit(network, X, classes, optimizer=Adam(0.05), epochs=80, batch_size=5)
    A = network.predict(X)
    np.testing.assert_allclose([A[:, :2].sum(axis=1), A[:, 2:].sum(axis=1)], 1, rtol=1e-12)
    assert (A[:, :2].argmax(axis=1) == classes[:, 0]).all()
    assert (A[:, 2:].argmax(axis=1) == classes[:, 1]).all()


def test_a_block_whose_weights_are_0_does_not_learn():
    network = net((4, 4), output=[("softmax", 2), ("identity", 2)], cost=["cross_entropy", "quadratic"])
    before = network.W[0].copy()
    targets = np.hstack([np.eye(2)[(X[:, 0] > 0) * 1], T])
    fit(network, X, targets, sample_weight=np.array([[0.0, 1.0]] * N), epochs=2)
    assert network.W[0][:, :2].tobytes() == before[:, :2].tobytes()
    assert (network.W[0][:, 2:] != before[:, 2:]).all()


def test_the_documents_network_reads_handwritten_digits(shared_data):
    images, labels = (
        np.frombuffer(gzip.decompress(shared_data(f"mnist-10k/t10k-{name}-ubyte.gz").read_bytes())[skip:], np.uint8)
        for name, skip in (("images-idx3", 16), ("labels-idx1", 8))
    )
    inputs = (images.reshape(-1, 784) / 255).astype(np.float32)
    network = Network([784, 30, 10], initializer="nielsen")
    fit(network, inputs[:8000], labels[:8000], optimizer=SGD(3.0), batch_size=10, epochs=3)
    assert (network.predict(inputs[8000:]).argmax(axis=1) == labels[8000:]).mean() > 0.85
