"""Activations: every entry of the registry in value, derivative, pullback, range and extremes; choice; your own."""

import dataclasses
import json
import math

import numpy as np
import pytest

from chainrule.activations import ACTIVATIONS, Activation, Custom, softplus
from chainrule.architecture import Architecture, Blocks
from chainrule.components import bp1_jacobian
from chainrule.differences import central_difference, complex_step
from chainrule.errors import SettingError, UnknownNameError
from chainrule.initializers import INITIALIZERS

from . import exact
from .oracles import deviation
from .problems import SIGMAS

ELEMENTWISE = [sigma for sigma in SIGMAS if sigma.elementwise]
EXPLODES = ["exp"]  # the only one that leaves the floating-point numbers: above 88 in float32, above 709 in float64

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
POINTS = np.array([0.0, 1e-8, 1e-3, 0.1, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0])
POINTS = np.concatenate([-POINTS[:0:-1], POINTS])
FAR = np.array([-1e4, -1e2, -30.0, 30.0, 1e2, 1e4])
ROWS = [[[0.3]], [[1.0, -2.0], [3.0, 3.0]], [[0.5, 0.5, 0.5, 0.5, 0.5], [1.0, -1.0, 4.0, 4.0, -7.0]]]

every = pytest.mark.parametrize("sigma", SIGMAS, ids=str)
elementwise = pytest.mark.parametrize("sigma", ELEMENTWISE, ids=str)
known = pytest.mark.parametrize("sigma", [s for s in ELEMENTWISE if s.name in exact.ACTIVATIONS], ids=str)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def from_needed(sigma, Z):
    """Z and A as backward has them: the one that `needs` does not name is gone."""
    return (Z, None) if sigma.needs == "Z" else (None, sigma.value(Z))


# --- every entry -----------------------------------------------------------------------------------------------------


@known
@dtypes
def test_values_and_derivatives_are_those_of_60_digit_arithmetic(sigma, dtype):
    Z = POINTS.astype(dtype)
    value, slope = exact.activation(sigma, Z)
    off = np.abs(sigma.value(Z) - value)
    assert (off <= 8 * EPS[dtype] * (1 + np.abs(Z)) * np.abs(value)).all()  # to the last digits, however small
    assert deviation(sigma.derivative(*from_needed(sigma, Z)), slope) <= 8 * EPS[dtype]


@elementwise
def test_the_derivative_is_that_of_complex_steps_and_of_central_differences(sigma):
    Z = POINTS[(POINTS != 0) & ((np.abs(POINTS) != 1) | (sigma.name != "hardtanh"))]  # not at a kink
    slope = sigma.derivative(*from_needed(sigma, Z))
    assert deviation(slope, complex_step(sigma.value, Z)) <= 1e-14
    away = np.abs(Z) > 1e-4  # central differences step over the kinks at 0
    assert deviation(slope[away], central_difference(sigma.value, Z)[away]) <= 1e-8


@every
@dtypes
def test_the_dtype_is_kept_exactly(sigma, dtype):
    Z = np.linspace(-3, 3, 12, dtype=dtype).reshape(3, 4)
    A = sigma.value(Z)
    assert A.dtype == dtype
    assert A.shape == Z.shape
    pulled = sigma.pullback(np.ones_like(Z), *from_needed(sigma, Z))
    assert pulled.dtype == dtype
    assert pulled.shape == Z.shape
    if sigma.elementwise:
        assert sigma.derivative(*from_needed(sigma, Z)).dtype == dtype


@pytest.mark.parametrize("number", [np.float64, np.float32, np.int64, int])
@pytest.mark.parametrize("entry", [s for s in ACTIVATIONS.classes() if dataclasses.fields(s)])
def test_a_parameter_may_be_any_kind_of_number(entry, number):
    sigma = entry(**{f.name: number(1) for f in dataclasses.fields(entry)})
    Z = np.linspace(-3, 3, 7, dtype="float32")
    assert sigma.value(Z).dtype == "float32"
    assert sigma.derivative(*from_needed(sigma, Z)).dtype == "float32"
    assert json.loads(json.dumps(sigma.document())) == sigma.document()
    assert sigma == entry(**{f.name: 1 for f in dataclasses.fields(entry)})


@every
def test_float32_agrees_with_float64(sigma):
    Z = np.linspace(-6, 6, 36, dtype="float32").reshape(9, 4)
    G = np.cos(np.arange(36, dtype="float32")).reshape(9, 4)
    wide = Z.astype("float64")
    assert deviation(sigma.value(Z), sigma.value(wide)) <= 1e-6
    assert deviation(sigma.pullback(G, *from_needed(sigma, Z)), sigma.pullback(G, *from_needed(sigma, wide))) <= 4e-6


