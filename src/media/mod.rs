//! Frames of media sockets: what they are, whether they are sound, and how late their audio is.
//!
//! A [`Pipeline`] takes the messages of a socket one by one and gives back each of them: as a [`MediaFrame`], or as a
//! [`FrameError`] that holds the frame. Nothing is lost on the way, and nothing is copied: the payload of a frame is the
//! allocation that the socket read into.
//!
//! ```
//! use bytes::Bytes;
//! use genesys_cloud::media::{PayloadType, Pipeline};
//!
//! let mut pipeline = Pipeline::builder().build()?;
//! let update = Bytes::from_static(br#"{"type":"interaction.update","id":"i1","routing":{"queueId":"q1"}}"#);
//! let frame = pipeline.process(pipeline.frame(update, true)).unwrap();
//! assert_eq!(frame.kind, PayloadType::InteractionUpdate);
//! assert_eq!(frame.value.unwrap().member("routing.queueId").as_deref(), Some(r#""q1""#));
//!
//! // Without a field that its type requires, it comes back in the error.
//! let update = Bytes::from_static(br#"{"type":"interaction.update","id":"i1"}"#);
//! let error = pipeline.process(pipeline.frame(update, true)).unwrap_err();
//! assert_eq!(error.to_string(), "frame 1 (interaction.update) is not sound: routing is missing");
//! # Ok::<(), genesys_cloud::Error>(())
//! ```
//!
//! # Two limits of size
//! [`Buffers::max_message`](crate::Buffers::max_message) is the limit of the WebSocket: it is held against the length in
//! a frame's header, before memory is taken for the frame, and a longer one ends the connection, because what follows it
//! cannot be read without reading it. [`PipelineBuilder::max_frame`] is the limit of the pipeline: it is held against
//! the payload before its first byte is looked at, and the connection lives. Let the first be the most that you can
//! hold, and the second the most that you want to read; with both at 5 MiB nothing above it is ever allocated.

mod breaker;
mod builder;
mod checksum;
mod dispatcher;
mod distribution;
mod drift;
mod frame_error;
mod frame_type;
mod frames;
mod json_view;
mod media_frame;
mod media_header;
mod metrics;
mod payload_latency;
mod payload_type;
mod pipeline;
mod problem;
mod read;
mod registry;
mod schema;
mod wire_frame;

pub use breaker::{BreakerState, SizeBreaker};
pub use builder::{Oversize, PipelineBuilder};
pub use checksum::{Checksum, ChecksumState, Sha256};
pub use dispatcher::{Dispatched, Dispatcher, HandlerResult, HandlerStats};
pub use distribution::Distribution;
pub use frame_error::FrameError;
pub use frame_type::{FrameType, Validate, ValidatorResult};
pub use frames::{FrameItem, Frames};
pub use json_view::JsonView;
pub use media_frame::{FrameView, MediaFrame};
pub use media_header::{MediaFormat, MediaHeader};
pub use metrics::{FrameMetrics, WindowMetrics};
pub use payload_latency::{LateCause, PayloadLatency, PayloadLatencySummary, PayloadObservation};
pub use payload_type::PayloadType;
pub use pipeline::Pipeline;
pub use problem::Problem;
pub use schema::{JsonType, Schema};
pub use wire_frame::{FrameSource, WireFrame};
