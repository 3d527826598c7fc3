"""The lines that a person should read before training starts."""

from collections.abc import Iterable

from chainrule.data.gathering import Facts
from chainrule.data.names import listed
from chainrule.data.roles import Roles
from chainrule.data.room import Room
from chainrule.model.preparation import Prepared

__all__ = ["notes_on"]


def notes_on(found: Prepared, weight: str | None) -> list[str]:
    """What a person should know before training starts."""
    held = 0 if found.held is None else len(found.held[0])
    tested = f", {len(found.test[0]):,} for the test" if found.test else ""
    rows = f"{len(found.rows[0]):,} rows to train on, {held:,} held out for validation{tested}"
    notes = [f"{rows}; {_counted(found.encoder.width, 'input')}", *_left_out(found.roles, weight), *_where(found.room)]
    for column in found.targets.columns:
        what = f"{column.width} classes" if column.kind == "classes" else "a number"
        notes.append(f"target {column.name}: {what}")
    dropped: dict[str, list[str]] = {}
    for name, kind, why in found.encoder.describe():
        if kind == "dropped":
            dropped.setdefault(why, []).append(name)
    notes += [f"left out, because {why}: {listed(names)}" for why, names in dropped.items()]
    return notes + _cautions(found.roles.unnamed, found.facts)


def _left_out(roles: Roles, weight: str | None) -> list[str]:
    why = {("lacks", "lack", "a target"): roles.without, ("has", "have", f"weight 0 in {weight}"): roles.weightless}
    return [
        f"1 row {one} {what} and is left out" if n == 1 else f"{n:,} rows {many} {what} and are left out"
        for (one, many, what), n in why.items()
        if n
    ]


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _where(room: Room) -> list[str]:
    size = f"{room.bytes / 1e9:.1f} GB" if room.bytes >= 1e9 else f"{room.bytes / 1e6:.1f} MB"
    return [f"the encoded rows lie in a file of {size} in {room.folder}"] if room.folder is not None else []


def _cautions(unnamed: str, facts: Iterable[Facts]) -> list[str]:
    """What may not be as it was meant: columns without a name, and columns of numbers with a few words in them."""
    found = [f"left out, because it has no name: column {unnamed}"] if unnamed else []
    for fact in facts:
        if fact.word is not None and fact.word.text and not fact.categorical and 2 * fact.counts.numeric > fact.present:
            found.append(f"column {fact.name} is no column of numbers because of cells such as {fact.word.text!r}")
    return found
