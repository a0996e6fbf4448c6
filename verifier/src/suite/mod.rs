//! A folder of takes as a test suite, as data: what is expected of a take, which takes are whose part, what a run reports, and how the
//! reports of parts become one verdict. Finding takes, replaying them and printing are someone else's.

mod event;
mod expectation;
mod identity;
mod merge;
mod partition;
mod settings;

pub use event::{
    REPORT_VERSION, SuiteEvent, SuiteFinished, SuiteStarted, TakeFinished, TakeNotRun, TakeStatus, Totals,
};
pub use expectation::{Expectation, Judgement, Spot};
pub use identity::{SuiteId, TakeId};
pub use merge::{BuildSeen, MergeError, Part, merge};
pub use partition::{Partition, PartitionError, PartitionKind};
pub use settings::{Build, BuildSource, SuiteSettings, TakeSettings};
