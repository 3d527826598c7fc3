"""On which scale numbers are seen, and that nothing far outside does harm."""

import math

import numpy as np
import pytest
from tests.tables.cutting import Cut, random_cuts
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.operations import bent
from chainrule.tables.inputs.transforms import Log, Scaled

N = 4000


def values(name, n=N, seed=0):
    rng = np.random.default_rng(seed)
    outlier = np.where(np.arange(n) == 7, 1e9, 0.0)
    return {
        "normal": lambda: rng.normal(170, 10, n),
        "uniform": lambda: rng.uniform(0, 1, n),
        "truth": lambda: (rng.random(n) < 0.001).astype(float),
        "whole": lambda: rng.integers(1, 7, n).astype(float),
        "years": lambda: rng.integers(1900, 2025, n).astype(float),
        "triangle": lambda: rng.uniform(0, 1, n) + rng.uniform(0, 1, n),
        "slip": lambda: rng.normal(3.5, 0.7, n) + outlier,
        "low slip": lambda: rng.normal(3.5, 0.7, n) - outlier,
        "fares": lambda: np.round(rng.lognormal(3, 1.2, n), 2) * (rng.random(n) > 0.02),
        "decades": lambda: 10 ** rng.uniform(-5, 5, n),
        "counts": lambda: rng.negative_binomial(0.3, 0.02, n).astype(float),
        "profits": lambda: rng.standard_t(1.5, n) * 1e6,
        "mostly 0": lambda: rng.lognormal(5, 1, n) * (rng.random(n) < 0.05),
        "rare": lambda: np.where(np.arange(n) % 1000 == 0, rng.normal(0, 1, n), 0.0),
    }[name]()


def transform(x, n=N):
    encoder = Encoder.fit({"x": x})
    return encoder.transforms[0], encoder.encode(read_table({"x": x}), "float64")[:, 0]


@pytest.mark.parametrize("name", ["normal", "uniform", "truth", "whole", "years", "triangle"])
def test_well_behaved_numbers_are_standardised_and_nothing_else(name):
    x = values(name)
    found, X = transform(x)
    assert isinstance(found, Scaled)
    assert not found.robust
    assert found.detail == f"mean {x.mean():.6g}, standard deviation {x.std():.6g}"
    if name != "truth":  # a rare one would lie 30 standard deviations out
        np.testing.assert_allclose(X, (x - x.mean()) / x.std(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["slip", "low slip"])
def test_a_slip_does_not_stretch_the_scale_of_the_others(name):
    x = values(name)
    found, X = transform(x)
    assert isinstance(found, Scaled)
    assert found.robust
    assert found.mean == pytest.approx(3.5, abs=0.05)
    assert found.scale == pytest.approx(0.7, abs=0.05)
    others = np.arange(N) != 7
    assert X[others].std() == pytest.approx(1, abs=0.05)
    assert 3.9 < abs(X[7]) <= 4


@pytest.mark.parametrize("name", ["fares", "decades", "counts", "mostly 0"])
def test_numbers_over_several_decades_are_logarithms(name):
    x = values(name)
    found, X = transform(x)
    assert isinstance(found, Log)
    assert (found.origin, found.unit) == (0.0, pytest.approx(np.quantile(x[x > 0], 0.05)))
    order = np.argsort(x)
    assert (np.diff(X[order])[np.diff(x[order]) > 0] > 0).all()  # nothing is lost
    assert X.mean() == pytest.approx(0, abs=0.15)
    assert 0.5 < X.std() < 1.1


def test_a_logarithm_begins_at_0_only_where_numbers_are_decades_apart_and_none_is_negative():
    above = 100 + np.random.default_rng(0).exponential(5, N)
    for x in (above, values("fares") - 5):
        found, _ = transform(x)
        assert isinstance(found, Log)
        assert found.origin == np.median(x)


def test_heavy_tails_on_both_sides_are_logarithms_of_the_distance_from_the_median():
    x = values("profits")
    found, X = transform(x)
    assert isinstance(found, Log)
    assert found.origin == np.median(x)
    assert np.corrcoef(x, X)[0, 1] < 0.75 < np.corrcoef(np.arcsinh(x / 1e6), X)[0, 1]


def test_by_hand():
    """Of -2^30, ..., -1, 0, 1, ..., 2^30 the quartiles lie midway between 2^14 and 2^15 on either side."""
    ones = 2.0 ** np.arange(31)
    found, _ = transform(np.concatenate([-ones[::-1], [0.0], ones]))
    assert isinstance(found, Log)
    assert found.origin == 0
    assert found.unit == pytest.approx((2**14 + 2**15) / 1.349, rel=1e-12)
    curve = [math.asinh(v / found.unit) for v in (0.0, 1e6)]
    row = Encoder((found,)).encode(read_table({"x": [0.0, 1e6]}), "float64")[:, 0]
    np.testing.assert_allclose(row, [(c - found.mean) / found.scale for c in curve], rtol=1e-12)


@pytest.mark.parametrize("name", ["normal", "slip", "fares", "profits", "rare", "truth"])
@pytest.mark.parametrize("far", [1e9, -1e9, 1e300, -1.7976931348623157e308])
def test_whatever_comes_the_input_is_finite_and_near(name, far):
    found, X = transform(values(name))
    assert np.isfinite(X).all()
    out = Encoder((found,)).encode(read_table({"x": [far]}), "float32")[0, 0]
    assert 0 <= math.copysign(1, far) * out <= 10


def test_bent_is_smooth_and_rises():
    z = np.linspace(-40, 40, 80001)
    y = bent(z, 3.0)
    slope = np.diff(y) / np.diff(z)
    assert slope.min() > 0
    assert np.abs(np.diff(slope)).max() < 1e-3
    np.testing.assert_array_equal(y[np.abs(z) <= 3], z[np.abs(z) <= 3])
    np.testing.assert_array_equal(y, -bent(-z, 3.0))
    assert np.isnan(bent(np.array([np.nan]), 3.0)).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_bit_depends_on_the_cuts_or_on_the_neighbours(seed):
    table = {name: values(name, 12000) for name in ("normal", "slip", "fares", "profits", "rare")}
    cuts = random_cuts(12000, seed)
    encoder = Encoder.fit(Cut(table, cuts))
    assert encoder == Encoder.fit(Cut(table, []))
    whole = encoder.encode(read_table(table))
    parts = [encoder.encode(block) for block in Cut(table, cuts).blocks()]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    alone = [encoder.encode(read_table(table).slice(k, 1)) for k in range(seed, 12000, 997)]
    np.testing.assert_array_equal(np.concatenate(alone), whole[seed::997])


def test_one_far_value_does_not_wreck_a_training_or_its_answers():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 400)
    table = {"x": np.where(np.arange(400) == 9, 1e12, x), "y": 3 * x}
    model = cr.train_table(table, target="y", epochs=60, learning_rate=0.01)
    np.testing.assert_allclose(model.predict({"x": [-0.5, 0.5]}), [-1.5, 1.5], atol=0.3)
    assert np.abs(model.predict({"x": [1e300, -1e30]})).max() < 50


def test_where_half_of_the_numbers_are_the_same_the_deviation_is_that_of_nine_in_ten() -> None:
    x = np.concatenate([np.zeros(60), np.linspace(1, 2, 20), np.linspace(-2, -1, 19), [100.0]])
    (found,) = Encoder.fit({"x": x}).transforms
    low, high = np.quantile(x, [0.05, 0.95])
    assert (found.kind, found.robust) == ("scaled", True)
    assert found.scale == pytest.approx((high - low) / 3.29)
