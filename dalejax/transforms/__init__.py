"""Optax transforms of Dale's law, and the papers' optimisers made of them."""

from dalejax.transforms.clipping import clip_by_cell_norm, clip_by_tensor_norm
from dalejax.transforms.exponentiated import exponentiate_updates
from dalejax.transforms.fisher import fisher_scaling
from dalejax.transforms.optimizers import (
    colei_adam,
    colei_eg,
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
    "colei_eg",
    "colei_sgd",
    "dale_projection",
    "dann_sgd",
    "exponentiate_updates",
    "fisher_scaling",
    "freeze_signs",
    "keras_adam",
    "limit_projection_angle",
    "rnn_sgd",
    "scale_by_running_fisher",
]
