"""Trainings in half precision: their bits by NumPy, on every kernel, on any threads, cut anywhere; what refuses it."""

import dataclasses
import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engines.conformance import Relay, bits, play, problem

import chainrule as cr
from chainrule.engines import ENGINES, choose, why_absent
from chainrule.engines.abi import Library
from chainrule.errors import EngineError, SettingError
from chainrule.optimizers import LBFGS, SGD, Adam, AdamW, Clip, Muon, RProp, ScheduleFree
from chainrule.optimizers.muon import COEFFICIENTS
from chainrule.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ("amx_bf16", "avx512_bf16")

if why_absent("native") is not None:
    pytest.skip("the native core is not built", allow_module_level=True)
KERNEL, WHY_NOT = ENGINES["native"]()._library.half
needs_bf16 = pytest.mark.skipif(KERNEL is None, reason=f"no half precision: {WHY_NOT}")


def rounded(x):
    """The nearest bfloat16, ties to even, as float32."""
    whole = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((whole + 0x7FFF + (whole >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def product(A, B):
    """A B in the order of native/half_kernels.h: of each block of 32, even products, odd products, then their sum."""
    A, B = rounded(A), rounded(B)
    C = np.zeros((len(A), B.shape[1]), np.float32)
    for begin in range(0, A.shape[1], 32):
        part = np.zeros((2, *C.shape), np.float32)
        for k in range(begin, min(begin + 32, A.shape[1])):
            part[k % 2] += A[:, k, None] * B[k]
        C += part[0] + part[1]
    return C


def in_blocks(delta):
    """The sum of the rows in float32, blocks of 512 in order."""
    sums = [np.add.accumulate(delta[k : k + 512], axis=0)[-1] for k in range(0, len(delta), 512)]
    return np.add.accumulate(sums, axis=0)[-1]


def gradients(net, X, T):
    """Of [W; b] of each layer of a network (relu, identity, quadratic), by BP1-BP4 in NumPy."""
    A = [X]
    for k, (W, b) in enumerate(zip(net.W, net.b, strict=True)):
        Z = product(A[-1], W) + b
        A.append(Z if k + 1 == len(net.W) else np.maximum(Z, 0))
    delta, parts = A[-1] - T, []
    m = np.float32(1 / len(X))
    for k in reversed(range(len(net.W))):
        parts.insert(0, np.vstack([product(A[k].T, delta) * m, in_blocks(delta) * m]))
        if k:
            delta = np.where(A[k] > 0, product(delta, net.W[k].T), np.float32(0))
    return parts


def fused(a, B, C):
    """a B + C, rounded once."""
    return (np.longdouble(np.float32(a)) * B + C).astype(np.float32)


def updated(net, X, T, rate):
    """theta after one update by SGD."""
    layers = zip(net.W, net.b, gradients(net, X, T), strict=True)
    return np.concatenate([fused(-rate, g, np.vstack([W, b])).ravel() for W, b, g in layers])


def length(X):
    """|X|: the squares of a row in 16 lanes, at most 64 in each, then half with half; rows in float64."""
    squares = np.pad(X * X, ((0, 0), (0, -X.shape[1] % 16))).reshape(len(X), -1, 16)
    lanes = np.add.accumulate(squares, axis=1)[:, -1]
    while lanes.shape[1] > 1:
        low, high = np.split(lanes, 2, axis=1)
        lanes = low + high
    return np.float32(np.sqrt(sum(lanes[:, 0].astype(np.float64))) + 1e-7)


def orthogonalized(M, iterations):
    """Newton-Schulz iterations of the smaller side: operands of products are rounded, all else is float32."""
    X = M if len(M) <= M.shape[1] else M.T
    X = X / np.abs(X).max()
    X = X / length(X)
    a, b, c = map(np.float32, COEFFICIENTS)
    for _ in range(iterations):
        S = product(X, X.T)
        X = fused(a, X, product(fused(c, product(S, S), b * S), X))
    return X if len(M) <= M.shape[1] else X.T


def started(net, n, threads=None, **settings):
    """A run of the core in half precision, and its theta; threads may be below 0 (see test_native.py)."""
    theta = net.theta.copy()
    chosen = TrainingSettings(precision="bf16", **settings).settled(n, net.sizes)
    object.__setattr__(chosen, "threads", threads)
    return ENGINES["native"]().start(net.architecture, theta, chosen, float(n)), theta


@needs_bf16
@pytest.mark.parametrize(
    ("sizes", "m"),
    [
        ([1, 1], 1),
        ([3, 2], 5),
        ([32, 16, 1], 32),
        ([33, 17, 31, 2], 33),
        ([70, 50, 40, 3], 63),
        ([600, 49, 100], 35),
        ([5, 97, 33, 130], 530),
    ],
)
def test_an_update_has_the_bits_of_the_equations_in_numpy(sizes, m):
    rng = np.random.default_rng(m)
    net = cr.Network(sizes, "relu", "identity", "quadratic", seed=m)
    for b in net.b:
        b[...] = rng.normal(size=b.shape) / 4
    X, T = (rng.normal(size=(m, n)).astype(np.float32) for n in (sizes[0], sizes[-1]))
    run, theta = started(net, m, batch_size=m, optimizer=SGD(0.5))
    run.steps(X, T, None, np.arange(m), np.array([0.5]), 0, 0)
    expected = updated(net, X, T, 0.5)
    assert theta.tobytes() == expected.tobytes()
    whole = ENGINES["native"]().gradient(net.architecture, net.theta, X, T, None, 1.0)
    assert (theta != (net.theta - np.float32(0.5) * whole)).any()  # products are in half precision


@needs_bf16
@pytest.mark.parametrize(
    "sizes", [[40, 70, 33, 3], [600, 49, 100, 2], [5, 17, 97, 32, 1], [3, 16, 16, 1, 40, 2]], ids=str
)
def test_an_update_by_muon_has_the_bits_of_its_iterations_in_numpy(sizes):
    rng = np.random.default_rng(len(sizes))
    net = cr.Network(sizes, "relu", "identity", "quadratic", seed=1)
    X, T = (rng.normal(size=(35, n)).astype(np.float32) for n in (sizes[0], sizes[-1]))
    rule = Muon(0.1, momentum=0.9, iterations=3)
    expected = []
    for W, g in list(zip(net.W, gradients(net, X, T), strict=True))[:-1]:
        direction = orthogonalized(fused(rule.momentum, g[:-1], g[:-1]), rule.iterations)
        stretch = np.float32(max(1, W.shape[1] / W.shape[0]) ** 0.5)
        expected.append(W - np.float32(rule.learning_rate) * (stretch * direction))
    for threads in (1, -3):
        run, theta = started(net, 35, batch_size=35, threads=threads, optimizer=rule)
        run.steps(X, T, None, np.arange(35), np.array([rule.learning_rate]), 0, 0)
        moved = net.architecture.views(theta)[0]
        assert [W.tobytes() for W in moved[:-1]] == [W.tobytes() for W in expected]


CASES: dict[str, dict[str, Any]] = {
    "relu": {"hidden": (40, 33), "activation": "relu"},
    "blocks": {"hidden": (17,), "activation": "softmax", "output": "blocks", "dropout": 0.4, "optimizer": Adam(0.01)},
    "norm": {"hidden": (50,), "clip": Clip(norm=0.05), "penalty": (0.5, 0.1), "masks": True},
    "example": {"hidden": (50,), "clip": Clip(example=0.1, value=0.01), "weight": "terms", "batch_size": 1},
    "decay": {"hidden": (97, 5), "activation": "tanh", "penalty": (0.5, 0.0), "optimizer": AdamW(0.01)},
    "averaged": {"hidden": (40, 33), "optimizer": ScheduleFree(0.1, warmup=3), "masks": True, "weight": "rows"},
    "matrices": {"hidden": (70, 150, 33), "optimizer": Muon(0.1), "activation": "tanh"},
    "masked matrices": {"hidden": (70, 150, 33), "optimizer": Muon(0.1), "activation": "tanh", "masks": True},
    "signs": {"hidden": (9,), "optimizer": RProp(0.01), "batch_size": 20, "rates": {"2": 0.25}},
    "no hidden layer": {"hidden": (), "optimizer": SGD(0.1, momentum=0.9)},
}


def half(threads=1, **case):
    """A problem in half precision, on a number of threads that may be below 0 (see test_native.py)."""
    p = problem(**case)
    settings = dataclasses.replace(p.settings, precision="bf16")
    object.__setattr__(settings, "threads", threads)
    return p._replace(settings=settings)


def played(p, **how):
    run, theta = p.start("native")
    return bits(play(run, p, **how), run.state, theta)


@needs_bf16
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_threads_and_cuts_change_no_bit(case):
    alone = played(half(**case))
    for threads in (-2, -3):
        assert played(half(threads, **case)) == alone
    p = half(**case)
    relay = Relay("native", p)
    assert bits(play(relay, p, cuts=lambda batches: range(1, batches, 2)), relay.state, relay.theta) == alone


@needs_bf16
def test_batches_of_several_shares_have_the_same_bits_on_any_threads():
    rng = np.random.default_rng(0)
    net = cr.Network([20, 70, 3], "tanh", "softmax", "cross_entropy", seed=1)
    X, T = rng.normal(size=(9000, 20)).astype(np.float32), rng.integers(0, 3, 9000).astype(np.int32)

    def trained(m, threads, clip):
        run, theta = started(net, len(X), batch_size=m, threads=threads, clip=clip, optimizer=Adam(0.01))
        order = np.arange(2 * m) % len(X)
        return bits(run.steps(X, T, None, order, np.full(2, 0.01), 0, 0), theta)

    for m, clip in itertools.product((130, 8200), (None, Clip(example=0.5), Clip(norm=0.1))):
        assert len({str(trained(m, threads, clip)) for threads in (1, -2, -3)}) == 1


@needs_bf16
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_near_float32(case):
    p = half(**case)
    costs = play(p.start("native")[0], p)
    whole = p._replace(settings=dataclasses.replace(p.settings, precision=None, threads=1))
    exact = play(whole.start("native")[0], whole)
    np.testing.assert_allclose(costs, exact, rtol=0.05, atol=0.02)
    assert (costs != exact).any()


SHOW = """
    import hashlib, numpy as np
    from chainrule.engines import ENGINES
    from tests.engines.test_half import CASES, half, played, started, cr, SGD
    print(ENGINES["native"]()._library.half[0], flush=True)
    for case in CASES.values():
        print(hashlib.sha256(repr(played(half(**case))).encode()).hexdigest())
    rng = np.random.default_rng(3)
    net = cr.Network([37, 65, 33, 5], "relu", "identity", "quadratic", seed=1)
    for exponent in range(0, -140, -10):  # products and sums below the smallest normal number, too
        X = np.ldexp(rng.normal(size=(50, 37)), rng.integers(exponent, exponent + 8, (50, 37))).astype(np.float32)
        T = np.ldexp(rng.normal(size=(50, 5)), exponent).astype(np.float32)
        net.theta[...] = np.ldexp(rng.normal(size=net.theta.shape), rng.integers(exponent // 2, 1, net.theta.shape))
        run, theta = started(net, 50, batch_size=50, optimizer=SGD(2.0**-exponent))
        print(exponent, run.steps(X, T, None, np.arange(50), np.array([2.0**-exponent]), 0, 0), theta.tobytes().hex())
"""


@needs_bf16
def test_every_kernel_of_this_machine_has_the_same_bits():
    def shown(kernel):
        environment = {**os.environ, "CHAINRULE_HALF": kernel, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        lines = [line[4:] for line in SHOW.splitlines()]
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(lines)],
            capture_output=True,
            text=True,
            env=environment,
            cwd=ROOT,
            check=False,
        )
        name, _, text = done.stdout.partition("\n")
        assert done.returncode == 0 or name != kernel, done.stderr  # a kernel that is there may not end the process
        return name, text

    shows = {kernel: shown(kernel) for kernel in KERNELS}
    there = {kernel: text for kernel, (name, text) in shows.items() if name == kernel}
    assert KERNEL in there, shows
    assert len({hashlib.sha256(text.encode()).hexdigest() for text in there.values()}) == 1
    if len(there) < 2:
        pytest.skip(f"only {KERNEL} is there")


@needs_bf16
def test_a_checkpoint_continues_with_the_bits_and_refuses_another_precision(tmp_path):
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(100, 20)), rng.normal(size=(100, 2))

    def training(precision, name=None):
        net = cr.Network([20, 40, 2], "relu", "identity", "quadratic", seed=0)
        checkpoint = name and cr.Checkpoint(tmp_path / name, every=0, resume=True)
        settings = {"batch_size": 16, "epochs": 4, "precision": precision, "dropout": 0.2}
        return net, cr.train(net, X, T, checkpoint=checkpoint, **settings)

    whole, events = training("bf16")
    list(events)
    _, begun = training("bf16", "c.safetensors")
    for _ in zip(range(9), begun, strict=False):
        pass
    begun.close()
    for other in (None, "tf32"):
        with pytest.raises((SettingError, EngineError), match="precision"):
            training(other, "c.safetensors")
    resumed, events = training("bf16", "c.safetensors")
    list(events)
    assert resumed.theta.tobytes() == whole.theta.tobytes()


@needs_bf16
def test_masked_weights_stay_0_and_frozen_layers_stay():
    rng = np.random.default_rng(0)
    masks = [rng.integers(0, 2, shape) for shape in ((30, 80), (80, 40), (40, 3))]
    net = cr.Network([30, 80, 40, 3], "tanh", "identity", "quadratic", masks=masks, seed=0)
    before = net.copy()
    X, T = rng.normal(size=(90, 30)), rng.normal(size=(90, 3))
    cr.fit(net, X, T, precision="bf16", batch_size=40, epochs=3, rates={"3": 0.0}, engine="native")
    assert all(not W[mask == 0].any() for W, mask in zip(net.W, masks, strict=True))
    assert (net.W[1] == before.W[1]).all()
    assert (net.W[0] != before.W[0]).any()
    assert (net.W[2] != before.W[2]).any()


@needs_bf16
def test_the_first_layer_of_sparse_inputs_stays_float32():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    X = scipy_sparse.random_array((60, 500), density=0.02, rng=rng, dtype=np.float32, format="csr")
    T = rng.normal(size=(60, 2)).astype(np.float32)

    def trained(precision, rows, sizes):
        net = cr.Network(sizes, "relu", "identity", "quadratic", seed=0)
        cr.fit(net, rows, T, precision=precision, batch_size=20, epochs=2, engine="native")
        return net.theta

    assert (trained("bf16", X, [500, 2]) == trained(None, X, [500, 2])).all()
    deep = trained("bf16", X, [500, 40, 2])
    assert (deep != trained(None, X, [500, 40, 2])).any()
    np.testing.assert_allclose(deep, trained("bf16", X.toarray(), [500, 40, 2]), atol=5e-3)


@needs_bf16
def test_predictions_and_costs_stay_float32():
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(50, 20)), rng.normal(size=(50, 2))
    net = cr.Network([20, 40, 2], "relu", "identity", "quadratic", seed=0)
    history = cr.fit(net, X, T, precision="bf16", epochs=2, validation=(X, T), engine="native")
    assert history.validation[-1] == net.cost(X, T, engine="native")
    np.testing.assert_allclose(net.predict(X), net.predict(X, engine="reference"), rtol=1e-4, atol=1e-5)


