"""Any environment of NeuroGym as a task: a pool of its trials is made on the host, before training.

An environment makes its trials in Python, one after the other; so it does it once, and training
draws batches from the pool on the device. NeuroGym itself is imported when a task is made.
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
    r"""Trials of an environment of NeuroGym: at every step, which action is the right one?

    .. math:: L = -\frac{\sum_{t,b} w_{tb} \log \mathrm{softmax}(y_{tb})_{a_{tb}}}
                        {\sum_{t,b} w_{tb}}

    a is the environment's ground truth. Trials that are shorter than the longest one of the pool
    end with w = 0; otherwise w is 1. Where actions are numbers and not choices, the loss is the
    squared error in place of the cross-entropy, and the score ``test_mse``.

    Decisions are what ``test_error`` counts (wrong ones in percent): the largest output at the last
    step of every stretch of one action that is not 0 (0 is to fixate). A trial without any, as a
    no-go trial, has one decision all the same: to choose 0 at its last step. Beside it are
    ``test_step_error`` (all steps whose largest output is wrong, in percent) and ``test_loss``.

    Trials are made as the environment makes them when nobody acts: 500 follow each other in one
    environment (so that its blocks and schedules go on), then comes a new one. Each environment has
    a seed of its own, a function of (seed, set, its number), which sets all generators in it. So a
    trial depends neither on the number of workers nor on that of trials. Refused are environments
    whose trials depend on the actions (those with NeuroGym's ``ReactionTime``, say) or are not a
    function of the seed, and those whose ground truth (``gt``) is missing or is no action.

    What NeuroGym says of a trial in single numbers (``coh``, ``ground_truth``) is its
    ``condition``.

    Args:
        env: a registered name, such as ``"PerceptualDecisionMaking-v0"`` (``neurogym.all_envs()``
            lists them), or ``"module:name"``, where importing the module registers it.
        num_train: training trials.
        num_test: test trials.
        batch_size: trials an update.
        dt: time step in ms; None for the environment's own.
        seed: of the trials (not of the networks).
        workers: processes that make the trials; 1 makes them in this one. With more, a script must
            begin under ``if __name__ == "__main__"``.
        env_kwargs: further arguments of the environment, by name (``{"cohs": [6.4]}``).

    Raises:
        ModuleNotFoundError: NeuroGym is not installed; the message says how to.
        ValueError: a number does not fit, the name is unknown, the environment cannot be served, or
            NeuroGym is too old.

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
        made = environments.make(recipe)  # a first look
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
        """Put time first."""
        return jnp.asarray(inputs).transpose(1, 0, 2)

    def _take(self, trials_and_targets, trials):
        stored = jax.tree.map(lambda part: jnp.asarray(part)[trials], trials_and_targets)
        inputs, targets, lengths, condition = stored
        weights = (jnp.arange(self.length)[:, None] < lengths).astype(inputs.dtype)
        if self.decides:
            targets = jax.nn.one_hot(targets, self.n_out, dtype=inputs.dtype)
        targets = targets.transpose(1, 0, 2) * weights[..., None]
        wanted: Any = Wanted(targets, weights, condition)
        return Batch(self.encode(inputs), wanted)

    def loss(self, outputs: Float[Array, "t b n_out"], targets: Wanted) -> Float[Array, ""]:
        """Average the cross-entropy (nats), or the squared error, over the steps that count."""
        return (targets.weights * self._losses(outputs, targets)).sum() / targets.weights.sum()

    def _losses(self, outputs, wanted):
        if self.decides:
            return optax.softmax_cross_entropy(outputs, wanted.targets)
        return jnp.square(outputs - wanted.targets).mean(-1)

    def scores(
        self, outputs: Float[Array, "t b n_out"], targets: Wanted
    ) -> dict[str, Float[Array, " b"]]:
        """Sum what the metrics are made of, over each trial."""
        weights = targets.weights
        sums = {"steps": weights, "losses": weights * self._losses(outputs, targets)}
        if self.decides:
            wrong = (outputs.argmax(-1) != targets.targets.argmax(-1)).astype(weights.dtype)
            # An output that is no number decides nothing, though one of them is found largest.
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
        """Make the metrics of the sums."""
        loss = averages["losses"] / averages["steps"]
        if not self.decides:
            return {"mse": loss}
        return {
            "loss": loss,
            "error": 100 * averages["wrong"] / averages["decisions"],
            "step_error": 100 * averages["wrong_steps"] / averages["steps"],
        }

    def decisions(self, wanted: Wanted) -> Array:
        """Tell at which steps decisions are read [t, b]: where a stretch of one action ends.

        Args:
            wanted: the targets of a batch, of an environment with choices.
        """
        action, there = wanted.targets.argmax(-1), wanted.weights > 0  # padding's action is 0
        after = jnp.zeros_like(action[:1])
        ends = (action != 0) & (action != jnp.concatenate([action[1:], after]))
        last = there & ~jnp.concatenate([there[1:], after.astype(bool)])
        return ends | (last & ~ends.any(0))
