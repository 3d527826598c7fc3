"""The numbers of torch's optimizers and schedules, kept in torch_numbers.json so that tests need no torch.

`python -m tests.torch_numbers` makes the file anew. Where torch can be imported the tests make the numbers again too.
"""

import json
import math
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")

STEPS, SIZE = 25, 5

# How torch calls a rule, and its arguments; ours are in optimizers/test_rules.py under the same names.
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.1}),
    "rmsprop": ("RMSprop", {"lr": 0.1, "alpha": 0.9, "eps": 1e-3}),
    "adam": ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}),
    "adamw": ("AdamW", {"lr": 0.1, "weight_decay": 0.5}),
    "amsgrad": ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "amsgrad": True}),
    "nadam": ("NAdam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "momentum_decay": 0.1}),
    "adagrad": ("Adagrad", {"lr": 0.1, "eps": 1e-3}),
    "rprop": ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (0.02, 0.3)}),
}

# Schedules stepped once an update (10 an epoch, 40 in all); ours are in test_schedules.py under the same names.
UPDATES = 40
SCHEDULES: dict[str, tuple[str, dict[str, Any]]] = {
    "step": ("StepLR", {"step_size": 10, "gamma": 0.5}),
    "exponential": ("ExponentialLR", {"gamma": 0.9 ** (1 / 10)}),
    "cosine": ("CosineAnnealingLR", {"T_max": UPDATES, "eta_min": 0.1}),
    "cyclic": (
        "CyclicLR",
        {"base_lr": 0.2, "max_lr": 1.0, "step_size_up": 5, "mode": "triangular2", "cycle_momentum": False},
    ),
    "warm_restarts": ("CosineAnnealingWarmRestarts", {"T_0": 10, "eta_min": 0.1}),
    "warm_restarts_longer": ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2}),
    "one_cycle": ("OneCycleLR", {"max_lr": 1.0, "total_steps": UPDATES, "cycle_momentum": False}),
    "one_cycle_late": (
        "OneCycleLR",
        {
            "max_lr": 1.0,
            "total_steps": UPDATES,
            "pct_start": 0.55,
            "div_factor": 10,
            "final_div_factor": 10,
            "cycle_momentum": False,
        },
    ),
}

# Values at the ends of epochs, for ReduceLROnPlateau; torch counts one epoch more before it acts.
WATCHED = [3.0, 2.0, 2.0, 1.99, 2.5, 1.0, 1.0, 0.95, 0.91, 0.9, 0.89, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]
PLATEAU = {"factor": 0.5, "patience": 2, "threshold": 0.1, "threshold_mode": "abs", "min_lr": 0.2}


def start() -> list[float]:
    """The parameters from which each rule starts."""
    return [math.cos(3 * i) for i in range(SIZE)]


def gradient(step: int) -> list[float]:
    """The gradient of an update: of either sign, small and large."""
    return [math.sin(1.7 * step + i * i) * 10 ** (i - 2) for i in range(SIZE)]


def _rule(name: str, arguments: dict[str, Any]) -> list[list[float]]:
    import torch

    theta = torch.tensor(start(), dtype=torch.float64, requires_grad=True)
    optimizer, found = getattr(torch.optim, name)([theta], **arguments), []
    for step in range(STEPS):
        theta.grad = torch.tensor(gradient(step), dtype=torch.float64)
        optimizer.step()
        found.append(theta.tolist())
    return found


def _factors(name: str, arguments: dict[str, Any]) -> list[float]:
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule, found = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments), []
    for update in range(UPDATES):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if update < UPDATES - 1:
            schedule.step()
    return found


def _plateau() -> list[float]:
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule, found = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **PLATEAU), []
    for value in WATCHED:
        found.append(optimizer.param_groups[0]["lr"])
        schedule.step(value)
    return found


def numbers() -> dict[str, Any]:
    """All numbers, made by torch."""
    import torch

    return {
        "torch": torch.__version__,
        "rules": {ours: _rule(*theirs) for ours, theirs in RULES.items()},
        "schedules": {ours: _factors(*theirs) for ours, theirs in SCHEDULES.items()},
        "plateau": _plateau(),
    }


def stored() -> dict[str, Any]:
    """All numbers, from the file."""
    return json.loads(FILE.read_text())


if __name__ == "__main__":
    FILE.write_text(json.dumps(numbers(), indent=0) + "\n")
