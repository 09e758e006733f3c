# The simulated GPU library and the programs of others that run on it.

TESTS += check-nvml

.PHONY: check-nvml
check-nvml: build
	tests/nvml-sim/clients.sh
