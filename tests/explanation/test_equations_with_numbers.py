"""Equations with numbers: worked by hand, and every "numbers = result" computed once more from the numbers shown."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.backprop import sweep
from chainrule.explanation.tree import (
    Apply,
    Dots,
    Fraction,
    Matrix,
    Minus,
    Number,
    Product,
    Sum,
    Symbol,
    Transposed,
)

from ..problems import cases, covering_problems
from ..test_backprop import BY_HAND, THETA, T, X

# --- the network worked by hand (tests/test_backprop.py) -------------------------------------------------------------


def lines(equations):
    return [str(equation) for equation in equations]


def test_a_hidden_neuron_worked_by_hand():
    ledger = sweep(BY_HAND, THETA, X, T).example(0)
    assert lines(ledger.neuron(2, 2)) == [
        "z_2²  forward  Σ_i w_i2² a_i¹ + b_2² = −1.0000 · 1.0000 + 1.0000 · 1.0000 + 1.0000 = 1.0000",
        "a_2²  activation  σ(z_2²) = custom(1.0000) = 1.0000",
        "δ_2²  BP2  (Σ_k w_2k³ δ_k³) σ'(z_2²) = (2.0000 · −2.0000) · 2.0000 = −8.0000",
        "∂C_x/∂b_2²  BP3  δ_2² = −8.0000",
        "∂C_x/∂w_12²  BP4  a_1¹ δ_2² = 1.0000 · −8.0000 = −8.0000",
        "∂C_x/∂w_22²  BP4  a_2¹ δ_2² = 1.0000 · −8.0000 = −8.0000",
    ]


def test_an_output_neuron_worked_by_hand_in_the_letters_of_bp():
    ledger = sweep(BY_HAND, THETA, X, T).example(0)
    assert lines(ledger.neuron(3, 1, notation="BP")) == [
        "z_1³  forward  Σ_i w_1i³ a_i² + b_1³ = 1.0000 · 9.0000 + 2.0000 · 1.0000 − 3.0000 = 8.0000",
        "a_1³  activation  σ(z_1³) = identity(8.0000) = 8.0000",
        "δ_1³  BP1  a_1³ − y_1 = 8.0000 − 10.0000 = −2.0000",
        "∂C/∂b_1³  BP3  δ_1³ = −2.0000",
        "∂C/∂w_11³  BP4  a_1² δ_1³ = 9.0000 · −2.0000 = −18.0000",
        "∂C/∂w_12³  BP4  a_2² δ_1³ = 1.0000 · −2.0000 = −2.0000",
    ]


def test_a_layer_worked_by_hand_in_both_orientations():
    layer = sweep(BY_HAND, THETA, X, T).example(1).layer(2)
    assert lines(layer.equations()) == [
        "z²  forward  (w²)ᵀ a¹ + b² = [1.0000, −1.0000; 2.0000, 1.0000]ᵀ [2.0000; −1.0000] + [0; 1.0000]"
        " = [0; −2.0000]",
        "a²  activation  σ(z²) = custom([0; −2.0000]) = [0; 4.0000]",
        "δ²  BP2  (w³ δ³) ⊙ σ'(z²) = ([1.0000; 2.0000] [6.0000]) ⊙ [0; −4.0000] = [0; −48.0000]",
        "∂C_x/∂b²  BP3  δ² = [0; −48.0000]",
        "∂C_x/∂w²  BP4  a¹ (δ²)ᵀ = [2.0000; −1.0000] [0; −48.0000]ᵀ = [0, −96.0000; 0, 48.0000]",
    ]
    assert lines(layer.equations("BP"))[2:] == [
        "Δ²  BP2  ((W³)ᵀ Δ³) ⊙ σ'(Z²) = ([1.0000, 2.0000]ᵀ [6.0000]) ⊙ [0; −4.0000] = [0; −48.0000]",
        "∂C/∂B²  BP3  Δ² = [0; −48.0000]",
        "∂C/∂W²  BP4  Δ² (A¹)ᵀ = [0; −48.0000] [2.0000; −1.0000]ᵀ = [0, 0; −96.0000, 48.0000]",
    ]


def test_several_examples_are_a_weighted_mean():
    plain, weighted = sweep(BY_HAND, THETA, X, T), sweep(BY_HAND, THETA, X, T, weight=np.array([0.5, 1.5]))
    assert str(plain.weight(3, 1, 1)) == (
        "∂C/∂w_11³  BP4  1/m Σ_x a_1² δ_1³ = 1/2 · (9.0000 · −2.0000 + 0 · 6.0000) = −9.0000"
    )
    assert str(weighted.weight(3, 2, 1)) == (
        "∂C/∂w_21³  BP4  1/m Σ_x s_x a_2² δ_1³ = 1/2 · (0.5000 · 1.0000 · −2.0000 + 1.5000 · 4.0000 · 6.0000) = 17.5000"
    )
    assert str(weighted.bias(3, 1)) == (
        "∂C/∂b_1³  BP3  1/m Σ_x s_x δ_1³ = 1/2 · (0.5000 · −2.0000 + 1.5000 · 6.0000) = 4.0000"
    )


def test_a_masked_weight_says_so():
    masked = Architecture.of([2, 2, 1], BY_HAND.hidden[0], "identity", masks=[[[1, 0], [1, 1]], None])
    assert str(sweep(masked, THETA, X, T).example(0).weight(2, 1, 2)) == (
        "∂C_x/∂w_12²  BP4  0 = 0   (the mask keeps this weight at 0)"
    )


def test_dropout_is_a_factor():
    ledger = sweep(BY_HAND, THETA, X, T, keep=[np.array([[0.0, 2], [2, 2]]), None]).example(0)
    assert str(ledger.neuron(2, 2)[1]) == "a_2²  activation  σ(z_2²) κ_2² = custom(1.0000) · 2.0000 = 2.0000"
    assert str(ledger.neuron(2, 2)[2]) == (
        "δ_2²  BP2  (Σ_k w_2k³ δ_k³) κ_2² σ'(z_2²) = (2.0000 · −9.0000) · 2.0000 · 2.0000 = −72.0000"
    )


def test_softmax_shows_its_jacobian_where_the_equation_needs_it():
    """W = 0, so that a = 1/2 each and the Jacobian is ((1/4, -1/4), (-1/4, 1/4))."""
    for cost, bp1 in {
        "quadratic": "Σ_i ∂C_x/∂a_i² ∂a_i²/∂z_1² = −0.5000 · 0.2500 + 0.5000 · −0.2500 = −0.2500",
        "cross_entropy": "a_1² − t_1 = 0.5000 − 1.0000 = −0.5000",
    }.items():
        net = cr.Network([1, 2], output="softmax", cost=cost, initializer=([[[0, 0]]], [[0, 0]]), dtype="float64")
        ledger = net.backprop([[3.0]], [[1.0, 0.0]])
        assert str(ledger.neuron(2, 1)[2]) == f"δ_1²  BP1  {bp1}"
    net = cr.Network(
        [1, 2, 1], "softmax", "identity", initializer=([[[0, 0]], [[2], [4]]], [[0, 0], [0]]), dtype="float64"
    )
    ledger = net.backprop([[3.0]], [[2.0]])
    assert str(ledger.neuron(2, 1)[2]) == (
        "δ_1²  BP2  Σ_i (Σ_k w_ik³ δ_k³) ∂a_i²/∂z_1² = 2.0000 · 0.2500 + 4.0000 · −0.2500 = −0.5000"
    )
    assert str(ledger.layer(2).equations()[2]) == (
        "δ²  BP2  (∂a²/∂z²)ᵀ (w³ δ³) = [0.2500, −0.2500; −0.2500, 0.2500]ᵀ ([2.0000; 4.0000] [1.0000])"
        " = [−0.5000; 0.5000]"
    )
    assert ledger.layer(2).jacobian.tolist() == [[[0.25, -0.25], [-0.25, 0.25]]]


# --- the numbers shown give the result -------------------------------------------------------------------------------


def computed(node):
    """The value of a tree of numbers, a matrix in two dimensions; None where dots leave some of them out."""
    match node:
        case Number(value):
            return value
        case Symbol(name, (), "", False):
            return float(name)
        case Minus(body):
            return _with([body], lambda values: -values[0])
        case Product(factors, "·"):
            return _with(factors, np.prod)
        case Product(factors, "⊙"):
            return _with(factors, np.multiply.reduce)
        case Product(factors, ""):
            return _with(factors, lambda values: values[0] @ values[1])
        case Sum(terms):
            return _with(terms, lambda values: sum(values[1:], start=values[0]))
        case Fraction(above, below):
            return _with([above, below], lambda values: values[0] / values[1])
        case Transposed(body):
            return _with([body], lambda values: values[0].T)
        case Matrix(rows, _):
            values = [computed(each) for row in rows for each in row]
            return None if None in values else np.array(values).reshape(len(rows), -1)
        case Dots():
            return None
    return applied(node)


def _with(nodes, function):
    values = [computed(node) for node in nodes]
    return None if any(value is None for value in values) else function(values)


def applied(node):
    assert isinstance(node, Apply)
    values = [computed(argument) for argument in node.arguments]
    if node.function.name not in ACTIVATIONS.names() or any(value is None for value in values):
        return None  # several activations side by side
    sigma = ACTIVATIONS.get(node.function.name)
    if isinstance(values[0], np.ndarray):
        return sigma.value(values[0].T).T
    row = sigma.value(np.array([values]))[0]
    return row[int(node.function.below[0]) - 1] if node.function.below else row[0]


def plain(sigma):
    """Whether the name of an activation says all of it."""
    return sigma is None or sigma == ACTIVATIONS.get(sigma.name)


def mistakes(ledger):
    """The equations of one example whose numbers are not their result, and how many were computed."""
    wrong, count = [], 0
    equations = []
    for notation in ("GD", "BP"):
        for layer, n in enumerate(ledger.architecture.sizes[1:], 2):
            equations += ledger.layer(layer).equations(notation)
            for neuron in range(1, n + 1):
                equations += ledger.neuron(layer, neuron, notation)
    for equation in equations:
        value = None if equation.numbers is None else computed(equation.numbers)
        if value is None:
            continue
        count += 1
        expected = equation.value if np.ndim(value) == 0 or np.ndim(equation.value) == 2 else equation.value[:, None]
        if not np.allclose(value, expected, rtol=1e-9, atol=1e-11):
            wrong.append(str(equation))
    return wrong, count


def check_numbers(problems, least):
    wrong, count = {}, 0
    for problem in problems:
        if not plain(problem.hidden) or not plain(problem.output[0]):
            continue
        case = next(cases(problem))
        with np.errstate(divide="ignore"):  # a softmax of one neuron is certain: ln(1 - a) is -inf
            ledger = sweep(case.architecture, case.theta, case.X, case.T, case.weight, case.keep)
            found, made = mistakes(ledger.example(len(case.X) - 1))
        count += made
        if found:
            wrong[str(problem)] = found
    assert wrong == {}
    assert count > least


def test_the_numbers_of_equations_give_their_result():
    """Every activation, blocks, masks, weights of terms and dropout."""
    check_numbers(covering_problems()[::19], 1000)


@pytest.mark.full
def test_the_numbers_of_equations_give_their_result_with_every_cost():
    check_numbers(covering_problems(), 20_000)


def test_the_check_would_see_a_wrong_number():
    case = next(cases(covering_problems()[0]))
    ledger = sweep(case.architecture, case.theta, case.X, case.T).example(0)
    ledger.delta[0][0, 0] += 1e-6
    assert mistakes(ledger)[0]


# --- what is named ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: w.layer(1), "layer is 1, but must be from 2 to 3 (layer 1 is the input)"),
        (lambda w: w.layer(True), "layer is True, but must be from 2 to 3 (layer 1 is the input)"),
        (lambda w: w.weight(2, 0, 1), "the neuron of layer 1 is 0, but must be a whole number from 1 to 2"),
        (lambda w: w.weight(2, 1, 3), "the neuron of layer 2 is 3, but must be a whole number from 1 to 2"),
        (lambda w: w.bias(4, 1), "layer is 4, but must be from 2 to 3 (layer 1 is the input)"),
        (lambda w: w.example(2), "example is 2, but must be a row from 0 to 1 whose weight is not 0"),
        (lambda w: w.example(0.5), "example is 0.5, but must be a row from 0 to 1 whose weight is not 0"),
        (
            lambda w: w.neuron(2, 1),
            "the ledger has 2 examples, but a neuron has numbers for one: choose it by ledger.example(x)",
        ),
        (
            lambda w: w.layer(2).equations(),
            "the ledger has 2 examples, but the matrix form has numbers for one: choose it by ledger.example(x)",
        ),
        (lambda w: w.weight(2, 1, 1, "Nielsen"), "notation is 'Nielsen', but must be 'GD' or 'BP', one of the two "
         "documents"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_refused_in_one_line(call, message):
    with pytest.raises(cr.ChainruleError) as caught:
        call(sweep(BY_HAND, THETA, X, T))
    assert str(caught.value) == message


# --- many neurons ----------------------------------------------------------------------------------------------------


def test_long_sums_and_large_matrices_are_cut():
    net = cr.Network([784, 30, 10], seed=0)
    ledger = net.backprop(np.full((1, 784), 0.5), [[1.0] + [0.0] * 9])
    assert str(ledger.neuron(2, 1)[0]).count("·") == 5
    assert max(len(str(equation)) for equation in ledger.layer(2).equations()) < 1000
    equations = ledger.neuron(3, 10)
    assert len(equations) == 4 + 5
    assert equations.title == "neuron 10 of layer 3 (25 weights more)"


def test_a_layer_is_at_most_a_dozen_lines_and_says_which_units_do_not_answer():
    net = cr.Network(
        [3, 4, 2], "relu", "identity", initializer=([np.ones((3, 4)), np.ones((4, 2))], [[-9, 0, -9, 0], [0, 0]])
    )
    ledger = net.backprop(np.ones((5, 3)), np.zeros((5, 2)))
    text = str(ledger.layer(2)).splitlines()
    assert len(text) <= 12
    assert text[0] == "layer 2 of 3: 3 → 4 relu, 5 examples"
    assert text[-2] == "  2 of 4 units (50%) do not answer: dead"
    assert text[-1] == "  |δ| of an example: 16.9706 (median of the lengths)"
    assert str(ledger).splitlines()[1:] == [
        "  layer 2 of 3: 3 → 4 relu: |δ| 16.9706, 2 of 4 units (50%) do not answer: dead",
        "  layer 3 of 3: 4 → 2 identity: |δ| 8.4853",
    ]
    document = ledger.layer(2).document()
    assert document["units_that_do_not_answer"] == 2
    assert document["quantities"]["b"] == {"shape": [4], "quartiles": [-9, -9, -4.5, 0, 0]}
