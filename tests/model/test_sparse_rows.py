"""Which rows are trained on without their zeros."""

import numpy as np

from chainrule.model.sparse_rows import WIDE, are_sparse


def test_rows_are_sparse_if_most_of_many_inputs_are_0_in_the_first_thousand() -> None:
    X = np.zeros((1500, WIDE + 40))
    X[:, :160] = 1.0
    assert are_sparse(X)
    assert not are_sparse(X[:, :WIDE]), "too few"
    assert not are_sparse(X, np.arange(WIDE))
    X[1000:] = 1.0
    assert are_sparse(X), "these rows are not looked at"
    assert not are_sparse(X, np.arange(WIDE + 39)), "160 of 639 are more than a fourth"
    X[999, 160] = 1.0
    assert not are_sparse(X)
