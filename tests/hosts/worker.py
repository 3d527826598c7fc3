"""One host of a test: trains as its task says, and prints what it has as a line of JSON."""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

import chainrule as cr

RULES = {"adam": cr.Adam(0.01), "adamw": cr.AdamW(0.01), "rmsprop": cr.RMSProp(0.001), "rprop": cr.RProp()}
RULES["nesterov"] = cr.SGD(0.05, momentum=0.9, nesterov=True)


def digest(theta):
    return hashlib.sha256(np.ascontiguousarray(theta).tobytes()).hexdigest()[:16]


def hosts_of(task):
    if "hosts" not in task:
        return None
    address, host, count = task["hosts"]
    return cr.Hosts(address, host=host, hosts=count, wait=task.get("wait", 120), heartbeat=10)


def arrays(task):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(203, 5))
    return X, np.stack([X[:, 0] * 2, np.sin(X[:, 1])], axis=1) + task.get("shift", 0)


def fit(task, hosts, rule, dtype):
    X, T = arrays(task)
    net = cr.Network([5, 8, 2], activation="tanh", output="identity", seed=1, dtype=dtype)
    settings = {"batch_size": None if rule == "rprop" else 30, "epochs": 2, "optimizer": RULES[rule]}
    cr.fit(net, X, T, hosts=hosts, shards=task["shards"], engine="xla", validation=(X[:20], T[:20]), **settings)
    return digest(net.theta)


def table(task, hosts):
    """Train on the parts, die at an event if the task says so, and return the digest of the model's file."""
    count = 0

    def callback(event):
        nonlocal count
        count += isinstance(event, cr.EpochEnd)
        if count and count == task.get("dies"):
            os.kill(os.getpid(), signal.SIGKILL)

    folder = Path(task["folder"])
    more = {"checkpoint": cr.Checkpoint(folder / task["checkpoint"], 0, resume=True)} if "checkpoint" in task else {}
    settings = {"hidden": 8, "batch_size": 64, "epochs": task.get("epochs", 2), **task.get("settings", {})}
    hosts_and_shards = {"hosts": hosts, "shards": task["shards"]}
    model = cr.train_table(folder / "parts", "y", callback=callback, **hosts_and_shards, **settings, **more)
    return digest(model.network.theta), [*model.history.cost, *model.history.validation]


def main():
    task = json.loads(sys.argv[1])
    try:
        hosts = hosts_of(task)
        result = {f"{rule} {dtype}": fit(task, hosts, rule, dtype) for rule, dtype in task.get("fits", [])}
        if "table" in task:
            result["table"] = table(task, hosts)
        print(json.dumps(result), flush=True)
    except cr.ChainruleError as error:
        print(f"chainrule: {error}", file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    main()
