"""JavaScript: one ES module without dependencies."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from chainrule.errors import DataError, SettingError
from chainrule.export.format import Format, Rows, Runner
from chainrule.export.portable import as_json, interpreter
from chainrule.export.program import Answer, ClassOutput, Program
from chainrule.text import shortened

__all__ = ["JavaScript"]

_FILES = "javascript.js", "javascript_layers.js"
_PLACE = "const MODEL = ", ";\n"  # no line of JSON ends so
_LARGEST = 2**53 - 1  # whole number of JavaScript's numbers
_BLOCK = 4096  # rows that are sent at once

_DRIVER = """
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
const source = readFileSync(process.argv[1]).toString("base64");
const { answers, metadata } = await import(`data:text/javascript;base64,${source}`);
const finite = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
const pair = ({ name, classes }, { [name]: { answer, probabilities } }) => {
  return [answer, probabilities === null ? [] : classes.map((each) => probabilities[each])];
};
const answered = (row) => {
  const all = answers(row);
  return metadata.targets.map((target) => pair(target, all));
};
for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = { rows: JSON.parse(line).map(answered) };
  } catch (error) {
    reply = { error: error.message };
  }
  process.stdout.write(JSON.stringify(reply, finite) + "\\n");
}
"""


class JavaScript(Format):
    """A module for Node, browsers, workers and Deno."""

    name: ClassVar[str] = "js"
    ending: ClassVar[str] = ".js"
    title: ClassVar[str] = "JavaScript"
    other_endings: ClassVar[tuple[str, ...]] = (".mjs",)

    def written(self, program: Program, **options: Any) -> bytes:
        for output in program.outputs:
            if isinstance(output, ClassOutput):
                _check_classes(output)
        document = as_json(program).replace("<", "\\u003c")  # so that no text ends the script of a page
        return interpreter(_FILES, *_PLACE, document).encode()

    def runner(self, path: Path, program: Program) -> Runner:
        node = shutil.which("node")
        if node is None:
            raise SettingError("nothing here runs JavaScript: install Node 18 or newer (https://nodejs.org)")

        def run(rows: Rows) -> dict[str, Answer]:
            cells = list(zip(*(_cells(rows[name].tolist()) for name in program.inputs), strict=True))
            by_row = [row for block in _replies(node, path, cells) for row in block]
            return {
                output.name: Answer.of_rows(output, [row[k] for row in by_row])
                for k, output in enumerate(program.outputs)
            }

        return run


def _check_classes(output: ClassOutput) -> None:
    """Raises SettingError for a whole number that JavaScript would round."""
    wide = [each for each in output.classes if isinstance(each, int) and abs(each) > _LARGEST]
    if wide:
        raise SettingError(
            f"{output.name!r} has the class {wide[0]}, but whole numbers of JavaScript end at {_LARGEST}: "
            "train with the classes as text"
        )


def _cells(values: list[Any]) -> list[Any]:
    """The same with None for NaN, which JSON does not have."""
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


def _replies(node: str, path: Path, rows: Sequence[Any]) -> Iterator[list[Any]]:
    """What one process of Node answers for the rows, a block at a time. Raises as `_reply` does."""
    command = [node, "--input-type=module", "--eval", _DRIVER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8") as process:
        for start in range(0, len(rows), _BLOCK):
            yield _reply(process, path, rows[start : start + _BLOCK])


def _reply(process: subprocess.Popen[str], path: Path, rows: Sequence[Any]) -> list[Any]:
    """What it answers for some rows. Raises DataError where it refuses a cell, SettingError where it does not run."""
    assert process.stdin, "it is a pipe"
    assert process.stdout, "it is a pipe"
    try:
        process.stdin.write(json.dumps(rows) + "\n")
        process.stdin.flush()
        reply = json.loads(process.stdout.readline())
    except (BrokenPipeError, ValueError):
        raise SettingError(f"node cannot run {path} ({_fault(process)}): install Node 18 or newer") from None
    if "error" in reply:
        raise DataError(f"node could not answer by {path}: {reply['error']}")
    answers: list[Any] = reply["rows"]
    return answers


def _fault(process: subprocess.Popen[str]) -> str:
    """Why it ended: the line of stderr that names an error, or its status."""
    assert process.stdin, "it is a pipe"
    assert process.stderr, "it is a pipe"
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    lines = process.stderr.read().splitlines()
    return shortened(next((line for line in lines if "Error" in line), "")) or f"it ended with status {process.wait()}"
