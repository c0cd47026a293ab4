//! TLS, shutdown, and settings that make no sense.

use std::sync::Arc;

use futures::StreamExt;
use genesys_cloud::sim::{Fault, Platform};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async;
use tungstenite::Message;

use super::support::{Rig, Socket, quiet, tls};

#[tokio::test]
async fn over_tls_both_rest_and_sockets_work_with_its_root_only() {
    let platform = quiet().tls(true).start().await.unwrap();
    let pem = platform.root_certificate_pem().unwrap();
    assert!(platform.first_line().contains("root_certificate_pem"));
    assert!(platform.base_url().starts_with("https://127.0.0.1:"));
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
        .unwrap();
    let client = |roots: RootCertStore| {
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls(roots))
            .no_proxy()
            .build()
            .unwrap()
    };
    let stats = format!("{}/_sim/stats", platform.base_url());
    assert!(
        client(RootCertStore::empty())
            .get(&stats)
            .send()
            .await
            .is_err()
    );
    assert_eq!(
        client(roots.clone())
            .get(&stats)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );

    let credentials = platform.credentials();
    let token = client(roots.clone())
        .post(format!("{}/oauth/token", platform.base_url()))
        .basic_auth(
            credentials.client_id(),
            Some(credentials.client_secret().expose()),
        )
        .body("grant_type=client_credentials");
    let token: serde_json::Value =
        serde_json::from_str(&token.send().await.unwrap().text().await.unwrap()).unwrap();
    let channel = client(roots.clone())
        .post(format!(
            "{}/api/v2/notifications/channels",
            platform.base_url()
        ))
        .bearer_auth(token["access_token"].as_str().unwrap());
    let channel: serde_json::Value =
        serde_json::from_str(&channel.send().await.unwrap().text().await.unwrap()).unwrap();
    let uri = channel["connectUri"].as_str().unwrap();
    assert!(uri.starts_with("wss://127.0.0.1:"));

    // Byte by byte beneath TLS, by any of the names of the certificate.
    platform.fault(Fault::Trickle).unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        let address = platform.base_url().strip_prefix("https://").unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(tls(roots.clone())));
        let name = ServerName::try_from(name).unwrap();
        let stream = connector.connect(name, tcp).await.unwrap();
        let (mut socket, _) = client_async(uri, stream).await.unwrap();
        assert_eq!(platform.emit("channel.metadata", json!({ "n": 1 })), 1);
        let frame = socket.next().await.unwrap().unwrap();
        assert!(frame.to_text().unwrap().contains(r#""n":1"#));
    }
    platform.shutdown().await;
}

#[tokio::test]
async fn shutdown_says_goodbye_and_frees_the_port() {
    let rig = Rig::new().await;
    let (_, _, mut socket) = rig.listen(&[]).await;
    let Rig { platform, .. } = rig;
    let address = platform
        .base_url()
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let (port, goodbye) = tokio::join!(
        async {
            platform.shutdown().await;
            TcpStream::connect(&address).await
        },
        socket.next()
    );
    assert!(port.is_err(), "nobody listens any more");
    assert!(
        matches!(goodbye, Some(Ok(Message::Close(Some(_))))),
        "{goodbye:?}"
    );
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let refused = [
        Platform::builder().events_per_second(f64::NAN),
        Platform::builder().events_per_second(-1.0),
        Platform::builder().channels_per_client(0),
        Platform::builder().heartbeat(std::time::Duration::ZERO),
        Platform::builder().dead_channel_status(200),
        Platform::builder().users(usize::MAX),
    ];
    for builder in refused {
        assert!(builder.clone().start().await.is_err(), "{builder:?}");
    }
}

#[tokio::test]
async fn a_taken_port_is_an_error_and_an_empty_world_is_not() {
    let first = quiet().users(0).queues(0).start().await.unwrap();
    let port = first
        .base_url()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(quiet().port(port).start().await.is_err());
}

#[tokio::test]
async fn the_status_of_a_dead_channel_can_be_chosen() {
    let rig = Rig::of(quiet().dead_channel_status(401)).await;
    let uri = format!(
        "{}/channels/streaming-1-x",
        rig.platform.base_url().replace("http", "ws")
    );
    let refused = Socket::open(&uri).await.err().unwrap();
    assert!(refused.to_string().contains("401"), "{refused}");
}
