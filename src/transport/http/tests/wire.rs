//! The bare executor over real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::{BareExecutor, Execute, Limits};
use crate::transport::http::request::Request;
use crate::transport::http::response::Response;
use crate::transport::loopback::{Loopback, Reply};
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;

fn limits() -> Limits {
    Limits {
        body: 1000,
        ..Limits::default()
    }
}

async fn send(url: &str, tls: &Tls, proxy: &Proxy, limits: Limits) -> Result<Response> {
    let executor = BareExecutor::new(tls, proxy, limits, Ambient::default())?;
    let request = Request::new(Method::GET, "/x", Url::parse(url).unwrap());
    executor.execute(&request).await
}

async fn get(url: &str) -> Result<Response> {
    send(url, &Tls::new(), &Proxy::none(), limits()).await
}

/// The whole of an error, as a log would show it.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text = format!("{text} | {source}");
        next = source.source();
    }
    text
}

#[tokio::test]
async fn a_request_says_who_we_are_and_follows_no_redirect() {
    let server =
        Loopback::start(|_, _| Reply::new(302, &[("location", "http://127.0.0.1:1/")], "")).await;
    let response = get(&format!("{}/a?b=c", server.url())).await.unwrap();
    assert_eq!(response.status, 302);
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("GET", "/a?b=c")
    );
    let agent = concat!("genesys-cloud-rust/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.header("user-agent"), Some(agent));
    assert_eq!(seen.header("inin-correlation-id"), None);
}

#[tokio::test]
async fn a_refused_connection_is_proven_unsent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = get(&format!("http://127.0.0.1:{port}/hush"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.is_proven_unsent() && error.is_retryable());
    assert!(!shown(&error).contains("hush"), "{}", shown(&error));
}

#[tokio::test]
async fn a_cut_before_and_inside_the_answer_is_retryable_but_not_unsent() {
    for reply in [Reply::cut(), Reply::truncated()] {
        let server = Loopback::start(move |_, _| reply.clone()).await;
        let error = get(&format!("{}/hush", server.url())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.is_retryable() && !error.is_proven_unsent());
        assert!(!shown(&error).contains("hush"), "{}", shown(&error));
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_announced_or_not() {
    let announced = Reply::new(200, &[], &"x".repeat(1001));
    let chunk = format!("{:x}\r\n{}\r\n", 600, "x".repeat(600));
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let sneaked = Reply::Bytes(format!("{head}{chunk}{chunk}0\r\n\r\n").into_bytes());
    for reply in [announced, sneaked] {
        let server = Loopback::start(move |_, _| reply.clone()).await;
        let error = get(&server.url()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Capacity);
        assert!(error.to_string().contains("1000 bytes") && !error.is_retryable());
    }
    let server = Loopback::start(|_, _| Reply::new(200, &[], &"x".repeat(1000))).await;
    assert_eq!(get(&server.url()).await.unwrap().body.len(), 1000);
}

#[tokio::test]
async fn a_server_that_never_answers_runs_into_the_deadline() {
    let server = Loopback::start(|_, _| Reply::Hang).await;
    let limits = Limits {
        attempt: Duration::from_millis(50),
        ..limits()
    };
    let error = send(&server.url(), &Tls::new(), &Proxy::none(), limits)
        .await
        .unwrap_err();
    assert!(error.is_timeout() && error.is_retryable() && !error.is_proven_unsent());
}

#[tokio::test]
async fn the_proxy_is_used_with_its_credentials_and_bypassed_where_told() {
    let server = Loopback::start(|_, _| Reply::json(200, "direct")).await;
    let relay = Loopback::start(|_, _| Reply::json(200, "relayed")).await;
    let proxy = Proxy::http(&format!("http://user:p%40ss@{}", relay.address)).unwrap();
    let response = send(&server.url(), &Tls::new(), &proxy, limits())
        .await
        .unwrap();
    assert_eq!(&response.body[..], b"relayed");
    let seen = &relay.seen()[0];
    assert_eq!(seen.target, format!("{}/", server.url()));
    // user:p@ss
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpwQHNz")
    );
    let proxy = proxy.bypass("127.0.0.1");
    let response = send(&server.url(), &Tls::new(), &proxy, limits())
        .await
        .unwrap();
    assert_eq!(&response.body[..], b"direct");
}

#[tokio::test]
async fn a_proxy_that_refuses_to_connect_is_named_as_the_cause() {
    for (status, words, retryable) in [
        (407, "proxy asks for credentials", false),
        (403, "proxy refused to connect", true),
    ] {
        let relay = Loopback::start(move |_, _| Reply::new(status, &[], "")).await;
        let proxy = Proxy::http(&format!("http://user:hush@{}", relay.address)).unwrap();
        let error = send("https://api.example/", &Tls::new(), &proxy, limits())
            .await
            .unwrap_err();
        assert_eq!(relay.seen()[0].method, "CONNECT");
        assert_eq!(relay.seen()[0].target, "api.example:443");
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.is_retryable(), retryable);
        assert!(!shown(&error).contains("hush"));
    }
}

