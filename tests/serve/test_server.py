"""`chainrule serve` as a process: load, slow clients, the port, and its end by a signal."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainrule.cli import run

from .conftest import TABLE

ROW = {name: cells[1] for name, cells in TABLE.items()}
TEXT = json.dumps([ROW])
HEAD = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW = """
import time
from chainrule.serve import batches
predicted = batches.predicted
def slow(*given):
    time.sleep({seconds})
    return predicted(*given)
batches.predicted = slow
"""


class Server:
    """A process that serves a file, and its port."""

    def __init__(self, path: Path, *options: object, before: str = "") -> None:
        program = [sys.executable, "-c", f"{before}\nfrom chainrule.cli import main; main()"]
        command = [*program, "serve", str(path), "--port", "0", "--json", *map(str, options)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")
        assert self.process.stdout is not None
        self.start = json.loads(self.process.stdout.readline() or self.process.communicate()[1])
        self.port = self.start["port"]
        self.opened = contextlib.ExitStack()

    def connect(self) -> http.client.HTTPConnection:
        return self.opened.enter_context(contextlib.closing(self._connection()))

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def socket(self) -> socket.socket:
        return self.opened.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=30))

    def end(self, *numbers: int) -> tuple[int, str, str]:
        """The status, stdout and stderr after signals."""
        for number in numbers:
            self.process.send_signal(number)
            time.sleep(0.2)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@contextlib.contextmanager
def serving(path: Path, *options: object, before: str = "") -> Iterator[Server]:
    server = Server(path, *options, before=before)
    try:
        with server.opened:
            yield server
    finally:
        server.process.kill()
        server.process.communicate()


@pytest.fixture(scope="module")
def patient(folder: Path) -> Iterator[Server]:
    """A server that waits half a second for slow clients, and has two seats."""
    with serving(folder / "model", "--timeout", "0.5s", "--concurrency", 2, "--max-body", "4MiB") as server:
        yield server
        assert server.end(signal.SIGTERM)[::2] == (0, "")


def ask(connection: http.client.HTTPConnection, text: str = TEXT) -> tuple[int, Any]:
    connection.request("POST", "/predict", text, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def all_of(stream: socket.socket) -> bytes:
    """What comes until the connection ends."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := stream.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def test_many_clients_are_answered_and_sigterm_under_load_loses_no_request(folder: Path) -> None:
    outcomes: list[Any] = []
    with serving(folder / "model") as server:
        assert server.start["url"] == f"http://127.0.0.1:{server.port}"
        assert len(server.start["digest"]) == 64
        expected = ask(server.connect())
        assert expected[0] == 200
        enough, stop = threading.Event(), time.monotonic() + 20

        def client() -> None:
            connection = server.connect()
            while time.monotonic() < stop:
                try:
                    outcomes.append(ask(connection))
                except (ConnectionError, http.client.HTTPException):
                    outcomes.append("no connection")
                    return
                if len(outcomes) > 300:
                    enough.set()

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert enough.wait(20)
        code, out, err = server.end(signal.SIGTERM)
        for thread in threads:
            thread.join(20)
    assert (code, err) == (0, "")
    answered = [outcome for outcome in outcomes if outcome == expected]
    others = [outcome for outcome in outcomes if outcome != expected]
    assert all(other == "no connection" or other[0] == 503 for other in others), others
    assert others.count("no connection") <= 8
    assert json.loads(out) == {"event": "stopped", "answered": len(answered) + 1}


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["TERM", "INT"])
def test_a_signal_waits_for_what_has_come_and_refuses_what_has_not(number: int, status: int, folder: Path) -> None:
    with serving(folder / "model", before=SLOW.format(seconds=0.7)) as server:
        half, whole, answers = server.socket(), server.connect(), []
        idle = server.connect()
        idle.request("GET", "/health")
        assert idle.getresponse().read()
        half.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n[".encode())
        thread = threading.Thread(target=lambda: answers.append(ask(whole)))
        thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        code, _, err = server.end(number)
        thread.join(20)
        assert (code, err) == (status, "")
        assert answers[0][0] == 200
        assert all_of(half).startswith(b"HTTP/1.1 503")
        assert time.monotonic() - began < 5


@pytest.mark.full
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_server_whose_worker_is_stuck_ends_all_the_same(folder: Path) -> None:
    stuck = SLOW.format(seconds="60 if time.monotonic() > began else 0") + "began = time.monotonic() + 3"
    with serving(folder / "model", before=stuck) as server:
        time.sleep(3)
        thread = threading.Thread(target=_try, args=(server,))
        thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        code, _, err = server.end(signal.SIGTERM)
        thread.join(20)
        assert time.monotonic() - began < 8
        assert (code, "Traceback" in err) in ((143, False), (0, False))


def _try(server: Server) -> None:
    with contextlib.suppress(Exception):
        ask(server.connect())


def test_what_is_not_http_does_no_harm(patient: Server) -> None:
    for noise in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://\r\n\r\n",
        b"\0" * 70_000,
        f"{HEAD}Content-Length: -1\r\n\r\n".encode(),
        f"{HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n".encode(),
        f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /".encode(),
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        HEAD.replace("json", "x").encode() + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" + b"zz\r\n",
        *(f"{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode() for _ in range(5)),
    ):
        stream = patient.socket()
        with contextlib.suppress(ConnectionError):
            stream.sendall(noise)
            stream.shutdown(socket.SHUT_WR)
        answer = all_of(stream)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    stream = patient.socket()
    stream.sendall(HEAD.replace("json", "x").encode() + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    assert stream.recv(1000).startswith(b"HTTP/1.1 415")
    stream.sendall(b"zz\r\n")
    all_of(stream)
    stream = patient.socket()
    stream.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    assert stream.recv(100).startswith(b"HTTP/1.1 200")
    assert ask(patient.connect())[0] == 200


def test_a_body_that_is_too_large_leaves_time_to_read_why(patient: Server) -> None:
    connection = patient.connect()
    status, answer = ask(connection, TEXT + " " * 2**23)
    assert (status, "send at most 4,194,304" in answer["error"]) == (413, True)
    assert ask(connection)[0] == 200  # the connection is still good


def test_slow_clients_do_not_keep_their_places(patient: Server) -> None:
    silent, head, body, chunked = (patient.socket() for _ in range(4))
    head.sendall(b"POST /predict HT")
    body.sendall(f"{HEAD}Content-Length: 100\r\n\r\n[".encode())
    chunked.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n".encode())
    time.sleep(0.2)
    status, busy = ask(patient.connect())
    assert (status, "busy" in busy["error"]) == (503, True)
    for stream in (body, chunked):
        answer = all_of(stream)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"did not come within 0.5 s" in answer
    assert all_of(silent) == all_of(head) == b""
    assert ask(patient.connect())[0] == 200


def test_answers_that_are_not_read_are_dropped(patient: Server) -> None:
    many = json.dumps([ROW] * 10_000)
    for _ in range(2):  # one for each seat
        stream = patient.opened.enter_context(socket.socket())
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        stream.connect(("127.0.0.1", patient.port))
        with contextlib.suppress(ConnectionError):
            for _ in range(6):  # whose answers no buffer holds
                stream.sendall(f"{HEAD}Content-Length: {len(many)}\r\n\r\n{many}".encode())
    deadline = time.monotonic() + 30
    while (statuses := at_once(patient)) != [200, 200]:
        assert set(statuses) <= {200, 503}
        assert time.monotonic() < deadline
        time.sleep(0.1)


def at_once(server: Server) -> list[int]:
    """The statuses of two requests at a time."""
    streams = [server.socket(), server.socket()]
    for stream in streams:
        stream.sendall(f"{HEAD}Content-Length: {len(TEXT)}\r\n\r\n{TEXT}".encode())
    return [int(stream.recv(12)[9:]) for stream in streams]


def test_a_port_in_use_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(["serve", str(folder / "model"), "--port", str(port)]) == 1
    line = f"chainrule: port {port} of 127.0.0.1 is in use: name another by --port, or --port 0 for a free one\n"
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--host", "no such host"], 1, "host is 'no such host', which is not an address of this machine"),
        (["--host", "192.0.2.1"], 1, "host is '192.0.2.1', which is not an address of this machine"),
        (["--port", "70000"], 2, "port is 70000, but must be a whole number from 0 to 65535"),
        (["--port", "-1"], 2, "port is -1"),
        (["--max-body", "lots"], 2, "'lots' is not a size: write bytes, or for example 64KiB, 16MiB"),
        (["--max-rows", "0"], 2, "max_rows is 0, but must be a whole number from 1"),
        (["--concurrency", "0"], 2, "concurrency is 0"),
        (["--timeout", "0"], 2, "timeout is 0"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    options: list[str], code: int, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", str(folder / "model"), *options]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_files_that_cannot_be_served_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", str(folder / "t.csv")]) == 1
    assert run(["serve", str(folder / "nothing")]) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_without_the_packages_one_line_says_how_to_install_them(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "chainrule.serve.server", raising=False)
    monkeypatch.delattr("chainrule.serve.server", raising=False)
    assert run(["serve", str(folder / "model")]) == 2
    line = "chainrule serve needs starlette and uvicorn, which are not installed: pip install 'chainrule[serve]'"
    assert capsys.readouterr() == ("", f"chainrule: {line}\n")


def test_another_address_is_served_with_a_warning_and_for_any_host(folder: Path) -> None:
    with serving(folder / "model", "--host", "0.0.0.0", "--verbose") as server:
        connection = server.connect()
        connection.request("GET", "/health", headers={"Host": "anything.example"})
        assert connection.getresponse().status == 200
        code, _, err = server.end(signal.SIGTERM)
    assert code == 0
    warning, request = err.splitlines()
    assert warning == "chainrule: warning: everyone who can reach 0.0.0.0 can ask this model: there is no password"
    assert request.startswith("chainrule: 127.0.0.1 GET /health 200 ")
