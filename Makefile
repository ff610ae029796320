# Every target builds .venv when it is missing or older than the list of packages.
.DEFAULT_GOAL := help
PYTHON ?= python3
RUN := .venv/bin/python -m
NEWEST := $(RUN) uv pip install --python build/newest/venv/bin/python
# kernels start faster where the library's bytecode is kept
unexport PYTHONDONTWRITEBYTECODE

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/ready ## the main job on the demo study: exports, clean data, pages of 15 regions
	$(RUN) loftet_analysis demo

nbval: .venv/ready ## compare the notebooks' numbers with those of the demo that was run
	$(RUN) pytest --nbval-lax --nbval-current-env notebooks/

test: .venv/ready ## all other tests but the long ones and those in a browser
	$(RUN) pytest -n 2 --dist worksteal -m "not long"

coverage: .venv/ready ## make test, and which lines and branches of the library it did not reach
	$(RUN) pytest --cov -n 2 --dist worksteal -m "not long"

test-browser: .venv/ready ## the pages and JupyterLab in Debian's Chromium, and spelling
	$(RUN) pytest tests/browser

lab: .venv/ready ## JupyterLab on the notebooks, with notebooks/start.ipynb
	$(RUN) jupyterlab --ServerApp.root_dir=. notebooks/start.ipynb

lint: .venv/ready ## ruff, as pre-commit runs it, and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

notebooks: demo ## run the notebooks on the demo and keep the numbers of their check cells
	$(RUN) tests.refresh_notebooks

api: .venv/ready ## write docs/api.md from the docstrings
	.venv/bin/python docs/make_api.py

guide: .venv/ready ## the guide for newcomers as pages, in reports/guide/, and its shorter lists
	.venv/bin/python docs/make_guide.py

messages: .venv/ready ## list what the Norwegian catalogues lack
	$(RUN) pytest tests/test_translate.py

verify: .venv/ready ## the long checks; their figures are kept in benchmarks/
	.venv/bin/python benchmarks/demo_coverage.py
	.venv/bin/python benchmarks/coverage.py
	.venv/bin/python benchmarks/planning.py
	.venv/bin/python benchmarks/whole_school.py
	.venv/bin/python benchmarks/inference.py
	.venv/bin/python benchmarks/clean.py
	.venv/bin/python benchmarks/attack.py
	.venv/bin/python benchmarks/kills.py
	.venv/bin/python benchmarks/first_wave.py
	.venv/bin/python benchmarks/batch.py
	.venv/bin/python benchmarks/national.py
	.venv/bin/python benchmarks/regions.py
	$(RUN) loftet_analysis demo
	.venv/bin/python benchmarks/draft.py
	$(RUN) loftet_analysis run demo --region nordland --region oslo --language nn --language en
	$(RUN) loftet_analysis run demo --notebook 11_whole_school --language nn --language en
	$(RUN) tests.check_questions
	$(RUN) pytest -n 2 --dist worksteal -m long
	$(RUN) pytest -n 0 tests/test_prepare.py --hypothesis-profile=long

lock: .venv/ready ## resolve the packages anew (writes requirements.lock)
	$(RUN) uv pip compile pyproject.toml --extra dev --extra browser --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url --no-annotate --upgrade --quiet \
		--output-file requirements.lock

newest: .venv/ready ## make test with the newest release of every package, in build/newest
	mkdir -p build/newest
	$(RUN) uv pip compile pyproject.toml --extra dev --extra browser --python $(PYTHON) \
		--no-header --no-emit-index-url --no-annotate --upgrade --quiet \
		--output-file build/newest/requirements.txt
	$(RUN) uv venv --quiet --clear --python $(PYTHON) build/newest/venv
	$(NEWEST) --quiet -r build/newest/requirements.txt
	$(NEWEST) --quiet --no-deps --no-build-isolation -e .
	build/newest/venv/bin/python -m pytest -n 2 --dist worksteal -m "not long"

# uv comes from the same hash-pinned list that it then installs; compiled bytecode makes every
# later start of a kernel three times as fast; JupyterLab does not ask whether it may fetch news
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	$(RUN) uv pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode -r requirements.lock
	$(RUN) uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
	$(RUN) jupyterlab.labextensions disable --log-level=ERROR @jupyterlab/apputils-extension:announcements
	@touch .venv/ready

.PHONY: help demo nbval test coverage test-browser lab lint notebooks api guide messages verify lock newest
