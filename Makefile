# ds01: build, check and install. `make help` lists the targets.
#
# Nothing outside this tree is changed, except by install, uninstall, needs (Debian's
# packages) and lab (a box of its own).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
CARGO ?= cargo
# One multicall file with a link for each command; SEPARATE=1 installs a file for each.
SEPARATE ?=

BIN := $(DESTDIR)$(PREFIX)/bin
LIBEXEC := $(DESTDIR)$(PREFIX)/lib/ds01
MAN := $(DESTDIR)$(PREFIX)/share/man
SHARE := $(DESTDIR)$(PREFIX)/share/ds01
BASH_COMPLETIONS := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
UNITS := $(DESTDIR)$(PREFIX)/lib/systemd/system
FISH_COMPLETIONS := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d

# Every shell file that is ours.
SHELL_FILES = $(shell git ls-files -co --exclude-standard | xargs -r grep -lE '^\#!/usr/bin/env (bash|bats)' -- 2>/dev/null)

include $(wildcard make/*.mk)

##@ Every day
.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## every command under its own name in target/release/
	$(CARGO) build --release --workspace --locked

.PHONY: test
test: needs lint unit build check-install $(TESTS) ## all there is to check; what CI runs
	@echo "make test: every part passed"

.PHONY: unit
unit: ## the Rust tests
	$(CARGO) test --workspace --locked

.PHONY: lint
lint: needs ## formatting, clippy, shellcheck, shfmt, man pages, completions, derived tables
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	shellcheck $(SHELL_FILES)
	shfmt -d -i 2 -ci $(SHELL_FILES)
	$(CARGO) run -q --locked -p pages -- man --check
	$(CARGO) run -q --locked -p pages -- completions --check
	$(CARGO) run -q --locked -p pages -- readme --check
	packaging/lint-man man/*

.PHONY: man
man: ## refresh the OPTIONS part of every man page, and the tables of commands
	$(CARGO) run -q -p pages -- man
	$(CARGO) run -q -p pages -- readme

.PHONY: completions
completions: ## refresh completions/ for bash, zsh and fish
	$(CARGO) run -q -p pages -- completions

.PHONY: bench
bench: build ## ours beside what people use today, in one run, with ratios
	bench/run

.PHONY: needs
needs: ## install what building and testing need (Debian's packages, as root)
	@packaging/needs

##@ Installing
.PHONY: install
install: ## commands, man pages, completions, guide under PREFIX (DESTDIR for packages)
	@test -x target/release/ds01 || { echo "make install: nothing is built yet; run \`make build\` first" >&2; exit 1; }
	install -d $(BIN) $(LIBEXEC) $(MAN)/man1 $(MAN)/man5 $(MAN)/man7 $(SHARE)
	packaging/install-commands $(if $(SEPARATE),--separate) target/release $(LIBEXEC) $(BIN)
	for page in man/*.[157]; do install -m 644 "$$page" "$(MAN)/man$${page##*.}/"; done
	target/release/ds01 --aliases | while read -r alias own; do ln -sfn "$$own.1" "$(MAN)/man1/$$alias.1"; done
	install -d $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS)
	install -m 644 completions/bash/* $(BASH_COMPLETIONS)/
	install -m 644 completions/zsh/* $(ZSH_COMPLETIONS)/
	install -m 644 completions/fish/* $(FISH_COMPLETIONS)/
	install -d $(UNITS)
	for unit in packaging/systemd/*; do sed 's|@BIN@|$(PREFIX)/bin|g' "$$unit" >"$(UNITS)/$${unit##*/}"; done
	cp -r --no-preserve=mode,ownership share/. $(SHARE)/

.PHONY: uninstall
uninstall: ## remove what install put there; config, state and logs stay
	packaging/uninstall $(LIBEXEC) $(BIN) $(MAN) $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS) $(SHARE) $(UNITS)

.PHONY: check-install
check-install: build
	tests/install
