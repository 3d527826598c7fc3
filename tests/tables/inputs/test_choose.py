"""What becomes of columns that are not as they seem: gaps in words, numbers that number rows, orders, rare words."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.tables.cutting import Cut, random_cuts, seeds
from tests.tables.reading import read_table

from chainrule.errors import DataError, ModelFileError
from chainrule.tables.inputs import Encoder
from chainrule.tables.missing import PLACEHOLDERS


def became(cells, name="a", cuts=()):
    """The kind and the detail of the only column that says something."""
    encoder = Encoder.fit(Cut({name: cells, "other": [k % 7 for k in range(len(cells))]}, cuts))
    return encoder.describe()[0][1:]


def encoded(cells, new=None):
    encoder = Encoder.fit({"a": cells})
    return encoder.feature_names, encoder.encode(read_table({"a": cells if new is None else new}), "float64").tolist()


# words for nothing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [*PLACEHOLDERS, "#DIV/0!", "#VALUE!", "NaT", "", "\\N", " - "])
def test_words_for_nothing_are_missing_in_columns_of_numbers(word):
    assert encoded(["1", word, "3"]) == (["a", "a missing"], [[-1, 0], [0, 1], [1, 0]])
    assert encoded(["true", word, "false", "true", "false"])[1][1] == [0, 1]
    assert encoded(["1", "3"], [word, "1"]) == (["a"], [[0], [-1]])


def test_beside_words_they_are_words_and_alone_too():
    assert encoded(["na", "x", "na", "x"])[0] == ["a=na", "a=x"]
    assert encoded(["-", "+", "-", "+"])[0] == ["a=+", "a=-"]
    assert encoded(["none", "", "none", ""])[0] == ["a missing"]
    assert became(["none"] * 5) == ("dropped", "every value is the same")
    assert encoded(["1", "-", "x", "1", "-", "x"])[0] == ["a=-", "a=1", "a=x"]


@pytest.mark.parametrize("seed", seeds(2, 5))
@pytest.mark.parametrize("late", ["3", "x", "true", "-"])
def test_they_are_judged_when_the_whole_column_was_seen(seed, late):
    cells = ["-", "1", "na", "2", ""] * 20 + ["-"] * 20 + [late, "1"] * 10
    cuts = random_cuts(len(cells), seed)
    whole, cut = Encoder.fit(Cut({"a": cells}, [])), Encoder.fit(Cut({"a": cells}, cuts))
    assert whole == cut
    assert whole.transforms[0].kind == ("scaled" if late in "3-" else "categories")
    assert whole.transforms[0].missing
    full = ["-", "1", "na", "2"] * 20 + [late, "1"] * 10  # nothing is missing if there is a word
    assert Encoder.fit(Cut({"a": full}, cuts)) == Encoder.fit(Cut({"a": full}, []))
    assert Encoder.fit(Cut({"a": full}, [10, 50])).transforms[0].missing == (late in "3-")
    only = Cut({"a": ["-"] * 30 + ["na"] * 30 + [""]}, random_cuts(61, seed))
    assert Encoder.fit(only).feature_names == ["a=-", "a=na", "a missing"]


# numbers that are none ---------------------------------------------------------------------------------------------

NUMBERED = "its whole numbers are all different, as those of rows and identifiers"


IDENTIFIERS = ["id", "ID", "PassengerId", "customer_id", "Customer ID", "uuid", "index", "row", "no"]
IDENTIFIERS += ["Unnamed: 0", "Unnamed: 0.1", "level_0", "__index_level_0__"]
QUANTITIES = ["humid", "paid", "Grid", "price_index", "a", "population", "idle", "width", "number", "rows"]


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_whole_numbers_that_are_all_different_under_the_name_of_an_identifier_are_left_out(name):
    codes = np.random.default_rng(0).permutation(10**6)[:500]
    assert became(codes, name) == ("dropped", NUMBERED)
    assert became([str(code) for code in codes], name) == ("dropped", NUMBERED)
    assert became(codes % 400, name)[0] == "scaled"  # some come twice
    assert became(codes + 0.5, name)[0] == "scaled"
    assert became(codes[:19], name)[0] == "scaled"


@pytest.mark.parametrize(
    "name", ["humid", "paid", "Grid", "price_index", "a", "population", "idle", "width", "number", "rows"]
)
def test_a_quantity_is_never_taken_for_an_identifier(name):
    assert became(np.random.default_rng(0).permutation(10**6)[:500], name)[0] == "scaled"
    assert became(np.arange(500), name)[0] == "scaled"


def test_texts_are_recognised_and_names_and_identifiers_left_out():
    texts = [f"The flat number {k} is close to the {'park' if k % 3 else 'sea side'}" for k in range(40)]
    assert became(texts) == ("weighted text", "text with 3 words: park | sea | side")
    assert became([*texts[1:], None]) == (
        "weighted text",
        "text with 3 words: park | sea | side; missing cells flagged",
    )
    assert became(texts[:31] + texts[:9])[0] == "weighted text"  # 18 of 40 cells come twice
    assert became(texts[:30] + texts[:10])[0] == "frequent"
    assert became(pd.Series(texts + texts[:2], dtype="category"))[0] == "frequent"
    short = [f"flat {k} near the {'park' if k % 3 else 'sea'}" for k in range(40)]
    assert became([f"{text} here" for text in short])[0] == "weighted text"  # five spaces
    assert became(short)[0] == "dropped"
    assert became([" ".join(str(k * j % 50) for j in range(8)) for k in range(40)])[0] == "dropped"  # only numbers
    nothing = " ".join("w{}" for _ in range(7))
    nothing_twice = [nothing.format(*range(7 * k, 7 * k + 7)) for k in range(40)]
    for names in ([f"{k:032x}" for k in range(40)], [f"Braund, Mr. Owen {k}" for k in range(40)], nothing_twice):
        assert became(names) == ("dropped", "hardly any word comes twice, as in names and identifiers")


def test_lengths_of_time_are_numbers_of_days():
    days = pa.array([0, 86400, 43200], pa.duration("s"))
    assert became(days)[1] == "mean 0.5, standard deviation 0.408248"
    assert became(pd.Series(pd.to_timedelta(["0 days", None, "1 days"])))[1].startswith("mean 0.5, ")


# orders ------------------------------------------------------------------------------------------------------------


def sizes(cells, order=("S", "M", "L", "XL")):
    return pd.Series(pd.Categorical(cells, order, ordered=True))


def test_ordered_categories_become_steps():
    names, X = encoded(sizes(["S", "M", None, "XL", "M"]), ["S", "M", "L", "XL", "", "?"])
    assert names == ["a>=M", "a>=L", "a>=XL", "a missing"]
    assert X == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert became(sizes(["S", "M", "S"])) == ("ordered", "4 words: S < M < L < XL")
    assert became(sizes([3, 1, 2, 1], (1, 2, 3))) == ("ordered", "3 words: 1 < 2 < 3")


def test_an_order_that_changes_or_is_too_long_is_none():
    turned = pa.chunked_array([pa.array(sizes(list("SM") * 9)), pa.array(sizes(list("SM") * 9, ("M", "S", "L", "XL")))])
    for cuts in ([], [18], [3, 30]):
        assert became(turned, cuts=cuts) == ("categories", "2 words: M | S")
    assert became(pd.Series(pd.Categorical(list("SM") * 9))) == ("categories", "2 words: M | S")
    assert became(sizes([0, 1, 0, 1], range(101)))[0] == "categories"
    assert became(sizes(["S", "S"])) == ("dropped", "every value is the same")


# model files -------------------------------------------------------------------------------------------------------

EVERY = {
    "plain": [0.5, 1.5, 2.5, 3.0] * 10,
    "log": np.exp(np.linspace(-9, 9, 40)),
    "robust": [*range(39), 1e6],
    "order": sizes(["S", "M", "L", None] * 10),
    "words": ["x", "y"] * 20,
    "rare": ["x", "y", *"abcdef"] * 4 + [f"n{k}" for k in range(8)],
    "names": [f"n{k}" for k in range(39)] + [None],
    "id": range(40),
}


def test_every_kind_is_read_back_as_it_was():
    encoder = Encoder.fit(EVERY)
    kinds = [transform.kind for transform in encoder.transforms]
    assert kinds == ["scaled", "log", "scaled", "ordered", "categories", "frequent", "presence", "dropped"]
    document = json.loads(json.dumps(encoder.document()))
    tensors = {name: np.frombuffer(array.tobytes()) for name, array in encoder.tensors().items()}
    assert {name: len(array) for name, array in tensors.items()} == {
        "encoder.mean": 3,
        "encoder.scale": 3,
        "encoder.origin": 1,
        "encoder.unit": 1,
    }
    assert Encoder.from_document(document, tensors) == encoder
    for name in tensors:
        with pytest.raises(ModelFileError, match=name):
            Encoder.from_document(document, {k: v for k, v in tensors.items() if k != name})
    with pytest.raises(ModelFileError, match="above 0"):
        Encoder.from_document(document, tensors | {"encoder.unit": np.zeros(1)})


def test_the_first_word_that_is_none_is_named_past_the_words_for_nothing():
    with pytest.raises(DataError, match="'oops' came in row 4"):
        Encoder.fit({"a": ["1", "-", "2", "oops", *["3", "4"] * 20]})
    with pytest.raises(DataError, match="'oops' came in row 3"):
        Encoder.fit({"a": ["1", "2"]}).encode(read_table({"a": ["-", "1", "oops"]}))
