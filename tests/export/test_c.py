"""C: the bits of the native engine, whatever the network, and weights in fewer bytes."""

import ctypes
import dataclasses

import numpy as np
import pytest
from tests.export import programs
from tests.export.c_files import (
    FLAGS,
    TYPES,
    assert_native_bits,
    encoder_program,
    fixed,
    needs,
    needs_native,
    network,
    outputs,
    program_of,
    written,
)

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.errors import SettingError
from chainrule.export import FORMATS, ClassOutput, NumberOutput
from chainrule.export.c.runner import compiled, runner_in
from chainrule.tables.inputs.operations import Asinh

pytestmark = pytest.mark.usefixtures("quick_compiler")


@needs_native
@pytest.mark.parametrize("dtype", TYPES)
def test_every_activation_has_the_bits_of_the_native_engine(dtype, tmp_path):
    names = ACTIVATIONS.names()
    blocks = [(name, 3) for name in names]
    parameters = [
        ("leaky_relu", "slope", 0.3),
        ("prelu", "slope", -0.7),
        ("elu", "alpha", 1.7),
        ("sine", "omega", 30.1),
    ]
    blocks += [({"name": name, parameter: value}, 2) for name, parameter, value in parameters]
    last = network([4, sum(width for _, width in blocks)], output=blocks, dtype=dtype)
    chain = network([4, *[33] * len(names), 5], names, dtype=dtype)
    assert_native_bits(tmp_path, [last, chain], scales=(0.01, 1.0, 30.0, 1000.0))


@needs_native
@pytest.mark.parametrize("dtype", TYPES)
def test_awkward_sizes_have_the_bits_of_the_native_engine(dtype, tmp_path):
    sizes = [[1, 64, 65, 1, 63], [511, 2], [512, 2], [513, 3], [1025, 1]]
    assert_native_bits(tmp_path, [network(each, dtype=dtype) for each in sizes], rows=20)


@needs_native
@pytest.mark.parametrize("dtype", TYPES)
def test_softmax_of_every_width_has_the_bits_of_the_native_engine(dtype, tmp_path):
    blocks = [("softmax", width) for width in (1, 7, 8, 17, 513, 1025, 4097)]
    last = network([2, sum(width for _, width in blocks)], output=blocks, dtype=dtype)
    between = network([2, 9, 1100, 2], "softmax", dtype=dtype)
    assert_native_bits(tmp_path, [last, between], scales=(1.0, 40.0), rows=20)


@needs_native
def test_masks_and_minus_zero_have_the_bits_of_the_native_engine(tmp_path):
    masked = network([6, 5, 4], masks=[np.tri(6, 5), np.eye(5, 4)])
    zeros = network([2, 3], initializer=([np.full((2, 3), -0.0)], [np.full(3, -0.0)]))
    assert_native_bits(tmp_path, [masked, zeros])


@pytest.mark.parametrize("dtype", TYPES)
def test_the_encoder_has_the_bits_of_numpy_except_for_the_last_one_of_asinh(dtype, tmp_path):
    program = encoder_program(programs.ENCODER.transforms, dtype)
    run = runner_in(compiled(written(tmp_path, program)), "model", program)
    table = programs.table(rows=2000)
    answers = run(program.cells(table))
    ours = programs.ENCODER.encode(table, dtype)
    theirs = np.stack([answers[output.name].values for output in program.outputs], axis=1)
    parts = [part for column in program.columns for part in column.inputs for _ in part.suffixes]
    asinh = [any(isinstance(step, Asinh) for step in getattr(part, "steps", ())) for part in parts]
    np.testing.assert_array_equal(theirs[:, ~np.array(asinh)], ours[:, ~np.array(asinh)])
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(theirs[:, asinh], ours[:, asinh], rtol=8 * eps, atol=32 * eps)


