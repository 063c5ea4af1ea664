"""NeuroGym's environments as tasks: all that are registered, seeds, loss and scores by loops.

Most of it needs NeuroGym, which lives in an environment of its own: ``make neuro``.
"""

import importlib
import importlib.util
import random
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from importlib import metadata

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import dalejax as dj
from dalejax.tasks import NeuroGym
from dalejax.tasks.neurogym import environments, pool
from dalejax.training import fingerprint

installed = pytest.mark.skipif(
    importlib.util.find_spec("neurogym") is None, reason="NeuroGym is not installed: make neuro"
)
PERCEPTUAL = "PerceptualDecisionMaking-v0"
# Name -> inputs, outputs, time step, and whether trials are of different lengths.
SERVED = {
    "AnnubesEnv-v0": (4, 2, 100, False),
    "AntiReach-v0": (33, 33, 100, False),
    "ContextDecisionMaking-v0": (5, 3, 100, True),
    "DelayComparison-v0": (2, 3, 100, False),
    "DelayMatchCategory-v0": (3, 3, 100, False),
    "DelayMatchSample-v0": (3, 3, 100, False),
    "DelayMatchSampleDistractor1D-v0": (33, 2, 100, False),
    "DelayPairedAssociation-v0": (5, 2, 100, False),
    "DualDelayMatchSample-v0": (7, 3, 100, False),
    "GoNogo-v0": (3, 2, 100, False),
    "IntervalDiscrimination-v0": (3, 3, 80, True),
    "MotorTiming-v0": (4, 2, 80, True),
    "MultiSensoryIntegration-v0": (5, 3, 100, False),
    "OneTwoThreeGo-v0": (3, 2, 80, True),
    PERCEPTUAL: (3, 3, 100, False),
    "PerceptualDecisionMakingDelayResponse-v0": (3, 3, 100, True),
    "PostDecisionWager-v0": (4, 4, 100, True),
    "ProbabilisticReasoning-v0": (41, 3, 100, True),
    "PulseDecisionMaking-v0": (3, 3, 10, False),
    "ReachingDelayResponse-v0": (2, 2, 100, True),
    "ReadySetGo-v0": (3, 2, 80, True),
    "SpatialSuppressMotion-v0": (32, 4, 8.3, False),
    "ToneDetection-v0": (1, 4, 50, False),
    "perceptualdecisionmaking.ibl20-v0": (3, 3, 100, False),
}
REACHES = ("go", "rtgo", "dlygo", "anti", "rtanti", "dlyanti", "dms", "dnms", "dmc", "dnmc")
COMPARISONS = (
    "dm1",
    "dm2",
    "ctxdm1",
    "ctxdm2",
    "multidm",
    "dlydm1",
    "dlydm2",
    "ctxdlydm1",
    "ctxdlydm2",
    "multidlydm",
)
for of_yang19 in REACHES + COMPARISONS:
    SERVED[f"yang19.{of_yang19}-v0"] = (33, 17, 100, of_yang19 in COMPARISONS)
REFUSED = {
    "Bandit-v0": "without ground truth",
    "DawTwoStep-v0": "without ground truth",
    "EconomicDecisionMaking-v0": "without ground truth",
    "HierarchicalReasoning-v0": "two different trials of one seed",  # its first block's length
    "Null-v0": "without ground truth",
    "Reaching1D-v0": r"while an agent acts in it \(Reaching1D\)",
    "Reaching1DWithSelfDistraction-v0": "while an agent acts",
    "perceptualdecisionmaking.roitman02-v0": r"while an agent acts in it \(ReactionTime\)",
}
KINDS = (
    PERCEPTUAL,
    "AnnubesEnv-v0",
    "ContextDecisionMaking-v0",
    "DualDelayMatchSample-v0",
    "GoNogo-v0",
    "OneTwoThreeGo-v0",
    "PostDecisionWager-v0",
    "ReachingDelayResponse-v0",
    "ReadySetGo-v0",
    "SpatialSuppressMotion-v0",
    "ToneDetection-v0",
    "perceptualdecisionmaking.ibl20-v0",
    "yang19.dlydm1-v0",
    "yang19.dms-v0",
)
NUMBERS = ("ReachingDelayResponse-v0", "SpatialSuppressMotion-v0")  # in place of choices
NEEDED = {"AnnubesEnv-v0": {"session": {"v": 1, "a": 1}, "catch_prob": 0.5}}


