"""Randomness: literal vectors that never change, and the words of the design written out once more in scalars."""

import math

import numpy as np
import pytest

from chainrule import random
from chainrule.errors import SettingError
from chainrule.random import Purpose, as_seed, dropout_factors, normal, permutation, raw_words, threefry, uniform

SEEDS = [0, 1, 2**32, 2**32 + 1, 2**63 + 5, 2**64 - 1]


def philox(seed, purpose, index, count):
    """Philox-4x64-10 in whole numbers, its counter starting at 1 (Salmon et al. 2011, and NumPy's Philox)."""
    words, mask = [], 2**64 - 1
    for block in range(1, count // 4 + 2):
        c, k = [block, 0, 0, 0], [seed, purpose * 2**48 + index]
        for _ in range(10):
            p, q = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
            c = [q >> 64 ^ c[1] ^ k[0], q & mask, p >> 64 ^ c[3] ^ k[1], p & mask]
            k = [(k[0] + 0x9E3779B97F4A7C15) & mask, (k[1] + 0xBB67AE8584CAA73B) & mask]
        words += c
    return words[:count]


def threefry_of_one(key, counter):
    """Threefry-2x32-20 in whole numbers: rounds of add, rotate, xor; a key injected after every four."""
    mask, (k0, k1) = 2**32 - 1, key
    schedule = [k0, k1, k0 ^ k1 ^ 0x1BD11BDA]
    x0, x1 = (counter[0] + k0) & mask, (counter[1] + k1) & mask
    for i in range(20):
        r = (13, 15, 26, 6, 17, 29, 16, 24)[i % 8]
        x0 = (x0 + x1) & mask
        x1 = ((x1 << r | x1 >> (32 - r)) & mask) ^ x0
        if i % 4 == 3:
            s = i // 4 + 1
            x0, x1 = (x0 + schedule[s % 3]) & mask, (x1 + schedule[(s + 1) % 3] + s) & mask
    return x0, x1


def dropout_of_one(p, seed, layer, epoch, batch, width, row, neuron):
    """The factor of one neuron in one row."""
    key = threefry_of_one((seed % 2**32, seed // 2**32), (layer, epoch))
    w0, w1 = threefry_of_one(key, (batch, row * math.ceil(width / 4) + neuron // 4))
    lane = (w0 % 2**16, w0 // 2**16, w1 % 2**16, w1 // 2**16)[neuron % 4]
    threshold = round(65536 * (1 - p))
    return 65536 / threshold if lane < threshold else 0.0


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_known_answers_of_random123(key, counter, expected):
    assert tuple(int(word[0]) for word in threefry(key, counter)) == expected
    assert threefry_of_one(key, counter) == expected


def test_threefry_of_many_counters_is_that_of_each():
    key, many = (7, 2**31), np.arange(2**32 - 50, 2**32, dtype=np.uint64).astype(np.uint32)
    found = threefry(key, (np.uint32(3), many))
    assert list(zip(*(w.tolist() for w in found), strict=True)) == [threefry_of_one(key, (3, c)) for c in many.tolist()]


def test_raw_words_never_change():
    assert raw_words(0, Purpose.WEIGHTS, 2, 3).tolist() == [
        7275212588749998237,
        12049293872602864244,
        16725623981698657872,
    ]
    assert raw_words(2**64 - 1, Purpose.SPLIT, 0, 3).tolist() == [
        7724743528269359898,
        10022669789884061045,
        1767886487627987827,
    ]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("purpose", Purpose)
def test_raw_words_are_philox_with_the_key_of_seed_purpose_and_index(seed, purpose):
    for index in (0, 3, 2**48 - 1):
        words = raw_words(seed, purpose, index, 10)
        assert words.dtype == np.uint64
        assert words.tolist() == philox(seed, purpose, index, 10)
        assert raw_words(seed, purpose, index, 3).tolist() == words[:3].tolist()


def test_purposes_have_the_numbers_that_stored_seeds_rely_on():
    found = {purpose.name: purpose.value for purpose in Purpose}
    assert found == {
        "WEIGHTS": 1,
        "ORDER": 2,
        "SPLIT": 3,
        "SAMPLE": 4,
        "HALVES": 5,
        "MEMBERS": 6,
        "FOLDS": 7,
        "DIRECTIONS": 8,
        "NOISE": 9,
        "CHECKED": 10,
        "PERMUTED": 11,
        "PLAYGROUND": 16,
        "TRIALS": 17,
        "KEPT": 18,
    }


def test_uniform_and_normal_numbers_never_change():
    words = raw_words(0, Purpose.WEIGHTS, 2, 3)
    assert uniform(words).tolist() == [0.39439006470083193, 0.6531935296796151, 0.9066978928566668]
    np.testing.assert_allclose(
        normal(words), [-0.26789501701634977, 0.39395679090873115, 1.3206916053047408], rtol=1e-14
    )  # SciPy may round the last digit otherwise


def test_uniform_numbers_are_from_0_to_below_1_and_normal_numbers_finite():
    ends = np.array([0, 2**11 - 1, 2**11, 2**64 - 1], dtype=np.uint64)
    assert uniform(ends).tolist() == [0, 0, 2**-53, 1 - 2**-53]
    assert np.isfinite(normal(ends)).all()
    assert normal(ends)[0] < normal(ends)[2] < -8.1
    assert normal(ends)[3] > 8.1


@pytest.mark.parametrize(
    ("draw", "mean", "variance", "fourth"),
    [(uniform, 1 / 2, 1 / 12, 1 / 80), (normal, 0, 1, 3)],
    ids=["uniform", "normal"],
)
def test_the_moments_are_those_of_the_distribution(draw, mean, variance, fourth):
    n = 100_000
    x = draw(raw_words(5, Purpose.WEIGHTS, 2, n)) - mean
    assert abs(x.mean()) < 4 * math.sqrt(variance / n)
    assert abs((x**2).mean() - variance) < 4 * math.sqrt((fourth - variance**2) / n)


def test_permutations_never_change():
    assert permutation(0, Purpose.ORDER, 0, 8).tolist() == [0, 4, 1, 5, 7, 3, 2, 6]
    assert permutation(2**64 - 1, Purpose.ORDER, 3, 8).tolist() == [4, 6, 7, 5, 0, 1, 3, 2]


@pytest.mark.parametrize("n", [1, 2, 3, 64, 65, 1000])
def test_a_permutation_sorts_words_whose_low_bits_are_the_rows(n):
    found = permutation(9, Purpose.ORDER, 4, n)
    assert found.dtype == np.int64
    assert sorted(found.tolist()) == list(range(n))
    low = 2 ** max(n - 1, 1).bit_length()
    assert found.tolist() == [w % low for w in sorted(w - w % low + i for i, w in enumerate(philox(9, 2, 4, n)))]


def test_every_place_of_a_permutation_is_as_likely_for_every_row():
    seen = np.array([permutation(seed, Purpose.SPLIT, 0, 5) for seed in range(2000)])
    counts = np.array([np.bincount(place, minlength=5) for place in seen.T])
    assert np.abs(counts - 400).max() < 4 * math.sqrt(2000 * 0.2 * 0.8)


def test_streams_of_different_seeds_purposes_and_indices_differ():
    streams = {tuple(raw_words(s, p, i, 2).tolist()) for s in SEEDS for p in Purpose for i in range(5)}
    assert len(streams) == len(SEEDS) * len(Purpose) * 5


def test_dropout_never_changes():
    kept = dropout_factors(0.5, seed=2**40 + 3, layer=2, epoch=1, batch=4, shape=(3, 7)) != 0
    assert ["".join("01"[k] for k in row) for row in kept.tolist()] == ["1111001", "1100001", "1001110"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5, 3), (2, 9), (4, 6), (1, 17)])
@pytest.mark.parametrize("seed", SEEDS)
def test_dropout_is_what_the_design_says_neuron_by_neuron(shape, seed):
    for p, layer, epoch, batch in [(0.5, 2, 0, 0), (0.2, 3, 1, 7), (0.9, 2, 65_537, 2**32 - 1)]:
        found = dropout_factors(p, seed, layer, epoch, batch, shape)
        assert found.dtype == np.float64
        assert found.tolist() == [
            [dropout_of_one(p, seed, layer, epoch, batch, shape[1], r, j) for j in range(shape[1])]
            for r in range(shape[0])
        ]


def test_a_neuron_is_kept_when_its_16_bits_are_below_the_threshold_and_dropped_at_it():
    key = threefry_of_one((5, 0), (2, 0))
    lane = threefry_of_one(key, (0, 0))[0] % 2**16
    for threshold, factor in [(lane, 0), (lane + 1, 65536 / (lane + 1))]:
        assert dropout_factors(1 - threshold / 65536, 5, 2, 0, 0, (1, 1)).item() == factor


def test_a_row_of_dropout_does_not_depend_on_how_many_rows_follow():
    tall, short = (dropout_factors(0.3, 1, 2, 3, 4, (m, 6)) for m in (9, 4))
    assert tall[:4].tolist() == short.tolist()


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9])
def test_dropout_keeps_the_rate_and_the_mean(p):
    shape = (400, 250)
    factors, n = dropout_factors(p, 11, 2, 0, 0, shape), 400 * 250
    sigma = math.sqrt(p * (1 - p) / n)
    assert abs((factors != 0).mean() - (1 - p)) < 4 * sigma
    assert abs(factors.mean() - 1) < 4 * sigma / (1 - p)
    assert np.unique(factors).tolist() == pytest.approx([0, 1 / (1 - p)], rel=2**-15 / (1 - p))


def test_no_dropout_keeps_everything_as_it_is():
    assert (dropout_factors(0.0, 0, 2, 0, 0, (50, 50)) == 1).all()


DRAW = {"seed": 5, "layer": 2, "epoch": 3, "batch": 4}


@pytest.mark.parametrize(
    "other",
    [{"seed": 6}, {"seed": 5 + 2**32}, {"layer": 3}, {"epoch": 4}, {"batch": 5}, {"layer": 3, "epoch": 2}],
    ids=str,
)
def test_dropout_of_another_seed_layer_epoch_or_batch_is_independent(other):
    a, b = (dropout_factors(0.5, **DRAW | change, shape=(200, 50)) != 0 for change in ({}, other))
    assert abs((a == b).mean() - 0.5) < 4 * 0.5 / math.sqrt(a.size)


def test_the_rows_and_columns_of_dropout_are_independent():
    kept = dropout_factors(0.5, **DRAW, shape=(200, 51)) != 0
    for a, b in [(kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1]), (kept[:, 4:], kept[:, :-4])]:
        assert abs((a == b).mean() - 0.5) < 4 * 0.5 / math.sqrt(a.size)


@pytest.mark.parametrize("seed", [*SEEDS, np.int64(7), np.uint64(2**64 - 1)])
def test_a_seed_is_a_whole_number_of_64_bits(seed):
    assert as_seed(seed) == int(seed)
    assert type(as_seed(seed)) is int


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, True, "7", [1], np.float64(3), np.True_, float("nan")])
def test_another_seed_is_refused_in_one_line(seed):
    with pytest.raises(SettingError, match=r"^seed is .* whole number from 0 to 2\^64 - 1, or None[^\n]*$"):
        as_seed(seed)


def test_no_seed_has_one_drawn(monkeypatch):
    monkeypatch.setattr(random.secrets, "randbits", lambda bits: 2**bits - 1)
    assert as_seed(None) == 2**32 - 1
