"""Programs of every kind, with rows and the answers of the library itself, that every export format must give.

Networks have random weights: what they say does not matter, only that all say the same.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.export import Answer, ClassOutput, NumberOutput, Program, program_of_network
from chainrule.model import Model
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import (
    DETAILS,
    Binned,
    BinnedLog,
    BinnedTimes,
    Categories,
    Coded,
    CodedLog,
    Curved,
    CurvedBinned,
    CurvedBinnedLog,
    CurvedLog,
    CurvedValued,
    CurvedValuedLog,
    DetailedTimes,
    Dropped,
    Frequent,
    LabelSet,
    Log,
    Numbers,
    Ordered,
    Presence,
    Scaled,
    TextWords,
    Times,
    Valued,
    ValuedLog,
    WeightedText,
)
from chainrule.tables.targets import (
    Classes,
    LabelTarget,
    LogQuantity,
    NormalNumbers,
    OrderedClasses,
    Quantiles,
    Quantity,
    Targets,
)

ROWS = 200
TENTH, THIRD = float(np.float32(-0.1)), float(np.float32(1 / 3))  # known as the values, too
SECONDS = (-3e9, -1e8, 12345678.25, 5e9)  # since 1970


class Case(NamedTuple):
    """A program, rows for it (see `export.Rows`), and what it must answer, by target."""

    program: Program
    rows: dict[str, Any]
    answers: dict[str, Answer]


ENCODER = Encoder(
    (
        Scaled("size", True, 1.5, 0.7, False),
        Scaled("far", False, -3.0, 2.5, True, form="1,234.5 kg"),
        Log("income", True, 10.0, 0.5, 2.0, 1.5),
        Numbers("old", True, 4.0, 3.0),
        Categories("colour", ("red", "1", 'gr"een', "true"), True),
        Frequent("town", ("Köln", "New York", "o'Hare", "\\n"), True),
        Frequent("always", ("a", "b"), False),
        Ordered("grade", ("low", "middle", "high"), True),
        Times("bought", "year-month-day", ("days", "season", "weekday", "clock"), True, 18_000.0, 900.0, True),
        Times("opened", "hour:minute", ("days", "clock"), False, 0.5, 0.2, False),
        Times("sold", "day.month.year", ("weekday",), False, 0.0, 1.0, False),
        LabelSet("tags", ("new", "o'ld", "größe", "two words"), True, ";", True),
        LabelSet("marks", ("a", "b"), False, "|", False),
        TextWords("story", ("fog", "größe", "7", "fog größe", "7 7", "οδοσ", "iz"), True),
        WeightedText("tale", ("snow", "fog", "größe fog", "snow 7", "fog fog"), True, (1.25, 0.1, 2.5, 1 / 3, 0.75)),
        Times("day", "yearmonthday", ("days", "season", "weekday"), True, 18_000.0, 900.0, False),
        Presence("note", "it is prose"),
        Dropped("id", "an identifier"),
        Curved("bent", True, 1.5, 0.7, False),
        CurvedLog("wealth", False, 0.0, 0.5, 2.0, 1.5),
        Binned("binned", True, 0.5, 2.0, True, edges=(-2.0, -0.5, 0.1, 3.0)),
        Binned("again", True, 0.5, 3.0, True, edges=(-3.0, -0.25, 0.3, 2.0)),
        BinnedLog("rain", False, 0.0, 0.5, 2.0, 1.5, edges=(-100.0, 0.0, 1e4)),
        CurvedBinned("both", True, 0.5, 2.0, True, edges=(-2.0, 0.1, 3.0)),
        CurvedBinnedLog("snow", False, 0.0, 0.5, 2.0, 1.5, edges=(-100.0, 0.0, 1e4)),
        Valued("coin", True, 0.5, 2.0, True, edges=(-2.0, 0.1, 3.0), values=(-0.1, 0.0, 0.30000000000000004, 2.0)),
        ValuedLog("worth", False, 0.0, 0.5, 2.0, 1.5, edges=(-100.0, 1e4), values=(-50.0, 1 / 3)),
        Coded("seat", True, 0.5, 2.0, True, values=(-0.1, 2.0)),
        CodedLog("zip", False, 0.0, 0.5, 2.0, 1.5, values=(-50.0, 1 / 3)),
        CurvedValued("code", True, 0.5, 2.0, True, edges=(-2.0, 0.1, 3.0), values=(-0.1, 2.0)),
        DetailedTimes("hired", "year-month-day", ("days", "season", "weekday"), True, 9_000.0, 9e3, False, (*DETAILS,)),
        BinnedTimes("left", "year-month-day", ("days", "clock"), True, 9e3, 9e3, True, ("powers",), edges=SECONDS),
        BinnedTimes("shut", "hour:minute", ("days", "clock"), False, 0.5, 0.2, False, edges=(0.0, 36000.25, 8e4)),
        CurvedValuedLog("earned", False, 0.0, 0.5, 2.0, 1.5, edges=(-100.0, 1e4), values=(-50.0, 1 / 3)),
    )
)
TARGETS = Targets(
    (
        Classes("kind", "text", ("cat", "dog's", 'fi"sh')),
        Classes("count", "integer", ("-2", "0", "10")),
        Classes("level", "number", ("0.5", "1.25")),
        Classes("ok", "boolean", ("false", "true")),
        Classes("order", "ordered", ("small", "large")),
        OrderedClasses("rank", "text", ("low", "mid'dle", "high", "top")),
        OrderedClasses("stars", "integer", ("1", "2")),
        LabelTarget("topics", ";", ("art", 'mu"sic', "größe")),
        Quantity("price", 100.0, 25.0),
        LogQuantity("people", 5.0, 3.0),
    )
)


def table(seed: int = 0, rows: int = ROWS) -> pa.Table:
    """A table for `ENCODER`, with missing cells, words that training did not have, and numbers far out."""
    draw = np.random.default_rng(seed)

    def some(values: Any, missing: float) -> list[Any]:
        """The values, some of them missing."""
        return [None if gap else value for value, gap in zip(values, draw.random(rows) < missing, strict=True)]

    def numbers(scale: float) -> list[float]:
        """Numbers, some far out."""
        return (draw.normal(0, scale, rows) * np.where(draw.random(rows) < 0.05, 1e6, 1)).tolist()

    def lists(items: list[str], mark: str) -> str:
        """Some of the items, maybe none."""
        return mark.join(draw.choice(items, draw.integers(0, 4)).tolist()) or mark

    days = draw.integers(-60_000, 60_000, rows).astype("datetime64[D]").astype(str)
    seconds = draw.integers(0, 86_400, rows)
    clocks = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds]
    stamps = [f"{day} {clock}" if k % 3 else day for k, (day, clock) in enumerate(zip(days, clocks, strict=True))]
    return pa.table(
        {
            "size": some(numbers(2.0), 0.1),
            "far": some([f"{x:,.3f} kg" for x in numbers(3.0)], 0.1),
            "income": some(numbers(1e4), 0.1),
            "old": some(draw.normal(4, 3, rows).tolist(), 0.1),
            "colour": some(draw.choice(["red", "1", 'gr"een', "true", "new"], rows).tolist(), 0.2),
            "town": some(draw.choice(["Köln", "New York", "o'Hare", "\\n", "Rome", "köln"], rows).tolist(), 0.2),
            "always": some(draw.choice(["a", "b", "c"], rows).tolist(), 0.1),
            "grade": some(draw.choice(["low", "middle", "high", "none of them"], rows).tolist(), 0.1),
            "bought": some(stamps, 0.1),
            "opened": some(clocks, 0.1),
            "hired": some(stamps[::-1], 0.1),
            "left": some(stamps[1:] + stamps[:1], 0.1),
            "shut": some(clocks[::-1], 0.1),
            "sold": some([".".join(reversed(day.split("-"))) for day in days], 0.1),
            "tags": some([lists(["new", " o'ld", "größe ", "two words", "Rome", ""], ";") for _ in range(rows)], 0.1),
            "marks": some([lists(["a", "b", "c"], "|") for _ in range(rows)], 0.1),
            "story": some(
                [lists(["Fog", "GRÖSSE", "größe!", "7", "snow", "ΟΔΟΣ", "İz"], " ") for _ in range(rows)], 0.1
            ),
            "tale": some([lists(["Fog", "GRÖSSE", "größe!", "7", "snow"], " ") for _ in range(rows)], 0.1),
            "day": some([int(day.replace("-", "")) for day in days], 0.1),
            "note": some(["text"] * rows, 0.5),
            "coin": some(draw.choice([-0.1, -0.0, 0.1 + 0.2, 0.3, 2.0, 7.0], rows).tolist(), 0.1),
            "worth": some(draw.choice([-50.0, 1 / 3, 0.3333333333333333, 5.0], rows).tolist(), 0.1),
            **{name: some(numbers(2.0), 0.1) for name in ("bent", "binned", "again", "both")},
            **{name: some(numbers(1e4), 0.1) for name in ("wealth", "rain", "snow")},
            **{name: some(draw.choice([-0.1, TENTH, 0.5, 2.0, 7.0], rows).tolist(), 0.1) for name in ("seat", "code")},
            **{name: some(draw.choice([-50.0, 1 / 3, THIRD, 5.0], rows).tolist(), 0.1) for name in ("zip", "earned")},
        }
    )


@functools.cache
def table_case(dtype: str = "float32") -> Case:
    """Every transform, and every kind of target."""
    steps = [("sigmoid", 3), ("sigmoid", 1), ("sigmoid", 3)]
    blocks = [("softmax", 3), ("sigmoid", 3), ("softmax", 2), ("softmax", 2), ("softmax", 2), *steps, ("identity", 2)]
    costs = [
        "cross_entropy",
        "binary_cross_entropy",
        *["cross_entropy"] * 3,
        *["binary_cross_entropy"] * 3,
        "quadratic",
    ]
    net = cr.Network([ENCODER.width, 12, 21], "relu", blocks, costs, seed=1, dtype=dtype)
    return model_case(Model(ENCODER, TARGETS, net, {}), table())


CERTAIN = Targets(
    (
        Classes("low", "text", ("no", "yes"), threshold=float(np.float32(0.3))),
        Classes("high", "boolean", ("false", "true"), float(np.float32(0.7)), True),
        Quantiles("price", 100.0, 25.0, levels=("0.1", "0.5", "0.9")),
        NormalNumbers("size", -2.0, 0.5),
    )
)


@functools.cache
def certain_case(dtype: str = "float32") -> Case:
    """Thresholds for either class, with a softmax and with outputs that are divided; quantiles and deviations."""
    blocks = [("softmax", 2), ("sigmoid", 2), *[("identity", 1)] * 3, ("identity", 2)]
    costs = ["cross_entropy", "binary_cross_entropy", *["quantile"] * 3, "gaussian"]
    net = cr.Network([ENCODER.width, 12, 9], "relu", blocks, costs, seed=3, dtype=dtype)
    model, rows = Model(ENCODER, CERTAIN, net, {}), table()
    A = model.outputs(rows)
    case = model_case(Model(ENCODER, CERTAIN, net, {}), rows)
    price = {
        f"price {level}": Answer(100 + 25 * A[:, 4 + k].astype(np.float64)) for k, level in enumerate((0.1, 0.5, 0.9))
    }
    deviation = Answer(0.5 * np.exp(A[:, 8].astype(np.float64) / 2))
    return case._replace(answers=case.answers | price | {"size deviation": deviation})


def model_case(model: Model, rows: pa.Table) -> Case:
    """What a model answers for a table."""
    predictions, chances = model.predict(rows), model.probabilities(rows)
    predictions = predictions if isinstance(predictions, dict) else {model.targets.names[0]: predictions}
    answers = {}
    for output in model.program.outputs:
        own = [values for name, values in chances.items() if name.startswith(f"{output.name}=")]
        if output.name in predictions:
            is_probable = not isinstance(output, NumberOutput)
            answers[output.name] = Answer(predictions[output.name], np.stack(own, axis=1) if is_probable else None)
    return Case(model.program, model.program.cells(rows), answers)


@functools.cache
def network_case(dtype: str = "float32") -> Case:
    """Every activation in a hidden layer, a softmax in one, masks, and blocks of outputs."""
    names = ACTIVATIONS.names()
    sizes = [5, *(3 + k % 5 for k in range(len(names))), 6]
    masks = [None, np.eye(3, 4), *[None] * (len(names) - 1)]
    output = [("softmax", 3), ("sine", 1), ("softplus", 2)]
    net = cr.Network(sizes, names, output, ["quadratic"] * 3, masks=masks, seed=2, dtype=dtype)
    return rows_case(program_of_network(net.architecture, net.theta, "0" * 64), net.predict)


def activation_case(name: str, dtype: str) -> Case:
    """One activation on values of every size; the sums are exact, so that only sigma differs."""
    net = cr.Network([1, 1, 1], name, "identity", initializer=([[[1.0]], [[1.0]]], [[0.0], [0.0]]), dtype=dtype)
    z = np.concatenate([np.linspace(-30, 30, 241), [-700.0, -100.0, -1e-3, 0.0, 1e-5, 80.0]])
    program = program_of_network(net.architecture, net.theta, "0" * 64)
    A = net.predict(z[:, None])
    return Case(program, {"x1": z.astype(dtype)}, {"output 1": Answer(A[:, 0])})


def rows_case(program: Program, predict: Any, seed: int = 3) -> Case:
    """What a network answers for rows of numbers."""
    X = np.random.default_rng(seed).normal(0, 2, (ROWS, program.width)).astype(program.dtype)
    A = predict(X)
    answers = {output.name: Answer(A[:, k]) for k, output in enumerate(program.outputs)}
    return Case(program, dict(zip(program.inputs, X.T, strict=True)), answers)


def estimator_case(kind: str) -> Case:
    """A classifier of a kind of y, or a regressor, after one epoch."""
    draw = np.random.default_rng(4)
    X = draw.normal(0, 1, (60, 3))
    words = np.array(["no", "yes", "maybe"])
    y: Any = {
        "binary": words[draw.integers(0, 2, 60)],
        "multiclass": words[draw.integers(0, 3, 60)],
        "integers": draw.integers(0, 3, 60) * 5,
        "multilabel": draw.integers(0, 2, (60, 3)),
        "multioutput": draw.integers(0, 3, (60, 2)),
        "number": X @ [1.0, -2.0, 0.5],
        "numbers": X @ draw.normal(0, 1, (3, 2)),
    }[kind]
    mlp = (cr.MLPRegressor if kind.startswith("number") else cr.MLPClassifier)(hidden_layer_sizes=(4,), random_state=0)
    mlp.partial_fit(X, y, **({} if kind.startswith("number") else {"classes": _classes(kind, y)}))
    values = mlp.predict(X).reshape(60, -1)
    chances = mlp.predict_proba(X) if hasattr(mlp, "predict_proba") else None
    if kind == "multilabel":
        chances = [np.stack([1 - p, p], axis=1) for p in chances.T]
    chances = chances if isinstance(chances, list) else [chances]
    answers = {
        output.name: Answer(values[:, k], chances[k] if isinstance(output, ClassOutput) else None)
        for k, output in enumerate(mlp.program.outputs)
    }
    return Case(mlp.program, dict(zip(mlp.program.inputs, X.T, strict=True)), answers)


def _classes(kind: str, y: Any) -> Any:
    if kind == "multilabel":
        return [0, 1]
    return [np.unique(column) for column in y.T] if kind == "multioutput" else np.unique(y)


ESTIMATORS = ["binary", "multiclass", "integers", "multilabel", "multioutput", "number", "numbers"]
