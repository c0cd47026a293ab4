//! A platform that answers REST correctly and whose sockets do whatever a test wants, down to single bytes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use genesys_cloud::{Client, ClientCredentials, Endpoints};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tungstenite::handshake::derive_accept_key;

type Script = dyn Fn(usize, TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// The server; dropping it ends its tasks.
pub(crate) struct Scripted {
    pub(crate) base: String,
    pub(crate) dials: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Shared {
    connect_uri: Option<String>,
    port: u16,
    dials: Arc<AtomicUsize>,
    channels: Arc<AtomicUsize>,
    script: Arc<Script>,
}

impl Scripted {
    /// `script` gets every socket after its upgrade, with its number from 0.
    pub(crate) async fn start<F, Fut>(script: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::start_with(None, script).await
    }

    /// The same, with an address that every channel is said to have.
    pub(crate) async fn start_with<F, Fut>(connect_uri: Option<&str>, script: F) -> Self
    where
        F: Fn(usize, TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Shared {
            connect_uri: connect_uri.map(str::to_owned),
            port,
            dials: Arc::default(),
            channels: Arc::default(),
            script: Arc::new(move |n, socket| Box::pin(script(n, socket))),
        };
        let dials = shared.dials.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move { serve(socket, shared).await });
            }
        });
        Self { base: format!("http://127.0.0.1:{port}"), dials, task }
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        Endpoints::single(&self.base).unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        Client::builder(self.endpoints())
            .credentials(ClientCredentials::new("id", "a-secret-of-a-test"))
            .build()
            .unwrap()
    }

    pub(crate) fn dials(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }
}

async fn serve(mut socket: TcpStream, shared: Shared) {
    while let Some((head, body)) = read_request(&mut socket).await {
        let line = head.lines().next().unwrap_or_default().to_owned();
        if header(&head, "upgrade").is_some() {
            let n = shared.dials.fetch_add(1, Ordering::SeqCst);
            let key = header(&head, "sec-websocket-key").unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            );
            if socket.write_all(answer.as_bytes()).await.is_ok() {
                (shared.script)(n, socket).await;
            }
            return;
        }
        let answer = if line.contains("/oauth/token") {
            r#"{"access_token":"token-of-a-test","token_type":"bearer","expires_in":3600}"#
                .to_owned()
        } else if line.starts_with("POST") && line.contains("/notifications/channels ") {
            let n = shared.channels.fetch_add(1, Ordering::SeqCst);
            let uri = shared.connect_uri.clone().unwrap_or_else(|| {
                format!("ws://127.0.0.1:{}/channels/streaming-{n}-uri-of-a-test", shared.port)
            });
            format!(r#"{{"id":"streaming-{n}-uri-of-a-test","connectUri":"{uri}"}}"#)
        } else if line.contains("/subscriptions") {
            let topics: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap_or_default();
            let entities: Vec<_> = topics
                .iter()
                .map(|topic| serde_json::json!({"id": topic["id"], "state": "Permitted"}))
                .collect();
            serde_json::json!({ "entities": entities }).to_string()
        } else {
            "{}".to_owned()
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        if socket.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

async fn read_request(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = header(&head, "content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// A server's frame: not masked.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80 | opcode];
    if let Ok(length @ 0..=125) = u8::try_from(payload.len()) {
        out.push(length);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        out.push(126);
        out.extend(length.to_be_bytes());
    } else {
        out.push(127);
        out.extend((payload.len() as u64).to_be_bytes());
    }
    out.extend(payload);
    out
}

/// A text frame.
pub(crate) fn text(payload: &str) -> Vec<u8> {
    frame(1, payload.as_bytes())
}

/// Keeps a socket open, and reads what comes so that nothing blocks.
pub(crate) async fn hold(mut socket: TcpStream) {
    let mut sink = [0; 1024];
    while !matches!(socket.read(&mut sink).await, Ok(0) | Err(_)) {}
}
