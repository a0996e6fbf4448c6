//! Chains that are being recorded: many tasks append, and subscribers get every event. The only part that
//! needs tokio.

pub(crate) mod best_effort;
pub(crate) mod history;
pub(crate) mod journal;
pub(crate) mod state_chain;
