"""Noise in the clipped gradients: its distribution, its seed, its place in an update, and the epsilon that follows."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

import chainrule as cr
from chainrule.engines import available, choose, passed_over
from chainrule.errors import EngineError, SettingError
from chainrule.optimizers import Clip
from chainrule.privacy import epsilon
from chainrule.random import Purpose, normal, raw_words
from chainrule.settings import TrainingSettings
from chainrule.training.history import History

X = np.random.default_rng(0).normal(size=(12, 3))
T = np.random.default_rng(1).normal(size=(12, 2))
MASKS = [np.array([[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1]]), None]
NOISY = Clip(example=0.5, noise=2.0)


def net(masks=None, sizes=(3, 4, 2)):
    return cr.Network(sizes, activation="tanh", output="identity", masks=masks, seed=3, dtype="float64")


def fit(network, clip=NOISY, **more):
    return cr.fit(network, X, T, **{"optimizer": cr.SGD(1.0), "batch_size": 12, "epochs": 1, "clip": clip} | more)


@pytest.mark.parametrize("masks", [None, MASKS])
def test_an_update_is_the_mean_of_clipped_gradients_and_noise(masks):
    network, before = net(masks), net(masks)
    fit(network, seed=9)
    g = np.asarray(before.example_gradients(X, T, engine="reference"))
    clipped = g * np.minimum(1, 0.5 / np.linalg.norm(g, axis=1))[:, None]
    noise = 2.0 * 0.5 * normal(raw_words(9, Purpose.NOISE, 0, before.theta.size))
    if masks:
        noise[:12][MASKS[0].ravel() == 0] = 0
        assert not network.W[0][MASKS[0] == 0].any()
    expected = before.theta - (clipped.sum(axis=0) + noise) / 12
    np.testing.assert_allclose(network.theta, expected, rtol=0, atol=1e-14)


def test_penalty_and_bounds_come_after_the_noise():
    network, before = net(), net()
    fit(network, Clip(example=0.5, noise=2.0, value=1e-3), alpha=0.1)
    assert np.abs(network.theta - before.theta).max() <= 1e-3 * (1 + 1e-12)


def test_the_noise_is_normal_and_of_the_standard_deviation_that_is_set():
    """Where every gradient is 0, the weights move by the noise alone."""
    flat = cr.Network([1, 20_000], output="identity", initializer=np.zeros(40_000))
    clip = Clip(example=3.0, noise=0.7)
    rows, zeros = np.zeros((5, 1)), np.zeros((5, 20_000))
    cr.fit(flat, rows, zeros, optimizer=cr.SGD(1.0), batch_size=5, epochs=1, clip=clip, seed=1)
    drawn = flat.theta * 5 / (0.7 * 3.0)
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    assert drawn.std() == pytest.approx(1, abs=0.02)
    assert abs(drawn.mean()) < 0.02


def test_every_update_and_every_seed_has_noise_of_its_own():
    draws = [raw_words(seed, Purpose.NOISE, step, 50).tobytes() for seed in (0, 1) for step in (0, 1, 2)]
    assert len(set(draws)) == 6
    assert raw_words(0, Purpose.NOISE, 0, 2).tolist() == [6251639900906172394, 10319595904772868522]


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_bits_follow_from_the_seed_however_training_is_cut(engine):
    settings = {"batch_size": 5, "epochs": 3, "clip": NOISY, "seed": 4, "optimizer": cr.Adam(0.1), "engine": engine}
    whole, other = net(), net()
    cr.fit(whole, X, T, **settings)
    cr.fit(other, X, T, **settings | {"seed": 5})
    assert whole.theta.tobytes() != other.theta.tobytes()
    cut = net()
    training = cr.train(cut, X, T, **settings)
    for _ in range(4):
        training.step()
    state = training.state
    training.close()
    resumed = net()
    for _ in cr.train(resumed, X, T, state=state, **settings):
        pass
    assert resumed.theta.tobytes() == whole.theta.tobytes()


@pytest.mark.skipif("native" not in available(), reason="the core is not built")
def test_the_core_has_no_noise_and_says_so():
    settings = TrainingSettings(clip=NOISY)
    architecture = net().architecture
    assert choose("auto", architecture, settings).name == "reference"
    assert passed_over(architecture, settings) == [
        "engine native has no noise in clip, so the reference engine computes"
    ]
    with pytest.raises(EngineError, match="no noise in clip"):
        fit(net(), engine="native")
    assert choose("auto", architecture, TrainingSettings(clip=Clip(example=0.5))).name == "native"


def test_a_checkpoint_keeps_the_noise(tmp_path):
    path = cr.Checkpoint(tmp_path / "training.ckpt", resume=True)
    first, again = net(), net()
    fit(first, epochs=2, checkpoint=path)
    history = fit(again, epochs=4, checkpoint=path)
    assert (history.noise, history.exposed) == (2.0, "")
    whole = net()
    fit(whole, epochs=4)
    assert again.theta.tobytes() == whole.theta.tobytes()
    with pytest.raises(SettingError, match="clip is"):
        fit(net(), Clip(example=0.5, noise=1.0), epochs=5, checkpoint=path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"noise": 1.0}, "noise of clip is 1.0, but must be 0 without a bound for each example: give example too"),
        ({"noise": -1.0, "example": 1.0}, "noise of clip is -1.0, but must be a number of at least 0"),
        ({"noise": math.inf, "example": 1.0}, "noise of clip is inf"),
        ({"noise": "much", "example": 1.0}, "noise of clip is 'much'"),
    ],
)
def test_bad_noise_gets_one_line(values, words):
    with pytest.raises(SettingError, match=words):
        Clip(**values)


# ------------------------------------------------------------------------------------------------- epsilon


def of_one_gaussian(noise, delta):
    """The epsilon of the Gaussian mechanism in closed form. Source: Balle & Wang, ICML 2018, theorem 5."""

    def over(e):
        tail = stats.norm.logcdf(-1 / (2 * noise) - e * noise)
        return stats.norm.cdf(1 / (2 * noise) - e * noise) - math.exp(e + tail) - delta

    return optimize.brentq(over, 0, 500)


@pytest.mark.parametrize(("noise", "epochs"), [(4.0, 20), (1.0, 1), (0.8, 3), (10.0, 200)])
def test_epsilon_is_that_of_the_gaussian_mechanism(noise, epochs):
    pytest.importorskip("dp_accounting")
    expected = of_one_gaussian(noise / math.sqrt(epochs), 1e-5)
    assert epsilon(noise, 1e-5, epochs=epochs) == pytest.approx(expected, rel=1e-3)


def test_epsilon_of_a_poisson_sample_is_smaller():
    pytest.importorskip("dp_accounting")
    sampled = epsilon(1.1, 1e-5, updates=1000, share=0.01)
    assert 0 < sampled < epsilon(1.1, 1e-5, epochs=10)
    assert epsilon(1.1, 1e-5, updates=3, share=1.0) == pytest.approx(epsilon(1.1, 1e-5, epochs=3), rel=1e-3)


def test_a_history_gives_the_epsilon_of_its_epochs():
    pytest.importorskip("dp_accounting")
    history = fit(net(), epochs=3)
    assert history.epsilon(1e-5) == epsilon(2.0, 1e-5, epochs=3)
    history.stopped = "cancelled"  # in its fourth epoch
    assert history.epsilon(1e-5) == epsilon(2.0, 1e-5, epochs=4)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sample_weight": np.arange(1.0, 13)}, "the rows have weights"),
        ({"tolerance": 1e-3}, "tolerance reads the gradient of all rows"),
        ({"patience": 2}, "patience watches the cost of the training rows"),
        ({"patience": 2, "validation": (X, T), "monitor": "training"}, "patience watches the cost of the training"),
        ({"schedule": cr.Plateau()}, "the schedule follows the cost of the training rows"),
    ],
)
def test_epsilon_is_refused_where_the_weights_depend_on_the_rows_in_another_way(more, words):
    with pytest.raises(SettingError, match=f"no epsilon holds for this training: {words}"):
        fit(net(), **more).epsilon(1e-5)


@pytest.mark.parametrize("more", [{"patience": 2, "validation": (X, T)}, {"sample_weight": np.full(12, 3.0)}])
def test_what_reads_other_rows_alone_exposes_nothing(more):
    assert fit(net(), **more).exposed == ""


def test_epsilon_is_refused_where_the_noise_changed_or_there_was_none():
    with pytest.raises(SettingError, match="the training had no noise"):
        fit(net(), Clip(example=0.5)).epsilon(1e-5)
    training = cr.train(net(), X, T, clip=NOISY, epochs=1)
    for _ in training:
        pass
    later = cr.train(net(), X, T, clip=Clip(example=0.5, noise=1.0), epochs=2, state=training.state)
    history = list(later)[-1].history
    with pytest.raises(SettingError, match="the noise changed in the course of it"):
        history.epsilon(1e-5)
    with pytest.raises(SettingError, match="diverged"):
        History([1.0], [], {}, 0, "", noise=1.0, stopped="diverged").epsilon(1e-5)


def test_epsilon_is_refused_for_tables_whose_encoder_has_no_noise():
    table = {"x": X[:, 0], "y": T[:, 0]}
    model = cr.train_table(table, target="y", epochs=1, clip=NOISY, members=1)
    with pytest.raises(SettingError, match=r"no epsilon holds for this training: (.*encoder|the rows have weights)"):
        model.history.epsilon(1e-5)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"noise": 0, "epochs": 1}, "noise is 0"),
        ({"delta": 1, "epochs": 1}, "delta is 1"),
        ({"epochs": 0}, "epochs is 0"),
        ({}, "give either epochs"),
        ({"epochs": 1, "updates": 1, "share": 0.5}, "give either epochs"),
        ({"updates": 1}, "give either epochs"),
        ({"updates": 1, "share": 2.0}, "share is 2.0"),
    ],
)
def test_bad_values_get_one_line(values, words):
    with pytest.raises(SettingError, match=words):
        epsilon(**{"noise": 1.0, "delta": 1e-5} | values)
