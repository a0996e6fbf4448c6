//! A folder of takes as a test suite, as data: the expected result of a take, the part that each machine
//! runs, the events that a run reports, and the merging of reports. The caller finds takes, replays them and
//! prints.

mod event;
mod expectation;
mod identity;
mod merge;
mod merge_error;
mod part_report;
mod partition;
mod settings;
mod status;

pub use event::{REPORT_VERSION, SuiteEvent, SuiteFinished, SuiteStarted, TakeFinished, TakeNotRun};
pub use expectation::{ChainPosition, Expectation, Judgement};
pub use identity::{SuiteId, TakeId};
pub use merge::merge;
pub use merge_error::{BuildSeen, MergeError};
pub use part_report::PartReport;
pub use partition::{Partition, PartitionError, PartitionKind};
pub use settings::{Build, BuildSource, SuiteSettings, TakeSettings};
pub use status::{TakeStatus, Totals};
