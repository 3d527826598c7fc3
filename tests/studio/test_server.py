"""The studio over HTTP: what it answers, and every way in that it refuses."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="starlette is not installed: pip install 'chainrule[studio]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chainrule[studio]'")

import http.client

from starlette.testclient import TestClient

from chainrule.studio import Session, server
from chainrule.studio.assets import VIEW, joined, script, style
from chainrule.studio.doors import CSP
from chainrule.studio.worker import Worker

TOKEN = "a-token-that-nobody-guesses"
HOST = "http://127.0.0.1:8765"
OPEN = {"do": "open", "set": "xor", "rows": 40}


@pytest.fixture
def worker(folder: Path) -> Iterator[Worker]:
    """A worker of a session in a folder."""
    worker = Worker(Session(folder)).start()
    yield worker
    worker.close()


@pytest.fixture
def client(worker: Worker) -> Iterator[TestClient]:
    """A client that is the studio's own page."""
    with TestClient(server.application(worker, TOKEN), base_url=HOST, raise_server_exceptions=False) as client:
        client.headers |= {"x-studio-token": TOKEN, "sec-fetch-site": "same-origin", "origin": HOST}
        yield client


def ask(client: TestClient, command: Any, **headers: str) -> Any:
    return client.post("/do", json=command, headers=headers)


# ---------------------------------------------------------------------------------------------- what it answers


def test_a_command_is_answered_as_by_the_session(client: TestClient) -> None:
    assert ask(client, OPEN).json()["dataset"]["rows"] == 28
    assert ask(client, {"do": "update"}).json()["place"]["update"] == 1


def test_an_error_is_one_line_and_nothing_is_lost(client: TestClient) -> None:
    ask(client, OPEN)
    answer = ask(client, {"do": "change", "settings": {"hidden": [0]}})
    assert answer.status_code == 422
    assert "\n" not in answer.json()["error"]
    assert ask(client, {"do": "setup"}).json()["sizes"] == [2, 4, 2, 1]


def test_the_page_its_script_and_its_style_are_served_without_the_token(client: TestClient) -> None:
    del client.headers["x-studio-token"]
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for name, kind in (("studio.js", "text/javascript"), ("studio.css", "text/css"), ("icon.svg", "image/svg+xml")):
        assert f'"{name}"' in page.text
        assert client.get(f"/{name}").headers["content-type"] == f"{kind}; charset=utf-8"


def test_the_page_names_nothing_of_another_machine() -> None:
    for path in VIEW.rglob("*"):
        if path.suffix in (".js", ".css", ".html") and "vendor" not in path.parts:
            text = path.read_text("utf-8").replace("http://www.w3.org/", "")
            assert "http:" not in text
            assert "https:" not in text
            for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"):
                assert word not in text, (path.name, word)


def test_modules_are_joined_after_what_they_import() -> None:
    order = joined("recorded.js")
    assert order[-1] == "recorded.js"
    assert order.index("dom.js") < order.index("controls.js") < order.index("mount.js")
    written = {path.name for path in VIEW.glob("*.js")}
    assert {*order, *joined("main.js"), *joined("widget.js")} == {*written, "vendor/uPlot.esm.js"}
    code = script("recorded.js")
    assert "\nimport " not in code
    assert "\nexport " not in code
    assert ".studio .bar" in style()


# ---------------------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (421, {"host": "evil.example"}),
        (421, {"host": "127.0.0.1.evil.example:8765"}),
        (421, {"host": "localhost.evil.example"}),
        (421, {"host": "0x7f000001.nip.io"}),
        (421, {"host": ""}),
        (403, {"origin": "https://evil.example"}),
        (403, {"origin": "http://127.0.0.1:9999"}),
        (403, {"origin": "null"}),
        (403, {"origin": "file://"}),
        (403, {"sec-fetch-site": "cross-site"}),
        (403, {"sec-fetch-site": "same-site"}),
        (401, {"x-studio-token": ""}),
        (401, {"x-studio-token": TOKEN[:-1]}),
        (401, {"x-studio-token": TOKEN + "x"}),
        (401, {"x-studio-token": "\u00e4" * 20}),
        (401, {"x-studio-token": "", "authorization": TOKEN, "cookie": f"x-studio-token={TOKEN}"}),
        (415, {"content-type": "text/plain"}),
        (415, {"content-type": "application/x-www-form-urlencoded"}),
        (415, {"content-type": "multipart/form-data; boundary=x"}),
        (415, {"content-type": ""}),
        (415, {"content-encoding": "gzip"}),
    ],
)
def test_a_request_that_is_not_of_the_page_is_refused(client: TestClient, status: int, headers: dict[str, str]) -> None:
    encoded = {name: value.encode("utf-8") for name, value in headers.items()}
    answer = client.post(
        "/do", content=json.dumps(OPEN).encode(), headers={"content-type": "application/json", **encoded}
    )
    assert answer.status_code == status
    assert "\n" not in answer.json()["error"]
    assert TOKEN not in answer.text
    assert ask(client, {"do": "setup"}).json()["dataset"] is None


