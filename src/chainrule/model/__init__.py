"""From a table to a model: columns encoded, a network trained, answers in the table's own words and units."""

from chainrule.model.model import Model
from chainrule.model.settings import Settings
from chainrule.model.training import TableTraining, train_table

__all__ = ["Model", "Settings", "TableTraining", "train_table"]
