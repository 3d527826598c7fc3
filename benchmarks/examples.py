"""Gradients of single examples beside BackPACK, Opacus and torch.func.vmap: time and memory on one batch of W3.

`python -m benchmarks.examples` prints the table. Every quantity of every contender is a process of its own, and they
take turns, so that what disturbs the machine disturbs all of them. Memory is the peak of the resident memory in a call
over that before the first one. The answers are compared with those of chainrule's reference engine in float64.
"""

import importlib.util
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe, environment, versions
from benchmarks.workloads import NORMS, problem

__all__ = ["CONTENDERS", "QUANTITIES", "measure", "show"]

QUANTITIES = ("norms", "variance", "gradients")
NEEDS = {"chainrule": "numpy", "BackPACK": "backpack", "Opacus": "opacus", "vmap": "torch"}
Call = Callable[[], np.ndarray]


def batch() -> tuple[Any, np.ndarray, np.ndarray]:
    """W3's problem, and X and T of one batch."""
    given = problem(NORMS["norms"])
    return given, given.X[: given.workload.batch], given.T[: given.workload.batch]


def of_chainrule(quantity: str) -> Call:
    """The public functions; the gradients row by row into one array."""
    from benchmarks.contenders.own import network

    given, X, T = batch()
    net = network(given)
    names = {"norms": "norms", "variance": "variance", "gradients": "__array__"}

    def call() -> np.ndarray:
        gradients = net.example_gradients(X, T)  # its checks are counted
        return getattr(gradients, names[quantity])()

    return call


def of_backpack(quantity: str) -> Call:
    """The extension that is made for the quantity."""
    import torch
    from backpack import backpack, extend
    from backpack.extensions import BatchGrad, BatchL2Grad, Variance
    from torch import nn

    from benchmarks.contenders.torch_eager import network

    given, X, T = batch()
    net = extend(network(given))
    cost = extend(nn.CrossEntropyLoss(reduction="sum"))
    x, t = torch.from_numpy(X), torch.from_numpy(T).long()
    extension, name = {
        "norms": (BatchL2Grad, "batch_l2"), "variance": (Variance, "variance"), "gradients": (BatchGrad, "grad_batch"),
    }[quantity]  # fmt: skip

    def call() -> np.ndarray:
        net.zero_grad()
        with backpack(extension()):
            cost(net(x), t).backward()
        parts = [getattr(p, name) for p in net.parameters()]
        if quantity == "norms":
            return torch.stack(parts).sum(0).sqrt().numpy()
        return _flat(parts, len(X) if quantity == "gradients" else None)

    return call


def of_opacus(quantity: str) -> Call:
    """Ghost norms; for the rest the gradients that its hooks leave."""
    from benchmarks.contenders import opacus_ghost

    given, X, T = batch()
    if quantity == "norms":
        norms = opacus_ghost.norms(given, 1)
        return lambda: norms(X, T)
    import torch
    from opacus import GradSampleModule

    from benchmarks.contenders.torch_eager import COST, network

    net, cost = GradSampleModule(network(given), loss_reduction="sum"), COST[given.workload.head]
    x, t = torch.from_numpy(X), torch.from_numpy(T).long()

    def call() -> np.ndarray:
        net.zero_grad()
        cost(net(x), t).backward()
        return _of_gradients([p.grad_sample for p in net.parameters()], quantity)

    return call


def of_vmap(quantity: str) -> Call:
    """vmap of grad of the functional network."""
    import torch

    from benchmarks.contenders.torch_eager import COST, network

    given, X, T = batch()
    net, cost = network(given), COST[given.workload.head]
    parameters = {name: p.detach() for name, p in net.named_parameters()}
    x, t = torch.from_numpy(X), torch.from_numpy(T).long()

    def of_one(values: Any, one: Any, label: Any) -> Any:
        return cost(torch.func.functional_call(net, values, one[None]), label[None])

    of_all = torch.func.vmap(torch.func.grad(of_one), in_dims=(None, 0, 0))
    return lambda: _of_gradients(list(of_all(parameters, x, t).values()), quantity)


