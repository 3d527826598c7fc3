"""The XLA engine: one compiled program for a run, the numbers of the reference, the same bits however it is cut.

Compiling takes most of the time here, so an ordinary run has a few cases; the tests of all engines run for this one
under `-m full` (tests/conftest.py).
"""

import dataclasses
import importlib.metadata
import importlib.util
import subprocess
import sys
import types

import numpy as np
import pytest

import chainrule as cr
from chainrule.architecture import Architecture
from chainrule.engines import ENGINES, choose, passed_over, xla
from chainrule.errors import EngineError, SettingError
from chainrule.optimizers import Adam, Clip, NAdam, RProp
from chainrule.random import dropout_factors
from chainrule.settings import TrainingSettings

from .conformance import Relay, bits, check_gradient, error_bound, play, problem

pytest.importorskip("jax")

CASES = {
    "all at once": {
        "dtype": "float64",
        "activation": "tanh",
        "output": "blocks",
        "targets": "classes",
        "optimizer": Adam(0.01),
        "weight": "terms",
        "penalty": (0.5, 0.1),
        "dropout": 0.4,
        "rates": {"2": 0.25},
        "clip": Clip(norm=0.05, value=0.02),
        "masks": True,
    },
    "rows that count differently": {
        "dtype": "float64",
        "hidden": (1, 9),
        "activation": "softmax",
        "output": "softmax",
        "optimizer": NAdam(0.01),
        "weight": "rows",
        "clip": Clip(example=0.1),
    },
    "all rows in float32": {"activation": "relu", "output": "sigmoid", "optimizer": RProp(0.01), "batch_size": 20},
}
cases = pytest.mark.parametrize("name", CASES)


def trained(p, engine, cuts=lambda batches: ()):
    run, theta = p.start(engine)
    return play(run, p, cuts), theta, run.state


# --- the right numbers, the same bits ------------------------------------------------------------------------------


@cases
def test_a_run_has_the_numbers_of_the_reference_and_the_same_bits_for_any_cut(name):
    from chainrule.engines.xla.program import traces

    p, before = problem(**CASES[name]), len(traces)
    whole = trained(p, "xla")
    exact = trained(p.in_float64(), "reference")
    close = 1e-14 if p.theta.dtype == np.float64 else 1e-5
    for found, expected in ((whole[0], exact[0]), (whole[1], exact[1]), (whole[2].slots, exact[2].slots)):
        np.testing.assert_allclose(found, expected, rtol=close, atol=close)
    for cuts in (range, lambda batches: p.rng.integers(0, batches, 2)):
        assert bits(*trained(p, "xla", cuts)) == bits(*whole)
    relay = Relay("xla", p)
    assert bits(play(relay, p, range), relay.theta, relay.state) == bits(*whole)
    assert len(traces) - before == 1


@pytest.mark.parametrize(
    "name", ["all at once", *(pytest.param(name, marks=pytest.mark.full) for name in [*CASES][1:])]
)
def test_predictions_costs_and_gradients_are_those_of_the_reference(name):
    p = problem(**CASES[name])
    exact, small = p.in_float64(), 100 * float(np.finfo(p.theta.dtype).eps)
    check_gradient(p.gradient("xla"), exact.gradient("reference"), error_bound(p))
    assert p.cost("xla") == pytest.approx(exact.cost("reference"), rel=small, abs=small)
    np.testing.assert_allclose(p.predict("xla"), exact.predict("reference"), rtol=small, atol=small)
    np.testing.assert_allclose(p.norms("xla"), exact.norms("reference"), rtol=small)


def test_rows_that_are_sent_piece_by_piece_have_the_bits_of_rows_on_the_device(monkeypatch):
    from chainrule.engines.xla import placement, run

    p = problem(**CASES["all at once"])
    whole = bits(*trained(p, "xla"))
    monkeypatch.setattr(placement, "CPU_BYTES", 100)
    monkeypatch.setattr(run, "PIECE_BYTES", 2 * 7 * 8 * (4 + 3 + 5))  # of two updates
    assert bits(*trained(p, "xla")) == whole


def test_a_run_follows_theta_when_its_owner_writes_into_it():
    p = problem(**CASES["all rows in float32"])
    run, theta = p.start("xla")
    play(run, p, epochs=[0])
    other, _ = p.start("xla")
    other.state = dataclasses.replace(run.state, theta=p.theta)
    theta[...] = p.theta
    assert bits(play(run, p, epochs=[1])) == bits(play(other, p, epochs=[1]))


