"""Profiles of columns: what the cells of each hold, by which transforms and targets are chosen."""

from chainrule.tables.profile.column import ColumnProfile, TargetProfile, profile_columns
from chainrule.tables.profile.fits import Cell
from chainrule.tables.profile.moments import Moments, standardised
from chainrule.tables.profile.shape import Shape
from chainrule.tables.profile.target_cells import TargetCells

__all__ = [
    "Cell",
    "ColumnProfile",
    "Moments",
    "Shape",
    "TargetCells",
    "TargetProfile",
    "profile_columns",
    "standardised",
]
