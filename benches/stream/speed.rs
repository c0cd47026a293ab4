//! Frames a second: bare reader and streams, in turn, over the same bytes.

use std::time::Instant;

use futures::StreamExt;
use genesys_cloud::{
    Buffers, Client, ClientCredentials, Endpoints, StreamBuilder, StreamEvent, Topic,
};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tungstenite::protocol::WebSocketConfig;

use crate::Failure;
use crate::frames::{Frames, LAST};
use crate::server::Server;

/// Read buffers, in bytes: what the WebSocket library takes by default, and what we do.
const BUFFERS: [usize; 2] = [128 << 10, 8 << 10];

/// What reads.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    /// `tokio-tungstenite` alone.
    Bare,
    /// Every frame as a typed event.
    Typed,
    /// Topic and undecoded text.
    Raw,
    /// Frames that the filter refuses.
    Unwanted,
}

const READERS: [(Reader, &str); 4] = [
    (Reader::Bare, "bare tokio-tungstenite reader"),
    (Reader::Typed, "EventStream, typed"),
    (Reader::Raw, "EventStream, raw level"),
    (Reader::Unwanted, "EventStream, unwanted topics"),
];

pub(crate) fn measure(repeats: usize, rounds: usize) -> Result<(), Failure> {
    let frames = Frames::new();
    // And one with a topic of its own, which is the last.
    let count = repeats * frames.count + 1;
    println!(
        "{count} frames of {} bytes on average; median of {rounds} rounds; the client on one thread, the server on another",
        frames.mean()
    );
    let server = Server::start(frames, repeats)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut rates: [[Vec<f64>; READERS.len()]; BUFFERS.len()] = Default::default();
    // In turn, so that whatever else the machine does falls on all of them.
    for _ in 0..rounds {
        for (of_buffer, buffer) in rates.iter_mut().zip(BUFFERS) {
            for (of_reader, (reader, _)) in of_buffer.iter_mut().zip(READERS) {
                of_reader.push(run(&runtime, &server, reader, buffer, count)?);
            }
        }
    }
    for (of_buffer, buffer) in rates.iter_mut().zip(BUFFERS) {
        println!("\nread buffer of {} KiB              frames/s   of bare", buffer >> 10);
        let mut bare = None;
        for (of_reader, (_, name)) in of_buffer.iter_mut().zip(READERS) {
            let rate = median(of_reader);
            let ratio = rate / *bare.get_or_insert(rate);
            println!("  {name:<30}{rate:>13.0}{ratio:>10.3}");
        }
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// One pass over all frames, in frames a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn run(
    runtime: &Runtime,
    server: &Server,
    reader: Reader,
    buffer: usize,
    count: usize,
) -> Result<f64, Failure> {
    let seconds = runtime.block_on(async {
        let stream = builder(server)?.buffers(Buffers::default().read(buffer));
        match reader {
            Reader::Bare => bare(server, buffer, count).await,
            Reader::Typed => events(server, stream, count).await,
            Reader::Raw => events(server, stream.raw(), count).await,
            // Only the last frame is delivered.
            Reader::Unwanted => events(server, stream.filter(|topic| topic == LAST), 1).await,
        }
    })?;
    Ok(count as f64 / seconds)
}

fn builder(server: &Server) -> Result<StreamBuilder, Failure> {
    let endpoints = Endpoints::single(&format!("http://127.0.0.1:{}", server.port))?;
    let client =
        Client::builder(endpoints).credentials(ClientCredentials::new("bench", "bench")).build()?;
    Ok(client.stream().subscribe(LAST))
}

async fn bare(server: &Server, buffer: usize, count: usize) -> Result<f64, Failure> {
    let address = format!("127.0.0.1:{}", server.port);
    let tcp = TcpStream::connect(&address).await?;
    tcp.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(buffer);
    let url = format!("ws://{address}/channels/channel");
    let (mut socket, _) =
        tokio_tungstenite::client_async_with_config(url, tcp, Some(config)).await?;
    socket.next().await.ok_or("no heartbeat")??;
    server.go();
    let start = Instant::now();
    let mut seen = 0;
    while seen < count {
        let message = socket.next().await.ok_or("the server hung up")??;
        seen += usize::from(std::hint::black_box(&message).is_text());
    }
    Ok(start.elapsed().as_secs_f64())
}

/// Reads until so many events were delivered; lifecycle items are none.
async fn events<E: StreamEvent>(
    server: &Server,
    builder: StreamBuilder<E>,
    count: usize,
) -> Result<f64, Failure> {
    let mut stream = builder.start().await?;
    server.go();
    let start = Instant::now();
    let mut seen = 0;
    while seen < count {
        let delivery = stream.next().await.ok_or("the stream has ended")??;
        seen += usize::from(!Topic::is_none(&std::hint::black_box(&delivery).topic));
    }
    Ok(start.elapsed().as_secs_f64())
}
