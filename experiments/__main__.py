"""Run, list, keep and judge experiments: ``python -m experiments NAME --preset laptop``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from experiments import all_experiments

# Options that a run is begun with and that cannot be changed when it is resumed.
OF_A_NEW_RUN = ("preset", "variant", "data", "seeds", "set", "out", "part")


# Commands that take folders of runs, or names of experiments.
WITH_NAMES = ("keep", "ledger", "judge")


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    parser.add_argument("name", help="an experiment, `all`, `list`, `keep`, `judge` or `ledger`")
    parser.add_argument(
        "runs", nargs="*", help="folders of runs, for `keep` and `ledger`; names, for `judge`"
    )
    parser.add_argument("--preset", help="smoke (the default), laptop or paper")
    parser.add_argument(
        "--variant", help="text (the paper's words, the default) or code (as published)"
    )
    parser.add_argument("--data", help="the data set (mnist, digits) instead of the preset's")
    parser.add_argument("--data-dir", help="folder of the data sets")
    parser.add_argument("--seeds", type=int, help="seeds of each network instead of the preset's")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one of the preset's settings",
    )
    parser.add_argument("--out", type=Path, help="the run's folder")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="continue the run in DIR")
    parser.add_argument(
        "--from",
        dest="read_from",
        type=Path,
        metavar="DIR",
        help="the run to read, for an experiment that reads another's",
    )
    parser.add_argument("--part", metavar="I/N", help="with `all`: part I of N, about equally long")
    parser.add_argument("--no-progress", action="store_true", help="no progress bars")
    parser.add_argument(
        "--distributed", action="store_true", help="one of several processes (srun, mpirun)"
    )
    parser.add_argument(
        "--json", action="store_true", help="with `list`, `judge` and `ledger`: as JSON"
    )
    arguments = parser.parse_args(argv)
    given = [name for name in OF_A_NEW_RUN if getattr(arguments, name)]
    arguments.preset = arguments.preset or "smoke"
    arguments.variant = arguments.variant or "text"
    from dalejax.commands import errors
    from dalejax.runtime import messages, multihost, signals
    from experiments.engine import archive, judge

    try:
        if arguments.runs and arguments.name not in WITH_NAMES:
            raise ValueError(
                f"{arguments.name} takes no further words, such as {arguments.runs[0]!r}; "
                "--out and --resume name a run's folder."
            )
        if arguments.name == "list":
            return _list(arguments.json)
        if arguments.name == "keep":
            return archive.main(list(map(Path, arguments.runs)), all_experiments())
        if arguments.name == "ledger":
            return archive.ledger(list(map(Path, arguments.runs)), arguments.out, arguments.json)
        if arguments.name == "judge":
            return judge.main(arguments.runs, arguments.out, arguments.json, all_experiments())
        if arguments.resume and given:
            raise ValueError(
                f"--resume continues a run as it was begun; it takes no --{given[0].rstrip('_')}."
            )
        with signals.raise_on_sigterm(), messages.show_warnings_as_lines():
            _prepare(arguments)
            return _run(arguments)
    except multihost.OtherProcessFailed:  # which prints the reason
        return 2
    except (KeyboardInterrupt, signals.Interrupted) as stop:
        return stop.code if isinstance(stop, signals.Interrupted) else 130
    except Exception as error:
        return errors.refuse(error, "experiments", "a run with fewer --seeds")


def _prepare(arguments) -> None:
    from dalejax.runtime import compile_cache, host_devices, multihost

    host_devices.use_all_cores()
    compile_cache.keep()
    if not arguments.distributed:
        return
    if arguments.out is None and arguments.resume is None:
        raise ValueError("--distributed needs --out or --resume: all processes share one folder.")
    multihost.connect()


def _list(as_json: bool) -> int:
    rows = [
        {
            "name": e.name,
            "source": e.source,
            "presets": list(e.presets),
            "claims": len(e.claims),
            "expected_minutes": dict(e.expected_minutes),
        }
        for e in all_experiments().values()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    width = {key: max(len(row[key]) for row in rows) for key in ("name", "source")}
    for row in rows:
        minutes = ", ".join(f"{p} {m:g} min" for p, m in row["expected_minutes"].items())
        name, source = (row[k].ljust(width[k]) for k in ("name", "source"))
        print(f"{name}  {source}  {row['claims']:3} claims   {minutes}")
    return 0


def _run(arguments) -> int:
    from experiments.engine import run_all, runs

    known = all_experiments()
    if arguments.name == "all":
        return run_all.run(known, arguments)
    if arguments.name not in known:
        names = ", ".join(known)
        raise ValueError(f"experiment is {arguments.name!r}; it must be one of {names}, all.")
    experiment = known[arguments.name]
    if arguments.resume:
        context = runs.resumed(experiment, arguments)
    elif arguments.part:
        raise ValueError(f"--part divides all experiments; {arguments.name} is one.")
    else:
        context = runs.new(experiment, arguments, arguments.out)
    return runs.execute(experiment, context, arguments.name)


if __name__ == "__main__":
    sys.exit(main())
