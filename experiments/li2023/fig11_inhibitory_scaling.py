"""Figure 11 of Li et al. 2023: DANN's scaling of inhibitory updates does not help ColEI.

    python -m experiments fig11_inhibitory_scaling --preset laptop --data-dir DIR

Full scale: the gradient of ColEI's inhibitory columns is multiplied by 1, 1/√n and 1/n.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import optax

import dalejax as dj
from experiments.engine import comparison, evidence
from experiments.engine.base import Experiment
from experiments.engine.comparison import Arm
from experiments.engine.context import Context
from experiments.li2023 import _settings
from experiments.shared import networks, tasks

FULL = _settings.SequentialMNIST(
    data="mnist",
    n=100,
    n_i=10,
    updates=56_250,
    eval_every=1125,
    seeds=10,
    last=5,
    batch_size=32,
    bias="zero",
    rate=0.01,
    clip=10.0,
)
PRESETS = {
    "smoke": FULL.replaced(data="digits", n=20, n_i=2, updates=20, eval_every=10, seeds=3, last=1),
    "laptop": FULL,
    "paper": FULL,
}
SOURCE = "Li et al. 2023, Fig. 11"
LIMIT = 0.3  # points of test error; a smaller gain counts as none; our choice
PLAIN, ROOT, WHOLE = "ColEI", "ColEI, I × 1/√n", "ColEI, I × 1/n"


def scale_inhibitory(factor) -> optax.GradientTransformation:
    """Multiply the gradient of every entry that Dale's law keeps negative by a factor."""

    def leaf(sign, gradient):
        free = isinstance(sign, optax.MaskedNode)
        return gradient if free else jnp.where(sign < 0, factor * gradient, gradient)

    def update(updates, params):
        signs = dj.signs.tree_of(params)
        return jax.tree.map(
            leaf, signs, updates, is_leaf=lambda node: isinstance(node, optax.MaskedNode)
        )

    return optax.stateless(update)


def train(context: Context) -> None:
    """Train ColEI with the three factors, from the same starts, in one ensemble."""
    s = context.settings
    task = tasks.smnist(context)
    mean = networks.input_mean(s.bias, task)
    net = networks.colei(1, s.n, s.n_i, task.n_out, input_mean=mean)

    def make_tx(factor):
        return optax.chain(
            scale_inhibitory(factor),
            dj.clip_by_tensor_norm(s.clip),
            optax.sgd(s.rate),
            dj.dale_projection(),
        )

    factors = {PLAIN: 1.0, ROOT: 1 / math.sqrt(s.n), WHOLE: 1 / s.n}
    arms = {name: Arm(context.keys(), None, {"factor": f}) for name, f in factors.items()}
    trained = comparison.train(context, "colei", net, make_tx, task, arms)
    comparison.record(context, trained, lambda arm, _: arm)


def draw(context: Context) -> None:
    """Draw the learning curves and the final test errors."""
    look = {"ylabel": "test error (%)", "log": True}
    context.draw("learning_curves", dj.plots.learning_curves(context.table, "test_error", **look))
    context.draw("final_error", dj.plots.final_dots(_errors(context), **look))


def _errors(context: Context) -> dict:
    return {name: context.final(name, "test_error") for name in (PLAIN, ROOT, WHOLE)}


def judge(context: Context) -> list[dj.claims.Claim]:
    """Bound what scaling the inhibitory columns' gradient gains."""
    errors, out = _errors(context), []
    for id, name in (("root", ROOT), ("whole", WHOLE)):
        pairs = dj.results.paired_differences(errors[PLAIN], errors[name])
        out.append(
            evidence.mean(
                context,
                f"no_gain_{id}",
                "The inhibitory parameter scaling of DANNs did not "
                f"improve ColEI network performance (error of ColEI minus that of {name}).",
                f"{SOURCE}; section 3.1",
                pairs.values,
                lambda gain: gain.high < LIMIT,
                f"interval below {LIMIT:g}",
                test=f"bootstrap of {len(pairs.values)} seed pairs, {pairs.n_dropped} diverged",
            )
        )
    return out


EXPERIMENT = Experiment(
    name="fig11_inhibitory_scaling",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 24, "paper": 24},
    claims=(
        "no_gain_root",
        "no_gain_whole",
    ),
    train=train,
    judge=judge,
    draw=draw,
)
