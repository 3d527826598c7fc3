"""Which numbers get an input for each frequent value, by what linear models leave."""

import numpy as np
import pytest

from chainrule.model import choose_values
from chainrule.model.choose_values import Levels, chosen_values, levels_of
from chainrule.model.linear_parts import left_of_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import as_source

DRAW = np.random.default_rng(0)
N = 2000
PART = DRAW.integers(0, 5, N)
PEOPLE, PLACES = (Levels(name, count, DRAW.integers(0, count, N)) for name, count in (("person", 400), ("place", 30)))
PERSON, PLACE = (DRAW.normal(size=(each.number + 1, 1))[each.of] for each in (PEOPLE, PLACES))
NOISE = DRAW.normal(size=(N, 1))


def test_columns_are_chosen_as_long_as_their_values_explain_what_is_left() -> None:
    every = [PLACES, PEOPLE]
    assert chosen_values(every, NOISE, PART, 0.99) == []
    assert chosen_values(every, NOISE + PERSON, PART, 0.99) == ["person"]
    assert chosen_values(every, NOISE + PERSON + PLACE / 2, PART, 0.99) == ["person", "place"]
    assert chosen_values(every, np.hstack([NOISE, NOISE + 2 * PLACE]), PART, 0.99) == ["place"]
    assert chosen_values(every, NOISE + PLACE, PART, 0.4) == [], "not enough"


def test_the_same_values_by_another_name_are_not_chosen_twice() -> None:
    twice = [PEOPLE, PEOPLE._replace(name="number of the person")]
    assert chosen_values(twice, NOISE + PERSON, PART, 0.99) == ["person"]


def test_rows_are_explained_by_other_parts_alone() -> None:
    assert chosen_values([PEOPLE], NOISE + PERSON, PEOPLE.of % 5, 0.99) == [], "a person is in one part alone"
    rare = Levels("code", 2, np.where(np.arange(N) < 3, np.arange(N) % 2, 2))
    rest = choose_values._without_means(rare, NOISE + 5, PART)
    assert (rest[3:] == NOISE[3:] + 5).all(), "those of no frequent value stay"


def test_a_mean_of_few_rows_is_drawn_towards_that_of_all() -> None:
    of, part = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 3])
    rest = choose_values._without_means(Levels("a", 2, of), np.array([[1.0], [1.0], [1.0], [9.0]]), part)
    assert rest.ravel() == pytest.approx([1 - 2 / 2.3] * 3 + [9.0]), "two other rows, and 0.3 of 0"


def test_more_values_than_a_network_takes_are_left_out(monkeypatch) -> None:
    left = NOISE + PERSON + PLACE / 2
    monkeypatch.setattr(choose_values, "MOST_CHOSEN", 429)
    assert chosen_values([PLACES, PEOPLE], left, PART, 0.99) == ["person"]
    monkeypatch.setattr(choose_values, "MOST_CHOSEN", 399)
    assert chosen_values([PLACES, PEOPLE], left, PART, 0.99) == ["place"]


def test_values_are_read_from_the_inputs_of_each_column() -> None:
    code, other = np.arange(200) % 40, DRAW.normal(size=200)
    rows = {"w": ["u", "v"] * 100, "code": code.astype(float), "b": other, "c": other**2}
    rows["code"][3] = np.nan
    rows["code"][4] = 77.5
    table = as_source(rows).table()
    encoder = Encoder.fit(table, more=True, bins=True)
    for own in (encoder, encoder.with_values(encoder.plain)):
        (levels,) = levels_of(own, own.encode(table))
        assert (levels.name, levels.number) == ("code", 40)
        assert levels.of[[0, 3, 4, 5, 45]].tolist() == [0, 40, 40, 5, 5]
    assert list(levels_of(encoder.with_values_of([]), encoder.without_values.encode(table))) == []
    assert encoder.with_values_of(["code"]) is encoder


def test_what_ridge_regression_leaves_is_that_of_rows_that_it_has_not_seen() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    X = DRAW.normal(size=(300, 4))
    T, part = X @ DRAW.normal(size=(4, 2)) + DRAW.normal(size=(300, 2)) + 7, np.arange(300) % 5
    left = {}
    for alpha in (0.1, 1.0, 10.0, 100.0):
        model, own = linear_model.Ridge(alpha=alpha), T.copy()
        for k in range(5):
            own[part == k] -= model.fit(X[part != k], T[part != k]).predict(X[part == k])
        left[float(np.square(own).sum())] = own
    np.testing.assert_allclose(left_of_numbers(X, T, part), left[min(left)], atol=1e-10)
