//! Opening a connection: DNS and TCP or a proxy's tunnel, TLS, and the upgrade.
//!
//! The upgrade is made by hyper rather than by the WebSocket library, which writes the whole request, channel id and
//! all, to its log.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::{Either as Raced, select};
use http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use tower_service::Service;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use url::Url;

use super::frame::Buffers;
use super::meter::{Meter, Metered};
use super::socket::{Socket, Tcp, Wire, io_detail};
use crate::core::clock::Clock;
use crate::core::close::Gone;
use crate::core::ports::AccessToken;
use crate::core::secret::Secret;
use crate::transport::http::retry_after::retry_after;
#[cfg(test)]
use crate::transport::pipe::Pipes;
use crate::transport::proxy::Proxy;
use crate::transport::tls::advice;

/// What we call ourselves.
const AGENT: &str = concat!("genesys-cloud-rust/", env!("CARGO_PKG_VERSION"));

/// Where to connect, and what to say. `Debug` shows neither path nor query: they hold credentials.
#[derive(Clone)]
pub struct DialRequest {
    pub(crate) url: Url,
    headers: Vec<(Box<str>, Secret)>,
}

impl DialRequest {
    /// A connection to a `ws` or `wss` address. The token may be in its query.
    pub fn new(url: Url) -> Self {
        Self { url, headers: Vec::new() }
    }

    /// Sends the token as `Authorization: Bearer`.
    pub fn bearer(self, token: &AccessToken) -> Self {
        let value = format!("Bearer {}", token.secret.expose());
        self.header(AUTHORIZATION.as_str(), value)
    }

    /// Sends a header with the upgrade, instead of ours of the same name.
    pub fn header(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl fmt::Debug for DialRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "DialRequest({}://{host}/..)", self.url.scheme())
    }
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub(crate) struct DialError {
    pub(crate) gone: Gone,
    /// The server's `Retry-After`, if it sent one.
    pub(crate) retry_after: Option<Duration>,
}

impl From<Gone> for DialError {
    fn from(gone: Gone) -> Self {
        Self { gone, retry_after: None }
    }
}

/// Opens WebSocket connections.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) proxy: Proxy,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where connections lead instead of to the network.
    #[cfg(test)]
    pub(crate) pipes: Option<Arc<dyn Pipes>>,
}

impl Connector {
    /// Opens one connection. Has no deadline of its own: the session's handshake deadline drops this future.
    pub(crate) async fn connect(
        &self,
        request: &DialRequest,
        buffers: Buffers,
    ) -> Result<Socket, DialError> {
        let url = &request.url;
        let meter = Arc::new(Meter::new(self.clock.clone()));
        let tcp = Metered::new(self.tcp(url).await?, meter.clone());
        let wire: Wire = if url.scheme() == "wss" {
            let name = match url.host() {
                Some(url::Host::Domain(name)) => {
                    ServerName::try_from(name.to_owned()).map_err(|_| {
                        unreachable("the host name cannot be checked against a certificate")
                    })?
                }
                Some(url::Host::Ipv4(ip)) => ServerName::from(std::net::IpAddr::V4(ip)),
                Some(url::Host::Ipv6(ip)) => ServerName::from(std::net::IpAddr::V6(ip)),
                None => return Err(unreachable("the address has no host").into()),
            };
            let tls = TlsConnector::from(self.tls.clone())
                .connect(name, tcp)
                .await
                .map_err(|error| tls_gone(&error))?;
            Either::Right(Box::new(tls))
        } else {
            Either::Left(tcp)
        };
        self.upgrade(wire, request, meter, buffers).await
    }

    async fn tcp(&self, url: &Url) -> Result<Tcp, Gone> {
        #[cfg(test)]
        if let Some(pipes) = &self.pipes {
            return Ok(Either::Right(pipes.open()));
        }
        let target = Self::uri(url)?;
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        let connected = match self.proxy.intercept(url) {
            None => direct.call(target).await.map_err(|error| Gone::Unreachable {
                detail: connect_detail("could not connect", &error).into(),
            })?,
            Some(proxy) if proxy.uri.scheme_str() != Some("http") => {
                return Err(unreachable("only a plain http:// proxy can carry a socket"));
            }
            Some(proxy) => {
                let mut tunnel = Tunnel::new(proxy.uri, direct);
                if let Some(auth) = proxy.auth {
                    tunnel = tunnel.with_auth(auth);
                }
                tunnel.call(target).await.map_err(|error| Gone::Unreachable {
                    detail: connect_detail("the proxy did not open a tunnel", &error).into(),
                })?
            }
        };
        let tcp = connected.into_inner();
        // A ping is worth its own packet.
        let _ = tcp.set_nodelay(true);
        #[cfg(test)]
        let tcp = Either::Left(tcp);
        Ok(tcp)
    }

