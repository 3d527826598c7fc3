"""A small shared library of the core's functions, compiled for one instruction set; skipped where that cannot be."""

import ctypes
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NATIVE = Path(__file__).resolve().parents[2] / "native"
FLAGS = ["-std=c++20", "-O3", "-ffp-contract=off", "-Wall", "-Wextra"]
NEEDS = {"portable": "", "x86-64-v2": "sse4_2", "x86-64-v3": "avx2", "x86-64-v4": "avx512dq"}
LEVELS = list(NEEDS)


class Activation(ctypes.Structure):
    """`chainrule::Activation` of native/types.h."""

    _fields_ = (("kind", ctypes.c_int), ("parameter", ctypes.c_double))


class Block(ctypes.Structure):
    """`chainrule::Block` of native/types.h."""

    _fields_ = (
        ("activation", Activation),
        ("cost", ctypes.c_int),
        ("cost_parameter", ctypes.c_double),
        ("start", ctypes.c_int),
        ("stop", ctypes.c_int),
    )


def compiler() -> str:
    """The C++ compiler of CXX, or one of the usual names; skips without one."""
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        if name and shutil.which(name):
            return name
    pytest.skip("no C++ compiler: neither CXX nor c++, g++ or clang++ is there")


def flags(level: str) -> list[str]:
    """The compiler's flags for one level of the instruction set; skips where this machine lacks it."""
    if level == "portable":
        return FLAGS
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip(f"{level} is not an instruction set of {platform.machine()}")
    if NEEDS[level] not in Path("/proc/cpuinfo").read_text(encoding="utf-8").split():
        pytest.skip(f"this processor lacks {NEEDS[level]}, which {level} needs")
    return [*FLAGS, f"-march={level}"]


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """One folder for this run of the tests, whichever worker asks."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def build(source: str, level: str, folder: Path, *more: str) -> Path:
    """`native/tests/<source>` compiled for a level; workers that share the folder share what is built."""
    found = folder / f"{source}.{level}{''.join(more)}"
    if not found.exists():
        part = found.with_name(f"{found.name}.{os.getpid()}")
        command = [compiler(), *flags(level), *more, str(NATIVE / "tests" / source), "-o", str(part)]
        subprocess.run(command, check=True, timeout=300)
        part.replace(found)
    return found


class Library:
    """The compiled functions, called with arrays of float32 or float64."""

    def __init__(self, path: Path) -> None:
        self._of = ctypes.CDLL(str(path))
        for suffix in ("f32", "f64"):
            for name in ("lanes", "block_scratch"):
                getattr(self._of, f"{name}_{suffix}").restype = ctypes.c_ssize_t
        self._of.name_of_activation.restype = self._of.name_of_cost.restype = ctypes.c_char_p

    def names(self, of: str) -> list[str]:
        """The names of the activations or costs, by their numbers."""
        name_of, found = getattr(self._of, f"name_of_{of}"), []
        while (name := name_of(len(found))) is not None:
            found.append(name.decode())
        return found

    def kind(self, of: str, name: str) -> int:
        """The number of a name, -1 if there is none."""
        return int(getattr(self._of, f"kind_of_{of}")(name.encode()))

    def lanes(self, dtype: Any) -> int:
        """Numbers in a vector."""
        return int(self._typed("lanes", dtype)())

    def call(self, name: str, *arguments: Any) -> int:
        """A function without types, or by the type of the arrays among its arguments."""
        arrays = [a for a in arguments if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        function = self._typed(name, arrays[0].dtype) if arrays else getattr(self._of, name)
        return function(*map(_plain, arguments))

    def block_scratch(self, block: Block, rows: int, dtype: Any) -> int:
        """Elements of scratch for a block."""
        return int(self._typed("block_scratch", dtype)(ctypes.byref(block), ctypes.c_ssize_t(rows)))

    def _typed(self, name: str, dtype: Any) -> Any:
        return getattr(self._of, f"{name}_f{8 * np.dtype(dtype).itemsize}")


def _plain(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, ctypes.Structure):
        return ctypes.byref(argument)
    return None if argument is None else ctypes.c_ssize_t(argument)
