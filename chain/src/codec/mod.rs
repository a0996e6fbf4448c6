//! The bytes of the model: canonical MessagePack and JSON, there and back, and the hash over them.
//!
//! `pack` and `unpack` own the primitives, `payload_*` and `value_*` what they make up. `encoding` is for
//! types that go through serde. `json_value` and `json_value_reader` are the JSON form of a value.

pub(crate) mod base64;
pub(crate) mod count;
pub(crate) mod encoding;
pub(crate) mod event;
pub(crate) mod json_value;
pub(crate) mod json_value_reader;
pub(crate) mod pack;
pub(crate) mod payload_codec;
pub(crate) mod payload_decode;
pub(crate) mod unpack;
pub(crate) mod value_decode;
pub(crate) mod value_display;
pub(crate) mod value_serde;