def made(name, num_train=24, num_test=8, **given):
    given.setdefault("env_kwargs", NEEDED.get(name))
    batch_size = given.pop("batch_size", min(4, num_train))
    return NeuroGym(name, num_train=num_train, num_test=num_test, batch_size=batch_size, **given)


@cache
def usual(name):
    return made(name)


def shown(task, num):
    """Give the first test trials as a batch: inputs, targets, weights, conditions."""
    batch = task.evaluation_batch(task.data, "test", np.arange(num))
    return jax.tree.map(np.asarray, (batch.inputs, *batch.targets))


def same(one, other):
    return jax.tree.structure(one) == jax.tree.structure(other) and all(
        map(np.array_equal, *map(jax.tree.leaves, (one, other)))
    )


@installed
def test_every_registered_environment_is_here():
    environments.installed()
    registration = importlib.import_module("neurogym.envs.registration")
    assert set(SERVED) | set(REFUSED) == set(registration.ALL_EXTENDED_ENVS)
    assert not set(SERVED) & set(REFUSED)


@installed
@pytest.mark.parametrize("name", SERVED)
def test_environments_are_served(name):
    task = usual(name)
    n_in, n_out, dt, varies = SERVED[name]
    assert (task.name, task.n_in, task.n_out, task.dt) == (name, n_in, n_out, dt)
    assert task.time.every_step and task.updates_per_epoch == 6
    assert task.score == ("test_mse" if name in NUMBERS else "test_error")
    longest = 0
    for which, num in (("train", 24), ("test", 8)):
        inputs, targets, lengths, condition = task.data[which]
        assert inputs.dtype == np.float32 and inputs.shape == (num, task.length, n_in)
        assert targets.dtype == (np.float32 if name in NUMBERS else np.uint8)
        assert targets.shape == (num, task.length, *([n_out] if name in NUMBERS else []))
        assert all(values.shape == (num,) for values in condition.values()) and condition
        longest = max(longest, lengths.max())
        padded = np.arange(task.length) >= lengths[:, None]
        assert not inputs[padded].any() and not targets[padded].any()
        assert padded.any() <= varies  # a small pool may be of one length by chance
    assert longest == task.length


@installed
@pytest.mark.parametrize("name", KINDS)
def test_trials_are_those_that_the_environment_makes(name):
    task = usual(name)
    env = environments.make(environments.Recipe(name, NEEDED.get(name, {}), 0))
    environments.set_seed(env, np.random.SeedSequence([0, 1, 0]))
    inputs, targets, weights, _ = shown(task, 8)
    with environments.quiet():
        for b in range(8):
            env.unwrapped._top.new_trial()
            ob, gt = env.unwrapped.ob, env.unwrapped.gt
            assert len(ob) == len(gt) <= task.length
            for t in range(task.length):
                assert weights[t, b] == (t < len(ob))
                if t >= len(ob):
                    assert not inputs[t, b].any() and not targets[t, b].any()
                    continue
                np.testing.assert_array_equal(inputs[t, b], ob[t])
                answer = gt[t] if name in NUMBERS else np.arange(task.n_out) == gt[t]
                np.testing.assert_array_equal(targets[t, b], answer)


@installed
def test_a_whole_set_is_shown_in_an_epoch():
    task = usual("ContextDecisionMaking-v0")
    order = task.order(task.data, key=jax.random.key(0))
    shown = [
        task.batch(task.data, order, jnp.int32(i), key=jax.random.key(1)).inputs for i in range(6)
    ]
    seen = np.concatenate(shown, axis=1).transpose(1, 0, 2)
    stored = task.data["train"][0]
    assert not same(seen, stored)
    assert sorted(map(bytes, np.asarray(seen))) == sorted(map(bytes, stored))


@installed
@pytest.mark.parametrize("name", SERVED)
def test_seeds_are_honoured(name):
    task, again, other = usual(name), made(name), made(name, seed=1)
    assert same(task.data, again.data)
    assert not same(task.data["train"], other.data["train"])
    # Neither set holds the other one's trials.
    assert not same(*(jax.tree.map(lambda part: part[:8], s) for s in task.data.values()))


