# make demo: pictures in, a trained StyleGAN out, on this machine. Every target makes .venv and fills it by itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO := demo

.PHONY: help install demo bench test test-all fuzz check clean
.DELETE_ON_ERROR:

help:
	@echo "make install   the environment, in $(VENV) (PYTHON=python3.12 to choose the Python)"
	@echo "make demo      trains a small StyleGAN on drawn faces and makes a sheet of new ones, in $(DEMO)/ (KIMG=20: shorter)"
	@echo "make bench     measures this machine: one table, some minutes"
	@echo "make test      the tests that take seconds;  make test-all: all of them"
	@echo "make fuzz      damaged files for every reader, hours; goes on where it stopped (INPUTS=1000 READERS=png,zip: less)"
	@echo "make check     formatting, types and tests, as for every change"
	@echo "make clean     removes $(VENV) and caches; runs, data sets and pictures stay"

install: $(VENV)/.runtime
	@echo "$(VENV) is ready: $(BIN)/python train.py --help"

# First something to see, by the network that comes along. Run again, train.py continues a run that was stopped, with a
# larger KIMG also one that was finished, and says so.
demo: $(VENV)/.runtime
	@$(BIN)/python generate.py --network=faces --seeds=0-31 --psi=0.7 --grid=8x4 --outdir=$(DEMO)/first
	@echo "made by the network that comes along: $(DEMO)/first/grid.png. Now one of your own is trained:"
	@$(BIN)/python train.py --config=F --hardware=cpu --outdir=$(DEMO) $(if $(KIMG),--total_kimg=$(KIMG))
	@run=$$(ls -d $(DEMO)/[0-9]*/ | tail -n 1) && \
		$(BIN)/python generate.py --network="$${run%/}" --seeds=0-31 --psi=0.7 --grid=8x4 --outdir=$(DEMO)
	@echo "generated faces: $(DEMO)/grid.png; the run itself, with its progress: $$(ls -d $(DEMO)/[0-9]*/ | tail -n 1)"

bench: $(VENV)/.runtime
	@$(BIN)/python benchmarks/machine.py

test: $(VENV)/.dev
	@$(BIN)/python -m pytest -q

test-all: $(VENV)/.all
	@$(BIN)/python -m pytest -q -m ""

fuzz: $(VENV)/.dev
	@$(BIN)/python -m tests.fuzz $(if $(INPUTS),--inputs=$(INPUTS)) $(if $(READERS),--readers=$(READERS)) \
		$(if $(WORKERS),--workers=$(WORKERS))

check: $(VENV)/.dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q

clean:
	rm -rf $(VENV) *.egg-info build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last: what was interrupted is done again.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
		echo "error: Python 3.11 to 3.13 is needed, and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || \
		echo 'not there'): make PYTHON=python3.12 chooses another" >&2; exit 2; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "error: $(PYTHON) cannot make environments (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 2; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements.txt
	@echo "installing requirements.txt (TensorFlow is large: minutes, the first time)"
	@$(PIP) --requirement requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime pyproject.toml
	@echo "installing what the tests need"
	@$(PIP) --editable ".[dev]"
	@touch $@

$(VENV)/.all: $(VENV)/.dev
	@echo "installing what the slow tests need"
	@$(PIP) --editable ".[deploy,explorer-test,heif]"
	@touch $@
