"""What is written between the markers of a page: `<!-- NAME -->` and `<!-- /NAME -->`."""

from pathlib import Path

__all__ = ["between"]


def between(path: Path, name: str, text: str) -> None:
    """Write the text between the markers of a name, in place of what is there."""
    before, rest = path.read_text("utf-8").split(f"<!-- {name} -->")
    _, after = rest.split(f"<!-- /{name} -->")
    path.write_text(f"{before}<!-- {name} -->\n{text}\n<!-- /{name} -->{after}", "utf-8")