@installed
@pytest.mark.parametrize("name", ["OneTwoThreeGo-v0", "yang19.go-v0", "AnnubesEnv-v0"])
def test_all_generators_have_streams_of_their_own(name):
    env = environments.make(environments.Recipe(name, NEEDED.get(name, {}), 0))
    kinds = (np.random.RandomState, np.random.Generator)

    def draws(seed):
        environments.set_seed(env, np.random.SeedSequence(seed))
        found = [part for part in environments.parts(env) if isinstance(part, kinds)]
        return [part.random(4).tolist() for part in found]

    first = draws(0)
    assert len(first) > 2 and first == draws(0)
    assert len({tuple(draw) for draw in first + draws(1)}) == 2 * len(first)


@installed
def test_a_trial_depends_on_its_number_alone(monkeypatch):
    monkeypatch.setattr(pool, "_CHAIN", 4)
    few, many = made(PERCEPTUAL, 6, 3), made(PERCEPTUAL, 23, 9)
    for which, num in (("train", 6), ("test", 3)):
        assert same(few.data[which], jax.tree.map(lambda part: part[:num], many.data[which]))  # noqa: B023
    inputs = many.data["train"][0]
    assert len({trial.tobytes() for trial in inputs}) == 23  # chains do not repeat each other

    def backwards(jobs, workers):
        assert workers == 3
        return [pool._chain(*job) for job in jobs[::-1]][::-1]

    monkeypatch.setattr(pool, "_elsewhere", backwards)
    shared = made(PERCEPTUAL, 23, 9, workers=3)
    assert same(shared.data, many.data)
    assert fingerprint.describe(shared) == fingerprint.describe(many)
    assert fingerprint.differences(fingerprint.describe(few), fingerprint.describe(many))


@installed
def test_workers_make_the_same_trials():
    jobs = [(environments.Recipe(name, NEEDED.get(name, {}), 3), 1, 2, 5) for name in SERVED]
    here = [pool._chain(*job) for job in jobs]
    assert same(pool._elsewhere(jobs, 2), here)


@installed
def test_schedules_go_on_from_trial_to_trial():
    task = made("yang19.go-v0", 20)
    inputs, _, lengths, _ = task.data["train"]
    seen = inputs.any(1)[:, 1:].reshape(20, 2, 16).any(-1)  # by modality
    assert seen.tolist() == [[True, False], [False, True]] * 10 and (lengths == 15).all()
    blocks = made("perceptualdecisionmaking.ibl20-v0", 500)
    left = blocks.data["train"][3]["ground_truth"].reshape(-1, 10).mean(1) < 0.5
    assert 15 < left.sum() < 35  # in blocks of 90, of which one is left and the next is right
    assert np.abs(np.diff(left.astype(int))).sum() < 15


@installed
def test_dt_and_further_arguments_are_the_environments():
    task = made(PERCEPTUAL, dt=50, env_kwargs={"cohs": [6.4], "sigma": 0.0})
    assert (task.dt, task.length) == (50, 44)
    inputs, targets, _, condition = task.data["train"]
    assert (condition["coh"] == np.float32(6.4)).all()
    right = condition["ground_truth"].astype(int)
    # Fixation 2 steps, stimulus 40, decision 2.
    expected = np.zeros_like(inputs)
    expected[:, :2, 0] = 1
    expected[:, 2:42, 1:] = np.where(np.arange(2) == right[:, None], 0.532, 0.468)[:, None]
    np.testing.assert_allclose(inputs, expected, atol=1e-6)
    np.testing.assert_array_equal(targets, (np.arange(44) >= 42) * (1 + right[:, None]))


# Loss and scores, by loops


def outputs_for(task, num, seed=0):
    size = (task.length, num, task.n_out)
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def counted(task, outputs):
    """Count for each test trial: sum of losses, steps, wrong steps, decisions, wrong ones."""
    _, targets, lengths, _ = task.data["test"]
    rows = []
    for b in range(outputs.shape[1]):
        losses, wrong_steps, decisions, wrong = 0.0, 0, 0, 0
        for t in range(lengths[b]):
            y = outputs[t, b].astype(float)
            if task.name in NUMBERS:
                losses += np.mean((y - targets[b, t]) ** 2)
                continue
            action = targets[b, t]
            losses -= y[action] - np.log(np.exp(y).sum())
            miss = max(range(task.n_out), key=y.__getitem__) != action
            wrong_steps += miss
            follows = targets[b, t + 1] if t + 1 < lengths[b] else None
            if action != 0 and action != follows:
                decisions, wrong = decisions + 1, wrong + miss
        if decisions == 0 and task.name not in NUMBERS:
            decisions, wrong = 1, int(np.argmax(outputs[lengths[b] - 1, b]) != 0)
        rows.append((losses, lengths[b], wrong_steps, decisions, wrong))
    return np.array(rows, float)


