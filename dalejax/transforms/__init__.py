"""Optax transforms that keep Dale's law, and the optimisers of the papers made of them."""

from dalejax.transforms.clipping import clip_by_cell_norm, clip_by_tensor_norm
from dalejax.transforms.exponentiated import exponentiated_gradient
from dalejax.transforms.fisher import scale_by_dann_fisher
from dalejax.transforms.optimizers import (
    colei_adam,
    colei_exponentiated_gradient,
    colei_sgd,
    dann_sgd,
    keras_adam,
    rnn_sgd,
)
from dalejax.transforms.projection import (
    DaleProjectionState,
    apply_updates,
    dale_projection,
    freeze_signs,
)
from dalejax.transforms.projection_angle import ProjectionAngleState, limit_projection_angle
from dalejax.transforms.running_fisher import RunningFisherState, scale_by_running_fisher

__all__ = [
    "DaleProjectionState",
    "ProjectionAngleState",
    "RunningFisherState",
    "apply_updates",
    "clip_by_cell_norm",
    "clip_by_tensor_norm",
    "colei_adam",
    "colei_exponentiated_gradient",
    "colei_sgd",
    "dale_projection",
    "dann_sgd",
    "exponentiated_gradient",
    "freeze_signs",
    "keras_adam",
    "limit_projection_angle",
    "rnn_sgd",
    "scale_by_dann_fisher",
    "scale_by_running_fisher",
]