    /// Scheme, host and port alone.
    fn uri(url: &Url) -> Result<Uri, Gone> {
        let host = url.host_str().ok_or_else(|| unreachable("the address has no host"))?;
        let port = url.port_or_known_default().unwrap_or(443);
        let scheme = if url.scheme() == "wss" { "https" } else { "http" };
        format!("{scheme}://{host}:{port}/")
            .parse()
            .map_err(|_| unreachable("the address has no valid host"))
    }

    async fn upgrade(
        &self,
        wire: Wire,
        request: &DialRequest,
        meter: Arc<Meter>,
        buffers: Buffers,
    ) -> Result<Socket, DialError> {
        let key = generate_key();
        let upgrade = Self::upgrade_request(request, &key)?;
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .handshake::<_, Empty<Bytes>>(TokioIo::new(wire))
            .await
            .map_err(|error| http_gone(&error))?;
        let connection = std::pin::pin!(connection.with_upgrades());
        let exchange = std::pin::pin!(async {
            let answer = sender.send_request(upgrade).await;
            let response = answer.map_err(|error| http_gone(&error))?;
            check(&response, &key, self.clock.wall())?;
            let upgraded = hyper::upgrade::on(response).await;
            Ok::<_, DialError>(upgraded.map_err(|error| http_gone(&error))?)
        });
        // The connection ends as soon as it has handed over its bytes, which may be before or after the exchange.
        let upgraded = match select(exchange, connection).await {
            Raced::Left((upgraded, _)) => upgraded?,
            Raced::Right((ended, exchange)) => {
                ended.map_err(|error| http_gone(&error))?;
                exchange.await?
            }
        };
        let parts = upgraded.downcast::<TokioIo<Wire>>().map_err(|_| Gone::Protocol {
            detail: "the upgraded connection is of another type".into(),
        })?;
        Ok(Socket::new(parts.io.into_inner(), &parts.read_buf, meter, buffers).await)
    }

    fn upgrade_request(request: &DialRequest, key: &str) -> Result<Request<Empty<Bytes>>, Gone> {
        let url = &request.url;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(unreachable("the address has no host")),
        };
        let builder = Request::get(target)
            .header(HOST, host)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, key)
            .header(USER_AGENT, AGENT);
        let mut upgrade = builder
            .body(Empty::new())
            .map_err(|_| unreachable("the address does not make a request"))?;
        for (name, value) in &request.headers {
            let name = HeaderName::try_from(&**name);
            let value = HeaderValue::try_from(value.expose());
            let (Ok(name), Ok(mut value)) = (name, value) else {
                return Err(unreachable("a header of the request is not valid HTTP"));
            };
            value.set_sensitive(true);
            upgrade.headers_mut().insert(name, value);
        }
        Ok(upgrade)
    }
}

/// Whether the server really agreed to this WebSocket (RFC 6455, section 4.1).
fn check(response: &Response<Incoming>, key: &str, wall: SystemTime) -> Result<(), DialError> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(DialError {
            gone: Gone::Refused { status: response.status().as_u16() },
            retry_after: retry_after(response.headers(), wall),
        });
    }
    let is = |name: &HeaderName, wanted: &str| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|text| {
            text.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted))
        })
    };
    let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT);
    let accepted = accept
        .is_some_and(|value| value.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes());
    if is(&UPGRADE, "websocket") && is(&CONNECTION, "upgrade") && accepted {
        Ok(())
    } else {
        Err(Gone::Protocol { detail: "the answer to the upgrade is not a WebSocket's".into() }
            .into())
    }
}

fn unreachable(detail: &str) -> Gone {
    Gone::Unreachable { detail: detail.into() }
}

/// TLS failures keep their text: it names the certificate's fault and no secret.
fn tls_gone(error: &std::io::Error) -> Gone {
    let detail = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => match advice(tls) {
            Some(advice) => format!("TLS: {advice}"),
            None => format!("TLS: {tls}"),
        },
        None => format!("TLS: {}", io_detail(error)),
    };
    Gone::Unreachable { detail: detail.into() }
}

fn http_gone(error: &hyper::Error) -> Gone {
    if error.is_parse() {
        return Gone::Protocol { detail: "the answer to the upgrade is not HTTP".into() };
    }
    let detail = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .map_or_else(|| "cut during the upgrade".into(), io_detail);
    Gone::Cut { detail }
}

/// The last cause of a failed connect: the one that says what to do.
fn connect_detail(what: &str, error: &(dyn std::error::Error + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    match root.downcast_ref::<std::io::Error>() {
        Some(io) if io.kind() != std::io::ErrorKind::Other => format!("{what}: {}", io_detail(io)),
        _ => format!("{what}: {root}"),
    }
}
