//! The socket of JSON and binary frames, as a client of the tutorial uses it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use genesys_cloud::sim::{Fault, Platform, SocketKind};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Error as WsError, Message};

use super::support::{Rig, Socket, quiet};

const PATH: &str = "/api/v2/streaming/interactions";

async fn open(rig: &Rig, authorization: Option<String>) -> Result<Socket, WsError> {
    let uri = rig.uri(PATH);
    let mut request = uri.as_str().into_client_request().unwrap();
    if let Some(value) = authorization {
        request.headers_mut().insert("authorization", HeaderValue::from_str(&value).unwrap());
    }
    let address = uri.strip_prefix("ws://").unwrap().split('/').next().unwrap().to_owned();
    let tcp = TcpStream::connect(address).await.unwrap();
    Ok(Socket(client_async(request, tcp).await?.0))
}

async fn listen(rig: &Rig) -> Socket {
    let token = rig.token_for("streaming:subscribe+interaction:read").await;
    open(rig, Some(format!("Bearer {token}"))).await.unwrap()
}

async fn status(rig: &Rig, authorization: Option<String>) -> u16 {
    match open(rig, authorization).await.err() {
        Some(WsError::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_bad_token_is_401_and_a_missing_scope_403() {
    let rig = Rig::new().await;
    assert_eq!(status(&rig, None).await, 401);
    assert_eq!(status(&rig, Some("Bearer nonsense".into())).await, 401);
    let token = rig.token_for("streaming:subscribe").await;
    assert_eq!(status(&rig, Some(format!("Bearer {token}"))).await, 403);
    let token = rig.token().await;
    assert!(open(&rig, Some(format!("bearer {token}"))).await.is_ok());
}

#[tokio::test]
async fn updates_keepalives_and_media_flow_right_after_the_handshake() {
    let rig = Rig::of(Platform::builder().events_per_second(400.0)).await;
    let mut socket = listen(&rig).await;
    let (mut kinds, mut positions): (BTreeMap<String, usize>, Vec<u64>) = Default::default();
    for _ in 0..100 {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => {
                assert!(text.starts_with(r#"{"type":""#), "{text}");
                let frame: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(frame.to_string().len(), text.len(), "not compact: {text}");
                let kind = frame["type"].as_str().unwrap().to_owned();
                if kind == "interaction.update" {
                    assert!(frame["id"].is_string() && frame["routing"].is_object(), "{frame}");
                }
                *kinds.entry(kind).or_default() += 1;
            }
            Message::Binary(bytes) => {
                assert_eq!((bytes[0], bytes.len()), (0x80, 16 + 160));
                positions.push(u64::from_be_bytes(bytes[8..16].try_into().unwrap()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(kinds["interaction.update"] > 20 && kinds["keepalive"] > 3, "{kinds:?}");
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert!(positions.len() > 10 && positions.windows(2).all(|two| two[1] == two[0] + 160));
}

#[tokio::test]
async fn a_keepalive_comes_with_every_heartbeat() {
    let rig = Rig::of(quiet().heartbeat(Duration::from_millis(40))).await;
    let mut socket = listen(&rig).await;
    assert_eq!(socket.json().await["type"], "keepalive");
    assert_eq!(socket.json().await["type"], "keepalive");
    rig.platform.fault(Fault::NoHeartbeat { for_ms: 60_000 }).unwrap();
    while !socket.is_quiet().await {}
}

#[tokio::test]
async fn exact_frames_can_be_emitted_text_and_binary() {
    let rig = Rig::new().await;
    let mut socket = listen(&rig).await;
    let body = json!({ "id": "i", "type": "interaction.update", "routing": {}, "a": 1 });
    rig.platform.emit_on(SocketKind::Frames, body);
    let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("no text") };
    assert_eq!(text.as_str(), r#"{"type":"interaction.update","a":1,"id":"i","routing":{}}"#);
    assert_eq!(rig.platform.emit_binary_on(SocketKind::Frames, vec![0x80, 1, 2]), 1);
    assert_eq!(socket.binary().await, [0x80, 1, 2]);
    let binary = BASE64_STANDARD.encode([0x80, 9]);
    let answer = rig.post("/_sim/emit", json!({ "socket": "frames", "binary": binary })).await;
    assert_eq!(answer.json(), json!({ "sockets": 1 }));
    assert_eq!(socket.binary().await, [0x80, 9]);
}

#[tokio::test]
async fn oversize_and_altered_frames_still_begin_with_their_type() {
    let rig = Rig::new().await;
    let mut socket = listen(&rig).await;
    rig.platform.fault(Fault::Oversize { bytes: 6 << 20 }).unwrap();
    let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("no text") };
    assert!(text.len() == 6 << 20 && text.starts_with(r#"{"type":""#));
    rig.platform.fault(Fault::UnknownField).unwrap();
    rig.platform.emit_on(SocketKind::Frames, json!({ "id": "i", "type": "keepalive" }));
    let Some(Ok(Message::Text(text))) = socket.next().await else { panic!("no text") };
    assert!(text.starts_with(r#"{"type":"keepalive","#), "{text}");
    assert!(text.contains("simulatedField"), "{text}");
    rig.platform.emit_binary_on(SocketKind::Frames, vec![0x80]);
    assert_eq!(socket.binary().await, [0x80], "binary frames are left alone");
}
