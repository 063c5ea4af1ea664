"""Trials of pulses: the generators again as slow loops, what is drawn, what counts as wrong."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

import dalejax as dj
from dalejax.training import fingerprint

KEYS = dj.seed_keys(7, 40)
TASKS = {
    "and": partial(dj.tasks.LogicTask, "and"),
    "or": partial(dj.tasks.LogicTask, "or"),
    "xor": partial(dj.tasks.LogicTask, "xor"),
    "not": partial(dj.tasks.LogicTask, "not"),
    "flipflop": dj.tasks.FlipFlop,
    "pulse_memory": dj.tasks.PulseMemory,
    "time_reproduction": dj.tasks.TimeReproduction,
    "delayed_match": dj.tasks.DelayedMatch,
}


def make(name, **options):
    """Make a task with the published times, in a tenth of the steps, and without noise."""
    return TASKS[name](**({"dt": 10.0, "noise": 0.0} | options))


def trials(task, keys=KEYS):
    """Make trials, on the host."""
    return jax.tree.map(np.asarray, jax.jit(task.make)(keys))


@cache
def made_by(name, noise=0.0):
    """Make a task and trials of it, once for all tests."""
    task = make(name, noise=noise)
    return task, trials(task)


# --- the generators again: one trial, loops over time; nothing of dalejax -------------------------
# Times are whole numbers of µs, so that comparing them is exact.


def us(ms):
    return round(1000 * ms)


def times(options, **usual):
    """Give times in µs; what is not given is as usual."""
    chosen = {"dt": 1.0} | usual | {k: v for k, v in options.items() if k in usual or k == "dt"}
    return {name: us(value) for name, value in chosen.items()}


def slow_logic(kind, options, condition):
    usual = {"start": 30, "delay": 0, "answer": 130} if kind == "not" else {}
    usual = {"start": 60, "delay": 50, "answer": 140} | usual
    m = times(options, pulse=20, gap=20, **usual)
    bits = [condition[name] for name in ("a" if kind == "not" else "ab")]
    truth = {
        "and": lambda: bits == [1, 1],
        "or": lambda: 1 in bits,
        "xor": lambda: bits in ([0, 1], [1, 0]),
        "not": lambda: bits == [0],
    }[kind]()
    assert condition["choice"] == truth
    onset = m["start"] + us(condition["delay"])
    x, y, w = [], [], []
    for now in range(0, m["start"] + m["pulse"] + m["gap"] + m["delay"] + m["answer"], m["dt"]):
        on = onset <= now < onset + m["pulse"]
        x.append([bit if on else 0 for bit in bits])
        y.append(
            [options.get("high", 1.0) if truth and now >= onset + m["pulse"] + m["gap"] else 0]
        )
        w.append(1)
    return x, y, w


def slow_flipflop(options, condition):
    m = times(options, wait=50, pulse=20, quiet=100, gap=20)
    bits, turns = options.get("bits", 1), options.get("turns", 8)
    onsets = [m["wait"] + i * (m["pulse"] + m["quiet"]) for i in range(turns)]
    channels = [condition[f"turn_{i + 1}"] for i in range(turns)]
    x, y, w = [], [], []
    for now in range(0, m["wait"] + turns * (m["pulse"] + m["quiet"]), m["dt"]):
        shown, state = [0] * (2 * bits), [0] * bits
        for onset, channel in zip(onsets, channels, strict=True):
            if onset <= now < onset + m["pulse"]:
                shown[channel] = 1
            if now >= onset + m["pulse"] + m["gap"]:
                state[channel // 2] = channel % 2
        x.append(shown)
        y.append(state)
        w.append(1)
    return x, y, w


def slow_pulse_memory(options, condition):
    m = times(options, start=50, pulse=20, gap=100, tail=110)
    due = m["start"] + m["pulse"] + m["gap"]
    x, y, w = [], [], []
    for now in range(0, due + m["pulse"] + m["tail"], m["dt"]):
        x.append([condition["choice"] * (m["start"] <= now < m["start"] + m["pulse"])])
        y.append([condition["choice"] * (due <= now < due + m["pulse"])])
        w.append(1)
    return x, y, w


def slow_time_reproduction(options, condition):
    m = times(options, start=50, pulse=20, shortest=60, longest=160, tail=50)
    interval = us(condition["interval"])
    set_at = m["start"] + interval
    width = us(options.get("width", 10.0))
    x, y, w = [], [], []
    for now in range(0, m["start"] + 2 * m["longest"] + m["tail"], m["dt"]):
        ready_on = m["start"] <= now < m["start"] + m["pulse"]
        set_on = set_at <= now < set_at + m["pulse"]
        x.append([1 if ready_on or set_on else 0])
        y.append([np.exp(-((now - set_at - interval) ** 2) / (2 * width**2))])
        w.append(1)
    return x, y, w


def slow_delayed_match(options, condition):
    m = times(options, start=50, sample=50, delay=150, test=50, answer=100, grace=20)
    stimuli = options.get("stimuli", 2)
    assert condition["choice"] == (condition["sample"] == condition["test"])
    tested = m["start"] + m["sample"] + m["delay"]
    answers = tested + m["test"]
    x, y, w = [], [], []
    for now in range(0, answers + m["answer"], m["dt"]):
        shown = [0] * stimuli
        if m["start"] <= now < m["start"] + m["sample"]:
            shown[condition["sample"]] = 1
        if tested <= now < tested + m["test"]:
            shown[condition["test"]] = 1
        x.append(shown)
        y.append([condition["choice"] if now >= answers else 0])
        w.append(0 if answers <= now < answers + m["grace"] else 1)
    return x, y, w


SLOW = {
    **{kind: partial(slow_logic, kind) for kind in ("and", "or", "xor", "not")},
    "flipflop": slow_flipflop,
    "pulse_memory": slow_pulse_memory,
    "time_reproduction": slow_time_reproduction,
    "delayed_match": slow_delayed_match,
}


def assert_as_the_loop_makes_them(name, options, task, made):
    num = made.weights.shape[1]
    assert made.inputs.shape == (task.length, num, task.n_in)
    assert made.targets.shape == (task.length, num, task.n_out)
    for b in range(num):
        condition = {key: values[b].item() for key, values in made.condition.items()}
        x, y, w = SLOW[name](options, condition)
        np.testing.assert_array_equal(made.inputs[:, b], x)
        np.testing.assert_array_equal(made.weights[:, b], w)
        if name == "time_reproduction":  # exponentials
            np.testing.assert_allclose(made.targets[:, b], y, atol=1e-6)
        else:
            np.testing.assert_array_equal(made.targets[:, b], np.float32(y))


@pytest.mark.parametrize("name", TASKS)
def test_trials_at_a_coarse_step_are_those_of_a_slow_loop(name):
    assert_as_the_loop_makes_them(name, {"dt": 10.0}, *made_by(name))


@pytest.mark.parametrize(
    ("name", "options", "steps"),
    [
        ("and", {}, 290),
        ("flipflop", {}, 1010),
        (
            "and",
            {
                "dt": 2.5,
                "start": 0.0,
                "pulse": 5.0,
                "gap": 0.0,
                "delay": 7.5,
                "answer": 2.5,
                "high": 0.75,
            },
            6,
        ),
        (
            "xor",
            {"dt": 0.1, "start": 0.3, "pulse": 0.2, "gap": 0.7, "delay": 0.6, "answer": 1.1},
            29,
        ),
        ("or", {"delay": 0.0}, 240),
        ("not", {"dt": 5.0, "delay": 20.0}, 44),
        ("flipflop", {"dt": 5.0, "bits": 2, "turns": 5}, 130),
        (
            "flipflop",
            {
                "dt": 0.5,
                "bits": 3,
                "turns": 12,
                "wait": 0.0,
                "pulse": 1.5,
                "quiet": 2.0,
                "gap": 1.5,
            },
            84,
        ),
        (
            "flipflop",
            {"bits": 3, "turns": 1, "wait": 2.0, "pulse": 1.0, "quiet": 1.0, "gap": 0.0},
            4,
        ),
        ("pulse_memory", {"dt": 2.0, "start": 0.0, "pulse": 4.0, "gap": 0.0, "tail": 0.0}, 4),
        (
            "time_reproduction",
            {
                "dt": 2.0,
                "start": 4.0,
                "pulse": 6.0,
                "shortest": 8.0,
                "longest": 30.0,
                "width": 3.0,
                "tail": 2.0,
            },
            33,
        ),
        ("time_reproduction", {"shortest": 30.0, "longest": 30.0}, 160),
        ("delayed_match", {"dt": 5.0, "stimuli": 5, "grace": 0.0}, 80),
        (
            "delayed_match",
            {"start": 0.0, "sample": 1.0, "delay": 0.0, "test": 2.0, "answer": 3.0, "grace": 2.0},
            6,
        ),
    ],
)
def test_trials_are_those_of_a_slow_loop(name, options, steps):
    task = TASKS[name](**options, noise=0.0)
    assert task.length == steps
    made = trials(task, KEYS[: 8 if steps > 100 else 40])
    assert_as_the_loop_makes_them(name, options, task, made)


def test_trials_are_as_long_as_the_published_ones():
    lengths = [TASKS[name]().length for name in TASKS]
    assert lengths == [290, 290, 290, 200, 1010, 300, 420, 400]


# --- what is drawn --------------------------------------------------------------------------------


def conditions(task, num=20_000):
    """Draw the conditions of many trials."""
    keys = jax.random.split(jax.random.key(3), num)
    drawn = jax.jit(jax.vmap(lambda key: task.trial(key=key).condition))(keys)
    return {name: np.asarray(values) for name, values in drawn.items()}


def assert_alike_often(values, allowed):
    found, counts = np.unique(values, return_counts=True, axis=0)
    np.testing.assert_allclose(found, allowed, rtol=1e-6)
    assert stats.chisquare(counts).pvalue > 0.001


def test_combinations_and_delays_are_alike_often_and_independent():
    drawn = conditions(make("xor", dt=5.0))
    every = [(a, b, 5.0 * d) for a in (0, 1) for b in (0, 1) for d in range(1, 11)]
    assert_alike_often(np.stack([drawn["a"], drawn["b"], drawn["delay"]], 1), every)
    drawn = conditions(make("not"))
    assert_alike_often(drawn["a"], [0, 1])
    assert not drawn["delay"].any()


def test_every_input_pulses_as_often_whatever_pulsed_before():
    drawn = conditions(make("flipflop", bits=2, turns=3))
    every = [(i, j, k) for i in range(4) for j in range(4) for k in range(4)]
    assert_alike_often(np.stack(list(drawn.values()), 1), every)


def test_intervals_and_pulses_are_alike_often():
    assert_alike_often(conditions(make("time_reproduction"))["interval"], np.arange(60, 161, 10))
    assert_alike_often(conditions(make("pulse_memory"))["choice"], [0, 1])


def test_half_of_the_tests_match_and_all_the_others_are_alike_often():
    drawn = conditions(make("delayed_match", stimuli=3))
    matches = drawn["choice"] == 1
    pairs = np.stack([drawn["sample"], drawn["test"]], 1)
    assert stats.binomtest(int(matches.sum()), len(matches)).pvalue > 0.001
    assert_alike_often(pairs[matches], [(i, i) for i in range(3)])
    assert_alike_often(pairs[~matches], [(i, j) for i in range(3) for j in range(3) if i != j])


@pytest.mark.parametrize("name", ["and", "flipflop", "pulse_memory"])
def test_noise_is_white_and_has_the_std_that_was_asked_for(name):
    (_, noisy), (_, clean) = made_by(name, 0.2), made_by(name)
    np.testing.assert_array_equal(noisy.targets, clean.targets)
    noise = noisy.inputs - clean.inputs  # [t, b, n_in]
    tolerance = 4.5 / np.sqrt(noise.size)
    assert abs(noise.std() / 0.2 - 1) < tolerance and abs(noise.mean()) < 0.2 * tolerance
    assert stats.kstest(noise.ravel()[:5000] / 0.2, "norm").pvalue > 0.001
    unit = noise / 0.2
    assert abs((unit[1:] * unit[:-1]).mean()) < 4.5 / np.sqrt(unit[1:].size)
    assert abs((unit[:, 1:] * unit[:, :-1]).mean()) < 4.5 / np.sqrt(unit[:, 1:].size)
    for i in range(1, unit.shape[-1]):
        assert abs((unit[..., i] * unit[..., 0]).mean()) < 4.5 / np.sqrt(unit[..., 0].size)


def test_published_noise_is_the_usual_one():
    usual = {name: TASKS[name]().noise for name in TASKS}
    assert usual == dict.fromkeys(("and", "or", "xor", "not"), 0.0) | {
        "flipflop": 0.1,
        "pulse_memory": 0.03,
        "time_reproduction": 0.03,
        "delayed_match": 0.1,
    }


@pytest.mark.parametrize("name", ["and", "flipflop"])
def test_a_key_is_the_same_trial_alone_and_in_a_batch(name):
    task, many = made_by(name, 0.2)
    alone = jax.jit(lambda key: task.trial(key=key))(KEYS[6])
    for together, one in zip(many[:3], alone[:3], strict=True):
        np.testing.assert_allclose(together[:, 6], one, atol=1e-6)
    for values, one in zip(many.condition.values(), alone.condition.values(), strict=True):
        assert values[6] == one


def test_the_test_set_is_always_the_same_and_its_seed_s():
    """Whatever the batches; training never shows a trial twice."""
    task = make("and", noise=0.1)
    evaluation = jax.jit(lambda data, trials: task.evaluation_batch(data, "test", trials).inputs)
    first = evaluation(task.data, np.arange(20))
    np.testing.assert_array_equal(first, evaluation(make("and", batch_size=3).data, np.arange(20)))
    np.testing.assert_array_equal(first[:, ::-1], evaluation(task.data, np.arange(20)[::-1]))
    other = evaluation(make("and", seed=1).data, np.arange(20))
    training = jax.jit(lambda key: task.batch(task.data, jnp.zeros(()), jnp.int32(0), key=key))
    batches = [training(key).inputs for key in KEYS[:2]]
    shown = np.concatenate([first, other, *batches], axis=1)
    assert len(np.unique(shown, axis=1)[0]) == shown.shape[1] == 40 + 2 * 64
    numbers, weights = task.evaluations(task.data)["test"]
    assert weights.sum() == task.num_test == len(np.unique(numbers))


# --- what counts as wrong -------------------------------------------------------------------------


def slow_wrong(name, options, made, outputs):
    """Count wrong decisions of each trial: means over the windows that the docstrings name."""
    dt = options["dt"]
    counted = []
    for b in range(outputs.shape[1]):
        condition = {key: values[b].item() for key, values in made.condition.items()}
        total = len(outputs) * dt
        if name == "pulse_memory":
            windows = [(170, 190, 0, condition["choice"])]
        elif name == "delayed_match":
            windows = [(total - 50, total, 0, condition["choice"])]
        elif name in ("and", "xor", "not"):  # of NOT 65 ms, which are 6.5 steps
            windows = [(total - 70, total, 0, condition["choice"])]
        else:
            state, windows = [0] * options["bits"], []
            for i in range(8):
                channel, end = condition[f"turn_{i + 1}"], 50 + 120 * (i + 1)
                state[channel // 2] = channel % 2
                windows += [(end - 40, end, k, bit) for k, bit in enumerate(state)]
        wrong = 0
        for begin, end, k, right in windows:
            total, steps = 0.0, 0
            for t in range(len(outputs)):
                if begin <= t * dt < end:
                    total, steps = total + outputs[t, b, k], steps + 1
            wrong += (total / steps > options.get("high", 1.0) / 2) != (right == 1)
        counted.append((wrong, len(windows)))
    return np.array(counted).T


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("and", {"high": 0.6}),
        ("xor", {}),
        ("not", {}),
        ("flipflop", {"bits": 2}),
        ("pulse_memory", {}),
        ("delayed_match", {}),
    ],
)
def test_wrong_decisions_are_counted(name, extra):
    options = {"dt": 10.0} | extra
    task, made = (make(name, **extra), None) if extra else made_by(name)
    made = made or trials(task)
    wanted = dj.tasks.Wanted(*made[1:])
    decisions = 8 * 2 if name == "flipflop" else 1
    high = options.get("high", 1.0)
    wrong, all_of_them = task.wrong(made.targets, wanted)
    np.testing.assert_array_equal(wrong, 0)
    np.testing.assert_array_equal(all_of_them, decisions)
    wrong, _ = task.wrong(high - made.targets, wanted)
    np.testing.assert_array_equal(wrong, decisions)
    rng = np.random.default_rng(0)
    outputs = made.targets + high * rng.normal(size=made.targets.shape).astype(np.float32)
    outputs = np.where(rng.random(made.targets.shape[1:]) < 0.5, outputs, high - outputs)
    wrong, all_of_them = task.wrong(outputs, wanted)
    np.testing.assert_array_equal((wrong, all_of_them), slow_wrong(name, options, made, outputs))
    assert 0 < np.sum(wrong) < np.sum(all_of_them)


def test_a_decision_is_part_of_the_answer_whatever_the_delay():
    """What comes before the answer, or early in it, is nothing to the decision."""
    task, made = made_by("xor")
    late = 10 * np.arange(task.length)[:, None, None] >= 60 + 20 + 20 + 50 + 70
    answers = 10 * np.arange(task.length)[:, None] >= 100 + made.condition["delay"]
    assert (answers | ~late[..., 0]).all()
    outputs = np.where(late, made.targets, 1 - made.targets)
    assert not np.any(task.wrong(outputs, dj.tasks.Wanted(*made[1:]))[0])


def metrics(task, outputs, made):
    scores = task.scores(jnp.asarray(outputs), dj.tasks.Wanted(*made[1:]))
    summaries = task.summaries({name: values.mean() for name, values in scores.items()})
    return {name: float(value) for name, value in summaries.items()}


@pytest.mark.parametrize("name", ["time_reproduction", "delayed_match"])
def test_metrics_of_right_answers_and_of_no_answers(name):
    task, made = made_by(name)
    nothing = {"mse": 0.0, "unexplained": 0.0} | ({"error": 0.0} if task.decides else {})
    assert metrics(task, made.targets, made) == pytest.approx(nothing)
    mean = (made.weights[..., None] * made.targets).mean() / made.weights.mean()
    constant = metrics(task, np.full_like(made.targets, mean), made)
    assert constant["unexplained"] == pytest.approx(100, rel=1e-4)
    assert task.score in {f"test_{metric}" for metric in constant}


def test_what_is_answered_during_the_grace_does_not_count():
    task, made = made_by("delayed_match")
    outputs = np.where(made.weights[..., None] == 0, 7.0, made.targets)
    wanted = dj.tasks.Wanted(*made[1:])
    assert float(task.loss(outputs, wanted)) == 0 and not np.any(task.wrong(outputs, wanted)[0])
    most = make("delayed_match", answer=30.0, grace=20.0)  # of 30 ms only 10 are left to decide in
    made = trials(most)
    outputs = np.where(made.weights[..., None] == 0, 1 - made.targets, made.targets)
    assert not np.any(most.wrong(outputs, dj.tasks.Wanted(*made[1:]))[0])


# --- time -----------------------------------------------------------------------------------------


def test_produced_intervals_are_measured():
    task, made = made_by("time_reproduction")
    interval = made.condition["interval"]
    measure = jax.jit(task.reproduced)
    for outputs in (made.targets, 0.3 * made.targets, made.targets - 0.1 * (made.targets < 0.01)):
        np.testing.assert_allclose(measure(outputs, made.condition), interval, atol=0.01)
    # All but the longest intervals' answers, half an interval late, still fit.
    short = interval <= 110
    late = np.concatenate([np.zeros_like(made.targets[:5]), made.targets[:-5]])
    measured = measure(late, made.condition)
    np.testing.assert_allclose(measured[short], interval[short] + 50, atol=0.01)
    # What comes before the second pulse is no answer to it.
    onset = 50 + interval
    early = 3.0 * (10 * np.arange(task.length)[:, None] < onset)[..., None]
    np.testing.assert_allclose(measure(made.targets + early, made.condition), interval, atol=0.01)
    assert np.isnan(measure(np.zeros_like(made.targets), made.condition)).all()
    assert np.isnan(measure(np.full_like(made.targets, -1.0), made.condition)).all()


def test_an_answer_that_does_not_know_the_interval_leaves_as_much_as_the_docstring_says():
    task = make("time_reproduction", dt=1.0)
    made = trials(task, dj.seed_keys(0, 300))
    after = np.arange(task.length)[:, None] - 50 - made.condition["interval"]
    average = np.zeros_like(after)
    for interval in range(60, 161):
        average += np.exp(-((after - interval) ** 2) / 200) / 101
    assert metrics(task, average[..., None], made)["unexplained"] == pytest.approx(75, abs=1.5)


# --- a run ----------------------------------------------------------------------------------------

OTHER = {
    "and": {
        "start": 50.0,
        "pulse": 10.0,
        "gap": 10.0,
        "delay": 20.0,
        "answer": 100.0,
        "high": 0.5,
        "kind": "or",
    },
    "flipflop": {"bits": 2, "turns": 7, "wait": 0.0, "pulse": 10.0, "quiet": 80.0, "gap": 0.0},
    "pulse_memory": {"start": 0.0, "pulse": 10.0, "gap": 20.0, "tail": 0.0},
    "time_reproduction": {
        "start": 0.0,
        "pulse": 10.0,
        "shortest": 50.0,
        "longest": 170.0,
        "width": 5.0,
        "tail": 100.0,
    },
    "delayed_match": {
        "stimuli": 3,
        "start": 0.0,
        "sample": 10.0,
        "delay": 20.0,
        "test": 20.0,
        "answer": 50.0,
        "grace": 0.0,
    },
}


@pytest.mark.parametrize("name", OTHER)
def test_another_task_is_told_from_this_one(name):
    def build(**options):
        options = {"dt": 5.0, "noise": 0.0} | options
        if name == "and":
            return dj.tasks.LogicTask(options.pop("kind", "and"), **options)
        return TASKS[name](**options)

    described = fingerprint.describe(build())
    assert fingerprint.differences(described, fingerprint.describe(build())) == []
    for argument, value in {**OTHER[name], "dt": 10.0, "noise": 0.5, "seed": 1}.items():
        assert fingerprint.differences(described, fingerprint.describe(build(**{argument: value})))


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("and", {"start": -1.0}, "start is -1.0; it must be 0 or positive"),
        ("and", {"start": 2.5}, "start is 2.5 ms; it must be a whole number of time steps of 1 ms"),
        ("and", {"pulse": 0.0}, "pulse is 0 ms; it must be at least one time step of 1 ms"),
        ("and", {"gap": float("nan")}, "gap is nan"),
        ("and", {"delay": 0.5}, "delay is 0.5 ms"),
        ("and", {"answer": 0.0}, "answer is 0 ms; it must be at least one"),
        ("and", {"high": 0.0}, "high is 0.0; it must be a finite number above 0"),
        ("and", {"noise": -0.1}, "noise is -0.1; it must be 0 or positive"),
        ("and", {"dt": 0.0}, "dt is 0.0; it must be a finite number above 0"),
        ("and", {"dt": 3.0}, "delay is 50 ms; it must be a whole number of time steps of 3 ms"),
        ("and", {"batch_size": 0}, "batch_size is 0"),
        ("and", {"num_test": 0}, "num_test is 0"),
        ("and", {"seed": -1}, "seed is -1"),
        ("flipflop", {"bits": 4}, "bits is 4; it must be from 1 to 3"),
        ("flipflop", {"bits": 0}, "bits is 0; it must be from 1 to 3"),
        ("flipflop", {"turns": 0}, "turns is 0; it must be at least 1"),
        ("flipflop", {"gap": 100.0}, "gap is 100 ms; it must be less than quiet, 100 ms"),
        ("flipflop", {"quiet": 0.0, "gap": 0.0}, "quiet is 0 ms; it must be at least one"),
        ("flipflop", {"wait": 0.1}, "wait is 0.1 ms"),
        ("flipflop", {"pulse": 0.0}, "pulse is 0 ms"),
        ("flipflop", {"noise": float("inf")}, "noise is inf"),
        ("pulse_memory", {"pulse": 0.0}, "pulse is 0 ms"),
        ("pulse_memory", {"tail": -5.0}, "tail is -5.0; it must be 0 or positive"),
        ("pulse_memory", {"noise": -1.0}, "noise is -1.0"),
        ("time_reproduction", {"shortest": 20.0}, "shortest is 20 ms; it must be longer than a pu"),
        ("time_reproduction", {"longest": 50.0}, "longest is 50 ms; it must be at least shortest"),
        ("time_reproduction", {"width": 0.0}, "width is 0.0; it must be a finite number above 0"),
        ("time_reproduction", {"tail": 0.0}, "tail is 0 ms; it must be at least one time step"),
        ("delayed_match", {"stimuli": 1}, "stimuli is 1; it must be at least 2"),
        ("delayed_match", {"grace": 100.0}, "grace is 100 ms; it must be less than answer, 100 ms"),
        ("delayed_match", {"sample": 0.0}, "sample is 0 ms"),
        ("delayed_match", {"test": 0.0}, "test is 0 ms"),
        ("delayed_match", {"noise": -1.0}, "noise is -1.0"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(name, options, sentence, untyped):
    with pytest.raises(ValueError, match=sentence):
        TASKS[name](**options)


def test_an_unknown_kind_is_refused(untyped):
    with pytest.raises(ValueError, match="kind is 'nand'; it must be one of and, or, xor, not"):
        dj.tasks.LogicTask("nand")


def test_tasks_without_decisions_say_so():
    task, made = made_by("time_reproduction")
    with pytest.raises(TypeError, match="TimeReproduction has no method wrong"):
        task.wrong(made.targets, dj.tasks.Wanted(*made[1:]))


def test_a_small_network_learns_and():
    task = make("and", dt=20.0, start=20.0, delay=40.0, answer=80.0, num_test=200)
    net = dj.RecurrentNetwork([dj.RNNCell(20, "tanh")], dj.Dense(1), every_step=True)
    run = dj.train(
        net,
        optax.adam(0.01),
        task,
        keys=dj.seed_keys(0, 2),
        num_updates=200,
        eval_every=200,
        progress=False,
    )
    error = dj.results.by_member(run.table, "test_error")
    assert (error.iloc[-1] < 5).all()  # always "false": 25
    unexplained = dj.results.by_member(run.table, "test_unexplained")
    assert (unexplained.iloc[-1] < 50).all()


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_are_no_numbers_are_no_decisions(name, bad):
    task, made = made_by(name)
    outputs = np.array(made.targets)
    outputs[-1, 0] = bad
    scores = task.scores(outputs, dj.tasks.Wanted(*made[1:]))
    assert np.isfinite(scores["steps"]).all()
    if task.decides:
        assert np.isnan(scores["wrong"][0]) and not np.isnan(scores["wrong"][1:]).any()


def test_weighted_steps_are_not_read_out_in_parts():
    class InParts(dj.tasks.PulseMemory):
        time = dj.tasks.TimeAxis(steps_at_once=2, weighs_steps=True, every_step=True)

    task = InParts(dt=10.0, batch_size=4, num_test=4)
    net = dj.RecurrentNetwork([dj.RNNCell(4)], dj.Dense(task.n_out), every_step=True)
    with pytest.raises(ValueError, match="steps_at_once is 2; it must be None for"):
        dj.train(net, dj.rnn_sgd(0.1), task, keys=dj.seed_keys(0, 1), num_updates=1)
