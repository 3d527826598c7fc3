"""What both estimators are: parameters, and the way from X and y to a trained network that can go on.

`network_` has the weights to predict with. `_state` is where training is and goes on from: its weights are the same,
unless a validation set chooses; then the network has the best so far, and the state both.
"""

import abc
import dataclasses
import warnings
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.estimators.callbacks import FRAMES, CallbackSupport, Hooks, watched_by, with_callbacks
from chainrule.estimators.epochs import answer, run
from chainrule.estimators.explain import Insight
from chainrule.estimators.fit_call import Call, call_of, ends_of, stops_early, training_of
from chainrule.estimators.fitted import Fitted, restored_on_failure
from chainrule.estimators.parameters import check_parameters, network_of, optimizer_of, parts_of
from chainrule.estimators.rows import Rows, as_weight
from chainrule.estimators.table_inputs import table_of
from chainrule.estimators.table_plan import plan_for, table_rows
from chainrule.estimators.targets import Targets
from chainrule.examples import hold_out
from chainrule.model.ensemble import Ensemble
from chainrule.model.warm_start import linear_start
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.training import History, Training, TrainingState

__all__ = ["MLP", "takes_steps"]

_INPUTS = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}

Validation = tuple[Any, Any, Any]  # X, y and sample_weight to validate with


