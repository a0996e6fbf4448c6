//! Owns the server that the guest `wasi-http` asks: it answers while it is asked, breaks off, or never
//! answers, as the path says.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// A server for one connection.
pub struct Peer {
    pub address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
}

const HEAD: &str = "HTTP/1.1 201 Created\r\ncontent-type: text/plain\r\n";

impl Peer {
    pub fn start() -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let server = thread::spawn(move || serve(listener.accept()?.0));
        Peer { address, server }
    }

    /// An address where nobody listens.
    pub fn gone() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("a bound socket")
    }

    /// Waits until the guest has gone.
    pub fn join(self) {
        self.server.join().expect("the server does not panic").expect("its connection holds");
    }
}

fn serve(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let target = read_line(&mut stream)?;
    while !read_line(&mut stream)?.is_empty() {}
    match target.split(' ').nth(1) {
        Some("/echo") => echo(&mut stream),
        Some("/broken") => {
            let half = format!("{HEAD}content-length: 100\r\n\r\nhalf");
            stream.get_mut().write_all(half.as_bytes())?;
            stream.get_mut().shutdown(Shutdown::Write)?;
            until_gone(&mut stream)
        }
        Some("/stalls") => {
            let half = format!("{HEAD}content-length: 100\r\n\r\nhalf");
            stream.get_mut().write_all(half.as_bytes())?;
            until_gone(&mut stream)
        }
        _ => until_gone(&mut stream),
    }
}

/// Sends each chunk back as it comes, and a trailer like the request's.
fn echo(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    let head = format!("{HEAD}trailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.get_mut().write_all(head.as_bytes())?;
    loop {
        let length = read_line(stream)?;
        let bytes = usize::from_str_radix(&length, 16).map_err(io::Error::other)?;
        if bytes == 0 {
            break;
        }
        let mut chunk = vec![0; bytes + 2];
        io::Read::read_exact(stream, &mut chunk)?;
        stream.get_mut().write_all(&[length.as_bytes(), b"\r\n", &chunk].concat())?;
    }
    let mut end = "0\r\n".to_string();
    loop {
        let trailer = read_line(stream)?;
        end.push_str(&format!("{trailer}\r\n"));
        if trailer.is_empty() {
            return stream.get_mut().write_all(end.as_bytes());
        }
    }
}

fn until_gone(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    // A guest that gives up may leave with a reset.
    let _ = io::copy(stream, &mut io::sink());
    Ok(())
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_string())
}
