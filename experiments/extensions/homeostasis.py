"""A homeostatic loss that makes inhibition track excitation, and what it costs in test error.

    python -m experiments homeostasis --preset laptop --data-dir DIR

ColEI networks and Dale's ANNs on sequential MNIST, 1 x 100 units, trained with the penalty
`penalties.Balance` and without it; each is tried at several rates and clips and compared at the
best by validation. Li et al. 2023 and Cornford et al. 2021 leave it as a question whether balance
is needed throughout training. `laptop` makes 6 of 30 epochs, at one clip.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.extensions import _settings
from experiments.shared import at_best, networks, tasks


@dataclass(frozen=True, kw_only=True)
class Settings(_settings.Settings):
    """Settings of the experiment.

    Attributes:
        weight: weight of the penalty in the loss.
        trials: test digits on which the imbalance is measured.
    """

    weight: float = 1.0
    trials: int = 500


PRESETS = {
    name: Settings(**asdict(settings), trials=50 if name == "smoke" else 500)
    for name, settings in _settings.PRESETS.items()
}
SOURCE = "beyond the papers"
EQUIVALENT = 0.5  # points of test error within which two networks count as equally good; our choice
KINDS = ("ColEI", "DANN")
NAMES = tuple(f"{kind}{penalty}" for kind in KINDS for penalty in ("", ", balanced"))


def train(context: Context) -> None:
    """Train both networks with the penalty and without; measure the imbalance of the best ones."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    penalised = task.penalised(dj.penalties.Balance(s.weight))
    pairs = {
        "ColEI": (networks.colei(1, s.n, s.n_i, task.n_out), dj.colei_sgd),
        "DANN": (networks.dann(1, s.n, s.n_i, task.n_out), dj.dann_sgd),
    }
    contestants = {}
    for name, pair in pairs.items():
        contestants[name] = at_best.Contestant(*pair, task, s.rates)
        contestants[f"{name}, balanced"] = at_best.Contestant(*pair, penalised, s.rates)
    trained = at_best.train(context, contestants)
    inputs = task.encode(jnp.asarray(task.data["test"][0][: s.trials]))
    rows = []
    for name, best in _found(context).items():
        params = trained[name].params(name, best.point)
        values = imbalance(contestants[name].net, params, inputs)
        rows += [(name, member, value) for member, value in enumerate(values)]
    table = pd.DataFrame(rows, columns=["network", "member", "imbalance"])
    context.write_csv("imbalance.csv", table)


def imbalance(net: dj.RecurrentNetwork, params, inputs) -> np.ndarray:
    r"""Measure how far inhibition and excitation of a layer are apart, by member [s].

    .. math:: \langle |I - E| / (I + E) \rangle \text{ over steps and trials, of the layer's mean }
              E, I

    Args:
        net: the network.
        params: its parameters, leading axis s.
        inputs: [t, b, n_in].
    """

    @jax.jit
    @jax.vmap
    def measure(p):
        E, I = dj.currents(net, p, inputs, key=jax.random.key(0))[0]  # noqa: E741
        E, I = E.mean(-1), I.mean(-1)  # noqa: E741
        total = E + I
        return jnp.where(total > 0, jnp.abs(I - E) / jnp.where(total > 0, total, 1), 0).mean()

    return np.asarray(measure(params))


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test whether the penalty lowers the imbalance, and whether it costs test error."""
    found, off = _found(context), _imbalance(context)
    note, out = at_best.note(found), []
    for name in KINDS:
        with_it = f"{name}, balanced"
        lowered = evidence.Above(
            f"balanced_{name.lower()}",
            "A homeostatic loss keeps inhibition tracking excitation (imbalance at the end, "
            f"{name} without it above with it).",
            off[name],
            off[with_it],
            (name, with_it),
        )
        out += evidence.above(context, [lowered], SOURCE, note)
        out.append(
            evidence.gap_within(
                context,
                f"no_cost_{name.lower()}",
                "Balance costs nothing (test error with the homeostatic loss minus without it, "
                f"{name}).",
                SOURCE,
                found[with_it].test,
                found[name].test,
                EQUIVALENT,
                note,
            )
        )
    return out


def draw(context: Context) -> None:
    """Draw learning curves, final errors and imbalances of the networks, each at its best."""
    at_best.draw(context, _found(context))
    look = {"ylabel": "imbalance |I - E| / (I + E)"}
    context.draw("imbalance", dj.plots.final_dots(_imbalance(context), **look))


def _found(context: Context) -> dict[str, at_best.Best]:
    return at_best.choose(context, dict.fromkeys(NAMES, context.settings.rates))


def _imbalance(context: Context) -> dict[str, pd.Series]:
    table = context.read_csv("imbalance.csv")
    groups = table.groupby("network", sort=False)
    return {str(name): rows.set_index("member").imbalance for name, rows in groups}


EXPERIMENT = Experiment(
    name="homeostasis",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 13, "paper": 200},
    claims=("balanced_colei", "no_cost_colei", "balanced_dann", "no_cost_dann"),
    train=train,
    judge=judge,
    draw=draw,
)
