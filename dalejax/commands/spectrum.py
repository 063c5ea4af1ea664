"""``dalejax spectrum``: singular values and spectral radius of recurrent weights at the start."""

from __future__ import annotations

from dataclasses import dataclass

from dalejax import checks
from dalejax.commands.common import (
    CellName,
    Distribution,
    check_counts,
    check_positive,
    default_n_i,
    make_cell,
    print_json,
)


@dataclass(frozen=True)
class Spectrum:
    """Measure the spectrum of the recurrent weights W at initialisation, over seeds.

    nse is the normalised entropy of the singular values, sigma_max the largest singular value, rho
    the spectral radius; rho_before is the spectral radius before ColEI's weights are scaled to
    --rho.
    """

    cell: CellName
    """standard, column-signed E/I (ColEI) or Dale's ANN"""
    n: int = 100
    """number of units"""
    n_i: int | None = None
    """inhibitory units; None: 10 % of n; among the n (colei), on top (dann), ignored (rnn)"""
    seeds: int = 20
    """number of networks to draw"""
    rho: float = 1.5
    """spectral radius that W is scaled to (colei; ignored otherwise)"""
    distribution: Distribution = "exponential"
    """distribution of the magnitudes of the weights (colei, dann; ignored otherwise)"""
    seed: int = 0
    """root of all random keys; given the same root, dalejax train starts from the same W"""
    json: bool = False
    """print one JSON object instead of a table"""

    def run(self) -> None:
        """Draw the networks, measure W, and print means and standard deviations over the seeds.

        Raises:
            ValueError: an option is out of its range.
        """
        check_counts(n=self.n, seeds=self.seeds)
        check_positive(rho=self.rho)
        checks.seed("--seed", self.seed)
        measured = measure(self)
        n_i = None if self.cell == "rnn" else self.inhibitory
        if self.json:
            print_json(
                {
                    **{k: {"mean": m["mean"], "sd": m["sd"]} for k, m in measured.items()},
                    "cell": self.cell,
                    "n": self.n,
                    "n_i": n_i,
                    "seeds": self.seeds,
                }
            )
            return
        sizes = f"n = {self.n}" if n_i is None else f"n = {self.n}, n_i = {n_i}"
        print(f"{self.cell}, {sizes}, {self.seeds} seeds")
        print(f"{'':<10} {'mean':>9} {'sd':>9}")
        for name, m in measured.items():
            print(f"{name:<10} {m['mean']:>9.4f} {m['sd']:>9.4f}")

    @property
    def inhibitory(self) -> int:
        """The number of inhibitory units, by default 10 % of n."""
        return default_n_i(self.n) if self.n_i is None else self.n_i


def measure(options: Spectrum) -> dict[str, dict[str, float]]:
    """Draw networks as ``dalejax train`` does, and summarise the spectra of W over the seeds.

    Args:
        options: the command.

    Returns:
        Summaries by :func:`dalejax.analysis.results.summary` of nse, sigma_max, rho, rho_before.

    Raises:
        ValueError: n_i is out of its range for the cell.
    """
    import jax
    import jax.numpy as jnp

    import dalejax as dj
    from dalejax.streams import Stream

    keys = dj.seed_keys(options.seed, options.seeds)

    def recurrent_weights(rho):
        cell = make_cell(options.cell, options.n, options.inhibitory, rho, options.distribution)
        net = dj.RecurrentNetwork([cell], dj.Dense(1))

        def one(key):
            variables = net.init(jax.random.fold_in(key, Stream.INIT), jnp.zeros((1, 1, 1)))
            return net.effective(variables["params"])[0].W

        return jax.jit(jax.vmap(one))(keys)

    W = recurrent_weights(options.rho)
    before = recurrent_weights(None) if options.cell == "colei" else W
    measured = {
        "nse": dj.spectrum.nse(W),
        "sigma_max": dj.spectrum.singular_values(W)[:, 0],
        "rho": dj.spectrum.spectral_radius(W),
        "rho_before": dj.spectrum.spectral_radius(before),
    }
    return {name: dj.results.summary(values) for name, values in measured.items()}
