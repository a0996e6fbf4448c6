//! Owns the output of `repair`: what it kept and what it cut off.

use std::path::Path;

use retake_chain::Printable;
use retake_chain::log::SealSummary;
use retake_verifier::RepairPlan;

use crate::console::text_lines;
use crate::words::count;

pub fn repaired(take: &Path, new: &Path, plan: &RepairPlan, summary: &SealSummary) {
    let (take, new) = (Printable(take.display()), Printable(new.display()));
    let text = format!(
        "repaired {take} as {new}: kept {}, {}; cut off {}\n  {}",
        count(plan.calls(), "whole call"),
        count(summary.events, "event"),
        count(plan.cut_events(), "event"),
        Printable(plan.reason()),
    );
    text_lines(&mut std::io::stdout(), &text);
}
