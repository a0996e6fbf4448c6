//! Owns runs under strace: which files a process and its threads named to the kernel, and what they did with
//! sockets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::sandbox::{Ended, Sandbox};

/// All system calls that take a path, all that have to do with sockets, and the way around both. A question
/// mark is for those that not every kernel or processor has.
const TRACED: &str = "trace=%file,%network,?io_uring_setup,?io_uring_enter";

/// What a process asked the kernel for.
pub struct Trace {
    calls: Vec<String>,
}

/// Runs the binary under strace.
#[track_caller]
pub fn traced(sandbox: &Sandbox, args: &[&str]) -> (Ended, Trace) {
    let log = sandbox.path("strace.log");
    let mut options = vec!["-f", "-qq", "-y", "-s", "4096", "-e", TRACED, "-e", "signal=none", "-o"];
    let log_path = log.to_str().expect("a temporary folder's path is text");
    options.extend([log_path, "--", env!("CARGO_BIN_EXE_retake")]);
    let mut command = sandbox.prepared(Command::new("strace"), options.iter().chain(args));
    // The test runner's own, which the loader would look through first.
    command.env_remove("LD_LIBRARY_PATH");
    let output = command.output().unwrap_or_else(|error| {
        panic!("strace cannot be started ({error}); install it, this test cannot do without")
    });
    let ended = Ended::of(output);
    let calls: Vec<String> =
        fs::read_to_string(&log).unwrap_or_default().lines().map(|line| call(line).to_string()).collect();
    assert!(
        calls.first().is_some_and(|call| call.starts_with("execve(")),
        "strace cannot trace here, and this test cannot do without; \
         allow it to (ptrace: in a container `--cap-add SYS_PTRACE`). It says:\n{}",
        ended.stderr,
    );
    (ended, Trace { calls })
}

/// A line without the process that it is of.
fn call(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start()
}

impl Trace {
    /// Every path in a call, whether there is anything or not; the program itself, which is first, is left
    /// out.
    pub fn paths(&self) -> Vec<PathBuf> {
        let file_calls =
            self.calls.iter().skip(1).filter(|call| !is_other(call) && !call.starts_with("<..."));
        file_calls.flat_map(|call| paths(call)).collect()
    }

    /// Calls that have to do with sockets, and those that can do anything.
    pub fn others(&self) -> Vec<&str> {
        self.calls.iter().skip(1).map(String::as_str).filter(|call| is_other(call)).collect()
    }
}

/// Whether a call is not one that only takes a path.
fn is_other(call: &str) -> bool {
    const OTHERS: &[&str] = &[
        "socket", "connect", "bind", "listen", "accept", "send", "recv", "getsock", "setsock", "getpeer",
        "shutdown", "io_uring", "exec",
    ];
    OTHERS.iter().any(|name| call.starts_with(name))
}

/// The quoted paths of a call; a relative one is of the folder that `-y` names before it.
fn paths(call: &str) -> Vec<PathBuf> {
    let mut parts = call.split('"');
    let mut before = parts.next().unwrap_or_default();
    let mut paths = Vec::new();
    while let (Some(path), Some(behind)) = (parts.next(), parts.next()) {
        let folder = before.rsplit_once('<').and_then(|(_, name)| name.split_once('>')).map(|(name, _)| name);
        if !path.is_empty() {
            paths.push(Path::new(folder.unwrap_or("/")).join(path));
        }
        before = behind;
    }
    paths
}
