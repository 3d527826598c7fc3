"""What the native engine keeps beyond the conformance suite: bits, threads, borders of tiles, the clock, forks."""

import dataclasses
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.architecture import Architecture
from chainrule.engines import ENGINES, choose, passed_over, why_absent
from chainrule.errors import EngineError, SettingError
from chainrule.network import Network
from chainrule.optimizers import LBFGS, SGD, Adam, Clip, Muon, Optimizer, ScheduleFree
from chainrule.settings import TrainingSettings

from .conformance import Integers, bits, play, problem
from .test_reference import uncut

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

WIDTHS = [1, 2, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 96, 97, 113]  # around tiles, vectors and panels


def native():
    return ENGINES["native"]()


def program(text, **environment):
    """The standard output of a program in a process of its own."""
    found = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], check=False, capture_output=True, text=True, env=found
    )
    assert done.returncode == 0, done.stderr[-1500:]
    return done.stdout


# --- exact numbers ---------------------------------------------------------------------------------------------------


def check_integers(sizes, m, dtype):
    """A^L, C and dC/dtheta of a network of small integers, compared with == (2^k rows keep the mean exact)."""
    numbers = Integers(sizes, m)
    W, b, X, T = numbers.draw()
    A, twice_cost, g = numbers.by_hand()
    net = Network(sizes, "relu", "identity", initializer=(W, b), dtype=dtype)
    X, T = X.astype(dtype), T.astype(dtype)
    assert np.array_equal(net.predict(X, engine="native"), A)
    assert net.cost(X, T, engine="native") == twice_cost / (2 * m)
    assert np.array_equal(net.gradient(X, T, engine="native") * m, g)


@dtypes
@pytest.mark.parametrize("n", WIDTHS)
def test_small_integers_are_exact_for_every_width_around_a_tile(n, dtype):
    for sizes in ((n, 3), (3, n), (5, n, 4), (n, n)):
        check_integers(sizes, 4, dtype)


@dtypes
@pytest.mark.parametrize("m", [1, 2, 4, 8, 16, 32, 64, 128, 2048])
def test_small_integers_are_exact_for_every_number_of_rows(m, dtype):
    check_integers((9, 17, 5), m, dtype)


@dtypes
@pytest.mark.parametrize("K", [511, 512, 513, 1025])
def test_sums_longer_than_a_block_are_exact_too(K, dtype):
    check_integers((K, 5), 2, dtype)
    check_integers((3, K, 2), 1, dtype)


