//! `retake record`: options in, a sealed take out. With `--check` it replays what it recorded.

mod bounds;
mod check;
mod driver;
mod options;
mod session;

pub use options::Options;

use retake_verifier::{ExitCode, combine};

use crate::cache::Cache;
use crate::console::fail;
use crate::printer;
use crate::signals;
use bounds::RecordBounds;

pub fn run(options: Options) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(ExitCode::Unchecked, error),
    };
    let cache = Cache::open(&options.cache);
    let bounds = RecordBounds::of(options.timeouts);
    let recorded = runtime.block_on(session::record(&options, &bounds, &cache));
    // A guest that computes without end holds its thread; nothing of it is recorded any more.
    runtime.shutdown_background();
    signals::after_session();
    let printer = printer::of(options.form.form());
    let exit = match recorded {
        Ok(take) => combine([
            bounds.end(options.http.is_some()),
            match options.repeat {
                Some(times) => check::repeated(printer, &take, times, options.timeouts.into()),
                None if options.check => check::once(printer, &take, &cache, options.timeouts.into()),
                None => ExitCode::Identical,
            },
        ]),
        Err(exit) => exit,
    };
    cache.report();
    exit
}
