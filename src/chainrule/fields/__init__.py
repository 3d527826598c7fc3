"""Settings as data: frozen records whose fields say which values they take, what they mean and what depends on them.

    epochs: int = setting(10, Whole(1), "Passes over the rows, at most.")

A record checks and converts its fields when it is made, each by its kind. Whatever else needs to know a setting reads
the same field: an option of the command line its kind and its text, a checkpoint whether bits depend on it, a docstring
all of it.
"""

from chainrule.fields.kind import AUTO, Kind, Special, is_auto
from chainrule.fields.numbers import MOST, ByLayer, Number, Numbers, Seconds, Sizes, Whole, is_whole
from chainrule.fields.records import Record, Setting, by_preset, documented, setting, settings_of, signature_with
from chainrule.fields.words import Choice, Choices, Flag, Folder, Function, Instance, Names, Text, Word

__all__ = [
    "AUTO",
    "MOST",
    "ByLayer",
    "Choice",
    "Choices",
    "Flag",
    "Folder",
    "Function",
    "Instance",
    "Kind",
    "Names",
    "Number",
    "Numbers",
    "Record",
    "Seconds",
    "Setting",
    "Sizes",
    "Special",
    "Text",
    "Whole",
    "Word",
    "by_preset",
    "documented",
    "is_auto",
    "is_whole",
    "setting",
    "settings_of",
    "signature_with",
]
