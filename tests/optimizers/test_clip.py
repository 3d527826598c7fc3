"""Clipping: bounds by hand, bits within the bounds, lengths that float32 has no squares for, JAX."""

import math

import numpy as np
import pytest

from chainrule.errors import SettingError
from chainrule.optimizers import Clip


def drawn(size):
    return np.random.default_rng(0).normal(size=size).astype(np.float32)


@pytest.mark.parametrize(
    ("clip", "g", "expected"),
    [
        (Clip(), [3, -4], [3, -4]),
        (Clip(norm=1), [3, -4], [0.6, -0.8]),
        (Clip(norm=5), [3, -4], [3, -4]),
        (Clip(value=2), [3, -4, 1], [2, -2, 1]),
        (Clip(norm=1, value=3), [30, -4], [math.sqrt(0.5), -math.sqrt(0.5)]),  # values first, then the norm
        (Clip(norm=1, value=0.1), [3, -4], [0.1, -0.1]),
        (Clip(norm=1), [0, 0], [0, 0]),
        (Clip(norm=1, value=1), [0, 0], [0, 0]),
    ],
    ids=str,
)
def test_clipping_bounds_values_and_then_the_norm(clip, g, expected):
    for dtype in (np.float32, np.float64):
        given = np.array(g, dtype=dtype)
        found = clip.apply(given)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=2e-7)
        assert given.tolist() == g


def test_a_gradient_within_the_bounds_keeps_its_bits():
    g = drawn(100)
    assert Clip(norm=float(np.linalg.norm(g)) * 1.01, value=10).apply(g).tobytes() == g.tobytes()


@pytest.mark.parametrize("size", [1e20, 1e-25, 1e38])
def test_clipping_by_norm_holds_for_gradients_whose_squares_float32_cannot_hold(size):
    g = np.array([3.0, 0.0, -4.0], dtype=np.float32) * np.float32(size / 5)
    found = Clip(norm=size / 2).apply(g)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, g / 2, rtol=1e-6)


@pytest.mark.parametrize("bad", ["a", True, 0, -1.0, float("nan"), None])
def test_bounds_of_clipping_are_numbers_above_0(bad):
    with pytest.raises(SettingError, match="clip"):
        Clip(norm=bad)
    with pytest.raises(SettingError, match="example of clip"):
        Clip(example=bad)


@pytest.mark.parametrize("clip", [Clip(norm=0.5), Clip(value=0.2), Clip(norm=0.5, value=0.2)], ids=str)
def test_clipping_runs_on_jax_arrays(clip):
    import jax.numpy as jnp

    g = drawn(5)
    np.testing.assert_allclose(clip.apply(jnp.asarray(g)), clip.apply(g), rtol=1e-6)
