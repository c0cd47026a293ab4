//! Decoding of one frame of each kind, against `serde_json` reading the same text in the same run: into a tree, and in
//! two passes into the same types, without the frame's own members.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use genesys_cloud::Frame;
use genesys_cloud::bodies::{Conversation, QueueObservations, UserPresence};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn frame(topic: &str, body: &Value) -> String {
    let metadata = json!({"CorrelationId": "290034f4-0000-4000-8000-0000000000aa"});
    format!(r#"{{"topicName":"{topic}","version":"2","eventBody":{body},"metadata":{metadata}}}"#)
}

fn presence() -> String {
    let body = json!({
        "source": "PURECLOUD",
        "presenceDefinition": {
            "id": "e08eaf1b-0000-4000-8000-000000000001", "systemPresence": "ON_QUEUE"
        },
        "primary": true,
        "message": "",
        "modifiedDate": "2026-03-04T09:01:10.120Z",
    });
    frame(
        "v2.users.8f0c0000-0000-4000-8000-0000000000e1.presence",
        &body,
    )
}

fn observation() -> String {
    let metrics: Vec<_> = ["oWaiting", "oInteracting", "oOnQueueUsers", "oActiveUsers"]
        .iter()
        .map(|metric| json!({"metric": metric, "qualifier": "IDLE", "stats": {"count": 4}}))
        .collect();
    let body = json!({
        "group": {"queueId": "77aa0000-0000-4000-8000-000000000001", "mediaType": "voice"},
        "data": [{
            "interval": "2026-03-04T09:12:12.000Z/2026-03-04T09:12:12.000Z", "metrics": metrics
        }],
    });
    let topic = "v2.analytics.queues.77aa0000-0000-4000-8000-000000000001.observations";
    frame(topic, &body)
}

fn conversation() -> String {
    let leg = |purpose: &str, ended: bool| {
        json!({
            "id": "0b6e0000-0000-4000-8000-000000000001",
            "purpose": purpose,
            "name": "Kim Agent",
            "address": "tel:+15550100",
            "queueId": "77aa0000-0000-4000-8000-000000000001",
            "connectedTime": "2026-03-04T09:12:20.000Z",
            "wrapupRequired": ended,
            "wrapupPrompt": "optional",
            "mediaRoles": ["full"],
            "attributes": {"caseNumber": "4711"},
            "calls": [{
                "id": "51de0000-0000-4000-8000-000000000001",
                "state": if ended { "disconnected" } else { "connected" },
                "initialState": "alerting",
                "direction": "inbound",
                "held": false,
                "muted": false,
                "confined": false,
                "recording": true,
                "recordingState": "active",
                "securePause": false,
                "provider": "Edge",
                "connectedTime": "2026-03-04T09:12:20.000Z",
                "disconnectType": if ended { json!("transport.failure") } else { json!(null) },
                "disconnectReasons": [],
                "self": {"name": "Kim Agent", "addressNormalized": "sip:kim@example.com"},
                "afterCallWork": {"state": "pending"},
            }],
        })
    };
    let body = json!({
        "id": "a7c10000-0000-4000-8000-000000000090",
        "recordingState": "ACTIVE",
        "participants": [leg("customer", false), leg("agent", true), leg("agent", false)],
    });
    let topic = "v2.users.8f0c0000-0000-4000-8000-0000000000e1.conversations";
    frame(topic, &body)
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "topicName")]
    topic: &'a str,
    #[serde(borrow, rename = "eventBody")]
    body: &'a RawValue,
}

fn two_passes<T: DeserializeOwned>(text: &str) -> usize {
    let envelope: Envelope<'_> = serde_json::from_str(text).expect("a valid frame");
    let body: Box<T> = serde_json::from_str(envelope.body.get()).expect("a valid body");
    black_box(body);
    envelope.topic.len()
}

type TwoPasses = fn(&str) -> usize;

fn decode(c: &mut Criterion) {
    let frames: [(_, _, TwoPasses); 3] = [
        ("presence", presence(), two_passes::<UserPresence>),
        (
            "observation",
            observation(),
            two_passes::<QueueObservations>,
        ),
        ("conversation", conversation(), two_passes::<Conversation>),
    ];
    let mut group = c.benchmark_group("decode");
    for (name, text, two_passes) in &frames {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("typed", name), text, |b, text| {
            b.iter(|| Frame::decode(black_box(text)).expect("a valid frame"));
        });
        group.bench_with_input(BenchmarkId::new("two passes", name), text, |b, text| {
            b.iter(|| two_passes(black_box(text)));
        });
        group.bench_with_input(BenchmarkId::new("tree", name), text, |b, text| {
            b.iter(|| serde_json::from_str::<Value>(black_box(text)).expect("valid JSON"));
        });
    }
    group.finish();

    let unwanted = conversation();
    c.bench_function("peek_topic of an unwanted frame", |b| {
        b.iter(|| Frame::peek_topic(black_box(&unwanted)).map(|topic| topic.len()));
    });
}

criterion_group!(benches, decode);
criterion_main!(benches);
