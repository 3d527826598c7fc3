"""fit = n × partial_fit = warm start in pieces = pickled between: equal bits, under every rule that has a memory."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(3)
X = RNG.normal(size=(90, 4))
LABELS = np.array(["a", "b", "c"])[(X[:, 0] + 0.5 * RNG.normal(size=90) > 0).astype(int) + (X[:, 1] > 0.5)]
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * RNG.normal(size=90)
TABLE = (X[:, :3] > 0.3).astype(int)  # labels, several a row
PAIRS = np.stack([LABELS, np.where(X[:, 2] > 0, "yes", "no")], axis=1)
WEIGHT = RNG.integers(0, 4, size=90).astype(float)

SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.5,
        "tol": 0.05,
        "n_iter_no_change": 1,
    },
    "early stopping": {"early_stopping": True, "learning_rate_init": 0.01},
    "early and adaptive": {
        "early_stopping": True,
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.5,
        "n_iter_no_change": 1,
    },
    "a schedule object": {"solver": cr.AdamW(0.01), "learning_rate": cr.StepDecay(0.5, every=2.5)},
    "plateau": {"solver": cr.RMSProp(0.02), "learning_rate": cr.Plateau(0.5, patience=1)},
    "dropout": {"dropout": 0.3, "l1": 0.01, "clip": cr.Clip(norm=0.5)},
    "in order, float32": {"shuffle": False, "dtype": "float32"},
    "its own stopping is far": {"n_iter_no_change": np.inf, "scoring": "neg_log_loss", "early_stopping": True},
    "reference": {"engine": "reference", "activation": ["tanh", "logistic"]},
}
LINE_SEARCH = {
    "lbfgs": {"solver": "lbfgs"},
    "lbfgs, little memory": {"solver": cr.LBFGS(memory=2), "alpha": 0.1},
    "lbfgs, float32": {"solver": "lbfgs", "dtype": "float32", "engine": "reference"},
}  # these take no partial_fit
EPOCHS = 9


def classifier(**settings):
    small = {"hidden_layer_sizes": (6, 5), "batch_size": 16, "max_iter": EPOCHS, "random_state": 5}
    return cr.MLPClassifier(**{**small, **settings})


def same(a, b):
    """Whether two estimators are the same to the bit: what they answer, what they go on from, what they tell."""
    return (
        a.network_.theta.tolist() == b.network_.theta.tolist()
        and a._state.run.theta.tolist() == b._state.run.theta.tolist()
        and a._state.run.slots.tolist() == b._state.run.slots.tolist()
        and a._state.run.step == b._state.run.step
        and (a.loss_curve_, a.validation_scores_, a.history_.rate)
        == (b.loss_curve_, b.validation_scores_, b.history_.rate)
        and (a.t_, a.stopped_, a.best_loss_) == (b.t_, b.stopped_, b.best_loss_)
    )


def in_epochs(estimator, y, epochs, weight=None):
    first = {"classes": np.unique(y)} if isinstance(estimator, cr.MLPClassifier) and y.ndim == 1 else {}
    for _ in range(epochs):
        estimator.partial_fit(X, y, sample_weight=weight, **first)
    return estimator


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_fit_is_so_many_partial_fits(name, weight):
    whole = classifier(**SETTINGS[name]).fit(X, LABELS, sample_weight=weight)
    pieces = in_epochs(classifier(**SETTINGS[name]), LABELS, whole.n_iter_, weight)
    assert same(whole, pieces)
    assert whole.n_iter_ == pieces.n_iter_
    assert len(whole.loss_curve_) == whole.n_iter_


@pytest.mark.parametrize("name", [*SETTINGS, *LINE_SEARCH])
def test_warm_start_in_pieces_and_a_pickle_between_them_are_one_fit(name):
    settings = {**SETTINGS, **LINE_SEARCH}[name]
    whole = classifier(**settings).fit(X, LABELS)
    piece = classifier(**settings, warm_start=True)
    for epochs in (2, 1, EPOCHS - 3):
        if not getattr(piece, "stopped_", False):
            piece = pickle.loads(pickle.dumps(piece.set_params(max_iter=epochs).fit(X, LABELS)))
    assert same(whole, piece)


@pytest.mark.parametrize("schedule", [cr.Cosine(), cr.OneCycle()], ids=str)
def test_a_schedule_that_has_an_end_takes_max_iter_for_it(schedule):
    whole = classifier(learning_rate=schedule).fit(X, LABELS)
    pieces = in_epochs(classifier(learning_rate=schedule), LABELS, EPOCHS)
    assert same(whole, pieces)
    assert in_epochs(pieces, LABELS, 2).n_iter_ == EPOCHS + 2
    assert pieces.history_.rate[-1] <= pieces.history_.rate[EPOCHS - 1]


@pytest.mark.parametrize("y", [NUMBERS, np.stack([NUMBERS, X[:, 0]], axis=1)], ids=["one", "two"])
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"cost": "huber", "early_stopping": True}])
def test_numbers_go_on_likewise(y, settings):
    estimator = cr.MLPRegressor(hidden_layer_sizes=4, max_iter=EPOCHS, random_state=1, batch_size=7, **settings)
    assert same(clone(estimator).fit(X, y), in_epochs(clone(estimator), y, EPOCHS))


def test_several_outputs_go_on_likewise():
    assert same(classifier().fit(X, TABLE), in_epochs(classifier(), TABLE, EPOCHS))
    pieces = classifier()
    for _ in range(EPOCHS):
        pieces.partial_fit(X, PAIRS, classes=[np.unique(column) for column in PAIRS.T])
    assert same(classifier().fit(X, PAIRS), pieces)


def test_the_order_differs_between_epochs_and_seeds():
    one, two, other = (classifier(random_state=seed, max_iter=2).fit(X, LABELS) for seed in (5, 5, 6))
    assert same(one, two)
    assert one.coefs_[0].tolist() != other.coefs_[0].tolist()


def test_without_early_stopping_partial_fit_never_ends():
    never = {"tol": 1e9, "n_iter_no_change": 1, "random_state": 0}
    whole = classifier(**never, max_iter=50).fit(X, LABELS)
    assert (whole.n_iter_, whole.stopped_) == (3, True)
    pieces = in_epochs(classifier(**never), LABELS, 6)
    assert (pieces.n_iter_, len(pieces.loss_curve_), pieces.stopped_) == (6, 6, False)
    assert pieces.loss_curve_[:3] == whole.loss_curve_
    assert same(in_epochs(whole, LABELS, 3), pieces)  # nor where fit has ended by itself


def test_with_early_stopping_calls_after_the_end_train_nothing():
    settings = {"early_stopping": True, "tol": 1e9, "n_iter_no_change": 2, "max_iter": 50}
    whole = classifier(**settings).fit(X, LABELS)
    pieces = in_epochs(classifier(**settings), LABELS, 10)
    assert (whole.n_iter_, whole.stopped_) == (4, True)
    assert same(whole, pieces)
    assert pieces.n_iter_ == 4


def test_coefs_are_the_best_so_far_and_training_goes_on_from_the_current_ones():
    estimator = classifier(early_stopping=True, solver="sgd", learning_rate_init=2.0, momentum=0.0)
    seen = []
    for _ in range(12):
        in_epochs(estimator, LABELS, 1)
        seen.append(
            (estimator._state.run.theta.copy(), estimator.network_.theta.copy(), estimator.validation_scores_[-1])
        )
    best, answer = None, None
    for current, kept, score in seen:
        if best is None or score > best:
            best, answer = score, current
        assert kept.tolist() == answer.tolist()
    assert any(kept.tolist() != current.tolist() for current, kept, _ in seen)  # or this has tested nothing
    assert estimator.best_validation_score_ == best
    assert estimator.best_loss_ is None


def test_weights_that_are_written_are_what_training_goes_on_from():
    a, b = classifier().fit(X, LABELS), classifier().fit(X, LABELS)
    b.coefs_[0][...] = 0.0
    a.coefs_ = b.coefs_
    a.partial_fit(X, LABELS)
    assert same(a, b.partial_fit(X, LABELS))
    assert a.loss_curve_[-1] != classifier().fit(X, LABELS).partial_fit(X, LABELS).loss_curve_[-1]


def test_a_part_is_penalised_as_the_whole_where_the_total_weight_says_so():
    def after(**more):
        estimator = classifier(alpha=5.0, solver="sgd", batch_size=30, momentum=0.0, learning_rate_init=0.1)
        return estimator.partial_fit(X[:30], LABELS[:30], classes=np.unique(LABELS), **more)

    first, alone, part = classifier().initialize(4, classes=np.unique(LABELS)), after(), after(total_weight=90.0)
    shrunk = 0.1 * 5.0 * (1 / 30 - 1 / 90)  # the rest of both steps is the same
    for before, a, b in zip(first.coefs_, alone.coefs_, part.coefs_, strict=True):
        np.testing.assert_allclose(b - a, shrunk * before, atol=1e-12)


def test_a_random_state_draws_one_seed_and_keeps_it():
    def fitted(state, **more):
        return classifier(random_state=state, **more).fit(X, LABELS)

    a, b = fitted(np.random.RandomState(1)), fitted(np.random.RandomState(1))
    assert a.seed_ == b.seed_
    assert same(a, b)
    seed = a.seed_
    assert same(fitted(seed), a)
    assert a.partial_fit(X, LABELS).seed_ == seed
    shared = np.random.RandomState(1)
    assert fitted(shared).seed_ != fitted(shared).seed_
    np.random.seed(4)  # noqa: NPY002
    first = fitted(None)
    np.random.seed(4)  # noqa: NPY002
    assert same(first, fitted(None))
    assert first.seed_ != first.fit(X, LABELS).seed_


def test_the_rate_of_invscaling_follows_the_examples_seen_whatever_the_chunks():
    estimator = classifier(**SETTINGS["invscaling"], batch_size=10)
    for rows in (90, 10, 40, 10):
        estimator.partial_fit(X[:rows], LABELS[:rows], classes=np.unique(LABELS))
    seen = np.array([0, 90, 100, 140])
    np.testing.assert_allclose(estimator.history_.rate, 0.5 / np.sqrt(seen + 1))
    assert estimator.t_ == 150


def test_another_solver_goes_on_with_empty_slots():
    estimator = classifier().fit(X, LABELS)
    before = estimator.loss_
    estimator.set_params(solver="sgd", learning_rate_init=0.01).partial_fit(X, LABELS)
    assert estimator._state.run.slots.shape[0] == 1
    assert estimator._state.run.step == 6
    assert estimator.loss_ < before


def test_another_solver_with_as_many_slots_begins_with_empty_ones_too():
    settings = {"batch_size": None, "shuffle": False, "alpha": 0.0}
    estimator = classifier(solver="sgd", **settings).fit(X, LABELS)
    first = {
        "coefs_init": [W.copy() for W in estimator.coefs_],
        "intercepts_init": [b.copy() for b in estimator.intercepts_],
    }
    fresh = in_epochs(classifier(solver=cr.RMSProp(0.01), **settings, **first), LABELS, 1)
    went_on = in_epochs(estimator.set_params(solver=cr.RMSProp(0.01)), LABELS, 1)
    assert went_on._state.run.slots.shape == (1, fresh.network_.theta.size)
    assert went_on.network_.theta.tolist() == fresh.network_.theta.tolist()


def test_settings_may_change_between_calls_and_curves_say_what_was_not_known():
    estimator = classifier().fit(X, LABELS)
    estimator.set_params(early_stopping=True).partial_fit(X, LABELS)
    assert np.isnan(estimator.validation_scores_[:EPOCHS]).all()
    assert np.isfinite(estimator.validation_scores_[EPOCHS])
    assert estimator.history_.best_epoch == EPOCHS  # of those that have a score
    assert estimator.best_validation_score_ == estimator.validation_scores_[EPOCHS]
    estimator.set_params(early_stopping=False, activation="tanh").partial_fit(X, LABELS)
    assert estimator.validation_scores_ is None
    assert str(estimator.network_.architecture.hidden[0]) == "tanh"
    with pytest.raises(
        ValueError, match=r"^hidden_layer_sizes is 3, but the network to go on from has \(6, 5\)[^\n]*$"
    ):
        estimator.set_params(hidden_layer_sizes=3).partial_fit(X, LABELS)


def test_a_warm_start_after_its_own_end_waits_anew():
    estimator = classifier(tol=1e9, n_iter_no_change=2, max_iter=50, warm_start=True)
    assert [estimator.fit(X, LABELS).n_iter_ for _ in range(3)] == [4, 4, 4]
    assert len(estimator.loss_curve_) == 12


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"preset": "tabular"}], ids=str)
def test_a_later_call_leaves_the_network_of_an_earlier_one_as_it_is(settings):
    estimator = classifier(warm_start=True, max_iter=2, **settings)
    networks = [estimator.fit(X, LABELS).network_]
    weights = [networks[0].theta.copy()]
    for call in (estimator.partial_fit, estimator.fit, estimator.set_params(warm_start=False).fit):
        networks.append(call(X, LABELS).network_)
        weights.append(networks[-1].theta.copy())
    assert len(set(map(id, networks))) == 4
    for network, theta in zip(networks, weights, strict=True):
        assert network.theta.tolist() == theta.tolist()


def test_time_adds_up_over_calls():
    estimator = classifier()
    seconds = [in_epochs(estimator, LABELS, 1).history_.seconds for _ in range(6)]
    assert seconds == sorted(set(seconds))


def test_a_fit_without_warm_start_forgets():
    estimator = classifier()
    assert same(estimator.fit(X[:50], LABELS[:50]).fit(X, LABELS), classifier().fit(X, LABELS))


def test_l_bfgs_has_no_partial_fit():
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError) as raised:
        _ = classifier(solver=cr.LBFGS()).partial_fit
    assert "L-BFGS needs all rows" in str(raised.value.__cause__)


def test_max_fun_bounds_each_call_of_a_warm_start():
    """As max_iter does, and as in scikit-learn."""
    mlp = classifier(solver="lbfgs", warm_start=True, max_fun=5, max_iter=50)
    for calls in range(1, 4):
        with pytest.warns(ConvergenceWarning, match="max_fun=5 times"):
            mlp.fit(X, LABELS)
        assert len(mlp.loss_curve_) >= calls
        assert mlp.n_iter_ >= 1


def test_a_warning_says_when_epochs_were_too_few():
    with pytest.warns(ConvergenceWarning, match="^the 2 epochs of max_iter ended before training converged") as told:
        classifier(max_iter=2).fit(X, LABELS)
    assert told[0].filename == __file__
