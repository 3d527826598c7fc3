"""How updates scale over devices and hosts, by a model: measured steps of the xla engine, the links assumed.

    python -m benchmarks.scaling [W3 W5] [--devices 2 4] [--calls 3]

An update is timed on one device with the whole batch and with an eighth of it, which gives its fixed and its shared
part (`chainrule.engines.scaling`). On a CPU the device has one core, and time is that of the processor, of which other
programs take nothing. `--devices` also times updates on several devices of this process, on a CPU those of
XLA_FLAGS=--xla_force_host_platform_device_count=N, which share the core: the exchange is measured, not the speed-up.
"""

import argparse
import os
import time

import numpy as np

import chainrule as cr
from benchmarks.machine import cpus
from benchmarks.options import chosen, one_line, whole
from benchmarks.workloads import WORKLOADS, Workload, synthetic
from chainrule.engines import ENGINES
from chainrule.engines.scaling import LINKS, UpdateTime
from chainrule.settings import TrainingSettings

HOSTS = (2, 4, 8, 16, 32, 64)
PARTS = 8  # the batch over the smaller batch that is timed too


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", default=["W3", "W5"])
    parser.add_argument("--devices", nargs="*", default=[])
    parser.add_argument("--calls", default="3")
    options = parser.parse_args()
    names, calls = chosen("the workloads", options.workloads, [*WORKLOADS]), whole("--calls", options.calls, 1)
    devices = [whole("--devices", n, 1) for n in options.devices]
    os.sched_setaffinity(0, cpus(1))
    with one_line():
        measure(names, devices, calls)


def measure(names: list[str], devices: list[int], calls: int) -> None:
    """Time and print. Raises EngineError without JAX, and for more devices than there are."""
    print(ENGINES["xla"]().instructions)
    for name in names:
        workload = WORKLOADS[name]
        whole, part = (update_seconds(workload, rows, 1, calls) for rows in (workload.batch, _part(workload)))
        shared = max(0.0, (whole - part) * PARTS / (PARTS - 1))
        print_table(workload, UpdateTime(max(0.0, whole - shared), min(shared, whole), 4 * workload.parameters))
        for count in devices:
            seconds = update_seconds(workload, workload.batch, count, calls)
            print(f"  on {count} devices of this process: {1000 * seconds:.2f} ms")


def _part(workload: Workload) -> int:
    return workload.batch // PARTS


def update_seconds(workload: Workload, batch: int, devices: int, calls: int) -> float:
    """The least mean time of the updates of a call, of so many calls after one that compiles."""
    X, T = synthetic(workload, np.random.Generator(np.random.Philox(key=7)), 4 * workload.batch)
    net = cr.Network(workload.sizes, workload.hidden, "softmax", "cross_entropy", seed=0)
    settings = TrainingSettings(optimizer=cr.Adam(), batch_size=batch, devices=devices, shards=devices, seed=0)
    run = ENGINES["xla"]().start(net.architecture, net.theta, settings, float(len(X)))
    clock = time.process_time if "cpu" in ENGINES["xla"]().instructions else time.monotonic
    rates = np.full(len(X) // batch, 1e-3)
    run.steps(X, T, None, np.arange(batch), rates[:1], 0, 0)
    times = []
    for _ in range(calls):
        began = clock()
        costs = run.steps(X, T, None, np.arange(len(X)), rates, 0, 0)
        times.append((clock() - began) / len(costs))
    return min(times)


def print_table(workload: Workload, update: UpdateTime) -> None:
    """The efficiency for each link and number of hosts: of the same batch, and of a batch for each host."""
    alone = 1000 * (update.fixed + update.shared)
    print(f"\n{workload.name}: {workload.text}")
    print(f"  an update on one device: {alone:.2f} ms ({1000 * update.fixed:.2f} fixed), {update.size / 1e6:.2f} MB")
    print(f"  {'efficiency on hosts:':40}" + "".join(f"{hosts:>7}" for hosts in HOSTS))
    for name, link in LINKS.items():
        for same, words in ((True, "same batch"), (False, "a batch each")):
            shares = [update.efficiency(hosts, link, same) for hosts in HOSTS]
            print(f"  {f'{name}, {words}':40}" + "".join(f"{share:>6.0%} " for share in shares))


if __name__ == "__main__":
    main()
