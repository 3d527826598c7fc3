"""C: one C99 file that needs nothing but the C library, with the bits of the native engine.

text         identifiers, strings, numbers and tables that nothing can break
fixed        C text that does not depend on the model; `fixed_text` chooses the pieces that a file needs
encoder      the columns of a table       layers     the network       answers    the targets
document     the whole file               runner     compiles it and calls it
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from chainrule.errors import SettingError
from chainrule.export.c.document import document
from chainrule.export.c.layers import WEIGHTS
from chainrule.export.c.runner import runner_of
from chainrule.export.format import Format, Runner
from chainrule.export.program import Program
from chainrule.text import shown

__all__ = ["C"]


class C(Format):
    """A function, a struct of a row, and a struct of its answers.

    - weights: `float16` or `int8` to store weights so; None for the type of the network.
    - prefix: what the names of the function, structs and macros begin with.
    """

    name: ClassVar[str] = "c"
    ending: ClassVar[str] = ".c"
    title: ClassVar[str] = "C99"
    options: ClassVar[tuple[str, ...]] = ("weights", "prefix")

    def written(self, program: Program, **options: Any) -> bytes:
        weights, prefix = options.get("weights"), options.get("prefix", "model")
        if weights is not None and not (isinstance(weights, str) and weights in WEIGHTS):
            raise SettingError(f"weights is {shown(weights)}, but must be one of {', '.join(WEIGHTS)}: or leave it out")
        if not (isinstance(prefix, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", prefix)):
            raise SettingError(f"prefix is {shown(prefix)}, but must be letters, digits and _, and begin with a letter")
        return document(program, prefix, weights).encode()

    def runner(self, path: Path, program: Program) -> Runner:
        return runner_of(path, program)
