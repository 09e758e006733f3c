# Broken input for what reads people's text. A debug build: overflows are panics there.
FUZZ_SECONDS ?= 30

##@ Looking for trouble
.PHONY: fuzz
fuzz: ## throw broken input at the readers for FUZZ_SECONDS (30)
	$(CARGO) run -q --locked -p fuzz -- --seconds $(FUZZ_SECONDS)

TESTS += fuzz
