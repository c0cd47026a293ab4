//! A WebSocket that sends frames as fast as they are taken.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tungstenite::handshake::derive_accept_key;

/// A listening server; its thread ends with the process.
pub(crate) struct Server {
    pub(crate) port: u16,
    go: Sender<()>,
}

impl Server {
    /// Sends the first frame to every WebSocket that is opened, one after the other and, after [`go`](Self::go), all
    /// bytes `repeats` times.
    pub(crate) fn start(first: Vec<u8>, bytes: Vec<u8>, repeats: usize) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (go, started) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up ends its own turn only.
                let _ = serve(&stream, &first, &bytes, repeats, &started);
            }
        });
        Ok(Self { port, go })
    }

    /// Lets the frames flow to the WebSocket that is open.
    pub(crate) fn go(&self) {
        // The receiver lives in the thread that listens, for ever.
        let _ = self.go.send(());
    }
}

fn serve(
    stream: &TcpStream,
    first: &[u8],
    bytes: &[u8],
    repeats: usize,
    started: &Receiver<()>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut key = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("sec-websocket-key") {
            value.trim().clone_into(&mut key);
        }
    }
    let mut to = stream;
    write!(
        to,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )?;
    to.write_all(first)?;
    if started.recv().is_err() {
        return Ok(());
    }
    for _ in 0..repeats {
        to.write_all(bytes)?;
    }
    // Held open until the client has gone.
    io::copy(&mut reader, &mut io::sink()).map(drop)
}
