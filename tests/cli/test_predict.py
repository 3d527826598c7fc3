"""`chainrule predict`: answers by name, as CSV or JSON."""

import csv
import gzip
import io
import json
import os
import shlex
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.cli.answer_columns import Choice, Threshold
from chainrule.cli.answers import answering
from chainrule.errors import DataError, SettingError
from chainrule.serve.served import Goal, Prediction
from chainrule.tables.sources import as_source
from chainrule.tables.sources.once import DelimitedStream

from .processes import CLEAN, PROGRAM, here


def test_answers_never_take_the_place_of_others(tmp_path: Path) -> None:
    rows = [[k, "p" if k % 2 else "q", k * 1.5] for k in range(40)]
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["x", "a", "a=p"], *rows])
    train = ("train", "t.csv", "--target", "a,a=p", "--epochs", "1", "--out", "m.safetensors")
    here(*train, cwd=tmp_path)
    assert "'a=p'" in here("predict", "m.safetensors", "t.csv", cwd=tmp_path, code=2)[1]
    out, _ = here("predict", "m.safetensors", "t.csv", "--no-probabilities", cwd=tmp_path)
    assert out.splitlines()[0] == '"a","a=p"'


def test_predictions_as_json_are_one_object_a_row(folder: Path) -> None:
    out, _ = here("predict", "m.safetensors", "new.csv.gz", "--json", cwd=folder)
    assert [json.loads(line)["answer"] for line in out.splitlines()] == ["yes", "no"]


