"""X that lies column by column, or in wider numbers, is converted once for a training, to the same bits."""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.arrays import Array
from chainrule.examples import converted, layout
from chainrule.training import Training

DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((600, 7))
T = np.tanh(X[:, :2])
KINDS = ("C float32", "F float32", "C float64", "F float64", "every other column", "memory map")


def laid_out(kind: str, folder: Path) -> Array:
    values = X.astype(np.float32)
    if kind == "every other column":
        wide = np.zeros((600, 14), np.float32)
        wide[:, ::2] = values
        return wide[:, ::2]
    if kind == "memory map":
        np.save(folder / "X.npy", np.asfortranarray(values))
        return np.load(folder / "X.npy", mmap_mode="r")
    order, dtype = kind.split()
    return np.asarray(X if dtype == "float64" else values, order=order)


def trained(rows: Array, dtype: str) -> Training:
    net = cr.Network([7, 5, 2], output="identity", seed=0, dtype=dtype)
    validation = rows[:50], T[:50]
    training = cr.train(net, rows, T, epochs=3, seed=0, validation=validation, monitor="training")
    for _ in training:
        pass
    return training


@pytest.mark.parametrize("kind", KINDS)
def test_no_bit_depends_on_how_x_lies(kind: str, tmp_path: Path) -> None:
    plain, other = trained(laid_out(KINDS[0], tmp_path), "float32"), trained(laid_out(kind, tmp_path), "float32")
    assert other.net.theta.tobytes() == plain.net.theta.tobytes()
    assert other.history.cost == plain.history.cost
    assert other.history.validation == plain.history.validation


@pytest.mark.parametrize(
    ("kind", "dtype", "copied"),
    [
        ("C float32", "float32", False), ("C float32", "float64", False), ("C float64", "float64", False),
        ("F float32", "float32", True), ("F float32", "float64", True), ("C float64", "float32", True),
        ("F float64", "float32", True), ("every other column", "float32", True), ("memory map", "float32", False),
    ],
)  # fmt: skip
def test_what_is_copied_once(kind: str, dtype: str, copied: bool, tmp_path: Path) -> None:
    training = trained(laid_out(kind, tmp_path), dtype)
    given, taken = training.examples.X, training.problem.taken.X
    assert (taken is not given) == copied
    assert taken.dtype == (np.float32 if copied and dtype == "float32" else given.dtype)
    if copied:
        assert taken.flags.c_contiguous
        assert training.problem.taken is training.problem.taken


def test_a_plain_view_of_a_memory_map_is_left_in_its_file(tmp_path: Path) -> None:
    mapped = np.asarray(laid_out("memory map", tmp_path))
    assert type(mapped) is np.ndarray
    assert converted(mapped, np.dtype("float32")) is mapped


def test_a_copy_has_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(layout, "MOST", 4 * X.size - 1)
    rows = laid_out("F float32", tmp_path)
    assert converted(rows, rows.dtype) is rows
