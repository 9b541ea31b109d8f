# Every target makes what it needs: .venv, the packages, the compiled translations.
# PORT, LOCAL_DIR, IMAGE and REAL are taken from the command line or the environment.

PYTHON = PYTHONUTF8=1 .venv/bin/python
STACK = $(PYTHON) -m shortsproject.local.stack
# Checks need settings that load, and no server: nothing listens on port 1.
CHECKED = DEBUG=1 SECRET_KEY=check DATABASE_URL=postgresql://check@127.0.0.1:1/check \
	REDIS_URL=redis://127.0.0.1:1/0 GOOGLE_CLOUD_PROJECT= GEMINI_API_KEY= GEMINI_BASE_URL=
# Where an installation was broken off there is nothing to stop with.
INSTALLED = .venv/bin/python -c 'import celery, environ, psutil, psycopg, redis' 2>/dev/null
ARGS =
SOAK =

.PHONY: help demo run stop test soak check bench screenshots lock clean local dev python messages

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 - \2/p' Makefile

demo: local ## make a video from a picture and show its receipt (IMAGE=my.jpg; REAL=1 spends money)
	@CALLED_FROM="$(PWD)" PYTHONUTF8=1 exec .venv/bin/python -m shortsproject.local.demo

run: local ## run everything on this machine until Ctrl-C (PORT=8000 LOCAL_DIR=.local)
	@PYTHONUTF8=1 exec .venv/bin/python -m shortsproject.local.stack run

stop: ## end what `make run` started
	@if $(INSTALLED); then $(STACK) stop; fi

test: dev ## run the test suite on servers of its own (ARGS="-k hold")
	@$(PYTHON) -m pytest -n auto --maxprocesses 4 $(ARGS)

soak: dev ## the long forms of the property and race tests (SOAK="SOAK_PROCESSES=64 ...")
	@env LEDGER_EXAMPLES=5000 LEDGER_STEPS=20 LEDGER_PARTS=10 SOAK_PROCESSES=64 SOAK_ROUNDS=200 SOAK_SECONDS=3600 SOAK_CRASHES=1 \
		$(SOAK) $(PYTHON) -m pytest -n 2 --dist worksteal tests/metering/test_ledger_model.py \
		tests/concurrency tests/crash $(ARGS)

check: dev ## lint, format, types, import contracts, migrations, Django's checks
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(CHECKED) $(PYTHON) -m mypy
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command as c; c()'
	$(CHECKED) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(CHECKED) $(PYTHON) manage.py check --fail-level WARNING

bench: local ## measure the ledger beside plain SQL (ARGS="--quick"; see docs/benchmarks.md)
	@PYTHONUTF8=1 exec .venv/bin/python -m benchmarks $(ARGS)

screenshots: dev ## take pictures of every page with sample data, and those of the README
	@PYTHONUTF8=1 exec .venv/bin/python -m shortsproject.local.screenshots

lock: dev ## pin the requirements again from pyproject.toml
	@compile() { $(PYTHON) -m uv pip compile pyproject.toml -q --no-header --no-emit-index-url \
		--no-annotate "$$@" >/dev/null; }; \
	compile --extra local --extra dev -o requirements-dev.txt && \
	compile -c requirements-dev.txt --extra local -o requirements-local.txt && \
	compile -c requirements-dev.txt -o requirements.txt

clean: ## stop everything and delete LOCAL_DIR, what lies outside of it, and .venv
	@if $(INSTALLED); then $(STACK) clean; fi
	@rm -rf .venv && echo removed .venv

local dev: python
	@cmp -s requirements-$@.txt .venv/requirements-$@.txt || { \
		echo "Installing requirements-$@.txt into .venv ..." >&2 && touch .venv/unfinished && \
		.venv/bin/python -m pip install -qq --disable-pip-version-check -r requirements-$@.txt >&2 && \
		cp requirements-$@.txt .venv/ && rm .venv/unfinished; }
	@find shortsproject/locale -name '*.po' 2>/dev/null | while read -r po; do mo="$${po%.po}.mo"; \
		[ -n "$$(find "$$mo" -newer "$$po" 2>/dev/null)" ] || \
		$(PYTHON) -m babel.messages.frontend -q compile -i "$$po" -o "$$mo" || exit 1; done

# A .venv that does not run, that is of an older Python, or that was left in the middle of an
# installation, is made again.
python:
	@fits() { "$$1" -c "import sys, $$2; sys.exit(sys.version_info < (3, 11))" 2>/dev/null; }; \
	if [ -e .venv/unfinished ] || ! fits .venv/bin/python pip; then \
		for python in python3.11 python3 none; do fits $$python ensurepip && break; done; \
		[ $$python != none ] || { echo "Python 3.11 or newer with venv is needed." >&2; exit 1; }; \
		rm -rf .venv && $$python -m venv .venv; fi
