"""Bad input, to the library and to the commands: one sentence, code 2, nothing changed on disk."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_runs import KEYS, NET, fit

import dalejax as dj
from dalejax.commands import main
from dalejax.nn.recurrence import activation
from experiments import __main__ as experiments

pytestmark = pytest.mark.usefixtures("untyped")

SMALL = (
    "train --task adding --cell colei --n 4 --no-progress --seeds 2 --updates 6 --eval-every 2 "
    "--checkpoint-every 2 --out new/run"
)
COUNTS = (
    "seeds",
    "updates",
    "n",
    "layers",
    "batch-size",
    "eval-every",
    "checkpoint-every",
    "keep-checkpoints",
    "members-per-wave",
)
NOT_POSITIVE = ("nan", "inf", "-inf", "0", "-1")

# Of a command: its arguments, and what the sentence must say (None: the last argument).
COMMANDS: list[tuple[str, str | None]] = [
    *((f"{SMALL} --{name} {value}", None) for name in COUNTS for value in ("0", "-3")),
    *((f"{SMALL} --{n} {value}", None) for n in ("lr", "clip", "rho") for value in NOT_POSITIVE),
    *((f"{SMALL} --n-i {value}", None) for value in ("0", "-1", "4", "5")),
    (f"{SMALL} --n 1", None),
    (f"{SMALL} --n 3000000000", "--n is 3000000000; it must be from 1 to 1000000000"),
    (f"{SMALL} --cell dann --n-i 0", None),
    (f"{SMALL} --cell dann --n 1", None),
    (f"{SMALL} --batch-size 9001", None),
    (f"{SMALL} --checkpoint-every 3", "--checkpoint-every is 3; it must be a multiple of"),
    (f"{SMALL} --seed -1", None),
    (f"{SMALL} --seed {2**32}", None),
    (f"{SMALL} --task smnist --data-dir nowhere", None),
    (f"{SMALL} --out /dev/null/run", None),
    (f"{SMALL} --distributed", "the processes cannot be connected"),
    ("resume nothing", "nothing is not the folder of a run"),
    *((f"spectrum --cell colei --n {value}", None) for value in ("0", "-2")),
    *((f"spectrum --cell colei --n 10 --n-i {value}", None) for value in ("0", "10")),
    ("spectrum --cell dann --n-i 0", None),
    ("spectrum --cell colei --seeds 0", None),
    *((f"spectrum --cell colei --rho {value}", None) for value in NOT_POSITIVE),
    ("spectrum --cell colei --seed -1", None),
    ("data prepare copying --data-dir to", "'copying'; allowed are"),
    ("data prepare digits --data-dir to", "digits needs no preparing"),
    *(
        (f"data prepare {name} --from nowhere --data-dir to", "not found in nowhere; put ")
        for name in ("mnist", "cifar10", "ptb", "glove300", "objects64", "bsds500")
    ),
    ("data prepare topics --data-dir to", "topics needs no preparing: it is embedded"),
    ("data prepare warpeace --data-dir to", "dalejax data prepare warpeace --from DIR (DIR holds"),
    ("data verify letters --data-dir to", "'letters'; allowed are 'digits', 'mnist',"),
    ("data pack-objects nowhere --out new/a.npz", "nowhere is no folder"),
    ("data pack-objects . --out new/a.npz", "holds 0 categories; it must hold at least 2"),
    ("data pack-objects . --out new/a.png", "new/a.png; its name must end with .npz"),
    ("data pack-objects . --out new/a.npz --size 0", "size is 0; it must be from 1 to 1024"),
    ("data pack-objects . --out new/a.npz --size 5000", "size is 5000; it must be from 1 to 1024"),
    ("experiments fig99", "experiment is 'fig99'; it must be one of"),
    ("experiments fig2_adding --preset huge", "preset is 'huge'; it must be one of"),
    ("experiments fig3_spectra --variant code", "variant is 'code'; fig3_spectra has text"),
    ("experiments fig2_adding --seeds 1", "--seeds is 1; a spread needs at least 2"),
    ("experiments fig2_adding --set speed=9", "--set names 'speed'"),
    ("experiments fig2_adding --set eval_every=0", "--set eval_every is 0; it must be at least 1"),
    ("experiments fig2_adding --set learning_rate=nan", "--set learning_rate is nan"),
    ("experiments all --preset huge", "preset is 'huge'; it must be one of"),
    ("experiments all --resume nowhere", "no all.json"),
    ("experiments all --part 3/2", "--part is '3/2'; it must be I/N, with I from 1 to N"),
    ("experiments all --part half", "--part is 'half'; it must be I/N"),
    ("experiments fig2_adding --part 1/2", "--part divides all experiments; fig2_adding is one"),
    ("experiments fig2_adding --set updates=many", "--set updates is 'many'; it must be int"),
    ("experiments fig2_adding --resume nowhere", "nowhere holds no run"),
    ("experiments fig2_adding --distributed", "--distributed needs --out or --resume"),
    ("experiments fig2_smnist --preset laptop --data-dir none", "dalejax data prepare mnist"),
]


def drawn(change):
    params = jax.vmap(lambda key: NET.init(key, jnp.zeros((1, 1, 2)))["params"])(KEYS)
    return jax.tree.map(change, params)


TOO_WIDE = dj.RecurrentNetwork([dj.ColEICell(8, n_i=2)], dj.ColEIDense(2))
EVERY_STEP = dj.RecurrentNetwork([dj.ColEICell(8, n_i=2)], dj.ColEIDense(1), every_step=True)

# Of train: the options, and what the sentence must say.
TRAIN = {
    "raw keys": ({"keys": jax.random.PRNGKey(0)}, "typed keys"),
    "numbers as keys": ({"keys": jnp.arange(3.0)}, "typed keys"),
    "a single key": ({"keys": jax.random.key(0)}, "typed keys"),
    "keys that are no array": ({"keys": 3}, "keys are 3; they must be typed keys"),
    "no keys": ({"keys": KEYS[:0], "hyperparams": {}}, "the number of seeds is 0"),
    "num_updates 0": ({"num_updates": 0}, "num_updates is 0; it must be at least 1"),
    "num_updates -1": ({"num_updates": -1}, "num_updates is -1"),
    "num_updates 2.5": ({"num_updates": 2.5}, "num_updates is 2.5; it must be a whole number"),
    "eval_every 0": ({"eval_every": 0}, "eval_every is 0"),
    "eval_every text": ({"eval_every": "3"}, "eval_every is '3'; it must be a whole number"),
    "checkpoint_every 4": ({"checkpoint_every": 4}, "checkpoint_every is 4; it must be a multiple"),
    "checkpoint_every 0": ({"checkpoint_every": 0}, "checkpoint_every is 0"),
    "keep_checkpoints 0": ({"keep_checkpoints": 0}, "keep_checkpoints is 0"),
    "members_per_wave 0": ({"members_per_wave": 0}, "members_per_wave is 0"),
    "on_divergence": ({"on_divergence": "go"}, "on_divergence is 'go'; it must be one of freeze,"),
    "member_map": ({"member_map": "pmap"}, "member_map is 'pmap'; it must be one of"),
    "read-out": ({"net": TOO_WIDE}, "read-out has 2 outputs"),
    "every_step": ({"net": EVERY_STEP}, "every_step is True"),
    "members": ({"hyperparams": {"bad_at": np.ones(4)}}, "bad_at has shape (4,)"),
    "no members": ({"hyperparams": {"bad_at": 1.0}}, "bad_at has shape ()"),
    "nan": ({"hyperparams": {"bad_at": np.full(5, np.nan)}}, "bad_at hold non-finite"),
    "params nan": ({"params": drawn(lambda x: jnp.full_like(x, jnp.nan))}, "params hold non-fin"),
    "params members": ({"params": drawn(lambda x: x[:2])}, "params has shape (2,"),
    "params shape": ({"params": drawn(lambda x: x[..., :1])}, "params has "),
    "params missing": ({"params": {"readout": drawn(lambda x: x)["readout"]}}, "params has no "),
    "params too many": ({"params": drawn(lambda x: x) | {"c": np.ones(5)}}, "params has c; it mu"),
}

# Of the library elsewhere: a call, and what the sentence must say.
CALLS = {
    "no seeds": (lambda: dj.seed_keys(0, 0), "the number of seeds is 0"),
    "few seeds": (lambda: dj.seed_keys(0, -3), "the number of seeds is -3"),
    "root seed": (lambda: dj.seed_keys(2**32, 3), f"the root seed is {2**32}; it must be from 0 "),
    "root of text": (lambda: dj.seed_keys("0", 3), "the root seed is '0'; it must be a whole"),
    "n_i 0": (lambda: dj.ColEICell(8, n_i=0), "n_i is 0"),
    "n_i n": (lambda: dj.ColEICell(8, n_i=8), "n_i is 8"),
    "rho": (lambda: dj.ColEICell(8, n_i=2, rho=float("inf")), "rho is inf"),
    "rho text": (lambda: dj.ColEICell(8, n_i=2, rho="big"), "rho is big"),
    "activation": (lambda: activation("sine"), "activation is 'sine'"),
    "seed": (lambda: dj.tasks.AddingProblem(seed=-1), "seed is -1; it must be from 0"),
    "fraction": (
        lambda: dj.tasks.AddingProblem(seed=1.5),
        "seed is 1.5; it must be a whole number",
    ),
    "permutation": (
        lambda: dj.tasks.SequentialMNIST("digits", scan="permuted", permutation_seed=-1),
        "permutation_seed is -1; it must be from 0",
    ),
    "length": (lambda: dj.tasks.AddingProblem(1), "length is 1; it must be at least 2"),
    "num_train": (lambda: dj.tasks.AddingProblem(num_train=0), "num_train is 0"),
    "batch_size": (lambda: dj.tasks.AddingProblem(batch_size=0), "batch_size is 0; it must be fr"),
    "valid": (lambda: dj.tasks.SequentialMNIST("digits", num_valid=4000), "num_valid is 4000"),
    "scan": (lambda: dj.tasks.SequentialMNIST("digits", scan="columns"), "scan is 'columns'"),
    "data": (lambda: dj.tasks.SequentialMNIST("letters"), "data is 'letters'; it must be one"),
    "image set": (lambda: dj.datasets.load("ptb"), "'ptb'; allowed are 'digits', 'mnist',"),
    "text": (lambda: dj.datasets.load_text("mnist"), "'mnist'; allowed are 'ptb'"),
    "vectors": (lambda: dj.datasets.load_vectors("ptb", []), "'ptb'; allowed are 'glove50'"),
    "objects": (lambda: dj.datasets.load_objects("bsds500"), "'bsds500'; allowed are 'objects64'"),
    "scenes": (lambda: dj.datasets.load_scenes("eth80"), "'eth80'; allowed are 'bsds500'"),
    "clip": (lambda: dj.colei_sgd(0.1, clip=-1.0), "is -1.0; it must be positive"),
    "signs": (lambda: dj.signs.assert_legal({"w": jnp.ones(2)}, {"w": 2}), "+1, -1 or 0"),
    "sign tree": (lambda: dj.signs.assert_legal({"w": jnp.ones(2)}, {"v": 1}), "prefix"),
    "distribution": (
        lambda: dj.initializers.positive((2,), 1.0, key=KEYS[0], distribution="cauchy"),
        "distribution is 'cauchy'; it must be one of exponential",
    ),
    "inhibition": (
        lambda: dj.initializers.dann((4, 4), 1, 0.1, key=KEYS[0], inhibition="all"),
        "inhibition is 'all'; it must be one of mean_row, iid",
    ),
    "spectrum": (
        lambda: dj.initializers.from_spectrum((3, 3), jnp.ones(2), key=KEYS[0]),
        "2",
    ),
}


@pytest.fixture
def nothing_written(tmp_path, monkeypatch):
    """Run in an empty folder, which must stay empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "wanted"), COMMANDS, ids=[c for c, _ in COMMANDS])
def test_commands(arguments, wanted, capsys, nothing_written):
    name, *rest = arguments.split()
    code = experiments.main(rest) if name == "experiments" else main.main([name, *rest])
    out, err = capsys.readouterr()
    assert code == 2 and out == ""
    assert err.startswith(("dalejax: ", "experiments: ")) and err.count("\n") == 1
    assert (wanted or rest[-1]) in err and "Traceback" not in err


@pytest.mark.parametrize("what", TRAIN)
def test_train(what, nothing_written):
    options, wanted = TRAIN[what]
    with pytest.raises(ValueError) as error:
        fit(checkpoint_dir=Path("new/run"), **options)
    assert wanted in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("what", CALLS)
def test_the_library(what, nothing_written):
    call, wanted = CALLS[what]
    with pytest.raises(ValueError) as error:
        call()
    assert wanted in str(error.value) and "\n" not in str(error.value)


def test_the_table_is_long_enough():
    assert len(COMMANDS) + len(TRAIN) + len(CALLS) >= 60
