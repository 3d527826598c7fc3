"""Our fitted estimators as those of scikit-learn: they predict the same, keep what was counted, and go on training."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.errors import ArchitectureError, SettingError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:scipy.optimize. The `disp`:DeprecationWarning"),  # of older ones
]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
TARGETS = {
    "binary": (cr.MLPClassifier, np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]),
    "multiclass": (cr.MLPClassifier, RNG.integers(3, 6, 40)),
    "multilabel": (cr.MLPClassifier, RNG.integers(0, 2, (40, 3))),
    "number": (cr.MLPRegressor, X[:, 0] ** 2),
    "numbers": (cr.MLPRegressor, X[:, :2]),
}
ATTRIBUTES = (
    "n_features_in_", "n_outputs_", "n_layers_", "out_activation_", "n_iter_", "t_", "loss_", "best_loss_",
    "validation_scores_", "best_validation_score_",
)  # fmt: skip


def fitted(target="number", **settings):
    kind, y = TARGETS[target]
    return kind(**{"hidden_layer_sizes": (5, 4), "max_iter": 4, "random_state": 0} | settings).fit(X, y), y


@pytest.mark.parametrize("target", TARGETS)
def test_predictions_scores_and_parameters_are_ours(target):
    ours, y = fitted(target)
    theirs = ours.to_sklearn()
    assert type(theirs).__module__.startswith("sklearn.")
    assert type(theirs).__name__ == type(ours).__name__
    assert theirs.get_params() == {name: ours.get_params()[name] for name in theirs.get_params()}
    if hasattr(ours, "classes_"):
        np.testing.assert_array_equal(theirs.classes_, ours.classes_)
        np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), rtol=1e-12)
        np.testing.assert_array_equal(theirs.predict(X), ours.predict(X))
    else:
        np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=1e-12)
    assert theirs.score(X, y) == pytest.approx(ours.score(X, y), rel=1e-12)
    for mine, other in zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        assert mine.tobytes() == other.tobytes()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_was_counted_is_kept(early_stopping):
    ours, _ = fitted(early_stopping=early_stopping)
    theirs = ours.to_sklearn()
    for name in ATTRIBUTES:
        assert getattr(theirs, name) == getattr(ours, name), name
    assert theirs.loss_curve_ == ours.loss_curve_
    assert theirs.loss_curve_ is not ours.loss_curve_


@pytest.mark.parametrize("target", ["binary", "multiclass", "number"])
@pytest.mark.parametrize(
    "rule",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling"},
        {"solver": "adam", "epsilon": 1e-14},  # which is not added at the same place
    ],
    ids=str,
)
def test_scikit_learn_makes_the_next_steps_that_we_would(rule, target):
    """All rows in every update, in one order: then nothing is drawn, and both make the same updates."""
    ours, y = fitted(target, batch_size=40, shuffle=False, learning_rate_init=0.01, alpha=0.1, max_iter=1, **rule)
    for _ in range(3):
        ours.partial_fit(X, y)
    theirs = ours.to_sklearn()
    for _ in range(3):
        ours.partial_fit(X, y)
        theirs.partial_fit(X, y)
        for mine, other in zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9)
    assert (theirs.t_, len(theirs.loss_curve_)) == (ours.t_, len(ours.loss_curve_))


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_pickled_needs_no_chainrule(target):
    ours, _ = fitted(target, verbose=False)
    theirs = ours.to_sklearn()
    content = pickle.dumps(theirs)
    assert b"chainrule" not in content
    np.testing.assert_array_equal(pickle.loads(content).predict(X), theirs.predict(X))


def test_there_and_back_and_on_gives_the_same_bits():
    ours, y = fitted("multiclass", shuffle=False, batch_size=40)
    again = cr.estimator_from_sklearn(ours.to_sklearn())
    for mlp in (ours, again):
        for _ in range(3):
            mlp.partial_fit(X, y)
    assert again.network_.theta.tobytes() == ours.network_.theta.tobytes()
    assert again.loss_curve_ == ours.loss_curve_


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_warm_start_goes_on_from_our_weights(solver):
    ours, y = fitted("number", solver=solver, max_iter=30, warm_start=True, learning_rate_init=0.01)
    theirs = ours.to_sklearn()
    before = theirs.score(X, y)
    assert theirs.fit(X, y).score(X, y) > before


def test_names_and_types_come_over():
    frame = pd.DataFrame(X.astype("float32"), columns=["a", "b", "c"])
    ours = cr.MLPRegressor(max_iter=2, random_state=0).fit(frame, X[:, 0])
    theirs = ours.to_sklearn()
    assert theirs.feature_names_in_.tolist() == ["a", "b", "c"]
    assert theirs.coefs_[0].dtype == ours.network_.dtype
    np.testing.assert_allclose(theirs.predict(frame), ours.predict(frame), rtol=1e-5, atol=1e-5)


def test_two_outputs_of_softmax_become_one():
    ours, y = fitted("binary", output_activation="softmax", batch_size=40, shuffle=False)
    theirs = ours.to_sklearn()
    assert (ours.n_outputs_, theirs.n_outputs_) == (2, 1)
    np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), rtol=1e-12)
    assert theirs.partial_fit(X, y).n_outputs_ == 1


def test_parameters_that_scikit_learn_lacks_are_said():
    ours, y = fitted(
        "multiclass",
        dropout=0.1,
        solver=cr.AdamW(0.01),
        learning_rate=cr.Cosine(),
        class_weight="balanced",
        batch_size=None,
    )
    with pytest.warns(UserWarning, match=r"^scikit-learn has no [^\n]*: there, training goes on without$") as said:
        theirs = ours.to_sklearn()
    for name in ("dropout=0.1", "solver=AdamW", "learning_rate=Cosine", "class_weight='balanced'", "batch_size=None"):
        assert name in str(said[0].message)
    assert (theirs.solver, theirs.learning_rate, theirs.batch_size) == ("adam", "constant", "auto")
    np.testing.assert_allclose(theirs.predict_proba(X), ours.predict_proba(X), rtol=1e-12)
    theirs.partial_fit(X, y)


def test_what_scikit_learn_cannot_compute_is_refused_in_one_line():
    with pytest.raises(NotFittedError):
        cr.MLPRegressor().to_sklearn()
    several = np.stack([TARGETS["multiclass"][1], X[:, 0] > 0], axis=1)
    cases = [
        (
            cr.MLPRegressor(activation="gelu", max_iter=1).fit(X, X[:, 0]),
            ArchitectureError,
            "the network has activation",
        ),
        (cr.MLPClassifier(max_iter=1).fit(X, several), ArchitectureError, "the network has 2 blocks of outputs"),
        (
            cr.MLPClassifier(max_iter=1, output_activation="sigmoid").fit(X, TARGETS["multiclass"][1]),
            SettingError,
            "the classes have output sigmoid, but",
        ),
        (
            cr.MLPRegressor(preset="tabular", max_iter=1, random_state=0).fit(X, X[:, 0]),
            SettingError,
            'preset="tabular" encodes a table',
        ),
    ]
    for mlp, error, words in cases:
        with pytest.raises(error, match=rf"^{words}[^\n]*$"):
            mlp.to_sklearn()
