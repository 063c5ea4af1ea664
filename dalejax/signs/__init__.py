"""Signs as data: which parameters are excitatory, inhibitory or free, and projection on them.

A *sign tree* gives each parameter +1 (never negative), -1 (never positive) or 0 (free).
"""

from dalejax.signs.by_name import dale_signs
from dalejax.signs.rules import (
    KEY,
    ColumnSigns,
    RowSigns,
    assert_legal,
    check_populations,
    check_same,
    column_signs,
    is_legal,
    num_inhibitory,
    project,
    sign_tree,
    tree_of,
)

__all__ = [
    "KEY",
    "ColumnSigns",
    "RowSigns",
    "assert_legal",
    "check_populations",
    "check_same",
    "column_signs",
    "dale_signs",
    "is_legal",
    "num_inhibitory",
    "project",
    "sign_tree",
    "tree_of",
]
