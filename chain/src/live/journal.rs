//! Owns [`Journal`]: what a chain writes its events to before anybody else gets them.

use std::future::Future;
use std::pin::Pin;

use crate::model::event::EventRef;

/// Takes every event of one chain in order, without waiting. A recorder has one for each of its chains.
pub trait Journal: Send + Sync {
    /// Takes the next event. Returns whether there is still room for another.
    fn take(&self, event: EventRef<'_>) -> bool;

    /// Completes when there is room for another event, or no other is wanted.
    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
