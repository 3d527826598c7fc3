"""The settings that tables get by their size."""

import pytest

from chainrule.model.preset import tabular


@pytest.mark.parametrize(("rows", "epochs"), [(10, 800), (200, 800), (266, 600), (400, 400), (401, 200), (1500, 200)])
def test_few_rows_get_more_epochs_and_more_patience(rows: int, epochs: int) -> None:
    settings = tabular(rows, 4)
    assert (settings["epochs"], settings["patience"]) == (epochs, epochs // 4)


def test_an_update_takes_the_same_share_of_a_weight_however_many_members_there_are() -> None:
    rules = [tabular(rows, 10)["optimizer"] for rows in (1000, 50_000)]
    assert [rule.weight_decay for rule in rules] == pytest.approx([0.3, 1.0])
    assert rules[0].learning_rate * rules[0].weight_decay == pytest.approx(rules[1].learning_rate)


def test_boundaries_on_a_plane_may_be_curved() -> None:
    assert tabular(1000, 2)["optimizer"].weight_decay == pytest.approx(0.03)


@pytest.mark.parametrize(("outputs", "members"), [(1, 8), (50, 8), (100, 4), (200, 2), (5000, 2)])
def test_many_classes_get_fewer_members(outputs: int, members: int) -> None:
    assert tabular(1000, 10, outputs=outputs)["members"] == members
    assert tabular(1000, 10, 8, outputs)["members"] == 8
    assert tabular(50_000, 10, outputs=outputs)["members"] == 1
