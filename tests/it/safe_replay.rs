//! A replay reaches nothing: of an actor that used files and the network when it was recorded, the replay
//! opens the take, the component and the code cache, and no socket at all. The kernel is asked, through
//! strace.

use std::path::{Path, PathBuf};

use crate::support::{Model, Sandbox, Trace, actor, traced};

/// What the loader, libc and Rust's library read when a process or a thread starts, and no actor chooses.
const START_UP: &[&str] = &[
    "/etc/ld.so.preload",
    "/etc/ld.so.cache",
    // The main thread's stack.
    "/proc/self/maps",
    // How many processors there are.
    "/proc/self/cgroup",
    "/sys/devices/system/cpu",
    "/sys/devices/system/cpu/online",
    // Whether the allocator of a further thread may reserve memory.
    "/proc/sys/vm/overcommit_memory",
];

/// Limits on processors are spread over the folders of a hierarchy, for the same count.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// The libraries that the binary is linked to, wherever they are.
const LIBRARIES: &[&str] =
    &["libgcc_s.so.1", "libm.so.6", "libc.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"];

fn is_of_start_up(path: &Path) -> bool {
    let is = |list: &[&str], name: Option<&str>| name.is_some_and(|name| list.contains(&name));
    is(START_UP, path.to_str())
        || is(LIBRARIES, path.file_name().and_then(|name| name.to_str()))
        || path.starts_with(CONTROL_GROUPS)
}

/// Demands that a replay named these files and what is in the cache, and nothing else, and no socket.
#[track_caller]
fn reached_only(sandbox: &Sandbox, trace: &Trace, files: &[&Path]) {
    let cache = sandbox.path("cache");
    let paths = trace.paths();
    // Whether the cache can be trusted depends on who may write to the folders that it is in.
    let is_of_cache = |path: &Path| path.starts_with(&cache) || cache.starts_with(path);
    let foreign: Vec<&PathBuf> = paths
        .iter()
        .filter(|path| !files.contains(&path.as_path()) && !is_of_cache(path) && !is_of_start_up(path))
        .collect();
    assert!(foreign.is_empty(), "the replay reached {foreign:?}");
    assert_eq!(trace.others(), [] as [&str; 0]);
    for file in files {
        assert!(paths.iter().any(|path| path == file), "the trace does not show {}", file.display());
    }
    assert!(paths.iter().any(|path| path.starts_with(&cache)), "the trace does not show the cache");
}

/// Replays a take twice, with nothing in the cache and then from it.
#[track_caller]
fn replays_reaching_only(sandbox: &Sandbox, files: &[&Path]) {
    for _ in 0..2 {
        let (replayed, trace) = traced(sandbox, &["replay", "it.take"]);
        replayed.expect(0).says(&["identical"]);
        reached_only(sandbox, &trace, files);
    }
}

/// A sandbox with a code cache of its own.
fn sandbox() -> Sandbox {
    Sandbox::with_cache("cache")
}

#[test]
fn the_replay_of_a_command_that_read_files_opens_none() {
    let sandbox = sandbox();
    sandbox.create_folder("data");
    sandbox.write("data/input.txt", "from a file\n");
    let (folder, command) = (format!("{}::/data", sandbox.arg("data")), actor("command.wasm"));
    let guest = ["--", "--dir", "/data", "--time", "--random"];
    let args = ["record", &command, "-o", "it.take", "--dir", &folder];
    let (recorded, trace) = traced(&sandbox, &[&args[..], &guest].concat());
    recorded.expect(0).says(&["input.txt"]);
    let input = sandbox.path("data/input.txt");
    assert!(trace.paths().contains(&input), "strace does not see what an actor reads: {:?}", trace.paths());

    replays_reaching_only(&sandbox, &[&sandbox.path("it.take"), Path::new(&command)]);
}

#[test]
fn the_replay_of_an_agent_that_asked_its_model_makes_no_socket() {
    for (options, carries_its_actor) in [(&[][..], false), (&["--embed", "--fuel", "1000000000"], true)] {
        let (sandbox, model, agent) = (sandbox(), Model::answering(&["an answer"]), actor("agent.wasm"));
        let url = format!("MODEL_URL={}", model.url());
        let args = ["record", &agent, "-o", "it.take", "--allow-net", "--env", &url];
        let request = ["--request", "POST /ask a question"];
        let (recorded, trace) = traced(&sandbox, &[&args[..], &request, options].concat());
        recorded.expect(0).says(&["200 "]);
        let connects = trace.others().iter().any(|call| call.starts_with("connect("));
        assert!(connects, "strace does not see what an actor connects to: {:?}", trace.others());

        let take = sandbox.path("it.take");
        let files = [&take, Path::new(&agent)];
        replays_reaching_only(&sandbox, if carries_its_actor { &files[..1] } else { &files });
        assert_eq!(model.stop().len(), 1, "the replay asked the model again");
    }
}

#[test]
fn a_suite_opens_no_socket() {
    let sandbox = sandbox();
    sandbox.create_folder("takes");
    for take in ["takes/a.take", "takes/b.take"] {
        sandbox.record_requests(&actor("agent.wasm"), &["GET /"], take);
    }
    let (ended, trace) = traced(&sandbox, &["test", "takes", "--jobs", "2"]);
    ended.expect(0).says(&["2 passed"]);
    assert_eq!(trace.others(), [] as [&str; 0]);
}
