"""The encoder: what each column becomes, on which statistics, and what survives a model file."""

import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.tables.reading import read_table

from chainrule.errors import DataError, ModelFileError
from chainrule.tables.inputs import Encoder, choose_items
from chainrule.tables.inputs.operations.inputs import Values
from chainrule.tables.inputs.transforms import Coded, Numbers, WeightedText

TABLE = {
    "age": [20.0, None, 40.0, 60.0, 40.0],
    "cut": ["b", "a", "b", "", "c"],
    "size": ["1", "2", "x", "1.0", "2"],
    "alive": ["True", "False", "True", "True", "False"],
    "same": [3, 3, 3, 3, 3],
    "name": ["p", "q", "r", "s", "t"],
    "note": ["u", None, "v", None, "w"],
    "sold": [None, 1, None, 1, 1],
    "void": ["?", "", "NA", "nan", None],
    "kind": pa.array([7, 8, 7, 8, 9]).dictionary_encode(),
}


def fitted(columns=TABLE, **options):
    table = read_table(columns)
    return Encoder.fit(table, **options), table


def kinds(encoder):
    return {name: kind for name, kind, _ in encoder.describe()}


def test_each_column_becomes_what_its_values_call_for():
    encoder, table = fitted()
    assert encoder.feature_names == [
        *["age", "age missing", "cut=b", "cut other", "cut missing", "size=1", "size=2", "size other", "alive"],
        *["note missing", "sold missing", "kind=7", "kind=8", "kind other"],
    ]
    std_age, std_alive = math.sqrt(200), math.sqrt(0.24)
    X = encoder.encode(table, "float64")
    expected = np.array(
        [
            [-20 / std_age, 0, 1, 0, 0, 1, 0, 0, 0.4 / std_alive, 0, 1, 1, 0, 0],
            [0, 1, 0, 1, 0, 0, 1, 0, -0.6 / std_alive, 1, 0, 0, 1, 0],
            [0, 0, 1, 0, 0, 0, 0, 1, 0.4 / std_alive, 0, 1, 1, 0, 0],
            [20 / std_age, 0, 0, 0, 1, 1, 0, 0, 0.4 / std_alive, 1, 0, 0, 1, 0],
            [0, 0, 0, 1, 0, 0, 1, 0, -0.6 / std_alive, 0, 0, 0, 0, 1],
        ]
    )
    np.testing.assert_allclose(X, expected, rtol=0, atol=1e-15)
    assert kinds(encoder) == {
        "age": "scaled",
        "alive": "scaled",
        "cut": "frequent",
        "size": "frequent",
        "kind": "frequent",
        "note": "presence",
        "sold": "presence",
        "same": "dropped",
        "name": "dropped",
        "void": "dropped",
    }


def test_description_says_what_happens_in_words():
    details = {name: detail for name, _, detail in fitted()[0].describe()}
    assert details["age"] == "mean 40, standard deviation 14.1421, missing cells flagged"
    assert details["cut"] == "1 word: b; missing cells flagged; one input for all other words"
    assert details["size"] == "2 words: 1 | 2; one input for all other words"
    assert details["same"] == "every value is the same"
    assert details["name"] == "hardly any word comes twice, as in names and identifiers"
    assert details["sold"] == "only whether it is missing: every value is the same"
    assert details["void"] == "every cell is missing"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_columns_are_found_by_name_in_any_order_and_from_any_source(dtype):
    encoder, table = fitted()
    shuffled = {"other": [1] * 5} | {name: TABLE[name] for name in reversed(TABLE) if name not in ("same", "void")}
    X = encoder.encode(table, dtype)
    assert X.dtype == dtype
    assert X.flags.c_contiguous
    assert X.shape == (5, encoder.width)
    np.testing.assert_array_equal(X, encoder.encode(read_table(shuffled), dtype))
    frame = pd.DataFrame(TABLE | {"kind": [7.0, 8.0, 7.0, 8.0, 9.0]}, index=[5, 3, 1, 4, 2])
    np.testing.assert_array_equal(X, encoder.encode(read_table(frame), dtype))


