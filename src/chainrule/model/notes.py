"""Notes: the lines about a table that a person should read before training starts."""

from collections.abc import Iterable, Iterator

import numpy as np

from chainrule.model.leaks import Suspect
from chainrule.model.preparation import Prepared
from chainrule.tables.arrow import pa
from chainrule.tables.inputs import Encoder
from chainrule.tables.lengths import LENGTHS
from chainrule.tables.names import listed
from chainrule.tables.number_forms import PLAIN, numbers_in
from chainrule.tables.profile import ColumnProfile
from chainrule.tables.row_cache import RowCache
from chainrule.tables.row_roles import NO_TARGET, UNKNOWN, WEIGHTLESS, RowRoles
from chainrule.tables.targets import ClassTarget, LabelTarget, LogQuantity, Target
from chainrule.text import counted, short, shown

__all__ = ["left_out", "notes_on", "warnings_on"]

_LEFT_OUT = "left out"
_COUNTER = 20  # rows: a column that goes up by 1 in at least so many rows is reported


def notes_on(prepared: Prepared, weight: str | None, suspects: Iterable[Suspect], goes_on: bool = False) -> list[str]:
    """The notes on a table.

    - prepared: the table.
    - weight: the column of weights, or None.
    - suspects: the columns that may give a target away.
    - goes_on: whether training goes on from a model.
    """
    used = set(prepared.encoder.columns)
    profiles = [profile for profile in prepared.profiles if profile.name in used]
    return [
        f"{_rows(prepared)}; {counted(prepared.encoder.width, 'input')}",
        *(_perhaps_learned(prepared) if goes_on else []),
        *_rows_left_out(prepared.roles, weight),
        *_rows_without_some(prepared),
        *_unknown(prepared),
        *_where(prepared.cache),
        *(f"target {short(column.name)}: {_target(column)}" for column in prepared.targets.columns),
        *_columns(prepared.encoder),
        *_cautions(prepared.roles.unnamed, profiles),
        *map(_several_forms, _mixed(prepared)),
        *_forms([*profiles, *prepared.roles.targets]),
        *map(str, suspects),
    ]


def warnings_on(prepared: Prepared, suspects: Iterable[Suspect]) -> list[str]:
    """The notes that Python code is warned of.

    These are rows and columns left out that nobody asked to leave out, numbers in many forms read as words, and leaks.
    """
    return [
        *_without_target(prepared.roles),
        *left_out(prepared.encoder),
        *_without_name(prepared.roles.unnamed),
        *(_several_forms(profile) for profile in _mixed(prepared) if not profile.few_words),
        *map(str, suspects),
    ]


def left_out(encoder: Encoder) -> list[str]:
    """The columns that become no input, a line for each reason."""
    return [line for line in _columns(encoder) if line.startswith(_LEFT_OUT)]


def _rows(prepared: Prepared) -> str:
    """The numbers of rows to train on, for validation and for the test."""
    members = prepared.settings.members
    held_out = 0 if prepared.held_out is None else len(prepared.held_out.X)
    validation = f"{held_out:,} held out for validation"
    if members > 1:
        further = f", joined by {len(prepared.further)} of the trials" if prepared.further else ""
        validation = f"{members} networks together, each validated on a part that it leaves out{further}"
    test = f", {len(prepared.test[0]):,} for the test" if prepared.test else ""
    s = prepared.settings
    how = "" if s.group is None else f", whole groups of {short(s.group)}"
    how = how if s.time_column is None else f", the latest by {short(s.time_column)}"
    return f"{counted(len(prepared.rows.X), 'row')} to train on, {validation}{test}{how if held_out or test else ''}"


def _perhaps_learned(prepared: Prepared) -> list[str]:
    """That rows are held out which the model may have learned before."""
    of_this_table = prepared.validation_roles is None and prepared.held_out is not None
    which = " and ".join(["validation"] * of_this_table + ["the test"] * (prepared.test is not None))
    if not which:
        return []
    return [
        f"the rows held out for {which} are of this table: if the model has learned from it before, their scores are "
        "too good; validate on rows that are new to it (--validation FILE, or validation=table)"
    ]


