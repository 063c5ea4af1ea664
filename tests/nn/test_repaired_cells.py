"""The cell whose spectrum is right from the start: closed forms, wiring, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import dalejax as dj
from dalejax.nn.connectivity import Sparse

KEY = jax.random.key(3)


@pytest.mark.parametrize("n, n_i", [(2, 1), (20, 1), (20, 10), (20, 19)])
def test_no_singular_value_is_above_the_golden_ratio(n, n_i, x64):
    params = dj.RepairedColEICell(n, n_i=n_i, strength=0.8).initial_params(5, key=KEY)
    W, n_e = np.asarray(params["W"]), n - n_i
    golden = 0.8 * (1 + np.sqrt(5)) / 2
    assert np.linalg.norm(W, 2) <= golden * (1 + 1e-12)
    for block in (W[:n_e, :n_e], W[n_e:, :n_e], W[:n_e, n_e:]):
        sigma = np.linalg.svd(block, compute_uv=False)
        np.testing.assert_allclose(np.where(sigma > 1e-12, sigma, 0.8), 0.8, rtol=1e-12)
    assert ((W[n_e:] != 0).sum(1) == 1).all() and ((W[:, n_e:] != 0).sum(0) == 1).all()
    assert not W[n_e:, n_e:].any()
    np.testing.assert_array_equal(np.sign(W.sum(0)), np.where(np.arange(n) < n_e, 1, -1))
    assert (np.asarray(params["U"]) >= 0).all() and not np.any(params["b"])


def test_the_golden_ratio_is_reached_where_a_loop_is_closed(x64):
    """Of two units: ((1, -1), (1, 0))."""
    W = np.asarray(dj.RepairedColEICell(2, n_i=1, strength=1.0).initial_params(5, key=KEY)["W"])
    sigma = np.linalg.svd(W, compute_uv=False)
    np.testing.assert_allclose(sigma, [(np.sqrt(5) + 1) / 2, (np.sqrt(5) - 1) / 2], rtol=1e-12)


@pytest.mark.parametrize("n, n_i", [(20, 1), (20, 7)])
def test_what_excitatory_units_hold_goes_round_all_of_them(n, n_i, x64):
    W = np.asarray(dj.RepairedColEICell(n, n_i=n_i, strength=1.0).initial_params(5, key=KEY)["W"])
    P = W[: n - n_i, : n - n_i]
    at, passed = np.eye(n - n_i)[0], np.zeros(n - n_i)
    for _ in range(n - n_i):
        at = P @ at
        passed += at
    np.testing.assert_array_equal(passed, 1)  # by every one, before it comes back


@pytest.mark.parametrize("n_in, n_out", [(20, 3), (4, 9)])
def test_a_read_out_starts_with_equal_singular_values(n_in, n_out, x64):
    layer = dj.RepairedColEIDense(n_out, inputs_n_i=2, singular_value=0.5)
    params = layer.initial_params(n_in, key=KEY)
    W = np.asarray(params["W"])
    np.testing.assert_allclose(np.linalg.svd(W, compute_uv=False), 0.5, rtol=1e-12)
    assert ((W != 0).sum(0 if n_in > n_out else 1) == 1).all()
    assert (W[:, :-2] >= 0).all() and (W[:, -2:] <= 0).all() and not np.any(params["b"])
    with pytest.raises(ValueError, match=r"singular_value is 0\.0"):
        dj.RepairedColEIDense(3, singular_value=0.0)
    with pytest.raises(ValueError, match=r"shift is -1\.0"):
        dj.RepairedColEIDense(3, shift=-1.0)
    with pytest.raises(ValueError, match="shift is 10 and n_i is 1; only a read-out"):
        dj.RepairedColEIDense(3, n_i=1, shift=10.0)


def test_a_first_layers_bias_cancels_the_mean_input(x64):
    first = dj.RepairedColEICell(20, n_i=2, input_mean=0.5).initial_params(7, key=KEY)
    drive = first["U"] @ jnp.full(7, 0.5) + first["b"]
    np.testing.assert_allclose(drive, 0.0, atol=1e-12)
    deeper = dj.RepairedColEICell(20, n_i=2, input_mean=0.5, inputs_n_i=1)
    assert (deeper.initial_params(7, key=KEY)["b"] == 0).all()


def test_a_read_outs_bias_cancels_the_mean_of_excitatory_inputs(x64):
    layer = dj.RepairedColEIDense(3, inputs_n_i=0, input_mean=0.5)
    params = layer.initial_params(12, key=KEY)
    answer = layer.effective(params).W @ jnp.full(12, 0.5) + params["b"]
    np.testing.assert_allclose(answer, 0, atol=1e-15)
    assert (np.asarray(params["b"]) < 0).all()


@pytest.mark.parametrize("n_in", [2, 8, 30])
def test_inputs_have_their_share_of_a_standard_cells_norm(n_in, x64):
    """Where no two synapses fall on one another: half the norm of uniform weights."""
    cell = dj.RepairedColEICell(8, n_i=2, input_scale=0.5, input_synapses=1)
    U = np.asarray(cell.initial_params(n_in, key=KEY)["U"])
    np.testing.assert_allclose((U**2).sum(), n_in / 12, rtol=1e-12)
    assert ((U > 0).sum(0 if n_in >= 8 else 1) == 1).all()  # along the longer side
    assert (U > 0).any(0).all() and (U > 0).any(1).all()  # no input is lost, no unit is deaf


def test_under_a_softmax_the_signs_of_a_read_out_cost_nothing(x64):
    """The same on all of a column is not seen: with enough of it no sign is ever touched."""

    def network(shift):
        readout = dj.RepairedColEIDense(3, shift=shift)
        return dj.RecurrentNetwork([dj.RepairedColEICell(6, n_i=2)], readout)

    net, x = network(0.0), jax.random.uniform(KEY, (5, 20, 4))  # time, batch, inputs
    labels = jax.random.randint(KEY, (20,), 0, 3)
    params = net.init(KEY, x)["params"]
    shifted = network(12.0).init(KEY, x)["params"]
    columns = dj.signs.column_signs(6, 2)
    np.testing.assert_allclose(
        shifted["readout"]["W"] - params["readout"]["W"],
        12 / np.sqrt(6) * columns * np.ones((3, 1)),
    )

    def loss(params):
        answers = net.apply({"params": params}, x)
        return optax.softmax_cross_entropy_with_integer_labels(answers, labels).mean()

    def trained(tx, params):
        @jax.jit
        def update(params, state):
            updates, state = tx.update(jax.grad(loss)(params), state, params)
            return optax.apply_updates(params, updates), state

        state = tx.init(params)
        for _ in range(100):
            params, state = update(params, state)
        return params

    legal = trained(dj.colei_sgd(0.5, clip=0.3), shifted)
    freed = {"cells_0": dj.signs.sign_tree(params)["cells_0"], "readout": None}
    tx = optax.chain(dj.clip_by_tensor_norm(0.3), optax.sgd(0.5), dj.dale_projection(freed))
    free = trained(tx, params)
    dj.signs.assert_legal(legal)
    assert not dj.signs.is_legal(free) and loss(free) < 0.9 * loss(params)
    back = legal["readout"] | {"W": legal["readout"]["W"] - 12 / jnp.sqrt(6) * columns}
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10), legal | {"readout": back}, free
    )


@pytest.mark.parametrize("inputs_n_i", [0, 2])
def test_inputs_may_start_otherwise(inputs_n_i, x64):
    cell = dj.RepairedColEICell(
        8, n_i=2, inputs_n_i=inputs_n_i, input_init=dj.initializers.uniform, input_mean=0.5
    )
    U = np.asarray(cell.initial_params(6, key=KEY)["U"])
    assert (
        (U != 0).all() and (U[:, : 6 - inputs_n_i] > 0).all() and (U[:, 6 - inputs_n_i :] < 0).all()
    )
    lost = cell.clone(input_init=lambda shape, *, key: jnp.full(shape, jnp.nan))
    assert np.isnan(
        lost.initial_params(6, key=KEY)["U"]
    ).all()  # what is no number stays to be seen
    usual = dj.RepairedColEICell(8, n_i=2, inputs_n_i=inputs_n_i).initial_params(6, key=KEY)
    np.testing.assert_array_equal(cell.initial_params(6, key=KEY)["W"], usual["W"])


@pytest.mark.parametrize("shape, n_i", [((5, 20), 2), ((20, 5), 2), ((6, 6), 1)])
def test_balanced_weights_sum_to_nothing_and_keep_their_norm(shape, n_i, x64):
    plain = np.asarray(dj.initializers.colei_flat(shape, n_i, 0.5, key=KEY, synapses=3))
    W = np.asarray(dj.initializers.colei_flat(shape, n_i, 0.5, key=KEY, synapses=3, balanced=True))
    np.testing.assert_allclose(W.sum(), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(W), np.linalg.norm(plain), rtol=1e-12)
    np.testing.assert_array_equal(np.sign(W), np.sign(plain))
    for columns in (slice(None, -n_i), slice(-n_i, None)):  # each kind is scaled as one
        was, now = plain[:, columns], W[:, columns]
        ratio = now[was != 0] / was[was != 0]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)
    cell = dj.RepairedColEICell(8, n_i=2, inputs_n_i=n_i, balanced_inputs=True)
    np.testing.assert_allclose(cell.initial_params(shape[1], key=KEY)["U"].sum(), 0, atol=1e-12)
    with pytest.raises(ValueError, match="n_i is 0; balanced weights need"):
        dj.initializers.colei_flat(shape, 0, 0.5, key=KEY, balanced=True)


def test_a_stack_of_them_learns_and_stays_legal():
    task = dj.tasks.AddingProblem(8, batch_size=16, num_train=64, num_test=32)
    cells = [dj.RepairedColEICell(10, n_i=2), dj.RepairedColEICell(10, n_i=1)]
    net = dj.RecurrentNetwork(cells, dj.RepairedColEIDense(1))
    run = dj.train(
        net,
        dj.colei_sgd(0.02, clip=1.0),
        task,
        keys=dj.seed_keys(0, 2),
        num_updates=1200,
        eval_every=600,
        progress=False,
    )
    loss = run.table[run.table.metric == "train_loss"].groupby("update").value.mean()
    assert loss[1200] < 0.9 / 6 and loss[1200] < loss[600]  # the answers' variance is 1/6
    dj.signs.assert_legal(run.params)
    U = np.asarray(run.params["cells_1"]["U"])
    assert (U[..., :8] >= 0).all() and (U[..., 8:] <= 0).all() and (U[..., 8:] < 0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_i": 0}, "n_i is 0"),
        ({"strength": 0.0}, "strength is 0.0; it must be a finite number above 0"),
        ({"input_scale": -1.0}, "input_scale is -1.0"),
        ({"input_synapses": 0}, "input_synapses is 0; it must be at least 1"),
        ({"connectivity": Sparse(0.5)}, "this cell chooses its synapses itself"),
        (
            {"balanced_inputs": True, "input_init": dj.initializers.uniform},
            "balanced_inputs is True and input_init is .* one of the two must be left out",
        ),
        ({"balanced_inputs": True}, "balanced_inputs is True and inputs_n_i is 0"),
        (
            {"input_init": lambda shape, *, key: jnp.ones(shape[:1])},
            r"gave the shape \(4,\); it must be \(n, n_in\), \(4, 3\)",
        ),
    ],
)
def test_what_it_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        dj.RepairedColEICell(4, **options).initial_params(3, key=KEY)


def test_it_starts_alike_under_vmap():
    keys = dj.seed_keys(0, 3)
    cell = dj.RepairedColEICell(6, n_i=2)
    together = jax.vmap(lambda key: cell.initial_params(4, key=key))(keys)
    alone = [cell.initial_params(4, key=key) for key in keys]
    for name in ("U", "W", "b"):
        np.testing.assert_array_equal(together[name], jnp.stack([a[name] for a in alone]))
