"""The digest of examples."""

import numpy as np

from chainrule.examples import digest_of

RNG = np.random.Generator(np.random.PCG64(7))


def test_the_digest_of_a_memory_map_larger_than_its_blocks_is_that_of_the_array(tmp_path, monkeypatch):
    array = RNG.normal(size=(1000, 7)).astype(np.float32)
    np.save(tmp_path / "x.npy", array)
    whole = digest_of(array, None, np.dtype("float32"))
    monkeypatch.setattr("chainrule.examples.digest._BLOCK", 100)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert digest_of(mapped, None, np.dtype("float32")) == whole
    assert digest_of(mapped[::-1], np.arange(1000)[::-1], np.dtype("float32")) == whole
    assert digest_of(mapped.astype(">f8"), None, np.dtype("float32")) == whole
    other = array.copy()
    other[999, 6] += 1e-3
    assert digest_of(other, None, np.dtype("float32")) != whole
    assert digest_of(array.reshape(500, 14), None, np.dtype("float32")) != whole
