"""The sets of the playground: their shapes, their bits, their errors."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.studio.playground import FEATURES, SETS, features_of, make


@pytest.mark.parametrize("name", [name for name in SETS if name != "digits"])
def test_a_set_lies_in_its_square_and_has_two_classes_or_numbers(name: str) -> None:
    made = make(name, rows=200)
    assert made.X.shape == (200, 2)
    assert np.abs(made.X).max() <= 1.1
    values = np.unique(made.T)
    assert (len(values) > 100) if name == "plane" else values.tolist() == [0.0, 1.0]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    one, same, other = (make("gauss", 50, 0.1, seed).X for seed in (3, 3, 4))
    assert (one == same).all()
    assert not (one == other).any()


def test_noise_moves_points_by_its_deviation() -> None:
    moved = make("xor", 4000, 0.1).X - make("xor", 4000, 0.0).X
    assert moved.std() == pytest.approx(0.1, rel=0.05)


def test_the_first_places_of_a_seed_never_change() -> None:
    """The words of this purpose are among those that seeds rely on."""
    expected = [0.32017053361254677, 0.05325542082394519, 0.30382835638227657, 0.7187329868888832]
    assert make("plane", 4, 0.0, seed=0).T.ravel().tolist() == expected


def test_digits_are_those_of_scikit_learn() -> None:
    made = make("digits")
    assert made.X.shape == (1797, 64)
    assert made.T.tolist()[:4] == [0, 1, 2, 3]
    assert made.X.max() == 1.0


def test_features_are_functions_of_the_two_coordinates() -> None:
    P = np.array([[0.5, -2.0]])
    assert features_of(P, list(FEATURES)).ravel().round(6).tolist() == [0.5, -2.0, 0.25, 4.0, -1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "moons"},
        {"name": 3},
        {"name": "xor", "rows": 3},
        {"name": "xor", "rows": 10**6},
        {"name": "xor", "noise": 2},
        {"name": "xor", "features": []},
        {"name": "xor", "features": ["x1", "x1"]},
        {"name": "xor", "features": ["x9"]},
        {"name": "xor", "features": "x1"},
        {"name": "xor", "seed": -1},
    ],
)
def test_what_is_not_allowed_is_said_in_one_line(arguments: dict[str, object]) -> None:
    with pytest.raises(cr.ChainruleError) as error:
        make(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