@every
def test_the_pullback_is_the_product_with_the_jacobian(sigma):
    rng = np.random.default_rng(1)
    Z, G = rng.normal(size=(2, 3, 4))
    steps = Z[:, None, :] + 1e-40j * np.eye(4)  # for each row, each z_i moved alone
    jacobian = sigma.value(steps.reshape(12, 4)).imag.reshape(3, 4, 4) / 1e-40  # [x, i, j] = da_j / dz_i
    assert deviation(sigma.pullback(G, *from_needed(sigma, Z)), np.einsum("xj,xij->xi", G, jacobian)) <= 1e-14
    assert sigma.elementwise == (np.abs(jacobian * (1 - np.eye(4))).max() == 0)


@pytest.mark.parametrize("sigma", [s for s in SIGMAS if s.name not in EXPLODES], ids=str)
@dtypes
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_nothing_is_lost_far_out(sigma, dtype, size):
    Z = np.array([[-size, size, 0.0], [size, size, -size]], dtype=dtype)
    A = sigma.value(Z)
    pulled = sigma.pullback(np.ones_like(Z), *from_needed(sigma, Z))
    assert np.isfinite(A).all()
    assert np.isfinite(pulled).all()
    if sigma.name in exact.ACTIVATIONS:
        value, slope = exact.activation(sigma, Z)
        turns = size if sigma.name == "sine" else 1  # sin takes a rounded product, omega z
        assert deviation(A, value) <= 4 * EPS[dtype] * turns
        assert deviation(pulled, slope) <= 4 * EPS[dtype] * turns


@dtypes
def test_exp_overflows_to_infinity_and_says_so(dtype):
    sigma = ACTIVATIONS.get("exp")
    assert sigma.value(np.array([-1e4], dtype=dtype)) == 0
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert sigma.value(np.array([1e4], dtype=dtype)) == math.inf


@every
@dtypes
def test_values_lie_in_the_range_stated(sigma, dtype):
    Z = np.concatenate([POINTS, FAR if sigma.name not in EXPLODES else FAR[FAR < 80]]).astype(dtype)
    A = sigma.value(np.stack([Z, np.zeros_like(Z)], axis=1))
    low, high, open_low, open_high = sigma.range
    assert (low - 4 * EPS[dtype] * (abs(low) if low > -math.inf else 0) <= A).all()  # a bound is rounded, as a value is
    assert (high >= A).all()
    inner = sigma.value(np.linspace(-3, 3, 40, dtype=dtype).reshape(20, 2))  # open ends are reached by rounding only
    assert not open_low or (inner > low).all()
    assert not open_high or (inner < high).all()


@every
def test_the_range_stated_is_no_wider_than_the_values(sigma):
    z = np.concatenate([np.linspace(-80, 80, 160_001), 1e3 * FAR if sigma.name not in EXPLODES else []])
    A = sigma.value(np.stack([z, np.zeros_like(z)], axis=1))[:, 0]
    for end, value in ((sigma.range.low, A.min()), (sigma.range.high, A.max())):
        assert value == pytest.approx(end, abs=1e-6) if math.isfinite(end) else abs(value) > 50


