"""Networks as torch.nn.Sequential and back, where torch is installed; `test_steps` holds what does not need it."""

import importlib.util
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArchitectureError, ChainruleError, SettingError
from chainrule.network import Network

from ..problems import SIGMAS, cases, covering_problems

if importlib.util.find_spec("torch"):
    import torch
    from torch import nn
    from torch.nn.utils import prune

needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")

X = np.random.default_rng(0).normal(size=(7, 3))


def test_without_torch_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "chainrule.exchange.pytorch.modules", raising=False)
    monkeypatch.delattr("chainrule.exchange.pytorch.modules", raising=False)
    for call in (lambda: cr.to_torch(Network([2, 1])), lambda: cr.from_torch(None)):
        with pytest.raises(SettingError, match=r"^this needs PyTorch, which is not installed: pip install torch$"):
            call()


def run(module, X, dtype="float64"):
    with torch.no_grad():
        return module(torch.from_numpy(X.astype(dtype))).numpy()


@needs_torch
def test_every_network_has_the_same_outputs_and_comes_back_bit_by_bit():
    for problem in covering_problems():
        case = next(cases(problem))
        net = Network.from_parts(case.architecture, case.theta)
        module = cr.to_torch(net)
        np.testing.assert_allclose(run(module, case.X), net.predict(case.X), rtol=1e-11, atol=1e-14)
        again = cr.from_torch(module, cost=[block.cost for block in case.architecture.blocks])
        assert again.architecture.describe() == case.architecture.describe(), str(problem)
        assert again.theta.tobytes() == net.theta.tobytes()


@needs_torch
@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
def test_activations_agree_far_from_0_too(sigma):
    net = Network([1, 1], output=sigma, initializer=([[[1]]], [[0]]), dtype="float64")
    Z = np.array([[-700.0], [-50.0], [-20.5], [0.0], [19.5], [20.5], [50.0], [300.0]])
    np.testing.assert_allclose(run(cr.to_torch(net), Z), net.predict(Z), rtol=1e-13, atol=1e-15)


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_is_kept_and_the_weights_are_its_own(dtype):
    net = Network([3, 4, 2], "tanh", "softmax", "cross_entropy", dtype=dtype)
    before, module = net.theta.copy(), cr.to_torch(net)
    assert [type(part) for part in module] == [nn.Linear, nn.Tanh, nn.Linear, nn.Softmax]
    assert module[0].weight.numpy(force=True).T.tobytes() == net.W[0].tobytes()
    assert {part.dtype for part in module.parameters()} == {getattr(torch, dtype)}
    assert all(part.requires_grad and part.is_leaf for part in module.parameters())
    assert cr.from_torch(module).dtype == dtype
    with torch.no_grad():
        for part in module.parameters():
            part.zero_()
    assert net.theta.tobytes() == before.tobytes()


@needs_torch
def test_logits_are_what_the_losses_of_torch_ask_for():
    net = Network([3, 4, 2], "relu", "softmax", "cross_entropy", dtype="float64")
    T = np.array([0, 1, 1, 0, 1, 0, 0])
    module = cr.to_torch(net, logits=True)
    loss = nn.CrossEntropyLoss()(module(torch.from_numpy(X)), torch.from_numpy(T))
    assert loss.item() == pytest.approx(net.cost(X, T), rel=1e-12)
    loss.backward()
    g = np.concatenate([p.grad.numpy().T.ravel() for p in module.parameters()])
    np.testing.assert_allclose(g, net.gradient(X, T), rtol=1e-10, atol=1e-14)
    again = cr.from_torch(module, output="softmax")
    assert (repr(again), again.theta.tobytes()) == (repr(net), net.theta.tobytes())


@needs_torch
def test_a_module_as_people_write_it():
    inner = type("Inner", (nn.Sequential,), {})(
        nn.Linear(3, 4, bias=False), nn.LeakyReLU(0.2, inplace=True), nn.Dropout(0.3)
    )
    module = nn.Sequential(nn.Flatten(), inner, nn.Linear(4, 2), nn.LogSoftmax(dim=1)).eval()
    with pytest.warns(UserWarning, match="layer") as said:
        net = cr.from_torch(module)
    words = ["layer 2 has no biases", "dropout 0.3 at layer 2", "the last layer is LogSoftmax"]
    assert [str(one.message)[: len(text)] for one, text in zip(said, words, strict=True)] == words
    assert net.architecture.describe() == "3 inputs → 4 leaky_relu(slope=0.2) → 2 softmax (cross_entropy)"
    np.testing.assert_allclose(net.predict(X), np.exp(run(module, X, "float32")), rtol=1e-5)