def takes_steps(estimator: "MLP") -> bool:
    """Whether there is a `partial_fit`; raises AttributeError, as scikit-learn asks for, where there is not."""
    if optimizer_of(estimator).line_search:
        raise AttributeError("partial_fit takes rows part by part, and L-BFGS needs all rows: choose another solver")
    return True


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class MLP(Fitted, Insight, CallbackSupport, BaseEstimator):
    """The parameters and methods that `MLPClassifier` and `MLPRegressor` share; they say what each is."""

    solver: Any = "adam"
    alpha: float = 0.0001
    batch_size: Any = "auto"
    learning_rate: Any = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: Any = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    output_activation: Any = None
    cost: Any = None
    dropout: Any = 0.0
    l1: float = 0.0
    clip: Any = None
    scoring: Any = None
    callback: Any = None
    progress: bool = False
    initializer: Any = None
    coefs_init: Any = None
    intercepts_init: Any = None
    masks: Any = None
    engine: str = "auto"
    threads: int | None = None
    dtype: Any = None
    preset: Any = None

    # ------------------------------------------------------------------------------- what each estimator says

    _numeric: ClassVar[bool]  # whether y must be numbers

    @abc.abstractmethod
    def _targets_of(self, y: Array, classes: Any) -> Targets:
        """What y is; `classes` are those of a first call of partial_fit."""

    @abc.abstractmethod
    def _usual_output(self, targets: Targets) -> str:
        """The name of the output activation for these targets where `output_activation` is None."""

    def _strata(self, y: Array) -> Array | None:
        """Groups (n,) of which each gives its share where rows are held out, if there are any."""
        return None

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
    ) -> Self:
        """Train until it converges or max_iter epochs are over; with warm_start go on from where it is.

        X is (n, n_features), an array, frame or sparse matrix. sample_weight is (n,), or (n, k) for several outputs;
        rows of weight 0 are as if they were not there. X_val, y_val, sample_weight_val: a validation set of your own,
        for early_stopping in place of rows held out, else only for curves.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    # ------------------------------------------------------------------------------- from a call to its training

    def _fit(
        self,
        X: Any,
        y: Any,
        weight: Any,
        validation: Validation,
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
            rows = self._rows(X, y, weight, fresh)
            if fresh:
                self._begin(rows, classes, validation[0] is not None)
            rows, held_out = self._split(self._encoded(rows), validation)
            p = self._parameters
            if once and self.stopped_ and stops_early(p):
                return self
            if self._plan is None:
                self._update_architecture()
            call = call_of(self, p, rows, held_out, once, total_weight)
            if fresh:
                self._start_linear(call)
            metadata = None if weight is None else {"sample_weight": weight}
            self._train(call, Hooks() if once else Hooks(self, p.max_iter, {"X": X, "y": y, "metadata": metadata}))
        return self

    @property
    def _built(self) -> bool:
        return hasattr(self, "network_")

    @property
    def _parameters(self) -> Any:
        """The parameters as they run: those of the estimator, or those that the preset has made of them."""
        return self if self._plan is None else self._plan.current(self)

    @property
    def _ensemble(self) -> Ensemble:
        """The networks that are trained together, without the rows that each leaves out: one without a preset."""
        return Ensemble(self.network_.architecture) if self._plan is None else self._plan.ensemble

    @property
    def _trained(self) -> Network:
        """The network in training, with the weights to predict with: of all members, if there are several."""
        return self.network_ if self._wide is None else self._wide

    def _rows(self, X: Any, y: Any, weight: Any, reset: bool) -> Rows:
        """Checked rows, without those of weight 0; X is a table under a preset."""
        if self.preset is not None:
            return table_rows(self, X, y, weight, reset)
        X, y = self._checked(X, y, reset=reset, multi_output=True, y_numeric=self._numeric)
        y = y.toarray() if hasattr(y, "toarray") else y
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        return Rows(X, y, as_weight(weight, len(y))).present()

    def _encoded(self, rows: Rows) -> Rows:
        """The rows as the network takes them."""
        if self._plan is None:
            return rows
        return rows._replace(X=self._plan.encoder.encode(rows.X, self.network_.dtype))

    def _begin(self, rows: Rows, classes: Any, own_validation: bool) -> None:
        """Forget what was learned: a new network, for what these rows are."""
        if self.preset is not None:
            plan, targets, network, shown = plan_for(self, rows, classes, own_validation)
            self._forget(plan.ensemble.merged(network), targets)
            self._plan, self._wide, self.settings_ = plan, network if plan.ensemble.count > 1 else None, shown
            return
        targets = self._targets_of(rows.y, classes)
        targets.encode(rows.y)  # so that nothing is built for a y that does not fit
        self._build(rows.X.shape[1], targets, rows.X.dtype if self.dtype is None else self.dtype)

    def _build(self, n_features: int, targets: Targets, dtype: Any) -> None:
        """The network before training, from a seed that is drawn now."""
        require(
            self.preset is None, "preset", self.preset, "None for a network without data, whose columns are unknown"
        )
        self._forget(network_of(self, self, n_features, targets, self._draw_seed(), dtype), targets)

    def _forget(self, network: Network, targets: Targets) -> None:
        """Take a network that has not been trained."""
        for name in ("history_", "_plan", "_wide", "settings_"):
            self.__dict__.pop(name, None)
        assert network.seed is not None, "its weights are drawn"
        self.network_, self.seed_ = network, network.seed
        self._targets: Any = targets
        self.n_iter_ = self.t_ = self._since = self._base = 0
        self.stopped_ = False
        self._state: TrainingState | None = None
        self._rule: Optimizer | None = None

    def _without_data(self, n_features: int, targets: Targets) -> Self:
        """Ready to predict, for targets that are known."""
        self._build(n_features, targets, "float64" if self.dtype is None else self.dtype)
        self.n_features_in_ = n_features
        self.__dict__.pop("feature_names_in_", None)
        return self

    def _update_architecture(self) -> None:
        """Bring the network's activations and cost up to the parameters, which may have changed since it was built."""
        net, parts = self.network_, parts_of(self, self, self.network_.sizes[0], self._targets)
        if tuple(parts["sizes"]) != net.sizes:
            raise SettingError(
                f"hidden_layer_sizes is {self.hidden_layer_sizes!r}, but the network to go on from has "
                f"{net.sizes[1:-1]}: set it back, or fit anew without warm_start"
            )
        architecture = Architecture.of(**parts, masks=net.architecture.masks)
        self.network_ = Network.from_parts(architecture, net.theta, net.seed)

    def _draw_seed(self) -> int:
        """The number given as random_state, or one drawn from the generator given, or from NumPy's own."""
        given = self.random_state
        if given is None or isinstance(given, np.random.RandomState):
            return int(check_random_state(given).randint(2**32, dtype=np.uint32))
        return as_seed(given, "random_state")

    def _split(self, rows: Rows, validation: Validation) -> tuple[Rows, Rows | None]:
        """Rows to train on, and to validate with: the user's own, or some held out if a validation set chooses."""
        X, y, weight = validation
        if (X is None) != (y is None):
            raise SettingError("X_val and y_val belong together: give both or neither")
        if X is None and weight is not None:
            raise SettingError("sample_weight_val came alone, but is of X_val and y_val: give those too")
        if X is not None and self._ensemble.count > 1:
            raise SettingError(
                "X_val came after a first call without it, which has shared the rows out: give it there too"
            )
        if X is not None:
            return rows, self._encoded(self._rows(X, y, weight, reset=False))
        p = self._parameters
        if self._ensemble.count > 1 or not stops_early(p):
            return rows, None
        kept, out = hold_out(self.seed_, len(rows.y), p.validation_fraction, self._strata(rows.y))
        return rows.take(kept), rows.take(out)

    def _start_linear(self, call: Call) -> None:
        """Under a preset that says so, begin from the best linear model, if the hidden layers can carry it."""
        if self._plan is None or self.settings_["start"] != "linear":
            return
        engine, alpha = self._plan.current(self).engine, None
        if self._plan.suits_linear_start:
            alpha = linear_start(call.ensemble, self._trained, call.examples, call.validation, engine=engine)
        self.settings_["start"] = "random" if alpha is None else "linear"
        self.network_ = self._ensemble.merged(self._trained)

    def _train(self, call: Call, hooks: Hooks) -> None:
        """Train for one call and keep what comes of it."""
        p = self._parameters
        if not call.once:
            self._base, self._since = call.begun, call.begun if self.stopped_ else self._since
        training = training_of(self, p, call)
        shown = call.ensemble.event if call.ensemble.count > 1 else None
        with watched_by(self, shown) as listeners:
            run(training, ends_of(self, p, call), call.once, listeners, hooks, lambda: self._as_now(training))
        self._keep(call, training)
        hooks.finish(lambda: {"network_": self.network_})
        self._say_how_it_ended(call)

    def _as_now(self, training: Training) -> dict[str, Any]:
        """The attributes of an estimator that predicts as this one would, if training ended here."""
        net = Network.from_parts(self._trained.architecture, answer(training), self.seed_)
        return {"network_": self._ensemble.merged(net), "history_": self._shown_history(training.history.copy())}

    def _keep(self, call: Call, training: Training) -> None:
        state = training.state
        if not call.once:
            training.probe_end(answer(training))
            state.history.probes |= training.history.probes
        self._state, self._rule, self.history_ = (
            state,
            optimizer_of(self._parameters),
            self._shown_history(state.history),
        )
        self._trained.theta = answer(training)
        self.network_ = self._ensemble.merged(self._trained)
        self.t_ += (state.epoch - call.begun) * len(training.examples.rows)
        self.n_iter_ = state.epoch - self._base
        self.stopped_ = state.history.stopped not in ("", "cancelled")

    def _shown_history(self, history: History) -> History:
        """The history with costs as the mean of the members, whose sum the network's are."""
        return history if self._ensemble.count == 1 else self._ensemble.history(history)

    def _say_how_it_ended(self, call: Call) -> None:
        history, text = self.history_, ""
        if history.stopped == "diverged":
            text = f"training diverged, {history.message}"
            if history.monitor == "training" or history.best_epoch < 0:  # else the best weights are an answer
                raise SettingError(text)
        elif history.stopped == "evaluations":
            text = f"L-BFGS computed the loss max_fun={self.max_fun} times before it converged: give a greater max_fun"
        elif not history.stopped and not call.once and self._plan is None:
            text = f"the {self.max_iter} epochs of max_iter ended before training converged: give a greater max_iter"
        if text:
            warnings.warn(text, ConvergenceWarning, stacklevel=5 + FRAMES)

    # ------------------------------------------------------------------------------- predictions

    def _outputs(self, X: Any) -> Array:
        """A^L for every row of X; a row alone gives the same bits as in any batch."""
        X = self._inputs(X)  # refuses an estimator that is not fitted
        return self.network_.predict(X, engine=self.engine)

    def _inputs(self, X: Any) -> Array:
        """The rows of X as the network takes them."""
        check_is_fitted(self, "network_")
        if self._plan is not None:
            return self._plan.encoder.encode(table_of(self, X, reset=False), self.network_.dtype)
        return self._checked(X, reset=False)

    def _checked(self, *data: Any, **checks: Any) -> Any:
        """X, or X and y, as scikit-learn checks them. Raises ValueError in one line."""
        try:
            return validate_data(self, *data, **checks, **_INPUTS)
        except ValueError as error:
            if "could not convert" not in str(error):
                raise
            raise DataError(f"X has words in it ({error}): give preset='tabular', which takes any table") from None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if self.preset is not None:
            tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.target_tags.multi_output = True
        return tags
