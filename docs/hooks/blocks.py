"""Tables of results for the marked places of the README and the guide."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))  # as MkDocs loads its hooks

import kept

import dalejax as dj

_UNITS = {
    "error": "test error (%)",
    "mse": "test mean squared error",
    "perplexity": "test perplexity",
}


class Row(NamedTuple):
    """A row of the README's table: an experiment, the preset, and the networks to show."""

    experiment: str
    preset: str
    networks: Sequence[str]


README_ROWS = (
    Row("fig2_smnist", "laptop", ("RNN", "DANN", "ColEI (gc)")),
    Row("fig2_ptb", "laptop", ("RNN", "DANN", "ColEI (gc)")),
    Row("fig4_transplant", "paper", ("RNN", "ColEI", "ColEI vectors + RNN spectrum")),
    Row("fig5_ei_ratio", "laptop", ("ColEI, 1 % I", "ColEI, 10 % I", "ColEI, 50 % I")),
    Row("iclr_fig3_mnist", "laptop", ("MLP", "DANN", "ColEI")),
    Row("song_tasks", "laptop", ("perceptual decision", "reaction time", "context integration")),
    Row("repaired_searched", "laptop", ("RNN", "ColEI", "repaired ColEI")),
    Row("repaired_decisions", "laptop", ("RNN", "DANN", "ColEI", "repaired ColEI")),
)
# The experiments that compare repaired ColEI with ColEI and the RNN.
GAPS = (
    "repaired_searched",
    "repaired_decay",
    "repaired_smnist",
    "repaired_corner",
    "repaired_adding",
    "repaired_ptb",
    "repaired_objects",
    "repaired_decisions",
    "repaired_context",
)
# Candidate of spectral_designs -> its recurrent weights, its input weights and read-out.
STARTS = {
    "RNN": ("standard, no signs", "standard"),
    "orthogonal RNN": ("orthogonal, no signs", "standard"),
    "ColEI": ("ColEI's", "ColEI's"),
    "balanced rows W": ("ColEI's, each row scaled to sum to 0", "ColEI's"),
    "cycle W": ("one cycle (a signed permutation)", "ColEI's"),
    "cycle all": ("one cycle", "few synapses"),
    "cycle all, full norm": ("one cycle", "few synapses, as strong as a standard network's"),
    "loops W": ("loops as above", "ColEI's"),
    "loops W, U": ("loops as above", "few synapses in U; ColEI's read-out"),
    "loops all": ("loops as above", "few synapses"),
    "dense all": ("one cycle on a weak background, at the bound", "few synapses"),
    "descent all": (
        "descent from ColEI's to equal singular values, under the signs",
        "few synapses",
    ),
    "quarter circle all": ("a standard network's singular values on a permutation", "few synapses"),
    "sum of 3 all": ("sum of three permutations", "few synapses"),
    "projected all": (
        "alternating projections from ColEI's (signs, orthogonal matrices)",
        "few synapses",
    ),
}


def rendered(cells: Iterable[Sequence[str]], header: Sequence[str]) -> str:
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def run_folder(experiment: str, preset: str | None = None) -> Path:
    """Give the folder of an experiment's kept run, the first one if no preset is named."""
    runs = kept.kept_runs(kept.experiments()[experiment])
    return next(run for run in runs if preset is None or f"-{preset}-" in run.name)


def metric_of(scores: pd.DataFrame) -> tuple[str, str]:
    """Give the column of final scores that is reported, and its name and unit."""
    for kind in ("perplexity", "error", "mse"):
        if f"test_{kind}" in scores:
            return f"test_{kind}", _UNITS[kind]
    raise ValueError(f"final.csv has {list(scores)}; it must have one of {list(_UNITS)}.")


def score_text(scores: pd.DataFrame, network: str) -> str:
    """Write a network's final score: mean ± standard deviation over seeds (their number)."""
    values = scores.loc[scores.configuration == network, metric_of(scores)[0]]
    if values.empty:
        raise ValueError(f"final.csv has no {network!r}; it has {set(scores.configuration)}.")
    return dj.results.summary(values)["text"]


def median_text(scores: pd.DataFrame, network: str) -> str:
    """Write the median of a network's final scores over its seeds (their number)."""
    values = scores.loc[scores.configuration == network, metric_of(scores)[0]]
    return f"median {number(values.median(), 2)} (n = {len(values)})"


