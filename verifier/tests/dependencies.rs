//! The promise to an auditor: what checks a take is built without an async runtime and without an engine.

use std::process::Command;

#[test]
fn a_check_is_built_without_a_runtime_and_without_an_engine() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "retake-verifier", "--edges", "normal", "--prefix", "none"])
        .args(["--offline", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(tree.stdout).expect("names of packages");
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();

    assert!(names.contains(&"retake-chain"), "{tree}");
    for heavy in ["tokio", "futures", "wasmtime", "wasmtime-wasi", "hyper"] {
        assert!(!names.contains(&heavy), "{heavy} is built for a check:\n{tree}");
    }
}
