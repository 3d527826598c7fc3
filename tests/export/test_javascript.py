"""The JavaScript export: cells of every kind, errors in one line, odd names, in Node and in a browser."""

import contextlib
import html
import http.server
import json
import math
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export import cells

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.export import FORMATS, Answer, format_of, javascript

FORMAT = FORMATS["js"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ODD_ROWS = [*cells.ODD, "yes", "new", None]


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("Node is not installed")
    return path


@pytest.fixture
def ask(node, tmp_path):
    """What an expression of `model`, the exported module, and of `given` is, in Node that evaluates no text as code."""

    def asked(exported: Any, expression: str, given: Any = None, zone: str = "UTC") -> Any:
        exported.export(tmp_path / "model.mjs")
        driver = f"""
            import * as model from "./model.mjs";
            import {{ readFileSync }} from "node:fs";
            const given = JSON.parse(readFileSync(0));
            const attempt = (f) => {{ try {{ return f(); }} catch (error) {{ return error.message; }} }};
            process.stdout.write(JSON.stringify({expression}));
        """
        command = [node, "--disallow-code-generation-from-strings", "--input-type=module", "--eval", driver]
        environment = {**os.environ, "TZ": zone}
        answer = subprocess.run(
            command, input=json.dumps(given).encode(), capture_output=True, check=True, cwd=tmp_path, env=environment
        )
        return json.loads(answer.stdout)

    return asked


def close(answers: Any, expected: Any) -> None:
    np.testing.assert_allclose(answers, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", cells.COLUMNS)
def test_a_text_is_read_as_the_library_reads_it(kind, ask):
    model = cells.model_of(kind)
    answers = ask(model, "given.map((x) => model.predict({ x }))", cells.TEXTS[kind])
    close(answers, cells.answers_to(model, cells.TEXTS[kind]))


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        ("number", "[1.5, 3, true, false, 3n, null, undefined, NaN]", ["1.5", "3", "1", "0", "3", "", "", ""]),
        (
            "word",
            "[1, 0.5, true, 1n, 1e20, 1e-7, 10000000000.5]",
            ["1", "0.5", "true", "1", "1e+20", "1e-7", cells.WORDS[6]],
        ),
        ("word", "[null, undefined, NaN, -0, Infinity]", ["", "", "", "0", "inf"]),
        ("word", "[new Date('2024-02-29'), new Date('2024-02-29T13:30:00.250Z')]", ["2024-02-29", cells.WORDS[10]]),
        ("time", "[new Date('2024-02-29T13:30:00.25Z'), null]", ["2024-02-29 13:30:00.25", ""]),
        ("time", "[new Date('0050-03-01'), new Date(-1)]", ["0050-03-01", "1969-12-31 23:59:59.999"]),
        ("date", "[20240229, 20240229n, NaN, new Date('2024-02-29')]", ["20240229", "20240229", "", "2024-02-29"]),
        ("presence", "[1, 0, false, null, undefined, NaN]", ["0", "0", "0", "", "", ""]),
    ],
)
def test_a_value_is_read_as_its_text(kind, values, texts, ask):
    model = cells.model_of(kind)
    answers = ask(model, f"{values}.map((x) => model.predict([x]))", zone="America/New_York")
    close(answers, cells.answers_to(model, texts))


@pytest.mark.parametrize("kind", cells.BAD)
def test_a_bad_cell_is_refused_in_one_line(kind, ask):
    for message in ask(cells.model_of(kind), "given.map((x) => attempt(() => model.predict([x])))", cells.BAD[kind]):
        assert re.fullmatch(r'column "x" holds (numbers|times), but ".* came: .*', message)
        assert len(message) < 200


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", "[[1], {}, new Date(), Symbol('a'), Object.create(null), Infinity]"),
        ("word", "[['a'], {}, new Date(NaN), Symbol('a'), () => 1]"),
        ("time", "[5, {}, new Date(NaN), true, 20240229]"),
        ("date", "[5, {}, new Date(NaN), true, 20240229.5]"),
        ("clock", "[5, new Date()]"),
    ],
)
def test_a_value_of_another_kind_is_refused(kind, values, ask):
    for message in ask(cells.model_of(kind), f"{values}.map((x) => attempt(() => model.predict([x])))"):
        assert re.fullmatch(r'column "x" holds (number|word|time)s, but .* came: .*', message)


