"""The loop over epochs: its events in order, the current weights at each, and the same bits from the same seed."""

import dataclasses
import gzip
import itertools
import signal

import numpy as np
import pytest
from tests.training.common import EVERYTHING, HELD, N, T, X, batches_of, by_hand, events, net, trained

from chainrule.network import Network
from chainrule.optimizers import LBFGS, SGD, Adam
from chainrule.training import Checkpoint, EpochEnd, Finished, Progress, Started, Updated, fit, train

# --- events ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("rule", [SGD(0.5), SGD(0.1, momentum=0.9), Adam(0.05)], ids=str)
def test_theta_is_current_at_every_event_and_that_of_the_loop_by_hand(rule, every_batch):
    network = net()
    expected = by_hand(network, batches_of(4, 3), rule)
    done = 0
    for event in train(network, X, T, optimizer=rule, batch_size=5, epochs=3, seed=4):
        done += isinstance(event, Progress)
        np.testing.assert_allclose(network.theta, expected[done], rtol=1e-12, atol=1e-14)
    assert done == 15


def test_what_a_callback_may_read_cannot_be_changed():
    run = train(net(), X, T)
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.settings.epochs = 3


# --- leaving it ------------------------------------------------------------------------------------------------------


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


# --- the same bits ---------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    assert trained(**EVERYTHING, seed=3) == trained(**EVERYTHING, seed=3)
    for other in (4, 3 + 2**32, 3 + 2**63):
        assert trained(**EVERYTHING, seed=3)[0] != trained(**EVERYTHING, seed=other)[0]


def test_a_seed_that_was_drawn_is_kept_and_gives_the_same_bits_again():
    first = events(net(), seed=None, **EVERYTHING)
    seed = first[-1].history.seed
    assert first[0].seed == seed
    assert trained(**EVERYTHING, seed=seed)[1].cost == first[-1].history.cost


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


# --- learning --------------------------------------------------------------------------------------------------------


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


# --- one update after the other --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [SGD(0.5), Adam(0.05)], ids=str)
def test_each_update_has_an_event_with_its_own_cost(rule):
    network = net()
    expected, batches = by_hand(network, batches_of(4, 2), rule), batches_of(4, 2)
    found = []
    for event in train(network, X, T, optimizer=rule, batch_size=5, epochs=2, seed=4).each_update():
        found.append(event)
        if isinstance(event, Updated):
            k = sum(isinstance(e, Updated) for e in found) - 1
            np.testing.assert_allclose(network.theta, expected[k + 1], rtol=1e-12, atol=1e-14)
            before = Network.from_parts(network.architecture, expected[k], 0)
            assert event.cost == pytest.approx(before.cost(X[batches[k]], T[batches[k]]), rel=1e-12)
            assert (event.epoch, event.batch, event.batches, event.rate) == (k // 5, k % 5 + 1, 5, rule.learning_rate)
    assert [type(event) for event in found] == [Started, *([Updated] * 5 + [EpochEnd]) * 2, Finished]


def test_a_step_is_one_update_and_the_last_one_ends_training():
    network, whole = net(), net()
    training = train(network, X, T, optimizer=SGD(0.5), batch_size=5, epochs=2, validation=HELD)
    thetas = [network.theta.copy() for _ in iter(training.step, None)]
    assert len(thetas) == 10
    assert all((one != other).any() for one, other in itertools.pairwise(thetas))
    assert training.step() is None
    history = fit(whole, X, T, optimizer=SGD(0.5), batch_size=5, epochs=2, validation=HELD)
    assert network.theta.tobytes() == whole.theta.tobytes()  # the best weights are back
    assert dataclasses.replace(training.history, seconds=0) == dataclasses.replace(history, seconds=0)


@pytest.mark.parametrize("rule", [SGD(0.1, momentum=0.9), Adam(0.05), LBFGS(memory=3)], ids=str)
def test_watching_each_update_now_and_then_changes_no_bit(rule):
    settings = {"optimizer": rule, "epochs": 6, "batch_size": None if rule.line_search else 5}
    settings |= {} if rule.line_search else {"dropout": 0.3}
    whole, pieces = net(), net()
    expected = fit(whole, X, T, **settings)
    training = train(pieces, X, T, **settings)
    rng = np.random.default_rng(0)
    while not training.history.seconds:
        for _, _ in zip(range(rng.integers(0, 4)), iter(training.step, None), strict=False):
            pass
        next(training, None)
        training = train(pieces, X, T, **settings, state=training.state) if rng.integers(2) else training
    assert pieces.theta.tobytes() == whole.theta.tobytes()
    assert training.history.cost == expected.cost


def test_stepping_saves_checkpoints(tmp_path):
    path = tmp_path / "run.safetensors"
    training = train(net(), X, T, batch_size=5, epochs=2, checkpoint=Checkpoint(path, every=0))
    for _ in range(7):
        training.step()
    resumed, whole = net(), net()
    fit(resumed, X, T, batch_size=5, epochs=2, checkpoint=Checkpoint(path, resume=True))
    fit(whole, X, T, batch_size=5, epochs=2)
    assert resumed.theta.tobytes() == whole.theta.tobytes()
