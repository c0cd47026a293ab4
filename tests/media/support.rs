//! Frames to put into pipelines.

use bytes::Bytes;
use genesys_cloud::media::{FrameError, MediaFormat, MediaFrame, MediaHeader, Pipeline};

pub(crate) const UPDATE: &str =
    r#"{"type":"interaction.update","id":"i1","routing":{"queueId":"q1"},"data":{"n": 1}}"#;

pub(crate) fn pipeline() -> Pipeline {
    Pipeline::builder().build().unwrap()
}

/// A media frame of 20 ms at 8 kHz.
pub(crate) fn media(position: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    MediaHeader::new(MediaFormat::Pcmu, 8_000, position).write(&mut frame);
    frame.extend(0..160u8);
    frame
}

pub(crate) fn text(pipeline: &mut Pipeline, text: &str) -> Result<MediaFrame, FrameError> {
    pipeline.process(pipeline.frame(Bytes::copy_from_slice(text.as_bytes()), false))
}

pub(crate) fn binary(pipeline: &mut Pipeline, bytes: &[u8]) -> Result<MediaFrame, FrameError> {
    pipeline.process(pipeline.frame(Bytes::copy_from_slice(bytes), true))
}
