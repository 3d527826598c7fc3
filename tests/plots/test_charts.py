"""Charts: places of values, round values that do not touch, and text that cannot become markup."""

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest

from chainrule.plots.charts import Axis, Chart, key
from chainrule.plots.markup import Markup, joined, tag, text
from chainrule.plots.rows_chart import Mark, rows_chart


def test_text_is_escaped_once():
    evil = "<b a='1' c=\"2\">&</b>\u202e\x00"
    assert text(evil) == "&lt;b a=&#x27;1&#x27; c=&quot;2&quot;&gt;&amp;&lt;/b&gt;\\u202e\\x00"
    assert tag("p", tag("b", evil)) == f"<p><b>{text(evil)}</b></p>"
    assert tag("p", None, "x", title=evil, id=None) == f'<p title="{text(evil)}">x</p>'
    assert joined(Markup("<br>"), "<br>") == "<br>&lt;br&gt;"
    assert tag("meta", name="a") == '<meta name="a">'


def test_a_logarithmic_axis_has_powers_and_an_odd_one_its_own_texts():
    axis = Axis([1.0, 1000.0], 0, 90, log=True)
    assert (axis.at(10.0), [name for _, name in axis.ticks(5)]) == (
        pytest.approx(30),
        ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1,000"],
    )
    assert Axis([0, 1], 0, 100, ticks=[(0, "first"), (1, "last")]).ticks(9) == [(0, "first"), (100, "last")]


@pytest.mark.parametrize(
    "values", [[0.0], [], [math.nan, math.inf], [1e308, -1e308], [5.0, 5.0], [1e-320, 1.0], [-0.0, 3.0]]
)
def test_any_numbers_make_a_chart(values):
    chart = Chart(values, values, ("across", "up"))
    chart.line([(value, value) for value in values])
    chart.dots([(value, value) for value in values], 7)
    picture = ET.fromstring(chart.svg("title", "description"))
    assert picture[0].text == "title"
    numbers = re.findall(r'\b(?:x|y|x1|x2|y1|y2|cx|cy)="([^"]*)"', chart.svg("t"))
    assert all(math.isfinite(float(number)) for number in numbers)


def test_bars_stand_on_zero_and_lines_differ_in_dashes():
    chart = Chart([0.0, 2.0], [0.0, 4.0], ("x", "y"), log=(False, False))
    chart.bars([(0.0, 1.0, 4.0), (1.0, 2.0, 2.0)])
    heights = [float(h) for h in re.findall(r'height="([0-9.]+)"', str(chart.svg("t")))][1:]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.11)
    legend = key(["a", "<b>"])
    assert legend is not None
    assert "&lt;b&gt;" in legend
    assert len(set(re.findall(r"stroke-dasharray=\"([^\"]*)\"|class=\"line s(\d)\"", legend))) > 1
    assert key(["alone"]) is None


def test_texts_along_an_axis_do_not_touch():
    marks = [("a", [Mark(0.0, -2e6, 6e6)]), ("b" * 99, [Mark(-1.0, -1.0, -1.0, 1)])]
    for bars in (False, True):
        picture = ET.fromstring(rows_chart(marks, "units", "title", bars=bars))
        texts = [each for each in picture.iter("text") if each.get("text-anchor") == "middle"][:-1]
        ends = [(float(each.get("x")), 3.35 * len(each.text)) for each in texts]
        for (x, half), (following, other) in itertools.pairwise(ends):
            assert x + half < following - other
        assert all(0 <= x + half <= 360 for x, half in ends)
