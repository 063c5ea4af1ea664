"""The record of what an ensemble is trained from, and the checks that its parts fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dalejax import checks, signs
from dalejax.tasks.base import Task
from dalejax.training.forward import Network
from dalejax.types import Array, Key, Params, PyTree

MakeOptimizer = Callable[..., optax.GradientTransformation]


class Start(NamedTuple):
    """What the training of one member, or of several [s, ...], starts from.

    Attributes:
        key: a typed PRNG key; every random number of the member is a function of it.
        hyperparams: name -> array; the keyword arguments that make the member's optimiser.
        params: initial parameters; None if they are drawn with the key.
    """

    key: Key[Array, "*s"]
    hyperparams: Mapping[str, PyTree]
    params: Params | None


@dataclass(frozen=True, eq=False)
class RunSpec:
    """Everything that decides the numbers of a training run, but for its length.

    :meth:`checked` makes one from the arguments of :func:`dalejax.train`.

    Attributes:
        net: the network that all members share.
        make_tx: makes a member's optimiser from its hyper-parameters (keyword arguments).
        task: makes the batches, and defines loss and scores.
        keys: one typed PRNG key a member [s].
        hyperparams: name -> array, or tree of arrays, with leading axis s.
        params: initial parameters with leading axis s; None if each member draws its own.
    """

    net: Network
    make_tx: MakeOptimizer
    task: Task
    keys: Key[Array, " s"]
    hyperparams: Mapping[str, PyTree]
    params: Params | None = None

    @classmethod
    def checked(
        cls,
        net: Network,
        tx: optax.GradientTransformation | MakeOptimizer,
        task: Task,
        *,
        keys: Key[Array, " s"],
        hyperparams: Mapping[str, PyTree] | None = None,
        params: Params | None = None,
    ) -> RunSpec:
        """Gather the arguments of ``train`` in one record, if they fit together.

        Args:
            net: the network.
            tx: an optimiser, or a function that makes one from ``hyperparams``.
            task: the task.
            keys: one typed PRNG key a member [s].
            hyperparams: name -> array, or tree of arrays, with leading axis s.
            params: initial parameters with leading axis s.

        Raises:
            ValueError: the network, the optimiser, a member's values or its parameters do not fit.

        Example:
            >>> import dalejax as dj
            >>> net = dj.RecurrentNetwork([dj.RNNCell(5)], dj.Dense(2))
            >>> task = dj.tasks.AddingProblem(num_train=64, num_test=16)
            >>> RunSpec.checked(net, dj.rnn_sgd(0.1), task, keys=dj.seed_keys(0, 3))
            Traceback (most recent call last):
            ValueError: the read-out has 2 outputs; adding needs 1.
        """
        hyperparams = hyperparams or {}
        arrays = {name: jax.tree.map(jnp.asarray, tree) for name, tree in hyperparams.items()}
        checks.typed_keys("keys", keys)
        _check_network(net, task)
        _check_sets(net, task)
        _check_optimizer(tx, arrays)
        for name, tree in arrays.items():
            checks.of_members(name, tree, len(keys), infinite=True)
        if params is not None:
            _check_params(params, net, task, keys)
        make_tx = (lambda: tx) if isinstance(tx, optax.GradientTransformation) else tx
        return cls(net, make_tx, task, keys, arrays, params)

    @property
    def starts(self) -> Start:
        """What the members [s, ...] start from."""
        return Start(self.keys, self.hyperparams, self.params)

    @property
    def num(self) -> int:
        """How many members there are, s."""
        return len(self.keys)


def _check_network(net: Network, task: Task) -> None:
    """Raise ValueError unless the network takes the task's inputs and gives its outputs."""
    if net.readout.features != task.n_out:
        raise ValueError(
            f"the read-out has {net.readout.features} outputs; {task.name} needs {task.n_out}."
        )
    time = task.time
    if net.every_step != time.every_step:
        raise ValueError(
            f"the network's every_step is {net.every_step}; {task.name} needs {time.every_step}."
        )
    if time.steps_at_once is not None and time.weighs_steps:
        raise ValueError(
            f"steps_at_once is {time.steps_at_once}; it must be None for {task.name}, whose loss "
            "weighs time steps."
        )
    if time.steps_at_once is not None and not net.readout.linear:
        raise ValueError(
            f"the read-out is a {type(net.readout).__name__}; {task.name} has steps_at_once set, "
            "which needs a linear read-out, such as Dense."
        )
    if (task.n_in is None) != (net.embedding is not None):
        wanted = "an embedding, as its inputs are numbers" if task.n_in is None else "no embedding"
        raise ValueError(f"the network does not fit: {task.name} needs {wanted}.")
    if net.embedding is not None and net.embedding.words < (task.num_words or 0):
        raise ValueError(
            f"the embedding has {net.embedding.words} words; {task.name} needs {task.num_words}."
        )


def _check_sets(net: Network, task: Task) -> None:
    """Raise ValueError unless the task has the sets that its score and the evaluation need."""
    sets = task.evaluations(task.data)
    if not task.score.startswith(tuple(f"{name}_" for name in sets)):
        raise ValueError(
            f"the score of {task.name} is {task.score!r}; it must be a score of one of its sets: "
            f"{', '.join(f'{name}_…' for name in sets)}."
        )
    if net.has_batch_statistics and "training" not in sets:
        raise ValueError(
            f"batch normalisation is evaluated with statistics of the set 'training'; {task.name} "
            f"has {', '.join(sets)}."
        )
    if net.has_batch_statistics and (trials := int(np.sum(sets["training"][1]))) < 2:
        raise ValueError(
            f"the set 'training' has {trials} trial; batch normalisation needs at least 2."
        )


def _check_optimizer(
    tx: optax.GradientTransformation | MakeOptimizer, hyperparams: Mapping[str, PyTree]
) -> None:
    """Raise ValueError if the optimiser is none that Optax updates, or ignores hyperparams."""
    if isinstance(tx, optax.MultiSteps):
        raise ValueError("tx is an optax.MultiSteps; pass its .gradient_transformation().")
    if hyperparams and isinstance(tx, optax.GradientTransformation):
        raise ValueError(
            f"hyperparams has {', '.join(hyperparams)}, but tx is a transformation; it must be a "
            "function of them that makes one."
        )


def _check_params(params: Params, net: Network, task: Task, keys: Key[Array, " s"]) -> None:
    """Raise ValueError unless given parameters [s, ...] have the network's shapes and signs."""
    checks.of_members("params", params, len(keys))
    fresh = jax.eval_shape(lambda key: net.init(key, task.example())["params"], keys[0])
    checks.same_shapes("params", jax.tree.map(lambda leaf: leaf[0], params), fresh)
    signs.refuse_other_signs("params", params, fresh)
