# The only place that knows how the environment is made: `make demo` and `make test` each set it up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test bench boundaries accuracy lint clean

setup: $(READY)

# torch first and alone: 2.13.0, which some package indexes offer as a small CPU build; else any in pyproject.toml's range.
$(READY): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "VertebraFLT needs Python 3.11 or newer; run: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -c 'import torch' 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet 'torch==2.13.0' \
	  || $(BIN)/python -m pip install --quiet 'torch>=2.4,<3'
	$(BIN)/python -m pip install --quiet --editable '.[standalone,train,dev]'
	touch $@

demo: $(READY)
	$(BIN)/vertebraflt demo --out out/demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(READY)
	$(BIN)/python Testing/Benchmarks/bench.py

# Every detector under every condition on 100 simulated patients, and on real label maps: the tables of docs/boundaries.md.
boundaries: $(READY)
	VERTEBRAFLT_SHARED=$(or $(VERTEBRAFLT_SHARED),$(abspath ../shared)) $(BIN)/python Testing/Benchmarks/boundaries.py \
	  --figures docs/figures

# From folds trained before (docs/training): the cross-validation tables and figures of docs/accuracy.md.
accuracy: $(READY)
	VERTEBRAFLT_SHARED=$(or $(VERTEBRAFLT_SHARED),$(abspath ../shared)) $(BIN)/python Testing/Benchmarks/accuracy.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf out build dist *.egg-info
