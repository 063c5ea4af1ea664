"""Sign trees: which parameters are excitatory, inhibitory or free, and the projection on them.

A *sign tree* gives each parameter +1 (never negative), -1 (never positive) or 0 (free).
"""

from dalejax.signs.by_name import dale_signs
from dalejax.signs.legality import assert_legal, is_legal, project, tree_of
from dalejax.signs.rules import (
    KEY,
    ColumnSigns,
    RowSigns,
    check_populations,
    column_signs,
    num_inhibitory,
    refuse_other_signs,
    sign_tree,
)

__all__ = [
    "KEY",
    "ColumnSigns",
    "RowSigns",
    "assert_legal",
    "check_populations",
    "column_signs",
    "dale_signs",
    "is_legal",
    "num_inhibitory",
    "project",
    "refuse_other_signs",
    "sign_tree",
    "tree_of",
]
