"""Starts a training: `train` and `fit` check their arguments, `start` takes examples and settings that are checked."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule.engines import choose, passed_over
from chainrule.errors import SettingError, warn_of
from chainrule.examples import Examples, LocalRows, as_examples, smoothed
from chainrule.fields import Function, Number, Special, signature_with
from chainrule.hosts import link_of
from chainrule.network import Network
from chainrule.registry import require
from chainrule.settings import TrainingSettings
from chainrule.training.checkpoint import Checkpoint, as_checkpoint
from chainrule.training.display import showing
from chainrule.training.events import Event, Finished
from chainrule.training.fingerprint import require_same_problem
from chainrule.training.history import History, Mode
from chainrule.training.loop import Training
from chainrule.training.monitor import Metric, Monitor
from chainrule.training.problem import Problem
from chainrule.training.state import TrainingState

__all__ = ["fit", "start", "train"]

CALLBACK = Function(1, "a function of an event", specials=(Special("none", None),))
CANCEL = Function(0, "a function without arguments", specials=(Special("none", None),))
_TOTAL = Number(0, above=True, specials=(Special("none", None),))


@signature_with(TrainingSettings)
def train(
    net: Network,
    X: Any,
    T: Any,
    *,
    sample_weight: Any = None,
    validation: tuple[Any, ...] | None = None,
    metrics: Mapping[str, Metric] | None = None,
    monitor: str = "cost",
    mode: Mode | None = None,
    total_weight: float | None = None,
    feature_names: Sequence[str] | None = None,
    cancel: Callable[[], bool] | None = None,
    state: TrainingState | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Training:
    """Train a network in place, by mini-batch gradient descent on C (see `Network.cost`): an iterator of events.

    - net: the `Network`; its weights change at every update.
    - X: inputs (n, n_1), an array or a sparse matrix of SciPy.
    - T: targets (n, n_L), or class numbers (n,).
    - sample_weight: weights of examples (n,), or of terms (n, n_L).
    - validation: other rows, (X, T) or (X, T, sample_weight); the weights of the epoch that is best on them are kept.
    - metrics: functions of (A, T) by name, computed on the validation set after each epoch.
    - monitor: what is best: the validation "cost", or a metric by its name. "training" is the training cost: validation
      is then only reported, and the final weights are kept. Without a validation set the training cost is monitored.
    - mode: which value of the monitored metric is better, "max" or "min"; None for "max", and for "min" with a cost.
    - total_weight: S, by which alpha and l1 are divided, where these rows are a part of a larger set; None for the sum
      of their weights.
    - feature_names: names of the columns of X, for messages.
    - cancel: a function without arguments, called between updates; training stops when it returns True.
    - state: the `state` of an earlier training with the same data and settings, to resume exactly there; `epochs`
      then counts from the very first, `time` from now.
    - checkpoint: a file, or a `cr.Checkpoint`, that stores the state while training runs, to resume after a crash.
    {settings}

    Events: Started; Progress about ten times a second; EpochEnd; Stopped if it ends early (cancelled, patience, time,
    converged, evaluations, or diverged, when the cost is no longer finite: then the last good weights are kept);
    Finished. The iterator has a `state`, valid after each event: everything needed to resume.

    >>> net = cr.Network([1, 1], output="identity", dtype="float64")
    >>> [type(event).__name__ for event in cr.train(net, [[0.0], [1.0]], [[1.0], [3.0]], epochs=1)]
    ['Started', 'Progress', 'EpochEnd', 'Finished']

    Raises DataError where X, T, weights or validation do not fit the network, SettingError where a setting is out of
    its range or contradicts another, EngineError where the engine lacks something: each before anything is trained.
    Warns by a ChainruleWarning where "auto" passes a faster engine over, because it lacks something.
    """
    _check_types(net, metrics, cancel, state)
    checked = TrainingSettings.of(**settings)
    if metrics and validation is None:
        raise SettingError("metrics are computed on the validation set: give validation=(X, T) too")
    monitored = Monitor(dict(metrics or {}), monitor, mode)
    checked.dropouts(len(net.sizes) - 2)
    checked.layer_rates(len(net.sizes))
    examples = as_examples(net.architecture, X, T, sample_weight, net.dtype, sparse=True)
    training = start(
        net,
        examples,
        checked,
        validation=None if validation is None else _validation(net, validation),
        monitor=monitored,
        total_weight=_TOTAL.clean("total_weight", total_weight),
        feature_names=feature_names,
        cancel=cancel,
        state=state,
        checkpoint=checkpoint,
    )
    warn_of(training.warnings)
    return training


def _check_types(net: Any, metrics: Any, cancel: Any, state: Any) -> None:
    """Raise SettingError in one line for an argument of another type."""
    require(isinstance(net, Network), "net", net, "a Network")
    require(isinstance(metrics, Mapping | None), "metrics", metrics, "functions of (A, T) by their names, or None")
    CANCEL.clean("cancel", cancel)
    require(state is None or isinstance(state, TrainingState), "state", state, "the state of a training")


@signature_with(TrainingSettings, passed_to=train)
def fit(
    net: Network,
    X: Any,
    T: Any,
    *,
    progress: bool = False,
    callback: Callable[[Event], Any] | None = None,
    cancel: Callable[[], bool] | None = None,
    **settings: Any,
) -> History:
    """The same as `train`, run to its end: returns its History.

    - net, X, T, sample_weight, validation, metrics, monitor, mode: as in `train`.
    - total_weight, feature_names, cancel, state, checkpoint: as in `train`.
    - progress: whether to show the progress, on a terminal, in a notebook, or as lines on stderr.
    - callback: a function that is called with each event; training stops when it returns True.
    {settings}

    >>> cr.fit(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=3).epochs
    3

    Raises DataError, SettingError or EngineError where `train` does.
    """
    CALLBACK.clean("callback", callback)
    CANCEL.clean("cancel", cancel)
    ended: list[Event] = []  # the event at which the callback returned True
    training = train(net, X, T, cancel=lambda: bool(ended) or (cancel is not None and cancel()), **settings)
    for event in showing(training, silent=not (progress and training.problem.link.first)):
        if callback is not None and callback(event):
            ended.append(event)
        if isinstance(event, Finished):
            training.close()  # no next event is needed: what it uses is free at once
            return event.history
    raise AssertionError("training ends with Finished")


def start(
    net: Network,
    examples: Examples,
    settings: TrainingSettings,
    *,
    validation: Examples | None = None,
    monitor: Monitor | None = None,
    total_weight: float | None = None,
    feature_names: Sequence[str] | None = None,
    cancel: Callable[[], bool] | None = None,
    search_leaks: bool = True,
    state: TrainingState | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
) -> Training:
    """The same as `train`, for examples and settings that are checked already.

    - net, total_weight, feature_names, cancel, state, checkpoint: as in `train`.
    - examples, validation: checked examples; None for no validation set.
    - settings: the settings of training.
    - monitor: the metrics, and what chooses the weights; None for the validation cost alone.
    - search_leaks: whether the probe searches the inputs for copies of a target.

    Raises SettingError where the settings do not fit the network or the rows, and where state or checkpoint are of
    another training; ModelFileError where the checkpoint is damaged; EngineError where the engine lacks something.
    """
    link = link_of(settings.hosts)
    if not link.alone:
        _check_together(settings, examples)
        devices = settings.devices or link.devices
        settings = dataclasses.replace(settings, devices=devices, shards=settings.shards or devices)
    settled = settings.settled(len(examples.rows), net.sizes)
    if settled.precision and str(net.dtype) != "float32":
        raise SettingError(
            f"precision is {settled.precision!r}, which is for float32 networks, but this one has {net.dtype}: leave "
            "it out, or give dtype='float32'"
        )
    engine = choose(settled.engine, net.architecture, settled)
    if settled.label_smoothing:
        examples = smoothed(net.architecture, examples, settled.label_smoothing, net.dtype)
    divisor = examples.total if total_weight is None else total_weight
    problem = Problem(net, examples, settled, engine, validation, monitor or Monitor(), divisor, feature_names, link)
    require_same_problem(problem)
    training = Training(problem, cancel=cancel, search_leaks=search_leaks)
    if settled.engine == "auto":
        training.warnings += passed_over(net.architecture, settled)
        training.notes += training.warnings
    if state is not None:
        require(checkpoint is None, "state", "given", "None with a checkpoint, which has a state of its own")
        training.go_to(state)
    if checkpoint is not None:
        training.keep_in(as_checkpoint(checkpoint))
    return training


def _check_together(settings: TrainingSettings, examples: Examples) -> None:
    """Raise SettingError for what needs the gradient of all rows at once, where several hosts train."""
    if settings.optimizer.line_search:
        raise SettingError(f"several hosts do not train by {settings.optimizer.name}: choose another optimizer")
    if settings.tolerance is not None and isinstance(examples.X, LocalRows):
        raise SettingError("tolerance needs the gradient of all rows, which no host has: leave it out")


def _validation(net: Network, validation: tuple[Any, ...]) -> Examples:
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise SettingError("validation must be (X, T) or (X, T, sample_weight)")
    X, T, *weight = validation
    return as_examples(net.architecture, X, T, weight[0] if weight else None, net.dtype, sparse=True).present()
