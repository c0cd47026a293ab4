//! How one frame is read: what it is, whether it is sound.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use tungstenite::Utf8Bytes;

use super::checksum::{Checksum, ChecksumState};
use super::frame_type::FrameType;
use super::json_view::{JsonView, member, string};
use super::media_frame::FrameView;
use super::media_header::MediaHeader;
use super::payload_type::PayloadType;
use super::problem::Problem;
use super::registry::Registry;
use super::wire_frame::WireFrame;
use crate::error::cut;
use crate::events::leading_member;

/// What was found out about a frame.
pub(super) struct Reading {
    pub(super) kind: PayloadType,
    /// The type's place in the registry; `None` for an unknown one.
    pub(super) index: Option<usize>,
    pub(super) value: Option<JsonView>,
    pub(super) header: Option<MediaHeader>,
    pub(super) checksum: ChecksumState,
    pub(super) content: usize,
    pub(super) problems: Vec<Problem>,
}

/// Reads a frame; walks its JSON once when `type` comes first, as it should.
pub(super) fn read(registry: &Registry, checksum: &Checksum, frame: &WireFrame) -> Reading {
    let mut problems = Vec::new();
    let payload = &frame.payload;
    let by_byte = payload.first().filter(|_| frame.binary).and_then(|lead| registry.of_byte(*lead));
    let (found, value) = if by_byte.is_some() {
        (by_byte, None)
    } else if is_object(payload) {
        read_json(registry, payload, &mut problems)
    } else {
        if !frame.binary
            && let Err(error) = std::str::from_utf8(payload)
        {
            problems.push(Problem::NotUtf8 { valid_up_to: error.valid_up_to() });
        }
        (None, None)
    };
    let kind = found.map_or(PayloadType::Unknown, |(_, found)| found.kind.clone());
    let header =
        (kind == PayloadType::TelephonyMedia).then(|| MediaHeader::parse(payload)).flatten();
    let view = FrameView {
        kind: &kind,
        payload,
        binary: frame.binary,
        json: value.as_ref().map(JsonView::as_str),
        header,
        received_at: frame.received_at,
    };
    let (checksum, content) = checksum.check(&view, frame.checksum, &mut problems);
    if problems.is_empty()
        && let Some((_, found)) = found
    {
        problems.extend(validate(found, &view));
    }
    let index = found.map(|(index, _)| index);
    Reading { kind, index, value, header, checksum, content, problems }
}

/// Whether the first byte that is no white space opens an object.
fn is_object(payload: &[u8]) -> bool {
    let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    payload.iter().find(|byte| !space(byte)) == Some(&b'{')
}

fn read_json<'r>(
    registry: &'r Registry,
    payload: &Bytes,
    problems: &mut Vec<Problem>,
) -> (Option<(usize, &'r FrameType)>, Option<JsonView>) {
    let Ok(text) = Utf8Bytes::try_from(payload.clone()) else {
        let valid_up_to = std::str::from_utf8(payload).err().map_or(0, |e| e.valid_up_to());
        problems.push(Problem::NotUtf8 { valid_up_to });
        return (None, None);
    };
    let not_json =
        |error: &serde_json::Error| Problem::NotJson { detail: error.to_string().into() };
    let (found, walked) = if let Some((name, _)) = leading_member(&text, "\"type\"") {
        (registry.of_name(name), false)
    } else {
        match member(&text, "type") {
            Ok(name) => (name.and_then(string).and_then(|name| registry.of_name(&name)), true),
            Err(error) => {
                problems.push(not_json(&error));
                return (None, None);
            }
        }
    };
    let outcome = match found {
        Some((_, found)) if !(walked && found.schema.is_empty()) => {
            found.schema.walk(&text, problems)
        }
        None if !walked => super::schema::Schema::new().walk(&text, problems),
        _ => Ok(()),
    };
    if let Err(error) = outcome {
        // What was found on the way is no more certain than the rest.
        problems.clear();
        problems.push(not_json(&error));
        return (found, None);
    }
    (found, Some(JsonView::new(text)))
}

fn validate(found: &FrameType, view: &FrameView<'_>) -> Option<Problem> {
    let validator = found.validator.as_deref()?;
    // The reason is formatted within: that is the validator's code too.
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        validator.validate(view).map_err(|reason| cut(reason.to_string().as_bytes()))
    }));
    match verdict {
        Ok(Ok(())) => None,
        Ok(Err(reason)) => Some(Problem::Rejected { reason }),
        Err(_) => Some(Problem::ValidatorPanicked),
    }
}
