"""Run the benchmarks: ``python -m benchmarks [SUITE …] [--json FILE] [--quick]``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import dalejax as dj

SUITES = (
    "updates",
    "divisive",
    "trials",
    "seeds",
    "run",
    "saving",
    "memory",
    "profile",
    "roofline",
)
NEEDS_DATA = ("paper",)  # only if it is named
ARCHITECTURES = ("3x100", "1x100", "1x500", "3x500")


def main() -> None:
    """Run the suites, print their tables, and write all figures to a file if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help=f"{', '.join(SUITES)} (all, if none is named); or {NEEDS_DATA[0]}",
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller runs")
    parser.add_argument(
        "--networks",
        nargs="*",
        default=ARCHITECTURES,
        metavar="LAYERSxUNITS",
        help="of the suite `updates`",
    )
    parser.add_argument("--data-dir", help="of `saving` and `paper`: where the data are")
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 8, 30])
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - {*SUITES, *NEEDS_DATA}
    if unknown:
        parser.error(
            f"suite is {unknown.pop()!r}; it must be one of {', '.join(SUITES + NEEDS_DATA)}."
        )
    chosen, quick = arguments.suites or SUITES, arguments.quick
    dj.use_all_cores()  # before a suite's first JAX computation
    report: dict = {}

    def keep() -> None:  # after every part: a long run that is stopped has not been for nothing
        if arguments.json:
            arguments.json.write_text(json.dumps(report, indent=2) + "\n")

    if "updates" in chosen:
        from benchmarks import updates

        for name in arguments.networks:
            layers, n = map(int, name.split("x"))
            compared = updates.compare(layers, n, arguments.seeds, 3 if quick else 5)
            report.setdefault("updates", []).append(compared)
            updates.show(compared)
            keep()
    if "divisive" in chosen:
        from benchmarks import divisive

        report["divisive"] = divisive.measure(5 if quick else 11)
        divisive.show(report["divisive"])
        keep()
    if "trials" in chosen:
        from benchmarks import trials

        report["trials"] = trials.measure(3 if quick else 5)
        trials.show(report["trials"])
        keep()
    if "seeds" in chosen:
        from benchmarks import seeds

        report["seeds"] = seeds.measure(3 if quick else 5)
        seeds.show(report["seeds"])
        keep()
    if "run" in chosen:
        from benchmarks import whole_run

        report["run"] = whole_run.measure(8, 1 if quick else 3)
        whole_run.show(report["run"])
        keep()
    if "saving" in chosen:
        from benchmarks import saving

        report["saving"] = saving.measure(arguments.data_dir)
        saving.show(report["saving"])
        keep()
    if "memory" in chosen:
        from benchmarks import memory

        report["memory"] = memory.measure(quick)
        memory.show(report["memory"])
        keep()
    if "profile" in chosen:
        from benchmarks import profile

        report["profile"] = profile.measure(3, 100) + profile.measure(3, 500)
        profile.show(report["profile"])
        keep()
    if "roofline" in chosen:
        from benchmarks import roofline

        report["roofline"] = roofline.estimate()
        roofline.show(report["roofline"])
        keep()
    if "paper" in chosen:
        from benchmarks import paper

        report["paper"] = paper.estimate(arguments.data_dir)
        paper.show(report["paper"])
        keep()


if __name__ == "__main__":
    main()
