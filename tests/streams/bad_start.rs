//! What can be wrong before the first event: each is a typed error or item that says what to do, and none is a storm.

use std::time::{Duration, Instant};

use crate::scripted::{Scripted, hold, pong};
use futures::StreamExt;
use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    Attempt, Client, ClientCredentials, Endpoints, Error, ErrorKind, Event, FixedDelay, FullJitter,
    Gone, Lifecycle, NoRetry, Proxy, ReconnectPolicy, StreamBuilder, Tls,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TOPIC: &str = "v2.users.u1.presence";
const PATIENCE: Duration = Duration::from_secs(20);

async fn platform() -> Platform {
    Platform::builder().events_per_second(0.0).start().await.unwrap()
}

fn stream(platform: &Platform, credentials: ClientCredentials) -> StreamBuilder {
    let client = Client::builder(platform.endpoints()).credentials(credentials).build().unwrap();
    client.stream().subscribe(TOPIC)
}

async fn refusal(builder: StreamBuilder) -> Error {
    tokio::time::timeout(PATIENCE, builder.start()).await.expect("a verdict in time").unwrap_err()
}

#[tokio::test]
async fn a_wrong_client_id_is_final_and_says_what_to_check() {
    let platform = platform().await;
    let secret = platform.credentials().client_secret().clone();
    let error = refusal(stream(&platform, ClientCredentials::new("nobody", secret))).await;
    assert_eq!(error.kind(), ErrorKind::Auth);
    let text = error.to_string();
    assert!(text.contains("client id") && text.contains("region"), "{text}");
    assert_eq!(platform.stats().requests["/oauth/token"], 1, "not retried");
}

#[tokio::test]
async fn a_wrong_secret_is_final_and_not_repeated_in_the_error() {
    let platform = platform().await;
    let id = platform.credentials().client_id().to_owned();
    let wrong = ClientCredentials::new(id, "wrong-secret-of-a-test");
    let error = refusal(stream(&platform, wrong)).await;
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("secret"), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong-secret-of-a-test"));
    assert_eq!(platform.stats().requests["/oauth/token"], 1, "not retried");
}

#[tokio::test]
async fn a_missing_scope_is_final_with_the_platforms_code() {
    let platform = platform().await;
    let path = "/api/v2/notifications".to_owned();
    let fault = Fault::Http { path, status: 403, retry_after: None, count: 1, html: false };
    platform.fault(fault).unwrap();
    let error = refusal(stream(&platform, platform.credentials())).await;
    assert_eq!((error.kind(), error.status()), (ErrorKind::Forbidden, Some(403)));
    assert!(error.correlation_id().is_some());
}

#[tokio::test]
async fn a_wrong_clock_on_either_side_does_no_harm() {
    for ms in [-86_400_000, 86_400_000] {
        let platform = platform().await;
        platform.fault(Fault::ClockSkew { ms }).unwrap();
        let mut events = stream(&platform, platform.credentials()).start().await.unwrap();
        let item = events.next().await.unwrap().unwrap();
        assert!(matches!(item.event, Event::Lifecycle(Lifecycle::Connected { .. })), "{item:?}");
        assert_eq!(platform.stats().tokens_issued, 1);
    }
}

#[tokio::test]
async fn text_that_is_no_topic_is_an_error_before_anything_is_sent() {
    let platform = platform().await;
    for (text, hint) in [
        ("", "empty"),
        ("v2.users.a\nb.presence", "line break"),
        ("v2.users.{id}.presence", "placeholder"),
        ("users.a.presence", "v2."),
        ("v2.users..presence", "empty segment"),
        ("v2.üsers.a.presence", "ASCII"),
    ] {
        let builder = stream(&platform, platform.credentials()).subscribe(text);
        let error = refusal(builder).await;
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(hint), "{text:?}: {error}");
    }
    assert!(platform.stats().requests.is_empty());
}

#[tokio::test]
async fn the_5001st_topic_is_an_error_with_the_numbers() {
    let platform = platform().await;
    let names = (0..5_000).map(|n| format!("v2.users.x{n}.presence"));
    let error = refusal(stream(&platform, platform.credentials()).subscribe_all(names)).await;
    assert_eq!(error.kind(), ErrorKind::Capacity);
    let text = error.to_string();
    assert!(
        ["5001 topics", "6 channels", "1000", "max_channels"].iter().all(|n| text.contains(n)),
        "{text}"
    );
    assert!(platform.stats().requests.is_empty());
}

