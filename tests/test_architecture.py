"""Architectures: what is refused and how, output blocks, masks, the layout of theta, documents."""

import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture, Blocks
from chainrule.costs import COSTS
from chainrule.errors import ArchitectureError, ChainruleError, DataError, SettingError, UnknownNameError

TWO = {"output": [("softmax", 3), ("identity", 2)], "cost": ["cross_entropy", "quadratic"]}


def refused(error, *words, **parts):
    """The one line in which the parts are refused; it holds all the words."""
    with pytest.raises(ChainruleError) as caught:
        Architecture.of(**{"sizes": [4, 3, 5]} | parts)
    assert type(caught.value) is error
    line = str(caught.value)
    assert "\n" not in line
    assert [word for word in words if word not in line] == []


@pytest.mark.parametrize(
    "sizes",
    [
        [],
        [3],
        [3, 0],
        [3, -1, 2],
        [2.5, 1],
        ["3", 1],
        "31",
        5,
        None,
        [True, 1],
        [3, None],
        [float("nan"), 1],
        [float("inf"), 1],
    ],
    ids=str,
)
def test_sizes_that_are_not_two_or_more_whole_numbers_are_refused(sizes):
    refused(ArchitectureError, "sizes", repr(sizes), "two or more whole numbers", sizes=sizes)


@pytest.mark.parametrize("sizes", [(4, 5), [4.0, 5], np.array([4, 5]), range(4, 6)], ids=str)
def test_sizes_may_be_any_sequence_of_whole_numbers(sizes):
    assert Architecture.of(sizes).sizes == (4, 5)
    assert {type(n) for n in Architecture.of(sizes).sizes} == {int}


