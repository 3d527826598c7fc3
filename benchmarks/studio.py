"""How fast the studio's page is, in a real browser: first paint, frames while W1 trains, memory over time.

    python -m benchmarks.studio --minutes 60 --share 0.25

With --share, training runs for that share of each period of ten seconds, as with a person who stops to read.
It needs Debian's chromium, playwright, and the extra `studio`. The rows are random numbers in the shape of W1's.
"""

import argparse
import resource
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

import chainrule as cr
from benchmarks.workloads import WORKLOADS
from chainrule.studio import Session, server
from chainrule.studio.worker import Worker

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
]
PAINT = """() => new Promise(resolve => {
  const look = () => {
    const entry = performance.getEntriesByName('first-contentful-paint')[0];
    entry ? resolve(entry.startTime) : setTimeout(look, 20);
  };
  look();
})"""
FRAMES = """seconds => new Promise(resolve => {
  const times = [];
  const frame = (now) => {
    times.push(now);
    now - times[0] < 1000 * seconds ? requestAnimationFrame(frame) : resolve(times);
  };
  requestAnimationFrame(frame);
})"""


def session_of_w1(rows: int) -> Session:
    """A session in which W1's network learns random rows."""
    w1, session = WORKLOADS["W1"], Session(Path.cwd())
    random = np.random.Generator(np.random.Philox(key=[0, 0]))
    X = random.random((rows, w1.sizes[0]), dtype=np.float32)
    T = random.integers(0, w1.sizes[-1], rows).astype(np.int32)
    net = cr.Network(w1.sizes, w1.hidden, "sigmoid", "quadratic")
    session.open_arrays(X, T, net)
    session.do({"do": "change", "settings": {"optimizer": {"name": "sgd", "learning_rate": w1.rate}, "epochs": 10**6}})
    return session


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--share", type=float, default=1.0)
    arguments = parser.parse_args()
    listener, token, end, ready = server.listen("127.0.0.1", 0), "measured", threading.Event(), threading.Event()
    worker = Worker(session_of_w1(arguments.rows)).start()
    calls: dict[str, Any] = {"stopped": end.is_set, "ready": ready.set}
    thread = threading.Thread(target=server.run, args=(worker, token, listener), kwargs=calls)
    thread.start()
    ready.wait()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto("http://{}:{}/#{}".format(*server.address_of(listener), token))
        print(f"first contentful paint: {page.evaluate(PAINT):.0f} ms")
        page.wait_for_selector(".matrix")
        print(f"the network is drawn:   {page.evaluate('performance.now()'):.0f} ms")
        measure(page, worker, arguments.minutes, arguments.share)
        browser.close()
    end.set()
    thread.join()


def measure(page: Any, worker: Worker, minutes: float, share: float) -> None:
    """Frames and memory while W1 trains."""
    idle = np.diff(page.evaluate(FRAMES, 5))
    worker.ask({"do": "run"}).result()
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    time.sleep(3)
    busy = np.diff(page.evaluate(FRAMES, 10))
    for name, gaps in (("paused", idle), ("training", busy)):
        p99 = np.percentile(gaps, 99)
        print(f"frames, {name}: {1000 / gaps.mean():.1f} a second, 99% within {p99:.1f} ms, worst {gaps.max():.1f} ms")
    resident = [_memory(cdp, worker)]
    ends = time.monotonic() + 60 * minutes
    while time.monotonic() < ends:
        for _ in range(max(1, round(min(1.0, minutes) * 6))):
            _period(worker, share)
        resident.append(_memory(cdp, worker))
    second = resident[len(resident) // 2 :]
    print(f"Python: {resident[0]:.0f} MiB first, {second[0]:.0f} after half the time, {second[-1]:.0f} at the end")


def _period(worker: Worker, share: float) -> None:
    """Ten seconds, in a share of which training runs."""
    worker.ask({"do": "run"}).result()
    time.sleep(10 * share)
    if share < 1:
        worker.ask({"do": "pause"}).result()
        time.sleep(10 * (1 - share))


def _memory(cdp: Any, worker: Worker) -> float:
    """Print the memory of the page and of Python, and give the latter in MiB."""
    cdp.send("HeapProfiler.collectGarbage")
    metrics = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
    updates, resident = worker.session.work.required().updates, _resident()
    print(
        f"update {updates:,}: page {metrics['JSHeapUsedSize'] / 2**20:.1f} MiB, {metrics['Nodes']:.0f} nodes; "
        f"Python {resident:.0f} MiB (peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f})",
        flush=True,
    )
    return resident


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
