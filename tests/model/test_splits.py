"""How rows are divided: each tested once, classes in their share, groups together, time forward."""

import numpy as np
import pyarrow as pa
import pytest

from chainrule.errors import DataError, SettingError
from chainrule.model.splits import by_class, by_group, by_time, group_codes, time_order


def test_every_row_is_tested_once_and_classes_keep_their_share():
    classes = np.repeat([0, 1], [90, 10])
    splits = list(by_class(3, 5, 100, classes))
    assert np.array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(100))
    for train, test in splits:
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(100))
        assert classes[test].sum() == 2
    assert [t.tolist() for _, t in by_class(3, 5, 100, classes)] == [t.tolist() for _, t in splits]
    assert [t.tolist() for _, t in by_class(4, 5, 100, classes)] != [t.tolist() for _, t in splits]


def test_groups_stay_together_and_folds_are_of_like_size():
    groups = np.random.default_rng(0).integers(0, 40, 500)
    splits = list(by_group(0, 5, groups))
    assert np.array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(500))
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
        assert 80 <= len(test) <= 120


def test_time_goes_forward_and_equal_times_stay_together():
    times = np.array([5, 1, 1, 3, 2, 2, 4, 4, 4, 6, 7, 8.0])
    order, ties = time_order(pa.chunked_array([times]), "t")
    for train, test in by_time(3, order, ties):
        assert times[train].max() < times[test].min()
    assert times[list(by_time(3, order, ties))[-1][1]].max() == 8
    with pytest.raises(SettingError, match=r"^there are 9 parts to make of 8 different times: take fewer folds$"):
        list(by_time(8, order, ties))
    most = np.array([0] * 50 + [1, 2, 3])
    with pytest.raises(SettingError, match="so many equal times"):
        list(by_time(3, *time_order(pa.chunked_array([most]), "t")))


def test_times_may_be_written_and_missing_ones_are_refused():
    written = pa.chunked_array([["3.1.2020", "2.1.2020", "1.2.2019"]])
    assert time_order(written, "day")[0].tolist() == [2, 1, 0]
    with pytest.raises(DataError, match=r"^column 'day' orders the rows, but row 2 has no value: fill it in$"):
        time_order(pa.chunked_array([["3.1.2020", None]]), "day")
    with pytest.raises(DataError, match="neither times of one form nor numbers"):
        time_order(pa.chunked_array([["soon", "later"]]), "day")


def test_groups_are_equal_cells():
    assert group_codes(pa.chunked_array([["a", None, "b", "a", ""]]), "g").tolist() == [0, 1, 2, 0, 1]
    assert group_codes(pa.chunked_array([[1.0, 2.0, 1.0]]), "g").tolist() == [0, 1, 0]


def test_more_folds_than_there_can_be():
    with pytest.raises(SettingError, match=r"^there are 7 parts to make of 6 rows: take fewer folds$"):
        list(by_class(0, 7, 6, None))
    with pytest.raises(SettingError, match=r"^there are 3 parts to make of 2 groups: take fewer folds$"):
        list(by_group(0, 3, np.array([0, 1, 1])))