def test_a_row_alone_is_the_row_in_any_batch_and_the_ledger_has_its_bits():
    net = cr.Network([33, 17, 5], "tanh", "softmax", "cross_entropy", seed=0)
    X = np.random.default_rng(0).normal(size=(300, 33)).astype(np.float32)
    T = np.arange(300) % 5
    whole = net.predict(X, engine="xla")
    for rows in (slice(0, 1), slice(7, 8), slice(3, 131), slice(299, 300)):
        assert bits(net.predict(X[rows], engine="xla")) == bits(whole[rows])
    ledger = net.backprop(X, T, engine="xla")
    assert bits(ledger.A[-1]) == bits(whole)
    assert bits(ledger.gradient) == bits(net.gradient(X, T, engine="xla"))


def test_the_words_of_dropout_are_drawn_by_place_in_the_batch():
    import jax

    from chainrule.engines.xla import dropout, machine

    with machine.computing():
        key = dropout.keys(2**40 + 7, 2, 5)[1]
        draw = jax.jit(lambda batch, first: dropout.factors(0.3, key, batch, first, (3, 6), np.dtype("float64")))
        drawn = draw(np.uint32(9), np.int32(4))
    np.testing.assert_array_equal(np.asarray(drawn), dropout_factors(0.3, 2**40 + 7, 3, 5, 9, (7, 6))[4:])


def test_it_sets_nothing_in_jax_that_others_see():
    import jax
    import jax.numpy as jnp

    problem().predict("xla")
    assert not jax.config.jax_enable_x64
    assert jax.config.jax_default_matmul_precision is None
    assert jnp.ones(1).dtype == jnp.float32


def test_what_xla_says_of_a_failure_is_an_error_of_one_line():
    import jax

    from chainrule.engines.xla import machine

    with pytest.raises(EngineError, match=r"^XLA failed: RESOURCE_EXHAUSTED: Out of memory$"), machine.computing():
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nof 12 buffers")


# --- devices -------------------------------------------------------------------------------------------------------

DEVICES = """
import hashlib, sys
import numpy as np
import chainrule as cr

rng = np.random.default_rng(0)
X = rng.normal(size=(59, 5))
T = np.sin(X[:, :1])
for rule in RULES:
    for dtype in DTYPES:
        words = []
        for devices in (1, 2, 4):
            net = cr.Network([5, 9, 7, 1], "tanh", "identity", dtype=dtype, seed=1)
            history = cr.fit(
                net, X, T, optimizer=rule, epochs=2, batch_size=8, engine="xla", devices=devices, shards=4,
                dropout=0.2, alpha=0.1, clip=cr.Clip(norm=0.5), seed=3, probe=False,
            )
            words.append(hashlib.sha256(net.theta.tobytes() + np.array(history.cost).tobytes()).hexdigest()[:12])
        print(rule.name, dtype, *words)
"""
ALL_RULES = (
    "[cr.SGD(0.1), cr.SGD(0.1, 0.9, nesterov=True), cr.RMSProp(0.01), cr.Adam(0.01), cr.AdamW(0.01), cr.AMSGrad(0.01), "
    "cr.NAdam(0.01), cr.Adagrad(0.01), cr.Lion(0.001), cr.Muon(0.01), cr.ScheduleFree(0.01, warmup=3)]"
)


