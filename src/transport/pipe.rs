//! Connections in memory, for tests under a paused clock: it runs on while a real socket is waited for.

use std::pin::pin;

use bytes::Bytes;
use futures::future::{Either, select};
use http::HeaderMap;
use http::header::HOST;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Error, ErrorKind, Result};
use crate::transport::http::request::Request;

/// Both directions of a connection.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Our end of a connection.
pub(crate) type Pipe = Box<dyn Duplex>;

/// Where connections lead.
pub(crate) trait Pipes: Send + Sync {
    /// A new connection.
    fn open(&self) -> Pipe;
}

/// One request over a connection of its own: status, headers and body.
pub(crate) async fn exchange(
    pipes: &dyn Pipes,
    request: &Request,
) -> Result<(u16, HeaderMap, Bytes)> {
    let (url, body) = (&request.url, request.body.clone().unwrap_or_default());
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut outgoing = http::Request::builder()
        .method(request.method.clone())
        .uri(target)
        .header(HOST, url.authority())
        .body(Full::new(body))
        .map_err(|error| Error::config("request cannot be built").with_source(error))?;
    outgoing.headers_mut().extend(request.headers.clone());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(pipes.open())).await.map_err(cut)?;
    let exchange = pin!(async {
        let (head, body) = sender.send_request(outgoing).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((head.status.as_u16(), head.headers, body))
    });
    match select(exchange, pin!(connection)).await {
        Either::Left((answer, _)) => answer.map_err(cut),
        Either::Right((_, exchange)) => exchange.await.map_err(cut),
    }
}

fn cut(error: hyper::Error) -> Error {
    Error::new(ErrorKind::Transport, "connection was cut before the answer was complete")
        .with_source(error)
        .retryable(true)
}
