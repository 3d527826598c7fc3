"""C: the bits of the native engine, whatever the network; and a file that no name, word, number or compiler breaks."""

import ctypes
import dataclasses
import itertools
import shutil
import subprocess
import threading

import numpy as np
import pyarrow as pa
import pytest
from tests.export import programs

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.engines import why_absent
from chainrule.errors import SettingError
from chainrule.export import FORMATS, ClassOutput, NumberOutput, Program, export, program_of_network
from chainrule.export.c.fixed_text import pieces_for
from chainrule.export.c.runner import compiled, compiler, runner_in
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.operations import CYCLES, Asinh
from chainrule.tables.inputs.operations.inputs import _PLACES
from chainrule.tables.inputs.transforms import Frequent, Numbers, Ordered, Presence, Times
from chainrule.tables.profile.dates import CLOCK, UNMARKED, seconds_of

TYPES = ["float32", "float64"]
STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffp-contract=off", "-O1", "-lm"]

try:
    compiler()
except SettingError as absent:
    pytest.skip(str(absent), allow_module_level=True)
FLAGS = ("-std=c99", "-O1", "-ffp-contract=off", "-shared", "-fPIC")
needs_native = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")


@pytest.fixture(autouse=True)
def _compile_quickly(monkeypatch):
    monkeypatch.setattr("chainrule.export.c.runner.FLAGS", FLAGS)


