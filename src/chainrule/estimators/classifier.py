"""The classifier: labels of one or several outputs, or yes and no for each of several labels."""

import dataclasses
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.estimators.base import MLP, takes_steps
from chainrule.estimators.parameters import activation_of
from chainrule.estimators.targets import Labels, labels_for, labels_of, of_one_type, several_labels

__all__ = ["MLPClassifier"]


def _kind_of(y: Array) -> str:
    """scikit-learn's word for what y is. Raises ValueError where that is no classes."""
    try:
        check_classification_targets(y)
    except (TypeError, ValueError):
        if y.dtype.kind not in "OS":
            raise
        if y.ndim == 2 and all(of_one_type(column) for column in y.T):
            return "multiclass-multioutput"
        kinds = sorted({type(value).__name__ for value in y.ravel().tolist()})
        raise DataError(
            f"y has values of type {', '.join(kinds)} and dtype {y.dtype}: make all words or all numbers of them, as "
            "y.astype(str) and y.astype(int) do, and leave out the rows that have none (Unknown label type)"
        ) from None
    return str(type_of_target(y))


def _gives_probabilities(estimator: "MLPClassifier") -> bool:
    chosen = estimator.output_activation
    spread = None if chosen is None else activation_of(chosen).range
    if spread is not None and (spread.low < 0 or spread.high > 1):
        raise AttributeError(f"outputs in {spread} are no probabilities: choose another output_activation")
    return True


