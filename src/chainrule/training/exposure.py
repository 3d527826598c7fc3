"""Whether the noise of `Clip` bounds what the weights tell of a row: what else of the training rows they depend on."""

import numpy as np

from chainrule.schedules import Plateau
from chainrule.training.problem import Problem

__all__ = ["ENCODED", "exposure", "noise_of"]

ENCODED = "the encoder of the columns keeps statistics of the training rows, without noise"


def noise_of(problem: Problem) -> float:
    """The noise multiplier of a training: 0 without noise."""
    clip = problem.settings.clip
    return 0.0 if clip is None else clip.noise


def exposure(problem: Problem) -> str:
    """Why no epsilon holds for a training with noise, in words; "" where one does, and without noise."""
    if not noise_of(problem):
        return ""
    s, weight, monitor = problem.settings, problem.examples.weight, problem.monitor.name
    watches_training = monitor == "training" or (monitor == "cost" and problem.validation is None)
    reasons = {
        "the rows have weights, which make the gradient of a row longer than its bound": (
            weight is not None and bool((weight[problem.examples.rows] != np.float64(1)).any())
        ),
        "tolerance reads the gradient of all rows, without noise": s.tolerance is not None,
        "patience watches the cost of the training rows, without noise": s.patience is not None and watches_training,
        "the schedule follows the cost of the training rows, without noise": (
            isinstance(s.schedule, Plateau) and watches_training
        ),
    }
    return next((words for words, holds in reasons.items() if holds), "")
