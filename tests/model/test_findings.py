"""The findings that the file of a model has."""

import numpy as np

import chainrule as cr
from chainrule.training.diagnosis import Finding


def test_a_finding_that_depends_on_time_is_not_in_the_file(monkeypatch):
    findings = [Finding(name, "words", "change") for name in ("too many devices", "overfitting")]
    monkeypatch.setattr("chainrule.model.training.findings_of", lambda *_: findings)
    x = np.linspace(0, 1, 40)
    model = cr.train_table({"x": x, "y": 2 * x}, "y", hidden=3, epochs=1)
    assert model.summary["findings"] == {"overfitting": "words"}