@needs_bf16
def test_auto_takes_the_core_and_says_nothing():
    training = cr.train(cr.Network([2, 3, 1]), np.ones((4, 2)), np.ones((4, 1)), precision="bf16")
    assert (training.problem.engine.name, training.warnings) == ("native", [])


# --------------------------------------------------------------------------------------------- what refuses it


def test_a_network_in_float64_refuses_it_in_one_line():
    net = cr.Network([2, 1], dtype="float64")
    with pytest.raises(
        SettingError, match=r"^precision is 'bf16', which is for float32 networks, but this one has float64: [^\n]*$"
    ):
        cr.train(net, [[1, 1]], [[1]], precision="bf16")


def test_a_line_search_refuses_it_in_one_line():
    with pytest.raises(SettingError, match=r"^precision does not go with lbfgs, [^\n]*: leave it out$"):
        cr.train(cr.Network([2, 1]), [[1, 1]], [[1]], optimizer=LBFGS(), precision="bf16")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CHAINRULE_ISA": "v3"}, "bf16 needs the instruction set v4, but the core uses v3"),
        ({"CHAINRULE_HALF": "abacus"}, "CHAINRULE_HALF is not one of "),
    ],
)
@needs_bf16
def test_the_core_without_its_kernels_says_what_is_there(variables, words):
    code = "from chainrule.engines import ENGINES; print(ENGINES['native']()._library.half)"
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT / "src")}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert words in shown.stdout


