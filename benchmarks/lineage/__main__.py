"""`python -m benchmarks.lineage`: the options."""

import sys

from cyclopts import App

import benchmarks.lineage
from benchmarks.lineage import pictures
from benchmarks.lineage.measure import about, measured
from benchmarks.lineage.pages import FOLDER, code, filled, read, write
from benchmarks.lineage.studies import STUDIES

app = App(
    name="python -m benchmarks.lineage", help=benchmarks.lineage.__doc__, help_format="plaintext", version_flags=[]
)


@app.default
def run(*names: str) -> None:
    """Measure studies, record them in docs/lineage, and write the tables and pictures of the pages.

    Parameters
    ----------
    names
        Studies, such as symmetry and xor; "pictures" for the numbers of the pictures; "tables" to measure nothing. All
        studies and pictures if there is none.
    """
    known = (*STUDIES, "pictures")
    if unknown := [name for name in names if name not in (*known, "tables")]:
        raise SystemExit(f"{', '.join(unknown)}: unknown; choose from {', '.join(known)}, tables")
    for name in names or known:
        if name in STUDIES:
            measure(name)
    if "pictures" in (names or known):
        write("pictures.json", {page: numbers(code(page)) for page, numbers in pictures.NUMBERS.items()})
    for page in FOLDER.glob("*.md"):
        page.write_text(filled(page.read_text("utf-8"), read("results.json")), "utf-8")
    pictures.draw(read("pictures.json"))


def measure(name: str) -> None:
    """Measure a study and record it."""
    if (why := STUDIES[name].missing()) is not None:
        print(f"{name} is left out: {why}", file=sys.stderr)
        return
    values = measured(name, STUDIES[name].seeds)
    write("results.json", {**read("results.json"), name: values, "about": about()})
    print(f"{name}: {STUDIES[name].seeds} seeds", file=sys.stderr, flush=True)


app()
