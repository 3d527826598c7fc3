"""`chainrule inspect`: show in words what a file contains: a model, an estimator, a network or a checkpoint."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from chainrule.certificate import Certificate
from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.files import open_table
from chainrule.cli.options import AsJson
from chainrule.cli.training_options import KindsOption, listed
from chainrule.cli.values import matching_kinds
from chainrule.errors import SettingError
from chainrule.files import CHECKPOINT, from_container, stored_form
from chainrule.files.container import read
from chainrule.model import Model
from chainrule.network import Network
from chainrule.tables.chunks import with_file_name
from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.inputs import Encoder
from chainrule.tables.names import listed as listed_names
from chainrule.tables.names import require_columns
from chainrule.tables.sources import may_be_table
from chainrule.tables.targets import LogQuantity, Targets
from chainrule.text import counted, number, short, shortened, words
from chainrule.training.state_file import Stored, stored_in

__all__ = ["inspect"]

_FIRST = ("rows", "validation_rows", "epochs", "stopped", "best_epoch", "at_best_epoch", "optimizer", "batch_size")


def inspect(
    model: Path,
    /,
    *,
    target: Annotated[
        tuple[str, ...],
        listed("For a table: the columns to predict, which are no inputs.", "COLUMN,COLUMN"),
    ] = (),
    kinds: KindsOption = (),
    as_json: AsJson = False,
) -> int:
    """Show in words what a file contains: the architecture, the columns, how it was trained.

    Parameters
    ----------
    model
        A file that chainrule wrote: a model, an estimator, a network or the checkpoint of a training. Or a table: then
        what each of its columns would be for a training.
    """
    if may_be_table(model):
        _show_source(model, target, kinds, as_json)
        return 0
    if target or kinds:
        raise SettingError(
            "a file that chainrule wrote knows its columns: leave out --target and --as, or give a table"
        )
    container = read(model)
    if container.document.get("kind") == CHECKPOINT:
        _show_checkpoint(stored_in(container, model), as_json)
        return 0
    stored, certificate = from_container(container, model), Certificate.stored_in(container, model)
    if as_json:
        certified = {} if certificate is None else {"certificate": certificate.document()}
        write_json({"kind": type(stored).__name__.lower(), **stored_form(stored)[1], **certified})
        return 0
    _show(stored)
    if certificate is not None:
        say("")
        for line in str(certificate).splitlines():
            say(line)
    return 0


def _show(stored: Any) -> None:
    """Write what a network, a model or an estimator is."""
    if isinstance(stored, Network):
        _show_network(stored)
    elif isinstance(stored, Model):
        _show_network(stored.network)
        _show_targets(stored.targets.columns)
        _show_columns(stored.encoder)
        _show_training(stored.summary)
    else:
        _show_estimator(stored)


def _show_checkpoint(stored: Stored, as_json: bool) -> None:
    state, fingerprint = stored
    history = state.history
    done = {"epochs": state.epoch, "updates": state.run.step, "parameters": state.kept.size}
    if as_json:
        write_json({"kind": CHECKPOINT, **done, **dataclasses.asdict(fingerprint), "cost": history.cost})
        return
    say(f"checkpoint of a training: {counted(state.epoch, 'epoch')} and {counted(state.run.step, 'update')} are done")
    say("it is not a model: resume it by the command or the call that began it, with --resume or resume=True")
    say(f"{state.kept.size:,} parameters in {state.kept.dtype}")
    scores = {"cost": history.cost, "validation cost": history.validation, **history.metrics}
    last = {f"last {name}": values[-1] for name, values in scores.items() if values}
    best = {} if history.best_epoch < 0 else {"best epoch": history.best_epoch + 1}
    say("")
    _show_table_of({**last, **best, "stopped": history.stopped, **fingerprint.settings, **fingerprint.maker})


def _show_estimator(estimator: Any) -> None:
    """The parameters that are not at their default and, once it is fitted, everything that a model shows."""
    say(f"estimator: {' '.join(repr(estimator).split())}")
    if not hasattr(estimator, "network_"):
        say("it has not been fitted")
        return
    _show_network(estimator.network_)
    _show_targets(estimator._targets.outputs.columns)
    if estimator._plan is not None:
        _show_columns(estimator._plan.encoder)
    else:
        names = getattr(estimator, "feature_names_in_", None)
        in_words = "" if names is None else f": {listed_names(names.tolist())}"
        say(f"{counted(estimator.n_features_in_, 'input')}{in_words}")
    history = getattr(estimator, "history_", None)
    curves = {} if history is None else {"loss": history.cost, "validation loss": history.validation, **history.metrics}
    last = {f"last {name}": values[-1] for name, values in curves.items() if values}
    ended = {} if history is None else {"stopped": history.stopped, "engine": history.engine}
    say("")
    _show_table_of({"epochs": estimator.n_iter_, **last, "seed": estimator.seed_, **ended})


def _show_network(network: Network) -> None:
    say(f"network: {network.architecture.describe()}")
    layers = ", ".join(f"layer {l}: {W.shape[0]} × {W.shape[1]} + {W.shape[1]}" for l, W in enumerate(network.W, 2))
    say(f"{network.theta.size:,} parameters in {network.dtype} ({layers})")


def _show_targets(columns: Iterable[Any]) -> None:
    say("")
    targets = [(short(c.name), c.kind, _target_detail(c)) for c in columns]
    show_table(("target", "kind", "what it is"), targets)


def _show_columns(encoder: Encoder) -> None:
    say("")
    columns = [(short(name), kind, shortened(detail)) for name, kind, detail in encoder.describe()]
    show_table(("column", "becomes", "how"), columns)


def _target_detail(target: Any) -> str:
    if target.texts:
        texts, between = list(target.texts), " < " if target.kind == "ordered" else ", "
        return between.join(map(short, texts[:12])) + (f" and {len(texts) - 12} more" if len(texts) > 12 else "")
    if isinstance(target, LogQuantity):
        typical, factor = number(math.exp(target.mean)), number(math.exp(target.scale))
        return f"its logarithm: typically {typical}, times or divided by {factor}"
    if (target.mean, target.scale) == (0, 1):
        return "as it is"
    if target.mean == 0:
        return f"in units of {number(target.scale)}"
    return f"mean {number(target.mean)}, standard deviation {number(target.scale)}"


def _show_source(path: Path, target: Sequence[str], kinds: Any, as_json: bool) -> None:
    """Show what each column of a table would be for a training."""
    source, names = open_table(path, target)
    named = {name: ColumnKind.of(text) for name, text in matching_kinds(dict(kinds), source.names).items()}
    require_columns(source.names, named, "", source.hint)
    with with_file_name(source):
        targets = Targets.fit(source, names, kinds=named).columns if names else ()
        encoder = Encoder.fit(source, names, kinds=named)
    if as_json:
        columns = [{"name": n, "becomes": kind, "how": detail} for n, kind, detail in encoder.describe()]
        goals = [{"name": c.name, "kind": c.kind, "classes": list(c.texts)} for c in targets]
        write_json({"columns": columns, "targets": goals, "notes": source.notes})
        return
    for note in source.notes:
        say(note)
    _show_columns(encoder)
    if targets:
        _show_targets(targets)


def _show_training(summary: dict[str, Any]) -> None:
    say("")
    _show_table_of(
        {name: summary[name] for name in (*_FIRST, *sorted(summary.keys() - {*_FIRST, "curves"})) if name in summary}
    )


def _show_table_of(values: Mapping[str, Any]) -> None:
    """A line for each value that is not empty."""
    show_table(("training", ""), [(words(name), _words(value)) for name, value in values.items() if value != ""])


def _words(value: Any) -> str:
    if isinstance(value, dict):
        named = [str(value["name"])] if "name" in value else []
        return ", ".join([*named, *(f"{words(name)} {_words(part)}" for name, part in value.items() if name != "name")])
    if isinstance(value, list):
        return "; ".join(map(_words, value))
    return number(value) if isinstance(value, float) else str(value)
