//! Owns the parsing of option values: from text to the types of the libraries.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

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
        Some(_) => Err("the name is missing; write it as NAME=VALUE".into()),
        None => Err("`=` is missing; write it as NAME=VALUE, or give the variable of this process with \
                     `--inherit-env NAME`"
            .into()),
    }
}

/// `HOST:PORT`, where HOST is a name or an address.
pub fn parse_address(text: &str) -> Result<String, String> {
    const FORM: &str = "write it as HOST:PORT, such as 127.0.0.1:8080 (port 0 is any free one)";
    if let Some((scheme, rest)) = text.split_once("://") {
        let rest = rest.split('/').next().unwrap_or_default();
        return Err(format!("`{scheme}://` is not part of an address: give `{rest}`"));
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port(text) {
        return Err(format!("this is a port without a host: give `127.0.0.1:{text}`"));
    }
    if text.parse::<IpAddr>().is_ok() {
        let host = if text.contains(':') { format!("[{text}]") } else { text.to_string() };
        return Err(format!("the port is missing: give `{host}:8080`, or port 0 for any free one"));
    }
    let is_name = |host: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !host.is_empty() && host.bytes().all(allowed)
    };
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(match is_name(text) {
            true => format!("the port is missing: give `{text}:8080`, or port 0 for any free one"),
            false => format!("it is not an address; {FORM}"),
        });
    };
    if !is_port(port) {
        return Err(format!("`{port}` is not a port, which is a number from 0 to 65535; {FORM}"));
    }
    if host.is_empty() {
        return Err(format!(
            "the host is missing: give `127.0.0.1:{port}` (or `0.0.0.0:{port}` for every address of this machine)"
        ));
    }
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_address = inner.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
    match is_address || is_name(host) {
        true => Ok(text.into()),
        false if host.parse::<Ipv6Addr>().is_ok() => {
            Err(format!("an IPv6 address stands in brackets: give `[{host}]:{port}`"))
        }
        false => Err(format!("`{host}` is not a name or an address; {FORM}")),
    }
}

/// The largest limit of a memory: all that 32-bit addresses reach.
const MAX_MEMORY: u64 = 4 << 30;

/// A number of bytes, or a number of KiB, MiB or GiB with the letter K, M or G.
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

/// The longest time that can be given: a year.
const MAX_TIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A length of time: a whole number and its unit.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "" => return Err("the unit is missing; write it as `500ms`, `30s`, `2m` or `1h`".into()),
        _ => return Err("write it as a whole number and `ms`, `s`, `m` or `h`, as `30s`".into()),
    };
    if number.is_empty() {
        return Err("the number is missing; write it as `500ms`, `30s`, `2m` or `1h`".into());
    }
    let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    match time.map(Duration::from_millis) {
        Some(Duration::ZERO) => Err("the time must not be zero; leave the option out for no bound".into()),
        Some(time) if time <= MAX_TIME => Ok(time),
        _ => Err("it can be at most a year, `8760h`".into()),
    }
}

/// `HOST::GUEST` or `HOST::GUEST:ro`.
pub fn parse_dir(text: &str) -> Result<PreopenOption, String> {
    let (host, guest) = text.split_once("::").ok_or_else(|| {
        let meant = match text.split_once(':') {
            Some((host, guest)) => format!("{host}::{guest}"),
            None => format!("{text}::/{}", text.trim_matches(['/', '.'])),
        };
        format!("there is no `::`; write it as HOST::GUEST or HOST::GUEST:ro, such as `{meant}`")
    })?;
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
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_| wrong(format!("`{method}` is not a method")))?;
    let path = parts.next().ok_or_else(|| wrong("the path is missing".into()))?;
    if !path.starts_with('/') {
        let path_of = |url: &str| {
            url.split_once("://").map(|(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]).to_string())
        };
        let meant =
            path_of(path).map(|path| format!(" (give `{path}`, without the host)")).unwrap_or_default();
        return Err(wrong(format!("the path `{path}` does not begin with `/`{meant}")));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_with_its_unit() {
        let table =
            [("500ms", 500), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("8760h", 31_536_000_000)];
        for (text, milliseconds) in table {
            assert_eq!(parse_time(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        let refused = [
            ("", "unit is missing"),
            ("30", "unit is missing"),
            ("s", "number is missing"),
            ("30 s", "whole number"),
            ("-1s", "whole number"),
            ("1.5s", "whole number"),
            ("1m30s", "whole number"),
            ("5d", "whole number"),
            ("0s", "must not be zero"),
            ("8761h", "at most a year"),
            ("18446744073709551615h", "at most a year"),
            ("99999999999999999999s", "at most a year"),
        ];
        for (text, words) in refused {
            let refusal = parse_time(text).expect_err(text);
            assert!(refusal.contains(words), "{text}: {refusal}");
        }
    }
}
