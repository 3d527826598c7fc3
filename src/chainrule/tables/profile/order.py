"""The order of the words of a column that a person calls ordered."""

from __future__ import annotations

from chainrule.errors import DataError
from chainrule.tables.names import listed
from chainrule.tables.profile.column import ColumnProfile

__all__ = ["order_of_words"]


def order_of_words(profile: ColumnProfile, what: str = "column") -> tuple[str, ...]:
    """The words of a column in their order, lowest first; `what` it is, for an error.

    Raises DataError for words that nothing puts in an order, and for words that are not in the order that is named.
    """
    assert profile.kind is not None, "the caller asks for it"
    present = [word for word, _ in profile.counts.words()]
    words, name = profile.kind.words or profile.order or (), profile.name
    if not words:
        if profile.counts.numeric < profile.present:
            line = (
                f"{what} {name!r} is to be ordered, but nothing says in which order {listed(sorted(present)[:4])} are"
            )
            raise DataError(f"{line}: name it, ordered:A<B<C")
        return tuple(sorted(present, key=float))
    others = sorted(set(present) - set(words))
    if others:
        line = f"{what} {name!r} has {listed(others[:4])}, which is not in the order {' < '.join(words[:8])}"
        raise DataError(f"{line}: name all words, lowest first, or leave the cells empty")
    return tuple(words)
