"""What is refused, with which status and which one line: bodies, content types, hosts, sizes; and errors inside."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chainrule.serve.bodies import Limits

from .conftest import TABLE

ROW = {name: cells[1] for name, cells in TABLE.items()}
TEXT = json.dumps(ROW)
HEADER = ",".join(TABLE)
JSON, CSV = "application/json", "text/csv"


def refused(response: Any) -> tuple[int, str]:
    """The status and the one line of an error."""
    assert response.headers["content-type"] == "application/json"
    assert "access-control-allow-origin" not in response.headers
    (line,) = response.json().values()
    assert list(response.json()) == ["error"]
    assert "\n" not in line
    assert len(line) < 700
    return response.status_code, line


BODIES: dict[str, tuple[str | bytes, int, str]] = {
    "nothing": ("", 400, "is not JSON: expecting value (at character 1)"),
    "not JSON": ('{"a": 1', 400, "is not JSON"),
    "two documents": (f"{TEXT} {TEXT}", 400, "is not JSON: extra data"),
    "NaN": (f"[{TEXT.replace(str(ROW['a']), 'NaN')}]", 400, "NaN, which JSON does not have: send null"),
    "infinity": ('{"a": -Infinity}', 400, "-Infinity, which JSON does not have"),
    "a name twice": ('[{"a": 1, "a": 2}]', 400, "an object has 'a' more than once"),
    "a number": ("17", 400, "the body is 17, but must be a list of rows"),
    "a text": ('"x"', 400, "the body is 'x', but must be a list of rows"),
    "rows of numbers": ("[1, 2]", 400, "rows must all be objects, or all be lists"),
    "rows of both kinds": (f"[{TEXT}, [1]]", 400, "rows must all be objects, or all be lists"),
    "a list in a cell": (TEXT.replace('"blue"', '["blue"]'), 400, "row 1 of column 'colour' is a list or an object"),
    "an object in a cell": (TEXT.replace('"blue"', "{}"), 400, "row 1 of column 'colour' is a list or an object"),
    "deep": ("[" * 900, 400, "not JSON"),
    "deeper": ("[" * 9000 + "]" * 9000, 400, "nested too deeply"),
    "deep objects": ('{"a":' * 9000 + "1" + "}" * 9000, 400, "nested too deeply"),
    "not UTF-8": (b'{"a": "\xff"}', 400, "is not UTF-8 at byte 8"),
    "UTF-16": (TEXT.encode("utf-16"), 400, "is not UTF-8 at byte 1"),
    "a mark": (b"\xef\xbb\xbf" + TEXT.encode(), 400, "is not JSON: unexpected UTF-8 BOM"),
    "digits": (f'{{"a": {"9" * 5000}}}', 400, "thousands of digits"),
    "no rows": ("[]", 422, "the body has no rows"),
    "columns that are not names": ('{"columns": [1], "rows": [[1]]}', 400, "columns is [1], but must be a list"),
    "columns of objects": (f'{{"columns": ["a"], "rows": [{TEXT}]}}', 400, "with columns they are lists"),
    "a column twice": ('{"columns": ["a", "a"], "rows": [[1, 2]]}', 400, "columns has 'a' more than once"),
    "short rows": ('{"columns": ["a", "b"], "rows": [[1, 2], [1]]}', 422, "row 2 has 1 cell, but there are 2 columns"),
    "missing columns": ('{"a": 1}', 422, "row 1: there are no input columns 'wide', 'price'"),
    "a column in another spelling": (TEXT.replace('"colour"', '"color"'), 422, "(did you mean 'color'?)"),
    "a row that lacks one": (
        f"[{TEXT}, {TEXT.replace('colour', 'x')}]",
        422,
        "row 2: there is no input column 'colour'",
    ),
    "a word among numbers": (TEXT.replace(f'"a": {ROW["a"]}', '"a": "about"'), 422, "'a' holds numbers, but 'about'"),
    "an infinite number": (TEXT.replace(f'"a": {ROW["a"]}', '"a": 1e999'), 422, "is inf, which is not a finite number"),
    "not a time": (TEXT.replace("2020-02-02", "2020-02-31"), 422, "'2020-02-31' came in row 1"),
    "half a character": (TEXT.replace("blue", r"\ud800"), 422, "'colour' cannot be read"),
    "a long cell": (
        TEXT.replace("blue", "x").replace(f'"a": {ROW["a"]}', f'"a": "{"9" * 5000}x"'),
        422,
        "holds numbers",
    ),
    "many names": (
        "{" + ",".join(f'"{k}": 0' for k in range(3000)) + "}",
        413,
        "2,999 commas between cells: at most 1,028",
    ),
    "many cells": ("[[" + "1," * 9000 + "1]]", 413, "has 9,000 commas"),
    "many columns": (
        '{"columns": [' + ",".join(f'"{k}"' for k in range(1200)) + '], "rows": [[1]]}',
        413,
        "has 1,200 col",
    ),
    "half a character in a name": (TEXT.replace("colour", r"\ud800"), 422, "no input column 'colour'"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_json_body_that_cannot_be_answered(name: str, client: Any) -> None:
    content, status, words = BODIES[name]
    found, line = refused(client.post("/predict", content=content, headers={"Content-Type": JSON}))
    assert found == status, line
    assert words in line


TABLES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 422, "the body is empty"),
    "only names": (HEADER.encode(), 422, "and no rows"),
    "missing columns": (b"a,b\n1,2\n", 422, "there are no input columns"),
    "a short row": (f"{HEADER}\n1,2\n".encode(), 422, "line 2 of the body has 2 columns, but the first line names 7"),
    "an open quotation mark": (f'{HEADER}\n"1,2\n'.encode(), 422, "line 2"),
    "binary": (b"PK\x03\x04\0\0\0\0", 422, "the body is binary"),
    "a name twice": (b"a,a\n1,2\n", 422, "the body has more than one column 'a'"),
    "columns without end": (b",".join(b"n%d" % k for k in range(5000)) + b"\n", 413, "the body has 5,000 columns"),
    "columns behind a break": (b'"a\n",' + b",".join(b"n%d" % k for k in range(5000)) + b"\n", 413, "5,001 columns"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_csv_body_that_cannot_be_answered(name: str, client: Any) -> None:
    content, status, words = TABLES[name]
    found, line = refused(client.post("/predict", content=content, headers={"Content-Type": CSV}))
    assert found == status, line
    assert words in line


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "the content type is not named: send application/json or text/csv"),
        ({"Content-Type": "text/plain"}, "the content type is 'text/plain'"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "the content type is 'application/x-www-form-url"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, "the content type is 'multipart/form-data'"),
        ({"Content-Type": f"{JSON}; charset=utf-16"}, "the character set is 'utf-16': send UTF-8"),
        ({"Content-Type": JSON, "Content-Encoding": "gzip"}, "the body is compressed"),
    ],
)
def test_other_kinds_of_bodies_are_refused(headers: dict[str, str], words: str, client: Any) -> None:
    request = client.build_request("POST", "/predict", content=TEXT)
    for name in ("Content-Type",):
        request.headers.pop(name, None)
    request.headers.update(headers)
    status, line = refused(client.send(request))
    assert status == 415
    assert words in line


def test_what_a_body_says_of_its_characters_must_be_true(client: Any) -> None:
    content = (f"{HEADER}\n" + ",".join("\xe9" for _ in TABLE)).encode("latin-1")
    status, line = refused(client.post("/predict", content=content, headers={"Content-Type": f"{CSV}; charset=utf-8"}))
    assert (status, line) == (400, "the body is not UTF-8 at byte 36: send UTF-8")


def test_other_methods_and_paths_are_refused_and_nothing_is_shared_with_other_pages(client: Any) -> None:
    origin = {"Origin": "http://example.org", "Access-Control-Request-Method": "POST"}
    assert refused(client.options("/predict", headers=origin))[0] == 405
    assert refused(client.get("/predict"))[0] == 405
    assert refused(client.post("/health"))[0] == 405
    for path in ("/predict/", "/nothing", "/..%2f..%2fetc/passwd"):
        assert refused(client.get(path))[0] == 404
    assert "access-control-allow-origin" not in client.post("/predict", json=ROW, headers=origin).headers


HOSTS = [
    ("127.0.0.1:8000", True),
    ("localhost", True),
    ("LOCALHOST:1", True),
    ("[::1]:8000", True),
    ("127.0.0.2", True),
    ("evil.example", False),
    ("evil.example:8000", False),
    ("127.0.0.1.evil.example", False),
    ("[::2]", False),
    ("", False),
    ("localhost.evil.example", False),
    ("ours.example", None),
    ("OURS.example.:80", None),
]


@pytest.mark.parametrize(("host", "allowed"), HOSTS)
def test_a_local_server_answers_for_local_hosts_and_those_that_are_allowed(
    host: str, allowed: bool | None, client_of: Callable[..., Any]
) -> None:
    for hosts in ((), ("ours.example",), None):
        response = client_of("model", hosts=hosts).get("/health", headers={"Host": host})
        expected = hosts is None or (bool(hosts) if allowed is None else allowed)
        assert response.status_code == (200 if expected else 421)
        if not expected:
            assert "does not answer for the host" in refused(response)[1]


def test_bodies_are_bounded_by_bytes_whether_they_say_their_size_or_not(client_of: Callable[..., Any]) -> None:
    client = client_of("model", limits=Limits(body=len(TEXT)))
    headers = {"Content-Type": JSON}
    assert client.post("/predict", content=TEXT, headers=headers).status_code == 200
    status, line = refused(client.post("/predict", content=TEXT + " ", headers=headers))
    assert (status, line) == (413, f"the body has {len(TEXT) + 1} bytes or more: send at most {len(TEXT)} at a time")

    def without_end() -> Iterator[bytes]:
        yield from itertools.repeat(b" " * 100, 10)

    assert refused(client.post("/predict", content=without_end(), headers=headers))[0] == 413


def test_bodies_are_bounded_by_rows_before_they_are_read(client_of: Callable[..., Any]) -> None:
    client, headers = client_of("model", limits=Limits(rows=5)), {"Content-Type": JSON}
    assert client.post("/predict", json=[ROW] * 5).status_code == 200
    assert refused(client.post("/predict", json=[ROW] * 6)) == (413, "the body has 6 rows: send at most 5 at a time")
    status, line = refused(client.post("/predict", content="[" + "[]," * 10_000 + "x", headers=headers))
    assert (status, line) == (413, "the body has more than 5 objects or lists: send at most 5 rows")
    for text in ("[" * 100, ",{" * 9000, '"[' * 100, '\\"[' * 100, "\\" * 99 + "[" * 100):
        assert client.post("/predict", json=ROW | {"colour": text}).status_code == 200  # in a text they are text
    table = (HEADER + "\n" + ",".join("" for _ in TABLE) + "\n") + "\n".join(["1,,,,,,"] * 6)
    assert refused(client.post("/predict", content=table, headers={"Content-Type": CSV}))[0] == 413


def test_networks_and_estimators_say_how_many_columns_they_take(client_of: Callable[..., Any]) -> None:
    network = client_of("network")
    for body, words in (
        ([[1, 2, 3]], "row 1 has 3 cells, but there are 2 columns"),
        ({"columns": ["p"], "rows": [[1]]}, "1 columns of inputs, but the network takes 2"),
        ({"p": 1, "q": 2}, "there are no input columns 'x1', 'x2'"),
        ([[1, None]], "row 1 of column 'x2' is missing"),
        ([["a", 1]], "column 'x1' must hold numbers, but 'a' came in row 1"),
        ([[1e300, 1]], "numbers must be finite"),
    ):
        status, line = refused(network.post("/predict", json=body))
        assert (status, words in line) == (422, True), line


def test_an_error_inside_is_one_line_for_the_client_and_one_for_the_log(
    client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    client = client_of("model", report=lines.append)
    monkeypatch.setattr("chainrule.serve.batches.predicted", lambda *given: {}["secret\nof ours"])
    assert refused(client.post("/predict", json=ROW)) == (
        500,
        "an error inside the server: its log has a line about it",
    )
    assert lines == ["unexpected KeyError: 'secret\\nof ours'"]
    monkeypatch.undo()
    assert client.post("/predict", json=ROW).status_code == 200


def test_too_little_memory_is_said(client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise MemoryError

    monkeypatch.setattr("chainrule.serve.batches.predicted", full)
    assert refused(client_of("model").post("/predict", json=ROW))[0] == 503


def test_csv_whose_columns_would_have_one_name_is_refused_and_json_is_not(
    client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of("two")
    predictor = client.app.routes[-1].endpoint.batcher._served
    monkeypatch.setattr(predictor, "goals", [predictor.goals[0], predictor.goals[1]._replace(name="answer=no")])
    assert client.post("/predict", json=ROW).status_code == 200
    status, line = refused(client.post("/predict", json=ROW, headers={"Accept": CSV}))
    assert (status, "two columns would be named 'answer=no'" in line) == (422, True)


def test_the_log_has_one_line_for_each_request_without_control_characters(client_of: Callable[..., Any]) -> None:
    lines: list[str] = []
    client = client_of("model", log=lines.append)
    client.post("/predict", json=ROW)
    client.get("/%1b%5b31m%0aforged")
    assert "POST /predict 200" in lines[0]
    assert "GET /\\x1b[31m\\nforged 404" in lines[1]
