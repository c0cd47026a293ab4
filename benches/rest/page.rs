//! A page of conversation details, as large as is wanted.

use serde_json::{Value, json};

/// A page of at least so many bytes.
pub(crate) fn of(bytes: usize) -> Vec<u8> {
    let mut page = b"{\"conversations\":[".to_vec();
    let mut number = 0;
    while page.len() < bytes {
        if number > 0 {
            page.push(b',');
        }
        page.extend(conversation(number).to_string().into_bytes());
        number += 1;
    }
    page.extend(format!("],\"totalHits\":{number}}}").into_bytes());
    page
}

fn id(kind: u32, number: u32) -> String {
    format!("{kind:08x}-5b1a-4c7e-9a53-{number:012x}")
}

fn at(second: u32) -> String {
    format!("2026-03-04T{:02}:{:02}:{:02}.114Z", second / 3600 % 24, second / 60 % 60, second % 60)
}

/// A call to a queue: the customer, the routing, and an agent after a few alerts.
fn conversation(number: u32) -> Value {
    let began = number * 7;
    let mut participants = vec![
        participant(number, "customer", "external", began, 1),
        participant(number, "ivr", "ivr", began, 2),
        participant(number, "acd", "acd", began + 20, 3),
    ];
    for agent in 0..=number % 3 {
        participants.push(participant(
            number,
            "agent",
            "agent",
            began + 40 + agent * 15,
            4 + agent,
        ));
    }
    json!({
        "conversationId": id(0xa7c1, number),
        "conversationStart": at(began),
        "conversationEnd": at(began + 220),
        "originatingDirection": "inbound",
        "divisionIds": [id(0xd1, number % 5)],
        "mediaStatsMinConversationMos": 4.882_338,
        "mediaStatsMinConversationRFactor": 92.44,
        "participants": participants,
    })
}

fn participant(number: u32, purpose: &str, name: &str, began: u32, index: u32) -> Value {
    let segments: Vec<Value> = ["alert", "interact", "wrapup"]
        .iter()
        .enumerate()
        .map(|(step, kind)| {
            let from = began + u32::try_from(step).unwrap_or_default() * 12;
            json!({
                "segmentType": kind,
                "segmentStart": at(from),
                "segmentEnd": at(from + 12),
                "queueId": id(0x77aa, number % 40),
                "conference": false,
                "disconnectType": "peer",
                "wrapUpCode": id(0x3e, number % 9),
                "requestedRoutingSkillIds": [id(0x51, number % 7)],
            })
        })
        .collect();
    json!({
        "participantId": id(0x90 + index, number),
        "participantName": format!("{name} {number}"),
        "purpose": purpose,
        "userId": id(0x8f0c, number % 500),
        "sessions": [{
            "sessionId": id(0x5e + index, number),
            "mediaType": "voice",
            "direction": "inbound",
            "peerId": id(0x5d + index, number),
            "provider": "Edge",
            "edgeId": id(0xe9, number % 3),
            "ani": format!("tel:+1555{number:07}"),
            "dnis": "tel:+15550199",
            "remote": "Chris \"C.\" Caller",
            "protocolCallId": format!("cid-{number}@192.0.2.10"),
            "recording": true,
            "mediaEndpointStats": [{
                "codecs": ["audio/PCMU"],
                "minMos": 4.882_338,
                "minRFactor": 92.44,
                "maxLatencyMs": 240,
                "receivedPackets": 10_844,
                "discardedPackets": 21,
                "eventTime": at(began + 200),
            }],
            "metrics": [
                {"name": "nConnected", "value": 1, "emitDate": at(began)},
                {"name": "tAnswered", "value": 8120 + number, "emitDate": at(began + 8)},
                {"name": "tTalkComplete", "value": 199_882, "emitDate": at(began + 208)},
            ],
            "segments": segments,
        }],
    })
}