@installed
@pytest.mark.parametrize(
    ("name", "decisions_each"),
    [
        (PERCEPTUAL, 1),
        ("ContextDecisionMaking-v0", 1),
        ("GoNogo-v0", 1),
        ("ReadySetGo-v0", 1),
        ("DualDelayMatchSample-v0", 2),
        ("AnnubesEnv-v0", 1),
        ("ReachingDelayResponse-v0", 0),
        ("SpatialSuppressMotion-v0", 0),
    ],
)
def test_loss_and_scores_are_those_of_a_loop(name, decisions_each):
    task = made(name, num_test=40)
    outputs = outputs_for(task, 40)
    _, wanted = task.evaluation_batch(task.data, "test", np.arange(40))
    rows = counted(task, outputs)
    losses, steps, wrong_steps, decisions, wrong = rows.sum(0)
    assert float(task.loss(outputs, wanted)) == pytest.approx(losses / steps, rel=1e-5)
    scores = task.scores(outputs, wanted)
    np.testing.assert_allclose(scores["losses"], rows[:, 0], rtol=1e-4)
    metrics = {k: float(v) for k, v in averaged(task, scores).items()}
    if not decisions_each:
        assert metrics == {"mse": pytest.approx(losses / steps, rel=1e-5)}
        return
    assert (rows[:, 3] == decisions_each).all()
    np.testing.assert_array_equal(scores["wrong"], rows[:, 4])
    assert metrics == {
        "loss": pytest.approx(losses / steps, rel=1e-5),
        "error": pytest.approx(100 * wrong / decisions, rel=1e-5),
        "step_error": pytest.approx(100 * wrong_steps / steps, rel=1e-5),
    }
    assert 0 < wrong < decisions


def averaged(task, scores):
    return task.summaries({name: jnp.asarray(sums.mean()) for name, sums in scores.items()})


@installed
def test_going_where_one_should_not_is_an_error():
    task = made("GoNogo-v0", num_test=200)
    _, wanted = task.evaluation_batch(task.data, "test", np.arange(200))
    go = float((task.data["test"][3]["ground_truth"] == 1).mean())
    assert 0.3 < go < 0.7
    perfect = averaged(task, task.scores(wanted.targets, wanted))
    assert perfect["error"] == perfect["step_error"] == 0
    for action, error in ((1, 100 * (1 - go)), (0, 100 * go)):
        outputs = jnp.zeros_like(wanted.targets).at[..., action].set(1.0)
        found = averaged(task, task.scores(outputs, wanted))["error"]
        assert float(found) == pytest.approx(error, rel=1e-5)


@installed
def test_what_is_said_after_a_trial_does_not_count():
    task = made("ContextDecisionMaking-v0", num_test=16)
    _, wanted = task.evaluation_batch(task.data, "test", np.arange(16))
    outputs = outputs_for(task, 16)
    other = np.where(np.asarray(wanted.weights)[..., None] > 0, outputs, 7 * outputs - 3)
    assert (other != outputs).any()
    assert float(task.loss(outputs, wanted)) == float(task.loss(other, wanted))
    assert same(task.scores(outputs, wanted), task.scores(other, wanted))


@installed
def test_a_network_learns_to_decide():
    task = made(PERCEPTUAL, 2000, 500, batch_size=32, env_kwargs={"cohs": [25.6, 51.2]})
    cell = dj.ColEICell(32, n_i=8, rho=1.0)
    net = dj.RecurrentNetwork([cell], dj.Dense(task.n_out), every_step=True)
    tx = optax.chain(dj.clip_by_tensor_norm(1.0), optax.adam(0.01), dj.dale_projection())
    run = dj.train(
        net, tx, task, keys=dj.seed_keys(0, 2), num_updates=600, eval_every=300, progress=False
    )
    dj.signs.assert_legal(run.params)
    last = run.table[run.table["update"] == 600].groupby("metric").value
    assert set(last.groups) == {"train_loss", "test_loss", "test_error", "test_step_error"}
    assert last.max()["test_error"] < 20  # by chance 50 would be wrong, or 67


