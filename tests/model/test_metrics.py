"""The metrics against scikit-learn's, and where we differ from it."""

import numpy as np
import pytest
from sklearn import metrics as peer

from chainrule.errors import DataError
from chainrule.model.metrics import (
    accuracy,
    auc,
    average_precision,
    balanced_accuracy,
    brier,
    ece,
    exact_match,
    explained_variance,
    f1,
    kappa,
    label_auc,
    label_f1,
    label_log_loss,
    log_loss,
    mae,
    mape,
    max_error,
    mcc,
    median_absolute_error,
    mse,
    precision,
    quadratic_kappa,
    r2,
    rank_error,
    recall,
    rmse,
    rmsle,
)

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
@pytest.mark.parametrize("k", [2, 5])
def test_classes_against_scikit_learn(n, k):
    true, predicted = RNG.integers(0, k, n), RNG.integers(0, k, n)
    P = RNG.dirichlet(np.ones(k), n)
    assert accuracy(true, predicted) == pytest.approx(peer.accuracy_score(true, predicted), rel=1e-15)
    words = np.array([f"c{i}" for i in range(k)], object)
    assert accuracy(words[true], words[predicted]) == accuracy(true, predicted)
    if len(set(true)) > 1:
        assert balanced_accuracy(true, predicted) == pytest.approx(recall_of_true(true, predicted), rel=1e-14)
    assert f1(true, predicted) == pytest.approx(peer.f1_score(true, predicted, average="macro"), rel=1e-14)
    assert f1(words[true], words[predicted]) == f1(true, predicted)
    macro = {"average": "macro", "zero_division": 0}
    assert precision(true, predicted) == pytest.approx(peer.precision_score(true, predicted, **macro), rel=1e-14)
    assert recall(true, predicted) == pytest.approx(peer.recall_score(true, predicted, **macro), rel=1e-14)
    if len({*true, *predicted}) > 1:  # else scikit-learn warns
        assert mcc(true, predicted) == pytest.approx(peer.matthews_corrcoef(true, predicted), rel=1e-12, abs=1e-15)
        assert kappa(true, predicted) == pytest.approx(peer.cohen_kappa_score(true, predicted), rel=1e-12, abs=1e-15)
    assert log_loss(np.eye(k)[true], P) == pytest.approx(peer.log_loss(true, P, labels=range(k)), rel=1e-12)
    weight = RNG.random(n) + 0.1
    for each in (None, weight):
        expected = peer.brier_score_loss(true, P if k > 2 else P[:, 1], sample_weight=each, labels=range(k))
        assert brier(np.eye(k)[true], P, each) == pytest.approx(expected, rel=1e-12)


def recall_of_true(true, predicted):
    """scikit-learn's balanced accuracy warns of classes that are predicted alone; this is its definition."""
    return peer.recall_score(true, predicted, average="macro", labels=np.unique(true), zero_division=0)


@pytest.mark.parametrize("n", [20, 1000])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_auc_against_scikit_learn_with_ties(n, k):
    true = np.concatenate([np.arange(k), RNG.integers(0, k, n - k)])
    P = RNG.dirichlet(np.ones(k), n)
    for chances in (P, ties(P)):
        given = chances[:, 1] if k == 2 else chances
        expected = peer.roc_auc_score(true, given, multi_class="ovr", average="macro")
        assert auc(np.eye(k)[true], chances) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("n", [20, 1000])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_average_precision_against_scikit_learn_with_ties(n, k):
    true = np.concatenate([np.arange(k), RNG.integers(0, k, n - k)])
    P = RNG.dirichlet(np.ones(k), n)
    for chances in (P, ties(P)):
        T = np.eye(k)[true]
        expected = peer.average_precision_score(*((T[:, 1], chances[:, 1]) if k == 2 else (T, chances)))
        assert average_precision(T, chances) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(average_precision([[1, 0], [1, 0]], [[0.5, 0.5], [0.4, 0.6]]))


def test_kappa_of_one_class_is_not_a_number_and_mcc_is_0():
    assert np.isnan(kappa(["a", "a"], ["a", "a"]))
    assert mcc(["a", "a"], ["a", "a"]) == 0


def test_rmsle_ends_at_minus_1():
    assert np.isnan(rmsle([0.0], [-1.0]))


