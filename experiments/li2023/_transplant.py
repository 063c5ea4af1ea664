"""The transplant: {RNN, ColEI} spectrum x {RNN, ColEI} vectors x signs {free, frozen}, one layer.

All eight configurations are one ensemble: a configuration is nothing but where a member starts and
which signs its entries must keep. Used by Figure 4 and by Table 2 of Li et al. 2023.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

import dalejax as dj
from dalejax.plots import Style
from experiments.engine import comparison
from experiments.engine.comparison import Arm
from experiments.engine.context import Context, rank_test
from experiments.shared import networks


class Configuration(NamedTuple):
    """One of the eight: whose vectors (and everything but W's spectrum), whose spectrum, signs."""

    vectors: str
    spectrum: str
    frozen: bool

    @property
    def name(self) -> str:
        """As the figure's legend says it."""
        if self.vectors == self.spectrum == "RNN":
            return "RNN, signs frozen" if self.frozen else "RNN"
        if self.vectors == self.spectrum:
            return "ColEI" if self.frozen else "ColEI, signs free"
        signs = ", signs frozen" if self.frozen else ""
        return f"{self.vectors} vectors + {self.spectrum} spectrum{signs}"


RNN = Configuration("RNN", "RNN", False).name
RNN_FROZEN = Configuration("RNN", "RNN", True).name
RNN_HYBRID = Configuration("RNN", "ColEI", False).name
RNN_HYBRID_FROZEN = Configuration("RNN", "ColEI", True).name
COLEI_HYBRID = Configuration("ColEI", "RNN", False).name
COLEI_HYBRID_FROZEN = Configuration("ColEI", "RNN", True).name
COLEI_FREE = Configuration("ColEI", "ColEI", False).name
COLEI = Configuration("ColEI", "ColEI", True).name
ALL = [
    Configuration(vectors, spectrum, frozen)
    for vectors in ("RNN", "ColEI")
    for spectrum in ("RNN", "ColEI")
    for frozen in (False, True)
]
# The effects on ColEI's side are made of these four, which therefore get more seeds.
MANY = {COLEI, COLEI_FREE, RNN_HYBRID_FROZEN, COLEI_HYBRID_FROZEN}

STYLES = {
    RNN: Style("#222222", "-", "o"),
    RNN_FROZEN: Style("#222222", "--", "o"),
    COLEI_HYBRID: Style("#CC79A7", "-", "v"),
    COLEI_HYBRID_FROZEN: Style("#CC79A7", "--", "v"),
    RNN_HYBRID: Style("#56B4E9", "-", "D"),
    RNN_HYBRID_FROZEN: Style("#56B4E9", "--", "D"),
    COLEI_FREE: Style("#E69F00", "-", "s"),
    COLEI: Style("#E69F00", "--", "s"),
}


def train(context: Context, task, rates: Mapping[str, float] | None = None) -> None:
    """Train all configurations in one ensemble.

    Args:
        context: the run; its variant ``code`` transplants U and the read-out as well as W.
        task: the task.
        rates: learning rates by configuration; None for the setting ``learning_rate``.
    """
    s = context.settings
    trained = comparison.train(
        context,
        "ensemble",
        networks.rnn(1, s.n, task.n_out),
        networks.signed_sgd(s.clip),
        task,
        arms(context, task, rates or {}),
    )
    comparison.record(context, trained, lambda arm, _: arm)


def final(context: Context) -> dict[str, pd.Series]:
    """Give each configuration's final test errors by member."""
    return {c.name: context.final(c.name, "test_error") for c in ALL}


def draw(context: Context, ylabel: str, **look) -> None:
    """Draw the curves (A: signs, B: transplants; dashed where frozen) and the effects.

    Args:
        context: the run.
        ylabel: label of the test error.
        look: further arguments of :func:`dalejax.plots.learning_curves`.
    """
    sides, comparisons = effects(final(context))
    # Where all seeds diverged there is no bar to draw.
    drawn = {bar: values for bar, values in sides.items() if np.isfinite(values).any()}
    bars = [dj.plots.Effect(side, factor, values) for (side, factor), values in drawn.items()]
    context.draw(
        "effects",
        dj.plots.effect_bars(
            bars,
            ylabel="change of test error (points)",
            comparisons=[
                dj.plots.Comparison(*c[:4])
                for c in comparisons
                if {(c[0], c[1]), (c[0], c[2])} <= drawn.keys()
            ],
        ),
    )
    panels = {
        "curves_signs": [RNN, RNN_FROZEN, COLEI_FREE, COLEI],
        "curves_transplant": [
            RNN,
            COLEI_HYBRID,
            COLEI_HYBRID_FROZEN,
            RNN_HYBRID,
            RNN_HYBRID_FROZEN,
            COLEI,
        ],
    }
    for panel, names in panels.items():
        shown = context.rows(names)
        curves = dj.plots.learning_curves(shown, "test_error", ylabel=ylabel, styles=STYLES, **look)
        context.draw(panel, curves)


def arms(context: Context, task, rates: Mapping[str, float]) -> dict[str, Arm]:
    """Lay out the configurations: where their members start, which signs they keep, their rate.

    Args:
        context: the run.
        task: the task.
        rates: learning rates by configuration, where they are not the setting's.
    """
    s = context.settings
    mean = networks.input_mean(s.bias, task)
    rnn = networks.rnn(1, s.n, task.n_out)
    colei = networks.colei(1, s.n, s.n_i, task.n_out, input_mean=mean)
    example = jnp.zeros((1, 1, task.n_in))
    most = context.keys(max(s.seeds_colei, s.seeds_rnn))

    def start(net):
        return jax.jit(jax.vmap(lambda key: net.init(key, example)["params"]))(most)

    hosts = {"RNN": start(rnn), "ColEI": start(colei)}
    columns = dj.signs.sign_tree(hosts["ColEI"])
    out = {}
    for c in ALL:
        num = s.seeds_colei if c.name in MANY else s.seeds_rnn
        params = transplanted(
            hosts[c.vectors], hosts[c.spectrum], c, every_matrix=context.variant == "code"
        )
        params = jax.tree.map(lambda leaf, num=num: leaf[:num], params)
        by_columns = c.name == COLEI or (
            c.frozen and c.vectors != c.spectrum and s.hybrid_signs == "columns"
        )
        signs = _signs(params, c, columns if by_columns else None)
        rate = rates.get(c.name, s.learning_rate)
        out[c.name] = Arm(most[:num], params, {"signs": signs, "learning_rate": rate})
    return out


def transplanted(host, donor, c: Configuration, *, every_matrix: bool):
    """Copy the host's parameters, with the spectrum of W (or of all matrices) from the donor."""
    swap = dj.spectrum.transplant if c.vectors != c.spectrum else lambda own, _: own
    also = swap if every_matrix else lambda own, _: own
    cell, other = host["cells_0"], donor["cells_0"]
    return {
        "cells_0": {
            "U": also(cell["U"], other["U"]),
            "W": swap(cell["W"], other["W"]),
            "b": cell["b"],
        },
        "readout": {
            "W": also(host["readout"]["W"], donor["readout"]["W"]),
            "b": host["readout"]["b"],
        },
    }


def _signs(params, c: Configuration, columns):
    """Give the sign of every entry (0 is free) as full arrays, alike in shape for all members."""

    def full(sign, leaf):
        return jnp.broadcast_to(jnp.asarray(sign, jnp.int8), leaf.shape)

    free = jax.tree.map(lambda leaf: full(0, leaf), params)
    if not c.frozen:
        return free
    if columns is not None:
        matrix = lambda layer, name: full(columns[layer][name], params[layer][name])  # noqa: E731
        return {
            "cells_0": free["cells_0"] | {n: matrix("cells_0", n) for n in ("U", "W")},
            "readout": free["readout"] | {"W": matrix("readout", "W")},
        }
    # "Parameter signs frozen after initialisation": W and the read-out, not U and not b.
    own = lambda leaf: jnp.sign(leaf).astype(jnp.int8)  # noqa: E731
    return {
        "cells_0": free["cells_0"] | {"W": own(params["cells_0"]["W"])},
        "readout": free["readout"] | {"W": own(params["readout"]["W"])},
    }


def effects(errors):
    """The six effects as seed-paired differences, and the four tests between them."""

    def difference(a, b):
        pairs = dj.results.paired_differences(errors[a], errors[b])
        return np.round(pairs.values, 6)  # equal percentages are ties, whatever their last bit

    sides = {
        ("RNN", "signs"): difference(RNN_FROZEN, RNN),
        ("RNN", "spectrum"): difference(RNN_HYBRID, RNN),
        ("RNN", "vectors"): difference(COLEI_HYBRID, RNN),
        ("ColEI", "signs"): difference(COLEI, COLEI_FREE),
        ("ColEI", "spectrum"): difference(COLEI, COLEI_HYBRID_FROZEN),
        ("ColEI", "vectors"): difference(COLEI, RNN_HYBRID_FROZEN),
    }
    pairs = [
        (side, "spectrum", other) for side in ("RNN", "ColEI") for other in ("signs", "vectors")
    ]
    tests = [rank_test(sides[side, a], sides[side, b]) for side, a, b in pairs]
    corrected = dj.statistics.holm([test.p for test in tests])
    return sides, [
        (*pair, float(p), test) for pair, p, test in zip(pairs, corrected, tests, strict=True)
    ]


def spectrum_claims(context: Context, sides, comparisons, source: str, note: str = "") -> list:
    """Check that the spectrum does more than the signs and the vectors, on either side."""
    out = []
    for side, a, b, p, test in comparisons:
        difference = float(np.mean(sides[side, a]) - np.mean(sides[side, b]))
        level = 0.05 if side == "RNN" else 0.01
        out.append(
            context.claim(
                id=f"{side.lower()}_spectrum_above_{b}",
                statement="The singular value spectra contribute more than sign constraints and "
                f"singular vectors to the performance gap ({side} side, here: {b}).",
                source=source,
                measured=difference,
                p=p,
                test=f"Mann–Whitney U ({test.method}), {test.n_a} vs {test.n_b}, Holm over 4",
                reference=f"positive, p < {level}",
                holds=bool(difference > 0 and p < level),
                note=note,
            )
        )
    return out


def sign_claims(
    context: Context, errors, sides, source: str, reference: str = "below 1", note: str = ""
) -> list:
    """Check that the signs alone are not the whole gap, on either side."""
    out = []
    gap = dj.results.paired_differences(errors[COLEI], errors[RNN]).values
    for side in ("RNN", "ColEI"):
        share = float(np.mean(sides[side, "signs"]) / np.mean(gap))
        out.append(
            context.claim(
                id=f"{side.lower()}_signs_below_gap",
                statement="Sign constraints did not account for the full difference in performance "
                f"between standard RNNs and ColEIs (their share of the gap, {side} side).",
                source=source,
                measured=share,
                reference=reference,
                holds=bool(np.mean(gap) > 0 and share < 1),
                note=note,
            )
        )
    return out
