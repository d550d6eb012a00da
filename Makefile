# Bare `make` prints this list. Each target sets up what it needs; nothing but git, make and Python 3.11+ is required.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export MLFLOW_DISABLE_TELEMETRY = true
export DO_NOT_TRACK = true
export BENTOML_DO_NOT_TRACK = True
export ORT_DISABLE_TELEMETRY = 1

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv sync --frozen --quiet
	@touch $@

setup: .venv/installed ## install everything into .venv from uv.lock

demo: setup ## the whole ring once; DATA=customers.csv CONTRACT=contracts/mine.yaml to bring your own, CHECK=1 to end by itself
	@$(BIN)/churn demo $(if $(DATA),--data "$(DATA)") $(if $(CONTRACT),--contract "$(CONTRACT)") $(if $(CHECK),--check)

eyes: setup ## live traffic shifts: drift is seen, an alert arrives, a retraining is promoted, no request fails; leaves var/eyes
	@mkdir -p var
	@$(BIN)/pytest -m slow -s -q -p no:cacheprovider --basetemp=var/eyes tests/journey/test_eyes.py

promotion: setup ## a better version is released under live traffic, bad ones are refused or rolled back; leaves var/promotion
	@mkdir -p var
	@$(BIN)/pytest -m slow -s -q -p no:cacheprovider --basetemp=var/promotion tests/journey/test_promotion.py

test: setup ## what must pass before every commit (under 10 minutes); DATA=Telco-Customer-Churn.csv adds the real file
	@$(if $(DATA),CHURN_TEST_TELCO="$(abspath $(DATA))") $(BIN)/pytest -n auto --dist loadfile

