//! `retake repair`: saves the complete calls of a faulty take in a new take, which says that it was repaired.

use std::io::{BufReader, Seek};
use std::path::PathBuf;

use clap::Args;
use retake_verifier::{ExitCode, RepairPlan};

use crate::console::fail;
use crate::options::{FormOptions, NewTakeOptions};
use crate::output::refuse_inputs;
use crate::printer;
use crate::takes::{Existing, sink, source};

/// Save the complete calls of a torn, unsealed, damaged or altered take in a new take.
#[derive(Debug, Args)]
pub struct Options {
    /// The take.
    pub take: PathBuf,
    #[command(flatten)]
    pub new: NewTakeOptions,
    #[command(flatten)]
    pub form: FormOptions,
}

pub fn run(options: Options) -> ExitCode {
    repair(&options).unwrap_or_else(|(exit, message)| fail(exit, message))
}

fn repair(options: &Options) -> Result<ExitCode, (ExitCode, String)> {
    let take = options.take.display();
    let unchecked = |message: String| (ExitCode::Unchecked, message);
    refuse_inputs(&[("-o", &options.new.output)], [("the take", &*options.take)])
        .map_err(|message| (ExitCode::Usage, message))?;
    let opened = source(&options.take).open();
    let mut opened = opened.map_err(|error| unchecked(format!("`{take}` cannot be opened: {error}")))?;
    let bytes = opened.size().map_err(|error| unchecked(format!("`{take}` cannot be opened: {error}")))?;
    if opened.is_being_recorded() {
        return Err(unchecked(format!("`{take}` is being recorded; repair it when its recorder has ended")));
    }
    let plan = RepairPlan::of(&mut opened, bytes)
        .map_err(|error| (error.exit_code(), format!("`{take}`: {error}")))?;
    // Only now is there something to write.
    let sink = sink(&options.new.output);
    let mut new = sink.create(Existing::of(options.new.force)).map_err(unchecked)?;
    opened.rewind().map_err(|error| unchecked(format!("`{take}` cannot be read again: {error}")))?;
    let (_, summary) = plan
        .write(BufReader::new(opened), &mut new)
        .map_err(|error| (error.exit_code(), format!("`{take}`: {error}")))?;
    new.keep().map_err(unchecked)?;
    printer::of(options.form.form()).repaired(&options.take, &options.new.output, &plan, &summary);
    Ok(ExitCode::Identical)
}
