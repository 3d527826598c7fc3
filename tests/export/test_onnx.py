"""ONNX: valid graphs, the same answers in onnxruntime and the reference implementation, names for whatever comes."""

import contextlib
import dataclasses
import itertools
import json
import math
import sys

import numpy as np
import pytest
from tests.export import programs
from tests.export.cells import answers_to, model_of

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.errors import SettingError
from chainrule.export import FORMATS, ClassOutput, NumberOutput, Program, compare, export
from chainrule.export.onnx import activations, columns, curves, running
from chainrule.export.onnx.graph import Graph, texts
from chainrule.export.onnx.times import Moment
from chainrule.tables.inputs.operations import INPUTS, READINGS, STEPS, Affine, Asinh, Bend, Cells
from chainrule.tables.inputs.transforms import Categories, Presence, Scaled, Times
from chainrule.tables.profile.dates import ISO

onnx = pytest.importorskip("onnx", reason="ONNX needs onnx")
pytest.importorskip("onnxruntime", reason="the answers are those of onnxruntime")

ONNX = FORMATS["onnx"]
RUNTIMES = [running.in_onnxruntime, running.in_reference]


def valid(program, path, **options):
    """Write a program, check the file, and return the model."""
    export(program, path, **options)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def answered(case, tmp_path, start, **options):
    """What a runtime answers for a case."""
    path = tmp_path / "model.onnx"
    valid(case.program, path, **options)
    return running.answers(start(path), case.program, case.rows)


def agrees(case, answers):
    differences = compare(case.program, case.answers, answers)
    assert all(each.ok for each in differences), "\n".join(map(str, differences))


def computed(graph, outputs, inputs, tmp_path, start=running.in_onnxruntime):
    """The values of a graph with these outputs, for inputs by name."""
    from onnx import TensorProto, helper

    def described(name, array):
        kind = TensorProto.STRING if array.dtype.hasobject else helper.np_dtype_to_tensor_dtype(array.dtype)
        return helper.make_tensor_value_info(name, kind, None)

    sources = [described(name, array) for name, array in inputs.items()]
    made = helper.make_graph(
        graph.nodes, "g", sources, [described(name, np.zeros(0)) for name in outputs], graph.constants
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    path = tmp_path / "graph.onnx"
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=9), path)
    return [start(path)(inputs)[name] for name in outputs]


def test_there_is_an_entry_for_every_operation_and_activation():
    assert set(columns.READINGS) == set(READINGS)
    assert set(columns.INPUTS) == set(INPUTS)
    assert set(curves.STEPS) == set(STEPS)
    assert set(activations.ACTIVATIONS) == set(ACTIVATIONS.names())


# ------------------------------------------------------------------------------------------- the same answers


@pytest.mark.parametrize(("start", "dtype"), list(itertools.product(RUNTIMES, ["float32", "float64"])))
def test_tables(start, dtype, tmp_path):
    case = programs.table_case(dtype)
    agrees(case, answered(case, tmp_path, start))


@pytest.mark.parametrize("start", RUNTIMES)
def test_a_network_with_every_activation_masks_blocks_and_a_hidden_softmax(start, tmp_path):
    case = programs.network_case()
    agrees(case, answered(case, tmp_path, start))


ACTIVATIONS_AND_TYPES = set(itertools.product(ACTIVATIONS.names(), ["float32", "float64"])) - {("gelu", "float64")}


@pytest.mark.parametrize(("name", "dtype"), sorted(ACTIVATIONS_AND_TYPES))
def test_activations_in_the_reference_implementation(name, dtype, tmp_path):
    case = programs.activation_case(name, dtype)
    with np.errstate(all="ignore"):
        agrees(case, answered(case, tmp_path, running.in_reference))


@pytest.mark.parametrize("name", sorted({name for name, dtype in ACTIVATIONS_AND_TYPES if dtype == "float64"}))
def test_in_float64_nothing_is_there_that_onnxruntime_fuses_to_what_it_lacks(name, tmp_path):
    nodes = valid(programs.activation_case(name, "float64").program, tmp_path / "m.onnx").graph.node
    sums = {node.output[0] for node in nodes if node.op_type == "Gemm"}
    after = {node.op_type for node in nodes if sums.intersection(node.input)}
    assert not after & {"Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign", "Gelu", "Mish"}


