"""What a search tries: for each setting some values, or a range of numbers.

Without a choice of the user's, around the values that the preset has for the table (rate r, width w, batch size b):

    learning_rate   r / 10 to 10 r, evenly in its logarithm
    weight_decay    0.001 to 1, evenly in its logarithm; of AdamW
    hidden          1 to 3 layers of w / 2, w, 2 w or 4 w neurons
    activation      gelu, relu or silu, which can begin as a linear model
    dropout         0 to 0.4, in steps of 0.05
    batch_size      b / 2, b or 2 b

A setting that the user has set is not searched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.errors import SettingError
from chainrule.fields import settings_of
from chainrule.model.settings import TableSettings
from chainrule.optimizers import AdamW
from chainrule.registry import is_number, require
from chainrule.text import shown

__all__ = ["SEARCHED", "Dimension", "settings_for", "space_of"]

SEARCHED = ("learning_rate", "weight_decay", "hidden", "activation", "dropout", "batch_size")
WIDEST = 512  # neurons of a layer, unless the preset has more


@dataclasses.dataclass(frozen=True)
class Dimension:
    """The values of a setting that are tried: some values, or the numbers from `low` to `high`.

    - name: the setting, or "weight_decay" of AdamW.
    - values: the values, or () for a range.
    - low, high: the ends of a range; of whole numbers if both are.
    - log: whether the numbers are taken evenly in their logarithm.
    - step: the distance of two numbers, or None.
    - default: the value that is tried first, or None.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    default: Any = None

    def distribution(self) -> Any:
        """The same for optuna, where a value is known by its number."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.values:
            return CategoricalDistribution(tuple(range(len(self.values))))
        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntDistribution(self.low, self.high, log=self.log)
        return FloatDistribution(float(self.low), float(self.high), log=self.log, step=self.step)

    def value(self, parameter: Any) -> Any:
        """The value that a parameter of optuna stands for."""
        if self.values:
            return self.values[parameter]
        return parameter if self.step is None else round(parameter, 9)

    def first(self) -> Any:
        """The parameter for the default, or None."""
        if self.default is None:
            return None
        if self.values:
            return self.values.index(self.default) if self.default in self.values else None
        return self.default if self.low <= self.default <= self.high else None

    def document(self) -> Any:
        """The dimension as plain data."""
        return list(map(_text, self.values)) if self.values else [self.low, self.high, self.log, self.step]


def space_of(search: Any, wanted: TableSettings, run: TableSettings) -> list[Dimension]:
    """The dimensions of a search.

    - search: None for all that the user has not set, names of `SEARCHED`, or a mapping from settings to a list of
      values or a range (low, high).
    - wanted, run: the settings of the user, and those that run with values in place of "auto".

    >>> run = TableSettings().resolved(150, 4)
    >>> [dimension.name for dimension in space_of(None, TableSettings(dropout=0.1), run)]
    ['learning_rate', 'weight_decay', 'hidden', 'activation', 'batch_size']
    >>> space_of({"epochs": [50, 100]}, TableSettings(), run)[0].values
    (50, 100)

    Raises SettingError for names and ranges that are not allowed, for settings that are also set, and where nothing is
    left to search.
    """
    if isinstance(search, Mapping):
        dimensions = [_own(name, values) for name, values in search.items()]
    else:
        usual = _usual(run)
        names = list(SEARCHED) if search is None else [search] if isinstance(search, str) else search
        listed = isinstance(names, Sequence) and all(isinstance(name, str) and name in usual for name in names)
        require(listed, "search", search, f"some of {', '.join(SEARCHED)}, a mapping from settings to values, or None")
        dimensions = [usual[name] for name in names if search is not None or _is_free(usual[name], wanted, run)]
    for name in (dimension.name for dimension in dimensions):
        if _is_set(name, wanted):
            raise SettingError(f"{_setting_of(name)} is set and searched: leave one of the two out")
    if not dimensions:
        raise SettingError("every setting that is searched is set: leave one of them out, or name others in search")
    return dimensions


def settings_for(dimensions: Sequence[Dimension], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the parameters of a trial stand for."""
    values = {each.name: each.value(parameters[each.name]) for each in dimensions if each.name in parameters}
    decay = values.pop("weight_decay", None)
    if decay is not None:
        values["optimizer"] = {"name": "adamw", "weight_decay": decay}
    return values


def _usual(run: TableSettings) -> dict[str, Dimension]:
    width, batch = run.hidden[0] if run.hidden else 32, run.batch_size
    widths = sorted({min(width * k // 2 + 7 & ~7, max(width, WIDEST)) for k in (1, 2, 4, 8)})
    batches = (batch // 2, batch, 2 * batch) if isinstance(batch, int) and batch > 1 else (batch,)
    sizes = tuple((w,) * layers for layers in (1, 2, 3) for w in widths)
    rate, decay = run.rule.learning_rate, AdamW().weight_decay
    activations = ("gelu", "relu", "silu")
    dimensions = (
        Dimension("learning_rate", low=rate / 10, high=rate * 10, log=True, default=rate),
        Dimension("weight_decay", low=0.001, high=1.0, log=True, default=getattr(run.rule, "weight_decay", decay)),
        Dimension("hidden", sizes, default=run.hidden),
        Dimension("activation", activations, default=activations[0]),
        Dimension("dropout", low=0.0, high=0.4, step=0.05, default=0.0),
        Dimension("batch_size", batches, default=batch),
    )
    return {dimension.name: dimension for dimension in dimensions}


def _own(name: str, values: Any) -> Dimension:
    """A dimension that the user describes. Raises SettingError for one that is not allowed."""
    known = [*settings_of(TableSettings), "weight_decay"]
    require(isinstance(name, str) and name in known, "a setting in search", name, "a setting of train_table")
    allowed = "a list of values, or a range (low, high) of numbers"
    if isinstance(values, tuple) and len(values) == 2 and all(map(is_number, values)):
        low, high = (int(end) if isinstance(end, int) else float(end) for end in values)
        require(low < high, f"search of {name}", values, allowed)
        return Dimension(name, low=low, high=high, log=low > 0 and high >= 10 * low)
    require(isinstance(values, list) and len(values) > 0, f"search of {name}", values, allowed)
    if name != "weight_decay":
        for value in values:
            TableSettings.of(**{name: value})
    return Dimension(name, tuple(values))


def _is_free(dimension: Dimension, wanted: TableSettings, run: TableSettings) -> bool:
    """Whether a dimension is searched without being named: nobody has set it, and it has values to choose from."""
    unsuited = ("learning_rate", "dropout") if run.rule.line_search else ()
    return dimension.name not in unsuited and len(dimension.values) != 1 and not _is_set(dimension.name, wanted)


def _setting_of(name: str) -> str:
    return "optimizer" if name == "weight_decay" else name


def _is_set(name: str, wanted: TableSettings) -> bool:
    """Whether the user has set what a dimension would."""
    name = _setting_of(name)
    value, default = getattr(wanted, name), getattr(TableSettings(), name)
    return not (value is default or (isinstance(value, str | int | float | tuple) and value == default))


def _text(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else shown(value)
