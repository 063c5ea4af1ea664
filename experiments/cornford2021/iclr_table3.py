"""Table 3 of Cornford et al. 2021: errors on Fashion-MNIST; reads the run of `iclr_fig4_fashion`.

python -m experiments iclr_table3 --preset laptop
"""

from __future__ import annotations

from experiments.cornford2021 import _networks, _table, iclr_fig4_fashion

EXPERIMENT = _table.experiment("iclr_table3", "Table 3", iclr_fig4_fashion, _networks.COLEI)
