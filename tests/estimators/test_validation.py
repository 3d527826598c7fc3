"""What chooses the weights and when training ends: rows held out, a validation set of one's own, any score."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, log_loss, make_scorer, r2_score

import chainrule as cr
from chainrule.estimators.stopping import Adaptive, ByExamples, Plateaus
from chainrule.examples import hold_out

RNG = np.random.default_rng(4)
X = RNG.normal(size=(150, 3))
Y = np.where(X[:, 0] + 0.4 * RNG.normal(size=150) > 0.8, "rare", "common")
OUTSIDE, ANSWERS = X[:40], Y[:40]
WEIGHT = RNG.uniform(0.1, 3.0, size=150)


def mlp(**settings):
    return cr.MLPClassifier(
        **{"hidden_layer_sizes": 6, "learning_rate_init": 0.05, "max_iter": 200, "random_state": 0, **settings}
    )


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


# --- rows held out -------------------------------------------------------------------------------------------------


def test_held_out_rows_differ_by_seed_and_are_never_trained_on():
    assert hold_out(0, 50, 0.2, np.zeros(50))[1].tolist() != hold_out(1, 50, 0.2, np.zeros(50))[1].tolist()
    found = mlp(early_stopping=True, validation_fraction=0.2).fit(X, Y)
    kept, held = hold_out(0, 150, 0.2, np.searchsorted(["common", "rare"], Y))
    by_hand = mlp(early_stopping=True).fit(X[kept], Y[kept], X_val=X[held], y_val=Y[held])
    assert by_hand.network_.theta.tolist() == found.network_.theta.tolist()
    assert by_hand.validation_scores_ == found.validation_scores_
    assert found.t_ == 120 * len(found.loss_curve_)


def test_a_class_with_a_single_row_may_be_split():
    lonely = np.append(np.zeros(149), 1)
    assert mlp(early_stopping=True, max_iter=2).fit(X, lonely).classes_.tolist() == [0, 1]


@pytest.mark.parametrize(("n", "fraction", "word"), [(10, 0.1, "small"), (150, 0.0, "small"), (4, 0.99, "large")])
def test_a_split_that_leaves_too_little_is_refused_in_one_line(n, fraction, word):
    with pytest.raises(ValueError, match=rf"^The validation set is too {word}, \d of {n} rows[^\n]*$"):
        mlp(early_stopping=True, validation_fraction=fraction).fit(X[:n], Y[:n])


# --- what is monitored ---------------------------------------------------------------------------------------------


def test_the_weights_are_those_of_the_best_score():
    found = mlp(early_stopping=True, solver="sgd", learning_rate_init=2.0, max_iter=30).fit(X, Y)
    best = int(np.argmax(found.validation_scores_))
    assert best + 1 < len(found.validation_scores_)  # or this has tested nothing
    again = mlp(early_stopping=True, solver="sgd", learning_rate_init=2.0, max_iter=best + 1).fit(X, Y)
    assert again.network_.theta.tolist() == found.network_.theta.tolist()
    assert found.best_validation_score_ == found.validation_scores_[best] == max(found.validation_scores_)
    assert found.history_.best_epoch == best
    assert found.best_loss_ is None


@pytest.mark.parametrize("weight", [None, WEIGHT[:40]], ids=["", "weighted"])
def test_a_validation_set_of_ones_own_only_shows_curves_without_early_stopping(weight):
    held = {"X_val": OUTSIDE, "y_val": ANSWERS, "sample_weight_val": weight}
    beside, alone = mlp(max_iter=20).fit(X, Y, **held), mlp(max_iter=20).fit(X, Y)
    assert beside.network_.theta.tolist() == alone.network_.theta.tolist()
    assert beside.loss_curve_ == alone.loss_curve_
    assert beside.validation_scores_[-1] == beside.score(OUTSIDE, ANSWERS, weight)
    expected = log_loss(ANSWERS, beside.predict_proba(OUTSIDE), sample_weight=weight)
    assert beside.validation_loss_curve_[-1] == pytest.approx(expected)
    assert beside.best_loss_ == min(beside.loss_curve_)
    assert alone.validation_loss_curve_ is None
    beside.partial_fit(X, Y)
    assert beside.validation_scores_ is None
    beside.partial_fit(X, Y, X_val=OUTSIDE, y_val=ANSWERS)
    assert np.isnan(beside.validation_scores_[:21]).all()
    assert beside.validation_scores_[21] == beside.score(OUTSIDE, ANSWERS)


SCORERS = {
    "a name": ("f1_macro", lambda mlp: f1_score(ANSWERS, mlp.predict(OUTSIDE), average="macro")),
    "of probabilities": ("neg_log_loss", lambda mlp: -log_loss(ANSWERS, mlp.predict_proba(OUTSIDE))),
    "made": (
        make_scorer(f1_score, pos_label="rare"),
        lambda mlp: f1_score(ANSWERS, mlp.predict(OUTSIDE), pos_label="rare"),
    ),
    "a callable": (lambda mlp, X, y: mlp.predict_proba(X).max(), lambda mlp: mlp.predict_proba(OUTSIDE).max()),
    "": (None, lambda mlp: mlp.score(OUTSIDE, ANSWERS)),
}


@pytest.mark.parametrize("name", SCORERS)
def test_any_scorer_chooses(name):
    scoring, expected = SCORERS[name]
    found = mlp(early_stopping=True, scoring=scoring, max_iter=15).fit(X, Y, X_val=OUTSIDE, y_val=ANSWERS)
    assert found.best_validation_score_ == pytest.approx(expected(found))
    assert len(found.validation_scores_) == 15 or found.stopped_


def test_a_scorer_gets_the_validation_sets_weights_and_frames_keep_their_names():
    import pandas as pd

    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    found = mlp(early_stopping=True, scoring="accuracy", max_iter=10).fit(frame, Y, WEIGHT)
    plain = mlp(early_stopping=True, max_iter=10).fit(X, Y, WEIGHT)
    assert found.validation_scores_ == pytest.approx(plain.validation_scores_)
    assert found.feature_names_in_.tolist() == ["a", "b", "c"]


def test_regression_is_scored_by_r2():
    target = X @ [1.0, 2.0, -1.0]
    found = cr.MLPRegressor(hidden_layer_sizes=8, early_stopping=True, max_iter=30, random_state=0)
    found.fit(X, target, X_val=OUTSIDE, y_val=target[:40], sample_weight_val=WEIGHT[:40])
    assert found.best_validation_score_ == r2_score(target[:40], found.predict(OUTSIDE), sample_weight=WEIGHT[:40])


def test_weights_of_no_validation_set_are_refused():
    with pytest.raises(ValueError, match=r"^sample_weight_val came alone, but is of X_val and y_val: give those too$"):
        mlp().fit(X, Y, sample_weight_val=np.ones(40))


@pytest.mark.parametrize("half", [{"X_val": OUTSIDE}, {"y_val": ANSWERS}])
def test_half_a_validation_set_is_refused(half):
    with pytest.raises(ValueError, match=r"^X_val and y_val belong together: give both or neither$"):
        mlp().fit(X, Y, **half)


# --- when it ends --------------------------------------------------------------------------------------------------


def slow_plateaus(values, tol, patience):
    """As scikit-learn's loop has it, word for word."""
    best, count, found = np.inf, 0, []
    for value in values:
        count = count + 1 if value > best - tol else 0
        best = min(best, value)
        found.append(count > patience)
        count = 0 if count > patience else count
    return np.cumsum([0, *found]).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_plateaus_are_scikit_learns(seed):
    values = np.random.default_rng(seed).normal(size=60).cumsum().tolist()
    for tol, patience in [(1e-4, 1), (0.3, 2), (1.0, 5)]:
        plateaus, seen = Plateaus(tol, patience), []
        for end in range(0, 61, 7):
            seen = plateaus.after(values[: end or 1])
        assert seen + plateaus.after(values)[len(seen) :] == slow_plateaus(values, tol, patience)
        assert Plateaus(tol, patience, since=20).after(values)[20:] == slow_plateaus(values[20:], tol, patience)


