"""Table 2 of Cornford et al. 2021: errors on Kuzushiji-MNIST; reads the run of `iclr_fig4_kmnist`.

python -m experiments iclr_table2 --preset laptop
"""

from __future__ import annotations

from experiments import iclr, iclr_fig4_kmnist, iclr_table

EXPERIMENT = iclr_table.experiment("iclr_table2", "Table 2", iclr_fig4_kmnist, iclr.COLEI)
