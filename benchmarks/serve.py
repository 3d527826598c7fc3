"""The load that `chainrule serve` bears: `python -m benchmarks.serve [--requests 10000] [--clients 16]`.

A server of a model of examples/houses.csv runs as a process of its own. Clients, threads of this process with one
connection each that stays open, send requests of one row over loopback, then requests of 100 rows. An answer counts as
an error if its status is not 200 or if a prediction differs in any bit from that of `model.predict`. A request's time
goes from its first byte sent to the last byte of its answer. Clients and server share the processors; what the server
computed for a request, in all its threads, hardly depends on what else runs.
"""

import argparse
import importlib.metadata
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from benchmarks import machine
from chainrule.tables.sources import as_source

TABLE, TARGET = Path(__file__).resolve().parents[1] / "examples" / "houses.csv", "price"
SIZES = (1, 100)  # rows of a request


class Request(NamedTuple):
    """The bytes of a request, and the predictions that must come."""

    content: bytes
    expected: list[float]


class Client:
    """A connection that stays open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, content: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer to a request."""
        self._socket.sendall(content)
        status, size = int(self._file.readline().split()[1]), 0
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        return status, self._file.read(size)


def requests_of(model: Any, size: int) -> list[Request]:
    """A hundred different requests of so many rows of the table."""
    table = as_source(TABLE).table()
    rows = list(islice(cycle(as_json(table)), 100 * size))
    predictions = list(islice(cycle(model.predict(table).tolist()), 100 * size))
    bodies = [json.dumps(rows[start : start + size]).encode() for start in range(0, 100 * size, size)]
    return [Request(head(len(body)) + body, predictions[k * size : (k + 1) * size]) for k, body in enumerate(bodies)]


def as_json(table: Any) -> list[dict[str, Any]]:
    """The rows of the table, numbers as numbers."""
    names = [name for name in table.column_names if name != TARGET]
    return [{name: typed(row[name]) for name in names} for row in table.to_pylist()]


def typed(cell: str) -> Any:
    """A cell of CSV as JSON has it."""
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell


def head(size: int) -> bytes:
    """The head of a request with a body of so many bytes."""
    lines = ("POST /predict HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {size}")
    return "\r\n".join((*lines, "", "")).encode()


def load(port: int, requests: list[Request], count: int, clients: int) -> tuple[np.ndarray, int, float]:
    """The seconds (count,) of each request, the number of errors, and the seconds of all."""
    seconds, errors = [[] for _ in range(clients)], [0] * clients

    def run(k: int) -> None:
        client = Client(port)
        for n in range(k, count, clients):
            request = requests[n % len(requests)]
            began = time.perf_counter()
            status, body = client.ask(request.content)
            seconds[k].append(time.perf_counter() - began)
            errors[k] += status != 200 or not right(body, request.expected)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.concatenate(seconds), sum(errors), time.perf_counter() - began


def right(body: bytes, expected: list[float]) -> bool:
    """Whether an answer has these predictions, to the bit."""
    return [prediction["value"] for prediction in json.loads(body)["predictions"]] == expected


def processor_seconds(process: subprocess.Popen[str]) -> float:
    """The seconds that a process has computed, in all its threads."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started(model: Path) -> tuple[subprocess.Popen[str], int]:
    """A server of the file, and its port."""
    command = [sys.executable, "-m", "chainrule", "serve", str(model), "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["port"]


def main() -> None:
    """Print the machine, and a line for each size of requests."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=16)
    chosen = parser.parse_args()
    about = machine.describe()
    versions = machine.versions() | {name: importlib.metadata.version(name) for name in ("starlette", "uvicorn", "h11")}
    print(f"{about['model']}, {about['processors']} processors, load {about['load'][0]:.1f}, {about['date']}")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    with tempfile.TemporaryDirectory() as folder:
        model = cr.train_table(TABLE, TARGET, seed=0)
        model.save(f"{folder}/houses.safetensors")
        process, port = started(Path(folder, "houses.safetensors"))
        try:
            heads = "| rows a request | requests | errors | p50 | p99 | requests a second | rows a second | computed |"
            print(f"{heads}\n{'| --- ' * heads.count(' | ')}| --- |")
            for size in SIZES:
                before = processor_seconds(process)
                seconds, errors, all_seconds = load(port, requests_of(model, size), chosen.requests, chosen.clients)
                p50, p99 = 1e3 * np.percentile(seconds, [50, 99])
                rate = len(seconds) / all_seconds
                figures = f"{errors} | {p50:.1f} ms | {p99:.1f} ms | {rate:,.0f} | {rate * size:,.0f}"
                computed = 1e3 * (processor_seconds(process) - before) / len(seconds)
                print(f"| {size} | {len(seconds):,} | {figures} | {computed:.2f} ms |", flush=True)
        finally:
            process.send_signal(signal.SIGTERM)
            print(f"the server ended with status {process.wait(30)}")


if __name__ == "__main__":
    main()
