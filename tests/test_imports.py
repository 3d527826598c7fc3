"""The front door: what importing chainrule loads, and the names that it has."""

import subprocess
import sys

import pytest

import chainrule

SLOW = {"scipy.special", "scipy.sparse", "sklearn", "pyarrow", "pandas", "rich", "cyclopts", "jax"}


@pytest.mark.parametrize(
    "code",
    [
        "import chainrule",
        "import chainrule; chainrule.Network; chainrule.train; chainrule.fit; chainrule.Adam",
        "import chainrule.tables.row_roles, chainrule.tables.inputs.encoder, chainrule.tables.targets.targets",
    ],
)
def test_importing_loads_nothing_slow(code):
    asked = f"import sys; {code}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert "chainrule" in loaded
    assert SLOW.intersection(loaded) == set()


def test_a_networks_file_needs_no_scikit_learn(tmp_path):
    path = str(tmp_path / "n.safetensors")
    code = f"import chainrule as cr, sys; cr.save(cr.Network([2, 1]), {path!r}); cr.load({path!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert SLOW.intersection(loaded) == set()


@pytest.mark.parametrize("name", chainrule.__all__)
def test_every_public_name_exists(name):
    assert getattr(chainrule, name) is getattr(chainrule, name)
    assert name in dir(chainrule)


def test_the_public_names_are_sorted_and_lead_to_what_they_name():
    names = [name for name in chainrule.__all__ if not name.startswith("_")]
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert dir(chainrule) == sorted(chainrule.__all__)
    for name in ("Network", "SGD", "Adam", "Architecture", "ChainruleError", "train", "fit"):
        assert getattr(chainrule, name).__name__ == name


@pytest.mark.parametrize("name", ["Netwrok", "np", "__wrapped__"])
def test_an_unknown_name_is_no_attribute(name):
    with pytest.raises(AttributeError, match=f"module 'chainrule' has no attribute '{name}'"):
        getattr(chainrule, name)


def test_what_is_not_public_cannot_be_imported_by_name():
    with pytest.raises(ImportError, match="Netwrok"):
        exec("from chainrule import Netwrok")


def test_a_star_import_brings_every_public_name():
    found = {}
    exec("from chainrule import *", found)
    assert set(chainrule.__all__) <= set(found)


def test_predictions_of_a_table_load_no_scipy(tmp_path):
    table = {"size": [1.0, 2.0, 3.0, 4.0] * 10, "town": ["Ulm", "Bonn"] * 20, "y": [1.5, 2.5, 3.0, 4.0] * 10}
    chainrule.train_table(table, "y", epochs=1, hidden=(2,)).save(tmp_path / "m.safetensors")
    lines = ["size,town", *(f"{size},{town}" for size, town in zip(table["size"], table["town"], strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    code = "import sys; from chainrule.cli import run; run(['predict', 'm.safetensors', 't.csv']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 42
    assert {"scipy.sparse", "scipy.special", "sklearn"}.intersection(lines[-1].split()) == set()
