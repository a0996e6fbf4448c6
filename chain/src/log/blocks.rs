//! Owns the taking apart of the blocks that are alone in their frames, and the comparison of an index and a
//! seal with the frames that were really read. When they may come is left to `reader.rs`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::encoding::{DecodeError, from_canonical_slice};
use crate::model::value::Value;

use super::error::Damage;
use super::format::{FrameEntry, FrameRef, Header, IndexBody, Seal, TAG_HEADER, TAG_INDEX, TAG_SEAL};
use crate::model::version::{FORMAT_VERSION, FormatVersion, VersionError};

/// The version in a header, if this crate can read it. It is looked for before anything else is demanded of
/// the header, for that of another version may have more in it.
pub(super) fn decode_header(raw: &[u8]) -> Result<Result<FormatVersion, VersionError>, Damage> {
    if let Value::List(fields) = Value::decode(raw).map_err(Damage::Header)?
        && let Some(found) = fields.get(1).and_then(loose_version)
        && let Err(error) = found.check_readable_by(FORMAT_VERSION)
    {
        return Ok(Err(error));
    }
    decode(Damage::Header, TAG_HEADER, raw).map(|header: Header| Ok(header.version))
}

fn loose_version(header: &Value) -> Option<FormatVersion> {
    let Some(Value::List(parts)) = header.field("version") else { return None };
    let part = |at| match parts.get(at) {
        Some(Value::Unsigned(part)) => u16::try_from(*part).ok(),
        _ => None,
    };
    Some(FormatVersion::new(part(0)?, part(1)?))
}

/// An index, not compared with anything.
pub(super) fn decode_index(raw: &[u8]) -> Result<IndexBody, Damage> {
    decode(Damage::Index, TAG_INDEX, raw)
}

/// A seal, not compared with anything.
pub(super) fn decode_seal_content(content: &[u8]) -> Result<Seal, Damage> {
    decode(Damage::Seal, TAG_SEAL, content)
}

/// Compares an index with what was read since the one before.
pub(super) fn check_index(
    raw: &[u8],
    frames: &[FrameEntry],
    events: u64,
    last_index: Option<FrameRef>,
) -> Result<(), Damage> {
    let body = decode_index(raw)?;
    let differs = |reason: String| Err(Damage::IndexMismatch { reason });
    if let Some((named, found)) = body.frames.iter().zip(frames).find(|(named, found)| named != found) {
        return differs(format!("it names {named:?} where {found:?} is"));
    }
    if body.frames.len() != frames.len() {
        return differs(format!("it names {} frames, {} are there", body.frames.len(), frames.len()));
    }
    if body.events != events {
        return differs(format!("it counts {} events, {events} are there", body.events));
    }
    let previous = last_index.map(|index| index.offset);
    if body.previous != previous {
        return differs(format!("it names the index before at {:?}, it is at {previous:?}", body.previous));
    }
    Ok(())
}

/// The seal, if it names the last index and that covers everything. Its counts and heads are the verifier's.
pub(super) fn decode_seal_body(
    content: &[u8],
    last_index: Option<FrameRef>,
    frames: &[FrameEntry],
) -> Result<Seal, Damage> {
    let seal = decode_seal_content(content)?;
    let reason = if Some(seal.index) != last_index {
        "it names another last index"
    } else if frames.len() != 1 {
        "frames follow the last index"
    } else {
        return Ok(seal);
    };
    Err(Damage::SealMismatch { reason })
}

fn decode<T: Serialize + DeserializeOwned>(
    fault: fn(DecodeError) -> Damage,
    tag: &str,
    raw: &[u8],
) -> Result<T, Damage> {
    match from_canonical_slice::<(String, T)>(raw) {
        Ok((found, body)) if found == tag => Ok(body),
        Ok((found, _)) => Err(Damage::UnknownRecord { tag: found, fields: 2 }),
        Err(source) => Err(fault(source)),
    }
}
