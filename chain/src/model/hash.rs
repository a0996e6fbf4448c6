//! Owns every SHA-256 of the project: the hash of an event and the digest of a content. What is hashed of an
//! event is `codec/event.rs`'s.
//!
//! The only file that names the crates that compute it. The hash is the largest part of what recording a call
//! costs. ring's is half as fast again as sha2's where the processor has no instructions for SHA. Where it has,
//! both are as fast, but ring takes a third more time for an event of some hundred bytes.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, Digest, SHA256, digest};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The SHA-256 that identifies an event and binds all events before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventHash(pub [u8; 32]);

/// The SHA-256 of some content, such as a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentRef([u8; 32]);

impl ContentRef {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = ContentHasher::new();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// Makes a [`ContentRef`] from bytes that arrive in pieces.
#[derive(Clone)]
pub struct ContentHasher(Box<Context>);

impl ContentHasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self(Box::new(Context::new(&SHA256)))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> ContentRef {
        ContentRef(bytes_of(&self.0.finish()))
    }
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// The SHA-256 of a few bytes.
pub(crate) fn sha256_of_few(bytes: &[u8]) -> [u8; 32] {
    if has_instructions() { Sha256::digest(bytes).into() } else { bytes_of(&digest(&SHA256, bytes)) }
}

/// Whether the processor computes it, and sha2 lets it.
fn has_instructions() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("sha");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The SHA-256 of two parts, one after the other.
pub(crate) fn sha256_of_parts(first: &[u8], second: &[u8]) -> [u8; 32] {
    let mut hasher = Context::new(&SHA256);
    hasher.update(first);
    hasher.update(second);
    bytes_of(&hasher.finish())
}

fn bytes_of(digest: &Digest) -> [u8; 32] {
    digest.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentHasher")
    }
}

/// Text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a SHA-256; write 64 hexadecimal digits")]
pub struct ParseDigestError {
    text: String,
}

/// What the two digest types share: hex for people, 32 raw bytes for machines.
macro_rules! digest {
    ($name:ident) => {
        impl $name {
            /// The 32 bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The digest that these 32 bytes are.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The first 8 hexadecimal digits, for short forms.
            pub fn short(&self) -> String {
                hex::encode(&self.0[..4])
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, ParseDigestError> {
                let mut bytes = [0; 32];
                match hex::decode_to_slice(text, &mut bytes) {
                    Ok(()) => Ok(Self(bytes)),
                    Err(_) => Err(ParseDigestError { text: text.to_owned() }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(DigestVisitor).map(Self)
                } else {
                    deserializer.deserialize_bytes(DigestVisitor).map(Self)
                }
            }
        }
    };
}

digest!(EventHash);
digest!(ContentRef);

struct DigestVisitor;

impl Visitor<'_> for DigestVisitor {
    type Value = [u8; 32];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SHA-256: 32 bytes, or 64 hexadecimal digits")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<[u8; 32], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<[u8; 32], E> {
        text.parse::<EventHash>().map(|hash| hash.0).map_err(E::custom)
    }
}
