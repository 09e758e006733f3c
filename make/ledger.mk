##@ The ledger
.PHONY: soak
soak: ## a million operations on the ledger by 64 processes, killed at random (minutes)
	$(CARGO) build --release --locked -p ledger-soak
	target/release/ledger-soak --operations 1000000 --processes 64
