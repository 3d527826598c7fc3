"""From a table to a trained model, whose predictions are in the words and units of the table.

There is one pipeline. `TableTraining` (`training`) runs its steps:

    1. prepare      `preparation`: columns become inputs X, targets T and weights; settings at "auto" get the values of
                    the `preset` for this table; classes get their weights (`class_weight`); rows are held out;
                    `trials`, or linear models (`choose_inputs`), decide whether a number becomes several inputs
    2. heads        `heads`: the output activation and the cost of each target, and the scale of its numbers
    3. ensemble     `ensemble`: one network, or several that are trained side by side as one; members of other trials
                    join them (`blend`) where the mean is better
    4. warm start   `warm_start`: the first weights carry the best linear model
    5. train        `chainrule.training`: epochs of updates, on `sparse_rows` where most inputs are 0; `scores` are
                    computed after each of them
    6. merge        `ensemble`: the members become one ordinary network, which with encoder and targets is the `model`
    7. score        `scores` (by `metrics`), `mistakes`, the `summary`, and the `findings` of the training doctor;
                    `row_scores` for each row: which may have a wrong label
    8. keep         `keeping`: the answers `out_of_fold` stay in the model, and choose its `temperature` and `threshold`

Before training starts, `leaks` searches for columns that give a target away, and `notes` says what became of the
columns. `settings` has the settings, whose own kinds of values are in `kinds`. Afterwards a model is `explained`: by
its `ledgers`, its gradients, its suspect rows, and the rows whose `influence` supports an answer; and it is
`interpreted`: by the `importance` of its columns, their `contributions` to an answer, `what_if` it had other cells, and
the `dependence` on one; `answers` is what these compute with.
A training may begin with the weights of a model (`continuation`); which rows it holds out may depend on a column
(`division`). How sure a model is (`uncertain`) follows from the answers out of fold, by `conformal` prediction, and
from the `members` apart.
`cross_validation` says how good models of a table are (by `splits` of its rows, beside `baselines`). `tuning` searches
for settings, in a `search_space`, with trials that a `study` keeps, and writes them to an `option_file`.

`train_table` and `chainrule train` run `TableTraining`. The estimators with preset="tabular" run the same steps by the
same functions: `estimators/table_plan.py` for the encoder, the preset, the heads and the ensemble of the first call,
`estimators/fit_call.py` for the weights of classes, the folds and the training of each call.
"""

from chainrule.model.cross_validation import CrossValidation, cross_validate
from chainrule.model.model import Model
from chainrule.model.settings import TableSettings
from chainrule.model.training import TableTraining, train_table
from chainrule.model.tuning import Tuning, tune

__all__ = [
    "CrossValidation",
    "Model",
    "TableSettings",
    "TableTraining",
    "Tuning",
    "cross_validate",
    "train_table",
    "tune",
]
