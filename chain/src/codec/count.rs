//! Owns the counting of the values in MessagePack that is not decoded yet: what decoding would ask memory for is known
//! before it does. What is wrong with the bytes is left to `encoding.rs`.

use crate::model::limits::MAX_VALUES;

/// Refuses the data of an event that holds more than [`MAX_VALUES`].
///
/// # Errors
/// As [`count_values`].
pub(crate) fn check_values(data: &[u8]) -> Result<(), u64> {
    // Each takes a byte at least, so that hardly any event has to be counted.
    if data.len() <= MAX_VALUES { Ok(()) } else { count_values(data).map(drop) }
}

/// How many values the bytes hold, nested ones among them; the keys of maps are not counted. Of bytes that are no
/// MessagePack, what comes before the fault counts, as a decoder gets no further either.
///
/// # Errors
/// Where the value begins that has one too many for [`MAX_VALUES`].
pub(crate) fn count_values(bytes: &[u8]) -> Result<usize, u64> {
    let (mut at, mut values) = (0, 1);
    // Objects that are still to come, keys among them. That is no more than twice the values.
    let mut ahead = 1;
    while ahead > 0
        && let Some(header) = Header::read(bytes, at)
    {
        values = header.elements.saturating_add(values);
        if values > MAX_VALUES {
            return Err(at as u64);
        }
        ahead = ahead - 1 + header.elements + header.keys;
        at = at.saturating_add(header.len);
    }
    Ok(values)
}

/// The front of one object.
struct Header {
    /// Bytes up to the next object: the elements of an array or a map are objects of their own.
    len: usize,
    elements: usize,
    keys: usize,
}

impl Header {
    fn read(bytes: &[u8], at: usize) -> Option<Header> {
        let marker = *bytes.get(at)?;
        // A length in so many bytes behind the marker.
        let length = |width: usize| {
            let field = bytes.get(at + 1..at + 1 + width)?;
            Some(field.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        };
        let scalar = |content: usize| Some(Header { len: 1 + content, elements: 0, keys: 0 });
        let content = |width: usize, more: usize| scalar((width + more).saturating_add(length(width)?));
        let array = |width: usize, elements: usize| Some(Header { len: 1 + width, elements, keys: 0 });
        let map = |width: usize, elements: usize| Some(Header { len: 1 + width, elements, keys: elements });
        match marker {
            0x80..=0x8f => map(0, usize::from(marker & 0x0f)),
            0x90..=0x9f => array(0, usize::from(marker & 0x0f)),
            0xa0..=0xbf => scalar(usize::from(marker & 0x1f)),
            0xc1 => None,
            0xc4 | 0xd9 => content(1, 0),
            0xc5 | 0xda => content(2, 0),
            0xc6 | 0xdb => content(4, 0),
            // Extensions have a type behind the length.
            0xc7 => content(1, 1),
            0xc8 => content(2, 1),
            0xc9 => content(4, 1),
            0xcc | 0xd0 => scalar(1),
            0xcd | 0xd1 => scalar(2),
            0xca | 0xce | 0xd2 => scalar(4),
            0xcb | 0xcf | 0xd3 => scalar(8),
            0xd4..=0xd8 => scalar(1 + (1 << (marker - 0xd4))),
            0xdc => array(2, length(2)?),
            0xdd => array(4, length(4)?),
            0xde => map(2, length(2)?),
            0xdf => map(4, length(4)?),
            _ => scalar(0),
        }
    }
}
