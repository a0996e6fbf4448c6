//! Every seed of the fuzz targets keeps the targets' promises, and is still accepted or refused as its name
//! says.

#[path = "../../fuzz/src/promises/mod.rs"]
mod promises;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds")
}

/// Names of what is in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
}

#[track_caller]
fn assert_outcomes(target: &str) {
    let property = promises::TARGETS.iter().find(|(name, _)| *name == target).expect("a target").1;
    let folder = seeds().join(target);
    let mut outcomes = BTreeSet::new();
    for name in names(&folder) {
        println!("{target}/{name}");
        let outcome =
            if property(&fs::read(folder.join(&name)).expect("a seed")) { "accepted" } else { "refused" };
        assert!(name.starts_with(outcome), "{target}/{name} is {outcome}");
        outcomes.insert(outcome);
    }
    assert!(outcomes.contains("accepted"), "no seed of {target} gets to the end");
}

#[test]
fn every_target_that_begins_with_seeds_has_some() {
    let targets: BTreeSet<String> = promises::TARGETS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names(&seeds()), targets);
}

macro_rules! seeds_keep_their_promises {
    ($($target:ident),*) => {$(
        #[test]
        fn $target() {
            assert_outcomes(stringify!($target));
        }
    )*};
}

seeds_keep_their_promises!(instrument, log_reader, log_records, value_decoder);