@needs_torch
def test_one_layer_alone_and_half_precision():
    layer = nn.Linear(3, 2).to(torch.bfloat16)
    net = cr.from_torch(layer)
    assert (net.dtype, net.sizes) == (np.float32, (3, 2))
    np.testing.assert_array_equal(net.W[0], layer.weight.detach().float().numpy().T)


@needs_torch
def test_it_goes_through_torchs_own_files(tmp_path):
    net = Network([3, 4], output=[("softmax", 2), ("exp", 2)], cost=["cross_entropy", "poisson"])
    torch.save(cr.to_torch(net).state_dict(), tmp_path / "weights.pt")
    other = cr.to_torch(Network([3, 4], output=[("softmax", 2), ("exp", 2)], cost=["cross_entropy", "poisson"], seed=9))
    other.load_state_dict(torch.load(tmp_path / "weights.pt"))
    assert cr.from_torch(other).theta.tobytes() == net.theta.tobytes()


@needs_torch
def test_making_a_module_leaves_torchs_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(4).tolist()
    torch.manual_seed(3)
    cr.to_torch(Network([3, 4]))
    assert torch.rand(4).tolist() == expected


def changed(change):
    """A module of three layers, after a change."""
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    change(module)
    return module


def hooked_block():
    module = cr.to_torch(Network([3, 4], output=[("sigmoid", 2), ("exp", 2)], cost="quadratic"))
    module[-1].activations[0].register_forward_hook(lambda *_: None)
    return module


@needs_torch
@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated", "ignore:.*spectral_norm.*is deprecated")
def test_what_removes_hooks_makes_modules_that_are_taken():
    modules = [
        changed(lambda m: prune.remove(prune.l1_unstructured(m[0], "weight", 0.5), "weight")),
        changed(lambda m: nn.utils.remove_spectral_norm(nn.utils.spectral_norm(m[0]))),
        changed(lambda m: nn.utils.remove_weight_norm(nn.utils.weight_norm(m[0]))),
        changed(lambda m: m[0].register_forward_hook(lambda *_: None).remove()),
        changed(lambda m: m[0].register_full_backward_hook(lambda *_: None)),
    ]
    for module in modules:
        np.testing.assert_allclose(
            cr.from_torch(module).predict(X), run(module.eval(), X, "float32"), rtol=1e-4, atol=1e-6
        )


@needs_torch
def test_hooks_on_every_module_are_refused():
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        with pytest.raises(ArchitectureError, match=r"^torch has hooks on every module, [^\n]*$"):
            cr.from_torch(nn.Linear(3, 2))
    finally:
        handle.remove()
    assert cr.from_torch(nn.Linear(3, 2)).sizes == (3, 2)


@needs_torch
def test_shared_weights_are_taken_apart_and_said():
    layer = nn.Linear(3, 3)
    module = nn.Sequential(layer, nn.Tanh(), layer)
    with pytest.warns(UserWarning, match="^some Linear layers share their weights; here each has its own"):
        net = cr.from_torch(module)
    np.testing.assert_allclose(net.predict(X), run(module, X, "float32"), rtol=1e-5, atol=1e-6)


FOLDED = {
    "before an activation": lambda: [nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)],
    "after an activation": lambda: [
        *(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4, eps=0.1), nn.Dropout(0.3), nn.Linear(4, 2, bias=False)),
        nn.Softmax(1),
    ],
    "first and last": lambda: [
        nn.BatchNorm1d(3, affine=False),
        nn.Linear(3, 4),
        nn.ELU(),
        nn.Linear(4, 2),
        nn.BatchNorm1d(2),
    ],
    "several": lambda: [
        nn.BatchNorm1d(3),
        nn.BatchNorm1d(3),
        nn.Linear(3, 4),
        nn.Dropout(),
        nn.BatchNorm1d(4),
        nn.BatchNorm1d(4),
    ],
}


@needs_torch
@pytest.mark.filterwarnings("ignore:dropout 0")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FOLDED)
def test_batch_normalisation_is_folded_as_in_eval_mode(name, dtype):
    torch.manual_seed(1)
    module = nn.Sequential(*FOLDED[name]()).to(getattr(torch, dtype))
    for _ in range(3):  # so that means and variances run
        module(torch.from_numpy(3 * X.astype(dtype) + 1))
    for part in module.parameters():
        nn.init.normal_(part)
    with pytest.warns(UserWarning, match="^BatchNorm1d is folded into the weights of layer"):
        net = cr.from_torch(module)
    assert net.dtype == dtype
    rtol = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(net.predict(X.astype(dtype)), run(module.eval(), X, dtype), rtol=rtol, atol=rtol)