@pytest.mark.parametrize(
    ("rules", "dtypes"),
    [("[cr.Adam(0.01)]", "['float32']"), pytest.param(ALL_RULES, "['float32', 'float64']", marks=pytest.mark.full)],
)
def test_the_bits_are_the_same_on_1_2_and_4_devices(rules, dtypes, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=4")
    monkeypatch.setenv("NPROC", "2")
    code = DEVICES.replace("RULES", rules).replace("DTYPES", dtypes)
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines
    assert [line for line in lines if len({*line.split()[2:]}) > 1] == []


def test_shards_are_summed_as_a_binary_tree_and_cut_the_places_of_a_batch():
    from chainrule.engines.xla.shards import pair_sum
    from chainrule.hosts.shards import batch_edges

    parts = np.array([1.0, 2.0**-53, -1.0, 2.0**-53, 2.0**-54])
    assert pair_sum(parts) == ((1.0 + 2.0**-53) + (-1.0 + 2.0**-53)) + 2.0**-54
    assert batch_edges(np.array([8, 5]), 4).tolist() == [[0, 2, 4, 6, 8], [0, 1, 2, 3, 5]]


def test_one_shard_has_the_bits_of_no_shards_and_several_its_numbers():
    p = problem(**CASES["all at once"])
    whole = trained(p, "xla")
    for shards in (1, 3):
        q = p._replace(settings=dataclasses.replace(p.settings, shards=shards))
        parts = trained(q, "xla")
        np.testing.assert_allclose(parts[1], whole[1], rtol=1e-13, atol=1e-13)
        assert (bits(*parts) == bits(*whole)) == (shards == 1)


# --- what it has, and who takes it ----------------------------------------------------------------------------------


def test_auto_does_not_take_it_on_a_cpu_and_imports_no_jax_to_know():
    code = """
import chainrule as cr, sys
cr.fit(cr.Network([1, 1], lambda Z: Z / (1 + Z * Z)), [[0.0]], [[1.0]], epochs=1)
print("jax" in sys.modules, [name for name in sys.modules if name.startswith("chainrule.engines.xla.")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "[]"]


def test_auto_takes_it_for_functions_written_with_jax_and_for_shards(monkeypatch):
    import jax.numpy as jnp

    plain, own = Architecture.of([2, 3, 1]), Architecture.of([2, 3, 1], lambda Z: jnp.tanh(Z) + 0.1 * Z)
    assert (choose("auto", own).name, passed_over(own)) == ("xla", [])
    assert choose("auto", plain).name != "xla"
    assert choose("auto", plain, TrainingSettings(shards=2)).name == "xla"
    monkeypatch.setattr(xla, "has_gpu", lambda: True)
    assert choose("auto", plain).name == "xla"


def test_functions_of_ones_own_are_differentiated_by_jax():
    import jax.numpy as jnp

    activation = cr.custom_activation(lambda Z: jnp.tanh(Z) + 0.1 * Z)
    cost = cr.custom_cost(lambda A, T: jnp.log(jnp.cosh(A - T)))
    rows = np.random.default_rng(0).normal(size=(20, 2))

    def theta(engine):
        net = cr.Network([2, 4, 1], activation, "identity", cost, dtype="float64", seed=0)
        cr.fit(net, rows, rows[:, :1] ** 2, optimizer=heavy_ball(), epochs=2, engine=engine, probe=False)
        return net.theta

    np.testing.assert_allclose(theta("xla"), theta("reference"), rtol=0, atol=1e-13)


def heavy_ball():
    def update(theta, gradient, slots, step, rate):
        v = (0.9 * slots[0] if slots else 0) - rate * gradient
        return theta + v, (v,)

    return cr.custom_optimizer(update, learning_rate=0.1)


def test_what_jax_cannot_trace_is_refused_in_one_line():
    from_numpy = cr.custom_activation(lambda Z: np.sign(np.asarray(Z)) * np.log1p(np.abs(np.asarray(Z))))
    with pytest.raises(
        EngineError, match=r"^engine xla has no way to trace activation '<lambda>': choose engine='auto'"
    ):
        choose("xla", Architecture.of([2, 3, 1], from_numpy))
    rule = cr.custom_optimizer(
        lambda theta, gradient, slots, step, rate: (theta - rate * np.sign(np.asarray(gradient)), ())
    )
    with pytest.raises(EngineError, match="way to trace optimizer 'custom'"):
        choose("xla", Architecture.of([2, 1]), TrainingSettings(optimizer=rule))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"clip": Clip(example=1.0, noise=1.0)}, "noise in clip"),
        ({"precision": "bf16"}, "precision 'bf16' without a GPU"),
    ],
)
def test_what_it_lacks_it_says_by_name(settings, words):
    with pytest.raises(
        EngineError, match=rf"^engine xla has no {words}: (choose engine='auto'|no other engine)[^\n]*$"
    ):
        choose("xla", Architecture.of([2, 1]), TrainingSettings(**settings))


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("settings", [{"devices": 2}, {"shards": 2}, {"precision": "tf32"}])
def test_engines_with_one_device_refuse_settings_of_devices(engine, settings):
    with pytest.raises(EngineError, match=rf"^engine {engine} has no ({next(iter(settings))}|[^\n]*not built)"):
        choose(engine, Architecture.of([2, 1]), TrainingSettings(**settings))


def test_devices_that_are_not_there_and_shards_that_they_do_not_divide_are_refused():
    net = cr.Network([2, 1])
    with pytest.raises(
        EngineError, match=r"^devices is 64, but JAX has 1 \(cpu\): give fewer, or XLA_FLAGS=--xla_force_[^\n]*$"
    ):
        cr.train(net, np.ones((64, 2)), np.ones((64, 1)), engine="xla", batch_size=64, devices=64)
    with pytest.raises(SettingError, match=r"^shards is 3 and devices 2, but devices must divide shards: [^\n]*$"):
        cr.train(net, [[1, 1]], [[1]], engine="xla", devices=2, shards=3)


@pytest.mark.parametrize("several", [{"shards": 4}, {"devices": 4}])
def test_an_update_has_a_row_for_each_shard(several):
    net = cr.Network([2, 1])
    with pytest.raises(SettingError, match=r"^an update has 3 rows, but 4 shards need one each: give larger [^\n]*$"):
        cr.train(net, np.ones((9, 2)), np.ones((9, 1)), batch_size=3, **several)
    with pytest.raises(SettingError, match=r"^an update has 2 rows, but 4 shards need one each"):
        cr.train(net, np.ones((2, 2)), np.ones((2, 1)), **several)


@pytest.mark.parametrize("several", [{"shards": 2}, {"devices": 2}, {"hosts": cr.Hosts(shards=2)}])
def test_a_line_search_has_one_device(several):
    with pytest.raises(SettingError, match=r"^(shards|devices) does not go with lbfgs, which has one device: leave "):
        TrainingSettings(optimizer="lbfgs", **several)


def test_jax_that_is_missing_or_too_old_is_named_with_the_line_that_installs_it(monkeypatch):
    xla.engine.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(importlib.metadata, "version", lambda name: "0.4.36")
        with pytest.raises(
            EngineError, match=r"^the xla engine needs JAX 0.8 or newer, but 0.4.36 is installed \(python -m pip "
        ):
            choose("xla", Architecture.of([2, 1]))
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name, *_: None)
        with pytest.raises(
            EngineError, match=r'^the xla engine needs JAX, which is not installed \(python -m pip [^\n]*\[xla\]"\)'
        ):
            choose("xla", Architecture.of([2, 1]))
    assert choose("xla", Architecture.of([2, 1])) is ENGINES["xla"]()


def test_jax_without_a_device_is_an_error_of_one_line(monkeypatch):
    def fails():
        raise AssertionError

    xla.engine.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr("jax.devices", fails)
        patch.setenv("JAX_PLATFORMS", "cuda")
        with pytest.raises(EngineError, match=r"^JAX finds no device: JAX_PLATFORMS is 'cuda': set "):
            choose("xla", Architecture.of([2, 1]))
        patch.setitem(sys.modules, "chainrule.engines.xla.xla_engine", None)
        with pytest.raises(EngineError, match=r"^the xla engine needs JAX, which cannot be imported \([^\n]*install"):
            choose("xla", Architecture.of([2, 1]))
        assert choose("auto", Architecture.of([2, 1])).name != "xla"


def test_a_cache_that_cannot_be_written_is_not_used(monkeypatch, tmp_path):
    from chainrule.engines.xla import machine

    (tmp_path / "file").write_text("")
    monkeypatch.setenv(machine.CACHE, str(tmp_path / "file" / "compiled"))
    monkeypatch.setattr("jax.config.update", lambda *_: pytest.fail("set"))
    machine.use_cache.__wrapped__()


def test_its_maker_names_jaxlib_and_the_device():
    words = ENGINES["xla"]().instructions.split()
    assert words[:2] == ["jaxlib", importlib.metadata.version("jaxlib")]


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        (None, "precision = [HIGHEST, HIGHEST]"),
        ("tf32", "lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32"),
        ("bf16", "lhs_precision_type = bf16, rhs_precision_type = bf16, accumulation_type = f32"),
    ],
)
def test_a_program_for_a_gpu_has_products_of_the_precision_that_is_asked_for(precision, words):
    import jax

    from chainrule.engines.xla import machine

    x = np.ones((2, 2), np.float32)
    with machine.computing(precision):
        program = jax.jit(lambda a, b: a @ b).trace(x, x).lower(lowering_platforms=("cuda",)).as_text()
    assert words in program


def test_the_compiler_has_the_options_that_a_gpu_gets():
    import jax

    from chainrule.engines.xla import machine

    options = dict(machine.compiler_options(types.SimpleNamespace(platform="gpu")))
    assert options == {"xla_gpu_deterministic_ops": True}
    assert jax.jit(lambda x: x + 1, compiler_options=options)(1.0) == 2  # an option that it has not is an error


def test_a_precision_of_float32_is_refused_for_float64():
    p = problem(dtype="float64")
    settings = dataclasses.replace(p.settings, precision="bf16")
    with pytest.raises(EngineError, match="precision is 'bf16', but the network is float64: leave one of them out"):
        ENGINES["xla"]().start(p.architecture, p.theta.copy(), settings, 1.0)
