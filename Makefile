# Every command of the README. `make run` and `make test` install what they need.

SWIFT ?= swift
FIRECREST = .build/release/firecrest

.PHONY: run test test-slow bench bench-kernels loops lint docs tools clean

run: tools            ## builds the release binary and trains a network on handwritten digits
	$(SWIFT) build -c release --product firecrest
	$(FIRECREST) train digits

test: tools           ## builds and runs all tests on the widest instruction set of this machine
	@.ci/install --tests
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

test-slow: tools      ## the same with the long runs, e.g. 180,000 damaged files
	@.ci/install --tests
	$(SWIFT) build --build-tests
	FIRECREST_SLOW_TESTS=1 $(SWIFT) test --skip-build

bench: tools          ## Firecrest and PyTorch in turn; FIRECREST_ORACLE names a Python with torch
	$(SWIFT) build -c release --product firecrest
	python3 Benchmarks/compare.py $(FIRECREST) $(BENCH)

bench-kernels: tools  ## the kernels alone, against PyTorch
	$(SWIFT) build -c release --product firecrest
	python3 Benchmarks/compare.py $(FIRECREST) --kernels $(BENCH)

loops: tools          ## loops of the kernels that run out of registers
	$(SWIFT) build -c release --product firecrest
	python3 Scripts/loops.py $(FIRECREST)

lint:                 ## formatting and documentation of declarations
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests

docs: tools           ## the reference documentation, into docs-build/
	Documentation/build.sh

tools:                ## what the build needs from the system
	@.ci/install

clean:
	rm -rf .build docs-build
