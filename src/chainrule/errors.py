"""The exceptions of chainrule, and its warning. Each message is one line: the value, the allowed values, what to do.

ChainruleError
├── UnknownNameError (ValueError)      a name that is not in its registry
├── SettingError (ValueError)          a setting outside its range, or two settings that contradict each other
│   └── ArchitectureError              sizes, activations, costs or masks that do not fit together
├── DataError (ValueError)             rows, columns, targets or weights that cannot be used
│   └── RowError                       one cell of a table, named by its row
├── ModelFileError (ValueError)        a model file that is damaged, unsafe, newer, or from another program
├── TrainingError (RuntimeError)       training that has no result
├── EngineError (RuntimeError)         an engine that is missing, or lacks a feature
└── HostsError (RuntimeError)          hosts that cannot train together: one is missing, has ended, or differs

ChainruleWarning (UserWarning)         what a person should know of a training that goes on
"""

import sys
import warnings
from collections.abc import Iterable, Sequence
from types import FrameType


class ChainruleError(Exception):
    """The root of every exception that chainrule raises on purpose.

    >>> try:
    ...     cr.Network([2, 0, 1])
    ... except cr.ChainruleError as error:
    ...     print(error)
    sizes are [2, 0, 1], but must be two or more whole numbers, each at least 1
    """


class UnknownNameError(ChainruleError, ValueError):
    """A name that is not in its registry."""


class SettingError(ChainruleError, ValueError):
    """A setting outside its range, or two settings that contradict each other."""


class ArchitectureError(SettingError):
    """Sizes, activations, costs or masks that do not fit together."""


class DataError(ChainruleError, ValueError):
    """Rows, columns, targets or weights that cannot be used."""


class RowError(DataError):
    """A cell that cannot be used, in row `row` (from 0). `line` is a template: {row} counts from 1, `values` the rest.

    >>> error = RowError(1, "row {row} of column {name!r} is {text}", name="age", text="inf")
    >>> str(error), str(error.at([5, 7]))
    ("row 2 of column 'age' is inf", "row 8 of column 'age' is inf")
    """

    def __init__(self, row: int, line: str, **values: object) -> None:
        super().__init__(line.format(row=row + 1, **values))
        self.row, self.line, self.values = row, line, values

    def at(self, rows: Sequence[int]) -> "RowError":
        """The same error for a block that has these rows of a file, numbered from 0."""
        return RowError(int(rows[self.row]), self.line, **self.values)


class ModelFileError(ChainruleError, ValueError):
    """A model file that is damaged, unsafe to read, newer than this version, or from another program."""


class TrainingError(ChainruleError, RuntimeError):
    """Training that has no result."""


class EngineError(ChainruleError, RuntimeError):
    """An engine that is missing, or that lacks a feature."""


class HostsError(ChainruleError, RuntimeError):
    """Hosts that cannot train together: one cannot be reached, has ended, or differs from the others."""


class ChainruleWarning(UserWarning):
    """What a person should know of a training that goes on: rows or columns left out, a leak, a slower engine.

    `warnings.filterwarnings("ignore", category=cr.ChainruleWarning)` silences them, "error" raises them.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", cr.ChainruleWarning)
    ...     model = cr.train_table({"x": [0, 1] * 20, "one": [1] * 40, "y": ["a", "b"] * 20}, "y", epochs=1)
    >>> print(caught[0].message)
    left out, because every value is the same: 'one'
    """


def warn_of(lines: Iterable[str]) -> None:
    """Warn of each line by a ChainruleWarning, at the place where a caller outside of chainrule is."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    for line in lines:
        warnings.warn(line, ChainruleWarning, stacklevel=level)


_INSIDE = ("chainrule", "sklearn")  # packages whose frames are not the caller's
