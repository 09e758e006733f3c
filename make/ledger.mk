##@ The ledger and the door
.PHONY: soak
soak: ## a million operations on the ledger; 100,000 connections at the door (minutes)
	$(CARGO) build --release --locked -p ledger-soak
	target/release/ledger-soak --operations 1000000 --processes 64
	$(SUDO) target/release/door-soak
