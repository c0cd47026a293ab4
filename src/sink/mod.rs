//! Where events go: batches, a bounded buffer, and an account of everything that was not written.
//!
//! A [`SinkRunner`] takes the items of any stream, has an [`EventSink`] turn each into a record, keeps the records in a
//! bounded buffer, and writes them in order, a batch at a time. A batch is written when enough records wait, or when the
//! oldest has waited long enough. While the sink is away the buffer fills, and [`SinkOverflow`] says what happens when it
//! is full. Every item ends in exactly one counter of [`SinkStats`].
//!
//! - [`JsonLines`] writes to any `std::io::Write` or `tokio::io::AsyncWrite`, one JSON object to a line.
//! - `redis`, behind the feature of that name, keeps aggregates of queues and writes Redis Streams, each event exactly
//!   once whatever happens to the connection.
//!
//! ```
//! use futures::stream;
//! use genesys_cloud::Json;
//! use genesys_cloud::sink::{JsonLines, SinkEnd, SinkOptions, SinkRunner};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let items: Vec<Json> = serde_json::from_str(r#"[{"a":1},{"a":2}]"#)?;
//! let sink = JsonLines::new(Vec::new());
//! let done = SinkRunner::new(&sink).options(SinkOptions::default()).run(stream::iter(items.into_iter().map(Ok))).await;
//! assert!(matches!(done.end, SinkEnd::Finished));
//! assert_eq!((done.stats.events, done.stats.written), (2, 2));
//! assert_eq!(sink.into_inner(), b"{\"a\":1}\n{\"a\":2}\n");
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
//! ```

mod event_sink;
mod handle;
mod jsonl;
mod losses;
mod options;
mod pipeline;
mod record;
#[cfg(feature = "redis")]
pub mod redis;
mod report;
mod runner;
#[cfg(test)]
mod tests;

pub use event_sink::{Ack, Batch, Encoded, EventSink, WriteError};
pub use handle::SinkHandle;
pub use jsonl::{BlockingWriter, JsonLines};
pub use losses::{Loss, LossCause, Losses};
pub use options::{SinkOptions, SinkOverflow};
pub use record::{RecordEvent, ToRecord};
pub use report::{SinkEnd, SinkReport, SinkStats};
pub use runner::SinkRunner;
