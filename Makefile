# Everything runs inside .venv, which is made on first use from constraints.txt (pinned versions).
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: report test lint format bench soak interop wheel clean

report: $(READY)  ## the main job on the samples: report.html
	$(BIN)/saedata report samples/willow.jsonl samples/flint.jsonl --out report.html

test: $(READY) lint  ## linters, types, tests
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

soak: $(READY)  ## long checks: kill -9 at ten moments, a wheel in an empty environment
	$(BIN)/python -m pytest -m soak -o timeout=1800

bench: $(READY)  ## figures of benchmarks/RESULTS.md; needs SAEDATA_BENCH_DATA
	$(BIN)/python -m benchmarks

interop: $(READY)  ## against the libraries whose SAEs we read, in an environment of its own
	$(PYTHON) -m venv .venv-interop
	.venv-interop/bin/pip install -q -c constraints.txt -e '.[dev,interop]'
	.venv-interop/bin/pip install -q --no-deps dictionary-learning==0.1.0 overcomplete==0.3.0 hypothesaes==2.0.1
	.venv-interop/bin/python -m pytest -m interop

wheel: $(READY)
	$(BIN)/python -m build --wheel

clean:
	rm -rf .venv .venv-interop build dist *.egg-info report.html

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
