# `make` alone prints what there is: a target's help is the comment behind it.

SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X main.release=$(VERSION)
# golangci-lint is built once into .tools, which git ignores.
GOLANGCI := v2.15.0
# Packages with tests; a second list exists nowhere.
PACKAGES := ./...

.DEFAULT_GOAL := help
.PHONY: help run build deb release editor test chaos soak e2e bench bench-page fuzz lint vuln setup-run setup-test setup-e2e setup-bench clean

help: ## print this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup-run build ## start the gateway as a demonstration authority on loopback; data in ./data
	@bin/martinella demo $(ARGS)

build: editor ## build bin/martinella
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/martinella ./cmd/martinella

deb: build ## make the Debian package bin/martinella_VERSION_ARCH.deb
	@.ci/deb

release: editor ## make programs, packages and checksums for amd64 and arm64 in ./release, the same wherever they are made
	@GO="$(GO)" .ci/release $(ARGS)

editor: dashboards/static/dist/editor.js ## bundle the map for drawing areas, where npm is there

dashboards/static/dist/editor.js: .ci/editor go.mod $(filter-out dashboards/editor/node_modules,$(wildcard dashboards/editor/*))
	@GO="$(GO)" .ci/editor

test: setup-test editor ## run every test of the project (race detector, shuffled)
	$(GO) vet $(PACKAGES)
	.ci/tests -race -shuffle=on -timeout 20m $(PACKAGES)

chaos: setup-test ## kill gateway, nodes and Redis under load, cut the power, die at every named place; 1,000 seeds of misfortune; a short soak
	TEST_CHAOS=1 TEST_SEEDS=1000 .ci/tests -count=1 -timeout 25m -run 'Kill|Simulation|Acknowledged|CancelDuring' ./broadcast ./broadcast/callout ./broadcast/rdb ./cmd/martinella
	TEST_SEEDS=100 TEST_SOAK=30s .ci/tests -race -count=1 -timeout 10m -run 'EveryAlertOnce|Soak' ./broadcast/live

soak: ## ten minutes (TEST_SOAK) of clients of the live feed who mean no good
	TEST_SOAK=$${TEST_SOAK:-10m} .ci/tests -race -count=1 -timeout 1h -run 'Soak' ./broadcast/live

e2e: setup-e2e editor ## what takes long in a real browser: accessibility of every page, web push
	TEST_E2E=1 .ci/tests -count=1 -timeout 20m -run 'Accessib|EndToEnd|InABrowser' ./cmd/martinella ./dashboards ./dashboards/certificate ./channels/...

bench: ## run the benchmarks; the figures depend on the machine and its load
	@echo "load: $$(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"
	$(GO) test -run '^$$' -bench . -benchmem $(PACKAGES)

bench-page: setup-run setup-bench build ## requests a second of the public page, beside a bare handler and nginx (ARGS)
	@bin/martinella bench page $(ARGS)

fuzz: ## fuzz what strangers send, FUZZTIME (30s) for each target
	.ci/fuzz

lint: .tools/golangci-lint ## run golangci-lint, pinned
	.tools/golangci-lint run $(PACKAGES)

.tools/golangci-lint: Makefile
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	@touch $@

vuln: ## look for known vulnerabilities in what the program calls (needs the network)
	@.ci/vuln

setup-run:
	@.ci/setup run

setup-test:
	@.ci/setup test

setup-e2e:
	@.ci/setup e2e

setup-bench:
	@.ci/setup bench

clean: ## remove what was built (never ./data)
	rm -rf bin coverage.out .ci/out dashboards/static/dist/editor.* dashboards/static/dist/licences.txt