def test_a_row_alone_is_encoded_as_in_the_table():
    encoder, table = fitted()
    rows = [encoder.encode(table.slice(i, 1)) for i in range(table.num_rows)]
    np.testing.assert_array_equal(np.concatenate(rows), encoder.encode(table))


def test_what_training_never_saw_is_all_zeros():
    encoder, _ = fitted({"a": ["x", "x", "y", "y"], "b": [1.0, 2.0, 3.0, 4.0]})
    X = encoder.encode(read_table({"a": ["z", "", "7"], "b": [2.5, None, 2.5]}))
    np.testing.assert_array_equal(X, np.zeros((3, 3)))
    encoder, _ = fitted({"a": ["x", "x", "y", "z"], "b": [1.0, 2.0, 3.0, 4.0]})
    X = encoder.encode(read_table({"a": ["z", "new", "", "x"], "b": [2.5] * 4}))
    np.testing.assert_array_equal(X, [[0, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]])


def test_words_are_sorted_by_count_then_text_and_limited_to_a_thousand():
    words = [f"w{i:04d}" for i in range(1100) for _ in range(2)] + ["é"] * 6 + ["z"] * 6 + ["once"]
    encoder, _ = fitted({"a": words})
    assert encoder.feature_names == ["a=z", "a=é"] + [f"a=w{i:04d}" for i in range(998)] + ["a other"]


@pytest.mark.parametrize(("cells", "least"), [(5001, 5), (5000, 2), (20, 2)])
def test_a_word_has_an_input_if_it_comes_twice_and_of_many_rows_five_times(cells, least):
    often = ["a"] * (cells - 2 * least - 1)
    encoder, _ = fitted({"x": [*often, *"b" * least, *"c" * (least - 1), "d", "e"]})
    assert encoder.feature_names == ["x=a", "x=b", "x other"]


def test_words_that_hardly_repeat_are_dropped():
    names = [f"n{i}" for i in range(97)]
    assert kinds(fitted({"a": [*names, "m", "m"], "b": range(99)})[0])["a"] == "dropped"
    assert kinds(fitted({"a": [*names[:90], *"mmmmm"], "b": range(95)})[0])["a"] == "frequent"


@pytest.mark.parametrize("exclude", ["age", ["age"], ("age", "cut"), iter(["age"])])
def test_excluded_columns_are_not_encoded(exclude):
    encoder, table = fitted(exclude=exclude)
    assert "age" not in encoder.columns
    assert encoder.encode(table.drop_columns("age") if exclude != ("age", "cut") else table).shape[1] == encoder.width


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": ["ages"]}, r"no excluded column 'ages' \(did you mean 'age'\?\)"),
        (
            {"exclude": [n for n in TABLE if n not in ("same", "void")]},
            "'same': every value is the same; 'void': every",
        ),
        ({"exclude": list(TABLE)}, "^no column is left to learn from, beside the targets"),
    ],
)
def test_a_table_without_anything_to_learn_from_is_refused(options, message):
    with pytest.raises(DataError, match=message):
        fitted(**options)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1.0], "c": [2]}, ["'b'", "'a', 'c'"]),
        ({"c": [2]}, ["'a', 'b'"]),
        ({"a": ["1", "?", "about 2", "x"], "b": list("xyxy")}, ["'a'", "'about 2'", "row 3"]),
        ({"a": [1.0, math.inf], "b": list("xy")}, ["'a'", "inf", "row 2"]),
    ],
)
def test_tables_that_do_not_fit_are_refused_in_one_line(columns, words):
    encoder, _ = fitted({"a": [1.0, 2.0, 3.0, None], "b": list("xyxy")})
    with pytest.raises(DataError) as caught:
        encoder.encode(read_table(columns), "float32")
    assert "\n" not in str(caught.value)
    assert [word for word in words if word not in str(caught.value)] == []


