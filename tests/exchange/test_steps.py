"""A network as steps and back, which needs no torch."""

import numpy as np
import pytest

from chainrule.architecture import Architecture
from chainrule.errors import ArchitectureError, ChainruleError, SettingError, UnknownNameError
from chainrule.exchange.kinds import Dropout, Linear
from chainrule.exchange.steps import from_steps, to_steps
from chainrule.network import Network

from ..problems import SIGMAS, cases, covering_problems

SIGMOID, TANH = (next(sigma for sigma in SIGMAS if sigma.name == name) for name in ("sigmoid", "tanh"))


def linear(n, m, seed=0):
    rng = np.random.default_rng([seed, n, m])
    return Linear(rng.normal(size=(n, m)), rng.normal(size=m))


def by_hand(X, steps):
    """What the steps do to X, by their definitions."""
    for step in steps:
        if isinstance(step, Linear):
            X = X @ step.W + step.b
        elif isinstance(step, list):
            ends = np.cumsum([width for _, width in step])
            parts = zip(np.split(X, ends[:-1], axis=1), step, strict=True)
            X = np.concatenate([sigma.value(part) for part, (sigma, _) in parts], axis=1)
        else:
            X = step.value(X)
    return X


def test_the_steps_of_a_network_compute_what_it_predicts_and_give_it_again():
    for problem in covering_problems():
        case = next(cases(problem))
        net = Network.from_parts(case.architecture, case.theta)
        steps = to_steps(net)
        np.testing.assert_allclose(by_hand(case.X, steps), net.predict(case.X), rtol=1e-12, atol=1e-14)
        again, notes = from_steps(steps, cost=[block.cost for block in case.architecture.blocks])
        assert again.architecture.describe() == case.architecture.describe(), str(problem)
        assert (again.theta.tobytes(), notes) == (net.theta.tobytes(), [])


def test_logits_are_what_the_output_activation_is_put_upon():
    net = Network([3, 4, 5], "relu", [("softmax", 3), ("sigmoid", 2)], ["cross_entropy", "binary_cross_entropy"])
    X = np.random.default_rng(0).normal(size=(6, 3))
    Z = by_hand(X, to_steps(net, logits=True))
    np.testing.assert_allclose(net.architecture.activations[-1].value(Z), net.predict(X), rtol=1e-5)


@pytest.mark.parametrize("output", [None, *SIGMAS], ids=str)
def test_the_cost_is_the_one_that_goes_with_the_output(output):
    """Given with the steps or beside them; steps without any end in numbers."""
    steps = [linear(3, 4), TANH, linear(4, 2)]
    name = "identity" if output is None else output.name
    costs = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy", "exp": "poisson"}
    for found, _ in (from_steps([*steps, *([output] if output else [])]), from_steps(steps, output=output)):
        (block,) = found.architecture.blocks
        assert (block.activation.name, block.cost.name) == (name, costs.get(name, "quadratic"))
        assert [sigma.name for sigma in found.architecture.hidden] == ["tanh"]
    chosen = from_steps(steps, output=output, cost="absolute")[0].architecture.blocks[0].cost
    assert chosen.name == "absolute"


def test_blocks_of_outputs_have_a_cost_each():
    found, _ = from_steps([linear(3, 5)], output=[("softmax", 3), ("identity", 2)])
    assert [block.cost.name for block in found.architecture.blocks] == ["cross_entropy", "quadratic"]


def test_layers_that_follow_one_another_have_an_identity_between_them():
    found, _ = from_steps([linear(3, 4), linear(4, 2)])
    assert found.architecture.describe() == Architecture.of([3, 4, 2], "identity", "identity").describe()


def test_what_has_no_place_in_a_network_is_said():
    steps = [Dropout(0.1), linear(3, 4), TANH, Dropout(0.5), Linear(np.ones((4, 2), "float32"), None)]
    found, notes = from_steps(steps)
    assert [note.split(", ")[0].split(":")[0] for note in notes] == [
        "dropout 0.1 at layer 1 is a training setting here",
        "dropout 0.5 at layer 2 is a training setting here",
        "layer 3 has no biases; here they start at 0",
    ]
    assert found.architecture.sizes == (3, 4, 2)
    assert found.theta[-2:].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("steps", "given", "error", "words"),
    [
        ([], {}, ArchitectureError, "no Linear layer"),
        ([TANH], {}, ArchitectureError, "no Linear layer"),
        ([TANH, linear(3, 2)], {}, ArchitectureError, "tanh comes before the first Linear layer"),
        ([linear(3, 4), TANH, SIGMOID], {}, ArchitectureError, "layer 2 has two activations, tanh and sigmoid"),
        ([linear(3, 4), linear(3, 2)], {}, ArchitectureError, "layer 2 has 4 outputs, .* takes 3"),
        ([linear(3, 4), [(TANH, 2), (SIGMOID, 2)], linear(4, 2)], {}, ArchitectureError, "hidden layer has blocks"),
        ([linear(3, 4), [(TANH, 2), (SIGMOID, 1)]], {}, ArchitectureError, "widths"),
        ([linear(3, 4), SIGMOID], {"output": "sigmoid"}, SettingError, "already has sigmoid: leave output out"),
        ([linear(3, 4)], {"output": "softplusplus"}, UnknownNameError, "softplus"),
        ([linear(3, 4)], {"cost": "poisson"}, ArchitectureError, "poisson"),
    ],
)
def test_steps_that_are_no_network_are_refused_in_one_line(steps, given, error, words):
    with pytest.raises(ChainruleError, match=rf"^[^\n]*{words}[^\n]*$") as caught:
        from_steps(steps, **given)
    assert type(caught.value) is error


def test_anything_but_a_network_is_refused_in_one_line():
    with pytest.raises(
        SettingError, match=r"^net is 3, but must be a Network, such as network_ of an estimator and [^\n]*$"
    ):
        to_steps(3)
