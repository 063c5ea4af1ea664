"""Settings of an experiment: a typed record per preset, changed on the command line or restored."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, get_args, get_origin, get_type_hints

from dalejax import checks

# Settings that say nothing of how large a run is.
_NOT_SCALE = ("eval_every", "last", "root")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that every experiment has; each experiment adds its own fields.

    A field that is added later needs a default that is false, 0 or empty, so that runs which were
    saved without it can be resumed and judged.

    Attributes:
        data: the data set, ``"generated"`` for data that the task makes, ``"none"`` for no data.
        root: root of all random keys; another one makes an independent repetition.
    """

    data: str = "none"
    root: int = 0

    def replaced(self, **changes: Any) -> Any:
        """Give a copy with other values for the fields named."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class Training(Settings):
    """Settings of an experiment that trains.

    Attributes:
        updates: updates of each network.
        eval_every: updates between evaluations.
        seeds: networks (random initialisations) of each configuration.
        last: how many of the last evaluations a final value averages.
        batch_size: trials an update.
    """

    updates: int
    eval_every: int
    seeds: int
    last: int = 1
    batch_size: int = 32


class HasPresets(Protocol):
    """What reading settings needs of an experiment; see ``base.Experiment`` for the fields."""

    @property
    def name(self) -> str: ...

    @property
    def presets(self) -> Mapping[str, Settings]: ...

    @property
    def variants(self) -> tuple[str, ...]: ...

    @property
    def fixed(self) -> tuple[str, ...]: ...


def read(experiment: HasPresets, arguments: argparse.Namespace) -> Settings:
    """Read the settings of a new run: those of its preset, changed by --data, --seeds and --set.

    Args:
        experiment: the experiment.
        arguments: parsed command line with preset, variant, data, seeds and set.

    Raises:
        ValueError: an unknown preset, variant or setting, or a value of another type or range.
    """
    if arguments.preset not in experiment.presets:
        raise ValueError(
            f"preset is {arguments.preset!r}; it must be one of {', '.join(experiment.presets)}."
        )
    if arguments.variant not in experiment.variants:
        raise ValueError(
            f"variant is {arguments.variant!r}; {experiment.name} has "
            f"{', '.join(experiment.variants)}."
        )
    settings = experiment.presets[arguments.preset]
    changes: dict[str, Any] = {}
    if arguments.data is not None:
        changes["data"] = arguments.data
    if arguments.seeds is not None:
        if arguments.seeds < 2:
            raise ValueError(f"--seeds is {arguments.seeds}; a spread needs at least 2.")
        names = (field.name for field in dataclasses.fields(settings))
        changes |= {name: arguments.seeds for name in names if name.startswith("seeds")}
    for change in arguments.set:
        name, _, text = change.partition("=")
        changes[name] = _parse(experiment, settings, name, text)
    return settings.replaced(**changes)


def of_data(presets: Mapping[str, Settings]) -> dict[str, Settings]:
    """Give the presets of an experiment that reads another's run: its data sets alone.

    Args:
        presets: those of the experiment whose run is read.
    """
    return {name: Settings(data=preset.data) for name, preset in presets.items()}


def as_json(settings: Settings) -> dict[str, Any]:
    """Write settings as JSON can hold them: tuples become lists."""
    return {name: _listed(value) for name, value in dataclasses.asdict(settings).items()}


def restore(experiment: HasPresets, preset: str, saved: Mapping[str, Any]) -> Settings:
    """Make the record of settings that were saved as JSON; later fields have their defaults.

    Args:
        experiment: the experiment.
        preset: name of the preset that the run was begun with.
        saved: setting -> value, as :func:`as_json` wrote it.

    Raises:
        ValueError: a setting is unknown, or one without a default is missing.
    """
    kind = type(experiment.presets[preset])
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := [name for name in saved if name not in fields]:
        raise ValueError(f"the settings name {unknown[0]!r}; {experiment.name} has no such one.")
    values = {name: _tupled(value) for name, value in saved.items()}
    for name, field in fields.items():
        if name not in values and field.default is dataclasses.MISSING:
            raise ValueError(f"the settings lack {name!r}, which {experiment.name} needs.")
    return kind(**values)


def differences(ours: Settings, others: Settings) -> dict[str, tuple[Any, Any]]:
    """List the fields of two records that differ: name -> (value in ours, value in others)."""
    a, b = as_json(ours), as_json(others)
    return {name: (a[name], b.get(name)) for name in a if a[name] != b.get(name)}


def reductions(full_scale: Settings, settings: Settings) -> str:
    """Name the settings that differ from those at full scale, with both values; "" if none does."""
    full, now = as_json(full_scale), as_json(settings)
    parts = []
    for name, whole in full.items():
        value = now.get(name, whole)
        if name in _NOT_SCALE or value == whole:
            continue
        text = ", ".join(map(_short, value)) if isinstance(value, list) else value
        before = f"{len(whole)} values" if isinstance(whole, list) else whole
        parts.append(f"{name} {text} (full scale: {before})")
    return ", ".join(parts)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list | tuple) else value


def _parse(experiment: HasPresets, settings: Settings, name: str, text: str) -> Any:
    fields = [field.name for field in dataclasses.fields(settings)]
    if name not in fields:
        raise ValueError(f"--set names {name!r}; it must be one of {', '.join(fields)}.")
    given = getattr(settings, name)
    values = [getattr(preset, name) for preset in experiment.presets.values()]
    none = any("none" in (v if isinstance(v, tuple) else (v,)) for v in values)
    kind = _kind(settings, name)
    if not isinstance(given, tuple):
        return _parse_one(name, text, kind, none)
    parts = tuple(_parse_one(name, part, kind, none) for part in text.split(","))
    if name in experiment.fixed and len(parts) != len(given):
        raise ValueError(f"--set {name} has {len(parts)} values; it must have {len(given)}.")
    return parts


def _kind(settings: Settings, name: str) -> type:
    """Give the declared type of a setting, or of its items; float, where it may be "none", too."""
    declared = get_type_hints(type(settings))[name]
    if get_origin(declared) is tuple:
        declared = get_args(declared)[0]
    return (get_args(declared) or (declared,))[0]


def _parse_one(name: str, text: str, kind: type, none: bool) -> Any:
    if text == "none" and none:
        return text
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(f"--set {name} is {text!r}; it must be {kind.__name__}.") from None
    if name == "root":
        checks.seed("--set root", value)
    elif kind is int:
        checks.whole(f"--set {name}", value)
    elif kind is float:
        checks.positive(f"--set {name}", value)
    return value
