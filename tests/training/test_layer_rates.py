"""A learning rate by layer: frozen layers keep their bits, in every engine; what is trained, is at its own rate."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available
from chainrule.errors import SettingError
from chainrule.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 2))
RULES = [make() for make in OPTIMIZERS.classes() if not make.line_search]

engines = pytest.mark.parametrize("engine", available())
rules = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def network(**more):
    return cr.Network([3, 18, 5, 2], "tanh", "identity", **{"dtype": "float64", "seed": 1, **more})


def trained(engine="reference", net=None, **settings):
    net = network() if net is None else net
    cr.fit(net, X, T, engine=engine, **{"batch_size": 10, "epochs": 3, **settings})
    return net


@engines
@rules
@pytest.mark.parametrize("layer", [2, 3, 4])
def test_a_frozen_layer_keeps_its_bits_and_the_others_move(engine, rule, layer):
    """Whatever would move it: weight decay, penalties, momentum; and in both ways through an update."""
    before = network()
    for clip in (None, cr.Clip(norm=0.1)):
        size = {"batch_size": None} if rule.full_batch else {}
        net = trained(engine, optimizer=rule, rates={layer: 0}, alpha=0.5, l1=0.1, clip=clip, **size)
        for k in range(3):
            moved = net.W[k].tobytes() != before.W[k].tobytes(), net.b[k].tobytes() != before.b[k].tobytes()
            assert moved == ((False, False) if k == layer - 2 else (True, True))


@engines
def test_a_frozen_layer_does_not_count_for_the_length_of_the_gradient(engine):
    """With the first two layers frozen, training is that of the last layer alone, on its inputs."""
    net = trained(engine, optimizer=cr.SGD(0.5), rates={"2": 0, "3": 0}, clip=cr.Clip(norm=0.01), alpha=0.3)
    start = network()
    hidden = np.tanh(np.tanh(X @ start.W[0] + start.b[0]) @ start.W[1] + start.b[1])
    alone = cr.Network([5, 2], output="identity", initializer=([start.W[2]], [start.b[2]]), dtype="float64")
    cr.fit(
        alone,
        hidden,
        T,
        engine=engine,
        optimizer=cr.SGD(0.5),
        clip=cr.Clip(norm=0.01),
        alpha=0.3,
        batch_size=10,
        epochs=3,
    )
    np.testing.assert_allclose(net.W[2], alone.W[0], rtol=1e-12)
    np.testing.assert_allclose(net.b[2], alone.b[0], rtol=1e-12)


@engines
@rules
def test_factors_of_1_change_no_bit(engine, rule):
    size = {"batch_size": None} if rule.full_batch else {}
    plain = trained(engine, optimizer=rule, **size)
    for rates in ({}, {"2": 1.0}, {2: 1, 3: 1, 4: 1}):
        assert trained(engine, optimizer=rule, rates=rates, **size).theta.tobytes() == plain.theta.tobytes()


@engines
@rules
def test_one_factor_for_all_layers_is_another_learning_rate(engine, rule):
    size = {"batch_size": None} if rule.full_batch else {}
    halved = trained(engine, optimizer=rule, rates={"2": 0.5, "3": 0.5, "4": 0.5}, **size)
    by_schedule = trained(engine, optimizer=rule, schedule=lambda update, per_epoch, total: 0.5, **size)
    np.testing.assert_allclose(halved.theta, by_schedule.theta, rtol=1e-12, atol=1e-15)


@engines
def test_masked_weights_stay_0_at_a_rate_of_their_own(engine):
    mask = RNG.integers(0, 2, (18, 5))
    net = trained(engine, network(masks=[None, mask, None]), rates={"3": 2.0})
    assert not net.W[1][mask == 0].any()


def test_the_engines_agree():
    nets = [trained(engine, rates={"2": 0.1, "4": 3.0}, optimizer=cr.SGD(0.1, 0.9)) for engine in available()]
    for net in nets[1:]:
        np.testing.assert_allclose(net.theta, nets[0].theta, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rates": {"5": 0.1}}, "rates has layer 5, but the layers with weights are 2 to 4"),
        ({"rates": {"1": 0.1}}, "a layer of rates is '1', but must be its number, from 2"),
        ({"rates": {"2": -1}}, "rates of layer 2 is -1"),
        ({"rates": {"2": 0, "3": 0, "4": 0}}, "rates is 0 for every layer, so nothing would be trained"),
        ({"rates": [0.1]}, "rates is .* but must be a mapping from numbers of layers"),
        ({"rates": {"2": 0.1}, "optimizer": "lbfgs"}, "rates does not go with lbfgs"),
    ],
    ids=str,
)
def test_rates_that_do_not_fit_are_refused_in_one_line(settings, words):
    with pytest.raises(SettingError, match=words) as refusal:
        cr.train(network(), X, T, **settings)
    assert "\n" not in str(refusal.value)


def test_tables_and_the_tolerance_take_them():
    rows = {"a": X[:, 0], "b": X[:, 1], "y": T[:, 0]}
    model = cr.train_table(rows, "y", hidden=[4], rates={"2": 0}, epochs=2, members=1, start="random", batch_size=8)
    assert model.predict(rows) is not None
    settings = {"rates": {"2": 0, "3": 0}, "optimizer": cr.SGD(0.5), "batch_size": None, "epochs": 5000}
    history = cr.fit(network(), X, T, **settings, tolerance=5e-3)
    assert history.stopped == "converged"
    assert history.epochs < 5000


# ---- muon


@engines
def test_muon_moves_the_matrices_of_hidden_layers_and_adam_all_else(engine):
    settings = {"batch_size": None, "epochs": 1}
    before, net = network(), trained(engine, optimizer=cr.Muon(0.1, adam_rate=0.01), **settings)
    adam = trained(engine, optimizer=cr.Adam(0.01), **settings)
    for k in range(3):
        np.testing.assert_allclose(net.b[k], adam.b[k], rtol=1e-12)
    np.testing.assert_allclose(net.W[2], adam.W[2], rtol=1e-12)
    for k in range(2):
        values = np.linalg.svd(before.W[k] - net.W[k], compute_uv=False)
        stretch = 0.1 * max(1, net.W[k].shape[1] / net.W[k].shape[0]) ** 0.5
        assert ((values > 0.3 * stretch) & (values < 1.3 * stretch)).all()


@engines
def test_muon_keeps_masked_weights_at_0_and_goes_on_with_the_same_bits(engine, tmp_path):
    mask = RNG.integers(0, 2, (18, 5))
    settings = {"optimizer": cr.Muon(), "rates": {"2": 0.5}, "engine": engine, "batch_size": 5}
    whole, pieces = network(masks=[None, mask, None]), network(masks=[None, mask, None])
    cr.fit(whole, X, T, **settings, epochs=4)
    for epochs in (1, 2, 4):
        cr.fit(pieces, X, T, **settings, epochs=epochs, checkpoint=cr.Checkpoint(tmp_path / "c", resume=True))
    assert pieces.theta.tobytes() == whole.theta.tobytes()
    assert not whole.W[1][mask == 0].any()


def test_descent_of_a_function_has_no_matrices_for_muon():
    with pytest.raises(SettingError, match=r"^optimizer muon moves the matrices of a network[^\n]*$"):
        cr.minimize(lambda v: v @ v, [1.0, 2.0], optimizer="muon")
