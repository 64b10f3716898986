# Everything runs inside .venv, which is made on first use from constraints.txt (pinned versions).
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: report demo test test-browser screenshots lint format bench soak interop wheel clean

report: $(READY)  ## the main job on the samples: report.html
	$(BIN)/saedata report samples/willow.jsonl samples/flint.jsonl --out report.html

demo: $(READY)  ## the dashboard on the samples, in a browser
	$(BIN)/python samples/both.py build/corpora/both.jsonl
	$(BIN)/saedata app samples/willow.jsonl samples/flint.jsonl --corpora build/corpora

test: $(READY) lint  ## linters, types, tests
	$(BIN)/python -m pytest

test-browser: $(READY) .venv/.browser  ## the dashboard in a headless Chromium, which it fetches itself
	$(BIN)/python -m pytest -o timeout=3000 --reruns 2 --only-rerun TimeoutError tests_browser  # a browser that hangs; never a wrong figure

screenshots: $(READY) .venv/.browser  ## pictures of the dashboard for the README
	$(BIN)/python -m tests_browser.screenshots docs

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
	.venv-interop/bin/pip install -q --no-deps dictionary-learning==0.1.0 overcomplete==0.3.0 hypothesaes==2.0.1 \
		sae-probes==0.4.2 xgboost-cpu==3.2.0
	.venv-interop/bin/python -m pytest -m interop

wheel: $(READY)
	$(BIN)/python -m build --wheel

clean:
	rm -rf .venv .venv-interop build dist *.egg-info report.html

.venv/.browser: tests_browser/chromium.py $(READY)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[browser]'
	$(BIN)/python -m tests_browser.chromium
	touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