def test_columns_of_older_files_are_standardised_and_not_bent():
    encoder = Encoder((Numbers("a", True, 2.0, 0.5),))
    X = encoder.encode(read_table({"a": [1.0, None, 1e6]}), "float64")
    np.testing.assert_array_equal(X, [[-2, 0], [0, 1], [(1e6 - 2) * 2, 0]])
    with pytest.raises(DataError, match=r"row 2 of column 'a' is 1e\+300, too far from the training data"):
        encoder.encode(read_table({"a": [1.0, 1e300]}), "float32")


# model files -----------------------------------------------------------------------------------------------------


def stored(encoder):
    """What is read back: the document has been through JSON, the tensors through their bytes."""
    tensors = {k: np.frombuffer(v.tobytes(), v.dtype) for k, v in encoder.tensors().items()}
    return json.loads(json.dumps(encoder.document())), tensors


def test_an_encoder_is_read_back_as_it_was():
    encoder, table = fitted()
    document, tensors = stored(encoder)
    read = Encoder.from_document(document, tensors)
    assert read == encoder
    assert read.describe() == encoder.describe()
    np.testing.assert_array_equal(read.encode(table), encoder.encode(table))
    assert {name: (array.dtype, array.shape) for name, array in tensors.items()} == {
        "encoder.mean": (np.float64, (2,)),
        "encoder.scale": (np.float64, (2,)),
    }


def test_a_document_holds_no_decimal_numbers():
    assert "." not in json.dumps(fitted(exclude=["size"])[0].document())


def column(**changes):
    """A document with one column of numbers, changed."""
    return {"columns": [{"kind": "numbers", "name": "a", "missing": False} | changes]}


def words(**changes):
    return {"columns": [{"kind": "categories", "name": "a", "words": ["x"], "missing": False} | changes]}


HOSTILE = [
    *[None, [], "columns", {}, {"columns": None}, {"columns": []}, {"columns": {}}, {"columns": [None]}],
    {"columns": [[]]},
    {"columns": [{}]},
    {**column(), "more": 1},
    column(kind="dates"),
    column(kind=None),
    column(kind=["numbers"]),
    column(kind={"numbers": 1}),
    column(kind="Transform"),
    column(name=None),
    column(name=""),
    column(name=7),
    column(name="\ud800"),
    column(missing=1),
    column(missing="no"),
    column(mean=0.5),
    column(words=["x"]),
    {"columns": [{"kind": "numbers", "name": "a"}]},
    {"columns": column()["columns"] + words()["columns"]},
    words(words=[]),
    words(words="xyz"),
    words(words=None),
    words(words=["x", "x"]),
    words(words=["x", ""]),
    words(words=["x", 1]),
    words(words=["x", ["y"]]),
    words(words=["x" * 5000 + "\ud800"]),
    words(words=[str(i) for i in range(1001)]),
    {"columns": [{"kind": "dropped", "name": "a", "reason": "x"}]},
    {"columns": [{"kind": "presence", "name": "a", "reason": ["x"]}]},
]


@pytest.mark.parametrize("document", HOSTILE, ids=lambda d: repr(d)[:60])
def test_a_hostile_document_is_refused_in_one_line(document):
    one = {"encoder.mean": np.zeros(1), "encoder.scale": np.ones(1)}
    none = {"encoder.mean": np.zeros(0), "encoder.scale": np.ones(0)}
    for tensors in (one, none):
        with pytest.raises(ModelFileError) as caught:
            Encoder.from_document(document, tensors)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 250


@pytest.mark.parametrize("name", ["encoder.mean", "encoder.scale"])
@pytest.mark.parametrize(
    "array",
    [
        *[
            None,
            [1.0],
            1.0,
            np.float64(1),
            np.ones(0),
            np.ones(2),
            np.ones((1, 1)),
            np.ones(1, "f4"),
            np.ones(1, ">f8"),
        ],
        *[np.ones(1, object), np.ones(1, int), np.array([np.nan]), np.array([np.inf]), np.array(["1"])],
    ],
    ids=repr,
)
def test_hostile_tensors_are_refused_in_one_line(name, array):
    tensors = {"encoder.mean": np.zeros(1), "encoder.scale": np.ones(1)}
    assert Encoder.from_document(column(), tensors).width == 1
    with pytest.raises(ModelFileError, match=name.replace(".", r"\.")):
        Encoder.from_document(column(), {**tensors, name: array})
    with pytest.raises(ModelFileError, match=name.replace(".", r"\.")):
        Encoder.from_document(column(), {k: v for k, v in tensors.items() if k != name})