REFUSED = {  # made only where torch is there
    "a module of your own": (lambda: nn.Sequential(type("Mine", (nn.Module,), {})()), "Mine has no counterpart here"),
    "a layer that is not ours": (lambda: nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)), "LayerNorm has no"),
    "a batch normalisation without means": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)),
        "BatchNorm1d has no running mean and variance",
    ),
    "a batch normalisation at the end": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.BatchNorm1d(2)),
        "BatchNorm1d at layer 2 cannot be folded into weights, because no Linear layer follows it",
    ),
    "a batch normalisation of another width": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(4)),
        "BatchNorm1d has 4 columns, but layer 2 has 2 neurons",
    ),
    "an activation that is not ours": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Hardshrink()), "Hardshrink has no"),
    "another hardtanh": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Hardtanh(-2, 2)), "min_val -2, but here it is -1"),
    "a prelu of two slopes": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.PReLU(2)),
        "num_parameters 2, but here it is 1",
    ),
    "tanh's gelu": (lambda: nn.Sequential(nn.Linear(3, 2), nn.GELU("tanh")), "approximate 'tanh', but here"),
    "another softplus": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Softplus(beta=2)), "beta 2"),
    "a logarithm over rows": (lambda: nn.Sequential(nn.Linear(3, 2), nn.LogSoftmax(0)), "dim 0, but here it is 1"),
    "a softmax over rows": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Softmax(0)), "dim 0, but here it is 1"),
    "a logarithm within": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.LogSoftmax(1), nn.Linear(2, 2)),
        "LogSoftmax has no",
    ),
    "a forward of its own": (
        lambda: type("Twice", (nn.Sequential,), {"forward": lambda self, x: 2 * x})(nn.Linear(3, 2)),
        "Twice has no",
    ),
    "a call of its own": (
        lambda: type("Twice", (nn.Sequential,), {"__call__": lambda self, x: 2 * x})(nn.Linear(3, 2)),
        "Twice has no",
    ),
    "a forward of the object": (
        lambda: changed(lambda m: setattr(m[0], "forward", torch.relu)),
        "Linear has a hook or",
    ),
    "a forward hook": (lambda: changed(lambda m: m[0].register_forward_hook(lambda *_: None)), "Linear has a hook or"),
    "a hook of an activation": (
        lambda: changed(lambda m: m[1].register_forward_hook(lambda *_: None)),
        "Tanh has a hook or",
    ),
    "a hook before all of it": (
        lambda: changed(lambda m: m.register_forward_pre_hook(lambda *_: None)),
        "Sequential has a hook or",
    ),
    "a hook at the end": (
        lambda: changed(lambda m: m.append(nn.LogSoftmax(1))[-1].register_forward_hook(lambda *_: None)),
        "LogSoftmax has a hook or",
    ),
    "a hook within blocks": (hooked_block, "Sigmoid has a hook or"),
    "pruning": (lambda: changed(lambda m: prune.l1_unstructured(m[0], "weight", 0.5)), "Linear has a hook or"),
    "spectral norm": (lambda: changed(lambda m: nn.utils.spectral_norm(m[0])), "Linear has a hook or"),
    "weight norm": (lambda: changed(lambda m: nn.utils.weight_norm(m[0])), "Linear has a hook or"),
    "parametrized weight norm": (
        lambda: changed(lambda m: nn.utils.parametrizations.weight_norm(m[0])),
        "ParametrizedLinear computes its weight by a parametrization: call",
    ),
    "a flattened batch": (lambda: nn.Sequential(nn.Flatten(0), nn.Linear(3, 2)), "joins the rows"),
    "a softplus that is almost relu": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Softplus(threshold=1)), "threshold 1"),
    "another Linear": (lambda: type("Linear", (nn.Linear,), {})(3, 2), "exchange.test_pytorch.Linear has no"),
    "complex weights": (lambda: nn.Linear(3, 2, dtype=torch.complex64), "torch.complex64 weights, but they must be"),
    "weights without values": (lambda: nn.Linear(3, 2, device="meta"), "weights without values, but they must be"),
    "nothing": (lambda: nn.Sequential(*[]), "no Linear layer"),
    "no module": (lambda: "net.pt", "str has no counterpart"),
}


@needs_torch
@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated", "ignore:.*spectral_norm.*is deprecated")
@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_one_line(name):
    make, words = REFUSED[name]
    with pytest.raises(ChainruleError, match=rf"^[^\n]*{words}[^\n]*$") as caught:
        cr.from_torch(make())
    assert type(caught.value) is ArchitectureError


@needs_torch
def test_a_function_of_your_own_cannot_go_to_torch():
    with pytest.raises(ArchitectureError, match=r"^activation .* is your own NumPy function, .*$"):
        cr.to_torch(Network([2, 3, 1], lambda z: z / (1 + z * z)))
