"""The test programs of native/tests, built by CMake with each sanitizer, and run."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.native import library

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = ["threads", "dispatch", "core", "abi"]
WITHOUT_CORE = ["threads"]  # built in seconds
LEVEL = "x86-64-v3" if platform.machine().lower() in ("x86_64", "amd64") else "portable"
SANITIZERS = ["address,undefined", "thread"]
SECONDS = 3600  # of a build or a driver, on a machine that does other work too
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


HALVES = ["", "avx512_bf16"]  # the kernels of half precision that are chosen here, and those beside AMX


def _run(*command, **environment):
    env = os.environ | OPTIONS | environment
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=env, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"


def _check(sanitizer, level, folder, drivers):
    """Builds drivers for one instruction set, watched by one sanitizer, and runs them."""
    if not shutil.which("cmake"):
        pytest.skip("cmake is not there")
    library.compiler(), library.flags(level)  # or skip
    options = [f"-DCHAINRULE_SETS={level.removeprefix('x86-64-')}", f"-DCHAINRULE_SANITIZE={sanitizer}"]
    _run("cmake", "-S", ROOT, "-B", folder, "-DCHAINRULE_DRIVERS=ON", *options)
    _run("cmake", "--build", folder, "-j2", "--target", *(f"driver_{name}" for name in drivers))
    for name in drivers:
        for half in HALVES if name == "core" and level.endswith("v4") else HALVES[:1]:
            _run(folder / "native" / f"driver_{name}", CHAINRULE_HALF=half)


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_drivers_without_the_core(sanitizer, tmp_path):
    _check(sanitizer, LEVEL, tmp_path, WITHOUT_CORE)


@pytest.mark.full
@pytest.mark.parametrize("sanitizer", SANITIZERS)
@pytest.mark.parametrize("level", library.LEVELS)
def test_every_driver(sanitizer, level, tmp_path):
    _check(sanitizer, level, tmp_path, DRIVERS)
