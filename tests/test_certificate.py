"""The gradient certificate: right gradients pass, in every type and form; planted faults are refused, each of them."""

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import backprop, equations
from chainrule.activations import ACTIVATIONS
from chainrule.activations.entries import Sigmoid, Softmax, Tanh
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.certificate.method import CENTRAL, CENTRAL_IN_FLOAT32, COMPLEX
from chainrule.certificate.objective import Objective
from chainrule.certificate.rounding import bounds, unit_of
from chainrule.costs import custom_cost
from chainrule.costs.entries import Quadratic
from chainrule.engines import available
from chainrule.engines.reference import ReferenceEngine, ReferenceRun
from chainrule.errors import DataError, ModelFileError, SettingError, TrainingError, UnknownNameError
from chainrule.network import Network

from .oracles import build
from .problems import cases, covering_problems

RNG = np.random.Generator(np.random.PCG64(3))
X = RNG.normal(size=(12, 4))
CLASSES = RNG.integers(0, 4, 12)
MASK = np.arange(16).reshape(4, 4) % 3 > 0


def square(hidden: Any = "tanh", output: Any = "softmax", cost: Any = "cross_entropy", **settings: Any) -> Network:
    """A network whose layers have the same width, so that a fault fits too."""
    return Network([4, 4, 4, 4], hidden, output, cost, **({"dtype": "float64", "seed": 1} | settings))


# ------------------------------------------------------------------------------- right gradients pass


@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_right_gradients_pass_with_much_left(engine: str, dtype: str) -> None:
    """Over activations, costs, weights, masks and blocks: no error is near its bound, and no bound is large."""
    passes(covering_problems()[::100], dtype, engine)


@pytest.mark.full
@pytest.mark.parametrize("engine", available())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_right_gradients_pass_over_the_whole_covering_set(engine: str, dtype: str) -> None:
    passes(covering_problems(), dtype, engine)


def passes(problems: Any, dtype: str, engine: str) -> None:
    """No right gradient is near its bound; where no gradient cancels, every layer is certified by a small one."""
    for problem in problems:
        assert largest_ratio(certified(next(cases(problem)), dtype, engine)) < 0.3, problem
        plain = problem._replace(penalty="free", dropout="all kept")  # which the certificate does not see here
        certificate = certified(build(plain, least=1e-3), dtype, engine)
        assert certificate.ok, f"{problem}\n{certificate}"
        assert certificate.engine == engine
        assert largest_ratio(certificate) < 0.3, problem
        allowed = max((check.allowed for check in certificate.layers if not check.exact), default=0.0)
        assert allowed < {"float64": 1e-10, "float32": 1e-2}[dtype], f"{problem}\n{certificate}"


def certified(case: Any, dtype: str, engine: str) -> cr.Certificate:
    net = Network.from_parts(case.architecture, case.theta.astype(dtype))
    return net.check_gradient(case.X, case.T, case.weight, engine=engine)


def largest_ratio(certificate: cr.Certificate) -> float:
    return max(check.ratio for check in certificate.checks)


def test_an_output_at_an_end_that_its_activation_reaches_is_exact() -> None:
    """hardtanh is exactly 1 there, and its derivative 0: it is not within rounding of the other side of the jump."""
    net = Network([2, 3, 2], "tanh", "hardtanh", "quadratic", dtype="float64", seed=1)
    net.b[1][0] = 3.0
    certificate = net.check_gradient(np.array([[0.5, -0.2], [0.1, 0.4]]), np.zeros((2, 2)))
    assert certificate.ok
    assert certificate.left_out == 0
    assert max(check.allowed for check in certificate.layers) < 1e-11


