# make help lists the targets. Everything that they need comes through Go's module proxy (and npm, where it is installed);
# the toolchain too, so that any Go from 1.21 on will do. Only the tests need more: PostgreSQL, which apt-get brings.

export GOTOOLCHAIN := go1.26.10
export GOWORK := off
export CGO_ENABLED := 0

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 60s
ROUNDS ?= 300
BENCHTIME ?= 0.5s

TOOLS := bin/tools
TOOLS_BUILT := $(TOOLS)/.built
NODE_INSTALLED := test/node/node_modules/.installed

# The race detector needs cgo, and cgo a C compiler.
ifneq ($(shell command -v gcc),)
GO_TEST := CGO_ENABLED=1 go test -race
LONG_TEST := go test -count=1 -timeout 10m ./internal/lab ./cmd/hayalet -run 'Corpus|Months|Agrees|Published|Stories|Baselines|Scripts/lab'
SAY_RACE := @:
else
GO_TEST := go test
LONG_TEST := @:
SAY_RACE := @echo 'make: no gcc here: tested WITHOUT the race detector'
endif

# The npm peers are run where node and npm are; their tests say so where they are not.
ifneq ($(and $(shell command -v node),$(shell command -v npm)),)
NODE_NEEDED := $(NODE_INSTALLED)
SAY_NODE := @:
else
SAY_NODE := @echo 'make: no node and npm here: the npm peers are LEFT OUT of the tests'
endif

.PHONY: help build demo docs test postgres check fmt lint vet vuln deps bench bench-relay bench-serve bench-start bench-analyze foreign soak fuzz clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build bin/hayalet.
	go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/hayalet ./cmd/hayalet

demo: build ## Catch the phantom: a central system and two stations on this machine.
	bin/hayalet demo

docs: ## Write docs/rules.md and docs/rules.tr.md anew.
	go run ./cmd/hayalet --lang en rules doc > docs/rules.md
	go run ./cmd/hayalet --lang tr rules doc > docs/rules.tr.md

# The long tests of the lab leave themselves out where the race detector slows them down, and are run without it then.
# The tests of test/foreign build what they test, which Go's cache of test results does not see: hence -count=1.
test: $(NODE_NEEDED) postgres ## Run all tests with the race detector, then each fuzzer for 2 s.
	$(GO_TEST) -count=1 -timeout 20m ./...
	$(LONG_TEST)
	tools/fuzz.sh 2s
	$(SAY_NODE)
	$(SAY_RACE)

# The store on PostgreSQL is never left out: without its programs the tests fail.
postgres:
	@tools/postgres.sh

check: fmt lint vet vuln deps ## Check format, lint, vet, known vulnerabilities and the import table.

fmt: $(TOOLS_BUILT)
	@unformatted=$$($(TOOLS)/gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then printf 'gofumpt would change:\n%s\n' "$$unformatted"; exit 1; fi; \
	echo 'gofumpt: nothing to change'

lint: $(TOOLS_BUILT)
	$(TOOLS)/golangci-lint run ./...

vet:
	go vet ./...

# govulncheck tells when its database was last updated only if it can reach it.
vuln: $(TOOLS_BUILT)
	@if timeout 60 $(TOOLS)/govulncheck -version | grep -q '^DB updated'; then \
		echo '$(TOOLS)/govulncheck ./...'; $(TOOLS)/govulncheck ./...; \
	else \
		echo 'govulncheck: LEFT OUT, its database cannot be reached from here'; \
	fi

deps:
	go test -count=1 -run '^TestImports$$' .

bench: ## Run the benchmarks, each for BENCHTIME.
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) \
		$$(grep -rl --include='*_test.go' '^func Benchmark' *_test.go cmd internal | xargs -n1 dirname | sort -u | sed 's|^|./|')

bench-relay: ## Measure what the relay adds to latency, and detection to its CPU.
	tools/bench-relay.sh

bench-serve: ## Measure serve under load beside a bare server and ocpp-go, and the memory of idle stations.
	tools/bench-serve.sh

bench-analyze: ## Analyse 1 GB of JSONL beside wc -l.
	tools/bench-analyze.sh

bench-start: ## Start on a journal of 10 million frames after the process has died.
	START_FRAMES=10000000 go test -run '^$$' -bench '^BenchmarkStart$$' -benchtime 1x ./cmd/hayalet

foreign: $(NODE_NEEDED) ## Run the software of others against ours at full length: 100 000 messages, a minute of hostile ones.
	FOREIGN_LONG=1 go test -count=1 -timeout 10m ./test/foreign/

# Another seed each time; a failure tells it.
soak: ## Kill the server ROUNDS times under load, keep it from writing for a minute, and look for what was lost.
	CRASH_HOLD=$${CRASH_HOLD:-60} CRASH_ROUNDS=$(ROUNDS) CRASH_SEED=$${CRASH_SEED:-$$RANDOM} go test -count=1 -timeout 60m -v ./test/crash/

fuzz: ## Run each fuzzer for FUZZTIME.
	tools/fuzz.sh $(FUZZTIME)

clean: ## Remove what make has built.
	rm -rf bin test/node/node_modules

$(TOOLS_BUILT): tools/go.mod tools/go.sum
	cd tools && go build -trimpath -o ../$(TOOLS)/ tool
	@touch $@

$(NODE_INSTALLED): test/node/package.json test/node/package-lock.json test/node/.npmrc
	cd test/node && npm ci
	@touch $@
