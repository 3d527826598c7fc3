"""What both estimators share: their parameters, the steps of `fit` from X and y to a trained network, predictions."""

import abc
import dataclasses
import warnings
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError, warn_of
from chainrule.estimators.callbacks import CallbackSupport, FitTasks, callbacks_of, with_callbacks
from chainrule.estimators.class_weight import without_classes_of_weight_0
from chainrule.estimators.epochs import run
from chainrule.estimators.explain import Explained
from chainrule.estimators.fit_call import FitCall
from chainrule.estimators.fitted import Fitted, restored_on_failure
from chainrule.estimators.interpreted import Interpreted
from chainrule.estimators.libraries import Exchanged
from chainrule.estimators.parameters import (
    check_parameters,
    network_of,
    network_to_resume,
    optimizer_of,
    seed_of,
    stops_early,
)
from chainrule.estimators.row_scores import rows_digest
from chainrule.estimators.rows import Rows, Validation, checked_inputs, checked_rows
from chainrule.estimators.shared_parameters import SharedParameters
from chainrule.estimators.table_plan import plan_for
from chainrule.estimators.uncertain import Uncertain, answers_out_of_fold
from chainrule.examples import held_out_count, hold_out
from chainrule.model.leaks import suspects
from chainrule.model.notes import left_out
from chainrule.model.warm_start import linear_start
from chainrule.network import Network
from chainrule.registry import require
from chainrule.tables.targets import ArrayLabels, ArrayTargets
from chainrule.text import counted

__all__ = ["MLP", "takes_steps"]


