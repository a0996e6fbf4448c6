//! Owns HTTP/1.1 as bytes on a socket, both ends of it: what a client asks, and what a server is asked.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

/// A peer that says nothing for so long is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that a server got.
#[derive(Clone, Debug)]
pub struct Request {
    /// Such as `POST /ask`.
    pub target: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A response that a client got.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body came to its end; otherwise the connection broke in it.
    pub whole: bool,
}

/// One connection to a server, for any number of requests.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// A request whose response has not been read.
pub struct Asked {
    stream: BufReader<TcpStream>,
}

/// A request whose body is still being sent, to an actor that passes it back.
pub struct Upload {
    stream: BufReader<TcpStream>,
    pub status: u16,
    echoed: Vec<u8>,
}

type Head = (String, Vec<(String, String)>);

impl Request {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Reads a request; `None` if the client closes the connection instead of sending one.
    pub fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
        let Some((start, headers)) = read_head(stream)? else { return Ok(None) };
        let target = start.strip_suffix(" HTTP/1.1").ok_or(ErrorKind::InvalidData)?.to_string();
        let mut body = Vec::new();
        read_body(stream, &headers, false, &mut body)?;
        Ok(Some(Request { target, headers, body }))
    }
}

impl Response {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    fn read(stream: &mut impl BufRead) -> io::Result<Response> {
        let (status, headers) = read_response_head(stream)?;
        let mut body = Vec::new();
        let whole = read_body(stream, &headers, true, &mut body).is_ok();
        Ok(Response { status, headers, body, whole })
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        Client { stream: connect(address) }
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.request("GET", path, b"")
    }

    pub fn post(&mut self, path: &str, body: &[u8]) -> Response {
        self.request("POST", path, body)
    }

    /// Sends a request and waits for the response, which must at least begin.
    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Response {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: retake.test\r\ncontent-length: {length}\r\n\r\n");
        let request = [head.as_bytes(), body].concat();
        let mut sender = self.stream.get_ref().try_clone().expect("a second handle to the socket");
        thread::scope(|scope| {
            // Beside the reading, for an actor may answer a long body before its end.
            scope.spawn(move || sender.write_all(&request).expect("the request is sent"));
            Response::read(&mut self.stream)
                .unwrap_or_else(|error| panic!("{method} {path}: no response: {error}"))
        })
    }
}

impl Client {
    /// Posts a body that is short enough to be sent before the answer is read; an error if the connection
    /// breaks.
    pub fn try_post(&mut self, path: &str, body: &[u8]) -> io::Result<Response> {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: retake.test\r\ncontent-length: {length}\r\n\r\n");
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        Response::read(&mut self.stream)
    }

    /// Sends a request without reading the response.
    pub fn ask(mut self, path: &str) -> Asked {
        let head = format!("GET {path} HTTP/1.1\r\nhost: retake.test\r\n\r\n");
        self.stream.get_mut().write_all(head.as_bytes()).expect("the request is sent");
        Asked { stream: self.stream }
    }

    /// Sends a request, waits for the first bytes of the response's body, and goes away.
    pub fn leave_early(self, path: &str) {
        let mut asked = self.ask(path);
        read_response_head(&mut asked.stream).expect("a response begins");
        asked.stream.read_exact(&mut [0; 1024]).expect("the body begins");
    }
}

impl Asked {
    /// Waits for the head of a response that is a success; of its body no more than a buffer is read.
    pub fn has_begun(&mut self) -> bool {
        read_response_head(&mut self.stream).is_ok_and(|(status, _)| status == 200)
    }

    /// Whether a response comes that is whole and a success.
    pub fn is_answered(&mut self) -> bool {
        Response::read(&mut self.stream).is_ok_and(|response| response.status == 200 && response.whole)
    }
}

impl Upload {
    /// Sends the beginning of a body, and waits until all of it came back.
    pub fn begin(address: SocketAddr, first: &[u8]) -> Upload {
        let mut stream = connect(address);
        let head = "POST /echo HTTP/1.1\r\nhost: retake.test\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.get_mut().write_all(head.as_bytes()).expect("the head is sent");
        write_chunk(stream.get_mut(), first).expect("the first chunk is sent");
        let (status, _) = read_response_head(&mut stream).expect("a response begins");
        let mut echoed = Vec::new();
        while echoed.len() < first.len() {
            assert!(read_chunk(&mut stream, &mut echoed).expect("a chunk"), "the response ends too early");
        }
        Upload { stream, status, echoed }
    }

    /// Sends the rest of the body, and returns all that came back.
    pub fn finish(mut self, last: &[u8]) -> io::Result<Vec<u8>> {
        write_chunk(self.stream.get_mut(), last)?;
        write_chunk(self.stream.get_mut(), b"")?;
        self.rest()
    }

    /// Reads on without sending more: what comes back until the response ends, or an error if it breaks off.
    pub fn rest(mut self) -> io::Result<Vec<u8>> {
        while read_chunk(&mut self.stream, &mut self.echoed)? {}
        Ok(self.echoed)
    }
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
    BufReader::new(stream)
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// A line without its end; an error if the stream ends in it.
fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.strip_suffix("\r\n").map(str::to_string).ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))
}

/// A start line and headers, names in lower case; `None` if the stream ends before them.
fn read_head(stream: &mut impl BufRead) -> io::Result<Option<Head>> {
    if stream.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let start = read_line(stream)?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok(Some((start, headers)));
        }
        let (name, value) = line.split_once(':').ok_or(ErrorKind::InvalidData)?;
        headers.push((name.to_lowercase(), value.trim().to_string()));
    }
}

fn read_response_head(stream: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    let (start, headers) = read_head(stream)?.ok_or(ErrorKind::UnexpectedEof)?;
    let status = start.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    Ok((status.ok_or(ErrorKind::InvalidData)?, headers))
}

/// Reads a body into `body`; what came before an error stays there.
fn read_body(
    stream: &mut impl BufRead,
    headers: &[(String, String)],
    until_end: bool,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    if header(headers, "transfer-encoding") == Some("chunked") {
        while read_chunk(stream, body)? {}
        return Ok(());
    }
    match header(headers, "content-length") {
        Some(length) => {
            let length: u64 = length.parse().map_err(|_| ErrorKind::InvalidData)?;
            let read = stream.take(length).read_to_end(body)?;
            if read as u64 == length { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
        }
        None if until_end => stream.read_to_end(body).map(drop),
        None => Ok(()),
    }
}

/// Reads one chunk into `body`; false at the last, which is empty.
fn read_chunk(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<bool> {
    let length = u64::from_str_radix(&read_line(stream)?, 16).map_err(|_| ErrorKind::InvalidData)?;
    let read = stream.take(length).read_to_end(body)?;
    if read as u64 != length || !read_line(stream)?.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(length > 0)
}

fn write_chunk(stream: &mut impl Write, content: &[u8]) -> io::Result<()> {
    let head = format!("{:x}\r\n", content.len());
    stream.write_all(&[head.as_bytes(), content, b"\r\n"].concat())
}
