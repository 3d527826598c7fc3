"""Intervals and sets: those of MAPIE to the last digit, by the definitions as loops, and as often right as promised.

The literal numbers are those of MAPIE 1.6.0 with scikit-learn's LinearRegression and LogisticRegression on these data:
`CrossConformalRegressor(method="plus")`, `SplitConformalRegressor`, `CrossConformalClassifier` with
`agg_scores="crossval"`, and `SplitConformalClassifier`; the last two with `conformity_score="lac"`.
"""

import math

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold

from chainrule.errors import SettingError
from chainrule.model.conformal import SCORES, Band, Calibration, class_scores

N = 60
PLACES = np.arange(N)
X = ((PLACES * 37) % N)[:, None] / 10.0
Y = 2 * X[:, 0] + np.sin(PLACES * PLACES * 1.0) * (1 + X[:, 0] / 3)
Z = (np.sin(PLACES * PLACES * 1.0) * 1.2 + X[:, 0] > 2).astype(int) + (np.sin(PLACES**2 * 3.0) * 1.2 + X[:, 0] > 4)
NEW = np.array([[0.5], [2.0], [4.5], [7.0]])
NEW_CLASSES = np.linspace(0, 6, 13)[:, None]
CROSS = {
    0.5: [[-0.318876, 2.33082], [2.581801, 5.279944], [7.591982, 10.196014], [12.680364, 15.039023]],
    0.8: [[-1.148005, 2.907224], [1.943985, 5.960254], [6.953578, 11.075869], [11.849477, 16.10636]],
    0.9: [[-1.455495, 3.38291], [1.597535, 6.339409], [6.544955, 11.426229], [11.277265, 16.443054]],
    0.95: [[-1.842267, 4.077216], [1.042549, 6.954453], [5.850649, 11.770175], [10.658748, 16.578275]],
}
SPLIT = {
    0.5: [[-1.119582, 1.765475], [2.186463, 5.071521], [7.69654, 10.581597], [13.206616, 16.091674]],
    0.8: [[-1.662436, 2.308328], [1.64361, 5.614374], [7.153687, 11.124451], [12.663763, 16.634527]],
    0.9: [[-1.839638, 2.48553], [1.466408, 5.791576], [6.976485, 11.301652], [12.486561, 16.811729]],
}
CROSS_SETS = {  # a digit for each set: 1, 2 and 4 for the classes that it has
    0.5: "1111002200444",
    0.8: "1111322266444",
    0.9: "1113332666644",
}
SPLIT_SETS = {0.5: "1111102044444", 0.8: "1111332666444", 0.9: "1113337666444"}


def band(P):
    return Band(P, P, np.ones_like(P))


@pytest.fixture(scope="module")
def numbers():
    """The errors of all rows out of fold, their folds, and the predictions of new rows by each of five models."""
    fold, out, new = np.empty(N, int), np.empty(N), np.empty((len(NEW), 5))
    for k, (train, rest) in enumerate(KFold(5).split(X)):
        model = LinearRegression().fit(X[train], Y[train])
        fold[rest], out[rest], new[:, k] = k, model.predict(X[rest]), model.predict(NEW)
    return np.abs(Y - out), fold, new


@pytest.fixture(scope="module")
def classes():
    """The same for classes: probabilities."""
    fold, out, new = np.empty(N, int), np.empty((N, 3)), np.empty((len(NEW_CLASSES), 5, 3))
    for k, (train, rest) in enumerate(KFold(5).split(X)):
        model = LogisticRegression().fit(X[train], Z[train])
        fold[rest], out[rest], new[:, k] = k, model.predict_proba(X[rest]), model.predict_proba(NEW_CLASSES)
    return out, fold, new


@pytest.mark.parametrize("coverage", CROSS)
def test_intervals_of_members_are_those_of_mapie(numbers, coverage):
    scores, fold, new = numbers
    ends = Calibration(scores, fold).interval(band(new), coverage)
    np.testing.assert_allclose(ends, CROSS[coverage], atol=6e-7)


@pytest.mark.parametrize("coverage", SPLIT)
def test_intervals_of_held_out_rows_are_those_of_mapie(coverage):
    model = LinearRegression().fit(X[:30], Y[:30])
    calibration = Calibration(np.abs(Y[30:] - model.predict(X[30:])), np.zeros(30, int))
    ends = calibration.interval(band(model.predict(NEW)[:, None]), coverage)
    np.testing.assert_allclose(ends, SPLIT[coverage], atol=6e-7)


def as_digits(inside):
    return "".join(map(str, inside @ [1, 2, 4]))


@pytest.mark.parametrize("coverage", CROSS_SETS)
def test_sets_of_members_are_those_of_mapie(classes, coverage):
    out, fold, new = classes
    scores = class_scores(out, "lac")[np.arange(N), Z]
    inside = Calibration(scores, fold).contains(class_scores(new, "lac"), coverage)
    assert as_digits(inside) == CROSS_SETS[coverage]


@pytest.mark.parametrize("coverage", SPLIT_SETS)
def test_sets_of_held_out_rows_are_those_of_mapie(coverage):
    model = LogisticRegression().fit(X[:30], Z[:30])
    scores = class_scores(model.predict_proba(X[30:]), "lac")[np.arange(30), Z[30:]]
    new = class_scores(model.predict_proba(NEW_CLASSES)[:, None], "lac")
    assert as_digits(Calibration(scores, np.zeros(30, int)).contains(new, coverage)) == SPLIT_SETS[coverage]