@pytest.mark.parametrize(
    ("error", "words", "parts"),
    [
        (ArchitectureError, ["2 activations", "1 hidden layers", "one for each"], {"activation": ["relu", "tanh"]}),
        (ArchitectureError, ["0 activations", "1 hidden layers"], {"activation": []}),
        (UnknownNameError, ["no activation 'sigmoit'", "did you mean 'sigmoid'"], {"activation": "sigmoit"}),
        (UnknownNameError, ["no activation 'zzz'", "choose from", "relu"], {"activation": ["zzz"]}),
        (UnknownNameError, ["no activation 'softmx'", "softmax"], {"output": "softmx"}),
        (UnknownNameError, ["no cost 'quadratik'", "quadratic"], {"cost": "quadratik"}),
        (SettingError, ["activation is 3"], {"activation": 3}),
        (SettingError, ["cost is None"], {"cost": None}),
        (SettingError, ["'elu' has no parameter 'beta'", "alpha"], {"activation": {"name": "elu", "beta": 1}}),
        (SettingError, ["alpha of elu is -1"], {"activation": {"name": "elu", "alpha": -1}}),
        (ArchitectureError, ["'cross_entropy'", "[0, 1]", "'tanh'"], {"output": "tanh", "cost": "cross_entropy"}),
        (ArchitectureError, ["'poisson'", "'relu'"], {"output": "relu", "cost": "poisson"}),
        (ArchitectureError, ["'binary_cross_entropy'", "'tanh'"], {"output": "tanh", "cost": "binary_cross_entropy"}),
        (ArchitectureError, ["output blocks are ['softmax']", "(activation, width) pairs"], {"output": ["softmax"]}),
        (ArchitectureError, ["pairs"], {"output": [("softmax", 3, 2)]}),
        (ArchitectureError, ["pairs"], {"output": [("softmax", "many")]}),
        (ArchitectureError, ["pairs"], {"output": [("sigmoid", 2.5), ("sigmoid", 2.5)]}),
        (ArchitectureError, ["widths [3, 3]", "add up to 5"], {"output": [("softmax", 3), ("softmax", 3)]}),
        (ArchitectureError, ["widths [6, -1]", "at least 1"], {"output": [("sigmoid", 6), ("sigmoid", -1)]}),
        (ArchitectureError, ["widths [5, 0]", "at least 1"], {"output": [("sigmoid", 5), ("sigmoid", 0)]}),
        (ArchitectureError, ["widths []"], {"output": []}),
        (ArchitectureError, ["3 costs", "2 output blocks"], {**TWO, "cost": ["quadratic"] * 3}),
        (ArchitectureError, ["'cross_entropy'", "'identity'"], {**TWO, "cost": "cross_entropy"}),
        (ArchitectureError, ["1 masks", "2 layers of weights"], {"masks": [None]}),
        (ArchitectureError, ["mask of layer 2", "(4, 3)", "(3, 4)"], {"masks": [np.ones((3, 4)), None]}),
        (ArchitectureError, ["mask of layer 3", "0 and 1", "0.5"], {"masks": [None, np.full((3, 5), 0.5)]}),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused_in_one_line(error, words, parts):
    refused(error, *words, **parts)


@pytest.mark.parametrize("output", ACTIVATIONS.names())
@pytest.mark.parametrize("cost", COSTS.names())
def test_a_cost_takes_an_output_activation_if_and_only_if_it_is_defined_on_all_that_it_gives(output, cost):
    gives, takes = ACTIVATIONS.get(output).range, COSTS.get(cost).outputs
    open_enough = gives.low > takes.low or gives.open_low or not takes.open_low
    if takes.low <= gives.low and gives.high <= takes.high and open_enough:
        assert Architecture.of([2, 3], output=output, cost=cost).blocks[0].cost.name == cost
    else:
        refused(ArchitectureError, repr(output), repr(cost), sizes=[2, 3], output=output, cost=cost)


def test_activations_are_one_for_all_hidden_layers_or_one_for_each():
    assert [str(a) for a in Architecture.of([1, 2, 3, 4], "relu", "tanh").activations] == ["relu", "relu", "tanh"]
    mixed = Architecture.of([1, 2, 3, 4], ["tanh", {"name": "elu", "alpha": 2.0}], "identity")
    assert [str(a) for a in mixed.activations] == ["tanh", "elu(alpha=2.0)", "identity"]
    assert Architecture.of([1, 2], [], "tanh").hidden == ()


def test_blocks_stand_side_by_side_in_the_output_layer():
    found = Architecture.of([4, 3, 5], **TWO)
    assert [(b.start, b.stop, b.width, b.columns) for b in found.blocks] == [
        (0, 3, 3, slice(0, 3)),
        (3, 5, 2, slice(3, 5)),
    ]
    assert [b.separable for b in found.blocks] == [False, True]
    assert Architecture.of([4, 5], output="softmax", cost="quadratic").blocks[0].separable
    assert not Architecture.of([4, 5], output="softmax", cost="poisson").blocks[0].separable
    assert isinstance(found.activations[-1], Blocks)
    assert Architecture.of([4, 5], output=[("softmax", 5)], cost="cross_entropy").activations[-1].name == "softmax"


def test_everything_of_several_blocks_is_that_of_each_block_alone():
    rng = np.random.default_rng(0)
    Z, T, G, weight = (
        rng.normal(size=(6, 5)),
        rng.dirichlet(np.ones(5), 6),
        rng.normal(size=(6, 5)),
        rng.uniform(size=(6, 5)),
    )
    weight[:, :3] = weight[:, :1]
    T[:, :3] /= T[:, :3].sum(axis=1, keepdims=True)
    both = Architecture.of([4, 3, 5], **TWO)
    alone = [Architecture.of([4, b.width], output=b.activation, cost=b.cost) for b in both.blocks]
    cut = [b.columns for b in both.blocks]
    sigma, A = both.activations[-1], both.activations[-1].value(Z)

    def side_by_side(of):
        return np.concatenate([of(a, c) for a, c in zip(alone, cut, strict=True)], axis=1)

    np.testing.assert_array_equal(A, side_by_side(lambda a, c: a.activations[0].value(Z[:, c])))
    np.testing.assert_array_equal(
        sigma.pullback(G, Z, A), side_by_side(lambda a, c: a.activations[0].pullback(G[:, c], Z[:, c], A[:, c]))
    )
    for s in (None, weight):
        parts = [(Z[:, c], A[:, c], T[:, c], None if s is None else s[:, c]) for c in cut]
        np.testing.assert_allclose(
            both.costs(Z, A, T, s), sum(a.costs(*p) for a, p in zip(alone, parts, strict=True)), rtol=1e-15
        )
        np.testing.assert_array_equal(
            both.delta_L(Z, A, T, s), np.concatenate([a.delta_L(*p) for a, p in zip(alone, parts, strict=True)], axis=1)
        )


def test_weights_multiply_the_terms_of_the_cost_and_their_errors():
    net = Architecture.of([4, 3], output="identity")
    rng = np.random.default_rng(0)
    Z, T, weight = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.uniform(size=(6, 3))
    np.testing.assert_allclose(net.costs(Z, Z, T, weight), (weight * (Z - T) ** 2 / 2).sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(net.delta_L(Z, Z, T, weight), weight * (Z - T), rtol=1e-14)


def test_only_elementwise_blocks_have_an_elementwise_derivative():
    Z = np.array([[0.3, -2.0]])
    both = Architecture.of([1, 2], output=[("tanh", 1), ("relu", 1)]).activations[-1]
    A = both.value(Z)
    assert both.elementwise
    np.testing.assert_array_equal(both.derivative(Z, A), [[1 - A[0, 0] ** 2, 0]])
    other = Architecture.of([1, 3], output=[("softmax", 2), ("relu", 1)]).activations[-1]
    assert not other.elementwise
    with pytest.raises(TypeError, match="not elementwise"):
        other.derivative(np.zeros((1, 3)), np.zeros((1, 3)))


def test_theta_is_w_row_by_row_then_b_layer_after_layer_and_its_layers_are_views():
    found = Architecture.of([2, 3, 1])
    theta = np.arange(13.0)
    W, b = found.views(theta)
    assert found.parameter_count == 13
    assert [w.tolist() for w in W] == [[[0, 1, 2], [3, 4, 5]], [[9], [10], [11]]]
    assert [c.tolist() for c in b] == [[6, 7, 8], [12]]
    assert [np.shares_memory(view, theta) for view in (*W, *b)] == [True] * 4
    layers = found.layers(theta)
    assert [(layer.W.shape, layer.b.shape, layer.activation.name) for layer in layers] == [
        ((2, 3), (3,), "sigmoid"),
        ((3, 1), (1,), "sigmoid"),
    ]
    W[1][0, 0] = 99
    assert (theta[9], layers[1].W[0, 0]) == (99, 99)


def test_masks_are_kept_as_their_own_unchangeable_bits():
    given = np.array([[1, 0, 1]] * 4)
    found = Architecture.of([4, 3, 5], masks=[given, None])
    given[...] = 0
    assert found.masks[0].tolist() == [[True, False, True]] * 4
    assert found.masks[1] is None
    with pytest.raises(ValueError, match="read-only"):
        found.masks[0][0, 0] = False
    assert Architecture.of([4, 3, 5]).masks == (None, None)


@pytest.mark.parametrize(
    "parts",
    [
        {"sizes": [2, 1]},
        {"sizes": [4, 3, 5], **TWO},
        {
            "sizes": [4, 3, 2, 5],
            "activation": ["gelu", {"name": "elu", "alpha": 2}],
            "output": "exp",
            "cost": "poisson",
        },
        {"sizes": [4, 5], "output": "identity", "cost": {"name": "quantile", "q": 0.9}},
    ],
    ids=str,
)
def test_a_document_is_plain_data_that_gives_the_architecture_again(parts):
    found = Architecture.of(**parts)
    document = found.document()
    again = Architecture.from_document(json.loads(json.dumps(document)))
    assert (again.sizes, again.hidden, again.blocks) == (found.sizes, found.hidden, found.blocks)
    assert again.document() == document
    assert again.describe() == found.describe()


def test_masks_come_beside_the_document():
    mask = np.eye(4, 3)
    again = Architecture.from_document(Architecture.of([4, 3, 5]).document(), [mask, None])
    assert again.masks[0].tolist() == mask.astype(bool).tolist()


def broken(**parts):
    return Architecture.of([4, 3, 5], **TWO).document() | parts


@pytest.mark.parametrize(
    ("error", "document"),
    [
        (ArchitectureError, None),
        (ArchitectureError, {}),
        (ArchitectureError, []),
        (ArchitectureError, {k: v for k, v in broken().items() if k != "hidden"}),
        (ArchitectureError, broken(sizes=3)),
        (ArchitectureError, broken(sizes=[4, 3, 6])),
        (ArchitectureError, broken(blocks=[{"cost": {"name": "quadratic"}, "width": 5}])),
        (ArchitectureError, broken(blocks=[5])),
        (ArchitectureError, broken(hidden=[])),
        (UnknownNameError, broken(hidden=[{"name": "os.system"}])),
        (SettingError, broken(hidden=[{"name": "elu", "alpha": "1"}])),
        (SettingError, broken(hidden=[{}])),
    ],
)
def test_a_document_that_makes_no_sense_is_refused_in_one_line(error, document):
    with pytest.raises(error) as caught:
        Architecture.from_document(document)
    assert "\n" not in str(caught.value)


def test_an_activation_of_your_own_has_no_document():
    with pytest.raises(SettingError, match=r"your own function[^\n]*$"):
        Architecture.of([1, 2, 1], lambda z: z**3).document()


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"sizes": [784, 30, 10]}, "784 inputs → 30 sigmoid → 10 sigmoid (quadratic)"),
        ({"sizes": [2, 1], "output": "identity"}, "2 inputs → 1 identity (quadratic)"),
        (
            {"sizes": [4, 3, 2, 5], "activation": ["relu", {"name": "elu", "alpha": 2.0}], **TWO},
            "4 inputs → 3 relu → 2 elu(alpha=2.0) → 3 softmax (cross_entropy) + 2 identity (quadratic)",
        ),
    ],
)
def test_an_architecture_is_described_on_one_line(parts, text):
    assert Architecture.of(**parts).describe() == text


def test_functions_of_your_own_say_what_they_can_give_and_take():
    def halves(z):
        return 0.5 + z / (2 * (1 + np.sqrt(z * z)))

    with pytest.raises(ArchitectureError, match="needs outputs in"):
        Architecture.of([2, 1], output=halves, cost="binary_cross_entropy")
    given = cr.custom_activation(halves, values=(0, 1))
    assert Architecture.of([2, 1], output=given, cost="binary_cross_entropy").blocks[0].pair is None
    cost = cr.custom_cost(lambda A, T: -T * np.log(A), outputs=(0, np.inf), targets=(0, np.inf))
    assert Architecture.of([2, 1], output="exp", cost=cost).blocks[0].cost is cost
    with pytest.raises(ArchitectureError, match="needs outputs in"):
        Architecture.of([2, 1], output="identity", cost=cost)
    with pytest.raises(DataError, match="takes targets in"):
        cr.Network([2, 1], output="exp", cost=cost).cost([[0.0, 0.0]], [[-1.0]])
