"""Fashion-MNIST from idx files: Debian's package dataset-fashion-mnist, or a folder in FASHION_MNIST."""

import gzip
import os
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["available", "load"]

DEBIAN = "/usr/share/datasets/fashion-mnist"


def available() -> str | None:
    """Why it cannot be loaded, or None."""
    try:
        for part in ("train", "t10k"):
            _file(f"{part}-images-idx3-ubyte")
    except FileNotFoundError as error:
        return str(error)
    return None


@cache
def load(part: str) -> tuple[np.ndarray, np.ndarray]:
    """The images / 255 (n, 784), float32, and the classes (n,), int32, of "train" or "t10k"."""
    images = _read(_file(f"{part}-images-idx3-ubyte"), 16).reshape(-1, 784)
    classes = _read(_file(f"{part}-labels-idx1-ubyte"), 8)
    return images.astype(np.float32) / 255, classes.astype(np.int32)


def _file(name: str) -> Path:
    folder = Path(os.environ.get("FASHION_MNIST", DEBIAN))
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise FileNotFoundError(f"no {name} in {folder}: install dataset-fashion-mnist or set FASHION_MNIST to a folder")


def _read(path: Path, header: int) -> np.ndarray:
    found = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(found, dtype=np.uint8, offset=header)
