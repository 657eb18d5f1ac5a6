# `make run` and `make test` on a fresh machine set up everything; Python >= 3.11 and make are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LABEL_STUDIO := .venv-label-studio
LABEL_STUDIO_PORT ?= 8080
INPUT ?= seeds/articles
OUTPUT ?= quotations.jsonl
GOLD ?= ../shared/gold/train.jsonl
DEV ?= ../shared/gold/dev.jsonl
ENCODER := runs/encoder
CHECKPOINT ?= runs/checkpoint

.PHONY: run test check format checkpoint annotated label-studio label-studio-environment clean
.DELETE_ON_ERROR:

run: $(VENV)/installed
	$(BIN)/extractor run $(INPUT) --format table --output $(OUTPUT)

test: $(VENV)/installed-dev label-studio-environment
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The recipe of the shipped checkpoint, from the package that carries its base encoder. Every step continues where it was
# interrupted; on two idle cores the training takes an hour and a quarter.
checkpoint: annotated $(ENCODER)/model.safetensors
	$(BIN)/extractor train $(GOLD) seeds/examples.jsonl --base $(ENCODER) --dev $(DEV) --output $(CHECKPOINT) \
		--epochs 5 --encoder-rate 2e-4 --name starter-2
	$(BIN)/extractor calibrate seeds/gold.jsonl --checkpoint $(CHECKPOINT)
	$(BIN)/extractor evaluate $(DEV) --checkpoint $(CHECKPOINT) --record dev
	$(BIN)/extractor evaluate seeds/gold.jsonl --checkpoint $(CHECKPOINT) --record seeds/gold.jsonl

annotated:
	@for file in $(GOLD) $(DEV); do test -f "$$file" || { \
		echo "no annotated articles at $$file: name yours, make checkpoint GOLD=train.jsonl DEV=dev.jsonl" >&2; \
		exit 1; }; done

$(ENCODER)/model.safetensors: | annotated $(VENV)/installed-recipe
	$(BIN)/extractor unpack-base $(ENCODER)

# A Label Studio on this machine to review in: user, token and project ready, its data in label-studio-data.
label-studio: $(VENV)/installed label-studio-environment
	$(BIN)/python -m review.local_server label-studio-data $(LABEL_STUDIO_PORT)

label-studio-environment: $(LABEL_STUDIO)/installed

# An environment of its own: its pins clash with ours.
$(LABEL_STUDIO)/installed:
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/python -m pip install --quiet --disable-pip-version-check label-studio==1.23.2
	touch $@

# Plain `torch` would bring several gigabytes of CUDA: it is installed first, by its exact version.
$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

$(VENV)/installed-recipe: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[recipe]'
	touch $@

clean:
	rm -rf $(VENV) $(LABEL_STUDIO) build dist *.egg-info
