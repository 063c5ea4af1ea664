"""dalejax: ensembles of neural networks under Dale's law, in JAX.

Open ``cells.py``, ``recurrence.py``, ``transforms.py`` and ``ensemble.py``, in that order.
"""

import importlib as _importlib
import os as _os
from typing import TYPE_CHECKING as _TYPE_CHECKING

import jax as _jax

if _TYPE_CHECKING:
    from dalejax import claims, dynamics, ledger, plots, statistics


def _use_every_core() -> None:
    """Make one host device a core, so that members train side by side on a CPU.

    Only where the user has not chosen (``JAX_NUM_CPU_DEVICES``, ``jax_num_cpu_devices``) and JAX
    has not started yet; otherwise JAX's devices stay as they are.
    """
    if _jax.config.jax_num_cpu_devices != -1:
        return
    try:
        _jax.config.update("jax_num_cpu_devices", len(_os.sched_getaffinity(0)))
    except RuntimeError:  # JAX has started: its devices can't change any more
        return


_use_every_core()

from dalejax import (  # noqa: E402
    connectivity,
    datasets,
    exchange,
    initializers,
    penalties,
    results,
    signs,
    spectrum,
    tasks,
)
from dalejax.angles import ProjectionAngleState, limit_projection_angle  # noqa: E402
from dalejax.answers import Answers, run_trials  # noqa: E402
from dalejax.cell import Effective  # noqa: E402
from dalejax.cells import ColEICell, DANNCell, RNNCell  # noqa: E402
from dalejax.conv import AveragePool, ColEIConv, Conv, DANNConv, MaxPool  # noqa: E402
from dalejax.currents import currents  # noqa: E402
from dalejax.dense import ColEIDense, DANNDense, Dense  # noqa: E402
from dalejax.divisive import DivisiveDANNCell, DivisiveDANNDense  # noqa: E402
from dalejax.embedding import Embedding  # noqa: E402
from dalejax.ensemble import seed_keys  # noqa: E402
from dalejax.exponentiated import exponentiate_updates  # noqa: E402
from dalejax.feedforward import FeedforwardNetwork  # noqa: E402
from dalejax.fisher import fisher_scaling  # noqa: E402
from dalejax.hybrid import HybridCell, HybridDense  # noqa: E402
from dalejax.interrupts import Interrupted  # noqa: E402
from dalejax.member import initial_params  # noqa: E402
from dalejax.mutual import MutualDANNCell  # noqa: E402
from dalejax.naming import dale_signs  # noqa: E402
from dalejax.networks import RecurrentNetwork  # noqa: E402
from dalejax.norms import BatchNorm, LayerNorm  # noqa: E402
from dalejax.notes import RunWarning  # noqa: E402
from dalejax.optimizers import (  # noqa: E402
    colei_adam,
    colei_eg,
    colei_sgd,
    dann_sgd,
    keras_adam,
    rnn_sgd,
)
from dalejax.projected import ProjectedCell  # noqa: E402
from dalejax.rectified import RectifiedCell, RectifiedDense  # noqa: E402
from dalejax.recurrence import recurrence  # noqa: E402
from dalejax.running_fisher import diagonal_fisher, scale_by_running_fisher  # noqa: E402
from dalejax.spectral import SpectralColEICell, SpectralColEIDense  # noqa: E402
from dalejax.training import Diverged, Run, train  # noqa: E402
from dalejax.transforms import (  # noqa: E402
    apply_updates,
    clip_by_cell_norm,
    clip_by_tensor_norm,
    dale_projection,
    freeze_signs,
)

__version__ = "0.1.0"

# Analyses and pictures bring SciPy and Matplotlib, a second to import: only where they are used.
_LATER = ("claims", "dynamics", "ledger", "plots", "statistics")


def __getattr__(name: str):
    if name in _LATER:
        return _importlib.import_module(f"dalejax.{name}")
    raise AttributeError(f"module 'dalejax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "Answers",
    "AveragePool",
    "BatchNorm",
    "ColEICell",
    "ColEIConv",
    "ColEIDense",
    "Conv",
    "DANNCell",
    "DANNConv",
    "DANNDense",
    "Dense",
    "Diverged",
    "DivisiveDANNCell",
    "DivisiveDANNDense",
    "Effective",
    "Embedding",
    "FeedforwardNetwork",
    "HybridCell",
    "HybridDense",
    "Interrupted",
    "LayerNorm",
    "MaxPool",
    "MutualDANNCell",
    "ProjectedCell",
    "ProjectionAngleState",
    "RNNCell",
    "RectifiedCell",
    "RectifiedDense",
    "RecurrentNetwork",
    "Run",
    "RunWarning",
    "SpectralColEICell",
    "SpectralColEIDense",
    "apply_updates",
    "claims",
    "clip_by_cell_norm",
    "clip_by_tensor_norm",
    "colei_adam",
    "colei_eg",
    "colei_sgd",
    "connectivity",
    "currents",
    "dale_projection",
    "dale_signs",
    "dann_sgd",
    "datasets",
    "diagonal_fisher",
    "dynamics",
    "exchange",
    "exponentiate_updates",
    "fisher_scaling",
    "freeze_signs",
    "initial_params",
    "initializers",
    "keras_adam",
    "ledger",
    "limit_projection_angle",
    "penalties",
    "plots",
    "recurrence",
    "results",
    "rnn_sgd",
    "run_trials",
    "scale_by_running_fisher",
    "seed_keys",
    "signs",
    "spectrum",
    "statistics",
    "tasks",
    "train",
]
