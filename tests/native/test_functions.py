"""The core's functions, activations and costs against the registry, for every instruction set of this machine."""

import itertools
import subprocess

import numpy as np
import pytest
from tests.native import library
from tests.native.library import LEVELS, Library

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Block
from chainrule.costs import COSTS
from chainrule.errors import ArchitectureError

PARAMETERS = [*ACTIVATIONS.names(), {"name": "elu", "alpha": 0.3}, {"name": "leaky_relu", "slope": 0.2}]
PARAMETERS += [{"name": "prelu", "slope": -0.3}, {"name": "sine", "omega": 3.0}]
SIGMAS = [ACTIVATIONS.get(choice) for choice in PARAMETERS]
CHOICES = [*COSTS.names(), {"name": "huber", "delta": 0.4}, {"name": "quantile", "q": 0.9}]
SPECIAL = np.array(
    [0.0, -0.0, 1e4, -1e4, 20.0, -20.0, 88.0, -88.0, 104.0, -104.0, 1e-30, -1e-30, np.inf, -np.inf, np.nan]
)
SIZES = [(1, 1), (1, 10), (4, 1), (33, 2), (35, 10), (5, 37), (3, 700)]
TYPES = [np.float32, np.float64]
GAP = 3  # columns beside a block, and numbers after a row, that must stay as they are
MARK = 7.25


@pytest.fixture(scope="module", params=LEVELS)
def core(request, tmp_path_factory):
    folder = library.shared_folder(tmp_path_factory)
    return Library(library.build("registry.cpp", request.param, folder, "-shared", "-fPIC"))


def _parameter(entry):
    values = [v for k, v in entry.document().items() if k != "name"]
    return values[0] if values else 0.0


def _activation(core, sigma):
    return library.Activation(core.kind("activation", sigma.name), _parameter(sigma))


def _allowed():
    for sigma, choice in itertools.product(SIGMAS, CHOICES):
        try:
            yield Block(sigma, COSTS.get(choice), 0, 1)
        except ArchitectureError:
            continue


BLOCKS = list(_allowed())


def _logits(rng, shape, dtype):
    """Plain numbers, and in every third row one of 60 times their size, so that exponentials reach their ends."""
    Z = rng.normal(size=shape) * 2
    Z[::3] *= 60
    return Z.astype(dtype)


def _close(found, truth, slack, scale):
    """found = truth but for `slack` roundings of numbers of size `scale`; NaN and infinity alike."""
    with np.errstate(all="ignore"):
        far = np.abs(found - truth) > slack * np.finfo(found.dtype).eps * scale
    same = (np.isnan(found) & np.isnan(truth)) | (found == truth.astype(found.dtype))
    wrong = ~same & (far | ~np.isfinite(truth.astype(found.dtype)) | ~np.isfinite(found))
    assert not wrong.any(), (found[wrong][:5], truth[wrong][:5])


