"""The three ways to write a formula: text, LaTeX and MathML, for every kind of node and for whole equations."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation.digits import decimals
from chainrule.explanation.latex import as_latex, words_as_latex
from chainrule.explanation.mathml import as_mathml, math
from chainrule.explanation.text import as_text
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
    Total,
    Transposed,
)

Z, W, TWO = Symbol("z", ("1",), "2"), Symbol("w", ("1", "12"), "3"), Number(2.0)
NODES = {
    "symbol": (Z, "z_1²", "z_{1}^{2}"),
    "indices": (W, "w_1,12³", "w_{1,12}^{3}"),
    "prime": (Symbol("σ", prime=True), "σ'", r"\sigma'"),
    "layer 12": (Symbol("δ", (), "12"), "δ¹²", r"\delta^{12}"),
    "name": (Symbol("leaky_relu"), "leaky_relu", r"\operatorname{leaky\_relu}"),
    "number": (TWO, "2.0000", "2.0000"),
    "negative": (Number(-0.25), "−0.2500", "-0.2500"),
    "small": (Number(-3.2e-5), "−3.200·10⁻⁵", r"-3.200 \cdot 10^{-5}"),
    "infinite": (Number(-np.inf), "−∞", r"-\infty"),
    "minus": (Minus(Z), "−z_1²", "-z_{1}^{2}"),
    "product": (Product((Z, W)), "z_1² w_1,12³", "z_{1}^{2} w_{1,12}^{3}"),
    "elementwise": (Product((Z, W), "⊙"), "z_1² ⊙ w_1,12³", r"z_{1}^{2} \odot w_{1,12}^{3}"),
    "sum": (Sum((Z, TWO)), "z_1² + 2.0000", "z_{1}^{2} + 2.0000"),
    "difference": (Sum((Z, Number(-2.0))), "z_1² − 2.0000", "z_{1}^{2} - 2.0000"),
    "of products": (
        Sum((TWO, Product((Number(-2.0), Number(-3.0)), "·"))),
        "2.0000 − 2.0000 · −3.0000",
        r"2.0000 - 2.0000 \cdot -3.0000",
    ),
    "brackets": (Product((Sum((Z, TWO)), TWO)), "(z_1² + 2.0000) 2.0000", r"\left(z_{1}^{2} + 2.0000\right) 2.0000"),
    "total": (Total("k", Product((W, Z))), "Σ_k w_1,12³ z_1²", r"\sum_{k} w_{1,12}^{3} z_{1}^{2}"),
    "total first": (Product((Total("k", W), Z)), "(Σ_k w_1,12³) z_1²", r"\left(\sum_{k} w_{1,12}^{3}\right) z_{1}^{2}"),
    "total last": (Product((Z, Total("k", W))), "z_1² Σ_k w_1,12³", r"z_{1}^{2} \sum_{k} w_{1,12}^{3}"),
    "function": (Apply(Symbol("σ"), (Z, Dots())), "σ(z_1², …)", r"\sigma\left(z_{1}^{2}, \dots\right)"),
    "fraction": (Fraction(Symbol("∂C", ("x",)), Symbol("∂b")), "∂C_x/∂b", r"\frac{\partial C_{x}}{\partial b}"),
    "transposed": (Transposed(Symbol("w", (), "2")), "(w²)ᵀ", r"\left(w^{2}\right)^{T}"),
    "matrix": (
        Matrix(((TWO, TWO), (TWO, Dots())), (2, 2)),
        "[2.0000, 2.0000; 2.0000, …]",
        r"\begin{pmatrix} 2.0000 & 2.0000 \\ 2.0000 & \dots \end{pmatrix}",
    ),
}  # fmt: skip
MATHML = {"math", "mrow", "mi", "mn", "mo", "msub", "msup", "msubsup", "mfrac", "munder", "mtable", "mtr", "mtd"}
CHILDREN = {"msub": 2, "msup": 2, "msubsup": 3, "mfrac": 2, "munder": 2}


@pytest.mark.parametrize("name", NODES)
def test_every_node_as_text_and_latex(name):
    node, text, latex = NODES[name]
    assert as_text(node) == text
    assert as_latex(node) == latex


def checked(document):
    """A well-formed tree of MathML's own elements, each with as many children as it takes."""
    tree = ET.fromstring(document)
    for element in tree.iter():
        tag = element.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")
        assert tag in MATHML
        if tag in CHILDREN:
            assert len(element) == CHILDREN[tag], document
        if tag in ("mi", "mn", "mo"):
            assert len(element) == 0
            assert element.text
    return tree


