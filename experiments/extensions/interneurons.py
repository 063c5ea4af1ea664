"""Kinds of inhibition compared: fast interneurons, mutually inhibiting ones, and slow units.

    python -m experiments interneurons --preset laptop --data-dir DIR

Sequential MNIST, 1 x 100 units. A hybrid network has ten slow inhibitory units among its units, as
ColEI has, and ten fast interneurons on top, as a Dale's ANN has; every network is tried at several
rates and clips and compared at the best by validation. `laptop` makes 6 of 30 epochs, at one clip.
"""

from __future__ import annotations

import dalejax as dj
from experiments.engine import evidence
from experiments.engine.base import Experiment
from experiments.engine.context import Context
from experiments.extensions._settings import PRESETS
from experiments.shared import at_best, networks, tasks

RNN, DANN, MUTUAL, HYBRID, COLEI = "RNN", "DANN", "DANN, mutual", "hybrid", "ColEI"
NAMES = (RNN, DANN, MUTUAL, HYBRID, COLEI)
SOURCE = "beyond the papers"
EQUIVALENT = 0.5  # points of test error within which two networks count as equally good; our choice


def train(context: Context) -> None:
    """Train the five networks at all rates and clips."""
    s = context.settings
    task = tasks.smnist(context, num_valid=s.num_valid)
    n, n_i, n_out = s.n, s.n_i, task.n_out
    mutual, hybrid = dj.MutualDANNCell(n, n_i=n_i), dj.HybridCell(n, n_i=n_i, slow_n_i=n_i)
    nets = {
        RNN: (networks.rnn(1, n, n_out), dj.rnn_sgd),
        DANN: (networks.dann(1, n, n_i, n_out), dj.dann_sgd),
        MUTUAL: (dj.RecurrentNetwork([mutual], dj.DANNDense(n_out)), dj.dann_sgd),
        HYBRID: (dj.RecurrentNetwork([hybrid], dj.HybridDense(n_out)), dj.dann_sgd),
        COLEI: (networks.colei(1, n, n_i, n_out), dj.colei_sgd),
    }
    at_best.train(
        context, {name: at_best.Contestant(*pair, task, s.rates) for name, pair in nets.items()}
    )


def judge(context: Context) -> list[dj.claims.Claim]:
    """Test mutual and hybrid network against the Dale's ANN, and ColEI against the hybrid."""
    found = _found(context)
    test = {name: best.test for name, best in found.items()}
    note = at_best.note(found)
    alike = {
        "mutual": (
            MUTUAL,
            "Interneurons that inhibit each other learn as well as ones that do not",
        ),
        "hybrid": (
            HYBRID,
            "A network with slow and fast inhibition learns as well as one with fast inhibition "
            "alone",
        ),
    }
    rescued = evidence.Above(
        "fast_inhibition_rescues",
        "A network with slow inhibitory units is better off with fast interneurons than without "
        "(test error of ColEI above the hybrid's).",
        test[COLEI],
        test[HYBRID],
        (COLEI, HYBRID),
    )
    return [
        evidence.gap_within(
            context,
            f"{id}_as_dann",
            f"{statement} (test error minus the Dale's ANN's).",
            SOURCE,
            test[name],
            test[DANN],
            EQUIVALENT,
            note,
        )
        for id, (name, statement) in alike.items()
    ] + evidence.above(context, [rescued], SOURCE, note)


def draw(context: Context) -> None:
    """Draw learning curves and final errors of the five networks, each at its best."""
    at_best.draw(context, _found(context))


def _found(context: Context) -> dict[str, at_best.Best]:
    return at_best.choose(context, dict.fromkeys(NAMES, context.settings.rates))


EXPERIMENT = Experiment(
    name="interneurons",
    source=SOURCE,
    presets=PRESETS,
    expected_minutes={"smoke": 0.5, "laptop": 6, "paper": 150},
    claims=("mutual_as_dann", "hybrid_as_dann", "fast_inhibition_rescues"),
    train=train,
    judge=judge,
    draw=draw,
)