def test_each_activation_names_the_initializer_that_suits_it():
    found = {name: ACTIVATIONS.get(name).initializer for name in ACTIVATIONS.names()}
    assert set(found.values()) <= set(INITIALIZERS.names())
    rectifiers = {"relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "mish", "softplus"}
    assert {name for name, initializer in found.items() if initializer == "he_uniform"} == rectifiers
    assert {name for name, initializer in found.items() if initializer != "glorot_uniform"} == rectifiers | {"selu"}


@pytest.mark.parametrize(
    ("sigma", "slope"),
    [
        ("relu", 0.0),
        ("leaky_relu", 0.01),
        ({"name": "leaky_relu", "slope": 0.25}, 0.25),
        ("relu6", 0.0),
        ("prelu", 0.25),
        ("elu", 1.0),
        ("selu", 1.7581),
    ],
)
def test_at_a_kink_the_derivative_is_that_from_the_left(sigma, slope):
    sigma = ACTIVATIONS.get(sigma)
    for zero in (0.0, -0.0):
        Z = np.array([zero])
        assert sigma.derivative(Z, sigma.value(Z)) == pytest.approx(slope, abs=5e-5)


def test_known_values():
    """Published or worked by hand: an oracle apart from the formulas."""
    known = {
        "sigmoid": (0.8807970779778823, 0.1049935854035065),
        "tanh": (0.9640275800758169, 0.0706508248531645),
        "gelu": (1.9544997361036416, 1.0852318010781230),
        "silu": (1.7615941559557649, 1.0907842487848955),
        "mish": (1.9439589595339946, 1.0693179342794897),
        "softplus": (2.1269280110429727, 0.8807970779778823),
        "softsign": (2 / 3, 1 / 9),
        "sine": (0.9092974268256817, -0.4161468365471424),
        "selu": (2.1014019747106, 1.0507009873554805),
    }
    Z = np.array([2.0])
    for name, expected in known.items():
        sigma = ACTIVATIONS.get(name)
        assert (sigma.value(Z)[0], sigma.derivative(Z, sigma.value(Z))[0]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("name", "low", "high"), [("hardtanh", -1.0, 1.0), ("relu6", 0.0, 6.0)])
def test_at_a_bound_the_derivative_is_0_as_in_torch(name, low, high):
    sigma, Z = ACTIVATIONS.get(name), np.array([low, np.nextafter(low, 9), np.nextafter(high, -9), high])
    assert sigma.derivative(Z, sigma.value(Z)).tolist() == [0, 1, 1, 0]


def test_a_slope_of_prelu_below_0_folds_the_numbers_and_its_range():
    sigma = ACTIVATIONS.get({"name": "prelu", "slope": -0.5})
    assert sigma.value(np.array([-2.0, 4.0])).tolist() == [1.0, 4.0]
    assert sigma.derivative(np.array([-2.0, 4.0]), None).tolist() == [-0.5, 1.0]
    assert str(sigma.range) == "[0, inf)"


def test_the_stable_softplus_is_the_plain_one_where_that_is_right():
    Z = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(softplus(Z), np.log1p(np.exp(Z)), rtol=1e-15)
    np.testing.assert_array_equal(softplus(np.array([-1e4, 1e4])), [0, 1e4])


# --- softmax ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("Z", ROWS, ids=lambda Z: f"width {len(Z[0])}")
def test_softmax_rows_are_shares_and_do_not_see_a_shift(Z):
    softmax, Z = ACTIVATIONS.get("softmax"), np.array(Z)
    A = softmax.value(Z)
    np.testing.assert_allclose(A, np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True), rtol=1e-14)
    np.testing.assert_allclose(A.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_array_equal(softmax.value(Z + 1024.0), A)


@pytest.mark.parametrize("Z", ROWS, ids=lambda Z: f"width {len(Z[0])}")
def test_the_pullback_of_softmax_is_its_explicit_jacobian(Z):
    softmax, Z = ACTIVATIONS.get("softmax"), np.array(Z)
    A = softmax.value(Z)
    G = np.random.default_rng(0).normal(size=Z.shape)
    jacobians = [np.diag(a) - np.outer(a, a) for a in A]
    by_components = [bp1_jacobian(g, jacobian) for g, jacobian in zip(G, jacobians, strict=True)]
    np.testing.assert_allclose(softmax.pullback(G, None, A), by_components, atol=1e-15)


def test_softmax_has_no_derivative_of_one_number():
    with pytest.raises(TypeError, match="softmax is not elementwise"):
        ACTIVATIONS.get("softmax").derivative(np.zeros((1, 2)), np.zeros((1, 2)))


# --- several blocks side by side -------------------------------------------------------------------------------------


def test_blocks_are_their_activations_side_by_side():
    net = Architecture.of([1, 6], output=[("softmax", 3), ("tanh", 2), ("gelu", 1)], cost="quadratic")
    joined = net.activations[-1]
    Z, G = np.random.default_rng(0).normal(size=(2, 4, 6))
    parts = [(ACTIVATIONS.get(n), c) for n, c in [("softmax", slice(3)), ("tanh", slice(3, 5)), ("gelu", slice(5, 6))]]
    A = joined.value(Z)
    assert isinstance(joined, Blocks)
    assert not joined.elementwise
    np.testing.assert_array_equal(A, np.hstack([s.value(Z[:, c]) for s, c in parts]))
    np.testing.assert_array_equal(
        joined.pullback(G, Z, A), np.hstack([s.pullback(G[:, c], Z[:, c], A[:, c]) for s, c in parts])
    )
    with pytest.raises(TypeError, match="not elementwise"):
        joined.derivative(Z, A)


def test_elementwise_blocks_have_a_derivative():
    joined = Architecture.of([1, 3], output=[("tanh", 2), ("gelu", 1)]).activations[-1]
    Z = np.array([[0.5, -1.0, 2.0]])
    assert joined.elementwise
    np.testing.assert_allclose(joined.derivative(Z, joined.value(Z)), complex_step(joined.value, Z), rtol=1e-14)


# --- choosing --------------------------------------------------------------------------------------------------------


@every
def test_an_entry_goes_through_its_document(sigma):
    document = json.loads(json.dumps(sigma.document()))
    assert ACTIVATIONS.get(document) == sigma
    assert ACTIVATIONS.get(sigma) is sigma
    assert sigma.name in str(sigma)


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_a_name_gives_the_entry_as_it_comes(name):
    assert ACTIVATIONS.get(name) == ACTIVATIONS.get({"name": name})
    assert ACTIVATIONS.get(name).name == name


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        ("sigmiod", UnknownNameError, "there is no activation 'sigmiod': did you mean 'sigmoid'?"),
        ("zzz", UnknownNameError, "there is no activation 'zzz': choose from identity, sigmoid, tanh, relu"),
        ({"name": "rleu"}, UnknownNameError, "did you mean 'relu'?"),
        ({"name": "elu", "alhpa": 1.0}, SettingError, "activation 'elu' has no parameter 'alhpa': it takes alpha"),
        ({"name": "relu", "slope": 1.0}, SettingError, "takes no parameters"),
        ({"alpha": 1.0}, SettingError, "the 'name' of activation is None"),
        ({"name": 3}, SettingError, "the 'name' of activation is 3, but must be text"),
        ({"name": "elu", "alpha": "1"}, SettingError, "alpha of activation 'elu' is '1', but must be a finite number"),
        ({"name": "elu", "alpha": math.inf}, SettingError, "finite number"),
        ({"name": "elu", "alpha": math.nan}, SettingError, "finite number"),
        ({"name": "elu", "alpha": [1.0]}, SettingError, "finite number"),
        ({"name": "elu", "alpha": 0.0}, SettingError, "alpha of elu is 0.0, but must be above 0"),
        ({"name": "leaky_relu", "slope": -0.1}, SettingError, "slope of leaky_relu is -0.1, but must be at least 0"),
        (3, SettingError, "activation is 3, but must be a name (identity, sigmoid"),
        (None, SettingError, "activation is None"),
        (type(ACTIVATIONS.get("relu")), SettingError, "but must be a name"),
    ],
    ids=str,
)
def test_what_is_no_choice_is_refused_in_one_line(choice, error, words):
    with pytest.raises(error) as refusal:
        ACTIVATIONS.get(choice)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, -math.inf, "1", None])