def test_a_value_that_is_no_number_is_no_gain():
    assert Plateaus(0.0, 0).after([np.nan, 1.0, np.nan, 0.5]) == [0, 1, 1, 2, 2]


SWITCHES = {
    "rows held out": ({}, {"early_stopping": True}, {}),
    "the loss on rows held out": ({}, {"early_stopping": True, "scoring": "loss"}, {}),
    "a validation set of one's own": ({}, {"early_stopping": True}, {"X_val": OUTSIDE, "y_val": ANSWERS}),
    "scores after the loss": ({"early_stopping": True, "scoring": "loss"}, {"scoring": None}, {}),
    "no more scores": ({"early_stopping": True}, {"early_stopping": False}, {}),
}


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("first", [3, 4, 12])
def test_patience_counts_from_the_first_epoch_that_is_watched(name, first):
    before, now, held = SWITCHES[name]
    found = mlp(**before, warm_start=True, max_iter=first, n_iter_no_change=20).fit(X, Y, **held)
    found.set_params(**now, max_iter=40, n_iter_no_change=3, tol=1e9).fit(X, Y, **held)
    assert (found.n_iter_, found.stopped_) == (1 + 3 + 1, True)  # the first is a gain, then more than three are none


@pytest.mark.parametrize("held", [{}, {"X_val": OUTSIDE, "y_val": ANSWERS}], ids=["held out", "of one's own"])
def test_patience_in_partial_fit_counts_from_the_first_epoch_that_is_watched(held):
    found = mlp(n_iter_no_change=3, tol=1e9)
    for _ in range(12):
        found.partial_fit(X, Y, classes=["common", "rare"], **held)
    found.set_params(early_stopping=True)
    for _ in range(20):
        found.partial_fit(X, Y, **held)
    assert found.history_.epochs == 12 + 1 + 3 + 1


