"""Settings of the comparisons with repaired ColEI, and the names that they may hold."""

from __future__ import annotations

from dataclasses import dataclass

from dalejax import checks
from experiments.engine.settings import Training

RNN, ORTHOGONAL, DANN = "RNN", "orthogonal RNN", "DANN"
COLEI, TRANSPLANT, REPAIRED = "ColEI", "ColEI, RNN's spectrum", "repaired ColEI"
NAMES = (RNN, ORTHOGONAL, DANN, COLEI, TRANSPLANT, REPAIRED)
CLAIMED = (RNN, COLEI, TRANSPLANT, REPAIRED)  # the networks that the claims compare
BIASES = ("zero", "centred", "raised")


@dataclass(frozen=True, kw_only=True)
class Settings(Training):
    """Settings of a comparison: each network is searched, then trained at its best.

    Attributes:
        n: units.
        n_i: inhibitory units, among the n (ColEI) or on top (DANN).
        search_updates: updates of each network in the search.
        search_seeds: seeds (random initialisations) of each point of the search.
        rates: learning rates that the search tries.
        clips: largest gradient norms of a tensor that the search tries.
        biases: starts of the bias b that the search tries: "zero", "centred" (cancels the mean
            input) or "raised" (positive).
        networks: names of the networks compared.
        inputs_n_i: numbers of inhibitory inputs; each adds a ColEI network and a repaired one.

    Raises:
        ValueError: a bias or a network is unknown, a number of inhibitory inputs is below 1, or
            one of RNN, ColEI and repaired ColEI is missing.
    """

    n: int
    n_i: int
    search_updates: int
    search_seeds: int
    rates: tuple[float, ...]
    clips: tuple[float, ...]
    biases: tuple[str, ...] = ("zero", "centred")
    networks: tuple[str, ...] = NAMES
    inputs_n_i: tuple[int, ...] = ()

    def __post_init__(self):
        for bias in self.biases:
            checks.choice("a bias", bias, BIASES)
        for name in self.networks:
            checks.choice("a network", name, NAMES)
        for inputs_n_i in self.inputs_n_i:
            checks.whole("inputs_n_i", inputs_n_i)
        if missing := {RNN, COLEI, REPAIRED} - set(self.networks):
            raise ValueError(
                f"the networks are {self.networks}; they must hold {', '.join(sorted(missing))}."
            )
