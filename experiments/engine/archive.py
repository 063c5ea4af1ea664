"""Keep what is small of finished runs: ``python -m experiments keep RUN…``.

Pictures (PNG), claims, settings and small tables go to ``experiments/results``, with each network's
final scores as ``final.csv``; the run itself (states, curves) stays where it is.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import dalejax as dj
from dalejax.storage import atomic
from experiments.engine.base import Experiment, command

RESULTS = Path(__file__).parents[1] / "results"
# What says where things lay on the machine that ran it.
_OF_MACHINE = ("data_dir", "read_from")


def keep(folder: Path, experiment: Experiment, results: Path = RESULTS) -> Path:
    """Copy what is small of one finished run into the results; gives the folder made.

    Args:
        folder: of the run.
        experiment: whose run it is.
        results: where to.

    Raises:
        ValueError: the run is not finished, or its settings are not those of a preset.
    """
    config = check(folder, experiment, results)
    preset, variant, settings = (config[name] for name in ("preset", "variant", "settings"))
    config = {name: value for name, value in config.items() if name not in _OF_MACHINE}
    results.mkdir(parents=True, exist_ok=True)
    out = results / f"{experiment.name}-{preset}-{variant}"
    # What is kept stays until all of the new is there.
    with tempfile.TemporaryDirectory(dir=results, prefix=".keep-") as place:
        new = Path(place) / out.name
        new.mkdir()
        atomic.write_json(new / "config.json", config)
        for path in sorted(folder.iterdir()):
            if path.suffix in (".png", ".csv") or path.name == "claims.json":
                shutil.copy(path, new)
        if (folder / "metrics.parquet").is_file() and not experiment.reads:
            table = final_table(
                dj.results.read_table(folder / "metrics.parquet"), settings.get("last", 1)
            )
            table.to_csv(new / "final.csv", index=False, float_format="%.6g")
        if out.exists():
            shutil.rmtree(out)
        new.rename(out)
    return out


def check(folder: Path, experiment: Experiment, results: Path = RESULTS) -> dict[str, Any]:
    """Refuse a run that can't be kept; give its config, with its command."""
    if not (folder / "claims.json").is_file():
        raise ValueError(f"{folder} holds no finished run: there is no claims.json in it.")
    if folder.resolve().parent == results.resolve():
        raise ValueError(f"{folder} is kept already; it must be the folder of a run.")
    config = atomic.read_json(folder / "config.json")
    try:
        made_by = command(experiment, *(config[name] for name in ("preset", "variant", "settings")))
        read = config.get("source_command") or ""
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{folder} holds no run of the {experiment.name} of today: {error!r} in its config."
        ) from error
    for made in (made_by, read):
        if "--set" in made:
            raise ValueError(f"{folder} is a run of {made}; kept are runs of presets as they are.")
    return config | {"command": made_by}


def final_table(table: pd.DataFrame, last: int) -> pd.DataFrame:
    """Give a row a network: configuration, member, and its final scores (all but the loss)."""
    parts = []
    for name, rows in table.groupby("configuration", sort=False):
        scores = [m for m in rows.metric.unique() if m.startswith(("test_", "valid_"))]
        final = {m: dj.results.final_values(rows, m, last=last) for m in scores}
        parts.append(pd.DataFrame(final).rename_axis("member").reset_index())
        parts[-1].insert(0, "configuration", name)
    return pd.concat(parts, ignore_index=True)


def main(folders: Sequence[Path], known) -> int:
    """Keep several runs, or none if one is not finished."""
    if not folders:
        raise ValueError("keep needs the folders of finished runs.")
    runs = []
    for folder in folders:
        name = atomic.read_json(folder / "config.json").get("experiment")
        if name not in known:
            raise ValueError(
                f"{folder} is a run of {name!r}; it must be one of {', '.join(known)}."
            )
        runs.append((folder, known[name]))
    for run in runs:
        check(*run)
    for run in runs:
        print(keep(*run))
    return 0


def ledger(folders: Sequence[Path], out: Path | None, as_json: bool) -> int:
    """Print the ledger of runs (by default of the kept ones), or write it to a folder."""
    entries = dj.ledger.counted_once(dj.ledger.read(folders or [RESULTS]))
    table = {"claims": dj.ledger.rows(entries)}
    table["holds"], table["of"] = dj.ledger.count(entries)
    text = dj.ledger.markdown(entries)
    if out is None:
        print(json.dumps(table, indent=2, ensure_ascii=False) if as_json else text)
        return 0
    atomic.write_json(out / "ledger.json", table)
    atomic.replace_atomically(out / "ledger.md", lambda path: path.write_text(text))
    print(f"{table['holds']} of {table['of']} claims hold; {out / 'ledger.md'}, ledger.json")
    return 0