OF_CLASSES = [accuracy, balanced_accuracy, f1, precision, recall, mcc, kappa]
OF_PROBABILITIES = [auc, average_precision, brier, ece, log_loss]
OF_NUMBERS = [rmse, mse, mae, median_absolute_error, mape, max_error, r2, explained_variance, rmsle]


@pytest.mark.parametrize("metric", [*OF_CLASSES, *OF_PROBABILITIES, *OF_NUMBERS])
@pytest.mark.parametrize("n", [6, 7, 200])
def test_weight_2_is_the_row_twice_and_weight_0_is_without_it(metric, n):
    weight = np.concatenate([[1, 1, 1, 0, 2], RNG.integers(0, 4, n - 5)])
    twice = np.repeat(np.arange(n), weight)
    if metric in OF_NUMBERS:
        y = RNG.gamma(1, size=n)
        a = y + RNG.gamma(1, size=n)
    else:
        codes = np.concatenate([[0, 1, 2, 0, 1], RNG.integers(0, 3, n - 5)])
        y, a = (
            (codes, RNG.integers(0, 3, n))
            if metric in OF_CLASSES
            else (np.eye(3)[codes], ties(RNG.dirichlet(np.ones(3), n)))
        )
    assert metric(y, a, weight) == pytest.approx(metric(y[twice], a[twice]), rel=1e-12, abs=1e-14)
    assert metric(y, a, np.ones(n)) == pytest.approx(metric(y, a), rel=1e-12)


@pytest.mark.parametrize("weight", [[1.0], [0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [[1.0], [1.0]]])
def test_weights_that_are_none_are_refused(weight):
    with pytest.raises(DataError, match="weights must be numbers from 0, one for each row, and one of them above 0"):
        mae([1.0, 2.0], [1.0, 2.0], weight)


def ties(P):
    """The same with few different values, rows still summing to 1."""
    coarse = np.floor(8 * P) / 8
    coarse[:, -1] = 1 - coarse[:, :-1].sum(axis=1)
    return coarse


def test_auc_is_not_a_number_where_a_class_is_missing():
    assert np.isnan(auc([[1, 0], [1, 0]], [[0.5, 0.5], [0.4, 0.6]]))


def test_balanced_accuracy_counts_every_class_alike():
    assert balanced_accuracy(list("aaab"), list("aaaa")) == peer.balanced_accuracy_score(list("aaab"), list("aaaa"))


def test_a_share_of_zero_is_infinite_unless_it_is_met():
    assert mape([0.0, 1.0], [0.5, 1.0]) == np.inf
    assert mape([0.0, 1.0], [0.0, 1.5]) == 0.25


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2,), (500,), (500, 1), (500, 3)])
def test_numbers_against_scikit_learn(shape, dtype):
    y = RNG.standard_normal(shape).astype(dtype)
    a = (y + RNG.standard_normal(shape) / 2).astype(dtype)
    y64, a64 = y.astype(float), a.astype(float)
    assert rmse(y, a) == pytest.approx(np.sqrt(peer.mean_squared_error(y64, a64)), rel=1e-13)
    assert mae(y, a) == pytest.approx(peer.mean_absolute_error(y64, a64), rel=1e-13)
    assert r2(y, a) == pytest.approx(peer.r2_score(y64, a64), rel=1e-12)
    assert mse(y, a) == pytest.approx(peer.mean_squared_error(y64, a64), rel=1e-13)
    assert explained_variance(y, a) == pytest.approx(peer.explained_variance_score(y64, a64), rel=1e-12)
    if len(shape) == 1:
        assert max_error(y, a) == pytest.approx(peer.max_error(y64, a64), rel=1e-13)
    y2, a2 = np.abs(y64), np.abs(a64)
    assert rmsle(y2, a2) == pytest.approx(np.sqrt(peer.mean_squared_log_error(y2, a2)), rel=1e-12)
    assert mape(y, a) == pytest.approx(peer.mean_absolute_percentage_error(y64, a64), rel=1e-12)
    assert median_absolute_error(y, a) == pytest.approx(peer.median_absolute_error(y64, a64), rel=1e-13)