def scores_text(scores: pd.DataFrame, networks: Sequence[str]) -> str:
    """Write the final scores of several networks; where all have as many seeds, say it once."""
    values, counts = zip(*(score_text(scores, n).split(" (", 1) for n in networks), strict=True)
    alike = len(set(counts)) == 1
    parts = [
        f"{network} {value}" + ("" if alike else f" ({count}")
        for network, value, count in zip(networks, values, counts, strict=True)
    ]
    return "; ".join(parts) + (f" ({counts[0]}" if alike else "")


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, without an exponent."""
    return f"{float(f'{value:.{digits}g}'):,.6g}"


def readme_results(_: str) -> str:
    """Write the README's table: eight experiments, their final scores, the claims that hold."""
    lines = []
    for name, preset, networks in README_ROWS:
        experiment, folder = kept.experiments()[name], run_folder(name, preset)
        scores = kept.final_scores(folder)
        assert scores is not None, folder
        file = kept.source_file(experiment).relative_to(kept.ROOT)
        held, total = kept.claims_held(folder)
        claims = f"[{held} of {total}](experiments/results/{folder.name}/claims.json)"
        where = experiment.source if "beyond" not in experiment.source else "this library"
        minutes = f"{experiment.expected_minutes[preset]:g} min, `{preset}`"
        result = f"{metric_of(scores)[1]}: {scores_text(scores, networks)}"
        lines.append([f"[`{name}`]({file.as_posix()})", where, result, claims, minutes])
    return rendered(lines, ["experiment", "source", "result", "claims that hold", "time"])


def finals(name: str) -> str:
    """Write the final scores of all networks of an experiment."""
    scores = kept.final_scores(run_folder(name))
    assert scores is not None, name
    networks = list(dict.fromkeys(scores.configuration))
    lines = [[network, score_text(scores, network)] for network in networks]
    return rendered(lines, ["network", metric_of(scores)[1]])


def best_rates(name: str) -> str:
    """Write final scores where every network has several rates: each at its best by validation."""
    scores = kept.final_scores(run_folder(name))
    assert scores is not None, name
    scores = scores.assign(network=scores.configuration.str.rsplit(", ", n=1).str[0])
    lines = []
    for network in dict.fromkeys(scores.network):
        own = scores[scores.network == network]
        best = str(own.groupby("configuration").valid_error.mean().idxmin())
        lines.append([network, best.rsplit(", ", 1)[1], score_text(scores, best)])
    return rendered(lines, ["network", "learning rate", metric_of(scores)[1]])


def starts(_: str) -> str:
    """Write the starts that ``spectral_designs`` compares, with their spectra."""
    table = pd.read_csv(run_folder("spectral_designs") / "designs.csv").set_index("candidate")
    lines = []
    for candidate, described in STARTS.items():
        row = table.loc[candidate]
        spectrum = [number(row[n]) for n in ("sigma_max", "sigma_rms", "participation")]
        text = dj.results.number_text(row.test_error, row.sd)
        error = f"{text} ± {dj.results.number_text(row.sd, row.sd)}"
        lines.append([*described, *spectrum, error])
    header = ["$W$", "$U$ and read-out", r"$\sigma_1$", r"$\sigma_{rms}$", "$k$"]
    return rendered(lines, [*header, "test error (%)"])


def gaps(_: str) -> str:
    """Write how much of the gap between ColEI and the RNN repaired ColEI closes, task by task."""
    lines = []
    for name in GAPS:
        folder = run_folder(name)
        scores = kept.final_scores(folder)
        assert scores is not None, folder
        claims = {claim.id: claim for claim in dj.claims.read_claims(folder / "claims.json")}
        claim = claims.get("gap_closed_typical", claims["gap_closed"])
        closed = "no gap"
        if claim.measured is not None and claim.interval is not None:
            low, high = (f"{100 * bound:.0f}" for bound in claim.interval)
            closed = f"{100 * claim.measured:.0f} % [{low}, {high}]"
        names, text = ("RNN", "ColEI", "repaired ColEI"), score_text
        if claim.id == "gap_closed_typical":  # means of skewed scores say little
            text, closed = median_text, f"{closed}, of medians"
        networks = [text(scores, name) for name in names]
        file = kept.source_file(kept.experiments()[name]).relative_to(kept.ROOT).as_posix()
        lines.append([f"[`{name}`](../{file})", metric_of(scores)[1], *networks, closed])
    header = ["experiment", "score", "RNN", "ColEI", "repaired ColEI", "of the gap"]
    return rendered(lines, header)


def spectra(name: str) -> str:
    """Write the spectra of W before and after training: means over seeds."""
    table = pd.read_csv(run_folder(name) / "spectra.csv")
    lines = []
    columns = ["nse", "sigma_max", "sigma_rms", "participation"]
    for network, stage in dict.fromkeys(zip(table.network, table.stage, strict=True)):
        rows = table.loc[(table.network == network) & (table.stage == stage)]
        values = [number(float(rows[column].to_numpy().mean())) for column in columns]
        lines.append([str(network), str(stage), *values])
    header = ["network", "training", "NSE", r"$\sigma_1$", r"$\sigma_{rms}$", "participation"]
    return rendered(lines, header)


BLOCKS: dict[str, Callable[[str], str]] = {
    "results": readme_results,
    "finals": finals,
    "best rates": best_rates,
    "starts": starts,
    "gaps": gaps,
    "spectra": spectra,
}
