//! The socket's own limit: the header of a frame says how long it is, and that is enough to refuse it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::{
    Buffers, Client, Decode, Decoded, DecoderContext, DialContext, DialRequest, Endpoints, Event,
    Gone, Inbound, Lifecycle, Needs, NoReconnect, Notice, Protocol, StaticToken,
};
use tungstenite::handshake::derive_accept_key;
use url::Url;

const MIB: u64 = 1 << 20;

/// A socket at this port, of which nobody expects any event.
struct Plain(u16);

impl Protocol<Event> for Plain {
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn dial(&self, _: &DialContext<'_>) -> genesys_cloud::Result<DialRequest> {
        let url = format!("ws://127.0.0.1:{}/frames", self.0);
        Ok(DialRequest::new(Url::parse(&url).unwrap()))
    }

    fn decoder(&self, _: &DecoderContext<'_>) -> Box<dyn Decode<Event>> {
        Box::new(Deaf)
    }
}

struct Deaf;

impl Decode<Event> for Deaf {
    fn decode(&mut self, _: Inbound<'_>) -> Decoded<Event> {
        Decoded::nothing(Notice::Heartbeat)
    }
}

/// A server that sends a small frame, then the header of a frame of this length, and nothing of the frame itself.
fn server(claimed: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let key = read_key(&mut socket);
        let mut out = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        )
        .into_bytes();
        out.extend([0x82, 1, 0x80]);
        out.extend([0x82, 127]);
        out.extend(claimed.to_be_bytes());
        socket.write_all(&out).unwrap();
        // Held open until the client has gone.
        let _ = socket.read_to_end(&mut Vec::new());
    });
    port
}

fn read_key(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let line = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    });
    line.unwrap()
}

/// Why the connection is gone, if it is within two seconds, and the most memory that the client had at a time.
fn cause_and_peak(claimed: u64, max_message: usize) -> (Option<Gone>, u64) {
    let port = server(claimed);
    let endpoints = Endpoints::single(&format!("http://127.0.0.1:{port}")).unwrap();
    let client = Client::builder(endpoints)
        .token_source(StaticToken::new("token-of-a-test"))
        .build()
        .unwrap();
    // One thread, so that its counter sees all that the client does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut cause = None;
    let used = allocation_counter::measure(|| {
        runtime.block_on(async {
            let mut events = client
                .connect(Plain(port))
                .buffers(Buffers::default().max_message(max_message))
                .reconnect(NoReconnect)
                .start()
                .await
                .unwrap();
            let read = async {
                while let Some(Ok(delivery)) = events.next().await {
                    if let Event::Lifecycle(Lifecycle::Disconnected { cause: gone, .. }) =
                        delivery.event
                    {
                        cause = Some(gone);
                    }
                }
            };
            let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
        });
    });
    (cause, used.bytes_max)
}

#[test]
fn the_header_of_a_frame_of_64_mebibytes_allocates_nothing_for_it() {
    let (cause, peak) = cause_and_peak(64 * MIB, 5 << 20);
    assert!(matches!(cause, Some(Gone::TooBig { limit: 5_242_880 })), "{cause:?}");
    assert!(peak < MIB, "{peak} bytes");
    // The counter would have seen it: a limit above the claim lets the memory be taken.
    let (cause, peak) = cause_and_peak(64 * MIB, 65 << 20);
    assert!(cause.is_none(), "{cause:?}");
    assert!(peak > 64 * MIB, "{peak} bytes");
}

#[test]
fn a_claim_of_all_the_memory_there_is_is_refused_too() {
    let (cause, peak) = cause_and_peak(i64::MAX.cast_unsigned(), 5 << 20);
    assert!(matches!(cause, Some(Gone::TooBig { .. })), "{cause:?}");
    assert!(peak < MIB, "{peak} bytes");
}
