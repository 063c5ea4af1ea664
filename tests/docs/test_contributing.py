"""The experiment of CONTRIBUTING.md runs; its other examples run with those of the other pages."""

import re
from pathlib import Path
from typing import Any

from dalejax.storage import atomic
from experiments.engine import runs

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"


def test_the_experiment_trains_judges_and_draws(tmp_path):
    block = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.S)[-1]
    made: dict[str, Any] = {"__name__": "adding_pair"}
    exec(compile(block, "CONTRIBUTING.md", "exec"), made)
    context = runs.context_of(made["EXPERIMENT"], tmp_path / "run", progress=False)
    claims = runs.carry_out(made["EXPERIMENT"], context)
    assert [claim.id for claim in claims] == ["rnn_is_better"]
    assert atomic.read_json(context.folder / "claims.json")
    assert (context.folder / "final_error.png").is_file()
