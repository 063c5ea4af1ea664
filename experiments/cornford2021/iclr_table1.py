"""Table 1 of Cornford et al. 2021: errors on MNIST; reads the run of `iclr_fig3_mnist`.

python -m experiments iclr_table1 --preset laptop
"""

from __future__ import annotations

from experiments.cornford2021 import _networks, _table, iclr_fig3_mnist

EXPERIMENT = _table.experiment("iclr_table1", "Table 1", iclr_fig3_mnist, _networks.COLEI)
