"""Runs of experiments at the toy size of their smoke preset."""

from pathlib import Path

from experiments.engine import runs
from experiments.engine.base import Experiment
from experiments.engine.context import Context


def smoke(experiment: Experiment, folder: Path, **settings) -> Context:
    """Describe a run of an experiment's smoke preset, with some settings replaced.

    Args:
        experiment: the experiment.
        folder: the run's folder; nothing is written there yet.
        settings: name -> value that the setting has instead of the preset's.
    """
    chosen = experiment.presets["smoke"].replaced(**settings)
    return runs.context_of(experiment, folder, settings=chosen, progress=False)