SLOW = OMP_NUM_THREADS=1 $(if $(DATA),CHURN_TEST_TELCO="$(abspath $(DATA))") $(BIN)/pytest -m slow --dist loadfile --no-loadscope-reorder --durations=25
FAULTS_ALONE = abuse alone database front fuzzed_doors overload promotions registry soak
ALONE = $(FAULTS_ALONE:%=tests/faults/test_%.py) tests/services/test_big_batch.py
LONG = tests/faults tests/journey tests/jenkins tests/services tests/pipelines
FOLDERS = $(filter-out tests/__pycache__ tests/compose,$(patsubst %/,%,$(wildcard tests/*/)))
SLOW_WORKERS ?= 3

test-slow: setup ## the longer tests: faults, fuzzing, real servers
	@# what waits as much as it works, side by side, the long files first; what promises times or rates, one after the other
	@$(SLOW) -n $(SLOW_WORKERS) $(LONG) $(filter-out $(LONG),$(FOLDERS)) $(addprefix --ignore=,$(ALONE))
	@$(SLOW) -n 1 $(ALONE)

COMPOSED = images up_and_smoke backup update kill_matrix

test-compose: setup ## docker-compose.yml in containers: images, first start, backup, update, services killed; needs an engine
	@$(SLOW) -n 0 $(COMPOSED:%=tests/compose/test_%.py)

FAULTS = $(BIN)/pytest -m slow -p no:cacheprovider
FAULT_FOLDER = var/faults

chaos: setup ## every fault, many times (hours); prints what was counted and writes it to docs/reliability.md
	@rm -rf $(FAULT_FOLDER)
	@CHURN_TEST_LENGTH=long CHURN_TEST_STATISTICS=$(FAULT_FOLDER) $(FAULTS) tests/faults
	@$(BIN)/python -m tests.faults.card $(FAULT_FOLDER)

fuzz: setup ## 100,000 hostile requests to each door
	@rm -rf $(FAULT_FOLDER)
	@CHURN_TEST_LENGTH=long CHURN_TEST_STATISTICS=$(FAULT_FOLDER) $(FAULTS) tests/faults/test_fuzzed_doors.py
	@$(BIN)/python -m tests.faults.card $(FAULT_FOLDER)

soak: setup ## ordinary work for ten minutes, or HOURS=8: nothing may grow
	@rm -rf $(FAULT_FOLDER)
	@CHURN_TEST_HOURS=$(or $(HOURS),0.1667) CHURN_TEST_STATISTICS=$(FAULT_FOLDER) $(FAULTS) tests/faults/test_soak.py
	@$(BIN)/python -m tests.faults.card $(FAULT_FOLDER)

bench: setup ## measure speed, memory and the sampler; writes benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks $(if $(DATA),--data "$(DATA)")

bench-science: setup ## models against what one would pick instead; DATA=telco.csv EXTENDED=folder EVENTS=cdnow.txt FOLDER=tables
	@$(BIN)/python -m benchmarks.science $(if $(DATA),--data "$(DATA)") $(if $(EXTENDED),--extended "$(EXTENDED)") \
		$(if $(EVENTS),--events "$(EVENTS)") $(if $(FOLDER),--folder "$(FOLDER)") \
		$(if $(FOLDS),--folds $(FOLDS)) $(if $(REPEATS),--repeats $(REPEATS)) $(if $(TRIALS),--trials $(TRIALS))

format: setup ## rewrite the code in the project's style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

check: setup ## format, lint, types, imports, lock: all read-only
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/uv lock --check --quiet
	@$(BIN)/python -m cli.lock --check

lock: setup ## resolve again, and export the requirements that MLproject and the Bento install
	@$(BIN)/uv lock
	@$(BIN)/python -m cli.lock

HOST = $(PYTHON) -m deploy.host

secrets: ## write .env for docker-compose.yml, with generated secrets; PROFILES=core,monitoring,redis,mysql,grafana,demo
	@$(HOST) secrets $(if $(PROFILES),--profiles "$(PROFILES)") $(if $(FORCE),--force)

images: ## build the images, or NAMES="serving bento mlflow pipelines" of them; CHECK=1 builds twice and compares their files
	@$(HOST) images $(NAMES) $(if $(CHECK),--check)

up: ## start the services and wait until they are ready; DATA=customers.csv CONTRACT=contracts/mine.yaml trains a first model
	@$(HOST) up $(if $(DATA),--data "$(DATA)") $(if $(CONTRACT),--contract "$(CONTRACT)") $(if $(RING),--ring "$(RING)") $(if $(filter yes,$(RETRAIN)),--retrain)

smoke: ## check each service from outside: a prediction, a promotion, its metric; SAMPLE=no makes no model where there is none
	@$(HOST) smoke $(if $(filter no,$(SAMPLE)),--no-sample)

down: ## stop the services; VOLUMES=delete deletes their data too, and asks first, or YES=yes
	@$(HOST) down $(if $(filter delete,$(VOLUMES)),--volumes) $(if $(filter yes,$(YES)),--yes)

backup: ## databases, artifacts, bundles into a folder; TO=backups/name, KEEP=N newest, SECRETS=yes: .env too
	@$(HOST) backup $(if $(TO),--to "$(TO)") $(if $(KEEP),--keep "$(KEEP)") $(if $(filter yes,$(SECRETS)),--with-secrets)

restore: ## bring a backup back; FROM=backups/name, PROJECT=name: into a second installation beside this one
	@$(HOST) restore --from "$(FROM)" $(if $(PROJECT),--project "$(PROJECT)")

update: ## replace the running services by new images, the doors one after the other; PULL=1 does not build, BACK=1 goes back
	@$(HOST) update $(if $(BACK),--back) $(if $(PULL),--pull)

sbom: setup ## what the lock and each image consist of, as CycloneDX in var/sbom; IMAGES=no for the lock alone, TAG=local
	@$(BIN)/python -m deploy.supply sbom $(if $(filter no,$(IMAGES)),--no-images) $(if $(TAG),--tag "$(TAG)")

scan: setup ## what is known against it, by OSV or its mirror OSV_URL=https://…; deploy/scan-ignored.yaml holds what was judged
	@$(BIN)/python -m deploy.supply scan $(if $(OSV_URL),--service "$(OSV_URL)")

doctor: setup ## check this installation: versions, stores, production alias, ports, disk
	@$(BIN)/churn doctor

.PHONY: test-compose help secrets images up smoke down backup restore update sbom scan setup demo eyes promotion test test-slow chaos fuzz soak bench bench-science format check lock doctor
