"""What a report is about: a model, or an estimator seen as a model of the columns that it was fitted to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.files import digest_of
from chainrule.network import Network
from chainrule.tables.inputs import Encoder
from chainrule.tables.targets import Targets

__all__ = ["Subject"]


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    - encoder, targets, network: from a row of a table to its answers.
    - predicted: the predictions (n, n_L) for encoded rows X (n, n_1), as the targets take them, as a function.
    - summary: facts about the training, as a model's `summary` has them.
    - stored: what is saved in a file.
    """

    encoder: Encoder
    targets: Targets
    network: Network
    predicted: Callable[[Array], Array]
    summary: Mapping[str, Any]
    stored: Any

    @classmethod
    def of_model(cls, model: Any) -> Subject:
        """A `Model` as a report sees it."""
        return cls(model.encoder, model.targets, model.network, model._predicted, model.summary, model)

    @property
    def digest(self) -> str:
        """The SHA-256 of its file, "" where no file can hold it, as with a cost of one's own."""
        try:
            return digest_of(self.stored)
        except SettingError:
            return ""