@dtypes
@pytest.mark.parametrize("sizes", [(97, 33, 2), (400, 390, 2)], ids=str)
def test_packed_errors_and_weights_beyond_a_cache_are_exact_too(sizes, dtype):
    check_integers(sizes, 128, dtype)


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_lengths_of_gradients_neither_overflow_nor_vanish(size):
    net = Network([3, 4, 2], "tanh", "identity", initializer=np.zeros(26, "float32"))
    X, T = np.ones((2, 3), "float32"), np.full((2, 2), size, "float32")
    found, expected = (net.example_gradients(X, T, engine=engine).norms() for engine in ("native", "reference"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_dropout_of_a_batch_in_chunks_is_that_of_the_reference():
    rng = np.random.default_rng(2)
    net = Network([3, 5, 2], "tanh", "identity", dtype="float64")
    X, T = rng.normal(size=(9000, 3)), rng.normal(size=(9000, 2))
    settings = TrainingSettings(optimizer=SGD(1.0), batch_size=9000, dropout=(0.5,), seed=3)
    found = []
    for engine in ("native", "reference"):
        theta = net.theta.copy()
        run = ENGINES[engine]().start(net.architecture, theta, settings, 9000.0)
        run.steps(X, T, None, np.arange(9000), np.ones(1), 0, 0)
        found.append(theta)
    np.testing.assert_allclose(*found, rtol=1e-12)


# --- the same bits ---------------------------------------------------------------------------------------------------


@dtypes
@pytest.mark.parametrize("sizes", [(511, 33, 5), (512, 16, 1), (513, 7), (1100, 5), (3, 600, 2)], ids=str)
def test_a_row_alone_is_the_row_in_any_batch_however_long_its_sums(sizes, dtype):
    net = Network(sizes, "tanh", "softmax" if sizes[-1] > 1 else "sigmoid", "quadratic", dtype=dtype)
    X = np.random.default_rng(0).normal(size=(70, sizes[0])).astype(dtype)
    alone = np.concatenate([net.predict(row[None], engine="native") for row in X])
    sevens = np.concatenate([net.predict(X[k : k + 7], engine="native") for k in range(0, 70, 7)])
    assert bits(sevens) == bits(alone)
    assert [n for n in range(1, 71) if bits(net.predict(X[:n], engine="native")) != bits(alone[:n])] == []


@dtypes
@pytest.mark.parametrize("sizes", [(3000, 100, 2), (8, 100, 1500)], ids=str)
def test_products_cut_into_blocks_have_the_bits_of_whole_ones(sizes, dtype):
    rng = np.random.default_rng(1)
    net = Network(sizes, "tanh", "identity", dtype=dtype)
    X, T = (rng.normal(size=(400, n)).astype(dtype) for n in (sizes[0], sizes[-1]))
    whole = net.backprop(X, T, engine="native")  # 400 rows are more than a cache, 40 are not
    for rows in (slice(k, k + 40) for k in range(0, 400, 40)):
        part = net.backprop(X[rows], T[rows], engine="native")
        assert bits(*part.Z, *part.delta) == bits(*(a[rows] for a in (*whole.Z, *whole.delta)))


def test_a_cost_has_the_same_bits_however_many_rows_are_computed_together(monkeypatch):
    def cost():
        return Network([3, 5, 7], output="softmax", seed=0).cost(X, T, engine="native")

    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(2500, 3)), rng.integers(0, 7, 2500)
    together = cost()
    monkeypatch.setattr("chainrule.engines.native.MOST_AT_ONCE", 1)  # 64 rows
    assert cost() == together


THREADS = [1, -1, -2, -3, -8]  # below 0: so many for all work, however little


def on_threads(settings, threads):
    """The settings with a number of threads that may be below 0, which only the core takes."""
    forced = dataclasses.replace(settings)
    object.__setattr__(forced, "threads", threads)
    return forced


@dtypes
@pytest.mark.parametrize(
    "case",
    [
        {"hidden": (40, 33), "activation": "relu"},
        {"hidden": (17,), "activation": "softmax", "output": "blocks", "dropout": 0.4, "optimizer": Adam(0.01)},
        {"hidden": (50,), "clip": Clip(norm=0.05), "penalty": (0.5, 0.1), "masks": True},
        {"hidden": (50,), "clip": Clip(example=0.1, value=0.01), "weight": "terms", "batch_size": 1},
        {"hidden": (40, 33), "optimizer": ScheduleFree(0.1, warmup=3), "masks": True},
        {"hidden": (70, 150, 33), "optimizer": Muon(0.1), "activation": "tanh"},
        {"hidden": (40, 33), "optimizer": Muon(0.1), "clip": Clip(norm=0.05), "masks": True, "dropout": 0.4},
    ],
    ids=["relu", "blocks", "norm", "example", "averaged", "matrices", "masked matrices"],
)
def test_threads_change_no_bit_of_training(case, dtype):
    p = problem(dtype=dtype, **case)
    found = [uncut("native", p._replace(settings=on_threads(p.settings, t))) for t in THREADS]
    assert all(f == found[0] for f in found)


@dtypes
def test_threads_change_no_bit_of_batches_in_chunks(dtype):
    rng = np.random.default_rng(1)
    net = Network([6, 20, 3], "tanh", "softmax", "cross_entropy", dtype=dtype)
    X, T = rng.normal(size=(20_000, 6)).astype(dtype), rng.integers(0, 3, 20_000).astype(np.int32)
    found = []
    for threads in THREADS:
        theta = net.theta.copy()
        settings = on_threads(TrainingSettings(optimizer=SGD(0.1), batch_size=20_000), threads)
        run = native().start(net.architecture, theta, settings, 20_000.0)
        found.append(bits(run.steps(X, T, None, np.arange(20_000), np.full(1, 0.1), 0, 0), theta))
    assert all(f == found[0] for f in found)
    expected = net.theta - 0.1 * net.gradient(X, T, engine="reference")
    np.testing.assert_allclose(theta, expected, rtol=1e-5 if dtype == "float32" else 1e-12)


BITS = """
    import hashlib, json, os
    import numpy as np
    from chainrule.engines import ENGINES
    from chainrule.network import Network
    import chainrule as cr
    found = {"instructions": ENGINES["native"]().instructions}
    for dtype in ("float32", "float64"):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 37)).astype(dtype)
        T = rng.integers(0, 5, 300)
        net = Network([37, 65, 18, 5], ["tanh", "gelu"], "softmax", "cross_entropy", dtype=dtype)
        alone = np.concatenate([net.predict(x[None], engine="native") for x in X])
        assert alone.tobytes() == net.predict(X, engine="native").tobytes()
        exact = net.copy() if dtype == "float64" else Network.from_parts(net.architecture, net.theta.astype("float64"))
        small = 1e-5 if dtype == "float32" else 1e-13
        g, e = net.gradient(X, T, engine="native"), exact.gradient(X.astype("float64"), T, engine="reference")
        assert np.abs(g - e).max() < small * np.abs(e).max()
        cr.fit(net, X, T, epochs=3, dropout=0.2, engine="native")
        found[dtype] = hashlib.sha256(net.theta.tobytes()).hexdigest()
    print(json.dumps(found))
"""


@pytest.mark.parametrize("isa", ["v4", "v3", "v2", "portable"])
def test_every_instruction_set_that_this_machine_runs_keeps_its_bits(isa):
    import ctypes

    names = ctypes.create_string_buffer(64)
    native()._library.function("runnable")(names, 64)
    if isa not in names.value.decode().split(", "):
        pytest.skip(f"{isa} is not in this build, or this machine does not run it")
    found = [json.loads(program(BITS, CHAINRULE_ISA=isa, CHAINRULE_THREADS=t)) for t in ("1", "2", "3")]
    assert found[0]["instructions"] == isa
    assert found == [found[0]] * 3


def test_an_instruction_set_that_there_is_none_of_is_said_and_the_reference_computes():
    text = """
        import chainrule as cr
        from chainrule.errors import EngineError
        net = cr.Network([2, 1])
        print(next(iter(cr.train(net, [[0, 1]], [[1]]))).notes[0])
        try:
            net.predict([[0, 1]], engine="native")
        except EngineError as error:
            print(error)
    """
    first, second = program(text, CHAINRULE_ISA="v9").splitlines()
    assert first.startswith("there is no instruction set v9 on this machine: choose from ")
    assert first.endswith("so the reference engine computes")
    assert second.startswith("there is no instruction set v9")


# --- one run, many threads -------------------------------------------------------------------------------------------


def long_run(threads=None):
    """A run of which a call takes its half second."""
    net = Network([100, 200, 10], "relu", "softmax", "cross_entropy")
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(5000, 100)).astype(np.float32), rng.integers(0, 10, 5000).astype(np.int32)
    settings = TrainingSettings(optimizer=Adam(), batch_size=5000, threads=threads)
    run = native().start(net.architecture, net.theta, settings, 5000.0)
    many = 4000
    return run, (X, T, None, np.tile(np.arange(5000), many), np.full(many, 1e-3), 0, 0)