@dataclasses.dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, MLP):
    """A multi-layer perceptron that classifies, in the place of scikit-learn's: its parameters, attributes and more.

    y is (n,) with two or more classes, a table (n, k) of 0 and 1 (k labels), or a table of classes (k outputs, for
    which probabilities are a list). Two classes are one sigmoid neuron, labels are k; more classes are a softmax block.

    scikit-learn's parameters mean what they mean there, and take more. activation: a name, an object, a callable, or a
    list with one for each hidden layer. solver: also the name of an optimizer, which takes learning_rate_init, momentum
    and beta_1 as it needs them, or an object, which has its own. learning_rate: also a schedule. batch_size: also None,
    all rows. alpha: C has alpha / (2 S) sum W², S being the sum of the weights of the rows.

    output_activation, cost: choices in place of the usual ones; a cost of None is the one that goes with the output:
    cross_entropy with softmax, binary_cross_entropy with sigmoid, poisson with exp, quadratic with any other.

    dropout: the probability of dropping a neuron of a
    hidden layer, or a list with one for each. l1: C has l1 / S sum |W| too. clip: a `cr.Clip`. class_weight:
    "balanced", a mapping from class to weight, or a list of those for several outputs. scoring: any scorer of
    scikit-learn, by name or as a callable, in place of accuracy: under early_stopping its greatest value chooses
    the weights; "loss": the lowest loss does. callback: a callable, or several, that takes the events of `cr.train`;
    True ends training. progress: show training on stderr or in the notebook. initializer, coefs_init and
    intercepts_init, masks: the first weights, by a rule or given, and the masks of `cr.Network`. engine, threads: as in
    `cr.train`. dtype: "float32" or "float64"; None keeps float32 and float64 as X has them and takes float64 for
    everything else. preset: "tabular" takes any table and settings that suit it, see docs/tabular.md.

    Attributes are scikit-learn's, and `network_` (a `cr.Network`), `history_` (a `cr.History`), `seed_` (drawn once
    where random_state is None or a RandomState), `stopped_` (whether training ended by itself) and
    `validation_loss_curve_`.

    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array(["even", "odd", "odd", "even"])
    >>> mlp = cr.MLPClassifier(8, "tanh", learning_rate_init=0.05, random_state=1).fit(X, y)
    >>> mlp.predict(X).tolist(), mlp.classes_.tolist(), mlp.out_activation_
    (['even', 'odd', 'odd', 'even'], ['even', 'odd'], 'logistic')

    Raises SettingError, a ValueError, in one line for parameters that no training could have, or where it diverges
    without best weights to fall back on.

    Source: scikit-learn's `MLPClassifier`; docs/from-scikit-learn.md has every difference.
    """

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: dataclasses.KW_ONLY
    class_weight: Any = None

    @property
    def classes_(self) -> Any:
        """The classes in order; a list of those for several outputs, the labels' numbers for a table of labels."""
        return self._targets.shown

    @available_if(takes_steps)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        total_weight: float | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch: exactly the next one that `fit` would make with these rows.

        classes: all that there will be, on the first call (a list of arrays for several outputs); labels need none.
        total_weight: S, where these rows are a part of a larger set. Under early_stopping some of the rows are held
        out as `fit` does, and once training has ended by itself further calls train nothing.
        """
        self._check_classes(y, classes)
        held = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, held, once=True, classes=classes, total_weight=total_weight)

    def initialize(self, n_features: int, classes: Any = None, *, n_labels: int | None = None) -> Self:
        """A network that has not seen any data, to predict with, look at, or go on from by `partial_fit`.

        classes: of one output, or a list of arrays for several. n_labels: how many labels there are instead.

        >>> mlp = cr.MLPClassifier((5,), random_state=0).initialize(3, classes=["no", "yes"])
        >>> [W.shape for W in mlp.coefs_], mlp.predict_proba(np.zeros((1, 3))).shape
        ([(3, 5), (5, 1)], (1, 2))
        """
        if (classes is None) == (n_labels is None):
            raise SettingError("give classes, or n_labels for a table of labels, and not both")
        labels = self._labels_for(classes) if n_labels is None else several_labels(n_labels)
        return self._without_data(n_features, labels)

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row, (n,); (n, k) for k labels or outputs."""
        A = self._outputs(X)
        return self._targets.decode(A)

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, (n, classes); (n, k) for k labels, a list of tables for several outputs."""
        A = self._outputs(X)
        return self._targets.probabilities(A)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of `predict_proba`."""
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(part) for part in found] if isinstance(found, list) else np.log(found)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are right, in every output if there are several."""
        if self._built and self._targets.kind == "multioutput":
            found, y = self.predict(X), np.asarray(y)
            if y.shape != found.shape:
                raise DataError(f"y has shape {y.shape}, but must have that of the predictions, {found.shape}")
            return float(np.average((found == y).all(axis=1), weights=sample_weight))
        return float(super().score(X, y, sample_weight))

    # ------------------------------------------------------------------------------- what the base asks for

    _numeric = False

    def _targets_of(self, y: Array, classes: Any) -> Labels:
        kind = _kind_of(y)
        if classes is None or kind == "multilabel-indicator":
            return labels_of(y, kind, self._single)
        return self._labels_for(classes)

    @property
    def _single(self) -> bool:
        """Whether one neuron is enough for two classes."""
        return self.output_activation is None or activation_of(self.output_activation).elementwise

    def _labels_for(self, classes: Any) -> Labels:
        return labels_for(classes, self._single)

    def _check_classes(self, y: Any, classes: Any) -> None:
        """A first call of partial_fit cannot know all classes from y; a later one cannot have others."""
        if not self._built:
            if classes is None and type_of_target(y) != "multilabel-indicator":
                raise SettingError("classes must be passed on the first call to partial_fit: all that there will be")
        elif classes is not None and self._targets.kind != "multilabel":
            asked = self._labels_for(classes).classes
            known = self._targets.classes
            if len(asked) != len(known) or not all(map(np.array_equal, asked, known)):
                raise SettingError(
                    f"classes={classes!r} is not what the first call had, {self.classes_!r}: leave it out"
                )

    def _usual_output(self, targets: Any) -> str:
        return "sigmoid" if targets.yes_or_no else "softmax"

    def _strata(self, y: Array) -> Array | None:
        return y if y.ndim == 1 else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