def _target(column: Target) -> str:
    """What a target is."""
    if isinstance(column, LogQuantity):
        return "a number over many decades, learned as its logarithm (to keep its own scale, name the cost quadratic)"
    if isinstance(column, LabelTarget):
        return f"{counted(len(column.words), 'label')} with {column.separator!r} between them"
    if isinstance(column, ClassTarget):
        return f"{len(column.texts)} classes" + " in an order" * (column.kind == "ordered")
    return "a number"


def _columns(encoder: Encoder) -> list[str]:
    """What the columns become: inputs of a kind, or nothing."""
    by_kind: dict[str, list[str]] = {}
    for transform in encoder.transforms:
        reason = getattr(transform, "reason", "")
        kind = f"used {transform.as_input}" if transform.features else _LEFT_OUT
        by_kind.setdefault(f"{kind}, because {reason}" if reason else kind, []).append(transform.name)
    in_order = sorted(by_kind.items(), key=lambda pair: ", because" in pair[0])
    return [f"{kind}: {listed(names)}" for kind, names in in_order]


def _rows_left_out(roles: RowRoles, weight: str | None) -> list[str]:
    """How many rows are left out, and why."""
    by_row = 0 if roles.weight is None else int(np.count_nonzero(roles.weight <= 0))
    why = f"weight 0 in {weight}", "a class of weight 0"
    return [
        *_without_target(roles),
        *_rows_that(by_row, f"has {why[0]}", f"have {why[0]}"),
        *_rows_that(roles.count(WEIGHTLESS) - by_row, f"has {why[1]}", f"have {why[1]}"),
    ]


def _without_target(roles: RowRoles) -> list[str]:
    """How many rows have none of the targets."""
    what = "a target" if len(roles.targets) == 1 else "every target"
    return _rows_that(roles.count(NO_TARGET), f"lacks {what}", f"lack {what}")


def _rows_without_some(prepared: Prepared) -> Iterator[str]:
    """How many rows to train on lack one of several targets."""
    weight, first = prepared.rows.weight, {column.name: part.start for column, part in prepared.targets.slices}
    if len(first) < 2 or weight is None or weight.ndim == 1 or weight.shape[1] != prepared.targets.width:
        return
    T = prepared.rows.T
    for name, there in zip(first, prepared.targets.there(T).T, strict=True):
        count = int(np.count_nonzero(~there))
        if count:
            yield f"{counted(count, 'row')} without {short(name)}, from which the other targets are learned"


def _rows_that(count: int, one: str, many: str) -> list[str]:
    """A line if so many rows are left out: `one` and `many` say why, of one row and of several."""
    if not count:
        return []
    return [f"1 row {one} and is left out" if count == 1 else f"{count:,} rows {many} and are left out"]


def _unknown(prepared: Prepared) -> Iterator[str]:
    """How many rows for the test and for validation have a target that training does not have."""
    T = np.empty((0, prepared.targets.width)) if prepared.test is None else prepared.test[1]
    truth = prepared.targets.truth
    unknown = [
        (column.codes(T[:, part]) < 0) & column.present(T[:, part])
        for column, (_, part) in zip(truth.columns, truth.slices, strict=True)
        if isinstance(column, ClassTarget)
    ]
    wrong = int(np.count_nonzero(np.any(unknown, axis=0))) if unknown else 0
    own = prepared.validation_roles
    left_out = 0 if own is None else own.count(UNKNOWN)
    if wrong:
        yield f"{counted(wrong, 'row')} for the test with a class that training does not have: wrong in any case"
    if left_out:
        yield f"{counted(left_out, 'row')} for validation with a target that training does not have, left out"


