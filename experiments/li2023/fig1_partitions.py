"""Figure 1 of Li et al. 2023: how ColEI and DANN part a layer into E and I, in trained weights.

python -m experiments fig1_partitions --preset laptop --data-dir DIR
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.engine.settings import Training
from experiments.shared import networks, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of the experiment.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        rate: learning rate.
        clip: largest gradient norm.
        bias: start of ColEI's bias: "zero" or "centred" (cancels the mean input).
    """

    n: int
    n_i: int
    rate: float
    clip: float
    bias: str


FULL = Settings(
    data="mnist",
    n=40,
    n_i=8,
    updates=3750,
    eval_every=1875,
    seeds=2,
    batch_size=32,
    rate=0.01,
    clip=10.0,
    bias="zero",
    last=1,
)
PRESETS = {
    "smoke": FULL.replaced(data="digits", n=10, n_i=2, updates=20, eval_every=10),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 1; section 2.1"


def train(context: Context) -> None:
    """Train both networks, draw their first matrices, and count entries of the wrong sign."""
    s, task = context.settings, tasks.smnist(context)
    size = (1, s.n, s.n_i, task.n_out)
    colei = networks.colei(*size, input_mean=networks.input_mean(s.bias, task))
    dann = networks.dann(*size)
    pairs = {"ColEI": (colei, dj.colei_sgd), "DANN": (dann, dj.dann_sgd)}
    params = {}
    for name, (net, optimizer) in pairs.items():
        run = comparison.train_one(context, name, net, optimizer(s.rate, s.clip), task)
        params[name] = jax.tree.map(np.asarray, run.params)
    ours, theirs = (_first(params[name]) for name in pairs)
    pictures = {
        "ColEI: W": ours["W"],
        "DANN: W_ee": theirs["W_ee"],
        "W_ie": theirs["W_ie"],
        "-W_ei": -theirs["W_ei"],
        "W_ee - W_ei W_ie": np.asarray(dann.cells[0].effective(theirs).W),
    }
    context.draw("partitions", dj.plots.signed_matrices(pictures))
    W = np.asarray(dann.cells[0].effective(params["DANN"]["cells_0"]).W)
    context.write_facts(
        smallest_input_weight=float(params["ColEI"]["cells_0"]["U"].min()),
        wrong_colei=int(_illegal(params["ColEI"])),
        wrong_dann=int(_illegal(params["DANN"])),
        mixed_columns=float(((W > 0).any(1) & (W < 0).any(1)).mean()),
    )


def judge(context: Context) -> list[dj.claims.Claim]:
    """Check the signs that the trained networks store."""
    smallest, mixed = context.fact("smallest_input_weight"), context.fact("mixed_columns")
    wrong = {name: context.fact(f"wrong_{name.lower()}") for name in ("ColEI", "DANN")}
    return [
        evidence.number(
            context,
            "input_weights_positive",
            "The input weights of the first recurrent layer are "
            "all positive (smallest entry after training).",
            SOURCE,
            smallest,
            smallest >= 0,
            "≥ 0",
        ),
        evidence.number(
            context,
            "columns_have_one_sign",
            "All other weight matrices are constrained to have "
            "columns whose entries are the same sign (entries on the wrong side, after "
            "training).",
            SOURCE,
            wrong["ColEI"],
            wrong["ColEI"] == 0,
            "0",
        ),
        evidence.number(
            context,
            "dann_parts_non_negative",
            "A DANN layer reparameterises the weight matrices "
            "using three separate non-negative matrices (negative entries, after training).",
            SOURCE,
            wrong["DANN"],
            wrong["DANN"] == 0,
            "0",
        ),
        evidence.number(
            context,
            "dann_entries_unconstrained",
            "Such a parameterisation allows the sign of "
            "each element of W to be unconstrained (share of W's columns with both signs, after "
            "training).",
            SOURCE,
            mixed,
            mixed > 0.9,
            "above 0.9",
        ),
    ]


def _first(params):
    """Give the cell of the first seed."""
    return jax.tree.map(lambda leaf: np.asarray(leaf[0]), params["cells_0"])


def _illegal(params) -> int:
    """Count the entries outside of their signs, over all members."""
    legal = dj.signs.project(params)
    return sum(
        int((np.asarray(a) != np.asarray(b)).sum())
        for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(legal), strict=True)
    )


EXPERIMENT = Experiment(
    name="fig1_partitions",
    source="Li et al. 2023, Fig. 1",
    presets=PRESETS,
    expected_minutes={"smoke": 0.2, "laptop": 0.5, "paper": 0.5},
    claims=(
        "input_weights_positive",
        "columns_have_one_sign",
        "dann_parts_non_negative",
        "dann_entries_unconstrained",
    ),
    train=train,
    judge=judge,
)
