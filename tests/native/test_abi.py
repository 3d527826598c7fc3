"""Damaged arguments straight at the C ABI: each is refused with a code and a line, and the process lives.

The fuzzing runs in a process of its own, which reports the first call whose end it did not see.
"""

import ctypes
import math
import subprocess
import sys
from ctypes import byref
from pathlib import Path

import numpy as np
import pytest

from chainrule.engines import abi, why_absent

from .abi_world import ARGUMENT, DROPPED, LACKS, MEMORY, MOST, OK, SIZES, N, World

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")


@pytest.fixture(params=["float32", "float64"])
def world(request):
    return World(request.param)


def put(struct, path, value):
    """Assign to a field of a field, or an element of an array: "examples.X.rows"."""
    *way, last = path.split(".")
    for name in way:
        struct = struct[int(name)] if name.isdigit() else getattr(struct, name)
    if last.isdigit():
        struct[int(last)] = value
    else:
        setattr(struct, last, value)
    return struct


NAN, INF = math.nan, math.inf

ARCHITECTURES = [
    *[("size", v) for v in (0, 1, 63, 65, MOST)],
    *[("dtype", v) for v in (0, 3, -1, MOST)],
    *[("layers", v) for v in (0, -1, 4097, MOST, -MOST)],
    *[("sizes.1", v) for v in (0, -1, 2**40, MOST)],
    *[("blocks", v) for v in (0, -1, 1, 6, MOST)],
    *[("block.0.start", v) for v in (-1, 1, MOST)],
    *[("block.0.stop", v) for v in (0, -1, 1, 3, 6, MOST)],
    *[("block.1.stop", v) for v in (2, 4, 6, MOST)],
    *[("block.1.cost.parameter", v) for v in (NAN, INF, -INF)],
    *[("block.0.activation.parameter", v) for v in (NAN, INF)],
    *[("hidden.0.parameter", v) for v in (NAN, INF)],
    *[("hidden.0.name", b"x" * 32), ("block.0.cost.name", b"x" * 32)],
    *[("masks.1.bytes", v) for v in (0, 19, 21, MOST, -1)],
    *[(name, None) for name in ("sizes", "hidden", "block")],
]


@pytest.mark.parametrize(("path", "value"), ARCHITECTURES)
def test_an_architecture_that_makes_no_sense_is_refused(world, path, value):
    damaged = world.architecture()
    put(damaged, path, value)
    assert world.make(damaged) == ARGUMENT
    assert world.make(damaged, byref(world.settings())) == ARGUMENT


@pytest.mark.parametrize(("block", "cost"), [(1, b"poisson"), (1, b"cross_entropy"), (1, b"binary_cross_entropy")])
def test_costs_that_do_not_go_with_an_output_are_said(world, block, cost):
    damaged = world.architecture()
    damaged.block[block].cost.name = cost
    assert world.make(damaged) == LACKS
    assert world.text.value.decode() == f"the core has no cost '{cost.decode()}' of an output of 'identity'"


@pytest.mark.parametrize("path", ["hidden.0", "block.1.activation", "block.0.cost"])
def test_names_that_the_core_does_not_have_are_said(world, path):
    damaged = world.architecture()
    put(damaged, f"{path}.name", b"no_such")
    assert world.make(damaged) == LACKS
    assert b"'no_such'" in world.text.value
    settings = world.settings()
    settings.rule = b"lbfgs"
    assert world.make(settings=byref(settings)) == LACKS
    assert world.text.value == b"the core has no rule 'lbfgs'"


SETTINGS = [
    *[("size", v) for v in (0, 8, MOST)],
    *[("parameter.0", v) for v in (NAN, INF)],
    *[("batch", v) for v in (0, -1, MOST, -MOST)],
    *[("divisor", v) for v in (0.0, -1.0, NAN, INF)],
    *[(name, v) for name in ("alpha", "l1") for v in (-1e-9, NAN, INF)],
    *[("dropout.0", v) for v in (-1e-9, 1.0, NAN, INF)],
    *[("rates.1", v) for v in (-1e-9, NAN, INF)],
    *[(f"clip_{name}", v) for name in ("norm", "value", "example") for v in (0.0, -1.0, NAN)],
    *[("threads", v) for v in (MOST, -MOST)],
    *[("precision", v) for v in (-1, 2, MOST)],
    ("rule", b"x" * 32),
]


