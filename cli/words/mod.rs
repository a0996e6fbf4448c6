//! Owns sentences that more than one output form prints. The printers decide where they go.

pub mod record;
pub mod replay;

/// `1 call`, `2 calls`.
pub fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}
