//! Owns the counting of the values in MessagePack that is not decoded yet: what decoding would ask memory for
//! is known before it does. What is wrong with the bytes is left to `encoding.rs`.

use crate::codec::unpack::{Front, Unpacker};
use crate::model::limits::MAX_VALUES;

/// Refuses the data of an event that holds more than [`MAX_VALUES`].
///
/// # Errors
/// As [`count_values`].
pub(crate) fn check_values(data: &[u8]) -> Result<(), u64> {
    // Each takes a byte at least, so that hardly any event has to be counted.
    if data.len() <= MAX_VALUES { Ok(()) } else { count_values(data).map(drop) }
}

/// How many values the bytes hold, nested ones among them; the keys of maps are not counted. Of bytes that
/// are not MessagePack, what comes before the fault counts, as a decoder gets no further either.
///
/// # Errors
/// Where the value begins that has one too many for [`MAX_VALUES`].
pub(crate) fn count_values(bytes: &[u8]) -> Result<usize, u64> {
    let mut unpacker = Unpacker::new(bytes);
    let mut values = 1;
    // Objects that are still to come, keys among them. That is no more than twice the values.
    let mut ahead: usize = 1;
    while ahead > 0 {
        let at = unpacker.position();
        let Some(Front { elements, keys }) = unpacker.skip_front() else { break };
        values = elements.saturating_add(values);
        if values > MAX_VALUES {
            return Err(at as u64);
        }
        ahead = ahead - 1 + elements + keys;
    }
    Ok(values)
}
