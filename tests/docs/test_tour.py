"""The notebook: what is committed was run to its end, and it runs, at toy size."""

import json
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

NOTEBOOK = Path(__file__).parents[2] / "experiments" / "tour.ipynb"
SIZES = "SEEDS, UNITS, UPDATES, TRIALS = "


def code_cells():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_it_was_run_in_order_without_an_error():
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    kinds = [output["output_type"] for output in outputs]
    assert "error" not in kinds and "stream" not in kinds  # nor a warning
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
    assert "/work" not in NOTEBOOK.read_text() and "site-packages" not in NOTEBOOK.read_text()


def test_it_runs_at_toy_size():
    sources = ["".join(cell["source"]) for cell in code_cells()]
    assert sources[0].count(SIZES) == 1
    before, _, after = sources[0].partition(SIZES)
    sources[0] = before + SIZES + "2, 12, 4, 32" + "".join(after.partition("\n")[1:])
    namespace = {}
    with mpl.rc_context({"backend": "agg"}):
        for source in sources:
            exec(compile(source, "tour.ipynb", "exec"), namespace)
        plt.close("all")
    assert namespace["runs"]["Dale"].update == 4
    namespace["dj"].signs.assert_legal(namespace["runs"]["Dale"].params)