@pytest.mark.parametrize("scale", [0.0, -1.0, -0.0])
def test_a_scale_is_above_zero(scale):
    with pytest.raises(ModelFileError, match="above 0"):
        Encoder.from_document(column(), {"encoder.mean": np.zeros(1), "encoder.scale": np.array([scale])})


def test_an_unknown_transform_points_to_a_newer_version():
    with pytest.raises(ModelFileError, match="'dates', unknown to this version: a newer chainrule may know it"):
        Encoder.from_document(column(kind="dates"), {})


# real data -------------------------------------------------------------------------------------------------------


def test_titanic(shared_data):
    table = read_table(shared_data("titanic.csv"))
    encoder = Encoder.fit(table, exclude=["survived", "boat", "body"])
    found = kinds(encoder)
    assert {n: found[n] for n in ("age", "fare", "sex", "cabin", "ticket", "name")} == {
        "age": "scaled",
        "fare": "log",
        "sex": "categories",
        "cabin": "frequent",
        "ticket": "frequent",
        "name": "dropped",
    }
    assert {"age missing", "sex=male", "embarked=S"} < set(encoder.feature_names)
    frame = pd.read_csv(shared_data("titanic.csv"), na_values="?")
    again = Encoder.fit(read_table(frame), exclude=["survived", "boat", "body"])
    assert again == encoder
    np.testing.assert_array_equal(encoder.encode(table), encoder.encode(read_table(frame)))


def test_diamonds(shared_data):
    table = read_table(shared_data("diamonds.csv.gz"))
    encoder = Encoder.fit(table, exclude="price")
    X = encoder.encode(table, "float64")
    assert X.shape == (53940, 6 + 5 + 7 + 8)
    numeric = [encoder.feature_names.index(name) for name in ("carat", "depth", "table", "x", "y", "z")]
    assert np.abs(X[:, numeric]).max() < 6  # though some stones are 0 mm or 59 mm wide
    np.testing.assert_allclose(np.median(X[:, numeric], axis=0), 0, atol=0.05)
    np.testing.assert_allclose(X[:, numeric].std(axis=0), 1, atol=0.25)
    categories = [i for i in range(encoder.width) if i not in numeric]
    np.testing.assert_array_equal(X[:, categories].sum(axis=1), 3)


def test_values_that_differ_in_late_digits_have_names_of_their_own():
    low, high = 12345678901.25, 12345678901.5
    assert Values((1.0, 0.1, low)).suffixes == ["=1", "=0.1", "=1.23456789e+10"]
    assert Values((0.1, low, high)).suffixes == ["=0.1", "=12345678901.25", "=12345678901.5"]