def test_half_precision_is_for_float32():
    world = World("float64")
    settings = world.settings()
    settings.precision = abi.PRECISIONS["bf16"]
    assert world.make(settings=byref(settings)) == LACKS
    assert world.text.value == b"precision bf16 is for float32 networks, but this one has float64"


@pytest.mark.parametrize(("path", "value"), SETTINGS)
def test_settings_that_make_no_sense_are_refused(world, path, value):
    damaged = world.settings()
    put(damaged, path, value)
    assert world.make(settings=byref(damaged)) == ARGUMENT


@pytest.mark.parametrize("rows", [0, -1, 8193, MOST])
def test_rows_together_that_make_no_sense_are_refused(world, rows):
    assert world.make(rows=rows) == ARGUMENT


def test_more_than_there_is_memory_for_is_refused(world):
    for width, batch in ((2**30, 2), (2**20, 2**40), (2**17, 2)):
        shape, settings = world.architecture(), world.settings()
        shape.masks, shape.sizes[0], shape.sizes[1] = None, width, width
        settings.batch = batch
        assert world.make(shape, byref(settings)) == MEMORY
        assert world.make(shape) == MEMORY


MATRICES = [
    *[("data", v) for v in (None,)],
    *[("begin", v) for v in (None,)],
    *[("kind", v) for v in (0, 4, -1, MOST)],
    *[("rows", v) for v in (0, -1, 7, MOST, -MOST, 2**40, 2**61)],
    *[("columns", v) for v in (0, -1, 2, 6, 2**61, MOST)],
    *[("row_stride", v) for v in (-4, 4096, MOST, -MOST - 1, 2**61)],
    *[("column_stride", v) for v in (-4, 4096, MOST, -MOST - 1, 2**62)],
    *[("bytes", v) for v in (0, -1, 7, -MOST)],
]


def ledger_of(world, net, examples, arrays=3, **changed):
    """What the call of a ledger returns, with some of its arguments damaged."""
    room, costs = np.zeros(arrays * N * sum(SIZES[1:]), world.theta.dtype), np.zeros(N)
    good = {"epoch": 0, "batch": 0, "threads": 0}
    good |= {"out": room.ctypes.data, "bytes": room.nbytes, "costs": costs.ctypes.data, "rows": N}
    return world.call("ledger", net, byref(examples), *(good | changed).values())


def test_a_ledger_of_the_right_size_is_filled_and_any_other_refused(world):
    pure, examples = world.made(trained=False), world.examples()
    examples.weight, examples.by_term = abi.MatrixStruct(), 0
    size = 3 * N * sum(SIZES[1:]) * world.theta.itemsize
    assert ledger_of(world, pure, examples) == OK
    for wrong in (0, size - 1, size + 8, MOST, -1):
        assert ledger_of(world, pure, examples, bytes=wrong) == ARGUMENT
    for wrong in (0, N - 1, N + 1, MOST, -1):
        assert ledger_of(world, pure, examples, rows=wrong) == ARGUMENT
    for name in ("epoch", "batch"):
        for wrong in (-1, 2**40 + 1, MOST):
            assert ledger_of(world, pure, examples, **{name: wrong}) == ARGUMENT


def test_a_ledger_of_a_run_has_room_for_what_is_dropped(world):
    run, examples = world.made(), world.examples()
    examples.weight, examples.by_term = abi.MatrixStruct(), 0
    room = [arrays for arrays in (3, 4) if ledger_of(world, run, examples, arrays) == OK]
    assert room == [4 if world.settings().dropout else 3]


def test_a_ledger_has_no_weights_of_rows(world):
    pure, examples = world.made(trained=False), world.examples()
    s = np.ones(N)
    examples.weight, examples.by_term = abi.matrix(s), 0
    assert ledger_of(world, pure, examples) == ARGUMENT


