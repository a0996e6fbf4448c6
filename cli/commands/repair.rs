//! `retake repair`: the whole calls of a take that is not whole, in a new one that says what it is.

use std::fs::TryLockError;
use std::io::{self, Seek};

use retake_verifier::{ExitCode, RepairPlan};

use crate::input;
use crate::options::RepairOptions;
use crate::output::{NewFile, refuse_inputs};
use crate::printer::{fail, repair as printer};

pub fn run(options: RepairOptions) -> ExitCode {
    let take = options.take.display();
    if let Err(message) = refuse_inputs(&[("-o", &options.new.output)], [("the take", &*options.take)]) {
        return fail(ExitCode::Usage, message);
    }
    let opened = input::open(&options.take).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (bytes, mut file) = match opened {
        Ok(opened) => opened,
        Err(error) => return fail(ExitCode::Unchecked, format!("`{take}` cannot be opened: {error}")),
    };
    if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
        let message = format!("`{take}` is being recorded; repair it when its recorder has ended");
        return fail(ExitCode::Unchecked, message);
    }
    let planned = RepairPlan::of(&file, bytes);
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => return fail(error.exit_code(), format!("`{take}`: {error}")),
    };
    // Only now is there something to write.
    let mut new = match NewFile::create(&options.new.output, options.new.force) {
        Ok(new) => new,
        Err(message) => return fail(ExitCode::Unchecked, message),
    };
    if let Err(error) = file.rewind() {
        return fail(ExitCode::Unchecked, format!("`{take}` cannot be read again: {error}"));
    }
    let summary = match plan.write(io::BufReader::new(file), &mut new) {
        Ok((_, summary)) => summary,
        Err(error) => return fail(error.exit_code(), format!("`{take}`: {error}")),
    };
    if let Err(message) = new.keep() {
        return fail(ExitCode::Unchecked, message);
    }
    printer::repaired(&options, &plan, &summary);
    ExitCode::Identical
}
