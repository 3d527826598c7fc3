"""Predictions of a table: rows a second on one core, and one row alone, beside scikit-learn and onnxruntime.

    python -m benchmarks.predict [TABLE.csv --target COLUMN]        (default: titanic, repeated to a million rows)

Contenders take turns, each three times; the best time counts. All run on one processor, and read the same CSV: ours by
`Model.outputs_by_block` and by `chainrule predict -` as a process, scikit-learn's pipeline by pandas in chunks, the
exported ONNX graph by our own reader. Time is that of the processor, of which other programs take nothing.
"""

import argparse
import contextlib
import csv
import io
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import timeit
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import chainrule as cr
from benchmarks.machine import cpus, describe, environment, versions
from chainrule.export import FORMATS
from chainrule.tables.sources import as_source

TITANIC = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[2] / "shared/data")) / "titanic.csv"
LEAKS = ("boat", "body")  # columns of titanic that give the answer away
HIDDEN = (32,)
TURNS, CHUNK = 3, 20_000
SHARE = 5  # peers get one row of so many

Contender = Callable[[], Any]


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", type=Path, default=TITANIC)
    parser.add_argument("--target", default="survived")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    os.sched_setaffinity(0, cpus(1))
    os.environ.update(environment(1))
    warnings.simplefilter("ignore")
    drop = LEAKS if options.table == TITANIC else ()
    model = cr.train_table(options.table, target=options.target, hidden=HIDDEN, epochs=10, drop=drop)
    pipeline = trained_pipeline(options.table, options.target, model.encoder.columns)
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        cr.save(model, where / "m.safetensors")
        whole, part = (repeated(options.table, where, n) for n in (options.rows, options.rows // SHARE))
        print(f"{describe()['model']}, one processor; {versions()}\n{model!r}\n")
        report_tables(tables(model, pipeline, where, whole, part), options.rows)
        report_rows(single_rows(model, pipeline, where, options.table))


def repeated(table: Path, folder: Path, rows: int) -> Path:
    """The table's rows again and again, so many in all, as a file."""
    lines = table.read_bytes().splitlines(keepends=True)
    path = folder / f"{rows}.csv"
    with path.open("wb") as stream:
        stream.write(lines[0])
        stream.writelines(itertools.islice(itertools.cycle(lines[1:]), rows))
    return path


def trained_pipeline(table: Path, target: str, columns: list[str]) -> Any:
    """scikit-learn's pipeline on the same columns, as its users write it."""
    frame = pd.read_csv(table, na_values=["?"])
    numbers = [name for name in columns if frame[name].dtype.kind in "fi"]
    words = [name for name in columns if name not in numbers]
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=101, dtype=np.float32), words),
    )
    return make_pipeline(prepare, MLPClassifier(HIDDEN, max_iter=10)).fit(frame[columns], frame[target])


# --- a table ---------------------------------------------------------------------------------------------------------


def tables(model: Any, pipeline: Any, folder: Path, whole: Path, part: Path) -> dict[str, tuple[Contender, int]]:
    """Each contender, and the share of the rows that it gets."""
    own = {
        "chainrule, library": (lambda: library(model, whole), 1),
        "chainrule predict -": (lambda: command(folder / "m.safetensors", whole), 1),
        "scikit-learn pipeline": (lambda: by_pandas(pipeline, model.encoder.columns, part), SHARE),
    }
    session = onnx_session(model, folder)
    return own | ({"onnxruntime": (lambda: by_session(session, model, part), SHARE)} if session else {})


def library(model: Any, table: Path) -> None:
    """Answers and probabilities, block by block."""
    for outputs in model.outputs_by_block(table):
        model.targets.decode(outputs)
        model.targets.probabilities(outputs)


def command(model: Path, table: Path) -> None:
    """The command line as a process, with the rows on its standard input."""
    with table.open("rb") as rows:
        program = [sys.executable, "-m", "chainrule", "predict", str(model), "-"]
        subprocess.run(program, stdin=rows, stdout=subprocess.DEVNULL, check=True)


