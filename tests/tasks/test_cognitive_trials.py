"""Cognitive tasks of Song et al. 2016: trials against a slow generator, decisions against loops."""

import itertools
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import dalejax as dj
from dalejax.tasks import Wanted
from dalejax.training import fingerprint

# A slow generator: what a trial of a condition is at a time, in ms. It knows nothing of dalejax.


def two_choices(time, ends, condition, right):
    """Give targets and weight; ends: of the fixation, where the decision begins."""
    if condition["catch"]:
        assert condition["choice"] == -1
        return [0.2, 0.2], 1
    assert condition["choice"] == right
    if time < ends[0]:
        return [0.2, 0.2], 1
    if time > ends[1]:
        return [0.2 + 0.8 * (k == right) for k in range(2)], 1
    return [0.2, 0.2], 0


def sides(coherence, gain):
    """Give two inputs; positive coherence makes the second one stronger."""
    stronger, weaker = ((1 + gain * c / 100) / 2 for c in (abs(coherence), -abs(coherence)))
    return [weaker, stronger] if coherence > 0 else [stronger, weaker]


def perceptual(time, condition, fixation=100, stimulus=800, decision=300):
    on = fixation < time < fixation + stimulus and not condition["catch"]
    inputs = sides(condition["coherence"], 3.2) if on else [0, 0]
    right = int(condition["coherence"] > 0)
    return inputs, *two_choices(time, (fixation, fixation + stimulus), condition, right)


def reaction_time(time, condition, fixation=100, stimulus=1000, decision=700):
    on = time > fixation and not condition["catch"]
    inputs = [*sides(condition["coherence"], 3.2), 1] if on else [0, 0, 0]
    begin = fixation + stimulus - decision
    right = int(condition["coherence"] > 0)
    return inputs, *two_choices(time, (fixation, begin), condition, right)


def context(time, condition, fixation=100, stimulus=800, decision=300):
    inputs = [0.0] * 6
    motion, colour = condition["motion"], condition["colour"]
    if fixation < time < fixation + stimulus and not condition["catch"]:
        inputs[int(condition["context"])] = 1
        inputs[2:4] = sides(motion, 5)
        inputs[4:6] = sides(colour, 5)
    right = int((colour if condition["context"] == 1 else motion) > 0)
    return inputs, *two_choices(time, (fixation, fixation + stimulus), condition, right)


def multisensory(time, condition, fixation=100, stimulus=1000, decision=300):
    inputs = [0.0] * 4
    f = condition["frequency"]
    if fixation < time < fixation + stimulus and not condition["catch"]:
        if condition["modality"] in (0, 2):
            inputs[0], inputs[2] = 0.5 + 0.6 * (f - 6) / 13, 0.5 + 0.6 * (19 - f) / 13
        if condition["modality"] in (1, 2):
            inputs[1], inputs[3] = 0.5 + 0.6 * (f - 6) / 13, 0.5 + 0.6 * (19 - f) / 13
    right = int(f > 12.5)
    return inputs, *two_choices(time, (fixation, fixation + stimulus), condition, right)


def working_memory(time, condition, fixation=100, f1=500, delay=3000, f2=500, decision=300):
    inputs, end = [0.0, 0.0], fixation + f1 + delay + f2
    shown = None
    if fixation < time < fixation + f1:
        shown = condition["f1"]
    elif end - f2 < time < end:
        shown = condition["f2"]
    if shown is not None and not condition["catch"]:
        inputs = [0.2 + 0.8 * (shown - 10) / 24, 0.2 + 0.8 * (34 - shown) / 24]
    right = int(condition["f1"] > condition["f2"])
    return inputs, *two_choices(time, (fixation, end), condition, right)


DOTS = {1: "4510", 2: "4312", 3: "4378", 4: "4576", 5: "4512", 6: "4310", 7: "4376", 8: "4578"}
WAYS = {"1": "02", "3": "17", "4": "35", "5": "17", "7": "68"}