def test_a_number_far_out_is_refused(ask):
    message = ask(cells.model_of("number", column=cells.FAR), "attempt(() => model.predict([1e100]))")
    assert message == 'column "x" is too far from the training data: fix it, or leave the cell empty'


def test_text_that_the_form_of_a_column_reads_as_another_number_is_refused(ask):
    model = cells.model_of("number", column=cells.COMMA)
    answer, message = ask(model, "['1234.5', '1.234'].map((x) => attempt(() => model.predict([x])))")
    close(answer, cells.answers_to(model, ["1.234,5"])[0])
    assert message.startswith('column "x" holds numbers, in training written as 1.234,5, but "1.234" came: ')


ROWS = {
    "({ x1: 1, x2: 2, x3: 3, more: 4 })": None,
    "new Map([['x3', 3], ['x2', 2], ['x1', 1]])": None,
    "new Float32Array([1, 2, 3])": None,
    "new (class { get x1() { return 1; } get x2() { return 2; } x3 = 3; })()": None,
    "[1, 2]": 'the row has 2 cells, but needs 3: "x1", "x2", "x3"',
    "({ x1: 1, x2: 2 })": 'the row has no "x3": it needs "x1", "x2", "x3"',
    "'abc'": 'a row is an object or an array, but "abc" came',
    "null": "a row is an object or an array, but null came",
    "[1, NaN, 3]": 'input "x2" is missing: give a number',
    "[1, 1e39, 3]": 'input "x2" is 1e+39, too large for float32: fix it',
}


def test_rows_of_every_kind(ask):
    net = cr.Network([3, 2])
    replies = ask(net, f"[{', '.join(ROWS)}].map((row) => attempt(() => Object.values(model.predict(row))))")
    for reply, message in zip(replies, ROWS.values(), strict=True):
        if message is None:
            np.testing.assert_allclose(reply, net.predict([[1.0, 2.0, 3.0]])[0], atol=1e-6)
        else:
            assert reply == message


def test_odd_names_and_words(ask):
    model = cells.odd_model()
    expression = "given.map((x) => model.answers(new Map(model.inputs.map((name) => [name, x]))))"
    replies = ask(model, expression, ODD_ROWS)
    rows = dict.fromkeys(cells.ODD, ODD_ROWS)
    expected, chances = model.predict(rows), model.probabilities(rows)
    for k, reply in enumerate(replies):
        for target in ("__proto__", "</script>"):
            assert reply[target]["answer"] == expected[target][k]
            ours = {word: chances[f"{target}={word}"][k] for word in cells.ODD}
            assert reply[target]["probabilities"] == pytest.approx(ours, abs=1e-6)


def test_names_that_every_object_has_must_be_its_own(ask):
    expression = "[{}, JSON.parse(given)].map((row) => attempt(() => model.predict(row)))"
    row = json.dumps(dict.fromkeys(cells.ODD, "yes"))
    absent, answer = ask(cells.odd_model(), expression, row)
    assert absent.startswith('the row has no "__proto__": it needs ')
    assert set(answer) == {"__proto__", "</script>"}


def test_what_the_module_offers(ask):
    model = cells.odd_model()
    expression = "[model.metadata, model.inputs, Object.keys(model).sort(), Object.keys(model.default).sort()]"
    metadata, inputs, names, default = ask(model, expression)
    assert metadata["digest"] == model.program.digest
    assert metadata["targets"][0] == {"name": "__proto__", "classes": sorted(cells.ODD)}
    assert tuple(inputs) == cells.ODD
    assert names == sorted([*default, "default"])
    assert default == ["answers", "inputs", "metadata", "predict", "probabilities"]


def test_no_text_ends_the_script_of_a_page():
    text = FORMAT.written(cells.odd_model().program).decode("ascii")
    assert "</script" not in text
    assert "<!--" not in text


