"""Writes the reference page of the command line from the texts of `--help`.

`python -m chainrule.cli.reference > docs/cli.md` writes it; a test fails if the page is out of date.
"""

import dataclasses
import re
import sys
from typing import Any

from chainrule.cli import COMMANDS, EPILOGUE, build
from chainrule.registry import Entry, Registry

__all__ = ["page"]

HEAD = f"""# Command line: reference

Every command with all its options, as `--help` shows them. [The guide](command-line.md) explains how to combine them.

{EPILOGUE}

<!-- Written by `python -m chainrule.cli.reference > docs/cli.md`: change the help in the code, then run that again. -->
"""


def page() -> str:
    """The page in Markdown: a list of the commands, then a section for each."""
    commands = "\n".join(f"- [{name}](#chainrule-{name})" for name in COMMANDS)
    markdown = build().generate_docs(output_format="markdown", recursive=True)
    sections = markdown[markdown.index("## chainrule ") :]
    return f"{HEAD}\n{commands}\n- [choices and their parameters](#choices-and-their-parameters)\n\n" + (
        f"{_without_spaces_at_ends(sections)}\n## Choices and their parameters\n\n{_choices()}"
    )


def _choices() -> str:
    """A list of the entries of each registry, with their parameters in the form that options take."""
    from chainrule.activations import ACTIVATIONS
    from chainrule.costs import COSTS
    from chainrule.initializers import INITIALIZERS
    from chainrule.optimizers import OPTIMIZERS
    from chainrule.schedules import SCHEDULES

    registries: list[Registry[Any]] = [ACTIVATIONS, COSTS, INITIALIZERS, OPTIMIZERS, SCHEDULES]
    return "".join(f"- {r.kind}: {', '.join(f'`{_written(entry)}`' for entry in r.classes())}\n" for r in registries)


def _written(entry: type[Entry]) -> str:
    """The entry with the defaults of its parameters: `sgd:learning_rate=0.01,momentum=0.0,nesterov=false`."""
    parameters = ",".join(f"{field.name}={str(field.default).lower()}" for field in dataclasses.fields(entry))
    return f"{entry.name}:{parameters}" if parameters else entry.name


def _without_spaces_at_ends(text: str) -> str:
    return re.sub(r"[ \t]+\n", "\n", text).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(page())
