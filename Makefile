# make demo: install, ingest seeds/ (or MINUTES=DIR) and open the page on http://127.0.0.1:7860
# make test: install and run all tests
# make adapter MINUTES=DIR: train the adapter that ships, from the minutes of Greve (docs/adapter.md)
PYTHON ?= python3
VENV ?= .venv
MINUTES ?= seeds
INDEX ?= index
QUESTIONS ?= benchmarks/questions.jsonl
PORT ?= 7860
ADAPTER ?= build/adapter
TORCH ?= torch
BIN = $(VENV)/bin

.PHONY: demo test lint eval adapter clean install install-dev install-models install-tune

$(VENV)/base: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("askamu needs Python 3.11 or newer; say make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/dev: $(VENV)/base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# The tests of st: models and rerankers run where this is installed, and are skipped where it is not.
$(VENV)/models: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,st]'
	touch $@

install: $(VENV)/base
install-dev: $(VENV)/dev
install-models: $(VENV)/models

demo: install
	$(BIN)/askamu ingest "$(MINUTES)" --only --index "$(INDEX)"
	$(BIN)/askamu chat --port $(PORT) --index "$(INDEX)"

test: install-dev
	$(BIN)/python -m pytest

lint: install-dev
	$(BIN)/ruff check src ui tests benchmarks
	$(BIN)/ruff format --check src ui tests benchmarks
	$(BIN)/mypy

# How good the answers are: QUESTIONS is a file of questions with gold, by default those on the seeds; MINUTES what they are about.
eval: install
	folder=$$(mktemp -d) && $(BIN)/askamu ingest "$(MINUTES)" --index "$$folder" && \
		$(BIN)/askamu eval "$(QUESTIONS)" --index "$$folder"; status=$$?; rm -rf "$$folder"; exit $$status

# Without a GPU, a build of PyTorch for processors alone is ten times smaller: TORCH='torch --index-url URL', see pytorch.org
$(VENV)/tune: $(VENV)/base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[tune]'
	touch $@

install-tune: $(VENV)/tune

adapter: install-tune
	$(BIN)/askamu tune "$(MINUTES)" --questions benchmarks/adapter/greve.jsonl --held-out 40 --out "$(ADAPTER)"

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
	find index -mindepth 1 ! -name README.md -prune -exec rm -rf {} +
