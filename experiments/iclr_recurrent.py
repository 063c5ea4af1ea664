"""Divisive inhibition in recurrent networks (Cornford et al. 2021, appendix B.2, eqs. 18 and 19).

    python -m experiments iclr_recurrent --preset laptop --data-dir DIR

The appendix gives the equations and no experiment. Here: sequential MNIST, 1 x 100 units, beside
the subtractive DANN and the RNN of Li et al. 2023; `laptop` makes 10 of 30 epochs.
"""

from __future__ import annotations

import dalejax as dj
from experiments import evidence, networks
from experiments.base import Context, Experiment

RNN, SUBTRACTIVE, DIVISIVE = "RNN", "DANN", "divisive DANN"
FULL = {"data": "mnist", "n": 100, "n_i": 10, "updates": 56_250, "eval_every": 1875, "seeds": 10,
        "last": 5, "batch_size": 32, "learning_rate": 0.01, "clip": 10.0}  # fmt: skip
PRESETS = {
    "smoke": FULL | {"data": "digits", "n": 20, "n_i": 2, "updates": 60, "eval_every": 30,
                     "seeds": 3, "last": 1},
    "laptop": FULL | {"updates": 18_750, "last": 3},
    "paper": FULL,
}  # fmt: skip
SOURCE = "Cornford et al. 2021, appendix B.2"
ALIKE = 0.5  # points of test error, our choice


def run(context: Context) -> list[dj.claims.Claim]:
    """Train the three; compare the divisive one with the others."""
    s = context.settings
    task = context.smnist(batch_size=s["batch_size"])
    keys = dj.seed_keys(s.get("root", 0), s["seeds"])
    size, rate, clip = (1, s["n"]), s["learning_rate"], s["clip"]
    dann = dj.dann_sgd(rate, clip)
    for name, net, tx in (
        (RNN, networks.rnn(*size, task.n_out), dj.rnn_sgd(rate, clip)),
        (SUBTRACTIVE, networks.dann(*size, s["n_i"], task.n_out), dann),
        (DIVISIVE, networks.divisive(*size, s["n_i"], task.n_out), dann),
    ):
        context.train_one(name, net, tx, task, keys=keys)
    look = {"ylabel": "test error (%)", "log": True}
    curves = dj.plots.learning_curves(context.table, "test_error", **look)
    context.draw("learning_curves", curves)
    errors = {name: context.final(name, "test_error") for name in (RNN, SUBTRACTIVE, DIVISIVE)}
    context.draw("final_error", dj.plots.final_dots(errors, **look))
    statement = (
        "All of the existing DANN approaches developed above can be applied to recurrent networks"
    )
    return [
        evidence.gap_within(
            context, f"divisive_as_{id}", f"{statement} (test error, divisive DANN minus {other}).",
            SOURCE, errors[DIVISIVE], errors[other], ALIKE,
        )
        for id, other in (("subtractive", SUBTRACTIVE), ("rnn", RNN))
    ]  # fmt: skip


EXPERIMENT = Experiment(
    name="iclr_recurrent",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.4, "laptop": 10, "paper": 25},
    claims=2,
    run=run,
)
