# Minuet's commands. 'make localnet' and 'make test' work on a fresh machine: what is missing is installed first.
# CARGO_TARGET_DIR moves the build outputs. ARGS goes to the program, as in: make localnet ARGS='--validators 4'

export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
MINUET := $(TARGET_DIR)/release/minuet
CARGO ?= cargo

# Standard output is the program's where it runs ('localnet', 'breakdown'): set-up and cargo speak on standard error.
# Always the whole workspace: building crates one by one resolves features differently and would compile RocksDB again.
BUILD_FLAGS := --release --workspace --locked

.PHONY: help setup build localnet test chaos-smoke fuzz fuzz-corpora model seeded-bugs seeded-simulations lint bench bench-report breakdown flamegraph clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## Install missing build tools (compiler, libclang, Rust); nothing if they are there
	@bash scripts/setup.sh $(SETUP_FOR)
	@if [ ! -d "$(TARGET_DIR)/release" ]; then \
		echo "First build: RocksDB alone takes about 12 minutes on two cores; later builds take seconds to a few minutes." >&2; \
	fi

build: setup ## Build the program
	@$(CARGO) build $(BUILD_FLAGS)

localnet: build ## Run a network of six validators on this machine (ARGS='--for 60 --json')
	@$(MINUET) localnet $(ARGS)

# What only tests use is installed for them alone.
test: SETUP_FOR := tests
test: setup ## Run all tests
	$(CARGO) test $(BUILD_FLAGS)

chaos-smoke: setup ## Kill, pause, double and rob real processes for about 5 minutes
	MINUET_CHAOS=smoke $(CARGO) test $(BUILD_FLAGS) --test chaos

fuzz: ## Fuzz every target with cargo-fuzz (FUZZ_SECONDS=60 each, FUZZ_TARGETS='frame certificate')
	@bash scripts/fuzz.sh

fuzz-corpora: setup ## Run the saved fuzzing inputs and mutants of them (MINUET_FUZZ_RUNS=N for each target)
	$(CARGO) test $(BUILD_FLAGS) --test corpora --bin minuet -- --nocapture every_saved

model: build ## Search three views of the rules, at least 10 million states (ARGS='--views 2 --byzantine 1' searches all of two)
	$(TARGET_DIR)/release/minuet-model $(or $(ARGS),--views 3 --steps 60000000)

seeded-bugs: build ## Break every rule in turn and print what the model catches it with
	$(TARGET_DIR)/release/minuet-model --seeded-bugs

seeded-simulations: build ## Break every rule in turn and search the seed with which the simulator catches it
	$(TARGET_DIR)/release/minuet-seeded $(ARGS)

lint: setup ## Check formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(BUILD_FLAGS) --all-targets -- -D warnings

bench: setup ## Run the micro-benchmarks (several minutes; ARGS=--quick, or a part of names: ARGS=validation::whole)
	$(CARGO) bench --workspace --locked --benches -- $(ARGS)

breakdown: build ## Show where the time of a transfer and of a view goes (ARGS='--rate 1000 --duration 20')
	@$(MINUET) breakdown $(ARGS)

# So is what only flame graphs need.
flamegraph: SETUP_FOR := flamegraph
flamegraph: build ## Draw where six validators spend their processor time under load (RATE=1000; closed loop by default)
	@bash scripts/flamegraph.sh

bench-report: build ## Measure whole networks and write docs/benchmarks.md, half an hour (ARGS='--quick', '--render-only')
	$(TARGET_DIR)/release/minuet-report $(ARGS)

clean: ## Delete build outputs
	$(CARGO) clean
