"""`chainrule demo`: train on the digits that ship with scikit-learn, and leave a model and test images to try."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.checkpointing import EmergencySave
from chainrule.cli.console import say, write_json
from chainrule.cli.evaluate import show_scores
from chainrule.cli.options import AsJson
from chainrule.cli.signals import Interrupt
from chainrule.cli.train import run_training, summary_line, worth_saving
from chainrule.files.atomic import atomic_write, check_target
from chainrule.model import TableSettings, TableTraining

__all__ = ["demo"]


def demo(
    *,
    folder: Annotated[Path, Parameter(help="Folder for the model and the test images.")] = Path(),
    epochs: Annotated[int, Parameter(help="Passes over the images.")] = 30,
    seed: Annotated[int, Parameter(help="Fixes every random choice.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Train on 1,797 handwritten digits of 8 × 8 pixels.

    Every fifth image is kept for the test. Writes digits.safetensors (the model) and digits-test.csv (the test images).
    """
    model_path, test_path = folder / "digits.safetensors", folder / "digits-test.csv"
    for path in (model_path, test_path):
        check_target(path)
    rows, test = _digits()
    training = TableTraining(rows, "digit", TableSettings(epochs=epochs, seed=seed))
    for note in () if as_json else training.notes[:2]:
        say(note)
    with Interrupt() as interrupt:
        run_training(training, as_json, interrupt, EmergencySave(training, model_path, None))
        code = interrupt.code
        if not worth_saving(training):
            return code
        training.model.save(model_path)
    _write(test, test_path)
    scores = training.model.evaluate(test)
    if as_json:
        write_json({"event": "end", "model": str(model_path), "test": str(test_path), "scores": scores})
        return code
    say(summary_line(training.model))
    say("")
    say("on the test images, which were not used in training:")
    show_scores(scores)
    say("")
    say(f"the model is in {model_path}, the test images are in {test_path}; try next:")
    say(f"  chainrule inspect {model_path}")
    say(f"  chainrule evaluate {model_path} {test_path}")
    say(f"  chainrule predict {model_path} {test_path} --out answers.csv")
    say("  chainrule train YOUR.csv --target COLUMN")
    return code


def _digits() -> tuple[dict[str, Any], dict[str, Any]]:
    """The training images and the test images (every fifth), each as a table of 64 pixels and the digit."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    columns = {name: digits.data[:, k] for k, name in enumerate(digits.feature_names)} | {"digit": digits.target}
    fifth = [row % 5 == 0 for row in range(len(digits.target))]
    rest = [not test for test in fifth]
    return tuple({name: values[part] for name, values in columns.items()} for part in (rest, fifth))  # type: ignore[return-value]


def _write(table: dict[str, Any], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv

    with atomic_write(path) as stream:
        csv.write_csv(pa.table(table), stream)
