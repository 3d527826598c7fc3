"""Runs studies: each seed's values, of the functions that the pages define."""

import warnings
from typing import Any

import numpy as np

from benchmarks.lineage.pages import code
from benchmarks.lineage.studies import STUDIES
from benchmarks.machine import describe, versions
from chainrule.errors import ChainruleWarning

__all__ = ["about", "measured"]

FIGURES = 5  # that are recorded of a number


def measured(name: str, seeds: int) -> dict[str, Any]:
    """The values of a study for the seeds from 0, by their name; None where a run does not have one."""
    study = STUDIES[name]
    page = code(study.page)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        runs = [study.run(page, seed) for seed in range(seeds)]
    names = dict.fromkeys(key for run in runs for key in run)
    values = {key: [_plain(run.get(key)) for run in runs] for key in names}
    return {"seeds": seeds, "values": values}


def about() -> str:
    """What measured: versions and processor, in one line."""
    machine, programs = describe(), versions()
    listed = ", ".join(f"{name} {programs[name]}" for name in ("chainrule", "python", "numpy"))
    return f"Measured on {machine['date'][:10]} with {listed}, on {machine['model']}, one thread."


def _plain(value: Any) -> Any:
    """A value as JSON has it, in a few figures."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.{FIGURES}g}")
    return value
