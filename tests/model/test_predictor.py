"""A predictor: one row has the bits of `Model.predict`, whatever the row is, or the same error."""

import copy
import pickle
import threading
import warnings

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import ChainruleWarning, DataError

N = 60
RNG = np.random.Generator(np.random.PCG64(0))
TABLE = {
    "x": RNG.normal(size=N).round(3).tolist(),
    "wide": np.exp(RNG.normal(0, 6, N)).tolist(),
    "colour": (["red", "green", "blue"] * N)[:N],
    "day": [str(np.datetime64("2020-01-01") + 11 * k) for k in range(N)],
    "gap": [None if k % 5 else k / 7 for k in range(N)],
    "word": [["no", "yes", "perhaps"][k * k % 3] for k in range(N)],
    "whole": [k % 3 for k in range(N)],
    "flag": [k % 2 == 0 for k in range(N)],
    "price": [3.0 * k - 5 for k in range(N)],
    "people": [float(10 ** (k % 6)) for k in range(N)],
}
INPUTS = ("x", "wide", "colour", "day", "gap")
CASES = {
    "words": {"target": "word"},
    "whole numbers": {"target": "whole", "dtype": "float64"},
    "booleans": {"target": "flag"},
    "numbers": {"target": "price"},
    "logarithms": {"target": "people"},
    "several": {"target": ["word", "price", "flag"], "dtype": "float64"},
    "shares": {"target": "word", "output": "sigmoid"},
}


