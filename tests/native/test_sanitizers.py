"""The test programs of native/tests, built by CMake with each sanitizer, and run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = ["threads"]
SANITIZERS = ["address", "thread", "undefined"]
OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "TSAN_OPTIONS": "halt_on_error=1:die_after_fork=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | OPTIONS, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"


@pytest.fixture(params=SANITIZERS)
def build(request, tmp_path):
    """A folder with the drivers, watched by one sanitizer; one instruction set is enough."""
    if not shutil.which("cmake"):
        pytest.skip("cmake is not there")
    if not any(shutil.which(name) for name in (os.environ.get("CXX"), "g++", "clang++") if name):
        pytest.skip("no C++ compiler: neither CXX nor g++ or clang++ is there")
    options = [f"-DCHAINRULE_SANITIZE={request.param}", "-DCHAINRULE_DRIVERS=ON"]
    _run("cmake", "-S", ROOT, "-B", tmp_path, *options)
    return tmp_path


def test_drivers(build):
    _run("cmake", "--build", build, "-j2", "--target", *(f"driver_{name}" for name in DRIVERS))
    for name in DRIVERS:
        _run(build / "native" / f"driver_{name}")
