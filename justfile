# The commands of somebody who works on Retake; `just` alone lists them. Each is plain cargo or a script, so `just` is a convenience.

export CARGO_INCREMENTAL := "0"

[private]
default:
    @just --list --unsorted

# Format, lints and documentation: what the gate checks before it runs tests.
check:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# All tests, or those whose names contain NAME.
test *NAME:
    cargo test --locked --workspace {{ NAME }}

# The whole gate, as CI runs it.
gate:
    .ci/run

# Licences and banned crates.
deny:
    cargo deny --locked check licenses bans

# The benchmarks of the boundary; FILTER is `now`, `make`, `exchange` or `64`.
bench *FILTER:
    cargo bench --locked --bench boundary -- {{ FILTER }}

# Fuzz one target for SECONDS.
fuzz TARGET SECONDS="1200":
    fuzz/run {{ TARGET }} {{ SECONDS }}

# Build the actors of the tests again from their sources. ENV is the `env.sh` of the guest toolchain; see fixtures/rebuild.sh.
fixtures ENV *ACTORS:
    fixtures/rebuild.sh {{ ENV }} {{ ACTORS }}

# Write the broken takes of the tests again, where their recipes now make others.
bless:
    RETAKE_BLESS=1 cargo test --locked --test it takes

# The release binary.
release:
    cargo build --locked --release --bin retake
