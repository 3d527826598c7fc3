"""The columns that `chainrule predict` writes: identifiers, answers, how sure they are; thresholds."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.cli.values import matching_columns
from chainrule.errors import SettingError
from chainrule.model.threshold import Rule, not_one_pair
from chainrule.model.uncertain import PLAIN, Certainty
from chainrule.serve.served import Goal, Prediction, in_columns
from chainrule.tables.columns import texts_of
from chainrule.tables.missing import one_array
from chainrule.tables.names import listed, require_columns
from chainrule.tables.sources import Source
from chainrule.tables.targets import ClassTarget, Quantiles, Targets
from chainrule.text import shown

__all__ = ["Choice", "Threshold", "certainty_columns", "rule_of"]


class Threshold(NamedTuple):
    """The least probability at which a class is the answer, the other one otherwise; None for the second of two."""

    word: str | None
    least: float

    @classmethod
    def of(cls, text: str) -> "Threshold":
        """A threshold as it is written.

        >>> Threshold.of("0.3"), Threshold.of("yes=0.3")
        (Threshold(word=None, least=0.3), Threshold(word='yes', least=0.3))

        Raises SettingError for anything else.
        """
        word, equals, number = text.rpartition("=")
        try:
            least = float(number)
        except ValueError:
            least = -1.0
        if not 0 <= least <= 1 or (equals and not word):
            raise SettingError(
                f"threshold is {shown(text)}, but must be a probability from 0 to 1, or CLASS=PROBABILITY"
            )
        return cls(word if equals else None, least)

    def applied(self, goals: Sequence[Goal], predictions: Sequence[Prediction]) -> list[Prediction]:
        """The predictions with other answers for the only target of two classes.

        Raises SettingError where there is no such target, or not one alone, and for a class that it does not have.
        """
        pairs = [k for k, goal in enumerate(goals) if len(goal.classes) == 2 and predictions[k].chances]
        if len(pairs) != 1:
            raise SettingError(not_one_pair([goals[k].name for k in pairs], [goal.name for goal in goals]))
        goal, prediction, texts = goals[pairs[0]], predictions[pairs[0]], goals[pairs[0]].chances
        if self.word not in (None, *texts):
            raise SettingError(f"threshold is for class {shown(self.word)}, but the classes are {listed(texts)}")
        code = 1 if self.word is None else texts.index(self.word)
        assert prediction.chances is not None, "a target of classes has them"
        over = prediction.chances[texts[code]] >= self.least
        values = np.array(goal.classes, prediction.values.dtype)[np.where(over, code, 1 - code)]
        return [prediction._replace(values=values) if p is prediction else p for p in predictions]


def rule_of(text: str | None) -> str | None:
    """A threshold as it is written, if it is a rule, which needs a model to choose it; None for a probability.

    >>> rule_of("precision=0.9"), rule_of("yes=0.3")
    ('precision=0.9', None)
    """
    try:
        return text if text is not None and Rule.of(text).name != "number" else None
    except SettingError:
        return None


def certainty_columns(targets: Targets, said: dict[str, dict[str, Array]]) -> dict[str, Any]:
    """What is said beside the answers, as columns: `price low`, `price high`, `kind set`, `price 0.1`."""
    columns: dict[str, Any] = {}
    for target in targets.columns:
        own = said[target.name]
        if "interval" in own:
            columns |= {f"{target.name} low": own["interval"][:, 0], f"{target.name} high": own["interval"][:, 1]}
        if "set" in own and isinstance(target, ClassTarget):
            columns[f"{target.name} set"] = _sets(target.values.tolist(), own["set"])
        if "quantiles" in own and isinstance(target, Quantiles):
            columns |= {f"{target.name} {level}": own["quantiles"][:, k] for k, level in enumerate(target.levels)}
        if "deviation" in own:
            columns[f"{target.name} deviation"] = own["deviation"]
        if "spread" in own:
            columns[f"{target.name} spread"] = own["spread"]
    return columns


def _sets(classes: list[Any], inside: Array) -> Array:
    """For each row the list of its classes, (n,)."""
    sets = np.empty(len(inside), object)
    sets[:] = [[classes[k] for k in np.flatnonzero(row)] for row in inside]
    return sets


@dataclasses.dataclass(frozen=True)
class Choice:
    """What to write beside the answers.

    - ids: columns of the table to write first, as options name them.
    - probabilities: whether to write them.
    - threshold: that of a target of two classes, or None.
    - certainty: how sure the answers are.
    """

    ids: Sequence[str] = ()
    probabilities: bool = True
    threshold: Threshold | None = None
    certainty: Certainty = PLAIN

    def columns_of(self, source: Source) -> list[str]:
        """The names of the columns to write first. Raises DataError for one that the table lacks."""
        names = matching_columns(self.ids, source.names)
        require_columns(source.names, names, "identifying", source.hint)
        return list(dict.fromkeys(names))

    @property
    def needs_probabilities(self) -> bool:
        """Whether anything that is written depends on them."""
        return self.probabilities or self.threshold is not None

    def written(
        self, table: Any, goals: Sequence[Goal], predictions: Sequence[Prediction], certainty: Any = None
    ) -> dict[str, Any]:
        """All columns, by name: those of a table, the answers, the probabilities if they are written, and `certainty`.

        Raises SettingError where two columns have the same name, and for a threshold that does not suit the targets.
        """
        if self.threshold is not None:
            predictions = self.threshold.applied(goals, predictions)
        if not self.probabilities:
            predictions = [prediction._replace(chances=None) for prediction in predictions]
        answers, more = in_columns(predictions), certainty or {}
        duplicates = sorted(answers.keys() & more.keys())
        if duplicates:
            raise SettingError(f"two columns would be named {duplicates[0]!r}: rename that target")
        answers = {**answers, **more}
        duplicates = sorted(answers.keys() & set(table.column_names))
        if duplicates:
            raise SettingError(f"two columns would be named {duplicates[0]!r}: leave out --id of that column")
        return {**{name: _plain(table.column(name), name) for name in table.column_names}, **answers}


def _plain(column: Any, name: str) -> Any:
    """The cells of a column as an Arrow array of text, numbers or booleans: what CSV and JSON can hold."""
    import pyarrow as pa

    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
    )
    is_plain = any(test(column.type) for test in tests)
    return one_array(column) if is_plain else texts_of(column, name)