@pytest.mark.parametrize("threads", [None, 1])
def test_a_call_returns_after_half_a_second_and_lets_other_threads_work_meanwhile(threads):
    run, call = long_run(threads)
    run.steps(*call[:3], call[3][:5000], call[4][:1], 0, 0)
    counted, over = [0], threading.Event()

    def count():
        while not over.is_set():
            counted[0] += 1
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    began = time.monotonic()
    made = len(run.steps(*call))
    took = time.monotonic() - began
    over.set()
    other.join()
    assert 1 <= made < 4000
    assert 0.4 < took < 2
    assert counted[0] > 50


def intruded():
    """The costs of a call, and the refusals of another thread that used the run meanwhile."""
    run, call = long_run()
    refused = []

    def intrude():
        time.sleep(0.1)
        for attempt in (lambda: run.steps(*call), lambda: run.state):
            try:
                attempt()
            except EngineError as error:
                refused.append(str(error))

    other = threading.Thread(target=intrude)
    other.start()
    made = run.steps(*call)
    other.join()
    return made, refused


def test_one_run_in_two_threads_is_refused_and_changes_no_bit():
    deadline = time.monotonic() + 60
    made, refused = intruded()
    while len(refused) < 2:  # on a busy machine the call may be over before the other thread comes
        assert time.monotonic() < deadline, "the run took no notice of the other thread"
        made, refused = intruded()
    assert all("in use by another thread" in text for text in refused)
    again, call = long_run()
    repeated = again.steps(*call)
    both = min(len(made), len(repeated))
    assert both
    assert repeated[:both].tobytes() == made[:both].tobytes()


