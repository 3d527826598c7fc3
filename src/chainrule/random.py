"""Draws all random numbers from counters: the same seed gives the same bits, whatever was drawn before.

Weights, order and split use the raw words of NumPy's Philox with the key [seed, purpose * 2^48 + index]. NumPy keeps
its bit generators stable across versions, but not the methods of `Generator`. Dropout uses Threefry-2x32-20, which
needs only 32-bit additions, rotations and exclusive ors, so every engine can compute it.

Source: Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
"""

import enum
import secrets
import threading
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.text import shown

__all__ = [
    "MOST_DROPPED",
    "Purpose",
    "as_seed",
    "dropout_factors",
    "generator",
    "normal",
    "permutation",
    "raw_words",
    "threefry",
    "threefry_words",
    "uniform",
]

_THREAD = threading.local()
SEED_LIMIT = 2**64
MOST_DROPPED = 0.9999  # the largest probability of dropping a neuron, which is stored in 16 bits


class Purpose(enum.IntEnum):
    """The purpose of a stream of words; its number is part of the key and never changes."""

    WEIGHTS = 1  # index: the number of the layer, 2..L
    ORDER = 2  # index: the epoch, from 0
    SPLIT = 3  # index: 0
    SAMPLE = 4  # index: the block of 4,096 values
    HALVES = 5  # index: 0
    MEMBERS = 6  # index: 0; the seeds of networks that are trained together
    FOLDS = 7  # index: 0
    DIRECTIONS = 8  # index: 0 compares gradients, 1 is the curvature at a minimum, 2 and 3 are for certificates
    NOISE = 9  # index: the number of updates made before; the noise of an update
    CHECKED = 10  # index: the number of the layer, 2..L; the parameters that a certificate compares
    PERMUTED = 11  # index: the permutation, from 0; the rows of a column whose importance is measured
    PLAYGROUND = 16  # index: 0 for the places of the points of the studio's sets, 1 for their noise
    TRIALS = 17  # index: the trials of a search that have ended; the seed of the proposals for the next
    KEPT = 18  # index: 0; the rows whose out-of-fold answers a model keeps


def as_seed(seed: Any, name: str = "seed") -> int:
    """The seed as a number from 0 to 2^64 - 1; None draws a seed from the system.

    >>> as_seed(7)
    7

    Raises SettingError for any other value.
    """
    if seed is None:
        return secrets.randbits(32)
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool | np.timedelta64)
    if whole and 0 <= int(seed) < SEED_LIMIT:
        return int(seed)
    raise SettingError(f"{name} is {shown(seed)}, but must be a whole number from 0 to 2^64 - 1, or None to draw one")


def raw_words(seed: int, purpose: Purpose, index: int, count: int) -> Array:
    """`count` words of 64 random bits, shape (count,), uint64.

    >>> raw_words(0, Purpose.ORDER, 0, 2)
    array([ 1682231972171754835, 10883907853207975523], dtype=uint64)
    """
    return _begun(np.array([seed, purpose * 2**48 + index], dtype=np.uint64)).random_raw(count)


def _begun(key: Array) -> np.random.Philox:
    """This thread's Philox at the beginning of a stream: a new one would first ask the system for entropy."""
    bits: np.random.Philox | None = getattr(_THREAD, "bits", None)
    if bits is None:
        bits = _THREAD.bits = np.random.Philox(key=key)
    zeros = np.zeros(4, dtype=np.uint64)
    numbers: Any = {"counter": zeros, "key": key}
    words: Any = {"bit_generator": "Philox", "state": numbers, "buffer": zeros, "buffer_pos": 4}
    bits.state = words | {"has_uint32": 0, "uinteger": 0}
    return bits


