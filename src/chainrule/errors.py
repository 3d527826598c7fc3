"""The exceptions of chainrule. Each message is one line: what came, what is allowed, what to do.

ChainruleError
├── UnknownNameError (ValueError)      a name that no registry has
├── SettingError (ValueError)          a setting outside its range, or two that contradict each other
│   └── ArchitectureError              sizes, activations, costs or masks that do not fit together
├── DataError (ValueError)             rows, columns, targets or weights that cannot be used
│   └── RowError                       one cell of a table, named by its row
├── ModelFileError (ValueError)        a model file that is damaged, unsafe, newer, or not ours
├── TrainingError (RuntimeError)       training that came to nothing
└── EngineError (RuntimeError)         an engine that is missing, or cannot do what was asked
"""

from collections.abc import Callable, Sequence


class ChainruleError(Exception):
    """The root of every exception that chainrule raises on purpose.

    >>> try:
    ...     cr.Network([2, 0, 1])
    ... except cr.ChainruleError as error:
    ...     print(error)
    sizes are [2, 0, 1], but must be two or more whole numbers, each at least 1
    """


class UnknownNameError(ChainruleError, ValueError):
    """A name that no registry has."""


class SettingError(ChainruleError, ValueError):
    """A setting outside its range, or two settings that contradict each other."""


class ArchitectureError(SettingError):
    """Sizes, activations, costs or masks that do not fit together."""


class DataError(ChainruleError, ValueError):
    """Rows, columns, targets or weights that cannot be used."""


class RowError(DataError):
    """A cell that cannot be used, in row `row` (from 0) of the rows that came; `say(number)` is the line, from 1."""

    def __init__(self, row: int, say: Callable[[int], str]) -> None:
        super().__init__(say(row + 1))
        self.row, self.say = row, say

    def at(self, rows: Sequence[int]) -> "RowError":
        """The same error where the rows that came are these of a file, numbered from 0."""
        return RowError(int(rows[self.row]), self.say)


class ModelFileError(ChainruleError, ValueError):
    """A model file that is damaged, unsafe to read, newer than this version, or not ours."""


class TrainingError(ChainruleError, RuntimeError):
    """Training that came to nothing."""


class EngineError(ChainruleError, RuntimeError):
    """An engine that is missing, or that cannot do what was asked of it."""
