"""The statistics: exact to rounding at any magnitude, and the same however the rows arrive."""

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from tests.tables.reading import read_table

from chainrule.tables.inputs import Encoder
from chainrule.tables.profile.moments import BLOCK, Moments, Running


def standard(values, missing):
    """Mean and population standard deviation of the values that are not missing."""
    running = Running()
    running.add(np.where(missing, np.nan, values))
    return running.standard()


def exactly(values):
    """Mean and population standard deviation in rational numbers, rounded once."""
    exact = [Fraction(float(v)) for v in values]
    mean = sum(exact) / len(exact)
    variance = sum((v - mean) ** 2 for v in exact) / len(exact)
    scale = Fraction(2) ** 4000
    return float(mean), float(Fraction(math.isqrt(int(variance * scale * scale))) / scale)


@pytest.mark.parametrize("factor", [1.0, 1e300, 1e-300, 1.7e308, 5e-308])
@pytest.mark.parametrize("shift", [0.0, 3.0, -1e6])
def test_statistics_are_exact_to_rounding_at_any_magnitude(factor, shift):
    values = np.random.default_rng(1).standard_normal(600) / 4
    if factor < 1e300:
        values = values + shift
    values = (values / np.abs(values).max()) * factor
    mean, scale = standard(values, np.zeros(600, bool))
    exact_mean, exact_scale = exactly(values)
    assert mean == pytest.approx(exact_mean, rel=1e-13, abs=1e-14 * np.abs(values).max())
    assert scale == pytest.approx(exact_scale, rel=1e-9 if shift < 0 else 1e-13)
    X = Encoder.fit(read_table({"a": values})).encode(read_table({"a": values}), "float64")
    assert np.abs(X).max() < 10


def test_blocks_of_very_different_magnitude_merge():
    for factor in (1.0, 1e-300):
        blocks = [np.full(BLOCK, 1e-8), np.zeros(BLOCK), [1e300, 1e299], np.full(BLOCK, -1e5), np.zeros(BLOCK)]
        values = np.concatenate(blocks) * factor
        expected = exactly(values)
        assert standard(values, np.zeros(len(values), bool)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rows", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17])
def test_moments_are_those_of_numpy(rows):
    rng = np.random.default_rng(rows)
    values, missing = rng.standard_normal(rows) + 5, rng.random(rows) < 0.3
    missing[0] = False
    mean, scale = standard(values, missing)
    assert mean == pytest.approx(values[~missing].mean(), rel=1e-14)
    assert scale == pytest.approx(values[~missing].std(), rel=1e-12, abs=0)


def test_blocks_without_values_count_for_nothing():
    values = np.concatenate([np.full(BLOCK, np.nan), [1.0, 3.0], np.full(2 * BLOCK, np.nan)])
    assert standard(values, np.isnan(values)) == (2.0, 1.0)
    assert Moments().merged(Moments()) == Moments()


def test_statistics_do_not_depend_on_how_the_rows_arrive():
    rng = np.random.default_rng(2)
    values = rng.lognormal(size=3 * BLOCK + 101)
    values[rng.random(len(values)) < 0.1] = np.nan
    whole = Encoder.fit(read_table({"a": values}))
    for cuts in ([], [1], [BLOCK, BLOCK + 1, 9000], sorted(rng.integers(0, len(values), 40).tolist())):
        chunks = pa.chunked_array([pa.array(part, from_pandas=True) for part in np.split(values, cuts)])
        text = pa.chunked_array(
            [pa.array([repr(float(v)) for v in part], pa.string()) for part in np.split(values, cuts)]
        )
        assert Encoder.fit(pa.table({"a": chunks})) == whole
        assert Encoder.fit(pa.table({"a": text})) == whole


@pytest.mark.parametrize("value", [0.1, 1e9 / 3, -1e300 / 7, 1e-300 / 3, 0.0, 5e-324])
@pytest.mark.parametrize("rows", [1, 7, 2 * BLOCK + 5])
def test_constant_columns_are_seen_to_be_constant(value, rows):
    assert standard(np.full(rows, value), np.zeros(rows, bool)) == (value, 0.0)


def test_columns_that_differ_by_rounding_alone_are_constant():
    values = np.where(np.arange(9000) % 2, 0.1 + 0.2, 0.3)
    assert standard(values, np.zeros(9000, bool))[1] == 0
    identifiers = 1e15 + np.arange(9000) % 5
    assert standard(identifiers, np.zeros(9000, bool))[1] == pytest.approx(math.sqrt(2), rel=1e-2)