def generator(seed: int, purpose: Purpose, index: int) -> np.random.Generator:
    """NumPy's generator over the words of `raw_words`, for a user's own function; its methods may change with NumPy.

    >>> generator(0, Purpose.WEIGHTS, 2).bit_generator.random_raw() == int(raw_words(0, Purpose.WEIGHTS, 2, 1)[0])
    True
    """
    key = np.array([seed, purpose * 2**48 + index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def uniform(words: Array) -> Array:
    """Numbers in [0, 1) from raw words: the upper 53 bits times 2^-53.

    >>> uniform(np.array([0, 2**63], dtype=np.uint64))
    array([0. , 0.5])
    """
    return (words >> np.uint64(11)) * 2.0**-53


def normal(words: Array) -> Array:
    """Standard normal numbers from raw words: the inverse distribution function of uniform numbers.

    A uniform number of exactly 0 (one word in 2^53) counts as 2^-54, so that every result is finite.

    >>> normal(np.array([2**63], dtype=np.uint64))
    array([0.])
    """
    from scipy.special import ndtri

    return np.asarray(ndtri(np.maximum(uniform(words), 2.0**-54)))


def permutation(seed: int, purpose: Purpose, index: int, n: int) -> Array:
    """The numbers 0..n-1 in a random order, int64: sorts raw words whose low bits are the row number.

    >>> permutation(0, Purpose.ORDER, 0, 5)
    array([0, 4, 1, 3, 2])
    """
    low = np.uint64((1 << max(n - 1, 1).bit_length()) - 1)
    words = (raw_words(seed, purpose, index, n) & ~low) | np.arange(n, dtype=np.uint64)
    words.sort()
    return (words & low).astype(np.int64)


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry(key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Array, Array]:
    """Two words of 32 random bits for each counter (numbers or 1-D arrays), by Threefry-2x32 with 20 rounds.

    >>> [format(int(w[0]), "08x") for w in threefry((0, 0), (0, 0))]
    ['6b200159', '99ba4efe']
    """
    words = [np.atleast_1d(np.asarray(word, dtype=np.uint32)) for word in (*key, *counter)]
    return threefry_words(*words)


def threefry_words(k0: Array, k1: Array, x0: Array, x1: Array) -> tuple[Array, Array]:
    """The words of `threefry` for arrays of uint32, of NumPy or JAX.

    >>> one = np.zeros(1, dtype=np.uint32)
    >>> format(int(threefry_words(one, one, one, one)[0][0]), "08x")
    '6b200159'
    """
    schedule = (k0, k1, k0 ^ k1 ^ np.uint32(_PARITY))
    x0, x1 = x0 + k0, x1 + k1
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation)))
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def dropout_factors(
    p: float, seed: int, layer: int, epoch: int, batch: int, shape: tuple[int, int], batches: int = 1
) -> Array:
    """The factors of dropout for the activations of a layer: 0, or a factor that keeps the mean; float64, (m, n_l).

    - p: the probability of dropping a neuron.
    - seed: from 0 to 2^64 - 1.
    - layer, epoch, batch: numbers of the layer from 2, of the epoch and the first batch from 0.
    - shape: (m, n_l).
    - batches: the number of batches from `batch` on; the result stacks their factors, (batches m, n_l).

    A neuron is kept if its 16 bits are below round(65536 (1 - p)). Row r and neuron j use lane j % 4 (the halves of the
    two words, low before high) of the counter (batch, r ceil(n_l / 4) + j // 4) with the key T(seed; (layer, epoch)).
    The factor is 65536 / round(65536 (1 - p)), the inverse of the probability that is really used.

    >>> dropout_factors(0.5, seed=0, layer=2, epoch=0, batch=0, shape=(1, 6))
    array([[0., 2., 0., 2., 0., 2.]])
    """
    rows, width = shape
    groups = -(-width // 4)
    key = threefry((seed & 0xFFFFFFFF, seed >> 32), (layer, epoch))
    places = np.arange(rows * groups, dtype=np.uint32)
    numbers = np.arange(batch, batch + batches, dtype=np.uint32)
    words = threefry(key, (np.repeat(numbers, len(places)), np.tile(places, batches)))
    halves = [half for w in words for half in (w & np.uint32(0xFFFF), w >> np.uint32(16))]
    lanes = np.stack(halves, axis=1).reshape(batches * rows, groups * 4)[:, :width]
    threshold = round(65536 * (1 - p))
    return np.where(lanes < threshold, 65536 / threshold, 0.0)
