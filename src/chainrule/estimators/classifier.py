"""The classifier."""

import dataclasses
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.estimators.base import MLP, takes_steps
from chainrule.estimators.parameters import activation_of
from chainrule.estimators.targets import Labels, labels_for, labels_of
from chainrule.estimators.watching import with_callbacks

__all__ = ["MLPClassifier"]


def _gives_probabilities(estimator: "MLPClassifier") -> bool:
    chosen = estimator.output_activation
    spread = None if chosen is None else activation_of(chosen).range
    if spread is not None and (spread.low < 0 or spread.high > 1):
        raise AttributeError(f"outputs in {spread} are no probabilities: choose another output_activation")
    return True


@dataclasses.dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, MLP):
    """A multi-layer perceptron that classifies."""

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: dataclasses.KW_ONLY
    class_weight: Any = None

    @property
    def classes_(self) -> Any:
        """The classes in order; a list of those for several outputs, the labels' numbers for a table of labels."""
        return self._targets.shown

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
        """Train until it converges or max_iter epochs are over."""
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

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
        """Train for one epoch."""
        self._check_classes(y, classes)
        held = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, held, once=True, classes=classes, total_weight=total_weight)

    def initialize(self, n_features: int, classes: Any = None, *, n_labels: int | None = None) -> Self:
        """A network that has not seen any data."""
        if (classes is None) == (n_labels is None):
            raise SettingError("give classes, or n_labels for a table of labels, and not both")
        labels = Labels("multilabel", (np.array([0, 1]),) * n_labels) if n_labels else self._labels_for(classes)
        self._build(n_features, labels, "float64" if self.dtype is None else self.dtype)
        self.n_features_in_ = n_features
        return self

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row."""
        A = self._outputs(X)
        return self._targets.decode(A)

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """The probability of each class."""
        A = self._outputs(X)
        return self._targets.probabilities(A)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of those."""
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(part) for part in found] if isinstance(found, list) else np.log(found)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are right, in every output if there are several."""
        if self._built and self._targets.kind == "multioutput":
            right = (self.predict(X) == np.asarray(y)).all(axis=1)
            return float(np.average(right, weights=sample_weight))
        return float(super().score(X, y, sample_weight))

    # ------------------------------------------------------------------------------- what the base asks for

    _numeric = False

    def _targets_of(self, y: Array, classes: Any) -> Labels:
        check_classification_targets(y)
        kind = type_of_target(y)
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

    def _answer(self, targets: Any) -> tuple[str, str]:
        return ("sigmoid", "binary_cross_entropy") if targets.yes_or_no else ("softmax", "cross_entropy")

    def _strata(self, y: Array) -> Array | None:
        return y if y.ndim == 1 else None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
