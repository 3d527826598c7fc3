"""The reference of the command line as a page, from what `--help` knows.

`python -m chainrule.cli.reference > docs/cli.md` writes it; a test says when it is old.
"""

import re
import sys

from chainrule.cli import COMMANDS, EPILOGUE, build

__all__ = ["page"]

HEAD = f"""# Command line: reference

Every command with all its options, as `--help` shows them. [The guide](command-line.md) says what goes together.

{EPILOGUE}

<!-- Written by `python -m chainrule.cli.reference > docs/cli.md`: change the help in the code, then run that again. -->
"""


def page() -> str:
    """The page in Markdown: a list of the commands, then a section for each."""
    commands = "\n".join(f"- [{name}](#chainrule-{name})" for name in COMMANDS)
    found = build().generate_docs(output_format="markdown", recursive=True)
    sections = found[found.index("## chainrule ") :]
    return f"{HEAD}\n{commands}\n\n{_without_spaces_at_ends(sections)}"


def _without_spaces_at_ends(text: str) -> str:
    return re.sub(r"[ \t]+\n", "\n", text).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(page())
