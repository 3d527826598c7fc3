"""The predictor of an estimator: one row has the bits of `predict` and `predict_proba`, whatever the row is."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import chainrule as cr

RNG = np.random.Generator(np.random.PCG64(0))
X = RNG.normal(size=(40, 3))
WORDS = np.array(["no", "yes", "perhaps"])[np.arange(40) % 3]
FRAME = pd.DataFrame({"a": X[:, 0], "word": WORDS, "same": 1, "b": [None if k % 5 == 0 else k for k in range(40)]})
TARGETS = {
    "binary": WORDS == "no",
    "classes": WORDS,
    "labels": np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int),
    "outputs": np.stack([WORDS, (X[:, 0] > 0).astype(str)], axis=1),
    "number": 3 * X[:, 0] + X[:, 1],
    "numbers": X[:, :2] * 5,
}


def fitted(y, rows=X, **options):
    kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(hidden_layer_sizes=(6,), max_iter=3, random_state=0, **options).fit(rows, y)


def equal(one, other):
    """Whether an answer for one row, or for rows, is the other one, bit by bit."""
    if isinstance(one, list):
        return all(map(equal, one, other))
    return np.array_equal(one, other)


def first(answers):
    return [part[0] for part in answers] if isinstance(answers, list) else answers[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TARGETS)
def test_a_row_of_numbers_has_the_bits_of_predict(name, dtype):
    mlp = fitted(TARGETS[name], dtype=dtype)
    predict = mlp.predictor()
    for row in X[:10]:
        forms = (row, row.tolist(), tuple(row), row.astype(object), {f"x{k}": cell for k, cell in enumerate(row)})
        for form in (*forms, [str(cell) for cell in row], pd.Series(row, index=predict.columns)):
            assert equal(predict(form), mlp.predict(row[None])[0])
            if name not in ("number", "numbers"):
                assert equal(predict.probabilities(form), first(mlp.predict_proba(row[None])))
    assert equal(predict(X), mlp.predict(X))
    assert equal(predict([dict(zip(predict.columns, row, strict=True)) for row in X.tolist()]), mlp.predict(X))


@pytest.mark.parametrize("name", ["classes", "outputs", "number", "numbers"])
def test_a_row_of_a_table_has_the_bits_of_predict(name):
    mlp = fitted(TARGETS[name], FRAME, preset="tabular")
    predict = mlp.predictor()
    assert predict.columns == ("a", "word", "same", "b")
    for k in range(10):
        part = FRAME.iloc[k : k + 1]
        row = {name: part[name].iloc[0] for name in FRAME}
        used = {name: row[name] for name in ("a", "word", "b")}
        for form in (row, used, tuple(row.values()), {**row, "b": str(row["b"])}, FRAME.iloc[k]):
            assert equal(predict(form), mlp.predict(part)[0])
    assert equal(predict(FRAME), mlp.predict(FRAME))
    assert equal(predict([used, used]), np.concatenate([mlp.predict(part)] * 2))


def test_names_are_those_of_the_frame_and_no_warning_comes_for_a_list():
    mlp = fitted(WORDS, FRAME[["a", "same"]])
    predict = mlp.predictor()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = ({"same": 1, "a": 0.5}, [0.5, 1], [[0.5, 1]], ["0.5", True])
        assert len({str(np.ravel(predict(row))[0]) for row in rows}) == 1
    with pytest.raises(ValueError, match="there is no input column 'same': the columns are 'a'"):
        predict({"a": 1.0})


@pytest.mark.parametrize(
    "row", [[0.1, float("nan"), 2], [0.1, "x", 2], [1, 2], [0.1, None, 2], [1e300, 1, 2], [[1, 2, 3], 4, 5]]
)
def test_a_row_that_predict_refuses_is_refused(row):
    mlp = fitted(WORDS, dtype="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError) as refused:  # noqa: PT011 - scikit-learn's words
            mlp.predictor()(row)
    assert "\n" not in str(refused.value)


def test_it_is_frozen_and_can_be_pickled():
    mlp = fitted(TARGETS["binary"], warm_start=True)
    predict, expected = mlp.predictor(), mlp.predict_proba(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.fit(X, TARGETS["binary"])
    assert not equal(mlp.predict_proba(X), expected)
    for each in (predict, pickle.loads(pickle.dumps(predict))):
        assert equal(each.probabilities(X), expected)
        assert equal(each.probabilities(X[3]), expected[3])


def test_what_has_no_probabilities_says_so_and_what_is_not_fitted_too():
    with pytest.raises(AttributeError):
        fitted(TARGETS["number"]).predictor().probabilities(X[0])
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().predictor()