# --- by the definitions as loops -------------------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.3, 0.8, 0.9])
def test_ends_are_order_statistics_of_all_rows(numbers, coverage, monkeypatch):
    scores, fold, new = numbers
    wide = Band(new - 0.5, new + 0.25, np.linspace(0.5, 2, new.size).reshape(new.shape))
    rank = math.ceil(coverage * (N + 1) - 1e-9)
    expected = []
    for j in range(len(new)):
        low = sorted(wide.low[j, fold[i]] - wide.width[j, fold[i]] * scores[i] for i in range(N))
        high = sorted(wide.high[j, fold[i]] + wide.width[j, fold[i]] * scores[i] for i in range(N))
        expected.append([low[N - rank], high[rank - 1]])
    assert Calibration(scores, fold).interval(wide, coverage).tolist() == expected
    monkeypatch.setattr("chainrule.model.conformal._CELLS", N)  # one row at a time
    assert Calibration(scores, fold).interval(wide, coverage).tolist() == expected


@pytest.mark.parametrize("coverage", [0.3, 0.8, 0.9])
@pytest.mark.parametrize("method", SCORES)
def test_a_class_belongs_to_a_set_if_few_rows_have_a_lower_score(classes, coverage, method):
    out, fold, new = classes
    scores, own = class_scores(out, method)[np.arange(N), Z], class_scores(new, method)
    inside = Calibration(scores, fold).contains(own, coverage)
    for j, c in np.ndindex(inside.shape):
        lower = sum(scores[i] < own[j, fold[i], c] for i in range(N))
        assert inside[j, c] == (lower < math.ceil(coverage * (N + 1) - 1e-9))


def test_scores_of_classes_by_hand():
    p = np.array([0.05, 0.4, 0.02, 0.3, 0.03, 0.15, 0.05])
    assert class_scores(p, "lac").tolist() == (1 - p).tolist()
    sums = np.array([0.9, 0.4, 1.0, 0.7, 0.98, 0.85, 0.95])
    np.testing.assert_allclose(class_scores(p, "aps"), sums, rtol=1e-15)
    np.testing.assert_allclose(class_scores(p, "raps"), sums + np.array([0, 0, 0.02, 0, 0.01, 0, 0]), rtol=1e-15)


def test_the_band_of_two_quantiles_has_scores_below_0_inside():
    two = Band(*np.array([[[1.0]], [[3.0]], [[2.0]]]))
    assert [two.scores(np.array([y]))[0, 0] for y in (0.0, 1.0, 2.0, 5.0)] == [0.5, 0.0, -0.5, 1.0]


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_equal_weights_change_nothing(numbers, classes, coverage):
    scores, fold, new = numbers
    for weight in (1.0, 0.37):
        weighted = Calibration(scores, fold, np.full(N, weight))
        ends = weighted.interval(band(new), coverage)
        assert ends.tolist() == Calibration(scores, fold).interval(band(new), coverage).tolist()
    out, fold, new = classes
    scores = class_scores(out, "aps")[np.arange(N), Z]
    sets = [Calibration(scores, fold, w).contains(class_scores(new, "aps"), coverage) for w in (None, np.full(N, 3.0))]
    assert sets[0].tolist() == sets[1].tolist()


def test_rows_of_great_weight_decide():
    scores = np.r_[np.ones(50), np.full(50, 9.0)]
    weight = np.r_[np.full(50, 99.0), np.ones(50)]
    ends = Calibration(scores, np.zeros(100, int), weight).interval(band(np.zeros((1, 1))), 0.9)
    assert ends.tolist() == [[-1.0, 1.0]]
    assert Calibration(scores, np.zeros(100, int)).interval(band(np.zeros((1, 1))), 0.9).tolist() == [[-9.0, 9.0]]


# --- what is promised ------------------------------------------------------------------------------------------------


def test_coverage_is_as_promised_whatever_the_errors_are():
    draw = np.random.default_rng(0)
    hits = []
    for _ in range(400):
        errors = np.abs(draw.standard_cauchy(40))
        ends = Calibration(errors[:39], np.zeros(39, int)).interval(band(np.zeros((1, 1))), 0.8)
        hits.append(errors[39] <= ends[0, 1])
    assert abs(np.mean(hits) - 0.8) < 3 * math.sqrt(0.16 / 400)


@pytest.mark.parametrize(("n", "coverage"), [(8, 0.9), (98, 0.99), (1, 0.6)])
def test_too_few_rows_are_refused_in_one_line(n, coverage):
    calibration = Calibration(np.arange(n) * 1.0, np.zeros(n, int))
    with pytest.raises(SettingError, match=rf"coverage is {coverage}, which needs .* rows .* has {n}: take a smaller"):
        calibration.interval(band(np.zeros((1, 1))), coverage)
    with pytest.raises(SettingError, match="take a smaller coverage, or train with more rows"):
        calibration.contains(np.zeros((1, 1, 2)), coverage)


@pytest.mark.parametrize(("n", "coverage"), [(9, 0.9), (99, 0.99), (1, 0.5)])
def test_just_enough_rows_give_the_greatest_error(n, coverage):
    calibration = Calibration(np.arange(n) * 1.0, np.zeros(n, int))
    assert calibration.interval(band(np.zeros((1, 1))), coverage).tolist() == [[1.0 - n, n - 1.0]]
