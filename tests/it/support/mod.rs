//! What the end-to-end tests share: the built binary in a folder of its own, takes as events, and both ends
//! of HTTP.

mod forge;
mod http;
mod model;
mod peer;
mod sandbox;
mod served;
mod take;
mod trace;

pub use forge::{Forge, compressed, compressed_with, event_record, seal_frame};
pub use http::Client;
pub use model::Model;
pub use peer::Peer;
pub use sandbox::{Ended, Sandbox, actor};
pub use served::{Running, Served};
pub use take::{Chain, Take, wasi_functions};
pub use trace::{Trace, traced};

use std::time::{Duration, Instant};

/// Waits for what another process brings about.
pub fn wait_until(there: impl Fn() -> bool) {
    let begin = Instant::now();
    while !there() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not come about");
        std::thread::yield_now();
    }
}
