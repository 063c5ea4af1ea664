"""Make environments of NeuroGym, check that they can be used, and seed their generators."""

from __future__ import annotations

import contextlib
import copy
import difflib
import importlib
import importlib.util
import re
import sys
import types
import warnings
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

import numpy as np

from dalejax.types import Any

_INSTALL = "run: pip install 'dalejax[neuro]' in an environment of its own"
# Warnings that Gymnasium raises for every environment of NeuroGym.
_NOISE = (
    "metadata doesn't include `render_modes`",
    "to get variables from other wrappers is deprecated",
)


class Recipe(NamedTuple):
    """The arguments of an environment.

    Attributes:
        name: its registered name.
        kwargs: further arguments by name.
        seed: seed of its trials.
    """

    name: str
    kwargs: dict[str, Any]
    seed: int


def installed() -> Any:
    """Import NeuroGym.

    Raises:
        ModuleNotFoundError: it is not installed.
        ValueError: its version is below 2.3.
    """
    try:
        version = metadata.version("neurogym")
    except metadata.PackageNotFoundError:
        raise ModuleNotFoundError(f"NeuroGym is not installed; {_INSTALL}.") from None
    numbered = re.match(r"(\d+)\.(\d+)", version)
    if numbered is None or tuple(map(int, numbered.groups())) < (2, 3):
        raise ValueError(f"NeuroGym is {version}; it must be at least 2.3; {_INSTALL}.")
    monitor = "neurogym.wrappers.monitor"
    if "neurogym" in sys.modules or importlib.util.find_spec("torch"):
        return importlib.import_module("neurogym")
    # NeuroGym imports its monitor, which is not used here, and that imports PyTorch, which is no
    # requirement of NeuroGym. An empty module takes its place during the import.
    sys.modules[monitor] = types.ModuleType(monitor)
    vars(sys.modules[monitor])["Monitor"] = None
    try:
        return importlib.import_module("neurogym")
    finally:
        del sys.modules[monitor]


def make(recipe: Recipe) -> Any:
    """Make an environment and check that its trials do not depend on actions.

    Args:
        recipe: arguments of the environment.

    Raises:
        ModuleNotFoundError: NeuroGym is not installed.
        ValueError: the environment is unknown, does not take the arguments, or cannot be used.
    """
    installed()
    gym, core = (importlib.import_module(name) for name in ("gymnasium", "neurogym.core"))
    try:
        gym.spec(recipe.name)
    except Exception as error:
        near = difflib.get_close_matches(str(recipe.name), list(gym.registry), 3, 0.4)
        raise ValueError(
            f"env is {recipe.name!r}; it must be a registered environment, such as "
            f"{' or '.join(near or ['PerceptualDecisionMaking-v0'])}."
        ) from error
    given = copy.deepcopy(recipe.kwargs)  # an environment may change its arguments
    try:
        with quiet():
            env = gym.make(recipe.name, disable_env_checker=True, **given)
    except Exception as error:
        raise ValueError(
            f"{recipe.name} was given {given!r:.200}; it must be given what it takes: {error}"
        ) from error
    kind = type(env.unwrapped)
    if not isinstance(env.unwrapped, core.TrialEnv):
        raise ValueError(f"{recipe.name} is a {kind.__name__}; it must be a TrialEnv of NeuroGym.")
    for part in map(type, parts(env)):
        wraps = issubclass(part, gym.Wrapper) and not part.__module__.startswith("gymnasium.")
        if (wraps and part.step is not gym.Wrapper.step) or (
            issubclass(part, core.TrialEnv) and part.post_step is not core.TrialEnv.post_step
        ):
            raise ValueError(
                f"{recipe.name} changes a trial while an agent acts in it ({part.__name__}); its "
                "trials must be complete before."
            )
    return env


def sizes(env: Any, name: str) -> tuple[int, int, bool]:
    """Return the numbers of inputs and outputs, and whether actions are choices.

    Args:
        env: environment of Gymnasium.
        name: its name, for error messages.

    Raises:
        ValueError: observations or actions are of another space than those that can be used.
    """
    spaces = importlib.import_module("gymnasium").spaces
    seen, done = env.observation_space, env.action_space
    if not isinstance(seen, spaces.Box):
        raise ValueError(f"{name} has the observations {seen}; they must be a Box.")
    if isinstance(done, spaces.Discrete) and done.start == 0:
        return int(np.prod(seen.shape)), int(done.n), True
    if isinstance(done, spaces.Box):
        return int(np.prod(seen.shape)), int(np.prod(done.shape)), False
    raise ValueError(f"{name} has the actions {done}; they must be Discrete (from 0 on) or a Box.")


def set_seed(env: Any, sequence: np.random.SeedSequence) -> None:
    """Seed all random generators inside an environment, each with an independent stream.

    ``env.reset(seed=…)`` does not seed the generator that trials are drawn from.
    ``env.unwrapped.seed(…)`` seeds some generators, but all with the same stream, so that the
    duration of a delay may predict the right choice.

    Args:
        env: environment of Gymnasium.
        sequence: seed of which those of the generators are derived.
    """
    kinds = np.random.RandomState, np.random.Generator
    generators = [part for part in parts(env) if isinstance(part, kinds)]
    for generator, own in zip(generators, sequence.spawn(len(generators)), strict=True):
        if isinstance(generator, np.random.RandomState):
            state: Any = np.random.MT19937(own).state
            generator.set_state(state)
        else:
            bits: Any = generator.bit_generator
            bits.state = type(bits)(own).state


def parts(root: Any) -> Iterator[Any]:
    """Iterate over an object and all objects that it refers to, each once, in a fixed order.

    Args:
        root: the object, such as an environment.
    """
    gym = importlib.import_module("gymnasium")
    seen, ahead = {}, [root]
    while ahead:
        part = ahead.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        yield part
        if isinstance(part, gym.Env | gym.Space):
            _ = part.np_random  # Gymnasium makes the generator at its first use
        if isinstance(part, dict):
            ahead += part.values()
        elif isinstance(part, list | tuple):
            ahead += part
        elif isinstance(part, types.FunctionType):
            ahead += [cell.cell_contents for cell in part.__closure__ or ()]
        elif isinstance(part, types.MethodType):
            ahead.append(part.__self__)
        elif hasattr(part, "__dict__") and not isinstance(part, type | types.ModuleType):
            ahead += vars(part).values()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress the warnings that Gymnasium raises for every environment of NeuroGym."""
    with warnings.catch_warnings():
        for message in _NOISE:
            warnings.filterwarnings("ignore", f".*{re.escape(message)}", UserWarning)
        yield
