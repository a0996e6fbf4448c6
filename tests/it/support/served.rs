//! Owns a recorder that serves an HTTP actor: its address, its stderr line by line, and the signals that end
//! it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command};

use rustix::process::{Pid, Signal, kill_process};

use super::http::{Client, Upload};
use super::sandbox::Ended;

/// A process that serves; it is killed if the test ends before it does.
pub struct Served {
    pub address: SocketAddr,
    process: Running,
}

/// A process of the binary that has not ended yet.
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// What has been read of stderr.
    said: String,
}

impl Served {
    /// Starts the command and waits for the line that names its address.
    pub fn start(command: Command) -> Served {
        let mut process = Running::start(command);
        let first = process.next_line();
        let address = first.rsplit_once("listening on http://").and_then(|(_, address)| address.parse().ok());
        let Some(address) = address else {
            let ended = process.ended();
            panic!("the first line on stderr names no address: {first:?}, then: {ended:?}");
        };
        Served { address, process }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// An `/echo` of the fixture `http-edge` in the middle of its body: the actor has answered `first`, and
    /// waits for more.
    pub fn upload(&self, first: &[u8]) -> Upload {
        Upload::begin(self.address, first)
    }

    /// Sends SIGTERM, and returns when the recorder says that it has got it.
    pub fn terminate(&mut self) {
        self.process.terminate();
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for the end.
    pub fn ended(self) -> Ended {
        self.process.ended()
    }

    /// Ends the session with SIGTERM, which must leave a sealed take.
    #[track_caller]
    pub fn stop(mut self) -> Ended {
        self.terminate();
        self.ended().expect(0)
    }

    /// Ends the process with SIGKILL, and returns when it is dead.
    pub fn kill(mut self) {
        self.process.child.kill().expect("the process is there");
        let status = self.process.child.wait().expect("the process ends");
        assert_eq!(status.code(), None, "it ended before the signal:\n{}", self.process.said);
    }
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let mut child = command.spawn().expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        Running { child, stderr, said: String::new() }
    }

    /// Its standard input, of a command that was given a pipe.
    pub fn stdin(&mut self) -> &mut std::process::ChildStdin {
        self.child.stdin.as_mut().expect("it is piped")
    }

    /// The next line on stderr, without its end.
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("stderr is UTF-8");
        self.said.push_str(&line);
        line.trim_end().to_string()
    }

    /// Sends SIGTERM, and returns when the process says that it stops.
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
        loop {
            let line = self.next_line();
            assert!(!line.is_empty(), "it does not say that it stops:\n{}", self.said);
            if line.contains("stopping") {
                return;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    pub fn ended(mut self) -> Ended {
        // What is printed on stdout meanwhile fits the pipe.
        self.stderr.read_to_string(&mut self.said).expect("stderr is UTF-8");
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("it is piped");
        pipe.read_to_string(&mut stdout).expect("stdout is UTF-8");
        let status = self.child.wait().expect("the process ends");
        Ended { status, stdout, stderr: std::mem::take(&mut self.said) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a test that failed; a process that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
