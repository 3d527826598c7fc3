"""Other kinds of arrays as X, T, y and weights: matrices, masked arrays, objects and the types of pandas."""

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*column-vector y:UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

A = np.random.default_rng(0).normal(size=(12, 3)).round(2)
T = A[:, :1].copy()
CLASSES = (A[:, 0] > 0).astype(int)
FRAME = pd.DataFrame(A, columns=["a", "b", "c"])
NUMBERS = {
    "matrix": A.view(np.matrix),
    "masked": np.ma.masked_array(A, mask=np.zeros(A.shape, bool)),
    "Float64": FRAME.astype("Float64"),
    "arrow": FRAME.astype("float64[pyarrow]"),
    "subclass": A.view(type("Kind", (np.ndarray,), {})),
}
WRONG = {
    "masked": (np.ma.masked_array(A, mask=np.arange(36).reshape(12, 3) == 10), "X has a masked value in row 3"),
    "NA": (FRAME.astype("Float64").mask(FRAME.eq(A[3, 1])), "X has nan in row 3, column 1"),
    "objects": (A.astype(object), "not values of type object"),
    "None": (np.where(np.arange(36).reshape(12, 3) == 10, None, A), "not values of type object"),
    "word": (np.where(np.arange(36).reshape(12, 3) == 10, "1.5", A.astype(object)), "not values of type object"),
    "masked records": (np.ma.masked_array(np.zeros((12, 3), [("a", "f4")]), mask=True), r"not values of type \[\('a'"),
    "records": (np.zeros((12, 3), [("a", "f4")]), r"not values of type \[\('a'"),
}


def net():
    return cr.Network([3, 4, 1], output="identity", dtype="float64", seed=3)


def results(X, T, weight):
    """Everything that takes rows."""
    n, trained = net(), net()
    cr.fit(trained, X, T, sample_weight=weight, epochs=2, batch_size=5, validation=(X, T))
    yield trained.theta
    yield from (n.predict(X), n.predictor()(X), n.cost(X, T, weight), n.gradient(X, T, weight))
    yield from (n.backprop(X, T, weight).gradient, n.example_gradients(X, T, weight).norms(), n.input_gradients(X))
    mlp = cr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    y = np.asarray(T).ravel() if isinstance(T, np.matrix) else T
    mlp.fit(X, y, sample_weight=None if weight is None else np.ravel(weight))
    yield from (mlp.predict(X), mlp.score(X, y), mlp.partial_fit(X, y).predict(X))


def same(actual, expected):
    assert all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(actual, expected, strict=True))


@pytest.mark.parametrize("X", NUMBERS.values(), ids=NUMBERS)
def test_other_kinds_of_X_are_the_same_numbers(X):
    same(results(X, T, None), results(A, T, None))


@pytest.mark.parametrize("kind", [lambda v: v.view(np.matrix), np.ma.masked_array])
def test_other_kinds_of_targets_and_weights_are_the_same_numbers(kind):
    weight = np.linspace(0.5, 2.0, 12)[:, None]
    same(results(A, kind(T), kind(weight)), results(A, T, weight))


@pytest.mark.parametrize("call", ["predict", "predictor", "cost", "fit"])
@pytest.mark.parametrize(("X", "line"), WRONG.values(), ids=WRONG)
def test_what_is_missing_or_no_number_is_refused_in_one_line(X, line, call):
    n = net()
    calls = {"predict": n.predict, "predictor": n.predictor(), "cost": lambda X: n.cost(X, T)}
    with pytest.raises(DataError, match=line) as error:
        calls.get(call, lambda X: cr.fit(n, X, T, epochs=1))(X)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mlp", [cr.MLPClassifier, cr.MLPRegressor])
@pytest.mark.parametrize("preset", [None, "tabular"])
def test_estimators_refuse_masked_values_in_one_line(mlp, preset):
    """Not those of X with the preset, which are missing cells."""
    weight, hidden = np.ones(12), np.arange(12) == 2
    mlp = mlp(hidden_layer_sizes=(3,), max_iter=1, preset=preset).fit(A, CLASSES, sample_weight=np.ma.array(weight))
    masked_weight, masked_y = np.ma.array(weight, mask=hidden), np.ma.array(CLASSES, mask=hidden)
    masked = [(A, masked_y, None), (A, CLASSES, masked_weight)]
    if preset is None:
        masked.append((WRONG["masked"][0], CLASSES, None))
        with pytest.raises(DataError, match="X has a masked value in row 3"):
            mlp.predict(WRONG["masked"][0])
    for fit in (mlp.fit, mlp.score):
        for X, y, s in masked:
            with pytest.raises(DataError, match=r"has a masked value in row [23]: give every value"):
                fit(X, y, sample_weight=s)


def test_a_score_refuses_objects_that_cannot_be_compared():
    mlp = cr.MLPClassifier(hidden_layer_sizes=(3,), max_iter=1).fit(A, CLASSES)
    with pytest.raises(DataError, match="y and sample_weight cannot be scored"):
        mlp.score(A, np.array([None, *CLASSES[1:]], object))


def test_a_masked_column_of_a_table_has_missing_cells():
    column = np.ma.array(A[:, 0], mask=np.arange(12) == 2)
    model = cr.train_table({"a": column, "b": A[:, 1], "y": CLASSES.astype(str)}, target="y", epochs=1)
    assert len(model.predict({"a": column, "b": A[:, 1]})) == 12