def test_the_rate_falls_by_plateaus_of_what_is_watched():
    settings = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 0.0}
    found = mlp(**settings, warm_start=True, max_iter=5).fit(X, Y)
    found.set_params(early_stopping=True, max_iter=5, tol=1e9).fit(X, Y)
    np.testing.assert_allclose(found.history_.rate, [0.05] * 9 + [0.01])  # 5 without a score, a gain, a plateau of 3


def test_the_adaptive_rate_falls_by_5_and_ends_below_a_millionth():
    settings = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 1e-3, "tol": 1e9}
    found = mlp(**settings, n_iter_no_change=1).fit(X, Y)
    assert (
        found.n_iter_ == 1 + 2 * 6
    )  # the first epoch is a gain; then a plateau every two epochs: 5 falls, and the end
    np.testing.assert_allclose(found.history_.rate[::2], [1e-3, *(1e-3 / 5**k for k in range(6))][:7])
    assert found.stopped_
    assert found.history_.rate[-1] * 5 > 1e-6
    assert found.history_.rate[-1] <= 1e-6


def test_schedules_of_ours_know_how_scikit_learns_count():
    adaptive = Adaptive(tol=0.0, patience=1, most=2)
    watched = [5.0] * 9
    np.testing.assert_allclose(adaptive.factors(0, 20, 2, 20, watched), np.repeat([1, 1, 1, 0.2, 0.2, *[0.04] * 5], 2))
    scaled = ByExamples(power=1.0, rows=10, before=-5)
    assert scaled.factors(0, 4, 2, 4, []).tolist() == [1.0, 1.0, 1 / 6, 1 / 6]


def test_an_end_by_itself_is_told_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = mlp(tol=0.05, n_iter_no_change=2).fit(X, Y)
    assert found.stopped_
    assert found.history_.stopped == "patience"
    assert found.history_.message == "the training loss did not improve by more than tol=0.05 for 2 epochs in a row"


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_what_diverges_is_an_error_unless_a_validation_set_has_chosen():
    wild = {"solver": "sgd", "learning_rate_init": 1e4, "momentum": 0.0, "activation": "identity", "max_iter": 400}
    far = 1e3 * X
    with pytest.raises(
        ValueError, match=r"^training diverged, [^\n]*the last good weights are kept[^\n]*learning rate[^\n]*$"
    ):
        cr.MLPRegressor(**wild, random_state=0).fit(far, far[:, 0])
    wild |= {"learning_rate_init": 1e-6, "hidden_layer_sizes": 3, "n_iter_no_change": 1000}
    for rate in (1e-6, 3e-6, 1e-5, 1e-4):
        kept = cr.MLPRegressor(**{**wild, "learning_rate_init": rate}, random_state=0, early_stopping=True)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                kept.fit(far, far[:, 0])
            except ValueError:
                continue
        if kept.history_.stopped == "diverged":
            assert any("training diverged" in str(warning.message) for warning in told)
            assert np.isfinite(kept.predict(far)).all()
            return
    raise AssertionError("no rate diverged after its first epoch: choose others")
