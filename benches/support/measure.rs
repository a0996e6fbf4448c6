//! Owns the measuring: criterion's loop around short batches, and the figure of each measurement for the
//! tables.
//!
//! A batch takes about a millisecond. The figure is that of the fastest tenth of the batches, the slowest of
//! them: what else goes on in a shared machine comes and goes in phases of seconds, and only ever adds.

use std::collections::BTreeMap;
use std::time::Duration;

use criterion::Criterion;

/// Nanoseconds per call, by group and name.
pub type Figures = BTreeMap<(String, String), f64>;

/// Criterion, and what has been measured for the table.
pub struct Bench {
    criterion: Criterion,
    batches: BTreeMap<(String, String), Vec<f64>>,
}

impl Bench {
    pub fn from_arguments() -> Bench {
        let criterion = Criterion::default()
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2))
            .without_plots()
            .configure_from_args();
        Bench { criterion, batches: BTreeMap::new() }
    }

    /// Measures what `make` makes, unless the command line leaves it out: it makes a number of calls and says how
    /// long they took.
    pub fn calls<R: FnMut(u64) -> Duration>(
        &mut self,
        group: &str,
        name: &str,
        batch: u64,
        make: impl FnOnce() -> R,
    ) {
        let key = (group.to_string(), name.to_string());
        let batches = &mut self.batches;
        let mut criterion_group = self.criterion.benchmark_group(group);
        let (mut make, mut made) = (Some(make), None);
        criterion_group.bench_function(name, |bencher| {
            if let Some(make) = make.take() {
                made = Some(make());
            }
            let run = made.as_mut().expect("it was made just now");
            bencher.iter_custom(|iterations| {
                let mut sample = Vec::new();
                let mut left = iterations;
                while left > 0 {
                    let calls = left.min(batch);
                    sample.push(run(calls).as_secs_f64() * 1e9 / calls as f64);
                    left -= calls;
                }
                if iterations >= batch {
                    batches.entry(key.clone()).or_default().extend(&sample);
                }
                Duration::from_secs_f64(quantile(&mut sample, 0.5) * iterations as f64 / 1e9)
            });
        });
        criterion_group.finish();
    }

    pub fn finish(self) -> Figures {
        self.criterion.final_summary();
        self.batches.into_iter().map(|(key, mut batches)| (key, quantile(&mut batches, 0.1))).collect()
    }
}

fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * part) as usize).copied().unwrap_or_default()
}
