"""The findings of the training doctor for a table: those of the history, with the names of columns, and leaks."""

from collections.abc import Sequence

from chainrule.fields import is_auto
from chainrule.model.leaks import Suspect
from chainrule.model.settings import TableSettings
from chainrule.text import words
from chainrule.training import History
from chainrule.training.diagnosis import Finding
from chainrule.training.diagnosis.thresholds import SUSPICIOUS

__all__ = ["TIMED", "findings_of", "silent_findings"]

TIMED = {"too many devices"}  # findings that depend on how long the training took, so that a model's file has none


def findings_of(history: History, features: Sequence[str], suspects: Sequence[Suspect]) -> list[Finding]:
    """The findings of a training; none if it was cancelled.

    - history: the history of the training.
    - features: the names of the inputs.
    - suspects: the columns that may give a target away. They are a finding if the score on the validation rows is
      suspiciously good.
    """
    if history.stopped == "cancelled":
        return []
    findings, leak = history.diagnose(features), _leak(history, suspects)
    return findings if leak is None else [leak, *findings]


def _leak(history: History, suspects: Sequence[Suspect]) -> Finding | None:
    """The finding that the suspects may explain a score that is suspiciously good."""
    scores = {name: values[history.best_epoch] for name, values in history.metrics.items() if history.best_epoch >= 0}
    best = max(
        (name for name in scores if name.startswith(("accuracy", "r2"))), key=lambda name: scores[name], default=""
    )
    if not suspects or not best or scores[best] < SUSPICIOUS:
        return None
    columns = dict.fromkeys(suspect.column for suspect in suspects)
    reasons = "; ".join(f"{suspect.column} {suspect.why}" for suspect in suspects)
    return Finding(
        "leak",
        f"{words(best)} {scores[best]:.3f} on the held-out rows may come from columns that give it away: {reasons}",
        f"drop {', '.join(columns)}, unless known when you predict",
        {"score": scores[best], "columns": float(len(columns))},
    )


def silent_findings(wanted: TableSettings, run: TableSettings) -> set[str]:
    """The names of findings that are not reported, because they are about something that the user did not choose.

    - wanted, run: the settings of the user, and those that run.

    Overfitting, unless the user set the number of epochs: the best weights are kept, and only more epochs show which
    these are. A low learning rate, if the preset chose it and training starts at the linear model, which has most of
    the improvement.
    """
    rate = wanted.learning_rate is not None or not is_auto(wanted.optimizer)
    silent = {"overfitting": is_auto(wanted.epochs), "rate too low": run.start == "linear" and not rate}
    return {name for name, applies in silent.items() if applies}
