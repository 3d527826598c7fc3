"""From a table to a model: columns encoded, a network trained, answers in the table's own words and units."""

from chainrule.model.model import Model
from chainrule.model.settings import TableSettings
from chainrule.model.training import TableTraining, train_table

__all__ = ["Model", "TableSettings", "TableTraining", "train_table"]
