"""Pictures: what is drawn, in which formats, without pyplot, and inline without any library."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.plots import check_picture, lines_svg


def history(**more):
    made = {"cost": [4.0, 0.4, 0.1], "validation": [5.0, 0.5, 0.7], "metrics": {}, "rate": [0.1] * 3, "best_epoch": 1}
    return cr.History(**{**made, "seed": 0, "engine": "reference", **more})


BEGINS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", BEGINS)
def test_a_picture_is_written_as_its_name_says_and_again_with_the_same_bytes(tmp_path, suffix):
    history().plot(tmp_path / f"a{suffix}")
    history().plot(tmp_path / f"b{suffix.upper()}")
    written = (tmp_path / f"a{suffix}").read_bytes()
    assert written.startswith(BEGINS[suffix])
    assert written == (tmp_path / f"b{suffix.upper()}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["a.jpeg", "a", "png"])
def test_another_ending_is_refused_before_anything_is_written(tmp_path, name):
    for attempt in (history().plot, check_picture):
        with pytest.raises(SettingError, match=re.escape("must end in .png, .svg or .pdf")):
            attempt(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_message_has_the_command(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SettingError, match=re.escape("pip install 'chainrule[plot]'")):
        history().plot()
    assert "<svg" in history()._repr_html_()


def test_curves_of_training_mark_the_best_epoch():
    axes = history().plot().axes
    assert len(axes) == 1
    assert (axes[0].get_xlabel(), axes[0].get_ylabel(), axes[0].get_yscale()) == ("epoch", "cost", "log")
    lines = {line.get_label(): line for line in axes[0].lines}
    assert list(lines["training"].get_ydata()) == [4.0, 0.4, 0.1]
    assert list(lines["validation"].get_xdata()) == [1, 2, 3]
    assert list(lines["best epoch: 2"].get_xdata()) == [2, 2]


def test_metrics_and_a_rate_that_varies_get_panels_of_their_own():
    axes = history(metrics={"accuracy": [0.1, 0.5, 0.4]}, rate=[0.1, 0.05, 0.01]).plot().axes
    assert [part.get_ylabel() for part in axes] == ["cost", "accuracy", "learning rate"]
    assert history(cost=[], validation=[], rate=[], best_epoch=-1).plot().axes[0].get_yscale() == "linear"


@pytest.mark.parametrize(
    ("f", "v0", "labels"),
    [
        (lambda x, y: (x - 1) ** 2 + 10 * (y - x) ** 2, (0.0, 2.0), [("x", "y"), ("step", "cost")]),
        (lambda x: (x - 1) ** 2, (3.0,), [("x", "cost"), ("step", "cost")]),
        (lambda x, y, z: x * x + y * y + z * z, (1.0, 2.0, 3.0), [("step", "cost")]),
        (lambda x, y: (x - 1) ** 2 + 0 * y, (0.0, 2.0), [("x", "y"), ("step", "cost")]),  # straight along an axis
        (lambda x, y: x * x + y * y, (0.0, 0.0), [("x", "y"), ("step", "cost")]),  # nothing to do
        (lambda x, y: np.log(x) * 0 + 1.0 + 0 * y, (0.1, 0.2), [("x", "y"), ("step", "cost")]),  # flat, with an edge
    ],
)
def test_a_descent_is_drawn_by_its_number_of_variables(tmp_path, f, v0, labels):
    found = cr.minimize(f, v0, optimizer=cr.SGD(0.04), max_steps=300)
    figure = found.plot(tmp_path / "path.png", names=("x", "y", "z")[: len(v0)])
    assert [(part.get_xlabel(), part.get_ylabel()) for part in figure.axes] == labels
    if len(v0) == 2:
        path = next(line for line in figure.axes[0].lines if line.get_label() == "path")
        assert np.array_equal(path.get_xydata(), found.path)


def test_a_diverging_descent_is_drawn_as_far_as_it_is_finite(tmp_path):
    found = cr.minimize(lambda x, y: x**4 + y**4, (3.0, 3.0), optimizer=cr.SGD(0.1))
    assert found.status == 2
    found.plot(tmp_path / "path.png")


def test_the_users_backend_is_left_alone(tmp_path):
    code = "import chainrule, sys; chainrule.minimize(abs, 1.0, max_steps=3).plot('a.png'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "matplotlib.pyplot" not in done.stdout.split()


def svg(text):
    return ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])


def test_inline_curves_are_well_formed_and_follow_the_page():
    found = history(message="a < b")._repr_html_()
    assert "a &lt; b" in found
    picture = svg(found)
    lines = [part for part in picture.iter() if part.tag.endswith("polyline")]
    assert [len(line.get("points").split()) for line in lines] == [3, 3]
    assert picture.get("fill") == "currentColor"
    xs = [float(point.split(",")[0]) for point in lines[0].get("points").split()]
    ys = [float(point.split(",")[1]) for point in lines[0].get("points").split()]
    assert xs == sorted(xs)
    assert ys == sorted(ys)


def texts(picture):
    return [part.text for part in picture.iter() if part.tag.endswith("text")]


def test_inline_curves_have_round_values_where_they_belong():
    found = texts(svg(lines_svg({"cost": ([1, 2, 3, 4], [0.0, 1.0, 2.5, 4.0])}, "epoch")))
    assert found == ["0", "1", "2", "3", "4", "1", "2", "3", "4", "epoch", "cost"]
    picture = svg(lines_svg({"cost": ([0, 5000], [1e-9, 100.0])}, "step"))
    assert texts(picture)[:4] == ["1e-9", "1e-6", "0.001", "1"]
    heights = [float(part.get("y")) for part in picture.iter() if part.text in ("1e-9", "1e-6", "0.001", "1")]
    assert np.ptp(np.diff(heights)) < 0.2  # equal factors, equal distances
    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize("ends", [(-1e307, 1e307), (5e-324, 1e308), (1.0, 1.0 + 2**-52), (3.0, 3.0), (-7.5, 2e-9)])
def test_inline_curves_of_any_numbers_are_drawn(ends):
    picture = svg(lines_svg({"cost": ([0, 1], list(ends))}, "step"))
    assert 3 <= len(texts(picture)) <= 20
    for line in (part for part in picture.iter() if part.get("points")):
        assert all(0 <= float(n) <= 460 for n in re.split("[ ,]", line.get("points")))


def test_inline_curves_mark_the_best_epoch_beside_its_line():
    picture = svg(history()._repr_html_())
    (line,) = [part for part in picture.iter() if part.get("stroke-dasharray")]
    points = next(part for part in picture.iter() if part.get("points")).get("points").split()
    assert line.get("x1") == points[1].split(",")[0]
    assert "best epoch: 2" in texts(picture)


def test_inline_curves_of_nothing_one_point_and_too_many():
    assert "no epoch" in lines_svg({"cost": ([], [])}, "epoch")
    assert "<circle" in lines_svg({"cost": ([1], [2.0])}, "epoch")
    assert "nan" not in lines_svg({"cost": ([1, 2, 3], [2.0, float("nan"), float("inf")])}, "epoch")
    many = lines_svg({"cost": (range(10_000), np.linspace(1, 2, 10_000).tolist())}, "step")
    assert len(many) < 10_000
    assert "<svg" in cr.minimize(lambda x: x * x, 1.0)._repr_html_()


# --- a network as it is drawn ----------------------------------------------------------------------------------------


def drawing(net):
    found = net._repr_html_()
    return found, ET.fromstring(found[found.index("<svg") : found.index("</svg>") + 6])


def labels(svg):
    return ["".join(part.itertext()) for part in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_a_network_is_drawn_with_sizes_and_activations():
    found, svg = drawing(cr.Network([3, 100, 4, 2], ["relu", "tanh"], "softmax", "cross_entropy"))
    assert labels(svg) == ["3", "inputs", "⋮", "100", "relu", "4", "tanh", "2", "softmax"]
    circles = list(svg.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 3 + 6 + 4 + 2
    lines = [path.get("d").count("M") for path in svg.iter("{http://www.w3.org/2000/svg}path")]
    assert lines == [3 * 6, 6 * 4, 4 * 2]
    assert "814 parameters, float32, cost cross_entropy" in found
    assert len(found) < 6000


def test_a_deep_and_wide_network_is_drawn_small():
    found, svg = drawing(cr.Network([50] * 40, "relu"))
    assert "32 more layers" in labels(svg)
    assert len(found) < 20_000


def test_blocks_of_outputs_are_named_and_long_text_is_cut_and_escaped():
    net = cr.Network([2, 3, 5], "relu", [("softmax", 3), ("identity", 2)], ["cross_entropy", "quadratic"])
    found, svg = drawing(net)
    assert labels(svg)[-1] == "3 softmax + 2 i…3 softmax + 2 identity"  # the whole of it is the title
    assert "cost cross_entropy, quadratic" in found


def test_a_model_escapes_the_names_of_a_strangers_table():
    model = cr.train_table({"x": range(20), "<script>": range(20)}, "<script>", epochs=1)
    assert "<script>" not in model._repr_html_()
    assert "&lt;script&gt; from 1 column<" in model._repr_html_()
