//! Frames a second: a bare reader, a pipeline over it, and a stream of the crate with a pipeline, in turn.

use std::time::Instant;

use futures::{Stream, StreamExt};
use genesys_cloud::media::{FrameItem, FrameSource, Pipeline};
use genesys_cloud::{Buffers, Client, Endpoints, StaticToken};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::WebSocketConfig;

use crate::interactions::Interactions;
use crate::server::Server;
use crate::{Failure, frames};

/// The read buffer of every reader, in bytes.
const BUFFER: usize = 128 << 10;

/// What reads.
#[derive(Clone, Copy)]
enum Reader {
    /// `tokio-tungstenite` alone.
    Bare,
    /// A pipeline over it.
    Pipeline,
    /// A pipeline over an `EventStream`.
    Stream,
    /// An `EventStream` alone.
    StreamAlone,
}

const READERS: [(Reader, &str); 4] = [
    (Reader::Bare, "bare tokio-tungstenite reader"),
    (Reader::Pipeline, "the same and a pipeline"),
    (Reader::StreamAlone, "EventStream"),
    (Reader::Stream, "EventStream and a pipeline"),
];

pub(crate) fn measure(repeats: usize, rounds: usize) -> Result<(), Failure> {
    let messages = frames::all();
    let bytes = frames::wire(&messages);
    let count = repeats * messages.len();
    println!(
        "{count} frames of {} bytes on average; median of {rounds} rounds; the client on one thread, the server on another",
        bytes.len() / messages.len()
    );
    let server = Server::start(frames::wire(&messages[..1]), bytes, repeats)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut rates: [Vec<f64>; READERS.len()] = Default::default();
    // In turn, so that whatever else the machine does falls on all of them.
    for _ in 0..rounds {
        for (of_reader, (reader, _)) in rates.iter_mut().zip(READERS) {
            of_reader.push(run(&runtime, &server, reader, count)?);
        }
    }
    println!("read buffer of {} KiB              frames/s   of bare", BUFFER >> 10);
    let mut bare = None;
    for (of_reader, (_, name)) in rates.iter_mut().zip(READERS) {
        of_reader.sort_by(f64::total_cmp);
        let rate = of_reader.get(of_reader.len() / 2).copied().unwrap_or_default();
        let ratio = rate / *bare.get_or_insert(rate);
        println!("  {name:<32}{rate:>11.0}{ratio:>10.3}");
    }
    Ok(())
}

/// One pass over all frames, in frames a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn run(runtime: &Runtime, server: &Server, reader: Reader, count: usize) -> Result<f64, Failure> {
    let seconds = runtime.block_on(async {
        match reader {
            Reader::Bare => bare(server, count).await,
            Reader::Pipeline => piped(server, open(server).await?, count).await,
            Reader::Stream | Reader::StreamAlone => {
                let endpoints = Endpoints::single(&format!("http://127.0.0.1:{}", server.port))?;
                let client =
                    Client::builder(endpoints).token_source(StaticToken::new("bench")).build()?;
                let stream = client
                    .connect(Interactions)
                    .buffers(Buffers::default().read(BUFFER))
                    .start()
                    .await?;
                let items = stream.map(|item| item.map(|delivery| delivery.event));
                if matches!(reader, Reader::Stream) {
                    piped(server, items, count).await
                } else {
                    alone(server, items, count).await
                }
            }
        }
    })?;
    Ok(count as f64 / seconds)
}

async fn open(server: &Server) -> Result<WebSocketStream<TcpStream>, Failure> {
    let address = format!("127.0.0.1:{}", server.port);
    let tcp = TcpStream::connect(&address).await?;
    tcp.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER);
    let url = format!("ws://{address}/frames");
    Ok(tokio_tungstenite::client_async_with_config(url, tcp, Some(config)).await?.0)
}

async fn bare(server: &Server, count: usize) -> Result<f64, Failure> {
    let mut socket = open(server).await?;
    socket.next().await.ok_or("no first frame")??;
    server.go();
    let start = Instant::now();
    let mut seen = 0;
    while seen < count {
        let message = socket.next().await.ok_or("the server hung up")??;
        let message = std::hint::black_box(&message);
        seen += usize::from(message.is_text() || message.is_binary());
    }
    Ok(start.elapsed().as_secs_f64())
}

async fn alone<S, T, E>(server: &Server, mut items: S, count: usize) -> Result<f64, Failure>
where
    S: Stream<Item = Result<T, E>> + Unpin,
    T: FrameSource,
    E: Into<Failure>,
{
    let now = Pipeline::builder().build()?.frame(bytes::Bytes::new(), true).received_at;
    let (mut seen, mut start) = (0, None);
    while seen <= count {
        let item = items.next().await.ok_or("the stream has ended")?.map_err(Into::into)?;
        seen += usize::from(std::hint::black_box(item.into_frame(now)).is_ok());
        if seen == 1 && start.is_none() {
            server.go();
            start = Some(Instant::now());
        }
    }
    Ok(start.ok_or("no frame")?.elapsed().as_secs_f64())
}

async fn piped<S>(server: &Server, items: S, count: usize) -> Result<f64, Failure>
where
    S: Stream<Item: FrameSource> + Unpin,
{
    let mut frames = Pipeline::builder().build()?.frames(items);
    let (mut seen, mut start) = (0, None);
    while seen <= count {
        match std::hint::black_box(frames.next().await.ok_or("the stream has ended")?) {
            FrameItem::Frame(_) => seen += 1,
            FrameItem::Invalid(error) => return Err(error.into()),
            _ => {}
        }
        if seen == 1 && start.is_none() {
            server.go();
            start = Some(Instant::now());
        }
    }
    Ok(start.ok_or("no frame")?.elapsed().as_secs_f64())
}