@pytest.fixture
def seven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are answered seven rows at a time: with five inputs each."""
    monkeypatch.setattr("chainrule.tables.chunks.AT_ONCE", 35)


@pytest.mark.parametrize("options", [(), ("--no-probabilities",), ("--json",)])
def test_answers_cut_into_blocks_are_those_of_one(
    folder: Path, options: tuple[str, ...], capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    model, table, out = (str(folder / name) for name in ("m.safetensors", "t.csv", "p.csv"))
    whole, _ = here("predict", model, table, *options, cwd=folder)
    request.getfixturevalue("seven")
    assert run(["predict", model, table, *options]) == 0
    assert capfd.readouterr().out == whole
    assert run(["predict", model, table, *options, "--out", out]) == 0
    said = capfd.readouterr().out
    if "--json" in options:
        whole_document = {"rows": 120, "columns": ["answer", "answer=no", "answer=yes"], "out": out}
        assert json.loads(said) == {**whole_document, "drift": {"rows": 120, "columns": []}}
    else:
        assert Path(out).read_text() == whole


@pytest.mark.usefixtures("seven")
def test_a_row_without_an_answer_is_named_and_leaves_no_half_file(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [[1, "blue" if k % 2 else "red", "about 3" if k == 90 else 2.5] for k in range(100)]
    with (tmp_path / "new.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "colour", "b"], *rows])
    (tmp_path / "p.csv").write_text("of old")
    command = ["predict", str(folder / "m.safetensors"), str(tmp_path / "new.csv")]
    assert run([*command, "--out", str(tmp_path / "p.csv")]) == 1
    assert "'about 3' came in row 91:" in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "p.csv"]
    assert (tmp_path / "p.csv").read_text() == "of old"
    assert run(command) == 1
    out, error = capfd.readouterr()
    assert "'about 3' came in row 91:" in error
    assert len(out.splitlines()) == 1 + 84  # the names, and the rows of the 12 blocks before


# --- a table that comes once -----------------------------------------------------------------------------------------


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """A function that gives what `predict` writes for a table on standard input, in this process."""
    before = os.dup(0)

    def piped(folder: Path, text: bytes | str, *options: str, code: int = 0) -> tuple[str, str]:
        (tmp_path / "stdin").write_bytes(text.encode() if isinstance(text, str) else text)
        monkeypatch.chdir(folder)
        os.dup2(stream := os.open(tmp_path / "stdin", os.O_RDONLY), 0)
        os.close(stream)
        assert run(["predict", "m.safetensors", *(options or ("-",))]) == code
        return capfd.readouterr()

    yield piped
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.parametrize("text", ["utf-8", "utf-16", "semicolons"])
def test_standard_input_is_answered_as_the_same_file(folder: Path, tmp_path: Path, piped: Any, text: str) -> None:
    table = (folder / "t.csv").read_text()
    table = table.replace(",", ";").replace(".", ",") if text == "semicolons" else table
    data = table.encode(text if text.startswith("utf") else "utf-8")
    (tmp_path / "same.csv").write_bytes(data)
    assert piped(folder, data)[0] == piped(folder, b"", str(tmp_path / "same.csv"))[0]


@pytest.mark.usefixtures("small_blocks")
def test_a_stream_in_blocks_is_read_as_the_file_in_blocks(folder: Path) -> None:
    data = (folder / "t.csv").read_bytes()
    stream = DelimitedStream(io.BytesIO(data), "standard input")
    blocks = list(stream.blocks())
    assert len(blocks) > 5
    assert [block.to_pylist() for block in blocks] == [b.to_pylist() for b in as_source(folder / "t.csv").blocks()]
    with pytest.raises(DataError, match="standard input comes once"):
        next(stream.blocks())


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("row_blocks", "once"):
        monkeypatch.setattr(f"chainrule.tables.sources.{module}.BLOCK_BYTES", 200)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "standard input is empty: its first line must name the columns"),
        ("a,b,colour\n", "standard input has 3 columns and no rows: at least one of each is needed"),
        ("a,colour\n1,red\n", "there is no input column 'b': the columns are 'a', 'colour'"),
        ("a,b,colour\n1,high,red\n", "column 'b' holds numbers, but 'high' came in row 1"),
        ("a,b,colour\n1,2,red\n1,2\n", "line 3 of standard input has 2 columns, but the first line names 3"),
        (gzip.compress(b"a,b,colour\n1,2,red\n", mtime=0), "standard input is compressed with gzip: unpack it before"),
        (b"PAR1\0\0", "standard input is binary, or UTF-16 without a byte order mark, not CSV text"),
    ],
)
def test_standard_input_that_is_no_such_table_is_refused_in_one_line(
    folder: Path, piped: Any, text: bytes | str, line: str
) -> None:
    out, err = piped(folder, text, code=1)
    assert out == ""
    assert err.startswith(f"chainrule: {line}")
    assert err.count("\n") == 1


def test_a_pipe_of_the_shell_is_a_table(folder: Path, piped: Any) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a,b,colour\n1,2,red\n")
    os.close(writer)
    out, _ = piped(folder, "", f"/dev/fd/{reader}")
    os.close(reader)
    assert len(out.splitlines()) == 2


def test_a_reader_that_has_seen_enough_ends_it_without_a_word(folder: Path) -> None:
    command = " ".join([*map(shlex.quote, [*PROGRAM, "predict", "m.safetensors", "-"]), "| head -1"])
    rows = "a,b,colour\n" + "1,2,red\n" * 50_000
    done = subprocess.run(
        command, shell=True, cwd=folder, input=rows.encode(), capture_output=True, check=False, env=CLEAN, timeout=120
    )
    assert done.stdout.splitlines() == [b'"answer","answer=no","answer=yes"']
    assert done.stderr == b""


def test_the_memory_of_a_long_stream_stays_flat(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.tables.sources.row_blocks.BLOCK_BYTES", 1 << 19)
    text = io.BytesIO(b"a,b,colour,note\n" + b"1,2.5,red,something that nobody needs\n" * 120_000)
    stream = DelimitedStream(text, "standard input")
    answers, peaks, count = answering(folder / "m.safetensors").answers(stream, Choice(("colour",))), [], 0
    tracemalloc.start()
    for block in answers:
        count += len(block["answer"])
        peaks.append(tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes())
        tracemalloc.reset_peak()
    tracemalloc.stop()
    assert count == 120_000
    assert len(peaks) > 5
    assert max(peaks[2:]) < 1.2 * max(peaks[:2])


# --- what is written -------------------------------------------------------------------------------------------------


def test_columns_that_identify_a_row_come_first(folder: Path, piped: Any) -> None:
    table = "id,colour,a,b\n007,red,3,2.5\nx y,blue,1,?\n"
    out, _ = piped(folder, table, "-", "--id", "id", "--id", "a", "--no-probabilities")
    assert out.splitlines() == ['"id","a","answer"', '"007","3","yes"', '"x y","1","no"']
    lines = piped(folder, table, "--json", "--id", "id,colour", "-")[0].splitlines()
    assert [(line["id"], line["colour"]) for line in map(json.loads, lines)] == [("007", "red"), ("x y", "blue")]
    error = piped(folder, table, "-", "--id", "key", code=1)[1]
    assert "there is no identifying column 'key': the columns are 'id', 'colour', 'a', 'b'" in error
    error = piped(folder, "answer,colour,a,b\nyes,red,3,2.5\n", "-", "--id", "answer", code=2)[1]
    assert "two columns would be named 'answer': leave out --id of that column" in error


def test_a_threshold_moves_the_line_between_two_classes(folder: Path, piped: Any) -> None:
    out, _ = piped(folder, "", "t.csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    for threshold, word in (("0.9", "yes"), ("yes=0.9", "yes"), ("no=0.05", "no"), ("0", "yes"), ("no=1", "no")):
        out, _ = piped(folder, "", "t.csv", "--threshold", threshold)
        other = {"yes": "no", "no": "yes"}[word]
        least = float(threshold.rpartition("=")[2])
        expected = [word if np.float32(row[f"answer={word}"]) >= np.float32(least) else other for row in rows]
        assert [row["answer"] for row in csv.DictReader(io.StringIO(out))] == expected


@pytest.mark.parametrize(
    ("threshold", "line"),
    [
        ("1.5", "threshold is '1.5', but must be a probability from 0 to 1, or CLASS=PROBABILITY"),
        ("=0.5", "threshold is '=0.5', but must be"),
        ("maybe=0.5", "threshold is for class 'maybe', but the classes are 'no', 'yes'"),
    ],
)
def test_a_threshold_that_does_not_fit_is_refused(folder: Path, piped: Any, threshold: str, line: str) -> None:
    assert line in piped(folder, "", "t.csv", "--threshold", threshold, code=2)[1]


def test_a_threshold_is_for_one_target_of_two_classes() -> None:
    two, three, number = Goal("y", ("a", "b"), ("a", "b")), Goal("z", (0, 1, 2), ("0", "1", "2")), Goal("n", (), ())
    chances = {"a": np.array([0.25, 0.5]), "b": np.array([0.75, 0.5])}
    answers = {
        "y": Prediction("y", np.array(["b", "a"]), chances),
        "z": Prediction("z", np.array([1, 2]), dict.fromkeys("012", np.array([0.3, 0.3]))),
        "n": Prediction("n", np.array([1.0, 2.0]), None),
    }
    for least, expected in (("0.6", "ba"), ("0.8", "aa"), ("a=0.3", "ba"), ("a=0.1", "aa")):
        changed = Threshold.of(least).applied([two, three], [answers["y"], answers["z"]])
        assert "".join(changed[0].values) == expected
        assert changed[1] is answers["z"]
    for goals in ([number], [three, number], [two, two]):
        with pytest.raises(
            SettingError, match=r"threshold is for one target with two classes, but (here are|none of|.* is not one)"
        ):
            Threshold.of("0.6").applied(goals, [answers[goal.name] for goal in goals])


def test_an_estimator_and_a_network_take_streams_identifiers_and_thresholds(tmp_path: Path, piped: Any) -> None:
    X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]]), np.array([False, True, True])
    cr.save(cr.MLPClassifier(4, solver="lbfgs", max_iter=300, random_state=0).fit(X, y), tmp_path / "m.safetensors")
    table = "u,key,v\n0,k1,1\n1,k2,0\n"
    out, _ = piped(tmp_path, table, "-", "--id", "key", "--threshold", "False=0")
    assert [row["y"] for row in csv.DictReader(io.StringIO(out))] == ["false", "false"]
    assert out.splitlines()[0] == '"key","y","y=False","y=True"'
    cr.save(cr.Network([2, 1]), tmp_path / "m.safetensors")
    assert piped(tmp_path, table, "-", "--id", "key")[0].splitlines()[0] == '"key","output 1"'
    error = piped(tmp_path, table, "-", "--id", "key", "--threshold", "0.5", code=2)[1]
    assert "threshold is for one target with two classes, but 'output 1' is not one: leave it out" in error