@needs_native
def test_probabilities_and_numbers_have_the_bits_of_the_library(tmp_path):
    case = programs.table_case("float32")
    net = cr.Network.from_parts(case.program.architecture, case.program.theta)
    A = net.predict(programs.ENCODER.encode(programs.table(), "float32"), engine="native")
    answers = runner_in(compiled(written(tmp_path, case.program)), "model", case.program)(case.rows)
    for output in case.program.outputs:
        ours, theirs = output.answer(A), answers[output.name]
        if isinstance(output, ClassOutput):
            assert (theirs.probabilities == ours.probabilities).all()
        if not (isinstance(output, NumberOutput) and output.logarithm):
            assert theirs.values.tolist() == ours.values.tolist()


def test_sums_of_probabilities_are_those_of_numpy(tmp_path):
    code = "int sum_of(const real *a, int n, real *sum) { *sum = numpy_sum(a, n); return 0; }"
    library = fixed(tmp_path, code, "float32", "answers")
    for count in (1, 7, 8, 9, 100, 128, 129, 136, 1000):
        a, total = np.random.default_rng(7).random((3, count), dtype=np.float32), ctypes.c_float()
        library.sum_of(a[1].ctypes.data_as(ctypes.c_void_p), count, ctypes.byref(total))
        assert total.value == a.sum(axis=1)[1]


@pytest.mark.parametrize("dtype", TYPES)
def test_every_float16_is_the_number_that_it_is(dtype, tmp_path):
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)][::7]
    net = network([1, len(halves)], initializer=([halves[None].astype(dtype)], [np.zeros(len(halves))]), dtype=dtype)
    program = program_of(net)
    run = runner_in(compiled(written(tmp_path, program, weights="float16")), "model", program)
    assert (outputs(run, program, np.ones((1, 1), dtype))[0] == halves.astype(dtype)).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_int8_rounds_weights_by_half_a_step_at_most(dtype, tmp_path):
    W = np.random.default_rng(10).normal(0, 1, (40, 70)) * np.geomspace(1e-20, 1e20, 70)
    W[:, 3] = 0
    program = program_of(network([40, 70], initializer=([W], [np.zeros(70)]), dtype=dtype))
    run = runner_in(compiled(written(tmp_path, program, weights="int8")), "model", program)
    rounded = outputs(run, program, np.eye(40).astype(dtype))
    assert (np.abs(rounded - W) <= np.abs(W).max(axis=0) / 127 * 0.5001).all()
    assert np.abs(rounded - W).max() > 0


def test_weights_that_do_not_fit_and_unknown_options_are_refused():
    large = program_of(network([1, 2], initializer=([[[1.0, -1e6]]], [[0.0, 0.0]])))
    with pytest.raises(SettingError, match="-1e\\+06 does not fit into float16, because float16 ends at 65504"):
        FORMATS["c"].written(large, weights="float16")
    infinite = dataclasses.replace(large, theta=np.array([1.0, np.inf, 0.0, 0.0]))
    with pytest.raises(SettingError, match="inf does not fit into int8"):
        FORMATS["c"].written(infinite, weights="int8")
    with pytest.raises(SettingError, match="weights is 'int4', but must be one of float16, int8"):
        FORMATS["c"].written(large, weights="int4")
    with pytest.raises(SettingError, match="prefix is '2nd', but must be letters, digits"):
        FORMATS["c"].written(large, prefix="2nd")
    assert len(FORMATS["c"].written(infinite)) > 1000


@needs_native
@pytest.mark.full
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("tool", ["gcc", "clang"])
@pytest.mark.parametrize("flags", ["-O0", "-O2", "-O3 -march=native"])
def test_every_compiler_gives_the_same_bits(dtype, tool, flags, tmp_path, monkeypatch):
    needs(tool)
    monkeypatch.setenv("CC", tool)
    monkeypatch.setattr("chainrule.export.c.runner.FLAGS", (*FLAGS, *flags.split()))
    nets = [network([width, 70, 5], name, dtype=dtype) for name in ACTIVATIONS.names() for width in (33, 520)]
    nets += [network([3, width], output="softmax", dtype=dtype) for width in (2, 100, 5000)]
    assert_native_bits(tmp_path, nets, scales=(0.1, 3.0, 100.0))
