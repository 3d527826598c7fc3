"""The lines that a person should read before training starts."""

from collections.abc import Iterable, Iterator

from chainrule.model.leaks import Suspect
from chainrule.model.preparation import Prepared
from chainrule.tables.inputs import Encoder
from chainrule.tables.names import listed
from chainrule.tables.profile import ColumnProfile
from chainrule.tables.row_cache import RowCache
from chainrule.tables.row_roles import NO_TARGET, WEIGHTLESS, RowRoles
from chainrule.tables.targets import LogQuantity, Target

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
    notes = [f"{rows}; {_counted(found.encoder.width, 'input')}", *_left_out(found.roles, weight), *_where(found.cache)]
    notes += [f"target {column.name}: {_target(column)}" for column in found.targets.columns]
    notes += _seen(found.encoder)
    seen = set(found.encoder.columns)
    profiles = [profile for profile in found.profiles if profile.name in seen]
    return notes + _cautions(found.roles.unnamed, profiles) + [str(suspect) for suspect in leaks]


def _target(column: Target) -> str:
    if isinstance(column, LogQuantity):
        return "a number over many decades, learned as its logarithm (to keep its own scale, name the cost quadratic)"
    return f"{column.width} classes" if column.kind == "classes" else "a number"


def _seen(encoder: Encoder) -> list[str]:
    """As what the columns are seen, and which are left out."""
    seen: dict[str, list[str]] = {}
    for transform in encoder.transforms:
        reason = getattr(transform, "reason", "")
        how = f"seen {transform.as_input}" if transform.features else "left out"
        seen.setdefault(f"{how}, because {reason}" if reason else how, []).append(transform.name)
    return [f"{how}: {listed(names)}" for how, names in sorted(seen.items(), key=lambda pair: ", because" in pair[0])]


def _left_out(roles: RowRoles, weight: str | None) -> list[str]:
    why = {
        ("lacks", "lack", "a target"): roles.count(NO_TARGET),
        ("has", "have", f"weight 0 in {weight}"): roles.count(WEIGHTLESS),
    }
    return [
        f"1 row {one} {what} and is left out" if n == 1 else f"{n:,} rows {many} {what} and are left out"
        for (one, many, what), n in why.items()
        if n
    ]


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _where(cache: RowCache) -> list[str]:
    size = f"{cache.bytes / 1e9:.1f} GB" if cache.bytes >= 1e9 else f"{cache.bytes / 1e6:.1f} MB"
    return [f"the encoded rows lie in a file of {size} in {cache.folder}"] if cache.folder is not None else []


def _cautions(unnamed: str, profiles: Iterable[ColumnProfile]) -> list[str]:
    """What may not be as it was meant."""
    found = [f"left out, because it has no name: column {unnamed}"] if unnamed else []
    return found + [caution for profile in profiles for caution in _cautions_on(profile)]


def _cautions_on(profile: ColumnProfile) -> Iterator[str]:
    """Words among numbers, days that could be months, numbers that may only count the rows."""
    name, first = profile.name, profile.first_word
    word = "" if profile.categorical or first is None else first.text
    if word and 2 * profile.counts.numeric > profile.present:
        yield f"column {name} is not a column of numbers because of cells such as {word!r}"
    if word and profile.forms.doubtful:
        yield f"column {name} has times such as {word!r}, which are read as {profile.forms.chosen}"
    if profile.placeholder is not None and first is None:
        yield f"column {name} holds numbers: cells such as {profile.placeholder.text!r} count as missing"
    if profile.numbers_rows and profile.rows >= _COUNTED:
        yield f"column {name} goes up by 1 with every row: drop it if it only numbers them"