def test_a_processor_without_the_instructions_refuses_it_in_one_line(monkeypatch):
    line = "bf16 needs AMX or AVX512_BF16, which this machine or build does not have (v3)"
    monkeypatch.setattr(Library, "half", property(lambda self: (None, line)))
    settings = TrainingSettings(precision="bf16")
    with pytest.raises(
        EngineError, match=rf"^engine native has no precision 'bf16': {re.escape(line)}: no other [^\n]*leave it out$"
    ):
        choose("native", cr.Network([2, 1]).architecture, settings)
    with pytest.raises(EngineError, match=rf"^no engine can compute this: [^\n]*{re.escape(line)}[^\n]*$"):
        choose("auto", cr.Network([2, 1]).architecture, settings)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_the_precision_of_gpus_is_refused(engine):
    with pytest.raises(EngineError, match=rf"^engine {engine} has no precision 'tf32': no other [^\n]*leave it out$"):
        choose(engine, cr.Network([2, 1]).architecture, TrainingSettings(precision="tf32"))


# --------------------------------------------------------------------------------------------- from above


@needs_bf16
def test_a_table_and_an_estimator_take_it_and_the_model_says_so(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    table = {**{f"x{k}": X[:, k] for k in range(3)}, "y": X @ [1.0, 2.0, -1.0]}
    model = cr.train_table(table, "y", hidden=[20], epochs=2, precision="bf16", time=None)
    model.save(tmp_path / "m.safetensors")
    assert cr.load(tmp_path / "m.safetensors").summary["precision"] == "bf16"
    losses = {}
    for precision in (None, "bf16"):
        regressor = cr.MLPRegressor(hidden_layer_sizes=[20], dtype="float32", random_state=0, precision=precision)
        losses[precision] = regressor.partial_fit(X, table["y"]).partial_fit(X, table["y"]).loss_
    assert losses["bf16"] != losses[None]
    assert losses["bf16"] == pytest.approx(losses[None], rel=0.01)
