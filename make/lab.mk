# The lab in a box: tests/lab/lab does the work, docs/lab.md explains it.

comma := ,
# Whoever is not root builds as themselves, and only then are they root.
SUDO := $(if $(filter-out 0,$(shell id -u)),$(if $(shell command -v sudo),sudo --preserve-env=DS01_LAB_NAME$(comma)DS01_LAB_CACHE$(comma)DS01_LAB_MIRROR$(comma)DS01_LAB_WORLD))
LAB := $(SUDO) tests/lab/lab
TESTS += check-lab

# What the lab and the Docker tests stand on; root has it installed.
.PHONY: lab-needs
lab-needs:
	@if ((EUID == 0)); then tests/lab/needs && tests/dockerd/engine >/dev/null && \
	  { { tests/dockerd/later && tests/lab/clients compose; } >/dev/null || \
	    echo "make: what a later Debian release brings is not tested" >&2; }; \
	else echo "make: not root, so the Docker tests are skipped" >&2; fi
needs: lab-needs

##@ A lab in a box
.PHONY: lab
lab: lab-built ## start it: real systemd, real Docker, simulated GPUs, some users
	@$(LAB) up

.PHONY: lab-built
lab-built:
	@$(CARGO) build --release --locked --quiet -p ds01 -p dfilter -p admit -p docker-wrap -p nvml-sim

.PHONY: lab-shell
lab-shell: ## be somebody in it: make lab-shell USER=alice
	@$(LAB) shell $(call lab-user)

# make itself ends with 2 whenever a command fails; $(LAB) run passes the code through.
.PHONY: lab-run
lab-run: ## run a command in it: make lab-run USER=alice CMD='docker ps'
	@$(LAB) run $(call lab-user) -- bash -c "$$LAB_CMD"

.PHONY: lab-logs
lab-logs: ## its journal
	@$(LAB) logs

.PHONY: lab-reset
lab-reset: lab-built ## throw away what is in it and start anew
	@$(LAB) reset

.PHONY: lab-down
lab-down: ## end it and remove it
	@$(LAB) down

.PHONY: check-lab
check-lab: build lab-needs
	$(SUDO) tests/lab/test

# USER comes from the environment too, and there it is whoever runs make.
# As it was typed: a $HOME in it is the box's.
export LAB_CMD = $(value CMD)
lab-user = $(if $(filter command line,$(origin USER)),'$(USER)',$(error $@ needs a name: make $@ USER=alice))
