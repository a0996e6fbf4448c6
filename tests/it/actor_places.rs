//! The component of a take is looked for at the recorded path, from here and from the take's folder, and
//! beside the take. The one that was recorded is taken wherever it lies; what else lies at one of these
//! places is in nobody's way, and is named only if none has it.

use std::fs;

use crate::support::{Sandbox, actor};

/// A take `takes/it.take` of `build/it.wat`, which is gone.
fn lost() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["build", "takes", "takes/build"] {
        sandbox.create_folder(folder);
    }
    fs::copy(actor("hello.wat"), sandbox.path("build/it.wat")).expect("the fixture");
    sandbox.retake(["record", "build/it.wat", "-o", "takes/it.take"]).expect(0);
    sandbox.remove_if_there("build/it.wat");
    sandbox
}

/// What may lie at the places before the right one.
fn others() -> Vec<Vec<u8>> {
    let read = |name: &str| fs::read(actor(name)).expect("the fixture");
    vec![read("exit.wat"), read("agent.wasm"), b"not a component".to_vec(), Vec::new()]
}

const PLACES: [&str; 3] = ["build/it.wat", "takes/build/it.wat", "takes/it.wat"];

#[test]
fn the_recorded_component_is_found_at_each_place_whatever_lies_at_the_others() {
    for place in PLACES {
        for other in others() {
            let sandbox = lost();
            PLACES.iter().filter(|path| **path != place).for_each(|path| sandbox.write(path, &other));
            fs::copy(actor("hello.wat"), sandbox.path(place)).expect("the fixture");
            sandbox.retake(["replay", "takes/it.take"]).expect(0).says(&["identical"]);
            sandbox.retake(["test", "takes"]).expect(0).says(&["1 take ran the recorded build"]);
        }
    }
}

#[test]
fn if_no_place_has_it_all_are_named_with_what_lies_there() {
    let sandbox = lost();
    sandbox.write("build/it.wat", fs::read(actor("exit.wat")).expect("the fixture"));
    sandbox.write("takes/build/it.wat", "not a component");

    let refused = sandbox.retake(["replay", "takes/it.take"]).expect(4);

    let recorded = sandbox.retake(["verify", "--json", "takes/it.take"]).expect(0).json();
    refused.says(&[
        recorded["actor"].as_str().expect("a digest"),
        "`build/it.wat` is not the component that was recorded: its SHA-256 is ",
        "`takes/build/it.wat` is not an actor: ",
        "`takes/it.wat` cannot be read: No such file",
        "`--actor`",
    ]);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
}