@pytest.mark.parametrize(("start", "kind"), list(itertools.product(RUNTIMES, programs.ESTIMATORS)))
def test_estimators(start, kind, tmp_path):
    case = programs.estimator_case(kind)
    agrees(case, answered(case, tmp_path, start))


def test_where_onnxruntime_is_absent_the_reference_implementation_runs(tmp_path, monkeypatch):
    case = programs.table_case()
    export(case.program, tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    agrees(case, ONNX.runner(tmp_path / "model.onnx", case.program)(case.rows))


@pytest.mark.parametrize(  # the reference implementation takes no rows from onnx 1.23 on
    ("rows", "start"), [(0, running.in_onnxruntime), (1, running.in_onnxruntime), (1, running.in_reference)]
)
def test_no_rows_and_one_row(rows, start, tmp_path):
    for case in (programs.table_case(), programs.network_case()):
        few = case._replace(rows={name: cells[:rows] for name, cells in case.rows.items()})
        for name, answer in answered(few, tmp_path, start).items():
            assert len(answer.values) == rows
            if answer.probabilities is not None:
                assert (answer.values == case.answers[name].values[:rows]).all()


def test_many_rows(tmp_path):
    encoders = [Scaled("x", True, 0.0, 1.0, False), Times("t", "hour:minute", ("clock",), True, 0.5, 0.2, False)]
    program = _table(encoders, _number())
    rows = {"x": np.arange(100_000.0), "t": texts([f"{k // 60 % 24:02d}:{k % 60:02d}" for k in range(100_000)])}
    few = {name: cells[-100:] for name, cells in rows.items()}
    answers = [
        answered(programs.Case(program, each, {}), tmp_path, running.in_onnxruntime)["y"] for each in (rows, few)
    ]
    assert len(answers[0].values) == 100_000
    np.testing.assert_allclose(answers[0].values[-100:], answers[1].values, rtol=1e-6)


def test_float64_is_exported_as_float32_on_demand(tmp_path):
    case = programs.table_case("float64")
    answers = [answered(case, tmp_path, running.in_onnxruntime, dtype=each)["kind"] for each in ("float32", "float64")]
    assert [each.probabilities.dtype for each in answers] == [np.float32, np.float64]
    np.testing.assert_allclose(answers[0].probabilities, answers[1].probabilities, atol=1e-5)
    weights = [each for each in onnx.load(tmp_path / "model.onnx").graph.initializer if each.name.startswith("W of")]
    assert {each.data_type for each in weights} == {onnx.TensorProto.DOUBLE}


# ------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize("start", RUNTIMES)
def test_asinh_keeps_all_digits_of_small_and_of_huge_numbers(start, tmp_path):
    x = np.array([0.0, 5e-324, 1e-300, 1e-17, 1e-9, 1e-3, 0.3, 1.0, 7.0, 1e5, 2.0**28, 2.7e8, 1e155, 1.7e308])
    x = np.concatenate([x, -x, [math.inf, -math.inf]])[:, np.newaxis]
    graph = Graph(["x"])
    with np.errstate(all="ignore"):
        (y,) = computed(graph, [curves.curve(graph, "x", [[Asinh()]])], {"x": x}, tmp_path, start)
    np.testing.assert_allclose(y, np.arcsinh(x), rtol=1e-15, atol=0)


def test_columns_with_steps_of_their_own_go_side_by_side(tmp_path):
    x = np.array([[-50.0, -50.0], [-1.0, 0.5], [0.0, 1e300], [50.0, np.nan]])
    steps = [(Affine(1.0, 3.0), Bend(2.0)), (Affine(-7.0, 0.5), Bend(5.0))]
    graph = Graph(["x"])
    (y,) = computed(graph, [curves.curve(graph, "x", steps)], {"x": x}, tmp_path)
    for k, (affine, bend) in enumerate(steps):
        np.testing.assert_array_equal(y[:, k], bend.of(affine.of(x[:, k])))


@pytest.mark.parametrize("start", RUNTIMES)
def test_inputs_are_in_the_order_of_the_columns(start, tmp_path):
    encoders = [
        Scaled("a", True, 0.0, 1.0, False),
        Categories("w", ("u", "v"), False),
        Scaled("b", True, 0.0, 1.0, False),
        Scaled("c", False, 0.0, 1.0, False),
        Scaled("d", True, 0.0, 1.0, False),
    ]
    W = 10.0 ** np.arange(9)[:, np.newaxis]  # each digit of the answer is an input
    net = cr.Network([9, 1], output="identity", initializer=([W], [[0.0]]), dtype="float64")
    program = Program(net.architecture, net.theta, (_number(),), tuple(encoders))
    nan = math.nan
    rows = {"a": np.array([2.0, nan]), "w": texts(["u", "v"]), "b": np.array([3.0, 4.0])}
    rows |= {"c": np.array([1.0, nan]), "d": np.array([nan, 5.0])}
    values = answered(programs.Case(program, rows, {}), tmp_path, start)["y"].values
    assert values.tolist() == [101_030_102, 50_041_010]


def test_infinite_numbers_are_bent_like_others(tmp_path):
    program = _table([Scaled("x", True, 0.0, 1.0, False)], _number())
    rows = {"x": np.array([math.inf, -math.inf])}
    values = answered(programs.Case(program, rows, {}), tmp_path, running.in_onnxruntime)["y"].values
    ends = {"x": np.array([1e300, -1e300])}
    assert (answered(programs.Case(program, ends, {}), tmp_path, running.in_onnxruntime)["y"].values == values).all()


@pytest.mark.parametrize("start", RUNTIMES)
def test_days_of_the_calendar(start, tmp_path):
    days = np.concatenate(
        [
            np.arange("1899-01-01", "1905-01-01", dtype="datetime64[D]"),
            np.array(
                ["0001-01-01", "1600-02-29", "1970-01-01", "1999-12-31", "2000-02-29", "2100-03-01", "9999-12-31"],
                "datetime64[D]",
            ),
        ]
    )
    graph = Graph(["t", "missing"])
    moment = Moment.of(graph, "t", "missing", ISO)
    outputs = [moment.days, moment.day_of_year, moment.seconds]
    cells = {"t": texts(days.astype(str).tolist()).reshape(-1, 1), "missing": np.zeros((len(days), 1), np.bool_)}
    since, place, seconds = (array[:, 0] for array in computed(graph, outputs, cells, tmp_path, start))
    first = days.astype("datetime64[Y]").astype("datetime64[D]")
    np.testing.assert_array_equal(since, days.astype(np.int64))
    np.testing.assert_array_equal(place, (days - first).astype(np.int64))
    np.testing.assert_array_equal(seconds, days.astype(np.int64) * 86400.0)


@pytest.mark.parametrize("start", RUNTIMES)
def test_clocks(start, tmp_path):
    clocks = {"": 0, " 00:00": 0, " 23:59:59.25": 86399.25, " 07:05:03": 25503, "T23:59": 86340, "T07:05:03.5": 25503.5}
    graph = Graph(["t", "missing"])
    seconds = Moment.of(graph, "t", "missing", ISO).seconds
    cells = {"t": texts([f"1970-01-02{clock}" for clock in clocks]).reshape(-1, 1)}
    for count in (1, len(clocks)):
        some = {"t": cells["t"][:count], "missing": np.zeros((count, 1), np.bool_)}
        (y,) = computed(graph, [seconds], some, tmp_path, start)
        assert y[:, 0].tolist() == [86400 + value for value in clocks.values()][:count]


@pytest.mark.parametrize("start", RUNTIMES)
def test_dates_without_marks(start, tmp_path):
    dates = [
        "20240229",
        "20240229T1330",
        "20240229T133005.25",
        "15000101",
        "21991231T2359",
        "2024-02-29",
        "2024-02-29 13:30",
    ]
    for times in (dates[:1], dates, [*dates, None]):
        model = model_of("date")
        case = programs.Case(model.program, {"x": np.array(times, dtype=object)}, {})
        y = answered(case, tmp_path, start)["y"].values
        np.testing.assert_allclose(y, answers_to(model, times), rtol=1e-9)


@pytest.mark.parametrize("start", RUNTIMES)
@pytest.mark.parametrize("word", ["2024022", "202402290", "20240229T13", "14991231", "20240229 13:30"])
def test_what_is_not_a_date_without_marks_ends_the_run(word, start, tmp_path):
    case = programs.Case(model_of("date").program, {"x": np.array([word, None], dtype=object)}, {})
    with pytest.raises(Exception, match=r"(?i)cast|stod|invalid|indices|bounds|float"):
        answered(case, tmp_path, start)


@pytest.mark.parametrize("start", RUNTIMES)
def test_clocks_that_end_a_day_begin_the_next_one(start, tmp_path):
    days = ["2023-12-31", "2024-12-31", "2024-02-28", "2023-02-28", "2024-06-30"]
    times = [f"{day} 23:59:{second}" for day in days for second in ("59.9", "59.999999999", "60")]
    model = model_of("time")
    case = programs.Case(model.program, {"x": np.array(times, dtype=object)}, {})
    y = answered(case, tmp_path, start)["y"].values
    np.testing.assert_allclose(y, answers_to(model, times), rtol=1e-9)


@pytest.mark.parametrize("zone", ["Z", "+02:00", " +0200", " EST", " UTC", "Europe/Berlin", "T"])
def test_onnxruntime_ignores_a_time_zone(zone, tmp_path):
    graph = Graph(["t", "missing"])
    seconds = Moment.of(graph, "t", "missing", ISO).seconds
    times = [f"1970-01-02{clock}{zone}" for clock in ("T07:05:03.5", " 07:05:03.5", "T07:05", " 07:05")]
    cells = {"t": texts(times).reshape(-1, 1), "missing": np.zeros((4, 1), np.bool_)}
    (y,) = computed(graph, [seconds], cells, tmp_path)
    assert y[:, 0].tolist() == [111_903.5, 111_903.5, 111_900, 111_900]


@pytest.mark.parametrize("start", RUNTIMES)
@pytest.mark.parametrize("word", ["n/a", "2024-13-01", "29 Feb", "2024-02-29 noon"])
def test_what_is_not_a_time_ends_the_run(word, start, tmp_path):
    program = _table([Times("t", "year-month-day", ("days",), False, 0.0, 1.0, False)], _number())
    case = programs.Case(program, {"t": np.array([word, None], dtype=object)}, {})
    with pytest.raises(Exception, match=r"(?i)cast|stod|invalid|indices|bounds|float"):
        answered(case, tmp_path, start)


def test_very_many_words(tmp_path):
    words = tuple(f"word {k}" for k in range(20_000))
    program = _table([Categories("w", words, True)], _number())
    rows = {"w": np.array([None, "word 0", "word 19999", "new"], dtype=object)}
    y = answered(programs.Case(program, rows, {}), tmp_path, running.in_onnxruntime)["y"].values
    W, b = program.layers[0].W[:, 0].astype(np.float64), program.layers[0].b[0]
    np.testing.assert_allclose(y, [W[-1] + b, W[0] + b, W[19_999] + b, b], rtol=1e-6)


# ------------------------------------------------------------------------------------------- names and types


def _number(name="y"):
    return NumberOutput(name, 0, 1)


def _table(encoders, *outputs, activation="identity"):
    net = cr.Network([sum(len(each.features) for each in encoders), outputs[-1].stop], output=activation, seed=0)
    return Program(net.architecture, net.theta, outputs, tuple(encoders))


def _names(model):
    return [each.name for each in model.graph.input], [each.name for each in model.graph.output]


@pytest.mark.parametrize(
    "name", ["label", "probabilities", "Größe 🙂", " ", "", "Gemm", "constant", "W of layer 2", "a\nb"]
)
def test_a_column_may_have_any_name(name, tmp_path):
    encoders = [Scaled(name, True, 0.0, 1.0, False), Presence("predicted label", "it is prose")]
    program = _table(encoders, ClassOutput("y", 0, 2, ("no", "yes")), activation="softmax")
    inputs, outputs = _names(valid(program, tmp_path / "model.onnx"))
    assert inputs == [name or "unnamed", "predicted label"]
    assert len({*inputs, *outputs}) == 4
    assert outputs[0] == ("predicted predicted label" if name == "label" else "label")
    rows = {name: np.array([1.0, np.nan]), "predicted label": np.array([None, "x"], dtype=object)}
    for start in RUNTIMES:
        values = answered(programs.Case(program, rows, {}), tmp_path, start)["y"].values
        assert set(values) <= {"no", "yes"}


def test_a_column_without_a_name_gets_one_that_no_other_has(tmp_path):
    encoders = [Scaled(name, False, 0.0, 1.0, False) for name in ("", "unnamed", "unnamed 1")]
    program = _table(encoders, _number())
    assert _names(valid(program, tmp_path / "model.onnx"))[0] == ["unnamed 2", "unnamed", "unnamed 1"]


def test_one_target_has_the_names_of_skl2onnx(tmp_path):
    encoder = [Scaled("x", False, 0.0, 1.0, False)]
    one = _table(encoder, ClassOutput("y", 0, 2, ("no", "yes")), activation="softmax")
    assert _names(valid(one, tmp_path / "m.onnx")) == (["x"], ["label", "probabilities"])
    assert _names(valid(_table(encoder, _number()), tmp_path / "m.onnx")) == (["x"], ["variable"])
    scores = _table(encoder, ClassOutput("y", 0, 2, ("no", "yes"), probable=False))
    assert _names(valid(scores, tmp_path / "m.onnx")) == (["x"], ["label"])


def test_several_targets_have_their_own_names(tmp_path):
    outputs = _names(valid(programs.table_case().program, tmp_path / "m.onnx"))[1]
    assert outputs[:2] == ["kind label", "kind probabilities"]
    assert outputs[-2:] == ["price", "people"]


def test_rows_of_numbers_are_one_input_and_numbers_one_output(tmp_path):
    for case, width in ((programs.estimator_case("numbers"), 2), (programs.network_case(), 6)):
        model = valid(case.program, tmp_path / "m.onnx")
        assert _names(model) == (["X"], ["variable"])
        shapes = [[d.dim_param or d.dim_value for d in each.type.tensor_type.shape.dim] for each in model.graph.output]
        assert shapes == [["N", width]]


def test_types_of_inputs_and_labels(tmp_path):
    model = valid(programs.table_case("float64").program, tmp_path / "m.onnx")
    types = {each.name: each.type.tensor_type.elem_type for each in [*model.graph.input, *model.graph.output]}
    text, double, whole, boolean = (getattr(onnx.TensorProto, name) for name in ("STRING", "DOUBLE", "INT64", "BOOL"))
    assert [types[name] for name in ("size", "colour", "bought", "note")] == [double, text, text, text]
    assert [types[f"{name} label"] for name in ("kind", "count", "level", "ok")] == [text, whole, double, boolean]
    assert types["price"] == types["kind probabilities"] == double


def test_the_model_says_what_it_is(tmp_path):
    program = dataclasses.replace(programs.table_case().program, digest="ab" * 32)
    model = valid(program, tmp_path / "m.onnx")
    properties = {each.key: each.value for each in model.metadata_props}
    assert (model.producer_name, properties["chainrule.digest"]) == ("chainrule", "ab" * 32)
    assert [each["name"] for each in json.loads(properties["chainrule.columns"])] == list(program.inputs)
    kind = json.loads(properties["chainrule.targets"])[0]
    assert (kind["label"], kind["classes"]) == ("kind label", ["cat", "dog's", 'fi"sh'])
    assert "cross_entropy" in model.doc_string
    cells = {each.name: each.doc_string for each in model.graph.input}
    assert cells["size"] == "a number, NaN where missing"
    assert (cells["bought"][:11], cells["opened"][:13]) == ("a time such", "a time of day")


# ------------------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize("start", RUNTIMES)
def test_small_probabilities_keep_their_digits_when_they_are_divided(start, tmp_path):
    net = cr.Network([1, 3], output="sigmoid", initializer=([[[1.0, 1.0, 1.0]]], [[-40.0, -41.0, -42.0]]))
    program = Program(net.architecture, net.theta, (ClassOutput("y", 0, 3, (1, 2, 3), divided=True),))
    shares = np.exp([0.0, -1.0, -2.0]) / np.exp([0.0, -1.0, -2.0]).sum()
    answer = answered(programs.Case(program, {"x1": np.array([0.0, -1e6])}, {}), tmp_path, start)["y"]
    np.testing.assert_allclose(answer.probabilities, [shares, [1 / 3] * 3], rtol=1e-6)
    assert answer.values.tolist() == [1, 1]


def test_a_runtime_that_is_too_old_is_named_in_one_line(tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")

    def old(*_, **__):
        raise NotImplementedError("Opset 20 is under development\nuntil opset 17 " + "." * 500)

    monkeypatch.setattr(onnxruntime, "InferenceSession", old)
    with pytest.raises(SettingError, match=r"^onnxruntime \S+ cannot run [^\n]{9,400}: install 1.17 or newer$"):
        running.session(tmp_path / "m.onnx")


def test_classes_that_runtimes_cut_short_are_refused():
    program = _table([Scaled("x", False, 0.0, 1.0, False)], ClassOutput("y", 0, 2, ("a", "b\0c")), activation="softmax")
    with pytest.raises(SettingError, match=r"^'y' has the class 'b\\x00c' with a NUL, which ends a text in ONNX"):
        ONNX.written(program)


def test_whole_numbers_beyond_int64_are_refused():
    program = _table([Scaled("x", False, 0.0, 1.0, False)], ClassOutput("y", 0, 2, (0, 2**63)), activation="softmax")
    with pytest.raises(SettingError, match="has the class 9223372036854775808, but ONNX has labels"):
        ONNX.written(program)


def test_gelu_in_float64_is_refused_and_float32_offered(tmp_path):
    program = programs.activation_case("gelu", "float64").program
    with pytest.raises(SettingError, match=r"gelu in float32 only.*--dtype float32"):
        export(program, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
    case = programs.activation_case("gelu", "float32")
    case = case._replace(program=program)
    agrees(
        programs.activation_case("gelu", "float32"), answered(case, tmp_path, running.in_onnxruntime, dtype="float32")
    )


def test_more_weights_than_a_file_holds_are_refused(monkeypatch):
    program = programs.network_case().program
    monkeypatch.setattr("chainrule.export.onnx.model._MOST_BYTES", 100)
    with pytest.raises(SettingError, match="a file of ONNX has at most"):
        ONNX.written(program)


def test_without_onnx_one_line_says_what_to_install(monkeypatch, tmp_path):
    program = programs.network_case().program
    export(program, tmp_path / "m.onnx")
    with contextlib.suppress(KeyError):
        monkeypatch.delitem(sys.modules, "onnx.reference")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SettingError, match=r"pip install 'chainrule\[onnx\]'"):
        ONNX.written(program)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SettingError, match="pip install onnxruntime"):
        ONNX.runner(tmp_path / "m.onnx", program)


def test_times_of_day_alone(tmp_path):
    encoder = Times("t", "hour:minute", ("days", "clock"), False, 0.5, 0.2, False)
    program = _table([encoder], _number())
    rows = {"t": np.array(["00:00:00", "12:34:56.5", None], dtype=object)}
    seconds = np.array([0.0, 45_296.5, math.nan])
    inputs = np.zeros((3, 3))
    encoder.write(Cells("t", seconds, np.isnan(seconds)), inputs)
    W, b = program.layers[0].W.astype(np.float64), program.layers[0].b
    for start in RUNTIMES:
        values = answered(programs.Case(program, rows, {}), tmp_path, start)["y"].values
        np.testing.assert_allclose(values, (inputs @ W + b)[:, 0], atol=1e-6)
