"""Figure 2A of Li et al. 2023: RNN, ColEI and DANN on the adding problem, 1 x 10 units.

    python -m experiments fig2_adding --preset laptop

Full scale (100 epochs, 30 seeds): DANN < RNN < ColEI in median test error.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import dalejax as dj
from experiments import networks
from experiments.base import Context, Experiment, finite, rank_test
from experiments.networks import CLIPPED, FIGURE_2_STYLES, FREE

FULL = {
    "data": "generated",
    "n": 10,
    "n_i": 1,
    "updates": 14_100,
    "eval_every": 141,
    "seeds": 30,
    "learning_rate": 0.1,
    "clip_colei": 7.0,
    "clip_dann": 3.0,
    "batch_size": 64,
    "last": 5,
    "num_train": 9000,
}
SMOKE = {"updates": 30, "eval_every": 10, "seeds": 3, "last": 1, "num_train": 640}
PRESETS = {"smoke": FULL | SMOKE, "laptop": FULL, "paper": FULL}
SOURCE = "Li et al. 2023, Fig. 2A"
PAPER = {"RNN": 0.038, "DANN": 0.010, CLIPPED: 0.077}
# The mean of the two inputs: numbers in [0, 1], and 2 marks in 20 steps.
INPUT_MEAN = (0.5 + 2 / 20) / 2


def run(context: Context) -> list[dj.claims.Claim]:
    """Train the three networks, ColEI with and without gradient clipping."""
    s = context.settings
    task = dj.tasks.AddingProblem(batch_size=s["batch_size"], num_train=s["num_train"])
    keys = dj.seed_keys(s.get("root", 0), s["seeds"])
    options = {"num_updates": s["updates"], "eval_every": s["eval_every"]}
    rate = decay(s["learning_rate"], task.updates_per_epoch)

    net = networks.rnn(1, s["n"], 1)
    context.record(
        "RNN", context.train("rnn", net, dj.rnn_sgd(rate), task, keys=keys, **options).table
    )
    net = networks.dann(1, s["n"], s["n_i"], 1)
    tx = dj.dann_sgd(rate, s["clip_dann"])
    context.record("DANN", context.train("dann", net, tx, task, keys=keys, **options).table)
    mean = INPUT_MEAN if context.variant == "text" else 0.0
    net = networks.colei(1, s["n"], s["n_i"], 1, input_mean=mean)
    table = context.train(
        "colei",
        net,
        lambda clip: dj.colei_sgd(rate, clip),
        task,
        keys=jnp.concatenate([keys, keys]),
        hyperparams={"clip": jnp.repeat(jnp.array([s["clip_colei"], jnp.inf]), s["seeds"])},
        **options,
    ).table
    context.record_halves((CLIPPED, FREE), table, s["seeds"])

    errors = {name: context.final(name, "test_mse") for name in ("RNN", "DANN", CLIPPED, FREE)}
    look = {"ylabel": "test mean squared error", "styles": FIGURE_2_STYLES, "log": True}
    context.draw("learning_curves", dj.plots.learning_curves(context.table, "test_mse", **look))
    context.draw("final_error", dj.plots.final_dots(errors, **look))
    return _claims(context, errors)


def decay(initial: float, updates_per_epoch: int):
    """Schedule of the published code: x 0.99 after every 20 batches of an epoch."""

    def rate(update):
        epoch, batch = update // updates_per_epoch, update % updates_per_epoch
        decays = epoch * ((updates_per_epoch - 1) // 20) + batch // 20
        return initial * 0.99**decays

    return rate


def _claims(context: Context, errors) -> list[dj.claims.Claim]:
    summary = {name: dj.results.summary(values) for name, values in errors.items()}
    claims = []
    for worse, better, statement in (
        (CLIPPED, "RNN", "ColEI networks did not learn as well as DANNs and standard RNNs: "
         "ColEI above RNN in median test error (difference)."),
        (CLIPPED, "DANN", "ColEI networks did not learn as well as DANNs and standard RNNs: "
         "ColEI above DANN in median test error (difference)."),
        ("RNN", "DANN", "DANN below RNN in median test error (difference)."),
    ):  # fmt: skip
        test = rank_test(errors[worse], errors[better])
        difference = summary[worse]["median"] - summary[better]["median"]
        claims.append(
            context.claim(
                id=f"{worse.split()[0].lower()}_above_{better.lower()}",
                statement=statement,
                source=f"{SOURCE}; section 3.1",
                measured=difference,
                p=test.p,
                test=f"Mann–Whitney U ({test.method}), {test.n_a} vs {test.n_b}",
                reference=f"{PAPER[worse] - PAPER[better]:.3f} (means, read off the figure)",
                holds=bool(difference > 0 and test.p < 0.05),
            )
        )
    for name, paper in PAPER.items():
        interval = dj.statistics.bootstrap_interval(finite(errors[name]), seed=0)
        claims.append(
            context.claim(
                id=f"error_{name.split()[0].lower()}",
                statement=f"Final test error of {name} is {paper} (mean over seeds).",
                source=SOURCE,
                measured=summary[name]["mean"],
                spread=summary[name]["sd"],
                interval=tuple(interval),
                reference=f"{paper} (read off the figure)",
                test=f"bootstrap interval holds the reference; {summary[name]['text']}",
                holds=bool(interval.low <= paper <= interval.high),
            )
        )
    gains = dj.results.paired_differences(errors[FREE], errors[CLIPPED]).values
    diverged = int(errors[FREE].isna().sum())
    claims.append(
        context.claim(
            id="clipping_benefits_colei",
            statement="Gradient clipping benefited ColEI networks (error without minus error with "
            "clipping, median of the pairs).",
            source="Li et al. 2023, section 3.1, Fig. 10",
            measured=float(np.median(gains)) if len(gains) else None,
            reference="positive",
            holds=bool((len(gains) and np.median(gains) > 0) or diverged > len(errors[FREE]) / 2),
            test=f"{len(gains)} pairs, {diverged} diverged without clipping",
        )
    )
    return claims


EXPERIMENT = Experiment(
    name="fig2_adding",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.3, "laptop": 3.5, "paper": 3.5},
    claims=7,
    run=run,
    variants=("text", "code"),
)