struct Authority {
    pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    acceptor: TlsAcceptor,
}

/// A self-signed certificate for a host, and a server that presents it.
fn authority(host: &str) -> Authority {
    let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let chain = vec![made.cert.der().clone()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.clone(), key.clone_key())
        .unwrap();
    Authority {
        pem: made.cert.pem(),
        chain,
        key,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    }
}

#[tokio::test]
async fn a_root_that_was_added_is_trusted_and_an_unknown_one_is_named_as_the_cause() {
    let made = authority("localhost");
    let server = Loopback::serve(Some(made.acceptor), |_, _| Reply::json(200, "{}")).await;
    let url = format!("https://localhost:{}/hush", server.address.port());
    let trusting = Tls::new().add_root_pem(made.pem.as_bytes()).unwrap();
    for tls in [trusting.clone(), trusting.only_extra_roots()] {
        let response = send(&url, &tls, &Proxy::none(), limits()).await.unwrap();
        assert_eq!(response.status, 200);
    }
    let error = get(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("Tls::add_root_pem"), "{error}");
    assert!(
        !error.is_retryable(),
        "asking again does not make it trusted"
    );
    assert!(!shown(&error).contains("hush"));
}

#[tokio::test]
async fn a_client_certificate_is_presented_to_a_server_that_asks_for_one() {
    let made = authority("localhost");
    let own = rcgen::generate_simple_self_signed(["me".to_owned()]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let asking = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        provider.clone(),
    );
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(asking.build().unwrap())
        .with_single_cert(made.chain, made.key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Loopback::serve(Some(acceptor), |_, _| Reply::json(200, "{}")).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let anonymous = Tls::new().add_root_pem(made.pem.as_bytes()).unwrap();
    send(&url, &anonymous, &Proxy::none(), limits())
        .await
        .unwrap_err();
    assert_eq!(server.count(), 0);
    let key = own.signing_key.serialize_pem();
    let known = anonymous
        .client_certificate_pem(own.cert.pem().as_bytes(), key.as_bytes())
        .unwrap();
    let response = send(&url, &known, &Proxy::none(), limits()).await.unwrap();
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn an_answer_is_told_with_its_operation_and_never_with_its_address() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = told.clone();
    let ambient = Ambient {
        observer: Arc::new(move |signal: &Signal<'_>| {
            sink.lock().unwrap().push(format!("{signal:?}"));
        }),
        ..Ambient::default()
    };
    let server = Loopback::start(|_, _| Reply::json(418, "hush")).await;
    let executor = BareExecutor::new(&Tls::new(), &Proxy::none(), limits(), ambient).unwrap();
    let url = Url::parse(&format!("{}/hush?hush=hush", server.url())).unwrap();
    let request = Request::new(Method::POST, "/x/{id}", url);
    executor.execute(&request).await.unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1);
    for words in ["POST", "/x/{id}", "418"] {
        assert!(told[0].contains(words), "{}", told[0]);
    }
    assert!(!told[0].contains("hush"));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_named_as_the_cause() {
    let made = authority("other.example");
    let server = Loopback::serve(Some(made.acceptor), |_, _| Reply::json(200, "{}")).await;
    let tls = Tls::new().add_root_pem(made.pem.as_bytes()).unwrap();
    let url = format!("https://localhost:{}/", server.address.port());
    let error = send(&url, &tls, &Proxy::none(), limits())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("another host"), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(server.count(), 0);
}