@pytest.mark.parametrize(("field", "value"), MATRICES)
@pytest.mark.parametrize("name", ["X", "T", "weight"])
def test_matrices_that_leave_their_bytes_are_refused(world, name, field, value):
    if name == "weight" and (field, value) == ("kind", 0):
        pytest.skip("weights may be left out")
    trained, pure = world.made(), world.made(trained=False)
    call, examples, predicted = world.step_call(), world.examples(), world.predict_call()
    before = world.theta.tobytes()
    put(call, f"examples.{name}.{field}", value)
    assert world.call("steps", trained, byref(call)) == ARGUMENT
    put(examples, f"{name}.{field}", value)
    out = ctypes.c_double()
    assert world.call("cost", pure, byref(examples), 0, byref(out)) == ARGUMENT
    gradient, norms = np.empty_like(world.theta), np.empty(N)
    address = gradient.ctypes.data
    assert world.call("gradient", pure, byref(examples), 1.0, 0.0, 0.0, 0, address, gradient.nbytes) == ARGUMENT
    assert world.call("second_moments", pure, byref(examples), 0, address, gradient.nbytes) == ARGUMENT
    assert world.call("norms", pure, byref(examples), 0, norms.ctypes.data, N) == ARGUMENT
    assert ledger_of(world, pure, examples) == ARGUMENT
    if name == "X":
        put(predicted, f"X.{field}", value)
        assert world.call("predict", pure, byref(predicted)) == ARGUMENT
    assert world.theta.tobytes() == before


def test_data_outside_its_range_of_addresses_is_refused(world):
    trained = world.made()
    for shift in (-1, 1, 2**40, -(2**40)):
        for field in ("data", "begin"):
            call = world.step_call()
            put(call, f"examples.X.{field}", getattr(call.examples.X, field) + shift)
            if (field, shift) != ("begin", -1):
                assert world.call("steps", trained, byref(call)) == ARGUMENT
    call = world.step_call()
    put(call, "examples.X.begin", 2**64 - 8)
    assert world.call("steps", trained, byref(call)) == ARGUMENT


SPARSE = [
    *[("data", v) for v in (None,)],
    *[("begin", v) for v in (None, 8)],
    *[("kind", v) for v in (0, 3, -1, MOST)],
    *[("rows", v) for v in (0, -1, -MOST, 2**61)],
    *[("columns", v) for v in (0, 1, 4, -1, MOST)],
    *[("entries", v) for v in (0, -1, 3, MOST)],
    *[("bytes", v) for v in (0, -1, 7, -MOST)],
    ("places", None),
]


@pytest.mark.parametrize(("field", "value"), SPARSE)
def test_sparse_inputs_that_leave_their_entries_are_refused(field, value):
    world = World("float64", sparse=True)
    trained, pure, before = world.made(), world.made(trained=False), world.theta.tobytes()
    call, examples, predicted = world.step_call(), world.examples(), world.predict_call()
    g = np.empty_like(world.theta)
    for struct in (call.examples, examples, predicted):
        put(struct, f"X.{field}", value)
    assert world.call("steps", trained, byref(call)) == ARGUMENT
    assert world.call("predict", pure, byref(predicted)) == ARGUMENT
    assert world.call("cost", pure, byref(examples), 0, byref(ctypes.c_double())) == ARGUMENT
    assert world.call("gradient", pure, byref(examples), 1.0, 0.0, 0.0, 0, g.ctypes.data, g.nbytes) == ARGUMENT
    assert world.theta.tobytes() == before


@pytest.mark.parametrize(
    ("part", "at", "value"),
    [
        ("places", 0, -1),
        ("places", -1, 3),
        ("places", 1, 0),
        ("offsets", 0, -1),
        ("offsets", -1, 99),
        ("offsets", 2, 0),
    ],
)
def test_sparse_rows_whose_places_do_not_ascend_or_do_not_exist_are_refused(part, at, value):
    world = World("float32", sparse=True)
    places = np.array([0, 1, 2] * N, np.int32)
    world.inputs = world.inputs._replace(
        values=np.ones(3 * N, np.float32), places=places, offsets=np.arange(0, 3 * N + 1, 3)
    )
    trained, pure = world.made(), world.made(trained=False)
    assert world.call("predict", pure, byref(world.predict_call())) == OK
    getattr(world.inputs, part)[at] = value
    assert world.call("predict", pure, byref(world.predict_call())) == ARGUMENT
    assert world.call("steps", trained, byref(world.step_call())) == ARGUMENT
    assert world.call("cost", pure, byref(world.examples()), 0, byref(ctypes.c_double())) == ARGUMENT


