"""Fixtures of the tests of exports."""

import pytest


@pytest.fixture
def quick_compiler(monkeypatch):
    """Files in C are compiled with little optimisation."""
    from tests.export.c_files import FLAGS

    monkeypatch.setattr("chainrule.export.c.runner.FLAGS", FLAGS)
