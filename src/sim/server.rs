//! The accept loop, and one HTTP/1.1 connection.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::io::{Carrier, FaultIo, Link};
use super::router;
use super::shared::Shared;

/// How long a client may take for the TLS handshake.
const TLS_DEADLINE: Duration = Duration::from_secs(30);

/// Accepts connections for as long as the platform runs.
pub(super) async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                shared.spawn(connection(Arc::clone(&shared), tcp, tls.clone()));
            }
            // Such as too many open files: it passes, but not at once.
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

pub(super) async fn connection(shared: Arc<Shared>, tcp: impl Carrier, tls: Option<TlsAcceptor>) {
    let (io, link) = FaultIo::new(tcp);
    let Some(tls) = tls else {
        return serve(shared, io, link).await;
    };
    if let Ok(Ok(io)) = timeout(TLS_DEADLINE, tls.accept(io)).await {
        serve(shared, io, link).await;
    }
}

async fn serve<Io>(shared: Arc<Shared>, io: Io, link: Arc<Link>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service =
        service_fn(|request| router::handle(Arc::clone(&shared), Arc::clone(&link), request));
    // A client that goes away, or a connection that a fault has broken, is nothing to report.
    let _ = http1::Builder::new()
        // Some SDKs look for `Retry-After` in exactly that spelling.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades()
        .await;
}
