"""Measure how long ``import dalejax`` and its parts take, beside ``import jax``.

It uses the standard library alone, so that any environment can be measured::

    ENVIRONMENT/bin/python benchmarks/import_time.py [ROUNDS]

Each import runs in a process of its own; a round runs all of them once, and the medians over the
rounds count. The time is that of the processor, which other programs on the machine disturb less
than the wall clock; once the files are in the disk cache, the two agree on a quiet machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

# Statement -> the most seconds that it may take beyond `import jax`; None where there is no bound.
STATEMENTS: dict[str, float | None] = {
    "import jax": None,
    "import optax": None,
    "import dalejax": 0.5,
    "import dalejax.signs": 0.2,
    "import dalejax.transforms": 0.2,
    "import dalejax.initializers": 0.2,
    "import dalejax.spectrum": 0.2,
    "from dalejax import RecurrentNetwork": None,
    "from dalejax import train": None,
}


def measure(rounds: int) -> dict[str, float]:
    """Time each statement in this interpreter's environment.

    Args:
        rounds: how often each statement runs after one round that only warms the disk cache.

    Returns:
        The median in seconds of each statement, of processor time.
    """
    seconds: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for number in range(rounds + 1):
        for statement, times in seconds.items():
            code = (
                f"import time; began = time.process_time(); {statement}; "
                "print(time.process_time() - began)"
            )
            # -I: neither the current folder nor PYTHONPATH decides what is imported.
            command = [sys.executable, "-I", "-c", code]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            if number:
                times.append(float(done.stdout))
    return {statement: statistics.median(times) for statement, times in seconds.items()}


def main() -> int:
    """Print the medians; return 1 if one is beyond its bound."""
    medians = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
    jax, failed = medians["import jax"], False
    for statement, bound in STATEMENTS.items():
        beyond = medians[statement] - jax
        allowed = "" if bound is None else f" (at most {bound:+.1f})"
        failed |= bound is not None and beyond > bound
        print(f"{statement:38} {medians[statement]:5.2f} s, {beyond:+5.2f} s{allowed}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
