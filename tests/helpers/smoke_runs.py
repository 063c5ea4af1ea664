"""Contexts of experiments at the toy size of their smoke preset."""

from pathlib import Path

from experiments.engine.base import Context, Experiment


def smoke(experiment: Experiment, folder: Path, **settings) -> Context:
    """Make the context of an experiment's smoke preset, with some settings replaced."""
    return Context(
        experiment=experiment,
        folder=folder,
        preset="smoke",
        variant="text",
        settings=dict(experiment.presets["smoke"]) | settings,
        data_dir=None,
        progress=False,
    )
