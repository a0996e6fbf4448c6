//! `retake record --check`: the replay of a take that has just been recorded; with `--repeat`, several, each of them perturbed in a way
//! that a deterministic actor cannot tell.

use std::io;
use std::path::Path;
use std::sync::Arc;

use retake_replayer::{MemoryUse, Perturbation, ReplayOptions, Timeouts};
use retake_verifier::{ExitCode, Verdict, combine};

use crate::actors::Actors;
use crate::cache::Cache;
use crate::commands::replay::{exit_code, in_words};
use crate::printer::{fail, note, repeat, replay as printer};

/// Replays the take once. For people the answer goes to stderr, beside what was recorded.
pub fn once(take: &Path, cache: &Cache, timeouts: Timeouts, json: bool) -> ExitCode {
    let options = ReplayOptions { code_cache: cache.code(), timeouts, ..ReplayOptions::default() };
    match Actors::default().replay(take, None, options) {
        Ok(report) if json => printer::json(take, &report),
        Ok(report) => printer::text(take, &report, &mut io::stderr()),
        Err(error) => fail(exit_code(&error), format!("`{}`: {}", take.display(), in_words(&error))),
    }
}

/// Replays the take so many times, and names the perturbations with which it is not identical.
pub fn repeated(take: &Path, times: u16, timeouts: Timeouts, json: bool) -> ExitCode {
    let actors = Actors::default();
    let used = Arc::new(MemoryUse::default());
    let mut exits = Vec::new();
    let mut differ: Vec<Perturbation> = Vec::new();
    for (round, perturbation) in (1..=times).zip(Perturbation::ALL.into_iter().cycle()) {
        let mut options = perturbation.options(&used);
        options.timeouts = timeouts;
        // The first one is as the recording was.
        options.memory_use = (round == 1).then(|| used.clone());
        let replayed = actors.replay(take, None, options);
        if !matches!(&replayed, Ok(report) if matches!(report.verdict, Verdict::Identical | Verdict::NothingToCheck))
            && !differ.contains(&perturbation)
        {
            differ.push(perturbation);
        }
        exits.push(match replayed {
            Ok(report) if json => repeat::json(take, round, perturbation, &report),
            Ok(report) => repeat::text(take, (round, times), perturbation, &report),
            Err(error) => {
                fail(exit_code(&error), format!("`{}`, {perturbation}: {}", take.display(), in_words(&error)))
            }
        });
    }
    let exit = combine(exits);
    if !json {
        note(repeat::summary(times, &differ, exit));
    }
    exit
}
