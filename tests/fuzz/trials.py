"""What is tried with a mutant: everything that a person does with a file of its kind, or with a setting."""

import gzip
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.fuzz import odd_settings, specimens
from tests.fuzz.mutants import damaged, resealed

import chainrule as cr
from chainrule.cli.inspect import inspect
from chainrule.files import container
from chainrule.model import Model
from chainrule.tables.sources import as_source

Trial = Callable[[], Any]
Draw = Callable[[np.random.Generator], tuple[str, Trial]]

OWN: dict[type[BaseException], str] = {  # errors of others, by type, with their words
    TypeError: "argument must be a string or a real number|Started",  # scikit-learn's; a user's own callback
}


def models(folder: Path) -> Draw:
    """Files of models: half with bytes damaged, half with parts exchanged and sealed again."""
    return _files(folder, _use_model)


def checkpoints(folder: Path) -> Draw:
    """Files of checkpoints, likewise: each is resumed from."""
    return _files(folder, lambda path, kind: specimens.trained(path, **specimens.RUNS[kind]))


def tables(folder: Path) -> Draw:
    """Files of tables with bytes damaged, of compressed ones also before they are compressed."""
    raws = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}

    def draw(rng: np.random.Generator) -> tuple[str, Trial]:
        name = sorted(raws)[rng.integers(len(raws))]
        (folder / "mutant").mkdir(exist_ok=True)
        path = folder / "mutant" / name
        inside = name.endswith(".gz") and rng.random() < 0.5
        raw = gzip.compress(damaged(gzip.decompress(raws[name]), rng)) if inside else damaged(raws[name], rng)
        path.write_bytes(raw)
        return name, lambda: _use_table(path)

    return draw


def settings(folder: Path) -> Draw:
    """Settings of odd types, one or two for a call."""
    (folder / "mutant").mkdir(exist_ok=True)
    os.chdir(folder / "mutant")  # texts may be names of files

    def draw(rng: np.random.Generator) -> tuple[str, Trial]:
        name, odd = odd_settings.draw(rng)
        function = odd_settings.CALLS[name][0]
        return f"{name} {' '.join(odd)}", lambda: function(**odd)

    return draw


def faults(folder: Path) -> Draw:
    """The faults that a test writes down, one after the other: does the child notice them?"""
    codes = iter(json.loads((folder / "faults.json").read_text()))

    def draw(rng: np.random.Generator) -> tuple[str, Trial]:
        code = next(codes)
        return code, lambda: exec(code, {"cr": cr, "os": os, "signal": signal})

    return draw


FAMILIES: dict[str, Callable[[Path], Draw]] = {
    "models": models,
    "checkpoints": checkpoints,
    "tables": tables,
    "settings": settings,
    "faults": faults,
}


def _files(folder: Path, use: Callable[[Path, str], Any]) -> Draw:
    """Mutants of the files of a folder, half of them sealed, each of which is used."""
    raws = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}
    parts = {path.stem: container.read(path) for path in sorted(folder.glob("*.safetensors"))}

    def draw(rng: np.random.Generator) -> tuple[str, Trial]:
        name = sorted(raws)[rng.integers(len(raws))]
        sealed = rng.random() < 0.75
        (folder / "mutant").mkdir(exist_ok=True)
        path = folder / "mutant" / "m.safetensors"
        path.write_bytes(resealed(parts[name], rng) if sealed else damaged(raws[name], rng))
        return f"{name}{' sealed' if sealed else ''}", lambda: use(path, name)

    return draw


def _use_model(path: Path, kind: str) -> None:
    """Load, show, predict, go on training and save."""
    found = cr.load(path)
    repr(found)
    inspect(path)
    inspect(path, as_json=True)
    _predict(found)
    cr.save(found, path.with_name("again.safetensors"))
    cr.load(path.with_name("again.safetensors"))


def _predict(found: Any) -> None:
    if isinstance(found, Model):
        found.predict(specimens.COLUMNS)
        found.probabilities(specimens.COLUMNS)
        found.evaluate(specimens.COLUMNS)
    elif isinstance(found, cr.Network):
        found.predict(np.ones((2, found.sizes[0])))
    elif hasattr(found, "network_"):
        rows = specimens.COLUMNS if found.preset is not None else np.ones((2, found.n_features_in_))
        found.predict(rows)
        if hasattr(found, "predict_proba"):
            found.predict_proba(rows)


def _use_table(path: Path) -> None:
    """Train on its last column."""
    source = as_source(path)
    cr.train_table(source, source.names[-1], epochs=1, hidden=2, members=1)
