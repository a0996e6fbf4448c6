//! Owns a replay in words: its verdict with the divergence in full, and why a take could not be replayed.

use std::fmt::Write as _;
use std::path::Path;

use retake_chain::{Printable, SealKind, TakeState};
use retake_replayer::ReplayError;
use retake_verifier::{ExitCode, ReplayReport, Verdict};

use super::count;

/// Why a take could not be replayed, with the remedy on the command line.
pub fn not_replayed(error: &ReplayError) -> String {
    let remedy = match error {
        ReplayError::ActorNotFound { .. } => {
            "; name the component with `--actor`, or another build to replay that on purpose"
        }
        _ => "",
    };
    format!("{error}{remedy}")
}

/// The exit code of a command that could not replay a take.
pub fn exit_code(error: &ReplayError) -> ExitCode {
    match error {
        ReplayError::Take(error) => error.exit_code(),
        ReplayError::TornEarly { .. } | ReplayError::UnsealedEarly => ExitCode::Damaged,
        ReplayError::NothingToCheck => ExitCode::Nothing,
        _ => ExitCode::Unchecked,
    }
}

/// The report of a replay.
pub fn words(take: &Path, report: &ReplayReport) -> String {
    // Writing to a string does not fail.
    let mut text = String::new();
    let _ = describe(&mut text, take, report);
    text
}

/// Why nothing was checked.
pub fn nothing(report: &ReplayReport) -> &'static str {
    match report.calls {
        0 => "holds no call, so there is nothing to check",
        _ => "nothing was checked: every call was given up before the host had answered anything",
    }
}

/// How much was checked, in words.
pub fn checked(report: &ReplayReport) -> String {
    format!("{}, {} checked", count(report.checked_calls(), "call"), count(report.events, "event"))
}

fn describe(text: &mut String, take: &Path, report: &ReplayReport) -> std::fmt::Result {
    verdict(text, take, report)?;
    reservations(text, report)?;
    writeln!(text, "  recorded actor  sha256:{}", report.recorded_digest)?;
    if report.replayed_digest != report.recorded_digest {
        writeln!(text, "  replayed actor  sha256:{}", report.replayed_digest)?;
    }
    for chain in &report.chains {
        let head = chain.head.map_or("(none)".to_string(), |head| head.to_string());
        writeln!(text, "  chain {}  head {head}", chain.id)?;
    }
    for renamed in &report.renamed_interfaces {
        writeln!(
            text,
            "  imported in another version: {} (recorded {})",
            Printable(&renamed.replayed),
            Printable(&renamed.recorded)
        )?;
    }
    let profile = &report.profile;
    let fuel = profile.fuel.map_or(String::new(), |fuel| format!(", fuel {fuel} per call"));
    writeln!(
        text,
        "  engine  {}, NaNs {}, relaxed SIMD {}, memory up to {} bytes{fuel}",
        Printable(&profile.engine),
        if profile.nan_canonicalization { "canonical" } else { "as computed" },
        if profile.relaxed_simd_deterministic { "deterministic" } else { "as computed" },
        profile.memory_limit,
    )
}

fn verdict(text: &mut String, take: &Path, report: &ReplayReport) -> std::fmt::Result {
    let take = Printable(take.display());
    let checked = checked(report);
    match &report.verdict {
        Verdict::Identical => writeln!(text, "{take}: identical ({checked})"),
        Verdict::Diverged(divergence) => {
            writeln!(text, "{take}: DIVERGED ({checked} before)")?;
            writeln!(text, "{divergence}")
        }
        Verdict::Unfinished { reason } => {
            writeln!(
                text,
                "{take}: identical as far as it could be checked ({checked}), then: {}",
                Printable(reason)
            )
        }
        Verdict::NothingToCheck => writeln!(text, "{take}: {}", nothing(report)),
    }
}

/// What the verdict does not cover.
fn reservations(text: &mut String, report: &ReplayReport) -> std::fmt::Result {
    const MORE: &str = "the recorder did not finish, and more may have happened";
    match (report.take_state, &report.seal) {
        (Some(TakeState::Sealed), Some(SealKind::Repaired { reason, .. })) => {
            writeln!(
                text,
                "  the take was repaired, and is not all that was recorded: {}",
                Printable(reason)
            )?;
        }
        (Some(TakeState::Sealed) | None, _) => {}
        (Some(TakeState::Unsealed), _) => writeln!(text, "  the take is not sealed: {MORE}")?,
        (Some(TakeState::Torn { offset }), _) => {
            writeln!(text, "  the take is torn at byte {offset}: {MORE}")?;
        }
    }
    let answered = report.given_up - report.unchecked.min(report.given_up);
    if answered > 0 {
        let calls = count(answered, "call");
        writeln!(text, "  {calls} given up when recorded, and checked as far as the host had answered")?;
    }
    if report.unchecked > 0 {
        let calls = count(report.unchecked, "call");
        writeln!(text, "  {calls} given up before the host had answered anything, and not checked")?;
    }
    if let (Some(fault), Verdict::Diverged(_)) = (&report.fault, &report.verdict) {
        writeln!(text, "  the take is damaged: {}", Printable(fault))?;
    }
    Ok(())
}
