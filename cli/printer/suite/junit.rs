//! Owns the JUnit report, which most CI systems show.

use std::path::PathBuf;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use retake_chain::Printable;
use retake_verifier::suite::{BuildSource, SuiteEvent, TakeFinished, TakeNotRun, TakeStatus};

use super::summary::{full_text, given_up};
use crate::output::{self, NewFile};
use crate::printer::form::SuitePrinter;

/// What the report and its one suite are called.
const NAME: &str = "retake";

pub struct JunitPrinter {
    path: PathBuf,
    cases: Vec<TestCase>,
    seconds: f64,
}

impl JunitPrinter {
    pub fn new(path: PathBuf) -> Self {
        JunitPrinter { path, cases: Vec::new(), seconds: 0.0 }
    }
}

fn case(name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(Printable(name).to_string(), status);
    case.set_classname(NAME);
    case
}

/// What a take did is a failure; that it could not be asked is an error.
fn status(take: &TakeFinished) -> TestCaseStatus {
    let kind = match take.status {
        TakeStatus::Passed => return TestCaseStatus::success(),
        TakeStatus::Diverged | TakeStatus::Unexpected => NonSuccessKind::Failure,
        TakeStatus::Damaged | TakeStatus::Unchecked | TakeStatus::NoBuild | TakeStatus::Nothing => {
            NonSuccessKind::Error
        }
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(take.status.to_string().to_lowercase());
    status.set_message(Printable(take.reason.as_deref().unwrap_or_default()).to_string());
    status.set_description(full_text(take));
    status
}

/// Which build ran, and what the take is called.
fn properties(take: &TakeFinished) -> Vec<Property> {
    let property = |name: &str, value: String| Property::new(name, Printable(value).to_string());
    let build = match take.build.source {
        BuildSource::Configured => "configured",
        BuildSource::Recorded => "recorded",
    };
    let mut properties = vec![property("build", build.into())];
    properties.extend(take.build.path.clone().map(|path| property("build-path", path)));
    properties.extend(take.build.digest.map(|digest| property("build-sha256", digest.to_string())));
    properties.extend(take.settings.labels.iter().map(|label| property("label", label.clone())));
    properties
}

fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

impl SuitePrinter for JunitPrinter {
    fn hear(&mut self, event: &SuiteEvent) {
        match event {
            SuiteEvent::TakeFinished(take) => {
                let mut case = case(&take.name, status(take));
                case.set_time(time(take.seconds));
                case.properties.extend(properties(take));
                if let Some(given_up) = given_up(take) {
                    case.set_system_out(given_up);
                }
                self.cases.push(case);
            }
            SuiteEvent::TakeNotRun(TakeNotRun { name, .. }) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message("not run, since another take had failed");
                self.cases.push(case(name, status));
            }
            SuiteEvent::SuiteFinished(end) => self.seconds = end.seconds,
            SuiteEvent::SuiteStarted(_) | SuiteEvent::TakeStarted { .. } => {}
        }
    }

    fn end(self: Box<Self>) -> Result<(), String> {
        let JunitPrinter { path, mut cases, seconds } = *self;
        cases.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        let mut suite = TestSuite::new(NAME);
        suite.set_time(time(seconds)).add_test_cases(cases);
        let mut report = Report::new(NAME);
        report.set_time(time(seconds)).add_test_suite(suite);
        let refuse =
            |error: &dyn std::fmt::Display| format!("`{}` cannot be written: {error}", path.display());
        let mut file = NewFile::report(&path, output::ReportKind::Junit).map_err(|error| refuse(&error))?;
        report.serialize(&mut file).map_err(|error| refuse(&error))?;
        file.keep()
    }
}
