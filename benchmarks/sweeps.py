"""The sweeps: one property of a network or of its data varies, and all else stays, so that a cliff is seen."""

import dataclasses

from benchmarks.workloads import Workload

__all__ = ["MANY", "SWEEPS", "Sweep", "points"]

FLOPS, FLOATS, CALL = 5e10, 1e9, 2e-5  # about: products a second, parameters a second, seconds of the least update
SECONDS, MOST_NUMBERS = 0.02, 10**7  # of a call; of X


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A workload for each value of the property; `label` says what it is, `base` what stays."""

    label: str
    base: str
    points: dict[str, Workload]

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers, which an axis can have."""
        return all(value.replace(".", "").isdigit() for value in self.points)


def _point(name: str, sizes: tuple[int, ...], batch: int = 128, **more: object) -> Workload:
    """relu, softmax cross-entropy and Adam, with as many updates a call as take about SECONDS."""
    w = Workload(name, sizes, "relu", "softmax", "adam", 1e-3, batch, 1)
    seconds = CALL + w.flops / FLOPS + w.parameters / FLOATS
    updates = min(int(SECONDS / seconds), MOST_NUMBERS // (2 * batch * sizes[0]), 500)
    return dataclasses.replace(w, updates=max(4, updates), **more)


def _rows(n: int) -> Workload:
    return Workload(f"rows {n}", (8, 16, 1), "relu", "identity", "adam", 1e-3, n, 1)


HIDDEN = "64-128-128-10"
MANY = {str(n): _rows(n) for n in (1, 100, 10_000, 1_000_000)}
SWEEPS = {
    "batch": Sweep(
        "rows of a batch",
        HIDDEN,
        {str(n): _point(f"batch {n}", (64, 128, 128, 10), n) for n in (1, 8, 64, 512, 4096)},
    ),
    "width": Sweep(
        "neurons of a hidden layer",
        "64-n-n-10, batch 128",
        {str(n): _point(f"width {n}", (64, n, n, 10)) for n in (8, 32, 128, 512, 2048)},
    ),
    "depth": Sweep(
        "hidden layers",
        "64 neurons each, batch 128",
        {str(n): _point(f"depth {n}", (64, *(64,) * n, 10)) for n in (1, 4, 16, 64, 200)},
    ),
    "classes": Sweep(
        "classes",
        "64-128-n, batch 64",
        {str(n): _point(f"classes {n}", (64, 128, n), 64) for n in (2, 10, 100, 1000, 10_000, 100_000)},
    ),
    "inputs": Sweep(
        "inputs",
        "n-128-10, batch 128",
        {str(n): _point(f"inputs {n}", (n, 128, 10)) for n in (4, 32, 256, 2048, 20_000)},
    ),
    "rows": Sweep("rows of a prediction", "8-16-1", MANY),
    "sparsity": Sweep(
        "% of the inputs that are not 0",
        "10,000-128-10, batch 128",
        {
            f"{100 * share:g}": _point(f"sparsity {100 * share:g}", (10_000, 128, 10), density=share)
            for share in (0.001, 0.01, 0.1, 0.5, 1.0)
        },
    ),
    "features": Sweep(
        "rule or feature",
        f"{HIDDEN}, batch 128",
        {
            "descent": _point("features descent", (64, 128, 128, 10), optimizer="sgd", rate=0.1),
            "momentum": _point("features momentum", (64, 128, 128, 10), optimizer="momentum", rate=0.01),
            **{
                name or "Adam": _point(f"features {name or 'Adam'}", (64, 128, 128, 10), feature=name)
                for name in ("", "L2", "clip", "dropout")
            },
        },
    ),
}


def points() -> dict[str, Workload]:
    """The workload of every point, by its name."""
    return {w.name: w for sweep in SWEEPS.values() for w in sweep.points.values()}
