//! The frames of the run: audio of two lengths, updates of interactions, keepalives.

use bytes::Bytes;
use genesys_cloud::media::{MediaFormat, MediaHeader};
use serde_json::json;

/// Distinct frames; they are repeated.
const DISTINCT: u32 = 2_000;

/// One message: its bytes, and whether it is binary.
pub(crate) type Message = (Bytes, bool);

pub(crate) fn all() -> Vec<Message> {
    (0..DISTINCT).map(message).collect()
}

fn message(number: u32) -> Message {
    match number % 10 {
        0..=4 => (media(MediaFormat::Pcmu, number, 160), true),
        5..=7 => (update(number), false),
        8 => (Bytes::from_static(br#"{"type":"keepalive"}"#), false),
        _ => (media(MediaFormat::L16, number, 8_192), true),
    }
}

fn media(format: MediaFormat, number: u32, audio: usize) -> Bytes {
    let mut frame = Vec::with_capacity(MediaHeader::LEN + audio);
    MediaHeader::new(format, 8_000, u64::from(number) * 160).write(&mut frame);
    frame.resize(MediaHeader::LEN + audio, 0xff);
    frame.into()
}

fn update(number: u32) -> Bytes {
    let id = format!("8f0c{number:04x}-0000-4000-8000-00000000{number:04x}");
    let participants: Vec<_> = ["customer", "acd", "agent"]
        .map(|purpose| {
            json!({
                "id": id, "purpose": purpose, "name": "Kim Agent", "address": "tel:+15550100",
                "connectedTime": "2026-03-04T09:30:00.120Z", "state": "connected", "held": false,
                "muted": false, "attributes": {"caseNumber": number.to_string()},
            })
        })
        .to_vec();
    let routing = json!({"queueId": id, "priority": number % 9, "skills": ["a", "b"]});
    let text = format!(
        r#"{{"type":"interaction.update","id":"{id}","routing":{routing},"participants":{}}}"#,
        json!(participants)
    );
    text.into()
}

/// Messages as a server sends them: one frame each, final, not masked.
pub(crate) fn wire(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (payload, is_binary) in messages {
        bytes.push(if *is_binary { 0x82 } else { 0x81 });
        match u16::try_from(payload.len()) {
            Ok(short @ 0..126) => bytes.push(u8::try_from(short).unwrap_or_default()),
            Ok(middle) => {
                bytes.push(126);
                bytes.extend(middle.to_be_bytes());
            }
            Err(_) => {
                bytes.push(127);
                bytes.extend((payload.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
    }
    bytes
}
