"""The table of differences in docs/from-scikit-learn.md: a test for each row, which shows both sides."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # scikit-learn's, where it diverges
    pytest.mark.filterwarnings("ignore:.*iprint.*:DeprecationWarning"),  # of scikit-learn 1.6, beside a newer SciPy
]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-scikit-learn.md"
WEIGHTED = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 7)
newer = pytest.mark.skipif(not WEIGHTED, reason="scikit-learn has weights of rows and the Poisson loss from 1.7 on")

RNG = np.random.default_rng(12)
N = 40
X = RNG.normal(size=(N, 3))
Y = np.digitize(X[:, 0] + 0.3 * RNG.normal(size=N), [-0.5, 0.5])
NUMBERS = X[:, 0] - X[:, 1] ** 2
ROWS: dict[str, str] = {}


def row(name):
    """Marks a test as that of a row of the table."""

    def mark(test):
        ROWS[name] = test.__name__
        return test

    return mark


def pair(kind="MLPClassifier", **settings):
    """Theirs and ours, not fitted."""
    given = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0, **settings}
    return getattr(neural_network, kind)(**given), getattr(cr, kind)(**given)


def alike(kind="MLPClassifier", y=Y, **settings):
    """Both, fitted from the same first weights with the rows in the same order."""
    more = {"sample_weight": settings.pop("sample_weight")} if "sample_weight" in settings else {}
    theirs, ours = pair(kind, **{"hidden_layer_sizes": (), "shuffle": False, **settings})
    draw = np.random.RandomState(0)
    n = len(np.unique(y)) if kind == "MLPClassifier" else np.atleast_2d(y.T).shape[0]
    bound = np.sqrt(6 / (3 + n))
    given = [draw.uniform(-bound, bound, (3, n))], [draw.uniform(-bound, bound, n)]
    ours.set_params(coefs_init=given[0], intercepts_init=given[1])
    return theirs.fit(X, y, **more), ours.fit(X, y, **more)


def test_every_row_has_its_test_and_every_test_its_row():
    table = PAGE.read_text("utf-8").split("## What changes when the import changes")[1]
    names = re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)
    assert list(ROWS) == names


@row("random numbers")
def test_the_stream_is_another():
    theirs, ours = pair(max_iter=1)
    assert not np.allclose(theirs.fit(X, Y).coefs_[0], ours.fit(X, Y).coefs_[0], atol=0.01)


@row("seed")
def test_a_seed_is_drawn_once():
    theirs, ours = pair(random_state=np.random.RandomState(1), warm_start=True)
    state = [np.random.RandomState(1).get_state()[1].tolist(), theirs.fit(X, Y).random_state.get_state()[1].tolist()]
    assert state[0] != state[1]
    seed = ours.fit(X, Y).seed_
    drawn = ours.random_state.get_state()[2]
    assert ours.fit(X, Y).partial_fit(X, Y).seed_ == seed
    assert ours.random_state.get_state()[2] == drawn


@row("partial_fit")
def test_partial_fit_is_the_next_epoch():
    (theirs, ours), (theirs_parts, ours_parts) = pair(batch_size=7, random_state=3), pair(batch_size=7, random_state=3)
    for part in (theirs_parts, ours_parts):
        for _ in range(5):
            part.partial_fit(X, Y, classes=[0, 1, 2])
    assert np.abs(theirs.fit(X, Y).coefs_[0] - theirs_parts.coefs_[0]).max() > 0
    assert ours.fit(X, Y).coefs_[0].tolist() == ours_parts.coefs_[0].tolist()


@row("partial_fit and early stopping")
def test_partial_fit_goes_with_early_stopping():
    theirs, ours = pair(early_stopping=True)
    with pytest.raises(ValueError, match="does not support early_stopping"):
        theirs.partial_fit(X, Y, classes=[0, 1, 2])
    assert len(ours.partial_fit(X, Y, classes=[0, 1, 2]).validation_scores_) == 1


@row("warm start")
def test_warm_starts_are_one_fit():
    def pieces(kind):
        whole = kind(hidden_layer_sizes=4, max_iter=6, random_state=0, shuffle=False, solver="sgd").fit(X, Y)
        parts = kind(hidden_layer_sizes=4, max_iter=3, random_state=0, shuffle=False, solver="sgd", warm_start=True)
        return np.abs(parts.fit(X, Y).fit(X, Y).coefs_[0] - whole.coefs_[0]).max()

    assert pieces(neural_network.MLPClassifier) > 0
    assert pieces(cr.MLPClassifier) == 0


@row("n_iter_ in partial_fit")
def test_partial_fit_counts_on():
    found = []
    for kind in pair():
        for _ in range(3):
            kind.partial_fit(X, Y, classes=[0, 1, 2])
        found.append(kind.n_iter_)
    assert found == [1, 3]


@row("alpha")
def test_alpha_does_not_depend_on_the_batch():
    def shrunk(kind, batch):  # by the penalty alone: everything is 0 but the weights
        both = alike("MLPRegressor", np.zeros(N), alpha=1.0, batch_size=batch, max_iter=1, solver="sgd", momentum=0.0)
        free = alike("MLPRegressor", np.zeros(N), alpha=0.0, batch_size=batch, max_iter=1, solver="sgd", momentum=0.0)
        return np.linalg.norm(both[kind].coefs_[0]) - np.linalg.norm(free[kind].coefs_[0])

    steps = [N // batch for batch in (10, N)]  # how often it is applied
    assert shrunk(0, 10) / shrunk(0, N) == pytest.approx(steps[0] * N / 10, rel=0.1)
    assert shrunk(1, 10) / shrunk(1, N) == pytest.approx(steps[0], rel=0.1)


@newer
@row("weights of rows")
def test_a_weight_counts_alike_in_every_batch():
    weight = np.repeat([1.0, 9.0], N // 2)  # the first batch light, the second heavy
    theirs, ours = alike(sample_weight=weight, batch_size=N // 2, max_iter=1, solver="sgd", momentum=0.0, alpha=0.0)
    same, plain = alike(batch_size=N // 2, max_iter=1, solver="sgd", momentum=0.0, alpha=0.0)
    np.testing.assert_allclose(theirs.coefs_[0], same.coefs_[0], rtol=1e-12)  # each batch is divided by its own weight
    assert np.abs(ours.coefs_[0] - plain.coefs_[0]).max() > 1e-6


@newer
@row("rows of weight 0")
def test_rows_of_weight_0_are_not_there():
    weight = np.arange(N) % 2
    labels = np.where(weight > 0, Y, 7)
    theirs, ours = pair(batch_size=10, early_stopping=True)
    assert 7 in theirs.fit(X, labels, sample_weight=weight).classes_
    assert 7 not in ours.fit(X, labels, sample_weight=weight).classes_
    kept = clone_fit(ours, X[weight > 0], Y[weight > 0])
    assert kept.coefs_[0].tolist() == ours.coefs_[0].tolist()


def clone_fit(estimator, *data):
    return type(estimator)(**estimator.get_params()).fit(*data)


@row("loss")
def test_the_losss_penalty_is_that_of_the_epochs_end():
    theirs, ours = alike(alpha=5.0, batch_size=N, max_iter=1, solver="sgd", learning_rate_init=0.5, tol=0.0)
    free = alike(alpha=0.0, batch_size=N, max_iter=1, solver="sgd", learning_rate_init=0.5)[1]
    first = ours.coefs_init[0]
    assert theirs.loss_ - free.loss_ == pytest.approx(5.0 / (2 * N) * (first**2).sum())
    assert ours.loss_ - free.loss_ == pytest.approx(5.0 / (2 * N) * (ours.coefs_[0] ** 2).sum())


@row("loss of several columns")
def test_the_loss_of_several_columns_is_their_sum():
    theirs, ours = alike("MLPRegressor", np.stack([NUMBERS, X[:, 0]], axis=1), alpha=0.0)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-6)
    np.testing.assert_allclose(ours.loss_curve_, 2 * np.array(theirs.loss_curve_), rtol=1e-6)


@newer
@row("Poisson loss")
def test_the_poisson_loss_has_no_terms_of_y_alone():
    counts = np.arange(N) % 4
    theirs, ours = alike("MLPRegressor", counts, loss="poisson", alpha=0.0)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-6)
    assert np.ptp(np.array(ours.loss_curve_) - theirs.loss_curve_) < 1e-6
    assert abs(ours.loss_ - theirs.loss_) > 0.01


@row("epsilon")
def test_epsilon_is_added_after_the_correction():
    theirs, ours = alike(epsilon=1.0, max_iter=1, batch_size=N, alpha=0.0, learning_rate_init=0.1)
    first, epsilon = ours.coefs_init[0], 1.0
    g = alike(max_iter=1, batch_size=N, alpha=0.0, solver="sgd", momentum=0.0, learning_rate_init=1.0)
    for found, one in zip((theirs, ours), g, strict=True):
        gradient = first - one.coefs_[0]
        correction = np.sqrt(1 - 0.999) if found is theirs else 1.0
        step = 0.1 * gradient / (abs(gradient) + epsilon / correction)
        np.testing.assert_allclose(first - found.coefs_[0], step, rtol=1e-6)


@row("gain of exactly tol")
def test_a_gain_of_exactly_tol_is_none():
    def fitted(estimator):
        with pytest.warns(ConvergenceWarning) if isinstance(estimator, neural_network.MLPRegressor) else nothing():
            return estimator.fit(np.zeros((4, 1)), np.zeros(4)).n_iter_

    zeros = {"tol": 0.0, "n_iter_no_change": 1, "max_iter": 9, "hidden_layer_sizes": (), "solver": "sgd", "alpha": 0.0}
    theirs, ours = pair("MLPRegressor", **zeros, learning_rate_init=1e-300)  # a loss that never changes
    assert (fitted(theirs), fitted(ours)) == (9, 3)


class nothing:
    def __enter__(self): ...

    def __exit__(self, *error): ...


@row("rows held out")
def test_a_class_of_one_row_may_be_split():
    lonely = np.append(np.zeros(N - 1), 1)
    theirs, ours = pair(early_stopping=True)
    with pytest.raises(ValueError, match="least populated class"):
        theirs.fit(X, lonely)
    assert ours.fit(X, lonely).classes_.tolist() == [0, 1]


@row("divergence")
def test_what_diverges_ends_at_once():
    theirs, ours = pair("MLPRegressor", solver="sgd", learning_rate_init=1e9, max_iter=50, activation="identity")
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        theirs.fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"^training diverged, [^\n]*try a smaller learning rate than 1e\+09[^\n]*$"):
        ours.fit(X, NUMBERS)
    assert len(ours.loss_curve_) < len(theirs.loss_curve_) == 50
    assert np.isfinite(ours.coefs_[0]).all()
    assert not np.isfinite(theirs.coefs_[0]).all()


@row("momentum")
def test_momentum_is_below_1():
    theirs, ours = pair(solver="sgd", momentum=1.0)
    theirs.fit(X, Y)
    with pytest.raises(ValueError, match=r"^momentum of sgd is 1\.0, but must be from 0 to below 1$"):
        ours.fit(X, Y)


@row("classes of a warm start")
def test_a_warm_start_may_lack_a_class():
    some = Y < 2
    theirs, ours = (estimator.fit(X, Y) for estimator in pair(warm_start=True))
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        theirs.fit(X[some], Y[some])
    assert ours.fit(X[some], Y[some]).classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="classes not seen before"):
        ours.fit(X, Y + 1)


@row("several outputs of classes")
def test_several_outputs_of_classes_are_blocks():
    table = np.stack([Y, Y[::-1]], axis=1)
    theirs, ours = pair()
    with pytest.raises(ValueError, match=r"[Mm]ulti"):
        theirs.fit(X, table)
    assert ours.fit(X, table).predict(X).shape == (N, 2)


@row("a single class")
def test_a_single_class_has_one_probability():
    theirs, ours = (estimator.fit(X, np.zeros(N)) for estimator in pair())
    assert (theirs.predict_proba(X).shape, ours.predict_proba(X).tolist()) == ((N, 2), [[1.0]] * N)
    assert theirs.predict(X).tolist() == ours.predict(X).tolist()


@row("sparse y")
def test_a_sparse_y_gives_arrays():
    labels = sparse.csr_matrix((X > 0).astype(int))
    theirs, ours = (estimator.fit(X, labels) for estimator in pair(hidden_layer_sizes=5))
    assert sparse.issparse(theirs.predict(X))
    assert isinstance(ours.predict(X), np.ndarray)


@row("end of lbfgs")
def test_l_bfgs_does_not_make_the_update_that_gains_too_little():
    theirs, ours = alike(solver="lbfgs", alpha=1.0, tol=1e-9, max_iter=100)
    assert ours.n_iter_ == theirs.n_iter_ - 1
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-3)


@row("curves of lbfgs")
def test_l_bfgs_has_curves():
    theirs, ours = (estimator.fit(X, Y) for estimator in pair(solver="lbfgs"))
    assert not hasattr(theirs, "loss_curve_")
    assert len(ours.loss_curve_) == ours.n_iter_
    assert ours.best_loss_ == min(ours.loss_curve_)


@row("coefs_ and intercepts_")
def test_coefs_are_views():
    theirs, ours = (estimator.fit(X, Y) for estimator in pair())
    theirs.coefs_[0] = np.zeros((3, 4))
    assert not theirs.coefs_[0].any()
    ours.coefs_[0] = np.zeros((3, 4))
    assert ours.coefs_[0].any()
    ours.coefs_[0][...] = 0
    assert not ours.network_.W[0].any()
    ours.coefs_ = [np.ones((3, 4)), np.ones((4, 3))]
    ours.intercepts_ = [np.zeros(4), np.ones(3)]
    assert ours.network_.W[0].tolist() == [[1.0] * 4] * 3
    assert ours.network_.b[1].tolist() == [1.0] * 3
    with pytest.raises(
        ValueError, match=r"^coefs_ came with shapes \[\(3, 4\), \(3, 4\)\], but the network's are [^\n]*$"
    ):
        ours.coefs_ = [np.zeros((3, 4)), np.zeros((3, 4))]
    with pytest.raises(ValueError, match=r"^intercepts_ came with shapes"):
        ours.intercepts_ = [np.zeros(4)]
    assert ours.network_.W[0].all()


@row("errors")
def test_errors_are_of_one_line():
    theirs, ours = pair(max_iter=0)
    with pytest.raises(InvalidParameterError):
        theirs.fit(X, Y)
    with pytest.raises(cr.ChainruleError, match=r"^[^\n]*$") as error:
        ours.fit(X, Y)
    assert isinstance(error.value, ValueError)


@row("private names")
def test_private_names_are_not_there():
    theirs, ours = (estimator.fit(X, Y) for estimator in pair())
    for name in ("_optimizer", "_no_improvement_count", "_label_binarizer"):
        assert hasattr(theirs, name)
        assert not hasattr(ours, name)
    assert ours.history_.rate == [0.001] * 5
    assert pickle.loads(pickle.dumps(ours)).history_ == ours.history_
