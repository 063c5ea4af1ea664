"""Waves: beyond memory the members take turns, and nothing else changes."""

import os

import jax
import numpy as np
import pytest
from helpers.small_runs import KEYS, NET, TASK, assert_same_run, blow_up, fit
from hypothesis import given
from hypothesis import strategies as st

from dalejax.training import ensemble, programs, waves
from dalejax.training.run_spec import RunSpec

ONE_DEVICE = ensemble.member_mesh(jax.devices()[:1])


@pytest.fixture(scope="module")
def together():
    return fit()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_waves_change_no_bit(together, size):
    assert_same_run(fit(members_per_wave=size), together)


def test_a_run_resumes_in_waves_of_another_size(together, tmp_path):
    kept = {"checkpoint_dir": tmp_path, "checkpoint_every": 3, "resume": True}
    fit(members_per_wave=2, num_updates=3, **kept)
    fit(members_per_wave=4, num_updates=6, **kept)
    assert_same_run(fit(**kept), together)


@pytest.mark.skipif(jax.device_count() > 4, reason="five members on five devices need one wave")
def test_the_size_is_chosen_by_memory(together, monkeypatch):
    devices = jax.device_count()
    padded = -(-5 // devices) * devices  # five members, as many on each device
    sizes = []
    needed = programs.Programs.bytes_needed

    def note(self, length, size):
        sizes.append(size)
        return needed(self, length, size)

    monkeypatch.setattr(programs.Programs, "bytes_needed", note)
    monkeypatch.setattr(waves, "memory", lambda mesh: 1)
    assert_same_run(fit(), together)
    # First all members; the smallest wave, one member on each device, is taken without asking.
    assert sizes[0] == padded and min(sizes) > devices
    monkeypatch.setattr(waves, "memory", lambda mesh: 2**40)
    sizes.clear()
    fit(num_updates=3)
    assert sizes == [padded]


def test_a_chunk_needs_memory_for_each_member_beside_another():
    """Vectorised, activations grow with the members; mapped, little does."""
    grows = {}
    for member_map in ("map", "vmap"):
        made = []
        for size in (2, 8):
            made.append(_program(member_map).bytes_needed(3, size))
        grows[member_map] = made[1] - made[0]
    assert grows["vmap"] > 2 * grows["map"] > 0


def _program(member_map):
    hyperparams = {"bad_at": np.zeros(5, int)}
    spec = RunSpec.checked(NET, blow_up, TASK, keys=KEYS, hyperparams=hyperparams)
    return programs.Programs(spec, ONE_DEVICE, member_map)


@given(
    num=st.integers(1, 10_000),
    each=st.integers(1, 50),
    fixed=st.integers(0, 1000),
    limit=st.integers(1, 5000),
)
def test_a_plan_fits_where_anything_does(num, each, fixed, limit):
    plan = waves.plan(num, ONE_DEVICE, lambda size: fixed + each * size, limit=limit)
    assert sum(plan.sizes) == num
    assert plan.size == 1 or fixed + each * plan.size <= limit
    assert max(plan.sizes) == plan.size
    assert plan.size - min(plan.sizes) < len(plan.sizes)  # nobody waits for a short last wave


@pytest.mark.parametrize("size", [0, -1])
def test_bad_sizes(size, tmp_path):
    with pytest.raises(ValueError, match=f"members_per_wave is {size}; it must be at least 1."):
        fit(members_per_wave=size, checkpoint_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_system_that_cannot_tell_its_memory_trains_all_members_at_once(monkeypatch):
    monkeypatch.delattr(os, "sysconf")  # as on Windows
    assert waves.memory(ONE_DEVICE) == int(waves.USABLE * 2**30) * 2**20
    assert waves.plan(1000, ONE_DEVICE, lambda size: size * 2**30).sizes == [1000]
