"""A whole table in memory, from anything that holds one."""

from chainrule.tables.sources import as_source


def read_table(source):
    return as_source(source).table()
