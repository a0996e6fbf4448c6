//! Owns the JSON form of byte strings: base64, standard alphabet, padded, and each string of bytes in one way
//! only.

use std::fmt;

use base64::display::Base64Display;
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// Bytes that are base64 text in JSON.
#[derive(Debug)]
pub(crate) struct Base64(pub(crate) Bytes);

impl Serialize for Base64 {
    /// Without the whole text in memory.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(&self.0, &BASE64_STANDARD))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64Visitor;
        impl Visitor<'_> for Base64Visitor {
            type Value = Base64;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes in base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64, E> {
                match BASE64_STANDARD.decode(text) {
                    Ok(bytes) => Ok(Base64(bytes.into())),
                    Err(error) => Err(E::custom(format_args!("not padded base64: {error}"))),
                }
            }
        }
        deserializer.deserialize_str(Base64Visitor)
    }
}
