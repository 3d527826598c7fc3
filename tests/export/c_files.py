"""Files in C of small programs, compiled, for the tests of that format; without a compiler these are skipped."""

import dataclasses
import shutil

import numpy as np
import pytest

import chainrule as cr
from chainrule.architecture import Architecture
from chainrule.engines import why_absent
from chainrule.errors import SettingError
from chainrule.export import export, program_of_network
from chainrule.export.c.fixed_text import pieces_for
from chainrule.export.c.runner import compiled, compiler, runner_in
from chainrule.tables.inputs import Encoder

TYPES = ["float32", "float64"]
STRICT = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-ffp-contract=off", "-O1", "-lm"]

try:
    compiler()
except SettingError as absent:
    pytest.skip(str(absent), allow_module_level=True)
FLAGS = ("-std=c99", "-O1", "-ffp-contract=off", "-shared", "-fPIC")
needs_native = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")


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


def fixed(path, code, *files):
    """A library of the fixed C text that `code` uses."""
    file = path / "fixed.c"
    pieces = pieces_for(code, files)
    file.write_text(f"#include <math.h>\n#include <stdint.h>\n#include <string.h>\n{pieces}\n{code}\n")
    return compiled(file)


def encoder_program(transforms, dtype="float64", digest=""):
    """A program whose outputs are the numbers that the network gets from the columns."""
    encoder = Encoder(tuple(transforms))
    architecture = Architecture.of([encoder.width, encoder.width], output="identity")
    theta = np.concatenate([np.eye(encoder.width).ravel(), np.zeros(encoder.width)]).astype(dtype)
    plain = program_of_network(architecture, theta, digest)
    columns = tuple(column for column in transforms if column.features)
    return dataclasses.replace(plain, columns=columns)