def position(dot):
    return [-0.5 + 0.5 * (int(dot) % 3), -0.5 + 0.5 * (2 - int(dot) // 3)]


def sequences(time, condition, iti=1000, fixation=1000, move=500):
    inputs, dots = [0.0] * 17, DOTS[int(condition["sequence"])]
    inputs[9 + int(condition["sequence"]) - 1] = 1
    if time < iti:
        return inputs, [0, 0], 0
    if time < iti + fixation:
        inputs[int(dots[0])] = 1
        return inputs, position(dots[0]), 1
    k = int((time - iti - fixation) // move)
    for dot in dots[k] + WAYS[dots[k]]:
        inputs[int(dot)] = 1
    return inputs, position(dots[k + 1]), 1


TASKS = {
    "perceptual": (dj.tasks.PerceptualDecision, perceptual, 1200, 11),
    "reaction_time": (
        lambda **given: dj.tasks.PerceptualDecision(reaction_time=True, **given),
        reaction_time,
        1100,
        11,
    ),
    "context": (dj.tasks.ContextIntegration, context, 1200, 73),
    "multisensory": (dj.tasks.MultisensoryIntegration, multisensory, 1400, 43),
    "working_memory": (dj.tasks.ParametricWorkingMemory, working_memory, 4400, 11),
    "sequences": (dj.tasks.SequenceExecution, sequences, 3500, 8),
}
CHOICES = [name for name in TASKS if name != "sequences"]
DT = 20.0
TIMINGS = [(name, {"dt": DT}) for name in TASKS] + [
    ("perceptual", {"fixation": 0, "stimulus": 75, "decision": 25, "dt": 12.5}),
    ("reaction_time", {"fixation": 60, "stimulus": 90, "decision": 90, "dt": 30}),
    ("context", {"fixation": 30, "stimulus": 10, "decision": 50, "dt": 10}),
    ("multisensory", {"fixation": 3, "stimulus": 6, "decision": 1.5, "dt": 0.5}),
    ("working_memory", {"fixation": 40, "f1": 120, "delay": 0, "f2": 80, "decision": 40, "dt": 40}),
    ("sequences", {"iti": 0, "fixation": 50, "move": 150, "window": 50, "dt": 50}),
]


def keys(num, seed=0):
    return jax.random.split(jax.random.key(seed), num)


def made(task, num):
    """Make trials, as NumPy arrays."""
    return jax.tree.map(np.asarray, jax.jit(task.make)(keys(num)))


@cache
def usual(name):
    """Give a task, trials of it without noise, and its scores, made once for all tests."""
    task = TASKS[name][0](dt=DT, noise=0.0)
    return task, made(task, max(100, 8 * TASKS[name][3])), jax.jit(task.scores)


def drawn(task, num):
    """Draw the conditions of trials."""
    return jax.jit(jax.vmap(lambda key: task.trial(key=key).condition))(keys(num, seed=1))


def expected(name, condition, dt, length, **times):
    """Run the slow generator: inputs without baseline, targets, weights."""
    steps = [TASKS[name][1](dt * (i + 0.5), condition, **times) for i in range(length)]
    return map(np.array, zip(*steps, strict=True))


def conditions(trials):
    """List the condition of each trial."""
    columns = trials.condition
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.mark.parametrize(("name", "timing"), TIMINGS)
def test_trials_are_those_of_a_slow_generator(name, timing):
    make, _, duration, num = TASKS[name]
    if timing == {"dt": DT}:
        task, trials, _ = usual(name)
    else:
        task = make(noise=0.0, **timing)
        trials = made(task, 8 * num)
    dt, times = timing["dt"], {k: v for k, v in timing.items() if k not in ("dt", "window")}
    length = round((sum(times.values()) or duration) / dt)
    if times:  # a decision that is part of the stimulus; three moves
        length += round({"reaction_time": -90, "sequences": 300}.get(name, 0) / dt)
    shape = trials.weights.shape
    assert shape[0] == length and shape[1] >= 8 * num
    assert trials.inputs.shape == (*shape, task.n_in)
    assert trials.targets.shape == (*shape, 2) and task.n_out == 2
    seen = {}
    for b, condition in enumerate(conditions(trials)):
        trial = [np.asarray(part)[:, b] for part in trials[:3]]
        kind = tuple(condition.values())
        if kind not in seen:
            inputs, targets, weights = expected(name, condition, dt, length, **times)
            seen[kind] = (inputs + 0.2, targets, weights)
        for part, wanted_part in zip(trial, seen[kind], strict=True):
            np.testing.assert_allclose(part, wanted_part, rtol=0, atol=2e-7)
    assert len(seen) > 0.9 * num


@pytest.mark.parametrize("name", TASKS)
def test_all_conditions_are_as_likely(name):
    make, _, _, num = TASKS[name]
    draws, mean = 20_000, 20_000 / num
    columns = drawn(make(dt=100.0), draws)
    rows = np.stack([np.asarray(column, float) for column in columns.values()], axis=1)
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    assert len(kinds) == num
    assert np.abs(counts - mean).max() < 4.5 * np.sqrt(mean * (1 - 1 / num))
    if name not in CHOICES:
        return
    catch = np.asarray(columns["catch"])
    assert abs(catch.sum() - mean) < 4.5 * np.sqrt(mean)
    for column, levels in LEVELS[name].items():
        values = np.asarray(columns[column])
        assert sorted(set(values[~catch].tolist())) == levels
        assert set(values[catch].tolist()) == {-1 if column in LABELS else 0}
        assert column != "choice" or abs(values[~catch].mean() - 0.5) < 0.02


SIGNED, MIXED = [-16, -8, -4, -2, -1, 1, 2, 4, 8, 16], [-10, -3, -1, 1, 3, 10]
LABELS = ("choice", "context", "modality")
FREQUENCIES = [10, 14, 18, 22, 26, 30, 34]
LEVELS = {
    "perceptual": {"coherence": SIGNED, "choice": [0, 1]},
    "reaction_time": {"coherence": SIGNED, "choice": [0, 1]},
    "context": {"motion": MIXED, "colour": MIXED, "context": [0, 1], "choice": [0, 1]},
    "multisensory": {"modality": [0, 1, 2], "frequency": list(range(6, 20)), "choice": [0, 1]},
    "working_memory": {"f1": FREQUENCIES, "f2": FREQUENCIES, "choice": [0, 1]},
}


def test_other_conditions_may_be_chosen():
    columns = drawn(dj.tasks.ParametricWorkingMemory(dt=100, pairs=[(1, 2), (5, 3)]), 200)
    assert set(zip(columns["f1"].tolist(), columns["f2"].tolist(), strict=True)) == {
        (0, 0),
        (1, 2),
        (2, 1),
        (3, 5),
        (5, 3),
    }
    columns = drawn(dj.tasks.PerceptualDecision(dt=100, coherences=(0,)), 200)
    assert set(columns["choice"].tolist()) == {-1, 0, 1} and not columns["coherence"].any()


@pytest.mark.parametrize(("dt", "tau", "noise"), [(100.0, 100.0, 0.01), (50.0, 200.0, 0.03)])
def test_input_noise_has_the_variance_that_its_filter_undoes(dt, tau, noise):
    task = dj.tasks.MultisensoryIntegration(dt=dt, tau=tau, noise=noise, baseline=5.0)
    trials = made(task, 400)
    kicks = trials.inputs - 5.0
    for b, condition in enumerate(conditions(trials)):
        kicks[:, b] -= next(expected("multisensory", condition, dt, len(kicks)))
    std = noise * np.sqrt(2 * tau / dt)
    assert abs(kicks.mean()) < 5 * std / np.sqrt(kicks.size)
    assert abs(kicks.std() / std - 1) < 5 / np.sqrt(2 * kicks.size)
    for axis in range(3):  # no step, trial or input has the noise of another
        shifted = np.roll(kicks, 1, axis)
        assert abs(np.mean(kicks * shifted)) / std**2 < 5 / np.sqrt(kicks.size)


def test_inputs_are_never_negative():
    rectified, driven = (
        made(dj.tasks.PerceptualDecision(dt=100, noise=0.5, baseline=baseline), 300).inputs
        for baseline in (0.1, 50.0)
    )
    np.testing.assert_allclose(rectified, np.maximum(driven - 49.9, 0), atol=1e-5)
    assert (rectified >= 0).all() and 0.2 < (rectified == 0).mean() < 0.5


def wanted(trials):
    return Wanted(*trials[1:])


@pytest.mark.parametrize("name", TASKS)
def test_right_and_wrong_answers_are_told_apart(name):
    task, trials, scores_of = usual(name)
    perfect = trials.targets
    inverted = -perfect if name == "sequences" else 1.2 - perfect
    asked = 3 if name == "sequences" else ~trials.condition["catch"]
    for outputs, wrong, error in ((perfect, 0, 0.0), (inverted, asked, 100.0)):
        scores = jax.tree.map(np.asarray, scores_of(outputs, wanted(trials)))
        assert (scores["wrong"] == wrong).all() and (scores["decisions"] == asked).all()
        metrics = task.summaries({k: jnp.asarray(v.mean()) for k, v in scores.items()})
        assert metrics["error"] == pytest.approx(error)


def random_outputs(trials):
    return np.random.default_rng(0).normal(size=trials.targets.shape).astype(np.float32)


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_counted_by_a_loop(name):
    _, trials, scores_of = usual(name)
    outputs, counts = random_outputs(trials), []
    scores = jax.tree.map(np.asarray, scores_of(outputs, wanted(trials)))
    for b, condition in enumerate(conditions(trials)):
        asked = not condition["catch"]
        larger = 1 if outputs[-1, b, 1] > outputs[-1, b, 0] else 0
        counts.append(asked and larger != condition["choice"])
        assert (scores["wrong"][b], scores["decisions"][b]) == (counts[-1], asked)
    assert 0.3 < np.mean(counts) < 0.7


@pytest.mark.parametrize("window", [100.0, 500.0])
def test_moves_are_counted_by_a_loop(window):
    task, (_, trials, _) = dj.tasks.SequenceExecution(dt=DT, window=window), usual("sequences")
    outputs = 5 * random_outputs(trials)
    wrong, decisions = map(np.asarray, jax.jit(task.wrong)(outputs, wanted(trials)))
    for b, condition in enumerate(conditions(trials)):
        dots, count = DOTS[int(condition["sequence"])], 0
        for k in range(3):
            end = 2000 + 500 * (k + 1)
            steps = [i for i in range(175) if end - window < (i + 0.5) * DT < end]
            eye = sum(outputs[i, b] for i in steps) / len(steps)
            distance = {dot: np.hypot(*(eye - position(dot))) for dot in WAYS[dots[k]]}
            count += min(distance, key=distance.__getitem__) != dots[k + 1]
        assert (wrong[b], decisions[b]) == (count, 3)
    assert set(wrong.tolist()) == {0, 1, 2, 3}


def test_only_fixation_and_decision_count():
    task, trials, _ = usual("perceptual")
    other = trials.targets.copy()
    other[5:45, ~trials.condition["catch"]] = 7.0
    assert float(task.loss(other, wanted(trials))) == 0
    other[5:45] = 7.0
    assert float(task.loss(other, wanted(trials))) > 1  # in catch trials all steps do


@pytest.mark.parametrize(("name", "threshold"), [("reaction_time", None), ("perceptual", 1.5)])
def test_reaction_times_are_those_of_a_loop(name, threshold):
    task, trials, _ = usual(name)
    steps = np.random.default_rng(2).normal(0.01, 0.12, size=trials.targets.shape)
    outputs = (0.2 + steps.cumsum(0)).astype(np.float32)
    given = {} if threshold is None else {"threshold": threshold}
    times, choices = jax.jit(partial(task.reaction_times, **given))(outputs, wanted(trials))
    kinds, theta = [], threshold or 0.8
    for b, condition in enumerate(conditions(trials)):
        time, choice = np.nan, -1
        for i, k in itertools.product(range(5, len(outputs)), range(2)):  # from 100 ms on
            above = outputs[i, b, k] > theta and outputs[i, b, k] > outputs[i, b, 1 - k]
            if above and choice < 0 and not condition["catch"]:
                time, choice = (i - 5 + 1) * DT, k
        np.testing.assert_equal((float(times[b]), int(choices[b])), (time, choice))
        kinds.append(choice)
    assert all(kinds.count(kind) > 5 for kind in (-1, 0, 1))


def test_a_key_makes_the_same_trial_whatever_the_batch():
    task = dj.tasks.ContextIntegration(dt=100)
    trials, some = (jax.jit(task.make)(some) for some in (keys(8), keys(8)[2:5]))
    for whole, few in zip(*map(jax.tree.leaves, (trials, some)), strict=True):
        axis = 0 if whole.ndim == 1 else 1
        np.testing.assert_array_equal(np.take(whole, [2, 3, 4], axis), few)
    assert (trials.inputs[:, 0] != trials.inputs[:, 1]).mean() > 0.5


def test_a_task_is_described_by_all_that_makes_its_trials():
    def difference(a, b):
        return fingerprint.differences(*(fingerprint.describe(task) for task in (a, b)))

    task = dj.tasks.PerceptualDecision
    assert difference(task(), task()) == []
    for change in (
        {"coherences": (1, 2)},
        {"stimulus": 400},
        {"noise": 0.1},
        {"tau": 50},
        {"baseline": 0.1},
        {"reaction_time": True},
        {"seed": 1},
        {"dt": 50},
        {"num_test": 7},
    ):
        assert difference(task(), task(**change))
    sequences = dj.tasks.SequenceExecution
    assert difference(sequences(), sequences(window=20)) and sequences().tau == 50


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("perceptual", {"fixation": 110}, "fixation is 110 ms; it must be a whole number of time"),
        ("perceptual", {"stimulus": -20}, "stimulus is -20; it must be a finite number above 0"),
        ("perceptual", {"decision": 0}, "decision is 0; it must be a finite number above 0"),
        ("perceptual", {"decision": 310}, "decision is 310 ms; it must be a whole number"),
        ("perceptual", {"dt": 0}, "dt is 0; it must be a finite number above 0"),
        ("perceptual", {"tau": 0}, "tau is 0; it must be a finite number above 0"),
        ("perceptual", {"noise": -1}, "noise is -1; it must be 0 or positive"),
        ("perceptual", {"baseline": -1}, "baseline is -1; it must be 0 or positive"),
        ("perceptual", {"batch_size": 0}, "batch_size is 0; it must be at least 1"),
        ("perceptual", {"num_test": 0}, "num_test is 0; it must be at least 1"),
        ("perceptual", {"seed": -1}, "seed is -1"),
        ("perceptual", {"coherences": ()}, r"coherences are \(\); they must be one or more num"),
        ("perceptual", {"coherences": (1, -2)}, r"coherences are \(1, -2\); they must be"),
        ("perceptual", {"coherences": (1, float("nan"))}, r"coherences are \(1, nan\)"),
        (
            "reaction_time",
            {"stimulus": 500, "decision": 600},
            "decision is 600 ms; it must be at most the stimulus, 500 ms",
        ),
        ("reaction_time", {"stimulus": 200}, "stimulus is 200 ms; without a decision it must be"),
        ("context", {"coherences": (float("inf"),)}, r"coherences are \(inf,\)"),
        ("multisensory", {"frequencies": (6, 6)}, "at least two must be different"),
        ("multisensory", {"boundary": 19}, "boundary is 19; it must be between 6 and 19"),
        ("multisensory", {"boundary": float("nan")}, "boundary is nan; it must be between 6 and"),
        ("perceptual", {"stimulus": 0.0}, "stimulus is 0.0; it must be a finite number above 0"),
        ("multisensory", {"boundary": 13}, "boundary is 13; it must be none of the frequencies"),
        ("working_memory", {"pairs": ((3, 3),)}, "the two of a pair must be different"),
        ("working_memory", {"pairs": ()}, "pairs are .*; they must be one or more"),
        ("working_memory", {"pairs": ((1, 2, 3),)}, "pairs are .*; they must be one or more"),
        ("working_memory", {"delay": 3005}, "delay is 3005 ms; it must be a whole number"),
        ("sequences", {"move": 510}, "move1 is 510 ms; it must be a whole number"),
        ("sequences", {"window": 0}, "window is 0; it must be a finite number above 0"),
        ("sequences", {"window": 520}, "window is 520 ms; it must be at most a move, 500 ms"),
    ],
)
def test_what_makes_no_trial_is_refused(name, given, sentence, untyped):
    with pytest.raises(ValueError, match=sentence):
        TASKS[name][0](**given)


def test_what_no_task_knows_is_refused():
    with pytest.raises(TypeError, match="coherence"):
        dj.tasks.PerceptualDecision(coherence=3)


def test_networks_learn_it():
    task = dj.tasks.PerceptualDecision(dt=50, coherences=(4, 8, 16), num_test=200)
    net = dj.RecurrentNetwork(
        [dj.RNNCell(20, tau=100.0, dt=50.0, noise=0.05)], dj.Dense(2), every_step=True
    )
    run = dj.train(
        net,
        optax.adam(0.01),
        task,
        keys=dj.seed_keys(0, 2),
        num_updates=120,
        eval_every=60,
        progress=False,
    )
    error = dj.results.by_member(run.table, "test_error").iloc[-1]
    assert (error < 25).all()
