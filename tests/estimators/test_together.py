"""With the rest of scikit-learn and with frames: pipelines, searches, calibration, routing, pickles."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr

RNG = np.random.default_rng(9)
X = RNG.normal(size=(90, 4))
Y = np.where(X[:, 0] - X[:, 1] > 0, "left", "right")
NUMBERS = 3.0 * X[:, 0] + 10.0


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def mlp(**settings):
    return cr.MLPClassifier(
        **{"hidden_layer_sizes": 6, "max_iter": 25, "learning_rate_init": 0.03, "random_state": 0, **settings}
    )


def numbers(**settings):
    return cr.MLPRegressor(
        **{"hidden_layer_sizes": 6, "max_iter": 25, "learning_rate_init": 0.03, "random_state": 0, **settings}
    )


def test_clone_and_repr_keep_every_parameter():
    schedule = cr.Cosine()
    given = mlp(learning_rate=schedule, activation=["tanh"], class_weight={"left": 2})
    copied = clone(given.fit(X, Y))
    assert copied.get_params() == given.get_params()
    assert not hasattr(copied, "network_")
    assert repr(cr.MLPClassifier(6, alpha=0.5, dropout=0.1)) == (
        "MLPClassifier(alpha=0.5, dropout=0.1, hidden_layer_sizes=6)"
    )
    assert numbers().set_params(loss="poisson").loss == "poisson"
    with pytest.raises(ValueError, match="Invalid parameter 'alfa'"):
        mlp().set_params(alfa=1)


@pytest.mark.parametrize("through", [lambda e, path: pickle.loads(pickle.dumps(e)), "joblib"], ids=["pickle", "joblib"])
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True, "solver": "sgd"}], ids=["", "early"])
def test_pickles_predict_and_go_on_likewise(through, settings, tmp_path):
    found = mlp(**settings).fit(X, Y)
    if through == "joblib":
        joblib.dump(found, tmp_path / "found.joblib")
        again = joblib.load(tmp_path / "found.joblib")
    else:
        again = through(found, tmp_path)
    assert again.predict_proba(X).tolist() == found.predict_proba(X).tolist()
    again.partial_fit(X, Y)
    assert again.network_.theta.tolist() == found.partial_fit(X, Y).network_.theta.tolist()
    assert again._state.run.theta.tolist() == found._state.run.theta.tolist()
    assert again.loss_curve_ == found.loss_curve_


def test_a_search_over_processes_finds_what_one_process_finds():
    grid = {"alpha": [1e-4, 1.0], "activation": ["tanh", "relu"]}
    two = GridSearchCV(mlp(), grid, cv=3, n_jobs=2).fit(X, Y)
    one = GridSearchCV(mlp(), grid, cv=3).fit(X, Y)
    assert two.cv_results_["mean_test_score"].tolist() == one.cv_results_["mean_test_score"].tolist()
    assert two.best_estimator_.network_.theta.tolist() == one.best_estimator_.network_.theta.tolist()
    assert two.best_score_ > 0.85


def test_cross_validation_and_calibration_and_votes():
    assert cross_val_score(mlp(), X, Y, cv=3).mean() > 0.85
    assert cross_val_score(numbers(max_iter=300), X, NUMBERS, cv=3, scoring="r2").mean() > 0.9
    assert cross_val_predict(mlp(), X, Y, method="predict_proba").shape == (90, 2)
    calibrated = CalibratedClassifierCV(mlp(), cv=3).fit(X, Y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert calibrated.score(X, Y) > 0.85
    assert VotingClassifier([("a", mlp()), ("b", mlp(activation="tanh"))], voting="soft").fit(X, Y).score(X, Y) > 0.85
    assert MultiOutputRegressor(numbers()).fit(X, X[:, :2]).predict(X).shape == (90, 2)


def test_pipelines_frames_and_transformed_targets():
    frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=Y)
    columns = ColumnTransformer([("numbers", StandardScaler(), list("abcd")), ("words", OneHotEncoder(), ["kind"])])
    found = Pipeline([("columns", columns), ("mlp", mlp())]).fit(frame, Y)
    assert found.score(frame, Y) == 1.0
    target = TransformedTargetRegressor(numbers(max_iter=300), transformer=StandardScaler()).fit(X, NUMBERS)
    assert target.score(X, NUMBERS) > 0.95
    importance = permutation_importance(mlp().fit(X, Y), X, Y, n_repeats=3, random_state=0).importances_mean
    assert importance[:2].min() > importance[2:].max()


def test_scalers_that_put_out_frames_hand_on_their_names():
    frame = pd.DataFrame(X, columns=list("abcd"))
    found = make_pipeline(StandardScaler().set_output(transform="pandas"), mlp()).fit(frame, Y)
    assert found[-1].feature_names_in_.tolist() == list("abcd")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found.score(frame, Y) > 0.85


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_have_the_bits_of_arrays_and_names_that_are_checked(library):
    frames = pytest.importorskip(library, reason=f"{library} is not installed")
    frame = frames.DataFrame({name: X[:, k] for k, name in enumerate("abcd")})
    y = frames.Series(Y)
    found = mlp().fit(frame, y)
    assert found.network_.theta.tolist() == mlp().fit(X, Y).network_.theta.tolist()
    assert found.predict(frame).tolist() == mlp().fit(X, Y).predict(X).tolist()
    if hasattr(StandardScaler().fit(frame), "feature_names_in_"):  # scikit-learn 1.6 cannot read a newer Polars's
        assert found.feature_names_in_.tolist() == list("abcd")
        with pytest.raises(ValueError, match="feature names should match"):
            found.predict(frame[["b", "a", "c", "d"]])
    held = numbers(early_stopping=True).fit(frame, NUMBERS, X_val=frame[:20], y_val=NUMBERS[:20])
    assert held.best_validation_score_ == held.score(frame[:20], NUMBERS[:20])


def test_metadata_is_routed_to_fit():
    weight = RNG.uniform(size=90)
    with sklearn.config_context(enable_metadata_routing=True):
        same = StandardScaler(with_mean=False, with_std=False).set_fit_request(sample_weight=False)
        asked = mlp(early_stopping=True).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        pipeline = make_pipeline(same, asked)
        pipeline.fit(X, Y, sample_weight=weight, X_val=X[:30], y_val=Y[:30])
        weighted = mlp().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scores = cross_val_score(weighted, X, Y, params={"sample_weight": weight})
        mlp().set_partial_fit_request(total_weight=True, classes=True)
    plain = mlp(early_stopping=True).fit(X, Y, weight, X_val=X[:30], y_val=Y[:30])
    assert pipeline[-1].network_.theta.tolist() == plain.network_.theta.tolist()
    assert scores.shape == (5,)


def test_tags_say_what_it_takes():
    from sklearn.utils import get_tags

    for estimator in (mlp(), numbers()):
        tags = get_tags(estimator)
        assert tags.input_tags.sparse
        assert tags.target_tags.multi_output
        assert tags.target_tags.required
    assert get_tags(mlp()).classifier_tags.multi_label


def test_real_digits_are_read_as_well_as_scikit_learn_reads_them():
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    images, digits = load_digits(return_X_y=True)
    test = np.arange(len(digits)) % 5 == 0
    settings = {"hidden_layer_sizes": (50,), "max_iter": 30, "random_state": 0}
    ours, theirs = (
        kind(**settings).fit(images[~test] / 16, digits[~test]) for kind in (cr.MLPClassifier, MLPClassifier)
    )
    assert ours.score(images[test] / 16, digits[test]) > theirs.score(images[test] / 16, digits[test]) - 0.02 > 0.9
