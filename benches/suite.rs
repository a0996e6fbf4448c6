//! What `retake test` saves, as ratios within one run: a suite in one process against a process per take, two
//! jobs against one, and the calls of a long take beside each other against in order. The two sides of a
//! ratio take turns, so that a slow phase of the machine meets both; the ratio is the median of the rounds'
//! ratios.
//!
//!     cargo bench --bench suite [-- ROUNDS] [WORD-OF-THE-ROWS]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

const TAKES: usize = 1000;
const CALLS: usize = 100;
/// Host calls of a call in the suite.
const READINGS: usize = 2;
const ROUNDS: usize = 5;

/// A folder with an actor, its takes, and compiled code.
struct Bench {
    folder: TempDir,
}

/// How many rounds there are, and which rows.
struct Wanted {
    rounds: usize,
    word: String,
}

/// One side of a ratio.
type Side<'a> = (&'a str, Box<dyn Fn() + 'a>);

fn main() {
    let args = || std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let wanted = Wanted {
        rounds: args().find_map(|arg| arg.parse().ok()).unwrap_or(ROUNDS),
        word: args().find(|arg| arg.parse::<usize>().is_err()).unwrap_or_default(),
    };
    let bench = Bench { folder: tempfile::tempdir().expect("a temporary folder") };
    bench.prepare();
    let takes: Vec<String> = (0..TAKES).map(|number| format!("takes/{number:04}.take")).collect();
    let one = |take: &str, jobs: &'static str| bench.retake(&["test", take, "--jobs", jobs]);
    let each = || takes.iter().for_each(|take| bench.retake(&["replay", take]));
    let suite = |jobs| move |bench: &Bench| bench.retake(&["test", "takes", "--jobs", jobs]);
    let (one_job, two_jobs) = (suite("1"), suite("2"));

    println!("| compared | first | second | ratio | of the rounds |");
    println!("|---|---:|---:|---:|---|");
    let process: Side = ("a process per take", Box::new(each));
    ratio(&wanted, process, ("one `retake test`, 1 job", Box::new(|| one_job(&bench))));
    let process: Side = ("a process per take", Box::new(each));
    ratio(&wanted, process, ("one `retake test`, 2 jobs", Box::new(|| two_jobs(&bench))));
    let suite: Side = ("the suite, 1 job", Box::new(|| one_job(&bench)));
    ratio(&wanted, suite, ("2 jobs", Box::new(|| two_jobs(&bench))));
    for (take, what) in
        [("calling.take", "a long take of host calls"), ("computing.take", "one that computes")]
    {
        let in_order = format!("{what}, in order");
        let in_order: Side = (&in_order, Box::new(|| one(take, "1")));
        ratio(&wanted, in_order, ("its calls beside each other, 2 jobs", Box::new(|| one(take, "2"))));
    }
}

/// Measures two sides in turns, and prints a row.
fn ratio(wanted: &Wanted, (first, run_first): Side<'_>, (second, run_second): Side<'_>) {
    if !format!("{first} : {second}").contains(&wanted.word) {
        return;
    }
    let seconds = |run: &dyn Fn()| {
        let begin = Instant::now();
        run();
        begin.elapsed().as_secs_f64()
    };
    let times: Vec<(f64, f64)> =
        (0..wanted.rounds).map(|_| (seconds(&*run_first), seconds(&*run_second))).collect();
    let mut ratios: Vec<f64> = times.iter().map(|(first, second)| first / second).collect();
    let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    let (first_s, second_s) = (times.iter().map(|times| times.0), times.iter().map(|times| times.1));
    println!(
        "| {first} : {second} | {:.2} s | {:.2} s | {:.2} | {} |",
        median(&mut first_s.collect::<Vec<_>>()),
        median(&mut second_s.collect::<Vec<_>>()),
        median(&mut ratios),
        all.join(", "),
    );
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the binary; it must succeed.
    fn retake(&self, args: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_retake"));
        command.args(args).current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("RETAKE_CACHE_DIR", self.path("cache"));
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        let status = command.status().expect("the binary starts");
        assert!(status.success(), "{args:?}: {status}");
    }

    /// Records a session of so many calls, and replays it once, so that its code is compiled.
    fn record(&self, actor: &str, calls: usize, readings: usize, take: &str) {
        let lines = format!("work({readings})\n").repeat(calls);
        std::fs::write(self.path("calls.txt"), lines).expect("a file");
        self.retake(&["record", actor, "--calls", "calls.txt", "--durability", "none", "-o", take]);
        self.retake(&["replay", take]);
        self.retake(&["test", take]);
    }

    fn prepare(&self) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/actors/clock-calls.wat");
        let source = std::fs::read_to_string(source).expect("the fixture");
        std::fs::write(self.path("calling.wat"), &source).expect("a file");
        let computing = source.replacen("(nop) ;; CHANGE", COMPUTING, 1);
        assert_ne!(source, computing);
        std::fs::write(self.path("computing.wat"), computing).expect("a file");
        std::fs::create_dir(self.path("takes")).expect("a folder");
        self.record("calling.wat", CALLS, READINGS, "takes/0000.take");
        let take = std::fs::read(self.path("takes/0000.take")).expect("the take");
        for number in 1..TAKES {
            std::fs::write(self.path(&format!("takes/{number:04}.take")), &take).expect("a file");
        }
        self.record("calling.wat", 20_000, 10, "calling.take");
        self.record("computing.wat", 2_000, 10, "computing.take");
    }
}

/// About a millisecond of computing.
const COMPUTING: &str = "(local $left i32)
    (local.set $left (i32.const 1000000))
    (loop $on (br_if $on (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))";
