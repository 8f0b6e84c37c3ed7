# Two commands: `make run` for the product, `make test` for everything that proves it.
# Nothing here needs more than Python 3.11 or later, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: run test check format bench screenshots music-pictures docs lock clean

run: $(VENV)/runtime
	@exec $(BIN)/python -m kap run --demo

test: $(VENV)/development
	@$(BIN)/python -m tests.browser
	$(BIN)/pytest -n 2 --dist worksteal

check: $(VENV)/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint templates

format: $(VENV)/development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/development
	$(BIN)/python -m tests.bench

screenshots: $(VENV)/development
	@$(BIN)/python -m tests.browser
	$(BIN)/python -m tests.screenshots docs/images

music-pictures: $(VENV)/development
	$(BIN)/python -m tests.music_pictures

docs: $(VENV)/development
	$(BIN)/python -m tests.architecture.render_docs

# After changing a dependency in pyproject.toml. `uv` has to be installed for this one.
lock:
	uv pip compile --universal --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  pyproject.toml -o requirements.lock
	uv pip compile --universal --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  --extra dev --extra bench -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis

# Some systems ship Python without the part that puts pip into a new environment; then the system's own pip
# does it from outside.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Kap needs Python 3.11 or later; set PYTHON=/path/to/python3.12, for example."; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; } || \
	  { echo "Python cannot make a virtual environment here; install its venv module (Debian: python3-venv)."; exit 1; }

$(VENV)/runtime: requirements.lock | $(BIN)/python
	@echo "Installing what Kap needs (once, about a minute) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(VENV)/development: requirements-dev.lock | $(BIN)/python
	@echo "Installing what the tests need (once, about two minutes) …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/runtime
