//! Owns `retake.toml`, which lies beside the takes that it is for: what is re-run for them, and what is expected of them. Every key that
//! is not known, and every take that is not there, is an error.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use retake_replayer::Timeouts;
use retake_verifier::suite::{Expectation, Spot};
use serde::Deserialize;

use super::error::SuiteError;
use crate::values::parse_time;

const NAME: &str = "retake.toml";

/// What a `retake.toml` says, or that there is none.
#[derive(Debug)]
pub struct Config {
    path: PathBuf,
    folder: PathBuf,
    file: ConfigFile,
}

/// What goes for one take.
#[derive(Debug)]
pub struct TakeSettings {
    /// The build to re-run, as a path from here.
    pub actor: Option<PathBuf>,
    pub expectation: Expectation,
    pub fuel: Option<u64>,
    pub timeouts: Timeouts,
    pub labels: Vec<String>,
}

/// The file: for all takes of the folder, then for single ones by their file names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    actor: Option<PathBuf>,
    expect: Option<Expect>,
    at: Option<Spot>,
    fuel: Option<NonZero<u64>>,
    timeout: Option<Time>,
    #[serde(rename = "take-timeout")]
    take_timeout: Option<Time>,
    labels: Option<Vec<String>>,
    #[serde(default)]
    takes: BTreeMap<String, TakeTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakeTable {
    actor: Option<PathBuf>,
    expect: Option<Expect>,
    at: Option<Spot>,
    fuel: Option<NonZero<u64>>,
    timeout: Option<Time>,
    #[serde(rename = "take-timeout")]
    take_timeout: Option<Time>,
    labels: Option<Vec<String>>,
}

/// A length of time, as `30s`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Time(Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_time(&text).map(Time).map_err(|reason| format!("`{}`: {reason}", text.escape_debug()))
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    Identical,
    Diverge,
}

impl Config {
    /// Reads the `retake.toml` of a folder, if it has one.
    ///
    /// # Errors
    /// [`SuiteError::Unreadable`] and [`SuiteError::Config`].
    pub fn beside(folder: &Path) -> Result<Config, SuiteError> {
        let path = folder.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(SuiteError::Unreadable { path, reason: error.to_string() }),
        };
        let file = match text.map(|text| toml::from_str(&text)).transpose() {
            Ok(file) => file.unwrap_or_default(),
            Err(error) => {
                return Err(SuiteError::Config { path, reason: error.to_string().trim_end().into() });
            }
        };
        let config = Config { path, folder: folder.into(), file };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), SuiteError> {
        let ConfigFile { expect, at, takes, .. } = &self.file;
        self.expectation("this folder", *expect, *at)?;
        for (name, table) in takes {
            if !self.folder.join(name).is_file() {
                return Err(self.fault(format!("there is no take `{name}` in this folder")));
            }
            self.expectation(&format!("`{name}`"), table.expect, table.at)?;
        }
        Ok(())
    }

    /// What goes for a take of the folder: its own table, and for what that leaves out, the file.
    pub fn of(&self, take: &Path) -> Result<TakeSettings, SuiteError> {
        let none = TakeTable::default();
        let name = take.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let table = self.file.takes.get(&name).unwrap_or(&none);
        let file = &self.file;
        let (expect, at) = match table.expect {
            Some(_) => (table.expect, table.at),
            None => (file.expect, file.at),
        };
        let actor = table.actor.as_ref().or(file.actor.as_ref());
        Ok(TakeSettings {
            actor: actor.map(|actor| self.folder.join(actor)),
            expectation: self.expectation(&format!("`{name}`"), expect, at)?,
            fuel: table.fuel.or(file.fuel).map(NonZero::get),
            timeouts: Timeouts {
                call: table.timeout.or(file.timeout).map(|time| time.0),
                take: table.take_timeout.or(file.take_timeout).map(|time| time.0),
            },
            labels: table.labels.as_ref().or(file.labels.as_ref()).cloned().unwrap_or_default(),
        })
    }

    fn expectation(
        &self,
        whose: &str,
        expect: Option<Expect>,
        at: Option<Spot>,
    ) -> Result<Expectation, SuiteError> {
        match (expect, at) {
            (Some(Expect::Diverge), Some(at)) => Ok(Expectation::Diverge(at)),
            (Some(Expect::Diverge), None) => Err(self.fault(format!(
                "{whose} is to diverge, and `at` does not say where: add `at = {{ chain = M, event = N }}`"
            ))),
            (_, Some(_)) => {
                Err(self.fault(format!("`at` of {whose} is for `expect = \"diverge\"`, which is missing")))
            }
            (_, None) => Ok(Expectation::Identical),
        }
    }

    fn fault(&self, reason: String) -> SuiteError {
        SuiteError::Config { path: self.path.clone(), reason }
    }
}