def test_the_token_in_the_address_is_not_taken(client: TestClient) -> None:
    del client.headers["x-studio-token"]
    assert client.post(f"/do?x-studio-token={TOKEN}&token={TOKEN}", json=OPEN).status_code == 401
    assert client.get(f"/events?token={TOKEN}").status_code == 401


@pytest.mark.parametrize("path", ["/", "/studio.js", "/do", "/events", "/nowhere", "/%2e%2e/%2e%2e/etc/passwd"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_every_answer_has_the_headers_that_shut_others_out(client: TestClient, path: str, method: str) -> None:
    if (path, method) == ("/events", "GET"):
        client.headers["x-studio-token"] = "another"
    answer = client.request(method, path)
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/../session.py",
        "/..%2fsession.py",
        "/%2e%2e/session.py",
        "//etc/passwd",
        "/vendor/../../session.py",
        "/style/",
        "/view",
        "/index.html/",
        "/\\..\\session.py",
        "/studio.js%00",
    ],
)
def test_no_file_beside_the_pages_own_is_served(client: TestClient, path: str) -> None:
    answer = client.get(HOST + path)
    assert answer.status_code in (404, 401)
    assert "import" not in answer.text


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, b"{"),
        (400, b"\xff\xfe"),
        (400, b'{"do": "speed", "updates": NaN}'),
        (400, b"[" * 100_000),
        (422, b"[]"),
        (422, b'{"do": ["open"]}'),
        (422, b'{"do": "open", "set": "xor", "rows": 1e400}'),
        (422, b'{"do": "open", "set": "xor", "rows": 99999999999999999999999999}'),
    ],
)
def test_a_body_that_is_no_command_is_refused(client: TestClient, status: int, content: bytes) -> None:
    answer = client.post("/do", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert len(answer.json()["error"]) <= 600


def test_a_body_is_bounded_before_it_is_read(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_BODY", 1000)
    kind = {"content-type": "application/json"}
    assert client.post("/do", content=b" " * 1001, headers=kind).status_code == 413
    assert client.post("/do", content=(b" " * 100 for _ in range(20)), headers=kind).status_code == 413
    assert client.post("/do", content=b"{}", headers={**kind, "content-length": "-5"}).status_code in (400, 413)


def test_a_path_in_an_error_is_not_that_of_the_machine(client: TestClient, folder: Path) -> None:
    (folder / "broken.safetensors").write_bytes(b"no model")
    for command in ({"do": "open_model", "path": "broken.safetensors"}, {"do": "save", "path": "no/m.safetensors"}):
        ask(client, OPEN)
        answer = ask(client, command)
        assert answer.status_code == 422
        assert str(folder.parent) not in answer.text


def test_an_error_that_should_not_happen_is_one_line_here_and_there(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setitem(worker.session._commands, "files", lambda: 1 / 0)
    with TestClient(server.application(worker, TOKEN, lines.append), HOST, raise_server_exceptions=False) as client:
        answer = client.post("/do", json={"do": "files"}, headers={"x-studio-token": TOKEN})
        assert answer.status_code == 500
        assert client.post("/do", json=OPEN, headers={"x-studio-token": TOKEN}).status_code == 200
    assert lines == ["unexpected ZeroDivisionError: division by zero"]


# ---------------------------------------------------------------------------------------------- a real socket


class Running:
    """A server in a thread, on a port of its own."""

    def __init__(self, folder: Path, token: str = TOKEN, port: int = 0) -> None:
        self.listener = server.listen("127.0.0.1", port)
        self.port, self._end, ready = server.address_of(self.listener)[1], threading.Event(), threading.Event()
        self.worker = Worker(Session(folder)).start()
        arguments = {"stopped": self._end.is_set, "ready": ready.set}
        self._thread = threading.Thread(target=server.run, args=(self.worker, token, self.listener), kwargs=arguments)
        self._thread.start()
        assert ready.wait(10)

    def ask(self, command: Any, token: str = TOKEN) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"x-studio-token": token, "content-type": "application/json"}
        with contextlib.closing(connection):
            connection.request("POST", "/do", json.dumps(command), headers)
            answer = connection.getresponse()
            return json.loads(answer.read()) | {"status": answer.status}

    def listen(self) -> socket.socket:
        """A stream of views."""
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        request = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nx-studio-token: {TOKEN}\r\n\r\n"
        stream.sendall(request.encode())
        return stream

    def close(self) -> None:
        self._end.set()
        self._thread.join(15)
        assert not self._thread.is_alive()


def views(stream: socket.socket, count: int) -> list[dict[str, Any]]:
    """So many views from a stream."""
    text, seen = b"", []
    while len(seen) < count:
        part = stream.recv(65536)
        assert part, "the stream has ended"
        text += part
        seen = [
            json.loads(line[6:]) for line in text.split(b"\n") if line.startswith(b"data: ") and line.endswith(b"}")
        ]
    return seen


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """A server that listens."""
    one = Running(folder)
    yield one
    one.close()


def test_views_come_while_training_runs_to_two_pages_at_once(running: Running) -> None:
    running.ask(OPEN)
    with running.listen() as first, running.listen() as second:
        running.ask({"do": "run"})
        for stream in (first, second):
            updates = [view["place"]["update"] for view in views(stream, 4) if view["place"]]
            assert updates == sorted(updates)
            assert updates[-1] > updates[0]
        assert running.ask({"do": "pause"})["running"] is False


def test_a_page_that_is_gone_or_does_not_read_holds_nobody_up(running: Running) -> None:
    running.ask(OPEN)
    lazy = running.listen()  # it never reads
    running.listen().close()
    running.ask({"do": "run"})
    time.sleep(0.3)
    before = running.ask({"do": "setup"})["place"]["update"]
    time.sleep(0.3)
    assert running.ask({"do": "pause"})["place"]["update"] > before
    lazy.close()


def test_training_goes_on_without_a_page_and_a_new_page_sees_it(running: Running) -> None:
    running.ask(OPEN)
    running.ask({"do": "run"})
    time.sleep(0.3)
    with running.listen() as stream:
        view = views(stream, 1)[0]
    assert view["place"]["update"] > 0
    assert view["running"]


def test_a_server_that_was_started_again_has_another_token(folder: Path) -> None:
    first = Running(folder)
    first.close()
    second = Running(folder, token="another one", port=first.port)
    assert second.ask({"do": "setup"})["status"] == 401
    assert "printed last" in second.ask({"do": "setup"})["error"]
    second.close()


def test_too_many_pages_are_refused_and_places_become_free(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_STREAMS", 2)
    streams = [running.listen() for _ in range(2)]
    for stream in streams:
        assert b"200 OK" in stream.recv(1000)
    with running.listen() as third:
        assert b"503" in third.recv(1000)
    for stream in streams:
        stream.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with running.listen() as again:
            if b"200 OK" in again.recv(1000):
                return
        time.sleep(0.2)
    raise AssertionError("no place became free")


def test_it_listens_on_this_machine_alone(running: Running) -> None:
    assert running.listener.getsockname()[0] == "127.0.0.1"


def test_tokens_are_long_and_differ() -> None:
    tokens = {server.new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 43


def test_the_worker_answers_while_it_trains_and_refuses_after_its_end(folder: Path) -> None:
    worker = Worker(Session(folder)).start()
    worker.ask(OPEN).result(20)
    worker.ask({"do": "run"}).result(20)
    began = time.monotonic()
    for _ in range(5):
        worker.ask({"do": "setup"}).result(20)
    assert time.monotonic() - began < 10
    worker.close()
    with pytest.raises(RuntimeError, match="has ended"):
        worker.ask(OPEN).result(1)
