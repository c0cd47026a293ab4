//! Just enough of a platform to open a channel, and then frames as fast as the socket takes them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::json;
use tungstenite::handshake::derive_accept_key;

use crate::frames::Frames;

/// A listening server; its threads end with the process.
pub(crate) struct Server {
    pub(crate) port: u16,
    go: Sender<()>,
}

impl Server {
    /// Sends a heartbeat to every WebSocket that is opened and, after [`go`](Self::go), all frames
    /// `repeats` times and then one with the topic [`LAST`](crate::frames::LAST).
    pub(crate) fn start(frames: Frames, repeats: usize) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let frames = Arc::new(frames);
        let (go, started) = channel();
        let started = Arc::new(Mutex::new(started));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (frames, started) = (frames.clone(), started.clone());
                // A client that hangs up ends its own thread only.
                thread::spawn(move || serve(&stream, port, &frames, repeats, &started));
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
    port: u16,
    frames: &Frames,
    repeats: usize,
    started: &Mutex<Receiver<()>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        if let Some(key) = request.socket_key {
            let accept = derive_accept_key(key.as_bytes());
            let mut to = stream;
            write!(
                to,
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )?;
            to.write_all(&frames.heartbeat)?;
            let started = started.lock().unwrap_or_else(PoisonError::into_inner);
            if started.recv().is_err() {
                return Ok(());
            }
            drop(started);
            blast(to, frames, repeats)?;
            // Held open until the client has gone.
            return io::copy(&mut reader, &mut io::sink()).map(drop);
        }
        let created = json!({
            "id": "channel",
            "connectUri": format!("ws://127.0.0.1:{port}/channels/channel"),
            "expires": "2036-03-05T09:30:00.000Z",
        });
        let answer = if request.path.starts_with("/oauth/token") {
            json!({"access_token": "token", "token_type": "bearer", "expires_in": 86_400})
        } else if request.path.ends_with("/channels") {
            created
        } else {
            let topics: Vec<serde_json::Value> = serde_json::from_slice(&request.body)?;
            let permitted =
                topics.iter().map(|topic| json!({"id": topic["id"], "state": "Permitted"}));
            json!({"entities": permitted.collect::<Vec<_>>()})
        };
        let body = answer.to_string();
        let mut to = stream;
        write!(
            to,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
    Ok(())
}

fn blast(mut to: &TcpStream, frames: &Frames, repeats: usize) -> io::Result<()> {
    for _ in 0..repeats {
        to.write_all(&frames.bytes)?;
    }
    to.write_all(&frames.last)
}

struct Request {
    path: String,
    socket_key: Option<String>,
    body: Vec<u8>,
}

fn read(from: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    let mut request = Request {
        path: path.split('?').next().unwrap_or_default().to_owned(),
        socket_key: None,
        body: Vec::new(),
    };
    let mut length = 0;
    loop {
        let mut header = String::new();
        from.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or_default(),
            "sec-websocket-key" => request.socket_key = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    from.take(length).read_to_end(&mut request.body)?;
    Ok(Some(request))
}