@pytest.mark.parametrize("name", NODES)
def test_every_node_as_mathml(name):
    tree = checked(math(as_mathml(NODES[name][0])))
    if name == "fraction":
        assert [each.tag.split("}")[1] for each in tree] == ["mfrac"]
    digits = re.sub(r"\D", "", NODES[name][1].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
    assert re.sub(r"\D", "", "".join(tree.itertext())) == digits


NETS = {
    "deep": cr.Network([2, 3, 4, 1], "tanh", dtype="float64"),
    "softmax": cr.Network([2, 8, 3], "softmax", "softmax", "quadratic"),
    "blocks": cr.Network([2, 2, 4], "relu", [("softmax", 2), ("identity", 2)], ["cross_entropy", "huber"]),
    "masked": cr.Network([2, 2, 1], masks=[[[1, 0], [1, 1]], None]),
}


@pytest.mark.parametrize("notation", ["GD", "BP"])
@pytest.mark.parametrize("name", NETS)
def test_every_equation_is_well_formed_in_each_way(name, notation):
    net = NETS[name]
    T = np.zeros((1, net.sizes[-1]))
    T[0, 0] = 1
    ledger = net.backprop([[0.5, -2.0]], T)
    for layer, n in enumerate(net.sizes[1:], 2):
        for equations in (ledger.layer(layer).equations(notation), ledger.neuron(layer, n, notation)):
            for equation in equations:
                checked(equation.mathml())
                html = equation._repr_html_()
                assert "<script" not in html
                ET.fromstring(html)
                latex = equation.latex()
                assert latex.count("{") == latex.count("}")
                assert latex.count(r"\left") == latex.count(r"\right")
                assert latex.isascii()
            ET.fromstring(equations._repr_html_())
            aligned = equations.latex()
            assert aligned.startswith("\\begin{aligned}\n")
            assert aligned.count(r" &= ") == len(equations)


@pytest.mark.parametrize("name", NETS)
def test_what_notebooks_render_is_what_a_converter_of_latex_knows(name):
    converter = pytest.importorskip("latex2mathml.converter")
    ledger = NETS[name].backprop([[0.5, -2.0]], np.eye(1, NETS[name].sizes[-1]))
    for equation in [*ledger.neuron(2, 1), *ledger.layer(3).equations("BP")]:
        assert "\\" not in converter.convert(equation.latex())


def test_names_from_a_table_are_escaped():
    ledger = NETS["deep"].backprop([[0.5, -2.0]], [[1.0]])
    import dataclasses

    from chainrule.backprop import Names

    named = dataclasses.replace(ledger, names=Names(["<b>&x_1</b>\x1b", "y" * 1000], ["1 < 2 & 3"]))
    html = named.neuron(2, 1)._repr_html_()
    assert "<b>" not in html
    ET.fromstring(html)
    assert r"\&x\_1" in named.weight(2, 1, 1).latex()
    assert "\x1b" not in str(named.weight(2, 1, 1))
    assert len(named.weight(2, 2, 1).note) <= 200
    assert named.neuron(4, 1).title == "neuron 1 of layer 4: 1 < 2 & 3"
    ET.fromstring(named.neuron(4, 1)._repr_html_())


def test_numbers_have_four_digits_after_the_point_or_four_in_all():
    shown = {1.13: "1.1300", 99999: "99999.0000", 1e5: "1.000", 1e-3: "0.0010", 9.99e-4: "9.990", -0.0: "0"}
    assert {value: decimals(value)[0] for value in shown} == shown
    assert words_as_latex("a_b & c\\d") == r"\text{a\_b \& c\backslash{}d}"


def test_an_equation_as_plain_data_has_its_exact_value():
    equation = NETS["deep"].backprop([[0.5, -2.0]], [[1.0]]).weight(2, 1, 2)
    document = equation.document()
    assert document["value"] == equation.value
    assert document["symbol"] == "∂C_x/∂w_12²"
    assert document["formula"] == "a_1¹ δ_2²"
