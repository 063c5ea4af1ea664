"""Figure 4 of Cornford et al. 2021 on Fashion-MNIST, 3 x 500 units.

    python -m experiments iclr_fig4_fashion --preset laptop --data-dir DIR

Expect all but ColEI near 11 % test error, ColEI near 15. `laptop` makes 15 of 50 epochs. Beside the
figure's networks it trains those of the MNIST table, at rates of ours.
"""

from __future__ import annotations

from experiments.cornford2021 import _figure4
from experiments.cornford2021._networks import (
    BATCH,
    COLEI,
    COLEI_MANY,
    DANN,
    FEW,
    LAYER,
    MANY,
    MLP,
    NC,
    Row,
)

# Table 3 of the paper.
TABLE = {
    MLP: Row(0.08403, 1.793, 0.119, 10.626, 0.466),
    LAYER: Row(0.04743, 2.136, 0.076, 10.445, 0.455),
    BATCH: Row(0.1098, 1.104, 0.044, 9.992, 0.218),
    DANN: Row(0.01973, 3.832, 0.031, 10.962, 0.365),
    COLEI: Row(0.02265, 12.365, 0.217, 14.986, 0.674),
}
# The paper has none: the best of `search_iclr_fashion`.
SEARCHED = {FEW: 0.0247, MANY: 0.0247, NC: 0.00042, COLEI_MANY: 0.0247}
EXPERIMENT = _figure4.experiment(
    "iclr_fig4_fashion",
    "fashion_mnist",
    TABLE,
    SEARCHED,
    alike=1.0,
    expected_minutes={"smoke": 1.5, "laptop": 40, "paper": 140},
)
