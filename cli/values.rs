//! Owns the values in options, from text to what the libraries want.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, Uri};
use retake_recorder::Preopen;

use crate::input;

/// A `--dir` value.
#[derive(Clone, Debug)]
pub struct PreopenOption(pub Preopen);

/// `NAME=VALUE`.
pub fn parse_env(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value.to_string())),
        _ => Err("write it as NAME=VALUE".into()),
    }
}

/// The most that a memory can be limited to: all that 32-bit addresses reach.
const MAX_MEMORY: u64 = 4 << 30;

/// A number of bytes, or of as many KiB, MiB or GiB as the letter behind it says.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 1 << 10),
        Some((at, 'M' | 'm')) => (&text[..at], 1 << 20),
        Some((at, 'G' | 'g')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number =
        number.parse::<u64>().map_err(|_| "write it as a number of bytes, or with K, M or G, as `64M`")?;
    match number.checked_mul(unit) {
        Some(bytes) if (1..=MAX_MEMORY).contains(&bytes) => Ok(bytes),
        _ => Err("it must be from 1 byte to 4G".into()),
    }
}

/// `HOST::GUEST` or `HOST::GUEST:ro`.
pub fn parse_dir(text: &str) -> Result<PreopenOption, String> {
    let (host, guest) = text.split_once("::").ok_or("write it as HOST::GUEST or HOST::GUEST:ro")?;
    let (guest, read_only) = match guest.strip_suffix(":ro") {
        Some(guest) => (guest, true),
        None => (guest, false),
    };
    if host.is_empty() || guest.is_empty() {
        return Err("both HOST and GUEST must be given".into());
    }
    Ok(PreopenOption(Preopen { host: host.into(), guest: guest.to_string(), read_only }))
}

/// The file that the body of a `--request` is read from.
pub fn body_file(request: &str) -> Option<&Path> {
    request.splitn(3, ' ').nth(2)?.strip_prefix('@').map(Path::new)
}

/// `METHOD PATH [BODY]`, where the body is text or `@FILE`.
pub fn parse_request(text: &str) -> Result<Request<Bytes>, String> {
    let wrong = |what: String| format!("`--request {text}`: {what}; write it as 'METHOD PATH [BODY]'");
    let mut parts = text.splitn(3, ' ');
    let method = parts.next().unwrap_or_default();
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    let path = parts.next().ok_or_else(|| wrong("the path is missing".into()))?;
    if !path.starts_with('/') {
        return Err(wrong(format!("the path `{path}` does not begin with `/`")));
    }
    let uri: Uri = path.parse().map_err(|error| wrong(format!("`{path}`: {error}")))?;
    let body = match parts.next() {
        None => Bytes::new(),
        Some(body) => match body.strip_prefix('@') {
            Some(file) => input::read(Path::new(file), input::COMPONENT)
                .map_err(|error| wrong(format!("`{file}`: {error}")))?
                .into(),
            None => Bytes::from(body.to_string()),
        },
    };
    let mut request = Request::builder().method(method).uri(uri).header(http::header::HOST, "localhost");
    if !body.is_empty() {
        request = request.header(http::header::CONTENT_LENGTH, body.len());
    }
    request.body(body).map_err(|error| wrong(error.to_string()))
}
