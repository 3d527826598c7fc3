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
from chainrule.estimators.fit_call import Call, ends_of, stops_early, training_of
from chainrule.estimators.fitted import Fitted, as_it_was
from chainrule.estimators.parameters import (
    check_parameters,
    hidden_activations,
    hidden_sizes,
    initializer_of,
    optimizer_of,
    output_of,
)
from chainrule.estimators.rows import Rows, as_weight
from chainrule.estimators.tabular import encoded, fit_table
from chainrule.estimators.targets import Targets
from chainrule.examples import hold_out
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.training import Training, TrainingState

__all__ = ["MLP", "takes_steps"]

_INPUTS = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}

Held = tuple[Any, Any, Any]  # X, y and sample_weight to validate with


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
        held: Held,
        *,
        once: bool = False,
        classes: Any = None,
        total_weight: Any = None,
        hooks: Any = None,
    ) -> Self:
        """One call of fit, or of partial_fit if `once`."""
        check_parameters(self)
        fresh = not (self._built and (self.warm_start or once))
        same = fresh or (self.preset is None) == (self._tabular is None)
        require(same, "preset", self.preset, "what the network to go on from has: set it back, or fit anew")
        with as_it_was(self):
            if self.preset is not None:
                fit_table(self, X, y, weight, held, once, classes, total_weight)
                return self
            rows = self._rows(X, y, weight, fresh)
            if fresh:
                self._begin(rows, classes)
            kept, out = self._split(rows, held)
            if once and self.stopped_ and stops_early(self):
                return self
            self._fit_architecture()
            begun = 0 if self._state is None else self._state.epoch
            call = Call(kept, out, begun, once, total_weight)
            if hooks is None:
                hooks = Hooks() if once else Hooks(self, self.max_iter, {"X": X, "y": y, "metadata": _metadata(weight)})
            self._train(call, hooks)
        return self

    @property
    def _built(self) -> bool:
        return hasattr(self, "network_")

    def _rows(self, X: Any, y: Any, weight: Any, reset: bool) -> Rows:
        """Checked rows, those of weight 0 left out."""
        X, y = self._checked(X, y, reset=reset, multi_output=True, y_numeric=self._numeric)
        y = y.toarray() if hasattr(y, "toarray") else y
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        return Rows(X, y, as_weight(weight, len(y))).present()

    def _begin(self, rows: Rows, classes: Any) -> None:
        """Forget what was; a network that has not learnt."""
        targets = self._targets_of(rows.y, classes)
        targets.encode(rows.y)  # so that nothing is built for a y that does not fit
        self._build(rows.X.shape[1], targets, rows.X.dtype if self.dtype is None else self.dtype)

    def _build(self, n_features: int, targets: Targets, dtype: Any) -> None:
        """The network before training, from a seed that is drawn now."""
        require(
            self.preset is None, "preset", self.preset, "None for a network without data, whose columns are unknown"
        )
        seed = self._draw_seed()
        parts = self._parts(n_features, targets)
        first = initializer_of(self, parts["activation"])
        network = Network(**parts, initializer=first, masks=self.masks, seed=seed, dtype=dtype)
        for name in ("history_", "_tabular", "settings_"):
            self.__dict__.pop(name, None)
        self.network_, self.seed_ = network, seed
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

    def _parts(self, n_features: int, targets: Targets) -> dict[str, Any]:
        """The architecture that the parameters ask for."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        output, cost = output_of(self, self._usual_output(targets))
        blocks = [(output, width) for width in targets.widths]
        return {
            "sizes": [n_features, *sizes, sum(targets.widths)],
            "activation": hidden_activations(self.activation, len(sizes)),
            "output": blocks if len(blocks) > 1 else output,
            "cost": cost,
        }

    def _fit_architecture(self) -> None:
        """Bring the network's activations and cost up to the parameters, which may have changed since it was built."""
        net, parts = self.network_, self._parts(self.network_.sizes[0], self._targets)
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

    def _split(self, rows: Rows, held: Held) -> tuple[Rows, Rows | None]:
        """Rows to train on, and to validate with: the user's own, or some held out where a validation set chooses."""
        X, y, weight = held
        if (X is None) != (y is None):
            raise SettingError("X_val and y_val belong together: give both or neither")
        if X is None and weight is not None:
            raise SettingError("sample_weight_val came alone, but is of X_val and y_val: give those too")
        if X is not None:
            return rows, self._rows(X, y, weight, reset=False)
        if not stops_early(self):
            return rows, None
        kept, out = hold_out(self.seed_, len(rows.y), self.validation_fraction, self._strata(rows.y))
        return rows.take(kept), rows.take(out)

    def _train(self, call: Call, hooks: Hooks) -> None:
        """Train for one call and keep what comes of it."""
        if not call.once:
            self._base, self._since = call.begun, call.begun if self.stopped_ else self._since
        training = training_of(self, call)
        with watched_by(self) as listeners:
            run(training, ends_of(self, call), call.once, listeners, hooks, lambda: self._as_now(training))
        self._keep(call, training)
        hooks.finish(lambda: {"network_": self.network_})
        self._say_how_it_ended(call)

    def _as_now(self, training: Training) -> dict[str, Any]:
        """The attributes of an estimator that predicts as this one would, if training ended here."""
        net = Network.from_parts(self.network_.architecture, answer(training), self.seed_)
        return {"network_": net, "history_": training.history.copy()}

    def _keep(self, call: Call, training: Training) -> None:
        state = training.state
        if not call.once:
            training.look_back(answer(training))
            state.history.probes |= training.history.probes
        self._state, self._rule, self.history_ = state, optimizer_of(self), state.history
        self.network_.theta = answer(training)
        self.t_ += (state.epoch - call.begun) * len(training.examples.rows)
        self.n_iter_ = state.epoch - self._base
        self.stopped_ = state.history.stopped not in ("", "cancelled")

    def _say_how_it_ended(self, call: Call) -> None:
        history, text = self.history_, ""
        if history.stopped == "diverged":
            text = f"training diverged, {history.message}"
            if history.monitor == "training" or history.best_epoch < 0:  # else the best weights are an answer
                raise SettingError(text)
        elif history.stopped == "evaluations":
            text = f"L-BFGS computed the loss max_fun={self.max_fun} times before it converged: give a greater max_fun"
        elif not history.stopped and not call.once and not self._within:
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
        if self._tabular is not None:
            return encoded(self, X)
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


def _metadata(weight: Any) -> dict[str, Any] | None:
    return None if weight is None else {"sample_weight": weight}