# What is refused


@installed
@pytest.mark.parametrize("name", REFUSED)
def test_environments_are_refused_with_a_reason(name):
    with pytest.raises(ValueError, match=REFUSED[name]) as refusal:
        made(name)
    assert str(refusal.value).startswith(name)


@installed
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"env": "PerceptualDecision-v0"}, "env is 'PerceptualDecision-v0'; it must be a reg"),
        ({"env": "PerceptualDecision-v0"}, "such as .*PerceptualDecisionMaking-v0"),
        ({"env": "nothing:Perceptual-v0"}, "env is 'nothing:Perceptual-v0'; it must be a reg"),
        ({"env": "CartPole-v1"}, "CartPole-v1 is a CartPoleEnv; it must be a TrialEnv of NeuroGym"),
        ({"env": "AnnubesEnv-v0"}, "was given {}; it must be given what it takes: .*session"),
        ({"env_kwargs": {"coh": 1}}, r"was given {'coh': 1}; it must be given what it takes"),
        ({"env": "ToneDetection-v0", "dt": 100}, "was given {'dt': 100}; .*tone duration"),
        ({"dt": 50, "env_kwargs": {"dt": 20}}, "env_kwargs has a dt of 20; it must be given as dt"),
        ({"dt": 150}, "asks for no action in 32 trials at dt=150; its ground truth must not be 0"),
        ({"dt": 5000}, r"whose ob is \(0, 3\) and whose gt is \(0,\); .*with at least 1 step"),
        ({"dt": -1}, "dt is -1; it must be a finite number above 0"),
        ({"seed": -1}, "seed is -1; it must be from 0"),
        ({"num_train": 0}, "num_train is 0; it must be at least 1"),
        ({"num_test": 0}, "num_test is 0; it must be at least 1"),
        ({"batch_size": 25}, "batch_size is 25; it must be from 1 to 24"),
        ({"workers": 0}, "workers is 0; it must be at least 1"),
        (
            {"workers": 2, "env_kwargs": {"timing": {"delay": lambda: 100}}},
            "env_kwargs cannot be sent to other processes .*; workers must be 1",
        ),
    ],
)
def test_what_does_not_fit_is_refused(given, sentence, untyped):
    given = {"env": PERCEPTUAL, "num_train": 24, "num_test": 8, "batch_size": 4} | given
    with pytest.raises(ValueError, match=sentence):
        NeuroGym(**given)


@installed
def test_workers_that_die_are_explained(monkeypatch):
    def broken(*args, **kwargs):
        raise BrokenProcessPool("died")

    monkeypatch.setattr(pool, "ProcessPoolExecutor", broken)
    with pytest.raises(RuntimeError, match='must begin under if __name__ == "__main__", or'):
        made(PERCEPTUAL, workers=2)


@pytest.fixture
def register():
    """Register an environment of this test's: what a trial is, and its spaces."""
    environments.installed()
    gym, core, spaces = map(
        importlib.import_module, ("gymnasium", "neurogym.core", "gymnasium.spaces")
    )

    def register(draw, observations=None, actions=None):
        class Mine(core.TrialEnv):
            def __init__(self, dt=100):
                super().__init__(dt)
                self.timing = {"all": 300}
                self.observation_space = observations or spaces.Box(-9, 9, (1,), np.float32)
                self.action_space = actions or spaces.Discrete(2)

            def _new_trial(self):
                self.add_period("all")
                return draw(self)

        gym.register("Mine-v0", Mine)
        return spaces

    yield register
    gym.registry.pop("Mine-v0", None)


def shows(value):
    """Make a trial that shows a number and asks for action 1."""

    def draw(env):
        env.add_ob(value(env))
        env.set_groundtruth(1)

    return draw


