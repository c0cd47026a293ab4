//! A WebSocket server whose sockets share one source of numbered events, as a platform's do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::quiet::PATIENCE;

/// What a socket of the server's does next.
#[derive(Clone, Debug)]
pub(crate) enum Do {
    Text(String),
    Ping(&'static [u8]),
    Pong(&'static [u8]),
    Close(u16),
    /// Ends the connection without a close frame.
    Cut,
}

#[derive(Debug)]
struct Socket {
    number: usize,
    topics: BTreeSet<String>,
    todo: UnboundedSender<Do>,
}

/// How the server treats those who come.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    /// HTTP statuses for the next upgrades; 101 when it is empty.
    pub(crate) refuse: Vec<(u16, Option<&'static str>)>,
    /// Close codes for the next sockets, right after the upgrade.
    pub(crate) close_first: Vec<u16>,
    /// Whether events come without being asked for.
    pub(crate) sends_all: bool,
    /// Whether subscriptions are read but not acted on, and pings not answered.
    pub(crate) deaf: bool,
    /// How long an upgrade takes.
    pub(crate) upgrade_takes: Duration,
    /// How long a socket that is open does nothing, while events for it pile up.
    pub(crate) slow_start: Duration,
}

#[derive(Debug, Default)]
struct State {
    manners: Manners,
    heads: Vec<String>,
    heard: Vec<(usize, String)>,
    sockets: Vec<Socket>,
    pings: usize,
}

/// The server; it ends when it is dropped.
pub(crate) struct Hub {
    pub(crate) base: String,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("ws://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let state = Arc::new(Mutex::new(State { manners, ..State::default() }));
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, shared.clone()));
            }
        });
        Self { base, state, task }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn manners(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.lock().manners);
    }

    /// The request heads of all upgrades.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.lock().heads.clone()
    }

    /// The texts that came in, with the number of their socket.
    pub(crate) fn heard(&self) -> Vec<(usize, String)> {
        self.lock().heard.clone()
    }

    pub(crate) fn pings(&self) -> usize {
        self.lock().pings
    }

    /// Numbers of the sockets that are open.
    pub(crate) fn open(&self) -> Vec<usize> {
        self.lock().sockets.iter().map(|socket| socket.number).collect()
    }

    /// Sends an event to every socket that has its topic.
    pub(crate) fn emit(&self, topic: &str, n: usize) {
        let state = self.lock();
        let text = format!(r#"{{"topic":"{topic}","n":{n}}}"#);
        for socket in &state.sockets {
            if state.manners.sends_all || socket.topics.contains(topic) {
                let _ = socket.todo.send(Do::Text(text.clone()));
            }
        }
    }

    /// Has every open socket do something.
    pub(crate) fn all(&self, what: &Do) {
        self.lock().sockets.iter().for_each(|socket| drop(socket.todo.send(what.clone())));
    }

    /// Has one socket do something.
    pub(crate) fn one(&self, number: usize, what: Do) {
        let state = self.lock();
        let socket = state.sockets.iter().find(|socket| socket.number == number);
        socket.expect("an open socket").todo.send(what).unwrap();
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let poll = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, poll).await;
        assert!(found.is_ok(), "waited for {what} in vain: {:?}", self.lock());
    }
}

async fn serve(socket: TcpStream, shared: Arc<Mutex<State>>) {
    let (takes, slow) = {
        let manners = &shared.lock().unwrap().manners;
        (manners.upgrade_takes, manners.slow_start)
    };
    tokio::time::sleep(takes).await;
    let mut number = 0;
    let (todo, mut doing) = unbounded_channel();
    #[allow(clippy::result_large_err)] // The signature is the library's.
    let upgrade = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let mut state = shared.lock().unwrap();
        let mut head = format!("{} ", request.uri());
        for (name, value) in request.headers() {
            head.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), " "]);
        }
        state.heads.push(head);
        if !state.manners.refuse.is_empty() {
            let (status, retry_after) = state.manners.refuse.remove(0);
            let mut answer = Response::builder().status(status);
            if let Some(wait) = retry_after {
                answer = answer.header("retry-after", wait);
            }
            return Err(answer.body(None).unwrap());
        }
        number = state.heads.len() - 1;
        state.sockets.push(Socket { number, topics: BTreeSet::new(), todo: todo.clone() });
        if !state.manners.close_first.is_empty() {
            let code = state.manners.close_first.remove(0);
            todo.send(Do::Close(code)).unwrap();
        }
        Ok(response)
    };
    let Ok(mut ws) = tokio_tungstenite::accept_hdr_async(socket, upgrade).await else { return };
    tokio::time::sleep(slow).await;
    talk(&mut ws, number, &shared, &mut doing).await;
    shared.lock().unwrap().sockets.retain(|socket| socket.number != number);
}

async fn talk(
    ws: &mut tokio_tungstenite::WebSocketStream<TcpStream>,
    number: usize,
    shared: &Mutex<State>,
    doing: &mut UnboundedReceiver<Do>,
) {
    loop {
        let out = tokio::select! {
            // What it is told to do comes before what it would read, so that a close can come before a pong.
            biased;
            Some(what) = doing.recv() => what,
            // A deaf server reads nothing.
            message = ws.next(), if !shared.lock().unwrap().manners.deaf => match message {
                Some(Ok(Message::Text(text))) => {
                    hear(number, &text, &mut shared.lock().unwrap());
                    continue;
                }
                Some(Ok(Message::Ping(_))) => {
                    shared.lock().unwrap().pings += 1;
                    let _ = ws.flush().await;
                    continue;
                }
                Some(Ok(Message::Close(_))) => {
                    // Nothing more is sent: what waits is lost on this socket.
                    shared.lock().unwrap().sockets.retain(|socket| socket.number != number);
                    let _ = ws.flush().await;
                    while let Some(Ok(_)) = ws.next().await {}
                    return;
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
        };
        let message = match out {
            Do::Text(text) => Message::text(text),
            Do::Ping(payload) => Message::Ping(Bytes::from_static(payload)),
            Do::Pong(payload) => Message::Pong(Bytes::from_static(payload)),
            Do::Close(code) => {
                Message::Close(Some(CloseFrame { code: code.into(), reason: "as told".into() }))
            }
            Do::Cut => return,
        };
        if ws.send(message).await.is_err() {
            return;
        }
    }
}

/// A subscription is a line of topics behind a word.
fn hear(number: usize, text: &str, state: &mut State) {
    state.heard.push((number, text.to_owned()));
    let socket = state.sockets.iter_mut().find(|socket| socket.number == number);
    if let (Some(topics), Some(socket)) = (text.strip_prefix("subscribe "), socket) {
        socket.topics = topics.split(' ').map(str::to_owned).collect();
    }
}
