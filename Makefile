# make demo: install, ingest seeds/ (or MINUTES=DIR) and open the page on http://127.0.0.1:7860
# make test: install and run all tests
PYTHON ?= python3
VENV ?= .venv
MINUTES ?= seeds
INDEX ?= index
PORT ?= 7860
BIN = $(VENV)/bin

.PHONY: demo test lint eval clean install install-dev

$(VENV)/base: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("askamu needs Python 3.11 or newer; say make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/dev: $(VENV)/base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

install: $(VENV)/base
install-dev: $(VENV)/dev

demo: install
	$(BIN)/askamu ingest "$(MINUTES)" --only --index "$(INDEX)"
	$(BIN)/askamu chat --port $(PORT) --index "$(INDEX)"

test: install-dev
	$(BIN)/python -m pytest

lint: install-dev
	$(BIN)/ruff check src ui tests benchmarks
	$(BIN)/ruff format --check src ui tests benchmarks
	$(BIN)/mypy

# Development figures: QUESTIONS is a file of questions with gold, MINUTES the minutes they are about.
eval: install-dev
	$(BIN)/python benchmarks/answers.py --minutes "$(MINUTES)" --questions "$(QUESTIONS)"

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
	find index -mindepth 1 ! -name README.md -prune -exec rm -rf {} +
