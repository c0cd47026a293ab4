//! A TCP stream that can be told to misbehave, below TLS and below the WebSocket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What one TCP connection was told to do.
#[derive(Debug)]
pub(super) struct Link {
    reset: AtomicBool,
    trickle: AtomicBool,
    /// Bytes that may still be written before all others vanish.
    left: AtomicUsize,
}

/// No limit to what may be written.
const ENDLESS: usize = usize::MAX;

impl Default for Link {
    fn default() -> Self {
        let (reset, trickle) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { reset, trickle, left: AtomicUsize::new(ENDLESS) }
    }
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

    /// So many bytes are still written; those that come after them vanish.
    pub(super) fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Relaxed)
    }
}

/// What carries the bytes of a connection.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Every write is on its way at once.
    fn at_once(&self);

    /// To be dropped now breaks the connection.
    fn breaks(&self);
}

impl Carrier for TcpStream {
    fn at_once(&self) {
        let _ = self.set_nodelay(true);
    }

    fn breaks(&self) {
        let _ = self.set_zero_linger();
    }
}

/// A TCP stream under the orders of its [`Link`].
#[derive(Debug)]
pub(super) struct FaultIo<C: Carrier> {
    tcp: C,
    link: Arc<Link>,
}

impl<C: Carrier> FaultIo<C> {
    pub(super) fn new(tcp: C) -> (Self, Arc<Link>) {
        // Without this, the kernel would glue the bytes of `trickle` together again.
        tcp.at_once();
        let link = Arc::new(Link::default());
        let io = Self { tcp, link: Arc::clone(&link) };
        (io, link)
    }
}

impl<C: Carrier> Drop for FaultIo<C> {
    fn drop(&mut self) {
        if self.link.is_reset() {
            self.tcp.breaks();
        }
    }
}

fn broken() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

impl<C: Carrier> AsyncRead for FaultIo<C> {
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

impl<C: Carrier> AsyncWrite for FaultIo<C> {
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
        let left = self.link.left.load(Ordering::Relaxed);
        if left == ENDLESS {
            return Pin::new(&mut self.tcp).poll_write(cx, bytes);
        }
        let Some(rest) = bytes.get(..left.min(bytes.len())).filter(|rest| !rest.is_empty()) else {
            return Poll::Ready(Ok(bytes.len()));
        };
        let written = std::task::ready!(Pin::new(&mut self.tcp).poll_write(cx, rest))?;
        self.link.left.store(left - written.min(left), Ordering::Relaxed);
        Poll::Ready(Ok(written))
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (FaultIo<TcpStream>, Arc<Link>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        let (io, link) = FaultIo::new(server.unwrap().0);
        (io, link, client.unwrap())
    }

    #[tokio::test]
    async fn trickle_writes_one_byte_at_a_time() {
        let (mut io, link, mut client) = pair().await;
        assert_eq!(io.write(b"hello").await.unwrap(), 5);
        link.trickle(true);
        assert_eq!(io.write(b"hello").await.unwrap(), 1);
        assert_eq!(io.write(b"").await.unwrap(), 0);
        link.trickle(false);
        assert_eq!(io.write(b"ello").await.unwrap(), 4);
        let mut all = [0; 10];
        client.read_exact(&mut all).await.unwrap();
        assert_eq!(&all, b"hellohello");
    }

    #[tokio::test]
    async fn a_cut_connection_ends_in_the_middle_and_with_fin() {
        let (mut io, link, mut client) = pair().await;
        link.cut_after(3);
        io.write_all(b"hello").await.unwrap();
        io.write_all(b"lost").await.unwrap();
        io.shutdown().await.unwrap();
        let mut seen = Vec::new();
        client.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, b"hel");
    }

    #[tokio::test]
    async fn a_reset_connection_neither_reads_nor_writes_and_ends_with_rst() {
        let (mut io, link, mut client) = pair().await;
        link.reset();
        assert!(io.write(b"x").await.is_err());
        assert!(io.read(&mut [0]).await.is_err());
        drop(io);
        let error = client.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
