"""The Python export: cells of every kind, errors in one line, and CSV as `chainrule predict` writes it."""

import ast
import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from tests.export import cells

import chainrule as cr
from chainrule.cli import run as command_line
from chainrule.errors import DataError

SMALL = {"x": [0, 1] * 20, "w": ["a", "b", "c", "d"] * 10, "y": ["no", "yes"] * 20}


def module_of(exported, path: Path) -> dict:
    """The names of the exported module."""
    exported.export(path / "model.py")
    exec(compile((path / "model.py").read_text("utf-8"), "model.py", "exec"), names := {"__name__": "model"})
    return names


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A folder with a small model, its export, and rows."""
    folder = tmp_path_factory.mktemp("small")
    model = cr.train_table(SMALL, target="y", epochs=3)
    model.save(folder / "model.safetensors")
    model.export(folder / "model.py")
    (folder / "rows.csv").write_text("w,x\na,0\nb,1\n?,\n", "utf-8")
    return folder


def program(folder: Path, *arguments: str, rows: str | bytes = "") -> subprocess.CompletedProcess:
    """The export as a program, without packages and without what a user has set."""
    command = [sys.executable, "-S", "-I", folder / "model.py", *arguments]
    rows = rows.encode() if isinstance(rows, str) else rows
    return subprocess.run(command, input=rows, capture_output=True, check=False, timeout=60)


def test_it_is_python_3_8_and_imports_the_standard_library_alone(small):
    tree = ast.parse((small / "model.py").read_text("utf-8"), feature_version=(3, 8))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name.name for node in imported if isinstance(node, ast.Import) for name in node.names}
    assert not any(isinstance(node, ast.ImportFrom) for node in imported)
    assert names <= sys.stdlib_module_names


@pytest.mark.parametrize("kind", cells.COLUMNS)
def test_a_cell_is_read_as_the_library_reads_it(kind, tmp_path):
    model = cells.model_of(kind)
    predict, some = module_of(model, tmp_path)["predict"], [*cells.TEXTS[kind], *cells.OBJECTS[kind]]
    answers = cells.answers_to(model, some)
    assert len(set(answers)) > 1
    np.testing.assert_allclose([predict({"x": cell}) for cell in some], answers, rtol=1e-12, atol=1e-12)


def test_cells_of_numpy_and_pandas(tmp_path):
    pd = pytest.importorskip("pandas")
    number, word = (module_of(cells.model_of(kind), tmp_path)["predict"] for kind in ("number", "word"))
    time = module_of(cells.model_of("time"), tmp_path)["predict"]
    for cell in (np.float64(1.5), np.float32(1.5), pd.Series({"x": 1.5})["x"]):
        assert number([cell]) == number(["1.5"])
    for cell in (np.float64(np.nan), np.float32(np.nan), pd.NA, pd.NaT):
        assert (number([cell]), word([cell]), time([cell])) == (number([None]), word([None]), time([None]))
    assert word([np.int64(1)]) == word([np.float32(1)]) == word(["1"])
    assert word([np.float64(0.5)]) == word(["0.5"])
    assert word([np.bool_(True)]) == word(["true"])
    assert time([pd.Timestamp("2024-02-29 13:30")]) == time(["2024-02-29 13:30"])
    assert number(pd.Series({"x": 1.5})) == number(["1.5"])


@pytest.mark.parametrize(("kind", "cell"), [(kind, cell) for kind, some in cells.BAD.items() for cell in some])
def test_a_bad_cell_is_refused_in_one_line(kind, cell, tmp_path):
    model = cells.model_of(kind)
    with pytest.raises(DataError):
        model.predict({"x": [cell]})
    with pytest.raises(ValueError, match=r"^column 'x' holds (numbers|times), but '.* came: .*$") as error:
        module_of(model, tmp_path)["predict"]({"x": cell})
    assert len(str(error.value)) < 200
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("number", b"1"),
        ("number", [1]),
        ("number", 1j),
        ("number", 10**400),
        ("word", b"a"),
        ("word", ["a"]),
        ("time", 5),
        ("time", 20240229),
        ("date", 5),
        ("date", 20240229.5),
        ("date", True),
        ("clock", 5.0),
    ],
)
def test_an_object_of_another_kind_is_refused(kind, cell, tmp_path):
    with pytest.raises(ValueError, match=r"^column 'x' holds \w+, but .* came: "):
        module_of(cells.model_of(kind), tmp_path)["predict"]([cell])


def test_a_number_too_long_to_be_shown_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^column 'x' holds numbers, but a value of type int came: give a number"):
        module_of(cells.model_of("number"), tmp_path)["predict"]([10**5000])


def test_text_that_the_form_of_a_column_reads_as_another_number_is_refused(tmp_path):
    model = cells.model_of("number", column=cells.COMMA)
    predict = module_of(model, tmp_path)["predict"]
    assert predict(["1234.5"]) == predict([1234.5]) == pytest.approx(cells.answers_to(model, ["1.234,5"])[0], abs=1e-12)
    with pytest.raises(ValueError, match=r"^column 'x' holds .* written as 1\.234,5, but '1\.234' came: "):
        predict(["1.234"])


def test_a_number_far_out_is_refused(tmp_path):
    model = cells.model_of("number", column=cells.FAR)
    with pytest.raises(DataError, match="too far"):
        model.predict({"x": [1e100]})
    with pytest.raises(ValueError, match=r"^column 'x' is too far from the training data: fix it"):
        module_of(model, tmp_path)["predict"]([1e100])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1, 2], "the row has 2 cells, but needs 3: 'x1', 'x2', 'x3'"),
        ({"x1": 1, "x2": 2}, "the row has no 'x3': it needs 'x1', 'x2', 'x3'"),
        ("abc", "a row is a mapping or a list, but 'abc' came"),
        (5, "a row is a mapping or a list, but 5 came"),
        ([1, None, 3], "input 'x2' is missing: give a number"),
        ([1, 1e39, 3], "input 'x2' is 1e+39, too large for float32: fix it"),
        ([1, "a", 3], "input 'x2' holds numbers, but 'a' came: write a number such as 1234.5, or leave the cell empty"),
    ],
)
def test_a_bad_row_is_refused(row, message, tmp_path):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        module_of(cr.Network([3, 2]), tmp_path)["predict"](row)


def test_odd_names_and_words(tmp_path):
    model = cells.odd_model()
    module = module_of(model, tmp_path)
    rows = {name: [*cells.ODD, "yes", "new", None] for name in cells.ODD}
    expected, chances = model.predict(rows), model.probabilities(rows)
    assert module["INPUTS"] == cells.ODD
    for k, word in enumerate(rows["9"]):
        answers = module["answers"](dict.fromkeys(cells.ODD, word))
        for target, (answer, probabilities) in answers.items():
            assert answer == expected[target][k]
            np.testing.assert_allclose(
                list(probabilities.values()), [chances[f"{target}={c}"][k] for c in probabilities], rtol=1e-5
            )


def as_table(text: bytes) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(io.StringIO(text.decode(), newline=""))
    return header, rows


def assert_same_csv(ours: bytes, theirs: bytes) -> None:
    """The same names, the same words with the same quotes, and numbers that rounding explains."""
    assert ours.splitlines()[0] == theirs.splitlines()[0]
    assert ours.count(b'"') == theirs.count(b'"')
    for a, b in zip(as_table(ours)[1], as_table(theirs)[1], strict=True):
        for x, y in zip(a, b, strict=True):
            assert x == y or float(x) == pytest.approx(float(y), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("target", [["kind"], ["ok", "price"], ["count"], ["price"]])
def test_csv_is_what_predict_writes(target, tmp_path, capsysbinary):
    draw = np.random.default_rng(0)
    columns = {
        "size": draw.normal(0, 2, 80).round(3).tolist(),
        "town": draw.choice(["Bern", 'Ge"nf', "Zug, ZG", "1.0"], 80).tolist(),
        "when": [f"2024-0{1 + k % 9}-1{k % 8} 1{k % 7}:30" for k in range(80)],
        "kind": draw.choice(["a", 'b"c', "d,e"], 80).tolist(),
        "ok": draw.choice([True, False], 80).tolist(),
        "count": draw.choice([-1, 3, 10], 80).tolist(),
        "price": (1e5 * draw.random(80)).tolist(),
    }
    model = cr.train_table(columns, target=target, drop=[*({"kind", "ok", "count", "price"} - {*target})], epochs=1)
    model.save(tmp_path / "model.safetensors")
    model.export(tmp_path / "model.py")
    columns["size"][3] = "?"
    pacsv.write_csv(
        pa.table({name: pa.array(list(map(str, cells))) for name, cells in columns.items()}), tmp_path / "rows.csv"
    )
    assert command_line(["predict", str(tmp_path / "model.safetensors"), str(tmp_path / "rows.csv")]) == 0
    answer = program(tmp_path, str(tmp_path / "rows.csv"))
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert_same_csv(answer.stdout, capsysbinary.readouterr().out)


@pytest.mark.parametrize("labels", [["no", "yes"], [[0, 1, 0], [1, 0, 1]]])
def test_csv_of_an_estimator_is_what_predict_writes(labels, tmp_path, capsysbinary):
    X, y = np.random.default_rng(0).normal(0, 1, (20, 2)), np.array(labels * 10)
    classes = ["no", "yes"] if y.ndim == 1 else [0, 1]
    mlp = cr.MLPClassifier(hidden_layer_sizes=(3,), random_state=0).partial_fit(X, y, classes=classes)
    cr.save(mlp, tmp_path / "model.safetensors")
    mlp.export(tmp_path / "model.py")
    (tmp_path / "rows.csv").write_text("x0,x1\n1,2\n-1,0.5\n", "utf-8")
    assert command_line(["predict", str(tmp_path / "model.safetensors"), str(tmp_path / "rows.csv")]) == 0
    assert_same_csv(program(tmp_path, str(tmp_path / "rows.csv")).stdout, capsysbinary.readouterr().out)


def test_rows_from_stdin_in_any_order_and_dialect(small):
    plain = program(small, str(small / "rows.csv")).stdout
    assert plain.startswith(b'"y","y=no","y=yes"\n')
    assert plain.count(b"\n") == 4
    assert program(small, rows=(small / "rows.csv").read_bytes()).stdout == plain
    assert program(small, "-", rows='\ufeffx;more;w\r\n0;\'";a\r\n\r\n1;;"b"\r\n;;\r\n').stdout == plain


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("w,x\na,0\nb,red\n", "row 2: column 'x' holds numbers, but 'red' came: write a number such as 1234.5, or"),
        ("w,x\na,0\nb\n", "row 2 must have 2 cells, one for each column, but has 1"),
        ("w,z\na,0\n", "there is no column 'x': the model needs 'x', 'w'"),
        ("w,x,x\na,0,0\n", "there are two columns 'x': the model needs 'x', 'w'"),
        ("", "there is no row: the first one must name the columns"),
        (b"w,x\na\xff,0\n", "rows are in UTF-8, but the byte 0xff came: save the file as UTF-8"),
    ],
)
def test_an_error_is_one_line_with_the_row(rows, message, small):
    answer = program(small, rows=rows)
    assert answer.returncode == 1
    assert answer.stderr.decode().startswith(f"model.py: {message}")
    assert answer.stderr.count(b"\n") == 1


def test_the_command_line_is_checked(small):
    assert program(small, "--help").stdout.startswith(b"Answers for rows, by a trained model that chainrule exported.")
    for arguments in (["a.csv", "b.csv"], ["--fast"], ["no such file.csv"]):
        answer = program(small, *arguments)
        assert (answer.returncode, answer.stderr.count(b"\n"), answer.stdout) == (1, 1, b"")


def test_a_reader_that_goes_away_is_no_error(small):
    rows = b"w,x\n" + b"a,0\n" * 5000
    command = f"{sys.executable} -S -I {small / 'model.py'} | head -n 1"
    answer = subprocess.run(command, shell=True, input=rows, capture_output=True, check=False, timeout=60)
    assert (answer.stdout, answer.stderr) == (b'"y","y=no","y=yes"\n', b"")


def test_many_rows_of_numbers_are_answered_in_the_type_of_the_network(tmp_path):
    net = cr.Network([40, 30, 2], "gelu", masks=[np.kron(np.eye(2), np.ones((20, 15))), None], seed=5)
    X = np.random.default_rng(1).normal(0, 1, (50, 40)) * (np.random.default_rng(2).random((50, 40)) < 0.5)
    predict = module_of(net, tmp_path)["predict"]
    np.testing.assert_allclose([list(predict(row).values()) for row in X.tolist()], net.predict(X), atol=1e-6)
