"""Plots of training and of descent: matplotlib figures, and small inline SVG that needs no library."""

from chainrule.plots.descent import descent_figure
from chainrule.plots.figures import check_picture, write_figure
from chainrule.plots.inline import lines_svg
from chainrule.plots.layers import Column, layers_svg
from chainrule.plots.training import rates_figure, training_figure

__all__ = [
    "Column",
    "check_picture",
    "descent_figure",
    "layers_svg",
    "lines_svg",
    "rates_figure",
    "training_figure",
    "write_figure",
]