def test_r2_of_columns_without_spread():
    y = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]])
    a = np.array([[1.0, 2.5, 3.0], [1.0, 2.0, 4.0]])
    assert [r2(y[:, j], a[:, j]) for j in range(3)] == [1.0, 0.0, 1.0]
    assert r2(y, a) == peer.r2_score(y, a) == pytest.approx(2 / 3)


def test_log_loss_is_not_clipped():
    assert log_loss([[1, 0]], [[0.0, 1.0]]) == np.inf
    assert log_loss([[1, 0]], [[1.0, 0.0]]) == 0
    assert log_loss([[1, 0]], [[1e-300, 1.0]]) == pytest.approx(300 * np.log(10))
    assert log_loss([[0.5, 0.5]], [[0.25, 0.75]]) == pytest.approx(-(np.log(0.25) + np.log(0.75)) / 2)


def test_calibration_error_by_hand():
    P = np.array([[0.9, 0.1], [0.95, 0.05], [0.25, 0.75], [0.5, 0.5]])  # bins 14, 15, 12 and 8
    T = np.eye(2)[[0, 1, 1, 0]]
    assert ece(T, P) == pytest.approx((0.1 + 0.95 + 0.25 + 0.5) / 4, rel=1e-12)
    assert ece(T, P, [1, 0, 2, 1]) == pytest.approx((0.1 + 2 * 0.25 + 0.5) / 4, rel=1e-12)
    assert ece(T, P, [2, 2, 2, 2]) == pytest.approx(ece(T, P), rel=1e-12)
    assert ece(np.eye(2)[[0, 0, 1, 0]], np.eye(2)[[0, 0, 1, 0]]) == 0
    assert ece([[0, 0]], [[0.5, 0.5]]) == 0.5  # a class that has no column is a wrong answer
    assert brier([[0, 0]], [[0.5, 0.5]]) == 0.75
    assert brier([[0, 0, 0]], [[0.5, 0.5, 0.0]]) == 1.5


ALL = [*OF_CLASSES, *OF_PROBABILITIES, *OF_NUMBERS]


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(("a", "b"), [((3,), (3, 1)), ((3, 1), (3,)), ((3, 2), (2, 2)), ((0, 2), (0, 2)), ((), (3,))])
def test_shapes_that_would_broadcast_are_refused(metric, a, b):
    with pytest.raises(DataError, match="cannot be compared"):
        metric(np.zeros(a), np.zeros(b))


@pytest.mark.parametrize("metric", OF_PROBABILITIES)
def test_what_takes_probabilities_needs_a_column_per_class(metric):
    with pytest.raises(DataError, match=r"\(n, k\), not the shape \(2,\)"):
        metric([1, 0], [0.5, 0.5])


def test_metrics_of_orders_and_labels_agree_with_scikit_learn():
    y, a = RNG.integers(0, 4, 80), RNG.integers(0, 4, 80)
    assert quadratic_kappa(y, a) == pytest.approx(peer.cohen_kappa_score(y, a, weights="quadratic"))
    assert rank_error(y, a) == pytest.approx(peer.mean_absolute_error(y, a))
    T, P = RNG.integers(0, 2, (80, 3)), RNG.random((80, 3))
    assert exact_match(T, P) == pytest.approx(peer.accuracy_score(T, P > 0.5))
    assert label_f1(T, P) == pytest.approx(peer.f1_score(T, P > 0.5, average="micro"))
    assert label_auc(T, P) == pytest.approx(peer.roc_auc_score(T, P, average="macro"))
    by_label = [peer.log_loss(T[:, k], P[:, k]) for k in range(3)]
    assert label_log_loss(T, P) == pytest.approx(np.mean(by_label))


@pytest.mark.parametrize(
    ("metric", "arguments"),
    [
        (rank_error, ([-1, -1], [0, 1])),
        (quadratic_kappa, ([-1], [0])),
        (quadratic_kappa, ([1, 1], [1, 1])),
        (label_f1, ([[0, 0]], [[0.1, 0.2]])),
        (label_auc, ([[1, 0], [1, 0]], [[0.1, 0.2], [0.1, 0.2]])),
    ],
)
def test_scores_that_are_not_defined_are_nan(metric, arguments):
    assert np.isnan(metric(*arguments))
