"""What a report reads from a model's summary, which comes from a file: what has the form that training gives it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["in_order", "known_facts"]


def known_facts(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a summary that have the right form, in the order of a file: by name.

    >>> known_facts({"rows": 3, "epochs": "many", "curves": {"epoch": [1], "cost": [None]}})
    {'curves': {'cost': [nan], 'epoch': [1]}, 'rows': 3}
    """
    facts = {name: in_order(value) for name, value in sorted(summary.items()) if name in _FORMS and _FORMS[name](value)}
    if "curves" in facts:
        facts["curves"] = {n: [math.nan if v is None else v for v in own] for n, own in facts["curves"].items()}
    return facts


def in_order(value: Any) -> Any:
    """Plain data whose mappings are sorted by name."""
    if not isinstance(value, Mapping):
        return value
    return {name: in_order(part) for name, part in sorted(value.items(), key=lambda pair: str(pair[0]))}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _all(mapping: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(mapping, Mapping) and all(map(fits, mapping.values()))


def _are_curves(value: Any) -> bool:
    """Whether they are lists of one length, of numbers or None, with rising epochs, and a cost among them."""
    if not isinstance(value, Mapping) or not {"epoch", "cost"} <= value.keys() or not value["epoch"]:
        return False
    lists = all(isinstance(own, list) and len(own) == len(value["epoch"]) for own in value.values())
    return (
        lists and all(v is None or _is_number(v) for own in value.values() for v in own) and None not in value["epoch"]
    )


def _is_test(value: Any) -> bool:
    return isinstance(value, Mapping) and _is_count(value.get("rows")) and _all(value.get("targets"), _are_scores)


def _are_scores(value: Any) -> bool:
    return _all(value, _is_number)


_FORMS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("rows", "validation_rows", "members", "members_of_trials", "epochs", "best_epoch", "test_every"), _is_count
    ),
    **dict.fromkeys(("stopped", "group", "time_column"), _is_text),
    "at_best_epoch": _are_scores,
    "curves": _are_curves,
    "test": _is_test,
    "findings": lambda value: _all(value, _is_text),
    "warnings": lambda value: isinstance(value, list) and all(map(_is_text, value)),
}
