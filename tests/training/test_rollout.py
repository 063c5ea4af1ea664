"""Running trained ensembles on new trials, and what the experiments on trials make of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import reference

import dalejax as dj
from experiments.jarne2023 import _networks, _radii, j23_dynamics
from experiments.shared import task_learning
from experiments.song2016 import _choices


@pytest.fixture(scope="module")
def reaction():
    """Two untrained networks on the reaction-time task, and their answers."""
    task = dj.tasks.PerceptualDecision(reaction_time=True, dt=100, coherences=(4, 16))
    net = dj.RecurrentNetwork([dj.RNNCell(4), dj.RNNCell(3)], dj.Dense(2), every_step=True)
    params = dj.initial_params(net, task, keys=dj.seed_keys(0, 2))
    return task, net, params, dj.run_trials(net, task, params, 40, key=jax.random.key(1))


def test_answers_are_those_of_each_member_to_the_same_trials(reaction):
    task, _, params, answers = reaction
    x = np.asarray(answers.trials.inputs)
    assert x.shape == (task.length, 40, 3) and answers.outputs.shape == (2, task.length, 40, 2)
    for member in range(2):
        p = reference.strip(jax.tree.map(lambda leaf: leaf[member], params))  # noqa: B023
        first = reference.run_cell(p["cells_0"], x)
        second = reference.run_cell(p["cells_1"], first)
        for ours, theirs in zip(answers.activities, (first, second), strict=True):
            np.testing.assert_allclose(ours[member], theirs, rtol=1e-4, atol=1e-5)
        outputs = second @ p["readout"]["W"].T + p["readout"]["b"]
        np.testing.assert_allclose(answers.outputs[member], outputs, rtol=1e-4, atol=1e-5)


def test_a_network_that_answers_once_and_no_trial_are_refused():
    task = dj.tasks.LogicTask("and", dt=10)
    for every_step, num, message in ((False, 3, "every_step is False"), (True, 0, "num is 0")):
        net = dj.RecurrentNetwork([dj.RNNCell(3)], dj.Dense(1), every_step=every_step)
        params = dj.initial_params(net, task, keys=dj.seed_keys(0, 1))
        with pytest.raises(ValueError, match=message):
            dj.run_trials(net, task, params, num, key=jax.random.key(0))


def test_every_member_has_its_own_noise():
    task = dj.tasks.LogicTask("and", dt=10)
    net = dj.RecurrentNetwork([dj.RNNCell(3, noise=0.5)], dj.Dense(1), every_step=True)
    one = dj.initial_params(net, task, keys=dj.seed_keys(0, 1))
    twins = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=0), one)
    outputs = dj.run_trials(net, task, twins, 3, key=jax.random.key(0)).outputs
    assert (outputs[0] != outputs[1]).any()
    again = dj.run_trials(net, task, twins, 3, key=jax.random.key(0)).outputs
    np.testing.assert_array_equal(outputs, again)


def test_choices_and_times_are_counted_by_trial(reaction):
    *_, answers = reaction
    table = _choices.choices(answers)
    catch = np.asarray(answers.trials.condition["catch"])
    assert len(table) == 2 * (~catch).sum()
    outputs, expected = np.asarray(answers.outputs), []
    for member in range(2):
        for trial in np.flatnonzero(~catch):
            expected.append(int(outputs[member, -1, trial, 1] > outputs[member, -1, trial, 0]))
    assert table.chosen.tolist() == expected


def test_the_times_of_right_reactions_are_counted(reaction):
    """The first step after the onset at which an output, turned up here, exceeds 0.8."""
    task, _, _, answers = reaction
    outputs = 50 * np.asarray(answers.outputs)
    times = _choices.reaction_times(task, answers._replace(outputs=jnp.asarray(outputs)))
    onset, wrong, expected = task.epochs["stimulus"][0], 0, []
    condition = answers.trials.condition
    for member in range(2):
        for trial in np.flatnonzero(~np.asarray(condition["catch"])):
            above = np.flatnonzero(outputs[member, onset:, trial].max(-1) > 0.8)
            if not len(above):
                continue
            if outputs[member, onset + above[0], trial].argmax() == condition["choice"][trial]:
                expected.append((member, task.dt * (above[0] + 1)))
            else:
                wrong += 1
    assert wrong and expected
    assert list(zip(times.member, times.time, strict=True)) == expected


def test_slopes_are_those_of_a_simulated_observer():
    import pandas as pd

    rng, slope = np.random.default_rng(0), 0.8
    x = np.repeat([-8.0, -4.0, -2.0, 2.0, 4.0, 8.0], 400)
    chosen = rng.random(len(x)) < 1 / (1 + np.exp(-slope * x))
    table = pd.DataFrame({"coherence": x, "chosen": chosen.astype(int), "member": 0})
    same = pd.DataFrame({"coherence": x, "chosen": 1, "member": 1})
    slopes = _choices.slopes(pd.concat([table, same]), "coherence")
    assert abs(slopes[0] / slope - 1) < 0.15 and slopes[1] == 0


@pytest.mark.parametrize(
    ("task", "percent"),
    [
        (dj.tasks.LogicTask("and", dt=10), 25),
        (dj.tasks.LogicTask("xor", dt=10), 50),
        (dj.tasks.PerceptualDecision(dt=50), 50),
        (dj.tasks.TimeReproduction(dt=10), 100),
    ],
    ids=["and", "xor", "perceptual", "time"],
)
def test_chance_is_the_best_constant_answer(task, percent):
    assert abs(task_learning.chance(task) - percent) < (0.1 if percent == 100 else 5)


@pytest.mark.parametrize("constraint", [0.7, _networks.FREE])
def test_networks_start_from_what_the_projection_leaves(constraint):
    task = dj.tasks.LogicTask("and", dt=10)
    net = _networks.network(20, constraint, "orthogonal", 1)
    drawn, params = _networks.start_from(net, task, "orthogonal", keys=dj.seed_keys(0, 2))
    drawn, W = np.asarray(drawn), np.asarray(params["cells_0"]["W"])
    np.testing.assert_allclose(drawn[1] @ drawn[1].T, np.eye(20), atol=1e-5)
    if constraint == _networks.FREE:
        np.testing.assert_array_equal(W, drawn)
        return
    signs = np.where(np.arange(20) < 14, 1, -1)
    np.testing.assert_array_equal(W, np.where(drawn * signs > 0, drawn, 0))
    dj.signs.assert_legal(params)


def test_the_published_code_signs_what_a_unit_receives():
    cell = _networks.network(10, 0.8, "normal", 1, variant="code").cells[0]
    assert cell.signed == "postsynaptic" and cell.n_i == 2


def test_the_law_of_the_projection_is_that_of_large_samples():
    n, n_i = 400, 120
    sign = np.where(np.arange(n) < n - n_i, 1, -1)
    for start, draw in _networks.STARTS.items():
        W = np.asarray(draw((n, n), key=jax.random.key(0)))
        values = np.linalg.eigvals(np.where(W * sign > 0, W, 0))
        fit = dj.dynamics.fit_annulus(values)
        inner, outer = _radii.law(start, n, n_i)
        assert abs(fit.outer / outer - 1) < 0.05, start
        # A disc's smallest eigenvalues are the fit's to misjudge: 0.2 is far from the ring's 0.68.
        assert abs(fit.inner - inner) / outer < (0.05 if inner else 0.2), start
    assert tuple(dj.dynamics.projected_orthogonal()) == (
        pytest.approx(1 / np.sqrt(2 * np.pi)),
        pytest.approx(np.sqrt(0.5 - 0.5 / np.pi)),
    )


def test_stable_points_are_found_and_unstable_ones_left_out():
    # Two units that excite themselves: 0 is a saddle, (±a, ±a) with a = tanh(2 a) are stable.
    effective = dj.Effective(jnp.zeros((2, 1)), 2 * jnp.eye(2), jnp.zeros(2))
    starts = jnp.array([[0.9, 0.8], [-0.9, 0.7], [0.0, 0.0], [-0.8, -0.9], [0.8, 0.9]])
    points = j23_dynamics._stable(effective, j23_dynamics._points(effective, starts))
    a = 0.9575040240772687
    assert {tuple(np.sign(p).astype(int)) for p in points} == {(1, 1), (-1, 1), (-1, -1)}
    np.testing.assert_allclose(np.abs(points), a, rtol=1e-4)


def test_pictures_of_rings_and_trajectories():
    z = np.exp(1j * np.linspace(0, 6, 50))
    figure = dj.plots.eigenvalue_plane(
        {"ring": 0.5 * z, "far": 3 * z}, radii={"ring": (0.4, 0.6)}, reach=1.0
    )
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == [
        "ring\nn = 1 seed\ncircle: |λ| = 0.4, 0.6",
        "far\nn = 1 seed\n50 of 50 λ outside",
    ]
    assert [len(ax.lines) for ax in figure.axes] == [3, 1]
    assert figure.axes[0].get_xlim() == (-1.0, 1.0)
    line = np.zeros((5, 2))
    figure = dj.plots.trajectories({"a": {"yes": line, "no": line}}, points={"a": [[1.0, 2.0]]})
    assert [text.get_text() for text in figure.legends[0].texts] == ["yes", "no"]
    assert figure.axes[0].lines[-1].get_marker() == "x"
    with pytest.raises(ValueError, match=r"shape \(5,\); it must be \[t, 2\]"):
        dj.plots.trajectories({"a": {"yes": np.zeros(5)}})
