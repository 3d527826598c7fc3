"""Intervals, sets and the spread of estimators with preset="tabular": coverage, files, calls in parts, refusals."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError

DRAW = np.random.default_rng(0)
X, NEW = DRAW.uniform(-2, 2, (200, 2)), DRAW.uniform(-2, 2, (2000, 2))
NOISE, NEW_NOISE = DRAW.normal(size=200), DRAW.normal(size=2000)
Y, NEW_Y = 3 * X[:, 0] + NOISE, 3 * NEW[:, 0] + NEW_NOISE
FEW = {"preset": "tabular", "max_iter": 5, "random_state": 0}


def test_intervals_have_the_true_numbers_as_often_as_promised():
    mlp = cr.MLPRegressor(**FEW).fit(X, Y)
    low, high = mlp.predict_interval(NEW, 0.9).T
    assert 0.9 - 0.08 < np.mean((low <= NEW_Y) & (high >= NEW_Y)) < 0.9 + 0.08
    again = cr.MLPRegressor(**FEW).fit(X, np.stack([Y, -Y], axis=1))
    ends = again.predict_interval(NEW[:5])
    assert ends.shape == (5, 2, 2)
    assert again.predict_spread(NEW[:5]).shape == (5, 2)
    one = cr.MLPRegressor(hidden_layer_sizes=(4,), validation_fraction=0.3, **FEW).fit(X, Y)
    low, high = one.predict_interval(NEW, 0.9).T
    assert np.mean((low <= NEW_Y) & (high >= NEW_Y)) > 0.9 - 4 * 0.3 / np.sqrt(60)


@pytest.mark.parametrize("kind", ["two", "three", "labels"])
def test_sets_have_the_true_classes_as_often_as_promised(kind, tmp_path):
    make = {
        "two": lambda y: np.where(y > 0, "yes", "no"),
        "three": lambda y: np.digitize(y, [-2, 2]),
        "labels": lambda y: np.stack([y > 0, y > 1], axis=1).astype(int),
    }[kind]
    mlp = cr.MLPClassifier(**FEW).fit(X, make(Y))
    inside, truth = mlp.predict_set(NEW, 0.9), make(NEW_Y)
    columns = truth.T if kind == "labels" else [truth]
    for own, true in zip(inside if kind == "labels" else [inside], columns, strict=True):
        codes = np.unique(true, return_inverse=True)[1]
        assert own[np.arange(len(true)), codes].mean() > 0.9 - 0.08
        assert own.any(axis=1).all()
    cr.save(mlp, tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    assert np.array_equal(again.predict_set(NEW, 0.9), inside)
    assert np.array_equal(again.predict_spread(NEW), mlp.predict_spread(NEW))


def test_calls_with_other_rows_leave_no_answers():
    y = np.where(Y > 0, "yes", "no")
    mlp = cr.MLPClassifier(**FEW).partial_fit(X, y, classes=["no", "yes"])
    assert mlp.partial_fit(X, y).predict_set(NEW[:2]).shape == (2, 2)
    mlp.partial_fit(X[:100], y[:100])
    with pytest.raises(SettingError, match="this estimator has no answers for rows that it was not trained on"):
        mlp.predict_set(NEW)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda mlp: mlp.predict_interval(NEW, 1.5), "coverage is 1.5, but must be a number above 0 to below 1"),
        (lambda mlp: mlp.predict_interval(NEW, 0.999), "coverage is 0.999, which needs 999 rows"),
    ],
)
def test_a_coverage_that_cannot_be_kept_is_refused(call, line):
    with pytest.raises(SettingError, match=line):
        call(cr.MLPRegressor(**FEW).fit(X, Y))


def test_without_the_preset_there_is_nothing_to_say():
    mlp = cr.MLPRegressor(max_iter=1, random_state=0).partial_fit(X, Y)
    with pytest.raises(SettingError, match="fit it with preset='tabular'"):
        mlp.predict_interval(X)
    with pytest.raises(SettingError, match="one network, so nothing spreads"):
        mlp.predict_spread(X)
