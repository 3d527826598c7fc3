"""The training doctor: each finding where it is true, and none of it where it is not."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn import datasets

import chainrule as cr
from chainrule.training.diagnosis import diagnose


def standardised(X):
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1)


IRIS = datasets.load_iris()
WINE = datasets.load_wine()
DIGITS = datasets.load_digits()
DIABETES = datasets.load_diabetes()
FLOWERS = standardised(IRIS.data), IRIS.target.astype(np.int32)
SUGAR = standardised(DIABETES.data), standardised(DIABETES.target[:, None])


def trained(X, T, *, hidden=(16,), activation="relu", first="he_uniform", held=0, dtype="float32", **settings):
    """The history of a training on the rows that are not among every `held`-th, which validate."""
    out = {"output": "softmax", "cost": "cross_entropy"} if T.dtype == np.int32 else {"output": "identity"}
    n_L = int(T.max()) + 1 if T.dtype == np.int32 else T.shape[1]
    net = cr.Network([X.shape[1], *hidden, n_L], activation, initializer=first, seed=1, dtype=dtype, **out)
    test = np.arange(len(X)) % held == 0 if held else np.zeros(len(X), bool)
    validation = {"validation": (X[test], T[test])} if held else {}
    return cr.fit(
        net, X[~test], T[~test], **{"epochs": 30, "optimizer": cr.Adam(0.01), "seed": 2} | validation | settings
    )


def names(history):
    return [finding.name for finding in history.diagnose()]


def noise():
    rng = np.random.default_rng(4)
    return rng.normal(size=(120, 10)), rng.integers(0, 2, 120).astype(np.int32)


def giving_away():
    X, T = SUGAR
    return np.column_stack([X, 5 - 3 * T]), T


def classes_giving_away():
    X, T = FLOWERS
    return np.column_stack([X, (T - 1) ** 3 * 5.0 + np.sin(np.arange(len(T)))]), T


def steep():
    """A plane with little noise: all rows pull the weights in about the same direction."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 6))
    return X, X @ rng.normal(size=(6, 1)) + 3 + 0.01 * rng.normal(size=(2000, 1))


def born_dead():
    """First weights with which 8 of 16 neurons are far off, whatever the inputs."""
    rng = np.random.default_rng(1)
    b = np.where(np.arange(16) < 8, 0.0, -50.0)
    return [rng.normal(size=(10, 16)) / 4, rng.normal(size=(16, 1)) / 4], [b, np.zeros(1)]


def equal(value, n_L=3):
    """First weights that are all the same number."""
    return [np.full((4, 16), value), np.full((16, n_L), value)], [np.zeros(16), np.zeros(n_L)]


def rare(share, shift=1.0, seed=0, balanced=False, yes_or_no=False):
    """A training on two classes, the rarer one moved by `shift`; also as a sigmoid's yes or no, also with weights."""
    rng = np.random.default_rng(seed)
    y = (rng.uniform(size=1000) < share).astype(np.int32)
    X = rng.normal(size=(1000, 6)) + shift * y[:, None] * (np.arange(6) == 0)
    weight = {"sample_weight": np.where(y == 1, 1 - share, share)} if balanced else {}
    if not yes_or_no:
        return trained(X, y, epochs=15, optimizer=cr.Adam(3e-3), **weight)
    net = cr.Network([6, 16, 1], "relu", "sigmoid", "binary_cross_entropy", seed=seed)
    return cr.fit(net, X, y[:, None], epochs=15, optimizer=cr.Adam(3e-3), **weight)


def noise_by_heart(seed=0, n=60, **settings):
    """A training on targets that the inputs do not tell, whose last weights are kept."""
    rng = np.random.default_rng(seed)
    X, T = rng.normal(size=(n, 10)), rng.normal(size=(n, 1))
    return trained(X, T, hidden=(64,), held=4, epochs=150, monitor="training", **settings)


