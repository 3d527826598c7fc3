"""The classifier: it predicts the classes of one or several outputs, or yes and no for each of several labels."""

import dataclasses
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from chainrule.arrays import Array, plain
from chainrule.errors import DataError, SettingError
from chainrule.estimators.base import MLP, takes_steps
from chainrule.estimators.parameters import activation_of
from chainrule.estimators.rows import Validation, score_by
from chainrule.estimators.shared_parameters import with_shared_parameters
from chainrule.tables.targets import ArrayLabels, of_one_type
from chainrule.text import shown

__all__ = ["MLPClassifier"]


def _kind_of(y: Array) -> str:
    """scikit-learn's word for what y is. Raises ValueError for a y that is not made of classes."""
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


def _shown(labels: ArrayLabels) -> Any:
    """The attribute `classes_`, as scikit-learn has it."""
    if labels.kind == "multilabel":
        return np.arange(len(labels.classes))
    return labels.classes[0] if labels.flat else labels.classes


def _gives_probabilities(estimator: "MLPClassifier") -> bool:
    """Whether there is a `predict_proba`; raises AttributeError if there is not, as scikit-learn wants it."""
    choice = estimator.output_activation
    outputs = None if choice is None else activation_of(choice).range
    if outputs is not None and (outputs.low < 0 or outputs.high > 1):
        raise AttributeError(f"outputs in {outputs} are not probabilities: choose another output_activation")
    return True