def test_functions_of_all_elements_refuse_sparse_inputs():
    world = World("float64", sparse=True)
    pure, examples, out = world.made(trained=False), world.examples(), np.empty_like(world.theta)
    norms = np.empty(N)
    assert world.call("second_moments", pure, byref(examples), 0, out.ctypes.data, out.nbytes) == ARGUMENT
    assert world.call("norms", pure, byref(examples), 0, norms.ctypes.data, N) == ARGUMENT
    examples.weight, examples.by_term = abi.MatrixStruct(), 0
    assert ledger_of(world, pure, examples) == ARGUMENT
    assert world.text.value == b"X is sparse, but this function takes all elements"
    predicted = world.predict_call()
    predicted.finite = 1
    assert world.call("predict", pure, byref(predicted)) == ARGUMENT


CALLS = [
    *[("size", v) for v in (0, 1, MOST)],
    *[(name, None) for name in ("order", "rates", "costs", "theta")],
    *[("rows", v) for v in (0, -1, 4, 7, MOST)],
    *[("updates", v) for v in (0, -1, 2, 4, MOST, 2**62)],
    *[("epoch", v) for v in (-1, MOST)],
    *[("first_batch", v) for v in (-1, MOST)],
    *[("seconds", v) for v in (-1.0, NAN)],
    *[("theta_bytes", v) for v in (0, 1, MOST)],
    *[("examples.by_term", v) for v in (2, -1, 0, MOST)],
]


@pytest.mark.parametrize(("path", "value"), CALLS)
def test_calls_of_steps_that_make_no_sense_are_refused_and_move_nothing(world, path, value):
    number, call, before = world.made(), world.step_call(), world.theta.tobytes()
    put(call, path, value)
    assert world.call("steps", number, byref(call)) == ARGUMENT
    assert (world.theta.tobytes(), world.costs.tolist()) == (before, [0.0] * 3)


def test_addresses_between_two_elements_are_refused(world):
    number = world.made()
    for name in ("order", "rates", "costs", "theta"):
        call = world.step_call()
        setattr(call, name, getattr(call, name) + 2)
        assert world.call("steps", number, byref(call)) == ARGUMENT


@pytest.mark.parametrize("row", [-1, N, MOST, -MOST - 1])
def test_an_order_that_leaves_the_rows_is_refused(world, row):
    number, before = world.made(), world.theta.tobytes()
    world.order[4] = row
    assert world.call("steps", number, byref(world.step_call())) == ARGUMENT
    assert world.text.value.decode() == f"the order names row {row}, but there are rows 0 to {N - 1}"
    assert world.theta.tobytes() == before


@pytest.mark.parametrize(("path", "value"), [("size", 0), ("finite", 2), ("threads", MOST), ("out", None), ("out", 2)])
def test_predictions_that_make_no_sense_are_refused(world, path, value):
    number, call = world.made(trained=False), world.predict_call()
    put(call, path, value)
    assert world.call("predict", number, byref(call)) == ARGUMENT
    for change in (-1, 1, -call.out_bytes, call.out_bytes, MOST):
        call = world.predict_call()
        call.out_bytes = min(call.out_bytes + change, MOST)
        assert world.call("predict", number, byref(call)) == ARGUMENT


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("wide", [False, True])
def test_predictions_of_what_is_not_finite_are_refused_where_that_is_asked_for(world, value, wide):
    number, call = world.made(trained=False), world.predict_call()
    spread = np.repeat(world.X, 3, axis=1)[:, ::3]
    for finite, code in ((1, ARGUMENT), (0, OK)):
        for X in (world.X, spread):
            X[5, 2] = value
            call.X, call.finite = abi.matrix(X.astype("float64") if wide else X), finite
            assert world.call("predict", number, byref(call)) == code


