"""What y may be: classes, labels, several outputs, numbers; and what their classes weigh."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(2)
X = RNG.normal(size=(120, 4))
THREE = np.array(["low", "mid", "top"], dtype=object)[np.digitize(X[:, 0], [-0.8, 1.0])]
TWO = X[:, 1] > 0.9
TABLE = np.stack([THREE, np.where(X[:, 2] > 0, "up", "down").astype(object)], axis=1)
LABELS = (X[:, :3] > [0.0, 1.0, -1.0]).astype(int)


def mlp(**settings):
    return cr.MLPClassifier(
        **{"hidden_layer_sizes": 8, "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0, **settings}
    )


def test_several_outputs_are_blocks_of_one_network():
    found = mlp().fit(X, TABLE)
    assert [classes.tolist() for classes in found.classes_] == [["low", "mid", "top"], ["down", "up"]]
    assert [block.width for block in found.network_.architecture.blocks] == [3, 2]
    assert (found.n_outputs_, found.out_activation_) == (5, "softmax")
    one, two = found.predict_proba(X)
    assert (one.shape, two.shape) == ((120, 3), (120, 2))
    np.testing.assert_allclose(one.sum(axis=1), 1)
    np.testing.assert_allclose(two.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(found.predict_log_proba(X)[1]), two)
    predicted = found.predict(X)
    assert predicted[:, 0].tolist() == found.classes_[0][one.argmax(axis=1)].tolist()
    assert predicted[:, 1].tolist() == found.classes_[1][two.argmax(axis=1)].tolist()
    assert found.score(X, TABLE) == (predicted == TABLE).all(axis=1).mean() > 0.9
    weight = np.arange(120.0)
    assert found.score(X, TABLE, weight) == np.average((predicted == TABLE).all(axis=1), weights=weight)


@pytest.mark.parametrize("settings", [{}, {"preset": "tabular"}])
def test_words_beside_numbers_and_truth_values_keep_their_types(settings, tmp_path):
    frame = pd.DataFrame({"word": THREE, "number": np.where(X[:, 2] > 0, 7, 12), "truth": TWO}, dtype=object)
    found = mlp(**settings).fit(X, frame)
    assert [classes.tolist() for classes in found.classes_] == [["low", "mid", "top"], [7, 12], [False, True]]
    assert {tuple(map(type, row)) for row in found.predict(X).tolist()} == {(str, int, bool)}
    assert found.score(X, frame) == (found.predict(X) == frame.to_numpy()).all(axis=1).mean() > 0.8
    cr.save(found, tmp_path / "mlp.safetensors")
    assert cr.load(tmp_path / "mlp.safetensors").predict(X).tolist() == found.predict(X).tolist()
    pieces = mlp(**settings, max_iter=1).partial_fit(X, frame, classes=[THREE, [7, 12], [False, True]])
    assert pieces.network_.theta.tolist() == mlp(**settings, max_iter=1).fit(X, frame).network_.theta.tolist()
    with pytest.raises(ValueError, match=r"^y has shape \(120,\), but must have that of the predictions, \(120, 3\)$"):
        found.score(X, THREE)


def test_one_of_several_outputs_alone_is_the_network_of_that_one():
    given = {"coefs_init": [np.zeros((4, 3))], "intercepts_init": [np.zeros(3)]}
    zeros = {"coefs_init": [np.zeros((4, 5))], "intercepts_init": [np.zeros(5)]}
    both, alone = mlp(hidden_layer_sizes=(), solver="sgd", **zeros), mlp(hidden_layer_sizes=(), solver="sgd", **given)
    both.fit(X, TABLE)
    alone.set_params(tol=0.0, n_iter_no_change=np.inf, max_iter=both.n_iter_).fit(X, THREE)
    np.testing.assert_allclose(both.coefs_[0][:, :3], alone.coefs_[0], rtol=1e-12)


def test_labels_are_predicted_as_a_table_and_may_come_sparse():
    found, other = mlp().fit(X, LABELS), mlp().fit(X, sparse.csr_matrix(LABELS))
    assert found.network_.theta.tolist() == other.network_.theta.tolist()
    assert found.classes_.tolist() == [0, 1, 2]
    assert found.predict(X).dtype == LABELS.dtype
    assert found.predict(X).tolist() == (found.predict_proba(X) > 0.5).astype(int).tolist()
    assert found.score(X, LABELS) == accuracy_score(LABELS, found.predict(X)) > 0.9


def test_truth_values_and_a_single_class_are_classes():
    found = mlp().fit(X, TWO)
    assert found.predict(X).dtype == np.bool_
    one = mlp().fit(X, np.full(120, "same"))
    assert one.predict(X[:2]).tolist() == ["same", "same"]
    assert one.predict_proba(X[:2]).tolist() == [[1.0], [1.0]]
    assert one.n_iter_ < 60
    pair = mlp().fit(X, np.full((120, 2), "same"))
    assert pair.predict(X[:1]).tolist() == [["same", "same"]]


def test_a_column_of_y_is_told_about_and_taken():
    with pytest.warns(match="column-vector y was passed"):
        found = mlp().fit(X, THREE[:, None])
    assert found.predict(X).shape == (120,)
    with pytest.warns(match="column-vector y was passed"):
        cr.MLPRegressor(max_iter=2).fit(X, X[:, :1])


# --- weights of classes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("class_weight", ["balanced", {"low": 3.0, "mid": 0.5}])
@pytest.mark.parametrize("weight", [None, RNG.uniform(size=120)], ids=["", "weighted"])
def test_weights_of_classes_are_weights_of_their_rows(class_weight, weight):
    found = mlp(class_weight=class_weight).fit(X, THREE, weight)
    given = class_weight if class_weight == "balanced" else {"top": 1.0, **class_weight}
    if weight is None:
        by_row = compute_sample_weight(given, THREE)
    elif class_weight == "balanced":
        totals = {name: weight[name == THREE].sum() for name in ("low", "mid", "top")}
        by_row = weight * [weight.sum() / (3 * totals[name]) for name in THREE]
    else:
        by_row = weight * [given[name] for name in THREE]
    plain = mlp().fit(X, THREE, by_row)
    np.testing.assert_allclose(found.network_.theta, plain.network_.theta, rtol=1e-9, atol=1e-12)


def test_balanced_classes_find_what_is_rare():
    rare = RNG.normal(size=(200, 2))
    y = (rare[:, 0] + 0.5 * RNG.normal(size=200) > 1.6).astype(int)
    plain, balanced = (mlp(class_weight=w).fit(rare, y).predict(rare)[y == 1].mean() for w in (None, "balanced"))
    assert balanced > plain


def test_labels_and_outputs_have_weights_of_their_own():
    weight = np.where(LABELS == 1, [2.0, 5.0, 0.5], 1.0)
    by_label = [{1: 2.0}, {1: 5.0}, {1: 0.5}]
    found, plain = mlp(class_weight=by_label).fit(X, LABELS), mlp().fit(X, LABELS, weight)
    assert found.network_.theta.tolist() == plain.network_.theta.tolist()
    counts = LABELS.mean(axis=0)
    balanced = np.where(LABELS == 1, 0.5 / counts, 0.5 / (1 - counts))
    found, plain = mlp(class_weight="balanced").fit(X, LABELS), mlp().fit(X, LABELS, balanced)
    np.testing.assert_allclose(found.network_.theta, plain.network_.theta, rtol=1e-9)
    outputs = np.stack([np.where(TABLE[:, 0] == "top", 4.0, 1.0), np.where(TABLE[:, 1] == "up", 1.0, 3.0)], axis=1)
    found = mlp(class_weight=[{"top": 4.0}, {"down": 3.0}]).fit(X, TABLE)
    assert found.network_.theta.tolist() == mlp().fit(X, TABLE, outputs).network_.theta.tolist()
    found = mlp(class_weight=[{"top": 4.0}, None]).fit(X, TABLE)
    outputs[:, 1] = 1
    assert found.network_.theta.tolist() == mlp().fit(X, TABLE, outputs).network_.theta.tolist()


REFUSED = {
    "class_weight is 'even', but must be 'balanced', a mapping": {"class_weight": "even"},
    "class_weight names 'hi', but the classes of 'y' are 'low', 'mid', 'top'": {"class_weight": {"hi": 2, "low": 1}},
    "class_weight of 'low' is -1": {"class_weight": {"low": -1}},
    "2 class weights came for 1 outputs": {"class_weight": [{"low": 1}, {}]},
}


@pytest.mark.parametrize("words", REFUSED)
def test_weights_of_no_class_are_refused_in_one_line(words):
    with pytest.raises(ValueError, match=rf"^{words}[^\n]*$"):
        mlp(**REFUSED[words]).fit(X, THREE)


def test_a_class_that_is_not_in_a_fold_may_have_a_weight():
    weights = {"low": 2.0, "mid": 1.0, "top": 3.0}
    given = weights, {**weights, "never": 9.0}
    without, found = (mlp(class_weight=each, max_iter=2).fit(X, THREE) for each in given)
    np.testing.assert_array_equal(found.network_.theta, without.network_.theta)


def test_rows_of_a_class_of_weight_0_are_as_if_they_were_not_there():
    """For batches and for rows held out too; the class stays an output."""
    kept, classes = THREE != "mid", ["low", "mid", "top"]
    settings = {"batch_size": 7, "early_stopping": True, "max_iter": 3}
    found = mlp(class_weight={"mid": 0}, **settings).partial_fit(X, THREE, classes=classes)
    without = mlp(class_weight={}, **settings).partial_fit(X[kept], THREE[kept], classes=classes)
    np.testing.assert_array_equal(found.network_.theta, without.network_.theta)
    assert found.classes_.tolist() == classes


def test_classes_that_all_weigh_0_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^class_weight gives every row the weight 0: give some class[^\n]*$"):
        mlp(class_weight=dict.fromkeys(["low", "mid", "top"], 0)).fit(X, THREE)


# --- other outputs and costs ---------------------------------------------------------------------------------------


def test_nielsens_sigmoids_and_the_quadratic_cost():
    found = mlp(output_activation="sigmoid", cost="quadratic", solver="sgd", learning_rate_init=0.5).fit(X, THREE)
    block = found.network_.architecture.blocks[0]
    assert (str(block.activation), str(block.cost), block.width) == ("sigmoid", "quadratic", 3)
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1)
    assert found.predict(X).tolist() == found.classes_[found.predict_proba(X).argmax(axis=1)].tolist()
    assert found.out_activation_ == "logistic"


def test_two_classes_are_two_neurons_where_the_output_takes_the_whole_row():
    found = mlp(output_activation="softmax").fit(X, TWO)
    assert found.n_outputs_ == 2
    assert found.predict_proba(X).shape == (120, 2)
    assert found.score(X, TWO) > 0.9
    again = mlp(output_activation="softmax").initialize(4, classes=[False, True])
    assert [W.shape for W in again.coefs_] == [W.shape for W in found.coefs_]


def test_outputs_that_are_no_probabilities_are_not_given_as_such():
    found = mlp(output_activation="identity").fit(X, THREE)
    assert str(found.network_.architecture.blocks[0].cost) == "quadratic"
    assert not hasattr(found, "predict_proba")
    assert not hasattr(found, "predict_log_proba")
    assert found.score(X, THREE) > 0.7


@pytest.mark.parametrize(
    ("output", "cost"), [("exp", "poisson"), ("softplus", "quadratic"), ("sigmoid", "binary_cross_entropy")]
)
def test_the_cost_is_the_one_that_goes_with_the_output(output, cost):
    y = np.abs(X[:, 0]) / 9
    for preset in (None, "tabular"):
        found = cr.MLPRegressor(
            hidden_layer_sizes=4, output_activation=output, preset=preset, max_iter=2, random_state=0
        ).fit(X, y)
        assert {str(block.cost) for block in found.network_.architecture.blocks} == {cost}
    chosen = cr.MLPRegressor(hidden_layer_sizes=4, output_activation=output, cost="quadratic", max_iter=2).fit(X, y)
    assert str(chosen.network_.architecture.blocks[0].cost) == "quadratic"


@pytest.mark.parametrize(
    "cost", ["huber", cr.custom_cost(lambda A, T: (A - T) ** 4), "quantile", {"name": "quantile", "q": 0.9}]
)
def test_numbers_take_any_cost(cost):
    found = cr.MLPRegressor(hidden_layer_sizes=4, cost=cost, random_state=0, max_iter=30).fit(X, X[:, 0])
    assert found.out_activation_ == "identity"
    assert found.loss_curve_[-1] < found.loss_curve_[0]


def test_poisson_predicts_counts_above_0_and_refuses_negative_ones():
    counts = RNG.poisson(np.exp(0.5 * X[:, 0]))
    found = cr.MLPRegressor(loss="poisson", random_state=0, max_iter=100).fit(X, counts)
    assert (found.predict(X) > 0).all()
    assert found.out_activation_ == "exp"
    with pytest.raises(ValueError, match=r"^T has -1 in row 0, output 0: cost 'poisson' takes targets in \[0, inf\)$"):
        cr.MLPRegressor(loss="poisson").fit(X, counts - counts[0] - 1)
    with pytest.raises(
        ValueError, match=r"^loss is 'mae', but must be one of squared_error, poisson; cost= takes any other$"
    ):
        cr.MLPRegressor(loss="mae").fit(X, counts)


# --- what does not go together -------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", [None, "tabular"])
@pytest.mark.parametrize(("y", "kinds"), [([None, "a"], "NoneType, str"), (["a", 1], "int, str"), ([0, 1], "int")])
def test_objects_that_are_no_classes_are_refused_in_one_line(y, kinds, preset):
    with pytest.raises(ValueError, match=rf"^y has values of type {kinds} and dtype object: make all [^\n]*$"):
        mlp(preset=preset).fit(X, np.array(y * 60, dtype=object))


def test_classes_that_were_not_there_are_refused_in_one_line():
    found = mlp(max_iter=2).fit(X, THREE)
    with pytest.raises(
        ValueError, match=r"^y has classes not seen before, 'new': the classes are 'low', 'mid', 'top'$"
    ):
        found.partial_fit(X[:1], ["new"])
    with pytest.raises(ValueError, match=r"^y has classes not seen before, 'new'[^\n]*$"):
        mlp(max_iter=2).fit(X, THREE, X_val=X[:1], y_val=["new"])
    with pytest.raises(ValueError, match=r"^y has values of type int64, but the classes are 'low', 'mid', 'top'$"):
        found.partial_fit(X[:1], [3])
    with pytest.raises(ValueError, match=r"^y has 2 columns, but there were 1 column before: give as many$"):
        found.partial_fit(X, TABLE)
    with pytest.raises(ValueError, match=r"^classes=.* is not what the first call had"):
        found.partial_fit(X, THREE, classes=["low", "mid"])
    assert found.partial_fit(X[:3], THREE[:3], classes=["low", "mid", "top"]).n_iter_ == 3


def test_a_first_call_must_know_all_classes():
    with pytest.raises(ValueError, match=r"^classes must be passed on the first call to partial_fit"):
        mlp().partial_fit(X, THREE)
    fresh = mlp()
    with pytest.raises(ValueError, match="not seen before"):
        fresh.partial_fit(X, THREE, classes=["low"])
    assert not hasattr(fresh, "network_")
    assert mlp().partial_fit(X, LABELS).n_outputs_ == 3


def test_columns_of_numbers_must_stay_as_many():
    found = cr.MLPRegressor(max_iter=2).fit(X, X[:, :2])
    assert found.predict(X).shape == (120, 2)
    for y, words in (
        (X[:, :3], "y has 3 columns, but there were 2"),
        (X[:, 0], "y is \\(rows,\\), but there were 2 columns"),
    ):
        with pytest.raises(ValueError, match=f"^{words}"):
            found.partial_fit(X, y)
