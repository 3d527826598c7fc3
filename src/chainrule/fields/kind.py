"""The kind of a setting: which values it takes, in code and in words."""

import abc
import dataclasses
from typing import Any

__all__ = ["AUTO", "Kind", "Special", "is_auto"]

AUTO = "auto"


def is_auto(value: Any) -> bool:
    """Whether a value is the word "auto"."""
    return isinstance(value, str) and value == AUTO


@dataclasses.dataclass(frozen=True)
class Special:
    """A value beside the ordinary ones: `word` on the command line, `value` in Python, and what it means."""

    word: str
    value: Any
    meaning: str = ""

    @property
    def text(self) -> str:
        """The value as errors and docstrings show it.

        >>> Special("all", None, "all rows").text
        'None for all rows'
        """
        return f"{self.value!r} for {self.meaning}" if self.meaning else repr(self.value)


@dataclasses.dataclass(frozen=True)
class Kind(abc.ABC):
    """Which values a setting takes: the ordinary ones of the kind, and the `specials`."""

    specials: tuple[Special, ...] = dataclasses.field(default=(), kw_only=True)
    metavar: str = dataclasses.field(default="", kw_only=True)  # what help shows for the value; "" for the usual word

    def clean(self, name: str, value: Any) -> Any:
        """The value of the setting `name` as the record stores it. Raises SettingError in one line for any other."""
        for special in self.specials:
            if value is special.value or (isinstance(value, str) and value == special.value):
                return value
        return self.convert(name, value)

    @abc.abstractmethod
    def convert(self, name: str, value: Any) -> Any:
        """The same for a value that is not special."""

    @property
    @abc.abstractmethod
    def words(self) -> str:
        """The ordinary values in words."""

    @property
    def allowed(self) -> str:
        """All values in words.

        >>> from chainrule.fields import Whole
        >>> Whole(1, specials=(Special("all", None, "all rows"),)).allowed
        'a whole number from 1, or None for all rows'
        """
        *rest, last = [self.words, *(special.text for special in self.specials)]
        return f"{', '.join(rest)}, or {last}" if rest else last
