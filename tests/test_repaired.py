"""The comparison with repaired ColEI: where contestants start, and the share of the gap closed."""

import types

import numpy as np
import pandas as pd
import pytest

import dalejax as dj
from experiments import repaired, starts

TASK = dj.tasks.AddingProblem(num_train=64)
KEYS = dj.seed_keys(0, 3)
NETS = starts.contestants({"n": 8, "n_i": 2}, TASK.n_out, {})


def start(name, bias="zero", mean=0.0):
    return starts.start(NETS[name], TASK, bias, mean, keys=KEYS)


def matrices(params, name):
    return np.asarray(NETS[name].net.effective(params)[0].W)


@pytest.mark.parametrize("name", NETS)
def test_a_centred_bias_cancels_the_mean_input(name):
    U, _, b = NETS[name].net.effective(start(name, "centred", 0.3))[0]
    np.testing.assert_allclose(np.asarray(U) @ np.full(TASK.n_in, 0.3), -np.asarray(b), atol=1e-6)


def test_a_transplant_is_coleis_start_with_the_rnns_spectrum():
    params, colei, rnn = (start(n) for n in (starts.TRANSPLANT, starts.COLEI, starts.RNN))
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
        starts.COLEI: pd.Series([9.0, 11.0, np.nan]),  # a diverged member has no final error
        starts.REPAIRED: pd.Series([4.0, 4.0, 4.0]),
        starts.RNN: pd.Series([2.0, 3.0, 1.0]),
    }
    share, (low, high) = repaired.gap_closed(errors)
    assert share == pytest.approx((10 - 4) / (10 - 2))
    assert 0.6 < low < share < high < 0.95
    nothing, bounds = repaired.gap_closed(errors | {starts.RNN: pd.Series([2.0, np.nan])})
    assert np.isnan([nothing, *bounds]).all()


def test_a_setting_names_who_takes_part():
    named = {"n": 8, "n_i": 2, "networks": (starts.REPAIRED, starts.RNN)}
    nets = starts.contestants(named, TASK.n_out, {})
    assert list(nets) == [starts.REPAIRED, starts.RNN]
    assert nets == {name: NETS[name] for name in nets}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"biases": ("centered",)}, "a bias is 'centered'; it must be one of zero, centred"),
        ({"networks": ("RNN", "LSTM")}, "a network is 'LSTM'; it must be one of RNN,"),
        ({"networks": ("RNN", "ColEI")}, "they must hold repaired ColEI"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_trained(change, sentence):
    settings = {"n": 8, "n_i": 2, "biases": ("zero",)} | change
    context = types.SimpleNamespace(settings=settings)
    with pytest.raises(ValueError, match=sentence):
        repaired.run(context, TASK, "test_mse", "error", 0.0, repaired.Limits(0.9))
