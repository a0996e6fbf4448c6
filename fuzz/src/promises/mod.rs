//! What the fuzz targets hold true, as functions that take any bytes: each panics where a promise is broken,
//! and says whether the bytes were accepted. The fuzzer's engine is left to `fuzz_targets/`; the workspace's
//! tests run the same functions over `seeds/`.

pub mod component;
pub mod payload;
pub mod pieces;
pub mod take;

/// A target: its name, and the function that holds its promises.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every target that begins with seeds; `seeds/` has a folder for each.
pub const TARGETS: [Target; 4] = [
    ("instrument", component::instrument_bytes),
    ("log_reader", take::read_log),
    ("log_records", pieces::read_records),
    ("value_decoder", payload::decode),
];
