"""What a training keeps of rows that its networks were not trained on, and what it makes of them at its end.

out-of-fold answers  →  temperature of each target of classes  →  threshold of a target of two classes
"""

import dataclasses
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.examples import RowArrays
from chainrule.model.deciding import calibrated, with_threshold
from chainrule.model.ensemble import Ensemble
from chainrule.model.heads import as_predictions
from chainrule.model.members import members_of
from chainrule.model.out_of_fold import OutOfFold, rows_to_keep, truth_of
from chainrule.model.preparation import Prepared
from chainrule.model.row_scores import RowScores, costs_of, out_of_fold, true_values
from chainrule.model.settings import TableSettings
from chainrule.model.temperature import tempered_targets
from chainrule.model.threshold import Rule, code_of, two_classes
from chainrule.network import Network
from chainrule.tables.row_roles import HELD_OUT, TRAIN, RowRoles

__all__ = ["Keeping"]


@dataclasses.dataclass(eq=False)
class Keeping:
    """The rows that are answered out of fold, and what is known of them.

    - rows: X and T of them; with several members the rows to train on, else those held out; None if there are none.
    - numbers: the number (n,) of each row in its table.
    - true: the true values (n,) of each target, by name.
    - weight: the weights (n,) of the rows by their column alone, or None.
    - ensemble, settings: those of the training.
    - row_scores: the scores of the rows, after `keep` with several members.
    """

    rows: RowArrays | None
    numbers: Array
    true: dict[str, Array]
    weight: Array | None
    ensemble: Ensemble
    settings: TableSettings
    row_scores: RowScores | None = None

    @classmethod
    def of(cls, prepared: Prepared, ensemble: Ensemble, settings: TableSettings) -> "Keeping":
        """What is known of the rows before training.

        Raises SettingError where the settings want more of these rows than there is.
        """
        several = ensemble.count > 1
        rows, role = (prepared.rows, TRAIN) if several else (prepared.held_out, HELD_OUT)
        roles: RowRoles = prepared.roles if several else prepared.validation_roles or prepared.roles
        if settings.threshold is not None:
            code_of(two_classes(prepared.targets), Rule.of(settings.threshold))
        if settings.calibrate:
            tempered_targets(prepared.targets, ensemble.one.blocks)
        if rows is None:
            wanted = {"threshold": settings.threshold is not None, "calibrate": settings.calibrate}
            wrong = [name for name, is_wanted in wanted.items() if is_wanted]
            if wrong:
                line = f"{wrong[0]} needs rows that no network is trained on, and there are none"
                raise SettingError(f"{line}: set a greater validation")
            return cls(None, np.empty(0, np.int64), {}, None, ensemble, settings)
        numbers = roles.rows(role)
        true = true_values(prepared.targets, roles.cells, numbers, rows.T)
        return cls(rows, numbers, true, roles.weights(role), ensemble, settings)

    @property
    def seed(self) -> int:
        """The seed of the rows that are kept."""
        assert self.settings.seed is not None, "the settings that run have one"
        return self.settings.seed

    def keep(self, model: Any, network: Network) -> dict[str, Any]:
        """Give a trained model its answers out of fold, and what follows from them; returns lines of its summary.

        - model: the model, whose network is merged.
        - network: the network of all members.
        """
        if self.rows is None:
            return {}
        scores, A, kept = self._answers(model, network)
        summary: dict[str, Any] = {}
        if self.settings.calibrate and kept is not None:
            kept, summary["temperature"] = calibrated(model, kept)
            A = kept.A.astype(np.float64) if len(kept.A) == len(A) else A
        if self.settings.threshold is not None and kept is not None:
            model.targets, summary["threshold"] = with_threshold(model.targets, kept, self.settings.threshold)
        if self.ensemble.count > 1:
            method = f"out-of-fold cost of {self.ensemble.count} members"
            self.row_scores = RowScores(method, self.numbers, scores, A, self.true)
            if kept is not None:
                kept = kept.take(rows_to_keep(len(kept.A), kept.A.shape[1], self.seed))
        model.out_of_fold = kept
        return summary

    def _answers(self, model: Any, network: Network) -> tuple[Array, Array, OutOfFold | None]:
        """The costs (n,) and the answers of the rows, in float64 and as they are kept.

        Of many rows by one network only of those that are kept. Rows that lack a target are not kept, and none at all
        where a target has ordered classes or labels.
        """
        assert self.rows is not None, "there are rows"
        X, T, _ = self.rows
        weight, true, fold, members = self.weight, self.true, np.zeros(len(T), np.int64), None
        if self.ensemble.count > 1:
            scores, A = out_of_fold(self.ensemble, network, X, T, model.targets.term_weights(T))
            fold, members = np.asarray(self.ensemble.fold, np.int64), members_of(self.ensemble, network)
        else:
            rows = rows_to_keep(len(T), T.shape[1], self.seed)
            T, fold, weight = T[rows], fold[rows], None if weight is None else weight[rows]
            true = {name: values[rows] for name, values in true.items()}
            scores, A = costs_of(network, X[rows], T, model.targets.term_weights(T))
        A = as_predictions(model.targets, [block.activation for block in self.ensemble.one.blocks], A)
        rows = np.flatnonzero(model.targets.there(T).all(axis=1))
        if not len(rows) or any(column.kind not in ("classes", "numbers") for column in model.targets.columns):
            return scores, A, None
        true = {name: values[rows] for name, values in true.items()}
        kept = OutOfFold(A.astype(network.dtype)[rows], truth_of(model.targets, true, T[rows]), fold[rows])
        weight = None if weight is None else weight[rows]
        return scores, A, dataclasses.replace(kept, weight=weight, members=members)
