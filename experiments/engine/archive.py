"""Keep what is small of finished runs: ``python -m experiments keep RUN…``.

Pictures (PNG), claims, settings, small tables and points of the learning curves go to
``experiments/results``, with each network's final scores as ``final.csv``; the run itself (states,
checkpoints) stays where it is. :func:`kept_run` reads such a folder back for judging and drawing.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import dalejax as dj
from dalejax.storage import atomic
from experiments.engine import exact_csv, runs
from experiments.engine import settings as settings_
from experiments.engine.base import Experiment
from experiments.engine.context import CLAIMS, CONFIG, FACTS, METRICS, Context

RESULTS = Path(__file__).parents[1] / "results"
CURVES, FINALS = "curves.parquet", "final.csv"
MOST_POINTS = 100  # evaluations of a learning curve
MOST_BYTES = 200_000  # of curves.parquet
# Fields of config.json that say where things lay on the machine that ran it.
_OF_MACHINE = ("data_dir", "read_from")


def keep(folder: Path, experiment: Experiment, results: Path = RESULTS) -> Path:
    """Copy what is small of one finished run into the results; give the folder made.

    Args:
        folder: the run's folder.
        experiment: the experiment.
        results: the folder of all kept results.

    Raises:
        ValueError: the run is not finished, or its settings are not those of a preset.
    """
    config = check(folder, experiment, results)
    preset, variant, saved = (config[name] for name in ("preset", "variant", "settings"))
    config = {name: value for name, value in config.items() if name not in _OF_MACHINE}
    results.mkdir(parents=True, exist_ok=True)
    out = results / f"{experiment.name}-{preset}-{variant}"
    # The kept folder is replaced only when all of the new one is there.
    with tempfile.TemporaryDirectory(dir=results, prefix=".keep-") as place:
        new = Path(place) / out.name
        new.mkdir()
        atomic.write_json(new / CONFIG, config)
        for path in sorted(folder.iterdir()):
            small_table = path.suffix == ".parquet" and path.name != METRICS
            if path.suffix in (".png", ".csv") or small_table or path.name in (CLAIMS, FACTS):
                shutil.copy(path, new)
        if (folder / METRICS).is_file() and not experiment.reads:
            table = dj.results.read_table(folder / METRICS)
            last = saved.get("last", 1)
            final_table(table, last).to_csv(new / FINALS, index=False, float_format="%.6g")
            (new / CURVES).write_bytes(thinned(table, last))
        if out.exists():
            shutil.rmtree(out)
        new.rename(out)
    return out


def check(folder: Path, experiment: Experiment, results: Path = RESULTS) -> dict[str, Any]:
    """Refuse a run that cannot be kept; give its config, with its command.

    Args:
        folder: the run's folder.
        experiment: the experiment.
        results: the folder of all kept results.

    Raises:
        ValueError: the run is not finished, or its settings are not those of a preset.
    """
    if not (folder / CLAIMS).is_file():
        raise ValueError(f"{folder} holds no finished run: there is no {CLAIMS} in it.")
    if folder.resolve().parent == results.resolve():
        raise ValueError(f"{folder} is kept already; it must be the folder of a run.")
    config = atomic.read_json(folder / CONFIG)
    try:
        preset, variant = config["preset"], config["variant"]
        chosen = settings_.restore(experiment, preset, config["settings"])
        made_by = runs.command(experiment, preset, variant, chosen)
        read = config.get("source_command") or ""
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{folder} holds no run of today's {experiment.name}: {error!r} in its config."
        ) from error
    for made in (made_by, read):
        if "--set" in made:
            raise ValueError(f"{folder} is a run of {made}; kept are runs of presets as they are.")
    return config | {"command": made_by}


def final_table(table: pd.DataFrame, last: int) -> pd.DataFrame:
    """Give a row a network: configuration, member, and its final scores (all but the loss).

    Args:
        table: the run's metrics.
        last: how many evaluations a final score averages.
    """
    parts = []
    for name, rows in table.groupby("configuration", sort=False):
        scores = [m for m in rows.metric.unique() if m.startswith(("test_", "valid_", "training_"))]
        final = {m: dj.results.final_values(rows, m, last=last) for m in scores}
        parts.append(pd.DataFrame(final).rename_axis("member").reset_index())
        parts[-1].insert(0, "configuration", name)
    return pd.concat(parts, ignore_index=True)


def thinned(table: pd.DataFrame, last: int) -> bytes:
    """Thin learning curves to at most 100 evaluations and 200 KB; give the bytes of a Parquet file.

    The last ``last`` evaluations always stay, so that final values can be computed exactly, even
    where they alone take more than 200 KB. Values are float32, as they were measured.

    Args:
        table: the run's metrics: configuration, member, update, metric, value.
        last: how many evaluations a final value averages.
    """
    table = table.assign(
        value=table.value.astype(np.float32),
        member=table.member.astype(np.int32),
        update=table["update"].astype(np.int32),
    )
    points = MOST_POINTS
    while True:
        parts = []
        for _, rows in table.groupby("configuration", sort=False):
            updates = np.sort(rows["update"].unique())
            early, late = updates[:-last], updates[-last:]
            num = min(max(points - last, 1), len(early))
            spread = np.linspace(0, len(early) - 1, num).round().astype(int)
            stay = {*early[spread], *late}
            parts.append(rows[rows["update"].isin(stay)])
        small = pd.concat(parts, ignore_index=True).astype(
            {"configuration": "category", "metric": "category"}
        )
        file = io.BytesIO()
        small.to_parquet(file, index=False, compression="zstd")
        if len(file.getvalue()) <= MOST_BYTES or points <= 1:
            return file.getvalue()
        points //= 2


def kept_metrics(folder: Path) -> tuple[pd.DataFrame | None, bool]:
    """Read the metrics of a kept run, and whether they are final values alone.

    Args:
        folder: the kept run's folder.

    Returns:
        A tidy table (None if nothing was trained); True where it has no learning curves.
    """
    if (folder / CURVES).is_file():
        table = pd.read_parquet(folder / CURVES)
        return table.astype({"configuration": str, "metric": str, "value": float}), False
    if not (folder / FINALS).is_file():
        return None, True
    finals = exact_csv.read(folder / FINALS)
    table = finals.melt(["configuration", "member"], var_name="metric", value_name="value")
    # Columns hold the scores of all configurations; one that has no such score has no rows.
    has = finals.groupby("configuration").agg(lambda column: column.notna().any())
    pairs = zip(table.configuration, table.metric, strict=True)
    keep_rows = [bool(has.loc[name, metric]) for name, metric in pairs]
    return table[keep_rows].assign(update=0), True


def kept_run(
    folder: Path, experiments: Mapping[str, Experiment], out: Path | None = None
) -> tuple[Experiment, Context]:
    """Read a kept run for judging or drawing.

    Args:
        folder: the kept run's folder.
        experiments: all experiments by name.
        out: folder for the pictures; None for none.

    Returns:
        The experiment, and a context whose tables are those that were kept.

    Raises:
        ValueError: the folder names an experiment, or settings, that are not known.
    """
    config = atomic.read_json(folder / CONFIG)
    name, preset, variant = (config[key] for key in ("experiment", "preset", "variant"))
    if name not in experiments:
        raise ValueError(f"{folder} is a run of {name!r}, which is no experiment of today.")
    experiment = experiments[name]
    source = experiment.reads
    context = runs.context_of(
        experiment,
        folder,
        preset=preset,
        variant=variant,
        settings=settings_.restore(experiment, preset, config["settings"]),
        progress=False,
        read_from=folder.parent / f"{source.name}-{preset}-{variant}" if source else None,
    )
    table, finals_only = kept_metrics(folder if context.read_from is None else context.read_from)
    context.finals_only = finals_only
    context.tables = [] if table is None else [table]
    context.pictures = out
    return experiment, context


def main(folders: Sequence[Path], known: Mapping[str, Experiment]) -> int:
    """Keep several runs, or none if one of them cannot be kept."""
    if not folders:
        raise ValueError("keep needs the folders of finished runs.")
    finished = []
    for folder in folders:
        config = atomic.read_json(folder / CONFIG)
        name = config.get("experiment") if isinstance(config, dict) else None
        if name not in known:
            raise ValueError(
                f"{folder} is a run of {name!r}; it must be one of {', '.join(known)}."
            )
        finished.append((folder, known[name]))
    for run in finished:
        check(*run)
    for run in finished:
        print(keep(*run))
    return 0


def ledger(folders: Sequence[Path], out: Path | None, as_json: bool) -> int:
    """Print the ledger of runs (by default of the kept ones), or write it to a folder."""
    entries = dj.ledger.counted_once(dj.ledger.read(folders or [RESULTS]))
    table: dict[str, Any] = {"claims": dj.ledger.records(entries)}
    table["holds"], table["of"] = dj.ledger.count(entries)
    text = dj.ledger.markdown(entries)
    if out is None:
        print(json.dumps(table, indent=2, ensure_ascii=False) if as_json else text)
        return 0
    atomic.write_json(out / "ledger.json", table)
    atomic.replace_atomically(out / "ledger.md", lambda path: path.write_text(text))
    print(f"{table['holds']} of {table['of']} claims hold; {out / 'ledger.md'}, ledger.json")
    return 0
