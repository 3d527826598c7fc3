"""The parameters under preset="tabular": one that differs from its default overrides the preset."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.estimators.parameters import activation_of, hidden_sizes, optimizer_of, patience_of, word_of
from chainrule.model.settings import TableSettings

__all__ = ["changed_parameters", "parameters_of", "table_settings"]

NAMES = {  # the parameters in the order of `settings_`, each with the setting of a table that it comes from
    "hidden_layer_sizes": "hidden",
    "activation": "activation",
    "solver": "optimizer",
    "learning_rate": "schedule",
    "batch_size": "batch_size",
    "max_iter": "epochs",
    "alpha": "alpha",
    "dropout": "dropout",
    "n_iter_no_change": "patience",
    "tol": "min_delta",
    "scoring": "metric",
    "early_stopping": "validation",
    "validation_fraction": "validation",
    "initializer": "initializer",
    "members": "members",
    "start": "start",
}
_TO_SETTING: dict[str, Callable[[Any], Any]] = {  # the values, of an estimator, from which the preset chooses the rest
    "hidden_layer_sizes": lambda e: hidden_sizes(e.hidden_layer_sizes),
    "activation": lambda e: _activation(e.activation),
    "solver": optimizer_of,
    "learning_rate": lambda e: None if isinstance(e.learning_rate, str) else e.learning_rate,
    "batch_size": lambda e: e.batch_size,
    "max_iter": lambda e: e.max_iter,
    "n_iter_no_change": lambda e: None if e.n_iter_no_change == math.inf else patience_of(e),
    "validation_fraction": lambda e: e.validation_fraction,
}
_TO_PARAMETER: dict[str, Callable[[Any], Any]] = {  # from the value of a setting, where the two are written differently
    "hidden_layer_sizes": tuple,
    "activation": lambda choice: choice if isinstance(choice, list) else word_of(choice),
    "learning_rate": lambda schedule: schedule or "constant",
    "n_iter_no_change": lambda patience: math.inf if patience is None else patience,
}
_FIELDS = {"beta_1": "beta1", "beta_2": "beta2", "epsilon": "eps", "momentum": "momentum"}  # of an optimizer
_FIRST_WEIGHTS = {"coefs_init", "intercepts_init", "initializer", "masks"}


def table_settings(estimator: Any, own_validation: bool) -> TableSettings:
    """The settings of a table in which parameters that differ from their default take the preset's place.

    - own_validation: whether the user passes a validation set.
    """
    changed = changed_parameters(estimator)
    values: dict[str, Any] = {NAMES[name]: value(estimator) for name, value in _TO_SETTING.items() if name in changed}
    if "learning_rate_init" in changed and "solver" not in changed:
        values["learning_rate"] = estimator.learning_rate_init
    if _FIRST_WEIGHTS & changed:
        values["start"] = "random"
    if _FIRST_WEIGHTS & changed or own_validation or "scoring" in changed or optimizer_of(estimator).line_search:
        values |= {"members": 1, "validation": estimator.validation_fraction}
    return TableSettings(**values)


def parameters_of(estimator: Any, settings: TableSettings, rows: int, own_validation: bool) -> dict[str, Any]:
    """The parameters that run with such settings on so many rows, by name: what `settings_` shows."""
    changed, alone = changed_parameters(estimator), settings.members == 1
    values = {name: getattr(settings, setting) for name, setting in NAMES.items()}
    values |= {name: convert(values[name]) for name, convert in _TO_PARAMETER.items()}
    values |= {
        "solver": _rule(estimator, settings, changed),
        "alpha": estimator.alpha if settings.rule.line_search else 0.0,
        "scoring": "loss",
        "validation_fraction": settings.validation if alone else estimator.validation_fraction,
        "initializer": settings.first_weights,
    }
    values |= {name: getattr(estimator, name) for name in values if name in changed}
    values["early_stopping"] = not alone or own_validation or math.ceil(estimator.validation_fraction * rows) > 1
    return values


def _rule(estimator: Any, settings: TableSettings, changed: set[str]) -> Any:
    """The preset's optimizer with the fields that parameters change, or the estimator's own."""
    if "solver" in changed:
        return estimator.solver
    fields = {field: getattr(estimator, name) for name, field in _FIELDS.items() if name in changed}
    return dataclasses.replace(settings.rule, **{f: value for f, value in fields.items() if hasattr(settings.rule, f)})


def changed_parameters(estimator: Any) -> set[str]:
    """The names of the parameters that differ from their default."""
    defaults = {field.name: field.default for field in dataclasses.fields(estimator)}
    values = estimator.get_params(deep=False)
    return {name for name, value in values.items() if not _is_default(value, defaults.get(name))}


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(np.all(value == default)))


def _activation(choice: Any) -> Any:
    """An activation, or a list with one for each hidden layer, from scikit-learn's names or ours."""
    return [activation_of(each) for each in choice] if isinstance(choice, list | tuple) else activation_of(choice)
