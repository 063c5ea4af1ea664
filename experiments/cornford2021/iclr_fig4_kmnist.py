"""Figure 4 of Cornford et al. 2021 on Kuzushiji-MNIST, 3 x 500 units.

    python -m experiments iclr_fig4_kmnist --preset laptop --data-dir DIR

Expect all but ColEI near 7 % test error, ColEI near 13. `laptop` makes 15 of 50 epochs.
"""

from __future__ import annotations

from experiments.cornford2021 import _figure4
from experiments.cornford2021._networks import BATCH, COLEI, DANN, LAYER, MLP, Row

# Table 2 of the paper.
TABLE = {
    MLP: Row(0.213, 0.0, 0.0, 6.842, 0.119),
    LAYER: Row(0.1166, 0.0, 0.0, 7.171, 0.134),
    BATCH: Row(0.7235, 0.123, 0.017, 6.747, 0.129),
    DANN: Row(0.156, 0.0, 0.0, 6.728, 0.23),
    COLEI: Row(0.05426, 1.886, 0.191, 12.763, 0.44),
}
EXPERIMENT = _figure4.experiment(
    "iclr_fig4_kmnist",
    "kmnist",
    TABLE,
    {},
    alike=0.6,
    expected_minutes={"smoke": 1, "laptop": 30, "paper": 100},
)
