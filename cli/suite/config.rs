//! Owns `retake.toml`: which build is re-run for takes, and what is expected of them. A take has the settings
//! of its folder and of the folders above. So they depend on where the take is, not on how it was named. A
//! setting without effect is an error, because it would look like a check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use retake_replayer::Timeouts;
use retake_verifier::suite::{ChainPosition, Expectation};
use serde::Deserialize;

use super::discover::{Discovered, plain};
use super::error::{ConfigFault, SuiteError};
use super::near;
use crate::input;
use crate::values::parse_time;

pub const NAME: &str = "retake.toml";

/// The settings of one take.
#[derive(Debug, PartialEq, Eq)]
pub struct Configured {
    /// The build to re-run, as a path from here.
    pub actor: Option<PathBuf>,
    pub expect: Expectation,
    pub fuel: Option<u64>,
    pub require_build: bool,
    pub timeouts: Timeouts,
    pub labels: Vec<String>,
}

/// All `retake.toml` that the takes of a suite use.
pub struct Configs {
    here: PathBuf,
    /// By their folders, all absolute; `None` where there is no such file.
    folders: BTreeMap<PathBuf, Option<Arc<Config>>>,
    /// Tables that a take used, by folder and name.
    applied: BTreeSet<(PathBuf, PathBuf)>,
    /// Folders whose file a take uses.
    used: BTreeSet<PathBuf>,
}

/// One `retake.toml`.
#[derive(Debug)]
struct Config {
    /// Its path, as it is shown.
    path: PathBuf,
    /// The folder that paths in it are relative to.
    folder: PathBuf,
    root: bool,
    own: Keys,
    /// By the path of the take from the folder.
    tables: BTreeMap<PathBuf, Keys>,
}

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConfigFile {
    #[serde(default)]
    root: bool,
    actor: Option<PathBuf>,
    expect: Option<Expect>,
    at: Option<ChainPosition>,
    fuel: Option<NonZero<u64>>,
    require_build: Option<bool>,
    timeout: Option<Time>,
    take_timeout: Option<Time>,
    labels: Option<Vec<String>>,
    #[serde(default)]
    takes: BTreeMap<String, Keys>,
}

/// What can be said of all takes below a folder, and of one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    actor: Option<PathBuf>,
    expect: Option<Expect>,
    at: Option<ChainPosition>,
    fuel: Option<NonZero<u64>>,
    require_build: Option<bool>,
    timeout: Option<Time>,
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

impl Configs {
    /// None yet.
    ///
    /// # Errors
    /// [`SuiteError::Unreadable`] if it is not known where this process is.
    pub fn new() -> Result<Configs, SuiteError> {
        let here = std::env::current_dir().map_err(|error| unreadable(Path::new("."), &error))?;
        let (folders, applied, used) = Default::default();
        Ok(Configs { here, folders, applied, used })
    }

    /// The settings of a take. For each key, the nearest table that names the take wins, then the nearest
    /// file.
    ///
    /// # Errors
    /// [`SuiteError::Unreadable`] and [`SuiteError::Config`] of a file that it uses.
    pub fn of(&mut self, take: &Path) -> Result<Configured, SuiteError> {
        let take = self.absolute(take)?;
        let files = self.files_for(&take)?;
        let mut tables = Vec::new();
        for (folder, config) in &files {
            self.used.insert(folder.clone());
            let name = take.strip_prefix(folder).unwrap_or(&take);
            if let Some(table) = config.tables.get(name) {
                self.applied.insert((folder.clone(), name.into()));
                tables.push((config, table));
            }
        }
        let all = files.iter().map(|(_, config)| (config, &config.own));
        let keys: Vec<(&Arc<Config>, &Keys)> = tables.into_iter().chain(all).collect();
        let expect = keys.iter().find(|(_, keys)| keys.expect.is_some());
        // Each file was checked when it was read.
        let expect = expect.and_then(|(_, keys)| keys.expectation("").ok()).unwrap_or_default();
        let actor = keys.iter().find_map(|(config, keys)| Some(config.folder.join(keys.actor.as_ref()?)));
        Ok(Configured {
            actor,
            expect,
            fuel: keys.iter().find_map(|(_, keys)| keys.fuel).map(NonZero::get),
            require_build: keys.iter().find_map(|(_, keys)| keys.require_build).unwrap_or(false),
            timeouts: Timeouts {
                call: keys.iter().find_map(|(_, keys)| keys.timeout).map(|time| time.0),
                take: keys.iter().find_map(|(_, keys)| keys.take_timeout).map(|time| time.0),
            },
            labels: keys.iter().find_map(|(_, keys)| keys.labels.clone()).unwrap_or_default(),
        })
    }