def test_every_parameter_is_compared_where_there_are_few() -> None:
    net = square(masks=[MASK, None, None])
    certificate = net.check_gradient(X, CLASSES)
    assert [(check.checked, check.of) for check in certificate.layers] == [(14, 14), (20, 20), (20, 20)]
    assert [check.subject for check in certificate.functions] == [
        "tanh in layer 2",
        "tanh in layer 3",
        "softmax in layer 4",
        "cross_entropy of softmax",
    ]
    assert all(check.checked == check.of == 4 for check in certificate.functions)


def test_a_choice_of_parameters_is_fixed_by_the_seed() -> None:
    net = Network([30, 40, 5], dtype="float64")
    rows, targets = RNG.normal(size=(5, 30)), RNG.random((5, 5))
    first, again, other = (net.check_gradient(rows, targets, most=100, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert [(check.checked, check.of) for check in first.layers] == [(50, 1240), (50, 205)]
    many = net.check_gradient(rows, targets, most=600)
    assert [check.checked for check in many.layers] == [395, 205]  # what the small layer leaves, the large one gets
    assert [check.layer for check in net.check_gradient(rows, targets, layers=3).layers] == [3]
    assert [check.layer for check in net.check_gradient(rows, targets, layers=[3, 2], most=1).layers] == [2, 3]


def test_weights_class_numbers_and_dead_layers() -> None:
    net = square()
    weight = np.where(np.arange(12) % 3, RNG.random(12), 0)
    assert net.check_gradient(X, CLASSES, weight).rows == 8
    assert net.check_gradient(X, CLASSES, weight).ok
    assert (
        square("relu", "sigmoid", "binary_cross_entropy").check_gradient(X, RNG.random((12, 4)), RNG.random((12, 4))).ok
    )
    dead = square("relu", initializer=np.full(60, -1.0))
    certificate = dead.check_gradient(abs(X), CLASSES)
    assert certificate.ok
    assert certificate.layers[0].exact
    assert (certificate.layers[0].error, certificate.layers[0].ratio) == (0.0, 0.0)


def test_a_row_is_left_out_where_a_slope_jumps_and_rounding_decides_the_side() -> None:
    """In float32 z is 1e-9 wrong, and relu'(z) either 0 or 1: neither is a fault."""
    net = Network([2, 8, 1], "relu", "identity", dtype="float32", seed=3)
    net.b[0][...] = -(np.array([[1.0, 2.0]]) @ net.W[0].astype(np.float64))[0]
    rows = np.array([[1.0, 2.0], [0.3, -0.2], [0.7, 0.1]])
    certificate = net.check_gradient(rows, np.ones((3, 1)))
    assert certificate.ok, str(certificate)
    assert (certificate.rows, certificate.left_out) == (2, 1)
    assert "2 rows (1 more at the jump of a slope), derivatives" in str(certificate)


@pytest.mark.parametrize("sigma", [entry.name for entry in ACTIVATIONS.classes()])
@pytest.mark.parametrize("cost", ["quadratic", "absolute", "quantile", "huber"])
def test_zeros_are_no_fault(sigma: str, cost: str) -> None:
    """Where z or an error is exactly 0, a complex step is on one side of it."""
    net = Network([4, 4, 3], sigma, "identity", cost, dtype="float64", seed=1)
    rows = np.vstack([np.zeros((1, 4)), X])
    certificate = net.check_gradient(rows, np.vstack([net.predict(rows[:1]), np.zeros((12, 3))]))
    assert certificate.ok, str(certificate)
    assert [check.checked for check in certificate.functions[:1]] == [4]


def test_derivatives_are_those_of_a_network_worked_by_hand() -> None:
    """C = (w2 tanh(w1 x + b1) + b2 - t)² / 2: dC/dw1 = (a - t) w2 (1 - tanh²) x."""
    architecture = Architecture.of([1, 1, 1], "tanh", "identity")
    w1, b1, w2, b2, x, t = 0.5, 0.1, -1.5, 0.2, 2.0, 1.0
    a = math.tanh(w1 * x + b1)
    e = w2 * a + b2 - t
    expected = [e * w2 * (1 - a * a) * x, e * w2 * (1 - a * a), e * a, e]
    objective = Objective(architecture, np.array([w1, b1, w2, b2]), np.array([[x]]), np.array([[t]]))
    for method, within in {COMPLEX: 1e-15, CENTRAL: 1e-9, CENTRAL_IN_FLOAT32: 1e-3}.items():
        parts = [objective.derivatives(k, np.arange(2), method) for k in range(2)]
        np.testing.assert_allclose(np.concatenate([part.values for part in parts]), expected, rtol=within)


# ------------------------------------------------------------------------------- planted faults are refused


def gradient_of(faulty: Any) -> Any:
    """A gradient of the reference engine that a fault has changed, as a method."""
    right = ReferenceEngine.gradient

    def gradient(self: Any, architecture: Any, theta: Array, X: Array, *others: Any, **named: Any) -> Array:
        return faulty(architecture, right(self, architecture, theta, X, *others, **named), len(X))

    return gradient


def shifted(delta: Array, layers: Any, done: Any, keep: Any) -> list[Array]:
    """BP2 with A of the layer above in sigma'."""
    return equations.backward(delta, layers, done._replace(sigma=done.sigma[1:]), keep)


def plant(monkeypatch: pytest.MonkeyPatch, fault: str) -> dict[str, Any]:
    """Make the reference engine wrong; returns what the network needs besides."""
    bp2, bp4, forward = equations.bp2, backprop.bp4, backprop.forward
    match fault:
        case "a transposed W":
            transposed = lambda sigma, delta, W, *others: bp2(sigma, delta, W.T, *others)  # noqa: E731
            monkeypatch.setattr(equations, "bp2", transposed)
        case "W transposed in the forward pass":
            turned = lambda X, layers, keep=None: forward(X, [l._replace(W=l.W.T) for l in layers], keep)  # noqa: E731
            monkeypatch.setattr(backprop, "forward", turned)
        case "a missing bias":
            without = lambda X, layers, keep=None: forward(X, [l._replace(b=0 * l.b) for l in layers], keep)  # noqa: E731
            monkeypatch.setattr(backprop, "forward", without)
            return {"initializer": "glorot_uniform_biases"}
        case "no gradient of biases":
            monkeypatch.setattr(backprop, "bp3", lambda delta, *others: 0 * delta[0])
        case "dW transposed":
            monkeypatch.setattr(backprop, "bp4", lambda A, delta, *others: bp4(A, delta, *others).T)
        case "sigma' of the wrong neuron":
            other = lambda sigma, delta, W, Z, A, keep=None: bp2(sigma, delta, W, Z, np.roll(A, 1, axis=1), keep)  # noqa: E731
            monkeypatch.setattr(equations, "bp2", other)
        case "sigma' of the wrong layer":
            monkeypatch.setattr(backprop, "backward", shifted)
        case "a factor 1/m too many":
            monkeypatch.setattr(ReferenceEngine, "gradient", gradient_of(lambda architecture, g, m: g / m))
        case "one row left out of m":
            monkeypatch.setattr(ReferenceEngine, "gradient", gradient_of(lambda architecture, g, m: g * m / (m + 1)))
        case "a softmax treated elementwise":
            monkeypatch.setattr(Softmax, "pullback", lambda self, G, Z, A: G * A * (1 - A))
            return {"activation": "softmax", "cost": "quadratic"}
        case "a mask ignored":
            monkeypatch.setattr(backprop, "_masked", lambda dW, mask: dW)
            return {"masks": [MASK, None, None]}
        case "a cost's derivative off by 1e-6":
            monkeypatch.setattr(Quadratic, "derivative", lambda self, A, T: (A - T) * (1 + 1e-6))
            return {"output": "sigmoid", "cost": "quadratic"}
        case "an activation's derivative off by 1e-6":
            monkeypatch.setattr(Tanh, "derivative", lambda self, Z, A: 1 + 1e-6 - A * A)
        case "one element off by 1e-9":
            monkeypatch.setattr(
                ReferenceEngine, "gradient", gradient_of(lambda a, g, m: g + 1e-9 * (np.arange(len(g)) == 33))
            )
        case "not a number":
            monkeypatch.setattr(ReferenceEngine, "gradient", gradient_of(lambda architecture, g, m: g * np.nan))
        case "zeros":
            monkeypatch.setattr(ReferenceEngine, "gradient", gradient_of(lambda architecture, g, m: 0 * g))
        case "a training that descends twice the gradient":
            update = ReferenceRun._update
            monkeypatch.setattr(
                ReferenceRun, "_update", lambda self, X, T, s, rate, keep: update(self, X, T, s, 2 * rate, keep)
            )
    return {}


FAULTS = {  # what is planted, and where the certificate must refuse
    "a transposed W": ["layer 2", "layer 3"],
    "W transposed in the forward pass": ["layer 2", "layer 3", "layer 4"],
    "a missing bias": ["layer 2", "layer 3", "layer 4"],
    "no gradient of biases": ["layer 2", "layer 3", "layer 4"],
    "dW transposed": ["layer 2", "layer 3", "layer 4"],
    "sigma' of the wrong neuron": ["layer 2", "layer 3"],
    "sigma' of the wrong layer": ["layer 2", "layer 3"],
    "a factor 1/m too many": ["layer 2", "layer 3", "layer 4"],
    "one row left out of m": ["layer 2", "layer 3", "layer 4"],
    "a softmax treated elementwise": ["layer 2", "softmax in layer 2", "softmax in layer 4"],
    "a mask ignored": ["layer 2"],
    "a cost's derivative off by 1e-6": ["layer 2", "layer 3", "layer 4", "quadratic of sigmoid"],
    "an activation's derivative off by 1e-6": ["layer 2", "layer 3", "tanh in layer 2", "tanh in layer 3"],
    "one element off by 1e-9": ["layer 3"],
    "not a number": ["layer 2", "layer 3", "layer 4"],
    "zeros": ["layer 2", "layer 3", "layer 4"],
    "a training that descends twice the gradient": ["layer 2", "layer 3", "layer 4"],
}
SMALL = ["a cost's derivative off by 1e-6", "an activation's derivative off by 1e-6", "one element off by 1e-9"]
WEIGHTED = {"(n,)": RNG.random(12), "(n, n_L)": np.repeat(RNG.random((12, 1)), 4, axis=1), "unweighted": None}


def planted(monkeypatch: pytest.MonkeyPatch, fault: str, weight: Any = None, **settings: Any) -> cr.Certificate:
    """The certificate of the reference engine with a fault."""
    net = square_with(plant(monkeypatch, fault) | settings)
    return net.check_gradient(X, CLASSES, weight, engine="reference")


def square_with(parts: dict[str, Any]) -> Network:
    parts = {"hidden": parts.pop("activation", "tanh"), **parts}
    return square(**parts)


@pytest.mark.parametrize("weight", WEIGHTED)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused_where_it_is(fault: str, weight: str, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = planted(monkeypatch, fault, WEIGHTED[weight])
    assert not certificate.ok
    refused = [check.subject for check in certificate.checks if check.verdict == "WRONG"]
    assert set(FAULTS[fault]) <= set(refused)
    if fault == "a mask ignored":
        assert refused == ["layer 2"]
        i, j = certificate.layers[0].where.i, certificate.layers[0].where.j
        assert not MASK[i - 1, j - 1]
    with pytest.raises(TrainingError, match=r"is wrong in .*: do not train with it"):
        certificate.require()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in SMALL])
def test_what_float32_sees(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not planted(monkeypatch, fault, dtype="float32").ok


@pytest.mark.parametrize("fault", SMALL)
def test_what_float32_cannot_see(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of 1e-6 is less than its rounding; the certificate says how much would have shown."""
    certificate = planted(monkeypatch, fault, dtype="float32")
    assert certificate.ok
    shown = float(certificate.summary().split("a fault of ")[1].split()[0])
    assert 1e-6 < shown < 1e-2


def test_without_a_fault_all_of_these_networks_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    for fault, dtype in itertools.product(FAULTS, ["float32", "float64"]):
        with monkeypatch.context() as patch:
            parts = plant(patch, fault)
        assert square_with({**parts, "dtype": dtype}).check_gradient(X, CLASSES, engine="reference").ok


def test_a_fault_of_one_function_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sigmoid, "derivative", lambda self, Z, A: A * (1 - A) * 1.001)
    certificate = square(["tanh", "sigmoid"]).check_gradient(X, CLASSES, engine="reference")
    assert [check.subject for check in certificate.functions if not check.ok] == ["sigmoid in layer 3"]


# ------------------------------------------------------------------------------- functions of your own


def test_your_own_functions_that_carry_complex_numbers() -> None:
    net = square(lambda z: z / (1 + z * z), "identity", lambda A, T: (A - T) ** 4)
    certificate = net.check_gradient(X, RNG.normal(size=(12, 4)))
    assert certificate.ok
    assert (certificate.method, certificate.because) == (COMPLEX, "")


@pytest.mark.parametrize(
    ("hidden", "method", "allowed"),
    [(lambda z: z / (1 + abs(z)), CENTRAL, 1e-5), (lambda z: np.tanh(z.astype("float32")), CENTRAL_IN_FLOAT32, 0.1)],
)
def test_your_own_functions_that_do_not(hidden: Any, method: str, allowed: float) -> None:
    certificate = square(hidden, "identity", "quadratic").check_gradient(X, RNG.normal(size=(12, 4)))
    assert certificate.ok
    assert certificate.method == method
    assert "<lambda>" in certificate.because
    assert f"derivatives by {method}, because <lambda>" in str(certificate)
    assert max(check.allowed for check in certificate.checks) < allowed


def test_a_derivative_of_your_own_that_is_off_by_1e_6_is_refused_by_either_method() -> None:
    """Where it is made, it is compared to 1e-5 only."""
    for cost in (lambda A, T: 0.5 * (A - T) ** 2, lambda A, T: 0.5 * abs(A - T) ** 2):
        own = custom_cost(cost, lambda A, T: (A - T) * (1 + 1e-6))
        certificate = square("tanh", "sigmoid", own).check_gradient(X, CLASSES)
        assert not certificate.ok
        assert {check.subject for check in certificate.checks if not check.ok} >= {"layer 2", "layer 3", "layer 4"}
        assert custom_cost(cost, lambda A, T: A - T).derivative_by == "given"
        assert square("tanh", "sigmoid", custom_cost(cost, lambda A, T: A - T)).check_gradient(X, CLASSES).ok


def test_an_activation_of_rows_that_is_your_own() -> None:
    softmax = cr.custom_activation(lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), elementwise=False)
    assert square(softmax, softmax, "quadratic").check_gradient(X, CLASSES).ok


# ------------------------------------------------------------------------------- what it says


def test_the_bound_is_that_of_the_type() -> None:
    """It grows with the unit of the type, and a sum of more terms has more."""
    net = square()
    objective = Objective(net.architecture, net.theta, X, np.eye(4)[CLASSES])
    i, j = np.divmod(np.arange(16), 4)
    fine, coarse = (bounds(objective, unit_of(t), unit_of(t), 100)[0][0].of(i, j) for t in ("float64", "float32"))
    assert 1e8 < np.median(coarse / fine) < 6e8  # 2^29 of one type to the other, and the rounding of the derivatives


def test_nothing_is_certified_that_cannot_be_told() -> None:
    """A network that fits its rows exactly has a gradient of rounding alone."""
    net = Network([4, 4], output="identity", dtype="float32", seed=0)
    certificate = net.check_gradient(X, net.predict(X))
    assert not certificate.ok
    assert certificate.layers[0].verdict == "cannot tell"
    with pytest.raises(TrainingError, match=r"cannot be certified in .*: give rows that the network fits less well"):
        certificate.require()


def test_a_function_alone_of_which_nothing_can_be_told_counts_by_its_layer() -> None:
    """|a_1| + |a_2| of a softmax is 1, whatever z is: its gradient is 0 up to rounding."""
    output, costs = [("sigmoid", 2), ("softmax", 2)], ["binary_cross_entropy", "absolute"]
    certificate = Network([4, 4], output=output, cost=costs, dtype="float64").check_gradient(X[:1], [[0, 1, 0, 0]])
    assert certificate.functions[-1].verdict == "cannot tell"
    assert certificate.require().worst.subject != "absolute of softmax"


def test_it_reads_as_a_table() -> None:
    certificate = square().check_gradient(X, CLASSES, engine="reference")
    lines = str(certificate).splitlines()
    assert lines[0].startswith("the gradient of engine reference in float64 is certified: a fault of ")
    assert lines[1].split() == ["checked", "worst", "error", "allowed", "where"]
    assert lines[2].split()[:5] == ["layer", "2", "20", "of", "20"]
    assert lines[2].endswith("ok")
    assert lines[-1] == "12 rows, derivatives by complex step, seed 0"
    page = certificate._repr_html_()
    assert page.count("<tr>") == len(certificate.checks) + 1
    assert "layer 2" in page
    own = square(cr.custom_activation(lambda z: z / (1 + z * z)), "identity", "quadratic")
    assert "&lt;lambda&gt;" in own.check_gradient(X, X)._repr_html_()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layers": 1}, "layers is 1, but must name layers with weights: 2 to 4"),
        ({"layers": [2, 5]}, r"layers is \[2, 5\]"),
        ({"layers": "3"}, "layers is '3'"),
        ({"layers": []}, r"layers is \[\]"),
        ({"most": 0}, "most is 0, but must be a whole number from 1"),
        ({"most": 2.5}, "most is 2.5"),
        ({"most": math.nan}, "most is nan"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_choices_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        square().check_gradient(X, CLASSES, **settings)


def test_bad_rows_and_engines_are_refused() -> None:
    with pytest.raises(DataError, match="X has shape"):
        square().check_gradient(X[:, :2], CLASSES)
    with pytest.raises(UnknownNameError, match="there is no engine 'gpu'"):
        square().check_gradient(X, CLASSES, engine="gpu")


def test_it_changes_nothing() -> None:
    net = square()
    before = net.theta.tobytes()
    net.check_gradient(X, CLASSES)
    assert net.theta.tobytes() == before


# ------------------------------------------------------------------------------- as data


def test_it_comes_back_from_plain_data() -> None:
    certificate = square().check_gradient(X, CLASSES)
    assert cr.Certificate.from_document(certificate.document()) == certificate
    wrong = dataclasses.replace(certificate.layers[0], error=math.nan, allowed=math.inf)
    odd = dataclasses.replace(certificate, layers=(wrong,))
    again = cr.Certificate.from_document(odd.document()).layers[0]
    assert (math.isnan(again.error), again.allowed) == (True, math.inf)


@pytest.mark.parametrize("damage", [{"layers": 3}, {"rows": "many"}, {"rows": True}, {"more": 1}, {"layers": [{}]}])
def test_damaged_data_is_refused(damage: dict[str, Any]) -> None:
    document = square().check_gradient(X, CLASSES).document()
    with pytest.raises(ModelFileError, match="its certificate is not one that this version reads"):
        cr.Certificate.from_document({**document, **damage})
    with pytest.raises(ModelFileError, match="its certificate"):
        cr.Certificate.from_document([1])
