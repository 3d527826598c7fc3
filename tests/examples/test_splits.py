"""Rows held out: every row once, shares to a row, the same seed the same rows."""

import math

import numpy as np
import pytest

from chainrule.errors import DataError
from chainrule.examples import folds, hold_out
from chainrule.random import Purpose, permutation


@pytest.mark.parametrize(
    ("n", "fraction", "held"),
    [(2, 0.0, 1), (2, 1.0, 1), (10, 0.25, 3), (10, 0.15, 2), (10, 0.1, 1), (1000, 0.2, 200), (3, 0.99, 2), (5, 0.5, 3)],
)
def test_a_split_holds_out_the_fraction_rounded_up_and_leaves_each_side_a_row(n, fraction, held):
    train, validation = hold_out(4, n, fraction)
    assert (len(train), len(validation)) == (n - held, held)
    assert sorted([*train, *validation]) == list(range(n))
    assert (np.diff(train) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_a_split_depends_on_the_seed_alone_and_is_that_of_the_permutation():
    order = permutation(4, Purpose.SPLIT, 0, 100)
    assert hold_out(4, 100, 0.3)[1].tolist() == sorted(order[:30].tolist())
    assert hold_out(5, 100, 0.3)[1].tolist() != hold_out(4, 100, 0.3)[1].tolist()
    share = np.mean([hold_out(seed, 50, 0.2)[1] < 25 for seed in range(400)])
    assert abs(share - 0.5) < 4 * math.sqrt(0.25 / 4000)


@pytest.mark.parametrize("n", [0, 1])
def test_a_single_row_cannot_be_split(n):
    with pytest.raises(DataError, match=rf"^{n} row cannot be split[^\n]*$"):
        hold_out(0, n, 0.5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n", "fraction"), [(20, 0.1), (21, 0.3), (150, 0.1), (3, 0.5)])
def test_each_class_gives_its_share_to_a_row(seed, n, fraction):
    classes = np.arange(n) ** 2 % 5
    kept, held = hold_out(seed, n, fraction, classes)
    assert sorted([*kept, *held]) == list(range(n))
    assert len(held) == np.ceil(fraction * n)
    for value in np.unique(classes):
        share = (classes == value).sum() * len(held) / n
        assert abs((classes[held] == value).sum() - share) < 1
    assert len(hold_out(seed, n, fraction)[1]) == len(held)


def test_folds_are_alike_in_size_and_in_their_share_of_each_class() -> None:
    classes = np.repeat([0, 1, 2], [50, 31, 9])
    found = folds(5, 4, 90, classes)
    assert sorted(np.bincount(found).tolist()) == [22, 22, 23, 23]
    for c in range(3):
        counts = np.bincount(found[classes == c], minlength=4)
        assert counts.max() - counts.min() <= 1
    assert (folds(6, 4, 90, classes) != found).any()