def takes_steps(estimator: "MLP") -> bool:
    """Whether there is a `partial_fit`; raises AttributeError if there is not, as scikit-learn wants it."""
    if optimizer_of(estimator).line_search:
        raise AttributeError("partial_fit takes rows part by part, and L-BFGS needs all rows: choose another solver")
    return True


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class MLP(SharedParameters, Fitted, Explained, Interpreted, Uncertain, Exchanged, CallbackSupport, BaseEstimator):
    """What `MLPClassifier` and `MLPRegressor` share: their parameters, training, and outputs."""

    # ------------------------------------------------------------------------------- what each estimator defines

    _numeric: ClassVar[bool]  # whether y must be numbers

    @abc.abstractmethod
    def _targets_of(self, y: Array, classes: Any) -> ArrayTargets:
        """What y is; `classes` are those of a first call of partial_fit, or None."""

    @abc.abstractmethod
    def _usual_output(self, targets: ArrayTargets) -> str:
        """The name of the output activation for these targets where `output_activation` is None."""

    # ------------------------------------------------------------------------------- training

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train until the loss no longer improves, or for max_iter epochs; with warm_start, go on from the last call.

        - X: rows (n, n_features): an array, a frame or a sparse matrix.
        - y: targets (n,) or (n, k), as the class describes them.
        - sample_weight: weights of rows (n,), or (n, k) for k outputs. Rows of weight 0 are as if they were not there.
        - X_val, y_val, sample_weight_val: a validation set. With early_stopping it takes the place of rows held out;
          without, it only adds curves.
        - groups: a value for each row (n,): where rows are held out, by early_stopping or by the members of a preset,
          rows with the same value stay together. None: each row is alone.

        >>> X = np.array([[0.0], [1.0], [2.0]])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X, [1.0, 3.0, 5.0])
        >>> mlp.predict([[3.0]]).round(2).tolist()
        [7.0]

        Raises SettingError for parameters that no training could have, and if training diverges before a validation set
        has chosen weights; DataError for rows that do not fit together; ValueError for what scikit-learn refuses. A
        fit that fails leaves the estimator as it was; one that diverges keeps the last good weights.
        """
        return self._fit(X, y, sample_weight, Validation(X_val, y_val, sample_weight_val), groups)

    def _fit(
        self,
        X: Any,
        y: Any,
        weight: Any,
        validation: Validation,
        groups: Any,
        *,
        once: bool = False,
        classes: Any = None,
        total_weight: Any = None,
    ) -> Self:
        """One call of fit, or of partial_fit if `once`."""
        check_parameters(self)
        fresh = not (self._built and (self.warm_start or once))
        same = fresh or (self.preset is None) == (self._plan is None)
        require(same, "preset", self.preset, "what the network to go on from has: set it back, or fit anew")
        with restored_on_failure(self):
            rows = checked_rows(self, X, y, weight, fresh, groups)
            targets = self._targets_of(rows.y, classes) if fresh else self._targets
            rows = self._with_weight(rows, targets)
            if fresh:
                self._begin(rows, targets, validation.X is not None)
            rows, held_out = self._split(rows, validation)
            if fresh:
                self._search_leaks(rows)
            if once and self.stopped_ and stops_early(self._parameters):
                return self
            network = self._trained if fresh else self._network_to_resume()
            call = FitCall.of(self, network, rows, held_out, once, total_weight)
            if fresh:
                self._start_linear(call)
            metadata = None if weight is None else {"sample_weight": weight}
            data = {"X": X, "y": y, "metadata": metadata}
            before = self._state is None or self._rows
            self._train(call, FitTasks() if once else FitTasks(self, self._parameters.max_iter, data))
            self._recognise(rows, before)
            if self._plan is not None:
                whole = fresh and not once if self._ensemble.count == 1 else self._rows is not None
                self._kept = answers_out_of_fold(self, call) if whole else None
        return self

    def _recognise(self, rows: Rows, before: Any) -> None:
        """Keep a digest of the rows that several members were trained on, if it is that of all calls.

        - before: the digest of the calls before, None where they had different rows, True where there were none.
        """
        if self._ensemble.count > 1:
            digest = rows_digest(rows.X, self._targets.encode(rows.y), self.network_.dtype, rows.groups)
            self._rows = digest if before in (True, digest) else None

    def _with_weight(self, rows: Rows, targets: ArrayTargets) -> Rows:
        """The rows without those of classes of weight 0."""
        if not isinstance(targets, ArrayLabels):
            return rows
        return without_classes_of_weight_0(targets, getattr(self, "class_weight", None), rows)

    def _begin(self, rows: Rows, targets: ArrayTargets, own_validation: bool) -> None:
        """Forget what was learned, and begin with a network for these rows."""
        if self.preset is not None:
            plan, targets, network, settings = plan_for(self, rows, targets, own_validation)
            self._begin_with(network, targets, plan, settings)
            return
        self._build(rows.X.shape[1], targets, rows.X.dtype if self.dtype is None else self.dtype)

    def _build(self, n_features: int, targets: ArrayTargets, dtype: Any) -> None:
        """Begin with a network for so many inputs, from a seed that is drawn now."""
        self._begin_with(network_of(self, self, n_features, targets, seed_of(self.random_state), dtype), targets)

    def _initialized(self, n_features: int, targets: ArrayTargets) -> Self:
        """The estimator with a network that has not been trained, for targets that the user describes."""
        require(
            self.preset is None, "preset", self.preset, "None for a network without data, whose columns are unknown"
        )
        self._build(n_features, targets, "float64" if self.dtype is None else self.dtype)
        self.n_features_in_ = n_features
        self.__dict__.pop("feature_names_in_", None)
        return self

    def _network_to_resume(self) -> Network:
        """A copy of the network to train on; without a preset its activations and cost may have changed."""
        return network_to_resume(self, self.network_, self._targets) if self._plan is None else self._trained.copy()

    def _split(self, rows: Rows, validation: Validation) -> tuple[Rows, Rows | None]:
        """The rows to train on, as the network takes them, and those to validate with: the user's, or held out."""
        validation.check()
        members, p = self._ensemble.count, self._parameters
        if validation.X is not None and members > 1:
            raise SettingError(
                "X_val came, but since the first call each network is validated on the rows that it leaves out: give "
                "X_val in the first call too"
            )
        rows = self._encoded(rows)
        if validation.X is not None:
            return rows, self._encoded(checked_rows(self, *validation, reset=False))
        if members > 1 or not stops_early(p):
            return rows, None
        n, targets = len(rows.y), self._targets
        held = held_out_count(n, p.validation_fraction)
        if held < 2 or held >= n:
            raise DataError(
                f"The validation set is too {'small' if held < 2 else 'large'}, {held} of {n} rows: it needs 2 and "
                "must leave some to train on, so change validation_fraction or give more rows"
            )
        strata = targets.outputs.strata(targets.encode(rows.y))
        kept, out = hold_out(self.seed_, n, p.validation_fraction, strata, rows.groups)
        return rows.take(kept), rows.take(out)

    def _search_leaks(self, rows: Rows) -> None:
        """With a plan, search the encoded rows for columns that may give y away."""
        if self._plan is not None:
            T = self._targets.encode(rows.y)
            self.suspects_ = list(map(str, suspects(self._plan.encoder, self._targets.outputs, rows.X, T)))

    def _start_linear(self, call: FitCall) -> None:
        """Under a preset that says so, begin with the best linear model, if the hidden layers can carry it."""
        if self._plan is None or self.settings_["start"] != "linear":
            return
        penalty = None
        if self._plan.suits_linear_start:
            engine = call.parameters.engine
            penalty = linear_start(call.ensemble, call.network, call.examples, call.validation, engine=engine)
        self.settings_["start"] = "random" if penalty is None else "linear"

    def _train(self, call: FitCall, tasks: FitTasks) -> None:
        """Train for one call, and keep what it has learned."""
        if not call.once:
            self._base = call.begun
        self._since = call.since
        training = call.training()
        lines = [] if self._plan is None or call.begun else [*left_out(self._plan.encoder), *self.suspects_]
        warn_of([*lines, *training.warnings])
        changed = call.ensemble.event if call.ensemble.count > 1 else None
        with callbacks_of(self, changed) as callbacks:
            run(
                training,
                call.ending,
                callbacks,
                tasks,
                lambda: self._attributes_now(call, training),
                once=call.once,
            )
        self._keep(call, training)
        tasks.end(lambda: {"network_": self.network_})
        self._warn_of_ending(call)

    def _warn_of_ending(self, call: FitCall) -> None:
        """Warn if training did not converge. Raises SettingError if it diverged and left no weights to rely on."""
        history, text = self.history_, ""
        if history.stopped == "diverged":
            text = f"training diverged, {history.message}"
            if history.monitor == "training" or history.best_epoch < 0:  # else the best weights are good
                raise SettingError(text)
        elif history.stopped == "evaluations":
            text = f"L-BFGS computed the loss max_fun={self.max_fun} times before it converged: give a greater max_fun"
        elif not history.stopped and not call.once and self._plan is None:
            epochs = counted(self.max_iter, "epoch")
            text = f"the {epochs} of max_iter ended before training converged: give a greater max_iter"
        if text:
            warnings.warn(text, ConvergenceWarning, stacklevel=5 + call.frames)

    # ------------------------------------------------------------------------------- predictions

    def _outputs(self, X: Any) -> Array:
        """A^L for every row of X; a row alone gives the same bits as in any batch."""
        X = self._inputs(X)  # refuses an estimator that is not fitted
        return self.network_.predict(X, engine=self.engine)

    def _inputs(self, X: Any) -> Array:
        """The rows of X as the network takes them. Raises NotFittedError before the first fit."""
        check_is_fitted(self, "network_")
        X = checked_inputs(self, X)
        return X if self._plan is None else self._plan.encoder.encode(X, self.network_.dtype)

    def _encoded(self, rows: Rows) -> Rows:
        """Checked rows as the network takes them."""
        if self._plan is None:
            return rows
        return rows._replace(X=self._plan.encoder.encode(rows.X, self.network_.dtype))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if self.preset is not None:
            tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.target_tags.multi_output = True
        return tags
