//! `retake test`: replays a suite of takes, and ends as the gravest of its replays would.

use std::num::NonZero;
use std::thread;

use retake_verifier::{ExitCode, combine};

use crate::cache::Cache;
use crate::options::TestOptions;
use crate::printer::suite::{Printers, refuse_as_outputs, refused};
use crate::printer::{count, fail, list};
use crate::suite::{Limits, Suite, run};

pub fn run_suite(options: TestOptions) -> ExitCode {
    let suite = match Suite::load(&options) {
        Ok(suite) => suite,
        Err(error) => return refused(options.report.json, error.exit_code(), &error),
    };
    if options.list {
        return list::takes(&suite, options.report.json);
    }
    let inputs = suite.inputs();
    let inputs = inputs.iter().map(|(what, path)| (*what, &**path));
    if let Err(message) = refuse_as_outputs(&options.report, inputs) {
        return refused(options.report.json, ExitCode::Usage, &message);
    }
    let limits = Limits { jobs: options.jobs.map_or_else(cores, NonZero::get), fail_fast: options.fail_fast };
    let cache = Cache::open(&options.cache);
    let mut printers = Printers::of(&options.report);
    let end = run(&suite, &limits, cache.code(), |event| printers.hear(event));
    cache.report();
    if let (true, Some(partition)) = (suite.takes.is_empty(), suite.started.partition) {
        let of = count(suite.started.suite.takes, "take");
        let message = format!("partition {partition} has none of the suite's takes ({of}); use fewer");
        fail(ExitCode::Nothing, message);
    }
    combine([end.exit, printers.end()])
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
