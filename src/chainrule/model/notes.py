"""The lines that a person should read before training starts."""

from typing import Any

from chainrule.data.columns import first_non_number, is_categorical, looks_numeric, words_of
from chainrule.data.encoding import Encoder
from chainrule.data.tables import UNNAMED, listed
from chainrule.data.targets import Targets

__all__ = ["cautions", "notes_on"]


def notes_on(encoder: Encoder, targets: Targets, without: int, rows: int, held: int) -> list[str]:
    """What a person should know before training starts."""
    notes = [f"{rows:,} rows to train on, {held:,} held out for validation; {encoder.width} inputs"]
    if without:
        notes.append(f"{without:,} rows lack a target and are left out")
    for column in targets.columns:
        what = f"{column.width} classes" if column.kind == "classes" else "a number"
        notes.append(f"target {column.name}: {what}")
    dropped: dict[str, list[str]] = {}
    for name, kind, why in encoder.describe():
        if kind == "dropped":
            dropped.setdefault(why, []).append(name)
    return notes + [f"left out, because {why}: {listed(names)}" for why, names in dropped.items()]


def cautions(table: Any, encoder: Encoder) -> list[str]:
    """What may not be as it was meant: columns without a name, and columns of numbers with a few words in them."""
    unnamed = (table.schema.metadata or {}).get(UNNAMED, b"").decode()
    found = [f"left out, because it has no name: column {unnamed}"] if unnamed else []
    for name in (name for name, kind, _ in encoder.describe() if kind in ("categories", "dropped")):
        cells = table.column(name)
        if not is_categorical(cells) and looks_numeric(words_of(cells, name)) and first_non_number(cells)[1]:
            found.append(
                f"column {name} is no column of numbers because of cells such as {first_non_number(cells)[1]!r}"
            )
    return found
