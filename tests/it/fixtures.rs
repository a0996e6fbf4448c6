//! The fixtures are what their manifest says, and each of them is used by a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use retake_chain::ContentRef;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Names of the files in a folder whose names end so.
fn files(folder: &Path, end: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name that is text"));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(end)).collect();
    names.sort();
    names
}

#[test]
fn every_built_actor_is_the_one_of_the_manifest() {
    let actors = folder("fixtures/actors");
    let manifest = fs::read_to_string(actors.join("MANIFEST.sha256")).expect("the manifest");
    let named: BTreeMap<String, String> = manifest
        .lines()
        .map(|line| line.split_once("  ").unwrap_or_else(|| panic!("not a line of sha256sum: {line}")))
        .map(|(digest, name)| (name.to_string(), digest.to_string()))
        .collect();
    let digest = |name: String| {
        let bytes = fs::read(actors.join(&name)).expect("the actor can be read");
        (name, ContentRef::of(&bytes).to_string())
    };
    let found: BTreeMap<String, String> = files(&actors, ".wasm").into_iter().map(digest).collect();

    assert_eq!(found, named);
}

#[test]
fn every_actor_is_used_by_a_test() {
    let tests = folder("tests/it");
    let sources = files(&tests, ".rs").into_iter().filter(|name| name != "fixtures.rs");
    let sources: String = sources.map(|name| fs::read_to_string(tests.join(name)).expect("a test")).collect();
    let actors = folder("fixtures/actors");

    for name in [files(&actors, ".wasm"), files(&actors, ".wat")].concat() {
        assert!(sources.contains(&format!("\"{name}\"")), "no test uses the fixture {name}");
    }
}
