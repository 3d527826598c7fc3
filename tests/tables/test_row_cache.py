"""The cache of encoded rows: the same arrays in memory and in a file, and nothing left of the file."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from chainrule.tables import row_cache
from chainrule.tables.row_cache import RowCache

SHAPES = [(7, 3), (0, 3), (5, 1), (4, 0)]


def filled(folder, dtype="float32"):
    """A cache whose array k holds k, k + 1, ... written in uneven parts."""
    found = RowCache(SHAPES, dtype, folder)
    for k, shape in enumerate(SHAPES):
        values = (k + np.arange(np.prod(shape))).reshape(shape)
        for part in np.array_split(values, 3):
            found.put(k, part)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_file_holds_what_memory_holds(tmp_path, dtype):
    memory, file = filled(None, dtype), filled(tmp_path, dtype)
    assert memory.folder is None
    assert file.folder == str(tmp_path)
    for k, shape in enumerate(SHAPES):
        a, b = memory.array(k), file.array(k)
        assert a.dtype == b.dtype == dtype
        assert a.shape == b.shape == shape
        assert a.tobytes() == b.tobytes() == (k + np.arange(np.prod(shape))).astype(dtype).tobytes()
        assert b.ctypes.data % 64 == 0 or not b.size
        assert type(b) is np.ndarray


@pytest.mark.skipif(os.name != "posix", reason="only there a file without a name can be open")
def test_the_file_has_no_name_while_it_is_used(tmp_path):
    found = filled(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert found.array(0)[-1, -1] == 20


def test_what_is_small_stays_in_memory_and_what_is_large_goes_to_the_systems_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(row_cache.tempfile, "tempdir", None)
    monkeypatch.setattr(row_cache, "available_memory", lambda: 4 * 192)
    assert filled(None).folder is None
    monkeypatch.setattr(row_cache, "available_memory", lambda: 4 * 192 - 1)
    assert filled(None).folder == str(tmp_path)


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(100, 50, 50))
    with pytest.raises(OSError, match=r"192 bytes.* 50 are free") as caught:
        RowCache(SHAPES[:1] + SHAPES[2:3], "float32", tmp_path)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_disk_that_fills_up_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(row_cache.tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("w+b", buffering=0))  # noqa: SIM115
    found = RowCache([(9, 9)], "float64", tmp_path)
    with pytest.raises(OSError, match="No space left") as caught:
        found.put(0, np.ones((9, 9)))
    assert caught.value.filename == str(tmp_path)


def test_no_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        RowCache(SHAPES, "float32", tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none")
