"""The optimisers of the papers as Optax chains, one line for each step of their pseudo-code.

``learning_rate`` may be a number, a traced array (such as one member's own rate under ``vmap``) or
an Optax schedule; ``clip`` may be infinite, for no clipping. The functions called ``…_sgd`` use
neither momentum nor weight decay.
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
    """Make the optimiser of standard RNNs: clip each cell by its joint norm, then SGD.

    Args:
        learning_rate: step size: the step is the clipped gradient times minus this.
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
    """Make the optimiser of ColEI networks: clip each tensor by its norm, SGD, project on signs.

    Args:
        learning_rate: step size: the step is the clipped gradient times minus this.
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
    """Make exponentiated gradient descent for ColEI networks, with each tensor's norm clipped.

    Args:
        learning_rate: step size of the exponent: a weight's factor is exp(-rate g sign).
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
    """Make the optimiser of Dale's ANNs: Fisher factors, clip each cell, SGD, project on signs.

    Args:
        learning_rate: step size: the step is the clipped gradient times minus this.
        clip: largest joint norm of a cell's gradient, after its scaling.

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
    r"""Make Adam with the learning-rate decay of Keras 2.

    .. math:: \eta_u = \eta / (1 + \kappa u), \qquad u = 0, 1, \dots \text{ the update}

    All but the decay is Optax's Adam, which adds 1e-8 to the square root of the bias-corrected
    second moment. Keras adds 1e-7 before the bias correction, so its steps are smaller where
    gradients are 1e-5 or less.

    Args:
        learning_rate: eta, the learning rate of the first update; a schedule is used as it is,
            without the decay.
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
    """Make the optimiser of Jarne & Caruso: clip each tensor by its norm, Adam, project on signs.

    Args:
        learning_rate: learning rate of the first update, or a schedule; see :func:`keras_adam`.
        clip: largest gradient norm of a tensor.
        decay: kappa of :func:`keras_adam`, per update.

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