def test_two_trainings_at_once_have_the_bits_of_one():
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(400, 64)).astype(np.float32), rng.integers(0, 10, 400)
    nets = [Network([64, 128, 10], "relu", "softmax", "cross_entropy") for _ in range(3)]
    kinds = {"batch_size": 200, "epochs": 30, "engine": "native"}
    cr.fit(nets[0], X, T, **kinds)
    threads = [threading.Thread(target=cr.fit, args=(net, X, T), kwargs=kinds) for net in nets[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bits(nets[1].theta) == bits(nets[0].theta) == bits(nets[2].theta)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_forked_beside_the_pool_computes_the_same():
    text = """
        import os
        import numpy as np
        import chainrule as cr
        net = cr.Network([64, 256, 10], "relu", "softmax", "cross_entropy")
        rng = np.random.default_rng(0)
        X, T = rng.normal(size=(400, 64)).astype(np.float32), rng.integers(0, 10, 400)
        settings = {"batch_size": 400, "epochs": 20, "engine": "native", "threads": 2}
        cr.fit(net.copy(), X, T, **settings)  # the pool lives from here on
        predict, child = net.predictor(engine="native"), os.fork()
        ours = net.copy()
        cr.fit(ours, X, T, **settings)
        answer = ours.theta.tobytes() + predict(X[0]).tobytes()
        if child == 0:
            os.write(1, answer)
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, answer)
    """
    found = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, env=found, check=True, timeout=60
    )
    half = len(done.stdout) // 2
    assert half > 0
    assert done.stdout[:half] == done.stdout[half:]


GROWTH = """
    import resource
    import numpy as np
    import chainrule as cr
    X, T = np.zeros((4, 2), np.float32), np.ones((4, 1), np.float32)
    def fits(count):
        for _ in range(count):
            net = cr.Network([2, 3, 1])
            cr.fit(net, X, T, epochs=1, engine="native")
            net.predict(X), net.cost(X, T), net.gradient(X, T), net.predictor()(X[0])
    def memory():
        return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
    fits(COUNT // 2)  # until the allocator has what it keeps
    before = memory()
    fits(COUNT // 2)
    print(memory() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc on this system")
@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.full)])
def test_memory_does_not_grow_from_fit_to_fit(count):
    assert int(program(GROWTH.replace("COUNT", str(count)))) < 2**20


# --- what it lacks ---------------------------------------------------------------------------------------------------


class Own(SGD):
    """A rule of somebody's own."""


def test_what_the_core_lacks_runs_on_the_reference_and_is_said_once():
    X, T = [[0.0], [1.0]], [[0.0], [1.0]]
    own = Network([1, 2, 1], lambda z: z / (1 + z * z))
    started = next(iter(cr.train(own, X, T)))
    assert (started.engine, started.notes) == (
        "reference",
        ("engine native has no activation 'custom', so the reference engine computes",),
    )
    assert next(iter(cr.train(Network([1, 1]), X, T))).notes == ()
    assert next(iter(cr.train(own, X, T, engine="reference"))).notes == ()
    with pytest.raises(EngineError, match="engine native has no activation 'custom'"):
        own.predict(X, engine="native")
    cost = Network([1, 1], "sigmoid", "identity", lambda A, T: (A - T) ** 4)
    assert choose("auto", cost.architecture).name == "reference"
    settings = TrainingSettings(optimizer=Own(), batch_size=1)
    assert passed_over(Network([1, 1]).architecture, settings) == [
        "engine native has no optimizer 'sgd', so the reference engine computes"
    ]
    assert choose("native", Network([1, 1]).architecture, TrainingSettings(optimizer=LBFGS())).name == "native"


def test_every_entry_of_the_registries_is_in_the_core():
    from chainrule.activations import ACTIVATIONS
    from chainrule.costs import COSTS
    from chainrule.engines import abi
    from chainrule.optimizers import OPTIMIZERS

    names = {abi.ACTIVATIONS: ACTIVATIONS.names(), abi.COSTS: COSTS.names(), abi.RULES: OPTIMIZERS.names()}
    has = native()._library.has
    lacks = {(what, n) for what, all_ in names.items() for n in all_ if not has(what, n)}
    assert lacks == {(abi.RULES, "lbfgs")}  # which has its own driver
    assert issubclass(Own, Optimizer)


def test_arrays_changed_in_place_or_exchanged_are_seen():
    p = problem(batch_size=20, optimizer=SGD(0.1))
    run, _ = p.start("native")
    X = p.data.X.copy()
    order, rate = np.arange(20), np.array([0.1])
    first = run.steps(X, *p.data[1:3], order, rate, 0, 0)
    X[...] += 1
    other, _ = p.start("native")
    other.state = run.state
    assert bits(run.steps(X, *p.data[1:3], order, rate, 0, 0)) == bits(
        other.steps(X.copy(), *p.data[1:3], order, rate, 0, 0)
    )
    assert first.shape == (1,)
    with pytest.raises(EngineError, match="give as many"):
        run.steps(X[:5], *p.data[1:3], order, rate, 0, 0)
    for wrong in (X.astype(np.float16), X.astype(np.int64), X.astype(">f4")):
        with pytest.raises(EngineError, match="dtype"):
            run.steps(wrong, *p.data[1:3], order, rate, 0, 0)
    play(run, p)


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), ScheduleFree(0.1)], ids=["momentum", "schedule_free"])
def test_weights_and_slots_changed_between_two_calls_are_seen(optimizer):
    """A run does not take weights that it has already: here every part of its state changes alone."""
    p = problem(batch_size=20, optimizer=optimizer)
    run, theta = p.start("native")
    call = (*p.data[:3], np.arange(20), np.array([0.1]), 0, 0)
    for change in ("nothing", "theta", "slots"):
        run.steps(*call)
        state = run.state
        if change == "theta":
            theta[3] += 1
        elif change == "slots":
            run.state = dataclasses.replace(state, slots=state.slots / 2)
        other, moved = p.start("native")
        other.state = run.state
        run.steps(*call)
        other.steps(*call)
        assert bits(theta, run.state.slots) == bits(moved, other.state.slots)


