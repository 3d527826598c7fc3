"""The columns that `chainrule predict` writes: identifiers, answers, probabilities; the threshold of two classes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.cli.values import matching_columns
from chainrule.errors import SettingError
from chainrule.tables.columns import texts_of
from chainrule.tables.missing import one_array
from chainrule.tables.names import listed, require_columns
from chainrule.tables.sources import Source
from chainrule.text import shown

__all__ = ["Choice", "Threshold", "Words"]


class Words(NamedTuple):
    """The classes of a target: their values (k,) and their texts."""

    values: Array
    texts: Sequence[str]


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

    def answers(self, classes: Mapping[str, Words], chances: Mapping[str, Array]) -> dict[str, Array]:
        """The answers (n,) for the only target of two classes, by its name.

        - classes: the classes of each target that has some.
        - chances: their probabilities (n,), by `target=class`.

        Raises SettingError where there is no such target, or not one alone, and for a class that it does not have.
        """
        pairs = [name for name, words in classes.items() if len(words.texts) == 2]
        if len(pairs) != 1:
            targets = listed(pairs) if pairs else f"none of {listed(classes)}" if classes else "none"
            raise SettingError(f"threshold is for one target with two classes, but here it is {targets}: leave it out")
        values, texts = classes[pairs[0]]
        if self.word not in (None, *texts):
            raise SettingError(f"threshold is for class {shown(self.word)}, but the classes are {listed(texts)}")
        code = 1 if self.word is None else list(texts).index(self.word)
        over = chances[f"{pairs[0]}={texts[code]}"] >= self.least
        return {pairs[0]: values[np.where(over, code, 1 - code)]}


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

    def joined(self, table: Any, answers: Mapping[str, Any], chances: Mapping[str, Any]) -> dict[str, Any]:
        """All columns, by name: those of a table, the answers, and the probabilities if they are written.

        Raises SettingError where two columns have the same name.
        """
        columns: dict[str, Any] = {}
        parts = [{name: _plain(table.column(name), name) for name in table.column_names}, answers]
        for part in [*parts, chances] if self.probabilities else parts:
            duplicates = sorted(columns.keys() & part.keys())
            if duplicates:
                advice = (
                    "leave out --id of that column" if duplicates[0] in table.column_names else "add --no-probabilities"
                )
                raise SettingError(f"two columns would be named {duplicates[0]!r}: {advice}")
            columns |= part
        return columns


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