@with_shared_parameters
@dataclasses.dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, MLP):
    """A multi-layer perceptron that classifies, with scikit-learn's parameters and more.

    y is (n,) with two or more classes, a table (n, k) of 0 and 1 (k labels), or a table of classes (k outputs, for
    which probabilities are a list). Two classes are one sigmoid neuron, labels are k of them; more classes are a
    softmax block. It minimises the mean cost of the rows plus the penalties, C of `Network.cost`.

    - hidden_layer_sizes: the neurons of each hidden layer, one number or a sequence; () for a linear model.
    - activation: that of the hidden layers, by name, as an object or a function of your own, or a list with one for
      each layer.
    - class_weight: factors of the weights of rows, by class, from 0: "balanced", which makes all classes weigh the
      same in the rows to train on; a mapping from class to weight, 1 for a class that it does not name; or a list with
      one of these for each output. They count in the score on the validation set too.
    {shared}

    Attributes are scikit-learn's, and

    - network_: the `cr.Network`.
    - history_: the `cr.History` of its training.
    - seed_: the seed; drawn once where random_state is None or a RandomState.
    - stopped_: whether training ended by itself.
    - validation_loss_curve_: the loss on the validation set after each epoch; None without one.
    - settings_: the parameters that ran, with preset="tabular".
    - suspects_: with preset="tabular", the columns that may give y away, a line for each.

    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array(["even", "odd", "odd", "even"])
    >>> mlp = cr.MLPClassifier(8, "tanh", learning_rate_init=0.05, random_state=1).fit(X, y)
    >>> mlp.predict(X).tolist(), mlp.classes_.tolist(), mlp.out_activation_
    (['even', 'odd', 'odd', 'even'], ['even', 'odd'], 'logistic')

    Raises SettingError, a ValueError, when it is fitted with parameters that no training could have.

    Source: scikit-learn's `MLPClassifier`; docs/from-scikit-learn.md has every difference.
    """

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: dataclasses.KW_ONLY
    class_weight: Any = None

    @property
    def classes_(self) -> Any:
        """The classes in order; a list of those for several outputs, the labels' numbers for a table of labels."""
        return _shown(self._targets)

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
        groups: Any = None,
    ) -> Self:
        """Train for one epoch: exactly the next one that `fit` would make with these rows.

        - X, y, sample_weight: as for `fit`.
        - classes: all that there will be, on the first call; a list of arrays for several outputs, None for labels.
        - total_weight: S of the whole set, by which alpha and l1 are divided, where these rows are a part of it.
        - X_val, y_val, sample_weight_val: as for `fit`; without them, early_stopping holds rows out.
        - groups: as for `fit`.

        Once early_stopping has ended training, further calls train nothing.

        >>> mlp = cr.MLPClassifier(4, random_state=0)
        >>> [mlp.partial_fit([[0.0], [1.0]], ["a", "b"], classes=["a", "b", "c"]).n_iter_ for _ in range(3)]
        [1, 2, 3]

        Raises SettingError, DataError or ValueError as `fit` does, SettingError too for classes that are missing on
        the first call or differ later, and AttributeError with L-BFGS, which needs all rows.
        """
        self._check_classes(y, classes)
        validation = Validation(X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation, groups, once=True, classes=classes, total_weight=total_weight)

    def initialize(self, n_features: int, classes: Any = None, *, n_labels: int | None = None) -> Self:
        """A network before any training: to predict with, to inspect, or to train with `partial_fit`.

        - n_features: the columns that X will have.
        - classes: those of one output, or a list of arrays for several.
        - n_labels: the number of labels, in place of classes.

        >>> mlp = cr.MLPClassifier((5,), random_state=0).initialize(3, classes=["no", "yes"])
        >>> [W.shape for W in mlp.coefs_], mlp.predict_proba(np.zeros((1, 3))).shape
        ([(3, 5), (5, 1)], (1, 2))

        Raises SettingError for both or neither of classes and n_labels, for parameters that no network could have, and
        under a preset, which needs data.
        """
        if (classes is None) == (n_labels is None):
            raise SettingError("give classes, or n_labels for a table of labels, and not both")
        labels = self._labels_for(classes) if n_labels is None else ArrayLabels.several_labels(n_labels)
        return self._initialized(n_features, labels)

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row, (n,); (n, k) for k labels or outputs.

        Raises NotFittedError before the first fit, ValueError for other columns than in `fit`.
        """
        A = self._outputs(X)
        return self._targets.decode(A)

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, (n, classes); (n, k) for k labels, a list of tables for several outputs.

        >>> mlp = cr.MLPClassifier((5,), random_state=0).initialize(3, classes=["a", "b", "c"])
        >>> mlp.predict_proba(np.zeros((2, 3))).sum(axis=1).round(6).tolist()
        [1.0, 1.0]

        Raises NotFittedError before the first fit, ValueError for other columns than in `fit`, AttributeError for an
        output activation whose values are not probabilities.
        """
        A = self._outputs(X)
        return self._targets.probabilities(A)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of `predict_proba`; it raises as that does."""
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            several = isinstance(probabilities, list)
            return [np.log(part) for part in probabilities] if several else np.log(probabilities)

    @available_if(_gives_probabilities)
    def predict_set(self, X: Any, coverage: float = 0.9, *, method: str = "lac") -> Any:
        """Which classes (n, classes) belong to a set for each row, that has the true class in this share of new rows.

        It needs preset="tabular" (see docs/how-sure.md). The columns are those of `predict_proba`; a list of tables for
        labels and for several outputs. A set is never empty.

        - X: rows, as for `predict`.
        - coverage: the share, between 0 and 1.
        - method: "lac" makes the smallest sets on average; "aps" makes larger ones where a row is harder; "raps" is
          that with fewer classes of little probability.

        >>> X, y = np.array([[0.0], [1.0]] * 20), np.array(["no", "yes"] * 20)
        >>> mlp = cr.MLPClassifier(preset="tabular", max_iter=20, random_state=0).fit(X, y)
        >>> mlp.predict_set([[0.0], [1.0]], coverage=0.8).tolist()
        [[True, False], [False, True]]

        Raises NotFittedError before the first fit; SettingError without such a preset, after calls with different rows,
        and where there are too few rows for this coverage.
        """
        return self._sets(X, coverage, method)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are right, in every output if there are several.

        Raises NotFittedError before the first fit, DataError for a y of another shape than the predictions, and
        for masked values.
        """
        if self._built and self._targets.kind == "multioutput":
            prediction, y = self.predict(X), np.asarray(plain(y, "y"))
            if y.shape != prediction.shape:
                raise DataError(f"y has shape {y.shape}, but must have that of the predictions, {prediction.shape}")
            return float(np.average((prediction == y).all(axis=1), weights=sample_weight))
        return score_by(super().score, X, y, sample_weight)

    # ------------------------------------------------------------------------------- what the base class needs

    _numeric = False

    def _targets_of(self, y: Array, classes: Any) -> ArrayLabels:
        if _kind_of(y) == "multilabel-indicator":
            return ArrayLabels.several_labels(y.shape[1])
        occurring = y if y.ndim == 1 else list(y.T)
        return self._labels_for(occurring if classes is None else classes)

    @property
    def _single(self) -> bool:
        """Whether one neuron is enough for two classes."""
        return self.output_activation is None or activation_of(self.output_activation).elementwise

    def _labels_for(self, classes: Any) -> ArrayLabels:
        return ArrayLabels.of(classes, self._single)

    def _check_classes(self, y: Any, classes: Any) -> None:
        """Raise SettingError for a first call of partial_fit without classes, and a later one with others."""
        if not self._built:
            if classes is None and type_of_target(y) != "multilabel-indicator":
                raise SettingError("classes must be passed on the first call to partial_fit: all that there will be")
        elif classes is not None and self._targets.kind != "multilabel":
            now, first = self._labels_for(classes).classes, self._targets.classes
            if len(now) != len(first) or not all(map(np.array_equal, now, first)):
                raise SettingError(
                    f"classes={shown(classes)} is not what the first call had, {shown(self.classes_)}: leave it out"
                )

    def _usual_output(self, targets: Any) -> str:
        return "sigmoid" if targets.yes_or_no else "softmax"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
