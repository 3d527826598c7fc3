"""The settings that tables get by their size."""

import pytest

from chainrule.model.preset import tabular


@pytest.mark.parametrize(("rows", "epochs"), [(10, 800), (200, 800), (266, 600), (400, 400), (401, 200), (1500, 200)])
def test_few_rows_get_more_epochs_and_more_patience(rows: int, epochs: int) -> None:
    settings = tabular(rows, 4)
    assert (settings["epochs"], settings["patience"]) == (epochs, epochs // 4)


def test_weights_decay_less_on_a_plane_where_boundaries_are_curves() -> None:
    sizes = [(1000, 10), (50_000, 10), (1000, 2), (50_000, 1)]
    assert [tabular(*size)["optimizer"].weight_decay for size in sizes] == [0.3, 0.3, 0.03, 0.03]


@pytest.mark.parametrize(("outputs", "members"), [(1, 8), (50, 8), (100, 4), (200, 2), (5000, 2)])
def test_many_classes_get_fewer_members(outputs: int, members: int) -> None:
    assert tabular(1000, 10, outputs=outputs)["members"] == members
    assert tabular(1000, 10, 8, outputs)["members"] == 8
    assert tabular(50_000, 10, outputs=outputs)["members"] == 1
