"""Read an experiment's settings: a preset, and what the command line changes of it."""

from __future__ import annotations

from dalejax import checks


def read(experiment, arguments) -> dict:
    """Read the settings of an experiment's run: those of its preset, changed as asked."""
    if arguments.preset not in experiment.presets:
        raise ValueError(
            f"preset is {arguments.preset!r}; it must be one of {', '.join(experiment.presets)}."
        )
    if arguments.variant not in experiment.variants:
        raise ValueError(
            f"variant is {arguments.variant!r}; {experiment.name} has "
            f"{', '.join(experiment.variants)}."
        )
    settings = dict(experiment.presets[arguments.preset])
    if arguments.data is not None:
        settings["data"] = arguments.data
    if arguments.seeds is not None:
        if arguments.seeds < 2:
            raise ValueError(f"--seeds is {arguments.seeds}; a spread needs at least 2.")
        for name in settings:
            if name.startswith("seeds"):
                settings[name] = arguments.seeds
    for change in arguments.set:
        name, _, value = change.partition("=")
        if name not in settings:
            raise ValueError(f"--set names {name!r}; it must be one of {', '.join(settings)}.")
        given = settings[name]
        none = any("none" in _values(preset[name]) for preset in experiment.presets.values())
        if isinstance(given, tuple):
            values = [_one(name, part, given[0], none) for part in value.split(",")]
            if name in experiment.fixed and len(values) != len(given):
                raise ValueError(
                    f"--set {name} has {len(values)} values; it must have {len(given)}."
                )
            settings[name] = tuple(values)
        else:
            settings[name] = _one(name, value, given, none)
    return settings


def _values(setting) -> tuple:
    return tuple(setting) if isinstance(setting, list | tuple) else (setting,)


def _one(name: str, value: str, given, none: bool):
    kind = type(given)
    if value == "none" and none:
        return value
    try:
        read = kind(value)
    except ValueError:
        raise ValueError(f"--set {name} is {value!r}; it must be {kind.__name__}.") from None
    if kind is int:
        checks.whole(f"--set {name}", read)
    elif kind is float:
        checks.positive(f"--set {name}", read)
    return read