@pytest.mark.parametrize("entry", [s for s in ACTIVATIONS.classes() if dataclasses.fields(s)])
def test_parameters_out_of_range_are_refused(entry, bad):
    if (entry.name, bad) == ("prelu", -1.0):
        assert entry(bad).slope == bad  # any slope
        return
    with pytest.raises(SettingError, match=f"of {entry.name} is .*, but must be"):
        entry(**{dataclasses.fields(entry)[0].name: bad})


def test_the_base_class_defines_nothing():
    with pytest.raises(TypeError, match="does not define value"):
        Activation().value(np.zeros((1, 1)))


# --- your own --------------------------------------------------------------------------------------------------------


def softsign(z):
    return z / (1 + abs(z))


def normalise(z):
    """A row to mean 0 and variance 1, as layer normalisation has it."""
    centred = z - z.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + 1e-5)


def share(z):
    """A row divided by its sum of magnitudes: not analytic."""
    return z / np.abs(z).sum(axis=1, keepdims=True)


def by_first(z):
    """Not analytic along the first column only."""
    return z / (1 + np.abs(z[:, :1]))


def in_reals_only(z):
    """Casts to real: NumPy warns of what a complex step loses here."""
    found = np.empty(z.shape)
    found[...] = z * z
    return found


def no_complex(z):
    if np.iscomplexobj(z):
        raise RuntimeError("not for me")
    return np.arctan(z)


@pytest.mark.parametrize(
    ("function", "derivative", "by"),
    [
        (np.sin, np.cos, "given"),
        (np.sin, None, "complex step"),
        (lambda z: z / (1 + z * z), None, "complex step"),
        (softsign, None, "central difference"),
        (lambda z: np.where(abs(z) > 1, z, z * abs(z)), None, "central difference"),
        (lambda z: np.clip(z, -1, 1), None, None),
        (lambda z: np.maximum(z, 0.1 * z), None, None),
        (np.abs, np.sign, "given"),
        (in_reals_only, None, "central difference"),
        (no_complex, None, "central difference"),
    ],
)
def test_your_own_activation_has_the_right_derivative(function, derivative, by):
    sigma = Custom.of(function, derivative)
    assert by is None or sigma.derivative_by == by
    Z = np.linspace(-4, 4, 24).reshape(6, 4) + 0.0123
    np.testing.assert_array_equal(sigma.value(Z), function(Z))
    assert deviation(sigma.derivative(Z, None), central_difference(function, Z)) <= 1e-8
    G = np.random.default_rng(0).normal(size=Z.shape)
    np.testing.assert_array_equal(sigma.pullback(G, Z, None), G * sigma.derivative(Z, None))


