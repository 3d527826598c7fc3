"""What preset="tabular" makes of an estimator's parameters: what differs from its default holds."""

import dataclasses
import math
from typing import Any

import numpy as np

from chainrule.estimators.parameters import activation_of, hidden_sizes, optimizer_of, patience_of
from chainrule.model.settings import TableSettings

__all__ = ["given", "parameters_of", "settings_of"]


def settings_of(e: Any, own_validation: bool) -> TableSettings:
    """The settings of a table in which parameters that differ from their default take the preset's place."""
    differ = given(e)
    words = {
        "hidden_layer_sizes": ("hidden", e.hidden_layer_sizes),
        "activation": ("activation", e.activation),
        "solver": ("optimizer", optimizer_of(e)),
        "batch_size": ("batch_size", e.batch_size),
        "max_iter": ("epochs", e.max_iter),
        "validation_fraction": ("validation", e.validation_fraction),
        "n_iter_no_change": ("patience", None if e.n_iter_no_change == math.inf else patience_of(e)),
    }
    asked: dict[str, Any] = dict(word for name, word in words.items() if name in differ)
    if "hidden" in asked:
        asked["hidden"] = hidden_sizes(e.hidden_layer_sizes)
    if "activation" in asked:
        several = isinstance(e.activation, list | tuple)
        asked["activation"] = [activation_of(a) for a in e.activation] if several else activation_of(e.activation)
    if "learning_rate" in differ:
        asked["schedule"] = None if isinstance(e.learning_rate, str) else e.learning_rate
    if "learning_rate_init" in differ and "solver" not in differ:
        asked["learning_rate"] = e.learning_rate_init
    if {"coefs_init", "intercepts_init", "initializer", "masks"} & differ:
        asked |= {"start": "random", "members": 1, "validation": e.validation_fraction}
    if own_validation or "scoring" in differ or optimizer_of(e).line_search:
        asked |= {"members": 1, "validation": e.validation_fraction}
    return TableSettings(**asked)


def parameters_of(e: Any, s: TableSettings, rows: int, own_validation: bool) -> dict[str, Any]:
    """The estimator's parameters as they run, by name, with `members` and `start`."""
    chooses = s.members > 1 or own_validation or math.ceil(e.validation_fraction * rows) > 1
    differ = given(e)
    rule = s.rule
    slots = {"beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps", "momentum": "momentum"}
    changed = {field: getattr(e, name) for name, field in slots.items() if name in differ and hasattr(rule, field)}
    asked = {
        "hidden_layer_sizes": tuple(s.hidden),
        "activation": s.activation,
        "solver": dataclasses.replace(rule, **changed) if "solver" not in differ else e.solver,
        "learning_rate": s.schedule or "constant",
        "batch_size": s.batch_size,
        "max_iter": s.epochs,
        "alpha": e.alpha if rule.line_search else 0.0,
        "dropout": s.dropout,
        "n_iter_no_change": math.inf if s.patience is None else s.patience,
        "tol": s.min_delta,
        "scoring": "loss",
        "early_stopping": chooses,
        "validation_fraction": s.validation if s.members == 1 else e.validation_fraction,
        "initializer": s.first_weights,
    }
    asked |= {name: getattr(e, name) for name in asked if name in differ and name not in ("early_stopping", "solver")}
    return {**asked, "members": s.members, "start": s.start}


def given(e: Any) -> set[str]:
    """The names of the parameters that differ from their default."""
    defaults = {field.name: field.default for field in dataclasses.fields(e)}
    return {name for name, value in e.get_params(deep=False).items() if not _same(value, defaults.get(name))}


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(np.all(value == default)))
