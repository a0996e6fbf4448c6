//! Owns runs of the built binary: each in a temporary folder, with its exit code and all that it printed.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread;

use tempfile::TempDir;

use super::served::Served;
use super::take::Take;

/// The path of a fixture actor.
pub fn actor(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/actors").join(name);
    assert!(path.is_file(), "the fixture {} is missing", path.display());
    path.into_os_string().into_string().expect("the repository's path is text")
}

/// An empty folder that commands run in; it goes away with its content.
pub struct Sandbox {
    folder: TempDir,
    /// Where compiled code is kept: not in the user's own folder.
    cache: PathBuf,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        // Tests share a cache, since what they run is the same few actors.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-cache");
        Sandbox { folder: tempfile::tempdir().expect("a temporary folder"), cache }
    }

    /// One with a code cache of its own, in the folder.
    pub fn with_cache(name: &str) -> Sandbox {
        let sandbox = Sandbox::new();
        Sandbox { cache: sandbox.path(name), ..sandbox }
    }

    /// The absolute path of a name in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text, for a command line.
    pub fn arg(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("a temporary folder's path is text")
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Puts a copy of a fixture actor into the folder, under the same name.
    pub fn copy_actor(&self, name: &str) {
        self.write(name, std::fs::read(actor(name)).expect("the fixture can be read"));
    }

    pub fn remove_if_there(&self, name: &str) {
        match std::fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{name}: {error}"),
            _ => {}
        }
    }

    pub fn create_folder(&self, name: &str) {
        std::fs::create_dir(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Everything in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder is there");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("an entry").file_name().into_string().expect("a name that is text")
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    /// The events of a take in the folder.
    pub fn take(&self, name: &str) -> Take {
        Take::read(&self.read(name))
    }

    /// A command of the binary in this folder, for what [`retake`](Self::retake) cannot say.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        self.prepared(Command::new(env!("CARGO_BIN_EXE_retake")), args)
    }

    /// The same behind these commands of a shell, for bounds that only a process can set for itself.
    pub fn command_behind<A: AsRef<OsStr>>(&self, shell: &str, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new("bash");
        command.arg("-c").arg(format!("{shell}; exec \"$0\" \"$@\"")).arg(env!("CARGO_BIN_EXE_retake"));
        self.prepared(command, args)
    }

    /// Any command in this folder, with the binary's environment.
    pub fn prepared<A: AsRef<OsStr>>(
        &self,
        mut command: Command,
        args: impl IntoIterator<Item = A>,
    ) -> Command {
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("RETAKE_CACHE_DIR", &self.cache);
        // Of the CI system that the tests run in.
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        command
    }

    /// Runs the binary to its end.
    pub fn retake<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ended {
        Ended::of(self.command(args).output().expect("the binary starts"))
    }

    /// Runs the binary to its end, with `input` as its standard input.
    pub fn retake_with_stdin<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Ended {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_string();
        // A guest that does not read all of it is not a failure.
        let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().expect("the binary ends");
        let _ = writer.join().expect("the writer does not panic");
        Ended::of(output)
    }

    /// Verifies and replays a take; both must find nothing amiss.
    #[track_caller]
    pub fn assert_intact_and_identical(&self, take: &str) {
        self.retake(["verify", take]).expect(0).says(&["intact and sealed"]);
        self.retake(["replay", take]).expect(0).says(&["identical"]);
    }

    /// Records `requests` to an HTTP actor into `take`.
    pub fn record_requests(&self, actor: &str, requests: &[&str], take: &str) -> Ended {
        let mut args = vec!["record", actor, "-o", take];
        requests.iter().for_each(|request| args.extend(["--request", request]));
        self.retake(args).expect(0)
    }

    /// Starts to record an HTTP actor on a socket, into `take`.
    pub fn serve(&self, actor: &str, args: &[&str], take: &str) -> Served {
        let fixed = ["record", actor, "-o", take, "--http", "127.0.0.1:0"];
        Served::start(self.command(fixed.iter().chain(args)))
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code, or the signal.
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: Output) -> Ended {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Demands this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Ended {
        let Ended { status, stdout, stderr } = &self;
        assert!(
            status.code() == Some(code),
            "{status} instead of code {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        self
    }

    /// Demands that each of the words was printed, on stdout or stderr.
    #[track_caller]
    pub fn says(&self, words: &[&str]) {
        for word in words {
            assert!(
                self.stdout.contains(word) || self.stderr.contains(word),
                "nothing says {word:?}\n--- stdout\n{}\n--- stderr\n{}",
                self.stdout,
                self.stderr,
            );
        }
    }

    /// The lines of stdout as JSON values.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in this line:\n{line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The one JSON value that stdout is.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in this:\n{}", self.stdout))
    }
}