def test_a_value_is_also_the_number_that_float32_rounds_it_to() -> None:
    tenth, third = (float(np.float32(x)) for x in (0.1, 1 / 3))
    code = Encoder((Coded("code", False, 0.2, 3.0, False, values=(0.1, 1 / 3, third, 16777217.0, 16777218.5)),))
    cells = [0.1, tenth, 1 / 3, third, 16777217.0, 16777216.0, 16777218.5, 16777218.0, 0.10000001]
    X = code.encode(read_table({"code": cells}))[:, 1:]
    assert X.sum(axis=1).tolist() == [1, 1, 1, 1, 1, 0, 1, 0, 0]
    assert X[:5].argmax(axis=1).tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_value_is_known_by_the_number_that_fewer_digits_round_it_to(dtype) -> None:
    values = np.array([-0.3, 0.1, 0.7, 20.0])
    cells = np.array([*values, 0.11, np.nan, 5.0])
    encoder = Encoder((Coded("code", True, 0.2, 3.0, False, values=tuple(values.tolist())),))
    whole, rounded = (encoder.encode(read_table({"code": column})) for column in (cells, cells.astype(dtype)))
    np.testing.assert_array_equal(rounded[:, 1:], whole[:, 1:])
    assert (whole[:4, 1:5] == np.eye(4)).all()
    learned = values.astype(dtype).astype(float)  # from cells of this type: to the same bits
    known = Encoder((Coded("code", True, 0.2, 3.0, False, values=tuple(learned.tolist())),))
    again = known.encode(read_table({"code": cells.astype(dtype).astype(float)}))
    np.testing.assert_array_equal(known.encode(read_table({"code": cells.astype(dtype)})), again)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0.5, 1.0, 2.0], ["a", "b"]),
        ([0.5, 0.0], ["a", "b"]),
        ([-1.0, 1.0], ["a", "b"]),
        ([1e-200, 1.0], ["a", "b"]),
        ([0.5, np.inf], ["a", "b"]),
    ],
)
def test_weights_that_no_text_has_are_refused(weights, words):
    column = {"kind": "weighted text", "name": "c", "words": words, "missing": False, "weights": len(weights)}
    tensors = {f"encoder.{name}": np.zeros(0) for name in ("mean", "scale")}
    with pytest.raises(ModelFileError) as caught:
        Encoder.from_document({"columns": [column]}, {**tensors, "encoder.weights": np.array(weights)})
    assert "\n" not in str(caught.value)
    kept = Encoder.from_document({"columns": [column | {"weights": 2}]}, {**tensors, "encoder.weights": np.ones(2)})
    assert kept.feature_names == ["c=a", "c=b"]


@pytest.mark.parametrize("words", [["a", "a b c"], ["a", "a  b"], ["a", " "], ["a", "b "]])
@pytest.mark.parametrize("kind", ["text", "weighted text"])
def test_texts_of_a_damaged_file_have_words_and_pairs(kind, words):
    column = {"kind": kind, "name": "c", "words": words, "missing": False}
    column |= {"weights": 2} if kind == "weighted text" else {}
    tensors = {f"encoder.{name}": np.zeros(0) for name in ("mean", "scale")} | {"encoder.weights": np.ones(2)}
    with pytest.raises(ModelFileError, match="words, or two words with a space between them"):
        Encoder.from_document({"columns": [column]}, tensors)


def test_the_weights_of_a_text_are_added_up_in_their_order():
    """As other languages do: sums in another order have other bits."""
    weights = np.random.default_rng(0).uniform(1, 9, 200)
    words = tuple(f"w{k}" for k in range(200))
    encoder = Encoder((WeightedText("c", words, False, tuple(weights.tolist())),))
    row = encoder.encode(read_table({"c": [" ".join(reversed(words))]}), "float64")[0]
    total = 0.0
    for weight in weights.tolist():
        total += weight * weight
    assert row.tolist() == [3 * weight / math.sqrt(total) for weight in weights.tolist()]


def test_several_texts_share_the_words_of_a_table(monkeypatch):
    draw = np.random.default_rng(0)

    def texts(words):
        return [" ".join(f"w{k}" for k in draw.integers(0, words, 12)) for _ in range(300)]

    table = {"a": texts(200), "b": texts(20)}
    whole = Encoder.fit(table).transforms
    monkeypatch.setattr(choose_items, "MOST_TEXT_NUMBERS", 300 * 150)
    shared = Encoder.fit(table).transforms
    assert 148 <= sum(len(t.words) for t in shared) <= 150
    assert [t.words == before.words[: len(t.words)] for t, before in zip(shared, whole, strict=True)] == [True, True]
    assert len(Encoder.fit({"a": table["a"]}).transforms[0].words) == 150


def test_a_text_of_an_older_model_has_a_1_for_each_word():
    column = {"kind": "text", "name": "c", "words": ["fog", "snow"], "missing": False}
    tensors = {f"encoder.{name}": np.zeros(0) for name in ("mean", "scale")}
    encoder = Encoder.from_document({"columns": [column]}, tensors)
    rows = encoder.encode(read_table({"c": ["Fog, snow", "snow snow", ""]}), "float64")
    assert rows.tolist() == [[1, 1], [0, 1], [0, 0]]
