"""The sample of a column: all numbers while they are few, a fair share of many, the same however they are cut."""

import numpy as np
import pytest
from tests.tables.cutting import random_cuts

from chainrule.tables.profile.sample import MOST_SAMPLED, Sample


def sampled(values, cuts=()):
    sample = Sample()
    for part in np.split(np.asarray(values, float), list(cuts)):
        sample.add(part)
    return sample.sorted


def test_few_numbers_are_all_kept_and_missing_ones_are_none():
    values = np.random.default_rng(0).normal(size=MOST_SAMPLED)
    np.testing.assert_array_equal(sampled(values), np.sort(values))
    np.testing.assert_array_equal(sampled([3.0, np.nan, 1.0, np.nan]), [1.0, 3.0])
    assert sampled([]).tolist() == sampled([np.nan]).tolist() == []


@pytest.mark.parametrize("seed", range(5))
def test_the_sample_does_not_depend_on_the_cuts(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=9 * MOST_SAMPLED)
    values[rng.random(len(values)) < 0.3] = np.nan
    found = sampled(values, random_cuts(len(values), seed))
    np.testing.assert_array_equal(found, sampled(values))
    np.testing.assert_array_equal(found, sampled(values[~np.isnan(values)]))
    assert MOST_SAMPLED / 2 * 0.9 < len(found) <= MOST_SAMPLED


@pytest.mark.parametrize("order", ["sorted", "periodic"])
def test_quantiles_are_those_of_the_rows_within_two_percent(order):
    n = 40 * MOST_SAMPLED
    values = np.arange(n) if order == "sorted" else np.arange(n) % 1024
    shares = np.linspace(0.01, 0.99, 50)
    wrong = np.quantile(sampled(values), shares) / values.max() - shares
    assert np.abs(wrong).max() < 0.02  # of 4,096 numbers or more: 2.5 standard errors
