# Front door. Everything real is in CMake (presets) and in tools/.

PRESET ?= release
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
CTEST := ctest --test-dir $(BUILD) --output-on-failure --no-tests=error

.PHONY: demo test test-long build install setup down bench lint fuzz docs packages clean

demo: install  ## from an empty machine to mirrored data and a routed answer
	$(BUILD)/bin/tandem demo

down:  ## stop the stack without loss
	$(BUILD)/bin/tandem down

test: install fuzz  ## build and pass every test
	tools/run_tests.sh $(BUILD) build/fuzz

test-long: install fuzz  ## new random seeds, TANDEM_BUDGET_SECONDS for each search (default 300)
	tools/run_long_tests.sh $(BUILD) build/fuzz

setup:
	@tools/setup.sh

build: setup
	@tools/step.sh "configuring" cmake --preset $(PRESET)
	@tools/step.sh "building (several minutes the first time)" cmake --build --preset $(PRESET) -j $(JOBS)

install: build  ## put the extension where Postgres finds it
	@tools/step.sh "installing the extension" $(SUDO) cmake --install $(BUILD) --component extension

fuzz: setup
	@tools/step.sh "configuring the fuzz targets" cmake --preset fuzz
	@tools/step.sh "building the fuzz targets" cmake --build --preset fuzz --target fuzz_targets -j $(JOBS)

bench: install  ## the benchmarks of test/bench, as ratios against a baseline of the same run
	tools/bench.sh $(BUILD)

docs: setup  ## the documentation site, in build/docs/site
	tools/build_docs.sh

packages: build  ## Debian packages, in build/packages; tools/try_packages.sh installs them somewhere fresh
	tools/make_packages.sh $(BUILD)

lint: setup  ## formatting, clang-tidy, the rules of tools/tidy.py
	tools/lint.sh

clean:
	rm -rf build
