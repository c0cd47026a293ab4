//! Just enough of a platform to answer every GET with the same small body, over connections that stay open.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// What every GET is answered with.
const BODY: &str = r#"{"id":"8f0c1d5e-5b1a-4c7e-9a53-0d6a1f4b2ce1","name":"Kim Agent","email":"kim@example.com","state":"active","version":7,"presence":{"presenceDefinition":{"id":"6a3af858-942f-489d-9700-5f9bcdcdae9b","systemPresence":"Available"},"modifiedDate":"2026-03-04T09:01:10.120Z"},"selfUri":"/api/v2/users/8f0c1d5e-5b1a-4c7e-9a53-0d6a1f4b2ce1"}"#;

/// Starts a server and returns its port; its threads end with the process.
pub(crate) fn start() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up ends its own thread only.
            thread::spawn(move || serve(&stream));
        }
    });
    Ok(port)
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ninin-correlation-id: 7d0f\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut reader = BufReader::new(stream);
    let mut to = stream;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            to.write_all(answer.as_bytes())?;
        }
    }
}
