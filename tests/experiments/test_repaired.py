"""The comparison with repaired ColEI: where contestants start, and the share of the gap closed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import dalejax as dj
from experiments.repaired import _gap, _settings, _starts, repaired_objects
from experiments.repaired._settings import COLEI, REPAIRED, RNN, TRANSPLANT

TASK = dj.tasks.AddingProblem(num_train=64)
KEYS = dj.seed_keys(0, 3)
SETTINGS = _settings.Settings(
    n=8,
    n_i=2,
    updates=2,
    eval_every=2,
    seeds=3,
    search_updates=2,
    search_seeds=2,
    rates=(0.1,),
    clips=(1.0,),
)
NETS = _starts.contestants(SETTINGS.replaced(inputs_n_i=(1,)), TASK.n_out, {})
INPUTS = [_starts.with_inputs(name, 1) for name in (COLEI, REPAIRED)]


def start(name, bias="zero", mean=0.0):
    return _starts.start(NETS[name], TASK, bias, mean, keys=KEYS)


def matrices(params, name):
    return np.asarray(NETS[name].net.effective(params)[0].W)


@pytest.mark.parametrize("name", NETS)
def test_a_centred_bias_cancels_the_mean_input(name):
    U, _, b = NETS[name].net.effective(start(name, "centred", 0.3))[0]
    np.testing.assert_allclose(
        np.asarray(U) @ np.full(np.shape(U)[-1], 0.3), -np.asarray(b), atol=1e-6
    )


@pytest.mark.parametrize("name", NETS)
def test_a_raised_bias_is_above_what_it_was(name):
    before, after = (NETS[name].net.effective(start(name, b))[0].b for b in ("zero", "raised"))
    np.testing.assert_allclose(np.asarray(after) - np.asarray(before), _starts.RAISED, rtol=1e-6)


def test_inputs_are_excitatory_but_for_those_who_have_both():
    """Of one inhibitory input of two: all its weights, which cancel the others' sum."""
    U = {name: np.asarray(NETS[name].net.effective(start(name))[0].U) for name in NETS}
    for name in (COLEI, TRANSPLANT, REPAIRED):
        assert (U[name] >= 0).all() and (U[name] > 0).any((0, 1)).all()
    for name in INPUTS:
        assert (U[name][..., 0] >= 0).all() and (U[name][..., 0] > 0).any()
        assert (U[name][..., 1] <= 0).all() and (U[name][..., 1] < 0).any()
    np.testing.assert_allclose(U[INPUTS[1]].sum((1, 2)), 0, atol=1e-5)


def test_each_number_of_inhibitory_inputs_adds_two_networks():
    settings = SETTINGS.replaced(inputs_n_i=(1, 4), networks=(RNN, COLEI, REPAIRED))
    found = _starts.contestants(settings, 3, {})
    wired = {name: contestant.net.cells[0] for name, contestant in found.items() if name != RNN}
    assert {name: cell.inputs_n_i for name, cell in wired.items()} == {
        COLEI: 0,
        REPAIRED: 0,
        "ColEI, 1 I inputs": 1,
        "repaired ColEI, 1 I inputs": 1,
        "ColEI, 4 I inputs": 4,
        "repaired ColEI, 4 I inputs": 4,
    }


def test_a_repair_is_what_a_task_wants():
    repair = _starts.Repair(strength=0.5, singular_value=0.25, shift=10.0, dense_inputs=True)
    found = _starts.contestants(SETTINGS, 3, {}, repair)[REPAIRED]
    cell, readout = found.net.cells[0], found.net.readout
    assert (cell.strength, readout.singular_value, readout.shift) == (0.5, 0.25, 10.0)
    U = cell.initial_params(5, key=KEYS[0])["U"]
    assert (U > 0).all()  # where few synapses leave most at 0


def test_pixels_in_any_order_are_the_same_pixels():
    options: dict[str, Any] = {
        "size": 4,
        "num_train": 16,
        "num_valid": 8,
        "num_test": 8,
        "batch_size": 8,
    }
    usual, mixed = (
        kind("shapes", "noise", **options)
        for kind in (dj.tasks.ObjectRecognition, repaired_objects.AnyOrder)
    )
    pictures = usual.data["train"][0][:3]
    a, b = (np.asarray(task.encode(pictures)) for task in (usual, mixed))
    assert (a != b).any()
    np.testing.assert_array_equal(np.sort(a), np.sort(b))
    order = [int(np.flatnonzero((a[0] == column[:, None]).all(0))[0]) for column in b[0].T]
    np.testing.assert_array_equal(a[0][:, order], b[0])  # one order for all pictures


def test_a_transplant_is_coleis_start_with_the_rnns_spectrum():
    params, colei, rnn = (start(n) for n in (TRANSPLANT, COLEI, RNN))
    W, host, donor = (np.asarray(p["cells_0"]["W"]) for p in (params, colei, rnn))
    values = [np.linalg.svd(w, compute_uv=False) for w in (W, donor)]
    np.testing.assert_allclose(*values, rtol=1e-4)
    left, _, right = np.linalg.svd(host)
    in_hosts = np.swapaxes(left, 1, 2) @ W @ np.swapaxes(right, 1, 2)  # diagonal in its vectors
    np.testing.assert_allclose(in_hosts, np.stack([np.diag(v) for v in values[1]]), atol=1e-4)
    np.testing.assert_array_equal(params["cells_0"]["U"], colei["cells_0"]["U"])
    np.testing.assert_array_equal(params["readout"]["W"], colei["readout"]["W"])
    assert dj.signs.KEY not in params["cells_0"]  # its signs are free


def test_the_share_of_the_gap_is_that_of_the_means():
    errors = {
        COLEI: pd.Series([9.0, 11.0, np.nan]),  # a diverged member has no final error
        REPAIRED: pd.Series([4.0, 4.0, 4.0]),
        RNN: pd.Series([2.0, 3.0, 1.0]),
    }
    share, (low, high) = _gap.share_closed(errors)
    assert share == pytest.approx((10 - 4) / (10 - 2))
    assert 0.6 < low < share < high < 0.95
    failed = errors | {RNN: pd.Series([2.0, 100.0, 1.0])}  # one has not learnt
    assert np.isnan(_gap.share_closed(failed)[0])
    typical, _ = _gap.share_closed(failed, average=np.median)
    assert typical == pytest.approx((10 - 4) / (10 - 2))
    nothing, bounds = _gap.share_closed(errors | {RNN: pd.Series([2.0, np.nan])})
    assert np.isnan([nothing, *bounds]).all()
    for no_better in (errors[COLEI], errors[COLEI] + 1):
        none, _ = _gap.share_closed(errors | {RNN: no_better})
        assert np.isnan(none)  # of no gap there is no share


def test_a_setting_names_who_takes_part():
    settings = SETTINGS.replaced(networks=(REPAIRED, RNN, COLEI))
    nets = _starts.contestants(settings, TASK.n_out, {})
    assert list(nets) == [REPAIRED, RNN, COLEI]
    assert nets == {name: NETS[name] for name in nets}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"biases": ("centered",)}, "a bias is 'centered'; it must be one of zero, centred"),
        ({"networks": ("RNN", "LSTM")}, "a network is 'LSTM'; it must be one of RNN,"),
        ({"networks": ("RNN", "ColEI")}, "they must hold repaired ColEI"),
        ({"inputs_n_i": (0,)}, "inputs_n_i is 0; it must be at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_trained(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        SETTINGS.replaced(**change)
