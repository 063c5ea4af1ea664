"""Kinds of inhibition in one program: interneurons, ones that inhibit each other, and slow units.

    python -m experiments interneurons --preset laptop --data-dir DIR

Sequential MNIST, 1 x 100 units. A hybrid network has ten slow inhibitory units among them, as
ColEI has, and ten fast interneurons on top, as a Dale's ANN; all at several rates and clips, the
best by validation. `laptop` makes 6 of 30 epochs, at one clip.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Context, Experiment
from experiments.shared import at_best, networks

RNN, DANN, MUTUAL, HYBRID, COLEI = "RNN", "DANN", "DANN, mutual", "hybrid", "ColEI"
FULL = {
    "data": "mnist",
    "n": 100,
    "n_i": 10,
    "updates": 46_860,
    "eval_every": 1562,
    "seeds": 10,
    "last": 5,
    "batch_size": 32,
    "rates": (0.005, 0.01, 0.02, 0.04),
    "clips": (1.0, 10.0),
    "num_valid": 10_000,
}
PRESETS = {
    "smoke": FULL
    | {
        "data": "digits",
        "n": 20,
        "n_i": 2,
        "updates": 20,
        "eval_every": 10,
        "seeds": 3,
        "last": 1,
        "rates": (0.01, 0.02),
        "num_valid": 500,
    },
    "laptop": FULL
    | {"updates": 9_372, "seeds": 5, "last": 1, "rates": (0.01, 0.03), "clips": (10.0,)},
    "paper": FULL,
}
SOURCE = "beyond the papers"
ALIKE = 0.5  # points of test error, our choice


def run(context: Context) -> list[dj.claims.Claim]:
    """Train the five networks at all rates; compare each at its best."""
    s = context.settings
    n, n_i = s["n"], s["n_i"]
    task = context.smnist(batch_size=s["batch_size"], num_valid=s["num_valid"])

    def recurrent(cell, readout):
        return dj.RecurrentNetwork([cell], readout)

    nets = {
        RNN: (networks.rnn(1, n, task.n_out), dj.rnn_sgd),
        DANN: (networks.dann(1, n, n_i, task.n_out), dj.dann_sgd),
        MUTUAL: (
            recurrent(dj.MutualDANNCell(n, n_i=n_i), dj.DANNDense(task.n_out)),
            dj.dann_sgd,
        ),
        HYBRID: (
            recurrent(dj.HybridCell(n, n_i=n_i, slow_n_i=n_i), dj.HybridDense(task.n_out)),
            dj.dann_sgd,
        ),
        COLEI: (networks.colei(1, n, n_i, task.n_out), dj.colei_sgd),
    }
    found = at_best.train(
        context, {name: at_best.Contestant(*pair, task, s["rates"]) for name, pair in nets.items()}
    )
    test = {name: best.test for name, best in found.items()}
    told = at_best.note(found)
    return [
        evidence.gap_within(
            context,
            f"{id}_as_dann",
            f"{statement} (test error minus the Dale's ANN's).",
            SOURCE,
            test[name],
            test[DANN],
            ALIKE,
            told,
        )
        for id, name, statement in (
            (
                "mutual",
                MUTUAL,
                "Interneurons that inhibit each other learn as well as ones that do not",
            ),
            (
                "hybrid",
                HYBRID,
                "A network with slow and fast inhibition learns as well as one "
                "with fast inhibition alone",
            ),
        )
    ] + evidence.above(
        context,
        [
            evidence.Above(
                "fast_inhibition_rescues",
                "A network with slow inhibitory units is better off "
                "with fast interneurons than without (test error of ColEI above the hybrid's).",
                test[COLEI],
                test[HYBRID],
                (COLEI, HYBRID),
            )
        ],
        SOURCE,
        told,
    )


EXPERIMENT = Experiment(
    name="interneurons",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 6, "paper": 150},
    claims=3,
    run=run,
)
