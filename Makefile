# Two commands set up all they need: `make demo` shows the main job, `make test` runs the tests.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
ONCE   ?=
LESS   ?=
# A commit waits some milliseconds for a disk and for memory not at all; a killed process leaves the same behind in both.
MEMORY := $(shell [ -w /dev/shm ] && [ "$$(df -Pk /dev/shm | awk 'NR == 2 {print $$4}')" -gt 4000000 ] && echo PYTEST_DEBUG_TEMPROOT=/dev/shm)

.PHONY: demo test check bench cassettes lock near

demo: $(VENV)/runs                 ## sandboxes, sample tickets, the sample desk and the daemon; ONCE=1 ends by itself
	@$(BIN)/ticketgate demo $(if $(ONCE),--once,)

test: $(VENV)/ready                ## every test; LESS=--ignore=... leaves some out
	$(MEMORY) $(BIN)/python -m pytest -q -n 4 --dist worksteal $(LESS) tests

near: $(VENV)/ready                ## the tests that take no process, no real log and no patience
	$(MEMORY) $(BIN)/python -m pytest -q -n 2 -m 'not slow' tests

check: $(VENV)/ready               ## ruff, mypy --strict, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py
	$(BIN)/ticketgate -C config check --strict
	$(BIN)/ticketgate -C config fmt --check

bench: $(VENV)/ready               ## the speed goals, each as a ratio measured in this run
	$(BIN)/python -m tests.benchmarks

cassettes: $(VENV)/ready           ## records the contract conversations again, against the sandboxes
	$(BIN)/python -m pytest -q tests/connectors/test_cassettes.py --record all

lock: $(VENV)/ready                ## renews both lock files
	$(BIN)/uv pip compile -q requirements.in --universal --python-version 3.11 --generate-hashes --no-header -U -o requirements.lock
	$(BIN)/uv pip compile -q requirements-dev.in -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-header -U -o requirements-dev.lock

# The stamps are touched last, so that an interrupted set-up starts again.
$(VENV)/runs: requirements.lock pyproject.toml
	@$(MAKE) -s $(VENV)/bin/pip
	@echo 'Setting up $(VENV): about half a minute, once.'
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q rules connectors gateway  # as pip does for what it installs whole
	@touch $@

$(VENV)/ready: requirements-dev.lock pyproject.toml
	@$(MAKE) -s $(VENV)/bin/pip
	@echo 'Setting up $(VENV): about a minute, once.'
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q rules connectors gateway  # as pip does for what it installs whole
	@touch $@ $(VENV)/runs

$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo 'There is no $(PYTHON) here. Python 3.11 or newer, please: make PYTHON=python3'; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer, please: make PYTHON=...'; exit 2; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	else $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; fi \
	|| { rm -rf $(VENV); echo 'There is neither ensurepip nor pip here: apt install python3-venv'; exit 2; }
