"""What the training doctor says of a training on a table: that of its history, in the table's names, and leaks."""

from collections.abc import Sequence

from chainrule.model.leaks import Suspect
from chainrule.text import words
from chainrule.training import History
from chainrule.training.diagnosis import Finding
from chainrule.training.diagnosis.thresholds import SUSPICIOUS

__all__ = ["findings_of"]


def findings_of(history: History, features: Sequence[str], suspects: Sequence[Suspect]) -> list[Finding]:
    """The findings of a training that ran to its end, `features` being the names of its inputs.

    The `suspects`, columns that may give the target away, are a finding where the score on the validation rows is
    suspiciously good.
    """
    if history.stopped == "cancelled":
        return []
    findings, leak = history.diagnose(features), _leak(history, suspects)
    return findings if leak is None else [leak, *findings]


def _leak(history: History, suspects: Sequence[Suspect]) -> Finding | None:
    scores = {name: values[history.best_epoch] for name, values in history.metrics.items() if history.best_epoch >= 0}
    best = max(
        (name for name in scores if name.startswith(("accuracy", "r2"))), key=lambda name: scores[name], default=""
    )
    if not suspects or not best or scores[best] < SUSPICIOUS:
        return None
    columns = dict.fromkeys(suspect.column for suspect in suspects)
    seen = "; ".join(f"{suspect.column} {suspect.why}" for suspect in suspects)
    return Finding(
        "leak",
        f"{words(best)} {scores[best]:.3f} on the rows held out may come of what is not known in time: {seen}",
        f"drop {', '.join(columns)}, unless known when you predict",
        {"score": scores[best], "columns": float(len(columns))},
    )
