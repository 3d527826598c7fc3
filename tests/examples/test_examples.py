"""Examples: what is taken as it is, what is brought into shape, and the one line that says why something cannot be."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.architecture import Architecture
from chainrule.errors import DataError
from chainrule.examples import as_examples, as_inputs, epoch_order
from chainrule.random import Purpose, permutation

F32, F64 = np.dtype("float32"), np.dtype("float64")
NAN, INF = float("nan"), float("inf")

PLAIN = Architecture.of([2, 3], output="identity")
ONE = Architecture.of([2, 1], output="identity")
CLASSES = Architecture.of([2, 3], output="softmax", cost="cross_entropy")
YES_NO = Architecture.of([2, 3], cost="binary_cross_entropy")
COUNTS = Architecture.of([2, 3], output="exp", cost="poisson")
BLOCKS = Architecture.of([2, 5], output=[("softmax", 3), ("identity", 2)], cost=["cross_entropy", "quadratic"])
SINGLES = Architecture.of([2, 2], output=[("sigmoid", 1), ("identity", 1)])

X = np.arange(8, dtype=np.float32).reshape(4, 2)
P = np.array([[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.3, 0.5], [0, 0, 1]])


def refused(*words, architecture=PLAIN, X=X, T=((0, 0, 0),) * 4, weight=None, dtype=F32):
    """The one line in which the examples are refused; it holds all the words."""
    with pytest.raises(DataError) as caught:
        as_examples(architecture, X, T, weight, dtype)
    line = str(caught.value)
    assert "\n" not in line
    assert [word for word in words if word not in line] == []


# --- inputs --------------------------------------------------------------------------------------------------------


def on_disk(array, path):
    stored = np.memmap(path, array.dtype, "w+", shape=array.shape)
    stored[...] = array
    return stored


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize(
    "layout",
    [
        lambda a, path: a,
        lambda a, path: np.asfortranarray(a),
        lambda a, path: np.repeat(a, 2, axis=0)[::2],
        lambda a, path: a[::-1, ::-1],
        on_disk,
    ],
    ids=["plain", "fortran", "strided", "backwards", "memory map"],
)
def test_arrays_of_float32_and_float64_are_taken_as_they_are(layout, dtype, tmp_path):
    given = layout(X.astype(dtype), tmp_path / "x")
    for network in (F32, F64):
        assert as_inputs(given, 2, network) is given
        assert as_examples(PLAIN, given, np.zeros((4, 3), dtype), None, network).X is given


@pytest.mark.parametrize(
    "given",
    [
        X.tolist(),
        tuple(map(tuple, X.tolist())),
        *(X.astype(t) for t in ("u1", "i1", "i4", "i8", "u8", "f2", ">f4", ">f8", ">i2", "g")),
        np.array([[False, True]] * 4),
        [[False, True]] * 4,
    ],
    ids=lambda a: str(getattr(a, "dtype", type(a))),
)
@pytest.mark.parametrize("dtype", [F32, F64])
def test_other_numbers_become_an_array_of_the_networks_type(given, dtype):
    found = as_inputs(given, 2, dtype)
    assert found.dtype == dtype
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, np.asarray(given, dtype=np.float64))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros(2), ["shape (2,)", "(rows, 2)", "give X[None, :] for one row"]),
        (np.zeros(3), ["shape (3,)", "(rows, 2)"]),
        (np.zeros((4, 3)), ["shape (4, 3)", "(rows, 2)"]),
        (np.zeros((4, 2, 1)), ["shape (4, 2, 1)"]),
        (5.0, ["shape ()"]),
        (np.zeros((0, 2)), ["X has no rows"]),
        ([["a", "b"]], ["X must be numbers"]),
        ([[1, None]], ["X must be numbers"]),
        ([[1, 2], [3]], ["X must be numbers in rows of equal length"]),
        ([[1 + 2j, 0]], ["X must be numbers", "complex"]),
        (np.array([["1", "2"]]), ["X must be numbers"]),
        (np.array([[1, 2]], dtype=object), ["X must be numbers"]),
        (np.array([["2026-01-01", "2026-01-02"]], dtype="M8[D]"), ["X must be numbers", "datetime64"]),
    ],
    ids=str,
)
def test_inputs_of_another_shape_or_kind_are_refused(given, words):
    refused(*words, X=given)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("row", [0, 65_535, 65_536, 131_073])
def test_a_value_that_is_not_finite_is_named_with_its_row_and_column(bad, row):
    given = np.zeros((131_074, 2), dtype=np.float32)
    given[row, 1] = bad
    given[row + 1 :, 0] = NAN
    refused(f"X has {bad:g} in row {row}, column 1", "finite", X=given)
    with pytest.raises(DataError, match=r"^X has .* in row 0, column 0"):
        as_inputs([[bad, 1.0]], 2, F64)


@pytest.mark.parametrize("T", [[[0.0], [1.0], [NAN]], [[0.0], [1.0], [9.0]]])
def test_rows_of_weight_0_may_hold_anything(T):
    net = cr.Network([2, 1], cost="binary_cross_entropy", dtype="float64")
    X = [[1.0, 2.0], [0.5, 1.0], [NAN, INF]]
    for f in (net.cost, net.gradient):
        assert np.array_equal(f(X, T, sample_weight=[1, 2, 0]), f(X[:2], T[:2], sample_weight=[1, 2]))
    a, b = net.copy(), net.copy()
    cr.fit(a, X, T, sample_weight=[1, 2, 0])
    cr.fit(b, X[:2], T[:2], sample_weight=[1, 2])
    assert a.theta.tobytes() == b.theta.tobytes()
    with pytest.raises(DataError, match="row 2"):
        net.cost(X, T, sample_weight=[1, 2, 1e-9])


@pytest.mark.parametrize("given", [[[0, 1], [1e39, 0]], np.array([[0, 1], [1e39, 0]]), np.array([[0, 1], [-1e300, 0]])])
def test_a_value_beyond_float32_is_refused_by_a_network_of_float32_alone(given):
    refused("in row 1, column 0", "float32", X=given, T=[[0, 0, 0]] * 2)
    refused("in row 1, output 0", "float32", X=[[0, 0]] * 2, T=np.pad(given, ((0, 0), (0, 1))))
    assert as_examples(PLAIN, given, [[0, 0, 0]] * 2, None, F64).X.dtype == F64


# --- targets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize(
    ("architecture", "T", "shape"),
    [
        (PLAIN, P, (4, 3)),
        (PLAIN, P.tolist(), (4, 3)),
        (PLAIN, (10 * P).astype(np.int64), (4, 3)),  # one number for each output: values, not classes
        (PLAIN, P > 0, (4, 3)),
        (PLAIN, P.astype(">f8"), (4, 3)),
        (PLAIN, np.asfortranarray(P), (4, 3)),
        (ONE, [5, 6, 7, 8], (4, 1)),
        (ONE, np.array([5, 6, 7, 8]), (4, 1)),
        (ONE, [[5.5], [6], [7], [8]], (4, 1)),
        (CLASSES, P, (4, 3)),
        (BLOCKS, np.hstack([P, 9 * P[:, :2]]), (4, 5)),
        (SINGLES, np.array([[1, 0]] * 4), (4, 2)),  # as many blocks as outputs: values
    ],
)
def test_a_number_for_each_output_is_a_target_value(architecture, T, shape, dtype):
    found = as_examples(architecture, X, T, None, dtype).T
    assert found.shape == shape
    assert found.dtype in (F32, F64)
    assert found.dtype.isnative
    np.testing.assert_allclose(found, np.asarray(T, dtype=np.float64).reshape(shape), rtol=1e-7)


@pytest.mark.parametrize("kind", ["i1", "u1", "i4", "i8", "u8", ">i4"])
@pytest.mark.parametrize(
    ("architecture", "T", "expected"),
    [
        (CLASSES, [0, 2, 1, 2], [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1]]),
        (PLAIN, [0, 2, 1, 2], [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1]]),
        (
            BLOCKS,
            [[0, 1], [2, 0], [1, 1], [0, 0]],
            [[1, 0, 0, 0, 1], [0, 0, 1, 1, 0], [0, 1, 0, 0, 1], [1, 0, 0, 1, 0]],
        ),
    ],
)
def test_whole_numbers_one_for_each_block_are_classes(architecture, T, expected, kind):
    found = as_examples(architecture, X, np.array(T, dtype=kind), None, F32).T
    assert found.dtype == np.int32
    assert found.dtype.isnative
    assert found.tolist() == T
    assert architecture.one_hot(found, F32).tolist() == expected
    assert architecture.one_hot(found, F32).dtype == F32


def test_one_hot_leaves_other_targets_alone():
    values = P.astype(F32)
    assert PLAIN.one_hot(values, F32) is values
    assert PLAIN.one_hot(values, F64).dtype == F64


@pytest.mark.parametrize(
    ("architecture", "T", "words"),
    [
        (CLASSES, [0, 1, 2, 3], ["class number 3 in row 3", "0 to 2"]),
        (CLASSES, [0, -1, 2, 0], ["class number -1 in row 1", "0 to 2"]),
        (BLOCKS, [[0, 0], [2, 1], [0, 2], [0, 0]], ["class number 2 in row 2", "0 to 1"]),
        (CLASSES, [0.0, 1.0, 2.0, 0.0], ["T has shape (4,) and dtype float64", "(rows, 3) or (rows,) class numbers"]),
        (CLASSES, [True, False, True, True], ["dtype bool"]),
        (CLASSES, ["a", "b", "c", "a"], ["dtype <U1", "class numbers"]),
        (CLASSES, 1, ["T has shape ()"]),
        (PLAIN, 1.5, ["T has shape ()"]),
        (BLOCKS, [0, 1, 2, 0], ["T has shape (4,)", "(rows, 5) or (rows, 2) class numbers"]),
        (BLOCKS, [[0, 1, 1]] * 4, ["T has shape (4, 3)"]),
        (PLAIN, np.zeros((4, 2)), ["T has shape (4, 2)", "(rows, 3)"]),
        (PLAIN, np.zeros((4, 3, 1)), ["T has shape (4, 3, 1)"]),
        (ONE, np.zeros((4, 1, 1)), ["T has shape (4, 1, 1)"]),
        (PLAIN, np.zeros((3, 3)), ["X has 4 rows but T has 3"]),
        (CLASSES, [0, 1, 2], ["X has 4 rows but T has 3"]),
        (PLAIN, [[0, 0, 0]] * 3 + [[0]], ["T must be numbers in rows of equal length"]),
        (PLAIN, [["a", "b", "c"]] * 4, ["T must be numbers"]),
        (ONE, ["a", "b", "c", "d"], ["T must be numbers"]),
        (ONE, [1, 2, None, 4], ["T must be numbers"]),
        (PLAIN, [[0, 0, 0], [0, 0, NAN], [0, 0, 0], [0, 0, 0]], ["T has nan in row 1, output 2", "finite"]),
        (ONE, [0, 0, -INF, 0], ["T has -inf in row 2, output 0"]),
        (YES_NO, 1.5 * P, ["T has 1.5 in row 1, output 0", "'binary_cross_entropy'", "[0, 1]"]),
        (YES_NO, -P, ["T has -0.5 in row 0, output 0"]),
        (
            COUNTS,
            [[0, 7, 1e9], [0, 0, -1], [0, 0, 0], [0, 0, 0]],
            ["T has -1 in row 1, output 2", "'poisson'", "[0, inf)"],
        ),
        (CLASSES, [[1, 0, 0], [0.5, 0.5, 0.1], [1, 0, 0], [1, 0, 0]], ["T sums to 1.1 in row 1", "'cross_entropy'"]),
        (CLASSES, [[1, 0, 0], [1, 0.5, -0.5], [1, 0, 0], [1, 0, 0]], ["T has -0.5 in row 1, output 2"]),
        (BLOCKS, np.hstack([P, P[:, :2]]) * [1, 1, 0, 1, 1], ["T sums to 0.5 in row 2"]),
        (
            Architecture.of(
                [2, 3], output=[("identity", 1), ("sigmoid", 2)], cost=["quadratic", "binary_cross_entropy"]
            ),
            [[9, 0, 0], [9, 0, 2], [9, 0, 0], [9, 0, 0]],
            ["T has 2 in row 1, output 2"],
        ),
    ],
)
def test_targets_that_the_network_cannot_have_are_refused(architecture, T, words):
    refused(*words, architecture=architecture, T=T)


def test_probabilities_may_be_off_by_rounding():
    thirds = np.full((4, 3), 1 / 3, dtype=np.float16).astype(np.float32)
    refused("sums to 0.999", architecture=CLASSES, T=thirds)
    thirds = np.full((4, 3), 1 / 3, dtype=np.float32)
    assert as_examples(CLASSES, X, thirds, None, F32).T is thirds


# --- weights -------------------------------------------------------------------------------------------------------


def test_without_weights_every_row_counts_once():
    found = as_examples(PLAIN, X, P, None, F32)
    assert (found.weight, found.total, found.rows.tolist()) == (None, 4.0, [0, 1, 2, 3])
    assert found.present() is found


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize(
    ("architecture", "weight", "scaled", "total"),
    [
        (PLAIN, [1, 1, 1, 1], [1, 1, 1, 1], 4),
        (PLAIN, [2, 6, 2, 6], [0.5, 1.5, 0.5, 1.5], 16),
        (PLAIN, np.array([1, 3, 1, 3], dtype=np.uint8), [0.5, 1.5, 0.5, 1.5], 8),
        (PLAIN, [True, False, True, True], [1, 0, 1, 1], 3),
        (CLASSES, [[1], [3], [1], [3]], [[0.5] * 3, [1.5] * 3, [0.5] * 3, [1.5] * 3], 8),
        (PLAIN, [[3, 3, 0], [0, 0, 0], [6, 0, 0], [1, 2, 3]], [[1.5, 1.5, 0], [0, 0, 0], [3, 0, 0], [0.5, 1, 1.5]], 6),
        (BLOCKS, [[1, 1]] * 4, [[1] * 5] * 4, 4),
        (
            BLOCKS,
            [[5, 0], [0, 0], [0, 5], [5, 5]],
            [[1.5, 1.5, 1.5, 0, 0], [0] * 5, [0, 0, 0, 1.5, 1.5], [1.5] * 5],
            10,
        ),
        (BLOCKS, [[4, 4, 4, 3, 5]] * 4, [[1, 1, 1, 0.75, 1.25]] * 4, 16),
        (SINGLES, [[1, 3]] * 4, [[0.5, 1.5]] * 4, 8),
    ],
)
def test_weights_of_every_form_are_scaled_to_mean_1_over_the_rows_that_have_any(
    architecture, weight, scaled, total, dtype
):
    T = np.zeros((4, architecture.sizes[-1]))
    T[:, 0] = 1
    found = as_examples(architecture, X, T, weight, dtype)
    assert found.weight.dtype == dtype
    np.testing.assert_allclose(found.weight, scaled, rtol=1e-6)
    assert found.total == pytest.approx(total, rel=1e-15)
    assert found.rows.tolist() == np.flatnonzero(np.reshape(scaled, (4, -1)).any(axis=1)).tolist()


@pytest.mark.parametrize("forms", [(4,), (4, 3)])
def test_rows_of_weight_0_are_as_if_they_were_not_there(forms):
    weight = np.random.default_rng(0).uniform(0.1, 3, forms)
    weight[[0, 2]] = 0
    found = as_examples(PLAIN, X, P, weight, F32).present()
    without = as_examples(PLAIN, X[[1, 3]], P[[1, 3]], weight[[1, 3]], F32)
    assert [a.tobytes() for a in found[:4]] == [a.tobytes() for a in without[:4]]
    assert found.total == without.total


@pytest.mark.parametrize(
    ("architecture", "weight", "words"),
    [
        (PLAIN, [1, 1, 1], ["sample_weight has shape (3,)", "(4,)", "(4, 3)", "(4, 1)"]),
        (PLAIN, np.ones((4, 2)), ["shape (4, 2)"]),
        (BLOCKS, np.ones((4, 3)), ["shape (4, 3)", "(4, 5) or (4, 2)"]),
        (PLAIN, 2.0, ["shape ()"]),
        (PLAIN, [1, -0.5, 1, 1], ["sample_weight has -0.5 in row 1", "at least 0"]),
        (PLAIN, [1, 1, NAN, 1], ["sample_weight has nan in row 2"]),
        (PLAIN, [1, INF, 1, 1], ["sample_weight has inf in row 1"]),
        (PLAIN, ["a", "b", "c", "d"], ["sample_weight must be numbers"]),
        (PLAIN, [0, 0, 0, 0], ["every weight is 0", "nothing to learn from"]),
        (PLAIN, np.zeros((4, 3)), ["every weight is 0"]),
        (
            BLOCKS,
            [[1, 1, 2, 1, 1]] * 4,
            ["outputs 0 to 2 share one cost", "cross_entropy of softmax", "equal in each row"],
        ),
        (CLASSES, [[1, 2, 1]] * 4, ["outputs 0 to 2 share one cost"]),
    ],
)
def test_weights_that_make_no_sense_are_refused(architecture, weight, words):
    T = np.zeros((4, architecture.sizes[-1]))
    T[:, 0] = 1
    refused(*words, architecture=architecture, T=T, weight=weight)


# --- order and split -----------------------------------------------------------------------------------------------


def test_the_order_of_an_epoch_is_a_permutation_of_its_rows_or_the_rows_themselves():
    rows = np.array([1, 4, 5, 9, 11])
    found = epoch_order(3, 7, rows)
    assert found.dtype == np.int64
    assert found.tolist() == rows[permutation(3, Purpose.ORDER, 7, 5)].tolist()
    assert epoch_order(3, 7, rows, shuffle=False).tolist() == rows.tolist()
    assert len({tuple(epoch_order(seed, epoch, np.arange(20))) for seed in range(3) for epoch in range(3)}) == 9
