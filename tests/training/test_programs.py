"""A chunk is one program, as fit for an accelerator as can be shown without one."""

import collections
import re

import jax
import pytest

import dalejax as dj
from dalejax.training import ensemble
from dalejax.training.programs import Programs
from dalejax.training.run_spec import RunSpec

NETS = {
    "rnn": ([dj.RNNCell(8)] * 2, dj.Dense(1), dj.rnn_sgd(0.01, clip=1.0)),
    "colei": ([dj.ColEICell(8, n_i=2)] * 2, dj.ColEIDense(1), dj.colei_sgd(0.01, clip=1.0)),
    "dann": ([dj.DANNCell(8, n_i=2)] * 2, dj.DANNDense(1), dj.dann_sgd(0.01, clip=1.0)),
}
TASK = dj.tasks.AddingProblem(6, batch_size=4, num_train=16, num_test=8)


def lowered(kind, size, member_map):
    cells, readout, tx = NETS[kind]
    net = dj.RecurrentNetwork(cells, readout)
    spec = RunSpec.checked(net, tx, TASK, keys=dj.seed_keys(0, 2))
    mesh = ensemble.member_mesh(jax.devices()[:1])
    return Programs(spec, mesh, member_map).lowered(3, size)


@pytest.mark.long
@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("member_map", ensemble.MEMBER_MAPS)
def test_the_program_does_not_grow_with_the_members(kind, member_map):
    few, many = (lowered(kind, size, member_map).as_text() for size in (2, 64))
    operations = [
        collections.Counter(re.findall(r"(?:stablehlo|func|sdy|chlo)\.\w+", text))
        for text in (few, many)
    ]
    assert operations[0] == operations[1]
    assert operations[0]["stablehlo.while"] >= 5  # updates, and two layers there and back


@pytest.mark.long
@pytest.mark.parametrize("kind", NETS)
def test_compiled_for_many_it_has_the_loops_of_few(kind):
    loops = [
        len(re.findall(r" while\(", lowered(kind, size, "vmap").compile().as_text()))
        for size in (4, 64)
    ]
    assert loops[0] == loops[1] > 0


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("member_map", ensemble.MEMBER_MAPS)
def test_a_chunk_never_calls_the_host(kind, member_map):
    text = lowered(kind, 4, member_map).as_text()
    assert not re.findall(r"callback|infeed|outfeed|stablehlo\.send|stablehlo\.recv", text)
    targets = set(re.findall(r"custom_call @(\w+)", text))
    assert targets <= {"Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape"}, targets
