"""Networks as the state_dict of torch modules and back; most of it needs no torch."""

import importlib.util
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import chainrule as cr
from chainrule.errors import ArchitectureError, ChainruleError, SettingError
from chainrule.network import Network

from ..problems import SIGMAS

if importlib.util.find_spec("torch"):
    import torch
    from torch import nn

needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
X = np.random.default_rng(0).normal(size=(7, 3))


def arrays(*shapes, start=0.0, prefix=""):
    """A state of Linear layers with these shapes (n_out, n_in)."""
    state = {}
    for k, (n, m) in enumerate(shapes):
        state |= {f"{prefix}{2 * k}.weight": np.full((n, m), start + k), f"{prefix}{2 * k}.bias": np.full(n, start + k)}
    return state


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sigma", [*SIGMAS, None], ids=str)
def test_names_and_bits_are_those_of_the_module(sigma, dtype):
    blocks = [("softmax", 2), ({"name": "prelu", "slope": 0.5}, 1)]
    output = blocks if sigma is None else sigma
    hidden = sigma if sigma is not None and sigma.elementwise else "tanh"
    net = Network([3, 5, 4, 3], hidden, output, "quadratic", dtype=dtype, seed=3)
    module, state = cr.to_torch(net), cr.to_state_dict(net)
    expected = module.state_dict()
    assert [*state] == [*expected]
    for name, part in state.items():
        assert part.dtype == expected[name].dtype
        assert torch.equal(part, expected[name]), name
    module.load_state_dict(state)
    for given in (expected, cr.to_state_dict(net, tensors=False)):
        again = cr.from_state_dict(given, hidden, output, "quadratic")
        assert (repr(again), again.theta.tobytes()) == (repr(net), net.theta.tobytes())


@needs_torch
def test_a_module_of_your_own_loads_it_by_its_names():
    class Mine(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(4, 2)  # in another order than they are called
            self.hidden = nn.Linear(3, 4)

        def forward(self, x):
            return torch.softmax(self.out(torch.relu(self.hidden(x))), dim=1)

    net, mine = Network([3, 4, 2], "relu", "softmax", "cross_entropy", dtype="float64", seed=2), Mine().double()
    mine.load_state_dict(cr.to_state_dict(net, names=["hidden", "out"]))
    with torch.no_grad():
        np.testing.assert_allclose(mine(torch.from_numpy(X)).numpy(), net.predict(X), rtol=1e-12)
    again = cr.from_state_dict(mine.state_dict(), "relu", "softmax", names=["hidden", "out"])
    assert (repr(again), again.theta.tobytes()) == (repr(net), net.theta.tobytes())


@needs_torch
def test_tensors_of_half_precision_and_with_gradients_are_taken():
    layer = nn.Linear(3, 2).to(torch.bfloat16)
    state = {"weight": layer.weight, "bias": layer.bias}
    net = cr.from_state_dict(state, [], "identity")
    assert (net.dtype, net.sizes) == (np.float32, (3, 2))
    np.testing.assert_array_equal(net.W[0], layer.weight.detach().float().numpy().T)


def test_the_arrays_are_copies():
    net = Network([3, 4, 2])
    before = net.theta.copy()
    for part in cr.to_state_dict(net, tensors=False).values():
        part[...] = 0
    assert net.theta.tobytes() == before.tobytes()


def test_a_file_of_many_layers_comes_back_in_the_order_of_its_numbers(tmp_path):
    net = Network([3, *range(4, 11), 2], "tanh", "softmax", "cross_entropy", seed=5)
    save_file(cr.to_state_dict(net, tensors=False), tmp_path / "net.safetensors")
    state = load_file(tmp_path / "net.safetensors")
    assert [*state] == sorted(state), "a file sorts 10 before 2"
    assert cr.from_state_dict(state, "tanh", "softmax").theta.tobytes() == net.theta.tobytes()


def test_names_in_words_are_taken_in_their_order():
    state = {"in.weight": np.ones((4, 3)), "in.bias": np.ones(4), "a.weight": np.ones((2, 4)), "a.bias": np.ones(2)}
    assert cr.from_state_dict(state, "tanh", "softmax").sizes == (3, 4, 2)
    back = dict(reversed(state.items()))
    with pytest.raises(ArchitectureError, match="layer 2 has 2 outputs"):
        cr.from_state_dict(back, "tanh", "softmax")
    assert cr.from_state_dict(back, "tanh", "softmax", names=["in", "a"]).sizes == (3, 4, 2)


def test_a_layer_without_biases_gets_zeros_and_a_warning():
    state = arrays((4, 3), (2, 4), start=1.0)
    del state["2.bias"]
    with pytest.warns(UserWarning, match=r"^layer 3 has no biases; here they start at 0"):
        net = cr.from_state_dict(state, "tanh", "softmax")
    assert net.b[1].tolist() == [0, 0]


def test_the_cost_goes_with_the_output_unless_it_is_given():
    state = arrays((4, 3), (2, 4))
    assert cr.from_state_dict(state, "tanh", "exp").architecture.blocks[0].cost.name == "poisson"
    assert cr.from_state_dict(state, "tanh", "exp", "quadratic").architecture.blocks[0].cost.name == "quadratic"
    several = cr.from_state_dict(state, "tanh", [("softmax", 1), ("sigmoid", 1)])
    assert [block.cost.name for block in several.architecture.blocks] == ["cross_entropy", "binary_cross_entropy"]


def test_without_torch_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SettingError, match=r"^this needs PyTorch, which is not installed: [^\n]*tensors=False[^\n]*$"):
        cr.to_state_dict(Network([2, 1]))


