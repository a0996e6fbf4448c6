//! A take as JSON lines: one object per line, for the tools that everybody has. Nothing is lost on the way
//! there and back; every hash holds.
//!
//! ```text
//! {"retake":{"version":[1,0]}}
//! {"actor":{"offset":0,"total":123,"bytes":"<base64>"}}
//! {"chain":{"number":0,"id":"<uuid>"}}
//! {"event":{"number":0,"chain":0,"hash":"<hex>","parent":null,"type":"retake/session","data":{"Session":{...}}}}
//! {"end":{"sealed":{"kind":"complete","events":1,"chains":[["<uuid>",1,"<hex>"]]}}}
//! ```
//!
//! [`JsonlWriter`] and [`JsonlReader`] are the two ends. `line` has the lines; the JSON form of a
//! [`Value`](crate::Value) is `codec`'s, and the same in all JSON of Retake. Whether
//! hashes, links and counts hold is the verifier's to say.

mod error;
mod line;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use error::JsonlError;
pub use line::{ExportedEnd, Line, SealedEnd};
pub use reader::{JsonlReader, MAX_LINE};
pub use writer::JsonlWriter;
