"""A whole table in memory, from anything that holds one; a whole column as words."""

import numpy as np

from chainrule.tables.columns import words_of
from chainrule.tables.sources import as_source


def read_table(source):
    return as_source(source).table()


def column_as_words(column, name="?"):
    """The cells as canonical text, None where missing, and which are missing."""
    words = words_of(column, name).to_numpy(zero_copy_only=False)
    return words, words == np.array(None)
