"""A homeostatic loss: inhibition that tracks excitation, and what it costs.

    python -m experiments homeostasis --preset laptop --data-dir DIR

ColEI and Dale's ANNs on sequential MNIST, 1 x 100 units, with the penalty
`penalties.Balance` and without; each at several rates and clips, the best by validation. Both
papers leave it as a question whether balance is needed through training. `laptop` makes 6 of 30
epochs, at one clip.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context, Experiment
from experiments.extensions import interneurons
from experiments.shared import at_best, networks

PRESETS = {
    name: settings | {"weight": 1.0, "trials": 50 if name == "smoke" else 500}
    for name, settings in interneurons.PRESETS.items()
}
SOURCE = "beyond the papers"
ALIKE = 0.5  # points of test error, our choice


def run(context: Context) -> list[dj.claims.Claim]:
    """Train both networks with the penalty and without; compare errors and imbalance."""
    s = context.settings
    n, n_i = s["n"], s["n_i"]
    task = context.smnist(batch_size=s["batch_size"], num_valid=s["num_valid"])
    penalised = task.penalised(dj.penalties.Balance(s["weight"]))
    pairs = {
        "ColEI": (networks.colei(1, n, n_i, task.n_out), dj.colei_sgd),
        "DANN": (networks.dann(1, n, n_i, task.n_out), dj.dann_sgd),
    }
    nets = {}
    for name, pair in pairs.items():
        for label, what in ((name, task), (f"{name}, balanced", penalised)):
            nets[label] = at_best.Contestant(*pair, what, s["rates"])
    found = at_best.train(context, nets)
    inputs = task.encode(jnp.asarray(task.data["test"][0][: s["trials"]]))
    off = {name: imbalance(nets[name].net, best.params, inputs) for name, best in found.items()}
    rows = [(name, i, x) for name, values in off.items() for i, x in values.items()]
    table = pd.DataFrame(rows, columns=["network", "member", "imbalance"])
    context.write_csv("imbalance.csv", table, digits=4)
    look = {"ylabel": "imbalance |I - E| / (I + E)"}
    context.draw("imbalance", dj.plots.final_dots(off, **look))
    out, told = [], at_best.note(found)
    for name in pairs:
        with_it = f"{name}, balanced"
        out += evidence.above(
            context,
            [
                evidence.Above(
                    f"balanced_{name.lower()}",
                    "A homeostatic loss keeps inhibition tracking "
                    f"excitation (imbalance at the end, {name} without it above with it).",
                    off[name],
                    off[with_it],
                    (name, with_it),
                )
            ],
            SOURCE,
            told,
        )
        out.append(
            evidence.gap_within(
                context,
                f"no_cost_{name.lower()}",
                "Balance costs nothing (test error with the "
                f"homeostatic loss minus without it, {name}).",
                SOURCE,
                found[with_it].test,
                found[name].test,
                ALIKE,
                told,
            )
        )
    return out


def imbalance(net, params, inputs) -> pd.Series:
    """Average |I - E| / (I + E) over a layer's mean currents, steps and trials, by member."""

    @jax.jit
    @jax.vmap
    def of(p):
        E, I = dj.currents(net, p, inputs, key=jax.random.key(0))[0]  # noqa: E741
        E, I = E.mean(-1), I.mean(-1)  # noqa: E741
        total = E + I
        return jnp.where(total > 0, jnp.abs(I - E) / jnp.where(total > 0, total, 1), 0).mean()

    return pd.Series(np.asarray(of(params)))


EXPERIMENT = Experiment(
    name="homeostasis",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 13, "paper": 200},
    claims=4,
    run=run,
)
