"""Excitation and inhibition before and after a transplant (Li et al. 2023, section 3.3).

    python -m experiments balance --preset laptop

Nothing is trained: ColEI networks of 1000 units, 10 % inhibitory, and the same ones with an RNN's
spectrum. The balance of a unit is the sum of its incoming weights.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy import stats

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.li2023 import _settings
from experiments.shared import spectra

FULL = _settings.Starts(
    data="none",
    n=1000,
    n_i=100,
    seeds=10,
)
PRESETS = {
    "smoke": FULL.replaced(n=20, n_i=2, seeds=3),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, section 3.3"


def train(context: Context) -> None:
    """Transplant the RNN's spectrum into ColEI matrices; sum the weights of every unit."""
    s, keys = context.settings, context.keys()
    colei = spectra.recurrent_weights(dj.ColEICell(s.n, n_i=s.n_i), keys)
    rnn = spectra.recurrent_weights(dj.RNNCell(s.n), keys)
    # One seed after the other: the vectors of all seeds at once would need too much memory.
    hybrid = jnp.stack([dj.spectrum.transplant(a, b) for a, b in zip(colei, rnn, strict=True)])
    parts = [
        pd.DataFrame({"stage": stage, "member": member, "balance": sums})
        for stage, W in (("before", colei), ("after", hybrid))
        for member, sums in enumerate(np.asarray(dj.spectrum.ei_balance(W)))
    ]
    context.write_parquet("balance.parquet", pd.concat(parts, ignore_index=True))


def _sums(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Read the sum of every unit's weights before and after the transplant, [seeds, units] each."""
    table = context.read_parquet("balance.parquet").astype({"balance": float})
    before, after = (
        np.stack([own.balance for _, own in table[table.stage == stage].groupby("member")])
        for stage in ("before", "after")
    )
    return before, after


def draw(context: Context) -> None:
    """Draw the mean sum of a unit's weights before and after the transplant."""
    before, after = _sums(context)
    means = {"ColEI": before.mean(1), "ColEI vectors + RNN spectrum": after.mean(1)}
    look = {"ylabel": "mean sum of a unit's weights", "hlines": {"balanced": 0.0}}
    context.draw("balance", dj.plots.final_dots(means, **look))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test whether the transplant changes the balance of excitation and inhibition."""
    s = context.settings
    before, after = _sums(context)
    shift = after.mean(1) - before.mean(1)
    p = np.array([stats.ttest_ind(a, b).pvalue for a, b in zip(before, after, strict=True)])
    altered = int((dj.statistics.holm(p) < evidence.LEVEL).sum())
    sentence = f"for a ColEI network with 10 % inhibitory neurons and {s.n} hidden units"
    spread_before, spread_after = before.std(1, ddof=1), after.std(1, ddof=1)
    return [
        evidence.number(
            context,
            "not_altered",
            "We investigated if the empirical EI balance at initialisation "
            "was altered. We found it was not (mean p of a t-test of each network's units, before "
            "against after).",
            SOURCE,
            p,
            altered == 0,
            "0.12",
            note=f"over the networks the shift is {shift.mean():.3f} ± {shift.std(ddof=1):.3f}: "
            "there, but small beside the units' spread",
            test=f"t-test, {s.n} units; Holm over {len(p)} networks: {altered} below 0.05",
        ),
        evidence.number(
            context,
            "mean_before",
            f"The mean balance across units was -0.0006 {sentence}.",
            SOURCE,
            before.mean(1),
            abs(before.mean(1).mean()) < 0.1,
            "-0.0006 (here: ± 0.1)",
        ),
        evidence.number(
            context,
            "mean_after",
            f"For ColEI with the RNN spectrum it was 0.0696, {sentence}.",
            SOURCE,
            after.mean(1),
            abs(after.mean(1).mean()) < 0.1,
            "0.0696 (here: ± 0.1)",
        ),
        evidence.number(
            context,
            "sd_before",
            f"The standard deviation of the balance across units was 1.12, {sentence}.",
            SOURCE,
            spread_before,
            abs(spread_before.mean() / 1.12 - 1) < 0.15,
            "1.12 ± 15 %",
        ),
        evidence.number(
            context,
            "sd_after",
            f"The standard deviation of the balance with the RNN spectrum was 0.88, {sentence}.",
            SOURCE,
            spread_after,
            abs(spread_after.mean() / 0.88 - 1) < 0.15,
            "0.88 ± 15 %",
        ),
    ]


EXPERIMENT = Experiment(
    name="balance",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.1, "laptop": 0.5, "paper": 0.5},
    claims=(
        "not_altered",
        "mean_before",
        "mean_after",
        "sd_before",
        "sd_after",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
