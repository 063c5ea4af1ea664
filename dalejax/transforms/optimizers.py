"""The papers' optimisers by name: chains that read like their pseudo-code, top to bottom.

Plain stochastic gradient descent, no momentum, no weight decay. ``learning_rate`` may be a number,
a traced array (a member's own) or an Optax schedule; ``clip`` may be infinite.
"""

from __future__ import annotations

import optax

from dalejax.transforms.clipping import clip_by_cell_norm, clip_by_tensor_norm
from dalejax.transforms.exponentiated import exponentiated_gradient
from dalejax.transforms.fisher import scale_by_dann_fisher
from dalejax.transforms.projection import dale_projection
from dalejax.types import Array, Float

Rate = optax.ScalarOrSchedule
Norm = float | Float[Array, ""]


def rnn_sgd(learning_rate: Rate, clip: Norm = float("inf")) -> optax.GradientTransformation:
    """Descend as a standard RNN does: clip each cell by its joint norm, step.

    Args:
        learning_rate: step size, per update.
        clip: largest joint gradient norm of a cell.

    Example:
        >>> tx = rnn_sgd(0.01)

    Reference:
        Li et al. 2023, published code.
    """
    return optax.chain(
        clip_by_cell_norm(clip),
        optax.sgd(learning_rate),
    )


def colei_sgd(learning_rate: Rate, clip: Norm = float("inf")) -> optax.GradientTransformation:
    """Descend as a ColEI network does: clip each tensor by its own norm, step, project.

    Args:
        learning_rate: step size, per update.
        clip: largest gradient norm of a tensor.

    Example:
        >>> tx = colei_sgd(0.01, clip=10.0)

    Reference:
        Li et al. 2023, section 2.1 and published code.
    """
    return optax.chain(
        clip_by_tensor_norm(clip),
        optax.sgd(learning_rate),
        dale_projection(),
    )


def colei_exponentiated_gradient(
    learning_rate: Rate, clip: Norm = float("inf")
) -> optax.GradientTransformation:
    """Descend by exponentiated gradients: clip each tensor by its own norm, step, by factors.

    Args:
        learning_rate: step size, per update.
        clip: largest gradient norm of a tensor.

    Example:
        >>> tx = colei_exponentiated_gradient(0.1, clip=1.0)

    Reference:
        Cornford et al. 2024, *Brain-like learning with exponentiated gradients*.
    """
    return optax.chain(
        clip_by_tensor_norm(clip),
        optax.sgd(learning_rate),
        exponentiated_gradient(),
    )


def dann_sgd(learning_rate: Rate, clip: Norm = float("inf")) -> optax.GradientTransformation:
    """Descend as a Dale's ANN does: correct, clip each cell by its joint norm, step, project.

    Args:
        learning_rate: step size, per update.
        clip: largest joint norm of a cell's corrected gradient.

    Example:
        >>> tx = dann_sgd(0.01)

    Reference:
        Cornford et al. 2021, algorithm 3; Li et al. 2023, published code.
    """
    return optax.chain(
        scale_by_dann_fisher(),
        clip_by_cell_norm(clip),
        optax.sgd(learning_rate),
        dale_projection(),
    )


def keras_adam(learning_rate: Rate, decay: float = 1e-4) -> optax.GradientTransformation:
    r"""Make Adam with Keras' decay of the step size.

    .. math:: \eta_u = \eta / (1 + \kappa u)

    The Adam is Optax's, which adds 1e-8 to the root of the corrected variance. Keras adds 1e-7
    before the correction: with gradients of 1e-5 and less its steps are smaller.

    Args:
        learning_rate: eta, step size; a schedule of your own is taken as it is.
        decay: kappa, per update.

    Example:
        >>> tx = keras_adam(1e-4)

    Reference:
        Kingma & Ba 2015; the decay is that of Keras 2.
    """
    if callable(learning_rate):
        return optax.adam(learning_rate)
    return optax.adam(lambda update: learning_rate / (1 + decay * update))


def colei_adam(
    learning_rate: Rate = 1e-4, clip: Norm = 0.5, decay: float = 1e-4
) -> optax.GradientTransformation:
    """Descend as J23's networks do: clip each tensor by its own norm, Adam, project.

    Args:
        learning_rate: step size at the start, or a schedule; see :func:`keras_adam`.
        clip: largest gradient norm of a tensor.
        decay: of the step size, per update.

    Example:
        >>> tx = colei_adam(1e-3)

    Reference:
        Jarne & Caruso 2023, published code (Keras' Adam with ``clipnorm`` and ``decay``).
    """
    return optax.chain(
        clip_by_tensor_norm(clip),
        keras_adam(learning_rate, decay),
        dale_projection(),
    )