NORM = {"1.weight": np.ones(4), "1.bias": np.zeros(4)}
REFUSED = {
    "no mapping": ([np.ones(3)], {}, SettingError, "must be a state_dict"),
    "nothing": ({}, {}, ArchitectureError, "the state is empty"),
    "batch normalisation": (
        {**arrays((4, 3)), **NORM, "1.running_mean": np.zeros(4)},
        {},
        ArchitectureError,
        "the state has '1.running_mean', but only weight and bias .* cr.from_torch",
    ),
    "a normalisation": ({**arrays((4, 3)), **NORM}, {}, ArchitectureError, r"'1' of the state has weight \(4,\)"),
    "a bias alone": ({"0.bias": np.zeros(2)}, {}, ArchitectureError, r"'0' of the state has bias \(2,\), but"),
    "a convolution": ({"0.weight": np.ones((2, 3, 3, 3))}, {}, ArchitectureError, r"has weight \(2, 3, 3, 3\), but"),
    "a bias of another width": (
        {"0.weight": np.ones((2, 3)), "0.bias": np.ones(3)}, {}, ArchitectureError, r"weight \(2, 3\), bias \(3,\),"
    ),
    "layers that do not fit": (arrays((4, 3), (2, 5)), {}, ArchitectureError, "layer 2 has 4 outputs, but the next"),
    "whole numbers": ({"0.weight": np.ones((2, 3), int)}, {}, ArchitectureError, "has the type int64, but weights are"),
    "no numbers": ({"0.weight": [[1.0], [2.0, 3.0]]}, {}, ArchitectureError, "has the type object, but weights are"),
    "not finite": ({"0.weight": np.full((2, 3), np.nan), "0.bias": np.ones(2)}, {}, ChainruleError, "nan|finite"),
    "too few names": (arrays((4, 3), (2, 4)), {"names": ["0"]}, SettingError, "must be 2 different names of layers"),
    "other names": (
        arrays((4, 3), (2, 4)), {"names": ["0", "fc2"]}, ArchitectureError, "no layer 'fc2': its layers are '0, 2'"
    ),
    "a slope": (
        {**arrays((4, 3)), "1.weight": np.full(1, 0.3)}, {}, ArchitectureError, r"PReLU slopes \[0.3\], but .* \[\]:"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_other_states_are_refused_in_one_line(name):
    state, names, error, words = REFUSED[name]
    with pytest.raises(error, match=rf"^[^\n]*({words})[^\n]*$"):
        cr.from_state_dict(state, "tanh", "identity", **names)


def test_other_networks_and_names_are_refused_in_one_line():
    with pytest.raises(SettingError, match=r"^net is 'net.pt', but must be a Network$"):
        cr.to_state_dict("net.pt")
    for names in (["a"], ["a", "a"], "ab", [1, 2]):
        with pytest.raises(SettingError, match=r"^names is [^\n]*, but must be 2 different names of layers$"):
            cr.to_state_dict(Network([3, 4, 2]), names, tensors=False)
    with pytest.raises(ArchitectureError, match=r"^activation [^\n]* is your own NumPy function, [^\n]*$"):
        cr.to_state_dict(Network([2, 3, 1], lambda z: z / (1 + z * z)), tensors=False)
