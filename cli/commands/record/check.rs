//! `retake record --check`: the replay of a take that was just recorded. With `--repeat` there are several,
//! each under a change that a deterministic actor cannot observe.

use std::path::Path;
use std::sync::Arc;

use retake_replayer::{MemoryUse, Perturbation, ReplayError, ReplayOptions, Timeouts};
use retake_verifier::{ExitCode, ReplayReport, Verdict, combine};

use crate::cache::Cache;
use crate::console::fail;
use crate::printer::{Printer, Repeat};
use crate::takes::ActorFiles;
use crate::words::replay::{exit_code, not_replayed};

/// Replays the take once.
pub fn once(printer: &dyn Printer, take: &Path, cache: &Cache, timeouts: Timeouts) -> ExitCode {
    let options = ReplayOptions { code_cache: cache.code(), timeouts, ..ReplayOptions::default() };
    match ActorFiles::default().replay(take, None, options) {
        Ok(report) => {
            printer.checked(take, &report);
            report.exit_code()
        }
        Err(error) => fail(exit_code(&error), format!("`{}`: {}", take.display(), not_replayed(&error))),
    }
}

/// Replays the take `times` times, and names the perturbations under which it is not identical.
pub fn repeated(printer: &dyn Printer, take: &Path, times: u16, timeouts: Timeouts) -> ExitCode {
    let actors = ActorFiles::default();
    let used = Arc::new(MemoryUse::default());
    let mut exits = Vec::new();
    let mut differ: Vec<Perturbation> = Vec::new();
    for (round, perturbation) in (1..=times).zip(Perturbation::ALL.into_iter().cycle()) {
        let mut options = perturbation.options(&used);
        options.timeouts = timeouts;
        // The first replay is like the recording.
        options.memory_use = (round == 1).then(|| used.clone());
        let replayed = actors.replay(take, None, options);
        if !is_same(&replayed) && !differ.contains(&perturbation) {
            differ.push(perturbation);
        }
        exits.push(match replayed {
            Ok(report) => {
                printer.repeated(take, &Repeat { round, times, perturbation }, &report);
                report.exit_code()
            }
            Err(error) => fail(
                exit_code(&error),
                format!("`{}`, {perturbation}: {}", take.display(), not_replayed(&error)),
            ),
        });
    }
    let exit = combine(exits);
    printer.repeats_ended(times, &differ, exit);
    exit
}

fn is_same(replayed: &Result<ReplayReport, ReplayError>) -> bool {
    let verdict = replayed.as_ref().map(|report| &report.verdict);
    matches!(verdict, Ok(Verdict::Identical | Verdict::NothingToCheck))
}
