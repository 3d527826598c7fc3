"""What tests share: where the real data lie, JAX in float64, threads, and which tests of engines are for `-m full`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that run for every engine run for xla under `-m full`: it compiles a program for nearly each of them."""
    for item in items:
        call = getattr(item, "callspec", None)
        if call is not None and call.params.get("engine") == "xla":
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a file of real data: from CHAINRULE_DATA, else ../shared/data, else skip with a reason."""
    folder = Path(os.environ.get("CHAINRULE_DATA", SHARED))

    def find(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip(f"no real data: {name} is neither in CHAINRULE_DATA nor in ../shared/data")
        return folder / name

    return find


@pytest.fixture(autouse=True, scope="module")
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Engines and the core are tested on two threads, whatever uses them on one."""
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name in ("engines", "native"):
            patch.setenv("OMP_NUM_THREADS", "2")
        yield


@pytest.fixture
def jax_in_64_bits() -> Iterator[None]:
    """JAX computes in float64 while the test runs."""
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)