    /// Checks that every setting in the files was used by a take of the suite, or belongs to a take that was
    /// not asked for.
    ///
    /// # Errors
    /// As [`of`](Self::of), and for a setting without effect.
    pub fn check(&mut self, suite: &Discovered) -> Result<(), SuiteError> {
        let searched = suite.folders.iter().map(|folder| self.absolute(folder));
        let searched: BTreeSet<PathBuf> = searched.collect::<Result<_, _>>()?;
        for folder in &searched {
            self.load(folder)?;
        }
        let takes = suite.takes.iter().map(|take| self.absolute(&take.path));
        let takes: BTreeSet<PathBuf> = takes.collect::<Result<_, _>>()?;
        for (folder, config) in &self.folders {
            let Some(config) = config else { continue };
            for name in config.tables.keys() {
                if self.applied.contains(&(folder.clone(), name.clone())) {
                    continue;
                }
                let take = folder.join(name);
                let shown = name.display().to_string();
                if takes.contains(&take) {
                    return Err(config.fault(ConfigFault::OutOfReach { name: shown }));
                }
                let place = take.parent().unwrap_or(folder);
                if searched.contains(place) || !take.is_file() {
                    let near = near_takes(folder, &shown, place, &takes);
                    return Err(config.fault(ConfigFault::NoSuchTake { name: shown, near }));
                }
            }
            if !self.used.contains(folder) {
                return Err(config.fault(ConfigFault::NoTakes));
            }
        }
        Ok(())
    }

    /// The files that a take uses, the nearest first.
    fn files_for(&mut self, take: &Path) -> Result<Vec<(PathBuf, Arc<Config>)>, SuiteError> {
        let mut files = Vec::new();
        for (distance, folder) in take.ancestors().skip(1).enumerate() {
            // Where everybody may put a file, it is not the user's that lies above.
            if distance > 0 && is_everybodys(folder) {
                break;
            }
            let config = self.load(folder)?;
            let is_root = config.as_ref().is_some_and(|config| config.root) || folder.join(".git").is_dir();
            files.extend(config.map(|config| (folder.to_path_buf(), config)));
            if is_root {
                break;
            }
        }
        Ok(files)
    }

    /// The file of a folder, read once.
    fn load(&mut self, folder: &Path) -> Result<Option<Arc<Config>>, SuiteError> {
        if let Some(config) = self.folders.get(folder) {
            return Ok(config.clone());
        }
        let config = Config::read(&self.shown(folder))?.map(Arc::new);
        self.folders.insert(folder.into(), config.clone());
        Ok(config)
    }

    /// A path from the root, through the folders that it names: links keep their names, unless `..` follows
    /// them.
    fn absolute(&self, path: &Path) -> Result<PathBuf, SuiteError> {
        let mut absolute = PathBuf::new();
        for part in self.here.join(path).components() {
            match part {
                Component::ParentDir => {
                    absolute = fs::canonicalize(&absolute).map_err(|error| unreadable(path, &error))?;
                    absolute.pop();
                }
                Component::CurDir => {}
                part => absolute.push(part),
            }
        }
        Ok(absolute)
    }

    /// A folder as a path from here, where it is here, below or above.
    fn shown(&self, folder: &Path) -> PathBuf {
        match (folder.strip_prefix(&self.here), self.here.strip_prefix(folder)) {
            (Ok(below), _) => below.into(),
            (_, Ok(above)) => above.components().map(|_| "..").collect(),
            _ => folder.into(),
        }
    }
}