def needs(*tools):
    """Skip where one of these programs is absent."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} on this machine")


def written(path, program, prefix="model", **options):
    """The file of a program."""
    file = path / f"{prefix}.c"
    export(program, file, prefix=prefix, **options)
    return file


def program_of(net):
    return program_of_network(net.architecture, net.theta, "")


def outputs(run, program, X):
    """A^L (n, n_L) of an exported network."""
    answers = run(dict(zip(program.inputs, X.T, strict=True)))
    return np.stack([answers[output.name].values for output in program.outputs], axis=1)


def assert_native_bits(path, networks, scales=(1.0,), rows=100):
    """The outputs of exported networks have the bits of the native engine, for rows of these scales."""
    named = {f"m{k}": net for k, net in enumerate(networks)}
    library = compiled(*(written(path, program_of(net), prefix) for prefix, net in named.items()))
    for prefix, net in named.items():
        run = runner_in(library, prefix, program_of(net))
        for scale in scales:
            X = np.random.default_rng(5).normal(0, scale, (rows, net.sizes[0])).astype(net.dtype)
            ours, theirs = net.predict(X, engine="native"), outputs(run, program_of(net), X)
            np.testing.assert_array_equal(bits(theirs), bits(ours), err_msg=str(net))


def bits(A):
    """The bits of numbers, one pattern for all NaN."""
    return np.where(np.isnan(A), np.nan, A).view(f"u{A.itemsize}")


def network(sizes, hidden="tanh", output="identity", dtype="float32", **options):
    """A network; with a list of output blocks, each has the quadratic cost."""
    cost = ["quadratic"] * len(output) if isinstance(output, list) else "quadratic"
    return cr.Network(sizes, hidden, output, cost, seed=6, dtype=dtype, **options)


# ----------------------------------------------------------------------------------------------------- bits


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


def encoder_program(transforms, dtype="float64", digest=""):
    """A program whose outputs are the numbers that the network gets from the columns."""
    encoder = Encoder(tuple(transforms))
    architecture = Architecture.of([encoder.width, encoder.width], output="identity")
    theta = np.concatenate([np.eye(encoder.width).ravel(), np.zeros(encoder.width)]).astype(dtype)
    plain = program_of_network(architecture, theta, digest)
    columns = tuple(column for column in transforms if column.features)
    return dataclasses.replace(plain, columns=columns)


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


# ----------------------------------------------------------------------------------------------------- cells


def fixed(path, code, *files):
    """A library of the fixed C text that `code` uses."""
    file = path / "fixed.c"
    pieces = pieces_for(code, files)
    file.write_text(f"#include <math.h>\n#include <stdint.h>\n#include <string.h>\n{pieces}\n{code}\n")
    return compiled(file)


def reader(path):
    """The C function that reads times: state and seconds of a text."""
    library = fixed(path, "int time_of(const char *t, int date, double *s) { return read_time(t, date, s); }", "cells")

    def read(text, date=1):
        seconds = ctypes.c_double()
        state = library.time_of(None if text is None else text.encode(), date, ctypes.byref(seconds))
        return state, seconds.value

    return read


TIMES = """2024-02-29|2024-02-29 13:30|2024-02-29T13:30:05.25|1969-12-31 23:59:59.999999|0001-01-01|2000-02-29
9999-12-31 23:59:60.5|1582-10-15T00:00Z|2024-2-3 4:05|2024-02-29 13:30:00+02:00|2024-02-29 13:30:07.123456789-0500"""
NO_TIMES = """2023-02-29|1900-02-29|2024-13-01|2024-00-01|2024-01-00|2024-01-32|2024-04-31|0000-01-01|2024-01-01 24:00
2024-01-01 12:60|2024-01-01 12:00:61|2024-01-01 12|2024-01-01x|yesterday|2024-01-01 12:00 and more|20240101|2024/01/01
2024-01-01 -1:00|-1|2024|2024-|2024-01|2024-01-|99999-01-01|2024-01-01 1:2|\x01|ü|2024-01-01 12:00:|2024-01-01 12:00:5
2024-001-01| 2024-01-01|2024-01-01 |2024-01-01 12:00 Z"""


def parts(text):
    return text.replace("\n", "|").split("|")


def test_times_are_read_as_the_library_reads_them(tmp_path):
    read = reader(tmp_path)
    assert [read(text) for text in parts(TIMES)] == [
        (1, seconds) for seconds in seconds_of(pa.array(parts(TIMES), pa.large_string()), "year-month-day").tolist()
    ]
    clocks = ["0:00", "23:59:59.5", "13:30", "07:08:09.000001"]
    assert [read(text, date=0) for text in clocks] == [
        (1, seconds) for seconds in seconds_of(pa.array(clocks, pa.large_string()), CLOCK).tolist()
    ]


def test_what_is_not_a_time_is_refused(tmp_path):
    read = reader(tmp_path)
    assert [text for text in parts(NO_TIMES) if read(text)[0] != 0] == []
    assert [text for text in ("24:00", "1:60", "1:2", "noon", "2024-01-01", "13:30Z") if read(text, date=0)[0]] == []
    assert [read(text)[0] for text in (None, "")] == [-1, -1]


BARE = "20240229|15000101|21991231|20240229T1330|20240229T133005.25|20240229T2359Z|20240229T0000+0200"
NO_BARE = """20230229|20241301|20240001|20240100|14991231|22000101|2024022|202402290|20240229T13|20240229T1
20240229T2400|20240229T1360|20240229T13300|20240229 1330|20240229t1330|20240229T13:30|20240229x|20240229.0|2024-0229"""


def test_dates_without_marks_are_read_where_training_had_them(tmp_path):
    read = reader(tmp_path)
    seconds = seconds_of(pa.array(parts(BARE), pa.large_string()), UNMARKED).tolist()
    assert [read(text, date=2) for text in parts(BARE)] == [(1, each) for each in seconds]
    assert [read(text, date=2) for text in parts(TIMES)] == [read(text) for text in parts(TIMES)]
    assert [text for text in parts(BARE) if read(text)[0]] == []
    assert [text for text in [*parts(NO_BARE), *parts(NO_TIMES)] if text != "20240101" and read(text, date=2)[0]] == []


def test_places_in_the_year_the_week_and_the_day(tmp_path):
    calls = " ".join(f"int {cycle}(double s) {{ return {cycle}_place(s); }}" for cycle in CYCLES)
    library = fixed(tmp_path, calls, "cells")
    days = np.concatenate([[-719162, -1, 0, 1, 2932896], np.random.default_rng(8).integers(-719162, 2932897, 3000)])
    seconds = days * 86400.0 + np.random.default_rng(9).integers(0, 86400, len(days)) * (days > -719162)
    for cycle in CYCLES:
        place = getattr(library, cycle)
        place.argtypes = [ctypes.c_double]
        assert [place(s) for s in seconds.tolist()] == _PLACES[cycle](seconds).tolist()


def test_what_cannot_be_read_is_the_number_of_the_column(tmp_path):
    columns = (Numbers("x", False, 0.0, 1e-300), Times("t", "year-month-day", ("days",), True, 0.0, 1.0, False),
               Presence("p", ""))  # fmt: skip
    library = compiled(written(tmp_path, encoder_program(columns, "float32")))

    class Row(ctypes.Structure):
        _fields_ = [("x", ctypes.c_double), ("t", ctypes.c_char_p), ("p", ctypes.c_char_p)]

    def code(*cells):
        answer = (ctypes.c_float * 8)(*[-9.0] * 8)
        result = library.model_predict(ctypes.byref(Row(*cells)), answer)
        assert (answer[0] == -9.0) == (result != 0)
        return result

    assert [code(0.0, b"2024-01-01", b""), code(float("nan"), None, None), code(0.0, b"", b"\xff\xfe")] == [0, 0, 0]
    assert [code(float("inf"), None, None), code(1e300, None, None), code(0.0, b"2024-01-0x", b"")] == [1, 1, 2]


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    library = compiled(written(tmp_path, program_of(network([3, 2]))))
    answer = (ctypes.c_float * 2)()
    rows = [(0, 0, 0), (float("nan"), 0, 0), (0, 0, float("inf")), (0, -float("inf"), 0)]
    assert [library.model_predict((ctypes.c_float * 3)(*row), answer) for row in rows] == [0, 1, 3, 2]


# ------------------------------------------------------------------------------------------- names and words

ODD = [
    "*/ int main(void) { return 1; } /*",
    "??/",
    "a\\",
    'q"u',
    "größe",
    "große",
    "int",
    "unix",
    "NULL",
    "2nd",
    "",
    "x\ny",
]
ODD += ["%s%n", "\u202eabc", "\N{PILE OF POO}", "INT", "softmax", "panel", "row", "// no", "/*", "??=define", "x" * 300]


def odd_program():
    """Columns, words and classes with odd names."""
    words = (*filter(None, ODD), "'", "\x7f", "\\x41", "é1", "1 2")
    columns = [Frequent(name, words[k : k + 2], True) for k, name in enumerate(ODD)]
    columns += [Ordered("ordered */", words, True), Frequent("none", (), True)]
    encoder = Encoder(tuple(columns))
    blocks = [("softmax", len(words)), ("sigmoid", 1), ("softmax", 2), ("softmax", 2), ("identity", 1)]
    net = network([encoder.width, sum(width for _, width in blocks)], output=blocks)
    at = list(itertools.accumulate([width for _, width in blocks], initial=0))
    outputs = (
        ClassOutput("*/ ??/", at[0], at[1], words),
        ClassOutput('yes "or" no', at[1], at[2], ("\\", '"'), yes_or_no=True),
        ClassOutput("whole", at[2], at[3], (-(2**63) + 1, 2**63 - 1), divided=True),
        ClassOutput("odd numbers", at[3], at[4], (float("inf"), -0.0)),
        NumberOutput("int", at[4], at[5], 1e300, -1e-300, logarithm=True),
    )
    return Program(net.architecture, net.theta, outputs, tuple(columns)), words


def test_no_name_and_no_word_breaks_the_file(tmp_path):
    program, words = odd_program()
    table = pa.table({name: pa.array([*words, "other", None]) for name in program.inputs})
    answers = runner_in(compiled(written(tmp_path, program)), "model", program)(program.cells(table))
    X = Encoder(program.columns).encode(table, "float32")
    net = cr.Network.from_parts(program.architecture, program.theta)
    A = net.predict(X)
    for output in program.outputs[:-1]:
        ours = output.answer(A)
        assert answers[output.name].values.tolist() == ours.values.tolist()
        assert np.abs(answers[output.name].probabilities - ours.probabilities).max() < 1e-6


def test_a_nul_in_a_word_and_a_class_beyond_64_bits_are_refused():
    net = network([2, 2], output="softmax")
    for classes, words in (((2**63, 1), "more than 64 bits"), (("a\0b", "c"), "has a NUL")):
        program = Program(net.architecture, net.theta, (ClassOutput("y", 0, 2, classes),))
        with pytest.raises(SettingError, match=words):
            FORMATS["c"].written(program)


# ---------------------------------------------------------------------------------------------- compilers


def strict(path, compiler_name, program, *flags, **options):
    """Compile a program with every warning as an error, with its main function; the executable."""
    needs(compiler_name)
    file, out = written(path, program, **options), path / f"main-{compiler_name}"
    command = [compiler_name, *flags, str(file), "-Dmodel_MAIN", "-o", str(out), *STRICT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[:3000]) == (0, "")
    return out


@pytest.mark.parametrize("tool", ["gcc", "clang"])
def test_it_compiles_without_a_warning(tool, tmp_path):
    strict(tmp_path, tool, programs.table_case("float32").program, "-std=c99")
    strict(tmp_path, tool, programs.network_case("float64").program, "-std=c99")
    strict(tmp_path, tool, programs.network_case("float32").program, "-std=c99", weights="float16")
    strict(tmp_path, tool, odd_program()[0], "-std=c99", weights="int8")


@pytest.mark.parametrize("tool", ["g++", "clang++"])
def test_it_compiles_as_cpp(tool, tmp_path):
    strict(tmp_path, tool, odd_program()[0], "-std=c++17", "-xc++")


ROW = ["1.5", "", "1e9", "-3", "red", "Köln", "b", "middle", "1969-07-20 20:17:40", "13:30", "", "red;old", "a|b"]
ROW += ["a tale of two", "2024-02-29", "text", "0.5", "100", "1", "-2", "3", "0.2", "50", "2", "5"]
BAD = {"bought": "1969-07-32", "opened": "x", "size": "inf"}


def answered(command, row):
    done = subprocess.run([*command, *row], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_example_program_answers_and_says_what_it_cannot_read(tmp_path):
    program = programs.table_case("float32").program
    main = [str(strict(tmp_path, compiler().rsplit("/", 1)[-1], program, "-std=c99"))]
    code, out, _ = answered(main, ROW)
    assert (code, [line.split(":")[0] for line in out.splitlines() if ":" in line]) == (0, programs.TARGETS.names)
    for name, cell in BAD.items():
        row = [cell if column == name else old for column, old in zip(program.inputs, ROW, strict=True)]
        assert answered(main, row) == (1, "", f"cannot read the cell of column {name}\n")
    assert answered(main, ROW[1:])[0] == 2


def test_sanitizers_pass(tmp_path):
    needs("gcc")
    wide = network([programs.ENCODER.width, 513, 70, 14], ["softmax", "gelu"], [("softmax", 12), ("identity", 2)])
    case = programs.table_case("float32")
    program = dataclasses.replace(case.program, architecture=wide.architecture, theta=wide.theta)
    flags = ["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    main = [str(strict(tmp_path, "gcc", program, *flags, weights="int8"))]
    assert answered(main, ROW)[::2] == (0, "")
    assert answered(main, [""] * len(ROW))[::2] == (0, "")
    for k, text in itertools.product((8, 9), ("2024-", "2024-01-01 1", "0001-01-01 00:00:00.", "é", "9" * 40, "12:3")):
        assert answered(main, [*ROW[:k], text, *ROW[k + 1 :]])[0] in (0, 1)


ARM = {
    "aarch64": (
        "aarch64-linux-gnu-gcc",
        "qemu-aarch64",
        programs.network_case,
        "float64",
        ["1", "-2", "3e-3", "4", "50"],
    ),
    "arm": ("arm-linux-gnueabihf-gcc", "qemu-arm", programs.table_case, "float32", ROW),
}


@pytest.mark.parametrize("processor", ARM)
def test_other_processors_give_the_same_digits(processor, tmp_path):
    tool, emulator, case, dtype, row = ARM[processor]
    needs(tool, emulator, "gcc")
    here = [str(strict(tmp_path, "gcc", case(dtype).program, "-std=c99"))]
    there = [emulator, str(strict(tmp_path, tool, case(dtype).program, "-std=c99", "-static"))]
    assert answered(here, row)[0] == 0
    assert answered(there, row) == answered(here, row)


def test_several_models_in_one_program(tmp_path):
    nets = {"first": network([2, 3]), "second": network([2, 4], output="sigmoid", dtype="float64")}
    files = [written(tmp_path, program_of(net), prefix) for prefix, net in nets.items()]
    user = tmp_path / "user.c"
    user.write_text(
        '#define first_HEADER\n#include "first.c"\n#define second_HEADER\n#include "second.c"\n#include "first.c"\n'
        "double both(const float *x, const double *y) {\n  struct first_answer a;\n  struct second_answer b;\n"
        "  return first_predict(x, &a) || second_predict(y, &b) ? -1 : a.outputs[2] + b.outputs[3];\n}\n"
    )
    library = compiled(user, *files)
    library.both.restype = ctypes.c_double
    X = np.array([[0.5, -0.25]])
    total = float(nets["first"].predict(X)[0, 2]) + float(nets["second"].predict(X)[0, 3])
    assert library.both((ctypes.c_float * 2)(*X[0]), (ctypes.c_double * 2)(*X[0])) == pytest.approx(total, abs=1e-6)


def test_threads_do_not_disturb_each_other(tmp_path):
    case = programs.table_case("float32")
    run = runner_in(compiled(written(tmp_path, case.program)), "model", case.program)
    alone, others = run(case.rows), []
    threads = [threading.Thread(target=lambda: others.extend(run(case.rows) for _ in range(3))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(others) == 6
    for answers, output in itertools.product(others, case.program.outputs):
        assert answers[output.name].values.tolist() == alone[output.name].values.tolist()


# ---------------------------------------------------------------------------------------------- weights


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


# ---------------------------------------------------------------------------------------------- long runs


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
