//! Owns the writing of MessagePack primitives in their shortest form, straight into a byte vector.
//! What the pieces mean is left to the callers: payloads, the hash preimage and the log's records.

/// Appends nil.
pub(crate) fn nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

/// Appends a boolean.
pub(crate) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

/// Appends an integer that is not negative.
pub(crate) fn unsigned(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else if let Ok(value) = u8::try_from(value) {
        out.extend_from_slice(&[0xcc, value]);
    } else if let Ok(value) = u16::try_from(value) {
        let [a, b] = value.to_be_bytes();
        out.extend_from_slice(&[0xcd, a, b]);
    } else if let Ok(value) = u32::try_from(value) {
        let [a, b, c, d] = value.to_be_bytes();
        out.extend_from_slice(&[0xce, a, b, c, d]);
    } else {
        out.push(0xcf);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Appends any signed integer.
pub(crate) fn signed(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u64::try_from(value) {
        unsigned(out, value);
    } else if value >= -32 {
        out.push(value as u8);
    } else if let Ok(value) = i8::try_from(value) {
        out.extend_from_slice(&[0xd0, value as u8]);
    } else if let Ok(value) = i16::try_from(value) {
        let [a, b] = value.to_be_bytes();
        out.extend_from_slice(&[0xd1, a, b]);
    } else if let Ok(value) = i32::try_from(value) {
        let [a, b, c, d] = value.to_be_bytes();
        out.extend_from_slice(&[0xd2, a, b, c, d]);
    } else {
        out.push(0xd3);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Appends the bits of a 32-bit float, whatever they are.
pub(crate) fn float32(out: &mut Vec<u8>, bits: u32) {
    let [a, b, c, d] = bits.to_be_bytes();
    out.extend_from_slice(&[0xca, a, b, c, d]);
}

/// Appends the bits of a 64-bit float, whatever they are.
pub(crate) fn float64(out: &mut Vec<u8>, bits: u64) {
    out.push(0xcb);
    out.extend_from_slice(&bits.to_be_bytes());
}

/// Appends a string.
pub(crate) fn string(out: &mut Vec<u8>, value: &str) {
    string_header(out, value.len());
    out.extend_from_slice(value.as_bytes());
}

/// Appends the header of a string of `len` bytes.
pub(crate) fn string_header(out: &mut Vec<u8>, len: usize) {
    match len {
        0..32 => out.push(0xa0 | len as u8),
        32..0x100 => out.extend_from_slice(&[0xd9, len as u8]),
        _ => wide_header(out, 0xda, len),
    }
}

/// Appends a byte string.
pub(crate) fn binary(out: &mut Vec<u8>, value: &[u8]) {
    binary_header(out, value.len());
    out.extend_from_slice(value);
}

/// Appends the header of a byte string of `len` bytes.
pub(crate) fn binary_header(out: &mut Vec<u8>, len: usize) {
    match len {
        0..0x100 => out.extend_from_slice(&[0xc4, len as u8]),
        _ => wide_header(out, 0xc5, len),
    }
}

/// Appends the header of an array of `len` elements.
pub(crate) fn array_header(out: &mut Vec<u8>, len: usize) {
    match len {
        0..16 => out.push(0x90 | len as u8),
        _ => wide_header(out, 0xdc, len),
    }
}

/// Appends the header of a map of `len` entries.
pub(crate) fn map_header(out: &mut Vec<u8>, len: usize) {
    match len {
        0..16 => out.push(0x80 | len as u8),
        _ => wide_header(out, 0xde, len),
    }
}

/// Appends extension type 1 with four bytes: a handle.
pub(crate) fn handle(out: &mut Vec<u8>, id: u32) {
    let [a, b, c, d] = id.to_be_bytes();
    out.extend_from_slice(&[0xd6, crate::model::value::HANDLE_EXTENSION as u8, a, b, c, d]);
}

/// In every family the 16-bit marker is followed by the 32-bit one. Lengths beyond 32 bits are kept out by
/// the limits of an event ([`crate::MAX_EVENT`]), which are far below.
fn wide_header(out: &mut Vec<u8>, marker16: u8, len: usize) {
    if let Ok(len) = u16::try_from(len) {
        let [a, b] = len.to_be_bytes();
        out.extend_from_slice(&[marker16, a, b]);
    } else {
        let [a, b, c, d] = (len as u32).to_be_bytes();
        out.extend_from_slice(&[marker16 + 1, a, b, c, d]);
    }
}