@pytest.mark.parametrize("function", [np.sin, softsign, normalise, share])
def test_your_own_activation_keeps_float32(function):
    sigma = Custom.of(function, elementwise=function in (np.sin, softsign))
    Z = np.linspace(-2, 2, 12, dtype="float32").reshape(3, 4)
    assert sigma.value(Z).dtype == "float32"
    assert sigma.pullback(np.ones_like(Z), Z, None).dtype == "float32"
    assert deviation(sigma.pullback(Z, Z, None), sigma.pullback(Z, Z.astype("float64"), None)) <= 1e-6


def test_a_constant_in_float64_does_not_widen_float32():
    sigma = Custom.of(lambda z: np.float64(2) * z, lambda z: np.full(z.shape, 2.0))
    Z = np.ones((1, 2), dtype="float32")
    assert sigma.value(Z).dtype == sigma.derivative(Z, None).dtype == "float32"


@pytest.mark.parametrize("function", [normalise, share, by_first, ACTIVATIONS.get("softmax").value])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_jacobian_of_an_activation_that_mixes_a_row(function, width):
    sigma = Custom.of(function, elementwise=False)
    assert not sigma.elementwise
    Z, G = np.random.default_rng(width).normal(size=(2, 3, width))
    expected = np.zeros_like(Z)
    for i in range(width):
        h = 1e-6 * np.eye(width)[i]
        expected[:, i] = (G * (function(Z + h) - function(Z - h))).sum(axis=1) / 2e-6
    np.testing.assert_allclose(sigma.pullback(G, Z, None), expected, atol=1e-8)
    with pytest.raises(TypeError, match="not elementwise"):
        sigma.derivative(Z, None)


def test_a_custom_softmax_is_the_softmax():
    softmax = ACTIVATIONS.get("softmax")
    sigma = Custom.of(softmax.value, elementwise=False)
    Z, G = np.random.default_rng(0).normal(size=(2, 3, 4))
    assert sigma.derivative_by == "complex step"
    np.testing.assert_allclose(sigma.pullback(G, Z, None), softmax.pullback(G, None, softmax.value(Z)), atol=1e-15)


def in_place(z):
    z[z < 0] = 0
    return z


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        ((in_place,), {}, "must not change its argument, but yours does"),
        ((normalise,), {}, "changing one z_i also changed other activations: give elementwise=False"),
        ((by_first,), {}, "give elementwise=False"),
        ((lambda z: z - z[-1:],), {"elementwise": False}, "rows are examples and must not mix"),
        ((lambda z: z - z.mean(axis=0),), {"elementwise": False}, "rows are examples and must not mix"),
        ((lambda z: z.sum(axis=1),), {}, "must keep the shape"),
        ((lambda z: 1.0,), {}, "must keep the shape"),
        ((np.sin, lambda z: -np.cos(z)), {}, "the derivative differs from central differences"),
        ((np.sin, lambda z: np.cos(z)[:1]), {}, "the derivative differs"),
        ((np.tanh, lambda z: 1 - z * z), {}, "differs from central differences between -9.9"),
        ((normalise, np.ones_like), {"elementwise": False}, "leave the derivative out"),
        ((np.log,), {}, "returns values that are not finite: give its domain=(low, high)"),
    ],
)
def test_your_own_activation_is_refused_in_one_line(arguments, settings, words):
    with pytest.raises(SettingError) as refusal:
        Custom.of(*arguments, **settings)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_domain_is_where_your_own_function_is_looked_at():
    assert Custom.of(np.sqrt, domain=(0.1, 4.0)).derivative_by == "complex step"
    assert Custom.of(np.log, lambda z: 1 / z, domain=(0.1, 4.0)).derivative_by == "given"


def test_your_own_function_is_a_choice_but_cannot_be_stored():
    sigma = ACTIVATIONS.get(softsign)
    assert sigma == Custom.of(softsign)
    assert str(sigma) == "softsign (your own, derivative by central difference)"
    with pytest.raises(SettingError, match=r"activation 'softsign' is your own function.*numpy\.save"):
        sigma.document()