def test_a_class_that_javascript_would_round_is_refused():
    mlp = cr.MLPClassifier(hidden_layer_sizes=(), random_state=0)
    mlp.partial_fit([[0.0], [1.0]], [1, 2**53 + 1], classes=[1, 2**53 + 1])
    with pytest.raises(
        SettingError, match=r"^'y' has the class 9007199254740993, but whole numbers of JavaScript end at"
    ):
        FORMAT.written(mlp.program)


def test_either_ending_chooses_the_format():
    assert format_of("a/model.js") is format_of("model.MJS") is FORMAT


def test_without_node_the_runner_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SettingError, match=r"^nothing here runs JavaScript: install Node 18 or newer"):
        FORMAT.runner(tmp_path / "model.js", cells.model_of("number").program)


@pytest.mark.skipif(os.name == "nt", reason="a script of the shell stands for Node")
@pytest.mark.parametrize("rows", [1, 20_000])
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "it ended with status 3"),
        ("echo 'SyntaxError: await is new' >&2; echo Node.js v12 >&2; exit 1", "SyntaxError: await is new"),
        ("echo hello", "it ended with status 0"),
    ],
)
def test_a_node_that_does_not_run_is_named_in_one_line(script, why, rows, tmp_path, monkeypatch):
    fake = tmp_path / "node"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    program = cells.model_of("number").program
    run = FORMAT.runner(tmp_path / "m.js", program)
    with pytest.raises(SettingError, match=rf"^node cannot run [^\n]*m\.js \({why}\): install Node 18 or newer$"):
        run({"x": np.zeros(rows)})


def test_the_runner_sends_rows_in_blocks(node, tmp_path, monkeypatch):
    monkeypatch.setattr(javascript, "_BLOCK", 3)
    model = cells.model_of("number")
    model.export(tmp_path / "model.js")
    run = FORMAT.runner(tmp_path / "model.js", model.program)
    values = np.array([0.5, np.nan, *range(8)])
    answer = run({"x": values})["y"]
    assert isinstance(answer, Answer)
    close(answer.values, [cells.answers_to(model, [None if math.isnan(x) else x])[0] for x in values.tolist()])
    assert len(run({"x": values[:0]})["y"].values) == 0
    with pytest.raises(DataError, match=r'^node could not answer by .*: column "x" holds numbers, but "red" came: '):
        run({"x": np.array(["red"], object)})


PAGE = """<!doctype html><meta charset="utf-8"><title>rows</title><p id="answers"></p>
<script type="module" src="page.js"></script>"""
SCRIPT = """
import model, { predict } from "./model.js";
const rows = await (await fetch("rows.json")).json();
const evaluated = (() => { try { return Function("return 1")(); } catch { return 0; } })();
const answers = rows.map((x) => predict(Object.fromEntries(model.inputs.map((name) => [name, x]))));
document.getElementById("answers").textContent = JSON.stringify({ answers, evaluated });
"""


@contextlib.contextmanager
def served(folder: Path):
    """The address of a folder, served with a policy that admits scripts of files alone."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def guess_type(self, path: Any) -> str:
            return "text/javascript" if str(path).endswith(".js") else super().guess_type(path)

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", "default-src 'self'; script-src 'self'")
            super().end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_page_under_a_content_security_policy(tmp_path):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no browser: none of chromium, chromium-browser, google-chrome, chrome is installed")
    model = cells.odd_model()
    model.export(tmp_path / "model.js")
    (tmp_path / "index.html").write_text(PAGE, "utf-8")
    (tmp_path / "page.js").write_text(SCRIPT, "utf-8")
    (tmp_path / "rows.json").write_text(json.dumps(ODD_ROWS), "utf-8")
    with served(tmp_path) as address:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        command = [browser, *flags, "--virtual-time-budget=20000", "--dump-dom", f"{address}/index.html"]
        page = subprocess.run(command, capture_output=True, check=True, timeout=100).stdout.decode()
    found = re.search(r'<p id="answers">(.*?)</p>', page, re.S)
    reply = json.loads(html.unescape(found[1]))
    expected = model.predict(dict.fromkeys(cells.ODD, ODD_ROWS))
    assert reply["evaluated"] == 0
    for target, values in expected.items():
        assert [answer[target] for answer in reply["answers"]] == values.tolist()
