"""Tasks that end with one of two choices; now and then nothing is shown, and none is wanted."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
import numpy as np

from dalejax import checks
from dalejax.tasks.trials.base import Wanted
from dalejax.tasks.trials.conditions import Common, ConditionTask
from dalejax.types import Array, Float

LOW, HIGH = 0.2, 1.0  # outputs: at rest, and of the one that is chosen


class ChoiceTask(ConditionTask):
    r"""Base of tasks with two outputs, one of which must be high at the end.

    .. math:: \hat y_t = (0.2, 0.2) \text{ in the fixation}, \qquad
              \hat y_{tk} = 1 \text{ if } k = \text{choice, else } 0.2 \text{ in the decision}

    In between any answer will do (weight 0; the targets there are 0.2). Besides the conditions
    there is the catch trial, as likely as each of them: the baseline is all it shows, both outputs
    must stay low, and all its time steps count. It is as long as the others (in the published code
    1 or 2 s). Of the fields of its condition the whole numbers (``choice``) are -1, the others 0.

    The decision that counts is the larger output at the last time step; catch trials ask for none.

    Args:
        durations: name of an epoch -> ms, one after the other, the first being the ``fixation``;
            the ``decision`` comes after them.
        decision: how long that is, in ms.
        conditions: name -> a number for each condition [c], ``choice`` (0 or 1) among them.
        shown: name of an epoch -> what each condition shows in it [c, n_in].
        early: the decision is the last part of the last epoch and does not come after it.
        common: dt, tau, noise, baseline, batch_size, num_test, seed: see :class:`ConditionTask`.

    Raises:
        ValueError: a number does not fit, or an epoch is not a whole number of time steps.

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
        """Say what is wanted: low outputs in the fixation, the chosen one high in the decision."""
        decision = self.during("decision")
        chosen = decision[:, None] & (jnp.arange(self.n_out) == condition["choice"])
        counts = self.during("fixation") | decision | condition["catch"]
        return jnp.where(chosen, HIGH, LOW), jnp.where(counts, 1.0, 0.0)

    def wrong(
        self, outputs: Float[Array, "t b n_out"], wanted: Wanted
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        """Compare the larger output at the end with the right choice."""
        asked = ~wanted.condition["catch"]
        wrong = outputs[-1].argmax(-1) != wanted.condition["choice"]
        return jnp.where(asked & wrong, 1.0, 0.0), jnp.where(asked, 1.0, 0.0)


def _after_catch(table):
    """Put the catch trial's row before a table's [c, ...]: labels -1, amounts 0."""
    row = -1 if np.issubdtype(table.dtype, np.integer) else 0
    return np.concatenate([np.full_like(table[:1], row), table])
