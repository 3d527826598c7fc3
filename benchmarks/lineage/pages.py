"""The pages of docs/lineage: their code, which the benchmarks run, and their tables, which the results fill in.

A table is between `<!-- NAME -->` and `<!-- /NAME -->`, where NAME is that of a study, "summary" or "about".
"""

import contextlib
import doctest
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.lineage.studies import STUDIES, SUMMARY, Row

__all__ = ["FOLDER", "code", "filled", "read", "table", "write"]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "lineage"
HEAD = ("", "original", "ours: median", "quartiles", "seeds")
Recorded = dict[str, Any]  # "about", and for each study the number of seeds and, by name, the values of all of them


@cache
def code(page: str) -> dict[str, Any]:
    """The names that a page's examples define, after they have run; the project's folder is the working directory."""
    names: dict[str, Any] = {"np": np, "cr": cr}
    with contextlib.redirect_stdout(io.StringIO()):
        for example in doctest.DocTestParser().get_examples((FOLDER / f"{page}.md").read_text("utf-8")):
            exec(compile(example.source, page, "exec"), names)
    return names


def read(name: str) -> Recorded:
    """What is recorded in a file of the folder: results.json, or pictures.json."""
    path = FOLDER / name
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write(name: str, recorded: Recorded) -> None:
    """Record it, one line for each list."""
    text = json.dumps(recorded, indent=1, sort_keys=True, ensure_ascii=False)
    short = re.sub(r"\[[^\[\]{}]*\]", lambda numbers: re.sub(r"\s+", " ", numbers[0]), text)
    (FOLDER / name).write_text(short + "\n", "utf-8")


def filled(text: str, recorded: Recorded) -> str:
    """The text of a page with what these results say between its markers."""

    def fresh(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n{_between(match[1], recorded)}<!-- /{match[1]} -->"

    return re.sub(r"<!-- ([\w-]+) -->\n.*?<!-- /\1 -->", fresh, text, flags=re.DOTALL)


def _between(name: str, recorded: Recorded) -> str:
    if name == "about":
        return f"{recorded['about']}\n"
    if name == "summary":
        return _markdown(_summary(recorded))
    return table(STUDIES[name].rows, recorded[name]) if name in recorded else ""


def table(rows: tuple[Row, ...], study: Recorded) -> str:
    """The rows as Markdown; a row whose value is not recorded is left out."""
    return _markdown(_cells(row, study) for row in rows if row.name in study["values"])


def _summary(recorded: Recorded) -> Iterator[tuple[str, ...]]:
    for name, row_name, words in SUMMARY:
        if name in recorded:
            row = next(row for row in STUDIES[name].rows if row.name == row_name)
            page = STUDIES[name].page
            yield (f"[{words}]({page}.md)", *_cells(row, recorded[name])[1:])


def _markdown(lines: Iterator[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (HEAD, ("---",) * len(HEAD), *lines))


def _cells(row: Row, study: Recorded) -> tuple[str, ...]:
    """The five cells of a row; of values that are yes or no, the share of runs in place of a median."""
    values = study["values"][row.name]
    known = [value for value in values if value is not None]
    seeds = str(len(known)) if len(known) == len(values) else f"{len(known)} of {len(values)}"
    if all(isinstance(value, bool) for value in known):
        return row.text, row.original, f"{np.mean(known):.0%} of runs", "", seeds
    low, median, high = (_number(value, row.digits) for value in np.percentile(known, (25, 50, 75)))
    if study["seeds"] == 1:
        return row.text, row.original, median, "", "nothing is random"
    return row.text, row.original, median, f"{low} to {high}", seeds


def _number(value: float, digits: str) -> str:
    return f"{round(value):,}" if digits == "d" else f"{value:{digits}}"
