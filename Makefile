# Every target sets itself up in .venv from a bare clone: Python >= 3.11, git and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NEURO := .venv-neuro
NEWEST := .venv-newest
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: setup demo lint test light long neuro newest smoke tour docs release faults bench clean

setup: $(READY)

define new_enough
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "dalejax needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || true);" \
    "name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
endef

# The extra `test` includes `all`, and with it what the experiments and the command line need.
$(READY): pyproject.toml
	$(new_enough)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) -e '.[test]'
	@touch $@

# Figure 4 on the embedded digits: eight configurations, 30 ColEI seeds, one program.
demo: $(READY)
	$(BIN)/python -m experiments fig4_transplant --preset laptop --data digits \
	  --set updates=1600 --set eval_every=80 --set learning_rate=0.1 --set clip=1

# The commit hook of .pre-commit-config.yaml runs this too.
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not long'

# Signs, transforms, initialisers and spectra, without training: a first look on another system.
light: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not long' tests/signs tests/transforms \
	  tests/initializers tests/test_spectrum.py dalejax/signs dalejax/transforms \
	  dalejax/initializers dalejax/spectrum.py

# Tests that take long: many processes, whole data sets, networks of full size, environments of
# their own. Then the tests of bit-identical runs once more, on programs that are compiled as users
# compile them (other tests run on programs that compile faster).
AS_USERS := XLA_FLAGS= JAX_DISABLE_MOST_OPTIMIZATIONS=0
long: $(READY)
	$(AS_USERS) $(BIN)/python -m pytest -n 2 --dist loadfile -m long
	$(AS_USERS) $(BIN)/python -m pytest -n 2 --dist loadfile \
	  tests/training/test_loop.py tests/training/test_waves.py

# Tests of the tasks from NeuroGym, in .venv-neuro: NeuroGym and mlxtend need different NumPys.
neuro: $(NEURO)/.ready
	$(NEURO)/bin/python -m pytest tests/tasks/test_neurogym.py

$(NEURO)/.ready: pyproject.toml
	$(new_enough)
	$(PYTHON) -m venv $(NEURO)
	$(NEURO)/bin/python $(PIP_INSTALL) \
	  -e '.[neuro]' 'pytest>=8' 'hypothesis>=6.100' 'beartype>=0.20'
	@touch $@

# The tests on the newest Python found here, on the PATH or in pyenv, and on the newest versions of
# JAX and of all else that pyproject.toml allows, every warning an error. NEWEST_PYTHON names another
# Python (remove .venv-newest first).
NEWEST_PYTHON ?= $(shell for v in 3.14 3.13 3.12 3.11; do \
  for python in python$$v $$HOME/.pyenv/versions/$$v*/bin/python; do \
    if "$$python" -c '' 2>/dev/null; then echo "$$python"; exit; fi; done; done)
newest:
	@test -d $(NEWEST) || $(NEWEST_PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python $(PIP_INSTALL) --upgrade --upgrade-strategy eager -e '.[test]'
	@$(NEWEST)/bin/python -c \
	  'import platform, jax; print("Python", platform.python_version(), "and JAX", jax.__version__)'
	$(NEWEST)/bin/python -W error -m pytest -n 2 --dist loadfile -m 'not long'

# Every experiment at toy size, in two halves side by side; the programs run only for a moment, so
# they are compiled fast.
smoke: $(READY)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  half() { JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m experiments all --part $$1/2 \
	    --preset smoke --no-progress --out "$$folder/$$1"; } && \
	  { half 1 & first=$$!; half 2; second=$$?; wait $$first && exit $$second; }

# Run the notebook and write its outputs into it.
tour: $(READY)
	$(BIN)/python $(PIP_INSTALL) -e '.[notebook]'
	cd experiments && ../$(BIN)/jupyter execute tour.ipynb --inplace

# The site, in site/: guide, gallery of the experiments, API.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Wheel and source archive. The wheel is made from the archive, installed in an environment of its
# own and tried outside the checkout: doctests, the contracts of all cells and optimisers, a short
# training. Then an environment of the core alone, without any extra.
release: $(READY)
	rm -rf dist
	$(BIN)/python $(PIP_INSTALL) 'build>=1.3' 'twine>=6.1'
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp -r tests "$$folder" && \
	  $(PYTHON) -m venv "$$folder/env" && wheel=$$(echo dist/*.whl) && \
	  "$$folder/env/bin/python" $(PIP_INSTALL) "$$wheel[test]" && \
	  cd "$$folder" && \
	  env/bin/python -W error -m pytest -q -n 2 --doctest-modules --pyargs dalejax && \
	  env/bin/python -W error -m pytest -q -n 2 --import-mode=importlib \
	    tests/transforms/test_contracts.py && \
	  env/bin/dalejax train --task adding --cell colei --n 4 --seeds 2 --updates 6 --eval-every 2 \
	    --no-progress --out run
	$(BIN)/python -m pytest -q tests/packaging

# Runs killed and stopped at random moments, a hundred times each, then compared byte by byte: half
# an hour.
faults: $(READY)
	$(BIN)/python tests/faults.py --task adding
	$(BIN)/python tests/faults.py --task smnist

# Side-by-side timings, three quarters of an hour (installs PyTorch: several hundred megabytes).
bench: $(READY)
	$(BIN)/python $(PIP_INSTALL) -e '.[bench]'
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(NEURO) $(NEWEST) .pytest_cache .ruff_cache .hypothesis
