"""What a person says that a column is: `--as zip=category`, in Python `kinds={"zip": "category"}`.

category         words, even if they look like numbers or times
number           numbers in one form
date             dates or times in one form, 20240229 too
labels           several words in a cell, such as a;b;c; labels:| names what is between them
text             prose, of which the most frequent words and pairs of words count
ordered          words or numbers in an order; ordered:S<M<L names it, the lowest first
"""

from __future__ import annotations

from typing import NamedTuple

from chainrule.errors import SettingError
from chainrule.text import shown

__all__ = ["CATEGORY", "DATE", "FORMS_OF_KINDS", "LABELS", "NUMBER", "ORDERED", "TEXT", "ColumnKind"]

CATEGORY, NUMBER, DATE, LABELS, TEXT, ORDERED = KINDS = ("category", "number", "date", "labels", "text", "ordered")
FORMS_OF_KINDS = "category, number, date, text, labels, labels:; (the separator), ordered or ordered:S<M<L"


class ColumnKind(NamedTuple):
    """What a column is.

    - kind: one of the words above.
    - separator: what is between labels, "" where the cells say it.
    - words: the words of an order, lowest first; () where the column says it.
    """

    kind: str
    separator: str = ""
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> ColumnKind:
        """The kind that a text names.

        >>> ColumnKind.of("ordered:S < M < L").words, ColumnKind.of("labels:|").separator
        (('S', 'M', 'L'), '|')

        Raises SettingError for anything else.
        """
        kind, colon, more = text.partition(":")
        kind = kind.strip()
        if kind == ORDERED and more:
            words = tuple(word.strip() for word in more.split("<"))
            if len(words) < 2 or not all(words) or len(set(words)) < len(words):
                line = f"the order {shown(more)} must be two different words or more with < between them"
                raise SettingError(f"{line}: write ordered:S<M<L")
            return cls(kind, words=words)
        if kind == LABELS and more:
            if len(more) > 1:
                raise SettingError(f"the separator of labels is {shown(more)}, but must be one character: labels:|")
            return cls(kind, separator=more)
        if kind not in KINDS or colon:
            raise SettingError(f"a kind of column is {shown(text)}, but must be {FORMS_OF_KINDS}")
        return cls(kind)

    @property
    def is_of_words(self) -> bool:
        """Whether the cells are words, even if they look like numbers or times."""
        return self.kind in (CATEGORY, LABELS, TEXT, ORDERED)
