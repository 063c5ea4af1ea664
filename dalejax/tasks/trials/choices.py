"""The base of tasks that end with one of two choices, with catch trials that ask for none."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.tasks.trials.base import Wanted
from dalejax.tasks.trials.conditions import Common, ConditionTask
from dalejax.types import Array, Float

LOW, HIGH = 0.2, 1.0  # targets: of an output at rest, and of the chosen one


class ChoiceTask(ConditionTask):
    r"""Base of tasks with two outputs; at the end that of the right choice must be high.

    .. math:: \hat y_t = (0.2, 0.2) \text{ in the fixation}, \qquad
              \hat y_{tk} = 1 \text{ if } k = \text{choice, else } 0.2 \text{ in the decision}

    Between fixation and decision the time steps have weight 0 in the loss (their targets are 0.2).
    Besides the conditions there is the catch trial, as likely as each of them: it has no stimulus,
    both its targets are 0.2 throughout, and all its time steps have weight 1. It is as long as the
    other trials (in the published code 1 or 2 s). In its ``condition``, whole numbers such as
    ``choice`` are -1, other numbers 0.

    The decision is the larger output at the last time step; catch trials have no decision.

    Args:
        durations: name of an epoch -> its duration in ms, in the order of the epochs; the first
            one is the ``fixation``. The epoch ``decision`` is added at the end.
        decision: duration of the decision in ms.
        conditions: name of a number that describes a condition -> its value in each of them [c];
            one is ``choice`` (0 or 1).
        shown: name of an epoch -> stimulus of each condition in it [c, n_in].
        early: whether the decision is the last part of the last epoch, instead of following it.
        common: dt, tau, noise, baseline, batch_size, num_test, seed: see :class:`ConditionTask`.

    Raises:
        ValueError: a number is out of its range, or an epoch is not a whole number of time steps.

    Reference:
        Song et al. 2016, section "Perceptual decision-making task".
    """

    n_out = 2

    def __init__(
        self,
        durations: dict[str, float],
        decision: float,
        conditions: dict[str, np.ndarray],
        shown: dict[str, np.ndarray],
        *,
        early: bool = False,
        **common: Unpack[Common],
    ):
        catch = {"catch": np.arange(1 + len(conditions["choice"])) == 0}
        conditions = {name: _after_catch(values) for name, values in conditions.items()} | catch
        shown = {name: _after_catch(table) for name, table in shown.items()}
        super().__init__(durations, conditions, shown, **common)
        checks.positive("decision", decision)
        steps, last = self.steps_in("decision", decision), list(durations)[-1]
        start = self.length - steps * early
        if start < self.epochs[last][0]:
            raise ValueError(
                f"decision is {decision:g} ms; it must be at most the {last}, "
                f"{durations[last]:g} ms."
            )
        self.epochs["decision"] = (start, start + steps)
        self.length = start + steps

    def answer(
        self, condition: dict[str, Array]
    ) -> tuple[Float[Array, "t n_out"], Float[Array, " t"]]:
        """Return the targets: both low in the fixation, that of the choice high in the decision."""
        decision = self.during("decision")
        chosen = decision[:, None] & (jnp.arange(self.n_out) == condition["choice"])
        counts = self.during("fixation") | decision | condition["catch"]
        return jnp.where(chosen, HIGH, LOW), jnp.where(counts, 1.0, 0.0)

    def wrong(
        self, outputs: Float[Array, "t b n_out"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Compare the larger output at the last time step with the right choice."""
        asked = ~wanted.condition["catch"]
        wrong = outputs[-1].argmax(-1) != wanted.condition["choice"]
        return jnp.where(asked & wrong, 1.0, 0.0), jnp.where(asked, 1.0, 0.0)


def _after_catch(table: np.ndarray) -> np.ndarray:
    """Put the catch trial's row in front of a table [c, …]: -1 in whole numbers, else 0."""
    row = -1 if np.issubdtype(table.dtype, np.integer) else 0
    return np.concatenate([np.full_like(table[:1], row), table])