def by_pandas(pipeline: Any, columns: list[str], table: Path) -> None:
    """scikit-learn's pipeline, chunk by chunk."""
    for frame in pd.read_csv(table, na_values=["?"], usecols=columns, chunksize=CHUNK):
        probabilities = pipeline.predict_proba(frame)
        pipeline.classes_[probabilities.argmax(axis=1)]


def onnx_session(model: Any, folder: Path) -> Any:
    """A session of the exported graph with one thread; None where the format or onnxruntime is missing."""
    with contextlib.suppress(ImportError):
        import onnxruntime

        if "onnx" in FORMATS:
            model.export(folder / "m.onnx")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            return onnxruntime.InferenceSession(str(folder / "m.onnx"), options, providers=["CPUExecutionProvider"])
    return None


def by_session(session: Any, model: Any, table: Path) -> None:
    """The exported graph, chunk by chunk."""
    program = model.program
    for block in as_source(table).blocks():
        for start in range(0, block.num_rows, CHUNK):
            session.run(None, feeds(session, program, block.slice(start, CHUNK)))


def feeds(session: Any, program: Any, table: Any) -> dict[str, Any]:
    """The columns of a table as the graph takes them, (n, 1) each."""
    cells = list(program.cells(table).values())
    inputs = [each.name for each in session.get_inputs()]
    texts = [np.where(cell == None, "", cell) if cell.dtype == object else cell for cell in cells]  # noqa: E711
    return {name: cell[:, np.newaxis] for name, cell in zip(inputs, texts, strict=True)}


def report_tables(contenders: dict[str, tuple[Contender, int]], rows: int) -> None:
    """Rows a second of the processor, the best of the turns."""
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(TURNS):
        for name, (run, share) in contenders.items():
            best[name] = min(best[name], share * processor_seconds(run))
    print(f"{rows:,} rows of CSV               rows/s and core    µs/row")
    for name, seconds in best.items():
        print(f"{name:32} {rows / seconds:14,.0f}   {1e6 * seconds / rows:9.2f}")


def processor_seconds(run: Contender) -> float:
    """The seconds of the processor that a call takes, with the processes that it starts."""
    start = processor_time()
    run()
    return processor_time() - start


def processor_time() -> float:
    """The seconds of the processor so far, of this process and of those that it has waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


# --- one row ---------------------------------------------------------------------------------------------------------


def single_rows(model: Any, pipeline: Any, folder: Path, table: Path) -> Iterator[tuple[str, Contender]]:
    """Each contender for one row, whose cells are text as in a CSV or numbers as in a program."""
    frame = pd.read_csv(table, na_values=["?"])[model.encoder.columns]
    text = next(csv.DictReader(io.StringIO(table.read_text())))
    typed = {name: None if pd.isna(cell) else cell for name, cell in frame.iloc[0].to_dict().items()}
    predict, cells, one = model.predictor(), tuple(typed.values()), frame.iloc[:1]
    x = model.encoder.encode(as_source({name: [cell] for name, cell in typed.items()}).table())[0]
    network = model.network.predictor()
    yield "chainrule predictor, a mapping", lambda: predict(typed)
    yield "chainrule predictor, texts", lambda: predict(text)
    yield "chainrule predictor, a tuple", lambda: predict(cells)
    yield "of which the network", lambda: network(x)
    yield "chainrule Model.predict", lambda: model.predict(one)
    yield "scikit-learn pipeline", lambda: pipeline.predict(one)
    session = onnx_session(model, folder)
    if session:
        given = feeds(session, model.program, as_source({name: [cell] for name, cell in typed.items()}).table())
        yield "onnxruntime, arrays ready", lambda: session.run(None, given)


def report_rows(contenders: Iterator[tuple[str, Contender]]) -> None:
    """Microseconds for one row, the best of many short series."""
    print("\none row                                    µs")
    for name, run in contenders:
        run()
        once = timeit.timeit(run, number=3) / 3
        number = max(3, int(0.005 / once))
        best = min(timeit.repeat(run, number=number, repeat=100 if once < 1e-3 else 20)) / number
        print(f"{name:34} {1e6 * best:10.1f}")


if __name__ == "__main__":
    main()
