# Everything sets itself up in .venv from a bare clone: Python >= 3.11, git and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NEURO := .venv-neuro

.PHONY: setup demo test long neuro smoke tour docs release faults bench lint clean

setup: $(READY)

define new_enough
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "dalejax needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || true);" \
    "name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
endef

$(READY): pyproject.toml
	$(new_enough)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

# Figure 4 on the embedded digits: eight configurations, 30 ColEI seeds, one program.
demo: $(READY)
	$(BIN)/python -m experiments fig4_transplant --preset laptop --data digits \
	  --set updates=1600 --set eval_every=80 --set learning_rate=0.1 --set clip=1

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not long'

# Many processes, whole data sets, networks of full size; and what promises bits once more, on
# programs as users compile them (other tests run on ones that compile faster).
AS_USERS := XLA_FLAGS= JAX_DISABLE_MOST_OPTIMIZATIONS=0
long: $(READY)
	$(AS_USERS) $(BIN)/python -m pytest -n 2 --dist loadfile -m long
	$(AS_USERS) $(BIN)/python -m pytest -n 2 --dist loadfile tests/test_training.py tests/test_waves.py

# NeuroGym's adapter; NeuroGym and the other tests do not agree on a NumPy, so it has its own .venv-neuro.
neuro: $(NEURO)/.ready
	$(NEURO)/bin/python -m pytest tests/test_neurogym.py

$(NEURO)/.ready: pyproject.toml
	$(new_enough)
	$(PYTHON) -m venv $(NEURO)
	$(NEURO)/bin/python -m pip install --quiet --disable-pip-version-check \
	  -e '.[neuro]' 'pytest>=8' 'hypothesis>=6.100' 'beartype>=0.20'
	@touch $@

# Every experiment at toy size, in two halves side by side; programs that run for a moment are
# compiled fast.
smoke: $(READY)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  half() { JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m experiments all --part $$1/2 \
	    --preset smoke --no-progress --out "$$folder/$$1"; } && \
	  { half 1 & first=$$!; half 2; second=$$?; wait $$first && exit $$second; }

# The notebook, run again where it is.
tour: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[notebook]'
	cd experiments && ../$(BIN)/jupyter execute tour.ipynb --inplace

# The site, in site/: guide, gallery of the experiments, API.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Wheel and source archive; the wheel, made from the archive, is installed in an environment of its
# own and tried outside: doctests, the contracts of every cell and chain, a short training.
release: $(READY)
	rm -rf dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'build>=1.3' 'twine>=6.1'
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp -r tests "$$folder" && \
	  $(PYTHON) -m venv "$$folder/env" && wheel=$$(echo dist/*.whl) && \
	  "$$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "$$wheel[test]" && \
	  cd "$$folder" && \
	  env/bin/python -W error -m pytest -q -n 2 --doctest-modules --pyargs dalejax && \
	  env/bin/python -W error -m pytest -q -n 2 --import-mode=importlib tests/test_contracts.py && \
	  env/bin/dalejax train --task adding --cell colei --n 4 --seeds 2 --updates 6 --eval-every 2 \
	    --no-progress --out run

# Runs killed and stopped at random moments, a hundred times each, then compared byte by byte: half an hour.
faults: $(READY)
	$(BIN)/python tests/faults.py --task adding
	$(BIN)/python tests/faults.py --task smnist

# Side-by-side timings, three quarters of an hour (installs PyTorch: several hundred megabytes).
bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright --pythonpath $(BIN)/python

clean:
	rm -rf $(VENV) $(NEURO) .pytest_cache .ruff_cache .hypothesis
