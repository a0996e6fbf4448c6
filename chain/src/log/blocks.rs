//! Owns the taking apart of the blocks that are alone in their frames, and the comparison of an index and a seal
//! with the frames that were really read. When they may come is left to `reader.rs`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::encoding::from_canonical_slice;
use crate::value::Value;

use super::error::Damage;
use super::format::{
    FORMAT_VERSION, FormatVersion, FrameEntry, FrameRef, Header, IndexBody, Seal, TAG_HEADER, TAG_INDEX,
    TAG_SEAL,
};

/// The version in a header. It is looked for before anything else is demanded of the header, for that of a
/// newer version may have more in it.
pub(super) fn decode_header(raw: &[u8]) -> Result<FormatVersion, Damage> {
    let part = |value: &Value| match value {
        Value::Unsigned(part) => u16::try_from(*part).ok(),
        _ => None,
    };
    let loose: Value = decode("header", TAG_HEADER, raw)?;
    if let Some(Value::List(parts)) = loose.field("version")
        && let [major, minor] = parts.as_slice()
        && let (Some(major), Some(minor)) = (part(major), part(minor))
        && !(FormatVersion { major, minor }).is_readable_by(FORMAT_VERSION)
    {
        return Ok(FormatVersion { major, minor });
    }
    decode("header", TAG_HEADER, raw).map(|header: Header| header.version)
}

/// Compares an index with what was read since the one before.
pub(super) fn check_index(
    raw: &[u8],
    frames: &[FrameEntry],
    events: u64,
    last_index: Option<FrameRef>,
) -> Result<(), Damage> {
    let body: IndexBody = decode("index", TAG_INDEX, raw)?;
    let differs = |reason: String| Err(Damage::Mismatch { what: "index", reason });
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
    actor_is_whole: bool,
) -> Result<Seal, Damage> {
    let seal: Seal = decode("seal", TAG_SEAL, content)?;
    let reason = if Some(seal.index) != last_index {
        "it names another last index"
    } else if frames.len() != 1 {
        "frames follow the last index"
    } else if !actor_is_whole {
        "the embedded component is not whole"
    } else {
        return Ok(seal);
    };
    Err(Damage::Mismatch { what: "seal", reason: reason.into() })
}

fn decode<T: Serialize + DeserializeOwned>(what: &'static str, tag: &str, raw: &[u8]) -> Result<T, Damage> {
    match from_canonical_slice::<(String, T)>(raw) {
        Ok((found, body)) if found == tag => Ok(body),
        Ok(_) => Err(Damage::Record { reason: "an array with an unknown tag" }),
        Err(source) => Err(Damage::Decode { what, source }),
    }
}
