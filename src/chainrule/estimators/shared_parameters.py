"""The parameters that `MLPClassifier` and `MLPRegressor` share: their defaults and their documentation."""

import dataclasses
import re
from typing import Any, TypeVar

__all__ = ["SharedParameters", "with_shared_parameters"]

C = TypeVar("C", bound=type)


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class SharedParameters:
    """The parameters of both estimators, which their docstrings list too.

    - solver: the optimizer. A name ("adam", "sgd", "lbfgs" or another) takes learning_rate_init, momentum, beta_1 and
      so on as it needs them; an object such as `cr.AdamW(0.01)` has its own.
    - alpha: the penalty on squared weights, from 0: C has alpha / (2 S) sum W², where S is the sum of the weights of
      the rows.
    - batch_size: the rows of an update; "auto" for 200, None for all rows.
    - learning_rate: "constant"; "invscaling", learning_rate_init / (t + 1)^power_t after t examples; "adaptive", which
      falls by a factor of 5 when the loss stops improving; or a schedule, by name or as an object such as
      `cr.Cosine()`. As in scikit-learn, solver="adam" ignores the first three.
    - learning_rate_init: the learning rate of a solver by name, above 0.
    - power_t: the exponent of "invscaling", from 0.
    - max_iter: the most epochs of one call of `fit`, from 1.
    - shuffle: whether each epoch takes the rows in another order.
    - random_state: fixes every random choice: a whole number, or a RandomState that the seed is drawn from; None draws
      it from NumPy's.
    - tol: the least gain that counts for n_iter_no_change, from 0.
    - verbose: whether to print a line for each epoch.
    - warm_start: whether `fit` goes on from where the last call ended, in place of beginning anew.
    - momentum: the momentum of "sgd", from 0 to below 1.
    - nesterovs_momentum: whether it is Nesterov's form.
    - early_stopping: whether a validation set chooses the weights and ends training: rows that are held out, or X_val
      and y_val of `fit`. It has no effect with L-BFGS.
    - validation_fraction: the share of the rows that is held out, from 0 to below 1.
    - beta_1, beta_2: the decay of Adam's means, from 0 to below 1.
    - epsilon: the number that Adam adds to the denominator, above 0.
    - n_iter_no_change: training ends after more than this many epochs in a row without a gain of more than tol in the
      loss, or with early_stopping in the score on the validation set; infinity for never.
    - max_fun: the most evaluations of the loss by L-BFGS in one call, from 1.
    - output_activation: the activation of the output layer, by name or as an object; None for the usual one.
    - cost: the cost, by name, as an object or a function of your own; None for the one that goes with the output
      activation: cross_entropy with softmax, binary_cross_entropy with sigmoid, poisson with exp, else quadratic.
    - dropout: the probability of dropping a neuron of a hidden layer, or a list with one for each layer.
    - l1: the penalty on absolute weights, from 0: C has l1 / S sum |W| too.
    - clip: bounds for the gradient, a `cr.Clip`; None for none.
    - rates: factors of the learning rate by layer, such as {"3": 0.1}; layers count from 1, the inputs, and 0 freezes
      a layer. None for the same rate in all layers.
    - label_smoothing: the share of each class target that is spread evenly over the classes, from 0 to below 1. It
      changes the rows to train on, not the scores.
    - tolerance: training ends before an epoch if no |dC/dtheta| over all rows exceeds this, from 0; L-BFGS takes
      it in place of tol. None for never. partial_fit trains its epoch all the same.
    - scoring: a scorer of scikit-learn, by name or as a callable, in place of the estimator's own score: with
      early_stopping its greatest value chooses the weights. "loss": the lowest loss on the validation set does.
    - callback: a function of an event of `cr.train`, or a list of them; one that returns True ends training.
    - progress: whether to show training on stderr, or in the notebook.
    - initializer: how the first weights are drawn, by name or as an object; None for scikit-learn's way.
    - coefs_init, intercepts_init: the first weights and biases themselves, an array for each layer from 2.
    - masks: an array of 0 and 1, or None, for each layer from 2; weights stay 0 where it is 0.
    - engine: the name of the engine that computes (`chainrule doctor` lists them), or "auto", the first that has
      everything that the training needs.
    - threads: the threads of the engine; None for as many as the work is worth. No bit depends on them.
    - devices: the number of devices (GPUs, or parts of a CPU) that share the rows of each update; None for one.
    - shards: the number of parts of each batch that are summed in order; None for as many as devices. Bits depend on it
      alone.
    - precision: "bf16" trains a float32 network with products in half precision, on processors with AMX or AVX512_BF16
      and on GPUs; "tf32" is for GPUs. None for the precision of dtype.
    - hosts: the processes that train together, a `cr.Hosts` or "auto"; each calls `fit` with the same rows. None for
      this one alone. A file does not keep it.
    - dtype: "float32" or "float64"; None for the type of X if it is one of them, else float64.
    - preset: "tabular" takes any table, and settings that suit it (docs/tabular.md); None for numbers only.
    """

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
    rates: Any = None
    label_smoothing: float = 0.0
    tolerance: float | None = None
    scoring: Any = None
    callback: Any = None
    progress: bool = False
    initializer: Any = None
    coefs_init: Any = None
    intercepts_init: Any = None
    masks: Any = None
    engine: str = "auto"
    threads: int | None = None
    devices: int | None = None
    shards: int | None = None
    precision: str | None = None
    hosts: Any = None
    dtype: Any = None
    preset: Any = None


def with_shared_parameters(cls: C) -> C:
    """Put the list of the shared parameters into a docstring, where it says `{shared}` (a class decorator)."""
    shared = re.search(r"^ +- .*\S", SharedParameters.__doc__ or "", re.MULTILINE | re.DOTALL)
    if cls.__doc__ and shared:
        cls.__doc__ = cls.__doc__.replace("    {shared}", shared[0])
    return cls
