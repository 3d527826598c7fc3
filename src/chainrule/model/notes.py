"""The lines that a person should read before training starts."""

from collections.abc import Iterable, Iterator

from chainrule.model.leaks import Suspect
from chainrule.model.preparation import Prepared
from chainrule.tables.inputs.encoder import Encoder
from chainrule.tables.names import listed
from chainrule.tables.profile.column import ColumnProfile
from chainrule.tables.row_cache import RowCache
from chainrule.tables.row_roles import RowRoles
from chainrule.tables.targets.kinds import LogQuantity, Target

__all__ = ["notes_on"]

_COUNTED = 20  # rows from which on a column that goes up by 1 is pointed out


def notes_on(found: Prepared, weight: str | None, leaks: Iterable[Suspect]) -> list[str]:
    """What a person should know before training starts; `leaks` are the columns that may give a target away."""
    held = 0 if found.held is None else len(found.held[0])
    tested = f", {len(found.test[0]):,} for the test" if found.test else ""
    members = found.settings.members
    together = f"{members} networks together, each validated on a part that it leaves out"
    out = f"{held:,} held out for validation" if members == 1 else together
    rows = f"{len(found.rows[0]):,} rows to train on, {out}{tested}"
    notes = [f"{rows}; {_counted(found.encoder.width, 'input')}", *_left_out(found.roles, weight), *_where(found.room)]
    notes += [f"target {column.name}: {_target(column)}" for column in found.targets.columns]
    notes += _seen(found.encoder)
    seen = set(found.encoder.columns)
    facts = [fact for fact in found.facts if fact.name in seen]
    return notes + _cautions(found.roles.unnamed, facts) + [str(suspect) for suspect in leaks]


def _target(column: Target) -> str:
    if isinstance(column, LogQuantity):
        return "a number over many decades, learned as its logarithm (to keep its own scale, name the cost quadratic)"
    return f"{column.width} classes" if column.kind == "classes" else "a number"


def _seen(encoder: Encoder) -> list[str]:
    """As what the columns are seen, and which are left out."""
    seen: dict[str, list[str]] = {}
    for transform in encoder.transforms:
        reason = getattr(transform, "reason", "")
        how = f"seen {transform.seen}" if transform.features else "left out"
        seen.setdefault(f"{how}, because {reason}" if reason else how, []).append(transform.name)
    return [f"{how}: {listed(names)}" for how, names in sorted(seen.items(), key=lambda pair: ", because" in pair[0])]


def _left_out(roles: RowRoles, weight: str | None) -> list[str]:
    why = {("lacks", "lack", "a target"): roles.without, ("has", "have", f"weight 0 in {weight}"): roles.weightless}
    return [
        f"1 row {one} {what} and is left out" if n == 1 else f"{n:,} rows {many} {what} and are left out"
        for (one, many, what), n in why.items()
        if n
    ]


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _where(room: RowCache) -> list[str]:
    size = f"{room.bytes / 1e9:.1f} GB" if room.bytes >= 1e9 else f"{room.bytes / 1e6:.1f} MB"
    return [f"the encoded rows lie in a file of {size} in {room.folder}"] if room.folder is not None else []


def _cautions(unnamed: str, facts: Iterable[ColumnProfile]) -> list[str]:
    """What may not be as it was meant."""
    found = [f"left out, because it has no name: column {unnamed}"] if unnamed else []
    return found + [caution for fact in facts for caution in _cautions_on(fact)]


def _cautions_on(fact: ColumnProfile) -> Iterator[str]:
    """Words among numbers, days that could be months, numbers that may only count the rows."""
    word = "" if fact.categorical or fact.word is None else fact.word.text
    if word and 2 * fact.counts.numeric > fact.present:
        yield f"column {fact.name} is no column of numbers because of cells such as {word!r}"
    if word and fact.forms.doubtful:
        yield f"column {fact.name} has times such as {word!r}, which are read as {fact.forms.chosen}"
    if fact.unsaid is not None and fact.word is None:
        yield f"column {fact.name} holds numbers: cells such as {fact.unsaid.text!r} count as missing"
    if fact.counting and fact.rows >= _COUNTED:
        yield f"column {fact.name} goes up by 1 with every row: drop it if it only numbers them"
