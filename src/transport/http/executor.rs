//! The `Execute` seam, and the bare executor: one attempt, one answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect;

use crate::core::ports::BoxFuture;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::ambient::Ambient;
use crate::transport::http::fault;
use crate::transport::http::request::Request;
use crate::transport::http::response::Response;
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;

/// Takes a request to an answer, of any status; an error means that there is no answer.
pub(crate) trait Execute: Send + Sync {
    fn execute<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>>;
}

const _: fn(&dyn Execute) = |_| {};

/// Limits of one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// DNS, TCP, proxy and TLS together.
    pub(crate) connect: Duration,
    /// The whole attempt, answer included, unless the request says otherwise.
    pub(crate) attempt: Duration,
    /// Longest body that is read, in bytes.
    pub(crate) body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Three lost SYN packets: 1 + 2 + 4 s of TCP's own retries.
            connect: Duration::from_secs(10),
            // Twice the default of Genesys' JavaScript client (16 s): analytics queries take their time.
            attempt: Duration::from_secs(32),
            // A page of 100 conversations is a few hundred KiB; this is room for the largest that was seen, times ten.
            body: 16 * 1024 * 1024,
        }
    }
}

/// Sends a request once, over pooled connections.
pub(crate) struct BareExecutor {
    client: reqwest::Client,
    limits: Limits,
    told_skew: AtomicBool,
    ambient: Ambient,
    /// Where requests go instead of to the network.
    #[cfg(test)]
    pipes: Option<Arc<dyn crate::transport::pipe::Pipes>>,
}

/// An HTTP client with connections of its own.
fn client(tls: &Tls, proxy: &Proxy, connect: Duration) -> Result<reqwest::Client> {
    // A few hundred calls a minute need no HTTP/2: a dead connection fails the one call on it, and no other.
    let config = Arc::unwrap_or_clone(tls.client_config(&[b"http/1.1"])?);
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent(concat!("genesys-cloud-rust/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        // AWS's load balancers drop what is idle for 60 s: be first, so that no request meets a closing door.
        .pool_idle_timeout(Duration::from_secs(55))
        // A redirect would carry the token to a host of the server's choice.
        .redirect(redirect::Policy::none())
        .referer(false)
        // The one retry loop is ours.
        .retry(reqwest::retry::never());
    proxy.apply(builder).build().map_err(|error| {
        Error::config("HTTP client cannot be built").with_source(error.without_url())
    })
}

impl BareExecutor {
    pub(crate) fn new(tls: &Tls, proxy: &Proxy, limits: Limits, ambient: Ambient) -> Result<Self> {
        let client = tls.pool.get(proxy, limits.connect, || client(tls, proxy, limits.connect))?;
        Ok(Self {
            client,
            limits,
            told_skew: AtomicBool::new(false),
            ambient,
            #[cfg(test)]
            pipes: None,
        })
    }

    /// The same, with requests that go there.
    #[cfg(test)]
    pub(crate) fn leading_to(self, pipes: Option<Arc<dyn crate::transport::pipe::Pipes>>) -> Self {
        Self { pipes, ..self }
    }

    async fn attempt(&self, request: &Request) -> Result<Response> {
        #[cfg(test)]
        if let Some(pipes) = &self.pipes {
            let (status, headers, body) =
                crate::transport::pipe::exchange(&**pipes, request).await?;
            return Ok(Response::new(status, headers, body, self.ambient.clock.wall()));
        }
        let mut outgoing = self
            .client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            outgoing = outgoing.body(body.clone());
        }
        let mut incoming = outgoing.send().await.map_err(fault::of_exchange)?;
        let status = incoming.status().as_u16();
        let headers = std::mem::take(incoming.headers_mut());
        let body = self.read(&mut incoming).await?;
        let wall = self.ambient.clock.wall();
        Ok(Response::new(status, headers, body, wall))
    }

    async fn read(&self, incoming: &mut reqwest::Response) -> Result<Bytes> {
        let limit = self.limits.body;
        let too_long = || {
            Error::new(ErrorKind::Capacity, format!("answer is over the limit of {limit} bytes"))
        };
        let announced = incoming.content_length().unwrap_or(0);
        if announced > limit as u64 {
            return Err(too_long());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = incoming.chunk().await.map_err(fault::of_exchange)? {
            if chunk.len() > limit - body.len() {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

impl Execute for BareExecutor {
    fn execute<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        Box::pin(async move {
            let started = self.ambient.clock.now();
            let deadline = request.deadline.unwrap_or(self.limits.attempt);
            let response =
                tokio::time::timeout(deadline, self.attempt(request)).await.map_err(|_| {
                    let seconds = deadline.as_secs_f64();
                    Error::new(ErrorKind::Timeout, format!("no complete answer within {seconds} s"))
                        .retryable(true)
                })??;
            let elapsed = self.ambient.clock.now().saturating_duration_since(started);
            self.ambient.tell(&Signal::Request {
                method: request.method.as_str(),
                operation: &request.operation,
                status: response.status,
                elapsed,
            });
            if let Some(skew) = response.skew
                && !self.told_skew.swap(true, Ordering::Relaxed)
            {
                self.ambient.tell(&Signal::ClockOff { off: skew.off, ahead: skew.ahead });
            }
            Ok(response)
        })
    }
}