#[tokio::test]
async fn a_connect_uri_on_a_foreign_host_is_refused_and_not_shown() {
    let uri = "wss://evil.example/channels/uri-of-a-test";
    let server = Scripted::start_with(Some(uri), |_, socket| hold(socket)).await;
    let error = refusal(server.client().stream().subscribe(TOPIC)).await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("evil.example"), "{error}");
    assert!(!format!("{error} {error:?}").contains("uri-of-a-test"), "{error}");
    assert_eq!(server.dials(), 0);
}

#[tokio::test]
async fn a_proxy_that_refuses_connect_is_named_as_the_cause() {
    // REST goes around this proxy, so that the socket is what fails.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://user:proxy-password@{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let n = socket.read(&mut head).await.unwrap();
        socket.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&head[..n]).into_owned()
    });
    let uri = "ws://localhost:9/channels/uri-of-a-test";
    let server = Scripted::start_with(Some(uri), |_, socket| hold(socket)).await;
    let endpoints = server.endpoints().allow_streaming("ws://localhost:9").unwrap();
    let proxy = Proxy::http(&proxy).unwrap().bypass("127.0.0.1");
    let client = Client::builder(endpoints)
        .credentials(ClientCredentials::new("id", "a-secret-of-a-test"))
        .proxy(proxy)
        .build()
        .unwrap();
    let mut events = client.stream().subscribe(TOPIC).start().await.unwrap();
    let item = events.next().await.unwrap().unwrap();
    let Event::Lifecycle(Lifecycle::Disconnected { cause: Gone::Unreachable { detail }, .. }) =
        &item.event
    else {
        panic!("{item:?}");
    };
    assert!(detail.contains("proxy"), "{detail}");
    assert!(!format!("{item:?} {client:?}").contains("proxy-password"));
    let request = seen.await.unwrap();
    assert!(request.starts_with("CONNECT localhost:9 HTTP/1.1"), "{request}");
    assert!(request.to_lowercase().contains("proxy-authorization: basic "), "{request}");
}

