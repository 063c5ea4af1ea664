"""Environments of NeuroGym as tasks: their trials are made on the host, before training.

An environment makes its trials in Python, one after the other. It makes a fixed set of them once,
and training draws batches from this set on the device. NeuroGym is imported when a task is made.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax

from dalejax import checks
from dalejax.tasks.base import Batch, DatasetTask, TimeAxis
from dalejax.tasks.neurogym import environments, pool
from dalejax.tasks.trials.base import Wanted
from dalejax.types import Any, Array, Float

_SETS = ("train", "test")


class NeuroGym(DatasetTask):
    r"""Trials of an environment of NeuroGym; the targets are its right actions at all time steps.

    .. math:: L = -\frac{\sum_{t,b} w_{tb} \log \mathrm{softmax}(y_{tb})_{a_{tb}}}
                        {\sum_{t,b} w_{tb}}

    Here y are the outputs, a is the ground truth of the environment, and w is 1, or 0 for the time
    steps after the end of a trial that is shorter than the longest one. Where actions are real
    numbers instead of choices, the loss is the squared error and the score ``test_mse``.

    The metric ``test_error`` is the percentage of wrong decisions. A decision is the largest output
    at the last step of each run of time steps with the same ground truth other than 0 (action 0 is
    fixation). A trial without such a run, as a no-go trial, has one decision: action 0 at its last
    step. Other metrics are ``test_step_error`` (percentage of time steps whose largest output is
    wrong) and ``test_loss``.

    The environment makes the trials without any actions. It makes 500 trials in sequence, so that
    its blocks and schedules continue, before a new environment is made. All generators of an
    environment are seeded by (seed, set, number of the environment); a trial therefore depends
    neither on the number of workers nor on the number of trials. An error is raised for
    environments whose trials depend on the actions (such as those with NeuroGym's
    ``ReactionTime``), or are not a function of the seed, or have no valid ground truth (``gt``).

    The single numbers that NeuroGym gives for a trial (``coh``, ``ground_truth``) are its
    ``condition``.

    Args:
        env: registered name of an environment, such as ``"PerceptualDecisionMaking-v0"``
            (``neurogym.all_envs()`` lists them), or ``"module:name"``, where importing the
            module registers it.
        num_train: number of training trials.
        num_test: number of test trials.
        batch_size: number of trials in an update.
        dt: time step in ms; None for that of the environment.
        seed: seed of the trials (not of the networks), 0 to 2^32 - 1.
        workers: number of processes that make the trials; 1 for this process only. With more, the
            script must be guarded by ``if __name__ == "__main__"``.
        env_kwargs: further arguments of the environment by name, such as ``{"cohs": [6.4]}``.

    Raises:
        ModuleNotFoundError: NeuroGym is not installed; the message says how to install it.
        ValueError: a number is out of its range, the name is unknown, the environment is one of
            those that cannot be used, or NeuroGym is older than 2.3.

    Example:
        >>> task = NeuroGym("PerceptualDecisionMaking-v0", num_train=200)  # doctest: +SKIP
        >>> task.n_in, task.n_out, task.dt, task.length  # doctest: +SKIP
        (3, 3, 100, 22)

    Reference:
        Molano-Mazón et al. 2022, *NeuroGym: An open resource for developing and sharing
        neuroscience tasks*.
    """

    name = "neurogym"
    time = TimeAxis(every_step=True, weighs_steps=True)
    score = "test_error"

    def __init__(
        self,
        env: str,
        *,
        num_train: int = 10_000,
        num_test: int = 1_000,
        batch_size: int = 64,
        dt: float | None = None,
        seed: int = 0,
        workers: int = 1,
        env_kwargs: Mapping[str, Any] | None = None,
    ):
        checks.whole("num_train", num_train)
        checks.whole("num_test", num_test)
        checks.whole("batch_size", batch_size, 1, num_train)
        checks.whole("workers", workers)
        checks.seed("seed", seed)
        self.env_kwargs = copy.deepcopy(dict(env_kwargs or {}))
        if dt is not None:
            checks.positive("dt", dt)
            if "dt" in self.env_kwargs:
                raise ValueError(
                    f"env_kwargs has a dt of {self.env_kwargs['dt']}; it must be given as dt only."
                )
        given = self.env_kwargs if dt is None else {**self.env_kwargs, "dt": dt}
        recipe = environments.Recipe(env, given, seed)
        made = environments.make(recipe)  # for its sizes; trials are made in new ones
        self.n_in, self.n_out, self.decides = environments.sizes(made, recipe.name)
        self.name, self.seed, self.dt = env, seed, made.unwrapped.dt
        self.score = "test_error" if self.decides else "test_mse"
        sets = pool.make_trials(recipe, (num_train, num_test), workers)
        pool.check_reproducible(recipe, sets[0])
        trials = [trial for trials in sets for trial in trials]
        if self.decides and not any(trial.targets.any() for trial in trials):
            raise ValueError(
                f"{env} asks for no action in {len(trials)} trials at dt={self.dt}; its ground "
                "truth must not be 0 at all steps."
            )
        self.length = max(len(trial.inputs) for trial in trials)
        common = set.intersection(*(set(trial.condition) for trial in trials))
        names = [name for name in trials[0].condition if name in common]
        stored = [pool.lay_out(trials, self.length, names) for trials in sets]
        train, test = (made[:2] for made in stored)
        super().__init__(train, test, batch_size=batch_size)
        self.data = dict(zip(_SETS, stored, strict=True))

    def __repr__(self) -> str:
        trials = len(self.data["train"][0])
        return f"NeuroGym({self.name!r}, {trials} trials, batch_size={self.batch_size})"

    def encode(self, inputs: Float[Array, "b t n_in"]) -> Float[Array, "t b n_in"]:
        """Move the time axis to the front."""
        return jnp.asarray(inputs).transpose(1, 0, 2)

    def _take(self, trials_and_targets, trials):
        stored = jax.tree.map(lambda part: jnp.asarray(part)[trials], trials_and_targets)
        inputs, targets, lengths, condition = stored
        weights = (jnp.arange(self.length)[:, None] < lengths).astype(inputs.dtype)
        if self.decides:
            targets = jax.nn.one_hot(targets, self.n_out, dtype=inputs.dtype)
        targets = targets.transpose(1, 0, 2) * weights[..., None]
        return Batch(self.encode(inputs), Wanted(targets, weights, condition))

    def loss(self, outputs: Float[Array, "t b n_out"], targets: Wanted) -> Float[Array, ""]:
        """Compute the mean cross-entropy in nats, or squared error, over the steps of weight 1."""
        return (targets.weights * self._losses(outputs, targets)).sum() / targets.weights.sum()

    def _losses(self, outputs, wanted):
        if self.decides:
            return optax.softmax_cross_entropy(outputs, wanted.targets)
        return jnp.square(outputs - wanted.targets).mean(-1)

    def scores(
        self, outputs: Float[Array, "t b n_out"], targets: Wanted
    ) -> dict[str, Float[Array, " b"]]:
        """Sum over each trial the terms that :meth:`summaries` needs."""
        weights = targets.weights
        sums = {"steps": weights, "losses": weights * self._losses(outputs, targets)}
        if self.decides:
            wrong = (outputs.argmax(-1) != targets.targets.argmax(-1)).astype(weights.dtype)
            # argmax finds a largest output even among NaNs; such a trial must not count as right.
            finite = jnp.isfinite(outputs).all(-1) | (weights == 0)
            wrong = jnp.where(finite.all(0), wrong, jnp.nan)
            decisions = self.decisions(targets).astype(weights.dtype)
            sums |= {
                "wrong_steps": weights * wrong,
                "decisions": decisions,
                "wrong": decisions * wrong,
            }
        return {name: of_steps.sum(0) for name, of_steps in sums.items()}

    def summaries(self, averages: dict[str, Float[Array, ""]]) -> dict[str, Float[Array, ""]]:
        """Compute the metrics of a set from the means of the sums over its trials."""
        loss = averages["losses"] / averages["steps"]
        if not self.decides:
            return {"mse": loss}
        return {
            "loss": loss,
            "error": 100 * averages["wrong"] / averages["decisions"],
            "step_error": 100 * averages["wrong_steps"] / averages["steps"],
        }

    def decisions(self, wanted: Wanted) -> Array:
        """Return the mask [t, b] of the time steps whose largest output is a decision.

        Args:
            wanted: targets of a batch of an environment whose actions are choices.
        """
        action, there = wanted.targets.argmax(-1), wanted.weights > 0  # the action of padding is 0
        after = jnp.zeros_like(action[:1])
        ends = (action != 0) & (action != jnp.concatenate([action[1:], after]))
        last = there & ~jnp.concatenate([there[1:], after.astype(bool)])
        return ends | (last & ~ends.any(0))
