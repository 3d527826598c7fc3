"""What the model is: what it predicts, from what, for whom, with which settings; where the author's words stand."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.model.report.known import in_order, known_facts
from chainrule.model.report.page import Section, bullets, paragraphs, table
from chainrule.model.report.rows import Judged
from chainrule.model.report.subject import Subject
from chainrule.plots.markup import Markup, joined, tag
from chainrule.tables.inputs.operations import Word
from chainrule.tables.names import listed
from chainrule.tables.targets import ClassTarget, LabelTarget, LogQuantity, OrderedClasses, Target
from chainrule.text import counted, number, short, words

__all__ = ["settings_section", "target_in_words", "use_section"]

NOT_SETTINGS = ("at_best_epoch", "curves", "findings", "test", "warnings")  # of the summary: they have their own place


def target_in_words(target: Target) -> str:
    """What a target is."""
    if isinstance(target, OrderedClasses):
        return f"one of {len(target.values)} classes in an order: {listed(target.texts)}"
    if isinstance(target, LabelTarget):
        return f"any of {counted(len(target.words), 'label')}: {listed(target.words)}"
    if isinstance(target, ClassTarget):
        return f"one of {len(target.values)} classes: {listed(target.texts)}"
    return "a number over many decades, learned as its logarithm" if isinstance(target, LogQuantity) else "a number"


def use_section(model: Subject, notes: str, judged: Judged | None) -> Section:
    """What the model is for, in the author's words, and its limits as far as they can be read from it."""
    if notes.strip():
        said = paragraphs(notes)
    else:
        option = tag("code", "chainrule report --notes FILE")
        words_ = "Its author has not said what the model is for, and where it must not be used: "
        said = tag("p", words_, option, " puts those words here.", class_="quiet")
    return Section("use", "What it is for, and its limits", joined(said, bullets(_limits(model, judged))))


def _limits(model: Subject, judged: Judged | None) -> list[str]:
    """Facts about what the model cannot know."""
    summary, encoder = known_facts(model.summary), model.encoder
    lines = [f"It was trained on {counted(summary['rows'], 'row')}."] if "rows" in summary else []
    if judged is not None:
        lines.append(f"The scores below are those of {counted(len(judged.X), 'row')} of {judged.taken.origin}.")
    else:
        lines.append("No table was given, so this page has no scores but those of its training.")
    for target in model.targets.columns:
        if isinstance(target, ClassTarget):
            lines.append(f"{short(target.name)} is always answered by one of its {len(target.values)} classes.")
    known = [t.name for t, _ in encoder.slices if isinstance(t.reading, Word)]
    if known:
        lines.append(f"Words that training did not have count as unknown in {listed(known)}.")
    dropped = [t for t in encoder.transforms if not t.features]
    if dropped:
        lines.append(f"It does not see {listed([t.name for t in dropped])}.")
    return lines


def settings_section(model: Subject) -> Section:
    """The settings that ran, the network, the versions and the digest."""
    summary, network = model.summary, model.network
    rows = [("network", network.architecture.describe()), ("parameters", f"{network.theta.size:,} in {network.dtype}")]
    rows += [
        (words(name), _in_words(in_order(value)))
        for name, value in sorted(summary.items())
        if name not in NOT_SETTINGS and value not in ("", None)
    ]
    versions = [
        ("chainrule that trained it", str(summary.get("chainrule", "unknown"))),
        ("chainrule that wrote this page", __version__),
        ("Python", platform.python_version()),
        *((name, version) for name, version in _versions()),
    ]
    digest = [("SHA-256 of its file", tag("code", model.digest or "none: no file can hold it"))]
    return Section(
        "settings",
        "Settings, versions, digest",
        joined(
            table("The network and the settings of its training", ("setting", "value"), rows, words=(1,)),
            table("Versions", ("program", "version"), versions),
            table("The model", ("what", "value"), digest, words=(1,)),
        ),
    )


def _versions() -> list[tuple[str, str]]:
    import sklearn

    return [("NumPy", np.__version__), ("scikit-learn, of the other models", sklearn.__version__)]


def _in_words(value: Any) -> Markup | str:
    """A value of the summary for people."""
    if isinstance(value, Mapping):
        named = [str(value["name"])] if "name" in value else []
        return ", ".join([*named, *(f"{words(k)} {_in_words(v)}" for k, v in value.items() if k != "name")])
    if isinstance(value, list):
        return "; ".join(str(_in_words(part)) for part in value)
    if isinstance(value, float):
        return number(value) if math.isfinite(value) else str(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
