"""Table 2 of Cornford et al. 2021: errors on Kuzushiji-MNIST; reads the run of `iclr_fig4_kmnist`.

python -m experiments iclr_table2 --preset laptop
"""

from __future__ import annotations

from experiments.cornford2021 import _networks, _table, iclr_fig4_kmnist

EXPERIMENT = _table.experiment("iclr_table2", "Table 2", iclr_fig4_kmnist, _networks.COLEI)