DEEP = {"activation": "sigmoid", "hidden": (16,) * 6, "first": "glorot_uniform", "optimizer": cr.SGD(0.1)}
SICK = {
    "unscaled input": [
        lambda: trained(WINE.data, WINE.target.astype(np.int32)),
        lambda: trained(FLOWERS[0] / 1000, FLOWERS[1]),
    ],
    "unscaled target": [lambda: trained(SUGAR[0], DIABETES.target[:, None])],
    "leak": [lambda: trained(*giving_away()), lambda: trained(*classes_giving_away())],
    "rate too high": [
        lambda: trained(*SUGAR, optimizer=cr.SGD(1.0)),  # diverges
        lambda: trained(*SUGAR, optimizer=cr.Adam(1.0)),  # jumps
        lambda: trained(*FLOWERS, optimizer=cr.SGD(10.0)),
    ],
    "rate too low": [
        lambda: trained(*FLOWERS, optimizer=cr.Adam(1e-5)),
        lambda: trained(*SUGAR, optimizer=cr.SGD(1e-5), held=5),
    ],
    "batch too large": [
        lambda: trained(*steep(), activation="tanh", optimizer=cr.SGD(0.003), batch_size=1000, epochs=10),
    ],
    "saturated units": [
        lambda: trained(100 * FLOWERS[0], FLOWERS[1], activation="tanh"),
        lambda: trained(np.abs(WINE.data), WINE.target.astype(np.int32), activation="sigmoid"),
    ],
    "dead units": [
        lambda: trained(IRIS.data, FLOWERS[1], hidden=(100,), optimizer=cr.Adam(0.03)),
        lambda: trained(*SUGAR, activation="elu", first=born_dead()),
    ],
    "vanishing deltas": [lambda: trained(*FLOWERS, **DEEP)],
    "constant answer": [lambda: trained(*FLOWERS, **DEEP), lambda: trained(*SUGAR, alpha=1e4)],
    "overfitting": [lambda: trained(*noise(), hidden=(64,), held=5, epochs=60)],
    "equal weights": [
        lambda: trained(*FLOWERS, first=equal(0.0)),
        lambda: trained(*FLOWERS, activation="tanh", first=equal(0.1), dtype="float64"),
        lambda: trained(*FLOWERS, activation="sigmoid", first=equal(0.5), engine="reference"),
    ],
    "unbalanced classes": [
        lambda: rare(0.02),
        lambda: rare(0.05, shift=0.0),
        lambda: rare(0.02, yes_or_no=True),
    ],
    "worse than the mean": [
        noise_by_heart,
        lambda: trained(*noise(), hidden=(64,), held=5, epochs=60, monitor="training"),
    ],
}
HEALTHY = {
    "flowers": lambda: trained(*FLOWERS),
    "flowers, tanh": lambda: trained(*FLOWERS, activation="tanh", first="glorot_uniform", held=5),
    "flowers, sigmoid": lambda: trained(*FLOWERS, activation="sigmoid", first="glorot_uniform", held=5),
    "flowers, no hidden layer": lambda: trained(*FLOWERS, hidden=(), held=5),
    "flowers, deep": lambda: trained(*FLOWERS, hidden=(16,) * 5, epochs=20),
    "flowers, descent": lambda: trained(*FLOWERS, optimizer=cr.SGD(0.1), held=5),
    "flowers, L-BFGS": lambda: trained(*FLOWERS, optimizer=cr.LBFGS(), batch_size=None),
    "flowers, softmax within": lambda: trained(*FLOWERS, activation="softmax"),
    "pixels": lambda: trained(
        DIGITS.data[:300] / 16, DIGITS.target[:300].astype(np.int32), hidden=(100,), optimizer=cr.Adam(), held=5
    ),
    "sugar": lambda: trained(*SUGAR, held=5, epochs=10),
    "sugar, dropout": lambda: trained(*SUGAR, hidden=(64,), dropout=0.3, held=5, epochs=40),
    "sugar, over time": lambda: trained(*SUGAR, schedule=cr.Cosine(), held=5, epochs=20),
    "sugar, patience": lambda: trained(*SUGAR, patience=5, held=5, epochs=100),
    "noise, stopped in time": lambda: trained(*noise(), held=5, patience=3, epochs=100),
    "few of a class, told well": lambda: rare(0.05, shift=5.0),
    "few of a class, weighed": lambda: rare(0.05, shift=2.0, balanced=True),
    "few of a class, yes or no": lambda: rare(0.05, shift=5.0, yes_or_no=True),
    "flowers, zeros in the output layer": lambda: trained(
        *FLOWERS,
        first=([np.random.default_rng(0).normal(size=(4, 16)), np.zeros((16, 3))], [np.zeros(16), np.zeros(3)]),
    ),
    "one epoch": lambda: trained(*FLOWERS, epochs=1),
    "exclusive or": lambda: trained(
        np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 5, float),
        np.array([0, 1, 1, 0] * 5, np.int32),
        activation="tanh",
        first="glorot_uniform",
        epochs=200,
    ),
}


