"""Rows as engines take them: inputs, targets and weights, checked once, dense, sparse or memory-mapped."""
