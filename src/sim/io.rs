//! A TCP stream that can be told to misbehave, below TLS and below the WebSocket.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What one TCP connection was told to do.
#[derive(Debug, Default)]
pub(super) struct Link {
    reset: AtomicBool,
    trickle: AtomicBool,
}

impl Link {
    /// From now on the connection is broken, and dropping it sends a TCP RST.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// Whether each write is one byte long.
    pub(super) fn trickle(&self, yes: bool) {
        self.trickle.store(yes, Ordering::Relaxed);
    }

    fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }
}

/// A TCP stream under the orders of its [`Link`].
#[derive(Debug)]
pub(super) struct FaultIo {
    tcp: TcpStream,
    link: Arc<Link>,
}

impl FaultIo {
    pub(super) fn new(tcp: TcpStream) -> (Self, Arc<Link>) {
        // Without this, the kernel would glue the bytes of `trickle` together again.
        let _ = tcp.set_nodelay(true);
        let link = Arc::new(Link::default());
        let io = Self {
            tcp,
            link: Arc::clone(&link),
        };
        (io, link)
    }
}

impl Drop for FaultIo {
    fn drop(&mut self) {
        if self.link.is_reset() {
            let _ = self.tcp.set_zero_linger();
        }
    }
}

fn broken() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

impl AsyncRead for FaultIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.link.is_reset() {
            return Poll::Ready(Err(broken()));
        }
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for FaultIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.link.is_reset() {
            return Poll::Ready(Err(broken()));
        }
        let bytes = match bytes.first_chunk::<1>() {
            Some(first) if self.link.trickle.load(Ordering::Relaxed) => first,
            _ => bytes,
        };
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.link.is_reset() {
            // A FIN would come before the RST.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