@pytest.mark.parametrize(("name", "k"), [(name, k) for name, cases in SICK.items() for k in range(len(cases))])
def test_what_is_wrong_is_found_and_said(name, k):
    history = SICK[name][k]()
    found = {finding.name: finding for finding in history.diagnose()}
    assert name in found
    said = found[name]
    assert said.words
    assert said.change
    assert "\n" not in str(said)
    json.dumps(said.document(), allow_nan=False)


def test_without_a_probe_only_what_the_curve_alone_says_is_found():
    assert names(dataclasses.replace(SICK["rate too high"][0](), probes={})) == ["rate too high"]
    for cases in SICK.values():
        history = cases[-1]()
        assert diagnose(dataclasses.replace(history, probes={})) == []
    assert trained(*FLOWERS, probe=False).probes == {}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_training_in_good_health_has_no_findings(name):
    assert HEALTHY[name]().diagnose() == []


# --- where the line is drawn, on numbers by hand ---------------------------------------------------------------------


def history_of(cost=(), validation=(), **seen):
    """A history of 10 hidden neurons in good health, apart from these numbers; `a__b` is the probe's "a b"."""
    probes = {
        "start saturated": [0.0],
        "end saturated": [0.0],
        "end stuck": [0.0],
        "end dead": [0.0],
        "end units": [10.0],
    }
    probes |= {"start delta": [0.1, 0.5], "end delta": [0.05, 0.1], "end spread": [0.9], "start cost": [1.0]}
    probes |= {name.replace("__", " ").replace("_", " "): values for name, values in seen.items()}
    cost = list(cost or [0.4, 0.3, 0.25, 0.22, 0.21, 0.205, 0.2, 0.2, 0.2, 0.2])
    return cr.History(
        cost, list(validation), {}, 0, "", rate=[0.1] * len(cost), best_epoch=len(cost) - 1, probes=probes
    )


SLOW = [0.999, 0.998, 0.997, 0.996, 0.995, 0.9945, 0.9942, 0.9941, 0.99409, 0.994089]
FALLING = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5]
DONE = [0.5, 0.3, 0.25, 0.22, 0.21, 0.205, 0.202, 0.201, 0.2, 0.2]


def batches(rows, cost=FALLING, **seen):
    """A history of batches of so many rows, where the gradients have a noise scale of 20 rows at the end."""
    seen = {"start__noise_scale": [5.0], "end__noise_scale": [20.0], "end__rows": [256.0]} | seen
    return history_of(cost, start__batch=[float(rows)], **seen)


