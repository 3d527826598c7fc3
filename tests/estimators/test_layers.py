"""Rates of layers and label smoothing in the estimators: the bits of `cr.fit`, warm starts, files, refusals."""

import math

import numpy as np
import pytest
from sklearn.base import clone

import chainrule as cr
from chainrule.errors import SettingError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3))
CLASSES = RNG.integers(0, 3, 40)
NUMBERS = X @ [1.0, -2.0, 0.5]
CONTROL = [
    {"rates": {"3": 0.1}},
    {"rates": {2: 0, "4": 3.0}},
    {"label_smoothing": 0.2},
    {"rates": {"2": 0.5}, "label_smoothing": 0.1},
]


def classifier(**settings):
    usual = {"max_iter": 4, "batch_size": 7, "random_state": 5, "n_iter_no_change": math.inf}
    return cr.MLPClassifier((6, 4), "tanh", **usual | settings)


@pytest.mark.parametrize("control", CONTROL, ids=str)
def test_they_train_with_the_bits_of_fit(control):
    net = classifier().initialize(3, [0, 1, 2]).network_.copy()
    usual = {"optimizer": cr.Adam(0.001), "alpha": 0.0001, "batch_size": 7, "epochs": 4, "seed": 5}
    cr.fit(net, X, CLASSES, **usual, **control)
    plain = classifier().fit(X, CLASSES).network_.theta.tobytes()
    assert classifier(**control).fit(X, CLASSES).network_.theta.tobytes() == net.theta.tobytes() != plain


def test_a_frozen_layer_keeps_its_bits_until_a_warm_start_frees_it():
    mlp = classifier(rates={"2": 0}, warm_start=True).initialize(3, [0, 1, 2])
    first = mlp.network_.W[0].tobytes()
    assert mlp.fit(X, CLASSES).network_.W[0].tobytes() == first
    assert mlp.set_params(rates=None).fit(X, CLASSES).network_.W[0].tobytes() != first


def test_partial_fit_is_fit():
    control = {"rates": {"2": 0, "3": 2.0}, "label_smoothing": 0.3}
    parts, whole = classifier(**control), classifier(**control).fit(X, CLASSES)
    for _ in range(4):
        parts.partial_fit(X, CLASSES, classes=[0, 1, 2])
    assert parts.network_.theta.tobytes() == whole.network_.theta.tobytes()


def test_every_member_under_the_preset_has_them():
    control = {"rates": {"2": 0}, "label_smoothing": 0.3, "initializer": "he_normal"}
    mlp = cr.MLPClassifier(preset="tabular", max_iter=2, random_state=0, **control)
    mlp.fit(X, CLASSES)
    longer = clone(mlp).set_params(max_iter=6).fit(X, CLASSES)
    assert mlp.network_.W[0].tobytes() == longer.network_.W[0].tobytes()
    assert mlp.network_.W[1].tobytes() != longer.network_.W[1].tobytes()


def test_files_and_clones_have_them(tmp_path):
    mlp = classifier(rates={"2": 0, 3: 0.5}, label_smoothing=0.3).fit(X, CLASSES)
    cr.save(mlp, tmp_path / "m")
    read = cr.load(tmp_path / "m")
    assert (read.rates, read.label_smoothing) == (mlp.rates, 0.3)
    again = mlp.partial_fit(X, CLASSES).network_.theta
    assert read.partial_fit(X, CLASSES).network_.theta.tobytes() == again.tobytes()
    assert clone(mlp).rates == mlp.rates


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"rates": {"5": 0.1}}, "rates has layer 5, but the layers with weights are 2 to 4"),
        ({"rates": {"2": 0, "3": 0, "4": 0}}, "rates is 0 for every layer, so nothing would be trained: [^\n]*"),
        ({"rates": {"1": 0.1}}, "a layer of rates is '1', but must be its number, from 2"),
        ({"rates": 0.1}, "rates is 0.1, but must be a mapping [^\n]*"),
        ({"rates": {"2": 0.1}, "solver": "lbfgs"}, "rates does not go with lbfgs[^\n]*"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0, but must be a number from 0 to below 1"),
        ({"label_smoothing": 0.1, "cost": "quadratic"}, "label_smoothing is 0.1, but no output has classes[^\n]*"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_line(settings, line):
    with pytest.raises(SettingError, match=f"^{line}$"):
        classifier(**settings).fit(X, CLASSES)


def test_a_regression_has_no_labels_to_smooth():
    with pytest.raises(SettingError, match=r"^label_smoothing is 0\.1, but no output has classes as targets[^\n]*$"):
        cr.MLPRegressor(hidden_layer_sizes=(4,), label_smoothing=0.1, max_iter=2).fit(X, NUMBERS)
    mlp = cr.MLPRegressor(hidden_layer_sizes=(4,), rates={"2": 0}, max_iter=2, random_state=0).fit(X, NUMBERS)
    assert (
        mlp.network_.W[0].tobytes()
        == cr.MLPRegressor(hidden_layer_sizes=(4,), random_state=0).initialize(3).network_.W[0].tobytes()
    )
