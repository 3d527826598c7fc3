"""What is measured on the pages of docs/lineage: functions of the pages, seeds, and the rows of their tables."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import fashion

__all__ = ["STUDIES", "SUMMARY", "Row", "Study"]

NO = "-"  # the original has no such figure
Names = dict[str, Any]  # the names that a page defines


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table: a value by its name, what it is, the original's figure, and how its numbers are written."""

    name: str
    text: str
    original: str
    digits: str = ".1%"


@dataclasses.dataclass(frozen=True)
class Study:
    """An experiment of a page over seeds from 0.

    - page: its name without the ending.
    - run: from the names of the page and a seed to the values, by name; a value that a run does not have is left out.
    - seeds: how many; 1 where nothing is random.
    - rows: the lines of its table.
    - missing: why it cannot be measured here, or None.
    """

    page: str
    run: Callable[[Names, int], dict[str, Any]]
    seeds: int
    rows: tuple[Row, ...]
    missing: Callable[[], str | None] = lambda: None


def _together(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The values of several experiments, by the name of the experiment and of the value."""
    return {f"{part} {name}": value for part, values in parts.items() for name, value in values.items()}


# Chauvin's 280 - 33 log2 H by the number H of hidden neurons; in brackets the figures in the text
HIDDEN = {2: "247 (245)", 4: "214", 8: "181", 16: "148", 32: "115 (120)"}
DEPTHS = {1: "96.48%", 2: "96.90%", 3: "96.57%", 4: "96.53%"}
SPEEDS = {2: ("0.07", "0.31"), 3: ("0.012", "0.060", "0.283"), 4: ("0.003", "0.017", "0.070", "0.285")}

FAILED = 'all but 2 of "hundreds"'

SYMMETRY = (
    Row("learned", "runs that learn it in 5,000 sweeps; the others stay at 87.5%", NO),
    Row("sweeps", "sweeps until it is learned", "1,425", "d"),
    Row("plateau", "part of these sweeps that is spent at 87.5%", NO, ".0%"),
    Row("mirror", "largest sum of two mirrored weights, relative to the largest weight", "0", ".3f"),
    Row("doubles", "of the runs that learn it, those with the ratio 1 : 2 : 4", NO),
    Row("middle", "in these, the middle weight of a side over the smallest", "2", ".2f"),
    Row("large", "in these, the largest weight of a side over the smallest", "4", ".2f"),
    Row("other middle", "in the others, the middle weight over the smallest", NO, ".2f"),
    Row("other large", "in the others, the largest weight over the smallest", NO, ".2f"),
)
XOR = tuple(
    row
    for hidden, original in HIDDEN.items()
    for row in (
        Row(f"{hidden} sweeps", f"sweeps with {hidden} hidden neurons", original, "d"),
        Row(f"{hidden} learned", f"runs that learn it, {hidden} hidden", FAILED if hidden == 2 else NO),
    )
)
ENCODER = (
    Row("learned", "runs that learn it in 3,000 sweeps", NO),
    Row("sweeps", "sweeps until it is learned", NO, "d"),
    Row("between", "hidden activations between 0.25 and 0.75", "some", ".0%"),
    Row("codes", "different codes after rounding to 0 and 1", NO, "d"),
)
FAMILIES = tuple(
    row
    for part, text in (
        ("printed", "as printed"),
        ("wider", "start in ±2"),
        ("faster", "start in ±2, ε = 0.05"),
    )
    for row in (
        Row(f"{part} known", f"{text}: of the 100 triples, right after 1,500 sweeps", NO, ".0%"),
        Row(f"{part} held", f"{text}: of the 4 held out, right", "4", "d"),
        Row(f"{part} all", f"{text}: runs with all 4 right", NO),
        Row(f"{part} counterparts", f"{text}: of 24 people, nearest to the counterpart", '"very similar"', "d"),
    )
)


def _accuracies(name: str, text: str, last: str = NO, best: str = NO, first: str | None = None) -> tuple[Row, ...]:
    """Rows for accuracies on test images: after the first epoch if the original has it, after the last, the best."""
    figures = {
        "first": ("after the first epoch", first),
        "last": ("after the last epoch", last),
        "best": ("best epoch", best),
    }
    return tuple(Row(f"{name} {end}", f"{text}: {words}", figure) for end, (words, figure) in figures.items() if figure)


DIGITS = (
    *_accuracies("30", "784-30-10", "95.34%", "95.42%", "91.29%"),
    *_accuracies("100", "784-100-10", best="96.59%"),
    *_accuracies("0", "784-10"),
    Row("slow last", "784-100-10, η = 0.001: after the last epoch", "21.42%"),
    Row("fast last", "784-30-10, η = 100: after three epochs", "about 10%"),
)
CLOTHES = (*_accuracies("30", "784-30-10"), *_accuracies("100", "784-100-10"), *_accuracies("0", "784-10"))

NEURON = (
    Row("near quadratic", "w = 0.6, b = 0.9, quadratic, η = 0.15", "0.09", ".3f"),
    Row("far quadratic", "w = 2, b = 2, quadratic, η = 0.15", "0.20", ".3f"),
    Row("near entropy", "w = 0.6, b = 0.9, cross-entropy, η = 0.005", NO, ".3f"),
    Row("far entropy", "w = 2, b = 2, cross-entropy, η = 0.005", NO, ".3f"),
    Row("near entropy fast", "w = 0.6, b = 0.9, cross-entropy, η = 0.15", NO, ".3f"),
    Row("far entropy fast", "w = 2, b = 2, cross-entropy, η = 0.15", NO, ".3f"),
)
ENTROPY = (
    Row("30 last", "784-30-10, cross-entropy", "95.49%"),
    Row("100 last", "784-100-10, cross-entropy", "96.82%"),
    Row("30 L2 last", "784-30-10, with L2", "96.49%"),
    Row("100 L2 last", "784-100-10, with L2", "97.92%"),
    Row("30 known", "784-30-10, on its training images", "97.86%"),
)
OVERFITTING = (
    Row("plain best", "1,000 images: best epoch", "82.27%"),
    Row("plain when", "the best epoch", "about 280", "d"),
    Row("plain known", "on the 1,000 training images at the end", "100%"),
    Row("L2 best", "1,000 images, L2 with λ = 0.1: best epoch", "87.1%"),
)
STARTS = (
    Row("large first", "w from N(0, 1): after the first epoch", "under 87%"),
    Row("large last", "w from N(0, 1): after the last epoch", "over 96%"),
    Row("small first", "w from N(0, 1/n): after the first epoch", "almost 93%"),
    Row("small last", "w from N(0, 1/n): after the last epoch", "over 96%"),
)
VANISHING = tuple(
    Row(f"{hidden} layer {layer}", f"{hidden} hidden layers: ‖δ‖ of hidden layer {layer}", original, ".2g")
    for hidden, originals in SPEEDS.items()
    for layer, original in enumerate(originals, 1)
)
DEEPER = tuple(
    Row(f"{hidden} last", f"{hidden} hidden layer{'s' * (hidden > 1)}: accuracy", original)
    for hidden, original in DEPTHS.items()
)


def _clothes(page: Names, seed: int) -> dict[str, Any]:
    """The page on Fashion-MNIST: 50,000 images to train on and 10,000 for the test, as many as Nielsen has."""
    (X, y), (X_test, y_test) = fashion.load("train"), fashion.load("t10k")
    one_hot = np.eye(10, dtype=np.float32)
    return page["on_all"](seed, (X[:50_000], one_hot[y[:50_000]]), (X_test, one_hot[y_test]))


STUDIES = {
    "symmetry": Study("symmetry", lambda page, seed: page["measured"](seed), 200, SYMMETRY),
    "xor": Study(
        "xor-and-encoder", lambda page, seed: _together({str(n): page["xor"](seed, n) for n in HIDDEN}), 100, XOR
    ),
    "encoder": Study("xor-and-encoder", lambda page, seed: page["encoder"](seed), 100, ENCODER),
    "family-trees": Study("family-trees", lambda page, seed: page["measured"](seed), 40, FAMILIES),
    "digits": Study("digits", lambda page, seed: page["measured"](seed), 10, DIGITS),
    "digits-fashion": Study("digits", _clothes, 3, CLOTHES, fashion.available),
    "neuron": Study("saturated-neuron", lambda page, seed: page["measured"](), 1, NEURON),
    "entropy": Study("overfitting", lambda page, seed: page["entropy"](seed), 10, ENTROPY),
    "overfitting": Study("overfitting", lambda page, seed: page["overfitting"](seed), 10, OVERFITTING),
    "starts": Study("overfitting", lambda page, seed: page["starts"](seed), 20, STARTS),
    "vanishing": Study("depth", lambda page, seed: page["vanishing"](seed), 100, VANISHING),
    "deeper": Study("depth", lambda page, seed: page["deeper"](seed), 10, DEEPER),
}

SUMMARY = (  # study, value, its words on the page of all
    ("symmetry", "sweeps", "mirror symmetry, 6-2-1: sweeps until it is learned"),
    ("symmetry", "learned", "mirror symmetry: runs that leave the plateau of 87.5%"),
    ("xor", "2 sweeps", "exclusive or, 2-2-1: sweeps"),
    ("xor", "32 sweeps", "exclusive or, 2-32-1: sweeps"),
    ("xor", "2 learned", "exclusive or, 2-2-1: runs that learn it"),
    ("encoder", "learned", "encoder, 8-3-8: runs that learn it"),
    ("family-trees", "printed known", "family trees, as printed: known of 100"),
    ("family-trees", "faster known", "family trees, with a larger start and rate: known of 100"),
    ("family-trees", "faster held", "family trees, the same: right of the 4 held out"),
    ("digits", "30 last", "digits, 784-30-10, quadratic: 8,000 images for his 50,000"),
    ("digits", "100 best", "digits, 784-100-10, quadratic, best epoch"),
    ("neuron", "near quadratic", "one neuron, w = 0.6 and b = 0.9: output after 300 epochs"),
    ("neuron", "far quadratic", "one neuron, w = b = 2: output after 300 epochs"),
    ("overfitting", "plain best", "1,000 images: best accuracy"),
    ("overfitting", "L2 best", "1,000 images with L2: best accuracy"),
    ("starts", "large first", "w from N(0, 1): accuracy after one epoch"),
    ("starts", "small first", "w from N(0, 1/n): accuracy after one epoch"),
    ("vanishing", "4 layer 1", "‖δ‖ of the first of four hidden layers"),
    ("vanishing", "4 layer 4", "‖δ‖ of the last of four hidden layers"),
)
