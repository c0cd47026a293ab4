//! Faults that last: what becomes of the events on their way.

use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::sim::Fault;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::support::{Rig, Socket};

/// Emits numbered events of two topics in turn.
fn emit(rig: &Rig, topics: &[String], count: usize) {
    for number in 0..count {
        let body = json!({ "n": number, "status": "IDLE" });
        assert_eq!(rig.platform.emit(&topics[number % topics.len()], body), 1);
    }
}

/// Everything that comes until there is silence.
async fn drain(socket: &mut Socket) -> Vec<Value> {
    let mut frames = Vec::new();
    while let Ok(Some(Ok(message))) = timeout(Duration::from_millis(500), socket.0.next()).await {
        frames.push(serde_json::from_str(message.to_text().unwrap()).unwrap());
    }
    frames
}

fn numbers(frames: &[Value]) -> Vec<u64> {
    let number = |frame: &Value| frame["eventBody"]["n"].as_u64().unwrap();
    frames.iter().map(number).collect()
}

async fn with(fault: Fault) -> (Rig, Vec<String>, Socket) {
    let rig = Rig::new().await;
    // Before the socket is there: such a fault lasts.
    rig.platform.fault(fault).unwrap();
    let topics = vec![rig.presence(0), rig.presence(1)];
    let (_, _, socket) = rig.listen(&[&topics[0], &topics[1]]).await;
    (rig, topics, socket)
}

#[tokio::test]
async fn duplicate_sends_the_same_frame_twice() {
    let (rig, topics, mut socket) = with(Fault::Duplicate { probability: 1.0 }).await;
    emit(&rig, &topics, 3);
    let frames = drain(&mut socket).await;
    assert_eq!(numbers(&frames), [0, 0, 1, 1, 2, 2]);
    assert_eq!(frames[0], frames[1]);
    rig.platform
        .fault(Fault::Duplicate { probability: 0.0 })
        .unwrap();
    emit(&rig, &topics, 2);
    assert_eq!(numbers(&drain(&mut socket).await), [0, 1], "zero ends it");
}

#[tokio::test]
async fn drop_loses_about_as_many_as_it_says_and_spares_heartbeats_and_answers() {
    let (rig, topics, mut socket) = with(Fault::Drop { probability: 0.5 }).await;
    emit(&rig, &topics, 400);
    let left = drain(&mut socket).await.len();
    assert!((120..280).contains(&left), "{left} of 400");
    rig.platform
        .fault(Fault::Drop { probability: 1.0 })
        .unwrap();
    emit(&rig, &topics, 5);
    socket.say(r#"{"message":"ping"}"#).await;
    assert_eq!(socket.json().await["eventBody"]["message"], "pong");
}

#[tokio::test]
async fn reorder_keeps_the_order_within_a_topic_and_loses_nothing() {
    let (rig, topics, mut socket) = with(Fault::Reorder { probability: 0.5 }).await;
    emit(&rig, &topics, 200);
    let frames = drain(&mut socket).await;
    assert_eq!(frames.len(), 200);
    assert!(!numbers(&frames).is_sorted());
    for topic in &topics {
        let own = frames
            .iter()
            .filter(|frame| frame["topicName"] == json!(topic));
        let own: Vec<Value> = own.cloned().collect();
        assert!(numbers(&own).is_sorted());
    }
}

#[tokio::test]
async fn delay_makes_events_late_and_keeps_their_order() {
    let (rig, topics, mut socket) = with(Fault::Delay {
        ms: 150,
        jitter_ms: 30,
    })
    .await;
    let begin = Instant::now();
    emit(&rig, &topics, 10);
    let first = socket.json().await;
    assert!(begin.elapsed() >= Duration::from_millis(150));
    assert_eq!(first["eventBody"]["n"], 0);
    assert_eq!(
        numbers(&drain(&mut socket).await),
        [1, 2, 3, 4, 5, 6, 7, 8, 9]
    );
}

#[tokio::test]
async fn unknown_fields_and_values_leave_the_rest_alone() {
    let (rig, topics, mut socket) = with(Fault::UnknownField).await;
    emit(&rig, &topics, 1);
    let frame = socket.json().await;
    assert!(frame["eventBody"].get("simulatedField").is_some());
    assert!(frame.get("simulatedEnvelopeField").is_some());
    assert_eq!(
        (&frame["eventBody"]["n"], &frame["eventBody"]["status"]),
        (&json!(0), &json!("IDLE"))
    );
    rig.platform.reset();
    rig.platform.fault(Fault::UnknownEnum).unwrap();
    emit(&rig, &topics, 1);
    let frame = socket.json().await;
    assert!(
        frame["eventBody"].get("simulatedField").is_none(),
        "a reset lifts it"
    );
    assert_ne!(frame["eventBody"]["status"], "IDLE");
}

#[tokio::test]
async fn trickled_frames_arrive_whole() {
    let (rig, topics, mut socket) = with(Fault::Trickle).await;
    emit(&rig, &topics, 1);
    assert_eq!(numbers(&[socket.json().await]), [0]);
}

#[tokio::test]
async fn a_fault_on_one_channel_spares_the_others() {
    let rig = Rig::new().await;
    let topic = rig.presence(0);
    let (_, one, mut first) = rig.listen(&[&topic]).await;
    let (_, _, mut second) = rig.listen(&[&topic]).await;
    rig.platform
        .fault_on(&one, Fault::Drop { probability: 1.0 })
        .unwrap();
    assert_eq!(rig.platform.emit(&topic, json!({ "n": 1 })), 2);
    assert_eq!(second.json().await["eventBody"]["n"], 1);
    assert!(first.is_quiet().await);
}
