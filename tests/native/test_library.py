"""The native core as a file: that it loads, exports C functions alone, and belongs to these sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.engines import abi
from chainrule.errors import EngineError

ROOT = Path(__file__).resolve().parents[2]
REBUILD = "build it again: cmake --preset dev && cmake --build --preset dev"


@pytest.fixture
def library():
    path = abi.library_path()
    if path is None:
        assert os.environ.get("CHAINRULE_REQUIRE_CORE") != "1", "CHAINRULE_REQUIRE_CORE=1, but there is no core"
        pytest.skip("installed without the native core")
    return path


def _symbols(path, *flags):
    """What `nm` finds defined, as (kind, name)."""
    if shutil.which("nm") is None or sys.platform == "win32":
        pytest.skip("nm is not there")
    lines = subprocess.run(["nm", *flags, path], check=True, capture_output=True, text=True).stdout.splitlines()
    return [tuple(line.split()[-2:]) for line in lines]


def test_loads(library):
    assert abi.load().chainrule_abi() == abi.ABI


def test_exports_c_functions_alone(library):
    found = _symbols(library, "-D", "--defined-only") if sys.platform == "linux" else _symbols(library, "-gU")
    assert ("T", "chainrule_abi") in [(kind, name.removeprefix("_")) for kind, name in found]
    assert [name for _, name in found if not name.removeprefix("_").startswith("chainrule_")] == []


def test_is_not_older_than_its_sources(library):
    """Skipped where the package is not used from this checkout."""
    if ROOT not in library.parents:
        pytest.skip("the installed core was not built in this folder")
    sources = [path for end in ("h", "cpp", "txt") for path in (ROOT / "native").rglob(f"*.{end}")]
    newer = [
        path.name for path in sources if path.stat().st_mtime > library.stat().st_mtime and "tests" not in path.parts
    ]
    assert newer == [], REBUILD


def _damage(path):
    path.write_bytes(b"no library")


@pytest.mark.parametrize(
    ("change", "message"),
    [(_damage, "does not load"), (lambda path: None, f"has interface {abi.ABI}, but {abi.ABI + 1} is needed")],
)
def test_refuses_a_wrong_library(library, change, message, tmp_path, monkeypatch):
    copy = Path(shutil.copy(library, tmp_path))
    change(copy)
    monkeypatch.setattr(abi, "library_path", lambda: copy)
    monkeypatch.setattr(abi, "ABI", abi.ABI + 1)
    with pytest.raises(EngineError, match=message):
        abi.load()


def test_none_without_a_library(monkeypatch):
    monkeypatch.setattr(abi, "library_path", lambda: None)
    assert abi.load() is None
