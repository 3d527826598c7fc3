"""C: a file that no name, word or compiler breaks, on any processor, in several threads, beside other models."""

import ctypes
import dataclasses
import itertools
import subprocess
import threading

import numpy as np
import pyarrow as pa
import pytest
from tests.export import programs
from tests.export.c_files import (
    STRICT,
    needs,
    network,
    program_of,
    written,
)

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.export import FORMATS, ClassOutput, NumberOutput, Program
from chainrule.export.c.runner import compiled, compiler, runner_in
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import Frequent, Ordered

pytestmark = pytest.mark.usefixtures("quick_compiler")


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
ROW += ["a tale of two", "größe fog", "2024-02-29", "text", "0.5", "100", "1", "-2", "3", "0.2", "50", "2", "5"]
ROW += ["0.5", "5", "2", "2024-02-29", "1969-07-20", "13:30", "5"]
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