def test_an_order_that_is_no_whole_numbers_is_refused():
    p = problem()
    run, _ = p.start("native")
    with pytest.raises(EngineError, match="whole numbers"):
        run.steps(*p.data[:3], np.arange(7.0), np.array([0.1]), 0, 0)


def test_a_checkpoint_names_the_instructions_and_another_engine_is_said(tmp_path):
    X, T = np.random.default_rng(0).normal(size=(30, 2)), np.ones((30, 1))
    cr.fit(Network([2, 3, 1]), X, T, epochs=2, engine="native", checkpoint=tmp_path / "run")
    going_on = cr.Checkpoint(tmp_path / "run", resume=True)
    started = next(iter(cr.train(Network([2, 3, 1]), X, T, epochs=3, engine="reference", checkpoint=going_on)))
    note = started.notes[-1]
    assert "engine is reference, was native" in note
    assert f"was {native().instructions}" in note
    assert "last bits may differ" in note


def test_padding_counts_the_products_of_whole_vectors():
    engine, float32 = ENGINES["native"](), np.dtype("float32")
    lanes = {"v4": 16, "v3": 8}.get(engine.instructions, 4)
    even = Architecture.of([lanes, 2 * lanes, lanes])
    biases = 2 * (lanes + 1) * 2 * lanes + 2 * (2 * lanes + 1) * lanes + 2 * lanes * lanes
    assert engine.padding(even, float32) == pytest.approx(biases / (5 * 2 * lanes * lanes))
    assert engine.padding(Architecture.of([1, 1]), float32) == 2 * 2 * lanes / 2


def test_dropout_for_another_number_of_layers_is_refused():
    p = problem(hidden=(1, 9))
    with pytest.raises(SettingError, match="1 dropout probabilities came for 2 hidden layers"):
        native().start(p.architecture, p.theta, dataclasses.replace(p.settings, dropout=(0.5,)), p.divisor)