@installed
@pytest.mark.parametrize(
    "value",
    [
        lambda env: env.rng.randn(),
        lambda env: env.np_random.normal(),
        lambda env: env.action_space.sample() + env.observation_space.sample(),
    ],
    ids=["rng", "np_random", "sample"],
)
def test_environments_of_ones_own_are_served(register, value):
    register(shows(value))
    task = made("Mine-v0")
    assert (task.n_in, task.length, task.data["train"][3]) == (1, 3, {})
    assert same(task.data, made("Mine-v0").data)
    assert not same(task.data, made("Mine-v0", seed=1).data)
    assert len(np.unique(task.data["train"][0][:, 0])) > 20


@installed
def test_pictures_are_flattened(register):
    spaces = importlib.import_module("gymnasium.spaces")
    register(shows(lambda env: np.arange(6).reshape(2, 3)), spaces.Box(0, 9, (2, 3), np.float32))
    task = made("Mine-v0")
    assert task.n_in == 6 and (task.data["train"][0] == np.arange(6)).all()


@installed
@pytest.mark.parametrize(
    "value", [lambda env: random.random(), lambda env: np.random.random()], ids=["random", "numpy"]
)
def test_generators_that_no_seed_reaches_are_refused(register, value):
    register(shows(value))
    with pytest.raises(ValueError, match="Mine-v0 made two different trials of one seed; it must"):
        made("Mine-v0")


@installed
def test_trials_that_cannot_be_served_are_refused(register):
    spaces = importlib.import_module("gymnasium.spaces")

    def sometimes(env):  # as NeuroGym's Detection, which it does not register
        env.add_ob(1)
        if env.num_tr < 3:
            env.set_groundtruth(1)

    def refused(sentence, draw, **given):
        register(draw, **given)
        with pytest.raises(ValueError, match=f"Mine-v0 {sentence}"):
            made("Mine-v0")
        importlib.import_module("gymnasium").registry.pop("Mine-v0")

    def unknown(env):
        env.add_ob(1)
        env.set_groundtruth(2)

    one = shows(lambda env: 1)
    refused("makes a trial without ground truth", sometimes)
    refused("makes a trial without observations", lambda env: env.set_groundtruth(1))
    refused("has a ground truth of 2; it must be one of its actions, 0 to 1", unknown)
    refused(r"has the observations Discrete\(3\); they must", one, observations=spaces.Discrete(3))
    refused(r"has the actions MultiBinary\(2\); they must", one, actions=spaces.MultiBinary(2))
    from_1 = spaces.Discrete(2, start=1)
    refused(r"has the actions Discrete\(2, start=1\); they must", one, actions=from_1)

    def longer(env):
        one(env)
        env.gt = np.ones(4, int)

    refused(r"makes a trial whose ob is \(3, 1\) and whose gt is \(4,\); they must be", longer)
    with pytest.raises(ValueError, match="the train set holds non-finite numbers"):
        register(shows(lambda env: np.nan))
        made("Mine-v0")


# Without NeuroGym too


def test_without_neurogym_it_is_said_what_to_install(monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(ModuleNotFoundError) as refusal:
        NeuroGym(PERCEPTUAL)
    assert str(refusal.value) == (
        "NeuroGym is not installed; run: pip install 'dalejax[neuro]' in an environment of its own."
    )


@pytest.mark.parametrize("version", ["1.0.8", "2.2.0", "unknown"])
def test_an_old_neurogym_is_refused(monkeypatch, version):
    monkeypatch.setattr(metadata, "version", lambda name: version)
    with pytest.raises(
        ValueError, match=f"NeuroGym is {version}; it must be at least 2.3; run: pip"
    ):
        NeuroGym(PERCEPTUAL)


@installed
def test_outputs_that_are_no_numbers_are_no_decisions():
    task = made("ContextDecisionMaking-v0", num_test=16)
    _, wanted = task.evaluation_batch(task.data, "test", np.arange(16))
    counts = np.asarray(wanted.weights) > 0
    outputs = np.array(outputs_for(task, 16))
    outputs[counts[:, 0].nonzero()[0][0], 0] = np.nan  # in a step that counts
    if (~counts[:, 1]).any():
        outputs[~counts[:, 1], 1] = np.nan  # after the trial
    scores = task.scores(outputs, wanted)
    for name in ("wrong", "wrong_steps"):
        assert np.isnan(scores[name][0]) and not np.isnan(scores[name][1:]).any()
