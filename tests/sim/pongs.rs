//! Faults of pongs and of connections that end in the middle, on every kind of socket.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use genesys_cloud::sim::{Fault, SocketKind};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async;
use tungstenite::{Error as WsError, Message};

use super::support::{Rig, Socket, quiet, tls};

async fn ping(socket: &mut Socket, payload: &'static str) {
    socket.0.send(Message::Ping(payload.into())).await.unwrap();
}

async fn pong(socket: &mut Socket) -> String {
    match socket.next().await {
        Some(Ok(Message::Pong(payload))) => String::from_utf8(payload.to_vec()).unwrap(),
        other => panic!("no pong: {other:?}"),
    }
}

#[tokio::test]
async fn late_pongs_come_late_in_order_and_with_their_payload() {
    let rig = Rig::new().await;
    let mut socket = rig.routing().await;
    rig.platform.fault(Fault::LatePong { delay_ms: 150 }).unwrap();
    sleep(Duration::from_millis(20)).await;
    let begin = Instant::now();
    for payload in ["a", "b", "c"] {
        ping(&mut socket, payload).await;
    }
    // Other frames are not held up.
    rig.platform.emit_on(SocketKind::Routing, json!({ "n": 1 }));
    assert_eq!(socket.json().await["n"], 1);
    assert!(begin.elapsed() < Duration::from_millis(150));
    for payload in ["a", "b", "c"] {
        assert_eq!(pong(&mut socket).await, payload);
    }
    assert!(begin.elapsed() >= Duration::from_millis(150));
    rig.platform.fault(Fault::LatePong { delay_ms: 0 }).unwrap();
    sleep(Duration::from_millis(20)).await;
    ping(&mut socket, "d").await;
    assert_eq!(pong(&mut socket).await, "d");
    assert!(socket.is_quiet().await, "each ping has one pong");
}

#[tokio::test]
async fn no_pong_ends_by_itself_and_concerns_pings_as_texts_too() {
    let rig = Rig::new().await;
    let mut application = rig.application(0).await;
    let (_, _, mut channel) = rig.listen(&[]).await;
    rig.platform.fault(Fault::NoPong { for_ms: 400 }).unwrap();
    sleep(Duration::from_millis(20)).await;
    application.say(r#"{"type":"ping","id":1}"#).await;
    ping(&mut application, "x").await;
    channel.say(r#"{"message":"ping"}"#).await;
    ping(&mut channel, "x").await;
    assert!(application.is_quiet().await && channel.is_quiet().await);
    sleep(Duration::from_millis(150)).await;
    application.say(r#"{"type":"ping","id":2}"#).await;
    assert_eq!(application.json().await["id"], 2, "what was withheld does not come");
    ping(&mut channel, "y").await;
    assert_eq!(pong(&mut channel).await, "y");
}

#[tokio::test]
async fn unsolicited_pongs_are_counted_and_answer_nothing() {
    let rig = Rig::new().await;
    let mut socket = rig.routing().await;
    let fault = json!({ "kind": "unsolicited_pong", "count": 3, "socket": "routing" });
    assert_eq!(rig.post("/_sim/fault", fault).await.json(), json!({ "sockets": 1 }));
    for number in 0..3 {
        assert_eq!(pong(&mut socket).await, format!("unsolicited-{number}"));
    }
    assert!(socket.is_quiet().await);
}

#[tokio::test]
async fn a_proxy_cut_ends_within_a_frame_without_a_close_frame_and_without_rst() {
    let rig = Rig::new().await;
    let id = &rig.platform.applications()[0];
    let address = rig.platform.base_url().strip_prefix("http://").unwrap().to_owned();
    let mut tcp = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "GET /api/v2/appfoundry/websocket/{id} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(tcp.read_u8().await.unwrap());
    }
    let begin = Instant::now();
    rig.platform.fault(Fault::ProxyCut { after_ms: 100 }).unwrap();
    let mut frame = Vec::new();
    timeout(Duration::from_secs(5), tcp.read_to_end(&mut frame)).await.unwrap().unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(100));
    assert_eq!(frame[0], 0x81, "a text frame");
    assert_eq!(frame.len(), 24);
    assert!(usize::from(frame[1]) + 2 > frame.len(), "it is not whole");
}

#[tokio::test]
async fn a_proxy_cut_is_an_abrupt_end_for_a_client() {
    let rig = Rig::new().await;
    let (_, _, mut channel) = rig.listen(&[]).await;
    let mut socket = rig.routing().await;
    assert_eq!(rig.platform.fault(Fault::ProxyCut { after_ms: 0 }).unwrap(), 2);
    for socket in [&mut channel, &mut socket] {
        assert!(matches!(socket.next().await, Some(Err(WsError::Protocol(_) | WsError::Io(_)))));
    }
}

#[tokio::test]
async fn over_tls_pongs_are_withheld_and_a_cut_has_no_close_notify() {
    let rig = Rig::of(quiet().tls(true)).await;
    let pem = rig.platform.root_certificate_pem().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let address = rig.platform.base_url().strip_prefix("https://").unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(tls(roots))).connect(name, tcp).await.unwrap();
    let id = &rig.platform.applications()[0];
    let uri = format!("wss://{address}/api/v2/appfoundry/websocket/{id}");
    let (mut socket, _) = client_async(uri, stream).await.unwrap();
    rig.platform.fault(Fault::NoPong { for_ms: 200 }).unwrap();
    sleep(Duration::from_millis(20)).await;
    socket.send(Message::Ping("lost".into())).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    socket.send(Message::Ping("kept".into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("kept".into()));
    socket.send(Message::text(r#"{"type":"init"}"#)).await.unwrap();
    let text = socket.next().await.unwrap().unwrap();
    let ack: Value = serde_json::from_str(text.to_text().unwrap()).unwrap();
    assert_eq!(ack["type"], "init_ack");
    rig.platform.fault(Fault::ProxyCut { after_ms: 0 }).unwrap();
    match socket.next().await {
        Some(Err(WsError::Io(error))) => {
            assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "no close_notify");
        }
        other => panic!("not cut: {other:?}"),
    }
}
