"""The whole C file: its comment, its declarations, the fixed text that it needs, what is generated, and a program."""

from __future__ import annotations

from chainrule._version import __version__
from chainrule.export.c.answers import answer_function, answer_struct, printed, real_type
from chainrule.export.c.encoder import encode_function, members, row_struct
from chainrule.export.c.fixed_text import pieces_for
from chainrule.export.c.layers import layer_functions
from chainrule.export.c.text import indented, quoted, rows_of
from chainrule.export.program import Program
from chainrule.tables.inputs.operations import Number, Reading

__all__ = ["document"]

_HEAD = """\
/* A model that was trained with chainrule {version}, in C99. It needs nothing but the C library, and links with -lm.

     model     {digest}
     computes  {shape} in {dtype}{weights}
     compile   cc -std=c99 -O3 -ffp-contract=off -c {name}.c     (with -march=native where it runs on this machine)
     declare   #define {name}_HEADER, then #include "{name}.c": declarations alone
     try       cc -std=c99 -O2 -ffp-contract=off -D{name}_MAIN {name}.c -lm && ./a.out

   {name}_predict computes the answers for a row. It returns 0, or the number (from 1) of the {input} that it cannot
   read: {unreadable}. The answers are then not written.
   It allocates nothing, keeps nothing between calls and changes no global state: any number of threads may call it.
   Its arrays take about {stack:,} bytes of the stack.
{promise} */
"""
_BITS = """\
   The outputs of the network have the bits of chainrule's native engine on any processor that has fused
   multiplication and addition; on others fma is slow, but the bits are the same. Do not compile with -ffast-math."""
_NO_BITS = """\
   The weights are rounded to {weights}, so answers differ from those of the model. Do not compile with -ffast-math."""
_NUMBER_IN = """
/* The number in a text; NaN if it is empty, infinite if it is something else. */
static double number_in(const char *text) {
  char *end;
  const double number = strtod(text, &end);
  return !*text ? NAN : *end ? INFINITY : number;
}
"""
_GUARD = """\
#ifdef __FAST_MATH__
#error "-ffast-math changes what NaN and sums are: compile without it"
#endif

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif
"""


