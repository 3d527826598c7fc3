"""What a command leaves where it cannot write: exit code 1, one line with the path, the old file, nothing else."""

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from .processes import contents, fails, here

resource = pytest.importorskip("resource", reason="limits of a process are POSIX")

# JAX, if a test before has imported it, warns of every fork; ours becomes another program at once.
pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")

OLD = b"the old file\n"
WRITERS = {
    "train": ("train", "t.csv", "--target", "answer", "--epochs", "1", "--out"),
    "predict": ("predict", "m.safetensors", "t.csv", "--out"),
}


def writer(name: str, folder: Path, out: str) -> list[object]:
    """A command that reads what is in `folder` and writes to `out`."""
    return [folder / word if word in ("t.csv", "m.safetensors") else word for word in WRITERS[name]] + [out]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of one page, or a skip where nothing can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


Full = tuple[Path, Callable[[], AbstractContextManager[None]]]


@pytest.fixture(params=["limit", "disk"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Full:
    """A folder in which a file of 4 KiB cannot be completed, and where that holds."""
    if request.param == "disk":
        return request.getfixturevalue("small"), contextlib.nullcontext
    return tmp_path, _limited


def _limit() -> None:
    """Let no file grow beyond 1 KiB; write no compiled modules, which Python would cut there for later processes."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """As `_limit`, in this process for a while."""
    before, compiled = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = compiled


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_keeps_the_old_file(name: str, folder: Path, full: Full) -> None:
    where, limited = full
    (where / "old").write_bytes(OLD)
    with limited():
        error = fails(*writer(name, folder, "old"), cwd=where, by=here)
    assert "old: " in error
    assert contents(where) == {"old": OLD}


def test_a_process_on_a_full_disk_keeps_the_old_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(OLD)
    assert "old: " in fails(*writer("train", folder, "old"), cwd=tmp_path, preexec_fn=_limit)
    assert contents(tmp_path) == {"old": OLD}


def test_a_full_disk_stops_the_demo(full: Full) -> None:
    where, limited = full
    with limited():
        error = fails("demo", "--epochs", "1", cwd=where, by=here)
    assert "digits.safetensors: " in error
    assert contents(where) == {}


@pytest.mark.parametrize("command", ["train", "minimize"])
def test_a_full_disk_leaves_no_half_a_picture(command: str, folder: Path, full: Full) -> None:
    pytest.importorskip("matplotlib")
    where, limited = full
    train = ("train", folder / "t.csv", "--target", "answer", "--epochs", "1", "--out", "/dev/null")
    minimize = ("minimize", "x^2", "--start", "1")
    with limited():
        error = fails(*(train if command == "train" else minimize), "--plot", "curve.png", cwd=where, by=here)
    assert "curve.png: " in error
    assert contents(where) == {}


def test_a_full_disk_stops_a_checkpoint(folder: Path, tmp_path: Path, full: Full) -> None:
    where, limited = full
    train = ("train", folder / "t.csv", "--target", "answer", "--epochs", "3", "--out", tmp_path / "m.safetensors")
    with limited():
        error = fails(*train, "--checkpoint", "kept", "--checkpoint-every", "0.001s", cwd=where, by=here)
    assert "kept: " in error
    assert contents(where) == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_device_is_named(name: str, folder: Path, tmp_path: Path) -> None:
    assert "/dev/full: No space left" in fails(*writer(name, folder, "/dev/full"), cwd=tmp_path, by=here)


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_in_the_way_is_named_before_any_work(name: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    assert "here: it is a folder" in fails(*writer(name, folder, "here"), cwd=tmp_path, by=here)


@pytest.mark.parametrize("file", ["digits.safetensors", "digits-test.csv"])
def test_a_folder_in_the_way_of_the_demo_is_named_before_any_work(file: str, tmp_path: Path) -> None:
    (tmp_path / file).mkdir()
    assert f"{file}: it is a folder" in fails("demo", cwd=tmp_path, by=here)
    assert [path.name for path in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("out", ["no/such/file", "t.csv/file", "/proc/file"])
def test_a_folder_that_takes_no_file_is_named(name: str, out: str, folder: Path, tmp_path: Path) -> None:
    if out.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    (tmp_path / "t.csv").write_bytes(OLD)
    assert out in fails(*writer(name, folder, out), cwd=tmp_path, by=here)
    assert contents(tmp_path) == {"t.csv": OLD}


def weak() -> None:
    """Let permissions hold for this process and what it becomes: root is held by none otherwise."""
    if os.geteuid() == 0:
        drop_from_bounding_set, override_permissions = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, override_permissions, 0, 0, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="root is held by no permission here")
@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_file_and_folder_are_named(name: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(OLD)
    (tmp_path / "old").chmod(0o444)
    assert "old: the file is read-only" in fails(*writer(name, folder, "old"), cwd=tmp_path, preexec_fn=weak)
    tmp_path.chmod(0o555)
    try:
        error = fails(*writer(name, folder, "new"), cwd=tmp_path, preexec_fn=weak)
    finally:
        tmp_path.chmod(0o755)
    assert "new: no file can be created in its folder" in error
    assert contents(tmp_path) == {"old": OLD}
