//! The bound on a code cache's size.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use retake_actor::{Actor, CodeCache, profile};
use wasmtime::Engine;

fn engine() -> Engine {
    profile::engine(&profile::default_profile()).expect("an engine")
}

/// A component that is like no other number's.
fn component(number: u32) -> Actor {
    let text = format!(
        r#"(component (core module $module (func (export "f") (result i32) (i32.const {number})))
            (core instance $main (instantiate $module))
            (func (export "f") (result u32) (canon lift (core func $main "f"))))"#
    );
    Actor::new(text.as_bytes()).expect("a component")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    entries.map(|entry| name(entry).into_string().expect("a name that is text")).collect()
}

#[test]
fn what_was_not_used_for_the_longest_time_goes_first() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let engine = engine();
    let cache = CodeCache::open(folder.path()).expect("a folder of ours");
    let compile = |cache: &CodeCache, number| {
        let before = names(folder.path());
        component(number).compile(&engine, Some(cache)).expect("it compiles");
        names(folder.path()).into_iter().find(|name| !before.contains(name))
    };
    let entries: Vec<String> = (0..3).map(|number| compile(&cache, number).expect("a new entry")).collect();
    let size = fs::metadata(folder.path().join(&entries[0])).expect("an entry").len();
    // The second was used long ago, and then again; the first and the third were not.
    for (entry, hours) in entries.iter().zip([2, 3, 1]) {
        let file = File::open(folder.path().join(entry)).expect("an entry");
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 60 * 60)).expect("a time");
    }
    assert_eq!(compile(&cache, 1), None);

    let cache = cache.with_max_bytes(size * 3 + size / 2);
    let newest = compile(&cache, 3).expect("a new entry");

    let mut left = names(folder.path());
    left.sort();
    let mut expected = [entries[1].clone(), entries[2].clone(), newest];
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(cache.trouble(), None);
}

#[test]
fn what_a_killed_process_left_goes_and_what_is_not_the_caches_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let long_ago = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    for name in [".retake-abandoned", "notes.txt", "short.code"] {
        let file = File::create(folder.path().join(name)).expect("a file");
        file.set_modified(long_ago).expect("a time");
    }
    File::create(folder.path().join(".retake-fresh")).expect("a file");

    let cache = CodeCache::open(folder.path()).expect("a folder of ours").with_max_bytes(1);
    component(0).compile(&engine(), Some(&cache)).expect("it compiles");
    assert_eq!(names(folder.path()).len(), 4, "an entry larger than all is not kept");

    let cache = cache.with_max_bytes(CodeCache::MAX_BYTES);
    component(0).compile(&engine(), Some(&cache)).expect("it compiles");
    let names = names(folder.path());
    assert_eq!(names.len(), 4);
    assert!(!names.contains(&".retake-abandoned".to_string()), "{names:?}");
}