def document(program: Program, name: str, weights: str | None) -> str:
    """The C file of a program; see `C.written`."""
    inner = _generated(program, name, weights)
    kinds = ("own" if weights is None else weights, program.dtype.name)
    fixed = pieces_for(inner, (kinds[1], "functions", f"weights_{kinds[0]}", "layers", "cells", "answers"))
    parts = [
        _head(program, name, weights) + "\n" + _declarations(program, name),
        f"#ifndef {name}_HEADER",
        "#include <stddef.h>\n#include <string.h>",
        _GUARD,
        fixed,
        "/* " + "-" * 66 + " the model */",
        inner,
        _main(program, name),
        f"#endif /* {name}_HEADER */\n",
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(program: Program, name: str, weights: str | None) -> str:
    numbers, sizes, size = program.columns is None, program.architecture.sizes, program.dtype.itemsize
    return _HEAD.format(
        version=__version__,
        digest=program.digest or "without a file",
        shape=" -> ".join(map(str, sizes)),
        dtype=real_type(program),
        weights="" if weights is None else f", from weights in {weights}",
        name=name,
        input="number" if numbers else "column",
        unreadable="NaN or infinite" if numbers else "an infinite number, or a text that is not a time",
        stack=size * (sum(_buffers(program)) + 64) + 1024,
        promise=_BITS if weights is None else _NO_BITS.format(weights=weights),
    )


def _buffers(program: Program) -> tuple[int, int]:
    """The sizes of the buffers of the layers 1, 3, 5, ... (from 3 on where a row is numbers), and of 2, 4, 6, ..."""
    sizes = program.architecture.sizes
    first = sizes[2::2] if program.columns is None else sizes[::2]
    return max(first, default=0), max(sizes[1::2])


def _declarations(program: Program, name: str) -> str:
    row = "" if program.columns is None else row_struct(name, program.columns) + "\n\n"
    names = "" if program.columns is None else f"\nextern const char *const {name}_columns[{len(program.columns)}];\n"
    return f"""\
#ifndef {name}_INCLUDED
#define {name}_INCLUDED

#include <math.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{row}{answer_struct(name, program)}
{names}
int {name}_predict({_argument(program, name)}, struct {name}_answer *answer);

#ifdef __cplusplus
}}
#endif

#endif"""


def _argument(program: Program, name: str) -> str:
    if program.columns is not None:
        return f"const struct {name}_row *row"
    return f"const {real_type(program)} x[{program.width}]"


def _generated(program: Program, name: str, weights: str | None) -> str:
    parts = [layer_functions(program, weights), answer_function(name, program), _predict(program, name)]
    if program.columns is not None:
        head = f"const char *const {name}_columns[{len(program.inputs)}] = {{"
        names = f"{head}\n{rows_of(map(quoted, program.inputs))}}};"
        parts[1:1] = [names, encode_function(name, program.columns)]
    return "\n\n".join(parts)


def _predict(program: Program, name: str) -> str:
    """The one function: the layers write into two buffers by turns."""
    odd, even = _buffers(program)
    first, count = "odd", len(program.layers)
    lines = ["const int unreadable = encode(row, odd);", "if (unreadable) return unreadable;"]
    if program.columns is None:
        first = "x"
        lines = [f"for (int k = 0; k < {program.width}; k++)", "  if (!is_finite((double)x[k])) return k + 1;"]
    zeros = " = {0}" if program.columns is not None else ""
    buffers = ", ".join(([f"odd[{odd}]{zeros}"] if odd else []) + [f"even[{even}]"])
    chain = [first, *(("even", "odd")[k % 2] for k in range(count))]
    layers = [f"layer_{k + 2}({chain[k]}, {chain[k + 1]});" for k in range(count)]
    body = [f"real {buffers};", *lines, *layers, f"answer_from({chain[-1]}, answer);", "return 0;"]
    head = f"int {name}_predict({_argument(program, name)}, struct {name}_answer *answer) {{"
    return "\n".join([head, indented("\n".join(body)), "}"])


def _main(program: Program, name: str) -> str:
    """A program that answers for the row of its arguments."""
    count = len(program.inputs)
    if program.columns is None:
        row, passed = f"{real_type(program)} row[{count}]", "row"
        fill = [f"for (int k = 0; k < {count}; k++) row[k] = ({real_type(program)})number_in(argv[k + 1]);"]
        usage, unreadable = f'"%s: {count} numbers\\n", argv[0]', '"number %d is not a finite number\\n", code'
    else:
        row, passed = f"struct {name}_row row", "&row"
        pairs = enumerate(zip(members(program.columns), program.columns, strict=True), start=1)
        fill = [f"row.{member} = {_cell(column.reading, k)};" for k, (member, column) in pairs]
        usage = f'"%s: a cell for each of the {count} columns, \\"\\" for a missing one\\n", argv[0]'
        unreadable = f'"cannot read the cell of column %s\\n", {name}_columns[code - 1]'
    body = [f"{row};", f"struct {name}_answer answer;", "int code;"]
    body += [f"if (argc != {count + 1}) {{", f"  fprintf(stderr, {usage});", "  return 2;", "}", *fill]
    body += [f"code = {name}_predict({passed}, &answer);", "if (code) {"]
    body += [f"  fprintf(stderr, {unreadable});", "  return 1;", "}", *printed(program), "return 0;"]
    number_in = _NUMBER_IN if "number_in(" in "".join(fill) else ""
    main = indented("\n".join(body))
    return (
        f"#ifdef {name}_MAIN\n#include <stdio.h>\n#include <stdlib.h>\n{number_in}\n"
        f"int main(int argc, char **argv) {{\n{main}\n}}\n#endif /* {name}_MAIN */"
    )


def _cell(reading: Reading, k: int) -> str:
    return f"number_in(argv[{k}])" if isinstance(reading, Number) else f"argv[{k}]"
