"""The task of sequences of eye movements: a cue says from which dot to which the eye moves."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.tasks.trials.base import Wanted
from dalejax.tasks.trials.conditions import Common, ConditionTask
from dalejax.types import Array, Float

# The dots of each sequence, of which the first is the centre; dots are numbered so:
#   0 1 2
#   3 4 5
#   6 7 8
SEQUENCES = np.array(
    [
        (4, 5, 1, 0),
        (4, 3, 1, 2),
        (4, 3, 7, 8),
        (4, 5, 7, 6),
        (4, 5, 1, 2),
        (4, 3, 1, 0),
        (4, 3, 7, 6),
        (4, 5, 7, 8),
    ]
)
OPTIONS = {
    1: (0, 2),
    3: (1, 7),
    4: (3, 5),
    5: (1, 7),
    7: (6, 8),
}  # dot -> the two dots that the eye may move to
POSITIONS = np.array([((k % 3 - 1) / 2, (1 - k // 3) / 2) for k in range(9)])  # (x, y) of each dot
_MOVES = ("move1", "move2", "move3")
_TAU = 50.0  # ms


class SequenceExecution(ConditionTask):
    r"""Execution of a sequence of three eye movements, each to one of two dots, as a cue says.

    Nine dots form a grid. Eight sequences lead from the central dot over two others to a corner.
    Inputs 0 to 8 are the dots, row by row; inputs 9 to 16 are the cues of the eight sequences. The
    cue of the trial's sequence is on throughout. In the fixation the central dot is on too; in each
    move, the dot where the eye is and the two to which it may move. The two outputs are the
    position of the eye:

    .. math:: \hat y = p_{q_k} \text{ in move } k, \quad p_{q_0} \text{ in the fixation}, \qquad
              p_d = \Big(\frac{d \bmod 3 - 1}{2},\; \frac{1 - \lfloor d / 3 \rfloor}{2}\Big)

    with the dots :math:`q_0 = 4, q_1, q_2, q_3` of the sequence. Before the fixation the time
    steps have weight 0 in the loss (their targets are 0).

    Each of the three moves has one decision: the mean output over the last ``window`` of the move
    must be nearer to the right one of the two dots than to the other one.

    Conditions: ``sequence``, from 1 to 8, all equally likely; there is no catch trial.

    Args:
        iti: duration of the interval before the fixation in ms.
        fixation: duration in ms.
        move: duration of each of the three moves in ms.
        window: duration in ms, at the end of each move, over which the output is averaged.
        common: dt (20 ms), tau (50 ms), noise (0.01), baseline (0.2), batch_size, num_test, seed:
            see :class:`dalejax.tasks.trials.conditions.ConditionTask`. (The published dt is 10 ms.)

    Raises:
        ValueError: a number is out of its range, an epoch is not a whole number of time steps, or
            the window is longer than a move.

    Example:
        >>> task = SequenceExecution()
        >>> task.n_in, task.n_out, task.length
        (17, 2, 175)

    Reference:
        Averbeck & Lee 2007; Song et al. 2016, section "Eye-movement sequence execution task".
    """

    name = "sequences"
    n_in = 17
    n_out = 2

    def __init__(
        self,
        *,
        iti: float = 1000.0,
        fixation: float = 1000.0,
        move: float = 500.0,
        window: float = 100.0,
        **common: Unpack[Common],
    ):
        dots, cues = np.split(np.eye(self.n_in), [9])
        moves = [
            np.stack([dots[[dot, *OPTIONS[dot]]].sum(0) for dot in column])
            for column in SEQUENCES.T[:3].tolist()
        ]
        shown = {"iti": cues, "fixation": cues + dots[SEQUENCES[:, 0]]}
        shown |= {name: cues + shows for name, shows in zip(_MOVES, moves, strict=True)}
        common.setdefault("tau", _TAU)
        super().__init__(
            {"iti": iti, "fixation": fixation, **dict.fromkeys(_MOVES, move)},
            {"sequence": np.arange(1, 9)},
            shown,
            **common,
        )
        checks.positive("window", window)
        self.window = self.steps_in("window", window)
        if window > move:
            raise ValueError(f"window is {window:g} ms; it must be at most a move, {move:g} ms.")

    def answer(
        self, condition: dict[str, Array]
    ) -> tuple[Float[Array, "t n_out"], Float[Array, " t"]]:
        """Return the position where the eye should be, and the weights of the time steps."""
        where = jnp.asarray(POSITIONS[SEQUENCES])[condition["sequence"] - 1]
        targets = jnp.zeros((self.length, self.n_out))
        for name, position in zip(("fixation", *_MOVES), where, strict=True):
            targets = jnp.where(self.during(name)[:, None], position, targets)
        return targets, jnp.where(self.during("iti"), 0.0, 1.0)

    def wrong(
        self, outputs: Float[Array, "t b n_out"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Count the moves at whose end the eye is not nearer to the right dot than to the other."""
        sequence = wanted.condition["sequence"] - 1
        wrong = jnp.zeros(outputs.shape[1])
        for k, name in enumerate(_MOVES):
            stop = self.epochs[name][1]
            at = outputs[stop - self.window : stop].mean(0)
            right, other = (jnp.asarray(POSITIONS[dots])[sequence] for dots in _ways(k))
            nearer = jnp.square(at - right).sum(-1) < jnp.square(at - other).sum(-1)
            wrong = wrong + ~nearer
        return wrong, jnp.full_like(wrong, len(_MOVES))


def _ways(k: int) -> np.ndarray:
    """Return the right and the other dot of move k in each sequence [2, 8]."""
    pairs = zip(SEQUENCES[:, k].tolist(), SEQUENCES[:, k + 1].tolist(), strict=True)
    ways = [(right, sum(OPTIONS[dot]) - right) for dot, right in pairs]
    return np.array(ways).T
