"""The columns that `chainrule predict` writes: identifiers, answers, probabilities; the threshold of two classes."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.cli.values import matching_columns
from chainrule.errors import SettingError
from chainrule.serve.served import Goal, Prediction, in_columns
from chainrule.tables.columns import texts_of
from chainrule.tables.missing import one_array
from chainrule.tables.names import listed, require_columns
from chainrule.tables.sources import Source
from chainrule.text import shown

__all__ = ["Choice", "Threshold"]


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
            targets = listed(goals[k].name for k in pairs) or f"none of {listed(goal.name for goal in goals)}"
            raise SettingError(f"threshold is for one target with two classes, but here it is {targets}: leave it out")
        goal, prediction, texts = goals[pairs[0]], predictions[pairs[0]], goals[pairs[0]].chances
        if self.word not in (None, *texts):
            raise SettingError(f"threshold is for class {shown(self.word)}, but the classes are {listed(texts)}")
        code = 1 if self.word is None else texts.index(self.word)
        assert prediction.chances is not None, "a target of classes has them"
        over = prediction.chances[texts[code]] >= self.least
        values = np.array(goal.classes, prediction.values.dtype)[np.where(over, code, 1 - code)]
        return [prediction._replace(values=values) if p is prediction else p for p in predictions]


@dataclasses.dataclass(frozen=True)
class Choice:
    """What to write beside the answers.

    - ids: columns of the table to write first, as options name them.
    - probabilities: whether to write them.
    - threshold: that of a target of two classes, or None.
    """

    ids: Sequence[str] = ()
    probabilities: bool = True
    threshold: Threshold | None = None

    def columns_of(self, source: Source) -> list[str]:
        """The names of the columns to write first. Raises DataError for one that the table lacks."""
        names = matching_columns(self.ids, source.names)
        require_columns(source.names, names, "identifying", source.hint)
        return list(dict.fromkeys(names))

    @property
    def needs_probabilities(self) -> bool:
        """Whether anything that is written depends on them."""
        return self.probabilities or self.threshold is not None

    def written(self, table: Any, goals: Sequence[Goal], predictions: Sequence[Prediction]) -> dict[str, Any]:
        """All columns, by name: those of a table, the answers, and the probabilities if they are written.

        Raises SettingError where two columns have the same name, and for a threshold that does not suit the targets.
        """
        if self.threshold is not None:
            predictions = self.threshold.applied(goals, predictions)
        if not self.probabilities:
            predictions = [prediction._replace(chances=None) for prediction in predictions]
        answers = in_columns(predictions)
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
