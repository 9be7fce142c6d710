# detgen: two commands for a fresh Debian 12 machine, as root:
#   make demo   installs what is missing, builds, makes a labelled run and shows it
#   make test   installs what is missing, builds, vets, runs all tests

SHELL := /bin/bash
export GOTOOLCHAIN := auto
export PATH := $(PATH):/usr/local/go/bin:/usr/lib/go-1.24/bin
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GO_BUILD := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: demo test test-catalogue short build install vet bench clean

build: bin/detgen

# Go decides itself what has changed.
.PHONY: bin/detgen
bin/detgen:
	@$(GO_BUILD) -o bin/detgen ./cmd/detgen

# Debian packages and Go, where they are missing.
install:
	@scripts/install

demo: install build
	@scripts/demo

test: install build vet
	@scripts/test

# Every task, failure, caching option, implementation and bound of the catalogue, and a run of each scenario on the exact engine.
test-catalogue: install build
	bin/detgen image build --all
	DETGEN="$(CURDIR)/bin/detgen" go test ./catalogue -timeout 4h -v -run 'TestScenarios|TestBounds' -args -full

# The quick loop: no root, no labs.
short: build
	go test -short ./...

vet:
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt: the files above are not formatted" >&2; exit 1; }
	@go vet ./...
	@go tool staticcheck ./...

bench: install build
	go test -run '^$$' -bench . -benchmem ./...

clean:
	rm -rf bin runs
