"""Make the trials of an environment on the host, in one process or in several."""

from __future__ import annotations

import multiprocessing
import numbers
import pickle
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

import numpy as np

from dalejax.tasks.neurogym import environments

_CHAIN = 500  # trials that one environment makes in sequence (a chain), the unit of work
# Numbers of trials that are made again, to check that trials are a function of the seed.
_AGAIN = (_CHAIN, 20, 20, 20)


class Made(NamedTuple):
    """A trial as an environment makes it.

    Attributes:
        inputs: observations [t, n_in].
        targets: right actions [t]; [t, n_out] where actions are real numbers.
        condition: the numbers that describe the trial, by name.
    """

    inputs: np.ndarray
    targets: np.ndarray
    condition: dict[str, float]


def make_trials(
    recipe: environments.Recipe, counts: tuple[int, ...], workers: int
) -> list[list[Made]]:
    """Make the trials of all sets, in this process or in others.

    Args:
        recipe: arguments of the environment.
        counts: number of trials of each set.
        workers: number of processes; 1 for this one.
    """
    jobs = [
        (recipe, which, chain, min(_CHAIN, count - chain * _CHAIN))
        for which, count in enumerate(counts)
        for chain in range(-(-count // _CHAIN))
    ]
    chains = [_chain(*job) for job in jobs] if workers == 1 else _elsewhere(jobs, workers)
    sets = [[] for _ in counts]
    for (_, which, _, _), chain in zip(jobs, chains, strict=True):
        sets[which] += chain
    return sets


def _elsewhere(
    jobs: list[tuple[environments.Recipe, int, int, int]], workers: int
) -> list[list[Made]]:
    try:
        pickle.dumps(jobs)
    except Exception as error:
        raise ValueError(
            f"env_kwargs cannot be sent to other processes ({error}); workers must be 1."
        ) from error
    spawn = multiprocessing.get_context("spawn")  # a forked process would lose the threads of JAX
    try:
        with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=spawn) as pool:
            return list(pool.map(_chain, *zip(*jobs, strict=True)))
    except BrokenProcessPool as error:
        raise RuntimeError(
            "the processes that make trials died; a script that uses workers must begin under "
            'if __name__ == "__main__", or workers must be 1.'
        ) from error


def _chain(recipe: environments.Recipe, which: int, chain: int, count: int) -> list[Made]:
    """Make the first ``count`` trials of a chain, in a new environment with the chain's seed."""
    env = environments.make(recipe)
    sizes = environments.sizes(env, recipe.name)
    environments.set_seed(env, np.random.SeedSequence([recipe.seed, which, chain]))
    with environments.quiet():
        return [_trial(env, recipe.name, *sizes) for _ in range(count)]


def _trial(env: Any, name: str, n_in: int, n_out: int, decides: bool) -> Made:
    layer = env
    while not hasattr(type(layer), "new_trial"):  # Gymnasium's own wrappers have none
        layer = layer.env
    trial = layer.new_trial()
    core = vars(env.unwrapped)  # in a schedule, the attributes of the current environment
    # They are removed, or a trial that makes none would be given those of the trial before it.
    ob, gt = core.pop("ob", None), core.pop("gt", None)
    for kind, array in {"ground truth (gt)": gt, "observations (ob)": ob}.items():
        if array is None:
            raise ValueError(f"{name} makes a trial without {kind}; every trial must have both.")
    steps = len(ob)
    wanted = (steps, *env.observation_space.shape), (steps, *env.action_space.shape)
    if not steps or (np.shape(ob), np.shape(gt)) != wanted:
        raise ValueError(
            f"{name} makes a trial whose ob is {np.shape(ob)} and whose gt is {np.shape(gt)}; they "
            f"must be {wanted[0]} and {wanted[1]}, with at least 1 step."
        )
    if decides:
        outside = gt[(gt < 0) | (gt >= n_out) | (gt != np.floor(gt))]
        if len(outside):
            raise ValueError(
                f"{name} has a ground truth of {outside[0]}; it must be one of its actions, 0 to "
                f"{n_out - 1}."
            )
    targets = gt.astype(np.min_scalar_type(n_out - 1)) if decides else gt.reshape(len(gt), n_out)
    condition = {
        str(key): float(value)
        for key, value in (trial or {}).items()
        if isinstance(value, numbers.Real | np.bool_)
    }
    # Copies, since an environment may write to its arrays again.
    return Made(np.array(ob, np.float32).reshape(len(ob), n_in), targets.copy(), condition)


def lay_out(
    trials: list[Made], length: int, names: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Stack trials of different durations to arrays, with zeros after their ends.

    Args:
        trials: the trials.
        length: number of time steps of the result.
        names: names of the entries of ``condition`` to keep.

    Returns:
        (inputs [trials, length, n_in], targets [trials, length, …], numbers of time steps [trials],
        condition: name -> [trials]).
    """
    first = trials[0]
    dtype = first.targets.dtype if first.targets.ndim == 1 else np.float32
    inputs = np.zeros((len(trials), length, first.inputs.shape[1]), np.float32)
    targets = np.zeros((len(trials), length, *first.targets.shape[1:]), dtype)
    for i, trial in enumerate(trials):
        inputs[i, : len(trial.inputs)] = trial.inputs
        targets[i, : len(trial.inputs)] = trial.targets
    lengths = np.array([len(trial.inputs) for trial in trials], np.int32)
    condition = {
        name: np.array([trial.condition[name] for trial in trials], np.float32) for name in names
    }
    return inputs, targets, lengths, condition


def check_reproducible(recipe: environments.Recipe, made: list[Made]) -> None:
    """Raise ValueError unless the trials of an environment are a function of the seed.

    Args:
        recipe: arguments of the environment.
        made: trials of its first set, some of which are made again.

    Raises:
        ValueError: a trial that was made again is different.
    """
    for count in _AGAIN:
        again = _chain(recipe, 0, 0, min(count, _CHAIN, len(made)))
        for one, other in zip(made, again, strict=False):
            parts = zip(one[:2], other[:2], strict=True)
            if not all(np.array_equal(a, b, equal_nan=True) for a, b in parts):
                raise ValueError(
                    f"{recipe.name} made two different trials of one seed; it must draw nothing "
                    "while it is made, and then only from generators that it holds (self.rng)."
                )
