"""The settings that tables get by their size."""

from typing import Any

import pytest

from chainrule.errors import SettingError
from chainrule.model.preset import tabular
from chainrule.model.settings import TableSettings


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
    assert tabular(50_001, 10, outputs=outputs)["members"] == 1


def test_many_rows_get_several_narrow_networks_unless_their_targets_are_many_numbers() -> None:
    members = [
        tabular(rows, 10, outputs=outputs)["members"] for rows, outputs in ((5001, 1), (50_000, 20), (50_000, 21))
    ]
    assert members == [5, 5, 1]
    narrow, one = tabular(6000, 10), tabular(6000, 10, members=1)
    assert (narrow["hidden"][0], one["hidden"][0]) == (72, 264)
    assert (narrow["validation"], one["validation"]) == ("folds", 0.1)
    assert narrow["optimizer"] == one["optimizer"]


@pytest.mark.parametrize(("more", "rows"), [({}, 50_001), ({"hidden": 8}, 1_000)])
def test_folds_for_one_network_are_refused_in_a_line_that_says_why(more: dict[str, Any], rows: int) -> None:
    line = f"validation is 'folds', but one network is trained on {rows:,} rows with these settings: set members"
    with pytest.raises(SettingError, match=line):
        TableSettings(validation="folds", **more).resolved(rows, 3)
    assert TableSettings(validation="folds", members=5, **more).resolved(rows, 3).members == 5
    assert TableSettings(validation="folds").resolved(50_000, 3).members == 5
