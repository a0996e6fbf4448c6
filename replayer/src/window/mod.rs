//! Owns the events that are in memory while a take is replayed. Through the [`Flow`] the reader gives each
//! re-run its events in windows, and a [`Cursor`] reads them. The memory of all chains together is limited,
//! whatever the take holds.
//!
//! There is one reader, and it never waits for a re-run that waits for the reader. Before it waits, every
//! re-run gets what was read for it. If all of them have used up what they got, it does not wait.

mod cursor;
mod flow;
mod recorded;
mod sender;

#[cfg(test)]
mod tests;

pub(crate) use cursor::Cursor;
pub(crate) use flow::{Flow, LaneId};
pub(crate) use recorded::{Position, RecordedEvent};
pub(crate) use sender::WindowSender;
