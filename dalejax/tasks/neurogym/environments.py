"""NeuroGym's environments: imported when one is asked for, checked, all generators seeded."""

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
# What NeuroGym's use of Gymnasium makes Gymnasium say, whatever a user does.
_NOISE = (
    "metadata doesn't include `render_modes`",
    "to get variables from other wrappers is deprecated",
)


class Recipe(NamedTuple):
    """What an environment is made of: its registered name, further arguments, the seed."""

    name: str
    kwargs: dict[str, Any]
    seed: int


def installed() -> Any:
    """Import NeuroGym."""
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
    # Its monitor of agents, of no use here, imports PyTorch, which NeuroGym does not ask for.
    sys.modules[monitor] = types.ModuleType(monitor)
    vars(sys.modules[monitor])["Monitor"] = None
    try:
        return importlib.import_module("neurogym")
    finally:
        del sys.modules[monitor]


def make(recipe: Recipe) -> Any:
    """Make an environment that trials can be had from."""
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
    given = copy.deepcopy(recipe.kwargs)  # an environment may change what it gets
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
                f"{recipe.name} goes on making a trial while an agent acts in it "
                f"({part.__name__}); its trials must be whole before."
            )
    return env


def sizes(env, name: str) -> tuple[int, int, bool]:
    """Count inputs and outputs, and tell whether actions are choices."""
    spaces = importlib.import_module("gymnasium").spaces
    seen, done = env.observation_space, env.action_space
    if not isinstance(seen, spaces.Box):
        raise ValueError(f"{name} has the observations {seen}; they must be a Box.")
    if isinstance(done, spaces.Discrete) and done.start == 0:
        return int(np.prod(seen.shape)), int(done.n), True
    if isinstance(done, spaces.Box):
        return int(np.prod(seen.shape)), int(np.prod(done.shape)), False
    raise ValueError(f"{name} has the actions {done}; they must be Discrete (from 0 on) or a Box.")


def set_seed(env, sequence: np.random.SeedSequence) -> None:
    """Set every generator inside an environment, each to a stream of its own.

    ``env.reset(seed=…)`` does not reach the generator that trials are drawn from, and
    ``env.unwrapped.seed(…)`` not all of them; to those that it reaches it gives one and the same
    stream, so that how long a delay is may tell what the right choice will be.
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
    """Go through all that an object holds, each part once, in an order that is always the same."""
    gym = importlib.import_module("gymnasium")
    seen, ahead = {}, [root]
    while ahead:
        part = ahead.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        yield part
        if isinstance(part, gym.Env | gym.Space):
            _ = part.np_random  # it comes into being when it is asked for
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
    """Keep from users what NeuroGym's use of Gymnasium makes Gymnasium say."""
    with warnings.catch_warnings():
        for message in _NOISE:
            warnings.filterwarnings("ignore", f".*{re.escape(message)}", UserWarning)
        yield
