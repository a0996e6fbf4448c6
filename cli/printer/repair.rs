//! What `retake repair` says of a new take.

use retake_chain::Printable;
use retake_chain::log::SealSummary;
use retake_verifier::{FaultKind, RepairPlan};
use serde::Serialize;

use super::{count, json_line, text_lines};
use crate::options::RepairOptions;

#[derive(Serialize)]
struct RepairedLine<'a> {
    take: String,
    repaired: String,
    fault: FaultKind,
    reason: &'a str,
    calls: u64,
    events: u64,
    cut_events: u64,
}

/// What was kept and what was cut off.
pub fn repaired(options: &RepairOptions, plan: &RepairPlan, summary: &SealSummary) {
    let (take, new) = (options.take.display(), options.new.output.display());
    if options.json {
        return json_line(&RepairedLine {
            take: take.to_string(),
            repaired: new.to_string(),
            fault: plan.fault(),
            reason: plan.reason(),
            calls: plan.calls(),
            events: summary.events,
            cut_events: plan.cut_events(),
        });
    }
    let (take, new) = (Printable(take), Printable(new));
    let text = format!(
        "repaired {take} as {new}: kept {}, {}; cut off {}\n  {}",
        count(plan.calls(), "whole call"),
        count(summary.events, "event"),
        count(plan.cut_events(), "event"),
        Printable(plan.reason()),
    );
    text_lines(&mut std::io::stdout(), &text);
}
