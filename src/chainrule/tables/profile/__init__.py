"""The profile of a column: what its cells hold, gathered in one pass over the table or in two."""
