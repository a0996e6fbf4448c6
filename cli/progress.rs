//! Owns the live line on stderr while a session runs. It shows only on a terminal.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use retake_recorder::Progress;

/// A live line; it goes away when this is dropped.
pub struct LiveLine {
    bar: ProgressBar,
    ticker: tokio::task::JoinHandle<()>,
}

impl LiveLine {
    /// Shows the counts of `progress` until it is dropped.
    pub fn show(progress: Arc<Progress>) -> LiveLine {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} recording: {msg}") {
            bar.set_style(style);
        }
        let line = bar.clone();
        let ticker = tokio::spawn(async move {
            loop {
                line.set_message(format!(
                    "{} events, {} calls, {}",
                    HumanCount(progress.events()),
                    HumanCount(progress.calls()),
                    HumanBytes(progress.bytes()),
                ));
                line.tick();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        LiveLine { bar, ticker }
    }
}

impl LiveLine {
    /// Prints something else while the line is out of the way.
    pub fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// The same from elsewhere, for as long as the line is there, and after that.
    pub fn asides(&self) -> impl Fn(&dyn Fn()) + Send + Sync + use<> {
        let bar = self.bar.clone();
        move |print| bar.suspend(print)
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.ticker.abort();
        self.bar.finish_and_clear();
    }
}