def test_null_pointers_are_refused(world):
    trained, pure = world.made(), world.made(trained=False)
    assert world.call("make", None, None, 1, byref(world.number)) == ARGUMENT
    assert world.call("make", byref(world.architecture()), None, 1, None) == ARGUMENT
    assert world.call("steps", trained, None) == ARGUMENT
    assert world.call("predict", pure, None) == ARGUMENT
    assert world.call("set_theta", trained, None, world.theta.nbytes) == ARGUMENT
    assert world.call("get_slots", trained, None, 2 * world.theta.nbytes, byref(ctypes.c_int64())) == ARGUMENT
    assert world.call("get_slots", trained, world.theta.ctypes.data, 2 * world.theta.nbytes, None) == ARGUMENT
    assert world.call("set_slots", trained, None, 2 * world.theta.nbytes, 0) == ARGUMENT
    examples, out = byref(world.examples()), ctypes.c_double()
    assert world.call("cost", pure, None, 0, byref(out)) == ARGUMENT
    assert world.call("cost", pure, examples, 0, None) == ARGUMENT
    assert world.call("gradient", pure, examples, 1.0, 0.0, 0.0, 0, None, world.theta.nbytes) == ARGUMENT
    assert world.call("second_moments", pure, examples, 0, None, world.theta.nbytes) == ARGUMENT
    assert world.call("norms", pure, examples, 0, None, N) == ARGUMENT
    assert ledger_of(world, pure, world.examples(), out=None) == ARGUMENT
    assert ledger_of(world, pure, world.examples(), costs=None) == ARGUMENT


def test_lengths_that_do_not_fit_are_refused(world):
    trained, pure, p = world.made(), world.made(trained=False), world.theta.nbytes
    room = np.zeros(2 * p)
    step = ctypes.c_int64()
    for wrong in (0, p - 1, p + 1, MOST, -1):
        assert world.call("set_theta", pure, room.ctypes.data, wrong) == ARGUMENT
        assert world.call("get_slots", trained, room.ctypes.data, wrong, byref(step)) == ARGUMENT
        assert world.call("set_slots", trained, room.ctypes.data, wrong, 0) == ARGUMENT
        assert world.call("second_moments", pure, byref(world.examples()), 0, room.ctypes.data, wrong) == ARGUMENT
        assert world.call("norms", pure, byref(world.examples()), 0, room.ctypes.data, wrong) == ARGUMENT
    for step in (-1, MOST):
        assert world.call("set_slots", trained, room.ctypes.data, 2 * p, step) == ARGUMENT


def test_a_run_has_no_gradient_and_a_network_without_settings_no_steps(world):
    trained, pure, out = world.made(), world.made(trained=False), ctypes.c_double()
    assert world.call("cost", trained, byref(world.examples()), 0, byref(out)) == ARGUMENT
    assert world.call("steps", pure, byref(world.step_call())) == ARGUMENT


@pytest.mark.parametrize("value", [0.0, -1.0, NAN, INF])
def test_a_divisor_that_makes_no_sense_is_refused(world, value):
    pure, g = world.made(trained=False), np.empty_like(world.theta)
    arguments = (byref(world.examples()), value, 0.0, 0.0, 0, g.ctypes.data, g.nbytes)
    assert world.call("gradient", pure, *arguments) == ARGUMENT


def test_a_dropped_network_and_numbers_that_never_were_are_refused(world):
    number = world.made()
    assert world.call("drop", number) == OK
    again = world.made()  # in the same place: the old number must not reach it
    for wrong in (number, 0, 1, 2**32, 2**63, 2**64 - 1, again + 1, again + 2**32, again ^ 2**63):
        assert world.call("drop", wrong) == DROPPED
        assert world.call("steps", wrong, byref(world.step_call())) == DROPPED
        assert world.call("predict", wrong, byref(world.predict_call())) == DROPPED
    assert world.call("steps", again, byref(world.step_call())) == OK
    assert world.call("drop", again) == OK


def test_many_networks_live_at_once(world):
    numbers = [world.made(trained=False) for _ in range(600)]
    assert len(set(numbers)) == 600
    assert [world.call("drop", n) for n in numbers[::2]] == [OK] * 300
    assert [world.call("predict", n, byref(world.predict_call())) for n in numbers] == [DROPPED, OK] * 300
    assert [world.call("drop", n) for n in numbers[1::2]] == [OK] * 300


def test_a_line_fits_the_room_that_there_is(world):
    for room in (0, 1, 5):
        text = ctypes.create_string_buffer(b"x" * 9, 10)
        assert world.library.function("drop")(0, text, room) == DROPPED
        assert text.raw[room:9] == b"x" * (9 - room)
        assert len(text.value) == max(room - 1, 0) or room == 0
    assert world.library.function("drop")(0, None, 100) == DROPPED


@pytest.mark.parametrize("seed", range(2))
def test_random_damage_never_ends_the_process(seed):
    program = [sys.executable, "-m", "tests.native.fuzz_abi", str(seed)]
    done = subprocess.run(program, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-1500:]
