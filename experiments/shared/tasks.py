"""Tasks on the data sets that an experiment's settings name."""

from __future__ import annotations

import dalejax as dj
from experiments.engine.context import Context


def smnist(context: Context, **options) -> dj.tasks.SequentialMNIST:
    """Make sequential MNIST on the run's data set, with its batch size.

    Args:
        context: the run; its settings have ``data`` and ``batch_size``.
        options: further arguments of :class:`dalejax.tasks.SequentialMNIST`.
    """
    s = context.settings
    return dj.tasks.SequentialMNIST(
        s.data, data_dir=context.data_dir, batch_size=s.batch_size, **options
    )
