"""Atomic writes: the new file whole, or the old one untouched, whatever goes wrong in between."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.files import atomic
from chainrule.files.atomic import atomic_write, check_target

POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions, links and signals of POSIX")
OLD, NEW = b"old" * 1000, b"new" * 2000


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def put(path, content=NEW):
    with atomic_write(path) as stream:
        stream.write(content)


def mode(path):
    return stat.S_IMODE(Path(path).stat().st_mode)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_and_a_replaced_one(tmp_path, old):
    put(old)
    put(str(tmp_path / "other.bin"), b"")
    assert old.read_bytes() == NEW
    assert names(tmp_path) == ["model.bin", "other.bin"]
    assert (tmp_path / "other.bin").read_bytes() == b""


def test_a_path_without_a_folder_is_in_this_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("here.bin")
    assert names(tmp_path) == ["here.bin"]


def test_the_longest_name_has_room_for_the_temporary_file(tmp_path):
    put(tmp_path / ("m" * 255))
    assert (tmp_path / ("m" * 255)).read_bytes() == NEW


def test_nothing_is_seen_before_the_end(old):
    with atomic_write(old) as stream:
        stream.write(NEW)
        stream.flush()
        assert old.read_bytes() == OLD
    assert old.read_bytes() == NEW


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, OSError])
def test_an_exception_leaves_the_old_file_and_no_other(old, error):
    def interrupted():
        with atomic_write(old) as stream:
            stream.write(NEW)
            raise error

    with pytest.raises(error):
        interrupted()
    assert old.read_bytes() == OLD
    assert names(old.parent) == ["model.bin"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_system_that_refuses_leaves_the_old_file_and_no_other(old, monkeypatch, call):
    def refuse(*arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os if call == "fsync" else Path, call, refuse)
    with pytest.raises(OSError, match=f"Input/output error: {str(old)!r}"):
        put(old)
    assert old.read_bytes() == OLD
    assert names(old.parent) == ["model.bin"]


def test_file_and_folder_reach_the_disk_in_that_order(old, monkeypatch):
    synced, sync = [], os.fsync

    def watch(descriptor):
        status = os.fstat(descriptor)
        what = "folder" if stat.S_ISDIR(status.st_mode) else f"{status.st_size} bytes"
        synced.append((what, old.read_bytes() == b"few"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    put(old, b"few")
    assert synced == [("3 bytes", False), ("folder", True)][: 1 + (os.name == "posix")]


@POSIX
@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_umasks_permissions(tmp_path, umask, mask, expected):
    umask(mask)
    put(tmp_path / "m")
    assert mode(tmp_path / "m") == expected


@POSIX
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o666, 0o755])
def test_a_replaced_file_keeps_its_permissions(old, umask, kept):
    old.chmod(kept)
    put(old)
    assert (old.read_bytes(), mode(old)) == (NEW, kept)


@POSIX
def test_a_private_file_is_private_before_its_first_byte(old, umask):
    old.chmod(0o600)
    with atomic_write(old):
        assert {mode(entry) for entry in old.parent.iterdir()} == {0o600}


@POSIX
def test_a_link_is_written_through(tmp_path, old):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("../second")
    (tmp_path / "second").symlink_to(old)
    put(tmp_path / "folder" / "link")
    assert (tmp_path / "second").is_symlink()
    assert old.read_bytes() == NEW
    assert names(tmp_path / "folder") == ["link"]


@POSIX
def test_a_link_to_nothing_makes_what_it_names(tmp_path):
    (tmp_path / "link").symlink_to("real")
    put(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == NEW


def test_a_folder_in_the_way(tmp_path):
    with pytest.raises(IsADirectoryError, match=f"it is a folder, name a file in it.*{re.escape(repr(str(tmp_path)))}"):
        put(tmp_path)


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder does not exist, create it first.*no.*model\.bin"):
        put(tmp_path / "no" / "model.bin")


@POSIX
def test_a_file_where_a_folder_should_be(old):
    with pytest.raises(NotADirectoryError, match=r"model\.bin/inner"):
        put(old / "inner")


@POSIX
def test_a_link_in_a_circle(tmp_path):
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(OSError, match="link"):
        put(tmp_path / "link")


@POSIX
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_and_a_file_that_are_read_only(old):
    old.chmod(0o444)
    with pytest.raises(PermissionError, match=r"read-only, choose another name.*model\.bin"):
        put(old)
    old.parent.chmod(0o555)
    with pytest.raises(PermissionError, match=r"no file can be created in its folder.*other\.bin"):
        put(old.parent / "other.bin")
    old.parent.chmod(0o755)
    assert old.read_bytes() == OLD


@POSIX
def test_what_is_no_regular_file_is_written_to_directly_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    put(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert os.read(reader, 9999) == NEW
    os.close(reader)
    assert names(tmp_path) == ["pipe"]


@POSIX
def test_a_disk_that_fills_leaves_the_old_file(old):
    code = """
import resource, signal, sys
from chainrule.files.atomic import atomic_write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
with atomic_write(sys.argv[1]) as stream:
    stream.write(bytes(6000))
"""
    done = subprocess.run([sys.executable, "-c", code, str(old)], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(f"File too large: {str(old)!r}")
    assert old.read_bytes() == OLD
    assert names(old.parent) == ["model.bin"]


@POSIX
@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="no /dev/stdout here")
def test_a_pipe_is_written_to_directly():
    code = """
from chainrule.files.atomic import atomic_write
with atomic_write("/dev/stdout") as stream:
    stream.write(b"through the pipe")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"through the pipe"


@POSIX
@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_killed_process_leaves_the_old_file_whole(old, moment):
    code = """
import os, pathlib, sys, time
from chainrule.files.atomic import atomic_write

def wait(*arguments):
    print("now", flush=True)
    time.sleep(60)

path, moment = sys.argv[1:]
if moment == "fsync":
    os.fsync = wait
if moment == "replace":
    pathlib.Path.replace = wait
with atomic_write(path) as stream:
    stream.write(b"new" * 100_000)
    stream.flush()
    if moment == "write":
        wait()
"""
    arguments = [sys.executable, "-c", code, str(old), moment]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"now\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert old.read_bytes() == OLD
    assert len(names(old.parent)) == 2
    put(old.parent / "other.bin")
    assert len(names(old.parent)) == 3  # it is not a leftover of this file
    put(old)
    assert old.read_bytes() == NEW
    assert names(old.parent) == ["model.bin", "other.bin"]


@POSIX
def test_what_another_process_is_writing_stays(old):
    with atomic_write(old) as stream:
        stream.write(OLD)
        code = "import sys; from chainrule.files.atomic import *\nwith atomic_write(sys.argv[1]) as s: s.write(b'new')"
        subprocess.run([sys.executable, "-c", code, str(old)], check=True)
        assert old.read_bytes() == b"new"
    assert old.read_bytes() == OLD
    assert names(old.parent) == ["model.bin"]


@POSIX
def test_a_file_that_is_taken_for_a_leftover_before_it_is_locked_is_made_again(old, monkeypatch):
    taken = []

    def remove_first(stream, how):
        if not taken:
            taken.append(stream.name)
            Path(stream.name).unlink()

    monkeypatch.setattr(atomic.fcntl, "flock", remove_first)
    put(old)
    assert (len(taken), old.read_bytes()) == (1, NEW)
    assert names(old.parent) == ["model.bin"]


@POSIX
def test_what_cannot_be_written_at_once_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for name in ("pipe", "socket"):
            for write in (check_target, put):
                with pytest.raises(OSError, match=f"it is a {name}.*name a regular file.*{name}"):
                    write(name)
    check_target("/dev/null")
