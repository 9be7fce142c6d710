# detgen: two commands for a fresh Debian 12 machine, as root (others: docs/installing.md):
#   make demo   installs what is missing, builds, makes a labelled run on each engine and shows it
#   make test   installs what is missing, builds, vets, runs all tests

SHELL := /bin/bash
export GOTOOLCHAIN := auto
export PATH := $(PATH):/usr/local/go/bin:/usr/lib/go-1.24/bin
# One set of flags for all that is not built for the race detector: each package is compiled once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# No stamp of the version control: it tells whether a file lies about in the checkout, and the guest would have it, too.
GO_BUILD := go build -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: demo install-demo test test-catalogue short build install vet bench dist clean

build: bin/detgen

# Go decides itself what has changed.
.PHONY: bin/detgen
bin/detgen:
	@go build -buildvcs=false -ldflags "-s -w" -o lab/inside/program/built/inside ./cmd/detgen-inside
	@$(GO_BUILD) -o bin/detgen ./cmd/detgen
	@$(GO_BUILD) -o bin/detgen-onnx ./cmd/detgen-onnx

# Debian packages and Go, where they are missing.
install:
	@scripts/install

install-demo:
	@scripts/install demo

demo: install-demo build
	@scripts/demo

test: install build
	@scripts/test

# Every task, failure, caching option, implementation and bound of the catalogue, a run of each scenario on the exact
# engine; the same with IPv6, played again and again, and by other releases; ten with taps and over paths; all attacks and their twins read by Suricata.
test-catalogue: install build
	bin/detgen image build --all
	DETGEN="$(CURDIR)/bin/detgen" go test ./catalogue -timeout 4h -v -run 'TestScenarios|TestBounds|TestFamilies|TestAgain|TestReleases|TestOthersReadVariants' -args -full
	DETGEN="$(CURDIR)/bin/detgen" go test ./model/suricata -timeout 1h -v -run TestAttacks -args -full

# The quick loop: no root, no labs.
short: build
	go test -short ./...

vet:
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo "gofmt: the files above are not formatted" >&2; exit 1; }
	@go vet ./...
	@go tool staticcheck ./...

bench: install build
	go test -run '^$$' -bench . -benchmem ./...

# What detgen is handed out as: dist/ gets a static program, a Debian package, a container image and checksums.
dist: install build
	scripts/dist

clean:
	rm -rf bin runs dist
