"""What tests share: where the real data lie, and JAX in float64."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a file of real data: from CHAINRULE_DATA, else ../shared/data, else skip with a reason."""
    folder = Path(os.environ.get("CHAINRULE_DATA", SHARED))

    def find(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip(f"no real data: {name} is neither in CHAINRULE_DATA nor in ../shared/data")
        return folder / name

    return find


@pytest.fixture
def jax_in_64_bits() -> Iterator[None]:
    """JAX computes in float64 while the test runs."""
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)
