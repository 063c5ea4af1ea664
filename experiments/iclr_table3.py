"""Table 3 of Cornford et al. 2021: errors on Fashion-MNIST; reads the run of `iclr_fig4_fashion`.

python -m experiments iclr_table3 --preset laptop
"""

from __future__ import annotations

from experiments import iclr, iclr_fig4_fashion, iclr_table

EXPERIMENT = iclr_table.experiment("iclr_table3", "Table 3", iclr_fig4_fashion, iclr.COLEI)
