"""The transplant of Figure 4: the eight configurations, their starts, signs and effects."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from helpers.smoke_runs import smoke

import dalejax as dj
from experiments.li2023 import _transplant, fig4_transplant
from experiments.shared import tasks


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    context = smoke(fig4_transplant.EXPERIMENT, tmp_path_factory.mktemp("fig4"))
    return _transplant.arms(context, tasks.smnist(context), {_transplant.COLEI: 0.5})


def member(arm, i=0):
    """Give the parameters a seed of an arm starts from, and the signs that it keeps."""
    trees = (arm.params, arm.hyperparams["signs"])
    return jax.tree.map(lambda leaf: np.asarray(leaf[i]), trees)


def test_eight_configurations(arms):
    assert list(arms) == [c.name for c in _transplant.ALL]
    assert len(arms) == 8
    assert {name for name, arm in arms.items() if len(arm.keys) == 4} == _transplant.MANY
    assert {len(arm.keys) for arm in arms.values()} == {3, 4}
    for arm in arms.values():
        leaves = jax.tree.leaves((arm.params, arm.hyperparams["signs"]))
        assert {len(leaf) for leaf in leaves} == {len(arm.keys)}


def test_rates_are_those_of_the_configuration(arms):
    rates = {name: arm.hyperparams["learning_rate"] for name, arm in arms.items()}
    assert rates.pop(_transplant.COLEI) == 0.5
    assert set(rates.values()) == {fig4_transplant.PRESETS["smoke"].learning_rate}


def test_seeds_of_one_side_share_their_keys_and_starts(arms):
    """Whoever has fewer seeds has the first ones, so that differences are paired by seed."""
    f = _transplant
    keys = jax.random.key_data(arms[f.COLEI].keys)
    for arm in arms.values():
        mine = jax.random.key_data(arm.keys)
        np.testing.assert_array_equal(mine, keys[: len(mine)])
    for free, frozen in ((f.RNN, f.RNN_FROZEN), (f.COLEI_FREE, f.COLEI)):
        for i in range(3):
            jax.tree.map(
                np.testing.assert_array_equal, member(arms[free], i)[0], member(arms[frozen], i)[0]
            )


def test_only_the_spectrum_moves(arms):
    f = _transplant
    for hybrid, host, donor in ((f.RNN_HYBRID, f.RNN, f.COLEI), (f.COLEI_HYBRID, f.COLEI, f.RNN)):
        (own, _), (other, _), (given, _) = (member(arms[name]) for name in (hybrid, host, donor))
        sigma = [dj.spectrum.singular_values(jnp.asarray(p["cells_0"]["W"])) for p in (own, given)]
        np.testing.assert_allclose(*sigma, rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(own["cells_0"]["U"], other["cells_0"]["U"])
        np.testing.assert_array_equal(own["readout"]["W"], other["readout"]["W"])
        left, _, right = np.linalg.svd(other["cells_0"]["W"])
        mixed = left.T @ own["cells_0"]["W"]  # rows keep their directions, only lengths change
        off = mixed @ right.T
        np.testing.assert_allclose(off - np.diag(np.diag(off)), 0, atol=1e-4)


def test_signs_are_the_configuration(arms):
    for name, arm in arms.items():
        for i in range(len(arm.keys)):
            params, signs = member(arm, i)
            (cell, readout), (cell_signs, readout_signs) = (t.values() for t in (params, signs))
            frozen = "frozen" in name or name == "ColEI"
            assert (cell_signs["W"] != 0).mean() == pytest.approx(1 if frozen else 0, abs=0.06)
            assert (readout_signs["W"] != 0).any() == frozen
            assert (cell_signs["b"] == 0).all() and (readout_signs["b"] == 0).all()
            has_input_signs = (cell_signs["U"] != 0).all()
            assert has_input_signs if name == "ColEI" else (cell_signs["U"] == 0).all()
            assert (cell["W"] * cell_signs["W"] >= 0).all()
            assert (readout["W"] * readout_signs["W"] >= 0).all()


def test_where_all_seeds_diverged_there_is_no_effect():
    lost = pd.Series([np.nan, np.nan])
    errors = dict.fromkeys(_transplant.STYLES, lost)
    sides, comparisons = _transplant.effects(errors)
    assert all(p == 1 for _, _, _, p, _ in comparisons)
    assert not any(np.isfinite(values).any() for values in sides.values())


def test_the_six_effects_are_seed_paired():
    values = np.arange(4.0)
    names = [c.name for c in _transplant.ALL]
    errors = {name: pd.Series(values * (k + 1)) for k, name in enumerate(names)}
    sides, comparisons = _transplant.effects(errors)
    f = _transplant
    k = {name: i + 1 for i, name in enumerate(names)}
    expected = {
        ("RNN", "spectrum"): k[f.RNN_HYBRID] - k[f.RNN],
        ("RNN", "vectors"): k[f.COLEI_HYBRID] - k[f.RNN],
        ("RNN", "signs"): k[f.RNN_FROZEN] - k[f.RNN],
        ("ColEI", "spectrum"): k[f.COLEI] - k[f.COLEI_HYBRID_FROZEN],
        ("ColEI", "vectors"): k[f.COLEI] - k[f.RNN_HYBRID_FROZEN],
        ("ColEI", "signs"): k[f.COLEI] - k[f.COLEI_FREE],
    }
    for effect, factor in expected.items():
        np.testing.assert_allclose(sides[effect], values * factor)
    assert [c[:3] for c in comparisons] == [
        (side, "spectrum", other) for side in ("RNN", "ColEI") for other in ("signs", "vectors")
    ]