def _of_gradients(parts: list[Any], quantity: str) -> np.ndarray:
    """The quantity, by the gradients of all examples, (n, ...) for each parameter."""
    if quantity == "norms":
        return sum(g.flatten(1).square().sum(1) for g in parts).sqrt().numpy()
    if quantity == "variance":
        return _flat([g.var(0, correction=0) for g in parts], None)
    return _flat(parts, len(parts[0]))


def _flat(parts: list[Any], rows: int | None) -> np.ndarray:
    """One array laid out like theta: torch's matrices are the transposes of ours."""
    parts = [p.transpose(-1, -2) if p.ndim == (2 if rows is None else 3) else p for p in parts]
    if rows is None:
        return np.concatenate([p.reshape(-1).numpy() for p in parts])
    return np.concatenate([p.reshape(rows, -1).numpy() for p in parts], axis=1)


CONTENDERS = {"chainrule": of_chainrule, "BackPACK": of_backpack, "Opacus": of_opacus, "vmap": of_vmap}


def expected(quantity: str) -> np.ndarray:
    """The quantity in float64, by the reference engine."""
    import chainrule as cr

    given, X, T = batch()
    w = given.workload
    net = cr.Network(
        w.sizes, w.hidden, "softmax", "cross_entropy", initializer=given.theta.astype(float), dtype="float64"
    )
    gradients = net.example_gradients(X, T, engine="reference")
    return {"norms": gradients.norms, "variance": gradients.variance, "gradients": gradients.__array__}[quantity]()


def work(contender: str, quantity: str, pipe: Any) -> None:
    """A process: the first message is its peak of memory and its answer's error, each later one times of calls."""
    if contender != "chainrule":
        import torch

        torch.set_num_threads(1)
    call = CONTENDERS[contender](quantity)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    answer = call()
    more = _status("VmHWM") - before
    pipe.send({"memory": more, "error": float(_error(answer, expected(quantity)))})
    del answer
    call()
    while (seconds := pipe.recv()) is not None:
        times, until = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < until:
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        pipe.send(times)


def _error(answer: np.ndarray, exact: np.ndarray) -> float:
    return np.abs(answer - exact).max() / np.abs(exact).max()


def _status(name: str) -> int:
    """Bytes of a line of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def measure(rounds: int = 7, seconds: float = 0.5) -> list[dict[str, Any]]:
    """All contenders that are installed, in turns, one thread each."""
    os.environ |= environment(1)
    spawn, running = multiprocessing.get_context("spawn"), []
    for quantity in QUANTITIES:
        for name in (name for name, module in NEEDS.items() if importlib.util.find_spec(module)):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=work, args=(name, quantity, theirs), daemon=True)
            process.start()
            running.append((name, quantity, ours, ours.recv(), []))
    for _ in range(rounds):
        for _, _, pipe, _, times in running:
            pipe.send(seconds)
            times.extend(pipe.recv())
    for _, _, pipe, _, _ in running:
        pipe.send(None)
    return [
        {"contender": name, "quantity": quantity, **about, "best": min(times), "median": statistics.median(times)}
        for name, quantity, _, about, times in running
    ]


def show(results: list[dict[str, Any]], console: Console) -> None:
    """The machine and the table."""
    console.print(f"{describe()['model']}, load {describe()['load']}, {versions()}")
    table = Table(box=None)
    for title in ("quantity", "contender", "best ms", "median ms", "memory MB", "error"):
        table.add_column(title)
    for one in results:
        numbers = (1e3 * one["best"], 1e3 * one["median"], one["memory"] / 1e6)
        table.add_row(one["quantity"], one["contender"], *(f"{n:.2f}" for n in numbers), f"{one['error']:.0e}")
    console.print(table)


if __name__ == "__main__":
    show(measure(), Console(width=160))