#[tokio::test]
async fn a_proxy_that_opens_its_tunnel_carries_the_socket() {
    let platform = platform().await;
    let target = platform.endpoints().api().clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tunnels = tokio::spawn(async move {
        // The socket is the first to use CONNECT: plain REST is forwarded without a tunnel.
        loop {
            let (mut inbound, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(inbound.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let port = target.port().unwrap();
            let mut outbound = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            if head.starts_with("CONNECT ") {
                inbound.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                tokio::io::copy_bidirectional(&mut inbound, &mut outbound).await.unwrap();
                return head;
            }
            tokio::spawn(async move {
                let _ = outbound.write_all(head.as_bytes()).await;
                let _ = tokio::io::copy_bidirectional(&mut inbound, &mut outbound).await;
            });
        }
    });
    let client = Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .proxy(Proxy::http(&format!("http://user:pass@{address}")).unwrap())
        .build()
        .unwrap();
    let topic = format!("v2.users.{}.presence", platform.users()[0]);
    let mut events = client.stream().subscribe(topic.as_str()).start().await.unwrap();
    loop {
        let item = events.next().await.unwrap().unwrap();
        if matches!(item.event, Event::Lifecycle(Lifecycle::Subscribed { .. })) {
            break;
        }
    }
    events.close().await;
    drop(client);
    let head = tokio::time::timeout(PATIENCE, tunnels).await.unwrap().unwrap();
    assert!(head.to_lowercase().contains("proxy-authorization: basic"), "{head}");
}

#[tokio::test]
async fn tls_with_an_unknown_authority_says_what_to_do() {
    let platform = Platform::builder().tls(true).start().await.unwrap();
    let client = Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .retry(NoRetry)
        .build()
        .unwrap();
    let token = client.token_source().token().await.unwrap_err();
    let chain = chain(&token);
    assert!(chain.contains("add_root_pem"), "{chain}");
}

#[tokio::test]
async fn tls_to_the_wrong_host_says_what_to_check() {
    let platform = Platform::builder().tls(true).start().await.unwrap();
    let root = platform.root_certificate_pem().unwrap().as_bytes().to_vec();
    let port = platform.endpoints().api().port().unwrap();
    // The certificate is for 127.0.0.1 and localhost, and this is neither, though it leads there.
    let wrong = Endpoints::single(&format!("https://127.0.0.2:{port}")).unwrap();
    let client = Client::builder(wrong)
        .credentials(platform.credentials())
        .tls(Tls::new().add_root_pem(&root).unwrap())
        .retry(NoRetry)
        .build()
        .unwrap();
    let error = client.token_source().token().await.unwrap_err();
    let chain = chain(&error);
    assert!(chain.contains("another host") || chain.contains("refused"), "{chain}");
}

#[tokio::test]
async fn one_tls_configuration_serves_rest_and_sockets() {
    let platform = Platform::builder().tls(true).start().await.unwrap();
    let root = platform.root_certificate_pem().unwrap().as_bytes().to_vec();
    for tls in [
        Tls::new().add_root_pem(&root).unwrap(),
        Tls::new().add_root_pem(&root).unwrap().only_extra_roots(),
    ] {
        let client = Client::builder(platform.endpoints())
            .credentials(platform.credentials())
            .tls(tls)
            .build()
            .unwrap();
        let topic = format!("v2.users.{}.routingStatus", platform.users()[0]);
        let mut events = client.stream().subscribe(topic.as_str()).start().await.unwrap();
        let item = events.next().await.unwrap().unwrap();
        assert!(matches!(item.event, Event::Lifecycle(Lifecycle::Connected { .. })), "{item:?}");
        events.close().await;
    }
    assert!(rustls_has_no_process_default(), "the process default is left alone");
}

fn rustls_has_no_process_default() -> bool {
    rustls::crypto::CryptoProvider::get_default().is_none()
}

#[tokio::test]
async fn a_socket_that_accepts_and_says_nothing_does_not_hang_the_start() {
    let server = Scripted::start(|_, socket| hold(socket)).await;
    let timing = genesys_cloud::Timing::default().handshake(Duration::from_millis(300));
    let builder = server.client().stream().subscribe(TOPIC).timing(timing);
    let mut events = tokio::time::timeout(PATIENCE, builder.start()).await.unwrap().unwrap();
    let item = events.next().await.unwrap().unwrap();
    let Event::Lifecycle(Lifecycle::Disconnected { cause, retry_in, .. }) = &item.event else {
        panic!("{item:?}");
    };
    assert_eq!(*cause, Gone::HandshakeTimeout);
    assert!(retry_in.is_some_and(|wait| wait >= Duration::from_millis(100)));
}

#[tokio::test]
async fn a_server_that_closes_at_once_for_ever_is_not_stormed() {
    let server = Scripted::start(|_, mut socket| async move {
        let _ = socket.write_all(&pong()).await;
    })
    .await;
    let (asked, numbers) = std::sync::mpsc::channel();
    let policy = move |attempt: &Attempt<'_>| {
        asked.send(attempt.number).unwrap();
        FullJitter::new(Duration::from_millis(100), Duration::from_millis(800)).decide(attempt)
    };
    let mut events =
        server.client().stream().subscribe(TOPIC).reconnect(policy).start().await.unwrap();
    let begun = Instant::now();
    let mut waits = Vec::new();
    while waits.len() < 5 {
        if let Event::Lifecycle(Lifecycle::Disconnected { retry_in, .. }) =
            events.next().await.unwrap().unwrap().event
        {
            waits.push(retry_in.unwrap());
        }
    }
    assert!(numbers.try_iter().eq(1..=5), "opening forgets nothing");
    assert!(waits.iter().all(|wait| *wait >= Duration::from_millis(100)), "{waits:?}");
    assert!(begun.elapsed() >= waits.iter().take(4).sum::<Duration>());
    assert_eq!(server.dials(), 5);
}

#[tokio::test]
async fn a_policy_that_allows_no_second_attempt_ends_the_start() {
    let platform = platform().await;
    platform.fault(Fault::RefuseConnect { for_ms: 60_000 }).unwrap();
    let policy = FixedDelay::new(Duration::ZERO).max_attempts(0);
    let error = refusal(stream(&platform, platform.credentials()).reconnect(policy)).await;
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn plain_http_is_refused_off_loopback() {
    let error = Endpoints::single("http://api.mypurecloud.com").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[test]
fn a_client_without_an_identity_is_an_error() {
    let error = Client::builder(genesys_cloud::Region::UsEast1).build().unwrap_err();
    assert!(error.to_string().contains("credentials()"), "{error}");
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