LINES = {
    "in health": (history_of(), []),
    "saturated in learning": (history_of(end__saturated=[0.9], start__saturated=[0.1]), []),
    "saturated from the start": (history_of(end__saturated=[0.55], start__saturated=[0.9]), ["saturated units"]),
    "no longer saturated": (history_of(end__saturated=[0.4], start__saturated=[0.9]), []),
    "some stuck": (history_of(end__stuck=[0.3]), []),
    "many stuck": (history_of(end__stuck=[0.4]), ["saturated units"]),
    "some dead": (history_of(end__dead=[0.3]), []),
    "many dead": (history_of(end__dead=[0.4]), ["dead units"]),
    "small deltas": (history_of(start__delta=[0.001, 0.5], end__delta=[0.001, 0.5]), []),
    "vanishing": (history_of(start__delta=[4e-4, 0.5], end__delta=[4e-4, 0.5]), ["vanishing deltas"]),
    "vanishing, then not": (history_of(start__delta=[4e-4, 0.5], end__delta=[0.01, 0.5]), []),
    "no error left": (history_of(start__delta=[4e-4, 0.5], end__delta=[0.0, 0.0]), []),
    "dead, so vanishing": (history_of(start__delta=[0, 1.0], end__delta=[0, 1.0], end__dead=[0.9]), ["dead units"]),
    "answers that differ": (history_of(end__spread=[np.nan, 0.001, 0.05]), []),
    "neurons all alike": (history_of(start__same=[0.9], end__same=[0.9]), ["equal weights"]),
    "neurons alike, then not": (history_of(start__same=[0.9], end__same=[0.0]), []),
    "neurons alike in the end": (history_of(start__same=[0.0], end__same=[0.9]), []),
    "neurons alike, and dead": (
        history_of(start__same=[0.9], end__same=[0.9], end__dead=[0.9]),
        ["equal weights", "dead units"],
    ),
    "a class of 79%": (history_of(end__classes=[0.0, 0.79, 50.0, 1.0]), []),
    "a class of 81%": (history_of(end__classes=[0.0, 0.81, 50.0, 1.0]), ["unbalanced classes"]),
    "a class of 81%, others told": (history_of(end__classes=[0.0, 0.81, 50.0, 0.98]), []),
    "a class of 99%, four others": (history_of(end__classes=[0.0, 0.99, 4.0, 1.0]), []),
    "the second of two targets": (history_of(end__classes=[0, 0.9, 50, 0.3, 2, 0.9, 50, 1.0]), ["unbalanced classes"]),
    "a class of 90%, answers alike": (
        history_of(end__classes=[0.0, 0.9, 50.0, 1.0], end__spread=[0.001]),
        ["unbalanced classes"],
    ),
    "a class of 90%, neurons dead": (history_of(end__classes=[0.0, 0.9, 50.0, 1.0], end__dead=[0.9]), ["dead units"]),
    "by heart": (history_of(DONE, [0.6] * 10, start__mean_cost=[0.5, 0.5], end__cost=[0.39]), ["worse than the mean"]),
    "not much by heart": (history_of(DONE, [0.6] * 10, start__mean_cost=[0.5, 0.5], end__cost=[0.41]), []),
    "by heart, no worse than the mean": (
        history_of(DONE, [0.54] * 10, start__mean_cost=[0.5, 0.5], end__cost=[0.1]),
        [],
    ),
    "a mean whose cost is infinite": (
        history_of(DONE, [0.6] * 10, start__mean_cost=[0.5, np.inf], end__cost=[0.1]),
        [],
    ),
    "answers all alike": (history_of(end__spread=[np.nan, 0.001, 0.01]), ["constant answer"]),
    "wiggles": (history_of([0.5] * 5 + [0.3, 0.35, 0.3, 0.35, 0.3]), []),
    "jumps": (history_of([0.5] * 5 + [0.3, 0.6, 0.3, 0.6, 0.3]), ["rate too high"]),
    "too few epochs for jumps": (history_of([0.3, 0.6, 0.3, 0.6, 0.3]), []),
    "above where it began": (history_of([1.5] * 10), ["rate too high"]),
    "above where easy rows began, which are as they were": (history_of([1.5] * 10, end__cost=[1.01]), []),
    "above where it began, all rows": (history_of([1.5] * 10, end__cost=[1.5]), ["rate too high"]),
    "above where easy rows began, then up": (history_of([1.5] * 8 + [9.0, 1.5], end__cost=[1.01]), ["rate too high"]),
    "as good as where it began": (history_of([1.02, 0.99] * 5), []),
    "up and down again": (history_of([0.9, 50.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.3, 0.3, 0.3]), ["rate too high"]),
    "devices that only wait": (
        dataclasses.replace(history_of(start__devices=[2.0, 4e3, 1000.0, 2e5]), seconds=48.0),
        ["too many devices"],
    ),
    "devices that compute": (
        dataclasses.replace(history_of(start__devices=[2.0, 4e6, 1000.0, 6e9]), seconds=3000.0),
        [],
    ),
    "devices in the seconds of the compiler": (
        dataclasses.replace(history_of(start__devices=[2.0, 4e3, 1.0, 2e5]), seconds=4.0),
        [],
    ),
    "still falling": (history_of(FALLING), ["rate too low"]),
    "still falling, gradients alike in large batches": (batches(400), ["batch too large", "rate too low"]),
    "still falling, batches of ten times the noise": (batches(199), ["rate too low"]),
    "still falling, more noise at the start": (
        batches(400, start__noise_scale=[31.0]),
        ["batch too large", "rate too low"],
    ),
    "still falling, more noise in the end": (batches(9999, end__noise_scale=[33.0]), ["rate too low"]),
    "still falling, noise that drowns the mean": (batches(9999, end__noise_scale=[np.inf]), ["rate too low"]),
    "done, gradients alike in large batches": (batches(400, DONE), []),
    "hardly falling, the rate lowered": (
        dataclasses.replace(history_of(SLOW), rate=[0.1] * 5 + [0.05, 0.03, 0.01, 1e-3, 1e-4]),
        ["rate too low"],
    ),
    "a little fallen long ago, the rate lowered": (
        dataclasses.replace(
            history_of([0.9, 0.85, *[0.84] * 6, 0.839, 0.838]), rate=[0.1] * 5 + [0.05, 0.03, 0.01, 1e-3, 1e-4]
        ),
        [],
    ),
    "dropout costs more than the probe before": (
        history_of([1.9, 1.6, 1.5, 1.45, *[1.4] * 6], start__dropout=[0.5]),
        [],
    ),
    "up and down again, with dropout": (
        history_of([1.9, 50.0, 3.0, 2.0, 1.9, 1.8, 1.8, 1.7, 1.7, 1.6], start__dropout=[0.5]),
        ["rate too high"],
    ),
    "inputs rather small": (history_of(start__inputs=[0.0, 0.02, 0.02]), []),
    "inputs far too small": (history_of(start__inputs=[0.0, 0.003, 0.003]), ["unscaled input"]),
    "still falling, validation no longer": (history_of(FALLING, [0.6] * 7 + [0.55, 0.56, 0.57]), []),
    "validation a little worse": (history_of(DONE, [0.5, 0.4, 0.4, 0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 0.45]), []),
    "validation little worse for a good start": (
        history_of(DONE, [0.45, 0.44, 0.445, 0.45, 0.45, 0.455, 0.46, 0.46, 0.46, 0.465], start__cost=[0.46]),
        [],
    ),
    "validation worse in a perfect fit": (history_of(DONE, [1e-5, 1e-6] + [1e-5] * 7 + [2e-5]), []),
    "validation far worse": (history_of(DONE, [0.5, 0.4, 0.4, 0.45, 0.5, 0.55, 0.6, 0.6, 0.65, 0.7]), ["overfitting"]),
    "validation worse, not rising": (history_of(DONE, [0.5, 0.4, 0.7, 0.7, 0.7, 0.6, 0.6, 0.6, 0.6, 0.6]), []),
    "validation worse, training too": (
        history_of([0.2] * 10, [0.5, 0.4, 0.4, 0.45, 0.5, 0.5, 0.6, 0.6, 0.65, 0.7]),
        [],
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_the_line_is_drawn_where_the_docs_say(case):
    history, expected = LINES[case]
    assert names(history) == expected


def test_words_have_the_numbers_and_the_names():
    history = history_of(end__dead=[0.4], start__inputs=[1.0, 250.0, 1.0])
    unscaled, dead = history.diagnose(["age", "fare"])
    assert unscaled.words.startswith("input 'fare' is about 250 in size")
    assert dead.words.startswith("4 of the 10 neurons of layer 2 are off")
    assert history.diagnose()[0].words.startswith("input 2 (X[:, 1]) is about 250")
    assert dict(dead.numbers) == {"layer": 2.0, "dead": 0.4}


def test_estimators_are_diagnosed_with_the_weights_that_predict():
    X, y = WINE.data, WINE.target
    mlp = cr.MLPClassifier((20,), "tanh", max_iter=400, tol=0.0, random_state=1).fit(X, y)
    assert {"unscaled input", "saturated units"} <= set(names(mlp.history_))
    T = np.eye(3)[y]
    assert mlp.history_.probes["end cost"] == [pytest.approx(mlp.network_.cost(X, T, alpha=mlp.alpha), rel=1e-6)]
    mlp.partial_fit(X, y)
    assert {name.split()[0] for name in mlp.history_.probes} == {"start"}  # nothing of before is taken for now