@pytest.fixture(scope="module", params=CASES)
def model(request):
    options = {"hidden": (8,), "epochs": 4, **CASES[request.param]}
    targets = [options["target"]] if isinstance(options["target"], str) else options["target"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        return cr.train_table({name: TABLE[name] for name in (*INPUTS, *targets)}, **options)


@pytest.fixture(scope="module")
def small():
    return cr.train_table({"x": [0.5, 1.5] * 20, "w": ["a", "b"] * 20, "y": ["no", "yes"] * 20}, "y", epochs=20)


def row(k):
    return {name: TABLE[name][k] for name in INPUTS}


def answer(function):
    """What a function gives, or the error that it raises."""
    try:
        return function()
    except DataError as error:
        return error


def first(answers):
    """What a method of the model gives for a table of one row."""
    return {name: values[0] for name, values in answers.items()} if isinstance(answers, dict) else answers[0]


ODD = [
    {},
    {"x": "-1.5", "wide": 7, "day": pd.Timestamp("2021-03-04 05:06"), "gap": float("nan"), "more": [1, 2]},
    {"x": np.float32(0.1), "colour": " red ", "gap": "?", "day": np.datetime64("2021-03-04")},
    {"x": True, "colour": "grün", "day": None, "gap": " 1.50"},
    {"x": 1e300, "wide": -1e300, "colour": None, "day": "4 March 2021"},
    {"x": "many"},
    {"wide": float("inf")},
    {"day": "yesterday"},
    {"gap": 2 + 1j},
]


@pytest.mark.parametrize("changes", ODD)
def test_a_row_is_answered_as_in_a_table_or_refused_in_the_same_words(model, changes):
    cells = {**row(3), **changes}
    predict = model.predictor()
    table = {name: [cells[name]] for name in predict.columns}
    expected = answer(lambda: first(model.predict(table)))
    if isinstance(expected, DataError):
        for method in (predict, predict.probabilities):
            assert str(answer(lambda method=method: method(cells))) == str(expected)
        return
    assert predict(cells) == expected
    assert predict.probabilities(cells) == first(model.probabilities(table))
    assert predict([cells[name] for name in predict.columns]) == expected


def test_every_row_of_a_table_alone_has_the_bits_of_the_table(model):
    predict, answers, chances = model.predictor(), model.predict(TABLE), model.probabilities(TABLE)
    alone = [predict(row(k)) for k in range(N)]
    if isinstance(answers, dict):
        assert alone == [{name: values[k] for name, values in answers.items()} for k in range(N)]
    else:
        assert alone == answers.tolist()
    probabilities = [predict.probabilities(row(k)) for k in range(N)]
    assert probabilities == [{name: values[k] for name, values in chances.items()} for k in range(N)]


def test_answers_have_types_of_python(model):
    answers = model.predictor()(row(0))
    for answer in answers.values() if isinstance(answers, dict) else [answers]:
        assert type(answer) in (str, int, bool, float)
    assert {type(p) for p in model.predictor().probabilities(row(0)).values()} <= {float}


@pytest.mark.parametrize(
    "rows",
    [
        [{"x": 0.5, "w": "a"}, {"w": "b", "x": 1.5}],
        [(0.5, "a"), [1.5, "b"]],
        {"x": [0.5, 1.5], "w": ["a", "b"]},
        pd.DataFrame({"w": ["a", "b"], "x": [0.5, 1.5]}),
        np.array([(0.5, "a"), (1.5, "b")], dtype=[("x", float), ("w", "U1")]),
    ],
    ids=["mappings", "tuples", "columns", "frame", "array"],
)
def test_several_rows_are_a_table(small, rows):
    predict = small.predictor()
    assert predict(rows).tolist() == ["no", "yes"]
    assert (
        predict.probabilities(rows)["y=no"] == small.probabilities({"x": [0.5, 1.5], "w": ["a", "b"]})["y=no"]
    ).all()


def test_a_row_of_a_frame_is_a_row(small):
    predict = small.predictor()
    frame = pd.DataFrame({"w": ["a", "b"], "x": [0.5, 1.5]})
    assert [predict(series) for _, series in frame.iterrows()] == ["no", "yes"]
    assert predict(np.array([1.5, "b"], dtype=object)) == "yes"
    assert predict(next(frame[["x", "w"]].itertuples(index=False))) == "no"


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ({"x": 1}, "there is no input column 'w': the columns are 'x'"),
        ({"x": 1, "W": 2}, "there is no input column 'w': the columns are 'x', 'W'"),
        ((1,), "the row has 1 cells, [1], but there are 2 columns: 'x', 'w'"),
        ([(1, "a"), (1,)], "row 2 has 1 cells, [1], but there are 2 columns: 'x', 'w'"),
        ({"x": "high", "w": "a"}, "column 'x' holds numbers, but 'high' came in row 1: write a number, or leave"),
        ([], "the row has 0 cells, [], but there are 2 columns: 'x', 'w'"),
        (7, "int is not a table"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_in_one_line(small, rows, line):
    with pytest.raises(DataError) as refused:
        small.predictor()(rows)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_output_that_is_not_finite_is_refused_as_in_a_table():
    model = cr.train_table({"x": [0.5, 1.5, 3.0] * 20, "y": [1.0, 2.5, 4.0] * 20}, "y", task="regression", epochs=1)
    model.network.theta[:] = 3e38
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(DataError, match="row 1 has no finite prediction"):
            model.predictor()({"x": 2.0})


def test_a_predictor_is_frozen_and_can_be_copied_and_pickled(small):
    predict, expected = small.predictor(), small.probabilities({"x": [0.7], "w": ["b"]})
    copies = [copy.deepcopy(predict), pickle.loads(pickle.dumps(predict)), copy.copy(predict)]
    before, small.network.theta = small.network.theta.copy(), small.network.theta * 0.5
    try:
        assert small.probabilities({"x": [0.7], "w": ["b"]})["y=no"] != expected["y=no"]
        for each in (predict, *copies):
            assert each.probabilities({"x": 0.7, "w": "b"}) == first(expected)
            assert each.probabilities([{"x": 0.7, "w": "b"}])["y=no"] == expected["y=no"]
    finally:
        small.network.theta = before


def test_threads_share_a_predictor(model):
    predict, cells = model.predictor(), [{**row(k), "colour": f"\N{SNOWMAN}{k % 9}"} for k in range(N)]
    expected, wrong = [predict(each) for each in cells], []

    def serve(start):
        for k in (*range(start, N), *range(start)):
            if predict(cells[k]) != expected[k]:
                wrong.append(k)

    threads = [threading.Thread(target=serve, args=(start,)) for start in range(0, N, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
