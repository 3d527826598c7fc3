"""What the parameters take beyond scikit-learn's, what is refused, and networks that begin without data."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import chainrule as cr
from chainrule.activations.entries import ELU
from chainrule.initializers import INITIALIZERS
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES

RNG = np.random.default_rng(6)
X = RNG.normal(size=(40, 3))
Y = np.where(X[:, 0] > 0, "a", "b")


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def mlp(*positional, **settings):
    return cr.MLPClassifier(*positional, **{"max_iter": 3, "random_state": 0, **settings})


# --- what is taken -------------------------------------------------------------------------------------------------


def test_an_activation_for_each_layer_names_objects_documents_and_callables():
    chosen = ["logistic", ELU(2.0), {"name": "leaky_relu", "slope": 0.1}, lambda z: z / (1 + z * z)]
    found = mlp((5, 4, 3, 2), chosen).fit(X, Y)
    assert [activation.name for activation in found.network_.architecture.hidden] == [
        "sigmoid",
        "elu",
        "leaky_relu",
        "custom",
    ]
    assert np.isfinite(found.predict_proba(X)).all()


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_every_optimizer_by_name_and_as_an_object(name):
    found = mlp(solver=name, learning_rate_init=0.02, max_iter=15).fit(X, Y)
    assert found.loss_ < found.loss_curve_[0]
    rule = OPTIMIZERS.get(name)
    assert mlp(solver=rule, learning_rate_init=77.0).fit(X, Y)._rule is rule
    if name != "lbfgs":
        assert found._rule.learning_rate == 0.02
        assert (getattr(found._rule, "eps", 1e-8), getattr(found._rule, "beta1", 0.9)) == (1e-8, 0.9)


def test_names_take_the_parameters_that_they_have():
    found = mlp(solver="adamw", beta_1=0.8, beta_2=0.7, epsilon=1e-5, learning_rate_init=0.3).fit(X, Y)
    assert found._rule == cr.AdamW(0.3, 0.8, 0.7, 1e-5)
    assert mlp(solver={"name": "rmsprop", "rho": 0.5}).fit(X, Y)._rule == cr.RMSProp(rho=0.5)
    assert mlp(solver="sgd", momentum=0.5).fit(X, Y)._rule == cr.SGD(0.001, 0.5, nesterov=True)
    assert mlp(solver="sgd", momentum=0.0).fit(X, Y)._rule == cr.SGD(0.001)


@pytest.mark.parametrize(
    "schedule", [cr.Cosine(warmup=1), "one_cycle", cr.ExponentialDecay(0.5), {"name": "step", "every": 1}]
)
def test_schedules_of_ours_apply_to_every_rule_that_takes_steps(schedule):
    found = mlp(learning_rate=schedule, max_iter=4, batch_size=10).fit(X, Y)
    factors = SCHEDULES.get(schedule).factors(0, 16, 4, 16, found.loss_curve_)
    assert found.history_.rate == (0.001 * factors[3::4]).tolist()


def test_dropout_l1_clip_and_masks_are_those_of_training():
    masks = [np.array([[1, 0], [1, 1], [0, 1]]), None]
    found = mlp(2, dropout=0.5, l1=0.1, clip=cr.Clip(norm=0.1), masks=masks, solver="sgd").fit(X, Y)
    plain = mlp(2, solver="sgd").initialize(3, classes=["a", "b"]).network_
    net = cr.Network(
        [3, 2, 1], "relu", "sigmoid", "binary_cross_entropy", initializer=plain.theta, masks=masks, dtype="float64"
    )
    rule = cr.SGD(0.001, 0.9, nesterov=True)
    cr.fit(
        net,
        X,
        (Y == "b").astype(float),
        optimizer=rule,
        epochs=3,
        batch_size=40,
        seed=0,
        alpha=1e-4,
        dropout=0.5,
        l1=0.1,
        clip=cr.Clip(norm=0.1),
    )
    assert found.network_.theta.tolist() == net.theta.tolist()
    assert found.coefs_[0][0, 1] == found.coefs_[0][2, 0] == 0


@pytest.mark.parametrize("name", INITIALIZERS.names())
def test_first_weights_by_any_rule(name):
    found = mlp(4, initializer=name, dtype="float32").initialize(3, classes=["a", "b"])
    assert found.network_.theta.tolist() == cr.Network([3, 4, 1], initializer=name, seed=0).theta.tolist()


def test_given_first_weights_are_where_it_begins():
    W, b = [np.ones((3, 2)), np.ones((2, 1))], [np.zeros(2), np.full(1, 7.0)]
    found = mlp(2, coefs_init=W, intercepts_init=b, solver=cr.SGD(1e-12)).fit(X, Y)
    np.testing.assert_allclose(found.intercepts_[1], [7.0], atol=1e-9)
    np.testing.assert_allclose(found.coefs_[0], W[0], atol=1e-9)
    assert mlp(2, coefs_init=W, intercepts_init=b).initialize(3, classes=["a", "b"]).intercepts_[1].tolist() == [7.0]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_type_of_x_is_kept_or_asked_for(kind):
    assert mlp().fit(X.astype(kind), Y).predict_proba(X).dtype == kind
    assert mlp().fit((10 * X).astype(int), Y).network_.dtype == np.float64
    asked = mlp(dtype=np.dtype(kind).name).fit(X, Y)
    assert asked.coefs_[0].dtype == kind
    target = cr.MLPRegressor(max_iter=2).fit(X.astype(kind), X[:, 0])
    assert target.predict(X).dtype == kind


def test_a_row_alone_has_the_bits_that_it_has_in_any_batch():
    for engine in ("auto", "reference"):
        found = mlp(engine=engine).fit(X, Y)
        whole = found.predict_proba(X)
        assert np.concatenate([found.predict_proba(row[None]) for row in X]).tolist() == whole.tolist()
        assert found.predict_proba(X[7:19]).tolist() == whole[7:19].tolist()


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_matrix])
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=["", "early", "lbfgs"])
def test_a_sparse_x_has_the_bits_of_the_array(kind, settings):
    thin = np.where(abs(X) > 0.7, X, 0.0)
    dense, rows = mlp(batch_size=9, **settings), mlp(batch_size=9, **settings)
    if settings.get("solver"):
        dense.batch_size = rows.batch_size = "auto"
    dense.fit(thin, Y)
    rows.fit(kind(thin), Y)
    assert rows.network_.theta.tolist() == dense.network_.theta.tolist()
    assert rows.predict_proba(kind(thin)).tolist() == dense.predict_proba(thin).tolist()


def test_rows_of_weight_0_are_as_if_they_were_not_there():
    weight = np.arange(40) % 3
    kept = weight > 0
    for settings in ({}, {"early_stopping": True}):
        found = mlp(batch_size=7, **settings).fit(X, Y, weight)
        assert (
            found.network_.theta.tolist()
            == mlp(batch_size=7, **settings).fit(X[kept], Y[kept], weight[kept]).network_.theta.tolist()
        )
    assert mlp().fit(X, np.where(kept, Y, "never"), weight).classes_.tolist() == ["a", "b"]
    assert mlp().fit(X, Y, 2.5).network_.theta.tolist() == mlp().fit(X, Y, np.full(40, 2.5)).network_.theta.tolist()


@pytest.mark.filterwarnings("ignore:.*iprint.*:DeprecationWarning")  # of scikit-learn 1.6, beside a newer SciPy
def test_no_hidden_layer_is_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    found = mlp((), solver="lbfgs", alpha=1.0, tol=1e-8, max_iter=500).fit(X, Y)
    exact = LogisticRegression(C=1.0, tol=1e-10).fit(X, Y)
    np.testing.assert_allclose(found.predict_proba(X), exact.predict_proba(X), rtol=1e-3)


# --- without data --------------------------------------------------------------------------------------------------


def test_a_network_without_data_predicts_and_goes_on():
    fresh = mlp(4, warm_start=True).initialize(3, classes=["a", "b"])
    assert fresh.predict(X).shape == (40,)
    assert fresh.fit(X, Y).network_.theta.tolist() == mlp(4).fit(X, Y).network_.theta.tolist()
    parts = mlp(4).initialize(3, classes=["a", "b"])
    for _ in range(3):
        parts.partial_fit(X, Y)
    assert parts.network_.theta.tolist() == fresh.network_.theta.tolist()
    assert mlp(4).initialize(3, n_labels=2).predict(X).shape == (40, 2)
    assert mlp(4).initialize(3, classes=np.array(["b", "a"])).classes_.tolist() == ["a", "b"]
    outputs = mlp(4).initialize(3, classes=[["a", "b"], ["x", "y", "z"]])
    assert [part.shape for part in outputs.predict_proba(X)] == [(40, 2), (40, 3)]
    numbers = cr.MLPRegressor(hidden_layer_sizes=4, random_state=0)
    assert numbers.initialize(3, n_outputs=2).predict(X).shape == (40, 2)
    assert numbers.initialize(3).predict(X).shape == (40,)
    with pytest.raises(ValueError, match=r"^give classes, or n_labels for a table of labels, and not both$"):
        mlp().initialize(3)


# --- what is refused -----------------------------------------------------------------------------------------------

REFUSED = {
    "hidden_layer_sizes is 0, but must be whole numbers": {"hidden_layer_sizes": 0},
    "hidden_layer_sizes is .5, -1., but must be": {"hidden_layer_sizes": (5, -1)},
    "activation is .'relu'., but must be one choice, or a list of 2": {
        "hidden_layer_sizes": (3, 3),
        "activation": ["relu"],
    },
    "there is no activation 'rely': did you mean 'relu'": {"activation": "rely"},
    "there is no optimizer 'adaam': did you mean 'adam'": {"solver": "adaam"},
    "there is no schedule 'cosin': did you mean 'cosine'": {"learning_rate": "cosin"},
    "max_iter is 0, but must be a whole number from 1": {"max_iter": 0},
    "max_iter is 1.5": {"max_iter": 1.5},
    "batch_size is 'all', but must be a whole number from 1, None for all rows": {"batch_size": "all"},
    "alpha is -1": {"alpha": -1},
    "tol is nan": {"tol": float("nan")},
    "n_iter_no_change is 2.5": {"n_iter_no_change": 2.5},
    "learning_rate_init is 0": {"learning_rate_init": 0},
    "validation_fraction is 1.0": {"validation_fraction": 1.0},
    "early_stopping is 'yes', but must be True or False": {"early_stopping": "yes"},
    "momentum of sgd is 1.0": {"solver": "sgd", "momentum": 1.0},
    "beta1 of adam is 1.0": {"beta_1": 1.0},
    "hidden_layer_sizes is .4, .2.., but must be whole numbers": {"hidden_layer_sizes": (4, [2])},
    "dropout is 2, but must be a number from 0": {"dropout": 2},
    "clip is 1.0, but must be a Clip": {"clip": 1.0},
    "coefs_init is None, but must be given too where the other one is": {"intercepts_init": [[0.0]]},
    "there is no engine 'gpu'": {"engine": "gpu"},
    "dtype is 'float16'": {"dtype": "float16"},
    "schedule does not go with lbfgs": {"solver": "lbfgs", "learning_rate": "cosine"},
    "scoring is 'acuracy', but must be a name of sklearn.metrics.get_scorer_names": {"scoring": "acuracy"},
    "scoring is ..accuracy..,": {"scoring": ["accuracy"]},
    "the score of scoring is None, but must be one number": {"scoring": lambda *_: None, "early_stopping": True},
    "random_state is -1": {"random_state": -1},
    "cost 'poisson' needs outputs": {"cost": "poisson", "output_activation": "identity"},
}


@pytest.mark.parametrize("words", REFUSED)
def test_parameters_that_make_no_sense_are_refused_in_one_line(words):
    with pytest.raises(ValueError, match=rf"^[^\n]*{words}[^\n]*$"):
        mlp(**REFUSED[words]).fit(X, Y)


def test_a_refusal_leaves_what_was():
    found = mlp().fit(X, Y)
    before = found.network_.theta.copy()
    with pytest.raises(ValueError, match="there is no engine"):
        found.set_params(engine="gpu").partial_fit(X, Y)
    assert found.network_.theta.tolist() == before.tolist()
    assert found.n_iter_ == 3
    assert found.set_params(engine="auto").partial_fit(X, Y).n_iter_ == 4


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "give classes, or n_labels for a table of labels, and not both"),
        ({"classes": ["a", "b"], "n_labels": 2}, "give classes, or n_labels for a table of labels, and not both"),
        ({"classes": "ab"}, "the classes are 'ab', but must be a list of one at least"),
        ({"classes": []}, r"the classes are \[\], but must be a list of one at least"),
        ({"n_labels": 0}, "n_labels is 0, but must be a whole number from 1"),
        ({"n_labels": 1.5}, "n_labels is 1.5, but must be a whole number from 1"),
    ],
)
def test_a_network_for_no_classes_is_refused_in_one_line(asked, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        mlp().initialize(3, **asked)


def test_a_network_without_data_forgets_the_names_of_columns():
    found = mlp().fit(pd.DataFrame(X, columns=["u", "v", "w"]), Y).initialize(2, classes=["a", "b"])
    assert found.input_names_.tolist() == ["x0", "x1"]


WEIGHTS = {
    "sample_weight sums to more than a float64 can hold": np.full(40, 1e308),
    "sample_weight has shape .40, 2., but must be .40,. or .40, 1.": np.ones((40, 2)),
    "sample_weight has shape .3,., but there are 40 rows": np.ones(3),
    "sample_weight has values that are negative or not finite": -np.ones(40),
    "every sample_weight is zero": np.zeros(40),
    "sample_weight must be numbers": np.full(40, "much"),
}


@pytest.mark.parametrize("words", WEIGHTS)
def test_weights_that_make_no_sense_are_refused_in_one_line(words):
    with pytest.raises(ValueError, match=rf"^{words}[^\n]*$"):
        mlp().fit(X, Y, WEIGHTS[words])


def test_before_a_fit_there_is_nothing():
    fresh = mlp()
    for name in ("coefs_", "loss_curve_", "classes_", "validation_scores_", "n_outputs_", "loss_", "best_loss_"):
        assert not hasattr(fresh, name)
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    for method in (fresh.predict_proba, fresh.hidden_activations, fresh.input_gradients):
        with pytest.raises(NotFittedError):
            method(X)
    for method in (fresh.to_torch, fresh.to_keras_weights):
        with pytest.raises(NotFittedError):
            method()


def test_a_batch_larger_than_the_rows_is_told():
    for call in (mlp(batch_size=50).fit, mlp(batch_size=50).initialize(3, classes=["a", "b"]).partial_fit):
        with pytest.warns(
            UserWarning, match="^batch_size=50 is more than the 40 rows to train on: all are taken$"
        ) as warned:
            call(X, Y)
        assert warned[0].filename == __file__


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_tolerance_of_the_gradient_ends_a_fit_and_not_a_partial_fit(solver):
    X = np.linspace(-1, 1, 40)[:, None]
    settings = {
        "solver": solver,
        "batch_size": None,
        "learning_rate_init": 0.1,
        "max_iter": 3000,
        "tol": 0.0,
        "alpha": 0.0,
    }
    mlp = cr.MLPRegressor(
        hidden_layer_sizes=(), **settings, n_iter_no_change=3000, random_state=0, tolerance=1e-3, dtype="float64"
    )
    mlp.fit(X, 3 * X.ravel() + 1)
    assert (mlp.history_.stopped, mlp.n_iter_ < 3000) == ("converged", True)
    assert np.abs(mlp.network_.gradient(X, 3 * X + 1)).max() <= 1e-3
    if solver != "lbfgs":
        assert mlp.partial_fit(X, 3 * X.ravel() + 1).n_iter_ > 0
        mlp = cr.MLPRegressor(hidden_layer_sizes=(), tolerance=1e9, random_state=0).partial_fit(X, X.ravel())
        assert mlp.n_iter_ == 1