def _where(cache: RowCache) -> list[str]:
    """Where the encoded rows lie, if not in memory."""
    size = f"{cache.bytes / 1e9:.1f} GB" if cache.bytes >= 1e9 else f"{cache.bytes / 1e6:.1f} MB"
    return [f"the encoded rows lie in a file of {size} in {cache.folder}"] if cache.folder is not None else []


def _cautions(unnamed: str, profiles: Iterable[ColumnProfile]) -> list[str]:
    """The columns that may not be what the user meant."""
    return _without_name(unnamed) + [caution for profile in profiles for caution in _cautions_on(profile)]


def _without_name(unnamed: str) -> list[str]:
    several = "they have no name: columns" if "," in unnamed else "it has no name: column"
    return [f"{_LEFT_OUT}, because {several} {unnamed}"] if unnamed else []


def _cautions_on(profile: ColumnProfile) -> Iterator[str]:
    """Words among numbers, days that could be months, numbers that may only count the rows."""
    name, first = short(profile.name), profile.first_word
    word = "" if profile.categorical or first is None else first.text
    if profile.dated:
        yield f"column {name} holds dates such as {word}: name it number in `kinds` (`--as`) if they are amounts"
        return
    if word and profile.kind is None and 2 * profile.counts.numeric > profile.present:
        yield f"column {name} is not a column of numbers because of cells such as {word!r}"
    if word and profile.forms.doubtful:
        yield f"column {name} has times such as {word!r}, which are read as {profile.forms.chosen}"
    if profile.placeholder is not None and first is None:
        yield f"column {name} holds numbers: cells such as {profile.placeholder.text!r} count as missing"
    if profile.numbers_rows and profile.rows >= _COUNTER:
        yield f"column {name} goes up by 1 with every row: drop it if it only numbers them"


def _mixed(prepared: Prepared) -> list[ColumnProfile]:
    """The columns of words that are like numbers, but in several units or currencies."""
    words = {column.name for column in prepared.encoder.transforms if column.kind in ("categories", "frequent")}
    return [profile for profile in prepared.profiles if profile.name in words and len(profile.written.alike) > 1]


def _several_forms(profile: ColumnProfile) -> str:
    cells = " and ".join(map(shown, profile.written.alike))
    return f"column {short(profile.name)} is read as words: {cells} differ in form, write them alike to have numbers"


def _forms(profiles: Iterable[ColumnProfile]) -> list[str]:
    """In which forms numbers are read that are not plain, and which of them may be meant otherwise."""
    by_form: dict[str, list[ColumnProfile]] = {}
    points = False  # whether there are certainly decimal points in the table
    doubtful = []
    for profile in (profile for profile in profiles if profile.first_word is None):
        points = points or profile.points.decimal
        if profile.form not in (None, PLAIN):
            by_form.setdefault(str(profile.form), []).append(profile)
        if profile.doubtful is not None:
            doubtful.append(profile)
    return [*(_form(*pair) for pair in by_form.items()), *(_doubt(p) for p in doubtful if p.form or not points)]


def _form(form: str, profiles: list[ColumnProfile]) -> str:
    cell = profiles[0].example
    names = listed([profile.name for profile in profiles])
    example = "" if cell is None else f", where {shown(cell.text)} is {_number(cell.text, form)}"
    return f"numbers written as {form}{', in days' * (form in LENGTHS)}: {names}{example}"


def _doubt(profile: ColumnProfile) -> str:
    assert profile.doubtful is not None, "the caller asks for it"
    cell, other = profile.doubtful
    read, meant = (_number(cell, form) for form in (profile.form or PLAIN, other))
    return f"column {profile.name} has numbers such as {shown(cell)}, read as {read}: write {meant} if that is meant"


def _number(cell: str, form: str) -> str:
    """The number of a cell, in plain digits."""
    return np.format_float_positional(numbers_in(pa.array([cell], pa.large_string()), form)[0], trim="-")
