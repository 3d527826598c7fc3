"""Label smoothing: the targets that training sees, and where it has no place."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available
from chainrule.errors import SettingError

RNG = np.random.default_rng(0)
X, CLASSES = RNG.normal(size=(30, 4)), RNG.integers(0, 3, 30)
ONE_HOT = np.eye(3)[CLASSES]
SETTINGS = {"batch_size": 7, "epochs": 3, "optimizer": cr.SGD(0.5)}


def network(output="softmax", cost="cross_entropy", width=3):
    return cr.Network([4, 6, width], "tanh", output, cost, seed=1, dtype="float64")


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("targets", [CLASSES, ONE_HOT], ids=["class numbers", "one-hot"])
def test_it_is_training_with_softer_targets(engine, targets):
    smooth, by_hand = network(), network()
    cr.fit(smooth, X, targets, label_smoothing=0.3, engine=engine, **SETTINGS)
    cr.fit(by_hand, X, 0.7 * ONE_HOT + 0.1, engine=engine, **SETTINGS)
    np.testing.assert_allclose(smooth.theta, by_hand.theta, rtol=1e-12, atol=1e-15)


def test_two_classes_of_one_output_are_smoothed_towards_a_half():
    T = (CLASSES > 0)[:, None].astype(float)
    smooth, by_hand = (network("sigmoid", "binary_cross_entropy", 1) for _ in range(2))
    cr.fit(smooth, X, T, label_smoothing=0.2, **SETTINGS)
    cr.fit(by_hand, X, 0.8 * T + 0.1, **SETTINGS)
    np.testing.assert_allclose(smooth.theta, by_hand.theta, rtol=1e-12, atol=1e-15)


def test_of_several_outputs_those_with_classes_are_smoothed():
    blocks, costs = [("softmax", 3), ("identity", 1)], ["cross_entropy", "quadratic"]
    numbers = RNG.normal(size=(30, 1))
    smooth, by_hand = (network(blocks, costs, 4) for _ in range(2))
    cr.fit(smooth, X, np.hstack([ONE_HOT, numbers]), label_smoothing=0.3, **SETTINGS)
    cr.fit(by_hand, X, np.hstack([0.7 * ONE_HOT + 0.1, numbers]), **SETTINGS)
    np.testing.assert_allclose(smooth.theta, by_hand.theta, rtol=1e-12, atol=1e-15)


def test_the_cost_is_that_of_torch():
    torch = pytest.importorskip("torch")
    net = network()
    history = cr.fit(net.copy(), X, CLASSES, label_smoothing=0.3, batch_size=None, epochs=1)
    hidden = np.tanh(X @ net.W[0] + net.b[0]) @ net.W[1] + net.b[1]
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=0.3)(torch.tensor(hidden), torch.tensor(CLASSES))
    assert history.cost[0] == pytest.approx(theirs.item(), rel=1e-12)


def test_validation_keeps_its_targets_and_the_caller_keeps_his_array():
    T, held = ONE_HOT.copy(), (X[:5], ONE_HOT[:5])
    net = network()
    history = cr.fit(net, X, T, label_smoothing=0.3, validation=held, monitor="training", **SETTINGS)
    assert history.validation[-1] == pytest.approx(net.cost(*held), rel=1e-12)
    assert (T == ONE_HOT).all()


def test_a_share_of_0_changes_no_bit():
    plain, zero = network(), network()
    cr.fit(plain, X, CLASSES, **SETTINGS)
    cr.fit(zero, X, CLASSES, label_smoothing=0.0, **SETTINGS)
    assert zero.theta.tobytes() == plain.theta.tobytes()


def test_tables_have_it():
    rows = {"a": X[:, 0], "b": X[:, 1], "y": [["low", "middle", "high"][k] for k in CLASSES]}
    plain, smooth = (
        cr.train_table(rows, "y", hidden=[5], epochs=30, label_smoothing=share, members=1, start="random", seed=0)
        for share in (0.0, 0.5)
    )
    assert plain.network.theta.tobytes() != smooth.network.theta.tobytes()


@pytest.mark.parametrize("share", [-0.1, 1.0, "0.1"])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(SettingError, match=r"^label_smoothing is .*, but must be a number from 0 to below 1$"):
        cr.train(network(), X, CLASSES, label_smoothing=share)


def test_numbers_as_targets_are_refused():
    with pytest.raises(SettingError, match=r"^label_smoothing is 0\.1, but no output has classes as targets, [^\n]*$"):
        cr.train(network("identity", "quadratic"), X, ONE_HOT, label_smoothing=0.1)