@pytest.mark.parametrize("level", LEVELS)
def test_the_functions_keep_their_bounds(level, tmp_path_factory):
    driver = library.build("functions.cpp", level, library.shared_folder(tmp_path_factory))
    done = subprocess.run([str(driver), "10007", "20000"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ULP") == 20, done.stdout


def test_the_core_knows_the_registry_by_name(core):
    assert core.names("activation") == ACTIVATIONS.names()
    assert core.names("cost") == COSTS.names()
    for of, names in (("activation", ACTIVATIONS.names()), ("cost", COSTS.names())):
        assert [core.kind(of, name) for name in names] == list(range(len(names)))
        assert [core.kind(of, name) for name in ("", "no", names[0] + "x", names[0][:-1])] == [-1] * 4
    for k, name in enumerate(ACTIVATIONS.names()):
        sigma = ACTIVATIONS.get(name)
        assert bool(core.call("is_elementwise", k)) == sigma.elementwise
        assert bool(core.call("keeps_z", k)) == (sigma.needs == "Z")


def test_activations_and_costs_go_together_as_in_the_registry(core):
    allowed = {(b.activation.name, b.cost.name) for b in BLOCKS}
    for sigma, cost in itertools.product(ACTIVATIONS.names(), COSTS.names()):
        kinds = library.Activation(core.kind("activation", sigma), 0.0), core.kind("cost", cost)
        if (sigma, cost) in allowed:
            assert core.call("goes_together", library.Block(*kinds, 0.0, 0, 1))


def _rows(core, values):
    """The numbers in rows of whole vectors, with a gap behind each."""
    rows, width = values.shape
    full = -(-width // core.lanes(values.dtype)) * core.lanes(values.dtype)
    held = np.full((rows, full + GAP), MARK, dtype=values.dtype)
    held[:, :width] = values
    return held, full


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("sigma", SIGMAS, ids=str)
def test_activations_and_pullbacks(core, sigma, dtype):
    rng = np.random.default_rng(1)
    for rows, width in [*SIZES, (15, 15)]:
        Z = _logits(rng, (rows, width), dtype)
        if (rows, width) == (15, 15):
            Z[range(15), range(15)] = SPECIAL
        G = rng.normal(size=Z.shape).astype(dtype)
        s, (A, full), (Z_kept, _), (delta, _) = _activation(core, sigma), _rows(core, Z), _rows(core, Z), _rows(core, G)
        core.call("activate", s, A, Z_kept, A.shape[1], rows, width)
        np.testing.assert_array_equal(Z_kept[:, :width], Z)
        with np.errstate(all="ignore"):
            truth = sigma.value(Z.astype(np.float64))
            tail = 1 + np.minimum(Z.astype(np.float64) ** 2, 1600) * (sigma.name == "gelu")
            smallest = np.finfo(dtype).tiny * (1e6 if sigma.name == "gelu" else 1 + np.abs(Z))
            turns = np.abs(getattr(sigma, "omega", 0.0) * Z.astype(np.float64))  # sin takes a rounded product, omega z
            _close(A[:, :width], truth, 40, np.abs(truth) * tail + turns + smallest)
            kept = Z_kept if sigma.needs == "Z" else A
            core.call("pull_back", s, delta, kept, A.shape[1], rows, width)
            part = kept[:, :width].astype(np.float64)
            truth = sigma.pullback(G.astype(np.float64), part, part)
            scale = np.abs(truth) if sigma.elementwise else np.abs(part) * np.abs(G).max(axis=1, keepdims=True)
            scale = np.abs(G) if sigma.name in ("gelu", "silu", "mish", "elu", "selu", "sine") else scale
            _close(delta[:, :width], truth, 40, scale * np.maximum(np.abs(part), 1) * (1 + turns) + smallest)
        for held in (A, delta):
            assert (held[:, full:] == MARK).all()
            assert sigma.elementwise or not held[:, width:full].any()


def _targets(rng, block, shape, dtype):
    T = rng.normal(size=shape)
    if block.cost.name == "cross_entropy":
        T = rng.integers(0, 4, size=shape) / 2  # rows that do not sum to 1 tell more
    elif block.cost.name == "binary_cross_entropy":
        T = rng.integers(0, 5, size=shape) / 4
    elif block.cost.name == "poisson":
        T = rng.integers(0, 5, size=shape)
    return np.ascontiguousarray(T, dtype=dtype)


def _weights(rng, block, shape, dtype):
    """One weight a term, or one a row for blocks that can only be weighted as a whole."""
    weight = rng.uniform(0.5, 2, size=shape)
    return np.ascontiguousarray(weight if block.separable else weight[:, :1] + 0 * weight, dtype=dtype)


def _errors(core, block, Z, T, weight):
    """Cost (added up twice, halved), delta and A for a block that begins at column GAP; nothing else is written."""
    rows, width = Z.shape
    plain = library.Block(
        _activation(core, block.activation),
        core.kind("cost", block.cost.name),
        _parameter(block.cost),
        GAP,
        GAP + width,
    )
    held = np.full((rows, width + 2 * GAP), MARK, dtype=Z.dtype)
    held[:, GAP:-GAP] = Z
    delta, A, cost = np.full_like(held, MARK), np.full_like(held, MARK), np.zeros(rows)
    scratch = np.full(core.block_scratch(plain, rows, Z.dtype) + GAP, np.nan, dtype=Z.dtype)
    scratch[-GAP:] = MARK
    for _ in range(2):
        core.call("block_errors", plain, rows, held, T, weight, delta, held.shape[1], cost, scratch)
    core.call("block_values", plain, held, A, held.shape[1], rows)
    for array in (delta, A):
        assert (array[:, :GAP] == MARK).all()
        assert (array[:, -GAP:] == MARK).all()
    assert (scratch[-GAP:] == MARK).all()
    return cost / 2, delta[:, GAP:-GAP], A[:, GAP:-GAP]


def _reference(block, Z, T, weight):
    """Cost, delta, A and sum of |terms| of the registry in float64."""
    with np.errstate(all="ignore"):
        Z, T = Z.astype(np.float64), T.astype(np.float64)
        A = block.activation.value(Z)
        terms = block.terms(Z, A, T)
        by_term = None if weight is None else weight.astype(np.float64)
        terms = terms if by_term is None else terms * by_term[:, : terms.shape[1]]
        return terms.sum(axis=1), block.delta(Z, A, T, by_term), A, np.abs(terms).sum(axis=1)


def _pairs_of_levels_blocks_and_types():
    """The product; half of it has every two of a level, a block and a type, and the rest is for `full`."""
    for (i, level), (j, block), (k, dtype) in itertools.product(*map(enumerate, (LEVELS, BLOCKS, TYPES))):
        name = f"{level}-{block.activation}-{block.cost}-{dtype.__name__}"
        yield pytest.param(level, block, dtype, id=name, marks=[pytest.mark.full] if (i + j + k) % 2 else [])


@pytest.mark.parametrize(("core", "block", "dtype"), list(_pairs_of_levels_blocks_and_types()), indirect=["core"])
def test_costs_and_errors_of_blocks(core, block, dtype):
    rng = np.random.default_rng(2)
    for (rows, width), weighted in itertools.product(SIZES, (False, True)):
        Z = _logits(rng, (rows, width), dtype)
        if block.activation.name in ("exp", "softplus"):
            Z = np.minimum(Z, dtype(20))
        if block.cost.name == "gaussian":
            Z = np.clip(Z, dtype(-20), dtype(20))
        T = _targets(rng, block, Z.shape, dtype)
        weight = _weights(rng, block, Z.shape, dtype) if weighted else None
        cost, delta, A = _errors(core, block, Z, T, weight)
        truth, delta_truth, A_truth, size = _reference(block, Z, T, weight)
        largest = np.abs(delta_truth).max(axis=1, keepdims=True) + np.abs(T).max(axis=1, keepdims=True)
        turns = 1 + 120 * getattr(block.activation, "omega", 0.0)  # sin takes a rounded product, omega z
        _close(cost.astype(dtype), truth, 60 + width, (size + 1) * turns)
        _close(delta, delta_truth, 60 + width, (largest + 1) * turns)
        _close(A, A_truth, 60, (np.abs(A_truth) + 1) * turns)
        for r in range(0, rows, 7):
            alone = _errors(core, block, Z[r : r + 1], T[r : r + 1], None if weight is None else weight[r : r + 1])
            for one, all_rows in zip(alone, (cost, delta, A), strict=True):
                np.testing.assert_array_equal(one[0], all_rows[r])


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.pair], ids=lambda b: f"{b.activation}-{b.cost}")
def test_pairs_keep_their_digits_far_out(core, block):
    """In float64, number by number, where a is 0 or 1 to rounding."""
    far = np.array([[-1e4, 0.0, 1.0], [-700.0, 30.0, -40.0], [-1e4, -1e4 + 1, -1e4], [-745.0, -36.0, -25.0]])
    rng = np.random.default_rng(3)
    Z = far if block.activation.name == "exp" else np.vstack([far, -far])
    T = _targets(rng, block, Z.shape, np.float64)
    cost, delta, _ = _errors(core, block, Z, T, None)
    truth, delta_truth, _, size = _reference(block, Z, T, None)
    _close(cost, truth, 40, size)
    _close(delta, delta_truth, 40, np.abs(delta_truth) + np.abs(T) * (block.cost.name != "cross_entropy") + 1e-300)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: f"{b.activation}-{b.cost}")
def test_what_is_not_finite_is_not_hidden(core, block):
    """Costs and errors are NaN or infinite where the registry's are, and the rows beside them are untouched."""
    rng = np.random.default_rng(4)
    for dtype in TYPES:
        Z = rng.normal(size=(5, 3)).astype(dtype)
        T = _targets(rng, block, Z.shape, dtype)
        plain = _errors(core, block, Z, T, None)
        Z[[1, 2, 4], [1, 0, 2]] = np.inf, -np.inf, np.nan
        for mine, own, undisturbed in zip(
            _errors(core, block, Z, T, None), _reference(block, Z, T, None)[:3], plain, strict=True
        ):
            np.testing.assert_array_equal(np.isfinite(mine), np.isfinite(own))
            np.testing.assert_array_equal(np.isnan(mine), np.isnan(own))
            np.testing.assert_array_equal(mine[[0, 3]], undisturbed[[0, 3]])
