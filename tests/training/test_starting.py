"""What a training is started with: every form of arrays and settings that is accepted, and what is refused."""

import dataclasses
import math

import numpy as np
import pytest
from tests.training.common import EVERYTHING, HELD, N, S, T, X, events, net, trained

from chainrule.errors import ChainruleError, DataError, SettingError, UnknownNameError
from chainrule.optimizers import SGD, Adam, Clip, RProp
from chainrule.schedules import Cosine
from chainrule.training import fit, train


def test_fit_is_train_run_to_its_end():
    a, b = net(), net()
    history = fit(a, X, T, batch_size=5, epochs=3, **EVERYTHING)
    theta, other = trained(network=b, **EVERYTHING)
    assert a.theta.tobytes() == theta
    assert dataclasses.replace(history, seconds=0) == other


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


def test_the_total_weight_divides_the_penalties_of_a_part_as_those_of_the_whole():
    whole, part = net(), net()
    settings = {"optimizer": SGD(0.5), "epochs": 1, "alpha": 0.3, "l1": 0.1, "batch_size": None}
    events(part, X[:4], T[:4], total_weight=20.0, **settings)
    g = net().gradient(X[:4], T[:4])
    W_only = np.zeros_like(g)
    for slices, W in zip(net().architecture.slices, net().W, strict=True):
        W_only[slices[0]] = (0.3 * W + 0.1 * np.sign(W)).ravel() / 20.0
    np.testing.assert_allclose(part.theta, net().theta - 0.5 * (g + W_only), rtol=1e-12)
    events(whole, X[:4], T[:4], **settings)
    assert whole.theta.tolist() != part.theta.tolist()
    for wrong in (0, -1.0, float("nan"), "4"):
        with pytest.raises(SettingError, match=r"^total_weight is [^\n]*, but must be a number above 0, or None$"):
            events(net(), total_weight=wrong)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words", "settings"),
    [
        *[(SettingError, "batch_size", {"batch_size": m}) for m in (0, -1, 2.5, "all", True)],
        *[(SettingError, "epochs", {"epochs": e}) for e in (0, -1, 1.5, None, True)],
        *[(SettingError, name, {name: v}) for name in ("alpha", "l1") for v in (-0.1, math.inf, math.nan, "x")],
        *[(SettingError, "dropout", {"dropout": p}) for p in (-0.1, 1, 0.999999, math.nan, "x", None)],
        *[(SettingError, "dropout", {"dropout": p}) for p in ([0.1, 0.1], [])],
        (SettingError, "clip", {"clip": 1.0}),
        (SettingError, "optimizer is", {"optimizer": SGD}),
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


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        *[("patience", {"patience": p}) for p in (0, -1, 1.5, True, "3")],
        *[("min_delta", {"min_delta": d}) for d in (-1.0, math.nan, math.inf, None, "0")],
        *[("time", {"time": t}) for t in (0, -1.0, math.nan, "10s", True)],
        ("monitor is 'm', but must be one of cost", {"monitor": "m"}),
        ("mode", {"mode": "most"}),
        ("mode", {"mode": "max"}),
        ("named otherwise", {"metrics": {"cost": len}, "validation": HELD}),
        ("no schedule 'cosin': did you mean 'cosine'", {"schedule": "cosin"}),
        ("schedule is 0.5", {"schedule": 0.5}),
        ("needs all 23 rows", {"optimizer": RProp(), "batch_size": 5}),
        ("needs all 23 rows", {"optimizer": "lbfgs", "batch_size": 22}),
        ("dropout does not go with lbfgs", {"optimizer": "lbfgs", "dropout": 0.5}),
        ("clip does not go with lbfgs", {"optimizer": "lbfgs", "clip": Clip(norm=1.0)}),
        ("schedule does not go with lbfgs", {"optimizer": "lbfgs", "schedule": Cosine()}),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_makes_no_sense_is_refused_in_one_line(words, settings):
    with pytest.raises((SettingError, ValueError)) as caught:
        train(net(), X, T, **settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
