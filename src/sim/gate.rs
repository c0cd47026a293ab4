//! A stream whose writes can be made to vanish: the WebSocket library answers every ping by itself, and cannot be
//! told not to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Between the WebSocket and TLS, so that what vanishes is whole frames.
#[derive(Debug)]
pub(super) struct Gate<Io> {
    io: Io,
    shut: bool,
}

impl<Io> Gate<Io> {
    pub(super) fn new(io: Io) -> Self {
        Self { io, shut: false }
    }

    /// Whether writes vanish from now on. To be changed only when all that was written is flushed.
    pub(super) fn shut(&mut self, shut: bool) {
        self.shut = shut;
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Gate<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Gate<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.shut {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn writes_vanish_while_it_is_shut() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut gate = Gate::new(near);
        gate.shut(true);
        gate.write_all(b"lost").await.unwrap();
        gate.shut(false);
        gate.write_all(b"kept").await.unwrap();
        let mut seen = [0; 4];
        far.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"kept");
    }
}
