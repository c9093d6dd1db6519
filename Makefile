# Every target bootstraps .venv from nothing but python3.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.synced

# Tests and benches start many processes: none of them should compile what another has compiled already.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-long security check bench drill format lock
.DELETE_ON_ERROR:

$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	touch $(READY)

demo: $(READY)
	$(BIN)/shanglou demo

# A third of a test is waiting: three of them fill two cores.
test: $(READY)
	$(BIN)/python -m pytest --numprocesses=3 --dist=loadgroup -m "not long"

# Floods, kills and simulations: not with every change, but before each release.
test-long: $(READY)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadgroup -m long

# What the tests of each defence found, in one table.
security: $(READY)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadgroup -m security

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m locales.check
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive api bot handlers locales
	$(BIN)/python -m tests.security.audit_dependencies

bench: $(READY)
	$(BIN)/python -m tests.bench

# A broadcast while couriers are killed, PostgreSQL crashes and Telegram misbehaves; then people who converse while one
# part after the other fails.
drill: $(READY)
	$(BIN)/python -m tests.drill

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --quiet --all-extras --group dev \
		pyproject.toml --output-file requirements.lock