impl Config {
    /// Reads the file of a folder, if it has one.
    fn read(folder: &Path) -> Result<Option<Config>, SuiteError> {
        let path = folder.join(NAME);
        let text = match input::read_text(&path, input::SETTINGS) {
            Ok(text) => text,
            // A link that leads nowhere is a file that is missing, and not the absence of one.
            Err(error) if error.is_not_found() && fs::symlink_metadata(&path).is_err() => return Ok(None),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let parsed = toml::from_str(&text);
        let config = |fault| SuiteError::Config { path: path.clone(), fault };
        let file: ConfigFile = parsed.map_err(|error| config(syntax(&text, &error)))?;
        let ConfigFile { root, actor, expect, at, fuel, require_build, timeout, take_timeout, labels, takes } =
            file;
        let own = Keys { actor, expect, at, fuel, require_build, timeout, take_timeout, labels };
        own.expectation("this folder").map_err(config)?;
        let mut tables = BTreeMap::new();
        for (name, keys) in takes {
            keys.expectation(&format!("`{name}`")).map_err(config)?;
            let take = plain(Path::new(&name));
            let is_below = take.components().all(|part| matches!(part, Component::Normal(_)));
            if !is_below || take.as_os_str().is_empty() {
                return Err(config(ConfigFault::TableName { name }));
            }
            if tables.insert(take, keys).is_some() {
                return Err(config(ConfigFault::TwoTables { name }));
            }
        }
        Ok(Some(Config { path: path.clone(), folder: folder.into(), root, own, tables }))
    }

    fn fault(&self, fault: ConfigFault) -> SuiteError {
        SuiteError::Config { path: self.path.clone(), fault }
    }
}

impl Keys {
    fn expectation(&self, whose: &str) -> Result<Expectation, ConfigFault> {
        let whose = || whose.to_string();
        match (self.expect, self.at) {
            (Some(Expect::Diverge), Some(at)) => Ok(Expectation::Diverge(at)),
            (Some(Expect::Diverge), None) => Err(ConfigFault::NoPlace { whose: whose() }),
            (_, Some(_)) => Err(ConfigFault::NoExpectation { whose: whose() }),
            (_, None) => Ok(Expectation::Identical),
        }
    }
}

/// What the parser says, without the lines that it shows.
fn syntax(text: &str, error: &toml::de::Error) -> ConfigFault {
    let at = error.span().map_or(0, |span| text.floor_char_boundary(span.start));
    let line_start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    ConfigFault::Syntax {
        line: text[..at].matches('\n').count() + 1,
        column: text[line_start..at].chars().count() + 1,
        reason: without_values(error.message()).lines().collect::<Vec<_>>().join("; "),
    }
}

/// What the parser says, without the text that it found: a link may make a file of secrets a `retake.toml`.
fn without_values(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(start), Some(end)) if start < end => format!("{}...{}", &message[..=start], &message[end..]),
        _ => message.to_string(),
    }
}

/// Takes that a table may have meant: those of the suite below its folder, and those that lie where it says.
fn near_takes(folder: &Path, name: &str, place: &Path, takes: &BTreeSet<PathBuf>) -> String {
    let listed = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let listed = listed.filter(|path| path.extension().is_some_and(|extension| extension == "take"));
    let all = takes.iter().cloned().chain(listed);
    let below = all.filter_map(|take| Some(take.strip_prefix(folder).ok()?.display().to_string()));
    let names: BTreeSet<String> = below.collect();
    near::hint(name, names.iter().map(String::as_str))
}

/// Whether everybody may put files into a folder that others use, as in `/tmp`.
fn is_everybodys(folder: &Path) -> bool {
    const STICKY_AND_WRITABLE: u32 = 0o1002;
    let mode = fs::metadata(folder).map(|metadata| metadata.permissions().mode());
    mode.is_ok_and(|mode| mode & STICKY_AND_WRITABLE == STICKY_AND_WRITABLE)
}

fn unreadable(path: &Path, error: &impl ToString) -> SuiteError {
    SuiteError::Unreadable { path: path.into(), reason: error.to_string() }
}
