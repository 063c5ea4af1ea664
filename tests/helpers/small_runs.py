"""A training run of five small ColEI networks, which takes a second, and how to compare runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj

NET = dj.RecurrentNetwork([dj.ColEICell(8, n_i=2)], dj.ColEIDense(1))
KEYS = dj.seed_keys(0, 5)
NEVER = 1000  # an update number that no run reaches
UPDATES = 12


def adding(**sizes) -> dj.tasks.AddingProblem:
    """Make an adding problem of six time steps; four updates are an epoch of its 64 trials."""
    sizes = {"batch_size": 16, "num_train": 64, "num_test": 16} | sizes
    return dj.tasks.AddingProblem(6, **sizes)


TASK = adding()


def blow_up(bad_at):
    """Make a ColEI optimiser whose learning rate is infinite from update ``bad_at + 1`` on."""
    return dj.colei_sgd(lambda count: jnp.where(count < bad_at, 0.05, jnp.inf), clip=1.0)


def fit(members=(0, 1, 2, 3, 4), bad_at=None, **options) -> dj.Run:
    """Train some of the five networks for twelve updates; options replace those of ``train``.

    Args:
        members: which of ``KEYS`` to train.
        bad_at: for each member, after how many updates its learning rate is infinite; None: never.
        **options: arguments of ``dalejax.train``.
    """
    members = np.asarray(members)
    bad_at = [NEVER] * len(members) if bad_at is None else bad_at
    options = {"num_updates": UPDATES, "eval_every": 3, "progress": False} | options
    return dj.train(
        options.pop("net", NET),
        options.pop("tx", blow_up),
        options.pop("task", TASK),
        keys=options.pop("keys", KEYS[members]),
        hyperparams=options.pop("hyperparams", {"bad_at": np.asarray(bad_at)}),
        **options,
    )


def assert_identical(a, b) -> None:
    """Assert that two pytrees of arrays are equal to the last bit."""
    jax.tree.map(np.testing.assert_array_equal, a, b)


def assert_same_run(a: dj.Run, b: dj.Run) -> None:
    """Assert that two runs have equal parameters, optimiser states, tables and divergences."""
    assert_identical((a.params, a.opt_state), (b.params, b.opt_state))
    pd.testing.assert_frame_equal(a.table, b.table, check_exact=True)
    np.testing.assert_array_equal(a.diverged_at, b.diverged_at)
    assert a.update == b.update
