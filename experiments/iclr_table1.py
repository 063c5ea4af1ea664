"""Table 1 of Cornford et al. 2021: errors on MNIST; reads the run of `iclr_fig3_mnist`.

python -m experiments iclr_table1 --preset laptop
"""

from __future__ import annotations

from experiments import iclr, iclr_fig3_mnist, iclr_table

EXPERIMENT = iclr_table.experiment("iclr_table1", "Table 1", iclr_fig3_mnist, iclr.COLEI)
